/*
 * Post-training quantisation: from a float model and pictures to a model with QuantizeLinear and DequantizeLinear
 * (QDQ), which other engines open, too.
 *
 * Activations get one scale and zero point of int8, weights a scale an output channel without zero point, biases int32;
 * batch norms are folded first. What is quantised is decided backwards from the outputs (quantize_graph.c): a layer is
 * computed with integers where an integer layer reads it. So the last dense layer gives float scores, and behind the
 * global mean it is fed with floats.
 */
#ifndef NSC_NN_QUANTIZE_H
#define NSC_NN_QUANTIZE_H

#include "base/text.h"
#include "nn/model.h"
#include "nn/onnx_write.h"

/* What becomes of a node. */
typedef enum nsc_quantize_role {
  NSC_ROLE_FLOAT,   /* stays as it is */
  NSC_ROLE_PRODUCT, /* Conv, Gemm, MatMul with constant weights */
  NSC_ROLE_ELEMENT, /* Add, Mul, activations, Concat: integers in, integers out */
  NSC_ROLE_MOVE,    /* the output has the input's scale */
  NSC_ROLE_AVERAGE, /* integers in, anything out */
  NSC_ROLE_TAKEN,   /* batch norm or clamp, part of the node before */
  NSC_ROLE_KEPT     /* stays as it is with the float convolution before */
} nsc_quantize_role;

/* A graph value that is quantised. */
typedef struct nsc_quantized_value {
  bool wanted;
  uint32_t like; /* the value whose scale it has: itself, or the input of a move */
  float scale;
  int32_t zero;
} nsc_quantized_value;

typedef struct nsc_quantize_graph {
  const nsc_model *model;
  nsc_arena arena, scratch;    /* scratch: until the next node */
  nsc_quantize_role *role;     /* [node_count] */
  bool *weights;               /* [node_count] of products: weights as int8 */
  uint32_t *norm;              /* [node_count] the batch norm that is folded into the node, or NSC_NO_VALUE */
  uint32_t *end;               /* [node_count] the value behind all that is taken along */
  uint32_t *producer;          /* [value_count] a node or NSC_NO_VALUE */
  uint32_t *readers, *reader;  /* [value_count] how many, an output of the graph counting twice, and the last one */
  nsc_quantized_value *values; /* [value_count] */
} nsc_quantize_graph;

/* Nodes and weights are copied as they stand in the file: UNSUPPORTED where they stand elsewhere (functions, branches,
   other files). */
NSC_WARN_UNUSED nsc_status nsc_quantize_can(const nsc_model *model, nsc_error *err);

/* quantize_write.c. An initializer as it stands in the file. Errors: MEMORY, IO. */
NSC_WARN_UNUSED nsc_status nsc_quantize_copy_tensor(nsc_onnx_writer *w, const nsc_tensor_proto *t, nsc_error *err);

/* quantize_graph.c. `keep` are patterns (* and ?) of names of nodes that stay in float. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_quantize_plan(const nsc_model *model, const nsc_quantize_options *options,
                                             nsc_quantize_graph *out, nsc_error *err);
void nsc_quantize_graph_drop(nsc_quantize_graph *g);

/*
 * quantize_constants.c. The elements of a constant: an initializer of floats of any kind, what a Constant node holds,
 * and what Cast and Identity make of these. *out is in the graph's scratch; NULL when it is no such
 * constant. Errors: MEMORY, and those of a damaged tensor.
 */
NSC_WARN_UNUSED nsc_status nsc_quantize_floats(nsc_quantize_graph *g, uint32_t value, const float **out,
                                               nsc_shape *shape, nsc_error *err);
bool nsc_quantize_is_constant(const nsc_quantize_graph *g, uint32_t value);

/* A product's weights and bias with its batch norm folded in; `bias` is NULL where there is none. */
typedef struct nsc_float_weights {
  nsc_shape shape;
  size_t outputs, inner; /* inner: neighbouring elements of one output */
  uint32_t axis;         /* of the outputs */
  float *weights;
  float *bias;
} nsc_float_weights;

NSC_WARN_UNUSED nsc_status nsc_quantize_fold(nsc_quantize_graph *g, uint32_t node, nsc_float_weights *out,
                                             nsc_error *err);

/* quantize_write.c: the model with scales from g->values; with nothing wanted weights alone become int8. `words` are
 * metadata to add: pairs of key and value. */
NSC_WARN_UNUSED nsc_status nsc_quantize_write(nsc_quantize_graph *g, uint32_t word_count, const char *const *keys,
                                              const char *const *words, char **bytes, size_t *size, nsc_error *err);
/* The graph's own fields: its name, its inputs without those that have an initializer, its outputs. */
void nsc_quantize_copy_ports(nsc_onnx_writer *w, const nsc_model *model);

/* quantize.c: calibration. */
typedef struct nsc_quantizer nsc_quantizer;

NSC_WARN_UNUSED nsc_status nsc_quantizer_create(const nsc_model *model, const nsc_session_options *session,
                                                const nsc_quantize_options *options, nsc_quantizer **out,
                                                nsc_error *err);
/* Runs the float model on its one input, N, H, W, C with `channels_last` or in ONNX's order, and counts. */
NSC_WARN_UNUSED nsc_status nsc_quantizer_observe(nsc_quantizer *q, const float *input, size_t count, bool channels_last,
                                                 const volatile int32_t *cancel, nsc_error *err);
/* Ends calibration and writes the model. Errors: ARGUMENT when nothing was observed; CORRUPT when values were no
 * numbers. */
NSC_WARN_UNUSED nsc_status nsc_quantizer_finish(nsc_quantizer *q, uint32_t word_count, const char *const *keys,
                                                const char *const *words, char **bytes, size_t *size, nsc_error *err);
/* Products in all, and those computed with integers. */
void nsc_quantizer_count(const nsc_quantizer *q, uint32_t *products, uint32_t *integers);
void nsc_quantizer_free(nsc_quantizer *q);

#endif
