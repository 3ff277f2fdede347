/*
 * model_memory MODEL THREADS [DIM...]: what nsc_model_memory says of a model, and what a session then takes from
 * malloc, as one line of JSON in bytes: {"estimate": with the file, "counted","held": by malloc, with the file}.
 * Without a sanitizer only; DIM... is the shape of the first input where the model leaves it open.
 */
#include <malloc.h>
#include <stdlib.h>

#include "test.h"

static double held(void) {
#ifdef __GLIBC__
  struct mallinfo2 info = mallinfo2();
  return (double)info.uordblks + (double)info.hblkhd; /* large blocks are mapped singly */
#else
  return (double)mallinfo().uordblks;
#endif
}

static int fail(const nsc_error *err, const char *what) {
  fprintf(stderr, "%s: %s\n", what, err->text);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  nsc_error err = {0};
  size_t size;
  double before = held();
  uint8_t *bytes = test_read_file(argv[1], &size);
  if (!bytes) return fail(&(nsc_error){.text = "cannot be read"}, argv[1]);
  nsc_source *source;
  nsc_model *model;
  nsc_session *session;
  nsc_memory estimate, counted;
  nsc_tensor_info shape = {.rank = (uint32_t)(argc - 3)};
  for (int i = 3; i < argc && i < 3 + NSC_MAX_RANK; i++) shape.dims[i - 3] = atoi(argv[i]);
  nsc_session_options options = {.threads = (uint32_t)atoi(argv[2]), .input_count = argc > 3, .inputs = &shape};
  if (nsc_source_from_bytes(bytes, size, &source, &err)) return fail(&err, argv[1]);
  free(bytes);
  if (nsc_model_open(source, &model, &err) || nsc_model_memory(model, &options, &estimate, &err) ||
      nsc_session_create(model, &options, &session, &err)) {
    return fail(&err, argv[1]);
  }
  double taken = held() - before;
  nsc_session_memory(session, &counted);
  printf("{\"estimate\":%.0f,\"peak\":%.0f,\"counted\":%.0f,\"countedPeak\":%.0f,\"held\":%.0f}\n",
         (double)(estimate.file + estimate.weights + estimate.activations + estimate.other), (double)estimate.peak,
         (double)(counted.file + counted.weights + counted.activations + counted.other), (double)counted.peak, taken);
  nsc_session_free(session);
  nsc_model_free(model);
  return 0;
}
