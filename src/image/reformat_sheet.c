/*
 * Planes that run along the grid. First a sheet of voxels, as many as the grid has in the plane: one layer, two mixed,
 * or all layers of a slab together. Then the sheet's values are interpolated to the plane's pixels. Both steps are
 * linear between voxels, so a slab is what lies between its two faces, whatever the layers' distance.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/reformat.h"

/* mm. What is thinner is a plane and no slab: its faces would be the same to all digits. */
static const double thinnest = 1e-4;

/* Layers of voxels that are seen together. */
typedef struct layers {
  uint32_t first, count;
  const double *weights; /* [count]; NULL: the largest (or smallest) value of all of them */
  bool largest;
} layers;

/* The axis of the grid that a sheet's columns, its rows and the layers run along. */
typedef struct sheet_axes {
  int column, row, layer;
} sheet_axes;

static sheet_axes axes_of(const nsc_plane *p) {
  return (sheet_axes){p->axes[NSC_PLANE_COLUMNS].grid, p->axes[NSC_PLANE_ROWS].grid, p->axes[NSC_PLANE_FRAMES].grid};
}

/* Takes `count` values into a sheet, `step` values apart from `out` on. `weight` NAN: extremes. */
static void take_run(const float *values, size_t count, float *out, size_t step, double weight, bool largest) {
  if (!isnan(weight)) {
    for (size_t i = 0; i < count; i++) out[i * step] += (float)(values[i] * weight);
  } else if (largest) {
    for (size_t i = 0; i < count; i++) {
      float *o = &out[i * step];
      if (!(*o >= values[i])) *o = isnan(values[i]) ? *o : values[i];
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      float *o = &out[i * step];
      if (!(*o <= values[i])) *o = isnan(values[i]) ? *o : values[i];
    }
  }
}

/* The same of layers that stand side by side, into one value. */
static void take_layers(const float *values, const layers *l, float *out) {
  double sum = *out, extreme = *out;
  for (uint32_t i = 0; i < l->count; i++) {
    if (l->weights) {
      sum += values[i] * l->weights[i];
    } else if (isnan(extreme) || (l->largest ? values[i] > extreme : values[i] < extreme)) {
      extreme = values[i];
    }
  }
  *out = (float)(l->weights ? sum : extreme);
}

/* Runs along i through the voxels that belong to the layers, slice by slice. */
static void collect(const nsc_reformat *r, const sheet_axes *axes, const layers *l, float *row, float *sheet) {
  uint32_t width = r->axes[axes->column].count, first[3] = {0, 0, 0}, count[3];
  size_t step[3];
  for (int a = 0; a < 3; a++) {
    count[a] = a == axes->layer ? l->count : r->axes[a].count;
    step[a] = a == axes->column ? 1 : a == axes->row ? width : 0;
  }
  first[axes->layer] = l->first;
  for (uint32_t k = 0; k < count[2]; k++) {
    for (uint32_t j = 0; j < count[1]; j++) {
      size_t from = (size_t)(first[1] + j) * r->axes[0].count + first[0];
      nsc_reformat_values(r, first[2] + k, from, count[0], row);
      float *out = sheet + k * step[2] + j * step[1];
      if (axes->layer != 0) {
        double weight = l->weights ? l->weights[axes->layer == 2 ? k : j] : NAN;
        take_run(row, count[0], out, step[0], weight, l->largest);
        continue;
      }
      take_layers(row, l, out);
    }
  }
}

static size_t sheet_size(const nsc_plane *p) {
  sheet_axes axes = axes_of(p);
  return (size_t)p->reformat->axes[axes.column].count * p->reformat->axes[axes.row].count;
}

static void fill(float *sheet, size_t count, float value) {
  for (size_t i = 0; i < count; i++) sheet[i] = value;
}

/* Values between two layers, at one place. */
static void mix(const nsc_plane *p, nsc_grid_spot at, float *row, float *sheet) {
  const double weights[2] = {1 - (double)at.part, at.part};
  layers l = {.first = at.first, .count = at.part > 0 ? 2 : 1, .weights = weights};
  sheet_axes axes = axes_of(p);
  fill(sheet, sheet_size(p), 0);
  collect(p->reformat, &axes, &l, row, sheet);
}

/* Weights of layers for the mean between two places: the integral of what is linear between them. */
static void mean_weights(const nsc_reformat *r, int axis, double from, double to, const layers *l, double *weights) {
  memset(weights, 0, l->count * sizeof *weights);
  for (uint32_t n = 0; n + 1 < l->count; n++) {
    double a = nsc_grid_mm(r, axis, l->first + n), b = nsc_grid_mm(r, axis, l->first + n + 1);
    double low = fmax(a, from), high = fmin(b, to), length = high - low;
    if (!(length > 0)) continue;
    double middle = ((low + high) / 2 - a) / (b - a);
    weights[n] += (1 - middle) * length / (to - from);
    weights[n + 1] += middle * length / (to - from);
  }
}

static nsc_status collect_mean(nsc_plane *p, double from, double to, layers l, float *row, nsc_error *err) {
  sheet_axes axes = axes_of(p);
  double *weights = malloc(l.count * sizeof *weights);
  if (!weights) return nsc_fail_memory(err, l.count * sizeof *weights, "weights of a slab");
  mean_weights(p->reformat, axes.layer, from, to, &l, weights);
  /* Layers without a share could still hold what is no number. */
  uint32_t skipped = 0;
  while (skipped + 1 < l.count && weights[skipped] == 0) skipped++;
  while (l.count > skipped + 1 && weights[l.count - 1] == 0) l.count--;
  l.first += skipped;
  l.count -= skipped;
  l.weights = weights + skipped;
  fill(p->sheet, sheet_size(p), 0);
  collect(p->reformat, &axes, &l, row, p->sheet);
  free(weights);
  return NSC_OK;
}

/* Faces that lie between layers, and all layers between the faces. */
static void collect_extremes(nsc_plane *p, nsc_grid_spot from, nsc_grid_spot to, float *row) {
  sheet_axes axes = axes_of(p);
  bool largest = p->projection == NSC_PROJECTION_MAXIMUM;
  uint32_t first = from.first + (from.part > 0);
  layers between = {.first = first, .count = to.first + 1 - first, .largest = largest};
  fill(p->sheet, sheet_size(p), NAN);
  if (to.first + 1 > first) collect(p->reformat, &axes, &between, row, p->sheet);
  const nsc_grid_spot faces[2] = {from, to};
  for (int i = 0; i < 2; i++) {
    if (!(faces[i].part > 0)) continue;
    mix(p, faces[i], row, p->other);
    take_run(p->other, sheet_size(p), p->sheet, 1, NAN, largest);
  }
}

static nsc_status make_sheet(nsc_plane *p, uint32_t frame, float *row, nsc_error *err) {
  const nsc_reformat *r = p->reformat;
  const nsc_plane_axis *frames = &p->axes[NSC_PLANE_FRAMES];
  double length = r->axes[frames->grid].length, at = frame * frames->step;
  if (frames->turned) at = length - at;
  double from = fmax(0, at - p->thickness / 2), to = fmin(length, at + p->thickness / 2);
  uint32_t hint = 0;
  if (!(to - from > thinnest)) {
    mix(p, nsc_grid_find(r, frames->grid, at, &hint), row, p->sheet);
    return NSC_OK;
  }
  nsc_grid_spot first = nsc_grid_find(r, frames->grid, from, &hint), last = nsc_grid_find(r, frames->grid, to, &hint);
  if (p->projection != NSC_PROJECTION_MEAN) {
    collect_extremes(p, first, last, row);
    return NSC_OK;
  }
  layers l = {.first = first.first, .count = last.first + 1 + (last.part > 0) - first.first};
  return collect_mean(p, from, to, l, row, err);
}

/* ---- from the sheet to pixels ---- */

static nsc_grid_spot *find_spots(const nsc_plane *p, int side) {
  const nsc_plane_axis *axis = &p->axes[side];
  nsc_grid_spot *spots = malloc(axis->count * sizeof *spots);
  uint32_t hint = 0;
  for (uint32_t i = 0; spots && i < axis->count; i++) {
    double mm = i * axis->step;
    spots[i] =
        nsc_grid_find(p->reformat, axis->grid, axis->turned ? p->reformat->axes[axis->grid].length - mm : mm, &hint);
  }
  return spots;
}

static double between(double a, double b, float part) {
  return a + (b - a) * part;
}

/* A value between two voxels; the other one is not looked at where it has no share. */
static double pick(const float *line, nsc_grid_spot at) {
  return at.part > 0 ? between(line[at.first], line[at.first + 1], at.part) : line[at.first];
}

static void spread(const nsc_plane *p, float *out) {
  uint32_t width = p->axes[NSC_PLANE_COLUMNS].count, height = p->axes[NSC_PLANE_ROWS].count;
  size_t stride = p->reformat->axes[p->axes[NSC_PLANE_COLUMNS].grid].count;
  for (uint32_t y = 0; y < height; y++, out += width) {
    nsc_grid_spot at = p->spots[1][y];
    const float *line = p->sheet + at.first * stride;
    if (at.part > 0) {
      for (uint32_t x = 0; x < width; x++) {
        out[x] = (float)between(pick(line, p->spots[0][x]), pick(line + stride, p->spots[0][x]), at.part);
      }
    } else {
      for (uint32_t x = 0; x < width; x++) out[x] = (float)pick(line, p->spots[0][x]);
    }
  }
}

static nsc_status make_room(nsc_plane *p, nsc_error *err) {
  size_t bytes = sheet_size(p) * sizeof *p->sheet;
  if (!p->sheet) p->sheet = malloc(bytes);
  if (!p->other) p->other = malloc(bytes);
  for (int side = 0; side < 2; side++) {
    if (!p->spots[side]) p->spots[side] = find_spots(p, side);
  }
  return p->sheet && p->other && p->spots[0] && p->spots[1] ? NSC_OK : nsc_fail_memory(err, 2 * bytes, "a plane");
}

nsc_status nsc_plane_from_sheet(nsc_plane *p, uint32_t frame, float *out, nsc_error *err) {
  NSC_TRY(make_room(p, err));
  float *row = malloc(p->reformat->axes[0].count * sizeof *row);
  if (!row) return nsc_fail_memory(err, p->reformat->axes[0].count * sizeof *row, "a row of voxels");
  nsc_status status = make_sheet(p, frame, row, err);
  free(row);
  if (status == NSC_OK) spread(p, out);
  return status;
}
