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
extern const nsc_operator nsc_gate_operators[];   /* a tensor times a function of itself: Swish, HardSwish, Gelu; Erf */
extern const nsc_operator nsc_other_operators[];  /* questions and complements: IsNaN, Not */
extern const nsc_operator nsc_binary_operators[]; /* arithmetic and comparison with broadcasting */
extern const nsc_operator nsc_norm_operators[];   /* softmax, LRN, normalisation by a length */
extern const nsc_operator nsc_moment_operators[]; /* normalisation by mean and variance: instance, group, layer, RMS */
extern const nsc_operator nsc_attention_operators[]; /* Attention */
extern const nsc_operator nsc_shape_operators[];     /* the same elements under another shape; Shape, Constant, Cast */
extern const nsc_operator nsc_move_operators[];      /* elements moved: transpose, slice, concat, gather, pad */
extern const nsc_operator nsc_reduce_operators[];    /* mean, sum, max and so on along axes */
extern const nsc_operator nsc_resize_operators[];    /* Resize, Upsample */
extern const nsc_operator nsc_index_operators[];     /* gather and scatter by element, one-hot, sums along an axis */
extern const nsc_operator nsc_top_operators[];       /* the largest of a line: ArgMax, TopK, Hardmax */
extern const nsc_operator nsc_quant_operators[];     /* QuantizeLinear and back, products of integers */
extern const nsc_operator nsc_integer_operators[];

#endif
