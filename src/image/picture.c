/* Ordinary pictures: which reader decodes which format, and the way through stb_image for JPEG and TGA. */
#include "image/picture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/stb.h"

static nsc_status decode_nothing(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  (void)image, (void)frame, (void)samples;
  return nsc_fail(err, NSC_ERROR_INTERNAL, "a picture lost its samples");
}

static const nsc_image_reader picture_reader = {.decode = decode_nothing};

nsc_status nsc_picture_describe(nsc_image *image, uint64_t width, uint64_t height, uint32_t channels, uint32_t bits,
                                uint32_t sample_max, nsc_error *err) {
  nsc_sample_type type = bits > 8 ? NSC_SAMPLE_U16 : NSC_SAMPLE_U8;
  NSC_TRY(nsc_image_check_limits(image, width, height, 1, channels, type, err));
  nsc_image_info *info = &image->info;
  info->width = (uint32_t)width;
  info->height = (uint32_t)height;
  info->frames = 1;
  info->channels = channels;
  info->type = type;
  info->bits = bits;
  info->photometric = channels == 3 ? NSC_PHOTOMETRIC_RGB : NSC_PHOTOMETRIC_MONOCHROME2;
  image->type_low = 0;
  image->type_high = (int32_t)sample_max;
  image->full_range = true;
  image->reader = &picture_reader;
  return NSC_OK;
}

void nsc_picture_own_samples(nsc_image *image, void *samples) {
  image->samples = samples;
  image->cached_frame = 0;
  image->has_samples = true;
}

nsc_status nsc_image_from_pixels(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                 nsc_image **out, nsc_error *err) {
  if (!pixels || !out || width == 0 || height == 0 || (channels != 1 && channels != 3)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "pixels must be %s of 1 or 3 channels, not %u x %u x %u",
                    pixels ? "a picture" : "given", width, height, channels);
  }
  nsc_image *image;
  NSC_TRY(nsc_image_create(NULL, &image, err));
  nsc_status status = nsc_picture_describe(image, width, height, channels, 8, 255, err);
  size_t bytes = status == NSC_OK ? nsc_image_frame_bytes(image) : 0;
  uint8_t *samples = status == NSC_OK ? malloc(bytes) : NULL;
  if (status == NSC_OK && !samples) status = nsc_fail_memory(err, bytes, "a picture");
  if (status != NSC_OK) {
    nsc_image_free(image);
    return status;
  }
  memcpy(samples, pixels, bytes);
  nsc_picture_own_samples(image, samples);
  *out = image;
  return NSC_OK;
}

void nsc_picture_drop_alpha_u8(const uint8_t *over, size_t count, uint32_t channels, uint8_t *out) {
  for (size_t i = 0; i < count; i++, over += channels + 1, out += channels) {
    uint32_t alpha = over[channels];
    for (uint32_t c = 0; c < channels; c++) out[c] = (uint8_t)((over[c] * alpha + 127) / 255);
  }
}

/* stb_image's own words are short ("bad huffman code") but say where it stopped. */
static nsc_status fail_stb(nsc_format format, nsc_error *err) {
  const char *reason = stbi_failure_reason();
  if (!reason) reason = "unknown reason";
  if (strcmp(reason, "outofmem") == 0) return nsc_fail_memory(err, 0, "a picture");
  return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: the file is damaged (%s)", nsc_format_name(format), reason);
}

static nsc_status open_with_stb(nsc_image *image, const uint8_t *bytes, size_t size, nsc_format format,
                                nsc_error *err) {
  if (size > INT_MAX) return nsc_fail(err, NSC_ERROR_LIMIT, "a picture of more than 2 GB");
  int width, height, channels;
  if (!stbi_info_from_memory(bytes, (int)size, &width, &height, &channels)) return fail_stb(format, err);
  uint32_t kept = channels >= 3 ? 3 : 1;
  NSC_TRY(nsc_picture_describe(image, (uint64_t)width, (uint64_t)height, kept, 8, 255, err));
  int in_file;
  uint8_t *samples = stbi_load_from_memory(bytes, (int)size, &width, &height, &in_file, channels);
  if (!samples) return fail_stb(format, err);
  nsc_picture_own_samples(image, samples);
  if ((uint32_t)width != image->info.width || (uint32_t)height != image->info.height) {
    return nsc_fail(err, NSC_ERROR_INTERNAL, "a picture changed its size");
  }
  if (channels == 2 || channels == 4) {
    nsc_picture_drop_alpha_u8(samples, (size_t)width * (size_t)height, kept, samples);
  }
  return NSC_OK;
}

nsc_status nsc_picture_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_format format, nsc_error *err) {
  switch (format) {
    case NSC_FORMAT_PNG:
      return nsc_png_open(image, bytes, size, err);
    case NSC_FORMAT_PNM:
      return nsc_pnm_open(image, bytes, size, err);
    case NSC_FORMAT_GIF:
      return nsc_gif_open(image, bytes, size, err);
    case NSC_FORMAT_BMP:
      return nsc_bmp_open(image, bytes, size, err);
    case NSC_FORMAT_JPEG:
      NSC_TRY(nsc_jpeg_check(bytes, size, err));
      break;
    case NSC_FORMAT_TGA:
      NSC_TRY(nsc_tga_check(bytes, size, err));
      break;
    default:
      return nsc_fail(err, NSC_ERROR_INTERNAL, "no reader for format %d", (int)format);
  }
  return open_with_stb(image, bytes, size, format, err);
}
