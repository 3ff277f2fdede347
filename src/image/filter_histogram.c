/* Filters that move values by what the other values are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/filter.h"

static size_t count_of(nsc_plane p) {
  return p.width * p.height * p.channels;
}

void nsc_filter_invert(nsc_plane p) {
  for (size_t i = 0; i < count_of(p); i++) p.values[i] = 1 - nsc_clamp_unit(p.values[i]);
}

void nsc_filter_normalise(nsc_plane p) {
  float low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count_of(p); i++) {
    low = p.values[i] < low ? p.values[i] : low;
    high = p.values[i] > high ? p.values[i] : high;
  }
  float factor = high > low ? 1 / (high - low) : 0;
  for (size_t i = 0; i < count_of(p); i++) p.values[i] = nsc_clamp_unit((p.values[i] - low) * factor);
}

void nsc_filter_standardise(nsc_plane p, double deviations) {
  double sum = 0, square = 0, n = (double)count_of(p);
  for (size_t i = 0; i < count_of(p); i++) sum += (double)p.values[i];
  for (size_t i = 0; i < count_of(p); i++) square += ((double)p.values[i] - sum / n) * ((double)p.values[i] - sum / n);
  double deviation = sqrt(square / n);
  float mean = (float)(sum / n), factor = deviation > 1e-12 ? (float)(0.5 / (deviations * deviation)) : 0;
  for (size_t i = 0; i < count_of(p); i++) p.values[i] = nsc_clamp_unit(0.5f + (p.values[i] - mean) * factor);
}

/* ---- curves over 256 levels ---- */

/* A curve's value at a level, and what is added on the way to the next. */
typedef struct knot {
  float value, rise;
} knot;

static void tie_knots(const float values[NSC_GREY_LEVELS], knot curve[NSC_GREY_LEVELS]) {
  for (int i = 0; i < NSC_GREY_LEVELS - 1; i++) curve[i] = (knot){values[i], values[i + 1] - values[i]};
  curve[NSC_GREY_LEVELS - 1] = (knot){values[NSC_GREY_LEVELS - 1], 0};
}

/* Where values 0..1 lie among the levels: `rest` of the way from one to the next. */
enum { SOME = 64 };
typedef struct places {
  int32_t level[SOME];
  float rest[SOME];
} places;

/* A loop of its own, of vectors. Returns how many: SOME, or fewer at the end. */
static size_t place_some(const float *values, size_t left, places *out) {
  size_t n = left < SOME ? left : SOME;
  for (size_t i = 0; i < n; i++) {
    float at = nsc_clamp_unit(values[i]) * (NSC_GREY_LEVELS - 1);
    out->level[i] = (int32_t)at;
    out->rest[i] = at - (float)out->level[i];
  }
  return n;
}

/* Adds a row of values to a histogram of the nearest levels. */
static void count_row(const float *values, size_t n, uint32_t count[NSC_GREY_LEVELS]) {
  int32_t level[SOME];
  for (size_t from = 0, some; from < n; from += some) {
    some = n - from < SOME ? n - from : SOME;
    for (size_t i = 0; i < some; i++) level[i] = nsc_level(values[from + i]);
    for (size_t i = 0; i < some; i++) count[level[i]]++;
  }
}

/* A curve's value, between its levels linearly: 16-bit pictures stay smooth. */
static inline float along(const knot *curve, int32_t level, float rest) {
  return curve[level].value + rest * curve[level].rise;
}

/* R. Gonzalez, R. Woods, "Digital Image Processing", 4th ed. 2018, 3.3, with the darkest level that occurs at 0. */
void nsc_filter_equalise(nsc_plane p) {
  size_t pixels = p.width * p.height;
  uint32_t count[NSC_GREY_LEVELS] = {0};
  float values[NSC_GREY_LEVELS];
  knot curve[NSC_GREY_LEVELS];
  double below = 0;
  count_row(p.values, pixels, count);
  int first = 0;
  while (count[first] == 0) first++;
  if (count[first] == pixels) return; /* flat: nothing to spread */
  for (int level = 0; level < NSC_GREY_LEVELS; level++) {
    below += count[level];
    values[level] = level < first ? 0 : (float)((below - count[first]) / ((double)pixels - count[first]));
  }
  tie_knots(values, curve);
  places at;
  for (size_t from = 0, n; from < pixels; from += n) {
    float *some = p.values + from;
    n = place_some(some, pixels - from, &at);
    for (size_t i = 0; i < n; i++) some[i] = along(curve, at.level[i], at.rest[i]);
  }
}

/* ---- CLAHE ---- */

/* Cuts bins at `limit` and deals what was cut out to all; the rest of the division goes to bins evenly apart. */
static void clip_histogram(uint32_t count[NSC_GREY_LEVELS], uint32_t limit) {
  uint32_t excess = 0;
  for (int i = 0; i < NSC_GREY_LEVELS; i++) {
    if (count[i] <= limit) continue;
    excess += count[i] - limit;
    count[i] = limit;
  }
  uint32_t each = excess / NSC_GREY_LEVELS, rest = excess % NSC_GREY_LEVELS;
  for (int i = 0; i < NSC_GREY_LEVELS; i++) count[i] += each;
  if (rest == 0) return;
  uint32_t apart = NSC_GREY_LEVELS / rest;
  for (uint32_t i = 0; i < NSC_GREY_LEVELS && rest > 0; i += apart, rest--) count[i]++;
}

/* The curve of the tile rows top..bottom - 1, columns left..right - 1. */
static void tile_curve(nsc_plane p, size_t top, size_t bottom, size_t left, size_t right, double clip,
                       knot curve[NSC_GREY_LEVELS]) {
  uint32_t count[NSC_GREY_LEVELS] = {0};
  float values[NSC_GREY_LEVELS];
  for (size_t y = top; y < bottom; y++) count_row(p.values + y * p.width + left, right - left, count);
  double area = (double)(bottom - top) * (double)(right - left), limit = floor(clip * area / NSC_GREY_LEVELS);
  clip_histogram(count, limit < 1 ? 1 : limit > 4e9 ? UINT32_MAX : (uint32_t)limit);
  for (int level = 1; level < NSC_GREY_LEVELS; level++) count[level] += count[level - 1];
  for (int level = 0; level < NSC_GREY_LEVELS; level++) values[level] = (float)(count[level] / area);
  tie_knots(values, curve);
}

/* The tiles before and after a pixel's centre, and how far it is on its way from one to the other. */
typedef struct between {
  uint32_t before, after;
  float share;
} between;

static between place(size_t i, size_t n, size_t tiles) {
  double at = ((double)i + 0.5) * (double)tiles / (double)n - 0.5;
  if (at < 0) at = 0;
  uint32_t before = (uint32_t)at, last = (uint32_t)tiles - 1;
  if (before >= last) return (between){last, last, 0};
  return (between){before, before + 1, (float)(at - before)};
}

/* One pixel, by the curves of the four tiles around it. */
static inline float map_pixel(const knot *above, const knot *below, between column, float down, int32_t level,
                              float rest) {
  size_t left = column.before * (size_t)NSC_GREY_LEVELS, right = column.after * (size_t)NSC_GREY_LEVELS;
  float top = along(above + left, level, rest), bottom = along(below + left, level, rest);
  top += column.share * (along(above + right, level, rest) - top);
  bottom += column.share * (along(below + right, level, rest) - bottom);
  return top + down * (bottom - top);
}

static void map_tiles(nsc_plane p, size_t across, size_t down, const knot *curves, const between *columns) {
  places at;
  for (size_t y = 0; y < p.height; y++) {
    between row = place(y, p.height, down);
    const knot *above = curves + row.before * across * NSC_GREY_LEVELS;
    const knot *below = curves + row.after * across * NSC_GREY_LEVELS;
    for (size_t from = 0, n; from < p.width; from += n) {
      float *some = p.values + y * p.width + from;
      n = place_some(some, p.width - from, &at);
      for (size_t i = 0; i < n; i++) {
        some[i] = map_pixel(above, below, columns[from + i], row.share, at.level[i], at.rest[i]);
      }
    }
  }
}

nsc_status nsc_filter_clahe(nsc_plane p, double clip, size_t tiles, nsc_error *err) {
  size_t across = tiles < p.width ? tiles : p.width, down = tiles < p.height ? tiles : p.height;
  size_t bytes = across * down * NSC_GREY_LEVELS * sizeof(knot);
  knot *curves = malloc(bytes);
  between *columns = malloc(p.width * sizeof *columns);
  if (!curves || !columns) {
    free(curves);
    free(columns);
    return nsc_fail_memory(err, bytes, "the tiles' histograms");
  }
  for (size_t x = 0; x < p.width; x++) columns[x] = place(x, p.width, across);
  for (size_t i = 0; i < across * down; i++) {
    size_t ty = i / across, tx = i % across;
    tile_curve(p, ty * p.height / down, (ty + 1) * p.height / down, tx * p.width / across, (tx + 1) * p.width / across,
               clip, curves + i * NSC_GREY_LEVELS);
  }
  map_tiles(p, across, down, curves, columns);
  free(curves);
  free(columns);
  return NSC_OK;
}
