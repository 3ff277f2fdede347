/*
 * Quantised operators: by hand against ONNX's definition, and steps of int8 against the same graph computed in floats
 * between DequantizeLinear and QuantizeLinear, which an Add of nothing brings about.
 */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

enum { UINT8 = 2, INT8 = 3, INT32 = 6, MOST = 4096 };

static uint32_t random_state = 1;

static float random_float(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return (float)(random_state >> 8) / (1 << 24) * 2 - 1;
}

static void scalar(onnx_builder *b, const char *name, float value) {
  onnx_floats(b, name, 0, NULL, &value);
}

static void zero_point(onnx_builder *b, const char *name, int type, int value) {
  uint8_t byte = (uint8_t)value;
  onnx_tensor(b, name, 0, NULL, type, 1, &byte);
}

/* Runs a model of one float input; output 0 goes to `y` as bytes of its type. Returns its elements; -1 after an error.
 */
static long run(onnx_builder *b, const float *x, size_t count, void *y, size_t width, char **steps, nsc_error *err) {
  size_t size, elements = 1;
  uint8_t *bytes = onnx_finish(b, &size);
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  long result = -1;
  const nsc_session_options options = {.integers = NSC_INTEGERS_ALWAYS}; /* also where they are slower */
  if (onnx_open(bytes, size, &model, err) == NSC_OK && nsc_session_create(model, &options, &session, err) == NSC_OK &&
      nsc_session_set_input(session, 0, x, count * sizeof *x, err) == NSC_OK &&
      nsc_session_run(session, NULL, err) == NSC_OK) {
    nsc_tensor_info info;
    nsc_session_output_info(session, 0, &info);
    for (uint32_t i = 0; i < info.rank; i++) elements *= (size_t)info.dims[i];
    if (elements <= MOST && nsc_session_get_output(session, 0, y, elements * width, err) == NSC_OK) {
      result = (long)elements;
    }
    if (steps && nsc_session_json(session, steps, err) != NSC_OK) result = -1;
  }
  nsc_session_free(session);
  nsc_model_free(model);
  return result;
}

static void quantise_by_hand(int type, int zero, const float *x, const int *want, size_t count) {
  onnx_builder b = {0};
  const int64_t dims[] = {(int64_t)count};
  uint8_t y[MOST];
  nsc_error err = {0};
  onnx_input(&b, "x", 1, dims);
  onnx_output(&b, "y", 1, dims);
  scalar(&b, "s", 2);
  zero_point(&b, "z", type, zero);
  onnx_node(&b, "QuantizeLinear", "x s z", "y", NULL);
  long got = run(&b, x, count, y, 1, NULL, &err);
  if (err.status) test_failed(__FILE__, __LINE__, "%s", err.text);
  CHECK_EQ(got, count);
  for (size_t i = 0; i < count; i++) CHECK_EQ(type == INT8 ? (int8_t)y[i] : y[i], want[i]);
}

TEST(quantise_rounds_half_to_even_and_saturates) {
  /* ties: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, -0.5 -> 0, -1.5 -> -2 */
  const float x[] = {0, 1, 3, 5, -1, -3, 2.9f, 253.9f, 254, 1e30f, -255, -1e30f, INFINITY, -INFINITY};
  const int plain[] = {0, 0, 2, 2, 0, -2, 1, 127, 127, 127, -128, -128, 127, -128};
  const int shifted[] = {128, 128, 130, 130, 128, 126, 129, 255, 255, 255, 0, 0, 255, 0};
  const int odd[] = {-3, -3, -1, -1, -3, -5, -2, 124, 124, 127, -128, -128, 127, -128};
  quantise_by_hand(INT8, 0, x, plain, 14);
  quantise_by_hand(UINT8, 128, x, shifted, 14);
  quantise_by_hand(INT8, -3, x, odd, 14);
}

TEST(quantise_each_channel) {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, scales[] = {1, 0.5f, 2};
  const int8_t zeros[] = {0, -10, 1};
  const int8_t want[] = {1, 2, 3, 4, 0, 2, 4, 6, 5, 6, 7, 7}; /* 4.5 + 1 -> 5, 5.5 + 1 -> 7 */
  const int64_t dims[] = {1, 3, 2, 2}, three = 3;
  onnx_builder b = {0};
  onnx_attributes a = {0};
  int8_t y[MOST];
  nsc_error err = {0};
  onnx_input(&b, "x", 4, dims);
  onnx_output(&b, "y", 4, dims);
  onnx_floats(&b, "s", 1, &three, scales);
  onnx_tensor(&b, "z", 1, &three, INT8, 1, zeros);
  onnx_int(&a, "axis", -3);
  onnx_node(&b, "QuantizeLinear", "x s z", "y", &a);
  CHECK_EQ(run(&b, x, 12, y, 1, NULL, &err), 12);
  for (int i = 0; i < 12; i++) CHECK_EQ(y[i], want[i]);
}

TEST(dequantise_constants_of_each_type) {
  const int8_t bytes[] = {-128, -1, 0, 127};
  const int32_t words[] = {-70000, 1, 2, 2000000000};
  const float scales[] = {0.5f, 2}, x[] = {0, 0, 0, 0}, want[] = {-35064, 3.5f, 4, 4000000000.0f + 252};
  const int8_t zeros[] = {0, 1};
  const int64_t dims[] = {2, 2}, two = 2;
  onnx_builder b = {0};
  onnx_attributes a = {0};
  float y[MOST];
  nsc_error err = {0};
  onnx_input(&b, "x", 2, dims);
  onnx_output(&b, "y", 2, dims);
  onnx_floats(&b, "s", 1, &two, scales);
  onnx_tensor(&b, "z", 1, &two, INT8, 1, zeros);
  onnx_tensor(&b, "bytes", 2, dims, INT8, 1, bytes);
  onnx_tensor(&b, "words", 2, dims, INT32, 4, words);
  onnx_int(&a, "axis", 0);
  onnx_node(&b, "DequantizeLinear", "bytes s z", "d", &a);
  onnx_int(&a, "axis", 0);
  onnx_node(&b, "DequantizeLinear", "words s", "w", &a);
  onnx_node(&b, "Add", "d w", "c", NULL);
  onnx_node(&b, "Add", "c x", "y", NULL);
  CHECK_EQ(run(&b, x, 4, y, 4, NULL, &err), 4);
  CHECK(fabsf(y[0] - want[0]) < 0.01f && fabsf(y[2] - (4 - 2)) < 1e-6f); /* (0 - 1) * 2 + 2 * 2 */
  CHECK(fabsf(y[1] - 0) < 1e-6f && fabsf(y[3] - want[3]) < 512);
}

/* ---- steps of int8 against floats ---- */

typedef struct quant_case {
  const char *op, *inputs; /* "x" and "z" are dequantised activations */
  const char *kind;        /* of the step that must be there */
  void (*prepare)(onnx_builder *b, onnx_attributes *a);
  int tolerance; /* in steps of the output */
  int after;     /* 0: nothing, 1: Relu between, 2: Clip between */
  float scale;   /* of the output */
  int zero;
} quant_case;

static const int64_t input_dims[] = {1, 8, 6, 5};
enum { INPUTS = 8 * 6 * 5 };

/* x -> Q -> DQ -> op [-> Relu] -> Q -> DQ -> y */
static long run_case(const quant_case *k, int type, bool plain, const float *x, float *y, char **steps) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  nsc_error err = {0};
  int shift = type == UINT8 ? 128 : 0;
  onnx_input(&b, "image", 4, input_dims);
  onnx_output(&b, "y", 0, NULL);
  scalar(&b, "nothing", 0);
  scalar(&b, "sx", 0.009f), zero_point(&b, "zx", type, shift - 7);
  scalar(&b, "sz", 0.013f), zero_point(&b, "zz", type, shift + 21);
  scalar(&b, "sy", k->scale), zero_point(&b, "zy", type, shift + k->zero);
  scalar(&b, "low", -0.2f), scalar(&b, "high", 0.3f);
  onnx_node(&b, "QuantizeLinear", "image sx zx", "xq", NULL);
  onnx_node(&b, "DequantizeLinear", "xq sx zx", plain ? "xr" : "x", NULL);
  onnx_node(&b, "Sin", "image", "sine", NULL);
  onnx_node(&b, "QuantizeLinear", "sine sz zz", "zq", NULL);
  onnx_node(&b, "DequantizeLinear", "zq sz zz", plain ? "zr" : "z", NULL);
  if (plain) onnx_node(&b, "Add", "xr nothing", "x", NULL);
  if (plain) onnx_node(&b, "Add", "zr nothing", "z", NULL);
  if (k->prepare) k->prepare(&b, &a);
  onnx_node(&b, k->op, k->inputs, "o", &a);
  if (k->after == 1) onnx_node(&b, "Relu", "o", "r", NULL);
  if (k->after == 2) onnx_node(&b, "Clip", "o low high", "r", NULL);
  onnx_node(&b, "QuantizeLinear", k->after ? "r sy zy" : "o sy zy", "yq", NULL);
  onnx_node(&b, "DequantizeLinear", "yq sy zy", "y", NULL);
  long count = run(&b, x, INPUTS, y, sizeof *y, steps, &err);
  if (err.status) test_failed(__FILE__, __LINE__, "%s: %s", k->op, err.text);
  return count;
}

static void check_case(const quant_case *k) {
  static float x[INPUTS], got[MOST], want[MOST];
  for (int i = 0; i < INPUTS; i++) x[i] = random_float() * 1.2f;
  for (int type = UINT8; type <= INT8; type++) {
    char *steps = NULL, *plain = NULL, kind[64];
    long count = run_case(k, type, false, x, got, &steps), floats = run_case(k, type, true, x, want, &plain);
    CHECK_EQ(count, floats);
    snprintf(kind, sizeof kind, "\"kind\":\"%s", k->kind); /* perhaps "in words" */
    if (!steps || !strstr(steps, kind)) test_failed(__FILE__, __LINE__, "%s: no %s in %s", k->op, kind, steps);
    if (plain && strstr(plain, kind)) test_failed(__FILE__, __LINE__, "%s: the floats are none", k->op);
    float worst = 0, range = 0;
    for (long i = 0; i < count && i < floats; i++) {
      worst = fmaxf(worst, fabsf(got[i] - want[i]) / k->scale);
      range = fmaxf(range, fabsf(want[i]) / k->scale);
    }
    if (!(worst <= (float)k->tolerance + 0.01f)) {
      test_failed(__FILE__, __LINE__, "%s, type %d: %g steps apart", k->op, type, (double)worst);
    }
    if (range < 20) test_failed(__FILE__, __LINE__, "%s: only %g steps in use", k->op, (double)range);
    nsc_text_free(steps);
    nsc_text_free(plain);
  }
}

/* Weights of one scale an output along `axis`, as int8; a bias of int32 in x's and their units. */
static void add_weights(onnx_builder *b, size_t rank, const int64_t *dims, uint32_t axis, int type) {
  size_t count = 1, outputs = (size_t)dims[axis];
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  int8_t *bytes = malloc(count);
  float scales[64], units[64];
  int32_t bias[64];
  uint8_t zeros[64];
  onnx_attributes a = {0};
  random_state = 77; /* the same for both runs */
  for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)(random_float() * 127);
  for (size_t i = 0; type == UINT8 && i < count; i++) bytes[i] = (int8_t)(bytes[i] ^ 0x80);
  for (size_t o = 0; o < outputs; o++) {
    scales[o] = 0.002f + 0.0003f * (float)o;
    units[o] = scales[o] * 0.009f;
    bias[o] = (int32_t)(random_float() * 9000);
    zeros[o] = type == UINT8 ? 128 : 0;
  }
  const int64_t n = (int64_t)outputs;
  onnx_tensor(b, "wq", rank, dims, type, 1, bytes);
  onnx_floats(b, "sw", 1, &n, scales);
  onnx_tensor(b, "zw", 1, &n, type, 1, zeros);
  onnx_int(&a, "axis", axis);
  onnx_node(b, "DequantizeLinear", "wq sw zw", "w", &a);
  onnx_tensor(b, "bq", 1, &n, INT32, 4, bias);
  onnx_floats(b, "sb", 1, &n, units);
  onnx_int(&a, "axis", 0);
  onnx_node(b, "DequantizeLinear", "bq sb", "b", &a);
  free(bytes);
}

static void prepare_3x3(onnx_builder *b, onnx_attributes *a) {
  add_weights(b, 4, (const int64_t[]){12, 8, 3, 3}, 0, INT8);
  onnx_ints(a, "pads", 4, (const int64_t[]){1, 1, 1, 1});
}

static void prepare_strided(onnx_builder *b, onnx_attributes *a) {
  add_weights(b, 4, (const int64_t[]){10, 4, 3, 2}, 0, UINT8);
  onnx_ints(a, "pads", 4, (const int64_t[]){2, 0, 1, 1});
  onnx_ints(a, "strides", 2, (const int64_t[]){2, 1});
  onnx_int(a, "group", 2);
}

static void prepare_depthwise(onnx_builder *b, onnx_attributes *a) {
  add_weights(b, 4, (const int64_t[]){8, 1, 3, 3}, 0, INT8);
  onnx_ints(a, "pads", 4, (const int64_t[]){1, 1, 1, 1});
  onnx_int(a, "group", 8);
}

static void prepare_1x1(onnx_builder *b, onnx_attributes *a) {
  (void)a;
  add_weights(b, 4, (const int64_t[]){17, 8, 1, 1}, 0, INT8);
}

static void prepare_matmul(onnx_builder *b, onnx_attributes *a) {
  (void)a;
  add_weights(b, 2, (const int64_t[]){5, 9}, 1, INT8);
}

TEST(int8_convolutions_and_products) {
  const quant_case cases[] = {
      {"Conv", "x w b", "Conv int8", prepare_3x3, 1, 0, 0.05f, 3},
      {"Conv", "x w b", "Conv int8", prepare_3x3, 1, 1, 0.03f, -128},
      {"Conv", "x w b", "Conv int8", prepare_3x3, 1, 1, 0.05f, 10},
      {"Conv", "x w", "Conv int8", prepare_3x3, 1, 2, 0.004f, 0},
      {"Conv", "x w b", "Conv int8", prepare_strided, 1, 0, 0.03f, 0},
      {"Conv", "x w b", "Conv int8", prepare_depthwise, 1, 1, 0.01f, -128},
      {"Conv", "x w b", "Conv int8", prepare_1x1, 1, 0, 0.01f, -5},
      {"MatMul", "x w", "Dense int8", prepare_matmul, 1, 1, 0.01f, -100},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

static void prepare_window(onnx_builder *b, onnx_attributes *a) {
  (void)b;
  onnx_ints(a, "kernel_shape", 2, (const int64_t[]){3, 2});
  onnx_ints(a, "pads", 4, (const int64_t[]){1, 0, 1, 1});
  onnx_ints(a, "strides", 2, (const int64_t[]){2, 1});
}

static void prepare_padded_mean(onnx_builder *b, onnx_attributes *a) {
  prepare_window(b, a);
  onnx_int(a, "count_include_pad", 1);
}

static void prepare_axis(onnx_builder *b, onnx_attributes *a) {
  (void)b;
  onnx_int(a, "axis", 1);
}

static void prepare_order(onnx_builder *b, onnx_attributes *a) {
  (void)b;
  onnx_ints(a, "perm", 4, (const int64_t[]){0, 2, 1, 3});
}

static void prepare_clip(onnx_builder *b, onnx_attributes *a) {
  (void)a;
  scalar(b, "least", -0.5f), scalar(b, "most", 0.75f);
}

TEST(int8_elementwise_and_pooling) {
  const quant_case cases[] = {
      {"Add", "x z", "Add int8", NULL, 1, 0, 0.017f, 4},
      {"Add", "x z", "Add int8", NULL, 1, 1, 0.01f, -128},
      {"Add", "x z", "Add int8", NULL, 1, 1, 0.017f, -20},
      {"Add", "x z", "Add int8", NULL, 1, 2, 0.004f, 7},
      {"Sub", "x z", "Add int8", NULL, 1, 0, 0.01f, 0},
      {"Sub", "x z", "Add int8", NULL, 1, 1, 0.002f, -3},
      {"Mul", "x z", "Mul int8", NULL, 1, 0, 0.011f, 0},
      {"Sigmoid", "x", "Table int8", NULL, 0, 0, 1.0f / 256, -128},
      {"HardSwish", "x", "Table int8", NULL, 0, 0, 0.01f, 5},
      {"LeakyRelu", "x", "Table int8", NULL, 0, 0, 0.01f, -100},
      {"Clip", "x least most", "Table int8", prepare_clip, 0, 0, 0.01f, 0},
      {"MaxPool", "x", "MaxPool int8", prepare_window, 0, 0, 0.01f, 0},
      {"AveragePool", "x", "Average int8", prepare_window, 1, 0, 0.01f, -9},
      {"AveragePool", "x", "Average int8", prepare_padded_mean, 1, 0, 0.01f, 9},
      {"GlobalAveragePool", "x", "Average int8", NULL, 1, 0, 0.001f, 9},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

/* Moves run the same operator on bytes: the plan has one Dequantize, at the end. */
TEST(int8_moves_do_not_need_floats) {
  const quant_case cases[] = {
      {"Concat", "x z x", "Concat", prepare_axis, 0, 0, 0.012f, 2},
      {"Transpose", "x", "Transpose", prepare_order, 0, 0, 0.009f, -7},
      {"Flatten", "x", "Layout", NULL, 0, 0, 0.011f, 1},
  };
  static float x[INPUTS], got[MOST], want[MOST];
  for (int i = 0; i < INPUTS; i++) x[i] = random_float() * 1.2f;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    for (int type = UINT8; type <= INT8; type++) {
      char *steps = NULL;
      long count = run_case(&cases[c], type, false, x, got, &steps);
      CHECK_EQ(run_case(&cases[c], type, true, x, want, NULL), count);
      for (long i = 0; i < count; i++) CHECK(fabsf(got[i] - want[i]) < 1e-6f);
      const char *first = steps ? strstr(steps, "\"kind\":\"Dequantize\"") : NULL;
      CHECK(first && !strstr(first + 1, "\"kind\":\"Dequantize\""));
      nsc_text_free(steps);
    }
  }
}

/* ---- files that are wrong ---- */

typedef struct hostile {
  float scale[2];
  int64_t scales;
  int64_t zeros;
  int zero_type, axis;
  const char *says;
} hostile;

TEST(quantised_models_that_are_wrong_say_so) {
  const hostile cases[] = {
      {{0, 1}, 1, 1, INT8, 1, "scale 0 is 0"},
      {{NAN, 1}, 1, 1, INT8, 1, "positive and finite"},
      {{-1, 1}, 1, 1, INT8, 1, "scale 0 is -1"},
      {{INFINITY, 1}, 1, 1, INT8, 1, "positive and finite"},
      {{1, 0}, 2, 2, INT8, 1, "scale 1 is 0"},
      {{1, 1}, 2, 1, INT8, 1, "1 zero points for 2 scales"},
      {{1, 1}, 2, 2, INT8, 0, "2 scales for 3 channels"},
      {{1, 1}, 2, 2, INT8, 1000000, "axis 1000000"},
      {{1, 1}, 2, 2, INT8, -9, "axis -9"},
      {{1, 1}, 0, 0, INT8, 1, "empty"},
      {{1, 1}, 1, 1, INT32, 1, "int32"},
      {{1, 1}, 1, 1, 5, 1, "int16"},
  };
  const float x[6] = {0};
  float y[MOST];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const hostile *h = &cases[i];
    const uint8_t zeros[16] = {0};
    onnx_builder b = {0};
    onnx_attributes a = {0};
    nsc_error err = {0};
    onnx_input(&b, "x", 2, (const int64_t[]){3, 2});
    onnx_output(&b, "y", 2, (const int64_t[]){3, 2});
    onnx_floats(&b, "s", 1, &h->scales, h->scale);
    onnx_tensor(&b, "z", 1, &h->zeros, h->zero_type, h->zero_type == INT32 ? 4 : h->zero_type == 5 ? 2 : 1, zeros);
    onnx_int(&a, "axis", h->axis);
    onnx_node(&b, "QuantizeLinear", "x s z", "q", &a);
    onnx_int(&a, "axis", h->axis);
    onnx_node(&b, "DequantizeLinear", "q s z", "y", &a);
    CHECK_EQ(run(&b, x, 6, y, 4, NULL, &err), -1);
    if (!strstr(err.text, h->says)) test_failed(__FILE__, __LINE__, "\"%s\" does not say %s", err.text, h->says);
  }
}
