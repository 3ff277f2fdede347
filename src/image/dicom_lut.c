/*
 * What stored values mean and how the file wants them shown: rescale and modality LUT (PS3.3 C.11.1), windows and VOI
 * LUTs (C.11.2), at the top level or in the functional groups of an enhanced multi-frame file (C.7.6.16).
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom_groups.h"

#define TAG_WINDOW_CENTER NSC_TAG(0x0028, 0x1050)
#define TAG_WINDOW_WIDTH NSC_TAG(0x0028, 0x1051)
#define TAG_INTERCEPT NSC_TAG(0x0028, 0x1052)
#define TAG_SLOPE NSC_TAG(0x0028, 0x1053)
#define TAG_RESCALE_TYPE NSC_TAG(0x0028, 0x1054)
#define TAG_EXPLANATION NSC_TAG(0x0028, 0x1055)
#define TAG_FUNCTION NSC_TAG(0x0028, 0x1056)
#define TAG_MODALITY_LUTS NSC_TAG(0x0028, 0x3000)
#define TAG_LUT_DESCRIPTOR NSC_TAG(0x0028, 0x3002)
#define TAG_LUT_EXPLANATION NSC_TAG(0x0028, 0x3003)
#define TAG_MODALITY_LUT_TYPE NSC_TAG(0x0028, 0x3004)
#define TAG_LUT_DATA NSC_TAG(0x0028, 0x3006)
#define TAG_VOI_LUTS NSC_TAG(0x0028, 0x3010)
#define TAG_FRAME_VOI NSC_TAG(0x0028, 0x9132)
#define TAG_PIXEL_MEASURES NSC_TAG(0x0028, 0x9110)
#define TAG_PIXEL_VALUES NSC_TAG(0x0028, 0x9145)

/* ---- lookup tables ---- */

/* Entry `i` of LUT data. Tables of at most 8 bits may be packed two to a word. */
static uint16_t lut_entry(const nsc_dicom *d, const nsc_element *e, bool packed, uint32_t i) {
  const uint8_t *p = d->bytes + e->offset;
  if (!packed) return nsc_load_u16(p + (size_t)2 * i, e->big_endian);
  bool swapped = e->big_endian && e->vr[0] == 'O' && e->vr[1] == 'W' && (i ^ 1) < e->length;
  return p[swapped ? i ^ 1 : i];
}

nsc_status nsc_dicom_read_table(const nsc_dicom *d, const nsc_element *descriptor, const nsc_element *data,
                                bool negative, nsc_lut *out, nsc_error *err) {
  if (!descriptor || descriptor->length < 6 || descriptor->count || !data || data->count) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: a lookup table without descriptor or data");
  }
  const uint8_t *p = d->bytes + descriptor->offset;
  uint32_t count = nsc_load_u16(p, descriptor->big_endian), bits = nsc_load_u16(p + 4, descriptor->big_endian);
  uint16_t first = nsc_load_u16(p + 2, descriptor->big_endian);
  if (count == 0) count = 65536;
  bool packed = data->length < 2 * count;
  if (data->length < count || (packed && bits > 8)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: a lookup table of %u entries has %u bytes", count, data->length);
  }
  uint16_t *values = malloc(count * sizeof *values), highest = 0;
  if (!values) return nsc_fail_memory(err, count * sizeof *values, "a lookup table");
  for (uint32_t i = 0; i < count; i++) {
    values[i] = lut_entry(d, data, packed, i);
    highest = values[i] > highest ? values[i] : highest;
  }
  if (bits < 1 || bits > 16) bits = 16;
  while (bits < 16 && highest >> bits) bits++; /* "8 bits" above entries of 12 */
  bool is_signed = negative || (descriptor->vr[0] == 'S' && descriptor->vr[1] == 'S');
  *out = (nsc_lut){.count = count, .first = is_signed ? (int16_t)first : first, .bits = bits, .values = values};
  return NSC_OK;
}

static nsc_status read_lut(const nsc_dicom *d, const nsc_element *item, bool negative, nsc_lut *out, nsc_error *err) {
  return nsc_dicom_read_table(d, nsc_dicom_find(item, TAG_LUT_DESCRIPTOR), nsc_dicom_find(item, TAG_LUT_DATA), negative,
                              out, err);
}

/* VOI LUTs of one item. A damaged one is left out: it is one of several ways to show the image. */
static nsc_status read_voi_luts(const nsc_dicom *d, const nsc_element *parent, bool negative, nsc_image *image,
                                nsc_error *err) {
  const nsc_element *sequence = nsc_dicom_find(parent, TAG_VOI_LUTS);
  if (!nsc_dicom_item(parent, TAG_VOI_LUTS, 0)) return NSC_OK;
  image->voi_luts = calloc(sequence->count, sizeof *image->voi_luts);
  if (!image->voi_luts) return nsc_fail_memory(err, sequence->count * sizeof *image->voi_luts, "lookup tables");
  const nsc_element *item = nsc_dicom_first(sequence);
  for (uint32_t i = 0; i < sequence->count; i++, item = nsc_dicom_next(item)) {
    nsc_lut *lut = &image->voi_luts[image->info.voi_lut_count];
    nsc_error why = {0};
    nsc_status status = read_lut(d, item, negative, lut, &why);
    if (status == NSC_ERROR_MEMORY) return nsc_fail(err, status, "%s", why.text);
    if (status != NSC_OK) continue;
    lut->name = nsc_dicom_copy_text(d, nsc_dicom_find(item, TAG_LUT_EXPLANATION), 0);
    image->info.voi_lut_count++;
  }
  return NSC_OK;
}

/* ---- windows ---- */

static nsc_voi_function function_of(const nsc_dicom *d, const nsc_element *parent) {
  const nsc_element *e = nsc_dicom_find(parent, TAG_FUNCTION);
  if (nsc_dicom_text_is(d, e, "SIGMOID")) return NSC_VOI_SIGMOID;
  return nsc_dicom_text_is(d, e, "LINEAR_EXACT") ? NSC_VOI_LINEAR_EXACT : NSC_VOI_LINEAR;
}

/* Window number `index`. False when there is none or its width is none. */
static bool read_window(const nsc_dicom *d, const nsc_element *parent, uint32_t index, nsc_window *out) {
  nsc_window w = {.function = function_of(d, parent)};
  if (!nsc_dicom_number(d, nsc_dicom_find(parent, TAG_WINDOW_CENTER), index, &w.center)) return false;
  if (!nsc_dicom_number(d, nsc_dicom_find(parent, TAG_WINDOW_WIDTH), index, &w.width) || !(w.width > 0)) return false;
  /* LINEAR needs a width of 1. Narrower ones come with small real values (SUV), where the exact form is meant. */
  if (w.function == NSC_VOI_LINEAR && w.width < 1) w.function = NSC_VOI_LINEAR_EXACT;
  *out = w;
  return true;
}

static nsc_status read_windows(const nsc_dicom *d, const nsc_element *parent, nsc_image *image, nsc_error *err) {
  uint32_t count = nsc_dicom_value_count(d, nsc_dicom_find(parent, TAG_WINDOW_CENTER));
  if (!count) return NSC_OK;
  image->windows = calloc(count, sizeof *image->windows);
  if (!image->windows) return nsc_fail_memory(err, count * sizeof *image->windows, "windows");
  for (uint32_t i = 0; i < count; i++) {
    nsc_window *w = &image->windows[image->info.window_count];
    if (!read_window(d, parent, i, w)) continue;
    w->name = nsc_dicom_copy_text(d, nsc_dicom_find(parent, TAG_EXPLANATION), i);
    image->info.window_count++;
  }
  if (!image->info.window_count) {
    free(image->windows);
    image->windows = NULL;
  }
  return NSC_OK;
}

/* ---- rescale ---- */

/* A slope of 0 would make one value of all: it is taken as missing. */
static bool read_rescale(const nsc_dicom *d, const nsc_element *parent, double *slope, double *intercept) {
  double a = 1, b = 0;
  bool has_slope = nsc_dicom_number(d, nsc_dicom_find(parent, TAG_SLOPE), 0, &a);
  bool has_intercept = nsc_dicom_number(d, nsc_dicom_find(parent, TAG_INTERCEPT), 0, &b);
  if (!has_slope && !has_intercept) return false;
  *slope = a == 0 ? 1 : a;
  *intercept = b;
  return true;
}

/* A unit for people. "US" is DICOM for unspecified (PS3.3 C.11.1.1.2). */
static char *copy_unit(const nsc_dicom *d, const nsc_element *parent, uint32_t tag) {
  const nsc_element *e = nsc_dicom_find(parent, tag);
  return nsc_dicom_text_is(d, e, "US") ? NULL : nsc_dicom_copy_text(d, e, 0);
}

static nsc_status read_modality(const nsc_dicom *d, nsc_image *image, nsc_error *err) {
  const nsc_element *lut_item = nsc_dicom_item(d->elements, TAG_MODALITY_LUTS, 0);
  const nsc_element *source = d->elements;
  if (lut_item) {
    NSC_TRY(read_lut(d, lut_item, d->is_signed, &image->modality_lut, err));
    image->modality_lut.name = nsc_dicom_copy_text(d, nsc_dicom_find(lut_item, TAG_LUT_EXPLANATION), 0);
    image->unit = copy_unit(d, lut_item, TAG_MODALITY_LUT_TYPE);
    return NSC_OK;
  }
  if (!read_rescale(d, source, &image->slope, &image->intercept)) {
    source = nsc_dicom_group(d, 0, TAG_PIXEL_VALUES);
    if (!read_rescale(d, source, &image->slope, &image->intercept)) return NSC_OK;
  }
  image->unit = copy_unit(d, source, TAG_RESCALE_TYPE);
  bool is_ct = nsc_dicom_text_is(d, nsc_dicom_find(d->elements, NSC_TAG(0x0008, 0x0060)), "CT");
  if (!image->unit && is_ct) { /* PS3.3 C.8.2.1.1.3 */
    image->unit = malloc(3);
    if (!image->unit) return nsc_fail_memory(err, 3, "a unit");
    memcpy(image->unit, "HU", 3);
  }
  return NSC_OK;
}

/* Rescale, window and spacing that each frame has for itself. */
static nsc_status read_frame_values(const nsc_dicom *d, nsc_image *image, nsc_error *err) {
  bool own_values = nsc_dicom_has_frame_group(d, TAG_PIXEL_VALUES) && !image->modality_lut.count;
  bool own_spacing = nsc_dicom_has_frame_group(d, TAG_PIXEL_MEASURES);
  bool own_windows = nsc_dicom_has_frame_group(d, TAG_FRAME_VOI);
  if (!own_values && !own_spacing && !own_windows) return NSC_OK;
  nsc_frame_values *values = calloc(image->info.frames, sizeof *values);
  if (!values) return nsc_fail_memory(err, image->info.frames * sizeof *values, "values of frames");
  for (uint32_t i = 0; i < image->info.frames; i++) {
    values[i].slope = image->slope;
    values[i].intercept = image->intercept;
    if (own_values) {
      (void)read_rescale(d, nsc_dicom_group(d, i, TAG_PIXEL_VALUES), &values[i].slope, &values[i].intercept);
    }
    nsc_frame_plane plane = nsc_dicom_plane(d, i);
    bool has_spacing = own_spacing && plane.spacing[0] > 0;
    values[i].spacing_x = has_spacing ? plane.spacing[0] : image->info.spacing_x;
    values[i].spacing_y = has_spacing ? plane.spacing[1] : image->info.spacing_y;
    if (!own_windows) continue;
    values[i].has_window = read_window(d, nsc_dicom_group(d, i, TAG_FRAME_VOI), 0, &values[i].window);
  }
  image->frame_values = values;
  return NSC_OK;
}

nsc_status nsc_dicom_read_values(const nsc_dicom *d, nsc_image *image, nsc_error *err) {
  if (image->info.channels != 1) { /* PS3.3 C.11.1 and C.11.2 are for grey images */
    image->full_range = true;
    return NSC_OK;
  }
  NSC_TRY(read_modality(d, image, err));
  NSC_TRY(read_frame_values(d, image, err));
  bool plain = image->slope == 1 && image->intercept == 0 && !image->modality_lut.count;
  image->full_range = plain && d->bits_stored <= 8;
  double a = image->slope * image->type_low + image->intercept, b = image->slope * image->type_high + image->intercept;
  bool negative = !image->modality_lut.count && (a < 0 || b < 0);
  NSC_TRY(read_windows(d, d->elements, image, err));
  NSC_TRY(read_voi_luts(d, d->elements, negative, image, err));
  const nsc_element *voi = nsc_dicom_group(d, 0, TAG_FRAME_VOI);
  if (image->windows || image->voi_luts || !voi) return NSC_OK;
  NSC_TRY(read_windows(d, voi, image, err));
  return read_voi_luts(d, voi, negative, image, err);
}
