#include "onnx_builder.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static void put(onnx_bytes *b, const void *bytes, size_t size) {
  if (b->size + size > b->capacity) {
    b->capacity = (b->size + size) * 2 + 64;
    b->bytes = realloc(b->bytes, b->capacity);
    if (!b->bytes) abort();
  }
  if (size) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
}

static void put_varint(onnx_bytes *b, uint64_t value) {
  do {
    uint8_t byte = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
    put(b, &byte, 1);
    value >>= 7;
  } while (value);
}

static void put_int(onnx_bytes *b, uint32_t field, int64_t value) {
  put_varint(b, field << 3);
  put_varint(b, (uint64_t)value);
}

static void put_blob(onnx_bytes *b, uint32_t field, const void *bytes, size_t size) {
  put_varint(b, field << 3 | 2);
  put_varint(b, size);
  put(b, bytes, size);
}

static void put_text(onnx_bytes *b, uint32_t field, const char *text) {
  put_blob(b, field, text, strlen(text));
}

/* Moves a message into another as a field. */
static void put_message(onnx_bytes *b, uint32_t field, onnx_bytes *message) {
  put_blob(b, field, message->bytes, message->size);
  free(message->bytes);
  *message = (onnx_bytes){0};
}

void onnx_int(onnx_attributes *a, const char *name, int64_t value) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_int(&m, 3, value);
  put_int(&m, 20, 2);
  put_message(&a->bytes, 5, &m);
}

void onnx_float(onnx_attributes *a, const char *name, float value) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_varint(&m, 2 << 3 | 5);
  put(&m, &value, 4);
  put_int(&m, 20, 1);
  put_message(&a->bytes, 5, &m);
}

void onnx_string(onnx_attributes *a, const char *name, const char *value) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_text(&m, 4, value);
  put_int(&m, 20, 3);
  put_message(&a->bytes, 5, &m);
}

void onnx_ints(onnx_attributes *a, const char *name, size_t count, const int64_t *values) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  for (size_t i = 0; i < count; i++) put_int(&m, 8, values[i]);
  put_int(&m, 20, 7);
  put_message(&a->bytes, 5, &m);
}

static void put_names(onnx_bytes *m, uint32_t field, const char *names) {
  while (*names) {
    size_t n = strcspn(names, " ");
    put_blob(m, field, names, n == 1 && names[0] == '-' ? 0 : n);
    names += n + (names[n] == ' ');
  }
}

void onnx_reference(onnx_attributes *a, const char *name, const char *to, int64_t type) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_int(&m, 20, type);
  put_text(&m, 21, to);
  put_message(&a->bytes, 5, &m);
}

void onnx_branch(onnx_attributes *a, const char *name, onnx_builder *graph) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_message(&m, 6, &graph->graph);
  put_int(&m, 20, 5);
  put_message(&a->bytes, 5, &m);
}

static void put_node(onnx_builder *b, const char *domain, const char *op, const char *inputs, const char *outputs,
                     onnx_attributes *attributes) {
  onnx_bytes m = {0};
  if (domain) put_text(&m, 7, domain);
  put_names(&m, 1, inputs);
  put_names(&m, 2, outputs);
  put_text(&m, 3, "node");
  put_text(&m, 4, op);
  if (attributes) {
    put(&m, attributes->bytes.bytes, attributes->bytes.size);
    free(attributes->bytes.bytes);
    *attributes = (onnx_attributes){0};
  }
  put_message(&b->graph, b->is_body ? 7 : 1, &m);
}

void onnx_node(onnx_builder *b, const char *op, const char *inputs, const char *outputs, onnx_attributes *attributes) {
  put_node(b, NULL, op, inputs, outputs, attributes);
}

void onnx_call(onnx_builder *b, const char *function, const char *inputs, const char *outputs,
               onnx_attributes *attributes) {
  put_node(b, "own", function, inputs, outputs, attributes);
}

void onnx_function(onnx_builder *b, const char *name, const char *inputs, const char *outputs, onnx_builder *body) {
  onnx_bytes m = {0};
  put_text(&m, 1, name);
  put_names(&m, 4, inputs);
  put_names(&m, 5, outputs);
  put(&m, body->graph.bytes, body->graph.size);
  put_text(&m, 10, "own");
  free(body->graph.bytes);
  *body = (onnx_builder){0};
  put_message(&b->metadata, 25, &m);
}

void onnx_external(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const char *location,
                   const char *offset, const char *length) {
  static const char *const keys[] = {"location", "offset", "length"};
  const char *values[] = {location, offset, length};
  onnx_bytes m = {0};
  for (size_t i = 0; i < rank; i++) put_int(&m, 1, dims[i]);
  put_int(&m, 2, 1);
  put_text(&m, 8, name);
  for (int i = 0; i < 3; i++) {
    onnx_bytes entry = {0};
    if (!values[i]) continue;
    put_text(&entry, 1, keys[i]);
    put_text(&entry, 2, values[i]);
    put_message(&m, 13, &entry);
  }
  put_int(&m, 14, 1);
  put_message(&b->graph, 5, &m);
}

void onnx_tensor(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, int64_t type, size_t width,
                 const void *values) {
  onnx_bytes m = {0};
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) {
    put_int(&m, 1, dims[i]);
    count *= (size_t)dims[i];
  }
  put_int(&m, 2, type);
  put_text(&m, 8, name);
  put_blob(&m, 9, values, count * width);
  put_message(&b->graph, 5, &m);
}

void onnx_floats(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const float *values) {
  onnx_tensor(b, name, rank, dims, 1, 4, values);
}

void onnx_halves(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const uint16_t *values) {
  onnx_tensor(b, name, rank, dims, 10, 2, values);
}

void onnx_int64s(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const int64_t *values) {
  onnx_tensor(b, name, rank, dims, 7, 8, values);
}

static void put_port(onnx_builder *b, uint32_t field, const char *name, size_t rank, const int64_t *dims) {
  onnx_bytes shape = {0}, tensor = {0}, type = {0}, port = {0};
  for (size_t i = 0; i < rank; i++) {
    onnx_bytes dim = {0};
    if (dims[i] < 0) {
      put_text(&dim, 2, "open");
    } else {
      put_int(&dim, 1, dims[i]);
    }
    put_message(&shape, 1, &dim);
  }
  put_int(&tensor, 1, 1);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  put_text(&port, 1, name);
  put_message(&port, 2, &type);
  put_message(&b->graph, field, &port);
}

void onnx_input(onnx_builder *b, const char *name, size_t rank, const int64_t *dims) {
  put_port(b, 11, name, rank, dims);
}

void onnx_output(onnx_builder *b, const char *name, size_t rank, const int64_t *dims) {
  put_port(b, 12, name, rank, dims);
}

void onnx_metadata(onnx_builder *b, const char *key, const char *value) {
  onnx_bytes m = {0};
  put_text(&m, 1, key);
  put_text(&m, 2, value);
  put_message(&b->metadata, 14, &m);
}

uint8_t *onnx_finish(onnx_builder *b, size_t *size) {
  onnx_bytes model = {0}, opset = {0};
  put_int(&model, 1, 8);
  put_message(&model, 7, &b->graph);
  put_int(&opset, 2, b->opset ? b->opset : 13);
  put_message(&model, 8, &opset);
  put(&model, b->metadata.bytes, b->metadata.size);
  free(b->metadata.bytes);
  *b = (onnx_builder){0};
  *size = model.size;
  return model.bytes;
}

nsc_status onnx_open(uint8_t *bytes, size_t size, nsc_model **model, nsc_error *err) {
  nsc_source *source = NULL;
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  free(bytes);
  if (status == NSC_OK) status = nsc_model_open(source, model, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

nsc_model *onnx_model(onnx_builder *b) {
  size_t size;
  uint8_t *bytes = onnx_finish(b, &size);
  nsc_model *model = NULL;
  nsc_error err = {0};
  if (onnx_open(bytes, size, &model, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return model;
}

nsc_image *grey_image(uint8_t value) {
  enum { SIDE = 4 };
  uint8_t file[11 + SIDE * SIDE] = "P5 4 4 255\n";
  memset(file + 11, value, SIDE * SIDE);
  nsc_source *source = NULL;
  nsc_image *image = NULL;
  nsc_error err = {0};
  if (nsc_source_from_bytes(file, sizeof file, &source, &err) != NSC_OK ||
      nsc_image_open(source, NULL, &image, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  return image;
}
