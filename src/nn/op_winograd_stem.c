#include "nn/op_winograd_stem.h"

#include "nn/footprint.h"
#include "nn/op_winograd.h"

/* ---- the choice ---- */

/*
 * Times in multiply-adds. What each result of a product costs beside them: to start and store it, and of planes a share
 * of the transforms. Measured in V8, one thread of a Zen 4, over kernels of 5 and 7 taps, 1 to 4 channels and 12 to 224
 * pixels: so counted, times are within a fifth of the truth but in layers of a hundredth of a millisecond. Natively the
 * same choices were right.
 */
static const double PLAIN = 16, PLANE = 12;

/* Whatever the race of rows chose: the choice is the same everywhere. */
enum { KERNEL_ROWS = 6 };

static double time_of(const nsc_winograd_stem *w, size_t rows, double depths, double results, double result) {
  double outer = (double)(nsc_divide_up(rows, KERNEL_ROWS) * KERNEL_ROWS * w->out_channels);
  return outer * (depths * (double)w->in_channels + results * result);
}

static bool is_faster(const nsc_winograd_stem *w) {
  size_t tiles = w->batch * nsc_divide_up(w->out_height, 4) * nsc_divide_up(w->out_width, 4);
  size_t taps = w->kernel * w->kernel, side = 4 + w->kernel / 2, points = 2 * side - 1;
  double plain = time_of(w, w->batch * w->out_height * w->out_width, (double)taps, 1, PLAIN);
  return time_of(w, tiles, (double)(points * points), (double)(side * side), PLANE) < plain;
}

bool nsc_winograd_stem_pays(const nsc_stem *stem, nsc_winograd_stem *out) {
  const nsc_window *w = stem->window;
  if (w->kernel[0] != w->kernel[1] || w->stride[0] != 2) return false;
  *out = (nsc_winograd_stem){.batch = stem->batch,
                             .height = (size_t)w->in[0],
                             .width = (size_t)w->in[1],
                             .in_channels = stem->in_channels,
                             .out_height = (size_t)w->out[0],
                             .out_width = (size_t)w->out[1],
                             .out_channels = stem->out_channels,
                             .top = (size_t)w->pad_begin[0],
                             .left = (size_t)w->pad_begin[1],
                             .kernel = (size_t)w->kernel[0]};
  return nsc_winograd_stem_can(out) && is_faster(out);
}

/* ---- the step ---- */

typedef struct params {
  nsc_kernels kernels;
  nsc_winograd_stem shape;
  nsc_winograd_after after;
  const float *packed;
  float *workspace;
} params;

static enum xnn_status setup(nsc_step *step, void *workspace) {
  ((params *)step->params)->workspace = workspace;
  return xnn_status_success;
}

static void run(nsc_step *step, pthreadpool_t pool) {
  params *p = step->params;
  nsc_winograd_stem_run(&p->kernels, &p->shape, step->in[0], p->packed, &p->after, step->out[0], pool, p->workspace);
}

static nsc_status pack(nsc_plan *plan, params *p, const float *weights) {
  float *packed;
  NSC_TRY(nsc_plan_packed(plan, nsc_winograd_stem_floats(&p->kernels, &p->shape), &packed));
  if (!plan->counts) nsc_winograd_stem_pack(&p->kernels, &p->shape, weights, packed);
  p->packed = packed;
  return NSC_OK;
}

nsc_status nsc_plan_winograd_stem(nsc_plan *plan, const nsc_node *node, const nsc_winograd_stem *shape,
                                  const nsc_stem *stem, const float *weights, const float *bias, uint32_t input,
                                  uint32_t output) {
  nsc_step *step;
  params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (params){.kernels = nsc_choose_kernels(), .shape = *shape};
  NSC_TRY(pack(plan, p, weights));
  NSC_TRY(nsc_plan_winograd_after(plan, bias, shape->out_channels, stem->min, stem->max, &p->after));
  NSC_TRY(nsc_plan_add_step(plan, node, "Winograd 4x4/2", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->params = p;
  step->setup = setup;
  step->run = run;
  double plain = (double)(shape->kernel * shape->kernel * shape->in_channels * shape->out_channels);
  nsc_plan_count(plan, step, plain * (double)(shape->batch * shape->out_height * shape->out_width),
                 nsc_winograd_stem_floats(&p->kernels, shape) * sizeof(float));
  /* Constants are folded without threads, which need no more. */
  step->workspace = nsc_winograd_stem_workspace(&p->kernels, shape, plan->threads) * sizeof(float) + NSC_PLAN_ALIGN;
  return NSC_OK;
}
