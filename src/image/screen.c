/*
 * Frames as they lie on a screen: resampled to its pixels, windowed, turned. What was resampled last is kept, so that
 * windowing costs a look into a table for each pixel that is seen, however large the picture is.
 *
 * Stored samples are resampled, and the window comes after: what a window cuts off does not bleed into what it shows.
 * Lanczos' overshoot is cut to the range of the samples that a linear kernel would take: a narrow window would else
 * show bright lines along edges where the body has none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/mapping.h"
#include "image/rendering.h"
#include "image/taps.h"

enum { MAX_SIDE = 16384, ROWS = 4 };

typedef float lanes __attribute__((vector_size(16))); /* one value of each of ROWS output rows */

/* The part of the screen that the picture covers, before turning. */
typedef struct area {
  uint32_t x, y, width, height; /* in pixels of the screen */
  double first_x, first_y;      /* their left upper corner, counted from the picture's */
} area;

/* All that decides what is resampled. */
typedef struct resampled_key {
  uint64_t image;
  uint32_t frame;
  nsc_smoothing smoothing;
  double scale_x, scale_y;
  area area;
} resampled_key;

/* All that decides what a filtered picture looks like. */
typedef struct filtered_key {
  uint64_t image;
  nsc_view view;
  nsc_steps steps;
} filtered_key;

struct nsc_screen {
  filtered_key filtered_key;
  nsc_image *filtered; /* NULL: none is kept */

  resampled_key key;
  bool has_samples;
  void *samples; /* [height][width][channels]: uint16 indices from stats.all_low, or float32 distances from it */
  size_t room;
};

/* From upright pixels to those of the output: index = base + x * dx + y * dy. */
typedef struct turning {
  uint32_t width, height;    /* of the upright screen */
  double center_x, center_y; /* where the picture's centre lies on it */
  ptrdiff_t base, dx, dy;
} turning;

/* ---- where ------------------------------------------------------------------------------------------------------ */

static turning turning_of(const nsc_placement *p) {
  ptrdiff_t w = p->width, h = p->height;
  turning t;
  switch (p->turn) {
    case 1:
      t = (turning){p->height, p->width, p->y, w - p->x, w - 1, w, -1};
      break;
    case 2:
      t = (turning){p->width, p->height, w - p->x, h - p->y, w * h - 1, -1, -w};
      break;
    case 3:
      t = (turning){p->height, p->width, h - p->y, p->x, (h - 1) * w, -w, 1};
      break;
    default:
      t = (turning){p->width, p->height, p->x, p->y, 0, 1, w};
      break;
  }
  if (p->mirrored) {
    t.center_x = t.width - t.center_x;
    t.base += t.dx * ((ptrdiff_t)t.width - 1);
    t.dx = -t.dx;
  }
  return t;
}

/* The pixels of 0..`screen` whose centres lie between `low` and `high`. */
static void cover(double low, double high, uint32_t screen, uint32_t *start, uint32_t *count, double *first) {
  double from = fmax(0, ceil(low - 0.5)), to = fmin(screen, ceil(high - 0.5));
  *start = from < to ? (uint32_t)from : 0;
  *count = from < to ? (uint32_t)(to - from) : 0;
  *first = from - low;
}

static area area_of(const nsc_image *image, const nsc_placement *p, const turning *t) {
  double half_x = image->info.width * p->scale_x / 2, half_y = image->info.height * p->scale_y / 2;
  area a;
  cover(t->center_x - half_x, t->center_x + half_x, t->width, &a.x, &a.width, &a.first_x);
  cover(t->center_y - half_y, t->center_y + half_y, t->height, &a.y, &a.height, &a.first_y);
  if (!a.width || !a.height) a.width = a.height = 0;
  return a;
}

static nsc_status check_placement(const nsc_placement *p, nsc_error *err) {
  bool sizes = p->width >= 1 && p->height >= 1 && p->width <= MAX_SIDE && p->height <= MAX_SIDE;
  bool scales = p->scale_x > 0 && p->scale_y > 0 && p->scale_x <= 1e6 && p->scale_y <= 1e6;
  bool places = fabs(p->x) <= 1e9 && fabs(p->y) <= 1e9;
  bool known = p->turn < 4 && (uint32_t)p->smoothing <= NSC_SMOOTH_LANCZOS;
  if (sizes && scales && places && known) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "a screen of %u x %u with a picture at %g x %g of its size, turned by %u",
                  p->width, p->height, p->scale_x, p->scale_y, p->turn);
}

/* ---- resampling ------------------------------------------------------------------------------------------------- */

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

#define DEFINE_ADD(name, type)                                                                                   \
  static void name##_add(const void *from, size_t at, size_t n, double low, float weight, float *restrict out) { \
    const type *p = (const type *)from + at;                                                                     \
    const float base = (float)low;                                                                               \
    for (size_t i = 0; i < n; i++) out[i] += weight * ((float)p[i] - base);                                      \
  }                                                                                                              \
  static void name##_range(const void *from, size_t at, size_t n, double low, float *restrict least,             \
                           float *restrict most) {                                                               \
    const type *p = (const type *)from + at;                                                                     \
    const float base = (float)low;                                                                               \
    for (size_t i = 0; i < n; i++) {                                                                             \
      float value = (float)p[i] - base;                                                                          \
      least[i] = value < least[i] ? value : least[i];                                                            \
      most[i] = value > most[i] ? value : most[i];                                                               \
    }                                                                                                            \
  }
DEFINE_ADD(u8, uint8_t)
DEFINE_ADD(i8, int8_t)
DEFINE_ADD(u16, uint16_t)
DEFINE_ADD(i16, int16_t)

/* 32 bits and floats lose nothing when the subtraction is done in doubles. What is no number is the lowest one. */
static float wide_value(const resampling *r, size_t at) {
  double value = nsc_sample_value(r->image->info.type, r->samples, at);
  return isfinite(value) ? (float)(value - r->low) : 0;
}

static void wide_add(const resampling *r, size_t at, float weight) {
  for (size_t i = 0; i < r->span; i++) r->row[i] += weight * wide_value(r, at + i);
}

static void wide_range(const resampling *r, size_t at) {
  for (size_t i = 0; i < r->span; i++) {
    float value = wide_value(r, at + i);
    r->least[i] = value < r->least[i] ? value : r->least[i];
    r->most[i] = value > r->most[i] ? value : r->most[i];
  }
}

/* The first used sample of row `y`. */
static size_t row_at(const resampling *r, uint32_t y) {
  return ((size_t)y * r->image->info.width + r->begin) * r->image->info.channels;
}

static void add_row(const resampling *r, uint32_t y, float weight) {
  size_t at = row_at(r, y);
  switch (r->image->info.type) {
    case NSC_SAMPLE_U8:
      u8_add(r->samples, at, r->span, r->low, weight, r->row);
      break;
    case NSC_SAMPLE_I8:
      i8_add(r->samples, at, r->span, r->low, weight, r->row);
      break;
    case NSC_SAMPLE_U16:
      u16_add(r->samples, at, r->span, r->low, weight, r->row);
      break;
    case NSC_SAMPLE_I16:
      i16_add(r->samples, at, r->span, r->low, weight, r->row);
      break;
    default:
      wide_add(r, at, weight);
      break;
  }
}

static void widen_range(const resampling *r, uint32_t y) {
  size_t at = row_at(r, y);
  switch (r->image->info.type) {
    case NSC_SAMPLE_U8:
      u8_range(r->samples, at, r->span, r->low, r->least, r->most);
      break;
    case NSC_SAMPLE_I8:
      i8_range(r->samples, at, r->span, r->low, r->least, r->most);
      break;
    case NSC_SAMPLE_U16:
      u16_range(r->samples, at, r->span, r->low, r->least, r->most);
      break;
    case NSC_SAMPLE_I16:
      i16_range(r->samples, at, r->span, r->low, r->least, r->most);
      break;
    default:
      wide_range(r, at);
      break;
  }
}

/* Output row `y` stays within the range of the rows next to it. */
static void limit_row(const resampling *r, uint32_t y) {
  for (size_t i = 0; i < r->span; i++) {
    r->least[i] = INFINITY;
    r->most[i] = -INFINITY;
  }
  uint32_t first = r->y.first[y] + r->y.near_first[y];
  for (uint32_t k = 0; k < r->y.near_count[y]; k++) widen_range(r, first + k);
  for (size_t i = 0; i < r->span; i++) {
    float value = r->row[i] < r->least[i] ? r->least[i] : r->row[i];
    r->row[i] = value > r->most[i] ? r->most[i] : value;
  }
}

/* Output row `y` before it is resampled across, as lane `lane` of the columns. */
static void make_lane(resampling *r, uint32_t y, int lane) {
  memset(r->row, 0, r->span * sizeof *r->row);
  for (uint32_t k = 0; k < r->y.count[y]; k++) add_row(r, r->y.first[y] + k, r->y.weights[y * r->y.stride + k]);
  if (r->y.near_first) limit_row(r, y);
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

static nsc_status make_taps(resampling *r, const resampled_key *key, nsc_error *err) {
  const nsc_image_info *info = &r->image->info;
  const area *a = &key->area;
  NSC_TRY(nsc_taps_make(key->smoothing, info->width, 0, 1 / key->scale_x, a->first_x, a->width, &r->x, err));
  NSC_TRY(nsc_taps_make(key->smoothing, info->height, 0, 1 / key->scale_y, a->first_y, a->height, &r->y, err));
  uint32_t last = r->x.length - 1;
  r->begin = r->x.first[0];
  r->span = (size_t)(r->x.first[last] + r->x.count[last] - r->begin) * info->channels;
  return NSC_OK;
}

static nsc_status resample(resampling *r, const resampled_key *key, nsc_error *err) {
  NSC_TRY(make_taps(r, key, err));
  r->row = malloc(3 * r->span * sizeof *r->row);
  r->columns = aligned_alloc(sizeof(lanes), r->span * sizeof *r->columns);
  if (!r->row || !r->columns) return nsc_fail_memory(err, r->span * sizeof *r->columns, "a row of the screen");
  r->least = r->row + r->span;
  r->most = r->least + r->span;
  memset(r->columns, 0, r->span * sizeof *r->columns); /* the lanes of the last rows need not all be written */
  run_resampling(r);
  return NSC_OK;
}

static nsc_status make_room(nsc_screen *screen, size_t bytes, nsc_error *err) {
  if (bytes <= screen->room) return NSC_OK;
  free(screen->samples);
  screen->room = 0;
  screen->samples = malloc(bytes);
  if (!screen->samples) return nsc_fail_memory(err, bytes, "a screen");
  screen->room = bytes;
  return NSC_OK;
}

static bool same_key(const resampled_key *a, const resampled_key *b) {
  return a->image == b->image && a->frame == b->frame && a->smoothing == b->smoothing && a->scale_x == b->scale_x &&
         a->scale_y == b->scale_y && a->area.x == b->area.x && a->area.y == b->area.y &&
         a->area.width == b->area.width && a->area.height == b->area.height && a->area.first_x == b->area.first_x &&
         a->area.first_y == b->area.first_y;
}

/* Fills screen->samples, unless they are there. */
static nsc_status take(nsc_screen *screen, nsc_image *image, const nsc_frame_stats *stats, const resampled_key *key,
                       nsc_error *err) {
  if (screen->has_samples && same_key(&screen->key, key)) return NSC_OK;
  screen->has_samples = false;
  size_t sample = nsc_image_fits_table(image) ? sizeof(uint16_t) : sizeof(float);
  NSC_TRY(make_room(screen, (size_t)key->area.width * key->area.height * image->info.channels * sample, err));
  resampling r = {.image = image, .low = stats->all_low, .high = stats->all_high, .out = screen->samples};
  nsc_status status = nsc_image_frame(image, key->frame, &r.samples, err);
  if (status == NSC_OK) status = resample(&r, key, err);
  nsc_taps_drop(&r.x);
  nsc_taps_drop(&r.y);
  free(r.row);
  free(r.columns);
  if (status != NSC_OK) return status;
  screen->key = *key;
  screen->has_samples = true;
  return NSC_OK;
}

/* ---- windowing -------------------------------------------------------------------------------------------------- */

static void put_grey(const uint16_t *from, uint32_t count, const uint32_t *table, uint32_t *to, ptrdiff_t step) {
  if (step == 1) {
    for (uint32_t i = 0; i < count; i++) to[i] = table[from[i]];
  } else {
    for (uint32_t i = 0; i < count; i++, to += step) *to = table[from[i]];
  }
}

static void put_color(const uint16_t *from, uint32_t count, const uint32_t *table, uint32_t *to, ptrdiff_t step) {
  const uint8_t *values = (const uint8_t *)table;
  for (uint32_t i = 0; i < count; i++, from += 3, to += step) {
    const uint8_t bytes[4] = {values[4 * from[0]], values[4 * from[1]], values[4 * from[2]], 255};
    memcpy(to, bytes, 4);
  }
}

static void put_wide(const float *from, uint32_t count, uint32_t channels, const nsc_mapping *m, double low,
                     const uint32_t shades[256], uint32_t *to, ptrdiff_t step) {
  for (uint32_t i = 0; i < count; i++, from += channels, to += step) {
    uint8_t bytes[4] = {0, 0, 0, 255};
    for (uint32_t c = 0; c < channels; c++) bytes[c] = nsc_grey_byte(nsc_mapping_grey(m, low + (double)from[c]));
    memcpy(to, channels == 1 ? (const void *)&shades[bytes[0]] : bytes, 4);
  }
}

static void put_black(uint32_t count, uint32_t *to, ptrdiff_t step) {
  const uint8_t bytes[4] = {0, 0, 0, 255};
  uint32_t black;
  memcpy(&black, bytes, 4);
  for (uint32_t i = 0; i < count; i++, to += step) *to = black;
}

/* Writes all pixels; `table` is NULL for samples that are too many for one. */
static void put_screen(const nsc_screen *screen, const nsc_image *image, const area *a, const turning *t,
                       const uint32_t *table, const nsc_mapping *m, double low, uint32_t *out) {
  uint32_t channels = image->info.channels, shades[256];
  nsc_shade_pixels(m->color_map, shades);
  for (uint32_t y = 0; y < t->height; y++) {
    uint32_t *row = out + t->base + (ptrdiff_t)y * t->dy, *to = row + (ptrdiff_t)a->x * t->dx;
    if (y < a->y || y - a->y >= a->height) {
      put_black(t->width, row, t->dx);
      continue;
    }
    size_t from = (size_t)(y - a->y) * a->width * channels;
    put_black(a->x, row, t->dx);
    if (!table) {
      put_wide((const float *)screen->samples + from, a->width, channels, m, low, shades, to, t->dx);
    } else if (channels == 1) {
      put_grey((const uint16_t *)screen->samples + from, a->width, table, to, t->dx);
    } else {
      put_color((const uint16_t *)screen->samples + from, a->width, table, to, t->dx);
    }
    put_black(t->width - a->x - a->width, to + (ptrdiff_t)a->width * t->dx, t->dx);
  }
}

/* ---- filters ---------------------------------------------------------------------------------------------------- */

static bool same_steps(const nsc_steps *a, const nsc_steps *b) {
  bool same = a->count == b->count;
  for (uint32_t i = 0; same && i < a->count; i++) {
    same = a->list[i].kind == b->list[i].kind;
    for (int v = 0; same && v < NSC_FILTER_VALUES; v++) same = a->list[i].values[v] == b->list[i].values[v];
  }
  return same;
}

static bool same_view(const nsc_view *a, const nsc_view *b) {
  return a->frame == b->frame && a->voi_lut == b->voi_lut && a->function == b->function && a->center == b->center &&
         a->width == b->width && a->invert == b->invert;
}

/* [pixels][4] to [pixels][channels], in place. */
static void drop_channels(uint8_t *rgba, size_t pixels, uint32_t channels) {
  for (size_t i = 0; i < pixels; i++) memmove(rgba + i * channels, rgba + 4 * i, channels);
}

/* Fills screen->filtered with the whole picture, unless it is there. */
static nsc_status filter(nsc_screen *screen, nsc_image *image, const nsc_view *view, const nsc_steps *steps,
                         nsc_error *err) {
  filtered_key *key = &screen->filtered_key;
  bool same = key->image == image->serial && same_view(&key->view, view) && same_steps(&key->steps, steps);
  if (screen->filtered && same) return NSC_OK;
  nsc_image_free(screen->filtered);
  screen->filtered = NULL;
  uint32_t width = image->info.width, height = image->info.height, channels = image->info.channels;
  size_t pixels = (size_t)width * height, bytes;
  uint8_t *rgba = nsc_mul_size(pixels, 4, &bytes) ? malloc(bytes) : NULL;
  if (!rgba) return nsc_fail_memory(err, pixels, "a filtered picture");
  nsc_status status = nsc_render(image, view, rgba, bytes, err);
  if (status == NSC_OK) status = nsc_filter_rgba(steps, rgba, width, height, bytes, err);
  if (status == NSC_OK) {
    drop_channels(rgba, pixels, channels);
    status = nsc_image_from_pixels(rgba, width, height, channels, &screen->filtered, err);
  }
  free(rgba);
  *key = (filtered_key){image->serial, *view, *steps};
  return status;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

nsc_status nsc_screen_create(nsc_screen **out, nsc_error *err) {
  if (!out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no place for a screen");
  *out = calloc(1, sizeof **out);
  return *out ? NSC_OK : nsc_fail_memory(err, sizeof **out, "a screen");
}

void nsc_screen_free(nsc_screen *screen) {
  if (!screen) return;
  nsc_image_free(screen->filtered);
  free(screen->samples);
  free(screen);
}

nsc_status nsc_screen_render(nsc_screen *screen, nsc_image *image, const nsc_view *view, const nsc_steps *steps,
                             const nsc_placement *placement, uint8_t *rgba, size_t size, nsc_error *err) {
  if (!screen || !image || !view || !placement || !rgba) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no screen, no image, no view, no placement or no place for pixels");
  }
  NSC_TRY(check_placement(placement, err));
  size_t count = (size_t)placement->width * placement->height;
  if (size < count * 4) return nsc_fail(err, NSC_ERROR_ARGUMENT, "%zu bytes for %zu pixels", size, count);
  nsc_view as_it_is = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 127.5, .width = 255};
  if (steps && steps->count) { /* filters see shades, colours come after */
    nsc_view grey = *view;
    as_it_is.color_map = view->color_map;
    grey.color_map = 0;
    NSC_TRY(filter(screen, image, &grey, steps, err));
    image = screen->filtered;
    view = &as_it_is;
  }
  nsc_mapping mapping;
  nsc_frame_stats stats;
  NSC_TRY(nsc_mapping_of_view(image, view, &mapping, err));
  NSC_TRY(nsc_image_stats(image, view->frame, &stats, err));
  turning t = turning_of(placement);
  area a = area_of(image, placement, &t);
  uint32_t *pixels = (uint32_t *)(void *)rgba, *table = NULL;
  if (!a.width) {
    put_black((uint32_t)count, pixels, 1);
    return NSC_OK;
  }
  resampled_key key = {image->serial, view->frame, placement->smoothing, placement->scale_x, placement->scale_y, a};
  NSC_TRY(take(screen, image, &stats, &key, err));
  if (nsc_image_fits_table(image)) NSC_TRY(nsc_grey_table(&mapping, &stats, &table, err));
  put_screen(screen, image, &a, &t, table, &mapping, stats.all_low, pixels);
  free(table);
  return NSC_OK;
}
