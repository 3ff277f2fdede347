#include "nn/op_winograd.h"

#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/winograd_cut.h"

/* ---- the shape ---- */

bool nsc_winograd_of(const nsc_conv_geometry *g, size_t batch, nsc_winograd *out) {
  const nsc_window *w = &g->window;
  *out = (nsc_winograd){.batch = batch,
                        .height = (size_t)w->in[0],
                        .width = (size_t)w->in[1],
                        .in_channels = g->group_in,
                        .out_height = (size_t)w->out[0],
                        .out_width = (size_t)w->out[1],
                        .out_channels = g->group_out,
                        .top = (size_t)w->pad_begin[0],
                        .left = (size_t)w->pad_begin[1],
                        .stride = (size_t)w->stride[0]};
  for (int i = 0; i < 2; i++) {
    if (w->kernel[i] != 3 || w->dilation[i] != 1 || w->pad_begin[i] > 2 || w->pad_end[i] > 2) return false;
  }
  return w->stride[0] == w->stride[1] && w->stride[0] <= 2 && g->groups == 1;
}

/* ---- the choice ---- */

/*
 * Times in multiply-adds of a kernel in full flight. Weights are read once a run from memory and not from a cache, and
 * that time comes on top. Measured in Chromium, one thread of a Xeon with 31 multiply-adds and 12 bytes a nanosecond:
 * so counted, the layers of ResNet-18 are within 10 % of the truth. Natively a kernel does three times as much in the
 * time of a byte, and beside it the loops of winograd_taps.c, compiled for any processor, are not tried.
 */
#ifdef __wasm__
static const double BYTE = 2.5;
static const bool TAPS = true;
#else
static const double BYTE = 8;
static const bool TAPS = false;
#endif
/* Of each number that a transform reads or writes; of each of weights that are transformed in every run (a Zen 4). */
static const double TRANSFORM = 15, TAPS_TRANSFORM = 4.5;

/* Whatever the race of rows chose: the choice of tiles is the same everywhere. */
enum {
  KERNEL_ROWS = 6,
  LEAST_TAPS = 32 * 32 /* numbers of channels, multiplied; below, packed transforms stay near */
};

/* The products of `planes` with `rows` rows each. */
static double products_time(const nsc_winograd *w, size_t rows, size_t planes) {
  double weights = (double)planes * (double)w->in_channels * (double)w->out_channels;
  double outer = (double)(nsc_divide_up(rows, KERNEL_ROWS) * KERNEL_ROWS);
  return weights * (outer + BYTE * (double)sizeof(float));
}

/* Of x and y to and from so many rows in all. */
static double transforms_time(const nsc_winograd *w, size_t rows) {
  return (double)rows * (double)(w->in_channels + w->out_channels) * TRANSFORM;
}

static double tiles_time(const nsc_winograd *w, size_t m) {
  size_t tiles = w->batch * nsc_divide_up(w->out_height, m) * nsc_divide_up(w->out_width, m);
  size_t planes = (m + 2) * (m + 2);
  return products_time(w, tiles, planes) + transforms_time(w, tiles * planes);
}

static double taps_time(const nsc_winograd *w) {
  nsc_cut cut = nsc_cut_of(w);
  size_t rows = nsc_cut_rows(&cut);
  double products = (double)rows + TAPS_TRANSFORM * (double)cut.planes;
  double weights = (double)w->in_channels * (double)w->out_channels;
  return weights * (products + 9 * BYTE * (double)sizeof(float)) + transforms_time(w, rows);
}

/* Tries tiles of `m`; `best` is the time that it takes without them. */
static void try_tiles(nsc_winograd *w, size_t m, bool taps, double *best) {
  nsc_winograd tried = *w;
  tried.tile = m;
  tried.taps = taps;
  double time = taps ? taps_time(&tried) : tiles_time(&tried, m);
  if (time >= *best) return;
  *best = time;
  *w = tried;
}

bool nsc_winograd_choose(nsc_winograd *w) {
  double best = products_time(w, w->batch * w->out_height * w->out_width, 9);
  bool taps = TAPS && w->in_channels * w->out_channels >= LEAST_TAPS;
  w->tile = 0;
  w->taps = false;
  if (w->stride == 1) try_tiles(w, 4, false, &best);
  if (w->stride == 1) try_tiles(w, 2, false, &best);
  if (taps) try_tiles(w, 4, true, &best);
  if (taps && w->stride == 1) try_tiles(w, 6, true, &best);
  return w->tile > 0;
}

/* ---- the step ---- */

typedef struct params {
  nsc_kernels kernels;
  nsc_winograd shape;
  nsc_winograd_after after;
  const float *packed; /* or taps */
  float *workspace;
} params;

static enum xnn_status setup(nsc_step *step, void *workspace) {
  ((params *)step->params)->workspace = workspace;
  return xnn_status_success;
}

static void run(nsc_step *step, pthreadpool_t pool) {
  params *p = step->params;
  if (step->input_count > 1) p->after.add = step->in[1];
  if (p->shape.taps) {
    nsc_winograd_run_taps(&p->kernels, &p->shape, step->in[0], p->packed, &p->after, step->out[0], pool, p->workspace);
  } else {
    nsc_winograd_run(&p->kernels, &p->shape, step->in[0], p->packed, &p->after, step->out[0], pool, p->workspace);
  }
}

static size_t weight_floats(const params *p) {
  const nsc_winograd *w = &p->shape;
  return w->taps ? nsc_winograd_taps_floats(w->in_channels, w->out_channels)
                 : nsc_winograd_weight_floats(&p->kernels, w->tile, w->in_channels, w->out_channels);
}

static size_t workspace_floats(const params *p, size_t threads) {
  return p->shape.taps ? nsc_winograd_taps_workspace(&p->shape, threads)
                       : nsc_winograd_workspace(&p->kernels, &p->shape, threads);
}

/* [out][in][3][3] to [in][3][3][out], times a scale per output. */
static nsc_status turn(nsc_plan *plan, const nsc_node *node, const float *weights, const float *scale, size_t in,
                       size_t out, float **turned) {
  size_t rows = in * 9;
  const size_t shape[2] = {out, rows}, order[2] = {1, 0};
  NSC_TRY(nsc_plan_room(plan, rows * out, sizeof **turned, turned));
  NSC_TRY(nsc_plan_check(plan, node, xnn_run_transpose_nd_x32(weights, *turned, 2, shape, order, 0, plan->pool)));
  for (size_t r = 0; r < rows && scale; r++) {
    for (size_t o = 0; o < out; o++) (*turned)[r * out + o] *= scale[o];
  }
  return NSC_OK;
}

static nsc_status pack(nsc_plan *plan, const nsc_node *node, params *p, const float *weights, const float *scale) {
  size_t in = p->shape.in_channels, out = p->shape.out_channels, offsets[9];
  float *turned, *packed;
  NSC_TRY(nsc_plan_packed(plan, weight_floats(p), &packed));
  p->packed = packed;
  if (p->shape.taps) {
    if (packed) nsc_winograd_pack_taps(in, out, weights, scale, packed, plan->pool);
    return NSC_OK;
  }
  if (plan->counts) {
    nsc_plan_pass(plan, (uint64_t)9 * in * out * sizeof(float));
    return NSC_OK;
  }
  NSC_TRY(turn(plan, node, weights, scale, in, out, &turned));
  for (size_t t = 0; t < 9; t++) offsets[t] = t * out;
  const nsc_right right = {.weights = turned,
                           .taps = 9,
                           .channels = in,
                           .columns = out,
                           .tap_offsets = offsets,
                           .channel_stride = 9 * out,
                           .column_stride = 1};
  nsc_winograd_pack(&p->kernels, p->shape.tile, &right, packed, plan->pool);
  return NSC_OK;
}

nsc_status nsc_plan_winograd_after(nsc_plan *plan, const float *bias, size_t channels, float min, float max,
                                   nsc_winograd_after *out) {
  float *copy;
  *out = (nsc_winograd_after){.clamps = min > -INFINITY || max < INFINITY, .min = min, .max = max};
  if (!bias) return NSC_OK;
  NSC_TRY(nsc_plan_alloc(plan, channels, sizeof *copy, &copy));
  memcpy(copy, bias, channels * sizeof *copy);
  out->bias = copy;
  return NSC_OK;
}

nsc_status nsc_plan_winograd(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_winograd *shape,
                             const float *weights, const float *scale, const float *bias, float min, float max,
                             uint32_t input, uint32_t add, uint32_t output) {
  nsc_step *step;
  params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (params){.kernels = nsc_choose_kernels(), .shape = *shape};
  NSC_TRY(pack(plan, node, p, weights, scale));
  NSC_TRY(nsc_plan_winograd_after(plan, bias, shape->out_channels, min, max, &p->after));
  NSC_TRY(nsc_plan_add_step(plan, node, kind, add == NSC_NO_VALUE ? 1 : 2, 1, &step));
  step->inputs[0] = input;
  if (add != NSC_NO_VALUE) step->inputs[1] = add;
  step->outputs[0] = output;
  step->params = p;
  step->setup = setup;
  step->run = run;
  double weights_plain = 9 * (double)(shape->in_channels * shape->out_channels);
  nsc_plan_count(plan, step, weights_plain * (double)(shape->batch * shape->out_height * shape->out_width),
                 weight_floats(p) * sizeof(float));
  /* Constants are folded without threads, which need no more. */
  step->workspace = workspace_floats(p, plan->threads) * sizeof(float) + NSC_PLAN_ALIGN;
  return NSC_OK;
}
