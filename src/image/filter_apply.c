/*
 * Steps one after the other. Filters that judge brightness (thresholds, edges) look at colour's ITU-R BT.601 luma and
 * give grey; those that change brightness (equalise, CLAHE) move all three channels by as much as the luma.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/filter.h"

static float luma(const float *rgb) {
  return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

/* A filter of one channel. */
static nsc_status filter_grey(const nsc_filter *s, nsc_plane p, nsc_error *err) {
  const double *v = s->values;
  switch (s->kind) {
    case NSC_FILTER_BINARISE:
      nsc_filter_binarise(p, v[0]);
      return NSC_OK;
    case NSC_FILTER_OTSU:
      nsc_filter_otsu(p);
      return NSC_OK;
    case NSC_FILTER_EQUALISE:
      nsc_filter_equalise(p);
      return NSC_OK;
    case NSC_FILTER_CLAHE:
      return nsc_filter_clahe(p, v[0], (size_t)v[1], err);
    case NSC_FILTER_SOBEL:
      return nsc_filter_sobel(p, err);
    case NSC_FILTER_CANNY:
      return nsc_filter_canny(p, v[0], v[1], v[2], err);
    default: /* NSC_FILTER_GREY: it is grey already */
      return NSC_OK;
  }
}

static void put_luma(nsc_plane p, const float *before, const float *after, bool keeps_colour) {
  for (size_t i = 0; i < p.width * p.height; i++) {
    for (size_t c = 0; c < 3; c++) {
      float *at = &p.values[3 * i + c];
      *at = keeps_colour ? nsc_clamp_unit(*at + after[i] - before[i]) : after[i];
    }
  }
}

static nsc_status filter_luma(const nsc_filter *s, nsc_plane p, nsc_error *err) {
  if (p.channels == 1) return filter_grey(s, p, err);
  size_t pixels = p.width * p.height;
  float *before = malloc(2 * pixels * sizeof *before), *after = before + pixels;
  if (!before) return nsc_fail_memory(err, 2 * pixels * sizeof *before, "a filter");
  for (size_t i = 0; i < pixels; i++) before[i] = after[i] = luma(p.values + 3 * i);
  nsc_status status = filter_grey(s, (nsc_plane){after, p.width, p.height, 1}, err);
  bool keeps_colour = s->kind == NSC_FILTER_EQUALISE || s->kind == NSC_FILTER_CLAHE;
  if (status == NSC_OK) put_luma(p, before, after, keeps_colour);
  free(before);
  return status;
}

static nsc_status filter(const nsc_filter *s, nsc_plane p, nsc_error *err) {
  const double *v = s->values;
  switch (s->kind) {
    case NSC_FILTER_INVERT:
      nsc_filter_invert(p);
      return NSC_OK;
    case NSC_FILTER_NORMALISE:
      nsc_filter_normalise(p);
      return NSC_OK;
    case NSC_FILTER_STANDARDISE:
      nsc_filter_standardise(p, v[0]);
      return NSC_OK;
    case NSC_FILTER_MEDIAN:
      return nsc_filter_median(p, (size_t)v[0], err);
    case NSC_FILTER_GAUSSIAN:
      return nsc_filter_gaussian(p, v[0], err);
    case NSC_FILTER_SHARPEN:
      return nsc_filter_sharpen(p, v[0], v[1], err);
    default:
      return filter_luma(s, p, err);
  }
}

/* Buffers of filters are at most four such pictures, each with a border. */
static bool fits(uint32_t width, uint32_t height, uint32_t channels) {
  uint64_t bytes;
  return nsc_mul_u64(((uint64_t)width + 512) * ((uint64_t)height + 512), channels * sizeof(float) * 4ULL, &bytes) &&
         bytes <= SIZE_MAX / 2;
}

nsc_status nsc_steps_apply(const nsc_steps *steps, float *values, uint32_t width, uint32_t height, uint32_t channels,
                           nsc_error *err) {
  if (!steps || !values || width == 0 || height == 0 || (channels != 1 && channels != 3)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no steps or no picture of 1 or 3 channels");
  }
  NSC_TRY(nsc_steps_check(steps, err));
  if (steps->count && !fits(width, height, channels)) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "a picture of %u x %u is too large for filters", width, height);
  }
  nsc_plane p = {values, width, height, channels};
  for (uint32_t i = 0; i < steps->count; i++) {
    nsc_error why = {0};
    nsc_status status = filter(&steps->list[i], p, &why);
    if (status == NSC_OK) continue;
    return nsc_fail(err, status, "step %u (%s): %.200s", i + 1, nsc_filter_name(steps->list[i].kind), why.text);
  }
  return NSC_OK;
}

/* ---- bytes ---- */

static bool is_grey(const uint8_t *rgba, size_t pixels) {
  for (size_t i = 0; i < pixels; i++, rgba += 4) {
    if (rgba[0] != rgba[1] || rgba[0] != rgba[2]) return false;
  }
  return true;
}

nsc_status nsc_filter_rgba(const nsc_steps *steps, uint8_t *rgba, uint32_t width, uint32_t height, size_t size,
                           nsc_error *err) {
  if (!steps || !rgba || width == 0 || height == 0 || size < (uint64_t)width * height * 4) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no steps or no picture of %u x %u", width, height);
  }
  if (steps->count == 0) return NSC_OK;
  if (!fits(width, height, 3)) return nsc_fail(err, NSC_ERROR_LIMIT, "a picture of %u x %u", width, height);
  size_t pixels = (size_t)width * height;
  uint32_t channels = is_grey(rgba, pixels) ? 1 : 3;
  float *values = malloc(pixels * channels * sizeof *values);
  if (!values) return nsc_fail_memory(err, pixels * channels * sizeof *values, "a filter");
  for (size_t i = 0; i < pixels; i++) {
    for (uint32_t c = 0; c < channels; c++) values[i * channels + c] = (float)rgba[4 * i + c] / 255;
  }
  nsc_status status = nsc_steps_apply(steps, values, width, height, channels, err);
  for (size_t i = 0; i < pixels && status == NSC_OK; i++) {
    for (uint32_t c = 0; c < 3; c++) {
      rgba[4 * i + c] = (uint8_t)(values[i * channels + (channels == 3 ? c : 0)] * 255 + 0.5f);
    }
  }
  free(values);
  return status;
}
