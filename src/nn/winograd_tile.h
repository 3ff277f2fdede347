/*
 * The transforms of one tile, four channels at a time: along columns, then along rows. The matrices are those of Lavin
 * and Gray 2016, sections 4.1 and 4.3: points 0, 1, -1 and infinity for two outputs, also 2 and -2 for four; for four
 * taps in place of three the same points' fourth powers.
 */
#ifndef NSC_NN_WINOGRAD_TILE_H
#define NSC_NN_WINOGRAD_TILE_H

#include "nn/lanes.h"

/* NSC_TILE, NSC_PLANES and NSC_TILE_OUT are those of four outputs, and the most. */
enum { NSC_TILE = 6, NSC_PLANES = 36, NSC_TILE_OUT = 4, NSC_TAPS = 3 };

/* Of functions that are made twice, with `m` outputs a side as a constant. */
#define NSC_FOR_EACH_TILE static inline __attribute__((always_inline))

/* B': m + 2 inputs. Results may stand where the inputs were. */
NSC_FOR_EACH_TILE void nsc_tile_input(nsc_lanes d[6], size_t m) {
  if (m == 2) {
    nsc_lanes first = d[0] - d[2], last = d[1] - d[3], sum = d[1] + d[2];
    d[2] -= d[1];
    d[0] = first;
    d[1] = sum;
    d[3] = last;
    return;
  }
  nsc_lanes even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], near = d[4] - d[2], far = 2 * (d[3] - d[1]);
  nsc_lanes last = 4 * d[1] - 5 * d[3] + d[5];
  d[0] = 4 * d[0] - 5 * d[2] + d[4];
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = near + far;
  d[4] = near - far;
  d[5] = last;
}

/* G for three taps: d[0..2] to m + 2. */
NSC_FOR_EACH_TILE void nsc_tile_taps3(nsc_lanes d[6], size_t m) {
  if (m == 2) {
    nsc_lanes both = (d[0] + d[2]) * 0.5f, middle = d[1] * 0.5f;
    d[3] = d[2];
    d[1] = both + middle;
    d[2] = both - middle;
    return;
  }
  nsc_lanes even = (d[0] + d[2]) * (-1.0f / 6), odd = d[1] * (-1.0f / 6);
  nsc_lanes wide = d[0] * (1.0f / 24) + d[2] * (1.0f / 6), side = d[1] * (1.0f / 12);
  d[5] = d[2];
  d[0] = d[0] * 0.25f;
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = wide + side;
  d[4] = wide - side;
}

/* G for four taps: d[0..3] to d[0..5]. */
static inline void nsc_tile_taps4(nsc_lanes d[6]) {
  nsc_lanes even = (d[0] + d[2]) * (-1.0f / 6), odd = (d[1] + d[3]) * (-1.0f / 6);
  nsc_lanes wide = d[0] * (1.0f / 24) + d[2] * (1.0f / 6), side = d[1] * (1.0f / 12) + d[3] * (1.0f / 3);
  d[5] = d[3];
  d[0] = d[0] * 0.25f;
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = wide + side;
  d[4] = wide - side;
}

/* A' to m outputs: d[0..m + 1] to d[0..m - 1]. */
NSC_FOR_EACH_TILE void nsc_tile_output(nsc_lanes d[6], size_t m) {
  if (m == 2) {
    d[0] = d[0] + d[1] + d[2];
    d[1] = d[1] - d[2] - d[3];
    return;
  }
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], wide = d[3] + d[4], far = d[3] - d[4];
  d[0] = d[0] + near + wide;
  d[1] = side + 2 * far;
  d[2] = near + 4 * wide;
  d[3] = side + 8 * far + d[5];
}

/* A' to three outputs: d[0..5] to d[0..2]. */
static inline void nsc_tile_output3(nsc_lanes d[6]) {
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], wide = d[3] + d[4], far = d[3] - d[4];
  d[0] = d[0] + near + wide;
  d[1] = side + 2 * far;
  d[2] = near + 4 * wide + d[5];
}

#endif
