/* As winograd_taps.c, in words: a portion of weights is transformed, two rows of planes at a time, and multiplied from
   the nearest cache. */
#include "nn/words_winograd.h"

#include "nn/winograd_cut.h"
#include "nn/words_segment.h"

enum { PORTION = 32, PANEL_TAPS = 9 * NSC_WORD_COLUMNS /* bytes of a channel */ };

size_t nsc_words_winograd_weight_bytes(size_t in, size_t out) {
  return nsc_divide_up(out, NSC_WORD_COLUMNS) * in * PANEL_TAPS;
}

/* ---- the choice ---- */

/* Times in multiply-adds of words: of each number that a transform reads or writes, and of each weight and plane. */
static const double TRANSFORM = 15, TAPS_TRANSFORM = 1.5;

/* Whether no sum of the products of these weights with some of the channels may leave the range that
   nsc_words_descale restores. */
static bool sums_fit(const int8_t *weights, size_t channels, int32_t zero) {
  const int64_t high = 127 - zero, low = 128 + zero;
  int32_t up = 0, down = 0;
  for (size_t i = 0; i < 9 * channels; i++) {
    up += weights[i] > 0 ? weights[i] : 0;
    down -= weights[i] < 0 ? weights[i] : 0;
  }
  return up * high + down * low < NSC_WORDS_MOST_SUM && up * low + down * high < NSC_WORDS_MOST_SUM;
}

static bool all_fit(const nsc_words_winograd *c, const int8_t *weights, size_t each) {
  size_t in = c->shape.in_channels;
  for (size_t o = 0; o < c->shape.out_channels; o++, weights += 9 * in) {
    for (size_t first = 0; first < in; first += each) {
      if (!sums_fit(weights + 9 * first, nsc_least(each, in - first), c->zero)) return false;
    }
  }
  return true;
}

/* All channels together with weights as training leaves them, else fewer. */
static bool find_channels(nsc_words_winograd *c, const int8_t *weights) {
  size_t portions = nsc_divide_up(c->shape.in_channels, PORTION);
  for (;; portions = nsc_divide_up(portions, 2)) {
    c->channels = portions * PORTION;
    if (all_fit(c, weights, c->channels)) return true;
    if (portions == 1) return false;
  }
}

bool nsc_words_winograd_choose(nsc_words_winograd *out, const int8_t *weights, int32_t zero) {
  nsc_winograd *w = &out->shape;
  if (w->in_channels % NSC_WORDS || w->out_channels % 4) return false;
  out->zero = zero;
  w->tile = 4;
  w->stride = 1;
  w->taps = true;
  nsc_cut cut = nsc_cut_of(w);
  double rows = (double)nsc_cut_rows(&cut), channels = (double)(w->in_channels + w->out_channels);
  double each = (double)w->in_channels * (double)w->out_channels;
  double time = each * (rows + TAPS_TRANSFORM * (double)cut.planes) + rows * channels * TRANSFORM;
  double plain = each * 9 * (double)(w->batch * w->out_height * w->out_width);
  return time < plain && find_channels(out, weights);
}

/* ---- packing ---- */

typedef struct pack_task {
  size_t in, out;
  const int8_t *weights;
  int8_t *taps;
} pack_task;

/* [panels][in / 2][9][NSC_WORD_COLUMNS][2], zeros beyond the last column. */
static void pack_panel(void *context, size_t panel) {
  const pack_task *p = context;
  size_t first = panel * NSC_WORD_COLUMNS, columns = nsc_least(NSC_WORD_COLUMNS, p->out - first);
  const int8_t *from = p->weights + first * p->in * 9;
  int8_t *to = p->taps + panel * p->in * PANEL_TAPS;
  memset(to, 0, p->in * PANEL_TAPS);
  for (size_t k = 0; k < p->in; k++) {
    for (size_t c = 0; c < columns; c++) {
      const int8_t *taps = from + (c * p->in + k) * 9;
      for (size_t t = 0; t < 9; t++) to[((k / 2 * 9 + t) * NSC_WORD_COLUMNS + c) * 2 + k % 2] = taps[t];
    }
  }
}

void nsc_words_winograd_pack(size_t in, size_t out, const int8_t *weights, int8_t *taps, pthreadpool_t pool) {
  pack_task p = {in, out, weights, taps};
  pthreadpool_parallelize_1d(pool, pack_panel, &p, nsc_divide_up(out, NSC_WORD_COLUMNS), 0);
}

/* ---- transforms of a portion ---- */

/* In words. Planes are padded, or they would fall on the same lines of a cache. */
enum {
  PLANE = PORTION * NSC_WORD_COLUMNS + 2 * NSC_PLANE_PAD,
  PAIR_WORDS = 2 * NSC_WORD_KINDS * PLANE,
  LINE_BYTES = 64
};

NSC_FOR_EACH_TILE void transform_taps(const int8_t *taps, int16_t *to, size_t pair) {
  nsc_words rows[2][NSC_WORD_KINDS];
  for (size_t x = 0; x < NSC_TAPS; x++) {
    nsc_words d[NSC_WORD_KINDS];
    for (size_t y = 0; y < NSC_TAPS; y++) d[y] = nsc_widen(taps + (y * NSC_TAPS + x) * NSC_WORD_PAIR);
    nsc_words_taps(d);
    for (size_t r = 0; r < 2; r++) rows[r][x] = d[nsc_cut_pair(NSC_WORD_KINDS, pair, r)];
  }
  for (size_t r = 0; r < 2; r++) {
    nsc_words_taps(rows[r]);
    for (size_t i = 0; i < NSC_WORD_KINDS; i++) nsc_store_words(to + (r * NSC_WORD_KINDS + i) * PLANE, rows[r][i]);
  }
}

NSC_FOR_EACH_TILE void transform_channels(const int8_t *taps, size_t depth, int16_t *to, size_t pair) {
  for (size_t k = 0; k < depth; k += 2, taps += 2 * PANEL_TAPS, to += NSC_WORD_PAIR) {
    for (size_t c = 0; c < NSC_WORD_PAIR; c += NSC_WORDS) transform_taps(taps + c, to + c, pair);
  }
}

/* Functions of their own, here and below: engines that compile wasm spill registers of functions that hold both. */
static __attribute__((noinline)) void transform_portion(const int8_t *taps, size_t depth, int16_t *to, size_t pair) {
  if (pair == 0) transform_channels(taps, depth, to, 0);
  if (pair == 1) transform_channels(taps, depth, to, 1);
  if (pair == 2) transform_channels(taps, depth, to, 2);
}

static __attribute__((noinline)) void multiply_plane(const int16_t *in, const int16_t *weights, size_t depth,
                                                     uint32_t *sums, size_t rows) {
  nsc_words_panel(in, weights, depth, sums, rows, false, PORTION);
}

/* ---- the run ---- */

enum { BLOCK_WORDS = 1 << 20 /* of the transforms of x that are kept at a time */ };

/* How the work is cut; in bytes but for `strips`. */
typedef struct words_cut {
  nsc_cut cut;
  size_t strips; /* whose transforms are kept while all panels pass: a block */
  size_t panels;
  size_t zeros, inputs, places; /* outside of pictures; transforms of a block; places of its tiles */
  size_t sums;                  /* of a panel, in numbers */
  size_t each;                  /* of a thread: weights' transforms, sums, and what is kept of them */
} words_cut;

static size_t whole_lines(size_t bytes) {
  return nsc_divide_up(bytes, LINE_BYTES) * LINE_BYTES;
}

static words_cut cut_of(const nsc_words_winograd *conv) {
  const nsc_winograd *w = &conv->shape;
  size_t channels = nsc_divide_up(w->in_channels, PORTION) * PORTION;
  words_cut c = {.cut = nsc_cut_of(w), .panels = nsc_divide_up(w->out_channels, NSC_WORD_COLUMNS)};
  c.strips = nsc_cut_strips(&c.cut, BLOCK_WORDS / channels);
  size_t rows = nsc_cut_most_rows(&c.cut, c.strips);
  c.zeros = whole_lines(w->in_channels);
  c.inputs = rows * channels * sizeof(int16_t);
  size_t tiles = c.strips * c.cut.across.segments;
  c.places = whole_lines(tiles * NSC_PLACES_MOST * sizeof(uint32_t));
  c.sums = rows * NSC_WORD_COLUMNS;
  size_t kept = conv->channels < w->in_channels ? tiles * NSC_TILE_OUT * NSC_TILE_OUT * NSC_WORD_COLUMNS : 0;
  c.each = PAIR_WORDS * sizeof(int16_t) + (c.sums + kept) * sizeof(uint32_t);
  return c;
}

typedef struct words_task {
  const nsc_words_winograd *conv;
  const nsc_winograd *shape;
  const nsc_words_after *after;
  words_cut cut;
  nsc_cut_block block;
  const int8_t *x, *taps, *zeros;
  int8_t *y;
  int16_t *inputs;
  uint32_t *places;
  uint8_t *scratch;
} words_task;

typedef nsc_words input_square[NSC_WORD_KINDS][NSC_WORD_KINDS];

NSC_FOR_EACH_TILE void input_columns(const int8_t *const *at, size_t c, nsc_words zero, size_t width, input_square t,
                                     size_t m) {
  for (size_t j = 0; j < width; j++) {
    nsc_words d[NSC_WORD_KINDS];
    for (size_t i = 0; i < m + 2; i++) d[i] = nsc_widen(at[i * width + j] + c) - zero;
    nsc_words_input(d, m);
    for (size_t i = 0; i < m + 2; i++) t[i][j] = d[i];
  }
}

NSC_FOR_EACH_TILE void input_rows(input_square t, size_t height, const uint32_t *places, int16_t *to, size_t m) {
  for (size_t i = 0; i < height; i++) {
    nsc_words_input(t[i], m);
    for (size_t j = 0; j < m + 2; j++) nsc_store_words(to + places[i * (m + 2) + j] * PORTION, t[i][j]);
  }
}

static void transform_tile(void *context, size_t tile) {
  const words_task *r = context;
  const nsc_winograd *w = r->shape;
  const nsc_words zero = nsc_all_words(r->conv->zero);
  uint32_t *places = r->places + tile * NSC_PLACES_MOST;
  nsc_cut_tile t = nsc_cut_find(&r->cut.cut, &r->block, tile);
  size_t down = t.rows + 2, across = t.columns + 2;
  const int8_t *at[NSC_WORD_KINDS * NSC_WORD_KINDS];
  nsc_cut_places(&r->cut.cut, &r->block, tile, places);
  for (size_t k = 0; k < down * across; k++) {
    size_t y = t.y + k / across - w->top, x = t.x + k % across - w->left; /* huge when < 0 */
    bool inside = y < w->height && x < w->width;
    at[k] = inside ? r->x + ((t.n * w->height + y) * w->width + x) * w->in_channels : r->zeros;
  }
  for (size_t c = 0; c < w->in_channels; c += NSC_WORDS) {
    input_square d;
    int16_t *to = r->inputs + c / PORTION * r->block.rows * PORTION + c % PORTION;
    if (t.rows == 4) input_columns(at, c, zero, across, d, 4);
    if (t.rows == 3) input_columns(at, c, zero, across, d, 3);
    if (t.columns == 4) input_rows(d, down, places, to, 4);
    if (t.columns == 3) input_rows(d, down, places, to, 3);
  }
}

/* Adds the products of a portion with the planes of a pair. */
static void sum_pair(const words_task *r, size_t pair, const int16_t *in, size_t depth, const int8_t *taps,
                     int16_t *weights, uint32_t *sums) {
  const size_t *start = r->block.start;
  transform_portion(taps, depth, weights, pair);
  for (size_t k = 0; k < 2 * NSC_WORD_KINDS; k++) {
    size_t plane = nsc_cut_pair(NSC_WORD_KINDS, pair, k / NSC_WORD_KINDS) * NSC_WORD_KINDS + k % NSC_WORD_KINDS;
    multiply_plane(in + start[plane] * PORTION, weights + k * PLANE, depth, sums + start[plane] * NSC_WORD_COLUMNS,
                   start[plane + 1] - start[plane]);
  }
}

typedef nsc_sums output_square[4][NSC_WORD_KINDS];

NSC_FOR_EACH_TILE void output_columns(const uint32_t *from, const uint32_t *places, size_t width, output_square t,
                                      size_t m) {
  for (size_t j = 0; j < width; j++) {
    nsc_sums d[NSC_WORD_KINDS];
    for (size_t i = 0; i < m + 2; i++) d[i] = nsc_load_sums(from + places[i * width + j] * NSC_WORD_COLUMNS);
    nsc_words_output(d, m);
    for (size_t i = 0; i < m; i++) t[i][j] = d[i];
  }
}

/* What is done with a tile's sums of some of the channels: kept for those of the others, or added to these. */
typedef struct pass {
  bool first, last;
  int32_t *kept; /* of a tile, [NSC_TILE_OUT][NSC_TILE_OUT][NSC_WORD_COLUMNS] */
} pass;

/* Four channels of a tile, of `column` and behind it. */
NSC_FOR_EACH_TILE void output_rows(output_square t, const words_task *r, const nsc_cut_tile *at, const pass *pass,
                                   size_t column, int8_t *y, size_t m) {
  const nsc_winograd *w = r->shape;
  nsc_lanes scale = nsc_load_lanes(r->after->scale + column);
  nsc_sums bias = nsc_load_sums((const uint32_t *)r->after->bias + column);
  size_t rows = nsc_least(at->rows, w->out_height - at->y), columns = nsc_least(at->columns, w->out_width - at->x);
  for (size_t i = 0; i < rows; i++, y += w->out_width * w->out_channels) {
    nsc_words_output(t[i], m);
    for (size_t j = 0; j < columns; j++) {
      uint32_t *kept = (uint32_t *)pass->kept + (i * NSC_TILE_OUT + j) * NSC_WORD_COLUMNS + column % NSC_WORD_COLUMNS;
      nsc_sums sums = nsc_words_descale(t[i][j]) + (pass->first ? bias : nsc_load_sums(kept));
      if (pass->last) {
        nsc_store_four_bytes(y + j * w->out_channels, nsc_round_sums(sums, scale, r->after), r->after);
      } else {
        nsc_store_sums(kept, sums);
      }
    }
  }
}

static void write_tile(const words_task *r, size_t tile, size_t panel, const pass *pass, const uint32_t *sums) {
  const nsc_winograd *w = r->shape;
  const uint32_t *places = r->places + tile * NSC_PLACES_MOST;
  nsc_cut_tile t = nsc_cut_find(&r->cut.cut, &r->block, tile);
  size_t first = panel * NSC_WORD_COLUMNS, end = nsc_least(first + NSC_WORD_COLUMNS, w->out_channels);
  int8_t *y = r->y + ((t.n * w->out_height + t.y) * w->out_width + t.x) * w->out_channels;
  for (size_t c = first; c < end; c += 4, sums += 4) {
    output_square d;
    if (t.rows == 4) output_columns(sums, places, t.columns + 2, d, 4);
    if (t.rows == 3) output_columns(sums, places, t.columns + 2, d, 3);
    if (t.columns == 4) output_rows(d, r, &t, pass, c, y + c, 4);
    if (t.columns == 3) output_rows(d, r, &t, pass, c, y + c, 3);
  }
}

static void run_panel(void *context, size_t thread, size_t panel) {
  const words_task *r = context;
  size_t in = r->shape->in_channels;
  int16_t *weights = (int16_t *)(r->scratch + thread * r->cut.each);
  uint32_t *sums = (uint32_t *)(weights + PAIR_WORDS);
  int32_t *kept = (int32_t *)(sums + r->cut.sums);
  const int8_t *taps = r->taps + panel * in * PANEL_TAPS;
  for (size_t first = 0; first < in; first += r->conv->channels) {
    size_t end = nsc_least(first + r->conv->channels, in);
    memset(sums, 0, r->block.rows * NSC_WORD_COLUMNS * sizeof *sums);
    for (size_t channel = first; channel < end; channel += PORTION, taps += PORTION * PANEL_TAPS) {
      for (size_t pair = 0; pair < NSC_WORD_KINDS / 2; pair++) {
        sum_pair(r, pair, r->inputs + channel * r->block.rows, nsc_least(PORTION, end - channel), taps, weights, sums);
      }
    }
    for (size_t t = 0; t < r->block.tiles; t++) {
      const pass pass = {first == 0, end == in, kept + t * NSC_TILE_OUT * NSC_TILE_OUT * NSC_WORD_COLUMNS};
      write_tile(r, t, panel, &pass, sums);
    }
  }
}

size_t nsc_words_winograd_workspace(const nsc_words_winograd *conv, size_t threads) {
  words_cut cut = cut_of(conv);
  return cut.zeros + cut.inputs + cut.places + threads * cut.each;
}

void nsc_words_winograd_run(const nsc_words_winograd *conv, const int8_t *x, const int8_t *taps,
                            const nsc_words_after *after, int8_t *y, pthreadpool_t pool, void *workspace) {
  words_cut cut = cut_of(conv);
  uint8_t *at = workspace;
  words_task r = {.conv = conv,
                  .shape = &conv->shape,
                  .after = after,
                  .cut = cut,
                  .x = x,
                  .taps = taps,
                  .zeros = (const int8_t *)at,
                  .y = y,
                  .inputs = (int16_t *)(at + cut.zeros),
                  .places = (uint32_t *)(at + cut.zeros + cut.inputs),
                  .scratch = at + cut.zeros + cut.inputs + cut.places};
  memset(at, (int)conv->zero, cut.zeros);
  for (size_t first = 0; first < cut.cut.strips; first += cut.strips) {
    r.block = nsc_cut_block_of(&cut.cut, first, nsc_least(cut.strips, cut.cut.strips - first));
    pthreadpool_parallelize_1d(pool, transform_tile, &r, r.block.tiles, 0);
    pthreadpool_parallelize_1d_with_thread(pool, run_panel, &r, cut.panels, 0);
  }
}
