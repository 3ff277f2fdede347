/* Steadiness of a score: small changes of the picture, and runs with dropout at work. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "dicom_builder.h"
#include "onnx_builder.h"
#include "png_builder.h"
#include "test.h"

enum { SIDE = 6, PIXELS = SIDE * SIDE, GREY = 102 };
static const float WEIGHT = 0.05f;
static const double PIXEL = GREY / 255.0;

typedef struct kind {
  float rate;      /* of dropout; 0: none */
  bool attribute;  /* the rate stands in an attribute, as before opset 12 */
  bool sigmoid;    /* the network ends with one */
  const char *odd; /* a layer that training does not know */
} kind;

/* The sum of all pixels times WEIGHT, less what it is for the picture: the logit is 0. */
static nsc_model *model_of(kind k) {
  float weights[PIXELS];
  const float bias = -WEIGHT * PIXELS * (float)PIXEL;
  onnx_builder b = {.opset = k.attribute ? 11 : 13};
  onnx_attributes a = {0};
  for (int i = 0; i < PIXELS; i++) weights[i] = WEIGHT;
  onnx_input(&b, "x", 4, (const int64_t[]){1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){1, 1});
  onnx_floats(&b, "w", 2, (const int64_t[]){1, PIXELS}, weights);
  onnx_floats(&b, "b", 1, (const int64_t[]){1}, &bias);
  onnx_floats(&b, "rate", 0, NULL, &k.rate);
  onnx_node(&b, "Flatten", "x", "list", NULL);
  const char *list = "list";
  if (k.odd) onnx_node(&b, k.odd, "list", "odd", NULL), list = "odd";
  if (k.attribute) onnx_float(&a, "ratio", k.rate);
  char inputs[32];
  snprintf(inputs, sizeof inputs, "%s%s", list, k.attribute ? "" : " rate");
  if (k.rate > 0) onnx_node(&b, "Dropout", inputs, "some", k.attribute ? &a : NULL), list = "some";
  snprintf(inputs, sizeof inputs, "%s w b", list);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", inputs, k.sigmoid ? "z" : "y", &a);
  if (k.sigmoid) onnx_node(&b, "Sigmoid", "z", "y", NULL);
  onnx_metadata(&b, "nsc.input", "{\"width\":6,\"height\":6,\"channels\":1,\"range\":{\"kind\":\"type\"}}");
  onnx_metadata(&b, "nsc.task", "binary");
  onnx_metadata(&b, "nsc.labels", "[\"no\",\"yes\"]");
  onnx_metadata(&b, "nsc.output", k.sigmoid ? "probabilities" : "logits");
  return onnx_model(&b);
}

static nsc_image *flat_picture(void) {
  uint8_t rows[SIDE * (SIDE + 1)];
  png_builder p;
  memset(rows, GREY, sizeof rows);
  for (int y = 0; y < SIDE; y++) rows[y * (SIDE + 1)] = 0; /* filter: none */
  png_whole(&p, SIDE, SIDE, 8, 0, rows, sizeof rows);
  return test_open(p.bytes, p.size, NULL);
}

/* What a test of `draws` draws says. Ended by nsc_json_drop. */
static void steadiness(kind k, uint32_t draws, uint32_t steps, nsc_json *out) {
  nsc_error err = {0};
  nsc_model *model = model_of(k);
  nsc_image *image = flat_picture();
  nsc_classifier *classifier = NULL;
  nsc_stability *stability = NULL;
  char *json = NULL;
  uint32_t done, total;
  nsc_status status = nsc_classifier_create(model, NULL, &classifier, &err);
  if (status == NSC_OK) status = nsc_stability_create(classifier, image, 0, draws, 3, NULL, &stability, &err);
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  REQUIRE(stability);
  nsc_stability_progress(stability, &done, &total);
  CHECK_EQ(total, steps);
  for (; done < total; done++) REQUIRE(nsc_stability_step(stability, NULL, &err) == NSC_OK);
  REQUIRE(nsc_stability_json(stability, &json, &err) == NSC_OK);
  REQUIRE(nsc_json_parse(json, strlen(json), out, &err) == NSC_OK);
  nsc_text_free(json);
  nsc_stability_free(stability);
  nsc_classifier_free(classifier);
  nsc_image_free(image);
  nsc_model_free(model);
}

/* Each pixel is there with probability 1 - rate, and then 1 / (1 - rate) as large: the logit has variance
 * pixels x (weight x pixel)^2 x rate / (1 - rate), and the score a quarter of its deviation, near a logit of 0. */
TEST(stability_dropout_spreads_as_it_must) {
  enum { DRAWS = 250 };
  static const kind kinds[] = {{.rate = 0.5f}, {.rate = 0.25f, .attribute = true}, {.rate = 0.5f, .sigmoid = true}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    double rate = (double)kinds[i].rate, deviation = (double)WEIGHT * PIXEL * sqrt(PIXELS * rate / (1 - rate)) / 4;
    nsc_json json;
    steadiness(kinds[i], DRAWS, 12 * DRAWS + 1, &json);
    const nsc_json_value *root = &json.values[0], *dropout = nsc_json_get(root, "dropout");
    CHECK_NEAR(nsc_json_number_of(root, "score"), 0.5, 1e-5);
    CHECK_EQ(nsc_json_number_of(root, "draws"), 8 * DRAWS);
    CHECK_EQ(nsc_json_number_of(dropout, "draws"), 4 * DRAWS);
    CHECK_NEAR(nsc_json_number_of(dropout, "mean"), 0.5, 0.004);
    CHECK_NEAR(nsc_json_number_of(dropout, "deviation") / deviation, 1, 0.08);
    CHECK(nsc_json_number_of(dropout, "flips") > DRAWS && nsc_json_number_of(dropout, "flips") < 3 * DRAWS);
    CHECK_NEAR(nsc_json_number_of(root, "repeated"), nsc_json_number_of(root, "score"), 0);
    nsc_json_drop(&json);
  }
}

TEST(stability_without_dropout) {
  static const kind kinds[] = {{.rate = 0}, {.rate = 0.5f, .odd = "Sqrt"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    nsc_json json;
    steadiness(kinds[i], 2, 17, &json);
    CHECK_EQ(nsc_json_get(&json.values[0], "dropout")->kind, NSC_JSON_NULL);
    nsc_json_drop(&json);
  }
}

/* A flat picture stays as it is when it is moved, and turns at its mean when it is lit: half of the changes of
 * brightness turn a verdict that stands at its threshold. */
TEST(stability_counts_turned_verdicts) {
  nsc_json json;
  steadiness((kind){.rate = 0}, 50, 401, &json);
  const nsc_json_value *each = nsc_json_first(nsc_json_get(&json.values[0], "kinds"));
  for (uint32_t k = 0; k < NSC_VARIATION_COUNT; k++, each = nsc_json_next(each)) {
    CHECK_STR(nsc_json_text_of(each, "name"), nsc_variation_name((nsc_variation)k));
    if (k == NSC_VARY_SHIFT || k == NSC_VARY_BLUR) CHECK_NEAR(nsc_json_number_of(each, "lowest"), 0.5, 1e-4);
    if (k != NSC_VARY_BRIGHTNESS) continue;
    CHECK(nsc_json_number_of(each, "flips") > 10 && nsc_json_number_of(each, "flips") < 40);
    CHECK(nsc_json_number_of(each, "lowest") < 0.49 && nsc_json_number_of(each, "highest") > 0.51);
  }
  nsc_json_drop(&json);
}
