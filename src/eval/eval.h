/*
 * How good a classifier is: from scores and truth to numbers, curves, intervals and calibration.
 *
 *   nsc_eval_data data = {.task = NSC_TASK_SINGLE, .count = n, .labels = 4, .scores = scores, .truth = truth};
 *   nsc_eval_report *report;  char *json;
 *   if (nsc_eval_run(&data, NULL, &report, &err) == NSC_OK && nsc_eval_json(report, &json, &err) == NSC_OK) ...
 *
 * Conventions
 *   - A case is one classified image, a class is a label taken against all others ("one versus rest"). A case is called
 *     positive when its score is at or above the threshold.
 *   - What is not defined is NaN, null in JSON, empty in CSV, and carries its nsc_eval_reason. A class without cases is
 *     such a value and not an error. Scores that are NaN, infinite or no probability are an error.
 *   - Every case counts once; there are no case weights. The bootstrap's multiplicities are the only weights there are.
 *   - Definitions are scikit-learn's wherever it has one, and numbers equal its numbers within 1e-6, except where it
 *     writes 0 for an undefined ratio, or the balanced accuracy of cases that are all of one kind: here they are NaN.
 */
#ifndef NSC_EVAL_EVAL_H
#define NSC_EVAL_EVAL_H

#include "negatoscope.h"

enum {
  NSC_EVAL_UNKNOWN = 255,        /* in truths: nobody knows whether this label is true for this case; left out */
  NSC_EVAL_MAX_CASES = 1 << 30,  /* twice the product of positives and negatives must fit 64 bits */
  NSC_EVAL_MAX_LABELS = 1 << 14, /* a confusion matrix of 2 GiB */
  NSC_EVAL_MAX_BINS = 100,       /* calibration bins; more would have too few cases each, and they stand on the stack */
  NSC_EVAL_MAX_REPLICATES = 100000
};

/* ---- what is evaluated ------------------------------------------------------------------------------------------ */

/* Borrowed for the time of a call. */
typedef struct nsc_eval_data {
  nsc_task task;
  size_t count;             /* cases; may be 0 */
  uint32_t labels;          /* single: at least 2; binary: 2; multi: at least 1 */
  const float *scores;      /* [count][labels] probabilities, as nsc_result has them */
  const int32_t *truth;     /* single and binary: [count] the true label, 0 .. labels - 1 */
  const uint8_t *truths;    /* multi: [count][labels] 0, 1 or NSC_EVAL_UNKNOWN */
  const float *thresholds;  /* [labels], used by binary (that of label 1) and multi; NULL for 0.5 everywhere */
  const char *const *names; /* [labels]; NULL for "0", "1", ... */
} nsc_eval_data;

/* A field of 0 means the default in its comment. */
typedef struct nsc_eval_options {
  double confidence;     /* of all intervals; default 0.95 */
  uint32_t replicates;   /* of the bootstrap; default none. 2000 settle the second digit of a 95 % interval */
  uint64_t seed;         /* of the bootstrap; the same seed gives the same intervals */
  bool stratified;       /* resample within cases of the same truth: each replicate has the original prevalences */
  uint32_t bins;         /* of calibration curves and errors; default 10 */
  uint32_t curve_points; /* most points of a curve in the report; default 500, at least 3 */
  uint32_t sweep_steps;  /* rows of the threshold table less one; default 20: 0, 0.05, ... 1; at most 10000 */
  double sensitivity;    /* what the threshold "for a sensitivity" must reach; default 0.9 */
  double specificity;    /* likewise; default 0.9 */
  const volatile int32_t *cancel; /* looked at between replicates; non-zero stops with CANCELLED */
} nsc_eval_options;

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* Why a value or an interval is NaN. */
typedef enum nsc_eval_reason {
  NSC_EVAL_DEFINED = 0,
  NSC_EVAL_NO_CASES = 1,
  NSC_EVAL_NO_POSITIVES = 2,
  NSC_EVAL_NO_NEGATIVES = 3,
  NSC_EVAL_NONE_CALLED = 4,    /* precision: no case was called positive */
  NSC_EVAL_ALL_CALLED = 5,     /* negative predictive value: every case was called positive */
  NSC_EVAL_CERTAIN_CHANCE = 6, /* kappa: truth and calls are all one class, chance alone agrees */
  NSC_EVAL_CLASSES_ONLY = 7,   /* defined for a class; see the mean over classes */
  NSC_EVAL_NOT_REACHED = 8,    /* no threshold gives what was asked for */
  NSC_EVAL_ZERO_VARIANCE = 9,  /* perfect separation, or all scores the same: DeLong's variance is 0 and says nothing */
  NSC_EVAL_TOO_FEW = 10,       /* a variance needs two positives and two negatives */
  NSC_EVAL_NO_PAIRS = 11       /* concordance: of no two cases it is known who had the event first */
} nsc_eval_reason;

enum { NSC_EVAL_REASON_COUNT = 12 };

/* One sentence without a full stop; "" for DEFINED. Static storage. */
const char *nsc_eval_reason_text(nsc_eval_reason reason);

/*
 * tp, fp, tn, fn: cases truly and falsely called positive and negative. For a class:
 *
 *   ACCURACY (tp + tn) / n            SENSITIVITY tp / (tp + fn), also "recall"     F1 2 tp / (2 tp + fp + fn)
 *   BALANCED_ACCURACY                 SPECIFICITY tn / (tn + fp)                    NPV tn / (tn + fn)
 *     (sensitivity + specificity) / 2 PRECISION tp / (tp + fp), also "PPV"
 *   MCC    Matthews' correlation, 1975. 0 when the calls are all the same: they correlate with nothing
 *   KAPPA  Cohen's, 1960: agreement beyond chance
 *   AUC    area under the ROC curve: the chance that a positive scores above a negative, ties counting half
 *   AP     average precision: sum of precision * (increase of recall) over distinct scores, without interpolation
 *   BRIER  mean of (p - truth)^2        LOG_LOSS  mean of -ln(p of what is true), p kept FLT_EPSILON away from 0 and 1
 *   ECE, MCE  mean (by cases) and largest distance between mean score and share of positives over bins of equal width
 *             (Naeini, Cooper & Hauskrecht, AAAI 2015)
 *
 * Overall, for NSC_TASK_BINARY: those of label 1. For NSC_TASK_SINGLE: ACCURACY; BALANCED_ACCURACY, the mean
 * sensitivity of the classes that occur; MCC (Gorodkin, 2004) and KAPPA of the matrix; BRIER summed over classes
 * (Brier, 1950); LOG_LOSS of rows made to sum to 1; ECE, MCE of the best label's score against its being right (Guo et
 * al., ICML 2017). For NSC_TASK_MULTI: ACCURACY, the share of cases with every label right; SENSITIVITY to NPV from the
 * sums of tp, fp, tn, fn over classes ("micro").
 */
typedef enum nsc_eval_metric {
  NSC_EVAL_ACCURACY = 0,
  NSC_EVAL_BALANCED_ACCURACY = 1,
  NSC_EVAL_SENSITIVITY = 2,
  NSC_EVAL_SPECIFICITY = 3,
  NSC_EVAL_PRECISION = 4,
  NSC_EVAL_NPV = 5,
  NSC_EVAL_F1 = 6,
  NSC_EVAL_MCC = 7,
  NSC_EVAL_KAPPA = 8,
  NSC_EVAL_AUC = 9,
  NSC_EVAL_AP = 10,
  NSC_EVAL_BRIER = 11,
  NSC_EVAL_LOG_LOSS = 12,
  NSC_EVAL_ECE = 13,
  NSC_EVAL_MCE = 14
} nsc_eval_metric;

enum { NSC_EVAL_METRIC_COUNT = 15 };

/* "balancedAccuracy", the key in JSON and CSV, and "balanced accuracy", for people. Static storage. */
const char *nsc_eval_metric_key(nsc_eval_metric metric);
const char *nsc_eval_metric_name(nsc_eval_metric metric);

typedef struct nsc_eval_counts {
  uint64_t tp, fp, tn, fn;
} nsc_eval_counts;

/* Both NaN when there is none. */
typedef struct nsc_eval_interval {
  double low, high;
} nsc_eval_interval;

typedef struct nsc_eval_value {
  double value;
  nsc_eval_reason reason;      /* why `value` is NaN; DEFINED when it is not */
  nsc_eval_interval interval;  /* Wilson's for proportions, DeLong's for the AUC of a class, else none */
  nsc_eval_interval bootstrap; /* percentiles of the replicates that define the value; none when less than half do */
  nsc_eval_reason no_interval; /* why an AUC has no DeLong interval */
} nsc_eval_value;

/* Values without intervals. */
typedef struct nsc_eval_measures {
  double value[NSC_EVAL_METRIC_COUNT];
  nsc_eval_reason reason[NSC_EVAL_METRIC_COUNT];
} nsc_eval_measures;

/* The metrics of a class that follow from counts alone, ACCURACY to KAPPA; the others of `out` are not touched. */
void nsc_eval_from_counts(const nsc_eval_counts *counts, nsc_eval_measures *out);

/* z with P(Z <= z) = p for a standard normal Z, 0 < p < 1. */
double nsc_eval_normal_quantile(double p);

/* Wilson's score interval for hits / count (JASA 22, 1927). None when count is 0. `confidence` in (0, 1). */
nsc_eval_interval nsc_eval_wilson(uint64_t hits, uint64_t count, double confidence);

/* ---- one class: curves and thresholds ---------------------------------------------------------------------------- */

/* What a threshold does: `tp` positives and `fp` negatives score at or above it. */
typedef struct nsc_eval_point {
  float threshold; /* INFINITY for the first point of a curve, where nothing is called positive */
  uint32_t tp, fp;
} nsc_eval_point;

/*
 * A point for each distinct score, from the highest threshold (0, 0) to the lowest (all). It is the ROC curve (fp /
 * negatives, tp / positives), the precision-recall curve (tp / positives, tp / (tp + fp), 1 at the start) and the table
 * of thresholds in one. scikit-learn's roc_curve(drop_intermediate=False) and precision_recall_curve have the same
 * points.
 */
typedef struct nsc_eval_curve {
  nsc_eval_point *points; /* [count] */
  uint32_t count;         /* at least 1 */
  uint32_t positives, negatives;
} nsc_eval_curve;

/*
 * `scores` [count], `truth` [count] of 0 and 1, both borrowed. Ended by nsc_eval_curve_drop. Errors: ARGUMENT (a score
 * that is not a finite number, a truth that is neither), LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_curve_make(const float *scores, const uint8_t *truth, size_t count,
                                               nsc_eval_curve *out, nsc_error *err);
void nsc_eval_curve_drop(nsc_eval_curve *curve);

/* Exact: sums of integers. NaN without positives or negatives. */
double nsc_eval_curve_auc(const nsc_eval_curve *curve);
/* NaN without positives. */
double nsc_eval_curve_ap(const nsc_eval_curve *curve);

typedef enum nsc_eval_axes { NSC_EVAL_ROC = 0, NSC_EVAL_PR = 1 } nsc_eval_axes;

/*
 * Up to `most` (at least 2) of the curve's points, in order, for drawing: `kept` [most] receives their indices,
 * `*count` their number. Points on the line between their neighbours go first; what remains are all corners when they
 * are at most `most`, else those that keep the drawn line closest (Ramer, 1972; Douglas & Peucker, 1973, the farthest
 * point first).
 */
NSC_WARN_UNUSED nsc_status nsc_eval_curve_reduce(const nsc_eval_curve *curve, nsc_eval_axes axes, uint32_t most,
                                                 uint32_t *kept, uint32_t *count, nsc_error *err);

/* The counts at any threshold: a float like the scores, so that a score written as 0.7 is at or above 0.7. */
nsc_eval_counts nsc_eval_curve_at(const nsc_eval_curve *curve, float threshold);

/* A threshold is always one of the scores, so the rule "at or above" reproduces the counts exactly. */
typedef struct nsc_eval_choice {
  float threshold; /* NaN when none gives what was asked for */
  nsc_eval_counts counts;
  nsc_eval_reason reason;
} nsc_eval_choice;

/* Largest sensitivity + specificity - 1 (Youden, Cancer 3, 1950), the highest such threshold; NOT_REACHED at 0. */
nsc_eval_choice nsc_eval_choose_youden(const nsc_eval_curve *curve);
/* Largest F1, the highest such threshold. */
nsc_eval_choice nsc_eval_choose_f1(const nsc_eval_curve *curve);
/* The highest threshold with at least this sensitivity, so with the best specificity. */
nsc_eval_choice nsc_eval_choose_sensitivity(const nsc_eval_curve *curve, double at_least);
/* The best sensitivity among thresholds with at least this specificity, and the highest of those; NOT_REACHED when
 * calling nothing positive is the only way. */
nsc_eval_choice nsc_eval_choose_specificity(const nsc_eval_curve *curve, double at_least);

/* ---- one class: the variance of its AUC -------------------------------------------------------------------------- */

/*
 * DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988, in O(n log n) by ranks (Sun & Xu, IEEE Signal Processing
 * Letters 21, 2014). The interval is normal, cut to 0..1.
 */
typedef struct nsc_eval_auc {
  double auc, variance;
  nsc_eval_interval interval;
  nsc_eval_reason reason; /* why auc is NaN, or why interval is */
} nsc_eval_auc;

NSC_WARN_UNUSED nsc_status nsc_eval_delong(const float *scores, const uint8_t *truth, size_t count, double confidence,
                                           nsc_eval_auc *out, nsc_error *err);

/* Two classifiers on the same cases. */
typedef struct nsc_eval_auc_pair {
  nsc_eval_auc a, b;
  double covariance, difference; /* a - b */
  nsc_eval_interval interval;    /* of the difference */
  double z, p;                   /* two-sided, for "both AUCs are the same". 1 when the two rank all cases alike */
  nsc_eval_reason reason;        /* why z and p are NaN */
} nsc_eval_auc_pair;

NSC_WARN_UNUSED nsc_status nsc_eval_delong_test(const float *scores_a, const float *scores_b, const uint8_t *truth,
                                                size_t count, double confidence, nsc_eval_auc_pair *out,
                                                nsc_error *err);

/* ---- calibration ------------------------------------------------------------------------------------------------ */

/* Cases whose score is in (low, high]; the first bin has its low end too. */
typedef struct nsc_eval_bin {
  double low, high;
  uint64_t count;
  double score; /* mean, NaN when count is 0 */
  double share; /* of positives, likewise */
} nsc_eval_bin;

typedef enum nsc_eval_binning {
  NSC_EVAL_EQUAL_WIDTH = 0,
  NSC_EVAL_EQUAL_MASS = 1 /* edges at quantiles of scores; ties may leave bins empty. Without cases as EQUAL_WIDTH */
} nsc_eval_binning;

/* `scores` [count] in 0..1, `truth` [count] of 0 and 1; `bins` [count_of_bins], 1 to NSC_EVAL_MAX_BINS. Errors as
 * above. */
NSC_WARN_UNUSED nsc_status nsc_eval_calibration(const float *scores, const uint8_t *truth, size_t count,
                                                nsc_eval_binning binning, uint32_t count_of_bins, nsc_eval_bin *bins,
                                                nsc_error *err);

/* ECE and MCE of bins; NaN when all are empty. */
double nsc_eval_ece(const nsc_eval_bin *bins, uint32_t count);
double nsc_eval_mce(const nsc_eval_bin *bins, uint32_t count);

/*
 * Temperature: softmax(z / t) or sigmoid(z / t) with the smallest log loss on these cases (Guo et al., ICML 2017). The
 * loss is convex in 1 / t, so Newton's steps between shrinking bounds find it; t is sought in 0.05 .. 20, where the
 * softest useful and the hardest model stand. `at_bound` says that the optimum is outside: the cases are separated
 * perfectly, or the scores are worse than chance. Losses are means over cases (single) or over known labels (multi).
 */
typedef struct nsc_eval_temperature {
  double temperature;
  double loss_before, loss_after;
  bool at_bound;
} nsc_eval_temperature;

/*
 * `logits`: data->scores are logits z, any finite numbers; otherwise probabilities, whose logarithms (single) or log
 * odds (multi, binary) are taken. Binary takes z of label 1 less z of label 0 from logits. Errors: ARGUMENT, also
 * without cases.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_fit_temperature(const nsc_eval_data *data, bool logits, nsc_eval_temperature *out,
                                                    nsc_error *err);

/* Divides the logits behind probabilities by a temperature, in place: `scores` [count][labels], each row normalised
 * again. */
NSC_WARN_UNUSED nsc_status nsc_eval_apply_temperature(nsc_task task, float *scores, size_t count, uint32_t labels,
                                                      double temperature, nsc_error *err);

/*
 * Platt's sigmoid 1 / (1 + exp(slope * z + offset)) (1999) with his smoothed targets, by Newton's method with
 * backtracking (Lin, Lin & Weng, Machine Learning 68, 2007). A calibrated class has slope -1, offset 0.
 */
typedef struct nsc_eval_platt {
  double slope, offset;
  uint32_t iterations;
} nsc_eval_platt;

/* `z` [count] log odds or any other score, higher for positives. Errors: ARGUMENT, also when all are of one kind. */
NSC_WARN_UNUSED nsc_status nsc_eval_fit_platt(const float *z, const uint8_t *truth, size_t count, nsc_eval_platt *out,
                                              nsc_error *err);
double nsc_eval_apply_platt(const nsc_eval_platt *platt, double z);
/* ln(p / (1 - p)) of a float32 probability, p kept FLT_EPSILON / 2 away from 0 and 1. */
double nsc_eval_log_odds(double p);

/* ---- the report ------------------------------------------------------------------------------------------------- */

typedef struct nsc_eval_sweep_row {
  float threshold;
  nsc_eval_counts counts;
} nsc_eval_sweep_row;

/* One label against all others, over the cases for which it is known. */
typedef struct nsc_eval_class {
  const char *name;
  uint64_t positives, negatives;
  float threshold; /* NaN for NSC_TASK_SINGLE, where the largest score wins */
  nsc_eval_counts counts;
  nsc_eval_value values[NSC_EVAL_METRIC_COUNT];
  nsc_eval_curve roc, pr;   /* reduced to options.curve_points */
  uint32_t distinct_scores; /* points of the whole curve, less the first */
  nsc_eval_choice youden, best_f1, for_sensitivity, for_specificity;
  nsc_eval_sweep_row *sweep;            /* [options.sweep_steps + 1] */
  nsc_eval_bin *width_bins, *mass_bins; /* [options.bins] */
} nsc_eval_class;

typedef struct nsc_eval_report {
  nsc_task task;
  uint64_t count;
  uint32_t labels;
  nsc_eval_options options; /* with defaults filled in; cancel is NULL */
  nsc_eval_class *classes;  /* [labels] */
  uint64_t *confusion;      /* [labels][labels], rows are the truth, columns the calls; NULL for NSC_TASK_MULTI */
  nsc_eval_bin *best_bins;  /* single: [options.bins] the best label's score against its being right; else NULL */
  nsc_eval_value overall[NSC_EVAL_METRIC_COUNT];
  /*
   * Means over classes, plain and by positives. A class for which a metric is undefined is left out, but a class that
   * occurs and was never called counts with a precision of 0, as in scikit-learn: leaving it out would reward never
   * calling it.
   */
  nsc_eval_value macro[NSC_EVAL_METRIC_COUNT], weighted[NSC_EVAL_METRIC_COUNT];
} nsc_eval_report;

/*
 * Everything at once. `options` may be NULL. Errors: ARGUMENT (names case and label), LIMIT, MEMORY, CANCELLED.
 * Bootstrap: Efron & Tibshirani, 1993, percentile intervals; cases are drawn, and all metrics measured on each draw.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_run(const nsc_eval_data *data, const nsc_eval_options *options,
                                        nsc_eval_report **out, nsc_error *err);
void nsc_eval_report_free(nsc_eval_report *report);

/*
 * {"task","count","confidence","bootstrap":{"replicates","seed": text,"stratified"} | null,"labels":[..],
 *  "overall":{"accuracy":{"value","low","high","bootstrap":[low, high] | null,"reason": text | null},...},
 *  "macro":{..},"weighted":{..},"confusion":[[..]] | null,"bestLabelCalibration":[bins] | null,
 *  "classes":[{"name","positives","negatives","threshold","counts":{"tp","fp","tn","fn"},"metrics":{..},
 *    "thresholds":{"youden":{"threshold","tp",..,"sensitivity","specificity","precision","reason"},"f1","sensitivity",
 *    "specificity"},"sweep":[..],"distinctScores","roc":[[fpr,tpr,threshold],..],
 *    "pr":[[recall,precision,threshold],..],
 *    "calibration":{"equalWidth":[{"low","high","count","score","share"}],"equalMass":[..]}}]}
 * "reason" says why the value is null, or why an AUC has no interval. A curve that is not defined is an empty list.
 * Ended by nsc_text_free, as the two below.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_json(const nsc_eval_report *report, char **out, nsc_error *err);

/* A line for each value: group,class,metric,value,low,high,bootstrap_low,bootstrap_high,reason (RFC 4180). */
NSC_WARN_UNUSED nsc_status nsc_eval_csv(const nsc_eval_report *report, char **out, nsc_error *err);

/* What a page says beside the figures. Every text may be NULL: the line is then missing. */
typedef struct nsc_eval_facts {
  const char *title; /* NULL for "Evaluation" */
  const char *model, *data, *split, *date;
  const char *limits; /* of the model, a sentence or two */
  uint64_t refused;   /* pictures that could not be read and are not among the cases */
} nsc_eval_facts;

/*
 * One HTML page that needs nothing else: figures with intervals, confusion matrix, classes, ROC and precision-recall
 * curves, reliability and thresholds; no scripts, light and dark, for screens from 360 px and for paper. Of many
 * classes the curves of the first eight are drawn and matrices above 40 labels are left out. `facts` may be NULL.
 */
NSC_WARN_UNUSED nsc_status nsc_eval_html(const nsc_eval_report *report, const nsc_eval_facts *facts, char **out,
                                         nsc_error *err);

/* Tables in columns, for a terminal. */
NSC_WARN_UNUSED nsc_status nsc_eval_text(const nsc_eval_report *report, char **out, nsc_error *err);

#endif
