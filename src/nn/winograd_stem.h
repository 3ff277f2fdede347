/*
 * Convolutions of stride 2 over pictures of few channels, such as the first one of a ResNet, by Winograd's minimal
 * filtering (Lavin and Gray 2016, arXiv:1509.09308). Rows and columns of even and of odd numbers make four pictures,
 * the phases, and the kernel falls apart likewise: the convolution is the sum of four of stride 1, of 4 or 3 taps a
 * side for a 7x7 kernel, of 3 or 2 for 5x5. Their transforms have the same points, so a tile of 4x4 outputs is one set
 * of products with the phases as channels: 169 multiplications a channel for 784, and one transform back.
 *
 * The phase with a tap less lacks the leading coefficient, which is all there is at the point infinity: there products
 * have half the channels, and at infinity both ways a quarter.
 *
 * Errors are below 1e-6 of the results' root mean square (docs/NUMERICS.md). Each result is computed in an order that
 * depends on shapes alone: threads do not change it.
 */
#ifndef NSC_NN_WINOGRAD_STEM_H
#define NSC_NN_WINOGRAD_STEM_H

#include "nn/winograd.h"

typedef struct nsc_winograd_stem {
  size_t batch, height, width, in_channels; /* of x */
  size_t out_height, out_width, out_channels;
  size_t top, left; /* padding, less than the kernel */
  size_t kernel;    /* taps a side, 5 or 7 */
} nsc_winograd_stem;

/* Whether these numbers can be done: four channels at most, outputs a multiple of 4, as many pixels of them as the
   picture has room for. */
bool nsc_winograd_stem_can(const nsc_winograd_stem *w);

/* Transforms weights [out][kernel][kernel][in] into `packed`, which has room for so many floats. */
size_t nsc_winograd_stem_floats(const nsc_kernels *kernels, const nsc_winograd_stem *w);
void nsc_winograd_stem_pack(const nsc_kernels *kernels, const nsc_winograd_stem *w, const float *weights,
                            float *packed);

/* Floats that nsc_winograd_stem_run wants to work in, with so many threads. */
size_t nsc_winograd_stem_workspace(const nsc_kernels *kernels, const nsc_winograd_stem *w, size_t threads);

/* y = x filtered with `packed`, both channels last. `workspace` stands at a multiple of 64 bytes. */
void nsc_winograd_stem_run(const nsc_kernels *kernels, const nsc_winograd_stem *w, const float *x, const float *packed,
                           const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace);

#endif
