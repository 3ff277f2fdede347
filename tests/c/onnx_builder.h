/*
 * Small ONNX models for tests, written byte by byte:
 *
 *   onnx_builder b = {0};
 *   onnx_node(&b, "Relu", "x", "y", NULL);
 *   size_t size;  uint8_t *bytes = onnx_finish(&b, &size);   // free() them
 */
#ifndef NSC_TEST_ONNX_BUILDER_H
#define NSC_TEST_ONNX_BUILDER_H

#include "negatoscope.h"

typedef struct onnx_bytes {
  uint8_t *bytes;
  size_t size, capacity;
} onnx_bytes;

typedef struct onnx_builder {
  onnx_bytes graph, metadata;
  int64_t opset; /* 0 means 13 */
  bool is_body;  /* of a function: holds nodes only */
} onnx_builder;

/* The attribute being built for the next onnx_node; several calls add several. */
typedef struct onnx_attributes {
  onnx_bytes bytes;
} onnx_attributes;

void onnx_int(onnx_attributes *a, const char *name, int64_t value);
void onnx_float(onnx_attributes *a, const char *name, float value);
void onnx_string(onnx_attributes *a, const char *name, const char *value);
void onnx_ints(onnx_attributes *a, const char *name, size_t count, const int64_t *values);

/* In a function's body: the caller's attribute `to`, of an AttributeType. */
void onnx_reference(onnx_attributes *a, const char *name, const char *to, int64_t type);
/* A graph, such as a branch of If; it is emptied. */
void onnx_branch(onnx_attributes *a, const char *name, onnx_builder *graph);

/* `inputs` and `outputs` are names with spaces between; "-" leaves one out. `attributes` is emptied; NULL for none. */
void onnx_node(onnx_builder *b, const char *op, const char *inputs, const char *outputs, onnx_attributes *attributes);
void onnx_floats(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const float *values);
void onnx_halves(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const uint16_t *values);
void onnx_int64s(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const int64_t *values);
/* A float32 tensor whose elements are in another file; NULL leaves a word out. */
void onnx_external(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, const char *location,
                   const char *offset, const char *length);
/* A function of the model's own and a node that calls it; `body` is emptied. */
void onnx_function(onnx_builder *b, const char *name, const char *inputs, const char *outputs, onnx_builder *body);
void onnx_call(onnx_builder *b, const char *function, const char *inputs, const char *outputs,
               onnx_attributes *attributes);
/* Any type: `type` is TensorProto.DataType, `width` the bytes of an element. */
void onnx_tensor(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, int64_t type, size_t width,
                 const void *values);
/* A dimension of -1 is open. */
void onnx_input(onnx_builder *b, const char *name, size_t rank, const int64_t *dims);
void onnx_output(onnx_builder *b, const char *name, size_t rank, const int64_t *dims);
void onnx_metadata(onnx_builder *b, const char *key, const char *value);
uint8_t *onnx_finish(onnx_builder *b, size_t *size);

/* Opens what onnx_finish gave and frees it. */
nsc_status onnx_open(uint8_t *bytes, size_t size, nsc_model **model, nsc_error *err);
/* Finishes and opens what must be good: else the test fails, and the model is NULL. */
nsc_model *onnx_model(onnx_builder *b);

/* What such models judge: 4 x 4 pixels of one grey. Ended by nsc_image_free. */
nsc_image *grey_image(uint8_t value);

#endif
