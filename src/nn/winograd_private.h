/* What the passes of winograd.h share: where tiles lie, and the transform of a tile of inputs. */
#ifndef NSC_NN_WINOGRAD_PRIVATE_H
#define NSC_NN_WINOGRAD_PRIVATE_H

#include "nn/winograd.h"
#include "nn/winograd_tile.h"

enum { NSC_PLANE_PAD = 16 /* floats that keep planes from falling on the same lines of a cache */ };

/* Of `tile` outputs a side. */
static inline size_t nsc_planes_of(size_t tile) {
  return (tile + NSC_TAPS - 1) * (tile + NSC_TAPS - 1);
}

typedef struct nsc_tiles {
  size_t side;                /* outputs of one */
  size_t across, down, count; /* of a picture, of a picture, of the batch */
} nsc_tiles;

static inline nsc_tiles nsc_tiles_of(const nsc_winograd *w) {
  size_t across = (w->out_width + w->tile - 1) / w->tile;
  size_t down = (w->out_height + w->tile - 1) / w->tile;
  return (nsc_tiles){w->tile, across, down, w->batch * across * down};
}

/* Where tile `tile` begins: picture, and row and column of y. */
static inline void nsc_tile_at(const nsc_tiles *t, size_t tile, size_t *n, size_t *y, size_t *x) {
  *n = tile / (t->across * t->down);
  *y = tile / t->across % t->down * t->side;
  *x = tile % t->across * t->side;
}

/* Where results of a tile's transform go: channel c of plane p to at[p * plane + c / panel_width * panel + c %
 * panel_width]. */
typedef struct nsc_planes {
  float *at;
  size_t plane, panel, panel_width;
} nsc_planes;

/* Transforms the pixels of `x` under a tile, zeros outside of the picture. `zero`: [in_channels] of them. */
void nsc_winograd_input(const nsc_winograd *w, const nsc_tiles *tiles, const float *x, size_t tile, const float *zero,
                        const nsc_planes *to);

/* Stores retire one after the other, and each that misses the nearest cache holds up those behind it; loads do not.
   So lines that are about to be written are read first, all of them at once. */
enum { NSC_LINE = 64 / sizeof(float) };

static inline void nsc_fetch_lines(const float *at, size_t stride, size_t count) {
  for (size_t i = 0; i < count; i++) (void)*(const volatile float *)(at + i * stride);
}

/* ---- output tiles ---- */

/* Four channels of a tile's results: where they go, and what is done with them before. */
typedef struct nsc_corner {
  size_t at;            /* floats into y */
  size_t pixel, line;   /* floats from one to the next */
  size_t rows, columns; /* of the tile that lie in the picture */
} nsc_corner;

/* Of tile `tile` of a y of [height][width][channels], at its first channel. */
static inline nsc_corner nsc_corner_of(const nsc_tiles *t, size_t tile, size_t height, size_t width, size_t channels) {
  size_t n, y, x;
  nsc_tile_at(t, tile, &n, &y, &x);
  return (nsc_corner){.at = ((n * height + y) * width + x) * channels,
                      .pixel = channels,
                      .line = width * channels,
                      .rows = nsc_least(t->side, height - y),
                      .columns = nsc_least(t->side, width - x)};
}

static inline nsc_lanes nsc_winograd_finish(const nsc_winograd_after *after, nsc_lanes v, nsc_lanes bias, size_t at) {
  v += bias;
  if (after->add) v += nsc_load_lanes(after->add + at);
  return after->clamps ? nsc_clamp_lanes(v, after->min, after->max) : v;
}

/* `from`: the tile's products, side x side of them, `plane` floats apart. */
NSC_FOR_EACH_TILE void nsc_winograd_output(const nsc_winograd_after *after, const float *from, size_t plane,
                                           nsc_lanes bias, float *y, const nsc_corner *c, size_t m, size_t side) {
  nsc_lanes t[NSC_TILE_OUT][NSC_TILE_MOST];
  for (size_t j = 0; j < side; j++) {
    nsc_lanes d[NSC_TILE_MOST];
    for (size_t i = 0; i < side; i++) d[i] = nsc_load_lanes(from + (i * side + j) * plane);
    nsc_tile_output(d, m, side);
    for (size_t i = 0; i < m; i++) t[i][j] = d[i];
  }
  for (size_t i = 0; i < c->rows; i++) {
    nsc_tile_output(t[i], m, side);
    for (size_t j = 0; j < c->columns; j++) {
      size_t at = c->at + i * c->line + j * c->pixel;
      nsc_store_lanes(y + at, nsc_winograd_finish(after, t[i][j], bias, at));
    }
  }
}

/* Of one plane of weights' transforms. */
size_t nsc_winograd_plane_floats(const nsc_kernels *kernels, size_t in, size_t out);

enum { NSC_BLOCK_COLUMNS = 64 /* of a block of tiles: their products stay in a near cache */ };

/* Some of the columns of y, for which alone weights stand in `packed`. */
typedef struct nsc_winograd_columns {
  size_t first, count; /* `first` is a multiple of the kernels' columns */
  const float *kept;   /* transforms of x by nsc_winograd_keep, or NULL: each task makes its own */
} nsc_winograd_columns;

size_t nsc_winograd_columns_workspace(const nsc_kernels *kernels, const nsc_winograd *shape, size_t columns, bool keeps,
                                      size_t threads);
void nsc_winograd_run_columns(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x,
                              const float *packed, const nsc_winograd_columns *columns, const nsc_winograd_after *after,
                              float *y, pthreadpool_t pool, float *workspace);

/* The transforms of all tiles of x. `workspace` is that of nsc_winograd_run_columns. */
size_t nsc_winograd_kept_floats(const nsc_kernels *kernels, const nsc_winograd *shape);
void nsc_winograd_keep(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x, float *kept,
                       pthreadpool_t pool, float *workspace);

#endif
