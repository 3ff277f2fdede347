/*
 * Transforms along one axis, of segments of outputs of three taps, as winograd_tile.h's of a tile. There are three
 * schemes: segments of four or three outputs, of six or four, and of four or three at stride 2. In the last, taps 0 and
 * 2 meet the inputs of one phase and tap 1 those of the other: two taps are filtered by points, one is multiplied as it
 * is, each output for itself.
 *
 * A shorter segment does without some of the points of a longer one. The others keep their weights' transforms,
 * whatever the segment: row p of B' is multiplied by p less each point that is left out, which their divisors have in
 * them. What meets the same weights' transform is a kind:
 *
 *   kind               0   1   2     3   4     5    6   7
 *   4, 3 outputs       0   1  -1     2  -2   inf
 *   the same, stride 2 0   1  -1  tap 1   2   inf
 *   6, 4 outputs       0   1  -1     2  -2   1/2 -1/2 inf
 *
 * The points of six outputs are those of NNPACK and others; what they cost in digits is in docs/NUMERICS.md.
 */
#ifndef NSC_NN_WINOGRAD_SEGMENT_H
#define NSC_NN_WINOGRAD_SEGMENT_H

#include "nn/winograd_tile.h"

typedef enum nsc_scheme { NSC_SEGMENTS_4, NSC_SEGMENTS_4_STRIDE_2, NSC_SEGMENTS_6 } nsc_scheme;

enum {
  NSC_KINDS_MOST = 8,
  NSC_KIND_TAP = 3,    /* at stride 2: a place for each output */
  NSC_SEGMENT_MOST = 9 /* inputs, and places, of a segment */
};

static inline size_t nsc_scheme_kinds(nsc_scheme s) {
  return s == NSC_SEGMENTS_6 ? 8 : 6;
}

/* Outputs of a longer and of a shorter segment. */
static inline size_t nsc_scheme_outputs(nsc_scheme s, bool longer) {
  return s == NSC_SEGMENTS_6 ? (longer ? 6 : 4) : longer ? 4 : 3;
}

/* Whether a shorter segment does without this kind. */
static inline bool nsc_scheme_leaves(nsc_scheme s, size_t kind) {
  return s == NSC_SEGMENTS_6 ? kind == 5 || kind == 6 : kind == 4;
}

/* Inputs of a segment of `m` outputs, and as many places of its transform. */
static inline size_t nsc_segment_side(nsc_scheme s, size_t m) {
  return s == NSC_SEGMENTS_4_STRIDE_2 ? 2 * m + 1 : m + 2;
}

/* ---- weights ---- */

/* G: d[0..2] to one number for each kind. */
NSC_FOR_EACH_TILE void nsc_segment_taps(nsc_lanes d[8], nsc_scheme s) {
  nsc_lanes first = d[0], middle = d[1], last = d[2];
  if (s == NSC_SEGMENTS_4) {
    nsc_tile_taps3(d, 4);
  } else if (s == NSC_SEGMENTS_4_STRIDE_2) {
    d[0] = first * 0.5f;
    d[1] = (first + last) * -0.5f;
    d[2] = (last - first) * (1.0f / 6);
    d[3] = middle;
    d[4] = nsc_add_times(first * (1.0f / 6), 1.0f / 3, last);
    d[5] = last;
  } else {
    nsc_lanes near = (first + last) * (-2.0f / 9), wide = nsc_add_times(first * (1.0f / 90), 2.0f / 45, last);
    nsc_lanes inner = nsc_add_times(first * (32.0f / 45), 8.0f / 45, last);
    d[0] = -first;
    d[1] = nsc_add_times(near, -2.0f / 9, middle);
    d[2] = nsc_add_times(near, 2.0f / 9, middle);
    d[3] = nsc_add_times(wide, 1.0f / 45, middle);
    d[4] = nsc_add_times(wide, -1.0f / 45, middle);
    d[5] = nsc_add_times(inner, 16.0f / 45, middle);
    d[6] = nsc_add_times(inner, -16.0f / 45, middle);
    d[7] = last;
  }
}

/* ---- inputs ---- */

/* B' of the two taps at stride 2, of the phase d[0], d[2], .. d[2 m]. */
NSC_FOR_EACH_TILE void nsc_segment_phase(const nsc_lanes d[9], nsc_lanes out[5], size_t m) {
  if (m == 3) {
    out[0] = 2 * (d[0] - d[4]);
    out[1] = -d[2] - d[4];
    out[2] = 3 * (d[2] - d[4]);
    out[3] = d[6] - d[2];
    return;
  }
  nsc_lanes slope = d[6] - d[2], twice = 2 * d[2];
  out[0] = nsc_add_times(slope, 2, d[0] - d[4]);
  out[1] = d[6] - d[4] - twice;
  out[2] = nsc_add_times(d[6] + twice, -3, d[4]);
  out[3] = slope;
  out[4] = nsc_add_times(d[8] - d[4], -2, slope);
}

/* At stride 2: places of the tap, one for each output, follow all others. */
NSC_FOR_EACH_TILE void nsc_segment_input_phases(nsc_lanes d[9], size_t m) {
  nsc_lanes points[5], taps[4];
  nsc_segment_phase(d, points, m);
  for (size_t i = 0; i < m; i++) taps[i] = d[2 * i + 1];
  for (size_t i = 0; i <= m; i++) d[i] = points[i];
  for (size_t i = 0; i < m; i++) d[m + 1 + i] = taps[i];
}

/* Three outputs, of the points of four. */
NSC_FOR_EACH_TILE void nsc_segment_input3(nsc_lanes d[9]) {
  nsc_lanes slope = 2 * (d[3] - d[1]);
  nsc_lanes less = nsc_add_times(nsc_add_times(d[3], 2, d[1]), -3, d[2]);
  nsc_lanes one = nsc_add_times(3 * (d[3] - d[2]), -6, d[1]);
  d[0] = nsc_add_times(slope, 4, d[0] - d[2]);
  d[4] = d[4] - d[2] - slope;
  d[1] = one;
  d[2] = less;
  d[3] = 2 * slope;
}

NSC_FOR_EACH_TILE void nsc_segment_input6(nsc_lanes d[9]) {
  nsc_lanes first = nsc_add_times(d[6] - d[0], 5.25f, d[2] - d[4]);
  nsc_lanes last = nsc_add_times(d[7] - d[1], 5.25f, d[3] - d[5]);
  nsc_lanes near = nsc_add_times(d[6] + d[2], -4.25f, d[4]), side = nsc_add_times(d[5] + d[1], -4.25f, d[3]);
  nsc_lanes wide = nsc_add_times(nsc_add_times(d[6], 0.25f, d[2]), -1.25f, d[4]);
  nsc_lanes far = nsc_add_times(nsc_add_times(2 * d[5], 0.5f, d[1]), -2.5f, d[3]);
  nsc_lanes inner = nsc_add_times(nsc_add_times(d[6], 4, d[2]), -5, d[4]);
  nsc_lanes slope = nsc_add_times(nsc_add_times(2 * d[1], 0.5f, d[5]), -2.5f, d[3]);
  d[0] = first;
  d[1] = near + side;
  d[2] = near - side;
  d[3] = wide + far;
  d[4] = wide - far;
  d[5] = inner + slope;
  d[6] = inner - slope;
  d[7] = last;
}

/* Four outputs, of the points of six. */
NSC_FOR_EACH_TILE void nsc_segment_input6_4(nsc_lanes d[9]) {
  nsc_lanes last = nsc_add_times(nsc_add_times(d[5], 4, d[1]), -5, d[3]);
  nsc_lanes near = nsc_add_times(0.75f * d[4], -3, d[2]), side = nsc_add_times(0.75f * d[3], -3, d[1]);
  nsc_lanes wide = 3.75f * (d[4] - d[2]), far = 7.5f * (d[3] - d[1]);
  d[0] = nsc_add_times(nsc_add_times(-d[0], 1.25f, d[2]), -0.25f, d[4]);
  d[1] = near + side;
  d[2] = near - side;
  d[3] = wide + far;
  d[4] = wide - far;
  d[5] = last;
}

/* B': d[0..side - 1] to places, in the order of their kinds. */
NSC_FOR_EACH_TILE void nsc_segment_input(nsc_lanes d[9], nsc_scheme s, size_t m) {
  if (s == NSC_SEGMENTS_4_STRIDE_2) {
    nsc_segment_input_phases(d, m);
  } else if (s == NSC_SEGMENTS_6) {
    if (m == 6) nsc_segment_input6(d);
    if (m == 4) nsc_segment_input6_4(d);
  } else {
    if (m == 4) nsc_tile_input(d, 4);
    if (m == 3) nsc_segment_input3(d);
  }
}

/* ---- outputs ---- */

NSC_FOR_EACH_TILE void nsc_segment_output6(nsc_lanes d[9]) {
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], wide = d[3] + d[4], far = d[3] - d[4];
  nsc_lanes inner = d[5] + d[6], slope = d[5] - d[6], last = d[7];
  d[0] = d[0] + near + wide + inner;
  d[1] = nsc_add_times(nsc_add_times(side, 0.5f, slope), 2, far);
  d[2] = nsc_add_times(nsc_add_times(near, 0.25f, inner), 4, wide);
  d[3] = nsc_add_times(nsc_add_times(side, 0.125f, slope), 8, far);
  d[4] = nsc_add_times(nsc_add_times(near, 0.0625f, inner), 16, wide);
  d[5] = nsc_add_times(nsc_add_times(side + last, 0.03125f, slope), 32, far);
}

NSC_FOR_EACH_TILE void nsc_segment_output3(nsc_lanes d[9]) {
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2], two = d[3];
  d[0] = d[0] + near + two;
  d[1] = nsc_add_times(side, 2, two);
  d[2] = nsc_add_times(near + d[4], 4, two);
}

NSC_FOR_EACH_TILE void nsc_segment_output_phases(nsc_lanes d[9], size_t m) {
  nsc_lanes near = d[1] + d[2], side = d[1] - d[2];
  if (m == 3) {
    d[0] = d[0] + near + d[4];
    d[1] = side + d[5];
    d[2] = near + d[3] + d[6];
    return;
  }
  nsc_lanes two = d[3], last = nsc_add_times(side + d[4] + d[8], 8, two);
  d[0] = d[0] + near + two + d[5];
  d[1] = nsc_add_times(side + d[6], 2, two);
  d[2] = nsc_add_times(near + d[7], 4, two);
  d[3] = last;
}

/* A': places to d[0..m - 1]. */
NSC_FOR_EACH_TILE void nsc_segment_output(nsc_lanes d[9], nsc_scheme s, size_t m) {
  if (s == NSC_SEGMENTS_4_STRIDE_2) {
    nsc_segment_output_phases(d, m);
  } else if (m == 6) {
    nsc_segment_output6(d);
  } else if (m == 4) {
    nsc_tile_output(d, 4, NSC_TILE);
  } else {
    nsc_segment_output3(d);
  }
}

#endif
