/*
 * The frame around a data set: preamble and meta group (PS3.10 section 7), the choice of encoding, the deflated
 * transfer syntax (PS3.5 annex A.5). Old files lack the preamble, the meta group or the transfer syntax; then the
 * first element of the data set shows how it is encoded.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"
#include "image/gzip.h"

/* Lower-case letters and unknown pairs are no VR: PS3.5 table 6.2-1. */
static bool is_known_vr(const uint8_t *p) {
  static const char vrs[] = "AEASATCSDADSDTFLFDISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUNURUSUTUV";
  for (const char *at = vrs; *at; at += 2) {
    if (p[0] == at[0] && p[1] == at[1]) return true;
  }
  return false;
}

/* An element at the start that an implicit data set can begin with, and a second one that follows it. */
static bool is_bare_implicit(const uint8_t *p, size_t size) {
  uint32_t tag = NSC_TAG(nsc_load_u16(p, false), nsc_load_u16(p + 2, false)), length = nsc_load_u32(p + 4, false);
  if (!nsc_dicom_lookup(tag) && (tag & 0xFFFF) != 0) return false;
  if ((uint64_t)length + 16 > size || length > 4096) return false;
  const uint8_t *next = p + 8 + length;
  uint32_t next_tag = NSC_TAG(nsc_load_u16(next, false), nsc_load_u16(next + 2, false));
  return next_tag > tag && (next_tag >> 16 == tag >> 16 || next_tag >> 16 <= 0x20);
}

bool nsc_dicom_sniff_bare(const uint8_t *bytes, size_t size) {
  if (size < 8) return false;
  uint32_t little = nsc_load_u16(bytes, false), big = nsc_load_u16(bytes, true);
  bool is_start = little == 0x0002 || little == 0x0008;
  if ((is_start || big == 0x0008) && is_known_vr(bytes + 4)) return true;
  return is_start && is_bare_implicit(bytes, size);
}

static nsc_status add_root(nsc_dicom *d, nsc_error *err) {
  d->capacity = 256;
  d->elements = calloc(d->capacity, sizeof *d->elements);
  if (!d->elements) return nsc_fail_memory(err, d->capacity * sizeof *d->elements, "data elements");
  d->elements[0].skip = 1;
  d->count = 1;
  return NSC_OK;
}

static void read_syntax(nsc_dicom *d) {
  const char *uid;
  size_t size;
  const nsc_element *e = nsc_dicom_find(d->elements, NSC_TAG(0x0002, 0x0010));
  if (!nsc_dicom_text(d, e, 0, &uid, &size) || size >= sizeof d->syntax_uid) return;
  memcpy(d->syntax_uid, uid, size);
  d->syntax = nsc_dicom_find_syntax(uid, size);
}

/* Unpacks what follows byte `from` and puts it in place of the deflated bytes. */
static nsc_status inflate_from(nsc_dicom *d, size_t from, uint64_t max_inflated, nsc_error *err) {
  uint8_t *bytes;
  size_t size;
  NSC_TRY(nsc_inflate_behind(d->bytes, d->size, from, max_inflated, "DICOM", &bytes, &size, err));
  d->bytes = bytes;
  d->size = size;
  d->owns_bytes = true;
  return NSC_OK;
}

/* How the data set at `at` is encoded. What its first element shows beats what the file says of itself. */
static void choose_encoding(const nsc_dicom *d, size_t at, bool *explicit_vr, bool *big_endian) {
  *explicit_vr = !d->syntax || d->syntax->explicit_vr;
  *big_endian = d->syntax && d->syntax->big_endian;
  if (d->size - at < 8) return;
  const uint8_t *p = d->bytes + at;
  if (p[0] == 0 && p[1] != 0) *big_endian = true; /* groups of the first element are below 0x0100 */
  if (p[0] != 0 && p[1] == 0) *big_endian = false;
  *explicit_vr = is_known_vr(p + 4) || (*explicit_vr && p[4] >= 'A' && p[4] <= 'Z' && p[5] >= 'A' && p[5] <= 'Z');
}

nsc_status nsc_dicom_parse(nsc_dicom *d, uint64_t max_inflated, nsc_error *err) {
  size_t at = d->size >= 132 && memcmp(d->bytes + 128, "DICM", 4) == 0 ? 132 : 0;
  NSC_TRY(add_root(d, err));
  NSC_TRY(nsc_dicom_parse_elements(d, &at, true, false, true, err));
  read_syntax(d);
  if (d->syntax && d->syntax->deflated) NSC_TRY(inflate_from(d, at, max_inflated, err));
  bool explicit_vr, big_endian;
  choose_encoding(d, at, &explicit_vr, &big_endian);
  if (!d->syntax && !d->syntax_uid[0]) {
    const char *guess = !explicit_vr ? "1.2.840.10008.1.2" : big_endian ? "1.2.840.10008.1.2.2" : "1.2.840.10008.1.2.1";
    d->syntax = nsc_dicom_find_syntax(guess, strlen(guess));
  }
  NSC_TRY(nsc_dicom_parse_elements(d, &at, explicit_vr, big_endian, false, err));
  d->charset = nsc_dicom_charset_of(d, d->elements, NSC_CHARSET_ASCII);
  return NSC_OK;
}

void nsc_dicom_free(void *dicom) {
  nsc_dicom *d = dicom;
  if (!d) return;
  if (d->owns_bytes) free(d->bytes);
  free(d->elements);
  free(d->frame_items);
  free(d->frame_groups);
  free(d->places);
  free(d->palette.rgb);
  free(d);
}
