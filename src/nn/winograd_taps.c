/*
 * Weights that stand as taps. Transforms of 512 times 512 channels are 38 MB, which take longer to come from memory
 * than a few tiles' products take; the taps are 9 MB. So they are transformed in every run, some channels of a few
 * columns and some of the planes at a time: what is written then never leaves the nearest cache, and is multiplied from
 * there. Where tiles lie, and what a plane is, is in winograd_cut.h.
 */
#include <string.h>

#include "nn/winograd_cut.h"

/* A panel is as many columns as are transformed together; a portion some channels of it; a task so many panels, where
   there are enough for all threads, that their columns fill lines of y. */
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
enum { PLANE = PORTION * COLUMNS + NSC_PLANE_PAD, PAIR_FLOATS = 2 * NSC_KINDS_MOST * PLANE };

/* Along columns, of which the compiler leaves what the two rows take, then along rows: few enough numbers to stay in
   registers. */
NSC_FOR_EACH_TILE void transform_taps(const float *taps, float *to, size_t pair, nsc_scheme scheme) {
  const size_t kinds = nsc_scheme_kinds(scheme);
  nsc_lanes rows[2][NSC_KINDS_MOST];
  for (size_t x = 0; x < NSC_TAPS; x++) {
    nsc_lanes d[NSC_KINDS_MOST];
    for (size_t y = 0; y < NSC_TAPS; y++) d[y] = nsc_load_lanes(taps + (y * NSC_TAPS + x) * COLUMNS);
    nsc_segment_taps(d, scheme);
    for (size_t r = 0; r < 2; r++) rows[r][x] = d[nsc_cut_pair(kinds, pair, r)];
  }
  for (size_t r = 0; r < 2; r++) {
    nsc_segment_taps(rows[r], scheme);
    for (size_t i = 0; i < kinds; i++) nsc_store_lanes(to + (r * kinds + i) * PLANE, rows[r][i]);
  }
}

NSC_FOR_EACH_TILE void transform_channels(const float *taps, size_t depth, float *to, size_t pair, nsc_scheme scheme) {
  for (size_t k = 0; k < depth; k++, taps += PANEL_TAPS, to += COLUMNS) {
    for (size_t c = 0; c < COLUMNS; c += NSC_LANES) transform_taps(taps + c, to + c, pair, scheme);
  }
}

NSC_FOR_EACH_TILE void transform_pair(const float *taps, size_t depth, float *to, size_t pair, nsc_scheme scheme) {
  if (pair == 0) transform_channels(taps, depth, to, 0, scheme);
  if (pair == 1) transform_channels(taps, depth, to, 1, scheme);
  if (pair == 2) transform_channels(taps, depth, to, 2, scheme);
  if (pair == 3) transform_channels(taps, depth, to, 3, scheme);
}

/* Functions of their own, here and below: engines that compile wasm spill registers of functions that hold both. */
static __attribute__((noinline)) void transform_portion(const float *taps, size_t depth, float *to, size_t pair,
                                                        nsc_scheme scheme) {
  if (scheme == NSC_SEGMENTS_4) transform_pair(taps, depth, to, pair, NSC_SEGMENTS_4);
  if (scheme == NSC_SEGMENTS_4_STRIDE_2) transform_pair(taps, depth, to, pair, NSC_SEGMENTS_4_STRIDE_2);
  if (scheme == NSC_SEGMENTS_6) transform_pair(taps, depth, to, pair, NSC_SEGMENTS_6);
}

/* ---- products ---- */

/* sums[rows][COLUMNS] += in[rows][PORTION] * weights[PORTION][COLUMNS], of which `depth` count, a multiple of
   NSC_LANES. An addition waits for the one before it: few rows have `ways` sums each, of every so many-th channel. The
   pointer moves and no index does: rows are constant offsets from one address then, and the loop as short as it can be,
   which is worth a sixth of its time. Unrolled, it spills registers. */
NSC_FOR_EACH_TILE void multiply_rows(const float *in, const float *weights, size_t depth, float *sums, size_t rows,
                                     size_t ways) {
  nsc_lanes sum[6][2], more[6][2] = {{{0}}};
  for (size_t r = 0; r < rows; r++) {
    sum[r][0] = nsc_load_lanes(sums + r * COLUMNS);
    sum[r][1] = nsc_load_lanes(sums + r * COLUMNS + NSC_LANES);
  }
  for (const float *end = in + depth; in < end; in += ways, weights += ways * COLUMNS) {
    for (size_t way = 0; way < ways; way++) {
      nsc_lanes left = nsc_load_lanes(weights + way * COLUMNS);
      nsc_lanes right = nsc_load_lanes(weights + way * COLUMNS + NSC_LANES);
      for (size_t r = 0; r < rows; r++) {
        nsc_lanes a = nsc_all(in[r * PORTION + way]), *to = way ? more[r] : sum[r];
        to[0] = nsc_multiply_add(a, left, to[0]);
        to[1] = nsc_multiply_add(a, right, to[1]);
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    nsc_store_lanes(sums + r * COLUMNS, ways > 1 ? sum[r][0] + more[r][0] : sum[r][0]);
    nsc_store_lanes(sums + r * COLUMNS + NSC_LANES, ways > 1 ? sum[r][1] + more[r][1] : sum[r][1]);
  }
}

/* Six rows where the processor has registers for them (nn/rows.h). */
static __attribute__((noinline)) void multiply_plane(const float *in, const float *weights, size_t depth, float *sums,
                                                     size_t tiles, bool six) {
  size_t t = 0;
  for (; six && t + 6 <= tiles; t += 6) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 6, 1);
  for (; t + 4 <= tiles; t += 4) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 4, 1);
  for (; t + 2 <= tiles; t += 2) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 2, 2);
  if (t < tiles) multiply_rows(in + t * PORTION, weights, depth, sums + t * COLUMNS, 1, 2);
}

/* ---- the run ---- */

/* Floats of the transforms of x that are kept at a time: what stays in a second-level cache, or, where transforming the
   weights for each block would take longer than that saves, more. */
enum { BLOCK_FLOATS = 1 << 17, MANY_BLOCK_FLOATS = 1 << 20, FEW_WEIGHTS = 1 << 19 };

/* How the work is cut; in floats but for `strips`, `tiles` and `panels`. */
typedef struct taps_cut {
  nsc_cut cut;
  size_t strips, tiles;      /* whose transforms are kept while all panels pass: a block */
  size_t panels;             /* in all */
  size_t zeros, inputs;      /* outside of pictures; transforms of a block: [portions][rows][PORTION] */
  size_t places;             /* of a block's tiles */
  size_t sums, scratch_each; /* of a panel: [rows][COLUMNS]; of a thread: weights' transforms and sums */
} taps_cut;

static taps_cut cut_of(const nsc_winograd *w) {
  size_t channels = nsc_divide_up(w->in_channels, PORTION) * PORTION;
  taps_cut c = {.cut = nsc_cut_of(w), .panels = nsc_divide_up(w->out_channels, COLUMNS), .zeros = channels};
  bool few = w->in_channels * w->out_channels * c.cut.planes <= FEW_WEIGHTS;
  c.strips = nsc_cut_strips(&c.cut, (few ? BLOCK_FLOATS : MANY_BLOCK_FLOATS) / channels);
  c.tiles = c.strips * c.cut.across.segments;
  size_t rows = nsc_cut_most_rows(&c.cut, c.strips);
  c.inputs = rows * channels;
  c.places = c.tiles * NSC_PLACES_MOST;
  c.sums = rows * COLUMNS;
  c.scratch_each = PAIR_FLOATS + PANELS * c.sums + NSC_PLANE_PAD;
  return c;
}

typedef struct taps_task {
  const nsc_winograd *shape;
  const nsc_winograd_after *after;
  taps_cut cut;
  nsc_cut_block block;
  const float *x, *taps, *end, *zero;
  float *y, *inputs, *scratch;
  uint32_t *places;
  size_t group; /* panels a task */
  bool six;
} taps_task;

static void transform_tile(void *context, size_t tile) {
  const taps_task *r = context;
  uint32_t *places = r->places + tile * NSC_PLACES_MOST;
  nsc_cut_places(&r->cut.cut, &r->block, tile, places);
  nsc_cut_input(&r->cut.cut, &r->block, tile, r->x, r->zero, places, r->inputs, PORTION);
}

/* Adds the products of a portion with the planes of a pair, and reads some of the taps of the next one, a line or so
   with each plane: memory is idle meanwhile, and wasm has no way to ask it for something without waiting. */
static void sum_pair(const taps_task *r, size_t pair, const float *in, size_t depth, const float *taps, float *weights,
                     float *sums) {
  const size_t *start = r->block.start;
  size_t kinds = r->cut.cut.kinds, planes = r->cut.cut.planes, done = 2 * kinds * pair;
  const float *next = taps + depth * PANEL_TAPS;
  size_t lines = nsc_least(depth * PANEL_TAPS, (size_t)(r->end - next)) / NSC_LINE;
  transform_portion(taps, depth, weights, pair, r->cut.cut.scheme);
  for (size_t k = 0; k < 2 * kinds; k++, done++) {
    size_t plane = nsc_cut_pair(kinds, pair, k / kinds) * kinds + k % kinds;
    size_t from = done * lines / planes, end = (done + 1) * lines / planes;
    nsc_fetch_lines(next + from * NSC_LINE, NSC_LINE, end - from);
    multiply_plane(in + start[plane] * PORTION, weights + k * PLANE, depth, sums + start[plane] * COLUMNS,
                   start[plane + 1] - start[plane], r->six);
  }
}

static void write_tile(const taps_task *r, size_t tile, size_t panel, size_t panels, const float *sums) {
  const uint32_t *places = r->places + tile * NSC_PLACES_MOST;
  for (size_t p = 0; p < panels; p++) {
    size_t first = (panel + p) * COLUMNS, end = nsc_least(first + COLUMNS, r->shape->out_channels);
    nsc_cut_output(&r->cut.cut, &r->block, tile, places, sums + p * r->cut.sums, COLUMNS, r->after, first, end, r->y);
  }
}

static void run_panels(void *context, size_t thread, size_t group) {
  const taps_task *r = context;
  size_t in = r->shape->in_channels, first = group * r->group, panels = nsc_least(r->group, r->cut.panels - first);
  float *weights = r->scratch + thread * r->cut.scratch_each, *sums = weights + PAIR_FLOATS;
  const float *taps = r->taps + first * in * PANEL_TAPS;
  memset(sums, 0, panels * r->cut.sums * sizeof *sums);
  for (size_t channel = 0; channel < in; channel += PORTION, taps += PORTION * PANEL_TAPS) {
    const float *inputs = r->inputs + channel * r->block.rows;
    for (size_t pair = 0; pair < r->cut.cut.kinds / 2; pair++) {
      for (size_t p = 0; p < panels; p++) {
        sum_pair(r, pair, inputs, nsc_least(PORTION, in - channel), taps + p * in * PANEL_TAPS, weights,
                 sums + p * r->cut.sums);
      }
    }
  }
  for (size_t t = 0; t < r->block.tiles; t++) write_tile(r, t, first, panels, sums);
}

size_t nsc_winograd_taps_workspace(const nsc_winograd *shape, size_t threads) {
  taps_cut cut = cut_of(shape);
  return cut.zeros + cut.inputs + cut.places + threads * cut.scratch_each;
}

void nsc_winograd_run_taps(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, const float *taps,
                           const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace) {
  size_t threads = pthreadpool_get_threads_count(pool);
  taps_cut cut = cut_of(shape);
  taps_task r = {.shape = shape,
                 .after = after,
                 .cut = cut,
                 .x = x,
                 .taps = taps,
                 .end = taps + nsc_winograd_taps_floats(shape->in_channels, shape->out_channels),
                 .zero = workspace,
                 .y = y,
                 .inputs = workspace + cut.zeros,
                 .scratch = workspace + cut.zeros + cut.inputs,
                 .places = (uint32_t *)(workspace + cut.zeros + cut.inputs + threads * cut.scratch_each),
                 .group = cut.panels < 2 * threads * PANELS ? 1 : PANELS,
                 .six = kernels->rows >= 6};
  memset(workspace, 0, cut.zeros * sizeof *workspace);
  for (size_t first = 0; first < cut.cut.strips; first += cut.strips) {
    r.block = nsc_cut_block_of(&cut.cut, first, nsc_least(cut.strips, cut.cut.strips - first));
    pthreadpool_parallelize_1d(pool, transform_tile, &r, r.block.tiles, 0);
    pthreadpool_parallelize_1d_with_thread(pool, run_panels, &r, nsc_divide_up(cut.panels, r.group), 0);
  }
}
