/*
 * The weights' gradient: dw = sum over tiles of x filtered with dy. In each plane a product [out][tiles] times
 * [tiles][in], for segments of tiles whose transforms stay in a cache. Where the sums of all outputs would not (38 MB
 * of 512 times 512 channels), outputs go in blocks, over transforms of x that are made once, as in winograd_filter.c.
 */
#include <string.h>

#include "base/error.h"
#include "nn/winograd_private.h"

enum {
  SEGMENT_BYTES = 6 << 20,
  LEAST_SEGMENT = 64,
  TILES_AT_ONCE = 4,
  SUM_BYTES = 6 << 20,  /* of a block of outputs */
  KEPT_BYTES = 16 << 20 /* of x's transforms; beyond, activations are larger than all sums */
};

typedef struct gradient_task {
  const nsc_kernels *kernels;
  const nsc_winograd *shape;
  nsc_tiles tiles;
  const float *x, *dy, *zero;
  float *turned; /* transforms of dy: [36][outputs of a block][segment] */
  float *panels; /* transforms of x: [segments, or 1][36][panels][1 + segment][columns], first rows zeros */
  float *sums;   /* [36][outputs of a block][in] */
  float *scratch, *dw;
  size_t scratch_each;
  size_t segment, first, count;        /* tiles: at most, from which, how many */
  size_t block, first_output, outputs; /* likewise */
  size_t turned_plane, panel_plane, panel_floats, sum_plane;
  size_t panel_count, panel_sets;
} gradient_task;

static size_t padded(size_t floats) {
  return nsc_divide_up(floats, NSC_PLANE_PAD) * NSC_PLANE_PAD;
}

/* ---- gradients' tiles ---- */

/* Addresses of the 4x4 pixels of dy in a tile, zeros outside. */
static void point_gradient(const gradient_task *g, size_t tile, const float *at[16]) {
  const nsc_winograd *w = g->shape;
  size_t n, first_y, first_x;
  nsc_tile_at(&g->tiles, tile, &n, &first_y, &first_x);
  for (size_t k = 0; k < 16; k++) {
    size_t y = first_y + k / NSC_TILE_OUT, x = first_x + k % NSC_TILE_OUT;
    bool inside = tile < g->tiles.count && y < w->out_height && x < w->out_width;
    at[k] = inside ? g->dy + ((n * w->out_height + y) * w->out_width + x) * w->out_channels : g->zero;
  }
}

static void transform_gradient(const float *const at[16], size_t c, nsc_lanes out[NSC_PLANES]) {
  nsc_lanes t[NSC_TILE][NSC_TILE];
  for (size_t j = 0; j < NSC_TILE_OUT; j++) {
    nsc_lanes d[NSC_TILE];
    for (size_t i = 0; i < NSC_TILE_OUT; i++) d[i] = nsc_load_lanes(at[i * NSC_TILE_OUT + j] + c);
    nsc_tile_taps4(d);
    for (size_t i = 0; i < NSC_TILE; i++) t[i][j] = d[i];
  }
  for (size_t i = 0; i < NSC_TILE; i++) {
    nsc_tile_taps4(t[i]);
    for (size_t j = 0; j < NSC_TILE; j++) out[i * NSC_TILE + j] = t[i][j];
  }
}

/* Lane n of vector m to lane m of vector n. */
static void store_turned(const nsc_lanes a, const nsc_lanes b, const nsc_lanes c, const nsc_lanes d, float *to,
                         size_t stride) {
  nsc_lanes ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  nsc_store_lanes(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  nsc_store_lanes(to + stride, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  nsc_store_lanes(to + 2 * stride, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  nsc_store_lanes(to + 3 * stride, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}

/* Four tiles of dy from number `at` of the segment, so that tiles stand side by side. */
static void turn_gradients(const gradient_task *g, size_t at) {
  const float *pixels[TILES_AT_ONCE][16];
  for (size_t t = 0; t < TILES_AT_ONCE; t++) point_gradient(g, g->first + at + t, pixels[t]);
  for (size_t c = 0; c < g->outputs; c += NSC_LANES) {
    nsc_lanes m[TILES_AT_ONCE][NSC_PLANES];
    for (size_t t = 0; t < TILES_AT_ONCE; t++) transform_gradient(pixels[t], g->first_output + c, m[t]);
    float *to = g->turned + c * g->segment + at;
    for (size_t p = 0; p < NSC_PLANES; p++, to += g->turned_plane) {
      store_turned(m[0][p], m[1][p], m[2][p], m[3][p], to, g->segment);
    }
  }
}

/* Where the present segment's transforms of x stand. */
static float *panels_of(const gradient_task *g) {
  size_t set = g->panel_sets > 1 ? g->first / g->segment : 0;
  return g->panels + set * NSC_PLANES * g->panel_plane;
}

static void transform_tiles(void *context, size_t group) {
  const gradient_task *g = context;
  size_t width = g->kernels->columns, in = g->shape->in_channels, at = group * TILES_AT_ONCE;
  size_t tail = in % width;
  turn_gradients(g, at);
  if (g->first_output > 0) return; /* those of x are there */
  float *panels = panels_of(g);
  for (size_t end = nsc_least(at + TILES_AT_ONCE, g->count); at < end; at++) {
    nsc_planes to = {panels + (1 + at) * width, g->panel_plane, g->panel_floats, width};
    nsc_winograd_input(g->shape, &g->tiles, g->x, g->first + at, g->zero, &to);
    if (!tail) continue;
    float *last = to.at + (g->panel_count - 1) * g->panel_floats + tail;
    for (size_t p = 0; p < NSC_PLANES; p++) memset(last + p * g->panel_plane, 0, (width - tail) * sizeof *last);
  }
}

/* ---- products ---- */

/* Sums of the first segment go to their place, those of others through a scratch. */
static void multiply_plane(void *context, size_t thread, size_t plane) {
  const gradient_task *g = context;
  const nsc_kernels *k = g->kernels;
  size_t in = g->shape->in_channels, out = g->outputs, row_bytes = g->segment * sizeof(float);
  const float *turned = g->turned + plane * g->turned_plane, *panels = panels_of(g) + plane * g->panel_plane;
  float *scratch = g->scratch + thread * g->scratch_each;
  bool adds = g->first > 0;
  for (size_t p = 0; p < g->panel_count; p++) {
    size_t columns = nsc_least(k->columns, in - p * k->columns);
    for (size_t o = 0; o < out; o += k->rows) {
      float *sums = g->sums + plane * g->sum_plane + o * in + p * k->columns;
      size_t rows = nsc_least(k->rows, out - o), stride = adds ? k->columns : in;
      nsc_multiply(k, rows, columns, g->count * sizeof(float), turned + o * g->segment, row_bytes,
                   panels + p * g->panel_floats, adds ? scratch : sums, stride * sizeof(float),
                   k->columns * sizeof(float));
      if (adds) nsc_add_block(sums, in, scratch, k->columns, rows, columns);
    }
  }
}

/* All taps of one output channel of the block. */
static void transform_sums(void *context, size_t o) {
  const gradient_task *g = context;
  size_t in = g->shape->in_channels;
  for (size_t c = 0; c < in; c += NSC_LANES) {
    const float *from = g->sums + o * in + c;
    float *to = g->dw + (g->first_output + o) * NSC_TAPS * NSC_TAPS * in + c;
    nsc_lanes t[NSC_TAPS][NSC_TILE];
    for (size_t j = 0; j < NSC_TILE; j++) {
      nsc_lanes d[NSC_TILE];
      for (size_t i = 0; i < NSC_TILE; i++) d[i] = nsc_load_lanes(from + (i * NSC_TILE + j) * g->sum_plane);
      nsc_tile_output3(d);
      for (size_t i = 0; i < NSC_TAPS; i++) t[i][j] = d[i];
    }
    for (size_t i = 0; i < NSC_TAPS; i++) {
      nsc_tile_output3(t[i]);
      for (size_t j = 0; j < NSC_TAPS; j++) nsc_store_lanes(to + (i * NSC_TAPS + j) * in, t[i][j]);
    }
  }
}

/* ---- blocks and room ---- */

/* Outputs at a time; `panels`: floats of x's transforms of all segments. */
static size_t outputs_at_once(const gradient_task *g, size_t panels) {
  size_t step = NSC_LANES * g->kernels->rows, each = NSC_PLANES * g->shape->in_channels * sizeof(float);
  size_t out = g->shape->out_channels;
  if (out * each <= SUM_BYTES || panels * sizeof(float) > KEPT_BYTES) return out;
  size_t some = SUM_BYTES / each / step * step;
  return nsc_least(some < step ? step : some, out);
}

/* How the work is cut, and where things stand from `base` on (NULL: only how much that takes); in floats. */
static size_t lay_out(gradient_task *g, size_t threads, float *base) {
  const nsc_winograd *w = g->shape;
  size_t width = g->kernels->columns, each = NSC_PLANES * (w->in_channels + w->out_channels) * sizeof(float);
  size_t segment = SEGMENT_BYTES / each;
  if (segment < LEAST_SEGMENT) segment = LEAST_SEGMENT;
  g->segment = nsc_least(segment, g->tiles.count + TILES_AT_ONCE - 1) / TILES_AT_ONCE * TILES_AT_ONCE;
  g->panel_count = nsc_divide_up(w->in_channels, width);
  g->panel_floats = (1 + g->segment) * width;
  g->panel_plane = padded(g->panel_count * g->panel_floats) + NSC_PLANE_PAD;
  g->panel_sets = nsc_divide_up(g->tiles.count, g->segment);
  g->block = outputs_at_once(g, g->panel_sets * NSC_PLANES * g->panel_plane);
  if (g->block == w->out_channels) g->panel_sets = 1;
  g->turned_plane = padded(g->block * g->segment) + NSC_PLANE_PAD;
  g->sum_plane = padded(g->block * w->in_channels) + NSC_PLANE_PAD;
  g->scratch_each = padded(g->kernels->rows * width);
  size_t zeros = padded(w->in_channels > w->out_channels ? w->in_channels : w->out_channels);
  size_t scratch = zeros + threads * g->scratch_each, panels = g->panel_sets * NSC_PLANES * g->panel_plane;
  if (base) {
    g->zero = base;
    g->scratch = base + zeros;
    g->panels = base + scratch;
    g->turned = g->panels + panels;
    g->sums = g->turned + NSC_PLANES * g->turned_plane;
    memset(base, 0, zeros * sizeof *base);
  }
  return scratch + panels + NSC_PLANES * (g->turned_plane + g->sum_plane);
}

static void clear_first_rows(const gradient_task *g) {
  for (size_t p = 0; p < g->panel_sets * NSC_PLANES; p++) {
    for (size_t n = 0; n < g->panel_count; n++) {
      memset(g->panels + p * g->panel_plane + n * g->panel_floats, 0, g->kernels->columns * sizeof(float));
    }
  }
}

size_t nsc_winograd_gradient_room(const nsc_kernels *kernels, const nsc_winograd *shape, size_t threads) {
  gradient_task g = {.kernels = kernels, .shape = shape, .tiles = nsc_tiles_of(shape)};
  return lay_out(&g, threads, NULL);
}

nsc_status nsc_winograd_weight_gradient(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x,
                                        const float *dy, float *dw, pthreadpool_t pool, nsc_room *room,
                                        nsc_error *err) {
  gradient_task g = {.kernels = kernels, .shape = shape, .tiles = nsc_tiles_of(shape), .x = x, .dy = dy, .dw = dw};
  size_t threads = pthreadpool_get_threads_count(pool);
  NSC_TRY(nsc_room_take(room, lay_out(&g, threads, NULL), err));
  (void)lay_out(&g, threads, room->floats);
  clear_first_rows(&g);
  for (; g.first_output < shape->out_channels; g.first_output += g.outputs) {
    g.outputs = nsc_least(g.block, shape->out_channels - g.first_output);
    for (g.first = 0; g.first < g.tiles.count; g.first += g.count) {
      g.count = nsc_least(g.segment, g.tiles.count - g.first);
      pthreadpool_parallelize_1d(pool, transform_tiles, &g, nsc_divide_up(g.count, TILES_AT_ONCE), 0);
      pthreadpool_parallelize_1d_with_thread(pool, multiply_plane, &g, NSC_PLANES, 0);
    }
    pthreadpool_parallelize_1d(pool, transform_sums, &g, g.outputs, 0);
  }
  return NSC_OK;
}
