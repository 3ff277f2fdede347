/*
 * Convolutions of 3x3 taps by Winograd's minimal filtering (Lavin and Gray 2016, arXiv:1509.09308), at stride 1; in
 * inference where weights stand as taps also at stride 2, and with tiles of 6x6 outputs (winograd_cut.h).
 * F(4x4, 3x3) takes 36 multiplications for what takes 144, at the price of some transforms and of weights four times as
 * large; F(2x2, 3x3) 16 for 36, with weights 1.8 times as large. Of a tile of 6x6 (4x4) inputs, transformed, each of
 * the 36 (16) places ("planes") is a matrix product of its own, [tiles][in] times [in][out], on XNNPACK's
 * micro-kernels. The weights' gradient is F(3x3, 4x4): the same input tiles, filtered with the 4x4 gradients.
 *
 * Errors are some five times those of a plain sum, with 2x2 outputs as of a plain sum (docs/NUMERICS.md). Each result
 * is computed in an order that depends on shapes alone: threads do not change it.
 */
#ifndef NSC_NN_WINOGRAD_H
#define NSC_NN_WINOGRAD_H

#include "nn/product.h"

typedef struct nsc_winograd {
  size_t batch, height, width, in_channels; /* of x */
  size_t out_height, out_width, out_channels;
  size_t top, left; /* padding, at most 2 */
  size_t stride;    /* 1, or 2 with weights that stand as taps */
  size_t tile;      /* outputs a side: 4, or 2 where the weights are too large; gradients want 4 */
  bool taps;        /* weights stand as taps, for nsc_winograd_run_taps: tiles of 4 and 3 mixed, or of 6 and 4 */
} nsc_winograd;

/* Whether these numbers of channels can be done (multiples of 4), and are enough to be worth it. */
bool nsc_winograd_pays(const nsc_winograd *w);

size_t nsc_winograd_weight_floats(const nsc_kernels *kernels, size_t tile, size_t in, size_t out);

/* Transforms weights on all threads into `packed`, which has room for nsc_winograd_weight_floats. `right` is as for
   nsc_pack, with nine taps in rows of three and no bias, and column_stride 1. */
void nsc_winograd_pack(const nsc_kernels *kernels, size_t tile, const nsc_right *right, float *packed,
                       pthreadpool_t pool);

/* What is done with results before they are written: y = clamp(y + bias + add). */
typedef struct nsc_winograd_after {
  const float *bias; /* [out_channels] or NULL */
  const float *add;  /* of the shape of y, or NULL */
  bool clamps;
  float min, max;
} nsc_winograd_after;

/* Floats that nsc_winograd_run wants to work in, with so many threads. */
size_t nsc_winograd_workspace(const nsc_kernels *kernels, const nsc_winograd *shape, size_t threads);

/* y = x filtered with `packed`. `workspace` stands at a multiple of 64 bytes. */
void nsc_winograd_run(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *packed,
                      const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace);

/* The same with weights that stand as their taps and are transformed in every run, for tiles of 4 and of 6: see
   winograd_taps.c. `weights` is [out][in][3][3], times `scale` ([out] or NULL); `taps` has room for
   nsc_winograd_taps_floats. */
size_t nsc_winograd_taps_floats(size_t in, size_t out);
void nsc_winograd_pack_taps(size_t in, size_t out, const float *weights, const float *scale, float *taps,
                            pthreadpool_t pool);
size_t nsc_winograd_taps_workspace(const nsc_winograd *shape, size_t threads);
void nsc_winograd_run_taps(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *taps,
                           const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace);

/*
 * The same for weights that are new each time: y = x filtered with `right`, which may also have channel_stride 1.
 * Weights of many channels are transformed some columns at a time, which stay in a cache, as long as the transforms of
 * x can be kept meanwhile; y is the same to the bit. `room` is worked in.
 */
NSC_WARN_UNUSED nsc_status nsc_winograd_filter(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x,
                                               const nsc_right *right, const nsc_winograd_after *after, float *y,
                                               pthreadpool_t pool, nsc_room *room, nsc_error *err);
/* Floats of `room` that it takes. */
size_t nsc_winograd_filter_room(const nsc_kernels *kernels, const nsc_winograd *shape, const nsc_right *right,
                                size_t threads);

/* dw [out][3][3][in] = the gradient with respect to weights, given dy with respect to y, summed over the batch. Sums of
   many channels are made some outputs at a time, likewise. */
NSC_WARN_UNUSED nsc_status nsc_winograd_weight_gradient(const nsc_kernels *kernels, const nsc_winograd *shape,
                                                        const float *x, const float *dy, float *dw, pthreadpool_t pool,
                                                        nsc_room *room, nsc_error *err);
size_t nsc_winograd_gradient_room(const nsc_kernels *kernels, const nsc_winograd *shape, size_t threads);

#endif
