#include "eval/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "eval/concordance.h"

/* ---- checks ---- */

static nsc_status check(const nsc_eval_survival_data *d, nsc_error *err) {
  if (d->count == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are no cases");
  if (d->count > NSC_EVAL_MAX_CASES) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d cases", NSC_EVAL_MAX_CASES);
  bool rises = d->bins >= 1 && d->edges[0] == 0;
  for (uint32_t k = 0; k < d->bins && rises; k++) rises = d->edges[k + 1] > d->edges[k];
  if (!rises) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the edges of the time bins do not rise from 0");
  for (size_t i = 0; i < d->count; i++) {
    double before = 1;
    for (uint32_t k = 0; k < d->bins; k++) {
      double s = (double)d->survival[i * d->bins + k];
      if (!(s >= 0 && s <= before)) {
        return nsc_fail(err, NSC_ERROR_ARGUMENT, "the curve of case %zu does not fall from 1 towards 0", i + 1);
      }
      before = s;
    }
  }
  return NSC_OK;
}

/* ---- Brier ---- */

/* Graf's at `time`, with curves of the cases, or `same` for all of them. `free`: the curve of not being censored. */
static double brier_at(const nsc_eval_survival_data *d, const nsc_km *free_of, double time, double same) {
  double sum = 0, later = nsc_km_at(free_of, time);
  for (size_t i = 0; i < d->count; i++) {
    double s = isnan(same) ? nsc_survival_at(d->edges, d->survival + i * d->bins, d->bins, time) : same;
    if (d->times[i] > time) {
      sum += (1 - s) * (1 - s) / later;
    } else if (d->events[i]) {
      sum += s * s / nsc_km_before(free_of, d->times[i]);
    }
  }
  return sum / (double)d->count;
}

static void integrate_brier(nsc_eval_survival_report *r) {
  double before = 0, before_of_seen = 0, time = 0, area = 0, area_of_seen = 0;
  for (uint32_t k = 0; k < r->bins && !isnan(r->points[k].brier); k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    area += (before + p->brier) / 2 * (p->time - time);
    area_of_seen += (before_of_seen + p->brier_of_seen) / 2 * (p->time - time);
    before = p->brier, before_of_seen = p->brier_of_seen, time = p->time;
  }
  r->horizon = time;
  r->integrated = time > 0 ? area / time : NAN;
  r->integrated_of_seen = time > 0 ? area_of_seen / time : NAN;
}

/* ---- points ---- */

/* An interval around Kaplan and Meier's S: S to the power of exp(+-z sd / log S), which stays within 0 and 1. */
static nsc_eval_interval interval_of(const nsc_km_step *step, double confidence) {
  if (!step || !(step->survival > 0 && step->survival < 1)) return (nsc_eval_interval){NAN, NAN};
  double z = nsc_eval_normal_quantile(1 - (1 - confidence) / 2);
  double width = z * sqrt(step->greenwood) / -log(step->survival);
  return (nsc_eval_interval){pow(step->survival, exp(width)), pow(step->survival, exp(-width))};
}

static double mean_predicted(const nsc_eval_survival_data *d, uint32_t bin) {
  double sum = 0;
  for (size_t i = 0; i < d->count; i++) sum += (double)d->survival[i * d->bins + bin];
  return sum / (double)d->count;
}

static void measure_points(const nsc_eval_survival_data *d, const nsc_km *free_of, nsc_eval_survival_report *r) {
  double last = r->seen.steps[r->seen.count - 1].time;
  for (uint32_t k = 0; k < d->bins; k++) {
    nsc_eval_survival_point *p = &r->points[k];
    p->time = d->edges[k + 1];
    for (size_t i = 0; i < d->count; i++) p->at_risk += d->times[i] > p->time;
    p->seen = nsc_km_at(&r->seen, p->time);
    p->interval = interval_of(nsc_km_find(&r->seen, p->time, false), r->options.confidence);
    p->predicted = mean_predicted(d, k);
    bool known = p->time <= last;
    p->brier = known ? brier_at(d, free_of, p->time, NAN) : NAN;
    p->brier_of_seen = known ? brier_at(d, free_of, p->time, p->seen) : NAN;
  }
  integrate_brier(r);
}

/* ---- order ---- */

static nsc_eval_value value_of(double value) {
  return (nsc_eval_value){.value = value,
                          .reason = isnan(value) ? NSC_EVAL_NO_PAIRS : NSC_EVAL_DEFINED,
                          .interval = {NAN, NAN},
                          .bootstrap = {NAN, NAN}};
}

static nsc_status compare(nsc_concordance *c, const nsc_eval_options *o, nsc_eval_survival_report *r, nsc_error *err) {
  double pairs, antolini;
  r->harrell = value_of(nsc_concordance_harrell(c, NULL, &pairs));
  r->pairs = (uint64_t)pairs;
  if (o->replicates && !r->harrell.reason) NSC_TRY(nsc_concordance_bootstrap(c, o, &r->harrell.bootstrap, err));
  NSC_TRY(nsc_concordance_antolini(c, o->cancel, &antolini, err));
  r->antolini = value_of(antolini);
  return NSC_OK;
}

static nsc_status measure_order(const nsc_eval_survival_data *d, const nsc_eval_options *o, nsc_eval_survival_report *r,
                                nsc_error *err) {
  nsc_concordance c;
  double *scores = malloc(d->count * sizeof *scores);
  if (!scores) return nsc_fail_memory(err, d->count * sizeof *scores, "the concordance");
  for (size_t i = 0; i < d->count; i++) scores[i] = nsc_survival_mean(d->edges, d->survival + i * d->bins, d->bins);
  nsc_status status = nsc_concordance_make(d, scores, &c, err);
  free(scores);
  NSC_TRY(status);
  status = compare(&c, o, r, err);
  nsc_concordance_drop(&c);
  return status;
}

/* ---- the whole ---- */

static nsc_status fill(const nsc_eval_survival_data *d, const nsc_eval_options *o, nsc_eval_survival_report *r,
                       nsc_error *err) {
  nsc_km free_of;
  const char *unit = d->unit ? d->unit : "";
  r->unit = nsc_copy_chars(unit, strlen(unit));
  r->points = calloc(d->bins, sizeof *r->points);
  if (!r->points || !r->unit) return nsc_fail_memory(err, d->bins * sizeof *r->points, "a report");
  NSC_TRY(nsc_km_make(d->times, d->events, d->count, false, &r->seen, err));
  NSC_TRY(nsc_km_make(d->times, d->events, d->count, true, &free_of, err));
  for (size_t i = 0; i < d->count; i++) r->events += d->events[i];
  measure_points(d, &free_of, r);
  nsc_km_drop(&free_of);
  return measure_order(d, o, r, err);
}

nsc_status nsc_eval_survival_run(const nsc_eval_survival_data *data, const nsc_eval_options *options,
                                 nsc_eval_survival_report **out, nsc_error *err) {
  NSC_TRY(check(data, err));
  nsc_eval_survival_report *r = calloc(1, sizeof *r);
  if (!r) return nsc_fail_memory(err, sizeof *r, "a report");
  nsc_eval_options o = options ? *options : (nsc_eval_options){0};
  if (!(o.confidence > 0 && o.confidence < 1)) o.confidence = 0.95;
  *r = (nsc_eval_survival_report){.count = data->count, .bins = data->bins, .options = o};
  r->options.cancel = NULL;
  nsc_status status = fill(data, &o, r, err);
  if (status != NSC_OK) {
    nsc_eval_survival_free(r);
    return status;
  }
  *out = r;
  return NSC_OK;
}

void nsc_eval_survival_free(nsc_eval_survival_report *report) {
  if (!report) return;
  nsc_km_drop(&report->seen);
  free(report->points);
  free(report->unit);
  free(report);
}
