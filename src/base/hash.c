#include "base/hash.h"

/* The finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): every bit of the input reaches every bit. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t load_word(const unsigned char *p) {
  uint64_t word = 0;
  for (int i = 0; i < 8; i++) word |= (uint64_t)p[i] << (8 * i);
  return word;
}

uint64_t nsc_hash_begin(uint64_t seed, uint64_t size) {
  return mix(seed + 0x9e3779b97f4a7c15u + size);
}

uint64_t nsc_hash_add(uint64_t hash, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  for (; size >= 8; size -= 8, p += 8) {
    hash = mix(hash ^ load_word(p)) + 0x9e3779b97f4a7c15u;
  }
  return hash;
}

uint64_t nsc_hash_end(uint64_t hash, const void *last, size_t size) {
  const unsigned char *p = last;
  hash = nsc_hash_add(hash, p, size);
  uint64_t rest = 0;
  for (size_t i = size / 8 * 8; i < size; i++) rest |= (uint64_t)p[i] << (8 * (i % 8));
  return mix(hash ^ rest);
}

uint64_t nsc_hash(uint64_t seed, const void *bytes, size_t size) {
  return nsc_hash_end(nsc_hash_begin(seed, size), bytes, size);
}

/* Lanes multiply by the odd constant of the golden ratio and rotate; what they hold at the end is mixed as usual. */
void nsc_fingerprint(const void *bytes, size_t size, uint64_t out[2]) {
  const unsigned char *p = bytes;
  uint64_t lanes[4] = {1, 2, 3, 4};
  size_t left = size;
  for (; left >= 32; left -= 32, p += 32) {
    for (int i = 0; i < 4; i++) {
      uint64_t x = (lanes[i] ^ load_word(p + 8 * i)) * 0x9e3779b97f4a7c15u;
      lanes[i] = x << 31 | x >> 33;
    }
  }
  uint64_t rest = nsc_hash(size, p, left);
  for (int i = 0; i < 2; i++) out[i] = nsc_hash(rest + (uint64_t)i, lanes, sizeof lanes);
}
