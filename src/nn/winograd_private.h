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
