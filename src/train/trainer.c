#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* Streams of random numbers below the seed: one a purpose, so that adding one does not change the others. */
enum { STREAM_ORDER = 1, STREAM_AUGMENT = 2, STREAM_DROPOUT = 3 };

struct nsc_trainer {
  nsc_net *net;
  nsc_compute *compute;
  const nsc_dataset *data;
  nsc_train_options options;
  nsc_optimiser optimiser;
  nsc_rng root;
  uint32_t *order; /* training samples */
  uint32_t train_count, epoch, since_best;
  uint64_t step, total_steps;
  size_t outputs;
  float *targets;          /* [batch][outputs] */
  float *class_weights;    /* [outputs] */
  float **average, **kept; /* [parameters]: EMA; and a place for weights while the average stands in the network */
  float **best;
  double best_loss;
  nsc_arena arena;
};

/* ---- weights put aside ---- */

static float **allocate_weights(nsc_trainer *t) {
  float **list = nsc_arena_alloc(&t->arena, t->net->parameter_count + 1, sizeof *list);
  for (uint32_t i = 0; list && i < t->net->parameter_count; i++) {
    list[i] = nsc_arena_alloc(&t->arena, t->net->parameters[i].count, sizeof(float));
    if (!list[i]) return NULL;
  }
  return list;
}

static void save_weights(const nsc_net *net, float **to) {
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    memcpy(to[i], net->parameters[i].value, net->parameters[i].count * sizeof(float));
  }
}

static void load_weights(nsc_net *net, float *const *from) {
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    memcpy(net->parameters[i].value, from[i], net->parameters[i].count * sizeof(float));
  }
}

static void update_average(nsc_trainer *t) {
  if (!t->average) return;
  /* While few steps were made the beginning must not weigh: as TensorFlow's moving average does. */
  float steps = (float)t->step, keep = fminf(t->options.average, (1 + steps) / (10 + steps));
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    const nsc_parameter *p = &t->net->parameters[i];
    for (size_t k = 0; k < p->count; k++) t->average[i][k] += (1 - keep) * (p->value[k] - t->average[i][k]);
  }
}

/* ---- creating ---- */

static nsc_status check(const nsc_net *net, const nsc_dataset *d, const nsc_train_options *o, nsc_error *err) {
  const nsc_tensor *in = &net->tensors[net->input], *out = &net->tensors[net->output];
  if (in->height != d->height || in->width != d->width || in->channels != d->channels) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the network takes %zu x %zu x %zu, the pictures are %zu x %zu x %zu",
                    in->height, in->width, in->channels, d->height, d->width, d->channels);
  }
  size_t wanted = o->task == NSC_TASK_BINARY ? 1 : d->label_count;
  if (o->task == NSC_TASK_MULTI || out->channels != wanted || d->label_count < 2 ||
      (o->task == NSC_TASK_BINARY && d->label_count != 2)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u labels do not fit the task and the network's %zu outputs",
                    d->label_count, out->channels);
  }
  for (uint32_t label = 0; label < d->label_count; label++) {
    if (nsc_dataset_count(d, NSC_SPLIT_TRAIN, label) == 0) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture of \"%.60s\" is left for training", d->labels[label]);
    }
  }
  if (o->epochs < 1 || o->batch < 1 || !(o->rate > 0)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "epochs, batch size and learning rate must be positive");
  }
  return NSC_OK;
}

static nsc_status allocate(nsc_trainer *t, nsc_error *err) {
  t->order = nsc_arena_alloc(&t->arena, t->data->count + 1, sizeof *t->order);
  t->targets = nsc_arena_alloc(&t->arena, (size_t)t->options.batch * t->outputs, sizeof *t->targets);
  t->class_weights = nsc_arena_alloc(&t->arena, t->outputs + 1, sizeof *t->class_weights);
  t->best = allocate_weights(t);
  bool ok = t->order && t->targets && t->class_weights && t->best;
  if (ok && t->options.average > 0) {
    t->average = allocate_weights(t);
    t->kept = allocate_weights(t);
    ok = t->average && t->kept;
  }
  return ok ? NSC_OK : nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for training");
}

/* n / (labels * count): a balanced set gives one. A single sigmoid weighs its positive side. */
static void weigh_classes(nsc_trainer *t) {
  for (uint32_t i = 0; i < t->outputs; i++) {
    uint32_t label = t->options.task == NSC_TASK_BINARY ? 1 : i;
    double count = nsc_dataset_count(t->data, NSC_SPLIT_TRAIN, label);
    t->class_weights[i] = (float)(t->train_count / (t->data->label_count * count));
  }
}

nsc_status nsc_trainer_create(nsc_net *net, nsc_compute *compute, const nsc_dataset *data,
                              const nsc_train_options *options, nsc_trainer **out, nsc_error *err) {
  NSC_TRY(check(net, data, options, err));
  nsc_trainer *t = calloc(1, sizeof *t);
  if (!t) return nsc_fail_memory(err, sizeof *t, "a trainer");
  *t = (nsc_trainer){.net = net, .compute = compute, .data = data, .options = *options, .best_loss = INFINITY};
  t->root = nsc_rng_seeded(options->seed);
  t->outputs = net->tensors[net->output].channels;
  nsc_status status = allocate(t, err);
  if (status == NSC_OK) status = nsc_optimiser_init(&t->optimiser, net, &options->optimiser, err);
  if (status != NSC_OK) {
    nsc_trainer_free(t);
    return status;
  }
  t->train_count = nsc_dataset_count(data, NSC_SPLIT_TRAIN, UINT32_MAX);
  /* A last batch of one picture would have no variance for batch norm: what does not fill a batch is left for another
     epoch, whose order is different. Small sets become one batch. */
  if (t->options.batch > t->train_count) t->options.batch = t->train_count;
  t->total_steps = (uint64_t)(t->train_count / t->options.batch) * options->epochs;
  weigh_classes(t);
  if (t->average) save_weights(net, t->average);
  save_weights(net, t->best);
  *out = t;
  return NSC_OK;
}

void nsc_trainer_free(nsc_trainer *trainer) {
  if (!trainer) return;
  nsc_optimiser_drop(&trainer->optimiser);
  nsc_arena_free(&trainer->arena);
  free(trainer);
}

bool nsc_trainer_finished(const nsc_trainer *t) {
  return t->epoch >= t->options.epochs || (t->options.patience && t->since_best >= t->options.patience);
}

/* ---- batches ---- */

typedef struct fill_task {
  nsc_trainer *t;
  const uint32_t *samples;
  bool augmented;
  nsc_rng epoch;
} fill_task;

static void fill_samples(void *context, size_t from, size_t count) {
  const fill_task *task = context;
  nsc_trainer *t = task->t;
  const nsc_dataset *d = t->data;
  size_t size = d->height * d->width * d->channels;
  for (size_t i = from; i < from + count; i++) {
    uint32_t sample = task->samples[i];
    float *to = nsc_net_tensor(t->net, t->net->input)->value + i * size;
    nsc_augment_apply(task->augmented ? &t->options.augment : NULL, nsc_rng_split(&task->epoch, sample),
                      nsc_dataset_pixels(d, sample), d->height, d->width, d->channels, to);
    for (size_t k = 0; k < size; k++) {
      size_t c = k % d->channels;
      to[k] = (to[k] - t->options.mean[c]) / t->options.deviation[c];
    }
  }
}

static void set_targets(nsc_trainer *t, const uint32_t *samples, size_t count) {
  memset(t->targets, 0, count * t->outputs * sizeof *t->targets);
  for (size_t i = 0; i < count; i++) {
    uint32_t label = t->data->samples[samples[i]].label;
    if (t->options.task == NSC_TASK_BINARY) {
      t->targets[i] = (float)label;
    } else {
      t->targets[i * t->outputs + label] = 1;
    }
  }
}

static nsc_loss loss_of(const nsc_trainer *t, bool training) {
  return (nsc_loss){
      .kind = t->options.task == NSC_TASK_BINARY ? NSC_LOSS_SIGMOID : NSC_LOSS_SOFTMAX,
      .smoothing = training ? t->options.smoothing : 0,
      .class_weights = t->options.balance && t->options.task == NSC_TASK_SINGLE ? t->class_weights : NULL};
}

/* The positive class of a single sigmoid weighs `w`, the negative one what balances it: row by row, since the loss
   knows weights of outputs only. */
static void balance_binary(nsc_trainer *t, const uint32_t *samples, size_t count) {
  if (!t->options.balance || t->options.task != NSC_TASK_BINARY) return;
  float *gradient = nsc_net_tensor(t->net, t->net->output)->gradient;
  float positive = t->class_weights[0], negative = 1 / (2 - 1 / positive);
  for (size_t i = 0; i < count; i++) {
    gradient[i] *= t->data->samples[samples[i]].label == 1 ? positive : negative;
  }
}

static nsc_status train_batch(nsc_trainer *t, const uint32_t *samples, const nsc_rng *epoch, double *loss, float *rate,
                              nsc_error *err) {
  size_t count = t->options.batch;
  fill_task task = {t, samples, true, *epoch};
  nsc_compute_ranges(t->compute, fill_samples, &task, count, 1);
  set_targets(t, samples, count);
  nsc_rng steps = nsc_rng_split(&t->root, STREAM_DROPOUT), dropout = nsc_rng_split(&steps, t->step);
  NSC_TRY(nsc_net_forward(t->net, t->compute, true, &dropout, err));
  nsc_tensor *out = nsc_net_tensor(t->net, t->net->output);
  nsc_loss kind = loss_of(t, true);
  *loss = nsc_loss_compute(&kind, out->value, t->targets, count, t->outputs, out->gradient);
  if (!isfinite(*loss)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the loss became infinite at step %llu: try a smaller learning rate",
                    (unsigned long long)t->step + 1);
  }
  balance_binary(t, samples, count);
  NSC_TRY(nsc_net_backward(t->net, t->compute, err));
  *rate = nsc_schedule_rate(t->options.schedule, t->options.rate, t->options.warm_up, t->step, t->total_steps);
  nsc_optimiser_step(&t->optimiser, t->net, *rate);
  t->step++;
  update_average(t);
  return NSC_OK;
}

/* ---- validation ---- */

nsc_status nsc_trainer_predict(nsc_trainer *t, nsc_split split, float *logits, nsc_error *err) {
  uint32_t *samples = malloc((t->data->count + 1) * sizeof *samples), count = 0;
  if (!samples) return nsc_fail_memory(err, t->data->count * sizeof *samples, "a list");
  for (uint32_t i = 0; i < t->data->count; i++) {
    if (t->data->samples[i].split == split) samples[count++] = i;
  }
  nsc_status status = nsc_net_set_batch(t->net, t->options.batch, err);
  for (uint32_t at = 0; at < count && status == NSC_OK; at += t->options.batch) {
    uint32_t n = count - at < t->options.batch ? count - at : t->options.batch;
    /* The rest of a last batch holds whatever it held: its scores are not read. */
    fill_task task = {t, samples + at, false, t->root};
    nsc_compute_ranges(t->compute, fill_samples, &task, n, 1);
    status = nsc_net_forward(t->net, t->compute, false, NULL, err);
    memcpy(logits + (size_t)at * t->outputs, nsc_net_tensor(t->net, t->net->output)->value,
           (size_t)n * t->outputs * sizeof *logits);
  }
  free(samples);
  return status;
}

static bool is_right(const nsc_trainer *t, const float *z, uint32_t label) {
  if (t->options.task == NSC_TASK_BINARY) return (z[0] > 0) == (label == 1);
  uint32_t best = 0;
  for (uint32_t k = 1; k < t->outputs; k++) best = z[k] > z[best] ? k : best;
  return best == label;
}

static nsc_status validate(nsc_trainer *t, nsc_epoch_stats *stats, nsc_error *err) {
  uint32_t count = nsc_dataset_count(t->data, NSC_SPLIT_VALIDATION, UINT32_MAX), at = 0, right = 0;
  stats->validation_loss = stats->validation_accuracy = NAN;
  if (count == 0) return NSC_OK;
  float *logits = malloc((size_t)count * t->outputs * sizeof *logits);
  if (!logits) return nsc_fail_memory(err, (size_t)count * t->outputs * sizeof *logits, "validation");
  nsc_status status = nsc_trainer_predict(t, NSC_SPLIT_VALIDATION, logits, err);
  nsc_loss loss = loss_of(t, false);
  loss.class_weights = NULL;
  double sum = 0;
  for (uint32_t i = 0; i < t->data->count && status == NSC_OK; i++) {
    if (t->data->samples[i].split != NSC_SPLIT_VALIDATION) continue;
    const float *z = logits + (size_t)at++ * t->outputs;
    set_targets(t, &i, 1);
    sum += nsc_loss_compute(&loss, z, t->targets, 1, t->outputs, NULL);
    right += is_right(t, z, t->data->samples[i].label);
  }
  free(logits);
  stats->validation_loss = sum / count;
  stats->validation_accuracy = (double)right / count;
  return status;
}

/* Validates the average where there is one; the weights themselves are put back for the next epoch. */
static nsc_status finish_epoch(nsc_trainer *t, nsc_epoch_stats *stats, nsc_error *err) {
  if (t->average) {
    save_weights(t->net, t->kept);
    load_weights(t->net, t->average);
  }
  nsc_status status = validate(t, stats, err);
  bool without = isnan(stats->validation_loss);
  stats->best = status == NSC_OK && (without || stats->validation_loss < t->best_loss);
  if (stats->best) {
    save_weights(t->net, t->best);
    if (!without) t->best_loss = stats->validation_loss;
    t->since_best = 0;
  } else {
    t->since_best++;
  }
  if (t->average) load_weights(t->net, t->kept);
  return status;
}

nsc_status nsc_trainer_epoch(nsc_trainer *t, const volatile int32_t *cancel,
                             void (*progress)(void *user, uint32_t done, uint32_t total), void *user,
                             nsc_epoch_stats *stats, nsc_error *err) {
  double start = nsc_now_ms(), sum = 0, loss = 0;
  *stats = (nsc_epoch_stats){.epoch = t->epoch + 1};
  NSC_TRY(nsc_net_set_batch(t->net, t->options.batch, err));
  const nsc_rng orders = nsc_rng_split(&t->root, STREAM_ORDER), augments = nsc_rng_split(&t->root, STREAM_AUGMENT);
  nsc_rng order = nsc_rng_split(&orders, t->epoch), augment = nsc_rng_split(&augments, t->epoch);
  uint32_t n = 0; /* every order begins with the data set's own, so that it depends on seed and epoch alone */
  for (uint32_t i = 0; i < t->data->count; i++) {
    if (t->data->samples[i].split == NSC_SPLIT_TRAIN) t->order[n++] = i;
  }
  nsc_rng_shuffle(&order, t->order, t->train_count);
  uint32_t batches = t->train_count / t->options.batch;
  for (uint32_t b = 0; b < batches; b++) {
    if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled");
    NSC_TRY(train_batch(t, t->order + (size_t)b * t->options.batch, &augment, &loss, &stats->rate, err));
    sum += loss;
    if (progress) progress(user, b + 1, batches);
  }
  stats->train_loss = sum / batches;
  double trained = nsc_now_ms() - start;
  NSC_TRY(finish_epoch(t, stats, err));
  t->epoch++;
  stats->seconds = (nsc_now_ms() - start) / 1e3;
  stats->images_per_second = (double)batches * t->options.batch / trained * 1e3;
  return NSC_OK;
}

void nsc_trainer_use_best(nsc_trainer *t) {
  load_weights(t->net, t->best);
}
