/*
 * From a data set to an image: which files have a picture at all, the Image Pixel Module (PS3.3 C.7.6.3), spacing and
 * timing. Values (rescale, LUTs, windows) are in dicom_lut.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/source.h"
#include "image/dicom.h"

static const nsc_element *find(const nsc_dicom *d, uint32_t tag) {
  return nsc_dicom_find(d->elements, tag);
}

static nsc_status fail_without_pixels(const nsc_dicom *d, nsc_error *err) {
  if (find(d, NSC_TAG(0x7FE0, 0x0008)) || find(d, NSC_TAG(0x7FE0, 0x0009))) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: floating-point pixel data is not supported yet");
  }
  const char *uid;
  size_t size;
  const nsc_element *e = find(d, NSC_TAG(0x0008, 0x0016));
  if (!e) e = find(d, NSC_TAG(0x0002, 0x0002));
  if (!nsc_dicom_text(d, e, 0, &uid, &size)) {
    return nsc_fail(err, NSC_ERROR_NO_PIXELS, "this DICOM file has no pixel data");
  }
  const char *name = nsc_dicom_sop_class_name(uid, size);
  if (name) return nsc_fail(err, NSC_ERROR_NO_PIXELS, "this DICOM file has no pixel data (%s)", name);
  return nsc_fail(err, NSC_ERROR_NO_PIXELS, "this DICOM file has no pixel data (SOP class %.*s)",
                  (int)(size < 64 ? size : 64), uid);
}

static nsc_status check_syntax(const nsc_dicom *d, nsc_error *err) {
  if (!d->syntax) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the transfer syntax %s is not known", d->syntax_uid);
  }
  if (d->syntax->native) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the transfer syntax %s (%s) is not supported yet",
                  d->syntax->name, d->syntax->uid);
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

static nsc_status read_photometric(const nsc_dicom *d, uint32_t channels, nsc_photometric *out, nsc_error *err) {
  const char *chars;
  size_t size;
  if (!nsc_dicom_text(d, find(d, NSC_TAG(0x0028, 0x0004)), 0, &chars, &size)) {
    *out = channels == 3 ? NSC_PHOTOMETRIC_RGB : NSC_PHOTOMETRIC_MONOCHROME2; /* what ACR-NEMA files mean */
    return NSC_OK;
  }
  static const char *const names[] = {"MONOCHROME1", "MONOCHROME2", "RGB"};
  for (int i = 0; i < 3; i++) {
    if (strlen(names[i]) != size || memcmp(names[i], chars, size) != 0) continue;
    if ((i == 2) != (channels == 3)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: %s with %u samples per pixel", names[i], channels);
    }
    *out = (nsc_photometric)i;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the photometric interpretation %.*s is not supported yet",
                  (int)(size < 32 ? size : 32), chars);
}

static nsc_status read_bits(nsc_dicom *d, nsc_error *err) {
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0100), &d->bits_allocated, err));
  if (d->bits_allocated != 8 && d->bits_allocated != 16) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: pixels of %u bits are not supported yet", d->bits_allocated);
  }
  d->bits_stored = uint_or(d, NSC_TAG(0x0028, 0x0101), d->bits_allocated);
  if (d->bits_stored == 0 || d->bits_stored > d->bits_allocated) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: %u of %u bits of a pixel are used", d->bits_stored,
                    d->bits_allocated);
  }
  /* High Bit is wrong more often than it is something else than Bits Stored - 1: impossible values are ignored. */
  d->high_bit = uint_or(d, NSC_TAG(0x0028, 0x0102), d->bits_stored - 1);
  if (d->high_bit >= d->bits_allocated || d->high_bit + 1 < d->bits_stored) d->high_bit = d->bits_stored - 1;
  d->is_signed = uint_or(d, NSC_TAG(0x0028, 0x0103), 0) == 1;
  d->planar = uint_or(d, NSC_TAG(0x0028, 0x0006), 0) == 1;
  return NSC_OK;
}

static nsc_status read_pixel_module(nsc_dicom *d, nsc_image *image, nsc_error *err) {
  nsc_image_info *info = &image->info;
  uint32_t rows, columns, channels = uint_or(d, NSC_TAG(0x0028, 0x0002), 1);
  double frames = 1;
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0010), &rows, err));
  NSC_TRY(need_uint(d, NSC_TAG(0x0028, 0x0011), &columns, err));
  nsc_photometric photometric = NSC_PHOTOMETRIC_MONOCHROME2;
  NSC_TRY(read_photometric(d, channels, &photometric, err));
  if (channels != 1 && channels != 3) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: %u samples per pixel are not supported", channels);
  }
  NSC_TRY(read_bits(d, err));
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0028, 0x0008)), 0, &frames)) {
    if (frames < 0 || frames > UINT32_MAX || frames != (double)(uint32_t)frames) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: the number of frames is %g", frames);
    }
    if (frames == 0) frames = 1; /* written by some devices for a single picture */
  }
  bool wide = d->bits_allocated == 16;
  nsc_sample_type type = d->is_signed ? (wide ? NSC_SAMPLE_I16 : NSC_SAMPLE_I8) : wide ? NSC_SAMPLE_U16 : NSC_SAMPLE_U8;
  NSC_TRY(nsc_image_check_limits(image, columns, rows, (uint64_t)frames, channels, type, err));
  info->width = columns;
  info->height = rows;
  info->frames = (uint32_t)frames;
  info->channels = channels;
  info->type = type;
  info->bits = d->bits_stored;
  info->photometric = photometric;
  int32_t half = (int32_t)1 << (d->bits_stored - 1);
  image->type_low = d->is_signed ? -half : 0;
  image->type_high = d->is_signed ? half - 1 : 2 * half - 1;
  return NSC_OK;
}

/* Row spacing comes first in the file (PS3.3 10.7.1.3): it is the distance downwards. */
static bool read_spacing(const nsc_dicom *d, const nsc_element *parent, uint32_t tag, nsc_image_info *info) {
  const nsc_element *e = nsc_dicom_find(parent, tag);
  double down, across;
  if (!nsc_dicom_number(d, e, 0, &down) || !(down > 0)) return false;
  if (!nsc_dicom_number(d, e, 1, &across) || !(across > 0)) return false;
  info->spacing_x = across;
  info->spacing_y = down;
  return true;
}

static void read_geometry(const nsc_dicom *d, nsc_image_info *info) {
  const uint32_t pixel_spacing = NSC_TAG(0x0028, 0x0030), measures = NSC_TAG(0x0028, 0x9110);
  if (read_spacing(d, d->elements, pixel_spacing, info)) return;
  const nsc_element *shared = nsc_dicom_item(d->elements, NSC_TAG(0x5200, 0x9229), 0);
  if (read_spacing(d, nsc_dicom_item(shared, measures, 0), pixel_spacing, info)) return;
  const nsc_element *first = nsc_dicom_item(d->elements, NSC_TAG(0x5200, 0x9230), 0);
  if (read_spacing(d, nsc_dicom_item(first, measures, 0), pixel_spacing, info)) return;
  if (read_spacing(d, d->elements, NSC_TAG(0x0018, 0x1164), info)) return; /* Imager Pixel Spacing */
  (void)read_spacing(d, d->elements, NSC_TAG(0x0018, 0x2010), info);       /* Nominal Scanned Pixel Spacing */
}

/* Cine Module (PS3.3 C.7.6.5): the time between frames, or its first step, or a rate. */
static double read_frame_ms(const nsc_dicom *d) {
  double value;
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0018, 0x1063)), 0, &value) && value > 0) return value;
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0018, 0x1065)), 1, &value) && value > 0) return value;
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0018, 0x0040)), 0, &value) && value > 0) return 1000 / value;
  if (nsc_dicom_number(d, find(d, NSC_TAG(0x0008, 0x2144)), 0, &value) && value > 0) return 1000 / value;
  return 0;
}

static bool is_16_bit(double value) {
  return value >= -32768 && value <= 65535;
}

/* The value as a sample that went through the same bits. */
static int32_t as_sample(const nsc_dicom *d, double value) {
  uint32_t mask = (1u << d->bits_stored) - 1, sign = 1u << (d->bits_stored - 1);
  uint32_t bits = (uint32_t)(int64_t)value & mask;
  return d->is_signed ? (int32_t)(bits ^ sign) - (int32_t)sign : (int32_t)bits;
}

/* PS3.3 C.7.5.1.1.2: one value, or a range when (0028,0121) is there. */
static void read_padding(const nsc_dicom *d, nsc_image *image) {
  double value, limit;
  if (image->info.channels != 1) return;
  if (!nsc_dicom_number(d, find(d, NSC_TAG(0x0028, 0x0120)), 0, &value) || !is_16_bit(value)) return;
  if (!nsc_dicom_number(d, find(d, NSC_TAG(0x0028, 0x0121)), 0, &limit) || !is_16_bit(limit)) limit = value;
  int32_t a = as_sample(d, value), b = as_sample(d, limit);
  image->has_padding = true;
  image->padding_low = a < b ? a : b;
  image->padding_high = a < b ? b : a;
}

static const nsc_image_reader dicom_reader = {
    .decode = nsc_dicom_decode_frame, .write_json = nsc_dicom_write_json, .free_state = nsc_dicom_free};

nsc_status nsc_dicom_open(nsc_image *image, nsc_source *source, nsc_error *err) {
  nsc_dicom *d = calloc(1, sizeof *d);
  if (!d) return nsc_fail_memory(err, sizeof *d, "a DICOM file");
  image->reader = &dicom_reader;
  image->state = d;
  d->bytes = source->bytes;
  d->size = source->size;
  NSC_TRY(nsc_dicom_parse(d, image->limits.max_inflated, err));
  if (!d->pixels) return fail_without_pixels(d, err);
  NSC_TRY(check_syntax(d, err));
  NSC_TRY(read_pixel_module(d, image, err));
  NSC_TRY(nsc_dicom_check_pixels(d, image, err));
  read_geometry(d, &image->info);
  if (image->info.frames > 1) image->info.frame_ms = read_frame_ms(d);
  read_padding(d, image);
  NSC_TRY(nsc_dicom_read_values(d, image, err));
  if (!d->owns_bytes) { /* from here on nothing fails: take the file's bytes out of the source */
    d->owns_bytes = true;
    source->bytes = NULL;
    source->size = source->capacity = 0;
  }
  return NSC_OK;
}
