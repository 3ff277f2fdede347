/* Decisions of an earlier start: whatever number is given, sessions work and compute the same. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

enum { SIDE = 12, CHANNELS = 8 };

static nsc_status run(float *y, size_t count, nsc_error *err) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  float weights[CHANNELS * CHANNELS * 9], x[CHANNELS * SIDE * SIDE];
  for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) weights[i] = (float)(i % 13) / 13 - 0.5f;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)(i % 29) / 29;
  onnx_input(&b, "x", 4, (const int64_t[]){1, CHANNELS, SIDE, SIDE});
  onnx_output(&b, "y", 4, (const int64_t[]){1, CHANNELS, SIDE - 2, SIDE - 2});
  onnx_floats(&b, "w", 4, (const int64_t[]){CHANNELS, CHANNELS, 3, 3}, weights);
  onnx_ints(&a, "kernel_shape", 2, (const int64_t[]){3, 3});
  onnx_node(&b, "Conv", "x w", "y", &a);
  size_t size;
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_status status = onnx_open(bytes, size, &model, err);
  if (status == NSC_OK) status = nsc_session_create(model, NULL, &session, err);
  if (status == NSC_OK) status = nsc_session_set_input(session, 0, x, sizeof x, err);
  if (status == NSC_OK) status = nsc_session_run(session, NULL, err);
  if (status == NSC_OK) status = nsc_session_get_output(session, 0, y, count * sizeof *y, err);
  nsc_session_free(session);
  nsc_model_free(model);
  return status;
}

TEST(decisions_of_any_kind_change_no_result) {
  enum { COUNT = CHANNELS * (SIDE - 2) * (SIDE - 2) };
  static float first[COUNT], then[COUNT];
  nsc_error err = {0};
  REQUIRE(run(first, COUNT, &err) == NSC_OK);
  /* What was decided is handed on as it is; contradictions, unknown bits and nothing are taken as well. */
  const uint32_t given[] = {nsc_decisions(), 3, 12, 0xffffffff, 0};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
    nsc_assume_decisions(given[i]);
    REQUIRE(run(then, COUNT, &err) == NSC_OK);
    for (size_t k = 0; k < COUNT; k++) CHECK_NEAR(then[k], first[k], 1e-5);
  }
  CHECK_EQ(nsc_decisions(), given[0]); /* decided once for the program */
}
