/*
 * How int8 products are computed in wasm, and whether they are worth it: measured once, before the first one is made.
 *
 * With VNNI (or dot products of ARM) behind the relaxed dot product int8 is several times as fast as float32; kernels
 * of our own (integer_kernels.h) take the place of XNNPACK's where they are faster. Where an engine expands that
 * instruction to others, products in words (words.h) are faster than either. Where nothing is faster than float32 by
 * enough, a quantised model is computed in floats.
 */
#ifndef NSC_NN_INTEGER_ROWS_H
#define NSC_NN_INTEGER_ROWS_H

#include <stdbool.h>

typedef struct nsc_integer_ways {
  bool pay;   /* faster than floats, by enough */
  bool words; /* products in words, but for depthwise convolutions */
  bool tiles; /* 3x3 convolutions in words, by tiles, where this is counted to take less */
} nsc_integer_ways;

/* Call after xnn_initialize and nsc_choose_rows. Natively XNNPACK's kernels pay, unless something else was assumed
   (decisions.h). Takes some milliseconds the first time in wasm. */
nsc_integer_ways nsc_choose_integers(void);

#endif
