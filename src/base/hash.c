#include "base/hash.h"

/* The finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): every bit of the input reaches every bit. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t nsc_hash(uint64_t seed, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  uint64_t hash = mix(seed + 0x9e3779b97f4a7c15u + size);
  for (; size >= 8; size -= 8, p += 8) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word |= (uint64_t)p[i] << (8 * i);
    hash = mix(hash ^ word) + 0x9e3779b97f4a7c15u;
  }
  uint64_t rest = 0;
  for (size_t i = 0; i < size; i++) rest |= (uint64_t)p[i] << (8 * i);
  return mix(hash ^ rest);
}
