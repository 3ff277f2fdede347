/* Blur, sharpen and noise, in place and without memory of their own. */
#include <math.h>
#include <string.h>

#include "train/augment_private.h"

/* ---- smoothing ---- */

/* (w, 1 - 2w, w) along rows, the edge repeated. */
static void pass_rows(nsc_picture p, float w) {
  for (size_t y = 0; y < p.height; y++) {
    for (size_t c = 0; c < p.channels; c++) {
      float *at = p.values + y * p.width * p.channels + c, before = *at;
      for (size_t x = 0; x < p.width; x++, at += p.channels) {
        float here = *at, next = x + 1 < p.width ? at[p.channels] : here;
        *at = here + w * ((before - here) + (next - here));
        before = here;
      }
    }
  }
}

enum { STRIP = 64 };

/* The same along columns, in strips whose last row is remembered. */
static void pass_columns(nsc_picture p, float w) {
  size_t line = p.width * p.channels;
  for (size_t x = 0; x < line; x += STRIP) {
    size_t count = line - x < STRIP ? line - x : STRIP;
    float before[STRIP];
    memcpy(before, p.values + x, count * sizeof *before);
    for (size_t y = 0; y < p.height; y++) {
      float *at = p.values + y * line + x;
      const float *below = y + 1 < p.height ? at + line : at;
      for (size_t i = 0; i < count; i++) {
        float here = at[i], next = below[i];
        at[i] = here + w * ((before[i] - here) + (next - here));
        before[i] = here;
      }
    }
  }
}

/* A pass has a variance of 2w; as many as make the Gaussian's, with w at most 1/4 (the binomial 1 2 1). */
static void blur(nsc_picture p, float sigma) {
  float variance = sigma * sigma;
  int passes = (int)ceilf(2 * variance);
  for (int i = 0; i < passes; i++) {
    pass_rows(p, variance / (float)(2 * passes));
    pass_columns(p, variance / (float)(2 * passes));
  }
}

/* ---- noise ---- */

static float cut(float x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Mean 0, deviation 1, within 4.9: the sum of eight uniform values of 16 bits, four times as fast as nsc_rng_normal. */
static float about_normal(nsc_rng *rng) {
  static const uint64_t every_other = 0x0000FFFF0000FFFFu;
  uint64_t a = nsc_rng_u64(rng), b = nsc_rng_u64(rng);
  uint64_t sums = (a & every_other) + (a >> 16 & every_other) + (b & every_other) + (b >> 16 & every_other);
  int32_t sum = (int32_t)((uint32_t)sums + (uint32_t)(sums >> 32)) - 262140; /* variance 8 (2^32 - 1) / 12 */
  return (float)sum * (1 / 53510.0f);
}

/* Knuth's product of uniform values below 16 (The Art of Computer Programming 2, 3.4.1), above it the normal
 * distribution that Poisson's has become. */
static float poisson(nsc_rng *rng, float mean) {
  if (mean >= 16) {
    float count = floorf(mean + sqrtf(mean) * about_normal(rng) + 0.5f);
    return count > 0 ? count : 0;
  }
  float product = nsc_rng_float(rng), least = expf(-mean), count = 0;
  while (product > least) {
    product *= nsc_rng_float(rng);
    count++;
  }
  return count;
}

static void add_poisson(nsc_rng *rng, float deviation, float *values, size_t count) {
  if (deviation < 1e-3f) return; /* a million photons: nothing that bytes would show */
  float photons = 1 / (deviation * deviation);
  for (size_t i = 0; i < count; i++) values[i] = poisson(rng, cut(values[i]) * photons) / photons;
}

/* Whole pixels, all channels alike. */
static void add_salt_pepper(nsc_rng *rng, float share, nsc_picture p) {
  uint32_t black = (uint32_t)((double)share * 0.5 * 4294967295.0), limit = black * 2;
  for (size_t i = 0; i < p.height * p.width; i++) {
    uint32_t drawn = nsc_rng_u32(rng);
    if (drawn >= limit) continue;
    for (size_t c = 0; c < p.channels; c++) p.values[i * p.channels + c] = drawn < black ? 0 : 1;
  }
}

static void add_noise(const nsc_augment *a, nsc_rng *rng, nsc_picture p) {
  size_t count = p.height * p.width * p.channels;
  if (a->poisson > 0) add_poisson(rng, a->poisson * nsc_rng_float(rng), p.values, count);
  if (a->speckle > 0) {
    float deviation = a->speckle * nsc_rng_float(rng);
    for (size_t i = 0; i < count; i++) p.values[i] += p.values[i] * deviation * about_normal(rng);
  }
  if (a->noise > 0) {
    float deviation = a->noise * nsc_rng_float(rng);
    for (size_t i = 0; i < count; i++) p.values[i] += deviation * about_normal(rng);
  }
  if (a->salt_pepper > 0) add_salt_pepper(rng, a->salt_pepper * nsc_rng_float(rng), p);
}

void nsc_augment_filter(const nsc_augment *a, nsc_rng *rng, nsc_picture p) {
  bool sharper = a->sharpen > 0;
  if (a->blur > 0) blur(p, a->blur * nsc_rng_float(rng));
  if (sharper) {
    float w = -a->sharpen * nsc_rng_float(rng) / 4;
    pass_rows(p, w);
    pass_columns(p, w);
  }
  add_noise(a, rng, p);
  if (!sharper && !(a->poisson > 0) && !(a->speckle > 0) && !(a->noise > 0)) return; /* still within 0..1 */
  for (size_t i = 0; i < p.height * p.width * p.channels; i++) p.values[i] = cut(p.values[i]);
}
