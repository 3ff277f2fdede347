/*
 * Percentile intervals by resampling cases (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
 * A replicate is how often each case was drawn; the order of scores stays, so measuring one needs no sorting. Replicate
 * r draws from stream r of the seed: intervals do not depend on the order in which replicates are made.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/rng.h"
#include "eval/private.h"

typedef struct bootstrap {
  nsc_eval_cases *cases;
  nsc_arena arena;
  nsc_eval_ranked *ranked; /* [labels] */
  uint32_t *order;         /* [count] cases, those of a stratum together */
  uint32_t *ends;          /* [strata] one past a stratum's last place in `order` */
  uint32_t strata;
  uint32_t *times;            /* [count] */
  nsc_eval_measures *classes; /* [labels] of the current replicate */
  nsc_eval_counts *counts;    /* [labels] likewise */
  double *values;             /* [labels + NSC_EVAL_GROUPS][NSC_EVAL_METRIC_COUNT][replicates] */
} bootstrap;

typedef struct stratum_key {
  uint64_t truth;
  uint32_t index;
} stratum_key;

static int by_truth(const void *a, const void *b) {
  const stratum_key *x = a, *y = b;
  if (x->truth != y->truth) return x->truth < y->truth ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* A number for the truth of a case. Rows of a multi-label truth are hashed (FNV-1a); two rows that met would share a
 * stratum, which is harmless. */
static uint64_t truth_of(const nsc_eval_data *d, size_t i) {
  if (d->task != NSC_TASK_MULTI) return (uint64_t)d->truth[i];
  uint64_t hash = 0xCBF29CE484222325u;
  for (uint32_t k = 0; k < d->labels; k++) hash = (hash ^ d->truths[i * d->labels + k]) * 0x100000001B3u;
  return hash;
}

static nsc_status make_strata(bootstrap *b, bool stratified, nsc_error *err) {
  const nsc_eval_data *d = b->cases->data;
  for (size_t i = 0; i < d->count; i++) b->order[i] = (uint32_t)i;
  b->strata = 1;
  b->ends[0] = (uint32_t)d->count;
  if (!stratified) return NSC_OK;
  size_t bytes;
  if (!nsc_mul_size(d->count + 1, sizeof(stratum_key), &bytes)) return nsc_fail(err, NSC_ERROR_LIMIT, "too many cases");
  stratum_key *keys = malloc(bytes);
  if (!keys) return nsc_fail_memory(err, bytes, "strata");
  for (size_t i = 0; i < d->count; i++) keys[i] = (stratum_key){truth_of(d, i), (uint32_t)i};
  qsort(keys, d->count, sizeof *keys, by_truth);
  b->strata = 0;
  for (size_t i = 0; i < d->count; i++) {
    if (i && keys[i].truth != keys[i - 1].truth) b->strata++;
    b->order[i] = keys[i].index;
    b->ends[b->strata] = (uint32_t)i + 1;
  }
  b->strata++;
  free(keys);
  return NSC_OK;
}

static nsc_status prepare(bootstrap *b, const nsc_eval_options *o, nsc_error *err) {
  const nsc_eval_data *d = b->cases->data;
  size_t rows = (size_t)d->labels + NSC_EVAL_GROUPS, values, n = d->count;
  if (!nsc_mul_size(rows * NSC_EVAL_METRIC_COUNT, o->replicates, &values)) values = SIZE_MAX;
  b->ranked = nsc_arena_alloc(&b->arena, d->labels, sizeof *b->ranked);
  b->order = nsc_arena_alloc(&b->arena, n, sizeof *b->order);
  b->ends = nsc_arena_alloc(&b->arena, n, sizeof *b->ends);
  b->times = nsc_arena_alloc(&b->arena, n, sizeof *b->times);
  b->classes = nsc_arena_alloc(&b->arena, d->labels, sizeof *b->classes);
  b->counts = nsc_arena_alloc(&b->arena, d->labels, sizeof *b->counts);
  b->values = nsc_arena_alloc(&b->arena, values, sizeof *b->values);
  if (!b->ranked || !b->order || !b->ends || !b->times || !b->classes || !b->counts || !b->values) {
    return nsc_fail_memory(err, values, "the bootstrap");
  }
  NSC_TRY(make_strata(b, o->stratified, err));
  for (uint32_t k = 0; k < d->labels; k++) NSC_TRY(nsc_eval_rank(b->cases, k, &b->ranked[k], err));
  return NSC_OK;
}

static void draw(bootstrap *b, nsc_rng rng) {
  memset(b->times, 0, b->cases->data->count * sizeof *b->times);
  for (uint32_t s = 0, first = 0; s < b->strata; first = b->ends[s++]) {
    uint32_t size = b->ends[s] - first;
    for (uint32_t i = 0; i < size; i++) b->times[b->order[first + nsc_rng_below(&rng, size)]]++;
  }
}

static void keep(bootstrap *b, uint32_t row, const nsc_eval_measures *m, uint32_t replicate, uint32_t replicates) {
  for (uint32_t i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    b->values[((size_t)row * NSC_EVAL_METRIC_COUNT + i) * replicates + replicate] = m->value[i];
  }
}

static void replicate(bootstrap *b, const nsc_rng *root, uint32_t number, uint32_t replicates) {
  uint32_t labels = b->cases->data->labels;
  nsc_eval_measures groups[NSC_EVAL_GROUPS];
  draw(b, nsc_rng_split(root, number));
  for (uint32_t k = 0; k < labels; k++) {
    nsc_eval_measure_class(&b->ranked[k], b->times, b->cases->bins, &b->classes[k], &b->counts[k]);
    keep(b, k, &b->classes[k], number, replicates);
  }
  nsc_eval_measure_groups(b->cases, b->times, b->classes, b->counts, groups);
  for (uint32_t g = 0; g < NSC_EVAL_GROUPS; g++) keep(b, labels + g, &groups[g], number, replicates);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Between neighbours, as numpy.quantile. */
static double quantile(const double *sorted, uint32_t count, double p) {
  double at = p * (count - 1), whole = floor(at);
  uint32_t below = (uint32_t)whole, above = below + 1 < count ? below + 1 : below;
  return sorted[below] + (at - whole) * (sorted[above] - sorted[below]);
}

nsc_eval_interval nsc_eval_percentiles(double *values, uint32_t replicates, double confidence) {
  uint32_t defined = 0;
  for (uint32_t i = 0; i < replicates; i++) {
    if (!isnan(values[i])) values[defined++] = values[i];
  }
  if (defined == 0 || defined < replicates - replicates / 2) return (nsc_eval_interval){NAN, NAN};
  qsort(values, defined, sizeof *values, by_value);
  double tail = (1 - confidence) / 2;
  return (nsc_eval_interval){quantile(values, defined, tail), quantile(values, defined, 1 - tail)};
}

static void report_row(bootstrap *b, uint32_t row, const nsc_eval_options *o, nsc_eval_value *values) {
  for (uint32_t i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    if (values[i].reason) continue; /* an interval around nothing would only puzzle */
    double *of_metric = b->values + ((size_t)row * NSC_EVAL_METRIC_COUNT + i) * o->replicates;
    values[i].bootstrap = nsc_eval_percentiles(of_metric, o->replicates, o->confidence);
  }
}

static nsc_status run(bootstrap *b, nsc_eval_report *report, const volatile int32_t *cancel, nsc_error *err) {
  const nsc_eval_options *o = &report->options;
  NSC_TRY(prepare(b, o, err));
  nsc_rng root = nsc_rng_seeded(o->seed);
  for (uint32_t i = 0; i < o->replicates; i++) {
    if (cancel && *cancel) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled in the bootstrap");
    replicate(b, &root, i, o->replicates);
  }
  for (uint32_t k = 0; k < report->labels; k++) report_row(b, k, o, report->classes[k].values);
  report_row(b, report->labels + NSC_EVAL_OVERALL, o, report->overall);
  report_row(b, report->labels + NSC_EVAL_MACRO, o, report->macro);
  report_row(b, report->labels + NSC_EVAL_WEIGHTED, o, report->weighted);
  return NSC_OK;
}

nsc_status nsc_eval_bootstrap(nsc_eval_cases *cases, nsc_eval_report *report, const volatile int32_t *cancel,
                              nsc_error *err) {
  if (report->options.replicates == 0 || cases->data->count == 0) return NSC_OK;
  bootstrap b = {.cases = cases};
  nsc_status status = run(&b, report, cancel, err);
  for (uint32_t k = 0; b.ranked && k < cases->data->labels; k++) nsc_eval_ranked_drop(&b.ranked[k]);
  nsc_arena_free(&b.arena);
  return status;
}
