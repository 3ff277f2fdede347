/* Graphs that are more than a list of nodes: branches, functions of the model's own, weights in other files. */
#include <stdlib.h>
#include <string.h>

#include "onnx_builder.h"
#include "test.h"

static const int64_t four[] = {4}, open_row[] = {-1, 4};

/* Runs an opened model on 1, -2, 3, -4 and gives its first four outputs. */
static nsc_status run_four(nsc_model *model, float out[4], nsc_error *err) {
  static const float x[] = {1, -2, 3, -4};
  nsc_session *session = NULL;
  nsc_status status = nsc_session_create(model, NULL, &session, err);
  if (status == NSC_OK) status = nsc_session_set_input(session, 0, x, sizeof x, err);
  if (status == NSC_OK) status = nsc_session_run(session, NULL, err);
  if (status == NSC_OK) status = nsc_session_get_output(session, 0, out, 4 * sizeof *out, err);
  nsc_session_free(session);
  return status;
}

static nsc_status run_builder(onnx_builder *b, float out[4], nsc_error *err) {
  size_t size;
  nsc_model *model = NULL;
  uint8_t *bytes = onnx_finish(b, &size);
  nsc_status status = onnx_open(bytes, size, &model, err);
  if (status == NSC_OK) status = run_four(model, out, err);
  nsc_model_free(model);
  return status;
}

/* ---- If ---- */

/* y = x + (rows of x == `rows` ? 10 : 20 + k), the sum in the second branch being made of an outer and an inner name.
 */
static void build_if(onnx_builder *b, int64_t rows) {
  onnx_builder then = {0}, other = {0};
  onnx_attributes a = {0};
  static const float ten = 10, twenty = 20, outer = 5;
  onnx_input(b, "x", 2, open_row);
  onnx_output(b, "y", 2, open_row);
  onnx_node(b, "Shape", "x", "s", NULL);
  onnx_int64s(b, "first", 0, NULL, (const int64_t[]){0});
  onnx_int64s(b, "rows", 0, NULL, &rows);
  onnx_floats(b, "outer", 0, NULL, &outer);
  onnx_node(b, "Gather", "s first", "n", NULL);
  onnx_node(b, "Equal", "n rows", "c", NULL);
  onnx_floats(&then, "t", 0, NULL, &ten);
  onnx_node(&then, "Add", "x t", "r", NULL);
  onnx_output(&then, "r", 2, open_row);
  onnx_floats(&other, "t", 0, NULL, &twenty);
  onnx_node(&other, "Add", "t outer", "r", NULL);
  onnx_node(&other, "Add", "x r", "z", NULL);
  onnx_output(&other, "z", 2, open_row);
  onnx_branch(&a, "then_branch", &then);
  onnx_branch(&a, "else_branch", &other);
  onnx_node(b, "If", "c", "y", &a);
}

TEST(graph_if_takes_the_branch_that_the_shape_says) {
  float y[4];
  nsc_error err = {0};
  onnx_builder b = {0};
  build_if(&b, 1);
  REQUIRE(run_builder(&b, y, &err) == NSC_OK);
  CHECK_EQ(y[0], 11);
  CHECK_EQ(y[3], 6);
  build_if(&b, 2);
  REQUIRE(run_builder(&b, y, &err) == NSC_OK);
  CHECK_EQ(y[0], 26);
  CHECK_EQ(y[3], 21);
}

TEST(graph_if_within_if) {
  onnx_builder b = {0}, then = {0}, other = {0}, inner_then = {0}, inner_else = {0};
  onnx_attributes a = {0};
  nsc_error err = {0};
  float y[4];
  static const int64_t one = 1;
  onnx_input(&b, "x", 2, open_row);
  onnx_output(&b, "y", 2, open_row);
  onnx_node(&b, "Shape", "x", "s", NULL);
  onnx_int64s(&b, "first", 0, NULL, (const int64_t[]){0});
  onnx_int64s(&b, "one", 0, NULL, &one);
  onnx_node(&b, "Gather", "s first", "n", NULL);
  onnx_node(&b, "Equal", "n one", "yes", NULL);
  onnx_node(&b, "Not", "yes", "no", NULL);
  onnx_node(&inner_then, "Abs", "x", "r", NULL);
  onnx_output(&inner_then, "r", 2, open_row);
  onnx_node(&inner_else, "Neg", "x", "r", NULL);
  onnx_output(&inner_else, "r", 2, open_row);
  onnx_branch(&a, "then_branch", &inner_then);
  onnx_branch(&a, "else_branch", &inner_else);
  onnx_node(&then, "If", "no", "r", &a);
  onnx_output(&then, "r", 2, open_row);
  /* Never wanted. */
  onnx_node(&other, "Relu", "x", "r", NULL);
  onnx_output(&other, "r", 2, open_row);
  onnx_branch(&a, "then_branch", &then);
  onnx_branch(&a, "else_branch", &other);
  onnx_node(&b, "If", "yes", "y", &a);
  REQUIRE(run_builder(&b, y, &err) == NSC_OK);
  CHECK_EQ(y[0], -1);
  CHECK_EQ(y[1], 2);
}

TEST(graph_if_on_pixels_is_refused) {
  onnx_builder b = {0}, then = {0}, other = {0};
  onnx_attributes a = {0};
  nsc_error err = {0};
  float y[4];
  onnx_input(&b, "x", 2, open_row);
  onnx_output(&b, "y", 2, open_row);
  onnx_int(&a, "keepdims", 0);
  onnx_node(&b, "ReduceMax", "x", "m", &a);
  onnx_node(&b, "Greater", "m m", "c", NULL);
  onnx_node(&then, "Relu", "x", "r", NULL);
  onnx_output(&then, "r", 2, open_row);
  onnx_node(&other, "Neg", "x", "r", NULL);
  onnx_output(&other, "r", 2, open_row);
  onnx_branch(&a, "then_branch", &then);
  onnx_branch(&a, "else_branch", &other);
  onnx_node(&b, "If", "c", "y", &a);
  CHECK_EQ(run_builder(&b, y, &err), NSC_ERROR_OPERATOR);
  CHECK_HAS(err.text, "must be a constant");
}

/* ---- functions ---- */

static void build_functions(onnx_builder *b) {
  onnx_builder leak = {.is_body = true}, twice = {.is_body = true};
  onnx_attributes a = {0};
  onnx_input(b, "x", 2, open_row);
  onnx_output(b, "y", 2, open_row);
  onnx_reference(&a, "alpha", "slope", 1);
  onnx_node(&leak, "LeakyRelu", "v", "t", &a);
  onnx_node(&leak, "Identity", "t", "w", NULL);
  onnx_function(b, "leak", "v", "w", &leak);
  onnx_float(&a, "slope", 0.5f);
  onnx_call(&twice, "leak", "v", "t", &a);
  onnx_node(&twice, "Add", "t t", "w", NULL);
  onnx_function(b, "twice", "v", "w", &twice);
  onnx_call(b, "twice", "x", "t", NULL);
  onnx_call(b, "twice", "t", "y", NULL);
}

/* leak(v, slope) = LeakyRelu(v, slope); twice(v) = leak(v) + leak(v), called twice. */
TEST(graph_functions_are_written_out) {
  onnx_builder b = {0};
  nsc_error err = {0};
  float y[4];
  build_functions(&b);
  REQUIRE(run_builder(&b, y, &err) == NSC_OK);
  CHECK_EQ(y[0], 4);  /* 1 -> 2 -> 4 */
  CHECK_EQ(y[1], -2); /* -2 -> -2 -> -2 */
  CHECK_EQ(y[2], 12);
}

TEST(graph_function_that_calls_itself_is_refused) {
  onnx_builder b = {0}, body = {.is_body = true};
  nsc_error err = {0};
  float y[4];
  onnx_input(&b, "x", 2, open_row);
  onnx_output(&b, "y", 2, open_row);
  onnx_call(&body, "again", "v", "t", NULL);
  onnx_call(&body, "again", "t", "w", NULL);
  onnx_function(&b, "again", "v", "w", &body);
  onnx_call(&b, "again", "x", "y", NULL);
  CHECK_EQ(run_builder(&b, y, &err), NSC_ERROR_LIMIT);
}

/* ---- weights in other files ---- */

static uint8_t *external_model(const char *location, const char *offset, const char *length, size_t *size) {
  onnx_builder b = {0};
  onnx_input(&b, "x", 2, open_row);
  onnx_output(&b, "y", 2, open_row);
  onnx_external(&b, "w", 1, four, location, offset, length);
  onnx_node(&b, "Mul", "x w", "y", NULL);
  return onnx_finish(&b, size);
}

static nsc_source *weights(size_t count) {
  float values[16];
  nsc_source *source = NULL;
  nsc_error err = {0};
  for (int i = 0; i < 16; i++) values[i] = (float)i;
  CHECK(nsc_source_from_bytes(values, count * sizeof *values, &source, &err) == NSC_OK);
  return source;
}

TEST(graph_weights_in_another_file) {
  size_t size;
  nsc_error err = {0};
  nsc_model *model = NULL;
  float y[4];
  uint8_t *bytes = external_model("data/w.bin", "8", "16", &size);
  REQUIRE(onnx_open(bytes, size, &model, &err) == NSC_OK);
  CHECK_EQ(nsc_model_file_count(model), 1);
  CHECK_STR(nsc_model_file_name(model, 0), "data/w.bin");
  CHECK(nsc_model_file_name(model, 1) == NULL);
  CHECK_EQ(run_four(model, y, &err), NSC_ERROR_IO);
  CHECK_HAS(err.text, "data/w.bin");
  nsc_source *source = weights(6);
  err = (nsc_error){0};
  CHECK_EQ(nsc_model_add_file(model, "w.bin", source, &err), NSC_ERROR_ARGUMENT);
  err = (nsc_error){0};
  REQUIRE(nsc_model_add_file(model, "data/w.bin", source, &err) == NSC_OK);
  CHECK_EQ(nsc_model_add_file(model, "data/w.bin", source, &err), NSC_ERROR_ARGUMENT);
  REQUIRE(run_four(model, y, &err) == NSC_OK);
  CHECK_EQ(y[0], 2);
  CHECK_EQ(y[3], -20);
  nsc_model_free(model);
}

TEST(graph_weights_beyond_their_file_are_refused) {
  static const char *const offsets[] = {"12", "24", "25", "18446744073709551612"};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    size_t size;
    nsc_error err = {0};
    nsc_model *model = NULL;
    uint8_t *bytes = external_model("w.bin", offsets[i], NULL, &size);
    nsc_status opened = onnx_open(bytes, size, &model, &err);
    if (opened != NSC_OK) {
      CHECK_EQ(opened, NSC_ERROR_CORRUPT);
      continue;
    }
    nsc_source *source = weights(6);
    CHECK_EQ(nsc_model_add_file(model, "w.bin", source, &err), NSC_ERROR_TRUNCATED);
    nsc_source_free(source);
    nsc_model_free(model);
  }
}

TEST(graph_weights_outside_of_the_folder_are_refused) {
  static const char *const names[] = {"../w.bin", "/etc/passwd", "a/../../w", "a/..",  "..",    ".",         "./w",
                                      "a//b",     "a\\b",        "C:w",       "a/b/",  "",      "...//w",    "\n",
                                      "a/./b",    "\\\\host\\w", "file:w",    "..\\w", "a/\tb", "~/../../w", NULL};
  for (size_t i = 0; names[i]; i++) {
    size_t size;
    nsc_error err = {0};
    nsc_model *model = NULL;
    uint8_t *bytes = external_model(names[i], NULL, NULL, &size);
    if (onnx_open(bytes, size, &model, &err) == NSC_OK) test_failed(__FILE__, __LINE__, "\"%s\" is taken", names[i]);
    CHECK_EQ(err.status, NSC_ERROR_CORRUPT);
    nsc_model_free(model);
  }
}

TEST(graph_weights_need_a_sensible_place) {
  static const struct {
    const char *location, *offset, *length;
  } cases[] = {{NULL, NULL, NULL},  {"w", "-1", NULL}, {"w", "", NULL},
               {"w", "0x10", NULL}, {"w", "0", "15"},  {"w", "0", "99999999999999999999999"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t size;
    nsc_error err = {0};
    nsc_model *model = NULL;
    uint8_t *bytes = external_model(cases[i].location, cases[i].offset, cases[i].length, &size);
    CHECK_EQ(onnx_open(bytes, size, &model, &err), NSC_ERROR_CORRUPT);
    nsc_model_free(model);
  }
}

/* Whatever becomes of a model with branches, functions or weights elsewhere: an answer, and no harm. */
TEST(graph_damaged_never_harms) {
  uint32_t random = 99;
  for (int which = 0; which < 3; which++) {
    onnx_builder b = {0};
    size_t size;
    if (which == 0) build_if(&b, 2);
    if (which == 1) build_functions(&b);
    uint8_t *bytes = which == 2 ? external_model("w.bin", "8", "16", &size) : onnx_finish(&b, &size);
    for (int round = 0; round < 6000; round++) {
      uint8_t *copy = malloc(size);
      nsc_model *model = NULL;
      nsc_error err = {0};
      float y[4];
      memcpy(copy, bytes, size);
      for (int flips = 1 + round % 3; flips > 0; flips--) {
        random = random * 1664525u + 1013904223u;
        copy[(random >> 8) % size] = (uint8_t)(random >> 24) ^ (uint8_t)(random >> 3);
      }
      if (onnx_open(copy, size, &model, &err) == NSC_OK && nsc_model_file_count(model)) {
        nsc_source *source = weights(6);
        if (nsc_model_add_file(model, nsc_model_file_name(model, 0), source, &err) != NSC_OK) nsc_source_free(source);
      }
      if (err.status == NSC_OK) (void)run_four(model, y, &err);
      if (err.status != NSC_OK) CHECK(err.text[0] != 0);
      nsc_model_free(model);
    }
    free(bytes);
  }
}
