/* Which pictures a model may judge: distances, what a model says of its own pictures, and hostile words about them. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/error.h"
#include "explain/gaussian.h"
#include "explain/look.h"
#include "image/image.h"
#include "onnx_builder.h"
#include "pipeline/applicability.h"
#include "test.h"

/* ---- base64 ---- */

TEST(base64_there_and_back) {
  uint8_t bytes[40], back[40];
  for (int i = 0; i < 40; i++) bytes[i] = (uint8_t)(i * 37 + 11);
  for (size_t size = 0; size <= 40; size++) {
    nsc_text t = {0};
    nsc_base64_put(&t, bytes, size);
    CHECK_EQ(t.size, (size + 2) / 3 * 4);
    CHECK(nsc_base64_read(t.chars ? t.chars : "", t.size, back, size));
    CHECK(memcmp(bytes, back, size) == 0);
    if (size) CHECK(!nsc_base64_read(t.chars, t.size, back, size + 3));
    nsc_text_drop(&t);
  }
  CHECK(nsc_base64_read("Zm9v", 4, back, 3) && memcmp(back, "foo", 3) == 0);
  CHECK(nsc_base64_read("Zm8=", 4, back, 2) && !nsc_base64_read("Zm9=", 4, back, 2)); /* bits that are thrown away */
  CHECK(!nsc_base64_read("Zm9", 3, back, 2));
  CHECK(!nsc_base64_read("Zm9!", 4, back, 3));
  CHECK(!nsc_base64_read("=m9v", 4, back, 3));
}

/* ---- Mahalanobis ---- */

static uint32_t state = 5;

static float draw(void) { /* near enough to normal: the sum of twelve */
  float sum = -6;
  for (int i = 0; i < 12; i++) {
    state = state * 1664525u + 1013904223u;
    sum += (float)(state >> 8) / 16777216.0f;
  }
  return sum;
}

/* y depends on x: (1, 1) is usual and (1, -1) is not, though both lie as far from the middle. */
static void two(float out[3]) {
  float x = draw();
  out[0] = 5 + x, out[1] = -3 + 2 * x + 0.2f * draw(), out[2] = 7;
}

static nsc_status fit_two(nsc_gaussian *g, int learnt, int held, nsc_error *err) {
  nsc_gaussian_fit fit;
  float x[3];
  NSC_TRY(nsc_gaussian_begin(&fit, 3, err));
  nsc_status status = NSC_OK;
  for (int i = 0; i < learnt; i++) two(x), nsc_gaussian_add(&fit, x);
  for (int i = 0; i < held && status == NSC_OK; i++) two(x), status = nsc_gaussian_hold(&fit, x, err);
  if (status == NSC_OK) status = nsc_gaussian_finish(&fit, g, err);
  nsc_gaussian_end(&fit);
  return status;
}

TEST(gaussian_knows_what_goes_together) {
  nsc_gaussian g;
  nsc_error err = {0};
  REQUIRE(fit_two(&g, 2000, 1000, &err) == NSC_OK);
  const float usual[3] = {6, -1, 7}, unusual[3] = {6, -5, 7}, other[3] = {6, -1, 9};
  CHECK(nsc_gaussian_unusual(&g, usual) < 0.8);
  CHECK(nsc_gaussian_unusual(&g, unusual) > 1.2);
  CHECK(nsc_gaussian_unusual(&g, other) > 1.2); /* what never changed did */
  int beyond = 0;
  for (int i = 0; i < 2000; i++) {
    float x[3];
    two(x);
    beyond += nsc_gaussian_unusual(&g, x) > 1;
  }
  CHECK(beyond > 2 && beyond < 60); /* one in a hundred, as it should be */

  nsc_text t = {0};
  char *json;
  nsc_json document;
  nsc_gaussian again;
  nsc_gaussian_write(&g, &t);
  REQUIRE(nsc_text_finish(&t, &json, &err) == NSC_OK);
  REQUIRE(nsc_json_parse(json, strlen(json), &document, &err) == NSC_OK);
  REQUIRE(nsc_gaussian_read(document.values, &again));
  CHECK_NEAR(nsc_gaussian_unusual(&again, unusual), nsc_gaussian_unusual(&g, unusual), 1e-12);
  nsc_gaussian_drop(&again);
  nsc_gaussian_drop(&g);
  nsc_json_drop(&document);
  nsc_text_free(json);
}

TEST(gaussian_of_few_pictures) {
  nsc_gaussian g;
  nsc_error err = {0};
  CHECK(fit_two(&g, 1, 20, &err) == NSC_ERROR_ARGUMENT);
  err = (nsc_error){0};
  CHECK(fit_two(&g, 100, 9, &err) == NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "too few");
  err = (nsc_error){0};
  REQUIRE(fit_two(&g, 5, 10, &err) == NSC_OK);
  const float far[3] = {60, 40, 7};
  CHECK(nsc_gaussian_unusual(&g, far) > 1);
  CHECK(g.limits.unusual > g.limits.usual);
  nsc_gaussian_drop(&g);
}

/* ---- look ---- */

TEST(look_of_a_picture) {
  float values[16 * 24 * 3], look[NSC_LOOK_COUNT];
  for (int i = 0; i < 16 * 24; i++) {
    float grey = i % 24 < 12 ? 0.25f : 0.75f;
    values[3 * i] = grey + 0.1f, values[3 * i + 1] = grey, values[3 * i + 2] = grey - 0.1f;
  }
  nsc_picture_look(values, 16, 24, 3, look);
  CHECK_NEAR(look[0], 0.25, 1e-6);
  CHECK_NEAR(look[7], 0.75, 1e-6);
  CHECK_NEAR(look[NSC_LOOK_COUNT - 3], 0.1, 1e-6);
  CHECK_NEAR(look[NSC_LOOK_COUNT - 2], 0.1, 1e-6);
  CHECK_NEAR(look[NSC_LOOK_COUNT - 1], log(0.25 / 24 + 1e-6), 1e-6);
  nsc_picture_look(values, 1, 1, 3, look); /* fewer pixels than parts */
  for (int i = 0; i < NSC_LOOK_CELLS * NSC_LOOK_CELLS; i++) CHECK(isfinite(look[i]));
}

/* ---- a model that says it ---- */

enum { SIDE = 16 };

static nsc_model *net(const char *applicability) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  const float kernel[3 * 9] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -1, 2, 0, -2, 1, 0, -1, 1, 2, 1, 0, 0, 0, -1, -2, -1};
  const float weights[3] = {1, 1, 1}, bias = 0;
  onnx_input(&b, "x", 4, (const int64_t[]){1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){1, 1});
  onnx_floats(&b, "k", 4, (const int64_t[]){3, 1, 3, 3}, kernel);
  onnx_floats(&b, "w", 2, (const int64_t[]){1, 3}, weights);
  onnx_floats(&b, "b", 1, (const int64_t[]){1}, &bias);
  onnx_node(&b, "Conv", "x k", "c", NULL);
  onnx_node(&b, "Relu", "c", "r", NULL);
  onnx_node(&b, "GlobalAveragePool", "r", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "f w b", "y", &a);
  onnx_metadata(&b, "nsc.labels", "[\"no\",\"yes\"]");
  onnx_metadata(&b, "nsc.output", "logits");
  onnx_metadata(&b, "nsc.input", "{\"width\":16,\"height\":16,\"channels\":1}");
  if (applicability) onnx_metadata(&b, "nsc.applicability", applicability);
  return onnx_model(&b);
}

/* Soft blobs, each in another place; with `colour`, red ones. */
static nsc_image *blob(uint32_t width, uint32_t height, bool colour) {
  uint8_t *pixels = malloc((size_t)width * height * 3);
  float x0 = 0.5f + 0.05f * draw(), y0 = 0.5f + 0.05f * draw(), wide = 0.06f + 0.005f * draw();
  nsc_image *image = NULL;
  nsc_error err = {0};
  for (uint32_t i = 0; i < width * height; i++) {
    float x = (float)(i % width) / (float)width - x0, y = (float)(i / width) / (float)height - y0;
    uint8_t value = (uint8_t)(200 * expf(-(x * x + y * y) / wide));
    if (!colour) pixels[i] = value;
    if (colour) pixels[3 * i] = value, pixels[3 * i + 1] = value / 2, pixels[3 * i + 2] = value / 4;
  }
  if (nsc_image_from_pixels(pixels, width, height, colour ? 3 : 1, &image, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  free(pixels);
  return image;
}

static nsc_image *stripes(void) {
  uint8_t pixels[32 * 32];
  nsc_image *image = NULL;
  nsc_error err = {0};
  for (int i = 0; i < 32 * 32; i++) pixels[i] = i / 4 % 2 ? 250 : 5;
  if (nsc_image_from_pixels(pixels, 32, 32, 1, &image, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return image;
}

/* Of so many pictures to learn from and held back. */
static nsc_model *studied(int learnt_from, int held, bool autoencoder, nsc_error *err) {
  nsc_model *model = net(NULL), *learnt = NULL;
  nsc_study *study;
  nsc_source *source;
  nsc_autoencoder_progress at;
  char *bytes;
  size_t size;
  bool finished = false;
  if (nsc_study_create(model, NULL, &study, err) != NSC_OK) return NULL;
  if (autoencoder && nsc_study_use_autoencoder(study, 1, err) != NSC_OK) return NULL;
  for (int i = 0; i < learnt_from + held; i++) {
    nsc_image *image = blob(32, 32, false);
    if (nsc_study_add(study, image, 0, i >= learnt_from, err) != NSC_OK) return NULL;
    nsc_image_free(image);
  }
  while (!finished) {
    if (nsc_study_run(study, 100, NULL, &finished, &at, err) != NSC_OK) return NULL;
  }
  CHECK_EQ(at.epoch, at.epochs);
  CHECK_EQ(at.epochs > 0, autoencoder);
  nsc_status status = nsc_study_finish(study, "{\"modality\":[\"CR\",\"DX\"]}", &bytes, &size, err);
  nsc_study_free(study);
  nsc_model_free(model);
  if (status != NSC_OK || nsc_source_from_bytes(bytes, size, &source, err) != NSC_OK) return NULL;
  nsc_text_free(bytes);
  return nsc_model_open(source, &learnt, err) == NSC_OK ? learnt : NULL;
}

static nsc_applies verdict_on(nsc_classifier *c, nsc_image *image) {
  nsc_result r;
  nsc_error err = {0};
  if (nsc_classifier_run(c, image, 0, NULL, &r, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_image_free(image);
  return r.applies;
}

TEST(applicability_of_what_was_learnt) {
  nsc_error err = {0};
  nsc_classifier *c;
  nsc_model *model = studied(160, 100, false, &err);
  REQUIRE(model != NULL);
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  int alarms = 0;
  for (int i = 0; i < 200; i++) alarms += verdict_on(c, blob(32, 32, false)).verdict != NSC_APPLIES_IN_RANGE;
  CHECK(alarms <= 14);
  nsc_applies a = verdict_on(c, stripes());
  CHECK_EQ(a.verdict, NSC_APPLIES_OUT);
  CHECK(a.reasons & NSC_APPLIES_FEATURES && a.features > 1.4);
  CHECK(a.reasons & NSC_APPLIES_LOOK);
  a = verdict_on(c, blob(32, 32, true));
  CHECK_EQ(a.verdict, NSC_APPLIES_OUT);
  CHECK(a.reasons & NSC_APPLIES_COLOUR);
  a = verdict_on(c, blob(64, 32, false));
  CHECK(a.reasons & NSC_APPLIES_SHAPE);
  CHECK(a.verdict >= NSC_APPLIES_DOUBTFUL);
  CHECK(isnan(a.reconstruction));
  nsc_classifier_free(c);
  nsc_model_free(model);
}

/* ---- the autoencoder ---- */

static nsc_image *noise(void) {
  uint8_t pixels[32 * 32];
  nsc_image *image = NULL;
  nsc_error err = {0};
  for (int i = 0; i < 32 * 32; i++) pixels[i] = (uint8_t)(124 + 20 * draw()); /* six deviations are the most */
  if (nsc_image_from_pixels(pixels, 32, 32, 1, &image, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return image;
}

/* Read and written again they say the same: what is in a file is what was measured. */
static void check_round_trip(const char *json, size_t size) {
  nsc_applicability a;
  nsc_error err = {0};
  nsc_text t = {0};
  REQUIRE(nsc_applicability_read(json, size, &a, &err) == NSC_OK);
  CHECK(a.reconstruction != NULL);
  nsc_applicability_write(&a, &t);
  CHECK(t.size == size && memcmp(t.chars, json, size) == 0);
  nsc_text_drop(&t);
  nsc_applicability_drop(&a);
}

TEST(applicability_by_an_autoencoder) {
  nsc_error err = {0};
  nsc_classifier *c;
  nsc_model *model = studied(60, 40, true, &err);
  if (!model) test_failed(__FILE__, __LINE__, "%s", err.text);
  REQUIRE(model != NULL);
  size_t size;
  const char *json = nsc_model_metadata(model, "nsc.applicability", &size);
  check_round_trip(json, size);
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  int alarms = 0;
  for (int i = 0; i < 100; i++) {
    nsc_applies a = verdict_on(c, blob(32, 32, false));
    CHECK(isfinite(a.reconstruction));
    alarms += (a.reasons & NSC_APPLIES_RECONSTRUCTION) != 0;
  }
  CHECK(alarms <= 10);
  nsc_applies a = verdict_on(c, noise());
  CHECK_EQ(a.verdict, NSC_APPLIES_OUT);
  CHECK(a.reasons & NSC_APPLIES_RECONSTRUCTION && a.reconstruction > 1.4);
  nsc_text t = {0};
  nsc_applies_write(&a, &t);
  CHECK(t.chars && strstr(t.chars, "\"reconstruction\"]") && strstr(t.chars, "\"reconstruction\":"));
  nsc_text_drop(&t);
  nsc_classifier_free(c);
  nsc_model_free(model);
}

/* What says of itself that it is an autoencoder: `side` and `channels` of its input, a convolution to `out`. */
static void write_fake(nsc_text *t, int64_t side, int64_t channels, int64_t out, float weight) {
  onnx_builder b = {0};
  float weights[9] = {0};
  for (int i = 0; i < 9; i++) weights[i] = weight;
  onnx_input(&b, "x", 4, (const int64_t[]){-1, channels, side, side});
  onnx_output(&b, "y", 4, (const int64_t[]){-1, out, side, side});
  onnx_floats(&b, "w", 4, (const int64_t[]){out, channels, 1, 1}, weights);
  onnx_node(&b, "Conv", "x w", "y", NULL);
  size_t size;
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_text_put(t, "{\"reconstruction\":{\"usual\":-1,\"unusual\":1,\"network\":\"");
  nsc_base64_put(t, bytes, size);
  nsc_text_append(t, "\"}}", 4); /* with the end of a text */
  free(bytes);
}

TEST(applicability_refuses_broken_autoencoders) {
  static const char *const broken[] = {"{\"reconstruction\":7}",
                                       "{\"reconstruction\":{}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1}}",
                                       "{\"reconstruction\":{\"usual\":1,\"unusual\":0,\"network\":\"AAAA\"}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":7}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":\"\"}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":\"=\"}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":\"====\"}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":\"no base64!\"}}",
                                       "{\"reconstruction\":{\"usual\":0,\"unusual\":1,\"network\":\"bm8gbW9kZWw=\"}}"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    nsc_applicability a;
    nsc_error err = {0};
    nsc_status status = nsc_applicability_read(broken[i], strlen(broken[i]), &a, &err);
    if (status != NSC_ERROR_RECIPE) test_failed(__FILE__, __LINE__, "\"%s\" was taken", broken[i]);
    CHECK_HAS(err.text, "the autoencoder in the model's nsc.applicability is not usable");
  }
  static const struct {
    int64_t side, channels, out;
    float weight;
    const char *why;
    bool opens; /* and is found out by the first picture */
  } fakes[] = {{24, 1, 1, 1, "16 or 32 pixels", false},
               {65536, 1, 1, 1, "16 or 32 pixels", false},
               {16, 2, 2, 1, "16 or 32 pixels", false},
               {16, 3, 3, 1, "has 3 channels", false},
               {16, 1, 2, 1, "no picture like", true},
               {16, 1, 1, INFINITY, "are no numbers", true},
               {32, 1, 1, 1, "", true} /* the one that is one, of another size */};
  for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
    nsc_text t = {0};
    nsc_error err = {0};
    nsc_classifier *c = NULL;
    nsc_result r;
    write_fake(&t, fakes[i].side, fakes[i].channels, fakes[i].out, fakes[i].weight);
    nsc_model *model = net(t.chars);
    nsc_status status = nsc_classifier_create(model, NULL, &c, &err);
    CHECK_EQ(status == NSC_OK, fakes[i].opens);
    nsc_image *image = blob(32, 32, false);
    if (status == NSC_OK) status = nsc_classifier_run(c, image, 0, NULL, &r, &err);
    CHECK_EQ(status, fakes[i].why[0] ? NSC_ERROR_RECIPE : NSC_OK);
    if (fakes[i].why[0]) CHECK_HAS(err.text, fakes[i].why);
    nsc_image_free(image);
    nsc_classifier_free(c);
    nsc_model_free(model);
    nsc_text_drop(&t);
  }
}

TEST(study_says_when_an_autoencoder_comes) {
  nsc_error err = {0};
  nsc_study *study;
  nsc_autoencoder_progress at = {0};
  bool finished = false;
  nsc_model *model = net(NULL);
  REQUIRE(nsc_study_create(model, NULL, &study, &err) == NSC_OK);
  REQUIRE(nsc_study_run(study, 0, NULL, &finished, &at, &err) == NSC_OK); /* without one there is nothing to do */
  CHECK(finished && at.epochs == 0);
  REQUIRE(nsc_study_use_autoencoder(study, 1, &err) == NSC_OK);
  CHECK_EQ(nsc_study_use_autoencoder(study, 1, &err), NSC_ERROR_ARGUMENT);
  err = (nsc_error){0};
  CHECK_EQ(nsc_study_run(study, 0, NULL, &finished, &at, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "no pictures");
  nsc_study_free(study);
  REQUIRE(nsc_study_create(model, NULL, &study, &err) == NSC_OK);
  nsc_image *image = blob(32, 32, false);
  REQUIRE(nsc_study_add(study, image, 0, false, &err) == NSC_OK);
  CHECK_EQ(nsc_study_use_autoencoder(study, 1, &err), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
  nsc_study_free(study);
  nsc_model_free(model);
}

TEST(applicability_goes_by_the_files_words) {
  nsc_classifier *c;
  nsc_error err = {0};
  nsc_model *model = net("{\"expects\":{\"modality\":[\"CR\",\"DX\"],\"bodyPart\":[\"CHEST\"],\"view\":[\"PA\"]}}");
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  static const struct {
    const char *modality, *part, *view;
    nsc_applies_verdict verdict;
    uint32_t reasons;
  } files[] = {{"CR", "CHEST", "PA", NSC_APPLIES_IN_RANGE, 0},
               {"CT", "CHEST", "", NSC_APPLIES_OUT, NSC_APPLIES_MODALITY},
               {"DX", "HAND", "", NSC_APPLIES_OUT, NSC_APPLIES_BODY_PART},
               {"DX", "", "LL", NSC_APPLIES_DOUBTFUL, NSC_APPLIES_VIEW},
               {"DX", "", "", NSC_APPLIES_IN_RANGE, 0}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    nsc_applicability a;
    nsc_applies out;
    nsc_image *image = blob(32, 32, false);
    const char *json = nsc_model_metadata(model, "nsc.applicability", NULL);
    REQUIRE(nsc_applicability_read(json, strlen(json), &a, &err) == NSC_OK);
    strcpy(image->modality, files[i].modality);
    strcpy(image->body_part, files[i].part);
    strcpy(image->view, files[i].view);
    REQUIRE(nsc_applicability_judge_file(&a, image, 0, &out, &err) == NSC_OK);
    CHECK_EQ(out.verdict, files[i].verdict);
    CHECK_EQ(out.reasons, files[i].reasons);
    CHECK(isnan(out.features) && isnan(out.look));
    nsc_image_free(image);
    nsc_applicability_drop(&a);
  }
  nsc_classifier_free(c);
  nsc_model_free(model);
}

TEST(applicability_refuses_broken_words) {
  static const char *const broken[] = {"",
                                       "7",
                                       "[]",
                                       "{\"features\":{}}",
                                       "{\"features\":{\"count\":1e9}}",
                                       "{\"look\":{\"count\":2.5}}",
                                       "{\"features\":{\"count\":1,\"usual\":1,\"unusual\":0,\"mean\":\"AAAAAA==\","
                                       "\"scale\":\"AAAAAA==\",\"factor\":\"AAA=\"}}",
                                       "{\"features\":{\"count\":1,\"usual\":0,\"unusual\":1,\"mean\":\"AADAfw==\","
                                       "\"scale\":\"AAAAAA==\",\"factor\":\"AAA=\"}}",
                                       "{\"look\":{\"count\":1,\"usual\":0,\"unusual\":1,\"mean\":\"AAAAAA==\","
                                       "\"scale\":\"AAAAAA==\",\"factor\":\"AAA=\"}}",
                                       "{\"aspect\":[2,1]}",
                                       "{\"aspect\":[0,1]}",
                                       "{\"aspect\":[\"a\",1]}",
                                       "{\"expects\":{\"modality\":\"CT\"}}",
                                       "{\"expects\":{\"modality\":[7]}}",
                                       "{\"expects\":{\"view\":[\"much longer than a code string\"]}}"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    nsc_applicability a;
    nsc_error err = {0};
    nsc_status status = nsc_applicability_read(broken[i], strlen(broken[i]), &a, &err);
    if (status != NSC_ERROR_RECIPE) test_failed(__FILE__, __LINE__, "\"%s\" was taken", broken[i]);
    CHECK_HAS(err.text, "nsc.applicability");
  }
  nsc_applicability a;
  nsc_error err = {0};
  REQUIRE(nsc_applicability_read("{\"future\":1,\"features\":null}", 28, &a, &err) == NSC_OK);
  CHECK_EQ(a.features.count, 0);
  nsc_applicability_drop(&a);
}

/* Many channels are projected, always in the same way, and keep their distances. */
TEST(applicability_projects_wide_features) {
  enum { WIDE = 2048 };
  float *map = malloc(2 * WIDE * sizeof *map), a[NSC_GAUSSIAN_MOST], b[NSC_GAUSSIAN_MOST], again[NSC_GAUSSIAN_MOST];
  double before = 0, after = 0;
  for (int i = 0; i < 2 * WIDE; i++) map[i] = draw();
  CHECK_EQ(nsc_pool_features(map, 1, WIDE, a), NSC_GAUSSIAN_MOST);
  CHECK_EQ(nsc_pool_features(map + WIDE, 1, WIDE, b), NSC_GAUSSIAN_MOST);
  nsc_pool_features(map, 1, WIDE, again);
  CHECK(memcmp(a, again, sizeof a) == 0);
  for (int i = 0; i < WIDE; i++) before += pow((double)map[i] - (double)map[WIDE + i], 2);
  for (int i = 0; i < NSC_GAUSSIAN_MOST; i++) after += pow((double)a[i] - (double)b[i], 2);
  CHECK_NEAR(after / before, 1, 0.25);
  CHECK_EQ(nsc_pool_features(map, 2, 3, a), 3);
  CHECK_NEAR(a[1], (map[1] + map[4]) / 2, 1e-6);
  free(map);
}
