/*
 * How good curves of survival are: from a model's curves and what became of the cases to figures, curves and a report.
 *
 * A case is one picture with a time, and an event then (1) or none until then (0, censored). The score that orders
 * cases is the mean time without the event up to the last edge: cases with a shorter one are at a higher risk.
 */
#ifndef NSC_EVAL_SURVIVAL_H
#define NSC_EVAL_SURVIVAL_H

#include "base/survival.h"
#include "eval/eval.h"

/* Borrowed for the time of a call. */
typedef struct nsc_eval_survival_data {
  size_t count;
  const double *times;   /* [count] */
  const uint8_t *events; /* [count] */
  uint32_t bins;
  const double *edges;   /* [bins + 1], rising from 0 */
  const float *survival; /* [count][bins] the chance of no event up to edges[1] .. edges[bins] */
  const char *unit;      /* of times; NULL or "": nobody said */
} nsc_eval_survival_data;

/* At an edge of the bins. */
typedef struct nsc_eval_survival_point {
  double time;
  uint32_t at_risk;           /* cases that were followed beyond it without an event */
  double seen;                /* Kaplan and Meier's curve of the cases */
  nsc_eval_interval interval; /* of it, by the variance of log(-log) (Kalbfleisch and Prentice 1980); none at 0 and 1 */
  double predicted;           /* mean of the model's curves */
  double brier, brier_of_seen; /* NaN behind the last time of the cases */
} nsc_eval_survival_point;

typedef struct nsc_eval_survival_report {
  uint64_t count, events;
  uint64_t pairs; /* that can be compared */
  nsc_eval_options options;
  /*
   * Harrell's C (JAMA 247, 1982): of the pairs of which it is known who had the event first, the share in which that
   * one has the higher risk; equal scores count half. Antolini's (Stat Med 24, 2005): the same by the curves themselves
   * at the time of the earlier event, so that curves that cross are done justice.
   */
  nsc_eval_value harrell, antolini;
  /*
   * Brier's score at each edge, cases weighted by one over their chance of not being censored before (Graf, Schmoor,
   * Sauerbrei and Schumacher, Stat Med 18, 1999), and its mean over time up to `horizon` by the trapezoid rule.
   * `of_seen`: of Kaplan and Meier's curve of these same cases for all: what a model that knows nothing of the picture
   * could reach.
   */
  double integrated, integrated_of_seen, horizon;
  uint32_t bins;
  nsc_eval_survival_point *points; /* [bins] */
  nsc_km seen;
  char *unit; /* "" when nobody said */
} nsc_eval_survival_report;

/* Of `options` confidence, replicates (of Harrell's C), seed and cancel count. Errors: ARGUMENT (names the case),
 * LIMIT, MEMORY, CANCELLED. */
NSC_WARN_UNUSED nsc_status nsc_eval_survival_run(const nsc_eval_survival_data *data, const nsc_eval_options *options,
                                                 nsc_eval_survival_report **out, nsc_error *err);
void nsc_eval_survival_free(nsc_eval_survival_report *report);

/*
 * {"task": "survival", "count", "events", "unit", "confidence", "pairs", "harrell": {"value", "bootstrap": [low, high]
 * | null, "reason"}, "antolini": {..}, "brier": {"integrated", "kaplanMeier", "horizon"}, "points": [{"time", "atRisk",
 * "kaplanMeier", "low", "high", "predicted", "brier", "brierKaplanMeier"}], "kaplanMeier": [[time, survival], ..]}.
 * Ended by nsc_text_free, as those below.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_survival_json(const nsc_eval_survival_report *report, char **out, nsc_error *err);
/* A line for each value: metric,time,value,low,high (RFC 4180). */
NSC_WARN_UNUSED nsc_status nsc_eval_survival_csv(const nsc_eval_survival_report *report, char **out, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_eval_survival_text(const nsc_eval_survival_report *report, char **out, nsc_error *err);
/* As nsc_eval_html. */
NSC_WARN_UNUSED nsc_status nsc_eval_survival_html(const nsc_eval_survival_report *report, const nsc_eval_facts *facts,
                                                  char **out, nsc_error *err);

#endif
