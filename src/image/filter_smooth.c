/* Median, Gaussian and unsharp mask. Channels lie interleaved, so a neighbour is `channels` floats away. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/filter.h"

/* `row` of [width][channels] into `out`, with `reach` mirrored pixels at both ends. */
static void pad_row(const float *row, size_t width, size_t channels, size_t reach, float *out) {
  memcpy(out + reach * channels, row, width * channels * sizeof *out);
  for (size_t i = 0; i < reach; i++) {
    size_t left = nsc_mirror((ptrdiff_t)i - (ptrdiff_t)reach, width), right = nsc_mirror((ptrdiff_t)(width + i), width);
    memcpy(out + i * channels, row + left * channels, channels * sizeof *out);
    memcpy(out + (reach + width + i) * channels, row + right * channels, channels * sizeof *out);
  }
}

/* ---- median ---- */

enum { BLOCK = 64, MOST_KEPT = 15 * 15 / 2 + 2 };

/* Value by value for a block of pixels: the smaller to `a`, the larger to `b`. Made for SIMD. */
static void exchange(float a[BLOCK], float b[BLOCK]) {
  for (int i = 0; i < BLOCK; i++) {
    float low = a[i] < b[i] ? a[i] : b[i], high = a[i] < b[i] ? b[i] : a[i];
    a[i] = low;
    b[i] = high;
  }
}

/* The smallest of `n` to the front, the largest to the back. */
static void extremes(float kept[][BLOCK], size_t n) {
  for (size_t i = 0; i < n / 2; i++) exchange(kept[i], kept[n - 1 - i]);
  for (size_t i = 1; i < (n + 1) / 2; i++) exchange(kept[0], kept[i]);
  for (size_t i = n / 2; i + 1 < n; i++) exchange(kept[i], kept[n - 1]);
}

/*
 * Forgetful selection (A. Paeth, "Median finding on a 3 x 3 grid", Graphics Gems, 1990): of the first half of the
 * values and one more, smallest and largest cannot be the median; each of them makes room for the next value, until one
 * is left. `at` gives value number i of the window: BLOCK floats from `rows[i / size] + i % size * step`.
 */
static void median_block(const float *const *rows, size_t size, size_t step, float *out, size_t count) {
  float kept[MOST_KEPT][BLOCK];
  size_t total = size * size, n = total / 2 + 2, next = n;
  for (size_t i = 0; i < n; i++) memcpy(kept[i], rows[i / size] + i % size * step, sizeof kept[i]);
  for (;;) {
    extremes(kept, n);
    if (next == total) break;
    memcpy(kept[0], rows[next / size] + next % size * step, sizeof kept[0]);
    next++;
    n--;
  }
  memcpy(out, kept[1], count * sizeof *out); /* of the last three the middle one */
}

nsc_status nsc_filter_median(nsc_plane p, size_t size, nsc_error *err) {
  size_t reach = size / 2, line = p.width * p.channels;
  size_t stride = line + 2 * reach * p.channels + BLOCK; /* the last block of a row may read on */
  size_t bytes = (p.height + 2 * reach) * stride * sizeof(float);
  float *padded = calloc(1, bytes);
  if (!padded) return nsc_fail_memory(err, bytes, "a median");
  for (size_t y = 0; y < p.height + 2 * reach; y++) {
    size_t from = nsc_mirror((ptrdiff_t)y - (ptrdiff_t)reach, p.height);
    pad_row(p.values + from * line, p.width, p.channels, reach, padded + y * stride);
  }
  const float *rows[15];
  for (size_t y = 0; y < p.height; y++) {
    for (size_t x = 0; x < line; x += BLOCK) {
      for (size_t i = 0; i < size; i++) rows[i] = padded + (y + i) * stride + x;
      median_block(rows, size, p.channels, p.values + y * line + x, line - x < BLOCK ? line - x : BLOCK);
    }
  }
  free(padded);
  return NSC_OK;
}

/* ---- Gaussian ---- */

/* Half of the weights: from the middle outwards, their whole sum 1. `out` has room for reach + 1. */
static void weights_of(double sigma, size_t reach, float *out) {
  double sum = 0;
  for (size_t i = 0; i <= reach; i++) sum += (i ? 2 : 1) * exp(-0.5 * (double)(i * i) / (sigma * sigma));
  for (size_t i = 0; i <= reach; i++) out[i] = (float)(exp(-0.5 * (double)(i * i) / (sigma * sigma)) / sum);
}

/* `count` sums around `middle`, whose neighbours are `step` floats apart. */
static void weigh(const float *middle, size_t step, const float *weights, size_t reach, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = weights[0] * middle[i];
  for (size_t k = 1; k <= reach; k++) {
    const float *before = middle - k * step, *after = middle + k * step;
    float w = weights[k];
    for (size_t i = 0; i < count; i++) out[i] += w * (before[i] + after[i]);
  }
}

/* All columns, a strip at a time, so that a strip stays in the cache. `strip` is [height + 2 reach][BLOCK]. */
static void smooth_columns(nsc_plane p, const float *weights, size_t reach, float *strip) {
  size_t line = p.width * p.channels;
  for (size_t x = 0; x < line; x += BLOCK) {
    size_t count = line - x < BLOCK ? line - x : BLOCK;
    for (size_t y = 0; y < p.height + 2 * reach; y++) {
      size_t from = nsc_mirror((ptrdiff_t)y - (ptrdiff_t)reach, p.height);
      memcpy(strip + y * BLOCK, p.values + from * line + x, count * sizeof *strip);
    }
    for (size_t y = 0; y < p.height; y++) {
      weigh(strip + (y + reach) * BLOCK, BLOCK, weights, reach, count, p.values + y * line + x);
    }
  }
}

nsc_status nsc_filter_gaussian(nsc_plane p, double sigma, nsc_error *err) {
  size_t reach = (size_t)(4 * sigma + 0.5), line = p.width * p.channels;
  size_t row = line + 2 * reach * p.channels, strip = (p.height + 2 * reach) * BLOCK;
  size_t bytes = ((row > strip ? row : strip) + reach + 1) * sizeof(float);
  float *buffer = calloc(1, bytes), *weights = buffer + (row > strip ? row : strip);
  if (!buffer) return nsc_fail_memory(err, bytes, "a Gaussian");
  weights_of(sigma, reach, weights);
  for (size_t y = 0; y < p.height; y++) {
    pad_row(p.values + y * line, p.width, p.channels, reach, buffer);
    weigh(buffer + reach * p.channels, p.channels, weights, reach, line, p.values + y * line);
  }
  smooth_columns(p, weights, reach, buffer);
  free(buffer);
  return NSC_OK;
}

nsc_status nsc_filter_sharpen(nsc_plane p, double sigma, double amount, nsc_error *err) {
  size_t count = p.width * p.height * p.channels;
  float *sharp = malloc(count * sizeof *sharp);
  if (!sharp) return nsc_fail_memory(err, count * sizeof *sharp, "an unsharp mask");
  memcpy(sharp, p.values, count * sizeof *sharp);
  nsc_status status = nsc_filter_gaussian(p, sigma, err);
  for (size_t i = 0; i < count; i++) {
    float by = status == NSC_OK ? (float)amount * (sharp[i] - p.values[i]) : 0;
    p.values[i] = nsc_clamp_unit(sharp[i] + by);
  }
  free(sharp);
  return status;
}
