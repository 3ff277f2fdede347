#include "dicom_builder.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static void put(dicom_builder *b, const void *bytes, size_t size) {
  if (b->size + size > b->capacity) {
    b->capacity = (b->size + size) * 2;
    b->bytes = realloc(b->bytes, b->capacity);
  }
  if (size) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
}

static void put16(dicom_builder *b, uint32_t value) {
  uint8_t little[2] = {(uint8_t)value, (uint8_t)(value >> 8)}, big[2] = {(uint8_t)(value >> 8), (uint8_t)value};
  put(b, b->big_endian ? big : little, 2);
}

static void put32(dicom_builder *b, uint32_t value) {
  put16(b, b->big_endian ? value >> 16 : value & 0xFFFF);
  put16(b, b->big_endian ? value & 0xFFFF : value >> 16);
}

static void put_tag(dicom_builder *b, uint32_t tag) {
  put16(b, tag >> 16);
  put16(b, tag & 0xFFFF);
}

void dicom_header(dicom_builder *b, uint32_t tag, const char *vr, uint32_t length) {
  put_tag(b, tag);
  if (b->implicit) {
    put32(b, length);
    return;
  }
  put(b, vr, 2);
  if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr)) {
    put16(b, 0);
    put32(b, length);
  } else {
    put16(b, length);
  }
}

void dicom_bytes(dicom_builder *b, uint32_t tag, const char *vr, const void *bytes, size_t size) {
  dicom_header(b, tag, vr, (uint32_t)size);
  put(b, bytes, size);
}

void dicom_text(dicom_builder *b, uint32_t tag, const char *vr, const char *text) {
  size_t size = strlen(text);
  dicom_header(b, tag, vr, (uint32_t)(size + (size & 1)));
  put(b, text, size);
  if (size & 1) put(b, strcmp(vr, "UI") == 0 ? "" : " ", 1);
}

void dicom_words(dicom_builder *b, uint32_t tag, const char *vr, const uint16_t *words, size_t count) {
  dicom_header(b, tag, vr, (uint32_t)(count * 2));
  for (size_t i = 0; i < count; i++) put16(b, words[i]);
}

void dicom_us(dicom_builder *b, uint32_t tag, uint32_t value) {
  uint16_t word = (uint16_t)value;
  dicom_words(b, tag, "US", &word, 1);
}

void dicom_begin_bare(dicom_builder *b, bool implicit, bool big_endian) {
  b->implicit = implicit;
  b->big_endian = big_endian;
  b->data_set = b->size;
}

void dicom_begin(dicom_builder *b, const char *syntax) {
  uint8_t preamble[132] = {0};
  memcpy(preamble + 128, "DICM", 4);
  put(b, preamble, sizeof preamble);
  dicom_header(b, 0x00020000, "UL", 4);
  size_t length_at = b->size;
  put32(b, 0);
  dicom_text(b, 0x00020010, "UI", syntax);
  b->bytes[length_at] = (uint8_t)(b->size - length_at - 4);
  dicom_begin_bare(b, strcmp(syntax, IMPLICIT_LITTLE) == 0, strcmp(syntax, EXPLICIT_BIG) == 0);
}

void dicom_end(dicom_builder *b) {
  free(b->bytes);
  *b = (dicom_builder){0};
}

void dicom_image(dicom_builder *b, dicom_pixels p) {
  if (!p.samples) p.samples = 1;
  dicom_us(b, 0x00280002, p.samples);
  dicom_text(b, 0x00280004, "CS", p.photometric ? p.photometric : p.samples == 3 ? "RGB" : "MONOCHROME2");
  if (p.samples == 3) dicom_us(b, 0x00280006, p.planar);
  char frames[12];
  snprintf(frames, sizeof frames, "%u", p.frames);
  if (p.frames) dicom_text(b, 0x00280008, "IS", frames);
  dicom_us(b, 0x00280010, p.rows);
  dicom_us(b, 0x00280011, p.columns);
  dicom_us(b, 0x00280100, p.allocated);
  dicom_us(b, 0x00280101, p.stored ? p.stored : p.allocated);
  dicom_us(b, 0x00280102, p.high ? p.high : (p.stored ? p.stored : p.allocated) - 1);
  dicom_us(b, 0x00280103, p.is_signed);
}

void dicom_open(dicom_builder *b, uint32_t tag) {
  dicom_header(b, tag, "SQ", 0xFFFFFFFF);
}

void dicom_item(dicom_builder *b) {
  put_tag(b, 0xFFFEE000);
  put32(b, 0xFFFFFFFF);
}

void dicom_end_item(dicom_builder *b) {
  put_tag(b, 0xFFFEE00D);
  put32(b, 0);
}

void dicom_close(dicom_builder *b) {
  put_tag(b, 0xFFFEE0DD);
  put32(b, 0);
}

void dicom_encapsulate(dicom_builder *b, const uint32_t *offsets, size_t count) {
  dicom_header(b, 0x7FE00010, "OB", 0xFFFFFFFF);
  put_tag(b, 0xFFFEE000);
  put32(b, (uint32_t)(4 * count));
  for (size_t i = 0; i < count; i++) put32(b, offsets[i]);
}

void dicom_fragment(dicom_builder *b, const void *bytes, size_t size) {
  put_tag(b, 0xFFFEE000);
  put32(b, (uint32_t)(size + (size & 1)));
  put(b, bytes, size);
  if (size & 1) put(b, "", 1);
}

static size_t rle_segment(const uint8_t *bytes, size_t size, uint8_t *out) {
  size_t n = 0;
  for (size_t i = 0; i < size;) {
    size_t run = 1;
    while (run < 128 && i + run < size && bytes[i + run] == bytes[i]) run++;
    if (run > 1) {
      out[n++] = (uint8_t)(257 - run);
      out[n++] = bytes[i];
    } else {
      out[n++] = 0; /* a literal of one byte */
      out[n++] = bytes[i];
    }
    i += run;
  }
  return n;
}

size_t rle_encode(const uint8_t *bytes, uint32_t segments, size_t size, uint8_t *out) {
  size_t at = 64;
  memset(out, 0, 64);
  out[0] = (uint8_t)segments;
  for (uint32_t i = 0; i < segments; i++) {
    for (int k = 0; k < 4; k++) out[4 + 4 * i + (uint32_t)k] = (uint8_t)(at >> (8 * k));
    at += rle_segment(bytes + i * size, size, out + at);
    if (at & 1) out[at++] = 0;
  }
  return at;
}

void dicom_deflate(dicom_builder *b) {
  size_t left = b->size - b->data_set;
  uint8_t *data = malloc(left);
  const uint8_t *from = data;
  memcpy(data, b->bytes + b->data_set, left);
  b->size = b->data_set;
  while (left) {
    uint16_t n = left > 65535 ? 65535 : (uint16_t)left;
    uint8_t head[5] = {left <= 65535, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
    put(b, head, 5);
    put(b, from, n);
    from += n;
    left -= n;
  }
  free(data);
}

nsc_image *test_open(const void *bytes, size_t size, nsc_error *err) {
  nsc_source *source;
  nsc_image *image;
  if (nsc_source_from_bytes(bytes, size, &source, err) != NSC_OK) return NULL;
  if (nsc_image_open(source, NULL, &image, err) == NSC_OK) return image;
  nsc_source_free(source);
  return NULL;
}

nsc_status test_open_status(const void *bytes, size_t size, nsc_error *err) {
  nsc_error own = {0};
  nsc_error *to = err ? err : &own;
  *to = (nsc_error){0};
  nsc_image *image = test_open(bytes, size, to);
  nsc_image_free(image);
  return to->status;
}
