/* The bootstrap, temperature on known truth, and what is written. */
#include <stdlib.h>

#include "base/json.h"
#include "base/rng.h"
#include "eval/eval.h"
#include "test.h"

enum { N = 400, LABELS = 3 };

typedef struct cases {
  float logits[N * LABELS], scores[N * LABELS];
  int32_t truth[N];
  uint8_t truths[N * LABELS];
} cases;

/* Truth is drawn from softmax(logits), so scores of these logits are calibrated; `sharper` spoils that. */
static cases *draw_cases(uint64_t seed, double sharper) {
  cases *c = calloc(1, sizeof *c);
  nsc_rng rng = nsc_rng_seeded(seed);
  for (int i = 0; i < N; i++) {
    double p[LABELS], total = 0, wrong = 0, u = nsc_rng_double(&rng);
    for (int k = 0; k < LABELS; k++) {
      double z = 1.5 * nsc_rng_normal(&rng);
      total += p[k] = exp(z);
      c->logits[i * LABELS + k] = (float)(sharper * z);
    }
    for (int k = 0; k < LABELS; k++) wrong += exp((double)c->logits[i * LABELS + k]);
    for (int k = 0; k < LABELS; k++) {
      c->scores[i * LABELS + k] = (float)(exp((double)c->logits[i * LABELS + k]) / wrong);
    }
    while (c->truth[i] < LABELS - 1 && u >= p[c->truth[i]] / total) u -= p[c->truth[i]++] / total;
    c->truths[i * LABELS + c->truth[i]] = 1;
  }
  return c;
}

static nsc_eval_data single_of(const cases *c) {
  return (nsc_eval_data){.task = NSC_TASK_SINGLE, .count = N, .labels = LABELS, .scores = c->scores, .truth = c->truth};
}

TEST(eval_temperature_finds_the_truth) {
  cases *c = draw_cases(5, 3);
  nsc_eval_data data = single_of(c);
  nsc_eval_temperature of_scores, of_logits, after;
  REQUIRE(nsc_eval_fit_temperature(&data, false, &of_scores, NULL) == NSC_OK);
  data.scores = c->logits;
  REQUIRE(nsc_eval_fit_temperature(&data, true, &of_logits, NULL) == NSC_OK);
  CHECK_NEAR(of_scores.temperature, 3, 0.5);
  CHECK_NEAR(of_scores.temperature, of_logits.temperature, 1e-3);
  CHECK(of_scores.loss_after < of_scores.loss_before);
  /* Scaled scores need no scaling. */
  data.scores = c->scores;
  REQUIRE(nsc_eval_apply_temperature(data.task, c->scores, N, LABELS, of_scores.temperature, NULL) == NSC_OK);
  REQUIRE(nsc_eval_fit_temperature(&data, false, &after, NULL) == NSC_OK);
  CHECK_NEAR(after.temperature, 1, 1e-4);
  CHECK_NEAR(after.loss_before, of_scores.loss_after, 1e-5);
  /* Log odds of probabilities that are calibrated: slope -1, offset 0. */
  float odds[N];
  uint8_t first[N];
  for (int i = 0; i < N; i++) {
    odds[i] = (float)nsc_eval_log_odds((double)c->scores[i * LABELS]);
    first[i] = c->truths[i * LABELS];
  }
  nsc_eval_platt platt;
  REQUIRE(nsc_eval_fit_platt(odds, first, N, &platt, NULL) == NSC_OK);
  CHECK_NEAR(platt.slope, -1, 0.3);
  CHECK_NEAR(platt.offset, 0, 0.4);
  free(c);
}

TEST(eval_bootstrap_agrees_with_theory) {
  cases *c = draw_cases(6, 1);
  const nsc_eval_data data = single_of(c);
  nsc_eval_options options = {.replicates = 1000, .seed = 9};
  nsc_eval_report *r = NULL, *again = NULL, *stratified = NULL;
  REQUIRE(nsc_eval_run(&data, &options, &r, NULL) == NSC_OK);
  REQUIRE(nsc_eval_run(&data, &options, &again, NULL) == NSC_OK);
  options.stratified = true;
  REQUIRE(nsc_eval_run(&data, &options, &stratified, NULL) == NSC_OK);
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    if (r->overall[i].reason) continue;
    CHECK_NEAR(r->overall[i].bootstrap.low, again->overall[i].bootstrap.low, 0);
    CHECK_NEAR(r->macro[i].bootstrap.high, again->macro[i].bootstrap.high, 0);
    /* Drawing with replacement makes calibration look worse; other metrics lie within their intervals. */
    if (i == NSC_EVAL_ECE || i == NSC_EVAL_MCE) continue;
    CHECK(r->overall[i].bootstrap.low < r->overall[i].value && r->overall[i].value < r->overall[i].bootstrap.high);
  }
  for (int k = 0; k < LABELS; k++) {
    const nsc_eval_value *auc = &r->classes[k].values[NSC_EVAL_AUC], *hit = &r->classes[k].values[NSC_EVAL_SENSITIVITY];
    CHECK_NEAR(auc->bootstrap.low, auc->interval.low, 0.012);
    CHECK_NEAR(auc->bootstrap.high, auc->interval.high, 0.012);
    CHECK_NEAR(hit->bootstrap.low, hit->interval.low, 0.03);
    CHECK_NEAR(hit->bootstrap.high, hit->interval.high, 0.03);
    /* Prevalence is fixed, so the share of right calls within a class varies as before, but nothing else of it does. */
    CHECK_NEAR(stratified->classes[k].values[NSC_EVAL_SENSITIVITY].bootstrap.low, hit->interval.low, 0.03);
  }
  CHECK(r->overall[NSC_EVAL_ACCURACY].bootstrap.low != stratified->overall[NSC_EVAL_ACCURACY].bootstrap.low);
  nsc_eval_report_free(r);
  nsc_eval_report_free(again);
  nsc_eval_report_free(stratified);
  free(c);
}

TEST(eval_bootstrap_multi) {
  cases *c = draw_cases(7, 1);
  const nsc_eval_data data = {
      .task = NSC_TASK_MULTI, .count = 60, .labels = LABELS, .scores = c->scores, .truths = c->truths};
  const nsc_eval_options options = {.replicates = 50, .stratified = true};
  nsc_eval_report *r = NULL;
  REQUIRE(nsc_eval_run(&data, &options, &r, NULL) == NSC_OK);
  /* One true label a case, so strata are the labels and each replicate has the data's prevalences. */
  CHECK(!isnan(r->overall[NSC_EVAL_ACCURACY].bootstrap.low));
  CHECK(r->classes[0].values[NSC_EVAL_AUC].bootstrap.low < r->classes[0].values[NSC_EVAL_AUC].value);
  nsc_eval_report_free(r);
  /* A class with a single case is missing in a third of all replicates, and then has no sensitivity. */
  const float scores[] = {.9f, .4f, .3f, .2f, .1f};
  const uint8_t one[] = {1, 0, 0, 0, 0};
  const nsc_eval_data rare = {.task = NSC_TASK_MULTI, .count = 5, .labels = 1, .scores = scores, .truths = one};
  const nsc_eval_options plain = {.replicates = 200};
  REQUIRE(nsc_eval_run(&rare, &plain, &r, NULL) == NSC_OK);
  CHECK_NEAR(r->classes[0].values[NSC_EVAL_SENSITIVITY].bootstrap.low, 1, 0);
  CHECK_EQ(r->classes[0].values[NSC_EVAL_AUC].no_interval, NSC_EVAL_TOO_FEW);
  nsc_eval_report_free(r);
  free(c);
}

static const nsc_json_value *at(const nsc_json_value *v, uint32_t index) {
  for (v = nsc_json_first(v); index--;) v = nsc_json_next(v);
  return v;
}

TEST(eval_writes_json) {
  cases *c = draw_cases(8, 1);
  const char *const names[] = {"normal", "a \"quoted\", name", "Ödem"};
  nsc_eval_data data = single_of(c);
  data.names = names;
  const nsc_eval_options options = {.replicates = 20, .seed = UINT64_MAX, .curve_points = 40};
  nsc_eval_report *r = NULL;
  REQUIRE(nsc_eval_run(&data, &options, &r, NULL) == NSC_OK);
  char *text = NULL;
  nsc_json json;
  nsc_error err = {0};
  REQUIRE(nsc_eval_json(r, &text, NULL) == NSC_OK);
  CHECK_EQ(nsc_json_parse(text, strlen(text), &json, &err), NSC_OK);
  CHECK_STR(err.text, "");
  const nsc_json_value *root = json.values, *class = at(nsc_json_get(root, "classes"), 1);
  CHECK_STR(nsc_json_get(root, "task")->string, "single");
  CHECK_STR(nsc_json_get(nsc_json_get(root, "bootstrap"), "seed")->string, "18446744073709551615");
  CHECK_STR(nsc_json_get(class, "name")->string, names[1]);
  const nsc_json_value *auc = nsc_json_get(nsc_json_get(class, "metrics"), "auc");
  CHECK_NEAR(nsc_json_get(auc, "value")->number, r->classes[1].values[NSC_EVAL_AUC].value, 0);
  CHECK_NEAR(at(nsc_json_get(auc, "bootstrap"), 1)->number, r->classes[1].values[NSC_EVAL_AUC].bootstrap.high, 0);
  CHECK_EQ(nsc_json_get(class, "roc")->count, 40);
  CHECK_EQ(at(at(nsc_json_get(class, "roc"), 0), 2)->kind, NSC_JSON_NULL);
  CHECK_EQ(nsc_json_get(class, "sweep")->count, 21);
  CHECK_EQ(nsc_json_get(nsc_json_get(class, "calibration"), "equalMass")->count, 10);
  CHECK_EQ(nsc_json_get(root, "bestLabelCalibration")->count, 10);
  CHECK_NEAR(at(at(nsc_json_get(root, "confusion"), 2), 1)->number, (double)r->confusion[2 * LABELS + 1], 0);
  nsc_json_drop(&json);
  nsc_text_free(text);
  REQUIRE(nsc_eval_csv(r, &text, NULL) == NSC_OK);
  CHECK_HAS(text, "group,class,metric,value,low,high,bootstrap_low,bootstrap_high,reason\r\n");
  CHECK_HAS(text, "\r\nclass,\"a \"\"quoted\"\", name\",sensitivity,0.");
  CHECK_HAS(text, "\r\noverall,,auc,,,,,,defined for single classes; see their means\r\n");
  uint32_t lines = 0;
  for (const char *p = text; *p; p++) lines += *p == '\n';
  CHECK_EQ(lines, 1 + (3 + LABELS) * NSC_EVAL_METRIC_COUNT);
  nsc_text_free(text);
  nsc_eval_report_free(r);
  free(c);
}

TEST(eval_writes_text) {
  const float scores[] = {.7f, .3f, .6f, .4f, .2f, .8f, .55f, .45f, .1f, .9f};
  const int32_t truth[] = {0, 0, 1, 1, 1};
  const char *const names[] = {"absent", "present"};
  const nsc_eval_data data = {
      .task = NSC_TASK_BINARY, .count = 5, .labels = 2, .scores = scores, .truth = truth, .names = names};
  nsc_eval_report *r = NULL;
  REQUIRE(nsc_eval_run(&data, NULL, &r, NULL) == NSC_OK);
  char *text = NULL;
  REQUIRE(nsc_eval_text(r, &text, NULL) == NSC_OK);
  CHECK_HAS(text, "5 cases, 2 labels\n");
  CHECK_HAS(text, "  sensitivity (recall)           0.667   0.208 to 0.939\n");
  CHECK_HAS(text, "  Youden                         0.450   1.000   1.000   1.000\n");
  CHECK_HAS(text, "present                      1          2\n");
  CHECK(!strstr(text, " \n"));
  nsc_text_free(text);
  nsc_eval_report_free(r);
}
