/*
 * Antialiased bilinear resize, equal to Pillow's Image.resize(..., BILINEAR, box) up to its rounding to bytes. Rows are
 * pulled one by one, so that the source never stands in memory as floats.
 */
#ifndef NSC_IMAGE_RESIZE_H
#define NSC_IMAGE_RESIZE_H

#include "negatoscope.h"

/* One direction. */
typedef struct nsc_resize_axis {
  uint32_t in;     /* size of the source */
  double from, to; /* the part of the source that is taken, 0 <= from < to <= in (Pillow's box) */
  uint64_t full;   /* pixels that this part becomes */
  uint64_t first;  /* of those, the ones that are wanted (a crop after resizing): */
  uint32_t count;  /*   first to first + count - 1 */
} nsc_resize_axis;

/* Writes row `y` of the source: [in width][channels]. */
typedef void nsc_row_source(void *user, uint32_t y, float *row);

/* `out` is [y->count][out_stride], of which each row's first x->count * channels floats are written. */
NSC_WARN_UNUSED nsc_status nsc_resize(nsc_row_source *source, void *user, uint32_t channels, const nsc_resize_axis *x,
                                      const nsc_resize_axis *y, float *out, size_t out_stride, nsc_error *err);

#endif
