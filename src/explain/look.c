#include "explain/look.h"

#include <math.h>

static float grey_of(const float *pixel, uint32_t channels) {
  return channels == 1 ? pixel[0] : (pixel[0] + pixel[1] + pixel[2]) / 3;
}

/* The part of a side that position `i` lies in; sides shorter than the parts repeat some. */
static uint32_t cell_of(uint32_t i, uint32_t side) {
  return (uint32_t)((uint64_t)i * NSC_LOOK_CELLS / side);
}

void nsc_picture_look(const float *values, uint32_t height, uint32_t width, uint32_t channels,
                      float out[NSC_LOOK_COUNT]) {
  double sums[NSC_LOOK_CELLS][NSC_LOOK_CELLS] = {{0}}, red = 0, blue = 0, steps = 0;
  uint32_t counts[NSC_LOOK_CELLS][NSC_LOOK_CELLS] = {{0}};
  size_t stride = (size_t)width * channels;
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      const float *pixel = values + y * stride + (size_t)x * channels;
      float grey = grey_of(pixel, channels);
      uint32_t row = cell_of(y, height), column = cell_of(x, width);
      sums[row][column] += (double)grey;
      counts[row][column]++;
      if (channels == 3)
        red += fabs((double)pixel[0] - (double)pixel[1]), blue += fabs((double)pixel[1] - (double)pixel[2]);
      double across = x ? (double)grey - (double)grey_of(pixel - channels, channels) : 0;
      double down = y ? (double)grey - (double)grey_of(pixel - stride, channels) : 0;
      steps += across * across + down * down;
    }
  }
  double pixels = (double)height * width, last = 0.5;
  for (int i = 0; i < NSC_LOOK_CELLS * NSC_LOOK_CELLS; i++) {
    int row = i / NSC_LOOK_CELLS, column = i % NSC_LOOK_CELLS;
    if (counts[row][column]) last = sums[row][column] / counts[row][column];
    out[i] = (float)last;
  }
  out[NSC_LOOK_COUNT - 3] = (float)(red / pixels);
  out[NSC_LOOK_COUNT - 2] = (float)(blue / pixels);
  out[NSC_LOOK_COUNT - 1] = (float)log(steps / pixels + 1e-6);
}
