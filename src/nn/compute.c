#include "nn/compute.h"

#include <math.h>
#include <pthreadpool.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

#include "base/error.h"
#include "nn/rows.h"

/* Columns of an im2col block: 4 MB of floats stay in a second-level cache's reach and amortise packing. */
enum { COLUMN_FLOATS = 1 << 20 };

typedef struct scratch {
  float *floats;
  size_t count;
} scratch;

struct nsc_compute {
  pthreadpool_t pool;
  scratch turned, columns, product, workspace;
};

nsc_status nsc_compute_create(uint32_t threads, nsc_compute **out, nsc_error *err) {
  if (xnn_initialize(NULL) != xnn_status_success) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "XNNPACK does not run on this processor");
  }
  nsc_choose_rows();
  nsc_compute *c = calloc(1, sizeof *c);
  if (!c) return nsc_fail_memory(err, sizeof *c, "threads");
  if (threads > 1) c->pool = pthreadpool_create(threads);
  *out = c;
  return NSC_OK;
}

void nsc_compute_free(nsc_compute *compute) {
  if (!compute) return;
  if (compute->pool) pthreadpool_destroy(compute->pool);
  free(compute->turned.floats);
  free(compute->columns.floats);
  free(compute->product.floats);
  free(compute->workspace.floats);
  free(compute);
}

void nsc_compute_ranges(nsc_compute *compute, void (*part)(void *, size_t, size_t), void *context, size_t total,
                        size_t grain) {
  pthreadpool_parallelize_1d_tile_1d(compute->pool, part, context, total, grain ? grain : 1, 0);
}

/* Room for `count` floats, kept for the next call. */
static nsc_status reserve(scratch *s, size_t count, nsc_error *err) {
  if (count <= s->count) return NSC_OK;
  if (count > (SIZE_MAX - XNN_EXTRA_BYTES) / sizeof(float)) return nsc_fail_memory(err, count, "scratch memory");
  free(s->floats);
  s->floats = malloc(count * sizeof *s->floats + XNN_EXTRA_BYTES);
  s->count = s->floats ? count : 0;
  return s->floats ? NSC_OK : nsc_fail_memory(err, count * sizeof *s->floats, "scratch memory");
}

/* Ends the operator whatever happened. */
static nsc_status finish(xnn_operator_t op, enum xnn_status status, const char *what, nsc_error *err) {
  if (op) xnn_delete_operator(op);
  if (status == xnn_status_success) return NSC_OK;
  if (status == xnn_status_out_of_memory) return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for a %s", what);
  return nsc_fail(err, NSC_ERROR_INTERNAL, "XNNPACK refuses a %s (status %d)", what, (int)status);
}

nsc_status nsc_compute_dense(nsc_compute *compute, size_t rows, size_t in, size_t out, const float *x,
                             const float *weights, bool turned, const float *bias, float *y, nsc_error *err) {
  xnn_operator_t op = NULL;
  enum xnn_status s = xnn_create_fully_connected_nc_f32(in, out, in, out, weights, bias, -INFINITY, INFINITY,
                                                        turned ? XNN_FLAG_TRANSPOSE_WEIGHTS : 0, NULL, NULL, &op);
  if (s == xnn_status_success) s = xnn_reshape_fully_connected_nc_f32(op, rows, compute->pool);
  if (s == xnn_status_success) s = xnn_setup_fully_connected_nc_f32(op, x, y);
  if (s == xnn_status_success) s = xnn_run_operator(op, compute->pool);
  return finish(op, s, "matrix product", err);
}

size_t nsc_conv_out_height(const nsc_conv_shape *s) {
  return (s->height + s->top + s->bottom - s->kernel_h) / s->stride + 1;
}

size_t nsc_conv_out_width(const nsc_conv_shape *s) {
  return (s->width + s->left + s->right - s->kernel_w) / s->stride + 1;
}

nsc_status nsc_compute_conv(nsc_compute *compute, const nsc_conv_shape *s, const float *x, const float *weights,
                            const float *bias, float *y, nsc_error *err) {
  xnn_operator_t op = NULL;
  size_t workspace = 0, alignment, out_h, out_w;
  enum xnn_status status = xnn_create_convolution2d_nhwc_f32(
      (uint32_t)s->top, (uint32_t)s->right, (uint32_t)s->bottom, (uint32_t)s->left, (uint32_t)s->kernel_h,
      (uint32_t)s->kernel_w, (uint32_t)s->stride, (uint32_t)s->stride, 1, 1, (uint32_t)s->groups,
      s->in_channels / s->groups, s->out_channels / s->groups, s->in_channels, s->out_channels, weights, bias,
      -INFINITY, INFINITY, 0, NULL, NULL, &op);
  if (status == xnn_status_success) {
    status = xnn_reshape_convolution2d_nhwc_f32(op, s->batch, s->height, s->width, &workspace, &alignment, &out_h,
                                                &out_w, compute->pool);
  }
  if (status == xnn_status_success && reserve(&compute->workspace, workspace / sizeof(float) + 32, err) != NSC_OK) {
    status = xnn_status_out_of_memory;
  }
  if (status == xnn_status_success) {
    status = xnn_setup_convolution2d_nhwc_f32(op, workspace ? compute->workspace.floats : NULL, x, y);
  }
  if (status == xnn_status_success) status = xnn_run_operator(op, compute->pool);
  return finish(op, status, "convolution", err);
}

/* [groups][out][area][in] to [groups][in][area][out]: what was output becomes input. */
static void turn_weights(float *turned, const float *weights, const nsc_conv_shape *s) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups, area = s->kernel_h * s->kernel_w;
  for (size_t g = 0; g < s->groups; g++) {
    for (size_t o = 0; o < out; o++) {
      for (size_t a = 0; a < area; a++) {
        const float *from = weights + ((g * out + o) * area + a) * in;
        for (size_t i = 0; i < in; i++) turned[((g * in + i) * area + a) * out + o] = from[i];
      }
    }
  }
}

nsc_status nsc_compute_conv_input_gradient(nsc_compute *compute, const nsc_conv_shape *s, const float *dy,
                                           const float *weights, float *dx, nsc_error *err) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups;
  NSC_TRY(reserve(&compute->turned, s->in_channels * s->kernel_h * s->kernel_w * out, err));
  turn_weights(compute->turned.floats, weights, s);
  size_t oh = nsc_conv_out_height(s), ow = nsc_conv_out_width(s), h, w;
  /* Rows and columns of x that no window reached, when the stride does not divide: their gradient is zero. */
  uint32_t rest_h = (uint32_t)(s->height + s->top + s->bottom - s->kernel_h - (oh - 1) * s->stride);
  uint32_t rest_w = (uint32_t)(s->width + s->left + s->right - s->kernel_w - (ow - 1) * s->stride);
  xnn_operator_t op = NULL;
  enum xnn_status status = xnn_create_deconvolution2d_nhwc_f32(
      (uint32_t)s->top, (uint32_t)s->right, (uint32_t)s->bottom, (uint32_t)s->left, (uint32_t)s->kernel_h,
      (uint32_t)s->kernel_w, (uint32_t)s->stride, (uint32_t)s->stride, 1, 1, (uint32_t)s->groups, out, in,
      s->out_channels, s->in_channels, compute->turned.floats, NULL, -INFINITY, INFINITY, 0, NULL, NULL, &op);
  if (status == xnn_status_success) {
    status = xnn_reshape_deconvolution2d_nhwc_f32(op, s->batch, oh, ow, rest_h, rest_w, &h, &w, compute->pool);
  }
  if (status == xnn_status_success && (h != s->height || w != s->width)) status = xnn_status_invalid_parameter;
  if (status == xnn_status_success) status = xnn_setup_deconvolution2d_nhwc_f32(op, dy, dx);
  if (status == xnn_status_success) status = xnn_run_operator(op, compute->pool);
  return finish(op, status, "transposed convolution", err);
}

/* ---- weight gradient: dw = (windows of x)' * dy, over blocks of pixels ---- */

typedef struct columns_task {
  const nsc_conv_shape *shape;
  const float *x;
  float *columns; /* [rows][pixels]: a row for each kernel position and input channel of the group */
  size_t group, first_pixel, pixels;
} columns_task;

/* Rows [from, from + count): value of x under one kernel position and channel, at every output pixel of the block. */
static void fill_columns(void *context, size_t from, size_t count) {
  const columns_task *t = context;
  const nsc_conv_shape *s = t->shape;
  size_t in = s->in_channels / s->groups, oh = nsc_conv_out_height(s), ow = nsc_conv_out_width(s);
  for (size_t p = 0; p < t->pixels; p++) {
    size_t pixel = t->first_pixel + p, n = pixel / (oh * ow), y = pixel / ow % oh, xx = pixel % ow;
    for (size_t row = from; row < from + count;) {
      size_t tap = row / in, channel = row % in, run = in - channel;
      if (run > from + count - row) run = from + count - row;
      ptrdiff_t iy = (ptrdiff_t)(y * s->stride + tap / s->kernel_w) - (ptrdiff_t)s->top;
      ptrdiff_t ix = (ptrdiff_t)(xx * s->stride + tap % s->kernel_w) - (ptrdiff_t)s->left;
      bool inside = iy >= 0 && iy < (ptrdiff_t)s->height && ix >= 0 && ix < (ptrdiff_t)s->width;
      const float *source = inside ? t->x + ((n * s->height + (size_t)iy) * s->width + (size_t)ix) * s->in_channels +
                                         t->group * in + channel
                                   : NULL;
      float *to = t->columns + row * t->pixels + p;
      for (size_t k = 0; k < run; k++) to[k * t->pixels] = source ? source[k] : 0.0f;
      row += run;
    }
  }
}

/* product is [area * in][out of all groups' slice]; adds it to dw, [out][area][in]. */
static void add_product(const nsc_conv_shape *s, size_t group, const float *product, float *dw) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups, rows = s->kernel_h * s->kernel_w * in;
  for (size_t o = 0; o < out; o++) {
    float *to = dw + (group * out + o) * rows;
    for (size_t r = 0; r < rows; r++) to[r] += product[r * out + o];
  }
}

/* dy of one group, packed: [pixels][out]. */
static const float *group_of(const nsc_conv_shape *s, const float *dy, size_t group, size_t pixels, float *room) {
  size_t out = s->out_channels / s->groups;
  if (s->groups == 1) return dy;
  for (size_t p = 0; p < pixels; p++) {
    memcpy(room + p * out, dy + p * s->out_channels + group * out, out * sizeof *room);
  }
  return room;
}

static nsc_status dense_weight_gradient(nsc_compute *compute, const nsc_conv_shape *s, const float *x, const float *dy,
                                        float *dw, nsc_error *err) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups, rows = s->kernel_h * s->kernel_w * in;
  size_t total = s->batch * nsc_conv_out_height(s) * nsc_conv_out_width(s);
  size_t block = COLUMN_FLOATS / rows;
  block = block < 16 ? 16 : block > total ? total : block;
  NSC_TRY(reserve(&compute->columns, rows * block, err));
  NSC_TRY(reserve(&compute->product, rows * out, err));
  NSC_TRY(reserve(&compute->turned, block * out, err));
  memset(dw, 0, s->out_channels * rows * sizeof *dw);
  for (size_t group = 0; group < s->groups; group++) {
    for (size_t first = 0; first < total; first += block) {
      size_t pixels = total - first < block ? total - first : block;
      columns_task task = {s, x, compute->columns.floats, group, first, pixels};
      nsc_compute_ranges(compute, fill_columns, &task, rows, rows / 4 + 1);
      const float *part = group_of(s, dy + first * s->out_channels, group, pixels, compute->turned.floats);
      NSC_TRY(nsc_compute_dense(compute, rows, pixels, out, compute->columns.floats, part, true, NULL,
                                compute->product.floats, err));
      add_product(s, group, compute->product.floats, dw);
    }
  }
  return NSC_OK;
}

typedef struct depthwise_task {
  const nsc_conv_shape *shape;
  const float *x, *dy;
  float *dw;
} depthwise_task;

/* One kernel position for all channels: dw[c] = sum over pixels of x[c] * dy[c]. */
static void depthwise_taps(void *context, size_t from, size_t count) {
  const depthwise_task *t = context;
  const nsc_conv_shape *s = t->shape;
  size_t oh = nsc_conv_out_height(s), ow = nsc_conv_out_width(s), channels = s->in_channels,
         area = s->kernel_h * s->kernel_w;
  for (size_t tap = from; tap < from + count; tap++) {
    for (size_t c = 0; c < channels; c++) t->dw[c * area + tap] = 0;
    for (size_t pixel = 0; pixel < s->batch * oh * ow; pixel++) {
      ptrdiff_t iy = (ptrdiff_t)(pixel / ow % oh * s->stride + tap / s->kernel_w) - (ptrdiff_t)s->top;
      ptrdiff_t ix = (ptrdiff_t)(pixel % ow * s->stride + tap % s->kernel_w) - (ptrdiff_t)s->left;
      if (iy < 0 || iy >= (ptrdiff_t)s->height || ix < 0 || ix >= (ptrdiff_t)s->width) continue;
      const float *x = t->x + ((pixel / (oh * ow) * s->height + (size_t)iy) * s->width + (size_t)ix) * channels;
      const float *dy = t->dy + pixel * channels;
      for (size_t c = 0; c < channels; c++) t->dw[c * area + tap] += x[c] * dy[c];
    }
  }
}

nsc_status nsc_compute_conv_weight_gradient(nsc_compute *compute, const nsc_conv_shape *s, const float *x,
                                            const float *dy, float *dw, nsc_error *err) {
  if (s->groups == s->in_channels && s->out_channels == s->in_channels) {
    depthwise_task task = {s, x, dy, dw};
    nsc_compute_ranges(compute, depthwise_taps, &task, s->kernel_h * s->kernel_w, 1);
    return NSC_OK;
  }
  return dense_weight_gradient(compute, s, x, dy, dw, err);
}
