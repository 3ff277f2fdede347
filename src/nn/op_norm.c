/* Softmax, LogSoftmax, LRN, LpNormalization. */
#include <math.h>
#include <string.h>

#include "nn/op_parts.h"
#include "nn/operators.h"

/* ---- softmax ---- */

NSC_SETUP_1(setup_softmax, xnn_setup_softmax_nc_f32)

typedef struct softmax_params {
  size_t outer, channels, inner;
  bool log;
} softmax_params;

/* Along the middle of [outer][channels][inner]. */
static void run_softmax(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const softmax_params *p = step->params;
  for (size_t o = 0; o < p->outer; o++) {
    for (size_t i = 0; i < p->inner; i++) {
      const float *in = (const float *)step->in[0] + o * p->channels * p->inner + i;
      float *out = (float *)step->out[0] + o * p->channels * p->inner + i;
      float max = -INFINITY;
      double sum = 0;
      for (size_t c = 0; c < p->channels; c++) max = fmaxf(max, in[c * p->inner]);
      for (size_t c = 0; c < p->channels; c++) sum += exp((double)(in[c * p->inner] - max));
      for (size_t c = 0; c < p->channels; c++) {
        double shifted = (double)(in[c * p->inner] - max);
        out[c * p->inner] = (float)(p->log ? shifted - log(sum) : exp(shifted) / sum);
      }
    }
  }
}

nsc_status nsc_plan_add_softmax(nsc_plan *plan, const nsc_node *node, uint32_t input, uint32_t output, size_t rows,
                                size_t channels) {
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Softmax", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_softmax;
  NSC_TRY(nsc_plan_check(plan, node, xnn_create_softmax_nc_f32(0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_softmax_nc_f32(step->op, channels, channels, channels, rows, plan->pool));
}

static nsc_status lower_softmax(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  bool flatten = plan->model->opset < 13; /* before opset 13 everything from axis on is one vector */
  int64_t axis = nsc_node_int(node, "axis", flatten ? 1 : -1);
  if (axis < 0) axis += shape.rank;
  if (shape.rank == 0 || axis < 0 || axis >= shape.rank || v->type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "axis or type is not supported");
  }
  bool over_channels = !flatten && v->channels_last && axis == 1;
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], over_channels, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, over_channels));
  nsc_shape physical = nsc_value_physical(nsc_plan_value(plan, input));
  uint32_t at = over_channels ? shape.rank - 1 : (uint32_t)axis;
  softmax_params p = {.log = node->op[0] == 'L'};
  p.outer = nsc_shape_product(&physical, 0, at);
  p.channels = flatten ? nsc_shape_product(&physical, at, shape.rank) : (size_t)physical.dims[at];
  p.inner = flatten ? 1 : nsc_shape_product(&physical, at + 1, shape.rank);
  if (p.inner == 1 && !p.log && p.channels && p.outer) {
    return nsc_plan_add_softmax(plan, node, input, node->outputs[0], p.outer, p.channels);
  }
  softmax_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = p;
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_softmax, params);
}

/* ---- local response normalisation across channels (Krizhevsky et al. 2012) ---- */

typedef struct lrn_params {
  size_t pixels, channels;
  int64_t size;
  float alpha, beta, bias;
} lrn_params;

typedef struct lrn_task {
  const lrn_params *params;
  const float *in;
  float *out;
} lrn_task;

static void lrn_pixel(void *context, size_t pixel) {
  const lrn_task *t = context;
  const lrn_params *p = t->params;
  const float *in = t->in + pixel * p->channels;
  float *out = t->out + pixel * p->channels;
  int64_t below = (p->size - 1) / 2, above = p->size - 1 - below, channels = (int64_t)p->channels;
  for (int64_t c = 0; c < channels; c++) {
    int64_t from = c - below < 0 ? 0 : c - below, to = c + above >= channels ? channels - 1 : c + above;
    float sum = 0;
    for (int64_t k = from; k <= to; k++) sum += in[k] * in[k];
    out[c] = in[c] / powf(p->bias + p->alpha / (float)p->size * sum, p->beta);
  }
}

static void run_lrn(nsc_step *step, pthreadpool_t pool) {
  const lrn_params *p = step->params;
  lrn_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d(pool, lrn_pixel, &task, p->pixels, 0);
}

static nsc_status lower_lrn(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  int64_t size = nsc_node_int(node, "size", 0);
  if (shape.rank < 3 || size < 1 || size > 65536 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its size or its input is not supported");
  }
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, true));
  lrn_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (lrn_params){(size_t)shape.dims[0] * nsc_shape_product(&shape, 2, shape.rank),
                    (size_t)shape.dims[1],
                    size,
                    nsc_node_float(node, "alpha", 1e-4f),
                    nsc_node_float(node, "beta", 0.75f),
                    nsc_node_float(node, "bias", 1)};
  return nsc_plan_add_loop(plan, node, "LRN", input, node->outputs[0], run_lrn, p);
}

/* ---- LpNormalization: each line by its length ---- */

typedef struct length_params {
  size_t outer, count, inner;
  int64_t p;
} length_params;

static void run_length(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const length_params *p = step->params;
  for (size_t line = 0; line < p->outer * p->inner; line++) {
    size_t base = line / p->inner * p->count * p->inner + line % p->inner;
    const float *in = (const float *)step->in[0] + base;
    float *out = (float *)step->out[0] + base;
    double sum = 0;
    for (size_t c = 0; c < p->count; c++) {
      double x = (double)in[c * p->inner];
      sum += p->p == 1 ? fabs(x) : x * x;
    }
    double length = p->p == 1 ? sum : sqrt(sum);
    for (size_t c = 0; c < p->count; c++) {
      out[c * p->inner] = length > 0 ? (float)((double)in[c * p->inner] / length) : 0.0f;
    }
  }
}

static nsc_status lower_length(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape;
  int64_t axis = nsc_node_int(node, "axis", -1), order = nsc_node_int(node, "p", 2);
  if (axis < 0) axis += shape.rank;
  if (axis < 0 || axis >= shape.rank || (order != 1 && order != 2) || plan->values[input].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "axis, p or type is not supported");
  }
  length_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (length_params){nsc_shape_product(&shape, 0, (uint32_t)axis), (size_t)shape.dims[axis],
                       nsc_shape_product(&shape, (uint32_t)axis + 1, shape.rank), order};
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, false));
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_length, p);
}

const nsc_operator nsc_norm_operators[] = {
    {"Softmax", lower_softmax},
    {"LogSoftmax", lower_softmax},
    {"LRN", lower_lrn},
    {"LpNormalization", lower_length},
    {NULL, NULL},
};
