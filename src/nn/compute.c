#include "nn/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/depthwise.h"
#include "nn/product.h"
#include "nn/rows.h"
#include "nn/winograd.h"

struct nsc_compute {
  pthreadpool_t pool;
  bool borrowed; /* the threads are somebody else's */
  nsc_kernels kernels;
  nsc_room room; /* that all passes of all layers work in, one after the other */
  nsc_room pointers, phase;
};

nsc_status nsc_compute_borrow(struct pthreadpool *threads, nsc_compute **out, nsc_error *err) {
  if (xnn_initialize(NULL) != xnn_status_success) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "XNNPACK does not run on this processor");
  }
  nsc_choose_rows();
  nsc_compute *c = calloc(1, sizeof *c);
  if (!c) return nsc_fail_memory(err, sizeof *c, "threads");
  c->kernels = nsc_choose_kernels();
  c->pool = threads;
  c->borrowed = true;
  *out = c;
  return NSC_OK;
}

nsc_status nsc_compute_create(uint32_t threads, nsc_compute **out, nsc_error *err) {
  NSC_TRY(nsc_compute_borrow(NULL, out, err));
  (*out)->borrowed = false;
  if (threads > 1) (*out)->pool = pthreadpool_create(threads);
  return NSC_OK;
}

void nsc_compute_free(nsc_compute *compute) {
  if (!compute) return;
  if (compute->pool && !compute->borrowed) pthreadpool_destroy(compute->pool);
  nsc_compute_rest(compute);
  free(compute);
}

void nsc_compute_rest(nsc_compute *compute) {
  nsc_room_drop(&compute->room);
  nsc_room_drop(&compute->pointers);
  nsc_room_drop(&compute->phase);
}

size_t nsc_compute_bytes(const nsc_compute *compute) {
  return (compute->room.count + compute->pointers.count + compute->phase.count) * sizeof(float);
}

void nsc_compute_ranges(nsc_compute *compute, void (*part)(void *, size_t, size_t), void *context, size_t total,
                        size_t grain) {
  pthreadpool_parallelize_1d_tile_1d(compute ? compute->pool : NULL, part, context, total, grain ? grain : 1, 0);
}

/* ---- dense: rows of a matrix are pictures of one pixel ---- */

static const ptrdiff_t no_offset[1] = {0};

static nsc_windows plain_rows(const float *x, size_t rows, size_t columns) {
  return (nsc_windows){.x = x,
                       .batch = rows,
                       .height = 1,
                       .width = 1,
                       .pixel = columns,
                       .channels = columns,
                       .out_height = 1,
                       .out_width = 1,
                       .step = 1,
                       .taps = 1,
                       .tap_y = no_offset,
                       .tap_x = no_offset};
}

/* Of packed weights: they stay in a cache, and no second copy of all of them is made. */
enum { PANEL_BYTES = 4 << 20, LEAST_COLUMNS = 64 };

/* Columns whose packed weights stand in memory at a time: whole panels. */
static size_t columns_at_once(const nsc_kernels *kernels, const nsc_right *right) {
  size_t least = nsc_divide_up(LEAST_COLUMNS, kernels->columns) * kernels->columns;
  size_t each = (1 + right->taps * right->channels) * sizeof(float), some = PANEL_BYTES / each / least * least;
  return nsc_least(some < least ? least : some, right->columns);
}

/* y = left * right. */
static nsc_status multiply(nsc_compute *c, const nsc_windows *left, const nsc_right *right, float *y, size_t stride,
                           nsc_error *err) {
  nsc_right some = *right;
  some.columns = columns_at_once(&c->kernels, right);
  NSC_TRY(nsc_room_take(&c->room, nsc_panel_floats(&c->kernels, &some), err));
  for (size_t first = 0; first < right->columns; first += some.columns) {
    some.columns = nsc_least(some.columns, right->columns - first);
    some.weights = right->weights + first * right->column_stride;
    some.bias = right->bias ? right->bias + first : NULL;
    nsc_pack(&c->kernels, &some, c->room.floats, c->pool);
    NSC_TRY(
        nsc_product(&c->kernels, left, c->room.floats, some.columns, y + first, stride, c->pool, &c->pointers, err));
  }
  return NSC_OK;
}

nsc_status nsc_compute_dense(nsc_compute *compute, size_t rows, size_t in, size_t out, const float *x,
                             const float *weights, bool turned, const float *bias, float *y, nsc_error *err) {
  const size_t no_tap[1] = {0};
  nsc_windows left = plain_rows(x, rows, in);
  nsc_right right = {.weights = weights,
                     .bias = bias,
                     .taps = 1,
                     .channels = in,
                     .columns = out,
                     .tap_offsets = no_tap,
                     .channel_stride = turned ? out : 1,
                     .column_stride = turned ? 1 : in};
  return multiply(compute, &left, &right, y, out, err);
}

nsc_status nsc_compute_dense_weight_gradient(nsc_compute *compute, size_t rows, size_t in, size_t out, const float *x,
                                             const float *dy, float *dw, nsc_error *err) {
  nsc_windows windows = plain_rows(x, rows, in);
  return nsc_product_over_windows(&compute->kernels, &windows, dy, out, out, dw, compute->pool, &compute->room, err);
}

/* ---- convolutions with few groups: sums over windows ---- */

size_t nsc_conv_out_height(const nsc_conv_shape *s) {
  return (s->height + s->top + s->bottom - s->kernel_h) / s->stride + 1;
}

size_t nsc_conv_out_width(const nsc_conv_shape *s) {
  return (s->width + s->left + s->right - s->kernel_w) / s->stride + 1;
}

static bool is_depthwise(const nsc_conv_shape *s) {
  return s->groups > 1 && s->groups == s->in_channels && s->out_channels == s->in_channels;
}

/* Where the taps of a kernel read, and where their weights lie. */
typedef struct taps {
  ptrdiff_t *y, *x;
  size_t *weights; /* offsets */
  size_t count;
} taps;

static nsc_status make_taps(const nsc_conv_shape *s, taps *t, nsc_error *err) {
  size_t area = s->kernel_h * s->kernel_w;
  *t = (taps){.y = malloc(area * sizeof *t->y), .x = malloc(area * sizeof *t->x)};
  t->weights = malloc(area * sizeof *t->weights);
  if (t->y && t->x && t->weights) return NSC_OK;
  free(t->y);
  free(t->x);
  free(t->weights);
  return nsc_fail_memory(err, area * sizeof *t->weights, "a convolution");
}

static void drop_taps(taps *t) {
  free(t->y);
  free(t->x);
  free(t->weights);
}

/* All taps of the forward pass. */
static void place_taps(const nsc_conv_shape *s, taps *t) {
  t->count = s->kernel_h * s->kernel_w;
  for (size_t k = 0; k < t->count; k++) {
    t->y[k] = (ptrdiff_t)(k / s->kernel_w) - (ptrdiff_t)s->top;
    t->x[k] = (ptrdiff_t)(k % s->kernel_w) - (ptrdiff_t)s->left;
    t->weights[k] = k * (s->in_channels / s->groups);
  }
}

static nsc_windows windows_of(const nsc_conv_shape *s, const float *x, size_t group, const taps *t) {
  size_t in = s->in_channels / s->groups;
  return (nsc_windows){.x = x ? x + group * in : NULL,
                       .batch = s->batch,
                       .height = s->height,
                       .width = s->width,
                       .pixel = s->in_channels,
                       .channels = in,
                       .out_height = nsc_conv_out_height(s),
                       .out_width = nsc_conv_out_width(s),
                       .step = s->stride,
                       .taps = t->count,
                       .tap_y = t->y,
                       .tap_x = t->x};
}

static nsc_right weights_of(const nsc_conv_shape *s, const float *weights, const float *bias, size_t group,
                            const taps *t) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups;
  return (nsc_right){.weights = weights ? weights + group * out * t->count * in : NULL,
                     .bias = bias ? bias + group * out : NULL,
                     .taps = t->count,
                     .channels = in,
                     .columns = out,
                     .tap_offsets = t->weights,
                     .channel_stride = 1,
                     .column_stride = t->count * in};
}

static nsc_status conv_groups(nsc_compute *compute, const nsc_conv_shape *s, const float *x, const float *weights,
                              const float *bias, float *y, const taps *t, nsc_error *err) {
  for (size_t g = 0; g < s->groups; g++) {
    nsc_windows left = windows_of(s, x, g, t);
    nsc_right right = weights_of(s, weights, bias, g, t);
    NSC_TRY(multiply(compute, &left, &right, y + g * (s->out_channels / s->groups), s->out_channels, err));
  }
  return NSC_OK;
}

static nsc_status weight_gradient_groups(nsc_compute *c, const nsc_conv_shape *s, const float *x, const float *dy,
                                         float *dw, const taps *t, nsc_error *err) {
  size_t in = s->in_channels / s->groups, out = s->out_channels / s->groups;
  for (size_t g = 0; g < s->groups; g++) {
    nsc_windows windows = windows_of(s, x, g, t);
    NSC_TRY(nsc_product_over_windows(&c->kernels, &windows, dy + g * out, out, s->out_channels,
                                     dw + g * out * t->count * in, c->pool, &c->room, err));
  }
  return NSC_OK;
}

/* ---- the input's gradient ---- */

/*
 * Rows and columns of x that are congruent modulo the stride are reached by the same taps: each such phase is a
 * convolution of dy with a part of the kernel and stride 1.
 */
typedef struct phase {
  const nsc_conv_shape *shape;
  size_t y, x, height, width; /* first row and column, and how many */
  const float *from;          /* [batch][height][width][in channels] */
  float *dx;
} phase;

/* Taps that reach row `y` and column `x` of the phase; tap (ky, kx) takes dy at (y + top - ky) / stride. */
static void place_phase(const nsc_conv_shape *s, const phase *p, taps *t) {
  ptrdiff_t stride = (ptrdiff_t)s->stride;
  t->count = 0;
  for (size_t k = 0; k < s->kernel_h * s->kernel_w; k++) {
    ptrdiff_t y = (ptrdiff_t)(p->y + s->top) - (ptrdiff_t)(k / s->kernel_w);
    ptrdiff_t x = (ptrdiff_t)(p->x + s->left) - (ptrdiff_t)(k % s->kernel_w);
    if (y % stride != 0 || x % stride != 0) continue;
    t->y[t->count] = y / stride;
    t->x[t->count] = x / stride;
    t->weights[t->count++] = k * (s->in_channels / s->groups);
  }
}

/* One row of the phase to every stride-th pixel of a row of dx; without `from` zeros. */
static void spread_rows(void *context, size_t from, size_t count) {
  const phase *p = context;
  const nsc_conv_shape *s = p->shape;
  for (size_t r = from; r < from + count; r++) {
    size_t n = r / p->height, y = p->y + r % p->height * s->stride;
    for (size_t k = 0; k < p->width; k++) {
      float *to = p->dx + ((n * s->height + y) * s->width + p->x + k * s->stride) * s->in_channels;
      if (p->from) {
        memcpy(to, p->from + (r * p->width + k) * s->in_channels, s->in_channels * sizeof *to);
      } else {
        memset(to, 0, s->in_channels * sizeof *to);
      }
    }
  }
}

static nsc_windows phase_windows(const phase *p, const taps *t, const float *dy, size_t group) {
  const nsc_conv_shape *s = p->shape;
  size_t channels = s->out_channels / s->groups;
  return (nsc_windows){.x = dy ? dy + group * channels : NULL,
                       .batch = s->batch,
                       .height = nsc_conv_out_height(s),
                       .width = nsc_conv_out_width(s),
                       .pixel = s->out_channels,
                       .channels = channels,
                       .out_height = p->height,
                       .out_width = p->width,
                       .step = 1,
                       .taps = t->count,
                       .tap_y = t->y,
                       .tap_x = t->x};
}

static nsc_right phase_weights(const phase *p, const taps *t, const float *weights, size_t group) {
  const nsc_conv_shape *s = p->shape;
  size_t in = s->in_channels / s->groups, channels = s->out_channels / s->groups, area = s->kernel_h * s->kernel_w;
  return (nsc_right){.weights = weights ? weights + group * channels * area * in : NULL,
                     .taps = t->count,
                     .channels = channels,
                     .columns = in,
                     .tap_offsets = t->weights,
                     .channel_stride = area * in,
                     .column_stride = 1};
}

static nsc_status phase_gradient(nsc_compute *c, const phase *p, const taps *t, const float *dy, const float *weights,
                                 float *out, nsc_error *err) {
  const nsc_conv_shape *s = p->shape;
  for (size_t g = 0; g < s->groups; g++) {
    nsc_windows left = phase_windows(p, t, dy, g);
    nsc_right right = phase_weights(p, t, weights, g);
    NSC_TRY(multiply(c, &left, &right, out + g * (s->in_channels / s->groups), s->in_channels, err));
  }
  return NSC_OK;
}

/* Floats of what a phase gives, before it is spread. */
static size_t phase_floats(const phase *p) {
  return p->shape->batch * p->height * p->width * p->shape->in_channels;
}

static nsc_status run_phase(nsc_compute *c, phase *p, taps *t, const float *dy, const float *weights, nsc_error *err) {
  const nsc_conv_shape *s = p->shape;
  place_phase(s, p, t);
  if (s->stride == 1) return phase_gradient(c, p, t, dy, weights, p->dx, err);
  if (t->count) {
    NSC_TRY(nsc_room_take(&c->phase, phase_floats(p), err));
    NSC_TRY(phase_gradient(c, p, t, dy, weights, c->phase.floats, err));
    p->from = c->phase.floats;
  }
  nsc_compute_ranges(c, spread_rows, p, s->batch * p->height, 8);
  return NSC_OK;
}

static phase phase_at(const nsc_conv_shape *s, size_t y, size_t x) {
  return (phase){.shape = s,
                 .y = y,
                 .x = x,
                 .height = (s->height - y + s->stride - 1) / s->stride,
                 .width = (s->width - x + s->stride - 1) / s->stride};
}

static nsc_status input_gradient_phases(nsc_compute *c, const nsc_conv_shape *s, const float *dy, const float *weights,
                                        float *dx, taps *t, nsc_error *err) {
  for (size_t y = 0; y < s->stride && y < s->height; y++) {
    for (size_t x = 0; x < s->stride && x < s->width; x++) {
      phase p = phase_at(s, y, x);
      p.dx = dx;
      NSC_TRY(run_phase(c, &p, t, dy, weights, err));
    }
  }
  return NSC_OK;
}

/* ---- 3x3 at stride 1 ---- */

static bool is_winograd(const nsc_conv_shape *s, nsc_winograd *out) {
  *out = (nsc_winograd){.batch = s->batch,
                        .height = s->height,
                        .width = s->width,
                        .in_channels = s->in_channels,
                        .out_height = nsc_conv_out_height(s),
                        .out_width = nsc_conv_out_width(s),
                        .out_channels = s->out_channels,
                        .top = s->top,
                        .left = s->left,
                        .stride = 1,
                        .tile = 4};
  return s->kernel_h == 3 && s->kernel_w == 3 && s->stride == 1 && s->groups == 1 && s->top <= 2 && s->left <= 2 &&
         s->bottom <= 2 && s->right <= 2 && nsc_winograd_pays(out);
}

static nsc_right winograd_weights(const nsc_winograd *w, const float *weights, size_t offsets[9]) {
  for (size_t t = 0; t < 9; t++) offsets[t] = t * w->in_channels;
  return (nsc_right){.weights = weights,
                     .taps = 9,
                     .channels = w->in_channels,
                     .columns = w->out_channels,
                     .tap_offsets = offsets,
                     .channel_stride = 1,
                     .column_stride = 9 * w->in_channels};
}

/* dx is dy filtered with the kernel turned by half, inputs and outputs exchanged. */
static nsc_right winograd_turned(const nsc_winograd *w, const float *weights, size_t offsets[9]) {
  for (size_t t = 0; t < 9; t++) offsets[t] = (8 - t) * w->in_channels;
  return (nsc_right){.weights = weights,
                     .taps = 9,
                     .channels = w->out_channels,
                     .columns = w->in_channels,
                     .tap_offsets = offsets,
                     .channel_stride = 9 * w->in_channels,
                     .column_stride = 1};
}

static nsc_winograd winograd_back(const nsc_winograd *w) {
  return (nsc_winograd){.batch = w->batch,
                        .height = w->out_height,
                        .width = w->out_width,
                        .in_channels = w->out_channels,
                        .out_height = w->height,
                        .out_width = w->width,
                        .out_channels = w->in_channels,
                        .top = 2 - w->top,
                        .left = 2 - w->left,
                        .stride = 1,
                        .tile = w->tile};
}

static nsc_status winograd_forward(nsc_compute *c, const nsc_winograd *w, const float *x, const float *weights,
                                   const float *bias, float *y, nsc_error *err) {
  size_t offsets[9];
  nsc_right right = winograd_weights(w, weights, offsets);
  const nsc_winograd_after after = {.bias = bias};
  return nsc_winograd_filter(&c->kernels, w, x, &right, &after, y, c->pool, &c->room, err);
}

static nsc_status winograd_input_gradient(nsc_compute *c, const nsc_winograd *w, const float *dy, const float *weights,
                                          float *dx, nsc_error *err) {
  size_t offsets[9];
  nsc_right right = winograd_turned(w, weights, offsets);
  nsc_winograd back = winograd_back(w);
  const nsc_winograd_after nothing = {0};
  return nsc_winograd_filter(&c->kernels, &back, dy, &right, &nothing, dx, c->pool, &c->room, err);
}

/* ---- convolutions of any kind ---- */

nsc_status nsc_compute_conv(nsc_compute *compute, const nsc_conv_shape *s, const float *x, const float *weights,
                            const float *bias, float *y, nsc_error *err) {
  nsc_winograd tiles;
  if (is_depthwise(s)) return nsc_depthwise_forward(compute, s, x, weights, bias, y, err);
  if (is_winograd(s, &tiles)) return winograd_forward(compute, &tiles, x, weights, bias, y, err);
  taps t;
  NSC_TRY(make_taps(s, &t, err));
  place_taps(s, &t);
  nsc_status status = conv_groups(compute, s, x, weights, bias, y, &t, err);
  drop_taps(&t);
  return status;
}

nsc_status nsc_compute_conv_input_gradient(nsc_compute *compute, const nsc_conv_shape *s, const float *dy,
                                           const float *weights, float *dx, nsc_error *err) {
  nsc_winograd tiles;
  if (is_depthwise(s)) return nsc_depthwise_input_gradient(compute, s, dy, weights, dx, err);
  if (is_winograd(s, &tiles)) return winograd_input_gradient(compute, &tiles, dy, weights, dx, err);
  taps t;
  NSC_TRY(make_taps(s, &t, err));
  nsc_status status = input_gradient_phases(compute, s, dy, weights, dx, &t, err);
  drop_taps(&t);
  return status;
}

nsc_status nsc_compute_conv_weight_gradient(nsc_compute *compute, const nsc_conv_shape *s, const float *x,
                                            const float *dy, float *dw, nsc_error *err) {
  nsc_winograd tiles;
  if (is_depthwise(s)) return nsc_depthwise_weight_gradient(compute, s, x, dy, dw, err);
  if (is_winograd(s, &tiles)) {
    return nsc_winograd_weight_gradient(&compute->kernels, &tiles, x, dy, dw, compute->pool, &compute->room, err);
  }
  taps t;
  NSC_TRY(make_taps(s, &t, err));
  place_taps(s, &t);
  nsc_status status = weight_gradient_groups(compute, s, x, dy, dw, &t, err);
  drop_taps(&t);
  return status;
}

/* ---- how much room that takes ---- */

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static void need_multiply(nsc_compute_need *n, const nsc_windows *left, const nsc_right *right) {
  const nsc_kernels kernels = nsc_choose_kernels();
  nsc_right some = *right;
  some.columns = columns_at_once(&kernels, right);
  n->room = larger(n->room, nsc_panel_floats(&kernels, &some));
  n->pointers = larger(n->pointers, nsc_product_room(&kernels, left, n->threads));
}

static void need_sum(nsc_compute_need *n, const nsc_windows *windows, size_t out) {
  const nsc_kernels kernels = nsc_choose_kernels();
  n->room = larger(n->room, nsc_sum_room(&kernels, windows, out, n->threads));
}

static void need_phases(nsc_compute_need *n, const nsc_conv_shape *s, taps *t) {
  for (size_t y = 0; y < s->stride && y < s->height; y++) {
    for (size_t x = 0; x < s->stride && x < s->width; x++) {
      phase p = phase_at(s, y, x);
      place_phase(s, &p, t);
      if (t->count == 0) continue;
      nsc_windows left = phase_windows(&p, t, NULL, 0);
      nsc_right right = phase_weights(&p, t, NULL, 0);
      need_multiply(n, &left, &right);
      if (s->stride > 1) n->phase = larger(n->phase, phase_floats(&p));
    }
  }
}

static void need_winograd(nsc_compute_need *n, const nsc_winograd *w, bool input_gradient) {
  const nsc_kernels kernels = nsc_choose_kernels();
  size_t offsets[9];
  nsc_right right = winograd_weights(w, NULL, offsets), turned = winograd_turned(w, NULL, offsets);
  nsc_winograd back = winograd_back(w);
  n->room = larger(n->room, nsc_winograd_filter_room(&kernels, w, &right, n->threads));
  n->room = larger(n->room, nsc_winograd_gradient_room(&kernels, w, n->threads));
  if (input_gradient) n->room = larger(n->room, nsc_winograd_filter_room(&kernels, &back, &turned, n->threads));
}

nsc_status nsc_compute_need_begin(nsc_compute_need *need, uint32_t threads, nsc_error *err) {
  if (xnn_initialize(NULL) != xnn_status_success) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "XNNPACK does not run on this processor");
  }
  *need = (nsc_compute_need){.threads = threads ? threads : 1};
  return NSC_OK;
}

void nsc_compute_need_dense(nsc_compute_need *n, size_t rows, size_t in, size_t out, bool input_gradient) {
  nsc_windows x = plain_rows(NULL, rows, in), dy = plain_rows(NULL, rows, out);
  const nsc_right right = {.taps = 1, .channels = in, .columns = out, .column_stride = in};
  const nsc_right turned = {.taps = 1, .channels = out, .columns = in, .column_stride = 1};
  need_multiply(n, &x, &right);
  need_sum(n, &x, out);
  if (input_gradient) need_multiply(n, &dy, &turned);
}

nsc_status nsc_compute_need_conv(nsc_compute_need *n, const nsc_conv_shape *s, bool input_gradient, nsc_error *err) {
  nsc_winograd tiles;
  if (is_depthwise(s)) return NSC_OK; /* some hundred bytes a channel */
  if (is_winograd(s, &tiles)) {
    need_winograd(n, &tiles, input_gradient);
    return NSC_OK;
  }
  taps t;
  NSC_TRY(make_taps(s, &t, err));
  place_taps(s, &t);
  nsc_windows left = windows_of(s, NULL, 0, &t);
  nsc_right right = weights_of(s, NULL, NULL, 0, &t);
  need_multiply(n, &left, &right);
  need_sum(n, &left, s->out_channels / s->groups);
  if (input_gradient) need_phases(n, s, &t);
  drop_taps(&t);
  return NSC_OK;
}

size_t nsc_compute_need_bytes(const nsc_compute_need *need) {
  return (need->room + need->pointers + need->phase) * sizeof(float);
}
