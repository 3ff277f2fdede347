/* Convolutions of stride 2 over few channels by transformed phases, against plain sums in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/winograd_stem.h"
#include "random_floats.h"
#include "test.h"

/* Sizes that fill tiles and do not, both kernels, one to four channels, outputs that fill panels and do not, padding
   that differs by side, none, and as much as there can be; a picture below a tile, one with a column that no
   output sees, and rows of tiles that share a block with those of the next picture. */
typedef struct stem_case {
  size_t batch, height, width, in, out, kernel, top, left, bottom, right;
} stem_case;

static const stem_case cases[] = {
    {1, 32, 32, 3, 64, 7, 3, 3, 3, 3},  {2, 27, 45, 3, 20, 7, 2, 3, 3, 1}, {3, 21, 19, 1, 12, 7, 0, 0, 0, 0},
    {1, 9, 130, 4, 100, 7, 3, 3, 3, 3}, {1, 2, 3, 2, 8, 7, 6, 6, 6, 6},    {5, 7, 7, 3, 16, 7, 0, 0, 0, 0},
    {1, 8, 14, 1, 32, 7, 0, 0, 0, 0},   {2, 30, 33, 3, 24, 5, 2, 2, 2, 2}, {1, 17, 24, 1, 12, 5, 1, 4, 2, 0},
    {1, 13, 11, 4, 40, 5, 0, 0, 1, 4},
};

enum { CASES = sizeof cases / sizeof *cases };

typedef struct stem_data {
  nsc_winograd_stem shape;
  size_t outputs;
  float *x, *w, *bias, *y;
} stem_data;

static stem_data make_data(const stem_case *c) {
  nsc_rng rng = nsc_rng_seeded(5);
  stem_data d = {.shape = {.batch = c->batch,
                           .height = c->height,
                           .width = c->width,
                           .in_channels = c->in,
                           .out_height = (c->height + c->top + c->bottom - c->kernel) / 2 + 1,
                           .out_width = (c->width + c->left + c->right - c->kernel) / 2 + 1,
                           .out_channels = c->out,
                           .top = c->top,
                           .left = c->left,
                           .kernel = c->kernel}};
  const nsc_winograd_stem *s = &d.shape;
  d.outputs = s->batch * s->out_height * s->out_width * s->out_channels;
  d.x = random_floats(&rng, s->batch * s->height * s->width * s->in_channels);
  d.w = random_floats(&rng, s->out_channels * s->kernel * s->kernel * s->in_channels);
  d.bias = random_floats(&rng, s->out_channels);
  d.y = malloc(d.outputs * sizeof *d.y);
  return d;
}

static void drop_data(stem_data *d) {
  free(d->x), free(d->w), free(d->bias), free(d->y);
}

/* In room that holds no zeros, of exactly the size that is asked for. */
static void run_stem(stem_data *d, const nsc_winograd_after *after, size_t threads) {
  nsc_kernels kernels = nsc_choose_kernels();
  size_t floats = nsc_winograd_stem_floats(&kernels, &d->shape),
         room = nsc_winograd_stem_workspace(&kernels, &d->shape, threads);
  float *packed = malloc(floats * sizeof *packed), *workspace = malloc(room * sizeof *workspace);
  for (size_t i = 0; i < floats; i++) packed[i] = NAN;
  for (size_t i = 0; i < room; i++) workspace[i] = NAN;
  pthreadpool_t pool = threads > 1 ? pthreadpool_create(threads) : NULL;
  nsc_winograd_stem_pack(&kernels, &d->shape, d->w, packed);
  nsc_winograd_stem_run(&kernels, &d->shape, d->x, packed, after, d->y, pool, workspace);
  if (pool) pthreadpool_destroy(pool);
  free(packed), free(workspace);
}

static double sum_at(const stem_data *d, size_t pixel, size_t o) {
  const nsc_winograd_stem *s = &d->shape;
  size_t n = pixel / (s->out_height * s->out_width), oy = pixel / s->out_width % s->out_height,
         ox = pixel % s->out_width, taps = s->kernel * s->kernel;
  double sum = 0;
  for (size_t t = 0; t < taps; t++) {
    size_t y = oy * 2 + t / s->kernel - s->top, x = ox * 2 + t % s->kernel - s->left;
    if (y >= s->height || x >= s->width) continue;
    const float *pixels = d->x + ((n * s->height + y) * s->width + x) * s->in_channels;
    const float *weights = d->w + (o * taps + t) * s->in_channels;
    for (size_t c = 0; c < s->in_channels; c++) sum += (double)pixels[c] * (double)weights[c];
  }
  return sum;
}

/* Errors as a share of the root of the mean square of what is right, before anything is cut off. */
typedef struct stem_errors {
  double rms, worst;
} stem_errors;

static stem_errors errors_of(const stem_data *d, const nsc_winograd_after *after) {
  double squares = 0, sum = 0, worst = 0;
  for (size_t i = 0; i < d->outputs; i++) {
    size_t o = i % d->shape.out_channels;
    double want = sum_at(d, i / d->shape.out_channels, o) + (after->bias ? (double)after->bias[o] : 0);
    squares += want * want;
    if (after->clamps) want = fmax((double)after->min, fmin((double)after->max, want));
    double error = fabs((double)d->y[i] - want);
    if (!(error <= worst)) worst = error; /* also of what is no number */
    sum += error * error;
  }
  double size = sqrt(squares / (double)d->outputs);
  return (stem_errors){sqrt(sum / (double)d->outputs) / size, worst / size};
}

static void check_case(int i, const nsc_winograd_after *shown, bool has_bias) {
  stem_data d = make_data(&cases[i]);
  nsc_winograd_after after = *shown;
  if (has_bias) after.bias = d.bias;
  CHECK(nsc_winograd_stem_can(&d.shape));
  run_stem(&d, &after, 1);
  stem_errors e = errors_of(&d, &after);
  if (!(e.rms < 3e-6) || !(e.worst < 3e-5)) {
    test_failed(__FILE__, __LINE__, "case %d: %g and at most %g of the results' size", i, e.rms, e.worst);
  }
  drop_data(&d);
}

TEST(nn_winograd_stem_equals_plain_sums) {
  REQUIRE(xnn_initialize(NULL) == xnn_status_success);
  for (int i = 0; i < CASES; i++) {
    check_case(i, &(nsc_winograd_after){.min = -INFINITY, .max = INFINITY}, false);
    check_case(i, &(nsc_winograd_after){.clamps = true, .min = -0.5f, .max = 6}, true);
  }
}

TEST(nn_winograd_stem_is_the_same_with_any_threads) {
  REQUIRE(xnn_initialize(NULL) == xnn_status_success);
  for (int i = 0; i < CASES; i++) {
    stem_data d = make_data(&cases[i]);
    nsc_winograd_after after = {.bias = d.bias, .clamps = true, .min = 0, .max = INFINITY};
    float *first = malloc(d.outputs * sizeof *first);
    for (size_t threads = 1; threads <= 3; threads++) {
      run_stem(&d, &after, threads);
      if (threads == 1) memcpy(first, d.y, d.outputs * sizeof *first);
      CHECK(memcmp(first, d.y, d.outputs * sizeof *first) == 0);
    }
    free(first);
    drop_data(&d);
  }
}

/* A pixel that is no number spoils the tiles that look at it, and no other result. */
TEST(nn_winograd_stem_keeps_what_is_no_number_near) {
  REQUIRE(xnn_initialize(NULL) == xnn_status_success);
  stem_data d = make_data(&cases[0]);
  const nsc_winograd_stem *s = &d.shape;
  nsc_winograd_after after = {.clamps = true, .min = 0, .max = INFINITY};
  d.x[(16 * s->width + 16) * s->in_channels] = NAN;
  run_stem(&d, &after, 1);
  for (size_t i = 0; i < d.outputs; i++) {
    size_t pixel = i / s->out_channels, y = pixel / s->out_width, x = pixel % s->out_width;
    bool under = y >= 7 && y <= 9 && x >= 7 && x <= 9, near = y >= 4 && y < 12 && x >= 4 && x < 12;
    if (under) CHECK(isnan(d.y[i]));
    if (!near) CHECK(!isnan(d.y[i]));
  }
  drop_data(&d);
}

TEST(nn_winograd_stem_knows_what_it_can) {
  nsc_winograd_stem s = {
      .width = 32, .in_channels = 3, .out_width = 16, .out_channels = 64, .top = 3, .left = 3, .kernel = 7};
  CHECK(nsc_winograd_stem_can(&s));
  s.in_channels = 5;
  CHECK(!nsc_winograd_stem_can(&s));
  s.in_channels = 3, s.out_channels = 63;
  CHECK(!nsc_winograd_stem_can(&s));
  s.out_channels = 64, s.kernel = 3;
  CHECK(!nsc_winograd_stem_can(&s));
  s.kernel = 7, s.left = 7;
  CHECK(!nsc_winograd_stem_can(&s));
  s.left = 3, s.out_width = 12;
  CHECK(!nsc_winograd_stem_can(&s));
  s.out_width = 1, s.width = 1;
  CHECK(!nsc_winograd_stem_can(&s));
}
