#include "cli/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

/* The samples of one split: what the network says and what is true. */
typedef struct outcomes {
  float *logits; /* [count][outputs] */
  int32_t *truth;
  uint32_t count;
} outcomes;

static void drop_outcomes(outcomes *o) {
  free(o->logits);
  free(o->truth);
}

static nsc_status predict(nsc_trainer *trainer, const nsc_dataset *d, nsc_split split, uint32_t outputs, outcomes *out,
                          nsc_error *err) {
  outcomes o = {.count = nsc_dataset_count(d, split, UINT32_MAX)};
  o.logits = calloc((size_t)o.count + 1, outputs * sizeof *o.logits);
  o.truth = malloc(((size_t)o.count + 1) * sizeof *o.truth);
  nsc_status status = o.logits && o.truth ? NSC_OK : nsc_fail_memory(err, o.count * sizeof *o.logits, "predictions");
  for (uint32_t i = 0, n = 0; i < d->count && status == NSC_OK; i++) {
    if (d->samples[i].split == split) o.truth[n++] = (int32_t)d->samples[i].label;
  }
  if (status == NSC_OK && o.count) status = nsc_trainer_predict(trainer, split, o.logits, err);
  if (status != NSC_OK) {
    drop_outcomes(&o);
    return status;
  }
  *out = o;
  return NSC_OK;
}

/* ---- validation ---- */

nsc_status nsc_cli_calibrate(nsc_trainer *trainer, const nsc_dataset *data, nsc_task task, uint32_t outputs,
                             double sensitivity, nsc_calibration *out, nsc_error *err) {
  outcomes o;
  NSC_TRY(predict(trainer, data, NSC_SPLIT_VALIDATION, outputs, &o, err));
  nsc_status status = nsc_calibrate(task, o.logits, o.count, outputs, o.truth, sensitivity, out, err);
  drop_outcomes(&o);
  if (status != NSC_OK) return status;
  if (out->has_temperature) {
    printf("temperature %.3f: validation log loss %.4f, before %.4f\n", (double)out->temperature, out->loss_after,
           out->loss_before);
  } else {
    printf("temperature 1: %u validation pictures do not say another\n", o.count);
  }
  if (task != NSC_TASK_BINARY) return NSC_OK;
  if (!out->has_threshold) {
    puts("threshold 0.5: validation does not say another");
  } else if (sensitivity > 0) {
    printf("threshold %.4f: a sensitivity of at least %g on validation\n", (double)out->threshold, sensitivity);
  } else {
    printf("threshold %.4f: the largest sensitivity + specificity on validation\n", (double)out->threshold);
  }
  return NSC_OK;
}

/* ---- test ---- */

/* Probabilities of all labels, as the classifier gives them: scores [labels]. */
static void score(nsc_task task, const float *logits, uint32_t outputs, float temperature, float *scores) {
  if (task == NSC_TASK_BINARY) {
    float z = outputs == 1 ? logits[0] : logits[1] - logits[0];
    scores[1] = (float)(1 / (1 + exp(-(double)(z / temperature))));
    scores[0] = 1 - scores[1];
    return;
  }
  float top = -INFINITY;
  double sum = 0;
  for (uint32_t k = 0; k < outputs; k++) top = fmaxf(top, logits[k]);
  for (uint32_t k = 0; k < outputs; k++) sum += exp((double)((logits[k] - top) / temperature));
  for (uint32_t k = 0; k < outputs; k++) scores[k] = (float)(exp((double)((logits[k] - top) / temperature)) / sum);
}

static void print_value(const char *name, const nsc_eval_value *v) {
  if (v->reason) {
    printf("  %-20s      -   (%s)\n", name, nsc_eval_reason_text(v->reason));
  } else if (isnan(v->interval.low)) {
    printf("  %-20s %6.3f\n", name, v->value);
  } else {
    printf("  %-20s %6.3f   %.3f to %.3f\n", name, v->value, v->interval.low, v->interval.high);
  }
}

static void print_figures(const nsc_eval_report *r) {
  static const nsc_eval_metric binary[] = {NSC_EVAL_ACCURACY, NSC_EVAL_SENSITIVITY, NSC_EVAL_SPECIFICITY, NSC_EVAL_AUC,
                                           NSC_EVAL_ECE},
                               single[] = {NSC_EVAL_ACCURACY, NSC_EVAL_BALANCED_ACCURACY, NSC_EVAL_ECE};
  bool is_binary = r->task == NSC_TASK_BINARY;
  size_t count = is_binary ? sizeof binary / sizeof *binary : sizeof single / sizeof *single;
  printf("test: %llu pictures, %g %% intervals\n", (unsigned long long)r->count, 100 * r->options.confidence);
  for (size_t i = 0; i < count; i++) {
    nsc_eval_metric m = is_binary ? binary[i] : single[i];
    print_value(nsc_eval_metric_name(m), &r->overall[m]);
  }
  if (!is_binary) print_value("mean AUC", &r->macro[NSC_EVAL_AUC]);
}

static nsc_status judge(const outcomes *o, const nsc_dataset *d, nsc_task task, uint32_t outputs,
                        const nsc_calibration *c, nsc_error *err) {
  float *scores = calloc(o->count, d->label_count * sizeof *scores);
  float *thresholds = calloc(d->label_count, sizeof *thresholds);
  nsc_eval_report *report = NULL;
  nsc_status status = scores && thresholds ? NSC_OK : nsc_fail_memory(err, o->count * sizeof *scores, "scores");
  if (status == NSC_OK) {
    for (uint32_t i = 0; i < o->count; i++) {
      score(task, o->logits + (size_t)i * outputs, outputs, c->temperature, scores + (size_t)i * d->label_count);
    }
    for (uint32_t k = 0; k < d->label_count; k++) thresholds[k] = c->threshold;
    nsc_eval_data data = {.task = task,
                          .count = o->count,
                          .labels = d->label_count,
                          .scores = scores,
                          .truth = o->truth,
                          .thresholds = thresholds,
                          .names = (const char *const *)d->labels};
    status = nsc_eval_run(&data, NULL, &report, err);
  }
  if (status == NSC_OK) print_figures(report);
  nsc_eval_report_free(report);
  free(scores);
  free(thresholds);
  return status;
}

nsc_status nsc_cli_judge(nsc_trainer *trainer, const nsc_dataset *data, nsc_task task, uint32_t outputs,
                         const nsc_calibration *calibration, nsc_error *err) {
  if (nsc_dataset_count(data, NSC_SPLIT_TEST, UINT32_MAX) == 0) return NSC_OK;
  outcomes o;
  NSC_TRY(predict(trainer, data, NSC_SPLIT_TEST, outputs, &o, err));
  nsc_status status = judge(&o, data, task, outputs, calibration, err);
  drop_outcomes(&o);
  return status;
}
