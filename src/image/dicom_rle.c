/*
 * RLE (PS3.5 annex G): a header of 16 words says where up to 15 segments begin. Each is one byte of all samples of one
 * channel, the most significant byte first, packed as PackBits of TIFF.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

enum { HEADER = 64, MAX_SEGMENTS = 15 };

/* Unpacks to out[0], out[step], ... until there are `count` or the segment ends. Returns how many there are. */
static size_t unpack_segment(nsc_reader r, uint8_t *out, size_t count, size_t step) {
  size_t n = 0;
  while (n < count) {
    const uint8_t *control = nsc_reader_take(&r, 1);
    if (!control) break;
    if (*control == 128) continue; /* no operation */
    bool is_run = *control > 128;
    size_t length = is_run ? 257 - (size_t)*control : (size_t)*control + 1;
    const uint8_t *from = nsc_reader_take(&r, is_run ? 1 : length);
    if (!from) break;
    if (length > count - n) length = count - n;
    if (step == 1 && is_run) {
      memset(out + n, *from, length);
    } else if (step == 1) {
      memcpy(out + n, from, length);
    } else {
      for (size_t i = 0; i < length; i++) out[(n + i) * step] = from[is_run ? 0 : i];
    }
    n += length;
  }
  return n;
}

nsc_status nsc_dicom_decode_rle(const uint8_t *stream, size_t size, uint32_t planes, size_t plane, uint32_t bytes_each,
                                uint8_t *out, nsc_error *err) {
  uint32_t want = planes * bytes_each;
  if (size < HEADER) return nsc_fail(err, NSC_ERROR_TRUNCATED, "RLE: a frame of %zu bytes has no header", size);
  uint32_t segments = nsc_load_u32(stream, false);
  if (segments != want || want > MAX_SEGMENTS) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "RLE: %u segments where the pixels need %u", segments, want);
  }
  for (uint32_t i = 0; i < segments; i++) {
    uint32_t start = nsc_load_u32(stream + 4 + 4 * (size_t)i, false);
    uint32_t end = i + 1 < segments ? nsc_load_u32(stream + 8 + 4 * (size_t)i, false) : (uint32_t)size;
    if (start < HEADER || start > end || end > size) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "RLE: segment %u is to lie at %u to %u of %zu bytes", i, start, end,
                      size);
    }
    uint8_t *to = out + (size_t)(i / bytes_each) * plane * bytes_each + (bytes_each - 1 - i % bytes_each);
    size_t got = unpack_segment(nsc_reader_of(stream + start, end - start), to, plane, bytes_each);
    if (got < plane) {
      return nsc_fail(err, NSC_ERROR_TRUNCATED, "RLE: segment %u has %zu of %zu bytes", i, got, plane);
    }
  }
  return NSC_OK;
}
