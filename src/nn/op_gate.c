/*
 * A tensor times a function of itself: Swish (SiLU), HardSwish, Mish and Gelu, also where exporters write them as
 * several nodes. One pass over memory: XNNPACK's kernel fills a tile that stays in the first-level cache, a loop of
 * ours multiplies.
 *
 * Erf: the rational approximation of Eigen's MathFunctionsImpl.h, within 5e-7 of the C library's; loops over it become
 * vectors.
 */
#include <math.h>
#include <string.h>

#include <xnnpack/config.h>

#include "nn/op_unary.h"
#include "nn/operators.h"

enum { TILE = 1024 };

typedef enum gate { SWISH, GELU_TANH, MISH } gate;

static const char *const gate_names[] = {"Swish", "Gelu", "Mish"};

typedef struct gate_params {
  gate kind;
  float alpha; /* of Swish: x * sigmoid(alpha * x) */
  size_t count;
  xnn_vunary_ukernel_fn kernel;
  union xnn_unary_uparams uparams;
} gate_params;

typedef struct gate_task {
  const gate_params *params;
  const float *in;
  float *out;
} gate_task;

/* One tile of at most TILE elements. */
static void gate_tile(const gate_params *p, const float *x, float *y, size_t count) {
  float inner[TILE + XNN_EXTRA_BYTES / sizeof(float)];
  if (p->kind == SWISH) {
    for (size_t i = 0; i < count; i++) inner[i] = p->alpha * x[i];
  } else if (p->kind == MISH) {
    for (size_t i = 0; i < count; i++) inner[i] = x[i] < 20 ? x[i] : 20;
  } else {
    for (size_t i = 0; i < count; i++) inner[i] = 0.7978845608f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
  }
  p->kernel(count * sizeof *inner, inner, inner, &p->uparams);
  if (p->kind == SWISH) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] * inner[i];
  } else if (p->kind == MISH) { /* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) */
    for (size_t i = 0; i < count; i++) {
      float n = inner[i] * (inner[i] + 2);
      y[i] = x[i] * (n / (n + 2));
    }
  } else {
    for (size_t i = 0; i < count; i++) y[i] = 0.5f * x[i] * (1 + inner[i]);
  }
}

static void gate_part(void *context, size_t from, size_t count) {
  const gate_task *t = context;
  for (size_t i = from; i < from + count; i += TILE) {
    size_t n = from + count - i < TILE ? from + count - i : TILE;
    gate_tile(t->params, t->in + i, t->out + i, n);
  }
}

static void run_gate(nsc_step *step, pthreadpool_t pool) {
  const gate_params *p = step->params;
  gate_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, gate_part, &task, p->count, 8 * TILE, 0);
}

static nsc_status add_gate(nsc_plan *plan, const nsc_node *node, gate kind, float alpha, uint32_t output) {
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, v->channels_last));
  const struct xnn_unary_elementwise_config *config = kind == SWISH  ? xnn_init_f32_sigmoid_config()
                                                      : kind == MISH ? xnn_init_f32_exp_config()
                                                                     : xnn_init_f32_tanh_config();
  if (!config) return nsc_node_fail(plan, node, NSC_ERROR_UNSUPPORTED, "this processor is not supported");
  gate_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->kind = kind;
  p->alpha = alpha;
  p->kernel = config->ukernel;
  nsc_shape_count(&shape, &p->count);
  if (config->init) config->init(&p->uparams, NULL, NULL, NULL);
  return nsc_plan_add_loop(plan, node, gate_names[kind], node->inputs[0], output, run_gate, p);
}

static nsc_status need_float(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_type type = plan->values[node->inputs[0]].type;
  if (type == NSC_TYPE_F32) return NSC_OK;
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported, only float32", nsc_type_name(type));
}

/* The product of the node's input and its output, when that is all the output is for: its value, else NSC_NO_VALUE. */
static uint32_t take_product(nsc_plan *plan, const nsc_node *node) {
  const nsc_node *next = nsc_plan_next(plan, node->outputs[0]);
  if (!next || next->domain[0] || strcmp(next->op, "Mul") != 0 || next->input_count != 2 || next->output_count != 1) {
    return NSC_NO_VALUE;
  }
  uint32_t other = next->inputs[next->inputs[0] == node->outputs[0]];
  if (other != node->inputs[0] || next->outputs[0] == NSC_NO_VALUE) return NSC_NO_VALUE;
  nsc_plan_take(plan, next);
  return next->outputs[0];
}

static nsc_status lower_sigmoid(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(need_float(plan, node));
  uint32_t product = take_product(plan, node);
  return product == NSC_NO_VALUE ? nsc_lower_unary(plan, node) : add_gate(plan, node, SWISH, 1, product);
}

static nsc_status lower_swish(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(need_float(plan, node));
  return add_gate(plan, node, SWISH, nsc_node_float(node, "alpha", 1), node->outputs[0]);
}

/* x * tanh(softplus(x)) (Misra 2020). */
static nsc_status lower_mish(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(need_float(plan, node));
  return add_gate(plan, node, MISH, 1, node->outputs[0]);
}

/* x * clamp(x / 6 + 1/2), which is HardSwish. */
static nsc_status lower_hard_sigmoid(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(need_float(plan, node));
  float alpha = nsc_node_float(node, "alpha", 0.2f), beta = nsc_node_float(node, "beta", 0.5f);
  bool sixth = fabsf(alpha - 1.0f / 6) < 1e-6f && beta == 0.5f;
  uint32_t product = sixth ? take_product(plan, node) : NSC_NO_VALUE;
  if (product == NSC_NO_VALUE) return nsc_lower_unary(plan, node);
  union xnn_unary_params params;
  memset(&params, 0, sizeof params);
  return nsc_plan_add_unary(plan, node, xnn_unary_hardswish, &params, product);
}

static nsc_status lower_gelu(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(need_float(plan, node));
  if (strcmp(nsc_node_string(node, "approximate", "none"), "tanh") == 0) {
    return add_gate(plan, node, GELU_TANH, 1, node->outputs[0]);
  }
  union xnn_unary_params params;
  memset(&params, 0, sizeof params);
  return nsc_plan_add_unary(plan, node, xnn_unary_gelu, &params, node->outputs[0]);
}

/* ---- Erf ---- */

static inline float error_function(float given) {
  float x = fminf(fmaxf(given, -4), 4), x2 = x * x;
  float p = -2.72614225801306e-10f, q = -1.45660718464996e-05f;
  p = p * x2 + 2.77068142495902e-08f;
  p = p * x2 - 2.10102402082508e-06f;
  p = p * x2 - 5.69250639462346e-05f;
  p = p * x2 - 7.34990630326855e-04f;
  p = p * x2 - 2.95459980854025e-03f;
  p = p * x2 - 1.60960333262415e-02f;
  q = q * x2 - 2.13374055278905e-04f;
  q = q * x2 - 1.68282697438203e-03f;
  q = q * x2 - 7.37332916720468e-03f;
  q = q * x2 - 1.42647390514189e-02f;
  return given == given ? x * p / q : given;
}

static void erf_part(void *context, size_t from, size_t count) {
  const gate_task *t = context;
  for (size_t i = from; i < from + count; i++) t->out[i] = error_function(t->in[i]);
}

static void run_erf(nsc_step *step, pthreadpool_t pool) {
  gate_task task = {NULL, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, erf_part, &task, *(const size_t *)step->params, 8 * TILE, 0);
}

static nsc_status lower_erf(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  if (v->type != NSC_TYPE_F32) return nsc_lower_other_unary(plan, node);
  nsc_shape shape = v->shape;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, v->channels_last));
  size_t *count;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *count, &count));
  nsc_shape_count(&shape, count);
  return nsc_plan_add_loop(plan, node, "Erf", node->inputs[0], node->outputs[0], run_erf, count);
}

/* ---- Gelu as exporters before opset 20 write it: x / sqrt 2 -> Erf -> + 1 -> * x -> * 1/2 ---- */

/* The only reader of `value` when it is `op` of it and something else, which goes to *other. */
static const nsc_node *next_pair(const nsc_plan *plan, uint32_t value, const char *op, uint32_t *other) {
  const nsc_node *next = nsc_plan_next(plan, value);
  if (!next || next->domain[0] || strcmp(next->op, op) != 0 || next->input_count != 2 || next->output_count != 1 ||
      next->outputs[0] == NSC_NO_VALUE) {
    return NULL;
  }
  *other = next->inputs[next->inputs[0] == value];
  return *other == NSC_NO_VALUE || *other == value ? NULL : next;
}

/* A constant that is `number` and does not add dimensions to the node's first input. */
static bool is_number(nsc_plan *plan, const nsc_node *node, uint32_t value, float number) {
  float have;
  const nsc_value *v = nsc_plan_value(plan, value);
  if (!nsc_plan_is_constant(plan, value) || v->type != NSC_TYPE_F32 ||
      v->shape.rank > plan->values[node->inputs[0]].shape.rank || nsc_shape_product(&v->shape, 0, v->shape.rank) != 1) {
    return false;
  }
  return nsc_plan_scalar(plan, node, value, "a factor", &have) == NSC_OK && fabsf(have - number) < 1e-5f;
}

nsc_status nsc_plan_take_gelu(nsc_plan *plan, const nsc_node *node, bool *taken) {
  *taken = false;
  uint32_t x = node->inputs[0], other, half;
  bool divided = node->op[0] == 'D';
  const nsc_node *erf = nsc_plan_next(plan, node->outputs[0]), *parts[4] = {erf};
  if (!erf || erf->domain[0] || strcmp(erf->op, "Erf") != 0 || erf->output_count != 1 ||
      erf->outputs[0] == NSC_NO_VALUE || node->input_count != 2 || x == NSC_NO_VALUE ||
      !is_number(plan, node, node->inputs[1], divided ? 1.41421356f : 0.70710678f)) {
    return NSC_OK;
  }
  parts[1] = next_pair(plan, erf->outputs[0], "Add", &other);
  if (!parts[1] || !is_number(plan, node, other, 1)) return NSC_OK;
  parts[2] = next_pair(plan, parts[1]->outputs[0], "Mul", &other);
  parts[3] = parts[2] ? next_pair(plan, parts[2]->outputs[0], "Mul", &half) : NULL;
  if (!parts[3]) return NSC_OK;
  bool in_order = other == x && is_number(plan, node, half, 0.5f);
  if (!in_order && !(half == x && is_number(plan, node, other, 0.5f))) return NSC_OK;
  for (int i = 0; i < 4; i++) nsc_plan_take(plan, parts[i]);
  *taken = true;
  union xnn_unary_params params;
  memset(&params, 0, sizeof params);
  NSC_TRY(nsc_plan_add_unary(plan, node, xnn_unary_gelu, &params, parts[3]->outputs[0]));
  plan->steps[plan->step_count - 1]->kind = "Gelu";
  return NSC_OK;
}

const nsc_operator nsc_gate_operators[] = {
    {"Sigmoid", lower_sigmoid}, {"Swish", lower_swish}, {"Mish", lower_mish}, {"HardSigmoid", lower_hard_sigmoid},
    {"Gelu", lower_gelu},       {"Erf", lower_erf},     {NULL, NULL},
};
