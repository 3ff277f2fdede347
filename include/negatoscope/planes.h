/* Where pictures lie in the patient, and planes through a stack of them. Part of negatoscope.h, which has the
 * conventions. */
#ifndef NEGATOSCOPE_PLANES_H
#define NEGATOSCOPE_PLANES_H

#include "negatoscope/series.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Places are in mm in the patient's coordinates as DICOM has them (PS3.3 C.7.6.2.1.1): x grows to the left, y to the
 * back, z to the head. Pixels are counted as in measuring: the first one reaches from 0 to 1 in both directions.
 */

/* The place of a pixel. Errors: ARGUMENT, UNSUPPORTED where the file does not say. */
NSC_WARN_UNUSED nsc_status nsc_image_position(const nsc_image *image, uint32_t frame, const double pixel[2],
                                              double mm[3], nsc_error *err);

/* The frame that is nearest to a place, and the foot of the perpendicular in its pixels, which may lie outside. Errors:
 * ARGUMENT, UNSUPPORTED where the file does not say. */
NSC_WARN_UNUSED nsc_status nsc_image_point(const nsc_image *image, const double mm[3], uint32_t *frame, double pixel[2],
                                           nsc_error *err);

/*
 * A reference line: where the plane of one picture cuts another, `image`, from (line[0], line[1]) to (line[2], line[3])
 * in its pixels, cut off at its edges. False where they do not meet, are parallel, or do not lie in one frame of
 * reference (PS3.3 C.7.4.1).
 */
bool nsc_image_cut(const nsc_image *image, uint32_t frame, const nsc_image *other, uint32_t other_frame,
                   double line[4]);

/*
 * A stack of slices to be looked at in other planes. Pictures are announced, the plan is made, each slice filled,
 * planes opened:
 *
 *   nsc_reformat *r;  nsc_image *coronal;
 *   nsc_reformat_create(NULL, &r, &err);
 *   nsc_reformat_announce_image(r, image, &err);
 *   nsc_reformat_plan(r, 0, image, &err);                       // NSC_ERROR_LIMIT: too large; UNSUPPORTED: no grid
 *   for (k = 0; k < slices; k++) nsc_reformat_fill(r, k, image, pictures[k], &err);
 *   nsc_reformat_open_plane(r, NSC_PLANE_CORONAL, &coronal, &err);
 *   nsc_reformat_free(r);                                       // its planes hold what they need
 *
 * One thread at a time for the object and all its planes together.
 */
typedef struct nsc_reformat nsc_reformat;

/* A field of 0 means the default in its comment. */
typedef struct nsc_reformat_options {
  uint64_t max_bytes; /* of voxels; default 1 GiB: 2,048 slices of 512 x 512 */
} nsc_reformat_options;

NSC_WARN_UNUSED nsc_status nsc_reformat_create(const nsc_reformat_options *options, nsc_reformat **out, nsc_error *err);
void nsc_reformat_free(nsc_reformat *reformat);

/* A file of the index, known by its header alone. Announced pictures are numbered from 0. Errors: ARGUMENT, CORRUPT,
 * MEMORY, UNSUPPORTED where it does not say where it lies or has several frames. */
NSC_WARN_UNUSED nsc_status nsc_reformat_announce(nsc_reformat *reformat, const nsc_index *index, const char *key,
                                                 nsc_error *err);
/* All frames of an image. Errors: ARGUMENT, MEMORY, UNSUPPORTED. */
NSC_WARN_UNUSED nsc_status nsc_reformat_announce_image(nsc_reformat *reformat, const nsc_image *image, nsc_error *err);

/*
 * Makes a grid of what was announced: parallel slices of one size, in one line, at even distances. Missing slices are
 * allowed (distances are whole multiples of the usual one; values are interpolated over the gap), and so is a way from
 * slice to slice that is not at right angles to them (a tilted gantry). Where several pictures lie at one place, those
 * are taken that come as late there as picture number `chosen`. `sample` is any of the pictures, opened: windows, unit
 * and the width of its samples are taken from it. Errors: ARGUMENT, MEMORY, UNSUPPORTED with what is odd, LIMIT with
 * the bytes that the voxels would take.
 */
NSC_WARN_UNUSED nsc_status nsc_reformat_plan(nsc_reformat *reformat, uint32_t chosen, const nsc_image *sample,
                                             nsc_error *err);

/* The plan: {"columns", "rows", "slices", "missing", "tilt": degrees, "bytes", "spacing": [3] mm, "pictures": the
 * number of the picture that slice k is}. */
NSC_WARN_UNUSED nsc_status nsc_reformat_json(const nsc_reformat *reformat, char **out, nsc_error *err);

/* Decodes slice number `slice` of the plan from the picture that it is. Errors: ARGUMENT, CORRUPT, LIMIT (values that
 * need 32 bits after all), MEMORY, and those of nsc_image_frame. */
NSC_WARN_UNUSED nsc_status nsc_reformat_fill(nsc_reformat *reformat, uint32_t slice, nsc_image *image, uint32_t frame,
                                             nsc_error *err);

typedef enum nsc_plane_kind {
  NSC_PLANE_AXIAL = 0,   /* seen from the feet */
  NSC_PLANE_CORONAL = 1, /* from the front */
  NSC_PLANE_SAGITTAL = 2 /* from the patient's left */
} nsc_plane_kind;

enum { NSC_PLANE_KIND_COUNT = 3 };

/* "axial", ... Static storage. */
const char *nsc_plane_kind_name(nsc_plane_kind kind);

/*
 * Planes along the patient's axes as an image: its frames are computed when asked for, as modality values in float32
 * (NaN outside the volume), linear between voxels. Pixels are squares of the finest voxel side in the plane. The image
 * has no format; its JSON has "plane": the kind's name. All slices must be filled. Errors: ARGUMENT, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_reformat_open_plane(nsc_reformat *reformat, nsc_plane_kind kind, nsc_image **out,
                                                   nsc_error *err);

typedef enum nsc_projection {
  NSC_PROJECTION_MAXIMUM = 0, /* MIP */
  NSC_PROJECTION_MINIMUM = 1,
  NSC_PROJECTION_MEAN = 2
} nsc_projection;

enum { NSC_PROJECTION_COUNT = 3, NSC_SLAB_MOST = 10000 /* mm: more than anything that is scanned */ };

/* "maximum", "minimum", "mean". Static storage. */
const char *nsc_projection_name(nsc_projection projection);

/* How a plane sees what lies up to `thickness` / 2 mm in front of it and behind it; 0: the plane alone. Frames are
 * computed anew. Errors: ARGUMENT, also where the image is no plane. */
NSC_WARN_UNUSED nsc_status nsc_plane_set_slab(nsc_image *plane, double thickness, nsc_projection projection,
                                              nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
