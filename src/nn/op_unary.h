/* What the families of one-tensor functions share. */
#ifndef NSC_NN_OP_UNARY_H
#define NSC_NN_OP_UNARY_H

#include "nn/plan.h"

/* An XNNPACK function of input 0, float32, as the value `output`. */
nsc_status nsc_plan_add_unary(nsc_plan *plan, const nsc_node *node, enum xnn_unary_operator kind,
                              const union xnn_unary_params *params, uint32_t output);
/* The functions of op_unary.c's table. */
nsc_status nsc_lower_unary(nsc_plan *plan, const nsc_node *node);
/* The same names on integers and float64. */
nsc_status nsc_lower_other_unary(nsc_plan *plan, const nsc_node *node);
/* op_gate.c: when `node`, a Div or Mul, begins Gelu written with Erf, takes all of it along and adds one step. */
nsc_status nsc_plan_take_gelu(nsc_plan *plan, const nsc_node *node, bool *taken);

#endif
