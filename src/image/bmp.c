/*
 * BMP: the headers of OS/2 (12, 16, 64 bytes) and Windows (40 to 124), 1 to 32 bits per pixel, bit fields, and both
 * run-length encodings. Colour stays RGB, even where a palette is all grey.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/picture.h"

enum { FILE_HEADER = 14, RGB = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHA_BITFIELDS = 6 };

typedef struct bmp {
  const uint8_t *bytes;
  size_t size;
  uint32_t header; /* bytes of the second header */
  int64_t width, height;
  bool from_top;
  uint32_t bits, compression;
  size_t pixels;    /* offset */
  uint32_t mask[4]; /* red, green, blue, alpha; 0: absent */
  uint8_t palette[256][3];
} bmp;

static uint32_t u32_at(const bmp *b, size_t at) {
  return nsc_load_u32(b->bytes + at, false);
}

static nsc_status read_size(bmp *b, nsc_error *err) {
  if (b->size < FILE_HEADER + 4) return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: the header is cut off");
  b->header = u32_at(b, FILE_HEADER);
  if (b->header < 12 || b->header > b->size - FILE_HEADER) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: the header of %u bytes is cut off", b->header);
  }
  b->pixels = u32_at(b, 10);
  if (b->header == 12) {
    b->width = nsc_load_u16(b->bytes + 18, false);
    b->height = nsc_load_u16(b->bytes + 20, false);
    b->bits = nsc_load_u16(b->bytes + 24, false);
  } else {
    b->width = (int32_t)u32_at(b, 18);
    b->height = (int32_t)u32_at(b, 22);
    b->bits = nsc_load_u16(b->bytes + 28, false);
    b->compression = b->header >= 20 ? u32_at(b, 30) : RGB;
  }
  b->from_top = b->height < 0;
  if (b->from_top) b->height = -b->height;
  if (b->width <= 0 || b->height == 0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "BMP: %lld x %lld pixels", (long long)b->width, (long long)b->height);
  }
  return NSC_OK;
}

static nsc_status check_kind(const bmp *b, nsc_error *err) {
  bool fields = b->compression == BITFIELDS || b->compression == ALPHA_BITFIELDS;
  bool known = b->compression == RGB || (b->compression == RLE8 && b->bits == 8) ||
               (b->compression == RLE4 && b->bits == 4) || (fields && (b->bits == 16 || b->bits == 32));
  if (!known) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "BMP: compression %u with %u bits is not supported", b->compression,
                    b->bits);
  }
  bool depth =
      b->bits == 1 || b->bits == 2 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
  if (!depth) return nsc_fail(err, NSC_ERROR_CORRUPT, "BMP: %u bits per pixel", b->bits);
  return NSC_OK;
}

static void set_masks(bmp *b, uint32_t red, uint32_t green, uint32_t blue) {
  b->mask[0] = red;
  b->mask[1] = green;
  b->mask[2] = blue;
}

/* Masks stand behind 40 bytes of header, in it or after it. Without bit fields a fourth byte is unused, not alpha. */
static nsc_status read_masks(bmp *b, nsc_error *err) {
  if (b->bits != 16 && b->bits != 32) return NSC_OK;
  if (b->compression == RGB) {
    if (b->bits == 16) {
      set_masks(b, 0x7C00, 0x03E0, 0x001F);
    } else {
      set_masks(b, 0xFF0000, 0x00FF00, 0x0000FF);
    }
    return NSC_OK;
  }
  if (b->size < FILE_HEADER + 40 + 16) return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: the bit masks are cut off");
  bool has_alpha = b->header >= 56 || b->compression == ALPHA_BITFIELDS;
  for (size_t i = 0; i < (has_alpha ? 4 : 3); i++) b->mask[i] = u32_at(b, FILE_HEADER + 40 + 4 * i);
  if (!b->mask[0] || !b->mask[1] || !b->mask[2]) return nsc_fail(err, NSC_ERROR_CORRUPT, "BMP: a bit mask is empty");
  return NSC_OK;
}

/* Colours that the file does not have stay black. */
static void read_palette(bmp *b) {
  if (b->bits > 8) return;
  size_t entry = b->header == 12 ? 3 : 4, at = FILE_HEADER + (size_t)b->header;
  size_t count = b->pixels > at ? (b->pixels - at) / entry : 0;
  uint32_t used = b->header >= 40 ? u32_at(b, 46) : 0;
  if (used && used < count) count = used;
  for (size_t i = 0; i < count && i < 256 && at + entry <= b->size; i++, at += entry) {
    for (int c = 0; c < 3; c++) b->palette[i][c] = b->bytes[at + 2 - (size_t)c];
  }
}

/* ---- rows ---- */

/* Bits of a mask as 0..255, cut as Pillow cuts. */
static uint32_t field(uint32_t pixel, uint32_t mask) {
  uint32_t shift = (uint32_t)__builtin_ctz(mask), top = mask >> shift;
  return (uint32_t)((uint64_t)((pixel & mask) >> shift) * 255 / top);
}

static void write_fields(const bmp *b, uint32_t pixel, uint8_t out[3]) {
  uint32_t alpha = b->mask[3] ? field(pixel, b->mask[3]) : 255;
  for (int c = 0; c < 3; c++) out[c] = (uint8_t)((field(pixel, b->mask[c]) * alpha + 127) / 255);
}

static void write_row(const bmp *b, const uint8_t *row, uint8_t *out) {
  for (size_t x = 0; x < (size_t)b->width; x++, out += 3) {
    if (b->bits <= 8) {
      size_t bit = x * b->bits;
      uint32_t index = row[bit >> 3] >> (8 - b->bits - (bit & 7)) & ((1u << b->bits) - 1);
      memcpy(out, b->palette[index], 3);
    } else if (b->bits == 24) {
      for (size_t c = 0; c < 3; c++) out[c] = row[3 * x + 2 - c];
    } else {
      write_fields(b, b->bits == 16 ? nsc_load_u16(row + 2 * x, false) : nsc_load_u32(row + 4 * x, false), out);
    }
  }
}

static uint8_t *row_of(const bmp *b, uint8_t *samples, int64_t y) {
  return samples + (size_t)(b->from_top ? y : b->height - 1 - y) * (size_t)b->width * 3;
}

static nsc_status read_rows(const bmp *b, uint8_t *samples, nsc_error *err) {
  uint64_t stride = ((uint64_t)b->width * b->bits + 31) / 32 * 4, end = b->pixels + stride * (uint64_t)b->height;
  if (end > b->size) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: %llu bytes of pixels are missing",
                    (unsigned long long)(end - b->size));
  }
  for (int64_t y = 0; y < b->height; y++) {
    write_row(b, b->bytes + b->pixels + (size_t)(stride * (uint64_t)y), row_of(b, samples, y));
  }
  return NSC_OK;
}

/* ---- run-length encoding ---- */

typedef struct pen {
  int64_t x, y;
} pen;

static void put_index(const bmp *b, uint8_t *samples, pen *at, uint32_t index) {
  if (at->x < b->width && at->y < b->height) {
    memcpy(row_of(b, samples, at->y) + (size_t)at->x * 3, b->palette[index], 3);
  }
  at->x++;
}

/* `count` indices, of 8 bits or two to a byte, from `data`; a run repeats its one byte. */
static void put_indices(const bmp *b, uint8_t *samples, pen *at, uint32_t count, const uint8_t *data, bool run) {
  for (uint32_t i = 0; i < count; i++) {
    uint8_t byte = data[run ? 0 : b->bits == 8 ? i : i / 2];
    put_index(b, samples, at, b->bits == 8 ? byte : i & 1 ? byte & 15u : byte >> 4);
  }
}

static nsc_status read_packed(const bmp *b, uint8_t *samples, nsc_error *err) {
  nsc_reader r = nsc_reader_of(b->bytes, b->size);
  r.at = b->pixels;
  pen at = {0, 0};
  for (;;) {
    const uint8_t *pair = nsc_reader_take(&r, 2), *data = NULL;
    if (!pair) break;
    if (pair[0]) {
      put_indices(b, samples, &at, pair[0], pair + 1, true);
    } else if (pair[1] == 0) {
      at = (pen){0, at.y + 1};
    } else if (pair[1] == 1) {
      return NSC_OK;
    } else if (pair[1] == 2) {
      data = nsc_reader_take(&r, 2);
      if (!data) break;
      at = (pen){at.x + data[0], at.y + data[1]};
    } else { /* literal, padded to 16 bits */
      uint32_t bytes = b->bits == 8 ? pair[1] : (pair[1] + 1u) / 2;
      data = nsc_reader_take(&r, bytes + (bytes & 1));
      if (!data) break;
      put_indices(b, samples, &at, pair[1], data, false);
    }
  }
  return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: the file ends before the end of its pixels");
}

nsc_status nsc_bmp_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err) {
  bmp b = {.bytes = bytes, .size = size};
  NSC_TRY(read_size(&b, err));
  NSC_TRY(check_kind(&b, err));
  NSC_TRY(read_masks(&b, err));
  read_palette(&b);
  if (b.pixels < FILE_HEADER + (uint64_t)b.header || b.pixels > size) {
    return nsc_fail(err, b.pixels > size ? NSC_ERROR_TRUNCATED : NSC_ERROR_CORRUPT, "BMP: the pixels begin at byte %zu",
                    b.pixels);
  }
  NSC_TRY(nsc_picture_describe(image, (uint64_t)b.width, (uint64_t)b.height, 3, 8, 255, err));
  bool packed = b.compression == RLE8 || b.compression == RLE4;
  uint64_t stored = ((uint64_t)b.width * b.bits + 31) / 32 * 4 * (uint64_t)b.height;
  if (!packed && stored > size) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "BMP: %llu bytes of pixels are missing",
                    (unsigned long long)(stored - (size - b.pixels)));
  }
  uint8_t *samples = calloc(nsc_image_frame_bytes(image), 1);
  if (!samples) return nsc_fail_memory(err, nsc_image_frame_bytes(image), "a BMP");
  nsc_picture_own_samples(image, samples);
  return packed ? read_packed(&b, samples, err) : read_rows(&b, samples, err);
}
