#include "base/sha256.h"

#include <string.h>

#include "base/bytes.h"

enum { BLOCK = 64 };

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[BLOCK] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t turn(uint32_t x, int by) {
  return x >> by | x << (32 - by);
}

/* 6.2.2: one block of 64 bytes into the eight words of the state. */
static void take(uint32_t state[8], const uint8_t *block) {
  uint32_t w[BLOCK], s[8];
  for (int i = 0; i < 16; i++) w[i] = nsc_load_u32(block + 4 * i, true);
  for (int i = 16; i < BLOCK; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < BLOCK; i++) {
    uint32_t one = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25), choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t first = s[7] + one + choice + constants[i] + w[i];
    uint32_t zero = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + zero + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

nsc_sha256 nsc_sha256_begin(void) {
  return (nsc_sha256){
      {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, 0, {0}};
}

void nsc_sha256_add(nsc_sha256 *hash, const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  size_t have = (size_t)(hash->size % BLOCK);
  hash->size += size;
  if (have) {
    size_t more = size < BLOCK - have ? size : BLOCK - have;
    memcpy(hash->block + have, at, more);
    at += more;
    size -= more;
    if (have + more < BLOCK) return;
    take(hash->state, hash->block);
  }
  for (; size >= BLOCK; at += BLOCK, size -= BLOCK) take(hash->state, at);
  if (size) memcpy(hash->block, at, size);
}

void nsc_sha256_end(nsc_sha256 *hash, char out[NSC_SHA256_ROOM]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t last[2 * BLOCK] = {0};
  size_t rest = (size_t)(hash->size % BLOCK);
  /* 5.1.1: a one, zeros, and the number of bits as 64-bit big-endian. */
  memcpy(last, hash->block, rest);
  last[rest] = 0x80;
  size_t end = rest < BLOCK - 8 ? BLOCK : sizeof last;
  for (int i = 0; i < 8; i++) last[end - 1 - (size_t)i] = (uint8_t)(hash->size * 8 >> 8 * i);
  for (size_t i = 0; i < end; i += BLOCK) take(hash->state, last + i);
  for (int i = 0; i < 64; i++) out[i] = digits[hash->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
  out[64] = 0;
}

void nsc_sha256_hex(const void *bytes, size_t size, char out[NSC_SHA256_ROOM]) {
  nsc_sha256 hash = nsc_sha256_begin();
  nsc_sha256_add(&hash, bytes, size);
  nsc_sha256_end(&hash, out);
}
