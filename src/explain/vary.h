/*
 * Small changes of a picture that change nothing of what it shows: those that another device, another hand or another
 * file would make. For how steady a verdict is, and for averages over them.
 */
#ifndef NSC_EXPLAIN_VARY_H
#define NSC_EXPLAIN_VARY_H

#include "negatoscope.h"

/* Values 0..1 [height][width][channels] to values 0..1. Change number `step` of a kind; the same numbers give the same
 * change. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_vary(nsc_variation kind, uint64_t seed, uint32_t step, const float *in, uint32_t height,
                                    uint32_t width, uint32_t channels, float *out, nsc_error *err);

/*
 * What JPEG of that quality (1 to 100, as libjpeg counts) leaves of a picture: blocks of 8 x 8, the cosine transform
 * and the quantisation tables of ISO/IEC 10918-1, annex K; luminance and colour differences, colour not subsampled. In
 * place. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_jpeg_loss(float *values, uint32_t height, uint32_t width, uint32_t channels, int quality,
                                         nsc_error *err);

#endif
