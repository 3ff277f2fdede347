/* Weights of resampling along one direction: which source pixels make an output pixel, and how much of each. */
#ifndef NSC_IMAGE_TAPS_H
#define NSC_IMAGE_TAPS_H

#include "negatoscope.h"

/* Output pixel i is the sum of weights[i * stride + k] * source[first[i] + k] over k < count[i]; weights add up to 1.
 */
typedef struct nsc_taps {
  uint32_t *first, *count; /* [length], with the weights one allocation each */
  float *weights;          /* [length][stride] */
  /* Of a kernel with negative lobes, else NULL: of the taps of pixel i, near_count[i] from number near_first[i] on are
     what a linear kernel would take. A result beyond their range is overshoot. [length] */
  uint32_t *near_first, *near_count;
  size_t stride;
  uint32_t length;
} nsc_taps;

/*
 * `length` output pixels from a source of `in`: pixel i reaches from from + (first + i) * step to one step more, in
 * source pixels. Both smooth kernels widen with steps over 1, so that nothing is left out where a picture becomes
 * smaller: linear is Pillow's and torchvision's antialiased bilinear, Lanczos has three lobes. At the borders the
 * weights that would lie outside go to the others. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_taps_make(nsc_smoothing kernel, uint32_t in, double from, double step, double first,
                                         uint32_t length, nsc_taps *out, nsc_error *err);
void nsc_taps_drop(nsc_taps *t);

#endif
