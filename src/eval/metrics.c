/* From counts to numbers and their intervals, and what numbers and reasons are called. */
#include <math.h>

#include "eval/private.h"

static const struct {
  const char *key, *name;
} metrics[NSC_EVAL_METRIC_COUNT] = {
    [NSC_EVAL_ACCURACY] = {"accuracy", "accuracy"},
    [NSC_EVAL_BALANCED_ACCURACY] = {"balancedAccuracy", "balanced accuracy"},
    [NSC_EVAL_SENSITIVITY] = {"sensitivity", "sensitivity (recall)"},
    [NSC_EVAL_SPECIFICITY] = {"specificity", "specificity"},
    [NSC_EVAL_PRECISION] = {"precision", "precision (PPV)"},
    [NSC_EVAL_NPV] = {"npv", "negative predictive value"},
    [NSC_EVAL_F1] = {"f1", "F1"},
    [NSC_EVAL_MCC] = {"mcc", "Matthews correlation"},
    [NSC_EVAL_KAPPA] = {"kappa", "Cohen's kappa"},
    [NSC_EVAL_AUC] = {"auc", "ROC AUC"},
    [NSC_EVAL_AP] = {"averagePrecision", "average precision"},
    [NSC_EVAL_BRIER] = {"brier", "Brier score"},
    [NSC_EVAL_LOG_LOSS] = {"logLoss", "log loss"},
    [NSC_EVAL_ECE] = {"ece", "expected calibration error"},
    [NSC_EVAL_MCE] = {"mce", "largest calibration error"},
};

static const char *const reasons[NSC_EVAL_REASON_COUNT] = {
    [NSC_EVAL_DEFINED] = "",
    [NSC_EVAL_NO_CASES] = "there are no cases",
    [NSC_EVAL_NO_POSITIVES] = "no case is positive",
    [NSC_EVAL_NO_NEGATIVES] = "no case is negative",
    [NSC_EVAL_NONE_CALLED] = "no case was called positive",
    [NSC_EVAL_ALL_CALLED] = "every case was called positive",
    [NSC_EVAL_CERTAIN_CHANCE] = "truth and calls are all one class, so chance alone agrees",
    [NSC_EVAL_CLASSES_ONLY] = "defined for single classes; see their means",
    [NSC_EVAL_NOT_REACHED] = "no threshold reaches it",
    [NSC_EVAL_ZERO_VARIANCE] = "the scores separate perfectly or are all the same, so DeLong's variance is 0",
    [NSC_EVAL_TOO_FEW] = "fewer than two positives or two negatives",
    [NSC_EVAL_NO_PAIRS] = "of no two cases it is known who had the event first",
};

const char *nsc_eval_metric_key(nsc_eval_metric metric) {
  return (unsigned)metric < NSC_EVAL_METRIC_COUNT ? metrics[metric].key : "?";
}

const char *nsc_eval_metric_name(nsc_eval_metric metric) {
  return (unsigned)metric < NSC_EVAL_METRIC_COUNT ? metrics[metric].name : "?";
}

const char *nsc_eval_reason_text(nsc_eval_reason reason) {
  return (unsigned)reason < NSC_EVAL_REASON_COUNT ? reasons[reason] : "?";
}

double nsc_eval_ratio(uint64_t part, uint64_t rest) {
  return part + rest ? (double)part / (double)(part + rest) : NAN;
}

static void set(nsc_eval_measures *m, nsc_eval_metric metric, double value, nsc_eval_reason reason_of_nan) {
  m->value[metric] = value;
  m->reason[metric] = isnan(value) ? reason_of_nan : NSC_EVAL_DEFINED;
}

/* With one class in the truth the correlation is undefined; with all calls alike both its parts are 0 and 0 is the
 * limit. */
static double matthews(double tp, double fp, double tn, double fn) {
  if (tp + fn == 0 || tn + fp == 0) return NAN;
  if (tp + fp == 0 || tn + fn == 0) return 0;
  /* Roots are taken of pairs: the product of all four needs more than the 53 bits that a double has. */
  return (tp * tn - fp * fn) / (sqrt((tp + fp) * (tp + fn)) * sqrt((tn + fp) * (tn + fn)));
}

static double cohen(double agreed, double by_chance) {
  return by_chance < 1 ? (agreed - by_chance) / (1 - by_chance) : NAN;
}

void nsc_eval_from_counts(const nsc_eval_counts *c, nsc_eval_measures *out) {
  double tp = (double)c->tp, fp = (double)c->fp, tn = (double)c->tn, fn = (double)c->fn, n = tp + fp + tn + fn;
  bool empty = n == 0;
  nsc_eval_reason no_positives = empty ? NSC_EVAL_NO_CASES : NSC_EVAL_NO_POSITIVES;
  nsc_eval_reason no_negatives = empty ? NSC_EVAL_NO_CASES : NSC_EVAL_NO_NEGATIVES;
  nsc_eval_reason one_class = c->tp + c->fn == 0 ? no_positives : no_negatives;
  double sensitivity = nsc_eval_ratio(c->tp, c->fn), specificity = nsc_eval_ratio(c->tn, c->fp);
  double chance = ((tp + fp) * (tp + fn) + (tn + fn) * (tn + fp)) / (n * n);
  set(out, NSC_EVAL_ACCURACY, empty ? NAN : (tp + tn) / n, NSC_EVAL_NO_CASES);
  set(out, NSC_EVAL_BALANCED_ACCURACY, (sensitivity + specificity) / 2, one_class);
  set(out, NSC_EVAL_SENSITIVITY, sensitivity, no_positives);
  set(out, NSC_EVAL_SPECIFICITY, specificity, no_negatives);
  set(out, NSC_EVAL_PRECISION, nsc_eval_ratio(c->tp, c->fp), empty ? NSC_EVAL_NO_CASES : NSC_EVAL_NONE_CALLED);
  set(out, NSC_EVAL_NPV, nsc_eval_ratio(c->tn, c->fn), empty ? NSC_EVAL_NO_CASES : NSC_EVAL_ALL_CALLED);
  set(out, NSC_EVAL_F1, tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : NAN, no_positives);
  set(out, NSC_EVAL_MCC, matthews(tp, fp, tn, fn), one_class);
  set(out, NSC_EVAL_KAPPA, empty ? NAN : cohen((tp + tn) / n, chance),
      empty ? NSC_EVAL_NO_CASES : NSC_EVAL_CERTAIN_CHANCE);
}

/* ---- intervals from the normal distribution ---- */

double nsc_eval_normal_quantile(double p) {
  const double root_half = 0.70710678118654752440;
  if (!(p > 0 && p < 1)) return NAN;
  if (p > 0.5) return -nsc_eval_normal_quantile(1 - p);
  /* Halving is slow and cannot fail: it is asked for a few times a class. -39 is where erfc underflows. */
  double low = -39, high = 0;
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    if (0.5 * erfc(-middle * root_half) < p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (low + high) / 2;
}

nsc_eval_interval nsc_eval_wilson(uint64_t hits, uint64_t count, double confidence) {
  if (count == 0 || hits > count) return (nsc_eval_interval){NAN, NAN};
  double z = nsc_eval_normal_quantile((1 + confidence) / 2), n = (double)count, p = (double)hits / n;
  double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  /* At 0 and n the ends are 0 and 1 exactly; rounding would leave them just beside. */
  return (nsc_eval_interval){hits == 0 ? 0 : nsc_eval_clamp(centre - half),
                             hits == count ? 1 : nsc_eval_clamp(centre + half)};
}

/* ---- summaries of classes ---- */

/* A ratio of a class that was never called is no reason to leave the class out of a mean. */
static bool counts_as_zero(const nsc_eval_measures *m, int metric, const nsc_eval_counts *c) {
  return (m->reason[metric] == NSC_EVAL_NONE_CALLED && c->tp + c->fn > 0) ||
         (m->reason[metric] == NSC_EVAL_ALL_CALLED && c->tn + c->fp > 0);
}

static void average(const nsc_eval_measures *classes, const nsc_eval_counts *counts, uint32_t labels, bool weighted,
                    nsc_eval_measures *out) {
  for (int metric = 0; metric < NSC_EVAL_METRIC_COUNT; metric++) {
    double sum = 0, weights = 0;
    nsc_eval_reason reason = NSC_EVAL_DEFINED;
    for (uint32_t k = 0; k < labels; k++) {
      const nsc_eval_measures *m = &classes[k];
      double weight = weighted ? (double)(counts[k].tp + counts[k].fn) : 1;
      bool zero = counts_as_zero(m, metric, &counts[k]);
      if (m->reason[metric] != NSC_EVAL_DEFINED && !zero) {
        if (!reason) reason = m->reason[metric];
        continue;
      }
      if (!zero) sum += weight * m->value[metric];
      weights += weight;
    }
    set(out, (nsc_eval_metric)metric, weights > 0 ? sum / weights : NAN, reason ? reason : NSC_EVAL_NO_POSITIVES);
  }
}

static void all_undefined(nsc_eval_measures *out, nsc_eval_reason reason) {
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) set(out, (nsc_eval_metric)i, NAN, reason);
}

typedef struct matrix_sums {
  uint64_t count, agreed;
  double brier, loss;
} matrix_sums;

static matrix_sums sum_cases(nsc_eval_cases *c, const uint32_t *times, nsc_eval_bin_sums *bins) {
  matrix_sums sums = {0};
  for (uint32_t k = 0; k < c->data->labels; k++) c->rows[k] = c->columns[k] = 0;
  for (size_t i = 0; i < c->data->count; i++) {
    const nsc_eval_case *one = &c->cases[i];
    uint32_t w = times ? times[i] : 1;
    bool right = one->truth == one->called;
    c->rows[one->truth] += w;
    c->columns[one->called] += w;
    sums.count += w;
    sums.agreed += right ? w : 0;
    sums.brier += w * one->brier;
    sums.loss += w * one->loss;
    bins->count[one->bin] += w;
    bins->hits[one->bin] += right ? w : 0;
    bins->score[one->bin] += w * nsc_eval_clamp((double)one->best);
  }
  return sums;
}

/* Gorodkin, Computational Biology and Chemistry 28, 2004, and Cohen, both from the sums of the matrix's rows and
 * columns. */
static void from_matrix(const nsc_eval_cases *c, const matrix_sums *sums, const nsc_eval_counts *counts,
                        nsc_eval_measures *out) {
  double n = (double)sums->count, both = 0, rows = 0, columns = 0, recalls = 0;
  uint32_t present = 0;
  for (uint32_t k = 0; k < c->data->labels; k++) {
    double row = (double)c->rows[k], column = (double)c->columns[k];
    both += row * column;
    rows += row * row;
    columns += column * column;
    if (c->rows[k] == 0) continue;
    recalls += (double)counts[k].tp / row;
    present++;
  }
  double truth_spread = n * n - rows, call_spread = n * n - columns;
  double correlation = truth_spread <= 0 ? NAN : 0;
  if (truth_spread > 0 && call_spread > 0) {
    correlation = ((double)sums->agreed * n - both) / (sqrt(truth_spread) * sqrt(call_spread));
  }
  set(out, NSC_EVAL_BALANCED_ACCURACY, recalls / present, NSC_EVAL_NO_CASES);
  set(out, NSC_EVAL_MCC, correlation, NSC_EVAL_NO_NEGATIVES);
  set(out, NSC_EVAL_KAPPA, cohen((double)sums->agreed / n, both / (n * n)), NSC_EVAL_CERTAIN_CHANCE);
}

static void overall_single(nsc_eval_cases *c, const uint32_t *times, const nsc_eval_counts *counts,
                           nsc_eval_measures *out) {
  nsc_eval_bin_sums bins = {0};
  matrix_sums sums = sum_cases(c, times, &bins);
  all_undefined(out, sums.count ? NSC_EVAL_CLASSES_ONLY : NSC_EVAL_NO_CASES);
  if (sums.count == 0) return;
  double n = (double)sums.count;
  set(out, NSC_EVAL_ACCURACY, (double)sums.agreed / n, NSC_EVAL_NO_CASES);
  from_matrix(c, &sums, counts, out);
  set(out, NSC_EVAL_BRIER, sums.brier / n, NSC_EVAL_NO_CASES);
  set(out, NSC_EVAL_LOG_LOSS, sums.loss / n, NSC_EVAL_NO_CASES);
  nsc_eval_measure_bins(&bins, c->bins, out);
}

static void overall_multi(const nsc_eval_cases *c, const uint32_t *times, const nsc_eval_counts *counts,
                          nsc_eval_measures *out) {
  nsc_eval_counts sum = {0};
  uint64_t right = 0, known = 0;
  for (uint32_t k = 0; k < c->data->labels; k++) {
    sum.tp += counts[k].tp;
    sum.fp += counts[k].fp;
    sum.tn += counts[k].tn;
    sum.fn += counts[k].fn;
  }
  for (size_t i = 0; i < c->data->count; i++) {
    if (c->right[i] == NSC_EVAL_UNKNOWN) continue;
    known += times ? times[i] : 1;
    right += c->right[i] ? (times ? times[i] : 1) : 0;
  }
  nsc_eval_measures micro;
  nsc_eval_from_counts(&sum, &micro);
  all_undefined(out, c->data->count ? NSC_EVAL_CLASSES_ONLY : NSC_EVAL_NO_CASES);
  set(out, NSC_EVAL_ACCURACY, known ? (double)right / (double)known : NAN, NSC_EVAL_NO_CASES);
  for (int i = NSC_EVAL_SENSITIVITY; i <= NSC_EVAL_F1; i++)
    set(out, (nsc_eval_metric)i, micro.value[i], micro.reason[i]);
}

void nsc_eval_measure_groups(nsc_eval_cases *cases, const uint32_t *times, const nsc_eval_measures *classes,
                             const nsc_eval_counts *counts, nsc_eval_measures out[NSC_EVAL_GROUPS]) {
  uint32_t labels = cases->data->labels;
  average(classes, counts, labels, false, &out[NSC_EVAL_MACRO]);
  average(classes, counts, labels, true, &out[NSC_EVAL_WEIGHTED]);
  switch (cases->data->task) {
    case NSC_TASK_BINARY:
      out[NSC_EVAL_OVERALL] = classes[1];
      break;
    case NSC_TASK_SINGLE:
      overall_single(cases, times, counts, &out[NSC_EVAL_OVERALL]);
      break;
    default:
      overall_multi(cases, times, counts, &out[NSC_EVAL_OVERALL]);
      break;
  }
}
