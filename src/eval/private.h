/* What the files of src/eval share. */
#ifndef NSC_EVAL_PRIVATE_H
#define NSC_EVAL_PRIVATE_H

#include "base/arena.h"
#include "eval/eval.h"

/* ---- sorting ---- */

typedef struct nsc_eval_key {
  float score;
  uint32_t index;
} nsc_eval_key;

/* Keys of `count` scores, highest first, equal ones by index. Ended by free(). */
NSC_WARN_UNUSED nsc_status nsc_eval_sort(const float *scores, size_t count, nsc_eval_key **out, nsc_error *err);

/* Refuses scores that are not finite and truth that is neither 0 nor 1, and counts. */
NSC_WARN_UNUSED nsc_status nsc_eval_check_class(const float *scores, const uint8_t *truth, size_t count,
                                                uint32_t *positives, uint32_t *negatives, nsc_error *err);

/* As nsc_eval_curve_make, for checked scores that are sorted already, highest first. */
NSC_WARN_UNUSED nsc_status nsc_eval_curve_of_sorted(const float *scores, const uint8_t *truth, size_t count,
                                                    nsc_eval_curve *out, nsc_error *err);

/* ---- probabilities ---- */

/* The inner edges of `bins` bins of equal width, as numpy.linspace rounds them: edges[0 .. bins]. */
void nsc_eval_equal_edges(uint32_t bins, double *edges);
/* The bin whose (low, high] holds p. */
uint32_t nsc_eval_bin_of(const double *edges, uint32_t bins, double p);
/* -ln(p), p kept FLT_EPSILON away from 0 and 1. */
double nsc_eval_loss(double p);
static inline double nsc_eval_clamp(double p) {
  return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* Cases in bins, summed: what ECE and MCE need of a replicate. */
typedef struct nsc_eval_bin_sums {
  uint64_t count[NSC_EVAL_MAX_BINS], hits[NSC_EVAL_MAX_BINS];
  double score[NSC_EVAL_MAX_BINS];
} nsc_eval_bin_sums;

void nsc_eval_bins_of_sums(const nsc_eval_bin_sums *sums, const double *edges, uint32_t count, nsc_eval_bin *bins);
/* Sets ECE and MCE. */
void nsc_eval_measure_bins(const nsc_eval_bin_sums *sums, uint32_t count, nsc_eval_measures *out);

/* ---- cases made ready for measuring, once for the report and again for each replicate ---- */

/* One class: the cases whose truth is known, highest score first. */
typedef struct nsc_eval_ranked {
  nsc_arena arena;
  size_t count;
  float *scores;
  uint32_t *cases; /* number of each in the data */
  double *loss;
  uint8_t *truth, *called, *bin;
} nsc_eval_ranked;

/* One case of NSC_TASK_SINGLE or NSC_TASK_BINARY. */
typedef struct nsc_eval_case {
  uint32_t truth, called;
  float best; /* the score of what was called */
  double brier, loss;
  uint8_t bin;
} nsc_eval_case;

typedef struct nsc_eval_cases {
  const nsc_eval_data *data;
  nsc_arena arena;
  uint32_t bins;
  nsc_eval_case *cases;     /* [count], NULL for multi */
  uint8_t *right;           /* multi: [count] 1 when every label is right, NSC_EVAL_UNKNOWN when one is unknown */
  uint64_t *rows, *columns; /* single: [labels] workspace of the confusion matrix's sums */
} nsc_eval_cases;

NSC_WARN_UNUSED nsc_status nsc_eval_check_data(const nsc_eval_data *data, bool probabilities, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_eval_cases_make(const nsc_eval_data *data, uint32_t bins, nsc_eval_cases *out,
                                               nsc_error *err);
void nsc_eval_cases_drop(nsc_eval_cases *cases);
float nsc_eval_threshold(const nsc_eval_data *data, uint32_t label);

NSC_WARN_UNUSED nsc_status nsc_eval_rank(const nsc_eval_cases *cases, uint32_t label, nsc_eval_ranked *out,
                                         nsc_error *err);
void nsc_eval_ranked_drop(nsc_eval_ranked *ranked);

/* `times`: how often each case of the data counts, NULL for once. Everything of one class. */
void nsc_eval_measure_class(const nsc_eval_ranked *ranked, const uint32_t *times, uint32_t bins, nsc_eval_measures *out,
                            nsc_eval_counts *counts);

typedef enum nsc_eval_group { NSC_EVAL_OVERALL, NSC_EVAL_MACRO, NSC_EVAL_WEIGHTED, NSC_EVAL_GROUPS } nsc_eval_group;

/* The three summaries of classes that were measured with the same `times`. */
void nsc_eval_measure_groups(nsc_eval_cases *cases, const uint32_t *times, const nsc_eval_measures *classes,
                             const nsc_eval_counts *counts, nsc_eval_measures out[NSC_EVAL_GROUPS]);

/* ---- the report's parts ---- */

/* Fills the `bootstrap` intervals of a report. */
NSC_WARN_UNUSED nsc_status nsc_eval_bootstrap(nsc_eval_cases *cases, nsc_eval_report *report,
                                              const volatile int32_t *cancel, nsc_error *err);

/* Percentiles of the values that are no NaN; none when these are fewer than half. Reorders `values` [replicates]. */
nsc_eval_interval nsc_eval_percentiles(double *values, uint32_t replicates, double confidence);

/* The member "bootstrap" of an open object: [low, high] or null. */
struct nsc_text;
void nsc_eval_write_bootstrap(struct nsc_text *t, const nsc_eval_value *value);

/* part / (part + rest); NaN when both are 0. */
double nsc_eval_ratio(uint64_t part, uint64_t rest);

#endif
