#include "nn/op_winograd.h"

#include <math.h>
#include <string.h>

typedef struct params {
  nsc_kernels kernels;
  nsc_winograd shape;
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
  if (step->input_count > 1) p->after.add = step->in[1];
  nsc_winograd_run(&p->kernels, &p->shape, step->in[0], p->packed, &p->after, step->out[0], pool, p->workspace);
}

/* Memory of the plan at a multiple of 64 bytes, which some kernels want. */
static nsc_status aligned(nsc_plan *plan, size_t floats, float **out) {
  uint8_t *memory;
  NSC_TRY(nsc_plan_alloc(plan, floats * sizeof **out + NSC_PLAN_ALIGN, 1, &memory));
  *out = (float *)(((uintptr_t)memory + NSC_PLAN_ALIGN - 1) & ~(uintptr_t)(NSC_PLAN_ALIGN - 1));
  return NSC_OK;
}

static nsc_status pack(nsc_plan *plan, params *p, const float *weights) {
  size_t in = p->shape.in_channels, out = p->shape.out_channels, offsets[9];
  for (size_t t = 0; t < 9; t++) offsets[t] = t * in;
  const nsc_right right = {.weights = weights,
                           .taps = 9,
                           .channels = in,
                           .columns = out,
                           .tap_offsets = offsets,
                           .channel_stride = 1,
                           .column_stride = 9 * in};
  size_t floats = nsc_winograd_weight_floats(&p->kernels, in, out);
  float *packed;
  NSC_TRY(aligned(plan, floats, &packed));
  nsc_room room = {0};
  nsc_status status = nsc_winograd_pack(&p->kernels, &right, packed, plan->pool, &room, plan->err);
  nsc_room_drop(&room);
  p->packed = packed;
  plan->packed_bytes += floats * sizeof *packed;
  return status;
}

static nsc_status copy_bias(nsc_plan *plan, params *p, const float *bias) {
  float *copy;
  if (!bias) return NSC_OK;
  NSC_TRY(nsc_plan_alloc(plan, p->shape.out_channels, sizeof *copy, &copy));
  memcpy(copy, bias, p->shape.out_channels * sizeof *copy);
  p->after.bias = copy;
  return NSC_OK;
}

nsc_status nsc_plan_winograd(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_winograd *shape,
                             const float *weights, const float *bias, float min, float max, uint32_t input,
                             uint32_t add, uint32_t output) {
  nsc_step *step;
  params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (params){.kernels = nsc_choose_kernels(), .shape = *shape};
  p->after = (nsc_winograd_after){.clamps = min > -INFINITY || max < INFINITY, .min = min, .max = max};
  NSC_TRY(pack(plan, p, weights));
  NSC_TRY(copy_bias(plan, p, bias));
  NSC_TRY(nsc_plan_add_step(plan, node, kind, add == NSC_NO_VALUE ? 1 : 2, 1, &step));
  step->inputs[0] = input;
  if (add != NSC_NO_VALUE) step->inputs[1] = add;
  step->outputs[0] = output;
  step->params = p;
  step->setup = setup;
  step->run = run;
  /* Constants are folded without threads, which need no more. */
  step->workspace =
      nsc_winograd_workspace(&p->kernels, shape, pthreadpool_get_threads_count(plan->pool)) * sizeof(float) +
      NSC_PLAN_ALIGN;
  return NSC_OK;
}
