/* Against scikit-learn, SciPy and NumPy: tests/oracle/eval_golden.py made the numbers. */
#include <stdlib.h>

#include "eval/eval.h"
#include "eval_golden.h"
#include "test.h"

#define LENGTH(a) (uint32_t)(sizeof(a) / sizeof *(a))

static const double NEAR = 1e-6;

static void check_class(const nsc_eval_class *c, const double golden[13], const uint64_t counts[4]) {
  for (int i = 0; i <= NSC_EVAL_LOG_LOSS; i++) {
    CHECK_EQ(c->values[i].reason, NSC_EVAL_DEFINED);
    CHECK_NEAR(c->values[i].value, golden[i], NEAR);
  }
  CHECK_EQ(c->counts.tp, counts[0]);
  CHECK_EQ(c->counts.fp, counts[1]);
  CHECK_EQ(c->counts.tn, counts[2]);
  CHECK_EQ(c->counts.fn, counts[3]);
}

/* Sensitivity, precision, F1, AUC, average precision, as far as `count`. */
static void check_means(const nsc_eval_value *values, const double *golden, int count) {
  const nsc_eval_metric metrics[] = {NSC_EVAL_SENSITIVITY, NSC_EVAL_PRECISION, NSC_EVAL_F1, NSC_EVAL_AUC, NSC_EVAL_AP};
  for (int i = 0; i < count; i++) CHECK_NEAR(values[metrics[i]].value, golden[i], NEAR);
}

static void to_bytes(const int32_t *truth, uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)truth[i];
}

TEST(eval_golden_binary) {
  enum { N = LENGTH(binary_truth) };
  float scores[2 * N];
  for (int i = 0; i < N; i++) {
    scores[2 * i] = 1 - binary_scores[i];
    scores[2 * i + 1] = binary_scores[i];
  }
  const float thresholds[] = {0.5f, 0.55f};
  nsc_eval_data data = {.task = NSC_TASK_BINARY,
                        .count = N,
                        .labels = 2,
                        .scores = scores,
                        .truth = binary_truth,
                        .thresholds = thresholds};
  nsc_eval_report *r = NULL;
  nsc_error err = {0};
  CHECK_EQ(nsc_eval_run(&data, NULL, &r, &err), NSC_OK);
  CHECK_STR(err.text, "");
  REQUIRE(r);
  check_class(&r->classes[1], binary_values, binary_counts);
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) CHECK_NEAR(r->overall[i].value, r->classes[1].values[i].value, 0);
  CHECK_EQ(r->confusion[0], binary_counts[2]);
  CHECK_EQ(r->confusion[1], binary_counts[1]);
  CHECK_EQ(r->confusion[2], binary_counts[3]);
  CHECK_EQ(r->confusion[3], binary_counts[0]);
  /* The other label's calls are the opposite ones. */
  CHECK_EQ(r->classes[0].counts.tp, binary_counts[2]);
  CHECK_EQ(r->classes[0].counts.fn, binary_counts[1]);
  nsc_eval_report_free(r);
}

TEST(eval_golden_curves) {
  enum { N = LENGTH(binary_truth) };
  uint8_t truth[N];
  to_bytes(binary_truth, truth, N);
  nsc_eval_curve c;
  REQUIRE(nsc_eval_curve_make(binary_scores, truth, N, &c, NULL) == NSC_OK);
  REQUIRE(c.count == LENGTH(binary_fpr) && c.count == LENGTH(binary_recall));
  for (uint32_t i = 0; i < c.count; i++) {
    const nsc_eval_point *p = &c.points[i];
    CHECK_NEAR((double)p->fp / c.negatives, binary_fpr[i], NEAR);
    CHECK_NEAR((double)p->tp / c.positives, binary_tpr[i], NEAR);
    if (i) CHECK_NEAR(p->threshold, binary_thresholds[i], NEAR);
    CHECK_NEAR((double)p->tp / c.positives, binary_recall[i], NEAR);
    if (i) CHECK_NEAR((double)p->tp / (p->tp + p->fp), binary_precision[i], NEAR);
  }
  CHECK(isinf(c.points[0].threshold));
  CHECK_NEAR(nsc_eval_curve_auc(&c), binary_values[NSC_EVAL_AUC], 1e-12);
  CHECK_NEAR(nsc_eval_curve_ap(&c), binary_values[NSC_EVAL_AP], 1e-12);
  /* scikit-learn drops points between steps of equal length only, so a reduced curve's points are all among its points.
   */
  uint32_t kept[N + 1], count = 0, found = 0;
  REQUIRE(nsc_eval_curve_reduce(&c, NSC_EVAL_ROC, N + 1, kept, &count, NULL) == NSC_OK);
  CHECK(count <= LENGTH(binary_corner_fpr));
  for (uint32_t i = 0, j = 0; i < count; i++) {
    double fpr = (double)c.points[kept[i]].fp / c.negatives, tpr = (double)c.points[kept[i]].tp / c.positives;
    while (j < LENGTH(binary_corner_fpr) &&
           fabs(binary_corner_fpr[j] - fpr) + fabs(binary_corner_tpr[j] - tpr) > NEAR) {
      j++;
    }
    found += j < LENGTH(binary_corner_fpr);
  }
  CHECK_EQ(found, count);
  nsc_eval_curve_drop(&c);
}

static void check_calibration(nsc_eval_binning binning, uint32_t bins, const double *share, const double *score,
                              uint32_t filled) {
  enum { N = LENGTH(binary_truth) };
  uint8_t truth[N];
  to_bytes(binary_truth, truth, N);
  nsc_eval_bin b[NSC_EVAL_MAX_BINS];
  REQUIRE(nsc_eval_calibration(binary_scores, truth, N, binning, bins, b, NULL) == NSC_OK);
  uint32_t at = 0;
  uint64_t cases = 0;
  for (uint32_t i = 0; i < bins; i++) {
    cases += b[i].count;
    if (b[i].count == 0) continue;
    REQUIRE(at < filled);
    CHECK_NEAR(b[i].share, share[at], NEAR);
    CHECK_NEAR(b[i].score, score[at++], NEAR);
  }
  CHECK_EQ(at, filled);
  CHECK_EQ(cases, N);
}

TEST(eval_golden_calibration) {
  check_calibration(NSC_EVAL_EQUAL_WIDTH, 7, binary_width7_share, binary_width7_score, LENGTH(binary_width7_share));
  check_calibration(NSC_EVAL_EQUAL_MASS, 6, binary_mass6_share, binary_mass6_score, LENGTH(binary_mass6_share));
  check_calibration(NSC_EVAL_EQUAL_MASS, 10, binary_mass10_share, binary_mass10_score, LENGTH(binary_mass10_share));
}

static nsc_eval_data single_data(void) {
  return (nsc_eval_data){.task = NSC_TASK_SINGLE,
                         .count = LENGTH(single_truth),
                         .labels = 4,
                         .scores = single_scores,
                         .truth = single_truth};
}

TEST(eval_golden_single) {
  nsc_eval_data data = single_data();
  nsc_eval_report *r = NULL;
  REQUIRE(nsc_eval_run(&data, NULL, &r, NULL) == NSC_OK);
  check_class(&r->classes[0], single_0_values, single_0_counts);
  check_class(&r->classes[1], single_1_values, single_1_counts);
  check_class(&r->classes[2], single_2_values, single_2_counts);
  check_class(&r->classes[3], single_3_values, single_3_counts);
  for (int i = 0; i < 16; i++) CHECK_EQ(r->confusion[i], single_confusion[i]);
  const nsc_eval_metric metrics[] = {NSC_EVAL_ACCURACY, NSC_EVAL_BALANCED_ACCURACY, NSC_EVAL_MCC, NSC_EVAL_KAPPA,
                                     NSC_EVAL_BRIER,    NSC_EVAL_LOG_LOSS};
  for (int i = 0; i < 6; i++) CHECK_NEAR(r->overall[metrics[i]].value, single_overall[i], NEAR);
  CHECK_NEAR(r->overall[NSC_EVAL_ECE].value, single_calibration[0], NEAR);
  CHECK_NEAR(r->overall[NSC_EVAL_MCE].value, single_calibration[1], NEAR);
  CHECK_NEAR(nsc_eval_ece(r->best_bins, r->options.bins), single_calibration[0], NEAR);
  check_means(r->macro, single_macro, 5);
  check_means(r->weighted, single_weighted, 5);
  CHECK_EQ(r->overall[NSC_EVAL_AUC].reason, NSC_EVAL_CLASSES_ONLY);
  nsc_eval_report_free(r);
}

TEST(eval_golden_multi) {
  nsc_eval_data data = {.task = NSC_TASK_MULTI,
                        .count = LENGTH(multi_truth) / 3,
                        .labels = 3,
                        .scores = multi_scores,
                        .truths = multi_truth,
                        .thresholds = multi_thresholds};
  nsc_eval_report *r = NULL;
  REQUIRE(nsc_eval_run(&data, NULL, &r, NULL) == NSC_OK);
  check_class(&r->classes[0], multi_0_values, multi_0_counts);
  check_class(&r->classes[1], multi_1_values, multi_1_counts);
  check_class(&r->classes[2], multi_2_values, multi_2_counts);
  CHECK_NEAR(r->overall[NSC_EVAL_ACCURACY].value, multi_exact, NEAR);
  check_means(r->overall, multi_micro, 3);
  check_means(r->macro, multi_macro, 5);
  check_means(r->weighted, multi_weighted, 5);
  CHECK(r->confusion == NULL);
  nsc_eval_report_free(r);
}

TEST(eval_golden_scaling) {
  enum { N = LENGTH(binary_truth) };
  uint8_t truth[N];
  float scores[2 * N];
  to_bytes(binary_truth, truth, N);
  for (int i = 0; i < N; i++) {
    scores[2 * i] = 1 - binary_scores[i];
    scores[2 * i + 1] = binary_scores[i];
  }
  nsc_eval_platt platt;
  REQUIRE(nsc_eval_fit_platt(platt_z, truth, N, &platt, NULL) == NSC_OK);
  CHECK_NEAR(platt.slope, platt_fit[0], 1e-5);
  CHECK_NEAR(platt.offset, platt_fit[1], 1e-5);
  CHECK_NEAR(nsc_eval_apply_platt(&platt, 0.7), 1 / (1 + exp(platt_fit[0] * 0.7 + platt_fit[1])), 1e-5);
  nsc_eval_data data = {.task = NSC_TASK_BINARY, .count = N, .labels = 2, .scores = scores, .truth = binary_truth};
  nsc_eval_temperature t;
  REQUIRE(nsc_eval_fit_temperature(&data, false, &t, NULL) == NSC_OK);
  CHECK_NEAR(t.temperature, binary_temperature[0], 1e-5);
  CHECK_NEAR(t.loss_before, binary_temperature[1], NEAR);
  CHECK_NEAR(t.loss_after, binary_temperature[2], NEAR);
  CHECK(!t.at_bound);
  data = single_data();
  REQUIRE(nsc_eval_fit_temperature(&data, false, &t, NULL) == NSC_OK);
  CHECK_NEAR(t.temperature, single_temperature[0], 1e-5);
  CHECK_NEAR(t.loss_before, single_temperature[1], NEAR);
  CHECK_NEAR(t.loss_after, single_temperature[2], NEAR);
}

TEST(eval_golden_intervals) {
  for (uint32_t i = 0; i < LENGTH(wilson); i += 5) {
    nsc_eval_interval ci = nsc_eval_wilson((uint64_t)wilson[i], (uint64_t)wilson[i + 1], wilson[i + 2]);
    CHECK_NEAR(ci.low, wilson[i + 3], 1e-9);
    CHECK_NEAR(ci.high, wilson[i + 4], 1e-9);
  }
  for (uint32_t i = 0; i < LENGTH(normal_p); i++) CHECK_NEAR(nsc_eval_normal_quantile(normal_p[i]), normal_z[i], 1e-9);
}

/* DeLong's definition, all pairs of a positive and a negative: structural components and their covariance. */
static double kernel(float positive, float negative) {
  return positive > negative ? 1 : positive == negative ? 0.5 : 0;
}

static double component(const float *scores, const uint8_t *truth, size_t n, size_t at) {
  double sum = 0, others = 0;
  for (size_t i = 0; i < n; i++) {
    if (truth[i] == truth[at]) continue;
    sum += truth[at] ? kernel(scores[at], scores[i]) : kernel(scores[i], scores[at]);
    others++;
  }
  return sum / others;
}

static double slow_covariance(const float *a, const float *b, const uint8_t *truth, size_t n, double *auc) {
  double total = 0;
  for (int kind = 0; kind < 2; kind++) {
    double mean_a = 0, mean_b = 0, count = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
      if (truth[i] != kind) continue;
      mean_a += component(a, truth, n, i);
      mean_b += component(b, truth, n, i);
      count++;
    }
    mean_a /= count;
    mean_b /= count;
    for (size_t i = 0; i < n; i++) {
      if (truth[i] == kind) sum += (component(a, truth, n, i) - mean_a) * (component(b, truth, n, i) - mean_b);
    }
    total += sum / (count - 1) / count;
    *auc = mean_a;
  }
  return total;
}

TEST(eval_delong_equals_its_definition) {
  enum { N = LENGTH(binary_truth) };
  uint8_t truth[N];
  to_bytes(binary_truth, truth, N);
  nsc_eval_auc_pair pair;
  REQUIRE(nsc_eval_delong_test(binary_scores, binary_others, truth, N, 0.95, &pair, NULL) == NSC_OK);
  double auc_a, auc_b, unused;
  double of_a = slow_covariance(binary_scores, binary_scores, truth, N, &auc_a);
  double of_b = slow_covariance(binary_others, binary_others, truth, N, &auc_b);
  double both = slow_covariance(binary_scores, binary_others, truth, N, &unused);
  CHECK_NEAR(pair.a.auc, auc_a, 1e-12);
  CHECK_NEAR(pair.a.auc, binary_values[NSC_EVAL_AUC], 1e-12);
  CHECK_NEAR(pair.b.auc, auc_b, 1e-12);
  CHECK_NEAR(pair.a.variance, of_a, 1e-14);
  CHECK_NEAR(pair.b.variance, of_b, 1e-14);
  CHECK_NEAR(pair.covariance, both, 1e-14);
  double z = (auc_a - auc_b) / sqrt(of_a + of_b - 2 * both);
  CHECK_NEAR(pair.z, z, 1e-9);
  CHECK_NEAR(pair.p, erfc(fabs(z) / sqrt(2)), 1e-9);
  CHECK_NEAR(pair.a.interval.low, auc_a - 1.959963984540054 * sqrt(of_a), 1e-9);
  CHECK_NEAR(pair.a.interval.high, auc_a + 1.959963984540054 * sqrt(of_a), 1e-9);
  nsc_eval_auc alone;
  REQUIRE(nsc_eval_delong(binary_scores, truth, N, 0.95, &alone, NULL) == NSC_OK);
  CHECK_NEAR(alone.variance, of_a, 1e-14);
  REQUIRE(nsc_eval_delong_test(binary_scores, binary_scores, truth, N, 0.95, &pair, NULL) == NSC_OK);
  CHECK_NEAR(pair.z, 0, 0);
  CHECK_NEAR(pair.p, 1, 0);
}
