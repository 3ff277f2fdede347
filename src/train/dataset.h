/*
 * Pictures in memory at training size, as bytes: decoded once, then every epoch is arithmetic. Values 0..255 stand for
 * the recipe's 0..1.
 */
#ifndef NSC_TRAIN_DATASET_H
#define NSC_TRAIN_DATASET_H

#include "base/arena.h"
#include "base/rng.h"
#include "negatoscope.h"
#include "train/split.h"

/*
 * What the pictures of a data set may take unless the caller says otherwise: half of what a browser tab can give wasm,
 * and 20,000 grey pictures of 224 x 224.
 */
enum { NSC_DATASET_BUDGET = 1 << 30 };

typedef struct nsc_dataset {
  nsc_arena arena;
  size_t height, width, channels;
  uint64_t budget; /* bytes of pixels; nsc_dataset_init sets NSC_DATASET_BUDGET, the caller may change it */
  uint32_t count, capacity, label_count;
  nsc_sample *samples;
  uint8_t *pixels; /* [count][height][width][channels] */
  const char **labels;
  /* When not NULL, what is learned from instead of pixels: [count][feature_count], somebody else's. */
  const float *features;
  size_t feature_count;
  /* When not NULL, times to an event are learned: each sample has its outcome, and labels are "censored" and "event".
     In the arena. */
  struct nsc_survival_spec *survival;
  bool reconstructs; /* what is learned are the pictures themselves, whatever their labels; false at first */
} nsc_dataset;

/* `labels` are copied. */
NSC_WARN_UNUSED nsc_status nsc_dataset_init(nsc_dataset *d, size_t height, size_t width, size_t channels,
                                            uint32_t label_count, const char *const *labels, nsc_error *err);
void nsc_dataset_drop(nsc_dataset *d);

/*
 * Room for `count` samples in all, so that none is moved while they are added. LIMIT when they do not fit the budget:
 * the text says how many do, and at what size all would.
 */
NSC_WARN_UNUSED nsc_status nsc_dataset_reserve(nsc_dataset *d, uint32_t count, nsc_error *err);

/*
 * Room for one more sample; *pixels is to be filled with [height][width][channels] bytes and is valid until the next
 * call. `patient` is NULL or "" where nobody knows. Errors: LIMIT when the budget is used up, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_dataset_add(nsc_dataset *d, const char *name, const char *patient, uint32_t label,
                                           uint8_t **pixels, nsc_error *err);

static inline const uint8_t *nsc_dataset_pixels(const nsc_dataset *d, uint32_t sample) {
  return d->pixels + (size_t)sample * d->height * d->width * d->channels;
}

/* nsc_split_shares of the data set's samples. */
NSC_WARN_UNUSED nsc_status nsc_dataset_split(nsc_dataset *d, double validation, double test, uint64_t seed,
                                             nsc_error *err);

/* nsc_split_fold of the data set's samples. */
NSC_WARN_UNUSED nsc_status nsc_dataset_fold(nsc_dataset *d, uint32_t folds, uint32_t fold, uint64_t seed,
                                            nsc_error *err);

/* Samples of a split, and of a label in it (UINT32_MAX: of any). */
uint32_t nsc_dataset_count(const nsc_dataset *d, nsc_split split, uint32_t label);

/* How values 0..1 become a network's input: (x - mean) / deviation, a channel each. */
typedef struct nsc_normal {
  float mean[3], deviation[3]; /* deviation is above 0 */
} nsc_normal;

/* Those of the training split; a deviation of 1 where all values are the same. */
nsc_normal nsc_dataset_normal(const nsc_dataset *d);
void nsc_normalise(const nsc_normal *normal, float *values, size_t count, size_t channels);

#endif
