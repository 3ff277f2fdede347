/* The whole evaluation: each class by itself, then all together, then the bootstrap. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/private.h"

/* The report stands first, so that its address is the holder's. */
typedef struct holder {
  nsc_eval_report report;
  nsc_arena arena;
} holder;

/* ---- options ---- */

static nsc_status fill_options(const nsc_eval_options *given, nsc_eval_options *o, nsc_error *err) {
  *o = given ? *given : (nsc_eval_options){0};
  o->cancel = NULL;
  if (o->confidence == 0) o->confidence = 0.95;
  if (o->bins == 0) o->bins = 10;
  if (o->curve_points == 0) o->curve_points = 500;
  if (o->sweep_steps == 0) o->sweep_steps = 20;
  if (o->sensitivity == 0) o->sensitivity = 0.9;
  if (o->specificity == 0) o->specificity = 0.9;
  if (!(o->confidence > 0 && o->confidence < 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the confidence %g is not between 0 and 1", o->confidence);
  }
  if (!(o->sensitivity > 0 && o->sensitivity <= 1) || !(o->specificity > 0 && o->specificity <= 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a sensitivity or specificity to reach is not between 0 and 1");
  }
  if (o->bins > NSC_EVAL_MAX_BINS || o->sweep_steps > 10000 || o->curve_points < 3 || o->curve_points > 1000000 ||
      o->replicates > NSC_EVAL_MAX_REPLICATES) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "bins, sweep steps, curve points or replicates are out of range");
  }
  return NSC_OK;
}

/* ---- values ---- */

static void set_values(const nsc_eval_measures *m, nsc_eval_value *values) {
  const nsc_eval_interval none = {NAN, NAN};
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    values[i] = (nsc_eval_value){m->value[i], m->reason[i], none, none, NSC_EVAL_DEFINED};
  }
}

static void add_wilson(const nsc_eval_counts *c, double confidence, nsc_eval_value *values) {
  const struct {
    nsc_eval_metric metric;
    uint64_t hits, count;
  } proportions[] = {
      {NSC_EVAL_ACCURACY, c->tp + c->tn, c->tp + c->fp + c->tn + c->fn},
      {NSC_EVAL_SENSITIVITY, c->tp, c->tp + c->fn},
      {NSC_EVAL_SPECIFICITY, c->tn, c->tn + c->fp},
      {NSC_EVAL_PRECISION, c->tp, c->tp + c->fp},
      {NSC_EVAL_NPV, c->tn, c->tn + c->fn},
  };
  for (size_t i = 0; i < sizeof proportions / sizeof *proportions; i++) {
    values[proportions[i].metric].interval = nsc_eval_wilson(proportions[i].hits, proportions[i].count, confidence);
  }
}

/* ---- a class ---- */

static nsc_status reduce(nsc_arena *arena, const nsc_eval_curve *whole, nsc_eval_axes axes, uint32_t most,
                         nsc_eval_curve *out, nsc_error *err) {
  if (most > whole->count) most = whole->count < 2 ? 2 : whole->count;
  uint32_t count;
  uint32_t *kept = malloc(most * sizeof *kept);
  nsc_status status = kept ? nsc_eval_curve_reduce(whole, axes, most, kept, &count, err)
                           : nsc_fail_memory(err, most * sizeof *kept, "a curve");
  if (status == NSC_OK) {
    nsc_eval_point *points = nsc_arena_alloc(arena, count, sizeof *points);
    for (uint32_t i = 0; points && i < count; i++) points[i] = whole->points[kept[i]];
    *out = (nsc_eval_curve){points, count, whole->positives, whole->negatives};
    if (!points) status = nsc_fail_memory(err, count * sizeof *points, "a curve");
  }
  free(kept);
  return status;
}

static nsc_status add_curves(holder *h, const nsc_eval_curve *curve, nsc_eval_class *class, nsc_error *err) {
  const nsc_eval_options *o = &h->report.options;
  class->distinct_scores = curve->count - 1;
  class->youden = nsc_eval_choose_youden(curve);
  class->best_f1 = nsc_eval_choose_f1(curve);
  class->for_sensitivity = nsc_eval_choose_sensitivity(curve, o->sensitivity);
  class->for_specificity = nsc_eval_choose_specificity(curve, o->specificity);
  class->sweep = nsc_arena_alloc(&h->arena, (size_t)o->sweep_steps + 1, sizeof *class->sweep);
  if (!class->sweep) return nsc_fail_memory(err, o->sweep_steps * sizeof *class->sweep, "a table of thresholds");
  for (uint32_t i = 0; i <= o->sweep_steps; i++) {
    float threshold = (float)((double)i / o->sweep_steps);
    class->sweep[i] = (nsc_eval_sweep_row){threshold, nsc_eval_curve_at(curve, threshold)};
  }
  NSC_TRY(reduce(&h->arena, curve, NSC_EVAL_ROC, o->curve_points, &class->roc, err));
  return reduce(&h->arena, curve, NSC_EVAL_PR, o->curve_points, &class->pr, err);
}

static nsc_status add_calibration(holder *h, const nsc_eval_ranked *r, nsc_eval_class *class, nsc_error *err) {
  uint32_t bins = h->report.options.bins;
  class->width_bins = nsc_arena_alloc(&h->arena, bins, sizeof *class->width_bins);
  class->mass_bins = nsc_arena_alloc(&h->arena, bins, sizeof *class->mass_bins);
  if (!class->width_bins || !class->mass_bins) return nsc_fail_memory(err, bins * sizeof(nsc_eval_bin), "bins");
  NSC_TRY(nsc_eval_calibration(r->scores, r->truth, r->count, NSC_EVAL_EQUAL_WIDTH, bins, class->width_bins, err));
  return nsc_eval_calibration(r->scores, r->truth, r->count, NSC_EVAL_EQUAL_MASS, bins, class->mass_bins, err);
}

static nsc_status describe_class(holder *h, const nsc_eval_ranked *r, nsc_eval_class *class, nsc_error *err) {
  double confidence = h->report.options.confidence;
  nsc_eval_auc auc;
  NSC_TRY(nsc_eval_delong(r->scores, r->truth, r->count, confidence, &auc, err));
  add_wilson(&class->counts, confidence, class->values);
  class->values[NSC_EVAL_AUC].interval = auc.interval;
  class->values[NSC_EVAL_AUC].no_interval = auc.reason;
  NSC_TRY(add_calibration(h, r, class, err));
  nsc_eval_curve curve;
  NSC_TRY(nsc_eval_curve_of_sorted(r->scores, r->truth, r->count, &curve, err));
  nsc_status status = add_curves(h, &curve, class, err);
  nsc_eval_curve_drop(&curve);
  return status;
}

static nsc_status evaluate_class(holder *h, const nsc_eval_cases *cases, uint32_t label, nsc_eval_measures *measures,
                                 nsc_eval_counts *counts, nsc_error *err) {
  nsc_eval_class *class = &h->report.classes[label];
  nsc_eval_ranked ranked;
  NSC_TRY(nsc_eval_rank(cases, label, &ranked, err));
  nsc_eval_measure_class(&ranked, NULL, cases->bins, measures, counts);
  class->counts = *counts;
  class->positives = counts->tp + counts->fn;
  class->negatives = counts->tn + counts->fp;
  class->threshold = nsc_eval_threshold(cases->data, label);
  if (cases->data->task == NSC_TASK_SINGLE) class->threshold = NAN;
  /* Label 0 of two is called where label 1 is not: the rule has one threshold, and it is not label 0's. */
  if (cases->data->task == NSC_TASK_BINARY && label == 0) class->threshold = NAN;
  set_values(measures, class->values);
  nsc_status status = describe_class(h, &ranked, class, err);
  nsc_eval_ranked_drop(&ranked);
  return status;
}

/* ---- all together ---- */

static nsc_status add_names(holder *h, const nsc_eval_data *data, nsc_error *err) {
  for (uint32_t k = 0; k < data->labels; k++) {
    char digits[11];
    size_t at = sizeof digits;
    for (uint32_t rest = k; at == sizeof digits || rest; rest /= 10) digits[--at] = (char)('0' + rest % 10);
    const char *name = data->names && data->names[k] ? data->names[k] : NULL;
    char *copy = name ? nsc_arena_text(&h->arena, name, strlen(name))
                      : nsc_arena_text(&h->arena, digits + at, sizeof digits - at);
    if (!copy) return nsc_fail_memory(err, 64, "a label");
    h->report.classes[k].name = copy;
  }
  return NSC_OK;
}

static nsc_status add_matrix(holder *h, const nsc_eval_cases *cases, nsc_error *err) {
  const nsc_eval_data *d = cases->data;
  if (d->task == NSC_TASK_MULTI) return NSC_OK;
  uint64_t *matrix = nsc_arena_alloc(&h->arena, (size_t)d->labels * d->labels, sizeof *matrix);
  if (!matrix) return nsc_fail_memory(err, (size_t)d->labels * d->labels, "a confusion matrix");
  for (size_t i = 0; i < d->count; i++) matrix[(size_t)cases->cases[i].truth * d->labels + cases->cases[i].called]++;
  h->report.confusion = matrix;
  if (d->task != NSC_TASK_SINGLE) return NSC_OK;
  uint32_t bins = cases->bins;
  double edges[NSC_EVAL_MAX_BINS + 1];
  nsc_eval_bin_sums sums = {0};
  for (size_t i = 0; i < d->count; i++) {
    const nsc_eval_case *one = &cases->cases[i];
    sums.count[one->bin]++;
    sums.hits[one->bin] += one->truth == one->called;
    sums.score[one->bin] += nsc_eval_clamp((double)one->best);
  }
  h->report.best_bins = nsc_arena_alloc(&h->arena, bins, sizeof *h->report.best_bins);
  if (!h->report.best_bins) return nsc_fail_memory(err, bins * sizeof(nsc_eval_bin), "bins");
  nsc_eval_equal_edges(bins, edges);
  nsc_eval_bins_of_sums(&sums, edges, bins, h->report.best_bins);
  return NSC_OK;
}

static void add_groups(holder *h, nsc_eval_cases *cases, const nsc_eval_measures *measures,
                       const nsc_eval_counts *counts) {
  nsc_eval_report *r = &h->report;
  nsc_eval_measures groups[NSC_EVAL_GROUPS];
  nsc_eval_measure_groups(cases, NULL, measures, counts, groups);
  set_values(&groups[NSC_EVAL_OVERALL], r->overall);
  set_values(&groups[NSC_EVAL_MACRO], r->macro);
  set_values(&groups[NSC_EVAL_WEIGHTED], r->weighted);
  uint64_t right = 0, known = 0;
  for (size_t i = 0; i < cases->data->count; i++) {
    if (cases->right && cases->right[i] == NSC_EVAL_UNKNOWN) continue;
    right += cases->right ? cases->right[i] : cases->cases[i].truth == cases->cases[i].called;
    known++;
  }
  if (r->task == NSC_TASK_BINARY) {
    memcpy(r->overall, r->classes[1].values, sizeof r->overall);
  } else {
    r->overall[NSC_EVAL_ACCURACY].interval = nsc_eval_wilson(right, known, r->options.confidence);
  }
}

static nsc_status evaluate(holder *h, nsc_eval_cases *cases, const volatile int32_t *cancel, nsc_error *err) {
  nsc_eval_report *r = &h->report;
  const nsc_eval_data *d = cases->data;
  r->task = d->task;
  r->count = d->count;
  r->labels = d->labels;
  r->classes = nsc_arena_alloc(&h->arena, d->labels, sizeof *r->classes);
  nsc_eval_measures *measures = nsc_arena_alloc(&h->arena, d->labels, sizeof *measures);
  nsc_eval_counts *counts = nsc_arena_alloc(&h->arena, d->labels, sizeof *counts);
  if (!r->classes || !measures || !counts) return nsc_fail_memory(err, d->labels * sizeof *r->classes, "a report");
  NSC_TRY(add_names(h, d, err));
  for (uint32_t k = 0; k < d->labels; k++) {
    if (cancel && *cancel) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled in the evaluation");
    NSC_TRY(evaluate_class(h, cases, k, &measures[k], &counts[k], err));
  }
  NSC_TRY(add_matrix(h, cases, err));
  add_groups(h, cases, measures, counts);
  return nsc_eval_bootstrap(cases, r, cancel, err);
}

nsc_status nsc_eval_run(const nsc_eval_data *data, const nsc_eval_options *options, nsc_eval_report **out,
                        nsc_error *err) {
  nsc_eval_options filled;
  NSC_TRY(fill_options(options, &filled, err));
  nsc_eval_cases cases;
  NSC_TRY(nsc_eval_cases_make(data, filled.bins, &cases, err));
  holder *h = calloc(1, sizeof *h);
  nsc_status status = h ? NSC_OK : nsc_fail_memory(err, sizeof *h, "a report");
  if (h) {
    h->report.options = filled;
    status = evaluate(h, &cases, options ? options->cancel : NULL, err);
  }
  nsc_eval_cases_drop(&cases);
  if (status == NSC_OK) {
    *out = &h->report;
  } else if (h) {
    nsc_eval_report_free(&h->report);
  }
  return status;
}

void nsc_eval_report_free(nsc_eval_report *report) {
  if (!report) return;
  holder *h = (holder *)report;
  nsc_arena_free(&h->arena);
  free(h);
}
