#include "base/rng.h"

#include <math.h>

/* SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a step and its finaliser, which spreads close seeds far apart. */
static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;

static uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

nsc_rng nsc_rng_seeded(uint64_t seed) {
  nsc_rng rng = {.key = seed};
  for (int i = 0; i < 4; i++) rng.state[i] = mix(seed += GOLDEN);
  return rng;
}

nsc_rng nsc_rng_split(const nsc_rng *parent, uint64_t stream) {
  /* Two rounds, so that neither (key + 1, stream) nor (stream, key) gives what (key, stream + 1) gives. */
  return nsc_rng_seeded(mix(mix(parent->key + GOLDEN) + (stream + 1) * GOLDEN));
}

static uint64_t rotate(uint64_t x, int by) {
  return x << by | x >> (64 - by);
}

uint64_t nsc_rng_u64(nsc_rng *rng) {
  uint64_t *s = rng->state;
  uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint32_t nsc_rng_u32(nsc_rng *rng) {
  return (uint32_t)(nsc_rng_u64(rng) >> 32);
}

float nsc_rng_float(nsc_rng *rng) {
  return (float)(nsc_rng_u64(rng) >> 40) * 0x1p-24f;
}

double nsc_rng_double(nsc_rng *rng) {
  return (double)(nsc_rng_u64(rng) >> 11) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval", ACM TOMACS 29, 2019: the few products that would make small
 * results likelier are drawn again. */
uint32_t nsc_rng_below(nsc_rng *rng, uint32_t bound) {
  if (bound == 0) return 0;
  uint64_t product = (uint64_t)nsc_rng_u32(rng) * bound;
  if ((uint32_t)product < bound) {
    uint32_t refused = (0u - bound) % bound;
    while ((uint32_t)product < refused) product = (uint64_t)nsc_rng_u32(rng) * bound;
  }
  return (uint32_t)(product >> 32);
}

/* Marsaglia's polar method. Its second deviate is given up, so that a stream is its four words and nothing else. */
double nsc_rng_normal(nsc_rng *rng) {
  for (;;) {
    double x = 2 * nsc_rng_double(rng) - 1, y = 2 * nsc_rng_double(rng) - 1, r = x * x + y * y;
    if (r > 0 && r < 1) return x * sqrt(-2 * log(r) / r);
  }
}

void nsc_rng_shuffle(nsc_rng *rng, uint32_t *items, uint32_t count) {
  for (uint32_t left = count; left > 1; left--) {
    uint32_t i = nsc_rng_below(rng, left), last = items[left - 1];
    items[left - 1] = items[i];
    items[i] = last;
  }
}
