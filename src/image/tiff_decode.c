/* Strips and tiles to samples: unpacked, put into this machine's byte order, predictor undone, placed. */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/tiff.h"

static nsc_status inflate(const uint8_t *bytes, size_t size, uint8_t *out, size_t room, nsc_error *err) {
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  if (!inflater) return nsc_fail_memory(err, 0, "an inflater");
  size_t got = 0;
  enum libdeflate_result result = libdeflate_zlib_decompress(inflater, bytes, size, out, room, &got);
  libdeflate_free_decompressor(inflater);
  if (result == LIBDEFLATE_SUCCESS && got == room) return NSC_OK;
  if (result == LIBDEFLATE_SUCCESS) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: a strip or tile unpacks to %zu of %zu bytes", got, room);
  }
  return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: a deflated strip or tile is damaged, or has more than its pixels");
}

static nsc_status unpack(const nsc_tiff_page *p, const uint8_t *bytes, size_t size, uint8_t *out, size_t room,
                         nsc_error *err) {
  switch (p->compression) {
    case NSC_TIFF_NONE:
      memcpy(out, bytes, room); /* nsc_tiff_chunk has looked at the size */
      return NSC_OK;
    case NSC_TIFF_LZW:
      return nsc_tiff_lzw(bytes, size, out, room, err);
    case NSC_TIFF_PACKBITS:
      return nsc_tiff_packbits(bytes, size, out, room, err);
    default:
      return inflate(bytes, size, out, room, err);
  }
}

/* In place: values of the file's byte order to this machine's. */
static void to_host(const nsc_tiff *t, uint32_t bits, uint8_t *bytes, size_t size) {
  for (size_t at = 0; bits > 8 && at + bits / 8 <= size; at += bits / 8) {
    uint8_t *p = bytes + at;
    if (bits == 16) {
      uint16_t value = nsc_load_u16(p, t->big_endian);
      memcpy(p, &value, 2);
    } else if (bits == 32) {
      uint32_t value = nsc_load_u32(p, t->big_endian);
      memcpy(p, &value, 4);
    } else {
      uint64_t value = nsc_load_u64(p, t->big_endian);
      memcpy(p, &value, 8);
    }
  }
}

/* Section 14: a sample is the difference from the one `apart` before it in its row. Sums wrap around. */
#define UNDO_DIFFERENCES(type)                                \
  for (size_t i = apart; i < row / sizeof(type); i++) {       \
    type a, b;                                                \
    memcpy(&a, bytes + (i - apart) * sizeof(type), sizeof a); \
    memcpy(&b, bytes + i * sizeof(type), sizeof b);           \
    b = (type)(a + b);                                        \
    memcpy(bytes + i * sizeof(type), &b, sizeof b);           \
  }

static void undo_predictor(const nsc_tiff_page *p, uint8_t *bytes, size_t rows) {
  size_t row = nsc_tiff_row_bytes(p), apart = p->planar ? 1 : p->samples;
  for (; rows > 0; rows--, bytes += row) {
    if (p->bits == 8) {
      UNDO_DIFFERENCES(uint8_t)
    } else if (p->bits == 16) {
      UNDO_DIFFERENCES(uint16_t)
    } else if (p->bits == 32) {
      UNDO_DIFFERENCES(uint32_t)
    } else {
      UNDO_DIFFERENCES(uint64_t)
    }
  }
}

/* Where the pixels of one row of a chunk go. */
typedef struct row_copy {
  const nsc_tiff *t;
  const nsc_tiff_page *p;
  const uint8_t *from;
  size_t pixels;
  uint8_t *to; /* of the row's first pixel, all channels */
  uint32_t plane;
} row_copy;

static uint32_t small_sample(const nsc_tiff_page *p, const uint8_t *from, size_t x) {
  uint32_t per_byte = 8 / p->bits, shift = p->fill_order == 2 ? (uint32_t)(x % per_byte) * p->bits
                                                              : 8 - p->bits - (uint32_t)(x % per_byte) * p->bits;
  return from[x / per_byte] >> shift & ((1u << p->bits) - 1);
}

/* 1, 2, 4 and 8 bits through the palette, to bytes: the upper ones, as palettes of 8 bits are written. */
static void copy_palette(const row_copy *c) {
  const nsc_tiff_page *p = c->p;
  for (size_t x = 0; x < c->pixels; x++) {
    uint32_t index = p->bits == 8 ? c->from[x] : small_sample(p, c->from, x);
    for (uint32_t k = 0; k < 3; k++) {
      uint64_t value = 0;
      (void)nsc_tiff_value(c->t, &p->colors, ((uint64_t)k << p->bits) + index, &value);
      c->to[3 * x + k] = (uint8_t)(value >> 8);
    }
  }
}

/* Below 8 bits: stretched to 0..255, as PNG does. */
static void copy_small(const row_copy *c) {
  uint32_t scale = 255 / ((1u << c->p->bits) - 1);
  for (size_t x = 0; x < c->pixels; x++) c->to[x] = (uint8_t)(small_sample(c->p, c->from, x) * scale);
}

/* Whole bytes: the samples of the picture, without those beside them; alpha that multiplies does so. */
static void copy_whole(const row_copy *c) {
  const nsc_tiff_page *p = c->p;
  size_t each = p->bits / 8, in = each * (p->planar ? 1 : p->samples), out = each * p->channels;
  uint8_t *to = c->to + (p->planar ? c->plane * each : 0);
  size_t kept = p->planar ? each : out;
  for (size_t x = 0; x < c->pixels; x++) memcpy(to + x * out, c->from + x * in, kept);
  if (!p->unassociated_alpha || p->planar) return;
  for (size_t x = 0; x < c->pixels; x++) {
    for (uint32_t k = 0; k < p->channels; k++) {
      uint16_t value = c->from[x * in + k], alpha = c->from[x * in + p->channels];
      if (each == 1) {
        to[x * out + k] = (uint8_t)((value * alpha + 127) / 255);
        continue;
      }
      memcpy(&value, c->from + x * in + 2 * k, 2);
      memcpy(&alpha, c->from + x * in + 2 * (size_t)p->channels, 2);
      value = (uint16_t)(((uint32_t)value * alpha + 32767) / 65535);
      memcpy(to + x * out + 2 * k, &value, 2);
    }
  }
}

static void copy_row(const row_copy *c) {
  if (c->p->photometric == 3) {
    copy_palette(c);
  } else if (c->p->bits < 8) {
    copy_small(c);
  } else {
    copy_whole(c);
  }
}

static nsc_status decode_chunk(const nsc_tiff *t, const nsc_tiff_page *p, uint64_t index, uint64_t shift,
                               uint8_t *buffer, uint8_t *samples, nsc_error *err) {
  uint64_t in_plane = p->across * p->down, place = index % in_plane;
  uint64_t x = place % p->across * p->chunk_width, y = place / p->across * p->chunk_height;
  size_t rows = (size_t)(p->height - y < p->chunk_height ? p->height - y : p->chunk_height);
  size_t columns = (size_t)(p->width - x < p->chunk_width ? p->width - x : p->chunk_width);
  size_t row = nsc_tiff_row_bytes(p), stored = p->tiled ? (size_t)p->chunk_height : rows, size;
  const uint8_t *bytes;
  NSC_TRY(nsc_tiff_chunk(t, p, index, &bytes, &size, err));
  NSC_TRY(unpack(p, bytes + shift, size, buffer, row * stored, err)); /* a run of pages was checked as a whole */
  to_host(t, p->bits, buffer, row * stored);
  if (p->predictor == 2) undo_predictor(p, buffer, rows);
  size_t pixel = nsc_sample_size(p->type) * p->channels;
  for (size_t r = 0; r < rows; r++) {
    copy_row(&(row_copy){t, p, buffer + r * row, columns,
                         samples + ((size_t)(y + r) * (size_t)p->width + (size_t)x) * pixel,
                         (uint32_t)(index / in_plane)});
  }
  return NSC_OK;
}

nsc_status nsc_tiff_decode(const nsc_tiff *t, const nsc_tiff_page *p, uint64_t shift, void *samples, nsc_error *err) {
  size_t room = nsc_tiff_chunk_bytes(p);
  uint8_t *buffer = malloc(room);
  if (!buffer) return nsc_fail_memory(err, room, "a strip or tile");
  nsc_status status = NSC_OK;
  uint64_t chunks = p->across * p->down * (p->planar ? p->channels : 1); /* planes beside the colours are left out */
  for (uint64_t i = 0; i < chunks && status == NSC_OK; i++) {
    status = decode_chunk(t, p, i, shift, buffer, samples, err);
  }
  free(buffer);
  return status;
}
