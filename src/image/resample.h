/*
 * Frames at another scale, for screens. Stored samples are resampled, and a window comes after: what it cuts off does
 * not bleed into what it shows. Lanczos' overshoot is cut to the range of the samples that a linear kernel would take:
 * a narrow window would else show bright lines along edges where the body has none.
 */
#ifndef NSC_IMAGE_RESAMPLE_H
#define NSC_IMAGE_RESAMPLE_H

#include "image/image.h"

typedef struct nsc_resampling {
  nsc_smoothing smoothing;
  double scale_x, scale_y; /* output pixels per column and row of the frame */
  double first_x, first_y; /* the left upper corner of the output, in its pixels from that of the frame */
  uint32_t width, height;  /* of the output, 1 at least */
} nsc_resampling;

/*
 * To out: [height][width][channels], for frames of few values (nsc_image_fits_table) uint16 indices from
 * stats->all_low, for others float32 distances from it. Errors: MEMORY and those of decoding.
 */
NSC_WARN_UNUSED nsc_status nsc_resample(nsc_image *image, uint32_t frame, const nsc_frame_stats *stats,
                                        const nsc_resampling *how, void *out, nsc_error *err);

#endif
