/* Regions of a map: connected pixels above a level, and the line around them. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "explain/map.h"

typedef struct field {
  const float *map;
  uint32_t width, height;
  float level;
  uint32_t *label; /* [height * width]: number of the region, from 1; 0 for none */
  uint32_t *stack; /* pixels that are still to be looked at */
} field;

static bool is_in(const field *f, uint32_t x, uint32_t y, uint32_t label) {
  return x < f->width && y < f->height && f->label[y * f->width + x] == label;
}

static void push(field *f, uint32_t x, uint32_t y, uint32_t label, size_t *depth) {
  if (x >= f->width || y >= f->height) return;
  uint32_t at = y * f->width + x;
  if (f->label[at] || !(f->map[at] >= f->level)) return;
  f->label[at] = label;
  f->stack[(*depth)++] = at;
}

/* All pixels that hang together with `start`. */
static void fill(field *f, uint32_t start, uint32_t label, nsc_map_region *out) {
  size_t depth = 0;
  *out = (nsc_map_region){.left = f->width, .top = f->height};
  push(f, start % f->width, start / f->width, label, &depth);
  while (depth) {
    uint32_t at = f->stack[--depth], x = at % f->width, y = at / f->width;
    double weight = (double)f->map[at];
    if (x < out->left) out->left = x;
    if (y < out->top) out->top = y;
    if (x + 1 > out->right) out->right = x + 1;
    if (y + 1 > out->bottom) out->bottom = y + 1;
    out->pixels++;
    out->weight += weight;
    out->x += weight * (x + 0.5);
    out->y += weight * (y + 0.5);
    push(f, x - 1, y, label, &depth); /* below 0 it is beyond the width */
    push(f, x + 1, y, label, &depth);
    push(f, x, y - 1, label, &depth);
    push(f, x, y + 1, label, &depth);
  }
  out->x /= out->weight;
  out->y /= out->weight;
}

/* Where a walker stands on the corners between pixels, and where it looks: 0 right, 1 down, 2 left, 3 up. */
typedef struct walker {
  uint32_t x, y;
  int heading;
} walker;

/* The pixel ahead of the walker on its right (side 1) or left (side 0). Coordinates may be -1, which is beyond every
 * picture. */
static bool ahead(const field *f, const walker *w, int side, uint32_t label) {
  static const int8_t offsets[4][2][2] = {
      {{0, -1}, {0, 0}}, {{0, 0}, {-1, 0}}, {{-1, 0}, {-1, -1}}, {{-1, -1}, {0, -1}}};
  const int8_t *o = offsets[w->heading][side];
  return is_in(f, w->x + (uint32_t)o[0], w->y + (uint32_t)o[1], label);
}

/* Walks clockwise around the region, which is always on its right; counts corners, and notes them where there is room.
 */
static uint32_t walk(const field *f, walker w, uint32_t label, uint32_t *outline) {
  static const int8_t steps[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
  const walker first = w;
  uint32_t corners = 0;
  do {
    int before = w.heading;
    w.x += (uint32_t)steps[w.heading][0];
    w.y += (uint32_t)steps[w.heading][1];
    /* Pixels that only touch at a corner do not hang together: the walker keeps to its own. */
    if (!ahead(f, &w, 1, label)) {
      w.heading = (w.heading + 1) % 4;
    } else if (ahead(f, &w, 0, label)) {
      w.heading = (w.heading + 3) % 4;
    }
    if (w.heading == before) continue;
    if (outline) outline[2 * corners] = w.x, outline[2 * corners + 1] = w.y;
    corners++;
  } while (w.x != first.x || w.y != first.y || w.heading != first.heading);
  return corners;
}

/* The outline begins at the top left corner of the first pixel in reading order. */
static nsc_status draw(const field *f, uint32_t start, uint32_t label, nsc_map_region *r, nsc_error *err) {
  const walker first = {start % f->width, start / f->width, 0};
  r->corners = walk(f, first, label, NULL);
  r->outline = malloc(2 * (size_t)r->corners * sizeof *r->outline);
  if (!r->outline) return nsc_fail_memory(err, 2 * (size_t)r->corners * sizeof *r->outline, "an outline");
  walk(f, first, label, r->outline);
  return NSC_OK;
}

/* A region found, and the pixel that it was found by. */
typedef struct found {
  nsc_map_region region;
  uint32_t start, label;
} found;

/* Keeps the heaviest `most`, in order. */
static void keep(found *list, uint32_t *count, uint32_t most, const found *f) {
  uint32_t at = *count < most ? (*count)++ : most;
  for (; at > 0 && list[at - 1].region.weight < f->region.weight; at--) {
    if (at < most) list[at] = list[at - 1];
  }
  if (at < most) list[at] = *f;
}

static nsc_status search(field *f, uint32_t most, found *list, nsc_map_region *regions, uint32_t *count,
                         nsc_error *err) {
  uint32_t pixels = f->width * f->height, labels = 0;
  *count = 0;
  for (uint32_t i = 0; i < pixels; i++) {
    if (f->label[i] || !(f->map[i] >= f->level)) continue;
    found one = {.start = i, .label = ++labels};
    fill(f, i, one.label, &one.region);
    keep(list, count, most, &one);
  }
  for (uint32_t r = 0; r < *count; r++) {
    regions[r] = list[r].region;
    NSC_TRY(draw(f, list[r].start, list[r].label, &regions[r], err));
  }
  return NSC_OK;
}

nsc_status nsc_map_regions(const float *map, uint32_t width, uint32_t height, float level, uint32_t most,
                           nsc_map_region **out, uint32_t *count, nsc_error *err) {
  size_t pixels = (size_t)width * height;
  field f = {.map = map, .width = width, .height = height, .level = level};
  f.label = calloc(pixels, sizeof *f.label);
  f.stack = malloc(pixels * sizeof *f.stack);
  found *list = calloc(most + (size_t)1, sizeof *list);
  nsc_map_region *regions = calloc(most + (size_t)1, sizeof *regions);
  bool room = f.label && f.stack && list && regions;
  nsc_status status = room ? search(&f, most, list, regions, count, err)
                           : nsc_fail_memory(err, pixels * 2 * sizeof *f.label, "regions of a map");
  free(f.label), free(f.stack), free(list);
  if (status == NSC_OK) {
    *out = regions;
  } else {
    nsc_map_regions_free(regions, most);
  }
  return status;
}

void nsc_map_regions_free(nsc_map_region *regions, uint32_t count) {
  if (!regions) return;
  for (uint32_t i = 0; i < count; i++) free(regions[i].outline);
  free(regions);
}
