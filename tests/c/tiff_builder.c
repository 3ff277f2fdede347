#include "tiff_builder.h"

#include <string.h>

static void put_at(tiff_builder *b, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++) b->bytes[at + (b->big_endian ? size - 1 - i : i)] = (uint8_t)(value >> (8 * i));
}

static void put(tiff_builder *b, uint64_t value, size_t size) {
  put_at(b, b->size, value, size);
  b->size += size;
}

void tiff_begin(tiff_builder *b, bool big_endian, bool big) {
  memset(b, 0, sizeof *b);
  b->big_endian = big_endian;
  b->big = big;
  memcpy(b->bytes, big_endian ? "MM" : "II", 2);
  b->size = 2;
  put(b, big ? 43 : 42, 2);
  if (big) put(b, 8, 2), put(b, 0, 2);
  b->link = b->size;
  put(b, 0, big ? 8 : 4);
}

size_t tiff_data(tiff_builder *b, const void *bytes, size_t size) {
  size_t at = b->size;
  memcpy(b->bytes + at, bytes, size);
  b->size += size + size % 2;
  return at;
}

size_t tiff_numbers(tiff_builder *b, const uint32_t *values, size_t count, size_t bytes_each) {
  size_t at = b->size;
  for (size_t i = 0; i < count; i++) put(b, values[i], bytes_each);
  return at;
}

void tiff_page(tiff_builder *b, uint32_t tags) {
  put_at(b, b->link, b->size, b->big ? 8 : 4);
  b->directory = b->size;
  put(b, tags, b->big ? 8 : 2);
}

void tiff_tag(tiff_builder *b, uint16_t tag, uint16_t type, uint64_t count, uint64_t value) {
  static const uint8_t sizes[19] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  size_t room = b->big ? 8 : 4, end;
  put(b, tag, 2);
  put(b, type, 2);
  put(b, count, room);
  end = b->size + room;
  put(b, value, count == 1 && sizes[type] < room ? sizes[type] : room);
  b->size = end;
}

void tiff_end_page(tiff_builder *b) {
  b->link = b->size;
  put(b, 0, b->big ? 8 : 4);
}

void tiff_plain_page(tiff_builder *b, const tiff_facts *f) {
  tiff_page(b, 12);
  tiff_tag(b, 256, 4, 1, f->width);
  tiff_tag(b, 257, 3, 1, f->height);
  tiff_tag(b, 258, 3, 1, f->bits);
  tiff_tag(b, 259, 3, 1, f->compression ? f->compression : 1);
  tiff_tag(b, 262, 3, 1, f->photometric);
  tiff_tag(b, 273, 4, 1, f->data);
  tiff_tag(b, 277, 3, 1, f->samples ? f->samples : 1);
  tiff_tag(b, 278, 3, 1, f->height);
  tiff_tag(b, 279, 4, 1, f->data_size);
  tiff_tag(b, 284, 3, 1, f->planar ? f->planar : 1);
  tiff_tag(b, 317, 3, 1, f->predictor ? f->predictor : 1);
  tiff_tag(b, 339, 3, 1, f->format ? f->format : 1);
  tiff_end_page(b);
}
