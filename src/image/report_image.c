#include "image/report_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/dicom_groups.h"
#include "image/dicom_put.h"
#include "image/report_context.h"

static const char capture_class[] = "1.2.840.10008.5.1.4.1.1.7";
static const char segmentation_class[] = "1.2.840.10008.5.1.4.1.1.66.4";

enum { LARGEST_VALUE = 0x7FFFFFFF /* what readers take for the length of a value; PS3.5 7.1.1 has twice that */ };

/* ---- what both have ---- */

enum { MOST_VALUES = 8 /* of what is copied, no file has more than two */ };

/* An element of the source in UTF-8, or `otherwise`; NULL for none. */
static void copy_text(nsc_text *t, const nsc_dicom *d, uint32_t tag, const char *vr, const char *otherwise) {
  const nsc_element *e = nsc_dicom_find(d->elements, tag);
  uint32_t count = nsc_dicom_value_count(d, e);
  nsc_text all = {0};
  for (uint32_t i = 0; i < count && i < MOST_VALUES; i++) {
    char *value = nsc_dicom_copy_text(d, e, i);
    if (i) nsc_text_put(&all, "\\");
    if (value) nsc_text_put(&all, value);
    nsc_text_free(value);
  }
  char *text = NULL;
  if (all.size && nsc_text_finish(&all, &text, NULL) == NSC_OK) {
    nsc_dicom_put_text(t, tag, vr, text);
  } else if (otherwise) {
    nsc_dicom_put_text(t, tag, vr, otherwise);
  }
  nsc_text_free(text);
}

static void put_size(nsc_text *t, const nsc_image_info *info) {
  nsc_dicom_put_us(t, 0x00280010, info->height);
  nsc_dicom_put_us(t, 0x00280011, info->width);
}

static void put_bits(nsc_text *t, uint32_t bits) {
  nsc_dicom_put_us(t, 0x00280100, bits);
  nsc_dicom_put_us(t, 0x00280101, bits);
  nsc_dicom_put_us(t, 0x00280102, bits - 1);
  nsc_dicom_put_us(t, 0x00280103, 0);
}

/* What was packed with losses once stays so: PS3.3 C.7.6.1.1.5. */
static void put_losses(nsc_text *t, const nsc_dicom *d) {
  copy_text(t, d, 0x00282110, "CS", "00");
  copy_text(t, d, 0x00282112, "DS", NULL);
  copy_text(t, d, 0x00282114, "CS", NULL);
}

static nsc_status begin(const nsc_report_image *r, nsc_derived kind, nsc_context *c, nsc_reference *source, nsc_text *t,
                        nsc_error *err) {
  c->key[0] = r->key[0], c->key[1] = r->key[1];
  NSC_TRY(nsc_context_take(c, r->image, source, err));
  kind.source = source;
  kind.source_frame = r->image->info.frames > 1 ? r->frame + 1 : 0;
  kind.derivation = r->what;
  nsc_context_put(t, c, &kind, r->now, r->nameless);
  return NSC_OK;
}

static nsc_status finish(nsc_text *t, nsc_context *c, nsc_status status, char **bytes, size_t *size, nsc_error *err) {
  nsc_context_drop(c);
  if (status != NSC_OK) {
    nsc_text_drop(t);
    return status;
  }
  size_t written = t->size;
  NSC_TRY(nsc_text_finish(t, bytes, err));
  *size = written;
  return NSC_OK;
}

/* ---- secondary capture ---- */

nsc_status nsc_report_write_capture(const nsc_report_image *r, const uint8_t *rgb, char **bytes, size_t *size,
                                    nsc_error *err) {
  const nsc_derived kind = {.sop_class = capture_class,
                            .modality = "OT",
                            .series = "What influenced the model",
                            .image_type = "DERIVED\\SECONDARY",
                            .conversion = "WSD",
                            .number = 10};
  const nsc_image_info *info = &r->image->info;
  uint64_t length = (uint64_t)info->width * info->height * 3;
  nsc_context c = {0};
  nsc_reference source;
  nsc_text t = {0};
  if (length >= LARGEST_VALUE) return nsc_fail(err, NSC_ERROR_LIMIT, "the picture is too large for one DICOM value");
  nsc_status status = begin(r, kind, &c, &source, &t, err);
  if (status == NSC_OK) {
    const nsc_dicom *d = r->image->state;
    copy_text(&t, d, 0x00200020, "CS", "");
    copy_text(&t, d, 0x00200060, "CS", "");
    nsc_dicom_put_us(&t, 0x00280002, 3);
    nsc_dicom_put_text(&t, 0x00280004, "CS", "RGB");
    nsc_dicom_put_us(&t, 0x00280006, 0);
    put_size(&t, info);
    put_bits(&t, 8);
    put_losses(&t, d);
    nsc_dicom_put_head(&t, 0x7FE00010, "OB", (uint32_t)(length + (length & 1)));
    nsc_text_append(&t, (const char *)rgb, (size_t)length);
    if (length & 1) nsc_text_append(&t, "", 1);
  }
  return finish(&t, &c, status, bytes, size, err);
}

/* ---- segmentation ---- */

/* The one dimension of its one frame: the number of the segment (PS3.3 C.7.6.17). */
static void put_dimensions(nsc_text *t, const nsc_context *c) {
  char uid[NSC_UID_ROOM];
  nsc_context_uid(c, 22, uid);
  nsc_put_sequence(t, 0x00209221);
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00209164, "UI", uid);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
  nsc_put_sequence(t, 0x00209222);
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00209164, "UI", uid);
  nsc_dicom_put_head(t, 0x00209165, "AT", 4);
  nsc_dicom_put16(t, 0x0062), nsc_dicom_put16(t, 0x000B);
  nsc_dicom_put_head(t, 0x00209167, "AT", 4);
  nsc_dicom_put16(t, 0x0062), nsc_dicom_put16(t, 0x000A);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
}

/* Segmentation Image Module (C.8.20.2). A region of influence is no lesion, so its type is a selected region. */
static void put_segment(nsc_text *t, const nsc_report_image *r) {
  nsc_dicom_put_text(t, 0x00620001, "CS", "BINARY");
  nsc_put_sequence(t, 0x00620002);
  nsc_put_item(t);
  nsc_put_code(t, 0x00620003, (nsc_code){"309825002", "SCT", "Spatial and Relational Concept"});
  nsc_dicom_put_us(t, 0x00620004, 1);
  nsc_dicom_put_text(t, 0x00620005, "LO", "What influenced the model");
  nsc_dicom_put_text(t, 0x00620006, "ST", r->what);
  nsc_dicom_put_text(t, 0x00620008, "CS", "AUTOMATIC");
  nsc_dicom_put_text(t, 0x00620009, "LO", r->algorithm);
  nsc_put_code(t, 0x0062000F, (nsc_code){"111099", "DCM", "Selected region"});
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
  nsc_dicom_put_text(t, 0x00700080, "CS", "INFLUENCE");
  nsc_dicom_put_text(t, 0x00700081, "LO", "What influenced the model");
  nsc_dicom_put_text(t, 0x00700084, "PN", "");
}

/* A sequence of one item, around what stands between these. */
static void open_group(nsc_text *t, uint32_t tag) {
  nsc_put_sequence(t, tag);
  nsc_put_item(t);
}

static void close_group(nsc_text *t) {
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
}

/* Where the frame lies, and how large its pixels are (C.7.6.16.2): as the source's frame. */
static void put_shared(nsc_text *t, const nsc_report_image *r, const nsc_place *place) {
  open_group(t, 0x52009229);
  if (place) {
    const double *a = place->across, *b = place->down;
    open_group(t, 0x00209116);
    nsc_dicom_put_ds(t, 0x00200037, 6, a[0], a[1], a[2], b[0], b[1], b[2]);
    close_group(t);
    open_group(t, 0x00289110);
    nsc_dicom_put_ds(t, 0x00180050, 1, nsc_dicom_plane(r->image->state, r->frame).thickness);
    nsc_dicom_put_ds(t, 0x00280030, 2, place->spacing_y, place->spacing_x);
    close_group(t);
  }
  close_group(t);
}

static void put_frame(nsc_text *t, const nsc_report_image *r, const nsc_reference *source, const nsc_place *place) {
  static const nsc_code purpose = {"121322", "DCM", "Source image for image processing operation"};
  open_group(t, 0x52009230);
  open_group(t, 0x00089124);
  nsc_put_sequence(t, 0x00082112);
  nsc_put_reference(t, source, r->image->info.frames > 1 ? r->frame + 1 : 0, &purpose);
  nsc_put_end_sequence(t);
  nsc_put_code(t, 0x00089215, (nsc_code){"113076", "DCM", "Segmentation"});
  close_group(t);
  open_group(t, 0x00209111);
  nsc_dicom_put_head(t, 0x00209157, "UL", 4);
  nsc_dicom_put32(t, 1);
  close_group(t);
  if (place) {
    open_group(t, 0x00209113);
    nsc_dicom_put_ds(t, 0x00200032, 3, place->origin[0], place->origin[1], place->origin[2]);
    close_group(t);
  }
  open_group(t, 0x0062000A);
  nsc_dicom_put_us(t, 0x0062000B, 1);
  close_group(t);
  close_group(t);
}

/* Eight pixels a byte, the first in the lowest bit: PS3.5 8.1.1. */
static void put_mask(nsc_text *t, const uint8_t *mask, size_t pixels) {
  size_t bytes = (pixels + 7) / 8;
  nsc_dicom_put_head(t, 0x7FE00010, "OB", (uint32_t)(bytes + (bytes & 1)));
  nsc_text_reserve(t, bytes + 1);
  for (size_t i = 0; i < bytes; i++) {
    int value = 0;
    for (size_t k = 0; k < 8 && 8 * i + k < pixels; k++) value |= (mask[8 * i + k] != 0) << k;
    nsc_text_append(t, &(const char){(char)value}, 1);
  }
  if (bytes & 1) nsc_text_append(t, "", 1);
}

static void put_segmentation(nsc_text *t, const nsc_report_image *r, const nsc_context *c, const nsc_reference *source,
                             const uint8_t *mask) {
  const nsc_image_info *info = &r->image->info;
  const nsc_dicom *d = r->image->state;
  nsc_place found;
  /* Where it lies is said as a whole or not at all: a place needs the thickness, too (C.7.6.16.2.1). */
  bool placed =
      *r->image->space && nsc_image_locate(r->image, r->frame, &found) && nsc_dicom_plane(d, r->frame).thickness > 0;
  const nsc_place *place = placed ? &found : NULL;
  if (!place) copy_text(t, d, 0x00200020, "CS", "");
  if (place) {
    nsc_dicom_put_text(t, 0x00200052, "UI", r->image->space);
    nsc_dicom_put_text(t, 0x00201040, "LO", "");
  }
  put_dimensions(t, c);
  nsc_dicom_put_us(t, 0x00280002, 1);
  nsc_dicom_put_text(t, 0x00280004, "CS", "MONOCHROME2");
  nsc_dicom_put_text(t, 0x00280008, "IS", "1");
  put_size(t, info);
  put_bits(t, 1);
  put_losses(t, d);
  put_segment(t, r);
  put_shared(t, r, place);
  put_frame(t, r, source, place);
  put_mask(t, mask, (size_t)info->width * info->height);
}

nsc_status nsc_report_write_segmentation(const nsc_report_image *r, const uint8_t *mask, char **bytes, size_t *size,
                                         nsc_error *err) {
  const nsc_derived kind = {.sop_class = segmentation_class,
                            .modality = "SEG",
                            .series = "What influenced the model",
                            .image_type = "DERIVED\\PRIMARY",
                            .number = 20};
  nsc_context c = {0};
  nsc_reference source;
  nsc_text t = {0};
  nsc_status status = begin(r, kind, &c, &source, &t, err);
  if (status == NSC_OK) put_segmentation(&t, r, &c, &source, mask);
  return finish(&t, &c, status, bytes, size, err);
}
