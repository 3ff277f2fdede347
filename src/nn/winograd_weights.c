/* Weights' transforms: planes of panels as nsc_product has them, with a first row of zeros. */
#include <string.h>

#include "nn/winograd_private.h"

size_t nsc_winograd_plane_floats(const nsc_kernels *k, size_t in, size_t out) {
  return nsc_divide_up(out, k->columns) * (1 + in) * k->columns + NSC_PLANE_PAD;
}

size_t nsc_winograd_weight_floats(const nsc_kernels *kernels, size_t tile, size_t in, size_t out) {
  return nsc_planes_of(tile) * nsc_winograd_plane_floats(kernels, in, out);
}

/* A task is some channels of a panel: a few columns of many channels are few panels. */
enum { CHANNELS_A_TASK = 64 };

typedef struct pack_task {
  const nsc_kernels *kernels;
  nsc_right right; /* column_stride 1 */
  float *packed;
  size_t plane, planes;
} pack_task;

/* Weights from input channel `k` to four outputs from `column`. */
NSC_FOR_EACH_TILE void transform_taps(const nsc_right *r, size_t k, size_t column, float *to, size_t plane, size_t m) {
  nsc_lanes t[NSC_TILE][NSC_TILE];
  for (size_t x = 0; x < NSC_TAPS; x++) {
    nsc_lanes d[NSC_TILE];
    for (size_t y = 0; y < NSC_TAPS; y++) {
      d[y] = nsc_load_lanes(r->weights + r->tap_offsets[y * NSC_TAPS + x] + k * r->channel_stride + column);
    }
    nsc_tile_taps3(d, m);
    for (size_t y = 0; y < m + 2; y++) t[y][x] = d[y];
  }
  for (size_t y = 0; y < m + 2; y++) {
    nsc_tile_taps3(t[y], m);
    for (size_t x = 0; x < m + 2; x++) nsc_store_lanes(to + (y * (m + 2) + x) * plane, t[y][x]);
  }
}

/* In each plane `count` zeros. */
static void clear(const pack_task *p, float *to, size_t count) {
  for (size_t plane = 0; plane < p->planes; plane++) memset(to + plane * p->plane, 0, count * sizeof *to);
}

static void pack_channels(void *context, size_t panel, size_t group) {
  const pack_task *p = context;
  size_t width = p->kernels->columns, first = panel * width, count = nsc_least(width, p->right.columns - first);
  size_t from = group * CHANNELS_A_TASK, end = nsc_least(from + CHANNELS_A_TASK, p->right.channels);
  float *to = p->packed + (panel * (1 + p->right.channels) + from) * width;
  if (from == 0) clear(p, to, width);
  to += width;
  for (size_t k = from; k < end; k++, to += width) {
    for (size_t n = 0; n < count; n += NSC_LANES) {
      if (p->planes == NSC_PLANES) {
        transform_taps(&p->right, k, first + n, to + n, p->plane, 4);
      } else {
        transform_taps(&p->right, k, first + n, to + n, p->plane, 2);
      }
    }
    if (count < width) clear(p, to + count, width - count);
  }
}

void nsc_winograd_pack(const nsc_kernels *kernels, size_t tile, const nsc_right *right, float *packed,
                       pthreadpool_t pool) {
  size_t plane = nsc_winograd_plane_floats(kernels, right->channels, right->columns);
  pack_task task = {kernels, *right, packed, plane, nsc_planes_of(tile)};
  pthreadpool_parallelize_2d(pool, pack_channels, &task, nsc_divide_up(right->columns, kernels->columns),
                             nsc_divide_up(right->channels, CHANNELS_A_TASK), 0);
}
