/* Constants of a model as floats, and products with their batch norms folded in. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "nn/quantize.h"

/* The tensor that a value comes from through Cast and Identity, or NULL. Chains are short; a graph has no cycle. */
static const nsc_tensor_proto *tensor_of(const nsc_quantize_graph *g, uint32_t value) {
  const nsc_model *m = g->model;
  for (uint32_t guard = 0; guard <= m->node_count; guard++) {
    if (value == NSC_NO_VALUE) return NULL;
    if (m->values[value].initializer) return m->values[value].initializer;
    if (g->producer[value] == NSC_NO_VALUE) return NULL;
    const nsc_node *node = &m->nodes[g->producer[value]];
    if (node->domain[0]) return NULL;
    if (strcmp(node->op, "Constant") == 0) {
      for (uint32_t i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, "value") == 0) return node->attributes[i].t;
      }
      return NULL;
    }
    if ((strcmp(node->op, "Cast") != 0 && strcmp(node->op, "Identity") != 0) || node->input_count != 1) return NULL;
    value = node->inputs[0];
  }
  return NULL;
}

static bool is_float(const nsc_tensor_proto *t) {
  nsc_type type;
  return t && nsc_type_from_onnx(t->onnx_type, &type) && (type == NSC_TYPE_F32 || type == NSC_TYPE_F16);
}

bool nsc_quantize_is_constant(const nsc_quantize_graph *g, uint32_t value) {
  return is_float(tensor_of(g, value));
}

static nsc_status no_memory(size_t bytes, nsc_error *err) {
  return nsc_fail_memory(err, bytes, "quantisation");
}

nsc_status nsc_quantize_floats(nsc_quantize_graph *g, uint32_t value, const float **out, nsc_shape *shape,
                               nsc_error *err) {
  const nsc_tensor_proto *t = tensor_of(g, value);
  *out = NULL;
  if (!is_float(t)) return NSC_OK;
  float *floats = nsc_arena_alloc(&g->scratch, t->count + 1, sizeof *floats);
  if (!floats) return no_memory(t->count * sizeof *floats, err);
  nsc_type type;
  if (nsc_type_from_onnx(t->onnx_type, &type) && type == NSC_TYPE_F32) {
    NSC_TRY(nsc_tensor_proto_read(t, floats, err));
  } else {
    uint16_t *half = malloc((t->count + 1) * sizeof *half);
    if (!half) return no_memory(t->count * sizeof *half, err);
    nsc_status status = nsc_tensor_proto_read(t, half, err);
    if (status == NSC_OK) nsc_half_expand(half, t->count, floats);
    free(half);
    NSC_TRY(status);
  }
  for (size_t i = 0; i < t->count; i++) {
    if (!isfinite(floats[i])) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "\"%.60s\" holds a value that is no number", t->name);
    }
  }
  *shape = t->shape;
  *out = floats;
  return NSC_OK;
}

/* ---- products ---- */

static int64_t int_attribute(const nsc_node *node, const char *name) {
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    if (strcmp(node->attributes[i].name, name) == 0 && node->attributes[i].kind == NSC_ATTRIBUTE_INT) {
      return node->attributes[i].i;
    }
  }
  return 0;
}

/* A vector of `count` floats, one for each output; ones of another length are an error. */
static nsc_status vector(nsc_quantize_graph *g, const nsc_node *node, uint32_t input, size_t count, const float **out,
                         nsc_error *err) {
  nsc_shape shape;
  size_t have = 0;
  NSC_TRY(nsc_quantize_floats(g, node->inputs[input], out, &shape, err));
  if (*out) nsc_shape_count(&shape, &have);
  if (have == count) return NSC_OK;
  if (have == 1) {
    float *spread = nsc_arena_alloc(&g->scratch, count, sizeof *spread);
    if (!spread) return no_memory(count * sizeof *spread, err);
    for (size_t i = 0; i < count; i++) spread[i] = **out;
    *out = spread;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_SHAPE, "%.40s \"%.80s\": input %u has %zu elements for %zu outputs", node->op,
                  node->name, input, have, count);
}

static nsc_status fold_norm(nsc_quantize_graph *g, const nsc_node *norm, nsc_float_weights *w, nsc_error *err) {
  const float *in[4];
  for (uint32_t i = 0; i < 4; i++) NSC_TRY(vector(g, norm, i + 1, w->outputs, &in[i], err));
  double epsilon = 1e-5;
  for (uint32_t i = 0; i < norm->attribute_count; i++) {
    if (strcmp(norm->attributes[i].name, "epsilon") == 0) epsilon = (double)norm->attributes[i].f;
  }
  float *bias = nsc_arena_alloc(&g->scratch, w->outputs, sizeof *bias);
  if (!bias) return no_memory(w->outputs * sizeof *bias, err);
  for (size_t o = 0; o < w->outputs; o++) {
    double s = (double)in[0][o] / sqrt((double)in[3][o] + epsilon);
    bias[o] = (float)((double)in[1][o] + ((w->bias ? (double)w->bias[o] : 0) - (double)in[2][o]) * s);
    for (size_t i = 0; i < w->inner; i++) w->weights[o * w->inner + i] *= (float)s; /* Conv: outputs come first */
  }
  w->bias = bias;
  return NSC_OK;
}

nsc_status nsc_quantize_fold(nsc_quantize_graph *g, uint32_t n, nsc_float_weights *out, nsc_error *err) {
  const nsc_node *node = &g->model->nodes[n];
  nsc_float_weights w = {0};
  const float *weights, *bias = NULL;
  NSC_TRY(nsc_quantize_floats(g, node->inputs[1], &weights, &w.shape, err));
  bool conv = node->op[0] == 'C', outputs_first = conv || (node->op[0] == 'G' && int_attribute(node, "transB"));
  if (!weights || w.shape.rank < 2 || (!conv && w.shape.rank != 2)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "%.40s \"%.80s\": its weights are no matrix", node->op, node->name);
  }
  w.axis = outputs_first ? 0 : 1;
  w.outputs = (size_t)w.shape.dims[w.axis];
  w.inner = nsc_shape_product(&w.shape, w.axis + 1, w.shape.rank);
  w.weights = (float *)(uintptr_t)weights; /* a copy, made by this call */
  if (node->input_count > 2 && node->inputs[2] != NSC_NO_VALUE) {
    NSC_TRY(vector(g, node, 2, w.outputs, &bias, err));
    w.bias = (float *)(uintptr_t)bias;
  }
  if (g->norm[n] != NSC_NO_VALUE) NSC_TRY(fold_norm(g, &g->model->nodes[g->norm[n]], &w, err));
  *out = w;
  return NSC_OK;
}
