#include "nn/feature_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What a value is made of, as far as the operators before it tell. */
typedef enum kind { OTHER, LIST, PICTURE } kind;

static bool is_one_of(const char *op, const char *const *names) {
  for (; *names; names++) {
    if (strcmp(op, *names) == 0) return true;
  }
  return false;
}

/* A Reshape to four dimensions or more only sorts a picture's channels. */
static bool keeps_rank(const nsc_model *model, const nsc_node *node) {
  uint32_t shape = node->input_count > 1 ? node->inputs[1] : NSC_NO_VALUE;
  const nsc_tensor_proto *t = shape != NSC_NO_VALUE ? model->values[shape].initializer : NULL;
  return t && t->count >= 4;
}

static kind kind_of(const nsc_model *model, const nsc_node *node, const uint8_t *kinds) {
  static const char *const ends[] = {
      "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "ReduceMean", "ReduceMax", "ReduceSum",
      "Flatten",           "Squeeze",       "Gemm",         "MatMul",     "Gather",    NULL};
  static const char *const others[] = {"Shape", "Size", "Constant", "ConstantOfShape", "Range", NULL};
  kind most = OTHER;
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] != NSC_NO_VALUE && kinds[node->inputs[i]] > most) most = (kind)kinds[node->inputs[i]];
  }
  if (most == OTHER || is_one_of(node->op, others)) return OTHER;
  if (is_one_of(node->op, ends)) return LIST;
  if (strcmp(node->op, "Reshape") == 0 && !keeps_rank(model, node)) return LIST;
  return most;
}

/* Values that the output is computed from. Nodes stand in an order in which every input is there before it is used. */
static void mark_ancestors(const nsc_model *model, uint32_t output, uint8_t *needed) {
  needed[output] = 1;
  for (uint32_t n = model->node_count; n-- > 0;) {
    const nsc_node *node = &model->nodes[n];
    bool wanted = false;
    for (uint32_t i = 0; i < node->output_count; i++) {
      wanted = wanted || (node->outputs[i] != NSC_NO_VALUE && needed[node->outputs[i]]);
    }
    for (uint32_t i = 0; wanted && i < node->input_count; i++) {
      if (node->inputs[i] != NSC_NO_VALUE) needed[node->inputs[i]] = 1;
    }
  }
}

nsc_status nsc_find_feature_map(const nsc_model *model, uint32_t output, uint32_t *out, nsc_error *err) {
  /* Their results are turned about, or are integers. */
  static const char *const unfit[] = {"Transpose", "Reshape", "QuantizeLinear", "Cast", NULL};
  uint8_t *kinds = calloc(2, model->value_count + (size_t)1);
  if (!kinds) return nsc_fail_memory(err, model->value_count, "a search for feature maps");
  uint8_t *needed = kinds + model->value_count + 1;
  for (uint32_t i = 0; i < model->input_count; i++) {
    const nsc_port *in = &model->inputs[i];
    kinds[in->value] = in->has_shape && in->rank < 3 ? LIST : PICTURE; /* facts about the patient are a list */
  }
  mark_ancestors(model, output, needed);
  *out = NSC_NO_VALUE;
  for (uint32_t n = 0; n < model->node_count; n++) {
    const nsc_node *node = &model->nodes[n];
    if (node->output_count == 0 || node->outputs[0] == NSC_NO_VALUE) continue;
    uint32_t value = node->outputs[0];
    kinds[value] = (uint8_t)kind_of(model, node, kinds);
    bool fits = kinds[value] == PICTURE && needed[value] && value != output && !is_one_of(node->op, unfit);
    if (fits) *out = value;
  }
  free(kinds);
  return NSC_OK;
}
