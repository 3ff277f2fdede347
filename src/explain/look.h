/* What a picture looks like from afar, as a few numbers: how it is lit, coloured and how rough it is. */
#ifndef NSC_EXPLAIN_LOOK_H
#define NSC_EXPLAIN_LOOK_H

#include "negatoscope.h"

enum { NSC_LOOK_CELLS = 8, NSC_LOOK_COUNT = NSC_LOOK_CELLS * NSC_LOOK_CELLS + 3 };

/*
 * Of a picture [height][width][channels] of values 0..1, channels 1 or 3: mean grey of 8 x 8 parts, mean differences of
 * red from green and of green from blue, and the logarithm of the mean squared step from pixel to pixel.
 */
void nsc_picture_look(const float *values, uint32_t height, uint32_t width, uint32_t channels,
                      float out[NSC_LOOK_COUNT]);

#endif
