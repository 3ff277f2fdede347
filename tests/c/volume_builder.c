#include "volume_builder.h"

#include <string.h>

/* A number at its place, in the file's byte order. */
static void put(volume_builder *b, const nifti_facts *f, size_t at, uint64_t bits, size_t size) {
  for (size_t i = 0; i < size; i++) b->bytes[at + (f->big_endian ? size - 1 - i : i)] = (uint8_t)(bits >> (8 * i));
}

static void put_float(volume_builder *b, const nifti_facts *f, size_t at, double value) {
  uint64_t bits = 0;
  float narrow = (float)value;
  memcpy(&bits, f->two ? (const void *)&value : (const void *)&narrow, f->two ? 8 : 4); /* on a little-endian host */
  put(b, f, at, bits, f->two ? 8 : 4);
}

static void put_floats(volume_builder *b, const nifti_facts *f, size_t at, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) put_float(b, f, at + i * (f->two ? 8 : 4), values[i]);
}

void nifti_build(volume_builder *b, const nifti_facts *f, const void *samples, size_t size) {
  memset(b, 0, sizeof *b);
  bool two = f->two;
  int64_t dim[8];
  memcpy(dim, f->dim, sizeof dim);
  if (!dim[0]) dim[0] = 3;
  b->size = two ? 544 : 352;
  put(b, f, 0, two ? 540 : 348, 4);
  memcpy(b->bytes + (two ? 4 : 344), f->magic ? f->magic : two ? "n+2" : "n+1", 4);
  if (two) memcpy(b->bytes + 8, "\r\n\x1A\n", 4);
  for (size_t i = 0; i < 8; i++) put(b, f, two ? 16 + 8 * i : 40 + 2 * i, (uint64_t)dim[i], two ? 8 : 2);
  put(b, f, two ? 12 : 70, (uint64_t)f->datatype, 2);
  put_floats(b, f, two ? 104 : 76, f->pixdim, 8);
  if (two) put(b, f, 168, b->size, 8);
  if (!two) put_float(b, f, 108, (double)b->size);
  put_float(b, f, two ? 176 : 112, f->slope);
  put_float(b, f, two ? 184 : 116, f->inter);
  put_float(b, f, two ? 192 : 124, f->cal_max);
  put_float(b, f, two ? 200 : 128, f->cal_min);
  if (f->descrip) memcpy(b->bytes + (two ? 240 : 148), f->descrip, strlen(f->descrip));
  put(b, f, two ? 344 : 252, (uint64_t)f->qform_code, two ? 4 : 2);
  put(b, f, two ? 348 : 254, (uint64_t)f->sform_code, two ? 4 : 2);
  put_floats(b, f, two ? 352 : 256, f->quatern, 3);
  put_floats(b, f, two ? 376 : 268, f->qoffset, 3);
  for (size_t r = 0; r < 3; r++) put_floats(b, f, (two ? 400 : 280) + r * (two ? 32 : 16), f->srow[r], 4);
  put(b, f, two ? 500 : 123, (uint64_t)f->xyzt_units, two ? 4 : 1);
  put(b, f, two ? 504 : 68, (uint64_t)f->intent_code, two ? 4 : 2);
  if (size) memcpy(b->bytes + b->size, samples, size);
  b->size += size;
}

void gzip_build(volume_builder *b, const void *bytes, size_t size, const char *name) {
  uint8_t head[10] = {0x1F, 0x8B, 8, name ? 8 : 0, 0, 0, 0, 0, 0, 255};
  const uint8_t block[5] = {1, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8)};
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < size; i++) {
    crc ^= ((const uint8_t *)bytes)[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  crc = ~crc;
  uint8_t *p = b->bytes + b->size;
  memcpy(p, head, 10), p += 10;
  if (name) strcpy((char *)p, name), p += strlen(name) + 1;
  memcpy(p, block, 5), p += 5;
  memcpy(p, bytes, size), p += size;
  for (int i = 0; i < 4; i++) *p++ = (uint8_t)(crc >> (8 * i));
  for (int i = 0; i < 4; i++) *p++ = (uint8_t)(size >> (8 * i));
  b->size = (size_t)(p - b->bytes);
}
