/* What the parts of load.c share: the graph that is read, attributes of its nodes, and constants as floats. */
#ifndef NSC_TRAIN_LOAD_PRIVATE_H
#define NSC_TRAIN_LOAD_PRIVATE_H

#include "train/load.h"

/* Values of a parameter, put into the network when it has its memory. */
typedef struct nsc_load_given {
  uint32_t parameter;
  float *values; /* in the network's layout */
  struct nsc_load_given *next;
} nsc_load_given;

typedef struct nsc_loader {
  const nsc_model *model;
  const nsc_node *node; /* that is read now */
  nsc_net_part part;
  bool whole; /* the part is the whole graph */
  nsc_net *net;
  uint32_t *tensors; /* [values] of the network, UINT32_MAX where there is none */
  uint32_t head;     /* layer of the last dense node */
  const nsc_node *last_dense;
  size_t outputs; /* that replace those of the last dense node; 0 keeps them */
  size_t fields;  /* about the patient, that join the features before the new head */
  nsc_load_given *given;
  nsc_arena arena;
  nsc_error *err;
} nsc_loader;

/* Fails with a text that begins with the node. */
nsc_status nsc_load_refuse(const nsc_loader *l, const char *why);

const nsc_attribute *nsc_load_attribute(const nsc_node *node, const char *name); /* NULL when absent */
int64_t nsc_load_int(const nsc_node *node, const char *name, int64_t otherwise);
float nsc_load_float(const nsc_node *node, const char *name, float otherwise);
/* Input `index` of the node, or NSC_NO_VALUE when it is left out. */
uint32_t nsc_load_input(const nsc_node *node, uint32_t index);

/* The tensor behind a constant value, through casts, copies and dequantisation; NULL when it is none. */
const nsc_tensor_proto *nsc_load_constant(const nsc_model *model, uint32_t value);
/* `count` floats of a constant input, in the loader's arena; an input that is left out gives NULL. */
nsc_status nsc_load_floats(nsc_loader *l, uint32_t index, size_t count, float **out);

#endif
