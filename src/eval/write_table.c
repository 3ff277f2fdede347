/* The report as CSV, a line for each value, and as tables for a terminal. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "eval/private.h"

/* ---- CSV ---- */

static void csv_number(nsc_text *t, double value) {
  nsc_text_put(t, ",");
  if (!isnan(value)) nsc_text_printf(t, "%.9g", value);
}

static void csv_values(nsc_text *t, const char *group, const char *name, const nsc_eval_value *values) {
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    const nsc_eval_value *v = &values[i];
    nsc_text_printf(t, "%s,", group);
    nsc_csv_field(t, name);
    nsc_text_printf(t, ",%s", nsc_eval_metric_key((nsc_eval_metric)i));
    csv_number(t, v->value);
    csv_number(t, v->interval.low);
    csv_number(t, v->interval.high);
    csv_number(t, v->bootstrap.low);
    csv_number(t, v->bootstrap.high);
    nsc_text_put(t, ",");
    nsc_csv_field(t, nsc_eval_reason_text(v->reason ? v->reason : v->no_interval));
    nsc_text_put(t, "\r\n");
  }
}

nsc_status nsc_eval_csv(const nsc_eval_report *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_text_put(&t, "group,class,metric,value,low,high,bootstrap_low,bootstrap_high,reason\r\n");
  csv_values(&t, "overall", "", r->overall);
  csv_values(&t, "macro", "", r->macro);
  csv_values(&t, "weighted", "", r->weighted);
  for (uint32_t k = 0; k < r->labels; k++) csv_values(&t, "class", r->classes[k].name, r->classes[k].values);
  return nsc_text_finish(&t, out, err);
}

/* ---- tables ---- */

enum {
  NAME_WIDTH = 28 /* the longest metric's name and two blanks */,
  MATRIX_LABELS = 12 /* more columns would wrap */
};

/* The name cut or filled to `width` code points: printf's widths count bytes. */
static void put_name(nsc_text *t, const char *name, int width) {
  int shown = 0;
  const char *c = name;
  while (*c && shown < width - 1) {
    const char *next = c + 1;
    while (((unsigned char)*next & 0xC0) == 0x80) next++;
    nsc_text_append(t, (unsigned char)*c < 0x20 ? " " : c, (unsigned char)*c < 0x20 ? 1 : (size_t)(next - c));
    c = next;
    shown++;
  }
  nsc_text_printf(t, "%*s", width - shown, "");
}

static void put_number(nsc_text *t, double value) {
  if (isnan(value)) {
    nsc_text_put(t, "       -");
  } else {
    nsc_text_printf(t, "  %6.3f", value);
  }
}

static void put_interval(nsc_text *t, nsc_eval_interval interval) {
  if (isnan(interval.low)) {
    nsc_text_printf(t, "%17s", "-");
  } else {
    nsc_text_printf(t, "  %6.3f to %5.3f", interval.low, interval.high);
  }
}

static void text_values(nsc_text *t, const nsc_eval_report *r, const nsc_eval_value *values) {
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    const nsc_eval_value *v = &values[i];
    if (v->reason == NSC_EVAL_CLASSES_ONLY) continue;
    nsc_text_put(t, "  ");
    put_name(t, nsc_eval_metric_name((nsc_eval_metric)i), NAME_WIDTH);
    put_number(t, v->value);
    put_interval(t, v->interval);
    if (r->options.replicates) put_interval(t, v->bootstrap);
    nsc_eval_reason reason = v->reason ? v->reason : v->no_interval;
    if (reason) nsc_text_printf(t, "  (%s)", nsc_eval_reason_text(reason));
    nsc_text_put(t, "\n");
  }
}

static void text_head(nsc_text *t, const nsc_eval_report *r, const char *title) {
  double percent = 100 * r->options.confidence;
  nsc_text_put(t, "\n");
  put_name(t, title, NAME_WIDTH + 2);
  nsc_text_printf(t, "   value  %9g %% CI", percent);
  if (r->options.replicates) nsc_text_printf(t, "  %11s", "bootstrap");
  nsc_text_put(t, "\n");
}

static void text_classes(nsc_text *t, const nsc_eval_report *r) {
  static const nsc_eval_metric columns[] = {NSC_EVAL_AUC,       NSC_EVAL_AP, NSC_EVAL_SENSITIVITY, NSC_EVAL_SPECIFICITY,
                                            NSC_EVAL_PRECISION, NSC_EVAL_F1, NSC_EVAL_MCC,         NSC_EVAL_ECE};
  static const char *const heads[] = {"AUC", "AP", "sens", "spec", "prec", "F1", "MCC", "ECE"};
  enum { COLUMNS = sizeof columns / sizeof *columns };
  nsc_text_put(t, "\n");
  put_name(t, "Class", NAME_WIDTH);
  nsc_text_printf(t, "%9s%9s", "pos", "neg");
  for (int i = 0; i < COLUMNS; i++) nsc_text_printf(t, "  %6s", heads[i]);
  nsc_text_put(t, "\n");
  for (uint32_t k = 0; k < r->labels; k++) {
    const nsc_eval_class *c = &r->classes[k];
    put_name(t, c->name, NAME_WIDTH);
    nsc_text_printf(t, "%9llu%9llu", (unsigned long long)c->positives, (unsigned long long)c->negatives);
    for (int i = 0; i < COLUMNS; i++) put_number(t, c->values[columns[i]].value);
    nsc_text_put(t, "\n");
  }
  const struct {
    const char *name;
    const nsc_eval_value *values;
  } means[] = {{"mean", r->macro}, {"mean by positives", r->weighted}};
  for (int m = 0; m < 2 && r->task != NSC_TASK_BINARY; m++) {
    put_name(t, means[m].name, NAME_WIDTH);
    nsc_text_printf(t, "%18s", "");
    for (int i = 0; i < COLUMNS; i++) put_number(t, means[m].values[columns[i]].value);
    nsc_text_put(t, "\n");
  }
}

static void text_choice(nsc_text *t, const char *what, const nsc_eval_choice *choice) {
  const nsc_eval_counts *c = &choice->counts;
  nsc_text_put(t, "  ");
  put_name(t, what, NAME_WIDTH);
  put_number(t, (double)choice->threshold);
  if (choice->reason) {
    nsc_text_printf(t, "  (%s)\n", nsc_eval_reason_text(choice->reason));
    return;
  }
  put_number(t, nsc_eval_ratio(c->tp, c->fn));
  put_number(t, nsc_eval_ratio(c->tn, c->fp));
  put_number(t, nsc_eval_ratio(c->tp, c->fp));
  nsc_text_put(t, "\n");
}

static void text_thresholds(nsc_text *t, const nsc_eval_report *r) {
  nsc_text sensitivity = {0}, specificity = {0};
  nsc_text_printf(&sensitivity, "sensitivity of %g", r->options.sensitivity);
  nsc_text_printf(&specificity, "specificity of %g", r->options.specificity);
  nsc_text_put(t, "\n");
  put_name(t, "Thresholds", NAME_WIDTH + 2);
  nsc_text_put(t, "  thresh    sens    spec    prec\n");
  for (uint32_t k = r->task == NSC_TASK_BINARY; k < r->labels && !sensitivity.failed && !specificity.failed; k++) {
    const nsc_eval_class *c = &r->classes[k];
    put_name(t, c->name, NAME_WIDTH);
    nsc_text_put(t, "\n");
    text_choice(t, "Youden", &c->youden);
    text_choice(t, "best F1", &c->best_f1);
    text_choice(t, sensitivity.chars, &c->for_sensitivity);
    text_choice(t, specificity.chars, &c->for_specificity);
  }
  t->failed = t->failed || sensitivity.failed || specificity.failed;
  nsc_text_drop(&sensitivity);
  nsc_text_drop(&specificity);
}

static void text_matrix(nsc_text *t, const nsc_eval_report *r) {
  if (!r->confusion || r->labels > MATRIX_LABELS) return;
  nsc_text_put(t, "\n");
  put_name(t, "Truth \\ called", NAME_WIDTH);
  for (uint32_t k = 0; k < r->labels; k++) {
    nsc_text_put(t, " ");
    put_name(t, r->classes[k].name, 10);
  }
  nsc_text_put(t, "\n");
  for (uint32_t row = 0; row < r->labels; row++) {
    put_name(t, r->classes[row].name, NAME_WIDTH);
    for (uint32_t k = 0; k < r->labels; k++) {
      nsc_text_printf(t, " %-10llu", (unsigned long long)r->confusion[(size_t)row * r->labels + k]);
    }
    nsc_text_put(t, "\n");
  }
}

/* Padding belongs between columns, not after the last. */
static void trim_lines(nsc_text *t) {
  if (t->failed || !t->chars) return;
  size_t to = 0;
  for (size_t from = 0; from < t->size; from++) {
    while (t->chars[from] == '\n' && to && t->chars[to - 1] == ' ') to--;
    t->chars[to++] = t->chars[from];
  }
  t->size = to;
  t->chars[to] = 0;
}

nsc_status nsc_eval_text(const nsc_eval_report *r, char **out, nsc_error *err) {
  static const char *const titles[] = {"One label of several", "Each label for itself", "Present or absent"};
  nsc_text t = {0};
  nsc_text_printf(&t, "%llu cases, %u labels\n", (unsigned long long)r->count, r->labels);
  text_head(&t, r, titles[r->task]);
  text_values(&t, r, r->overall);
  if (r->task != NSC_TASK_BINARY) {
    text_head(&t, r, "Mean over labels");
    text_values(&t, r, r->macro);
  }
  text_classes(&t, r);
  text_matrix(&t, r);
  text_thresholds(&t, r);
  trim_lines(&t);
  return nsc_text_finish(&t, out, err);
}
