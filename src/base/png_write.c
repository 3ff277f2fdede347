#include "base/png_write.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

enum { FILTERS = 5 };

/* ---- rows (PNG 9.2) ---- */

static uint8_t paeth(int left, int above, int corner) {
  int guess = left + above - corner, a = abs(guess - left), b = abs(guess - above), c = abs(guess - corner);
  return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
}

/* One row less what filter number `kind` foretells, into `out`. Before the first row and pixel all is 0. */
static void filter_row(int kind, const uint8_t *row, const uint8_t *above, size_t size, size_t step, uint8_t *out) {
  for (size_t i = 0; i < size; i++) {
    uint8_t a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0, c = above && i >= step ? above[i - step] : 0;
    uint8_t guess = 0;
    if (kind == 1) guess = a;
    if (kind == 2) guess = b;
    if (kind == 3) guess = (uint8_t)((a + b) / 2);
    if (kind == 4) guess = paeth(a, b, c);
    out[i] = (uint8_t)(row[i] - guess);
  }
}

static uint64_t weight(const uint8_t *row, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i++) sum += row[i] < 128 ? row[i] : 256u - row[i];
  return sum;
}

/* `out` [height][1 + size]; `tried` has room for `size` bytes. */
static void filter_rows(const uint8_t *pixels, size_t size, size_t height, size_t step, uint8_t *tried, uint8_t *out) {
  for (size_t y = 0; y < height; y++, out += size + 1) {
    const uint8_t *row = pixels + y * size, *above = y ? row - size : NULL;
    uint64_t least = UINT64_MAX;
    for (int kind = 0; kind < FILTERS; kind++) {
      filter_row(kind, row, above, size, step, tried);
      uint64_t sum = weight(tried, size);
      if (sum >= least) continue;
      least = sum;
      out[0] = (uint8_t)kind;
      memcpy(out + 1, tried, size);
    }
  }
}

/* ---- chunks (PNG 5.3) ---- */

static void put32(nsc_text *t, uint32_t value) {
  const char bytes[4] = {(char)(value >> 24), (char)(value >> 16 & 0xFF), (char)(value >> 8 & 0xFF),
                         (char)(value & 0xFF)};
  nsc_text_append(t, bytes, 4);
}

static void put_chunk(nsc_text *t, const char type[4], const void *data, size_t size) {
  uint32_t sum = libdeflate_crc32(libdeflate_crc32(0, type, 4), data, size);
  put32(t, (uint32_t)size);
  nsc_text_append(t, type, 4);
  nsc_text_append(t, data, size);
  put32(t, sum);
}

static void put_header(nsc_text *t, uint32_t width, uint32_t height, uint32_t channels) {
  uint8_t header[13] = {(uint8_t)(width >> 24),  (uint8_t)(width >> 16),  (uint8_t)(width >> 8),  (uint8_t)width,
                        (uint8_t)(height >> 24), (uint8_t)(height >> 16), (uint8_t)(height >> 8), (uint8_t)height};
  header[8] = 8;
  header[9] = channels == 3 ? 2 : 0; /* truecolour, greyscale */
  nsc_text_append(t, "\x89PNG\r\n\x1A\n", 8);
  put_chunk(t, "IHDR", header, sizeof header);
}

/* ---- the file ---- */

static nsc_status put_data(nsc_text *t, const uint8_t *rows, size_t size, nsc_pack pack, nsc_error *err) {
  nsc_text packed = {0};
  nsc_status status = pack(&packed, rows, size, err);
  if (status == NSC_OK) put_chunk(t, "IDAT", packed.chars, packed.size);
  t->failed = t->failed || packed.failed;
  nsc_text_drop(&packed);
  return status;
}

nsc_status nsc_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, nsc_pack pack,
                         nsc_text *out, nsc_error *err) {
  size_t line = (size_t)width * channels, size;
  /* A chunk holds at most 2^31 - 1 bytes (5.3); packed data may be a little longer than the rows. */
  if (!nsc_mul_size(line + 1, height, &size) || size > 0x7F000000) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%u x %u pixels are too many for a PNG of one chunk", width, height);
  }
  uint8_t *rows = malloc(size + line);
  if (!rows) return nsc_fail_memory(err, size + line, "a PNG");
  filter_rows(pixels, line, height, channels, rows + size, rows);
  put_header(out, width, height, channels);
  nsc_status status = put_data(out, rows, size, pack, err);
  put_chunk(out, "IEND", "", 0);
  free(rows);
  return status;
}
