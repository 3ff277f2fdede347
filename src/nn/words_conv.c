/*
 * A product of [pixels][taps and channels] with the weights. Some pixels at a time, their inputs are widened to words
 * and laid out as rows, a portion of channels after the other; then each panel of the weights is widened, a portion at
 * a time, and multiplied with all of these rows. What a row takes of a row of the kernel lies side by side in x, as
 * long as neither groups nor dilation part it: a run.
 */
#include "nn/words_conv.h"

#include "nn/product.h"

enum {
  PORTION = 128,     /* channels of a row that lie side by side */
  MOST_ROWS = 96,    /* pixels at a time: with a panel's portion they stay in a near cache */
  LEAST_PANELS = 4,  /* for each thread's own rows: fewer would not be worth laying them out again */
  TASKS_A_THREAD = 4 /* at least, where there is more than one */
};

/* How the taps of one pixel lie. Short runs, of a first layer, lie close together, some in each portion; longer ones
   are padded to a multiple of eight and pass from one portion to the next. */
typedef struct runs {
  size_t count, length, padded; /* of one: elements of x, and with its padding */
  size_t across;                /* runs a row of the kernel */
  size_t together, portion;     /* runs of a portion, 0 where they are longer; what of it is multiplied */
} runs;

static runs runs_of(const nsc_words_conv *c) {
  const nsc_window *w = &c->g.window;
  size_t kh = (size_t)w->kernel[0], kw = (size_t)w->kernel[1];
  bool merged = c->g.groups == 1 && w->dilation[1] == 1;
  runs r = {.length = merged ? kw * c->g.group_in : c->g.group_in, .across = merged ? 1 : kw, .portion = PORTION};
  r.count = kh * r.across;
  r.padded = nsc_divide_up(r.length, NSC_WORDS) * NSC_WORDS;
  if (r.padded > PORTION / 2) return r;
  r.padded = nsc_divide_up(r.length, 2) * 2;
  r.together = (PORTION - NSC_WORDS) / r.padded; /* eight words are written at once, also at the end */
  r.portion = r.together * r.padded;
  return r;
}

static size_t depth_of(const nsc_words_conv *c) {
  runs r = runs_of(c);
  return r.count * r.padded;
}

static size_t panels_of(const nsc_words_conv *c) {
  return nsc_divide_up(c->g.group_out, NSC_WORD_COLUMNS);
}

size_t nsc_words_conv_columns(const nsc_words_conv *c) {
  return c->g.groups * panels_of(c) * NSC_WORD_COLUMNS;
}

/* ---- weights ---- */

size_t nsc_words_conv_weight_bytes(const nsc_words_conv *c) {
  return nsc_words_conv_columns(c) * depth_of(c);
}

typedef struct pack_task {
  const nsc_words_conv *conv;
  const int8_t *weights;
  int8_t *packed;
} pack_task;

/* Some channels of a column, to every 2 * NSC_WORD_COLUMNS-th pair of `to`. */
static void pack_channels(const nsc_words_conv *c, const runs *r, const int8_t *from, size_t first, size_t end,
                          int8_t *to) {
  size_t kh = (size_t)c->g.window.kernel[0], kw = (size_t)c->g.window.kernel[1];
  for (size_t channel = first; channel < end; channel++) {
    for (size_t y = 0; y < kh; y++) {
      for (size_t x = 0; x < kw; x++) {
        size_t run = y * r->across + x % r->across, in_run = x / r->across * c->g.group_in + channel;
        size_t k = run * r->padded + in_run;
        to[k / 2 * 2 * NSC_WORD_COLUMNS + k % 2] = from[(channel * kh + y) * kw + x];
      }
    }
  }
}

enum { PACKED_TOGETHER = 32 /* channels of all columns, whose places in a panel are near then */ };

/* [panels][depth / 2][NSC_WORD_COLUMNS][2], zeros beyond the last column and behind runs. */
static void pack_panel(void *context, size_t panel) {
  const pack_task *t = context;
  const nsc_conv_geometry *g = &t->conv->g;
  runs r = runs_of(t->conv);
  size_t depth = r.count * r.padded, first = panel % panels_of(t->conv) * NSC_WORD_COLUMNS;
  size_t columns = nsc_least(g->group_out - first, NSC_WORD_COLUMNS);
  size_t each = g->group_in * (size_t)(g->window.kernel[0] * g->window.kernel[1]);
  const int8_t *from = t->weights + (panel / panels_of(t->conv) * g->group_out + first) * each;
  int8_t *to = t->packed + panel * depth * NSC_WORD_COLUMNS;
  memset(to, 0, depth * NSC_WORD_COLUMNS);
  for (size_t channel = 0; channel < g->group_in; channel += PACKED_TOGETHER) {
    size_t end = nsc_least(channel + PACKED_TOGETHER, g->group_in);
    for (size_t c = 0; c < columns; c++) pack_channels(t->conv, &r, from + c * each, channel, end, to + 2 * c);
  }
}

void nsc_words_conv_pack(const nsc_words_conv *c, const int8_t *weights, int8_t *packed, pthreadpool_t pool) {
  pack_task t = {c, weights, packed};
  pthreadpool_parallelize_1d(pool, pack_panel, &t, c->g.groups * panels_of(c), 0);
}

/* ---- how the work is cut ---- */

typedef struct words_cut {
  size_t pixels, blocks, rows;    /* rows: pixels of a block, but for the last */
  size_t panels, parts, each;     /* of all groups; tasks of a block, and their panels */
  size_t depth, inputs, per_task; /* inputs: words of a block's rows; bytes of a thread */
} words_cut;

enum { WEIGHT_WORDS = PORTION * NSC_WORD_COLUMNS };

static words_cut cut_of(const nsc_words_conv *c, size_t threads) {
  const nsc_window *w = &c->g.window;
  words_cut cut = {.pixels = c->batch * (size_t)(w->out[0] * w->out[1]), .panels = c->g.groups * panels_of(c)};
  cut.blocks = nsc_divide_up(cut.pixels, MOST_ROWS);
  cut.rows = nsc_divide_up(cut.pixels, cut.blocks);
  size_t wanted = threads > 1 ? nsc_divide_up(threads * TASKS_A_THREAD, cut.blocks) : 1;
  cut.each = nsc_divide_up(cut.panels, wanted);
  if (cut.each < LEAST_PANELS) cut.each = LEAST_PANELS;
  cut.parts = nsc_divide_up(cut.panels, cut.each);
  cut.depth = depth_of(c);
  cut.inputs = nsc_divide_up(cut.depth, runs_of(c).portion) * PORTION * cut.rows;
  cut.per_task = (cut.inputs + WEIGHT_WORDS) * sizeof(int16_t) + cut.rows * NSC_WORD_COLUMNS * sizeof(uint32_t);
  cut.per_task = nsc_divide_up(cut.per_task, 64) * 64;
  return cut;
}

size_t nsc_words_conv_workspace(const nsc_words_conv *c, size_t threads) {
  return cut_of(c, threads).per_task * threads;
}

/* ---- a block's inputs ---- */

typedef struct words_task {
  const nsc_words_conv *conv;
  words_cut cut;
  runs runs;
  const int8_t *x, *packed;
  size_t x_bytes;
  const nsc_words_after *after;
  int8_t *y;
  uint8_t *workspace;
} words_task;

/* Where word `k` of a row is, of which PORTION lie side by side. */
static inline int16_t *word_of(const words_task *t, int16_t *row, size_t k) {
  return row + k / PORTION * t->cut.rows * PORTION + k % PORTION;
}

/* Elements [low, high) of a run that begins at x[at], the others zero, to `k` and behind it. */
static void widen_part(const words_task *t, ptrdiff_t at, size_t low, size_t high, int16_t *row, size_t k) {
  for (size_t e = 0; e < t->runs.length; e += NSC_WORDS) {
    int16_t *to = word_of(t, row, k + e);
    size_t end = nsc_least(e + NSC_WORDS, t->runs.length);
    if (end <= low || e >= high) {
      nsc_store_words(to, (nsc_words){0});
    } else if (e >= low && end <= high && (size_t)at + e + NSC_WORDS <= t->x_bytes) {
      nsc_store_words(to, nsc_widen(t->x + (at + (ptrdiff_t)e)) - nsc_all_words(t->conv->zero));
    } else {
      for (size_t i = e; i < end; i++) {
        *to++ = (int16_t)(i >= low && i < high ? t->x[at + (ptrdiff_t)i] - t->conv->zero : 0);
      }
    }
  }
}

/* The same, mostly of a whole run. What stands behind the run is the next one's, or its weights are zero. */
static inline void widen_run(const words_task *t, ptrdiff_t at, size_t low, size_t high, int16_t *row, size_t k) {
  const size_t words = nsc_divide_up(t->runs.length, NSC_WORDS) * NSC_WORDS;
  if (low > 0 || high < t->runs.length || (size_t)at + words > t->x_bytes || k % PORTION + words > PORTION) {
    widen_part(t, at, low, high, row, k);
    return;
  }
  const nsc_words zeros = nsc_all_words(t->conv->zero);
  int16_t *to = word_of(t, row, k);
  for (size_t e = 0; e < words; e += NSC_WORDS) nsc_store_words(to + e, nsc_widen(t->x + at + e) - zeros);
}

/* The part [from, to) of elements at `first` and behind it that lie in [0, size). */
static void clip(int64_t first, size_t length, int64_t size, size_t *from, size_t *to) {
  int64_t end = first + (int64_t)length;
  *from = first >= 0 ? 0 : -first < (int64_t)length ? (size_t)-first : length;
  *to = end <= size ? length : size > first ? (size_t)(size - first) : 0;
}

/* A place in y, and the first tap of its window. */
typedef struct place {
  size_t n, oy, ox;
  int64_t y, x;
} place;

static place place_of(const nsc_words_conv *c, size_t pixel) {
  const nsc_window *w = &c->g.window;
  size_t columns = (size_t)w->out[1], lines = (size_t)w->out[0], line = pixel / columns;
  place p = {.n = line / lines, .oy = line % lines, .ox = pixel % columns};
  p.y = (int64_t)p.oy * w->stride[0] - w->pad_begin[0];
  p.x = (int64_t)p.ox * w->stride[1] - w->pad_begin[1];
  return p;
}

static void move_on(const nsc_words_conv *c, place *p) {
  const nsc_window *w = &c->g.window;
  p->x += w->stride[1];
  if (++p->ox < (size_t)w->out[1]) return;
  p->ox = 0;
  p->x = -w->pad_begin[1];
  p->y += w->stride[0];
  if (++p->oy < (size_t)w->out[0]) return;
  p->oy = 0;
  p->y = -w->pad_begin[0];
  p->n++;
}

static void lay_out_pixel(const words_task *t, const place *p, size_t group, int16_t *row) {
  const nsc_conv_geometry *g = &t->conv->g;
  const nsc_window *w = &g->window;
  const runs *r = &t->runs;
  ptrdiff_t channels = (ptrdiff_t)(g->groups * g->group_in), line = (ptrdiff_t)w->in[1] * channels;
  ptrdiff_t at = ((ptrdiff_t)p->n * (ptrdiff_t)w->in[0] + (ptrdiff_t)p->y) * line + (ptrdiff_t)p->x * channels +
                 (ptrdiff_t)(group * g->group_in);
  size_t k = 0, taps = r->length / g->group_in, left = r->together;
  for (size_t ky = 0; ky < r->count / r->across; ky++, at += (ptrdiff_t)w->dilation[0] * line) {
    int64_t y = p->y + (int64_t)ky * w->dilation[0];
    for (size_t kx = 0; kx < r->across; kx++) {
      size_t from = 0, to = 0;
      ptrdiff_t aside = (ptrdiff_t)kx * (ptrdiff_t)w->dilation[1];
      if (y >= 0 && y < w->in[0]) clip(p->x + aside, taps, w->in[1], &from, &to);
      widen_run(t, at + aside * channels, from * g->group_in, to * g->group_in, row, k);
      k += r->padded;
      if (r->together && --left == 0) {
        left = r->together;
        k = nsc_divide_up(k, PORTION) * PORTION;
      }
    }
  }
}

static void lay_out(const words_task *t, size_t first, size_t rows, size_t group, int16_t *to) {
  const nsc_conv_geometry *g = &t->conv->g;
  const nsc_window *w = &g->window;
  size_t channels = g->groups * g->group_in;
  bool plain = t->runs.count == 1 && t->runs.length == g->group_in && w->stride[0] == 1 && w->stride[1] == 1 &&
               w->pad_begin[0] == 0 && w->pad_begin[1] == 0 && w->out[0] == w->in[0] && w->out[1] == w->in[1];
  place p = place_of(t->conv, first);
  for (size_t r = 0; r < rows; r++, to += PORTION) {
    if (plain) {
      widen_run(t, (ptrdiff_t)((first + r) * channels + group * g->group_in), 0, g->group_in, to, 0);
    } else {
      lay_out_pixel(t, &p, group, to);
      move_on(t->conv, &p);
    }
  }
}

/* ---- the run ---- */

static void widen_weights(const int8_t *from, size_t count, int16_t *to) {
  for (size_t i = 0; i < count; i += NSC_WORDS) nsc_store_words(to + i, nsc_widen(from + i));
}

/* A function of its own: engines that compile wasm spill registers of functions that hold more than this. */
static __attribute__((noinline)) void multiply(const int16_t *in, const int16_t *weights, size_t depth, uint32_t *sums,
                                               size_t rows, bool half) {
  nsc_words_panel(in, weights, depth, sums, rows, half, PORTION);
}

/* Of up to NSC_WORD_COLUMNS columns that begin at `column` of `after` and `at` of y. */
static void finish(const words_task *t, const uint32_t *sums, size_t rows, size_t column, size_t columns, int8_t *y,
                   size_t pixel) {
  nsc_lanes scale[4];
  for (size_t v = 0; v < 4; v++) scale[v] = nsc_load_lanes(t->after->scale + column + 4 * v);
  for (size_t r = 0; r < rows; r++, y += pixel, sums += NSC_WORD_COLUMNS) {
    nsc_signed_sums steps[4];
    int8_t bytes[NSC_WORD_COLUMNS];
    for (size_t v = 0; v < 4; v++) steps[v] = nsc_round_sums(nsc_load_sums(sums + 4 * v), scale[v], t->after);
    if (columns == NSC_WORD_COLUMNS) {
      nsc_store_bytes(y, steps, t->after);
    } else {
      nsc_store_bytes(bytes, steps, t->after);
      memcpy(y, bytes, columns);
    }
  }
}

static void run_panel(const words_task *t, size_t panel, const int16_t *in, size_t first, size_t rows, int16_t *weights,
                      uint32_t *sums) {
  const nsc_conv_geometry *g = &t->conv->g;
  size_t in_group = panel % panels_of(t->conv), group = panel / panels_of(t->conv), depth = t->cut.depth;
  size_t begin = in_group * NSC_WORD_COLUMNS, columns = nsc_least(g->group_out - begin, NSC_WORD_COLUMNS);
  size_t outputs = g->groups * g->group_out;
  const int8_t *from = t->packed + panel * depth * NSC_WORD_COLUMNS;
  for (size_t r = 0; r < rows; r++) {
    memcpy(sums + r * NSC_WORD_COLUMNS, t->after->bias + panel * NSC_WORD_COLUMNS, NSC_WORD_COLUMNS * sizeof *sums);
  }
  for (size_t k = 0; k < depth; k += t->runs.portion, in += t->cut.rows * PORTION) {
    size_t portion = nsc_least(depth - k, t->runs.portion);
    widen_weights(from + k * NSC_WORD_COLUMNS, portion * NSC_WORD_COLUMNS, weights);
    multiply(in, weights, portion, sums, rows, columns <= NSC_WORD_COLUMNS / 2);
  }
  finish(t, sums, rows, panel * NSC_WORD_COLUMNS, columns, t->y + first * outputs + group * g->group_out + begin,
         outputs);
}

static void run_task(void *context, size_t thread, size_t task) {
  const words_task *t = context;
  size_t first = task / t->cut.parts * t->cut.rows, panel = task % t->cut.parts * t->cut.each;
  size_t rows = nsc_least(t->cut.pixels - first, t->cut.rows), end = nsc_least(panel + t->cut.each, t->cut.panels);
  int16_t *in = (int16_t *)(t->workspace + thread * t->cut.per_task), *weights = in + t->cut.inputs;
  uint32_t *sums = (uint32_t *)(weights + WEIGHT_WORDS);
  for (size_t laid = SIZE_MAX; panel < end; panel++) {
    size_t group = panel / panels_of(t->conv);
    if (group != laid) lay_out(t, first, rows, group, in);
    laid = group;
    run_panel(t, panel, in, first, rows, weights, sums);
  }
}

void nsc_words_conv_run(const nsc_words_conv *c, const int8_t *x, const int8_t *packed, const nsc_words_after *after,
                        int8_t *y, pthreadpool_t pool, void *workspace) {
  const nsc_window *w = &c->g.window;
  words_task t = {.conv = c,
                  .cut = cut_of(c, pthreadpool_get_threads_count(pool)),
                  .runs = runs_of(c),
                  .x = x,
                  .x_bytes = c->batch * (size_t)(w->in[0] * w->in[1]) * c->g.groups * c->g.group_in,
                  .packed = packed,
                  .after = after,
                  .y = y,
                  .workspace = workspace};
  pthreadpool_parallelize_1d_with_thread(pool, run_task, &t, t.cut.blocks * t.cut.parts, 0);
}
