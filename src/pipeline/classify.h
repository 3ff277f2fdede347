/* What quantisation, explanations and studies need of a classifier. */
#ifndef NSC_PIPELINE_CLASSIFY_H
#define NSC_PIPELINE_CLASSIFY_H

#include "negatoscope.h"
#include "pipeline/eye.h"
#include "pipeline/manifest.h"

const nsc_manifest *nsc_classifier_manifest(const nsc_classifier *classifier);
nsc_eye *nsc_classifier_eye(nsc_classifier *classifier);
/* The network's input as the classifier's session has it: every dimension is known. */
void nsc_classifier_input(const nsc_classifier *classifier, nsc_tensor_info *out);
/*
 * One frame through the recipe: *out [height][width][channels] points into the classifier until its next picture. With
 * *channels_last the model takes N, C, H, W and this is its order as N, H, W, C, else it takes what *out is.
 */
NSC_WARN_UNUSED nsc_status nsc_classifier_prepare(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                                  const float **out, size_t *count, bool *channels_last,
                                                  nsc_error *err);

/* A picture that nsc_classifier_prepare made, or one like it, to a result, by way of slot 0. Times but that of
 * inference are 0, and applicability is not looked at. */
NSC_WARN_UNUSED nsc_status nsc_classifier_judge(nsc_classifier *classifier, const float *input,
                                                const volatile int32_t *cancel, nsc_result *out, nsc_error *err);

/* The same from what the network would give before softmax or sigmoid: [nsc_classifier_output_count]. Errors: CORRUPT.
 */
NSC_WARN_UNUSED nsc_status nsc_classifier_judge_logits(nsc_classifier *classifier, const float *logits, nsc_result *out,
                                                       nsc_error *err);

/* ---- of the last run ---- */

/* What the run was of: [height][width][channels] of slot 0. */
const float *nsc_classifier_tensor(const nsc_classifier *classifier, size_t *count);
/* How much the network speaks for a label, before softmax or sigmoid and temperature; log-odds where it gives
 * probabilities. The label "absent" of a network with one output has the negative of "present". */
double nsc_classifier_logit(const nsc_classifier *classifier, uint32_t label);
/* The model's last feature map: a value of its graph, or NSC_NO_VALUE, and height, width and channels. */
uint32_t nsc_classifier_feature_map(const nsc_classifier *classifier, size_t size[3]);
/* [height][width][channels]. */
void nsc_classifier_read_feature_map(nsc_classifier *classifier, float *out);

/* The label that a question is about: `asked`, or for -1 the verdict's; what would be present in binary models, the
 * highest where no label reaches its threshold. */
uint32_t nsc_asked_label(const nsc_result *result, int32_t asked);

/* ---- of the network ---- */

/* Something made of the network that is worth keeping for the next question about it, ended with the classifier or by
 * the next one that is kept. NULL when nothing is. */
void nsc_classifier_keep(nsc_classifier *classifier, void *object, void (*end)(void *object));
void *nsc_classifier_kept(const nsc_classifier *classifier);

const nsc_model *nsc_classifier_model(const nsc_classifier *classifier);
/* Its threads for other work between runs, as nsc_session_threads. */
struct pthreadpool *nsc_classifier_threads(const nsc_classifier *classifier);
/* The value with the scores, and how many there are. */
uint32_t nsc_classifier_output_value(const nsc_classifier *classifier);
uint32_t nsc_classifier_output_count(const nsc_classifier *classifier);
/* The logit of a label as a sum of outputs times these [nsc_classifier_output_count]. */
void nsc_classifier_logit_weights(const nsc_classifier *classifier, uint32_t label, float *weights);

#endif
