/*
 * Between onnx_read.c, onnx_names.c, onnx_node.c and onnx_inline.c only: reading a graph's nodes.
 *
 * The plan knows one flat graph. Bodies of functions of the model's own, and both branches of an If, are written out
 * into it when it is read: their names get a prefix, their formal inputs and outputs stand for the caller's values, and
 * nodes of a branch carry a guard that says when they are wanted.
 */
#ifndef NSC_NN_ONNX_READER_H
#define NSC_NN_ONNX_READER_H

#include "nn/model.h"
#include "nn/wire.h"

enum { NSC_MAX_NESTING = 8 /* of functions and branches within one another */ };

/* FunctionProto: a body that nodes call by domain and name. */
typedef struct nsc_onnx_function {
  const uint8_t *bytes, *name, *domain;
  size_t size, name_size, domain_size;
  int64_t opset; /* of ai.onnx, 0 when it imports none */
} nsc_onnx_function;

typedef struct nsc_onnx_reader {
  nsc_model *model;
  nsc_error *err;
  uint32_t *buckets; /* value + 1, open addressing */
  size_t bucket_count;
  uint32_t value_capacity, node_capacity;
  bool has_opset; /* of any domain */
  nsc_onnx_function *functions;
  uint32_t function_count;
  uint32_t bodies; /* written out so far: a number for the prefix of each */
} nsc_onnx_reader;

/* A formal name of a function and the value that stands for it; NSC_NO_VALUE for an input that is left out. */
typedef struct nsc_onnx_binding {
  const uint8_t *name;
  size_t size;
  uint32_t value;
} nsc_onnx_binding;

/* Where names are looked up: a function sees its own, a branch also those around it. */
typedef struct nsc_onnx_scope {
  const struct nsc_onnx_scope *outer; /* NULL for the graph and for functions */
  const char *prefix;
  nsc_onnx_binding *bindings;
  uint32_t binding_count;
  const nsc_node *call;    /* of a function: its attributes */
  const uint8_t *defaults; /* of a function: its message, for attribute_proto */
  size_t defaults_size;
  const nsc_guard *guard;
  uint32_t depth;
} nsc_onnx_scope;

nsc_status nsc_onnx_broken(nsc_onnx_reader *r, const char *what);
nsc_status nsc_onnx_no_memory(nsc_onnx_reader *r);
size_t nsc_onnx_count_fields(const uint8_t *bytes, size_t size, uint32_t field);
nsc_status nsc_onnx_text(nsc_onnx_reader *r, const nsc_wire *w, const char **out);

/* ---- onnx_names.c ---- */

/* Room for every name and node that can appear in the graph, with all bodies written out. */
nsc_status nsc_onnx_make_tables(nsc_onnx_reader *r, const uint8_t *graph, size_t size);
/* The value of that name as `scope` sees it, made when it is new. An empty name is no value. */
nsc_status nsc_onnx_value(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *name, size_t size,
                          uint32_t *out);
/* A name that belongs to this scope, whatever the ones around it call their own. */
nsc_status nsc_onnx_declare(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *name, size_t size,
                            uint32_t *out);
/* The function that a node calls, or NULL. `node` is a NodeProto. */
const nsc_onnx_function *nsc_onnx_called(const nsc_onnx_reader *r, const uint8_t *node, size_t size);
/* Is it an If of the default domain? Then its branches, GraphProtos; false when one is missing. */
bool nsc_onnx_branches(const uint8_t *node, size_t size, const uint8_t *branches[2], size_t sizes[2]);

/* ---- onnx_node.c ---- */

/* A node, or the body that it stands for. */
nsc_status nsc_onnx_take_node(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size);
/* Names, inputs, outputs and attributes of one NodeProto. */
nsc_status nsc_onnx_plain_node(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size,
                               nsc_node *node);
/* A free place among the model's nodes. */
nsc_status nsc_onnx_next_node(nsc_onnx_reader *r, nsc_node **out);
nsc_status nsc_onnx_initializer(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size);

/* ---- onnx_inline.c ---- */

nsc_status nsc_onnx_read_function(nsc_onnx_reader *r, const uint8_t *bytes, size_t size);
nsc_status nsc_onnx_write_out_function(nsc_onnx_reader *r, const nsc_onnx_scope *scope,
                                       const nsc_onnx_function *function, const uint8_t *bytes, size_t size);
nsc_status nsc_onnx_write_out_if(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *bytes, size_t size,
                                 const uint8_t *branches[2], const size_t sizes[2]);

#endif
