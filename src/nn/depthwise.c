#include "nn/depthwise.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct depthwise {
  const nsc_conv_shape *shape;
  size_t area, out_height, out_width;
  const float *x, *dy, *bias;
  float *weights; /* [area][channels]; of the weight gradient [segments][area][channels] */
  float *out;
  size_t rows_a_segment;
} depthwise;

static depthwise make(const nsc_conv_shape *s) {
  return (depthwise){.shape = s,
                     .area = s->kernel_h * s->kernel_w,
                     .out_height = nsc_conv_out_height(s),
                     .out_width = nsc_conv_out_width(s)};
}

/* [channels][area] to [area][channels]: what is multiplied together stands together. */
static nsc_status turn_weights(depthwise *d, const float *weights, nsc_error *err) {
  size_t channels = d->shape->in_channels;
  d->weights = malloc(d->area * channels * sizeof *d->weights);
  if (!d->weights) return nsc_fail_memory(err, d->area * channels * sizeof *d->weights, "a depthwise convolution");
  for (size_t c = 0; c < channels; c++) {
    for (size_t t = 0; t < d->area; t++) d->weights[t * channels + c] = weights[c * d->area + t];
  }
  return NSC_OK;
}

static void add_products(float *restrict to, const float *restrict a, const float *restrict b, size_t count) {
  for (size_t c = 0; c < count; c++) to[c] += a[c] * b[c];
}

/* The pixel of x under tap `t` of the window at (y, x) of picture `n`; NULL outside. */
static const float *pixel_under(const depthwise *d, const float *x, size_t n, size_t oy, size_t ox, size_t t) {
  const nsc_conv_shape *s = d->shape;
  ptrdiff_t iy = (ptrdiff_t)(oy * s->stride + t / s->kernel_w) - (ptrdiff_t)s->top;
  ptrdiff_t ix = (ptrdiff_t)(ox * s->stride + t % s->kernel_w) - (ptrdiff_t)s->left;
  if (iy < 0 || iy >= (ptrdiff_t)s->height || ix < 0 || ix >= (ptrdiff_t)s->width) return NULL;
  return x + ((n * s->height + (size_t)iy) * s->width + (size_t)ix) * s->in_channels;
}

/* ---- forward: rows of y ---- */

static void forward_rows(void *context, size_t from, size_t count) {
  const depthwise *d = context;
  size_t channels = d->shape->in_channels;
  for (size_t p = from * d->out_width; p < (from + count) * d->out_width; p++) {
    size_t row = p / d->out_width;
    float *y = d->out + p * channels;
    if (d->bias) {
      memcpy(y, d->bias, channels * sizeof *y);
    } else {
      memset(y, 0, channels * sizeof *y);
    }
    for (size_t t = 0; t < d->area; t++) {
      const float *x = pixel_under(d, d->x, row / d->out_height, row % d->out_height, p % d->out_width, t);
      if (x) add_products(y, x, d->weights + t * channels, channels);
    }
  }
}

nsc_status nsc_depthwise_forward(nsc_compute *compute, const nsc_conv_shape *shape, const float *x,
                                 const float *weights, const float *bias, float *y, nsc_error *err) {
  depthwise d = make(shape);
  d.x = x;
  d.bias = bias;
  d.out = y;
  NSC_TRY(turn_weights(&d, weights, err));
  nsc_compute_ranges(compute, forward_rows, &d, shape->batch * d.out_height, 1);
  free(d.weights);
  return NSC_OK;
}

/* ---- the input's gradient: rows of dx, each window that covers a pixel ---- */

/* One axis: the window whose tap `k` lies on position `i`; false when there is none. */
static bool window_on(size_t i, size_t before, size_t k, size_t stride, size_t count, size_t *window) {
  if (i + before < k || (i + before - k) % stride) return false;
  *window = (i + before - k) / stride;
  return *window < count;
}

static void input_pixel(const depthwise *d, size_t n, size_t iy, size_t ix, float *dx) {
  const nsc_conv_shape *s = d->shape;
  size_t channels = s->in_channels, oy, ox;
  memset(dx, 0, channels * sizeof *dx);
  for (size_t ky = 0; ky < s->kernel_h; ky++) {
    if (!window_on(iy, s->top, ky, s->stride, d->out_height, &oy)) continue;
    for (size_t kx = 0; kx < s->kernel_w; kx++) {
      if (!window_on(ix, s->left, kx, s->stride, d->out_width, &ox)) continue;
      const float *dy = d->dy + ((n * d->out_height + oy) * d->out_width + ox) * channels;
      add_products(dx, dy, d->weights + (ky * s->kernel_w + kx) * channels, channels);
    }
  }
}

static void input_rows(void *context, size_t from, size_t count) {
  const depthwise *d = context;
  const nsc_conv_shape *s = d->shape;
  for (size_t p = from * s->width; p < (from + count) * s->width; p++) {
    size_t row = p / s->width;
    input_pixel(d, row / s->height, row % s->height, p % s->width, d->out + p * s->in_channels);
  }
}

nsc_status nsc_depthwise_input_gradient(nsc_compute *compute, const nsc_conv_shape *shape, const float *dy,
                                        const float *weights, float *dx, nsc_error *err) {
  depthwise d = make(shape);
  d.dy = dy;
  d.out = dx;
  NSC_TRY(turn_weights(&d, weights, err));
  nsc_compute_ranges(compute, input_rows, &d, shape->batch * shape->height, 1);
  free(d.weights);
  return NSC_OK;
}

/* ---- the weights' gradient: segments of rows, each with sums of its own, added in order ---- */

enum { SEGMENTS = 16 };

static void sum_segment(void *context, size_t from, size_t count) {
  const depthwise *d = context;
  size_t channels = d->shape->in_channels, rows = d->shape->batch * d->out_height;
  for (size_t k = from; k < from + count; k++) {
    float *sums = d->weights + k * d->area * channels;
    size_t end = (k + 1) * d->rows_a_segment < rows ? (k + 1) * d->rows_a_segment : rows;
    for (size_t p = k * d->rows_a_segment * d->out_width; p < end * d->out_width; p++) {
      size_t row = p / d->out_width;
      for (size_t t = 0; t < d->area; t++) {
        const float *x = pixel_under(d, d->x, row / d->out_height, row % d->out_height, p % d->out_width, t);
        if (x) add_products(sums + t * channels, x, d->dy + p * channels, channels);
      }
    }
  }
}

nsc_status nsc_depthwise_weight_gradient(nsc_compute *compute, const nsc_conv_shape *shape, const float *x,
                                         const float *dy, float *dw, nsc_error *err) {
  depthwise d = make(shape);
  size_t channels = shape->in_channels, each = d.area * channels;
  d.x = x;
  d.dy = dy;
  d.rows_a_segment = (shape->batch * d.out_height + SEGMENTS - 1) / SEGMENTS;
  d.weights = calloc(SEGMENTS * each, sizeof *d.weights);
  if (!d.weights) return nsc_fail_memory(err, SEGMENTS * each * sizeof *d.weights, "a depthwise convolution");
  nsc_compute_ranges(compute, sum_segment, &d, SEGMENTS, 1);
  for (size_t k = 1; k < SEGMENTS; k++) {
    for (size_t i = 0; i < each; i++) d.weights[i] += d.weights[k * each + i];
  }
  for (size_t c = 0; c < channels; c++) {
    for (size_t t = 0; t < d.area; t++) dw[c * d.area + t] = d.weights[t * channels + c];
  }
  free(d.weights);
  return NSC_OK;
}
