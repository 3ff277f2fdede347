#include "nn/winograd.h"

#include <string.h>

#include "nn/winograd_private.h"

/* Below this, transforms take longer than the products that they save. */
enum { LEAST_CHANNELS = 16 };

bool nsc_winograd_pays(const nsc_winograd *w) {
  return w->in_channels % NSC_LANES == 0 && w->out_channels % NSC_LANES == 0 && w->in_channels >= LEAST_CHANNELS &&
         w->out_channels >= LEAST_CHANNELS;
}

/* ---- input tiles ---- */

NSC_FOR_EACH_TILE void transform_input(const nsc_winograd *w, const nsc_tiles *tiles, const float *x, size_t tile,
                                       const float *zero, const nsc_planes *to, size_t m) {
  const size_t side = m + 2;
  const float *at[NSC_PLANES];
  size_t n, first_y, first_x;
  nsc_tile_at(tiles, tile, &n, &first_y, &first_x);
  for (size_t k = 0; k < side * side; k++) {
    size_t y = first_y + k / side - w->top, sx = first_x + k % side - w->left; /* huge when negative */
    bool inside = y < w->height && sx < w->width;
    at[k] = inside ? x + ((n * w->height + y) * w->width + sx) * w->in_channels : zero;
  }
  for (size_t c = 0; c < w->in_channels; c += NSC_LANES) {
    nsc_lanes t[NSC_TILE][NSC_TILE];
    float *out = to->at + c / to->panel_width * to->panel + c % to->panel_width;
    if (c % NSC_LINE == 0) nsc_fetch_lines(out, to->plane, side * side);
    for (size_t j = 0; j < side; j++) {
      nsc_lanes d[NSC_TILE];
      for (size_t i = 0; i < side; i++) d[i] = nsc_load_lanes(at[i * side + j] + c);
      nsc_tile_input(d, m);
      for (size_t i = 0; i < side; i++) t[i][j] = d[i];
    }
    for (size_t i = 0; i < side; i++) {
      nsc_tile_input(t[i], m);
      for (size_t j = 0; j < side; j++) nsc_store_lanes(out + (i * side + j) * to->plane, t[i][j]);
    }
  }
}

void nsc_winograd_input(const nsc_winograd *w, const nsc_tiles *tiles, const float *x, size_t tile, const float *zero,
                        const nsc_planes *to) {
  if (w->tile == 4) {
    transform_input(w, tiles, x, tile, zero, to, 4);
  } else {
    transform_input(w, tiles, x, tile, zero, to, 2);
  }
}

/* ---- products and output tiles ---- */

/* A task is a block of tiles and a group of columns; columns go in blocks whose products stay in a near cache. */
enum { BLOCK_TILES = 24, TASKS_A_THREAD = 4 };

/* How the work is cut. */
typedef struct run_blocks {
  size_t planes;
  size_t block;                           /* tiles, a multiple of the kernels' rows */
  size_t plane_in, plane_weights, inputs; /* floats; `inputs`: transforms of a block */
  size_t panels, step;                    /* of columns: all, in a block */
  size_t zeros, scratch_each;             /* floats: outside of pictures, of a thread */
} run_blocks;

typedef struct run_task {
  const nsc_kernels *kernels;
  const nsc_winograd *shape;
  const nsc_winograd_after *after;
  nsc_tiles tiles;
  run_blocks cut;
  const float *x, *packed, *zero;
  const float *kept; /* transforms of x by block, or NULL: they are made in `scratch` */
  float *y, *scratch;
  size_t first_panel; /* of y, that stands first in `packed` */
  size_t group;       /* panels a task */
} run_task;

/* products: [panels][rows of kernels][planes][kernel rows][kernel columns], so that those of a tile lie near. */
static float *product_at(const run_task *r, float *products, size_t panel, size_t row, size_t plane) {
  size_t cell = r->kernels->rows * r->kernels->columns, groups = r->cut.block / r->kernels->rows;
  return products + ((panel * groups + row / r->kernels->rows) * r->cut.planes + plane) * cell;
}

static void multiply_planes(const run_task *r, const float *in, size_t tiles, size_t panel, size_t panels,
                            float *products) {
  const nsc_kernels *k = r->kernels;
  size_t channels = r->shape->in_channels, bytes = channels * sizeof(float), row_bytes = k->columns * sizeof(float);
  size_t panel_floats = (1 + channels) * k->columns;
  for (size_t plane = 0; plane < r->cut.planes; plane++) {
    const float *first = r->packed + plane * r->cut.plane_weights + panel * panel_floats;
    /* Weights that are in no cache come in twice as fast when nothing but they is read. */
    nsc_fetch_lines(first, NSC_LINE, panels * panel_floats / NSC_LINE);
    for (size_t p = 0; p < panels; p++) {
      const float *weights = first + p * panel_floats;
      for (size_t row = 0; row < tiles; row += k->rows) {
        nsc_multiply(k, nsc_least(k->rows, tiles - row), k->columns, bytes,
                     in + plane * r->cut.plane_in + row * channels, bytes, weights,
                     product_at(r, products, p, row, plane), row_bytes, row_bytes);
      }
    }
  }
}

static void write_tile(const run_task *r, float *products, size_t tile, size_t row, size_t panel, size_t panels) {
  const nsc_winograd *w = r->shape;
  size_t width = r->kernels->columns, plane = r->kernels->rows * width;
  nsc_corner corner = nsc_corner_of(&r->tiles, tile, w->out_height, w->out_width, w->out_channels);
  size_t first_at = corner.at;
  for (size_t p = 0; p < panels; p++) {
    const float *m = product_at(r, products, p, row, 0) + row % r->kernels->rows * width;
    size_t first = (r->first_panel + panel + p) * width, count = nsc_least(width, w->out_channels - first);
    for (size_t c = 0; c < count; c += NSC_LANES) {
      nsc_lanes bias = r->after->bias ? nsc_load_lanes(r->after->bias + first + c) : (nsc_lanes){0};
      corner.at = first_at + first + c;
      if (w->tile == 4) {
        nsc_winograd_output(r->after, m + c, plane, bias, r->y, &corner, 4, 6);
      } else {
        nsc_winograd_output(r->after, m + c, plane, bias, r->y, &corner, 2, 4);
      }
    }
  }
}

/* Transforms tile `t` of a block to `in`, [planes][tiles of a block][channels]. */
static void transform_tile(const run_task *r, size_t block, size_t t, float *in) {
  size_t channels = r->shape->in_channels;
  nsc_planes to = {in + t * channels, r->cut.plane_in, channels, channels};
  nsc_winograd_input(r->shape, &r->tiles, r->x, block * r->cut.block + t, r->zero, &to);
}

static void run_block(void *context, size_t thread, size_t block, size_t group) {
  const run_task *r = context;
  float *scratch = r->scratch + thread * r->cut.scratch_each, *products = scratch + (r->kept ? 0 : r->cut.inputs);
  const float *in = r->kept ? r->kept + block * r->cut.inputs : scratch;
  size_t first = block * r->cut.block, tiles = nsc_least(r->cut.block, r->tiles.count - first);
  for (size_t t = 0; t < tiles && !r->kept; t++) transform_tile(r, block, t, scratch);
  size_t last = nsc_least((group + 1) * r->group, r->cut.panels);
  for (size_t panel = group * r->group; panel < last; panel += r->cut.step) {
    size_t panels = nsc_least(r->cut.step, last - panel);
    multiply_planes(r, in, tiles, panel, panels, products);
    for (size_t t = 0; t < tiles; t++) write_tile(r, products, first + t, t, panel, panels);
  }
}

/* For `columns` of the results; with `keeps` threads need no room for transforms of x. */
static run_blocks cut_of(const nsc_kernels *k, const nsc_winograd *w, size_t columns, bool keeps) {
  run_blocks c = {.planes = nsc_planes_of(w->tile),
                  .block = nsc_divide_up(BLOCK_TILES, k->rows) * k->rows,
                  .plane_weights = nsc_winograd_plane_floats(k, w->in_channels, columns),
                  .panels = nsc_divide_up(columns, k->columns),
                  .step = nsc_divide_up(NSC_BLOCK_COLUMNS, k->columns),
                  .zeros = nsc_divide_up(w->in_channels, NSC_PLANE_PAD) * NSC_PLANE_PAD};
  c.plane_in = c.block * w->in_channels + NSC_PLANE_PAD;
  c.inputs = c.planes * c.plane_in;
  size_t floats =
      (keeps ? 0 : c.inputs) + c.planes * nsc_least(c.step, c.panels) * c.block * k->columns + NSC_PLANE_PAD;
  c.scratch_each = nsc_divide_up(floats, NSC_PLANE_PAD) * NSC_PLANE_PAD;
  return c;
}

size_t nsc_winograd_workspace(const nsc_kernels *kernels, const nsc_winograd *shape, size_t threads) {
  return nsc_winograd_columns_workspace(kernels, shape, shape->out_channels, false, threads);
}

void nsc_winograd_run(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *packed,
                      const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace) {
  const nsc_winograd_columns all = {.count = shape->out_channels};
  nsc_winograd_run_columns(kernels, shape, x, packed, &all, after, y, pool, workspace);
}

/* ---- some columns ---- */

size_t nsc_winograd_columns_workspace(const nsc_kernels *kernels, const nsc_winograd *shape, size_t columns, bool keeps,
                                      size_t threads) {
  run_blocks cut = cut_of(kernels, shape, columns, keeps);
  return cut.zeros + threads * cut.scratch_each;
}

void nsc_winograd_run_columns(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x,
                              const float *packed, const nsc_winograd_columns *columns, const nsc_winograd_after *after,
                              float *y, pthreadpool_t pool, float *workspace) {
  size_t threads = pthreadpool_get_threads_count(pool);
  run_task r = {.kernels = kernels,
                .shape = shape,
                .after = after,
                .tiles = nsc_tiles_of(shape),
                .cut = cut_of(kernels, shape, columns->count, columns->kept != NULL),
                .x = x,
                .packed = packed,
                .kept = columns->kept,
                .y = y,
                .zero = workspace,
                .first_panel = columns->first / kernels->columns};
  size_t blocks = nsc_divide_up(r.tiles.count, r.cut.block), wanted = threads > 1 ? threads * TASKS_A_THREAD : 1;
  r.group = nsc_divide_up(r.cut.panels, nsc_divide_up(wanted, blocks));
  r.scratch = workspace + r.cut.zeros;
  memset(workspace, 0, r.cut.zeros * sizeof *workspace);
  pthreadpool_parallelize_2d_with_thread(pool, run_block, &r, blocks, nsc_divide_up(r.cut.panels, r.group), 0);
}

typedef struct keep_task {
  run_task run;
  float *kept;
} keep_task;

static void keep_tile(void *context, size_t tile) {
  const keep_task *k = context;
  size_t block = tile / k->run.cut.block;
  transform_tile(&k->run, block, tile % k->run.cut.block, k->kept + block * k->run.cut.inputs);
}

size_t nsc_winograd_kept_floats(const nsc_kernels *kernels, const nsc_winograd *shape) {
  run_blocks cut = cut_of(kernels, shape, shape->out_channels, true);
  return nsc_divide_up(nsc_tiles_of(shape).count, cut.block) * cut.inputs;
}

void nsc_winograd_keep(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, float *kept,
                       pthreadpool_t pool, float *workspace) {
  keep_task k = {.run = {.kernels = kernels,
                         .shape = shape,
                         .tiles = nsc_tiles_of(shape),
                         .cut = cut_of(kernels, shape, shape->out_channels, true),
                         .x = x,
                         .zero = workspace},
                 .kept = kept};
  memset(workspace, 0, k.run.cut.zeros * sizeof *workspace);
  pthreadpool_parallelize_1d(pool, keep_tile, &k, k.run.tiles.count, 0);
}
