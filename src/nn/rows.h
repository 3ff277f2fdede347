/*
 * XNNPACK computes float32 products four rows at a time in relaxed-SIMD wasm on x86: eight accumulators, too few to
 * hide the latency of a fused multiply-add. Its own kernels for six rows use all registers: 10 % faster in
 * Chromium 156, a third slower in the V8 of Node 20, which spills them. So a short race decides, once, before the first
 * operator is made.
 */
#ifndef NSC_NN_ROWS_H
#define NSC_NN_ROWS_H

/* Call after xnn_initialize. Does nothing but in relaxed-SIMD wasm on x86; the race took about 20 ms where it was
 * measured. */
void nsc_choose_rows(void);

#endif
