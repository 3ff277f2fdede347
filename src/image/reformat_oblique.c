/*
 * Planes that run across the grid: each pixel's place is taken into the grid's own coordinates, which need not be at
 * right angles, and its value interpolated between the eight voxels around it. A slab is sampled at even distances from
 * face to face; what lies outside the grid has no value and no share.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/reformat.h"

/* A place this far outside (mm) is still inside: its coordinates are sums of rounded numbers. */
static const double rounding = 1e-4;
/* More samples than this through a slab are not seen. */
enum { MOST_SAMPLES = 1024 };

/* From mm in the patient to mm along the axes of the grid: the inverse of their directions. */
static void invert(const nsc_reformat *r, double out[3][3]) {
  for (int a = 0; a < 3; a++) {
    nsc_cross(r->axes[(a + 1) % 3].way, r->axes[(a + 2) % 3].way, out[a]);
    double volume = nsc_dot(out[a], r->axes[a].way); /* not 0: the plan has looked at the angles */
    for (int i = 0; i < 3; i++) out[a][i] /= volume;
  }
}

/* A column of voxels' values at i and i + 1. */
static double along_i(const nsc_reformat *r, uint32_t slice, size_t at, float part) {
  double a = nsc_reformat_value(r, slice, at);
  return part > 0 ? a + (nsc_reformat_value(r, slice, at + 1) - a) * part : a;
}

static double in_slice(const nsc_reformat *r, uint32_t slice, nsc_grid_spot i, nsc_grid_spot j) {
  size_t at = (size_t)j.first * r->axes[0].count + i.first;
  double a = along_i(r, slice, at, i.part);
  return j.part > 0 ? a + (along_i(r, slice, at + r->axes[0].count, i.part) - a) * j.part : a;
}

/* NaN outside the grid. */
static double sample(const nsc_reformat *r, const double mm[3], uint32_t *hint) {
  nsc_grid_spot spots[3];
  for (int a = 0; a < 3; a++) {
    if (!(mm[a] >= -rounding && mm[a] <= r->axes[a].length + rounding)) return NAN;
    spots[a] = nsc_grid_find(r, a, mm[a], hint);
  }
  double value = in_slice(r, spots[2].first, spots[0], spots[1]);
  if (!(spots[2].part > 0)) return value;
  return value + (in_slice(r, spots[2].first + 1, spots[0], spots[1]) - value) * spots[2].part;
}

/* Offsets along the normal in grid mm, from face to face. The two faces have half a share in a mean. */
typedef struct slab {
  uint32_t count;
  double first[3], step[3];
  nsc_projection projection;
} slab;

static double through(const nsc_reformat *r, const slab *s, const double centre[3], uint32_t *hint) {
  double sum = 0, shares = 0, extreme = NAN, mm[3];
  for (uint32_t n = 0; n < s->count; n++) {
    for (int a = 0; a < 3; a++) mm[a] = centre[a] + s->first[a] + n * s->step[a];
    double value = sample(r, mm, hint);
    if (isnan(value)) continue;
    double share = s->count > 1 && (n == 0 || n + 1 == s->count) ? 0.5 : 1;
    sum += share * value;
    shares += share;
    bool better = s->projection == NSC_PROJECTION_MINIMUM ? value < extreme : value > extreme;
    if (isnan(extreme) || better) extreme = value;
  }
  return s->projection == NSC_PROJECTION_MEAN || s->count == 1 ? sum / shares : extreme; /* 0 / 0: NaN */
}

/* `way` in mm of the patient as a step in the grid. */
static void into_grid(double inverse[3][3], const double way[3], double length, double out[3]) {
  for (int a = 0; a < 3; a++) out[a] = nsc_dot(inverse[a], way) * length;
}

static slab make_slab(const nsc_plane *p, double inverse[3][3]) {
  slab s = {.count = 1, .projection = p->projection};
  if (!(p->thickness > 0)) return s;
  double finest = fmin(p->reformat->axes[0].step, fmin(p->reformat->axes[1].step, p->reformat->axes[2].step));
  double samples = ceil(p->thickness / finest) + 1;
  s.count = samples < MOST_SAMPLES ? (uint32_t)samples : MOST_SAMPLES;
  into_grid(inverse, p->axes[NSC_PLANE_FRAMES].way, -p->thickness / 2, s.first);
  into_grid(inverse, p->axes[NSC_PLANE_FRAMES].way, p->thickness / (s.count - 1), s.step);
  return s;
}

nsc_status nsc_plane_across(const nsc_plane *p, uint32_t frame, float *out, nsc_error *err) {
  (void)err;
  const nsc_reformat *r = p->reformat;
  const nsc_plane_axis *axes = p->axes;
  double inverse[3][3], from[3], start[3], column[3], row[3], mm[3];
  invert(r, inverse);
  slab s = make_slab(p, inverse);
  for (int i = 0; i < 3; i++) {
    from[i] = p->origin[i] + frame * axes[NSC_PLANE_FRAMES].step * axes[NSC_PLANE_FRAMES].way[i] - r->origin[i];
  }
  into_grid(inverse, from, 1, start);
  into_grid(inverse, axes[NSC_PLANE_COLUMNS].way, axes[NSC_PLANE_COLUMNS].step, column);
  into_grid(inverse, axes[NSC_PLANE_ROWS].way, axes[NSC_PLANE_ROWS].step, row);
  uint32_t hint = 0;
  for (uint32_t y = 0; y < axes[NSC_PLANE_ROWS].count; y++) {
    for (uint32_t x = 0; x < axes[NSC_PLANE_COLUMNS].count; x++) {
      for (int a = 0; a < 3; a++) mm[a] = start[a] + x * column[a] + y * row[a];
      *out++ = (float)through(r, &s, mm, &hint);
    }
  }
  return NSC_OK;
}
