/* Between measure.c, which checks, and region.c, which counts. */
#ifndef NSC_IMAGE_MEASURE_H
#define NSC_IMAGE_MEASURE_H

#include "image/image.h"

/* The part of nsc_measure_json for regions; all arguments are checked. */
NSC_WARN_UNUSED nsc_status nsc_region_json(nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                                           const double *points, uint32_t count, char **out, nsc_error *err);

#endif
