#include "cli/judge.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"

nsc_status nsc_cli_calibrate(nsc_training *training, double sensitivity, nsc_error *err) {
  nsc_calibration c;
  NSC_TRY(nsc_training_calibrate(training, sensitivity, &c, err));
  if (c.has_temperature) {
    printf("temperature %.3f: validation log loss %.4f, before %.4f\n", (double)c.temperature, c.loss_after,
           c.loss_before);
  } else {
    puts("temperature 1: validation has too few pictures to say another");
  }
  if (nsc_training_options_of(training)->task != NSC_TASK_BINARY) return NSC_OK;
  if (!c.has_threshold) {
    puts("threshold 0.5: validation does not say another");
  } else if (sensitivity > 0) {
    printf("threshold %.4f: a sensitivity of at least %g on validation\n", (double)c.threshold, sensitivity);
  } else {
    printf("threshold %.4f: the largest sensitivity + specificity on validation\n", (double)c.threshold);
  }
  return NSC_OK;
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

nsc_status nsc_cli_judge(nsc_training *training, nsc_error *err) {
  if (nsc_dataset_count(nsc_training_data(training), NSC_SPLIT_TEST, UINT32_MAX) == 0) return NSC_OK;
  nsc_eval_report *report;
  NSC_TRY(nsc_training_report(training, NSC_SPLIT_TEST, &report, err));
  print_figures(report);
  nsc_eval_report_free(report);
  return NSC_OK;
}
