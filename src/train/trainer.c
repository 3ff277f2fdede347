#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "train/survival.h"
#include "train/trainer_private.h"

/* Puts into the network what the next step works with. */
static nsc_status settle_weights(nsc_trainer *t, nsc_error *err) {
  bool validating = t->at.batch == t->at.batches && t->validation_count > 0;
  return nsc_trainer_show(t, validating ? NSC_WEIGHTS_AVERAGE : NSC_WEIGHTS_TRAINED, err);
}

static void save_weights(const nsc_net *net, float **to) {
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    memcpy(to[i], net->parameters[i].value, net->parameters[i].count * sizeof(float));
  }
}

static void update_average(nsc_trainer *t) {
  if (!t->average) return;
  /* While few steps were made the beginning must not weigh: as TensorFlow's moving average does. */
  float steps = (float)t->at.step, keep = fminf(t->options.average, (1 + steps) / (10 + steps));
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    const nsc_parameter *p = &t->net->parameters[i];
    for (size_t k = 0; k < p->count; k++) t->average[i][k] += (1 - keep) * (p->value[k] - t->average[i][k]);
  }
}

/* ---- creating ---- */

static nsc_status check_numbers(const nsc_train_options *o, nsc_error *err) {
  if (o->epochs < 1 || o->batch < 1 || !(o->rate > 0)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "epochs, batch size and learning rate must be positive");
  }
  return NSC_OK;
}

/* Labels only say who had the event: it takes one to learn from, and nothing about labels applies. */
static nsc_status check_survival(const nsc_net *net, const nsc_dataset *d, const nsc_train_options *o, nsc_error *err) {
  const nsc_survival_spec *spec = d->survival;
  size_t fields = net->fields == UINT32_MAX ? 0 : net->field_count;
  if (net->tensors[net->output].channels != spec->bins || fields != spec->field_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u time bins and %u fields do not fit the network's %zu outputs and %zu",
                    spec->bins, spec->field_count, net->tensors[net->output].channels, fields);
  }
  if (o->focal > 0 || o->smoothing > 0 || o->balance || o->sampling != NSC_SAMPLING_ALL) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "focal loss, label smoothing and balanced labels are not for times to an event");
  }
  return check_numbers(o, err);
}

/* What goes in is to come out. */
static nsc_status check_reconstruction(const nsc_net *net, const nsc_train_options *o, nsc_error *err) {
  const nsc_tensor *in = &net->tensors[net->input], *out = &net->tensors[net->output];
  if (in->height != out->height || in->width != out->width || in->channels != out->channels) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the network makes %zu x %zu x %zu of pictures of %zu x %zu x %zu",
                    out->height, out->width, out->channels, in->height, in->width, in->channels);
  }
  return check_numbers(o, err);
}

static nsc_status check(const nsc_net *net, const nsc_dataset *d, const nsc_train_options *o, nsc_error *err) {
  const nsc_tensor *in = &net->tensors[net->input], *out = &net->tensors[net->output];
  bool fits = d->features ? in->height * in->width == 1 && in->channels == d->feature_count
                          : in->height == d->height && in->width == d->width && in->channels == d->channels;
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the network takes %zu x %zu x %zu, the pictures are %zu x %zu x %zu",
                    in->height, in->width, in->channels, d->height, d->width, d->channels);
  }
  if (d->survival) return check_survival(net, d, o, err);
  if (d->reconstructs) return check_reconstruction(net, o, err);
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
  if (o->focal > 0 && o->task != NSC_TASK_BINARY) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the focal loss is for two labels");
  }
  return check_numbers(o, err);
}

static nsc_status allocate(nsc_trainer *t, nsc_error *err) {
  t->order = nsc_arena_alloc(&t->arena, (size_t)t->order_count + 1, sizeof *t->order);
  t->validation = nsc_arena_alloc(&t->arena, (size_t)t->validation_count + 1, sizeof *t->validation);
  t->targets = nsc_arena_alloc(&t->arena, (size_t)t->options.batch * t->outputs, sizeof *t->targets);
  t->class_weights = nsc_arena_alloc(&t->arena, t->outputs + 1, sizeof *t->class_weights);
  t->history = nsc_arena_alloc(&t->arena, t->options.epochs, sizeof *t->history);
  t->best = nsc_trainer_allocate_weights(t, &t->best_arena);
  bool ok = t->order && t->validation && t->targets && t->class_weights && t->history && t->best;
  if (ok && t->options.average > 0) {
    t->average = nsc_trainer_allocate_weights(t, &t->arena);
    ok = t->average != NULL;
  }
  return ok ? NSC_OK : nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for training");
}

/* Whether labels are what is learned, and not times or pictures. */
static bool learns_labels(const nsc_trainer *t) {
  return !t->data->survival && !t->data->reconstructs;
}

/* n / (labels * count): a balanced set gives one. A single sigmoid weighs its positive side. */
static void weigh_classes(nsc_trainer *t) {
  for (uint32_t i = 0; i < t->outputs && learns_labels(t); i++) {
    double count = t->counts[t->options.task == NSC_TASK_BINARY ? 1 : i];
    t->class_weights[i] = (float)(t->train_count / (t->data->label_count * count));
  }
}

static nsc_status count_samples(nsc_trainer *t, nsc_error *err) {
  const nsc_dataset *d = t->data;
  t->counts = nsc_arena_alloc(&t->arena, d->label_count, sizeof *t->counts);
  if (!t->counts) return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for training");
  for (uint32_t label = 0; label < d->label_count; label++) {
    t->counts[label] = nsc_dataset_count(d, NSC_SPLIT_TRAIN, label);
    t->train_count += t->counts[label];
  }
  t->validation_count = nsc_dataset_count(d, NSC_SPLIT_VALIDATION, UINT32_MAX);
  t->order_count = nsc_trainer_draws(t);
  /* A last batch of one picture would have no variance for batch norm: what does not fill a batch is left for another
     epoch, whose order is different. Small sets become one batch. */
  if (t->options.batch > t->order_count) t->options.batch = t->order_count;
  t->at.batches = t->order_count / t->options.batch;
  t->total_steps = (uint64_t)t->at.batches * t->options.epochs;
  return NSC_OK;
}

/* Without clipping, which needs the length of the whole gradient, each layer learns as soon as it may. */
static void learn_parameter(void *context, uint32_t parameter) {
  nsc_trainer *t = context;
  nsc_optimiser_update(&t->optimiser, t->net, t->compute, parameter);
}

static nsc_learner learner_of(nsc_trainer *t) {
  return t->options.optimiser.clip_norm > 0 ? (nsc_learner){0} : (nsc_learner){learn_parameter, t};
}

nsc_status nsc_trainer_create(nsc_net *net, nsc_compute *compute, const nsc_dataset *data,
                              const nsc_train_options *options, nsc_trainer **out, nsc_error *err) {
  NSC_TRY(check(net, data, options, err));
  nsc_trainer *t = calloc(1, sizeof *t);
  if (!t) return nsc_fail_memory(err, sizeof *t, "a trainer");
  *t = (nsc_trainer){.net = net, .compute = compute, .data = data, .options = *options};
  t->at.best_loss = INFINITY;
  t->root = nsc_rng_seeded(options->seed);
  const nsc_tensor *output = &net->tensors[net->output];
  t->outputs = output->height * output->width * output->channels;
  nsc_status status = count_samples(t, err);
  if (status == NSC_OK) status = allocate(t, err);
  if (status == NSC_OK) status = nsc_optimiser_init(&t->optimiser, net, &options->optimiser, err);
  if (status != NSC_OK) {
    nsc_trainer_free(t);
    return status;
  }
  for (uint32_t i = 0, n = 0; i < data->count; i++) {
    if (data->samples[i].split == NSC_SPLIT_VALIDATION) t->validation[n++] = i;
  }
  weigh_classes(t);
  nsc_net_learn(net, learner_of(t));
  if (t->average) save_weights(net, t->average);
  save_weights(net, t->best);
  *out = t;
  return NSC_OK;
}

void nsc_trainer_free(nsc_trainer *trainer) {
  if (!trainer) return;
  float **shown = trainer->shown == NSC_WEIGHTS_AVERAGE ? trainer->average : trainer->best;
  if (trainer->shown != NSC_WEIGHTS_TRAINED && shown) { /* the network keeps what it shows, in its own memory */
    (void)nsc_trainer_show(trainer, NSC_WEIGHTS_TRAINED, NULL);
    for (uint32_t i = 0; i < trainer->net->parameter_count; i++) {
      const nsc_parameter *p = &trainer->net->parameters[i];
      memcpy(p->value, shown[i], p->count * sizeof(float));
    }
  }
  nsc_net_learn(trainer->net, (nsc_learner){0});
  nsc_optimiser_drop(&trainer->optimiser);
  nsc_arena_free(&trainer->arena);
  nsc_arena_free(&trainer->best_arena);
  free(trainer->checkpoint.head);
  free(trainer->checkpoint.room);
  free(trainer);
}

bool nsc_trainer_finished(const nsc_trainer *t) {
  return t->at.epoch >= t->options.epochs || (t->options.patience && t->at.since_best >= t->options.patience);
}

/* ---- one batch of training ---- */

static nsc_loss loss_of(const nsc_trainer *t, bool training) {
  nsc_loss_kind sigmoid = training && t->options.focal > 0 ? NSC_LOSS_FOCAL : NSC_LOSS_SIGMOID;
  if (t->data->survival) return (nsc_loss){.kind = NSC_LOSS_HAZARDS};
  if (t->data->reconstructs) return (nsc_loss){.kind = NSC_LOSS_SQUARED_ERROR};
  return (nsc_loss){
      .kind = t->options.task == NSC_TASK_BINARY ? sigmoid : NSC_LOSS_SOFTMAX,
      .gamma = t->options.focal,
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

static nsc_status train_batch(nsc_trainer *t, nsc_error *err) {
  size_t count = t->options.batch;
  const uint32_t *samples = t->order + (size_t)t->at.batch * count;
  nsc_trainer_fill(t, samples, count, true);
  nsc_trainer_targets(t, samples, count);
  nsc_rng steps = nsc_rng_split(&t->root, NSC_STREAM_DROPOUT), dropout = nsc_rng_split(&steps, t->at.step);
  NSC_TRY(nsc_net_forward(t->net, t->compute, true, &dropout, err));
  nsc_tensor *out = nsc_net_tensor(t->net, t->net->output);
  nsc_loss kind = loss_of(t, true);
  double loss = nsc_loss_compute(&kind, out->value, t->targets, count, t->outputs, out->gradient);
  if (!isfinite(loss)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the loss became infinite at step %llu: try a smaller learning rate",
                    (unsigned long long)t->at.step + 1);
  }
  balance_binary(t, samples, count);
  t->at.rate = nsc_schedule_rate(t->options.schedule, t->options.rate, t->options.warm_up, t->at.step, t->total_steps);
  bool whole = !t->net->learner.learn;
  if (!whole) nsc_optimiser_begin(&t->optimiser, t->at.rate);
  NSC_TRY(nsc_net_backward(t->net, t->compute, err));
  if (whole) (void)nsc_optimiser_step(&t->optimiser, t->net, t->compute, t->at.rate);
  t->at.step++;
  t->at.loss_sum += loss;
  update_average(t);
  return NSC_OK;
}

/* ---- validation ---- */

/* Logits of up to a batch of samples, with the weights that stand in the network. */
static nsc_status predict_batch(nsc_trainer *t, const uint32_t *samples, size_t count, const float **logits,
                                nsc_error *err) {
  /* The rest of a last batch holds whatever it held: its scores are not read. */
  nsc_trainer_fill(t, samples, count, false);
  NSC_TRY(nsc_net_forward(t->net, t->compute, false, NULL, err));
  *logits = nsc_net_tensor(t->net, t->net->output)->value;
  return NSC_OK;
}

nsc_status nsc_trainer_predict(nsc_trainer *t, nsc_split split, float *logits, nsc_error *err) {
  uint32_t *samples = malloc((t->data->count + (size_t)1) * sizeof *samples), count = 0;
  if (!samples) return nsc_fail_memory(err, t->data->count * sizeof *samples, "a list");
  for (uint32_t i = 0; i < t->data->count; i++) {
    if (t->data->samples[i].split == split) samples[count++] = i;
  }
  nsc_status status = nsc_net_set_batch(t->net, t->options.batch, err);
  if (status == NSC_OK) status = nsc_trainer_use_best(t, err);
  for (uint32_t at = 0; at < count && status == NSC_OK; at += t->options.batch) {
    uint32_t n = count - at < t->options.batch ? count - at : t->options.batch;
    const float *z;
    status = predict_batch(t, samples + at, n, &z, err);
    if (status == NSC_OK) memcpy(logits + at * t->outputs, z, n * t->outputs * sizeof *logits);
  }
  free(samples);
  return status;
}

static bool is_right(const nsc_trainer *t, const float *z, uint32_t label) {
  if (!learns_labels(t)) return false; /* a curve or a picture is neither right nor wrong */
  if (t->options.task == NSC_TASK_BINARY) return (z[0] > 0) == (label == 1);
  uint32_t best = 0;
  for (uint32_t k = 1; k < t->outputs; k++) best = z[k] > z[best] ? k : best;
  return best == label;
}

static nsc_status validate_batch(nsc_trainer *t, nsc_error *err) {
  uint32_t n = t->validation_count - t->at.validated;
  if (n > t->options.batch) n = t->options.batch;
  const uint32_t *samples = t->validation + t->at.validated;
  const float *logits;
  NSC_TRY(predict_batch(t, samples, n, &logits, err));
  nsc_loss loss = loss_of(t, false);
  loss.class_weights = NULL;
  nsc_trainer_targets(t, samples, n);
  for (uint32_t i = 0; i < n; i++) {
    const float *z = logits + (size_t)i * t->outputs;
    t->at.validation_sum += nsc_loss_compute(&loss, z, t->targets + (size_t)i * t->outputs, 1, t->outputs, NULL);
    t->at.right += is_right(t, z, t->data->samples[samples[i]].label);
  }
  t->at.validated += n;
  return NSC_OK;
}

/* ---- epochs ---- */

static nsc_status shown_parameter(void *context, uint32_t parameter, const float **values, nsc_error *err) {
  (void)err;
  const nsc_net *net = context;
  *values = net->parameters[parameter].value;
  return NSC_OK;
}

/* What is judged is the average where there is one: it is what was validated and what is kept. */
static nsc_status end_epoch(nsc_trainer *t, nsc_error *err) {
  nsc_train_progress *at = &t->at;
  nsc_epoch_stats *stats = &t->history[at->epoch];
  bool without = t->validation_count == 0;
  *stats = (nsc_epoch_stats){
      .epoch = at->epoch + 1,
      .train_loss = at->loss_sum / at->batches,
      .validation_loss = without ? NAN : at->validation_sum / t->validation_count,
      .validation_accuracy = without || !learns_labels(t) ? NAN : (double)at->right / t->validation_count,
      .seconds = at->epoch_ms / 1e3,
      .images_per_second = at->train_ms > 0 ? (double)at->batches * t->options.batch / at->train_ms * 1e3 : 0,
      .rate = at->rate};
  stats->best = without || stats->validation_loss < at->best_loss;
  if (stats->best || t->options.keep_last) {
    const nsc_weights_source source = {shown_parameter, t->net};
    NSC_TRY(nsc_trainer_show(t, NSC_WEIGHTS_AVERAGE, err));
    NSC_TRY(nsc_trainer_keep_best(t, &source, err));
    at->best_epoch = at->epoch + 1;
  }
  NSC_TRY(nsc_trainer_show(t, NSC_WEIGHTS_TRAINED, err));
  at->since_best = stats->best ? 0 : at->since_best + 1;
  if (stats->best && !without) at->best_loss = stats->validation_loss;
  at->epoch++;
  at->batch = at->validated = at->right = 0;
  at->loss_sum = at->validation_sum = at->train_ms = at->epoch_ms = 0;
  return NSC_OK;
}

nsc_status nsc_trainer_step(nsc_trainer *t, nsc_error *err) {
  if (nsc_trainer_finished(t)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the training has ended");
  double start = nsc_now_ms();
  NSC_TRY(nsc_net_set_batch(t->net, t->options.batch, err));
  NSC_TRY(settle_weights(t, err));
  if (t->at.batch < t->at.batches) {
    if (t->at.batch == 0) nsc_trainer_order(t);
    NSC_TRY(train_batch(t, err));
    t->at.batch++;
    t->at.train_ms += nsc_now_ms() - start;
  } else {
    NSC_TRY(validate_batch(t, err));
  }
  t->at.epoch_ms += nsc_now_ms() - start;
  bool ended = t->at.batch == t->at.batches && t->at.validated == t->validation_count;
  return ended ? end_epoch(t, err) : NSC_OK;
}

nsc_status nsc_trainer_run(nsc_trainer *t, double milliseconds, const volatile int32_t *cancel, nsc_error *err) {
  double start = nsc_now_ms();
  while (!nsc_trainer_finished(t)) {
    if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled");
    NSC_TRY(nsc_trainer_step(t, err));
    if (nsc_now_ms() - start >= milliseconds) break;
  }
  return NSC_OK;
}

nsc_train_progress nsc_trainer_progress(const nsc_trainer *t) {
  return t->at;
}

const nsc_epoch_stats *nsc_trainer_history(const nsc_trainer *t) {
  return t->history;
}

size_t nsc_trainer_bytes(const nsc_trainer *t) {
  const nsc_net *net = t->net;
  return nsc_arena_bytes(&t->arena) + nsc_arena_bytes(&t->best_arena) + nsc_arena_bytes(&t->optimiser.arena) +
         nsc_arena_bytes(&net->arena) + nsc_arena_bytes(&net->batch_arena) + nsc_arena_bytes(&net->gradient_arena) +
         nsc_compute_bytes(t->compute);
}

void nsc_trainer_rest(nsc_trainer *t) {
  nsc_net_rest(t->net);
  nsc_compute_rest(t->compute);
}
