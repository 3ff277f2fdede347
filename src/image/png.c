/*
 * PNG (W3C Portable Network Graphics, third edition). Inflated by libdeflate in one step into a buffer of exactly the
 * size that the header implies, so that a bomb is refused, and every checksum is looked at.
 */
#include <libdeflate.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/picture.h"

enum { COLOR_GREY = 0, COLOR_RGB = 2, COLOR_PALETTE = 3, COLOR_GREY_ALPHA = 4, COLOR_RGB_ALPHA = 6 };
/* DEFLATE cannot expand more than 1032 to 1 (258 bytes from 2 bits): a header that asks for more is wrong. */
enum { MAX_DEFLATE_RATIO = 1032 };

typedef struct png {
  uint32_t width, height;
  uint32_t depth, color; /* bits of a sample; one of COLOR_* */
  bool interlaced;
  uint8_t palette[256][3];
  uint32_t palette_count;
  uint8_t alpha[256]; /* of palette entries */
  bool has_key;       /* tRNS of a grey or RGB picture: this colour is transparent */
  uint16_t key[3];
  uint8_t *packed; /* the IDAT chunks, joined */
  size_t packed_size;
  uint8_t *raw; /* filter byte and row, pass by pass */
} png;

typedef struct pass {
  uint32_t x, y, dx, dy;
} pass;

/* Section 8: Adam7, and the picture without interlacing as its eighth line. */
static const pass passes[8] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                               {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}, {0, 0, 1, 1}};

static uint32_t samples_of(const png *p) {
  static const uint8_t counts[7] = {1, 0, 3, 1, 2, 0, 4};
  return counts[p->color];
}

static uint32_t extent(uint32_t size, uint32_t start, uint32_t step) {
  return size > start ? (size - start + step - 1) / step : 0;
}

static uint64_t row_bytes(const png *p, uint32_t width) {
  return ((uint64_t)width * samples_of(p) * p->depth + 7) / 8;
}

/* Bytes of all passes, each row with its filter byte. */
static uint64_t raw_bytes(const png *p) {
  uint64_t total = 0;
  for (int i = p->interlaced ? 0 : 7; i < (p->interlaced ? 7 : 8); i++) {
    uint32_t w = extent(p->width, passes[i].x, passes[i].dx), h = extent(p->height, passes[i].y, passes[i].dy);
    if (w && h) total += (row_bytes(p, w) + 1) * h;
  }
  return total;
}

static nsc_status read_header(png *p, const uint8_t *data, uint32_t size, nsc_error *err) {
  if (size != 13) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the header has %u bytes instead of 13", size);
  p->width = nsc_load_u32(data, true);
  p->height = nsc_load_u32(data + 4, true);
  p->depth = data[8];
  p->color = data[9];
  /* Table 11.1: allowed depths as a bit mask, by colour type. */
  static const uint32_t depths[7] = {0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100};
  if (p->color > 6 || p->depth > 16 || !(depths[p->color] >> p->depth & 1)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: there is no colour type %u with %u bits", p->color, p->depth);
  }
  if (p->width > INT32_MAX || p->height > INT32_MAX || data[10] != 0 || data[11] != 0 || data[12] > 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the header has an impossible value");
  }
  p->interlaced = data[12] == 1;
  return NSC_OK;
}

static nsc_status read_palette(png *p, const uint8_t *data, uint32_t size, nsc_error *err) {
  if (size == 0 || size % 3 != 0 || size > 768) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: a palette of %u bytes", size);
  }
  p->palette_count = size / 3;
  memcpy(p->palette, data, size);
  return NSC_OK;
}

static void read_transparency(png *p, const uint8_t *data, uint32_t size) {
  if (p->color == COLOR_PALETTE) {
    memcpy(p->alpha, data, size < 256 ? size : 256);
  } else if ((p->color == COLOR_GREY && size >= 2) || (p->color == COLOR_RGB && size >= 6)) {
    uint32_t mask = (1u << p->depth) - 1;
    for (uint32_t c = 0; c < samples_of(p); c++) p->key[c] = (uint16_t)(nsc_load_u16(data + 2 * c, true) & mask);
    p->has_key = true;
  }
}

static nsc_status add_packed(png *p, const uint8_t *data, uint32_t size, size_t file_size, nsc_error *err) {
  if (!p->packed) p->packed = malloc(file_size); /* the chunks together are smaller than the file */
  if (!p->packed) return nsc_fail_memory(err, file_size, "a PNG");
  memcpy(p->packed + p->packed_size, data, size);
  p->packed_size += size;
  return NSC_OK;
}

#define CHUNK(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static nsc_status read_chunk(png *p, uint32_t type, const uint8_t *data, uint32_t size, size_t file_size,
                             nsc_error *err) {
  bool first = p->depth == 0;
  if (type == CHUNK('C', 'g', 'B', 'I')) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "PNG: Apple's variant for iOS (CgBI) is not supported");
  }
  if (first != (type == CHUNK('I', 'H', 'D', 'R'))) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the header is not the one first chunk");
  }
  switch (type) {
    case CHUNK('I', 'H', 'D', 'R'):
      return read_header(p, data, size, err);
    case CHUNK('P', 'L', 'T', 'E'):
      return read_palette(p, data, size, err);
    case CHUNK('t', 'R', 'N', 'S'):
      read_transparency(p, data, size);
      return NSC_OK;
    case CHUNK('I', 'D', 'A', 'T'):
      return add_packed(p, data, size, file_size, err);
    case CHUNK('I', 'E', 'N', 'D'):
      return NSC_OK;
    default:
      break;
  }
  if (type >> 24 & 0x20) return NSC_OK; /* ancillary */
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "PNG: the critical chunk %08x is not known", (unsigned)type);
}

static nsc_status read_chunks(png *p, const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_reader r = nsc_reader_of(bytes, size);
  const uint8_t *skipped = nsc_reader_take(&r, 8);
  (void)skipped;
  memset(p->alpha, 255, sizeof p->alpha);
  for (uint32_t type = 0; type != CHUNK('I', 'E', 'N', 'D');) {
    const uint8_t *head = nsc_reader_take(&r, 8);
    if (!head) return nsc_fail(err, NSC_ERROR_TRUNCATED, "PNG: the file ends before its IEND chunk");
    uint32_t length = nsc_load_u32(head, true);
    type = nsc_load_u32(head + 4, true);
    const uint8_t *data = nsc_reader_take(&r, (uint64_t)length + 4);
    if (!data) {
      return nsc_fail(err, NSC_ERROR_TRUNCATED, "PNG: a chunk of %u bytes at byte %zu is cut off after %zu", length,
                      r.at - 8, nsc_reader_left(&r));
    }
    bool ok = libdeflate_crc32(0, head + 4, (size_t)length + 4) == nsc_load_u32(data + length, true);
    bool ancillary = type >> 24 & 0x20;
    if (!ok && ancillary) continue;
    if (!ok)
      return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the checksum of the chunk at byte %zu is wrong",
                      (size_t)(head - bytes));
    NSC_TRY(read_chunk(p, type, data, length, size, err));
  }
  if (!p->packed) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the file has no pixel data (IDAT)");
  if (p->color == COLOR_PALETTE && !p->palette_count) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the palette (PLTE) is missing");
  }
  return NSC_OK;
}

static nsc_status inflate_rows(png *p, nsc_error *err) {
  uint64_t need = raw_bytes(p);
  if (need / MAX_DEFLATE_RATIO > p->packed_size) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: %zu bytes of pixel data cannot hold %u x %u pixels", p->packed_size,
                    p->width, p->height);
  }
  if (need > SIZE_MAX / 2) return nsc_fail_memory(err, SIZE_MAX, "a PNG");
  p->raw = malloc((size_t)need);
  if (!p->raw) return nsc_fail_memory(err, (size_t)need, "a PNG");
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  if (!inflater) return nsc_fail_memory(err, 0, "an inflater");
  size_t got = 0;
  enum libdeflate_result result =
      libdeflate_zlib_decompress(inflater, p->packed, p->packed_size, p->raw, (size_t)need, &got);
  libdeflate_free_decompressor(inflater);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the pixel data unpacks to more than %u x %u pixels", p->width,
                    p->height);
  }
  if (result != LIBDEFLATE_SUCCESS) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: the pixel data is damaged");
  if (got != need) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "PNG: the pixel data ends %llu bytes too early",
                    (unsigned long long)(need - got));
  }
  return NSC_OK;
}

static uint8_t paeth(int a, int b, int c) {
  int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
  return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* Section 9, in place. `up` is the row above without its filter byte, NULL for the first; `step` bytes of a pixel. */
static bool unfilter(uint8_t filter, uint8_t *row, const uint8_t *up, size_t n, size_t step) {
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (size_t i = step; i < n; i++) row[i] = (uint8_t)(row[i] + row[i - step]);
      return true;
    case 2:
      for (size_t i = 0; up && i < n; i++) row[i] = (uint8_t)(row[i] + up[i]);
      return true;
    case 3:
      for (size_t i = 0; i < n; i++) {
        int left = i >= step ? row[i - step] : 0;
        row[i] = (uint8_t)(row[i] + (left + (up ? up[i] : 0)) / 2);
      }
      return true;
    case 4:
      for (size_t i = 0; i < n; i++) {
        bool has_left = i >= step;
        row[i] =
            (uint8_t)(row[i] + paeth(has_left ? row[i - step] : 0, up ? up[i] : 0, has_left && up ? up[i - step] : 0));
      }
      return true;
    default:
      return false;
  }
}

/* Sample number `i` of a row. */
static inline uint32_t sample_at(const png *p, const uint8_t *row, size_t i) {
  if (p->depth == 8) return row[i];
  if (p->depth == 16) return nsc_load_u16(row + 2 * i, true);
  size_t bit = i * p->depth;
  return row[bit >> 3] >> (8 - p->depth - (bit & 7)) & ((1u << p->depth) - 1);
}

/* One pixel: colour 0..255 or 0..65535 and its alpha on the same scale. */
static inline nsc_status pixel_at(const png *p, const uint8_t *row, uint32_t x, uint32_t c[4], nsc_error *err) {
  uint32_t n = samples_of(p), top = p->depth == 16 ? 65535 : 255;
  if (p->color == COLOR_PALETTE) {
    uint32_t index = sample_at(p, row, x);
    if (index >= p->palette_count)
      return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: colour %u is not in the palette", index);
    for (int k = 0; k < 3; k++) c[k] = p->palette[index][k];
    c[3] = p->alpha[index];
    return NSC_OK;
  }
  uint32_t s[4] = {0};
  for (uint32_t k = 0; k < n; k++) s[k] = sample_at(p, row, (size_t)x * n + k);
  bool is_key = p->has_key && s[0] == p->key[0] && (n == 1 || (s[1] == p->key[1] && s[2] == p->key[2]));
  uint32_t scale = p->depth < 8 ? 255 / ((1u << p->depth) - 1) : 1;
  for (uint32_t k = 0; k < n; k++) c[k] = s[k] * scale;
  c[3] = is_key ? 0 : (p->color & 4) ? s[n - 1] : top;
  return NSC_OK;
}

static nsc_status expand_row(const png *p, const uint8_t *row, uint32_t width, const pass *at, size_t out_row,
                             uint32_t channels, void *out, nsc_error *err) {
  size_t step = (size_t)at->dx * channels, i = (out_row * p->width + at->x) * channels;
  bool wide = p->depth == 16;
  bool plain = p->depth >= 8 && !(p->color & 1) && !(p->color & 4) && !p->has_key;
  if (plain && !wide && at->dx == 1) {
    memcpy((uint8_t *)out + i, row, (size_t)width * channels);
    return NSC_OK;
  }
  if (plain && wide && at->dx == 1) {
    for (size_t k = 0; k < (size_t)width * channels; k++) ((uint16_t *)out)[i + k] = nsc_load_u16(row + 2 * k, true);
    return NSC_OK;
  }
  for (uint32_t x = 0; x < width; x++, i += step) {
    uint32_t c[4], top = wide ? 65535 : 255;
    NSC_TRY(pixel_at(p, row, x, c, err));
    for (uint32_t k = 0; k < channels; k++) {
      uint32_t value = c[3] == top ? c[k] : (uint32_t)(((uint64_t)c[k] * c[3] + top / 2) / top);
      if (wide) {
        ((uint16_t *)out)[i + k] = (uint16_t)value;
      } else {
        ((uint8_t *)out)[i + k] = (uint8_t)value;
      }
    }
  }
  return NSC_OK;
}

static nsc_status unpack(png *p, uint32_t channels, void *out, nsc_error *err) {
  uint8_t *at = p->raw;
  size_t step = (samples_of(p) * p->depth + 7) / 8;
  for (int i = p->interlaced ? 0 : 7; i < (p->interlaced ? 7 : 8); i++) {
    uint32_t w = extent(p->width, passes[i].x, passes[i].dx), h = extent(p->height, passes[i].y, passes[i].dy);
    size_t n = (size_t)row_bytes(p, w);
    const uint8_t *up = NULL;
    for (uint32_t y = 0; w && y < h; y++) {
      if (!unfilter(at[0], at + 1, up, n, step)) {
        return nsc_fail(err, NSC_ERROR_CORRUPT, "PNG: filter %u of row %u does not exist", at[0], y);
      }
      up = at + 1;
      NSC_TRY(expand_row(p, up, w, &passes[i], passes[i].y + (size_t)y * passes[i].dy, channels, out, err));
      at += n + 1;
    }
  }
  return NSC_OK;
}

static nsc_status open_png(png *p, nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err) {
  NSC_TRY(read_chunks(p, bytes, size, err));
  uint32_t channels = p->color & 2 ? 3 : 1, bits = p->depth == 16 ? 16 : 8;
  NSC_TRY(nsc_picture_describe(image, p->width, p->height, channels, bits, (1u << bits) - 1, err));
  NSC_TRY(inflate_rows(p, err));
  void *samples = malloc(nsc_image_frame_bytes(image));
  if (!samples) return nsc_fail_memory(err, nsc_image_frame_bytes(image), "a PNG");
  nsc_picture_own_samples(image, samples);
  return unpack(p, channels, samples, err);
}

nsc_status nsc_png_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err) {
  png p = {0};
  nsc_status status = open_png(&p, image, bytes, size, err);
  free(p.packed);
  free(p.raw);
  return status;
}
