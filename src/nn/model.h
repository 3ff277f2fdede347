/*
 * A parsed ONNX model: the graph as it stands in the file, with names resolved to numbers. Never changed after reading,
 * but for files of weights that are added; weights stay where they are in the file's bytes, in memory or outside.
 */
#ifndef NSC_NN_MODEL_H
#define NSC_NN_MODEL_H

#include "base/arena.h"
#include "base/source.h"
#include "nn/tensor.h"

#define NSC_NO_VALUE UINT32_MAX

/* Limits on what a file may hold: each far above any real classifier, so that a hostile one costs little. */
enum {
  NSC_MAX_NODES = 20000,       /* the largest exported CNNs have some thousands */
  NSC_MAX_FILES = 64,          /* of weights beside the model: exporters write one */
  NSC_MAX_INPUTS = 4096,       /* of one node: DenseNet concatenates about a hundred */
  NSC_MAX_ATTRIBUTE = 1 << 20, /* ints or floats in one attribute */
  NSC_MIN_OPSET = 6,           /* before, operators carried other attributes */
  NSC_MAX_OPSET = 28           /* newest default-domain opset whose operators were looked at */
};

/* TensorProto: header read, data left in place. */
typedef struct nsc_tensor_proto {
  const char *name;
  int32_t onnx_type; /* TensorProto.DataType */
  nsc_shape shape;
  size_t count;
  const uint8_t *message; /* the whole TensorProto, for typed data fields */
  size_t message_size;
  const uint8_t *raw; /* raw_data, little endian, not aligned; NULL when it is outside of memory or in typed fields */
  size_t raw_size;
  /* External data: a file beside the model, NULL when the elements are in it; raw, or file, is set once it is there. */
  const char *location;
  const nsc_source *file; /* outside of memory, with raw_size bytes of elements at `offset`; or NULL */
  uint64_t offset;
  struct nsc_tensor_proto *next_external;
} nsc_tensor_proto;

typedef enum nsc_attribute_kind {
  NSC_ATTRIBUTE_FLOAT = 1,
  NSC_ATTRIBUTE_INT = 2,
  NSC_ATTRIBUTE_STRING = 3,
  NSC_ATTRIBUTE_TENSOR = 4,
  NSC_ATTRIBUTE_GRAPH = 5,
  NSC_ATTRIBUTE_FLOATS = 6,
  NSC_ATTRIBUTE_INTS = 7,
  NSC_ATTRIBUTE_OTHER = 8
} nsc_attribute_kind;

typedef struct nsc_attribute {
  const char *name;
  nsc_attribute_kind kind;
  float f;
  int64_t i;
  const char *s; /* zero-terminated copy */
  nsc_tensor_proto *t;
  uint32_t count; /* of ints or floats */
  int64_t *ints;
  float *floats;
} nsc_attribute;

/* A branch of an If that was written out into the graph: wanted when `condition` is `when`, and `outer` holds too. */
typedef struct nsc_guard {
  const struct nsc_guard *outer; /* or NULL */
  uint32_t condition;            /* a value */
  bool when;
} nsc_guard;

typedef struct nsc_node {
  const char *name, *op, *domain; /* the domain is empty for ai.onnx */
  const nsc_guard *guard;         /* or NULL */
  uint32_t input_count, output_count, attribute_count;
  uint32_t *inputs, *outputs; /* values; NSC_NO_VALUE where an optional one is left out */
  nsc_attribute *attributes;
  const uint8_t *message; /* the whole NodeProto */
  size_t message_size;
} nsc_node;

/* A name in the graph. */
typedef struct nsc_graph_value {
  const char *name;
  nsc_tensor_proto *initializer; /* or NULL */
} nsc_graph_value;

/* A declared input or output of the graph. */
typedef struct nsc_port {
  uint32_t value;
  int32_t onnx_type;
  bool has_shape;
  uint32_t rank;
  int64_t dims[NSC_MAX_RANK];          /* -1 where open */
  const char *dim_names[NSC_MAX_RANK]; /* of open dimensions, or NULL */
} nsc_port;

struct nsc_model {
  nsc_source *source;  /* the file */
  nsc_source *outline; /* of a file outside of memory, unless it had to be loaded; or NULL */
  nsc_arena arena;
  const uint8_t *graph; /* the GraphProto, in the file or its outline */
  size_t graph_size;
  bool written_out; /* nodes are those of functions or branches, and not the graph's own */
  const char *producer, *graph_name;
  int64_t ir_version, opset;
  nsc_node *nodes; /* in an order in which every input is there before it is used */
  uint32_t node_count;
  nsc_graph_value *values;
  uint32_t value_count;
  nsc_port *inputs, *outputs; /* inputs without those that have an initializer */
  uint32_t input_count, output_count;
  struct nsc_metadata {
    const char *key, *value;
    size_t value_size;
  } * metadata;
  uint32_t metadata_count;
  nsc_tensor_proto *external; /* all tensors with a location */
  struct nsc_model_file {     /* the files that they name */
    const char *name;
    nsc_source *source; /* NULL until nsc_model_add_file */
  } * files;
  uint32_t file_count;
};

/* What was parsed: the file, or its outline. In memory. */
static inline const nsc_source *nsc_model_text(const nsc_model *model) {
  return model->outline ? model->outline : model->source;
}

/* The engine's type for a TensorProto.DataType; false when there is none. */
bool nsc_type_from_onnx(int32_t onnx_type, nsc_type *out);
const char *nsc_onnx_type_name(int32_t onnx_type);

/* Copies a tensor's elements, in its own type (NSC_TYPE_*), to `out`, which has room for `count` of them. */
NSC_WARN_UNUSED nsc_status nsc_tensor_proto_read(const nsc_tensor_proto *tensor, void *out, nsc_error *err);

/* onnx_external.c: what `external_data` of a TensorProto says, checked; lists the files of a model; fails for one that
   is not there. */
NSC_WARN_UNUSED nsc_status nsc_onnx_read_location(nsc_arena *arena, const uint8_t *bytes, size_t size,
                                                  nsc_tensor_proto *tensor, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_model_list_files(nsc_model *model, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_model_need_files(const nsc_model *model, nsc_error *err);

/* onnx_outline.c: *out is NULL for a file that has none. In an outline this field of a TensorProto, which ONNX does not
   have, holds two varints: where elements are in the file, and their bytes. */
enum { NSC_ONNX_OUTSIDE = 0x1FFFFFFF };
NSC_WARN_UNUSED nsc_status nsc_onnx_outline(const nsc_source *file, nsc_source **out, nsc_error *err);

/* onnx_read.c: fills model from its text. */
NSC_WARN_UNUSED nsc_status nsc_onnx_read(nsc_model *model, nsc_error *err);
/* onnx_tensor.c: one TensorProto; names and the struct go into the arena. `file`: what notes of an outline speak of,
   else NULL. */
NSC_WARN_UNUSED nsc_status nsc_onnx_read_tensor(nsc_arena *arena, const nsc_source *file, const uint8_t *bytes,
                                                size_t size, nsc_tensor_proto *out, nsc_error *err);

/* The names of the operators that the engine has (operators.c); NULL behind the last. */
const char *nsc_operator_name(size_t index);

#endif
