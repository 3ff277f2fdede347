/* Depthwise convolutions by kernels of our own as steps of a plan: see depthwise_run.h. */
#ifndef NSC_NN_OP_DEPTHWISE_H
#define NSC_NN_OP_DEPTHWISE_H

#include "nn/depthwise_run.h"
#include "nn/plan.h"

/* Whether these kernels are faster than XNNPACK's here: in wasm a race decides, once; elsewhere XNNPACK's are made for
   the processor at hand and no race is run. After xnn_initialize. */
bool nsc_depthwise_wins(void);

/* Adds the step: `output` = clamp(`input` filtered + bias), channels last. `weights` [channels][kernel][kernel] and
   `bias` ([channels] or NULL) are copied. */
nsc_status nsc_plan_depthwise(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_depthwise *shape,
                              const float *weights, const float *bias, uint32_t input, uint32_t output);

#endif
