/* The table of operators: each op_*.c gives one list, ended by a NULL name. */
#ifndef NSC_NN_OPERATORS_H
#define NSC_NN_OPERATORS_H

#include "nn/plan.h"

typedef struct nsc_operator {
  const char *name;
  nsc_lower lower;
} nsc_operator;

extern const nsc_operator nsc_conv_operators[];   /* convolution, batch norm */
extern const nsc_operator nsc_pool_operators[];   /* pooling, also global */
extern const nsc_operator nsc_matmul_operators[]; /* Gemm, MatMul */
extern const nsc_operator nsc_unary_operators[];  /* activations and other functions of one tensor */
extern const nsc_operator nsc_binary_operators[]; /* arithmetic and comparison with broadcasting */
extern const nsc_operator nsc_norm_operators[];   /* softmax, LRN, layer and instance norm */
extern const nsc_operator nsc_shape_operators[];  /* the same elements under another shape; Shape, Constant, Cast */
extern const nsc_operator nsc_move_operators[];   /* elements moved: transpose, slice, concat, gather, pad */
extern const nsc_operator nsc_reduce_operators[]; /* mean, sum, max and so on along axes */
extern const nsc_operator nsc_resize_operators[]; /* Resize, Upsample */
extern const nsc_operator nsc_quant_operators[];  /* QuantizeLinear and back, products of integers */
extern const nsc_operator nsc_integer_operators[];

#endif
