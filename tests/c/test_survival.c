/* Curves of survival: Kaplan and Meier's, concordance and Brier's score against values by hand and plain loops. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/survival.h"
#include "eval/concordance.h"
#include "eval/survival.h"
#include "test.h"
#include "train/loss.h"
#include "train/survival.h"

/* ---- Kaplan and Meier ---- */

/* Weeks of remission under 6-mercaptopurine (Freireich et al., Blood 21, 1963), and the curve as textbooks print it. */
TEST(survival_kaplan_meier_is_the_published_one) {
  static const double times[] = {6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35};
  static const uint8_t events[] = {1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0};
  static const double published[][2] = {{5.9, 1},     {6, 0.8571},  {7, 0.8067},  {10, 0.7529}, {13, 0.6902},
                                        {16, 0.6275}, {22, 0.5378}, {23, 0.4482}, {35, 0.4482}};
  nsc_km km;
  nsc_error err = {0};
  REQUIRE(nsc_km_make(times, events, 21, false, &km, &err) == NSC_OK);
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    CHECK_NEAR(nsc_km_at(&km, published[i][0]), published[i][1], 5e-5);
  }
  CHECK_NEAR(nsc_km_before(&km, 6), 1, 0);
  CHECK_NEAR(nsc_km_before(&km, 7), 0.8571, 5e-5);
  /* Greenwood's error at week 10: 0.0963 in the same books. */
  const nsc_km_step *ten = nsc_km_find(&km, 10, false);
  CHECK_NEAR(ten->survival * sqrt(ten->greenwood), 0.0963, 5e-5);
  nsc_km_drop(&km);
}

/* At one time events come first: of four cases two have the event at 2, and one of the remaining two is censored. */
TEST(survival_censoring_comes_after_events) {
  static const double times[] = {2, 2, 2, 5};
  static const uint8_t events[] = {1, 1, 0, 0};
  nsc_km km;
  REQUIRE(nsc_km_make(times, events, 4, true, &km, NULL) == NSC_OK);
  CHECK_NEAR(nsc_km_at(&km, 2), 0.5, 1e-12);
  CHECK_NEAR(nsc_km_before(&km, 2), 1, 0);
  CHECK_NEAR(nsc_km_at(&km, 5), 0, 0);
  nsc_km_drop(&km);
}

TEST(survival_refuses_times_that_are_none) {
  const double negative[] = {1, -2}, infinite[] = {1, INFINITY};
  const uint8_t events[] = {1, 0}, unknown[] = {1, 2};
  const double good[] = {1, 2};
  nsc_km km;
  nsc_error err = {0};
  CHECK_EQ(nsc_km_make(negative, events, 2, false, &km, &err), NSC_ERROR_ARGUMENT);
  CHECK(strstr(err.text, "case 2") != NULL);
  CHECK_EQ(nsc_km_make(infinite, events, 2, false, &km, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_km_make(good, unknown, 2, false, &km, NULL), NSC_ERROR_ARGUMENT);
}

/* ---- curves ---- */

TEST(survival_curves_between_edges) {
  static const double edges[] = {0, 2, 6};
  static const float survival[] = {0.8f, 0.4f}, high[] = {0.9f, 0.6f};
  CHECK_NEAR(nsc_survival_at(edges, survival, 2, 0), 1, 0);
  CHECK_NEAR(nsc_survival_at(edges, survival, 2, 1), 0.9, 1e-7);
  CHECK_NEAR(nsc_survival_at(edges, survival, 2, 2), 0.8, 1e-7);
  CHECK_NEAR(nsc_survival_at(edges, survival, 2, 5), 0.5, 1e-7);
  CHECK_NEAR(nsc_survival_at(edges, survival, 2, 60), 0.4, 1e-7);
  CHECK_NEAR(nsc_survival_median(edges, survival, 2), 5, 1e-6);
  CHECK(isnan(nsc_survival_median(edges, high, 2)));
  CHECK_NEAR(nsc_survival_mean(edges, survival, 2), 0.9 * 2 + 0.6 * 4, 1e-6);
}

/* ---- bins and targets ---- */

TEST(survival_edges_are_quantiles_of_the_curve) {
  /* Eight events at 1 to 8 and none censored: the curve falls by an eighth a step, so a quarter of it is two events. */
  static const double times[] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const uint8_t all[] = {1, 1, 1, 1, 1, 1, 1, 1}, none[8] = {0};
  nsc_survival_spec spec = {0};
  nsc_error err = {0};
  REQUIRE(nsc_survival_choose_edges(times, all, 8, 4, &spec, &err) == NSC_OK);
  CHECK_EQ(spec.bins, 4);
  for (int k = 0; k <= 4; k++) CHECK_NEAR(spec.edges[k], 2 * k, 0);
  static const double same[] = {3, 3, 3, 9};
  REQUIRE(nsc_survival_choose_edges(same, all, 4, 10, &spec, &err) == NSC_OK);
  CHECK_EQ(spec.bins, 2); /* as many as there are times of events */
  CHECK_NEAR(spec.edges[1], 3, 0);
  CHECK_NEAR(spec.edges[2], 9, 0);
  CHECK_EQ(nsc_survival_choose_edges(times, none, 8, 4, &spec, &err), NSC_ERROR_ARGUMENT);
  static const double falling[] = {0, 5, 4}, late[] = {1, 5};
  CHECK_EQ(nsc_survival_take_edges(falling, 3, &spec, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_survival_take_edges(late, 2, &spec, NULL), NSC_ERROR_ARGUMENT);
}

static void check_targets(double time, bool event, float a, float b, float c) {
  static const double edges[] = {0, 2, 4, 8};
  nsc_survival_spec spec = {0};
  float t[3];
  const nsc_outcome outcome = {.time = time, .event = event};
  REQUIRE(nsc_survival_take_edges(edges, 4, &spec, NULL) == NSC_OK);
  nsc_survival_targets(&spec, &outcome, t);
  if (t[0] != a || t[1] != b || t[2] != c) {
    test_failed(__FILE__, __LINE__, "time %g event %d: %g %g %g", time, event, (double)t[0], (double)t[1],
                (double)t[2]);
  }
}

TEST(survival_targets_of_events_and_of_censored_cases) {
  check_targets(3, true, 0, 1, -1);
  check_targets(2, true, 1, -1, -1); /* an edge belongs to the bin before it */
  check_targets(0, true, 1, -1, -1);
  check_targets(8, true, 0, 0, 1);
  check_targets(9, true, 0, 0, 0); /* behind the last edge nothing happened within */
  check_targets(0.9, false, -1, -1, -1);
  check_targets(1, false, 0, -1, -1); /* half of the bin counts as all of it */
  check_targets(2.9, false, 0, -1, -1);
  check_targets(6, false, 0, 0, 0);
}

/* ---- loss ---- */

TEST(survival_loss_is_the_likelihood) {
  /* Survived the first bin, event in the second: -log((1 - h1) h2). */
  const float z[] = {-1, 0.5f, 2}, targets[] = {0, 1, -1};
  nsc_loss loss = {.kind = NSC_LOSS_HAZARDS};
  double h1 = 1 / (1 + exp(1.0)), h2 = 1 / (1 + exp(-0.5));
  CHECK_NEAR(nsc_loss_compute(&loss, z, targets, 1, 3, NULL), -log((1 - h1) * h2), 1e-7);
}

TEST(survival_loss_gradient_is_that_of_its_differences) {
  enum { N = 5, BINS = 4 };
  nsc_rng rng = nsc_rng_seeded(4);
  nsc_loss loss = {.kind = NSC_LOSS_HAZARDS};
  float z[N * BINS], targets[N * BINS], g[N * BINS];
  for (int i = 0; i < N * BINS; i++) {
    z[i] = (float)nsc_rng_normal(&rng) * 3;
    targets[i] = (float)nsc_rng_below(&rng, 3) - 1;
  }
  (void)nsc_loss_compute(&loss, z, targets, N, BINS, g);
  for (int i = 0; i < N * BINS; i++) {
    const float was = z[i], step = 1e-2f;
    z[i] = was + step;
    double up = nsc_loss_compute(&loss, z, targets, N, BINS, NULL);
    z[i] = was - step;
    double down = nsc_loss_compute(&loss, z, targets, N, BINS, NULL);
    z[i] = was;
    CHECK_NEAR((double)g[i], (up - down) / (2 * (double)step), 2e-5);
  }
}

/* ---- concordance ---- */

/* Of every two cases: whether it is known who was first, and whether the scores say so. */
static double plain_concordance(const nsc_eval_survival_data *d, const double *scores, const uint32_t *weights) {
  double all = 0, right = 0;
  for (size_t i = 0; i < d->count; i++) {
    for (size_t j = 0; j < d->count; j++) {
      bool known = d->events[i] && (d->times[j] > d->times[i] || (d->times[j] == d->times[i] && !d->events[j]));
      if (!known) continue;
      double w = weights ? (double)weights[i] * weights[j] : 1;
      all += w;
      right += w * (scores[i] < scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0);
    }
  }
  return right / all;
}

TEST(survival_concordance_by_hand) {
  /* Pairs that can be compared: (1,2), (1,3), (1,4), (3,4). Scores put 1 first, tie 3 and 4. */
  static const double times[] = {1, 2, 3, 4}, scores[] = {1, 5, 2, 2};
  static const uint8_t events[] = {1, 0, 1, 0};
  const nsc_eval_survival_data d = {.count = 4, .times = times, .events = events};
  nsc_concordance c;
  double pairs;
  REQUIRE(nsc_concordance_make(&d, scores, &c, NULL) == NSC_OK);
  CHECK_NEAR(nsc_concordance_harrell(&c, NULL, &pairs), 3.5 / 4, 1e-12);
  CHECK_NEAR(pairs, 4, 0);
  nsc_concordance_drop(&c);
}

TEST(survival_concordance_is_that_of_a_plain_loop) {
  enum { N = 60 };
  nsc_rng rng = nsc_rng_seeded(8);
  double times[N], scores[N];
  uint8_t events[N];
  uint32_t weights[N];
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < N; i++) { /* few values: many ties */
      times[i] = nsc_rng_below(&rng, 12);
      scores[i] = nsc_rng_below(&rng, 9);
      events[i] = (uint8_t)nsc_rng_below(&rng, 2);
      weights[i] = nsc_rng_below(&rng, 4);
    }
    const nsc_eval_survival_data d = {.count = N, .times = times, .events = events};
    nsc_concordance c;
    REQUIRE(nsc_concordance_make(&d, scores, &c, NULL) == NSC_OK);
    CHECK_NEAR(nsc_concordance_harrell(&c, NULL, NULL), plain_concordance(&d, scores, NULL), 1e-12);
    CHECK_NEAR(nsc_concordance_harrell(&c, weights, NULL), plain_concordance(&d, scores, weights), 1e-12);
    nsc_concordance_drop(&c);
  }
}

/* ---- the report ---- */

TEST(survival_report_by_hand) {
  /*
   * Times 1 (event), 2 (censored), 3 (event), 4 (censored); edges 0, 2, 4. Not being censored: 1 up to 2, there 2/3
   * (of three at risk one is censored), and at 4 none is left.
   *   Brier at 2: case 1 had the event before: S(2)^2 / G(1-) = 0.5^2; case 2 is neither; cases 3 and 4 lived beyond:
   *   ((1 - 0.7)^2 + (1 - 0.9)^2) / G(2) = 0.10 / (2/3) = 0.15. Mean of four: 0.4 / 4 = 0.1.
   *   Brier at 4: case 1: 0.2^2 / 1; case 3: 0.4^2 / G(3-) = 0.16 / (2/3) = 0.24; case 4 is neither. 0.28 / 4 = 0.07.
   *   Mean over time by trapezoids: (0.1 / 2 * 2 + (0.1 + 0.07) / 2 * 2) / 4 = 0.0675.
   *   Kaplan and Meier: 0.75 at 1, 0.375 at 3.
   */
  static const double times[] = {1, 2, 3, 4}, edges[] = {0, 2, 4};
  static const uint8_t events[] = {1, 0, 1, 0};
  static const float survival[] = {0.5f, 0.2f, 0.8f, 0.6f, 0.7f, 0.4f, 0.9f, 0.8f};
  const nsc_eval_survival_data d = {
      .count = 4, .times = times, .events = events, .bins = 2, .edges = edges, .survival = survival, .unit = "months"};
  const nsc_eval_options o = {.replicates = 200, .seed = 1};
  nsc_eval_survival_report *r;
  nsc_error err = {0};
  char *text;
  REQUIRE(nsc_eval_survival_run(&d, &o, &r, &err) == NSC_OK);
  CHECK_NEAR(r->points[0].brier, 0.1, 1e-6);
  CHECK_NEAR(r->points[1].brier, 0.07, 1e-6);
  CHECK_NEAR(r->integrated, 0.0675, 1e-6);
  CHECK_NEAR(r->points[0].seen, 0.75, 1e-12);
  CHECK_NEAR(r->points[1].seen, 0.375, 1e-12);
  CHECK_NEAR(r->points[0].predicted, (0.5 + 0.8 + 0.7 + 0.9) / 4, 1e-7);
  /* At 2 with 0.75 for all: (0.75^2 / 1 + 2 * 0.25^2 / (2/3)) / 4. */
  CHECK_NEAR(r->points[0].brier_of_seen, (0.5625 + 0.1875) / 4, 1e-12);
  CHECK_EQ(r->points[0].at_risk, 2);
  CHECK_EQ(r->pairs, 4);
  CHECK_NEAR(r->harrell.value, 1, 0);
  CHECK_NEAR(r->antolini.value, 1, 0);
  CHECK(r->harrell.bootstrap.low <= 1 && r->harrell.bootstrap.high <= 1);
  REQUIRE(nsc_eval_survival_json(r, &text, &err) == NSC_OK);
  CHECK(strstr(text, "\"unit\":\"months\"") != NULL);
  CHECK(strstr(text, "\"pairs\":4") != NULL);
  nsc_text_free(text);
  REQUIRE(nsc_eval_survival_csv(r, &text, &err) == NSC_OK);
  CHECK(strstr(text, "brier,2,0.1") != NULL);
  nsc_text_free(text);
  REQUIRE(nsc_eval_survival_html(r, NULL, &text, &err) == NSC_OK);
  CHECK(strstr(text, "4 with 2 events, 4 pairs") != NULL);
  CHECK(strstr(text, "</html>") != NULL);
  nsc_text_free(text);
  REQUIRE(nsc_eval_survival_text(r, &text, &err) == NSC_OK);
  CHECK(strstr(text, "Harrell's C") != NULL);
  nsc_text_free(text);
  nsc_eval_survival_free(r);
}

TEST(survival_report_says_what_is_not_defined) {
  static const double times[] = {1, 2}, edges[] = {0, 5};
  static const uint8_t none[] = {0, 0};
  static const float survival[] = {0.5f, 0.6f}, rising[] = {0.5f, 1.5f};
  nsc_eval_survival_data d = {
      .count = 2, .times = times, .events = none, .bins = 1, .edges = edges, .survival = survival};
  nsc_eval_survival_report *r;
  nsc_error err = {0};
  char *text;
  REQUIRE(nsc_eval_survival_run(&d, NULL, &r, &err) == NSC_OK);
  CHECK(isnan(r->harrell.value));
  CHECK_EQ(r->harrell.reason, NSC_EVAL_NO_PAIRS);
  CHECK(isnan(r->points[0].brier)); /* nobody was followed up to 5 */
  CHECK(isnan(r->integrated));
  REQUIRE(nsc_eval_survival_json(r, &text, &err) == NSC_OK);
  CHECK(strstr(text, "\"integrated\":null") != NULL);
  nsc_text_free(text);
  REQUIRE(nsc_eval_survival_html(r, NULL, &text, &err) == NSC_OK);
  CHECK(strstr(text, "nan") == NULL);
  nsc_text_free(text);
  nsc_eval_survival_free(r);
  d.survival = rising;
  CHECK_EQ(nsc_eval_survival_run(&d, NULL, &r, &err), NSC_ERROR_ARGUMENT);
  CHECK(strstr(err.text, "case 2") != NULL);
  d.count = 0;
  CHECK_EQ(nsc_eval_survival_run(&d, NULL, &r, NULL), NSC_ERROR_ARGUMENT);
}
