/*
 * Pseudo-random numbers for resampling, initial weights and augmentation: xoshiro256** 1.0 (Blackman & Vigna,
 * "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021) seeded by SplitMix64. Not for secrets.
 *
 * The same seed gives the same integers, floats and orders on every machine and in every build; normal deviates may
 * differ in their last digit, as the logarithms of C libraries do.
 *
 *   nsc_rng root = nsc_rng_seeded(42);
 *   nsc_rng epoch3 = nsc_rng_split(&root, 3);      // whatever was drawn from root meanwhile
 *   nsc_rng image7 = nsc_rng_split(&epoch3, 7);    // and whichever thread draws
 */
#ifndef NSC_BASE_RNG_H
#define NSC_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct nsc_rng {
  uint64_t state[4];
  uint64_t key; /* names the stream: made of the seed and of the numbers of the splits that led here */
} nsc_rng;

nsc_rng nsc_rng_seeded(uint64_t seed);

/* Stream number `stream` below `parent`. Depends on the parent's seed and splits only, not on what was drawn from it.
 */
nsc_rng nsc_rng_split(const nsc_rng *parent, uint64_t stream);

uint64_t nsc_rng_u64(nsc_rng *rng);
uint32_t nsc_rng_u32(nsc_rng *rng);
float nsc_rng_float(nsc_rng *rng);   /* [0, 1), multiples of 2^-24 */
double nsc_rng_double(nsc_rng *rng); /* [0, 1), multiples of 2^-53 */

/* 0 .. bound - 1, each equally likely; 0 when bound is 0. */
uint32_t nsc_rng_below(nsc_rng *rng, uint32_t bound);

/* Mean 0, standard deviation 1. */
double nsc_rng_normal(nsc_rng *rng);

/* Every order equally likely (Fisher & Yates, in Durstenfeld's form). */
void nsc_rng_shuffle(nsc_rng *rng, uint32_t *items, uint32_t count);

#endif
