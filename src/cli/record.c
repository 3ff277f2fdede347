#define _XOPEN_SOURCE 700
#include "cli/record.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/steps.h"

void nsc_cli_now(char out[32]) {
  time_t now = time(NULL);
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void nsc_cli_draw_key(uint64_t key[2]) {
  key[0] = (uint64_t)time(NULL), key[1] = (uint64_t)clock();
  FILE *random = fopen("/dev/urandom", "rb");
  if (!random) return;
  uint64_t drawn[2];
  if (fread(drawn, sizeof drawn, 1, random) == 1) key[0] = drawn[0], key[1] = drawn[1];
  fclose(random);
}

/* The digest is taken while the bytes are at hand: an image need not keep them. */
static nsc_status open_image(const char *path, nsc_cli_record *r, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_read_image(path, &source, err));
  nsc_status status = nsc_source_sha256(source, r->sha256, err);
  if (status == NSC_OK) status = nsc_image_open(source, NULL, &r->image, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status explain(const nsc_cli_run *run, nsc_cli_record *r, nsc_error *err) {
  nsc_explain_options options = run->explanation;
  if (run->method_given) {
    return nsc_cli_explain_all(r->classifier, r->image, run->frame, &options, &r->explanation, err);
  }
  return nsc_cli_explain_any(r->classifier, r->image, run->frame, &options, &r->explanation, err);
}

nsc_status nsc_cli_record_make(const nsc_cli_run *run, nsc_cli_record *out, nsc_error *err) {
  const char *slash = strrchr(run->path, '/');
  nsc_record_options options = run->record;
  NSC_TRY(nsc_cli_open_model(run->model, &out->model, err));
  NSC_TRY(nsc_classifier_create(out->model, &run->classifier, &out->classifier, err));
  NSC_TRY(open_image(run->path, out, err));
  if (run->explain) NSC_TRY(explain(run, out, err));
  if (run->draws) {
    NSC_TRY(
        nsc_cli_stability_all(out->classifier, out->image, run->frame, run->draws, run->seed, &out->stability, err));
  }
  options.image_name = slash ? slash + 1 : run->path;
  options.image_sha256 = out->sha256;
  options.given = &run->classifier;
  return nsc_record_create(out->classifier, out->image, run->frame, out->explanation, out->stability, &options,
                           &out->record, err);
}

void nsc_cli_record_drop(nsc_cli_record *r) {
  nsc_record_free(r->record);
  nsc_stability_free(r->stability);
  nsc_explanation_free(r->explanation);
  nsc_image_free(r->image);
  nsc_classifier_free(r->classifier);
  nsc_model_free(r->model);
}
