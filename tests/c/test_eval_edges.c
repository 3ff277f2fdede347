/* What is not defined, what is refused, thresholds and curves worked out by hand. */
#include <stdlib.h>

#include "base/rng.h"
#include "eval/eval.h"
#include "test.h"

static nsc_eval_report *run(const nsc_eval_data *data, const nsc_eval_options *options) {
  nsc_error err = {0};
  nsc_eval_report *r = NULL;
  CHECK_EQ(nsc_eval_run(data, options, &r, &err), NSC_OK);
  CHECK_STR(err.text, "");
  return r;
}

static nsc_status refuse(const nsc_eval_data *data, const nsc_eval_options *options, const char *text) {
  nsc_error err = {0};
  nsc_eval_report *r = NULL;
  nsc_status status = nsc_eval_run(data, options, &r, &err);
  CHECK(r == NULL);
  CHECK_HAS(err.text, text);
  nsc_eval_report_free(r);
  return status;
}

TEST(eval_no_cases) {
  nsc_eval_data data = {.task = NSC_TASK_SINGLE, .labels = 3};
  const nsc_eval_options options = {.replicates = 10};
  for (int task = 0; task < 3; task++) {
    data.task = (nsc_task)task;
    data.labels = task == NSC_TASK_BINARY ? 2 : 3;
    nsc_eval_report *r = run(&data, &options);
    REQUIRE(r);
    for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
      CHECK(isnan(r->overall[i].value) && isnan(r->macro[i].value) && isnan(r->weighted[i].value));
      CHECK_EQ(r->overall[i].reason, NSC_EVAL_NO_CASES);
      CHECK_EQ(r->classes[0].values[i].reason, NSC_EVAL_NO_CASES);
    }
    CHECK_EQ(r->classes[1].youden.reason, NSC_EVAL_NO_CASES);
    char *text = NULL;
    REQUIRE(nsc_eval_json(r, &text, NULL) == NSC_OK);
    CHECK_HAS(
        text,
        "\"auc\":{\"value\":null,\"low\":null,\"high\":null,\"bootstrap\":null,\"reason\":\"there are no cases\"}");
    nsc_text_free(text);
    REQUIRE(nsc_eval_text(r, &text, NULL) == NSC_OK);
    CHECK_HAS(text, "(there are no cases)");
    nsc_text_free(text);
    nsc_eval_report_free(r);
  }
}

TEST(eval_absent_and_uncalled_classes) {
  /* Class 1 occurs and is never called, class 2 does not occur and is never called. */
  const float scores[] = {.8f, .1f, .1f, .6f, .3f, .1f, .5f, .4f, .1f, .9f, .1f, 0};
  const int32_t truth[] = {0, 1, 1, 0};
  const nsc_eval_data data = {.task = NSC_TASK_SINGLE, .count = 4, .labels = 3, .scores = scores, .truth = truth};
  nsc_eval_report *r = run(&data, NULL);
  REQUIRE(r);
  const nsc_eval_value *one = r->classes[1].values, *two = r->classes[2].values;
  CHECK(isnan(one[NSC_EVAL_PRECISION].value));
  CHECK_EQ(one[NSC_EVAL_PRECISION].reason, NSC_EVAL_NONE_CALLED);
  CHECK_NEAR(one[NSC_EVAL_SENSITIVITY].value, 0, 0);
  CHECK_NEAR(one[NSC_EVAL_F1].value, 0, 0);
  CHECK_NEAR(one[NSC_EVAL_MCC].value, 0, 0);
  CHECK_NEAR(one[NSC_EVAL_AUC].value, 1, 0);
  CHECK_EQ(one[NSC_EVAL_AUC].no_interval, NSC_EVAL_ZERO_VARIANCE);
  CHECK(isnan(one[NSC_EVAL_AUC].interval.low));
  CHECK_EQ(two[NSC_EVAL_SENSITIVITY].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(two[NSC_EVAL_F1].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(two[NSC_EVAL_MCC].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(two[NSC_EVAL_AUC].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(two[NSC_EVAL_AP].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_NEAR(two[NSC_EVAL_SPECIFICITY].value, 1, 0);
  /* Precision 1/2 of class 0 and 0 of class 1; sensitivities 1 and 0; AUC 1 and 1. Class 2 is in no mean. */
  CHECK_NEAR(r->macro[NSC_EVAL_PRECISION].value, 0.25, 1e-12);
  CHECK_NEAR(r->weighted[NSC_EVAL_PRECISION].value, 0.25, 1e-12);
  CHECK_NEAR(r->macro[NSC_EVAL_SENSITIVITY].value, 0.5, 1e-12);
  CHECK_NEAR(r->overall[NSC_EVAL_BALANCED_ACCURACY].value, 0.5, 1e-12);
  CHECK_NEAR(r->macro[NSC_EVAL_AUC].value, 1, 1e-12);
  CHECK_NEAR(r->overall[NSC_EVAL_MCC].value, 0, 0);
  CHECK_NEAR(r->overall[NSC_EVAL_KAPPA].value, 0, 1e-12);
  nsc_eval_report_free(r);
}

TEST(eval_one_class_only) {
  const float scores[] = {.9f, .1f, .8f, .2f};
  const int32_t truth[] = {0, 0};
  const nsc_eval_data data = {.task = NSC_TASK_BINARY, .count = 2, .labels = 2, .scores = scores, .truth = truth};
  nsc_eval_report *r = run(&data, NULL);
  REQUIRE(r);
  CHECK_NEAR(r->overall[NSC_EVAL_ACCURACY].value, 1, 0);
  CHECK_EQ(r->overall[NSC_EVAL_BALANCED_ACCURACY].reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(r->overall[NSC_EVAL_KAPPA].reason, NSC_EVAL_CERTAIN_CHANCE);
  CHECK_EQ(r->classes[0].values[NSC_EVAL_NPV].reason, NSC_EVAL_ALL_CALLED);
  CHECK_EQ(r->classes[0].values[NSC_EVAL_AUC].reason, NSC_EVAL_NO_NEGATIVES);
  CHECK_EQ(r->classes[1].for_sensitivity.reason, NSC_EVAL_NO_POSITIVES);
  CHECK_EQ(r->classes[0].for_specificity.reason, NSC_EVAL_NO_NEGATIVES);
  char *json = NULL;
  REQUIRE(nsc_eval_json(r, &json, NULL) == NSC_OK);
  CHECK_HAS(json, "\"roc\":[],\"pr\":[]");
  nsc_text_free(json);
  nsc_eval_report_free(r);
}

TEST(eval_equal_scores) {
  const float scores[] = {.5f, .5f, .5f, .5f, .5f};
  const uint8_t truth[] = {1, 0, 1, 0, 0};
  const nsc_eval_data data = {.task = NSC_TASK_MULTI, .count = 5, .labels = 1, .scores = scores, .truths = truth};
  nsc_eval_report *r = run(&data, NULL);
  REQUIRE(r);
  const nsc_eval_class *c = &r->classes[0];
  CHECK_NEAR(c->values[NSC_EVAL_AUC].value, 0.5, 0);
  CHECK_NEAR(c->values[NSC_EVAL_AP].value, 0.4, 1e-12);
  CHECK_EQ(c->values[NSC_EVAL_AUC].no_interval, NSC_EVAL_ZERO_VARIANCE);
  CHECK_EQ(c->youden.reason, NSC_EVAL_NOT_REACHED);
  CHECK(isnan(c->youden.threshold));
  CHECK_EQ(c->for_specificity.reason, NSC_EVAL_NOT_REACHED);
  CHECK_NEAR(c->for_sensitivity.threshold, 0.5, 0);
  CHECK_EQ(c->roc.count, 2);
  CHECK_NEAR(c->values[NSC_EVAL_ECE].value, 0.1, 1e-12);
  nsc_eval_temperature t;
  REQUIRE(nsc_eval_fit_temperature(&data, false, &t, NULL) == NSC_OK);
  CHECK_NEAR(t.temperature, 1, 0);
  nsc_eval_platt platt;
  REQUIRE(nsc_eval_fit_platt(scores, truth, 5, &platt, NULL) == NSC_OK);
  CHECK_NEAR(nsc_eval_apply_platt(&platt, 0.5), (2 * 3 / 4.0 + 3 * 1 / 5.0) / 5, 1e-6); /* the mean target */
  nsc_eval_report_free(r);
}

TEST(eval_perfect_separation) {
  const float scores[] = {.9f, .8f, .2f, .1f, .3f};
  const uint8_t truth[] = {1, 1, 0, 0, 0};
  nsc_eval_data data = {.task = NSC_TASK_MULTI, .count = 5, .labels = 1, .scores = scores, .truths = truth};
  nsc_eval_temperature t;
  REQUIRE(nsc_eval_fit_temperature(&data, false, &t, NULL) == NSC_OK);
  CHECK(t.at_bound);
  CHECK_NEAR(t.temperature, 0.05, 1e-12);
  nsc_eval_platt platt;
  REQUIRE(nsc_eval_fit_platt(scores, truth, 5, &platt, NULL) == NSC_OK);
  CHECK(platt.slope < 0 && isfinite(platt.slope) && isfinite(platt.offset));
  CHECK(nsc_eval_apply_platt(&platt, 0.85) > 0.5 && nsc_eval_apply_platt(&platt, 0.2) < 0.5);
  nsc_eval_auc auc;
  REQUIRE(nsc_eval_delong(scores, truth, 5, 0.95, &auc, NULL) == NSC_OK);
  CHECK_NEAR(auc.auc, 1, 0);
  CHECK_EQ(auc.reason, NSC_EVAL_ZERO_VARIANCE);
  REQUIRE(nsc_eval_delong(scores, truth, 3, 0.95, &auc, NULL) == NSC_OK);
  CHECK_EQ(auc.reason, NSC_EVAL_TOO_FEW);
  const float others[] = {.1f, .2f, .7f, .8f, .9f};
  nsc_eval_auc_pair pair;
  REQUIRE(nsc_eval_delong_test(scores, others, truth, 5, 0.95, &pair, NULL) == NSC_OK);
  CHECK_NEAR(pair.difference, 1, 0);
  CHECK_EQ(pair.reason, NSC_EVAL_ZERO_VARIANCE);
  CHECK(isnan(pair.p));
}

TEST(eval_refusals) {
  float scores[] = {.9f, .1f, .8f, .2f};
  int32_t truth[] = {0, 1};
  nsc_eval_data data = {.task = NSC_TASK_BINARY, .count = 2, .labels = 2, .scores = scores, .truth = truth};
  scores[3] = NAN;
  CHECK_EQ(refuse(&data, NULL, "the score of case 1 for label 1 is not a finite number"), NSC_ERROR_ARGUMENT);
  scores[3] = INFINITY;
  CHECK_EQ(refuse(&data, NULL, "case 1 for label 1 is not a finite number"), NSC_ERROR_ARGUMENT);
  scores[3] = 1.5f;
  CHECK_EQ(refuse(&data, NULL, "1.5, is no probability"), NSC_ERROR_ARGUMENT);
  scores[3] = -0.01f;
  CHECK_EQ(refuse(&data, NULL, "is no probability"), NSC_ERROR_ARGUMENT);
  scores[3] = 1.0000001f; /* what a softmax may round to */
  nsc_eval_report_free(run(&data, NULL));
  truth[1] = 2;
  CHECK_EQ(refuse(&data, NULL, "the truth of case 1, 2, is none of the 2 labels"), NSC_ERROR_ARGUMENT);
  truth[1] = -1;
  CHECK_EQ(refuse(&data, NULL, "the truth of case 1, -1,"), NSC_ERROR_ARGUMENT);
  truth[1] = 1;
  data.labels = 1;
  CHECK_EQ(refuse(&data, NULL, "1 labels do not fit the task"), NSC_ERROR_ARGUMENT);
  data.labels = 2;
  data.truth = NULL;
  CHECK_EQ(refuse(&data, NULL, "missing"), NSC_ERROR_ARGUMENT);
  data.truth = truth;
  CHECK_EQ(refuse(&data, &(nsc_eval_options){.confidence = 1}, "the confidence 1"), NSC_ERROR_ARGUMENT);
  CHECK_EQ(refuse(&data, &(nsc_eval_options){.bins = 101}, "out of range"), NSC_ERROR_ARGUMENT);
  data.count = (size_t)NSC_EVAL_MAX_CASES + 1;
  CHECK_EQ(refuse(&data, NULL, "too many"), NSC_ERROR_LIMIT);
  data.count = 2;
  const uint8_t truths[] = {0, 1, 2, 1};
  data = (nsc_eval_data){.task = NSC_TASK_MULTI, .count = 2, .labels = 2, .scores = scores, .truths = truths};
  CHECK_EQ(refuse(&data, NULL, "the truth of case 1 for label 0 is neither 0 nor 1"), NSC_ERROR_ARGUMENT);
  const int32_t stop = 1;
  data = (nsc_eval_data){.task = NSC_TASK_BINARY, .count = 2, .labels = 2, .scores = scores, .truth = truth};
  CHECK_EQ(refuse(&data, &(nsc_eval_options){.cancel = &stop}, "cancelled"), NSC_ERROR_CANCELLED);
  nsc_eval_temperature t;
  data.count = 0;
  CHECK_EQ(nsc_eval_fit_temperature(&data, true, &t, NULL), NSC_ERROR_ARGUMENT);
  nsc_eval_platt platt;
  CHECK_EQ(nsc_eval_fit_platt(scores, truths, 1, &platt, NULL), NSC_ERROR_ARGUMENT);
}

TEST(eval_unknown_truth) {
  /* With the unknown cases taken out by hand the class has the same numbers. */
  const float scores[] = {.9f, .2f, .4f, .7f, .6f, .6f, .3f, .1f, .8f, .9f};
  const uint8_t truth[] = {1, 0, 0, NSC_EVAL_UNKNOWN, 1, 1, NSC_EVAL_UNKNOWN, 0, 0, 1};
  const float known[] = {.9f, .4f, .6f, .8f};
  const uint8_t known_truth[] = {1, 0, 1, 0};
  nsc_eval_data data = {.task = NSC_TASK_MULTI, .count = 5, .labels = 2, .scores = scores, .truths = truth};
  nsc_eval_report *r = run(&data, NULL);
  data = (nsc_eval_data){.task = NSC_TASK_MULTI, .count = 4, .labels = 1, .scores = known, .truths = known_truth};
  nsc_eval_report *alone = run(&data, NULL);
  REQUIRE(r && alone);
  CHECK_EQ(r->classes[0].positives, 2);
  CHECK_EQ(r->classes[0].negatives, 2);
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    CHECK_NEAR(r->classes[0].values[i].value, alone->classes[0].values[i].value, 1e-12);
  }
  /* Cases 0, 2 and 4 are known entirely; 0 and 2 are right. */
  CHECK_NEAR(r->overall[NSC_EVAL_ACCURACY].value, 2 / 3.0, 1e-12);
  nsc_eval_report_free(r);
  nsc_eval_report_free(alone);
}

TEST(eval_thresholds_by_hand) {
  const float scores[] = {.9f, .8f, .7f, .7f, .6f, .5f, .4f, .3f, .2f, .1f};
  const uint8_t truth[] = {1, 1, 0, 1, 0, 1, 0, 0, 0, 0};
  nsc_eval_curve c;
  REQUIRE(nsc_eval_curve_make(scores, truth, 10, &c, NULL) == NSC_OK);
  CHECK_EQ(c.count, 10);
  /* 4 positives, 6 negatives. J: .9 1/4, .8 2/4, .7 3/4 - 1/6, .6 3/4 - 2/6, .5 1 - 2/6, .4 1 - 3/6. */
  nsc_eval_choice best = nsc_eval_choose_youden(&c);
  CHECK_NEAR(best.threshold, 0.5f, 0);
  CHECK_EQ(best.counts.tp, 4);
  CHECK_EQ(best.counts.fp, 2);
  CHECK_EQ(best.counts.tn, 4);
  CHECK_EQ(best.counts.fn, 0);
  /* F1: .8 4/6, .7 6/8, .5 8/10. */
  CHECK_NEAR(nsc_eval_choose_f1(&c).threshold, 0.5f, 0);
  CHECK_NEAR(nsc_eval_choose_sensitivity(&c, 0.75).threshold, 0.7f, 0);
  CHECK_NEAR(nsc_eval_choose_sensitivity(&c, 0.76).threshold, 0.5f, 0);
  /* At most one false positive: .7 has three hits, and .6 would need two. */
  CHECK_NEAR(nsc_eval_choose_specificity(&c, 5 / 6.0).threshold, 0.7f, 0);
  CHECK_NEAR(nsc_eval_choose_specificity(&c, 1).threshold, 0.8f, 0);
  /* Lowering to .4 would cost specificity and find nothing. */
  CHECK_NEAR(nsc_eval_choose_specificity(&c, 0.5).threshold, 0.5f, 0);
  CHECK_EQ(nsc_eval_curve_at(&c, 0.7f).tp, 3);
  CHECK_EQ(nsc_eval_curve_at(&c, 0.7f).fp, 1);
  CHECK_EQ(nsc_eval_curve_at(&c, 0.71f).tp, 2);
  CHECK_EQ(nsc_eval_curve_at(&c, 0).fp, 6);
  CHECK_EQ(nsc_eval_curve_at(&c, 2).tp, 0);
  nsc_eval_curve_drop(&c);
}

/* Three points on one line, in integers. */
static bool collinear(const nsc_eval_point *a, const nsc_eval_point *b, const nsc_eval_point *c) {
  int64_t x1 = (int64_t)b->fp - a->fp, y1 = (int64_t)b->tp - a->tp, x2 = (int64_t)c->fp - b->fp,
          y2 = (int64_t)c->tp - b->tp;
  return x1 * y2 == x2 * y1;
}

static double drawn_area(const nsc_eval_curve *c, const uint32_t *kept, uint32_t count) {
  double area = 0;
  for (uint32_t i = 1; i < count; i++) {
    const nsc_eval_point *a = &c->points[kept[i - 1]], *b = &c->points[kept[i]];
    area += ((double)b->fp - a->fp) * ((double)b->tp + a->tp) / 2;
  }
  return area / c->positives / c->negatives;
}

TEST(eval_reduced_curves_keep_corners) {
  enum { N = 20000, MOST = 500 };
  float *scores = malloc(N * sizeof *scores);
  uint8_t *truth = malloc(N);
  uint32_t *kept = malloc(N * sizeof *kept), count = 0;
  nsc_rng rng = nsc_rng_seeded(11);
  nsc_eval_curve c;
  for (int i = 0; i < N; i++) {
    truth[i] = nsc_rng_below(&rng, 4) == 0;
    scores[i] = (float)(nsc_rng_normal(&rng) + truth[i]);
  }
  /* Many corners: the drawn line stays close. */
  REQUIRE(nsc_eval_curve_make(scores, truth, N, &c, NULL) == NSC_OK);
  REQUIRE(nsc_eval_curve_reduce(&c, NSC_EVAL_ROC, MOST, kept, &count, NULL) == NSC_OK);
  CHECK(count <= MOST);
  CHECK_EQ(kept[0], 0);
  CHECK_EQ(kept[count - 1], c.count - 1);
  CHECK_NEAR(drawn_area(&c, kept, count), nsc_eval_curve_auc(&c), 1e-4);
  REQUIRE(nsc_eval_curve_reduce(&c, NSC_EVAL_PR, MOST, kept, &count, NULL) == NSC_OK);
  CHECK_EQ(count, MOST);
  nsc_eval_curve_drop(&c);
  /* Few corners, many points: each corner is kept and nothing else. */
  for (int i = 0; i < N; i++) {
    scores[i] = (float)i;
    truth[i] = (i / 100) % 2;
  }
  REQUIRE(nsc_eval_curve_make(scores, truth, N, &c, NULL) == NSC_OK);
  REQUIRE(nsc_eval_curve_reduce(&c, NSC_EVAL_ROC, MOST, kept, &count, NULL) == NSC_OK);
  uint32_t corners = 2;
  for (uint32_t i = 1; i + 1 < c.count; i++) {
    corners += !collinear(&c.points[i - 1], &c.points[i], &c.points[i + 1]);
  }
  CHECK_EQ(count, corners);
  CHECK_EQ(count, 201);
  for (uint32_t i = 1; i < count; i++) CHECK_EQ(kept[i], 100 * i);
  CHECK_NEAR(drawn_area(&c, kept, count), nsc_eval_curve_auc(&c), 1e-12);
  nsc_eval_curve_drop(&c);
  free(scores);
  free(truth);
  free(kept);
}
