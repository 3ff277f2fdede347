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

/* Probabilities at float32's ends have odds, too. */
static double logit(float p) {
  double inside = fmin(fmax((double)p, 1e-7), 1 - 1e-7);
  return log(inside / (1 - inside));
}

nsc_relation nsc_relation_of(nsc_task task, const float *scores, const float *thresholds, uint32_t count,
                             uint32_t label) {
  static const double factor_of_two = 0.6931471805599453;
  if (task != NSC_TASK_SINGLE) {
    double beyond = logit(scores[label]) - logit(thresholds[label]);
    if (fabs(beyond) < factor_of_two) return NSC_RELATION_BORDERLINE;
    return beyond > 0 ? NSC_RELATION_ABOVE : NSC_RELATION_BELOW;
  }
  float next = 0;
  for (uint32_t i = 0; i < count; i++) next = i != label && scores[i] > next ? scores[i] : next;
  return scores[label] < 2 * next ? NSC_RELATION_BORDERLINE : NSC_RELATION_ABOVE;
}

const char *nsc_task_name(nsc_task task) {
  static const char *const names[] = {"single", "multi", "binary"};
  return names[task];
}

const char *nsc_relation_name(nsc_relation relation) {
  static const char *const names[] = {"below", "borderline", "above"};
  return names[relation];
}
