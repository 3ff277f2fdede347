/* Between the readers of ordinary pictures: each fills `image` and hands over the samples of its frames. */
#ifndef NSC_IMAGE_PICTURE_H
#define NSC_IMAGE_PICTURE_H

#include "image/image.h"

/* PNG (W3C, third edition): every bit depth and colour type; 16-bit samples stay 16 bits wide. */
NSC_WARN_UNUSED nsc_status nsc_png_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err);
/* PBM, PGM, PPM, plain and raw, up to 16 bits; of a file with several pictures the first. */
NSC_WARN_UNUSED nsc_status nsc_pnm_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err);
/* Every frame of a GIF87a or GIF89a, composed as a browser shows it. */
NSC_WARN_UNUSED nsc_status nsc_gif_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err);

/* BMP as OS/2 and Windows write it. */
NSC_WARN_UNUSED nsc_status nsc_bmp_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err);

/*
 * stb_image takes the end of a file as zeros. These walk the file first and refuse what is cut off (TRUNCATED),
 * contradicts itself (CORRUPT) or is of a kind that stb_image lacks (UNSUPPORTED).
 */
NSC_WARN_UNUSED nsc_status nsc_jpeg_check(const uint8_t *bytes, size_t size, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_tga_check(const uint8_t *bytes, size_t size, nsc_error *err);

/* Fills info of a picture: `bits` significant bits of u8 or u16 samples, `sample_max` their largest value. */
NSC_WARN_UNUSED nsc_status nsc_picture_describe(nsc_image *image, uint64_t width, uint64_t height, uint32_t channels,
                                                uint32_t bits, uint32_t sample_max, nsc_error *err);

/* The single frame of a picture, malloc'ed; the image owns it from here on. */
void nsc_picture_own_samples(nsc_image *image, void *samples);

/*
 * Transparency is composed onto black, the light box without light: `over` is [count][channels + 1] with alpha last,
 * `out` is [count][channels]; they may be the same.
 */
void nsc_picture_drop_alpha_u8(const uint8_t *over, size_t count, uint32_t channels, uint8_t *out);

#endif
