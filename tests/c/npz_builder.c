#include "npz_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(uint8_t *bytes, size_t *at, size_t room, const void *data, size_t size) {
  if (size > room - *at) abort();
  if (size) memcpy(bytes + *at, data, size);
  *at += size;
}

static void number(uint8_t *bytes, size_t *at, size_t room, uint64_t value, int width) {
  uint8_t little[8];
  for (int i = 0; i < width; i++) little[i] = (uint8_t)(value >> (8 * i));
  put(bytes, at, room, little, (size_t)width);
}

/* CRC-32 as in ISO 3309, bit by bit. */
static uint32_t crc_of(const uint8_t *p, size_t size) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < size; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

static void body(npz_builder *b, uint64_t value, int width) {
  number(b->bytes, &b->size, sizeof b->bytes, value, width);
}

static void head(npz_builder *b, uint64_t value, int width) {
  number(b->directory, &b->directory_size, sizeof b->directory, value, width);
}

/* One stored block of deflate (RFC 1951, 3.2.4). */
static size_t packed_size(const npz_builder *b, size_t size) {
  return b->deflate ? size + 5 : size;
}

static void put_data(npz_builder *b, const void *data, size_t size) {
  if (b->deflate) {
    body(b, 1, 1);
    body(b, size, 2);
    body(b, ~size & 0xFFFF, 2);
  }
  put(b->bytes, &b->size, sizeof b->bytes, data, size);
}

void npz_entry(npz_builder *b, const char *name, const void *data, size_t size) {
  size_t n = strlen(name), at = b->size, packed = packed_size(b, size);
  uint32_t crc = crc_of(data, size);
  bool later = b->descriptors;
  body(b, 0x04034b50, 4), body(b, 20, 2), body(b, later ? 8 : 0, 2), body(b, b->deflate ? 8 : 0, 2), body(b, 0, 4);
  body(b, later ? 0 : crc, 4), body(b, later ? 0 : packed, 4), body(b, later ? 0 : size, 4);
  body(b, n, 2), body(b, 0, 2);
  put(b->bytes, &b->size, sizeof b->bytes, name, n);
  put_data(b, data, size);
  if (later) body(b, 0x08074b50, 4), body(b, crc, 4), body(b, packed, 4), body(b, size, 4);
  head(b, 0x02014b50, 4), head(b, 20, 2), head(b, 20, 2), head(b, later ? 8 : 0, 2), head(b, b->deflate ? 8 : 0, 2);
  head(b, 0, 4), head(b, crc, 4), head(b, b->wide ? 0xFFFFFFFF : packed, 4), head(b, b->wide ? 0xFFFFFFFF : size, 4);
  head(b, n, 2), head(b, b->wide ? 20 : 0, 2), head(b, 0, 2), head(b, 0, 4), head(b, 0, 4), head(b, at, 4);
  put(b->directory, &b->directory_size, sizeof b->directory, name, n);
  if (b->wide) head(b, 1, 2), head(b, 16, 2), head(b, size, 8), head(b, packed, 8);
  b->entries++;
}

void npz_array(npz_builder *b, const char *name, int version, const char *type, const char *order, const char *shape,
               const void *data, size_t size) {
  char file[4096], header[256];
  int n = snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", type, order, shape);
  size_t at = 0;
  put((uint8_t *)file, &at, sizeof file, "\x93NUMPY", 6);
  number((uint8_t *)file, &at, sizeof file, (uint64_t)version, 1);
  number((uint8_t *)file, &at, sizeof file, 0, 1);
  number((uint8_t *)file, &at, sizeof file, (uint64_t)n, version == 1 ? 2 : 4);
  put((uint8_t *)file, &at, sizeof file, header, (size_t)n);
  put((uint8_t *)file, &at, sizeof file, data, size);
  npz_entry(b, name, file, at);
}

void npz_end(npz_builder *b) {
  size_t at = b->size;
  put(b->bytes, &b->size, sizeof b->bytes, b->directory, b->directory_size);
  body(b, 0x06054b50, 4), body(b, 0, 4), body(b, b->entries, 2), body(b, b->entries, 2);
  body(b, b->directory_size, 4), body(b, at, 4), body(b, 0, 2);
}

void npz_small(npz_builder *b) {
  uint8_t pixels[18];
  const uint8_t labels[3] = {0, 1, 0};
  const uint8_t wide_labels[16] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
  for (int i = 0; i < 18; i++) pixels[i] = (uint8_t)i;
  npz_array(b, "train_images.npy", 1, "'|u1'", "False", "(3, 2, 3)", pixels, 18);
  npz_array(b, "train_labels.npy", 2, "'|u1'", "False", "(3, 1)", labels, 3);
  npz_array(b, "test_images.npy", 3, "'|u1'", "False", "(2, 2, 3)", pixels, 12);
  npz_array(b, "test_labels.npy", 1, "'<i8'", "False", "(2,)", wide_labels, 16);
  npz_entry(b, "readme.txt", "other entries are left alone", 28);
  npz_end(b);
}
