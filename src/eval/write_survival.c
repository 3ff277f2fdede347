/* The report on curves of survival as JSON, as CSV and as tables for a terminal. */
#include <math.h>

#include "base/text.h"
#include "eval/html.h"
#include "eval/private.h"
#include "eval/survival.h"

/* ---- JSON ---- */

static void key_number(nsc_text *t, const char *key, double value) {
  nsc_json_key(t, key);
  nsc_json_number(t, value);
}

static void write_value(nsc_text *t, const char *key, const nsc_eval_value *v) {
  nsc_json_key(t, key);
  nsc_json_object(t);
  key_number(t, "value", v->value);
  nsc_eval_write_bootstrap(t, v);
  nsc_json_key(t, "reason"), nsc_json_string(t, v->reason ? nsc_eval_reason_text(v->reason) : NULL);
  nsc_json_end_object(t);
}

static void write_point(nsc_text *t, const nsc_eval_survival_point *p) {
  nsc_json_object(t);
  key_number(t, "time", p->time);
  nsc_json_key(t, "atRisk"), nsc_json_int(t, p->at_risk);
  key_number(t, "kaplanMeier", p->seen);
  key_number(t, "low", p->interval.low);
  key_number(t, "high", p->interval.high);
  key_number(t, "predicted", p->predicted);
  key_number(t, "brier", p->brier);
  key_number(t, "brierKaplanMeier", p->brier_of_seen);
  nsc_json_end_object(t);
}

static void write_seen(nsc_text *t, const nsc_km *km) {
  nsc_json_key(t, "kaplanMeier"), nsc_json_array(t);
  for (uint32_t i = 0; i < km->count; i++) {
    if (!km->steps[i].events) continue;
    nsc_json_array(t);
    nsc_json_number(t, km->steps[i].time);
    nsc_json_number(t, km->steps[i].survival);
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
}

nsc_status nsc_eval_survival_json(const nsc_eval_survival_report *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "task"), nsc_json_string(&t, "survival");
  nsc_json_key(&t, "count"), nsc_json_int(&t, (int64_t)r->count);
  nsc_json_key(&t, "events"), nsc_json_int(&t, (int64_t)r->events);
  nsc_json_key(&t, "unit"), nsc_json_string(&t, r->unit);
  key_number(&t, "confidence", r->options.confidence);
  nsc_json_key(&t, "pairs"), nsc_json_int(&t, (int64_t)r->pairs);
  write_value(&t, "harrell", &r->harrell);
  write_value(&t, "antolini", &r->antolini);
  nsc_json_key(&t, "brier"), nsc_json_object(&t);
  key_number(&t, "integrated", r->integrated);
  key_number(&t, "kaplanMeier", r->integrated_of_seen);
  key_number(&t, "horizon", r->horizon);
  nsc_json_end_object(&t);
  nsc_json_key(&t, "points"), nsc_json_array(&t);
  for (uint32_t k = 0; k < r->bins; k++) write_point(&t, &r->points[k]);
  nsc_json_end_array(&t);
  write_seen(&t, &r->seen);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

/* ---- CSV ---- */

static void csv_number(nsc_text *t, double value) {
  nsc_text_put(t, ",");
  if (!isnan(value)) nsc_text_printf(t, "%.9g", value);
}

static void csv_line(nsc_text *t, const char *metric, double time, double value, nsc_eval_interval i) {
  nsc_text_put(t, metric);
  csv_number(t, time);
  csv_number(t, value);
  csv_number(t, i.low);
  csv_number(t, i.high);
  nsc_text_put(t, "\r\n");
}

nsc_status nsc_eval_survival_csv(const nsc_eval_survival_report *r, char **out, nsc_error *err) {
  const nsc_eval_interval none = {NAN, NAN};
  nsc_text t = {0};
  nsc_text_put(&t, "metric,time,value,low,high\r\n");
  csv_line(&t, "harrell", NAN, r->harrell.value, r->harrell.bootstrap);
  csv_line(&t, "antolini", NAN, r->antolini.value, none);
  csv_line(&t, "integratedBrier", r->horizon, r->integrated, none);
  csv_line(&t, "integratedBrierKaplanMeier", r->horizon, r->integrated_of_seen, none);
  for (uint32_t k = 0; k < r->bins; k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    csv_line(&t, "atRisk", p->time, p->at_risk, none);
    csv_line(&t, "kaplanMeier", p->time, p->seen, p->interval);
    csv_line(&t, "predicted", p->time, p->predicted, none);
    csv_line(&t, "brier", p->time, p->brier, none);
    csv_line(&t, "brierKaplanMeier", p->time, p->brier_of_seen, none);
  }
  return nsc_text_finish(&t, out, err);
}

/* ---- tables ---- */

static void put_line(nsc_text *t, const char *name, const nsc_eval_value *v) {
  nsc_text_printf(t, "%-28s", name);
  if (v->reason) {
    nsc_text_printf(t, "      -   (%s)\n", nsc_eval_reason_text(v->reason));
  } else if (isnan(v->bootstrap.low)) {
    nsc_text_printf(t, "%7.3f\n", v->value);
  } else {
    nsc_text_printf(t, "%7.3f   %.3f to %.3f\n", v->value, v->bootstrap.low, v->bootstrap.high);
  }
}

/* A figure of seven places, or a dash. */
static void put_cell(nsc_text *t, double value) {
  if (isnan(value)) {
    nsc_text_printf(t, "%10s", "-");
  } else {
    nsc_text_printf(t, "%10.3f", value);
  }
}

nsc_status nsc_eval_survival_text(const nsc_eval_survival_report *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_text_printf(&t, "%llu cases, %llu events\n", (unsigned long long)r->count, (unsigned long long)r->events);
  put_line(&t, "Harrell's C", &r->harrell);
  put_line(&t, "Antolini's C", &r->antolini);
  nsc_text_printf(&t, "%-28s", "integrated Brier score");
  if (isnan(r->integrated)) {
    nsc_text_put(&t, "      -\n");
  } else {
    nsc_text_printf(&t, "%7.4f   Kaplan-Meier %.4f, up to %.4g %s\n", r->integrated, r->integrated_of_seen, r->horizon,
                    r->unit);
  }
  nsc_text_printf(&t, "\n%10s%10s%10s%10s%10s%10s\n", r->unit[0] ? r->unit : "time", "at risk", "seen", "predicted",
                  "Brier", "(seen)");
  for (uint32_t k = 0; k < r->bins; k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    nsc_text_printf(&t, "%10.4g%10u", p->time, p->at_risk);
    put_cell(&t, p->seen);
    put_cell(&t, p->predicted);
    put_cell(&t, p->brier);
    put_cell(&t, p->brier_of_seen);
    nsc_text_put(&t, "\n");
  }
  return nsc_text_finish(&t, out, err);
}
