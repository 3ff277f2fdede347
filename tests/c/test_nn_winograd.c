/* Convolutions of training, and those of inference whose weights stand as taps, against plain sums in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/compute.h"
#include "nn/winograd.h"
#include "random_floats.h"
#include "test.h"

typedef struct conv_case {
  size_t batch, height, width, in, out, pad;
} conv_case;

/* Tiles that fit and do not, channels that fill panels and do not, every padding, a picture smaller than a tile, and
   more tiles than a segment of the weights' gradient holds; then weights that are transformed some columns at a time,
   also over several segments. */
static const conv_case cases[] = {{2, 8, 8, 16, 16, 1},   {3, 7, 5, 20, 28, 1},   {1, 9, 13, 36, 16, 0},
                                  {2, 6, 6, 16, 44, 2},   {5, 2, 3, 64, 32, 1},   {1, 3, 3, 16, 16, 0},
                                  {4, 28, 28, 64, 64, 1}, {32, 4, 4, 96, 80, 1},  {6, 33, 34, 24, 48, 1},
                                  {3, 5, 5, 256, 272, 1}, {90, 1, 1, 256, 272, 1}};

enum { CASES = sizeof cases / sizeof *cases };

typedef struct conv_data {
  nsc_conv_shape shape;
  size_t y_height, y_width, x_count, w_count, y_count;
  float *x, *w, *bias, *dy, *got;
  double *want;
} conv_data;

static conv_data make_data(const conv_case *c, size_t stride) {
  nsc_rng rng = nsc_rng_seeded(7);
  conv_data d = {.shape = {.batch = c->batch,
                           .height = c->height,
                           .width = c->width,
                           .in_channels = c->in,
                           .out_channels = c->out,
                           .groups = 1,
                           .kernel_h = 3,
                           .kernel_w = 3,
                           .stride = stride,
                           .top = c->pad,
                           .left = c->pad,
                           .bottom = c->pad,
                           .right = c->pad}};
  d.y_height = nsc_conv_out_height(&d.shape);
  d.y_width = nsc_conv_out_width(&d.shape);
  d.x_count = c->batch * c->height * c->width * c->in;
  d.w_count = c->out * 9 * c->in;
  d.y_count = c->batch * d.y_height * d.y_width * c->out;
  size_t most = d.x_count > d.w_count ? d.x_count : d.w_count;
  most = most > d.y_count ? most : d.y_count;
  d.x = random_floats(&rng, d.x_count);
  d.w = random_floats(&rng, d.w_count);
  d.bias = random_floats(&rng, c->out);
  d.dy = random_floats(&rng, d.y_count);
  d.got = malloc(most * sizeof *d.got);
  d.want = malloc(most * sizeof *d.want);
  return d;
}

static void drop_data(conv_data *d) {
  free(d->x);
  free(d->w);
  free(d->bias);
  free(d->dy);
  free(d->got);
  free(d->want);
}

typedef enum pass { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } pass;

/* One multiplication of the convolution: which x, w and y it joins. */
static void join(conv_data *d, pass what, size_t x, size_t w, size_t y) {
  double a = what == FORWARD ? d->x[x] : d->dy[y], b = what == WEIGHT_GRADIENT ? d->x[x] : d->w[w];
  size_t to = what == FORWARD ? y : what == INPUT_GRADIENT ? x : w;
  d->want[to] += a * b;
}

static void join_pixel(conv_data *d, pass what, size_t tap, size_t from, size_t to) {
  size_t in = d->shape.in_channels, out = d->shape.out_channels;
  for (size_t o = 0; o < out; o++) {
    for (size_t c = 0; c < in; c++) join(d, what, from * in + c, (o * 9 + tap) * in + c, to * out + o);
  }
}

static void plain_sums(conv_data *d, pass what, size_t count) {
  const nsc_conv_shape *s = &d->shape;
  for (size_t i = 0; i < count; i++) d->want[i] = what == FORWARD ? (double)d->bias[i % s->out_channels] : 0;
  for (size_t p = 0; p < s->batch * d->y_height * d->y_width; p++) {
    size_t n = p / (d->y_height * d->y_width), y = p / d->y_width % d->y_height, x = p % d->y_width;
    for (size_t tap = 0; tap < 9; tap++) {
      size_t iy = y * s->stride + tap / 3 - s->top, ix = x * s->stride + tap % 3 - s->left;
      if (iy < s->height && ix < s->width) join_pixel(d, what, tap, (n * s->height + iy) * s->width + ix, p);
    }
  }
}

/* The largest error, as a share of the root of the mean square of what is right. */
static double worst_error(const conv_data *d, size_t count) {
  double squares = 0, worst = 0;
  for (size_t i = 0; i < count; i++) squares += d->want[i] * d->want[i];
  for (size_t i = 0; i < count; i++) worst = fmax(worst, fabs(d->want[i] - (double)d->got[i]));
  return worst / sqrt(squares / (double)count);
}

static nsc_status run_pass(nsc_compute *c, conv_data *d, pass what, nsc_error *err) {
  if (what == FORWARD) return nsc_compute_conv(c, &d->shape, d->x, d->w, d->bias, d->got, err);
  if (what == INPUT_GRADIENT) return nsc_compute_conv_input_gradient(c, &d->shape, d->dy, d->w, d->got, err);
  return nsc_compute_conv_weight_gradient(c, &d->shape, d->x, d->dy, d->got, err);
}

TEST(winograd_equals_plain_sums) {
  for (int i = 0; i < CASES; i++) {
    conv_data d = make_data(&cases[i], 1);
    for (pass what = FORWARD; what <= WEIGHT_GRADIENT; what++) {
      size_t count = what == FORWARD ? d.y_count : what == INPUT_GRADIENT ? d.x_count : d.w_count;
      nsc_compute *c;
      nsc_error err = {0};
      REQUIRE(nsc_compute_create(2, &c, &err) == NSC_OK);
      REQUIRE(run_pass(c, &d, what, &err) == NSC_OK);
      nsc_compute_free(c);
      plain_sums(&d, what, count);
      double worst = worst_error(&d, count);
      if (!(worst < 1e-4)) test_failed(__FILE__, __LINE__, "case %d, pass %d: %g of the results' size", i, what, worst);
    }
    drop_data(&d);
  }
}

static void check_threads(conv_data *d) {
  size_t counts[] = {d->y_count, d->x_count, d->w_count};
  for (pass what = FORWARD; what <= WEIGHT_GRADIENT; what++) {
    float *first = malloc(counts[what] * sizeof *first);
    for (uint32_t threads = 1; threads <= 3; threads++) {
      nsc_compute *c;
      nsc_error err = {0};
      REQUIRE(nsc_compute_create(threads, &c, &err) == NSC_OK);
      REQUIRE(run_pass(c, d, what, &err) == NSC_OK);
      nsc_compute_free(c);
      if (threads == 1) memcpy(first, d->got, counts[what] * sizeof *first);
      CHECK(memcmp(first, d->got, counts[what] * sizeof *first) == 0);
    }
    free(first);
  }
}

TEST(winograd_is_the_same_with_any_threads) {
  static const int some[] = {8, 9}; /* the second with weights in blocks of columns */
  for (int i = 0; i < 2; i++) {
    conv_data d = make_data(&cases[some[i]], 1);
    check_threads(&d);
    drop_data(&d);
  }
}

/* Outputs from `first` of a convolution with all of them: the same x, some of the weights, some of dy. */
static conv_data some_outputs(const conv_data *all, size_t first, size_t count) {
  conv_data d = *all;
  size_t out = all->shape.out_channels, pixels = all->y_count / out, taps = all->w_count / out;
  d.shape.out_channels = count;
  d.w = all->w + first * taps;
  d.bias = all->bias + first;
  d.dy = malloc(pixels * count * sizeof *d.dy);
  d.got = malloc((pixels + taps) * count * sizeof *d.got);
  for (size_t p = 0; p < pixels; p++) memcpy(d.dy + p * count, all->dy + p * out + first, count * sizeof *d.dy);
  return d;
}

/* A layer so large that its outputs are made in blocks, and convolutions of 16 outputs each, which are not. */
TEST(winograd_blocks_change_no_bit) {
  enum { SOME = 16 };
  conv_data all = make_data(&cases[9], 1);
  size_t out = all.shape.out_channels, pixels = all.y_count / out, taps = all.w_count / out;
  nsc_compute *c;
  nsc_error err = {0};
  REQUIRE(nsc_compute_create(1, &c, &err) == NSC_OK);
  for (size_t first = 0; first < out; first += SOME) {
    conv_data some = some_outputs(&all, first, SOME);
    REQUIRE(run_pass(c, &all, FORWARD, &err) == NSC_OK && run_pass(c, &some, FORWARD, &err) == NSC_OK);
    for (size_t p = 0; p < pixels; p++) {
      CHECK(memcmp(all.got + p * out + first, some.got + p * SOME, SOME * sizeof *some.got) == 0);
    }
    REQUIRE(run_pass(c, &all, WEIGHT_GRADIENT, &err) == NSC_OK);
    REQUIRE(run_pass(c, &some, WEIGHT_GRADIENT, &err) == NSC_OK);
    CHECK(memcmp(all.got + first * taps, some.got, SOME * taps * sizeof *some.got) == 0);
    free(some.dy);
    free(some.got);
  }
  nsc_compute_free(c);
  drop_data(&all);
}

/* 512 times 512 channels: transforms of the weights are 38 MB, for each of the passes. */
TEST(winograd_works_in_little_room) {
  const conv_case large = {32, 4, 4, 512, 512, 1};
  conv_data d = make_data(&large, 1);
  nsc_compute *c;
  nsc_error err = {0};
  REQUIRE(nsc_compute_create(2, &c, &err) == NSC_OK);
  for (pass what = FORWARD; what <= WEIGHT_GRADIENT; what++) {
    REQUIRE(run_pass(c, &d, what, &err) == NSC_OK);
    CHECK(nsc_compute_bytes(c) > 1 << 20 && nsc_compute_bytes(c) < 20 << 20);
  }
  nsc_compute_free(c);
  drop_data(&d);
}

/* ---- weights that stand as taps ---- */

/* [out][9][in] to [out][in][9], divided by `scale`, which the packing multiplies with. */
static float *turned_weights(const conv_data *d, const float *scale) {
  size_t in = d->shape.in_channels;
  float *w = malloc(d->w_count * sizeof *w);
  for (size_t i = 0; i < d->w_count; i++) {
    size_t out = i / (9 * in), tap = i / in % 9, channel = i % in;
    w[(out * in + channel) * 9 + tap] = d->w[i] / scale[out];
  }
  return w;
}

/* `d->got` = clamp(conv + bias + dy), with that many rows a kernel. */
static void run_taps(conv_data *d, const nsc_winograd_after *after, size_t tile, size_t rows, size_t threads) {
  const nsc_conv_shape *c = &d->shape;
  const nsc_winograd shape = {.batch = c->batch,
                              .height = c->height,
                              .width = c->width,
                              .in_channels = c->in_channels,
                              .out_height = d->y_height,
                              .out_width = d->y_width,
                              .out_channels = c->out_channels,
                              .top = c->top,
                              .left = c->left,
                              .stride = c->stride,
                              .tile = tile,
                              .taps = true};
  float *scale = malloc(c->out_channels * sizeof *scale);
  for (size_t o = 0; o < c->out_channels; o++) scale[o] = o % 2 ? 0.5f : 4;
  float *weights = turned_weights(d, scale);
  /* Taken to the byte: what reads or writes beyond is found by the sanitizer. */
  size_t floats = nsc_winograd_taps_floats(c->in_channels, c->out_channels),
         room = nsc_winograd_taps_workspace(&shape, threads);
  float *taps = malloc(floats * sizeof *taps), *workspace = malloc(room * sizeof *workspace);
  nsc_kernels kernels = nsc_choose_kernels();
  kernels.rows = rows;
  pthreadpool_t pool = pthreadpool_create(threads);
  nsc_winograd_pack_taps(c->in_channels, c->out_channels, weights, scale, taps, pool);
  nsc_winograd_run_taps(&kernels, &shape, d->x, taps, after, d->got, pool, workspace);
  pthreadpool_destroy(pool);
  free(taps), free(workspace), free(weights), free(scale);
}

/* Besides the cases above: a portion and a part of one, more tiles than are transformed at a time, and sides of which
   none, one, some and all segments have four outputs. */
static const conv_case taps_cases[] = {{1, 7, 7, 64, 40, 1},    {2, 14, 13, 132, 20, 1}, {130, 1, 1, 256, 16, 1},
                                       {1, 56, 50, 16, 24, 1},  {2, 27, 22, 20, 16, 0},  {1, 5, 31, 16, 16, 2},
                                       {5, 28, 24, 320, 16, 1}, {1, 1, 2, 16, 16, 1}};

/* Tiles of six err more: docs/NUMERICS.md. */
static double bound_of(size_t tile) {
  return tile == 6 ? 2e-4 : 1e-4;
}

static void check_taps(const conv_case *k, size_t stride, size_t tile) {
  conv_data d = make_data(k, stride);
  const nsc_winograd_after plain = {.bias = d.bias},
                           all = {.bias = d.bias, .add = d.dy, .clamps = true, .min = -1, .max = 90};
  plain_sums(&d, FORWARD, d.y_count);
  for (size_t rows = 4; rows <= 6; rows += 2) {
    run_taps(&d, &plain, tile, rows, 2);
    double worst = worst_error(&d, d.y_count);
    if (!(worst < bound_of(tile))) {
      test_failed(__FILE__, __LINE__, "%zu x %zu, %zu channels, stride %zu, tile %zu: %g of the results' size",
                  k->height, k->width, k->in, stride, tile, worst);
    }
  }
  for (size_t i = 0; i < d.y_count; i++) d.want[i] = fmin(fmax(d.want[i] + (double)d.dy[i], -1), 90);
  run_taps(&d, &all, tile, 6, 1);
  double worst = worst_error(&d, d.y_count);
  if (!(worst < bound_of(tile)))
    test_failed(__FILE__, __LINE__, "%zu channels, added: %g of the results' size", k->in, worst);
  drop_data(&d);
}

TEST(winograd_of_taps_equals_plain_sums) {
  REQUIRE(xnn_initialize(NULL) == xnn_status_success);
  static const size_t ways[3][2] = {{1, 4}, {2, 4}, {1, 6}}; /* stride and tile */
  for (int way = 0; way < 3; way++) {
    size_t stride = ways[way][0], tile = ways[way][1];
    for (int i = 0; i < CASES; i++) check_taps(&cases[i], stride, tile);
    for (size_t i = 0; i < sizeof taps_cases / sizeof *taps_cases; i++) check_taps(&taps_cases[i], stride, tile);
  }
}

static void check_taps_threads(const conv_case *k, size_t stride, size_t tile) {
  conv_data d = make_data(k, stride);
  const nsc_winograd_after after = {.bias = d.bias};
  float *first = malloc(d.y_count * sizeof *first);
  for (size_t threads = 1; threads <= 3; threads++) {
    run_taps(&d, &after, tile, 6, threads);
    if (threads == 1) memcpy(first, d.got, d.y_count * sizeof *first);
    CHECK(memcmp(first, d.got, d.y_count * sizeof *first) == 0);
  }
  free(first);
  drop_data(&d);
}

/* Of the first, one thread takes two panels a task and several take one. */
TEST(winograd_of_taps_is_the_same_with_any_threads) {
  REQUIRE(xnn_initialize(NULL) == xnn_status_success);
  for (int i = 0; i < 2; i++) {
    check_taps_threads(&taps_cases[i], 1, 4);
    check_taps_threads(&taps_cases[i], 2, 4);
    check_taps_threads(&taps_cases[i], 1, 6);
  }
}
