/*
 * Reads ModelProto (onnx/onnx.proto, IR version 3 and newer) into nsc_model: two passes over a message, one that counts
 * and one that fills, so that everything lands in arrays of the right size. Names become numbers through a hash table
 * that lives only here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/model.h"
#include "nn/wire.h"

typedef struct reader {
  nsc_model *model;
  nsc_error *err;
  uint32_t *buckets; /* value + 1, open addressing */
  size_t bucket_count;
  uint32_t value_capacity;
  bool has_opset; /* of any domain */
} reader;

static nsc_status broken(reader *r, const char *what) {
  return nsc_fail(r->err, NSC_ERROR_CORRUPT, "the model's %s is malformed", what);
}

static nsc_status no_memory(reader *r) {
  return nsc_fail_memory(r->err, r->model->source->size, "the model's graph");
}

static size_t count_fields(const uint8_t *bytes, size_t size, uint32_t field) {
  size_t count = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) count += w.field == field;
  return count;
}

static uint64_t hash_of(const uint8_t *chars, size_t size) {
  uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
  for (size_t i = 0; i < size; i++) h = (h ^ chars[i]) * 0x100000001B3u;
  return h;
}

/* The value of that name, made when it is new. An empty name is no value. */
static nsc_status value_of(reader *r, const uint8_t *chars, size_t size, uint32_t *out) {
  nsc_model *m = r->model;
  if (size == 0) {
    *out = NSC_NO_VALUE;
    return NSC_OK;
  }
  size_t slot = (size_t)hash_of(chars, size) & (r->bucket_count - 1);
  for (; r->buckets[slot]; slot = (slot + 1) & (r->bucket_count - 1)) {
    const char *name = m->values[r->buckets[slot] - 1].name;
    if (strncmp(name, (const char *)chars, size) == 0 && name[size] == 0) {
      *out = r->buckets[slot] - 1;
      return NSC_OK;
    }
  }
  if (m->value_count == r->value_capacity) return broken(r, "list of names");
  const char *name = nsc_arena_text(&m->arena, (const char *)chars, size);
  if (!name) return no_memory(r);
  m->values[m->value_count].name = name;
  *out = m->value_count++;
  r->buckets[slot] = m->value_count;
  return NSC_OK;
}

/* Room for every name that can appear: node inputs and outputs, initializers, graph inputs and outputs. */
static nsc_status make_tables(reader *r, const uint8_t *graph, size_t size) {
  size_t names = 0, nodes = 0;
  nsc_wire w = nsc_wire_of(graph, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) {
      nodes++;
      names += count_fields(w.bytes, w.size, 1) + count_fields(w.bytes, w.size, 2);
    } else if (w.field == 5 || w.field == 11 || w.field == 12) {
      names++;
    }
  }
  if (w.broken) return broken(r, "graph");
  if (nodes > NSC_MAX_NODES) {
    return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model has %zu nodes; the limit is %d", nodes, NSC_MAX_NODES);
  }
  r->value_capacity = (uint32_t)names;
  r->model->values = nsc_arena_alloc(&r->model->arena, names + 1, sizeof *r->model->values);
  r->model->nodes = nsc_arena_alloc(&r->model->arena, nodes + 1, sizeof *r->model->nodes);
  r->bucket_count = 16;
  while (r->bucket_count < names * 2) r->bucket_count *= 2;
  r->buckets = calloc(r->bucket_count, sizeof *r->buckets);
  return r->model->values && r->model->nodes && r->buckets ? NSC_OK : no_memory(r);
}

static nsc_status read_names(reader *r, const uint8_t *bytes, size_t size, uint32_t field, uint32_t **out,
                             uint32_t *count) {
  size_t n = count_fields(bytes, size, field);
  if (n > NSC_MAX_INPUTS) return nsc_fail(r->err, NSC_ERROR_LIMIT, "a node has more than %d inputs", NSC_MAX_INPUTS);
  *out = nsc_arena_alloc(&r->model->arena, n + 1, sizeof **out);
  if (!*out) return no_memory(r);
  *count = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == field) NSC_TRY(value_of(r, w.bytes, w.size, &(*out)[(*count)++]));
  }
  return NSC_OK;
}

static nsc_status read_text(reader *r, const nsc_wire *w, const char **out) {
  *out = nsc_arena_text(&r->model->arena, (const char *)w->bytes, w->size);
  return *out ? NSC_OK : no_memory(r);
}

/* Repeated int64 or float, packed or not: a first pass counts, a second fills. */
static nsc_status read_list(reader *r, const uint8_t *bytes, size_t size, uint32_t field, nsc_attribute *a) {
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
          if (packed.broken) return broken(r, "attribute");
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
    if (!a->floats && !a->ints) return no_memory(r);
  }
  return NSC_OK;
}

static nsc_status read_attribute(reader *r, const uint8_t *bytes, size_t size, nsc_attribute *a) {
  int64_t declared = 0;
  a->name = "";
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 1:
        NSC_TRY(read_text(r, &w, &a->name));
        break;
      case 2:
        if (w.size != 4) return broken(r, "attribute");
        a->f = nsc_load_f32(w.bytes, false);
        a->kind = NSC_ATTRIBUTE_FLOAT;
        break;
      case 3:
        a->i = (int64_t)w.varint;
        a->kind = NSC_ATTRIBUTE_INT;
        break;
      case 4:
        NSC_TRY(read_text(r, &w, &a->s));
        a->kind = NSC_ATTRIBUTE_STRING;
        break;
      case 5:
        a->t = nsc_arena_alloc(&r->model->arena, 1, sizeof *a->t);
        if (!a->t) return no_memory(r);
        NSC_TRY(nsc_onnx_read_tensor(&r->model->arena, w.bytes, w.size, a->t, r->err));
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
      default:
        break;
    }
  }
  if (w.broken) return broken(r, "attribute");
  /* Fields that hold zero, or an empty list, may be left out: then the declared type decides. */
  if (!a->kind && declared >= NSC_ATTRIBUTE_FLOAT && declared <= NSC_ATTRIBUTE_INTS) {
    a->kind = (nsc_attribute_kind)declared;
    if (a->kind == NSC_ATTRIBUTE_STRING) a->s = "";
    if (a->kind == NSC_ATTRIBUTE_TENSOR) return broken(r, "attribute");
  }
  if (a->kind == NSC_ATTRIBUTE_FLOATS) return read_list(r, bytes, size, 7, a);
  if (a->kind == NSC_ATTRIBUTE_INTS) return read_list(r, bytes, size, 8, a);
  return NSC_OK;
}

static nsc_status read_node(reader *r, const uint8_t *bytes, size_t size, nsc_node *node) {
  node->name = node->op = node->domain = "";
  node->message = bytes;
  node->message_size = size;
  NSC_TRY(read_names(r, bytes, size, 1, &node->inputs, &node->input_count));
  NSC_TRY(read_names(r, bytes, size, 2, &node->outputs, &node->output_count));
  node->attributes = nsc_arena_alloc(&r->model->arena, count_fields(bytes, size, 5) + 1, sizeof *node->attributes);
  if (!node->attributes) return no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 3:
        NSC_TRY(read_text(r, &w, &node->name));
        break;
      case 4:
        NSC_TRY(read_text(r, &w, &node->op));
        break;
      case 5:
        NSC_TRY(read_attribute(r, w.bytes, w.size, &node->attributes[node->attribute_count++]));
        break;
      case 7:
        NSC_TRY(read_text(r, &w, &node->domain));
        break;
      default:
        break;
    }
  }
  return w.broken ? broken(r, "node") : NSC_OK;
}

static nsc_status read_dim(reader *r, const nsc_wire *dim, nsc_port *port) {
  if (port->rank == NSC_MAX_RANK) {
    return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "an input has more than %d dimensions", NSC_MAX_RANK);
  }
  int64_t *size = &port->dims[port->rank];
  *size = -1;
  nsc_wire w = nsc_wire_of(dim->bytes, dim->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1 && (int64_t)w.varint > 0) *size = (int64_t)w.varint;
    if (w.field == 2) NSC_TRY(read_text(r, &w, &port->dim_names[port->rank]));
  }
  port->rank++;
  return w.broken ? broken(r, "input shape") : NSC_OK;
}

static nsc_status read_tensor_type(reader *r, const nsc_wire *type, nsc_port *port) {
  nsc_wire w = nsc_wire_of(type->bytes, type->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) port->onnx_type = (int32_t)w.varint;
    if (w.field == 2) {
      port->has_shape = true;
      nsc_wire dims = nsc_wire_of(w.bytes, w.size);
      while (nsc_wire_next(&dims)) {
        if (dims.field == 1) NSC_TRY(read_dim(r, &dims, port));
      }
      if (dims.broken) return broken(r, "input shape");
    }
  }
  return w.broken ? broken(r, "input type") : NSC_OK;
}

static nsc_status read_port(reader *r, const uint8_t *bytes, size_t size, nsc_port *port) {
  port->value = NSC_NO_VALUE;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) NSC_TRY(value_of(r, w.bytes, w.size, &port->value));
    if (w.field != 2) continue;
    nsc_wire type = nsc_wire_of(w.bytes, w.size);
    while (nsc_wire_next(&type)) {
      if (type.field == 1) NSC_TRY(read_tensor_type(r, &type, port));
    }
    if (type.broken) return broken(r, "input type");
  }
  return w.broken || port->value == NSC_NO_VALUE ? broken(r, "list of inputs and outputs") : NSC_OK;
}

static nsc_status read_initializer(reader *r, const uint8_t *bytes, size_t size) {
  nsc_tensor_proto *t = nsc_arena_alloc(&r->model->arena, 1, sizeof *t);
  if (!t) return no_memory(r);
  NSC_TRY(nsc_onnx_read_tensor(&r->model->arena, bytes, size, t, r->err));
  uint32_t value;
  NSC_TRY(value_of(r, (const uint8_t *)t->name, strlen(t->name), &value));
  if (value == NSC_NO_VALUE) return broken(r, "initializer");
  r->model->values[value].initializer = t;
  return NSC_OK;
}

/* Old exporters list weights among the inputs: only the others are real inputs. */
static void drop_initialised_inputs(nsc_model *m) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < m->input_count; i++) {
    if (!m->values[m->inputs[i].value].initializer) m->inputs[kept++] = m->inputs[i];
  }
  m->input_count = kept;
}

static nsc_status read_graph(reader *r, const uint8_t *bytes, size_t size) {
  nsc_model *m = r->model;
  NSC_TRY(make_tables(r, bytes, size));
  m->inputs = nsc_arena_alloc(&m->arena, count_fields(bytes, size, 11) + 1, sizeof *m->inputs);
  m->outputs = nsc_arena_alloc(&m->arena, count_fields(bytes, size, 12) + 1, sizeof *m->outputs);
  if (!m->inputs || !m->outputs) return no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 1:
        NSC_TRY(read_node(r, w.bytes, w.size, &m->nodes[m->node_count++]));
        break;
      case 2:
        NSC_TRY(read_text(r, &w, &m->graph_name));
        break;
      case 5:
        NSC_TRY(read_initializer(r, w.bytes, w.size));
        break;
      case 11:
        NSC_TRY(read_port(r, w.bytes, w.size, &m->inputs[m->input_count++]));
        break;
      case 12:
        NSC_TRY(read_port(r, w.bytes, w.size, &m->outputs[m->output_count++]));
        break;
      case 15:
        return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "the model has sparse initializers");
      default:
        break;
    }
  }
  if (m->output_count == 0) return broken(r, "graph");
  drop_initialised_inputs(m);
  return NSC_OK;
}

/* Kahn's algorithm: the order of the file where that is right, else one that is. */
static nsc_status sort_nodes(reader *r) {
  nsc_model *m = r->model;
  uint8_t *ready = calloc(m->value_count + 1, 1), *done = calloc(m->node_count + 1, 1);
  nsc_node *sorted = nsc_arena_alloc(&m->arena, m->node_count + 1, sizeof *sorted);
  nsc_status status = ready && done && sorted ? NSC_OK : no_memory(r);
  for (uint32_t i = 0; status == NSC_OK && i < m->value_count; i++) ready[i] = m->values[i].initializer != NULL;
  for (uint32_t i = 0; status == NSC_OK && i < m->input_count; i++) ready[m->inputs[i].value] = 1;
  uint32_t count = 0;
  bool moved = true;
  while (status == NSC_OK && count < m->node_count && moved) {
    moved = false;
    for (uint32_t n = 0; n < m->node_count; n++) {
      nsc_node *node = &m->nodes[n];
      bool waits = done[n];
      for (uint32_t i = 0; i < node->input_count && !waits; i++) {
        waits = node->inputs[i] != NSC_NO_VALUE && !ready[node->inputs[i]];
      }
      if (waits) continue;
      done[n] = 1;
      moved = true;
      sorted[count++] = *node;
      for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] == NSC_NO_VALUE) continue;
        if (ready[node->outputs[i]]) {
          status = nsc_fail(r->err, NSC_ERROR_CORRUPT, "\"%.60s\" is computed twice", m->values[node->outputs[i]].name);
        }
        ready[node->outputs[i]] = 1;
      }
    }
  }
  if (status == NSC_OK && count < m->node_count) {
    status =
        nsc_fail(r->err, NSC_ERROR_CORRUPT, "the graph has a cycle, or a node with an input that nothing computes");
  }
  for (uint32_t i = 0; status == NSC_OK && i < m->output_count; i++) {
    if (!ready[m->outputs[i].value]) {
      status = nsc_fail(r->err, NSC_ERROR_CORRUPT, "nothing computes the output \"%.60s\"",
                        m->values[m->outputs[i].value].name);
    }
  }
  m->nodes = sorted;
  free(ready);
  free(done);
  return status;
}

static nsc_status read_opset(reader *r, const uint8_t *bytes, size_t size) {
  bool is_default = true;
  int64_t version = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) is_default = w.size == 0 || (w.size == 7 && memcmp(w.bytes, "ai.onnx", 7) == 0);
    if (w.field == 2) version = (int64_t)w.varint;
  }
  if (w.broken) return broken(r, "opset");
  r->has_opset = true;
  if (is_default) r->model->opset = version;
  return NSC_OK;
}

static nsc_status read_metadata(reader *r, const uint8_t *bytes, size_t size) {
  struct nsc_metadata *entry = &r->model->metadata[r->model->metadata_count++];
  entry->key = entry->value = "";
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) NSC_TRY(read_text(r, &w, &entry->key));
    if (w.field == 2) {
      NSC_TRY(read_text(r, &w, &entry->value));
      entry->value_size = w.size;
    }
  }
  return w.broken ? broken(r, "metadata") : NSC_OK;
}

static nsc_status check_header(reader *r, const uint8_t *graph, bool broken_wire) {
  nsc_model *m = r->model;
  /* Other files may look like protobuf for a while; only ONNX has an IR version and a graph or an opset. */
  if (m->ir_version < 1 || m->ir_version > 1000 || (!graph && !r->has_opset)) {
    bool looks_cut = broken_wire && m->ir_version >= 1 && m->ir_version <= 1000;
    return nsc_fail(r->err, looks_cut ? NSC_ERROR_TRUNCATED : NSC_ERROR_UNKNOWN_FORMAT,
                    looks_cut ? "the ONNX model ends before its graph" : "this is not an ONNX model");
  }
  if (broken_wire || !graph || !r->has_opset) {
    return nsc_fail(r->err, NSC_ERROR_TRUNCATED, "the ONNX model is cut off or damaged");
  }
  if (!m->opset) return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "the model imports no operators of the domain ai.onnx");
  if (m->ir_version < 3 || m->opset < NSC_MIN_OPSET || m->opset > NSC_MAX_OPSET) {
    return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "ONNX opset %lld (IR %lld): opsets %d to %d are supported",
                    (long long)m->opset, (long long)m->ir_version, NSC_MIN_OPSET, NSC_MAX_OPSET);
  }
  return NSC_OK;
}

static nsc_status read_model(reader *r) {
  nsc_model *m = r->model;
  const uint8_t *bytes = m->source->bytes, *graph = NULL;
  size_t size = m->source->size, graph_size = 0;
  m->producer = m->graph_name = "";
  m->metadata = nsc_arena_alloc(&m->arena, count_fields(bytes, size, 14) + 1, sizeof *m->metadata);
  if (!m->metadata) return no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    bool message = w.type == NSC_WIRE_BYTES;
    if (w.field == 1 && w.type == NSC_WIRE_VARINT) m->ir_version = (int64_t)w.varint;
    if (w.field == 2 && message) NSC_TRY(read_text(r, &w, &m->producer));
    if (w.field == 7 && message) {
      graph = w.bytes;
      graph_size = w.size;
    }
    if (w.field == 8 && message) NSC_TRY(read_opset(r, w.bytes, w.size));
    if (w.field == 14 && message) NSC_TRY(read_metadata(r, w.bytes, w.size));
  }
  NSC_TRY(check_header(r, graph, w.broken));
  m->graph = graph;
  m->graph_size = graph_size;
  NSC_TRY(read_graph(r, graph, graph_size));
  return sort_nodes(r);
}

nsc_status nsc_onnx_read(nsc_model *model, nsc_error *err) {
  reader r = {.model = model, .err = err};
  nsc_status status = read_model(&r);
  free(r.buckets);
  return status;
}
