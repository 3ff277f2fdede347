#include "nn/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xnnpack/gemm.h>
#include <xnnpack/igemm.h>
#include "base/bytes.h"
#include "base/error.h"

nsc_kernels nsc_choose_kernels(void) {
  const struct xnn_gemm_config *config = xnn_init_f32_gemm_config();
  nsc_kernels k = {.params.scalar = {.min = -INFINITY, .max = INFINITY}};
  if (config && config->log2_kr == 0 && config->log2_sr == 0) {
    k.rows = config->mr;
    k.columns = config->nr;
    k.product = (xnn_f32_gemm_minmax_ukernel_fn)config->minmax.gemm[config->mr - 1].function[XNN_UARCH_DEFAULT];
    k.windows = (xnn_f32_igemm_minmax_ukernel_fn)config->minmax.igemm[config->mr - 1].function[XNN_UARCH_DEFAULT];
    k.linear_product = (xnn_f32_gemm_ukernel_fn)config->linear.gemm[config->mr - 1].function[XNN_UARCH_DEFAULT];
    k.linear_windows = (xnn_f32_igemm_ukernel_fn)config->linear.igemm[config->mr - 1].function[XNN_UARCH_DEFAULT];
  } else { /* kernels that want weights shuffled: none of the processors that this runs on has them */
    k.rows = k.columns = 4;
    k.product = xnn_f32_gemm_minmax_ukernel_4x4__scalar;
    k.windows = xnn_f32_igemm_minmax_ukernel_4x4__scalar;
  }
  return k;
}

void nsc_bound_kernels(nsc_kernels *k, float min, float max) {
  k->params.scalar.min = min;
  k->params.scalar.max = max;
  if (min == -INFINITY && max == INFINITY) return;
  k->linear_product = NULL;
  k->linear_windows = NULL;
}

/* ---- room ---- */

enum { ALIGN = 64, SLACK = NSC_PRODUCT_SLACK };

nsc_status nsc_room_take(nsc_room *room, size_t count, nsc_error *err) {
  if (count <= room->count) return NSC_OK;
  nsc_room_drop(room);
  size_t bytes;
  if (!nsc_mul_size(count + SLACK, sizeof(float), &bytes) || !nsc_add_size(bytes, ALIGN, &bytes)) {
    return nsc_fail_memory(err, SIZE_MAX, "a product");
  }
  room->memory = malloc(bytes);
  if (!room->memory) return nsc_fail_memory(err, bytes, "a product");
  room->floats = (float *)(((uintptr_t)room->memory + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
  room->count = count;
  return NSC_OK;
}

void nsc_room_drop(nsc_room *room) {
  free(room->memory);
  *room = (nsc_room){0};
}

/* ---- packing ---- */

/* A copy whose size the compiler knows is a few instructions. */
static inline void copy_few(float *restrict to, const float *restrict from, size_t count) {
  if (count == 8) {
    memcpy(to, from, 8 * sizeof *to);
  } else if (count == 16) {
    memcpy(to, from, 16 * sizeof *to);
  } else if (count == 32) {
    memcpy(to, from, 32 * sizeof *to);
  } else {
    for (size_t c = 0; c < count; c++) to[c] = from[c];
  }
}

typedef struct pack_task {
  const nsc_kernels *kernels;
  const nsc_right *right;
  float *panels;
} pack_task;

static size_t depth_of(const nsc_right *right) {
  return right->taps * right->channels;
}

size_t nsc_panel_floats(const nsc_kernels *kernels, const nsc_right *right) {
  return nsc_divide_up(right->columns, kernels->columns) * kernels->columns * (1 + depth_of(right));
}

/* `count` columns from `first`, all channels of a tap; the columns stand side by side in memory. */
static void pack_side_by_side(const nsc_right *r, size_t tap, size_t first, size_t count, size_t width, float *to) {
  const float *from = r->weights + r->tap_offsets[tap] + first;
  for (size_t c = 0; c < r->channels; c++, to += width, from += r->channel_stride) {
    copy_few(to, from, count);
    for (size_t n = count; n < width; n++) to[n] = 0;
  }
}

/* The same where the channels of a column stand side by side: some at a time, so that lines of both stay near. */
static void pack_turned(const nsc_right *r, size_t tap, size_t first, size_t count, size_t width, float *to) {
  enum { SOME = 16 };
  for (size_t c = 0; c < r->channels; c += SOME) {
    size_t some = nsc_least(SOME, r->channels - c);
    for (size_t n = 0; n < width; n++) {
      const float *from = r->weights + r->tap_offsets[tap] + c + (first + n) * r->column_stride;
      float *at = to + c * width + n;
      for (size_t k = 0; k < some; k++) at[k * width] = n < count ? from[k] : 0;
    }
  }
}

static void pack_panel(void *context, size_t panel) {
  const pack_task *t = context;
  const nsc_right *r = t->right;
  size_t width = t->kernels->columns, first = panel * width, count = nsc_least(width, r->columns - first);
  float *to = t->panels + panel * width * (1 + depth_of(r));
  for (size_t n = 0; n < width; n++) to[n] = r->bias && n < count ? r->bias[first + n] : 0;
  to += width;
  for (size_t tap = 0; tap < r->taps; tap++, to += r->channels * width) {
    if (r->column_stride == 1) {
      pack_side_by_side(r, tap, first, count, width, to);
    } else {
      pack_turned(r, tap, first, count, width, to);
    }
  }
}

void nsc_pack(const nsc_kernels *kernels, const nsc_right *right, float *panels, pthreadpool_t pool) {
  pack_task task = {kernels, right, panels};
  pthreadpool_parallelize_1d(pool, pack_panel, &task, nsc_divide_up(right->columns, kernels->columns), 0);
}

/* ---- windows times weights ---- */

/* Blocks of windows whose addresses are made once for many panels; panels are split only where blocks are few. */
enum { BLOCK_TILES = 32, TASKS_A_THREAD = 4 };

typedef struct product_task {
  const nsc_kernels *kernels;
  const nsc_windows *left;
  const float *panels, *zero;
  float *y;
  size_t columns, stride, rows, panel_floats;
  size_t panel_count, group; /* panels a task */
  const float **pointers;    /* [threads][BLOCK_TILES][taps][kernel rows] */
  size_t pointers_each;
} product_task;

/* A window: picture, and row and column of the output. */
typedef struct window_at {
  size_t n, y, x;
} window_at;

static void next_window(const nsc_windows *w, window_at *at) {
  if (++at->x < w->out_width) return;
  at->x = 0;
  if (++at->y < w->out_height) return;
  at->y = 0;
  at->n++;
}

/* Where a window reads under each tap, `stride` addresses apart. */
static void point_window(const product_task *p, const window_at *at, size_t stride, const float **out) {
  const nsc_windows *w = p->left;
  const float *picture = w->x + at->n * w->height * w->width * w->pixel;
  for (size_t t = 0; t < w->taps; t++) {
    size_t y = at->y * w->step + (size_t)w->tap_y[t],
           x = at->x * w->step + (size_t)w->tap_x[t]; /* huge when negative */
    bool inside = y < w->height && x < w->width;
    out[t * stride] = inside ? picture + (y * w->width + x) * w->pixel : p->zero;
  }
}

/* Rows beyond the last one read what it reads. */
static void point(const product_task *p, size_t first_row, size_t end_row, const float **out) {
  const nsc_windows *w = p->left;
  size_t mr = p->kernels->rows, area = w->out_height * w->out_width;
  window_at at = {first_row / area, first_row % area / w->out_width, first_row % w->out_width};
  for (size_t row = first_row; row < end_row; row += mr, out += w->taps * mr) {
    for (size_t r = 0; r < mr; r++) {
      point_window(p, &at, mr, out + r);
      if (row + r + 1 < end_row) next_window(w, &at);
    }
  }
}

static void multiply_windows(const product_task *p, size_t row, size_t rows, size_t panel, const float **pointers) {
  size_t width = p->kernels->columns, count = nsc_least(width, p->columns - panel * width);
  size_t depth = p->left->channels * sizeof(float), addresses = p->left->taps * p->kernels->rows * sizeof(void *);
  const float *weights = p->panels + panel * p->panel_floats;
  float *y = p->y + row * p->stride + panel * width;
  if (p->kernels->linear_windows) {
    static const struct xnn_f32_default_params none;
    p->kernels->linear_windows(rows, count, depth, addresses, pointers, weights, y, p->stride * sizeof(float),
                               width * sizeof(float), 0, p->zero, &none);
  } else {
    p->kernels->windows(rows, count, depth, addresses, pointers, weights, y, p->stride * sizeof(float),
                        width * sizeof(float), 0, p->zero, &p->kernels->params);
  }
}

static void multiply_rows(const product_task *p, size_t row, size_t rows, size_t panel) {
  const nsc_windows *w = p->left;
  size_t width = p->kernels->columns, count = nsc_least(width, p->columns - panel * width);
  nsc_multiply(p->kernels, rows, count, w->channels * sizeof(float), w->x + row * w->pixel, w->pixel * sizeof(float),
               p->panels + panel * p->panel_floats, p->y + row * p->stride + panel * width, p->stride * sizeof(float),
               width * sizeof(float));
}

/* Rows of the left matrix that lie in memory one after the other need no addresses. */
static bool is_plain(const nsc_windows *w) {
  return w->taps == 1 && w->step == 1 && w->tap_y[0] == 0 && w->tap_x[0] == 0 && w->out_height == w->height &&
         w->out_width == w->width;
}

static void multiply_block(void *context, size_t thread, size_t block, size_t group) {
  const product_task *p = context;
  size_t mr = p->kernels->rows, first = block * BLOCK_TILES * mr, end = nsc_least(first + BLOCK_TILES * mr, p->rows);
  size_t last_panel = nsc_least((group + 1) * p->group, p->panel_count);
  const float **pointers = p->pointers ? p->pointers + thread * p->pointers_each : NULL;
  if (pointers) point(p, first, end, pointers);
  for (size_t panel = group * p->group; panel < last_panel; panel++) {
    for (size_t row = first, tile = 0; row < end; row += mr, tile++) {
      size_t rows = nsc_least(mr, end - row);
      if (pointers) {
        multiply_windows(p, row, rows, panel, pointers + tile * p->left->taps * mr);
      } else {
        multiply_rows(p, row, rows, panel);
      }
    }
  }
}

static size_t pointers_a_thread(const nsc_kernels *kernels, const nsc_windows *left) {
  return BLOCK_TILES * left->taps * kernels->rows;
}

size_t nsc_product_room(const nsc_kernels *kernels, const nsc_windows *left, size_t threads) {
  if (is_plain(left)) return 0;
  size_t addresses = threads * pointers_a_thread(kernels, left);
  return addresses * sizeof(void *) / sizeof(float) + 1 + left->channels + SLACK + ALIGN;
}

nsc_status nsc_product(const nsc_kernels *kernels, const nsc_windows *left, const float *panels, size_t columns,
                       float *y, size_t stride, pthreadpool_t pool, nsc_room *pointers, nsc_error *err) {
  size_t threads = pthreadpool_get_threads_count(pool), mr = kernels->rows;
  product_task p = {.kernels = kernels,
                    .left = left,
                    .panels = panels,
                    .y = y,
                    .columns = columns,
                    .stride = stride,
                    .rows = nsc_window_count(left),
                    .panel_floats = kernels->columns * (1 + left->taps * left->channels),
                    .panel_count = nsc_divide_up(columns, kernels->columns)};
  size_t blocks = nsc_divide_up(p.rows, BLOCK_TILES * mr), wanted = threads > 1 ? threads * TASKS_A_THREAD : 1;
  p.group = nsc_divide_up(p.panel_count, nsc_divide_up(wanted, blocks));
  if (!is_plain(left)) {
    size_t zeros = left->channels + SLACK;
    p.pointers_each = pointers_a_thread(kernels, left);
    NSC_TRY(nsc_room_take(pointers, nsc_product_room(kernels, left, threads), err));
    memset(pointers->floats, 0, zeros * sizeof(float));
    p.zero = pointers->floats;
    p.pointers = (const float **)(void *)(pointers->floats + (zeros + ALIGN) / ALIGN * ALIGN);
  }
  pthreadpool_parallelize_2d_with_thread(pool, multiply_block, &p, blocks, nsc_divide_up(p.panel_count, p.group), 0);
  return NSC_OK;
}

/* ---- sums over windows ---- */

/*
 * The sum over all windows is cut into blocks of DEPTH, which stay in a near cache; a few columns' results would be
 * too little work for all threads, so the sum is then also cut into segments, each with results of its own that are
 * added in order at the end. Neither depends on threads.
 */
enum { DEPTH = 256, LEAST_PANELS = 8, MOST_SEGMENTS = 16 };

typedef struct sum_task {
  const nsc_kernels *kernels;
  const nsc_windows *windows;
  const float *turned; /* [out][rows] */
  float *dw;           /* [segments][out][columns] */
  size_t out, rows, columns, panel_count, group, segments, segment_rows;
  float *panels; /* [threads][(1 + DEPTH) * kernel columns + a tile] */
  size_t panels_each;
} sum_task;

/* One line of windows: `rows` of them from column `x`, `count` channels of the pixels under a tap in line `line`, or
   zeros when it is NULL. */
static void gather_line(const sum_task *s, const float *line, size_t x, size_t rows, size_t tap, size_t count,
                        float *to) {
  const nsc_windows *w = s->windows;
  size_t width = s->kernels->columns;
  for (size_t r = 0; r < rows; r++, to += width) {
    ptrdiff_t ix = (ptrdiff_t)((x + r) * w->step) + w->tap_x[tap];
    if (line && ix >= 0 && ix < (ptrdiff_t)w->width) {
      copy_few(to, line + (size_t)ix * w->pixel, count);
    } else {
      for (size_t c = 0; c < count; c++) to[c] = 0;
    }
  }
}

/* Pixels under one tap, `count` channels from `channel`, for `rows` windows from `first`: some columns of the panel. */
static void gather(const sum_task *s, size_t first, size_t rows, size_t tap, size_t channel, size_t count, float *to) {
  const nsc_windows *w = s->windows;
  size_t area = w->out_height * w->out_width, n = first / area, y = first % area / w->out_width;
  for (size_t x = first % w->out_width; rows > 0; x = 0) {
    ptrdiff_t iy = (ptrdiff_t)(y * w->step) + w->tap_y[tap];
    bool inside = iy >= 0 && iy < (ptrdiff_t)w->height;
    const float *line = inside ? w->x + (n * w->height + (size_t)iy) * w->width * w->pixel + channel : NULL;
    size_t some = nsc_least(w->out_width - x, rows);
    gather_line(s, line, x, some, tap, count, to);
    to += some * s->kernels->columns;
    rows -= some;
    if (++y == w->out_height) {
      y = 0;
      n++;
    }
  }
}

static void fill_panel(const sum_task *s, size_t first, size_t rows, size_t panel, float *to) {
  size_t width = s->kernels->columns, column = panel * width, end = nsc_least(column + width, s->columns);
  memset(to, 0, width * sizeof *to);
  to += width;
  for (size_t at = 0; column < end;) {
    size_t channel = column % s->windows->channels, count = nsc_least(s->windows->channels - channel, end - column);
    gather(s, first, rows, column / s->windows->channels, channel, count, to + at);
    at += count;
    column += count;
  }
}

static void multiply_panel(const sum_task *s, size_t first, size_t rows, size_t panel, const float *filled, float *tile,
                           float *dw) {
  size_t mr = s->kernels->rows, width = s->kernels->columns, count = nsc_least(width, s->columns - panel * width);
  for (size_t o = 0; o < s->out; o += mr) {
    size_t some = nsc_least(mr, s->out - o);
    nsc_multiply(s->kernels, some, count, rows * sizeof(float), s->turned + o * s->rows + first,
                 s->rows * sizeof(float), filled, tile, width * sizeof(float), width * sizeof(float));
    nsc_add_block(dw + o * s->columns + panel * width, s->columns, tile, width, some, count);
  }
}

static void sum_group(void *context, size_t thread, size_t segment, size_t group) {
  const sum_task *s = context;
  float *filled = s->panels + thread * s->panels_each, *tile = filled + (1 + DEPTH) * s->kernels->columns;
  float *dw = s->dw + segment * s->out * s->columns;
  size_t end = nsc_least((segment + 1) * s->segment_rows, s->rows),
         last = nsc_least((group + 1) * s->group, s->panel_count);
  for (size_t first = segment * s->segment_rows; first < end; first += DEPTH) {
    size_t rows = nsc_least(DEPTH, end - first);
    for (size_t panel = group * s->group; panel < last; panel++) {
      fill_panel(s, first, rows, panel, filled);
      multiply_panel(s, first, rows, panel, filled, tile, dw);
    }
  }
}

/* [rows][out] to [out][rows]. */
static nsc_status turn(const float *dy, size_t rows, size_t out, size_t stride, float *turned, pthreadpool_t pool,
                       nsc_error *err) {
  if (stride != out) { /* one group of several */
    for (size_t r = 0; r < rows; r++) {
      for (size_t o = 0; o < out; o++) turned[o * rows + r] = dy[r * stride + o];
    }
    return NSC_OK;
  }
  const size_t shape[2] = {rows, out}, order[2] = {1, 0};
  enum xnn_status status = xnn_run_transpose_nd_x32(dy, turned, 2, shape, order, 0, pool);
  return status == xnn_status_success
             ? NSC_OK
             : nsc_fail(err, NSC_ERROR_INTERNAL, "XNNPACK refuses a transposition (status %d)", (int)status);
}

/* How the sum is cut; what it takes in floats: `turned`, panels of all threads, `results` of segments. */
static sum_task cut_sum(const nsc_kernels *kernels, const nsc_windows *windows, size_t out, size_t threads,
                        size_t *turned, size_t *results) {
  size_t width = kernels->columns;
  sum_task s = {.kernels = kernels,
                .windows = windows,
                .out = out,
                .rows = nsc_window_count(windows),
                .columns = windows->taps * windows->channels};
  s.panel_count = nsc_divide_up(s.columns, width);
  s.segments =
      nsc_least(nsc_divide_up(LEAST_PANELS, s.panel_count), nsc_least(nsc_divide_up(s.rows, DEPTH), MOST_SEGMENTS));
  s.segment_rows = nsc_divide_up(nsc_divide_up(s.rows, s.segments), DEPTH) * DEPTH;
  s.segments = nsc_divide_up(s.rows, s.segment_rows);
  s.group = nsc_divide_up(s.panel_count, nsc_divide_up(threads * 2, s.segments));
  s.panels_each = ((1 + DEPTH) * width + kernels->rows * width + ALIGN) / ALIGN * ALIGN;
  *turned = (out * s.rows + SLACK + ALIGN) / ALIGN * ALIGN;
  *results = s.segments > 1 ? s.segments * out * s.columns : 0;
  return s;
}

size_t nsc_sum_room(const nsc_kernels *kernels, const nsc_windows *windows, size_t out, size_t threads) {
  size_t turned, results;
  sum_task s = cut_sum(kernels, windows, out, threads, &turned, &results);
  return turned + threads * s.panels_each + results;
}

nsc_status nsc_product_over_windows(const nsc_kernels *kernels, const nsc_windows *windows, const float *dy, size_t out,
                                    size_t dy_stride, float *dw, pthreadpool_t pool, nsc_room *room, nsc_error *err) {
  size_t threads = pthreadpool_get_threads_count(pool), turned, results;
  sum_task s = cut_sum(kernels, windows, out, threads, &turned, &results);
  NSC_TRY(nsc_room_take(room, turned + threads * s.panels_each + results, err));
  s.turned = room->floats;
  s.panels = room->floats + turned;
  s.dw = results ? s.panels + threads * s.panels_each : dw;
  NSC_TRY(turn(dy, s.rows, out, dy_stride, room->floats, pool, err));
  memset(s.dw, 0, s.segments * out * s.columns * sizeof *dw);
  pthreadpool_parallelize_2d_with_thread(pool, sum_group, &s, s.segments, nsc_divide_up(s.panel_count, s.group), 0);
  if (results) {
    memcpy(dw, s.dw, out * s.columns * sizeof *dw);
    for (size_t k = 1; k < s.segments; k++)
      nsc_add_block(dw, s.columns, s.dw + k * out * s.columns, s.columns, out, s.columns);
  }
  return NSC_OK;
}
