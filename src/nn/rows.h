/*
 * XNNPACK computes float32 products four rows at a time in relaxed-SIMD wasm on x86: eight accumulators, too few to
 * hide the latency of a fused multiply-add. Its own kernels for six rows use all registers and are 10 % faster where
 * the engine's compiler keeps everything in them, and up to twice as slow where it does not (V8 before about version
 * 12). So a short race decides, once, before the first operator is made.
 */
#ifndef NSC_NN_ROWS_H
#define NSC_NN_ROWS_H

/* Call after xnn_initialize. Does nothing but in relaxed-SIMD wasm on x86; the race takes 10 to 30 ms. */
void nsc_choose_rows(void);

#endif
