#include "image/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/mapping.h"
#include "image/taps.h"

enum { ROWS = 4 };

typedef float lanes __attribute__((vector_size(16))); /* one value of each of ROWS output rows */

typedef struct resampling {
  const nsc_image *image;
  const void *samples;
  double low, high; /* smallest and largest sample */
  nsc_taps x, y;
  uint32_t begin;      /* source columns begin..end are used */
  size_t span;         /* values of a row between them, all channels */
  float *row;          /* [span]: one output row before it is resampled across */
  float *least, *most; /* [span]: the range that it may have; behind `row` */
  lanes *columns;      /* [span] */
  void *out;
} resampling;

#define DEFINE_ROW(name, type)                                                          \
  static void name##_add(const resampling *r, size_t at, float weight) {                \
    const type *p = (const type *)r->samples + at;                                      \
    const float low = (float)r->low;                                                    \
    float *restrict row = r->row;                                                       \
    for (size_t i = 0, n = r->span; i < n; i++) row[i] += weight * ((float)p[i] - low); \
  }                                                                                     \
  static void name##_widen(const resampling *r, size_t at) {                            \
    const type *p = (const type *)r->samples + at;                                      \
    const float low = (float)r->low;                                                    \
    float *restrict least = r->least, *restrict most = r->most;                         \
    for (size_t i = 0, n = r->span; i < n; i++) {                                       \
      float value = (float)p[i] - low;                                                  \
      least[i] = value < least[i] ? value : least[i];                                   \
      most[i] = value > most[i] ? value : most[i];                                      \
    }                                                                                   \
  }
DEFINE_ROW(u8, uint8_t)
DEFINE_ROW(i8, int8_t)
DEFINE_ROW(u16, uint16_t)
DEFINE_ROW(i16, int16_t)

/* 32 bits and floats lose nothing when the subtraction is done in doubles. What is no number is the lowest one. */
static float wide_value(const resampling *r, size_t at) {
  double value = nsc_sample_value(r->image->info.type, r->samples, at);
  return isfinite(value) ? (float)(value - r->low) : 0;
}

static void wide_add(const resampling *r, size_t at, float weight) {
  for (size_t i = 0; i < r->span; i++) r->row[i] += weight * wide_value(r, at + i);
}

static void wide_widen(const resampling *r, size_t at) {
  for (size_t i = 0; i < r->span; i++) {
    float value = wide_value(r, at + i);
    r->least[i] = value < r->least[i] ? value : r->least[i];
    r->most[i] = value > r->most[i] ? value : r->most[i];
  }
}

/* What is done with a row of the source, from sample `at` on. */
typedef struct row_functions {
  void (*add)(const resampling *r, size_t at, float weight); /* to the output row */
  void (*widen)(const resampling *r, size_t at);             /* the range of it */
} row_functions;

static row_functions functions_of(nsc_sample_type type) {
  static const row_functions narrow[] = {[NSC_SAMPLE_U8] = {u8_add, u8_widen},
                                         [NSC_SAMPLE_I8] = {i8_add, i8_widen},
                                         [NSC_SAMPLE_U16] = {u16_add, u16_widen},
                                         [NSC_SAMPLE_I16] = {i16_add, i16_widen}};
  return (size_t)type < sizeof narrow / sizeof *narrow && narrow[type].add ? narrow[type]
                                                                           : (row_functions){wide_add, wide_widen};
}

/* The first used sample of row `y`. */
static size_t row_at(const resampling *r, uint32_t y) {
  return ((size_t)y * r->image->info.width + r->begin) * r->image->info.channels;
}

/* Output row `y` stays within the range of the rows next to it. */
static void limit_row(const resampling *r, uint32_t y, row_functions functions) {
  for (size_t i = 0; i < r->span; i++) {
    r->least[i] = INFINITY;
    r->most[i] = -INFINITY;
  }
  uint32_t first = r->y.first[y] + r->y.near_first[y];
  for (uint32_t k = 0; k < r->y.near_count[y]; k++) functions.widen(r, row_at(r, first + k));
  for (size_t i = 0; i < r->span; i++) {
    float value = r->row[i] < r->least[i] ? r->least[i] : r->row[i];
    r->row[i] = value > r->most[i] ? r->most[i] : value;
  }
}

/* Output row `y` before it is resampled across, as lane `lane` of the columns. */
static void make_lane(resampling *r, uint32_t y, int lane) {
  row_functions functions = functions_of(r->image->info.type);
  const float *weights = r->y.weights + y * r->y.stride;
  memset(r->row, 0, r->span * sizeof *r->row);
  for (uint32_t k = 0; k < r->y.count[y]; k++) functions.add(r, row_at(r, r->y.first[y] + k), weights[k]);
  if (r->y.near_first) limit_row(r, y, functions);
  for (size_t i = 0; i < r->span; i++) r->columns[i][lane] = r->row[i];
}

static lanes lesser(lanes a, lanes b) {
  typedef int mask __attribute__((vector_size(16)));
  mask less = a < b;
  return (lanes)(((mask)a & less) | ((mask)b & ~less));
}

static lanes greater(lanes a, lanes b) {
  typedef int mask __attribute__((vector_size(16)));
  mask more = a > b;
  return (lanes)(((mask)a & more) | ((mask)b & ~more));
}

/* Output pixel `x` stays within the range of those next to it; its taps are `step` apart. */
static lanes limit(const resampling *r, uint32_t x, const lanes *from, size_t step, lanes sum) {
  from += r->x.near_first[x] * step;
  lanes least = *from, most = *from;
  for (uint32_t k = 1; k < r->x.near_count[x]; k++) {
    least = lesser(least, from[k * step]);
    most = greater(most, from[k * step]);
  }
  return lesser(greater(sum, least), most);
}

/* Against rounding: no value beyond the frame's. */
static float clamp(float value, float most) {
  return value > 0 ? (value < most ? value : most) : 0;
}

/* Rows y to y + rows - 1 across, into their places. */
static void make_across(const resampling *r, uint32_t y, uint32_t rows) {
  uint32_t channels = r->image->info.channels, width = r->x.length;
  bool indices = nsc_image_fits_table(r->image);
  float most = (float)(r->high - r->low);
  size_t stride = (size_t)width * channels;
  for (uint32_t x = 0; x < width; x++) {
    const float *weights = r->x.weights + x * r->x.stride;
    const lanes *from = r->columns + (size_t)(r->x.first[x] - r->begin) * channels;
    for (uint32_t c = 0; c < channels; c++) {
      lanes sum = {0};
      for (uint32_t k = 0; k < r->x.count[x]; k++) sum += weights[k] * from[(size_t)k * channels + c];
      if (r->x.near_first) sum = limit(r, x, from + c, channels, sum);
      size_t at = y * stride + (size_t)x * channels + c;
      for (uint32_t lane = 0; lane < rows; lane++, at += stride) {
        if (indices) {
          ((uint16_t *)r->out)[at] = (uint16_t)(clamp(sum[lane], most) + 0.5f);
        } else {
          ((float *)r->out)[at] = clamp(sum[lane], most);
        }
      }
    }
  }
}

static void run_resampling(resampling *r) {
  for (uint32_t y = 0; y < r->y.length; y += ROWS) {
    uint32_t rows = r->y.length - y < ROWS ? r->y.length - y : ROWS;
    for (uint32_t lane = 0; lane < rows; lane++) make_lane(r, y + lane, (int)lane);
    make_across(r, y, rows);
  }
}

static nsc_status make_taps(resampling *r, const nsc_resampling *how, nsc_error *err) {
  const nsc_image_info *info = &r->image->info;
  NSC_TRY(nsc_taps_make(how->smoothing, info->width, 0, 1 / how->scale_x, how->first_x, how->width, &r->x, err));
  NSC_TRY(nsc_taps_make(how->smoothing, info->height, 0, 1 / how->scale_y, how->first_y, how->height, &r->y, err));
  uint32_t last = r->x.length - 1;
  r->begin = r->x.first[0];
  r->span = (size_t)(r->x.first[last] + r->x.count[last] - r->begin) * info->channels;
  return NSC_OK;
}

static nsc_status resample(resampling *r, const nsc_resampling *how, nsc_error *err) {
  NSC_TRY(make_taps(r, how, err));
  r->row = malloc(3 * r->span * sizeof *r->row);
  r->columns = aligned_alloc(sizeof(lanes), r->span * sizeof *r->columns);
  if (!r->row || !r->columns) return nsc_fail_memory(err, r->span * sizeof *r->columns, "a row of the screen");
  r->least = r->row + r->span;
  r->most = r->least + r->span;
  memset(r->columns, 0, r->span * sizeof *r->columns); /* the lanes of the last rows need not all be written */
  run_resampling(r);
  return NSC_OK;
}

nsc_status nsc_resample(nsc_image *image, uint32_t frame, const nsc_frame_stats *stats, const nsc_resampling *how,
                        void *out, nsc_error *err) {
  resampling r = {.image = image, .low = stats->all_low, .high = stats->all_high, .out = out};
  NSC_TRY(nsc_image_frame(image, frame, &r.samples, err));
  nsc_status status = resample(&r, how, err);
  nsc_taps_drop(&r.x);
  nsc_taps_drop(&r.y);
  free(r.row);
  free(r.columns);
  return status;
}
