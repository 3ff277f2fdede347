/* Products over pictures, with and without bounds, and what is no number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/product.h"
#include "random_floats.h"
#include "test.h"

/* A last tile of rows and a last panel of columns that are not full; 3x3 taps go by addresses, 1x1 by rows. */
enum { HEIGHT = 5, WIDTH = 7, PIXELS = HEIGHT * WIDTH, IN = 6, OUT = 45, MOST_TAPS = 9 };

typedef struct product_data {
  size_t taps;
  ptrdiff_t tap_y[MOST_TAPS], tap_x[MOST_TAPS];
  float *x, *w, *bias, *y; /* [PIXELS][IN], [OUT][taps][IN], [OUT], [PIXELS][OUT] */
} product_data;

static product_data make_data(size_t side) {
  nsc_rng rng = nsc_rng_seeded(3);
  product_data d = {.taps = side * side};
  for (size_t t = 0; t < d.taps; t++) {
    d.tap_y[t] = (ptrdiff_t)(t / side) - (ptrdiff_t)(side / 2);
    d.tap_x[t] = (ptrdiff_t)(t % side) - (ptrdiff_t)(side / 2);
  }
  d.x = random_floats(&rng, PIXELS * IN + NSC_PRODUCT_SLACK);
  d.w = random_floats(&rng, OUT * d.taps * IN);
  d.bias = random_floats(&rng, OUT);
  d.y = random_floats(&rng, PIXELS * OUT);
  return d;
}

static void drop_data(product_data *d) {
  free(d->x), free(d->w), free(d->bias), free(d->y);
}

static nsc_status multiply(product_data *d, const nsc_kernels *kernels, nsc_error *err) {
  size_t offsets[MOST_TAPS];
  for (size_t t = 0; t < d->taps; t++) offsets[t] = t * IN;
  const nsc_right right = {
      d->w, d->bias, d->taps, IN, OUT, offsets, .channel_stride = 1, .column_stride = d->taps * IN};
  const nsc_windows left = {.x = d->x,
                            .batch = 1,
                            .height = HEIGHT,
                            .width = WIDTH,
                            .pixel = IN,
                            .channels = IN,
                            .out_height = HEIGHT,
                            .out_width = WIDTH,
                            .step = 1,
                            .taps = d->taps,
                            .tap_y = d->tap_y,
                            .tap_x = d->tap_x};
  nsc_room panels = {0}, pointers = {0};
  nsc_status status = nsc_room_take(&panels, nsc_panel_floats(kernels, &right), err);
  if (status == NSC_OK) {
    nsc_pack(kernels, &right, panels.floats, NULL);
    status = nsc_product(kernels, &left, panels.floats, OUT, d->y, OUT, NULL, &pointers, err);
  }
  nsc_room_drop(&panels);
  nsc_room_drop(&pointers);
  return status;
}

static double sum_at(const product_data *d, size_t pixel, size_t o) {
  double sum = (double)d->bias[o];
  for (size_t t = 0; t < d->taps; t++) {
    size_t y = pixel / WIDTH + (size_t)d->tap_y[t], x = pixel % WIDTH + (size_t)d->tap_x[t]; /* huge when negative */
    if (y >= HEIGHT || x >= WIDTH) continue;
    for (size_t c = 0; c < IN; c++) {
      sum += (double)d->x[(y * WIDTH + x) * IN + c] * (double)d->w[(o * d->taps + t) * IN + c];
    }
  }
  return sum;
}

static void check_product(size_t side, float x, float min, float max) {
  nsc_kernels kernels = nsc_choose_kernels();
  nsc_error err = {0};
  product_data d = make_data(side);
  size_t nans = 0;
  d.x[(2 * WIDTH + 3) * IN + 1] = x;
  nsc_bound_kernels(&kernels, min, max);
  if (multiply(&d, &kernels, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  for (size_t i = 0; i < PIXELS * OUT; i++) {
    double want = sum_at(&d, i / OUT, i % OUT);
    nans += isnan(want);
    if (!isnan(want)) want = fmax((double)min, fmin((double)max, want));
    if (isnan(want) ? isnan(d.y[i]) : fabs((double)d.y[i] - want) < 1e-4) continue;
    test_failed(__FILE__, __LINE__, "%zu x %zu taps, %zu: %g, not %g", side, side, i, (double)d.y[i], want);
    break;
  }
  CHECK_EQ(nans, isnan(x) ? side * side * OUT : 0);
  drop_data(&d);
}

TEST(product_equals_its_definition) {
  check_product(1, 0.5f, -INFINITY, INFINITY);
  check_product(3, 0.5f, -INFINITY, INFINITY);
}

TEST(product_keeps_its_bounds) {
  check_product(1, 0.5f, 0, 6);
  check_product(3, 0.5f, 0, 6);
  check_product(3, 0.5f, 0, INFINITY);
}

/* A training that burst would otherwise go on unnoticed. */
TEST(product_keeps_what_is_no_number) {
  check_product(1, NAN, -INFINITY, INFINITY);
  check_product(3, NAN, -INFINITY, INFINITY);
}
