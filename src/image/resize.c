/*
 * Two passes: each row of the source is resampled across, then added to the output rows that it belongs to.
 */
#include "image/resize.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/taps.h"

static nsc_status make_taps(const nsc_resize_axis *axis, nsc_taps *out, nsc_error *err) {
  bool in_order = axis->from >= 0 && axis->from < axis->to && axis->to <= axis->in;
  if (!in_order || !axis->full || !axis->count || axis->first > axis->full || axis->count > axis->full - axis->first) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a resize that takes or makes nothing");
  }
  double step = (axis->to - axis->from) / (double)axis->full;
  return nsc_taps_make(NSC_SMOOTH_LINEAR, axis->in, axis->from, step, (double)axis->first, axis->count, out, err);
}

static void resample_row(const float *row, uint32_t channels, const nsc_taps *t, uint32_t count, float *out) {
  for (uint32_t i = 0; i < count; i++) {
    const float *from = row + (size_t)t->first[i] * channels, *weights = t->weights + i * t->stride;
    if (channels == 1) {
      float sum = 0;
      for (uint32_t k = 0; k < t->count[i]; k++) sum += weights[k] * from[k];
      out[i] = sum;
    } else {
      float sum[3] = {0};
      for (uint32_t k = 0; k < t->count[i]; k++) {
        for (int c = 0; c < 3; c++) sum[c] += weights[k] * from[3 * k + (uint32_t)c];
      }
      for (int c = 0; c < 3; c++) out[3 * i + (uint32_t)c] = sum[c];
    }
  }
}

static void add_row(const float *row, size_t n, float weight, float *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] += weight * row[i];
}

/* Both passes; `row` and `across` are scratch for one source row and the same after the first pass. */
static void run(nsc_row_source *source, void *user, uint32_t channels, const nsc_taps *x, uint32_t width,
                const nsc_taps *y, uint32_t height, float *row, float *across, float *out, size_t out_stride) {
  size_t n = (size_t)width * channels;
  for (uint32_t i = 0; i < height; i++) memset(out + i * out_stride, 0, n * sizeof *out);
  uint32_t oldest = 0; /* output rows before this one are complete */
  for (uint32_t at = y->first[0]; at < y->first[height - 1] + y->count[height - 1]; at++) {
    while (oldest < height && y->first[oldest] + y->count[oldest] <= at) oldest++;
    if (oldest == height || y->first[oldest] > at) continue;
    source(user, at, row);
    resample_row(row, channels, x, width, across);
    for (uint32_t i = oldest; i < height && y->first[i] <= at; i++) {
      uint32_t k = at - y->first[i];
      if (k < y->count[i]) add_row(across, n, y->weights[i * y->stride + k], out + i * out_stride);
    }
  }
}

nsc_status nsc_resize(nsc_row_source *source, void *user, uint32_t channels, const nsc_resize_axis *x,
                      const nsc_resize_axis *y, float *out, size_t out_stride, nsc_error *err) {
  nsc_taps across_taps = {0}, down_taps = {0};
  nsc_status status = make_taps(x, &across_taps, err);
  if (status == NSC_OK) status = make_taps(y, &down_taps, err);
  if (status == NSC_OK) {
    size_t in_floats = (size_t)x->in * channels, out_floats = (size_t)x->count * channels;
    float *row = malloc((in_floats + out_floats) * sizeof *row);
    if (row) {
      run(source, user, channels, &across_taps, x->count, &down_taps, y->count, row, row + in_floats, out, out_stride);
    } else {
      status = nsc_fail_memory(err, (in_floats + out_floats) * sizeof *row, "a resize");
    }
    free(row);
  }
  nsc_taps_drop(&across_taps);
  nsc_taps_drop(&down_taps);
  return status;
}
