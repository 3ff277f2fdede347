/* Values of data elements: text (PS3.5 section 6.1 and 6.2), numbers in text or binary. */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/dicom.h"

enum { MAX_COPIED_TEXT = 256, MAX_NUMBER = 64 };

const nsc_element *nsc_dicom_find(const nsc_element *parent, uint32_t tag) {
  if (!parent) return NULL;
  const nsc_element *e = nsc_dicom_first(parent);
  for (uint32_t n = parent->count; n > 0; n--, e = nsc_dicom_next(e)) {
    if (e->tag == tag) return e;
  }
  return NULL;
}

const nsc_element *nsc_dicom_item(const nsc_element *parent, uint32_t tag, uint32_t index) {
  const nsc_element *sequence = nsc_dicom_find(parent, tag);
  if (!sequence || sequence->vr[0] != 'S' || sequence->vr[1] != 'Q' || index >= sequence->count) return NULL;
  const nsc_element *item = nsc_dicom_first(sequence);
  while (index--) item = nsc_dicom_next(item);
  return item;
}

/* Bytes of one binary value, 0 for text and unknown VRs. */
static uint32_t binary_size(const char vr[2]) {
  static const char sizes[] = "US2SS2UL4SL4FL4FD8UV8SV8AT4OB1OW2OF4OD8OL4OV8";
  for (const char *at = sizes; *at; at += 3) {
    if (vr[0] == at[0] && vr[1] == at[1]) return (uint32_t)(at[2] - '0');
  }
  return 0;
}

static bool is_text_vr(const char vr[2]) {
  static const char vrs[] = "AEASCSDADSDTISLOLTPNSHSTTMUCUIURUT";
  for (const char *at = vrs; *at; at += 2) {
    if (vr[0] == at[0] && vr[1] == at[1]) return true;
  }
  return false;
}

/* The VR to read a value with: of UN the dictionary's. */
static const char *reading_vr(const nsc_element *e) {
  if (e->vr[0] != 'U' || e->vr[1] != 'N') return e->vr;
  const nsc_dicom_entry *entry = nsc_dicom_lookup(e->tag);
  return entry ? entry->vr : e->vr;
}

/* LT, ST, UT and UR have one value, in which a backslash is a character. */
static bool has_one_value(const char vr[2]) {
  return (vr[1] == 'T' && (vr[0] == 'L' || vr[0] == 'S' || vr[0] == 'U')) || (vr[0] == 'U' && vr[1] == 'R');
}

uint32_t nsc_dicom_value_count(const nsc_dicom *d, const nsc_element *e) {
  if (!e || e->length == 0) return 0;
  const char *vr = reading_vr(e);
  uint32_t size = binary_size(vr);
  if (size) return e->length / size;
  uint32_t count = 1;
  for (uint32_t i = 0; i < e->length && !has_one_value(vr); i++) count += d->bytes[e->offset + i] == '\\';
  return count;
}

bool nsc_dicom_text(const nsc_dicom *d, const nsc_element *e, uint32_t index, const char **chars, size_t *size) {
  if (!e || binary_size(reading_vr(e)) || e->count) return false;
  const char *p = (const char *)d->bytes + e->offset, *end = p + e->length;
  if (!has_one_value(reading_vr(e))) {
    for (; index > 0; index--) {
      p = memchr(p, '\\', (size_t)(end - p));
      if (!p) return false;
      p++;
    }
    const char *next = memchr(p, '\\', (size_t)(end - p));
    if (next) end = next;
  } else if (index) {
    return false;
  }
  while (p < end && (*p == ' ' || *p == 0)) p++;
  while (end > p && (end[-1] == ' ' || end[-1] == 0)) end--;
  if (p == end) return false;
  *chars = p;
  *size = (size_t)(end - p);
  return true;
}

bool nsc_dicom_text_is(const nsc_dicom *d, const nsc_element *e, const char *text) {
  const char *chars;
  size_t size;
  return nsc_dicom_text(d, e, 0, &chars, &size) && size == strlen(text) && memcmp(chars, text, size) == 0;
}

static bool parse_decimal(const char *chars, size_t size, double *out) {
  char digits[MAX_NUMBER];
  if (size == 0 || size >= sizeof digits) return false;
  for (size_t i = 0; i < size; i++) { /* strtod alone would take "nan", "inf" and hexadecimal too */
    if (!strchr("+-.0123456789eE", chars[i]) || !chars[i]) return false;
    digits[i] = chars[i];
  }
  digits[size] = 0;
  char *end;
  double value = strtod(digits, &end);
  if (*end || !(value > -1e300 && value < 1e300)) return false;
  *out = value;
  return true;
}

static double load_binary(const char vr[2], const uint8_t *p, bool big) {
  if (vr[0] == 'F' || vr[1] == 'F' || vr[1] == 'D') {
    return binary_size(vr) == 4 ? (double)nsc_load_f32(p, big) : nsc_load_f64(p, big);
  }
  bool is_signed = vr[0] == 'S';
  switch (binary_size(vr)) {
    case 1:
      return p[0];
    case 2:
      return is_signed ? (double)(int16_t)nsc_load_u16(p, big) : (double)nsc_load_u16(p, big);
    case 4:
      return is_signed ? (double)(int32_t)nsc_load_u32(p, big) : (double)nsc_load_u32(p, big);
    default:
      return is_signed ? (double)(int64_t)nsc_load_u64(p, big) : (double)nsc_load_u64(p, big);
  }
}

bool nsc_dicom_number(const nsc_dicom *d, const nsc_element *e, uint32_t index, double *out) {
  if (!e || e->count) return false;
  const char *vr = reading_vr(e);
  uint32_t size = binary_size(vr);
  if (size) {
    if (index >= e->length / size) return false;
    double value = load_binary(vr, d->bytes + e->offset + (size_t)index * size, e->big_endian);
    if (!(value > -1e300 && value < 1e300)) return false;
    *out = value;
    return true;
  }
  const char *chars;
  size_t chars_size;
  return nsc_dicom_text(d, e, index, &chars, &chars_size) && parse_decimal(chars, chars_size, out);
}

bool nsc_dicom_uint(const nsc_dicom *d, const nsc_element *e, uint32_t *out) {
  double value;
  if (!nsc_dicom_number(d, e, 0, &value) || value < 0 || value > UINT32_MAX || value != (double)(uint32_t)value) {
    return false;
  }
  *out = (uint32_t)value;
  return true;
}

void nsc_dicom_read_uid(const nsc_dicom *d, uint32_t tag, char out[NSC_UID_ROOM]) {
  const char *chars;
  size_t size;
  bool found = nsc_dicom_text(d, nsc_dicom_find(d->elements, tag), 0, &chars, &size) && size < NSC_UID_ROOM;
  if (found) memcpy(out, chars, size);
  out[found ? size : 0] = 0;
}

char *nsc_dicom_copy_text(const nsc_dicom *d, const nsc_element *e, uint32_t index) {
  const char *chars;
  size_t size;
  if (!e || !is_text_vr(reading_vr(e)) || !nsc_dicom_text(d, e, index, &chars, &size)) return NULL;
  nsc_text t = {0};
  char *out = NULL;
  nsc_dicom_put_utf8(d, chars, size < MAX_COPIED_TEXT ? size : MAX_COPIED_TEXT, &t);
  return nsc_text_finish(&t, &out, NULL) == NSC_OK ? out : NULL;
}
