/*
 * The transforms of one tile, four channels at a time: along columns, then along rows. The matrices are those of Lavin
 * and Gray 2016, sections 4.1 and 4.3: points 0, 1, -1 and infinity for two outputs, also 2 and -2 for four; for four
 * taps in place of three the same points' fourth powers. Four outputs of four taps take a point more: Cook and Toom's
 * construction (the same, section 4) with 1, -1, 2, -2, 1/4, -1/4 and infinity, which of all sixes of the small numbers
 * tried err least (docs/NUMERICS.md), and being pairs take few operations.
 */
#ifndef NSC_NN_WINOGRAD_TILE_H
#define NSC_NN_WINOGRAD_TILE_H

#include "nn/lanes.h"

/* NSC_TILE, NSC_PLANES and NSC_TILE_OUT are those of four outputs of three taps, and the most of these; NSC_TILE_MOST
   is the side of four outputs of four taps. */
enum { NSC_TILE = 6, NSC_PLANES = 36, NSC_TILE_OUT = 4, NSC_TAPS = 3, NSC_TILE_MOST = 7 };

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
  nsc_lanes even = nsc_add_times(d[4], -4, d[2]), odd = nsc_add_times(d[3], -4, d[1]);
  nsc_lanes near = d[4] - d[2], far = 2 * (d[3] - d[1]);
  nsc_lanes last = nsc_add_times(nsc_add_times(d[5], 4, d[1]), -5, d[3]);
  d[0] = nsc_add_times(nsc_add_times(d[4], 4, d[0]), -5, d[2]);
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

/* Rows of B' for the points p and -p: (x + p)(x^4 - sum x^2 + product) and the same with x - p, where sum and product
   are those of the squares of the other pairs' points. */
static inline void nsc_tile_pair(const nsc_lanes d[7], float sum, float product, float point, nsc_lanes out[2]) {
  nsc_lanes even = nsc_multiply_add(nsc_all(-sum), d[2], nsc_multiply_add(nsc_all(product), d[0], d[4]));
  nsc_lanes odd = nsc_multiply_add(nsc_all(-sum), d[3], nsc_multiply_add(nsc_all(product), d[1], d[5]));
  out[0] = nsc_multiply_add(nsc_all(point), even, odd);
  out[1] = nsc_multiply_add(nsc_all(-point), even, odd);
}

/* B' of four outputs of four taps: d[0..6]. The last, of infinity, alone takes d[6]. */
static inline void nsc_tile_input7(nsc_lanes d[7]) {
  nsc_lanes out[6];
  nsc_lanes last = nsc_multiply_add(nsc_all(-5.0625f), d[4], d[6]);
  last = nsc_multiply_add(nsc_all(4.3125f), d[2], nsc_multiply_add(nsc_all(-0.25f), d[0], last));
  nsc_tile_pair(d, 4.0625f, 0.25f, 1, out);
  nsc_tile_pair(d, 1.0625f, 0.0625f, 2, out + 2);
  nsc_tile_pair(d, 5, 4, 0.25f, out + 4);
  for (size_t i = 0; i < 6; i++) d[i] = out[i];
  d[6] = last;
}

/* A' of the same: d[0..6] to d[0..3]. */
static inline void nsc_tile_output7(nsc_lanes d[7]) {
  nsc_lanes near = d[0] + d[1], side = d[0] - d[1], wide = d[2] + d[3], far = d[2] - d[3];
  nsc_lanes inner = d[4] + d[5], slope = d[4] - d[5];
  d[0] = near + wide + inner;
  d[1] = nsc_multiply_add(nsc_all(0.25f), slope, nsc_multiply_add(nsc_all(2), far, side));
  d[2] = nsc_multiply_add(nsc_all(0.0625f), inner, nsc_multiply_add(nsc_all(4), wide, near));
  d[3] = nsc_multiply_add(nsc_all(0.015625f), slope, nsc_multiply_add(nsc_all(8), far, side + d[6]));
}

/* A' to m outputs: d[0..points - 1] to d[0..m - 1]. */
NSC_FOR_EACH_TILE void nsc_tile_output(nsc_lanes d[], size_t m, size_t points) {
  if (points == NSC_TILE_MOST) {
    nsc_tile_output7(d);
    return;
  }
  if (m == 2) {
    d[0] = d[0] + d[1] + d[2];
    d[1] = d[1] - d[2] - d[3];
    return;
  }
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], wide = d[3] + d[4], far = d[3] - d[4];
  d[0] = d[0] + near + wide;
  d[1] = nsc_add_times(side, 2, far);
  d[2] = nsc_add_times(near, 4, wide);
  d[3] = nsc_add_times(side + d[5], 8, far);
}

/* A' to three outputs: d[0..5] to d[0..2]. */
static inline void nsc_tile_output3(nsc_lanes d[6]) {
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], wide = d[3] + d[4], far = d[3] - d[4];
  d[0] = d[0] + near + wide;
  d[1] = side + 2 * far;
  d[2] = near + 4 * wide + d[5];
}

#endif
