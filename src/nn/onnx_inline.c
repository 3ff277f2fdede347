/* Functions of the model's own (FunctionProto) and branches of If, written out into the flat graph. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nn/onnx_reader.h"

/* Far above what exporters write; each name of a body is compared with all formal ones. */
enum { MAX_FUNCTIONS = 1024, MAX_FORMAL = 256 };

nsc_status nsc_onnx_read_function(nsc_onnx_reader *r, const uint8_t *bytes, size_t size) {
  nsc_onnx_function f = {.bytes = bytes, .size = size};
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1 && w.type == NSC_WIRE_BYTES) f.name = w.bytes, f.name_size = w.size;
    if (w.field == 10 && w.type == NSC_WIRE_BYTES) f.domain = w.bytes, f.domain_size = w.size;
    if (w.field != 9) continue;
    nsc_wire opset = nsc_wire_of(w.bytes, w.size);
    bool standard = true;
    int64_t version = 0;
    while (nsc_wire_next(&opset)) {
      if (opset.field == 1) standard = opset.size == 0 || (opset.size == 7 && memcmp(opset.bytes, "ai.onnx", 7) == 0);
      if (opset.field == 2) version = (int64_t)opset.varint;
    }
    if (standard) f.opset = version;
  }
  if (w.broken || f.name_size == 0) return nsc_onnx_broken(r, "list of functions");
  if (r->function_count == MAX_FUNCTIONS ||
      nsc_onnx_count_fields(bytes, size, 4) + nsc_onnx_count_fields(bytes, size, 5) > MAX_FORMAL) {
    return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model has more than %d functions, or one with more than %d names",
                    MAX_FUNCTIONS, MAX_FORMAL);
  }
  r->functions[r->function_count++] = f;
  return NSC_OK;
}

/* A prefix that no other body has: "3:layer_norm/". */
static nsc_status make_prefix(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const char *what, const char **out) {
  char text[200];
  int n = snprintf(text, sizeof text, "%.100s%u:%.40s/", scope->prefix, ++r->bodies, what);
  *out = nsc_arena_text(&r->model->arena, text, (size_t)n);
  return *out ? NSC_OK : nsc_onnx_no_memory(r);
}

static nsc_status go_deeper(nsc_onnx_reader *r, const nsc_onnx_scope *scope, nsc_onnx_scope *inner) {
  inner->depth = scope->depth + 1;
  inner->guard = scope->guard;
  if (inner->depth <= NSC_MAX_NESTING) return NSC_OK;
  return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model's functions are nested more than %d deep", NSC_MAX_NESTING);
}

/* The values of a call behind the formal names of field `field`; where an output is not wanted, the body has its own.
 */
static void bind(nsc_onnx_scope *inner, const nsc_onnx_function *f, uint32_t field, const uint32_t *values,
                 uint32_t count) {
  uint32_t i = 0;
  nsc_wire w = nsc_wire_of(f->bytes, f->size);
  while (nsc_wire_next(&w)) {
    if (w.field != field) continue;
    uint32_t value = i < count ? values[i] : NSC_NO_VALUE;
    i++;
    if (field == 5 && value == NSC_NO_VALUE) continue;
    inner->bindings[inner->binding_count++] = (nsc_onnx_binding){w.bytes, w.size, value};
  }
}

nsc_status nsc_onnx_write_out_function(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const nsc_onnx_function *f,
                                       const uint8_t *bytes, size_t size) {
  nsc_node call;
  r->model->written_out = true;
  nsc_onnx_scope inner = {.call = &call, .defaults = f->bytes, .defaults_size = f->size};
  NSC_TRY(nsc_onnx_plain_node(r, scope, bytes, size, &call));
  if (f->opset && f->opset != r->model->opset) {
    return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "function \"%.60s\" is of opset %lld, the model of opset %lld",
                    call.op, (long long)f->opset, (long long)r->model->opset);
  }
  NSC_TRY(go_deeper(r, scope, &inner));
  NSC_TRY(make_prefix(r, scope, call.name[0] ? call.name : call.op, &inner.prefix));
  inner.bindings = nsc_arena_alloc(&r->model->arena, MAX_FORMAL, sizeof *inner.bindings);
  if (!inner.bindings) return nsc_onnx_no_memory(r);
  bind(&inner, f, 4, call.inputs, call.input_count);
  bind(&inner, f, 5, call.outputs, call.output_count);
  nsc_wire w = nsc_wire_of(f->bytes, f->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 7) NSC_TRY(nsc_onnx_take_node(r, &inner, w.bytes, w.size));
  }
  return w.broken ? nsc_onnx_broken(r, "list of functions") : NSC_OK;
}

/* ---- If ---- */

/* Names that a branch defines are its own, also before the node that defines them. */
static nsc_status declare_names(nsc_onnx_reader *r, const nsc_onnx_scope *inner, const uint8_t *graph, size_t size) {
  uint32_t value;
  nsc_wire w = nsc_wire_of(graph, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 5) NSC_TRY(nsc_onnx_initializer(r, inner, w.bytes, w.size));
    if (w.field != 1) continue;
    nsc_wire node = nsc_wire_of(w.bytes, w.size);
    while (nsc_wire_next(&node)) {
      if (node.field == 2) NSC_TRY(nsc_onnx_declare(r, inner, node.bytes, node.size, &value));
    }
  }
  return w.broken ? nsc_onnx_broken(r, "branch of an If") : NSC_OK;
}

/* What a branch gives: values in `out`, which has room for `count` of them. */
static nsc_status read_outputs(nsc_onnx_reader *r, const nsc_onnx_scope *inner, const uint8_t *graph, size_t size,
                               uint32_t *out, uint32_t count) {
  uint32_t have = 0;
  nsc_wire w = nsc_wire_of(graph, size);
  while (nsc_wire_next(&w)) {
    if (w.field != 12) continue;
    if (have == count) return nsc_onnx_broken(r, "branch of an If");
    nsc_wire port = nsc_wire_of(w.bytes, w.size);
    out[have] = NSC_NO_VALUE;
    while (nsc_wire_next(&port)) {
      if (port.field == 1) NSC_TRY(nsc_onnx_value(r, inner, port.bytes, port.size, &out[have]));
    }
    if (out[have++] == NSC_NO_VALUE) return nsc_onnx_broken(r, "branch of an If");
  }
  return have == count ? NSC_OK : nsc_onnx_broken(r, "branch of an If");
}

static nsc_status write_out_branch(nsc_onnx_reader *r, const nsc_onnx_scope *scope, uint32_t condition, bool when,
                                   const uint8_t *graph, size_t size, uint32_t *out, uint32_t count) {
  nsc_onnx_scope inner = {.outer = scope};
  nsc_guard *guard = nsc_arena_alloc(&r->model->arena, 1, sizeof *guard);
  if (!guard) return nsc_onnx_no_memory(r);
  NSC_TRY(go_deeper(r, scope, &inner));
  NSC_TRY(make_prefix(r, scope, when ? "then" : "else", &inner.prefix));
  *guard = (nsc_guard){scope->guard, condition, when};
  inner.guard = guard;
  NSC_TRY(declare_names(r, &inner, graph, size));
  nsc_wire w = nsc_wire_of(graph, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) NSC_TRY(nsc_onnx_take_node(r, &inner, w.bytes, w.size));
  }
  return read_outputs(r, &inner, graph, size, out, count);
}

/* Both branches, and in place of the If a node that takes the one or the other's outputs: If(condition, then...,
 * else...). */
nsc_status nsc_onnx_write_out_if(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size,
                                 const uint8_t *branches[2], const size_t sizes[2]) {
  nsc_node node;
  r->model->written_out = true;
  NSC_TRY(nsc_onnx_plain_node(r, scope, bytes, size, &node));
  if (node.input_count != 1 || node.inputs[0] == NSC_NO_VALUE || node.output_count == 0) {
    return nsc_onnx_broken(r, "If");
  }
  uint32_t condition = node.inputs[0], outputs = node.output_count;
  node.inputs = nsc_arena_alloc(&r->model->arena, 2 * (size_t)outputs + 1, sizeof *node.inputs);
  if (!node.inputs) return nsc_onnx_no_memory(r);
  node.input_count = 2 * outputs + 1;
  node.inputs[0] = condition;
  for (int i = 0; i < 2; i++) {
    NSC_TRY(write_out_branch(r, scope, condition, i == 0, branches[i], sizes[i], node.inputs + 1 + (i ? outputs : 0),
                             outputs));
  }
  nsc_node *place;
  NSC_TRY(nsc_onnx_next_node(r, &place));
  *place = node;
  return NSC_OK;
}
