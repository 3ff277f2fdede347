#include "nn/winograd_stem.h"

#include <string.h>

#include "nn/winograd_private.h"

enum { OUT = 4, MOST_CHANNELS = 4, MOST_PLANES = NSC_TILE_MOST * NSC_TILE_MOST, PHASES = 2 /* each way */ };

bool nsc_winograd_stem_can(const nsc_winograd_stem *w) {
  bool channels = w->in_channels <= MOST_CHANNELS && w->out_channels % NSC_LANES == 0;
  /* Rows that end before the strips of their tiles do, and that four lanes can read. */
  bool rows = w->width + w->left < PHASES * w->out_width + w->kernel && w->width * w->in_channels >= NSC_LANES;
  return (w->kernel == 5 || w->kernel == 7) && channels && rows && w->top < w->kernel && w->left < w->kernel;
}

/* ---- planes ---- */

/* Points each way, of which infinity is the last. */
static size_t side_of(const nsc_winograd_stem *w) {
  return OUT + w->kernel / 2;
}

/* Phases that have something at point `i` of `side`. */
static size_t phases_at(size_t i, size_t side) {
  return i + 1 < side ? PHASES : 1;
}

/* Channels of plane (i, j): [phases of rows][phases of columns][channels of the picture]. */
static size_t depth_at(const nsc_winograd_stem *w, size_t i, size_t j) {
  size_t side = side_of(w);
  return phases_at(i, side) * phases_at(j, side) * w->in_channels;
}

/* ---- weights ---- */

/* G of the tile transforms in winograd_tile.h: powers of a point over the product of its distances to the others. */
static void tap_matrix(size_t side, double g[NSC_TILE_MOST][OUT]) {
  static const double four_taps[] = {1, -1, 2, -2, 0.25, -0.25}, three_taps[] = {0, 1, -1, 2, -2};
  const double *points = side == NSC_TILE_MOST ? four_taps : three_taps;
  size_t taps = side + 1 - OUT;
  for (size_t i = 0; i + 1 < side; i++) {
    double power = 1;
    for (size_t k = 0; k + 1 < side; k++) power /= k == i ? 1 : points[i] - points[k];
    for (size_t s = 0; s < taps; s++, power *= points[i]) g[i][s] = power;
  }
  for (size_t s = 0; s < taps; s++) g[side - 1][s] = s + 1 == taps;
}

/* Of one phase, [side][side]; `taps`: of the phase at (0, 0), `pixel` floats apart, kernel rows `line`. */
typedef struct phase_taps {
  const float *taps;
  size_t rows, columns, line, pixel;
} phase_taps;

static void transform_taps(const phase_taps *p, size_t side, double g[NSC_TILE_MOST][OUT], double *out) {
  for (size_t i = 0; i < side; i++) {
    double row[OUT] = {0};
    for (size_t y = 0; y < p->rows; y++) {
      for (size_t x = 0; x < p->columns; x++) row[x] += g[i][y] * (double)p->taps[y * p->line + x * p->pixel];
    }
    for (size_t j = 0; j < side; j++) {
      double sum = 0;
      for (size_t x = 0; x < p->columns; x++) sum += g[j][x] * row[x];
      out[i * side + j] = sum;
    }
  }
}

/* Where the panels of each plane begin, and at last where they end. */
static void lay_planes(const nsc_kernels *k, const nsc_winograd_stem *w, size_t at[MOST_PLANES + 1]) {
  size_t side = side_of(w), columns = nsc_divide_up(w->out_channels, k->columns) * k->columns;
  at[0] = 0;
  for (size_t p = 0; p < side * side; p++) at[p + 1] = at[p] + columns * (1 + depth_at(w, p / side, p % side));
}

size_t nsc_winograd_stem_floats(const nsc_kernels *kernels, const nsc_winograd_stem *w) {
  size_t at[MOST_PLANES + 1];
  lay_planes(kernels, w, at);
  return at[side_of(w) * side_of(w)];
}

/* Planes of output `o` for phase (py, px) of channel `c`. */
static void place(const nsc_kernels *k, const nsc_winograd_stem *w, const double *planes, const size_t *at, size_t o,
                  size_t py, size_t px, size_t c, float *packed) {
  size_t side = side_of(w);
  for (size_t p = 0; p < side * side; p++) {
    size_t across = phases_at(p % side, side), depth = depth_at(w, p / side, p % side);
    if (py >= phases_at(p / side, side) || px >= across) continue;
    size_t row = 1 + (py * across + px) * w->in_channels + c;
    packed[at[p] + (o / k->columns * (1 + depth) + row) * k->columns + o % k->columns] = (float)planes[p];
  }
}

void nsc_winograd_stem_pack(const nsc_kernels *kernels, const nsc_winograd_stem *w, const float *weights,
                            float *packed) {
  size_t at[MOST_PLANES + 1], channels = w->in_channels, line = w->kernel * channels;
  double g[NSC_TILE_MOST][OUT], planes[MOST_PLANES];
  lay_planes(kernels, w, at);
  tap_matrix(side_of(w), g);
  memset(packed, 0, at[side_of(w) * side_of(w)] * sizeof *packed);
  for (size_t o = 0; o < w->out_channels; o++, weights += w->kernel * line) {
    for (size_t i = 0; i < PHASES * PHASES * channels; i++) {
      size_t c = i % channels, px = i / channels % PHASES, py = i / channels / PHASES;
      phase_taps taps = {.taps = weights + py * line + px * channels + c,
                         .rows = (w->kernel + 1 - py) / PHASES,
                         .columns = (w->kernel + 1 - px) / PHASES,
                         .line = PHASES * line,
                         .pixel = PHASES * channels};
      transform_taps(&taps, side_of(w), g, planes);
      place(kernels, w, planes, at, o, py, px, c, packed);
    }
  }
}

/* ---- work ---- */

/*
 * A task is some rows of tiles. Of each row the pixels are transformed along columns, over the picture's whole width,
 * into a strip; then tile by tile along rows into a block, which is multiplied when it is full. Columns of the weights
 * go in steps whose products stay in a near cache until they are transformed back.
 */
enum { BLOCK_TILES = 24, STEP_COLUMNS = 32, TASKS_A_THREAD = 4 };

/* How the work is cut; sizes in floats. */
typedef struct stem_blocks {
  size_t side, planes, block; /* tiles; a multiple of the kernels' rows */
  size_t line;                /* of a strip */
  size_t strip, plane_in, inputs, products, scratch_each;
  size_t panels, step; /* of columns: all, at a time */
  size_t zeros;
} stem_blocks;

typedef struct stem_task {
  const nsc_kernels *kernels;
  const nsc_winograd_stem *shape;
  const nsc_winograd_after *after;
  nsc_tiles tiles;
  stem_blocks cut;
  size_t planes_at[MOST_PLANES + 1]; /* in `packed` */
  size_t rows;                       /* of tiles, a task */
  const float *x, *packed, *zero;
  float *y, *scratch;
} stem_task;

/* Parts of a thread's scratch. */
typedef struct stem_room {
  float *strip, *in, *products;
} stem_room;

static size_t lines(size_t floats) {
  return nsc_divide_up(floats, NSC_PLANE_PAD) * NSC_PLANE_PAD;
}

static nsc_tiles tiles_of(const nsc_winograd_stem *w) {
  size_t across = nsc_divide_up(w->out_width, OUT), down = nsc_divide_up(w->out_height, OUT);
  return (nsc_tiles){OUT, across, down, w->batch * across * down};
}

static stem_blocks cut_of(const nsc_kernels *k, const nsc_winograd_stem *w) {
  size_t channels = w->in_channels;
  stem_blocks c = {.side = side_of(w),
                   .planes = side_of(w) * side_of(w),
                   .block = nsc_divide_up(BLOCK_TILES, k->rows) * k->rows,
                   .panels = nsc_divide_up(w->out_channels, k->columns),
                   .step = nsc_divide_up(STEP_COLUMNS, k->columns),
                   .zeros = lines(w->width * channels)};
  /* Past its last tile a strip is read by a pixel and up to three floats. */
  c.line = lines(PHASES * (tiles_of(w).across * OUT + w->kernel / 2 + 1) * channels + NSC_LANES);
  c.strip = PHASES * c.side * c.line;
  c.plane_in = lines(c.block * PHASES * PHASES * channels + NSC_LANES);
  c.inputs = c.planes * c.plane_in;
  c.products = lines(c.planes * nsc_least(c.step, c.panels) * k->rows * k->columns);
  c.scratch_each = c.strip + c.inputs + c.products;
  return c;
}

/* ---- inputs ---- */

NSC_FOR_EACH_TILE void transform_points(nsc_lanes d[NSC_TILE_MOST], size_t side) {
  if (side == NSC_TILE_MOST) {
    nsc_tile_input7(d);
  } else {
    nsc_tile_input(d, OUT);
  }
}

/* strip[phase][point][line] of the row of tiles that begins with row `y` of the padded picture `n`. */
NSC_FOR_EACH_TILE void transform_columns(const stem_task *s, size_t n, size_t y, float *strip, size_t side) {
  const nsc_winograd_stem *w = s->shape;
  size_t line = s->cut.line, count = w->width * w->in_channels;
  strip += w->left * w->in_channels;
  for (size_t phase = 0; phase < PHASES; phase++, strip += side * line) {
    const float *at[NSC_TILE_MOST];
    for (size_t i = 0; i < side; i++) {
      size_t row = y + i * PHASES + phase - w->top; /* huge when negative */
      at[i] = row < w->height ? s->x + (n * w->height + row) * count : s->zero;
    }
    /* The last four may be done twice. */
    for (size_t f = 0; f < count; f = f + NSC_LANES < count ? nsc_least(f + NSC_LANES, count - NSC_LANES) : count) {
      nsc_lanes d[NSC_TILE_MOST];
      for (size_t i = 0; i < side; i++) d[i] = nsc_load_lanes(at[i] + f);
      transform_points(d, side);
      for (size_t i = 0; i < side; i++) nsc_store_lanes(strip + i * line + f, d[i]);
    }
  }
}

/* Tile `tile` of the strip to place `t` of a block. Stores are of four floats: what they write beyond their channels is
   written over by what comes after them, or stands after the last tile. */
NSC_FOR_EACH_TILE void transform_rows(const stem_task *s, const float *strip, size_t tile, size_t t, float *in,
                                      size_t side) {
  size_t channels = s->shape->in_channels, pair = PHASES * channels, plane = s->cut.plane_in;
  strip += tile * OUT * pair;
  for (size_t phase = 0; phase < PHASES; phase++, strip += side * s->cut.line) {
    for (size_t i = 0; i + phase < side; i++) {
      size_t across = phases_at(i, side), at = t * across + phase;
      float *to = in + i * side * plane;
      for (size_t c = 0; c < pair; c += NSC_LANES) {
        nsc_lanes d[NSC_TILE_MOST];
        for (size_t j = 0; j < side; j++) d[j] = nsc_load_lanes(strip + i * s->cut.line + j * pair + c);
        transform_points(d, side);
        for (size_t j = 0; j + 1 < side; j++) nsc_store_lanes(to + j * plane + at * pair + c, d[j]);
        if (c < channels) nsc_store_lanes(to + (side - 1) * plane + at * channels + c, d[side - 1]);
      }
    }
  }
}

/* ---- products and outputs ---- */

/* products: [rows of kernels][planes][panels of a step][kernel rows][kernel columns] */
static void multiply_row(const stem_task *s, const float *in, size_t row, size_t rows, size_t panel, size_t panels,
                         float *products) {
  const nsc_kernels *k = s->kernels;
  size_t cell = k->rows * k->columns, row_bytes = k->columns * sizeof(float);
  for (size_t p = 0; p < s->cut.planes; p++) {
    size_t depth = depth_at(s->shape, p / s->cut.side, p % s->cut.side), bytes = depth * sizeof(float);
    nsc_multiply(k, rows, panels * k->columns, bytes, in + p * s->cut.plane_in + row * depth, bytes,
                 s->packed + s->planes_at[p] + panel * (1 + depth) * k->columns, products + p * panels * cell,
                 row_bytes, cell * sizeof(float));
  }
}

static void write_tile(const stem_task *s, const float *products, size_t tile, size_t panel, size_t panels) {
  const nsc_winograd_stem *w = s->shape;
  const nsc_winograd_after after = *s->after; /* of its own: nothing that is written can change it */
  float *to = s->y;
  size_t width = s->kernels->columns, cell = s->kernels->rows * width;
  nsc_corner corner = nsc_corner_of(&s->tiles, tile, w->out_height, w->out_width, w->out_channels);
  size_t first_at = corner.at;
  size_t first = panel * width, end = nsc_least(first + panels * width, w->out_channels);
  for (size_t c = first; c < end; c += NSC_LANES) {
    const float *from = products + (c - first) / width * cell + c % width;
    nsc_lanes bias = after.bias ? nsc_load_lanes(after.bias + c) : (nsc_lanes){0};
    corner.at = first_at + c;
    if (s->cut.side == NSC_TILE_MOST) {
      nsc_winograd_output(&after, from, panels * cell, bias, to, &corner, OUT, NSC_TILE_MOST);
    } else {
      nsc_winograd_output(&after, from, panels * cell, bias, to, &corner, OUT, NSC_TILE);
    }
  }
}

/* `tiles` in the block, of which `first` is the first. */
static void run_block(const stem_task *s, const stem_room *room, size_t first, size_t tiles) {
  size_t rows = s->kernels->rows;
  for (size_t panel = 0; panel < s->cut.panels; panel += s->cut.step) {
    size_t panels = nsc_least(s->cut.step, s->cut.panels - panel);
    for (size_t row = 0; row < tiles; row += rows) {
      size_t some = nsc_least(rows, tiles - row);
      multiply_row(s, room->in, row, some, panel, panels, room->products);
      for (size_t t = 0; t < some; t++) {
        write_tile(s, room->products + t * s->kernels->columns, first + row + t, panel, panels);
      }
    }
  }
}

NSC_FOR_EACH_TILE void run_rows_of(const stem_task *s, const stem_room *room, size_t first, size_t end, size_t side) {
  size_t across = s->tiles.across, filled = 0;
  for (size_t row = first; row < end; row++) {
    transform_columns(s, row / s->tiles.down, row % s->tiles.down * PHASES * OUT, room->strip, side);
    for (size_t tile = 0; tile < across; tile++) {
      transform_rows(s, room->strip, tile, filled, room->in, side);
      if (++filled < s->cut.block && (row + 1 < end || tile + 1 < across)) continue;
      run_block(s, room, row * across + tile + 1 - filled, filled);
      filled = 0;
    }
  }
}

static void run_rows(void *context, size_t thread, size_t group) {
  const stem_task *s = context;
  float *scratch = s->scratch + thread * s->cut.scratch_each;
  stem_room room = {scratch, scratch + s->cut.strip, scratch + s->cut.strip + s->cut.inputs};
  size_t first = group * s->rows, end = nsc_least(first + s->rows, s->shape->batch * s->tiles.down);
  memset(room.strip, 0, s->cut.strip * sizeof *room.strip); /* left and right of the picture */
  if (s->cut.side == NSC_TILE_MOST) {
    run_rows_of(s, &room, first, end, NSC_TILE_MOST);
  } else {
    run_rows_of(s, &room, first, end, NSC_TILE);
  }
}

size_t nsc_winograd_stem_workspace(const nsc_kernels *kernels, const nsc_winograd_stem *w, size_t threads) {
  stem_blocks cut = cut_of(kernels, w);
  return cut.zeros + threads * cut.scratch_each;
}

void nsc_winograd_stem_run(const nsc_kernels *kernels, const nsc_winograd_stem *w, const float *x, const float *packed,
                           const nsc_winograd_after *after, float *y, pthreadpool_t pool, float *workspace) {
  stem_task s = {.kernels = kernels,
                 .shape = w,
                 .after = after,
                 .tiles = tiles_of(w),
                 .cut = cut_of(kernels, w),
                 .x = x,
                 .packed = packed,
                 .zero = workspace,
                 .y = y};
  size_t threads = pthreadpool_get_threads_count(pool), rows = w->batch * s.tiles.down;
  s.scratch = workspace + s.cut.zeros;
  s.rows = threads > 1 ? nsc_divide_up(rows, threads * TASKS_A_THREAD) : rows;
  lay_planes(kernels, w, s.planes_at);
  memset(workspace, 0, s.cut.zeros * sizeof *workspace);
  pthreadpool_parallelize_1d_with_thread(pool, run_rows, &s, nsc_divide_up(rows, s.rows), 0);
}
