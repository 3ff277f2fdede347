/* nsc_training_study: what a training's own pictures are like, written into the model that came of it. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/study.h"
#include "pipeline/training_private.h"

/* Pixels that the network sees in all: 900 pictures of 96 x 96 take seconds, and more would tell little. */
enum { PIXELS = 900 * 96 * 96, LEAST = 200, MOST = 900 };

/* Every k-th sample of a split, `most` of them at most, as bytes to 0..1. */
static nsc_status add_split(const nsc_dataset *d, nsc_split split, uint32_t most, nsc_study *study, float *values,
                            nsc_error *err) {
  uint32_t total = nsc_dataset_count(d, split, UINT32_MAX), at = 0;
  size_t count = d->height * d->width * d->channels;
  for (uint32_t i = 0; i < d->count; i++) {
    if (d->samples[i].split != split) continue;
    uint64_t want = total < most ? total : most, before = at * want / total;
    bool taken = before != ((uint64_t)at + 1) * want / total;
    at++;
    if (!taken) continue;
    const uint8_t *pixels = nsc_dataset_pixels(d, i);
    for (size_t k = 0; k < count; k++) values[k] = (float)pixels[k] / 255;
    NSC_TRY(nsc_study_add_values(study, values, split != NSC_SPLIT_TRAIN, err));
  }
  return NSC_OK;
}

static nsc_status study_model(const nsc_training *t, const nsc_model *model, char **bytes, size_t *size,
                              nsc_error *err) {
  const nsc_dataset *d = &t->data;
  size_t count = d->height * d->width * d->channels, most = PIXELS / (d->height * d->width);
  uint32_t pictures = most < LEAST ? LEAST : most > MOST ? MOST : (uint32_t)most;
  float *values = malloc(count * sizeof *values);
  nsc_study *study = NULL;
  nsc_status status = values ? nsc_study_create(model, NULL, &study, err)
                             : nsc_fail_memory(err, count * sizeof *values, "a study of pictures");
  if (status == NSC_OK) nsc_study_lend_autoencoder(study, t->autoencoder);
  if (status == NSC_OK) status = add_split(d, NSC_SPLIT_TRAIN, pictures, study, values, err);
  if (status == NSC_OK) status = add_split(d, NSC_SPLIT_VALIDATION, pictures / 2, study, values, err);
  if (status == NSC_OK) status = nsc_study_finish(study, NULL, bytes, size, err);
  nsc_study_free(study);
  free(values);
  return status;
}

nsc_status nsc_training_study(const nsc_training *training, const uint8_t *file, size_t file_size, char **bytes,
                              size_t *size, nsc_error *err) {
  nsc_source *source;
  nsc_model *model;
  if (!training || !file || !bytes || !size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no training or no model");
  NSC_TRY(nsc_source_from_bytes(file, file_size, &source, err));
  nsc_status status = nsc_model_open(source, &model, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  status = study_model(training, model, bytes, size, err);
  nsc_model_free(model);
  return status;
}
