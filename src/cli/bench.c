/* negatoscope bench: how long a model takes here, as a whole and step by step. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Any numbers do: the same ones every time, none of them denormal. */
static nsc_status fill_inputs(nsc_session *session, nsc_error *err) {
  for (uint32_t i = 0; i < nsc_session_input_count(session); i++) {
    nsc_tensor_info info;
    nsc_session_input_info(session, i, &info);
    size_t count = 1;
    for (uint32_t d = 0; d < info.rank; d++) count *= (size_t)info.dims[d];
    if (info.type != NSC_TYPE_F32)
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "input \"%s\" is not float32", info.name);
    float *values = malloc(count * sizeof *values);
    if (!values) return nsc_fail_memory(err, count * sizeof *values, "an input");
    uint32_t random = 1;
    for (size_t k = 0; k < count; k++) {
      random = random * 1664525u + 1013904223u;
      values[k] = (float)(random >> 8) / (1 << 24) - 0.5f;
    }
    nsc_status status = nsc_session_set_input(session, i, values, count * sizeof *values, err);
    free(values);
    NSC_TRY(status);
  }
  return NSC_OK;
}

static nsc_status print_profile(const nsc_session *session, nsc_error *err) {
  char *text;
  NSC_TRY(nsc_session_json(session, &text, err));
  nsc_json json;
  nsc_status status = nsc_json_parse(text, strlen(text), &json, err);
  nsc_text_free(text);
  NSC_TRY(status);
  const nsc_json_value *steps = nsc_json_get(json.values, "steps"), *step = nsc_json_first(steps);
  double total = nsc_json_get(json.values, "ms")->number;
  printf("%8s %6s %8s %8s  %-22s %-18s %s\n", "ms", "share", "GFLOP/s", "MB", "operator", "output", "node");
  for (uint32_t i = 0; i < steps->count; i++, step = nsc_json_next(step)) {
    char shape[64] = "";
    const nsc_json_value *dims = nsc_json_get(step, "output"), *dim = nsc_json_first(dims);
    for (uint32_t d = 0; d < dims->count; d++, dim = nsc_json_next(dim)) {
      size_t n = strlen(shape);
      snprintf(shape + n, sizeof shape - n, d ? "x%.0f" : "%.0f", dim->number);
    }
    double ms = nsc_json_get(step, "ms")->number;
    double flops = 2 * nsc_json_get(step, "macs")->number;
    printf("%8.3f %5.1f%% %8.1f %8.2f  %-22s %-18s %s\n", ms, total > 0 ? 100 * ms / total : 0,
           ms > 0 ? flops / ms / 1e6 : 0, nsc_json_get(step, "bytes")->number / 1e6, nsc_json_get(step, "kind")->string,
           shape, nsc_json_get(step, "name")->string);
  }
  printf("activations %.1f MB, packed weights %.1f MB\n", nsc_json_get(json.values, "arenaBytes")->number / 1e6,
         nsc_json_get(json.values, "packedBytes")->number / 1e6);
  nsc_json_drop(&json);
  return NSC_OK;
}

/* The shape of the first input with `batch` pictures, which the model must leave open. */
static nsc_status batched(const nsc_model *model, long batch, nsc_tensor_info *out, nsc_error *err) {
  NSC_TRY(nsc_model_input_info(model, 0, out, err));
  if (out->rank && out->dims[0] < 0) out->dims[0] = batch;
  if (out->rank && out->dims[0] == batch) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_SHAPE, "the model takes batches of %lld", out->rank ? (long long)out->dims[0] : 0);
}

static nsc_status bench(const char *path, const nsc_session_options *given, long batch, long runs, bool profile,
                        nsc_error *err) {
  nsc_model *model;
  NSC_TRY(nsc_cli_open_model(path, &model, err));
  nsc_session *session = NULL;
  nsc_session_options with_shape = *given, *options = &with_shape;
  nsc_tensor_info shape;
  double start = nsc_now_ms(), prepared = start;
  double *ms = malloc((size_t)runs * sizeof *ms);
  nsc_status status = ms ? NSC_OK : nsc_fail_memory(err, 0, "times");
  if (status == NSC_OK && batch > 1) {
    status = batched(model, batch, &shape, err);
    options->input_count = 1;
    options->inputs = &shape;
  }
  if (status == NSC_OK) status = nsc_session_create(model, options, &session, err);
  prepared = nsc_now_ms() - start;
  if (status == NSC_OK) status = fill_inputs(session, err);
  if (status == NSC_OK) status = nsc_session_run(session, NULL, err); /* not counted: caches are cold */
  for (long i = 0; i < runs && status == NSC_OK; i++) {
    start = nsc_now_ms();
    status = nsc_session_run(session, NULL, err);
    ms[i] = nsc_now_ms() - start;
  }
  if (status == NSC_OK) {
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    printf("%s: median %.2f ms, minimum %.2f ms, maximum %.2f ms (%ld runs, %u threads; %.1f ms to prepare)\n", path,
           ms[runs / 2], ms[0], ms[runs - 1], runs, options->threads, prepared);
    if (batch > 1) {
      printf("of %ld pictures: median %.2f ms, minimum %.2f ms each\n", batch, ms[runs / 2] / (double)batch,
             ms[0] / (double)batch);
    }
    if (profile) status = print_profile(session, err);
  }
  free(ms);
  nsc_session_free(session);
  nsc_model_free(model);
  return status;
}

const char nsc_cli_bench_usage[] =
    "usage: negatoscope bench [--runs N] [--threads N] [--batch N] [--profile] [--stock] MODEL...\n"
    "       negatoscope bench --train NET [--size N] [--channels N] [--labels N] [--batch N] [--runs N] [--threads N] "
    "[--profile]\n";

static int bench_training(nsc_bench_train *b, const char *size, const char *channels, const char *labels,
                          const char *batch) {
  b->size = nsc_cli_number("--size", size, 8, 28);
  b->channels = nsc_cli_number("--channels", channels, 1, 1);
  b->labels = nsc_cli_number("--labels", labels, 2, 2);
  b->batch = nsc_cli_number("--batch", batch, 1, 32);
  if (b->size < 0 || b->channels < 0 || b->labels < 0 || b->batch < 0) return NSC_EXIT_USAGE;
  nsc_error err = {0};
  if (nsc_cli_bench_train(b, &err) == NSC_OK) return NSC_EXIT_OK;
  fprintf(stderr, "negatoscope bench: %s\n", err.text);
  return NSC_EXIT_SOME_FAILED;
}

int nsc_cli_bench(int argc, char **argv) {
  const char *runs = NULL, *threads = NULL, *net = NULL, *size = NULL, *channels = NULL, *labels = NULL, *batch = NULL;
  bool profile = false, stock = false;
  const nsc_cli_option list[] = {
      {"--runs", &runs, NULL},     {"--threads", &threads, NULL}, {"--profile", NULL, &profile},
      {"--train", &net, NULL},     {"--size", &size, NULL},       {"--channels", &channels, NULL},
      {"--labels", &labels, NULL}, {"--batch", &batch, NULL},     {"--stock", NULL, &stock}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  long run_count = nsc_cli_number("--runs", runs, 1, 20);
  long thread_count = nsc_cli_number("--threads", threads, 1, 1);
  if (argc < 1 || run_count < 0 || thread_count < 0 || (argc > 1) == (net != NULL)) {
    if (argc > 0) fputs(nsc_cli_bench_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  if (net) {
    nsc_bench_train b = {.net = net, .steps = run_count, .threads = thread_count, .profile = profile};
    return bench_training(&b, size, channels, labels, batch);
  }
  long batch_count = nsc_cli_number("--batch", batch, 1, 1);
  if (batch_count < 0) return NSC_EXIT_USAGE;
  const nsc_session_options options = {.threads = (uint32_t)thread_count, .stock = stock};
  int code = NSC_EXIT_OK;
  for (int i = 1; i < argc; i++) {
    nsc_error err = {0};
    if (bench(argv[i], &options, batch_count, run_count, profile, &err) == NSC_OK) continue;
    fprintf(stderr, "%s: %s\n", argv[i], err.text);
    code = NSC_EXIT_SOME_FAILED;
  }
  return code;
}
