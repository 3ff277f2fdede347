#include "image/report_tree.h"

#include <stdio.h>
#include <string.h>

#include "image/dicom_put.h"

void nsc_put_sequence(nsc_text *t, uint32_t tag) {
  nsc_dicom_put_head(t, tag, "SQ", NSC_UNDEFINED_LENGTH);
}

static void put_mark(nsc_text *t, uint32_t element, uint32_t length) {
  nsc_dicom_put16(t, 0xFFFE), nsc_dicom_put16(t, element);
  nsc_dicom_put32(t, length);
}

void nsc_put_end_sequence(nsc_text *t) {
  put_mark(t, 0xE0DD, 0);
}

void nsc_put_item(nsc_text *t) {
  put_mark(t, 0xE000, NSC_UNDEFINED_LENGTH);
}

void nsc_put_end_item(nsc_text *t) {
  put_mark(t, 0xE00D, 0);
}

void nsc_put_empty_sequence(nsc_text *t, uint32_t tag) {
  nsc_dicom_put_head(t, tag, "SQ", 0);
}

void nsc_put_code(nsc_text *t, uint32_t tag, nsc_code code) {
  nsc_put_sequence(t, tag);
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00080100, "SH", code.value);
  nsc_dicom_put_text(t, 0x00080102, "SH", code.scheme);
  nsc_dicom_put_text(t, 0x00080104, "LO", code.meaning);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
}

/* What every content item begins with, in the order of tags. */
static void put_kind(nsc_text *t, const char *relation, const char *type, const nsc_code *name) {
  nsc_dicom_put_text(t, 0x0040A010, "CS", relation);
  nsc_dicom_put_text(t, 0x0040A040, "CS", type);
  if (name) nsc_put_code(t, 0x0040A043, *name);
}

void nsc_put_content_code(nsc_text *t, const char *relation, nsc_code name, nsc_code value) {
  nsc_put_item(t);
  put_kind(t, relation, "CODE", &name);
  nsc_put_code(t, 0x0040A168, value);
  nsc_put_end_item(t);
}

void nsc_put_content_text(nsc_text *t, const char *relation, nsc_code name, const char *utf8) {
  nsc_put_item(t);
  put_kind(t, relation, "TEXT", &name);
  nsc_dicom_put_text(t, 0x0040A160, "UT", utf8);
  nsc_put_end_item(t);
}

void nsc_put_content_uid(nsc_text *t, const char *relation, nsc_code name, const char *uid) {
  nsc_put_item(t);
  put_kind(t, relation, "UIDREF", &name);
  nsc_dicom_put_text(t, 0x0040A124, "UI", uid);
  nsc_put_end_item(t);
}

void nsc_put_content_image(nsc_text *t, const char *relation, nsc_image_reference image) {
  nsc_put_item(t);
  nsc_put_sequence(t, 0x00081199);
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00081150, "UI", image.sop_class);
  nsc_dicom_put_text(t, 0x00081155, "UI", image.sop_instance);
  if (image.frame) {
    char number[12];
    snprintf(number, sizeof number, "%u", image.frame);
    nsc_dicom_put_text(t, 0x00081160, "IS", number);
  }
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
  put_kind(t, relation, "IMAGE", NULL);
  nsc_put_end_item(t);
}

void nsc_put_open_container(nsc_text *t, const char *relation, nsc_code name) {
  nsc_put_item(t);
  put_kind(t, relation, "CONTAINER", &name);
  nsc_dicom_put_text(t, 0x0040A050, "CS", "SEPARATE");
}

void nsc_put_open_number(nsc_text *t, const char *relation, nsc_code name, double value, nsc_code unit) {
  char digits[32];
  /* A DS has at most 16 characters: ten digits with sign, point and exponent. */
  snprintf(digits, sizeof digits, "%.10g", value);
  if (strlen(digits) > 16) snprintf(digits, sizeof digits, "%.9g", value);
  nsc_put_item(t);
  put_kind(t, relation, "NUM", &name);
  nsc_put_sequence(t, 0x0040A300);
  nsc_put_item(t);
  nsc_put_code(t, 0x004008EA, unit);
  nsc_dicom_put_text(t, 0x0040A30A, "DS", digits);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
}

void nsc_put_content_graphic(nsc_text *t, const char *relation, const nsc_code *name, const char *type,
                             const double *points, uint32_t count, nsc_image_reference image) {
  nsc_put_item(t);
  put_kind(t, relation, "SCOORD", name);
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  nsc_put_content_image(t, "SELECTED FROM", image);
  nsc_put_end_sequence(t);
  nsc_dicom_put_head(t, 0x00700022, "FL", 8 * count);
  for (uint32_t i = 0; i < 2 * count; i++) {
    float value = (float)points[i];
    uint32_t bits;
    memcpy(&bits, &value, 4);
    nsc_dicom_put32(t, bits);
  }
  nsc_dicom_put_text(t, 0x00700023, "CS", type);
  nsc_put_end_item(t);
}
