/* Which samples train, which validate and which test: whole patients together, labels in equal shares. */
#ifndef NSC_TRAIN_SPLIT_H
#define NSC_TRAIN_SPLIT_H

#include "negatoscope.h"

typedef enum nsc_split { NSC_SPLIT_TRAIN = 0, NSC_SPLIT_VALIDATION = 1, NSC_SPLIT_TEST = 2 } nsc_split;

enum { NSC_SPLITS = 3 };

typedef struct nsc_sample {
  const char *name;    /* where it came from */
  const char *patient; /* who it is of, or NULL; samples of a patient stay in one split */
  uint32_t label;
  nsc_split split;
  bool split_given;                  /* by the data set itself: nsc_split_shares and nsc_split_fold leave it */
  const struct nsc_outcome *outcome; /* of a data set for times to an event (survival.h), else NULL; somebody else's */
} nsc_sample;

/* "training", "validation", "test". Static storage. */
const char *nsc_split_name(nsc_split split);

/* Reads "train", "training", "val", "valid", "validation", "test", "testing", in any case; false for anything else. */
bool nsc_split_parse(const char *word, size_t size, nsc_split *out);

/*
 * Puts about `validation` and `test` (shares of all) of the samples without a given split into those splits: stratified
 * by label, whole patients together, the same for the same seed. A label with too few patients for a split stays in
 * training. Errors: ARGUMENT when nothing is left for training, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_split_shares(nsc_sample *samples, uint32_t count, uint32_t label_count,
                                            double validation, double test, uint64_t seed, nsc_error *err);

/*
 * Cross-validation: deals the samples without a given split into `folds` parts, whole patients together and each label
 * as evenly as patients allow. Part number `fold` (0-based) becomes validation, the others training. The same seed
 * gives the same parts whatever `fold` is, so that the parts of all runs cover every sample once. Errors: ARGUMENT
 * (fewer than 2 folds, no such fold, fewer patients than folds), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_split_fold(nsc_sample *samples, uint32_t count, uint32_t label_count, uint32_t folds,
                                          uint32_t fold, uint64_t seed, nsc_error *err);

#endif
