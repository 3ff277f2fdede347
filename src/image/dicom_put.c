#include "image/dicom_put.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image/dicom.h"

void nsc_dicom_put16(nsc_text *t, uint32_t value) {
  const char bytes[2] = {(char)(value & 0xFF), (char)(value >> 8 & 0xFF)};
  nsc_text_append(t, bytes, 2);
}

void nsc_dicom_put32(nsc_text *t, uint32_t value) {
  nsc_dicom_put16(t, value & 0xFFFF);
  nsc_dicom_put16(t, value >> 16);
}

void nsc_dicom_put_head(nsc_text *t, uint32_t tag, const char *vr, uint32_t length) {
  nsc_dicom_put16(t, tag >> 16);
  nsc_dicom_put16(t, tag & 0xFFFF);
  nsc_text_append(t, vr, 2);
  if (nsc_dicom_is_long_vr(vr)) {
    nsc_dicom_put16(t, 0);
    nsc_dicom_put32(t, length);
  } else {
    nsc_dicom_put16(t, length);
  }
}

void nsc_dicom_put_text(nsc_text *t, uint32_t tag, const char *vr, const char *value) {
  size_t size = strlen(value);
  nsc_dicom_put_head(t, tag, vr, (uint32_t)(size + (size & 1)));
  nsc_text_append(t, value, size);
  if (size & 1) nsc_text_append(t, strcmp(vr, "UI") == 0 ? "" : " ", 1);
}

void nsc_dicom_put_us(nsc_text *t, uint32_t tag, uint32_t value) {
  nsc_dicom_put_head(t, tag, "US", 2);
  nsc_dicom_put16(t, value);
}

void nsc_dicom_put_ds(nsc_text *t, uint32_t tag, int count, ...) {
  char value[6 * 17 + 1] = "";
  size_t at = 0;
  va_list numbers;
  va_start(numbers, count);
  for (int i = 0; i < count; i++) {
    int wrote = snprintf(value + at, sizeof value - at, i ? "\\%.8g" : "%.8g", va_arg(numbers, double));
    at += (size_t)wrote;
  }
  va_end(numbers);
  nsc_dicom_put_text(t, tag, "DS", value);
}

/* Of this implementation (PS3.7 D.3.3.2): under 2.25, chosen once. */
static const char implementation[] = "2.25.263748135912347712953078643152398461075";

void nsc_dicom_put_meta(nsc_text *t, const char *sop_class, const char *instance, const char *syntax) {
  static const char preamble[128] = {0};
  nsc_text meta = {0};
  nsc_dicom_put_head(&meta, 0x00020001, "OB", 2);
  nsc_text_append(&meta, "\0\1", 2);
  nsc_dicom_put_text(&meta, 0x00020002, "UI", sop_class);
  nsc_dicom_put_text(&meta, 0x00020003, "UI", instance);
  nsc_dicom_put_text(&meta, 0x00020010, "UI", syntax);
  nsc_dicom_put_text(&meta, 0x00020012, "UI", implementation);
  nsc_dicom_put_text(&meta, 0x00020013, "SH", "NEGATOSCOPE");
  nsc_text_append(t, preamble, sizeof preamble);
  nsc_text_append(t, "DICM", 4);
  nsc_dicom_put_head(t, 0x00020000, "UL", 4);
  nsc_dicom_put32(t, (uint32_t)meta.size);
  nsc_text_append(t, meta.chars, meta.size);
  t->failed = t->failed || meta.failed;
  nsc_text_drop(&meta);
}
