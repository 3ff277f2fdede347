/* What nsc_model_memory says before a session is there, against what is counted while one is made. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

enum { SIDE = 24, WIDE = 32 };

static float *ramp(size_t count) {
  float *values = malloc(count * sizeof *values);
  for (size_t i = 0; values && i < count; i++) values[i] = (float)(i % 17) / 17 - 0.5f;
  return values;
}

static void weights(onnx_builder *b, const char *name, size_t rank, const int64_t *dims) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *values = ramp(count);
  onnx_floats(b, name, rank, dims, values);
  free(values);
}

static void conv(onnx_builder *b, const char *op, const char *inputs, const char *output, int64_t kernel,
                 int64_t stride, int64_t groups) {
  onnx_attributes a = {0};
  int64_t pad = kernel / 2;
  onnx_ints(&a, "kernel_shape", 2, (const int64_t[]){kernel, kernel});
  onnx_ints(&a, "strides", 2, (const int64_t[]){stride, stride});
  onnx_ints(&a, "pads", 4, (const int64_t[]){pad, pad, pad, pad});
  onnx_int(&a, "group", groups);
  onnx_node(b, op, inputs, output, &a);
}

/* One of each operator that packs weights: a stem, 3x3 at stride 1 and 2, depthwise, 1x1, grouped, transposed, and a
   product; and a convolution of constants, which is computed while the plan is made. */
static nsc_model *build(nsc_error *err) {
  onnx_builder b = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 3, SIDE, SIDE});
  weights(&b, "stem", 4, (const int64_t[]){WIDE, 3, 7, 7});
  weights(&b, "three", 4, (const int64_t[]){WIDE, WIDE, 3, 3});
  weights(&b, "depthwise", 4, (const int64_t[]){WIDE, 1, 5, 5});
  weights(&b, "one", 4, (const int64_t[]){2 * WIDE, WIDE, 1, 1});
  weights(&b, "grouped", 4, (const int64_t[]){2 * WIDE, WIDE, 3, 3});
  weights(&b, "transposed", 4, (const int64_t[]){2 * WIDE, WIDE, 2, 2});
  weights(&b, "constant", 4, (const int64_t[]){1, WIDE, 1, 1});
  weights(&b, "map", 4, (const int64_t[]){WIDE, WIDE, 1, 1});
  weights(&b, "matrix", 2, (const int64_t[]){WIDE, 10});
  conv(&b, "Conv", "x stem", "a", 7, 2, 1);
  conv(&b, "Conv", "a three", "b", 3, 1, 1);
  conv(&b, "Conv", "b three", "c", 3, 2, 1);
  conv(&b, "Conv", "c depthwise", "d", 5, 1, WIDE);
  conv(&b, "Conv", "d one", "e", 1, 1, 1);
  conv(&b, "Conv", "e grouped", "f", 3, 1, 2);
  onnx_attributes a = {0};
  onnx_ints(&a, "strides", 2, (const int64_t[]){2, 2});
  onnx_node(&b, "ConvTranspose", "f transposed", "g", &a);
  conv(&b, "Conv", "constant map", "h", 1, 1, 1);
  onnx_node(&b, "Add", "g h", "i", NULL);
  onnx_node(&b, "GlobalAveragePool", "i", "j", NULL);
  onnx_node(&b, "Flatten", "j", "k", NULL);
  onnx_node(&b, "MatMul", "k matrix", "y", NULL);
  onnx_output(&b, "y", 2, (const int64_t[]){-1, 10});
  size_t size;
  nsc_model *model = NULL;
  uint8_t *bytes = onnx_finish(&b, &size);
  return onnx_open(bytes, size, &model, err) == NSC_OK ? model : NULL;
}

TEST(memory_is_said_as_it_is_counted) {
  nsc_error err = {0};
  nsc_model *model = build(&err);
  REQUIRE(model);
  for (uint32_t threads = 1; threads <= 3; threads += 2) {
    for (int stock = 0; stock < 2; stock++) {
      nsc_memory said, counted;
      nsc_session *session = NULL;
      const nsc_session_options options = {.threads = threads, .stock = stock};
      CHECK(nsc_model_memory(model, &options, &said, &err) == NSC_OK);
      REQUIRE(nsc_session_create(model, &options, &session, &err) == NSC_OK);
      nsc_session_memory(session, &counted);
      CHECK_EQ(said.file, counted.file);
      CHECK_EQ(said.weights, counted.weights);
      CHECK_EQ(said.activations, counted.activations);
      CHECK_EQ(said.other, counted.other);
      CHECK_EQ(said.peak, counted.peak);
      CHECK(said.peak >= said.file + said.weights + said.activations + said.other);
      nsc_session_free(session);
    }
  }
  nsc_model_free(model);
}

TEST(memory_counts_weights_and_activations) {
  nsc_error err = {0};
  nsc_model *model = build(&err);
  REQUIRE(model);
  nsc_tensor_info shape = {.rank = 4, .dims = {1, 3, SIDE, SIDE}};
  nsc_session_options options = {.stock = true, .input_count = 1, .inputs = &shape};
  nsc_memory one, eight;
  REQUIRE(nsc_model_memory(model, &options, &one, &err) == NSC_OK);
  shape.dims[0] = 8;
  REQUIRE(nsc_model_memory(model, &options, &eight, &err) == NSC_OK);
  size_t floats = WIDE * 3 * 49 + 2 * WIDE * WIDE * 9 + WIDE * 25 + 2 * WIDE * WIDE + 2 * WIDE * WIDE * 9 +
                  2 * WIDE * WIDE * 4 + WIDE * 10;
  CHECK(one.weights >= floats * sizeof(float));
  CHECK_EQ(one.weights, eight.weights);
  /* The largest layer's input and output at least: 12 x 12 pixels of both. */
  size_t layer = 2 * 12 * 12 * WIDE * sizeof(float);
  CHECK(one.activations >= layer && eight.activations >= 8 * layer && eight.activations <= 8 * one.activations);
  nsc_model_free(model);
}

TEST(memory_of_what_cannot_run_is_an_error) {
  nsc_error err = {0};
  nsc_memory memory;
  nsc_model *model = build(&err);
  REQUIRE(model);
  const nsc_tensor_info wrong = {.rank = 4, .dims = {1, 3, SIDE, -1}};
  const nsc_session_options options = {.input_count = 1, .inputs = &wrong};
  CHECK(nsc_model_memory(model, &options, &memory, &err) == NSC_ERROR_SHAPE);
  CHECK(nsc_model_memory(NULL, NULL, &memory, &(nsc_error){0}) == NSC_ERROR_ARGUMENT);
  nsc_model_free(model);
}
