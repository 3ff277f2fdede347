/* Convolutions of stride 2 over few channels as one step of a plan: see winograd_stem.h. */
#ifndef NSC_NN_OP_WINOGRAD_STEM_H
#define NSC_NN_OP_WINOGRAD_STEM_H

#include "nn/op_stem.h"
#include "nn/winograd_stem.h"

/* Whether that takes less time than op_stem.h, which can do the same; counted, not raced, as nsc_winograd_tile. `out`
   is the convolution in its words. */
bool nsc_winograd_stem_pays(const nsc_stem *stem, nsc_winograd_stem *out);

/* Adds the step, as nsc_plan_stem does. */
nsc_status nsc_plan_winograd_stem(nsc_plan *plan, const nsc_node *node, const nsc_winograd_stem *shape,
                                  const nsc_stem *stem, const float *weights, const float *bias, uint32_t input,
                                  uint32_t output);

#endif
