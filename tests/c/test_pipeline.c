/* Image -> tensor -> scores -> result, on a model whose scores can be computed by hand: the mean of the picture, times
   weights, plus a bias. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

enum { SIDE = 4 };

/* scores[i] = mean * weights[i] + bias[i] */
static nsc_model *linear_model(size_t labels, const float *weights, const float *bias, const char *const *metadata) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  const int64_t n = (int64_t)labels;
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){-1, n});
  onnx_floats(&b, "w", 2, (const int64_t[]){n, 1}, weights);
  onnx_floats(&b, "b", 1, &n, bias);
  onnx_node(&b, "GlobalAveragePool", "x", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "f w b", "y", &a);
  for (; *metadata; metadata += 2) onnx_metadata(&b, metadata[0], metadata[1]);
  return onnx_model(&b);
}

#define INPUT "nsc.input", "{\"width\":4,\"height\":4,\"channels\":1}"

static const float one_weight[] = {4}, one_bias[] = {-1};
static const float three_weights[] = {1, -2, 3}, three_bias[] = {0, 0.5f, -1};

TEST(pipeline_binary_with_temperature) {
  const char *const meta[] = {
      INPUT,        "nsc.name",         "t",          "nsc.task",   "binary",
      "nsc.labels", "[\"no\",\"yes\"]", "nsc.output", "logits",     "nsc.temperature",
      "2",          "nsc.threshold",    "0.6",        "nsc.advice", "{\"yes\":\"act\",\"no\":\"rest\"}",
      NULL};
  nsc_model *model = linear_model(1, one_weight, one_bias, meta);
  nsc_classifier *c;
  nsc_error err = {0};
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  for (int grey = 0; grey <= 255; grey += 51) {
    nsc_image *image = grey_image((uint8_t)grey);
    nsc_result r;
    REQUIRE(nsc_classifier_run(c, image, 0, NULL, &r, &err) == NSC_OK);
    double p = 1 / (1 + exp(-(4 * grey / 255.0 - 1) / 2));
    CHECK_NEAR(r.scores[1], p, 1e-6);
    CHECK_NEAR(r.scores[0] + r.scores[1], 1, 1e-6);
    CHECK_EQ(r.verdict, p >= 0.6);
    char *json;
    REQUIRE(nsc_result_json(c, &r, &json, &err) == NSC_OK);
    CHECK_HAS(json, r.verdict ? "\"verdict\":\"yes\",\"advice\":\"act\"" : "\"verdict\":\"no\",\"advice\":\"rest\"");
    CHECK_HAS(json, "\"threshold\":0.6,");
    nsc_text_free(json);
    nsc_image_free(image);
  }
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(pipeline_batch_gives_each_picture_its_own) {
  enum { BATCH = 3 };
  const char *const meta[] = {INPUT,    "nsc.labels", "[\"a\",\"b\",\"c\"]", "nsc.task", "single", "nsc.output",
                              "logits", NULL};
  nsc_model *model = linear_model(3, three_weights, three_bias, meta);
  const nsc_classifier_options options = {.batch = BATCH, .threads = 3};
  nsc_classifier *c, *one;
  nsc_error err = {0};
  nsc_image *images[BATCH];
  REQUIRE(nsc_classifier_create(model, &options, &c, &err) == NSC_OK);
  REQUIRE(nsc_classifier_create(model, NULL, &one, &err) == NSC_OK);
  CHECK_EQ(nsc_classifier_batch(c), BATCH);
  CHECK_EQ(nsc_classifier_batch(one), 1);
  for (uint32_t i = 0; i < BATCH; i++) {
    images[i] = grey_image((uint8_t)(40 + 100 * i));
    CHECK_EQ(nsc_classifier_put(c, i, images[i], 0, &err), NSC_OK);
  }
  CHECK_EQ(nsc_classifier_put(c, BATCH, images[0], 0, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  REQUIRE(nsc_classifier_run_batch(c, NULL, &err) == NSC_OK);
  for (uint32_t i = 0; i < BATCH; i++) {
    nsc_result r, alone;
    REQUIRE(nsc_classifier_result(c, i, &r, &err) == NSC_OK);
    REQUIRE(nsc_classifier_run(one, images[i], 0, NULL, &alone, &err) == NSC_OK);
    for (uint32_t k = 0; k < 3; k++) CHECK_NEAR(r.scores[k], alone.scores[k], 1e-6);
    CHECK_EQ(r.verdict, alone.verdict);
  }
  CHECK_EQ(nsc_classifier_result(c, BATCH, &(nsc_result){0}, &(nsc_error){0}), NSC_ERROR_ARGUMENT);
  /* One image in two slots, and one slot that keeps what it held. */
  nsc_result kept, twice[2];
  float before[3];
  REQUIRE(nsc_classifier_result(c, 1, &kept, &err) == NSC_OK);
  memcpy(before, kept.scores, sizeof before);
  CHECK_EQ(nsc_classifier_put(c, 0, images[2], 0, &err), NSC_OK);
  CHECK_EQ(nsc_classifier_put(c, 2, images[2], 0, &err), NSC_OK);
  REQUIRE(nsc_classifier_run_batch(c, NULL, &err) == NSC_OK);
  REQUIRE(nsc_classifier_result(c, 0, &twice[0], &err) == NSC_OK &&
          nsc_classifier_result(c, 2, &twice[1], &err) == NSC_OK);
  REQUIRE(nsc_classifier_result(c, 1, &kept, &err) == NSC_OK);
  for (uint32_t k = 0; k < 3; k++) {
    CHECK_NEAR(twice[0].scores[k], twice[1].scores[k], 1e-6);
    CHECK_NEAR(kept.scores[k], before[k], 1e-6);
  }
  const int32_t stop = 1;
  CHECK_EQ(nsc_classifier_run_batch(c, &stop, &(nsc_error){0}), NSC_ERROR_CANCELLED);
  for (uint32_t i = 0; i < BATCH; i++) nsc_image_free(images[i]);
  nsc_classifier_free(one);
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(pipeline_single_is_softmax) {
  const char *const meta[] = {INPUT,    "nsc.labels", "[\"a\",\"b\",\"c\"]", "nsc.task", "single", "nsc.output",
                              "logits", NULL};
  nsc_model *model = linear_model(3, three_weights, three_bias, meta);
  nsc_classifier *c;
  nsc_error err = {0};
  nsc_result r;
  nsc_image *image = grey_image(255);
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  REQUIRE(nsc_classifier_run(c, image, 0, NULL, &r, &err) == NSC_OK);
  double e[3] = {exp(1), exp(-1.5), exp(2)}, sum = e[0] + e[1] + e[2];
  for (int i = 0; i < 3; i++) CHECK_NEAR(r.scores[i], e[i] / sum, 1e-6);
  CHECK_EQ(r.verdict, 2);
  CHECK_EQ(r.task, NSC_TASK_SINGLE);
  nsc_image_free(image);
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(pipeline_multi_has_a_threshold_each) {
  const char *const meta[] = {INPUT,    "nsc.labels",    "[\"a\",\"b\",\"c\"]",    "nsc.task", "multi", "nsc.output",
                              "logits", "nsc.threshold", "{\"c\":0.95,\"a\":0.9}", NULL};
  nsc_model *model = linear_model(3, three_weights, three_bias, meta);
  nsc_classifier *c;
  nsc_error err = {0};
  nsc_result r;
  nsc_image *image = grey_image(255);
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  REQUIRE(nsc_classifier_run(c, image, 0, NULL, &r, &err) == NSC_OK);
  CHECK_NEAR(r.scores[2], 1 / (1 + exp(-2)), 1e-6); /* .881: below its .95 */
  CHECK_NEAR(r.thresholds[1], 0.5, 0);
  CHECK_EQ(r.verdict, r.count); /* nothing reaches its threshold */
  nsc_image_free(image);
  nsc_classifier_free(c);
  nsc_model_free(model);
}

/* A model without metadata opens, says what it lacks, and runs with what the caller gives. */
TEST(pipeline_foreign_model) {
  const char *const none[] = {NULL};
  nsc_model *model = linear_model(3, three_weights, three_bias, none);
  nsc_classifier *c;
  nsc_error err = {0};
  CHECK_EQ(nsc_classifier_create(model, NULL, &c, &err), NSC_ERROR_RECIPE);
  CHECK_HAS(err.text, "nsc.input");
  nsc_classifier_options options = {.recipe_json = "{\"width\":4,\"height\":4,\"channels\":1}",
                                    .output = "probabilities"};
  err = (nsc_error){0};
  REQUIRE(nsc_classifier_create(model, &options, &c, &err) == NSC_OK);
  nsc_result r;
  nsc_classifier_blank_result(c, &r);
  CHECK_EQ(r.count, 3);
  CHECK_STR(r.labels[2], "2");
  nsc_classifier_free(c);
  nsc_model_free(model);
}

/* Classifies a grey picture of value 255 with a model and checks the scores as probabilities. */
static void check_scores(onnx_builder *b, const char *const *metadata, const float *scores, size_t count) {
  nsc_model *model = NULL;
  nsc_classifier *c = NULL;
  nsc_error err = {0};
  nsc_result r = {0};
  nsc_image *image = grey_image(255);
  size_t size;
  for (; *metadata; metadata += 2) onnx_metadata(b, metadata[0], metadata[1]);
  uint8_t *bytes = onnx_finish(b, &size);
  if (onnx_open(bytes, size, &model, &err) != NSC_OK || nsc_classifier_create(model, NULL, &c, &err) != NSC_OK ||
      nsc_classifier_run(c, image, 0, NULL, &r, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  CHECK_EQ(r.count, count);
  for (size_t i = 0; i < r.count && i < count; i++) CHECK_NEAR(r.scores[i], scores[i], 1e-6);
  nsc_classifier_free(c);
  nsc_model_free(model);
  nsc_image_free(image);
}

/* A map, features of another length, then the scores: the labels decide. Sizes are open. */
TEST(pipeline_scores_among_several_outputs) {
  const char *const meta[] = {INPUT, "nsc.task", "multi", "nsc.labels", "[\"a\",\"b\",\"c\"]", NULL};
  static const float scores[] = {0.25f, 0.5f, 0.75f}, five[5] = {1, 1, 1, 1, 1};
  onnx_builder b = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 1, -1, -1});
  onnx_output(&b, "map", 4, (const int64_t[]){-1, 1, -1, -1});
  onnx_output(&b, "features", 2, (const int64_t[]){-1, 5});
  onnx_output(&b, "y", 2, (const int64_t[]){-1, 3});
  onnx_floats(&b, "five", 2, (const int64_t[]){1, 5}, five);
  onnx_floats(&b, "three", 2, (const int64_t[]){1, 3}, scores);
  onnx_node(&b, "Relu", "x", "map", NULL);
  onnx_node(&b, "GlobalAveragePool", "x", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_node(&b, "MatMul", "f five", "features", NULL);
  onnx_node(&b, "MatMul", "f three", "y", NULL);
  check_scores(&b, meta, scores, 3);
}

static nsc_status create_with_inputs(bool with_default, nsc_error *err) {
  static const float one = 1;
  nsc_model *model = NULL;
  nsc_classifier *c = NULL;
  onnx_builder b = {0};
  size_t size;
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 1, SIDE, SIDE});
  onnx_input(&b, "age", 2, (const int64_t[]){1, 1});
  onnx_output(&b, "y", 2, (const int64_t[]){-1, 1});
  if (with_default) onnx_floats(&b, "age", 2, (const int64_t[]){1, 1}, &one);
  onnx_node(&b, "GlobalAveragePool", "x", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_node(&b, "Mul", "f age", "y", NULL);
  onnx_metadata(&b, "nsc.input", "{\"width\":4,\"height\":4,\"channels\":1}");
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_status status = onnx_open(bytes, size, &model, err);
  if (status == NSC_OK) status = nsc_classifier_create(model, NULL, &c, err);
  nsc_classifier_free(c);
  nsc_model_free(model);
  return status;
}

TEST(pipeline_second_input_needs_a_default) {
  nsc_error err = {0};
  CHECK_EQ(create_with_inputs(false, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "\"age\"");
  err = (nsc_error){0};
  CHECK_EQ(create_with_inputs(true, &err), NSC_OK);
}

TEST(pipeline_bad_metadata_names_the_key) {
  static const struct {
    const char *key, *value, *says;
  } cases[] = {
      {"nsc.labels", "[\"only one\"]", "do not fit"},
      {"nsc.labels", "{}", "nsc.labels"},
      {"nsc.labels", "[1,2,3]", "nsc.labels"},
      {"nsc.threshold", "7", "nsc.threshold"},
      {"nsc.threshold", "{\"z\":0.5}", "nsc.threshold"},
      {"nsc.temperature", "0", "nsc.temperature"},
      {"nsc.task", "guess", "nsc.task"},
      {"nsc.output", "magic", "nsc.output"},
      {"nsc.advice", "[", "nsc.advice"},
      {"nsc.input", "{\"width\":4,\"height\":5,\"channels\":1}", "recipe makes 4 x 5"},
      {"nsc.input", "{\"width\":0,\"height\":4,\"channels\":1}", "width"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *const meta[] = {cases[i].key, cases[i].value,
                                strcmp(cases[i].key, "nsc.input") ? "nsc.input" : "unused",
                                "{\"width\":4,\"height\":4,\"channels\":1}", NULL};
    nsc_model *model = linear_model(3, three_weights, three_bias, meta);
    nsc_classifier *c;
    nsc_error err = {0};
    CHECK_EQ(nsc_classifier_create(model, NULL, &c, &err), NSC_ERROR_RECIPE);
    CHECK_HAS(err.text, cases[i].says);
    nsc_model_free(model);
  }
}

/* What is on the screen must not reach the model: any view in between leaves the scores bit-identical. */
TEST(pipeline_score_ignores_the_screen) {
  const char *const meta[] = {INPUT, "nsc.output", "logits", NULL};
  nsc_model *model = linear_model(1, one_weight, one_bias, meta);
  nsc_classifier *c;
  nsc_error err = {0};
  nsc_image *image = grey_image(90);
  nsc_result before, after;
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  REQUIRE(nsc_classifier_run(c, image, 0, NULL, &before, &err) == NSC_OK);
  float score = before.scores[1];
  static uint8_t rgba[SIDE * SIDE * 4];
  for (int width = 1; width < 300; width += 23) {
    nsc_view view = {.voi_lut = -1, .center = width * 0.7, .width = width, .invert = width % 2 == 0};
    CHECK_EQ(nsc_render(image, &view, rgba, sizeof rgba, &err), NSC_OK);
    CHECK_EQ(nsc_classifier_run(c, image, 0, NULL, &after, &err), NSC_OK);
    CHECK(memcmp(&after.scores[1], &score, sizeof score) == 0);
  }
  nsc_image_free(image);
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(pipeline_constants_are_json) {
  char *json;
  nsc_error err = {0};
  REQUIRE(nsc_constants_json(&json, &err) == NSC_OK);
  CHECK_HAS(json, "\"NSC_ERROR_TRUNCATED\":4");
  CHECK_HAS(json, "\"windowPresets\":[{\"name\":\"brain\"");
  CHECK_HAS(json, nsc_version());
  nsc_text_free(json);
}

/* A picture whose score is near the threshold is called borderline, not above or below; the raw score is that before
 * temperature. */
TEST(pipeline_borderline_and_raw) {
  const char *const meta[] = {INPUT,        "nsc.labels", "[\"no\",\"yes\"]", "nsc.task", "binary",
                              "nsc.output", "logits",     "nsc.temperature",  "2",        "nsc.threshold",
                              "0.5",        NULL};
  nsc_model *model = linear_model(1, one_weight, one_bias, meta); /* logit 4 m - 1, calibrated 2 m - 0.5 */
  nsc_classifier *c;
  nsc_error err = {0};
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  static const struct {
    uint8_t grey;
    nsc_relation relation;
  } cases[] = {{0, NSC_RELATION_BORDERLINE},
               {64, NSC_RELATION_BORDERLINE},
               {140, NSC_RELATION_BORDERLINE},
               {160, NSC_RELATION_ABOVE},
               {255, NSC_RELATION_ABOVE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_image *image = grey_image(cases[i].grey);
    nsc_result r;
    REQUIRE(nsc_classifier_run(c, image, 0, NULL, &r, &err) == NSC_OK);
    CHECK_EQ(r.relation, cases[i].relation);
    CHECK_NEAR(r.raw[1], 1 / (1 + exp(-(4 * cases[i].grey / 255.0 - 1))), 1e-6);
    CHECK_NEAR(r.raw[0] + r.raw[1], 1, 1e-6);
    nsc_image_free(image);
  }
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(pipeline_borderline_of_several_labels) {
  const char *const meta[] = {INPUT,    "nsc.labels", "[\"a\",\"b\",\"c\"]", "nsc.task", "single", "nsc.output",
                              "logits", NULL};
  nsc_model *model = linear_model(3, three_weights, three_bias, meta);
  nsc_classifier *c;
  nsc_error err = {0};
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  for (int grey = 0; grey <= 255; grey += 5) {
    nsc_image *image = grey_image((uint8_t)grey);
    nsc_result r;
    REQUIRE(nsc_classifier_run(c, image, 0, NULL, &r, &err) == NSC_OK);
    float next = 0;
    for (uint32_t k = 0; k < 3; k++) next = k != r.verdict && r.scores[k] > next ? r.scores[k] : next;
    CHECK_EQ(r.relation, r.scores[r.verdict] < 2 * next ? NSC_RELATION_BORDERLINE : NSC_RELATION_ABOVE);
    nsc_image_free(image);
  }
  nsc_classifier_free(c);
  nsc_model_free(model);
}
