#include "nn/op_depthwise.h"

#include "nn/footprint.h"

typedef struct params {
  nsc_depthwise shape;
  const float *packed, *zero;
} params;

static void run(nsc_step *step, pthreadpool_t pool) {
  const params *p = step->params;
  nsc_depthwise_run(&p->shape, step->in[0], p->packed, p->zero, step->out[0], pool);
}

nsc_status nsc_plan_depthwise(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_depthwise *shape,
                              const float *weights, const float *bias, uint32_t input, uint32_t output) {
  nsc_step *step;
  params *p;
  float *packed, *zero;
  size_t floats = nsc_depthwise_weight_floats(shape);
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(nsc_plan_packed(plan, floats, &packed));
  NSC_TRY(nsc_plan_alloc(plan, shape->channels, sizeof *zero, &zero));
  if (!plan->counts) nsc_depthwise_pack(shape, weights, bias, packed);
  *p = (params){*shape, packed, zero};
  NSC_TRY(nsc_plan_add_step(plan, node, kind, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->params = p;
  step->run = run;
  double pixels = (double)(shape->batch * shape->out_height * shape->out_width);
  nsc_plan_count(plan, step, pixels * (double)(shape->kernel * shape->kernel * shape->channels),
                 floats * sizeof *packed);
  return NSC_OK;
}
