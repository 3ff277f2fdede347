#include "train/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

nsc_status nsc_dataset_init(nsc_dataset *d, size_t height, size_t width, size_t channels, uint32_t label_count,
                            const char *const *labels, nsc_error *err) {
  *d = (nsc_dataset){
      .height = height, .width = width, .channels = channels, .budget = NSC_DATASET_BUDGET, .label_count = label_count};
  d->labels = nsc_arena_alloc(&d->arena, label_count + 1, sizeof *d->labels);
  bool ok = d->labels != NULL;
  for (uint32_t i = 0; i < label_count && ok; i++) {
    d->labels[i] = nsc_arena_text(&d->arena, labels[i], strlen(labels[i]));
    ok = d->labels[i] != NULL;
  }
  if (ok) return NSC_OK;
  nsc_dataset_drop(d);
  return nsc_fail_memory(err, label_count * sizeof *d->labels, "labels");
}

void nsc_dataset_drop(nsc_dataset *d) {
  nsc_arena_free(&d->arena);
  free(d->samples);
  free(d->pixels);
  *d = (nsc_dataset){0};
}

/* The largest side, in steps of 8, at which `count` pictures of this shape fit: what to try instead. */
static size_t side_that_fits(const nsc_dataset *d, uint32_t count) {
  double shrink = sqrt((double)d->budget / ((double)count * (double)(d->height * d->width * d->channels)));
  size_t side = (size_t)((double)(d->height > d->width ? d->height : d->width) * shrink);
  return side >= 16 ? side / 8 * 8 : side ? side : 1;
}

static nsc_status fail_budget(const nsc_dataset *d, uint32_t count, uint64_t most, nsc_error *err) {
  return nsc_fail(
      err, NSC_ERROR_LIMIT,
      "%u pictures of %zu x %zu x %zu do not fit into %llu MB, only %llu do; at a size of %zu they all would", count,
      d->width, d->height, d->channels, (unsigned long long)(d->budget >> 20), (unsigned long long)most,
      side_that_fits(d, count));
}

nsc_status nsc_dataset_reserve(nsc_dataset *d, uint32_t count, nsc_error *err) {
  if (count <= d->capacity) return NSC_OK;
  size_t each = d->height * d->width * d->channels, bytes, facts;
  uint64_t most = each ? d->budget / each : UINT32_MAX;
  if (count > most) return fail_budget(d, count, most, err);
  if (!nsc_mul_size(each, count, &bytes) || !nsc_mul_size(sizeof *d->samples, count, &facts)) {
    return nsc_fail_memory(err, SIZE_MAX, "the pictures");
  }
  nsc_sample *samples = realloc(d->samples, facts);
  if (samples) d->samples = samples;
  uint8_t *pixels = realloc(d->pixels, bytes ? bytes : 1);
  if (pixels) d->pixels = pixels;
  if (!samples || !pixels) return nsc_fail_memory(err, bytes, "the pictures");
  d->capacity = count;
  return NSC_OK;
}

/* Half as many again, but no more than the budget allows while one more still fits. */
static nsc_status grow(nsc_dataset *d, nsc_error *err) {
  if (d->count < d->capacity) return NSC_OK;
  if (d->count == UINT32_MAX) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %u pictures", UINT32_MAX);
  size_t each = d->height * d->width * d->channels;
  uint64_t wanted = (uint64_t)d->capacity + d->capacity / 2 + 256, most = each ? d->budget / each : UINT32_MAX;
  if (wanted > most) wanted = most;
  if (wanted > UINT32_MAX) wanted = UINT32_MAX;
  if (wanted <= d->count) wanted = (uint64_t)d->count + 1;
  return nsc_dataset_reserve(d, (uint32_t)wanted, err);
}

nsc_status nsc_dataset_add(nsc_dataset *d, const char *name, const char *patient, uint32_t label, uint8_t **pixels,
                           nsc_error *err) {
  NSC_TRY(grow(d, err));
  nsc_sample s = {.label = label, .name = nsc_arena_text(&d->arena, name, strlen(name))};
  if (patient && !patient[0]) patient = NULL;
  if (patient) s.patient = nsc_arena_text(&d->arena, patient, strlen(patient));
  if (!s.name || (patient && !s.patient)) return nsc_fail_memory(err, strlen(name), "a name");
  d->samples[d->count] = s;
  *pixels = d->pixels + (size_t)d->count * d->height * d->width * d->channels;
  d->count++;
  return NSC_OK;
}

nsc_status nsc_dataset_split(nsc_dataset *d, double validation, double test, uint64_t seed, nsc_error *err) {
  return nsc_split_shares(d->samples, d->count, d->label_count, validation, test, seed, err);
}

nsc_status nsc_dataset_fold(nsc_dataset *d, uint32_t folds, uint32_t fold, uint64_t seed, nsc_error *err) {
  return nsc_split_fold(d->samples, d->count, d->label_count, folds, fold, seed, err);
}

uint32_t nsc_dataset_count(const nsc_dataset *d, nsc_split split, uint32_t label) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < d->count; i++) {
    count += d->samples[i].split == split && (label == UINT32_MAX || d->samples[i].label == label);
  }
  return count;
}

nsc_normal nsc_dataset_normal(const nsc_dataset *d) {
  nsc_normal normal = {.deviation = {1, 1, 1}};
  size_t pixels = d->height * d->width;
  for (size_t c = 0; c < d->channels; c++) {
    uint64_t sum = 0, squares = 0, count = 0;
    for (uint32_t i = 0; i < d->count; i++) {
      if (d->samples[i].split != NSC_SPLIT_TRAIN) continue;
      const uint8_t *p = nsc_dataset_pixels(d, i) + c;
      for (size_t k = 0; k < pixels; k++, p += d->channels) {
        sum += *p;
        squares += (uint64_t)*p * *p;
      }
      count += pixels;
    }
    double m = count ? (double)sum / (double)count : 0, v = count ? (double)squares / (double)count - m * m : 0;
    normal.mean[c] = (float)(m / 255);
    /* A channel that never changes: dividing by anything but zero will do. */
    if (v > 0) normal.deviation[c] = (float)(sqrt(v) / 255);
  }
  return normal;
}

void nsc_normalise(const nsc_normal *normal, float *values, size_t count, size_t channels) {
  for (size_t c = 0; c < channels; c++) {
    float mean = normal->mean[c], factor = 1 / normal->deviation[c];
    for (size_t k = c; k < count; k += channels) values[k] = (values[k] - mean) * factor;
  }
}
