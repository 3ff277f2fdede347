/* Post-training quantisation: ranges, what becomes of a graph, and what its outputs lose. */
#include <stdlib.h>

#include "nn/quantize.h"
#include "nn/quantize_range.h"
#include "onnx_builder.h"
#include "test.h"

static uint32_t random_state = 9;

static float random_float(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return (float)(random_state >> 8) / (1 << 24) * 2 - 1;
}

/* ---- ranges ---- */

/* 0.001 to 1 in steps of 0.001 a hundred times, as many below zero at half the size, and one value far out. */
static nsc_value_histogram *filled(float outlier) {
  nsc_value_histogram *h = calloc(1, sizeof *h);
  for (int repeat = 0; repeat < 100; repeat++) {
    for (int i = 1; i <= 1000; i++) {
      const float pair[] = {(float)i * 0.001f, (float)i * -0.0005f, 0};
      nsc_histogram_add(h, pair, 3);
    }
  }
  nsc_histogram_add(h, &outlier, 1);
  return h;
}

static void check_range(const nsc_value_histogram *h, nsc_quantize_method method, double percentile, double low,
                        double high, double tolerance) {
  double l, u;
  nsc_histogram_range(h, method, percentile, &l, &u);
  if (fabs(l - low) > tolerance || fabs(u - high) > tolerance) {
    test_failed(__FILE__, __LINE__, "method %d: %g to %g instead of %g to %g", (int)method, l, u, low, high);
  }
}

TEST(quantize_ranges) {
  nsc_value_histogram *h = filled(40);
  CHECK_EQ(h->count, 300001);
  CHECK_EQ(h->zeros, 100000);
  uint64_t in_bins = 0;
  for (int i = 0; i < NSC_HISTOGRAM_BINS; i++) in_bins += h->bins[i];
  CHECK_EQ(in_bins, 200001);
  check_range(h, NSC_QUANTIZE_MINMAX, 0, -0.5, 40, 1e-6);
  /* Bins are 64 / 2048 wide since the outlier came. One in 300001 lies outside of the 99.999th percentile. */
  check_range(h, NSC_QUANTIZE_PERCENTILE, 99.999, -0.5, 1, 0.04);
  /* 90: 30000 of 100000 on either side. */
  check_range(h, NSC_QUANTIZE_PERCENTILE, 90, -0.35, 0.7, 0.04);
  double low, high;
  nsc_histogram_range(h, NSC_QUANTIZE_ENTROPY, 0, &low, &high);
  CHECK(low <= -0.45 && high >= 0.9 && high < 12);
  free(h);
  h = filled(0.5f);
  check_range(h, NSC_QUANTIZE_MSE, 0, -0.5, 1, 0.02); /* nothing far out: nothing to gain by cutting */
  free(h);
}

/* Mostly small values and a thin tail: cutting the tail costs less than coarse steps would. */
TEST(quantize_mse_cuts_thin_tails) {
  nsc_value_histogram *h = calloc(1, sizeof *h);
  for (int i = 0; i < 200000; i++) {
    float value = 0.01f * random_float();
    nsc_histogram_add(h, &value, 1);
  }
  const float far[] = {0.5f, -0.5f};
  nsc_histogram_add(h, far, 2);
  double low, high;
  nsc_histogram_range(h, NSC_QUANTIZE_MSE, 0, &low, &high);
  CHECK(high < 0.45 && high > 0.009 && low > -0.5 && low < -0.009);
  free(h);
}

TEST(quantize_steps_hold_zero) {
  float scale;
  int32_t zero;
  nsc_range_to_int8(0, 2.55, &scale, &zero);
  CHECK(fabsf(scale - 0.01f) < 1e-7f);
  CHECK_EQ(zero, -128);
  nsc_range_to_int8(-1, 0, &scale, &zero);
  CHECK_EQ(zero, 127);
  nsc_range_to_int8(-1.28, 1.27, &scale, &zero);
  CHECK_EQ(zero, 0);
  nsc_range_to_int8(0, 0, &scale, &zero);
  CHECK(scale == 1);
  nsc_value_histogram none = {0};
  double low = 5, high = 5;
  nsc_histogram_range(&none, NSC_QUANTIZE_MSE, 0, &low, &high);
  CHECK(low == 0 && high == 0);
}

/* ---- a network: Conv, norm, Relu, depthwise, sum, pooling, mean, dense ---- */

enum { SIZE = 10, CHANNELS = 8, PICTURE = 3 * SIZE * SIZE };

static void add_random(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, float scale, float offset) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *values = malloc(count * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = random_float() * scale + offset;
  onnx_floats(b, name, rank, dims, values);
  free(values);
}

static nsc_model *small_network(int64_t opset) {
  onnx_builder b = {.opset = opset};
  onnx_attributes a = {0};
  const int64_t c = CHANNELS, five = 5, pads[] = {1, 1, 1, 1}, two[] = {2, 2};
  random_state = 4;
  onnx_input(&b, "image", 4, (const int64_t[]){-1, 3, SIZE, SIZE});
  onnx_output(&b, "scores", 2, (const int64_t[]){-1, 5});
  onnx_metadata(&b, "nsc.name", "small");
  add_random(&b, "w1", 4, (const int64_t[]){CHANNELS, 3, 3, 3}, 0.3f, 0);
  onnx_ints(&a, "pads", 4, pads);
  onnx_node(&b, "Conv", "image w1", "c1", &a);
  add_random(&b, "g", 1, &c, 0.3f, 1), add_random(&b, "s", 1, &c, 0.2f, 0);
  add_random(&b, "m", 1, &c, 0.2f, 0), add_random(&b, "v", 1, &c, 0.2f, 0.5f);
  onnx_node(&b, "BatchNormalization", "c1 g s m v", "n1", NULL);
  onnx_node(&b, "Relu", "n1", "r1", NULL);
  add_random(&b, "w2", 4, (const int64_t[]){CHANNELS, 1, 3, 3}, 0.4f, 0), add_random(&b, "b2", 1, &c, 0.2f, 0);
  onnx_ints(&a, "pads", 4, pads);
  onnx_int(&a, "group", CHANNELS);
  onnx_node(&b, "Conv", "r1 w2 b2", "c2", &a);
  onnx_node(&b, "Add", "c2 r1", "a", NULL);
  onnx_node(&b, "Relu", "a", "r2", NULL);
  onnx_ints(&a, "kernel_shape", 2, two);
  onnx_ints(&a, "strides", 2, two);
  onnx_node(&b, "MaxPool", "r2", "p", &a);
  add_random(&b, "w3", 4, (const int64_t[]){CHANNELS, CHANNELS, 1, 1}, 0.5f, 0);
  onnx_node(&b, "Conv", "p w3", "c3", NULL);
  onnx_node(&b, "GlobalAveragePool", "c3", "mean", NULL);
  onnx_node(&b, "Flatten", "mean", "flat", NULL);
  add_random(&b, "w4", 2, (const int64_t[]){CHANNELS, 5}, 0.5f, 0), add_random(&b, "b4", 1, &five, 0.3f, 0);
  onnx_node(&b, "Gemm", "flat w4 b4", "scores", NULL);
  return onnx_model(&b);
}

static void draw(float *picture) {
  for (int i = 0; i < PICTURE; i++) picture[i] = random_float() * 1.5f;
}

static nsc_model *reopen(char *bytes, size_t size) {
  nsc_source *source;
  nsc_model *model = NULL;
  nsc_error err = {0};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK || nsc_model_open(source, &model, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  nsc_text_free(bytes);
  return model;
}

static nsc_model *quantised(const nsc_model *model, const nsc_quantize_options *options, int pictures, nsc_error *err) {
  nsc_quantizer *q = NULL;
  float picture[PICTURE];
  char *bytes = NULL;
  size_t size = 0;
  random_state = 11;
  nsc_status status = nsc_quantizer_create(model, NULL, options, &q, err);
  for (int i = 0; i < pictures && status == NSC_OK; i++) {
    draw(picture);
    status = nsc_quantizer_observe(q, picture, PICTURE, false, NULL, err);
  }
  static const char *const keys[] = {"nsc.quantization"}, *const words[] = {"{}"};
  if (status == NSC_OK) status = nsc_quantizer_finish(q, 1, keys, words, &bytes, &size, err);
  nsc_quantizer_free(q);
  return status == NSC_OK ? reopen(bytes, size) : NULL;
}

/* Runs `count` new pictures through both and gives the largest difference relative to the largest score. */
static double difference_as(const nsc_model *a, const nsc_model *b, nsc_integers integers, char **steps) {
  const nsc_model *models[] = {a, b};
  nsc_session *sessions[2] = {0};
  nsc_error err = {0};
  double worst = 0, largest = 0;
  for (int k = 0; k < 2; k++) {
    const nsc_session_options options = {.integers = integers};
    if (nsc_session_create(models[k], &options, &sessions[k], &err) != NSC_OK) {
      test_failed(__FILE__, __LINE__, "%s", err.text);
      return INFINITY;
    }
  }
  for (int i = 0; i < 20; i++) {
    float picture[PICTURE], y[2][5];
    draw(picture);
    for (int k = 0; k < 2; k++) {
      if (nsc_session_set_input(sessions[k], 0, picture, sizeof picture, &err) != NSC_OK ||
          nsc_session_run(sessions[k], NULL, &err) != NSC_OK ||
          nsc_session_get_output(sessions[k], 0, y[k], sizeof y[k], &err) != NSC_OK) {
        test_failed(__FILE__, __LINE__, "%s", err.text);
      }
    }
    for (int o = 0; o < 5; o++) {
      worst = fmax(worst, fabs((double)y[0][o] - (double)y[1][o]));
      largest = fmax(largest, fabs((double)y[0][o]));
    }
  }
  if (steps && nsc_session_json(sessions[1], steps, &err) != NSC_OK) *steps = NULL;
  nsc_session_free(sessions[0]);
  nsc_session_free(sessions[1]);
  return worst / largest;
}

static double difference(const nsc_model *a, const nsc_model *b, char **steps) {
  return difference_as(a, b, NSC_INTEGERS_ALWAYS, steps);
}

static int times(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; at && (at = strstr(at, part)); at++) count++;
  return count;
}

/* However they are computed. */
static int convolutions_of_int8(const char *steps) {
  return times(steps, "\"Conv int8") + times(steps, "\"Winograd 4x4 int8\"");
}

TEST(quantize_a_network) {
  for (int method = NSC_QUANTIZE_MINMAX; method <= NSC_QUANTIZE_ENTROPY; method++) {
    for (int64_t opset = 11; opset <= 13; opset += 2) { /* before 13 the nodes are com.microsoft's */
      nsc_error err = {0};
      const nsc_quantize_options options = {.method = (nsc_quantize_method)method};
      nsc_model *model = small_network(opset), *small = quantised(model, &options, 30, &err);
      if (!small) test_failed(__FILE__, __LINE__, "%s", err.text);
      REQUIRE(small);
      char *steps = NULL;
      double lost = difference(model, small, &steps);
      if (!(lost < 0.06)) test_failed(__FILE__, __LINE__, "method %d: %g", method, lost);
      CHECK(lost > 1e-5); /* it is another computation */
      CHECK_EQ(convolutions_of_int8(steps), 3);
      CHECK_EQ(times(steps, "\"Add int8\""), 1);
      CHECK_EQ(times(steps, "\"MaxPool int8\""), 1);
      CHECK_EQ(times(steps, "\"Average int8\""), 1);
      CHECK_EQ(times(steps, "\"Dense\""), 1); /* scores from floats */
      CHECK_EQ(times(steps, "\"Dequantize\""), 0);
      CHECK(nsc_model_bytes(small) < nsc_model_bytes(model) * 2);
      CHECK(strcmp(nsc_model_metadata(small, "nsc.name", NULL), "small") == 0);
      CHECK(strcmp(nsc_model_metadata(small, "nsc.quantization", NULL), "{}") == 0);
      nsc_text_free(steps);
      nsc_model_free(small);
      nsc_model_free(model);
    }
  }
}

/* A first layer, a wide one, a strided one, groups and a product. */
static nsc_model *wide_network(void) {
  onnx_builder b = {.opset = 13};
  onnx_attributes a = {0};
  const int64_t pads[] = {1, 1, 1, 1}, two[] = {2, 2};
  random_state = 9;
  onnx_input(&b, "image", 4, (const int64_t[]){-1, 3, SIZE, SIZE});
  onnx_output(&b, "scores", 2, (const int64_t[]){-1, 5});
  add_random(&b, "w1", 4, (const int64_t[]){32, 3, 3, 3}, 0.3f, 0);
  onnx_ints(&a, "pads", 4, pads);
  onnx_node(&b, "Conv", "image w1", "c1", &a);
  onnx_node(&b, "Relu", "c1", "r1", NULL);
  add_random(&b, "w2", 4, (const int64_t[]){40, 32, 3, 3}, 0.2f, 0);
  onnx_ints(&a, "pads", 4, pads);
  onnx_node(&b, "Conv", "r1 w2", "c2", &a);
  onnx_node(&b, "Relu", "c2", "r2", NULL);
  add_random(&b, "w3", 4, (const int64_t[]){48, 20, 3, 3}, 0.2f, 0);
  onnx_ints(&a, "strides", 2, two);
  onnx_int(&a, "group", 2);
  onnx_node(&b, "Conv", "r2 w3", "c3", &a);
  add_random(&b, "w4", 4, (const int64_t[]){24, 48, 1, 1}, 0.2f, 0);
  onnx_node(&b, "Conv", "c3 w4", "c4", NULL);
  onnx_node(&b, "Relu", "c4", "r4", NULL);
  onnx_node(&b, "GlobalAveragePool", "r4", "mean", NULL);
  onnx_node(&b, "Flatten", "mean", "flat", NULL);
  add_random(&b, "w5", 2, (const int64_t[]){24, 5}, 0.5f, 0);
  onnx_node(&b, "Gemm", "flat w5", "scores", NULL);
  return onnx_model(&b);
}

/* XNNPACK's operators and ours in words, to the bit; natively words are computed with when they are asked for. */
TEST(quantized_models_compute_the_same_in_words) {
  enum { WORDS = 32, TILES = 64 };
  nsc_error err = {0};
  const nsc_quantize_options quantize = {0};
  nsc_model *model = wide_network(), *small = quantised(model, &quantize, 20, &err);
  REQUIRE(small);
  nsc_assume_decisions(WORDS | TILES);
  float scores[2][5];
  char *steps[2] = {0};
  for (int stock = 0; stock < 2; stock++) {
    const nsc_session_options options = {.integers = NSC_INTEGERS_ALWAYS, .stock = stock};
    nsc_session *session;
    float picture[PICTURE];
    random_state = 77;
    draw(picture);
    REQUIRE(nsc_session_create(small, &options, &session, &err) == NSC_OK);
    REQUIRE(nsc_session_set_input(session, 0, picture, sizeof picture, &err) == NSC_OK);
    REQUIRE(nsc_session_run(session, NULL, &err) == NSC_OK);
    REQUIRE(nsc_session_get_output(session, 0, scores[stock], sizeof scores[stock], &err) == NSC_OK);
    REQUIRE(nsc_session_json(session, &steps[stock], &err) == NSC_OK);
    nsc_session_free(session);
  }
  nsc_assume_decisions(0);
  for (int o = 0; o < 5; o++) CHECK_EQ(scores[0][o], scores[1][o]);
  CHECK_EQ(convolutions_of_int8(steps[0]), 4);
  CHECK_EQ(times(steps[1], "\"Conv int8\""), 4);
#ifndef __wasm__
  CHECK_EQ(times(steps[0], "\"Winograd 4x4 int8\""), 1);
  CHECK_EQ(times(steps[0], "\"Conv int8 in words\""), 2); /* groups of 20 channels are XNNPACK's */
#endif
  nsc_text_free(steps[0]);
  nsc_text_free(steps[1]);
  nsc_model_free(small);
  nsc_model_free(model);
}

/* Where integers would be slower: the same ranges, the same layers as floats, nothing rounded but the weights. */
TEST(quantized_models_run_as_floats) {
  nsc_error err = {0};
  const nsc_quantize_options options = {0};
  nsc_model *model = small_network(13), *small = quantised(model, &options, 100, &err);
  REQUIRE(small);
  char *steps = NULL;
  double lost = difference_as(model, small, NSC_INTEGERS_NEVER, &steps);
  CHECK(lost < 0.03 && lost > 1e-5);
  CHECK_EQ(times(steps, "int8") + times(steps, "Quantize") + times(steps, "Dequantize"), 0);
  CHECK_EQ(times(steps, "\"Range\""), 1); /* the input's: all others are bounds of a layer */
  nsc_text_free(steps);
  nsc_model_free(small);
  nsc_model_free(model);
}

TEST(quantize_keeps_layers_in_float) {
  nsc_error err = {0};
  static const char *const all[] = {"no*", "x"}, *const none[] = {"n?x"};
  nsc_model *model = small_network(13);
  char *steps = NULL;
  nsc_quantize_options options = {.keep_count = 2, .keep = all}; /* the builder calls every node "node" */
  CHECK(!quantised(model, &options, 5, &err));
  CHECK_EQ(err.status, NSC_ERROR_UNSUPPORTED);
  err = (nsc_error){0};
  options = (nsc_quantize_options){.keep_count = 1, .keep = none, .float_first = true};
  nsc_model *small = quantised(model, &options, 5, &err);
  REQUIRE(small);
  CHECK(difference(model, small, &steps) < 0.06);
  CHECK_EQ(convolutions_of_int8(steps), 2);
  nsc_text_free(steps);
  nsc_model_free(small);
  nsc_model_free(model);
}

TEST(quantize_says_what_it_cannot) {
  nsc_error err = {0};
  const nsc_quantize_options options = {0}, odd = {.method = NSC_QUANTIZE_PERCENTILE, .percentile = 12};
  nsc_model *model = small_network(13), *small = quantised(model, &options, 10, &err);
  REQUIRE(small);
  CHECK(!quantised(small, &options, 1, &err)); /* twice */
  CHECK_EQ(err.status, NSC_ERROR_UNSUPPORTED);
  err = (nsc_error){0};
  CHECK(!quantised(model, &options, 0, &err));
  CHECK_EQ(err.status, NSC_ERROR_ARGUMENT);
  err = (nsc_error){0};
  CHECK(!quantised(model, &odd, 1, &err));
  CHECK_EQ(err.status, NSC_ERROR_ARGUMENT);
  nsc_quantizer *q = NULL;
  float picture[PICTURE] = {NAN};
  char *bytes;
  size_t size;
  err = (nsc_error){0};
  CHECK(nsc_quantizer_create(model, NULL, &options, &q, &err) == NSC_OK);
  CHECK(nsc_quantizer_observe(q, picture, PICTURE, false, NULL, &err) == NSC_OK);
  CHECK(nsc_quantizer_finish(q, 0, NULL, NULL, &bytes, &size, &err) == NSC_ERROR_CORRUPT);
  nsc_quantizer_free(q);
  nsc_model_free(small);
  nsc_model_free(model);
}

TEST(quantize_weights_alone) {
  nsc_model *model = small_network(13);
  const double bounds[] = {1e-3, 0.03};
  for (int storage = NSC_WEIGHTS_F16; storage <= NSC_WEIGHTS_INT8; storage++) {
    nsc_error err = {0};
    char *bytes = NULL, *steps = NULL;
    size_t size;
    CHECK(nsc_quantize_weights(model, (nsc_weight_storage)storage, &bytes, &size, &err) == NSC_OK);
    REQUIRE(bytes);
    nsc_model *small = reopen(bytes, size);
    double lost = difference(model, small, &steps);
    if (!(lost < bounds[storage] && lost > 0)) test_failed(__FILE__, __LINE__, "storage %d: %g", storage, lost);
    CHECK_EQ(times(steps, "int8"), 0); /* computed as floats */
    nsc_text_free(steps);
    nsc_model_free(small);
  }
  nsc_model_free(model);
}

/* Weights elsewhere and functions of the model's own: a copy of the file's nodes and tensors would lack them. */
TEST(quantize_refuses_what_it_cannot_copy) {
  static const int64_t dims[] = {1, 4}, four[] = {4};
  for (int kind = 0; kind < 2; kind++) {
    onnx_builder b = {0}, body = {.is_body = true};
    nsc_error err = {0};
    onnx_input(&b, "x", 2, dims);
    onnx_output(&b, "y", 2, dims);
    if (kind == 0) {
      onnx_external(&b, "w", 1, four, "w.bin", "0", "16");
      onnx_node(&b, "Mul", "x w", "y", NULL);
    } else {
      onnx_node(&body, "Relu", "v", "w", NULL);
      onnx_function(&b, "own", "v", "w", &body);
      onnx_call(&b, "own", "x", "y", NULL);
    }
    size_t size;
    uint8_t *bytes = onnx_finish(&b, &size);
    nsc_model *model = NULL;
    REQUIRE(onnx_open(bytes, size, &model, &err) == NSC_OK);
    const nsc_quantize_options options = {0};
    nsc_quantizer *q = NULL;
    char *out;
    CHECK_EQ(nsc_quantizer_create(model, NULL, &options, &q, &err), NSC_ERROR_UNSUPPORTED);
    CHECK_HAS(err.text, kind ? "functions" : "other files");
    CHECK_EQ(nsc_quantize_weights(model, NSC_WEIGHTS_INT8, &out, &size, NULL), NSC_ERROR_UNSUPPORTED);
    nsc_model_free(model);
  }
}
