/*
 * How int8 products are computed in wasm, and whether they are worth it: measured once, before the first one is made.
 *
 * With VNNI (or dot products of ARM) behind the relaxed dot product int8 is several times as fast as float32; where an
 * engine expands that instruction to others it is slower, and a quantised model is then computed in floats. Kernels of
 * our own (integer_kernels.h) take the place of XNNPACK's where they are faster.
 */
#ifndef NSC_NN_INTEGER_ROWS_H
#define NSC_NN_INTEGER_ROWS_H

#include <stdbool.h>

/* Call after xnn_initialize and nsc_choose_rows. Always true natively. Takes some milliseconds the first time in wasm.
 */
bool nsc_integers_pay(void);

#endif
