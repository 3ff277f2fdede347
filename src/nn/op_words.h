/* Convolutions and products of int8 as steps of a plan that compute in words: see words.h. */
#ifndef NSC_NN_OP_WORDS_H
#define NSC_NN_OP_WORDS_H

#include "nn/quant_product.h"
#include "nn/words_conv.h"

/*
 * Adds the step from `input` to `output`, both int8 and channels last, where it takes less time than XNNPACK's
 * operator, as was measured or counted; *done says whether. `weights` as ONNX has them,
 * [outputs][group_in][height][width].
 */
nsc_status nsc_plan_words(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_words_conv *conv,
                          const nsc_quant_scales *s, const int8_t *weights, uint32_t input, uint32_t output,
                          bool *done);

#endif
