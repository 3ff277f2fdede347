/* Pictures of 8 bits to the bytes of a file, for the command. */
#ifndef NSC_CLI_PICTURE_H
#define NSC_CLI_PICTURE_H

#include "base/text.h"

/* nsc_png_write, packed by libdeflate: the library's own packer is smaller, and packs less. */
NSC_WARN_UNUSED nsc_status nsc_cli_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                       nsc_text *out, nsc_error *err);

/* Raw PGM (grey) or PPM (RGB), as Netpbm defines them. */
void nsc_pnm_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, nsc_text *out);

#endif
