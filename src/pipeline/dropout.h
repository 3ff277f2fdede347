/*
 * Runs of a network with its dropout at work, as in training: each is a network that might have been learnt from the
 * same data, and their spread is how unsure the weights are (Gal & Ghahramani 2016).
 */
#ifndef NSC_PIPELINE_DROPOUT_H
#define NSC_PIPELINE_DROPOUT_H

#include "pipeline/classify.h"

typedef struct nsc_dropout_sampler nsc_dropout_sampler;

/* *out is NULL where the model has no dropout, or has layers that training does not know. The classifier must outlive
 * it. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_dropout_sampler_create(nsc_classifier *classifier, nsc_dropout_sampler **out,
                                                      nsc_error *err);
void nsc_dropout_sampler_free(nsc_dropout_sampler *sampler);

/* Draw number `draw` of a seed, of the picture `input` [height][width][channels]: the classifier's result, until its
 * next run. Errors: MEMORY, CORRUPT. */
NSC_WARN_UNUSED nsc_status nsc_dropout_sample(nsc_dropout_sampler *sampler, const float *input, uint64_t seed,
                                              uint32_t draw, nsc_result *out, nsc_error *err);

#endif
