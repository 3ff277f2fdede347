/* Numbers to compute with. */
#ifndef NSC_RANDOM_FLOATS_H
#define NSC_RANDOM_FLOATS_H

#include <stdlib.h>

#include "base/rng.h"

/* `count` of a normal distribution; the caller frees them. */
static inline float *random_floats(nsc_rng *rng, size_t count) {
  float *values = malloc(count * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = (float)nsc_rng_normal(rng);
  return values;
}

#endif
