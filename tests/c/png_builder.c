#include "png_builder.h"

#include <string.h>

static void put(png_builder *p, const void *bytes, size_t size) {
  if (size) memcpy(p->bytes + p->size, bytes, size);
  p->size += size;
}

static void put32(png_builder *p, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  put(p, bytes, 4);
}

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

void png_begin(png_builder *p) {
  p->size = 0;
  put(p, "\x89PNG\r\n\x1A\n", 8);
}

void png_chunk(png_builder *p, const char *type, const void *data, size_t size) {
  put32(p, (uint32_t)size);
  size_t start = p->size;
  put(p, type, 4);
  put(p, data, size);
  put32(p, crc_of(p->bytes + start, size + 4));
}

void png_header(png_builder *p, uint32_t width, uint32_t height, uint32_t depth, uint32_t color, uint32_t interlace) {
  uint8_t data[13] = {0};
  for (int i = 0; i < 4; i++) {
    data[i] = (uint8_t)(width >> (24 - 8 * i));
    data[4 + i] = (uint8_t)(height >> (24 - 8 * i));
  }
  data[8] = (uint8_t)depth;
  data[9] = (uint8_t)color;
  data[12] = (uint8_t)interlace;
  png_chunk(p, "IHDR", data, 13);
}

void png_data(png_builder *p, const void *rows, size_t size) {
  uint8_t data[4096] = {0x78, 0x01, 1, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8)};
  uint32_t a = 1, b = 0;
  memcpy(data + 7, rows, size);
  for (size_t i = 0; i < size; i++) {
    a = (a + ((const uint8_t *)rows)[i]) % 65521;
    b = (b + a) % 65521;
  }
  const uint8_t adler[4] = {(uint8_t)(b >> 8), (uint8_t)b, (uint8_t)(a >> 8), (uint8_t)a};
  memcpy(data + 7 + size, adler, 4);
  png_chunk(p, "IDAT", data, size + 11);
}

void png_whole(png_builder *p, uint32_t width, uint32_t height, uint32_t depth, uint32_t color, const void *rows,
               size_t size) {
  png_begin(p);
  png_header(p, width, height, depth, color, 0);
  png_data(p, rows, size);
  png_chunk(p, "IEND", NULL, 0);
}
