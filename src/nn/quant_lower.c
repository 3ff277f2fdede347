/* Which nodes may be computed with integers, and what follows them. */
#include <math.h>
#include <string.h>

#include "nn/plan_private.h"
#include "nn/quant.h"

bool nsc_quant_is_quantise(const nsc_node *node, uint32_t input) {
  return node && strcmp(node->op, "QuantizeLinear") == 0 && node->input_count >= 2 && node->inputs[0] == input &&
         node->inputs[1] != NSC_NO_VALUE && node->output_count > 0 && node->outputs[0] != NSC_NO_VALUE;
}

nsc_status nsc_quant_target_find(nsc_plan *plan, uint32_t output, bool clamps, nsc_quant_target *out) {
  nsc_quant_target t = {.min = -128, .max = 127};
  *out = t;
  float min = -INFINITY, max = INFINITY;
  const nsc_node *next = nsc_plan_next(plan, output);
  if (next && clamps && nsc_plan_clamp_bounds(plan, next, output, &min, &max)) {
    t.clamp = next;
    output = next->outputs[0];
    next = nsc_plan_next(plan, output);
  }
  if (!nsc_quant_is_quantise(next, output)) return NSC_OK;
  uint32_t scale = next->inputs[1], zero = nsc_node_input(next, 2);
  size_t count = 0;
  nsc_shape_count(&plan->values[scale].shape, &count);
  if (!nsc_plan_is_constant(plan, scale) || (zero != NSC_NO_VALUE && !nsc_plan_is_constant(plan, zero)) || count != 1) {
    return NSC_OK;
  }
  nsc_quant_params q;
  NSC_TRY(nsc_quant_output_type(plan, next, &t.type));
  NSC_TRY(nsc_quant_params_read(plan, next, output, scale, zero, t.type, 0, &q));
  t.found = true;
  t.quantize = next;
  t.scale = q.scale[0];
  t.zero = q.zero[0] - (t.type == NSC_TYPE_U8 ? 128 : 0);
  if (t.clamp) {
    t.min = nsc_quant_value(min, t.scale, t.zero, -128, 127);
    t.max = nsc_quant_value(max, t.scale, t.zero, -128, 127);
  }
  *out = t;
  return NSC_OK;
}

static void take(nsc_plan *plan, const nsc_quant_target *t) {
  if (t->clamp) nsc_plan_take(plan, t->clamp);
  nsc_plan_take(plan, t->quantize);
}

nsc_status nsc_quant_target_take(nsc_plan *plan, const nsc_quant_target *t, const nsc_shape *shape, bool channels_last,
                                 uint32_t *integers) {
  take(plan, t);
  return nsc_quant_begin(plan, t->quantize->outputs[0], t->type, shape, channels_last, integers);
}

nsc_status nsc_quant_target_finish(nsc_plan *plan, const nsc_node *node, const nsc_quant_target *t, uint32_t integers) {
  return nsc_quant_finish(plan, node, t->quantize->outputs[0], integers);
}

nsc_status nsc_quant_target_is(nsc_plan *plan, const nsc_node *node, const nsc_quant_target *t, uint32_t integers) {
  uint32_t output = t->quantize->outputs[0];
  nsc_shape shape = plan->values[integers].shape;
  bool last = plan->values[integers].channels_last;
  take(plan, t);
  if (t->type == NSC_TYPE_I8) return nsc_plan_alias(plan, output, integers, &shape, last);
  NSC_TRY(nsc_plan_define(plan, output, t->type, &shape, last));
  return nsc_quant_finish(plan, node, output, integers);
}

typedef nsc_status (*lower_integers)(nsc_plan *plan, const nsc_node *node, bool *done);

static const struct {
  const char *op;
  lower_integers lower;
} table[] = {
    {"Conv", nsc_quant_lower_conv},
    {"BatchNormalization", nsc_quant_lower_norm},
    {"Gemm", nsc_quant_lower_dense},
    {"MatMul", nsc_quant_lower_dense},
    {"Add", nsc_quant_lower_binary},
    {"Sub", nsc_quant_lower_binary},
    {"Mul", nsc_quant_lower_binary},
    {"MaxPool", nsc_quant_lower_max_pool},
    {"AveragePool", nsc_quant_lower_average},
    {"GlobalAveragePool", nsc_quant_lower_average},
    {"Concat", nsc_quant_lower_concat},
    /* Elements moved about, so that it does not matter what they stand for. */
    {"DepthToSpace", nsc_quant_lower_move},
    {"Dropout", nsc_quant_lower_move},
    {"Expand", nsc_quant_lower_move},
    {"Flatten", nsc_quant_lower_move},
    {"Gather", nsc_quant_lower_move},
    {"Identity", nsc_quant_lower_move},
    {"Reshape", nsc_quant_lower_move},
    {"Slice", nsc_quant_lower_move},
    {"SpaceToDepth", nsc_quant_lower_move},
    {"Split", nsc_quant_lower_move},
    {"Squeeze", nsc_quant_lower_move},
    {"Tile", nsc_quant_lower_move},
    {"Transpose", nsc_quant_lower_move},
    {"Unsqueeze", nsc_quant_lower_move},
    /* Functions of one element. */
    {"Abs", nsc_quant_lower_unary},
    {"Celu", nsc_quant_lower_unary},
    {"Clip", nsc_quant_lower_unary},
    {"Elu", nsc_quant_lower_unary},
    {"Erf", nsc_quant_lower_unary},
    {"Exp", nsc_quant_lower_unary},
    {"Gelu", nsc_quant_lower_unary},
    {"HardSigmoid", nsc_quant_lower_unary},
    {"HardSwish", nsc_quant_lower_unary},
    {"LeakyRelu", nsc_quant_lower_unary},
    {"Mish", nsc_quant_lower_unary},
    {"Neg", nsc_quant_lower_unary},
    {"Relu", nsc_quant_lower_unary},
    {"Selu", nsc_quant_lower_unary},
    {"Sigmoid", nsc_quant_lower_unary},
    {"Softplus", nsc_quant_lower_unary},
    {"Softsign", nsc_quant_lower_unary},
    {"Sqrt", nsc_quant_lower_unary},
    {"Tanh", nsc_quant_lower_unary},
};

nsc_status nsc_quant_lower(nsc_plan *plan, const nsc_node *node, bool *done) {
  *done = false;
  if (node->input_count == 0 || node->output_count == 0 || node->outputs[0] == NSC_NO_VALUE) return NSC_OK;
  if (!nsc_quant_of(plan, node->inputs[0])) return NSC_OK;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].op, node->op) != 0) continue;
    return nsc_quant_uses_integers(plan) ? table[i].lower(plan, node, done) : NSC_OK;
  }
  return NSC_OK;
}
