/*
 * Where pictures lie in the patient: PS3.3 C.7.6.2.1.1. Coordinates are DICOM's ("LPS+") in mm: x grows to the
 * patient's left, y to the back, z to the head.
 */
#ifndef NSC_IMAGE_PLACE_H
#define NSC_IMAGE_PLACE_H

#include "base/text.h"
#include "negatoscope.h"

typedef struct nsc_place {
  double origin[3];            /* of the centre of the first pixel */
  double across[3], down[3];   /* unit vectors: where columns and where rows grow */
  double spacing_x, spacing_y; /* mm from column to column, from row to row; 0 where unknown */
} nsc_place;

static inline double nsc_dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void nsc_cross(const double a[3], const double b[3], double out[3]) {
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

/* Image Position and Image Orientation (Patient) as a file has them. False where they make no sense: numbers beyond any
 * scanner, directions that are not of length 1 or not at right angles. Spacing stays unknown. */
bool nsc_place_read(const double position[3], const double orientation[6], nsc_place *out);

/* Whether pixels are of a size that something could have. */
bool nsc_place_has_size(const nsc_place *place);

/* The unit vector from a picture away from those who look at it. */
void nsc_place_normal(const nsc_place *place, double out[3]);

/* Of a frame. False where the file does not say, or does not say how large its pixels are. */
bool nsc_image_locate(const nsc_image *image, uint32_t frame, nsc_place *out);

/* From pixels (the first one reaches from 0 to 1) to mm, and back to the foot of the perpendicular. */
void nsc_place_to_mm(const nsc_place *place, const double pixel[2], double out[3]);
void nsc_place_to_pixel(const nsc_place *place, const double mm[3], double out[2]);

/* The member "place" of an image's JSON: what is said of it in negatoscope.h. */
void nsc_image_write_place(const nsc_image *image, nsc_text *t);

#endif
