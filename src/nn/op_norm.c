/* Softmax, LogSoftmax, LRN, InstanceNormalization, LayerNormalization. */
#include <math.h>
#include <string.h>

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
    nsc_step *step;
    NSC_TRY(nsc_plan_add_step(plan, node, "Softmax", 1, 1, &step));
    step->inputs[0] = input;
    step->outputs[0] = node->outputs[0];
    step->setup = setup_softmax;
    NSC_TRY(nsc_plan_check(plan, node, xnn_create_softmax_nc_f32(0, &step->op)));
    return nsc_plan_check(
        plan, node, xnn_reshape_softmax_nc_f32(step->op, p.channels, p.channels, p.channels, p.outer, plan->pool));
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

/* ---- mean and variance over runs of memory: instance and layer normalisation ---- */

typedef struct moments_params {
  size_t runs, length;
  size_t scale_count; /* layer norm: scale[i] within a run; instance norm: scale[run % count] for the whole run */
  bool per_run;
  float epsilon;
  const float *scale, *shift; /* copies in the plan; shift may be NULL */
} moments_params;

typedef struct moments_task {
  const moments_params *params;
  const float *in;
  float *out;
} moments_task;

static void moments_run(void *context, size_t run) {
  const moments_task *t = context;
  const moments_params *p = t->params;
  const float *in = t->in + run * p->length;
  float *out = t->out + run * p->length;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < p->length; i++) sum += (double)in[i];
  double mean = sum / (double)p->length;
  for (size_t i = 0; i < p->length; i++) squares += ((double)in[i] - mean) * ((double)in[i] - mean);
  float inverse = (float)(1 / sqrt(squares / (double)p->length + (double)p->epsilon)), centre = (float)mean;
  for (size_t i = 0; i < p->length; i++) {
    size_t k = p->per_run ? run % p->scale_count : i;
    out[i] = (in[i] - centre) * inverse * p->scale[k] + (p->shift ? p->shift[k] : 0);
  }
}

static void run_moments(nsc_step *step, pthreadpool_t pool) {
  const moments_params *p = step->params;
  moments_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d(pool, moments_run, &task, p->runs, 0);
}

static nsc_status copy_floats(nsc_plan *plan, const nsc_node *node, uint32_t value, size_t count, const char *what,
                              const float **out) {
  const float *from;
  NSC_TRY(nsc_plan_floats(plan, node, value, what, &from));
  size_t have = 0;
  nsc_shape_count(&plan->values[value].shape, &have);
  if (have != count)
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s has %zu elements, not %zu", what, have, count);
  float *copy;
  NSC_TRY(nsc_plan_alloc(plan, count, sizeof *copy, &copy));
  memcpy(copy, from, count * sizeof *copy);
  *out = copy;
  return NSC_OK;
}

static nsc_status add_moments(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape,
                              const moments_params *given) {
  if (given->length == 0 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input is not supported");
  }
  moments_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = *given;
  NSC_TRY(copy_floats(plan, node, node->inputs[1], p->scale_count, "scale", &p->scale));
  if (nsc_node_input(node, 2) != NSC_NO_VALUE) {
    NSC_TRY(copy_floats(plan, node, node->inputs[2], p->scale_count, "B", &p->shift));
  }
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, shape, false));
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_moments, p);
}

static nsc_status lower_instance_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  if (shape.rank < 3) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input needs at least 3 dimensions");
  moments_params p = {.runs = nsc_shape_product(&shape, 0, 2),
                      .length = nsc_shape_product(&shape, 2, shape.rank),
                      .scale_count = (size_t)shape.dims[1],
                      .per_run = true,
                      .epsilon = nsc_node_float(node, "epsilon", 1e-5f)};
  return add_moments(plan, node, &shape, &p);
}

static nsc_status lower_layer_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  int64_t axis = nsc_node_int(node, "axis", -1);
  if (axis < 0) axis += shape.rank;
  if (axis < 0 || axis >= shape.rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  for (uint32_t i = 1; i < node->output_count; i++) {
    if (node->outputs[i] != NSC_NO_VALUE) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "the outputs for training are not supported");
    }
  }
  size_t length = nsc_shape_product(&shape, (uint32_t)axis, shape.rank);
  moments_params p = {.runs = nsc_shape_product(&shape, 0, (uint32_t)axis),
                      .length = length,
                      .scale_count = length,
                      .epsilon = nsc_node_float(node, "epsilon", 1e-5f)};
  return add_moments(plan, node, &shape, &p);
}

const nsc_operator nsc_norm_operators[] = {
    {"Softmax", lower_softmax},
    {"LogSoftmax", lower_softmax},
    {"LRN", lower_lrn},
    {"InstanceNormalization", lower_instance_norm},
    {"LayerNormalization", lower_layer_norm},
    {NULL, NULL},
};
