/*
 * Two passes: rows of the source are resampled across, four at once, then each is added to the output rows that it
 * belongs to.
 */
#include "image/resize.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
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

/* Rows that are resampled at once, each in a lane of a vector. */
enum { LANES = 4 };

typedef struct lanes {
  float of[LANES];
} lanes;

/* Where the rows of a round lie while they are worked on. */
typedef struct scratch {
  float *row;              /* [in][channels] as the source has it */
  lanes *rows, *resampled; /* [in][channels], [width][channels] */
  uint32_t at[LANES];      /* which rows of the source */
  uint32_t count;
} scratch;

static void resample(const lanes *rows, uint32_t channels, const nsc_taps *t, uint32_t width, lanes *out) {
  for (uint32_t i = 0; i < width; i++) {
    const float *weights = t->weights + i * t->stride;
    for (uint32_t c = 0; c < channels; c++) {
      const lanes *from = rows + (size_t)t->first[i] * channels + c;
      lanes sum = {{0}};
      for (uint32_t k = 0; k < t->count[i]; k++, from += channels) {
        for (int lane = 0; lane < LANES; lane++) sum.of[lane] += weights[k] * from->of[lane];
      }
      *out++ = sum;
    }
  }
}

static void add_row(const lanes *rows, uint32_t lane, size_t n, float weight, float *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] += weight * rows[i].of[lane];
}

/* Adds the rows that were gathered to the output rows that they belong to, in their order. */
static void add_round(scratch *s, uint32_t channels, const nsc_taps *x, uint32_t width, const nsc_taps *y,
                      uint32_t height, uint32_t *oldest, float *out, size_t out_stride) {
  resample(s->rows, channels, x, width, s->resampled);
  for (uint32_t lane = 0; lane < s->count; lane++) {
    uint32_t at = s->at[lane];
    while (*oldest < height && y->first[*oldest] + y->count[*oldest] <= at) ++*oldest;
    for (uint32_t i = *oldest; i < height && y->first[i] <= at; i++) {
      uint32_t k = at - y->first[i];
      float *to = out + i * out_stride;
      if (k < y->count[i]) add_row(s->resampled, lane, (size_t)width * channels, y->weights[i * y->stride + k], to);
    }
  }
  s->count = 0;
}

/* Both passes. */
static void run(nsc_row_source *source, void *user, uint32_t channels, const nsc_taps *x, size_t in, uint32_t width,
                const nsc_taps *y, uint32_t height, scratch *s, float *out, size_t out_stride) {
  size_t n = (size_t)width * channels;
  for (uint32_t i = 0; i < height; i++) memset(out + i * out_stride, 0, n * sizeof *out);
  uint32_t wanted = 0, oldest = 0; /* output rows before these are complete: of what was gathered, of what was added */
  for (uint32_t at = y->first[0]; at < y->first[height - 1] + y->count[height - 1]; at++) {
    while (wanted < height && y->first[wanted] + y->count[wanted] <= at) wanted++;
    if (wanted == height || y->first[wanted] > at) continue;
    source(user, at, s->row);
    for (size_t i = 0; i < in * channels; i++) s->rows[i].of[s->count] = s->row[i];
    s->at[s->count++] = at;
    if (s->count == LANES) add_round(s, channels, x, width, y, height, &oldest, out, out_stride);
  }
  if (s->count) add_round(s, channels, x, width, y, height, &oldest, out, out_stride);
}

nsc_status nsc_resize(nsc_row_source *source, void *user, uint32_t channels, const nsc_resize_axis *x,
                      const nsc_resize_axis *y, float *out, size_t out_stride, nsc_error *err) {
  nsc_taps across_taps = {0}, down_taps = {0};
  nsc_status status = make_taps(x, &across_taps, err);
  if (status == NSC_OK) status = make_taps(y, &down_taps, err);
  if (status == NSC_OK) {
    size_t in = (size_t)x->in * channels, made = (size_t)x->count * channels, all = 0;
    scratch s = {0};
    /* Zeros: lanes that no row comes into are computed, too. */
    if (nsc_mul_size(in + made, sizeof(lanes) + sizeof(float), &all)) s.rows = calloc(1, all);
    if (s.rows) {
      s.resampled = s.rows + in;
      s.row = (float *)(s.resampled + made);
      run(source, user, channels, &across_taps, x->in, x->count, &down_taps, y->count, &s, out, out_stride);
    } else {
      status = nsc_fail_memory(err, all, "a resize");
    }
    free(s.rows);
  }
  nsc_taps_drop(&across_taps);
  nsc_taps_drop(&down_taps);
  return status;
}
