/* Where a network's pictures end and its lists begin: the layer that class activation maps are made of. */
#ifndef NSC_NN_FEATURE_MAP_H
#define NSC_NN_FEATURE_MAP_H

#include "nn/model.h"

/*
 * The last value [N, C, H, W] on the way to the graph's value `output`: what is pooled or flattened for the head. Found
 * by the kinds of operators alone, so that a session can be made with it as a tap; whether H and W are more than one
 * shows there. *out is NSC_NO_VALUE where no operator gives a picture. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_find_feature_map(const nsc_model *model, uint32_t output, uint32_t *out, nsc_error *err);

#endif
