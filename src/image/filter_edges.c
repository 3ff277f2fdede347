/* Sobel and Canny, on one channel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/filter.h"

/* Sobel's weights over 4, mirrored edges: I. Sobel, G. Feldman, "A 3x3 isotropic gradient operator", 1968. */
static void gradient(const float *in, size_t width, size_t height, float *gx, float *gy) {
  for (size_t y = 0; y < height; y++) {
    const float *above = in + nsc_mirror((ptrdiff_t)y - 1, height) * width, *here = in + y * width;
    const float *below = in + nsc_mirror((ptrdiff_t)y + 1, height) * width;
    for (size_t x = 0; x < width; x++, gx++, gy++) {
      size_t l = x ? x - 1 : 0, r = x + 1 < width ? x + 1 : x;
      *gx = ((above[r] - above[l]) + 2 * (here[r] - here[l]) + (below[r] - below[l])) / 4;
      *gy = ((below[l] - above[l]) + 2 * (below[x] - above[x]) + (below[r] - above[r])) / 4;
    }
  }
}

nsc_status nsc_filter_sobel(nsc_plane p, nsc_error *err) {
  size_t count = p.width * p.height;
  float *gx = malloc(2 * count * sizeof *gx), *gy = gx + count;
  if (!gx) return nsc_fail_memory(err, 2 * count * sizeof *gx, "a gradient");
  gradient(p.values, p.width, p.height, gx, gy);
  for (size_t i = 0; i < count; i++) p.values[i] = nsc_clamp_unit(sqrtf(gx[i] * gx[i] + gy[i] * gy[i]));
  free(gx);
  return NSC_OK;
}

/* ---- Canny ---- */

typedef struct canny {
  size_t width, height;
  float *gx, *gy, *length; /* [height][width] */
  size_t *open;            /* pixels that edges go on from */
} canny;

/* The gradient's length one step on from pixel `i`, along or against its direction: between two neighbours, weighted by
 * how near the direction passes. */
static float neighbour(const canny *c, size_t i, int sign) {
  float ax = fabsf(c->gx[i]), ay = fabsf(c->gy[i]);
  ptrdiff_t w = (ptrdiff_t)c->width, dx = c->gx[i] < 0 ? -sign : sign, dy = (c->gy[i] < 0 ? -w : w) * sign;
  ptrdiff_t straight = ax >= ay ? dx : dy, at = (ptrdiff_t)i;
  float share = ax >= ay ? ay / ax : ax / ay;
  return (1 - share) * c->length[at + straight] + share * c->length[at + dx + dy];
}

/* Not below the neighbour along the gradient and above the other one. Values that rounding parts are equal, so that of
 * two equal pixels exactly one is kept. */
static bool is_ridge(const canny *c, size_t i) {
  static const float rounding = 1.0001f;
  float length = c->length[i];
  return length > 0 && length * rounding >= neighbour(c, i, 1) && length > neighbour(c, i, -1) * rounding;
}

/* 0 elsewhere, and on the picture's border, which has no neighbours on one side. */
static void keep_ridges(const canny *c, float low, float *out) {
  memset(out, 0, c->width * c->height * sizeof *out);
  for (size_t y = 1; y + 1 < c->height; y++) {
    for (size_t i = y * c->width + 1; i + 1 < (y + 1) * c->width; i++) {
      if (c->length[i] >= low && is_ridge(c, i)) out[i] = c->length[i];
    }
  }
}

/* Pixels that reach `high` become 2, then all ridges that touch a 2. In the end 1 for those, else 0. */
static void hysteresis(const canny *c, float high, float *ridges) {
  size_t count = c->width * c->height, open = 0;
  for (size_t i = 0; i < count; i++) {
    if (ridges[i] == 0 || ridges[i] < high) continue;
    ridges[i] = 2;
    c->open[open++] = i;
  }
  while (open > 0) { /* ridges keep away from the border, so neighbours exist */
    size_t i = c->open[--open];
    for (int k = 0; k < 9; k++) {
      size_t at = i + (size_t)(k / 3) * c->width - c->width + (size_t)(k % 3) - 1;
      if (ridges[at] == 0 || ridges[at] == 2) continue;
      ridges[at] = 2;
      c->open[open++] = at;
    }
  }
  for (size_t i = 0; i < count; i++) ridges[i] = ridges[i] == 2 ? 1 : 0;
}

nsc_status nsc_filter_canny(nsc_plane p, double sigma, double low, double high, nsc_error *err) {
  NSC_TRY(nsc_filter_gaussian(p, sigma, err));
  size_t count = p.width * p.height, bytes = count * (3 * sizeof(float) + sizeof(size_t));
  size_t *open = malloc(bytes); /* the widest type first */
  if (!open) return nsc_fail_memory(err, bytes, "edges");
  float *planes = (float *)(open + count);
  canny c = {p.width, p.height, planes, planes + count, planes + 2 * count, open};
  gradient(p.values, p.width, p.height, c.gx, c.gy);
  for (size_t i = 0; i < count; i++) {
    float length = sqrtf(c.gx[i] * c.gx[i] + c.gy[i] * c.gy[i]);
    c.length[i] = length < 1.5f ? length : 1.5f; /* at most sqrt 2 of values 0..1; 2 is a mark below */
  }
  keep_ridges(&c, (float)low, p.values);
  hysteresis(&c, (float)high, p.values);
  free(open);
  return NSC_OK;
}
