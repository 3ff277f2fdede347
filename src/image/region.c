/* Statistics of the pixels in a region drawn by hand. A region is a list of spans: in each row, from which pixel to
 * which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/mapping.h"
#include "image/measure.h"

enum { BINS = 64 };

typedef struct region {
  nsc_measure_kind kind;
  const double *points; /* [count][2] */
  uint32_t count;
  double left, top, right, bottom; /* around all points */
  double crossings[NSC_MEASURE_POINTS_MAX];
} region;

/* ---- spans ---- */

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Where the polygon's edges cross the line `y`, in order. An edge has its upper end and not its lower one. */
static uint32_t cross_edges(region *r, double y) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < r->count; i++) {
    const double *a = r->points + 2 * i, *b = r->points + 2 * ((i + 1) % r->count);
    if ((a[1] <= y) == (b[1] <= y)) continue;
    r->crossings[found++] = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
  }
  qsort(r->crossings, found, sizeof *r->crossings, ascending);
  return found;
}

/* Pairs of crossings between which row `row`'s pixel centres are inside. */
static uint32_t cross_row(region *r, uint32_t row) {
  double y = row + 0.5;
  if (r->kind == NSC_MEASURE_POLYGON) return cross_edges(r, y);
  if (y < r->top || y >= r->bottom) return 0;
  double middle = (r->left + r->right) / 2, reach = (r->right - r->left) / 2;
  if (r->kind == NSC_MEASURE_ELLIPSE) {
    double dy = (y - (r->top + r->bottom) / 2) / ((r->bottom - r->top) / 2);
    reach *= sqrt(fmax(0, 1 - dy * dy));
  }
  r->crossings[0] = middle - reach;
  r->crossings[1] = middle + reach;
  return 2;
}

/* The first pixel whose centre is at or right of `x`. */
static uint32_t first_pixel(double x, uint32_t width) {
  double pixel = ceil(x - 0.5);
  return pixel <= 0 ? 0 : pixel >= width ? width : (uint32_t)pixel;
}

/* ---- values ---- */

typedef struct values {
  double *list[3]; /* of each channel */
  size_t count, padding;
} values;

/* Where values come from: a decoded frame and its way to modality values. */
typedef struct origin {
  const nsc_image *image;
  const void *samples;
  nsc_mapping mapping;
} origin;

/* What is padding, or no number in a file of floats, is counted and left out. */
static void take_span(const origin *o, uint32_t row, uint32_t from, uint32_t to, values *v) {
  uint32_t channels = o->image->info.channels;
  size_t at = ((size_t)row * o->image->info.width + from) * channels;
  for (uint32_t x = from; x < to; x++, at += channels) {
    bool has_value = true;
    for (uint32_t c = 0; c < channels; c++) {
      double stored = nsc_sample_value(o->image->info.type, o->samples, at + c);
      if (!isfinite(stored) || (channels == 1 && nsc_is_padding(o->image, stored))) has_value = false;
      v->list[c][v->count] = nsc_mapping_modality(&o->mapping, stored);
    }
    if (has_value) {
      v->count++;
    } else {
      v->padding++;
    }
  }
}

/* Calls take_span for every row; without `v` counts the pixels only, which it returns. */
static size_t walk(region *r, const origin *o, values *v) {
  uint32_t width = o->image->info.width, height = o->image->info.height, last = first_pixel(r->bottom, height);
  size_t pixels = 0;
  for (uint32_t row = first_pixel(r->top, height); row < last; row++) {
    uint32_t crossings = cross_row(r, row);
    for (uint32_t i = 0; i + 1 < crossings; i += 2) {
      uint32_t from = first_pixel(r->crossings[i], width), to = first_pixel(r->crossings[i + 1], width);
      pixels += to - from;
      if (v) take_span(o, row, from, to, v);
    }
  }
  return pixels;
}

/* ---- what is written ---- */

static void write_channel(nsc_text *t, double *list, size_t count) {
  double sum = 0, squares = 0;
  qsort(list, count, sizeof *list, ascending);
  for (size_t i = 0; i < count; i++) sum += list[i];
  double mean = sum / (double)count;
  for (size_t i = 0; i < count; i++) squares += (list[i] - mean) * (list[i] - mean);
  nsc_json_object(t);
  nsc_json_key(t, "mean"), nsc_json_number(t, mean);
  nsc_json_key(t, "sd"), nsc_json_number(t, sqrt(squares / (double)count));
  nsc_json_key(t, "min"), nsc_json_number(t, list[0]);
  nsc_json_key(t, "max"), nsc_json_number(t, list[count - 1]);
  nsc_json_key(t, "median"), nsc_json_number(t, (list[(count - 1) / 2] + list[count / 2]) / 2);
  nsc_json_end_object(t);
}

static void write_histogram(nsc_text *t, const double *sorted, size_t count) {
  uint32_t counts[BINS] = {0};
  double from = count ? sorted[0] : 0, to = count ? sorted[count - 1] : 0;
  for (size_t i = 0; i < count; i++) {
    double place = to > from ? (sorted[i] - from) / (to - from) * BINS : 0;
    counts[place >= BINS ? BINS - 1 : (uint32_t)place]++;
  }
  nsc_json_object(t);
  nsc_json_key(t, "from"), nsc_json_number(t, from);
  nsc_json_key(t, "to"), nsc_json_number(t, to);
  nsc_json_key(t, "counts");
  nsc_json_array(t);
  for (int i = 0; i < BINS; i++) nsc_json_int(t, counts[i]);
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static nsc_status write_json(const nsc_image *image, uint32_t frame, values *v, size_t pixels, char **out,
                             nsc_error *err) {
  nsc_text t = {0};
  double spacing[2];
  bool known = nsc_image_spacing(image, frame, spacing);
  nsc_json_object(&t);
  nsc_json_key(&t, "pixels"), nsc_json_int(&t, (int64_t)v->count);
  nsc_json_key(&t, "padding"), nsc_json_int(&t, (int64_t)v->padding);
  nsc_json_key(&t, "area"), nsc_json_number(&t, known ? (double)pixels * spacing[0] * spacing[1] : NAN);
  nsc_json_key(&t, "unit"), nsc_json_string(&t, image->unit);
  nsc_json_key(&t, "channels");
  if (v->count) {
    nsc_json_array(&t);
    for (uint32_t c = 0; c < image->info.channels; c++) write_channel(&t, v->list[c], v->count);
    nsc_json_end_array(&t);
  } else {
    nsc_json_null(&t);
  }
  nsc_json_key(&t, "histogram"), write_histogram(&t, v->list[0], v->count);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

/* ---- the whole ---- */

static void surround(region *r, const double *points, uint32_t count) {
  r->left = r->right = points[0];
  r->top = r->bottom = points[1];
  for (uint32_t i = 1; i < count; i++) {
    r->left = fmin(r->left, points[2 * i]);
    r->right = fmax(r->right, points[2 * i]);
    r->top = fmin(r->top, points[2 * i + 1]);
    r->bottom = fmax(r->bottom, points[2 * i + 1]);
  }
}

static nsc_status measure(nsc_image *image, uint32_t frame, region *r, char **out, nsc_error *err) {
  origin o = {.image = image, .mapping = nsc_mapping_of(image, frame)};
  values v = {0};
  NSC_TRY(nsc_image_frame(image, frame, &o.samples, err));
  size_t pixels = walk(r, &o, NULL), bytes;
  if (!nsc_mul_size(pixels + 1, sizeof *v.list[0] * image->info.channels, &bytes)) {
    return nsc_fail_memory(err, SIZE_MAX, "a region");
  }
  double *room = malloc(bytes);
  if (!room) return nsc_fail_memory(err, bytes, "a region");
  for (uint32_t c = 0; c < image->info.channels; c++) v.list[c] = room + c * (pixels + 1);
  (void)walk(r, &o, &v);
  nsc_status status = write_json(image, frame, &v, pixels, out, err);
  free(room);
  return status;
}

nsc_status nsc_region_json(nsc_image *image, uint32_t frame, nsc_measure_kind kind, const double *points,
                           uint32_t count, char **out, nsc_error *err) {
  region *r = malloc(sizeof *r); /* too large for a small stack */
  if (!r) return nsc_fail_memory(err, sizeof *r, "a region");
  *r = (region){.kind = kind, .points = points, .count = count};
  surround(r, points, count);
  nsc_status status = measure(image, frame, r, out, err);
  free(r);
  return status;
}
