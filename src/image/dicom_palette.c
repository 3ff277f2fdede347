/*
 * PALETTE COLOR (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6): three tables, plain or in segments (C.7.9.2). Where the low byte
 * of 16-bit entries says nothing (it is 0, or repeats the high byte) the result has 8 bits.
 */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

#define TAG_DESCRIPTOR NSC_TAG(0x0028, 0x1101) /* of red; green and blue follow */
#define TAG_DATA NSC_TAG(0x0028, 0x1201)
#define TAG_SEGMENTS NSC_TAG(0x0028, 0x1221)

/* Segmented data: values of one or two bytes. */
typedef struct segments {
  const uint8_t *bytes;
  uint32_t size, at; /* in bytes */
  uint32_t value_size;
  bool big_endian;
} segments;

static bool take_value(segments *s, uint32_t *out) {
  if (s->size - s->at < s->value_size) return false;
  *out = s->value_size == 1 ? s->bytes[s->at] : nsc_load_u16(s->bytes + s->at, s->big_endian);
  s->at += s->value_size;
  return true;
}

/* A byte offset of 32 bits, its least significant value first. */
static bool take_offset(segments *s, uint32_t *out) {
  uint32_t values = 4 / s->value_size;
  *out = 0;
  for (uint32_t i = 0; i < values; i++) {
    uint32_t value;
    if (!take_value(s, &value)) return false;
    *out |= value << (8 * s->value_size * i);
  }
  return true;
}

typedef struct expansion {
  uint16_t *values;
  uint32_t count, room;
} expansion;

static bool append(expansion *e, uint32_t value) {
  if (e->count == e->room) return false;
  e->values[e->count++] = (uint16_t)value;
  return true;
}

/* One segment. Indirect ones repeat earlier ones, among which there is no other indirect one. */
static bool expand_segment(segments *s, expansion *e, bool inside) {
  uint32_t opcode, length, value;
  if (!take_value(s, &opcode) || !take_value(s, &length) || length == 0) return false;
  if (opcode == 0) { /* discrete */
    while (length-- > 0) {
      if (!take_value(s, &value) || !append(e, value)) return false;
    }
    return true;
  }
  if (opcode == 1) { /* linear, from the value before it */
    if (e->count == 0 || !take_value(s, &value)) return false;
    double from = e->values[e->count - 1], step = ((double)value - from) / length;
    for (uint32_t i = 1; i <= length; i++) {
      if (!append(e, (uint32_t)nearbyint(from + step * i))) return false;
    }
    return true;
  }
  segments earlier = *s;
  if (opcode != 2 || inside || !take_offset(s, &earlier.at) || earlier.at >= s->size) return false;
  while (length-- > 0) {
    if (!expand_segment(&earlier, e, true)) return false;
  }
  return true;
}

static nsc_status read_segmented(const nsc_dicom *d, const nsc_element *descriptor, const nsc_element *data,
                                 nsc_lut *out, nsc_error *err) {
  if (!descriptor || descriptor->length < 6 || descriptor->count || data->count) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: a palette without descriptor or data");
  }
  const uint8_t *p = d->bytes + descriptor->offset;
  uint32_t count = nsc_load_u16(p, descriptor->big_endian), bits = nsc_load_u16(p + 4, descriptor->big_endian);
  uint16_t first = nsc_load_u16(p + 2, descriptor->big_endian);
  if (count == 0) count = 65536;
  uint16_t *values = malloc(count * sizeof *values);
  if (!values) return nsc_fail_memory(err, count * sizeof *values, "a palette");
  segments s = {d->bytes + data->offset, data->length, 0, bits == 8 ? 1 : 2, data->big_endian};
  expansion e = {values, 0, count};
  while (e.count < count) {
    if (expand_segment(&s, &e, false)) continue;
    free(values);
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: a segmented palette ends at entry %u of %u, or makes no sense",
                    e.count, count);
  }
  bool is_signed = d->is_signed || (descriptor->vr[0] == 'S' && descriptor->vr[1] == 'S');
  *out = (nsc_lut){
      .count = count, .first = is_signed ? (int16_t)first : first, .bits = bits == 8 ? 8 : 16, .values = values};
  return NSC_OK;
}

static nsc_status read_channel(const nsc_dicom *d, uint32_t channel, nsc_lut *out, nsc_error *err) {
  const nsc_element *descriptor = nsc_dicom_find(d->elements, TAG_DESCRIPTOR + channel);
  const nsc_element *data = nsc_dicom_find(d->elements, TAG_DATA + channel);
  const nsc_element *in_segments = nsc_dicom_find(d->elements, TAG_SEGMENTS + channel);
  if ((!data || !data->length) && in_segments) return read_segmented(d, descriptor, in_segments, out, err);
  if (!descriptor && nsc_dicom_find(d->elements, NSC_TAG(0x0028, 0x1199))) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "DICOM: the palette is not in the file, only its UID");
  }
  return nsc_dicom_read_table(d, descriptor, data, d->is_signed, out, err);
}

/* Whether the low bytes of 16-bit entries can go. */
static bool has_idle_low_bytes(const nsc_dicom_palette *p) {
  bool zero = true, repeated = true;
  for (uint32_t i = 0; i < 3 * p->count; i++) {
    zero = zero && (p->rgb[i] & 0xFF) == 0;
    repeated = repeated && (p->rgb[i] & 0xFF) == p->rgb[i] >> 8;
  }
  return zero || repeated;
}

static nsc_status join_channels(nsc_dicom *d, const nsc_lut tables[3], nsc_error *err) {
  nsc_dicom_palette *p = &d->palette;
  if (tables[1].count != tables[0].count || tables[2].count != tables[0].count) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: palettes of %u, %u and %u entries", tables[0].count,
                    tables[1].count, tables[2].count);
  }
  p->rgb = malloc((size_t)3 * tables[0].count * sizeof *p->rgb);
  if (!p->rgb) return nsc_fail_memory(err, (size_t)3 * tables[0].count * sizeof *p->rgb, "a palette");
  p->count = tables[0].count;
  p->first = tables[0].first;
  for (uint32_t c = 0; c < 3; c++) {
    p->bits = tables[c].bits > p->bits ? tables[c].bits : p->bits;
    for (uint32_t i = 0; i < p->count; i++) p->rgb[3 * i + c] = tables[c].values[i];
  }
  if (p->bits < 8) p->bits = 8;
  if (p->bits == 16 && has_idle_low_bytes(p)) {
    p->bits = 8;
    for (uint32_t i = 0; i < 3 * p->count; i++) p->rgb[i] >>= 8;
  }
  return NSC_OK;
}

nsc_status nsc_dicom_read_palette(nsc_dicom *d, nsc_error *err) {
  nsc_lut tables[3] = {{0}};
  nsc_status status = NSC_OK;
  for (uint32_t c = 0; c < 3 && status == NSC_OK; c++) status = read_channel(d, c, &tables[c], err);
  if (status == NSC_OK) status = join_channels(d, tables, err);
  for (uint32_t c = 0; c < 3; c++) free(tables[c].values);
  return status;
}

void nsc_dicom_apply_palette(const nsc_dicom *d, const void *indices, size_t pixels, void *samples) {
  const nsc_dicom_palette *p = &d->palette;
  for (size_t i = 0; i < pixels; i++) {
    int64_t entry = (int64_t)nsc_sample_value(d->type, indices, i) - p->first;
    entry = entry < 0 ? 0 : entry >= p->count ? p->count - 1 : entry;
    const uint16_t *rgb = p->rgb + 3 * entry;
    for (size_t c = 0; c < 3; c++) {
      if (p->bits > 8) {
        ((uint16_t *)samples)[3 * i + c] = rgb[c];
      } else {
        ((uint8_t *)samples)[3 * i + c] = (uint8_t)rgb[c];
      }
    }
  }
}
