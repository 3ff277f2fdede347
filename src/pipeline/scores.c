#include "pipeline/scores.h"

#include <math.h>

float nsc_sigmoid_score(float logit, float temperature) {
  return (float)(1 / (1 + exp(-(double)(logit / temperature))));
}

void nsc_softmax_scores(const float *logits, uint32_t count, float temperature, float *scores) {
  double sum = 0;
  float largest = -INFINITY;
  for (uint32_t i = 0; i < count; i++) {
    scores[i] = logits[i] / temperature;
    largest = fmaxf(largest, scores[i]);
  }
  for (uint32_t i = 0; i < count; i++) sum += exp((double)(scores[i] - largest));
  for (uint32_t i = 0; i < count; i++) scores[i] = (float)(exp((double)(scores[i] - largest)) / sum);
}

uint32_t nsc_verdict(nsc_task task, const float *scores, const float *thresholds, uint32_t count) {
  if (task == NSC_TASK_BINARY) return scores[1] >= thresholds[1];
  uint32_t best = count;
  for (uint32_t i = 0; i < count; i++) {
    if (task == NSC_TASK_MULTI && !(scores[i] >= thresholds[i])) continue;
    if (best == count || scores[i] > scores[best]) best = i;
  }
  return best;
}
