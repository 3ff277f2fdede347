/* The report as JSON: nothing is computed here but ratios of counts. */
#include <math.h>

#include "base/text.h"
#include "eval/private.h"

static void key_number(nsc_text *t, const char *key, double value) {
  nsc_json_key(t, key);
  nsc_json_number(t, value);
}

static void key_float(nsc_text *t, const char *key, float value) {
  nsc_json_key(t, key);
  nsc_json_float(t, value);
}

static void key_int(nsc_text *t, const char *key, uint64_t value) {
  nsc_json_key(t, key);
  nsc_json_int(t, (int64_t)value);
}

static void key_reason(nsc_text *t, const char *key, nsc_eval_reason reason) {
  nsc_json_key(t, key);
  nsc_json_string(t, reason ? nsc_eval_reason_text(reason) : NULL);
}

/* ---- metrics ---- */

void nsc_eval_write_bootstrap(nsc_text *t, const nsc_eval_value *v) {
  nsc_json_key(t, "bootstrap");
  if (isnan(v->bootstrap.low)) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  nsc_json_number(t, v->bootstrap.low);
  nsc_json_number(t, v->bootstrap.high);
  nsc_json_end_array(t);
}

static void write_value(nsc_text *t, const nsc_eval_value *v) {
  nsc_json_object(t);
  key_number(t, "value", v->value);
  key_number(t, "low", v->interval.low);
  key_number(t, "high", v->interval.high);
  nsc_eval_write_bootstrap(t, v);
  key_reason(t, "reason", v->reason ? v->reason : v->no_interval);
  nsc_json_end_object(t);
}

static void write_values(nsc_text *t, const char *key, const nsc_eval_value *values) {
  nsc_json_key(t, key);
  nsc_json_object(t);
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    nsc_json_key(t, nsc_eval_metric_key((nsc_eval_metric)i));
    write_value(t, &values[i]);
  }
  nsc_json_end_object(t);
}

/* ---- thresholds ---- */

static void write_counts(nsc_text *t, const nsc_eval_counts *c) {
  key_int(t, "tp", c->tp);
  key_int(t, "fp", c->fp);
  key_int(t, "tn", c->tn);
  key_int(t, "fn", c->fn);
}

static void write_rule(nsc_text *t, float threshold, const nsc_eval_counts *c) {
  key_float(t, "threshold", threshold);
  write_counts(t, c);
  key_number(t, "sensitivity", nsc_eval_ratio(c->tp, c->fn));
  key_number(t, "specificity", nsc_eval_ratio(c->tn, c->fp));
  key_number(t, "precision", nsc_eval_ratio(c->tp, c->fp));
}

static void write_choice(nsc_text *t, const char *key, const nsc_eval_choice *choice) {
  nsc_json_key(t, key);
  nsc_json_object(t);
  write_rule(t, choice->threshold, &choice->counts);
  key_reason(t, "reason", choice->reason);
  nsc_json_end_object(t);
}

static void write_thresholds(nsc_text *t, const nsc_eval_report *r, const nsc_eval_class *c) {
  nsc_json_key(t, "thresholds");
  nsc_json_object(t);
  write_choice(t, "youden", &c->youden);
  write_choice(t, "f1", &c->best_f1);
  write_choice(t, "sensitivity", &c->for_sensitivity);
  write_choice(t, "specificity", &c->for_specificity);
  nsc_json_end_object(t);
  nsc_json_key(t, "sweep");
  nsc_json_array(t);
  for (uint32_t i = 0; i <= r->options.sweep_steps; i++) {
    nsc_json_object(t);
    write_rule(t, c->sweep[i].threshold, &c->sweep[i].counts);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

/* ---- curves and bins ---- */

static void write_point(nsc_text *t, double x, double y, float threshold) {
  nsc_json_array(t);
  nsc_json_number(t, x);
  nsc_json_number(t, y);
  nsc_json_float(t, threshold);
  nsc_json_end_array(t);
}

static void write_curves(nsc_text *t, const nsc_eval_class *c) {
  nsc_json_key(t, "roc");
  nsc_json_array(t);
  for (uint32_t i = 0; c->positives && c->negatives && i < c->roc.count; i++) {
    const nsc_eval_point *p = &c->roc.points[i];
    write_point(t, (double)p->fp / c->roc.negatives, (double)p->tp / c->roc.positives, p->threshold);
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "pr");
  nsc_json_array(t);
  for (uint32_t i = 0; c->positives && i < c->pr.count; i++) {
    const nsc_eval_point *p = &c->pr.points[i];
    double precision = p->tp + p->fp ? nsc_eval_ratio(p->tp, p->fp) : 1;
    write_point(t, (double)p->tp / c->pr.positives, precision, p->threshold);
  }
  nsc_json_end_array(t);
}

static void write_bins(nsc_text *t, const char *key, const nsc_eval_bin *bins, uint32_t count) {
  nsc_json_key(t, key);
  if (!bins) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) {
    nsc_json_object(t);
    key_number(t, "low", bins[i].low);
    key_number(t, "high", bins[i].high);
    key_int(t, "count", bins[i].count);
    key_number(t, "score", bins[i].score);
    key_number(t, "share", bins[i].share);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

/* ---- the whole ---- */

static void write_class(nsc_text *t, const nsc_eval_report *r, const nsc_eval_class *c) {
  nsc_json_object(t);
  nsc_json_key(t, "name");
  nsc_json_string(t, c->name);
  key_int(t, "positives", c->positives);
  key_int(t, "negatives", c->negatives);
  key_float(t, "threshold", c->threshold);
  nsc_json_key(t, "counts");
  nsc_json_object(t);
  write_counts(t, &c->counts);
  nsc_json_end_object(t);
  write_values(t, "metrics", c->values);
  write_thresholds(t, r, c);
  key_int(t, "distinctScores", c->distinct_scores);
  write_curves(t, c);
  nsc_json_key(t, "calibration");
  nsc_json_object(t);
  write_bins(t, "equalWidth", c->width_bins, r->options.bins);
  write_bins(t, "equalMass", c->mass_bins, r->options.bins);
  nsc_json_end_object(t);
  nsc_json_end_object(t);
}

static void write_head(nsc_text *t, const nsc_eval_report *r) {
  static const char *const tasks[] = {"single", "multi", "binary"};
  nsc_json_key(t, "task");
  nsc_json_string(t, tasks[r->task]);
  key_int(t, "count", r->count);
  key_number(t, "confidence", r->options.confidence);
  nsc_json_key(t, "bootstrap");
  if (r->options.replicates) {
    nsc_json_object(t);
    key_int(t, "replicates", r->options.replicates);
    /* As text: JavaScript's numbers do not hold 64 bits. */
    nsc_text seed = {0};
    nsc_text_printf(&seed, "%llu", (unsigned long long)r->options.seed);
    nsc_json_key(t, "seed");
    nsc_json_string(t, seed.failed ? NULL : seed.chars);
    nsc_text_drop(&seed);
    nsc_json_key(t, "stratified");
    nsc_json_bool(t, r->options.stratified);
    nsc_json_end_object(t);
  } else {
    nsc_json_null(t);
  }
  nsc_json_key(t, "labels");
  nsc_json_array(t);
  for (uint32_t k = 0; k < r->labels; k++) nsc_json_string(t, r->classes[k].name);
  nsc_json_end_array(t);
}

static void write_matrix(nsc_text *t, const nsc_eval_report *r) {
  nsc_json_key(t, "confusion");
  if (!r->confusion) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  for (uint32_t row = 0; row < r->labels; row++) {
    nsc_json_array(t);
    for (uint32_t k = 0; k < r->labels; k++) nsc_json_int(t, (int64_t)r->confusion[(size_t)row * r->labels + k]);
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
}

nsc_status nsc_eval_json(const nsc_eval_report *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  write_head(&t, r);
  write_values(&t, "overall", r->overall);
  write_values(&t, "macro", r->macro);
  write_values(&t, "weighted", r->weighted);
  write_matrix(&t, r);
  write_bins(&t, "bestLabelCalibration", r->best_bins, r->options.bins);
  nsc_json_key(&t, "classes");
  nsc_json_array(&t);
  for (uint32_t k = 0; k < r->labels; k++) write_class(&t, r, &r->classes[k]);
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
