/* Steps that more than one operator is made of. */
#ifndef NSC_NN_OP_PARTS_H
#define NSC_NN_OP_PARTS_H

#include "nn/plan.h"

/*
 * op_matmul.c: a [..., m, k] times b [..., k, n] (with `transpose_b`: [..., n, k]) as `output`, which is defined.
 * Shapes as given, at least matrices of equal rank; dimensions of one are repeated.
 */
nsc_status nsc_plan_add_product(nsc_plan *plan, const nsc_node *node, uint32_t a, uint32_t b, const nsc_shape *sa,
                                const nsc_shape *sb, bool transpose_b, uint32_t output);
/* op_norm.c: softmax of each of `rows` runs of `channels` elements, neither zero. */
nsc_status nsc_plan_add_softmax(nsc_plan *plan, const nsc_node *node, uint32_t input, uint32_t output, size_t rows,
                                size_t channels);
/* op_shuffle.c: when `node`, a Reshape to `apart`, begins a shuffle of channels, takes all of it along as one step. */
nsc_status nsc_plan_take_shuffle(nsc_plan *plan, const nsc_node *node, const nsc_shape *apart, bool *taken);
/* op_concat_norm.c: when a frozen BatchNormalization alone reads what `node`, a Concat of floats along channels, gives:
   takes it along, with a Relu or Clip behind it. `shape` is that of the Concat's output. */
nsc_status nsc_plan_take_concat_norm(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape, bool *taken);

#endif
