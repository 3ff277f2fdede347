#include "nn/onnx_write.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "nn/wire.h"

enum { FLOAT = 1, FLOAT16 = 10, IR_VERSION = 8, OPSET = 14 };

static void put_number(nsc_text *t, uint32_t field, int64_t value) {
  nsc_wire_put_varint(t, (uint64_t)field << 3);
  nsc_wire_put_varint(t, (uint64_t)value);
}

static void put_text(nsc_text *t, uint32_t field, const char *text) {
  nsc_wire_put_head(t, field, strlen(text));
  nsc_text_put(t, text);
}

void nsc_onnx_expect(nsc_onnx_writer *w, size_t bytes) {
  nsc_text_reserve(&w->graph, bytes);
}

void nsc_onnx_int(nsc_onnx_writer *w, const char *name, int64_t value) {
  nsc_text m = {0};
  put_text(&m, 1, name);
  put_number(&m, 3, value);
  put_number(&m, 20, 2);
  nsc_wire_put_message(&w->attributes, 5, &m);
}

void nsc_onnx_float(nsc_onnx_writer *w, const char *name, float value) {
  nsc_text m = {0};
  put_text(&m, 1, name);
  nsc_wire_put_varint(&m, 2 << 3 | 5);
  nsc_text_append(&m, (const char *)&value, sizeof value);
  put_number(&m, 20, 1);
  nsc_wire_put_message(&w->attributes, 5, &m);
}

void nsc_onnx_ints(nsc_onnx_writer *w, const char *name, uint32_t count, const int64_t *values) {
  nsc_text m = {0};
  put_text(&m, 1, name);
  for (uint32_t i = 0; i < count; i++) put_number(&m, 8, values[i]);
  put_number(&m, 20, 7);
  nsc_wire_put_message(&w->attributes, 5, &m);
}

void nsc_onnx_string(nsc_onnx_writer *w, const char *name, const char *value) {
  nsc_text m = {0};
  put_text(&m, 1, name);
  put_text(&m, 4, value);
  put_number(&m, 20, 3);
  nsc_wire_put_message(&w->attributes, 5, &m);
}

void nsc_onnx_node(nsc_onnx_writer *w, const char *op, const char *output, uint32_t input_count,
                   const char *const *inputs) {
  nsc_onnx_node_of(w, NULL, op, output, input_count, inputs);
}

void nsc_onnx_node_of(nsc_onnx_writer *w, const char *domain, const char *op, const char *output, uint32_t input_count,
                      const char *const *inputs) {
  nsc_text m = {0};
  if (domain) put_text(&m, 7, domain);
  for (uint32_t i = 0; i < input_count; i++) put_text(&m, 1, inputs[i]);
  put_text(&m, 2, output);
  put_text(&m, 3, output);
  put_text(&m, 4, op);
  nsc_text_append(&m, w->attributes.chars, w->attributes.size);
  m.failed = m.failed || w->attributes.failed;
  nsc_text_drop(&w->attributes);
  nsc_wire_put_message(&w->graph, 1, &m);
}

static size_t put_tensor_head(nsc_text *m, const char *name, int type, uint32_t rank, const int64_t *dims) {
  size_t count = 1;
  for (uint32_t i = 0; i < rank; i++) {
    put_number(m, 1, dims[i]);
    count *= (size_t)dims[i];
  }
  put_number(m, 2, type);
  put_text(m, 8, name);
  return count;
}

void nsc_onnx_node_like(nsc_onnx_writer *w, const uint8_t *node, size_t node_size, uint32_t input_count,
                        const char *const *inputs, uint32_t output_count, const char *const *outputs) {
  nsc_text m = {0};
  for (uint32_t i = 0; i < input_count; i++) put_text(&m, 1, inputs[i]);
  for (uint32_t i = 0; i < output_count; i++) put_text(&m, 2, outputs[i]);
  nsc_wire f = nsc_wire_of(node, node_size);
  for (size_t start = 0; nsc_wire_next(&f); start = f.reader.at) {
    if (f.field != 1 && f.field != 2) nsc_text_append(&m, (const char *)node + start, f.reader.at - start);
  }
  nsc_wire_put_message(&w->graph, 1, &m);
}

void nsc_onnx_copy(nsc_onnx_writer *w, uint32_t field, const uint8_t *bytes, size_t size) {
  nsc_wire_put_head(&w->graph, field, size);
  nsc_text_append(&w->graph, (const char *)bytes, size);
}

void nsc_onnx_tensor(nsc_onnx_writer *w, const char *name, int type, uint32_t rank, const int64_t *dims,
                     const void *bytes, size_t size) {
  nsc_text m = {0};
  put_tensor_head(&m, name, type, rank, dims);
  nsc_wire_put_head(&m, 9, size);
  nsc_wire_put_head(&w->graph, 5, m.size + size); /* the elements end the message: they go straight to their place */
  nsc_text_append(&w->graph, m.chars, m.size);
  nsc_text_append(&w->graph, bytes, size);
  w->graph.failed = w->graph.failed || m.failed;
  nsc_text_drop(&m);
}

void nsc_onnx_floats(nsc_onnx_writer *w, const char *name, uint32_t rank, const int64_t *dims, const float *values) {
  size_t count = 1;
  for (uint32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  nsc_onnx_tensor(w, name, FLOAT, rank, dims, values, count * sizeof *values);
}

void nsc_onnx_halves(nsc_onnx_writer *w, const char *name, uint32_t rank, const int64_t *dims, const float *values) {
  char stored[96];
  snprintf(stored, sizeof stored, "%s.half", name);
  nsc_text m = {0};
  size_t count = put_tensor_head(&m, stored, FLOAT16, rank, dims);
  nsc_text_reserve(&m, count * sizeof(uint16_t) + 16);
  nsc_wire_put_head(&m, 9, count * sizeof(uint16_t));
  for (size_t i = 0; i < count; i++) {
    uint16_t half = nsc_half_from_float(values[i]);
    nsc_text_append(&m, (const char *)&half, sizeof half);
  }
  nsc_wire_put_message(&w->graph, 5, &m);
  nsc_onnx_int(w, "to", FLOAT);
  const char *input = stored;
  nsc_onnx_node(w, "Cast", name, 1, &input);
}

void nsc_onnx_port(nsc_onnx_writer *w, nsc_onnx_port_kind kind, const char *name, uint32_t rank, const int64_t *dims) {
  nsc_text shape = {0}, tensor = {0}, type = {0}, port = {0};
  for (uint32_t i = 0; i < rank; i++) {
    nsc_text dim = {0};
    if (dims[i] < 0) {
      put_text(&dim, 2, "batch");
    } else {
      put_number(&dim, 1, dims[i]);
    }
    nsc_wire_put_message(&shape, 1, &dim);
  }
  put_number(&tensor, 1, FLOAT);
  nsc_wire_put_message(&tensor, 2, &shape);
  nsc_wire_put_message(&type, 1, &tensor);
  put_text(&port, 1, name);
  nsc_wire_put_message(&port, 2, &type);
  nsc_wire_put_message(&w->graph, (uint32_t)kind, &port);
}

void nsc_onnx_metadata(nsc_onnx_writer *w, const char *key, const char *value) {
  nsc_text m = {0};
  put_text(&m, 1, key);
  put_text(&m, 2, value);
  nsc_wire_put_message(&w->metadata, 14, &m);
}

nsc_status nsc_onnx_finish(nsc_onnx_writer *w, const char *graph_name, char **bytes, size_t *size, nsc_error *err) {
  nsc_text head = {0}, opset = {0};
  put_text(&w->graph, 2, graph_name);
  put_number(&head, 1, IR_VERSION);
  put_text(&head, 2, "negatoscope");
  nsc_wire_put_head(&head, 7, w->graph.size);
  nsc_text model = w->graph; /* the graph's memory becomes the file's */
  w->graph = (nsc_text){0};
  if (!head.failed) nsc_text_prepend(&model, head.chars, head.size);
  model.failed = model.failed || head.failed;
  nsc_text_drop(&head);
  put_number(&opset, 2, OPSET);
  nsc_wire_put_message(&model, 8, &opset);
  nsc_text_append(&model, w->metadata.chars, w->metadata.size);
  model.failed = model.failed || w->metadata.failed;
  nsc_onnx_drop(w);
  size_t written = model.size;
  NSC_TRY(nsc_text_finish(&model, bytes, err));
  *size = written;
  return NSC_OK;
}

void nsc_onnx_drop(nsc_onnx_writer *w) {
  nsc_text_drop(&w->graph);
  nsc_text_drop(&w->attributes);
  nsc_text_drop(&w->metadata);
}

/* ---- other metadata in a file that is there ---- */

enum { GRAPH = 7, METADATA = 14 /* ModelProto.graph and .metadata_props */ };

/* Whether an entry's key is one of the list. */
static bool is_listed(const uint8_t *entry, size_t size, uint32_t count, const char *const *keys) {
  nsc_wire w = nsc_wire_of(entry, size);
  while (nsc_wire_next(&w)) {
    if (w.field != 1 || w.type != NSC_WIRE_BYTES) continue;
    for (uint32_t i = 0; i < count; i++) {
      if (strlen(keys[i]) == w.size && memcmp(keys[i], w.bytes, w.size) == 0) return true;
    }
  }
  return false;
}

static void put_metadata(nsc_text *t, const char *key, const char *value) {
  nsc_text m = {0};
  put_text(&m, 1, key);
  put_text(&m, 2, value);
  nsc_wire_put_message(t, METADATA, &m);
}

static nsc_status end_file(nsc_text *t, uint32_t count, const char *const *keys, const char *const *values,
                           char **bytes, size_t *size, nsc_error *err) {
  for (uint32_t i = 0; i < count; i++) {
    if (values[i]) put_metadata(t, keys[i], values[i]);
  }
  size_t total = t->size;
  NSC_TRY(nsc_text_finish(t, bytes, err));
  *size = total;
  return NSC_OK;
}

nsc_status nsc_onnx_finish_like(nsc_onnx_writer *w, const uint8_t *file, size_t file_size, const char *domain,
                                uint32_t count, const char *const *keys, const char *const *values, char **bytes,
                                size_t *size, nsc_error *err) {
  nsc_text t = {0};
  nsc_wire f = nsc_wire_of(file, file_size);
  for (size_t start = 0; nsc_wire_next(&f); start = f.reader.at) {
    if (f.field == GRAPH && f.type == NSC_WIRE_BYTES) continue;
    if (f.field == METADATA && f.type == NSC_WIRE_BYTES && is_listed(f.bytes, f.size, count, keys)) continue;
    nsc_text_append(&t, (const char *)file + start, f.reader.at - start);
  }
  nsc_wire_put_message(&t, GRAPH, &w->graph);
  if (domain) {
    nsc_text opset = {0};
    put_text(&opset, 1, domain);
    put_number(&opset, 2, 1);
    nsc_wire_put_message(&t, 8, &opset);
  }
  nsc_onnx_drop(w);
  return end_file(&t, count, keys, values, bytes, size, err);
}

nsc_status nsc_onnx_replace_metadata(const uint8_t *file, size_t file_size, uint32_t count, const char *const *keys,
                                     const char *const *values, char **bytes, size_t *size, nsc_error *err) {
  nsc_text t = {0};
  nsc_wire w = nsc_wire_of(file, file_size);
  for (size_t start = 0; nsc_wire_next(&w); start = w.reader.at) {
    if (w.field == METADATA && w.type == NSC_WIRE_BYTES && is_listed(w.bytes, w.size, count, keys)) continue;
    nsc_text_append(&t, (const char *)file + start, w.reader.at - start);
  }
  if (w.broken) {
    nsc_text_drop(&t);
    return nsc_fail(err, NSC_ERROR_CORRUPT, "this is no ONNX file, or it is cut off");
  }
  return end_file(&t, count, keys, values, bytes, size, err);
}
