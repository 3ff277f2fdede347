#include "pipeline/calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "pipeline/scores.h"

/* Enough cases, and of a binary task enough of both labels. */
static bool is_enough(nsc_task task, size_t count, const int32_t *truth) {
  size_t positives = 0;
  for (size_t i = 0; i < count; i++) positives += truth[i] == 1;
  if (count < NSC_CALIBRATION_CASES) return false;
  return task != NSC_TASK_BINARY ||
         (positives >= NSC_CALIBRATION_OF_LABEL && count - positives >= NSC_CALIBRATION_OF_LABEL);
}

/* The logits of label 1 against label 0, as [count][2] with zeros for label 0. */
static void pair_logits(const float *logits, size_t count, uint32_t outputs, float *pairs) {
  for (size_t i = 0; i < count; i++) {
    pairs[2 * i] = 0;
    pairs[2 * i + 1] = outputs == 1 ? logits[i] : logits[2 * i + 1] - logits[2 * i];
  }
}

static nsc_status fit_temperature(const nsc_eval_data *data, nsc_calibration *c, nsc_error *err) {
  nsc_eval_temperature fit;
  NSC_TRY(nsc_eval_fit_temperature(data, true, &fit, err));
  /* At a bound the validation cases are told apart perfectly, or not at all: they say nothing about confidence. */
  if (fit.at_bound) return NSC_OK;
  c->temperature = (float)fit.temperature;
  c->has_temperature = true;
  c->loss_before = fit.loss_before;
  c->loss_after = fit.loss_after;
  return NSC_OK;
}

/* Halfway to the next score below `threshold`, to 0 when there is none. */
static float lower_halfway(const float *scores, size_t count, float threshold) {
  float below = 0;
  for (size_t i = 0; i < count; i++) {
    if (scores[i] < threshold && scores[i] > below) below = scores[i];
  }
  float half = below + (threshold - below) / 2;
  return half > 0 ? half : threshold;
}

static nsc_status choose_threshold(const float *pairs, size_t count, const int32_t *truth, double sensitivity,
                                   nsc_calibration *c, nsc_error *err) {
  float *scores = malloc((count + 1) * sizeof *scores);
  uint8_t *present = malloc(count + 1);
  nsc_eval_curve curve = {0};
  nsc_status status = scores && present ? NSC_OK : nsc_fail_memory(err, count * sizeof *scores, "a calibration");
  for (size_t i = 0; i < count && status == NSC_OK; i++) {
    scores[i] = nsc_sigmoid_score(pairs[2 * i + 1], c->temperature);
    present[i] = truth[i] == 1;
  }
  if (status == NSC_OK) status = nsc_eval_curve_make(scores, present, count, &curve, err);
  if (status == NSC_OK) {
    nsc_eval_choice choice =
        sensitivity > 0 ? nsc_eval_choose_sensitivity(&curve, sensitivity) : nsc_eval_choose_youden(&curve);
    c->has_threshold = choice.reason == NSC_EVAL_DEFINED && isfinite(choice.threshold);
    if (c->has_threshold) c->threshold = lower_halfway(scores, count, choice.threshold);
    nsc_eval_curve_drop(&curve);
  }
  free(scores);
  free(present);
  return status;
}

static nsc_status calibrate_binary(const float *logits, size_t count, uint32_t outputs, const int32_t *truth,
                                   double sensitivity, nsc_calibration *c, nsc_error *err) {
  size_t bytes;
  float *pairs = nsc_mul_size(count, 2 * sizeof *pairs, &bytes) ? malloc(bytes) : NULL;
  if (!pairs) return nsc_fail_memory(err, count * 2 * sizeof *pairs, "a calibration");
  pair_logits(logits, count, outputs, pairs);
  nsc_eval_data data = {.task = NSC_TASK_BINARY, .count = count, .labels = 2, .scores = pairs, .truth = truth};
  nsc_status status = fit_temperature(&data, c, err);
  if (status == NSC_OK) status = choose_threshold(pairs, count, truth, sensitivity, c, err);
  free(pairs);
  return status;
}

nsc_status nsc_calibrate(nsc_task task, const float *logits, size_t count, uint32_t outputs, const int32_t *truth,
                         double sensitivity, nsc_calibration *out, nsc_error *err) {
  bool fits = task == NSC_TASK_BINARY ? outputs == 1 || outputs == 2 : task == NSC_TASK_SINGLE && outputs >= 2;
  if (!fits || !(sensitivity >= 0 && sensitivity <= 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u outputs of task %d with a sensitivity of %g cannot be calibrated",
                    outputs, (int)task, sensitivity);
  }
  nsc_calibration c = {.temperature = 1, .threshold = 0.5f};
  if (is_enough(task, count, truth)) {
    if (task == NSC_TASK_BINARY) {
      NSC_TRY(calibrate_binary(logits, count, outputs, truth, sensitivity, &c, err));
    } else {
      nsc_eval_data data = {.task = task, .count = count, .labels = outputs, .scores = logits, .truth = truth};
      NSC_TRY(fit_temperature(&data, &c, err));
    }
  }
  *out = c;
  return NSC_OK;
}
