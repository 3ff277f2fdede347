/*
 * Pictures in memory at training size, as bytes: decoded once, then every epoch is arithmetic. Values 0..255 stand for
 * the recipe's 0..1.
 */
#ifndef NSC_TRAIN_DATASET_H
#define NSC_TRAIN_DATASET_H

#include "base/arena.h"
#include "base/rng.h"
#include "negatoscope.h"

typedef enum nsc_split { NSC_SPLIT_TRAIN = 0, NSC_SPLIT_VALIDATION = 1, NSC_SPLIT_TEST = 2 } nsc_split;

typedef struct nsc_sample {
  const char *name;    /* where it came from */
  const char *patient; /* who it is of, or NULL; samples of a patient stay in one split */
  uint32_t label;
  nsc_split split;
  bool split_given; /* by the data set itself: nsc_dataset_split leaves it */
} nsc_sample;

typedef struct nsc_dataset {
  nsc_arena arena;
  size_t height, width, channels;
  uint32_t count, capacity, label_count;
  nsc_sample *samples;
  uint8_t *pixels; /* [count][height][width][channels] */
  const char **labels;
} nsc_dataset;

/* `labels` are copied. */
NSC_WARN_UNUSED nsc_status nsc_dataset_init(nsc_dataset *d, size_t height, size_t width, size_t channels,
                                            uint32_t label_count, const char *const *labels, nsc_error *err);
void nsc_dataset_drop(nsc_dataset *d);

/* Room for one more sample; *pixels is to be filled with [height][width][channels] bytes. `patient` may be NULL. */
NSC_WARN_UNUSED nsc_status nsc_dataset_add(nsc_dataset *d, const char *name, const char *patient, uint32_t label,
                                           uint8_t **pixels, nsc_error *err);

static inline const uint8_t *nsc_dataset_pixels(const nsc_dataset *d, uint32_t sample) {
  return d->pixels + (size_t)sample * d->height * d->width * d->channels;
}

/*
 * Puts about `validation` and `test` (shares of all) of the samples without a given split into those splits: stratified
 * by label, whole patients together, the same for the same seed. A label with too few patients for a split stays in
 * training.
 */
NSC_WARN_UNUSED nsc_status nsc_dataset_split(nsc_dataset *d, double validation, double test, uint64_t seed,
                                             nsc_error *err);

/* Samples of a split, and of a label in it (UINT32_MAX: of any). */
uint32_t nsc_dataset_count(const nsc_dataset *d, nsc_split split, uint32_t label);

/* Mean and standard deviation of the training split, per channel, of values 0..1. */
void nsc_dataset_statistics(const nsc_dataset *d, float mean[3], float deviation[3]);

#endif
