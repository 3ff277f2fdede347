/* Maps of influence against PyTorch's gradients: tests/oracle/explain_golden.py. */
#include <stdlib.h>

#include "explain_golden.h"
#include "onnx_builder.h"
#include "test.h"

enum { SIDE = 12, PIXELS = SIDE * SIDE, STEPS = 6, WINDOW = 4, STRIDE = 3, POINTS = 5 };

/* The oracle's generator. */
static void draw(uint32_t seed, size_t count, float scale, float *out) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    out[i] = scale * ((float)(seed >> 8) / 8388608.0f - 1);
  }
}

static void weights(onnx_builder *b, const char *name, uint32_t seed, size_t rank, const int64_t *dims) {
  float values[2000];
  size_t count = 1, fan_in = rank > 1 ? 1 : 4;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  for (size_t i = 1; i < rank; i++) fan_in *= (size_t)dims[i];
  draw(seed, count, (float)sqrt(6.0 / (double)fan_in), values);
  onnx_floats(b, name, rank, dims, values);
}

static void conv(onnx_builder *b, const char *inputs, const char *output) {
  onnx_attributes a = {0};
  onnx_ints(&a, "pads", 4, (const int64_t[]){1, 1, 1, 1});
  onnx_node(b, "Conv", inputs, output, &a);
}

static void dense(onnx_builder *b, const char *inputs, const char *output) {
  onnx_attributes a = {0};
  onnx_int(&a, "transB", 1);
  onnx_node(b, "Gemm", inputs, output, &a);
}

static void trunk(onnx_builder *b) {
  onnx_attributes a = {0};
  onnx_input(b, "x", 4, (const int64_t[]){1, 1, SIDE, SIDE});
  onnx_output(b, "y", 2, (const int64_t[]){1, 3});
  weights(b, "w1", 1, 4, (const int64_t[]){4, 1, 3, 3});
  weights(b, "b1", 2, 1, (const int64_t[]){4});
  weights(b, "w2", 3, 4, (const int64_t[]){6, 4, 3, 3});
  weights(b, "b2", 4, 1, (const int64_t[]){6});
  conv(b, "x w1 b1", "c1");
  onnx_node(b, "Relu", "c1", "r1", NULL);
  onnx_ints(&a, "kernel_shape", 2, (const int64_t[]){2, 2});
  onnx_ints(&a, "strides", 2, (const int64_t[]){2, 2});
  onnx_node(b, "MaxPool", "r1", "p1", &a);
  conv(b, "p1 w2 b2", "c2");
  onnx_node(b, "Relu", "c2", "r2", NULL);
}

static void pooled_head(onnx_builder *b) {
  weights(b, "w3", 7, 2, (const int64_t[]){3, 6});
  weights(b, "b3", 8, 1, (const int64_t[]){3});
  onnx_node(b, "GlobalAveragePool", "r2", "g", NULL);
  onnx_node(b, "Flatten", "g", "f", NULL);
  dense(b, "f w3 b3", "y");
}

static void flat_head(onnx_builder *b) {
  weights(b, "w3", 5, 2, (const int64_t[]){5, 216});
  weights(b, "b3", 6, 1, (const int64_t[]){5});
  weights(b, "w4", 9, 2, (const int64_t[]){3, 5});
  weights(b, "b4", 10, 1, (const int64_t[]){3});
  onnx_node(b, "Flatten", "r2", "f", NULL);
  dense(b, "f w3 b3", "d");
  onnx_node(b, "Relu", "d", "h", NULL);
  dense(b, "h w4 b4", "y");
}

static nsc_model *network(void (*head)(onnx_builder *)) {
  onnx_builder b = {0};
  trunk(&b);
  head(&b);
  onnx_metadata(&b, "nsc.labels", "[\"a\",\"b\",\"c\"]");
  onnx_metadata(&b, "nsc.output", "logits");
  onnx_metadata(&b, "nsc.input", "{\"width\":12,\"height\":12,\"channels\":1,\"mean\":[0.5],\"std\":[0.25]}");
  return onnx_model(&b);
}

static nsc_image *picture(void) {
  float values[PIXELS];
  uint8_t pixels[PIXELS];
  nsc_image *image = NULL;
  nsc_error err = {0};
  draw(100, PIXELS, 1, values);
  for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)fmin(255, floor(((double)values[i] + 1) * 128));
  if (nsc_image_from_pixels(pixels, SIDE, SIDE, 1, &image, &err) != NSC_OK)
    test_failed(__FILE__, __LINE__, "%s", err.text);
  return image;
}

static void finish(nsc_explanation *e) {
  uint32_t done, total;
  nsc_error err = {0};
  for (nsc_explanation_progress(e, &done, &total); done < total; done++) {
    if (nsc_explanation_step(e, NULL, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  }
}

/* 1e-4 of the map's range, whatever its unit. */
static void compare(const char *what, const float *map, const double *expected, size_t count) {
  double low = expected[0], high = expected[0], worst = 0;
  for (size_t i = 0; i < count; i++) {
    low = fmin(low, expected[i]);
    high = fmax(high, expected[i]);
    worst = fmax(worst, fabs((double)map[i] - expected[i]));
  }
  if (!(worst <= 1e-4 * (high - low))) {
    test_failed(__FILE__, __LINE__, "%s is %g off, in a range of %g", what, worst, high - low);
  }
}

typedef struct golden {
  nsc_explain_method method;
  const double *map;
} golden;

static void check_maps(void (*head)(onnx_builder *), const double *logits, const golden *maps, size_t count) {
  nsc_model *model = network(head);
  nsc_image *image = picture();
  nsc_classifier *c;
  nsc_error err = {0};
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  for (size_t i = 0; i < count; i++) {
    const nsc_explain_options o = {
        .method = maps[i].method, .label = 1, .samples = STEPS, .window = WINDOW, .stride = STRIDE};
    nsc_explanation *e;
    uint32_t width, height;
    char *json;
    REQUIRE(nsc_explanation_create(c, image, 0, &o, NULL, &e, &err) == NSC_OK);
    finish(e);
    const float *map = nsc_explanation_map(e, &width, &height);
    CHECK_EQ(width, SIDE);
    CHECK_EQ(height, SIDE);
    compare(nsc_explain_method_name(o.method), map, maps[i].map, PIXELS);
    REQUIRE(nsc_explanation_json(e, 0.5, &json, &err) == NSC_OK);
    double logit = NAN;
    REQUIRE(strstr(json, "\"logit\":") && sscanf(strstr(json, "\"logit\":"), "\"logit\":%lf", &logit) == 1);
    CHECK_NEAR(logit, logits[1], 1e-5);
    nsc_text_free(json);
    nsc_explanation_free(e);
  }
  nsc_classifier_free(c);
  nsc_image_free(image);
  nsc_model_free(model);
}

TEST(explain_golden_with_pooling) {
  const golden maps[] = {{NSC_EXPLAIN_CAM, pooled_cam},
                         {NSC_EXPLAIN_GRAD_CAM, pooled_grad_cam},
                         {NSC_EXPLAIN_GRAD_CAM_PP, pooled_grad_cam_plus},
                         {NSC_EXPLAIN_OCCLUSION, pooled_occlusion},
                         {NSC_EXPLAIN_GRADIENT, pooled_saliency},
                         {NSC_EXPLAIN_INTEGRATED_GRADIENTS, pooled_integrated}};
  check_maps(pooled_head, pooled_logits, maps, sizeof maps / sizeof *maps);
}

TEST(explain_golden_with_dense_layers) {
  const golden maps[] = {{NSC_EXPLAIN_GRAD_CAM, flat_grad_cam},
                         {NSC_EXPLAIN_GRAD_CAM_PP, flat_grad_cam_plus},
                         {NSC_EXPLAIN_OCCLUSION, flat_occlusion},
                         {NSC_EXPLAIN_GRADIENT, flat_saliency},
                         {NSC_EXPLAIN_INTEGRATED_GRADIENTS, flat_integrated}};
  check_maps(flat_head, flat_logits, maps, sizeof maps / sizeof *maps);
}

/* "scores": [..] of one curve. */
static void check_curve(const char *json, const char *name, const double *expected) {
  const char *at = strstr(json, name);
  REQUIRE(at != NULL && (at = strstr(at, "\"scores\":[")) != NULL);
  at += strlen("\"scores\":[");
  for (int i = 0; i < POINTS; i++) {
    char *end;
    CHECK_NEAR(strtod(at, &end), expected[i], 1e-5);
    REQUIRE(*end == (i + 1 < POINTS ? ',' : ']'));
    at = end + 1;
  }
}

TEST(explain_golden_curves) {
  void (*const heads[])(onnx_builder *) = {pooled_head, flat_head};
  const double *const expected[][2] = {{pooled_deletion, pooled_insertion}, {flat_deletion, flat_insertion}};
  for (int i = 0; i < 2; i++) {
    const nsc_explain_options o = {.method = NSC_EXPLAIN_GRAD_CAM, .label = 1, .curve = POINTS};
    nsc_model *model = network(heads[i]);
    nsc_image *image = picture();
    nsc_classifier *c;
    nsc_explanation *e;
    nsc_error err = {0};
    char *json;
    REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
    REQUIRE(nsc_explanation_create(c, image, 0, &o, NULL, &e, &err) == NSC_OK);
    finish(e);
    REQUIRE(nsc_explanation_json(e, 0.5, &json, &err) == NSC_OK);
    check_curve(json, "\"deletion\"", expected[i][0]);
    check_curve(json, "\"insertion\"", expected[i][1]);
    nsc_text_free(json);
    nsc_explanation_free(e);
    nsc_classifier_free(c);
    nsc_image_free(image);
    nsc_model_free(model);
  }
}
