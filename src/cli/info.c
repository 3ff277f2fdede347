/* negatoscope info: what a file is. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

/* Members "info" and, of a model, "memory": what it would take, or null and "memoryUnknown" with the reason. */
static nsc_status describe_model(const nsc_model *model, const nsc_classifier_options *options, nsc_text *t,
                                 nsc_error *err) {
  char *json, *memory;
  NSC_TRY(nsc_model_json(model, &json, err));
  nsc_json_key(t, "info"), nsc_json_raw(t, json, strlen(json));
  nsc_text_free(json);
  nsc_error unknown = {0};
  nsc_json_key(t, "memory");
  if (nsc_classifier_memory_json(model, options, &memory, &unknown) == NSC_OK) {
    nsc_json_raw(t, memory, strlen(memory));
    nsc_text_free(memory);
  } else {
    nsc_json_null(t);
    nsc_json_key(t, "memoryUnknown"), nsc_json_string(t, unknown.text);
  }
  return NSC_OK;
}

static nsc_status describe_image(const nsc_image *image, nsc_text *t, nsc_error *err) {
  char *json;
  NSC_TRY(nsc_image_json(image, &json, err));
  nsc_json_key(t, "info"), nsc_json_raw(t, json, strlen(json));
  nsc_text_free(json);
  return NSC_OK;
}

static nsc_status open_model(const char *path, nsc_model **out, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_open_file(path, &source, err));
  nsc_status status = nsc_model_open(source, out, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

/* An image, or else a model: whichever reads it. */
static nsc_status describe(const char *path, const nsc_classifier_options *options, nsc_text *t, nsc_error *err) {
  nsc_image *image;
  nsc_status status = nsc_cli_open_image(path, &image, err);
  if (status == NSC_OK) {
    status = describe_image(image, t, err);
    nsc_image_free(image);
    return status;
  }
  nsc_model *model;
  nsc_error not_a_model = {0};
  if (status == NSC_ERROR_UNKNOWN_FORMAT && open_model(path, &model, &not_a_model) == NSC_OK) {
    *err = (nsc_error){0};
    status = describe_model(model, options, t, err);
    nsc_model_free(model);
    return status;
  }
  /* A damaged model says more about itself than "unknown format" does. */
  if (not_a_model.status != NSC_OK && not_a_model.status != NSC_ERROR_UNKNOWN_FORMAT) *err = not_a_model;
  return err->status;
}

const char nsc_cli_info_usage[] = "usage: negatoscope info [--threads N] [--batch N] FILE...\n";

int nsc_cli_info(int argc, char **argv) {
  const char *threads = NULL, *batch = NULL;
  const nsc_cli_option list[] = {{"--threads", &threads, NULL}, {"--batch", &batch, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  long thread_count = nsc_cli_number("--threads", threads, 1, 1), batch_count = nsc_cli_number("--batch", batch, 1, 1);
  if (argc < 2 || thread_count < 0 || batch_count < 0) {
    if (argc == 1) fputs(nsc_cli_info_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  const nsc_classifier_options options = {.threads = (uint32_t)thread_count, .batch = (uint32_t)batch_count};
  nsc_text t = {0};
  bool failed = false;
  nsc_json_array(&t);
  for (int i = 1; i < argc; i++) {
    nsc_error err = {0};
    nsc_json_object(&t);
    nsc_json_key(&t, "file"), nsc_json_string(&t, argv[i]);
    if (describe(argv[i], &options, &t, &err) == NSC_OK) {
      nsc_json_key(&t, "error"), nsc_json_null(&t);
    } else {
      failed = true;
      nsc_json_key(&t, "info"), nsc_json_null(&t);
      nsc_json_key(&t, "error"), nsc_json_string(&t, err.text);
    }
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  nsc_error err = {0};
  char *out;
  if (nsc_text_finish(&t, &out, &err) != NSC_OK) {
    fprintf(stderr, "negatoscope: %s\n", err.text);
    return NSC_EXIT_SOME_FAILED;
  }
  puts(out);
  nsc_text_free(out);
  return failed ? NSC_EXIT_SOME_FAILED : NSC_EXIT_OK;
}
