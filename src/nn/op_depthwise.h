/* Depthwise convolutions by kernels of our own as steps of a plan: see depthwise_run.h. */
#ifndef NSC_NN_OP_DEPTHWISE_H
#define NSC_NN_OP_DEPTHWISE_H

#include "nn/depthwise_run.h"
#include "nn/plan.h"

/* Whether these kernels are faster than XNNPACK's: in wasm, new engines and old ones. Natively XNNPACK has kernels for
   the processor at hand. No race decides, since another kernel's scores may differ in the last bit. */
#ifdef __wasm__
enum { NSC_DEPTHWISE_WINS = true };
#else
enum { NSC_DEPTHWISE_WINS = false };
#endif

/* Adds the step: `output` = clamp(`input` filtered + bias), channels last. `weights` [channels][kernel][kernel] and
   `bias` ([channels] or NULL) are copied. */
nsc_status nsc_plan_depthwise(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_depthwise *shape,
                              const float *weights, const float *bias, uint32_t input, uint32_t output);

#endif
