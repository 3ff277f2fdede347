/*
 * Weights that stand as taps. Transforms of 512 times 512 channels are 38 MB, which take longer to come from memory
 * than a few tiles' products take; the taps are 9 MB. So they are transformed in every run, some channels of a few
 * columns and some of the planes at a time: what is written then never leaves the nearest cache, and is multiplied from
 * there.
 */
#include <string.h>

#include "nn/winograd_private.h"

/* A panel is as many columns as are transformed together; a portion some channels of it; a task so many panels that
   their columns fill lines of y. */
enum { COLUMNS = 2 * NSC_LANES, PANEL_TAPS = 9 * COLUMNS, PORTION = 32, PANELS = 2 };

size_t nsc_winograd_taps_floats(size_t in, size_t out) {
  return nsc_divide_up(out, COLUMNS) * in * PANEL_TAPS;
}

/* ---- packing ---- */

typedef struct pack_task {
  size_t in, out;
  const float *weights, *scale;
  float *taps;
} pack_task;

/* [panels][in][9][COLUMNS], zeros beyond the last column. */
static void pack_panel(void *context, size_t panel) {
  const pack_task *p = context;
  size_t rows = 9 * p->in, first = panel * COLUMNS, count = nsc_least(COLUMNS, p->out - first);
  const float *from = p->weights + first * rows;
  float *to = p->taps + panel * p->in * PANEL_TAPS;
  float scale[COLUMNS];
  for (size_t c = 0; c < count; c++) scale[c] = p->scale ? p->scale[first + c] : 1;
  for (size_t r = 0; r < rows; r++, to += COLUMNS) {
    for (size_t c = 0; c < count; c++) to[c] = from[c * rows + r] * scale[c];
    for (size_t c = count; c < COLUMNS; c++) to[c] = 0;
  }
}

void nsc_winograd_pack_taps(size_t in, size_t out, const float *weights, const float *scale, float *taps,
                            pthreadpool_t pool) {
  pack_task p = {in, out, weights, scale, taps};
  pthreadpool_parallelize_1d(pool, pack_panel, &p, nsc_divide_up(out, COLUMNS), 0);
}

/* ---- transforms of a portion ---- */

/* Rows of planes, two and two, that share sums: a portion's transforms for two rows are made, multiplied, and
   overwritten. Planes are padded, or they would fall on the same lines of a cache. */
enum { PAIRS = 3, PAIR_PLANES = 2 * NSC_TILE, PLANE = PORTION * COLUMNS + NSC_PLANE_PAD };

static const size_t ROWS[PAIRS][2] = {{0, 5}, {1, 2}, {3, 4}};

/* Of weights `k` of a pair. */
static size_t plane_of(size_t pair, size_t k) {
  return ROWS[pair][k / NSC_TILE] * NSC_TILE + k % NSC_TILE;
}

/* Along columns, of which the compiler leaves what the two rows take, then along rows: few enough numbers to stay in
   registers. */
NSC_FOR_EACH_TILE void transform_taps(const float *taps, float *to, size_t pair) {
  nsc_lanes rows[2][NSC_TILE];
  for (size_t x = 0; x < NSC_TAPS; x++) {
    nsc_lanes d[NSC_TILE];
    for (size_t y = 0; y < NSC_TAPS; y++) d[y] = nsc_load_lanes(taps + (y * NSC_TAPS + x) * COLUMNS);
    nsc_tile_taps3(d, 4);
    for (size_t r = 0; r < 2; r++) rows[r][x] = d[ROWS[pair][r]];
  }
  for (size_t r = 0; r < 2; r++) {
    nsc_tile_taps3(rows[r], 4);
    for (size_t i = 0; i < NSC_TILE; i++) nsc_store_lanes(to + (r * NSC_TILE + i) * PLANE, rows[r][i]);
  }
}

NSC_FOR_EACH_TILE void transform_channels(const float *taps, size_t depth, float *to, size_t pair) {
  for (size_t k = 0; k < depth; k++, taps += PANEL_TAPS, to += COLUMNS) {
    for (size_t c = 0; c < COLUMNS; c += NSC_LANES) transform_taps(taps + c, to + c, pair);
  }
}

/* Functions of their own, here and below: engines that compile wasm spill registers of functions that hold both. */
static __attribute__((noinline)) void transform_portion(const float *taps, size_t depth, float *to, size_t pair) {
  if (pair == 0) {
    transform_channels(taps, depth, to, 0);
  } else if (pair == 1) {
    transform_channels(taps, depth, to, 1);
  } else {
    transform_channels(taps, depth, to, 2);
  }
}

/* ---- products ---- */

/* sums[rows][COLUMNS] += in[rows][PORTION] * weights[PORTION][COLUMNS], of which `depth` count. */
NSC_FOR_EACH_TILE void multiply_rows(const float *in, const float *weights, size_t depth, float *sums, size_t rows) {
  nsc_lanes sum[6][2];
  for (size_t r = 0; r < rows; r++) {
    sum[r][0] = nsc_load_lanes(sums + r * COLUMNS);
    sum[r][1] = nsc_load_lanes(sums + r * COLUMNS + NSC_LANES);
  }
  for (size_t k = 0; k < depth; k++) {
    nsc_lanes left = nsc_load_lanes(weights + k * COLUMNS), right = nsc_load_lanes(weights + k * COLUMNS + NSC_LANES);
    for (size_t r = 0; r < rows; r++) {
      nsc_lanes a = nsc_all(in[r * PORTION + k]);
      sum[r][0] = nsc_multiply_add(a, left, sum[r][0]);
      sum[r][1] = nsc_multiply_add(a, right, sum[r][1]);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    nsc_store_lanes(sums + r * COLUMNS, sum[r][0]);
    nsc_store_lanes(sums + r * COLUMNS + NSC_LANES, sum[r][1]);
  }
}

/* Six rows where the processor has registers for them (nn/rows.h). */
NSC_FOR_EACH_TILE void multiply_tiles(const float *in, const float *weights, size_t depth, float *sums, size_t tiles,
                                      bool six) {
  size_t t = 0;
  for (; six && t + 6 <= tiles; t += 6) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 6);
  for (; t + 4 <= tiles; t += 4) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 4);
  for (; t + 2 <= tiles; t += 2) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 2);
  if (t < tiles) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 1);
}

static __attribute__((noinline)) void multiply_plane(const float *in, const float *weights, size_t depth, float *sums,
                                                     size_t tiles, bool six) {
  if (depth == PORTION) {
    multiply_tiles(in, weights, PORTION, sums, tiles, six);
  } else {
    multiply_tiles(in, weights, depth, sums, tiles, six);
  }
}

/* ---- the run ---- */

enum { BLOCK_FLOATS = 1 << 20 /* of the transforms of x that are kept at a time */, LEAST_TILES = 24 };

/* How the work is cut; in floats but for `block` and `panels`. */
typedef struct taps_cut {
  size_t block;              /* tiles whose transforms are kept while all panels pass */
  size_t panels;             /* in all */
  size_t zeros, inputs;      /* outside of pictures; transforms of a block: [portions][planes][tiles][PORTION] */
  size_t sums, scratch_each; /* of a panel: [planes][tiles][COLUMNS]; of a thread: weights' transforms and sums */
} taps_cut;

static taps_cut cut_of(const nsc_winograd *w) {
  size_t tiles = nsc_tiles_of(w).count, channels = nsc_divide_up(w->in_channels, PORTION) * PORTION;
  size_t most = BLOCK_FLOATS / (NSC_PLANES * channels);
  if (most < LEAST_TILES) most = LEAST_TILES;
  taps_cut c = {.panels = nsc_divide_up(w->out_channels, COLUMNS), .zeros = channels};
  c.block = nsc_divide_up(tiles, nsc_divide_up(tiles, most));
  c.inputs = NSC_PLANES * c.block * channels;
  c.sums = NSC_PLANES * c.block * COLUMNS;
  c.scratch_each = PAIR_PLANES * PLANE + PANELS * c.sums + NSC_PLANE_PAD;
  return c;
}

typedef struct taps_task {
  const nsc_winograd *shape;
  const nsc_winograd_after *after;
  nsc_tiles tiles;
  taps_cut cut;
  size_t first, count; /* tiles of the block */
  const float *x, *taps, *end, *zero;
  float *y, *inputs, *scratch;
  bool six;
} taps_task;

static void transform_tile(void *context, size_t tile) {
  const taps_task *r = context;
  nsc_planes to = {.at = r->inputs + tile * PORTION,
                   .plane = r->count * PORTION,
                   .panel = NSC_PLANES * r->count * PORTION,
                   .panel_width = PORTION};
  nsc_winograd_input(r->shape, &r->tiles, r->x, r->first + tile, r->zero, &to);
}

/* Adds the products of a portion, and reads the taps of the next one, a line or so with each plane: memory is idle
   meanwhile, and wasm has no way to ask it for something without waiting. */
static void sum_portion(const taps_task *r, size_t channel, size_t depth, const float *taps, float *weights,
                        float *sums) {
  const float *in = r->inputs + channel * NSC_PLANES * r->count, *next = taps + depth * PANEL_TAPS;
  size_t lines = nsc_least(depth * PANEL_TAPS, (size_t)(r->end - next)) / NSC_LINE;
  for (size_t pair = 0; pair < PAIRS; pair++) {
    transform_portion(taps, depth, weights, pair);
    for (size_t k = 0; k < PAIR_PLANES; k++) {
      size_t plane = plane_of(pair, k), done = pair * PAIR_PLANES + k;
      size_t from = done * lines / NSC_PLANES, end = (done + 1) * lines / NSC_PLANES;
      nsc_fetch_lines(next + from * NSC_LINE, NSC_LINE, end - from);
      multiply_plane(in + plane * r->count * PORTION, weights + k * PLANE, depth, sums + plane * r->count * COLUMNS,
                     r->count, r->six);
    }
  }
}

static void write_tile(const taps_task *r, size_t tile, size_t panel, size_t panels, const float *sums) {
  const nsc_winograd *w = r->shape;
  nsc_corner corner = nsc_corner_of(&r->tiles, r->first + tile, w->out_height, w->out_width, w->out_channels);
  size_t first_at = corner.at, first = panel * COLUMNS, end = nsc_least((panel + panels) * COLUMNS, w->out_channels);
  for (size_t c = first; c < end; c += NSC_LANES) {
    const float *from = sums + (c - first) / COLUMNS * r->cut.sums + tile * COLUMNS + c % COLUMNS;
    nsc_lanes bias = r->after->bias ? nsc_load_lanes(r->after->bias + c) : (nsc_lanes){0};
    corner.at = first_at + c;
    nsc_winograd_output(r->after, from, r->count * COLUMNS, bias, r->y, &corner, 4, NSC_TILE);
  }
}

static void run_panels(void *context, size_t thread, size_t group) {
  const taps_task *r = context;
  size_t in = r->shape->in_channels, first = group * PANELS, panels = nsc_least(PANELS, r->cut.panels - first);
  float *weights = r->scratch + thread * r->cut.scratch_each, *sums = weights + PAIR_PLANES * PLANE;
  const float *taps = r->taps + first * in * PANEL_TAPS;
  memset(sums, 0, panels * r->cut.sums * sizeof *sums);
  for (size_t p = 0; p < panels; p++) {
    for (size_t channel = 0, depth; channel < in; channel += depth, taps += depth * PANEL_TAPS) {
      depth = nsc_least(PORTION, in - channel);
      sum_portion(r, channel, depth, taps, weights, sums + p * r->cut.sums);
    }
  }
  for (size_t t = 0; t < r->count; t++) write_tile(r, t, first, panels, sums);
}

size_t nsc_winograd_taps_workspace(const nsc_winograd *shape, size_t threads) {
  taps_cut cut = cut_of(shape);
  return cut.zeros + cut.inputs + threads * cut.scratch_each;
}

void nsc_winograd_run_taps(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *taps,
                           const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace) {
  taps_cut cut = cut_of(shape);
  taps_task r = {.shape = shape,
                 .after = after,
                 .tiles = nsc_tiles_of(shape),
                 .cut = cut,
                 .x = x,
                 .taps = taps,
                 .end = taps + nsc_winograd_taps_floats(shape->in_channels, shape->out_channels),
                 .zero = workspace,
                 .y = y,
                 .inputs = workspace + cut.zeros,
                 .scratch = workspace + cut.zeros + cut.inputs,
                 .six = kernels->rows >= 6};
  memset(workspace, 0, cut.zeros * sizeof *workspace);
  for (r.first = 0; r.first < r.tiles.count; r.first += r.count) {
    r.count = nsc_least(cut.block, r.tiles.count - r.first);
    pthreadpool_parallelize_1d(pool, transform_tile, &r, r.count, 0);
    pthreadpool_parallelize_1d_with_thread(pool, run_panels, &r, nsc_divide_up(cut.panels, PANELS), 0);
  }
}
