#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "train/trainer_private.h"

enum { VERSION = 2 };

typedef struct header {
  char magic[4];
  uint32_t version;
  uint64_t network, options, data;
  nsc_train_progress at;
  uint64_t optimiser_steps;
  uint64_t print; /* of the header before it */
} header;

static uint64_t header_print(const header *h) {
  return nsc_hash(0, h, offsetof(header, print));
}

/* ---- fingerprints: what a checkpoint may be loaded into ---- */

static uint64_t network_print(const nsc_net *net) {
  uint64_t hash = net->layer_count;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    hash = nsc_hash(hash, p->name, strlen(p->name));
    for (uint32_t d = 0; d < p->rank; d++) {
      const uint64_t dim = p->dims[d];
      hash = nsc_hash(hash, &dim, sizeof dim);
    }
    const uint8_t kind[2] = {p->learned, p->frozen};
    hash = nsc_hash(hash, kind, sizeof kind);
  }
  return hash;
}

/* Field by field: padding between them holds anything. */
static uint64_t options_print(const nsc_train_options *o) {
  const nsc_optimiser_options *p = &o->optimiser;
  const double numbers[] = {o->epochs,
                            o->batch,
                            (double)o->rate,
                            (double)o->warm_up,
                            o->schedule,
                            o->task,
                            (double)o->smoothing,
                            (double)o->focal,
                            o->keep_last,
                            o->balance,
                            o->sampling,
                            (double)o->average,
                            o->patience,
                            (double)(o->seed >> 32),
                            (double)(uint32_t)o->seed,
                            (double)o->normal.mean[0],
                            (double)o->normal.mean[1],
                            (double)o->normal.mean[2],
                            (double)o->normal.deviation[0],
                            (double)o->normal.deviation[1],
                            (double)o->normal.deviation[2],
                            p->kind,
                            (double)p->momentum,
                            p->nesterov,
                            (double)p->beta1,
                            (double)p->beta2,
                            (double)p->epsilon,
                            (double)p->weight_decay,
                            (double)p->clip_norm};
  uint64_t hash = nsc_hash(0, numbers, sizeof numbers);
  for (const nsc_augment_field *f = nsc_augment_fields(); f->name; f++) {
    const double value = nsc_augment_get(&o->augment, f);
    hash = nsc_hash(hash, &value, sizeof value);
  }
  return hash;
}

static uint64_t data_print(const nsc_dataset *d) {
  const uint64_t shape[] = {d->height, d->width, d->channels, d->count, d->label_count};
  uint64_t hash = nsc_hash(0, shape, sizeof shape);
  for (uint32_t i = 0; i < d->count; i++) {
    const uint32_t facts[] = {d->samples[i].label, d->samples[i].split};
    hash = nsc_hash(hash, facts, sizeof facts);
  }
  if (d->features) hash = nsc_hash(hash, d->features, d->count * d->feature_count * sizeof *d->features);
  return nsc_hash(hash, d->pixels, (size_t)d->count * d->height * d->width * d->channels);
}

/* Hundreds of megabytes that do not change: once for all checkpoints of a trainer. */
static uint64_t data_print_of(nsc_trainer *t) {
  if (!t->data_print) t->data_print = data_print(t->data);
  return t->data_print;
}

/* ---- the float arrays of a trainer, in file order ---- */

enum { ARRAYS = 5 };

/* The arrays of parameter `i` while the network shows what is trained; NULL where there is none. */
static void arrays_of(const nsc_trainer *t, uint32_t i, float *out[ARRAYS]) {
  out[0] = t->net->parameters[i].value;
  out[1] = t->best[i];
  out[2] = t->average ? t->average[i] : NULL;
  out[3] = t->optimiser.first[i];
  out[4] = t->optimiser.second[i];
}

static size_t floats_of(const nsc_trainer *t) {
  size_t count = 0;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    float *arrays[ARRAYS];
    arrays_of(t, i, arrays);
    for (int k = 0; k < ARRAYS; k++) count += arrays[k] ? t->net->parameters[i].count : 0;
  }
  return count;
}

static size_t size_of(const nsc_trainer *t, uint32_t epochs) {
  return sizeof(header) + epochs * sizeof(nsc_epoch_stats) + floats_of(t) * sizeof(float) + sizeof(uint64_t);
}

/* ---- writing ---- */

static void put(char **at, const void *from, size_t size) {
  memcpy(*at, from, size);
  *at += size;
}

/* Header and history, into memory of the trainer. */
static nsc_status write_head(nsc_trainer *t, size_t *size, nsc_error *err) {
  header h;
  size_t history = t->at.epoch * sizeof *t->history;
  char *grown = realloc(t->checkpoint.head, sizeof h + history), *at = grown;
  if (!grown) return nsc_fail_memory(err, sizeof h + history, "a checkpoint");
  t->checkpoint.head = grown;
  memset(&h, 0, sizeof h); /* the padding too: no byte of the heap leaves with a file */
  memcpy(h.magic, "NSCK", 4);
  h.version = VERSION;
  h.network = network_print(t->net);
  h.options = options_print(&t->options);
  h.data = data_print_of(t);
  memcpy(&h.at, &t->at, sizeof h.at);
  /* A validation that had begun begins again: nothing of it is in the weights. */
  h.at.validated = h.at.right = 0;
  h.at.validation_sum = 0;
  h.optimiser_steps = t->optimiser.steps;
  h.print = header_print(&h);
  put(&at, &h, sizeof h);
  put(&at, t->history, history);
  *size = (size_t)(at - grown);
  return NSC_OK;
}

static nsc_status begin_checkpoint(nsc_trainer *t, const void **bytes, size_t *size, nsc_error *err) {
  nsc_trainer_show_trained(t);
  NSC_TRY(write_head(t, size, err));
  *bytes = t->checkpoint.head;
  t->checkpoint.print = 0;
  t->checkpoint.step = t->at.step;
  return NSC_OK;
}

nsc_status nsc_checkpoint_part(nsc_trainer *t, uint32_t part, const void **bytes, size_t *size, nsc_error *err) {
  uint32_t floats = t->net->parameter_count * ARRAYS, array = part - 1;
  if (part > 0 && (part != t->checkpoint.next || t->checkpoint.step != t->at.step)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "parts of a checkpoint come in order, and nothing between them");
  }
  if (part == 0) {
    NSC_TRY(begin_checkpoint(t, bytes, size, err));
  } else if (array < floats) {
    float *arrays[ARRAYS];
    arrays_of(t, array / ARRAYS, arrays);
    const float *values = arrays[array % ARRAYS];
    *bytes = values ? (const void *)values : t->checkpoint.head;
    *size = values ? t->net->parameters[array / ARRAYS].count * sizeof *values : 0;
  } else {
    *bytes = array == floats ? &t->checkpoint.print : NULL;
    *size = array == floats ? sizeof t->checkpoint.print : 0;
  }
  if (array == UINT32_MAX || array < floats) t->checkpoint.print = nsc_hash(t->checkpoint.print, *bytes, *size);
  t->checkpoint.next = part + 1;
  return NSC_OK;
}

/* ---- reading ---- */

static nsc_status check_header(nsc_trainer *t, const header *h, nsc_error *err) {
  const char *other = h->network != network_print(t->net)        ? "network"
                      : h->options != options_print(&t->options) ? "training options"
                      : h->data != data_print_of(t)              ? "data"
                                                                 : NULL;
  if (other) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the checkpoint was made with other %s", other);
  const nsc_train_progress *at = &h->at;
  uint64_t steps = (uint64_t)at->epoch * t->at.batches + at->batch;
  if (at->epoch > t->options.epochs || at->batches != t->at.batches || at->batch > at->batches || at->step != steps ||
      at->best_epoch > at->epoch) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint contradicts itself");
  }
  return NSC_OK;
}

/* The fingerprint as it was made, part by part; `bytes` are as many as they should be. */
static uint64_t print_of(const nsc_trainer *t, const header *h, const uint8_t *bytes) {
  size_t size = sizeof *h + h->at.epoch * sizeof *t->history;
  uint64_t print = nsc_hash(0, bytes, size);
  bytes += size;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    float *arrays[ARRAYS];
    arrays_of(t, i, arrays);
    for (int k = 0; k < ARRAYS; k++) {
      size = arrays[k] ? t->net->parameters[i].count * sizeof(float) : 0;
      print = nsc_hash(print, bytes, size);
      bytes += size;
    }
  }
  return print;
}

static nsc_status check_whole(nsc_trainer *t, const uint8_t *bytes, size_t size, header *h, nsc_error *err) {
  if (size < 8 || memcmp(bytes, "NSCK", 4) != 0) return nsc_fail(err, NSC_ERROR_CORRUPT, "this is no checkpoint");
  uint32_t version;
  memcpy(&version, bytes + 4, sizeof version);
  if (version != VERSION) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "a checkpoint of version %u; this program reads %d", version, VERSION);
  }
  if (size < sizeof *h + sizeof(uint64_t)) return nsc_fail(err, NSC_ERROR_TRUNCATED, "the checkpoint is cut off");
  memcpy(h, bytes, sizeof *h);
  if (h->print != header_print(h)) return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint's header is damaged");
  NSC_TRY(check_header(t, h, err));
  if (size != size_of(t, h->at.epoch)) return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint is cut off");
  uint64_t print;
  memcpy(&print, bytes + size - sizeof print, sizeof print);
  if (print == print_of(t, h, bytes)) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint is damaged");
}

static void take(const uint8_t **at, void *to, size_t size) {
  memcpy(to, *at, size);
  *at += size;
}

nsc_status nsc_checkpoint_load(nsc_trainer *t, const uint8_t *bytes, size_t size, nsc_error *err) {
  header h;
  NSC_TRY(check_whole(t, bytes, size, &h, err));
  const uint8_t *at = bytes + sizeof h;
  nsc_trainer_show_trained(t);
  t->at = h.at;
  t->at.validated = t->at.right = 0;
  t->at.validation_sum = 0;
  t->optimiser.steps = h.optimiser_steps;
  take(&at, t->history, h.at.epoch * sizeof *t->history);
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    float *arrays[ARRAYS];
    arrays_of(t, i, arrays);
    for (int k = 0; k < ARRAYS; k++) {
      if (arrays[k]) take(&at, arrays[k], t->net->parameters[i].count * sizeof(float));
    }
  }
  /* The order of an epoch is written by its first step; a training that begins in the middle needs it now. */
  if (t->at.batch > 0 && t->at.batch < t->at.batches) nsc_trainer_order(t);
  return NSC_OK;
}
