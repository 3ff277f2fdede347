/* Attributes and constants of an ONNX graph, as networks for training want them. */
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "train/load_private.h"

enum { MAX_CAST = 8 /* nodes between an initializer and its reader */ };

nsc_status nsc_load_refuse(const nsc_loader *l, const char *why) {
  return nsc_fail(l->err, NSC_ERROR_UNSUPPORTED, "cannot train %.30s \"%.60s\": %s", l->node->op, l->node->name, why);
}

const nsc_attribute *nsc_load_attribute(const nsc_node *node, const char *name) {
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    if (strcmp(node->attributes[i].name, name) == 0) return &node->attributes[i];
  }
  return NULL;
}

int64_t nsc_load_int(const nsc_node *node, const char *name, int64_t otherwise) {
  const nsc_attribute *a = nsc_load_attribute(node, name);
  return a && a->kind == NSC_ATTRIBUTE_INT ? a->i : otherwise;
}

float nsc_load_float(const nsc_node *node, const char *name, float otherwise) {
  const nsc_attribute *a = nsc_load_attribute(node, name);
  return a && a->kind == NSC_ATTRIBUTE_FLOAT ? a->f : otherwise;
}

uint32_t nsc_load_input(const nsc_node *node, uint32_t index) {
  return index < node->input_count ? node->inputs[index] : NSC_NO_VALUE;
}

static const nsc_node *maker_of(const nsc_model *model, uint32_t value) {
  for (uint32_t n = 0; n < model->node_count; n++) {
    for (uint32_t i = 0; i < model->nodes[n].output_count; i++) {
      if (model->nodes[n].outputs[i] == value) return &model->nodes[n];
    }
  }
  return NULL;
}

const nsc_tensor_proto *nsc_load_constant(const nsc_model *model, uint32_t value) {
  for (int depth = 0; depth < MAX_CAST && value != NSC_NO_VALUE; depth++) {
    if (model->values[value].initializer) return model->values[value].initializer;
    const nsc_node *node = maker_of(model, value);
    if (!node) return NULL;
    if (strcmp(node->op, "Constant") == 0) {
      const nsc_attribute *a = nsc_load_attribute(node, "value");
      return a && a->kind == NSC_ATTRIBUTE_TENSOR ? a->t : NULL;
    }
    bool passes = strcmp(node->op, "Cast") == 0 || strcmp(node->op, "Identity") == 0;
    if (!passes && strcmp(node->op, "DequantizeLinear") != 0) return NULL;
    value = nsc_load_input(node, 0);
  }
  return NULL;
}

static nsc_status read_halves(nsc_loader *l, const nsc_tensor_proto *t, float *out) {
  uint16_t *halves = nsc_arena_alloc(&l->arena, t->count, sizeof *halves);
  if (!halves) return nsc_fail_memory(l->err, t->count * sizeof *halves, "weights");
  NSC_TRY(nsc_tensor_proto_read(t, halves, l->err));
  nsc_half_expand(halves, t->count, out);
  return NSC_OK;
}

/* Any numbers of a tensor as floats. */
static nsc_status read_numbers(nsc_loader *l, const nsc_tensor_proto *t, nsc_type type, float *out) {
  void *elements = nsc_arena_alloc(&l->arena, t->count, nsc_type_size(type));
  if (!elements) return nsc_fail_memory(l->err, t->count * nsc_type_size(type), "weights");
  NSC_TRY(nsc_tensor_proto_read(t, elements, l->err));
  for (size_t i = 0; i < t->count; i++) out[i] = (float)nsc_element_real(elements, (int64_t)i, type);
  return NSC_OK;
}

/* What integers stand for that a DequantizeLinear reads: (integer - zero) * scale, one of both for all or one a channel
 * along its axis. */
static nsc_status read_quantised(nsc_loader *l, const nsc_node *node, const nsc_tensor_proto *t, nsc_type type,
                                 float *out) {
  const nsc_tensor_proto *scale = nsc_load_constant(l->model, nsc_load_input(node, 1));
  const nsc_tensor_proto *zero = nsc_load_constant(l->model, nsc_load_input(node, 2));
  int64_t axis = nsc_load_int(node, "axis", 1);
  if (axis < 0) axis += t->shape.rank;
  nsc_type scale_type, zero_type;
  bool fits = scale && nsc_type_from_onnx(scale->onnx_type, &scale_type) && scale_type == NSC_TYPE_F32 &&
              (!zero || (zero->count == scale->count && nsc_type_from_onnx(zero->onnx_type, &zero_type)));
  bool each = fits && scale->count > 1; /* channel has its own */
  if (!fits || (each && (axis < 0 || axis >= t->shape.rank || (size_t)t->shape.dims[axis] != scale->count))) {
    return nsc_load_refuse(l, "its weights are quantised in a way that is not understood");
  }
  float *scales = nsc_arena_alloc(&l->arena, 2 * scale->count, sizeof *scales), *zeros = scales + scale->count;
  if (!scales) return nsc_fail_memory(l->err, scale->count * sizeof *scales, "weights");
  NSC_TRY(read_numbers(l, scale, scale_type, scales));
  if (zero) NSC_TRY(read_numbers(l, zero, zero_type, zeros));
  NSC_TRY(read_numbers(l, t, type, out));
  size_t inner = each ? nsc_shape_product(&t->shape, (uint32_t)axis + 1, t->shape.rank) : 1;
  for (size_t i = 0; i < t->count; i++) {
    size_t c = each ? i / inner % scale->count : 0;
    out[i] = (out[i] - zeros[c]) * scales[c];
  }
  return NSC_OK;
}

/* The DequantizeLinear that a constant comes through, or NULL. */
static const nsc_node *dequantiser_of(const nsc_model *model, uint32_t value) {
  for (int depth = 0; depth < MAX_CAST && value != NSC_NO_VALUE; depth++) {
    const nsc_node *node = maker_of(model, value);
    if (!node || strcmp(node->op, "DequantizeLinear") == 0) return node;
    value = nsc_load_input(node, 0);
  }
  return NULL;
}

nsc_status nsc_load_floats(nsc_loader *l, uint32_t index, size_t count, float **out) {
  *out = NULL;
  uint32_t value = nsc_load_input(l->node, index);
  if (value == NSC_NO_VALUE) return NSC_OK;
  const nsc_tensor_proto *t = nsc_load_constant(l->model, value);
  nsc_type type;
  if (!t) return nsc_load_refuse(l, "its weights are computed by the graph");
  if (t->count != count) return nsc_load_refuse(l, "its weights do not have the size of its input");
  const nsc_node *dequantiser = dequantiser_of(l->model, value);
  bool known = nsc_type_from_onnx(t->onnx_type, &type);
  if (!known || (!dequantiser && type != NSC_TYPE_F32 && type != NSC_TYPE_F16)) {
    return nsc_load_refuse(l, "its weights are neither float32 nor float16");
  }
  float *values = nsc_arena_alloc(&l->arena, count, sizeof *values);
  if (!values) return nsc_fail_memory(l->err, count * sizeof *values, "weights");
  if (type == NSC_TYPE_F16) {
    NSC_TRY(read_halves(l, t, values));
  } else if (dequantiser) {
    NSC_TRY(read_quantised(l, dequantiser, t, type, values));
  } else {
    NSC_TRY(nsc_tensor_proto_read(t, values, l->err));
  }
  *out = values;
  return NSC_OK;
}
