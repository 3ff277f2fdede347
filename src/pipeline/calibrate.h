/* From validation scores to what a model file says about using them: a temperature and a threshold. */
#ifndef NSC_PIPELINE_CALIBRATE_H
#define NSC_PIPELINE_CALIBRATE_H

#include "eval/eval.h"

/*
 * Fewer cases, or fewer of a label in a binary task, fit their own noise: one number from thirty cases is about as
 * certain as a proportion of them, within a fifth.
 */
enum { NSC_CALIBRATION_CASES = 30, NSC_CALIBRATION_OF_LABEL = 5 };

typedef struct nsc_calibration {
  float temperature; /* 1 where it could not be fitted */
  float threshold;   /* binary, on probabilities after the temperature; 0.5 where it could not be chosen */
  bool has_temperature, has_threshold; /* were fitted */
  double loss_before, loss_after;      /* mean log loss, when has_temperature */
} nsc_calibration;

/*
 * `logits` [count][outputs], `truth` [count]: the true label. A binary task has one output, or two of which label 1
 * less label 0 counts. The temperature has the smallest log loss (nsc_eval_fit_temperature); the threshold the largest
 * Youden index, or, with `sensitivity` above 0, the best specificity with at least that sensitivity. It lies halfway
 * between the score that decides and the next one below, so that rounding elsewhere does not turn a case over. Errors:
 * ARGUMENT (also for NSC_TASK_MULTI, whose truth has another shape), LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_calibrate(nsc_task task, const float *logits, size_t count, uint32_t outputs,
                                         const int32_t *truth, double sensitivity, nsc_calibration *out,
                                         nsc_error *err);

#endif
