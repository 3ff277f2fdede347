/*
 * Planes of a volume as images. Axial is seen from the feet, coronal from the front, sagittal from the patient's left,
 * so that the patient's right is on the left of the screen and the head is up; frames lead away from those who look.
 *
 * Where the grid lies along the patient's axes, a plane runs along the grid, and its places are the grid's own.
 * Otherwise it runs along the patient's axes, through the box around the grid.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/orientation.h"
#include "image/reformat.h"

/* A grid along the patient's axes but for this (a sine) is taken as lying along them: a tenth of a voxel in 1,000. */
static const double aligned = 1e-4;
/* Pixels of a plane on a side; finer ones than this are made coarser. A screen has half of them. */
static const double most_pixels = 4096;
/* A length that is nearly a whole number of steps is one. */
static const double rounding = 1e-6;

/* Columns, rows and frames of each kind, in LPS+. */
static const double ways[NSC_PLANE_KIND_COUNT][3][3] = {
    [NSC_PLANE_AXIAL] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    [NSC_PLANE_CORONAL] = {{1, 0, 0}, {0, 0, -1}, {0, 1, 0}},
    [NSC_PLANE_SAGITTAL] = {{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}},
};
static const char *const kind_names[NSC_PLANE_KIND_COUNT] = {"axial", "coronal", "sagittal"};
static const char *const projections[NSC_PROJECTION_COUNT] = {"maximum", "minimum", "mean"};

const char *nsc_plane_kind_name(nsc_plane_kind kind) {
  return (uint32_t)kind < NSC_PLANE_KIND_COUNT ? kind_names[kind] : "?";
}

const char *nsc_projection_name(nsc_projection projection) {
  return (uint32_t)projection < NSC_PROJECTION_COUNT ? projections[projection] : "?";
}

nsc_grid_spot nsc_grid_find(const nsc_reformat *r, int axis, double mm, uint32_t *hint) {
  const nsc_grid_axis *a = &r->axes[axis];
  if (!(mm > 0) || a->count == 1) return (nsc_grid_spot){0, 0};
  if (mm >= a->length) return (nsc_grid_spot){a->count - 1, 0};
  uint32_t first;
  double part;
  if (axis == 2) {
    uint32_t k = *hint < a->count - 1 ? *hint : a->count - 2;
    while (k > 0 && r->slices[k].at > mm) k--;
    while (k + 2 < a->count && r->slices[k + 1].at <= mm) k++;
    first = *hint = k;
    part = (mm - r->slices[k].at) / (r->slices[k + 1].at - r->slices[k].at);
  } else {
    double spot = mm / a->step;
    first = (uint32_t)spot;
    part = spot - first;
  }
  if (part < rounding) part = 0;
  if (part > 1 - rounding) first++, part = 0;
  return (nsc_grid_spot){first, (float)part};
}

/* ---- where a plane lies ---- */

/* The axis of the grid that is nearest to a direction. */
static int nearest_axis(const nsc_reformat *r, const double way[3]) {
  int best = 0;
  for (int g = 1; g < 3; g++) {
    if (fabs(nsc_dot(r->axes[g].way, way)) > fabs(nsc_dot(r->axes[best].way, way))) best = g;
  }
  return best;
}

static bool is_along(const nsc_reformat *r, int grid, const double way[3]) {
  double off[3];
  nsc_cross(r->axes[grid].way, way, off);
  return sqrt(nsc_dot(off, off)) < aligned;
}

static uint32_t count_steps(double length, double step) {
  double steps = floor(length / step + rounding);
  return steps < UINT32_MAX - 1 ? (uint32_t)steps + 1 : UINT32_MAX; /* more than any limit allows */
}

/* Along the grid: pixels are squares as large as the finest voxel side of the plane, frames are those of the grid. */
static void lay_along(nsc_plane *p) {
  const nsc_reformat *r = p->reformat;
  const nsc_grid_axis *u = &r->axes[p->axes[0].grid], *v = &r->axes[p->axes[1].grid], *w = &r->axes[p->axes[2].grid];
  double pixel = fmin(u->count > 1 ? u->step : v->step, v->count > 1 ? v->step : u->step);
  pixel = fmax(pixel, fmax(u->length, v->length) / (most_pixels - 1));
  memcpy(p->origin, r->origin, sizeof p->origin);
  for (int a = 0; a < 3; a++) {
    nsc_plane_axis *axis = &p->axes[a];
    const nsc_grid_axis *grid = &r->axes[axis->grid];
    axis->turned = nsc_dot(grid->way, axis->way) < 0;
    axis->step = a == NSC_PLANE_FRAMES ? w->step : pixel;
    axis->count = count_steps(grid->length, axis->step);
    for (int i = 0; i < 3; i++) {
      axis->way[i] = axis->turned ? -grid->way[i] : grid->way[i];
      if (axis->turned) p->origin[i] += grid->length * grid->way[i];
    }
  }
}

/* Through the grid: the box around its voxels' centres, along the patient's axes. */
static void lay_across(nsc_plane *p) {
  const nsc_reformat *r = p->reformat;
  double least[3], most[3];
  for (int a = 0; a < 3; a++) {
    double sum = nsc_dot(r->origin, p->axes[a].way);
    least[a] = most[a] = sum;
    for (int g = 0; g < 3; g++) {
      double reach = r->axes[g].length * nsc_dot(r->axes[g].way, p->axes[a].way);
      least[a] += fmin(reach, 0);
      most[a] += fmax(reach, 0);
    }
    p->axes[a].step = r->axes[p->axes[a].grid].step;
  }
  double pixel = fmin(p->axes[0].step, p->axes[1].step);
  pixel = fmax(pixel, fmax(most[0] - least[0], most[1] - least[1]) / (most_pixels - 1));
  p->axes[0].step = p->axes[1].step = pixel;
  for (int a = 0; a < 3; a++) {
    p->axes[a].count = count_steps(most[a] - least[a], p->axes[a].step);
    for (int i = 0; i < 3; i++) p->origin[i] += least[a] * p->axes[a].way[i];
  }
}

static void lay(nsc_plane *p) {
  bool used[3] = {false, false, false};
  p->oblique = false;
  for (int a = 0; a < 3; a++) {
    memcpy(p->axes[a].way, ways[p->kind][a], sizeof p->axes[a].way);
    int grid = p->axes[a].grid = nearest_axis(p->reformat, p->axes[a].way);
    p->oblique = p->oblique || used[grid] || !is_along(p->reformat, grid, p->axes[a].way);
    used[grid] = true;
  }
  if (p->oblique) {
    lay_across(p);
  } else {
    lay_along(p);
  }
}

/* ---- as an image ---- */

static void free_plane(void *state) {
  nsc_plane *p = state;
  if (!p) return;
  nsc_reformat_free(p->reformat);
  free(p->sheet);
  free(p->other);
  free(p->spots[0]);
  free(p->spots[1]);
  free(p);
}

static nsc_status decode_plane(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  nsc_plane *p = image->state;
  if (!p->oblique) return nsc_plane_from_sheet(p, frame, samples, err);
  nsc_plane_across(p, frame, samples);
  return NSC_OK;
}

static bool locate_plane(const nsc_image *image, uint32_t frame, nsc_place *out) {
  const nsc_plane *p = image->state;
  const nsc_plane_axis *frames = &p->axes[NSC_PLANE_FRAMES];
  for (int i = 0; i < 3; i++) out->origin[i] = p->origin[i] + frame * frames->step * frames->way[i];
  memcpy(out->across, p->axes[NSC_PLANE_COLUMNS].way, sizeof out->across);
  memcpy(out->down, p->axes[NSC_PLANE_ROWS].way, sizeof out->down);
  out->spacing_x = p->axes[NSC_PLANE_COLUMNS].step;
  out->spacing_y = p->axes[NSC_PLANE_ROWS].step;
  return true;
}

static void write_plane(const nsc_image *image, nsc_text *t) {
  static const char *const keys[] = {"transferSyntax", "transferSyntaxName", "sopClass"};
  const nsc_plane *p = image->state;
  for (int i = 0; i < 3; i++) nsc_json_key(t, keys[i]), nsc_json_null(t);
  nsc_json_key(t, "modality"), nsc_json_string(t, image->modality[0] ? image->modality : NULL);
  nsc_json_key(t, "slices"), nsc_json_int(t, p->axes[NSC_PLANE_FRAMES].count);
  nsc_json_key(t, "sliceSpacing"), nsc_json_number(t, p->axes[NSC_PLANE_FRAMES].step);
  nsc_json_key(t, "plane"), nsc_json_string(t, nsc_plane_kind_name(p->kind));
  nsc_json_key(t, "oblique"), nsc_json_bool(t, p->oblique);
  nsc_json_key(t, "slab"), nsc_json_number(t, p->thickness);
  nsc_json_key(t, "projection"), nsc_json_string(t, nsc_projection_name(p->projection));
  nsc_edges edges;
  const double *columns = p->axes[NSC_PLANE_COLUMNS].way, *rows = p->axes[NSC_PLANE_ROWS].way;
  bool known = nsc_edges_of_directions(columns, rows, image->quadruped, &edges);
  nsc_json_key(t, "edges"), nsc_edges_write(known ? &edges : NULL, t);
  nsc_json_key(t, "tags");
  nsc_json_array(t);
  nsc_json_end_array(t);
}

static const nsc_image_reader plane_reader = {
    .decode = decode_plane, .write_json = write_plane, .free_state = free_plane, .locate = locate_plane};

static nsc_status take_values(nsc_image *image, const nsc_reformat *r, nsc_error *err) {
  memcpy(image->space, r->space, sizeof image->space);
  memcpy(image->modality, r->modality, sizeof image->modality);
  image->quadruped = r->quadruped;
  if (r->unit) {
    image->unit = nsc_copy_chars(r->unit, strlen(r->unit));
    if (!image->unit) return nsc_fail_memory(err, strlen(r->unit), "a unit");
  }
  image->whole_range = image->has_whole = true;
  image->whole_low = r->low <= r->high ? r->low : 0;
  image->whole_high = r->low <= r->high ? r->high : 0;
  if (!r->window_count) return NSC_OK;
  image->windows = calloc(r->window_count, sizeof *image->windows);
  if (!image->windows) return nsc_fail_memory(err, r->window_count * sizeof *image->windows, "windows");
  for (uint32_t i = 0; i < r->window_count; i++) {
    image->windows[i] = r->windows[i];
    const char *name = r->windows[i].name;
    image->windows[i].name = name ? nsc_copy_chars(name, strlen(name)) : NULL;
  }
  image->info.window_count = r->window_count;
  return NSC_OK;
}

static nsc_status finish(nsc_image *image, const nsc_plane *p, nsc_error *err) {
  const nsc_plane_axis *u = &p->axes[NSC_PLANE_COLUMNS], *v = &p->axes[NSC_PLANE_ROWS];
  uint32_t frames = p->axes[NSC_PLANE_FRAMES].count;
  NSC_TRY(nsc_image_check_limits(image, u->count, v->count, frames, 1, NSC_SAMPLE_F32, err));
  image->info = (nsc_image_info){.width = u->count,
                                 .height = v->count,
                                 .frames = frames,
                                 .channels = 1,
                                 .type = NSC_SAMPLE_F32,
                                 .photometric = p->reformat->photometric,
                                 .spacing_x = u->step,
                                 .spacing_y = v->step};
  nsc_image_set_type_range(image);
  return take_values(image, p->reformat, err);
}

nsc_status nsc_reformat_open_plane(nsc_reformat *r, nsc_plane_kind kind, nsc_image **out, nsc_error *err) {
  if (!r || !out || !r->planned || (uint32_t)kind >= NSC_PLANE_KIND_COUNT) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no plan was made, or there is no plane %d", (int)kind);
  }
  if (r->filled < r->count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u of %u slices are not there yet", r->count - r->filled, r->count);
  }
  nsc_image *image;
  NSC_TRY(nsc_image_create(NULL, &image, err));
  nsc_plane *p = calloc(1, sizeof *p);
  if (!p) {
    nsc_image_free(image);
    return nsc_fail_memory(err, sizeof *p, "a plane");
  }
  image->reader = &plane_reader;
  image->state = p;
  p->reformat = r;
  p->kind = kind;
  nsc_reformat_hold(r);
  lay(p);
  nsc_status status = finish(image, p, err);
  if (status != NSC_OK) {
    nsc_image_free(image);
    return status;
  }
  *out = image;
  return NSC_OK;
}

nsc_status nsc_plane_set_slab(nsc_image *image, double thickness, nsc_projection projection, nsc_error *err) {
  if (!image || image->reader != &plane_reader) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the image is no plane");
  if (!(thickness >= 0 && thickness <= NSC_SLAB_MOST) || (uint32_t)projection >= NSC_PROJECTION_COUNT) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a slab of %g mm with projection %d", thickness, (int)projection);
  }
  nsc_plane *p = image->state;
  p->thickness = thickness;
  p->projection = projection;
  nsc_image_renew(image);
  return NSC_OK;
}
