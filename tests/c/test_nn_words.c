/* int8 convolutions in words against plain sums: equal to the bit, for any shape, number of threads and extreme values.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/words_conv.h"
#include "nn/words_winograd.h"
#include "test.h"

typedef struct conv_case {
  size_t batch;
  int64_t height, width, kernel_h, kernel_w, stride, dilation, pad;
  size_t groups, in, out; /* channels of a group */
} conv_case;

typedef struct conv_data {
  nsc_words_conv conv;
  size_t x_count, w_count, y_count;
  int8_t *x, *w, *y, *want;
  int32_t *bias; /* also of columns that there are not */
  float *scale;
  nsc_words_after after;
} conv_data;

/* Random, or as large as they come. */
static void fill(nsc_rng *rng, int8_t *to, size_t count, int least, bool extreme) {
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = nsc_rng_u64(rng);
    to[i] = (int8_t)(extreme ? (bits & 1 ? 127 : least) : (int)(bits % (uint64_t)(128 - least)) + least);
  }
}

static conv_data make_data(const conv_case *c, int32_t zero, bool extreme) {
  nsc_rng rng = nsc_rng_seeded(11);
  int64_t reach_h = (c->kernel_h - 1) * c->dilation + 1, reach_w = (c->kernel_w - 1) * c->dilation + 1;
  int64_t out_h = (c->height + 2 * c->pad - reach_h) / c->stride + 1,
          out_w = (c->width + 2 * c->pad - reach_w) / c->stride + 1;
  conv_data d = {.conv = {.g = {.window = {.axes = 2,
                                           .kernel = {c->kernel_h, c->kernel_w},
                                           .stride = {c->stride, c->stride},
                                           .dilation = {c->dilation, c->dilation},
                                           .pad_begin = {c->pad, c->pad},
                                           .pad_end = {c->pad, c->pad},
                                           .in = {c->height, c->width},
                                           .out = {out_h, out_w}},
                                .groups = c->groups,
                                .group_in = c->in,
                                .group_out = c->out},
                          .batch = c->batch,
                          .zero = zero}};
  size_t outputs = c->groups * c->out, area = (size_t)(c->kernel_h * c->kernel_w);
  d.x_count = c->batch * (size_t)(c->height * c->width) * c->groups * c->in;
  d.w_count = outputs * c->in * area;
  d.y_count = c->batch * (size_t)(out_h * out_w) * outputs;
  d.x = malloc(d.x_count);
  d.w = malloc(d.w_count);
  d.y = malloc(d.y_count);
  d.want = malloc(d.y_count);
  size_t columns = nsc_words_conv_columns(&d.conv), width = columns / c->groups;
  d.bias = calloc(columns, sizeof *d.bias);
  d.scale = calloc(columns, sizeof *d.scale);
  fill(&rng, d.x, d.x_count, -128, extreme);
  fill(&rng, d.w, d.w_count, -127, extreme);
  for (size_t o = 0; o < outputs; o++) {
    size_t at = o / c->out * width + o % c->out;
    d.bias[at] = (int32_t)(nsc_rng_u64(&rng) % 20001) - 10000;
    d.scale[at] = (0.5f + nsc_rng_float(&rng)) / (300 * sqrtf((float)(c->in * area)));
  }
  d.after = (nsc_words_after){d.bias, d.scale, 3, -101, 120};
  return d;
}

static void free_data(conv_data *d) {
  free(d->x);
  free(d->w);
  free(d->y);
  free(d->want);
  free(d->bias);
  free(d->scale);
}

static int32_t sum_of(const conv_data *d, size_t n, int64_t oy, int64_t ox, size_t o) {
  const nsc_conv_geometry *g = &d->conv.g;
  const nsc_window *w = &g->window;
  const int8_t *weights = d->w + o * g->group_in * (size_t)(w->kernel[0] * w->kernel[1]);
  int32_t sum = 0;
  for (size_t c = 0; c < g->group_in; c++) {
    for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
      for (int64_t kx = 0; kx < w->kernel[1]; kx++, weights++) {
        int64_t y = oy * w->stride[0] - w->pad_begin[0] + ky * w->dilation[0];
        int64_t x = ox * w->stride[1] - w->pad_begin[1] + kx * w->dilation[1];
        if (y < 0 || x < 0 || y >= w->in[0] || x >= w->in[1]) continue;
        size_t pixel = (n * (size_t)w->in[0] + (size_t)y) * (size_t)w->in[1] + (size_t)x;
        sum += (d->x[(pixel * g->groups + o / g->group_out) * g->group_in + c] - d->conv.zero) * *weights;
      }
    }
  }
  return sum;
}

static void compute_plainly(conv_data *d) {
  const nsc_conv_geometry *g = &d->conv.g;
  size_t outputs = g->groups * g->group_out, width = nsc_words_conv_columns(&d->conv) / g->groups, at = 0;
  for (size_t n = 0; n < d->conv.batch; n++) {
    for (int64_t y = 0; y < g->window.out[0]; y++) {
      for (int64_t x = 0; x < g->window.out[1]; x++) {
        for (size_t o = 0; o < outputs; o++, at++) {
          size_t column = o / g->group_out * width + o % g->group_out;
          float scaled = (float)(sum_of(d, n, y, x, o) + d->bias[column]) * d->scale[column];
          float value = nearbyintf(scaled) + (float)d->after.zero;
          d->want[at] = (int8_t)fminf(fmaxf(value, (float)d->after.min), (float)d->after.max);
        }
      }
    }
  }
}

static size_t differences(const conv_data *d) {
  size_t count = 0;
  for (size_t i = 0; i < d->y_count; i++) count += d->y[i] != d->want[i];
  return count;
}

static void *aligned_room(size_t bytes) {
  return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

/* Kernels of all kinds; channels that are multiples of nothing, few and many; rows and panels that fill tasks and do
   not; groups of whole panels and not. */
static const conv_case cases[] = {{2, 9, 7, 1, 1, 1, 1, 0, 1, 24, 40},   {1, 17, 19, 3, 3, 2, 1, 1, 1, 16, 24},
                                  {2, 30, 31, 7, 7, 2, 1, 3, 1, 3, 64},  {1, 14, 14, 1, 1, 1, 1, 0, 1, 300, 17},
                                  {1, 12, 13, 3, 3, 1, 2, 2, 1, 10, 21}, {3, 8, 8, 3, 3, 1, 1, 1, 4, 8, 8},
                                  {1, 11, 11, 3, 3, 1, 1, 1, 3, 5, 18},  {1, 1, 1, 1, 1, 1, 1, 0, 1, 40, 1000},
                                  {1, 6, 9, 5, 1, 1, 1, 2, 1, 7, 9},     {1, 9, 9, 1, 1, 2, 1, 0, 1, 72, 130},
                                  {1, 3, 3, 3, 3, 1, 1, 2, 1, 1, 1},     {2, 40, 40, 1, 1, 1, 1, 0, 2, 16, 32}};

static void check_conv(const conv_case *c, int32_t zero, bool extreme, size_t threads) {
  conv_data d = make_data(c, zero, extreme);
  pthreadpool_t pool = threads > 1 ? pthreadpool_create(threads) : NULL;
  int8_t *packed = malloc(nsc_words_conv_weight_bytes(&d.conv));
  void *room = aligned_room(nsc_words_conv_workspace(&d.conv, threads));
  nsc_words_conv_pack(&d.conv, d.w, packed, pool);
  nsc_words_conv_run(&d.conv, d.x, packed, &d.after, d.y, pool, room);
  compute_plainly(&d);
  CHECK_EQ(differences(&d), 0u);
  pthreadpool_destroy(pool);
  free(packed);
  free(room);
  free_data(&d);
}

TEST(words_conv_equals_plain_sums) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check_conv(&cases[i], 0, false, 1);
    check_conv(&cases[i], -128, true, 1);
    check_conv(&cases[i], 5, false, 3);
  }
}

/* Segments that fit and do not, of four and of three; pictures smaller than one; panels that are filled and not;
   several portions; several blocks. */
static const conv_case tiled[] = {{1, 14, 14, 3, 3, 1, 1, 1, 1, 32, 32}, {2, 7, 7, 3, 3, 1, 1, 1, 1, 64, 36},
                                  {3, 9, 5, 3, 3, 1, 1, 0, 1, 40, 16},   {1, 1, 2, 3, 3, 1, 1, 1, 1, 8, 4},
                                  {1, 12, 6, 3, 3, 1, 1, 2, 1, 16, 20},  {1, 64, 70, 3, 3, 1, 1, 1, 1, 136, 16}};

static void check_winograd(const conv_case *c, int32_t zero, bool extreme, size_t threads, size_t channels) {
  conv_data d = make_data(c, zero, extreme);
  const nsc_window *w = &d.conv.g.window;
  const nsc_words_winograd conv = {.shape = {.batch = c->batch,
                                             .height = (size_t)w->in[0],
                                             .width = (size_t)w->in[1],
                                             .in_channels = c->in,
                                             .out_height = (size_t)w->out[0],
                                             .out_width = (size_t)w->out[1],
                                             .out_channels = c->out,
                                             .top = (size_t)c->pad,
                                             .left = (size_t)c->pad,
                                             .stride = 1,
                                             .tile = 4,
                                             .taps = true},
                                   .zero = zero,
                                   .channels = channels};
  pthreadpool_t pool = threads > 1 ? pthreadpool_create(threads) : NULL;
  int8_t *packed = malloc(nsc_words_winograd_weight_bytes(c->in, c->out));
  void *room = aligned_room(nsc_words_winograd_workspace(&conv, threads));
  nsc_words_winograd_pack(c->in, c->out, d.w, packed, pool);
  nsc_words_winograd_run(&conv, d.x, packed, &d.after, d.y, pool, room);
  compute_plainly(&d);
  CHECK_EQ(differences(&d), 0u);
  pthreadpool_destroy(pool);
  free(packed);
  free(room);
  free_data(&d);
}

TEST(words_winograd_equals_plain_sums) {
  for (size_t i = 0; i < sizeof tiled / sizeof *tiled; i++) {
    check_winograd(&tiled[i], 0, false, 1, 1024);
    check_winograd(&tiled[i], -128, true, 1, 1024);
    check_winograd(&tiled[i], 127, true, 1, 32);
    check_winograd(&tiled[i], -7, false, 3, 64);
  }
}

/* Sums that could leave the range in which they are restored are restored in parts. */
TEST(words_winograd_parts_sums_that_are_too_large) {
  enum { CHANNELS = 256, SIDE = 8 };
  static int8_t weights[CHANNELS * CHANNELS * 9];
  nsc_words_winograd c = {.shape = {.batch = 1,
                                    .height = SIDE,
                                    .width = SIDE,
                                    .in_channels = CHANNELS,
                                    .out_height = SIDE,
                                    .out_width = SIDE,
                                    .out_channels = CHANNELS,
                                    .top = 1,
                                    .left = 1}};
  memset(weights, 57, sizeof weights); /* 57 * 2,304 * 255 is just below 2^25 */
  REQUIRE(nsc_words_winograd_choose(&c, weights, -128));
  CHECK_EQ(c.channels, 256u);
  memset(weights + sizeof weights - 4, 127, 4);
  REQUIRE(nsc_words_winograd_choose(&c, weights, -128));
  CHECK_EQ(c.channels, 128u);
  REQUIRE(nsc_words_winograd_choose(&c, weights, 0));
  CHECK_EQ(c.channels, 256u);
  c.shape.in_channels = CHANNELS - 4;
  CHECK(!nsc_words_winograd_choose(&c, weights, 0));
}
