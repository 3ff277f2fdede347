/* Between plan.c, plan_values.c, memory.c and op_shape.c only. */
#ifndef NSC_NN_PLAN_PRIVATE_H
#define NSC_NN_PLAN_PRIVATE_H

#include "nn/plan.h"

/* A constant that a step, or the caller, reads at run time: loads it and keeps it after planning. */
nsc_status nsc_plan_keep_constant(nsc_plan *plan, uint32_t value);
/* Brings a constant from the file, or from what it stands for, into memory of ours. */
nsc_status nsc_plan_load_constant(nsc_plan *plan, uint32_t value);
/* Removes steps whose outputs nobody reads. */
void nsc_plan_drop_unread_steps(nsc_plan *plan);
/* Zeroed, padded memory for a constant's elements; sets data and owned. LIMIT, MEMORY. */
nsc_status nsc_plan_own_constant(nsc_plan *plan, uint32_t value, void **out);
/* Where a value stands once the plan is placed. */
void *nsc_plan_pointer(nsc_plan *plan, uint32_t value);
/* Whether a tensor's floats can be read where they stand in the file. */
bool nsc_floats_in_place(const nsc_tensor_proto *proto);
/* op_shape.c: the one operator whose inputs need not all be known. */
nsc_status nsc_lower_if(nsc_plan *plan, const nsc_node *node);

#endif
