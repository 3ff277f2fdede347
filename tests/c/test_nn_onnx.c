/* Reading ONNX: good, cut, damaged and hostile files. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

static const int64_t image_dims[] = {-1, 1, 4, 4}, kernel_dims[] = {2, 1, 3, 3}, two[] = {2}, out_dims[] = {-1, 2};

/* Conv -> Relu -> GlobalAveragePool -> Flatten, with a float16 bias through Cast. */
static uint8_t *small_model(size_t *size) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  float kernel[18];
  for (int i = 0; i < 18; i++) kernel[i] = (float)(i - 9) / 16;
  static const uint16_t bias[] = {0x3800, 0xB400}; /* 0.5, -0.25 */
  onnx_input(&b, "x", 4, image_dims);
  onnx_output(&b, "y", 2, out_dims);
  onnx_floats(&b, "w", 4, kernel_dims, kernel);
  onnx_halves(&b, "h", 1, two, bias);
  onnx_int(&a, "to", 1);
  onnx_node(&b, "Cast", "h", "b", &a);
  onnx_ints(&a, "pads", 4, (const int64_t[]){1, 1, 1, 1});
  onnx_node(&b, "Conv", "x w b", "c", &a);
  onnx_node(&b, "Relu", "c", "r", NULL);
  onnx_node(&b, "GlobalAveragePool", "r", "g", NULL);
  onnx_node(&b, "Flatten", "g", "y", NULL);
  onnx_metadata(&b, "nsc.name", "small");
  return onnx_finish(&b, size);
}

/* Opens, prepares and runs whatever the bytes hold. */
static nsc_status use(const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_source *source;
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  if (status != NSC_OK) return status;
  status = nsc_model_open(source, &model, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  nsc_session_options options = {.max_bytes = 64 << 20};
  status = nsc_session_create(model, &options, &session, err);
  if (status == NSC_OK) status = nsc_session_run(session, NULL, err);
  char *json;
  nsc_error ignored = {0};
  if (nsc_model_json(model, &json, &ignored) == NSC_OK) nsc_text_free(json);
  nsc_session_free(session);
  nsc_model_free(model);
  return status;
}

TEST(onnx_small_model_runs) {
  size_t size;
  nsc_model *model;
  nsc_session *session;
  nsc_error err = {0};
  REQUIRE(onnx_open(small_model(&size), size, &model, &err) == NSC_OK);
  CHECK_STR(nsc_model_metadata(model, "nsc.name", NULL), "small");
  CHECK(nsc_model_metadata(model, "nsc.other", NULL) == NULL);
  REQUIRE(nsc_session_create(model, NULL, &session, &err) == NSC_OK);
  float x[16], y[2], want[2] = {0};
  for (int i = 0; i < 16; i++) x[i] = (float)(i % 5) - 1;
  for (int o = 0; o < 2; o++) {
    for (int p = 0; p < 16; p++) {
      float sum = o ? -0.25f : 0.5f;
      for (int k = 0; k < 9; k++) {
        int r = p / 4 + k / 3 - 1, c = p % 4 + k % 3 - 1;
        if (r >= 0 && r < 4 && c >= 0 && c < 4) sum += x[r * 4 + c] * (float)(o * 9 + k - 9) / 16;
      }
      want[o] += fmaxf(sum, 0) / 16;
    }
  }
  CHECK_EQ(nsc_session_set_input(session, 0, x, sizeof x, &err), NSC_OK);
  for (int round = 0; round < 3; round++) {
    CHECK_EQ(nsc_session_run(session, NULL, &err), NSC_OK);
    CHECK_EQ(nsc_session_get_output(session, 0, y, sizeof y, &err), NSC_OK);
    CHECK_NEAR(y[0], want[0], 1e-6);
    CHECK_NEAR(y[1], want[1], 1e-6);
  }
  CHECK_EQ(nsc_session_set_input(session, 0, x, sizeof x - 4, &err), NSC_ERROR_SHAPE);
  err = (nsc_error){0};
  CHECK_EQ(nsc_session_set_input(session, 1, x, sizeof x, &err), NSC_ERROR_ARGUMENT);
  int32_t cancel = 1;
  CHECK_EQ(nsc_session_run(session, &cancel, NULL), NSC_ERROR_CANCELLED);
  nsc_session_free(session);
  nsc_model_free(model);
}

TEST(onnx_steps_are_fused) {
  size_t size;
  nsc_model *model;
  nsc_session *session;
  nsc_error err = {0};
  char *json;
  REQUIRE(onnx_open(small_model(&size), size, &model, &err) == NSC_OK);
  REQUIRE(nsc_session_create(model, NULL, &session, &err) == NSC_OK);
  REQUIRE(nsc_session_json(session, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"kind\":\"Conv+Clamp\"");
  CHECK(strstr(json, "Relu\"") == NULL);
  CHECK(strstr(json, "\"kind\":\"Cast\"") == NULL);
  CHECK(strstr(json, "\"kind\":\"Layout\"") == NULL);
  nsc_text_free(json);
  nsc_session_free(session);
  nsc_model_free(model);
}

/* Where a prefix of the file is itself a whole protobuf message with graph and opset, nothing is missing but metadata.
 */
TEST(onnx_truncated_anywhere_is_refused) {
  size_t size;
  uint8_t *bytes = small_model(&size);
  size_t metadata = 2 + 2 + strlen("nsc.name") + 2 + strlen("small");
  for (size_t cut = 0; cut < size; cut++) {
    nsc_error err = {0};
    nsc_status status = use(bytes, cut, &err);
    if (cut == size - metadata) {
      CHECK_EQ(status, NSC_OK);
    } else if (status == NSC_OK) {
      test_failed(__FILE__, __LINE__, "%zu of %zu bytes were accepted", cut, size);
    } else {
      CHECK(err.text[0] != 0);
    }
  }
  free(bytes);
}

TEST(onnx_damaged_never_harms) {
  size_t size;
  uint8_t *bytes = small_model(&size);
  uint32_t random = 12345;
  uint8_t *copy = malloc(size);
  for (int round = 0; round < 20000; round++) {
    memcpy(copy, bytes, size);
    for (int flips = 1 + round % 3; flips > 0; flips--) {
      random = random * 1664525u + 1013904223u;
      copy[(random >> 8) % size] = (uint8_t)(random >> 24) ^ (uint8_t)(random >> 3);
    }
    nsc_error err = {0};
    if (use(copy, size, &err) != NSC_OK) CHECK(err.text[0] != 0);
  }
  free(copy);
  free(bytes);
}

TEST(onnx_other_files_are_not_models) {
  static const char *const others[] = {"",        "\x89PNG\r\n\x1a\n....", "GIF89a", "hello world", "\xFF\xD8\xFF\xE0",
                                       "\x08\x07"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    nsc_error err = {0};
    nsc_status status = use((const uint8_t *)others[i], strlen(others[i]), &err);
    CHECK(status == NSC_ERROR_UNKNOWN_FORMAT || status == NSC_ERROR_TRUNCATED);
  }
}

TEST(onnx_unknown_operator_is_named) {
  onnx_builder b = {0};
  size_t size;
  onnx_input(&b, "x", 1, two);
  onnx_output(&b, "y", 1, two);
  onnx_node(&b, "FancyNewThing", "x", "y", NULL);
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_error err = {0};
  CHECK_EQ(use(bytes, size, &err), NSC_ERROR_OPERATOR);
  CHECK_HAS(err.text, "FancyNewThing");
  CHECK_HAS(err.text, "\"node\"");
  free(bytes);
}

TEST(onnx_cycles_and_gaps_are_refused) {
  onnx_builder b = {0};
  size_t size;
  onnx_input(&b, "x", 1, two);
  onnx_output(&b, "y", 1, two);
  onnx_node(&b, "Add", "x z", "y", NULL);
  onnx_node(&b, "Relu", "y", "z", NULL);
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_error err = {0};
  CHECK_EQ(use(bytes, size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "cycle");
  free(bytes);
}

/* Nodes in the wrong order are put right. */
TEST(onnx_nodes_are_sorted) {
  onnx_builder b = {0};
  size_t size;
  onnx_input(&b, "x", 1, two);
  onnx_output(&b, "y", 1, two);
  onnx_node(&b, "Relu", "m", "y", NULL);
  onnx_node(&b, "Neg", "x", "m", NULL);
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_error err = {0};
  CHECK_EQ(use(bytes, size, &err), NSC_OK);
  free(bytes);
}

TEST(onnx_huge_shapes_hit_the_limit) {
  onnx_builder b = {0};
  size_t size;
  const int64_t huge[] = {1, 1, 60000, 60000}, wide[] = {1, 1, INT64_MAX / 2, 8};
  onnx_input(&b, "x", 4, huge);
  onnx_output(&b, "y", 4, huge);
  onnx_node(&b, "Relu", "x", "y", NULL);
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_error err = {0};
  nsc_status status = use(bytes, size, &err);
  CHECK(status == NSC_ERROR_LIMIT || status == NSC_ERROR_SHAPE || status == NSC_ERROR_MEMORY);
  free(bytes);
  onnx_input(&b, "x", 4, wide);
  onnx_output(&b, "y", 4, wide);
  onnx_node(&b, "Relu", "x", "y", NULL);
  bytes = onnx_finish(&b, &size);
  err = (nsc_error){0};
  CHECK_EQ(use(bytes, size, &err), NSC_ERROR_SHAPE);
  free(bytes);
}

TEST(onnx_opsets_outside_are_named) {
  onnx_builder b = {.opset = 999};
  size_t size;
  onnx_input(&b, "x", 1, two);
  onnx_output(&b, "y", 1, two);
  onnx_node(&b, "Relu", "x", "y", NULL);
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_error err = {0};
  CHECK_EQ(use(bytes, size, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "opset 999");
  free(bytes);
}
