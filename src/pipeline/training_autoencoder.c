/* An autoencoder of a training's pictures, which learns when the network has ended and goes into what
 * nsc_training_study writes. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "pipeline/reconstruction.h"
#include "pipeline/training_private.h"

void nsc_training_end_autoencoder(nsc_training *t) {
  nsc_autoencoder_free(t->autoencoder);
  t->autoencoder = NULL;
  t->shown = 0;
}

bool nsc_training_autoencoder(const nsc_training *t, nsc_autoencoder_progress *out) {
  if (!t->autoencoder) return false;
  *out = nsc_autoencoder_progress_of(t->autoencoder);
  return true;
}

static nsc_status begin(nsc_training *t, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  nsc_trainer_rest(t->trainer); /* its weights are wanted again, what it works in is not */
  return nsc_autoencoder_create(nsc_autoencoder_side((uint32_t)d->height), nsc_autoencoder_side((uint32_t)d->width),
                                (uint32_t)d->channels, t->options.seed, &t->autoencoder, err);
}

/* The next sample, unless it is for testing. `values` is room for one. */
static nsc_status show(nsc_training *t, float *values, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  uint32_t sample = t->shown++;
  nsc_split split = d->samples[sample].split;
  size_t count = d->height * d->width * d->channels;
  uint8_t small[NSC_SMALL_PICTURE];
  if (split == NSC_SPLIT_TEST) return NSC_OK;
  const uint8_t *pixels = nsc_dataset_pixels(d, sample);
  for (size_t i = 0; i < count; i++) values[i] = (float)pixels[i] / 255;
  NSC_TRY(nsc_small_picture(values, (uint32_t)d->height, (uint32_t)d->width, (uint32_t)d->channels, small, err));
  return nsc_autoencoder_add(t->autoencoder, small, split == NSC_SPLIT_VALIDATION, err);
}

static nsc_status show_some(nsc_training *t, double until, nsc_error *err) {
  size_t bytes = t->data.height * t->data.width * t->data.channels * sizeof(float);
  float *values = malloc(bytes);
  if (!values) return nsc_fail_memory(err, bytes, "a picture");
  nsc_status status = NSC_OK;
  do {
    status = show(t, values, err);
  } while (status == NSC_OK && t->shown < t->data.count && nsc_now_ms() < until);
  free(values);
  return status;
}

nsc_status nsc_training_run_autoencoder(nsc_training *t, double milliseconds, const volatile int32_t *cancel,
                                        bool *finished, nsc_error *err) {
  double until = nsc_now_ms() + milliseconds;
  *finished = false;
  if (!t->autoencoder) NSC_TRY(begin(t, err));
  if (t->shown < t->data.count) return show_some(t, until, err);
  return nsc_autoencoder_run(t->autoencoder, t->compute, milliseconds, cancel, finished, err);
}

nsc_status nsc_training_need_autoencoder(const nsc_training *t, uint32_t threads, uint64_t *bytes, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  return nsc_autoencoder_need(nsc_autoencoder_side((uint32_t)d->height), nsc_autoencoder_side((uint32_t)d->width),
                              (uint32_t)d->channels, d->count, threads, bytes, err);
}
