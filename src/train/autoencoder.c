#include "train/autoencoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/need.h"
#include "train/save.h"

/*
 * STEPS: batches in all; twice as many lower the error on pictures held back by a seventh. `most`: what is kept of
 * pictures. docs/ARCHITECTURE.md says what else was tried.
 */
enum { STAGES = 4, CODE = 16, STEPS = 1500, BATCH = 32, LEAST_EPOCHS = 10, MOST_EPOCHS = 300 };
static const uint32_t most[] = {[NSC_SPLIT_TRAIN] = 4000, [NSC_SPLIT_VALIDATION] = 1000};
static const size_t widths[STAGES] = {8, 16, 24, 32};

struct nsc_autoencoder {
  nsc_dataset data;
  uint64_t seed, seen[2]; /* seen: by split, training and validation */
  uint32_t *places[2];    /* likewise, the samples of each; room for most[split] */
  nsc_rng rng;
  nsc_net *net;
  nsc_trainer *trainer; /* NULL before training */
  nsc_train_options options;
};

uint32_t nsc_autoencoder_side(uint32_t side) {
  uint32_t steps = (side + NSC_AUTOENCODER_STEP / 2) / NSC_AUTOENCODER_STEP;
  uint32_t limit = NSC_AUTOENCODER_SIDE / NSC_AUTOENCODER_STEP;
  return NSC_AUTOENCODER_STEP * (steps < 1 ? 1 : steps > limit ? limit : steps);
}

/* ---- the network ---- */

static uint32_t conv_norm_relu(nsc_net *n, uint32_t x, size_t channels, size_t stride) {
  nsc_conv_spec spec = {.channels = channels, .kernel = 3, .stride = stride, .pad = 1};
  return nsc_net_activation(n, nsc_net_norm(n, nsc_net_conv(n, x, spec)), NSC_ACTIVATION_RELU);
}

/*
 * Convolutions of stride 2 down to a sixteenth of the sides, a dense layer to the code, and all of it backwards. The
 * code is of the whole picture: one of each place could hold any smooth picture, whatever it shows.
 */
static uint32_t build(nsc_net *n, size_t height, size_t width, size_t channels) {
  uint32_t x = nsc_net_input(n, height, width, channels);
  for (int i = 0; i < STAGES; i++) x = conv_norm_relu(n, x, widths[i], 2);
  size_t rows = height / NSC_AUTOENCODER_STEP, columns = width / NSC_AUTOENCODER_STEP, deepest = widths[STAGES - 1];
  x = nsc_net_dense(n, nsc_net_flatten(n, x), CODE);
  x = nsc_net_activation(n, nsc_net_dense(n, x, rows * columns * deepest), NSC_ACTIVATION_RELU);
  x = nsc_net_unflatten(n, x, rows, columns, deepest);
  for (int i = STAGES - 1; i > 0; i--) x = conv_norm_relu(n, nsc_net_upsample(n, x, 2), widths[i - 1], 1);
  const nsc_conv_spec last = {.channels = channels, .kernel = 3, .stride = 1, .pad = 1, .bias = true};
  return nsc_net_conv(n, nsc_net_upsample(n, x, 2), last);
}

/* It begins with a picture of one value, the mean of all, and nearly nothing of what is drawn by chance. */
static void calm_down(nsc_net *n, const nsc_dataset *d) {
  const nsc_layer *last = &n->layers[n->layer_count - 1];
  nsc_parameter *weights = &n->parameters[last->parameters[0]], *bias = &n->parameters[last->parameters[1]];
  const nsc_normal normal = nsc_dataset_normal(d);
  for (size_t i = 0; i < weights->count; i++) weights->value[i] *= 0.1f;
  for (size_t c = 0; c < bias->count; c++) bias->value[c] = normal.mean[c];
}

/* Every epoch sees all pictures; there are as many as make the steps. */
static nsc_train_options options_for(uint32_t pictures, uint64_t seed) {
  uint32_t batches = pictures < BATCH ? 1 : pictures / BATCH, epochs = (STEPS + batches - 1) / batches;
  nsc_train_options o = {.epochs = epochs < LEAST_EPOCHS  ? LEAST_EPOCHS
                                   : epochs > MOST_EPOCHS ? MOST_EPOCHS
                                                          : epochs,
                         .batch = BATCH,
                         .rate = 0.01f,
                         .schedule = NSC_SCHEDULE_ONE_CYCLE,
                         .optimiser = nsc_optimiser_defaults(NSC_OPTIMISER_ADAM),
                         .task = NSC_TASK_SINGLE,
                         .average = 0.99f,
                         .seed = seed,
                         .normal = {.deviation = {1, 1, 1}}};
  return o;
}

/* ---- pictures ---- */

nsc_status nsc_autoencoder_create(uint32_t height, uint32_t width, uint32_t channels, uint64_t seed,
                                  nsc_autoencoder **out, nsc_error *err) {
  static const char *const label = "picture";
  if (height != nsc_autoencoder_side(height) || width != nsc_autoencoder_side(width) ||
      (channels != 1 && channels != 3)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no autoencoder is made for pictures of %u x %u with %u channels", width,
                    height, channels);
  }
  nsc_autoencoder *a = calloc(1, sizeof *a);
  if (!a) return nsc_fail_memory(err, sizeof *a, "an autoencoder");
  *a = (nsc_autoencoder){.seed = seed, .rng = nsc_rng_seeded(seed)};
  nsc_status status = nsc_dataset_init(&a->data, height, width, channels, 1, &label, err);
  a->data.reconstructs = true;
  for (int split = 0; split < 2 && status == NSC_OK; split++) {
    a->places[split] = nsc_arena_alloc(&a->data.arena, most[split], sizeof *a->places[split]);
    if (!a->places[split]) status = nsc_fail_memory(err, most[split] * sizeof(uint32_t), "an autoencoder");
  }
  if (status != NSC_OK) {
    nsc_autoencoder_free(a);
    return status;
  }
  *out = a;
  return NSC_OK;
}

void nsc_autoencoder_free(nsc_autoencoder *a) {
  if (!a) return;
  nsc_trainer_free(a->trainer);
  nsc_net_free(a->net);
  nsc_dataset_drop(&a->data);
  free(a);
}

/* Beyond the most that are kept each picture takes the place of another with the chance that makes all equally likely
 * to stay (Vitter 1985). */
nsc_status nsc_autoencoder_add(nsc_autoencoder *a, const uint8_t *picture, bool held, nsc_error *err) {
  nsc_split split = held ? NSC_SPLIT_VALIDATION : NSC_SPLIT_TRAIN;
  size_t bytes = a->data.height * a->data.width * a->data.channels;
  if (a->trainer) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the autoencoder has begun to learn");
  uint64_t before = a->seen[split]++;
  if (before < most[split]) {
    uint8_t *pixels;
    NSC_TRY(nsc_dataset_add(&a->data, "", NULL, 0, &pixels, err));
    memcpy(pixels, picture, bytes);
    a->places[split][before] = a->data.count - 1;
    a->data.samples[a->data.count - 1].split = split;
    return NSC_OK;
  }
  if (before >= UINT32_MAX) return NSC_OK;
  uint32_t place = nsc_rng_below(&a->rng, (uint32_t)before + 1);
  if (place < most[split]) memcpy(a->data.pixels + a->places[split][place] * bytes, picture, bytes);
  return NSC_OK;
}

const nsc_dataset *nsc_autoencoder_pictures(const nsc_autoencoder *a) {
  return &a->data;
}

/* ---- training ---- */

static nsc_status begin(nsc_autoencoder *a, nsc_compute *compute, nsc_error *err) {
  const nsc_dataset *d = &a->data;
  uint32_t pictures = nsc_dataset_count(d, NSC_SPLIT_TRAIN, UINT32_MAX);
  if (pictures < 2) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are no pictures for an autoencoder to learn from");
  nsc_net_free(a->net); /* of an earlier try that failed */
  a->net = NULL;
  NSC_TRY(nsc_net_create(&a->net, err));
  NSC_TRY(nsc_net_finish(a->net, build(a->net, d->height, d->width, d->channels), a->seed, err));
  calm_down(a->net, d);
  a->options = options_for(pictures, a->seed);
  return nsc_trainer_create(a->net, compute, d, &a->options, &a->trainer, err);
}

nsc_status nsc_autoencoder_run(nsc_autoencoder *a, nsc_compute *compute, double milliseconds,
                               const volatile int32_t *cancel, bool *finished, nsc_error *err) {
  if (!a->trainer) NSC_TRY(begin(a, compute, err));
  NSC_TRY(nsc_trainer_run(a->trainer, milliseconds, cancel, err));
  *finished = nsc_trainer_finished(a->trainer);
  if (*finished) nsc_trainer_rest(a->trainer);
  return NSC_OK;
}

bool nsc_autoencoder_finished(const nsc_autoencoder *a) {
  return a->trainer && nsc_trainer_finished(a->trainer);
}

nsc_autoencoder_progress nsc_autoencoder_progress_of(const nsc_autoencoder *a) {
  nsc_autoencoder_progress p = {.loss = NAN, .validation_loss = NAN, .seconds_left = NAN};
  if (!a->trainer) {
    p.epochs = options_for(nsc_dataset_count(&a->data, NSC_SPLIT_TRAIN, UINT32_MAX), a->seed).epochs;
    return p;
  }
  p.epochs = a->options.epochs;
  p.epoch = nsc_trainer_progress(a->trainer).epoch;
  if (p.epoch == 0) return p;
  const nsc_epoch_stats *last = &nsc_trainer_history(a->trainer)[p.epoch - 1];
  p.loss = last->train_loss;
  p.validation_loss = last->validation_loss;
  p.seconds_left = last->seconds * (p.epochs - p.epoch);
  return p;
}

/* ---- what came of it ---- */

nsc_status nsc_autoencoder_file(nsc_autoencoder *a, char **bytes, size_t *size, nsc_error *err) {
  nsc_onnx_writer w = {0};
  if (!nsc_autoencoder_finished(a)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the autoencoder has not learnt yet");
  NSC_TRY(nsc_trainer_use_best(a->trainer, err));
  nsc_status status = nsc_net_write(a->net, true, &w, err);
  if (status != NSC_OK) {
    nsc_onnx_drop(&w);
    return status;
  }
  return nsc_onnx_finish(&w, "autoencoder", bytes, size, err);
}

nsc_status nsc_autoencoder_need(uint32_t height, uint32_t width, uint32_t channels, uint32_t pictures, uint32_t threads,
                                uint64_t *bytes, nsc_error *err) {
  nsc_net *net;
  nsc_train_need need;
  nsc_train_options options = options_for(pictures, 0);
  uint64_t kept = pictures < most[0] + most[1] ? pictures : most[0] + most[1];
  NSC_TRY(nsc_net_create(&net, err));
  nsc_status status = nsc_net_outline(net, build(net, height, width, channels), err);
  if (status == NSC_OK) status = nsc_train_count_need(net, &options, options.batch, threads, false, &need, err);
  nsc_net_free(net);
  if (status == NSC_OK) *bytes = kept * height * width * channels + nsc_train_need_most(&need);
  return status;
}
