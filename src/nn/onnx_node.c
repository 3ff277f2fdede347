/* NodeProto, AttributeProto and initializers: one node of the flat graph, or the body that a node stands for. */
#include <string.h>

#include "base/error.h"
#include "nn/onnx_reader.h"

/* Tensors whose elements are in another file wait for it in a list. */
static nsc_status read_tensor(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, nsc_tensor_proto *out) {
  nsc_model *m = r->model;
  NSC_TRY(nsc_onnx_read_tensor(&m->arena, m->outline ? m->source : NULL, bytes, size, out, r->err));
  if (!out->location) return NSC_OK;
  out->next_external = m->external;
  m->external = out;
  return NSC_OK;
}

/* Repeated int64 or float, packed or not: a first pass counts, a second fills. */
static nsc_status read_list(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, uint32_t field, nsc_attribute *a) {
  for (int pass = 0; pass < 2; pass++) {
    size_t n = 0;
    nsc_wire w = nsc_wire_of(bytes, size);
    while (nsc_wire_next(&w)) {
      if (w.field != field) continue;
      if (field == 7) {
        for (size_t at = 0; at + 4 <= w.size; at += 4, n++) {
          if (pass) a->floats[n] = nsc_load_f32(w.bytes + at, false);
        }
      } else if (w.type == NSC_WIRE_VARINT) {
        if (pass) a->ints[n] = (int64_t)w.varint;
        n++;
      } else {
        nsc_wire packed = nsc_wire_of(w.bytes, w.size);
        while (nsc_reader_left(&packed.reader) && !packed.broken) {
          int64_t value = (int64_t)nsc_wire_varint(&packed);
          if (packed.broken) return nsc_onnx_broken(r, "attribute");
          if (pass) a->ints[n] = value;
          n++;
        }
      }
    }
    if (pass) return NSC_OK;
    if (n > NSC_MAX_ATTRIBUTE) return nsc_fail(r->err, NSC_ERROR_LIMIT, "attribute \"%.60s\" is too long", a->name);
    a->count = (uint32_t)n;
    if (field == 7) {
      a->floats = nsc_arena_alloc(&r->model->arena, n + 1, sizeof *a->floats);
    } else {
      a->ints = nsc_arena_alloc(&r->model->arena, n + 1, sizeof *a->ints);
    }
    if (!a->floats && !a->ints) return nsc_onnx_no_memory(r);
  }
  return NSC_OK;
}

static nsc_status read_attribute(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, nsc_attribute *a,
                                 nsc_wire *reference) {
  int64_t declared = 0;
  *reference = nsc_wire_of(NULL, 0);
  a->name = "";
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 1:
        NSC_TRY(nsc_onnx_text(r, &w, &a->name));
        break;
      case 2:
        if (w.size != 4) return nsc_onnx_broken(r, "attribute");
        a->f = nsc_load_f32(w.bytes, false);
        a->kind = NSC_ATTRIBUTE_FLOAT;
        break;
      case 3:
        a->i = (int64_t)w.varint;
        a->kind = NSC_ATTRIBUTE_INT;
        break;
      case 4:
        NSC_TRY(nsc_onnx_text(r, &w, &a->s));
        a->kind = NSC_ATTRIBUTE_STRING;
        break;
      case 5:
        a->t = nsc_arena_alloc(&r->model->arena, 1, sizeof *a->t);
        if (!a->t) return nsc_onnx_no_memory(r);
        NSC_TRY(read_tensor(r, w.bytes, w.size, a->t));
        a->kind = NSC_ATTRIBUTE_TENSOR;
        break;
      case 6:
        a->kind = NSC_ATTRIBUTE_GRAPH;
        break;
      case 7:
        a->kind = NSC_ATTRIBUTE_FLOATS;
        break;
      case 8:
        a->kind = NSC_ATTRIBUTE_INTS;
        break;
      case 9:
      case 10:
        a->kind = NSC_ATTRIBUTE_OTHER;
        break;
      case 20:
        declared = (int64_t)w.varint;
        break;
      case 21:
        *reference = w;
        break;
      default:
        break;
    }
  }
  if (w.broken) return nsc_onnx_broken(r, "attribute");
  /* Fields that hold zero, or an empty list, may be left out: then the declared type decides. */
  if (!a->kind && declared >= NSC_ATTRIBUTE_FLOAT && declared <= NSC_ATTRIBUTE_INTS) {
    a->kind = (nsc_attribute_kind)declared;
    if (a->kind == NSC_ATTRIBUTE_STRING) a->s = "";
    if (a->kind == NSC_ATTRIBUTE_TENSOR) return nsc_onnx_broken(r, "attribute");
  }
  if (a->kind == NSC_ATTRIBUTE_FLOATS) return read_list(r, bytes, size, 7, a);
  if (a->kind == NSC_ATTRIBUTE_INTS) return read_list(r, bytes, size, 8, a);
  return NSC_OK;
}

/* The attribute of the function's call, or its default, that a body's node refers to; false when neither is given. */
static nsc_status refer(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const nsc_wire *name, nsc_attribute *a,
                        bool *given) {
  const nsc_onnx_scope *f = scope;
  while (f->outer) f = f->outer;
  const char *own = a->name;
  *given = false;
  for (uint32_t i = 0; f->call && i < f->call->attribute_count; i++) {
    const nsc_attribute *from = &f->call->attributes[i];
    if (strlen(from->name) != name->size || memcmp(from->name, name->bytes, name->size) != 0) continue;
    *a = *from;
    a->name = own;
    *given = true;
    return NSC_OK;
  }
  nsc_wire w = nsc_wire_of(f->defaults, f->defaults_size);
  while (nsc_wire_next(&w)) {
    nsc_attribute standard = {0};
    nsc_wire reference;
    if (w.field != 11) continue;
    NSC_TRY(read_attribute(r, w.bytes, w.size, &standard, &reference));
    if (strlen(standard.name) != name->size || memcmp(standard.name, name->bytes, name->size) != 0) continue;
    *a = standard;
    a->name = own;
    *given = true;
    return NSC_OK;
  }
  return NSC_OK;
}

static nsc_status read_names(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size,
                             uint32_t field, uint32_t **out, uint32_t *count) {
  size_t n = nsc_onnx_count_fields(bytes, size, field);
  if (n > NSC_MAX_INPUTS) return nsc_fail(r->err, NSC_ERROR_LIMIT, "a node has more than %d inputs", NSC_MAX_INPUTS);
  *out = nsc_arena_alloc(&r->model->arena, n + 1, sizeof **out);
  if (!*out) return nsc_onnx_no_memory(r);
  *count = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == field) NSC_TRY(nsc_onnx_value(r, scope, w.bytes, w.size, &(*out)[(*count)++]));
  }
  return NSC_OK;
}

nsc_status nsc_onnx_plain_node(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size,
                               nsc_node *node) {
  *node = (nsc_node){.name = "", .op = "", .domain = "", .guard = scope->guard};
  node->message = bytes;
  node->message_size = size;
  NSC_TRY(read_names(r, scope, bytes, size, 1, &node->inputs, &node->input_count));
  NSC_TRY(read_names(r, scope, bytes, size, 2, &node->outputs, &node->output_count));
  size_t attributes = nsc_onnx_count_fields(bytes, size, 5);
  node->attributes = nsc_arena_alloc(&r->model->arena, attributes + 1, sizeof *node->attributes);
  if (!node->attributes) return nsc_onnx_no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size), reference;
  while (nsc_wire_next(&w)) {
    nsc_attribute *a = &node->attributes[node->attribute_count];
    bool given = true;
    switch (w.field) {
      case 3:
        NSC_TRY(nsc_onnx_text(r, &w, &node->name));
        break;
      case 4:
        NSC_TRY(nsc_onnx_text(r, &w, &node->op));
        break;
      case 5:
        NSC_TRY(read_attribute(r, w.bytes, w.size, a, &reference));
        if (reference.size) NSC_TRY(refer(r, scope, &reference, a, &given));
        node->attribute_count += given;
        if (!given) *a = (nsc_attribute){0};
        break;
      case 7:
        NSC_TRY(nsc_onnx_text(r, &w, &node->domain));
        break;
      default:
        break;
    }
  }
  if (strcmp(node->domain, "ai.onnx") == 0) node->domain = "";
  return w.broken ? nsc_onnx_broken(r, "node") : NSC_OK;
}

nsc_status nsc_onnx_next_node(nsc_onnx_reader *r, nsc_node **out) {
  if (r->model->node_count == r->node_capacity) return nsc_onnx_broken(r, "graph");
  *out = &r->model->nodes[r->model->node_count++];
  return NSC_OK;
}

nsc_status nsc_onnx_take_node(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size) {
  const uint8_t *branches[2];
  size_t sizes[2];
  nsc_node *node;
  const nsc_onnx_function *function = nsc_onnx_called(r, bytes, size);
  if (function) return nsc_onnx_write_out_function(r, scope, function, bytes, size);
  if (nsc_onnx_branches(bytes, size, branches, sizes)) {
    return nsc_onnx_write_out_if(r, scope, bytes, size, branches, sizes);
  }
  NSC_TRY(nsc_onnx_next_node(r, &node));
  return nsc_onnx_plain_node(r, scope, bytes, size, node);
}

nsc_status nsc_onnx_initializer(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size) {
  nsc_tensor_proto *t = nsc_arena_alloc(&r->model->arena, 1, sizeof *t);
  if (!t) return nsc_onnx_no_memory(r);
  NSC_TRY(read_tensor(r, bytes, size, t));
  uint32_t value;
  NSC_TRY(nsc_onnx_declare(r, scope, (const uint8_t *)t->name, strlen(t->name), &value));
  if (value == NSC_NO_VALUE) return nsc_onnx_broken(r, "initializer");
  r->model->values[value].initializer = t;
  return NSC_OK;
}
