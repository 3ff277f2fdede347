/*
 * What a plan takes of memory. Every allocation of a plan is counted here where it is made; what XNNPACK's operators
 * take inside is computed from their shapes, as XNNPACK computes it. A plan that only `counts` makes no packed weights,
 * no operators that would hold them and no activations, so it says what a session takes before there is one.
 */
#ifndef NSC_NN_FOOTPRINT_H
#define NSC_NN_FOOTPRINT_H

#include "nn/op_conv.h"

/* `bytes` more, or less, that stay with the plan. */
void nsc_plan_hold(nsc_plan *plan, uint64_t bytes);
void nsc_plan_drop(nsc_plan *plan, uint64_t bytes);
/* Memory until the node is lowered that nobody takes, since the plan only counts. */
void nsc_plan_pass(nsc_plan *plan, uint64_t bytes);
/* What was passing is gone. */
void nsc_plan_passed(nsc_plan *plan);

/*
 * Room until the node is lowered for elements of a tensor that is outside of memory. One room, as large as the largest
 * that is still to come, serves all of them: the memory of wasm never shrinks, and holes of many sizes would stay.
 * `offset`: where they are in their file.
 */
nsc_status nsc_plan_outside(nsc_plan *plan, size_t bytes, uint64_t offset, void *out);
/* Are these the weights that were read last into that room? Then they are a copy, and may be changed. */
bool nsc_plan_is_outside(const nsc_plan *plan, const void *weights);
/*
 * A large matrix outside of memory, [rows][columns], can be read some rows at a time: so many, or 0 where it is to be
 * taken as a whole (nsc_plan_weights). Rows are valid until the next ones; NULL in a plan that only counts.
 */
size_t nsc_plan_rows_at_once(const nsc_plan *plan, uint32_t value);
nsc_status nsc_plan_weight_rows(nsc_plan *plan, uint32_t value, size_t first, size_t count, const float **out);
/* The node is lowered. */
void nsc_plan_leave_outside(nsc_plan *plan);
void nsc_plan_drop_outside(nsc_plan *plan);

/* A constant of weights, in ONNX's order, valid until the node is lowered; NULL in a plan that only counts. */
nsc_status nsc_plan_weights(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, const float **out);
/* Floats of the plan for packed weights, at a multiple of 64 bytes; NULL in a plan that only counts. */
nsc_status nsc_plan_packed(nsc_plan *plan, size_t floats, float **out);

/* Counts an operator of XNNPACK: itself, its packed weights and its table of addresses. `g->group_out` and `outputs`
   may be those of a part. */
enum { NSC_FLOAT_PRODUCT, NSC_INT8_PRODUCT };
void nsc_plan_hold_conv(nsc_plan *plan, nsc_step *step, const nsc_conv_geometry *g, size_t outputs, int kind);
void nsc_plan_hold_dense(nsc_plan *plan, nsc_step *step, size_t in, size_t out, int kind);
/* Pooling has a table and no weights. */
void nsc_plan_hold_windows(nsc_plan *plan, nsc_step *step, const nsc_window *w);

#endif
