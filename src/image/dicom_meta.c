/*
 * From a data set to an image: which files have a picture at all, spacing, timing, padding. The Image Pixel Module is
 * in dicom_module.c, values (rescale, LUTs, windows) are in dicom_lut.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/source.h"
#include "image/dicom_groups.h"
#include "image/dicom_overlay.h"

static const nsc_element *find(const nsc_dicom *d, uint32_t tag) {
  return nsc_dicom_find(d->elements, tag);
}

static nsc_status fail_without_pixels(const nsc_dicom *d, nsc_error *err) {
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
  if (d->syntax->coding != NSC_CODING_NONE) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the transfer syntax %s (%s) is not supported", d->syntax->name,
                  d->syntax->uid);
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
  if (read_spacing(d, nsc_dicom_group(d, 0, measures), pixel_spacing, info)) return;
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

/* The value as a sample that went through the same bits. */
static double as_sample(const nsc_dicom *d, double value) {
  if (d->type == NSC_SAMPLE_F32 || d->type == NSC_SAMPLE_F64) return value;
  uint64_t mask = ((uint64_t)1 << d->bits_stored) - 1, sign = (uint64_t)1 << (d->bits_stored - 1);
  uint64_t bits = (uint64_t)(int64_t)value & mask;
  return d->is_signed ? (double)((int64_t)(bits ^ sign) - (int64_t)sign) : (double)bits;
}

static bool padding_value(const nsc_dicom *d, uint32_t tag, double *out) {
  return nsc_dicom_number(d, find(d, tag), 0, out) && *out >= -9e18 && *out <= 9e18;
}

/* PS3.3 C.7.5.1.1.2: one value, or a range when there is a limit, too; floats have elements of their own. */
static void read_padding(const nsc_dicom *d, nsc_image *image) {
  bool is_float = d->type == NSC_SAMPLE_F32, is_double = d->type == NSC_SAMPLE_F64;
  uint32_t tag = is_float ? 0x0122 : is_double ? 0x0123 : 0x0120;
  uint32_t limit_tag = is_float ? 0x0124 : is_double ? 0x0125 : 0x0121;
  double value, limit;
  if (image->info.channels != 1 || !padding_value(d, NSC_TAG(0x0028, tag), &value)) return;
  if (!padding_value(d, NSC_TAG(0x0028, limit_tag), &limit)) limit = value;
  double a = as_sample(d, value), b = as_sample(d, limit);
  image->has_padding = true;
  image->padding_low = a < b ? a : b;
  image->padding_high = a < b ? b : a;
}

static bool read_identity(const nsc_image *image, char *out) {
  const char *uid;
  size_t size;
  if (!nsc_dicom_text(image->state, find(image->state, NSC_TAG(0x0008, 0x0018)), 0, &uid, &size) || size > 64) {
    return false;
  }
  for (size_t i = 0; i < size; i++) {
    if (!strchr("0123456789.", uid[i])) return false; /* which is no UID, and might be anything */
  }
  memcpy(out, "uid-", 4);
  memcpy(out + 4, uid, size);
  out[4 + size] = 0;
  return true;
}

/* A code string into `room`; one that is longer than the standard allows is none. */
static void read_code(const nsc_dicom *d, uint32_t tag, char *out, size_t room) {
  const char *chars;
  size_t size;
  if (nsc_dicom_text(d, find(d, tag), 0, &chars, &size) && size < room) memcpy(out, chars, size);
}

static void read_codes(const nsc_dicom *d, nsc_image *image) {
  read_code(d, NSC_TAG(0x0008, 0x0060), image->modality, sizeof image->modality);
  read_code(d, NSC_TAG(0x0010, 0x1010), image->age, sizeof image->age);
  read_code(d, NSC_TAG(0x0010, 0x0040), image->sex, sizeof image->sex);
  read_code(d, NSC_TAG(0x0018, 0x0015), image->body_part, sizeof image->body_part);
  read_code(d, NSC_TAG(0x0018, 0x5101), image->view, sizeof image->view);
}

static const nsc_image_reader dicom_reader = {.decode = nsc_dicom_decode_frame,
                                              .needs_codec = nsc_dicom_needs_codec,
                                              .identity = read_identity,
                                              .overlays = nsc_dicom_overlays,
                                              .real_world = nsc_dicom_real_world,
                                              .write_json = nsc_dicom_write_json,
                                              .free_state = nsc_dicom_free,
                                              .locate = nsc_dicom_locate};

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
  NSC_TRY(nsc_dicom_read_module(d, image, err));
  NSC_TRY(nsc_dicom_check_pixels(d, image, err));
  NSC_TRY(nsc_dicom_index_groups(d, image->info.frames, err));
  read_geometry(d, &image->info);
  read_codes(d, image);
  image->quadruped = nsc_dicom_text_is(d, find(d, NSC_TAG(0x0010, 0x2210)), "QUADRUPED");
  NSC_TRY(nsc_dicom_read_places(d, image, err));
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
