/* From the samples of a data set to the network's input: which ones, in which order, how they are changed. */
#include <string.h>

#include "train/survival.h"
#include "train/trainer_private.h"

/* ---- order ---- */

static uint32_t extreme_count(const nsc_trainer *t) {
  uint32_t most = 0, least = UINT32_MAX;
  for (uint32_t label = 0; label < t->data->label_count; label++) {
    if (t->counts[label] > most) most = t->counts[label];
    if (t->counts[label] < least) least = t->counts[label];
  }
  return t->options.sampling == NSC_SAMPLING_OVER ? most : least;
}

uint32_t nsc_trainer_draws(const nsc_trainer *t) {
  return t->options.sampling == NSC_SAMPLING_ALL ? t->train_count : extreme_count(t) * t->data->label_count;
}

/* `wanted` samples of a label: a random order of all of them, begun anew as often as needed. */
static void draw_label(nsc_trainer *t, uint32_t label, uint32_t wanted, nsc_rng *rng, uint32_t *out) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < t->data->count && n < wanted; i++) {
    const nsc_sample *s = &t->data->samples[i];
    if (s->split != NSC_SPLIT_TRAIN || s->label != label) continue;
    out[n++] = i;
  }
  if (n < wanted) {
    for (uint32_t i = n; i < wanted; i++) out[i] = out[i % n];
    return;
  }
  /* As many as wanted, or more: each of the rest takes a place with the chance that keeps all equally likely
     (reservoir sampling, Vitter 1985). */
  uint32_t seen = 0;
  for (uint32_t i = 0; i < t->data->count; i++) {
    const nsc_sample *s = &t->data->samples[i];
    if (s->split != NSC_SPLIT_TRAIN || s->label != label || seen++ < wanted) continue;
    uint32_t place = nsc_rng_below(rng, seen);
    if (place < wanted) out[place] = i;
  }
}

void nsc_trainer_order(nsc_trainer *t) {
  const nsc_rng orders = nsc_rng_split(&t->root, NSC_STREAM_ORDER);
  nsc_rng rng = nsc_rng_split(&orders, t->at.epoch);
  uint32_t n = 0;
  if (t->options.sampling == NSC_SAMPLING_ALL) {
    for (uint32_t i = 0; i < t->data->count; i++) {
      if (t->data->samples[i].split == NSC_SPLIT_TRAIN) t->order[n++] = i;
    }
  } else {
    uint32_t each = extreme_count(t);
    for (uint32_t label = 0; label < t->data->label_count; label++, n += each) {
      draw_label(t, label, each, &rng, t->order + n);
    }
  }
  nsc_rng_shuffle(&rng, t->order, n);
}

/* ---- input and targets ---- */

typedef struct fill_task {
  nsc_trainer *t;
  const uint32_t *samples;
  bool training;
  nsc_rng epoch;
  uint32_t first; /* place of the batch in the epoch: a sample that is drawn twice is changed in two ways */
} fill_task;

static void fill_samples(void *context, size_t from, size_t count) {
  const fill_task *task = context;
  const nsc_trainer *t = task->t;
  const nsc_dataset *d = t->data;
  size_t size = d->features ? d->feature_count : d->height * d->width * d->channels;
  for (size_t i = from; i < from + count; i++) {
    uint32_t sample = task->samples[i];
    float *to = nsc_net_tensor(t->net, t->net->input)->value + i * size;
    if (d->features) {
      memcpy(to, d->features + sample * size, size * sizeof *to);
      continue;
    }
    nsc_rng rng = nsc_rng_split(&task->epoch, task->first + i);
    nsc_augment_apply(task->training ? &t->options.augment : NULL, rng, nsc_dataset_pixels(d, sample), d->height,
                      d->width, d->channels, to);
    nsc_normalise(&t->options.normal, to, size, d->channels);
  }
}

/* Numbers about the patients, beside the pictures. */
static void fill_fields(nsc_trainer *t, const uint32_t *samples, size_t count) {
  const nsc_survival_spec *spec = t->data->survival;
  if (!spec || spec->field_count == 0) return;
  float *to = nsc_net_tensor(t->net, t->net->fields)->value;
  for (size_t i = 0; i < count; i++) {
    nsc_survival_inputs(spec, t->data->samples[samples[i]].outcome->fields, to + i * spec->field_count);
  }
}

void nsc_trainer_fill(nsc_trainer *t, const uint32_t *samples, size_t count, bool training) {
  const nsc_rng augments = nsc_rng_split(&t->root, NSC_STREAM_AUGMENT);
  fill_task task = {t, samples, training, nsc_rng_split(&augments, t->at.epoch), t->at.batch * t->options.batch};
  nsc_compute_ranges(t->compute, fill_samples, &task, count, 1);
  fill_fields(t, samples, count);
}

void nsc_trainer_targets(nsc_trainer *t, const uint32_t *samples, size_t count) {
  if (t->data->reconstructs) {
    memcpy(t->targets, nsc_net_tensor(t->net, t->net->input)->value, count * t->outputs * sizeof *t->targets);
    return;
  }
  memset(t->targets, 0, count * t->outputs * sizeof *t->targets);
  for (size_t i = 0; i < count; i++) {
    const nsc_sample *s = &t->data->samples[samples[i]];
    uint32_t label = s->label;
    if (t->data->survival) {
      nsc_survival_targets(t->data->survival, s->outcome, t->targets + i * t->outputs);
    } else if (t->options.task == NSC_TASK_BINARY) {
      t->targets[i] = (float)label;
    } else {
      t->targets[i * t->outputs + label] = 1;
    }
  }
}
