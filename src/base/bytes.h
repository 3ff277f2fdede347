/*
 * Reading untrusted bytes. Every length that comes from a file goes through here: a reader never moves past its end,
 * and products of sizes are checked.
 */
#ifndef NSC_BASE_BYTES_H
#define NSC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A window on bytes that somebody else owns. `at` <= `size` always. */
typedef struct nsc_reader {
  const uint8_t *bytes;
  size_t size;
  size_t at;
} nsc_reader;

static inline nsc_reader nsc_reader_of(const void *bytes, size_t size) {
  return (nsc_reader){(const uint8_t *)bytes, size, 0};
}

static inline size_t nsc_reader_left(const nsc_reader *r) {
  return r->size - r->at;
}

/* The next `count` bytes, or NULL and no move when there are fewer. */
static inline const uint8_t *nsc_reader_take(nsc_reader *r, uint64_t count) {
  if (count > r->size - r->at) return NULL;
  const uint8_t *p = r->bytes + r->at;
  r->at += (size_t)count;
  return p;
}

static inline bool nsc_host_is_big_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one == 0;
}

static inline uint16_t nsc_load_u16(const uint8_t *p, bool big_endian) {
  return big_endian ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t nsc_load_u32(const uint8_t *p, bool big_endian) {
  return big_endian ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                    : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t nsc_load_u64(const uint8_t *p, bool big_endian) {
  uint64_t a = nsc_load_u32(p, big_endian), b = nsc_load_u32(p + 4, big_endian);
  return big_endian ? a << 32 | b : b << 32 | a;
}

static inline float nsc_load_f32(const uint8_t *p, bool big_endian) {
  uint32_t bits = nsc_load_u32(p, big_endian);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline double nsc_load_f64(const uint8_t *p, bool big_endian) {
  uint64_t bits = nsc_load_u64(p, big_endian);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* false when a * b does not fit. */
static inline bool nsc_mul_size(size_t a, size_t b, size_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

static inline bool nsc_add_size(size_t a, size_t b, size_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

static inline bool nsc_mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

#endif
