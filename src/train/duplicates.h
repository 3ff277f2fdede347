/*
 * Pictures that a data set holds more than once: a copy in training and in test makes a test worth less, and a copy
 * with another label is a mistake in the data.
 *
 * Exact copies have the same bytes at the data set's size. Near copies (saved again, scaled) have all of: grey
 * difference hashes of 64 bits (each of 8 rows of 9 means against its right neighbour) that differ in few bits, and a
 * mean absolute difference of pixels that is small both in itself and against the picture's own contrast. Films of the
 * same part of different people look alike but are far from that: the nearest two of PneumoniaMNIST's 5,856 that are no
 * copies differ by 6.4 of 255 grey levels on average.
 */
#ifndef NSC_TRAIN_DUPLICATES_H
#define NSC_TRAIN_DUPLICATES_H

#include "train/dataset.h"

/* Limits of near copies: bits of the hash; grey levels; share of the picture's mean deviation from its mean. */
enum { NSC_DUPLICATE_BITS = 8, NSC_DUPLICATE_LEVELS = 3 };
#define NSC_DUPLICATE_CONTRAST 0.1

/* A sample that shows what one before it shows. */
typedef struct nsc_duplicate {
  uint32_t sample;
  uint32_t first;  /* of all that show this; is itself in no entry's `sample` */
  bool exact;      /* the same bytes as `first` */
  bool crosses;    /* stands in another split than `first` */
  bool relabelled; /* has another label than `first` */
} nsc_duplicate;

typedef struct nsc_duplicates {
  nsc_duplicate *list; /* [count] in the order of samples */
  uint32_t count, exact, relabelled;
  uint32_t groups;             /* pictures that occur more than once */
  uint32_t across;             /* of them, those that stand in more than one split */
  uint32_t within[NSC_SPLITS]; /* samples whose picture already stood in their own split */
} nsc_duplicates;

/*
 * Ended by nsc_duplicates_drop. Every two pictures are compared by their hashes, 64 bits each, and pixels only where
 * means of boxes agree too: 15,000 colour pictures of 128 x 128 take about a second, two when nearly all are black.
 * Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_duplicates_find(const nsc_dataset *d, nsc_duplicates *out, nsc_error *err);
void nsc_duplicates_drop(nsc_duplicates *duplicates);

#endif
