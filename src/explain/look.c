#include "explain/look.h"

#include <math.h>

static float grey_of(const float *pixel, uint32_t channels) {
  return channels == 1 ? pixel[0] : (pixel[0] + pixel[1] + pixel[2]) / 3;
}

/* Sums over one part of a row, and of the squared steps to the pixels before and above. */
typedef struct part {
  double grey, red, blue, steps;
} part;

static void add_pixel(part *p, const float *pixel, uint32_t channels, const float *before, const float *above) {
  float grey = grey_of(pixel, channels);
  p->grey += (double)grey;
  if (channels == 3) {
    p->red += fabs((double)pixel[0] - (double)pixel[1]);
    p->blue += fabs((double)pixel[1] - (double)pixel[2]);
  }
  double across = before ? (double)grey - (double)grey_of(before, channels) : 0;
  double down = above ? (double)grey - (double)grey_of(above, channels) : 0;
  p->steps += across * across + down * down;
}

/* Position i of `side` lies in part i * NSC_LOOK_CELLS / side: the first position of a part. Sides shorter than the
 * parts leave some of them empty. */
static uint32_t first_of(uint32_t cell, uint32_t side) {
  return (uint32_t)(((uint64_t)cell * side + NSC_LOOK_CELLS - 1) / NSC_LOOK_CELLS);
}

void nsc_picture_look(const float *values, uint32_t height, uint32_t width, uint32_t channels,
                      float out[NSC_LOOK_COUNT]) {
  double sums[NSC_LOOK_CELLS][NSC_LOOK_CELLS] = {{0}}, red = 0, blue = 0, steps = 0;
  size_t stride = (size_t)width * channels;
  for (uint32_t y = 0; y < height; y++) {
    uint32_t row = (uint32_t)((uint64_t)y * NSC_LOOK_CELLS / height);
    for (uint32_t column = 0; column < NSC_LOOK_CELLS; column++) {
      part p = {0};
      for (uint32_t x = first_of(column, width); x < first_of(column + 1, width); x++) {
        const float *pixel = values + y * stride + (size_t)x * channels;
        add_pixel(&p, pixel, channels, x ? pixel - channels : NULL, y ? pixel - stride : NULL);
      }
      sums[row][column] += p.grey;
      red += p.red, blue += p.blue, steps += p.steps;
    }
  }
  double pixels = (double)height * width, last = 0.5;
  for (uint32_t i = 0; i < NSC_LOOK_CELLS * NSC_LOOK_CELLS; i++) {
    uint32_t row = i / NSC_LOOK_CELLS, column = i % NSC_LOOK_CELLS;
    uint32_t high = first_of(row + 1, height) - first_of(row, height);
    uint32_t wide = first_of(column + 1, width) - first_of(column, width);
    if (high && wide) last = sums[row][column] / ((double)high * wide);
    out[i] = (float)last;
  }
  out[NSC_LOOK_COUNT - 3] = (float)(red / pixels);
  out[NSC_LOOK_COUNT - 2] = (float)(blue / pixels);
  out[NSC_LOOK_COUNT - 1] = (float)log(steps / pixels + 1e-6);
}
