/* negatoscope info: what a file is. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

/* An image, or else a model: whichever reads it. */
static nsc_status describe(const char *path, char **json, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_read_image(path, &source, err));
  nsc_image *image;
  nsc_status status = nsc_image_open(source, NULL, &image, err);
  if (status == NSC_OK) {
    status = nsc_image_json(image, json, err);
    nsc_image_free(image);
    return status;
  }
  nsc_model *model;
  nsc_error not_a_model = {0};
  if (status == NSC_ERROR_UNKNOWN_FORMAT && nsc_model_open(source, &model, &not_a_model) == NSC_OK) {
    *err = (nsc_error){0};
    status = nsc_model_json(model, json, err);
    nsc_model_free(model);
    return status;
  }
  /* A damaged model says more about itself than "unknown format" does. */
  if (not_a_model.status != NSC_OK && not_a_model.status != NSC_ERROR_UNKNOWN_FORMAT) *err = not_a_model;
  nsc_source_free(source);
  return err->status;
}

const char nsc_cli_info_usage[] = "usage: negatoscope info FILE...\n";

int nsc_cli_info(int argc, char **argv) {
  argc = nsc_cli_options(argc, argv, NULL, 0);
  if (argc < 2) {
    if (argc == 1) fputs(nsc_cli_info_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  nsc_text t = {0};
  bool failed = false;
  nsc_json_array(&t);
  for (int i = 1; i < argc; i++) {
    nsc_error err = {0};
    char *json = NULL;
    nsc_json_object(&t);
    nsc_json_key(&t, "file"), nsc_json_string(&t, argv[i]);
    if (describe(argv[i], &json, &err) == NSC_OK) {
      nsc_json_key(&t, "info"), nsc_json_raw(&t, json, strlen(json));
      nsc_json_key(&t, "error"), nsc_json_null(&t);
    } else {
      failed = true;
      nsc_json_key(&t, "info"), nsc_json_null(&t);
      nsc_json_key(&t, "error"), nsc_json_string(&t, err.text);
    }
    nsc_json_end_object(&t);
    nsc_text_free(json);
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
