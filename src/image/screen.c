/*
 * Frames as they lie on a screen: resampled to its pixels, windowed, turned. What was resampled last is kept, so that
 * windowing costs a look into a table for each pixel that is seen, however large the picture is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/mapping.h"
#include "image/rendering.h"
#include "image/resample.h"

enum { MAX_SIDE = 16384 };

/* The part of the screen that the picture covers, before turning. */
typedef struct area {
  uint32_t x, y; /* its left upper pixel on the screen */
  nsc_resampling how;
} area;

/* All that decides what is resampled. */
typedef struct resampled_key {
  uint64_t image;
  uint32_t frame;
  nsc_resampling how;
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

/* Nothing of the picture is in sight where the width is 0. */
static area area_of(const nsc_image *image, const nsc_placement *p, const turning *t) {
  double half_x = image->info.width * p->scale_x / 2, half_y = image->info.height * p->scale_y / 2;
  area a = {.how = {.smoothing = p->smoothing, .scale_x = p->scale_x, .scale_y = p->scale_y}};
  nsc_resampling *how = &a.how;
  cover(t->center_x - half_x, t->center_x + half_x, t->width, &a.x, &how->width, &how->first_x);
  cover(t->center_y - half_y, t->center_y + half_y, t->height, &a.y, &how->height, &how->first_y);
  if (!how->width || !how->height) how->width = how->height = 0;
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

/* ---- what is kept --------------------------------------------------------------------------------------------------
 */

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
  const nsc_resampling *m = &a->how, *n = &b->how;
  return a->image == b->image && a->frame == b->frame && m->smoothing == n->smoothing && m->scale_x == n->scale_x &&
         m->scale_y == n->scale_y && m->width == n->width && m->height == n->height && m->first_x == n->first_x &&
         m->first_y == n->first_y;
}

/* Fills screen->samples, unless they are there. */
static nsc_status take(nsc_screen *screen, nsc_image *image, const nsc_frame_stats *stats, const resampled_key *key,
                       nsc_error *err) {
  if (screen->has_samples && same_key(&screen->key, key)) return NSC_OK;
  screen->has_samples = false;
  size_t sample = nsc_image_fits_table(image) ? sizeof(uint16_t) : sizeof(float);
  NSC_TRY(make_room(screen, (size_t)key->how.width * key->how.height * image->info.channels * sample, err));
  NSC_TRY(nsc_resample(image, key->frame, stats, &key->how, screen->samples, err));
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
  uint32_t width = a->how.width, height = a->how.height, channels = image->info.channels, shades[256];
  nsc_shade_pixels(m->color_map, shades);
  for (uint32_t y = 0; y < t->height; y++) {
    uint32_t *row = out + t->base + (ptrdiff_t)y * t->dy, *to = row + (ptrdiff_t)a->x * t->dx;
    if (y < a->y || y - a->y >= height) {
      put_black(t->width, row, t->dx);
      continue;
    }
    size_t from = (size_t)(y - a->y) * width * channels;
    put_black(a->x, row, t->dx);
    if (!table) {
      put_wide((const float *)screen->samples + from, width, channels, m, low, shades, to, t->dx);
    } else if (channels == 1) {
      put_grey((const uint16_t *)screen->samples + from, width, table, to, t->dx);
    } else {
      put_color((const uint16_t *)screen->samples + from, width, table, to, t->dx);
    }
    put_black(t->width - a->x - width, to + (ptrdiff_t)width * t->dx, t->dx);
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
  if (!a.how.width) {
    put_black((uint32_t)count, pixels, 1);
    return NSC_OK;
  }
  resampled_key key = {image->serial, view->frame, a.how};
  NSC_TRY(take(screen, image, &stats, &key, err));
  if (nsc_image_fits_table(image)) NSC_TRY(nsc_grey_table(&mapping, &stats, &table, err));
  put_screen(screen, image, &a, &t, table, &mapping, stats.all_low, pixels);
  free(table);
  return NSC_OK;
}
