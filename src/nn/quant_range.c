/* Quantised models where float32 is faster: weights are expanded, activations are cut to their ranges but not rounded.
 */
#include <math.h>
#include <string.h>

#include "nn/integer_rows.h"
#include "nn/quant.h"

bool nsc_quant_uses_integers(nsc_plan *plan) {
  if (plan->integers == NSC_INTEGERS_WHERE_FASTER) {
    plan->integers = nsc_choose_integers().pay ? NSC_INTEGERS_ALWAYS : NSC_INTEGERS_NEVER;
  }
  return plan->integers == NSC_INTEGERS_ALWAYS;
}

/* Is the node's output read by DequantizeLinear with its own scale and zero point, and by nothing else? */
static bool is_only_restored(const nsc_plan *plan, const nsc_node *node) {
  const nsc_model *m = plan->model;
  uint32_t output = node->outputs[0], readers = 0;
  if (output >= m->value_count) return false;
  for (uint32_t n = 0; n < m->node_count && readers < plan->consumer_count[output]; n++) {
    const nsc_node *reader = &m->nodes[n];
    if (reader->input_count < 2 || reader->inputs[0] != output || strcmp(reader->op, "DequantizeLinear") != 0) continue;
    readers += reader->inputs[1] == node->inputs[1] && nsc_node_input(reader, 2) == nsc_node_input(node, 2);
  }
  return readers > 0 && readers == plan->consumer_count[output];
}

nsc_status nsc_quant_range(nsc_plan *plan, const nsc_node *node, bool *is_range, float *min, float *max) {
  *is_range = false;
  uint32_t scale = node->inputs[1], zero = nsc_node_input(node, 2);
  size_t count = 0;
  nsc_shape_count(&plan->values[scale].shape, &count);
  if (count != 1 || !nsc_plan_is_constant(plan, scale) || (zero != NSC_NO_VALUE && !nsc_plan_is_constant(plan, zero)) ||
      nsc_plan_is_constant(plan, node->inputs[0]) || !is_only_restored(plan, node) || nsc_quant_uses_integers(plan)) {
    return NSC_OK;
  }
  nsc_type type;
  nsc_quant_params q;
  NSC_TRY(nsc_quant_output_type(plan, node, &type));
  NSC_TRY(nsc_quant_params_read(plan, node, node->inputs[0], scale, zero, type, 0, &q));
  int32_t low = type == NSC_TYPE_U8 ? 0 : -128;
  *min = (float)(low - q.zero[0]) * q.scale[0];
  *max = (float)(low + 255 - q.zero[0]) * q.scale[0];
  *is_range = *min < *max;
  return NSC_OK;
}

nsc_status nsc_quant_take_range(nsc_plan *plan, uint32_t *value, float *min, float *max) {
  const nsc_node *next = nsc_plan_next(plan, *value);
  if (!nsc_quant_is_quantise(next, *value)) return NSC_OK;
  bool is_range;
  float low, high;
  NSC_TRY(nsc_quant_range(plan, next, &is_range, &low, &high));
  if (!is_range) return NSC_OK;
  low = low > *min ? low : *min;
  high = high < *max ? high : *max;
  if (!(low < high)) return NSC_OK; /* XNNPACK wants an interval */
  nsc_plan_take(plan, next);
  *value = next->outputs[0];
  *min = low;
  *max = high;
  return NSC_OK;
}
