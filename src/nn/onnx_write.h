/*
 * Writing ONNX (IR version 8, opset 14): enough for the networks that are trained here.
 *
 *   nsc_onnx_writer w = {0};
 *   nsc_onnx_port(&w, NSC_ONNX_INPUT, "image", 4, (const int64_t[]){-1, 1, 28, 28});
 *   nsc_onnx_floats(&w, "weight", 4, dims, values);
 *   nsc_onnx_ints(&w, "pads", 4, pads);                        // attributes of the next node
 *   nsc_onnx_node(&w, "Conv", "y", 2, (const char *[]){"image", "weight"});
 *   nsc_onnx_finish(&w, "graph", &bytes, &size, err);
 *
 * Allocation failures are remembered and reported by nsc_onnx_finish.
 */
#ifndef NSC_NN_ONNX_WRITE_H
#define NSC_NN_ONNX_WRITE_H

#include "base/text.h"

typedef enum nsc_onnx_port_kind { NSC_ONNX_INPUT = 11, NSC_ONNX_OUTPUT = 12 } nsc_onnx_port_kind;

typedef struct nsc_onnx_writer {
  nsc_text graph, attributes, metadata;
} nsc_onnx_writer;

/* That so many bytes are going to be written, so that they need not be copied while the file grows. */
void nsc_onnx_expect(nsc_onnx_writer *w, size_t bytes);

void nsc_onnx_int(nsc_onnx_writer *w, const char *name, int64_t value);
void nsc_onnx_float(nsc_onnx_writer *w, const char *name, float value);
void nsc_onnx_ints(nsc_onnx_writer *w, const char *name, uint32_t count, const int64_t *values);
void nsc_onnx_string(nsc_onnx_writer *w, const char *name, const char *value);
/* Takes the attributes written since the last node. The node is named like its output. */
void nsc_onnx_node(nsc_onnx_writer *w, const char *op, const char *output, uint32_t input_count,
                   const char *const *inputs);
void nsc_onnx_floats(nsc_onnx_writer *w, const char *name, uint32_t rank, const int64_t *dims, const float *values);
/* Stored as float16 and cast back by a node: half the bytes. Readers compute in float32. */
void nsc_onnx_halves(nsc_onnx_writer *w, const char *name, uint32_t rank, const int64_t *dims, const float *values);
/* A tensor of any type: `type` is TensorProto.DataType, `bytes` its elements, little endian. */
void nsc_onnx_tensor(nsc_onnx_writer *w, const char *name, int type, uint32_t rank, const int64_t *dims,
                     const void *bytes, size_t size);
/* A node of another domain; otherwise as nsc_onnx_node. */
void nsc_onnx_node_of(nsc_onnx_writer *w, const char *domain, const char *op, const char *output, uint32_t input_count,
                      const char *const *inputs);
/* A node of another file (NodeProto) with other inputs and outputs; its attributes and name stay. "" leaves one out. */
void nsc_onnx_node_like(nsc_onnx_writer *w, const uint8_t *node, size_t node_size, uint32_t input_count,
                        const char *const *inputs, uint32_t output_count, const char *const *outputs);
/* Any field of a GraphProto as it stands in another file. */
void nsc_onnx_copy(nsc_onnx_writer *w, uint32_t field, const uint8_t *bytes, size_t size);
/* A float32 port; a dimension of -1 is the open dimension "batch". */
void nsc_onnx_port(nsc_onnx_writer *w, nsc_onnx_port_kind kind, const char *name, uint32_t rank, const int64_t *dims);
void nsc_onnx_metadata(nsc_onnx_writer *w, const char *key, const char *value);

/* The file's bytes, to be ended by nsc_text_free. The writer is empty afterwards, also after an error (MEMORY). */
NSC_WARN_UNUSED nsc_status nsc_onnx_finish(nsc_onnx_writer *w, const char *graph_name, char **bytes, size_t *size,
                                           nsc_error *err);
/*
 * The same around another graph: what `file` says about itself stays (versions, producer, metadata but for the
 * writer's), `domain` is added to what it imports when not NULL.
 */
NSC_WARN_UNUSED nsc_status nsc_onnx_finish_like(nsc_onnx_writer *w, const uint8_t *file, size_t file_size,
                                                const char *domain, uint32_t count, const char *const *keys,
                                                const char *const *values, char **bytes, size_t *size, nsc_error *err);
void nsc_onnx_drop(nsc_onnx_writer *w);

/*
 * An ONNX file with other metadata: entries of these keys are replaced or added, with a NULL value removed; everything
 * else is copied as it stands. *bytes is ended by nsc_text_free. Errors: CORRUPT (no protobuf), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_onnx_replace_metadata(const uint8_t *file, size_t file_size, uint32_t count,
                                                     const char *const *keys, const char *const *values, char **bytes,
                                                     size_t *size, nsc_error *err);

#endif
