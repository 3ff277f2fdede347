/*
 * Convolutions with weights that are new each time, as in training. Transforms of 512 times 512 channels take 38 MB: as
 * much as all weights of a ResNet-18, and more than caches hold. So columns go in blocks whose transforms do, over
 * transforms of x that are made once. Where the latter would be large, columns stay together: activations of such a
 * layer are larger still, and weights weigh little beside so many tiles.
 */
#include "base/error.h"
#include "nn/winograd_private.h"

enum { WEIGHT_BYTES = 6 << 20, KEPT_BYTES = 16 << 20, PAD = 16 /* floats of a line of a cache */ };

/* Parts of the room, in this order. */
typedef struct filter_room {
  size_t columns; /* at a time */
  bool keeps;
  size_t workspace, kept, turned, packed; /* floats */
} filter_room;

static size_t lines(size_t floats) {
  return nsc_divide_up(floats + NSC_PRODUCT_SLACK, PAD) * PAD;
}

static size_t columns_at_once(const nsc_kernels *k, const nsc_winograd *w) {
  size_t step = nsc_divide_up(NSC_BLOCK_COLUMNS, k->columns) * k->columns;
  size_t all = nsc_winograd_weight_floats(k, w->tile, w->in_channels, w->out_channels) * sizeof(float);
  size_t some = nsc_winograd_weight_floats(k, w->tile, w->in_channels, step) * sizeof(float);
  if (all <= WEIGHT_BYTES || nsc_winograd_kept_floats(k, w) * sizeof(float) > KEPT_BYTES) return w->out_channels;
  size_t blocks = some < WEIGHT_BYTES ? WEIGHT_BYTES / some : 1;
  return nsc_least(blocks * step, w->out_channels);
}

static filter_room room_of(const nsc_kernels *k, const nsc_winograd *w, const nsc_right *right, size_t threads) {
  filter_room r = {.columns = columns_at_once(k, w)};
  r.keeps = r.columns < w->out_channels;
  r.workspace = lines(nsc_winograd_columns_workspace(k, w, r.columns, r.keeps, threads));
  if (r.keeps) r.kept = lines(nsc_winograd_kept_floats(k, w));
  if (right->column_stride != 1) r.turned = lines(r.columns * right->column_stride);
  r.packed = lines(nsc_winograd_weight_floats(k, w->tile, w->in_channels, r.columns));
  return r;
}

size_t nsc_winograd_filter_room(const nsc_kernels *kernels, const nsc_winograd *shape, const nsc_right *right,
                                size_t threads) {
  filter_room r = room_of(kernels, shape, right, threads);
  return r.workspace + r.kept + r.turned + r.packed;
}

/* Columns that do not stand side by side, four of which would be one load: a copy in which they do. */
static nsc_status turn_weights(nsc_right *r, size_t offsets[9], float *turned, pthreadpool_t pool, nsc_error *err) {
  size_t rows = r->columns, columns = r->column_stride;
  const size_t shape[2] = {rows, columns}, order[2] = {1, 0};
  enum xnn_status status = xnn_run_transpose_nd_x32(r->weights, turned, 2, shape, order, 0, pool);
  if (status != xnn_status_success) {
    return nsc_fail(err, NSC_ERROR_INTERNAL, "XNNPACK refuses a transposition (status %d)", (int)status);
  }
  for (size_t t = 0; t < 9; t++) offsets[t] = r->tap_offsets[t] * rows;
  r->weights = turned;
  r->tap_offsets = offsets;
  r->channel_stride = rows;
  r->column_stride = 1;
  return NSC_OK;
}

nsc_status nsc_winograd_filter(const nsc_kernels *kernels, const nsc_winograd *shape, const float *x,
                               const nsc_right *right, const nsc_winograd_after *after, float *y, pthreadpool_t pool,
                               nsc_room *room, nsc_error *err) {
  filter_room r = room_of(kernels, shape, right, pthreadpool_get_threads_count(pool));
  NSC_TRY(nsc_room_take(room, r.workspace + r.kept + r.turned + r.packed, err));
  float *workspace = room->floats, *kept = workspace + r.workspace, *turned = kept + r.kept,
        *packed = turned + r.turned;
  if (r.keeps) nsc_winograd_keep(kernels, shape, x, kept, pool, workspace);
  for (size_t first = 0; first < right->columns; first += r.columns) {
    nsc_winograd_columns some = {first, nsc_least(r.columns, right->columns - first), r.keeps ? kept : NULL};
    size_t offsets[9];
    nsc_right part = *right;
    part.weights += first * right->column_stride;
    part.columns = some.count;
    if (part.column_stride != 1) NSC_TRY(turn_weights(&part, offsets, turned, pool, err));
    nsc_winograd_pack(kernels, shape->tile, &part, packed, pool);
    nsc_winograd_run_columns(kernels, shape, x, packed, &some, after, y, pool, workspace);
  }
  return NSC_OK;
}
