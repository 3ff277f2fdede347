/* From what a network gives to probabilities and to a verdict: one place for classifying, calibrating and training. */
#ifndef NSC_PIPELINE_SCORES_H
#define NSC_PIPELINE_SCORES_H

#include "negatoscope.h"

/* The sigmoid of a logit divided by a temperature: the quotient in float32, the rest in double. */
float nsc_sigmoid_score(float logit, float temperature);
/* Their softmax, likewise. `scores` [count] may be `logits` itself. */
void nsc_softmax_scores(const float *logits, uint32_t count, float temperature, float *scores);

/* The label that scores call for: binary 0 or 1; single the largest; multi the largest at or above its threshold, or
   `count`. `thresholds` [count] are not looked at for single. */
uint32_t nsc_verdict(nsc_task task, const float *scores, const float *thresholds, uint32_t count);

/* How the score of `label` lies to its threshold, or to the next best where exactly one is true. */
nsc_relation nsc_relation_of(nsc_task task, const float *scores, const float *thresholds, uint32_t count,
                             uint32_t label);

/* "single", "multi", "binary"; "below", "borderline", "above". */
const char *nsc_task_name(nsc_task task);
const char *nsc_relation_name(nsc_relation relation);

#endif
