/*
 * The Image Pixel Module (PS3.3 C.7.6.3): size, frames, bits, and what the samples of a pixel mean. What is stored is
 * noted in nsc_dicom, what a frame becomes in nsc_image_info: colour of every kind becomes RGB.
 */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

static const nsc_element *find(const nsc_dicom *d, uint32_t tag) {
  return nsc_dicom_find(d->elements, tag);
}

/* A number that the pixel module must have. */
static nsc_status need_uint(const nsc_dicom *d, uint32_t tag, uint32_t *out, nsc_error *err) {
  if (nsc_dicom_uint(d, find(d, tag), out)) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: (%04X,%04X) %s is missing or no number", tag >> 16, tag & 0xFFFF,
                  nsc_dicom_tag_name(tag));
}

static uint32_t uint_or(const nsc_dicom *d, uint32_t tag, uint32_t otherwise) {
  uint32_t value;
  return nsc_dicom_uint(d, find(d, tag), &value) ? value : otherwise;
}

typedef struct interpretation {
  const char *name;
  nsc_dicom_color color;
  nsc_photometric photometric; /* of the decoded frame */
  uint32_t channels;
  bool halved;
} interpretation;

static const interpretation interpretations[] = {
    {"MONOCHROME1", NSC_COLOR_GREY, NSC_PHOTOMETRIC_MONOCHROME1, 1, false},
    {"MONOCHROME2", NSC_COLOR_GREY, NSC_PHOTOMETRIC_MONOCHROME2, 1, false},
    {"PALETTE COLOR", NSC_COLOR_PALETTE, NSC_PHOTOMETRIC_RGB, 1, false},
    {"RGB", NSC_COLOR_RGB, NSC_PHOTOMETRIC_RGB, 3, false},
    {"YBR_FULL", NSC_COLOR_YBR_FULL, NSC_PHOTOMETRIC_RGB, 3, false},
    {"YBR_FULL_422", NSC_COLOR_YBR_FULL, NSC_PHOTOMETRIC_RGB, 3, true},
    {"YBR_PARTIAL_422", NSC_COLOR_YBR_PARTIAL, NSC_PHOTOMETRIC_RGB, 3, true},
    {"YBR_PARTIAL_420", NSC_COLOR_YBR_PARTIAL, NSC_PHOTOMETRIC_RGB, 3, false}, /* compressed only */
    {"YBR_ICT", NSC_COLOR_RGB, NSC_PHOTOMETRIC_RGB, 3, false},                 /* JPEG 2000 only */
    {"YBR_RCT", NSC_COLOR_RGB, NSC_PHOTOMETRIC_RGB, 3, false},
};

static bool is_name(const char *name, const char *chars, size_t size) {
  return strlen(name) == size && memcmp(name, chars, size) == 0;
}

/* YBR_ICT and YBR_RCT are steps inside JPEG 2000, and 4:2:0 has no uncompressed form. */
static bool fits_coding(const char *name, nsc_dicom_coding coding) {
  if (strcmp(name, "YBR_ICT") == 0 || strcmp(name, "YBR_RCT") == 0) return coding == NSC_CODING_JPEG_2000;
  if (strcmp(name, "YBR_PARTIAL_420") == 0) return coding >= NSC_CODING_JPEG;
  return true;
}

static nsc_status read_photometric(nsc_dicom *d, nsc_photometric *out, nsc_error *err) {
  const char *chars;
  size_t size;
  if (!nsc_dicom_text(d, find(d, NSC_TAG(0x0028, 0x0004)), 0, &chars, &size)) { /* what ACR-NEMA files mean */
    d->color = d->channels == 3 ? NSC_COLOR_RGB : NSC_COLOR_GREY;
    *out = d->channels == 3 ? NSC_PHOTOMETRIC_RGB : NSC_PHOTOMETRIC_MONOCHROME2;
    return NSC_OK;
  }
  for (size_t i = 0; i < sizeof interpretations / sizeof interpretations[0]; i++) {
    const interpretation *p = &interpretations[i];
    if (!is_name(p->name, chars, size) || !fits_coding(p->name, d->syntax->coding)) continue;
    if (p->channels != d->channels) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: %s with %u samples per pixel", p->name, d->channels);
    }
    d->color = p->color;
    d->halved = p->halved && d->syntax->coding <= NSC_CODING_DEFLATED_FRAMES;
    *out = p->photometric;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the photometric interpretation %.*s is not supported%s",
                  (int)(size < 32 ? size : 32), chars,
                  size > 4 && memcmp(chars, "YBR_", 4) == 0 ? " in this transfer syntax" : "");
}

/* Float and Double Float Pixel Data (PS3.3 C.7.6.24 and C.7.6.25) have no bits to choose. */
static bool read_float_bits(nsc_dicom *d) {
  uint32_t tag = d->elements[d->pixels].tag;
  if (tag != NSC_TAG(0x7FE0, 0x0008) && tag != NSC_TAG(0x7FE0, 0x0009)) return false;
  bool is_double = tag == NSC_TAG(0x7FE0, 0x0009);
  d->bits_allocated = d->bits_stored = is_double ? 64 : 32;
  d->high_bit = d->bits_stored - 1;
  d->type = is_double ? NSC_SAMPLE_F64 : NSC_SAMPLE_F32;
  return true;
}

static nsc_status read_bits(nsc_dicom *d, nsc_error *err) {
  d->planar = uint_or(d, NSC_TAG(0x0028, 0x0006), 0) == 1;
  if (read_float_bits(d)) return NSC_OK;
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0100), &d->bits_allocated, err));
  uint32_t allocated = d->bits_allocated;
  if (allocated != 1 && allocated != 8 && allocated != 16 && allocated != 32) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: samples of %u bits are not supported", allocated);
  }
  d->bits_stored = uint_or(d, NSC_TAG(0x0028, 0x0101), allocated);
  if (d->bits_stored == 0 || d->bits_stored > allocated) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: %u of %u bits of a sample are used", d->bits_stored, allocated);
  }
  /* High Bit is wrong more often than it is something else than Bits Stored - 1: impossible values are ignored. */
  d->high_bit = uint_or(d, NSC_TAG(0x0028, 0x0102), d->bits_stored - 1);
  if (d->high_bit >= allocated || d->high_bit + 1 < d->bits_stored) d->high_bit = d->bits_stored - 1;
  d->is_signed = uint_or(d, NSC_TAG(0x0028, 0x0103), 0) == 1 && allocated > 1;
  if (allocated <= 8) d->type = d->is_signed ? NSC_SAMPLE_I8 : NSC_SAMPLE_U8;
  if (allocated == 16) d->type = d->is_signed ? NSC_SAMPLE_I16 : NSC_SAMPLE_U16;
  if (allocated == 32) d->type = d->is_signed ? NSC_SAMPLE_I32 : NSC_SAMPLE_U32;
  return NSC_OK;
}

/* Combinations that the standard does not have, and for which nothing here knows what they would mean. */
static nsc_status check_color(const nsc_dicom *d, nsc_error *err) {
  bool is_plain = d->color == NSC_COLOR_GREY || d->color == NSC_COLOR_RGB;
  if ((!is_plain && d->bits_allocated > 16) || (d->color != NSC_COLOR_GREY && d->bits_allocated == 1)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: colour of %u bits a sample is not supported",
                    d->bits_allocated);
  }
  bool is_ybr = d->color == NSC_COLOR_YBR_FULL || d->color == NSC_COLOR_YBR_PARTIAL;
  if (is_ybr && (d->is_signed || (d->bits_allocated == 16 && d->bits_stored < 8))) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: luminance and colour differences that are signed or of %u bits",
                    d->bits_stored);
  }
  return NSC_OK;
}

static nsc_status read_frames(const nsc_dicom *d, uint32_t *out, nsc_error *err) {
  double frames = 1;
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0028, 0x0008)), 0, &frames)) {
    if (frames < 0 || frames > UINT32_MAX || frames != (double)(uint32_t)frames) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: the number of frames is %g", frames);
    }
    if (frames == 0) frames = 1; /* written by some devices for a single picture */
  }
  *out = (uint32_t)frames;
  return NSC_OK;
}

static void set_type_range(const nsc_dicom *d, nsc_image *image) {
  if (d->type == NSC_SAMPLE_F32 || d->type == NSC_SAMPLE_F64) {
    image->type_low = 0;
    image->type_high = 1;
    return;
  }
  uint32_t bits = image->info.bits;
  image->type_low = d->is_signed ? -ldexp(1, (int)bits - 1) : 0;
  image->type_high = ldexp(1, (int)bits - (d->is_signed ? 1 : 0)) - 1;
}

nsc_status nsc_dicom_read_module(nsc_dicom *d, nsc_image *image, nsc_error *err) {
  nsc_image_info *info = &image->info;
  uint32_t rows, columns, frames;
  nsc_photometric photometric = NSC_PHOTOMETRIC_MONOCHROME2;
  d->channels = uint_or(d, NSC_TAG(0x0028, 0x0002), 1);
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0010), &rows, err));
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0011), &columns, err));
  NSC_TRY(read_photometric(d, &photometric, err));
  if (d->channels != 1 && d->channels != 3) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: %u samples per pixel are not supported", d->channels);
  }
  NSC_TRY(read_bits(d, err));
  NSC_TRY(check_color(d, err));
  NSC_TRY(read_frames(d, &frames, err));
  info->channels = d->channels;
  info->type = d->type;
  info->bits = d->bits_stored;
  if (d->color == NSC_COLOR_PALETTE) {
    NSC_TRY(nsc_dicom_read_palette(d, err));
    info->channels = 3;
    info->bits = d->palette.bits;
    info->type = d->palette.bits > 8 ? NSC_SAMPLE_U16 : NSC_SAMPLE_U8;
  }
  NSC_TRY(nsc_image_check_limits(image, columns, rows, frames, info->channels, info->type, err));
  info->width = columns;
  info->height = rows;
  info->frames = frames;
  info->photometric = photometric;
  set_type_range(d, image);
  if (d->color == NSC_COLOR_PALETTE) {
    image->type_low = 0;
    image->type_high = ldexp(1, (int)info->bits) - 1;
  }
  return NSC_OK;
}
