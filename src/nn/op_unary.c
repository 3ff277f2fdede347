/*
 * Functions of each element: activations through XNNPACK where it has them, the rest through the C library. Layouts do
 * not matter: the output keeps the input's.
 */
#include <math.h>
#include <string.h>

#include "nn/op_unary.h"
#include "nn/operators.h"

/* ---- through XNNPACK ---- */

static enum xnn_status setup_unary(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_unary_elementwise_nc(step->op, step->in[0], step->out[0]);
}

static nsc_status define_like_input(nsc_plan *plan, const nsc_node *node, uint32_t output) {
  const nsc_value *v = &plan->values[node->inputs[0]];
  nsc_shape shape = v->shape;
  return nsc_plan_define(plan, output, v->type, &shape, v->channels_last);
}

/* For an input without elements, which XNNPACK would refuse. */
static void run_nothing(nsc_step *step, pthreadpool_t pool) {
  (void)step, (void)pool;
}

nsc_status nsc_plan_add_unary(nsc_plan *plan, const nsc_node *node, enum xnn_unary_operator kind,
                              const union xnn_unary_params *params, uint32_t output) {
  NSC_TRY(define_like_input(plan, node, output));
  size_t count = 0;
  nsc_shape_count(&plan->values[output].shape, &count);
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 1, 1, &step));
  step->inputs[0] = node->inputs[0];
  step->outputs[0] = output;
  step->run = run_nothing;
  if (count == 0) return NSC_OK;
  step->setup = setup_unary;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_unary_elementwise_nc(kind, xnn_datatype_fp32, xnn_datatype_fp32, params, NULL, NULL, 0, &step->op)));
  return nsc_plan_check(plan, node, xnn_reshape_unary_elementwise_nc(step->op, count, 1, 1, 1, plan->pool));
}

/* ---- through a function of ours ---- */

typedef float (*function)(float x, float a, float b);

typedef struct function_params {
  function f;
  float a, b;
  size_t count;
} function_params;

typedef struct function_task {
  const function_params *params;
  const float *in;
  float *out;
} function_task;

static void function_part(void *context, size_t from, size_t count) {
  const function_task *t = context;
  const function_params *p = t->params;
  for (size_t i = from; i < from + count; i++) t->out[i] = p->f(t->in[i], p->a, p->b);
}

static void run_function(nsc_step *step, pthreadpool_t pool) {
  const function_params *p = step->params;
  function_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, function_part, &task, p->count, 4096, 0);
}

static nsc_status add_function(nsc_plan *plan, const nsc_node *node, function f, float a, float b) {
  NSC_TRY(define_like_input(plan, node, node->outputs[0]));
  function_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = (function_params){f, a, b, 0};
  nsc_shape_count(&plan->values[node->outputs[0]].shape, &params->count);
  return nsc_plan_add_loop(plan, node, node->op, node->inputs[0], node->outputs[0], run_function, params);
}

#define FUNCTION(name, expression)               \
  static float name(float x, float a, float b) { \
    (void)a, (void)b;                            \
    return expression;                           \
  }

FUNCTION(f_hard_sigmoid, fmaxf(0, fminf(1, a *x + b)))
FUNCTION(f_selu, x > 0 ? b * x : b * (a * expf(x) - a))
FUNCTION(f_celu, fmaxf(0, x) + fminf(0, a *(expf(x / a) - 1)))
FUNCTION(f_thresholded_relu, x > a ? x : 0)
FUNCTION(f_softplus, x > 20 ? x : log1pf(expf(x)))
FUNCTION(f_softsign, x / (1 + fabsf(x)))
FUNCTION(f_reciprocal, 1 / x)
FUNCTION(f_shrink, x<-a ? x + b : x> a ? x - b : 0)
FUNCTION(f_sign, x > 0 ? 1.0f : x < 0 ? -1.0f : x)
FUNCTION(f_sin, sinf(x))
FUNCTION(f_cos, cosf(x))
FUNCTION(f_tan, tanf(x))
FUNCTION(f_asin, asinf(x))
FUNCTION(f_acos, acosf(x))
FUNCTION(f_atan, atanf(x))
FUNCTION(f_sinh, sinhf(x))
FUNCTION(f_cosh, coshf(x))
FUNCTION(f_asinh, asinhf(x))
FUNCTION(f_acosh, acoshf(x))
FUNCTION(f_atanh, atanhf(x))
FUNCTION(f_round, rintf(x))
FUNCTION(f_clip, fminf(fmaxf(x, a), b))

/* ---- the table ---- */

typedef struct unary {
  const char *op;
  enum xnn_unary_operator xnn; /* or xnn_unary_invalid, then f */
  function f;
  const char *a_name, *b_name; /* attributes that become a and b */
  float a, b;                  /* their defaults */
} unary;

static const unary table[] = {
    {"Sigmoid", xnn_unary_sigmoid, NULL, NULL, NULL, 0, 0},
    {"Tanh", xnn_unary_tanh, NULL, NULL, NULL, 0, 0},
    {"HardSwish", xnn_unary_hardswish, NULL, NULL, NULL, 0, 0},
    {"LeakyRelu", xnn_unary_leaky_relu, NULL, "alpha", NULL, 0.01f, 0},
    {"Elu", xnn_unary_elu, NULL, "alpha", NULL, 1, 0},
    {"Abs", xnn_unary_abs, NULL, NULL, NULL, 0, 0},
    {"Neg", xnn_unary_negate, NULL, NULL, NULL, 0, 0},
    {"Exp", xnn_unary_exp, NULL, NULL, NULL, 0, 0},
    {"Log", xnn_unary_log, NULL, NULL, NULL, 0, 0},
    {"Sqrt", xnn_unary_square_root, NULL, NULL, NULL, 0, 0},
    {"Floor", xnn_unary_floor, NULL, NULL, NULL, 0, 0},
    {"Ceil", xnn_unary_ceiling, NULL, NULL, NULL, 0, 0},
    {"HardSigmoid", xnn_unary_invalid, f_hard_sigmoid, "alpha", "beta", 0.2f, 0.5f},
    {"Selu", xnn_unary_invalid, f_selu, "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f},
    {"Celu", xnn_unary_invalid, f_celu, "alpha", NULL, 1, 0},
    {"ThresholdedRelu", xnn_unary_invalid, f_thresholded_relu, "alpha", NULL, 1, 0},
    {"Softplus", xnn_unary_invalid, f_softplus, NULL, NULL, 0, 0},
    {"Softsign", xnn_unary_invalid, f_softsign, NULL, NULL, 0, 0},
    {"Reciprocal", xnn_unary_invalid, f_reciprocal, NULL, NULL, 0, 0},
    {"Shrink", xnn_unary_invalid, f_shrink, "lambd", "bias", 0.5f, 0},
    {"Sign", xnn_unary_invalid, f_sign, NULL, NULL, 0, 0},
    {"Sin", xnn_unary_invalid, f_sin, NULL, NULL, 0, 0},
    {"Cos", xnn_unary_invalid, f_cos, NULL, NULL, 0, 0},
    {"Tan", xnn_unary_invalid, f_tan, NULL, NULL, 0, 0},
    {"Asin", xnn_unary_invalid, f_asin, NULL, NULL, 0, 0},
    {"Acos", xnn_unary_invalid, f_acos, NULL, NULL, 0, 0},
    {"Atan", xnn_unary_invalid, f_atan, NULL, NULL, 0, 0},
    {"Sinh", xnn_unary_invalid, f_sinh, NULL, NULL, 0, 0},
    {"Cosh", xnn_unary_invalid, f_cosh, NULL, NULL, 0, 0},
    {"Asinh", xnn_unary_invalid, f_asinh, NULL, NULL, 0, 0},
    {"Acosh", xnn_unary_invalid, f_acosh, NULL, NULL, 0, 0},
    {"Atanh", xnn_unary_invalid, f_atanh, NULL, NULL, 0, 0},
    {"Round", xnn_unary_invalid, f_round, NULL, NULL, 0, 0},
};

nsc_status nsc_lower_unary(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  if (plan->values[node->inputs[0]].type != NSC_TYPE_F32) return nsc_lower_other_unary(plan, node);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const unary *u = &table[i];
    if (strcmp(u->op, node->op) != 0) continue;
    float a = u->a_name ? nsc_node_float(node, u->a_name, u->a) : u->a;
    float b = u->b_name ? nsc_node_float(node, u->b_name, u->b) : u->b;
    if (u->xnn == xnn_unary_invalid) return add_function(plan, node, u->f, a, b);
    union xnn_unary_params params;
    memset(&params, 0, sizeof params);
    if (u->xnn == xnn_unary_leaky_relu) params.leaky_relu.negative_slope = a;
    if (u->xnn == xnn_unary_elu) params.elu.alpha = a;
    /* XNNPACK wants a positive alpha, and a finite one. */
    if (u->xnn == xnn_unary_elu && !(a > 0))
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "alpha must be positive");
    return nsc_plan_add_unary(plan, node, u->xnn, &params, node->outputs[0]);
  }
  return nsc_node_fail(plan, node, NSC_ERROR_INTERNAL, "no such function");
}

static nsc_status lower_relu(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  if (plan->values[node->inputs[0]].type != NSC_TYPE_F32) return nsc_lower_other_unary(plan, node);
  union xnn_unary_params params = {.clamp = {0, INFINITY}};
  return nsc_plan_add_unary(plan, node, xnn_unary_clamp, &params, node->outputs[0]);
}

static nsc_status read_bound(nsc_plan *plan, const nsc_node *node, uint32_t input, const char *name, float otherwise,
                             float *out) {
  *out = nsc_node_float(node, name, otherwise);
  uint32_t value = nsc_node_input(node, input);
  if (value == NSC_NO_VALUE) return NSC_OK;
  return nsc_plan_scalar(plan, node, value, name, out);
}

static nsc_status lower_clip(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  if (plan->values[node->inputs[0]].type != NSC_TYPE_F32) return nsc_lower_other_unary(plan, node);
  float min, max;
  NSC_TRY(read_bound(plan, node, 1, "min", -INFINITY, &min));
  NSC_TRY(read_bound(plan, node, 2, "max", INFINITY, &max));
  if (!(min < max)) return add_function(plan, node, f_clip, min, max);
  union xnn_unary_params params = {.clamp = {min, max}};
  return nsc_plan_add_unary(plan, node, xnn_unary_clamp, &params, node->outputs[0]);
}

const nsc_operator nsc_unary_operators[] = {
    {"Relu", lower_relu},
    {"Clip", lower_clip},
    {"Tanh", nsc_lower_unary},
    {"HardSwish", nsc_lower_unary},
    {"LeakyRelu", nsc_lower_unary},
    {"Elu", nsc_lower_unary},
    {"Abs", nsc_lower_unary},
    {"Neg", nsc_lower_unary},
    {"Exp", nsc_lower_unary},
    {"Log", nsc_lower_unary},
    {"Sqrt", nsc_lower_unary},
    {"Floor", nsc_lower_unary},
    {"Ceil", nsc_lower_unary},
    {"Selu", nsc_lower_unary},
    {"Celu", nsc_lower_unary},
    {"ThresholdedRelu", nsc_lower_unary},
    {"Softplus", nsc_lower_unary},
    {"Softsign", nsc_lower_unary},
    {"Reciprocal", nsc_lower_unary},
    {"Shrink", nsc_lower_unary},
    {"Sign", nsc_lower_unary},
    {"Sin", nsc_lower_unary},
    {"Cos", nsc_lower_unary},
    {"Tan", nsc_lower_unary},
    {"Asin", nsc_lower_unary},
    {"Acos", nsc_lower_unary},
    {"Atan", nsc_lower_unary},
    {"Sinh", nsc_lower_unary},
    {"Cosh", nsc_lower_unary},
    {"Asinh", nsc_lower_unary},
    {"Acosh", nsc_lower_unary},
    {"Atanh", nsc_lower_unary},
    {"Round", nsc_lower_unary},
    {NULL, NULL},
};
