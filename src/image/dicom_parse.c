/*
 * Data elements (PS3.5 section 7): explicit and implicit VR, both byte orders, nested sequences, encapsulated pixel
 * data. Forgiving where a file can still be understood: a sequence of known length that makes no sense becomes one
 * opaque element, wrong VRs are read by their shape, and rubbish after the pixel data is left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

/* Sequences within sequences: real files stay below 10, and each level costs stack. */
enum { MAX_DEPTH = 64 };
/* An enhanced multi-frame file with 65536 frames of 60 elements each; stops files made of nothing but empty elements.
 */
enum { MAX_ELEMENTS = 1 << 22 };

#define UNDEFINED_LENGTH 0xFFFFFFFFu
#define TAG_ITEM 0xFFFEE000u
#define TAG_ITEM_END 0xFFFEE00Du
#define TAG_SEQUENCE_END 0xFFFEE0DDu
#define TAG_PIXELS 0x7FE00010u
#define TAG_FLOATS 0x7FE00008u
#define TAG_DOUBLES 0x7FE00009u

typedef struct encoding {
  bool explicit_vr, big_endian;
} encoding;

typedef struct parser {
  nsc_dicom *d;
  nsc_error *err;
  bool meta_only; /* stop before the first top-level element outside group 0002 */
} parser;

typedef struct header {
  uint32_t tag, length;
  char vr[2];
} header;

static nsc_status parse_elements(parser *p, nsc_reader *r, encoding enc, uint32_t parent, int depth, bool in_item);
static nsc_status parse_items(parser *p, nsc_reader *r, encoding enc, uint32_t parent, int depth, bool until_end);

static bool is_vr(const uint8_t *p) {
  return p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
}

static bool vr_is(const char vr[2], const char *name) {
  return vr[0] == name[0] && vr[1] == name[1];
}

/* PS3.5 table 7.1-1. */
bool nsc_dicom_is_long_vr(const char vr[2]) {
  static const char long_vrs[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
  for (const char *at = long_vrs; *at; at += 2) {
    if (vr_is(vr, at)) return true;
  }
  return false;
}

static nsc_status truncated(parser *p, size_t at) {
  return nsc_fail(p->err, NSC_ERROR_TRUNCATED, "DICOM: the file ends inside a data element (byte %zu)", at);
}

static nsc_status add_element(parser *p, const header *h, size_t offset, bool big_endian, uint32_t *index) {
  nsc_dicom *d = p->d;
  if (d->count == MAX_ELEMENTS) {
    return nsc_fail(p->err, NSC_ERROR_LIMIT, "DICOM: more than %d data elements", MAX_ELEMENTS);
  }
  if (d->count == d->capacity) {
    uint32_t capacity = d->capacity ? d->capacity * 2 : 256;
    nsc_element *elements = realloc(d->elements, capacity * sizeof *elements);
    if (!elements) return nsc_fail_memory(p->err, capacity * sizeof *elements, "data elements");
    d->elements = elements;
    d->capacity = capacity;
  }
  *index = d->count++;
  d->elements[*index] = (nsc_element){.tag = h->tag,
                                      .length = h->length,
                                      .offset = offset,
                                      .skip = 1,
                                      .vr = {h->vr[0], h->vr[1]},
                                      .big_endian = big_endian};
  return NSC_OK;
}

/* Tag, VR and length. False when the bytes end first. */
static bool take_header(nsc_reader *r, encoding enc, header *out) {
  size_t start = r->at;
  const uint8_t *p = nsc_reader_take(r, 8);
  if (!p) return false;
  *out = (header){.tag = NSC_TAG(nsc_load_u16(p, enc.big_endian), nsc_load_u16(p + 2, enc.big_endian)),
                  .length = nsc_load_u32(p + 4, enc.big_endian),
                  .vr = {'U', 'N'}};
  if (out->tag >> 16 == 0xFFFE) return true; /* items and delimiters have no VR */
  if (!enc.explicit_vr || !is_vr(p + 4)) {   /* the latter: one implicit element among explicit ones */
    const nsc_dicom_entry *entry = nsc_dicom_lookup(out->tag);
    if (entry) memcpy(out->vr, entry->vr, 2);
    if ((out->tag & 0xFFFF) == 0) memcpy(out->vr, "UL", 2);
    if ((out->tag >> 16 & 1) && (out->tag & 0xFFFF) >= 0x10 && (out->tag & 0xFFFF) <= 0xFF) memcpy(out->vr, "LO", 2);
    return true;
  }
  memcpy(out->vr, p + 4, 2);
  out->length = nsc_load_u16(p + 6, enc.big_endian);
  if (nsc_dicom_is_long_vr(out->vr)) {
    const uint8_t *length = nsc_reader_take(r, 4);
    if (!length) {
      r->at = start;
      return false;
    }
    out->length = nsc_load_u32(length, enc.big_endian);
  }
  return true;
}

/* Fragments of encapsulated pixel data (PS3.5 annex A.4): items of known length up to the sequence delimiter. */
static nsc_status parse_fragments(parser *p, nsc_reader *r, encoding enc, uint32_t parent) {
  while (nsc_reader_left(r) > 0) { /* some writers leave the delimiter at the end of the file out */
    header h;
    if (!take_header(r, enc, &h)) return truncated(p, r->at);
    if (h.tag == TAG_SEQUENCE_END) break;
    if (h.tag != TAG_ITEM || h.length == UNDEFINED_LENGTH) {
      return nsc_fail(p->err, NSC_ERROR_CORRUPT, "DICOM: no item in encapsulated data at byte %zu", r->at - 8);
    }
    uint32_t index;
    NSC_TRY(add_element(p, &h, r->at, enc.big_endian, &index));
    if (!nsc_reader_take(r, h.length)) return truncated(p, r->at);
    p->d->elements[parent].count++;
  }
  p->d->elements[parent].skip = p->d->count - parent;
  return NSC_OK;
}

static nsc_status parse_item(parser *p, nsc_reader *r, encoding enc, uint32_t parent, int depth, header h) {
  uint32_t index, length = h.length;
  h.length = 0;
  NSC_TRY(add_element(p, &h, r->at, enc.big_endian, &index));
  if (length == UNDEFINED_LENGTH) {
    NSC_TRY(parse_elements(p, r, enc, index, depth, true));
  } else {
    nsc_reader inner = *r;
    if (!nsc_reader_take(r, length)) return truncated(p, r->at);
    inner.size = r->at;
    NSC_TRY(parse_elements(p, &inner, enc, index, depth, false));
  }
  p->d->elements[parent].count++;
  return NSC_OK;
}

/* The items of a sequence: up to its delimiter, or to the end of `r`. */
static nsc_status parse_items(parser *p, nsc_reader *r, encoding enc, uint32_t parent, int depth, bool until_end) {
  if (depth > MAX_DEPTH) {
    return nsc_fail(p->err, NSC_ERROR_LIMIT, "DICOM: sequences are nested more than %d deep", MAX_DEPTH);
  }
  while (!until_end || nsc_reader_left(r) > 0) {
    header h;
    if (!take_header(r, enc, &h)) return truncated(p, r->at);
    if (h.tag == TAG_SEQUENCE_END) break;
    if (h.tag != TAG_ITEM) {
      return nsc_fail(p->err, NSC_ERROR_CORRUPT, "DICOM: no item in a sequence at byte %zu", r->at - 8);
    }
    NSC_TRY(parse_item(p, r, enc, parent, depth, h));
  }
  p->d->elements[parent].skip = p->d->count - parent;
  p->d->elements[parent].length = 0;
  return NSC_OK;
}

static nsc_status parse_undefined(parser *p, nsc_reader *r, encoding enc, const header *h, uint32_t index, int depth) {
  nsc_element *e = &p->d->elements[index];
  e->length = 0;
  bool binary = vr_is(h->vr, "OB") || vr_is(h->vr, "OW");
  if ((h->tag == TAG_PIXELS && !vr_is(h->vr, "SQ")) || (enc.explicit_vr && binary)) {
    return parse_fragments(p, r, enc, index);
  }
  /* PS3.5 6.2.2: UN of undefined length holds a sequence in Implicit VR Little Endian, whatever is around it. */
  if (enc.explicit_vr && vr_is(h->vr, "UN")) enc = (encoding){false, false};
  memcpy(e->vr, "SQ", 2);
  return parse_items(p, r, enc, index, depth + 1, false);
}

/* Whether a value of known length is to be tried as a sequence. */
static bool looks_like_sequence(const header *h, encoding enc, const uint8_t *value) {
  if (vr_is(h->vr, "SQ")) return true;
  const nsc_dicom_entry *entry = nsc_dicom_lookup(h->tag);
  if (!vr_is(h->vr, "UN") || (entry && !vr_is(entry->vr, "SQ"))) return false;
  if (entry) return true;
  bool big = enc.big_endian && !enc.explicit_vr;
  return h->length >= 8 && NSC_TAG(nsc_load_u16(value, big), nsc_load_u16(value + 2, big)) == TAG_ITEM;
}

/* A sequence of known length. If its inside makes no sense it stays an opaque value: the way around it is known. */
static nsc_status try_sequence(parser *p, nsc_reader inner, encoding enc, const header *h, uint32_t index, int depth) {
  nsc_error *outer_err = p->err, scratch = {0};
  if (vr_is(h->vr, "UN")) enc = (encoding){false, enc.explicit_vr ? false : enc.big_endian};
  p->err = &scratch;
  nsc_status status = parse_items(p, &inner, enc, index, depth + 1, true);
  p->err = outer_err;
  if (status == NSC_OK) {
    memcpy(p->d->elements[index].vr, "SQ", 2);
    return NSC_OK;
  }
  if (status == NSC_ERROR_MEMORY || status == NSC_ERROR_LIMIT) {
    return nsc_fail(p->err, status, "%s", scratch.text);
  }
  p->d->count = index + 1;
  nsc_element *e = &p->d->elements[index];
  e->skip = 1;
  e->count = 0;
  e->length = h->length;
  memcpy(e->vr, "UN", 2);
  return NSC_OK;
}

static nsc_status parse_value(parser *p, nsc_reader *r, encoding enc, const header *h, int depth) {
  uint32_t index;
  nsc_dicom *d = p->d;
  NSC_TRY(add_element(p, h, r->at, enc.big_endian, &index));
  bool is_pixels = depth == 0 && (h->tag == TAG_PIXELS || h->tag == TAG_FLOATS || h->tag == TAG_DOUBLES);
  if (is_pixels) d->pixels = index;
  if (h->length == UNDEFINED_LENGTH) {
    NSC_TRY(parse_undefined(p, r, enc, h, index, depth));
    if (is_pixels) d->pixels_complete = true;
    return NSC_OK;
  }
  if (is_pixels) d->pixels_complete = true;
  nsc_reader inner = *r;
  const uint8_t *value = nsc_reader_take(r, h->length);
  if (!value) {
    size_t left = nsc_reader_left(r);
    if (!is_pixels) {
      return nsc_fail(p->err, NSC_ERROR_TRUNCATED, "DICOM: the file ends %zu bytes before the end of (%04X,%04X) %s",
                      (size_t)h->length - left, h->tag >> 16, h->tag & 0xFFFF, nsc_dicom_tag_name(h->tag));
    }
    d->missing_pixels = h->length - left;
    d->elements[index].length = (uint32_t)left;
    r->at = r->size;
    return NSC_OK;
  }
  if (!looks_like_sequence(h, enc, value)) return NSC_OK;
  inner.size = r->at;
  return try_sequence(p, inner, enc, h, index, depth);
}

static bool rest_is_zero(const nsc_reader *r) {
  for (size_t i = r->at; i < r->size; i++) {
    if (r->bytes[i]) return false;
  }
  return true;
}

/* The elements of a data set or of an item: up to the end of `r`, or of an item of unknown length to its delimiter. */
static nsc_status parse_elements(parser *p, nsc_reader *r, encoding enc, uint32_t parent, int depth, bool in_item) {
  nsc_dicom *d = p->d;
  while (in_item || nsc_reader_left(r) > 0) {
    size_t start = r->at;
    header h;
    if (!take_header(r, enc, &h)) {
      if (!in_item && (p->meta_only || rest_is_zero(r))) break; /* padding to an even or a block size */
      return truncated(p, r->at);
    }
    if (p->meta_only && depth == 0 && h.tag >> 16 != 2) {
      r->at = start;
      break;
    }
    if (!p->meta_only && depth == 0 && d->last_group && h.tag >> 16 > d->last_group) {
      d->stopped = true;
      break;
    }
    if (h.tag == 0 && !in_item && depth == 0 && r->bytes[start] == 0) {
      nsc_reader rest = *r;
      rest.at = start;
      if (rest_is_zero(&rest)) break;
    }
    if (h.tag == TAG_ITEM_END) {
      if (in_item) break;
      continue;
    }
    if (h.tag == TAG_SEQUENCE_END) { /* where an item was not closed, its sequence takes the delimiter */
      if (in_item) r->at = start;
      if (in_item) break;
      continue;
    }
    NSC_TRY(parse_value(p, r, enc, &h, depth));
    d->elements[parent].count++;
  }
  d->elements[parent].skip = d->count - parent;
  return NSC_OK;
}

nsc_status nsc_dicom_parse_elements(nsc_dicom *d, size_t *at, bool explicit_vr, bool big_endian, bool meta_only,
                                    nsc_error *err) {
  nsc_error scratch = {0};
  parser p = {d, &scratch, meta_only};
  nsc_reader r = nsc_reader_of(d->bytes, d->size);
  r.at = *at;
  nsc_status status = parse_elements(&p, &r, (encoding){explicit_vr, big_endian}, 0, 0, false);
  *at = r.at;
  if (status == NSC_OK) return NSC_OK;
  bool only_tail_lost = d->pixels_complete && (status == NSC_ERROR_TRUNCATED || status == NSC_ERROR_CORRUPT);
  if (!only_tail_lost) return nsc_fail(err, status, "%s", scratch.text);
  /* What follows the pixel data cannot change the image: leave it out. */
  nsc_element *root = &d->elements[0];
  d->count = d->pixels + d->elements[d->pixels].skip;
  root->skip = d->count;
  root->count = 0;
  for (const nsc_element *e = root + 1; e < d->elements + d->count; e = nsc_dicom_next(e)) root->count++;
  return NSC_OK;
}
