/* Data checked, sorted and looked up once, so that measuring a replicate of the bootstrap is one pass over each class.
 */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "eval/private.h"

/* ---- checks ---- */

static nsc_status check_shape(const nsc_eval_data *d, nsc_error *err) {
  uint32_t least = d->task == NSC_TASK_MULTI ? 1 : 2;
  if ((unsigned)d->task > NSC_TASK_BINARY) return nsc_fail(err, NSC_ERROR_ARGUMENT, "task %d is none", (int)d->task);
  if (d->labels < least || (d->task == NSC_TASK_BINARY && d->labels != 2)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u labels do not fit the task", d->labels);
  }
  if (d->labels > NSC_EVAL_MAX_LABELS) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%u labels are more than %d", d->labels, NSC_EVAL_MAX_LABELS);
  }
  size_t elements;
  if (d->count > NSC_EVAL_MAX_CASES || !nsc_mul_size(d->count, d->labels, &elements)) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%zu cases are too many", d->count);
  }
  bool has_truth = d->task == NSC_TASK_MULTI ? d->truths != NULL : d->truth != NULL;
  if (d->count && (!d->scores || !has_truth)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "scores or truth are missing");
  for (uint32_t k = 0; d->thresholds && k < d->labels; k++) {
    if (isnan(d->thresholds[k]))
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the threshold of label %u is not a number", k);
  }
  return NSC_OK;
}

static nsc_status check_case(const nsc_eval_data *d, size_t i, bool probabilities, nsc_error *err) {
  /* A softmax in float32 may end this far above 1. */
  const float above = 1e-6f;
  for (uint32_t k = 0; k < d->labels; k++) {
    float s = d->scores[i * d->labels + k];
    if (!isfinite(s)) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the score of case %zu for label %u is not a finite number", i, k);
    }
    if (probabilities && (s < 0 || s > 1 + above)) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the score of case %zu for label %u, %g, is no probability", i, k,
                      (double)s);
    }
    if (d->task == NSC_TASK_MULTI && d->truths[i * d->labels + k] > 1 &&
        d->truths[i * d->labels + k] != NSC_EVAL_UNKNOWN) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the truth of case %zu for label %u is neither 0 nor 1", i, k);
    }
  }
  if (d->task != NSC_TASK_MULTI && (d->truth[i] < 0 || (uint32_t)d->truth[i] >= d->labels)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the truth of case %zu, %d, is none of the %u labels", i, (int)d->truth[i],
                    d->labels);
  }
  return NSC_OK;
}

nsc_status nsc_eval_check_data(const nsc_eval_data *data, bool probabilities, nsc_error *err) {
  NSC_TRY(check_shape(data, err));
  for (size_t i = 0; i < data->count; i++) NSC_TRY(check_case(data, i, probabilities, err));
  return NSC_OK;
}

/* ---- the data as a whole ---- */

float nsc_eval_threshold(const nsc_eval_data *data, uint32_t label) {
  return data->thresholds ? data->thresholds[label] : 0.5f;
}

static nsc_eval_case look_at(const nsc_eval_data *d, size_t i, const double *edges, uint32_t bins) {
  const float *row = d->scores + i * d->labels;
  nsc_eval_case one = {.truth = (uint32_t)d->truth[i]};
  double sum = 0;
  for (uint32_t k = 0; k < d->labels; k++) {
    double p = nsc_eval_clamp((double)row[k]), away = p - (k == one.truth);
    if (row[k] > row[one.called]) one.called = k;
    sum += p;
    one.brier += away * away;
  }
  if (d->task == NSC_TASK_BINARY) one.called = row[1] >= nsc_eval_threshold(d, 1);
  one.best = row[one.called];
  one.loss = nsc_eval_loss(sum > 0 ? nsc_eval_clamp((double)row[one.truth]) / sum : 0);
  one.bin = (uint8_t)nsc_eval_bin_of(edges, bins, (double)one.best);
  return one;
}

static uint8_t all_right(const nsc_eval_data *d, size_t i) {
  uint8_t right = 1;
  for (uint32_t k = 0; k < d->labels; k++) {
    uint8_t truth = d->truths[i * d->labels + k];
    if (truth == NSC_EVAL_UNKNOWN) return NSC_EVAL_UNKNOWN;
    if (truth != (d->scores[i * d->labels + k] >= nsc_eval_threshold(d, k))) right = 0;
  }
  return right;
}

nsc_status nsc_eval_cases_make(const nsc_eval_data *data, uint32_t bins, nsc_eval_cases *out, nsc_error *err) {
  NSC_TRY(nsc_eval_check_data(data, true, err));
  nsc_eval_cases c = {.data = data, .bins = bins};
  size_t n = data->count;
  bool multi = data->task == NSC_TASK_MULTI;
  if (multi) {
    c.right = nsc_arena_alloc(&c.arena, n + 1, 1);
  } else {
    c.cases = nsc_arena_alloc(&c.arena, n + 1, sizeof *c.cases);
    c.rows = nsc_arena_alloc(&c.arena, data->labels, sizeof *c.rows);
    c.columns = nsc_arena_alloc(&c.arena, data->labels, sizeof *c.columns);
  }
  if (multi ? !c.right : (!c.cases || !c.rows || !c.columns)) {
    nsc_arena_free(&c.arena);
    return nsc_fail_memory(err, n * (multi ? 1 : sizeof *c.cases), "the cases of an evaluation");
  }
  double edges[NSC_EVAL_MAX_BINS + 1];
  nsc_eval_equal_edges(bins, edges);
  for (size_t i = 0; i < n; i++) {
    if (multi) {
      c.right[i] = all_right(data, i);
    } else {
      c.cases[i] = look_at(data, i, edges, bins);
    }
  }
  *out = c;
  return NSC_OK;
}

void nsc_eval_cases_drop(nsc_eval_cases *cases) {
  nsc_arena_free(&cases->arena);
}

/* ---- one class of it ---- */

static bool known(const nsc_eval_data *d, size_t i, uint32_t label) {
  return d->task != NSC_TASK_MULTI || d->truths[i * d->labels + label] != NSC_EVAL_UNKNOWN;
}

static void fill(const nsc_eval_cases *c, uint32_t label, const nsc_eval_key *keys, const uint32_t *numbers,
                 nsc_eval_ranked *r) {
  const nsc_eval_data *d = c->data;
  bool multi = d->task == NSC_TASK_MULTI;
  double edges[NSC_EVAL_MAX_BINS + 1];
  nsc_eval_equal_edges(c->bins, edges);
  for (size_t j = 0; j < r->count; j++) {
    uint32_t i = numbers[keys[j].index];
    float s = keys[j].score;
    bool truth = multi ? d->truths[(size_t)i * d->labels + label] == 1 : c->cases[i].truth == label;
    r->scores[j] = s;
    r->cases[j] = i;
    r->truth[j] = truth;
    r->called[j] = multi ? s >= nsc_eval_threshold(d, label) : c->cases[i].called == label;
    r->loss[j] = nsc_eval_loss(truth ? (double)s : 1 - (double)s);
    r->bin[j] = (uint8_t)nsc_eval_bin_of(edges, c->bins, (double)s);
  }
}

nsc_status nsc_eval_rank(const nsc_eval_cases *c, uint32_t label, nsc_eval_ranked *out, nsc_error *err) {
  const nsc_eval_data *d = c->data;
  nsc_eval_ranked r = {0};
  size_t n = d->count;
  float *column = nsc_arena_alloc(&r.arena, n + 1, sizeof *column);
  r.scores = nsc_arena_alloc(&r.arena, n + 1, sizeof *r.scores);
  r.cases = nsc_arena_alloc(&r.arena, n + 1, sizeof *r.cases);
  r.loss = nsc_arena_alloc(&r.arena, n + 1, sizeof *r.loss);
  r.truth = nsc_arena_alloc(&r.arena, n + 1, 1);
  r.called = nsc_arena_alloc(&r.arena, n + 1, 1);
  r.bin = nsc_arena_alloc(&r.arena, n + 1, 1);
  uint32_t *numbers = malloc((n + 1) * sizeof *numbers);
  nsc_eval_key *keys = NULL;
  nsc_status status = NSC_OK;
  if (column && r.scores && r.cases && r.loss && r.truth && r.called && r.bin && numbers) {
    for (size_t i = 0; i < n; i++) {
      if (!known(d, i, label)) continue;
      float s = d->scores[i * d->labels + label];
      column[r.count] = s > 1 ? 1 : s;
      numbers[r.count++] = (uint32_t)i;
    }
    status = nsc_eval_sort(column, r.count, &keys, err);
  } else {
    status = nsc_fail_memory(err, n * 30, "the cases of a class");
  }
  if (status == NSC_OK) {
    fill(c, label, keys, numbers, &r);
    *out = r;
  } else {
    nsc_arena_free(&r.arena);
  }
  free(numbers);
  free(keys);
  return status;
}

void nsc_eval_ranked_drop(nsc_eval_ranked *ranked) {
  nsc_arena_free(&ranked->arena);
}

/* ---- measuring it ---- */

/* Sums along falling scores. Twice the area in 64 bits: every replicate has as many cases as the data. */
typedef struct sweep {
  uint64_t tp, fp, group_tp, group_fp, twice_area;
  double precision_sum;
} sweep;

/* Equal scores are one step of both curves: their order must not matter. */
static void end_group(sweep *s) {
  s->twice_area += s->group_fp * (2 * s->tp + s->group_tp);
  s->tp += s->group_tp;
  s->fp += s->group_fp;
  if (s->group_tp) s->precision_sum += (double)s->group_tp * (double)s->tp / (double)(s->tp + s->fp);
  s->group_tp = s->group_fp = 0;
}

static void set(nsc_eval_measures *m, nsc_eval_metric metric, bool defined, double value, nsc_eval_reason reason) {
  m->value[metric] = defined ? value : NAN;
  m->reason[metric] = defined ? NSC_EVAL_DEFINED : reason;
}

void nsc_eval_measure_class(const nsc_eval_ranked *r, const uint32_t *times, uint32_t bins, nsc_eval_measures *out,
                            nsc_eval_counts *counts) {
  sweep s = {0};
  nsc_eval_bin_sums sums = {0};
  nsc_eval_counts c = {0};
  double brier = 0, loss = 0;
  for (size_t j = 0; j < r->count; j++) {
    uint32_t w = times ? times[r->cases[j]] : 1;
    bool truth = r->truth[j], called = r->called[j];
    if (j && r->scores[j] != r->scores[j - 1]) end_group(&s);
    *(truth ? &s.group_tp : &s.group_fp) += w;
    *(truth ? (called ? &c.tp : &c.fn) : (called ? &c.fp : &c.tn)) += w;
    double p = (double)r->scores[j], away = p - truth;
    brier += w * away * away;
    loss += w * r->loss[j];
    sums.count[r->bin[j]] += w;
    sums.hits[r->bin[j]] += truth ? w : 0;
    sums.score[r->bin[j]] += w * p;
  }
  end_group(&s);
  double n = (double)(s.tp + s.fp), p = (double)s.tp;
  nsc_eval_reason no_cases = n > 0 ? NSC_EVAL_DEFINED : NSC_EVAL_NO_CASES;
  nsc_eval_reason no_positives = no_cases ? no_cases : NSC_EVAL_NO_POSITIVES;
  nsc_eval_from_counts(&c, out);
  set(out, NSC_EVAL_AUC, s.tp && s.fp, (double)s.twice_area / 2 / (p * (double)s.fp),
      s.tp ? NSC_EVAL_NO_NEGATIVES : no_positives);
  set(out, NSC_EVAL_AP, s.tp > 0, s.precision_sum / p, no_positives);
  set(out, NSC_EVAL_BRIER, n > 0, brier / n, no_cases);
  set(out, NSC_EVAL_LOG_LOSS, n > 0, loss / n, no_cases);
  nsc_eval_measure_bins(&sums, bins, out);
  *counts = c;
}
