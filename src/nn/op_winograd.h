/* Convolutions of 3x3 taps and stride 1 or 2 as one step of a plan that also adds and clamps: see winograd.h. */
#ifndef NSC_NN_OP_WINOGRAD_H
#define NSC_NN_OP_WINOGRAD_H

#include "nn/op_conv.h"
#include "nn/winograd.h"

/* A convolution as Winograd's filtering has it; false where it is none of 3x3 taps and stride 1 or 2. */
bool nsc_winograd_of(const nsc_conv_geometry *g, size_t batch, nsc_winograd *out);

/* Sets `tile` and `taps` to what takes least time; false where a plain convolution does. What decides is counted, not
   raced: another choice's scores differ in the last digits. */
bool nsc_winograd_choose(nsc_winograd *shape);

/* What follows a convolution of the plan: `bias` ([channels] or NULL) is copied. */
nsc_status nsc_plan_winograd_after(nsc_plan *plan, const float *bias, size_t channels, float min, float max,
                                   nsc_winograd_after *out);

/* Adds the step: `output` = clamp(`input` filtered + bias + `add`), all channels last. `weights` [out][in][3][3],
   times `scale` ([out] or NULL), and `bias` ([out] or NULL) are copied; `add` is a value of output's shape, or
   NSC_NO_VALUE. */
nsc_status nsc_plan_winograd(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_winograd *shape,
                             const float *weights, const float *scale, const float *bias, float min, float max,
                             uint32_t input, uint32_t add, uint32_t output);

#endif
