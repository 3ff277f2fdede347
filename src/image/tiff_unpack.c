/* The two compressions that TIFF brought along. */
#include <string.h>

#include "base/error.h"
#include "image/tiff.h"

nsc_status nsc_tiff_packbits(const uint8_t *bytes, size_t size, uint8_t *out, size_t room, nsc_error *err) {
  size_t at = 0, done = 0;
  while (done < room) {
    if (at == size) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: a PackBits strip or tile is cut off");
    uint8_t head = bytes[at++];
    if (head == 128) continue;
    size_t run = head < 128 ? (size_t)head + 1 : (size_t)257 - head, takes = head < 128 ? run : 1;
    if (takes > size - at) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: a PackBits strip or tile is cut off");
    size_t kept =
        run < room - done ? run : room - done; /* runs over the end of a row are common, over that of a strip not */
    if (head < 128) {
      memcpy(out + done, bytes + at, kept);
    } else {
      memset(out + done, bytes[at], kept);
    }
    at += takes;
    done += kept;
  }
  return NSC_OK;
}

enum { LZW_CLEAR = 256, LZW_END = 257, LZW_FIRST = 258, LZW_CODES = 4096 };

/* A code is the place in the output of the string that made it: each string is the one before with one byte more. */
typedef struct lzw {
  uint32_t place[LZW_CODES], length[LZW_CODES];
  uint32_t next, width; /* the code that will be defined next; bits of a code */
} lzw;

/* Codes get wider one early: the encoder of 1988 counted so, and all have since. */
static void widen(lzw *z) {
  if (z->next == 511 || z->next == 1023 || z->next == 2047) z->width++;
}

nsc_status nsc_tiff_lzw(const uint8_t *bytes, size_t size, uint8_t *out, size_t room, nsc_error *err) {
  lzw z = {.next = LZW_FIRST, .width = 9};
  uint32_t held = 0, bits = 0, before = LZW_CLEAR; /* `before`: the code before this one; none after a clear */
  size_t at = 0, done = 0, before_place = 0, before_length = 0;
  if (size >= 2 && bytes[0] == 0 && (bytes[1] & 1)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: LZW with its bits the other way round (before TIFF 5.0)");
  }
  while (done < room) {
    while (bits < z.width && at < size) held = held << 8 | bytes[at++], bits += 8;
    if (bits < z.width) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: an LZW strip or tile is cut off");
    uint32_t code = held >> (bits - z.width) & ((1u << z.width) - 1);
    bits -= z.width;
    if (code == LZW_END) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: an LZW strip or tile ends too early");
    if (code == LZW_CLEAR) {
      z.next = LZW_FIRST;
      z.width = 9;
      before = LZW_CLEAR;
      continue;
    }
    bool is_new = code == z.next && before != LZW_CLEAR;
    if (code > LZW_END && code >= z.next && !is_new) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: an LZW code that was not defined");
    }
    if (before != LZW_CLEAR && z.next < LZW_CODES) { /* the string before, and the first byte of this one */
      z.place[z.next] = (uint32_t)before_place;
      z.length[z.next] = (uint32_t)before_length + 1;
      z.next++;
      widen(&z);
    }
    size_t length = code < 256 ? 1 : z.length[code], start = done;
    for (size_t i = 0; i < length && done < room; i++) { /* one by one: a new string overlaps what it makes */
      out[done] = code < 256 ? (uint8_t)code : out[z.place[code] + i];
      done++;
    }
    before = code;
    before_place = start;
    before_length = length;
  }
  return NSC_OK;
}
