/*
 * Reads ModelProto (onnx/onnx.proto, IR version 3 and newer) into nsc_model: two passes over a message, one that counts
 * and one that fills, so that everything lands in arrays of the right size. Names become numbers through a hash table
 * that lives only here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/onnx_reader.h"

/* The graph itself: names without prefix, everything wanted. */
static const nsc_onnx_scope top = {.prefix = ""};

static nsc_status read_dim(nsc_onnx_reader *r, const nsc_wire *dim, nsc_port *port) {
  if (port->rank == NSC_MAX_RANK) {
    return nsc_fail(r->err, NSC_ERROR_UNSUPPORTED, "an input has more than %d dimensions", NSC_MAX_RANK);
  }
  int64_t *size = &port->dims[port->rank];
  *size = -1;
  nsc_wire w = nsc_wire_of(dim->bytes, dim->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1 && (int64_t)w.varint > 0) *size = (int64_t)w.varint;
    if (w.field == 2) NSC_TRY(nsc_onnx_text(r, &w, &port->dim_names[port->rank]));
  }
  port->rank++;
  return w.broken ? nsc_onnx_broken(r, "input shape") : NSC_OK;
}

static nsc_status read_tensor_type(nsc_onnx_reader *r, const nsc_wire *type, nsc_port *port) {
  nsc_wire w = nsc_wire_of(type->bytes, type->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) port->onnx_type = (int32_t)w.varint;
    if (w.field == 2) {
      port->has_shape = true;
      nsc_wire dims = nsc_wire_of(w.bytes, w.size);
      while (nsc_wire_next(&dims)) {
        if (dims.field == 1) NSC_TRY(read_dim(r, &dims, port));
      }
      if (dims.broken) return nsc_onnx_broken(r, "input shape");
    }
  }
  return w.broken ? nsc_onnx_broken(r, "input type") : NSC_OK;
}

static nsc_status read_port(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, nsc_port *port) {
  port->value = NSC_NO_VALUE;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) NSC_TRY(nsc_onnx_value(r, &top, w.bytes, w.size, &port->value));
    if (w.field != 2) continue;
    nsc_wire type = nsc_wire_of(w.bytes, w.size);
    while (nsc_wire_next(&type)) {
      if (type.field == 1) NSC_TRY(read_tensor_type(r, &type, port));
    }
    if (type.broken) return nsc_onnx_broken(r, "input type");
  }
  return w.broken || port->value == NSC_NO_VALUE ? nsc_onnx_broken(r, "list of inputs and outputs") : NSC_OK;
}

/* Old exporters list weights among the inputs: only the others are real inputs. */
static void drop_initialised_inputs(nsc_model *m) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < m->input_count; i++) {
    if (!m->values[m->inputs[i].value].initializer) m->inputs[kept++] = m->inputs[i];
  }
  m->input_count = kept;
}

static nsc_status read_graph(nsc_onnx_reader *r, const uint8_t *bytes, size_t size) {
  nsc_model *m = r->model;
  NSC_TRY(nsc_onnx_make_tables(r, bytes, size));
  m->inputs = nsc_arena_alloc(&m->arena, nsc_onnx_count_fields(bytes, size, 11) + 1, sizeof *m->inputs);
  m->outputs = nsc_arena_alloc(&m->arena, nsc_onnx_count_fields(bytes, size, 12) + 1, sizeof *m->outputs);
  if (!m->inputs || !m->outputs) return nsc_onnx_no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 1:
        NSC_TRY(nsc_onnx_take_node(r, &top, w.bytes, w.size));
        break;
      case 2:
        NSC_TRY(nsc_onnx_text(r, &w, &m->graph_name));
        break;
      case 5:
        NSC_TRY(nsc_onnx_initializer(r, &top, w.bytes, w.size));
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
  if (m->output_count == 0) return nsc_onnx_broken(r, "graph");
  drop_initialised_inputs(m);
  return NSC_OK;
}

/* Kahn's algorithm: the order of the file where that is right, else one that is. */
static nsc_status sort_nodes(nsc_onnx_reader *r) {
  nsc_model *m = r->model;
  uint8_t *ready = calloc(m->value_count + 1, 1), *done = calloc(m->node_count + 1, 1);
  nsc_node *sorted = nsc_arena_alloc(&m->arena, m->node_count + 1, sizeof *sorted);
  nsc_status status = ready && done && sorted ? NSC_OK : nsc_onnx_no_memory(r);
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
      for (const nsc_guard *g = node->guard; g && !waits; g = g->outer) waits = !ready[g->condition];
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

static nsc_status read_opset(nsc_onnx_reader *r, const uint8_t *bytes, size_t size) {
  bool is_default = true;
  int64_t version = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) is_default = w.size == 0 || (w.size == 7 && memcmp(w.bytes, "ai.onnx", 7) == 0);
    if (w.field == 2) version = (int64_t)w.varint;
  }
  if (w.broken) return nsc_onnx_broken(r, "opset");
  r->has_opset = true;
  if (is_default) r->model->opset = version;
  return NSC_OK;
}

static nsc_status read_metadata(nsc_onnx_reader *r, const uint8_t *bytes, size_t size) {
  struct nsc_metadata *entry = &r->model->metadata[r->model->metadata_count++];
  entry->key = entry->value = "";
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 1) NSC_TRY(nsc_onnx_text(r, &w, &entry->key));
    if (w.field == 2) {
      NSC_TRY(nsc_onnx_text(r, &w, &entry->value));
      entry->value_size = w.size;
    }
  }
  return w.broken ? nsc_onnx_broken(r, "metadata") : NSC_OK;
}

static nsc_status read_functions(nsc_onnx_reader *r) {
  nsc_model *m = r->model;
  const nsc_source *text = nsc_model_text(m);
  size_t count = nsc_onnx_count_fields(text->bytes, text->size, 25);
  if (count > NSC_MAX_NODES) return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model has %zu functions", count);
  r->functions = nsc_arena_alloc(&m->arena, count + 1, sizeof *r->functions);
  if (!r->functions) return nsc_onnx_no_memory(r);
  nsc_wire w = nsc_wire_of(text->bytes, text->size);
  while (nsc_wire_next(&w)) {
    if (w.field == 25 && w.type == NSC_WIRE_BYTES) NSC_TRY(nsc_onnx_read_function(r, w.bytes, w.size));
  }
  return NSC_OK;
}

static nsc_status check_header(nsc_onnx_reader *r, const uint8_t *graph, bool broken_wire) {
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

static nsc_status read_model(nsc_onnx_reader *r) {
  nsc_model *m = r->model;
  const uint8_t *bytes = nsc_model_text(m)->bytes, *graph = NULL;
  size_t size = nsc_model_text(m)->size, graph_size = 0;
  m->producer = m->graph_name = "";
  m->metadata = nsc_arena_alloc(&m->arena, nsc_onnx_count_fields(bytes, size, 14) + 1, sizeof *m->metadata);
  if (!m->metadata) return nsc_onnx_no_memory(r);
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    bool message = w.type == NSC_WIRE_BYTES;
    if (w.field == 1 && w.type == NSC_WIRE_VARINT) m->ir_version = (int64_t)w.varint;
    if (w.field == 2 && message) NSC_TRY(nsc_onnx_text(r, &w, &m->producer));
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
  NSC_TRY(read_functions(r));
  NSC_TRY(read_graph(r, graph, graph_size));
  return sort_nodes(r);
}

nsc_status nsc_onnx_read(nsc_model *model, nsc_error *err) {
  nsc_onnx_reader r = {.model = model, .err = err};
  nsc_status status = read_model(&r);
  free(r.buckets);
  return status;
}
