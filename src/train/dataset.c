#include "train/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

nsc_status nsc_dataset_init(nsc_dataset *d, size_t height, size_t width, size_t channels, uint32_t label_count,
                            const char *const *labels, nsc_error *err) {
  *d = (nsc_dataset){.height = height, .width = width, .channels = channels, .label_count = label_count};
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

static nsc_status grow(nsc_dataset *d, nsc_error *err) {
  if (d->count < d->capacity) return NSC_OK;
  uint32_t capacity = d->capacity + d->capacity / 2 + 256;
  size_t each = d->height * d->width * d->channels, bytes;
  if (!nsc_mul_size(each, capacity, &bytes)) return nsc_fail_memory(err, SIZE_MAX, "the pictures");
  nsc_sample *samples = realloc(d->samples, capacity * sizeof *samples);
  if (samples) d->samples = samples;
  uint8_t *pixels = realloc(d->pixels, bytes);
  if (pixels) d->pixels = pixels;
  if (!samples || !pixels) return nsc_fail_memory(err, bytes, "the pictures");
  d->capacity = capacity;
  return NSC_OK;
}

nsc_status nsc_dataset_add(nsc_dataset *d, const char *name, const char *patient, uint32_t label, uint8_t **pixels,
                           nsc_error *err) {
  NSC_TRY(grow(d, err));
  nsc_sample s = {.label = label, .name = nsc_arena_text(&d->arena, name, strlen(name))};
  if (patient) s.patient = nsc_arena_text(&d->arena, patient, strlen(patient));
  if (!s.name || (patient && !s.patient)) return nsc_fail_memory(err, strlen(name), "a name");
  d->samples[d->count] = s;
  *pixels = d->pixels + (size_t)d->count * d->height * d->width * d->channels;
  d->count++;
  return NSC_OK;
}

/* ---- splitting ---- */

typedef struct ordered {
  const nsc_dataset *d;
  uint32_t sample;
} ordered;

/* By patient, samples without one each for themselves; the order of the file decides between equals. */
static int by_patient(const void *a, const void *b) {
  const ordered *x = a, *y = b;
  const char *p = x->d->samples[x->sample].patient, *q = y->d->samples[y->sample].patient;
  if (p && q && strcmp(p, q) != 0) return strcmp(p, q);
  if (!p != !q) return p ? 1 : -1;
  return x->sample < y->sample ? -1 : x->sample > y->sample;
}

/* Gives whole patients, in random order, to test, then validation, until each has its share of `label`. */
static nsc_status split_label(nsc_dataset *d, uint32_t label, double validation, double test, nsc_rng rng,
                              nsc_error *err) {
  ordered *list = malloc((d->count + 1) * sizeof *list);
  uint32_t *starts = malloc((d->count + 1) * sizeof *starts), *order = malloc((d->count + 1) * sizeof *order);
  uint32_t n = 0, groups = 0;
  if (list && starts && order) {
    for (uint32_t i = 0; i < d->count; i++) {
      if (d->samples[i].label == label && !d->samples[i].split_given) list[n++] = (ordered){d, i};
    }
    qsort(list, n, sizeof *list, by_patient);
    for (uint32_t i = 0; i < n; i++) {
      const char *before = i ? d->samples[list[i - 1].sample].patient : NULL, *now = d->samples[list[i].sample].patient;
      if (i == 0 || !before || !now || strcmp(before, now) != 0) {
        order[groups] = groups;
        starts[groups++] = i;
      }
    }
    starts[groups] = n;
    nsc_rng_shuffle(&rng, order, groups);
    double wanted[3] = {0, validation * n, test * n};
    uint32_t got[3] = {0};
    for (uint32_t g = 0; g < groups; g++) {
      uint32_t from = starts[order[g]], size = starts[order[g] + 1] - from;
      /* Half a group more or less: as near to the share as whole patients allow. */
      nsc_split to = got[2] + size / 2.0 <= wanted[2]   ? NSC_SPLIT_TEST
                     : got[1] + size / 2.0 <= wanted[1] ? NSC_SPLIT_VALIDATION
                                                        : NSC_SPLIT_TRAIN;
      got[to] += size;
      for (uint32_t i = from; i < from + size; i++) d->samples[list[i].sample].split = to;
    }
  }
  bool ok = list && starts && order;
  free(list);
  free(starts);
  free(order);
  return ok ? NSC_OK : nsc_fail_memory(err, d->count * sizeof *list, "the split");
}

/* A patient seen in several labels may have landed in several splits: all go where the first stands. */
static void join_patients(nsc_dataset *d, ordered *list) {
  for (uint32_t i = 0; i < d->count; i++) list[i] = (ordered){d, i};
  qsort(list, d->count, sizeof *list, by_patient);
  for (uint32_t i = 1; i < d->count; i++) {
    nsc_sample *a = &d->samples[list[i - 1].sample], *b = &d->samples[list[i].sample];
    if (a->patient && b->patient && strcmp(a->patient, b->patient) == 0 && !b->split_given) b->split = a->split;
  }
}

nsc_status nsc_dataset_split(nsc_dataset *d, double validation, double test, uint64_t seed, nsc_error *err) {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "shares of %g and %g leave nothing for training", validation, test);
  }
  const nsc_rng root = nsc_rng_seeded(seed);
  for (uint32_t label = 0; label < d->label_count; label++) {
    NSC_TRY(split_label(d, label, validation, test, nsc_rng_split(&root, label), err));
  }
  ordered *list = malloc((d->count + 1) * sizeof *list);
  if (!list) return nsc_fail_memory(err, d->count * sizeof *list, "the split");
  join_patients(d, list);
  free(list);
  return NSC_OK;
}

uint32_t nsc_dataset_count(const nsc_dataset *d, nsc_split split, uint32_t label) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < d->count; i++) {
    count += d->samples[i].split == split && (label == UINT32_MAX || d->samples[i].label == label);
  }
  return count;
}

void nsc_dataset_statistics(const nsc_dataset *d, float mean[3], float deviation[3]) {
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
    mean[c] = (float)(m / 255);
    /* A channel that never changes: dividing by anything but zero will do. */
    deviation[c] = v > 0 ? (float)(sqrt(v) / 255) : 1;
  }
}
