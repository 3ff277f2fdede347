/* Are scores probabilities: bins of scores against what was true. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/private.h"

double nsc_eval_loss(double p) {
  /* float32 scores cannot say anything between these and 0 or 1; scikit-learn clips float32 at the same places. */
  const double least = (double)FLT_EPSILON;
  return -log(p < least ? least : p > 1 - least ? 1 - least : p);
}

void nsc_eval_equal_edges(uint32_t bins, double *edges) {
  double step = 1.0 / bins;
  for (uint32_t i = 0; i < bins; i++) edges[i] = i * step;
  edges[bins] = 1;
}

uint32_t nsc_eval_bin_of(const double *edges, uint32_t bins, double p) {
  uint32_t low = 0, high = bins - 1; /* how many inner edges, edges[1] to edges[bins - 1], lie below p */
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (edges[middle + 1] < p) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Quantiles between neighbours, with numpy.percentile's rounding: a score that is an edge must not change its bin. */
static void mass_edges(const nsc_eval_key *keys, size_t count, uint32_t bins, double *edges) {
  double step = 1.0 / bins;
  for (uint32_t i = 0; i <= bins; i++) {
    double at = (i == bins ? 1 : i * step * 100 / 100) * (double)(count - 1), whole = floor(at), part = at - whole;
    size_t below = (size_t)whole, above = below + 1 < count ? below + 1 : count - 1;
    double a = (double)keys[count - 1 - below].score, b = (double)keys[count - 1 - above].score;
    edges[i] = part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
  }
}

static nsc_status check_probabilities(const float *scores, size_t count, nsc_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (scores[i] < 0 || scores[i] > 1) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the score of case %zu, %g, is no probability", i, (double)scores[i]);
    }
  }
  return NSC_OK;
}

void nsc_eval_bins_of_sums(const nsc_eval_bin_sums *sums, const double *edges, uint32_t count, nsc_eval_bin *bins) {
  for (uint32_t i = 0; i < count; i++) {
    double n = (double)sums->count[i];
    bins[i] = (nsc_eval_bin){edges[i], edges[i + 1], sums->count[i], NAN, NAN};
    if (sums->count[i] == 0) continue;
    bins[i].score = sums->score[i] / n;
    bins[i].share = (double)sums->hits[i] / n;
  }
}

nsc_status nsc_eval_calibration(const float *scores, const uint8_t *truth, size_t count, nsc_eval_binning binning,
                                uint32_t count_of_bins, nsc_eval_bin *bins, nsc_error *err) {
  uint32_t positives, negatives;
  if (count_of_bins == 0 || count_of_bins > NSC_EVAL_MAX_BINS) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u bins are not 1 to %d", count_of_bins, NSC_EVAL_MAX_BINS);
  }
  NSC_TRY(nsc_eval_check_class(scores, truth, count, &positives, &negatives, err));
  NSC_TRY(check_probabilities(scores, count, err));
  double edges[NSC_EVAL_MAX_BINS + 1];
  nsc_eval_equal_edges(count_of_bins, edges);
  if (binning == NSC_EVAL_EQUAL_MASS && count) {
    nsc_eval_key *keys;
    NSC_TRY(nsc_eval_sort(scores, count, &keys, err));
    mass_edges(keys, count, count_of_bins, edges);
    free(keys);
  }
  nsc_eval_bin_sums sums = {0};
  for (size_t i = 0; i < count; i++) {
    uint32_t bin = nsc_eval_bin_of(edges, count_of_bins, (double)scores[i]);
    sums.count[bin]++;
    sums.hits[bin] += truth[i];
    sums.score[bin] += (double)scores[i];
  }
  nsc_eval_bins_of_sums(&sums, edges, count_of_bins, bins);
  return NSC_OK;
}

double nsc_eval_ece(const nsc_eval_bin *bins, uint32_t count) {
  double sum = 0, cases = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (bins[i].count == 0) continue;
    sum += (double)bins[i].count * fabs(bins[i].score - bins[i].share);
    cases += (double)bins[i].count;
  }
  return cases > 0 ? sum / cases : NAN;
}

double nsc_eval_mce(const nsc_eval_bin *bins, uint32_t count) {
  double most = NAN;
  for (uint32_t i = 0; i < count; i++) {
    if (bins[i].count) most = fmax(most, fabs(bins[i].score - bins[i].share)); /* fmax passes over NaN */
  }
  return most;
}

void nsc_eval_measure_bins(const nsc_eval_bin_sums *sums, uint32_t count, nsc_eval_measures *out) {
  double edges[NSC_EVAL_MAX_BINS + 1];
  nsc_eval_bin bins[NSC_EVAL_MAX_BINS];
  nsc_eval_equal_edges(count, edges);
  nsc_eval_bins_of_sums(sums, edges, count, bins);
  out->value[NSC_EVAL_ECE] = nsc_eval_ece(bins, count);
  out->value[NSC_EVAL_MCE] = nsc_eval_mce(bins, count);
  bool none = isnan(out->value[NSC_EVAL_ECE]);
  out->reason[NSC_EVAL_ECE] = out->reason[NSC_EVAL_MCE] = none ? NSC_EVAL_NO_CASES : NSC_EVAL_DEFINED;
}
