/* From grey values to bytes of the screen: shared by whole frames and placed ones. */
#ifndef NSC_IMAGE_RENDERING_H
#define NSC_IMAGE_RENDERING_H

#include "image/mapping.h"

/* 0..1 to 0..255, rounded. */
static inline uint8_t nsc_grey_byte(double grey) {
  return (uint8_t)(grey * 255 + 0.5);
}

/* What each shade becomes: R, G, B and 255 as they stand in memory, in the colours of a map. */
void nsc_shade_pixels(uint32_t color_map, uint32_t out[256]);

/*
 * What each sample of a frame with few values (nsc_image_fits_table) becomes: entry sample - stats->all_low holds four
 * bytes, R, G, B and 255, as they stand in memory. Malloc'ed. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_grey_table(const nsc_mapping *mapping, const nsc_frame_stats *stats, uint32_t **out,
                                          nsc_error *err);

#endif
