/*
 * Normalisation by mean and variance over runs of memory: InstanceNormalization (Ulyanov et al. 2016),
 * GroupNormalization (Wu and He 2018), LayerNormalization (Ba et al. 2016), and RMSNormalization (Zhang and Sennrich
 * 2019), which leaves the mean where it is.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"

/*
 * Runs of `length` elements. Element i of run r is scaled by scale[(r % scale_runs) * scale_row + i / scale_span]:
 * one number an element, a channel or a run, as the operator has it.
 */
typedef struct moments_params {
  size_t runs, length, scale_runs, scale_row, scale_span;
  bool centred; /* the mean is taken away; not in RMSNormalization */
  float epsilon;
  const float *scale, *shift; /* copies in the plan; shift may be NULL */
} moments_params;

typedef struct moments_task {
  const moments_params *params;
  const float *in;
  float *out, *mean, *inverse; /* mean and inverse deviation of each run, or NULL */
} moments_task;

/* Lanes that the compiler keeps in vectors, added up in double every BLOCK elements: fast, and exact enough for runs of
   any length. */
enum { LANES = 16, BLOCK = 1024 };

static double sum_of(const float *in, size_t count) {
  double total = 0;
  for (size_t from = 0; from < count; from += BLOCK) {
    size_t n = count - from < BLOCK ? count - from : BLOCK, i = 0;
    float lanes[LANES] = {0};
    for (; i + LANES <= n; i += LANES) {
      for (size_t k = 0; k < LANES; k++) lanes[k] += in[from + i + k];
    }
    for (; i < n; i++) lanes[i % LANES] += in[from + i];
    for (size_t k = 0; k < LANES; k++) total += (double)lanes[k];
  }
  return total;
}

static double squares_of(const float *in, size_t count, float centre) {
  double total = 0;
  for (size_t from = 0; from < count; from += BLOCK) {
    size_t n = count - from < BLOCK ? count - from : BLOCK, i = 0;
    float lanes[LANES] = {0};
    for (; i + LANES <= n; i += LANES) {
      for (size_t k = 0; k < LANES; k++) {
        float d = in[from + i + k] - centre;
        lanes[k] += d * d;
      }
    }
    for (; i < n; i++) lanes[i % LANES] += (in[from + i] - centre) * (in[from + i] - centre);
    for (size_t k = 0; k < LANES; k++) total += (double)lanes[k];
  }
  return total;
}

/* Scales of one number an element; with other spans, `count` elements share theirs. */
static void scale_each(float *out, const float *in, size_t count, float centre, float inverse, const float *scale,
                       const float *shift) {
  if (shift) {
    for (size_t i = 0; i < count; i++) out[i] = (in[i] - centre) * inverse * scale[i] + shift[i];
  } else {
    for (size_t i = 0; i < count; i++) out[i] = (in[i] - centre) * inverse * scale[i];
  }
}

static void scale_all(float *out, const float *in, size_t count, float centre, float factor, float shift) {
  for (size_t i = 0; i < count; i++) out[i] = (in[i] - centre) * factor + shift;
}

static void moments_run(void *context, size_t run) {
  const moments_task *t = context;
  const moments_params *p = t->params;
  const float *in = t->in + run * p->length;
  float *out = t->out + run * p->length;
  float centre = p->centred ? (float)(sum_of(in, p->length) / (double)p->length) : 0.0f;
  double variance = squares_of(in, p->length, centre) / (double)p->length;
  float inverse = (float)(1 / sqrt(variance + (double)p->epsilon));
  if (t->mean) t->mean[run] = centre;
  if (t->inverse) t->inverse[run] = inverse;
  size_t row = run % p->scale_runs * p->scale_row;
  const float *scale = p->scale + row, *shift = p->shift ? p->shift + row : NULL;
  if (p->scale_span == 1) {
    scale_each(out, in, p->length, centre, inverse, scale, shift);
    return;
  }
  for (size_t i = 0, c = 0; i < p->length; i += p->scale_span, c++) {
    scale_all(out + i, in + i, p->scale_span, centre, inverse * scale[c], shift ? shift[c] : 0.0f);
  }
}

static void run_moments(nsc_step *step, pthreadpool_t pool) {
  const moments_params *p = step->params;
  moments_task task = {p, step->in[0], step->out[0], NULL, NULL};
  if (step->output_count > 1) {
    task.mean = step->out[1];
    task.inverse = step->out[2];
  }
  pthreadpool_parallelize_1d(pool, moments_run, &task, p->runs, 0);
}

/* `count` numbers that repeat a constant of ONNX's shape `fits` over the normalised dimensions. */
static nsc_status copy_scale(nsc_plan *plan, const nsc_node *node, uint32_t value, size_t count, const char *what,
                             const float **out) {
  const float *from;
  NSC_TRY(nsc_plan_floats(plan, node, value, what, &from));
  size_t have = 0;
  nsc_shape_count(&plan->values[value].shape, &have);
  if (have != count && have != 1) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s has %zu elements, not %zu", what, have, count);
  }
  float *copy;
  NSC_TRY(nsc_plan_alloc(plan, count, sizeof *copy, &copy));
  for (size_t i = 0; i < count; i++) copy[i] = from[have == 1 ? 0 : i];
  *out = copy;
  return NSC_OK;
}

/* Fills in scale and shift and adds the step; `side` gives the values of mean and inverse deviation, or NULL. */
static nsc_status add_moments(nsc_plan *plan, const nsc_node *node, const moments_params *given, const uint32_t *side) {
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  if (given->length == 0 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input is empty or no float32");
  }
  moments_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = *given;
  size_t scales = p->scale_runs * p->scale_row;
  NSC_TRY(copy_scale(plan, node, node->inputs[1], scales, "scale", &p->scale));
  if (nsc_node_input(node, 2) != NSC_NO_VALUE) {
    NSC_TRY(copy_scale(plan, node, node->inputs[2], scales, "B", &p->shift));
  }
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, false));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 1, side ? 3 : 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = node->outputs[0];
  if (side) memcpy(step->outputs + 1, side, 2 * sizeof *side);
  step->run = run_moments;
  step->params = p;
  return NSC_OK;
}

static nsc_status lower_instance_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  const nsc_shape *shape = &plan->values[node->inputs[0]].shape;
  if (shape->rank < 3) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input needs at least 3 dimensions");
  size_t length = nsc_shape_product(shape, 2, shape->rank);
  moments_params p = {.runs = nsc_shape_product(shape, 0, 2),
                      .length = length,
                      .scale_runs = (size_t)shape->dims[1],
                      .scale_row = 1,
                      .scale_span = length,
                      .centred = true,
                      .epsilon = nsc_node_float(node, "epsilon", 1e-5f)};
  if (p.scale_runs == 0) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "there are no channels");
  return add_moments(plan, node, &p, NULL);
}

/* Scale and bias have a number a group in opset 18, a number a channel since 21. */
static nsc_status lower_group_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  const nsc_shape *shape = &plan->values[node->inputs[0]].shape;
  int64_t groups = nsc_node_int(node, "num_groups", 0);
  if (shape->rank < 3 || groups < 1 || shape->dims[1] < 1 || shape->dims[1] % groups) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "num_groups does not divide the channels");
  }
  bool by_channel = plan->model->opset >= 21;
  size_t pixels = nsc_shape_product(shape, 2, shape->rank), wide = (size_t)(shape->dims[1] / groups);
  moments_params p = {.runs = (size_t)(shape->dims[0] * groups),
                      .length = wide * pixels,
                      .scale_runs = (size_t)groups,
                      .scale_row = by_channel ? wide : 1,
                      .scale_span = by_channel ? pixels : wide * pixels,
                      .centred = true,
                      .epsilon = nsc_node_float(node, "epsilon", 1e-5f)};
  return add_moments(plan, node, &p, NULL);
}

/* Mean and InvStdDev, which few graphs read: sizes of the normalised dimensions become one. */
static nsc_status define_moments(nsc_plan *plan, const nsc_node *node, uint32_t axis, uint32_t side[2], bool *wanted) {
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  for (uint32_t i = axis; i < shape.rank; i++) shape.dims[i] = 1;
  *wanted = false;
  for (uint32_t i = 0; i < 2; i++) {
    side[i] = i + 1 < node->output_count ? node->outputs[i + 1] : NSC_NO_VALUE;
    *wanted = *wanted || side[i] != NSC_NO_VALUE;
  }
  for (uint32_t i = 0; i < 2 && *wanted; i++) {
    if (side[i] == NSC_NO_VALUE) {
      NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &shape, false, &side[i]));
    } else {
      NSC_TRY(nsc_plan_define(plan, side[i], NSC_TYPE_F32, &shape, false));
    }
  }
  return NSC_OK;
}

static nsc_status lower_layer_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  bool centred = node->op[0] == 'L';
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  int64_t axis = nsc_node_int(node, "axis", -1);
  if (axis < 0) axis += shape.rank;
  if (axis < 0 || axis >= shape.rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  size_t length = nsc_shape_product(&shape, (uint32_t)axis, shape.rank);
  moments_params p = {.runs = nsc_shape_product(&shape, 0, (uint32_t)axis),
                      .length = length,
                      .scale_runs = 1,
                      .scale_row = length,
                      .scale_span = 1,
                      .centred = centred,
                      .epsilon = nsc_node_float(node, "epsilon", 1e-5f)};
  uint32_t side[2];
  bool wanted = false;
  if (centred) NSC_TRY(define_moments(plan, node, (uint32_t)axis, side, &wanted));
  return add_moments(plan, node, &p, wanted ? side : NULL);
}

const nsc_operator nsc_moment_operators[] = {
    {"InstanceNormalization", lower_instance_norm},
    {"GroupNormalization", lower_group_norm},
    {"LayerNormalization", lower_layer_norm},
    {"RMSNormalization", lower_layer_norm},
    {"SimplifiedLayerNormalization", lower_layer_norm}, /* ONNX Runtime's name before opset 23 */
    {NULL, NULL},
};
