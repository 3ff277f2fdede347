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

/* ---- one place ---- */

/* The whole part of 0..2^31, or one less where it is whole: adding 1.5 * 2^52 leaves the rounded number in the lowest
 * bits. A conversion would look at its range first, three times a sample. */
static inline uint32_t whole_part(double x) {
  double sum = x - 0.5 + 6755399441055744.0;
  uint64_t bits;
  memcpy(&bits, &sum, sizeof bits);
  return (uint32_t)bits;
}

/* Where slices are even and every voxel has a value, coordinates count voxels; no share has to be looked at. There are
 * at least two slices; a grid of one column or row takes the careful way. */
#define DEFINE_SAMPLE(name, type)                                                \
  static inline double name(const nsc_reformat *r, const double at[3]) {         \
    uint32_t first[3];                                                           \
    double part[3];                                                              \
    for (int a = 0; a < 3; a++) {                                                \
      uint32_t last = r->axes[a].count - 2;                                      \
      double x = at[a] > 0 ? at[a] : 0;                                          \
      first[a] = whole_part(x);                                                  \
      first[a] = first[a] < last ? first[a] : last;                              \
      part[a] = x - first[a];                                                    \
      part[a] = part[a] < 1 ? part[a] : 1;                                       \
    }                                                                            \
    size_t width = r->axes[0].count, from = (size_t)first[1] * width + first[0]; \
    const type *p = (const type *)r->slices[first[2]].voxels + from;             \
    const type *q = (const type *)r->slices[first[2] + 1].voxels + from;         \
    double a = p[0] + ((double)p[1] - p[0]) * part[0];                           \
    double b = p[width] + ((double)p[width + 1] - p[width]) * part[0];           \
    double c = q[0] + ((double)q[1] - q[0]) * part[0];                           \
    double d = q[width] + ((double)q[width + 1] - q[width]) * part[0];           \
    double near = a + (b - a) * part[1], far = c + (d - c) * part[1];            \
    return near + (far - near) * part[2];                                        \
  }
DEFINE_SAMPLE(sample_short, int16_t)
DEFINE_SAMPLE(sample_float, float)

static double along_i(const nsc_reformat *r, uint32_t slice, size_t at, float part) {
  double a = nsc_reformat_value(r, slice, at);
  return part > 0 ? a + (nsc_reformat_value(r, slice, at + 1) - a) * part : a;
}

static double in_slice(const nsc_reformat *r, uint32_t slice, nsc_grid_spot i, nsc_grid_spot j) {
  size_t at = (size_t)j.first * r->axes[0].count + i.first;
  double a = along_i(r, slice, at, i.part);
  return j.part > 0 ? a + (along_i(r, slice, at + r->axes[0].count, i.part) - a) * j.part : a;
}

/* Voxels without a share are not looked at: they may have no value. */
static double sample_with_care(const nsc_reformat *r, const double mm[3], uint32_t *hint) {
  nsc_grid_spot spots[3];
  for (int a = 0; a < 3; a++) spots[a] = nsc_grid_find(r, a, mm[a], hint);
  double value = in_slice(r, spots[2].first, spots[0], spots[1]);
  if (!(spots[2].part > 0)) return value;
  return value + (in_slice(r, spots[2].first + 1, spots[0], spots[1]) - value) * spots[2].part;
}

/* ---- the way through a slab ---- */

/* Coordinates are in units of the grid: voxels where `is_plain`, else mm along its axes. */
typedef struct walker {
  const nsc_reformat *r;
  bool is_plain;
  double inverse[3][3], least[3], most[3];
  uint32_t count;           /* samples through the slab */
  double first[3], step[3]; /* from the plane to the first one, and on; 0 for a plane alone */
  nsc_projection projection;
  uint32_t hint;
} walker;

/* `way` in mm of the patient as a step in the grid. */
static void into_grid(const walker *w, const double way[3], double length, double out[3]) {
  for (int a = 0; a < 3; a++) out[a] = nsc_dot(w->inverse[a], way) * length;
}

static bool is_plain(const nsc_reformat *r) {
  return r->is_even && !r->has_holes && r->axes[0].count > 1 && r->axes[1].count > 1;
}

static walker make_walker(const nsc_plane *p) {
  const nsc_reformat *r = p->reformat;
  walker w = {.r = r, .is_plain = is_plain(r), .count = 1, .projection = p->projection};
  invert(r, w.inverse);
  for (int a = 0; a < 3; a++) {
    double unit = w.is_plain ? r->axes[a].step : 1;
    for (int i = 0; i < 3; i++) w.inverse[a][i] /= unit;
    w.least[a] = -rounding / unit;
    w.most[a] = (r->axes[a].length + rounding) / unit;
  }
  if (!(p->thickness > 0)) return w;
  const nsc_plane_axis *frames = &p->axes[NSC_PLANE_FRAMES];
  double samples = ceil(p->thickness / frames->step) + 1;
  w.count = samples < MOST_SAMPLES ? (uint32_t)samples : MOST_SAMPLES;
  into_grid(&w, frames->way, -p->thickness / 2, w.first);
  into_grid(&w, frames->way, p->thickness / (w.count - 1), w.step);
  return w;
}

/* A place inside the grid. */
static inline double sample(walker *w, const double at[3]) {
  if (!w->is_plain) return sample_with_care(w->r, at, &w->hint);
  if (w->r->is_float) return sample_float(w->r, at);
  return sample_short(w->r, at) * w->r->slope + w->r->intercept;
}

/* The samples through a slab that lie inside the grid, which is convex: *from up to, without, the one returned. */
static uint32_t clip(const walker *w, const double centre[3], uint32_t *from) {
  double first = 0, last = w->count - 1;
  for (int a = 0; a < 3; a++) {
    double start = centre[a] + w->first[a], low = (w->least[a] - start) / w->step[a],
           high = (w->most[a] - start) / w->step[a];
    if (w->step[a] == 0) { /* for all of them the same */
      if (!(start >= w->least[a] && start <= w->most[a])) return 0;
      continue;
    }
    first = fmax(first, fmin(low, high));
    last = fmin(last, fmax(low, high));
  }
  if (!(first <= last)) return 0;
  *from = (uint32_t)ceil(first);
  return (uint32_t)floor(last) + 1;
}

/* The two faces have half a share in a mean. NaN where nothing of it is inside. */
static double through(walker *w, const double centre[3]) {
  double sum = 0, shares = 0, extreme = NAN, at[3];
  bool is_mean = w->projection == NSC_PROJECTION_MEAN, smallest = w->projection == NSC_PROJECTION_MINIMUM;
  uint32_t from = 0, to = clip(w, centre, &from);
  for (uint32_t n = from; n < to; n++) {
    for (int a = 0; a < 3; a++) at[a] = centre[a] + w->first[a] + n * w->step[a];
    double value = sample(w, at);
    if (isnan(value)) continue;
    if (is_mean) {
      double share = w->count > 1 && (n == 0 || n + 1 == w->count) ? 0.5 : 1;
      sum += share * value;
      shares += share;
    } else if (!(smallest ? value >= extreme : value <= extreme)) {
      extreme = value;
    }
  }
  return is_mean ? sum / shares : extreme; /* 0 / 0: NaN */
}

void nsc_plane_across(const nsc_plane *p, uint32_t frame, float *out) {
  const nsc_plane_axis *axes = p->axes;
  double from[3], start[3], column[3], row[3], at[3];
  walker w = make_walker(p);
  for (int i = 0; i < 3; i++) {
    from[i] = p->origin[i] + frame * axes[NSC_PLANE_FRAMES].step * axes[NSC_PLANE_FRAMES].way[i] - w.r->origin[i];
  }
  into_grid(&w, from, 1, start);
  into_grid(&w, axes[NSC_PLANE_COLUMNS].way, axes[NSC_PLANE_COLUMNS].step, column);
  into_grid(&w, axes[NSC_PLANE_ROWS].way, axes[NSC_PLANE_ROWS].step, row);
  for (uint32_t y = 0; y < axes[NSC_PLANE_ROWS].count; y++) {
    for (uint32_t x = 0; x < axes[NSC_PLANE_COLUMNS].count; x++) {
      for (int a = 0; a < 3; a++) at[a] = start[a] + x * column[a] + y * row[a];
      *out++ = (float)through(&w, at);
    }
  }
}
