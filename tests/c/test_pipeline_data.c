/* Pixels as images and as samples; calibration from validation logits. */
#include <stdlib.h>

#include "base/rng.h"
#include "pipeline/calibrate.h"
#include "pipeline/collect.h"
#include "test.h"
#include "train/zoo.h"

/* ---- pixels ---- */

TEST(image_from_pixels_is_a_picture) {
  uint8_t pixels[2 * 3 * 3];
  nsc_image *image;
  nsc_image_info info;
  const void *samples;
  nsc_error err = {0};
  for (int i = 0; i < 18; i++) pixels[i] = (uint8_t)(i * 14);
  REQUIRE(nsc_image_from_pixels(pixels, 3, 2, 3, &image, &err) == NSC_OK);
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.width, 3);
  CHECK_EQ(info.height, 2);
  CHECK_EQ(info.channels, 3);
  CHECK_EQ(info.bits, 8);
  CHECK_EQ(info.photometric, NSC_PHOTOMETRIC_RGB);
  REQUIRE(nsc_image_frame(image, 0, &samples, &err) == NSC_OK);
  CHECK(memcmp(samples, pixels, sizeof pixels) == 0);
  char *json;
  REQUIRE(nsc_image_json(image, &json, &err) == NSC_OK);
  nsc_text_free(json);
  nsc_image_free(image);
  CHECK_EQ(nsc_image_from_pixels(pixels, 3, 2, 2, &image, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_image_from_pixels(pixels, 0, 2, 1, &image, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_image_from_pixels(NULL, 3, 2, 1, &image, NULL), NSC_ERROR_ARGUMENT);
}

/* At the pictures' own size bytes stay what they are, whatever mean and std the recipe has. */
TEST(collect_pixels_at_their_size) {
  static const char *const labels[] = {"a", "b"};
  uint8_t pixels[12];
  nsc_dataset d;
  nsc_recipe recipe = {
      .width = 4, .height = 3, .channels = 1, .crop_scale = 1, .high = 1, .scale = 7, .std = {2, 2, 2}};
  for (int i = 0; i < 12; i++) pixels[i] = (uint8_t)(i * 23);
  REQUIRE(nsc_dataset_init(&d, 3, 4, 1, 2, labels, NULL) == NSC_OK);
  REQUIRE(nsc_collect_pixels(&d, pixels, 3, 4, 1, &recipe, "p", "who", 1, NULL) == NSC_OK);
  CHECK(memcmp(nsc_dataset_pixels(&d, 0), pixels, 12) == 0);
  CHECK_STR(d.samples[0].patient, "who");
  nsc_dataset_drop(&d);
}

/* Once when pictures are collected, and once when the finished model is asked. */
TEST(collect_applies_steps_and_models_keep_them) {
  static const char *const labels[] = {"a", "b"};
  static const char text[] = "{\"width\":16,\"height\":16,\"channels\":1,\"steps\":[{\"step\":\"invert\"}]}";
  uint8_t pixels[256];
  nsc_dataset d;
  nsc_recipe recipe;
  nsc_net *net;
  nsc_error err = {0};
  for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)i;
  REQUIRE(nsc_recipe_parse(text, sizeof text - 1, &recipe, &err) == NSC_OK);
  REQUIRE(nsc_dataset_init(&d, 16, 16, 1, 2, labels, &err) == NSC_OK);
  REQUIRE(nsc_collect_pixels(&d, pixels, 16, 16, 1, &recipe, "p", NULL, 1, &err) == NSC_OK);
  for (int i = 0; i < 256; i++) CHECK_EQ(nsc_dataset_pixels(&d, 0)[i], 255 - i);
  nsc_dataset_drop(&d);

  REQUIRE(nsc_zoo_build("small", 16, 16, 1, 1, 1, &net, &err) == NSC_OK);
  const nsc_model_facts facts = {
      .name = "m", .task = NSC_TASK_BINARY, .label_count = 2, .labels = labels, .recipe = &recipe, .temperature = 1};
  char *bytes;
  size_t size;
  nsc_source *source;
  nsc_model *model;
  nsc_classifier *classifier;
  REQUIRE(nsc_save_model(net, &facts, false, &bytes, &size, &err) == NSC_OK);
  REQUIRE(nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK);
  REQUIRE(nsc_model_open(source, &model, &err) == NSC_OK);
  REQUIRE(nsc_classifier_create(model, NULL, &classifier, &err) == NSC_OK);
  const nsc_steps *kept = &nsc_classifier_recipe(classifier)->steps;
  CHECK_EQ(kept->count, 1);
  CHECK_EQ(kept->list[0].kind, NSC_FILTER_INVERT);
  nsc_classifier_free(classifier);
  nsc_model_free(model);
  nsc_text_free(bytes);
  nsc_net_free(net);
}

/* ---- calibration ---- */

enum { CASES = 4000 };

/* Logits whose truth is drawn from sigmoid(z), then doubled: the temperature that mends them is 2. */
TEST(calibrate_finds_the_temperature) {
  float *logits = malloc(CASES * sizeof *logits), *pairs = malloc(2 * CASES * sizeof *pairs);
  int32_t *truth = malloc(CASES * sizeof *truth);
  nsc_rng rng = nsc_rng_seeded(9);
  nsc_calibration c, two;
  nsc_error err = {0};
  REQUIRE(logits && truth && pairs);
  for (int i = 0; i < CASES; i++) {
    double z = 1.5 * nsc_rng_normal(&rng);
    truth[i] = nsc_rng_double(&rng) < 1 / (1 + exp(-z));
    logits[i] = (float)(2 * z);
    pairs[2 * i] = 1 - logits[i];
    pairs[2 * i + 1] = 1;
  }
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, CASES, 1, truth, 0, &c, &err) == NSC_OK);
  CHECK(c.has_temperature && c.has_threshold);
  CHECK_NEAR(c.temperature, 2, 0.15);
  CHECK(c.loss_after < c.loss_before);
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, pairs, CASES, 2, truth, 0, &two, &err) == NSC_OK);
  CHECK_NEAR(two.temperature, c.temperature, 1e-4);
  free(logits);
  free(pairs);
  free(truth);
}

/* By hand: of thirty films the ten highest but one are positive. */
TEST(calibrate_threshold_lies_between_scores) {
  float logits[40];
  int32_t truth[40];
  nsc_calibration c;
  for (int i = 0; i < 40; i++) {
    logits[i] = (float)(i - 25) / 5;
    truth[i] = i >= 30 || i == 20;
  }
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, 40, 1, truth, 0, &c, NULL) == NSC_OK);
  double t = (double)c.temperature;
  double above = 1 / (1 + exp(-1 / t)), below = 1 / (1 + exp(-0.8 / t));
  CHECK_NEAR(c.threshold, (above + below) / 2, 1e-6);
  /* All eleven positives: down to film 20, whose logit is -1. */
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, 40, 1, truth, 0.95, &c, NULL) == NSC_OK);
  CHECK_NEAR(c.threshold, (1 / (1 + exp(1 / t)) + 1 / (1 + exp(1.2 / t))) / 2, 1e-6);
}

TEST(calibrate_leaves_what_it_cannot_know) {
  float logits[60];
  int32_t truth[60];
  nsc_calibration c;
  for (int i = 0; i < 60; i++) {
    logits[i] = (float)i - 30;
    truth[i] = i >= 30;
  }
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, 20, 1, truth, 0, &c, NULL) == NSC_OK); /* few, of one kind */
  CHECK(!c.has_temperature && c.temperature == 1 && c.threshold == 0.5f);
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, 60, 1, truth, 0, &c, NULL) == NSC_OK); /* told apart perfectly */
  CHECK(!c.has_temperature && c.temperature == 1);
  CHECK(c.has_threshold && c.threshold < 0.5f && c.threshold > 0.2f); /* between sigmoid(-1) and sigmoid(0) */
  REQUIRE(nsc_calibrate(NSC_TASK_BINARY, logits, 0, 1, truth, 0, &c, NULL) == NSC_OK);
  CHECK_EQ(nsc_calibrate(NSC_TASK_BINARY, logits, 60, 3, truth, 0, &c, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_calibrate(NSC_TASK_MULTI, logits, 60, 1, truth, 0, &c, NULL), NSC_ERROR_ARGUMENT);
}

/* Softmax over three: logits of log probabilities, tripled. */
TEST(calibrate_single) {
  float *logits = malloc(3 * CASES * sizeof *logits);
  int32_t *truth = malloc(CASES * sizeof *truth);
  nsc_rng rng = nsc_rng_seeded(4);
  nsc_calibration c;
  REQUIRE(logits && truth);
  for (int i = 0; i < CASES; i++) {
    double p[3], sum = 0;
    for (int k = 0; k < 3; k++) sum += p[k] = exp(nsc_rng_normal(&rng));
    double u = nsc_rng_double(&rng) * sum;
    truth[i] = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2;
    for (int k = 0; k < 3; k++) logits[3 * i + k] = (float)(3 * log(p[k]));
  }
  REQUIRE(nsc_calibrate(NSC_TASK_SINGLE, logits, CASES, 3, truth, 0, &c, NULL) == NSC_OK);
  CHECK_NEAR(c.temperature, 3, 0.25);
  CHECK_EQ(c.threshold == 0.5f, 1);
  free(logits);
  free(truth);
}
