/* Pictures of 8 bits to the bytes of a file. */
#ifndef NSC_CLI_PNG_WRITE_H
#define NSC_CLI_PNG_WRITE_H

#include "base/text.h"
#include "negatoscope.h"

/* `pixels` [height][width][channels], channels 1 (grey) or 3 (RGB). PNG (W3C, third edition) with the row filter that
 * leaves the smallest sum of differences (12.7). Appends to `out`. Errors: LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                         nsc_text *out, nsc_error *err);

/* Raw PGM (grey) or PPM (RGB), as Netpbm defines them. */
void nsc_pnm_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, nsc_text *out);

#endif
