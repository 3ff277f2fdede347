#include "cli/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/data.h"
#include "eval/survival.h"

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

nsc_status nsc_cli_judge_survival(nsc_training *training, nsc_error *err) {
  if (nsc_dataset_count(nsc_training_data(training), NSC_SPLIT_TEST, UINT32_MAX) == 0) return NSC_OK;
  nsc_eval_survival_report *report;
  char *text;
  NSC_TRY(nsc_training_survival_report(training, NSC_SPLIT_TEST, NULL, &report, err));
  nsc_status status = nsc_eval_survival_text(report, &text, err);
  nsc_eval_survival_free(report);
  NSC_TRY(status);
  printf("test: %s", text);
  nsc_text_free(text);
  return NSC_OK;
}

nsc_eval_facts nsc_cli_eval_facts(const nsc_model *model, const char *model_name, const char *data, const bool *splits,
                                  const char *title, uint32_t refused, char date[NSC_CLI_DATE]) {
  time_t now = time(NULL);
  const struct tm *local = localtime(&now);
  date[0] = 0;
  if (local) strftime(date, NSC_CLI_DATE, "%Y-%m-%d %H:%M", local);
  const char *name = nsc_model_metadata(model, "nsc.title", NULL);
  if (!name) name = nsc_model_metadata(model, "nsc.name", NULL);
  return (nsc_eval_facts){.title = title,
                          .model = name ? name : model_name,
                          .data = data,
                          .split = nsc_cli_split_words(splits),
                          .date = date,
                          .limits = nsc_model_metadata(model, "nsc.limits", NULL),
                          .refused = refused};
}

nsc_status nsc_cli_write_text(const char *path, char *text, nsc_error *err) {
  nsc_status status = nsc_cli_write(path, text, strlen(text), err);
  nsc_text_free(text);
  return status;
}
