/* What quantisation needs of a classifier. */
#ifndef NSC_PIPELINE_CLASSIFY_H
#define NSC_PIPELINE_CLASSIFY_H

#include "negatoscope.h"

/* The network's input as the classifier's session has it: every dimension is known. */
void nsc_classifier_input(const nsc_classifier *classifier, nsc_tensor_info *out);
/*
 * One frame through the recipe: *out [height][width][channels] points into the classifier until its next picture. With
 * *channels_last the model takes N, C, H, W and this is its order as N, H, W, C, else it takes what *out is.
 */
NSC_WARN_UNUSED nsc_status nsc_classifier_prepare(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                                  const float **out, size_t *count, bool *channels_last,
                                                  nsc_error *err);

#endif
