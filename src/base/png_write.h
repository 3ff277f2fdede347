/* Pictures of 8 bits to the bytes of a file. */
#ifndef NSC_BASE_PNG_WRITE_H
#define NSC_BASE_PNG_WRITE_H

#include "base/text.h"
#include "negatoscope.h"

/* Appends bytes as a zlib stream: nsc_zlib_put (base/deflate.h), or a better one. */
typedef nsc_status (*nsc_pack)(nsc_text *out, const uint8_t *bytes, size_t size, nsc_error *err);

/* `pixels` [height][width][channels], channels 1 (grey) or 3 (RGB). PNG (W3C, third edition) with the row filter that
 * leaves the smallest sum of differences (12.7). Appends to `out`. Errors: LIMIT, MEMORY, those of packing. */
NSC_WARN_UNUSED nsc_status nsc_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                         nsc_pack pack, nsc_text *out, nsc_error *err);

#endif
