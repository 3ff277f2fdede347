/* Depthwise convolutions of inference against plain sums in double. */
#include <math.h>
#include <stdlib.h>

#include "nn/depthwise_run.h"
#include "random_floats.h"
#include "test.h"

/* Each kernel and stride that there is; widths that fill tiles of seven and of four, one pixel more and less; padding
   as networks have it, none, and so much that a tile lies outside. */
static const nsc_depthwise cases[] = {
    {.batch = 1, .height = 7, .width = 7, .channels = 8, .kernel = 3, .stride = 1, .top = 1, .left = 1},
    {.batch = 2, .height = 5, .width = 15, .channels = 4, .kernel = 3, .stride = 1, .top = 1, .left = 1},
    {.batch = 1, .height = 4, .width = 3, .channels = 12, .kernel = 3, .stride = 1, .top = 2, .left = 2},
    {.batch = 1, .height = 9, .width = 16, .channels = 20, .kernel = 3, .stride = 2, .top = 1, .left = 1},
    {.batch = 3, .height = 8, .width = 29, .channels = 8, .kernel = 3, .stride = 2, .top = 0, .left = 0},
    {.batch = 1, .height = 14, .width = 14, .channels = 16, .kernel = 5, .stride = 1, .top = 2, .left = 2},
    {.batch = 1, .height = 11, .width = 9, .channels = 8, .kernel = 5, .stride = 2, .top = 2, .left = 1},
    {.batch = 1, .height = 6, .width = 21, .channels = 4, .kernel = 7, .stride = 1, .top = 3, .left = 3},
    {.batch = 1, .height = 3, .width = 4, .channels = 4, .kernel = 7, .stride = 1, .top = 6, .left = 6},
};

static double sum_at(const nsc_depthwise *s, const float *x, const float *w, size_t n, size_t oy, size_t ox, size_t c) {
  double sum = 0;
  for (size_t t = 0; t < s->kernel * s->kernel; t++) {
    size_t y = oy * s->stride + t / s->kernel - s->top, at = ox * s->stride + t % s->kernel - s->left;
    if (y >= s->height || at >= s->width) continue;
    sum +=
        (double)x[((n * s->height + y) * s->width + at) * s->channels + c] * (double)w[c * s->kernel * s->kernel + t];
  }
  return sum;
}

static void check_case(nsc_depthwise s, bool has_bias) {
  nsc_rng rng = nsc_rng_seeded(11);
  s.out_height = (s.height + 2 * s.top - s.kernel) / s.stride + 1;
  s.out_width = (s.width + 2 * s.left - s.kernel) / s.stride + 1;
  size_t outputs = s.batch * s.out_height * s.out_width * s.channels;
  float *x = random_floats(&rng, s.batch * s.height * s.width * s.channels);
  float *w = random_floats(&rng, s.channels * s.kernel * s.kernel), *bias = random_floats(&rng, s.channels);
  float *packed = malloc(nsc_depthwise_weight_floats(&s) * sizeof *packed);
  float *zero = calloc(s.channels, sizeof *zero), *y = malloc(outputs * sizeof *y);
  REQUIRE(nsc_depthwise_can(&s));
  nsc_depthwise_pack(&s, w, has_bias ? bias : NULL, packed);
  nsc_depthwise_run(&s, x, packed, zero, y, NULL);
  for (size_t i = 0; i < outputs; i++) {
    size_t c = i % s.channels, pixel = i / s.channels, row = pixel / s.out_width;
    double want = sum_at(&s, x, w, row / s.out_height, row % s.out_height, pixel % s.out_width, c);
    if (has_bias) want += (double)bias[c];
    want = fmax((double)s.min, fmin((double)s.max, want));
    CHECK_NEAR((double)y[i], want, 2e-5);
  }
  free(x), free(w), free(bias), free(packed), free(zero), free(y);
}

TEST(nn_depthwise_equals_plain_sums) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_depthwise s = cases[i];
    s.min = -INFINITY, s.max = INFINITY;
    check_case(s, false);
    s.min = -0.5f, s.max = 1.25f;
    check_case(s, true);
  }
}

TEST(nn_depthwise_knows_what_it_can) {
  nsc_depthwise s = cases[0];
  CHECK(nsc_depthwise_can(&s));
  s.channels = 6;
  CHECK(!nsc_depthwise_can(&s));
  s.channels = 8, s.stride = 3;
  CHECK(!nsc_depthwise_can(&s));
  s.stride = 2, s.kernel = 7;
  CHECK(!nsc_depthwise_can(&s));
}
