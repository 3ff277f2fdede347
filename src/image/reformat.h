/*
 * The inside of nsc_reformat: a stack of parallel slices as a grid of voxels in the patient.
 *
 *   reformat.c (announced, planned: is it a grid?) -> reformat_fill.c (voxels) -> reformat_plane.c (planes as images)
 *   -> reformat_sheet.c (planes along the grid), reformat_oblique.c (across it)
 *
 * Grid axes are i (columns of the slices), j (rows), k (slices in the order of their places). The way from slice to
 * slice need not be at right angles to them (a tilted gantry), and distances along k may differ.
 */
#ifndef NSC_IMAGE_REFORMAT_H
#define NSC_IMAGE_REFORMAT_H

#include "image/image.h"
#include "image/place.h"

typedef struct nsc_reformat_slice {
  nsc_place place;
  uint32_t width, height;
  uint32_t number; /* as announced, from 0 */
  double at;       /* mm along the way from slice to slice; the first one 0 */
  void *voxels;    /* [height][width] int16_t or float, owned; NULL until filled */
} nsc_reformat_slice;

/* One axis of the grid, in mm. */
typedef struct nsc_grid_axis {
  double way[3]; /* unit vector, LPS+ */
  double step;   /* from voxel to voxel; along k the usual distance */
  double length; /* from the first voxel's centre to the last one's */
  uint32_t count;
} nsc_grid_axis;

struct nsc_reformat {
  uint32_t users; /* the caller and each plane */
  uint64_t max_bytes;

  nsc_reformat_slice *slices; /* [count], planned: in the order of k */
  uint32_t count, capacity;
  uint32_t announced;
  bool planned;

  /* By nsc_reformat_plan. */
  nsc_grid_axis axes[3];
  double origin[3];
  double tilt; /* degrees between the way from slice to slice and their normal */
  uint32_t missing;
  bool is_even; /* slices lie at whole multiples of the usual distance, none missing */
  uint64_t bytes;

  /* Voxels: value = slope * stored + intercept; as float they are the values themselves. */
  bool is_float, has_scale;
  double slope, intercept;
  bool has_holes; /* the stored value INT16_MIN, as float NaN, says "no value here" */
  uint32_t filled;
  double low, high; /* of all values so far; low > high before the first one */

  /* What planes take over from the sample picture. */
  bool quadruped;
  char space[65], modality[17];
  char *unit; /* owned */
  nsc_window *windows;
  uint32_t window_count;
  nsc_photometric photometric;
};

enum { NSC_REFORMAT_HOLE = INT16_MIN };

/* `count` values of a slice from voxel `first` on; NaN where there is none. */
void nsc_reformat_values(const nsc_reformat *r, uint32_t slice, size_t first, size_t count, float *out);
/* One value of a slice. */
static inline float nsc_reformat_value(const nsc_reformat *r, uint32_t slice, size_t at) {
  const void *voxels = r->slices[slice].voxels;
  if (r->is_float) return ((const float *)voxels)[at];
  int16_t stored = ((const int16_t *)voxels)[at];
  if (r->has_holes && stored == NSC_REFORMAT_HOLE) return __builtin_nanf("");
  return (float)(stored * r->slope + r->intercept);
}

/* Where along an axis: voxel `first`, and `part` of the way to the next one (0 for none, also at the last voxel). */
typedef struct nsc_grid_spot {
  uint32_t first;
  float part;
} nsc_grid_spot;

/* mm from the first voxel's centre, which may lie a rounding error outside. `hint`: where to begin to look, any number;
 * left where it was found. */
nsc_grid_spot nsc_grid_find(const nsc_reformat *r, int axis, double mm, uint32_t *hint);

/* mm of voxel `index` along an axis. */
static inline double nsc_grid_mm(const nsc_reformat *r, int axis, uint32_t index) {
  return axis == 2 ? r->slices[index].at : index * r->axes[axis].step;
}

void nsc_reformat_hold(nsc_reformat *r);

/* What a plane's pixels and frames run along. */
typedef struct nsc_plane_axis {
  double way[3]; /* unit vector */
  double step;   /* mm from pixel to pixel, from frame to frame */
  uint32_t count;
  int grid; /* the axis of the grid it runs along, or against when `turned`; only of planes along the grid */
  bool turned;
} nsc_plane_axis;

enum { NSC_PLANE_COLUMNS, NSC_PLANE_ROWS, NSC_PLANE_FRAMES };

typedef struct nsc_plane {
  nsc_reformat *reformat; /* held */
  nsc_plane_kind kind;
  nsc_plane_axis axes[3];
  double origin[3]; /* of the first pixel of the first frame */
  bool oblique;     /* not along the grid */
  double thickness; /* mm of the slab */
  nsc_projection projection;
  float *sheet, *other;    /* two sheets of voxels, owned; made when they are first wanted */
  nsc_grid_spot *spots[2]; /* of columns and of rows in the grid, owned */
} nsc_plane;

/* Fill one frame of a plane, [rows][columns]: along the grid, and across it. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_plane_from_sheet(nsc_plane *plane, uint32_t frame, float *out, nsc_error *err);
void nsc_plane_across(const nsc_plane *plane, uint32_t frame, float *out);

#endif
