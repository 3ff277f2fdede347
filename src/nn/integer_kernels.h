/*
 * int8 products for relaxed-SIMD wasm on processors whose dot product is unsigned times signed (VNNI), as XNNPACK's
 * micro-kernels: six rows by eight outputs, four inputs at a time.
 *
 * V8 has 15 registers for vectors. XNNPACK's four rows of eight inputs need more and spill; and it makes inputs
 * unsigned one by one. Here the weights are made unsigned, once, when they are packed: every sum is then too large by
 * 128 times the sum of its row's inputs, which is computed once a row. Twelve accumulators, two weights and one input
 * are 15 registers, nothing is between two dot products but a load, and outputs lie side by side in an accumulator, so
 * that nothing is added across at the end.
 */
#ifndef NSC_NN_INTEGER_KERNELS_H
#define NSC_NN_INTEGER_KERNELS_H

#ifdef __wasm_relaxed_simd__

#include <stddef.h>

enum { NSC_INTEGER_ROWS = 6, NSC_INTEGER_COLUMNS = 8, NSC_INTEGER_LOG2_DEPTH = 2 };

/* xnn_gemm_ukernel_fn and xnn_igemm_ukernel_fn for xnn_pack_qs8_to_qu8_* weights of these sizes; `params` are the
 * scalar ones of qs8_qc8w. */
void nsc_integer_gemm_1(size_t mr, size_t nc, size_t kc, const void *a, size_t a_stride, const void *w, void *c,
                        size_t cm_stride, size_t cn_stride, const void *params);
void nsc_integer_gemm_6(size_t mr, size_t nc, size_t kc, const void *a, size_t a_stride, const void *w, void *c,
                        size_t cm_stride, size_t cn_stride, const void *params);
void nsc_integer_igemm_1(size_t mr, size_t nc, size_t kc, size_t ks, const void **a, const void *w, void *c,
                         size_t cm_stride, size_t cn_stride, size_t a_offset, const void *zero, const void *params);
void nsc_integer_igemm_6(size_t mr, size_t nc, size_t kc, size_t ks, const void **a, const void *w, void *c,
                         size_t cm_stride, size_t cn_stride, size_t a_offset, const void *zero, const void *params);

/* xnn_packw_gemm_goi_ukernel_fn, xnn_packw_gemm_gio_ukernel_fn, xnn_pack_conv_goki_w_fn: weights for these kernels. */
void nsc_integer_pack_goi(size_t g, size_t nc, size_t kc, size_t nr, size_t kr, size_t sr, const void *k, const void *b,
                          const void *scale, void *packed, size_t extra, const void *params);
void nsc_integer_pack_gio(size_t g, size_t nc, size_t kc, size_t nr, size_t kr, size_t sr, size_t k_stride,
                          const void *k, const void *b, const void *scale, void *packed, size_t extra,
                          const void *params);
void nsc_integer_pack_goki(size_t g, size_t nc, size_t ks, size_t kc, size_t nr, size_t kr, size_t sr, const void *k,
                           const void *b, const void *scale, void *packed, size_t extra, const void *params);

#endif

#endif
