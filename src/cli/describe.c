/* negatoscope describe: what a model file says of itself. */
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/cli.h"

const char nsc_cli_describe_usage[] =
    "usage: negatoscope describe --facts FACTS.json [--out FILE] MODEL.onnx\n"
    "  writes the names, labels, threshold, advice, limits, ... of a JSON object into the file "
    "(docs/MODEL-FORMAT.md)\n";

static nsc_status describe(const char *facts_path, const char *path, const char *out, nsc_error *err) {
  nsc_source *facts, *model = NULL;
  uint8_t *end;
  char *bytes = NULL;
  size_t size;
  NSC_TRY(nsc_cli_read(facts_path, &facts, err));
  nsc_status status = nsc_source_reserve(facts, 1, &end, err);
  if (status == NSC_OK) {
    *end = 0;
    status = nsc_source_commit(facts, 1, err);
  }
  if (status == NSC_OK) status = nsc_cli_read(path, &model, err);
  if (status == NSC_OK) {
    status = nsc_model_describe(model->bytes, model->size, (const char *)facts->bytes, &bytes, &size, err);
  }
  if (status == NSC_OK) status = nsc_cli_replace(out, bytes, size, err);
  nsc_text_free(bytes);
  nsc_source_free(model);
  nsc_source_free(facts);
  return status;
}

int nsc_cli_describe(int argc, char **argv) {
  const char *facts = NULL, *out = NULL;
  const nsc_cli_option list[] = {{"--facts", &facts, NULL}, {"--out", &out, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 2 || !facts) {
    if (argc >= 0) fputs(nsc_cli_describe_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  nsc_error err = {0};
  if (describe(facts, argv[1], out ? out : argv[1], &err) == NSC_OK) return NSC_EXIT_OK;
  fprintf(stderr, "negatoscope describe: %s\n", err.text);
  return NSC_EXIT_SOME_FAILED;
}
