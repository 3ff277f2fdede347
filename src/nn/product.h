/*
 * Matrix products with weights that are new each time, on XNNPACK's micro-kernels.
 *
 * XNNPACK's operators pack weights on one thread when they are created, which is right for inference and costs training
 * more than the product itself. Here weights are packed on all threads, into memory that is kept.
 *
 * The right matrix is packed into panels of as many columns as a micro-kernel computes at once (kernels->columns):
 * [panels][1 + depth][columns], the first row being what the sums begin with.
 */
#ifndef NSC_NN_PRODUCT_H
#define NSC_NN_PRODUCT_H

#include <pthreadpool.h>
#include <xnnpack.h>

#include <xnnpack/config.h>
#include "negatoscope.h"

typedef struct nsc_kernels {
  size_t rows, columns; /* of the block that a call computes */
  xnn_f32_gemm_minmax_ukernel_fn product;
  xnn_f32_igemm_minmax_ukernel_fn windows;
  /* The same without bounds, or NULL where the processor has none or there are bounds. Those with bounds may make
     -infinity of what is no number, and a training that burst would go on unnoticed. */
  xnn_f32_gemm_ukernel_fn linear_product;
  xnn_f32_igemm_ukernel_fn linear_windows;
  union xnn_f32_minmax_params params; /* the bounds; infinities at first */
} nsc_kernels;

/* The best ones of this processor, after xnn_initialize. */
nsc_kernels nsc_choose_kernels(void);

/* From now on results are clamped to these, infinities for none. */
void nsc_bound_kernels(nsc_kernels *kernels, float min, float max);

/* `rows` times `columns` results of depth `bytes` / 4; strides in bytes, `panel_stride` from one panel of results to
   the next. */
static inline void nsc_multiply(const nsc_kernels *k, size_t rows, size_t columns, size_t bytes, const float *a,
                                size_t a_stride, const float *panels, float *c, size_t c_stride, size_t panel_stride) {
  if (k->linear_product) {
    static const struct xnn_f32_default_params none;
    k->linear_product(rows, columns, bytes, a, a_stride, panels, c, c_stride, panel_stride, &none);
  } else {
    k->product(rows, columns, bytes, a, a_stride, panels, c, c_stride, panel_stride, &k->params);
  }
}

/* Room that is kept for the next time, 64-byte aligned. */
typedef struct nsc_room {
  void *memory; /* as malloc gave it */
  float *floats;
  size_t count;
} nsc_room;

/* Room for `count` floats; what it held is lost when it grows. */
NSC_WARN_UNUSED nsc_status nsc_room_take(nsc_room *room, size_t count, nsc_error *err);
void nsc_room_drop(nsc_room *room);

enum { NSC_PRODUCT_SLACK = 64 /* floats that kernels may read past the end */ };

/* ---- blocks ---- */

static inline size_t nsc_divide_up(size_t a, size_t b) {
  return (a + b - 1) / b;
}

static inline size_t nsc_least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* to[rows][count] += tile[rows][count], with `stride` and `width` floats from row to row. */
static inline void nsc_add_block(float *to, size_t stride, const float *tile, size_t width, size_t rows, size_t count) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < count; c++) to[r * stride + c] += tile[r * width + c];
  }
}

/* ---- the right matrix ---- */

/* Its element (k, n) is weights[tap_offsets[k / channels] + k % channels * channel_stride + n * column_stride]. */
typedef struct nsc_right {
  const float *weights, *bias; /* bias: [columns] or NULL */
  size_t taps, channels, columns;
  const size_t *tap_offsets;            /* [taps] */
  size_t channel_stride, column_stride; /* one of them is 1 */
} nsc_right;

size_t nsc_panel_floats(const nsc_kernels *kernels, const nsc_right *right);
/* Packs on all threads into `panels`, which has room for nsc_panel_floats. */
void nsc_pack(const nsc_kernels *kernels, const nsc_right *right, float *panels, pthreadpool_t pool);

/* ---- the left matrix ---- */

/*
 * Windows over pictures: row (n, y, x) of the left matrix, y < out_height, x < out_width, is the pixels at
 * (y * step + tap_y[t], x * step + tap_x[t]) of picture n for all taps t, `channels` floats of each; outside of the
 * picture zeros. A plain matrix is a picture of one pixel each with one tap at (0, 0).
 */
typedef struct nsc_windows {
  const float *x;
  size_t batch, height, width, pixel; /* of x; `pixel`: floats from one pixel to the next */
  size_t channels;
  size_t out_height, out_width, step;
  size_t taps;
  const ptrdiff_t *tap_y, *tap_x; /* [taps] */
} nsc_windows;

static inline size_t nsc_window_count(const nsc_windows *w) {
  return w->batch * w->out_height * w->out_width;
}

/* Floats of `pointers` that nsc_product wants, so that it need not take any. */
size_t nsc_product_room(const nsc_kernels *kernels, const nsc_windows *left, size_t threads);

/* y[rows][columns] (`stride` floats from row to row) = windows * right, packed as `panels`. Each result is one sum,
 * made by one thread: threads do not change it. `pointers` is room for the addresses of windows. */
NSC_WARN_UNUSED nsc_status nsc_product(const nsc_kernels *kernels, const nsc_windows *left, const float *panels,
                                       size_t columns, float *y, size_t stride, pthreadpool_t pool, nsc_room *pointers,
                                       nsc_error *err);

/*
 * dw[out][taps * channels] = turned(dy) * windows: sums over all windows. dy is [windows][out] with `dy_stride` floats
 * from row to row. The order of the sums depends on the shapes alone. `room` holds dy turned, panels and partial sums.
 */
NSC_WARN_UNUSED nsc_status nsc_product_over_windows(const nsc_kernels *kernels, const nsc_windows *windows,
                                                    const float *dy, size_t out, size_t dy_stride, float *dw,
                                                    pthreadpool_t pool, nsc_room *room, nsc_error *err);
/* Floats of `room` that it takes. */
size_t nsc_sum_room(const nsc_kernels *kernels, const nsc_windows *windows, size_t out, size_t threads);

#endif
