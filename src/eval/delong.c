/*
 * The variance of an AUC and of the difference of two. DeLong's structural components are, for a positive, the share of
 * negatives below it and, for a negative, the share of positives above it (equal scores count half). Sun & Xu read them
 * off the ranks among all cases and among its own kind; one sort and a running count of both kinds give the same
 * numbers.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/private.h"

/* What the variances are made of, for one classifier. */
typedef struct components {
  double *place; /* [count], by case */
  double auc;
} components;

static void place_cases(const nsc_eval_key *keys, const uint8_t *truth, size_t count, uint32_t positives,
                        uint32_t negatives, double *place) {
  uint32_t positives_above = 0, negatives_above = 0;
  for (size_t first = 0, last; first < count; first = last) {
    uint32_t tied_positives = 0, tied = 0;
    for (last = first; last < count && keys[last].score == keys[first].score; last++, tied++) {
      tied_positives += truth[keys[last].index];
    }
    uint32_t tied_negatives = tied - tied_positives;
    double below = (negatives - negatives_above) - 0.5 * tied_negatives;
    double above = positives_above + 0.5 * tied_positives;
    for (size_t i = first; i < last; i++) {
      uint32_t at = keys[i].index;
      place[at] = truth[at] ? below / negatives : above / positives;
    }
    positives_above += tied_positives;
    negatives_above += tied_negatives;
  }
}

static nsc_status make_components(const float *scores, const uint8_t *truth, size_t count, uint32_t positives,
                                  uint32_t negatives, components *out, nsc_error *err) {
  nsc_eval_key *keys;
  NSC_TRY(nsc_eval_sort(scores, count, &keys, err));
  double *place = malloc((count + 1) * sizeof *place);
  if (place) place_cases(keys, truth, count, positives, negatives, place);
  free(keys);
  if (!place) return nsc_fail_memory(err, count * sizeof *place, "DeLong's components");
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += truth[i] ? place[i] : 0;
  *out = (components){place, sum / positives};
  return NSC_OK;
}

/* Of classifiers a and b; `less`, when not NULL, is subtracted from a and b first, which gives the variance of a
 * difference. */
static double covariance(const components *a, const components *b, const components *less, const uint8_t *truth,
                         size_t count, uint32_t positives, uint32_t negatives) {
  double of_positives = 0, of_negatives = 0;
  for (size_t i = 0; i < count; i++) {
    double x = a->place[i] - a->auc, y = b->place[i] - b->auc;
    if (less) x -= less->place[i] - less->auc, y -= less->place[i] - less->auc;
    if (truth[i]) {
      of_positives += x * y;
    } else {
      of_negatives += x * y;
    }
  }
  double p = positives, n = negatives;
  return of_positives / (p - 1) / p + of_negatives / (n - 1) / n;
}

static nsc_eval_reason why_no_auc(uint32_t positives, uint32_t negatives) {
  if (positives + negatives == 0) return NSC_EVAL_NO_CASES;
  return positives == 0 ? NSC_EVAL_NO_POSITIVES : negatives == 0 ? NSC_EVAL_NO_NEGATIVES : NSC_EVAL_DEFINED;
}

static nsc_eval_auc no_auc(nsc_eval_reason reason) {
  return (nsc_eval_auc){NAN, NAN, {NAN, NAN}, reason};
}

static nsc_eval_auc with_interval(double auc, double variance, double z) {
  nsc_eval_auc out = {auc, variance, {NAN, NAN}, NSC_EVAL_DEFINED};
  double half = z * sqrt(variance);
  if (isnan(variance)) {
    out.reason = NSC_EVAL_TOO_FEW;
  } else if (variance <= 0) {
    out.reason = NSC_EVAL_ZERO_VARIANCE;
  } else {
    out.interval = (nsc_eval_interval){nsc_eval_clamp(auc - half), nsc_eval_clamp(auc + half)};
  }
  return out;
}

static nsc_status check_confidence(double confidence, nsc_error *err) {
  if (confidence > 0 && confidence < 1) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "the confidence %g is not between 0 and 1", confidence);
}

nsc_status nsc_eval_delong(const float *scores, const uint8_t *truth, size_t count, double confidence,
                           nsc_eval_auc *out, nsc_error *err) {
  uint32_t positives, negatives;
  NSC_TRY(check_confidence(confidence, err));
  NSC_TRY(nsc_eval_check_class(scores, truth, count, &positives, &negatives, err));
  nsc_eval_reason reason = why_no_auc(positives, negatives);
  if (reason) {
    *out = no_auc(reason);
    return NSC_OK;
  }
  components a;
  NSC_TRY(make_components(scores, truth, count, positives, negatives, &a, err));
  bool enough = positives > 1 && negatives > 1;
  double variance = enough ? covariance(&a, &a, NULL, truth, count, positives, negatives) : NAN;
  *out = with_interval(a.auc, variance, nsc_eval_normal_quantile((1 + confidence) / 2));
  free(a.place);
  return NSC_OK;
}

static void compare(const components *a, const components *b, const uint8_t *truth, size_t count, uint32_t positives,
                    uint32_t negatives, double z, nsc_eval_auc_pair *out) {
  bool enough = positives > 1 && negatives > 1;
  *out = (nsc_eval_auc_pair){.covariance = NAN, .interval = {NAN, NAN}, .z = NAN, .p = NAN, .reason = NSC_EVAL_TOO_FEW};
  double of_a = enough ? covariance(a, a, NULL, truth, count, positives, negatives) : NAN;
  double of_b = enough ? covariance(b, b, NULL, truth, count, positives, negatives) : NAN;
  out->a = with_interval(a->auc, of_a, z);
  out->b = with_interval(b->auc, of_b, z);
  out->difference = a->auc - b->auc;
  if (!enough) return;
  out->covariance = covariance(a, b, NULL, truth, count, positives, negatives);
  /* Not var(a) + var(b) - 2 cov(a, b): that leaves rounding errors where the two agree on every case. */
  double variance = covariance(a, a, b, truth, count, positives, negatives);
  out->reason = NSC_EVAL_DEFINED;
  if (variance > 0) {
    double half = z * sqrt(variance);
    out->interval = (nsc_eval_interval){out->difference - half, out->difference + half};
    out->z = out->difference / sqrt(variance);
    out->p = erfc(fabs(out->z) * 0.70710678118654752440);
  } else if (out->difference == 0) {
    out->z = 0;
    out->p = 1;
  } else {
    out->reason = NSC_EVAL_ZERO_VARIANCE;
  }
}

nsc_status nsc_eval_delong_test(const float *scores_a, const float *scores_b, const uint8_t *truth, size_t count,
                                double confidence, nsc_eval_auc_pair *out, nsc_error *err) {
  uint32_t positives, negatives;
  NSC_TRY(check_confidence(confidence, err));
  NSC_TRY(nsc_eval_check_class(scores_a, truth, count, &positives, &negatives, err));
  NSC_TRY(nsc_eval_check_class(scores_b, truth, count, &positives, &negatives, err));
  nsc_eval_reason reason = why_no_auc(positives, negatives);
  if (reason) {
    *out = (nsc_eval_auc_pair){no_auc(reason), no_auc(reason), NAN, NAN, {NAN, NAN}, NAN, NAN, reason};
    return NSC_OK;
  }
  components a, b;
  NSC_TRY(make_components(scores_a, truth, count, positives, negatives, &a, err));
  nsc_status status = make_components(scores_b, truth, count, positives, negatives, &b, err);
  if (status == NSC_OK) {
    compare(&a, &b, truth, count, positives, negatives, nsc_eval_normal_quantile((1 + confidence) / 2), out);
    free(b.place);
  }
  free(a.place);
  return status;
}
