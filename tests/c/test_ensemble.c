/* Several models on one picture: labels by name, votes, and weights learnt from labelled pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "onnx_builder.h"
#include "pipeline/stack.h"
#include "test.h"

enum { SIDE = 4 };

typedef struct member {
  const char *name, *labels, *task;
  uint32_t outputs;
  float weights[3], biases[3]; /* of the mean of the picture, 0 to 1 */
  nsc_model *model;
  nsc_classifier *classifier;
} member;

static void open_member(member *m) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  const int64_t n = m->outputs;
  nsc_error err = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){1, n});
  onnx_floats(&b, "w", 2, (const int64_t[]){n, 1}, m->weights);
  onnx_floats(&b, "b", 1, &n, m->biases);
  onnx_node(&b, "GlobalAveragePool", "x", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "f w b", "y", &a);
  onnx_metadata(&b, "nsc.input", "{\"width\":4,\"height\":4,\"channels\":1}");
  onnx_metadata(&b, "nsc.name", m->name);
  onnx_metadata(&b, "nsc.labels", m->labels);
  onnx_metadata(&b, "nsc.task", m->task);
  onnx_metadata(&b, "nsc.output", "logits");
  m->model = onnx_model(&b);
  if (m->model && nsc_classifier_create(m->model, NULL, &m->classifier, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
}

static void close_member(member *m) {
  nsc_classifier_free(m->classifier);
  nsc_model_free(m->model);
}

static nsc_status ask(nsc_ensemble *e, const member *m, uint8_t grey, nsc_error *err) {
  nsc_image *image = grey_image(grey);
  nsc_status status = nsc_ensemble_ask(e, m->classifier, image, 0, NULL, err);
  nsc_image_free(image);
  return status;
}

#define THREE .task = "single", .outputs = 3, .weights = {1, -2, 3}, .biases = {0, 0.5f, -1}

TEST(ensemble_matches_labels_by_name) {
  member first = {.name = "abc", .labels = "[\"a\",\"b\",\"c\"]", THREE};
  member second = {.name = "cab", .labels = "[\"c\",\"a\",\"b\"]", THREE};
  nsc_ensemble *e;
  nsc_ensemble_result all;
  nsc_error err = {0};
  nsc_result r;
  char *json;
  open_member(&first), open_member(&second);
  nsc_image *image = grey_image(255);
  REQUIRE(nsc_classifier_run(first.classifier, image, 0, NULL, &r, &err) ==
          NSC_OK); /* the second: c, a, b have these */
  nsc_image_free(image);
  const double own[3] = {r.scores[0], r.scores[1], r.scores[2]}, other[3] = {own[1], own[2], own[0]};
  REQUIRE(nsc_ensemble_create(NSC_COMBINE_AVERAGE, NULL, &e, &err) == NSC_OK);
  REQUIRE(ask(e, &first, 255, &err) == NSC_OK);
  CHECK_EQ(nsc_ensemble_combine(e, &all, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  REQUIRE(ask(e, &second, 255, &err) == NSC_OK && nsc_ensemble_combine(e, &all, &err) == NSC_OK);
  for (int k = 0; k < 3; k++) {
    CHECK_NEAR(all.scores[k], (own[k] + other[k]) / 2, 1e-6);
    CHECK_NEAR(all.deviation[k], fabs(own[k] - other[k]) / 2, 1e-6);
    CHECK_NEAR(all.lowest[k], fmin(own[k], other[k]), 1e-6);
    CHECK_NEAR(all.highest[k], fmax(own[k], other[k]), 1e-6);
    CHECK_NEAR(all.member_scores[3 + k], other[k], 1e-6);
  }
  CHECK_EQ(all.verdicts[0], 2);
  CHECK_EQ(all.verdicts[1], 1); /* its third label is b */
  REQUIRE(nsc_ensemble_json(&all, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"combine\":\"average\",\"members\":[{\"name\":\"abc\",\"scores\":{\"a\":");
  CHECK_HAS(json, "\"votes\":{\"a\":0,\"b\":1,\"c\":1}");
  nsc_text_free(json);
  nsc_ensemble_free(e);
  close_member(&first), close_member(&second);
}

TEST(ensemble_votes) {
  member members[3] = {
      {.name = "low", .labels = "[\"no\",\"yes\"]", .task = "binary", .outputs = 1, .weights = {8}, .biases = {-2}},
      {.name = "middle", .labels = "[\"no\",\"yes\"]", .task = "binary", .outputs = 1, .weights = {8}, .biases = {-4}},
      {.name = "high", .labels = "[\"no\",\"yes\"]", .task = "binary", .outputs = 1, .weights = {8}, .biases = {-6}}};
  nsc_ensemble *e;
  nsc_error err = {0};
  REQUIRE(nsc_ensemble_create(NSC_COMBINE_VOTE, NULL, &e, &err) == NSC_OK);
  for (int m = 0; m < 3; m++) open_member(&members[m]);
  for (int grey = 20; grey < 255; grey += 45) {
    nsc_ensemble_result all;
    uint32_t yes = (grey > 63) + (grey > 127) + (grey > 191);
    nsc_ensemble_next(e);
    for (int m = 0; m < 3; m++) REQUIRE(ask(e, &members[m], (uint8_t)grey, &err) == NSC_OK);
    REQUIRE(nsc_ensemble_combine(e, &all, &err) == NSC_OK);
    CHECK_EQ(all.votes[1], yes);
    CHECK_NEAR(all.scores[1], yes / 3.0, 1e-6);
    CHECK_EQ(all.verdict, yes >= 2);
  }
  nsc_ensemble_free(e);
  for (int m = 0; m < 3; m++) close_member(&members[m]);
}

TEST(ensemble_refuses_strangers) {
  member members[3] = {{.name = "1", .labels = "[\"a\",\"b\",\"c\"]", THREE},
                       {.name = "2", .labels = "[\"a\",\"b\",\"d\"]", THREE},
                       {.name = "3", .labels = "[\"a\",\"b\",\"c\"]", THREE}};
  nsc_ensemble *e;
  nsc_error err = {0};
  members[2].task = "multi";
  for (int m = 0; m < 3; m++) open_member(&members[m]);
  REQUIRE(nsc_ensemble_create(NSC_COMBINE_AVERAGE, NULL, &e, &err) == NSC_OK);
  REQUIRE(ask(e, &members[0], 9, &err) == NSC_OK);
  CHECK_EQ(ask(e, &members[1], 9, &err), NSC_ERROR_RECIPE);
  CHECK_HAS(err.text, "does not know \"c\"");
  err = (nsc_error){0};
  CHECK_EQ(ask(e, &members[2], 9, &err), NSC_ERROR_RECIPE);
  CHECK_HAS(err.text, "another task");
  CHECK_EQ(nsc_ensemble_create(NSC_COMBINE_STACK, NULL, &e, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  nsc_ensemble_free(e);
  for (int m = 0; m < 3; m++) close_member(&members[m]);
}

/* ---- learning ---- */

static double sigmoid(double z) {
  return 1 / (1 + exp(-z));
}

/* A member that knows, one that exaggerates threefold, one that guesses: only what the first two know counts, and
 * together they have the weights that give the true odds back. */
TEST(stack_hears_those_that_know) {
  enum { CASES = 4000, MEMBERS = 3 };
  float *scores = malloc(CASES * MEMBERS * sizeof *scores);
  uint8_t truth[CASES];
  nsc_rng rng = nsc_rng_seeded(11);
  nsc_error err = {0};
  float weights[MEMBERS], bias;
  nsc_stack s = {.members = MEMBERS, .columns = 1, .weights = weights, .bias = &bias};
  REQUIRE(scores);
  for (int i = 0; i < CASES; i++) {
    double odds = 2 * nsc_rng_normal(&rng);
    truth[i] = nsc_rng_float(&rng) < (float)sigmoid(odds);
    scores[i * MEMBERS] = (float)sigmoid(odds);
    scores[i * MEMBERS + 1] = (float)sigmoid(3 * odds);
    scores[i * MEMBERS + 2] = (float)sigmoid(2 * nsc_rng_normal(&rng));
  }
  const nsc_stack_cases cases = {CASES, scores, truth};
  double loss, best = 0;
  REQUIRE(nsc_stack_fit(&cases, -1, &s, &err) == NSC_OK && nsc_stack_loss(&cases, -1, &s, &loss, &err) == NSC_OK);
  CHECK_NEAR(weights[0] + 3 * weights[1], 1, 0.07);
  CHECK(weights[2] >= 0 && weights[2] < 0.05f);
  CHECK_NEAR(bias, 0, 0.1);
  for (int i = 0; i < CASES; i++) {
    double p = (double)scores[i * MEMBERS];
    best -= log(truth[i] ? p : 1 - p) / CASES;
  }
  CHECK_NEAR(loss, best, 0.003);
  free(scores);
}

/* Three labels that exclude each other; the member puts the first too low, which the bias mends. */
TEST(stack_mends_a_bias) {
  enum { CASES = 3000, COLUMNS = 3 };
  float *scores = malloc(2 * CASES * COLUMNS * sizeof *scores);
  uint8_t *truth = calloc(CASES, COLUMNS);
  nsc_rng rng = nsc_rng_seeded(5);
  nsc_error err = {0};
  float weights[2], bias[COLUMNS];
  nsc_stack s = {.members = 2, .columns = COLUMNS, .softmax = true, .weights = weights, .bias = bias};
  REQUIRE(scores && truth);
  for (int i = 0; i < CASES; i++) {
    double e[COLUMNS], wrong[COLUMNS], sum = 0, other = 0, u = (double)nsc_rng_float(&rng);
    for (int k = 0; k < COLUMNS; k++) {
      e[k] = exp(1.5 * nsc_rng_normal(&rng));
      wrong[k] = k ? e[k] : e[k] * exp(-1);
      sum += e[k], other += wrong[k];
    }
    int label = 0;
    while (label < COLUMNS - 1 && u > e[label] / sum) u -= e[label++] / sum;
    truth[i * COLUMNS + label] = 1;
    /* Both say the same: then each counts for a half. */
    for (int k = 0; k < COLUMNS; k++) {
      scores[2 * i * COLUMNS + k] = scores[(2 * i + 1) * COLUMNS + k] = (float)(wrong[k] / other);
    }
  }
  const nsc_stack_cases cases = {CASES, scores, truth};
  REQUIRE(nsc_stack_fit(&cases, -1, &s, &err) == NSC_OK);
  CHECK_NEAR(weights[0], weights[1], 1e-5);
  CHECK_NEAR(weights[0] + weights[1], 1, 0.07);
  CHECK_NEAR(bias[0] - bias[1], 1, 0.12);
  CHECK_NEAR(bias[2] - bias[1], 0, 0.12);
  free(scores), free(truth);
}

/* Two models of which one knows the truth: learnt, written, read, and used. */
TEST(ensemble_learns_and_stacks) {
  member knows = {
      .name = "knows", .labels = "[\"no\",\"yes\"]", .task = "binary", .outputs = 1, .weights = {8}, .biases = {-4}};
  member turned = {.name = "guesses",
                   .labels = "[\"no\",\"yes\"]",
                   .task = "binary",
                   .outputs = 1,
                   .weights = {-1},
                   .biases = {0.3f}};
  nsc_ensemble *e, *used;
  nsc_ensemble_result all;
  nsc_error err = {0};
  nsc_rng rng = nsc_rng_seeded(2);
  nsc_json parsed;
  char *json;
  open_member(&knows), open_member(&turned);
  REQUIRE(nsc_ensemble_create(NSC_COMBINE_AVERAGE, NULL, &e, &err) == NSC_OK);
  for (int i = 0; i < 400; i++) {
    uint8_t grey = (uint8_t)(255 * nsc_rng_float(&rng));
    bool yes = nsc_rng_float(&rng) < (float)sigmoid(8 * grey / 255.0 - 4);
    nsc_ensemble_next(e);
    REQUIRE(ask(e, &knows, grey, &err) == NSC_OK && ask(e, &turned, grey, &err) == NSC_OK);
    REQUIRE(nsc_ensemble_learn(e, (const uint8_t[]){!yes, yes}, &err) == NSC_OK);
    if (i == 20) CHECK_EQ(nsc_ensemble_fit(e, &json, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  }
  REQUIRE(nsc_ensemble_fit(e, &json, &err) == NSC_OK);
  REQUIRE(nsc_json_parse(json, strlen(json), &parsed, &err) == NSC_OK);
  const nsc_json_value *root = &parsed.values[0], *loss = nsc_json_get(root, "logLoss");
  const nsc_json_value *weight = nsc_json_first(nsc_json_get(root, "weights"));
  CHECK_NEAR(weight->number, 1, 0.3);
  CHECK_EQ(nsc_json_number_of(root, "pictures"), 400);
  CHECK(nsc_json_number_of(loss, "stack") < nsc_json_number_of(loss, "average") - 0.02);
  CHECK(nsc_json_number_of(loss, "held") >= nsc_json_number_of(loss, "stack") - 0.01);
  CHECK_NEAR(nsc_json_number_of(loss, "held"), nsc_json_first(nsc_json_get(loss, "members"))->number, 0.03);

  REQUIRE(nsc_ensemble_create(NSC_COMBINE_STACK, json, &used, &err) == NSC_OK);
  REQUIRE(ask(used, &knows, 200, &err) == NSC_OK);
  CHECK_EQ(nsc_ensemble_combine(used, &all, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  REQUIRE(ask(used, &turned, 200, &err) == NSC_OK && nsc_ensemble_combine(used, &all, &err) == NSC_OK);
  double z = nsc_json_first(nsc_json_get(root, "bias"))->number + weight->number * (8 * 200 / 255.0 - 4) +
             nsc_json_next(weight)->number * (-200 / 255.0 + 0.3);
  CHECK_NEAR(all.scores[1], sigmoid(z), 1e-4);
  CHECK_NEAR(all.scores[0] + all.scores[1], 1, 1e-6);
  CHECK_EQ(all.verdict, all.scores[1] >= all.thresholds[1]);
  CHECK_EQ(ask(used, &knows, 200, &(nsc_error){0}), NSC_ERROR_RECIPE); /* a third one */
  nsc_ensemble_next(used);
  CHECK_EQ(ask(used, &turned, 200, &err), NSC_ERROR_RECIPE);
  CHECK_HAS(err.text, "was \"knows\", and is \"guesses\"");
  nsc_json_drop(&parsed);
  nsc_text_free(json);
  nsc_ensemble_free(used);
  nsc_ensemble_free(e);
  close_member(&knows), close_member(&turned);
}

TEST(ensemble_refuses_other_json) {
  static const char *const texts[] = {"{}",
                                      "[]",
                                      "{\"format\":\"negatoscope-stack\"}",
                                      "{\"format\":\"negatoscope-stack\",\"task\":\"binary\",\"labels\":[\"a\",\"b\","
                                      "\"c\"],\"members\":[\"x\",\"y\"],\"weights\":[1,1],\"bias\":[0],"
                                      "\"thresholds\":[0.5,0.5]}",
                                      "{\"format\":\"negatoscope-stack\",\"task\":\"binary\",\"labels\":[\"a\",\"b\"],"
                                      "\"members\":[\"x\"],\"weights\":[1],\"bias\":[0],\"thresholds\":[0.5,0.5]}",
                                      "{\"format\":\"negatoscope-stack\",\"task\":\"binary\",\"labels\":[\"a\",\"b\"],"
                                      "\"members\":[\"x\",\"y\"],\"weights\":[1],\"bias\":[0],\"thresholds\":[0.5,"
                                      "0.5]}",
                                      "{\"format\":\"negatoscope-stack\",\"task\":\"multi\",\"labels\":[\"a\",3],"
                                      "\"members\":[\"x\",\"y\"],\"weights\":[1,1],\"bias\":[0,0],\"thresholds\":[0.5,"
                                      "0.5]}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    nsc_ensemble *e;
    nsc_error err = {0};
    CHECK_EQ(nsc_ensemble_create(NSC_COMBINE_STACK, texts[i], &e, &err), NSC_ERROR_CORRUPT);
    CHECK_HAS(err.text, "no weights of an ensemble");
  }
}
