/* Unpacking of a size that nobody states, or states honestly: room grows until the data fit or the limit is reached. */
#include "image/gzip.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/* DEFLATE cannot expand more than 1032 to 1 (258 bytes from 2 bits): a trailer that says more is wrong. */
enum { MAX_DEFLATE_RATIO = 1032 };

typedef enum wrapper { WRAPPER_GZIP, WRAPPER_ZLIB, WRAPPER_NONE } wrapper;

typedef struct unpacking {
  struct libdeflate_decompressor *inflater;
  wrapper wrapper;
  size_t head;  /* bytes in front that are not packed */
  uint64_t max; /* bytes, with the head */
  const char *what;
  uint8_t *bytes;
  size_t size, room; /* used and there */
} unpacking;

typedef enum libdeflate_result unpack_function(struct libdeflate_decompressor *, const void *from, size_t size,
                                               void *to, size_t room, size_t *used, size_t *got);

static unpack_function *const functions[] = {
    [WRAPPER_GZIP] = libdeflate_gzip_decompress_ex,
    [WRAPPER_ZLIB] = libdeflate_zlib_decompress_ex,
    [WRAPPER_NONE] = libdeflate_deflate_decompress_ex,
};

static nsc_status grow(unpacking *u, uint64_t room, nsc_error *err) {
  if (u->room >= u->max) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%s: the compressed data unpack to more than %llu bytes", u->what,
                    (unsigned long long)(u->max - u->head));
  }
  if (room > u->max) room = u->max;
  uint8_t *bytes = room < SIZE_MAX / 2 ? realloc(u->bytes, (size_t)room + 1) : NULL;
  if (!bytes) return nsc_fail_memory(err, (size_t)room, "unpacked data");
  u->bytes = bytes;
  u->room = (size_t)room;
  return NSC_OK;
}

/* One member behind what is there already. `used`: its packed bytes. */
static nsc_status unpack_member(unpacking *u, const uint8_t *from, size_t left, size_t *used, nsc_error *err) {
  for (;;) {
    size_t got = 0;
    enum libdeflate_result result =
        functions[u->wrapper](u->inflater, from, left, u->bytes + u->size, u->room - u->size, used, &got);
    if (result == LIBDEFLATE_SUCCESS) {
      u->size += got;
      return NSC_OK;
    }
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: the compressed data are damaged or cut off", u->what);
    }
    NSC_TRY(grow(u, (uint64_t)u->room * 2, err));
  }
}

/* The head as it is, and behind it what the rest unpacks to. */
static nsc_status unpack_all(unpacking *u, const uint8_t *bytes, size_t size, nsc_error *err) {
  /* A gzip file of one member ends with its size, modulo 2^32. */
  uint64_t guess = (uint64_t)size * 4 + 4096, told = size >= 18 ? nsc_load_u32(bytes + size - 4, false) : 0;
  if (u->wrapper == WRAPPER_GZIP && told > 0 && told <= (uint64_t)size * MAX_DEFLATE_RATIO) guess = told;
  NSC_TRY(grow(u, u->head + guess, err));
  memcpy(u->bytes, bytes, u->head);
  u->size = u->head;
  size_t at = u->head;
  do {
    size_t used = 0;
    NSC_TRY(unpack_member(u, bytes + at, size - at, &used, err));
    at += used;
  } while (u->wrapper == WRAPPER_GZIP && nsc_is_gzip(bytes + at, size - at));
  return NSC_OK;
}

static nsc_status unpack(wrapper wrapper, const uint8_t *bytes, size_t size, size_t head, uint64_t max,
                         const char *what, uint8_t **out, size_t *out_size, nsc_error *err) {
  unpacking u = {.wrapper = wrapper, .head = head, .what = what, .inflater = libdeflate_alloc_decompressor()};
  u.max = max < UINT64_MAX - head ? head + max : UINT64_MAX;
  if (!u.inflater) return nsc_fail_memory(err, 0, "an inflater");
  nsc_status status = unpack_all(&u, bytes, size, err);
  libdeflate_free_decompressor(u.inflater);
  if (status != NSC_OK) {
    free(u.bytes);
    return status;
  }
  uint8_t *fitting = realloc(u.bytes, u.size + 1); /* give back what doubling took too much */
  *out = fitting ? fitting : u.bytes;
  *out_size = u.size;
  return NSC_OK;
}

nsc_status nsc_gunzip(const uint8_t *bytes, size_t size, uint64_t max, const char *what, uint8_t **out,
                      size_t *out_size, nsc_error *err) {
  return unpack(WRAPPER_GZIP, bytes, size, 0, max, what, out, out_size, err);
}

nsc_status nsc_unzlib(const uint8_t *bytes, size_t size, uint64_t max, const char *what, uint8_t **out,
                      size_t *out_size, nsc_error *err) {
  return unpack(WRAPPER_ZLIB, bytes, size, 0, max, what, out, out_size, err);
}

nsc_status nsc_inflate_behind(const uint8_t *bytes, size_t size, size_t head, uint64_t max, const char *what,
                              uint8_t **out, size_t *out_size, nsc_error *err) {
  return unpack(WRAPPER_NONE, bytes, size, head, max, what, out, out_size, err);
}

/* Moves over a member's header: RFC 1952, 2.3. */
static bool skip_header(nsc_reader *r) {
  enum { HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xE0 };
  const uint8_t *head = nsc_reader_take(r, 10);
  if (!head || head[3] & RESERVED) return false;
  if (head[3] & EXTRA) {
    const uint8_t *length = nsc_reader_take(r, 2);
    if (!length || !nsc_reader_take(r, nsc_load_u16(length, false))) return false;
  }
  for (int text = NAME; text <= COMMENT; text *= 2) {
    if (!(head[3] & text)) continue;
    const uint8_t *end = memchr(r->bytes + r->at, 0, nsc_reader_left(r));
    if (!end) return false;
    r->at = (size_t)(end - r->bytes) + 1;
  }
  return !(head[3] & HEADER_CRC) || nsc_reader_take(r, 2);
}

bool nsc_gzip_peek(const uint8_t *bytes, size_t size, uint8_t *out, size_t room) {
  nsc_reader r = nsc_reader_of(bytes, size);
  memset(out, 0, room);
  if (!skip_header(&r)) return true;
  const uint8_t *p = r.bytes + r.at;
  size_t left = nsc_reader_left(&r);
  /* libdeflate writes nothing of a stored block (RFC 1951, 3.2.4) that is larger than the room. */
  if (left > 5 && (p[0] & 6) == 0 && nsc_load_u16(p + 1, false) + nsc_load_u16(p + 3, false) == 0xFFFF) {
    size_t stored = nsc_load_u16(p + 1, false), n = stored < left - 5 ? stored : left - 5;
    memcpy(out, p + 5, n < room ? n : room);
    if (n >= room || (p[0] & 1)) return true;
  }
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  if (!inflater) return false;
  size_t used, got; /* it stops where the room or the bytes end, with what it has written until then */
  (void)libdeflate_deflate_decompress_ex(inflater, p, left, out, room, &used, &got);
  libdeflate_free_decompressor(inflater);
  return true;
}
