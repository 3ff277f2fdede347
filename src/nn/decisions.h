/*
 * What short measurements decide once for the whole program (rows.h, integer_rows.h), as a number that a later start
 * can be given. As global as XNNPACK's configuration, which the decisions change.
 */
#ifndef NSC_NN_DECISIONS_H
#define NSC_NN_DECISIONS_H

#include <stdint.h>

enum {
  NSC_ROWS_FOUR = 1,
  NSC_ROWS_SIX = 2,
  NSC_ROWS_MASK = 3,
  NSC_INTEGERS_PAY = 4,
  NSC_INTEGERS_COST = 8,
  NSC_INTEGERS_MASK = 12,
  NSC_INTEGERS_OWN = 16,   /* with kernels of ours */
  NSC_INTEGERS_WORDS = 32, /* products in words (words.h) */
  NSC_INTEGERS_TILES = 64  /* 3x3 convolutions in words, by tiles */
};

/* Bits of `mask` that were assumed at the start, 0 where there is nothing to go by. */
uint32_t nsc_assumed(uint32_t mask);
/* Notes what was decided. */
void nsc_decided(uint32_t bits);

#endif
