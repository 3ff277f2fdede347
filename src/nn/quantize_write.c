/*
 * Writes the quantised model: the file's own graph, nodes in order, with
 *
 *   value -> QuantizeLinear -> DequantizeLinear -> readers       where a value is quantised
 *   int8 -> DequantizeLinear -> Conv, int32 -> DequantizeLinear  for weights and biases
 *
 * One scale a channel needs opset 13; in older models these nodes come from the domain com.microsoft, which has them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/onnx_write.h"
#include "nn/quantize.h"
#include "nn/wire.h"

enum { FLOAT = 1, INT8 = 3, INT32 = 6, FLOAT16 = 10, NAME_MOST = 4000 };

typedef struct writer {
  nsc_quantize_graph *g;
  nsc_onnx_writer w;
  const char *domain; /* of the new nodes, or NULL */
  bool *needed;       /* [value_count] */
  const char **names; /* room for a node's inputs */
  nsc_error *err;
} writer;

/* A name in the scratch: value's name and a suffix. */
static nsc_status name_of(writer *w, const char *base, const char *suffix, const char **out) {
  size_t a = strlen(base), b = strlen(suffix);
  if (a > NAME_MOST) return nsc_fail(w->err, NSC_ERROR_LIMIT, "a name in the model is too long");
  char *text = nsc_arena_alloc(&w->g->scratch, a + b + 1, 1);
  if (!text) return nsc_fail_memory(w->err, a + b, "a name");
  memcpy(text, base, a);
  memcpy(text + a, suffix, b);
  *out = text;
  return NSC_OK;
}

static const char *value_name(const writer *w, uint32_t value) {
  return value == NSC_NO_VALUE ? "" : w->g->model->values[value].name;
}

/* ---- activations ---- */

static nsc_status put_scale(writer *w, const nsc_quantized_value *v, const char *name, const char *inputs[3]) {
  NSC_TRY(name_of(w, name, ".scale", &inputs[1]));
  NSC_TRY(name_of(w, name, ".zero", &inputs[2]));
  int8_t zero = (int8_t)v->zero;
  nsc_onnx_floats(&w->w, inputs[1], 0, NULL, &v->scale);
  nsc_onnx_tensor(&w->w, inputs[2], INT8, 0, NULL, &zero, 1);
  return NSC_OK;
}

/* QuantizeLinear and DequantizeLinear behind a value. */
static nsc_status put_pair(writer *w, uint32_t value) {
  const nsc_quantized_value *v = &w->g->values[value];
  const char *inputs[3] = {value_name(w, value)}, *integers, *restored;
  NSC_TRY(put_scale(w, &w->g->values[v->like], inputs[0], inputs));
  NSC_TRY(name_of(w, inputs[0], ".quantized", &integers));
  NSC_TRY(name_of(w, inputs[0], ".restored", &restored));
  nsc_onnx_node_of(&w->w, w->domain, "QuantizeLinear", integers, 3, inputs);
  inputs[0] = integers;
  nsc_onnx_node_of(&w->w, w->domain, "DequantizeLinear", restored, 3, inputs);
  return NSC_OK;
}

/* What a reader of `value` reads. */
static nsc_status input_name(writer *w, uint32_t value, const char **out) {
  *out = value_name(w, value);
  if (value == NSC_NO_VALUE || !w->g->values[value].wanted) return NSC_OK;
  return name_of(w, *out, ".restored", out);
}

/* ---- weights ---- */

/* The smallest scale that a channel may have: the bias must fit into an int32 with room for the products, and the step
   from sums to outputs be no less than XNNPACK can take. */
static double least_scale(const nsc_float_weights *f, size_t o, const nsc_quantized_value *in,
                          const nsc_quantized_value *out) {
  if (!in || !out) return 0;
  double bias = f->bias ? fabs((double)f->bias[o]) / ((double)in->scale * 0x1p28) : 0;
  return fmax(bias, (double)out->scale / (double)in->scale * 0x1p-30);
}

/* Symmetric int8, one scale an output; all zero: any scale. */
static void quantise_weights(const nsc_float_weights *f, const nsc_quantized_value *in, const nsc_quantized_value *out,
                             float *scale, int8_t *bytes) {
  size_t count = nsc_shape_product(&f->shape, 0, f->shape.rank);
  for (size_t o = 0; o < f->outputs; o++) scale[o] = 0;
  for (size_t i = 0; i < count; i++) {
    float *s = &scale[i / f->inner % f->outputs];
    *s = fmaxf(*s, fabsf(f->weights[i]));
  }
  for (size_t o = 0; o < f->outputs; o++) {
    double s = fmax((double)scale[o] / 127, least_scale(f, o, in, out));
    scale[o] = isnormal((float)s) ? (float)s : 1;
  }
  for (size_t i = 0; i < count; i++) {
    float q = nearbyintf(f->weights[i] / scale[i / f->inner % f->outputs]);
    bytes[i] = (int8_t)fminf(fmaxf(q, -127), 127);
  }
}

/* int8 and DequantizeLinear; *out is the name of the result. */
static nsc_status put_weights(writer *w, const char *base, const nsc_float_weights *f, const float *scale,
                              const int8_t *bytes, const char **out) {
  const char *inputs[3];
  const int64_t outputs = (int64_t)f->outputs;
  int8_t *zeros = nsc_arena_alloc(&w->g->scratch, f->outputs, 1);
  if (!zeros) return nsc_fail_memory(w->err, f->outputs, "zero points");
  NSC_TRY(name_of(w, base, ".weights", out));
  NSC_TRY(name_of(w, base, ".weights.int8", &inputs[0]));
  NSC_TRY(name_of(w, base, ".weights.scale", &inputs[1]));
  NSC_TRY(name_of(w, base, ".weights.zero", &inputs[2]));
  nsc_onnx_tensor(&w->w, inputs[0], INT8, f->shape.rank, f->shape.dims, bytes,
                  nsc_shape_product(&f->shape, 0, f->shape.rank));
  nsc_onnx_floats(&w->w, inputs[1], 1, &outputs, scale);
  nsc_onnx_tensor(&w->w, inputs[2], INT8, 1, &outputs, zeros, f->outputs);
  nsc_onnx_int(&w->w, "axis", f->axis);
  nsc_onnx_node_of(&w->w, w->domain, "DequantizeLinear", *out, 3, inputs);
  return NSC_OK;
}

/* int32 in steps of input times weights, or floats where the product is not computed with integers. */
static nsc_status put_bias(writer *w, const char *base, const nsc_float_weights *f, const nsc_quantized_value *in,
                           const float *scale, const char **out) {
  const int64_t outputs = (int64_t)f->outputs;
  const char *inputs[2];
  NSC_TRY(name_of(w, base, ".bias", out));
  if (!in) {
    nsc_onnx_floats(&w->w, *out, 1, &outputs, f->bias);
    return NSC_OK;
  }
  float *units = nsc_arena_alloc(&w->g->scratch, f->outputs, sizeof *units);
  int32_t *words = nsc_arena_alloc(&w->g->scratch, f->outputs, sizeof *words);
  if (!units || !words) return nsc_fail_memory(w->err, f->outputs * sizeof *units, "a bias");
  for (size_t o = 0; o < f->outputs; o++) {
    units[o] = in->scale * scale[o];
    words[o] = (int32_t)nearbyint((double)f->bias[o] / ((double)in->scale * (double)scale[o]));
  }
  NSC_TRY(name_of(w, base, ".bias.int32", &inputs[0]));
  NSC_TRY(name_of(w, base, ".bias.scale", &inputs[1]));
  nsc_onnx_tensor(&w->w, inputs[0], INT32, 1, &outputs, words, f->outputs * sizeof *words);
  nsc_onnx_floats(&w->w, inputs[1], 1, &outputs, units);
  nsc_onnx_int(&w->w, "axis", 0);
  nsc_onnx_node_of(&w->w, w->domain, "DequantizeLinear", *out, 2, inputs);
  return NSC_OK;
}

static nsc_status put_product(writer *w, uint32_t n) {
  nsc_quantize_graph *g = w->g;
  const nsc_node *node = &g->model->nodes[n];
  uint32_t output = g->norm[n] == NSC_NO_VALUE ? node->outputs[0] : g->model->nodes[g->norm[n]].outputs[0];
  const nsc_quantized_value *in = &g->values[node->inputs[0]], *out = &g->values[g->end[n]];
  bool whole = in->wanted && out->wanted;
  in = whole ? &g->values[in->like] : NULL;
  out = whole ? &g->values[out->like] : NULL;
  const char *inputs[3] = {"", "", ""}, *base = value_name(w, output);
  nsc_float_weights f;
  NSC_TRY(nsc_quantize_fold(g, n, &f, w->err));
  float *scale = nsc_arena_alloc(&g->scratch, f.outputs, sizeof *scale);
  int8_t *bytes = nsc_arena_alloc(&g->scratch, nsc_shape_product(&f.shape, 0, f.shape.rank) + 1, 1);
  if (!scale || !bytes) return nsc_fail_memory(w->err, f.outputs * f.inner, "weights");
  quantise_weights(&f, in, out, scale, bytes);
  NSC_TRY(input_name(w, node->inputs[0], &inputs[0]));
  NSC_TRY(put_weights(w, base, &f, scale, bytes, &inputs[1]));
  if (f.bias) NSC_TRY(put_bias(w, base, &f, in, scale, &inputs[2]));
  nsc_onnx_node_like(&w->w, node->message, node->message_size, f.bias ? 3 : 2, inputs, 1, &base);
  return NSC_OK;
}

/* ---- everything else ---- */

static bool is_folded_norm(const nsc_quantize_graph *g, uint32_t n) {
  return g->role[n] == NSC_ROLE_TAKEN && strcmp(g->model->nodes[n].op, "BatchNormalization") == 0;
}

static nsc_status put_node(writer *w, uint32_t n) {
  const nsc_node *node = &w->g->model->nodes[n];
  for (uint32_t i = 0; i < node->input_count; i++) NSC_TRY(input_name(w, node->inputs[i], &w->names[i]));
  const char **outputs = w->names + node->input_count;
  for (uint32_t i = 0; i < node->output_count; i++) outputs[i] = value_name(w, node->outputs[i]);
  nsc_onnx_node_like(&w->w, node->message, node->message_size, node->input_count, w->names, node->output_count,
                     outputs);
  return NSC_OK;
}

/* Backwards: what the nodes that are written read. */
static void find_needed(writer *w) {
  const nsc_quantize_graph *g = w->g;
  const nsc_model *m = g->model;
  for (uint32_t i = 0; i < m->output_count; i++) w->needed[m->outputs[i].value] = true;
  for (uint32_t n = m->node_count; n-- > 0;) {
    const nsc_node *node = &m->nodes[n];
    bool read = g->norm[n] != NSC_NO_VALUE && w->needed[m->nodes[g->norm[n]].outputs[0]];
    for (uint32_t i = 0; i < node->output_count; i++) {
      read = read || (node->outputs[i] != NSC_NO_VALUE && w->needed[node->outputs[i]]);
    }
    if (!read || is_folded_norm(g, n)) continue;
    for (uint32_t i = 0; i < (g->weights[n] ? 1 : node->input_count); i++) {
      if (node->inputs[i] != NSC_NO_VALUE) w->needed[node->inputs[i]] = true;
    }
    if (g->norm[n] != NSC_NO_VALUE) w->needed[node->outputs[0]] = true;
  }
}

static nsc_status put_nodes(writer *w) {
  const nsc_quantize_graph *g = w->g;
  const nsc_model *m = g->model;
  for (uint32_t i = 0; i < m->input_count; i++) {
    if (g->values[m->inputs[i].value].wanted) NSC_TRY(put_pair(w, m->inputs[i].value));
  }
  for (uint32_t n = 0; n < m->node_count; n++) {
    const nsc_node *node = &m->nodes[n];
    bool read = false;
    for (uint32_t i = 0; i < node->output_count; i++) {
      read = read || (node->outputs[i] != NSC_NO_VALUE && w->needed[node->outputs[i]]);
    }
    if (read && !is_folded_norm(g, n)) NSC_TRY(g->weights[n] ? put_product(w, n) : put_node(w, n));
    for (uint32_t i = 0; i < node->output_count; i++) {
      uint32_t value = node->outputs[i];
      if (value != NSC_NO_VALUE && w->needed[value] && g->values[value].wanted) NSC_TRY(put_pair(w, value));
    }
    nsc_arena_free(&w->g->scratch);
    w->g->scratch = (nsc_arena){0};
  }
  return NSC_OK;
}

/* The name of a ValueInfoProto. */
static bool is_real_input(const nsc_model *m, const nsc_wire *port) {
  nsc_wire f = nsc_wire_of(port->bytes, port->size);
  while (nsc_wire_next(&f)) {
    for (uint32_t i = 0; f.field == 1 && i < m->input_count; i++) {
      const char *have = m->values[m->inputs[i].value].name;
      if (strlen(have) == f.size && memcmp(have, f.bytes, f.size) == 0) return true;
    }
  }
  return false;
}

void nsc_quantize_copy_ports(nsc_onnx_writer *w, const nsc_model *m) {
  enum { NODE = 1, INITIALIZER = 5, INPUT = 11, VALUE_INFO = 13, ANNOTATION = 14 };
  nsc_wire f = nsc_wire_of(m->graph, m->graph_size);
  while (nsc_wire_next(&f)) {
    if (f.type != NSC_WIRE_BYTES || f.field == NODE || f.field == INITIALIZER || f.field == VALUE_INFO ||
        f.field == ANNOTATION || (f.field == INPUT && !is_real_input(m, &f))) {
      continue;
    }
    nsc_onnx_copy(w, f.field, f.bytes, f.size);
  }
}

nsc_status nsc_quantize_copy_tensor(nsc_onnx_writer *w, const nsc_tensor_proto *t, nsc_error *err) {
  enum { INITIALIZER = 5 };
  if (!t->file) {
    nsc_onnx_copy(w, INITIALIZER, t->message, t->message_size);
    return NSC_OK;
  }
  uint8_t *bytes = malloc(t->raw_size + 1);
  if (!bytes) return nsc_fail_memory(err, t->raw_size, "weights");
  nsc_status status = nsc_tensor_proto_read(t, bytes, err);
  if (status == NSC_OK) {
    nsc_onnx_tensor(w, t->name, t->onnx_type, t->shape.rank, t->shape.dims, bytes, t->raw_size);
  }
  free(bytes);
  return status;
}

static nsc_status put_constants(writer *w) {
  const nsc_model *m = w->g->model;
  for (uint32_t v = 0; v < m->value_count; v++) {
    const nsc_tensor_proto *t = m->values[v].initializer;
    if (t && w->needed[v]) NSC_TRY(nsc_quantize_copy_tensor(&w->w, t, w->err));
  }
  return NSC_OK;
}

static nsc_status write_graph(writer *w) {
  const nsc_model *m = w->g->model;
  size_t most = 0;
  for (uint32_t n = 0; n < m->node_count; n++) {
    size_t names = (size_t)m->nodes[n].input_count + m->nodes[n].output_count;
    if (names > most) most = names;
  }
  w->needed = nsc_arena_alloc(&w->g->arena, (size_t)m->value_count + 1, sizeof *w->needed);
  w->names = nsc_arena_alloc(&w->g->arena, most + 1, sizeof *w->names);
  if (!w->needed || !w->names) return nsc_fail_memory(w->err, m->value_count, "quantisation");
  if (m->opset < 13) w->domain = "com.microsoft";
  find_needed(w);
  nsc_quantize_copy_ports(&w->w, m);
  NSC_TRY(put_constants(w));
  return put_nodes(w);
}

nsc_status nsc_quantize_write(nsc_quantize_graph *g, uint32_t word_count, const char *const *keys,
                              const char *const *words, char **bytes, size_t *size, nsc_error *err) {
  writer w = {.g = g, .err = err};
  nsc_status status = write_graph(&w);
  if (status != NSC_OK) {
    nsc_onnx_drop(&w.w);
    return status;
  }
  const nsc_source *like = nsc_model_text(g->model);
  return nsc_onnx_finish_like(&w.w, like->bytes, like->size, w.domain, word_count, keys, words, bytes, size, err);
}
