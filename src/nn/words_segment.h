/*
 * winograd_segment.h's transforms of four and of three outputs in integers, so that results are exact. Weights' rows
 * are multiplied by their divisors, 4, -6, -6, 24, 24 and 1, whose least common multiple is 24; the transform of
 * results multiplies by what is missing, and so gives 24 times the outputs along each axis.
 *
 * Inputs of -255 to 255, all of them within 255 of each other and of zero, become words: of the products of two rows of
 * B' the positive numbers, or the negative ones, add up to 90 at most. Weights become 49 times as large at most.
 */
#ifndef NSC_NN_WORDS_SEGMENT_H
#define NSC_NN_WORDS_SEGMENT_H

#include "nn/winograd_segment.h"
#include "nn/words.h"

enum { NSC_WORD_KINDS = 6, NSC_WORD_SCALE = 24 };

/* G: d[0..2] to a word for each kind. */
NSC_FOR_EACH_TILE void nsc_words_taps(nsc_words d[NSC_WORD_KINDS]) {
  nsc_words even = d[0] + d[2], odd = d[1], wide = d[0] + (d[2] << 2), side = d[1] << 1;
  d[5] = d[2];
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = wide + side;
  d[4] = wide - side;
}

/* B': `m` + 2 inputs to places. */
NSC_FOR_EACH_TILE void nsc_words_input(nsc_words d[NSC_WORD_KINDS], size_t m) {
  if (m == 4) {
    nsc_words even = d[4] - (d[2] << 2), odd = d[3] - (d[1] << 2), near = d[4] - d[2], far = (d[3] - d[1]) << 1;
    nsc_words first = (d[0] << 2) - (d[2] << 2) - d[2] + d[4], last = (d[1] << 2) - (d[3] << 2) - d[3] + d[5];
    d[0] = first;
    d[1] = even + odd;
    d[2] = even - odd;
    d[3] = near + far;
    d[4] = near - far;
    d[5] = last;
  } else {
    nsc_words slope = (d[3] - d[1]) << 1, first = ((d[0] - d[2]) << 2) + slope, last = d[4] - d[2] - slope;
    nsc_words thrice = (d[2] << 1) + d[2], less = d[3] + (d[1] << 1) - thrice;
    d[1] = (d[3] << 1) + d[3] - thrice - (d[1] << 2) - (d[1] << 1);
    d[0] = first;
    d[2] = less;
    d[3] = slope << 1;
    d[4] = last;
  }
}

/* A', times NSC_WORD_SCALE: places to d[0..m - 1]. */
NSC_FOR_EACH_TILE void nsc_words_output(nsc_sums d[NSC_WORD_KINDS], size_t m) {
  nsc_sums near = (d[1] + d[2]) << 2, side = (d[1] - d[2]) << 2, first = (d[0] << 2) + (d[0] << 1);
  nsc_sums last = m == 4 ? d[5] : d[4];
  last = (last << 4) + (last << 3);
  nsc_sums wide = m == 4 ? d[3] + d[4] : d[3], far = m == 4 ? d[3] - d[4] : d[3];
  d[0] = first - near + wide;
  d[1] = (far << 1) - side;
  d[2] = (wide << 2) - near;
  if (m == 4) {
    d[3] = (far << 3) - side + last;
  } else {
    d[2] += last;
  }
}

/* 576 times a sum, to the sum, which is from -2^25 to 2^25 - 1: 576 is 9 * 64, and nine has an inverse in numbers that
   wrap around at 2^32. So it does not matter where they wrapped before. */
NSC_FOR_EACH_TILE nsc_sums nsc_words_descale(nsc_sums v) {
  return (nsc_sums)((nsc_signed_sums)(v * 0x38E38E39u) >> 6);
}

enum { NSC_WORDS_MOST_SUM = 1 << 25 };

#endif
