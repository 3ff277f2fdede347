/*
 * Filters on pictures of floats 0..1, [height][width][channels] with 1 or 3 channels, in place; results are 0..1 again.
 * Beyond the edge the picture is mirrored, its edge pixels repeated (d c b a | a b c d | d c b a; scipy's "reflect").
 *
 *   filter_steps.c      the list of filters as JSON, read and written, with the bounds of each parameter
 *   filter_apply.c      one after the other; what a filter of grey does to colour; bytes for the screen
 *   filter_smooth.c     median, Gaussian, unsharp mask
 *   filter_histogram.c  normalise, standardise, equalise, CLAHE
 *   filter_threshold.c  binarise, Otsu
 *   filter_edges.c      Sobel, Canny
 */
#ifndef NSC_IMAGE_FILTER_H
#define NSC_IMAGE_FILTER_H

#include "base/json.h"
#include "base/text.h"
#include "negatoscope.h"

typedef struct nsc_plane {
  float *values;
  size_t width, height, channels;
} nsc_plane;

/* ---- steps ---- */

/* A JSON list of steps. Errors: ARGUMENT, naming step and parameter. */
NSC_WARN_UNUSED nsc_status nsc_steps_read(const nsc_json_value *list, nsc_steps *out, nsc_error *err);
/* Appends the list that nsc_steps_read reads. */
void nsc_steps_write(const nsc_steps *steps, nsc_text *t);
/* ARGUMENT when a value is impossible. */
NSC_WARN_UNUSED nsc_status nsc_steps_check(const nsc_steps *steps, nsc_error *err);
/* "median", ... Static storage. */
const char *nsc_filter_name(nsc_filter_kind kind);

/* ---- filters: each channel for itself. Errors: MEMORY ---- */

/* Median of size x size pixels, size odd and at most 15. */
NSC_WARN_UNUSED nsc_status nsc_filter_median(nsc_plane p, size_t size, nsc_error *err);
/* Weights to four deviations, as scipy cuts them; `sigma` in pixels. */
NSC_WARN_UNUSED nsc_status nsc_filter_gaussian(nsc_plane p, double sigma, nsc_error *err);
/* x + amount (x - Gaussian of x): unsharp mask. */
NSC_WARN_UNUSED nsc_status nsc_filter_sharpen(nsc_plane p, double sigma, double amount, nsc_error *err);
void nsc_filter_invert(nsc_plane p);

/* ---- over all channels together ---- */

/* Smallest to largest value becomes 0..1; a flat picture becomes 0. */
void nsc_filter_normalise(nsc_plane p);
/* The mean becomes 0.5, `deviations` standard deviations below and above it 0 and 1; a flat picture becomes 0.5. */
void nsc_filter_standardise(nsc_plane p, double deviations);

/* ---- of one channel ---- */

enum { NSC_GREY_LEVELS = 256 }; /* of histograms: what 8 bits tell apart */

/* 1 at `threshold` and above, else 0. */
void nsc_filter_binarise(nsc_plane p, double threshold);
/* N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans SMC 9:62, 1979: the level 0..255 up to
 * which pixels are the darker class, the lowest of those that are equally good. */
int nsc_otsu_level(nsc_plane p);
void nsc_filter_otsu(nsc_plane p);
/* Each level takes the share of pixels that are darker, stretched to 0..1; values between levels lie between. */
void nsc_filter_equalise(nsc_plane p);
/*
 * K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994: tiles x tiles histograms
 * whose bins are cut at `clip` times their mean, the excess spread over all bins; bilinear between the tiles' centres.
 */
NSC_WARN_UNUSED nsc_status nsc_filter_clahe(nsc_plane p, double clip, size_t tiles, nsc_error *err);
/* Length of the gradient by Sobel's 3 x 3 weights over 4: a straight edge from 0 to 1 gives 1; what is more is cut. */
NSC_WARN_UNUSED nsc_status nsc_filter_sobel(nsc_plane p, nsc_error *err);
/*
 * J. Canny, "A computational approach to edge detection", IEEE Trans PAMI 8:679, 1986: Gaussian, gradient as above,
 * ridges along the gradient's own direction, kept where they reach `low` and hang together with one that reaches
 * `high`.
 */
NSC_WARN_UNUSED nsc_status nsc_filter_canny(nsc_plane p, double sigma, double low, double high, nsc_error *err);

/* ---- shared ---- */

/* The pixel that stands for number `i` of `n`, which may lie outside. */
static inline size_t nsc_mirror(ptrdiff_t i, size_t n) {
  ptrdiff_t period = 2 * (ptrdiff_t)n;
  if (i < 0 || i >= period) i = ((i % period) + period) % period;
  return (size_t)(i < (ptrdiff_t)n ? i : period - 1 - i);
}

static inline float nsc_clamp_unit(float x) {
  return x > 0 ? (x < 1 ? x : 1) : 0; /* a NaN becomes 0 */
}

static inline int nsc_level(float x) {
  return (int)(nsc_clamp_unit(x) * (NSC_GREY_LEVELS - 1) + 0.5f);
}

#endif
