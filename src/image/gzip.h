/* DEFLATE (RFC 1951), in gzip (RFC 1952), zlib (RFC 1950) or bare, around or in another format. */
#ifndef NSC_IMAGE_GZIP_H
#define NSC_IMAGE_GZIP_H

#include "negatoscope.h"

static inline bool nsc_is_gzip(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 0x1F && bytes[1] == 0x8B && bytes[2] == 8;
}

/*
 * All members of a gzip file, joined, their checksums looked at; what follows the last is ignored, as gzip does with
 * the zeros of a tape. `out` is malloc'ed and has one byte more than `out_size`. `what` begins error texts: "NIfTI".
 * Errors: LIMIT above `max` bytes, CORRUPT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_gunzip(const uint8_t *bytes, size_t size, uint64_t max, const char *what, uint8_t **out,
                                      size_t *out_size, nsc_error *err);

/* The same for the zlib format (RFC 1950), which says nothing of its size. */
NSC_WARN_UNUSED nsc_status nsc_unzlib(const uint8_t *bytes, size_t size, uint64_t max, const char *what, uint8_t **out,
                                      size_t *out_size, nsc_error *err);

/* The same for bare DEFLATE behind `head` bytes that stay as they are, in front of up to `max` unpacked ones. */
NSC_WARN_UNUSED nsc_status nsc_inflate_behind(const uint8_t *bytes, size_t size, size_t head, uint64_t max,
                                              const char *what, uint8_t **out, size_t *out_size, nsc_error *err);

/* The first bytes of what a gzip file holds: `out` [room] begins with them, the rest is 0. False without memory. */
bool nsc_gzip_peek(const uint8_t *bytes, size_t size, uint8_t *out, size_t room);

#endif
