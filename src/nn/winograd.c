#include "nn/winograd.h"

#include <string.h>

#include "base/error.h"
#include "nn/winograd_private.h"

/* Below this, transforms take longer than the products that they save. */
enum { LEAST_CHANNELS = 16 };

bool nsc_winograd_pays(const nsc_winograd *w) {
  return w->in_channels % NSC_LANES == 0 && w->out_channels % NSC_LANES == 0 && w->in_channels >= LEAST_CHANNELS &&
         w->out_channels >= LEAST_CHANNELS;
}

/* ---- weights: [36] planes of panels as nsc_product has them, with a first row of zeros ---- */

static size_t plane_floats(const nsc_kernels *k, size_t in, size_t out) {
  return nsc_divide_up(out, k->columns) * (1 + in) * k->columns + NSC_PLANE_PAD;
}

size_t nsc_winograd_weight_floats(const nsc_kernels *kernels, size_t in, size_t out) {
  return NSC_PLANES * plane_floats(kernels, in, out);
}

typedef struct pack_task {
  const nsc_kernels *kernels;
  nsc_right right; /* column_stride 1 */
  float *packed;
  size_t plane;
} pack_task;

/* Weights from input channel `k` to four outputs from `column`. */
static void transform_taps(const nsc_right *r, size_t k, size_t column, float *to, size_t plane) {
  nsc_lanes t[NSC_TILE][NSC_TILE];
  for (size_t x = 0; x < NSC_TAPS; x++) {
    nsc_lanes d[NSC_TILE];
    for (size_t y = 0; y < NSC_TAPS; y++) {
      d[y] = nsc_load_lanes(r->weights + r->tap_offsets[y * NSC_TAPS + x] + k * r->channel_stride + column);
    }
    nsc_tile_taps3(d);
    for (size_t y = 0; y < NSC_TILE; y++) t[y][x] = d[y];
  }
  for (size_t y = 0; y < NSC_TILE; y++) {
    nsc_tile_taps3(t[y]);
    for (size_t x = 0; x < NSC_TILE; x++) nsc_store_lanes(to + (y * NSC_TILE + x) * plane, t[y][x]);
  }
}

static void pack_panel(void *context, size_t panel) {
  const pack_task *p = context;
  size_t width = p->kernels->columns, first = panel * width, count = nsc_least(width, p->right.columns - first);
  float *to = p->packed + panel * (1 + p->right.channels) * width;
  for (size_t plane = 0; plane < NSC_PLANES; plane++) memset(to + plane * p->plane, 0, width * sizeof *to);
  to += width;
  for (size_t k = 0; k < p->right.channels; k++, to += width) {
    for (size_t n = 0; n < count; n += NSC_LANES) transform_taps(&p->right, k, first + n, to + n, p->plane);
    if (count == width) continue;
    for (size_t plane = 0; plane < NSC_PLANES; plane++) {
      memset(to + plane * p->plane + count, 0, (width - count) * sizeof *to);
    }
  }
}

/* Weights whose columns stand side by side, four of which are one load. */
static nsc_status turn_weights(nsc_right *r, size_t offsets[9], pthreadpool_t pool, nsc_room *room, nsc_error *err) {
  size_t rows = r->columns, columns = r->column_stride;
  const size_t shape[2] = {rows, columns}, order[2] = {1, 0};
  NSC_TRY(nsc_room_take(room, rows * columns, err));
  enum xnn_status status = xnn_run_transpose_nd_x32(r->weights, room->floats, 2, shape, order, 0, pool);
  if (status != xnn_status_success) {
    return nsc_fail(err, NSC_ERROR_INTERNAL, "XNNPACK refuses a transposition (status %d)", (int)status);
  }
  for (size_t t = 0; t < 9; t++) offsets[t] = r->tap_offsets[t] * rows;
  r->weights = room->floats;
  r->tap_offsets = offsets;
  r->channel_stride = rows;
  r->column_stride = 1;
  return NSC_OK;
}

nsc_status nsc_winograd_pack(const nsc_kernels *kernels, const nsc_right *right, float *packed, pthreadpool_t pool,
                             nsc_room *room, nsc_error *err) {
  size_t offsets[9];
  pack_task task = {kernels, *right, packed, plane_floats(kernels, right->channels, right->columns)};
  if (right->column_stride != 1) NSC_TRY(turn_weights(&task.right, offsets, pool, room, err));
  pthreadpool_parallelize_1d(pool, pack_panel, &task, nsc_divide_up(right->columns, kernels->columns), 0);
  return NSC_OK;
}

/* ---- input tiles ---- */

void nsc_winograd_input(const nsc_winograd *w, const nsc_tiles *tiles, const float *x, size_t tile, const float *zero,
                        const nsc_planes *to) {
  const float *at[NSC_PLANES];
  size_t n, first_y, first_x;
  nsc_tile_at(tiles, tile, &n, &first_y, &first_x);
  for (size_t k = 0; k < NSC_PLANES; k++) {
    size_t y = first_y + k / NSC_TILE - w->top, sx = first_x + k % NSC_TILE - w->left; /* huge when negative */
    bool inside = y < w->height && sx < w->width;
    at[k] = inside ? x + ((n * w->height + y) * w->width + sx) * w->in_channels : zero;
  }
  for (size_t c = 0; c < w->in_channels; c += NSC_LANES) {
    nsc_lanes t[NSC_TILE][NSC_TILE];
    float *out = to->at + c / to->panel_width * to->panel + c % to->panel_width;
    for (size_t j = 0; j < NSC_TILE; j++) {
      nsc_lanes d[NSC_TILE];
      for (size_t i = 0; i < NSC_TILE; i++) d[i] = nsc_load_lanes(at[i * NSC_TILE + j] + c);
      nsc_tile_input(d);
      for (size_t i = 0; i < NSC_TILE; i++) t[i][j] = d[i];
    }
    for (size_t i = 0; i < NSC_TILE; i++) {
      nsc_tile_input(t[i]);
      for (size_t j = 0; j < NSC_TILE; j++) nsc_store_lanes(out + (i * NSC_TILE + j) * to->plane, t[i][j]);
    }
  }
}

/* ---- products and output tiles ---- */

/* A task is a block of tiles and a group of columns; columns go in blocks whose products stay in a near cache. */
enum { BLOCK_TILES = 24, BLOCK_COLUMNS = 64, TASKS_A_THREAD = 4 };

typedef struct run_task {
  const nsc_kernels *kernels;
  const nsc_winograd *shape;
  nsc_tiles tiles;
  const float *x, *packed, *bias, *zero;
  float *y, *scratch;
  size_t scratch_each;            /* floats a thread */
  size_t block;                   /* tiles, a multiple of the kernels' rows */
  size_t plane_in, plane_weights; /* floats */
  size_t panels, step, group;     /* of columns: all, in a block, in a task */
} run_task;

/* products: [panels][rows of kernels][36][kernel rows][kernel columns], so that a tile's 36 lie near. */
static float *product_at(const run_task *r, float *products, size_t panel, size_t row, size_t plane) {
  size_t cell = r->kernels->rows * r->kernels->columns, groups = r->block / r->kernels->rows;
  return products + ((panel * groups + row / r->kernels->rows) * NSC_PLANES + plane) * cell;
}

static void multiply_planes(const run_task *r, const float *in, size_t tiles, size_t panel, size_t panels,
                            float *products) {
  const nsc_kernels *k = r->kernels;
  size_t channels = r->shape->in_channels, bytes = channels * sizeof(float), row_bytes = k->columns * sizeof(float);
  for (size_t plane = 0; plane < NSC_PLANES; plane++) {
    for (size_t p = 0; p < panels; p++) {
      const float *weights = r->packed + plane * r->plane_weights + (panel + p) * (1 + channels) * k->columns;
      for (size_t row = 0; row < tiles; row += k->rows) {
        k->product(nsc_least(k->rows, tiles - row), k->columns, bytes, in + plane * r->plane_in + row * channels, bytes,
                   weights, product_at(r, products, p, row, plane), row_bytes, row_bytes, &k->params);
      }
    }
  }
}

/* The 4x4 results of one tile and four channels; what lies outside of the picture is dropped. */
static void transform_output(const float *m, size_t plane, nsc_lanes bias, float *to, size_t pixel, size_t line,
                             size_t rows, size_t columns) {
  nsc_lanes t[NSC_TILE_OUT][NSC_TILE];
  for (size_t j = 0; j < NSC_TILE; j++) {
    nsc_lanes d[NSC_TILE];
    for (size_t i = 0; i < NSC_TILE; i++) d[i] = nsc_load_lanes(m + (i * NSC_TILE + j) * plane);
    nsc_tile_output4(d);
    for (size_t i = 0; i < NSC_TILE_OUT; i++) t[i][j] = d[i];
  }
  for (size_t i = 0; i < rows; i++) {
    nsc_tile_output4(t[i]);
    for (size_t j = 0; j < columns; j++) nsc_store_lanes(to + i * line + j * pixel, t[i][j] + bias);
  }
}

static void write_tile(const run_task *r, float *products, size_t tile, size_t row, size_t panel, size_t panels) {
  const nsc_winograd *w = r->shape;
  size_t width = r->kernels->columns, pixel = w->out_channels, n, y, x;
  nsc_tile_at(&r->tiles, tile, &n, &y, &x);
  float *to = r->y + ((n * w->out_height + y) * w->out_width + x) * pixel;
  size_t rows = nsc_least(NSC_TILE_OUT, w->out_height - y), columns = nsc_least(NSC_TILE_OUT, w->out_width - x);
  for (size_t p = 0; p < panels; p++) {
    const float *m = product_at(r, products, p, row, 0) + row % r->kernels->rows * width;
    size_t first = (panel + p) * width, count = nsc_least(width, w->out_channels - first);
    for (size_t c = 0; c < count; c += NSC_LANES) {
      nsc_lanes bias = r->bias ? nsc_load_lanes(r->bias + first + c) : (nsc_lanes){0};
      transform_output(m + c, r->kernels->rows * width, bias, to + first + c, pixel, w->out_width * pixel, rows,
                       columns);
    }
  }
}

static void run_block(void *context, size_t thread, size_t block, size_t group) {
  const run_task *r = context;
  float *in = r->scratch + thread * r->scratch_each, *products = in + NSC_PLANES * r->plane_in;
  size_t first = block * r->block, tiles = nsc_least(r->block, r->tiles.count - first),
         channels = r->shape->in_channels;
  for (size_t t = 0; t < tiles; t++) {
    nsc_planes to = {in + t * channels, r->plane_in, channels, channels};
    nsc_winograd_input(r->shape, &r->tiles, r->x, first + t, r->zero, &to);
  }
  size_t last = nsc_least((group + 1) * r->group, r->panels);
  for (size_t panel = group * r->group; panel < last; panel += r->step) {
    size_t panels = nsc_least(r->step, last - panel);
    multiply_planes(r, in, tiles, panel, panels, products);
    for (size_t t = 0; t < tiles; t++) write_tile(r, products, first + t, t, panel, panels);
  }
}

nsc_status nsc_winograd_run(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *packed,
                            const float *bias, float *y, pthreadpool_t pool, nsc_room *room, nsc_error *err) {
  size_t threads = pthreadpool_get_threads_count(pool),
         block = nsc_divide_up(BLOCK_TILES, kernels->rows) * kernels->rows;
  run_task r = {.kernels = kernels,
                .shape = shape,
                .tiles = nsc_tiles_of(shape),
                .x = x,
                .packed = packed,
                .bias = bias,
                .y = y,
                .block = block,
                .plane_in = block * shape->in_channels + NSC_PLANE_PAD,
                .plane_weights = plane_floats(kernels, shape->in_channels, shape->out_channels),
                .panels = nsc_divide_up(shape->out_channels, kernels->columns),
                .step = nsc_divide_up(BLOCK_COLUMNS, kernels->columns)};
  size_t blocks = nsc_divide_up(r.tiles.count, block), wanted = threads > 1 ? threads * TASKS_A_THREAD : 1;
  r.group = nsc_divide_up(r.panels, nsc_divide_up(wanted, blocks));
  r.scratch_each = NSC_PLANES * (r.plane_in + nsc_least(r.step, r.panels) * block * kernels->columns);
  r.scratch_each = nsc_divide_up(r.scratch_each + NSC_PLANE_PAD, NSC_PLANE_PAD) * NSC_PLANE_PAD;
  NSC_TRY(nsc_room_take(room, shape->in_channels + NSC_PLANE_PAD + threads * r.scratch_each, err));
  memset(room->floats, 0, shape->in_channels * sizeof(float));
  r.zero = room->floats;
  r.scratch = room->floats + nsc_divide_up(shape->in_channels, NSC_PLANE_PAD) * NSC_PLANE_PAD;
  pthreadpool_parallelize_2d_with_thread(pool, run_block, &r, blocks, nsc_divide_up(r.panels, r.group), 0);
  return NSC_OK;
}
