/*
 * run_model MODEL INPUT OUTPUT THREADS DIM...: runs a model once on raw little-endian float32 in ONNX order. The tests
 * compare OUTPUT with what other engines make of the same files.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"

static int fail(const nsc_error *err, const char *what) {
  fprintf(stderr, "%s: %s\n", what, err->text);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  nsc_error err = {0};
  size_t size, input_size;
  uint8_t *bytes = test_read_file(argv[1], &size), *input = test_read_file(argv[2], &input_size);
  if (!bytes || !input) return fail(&(nsc_error){.text = "cannot be read"}, argv[1]);
  nsc_source *source;
  nsc_model *model;
  nsc_session *session;
  nsc_tensor_info shape = {.rank = (uint32_t)(argc - 5)}, out;
  for (int i = 5; i < argc; i++) shape.dims[i - 5] = atoi(argv[i]);
  nsc_session_options options = {.threads = (uint32_t)atoi(argv[4]), .input_count = 1, .inputs = &shape};
  if (nsc_source_from_bytes(bytes, size, &source, &err) || nsc_model_open(source, &model, &err) ||
      nsc_session_create(model, &options, &session, &err) ||
      nsc_session_set_input(session, 0, input, input_size, &err) || nsc_session_run(session, NULL, &err)) {
    return fail(&err, argv[1]);
  }
  nsc_session_output_info(session, 0, &out);
  size_t count = 1;
  for (uint32_t i = 0; i < out.rank; i++) count *= (size_t)out.dims[i];
  float *scores = malloc(count * sizeof *scores);
  FILE *f = fopen(argv[3], "wb");
  if (!f || nsc_session_get_output(session, 0, scores, count * sizeof *scores, &err)) return fail(&err, argv[3]);
  bool written = fwrite(scores, sizeof *scores, count, f) == count;
  fclose(f);
  free(scores);
  free(bytes);
  free(input);
  nsc_session_free(session);
  nsc_model_free(model);
  return written ? 0 : 1;
}
