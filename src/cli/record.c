#define _XOPEN_SOURCE 700
#include "cli/record.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/data.h"

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
  nsc_source_sha256(source, r->sha256);
  nsc_status status = nsc_image_open(source, NULL, &r->image, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status explain_by(const nsc_cli_run *run, nsc_cli_record *r, const nsc_explain_options *options,
                             nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t done, total;
  NSC_TRY(nsc_explanation_create(r->classifier, r->image, run->frame, options, NULL, &r->explanation, err));
  nsc_explanation_progress(r->explanation, &done, &total);
  for (; done < total; done++) {
    NSC_TRY(nsc_explanation_step(r->explanation, NULL, err));
    nsc_cli_show_progress(&progress, done + 1, total);
  }
  return NSC_OK;
}

static nsc_status explain(const nsc_cli_run *run, nsc_cli_record *r, nsc_error *err) {
  nsc_explain_options options = run->explanation;
  nsc_error why = {0};
  nsc_status status = explain_by(run, r, &options, &why);
  if (status == NSC_ERROR_UNSUPPORTED && !run->method_given) {
    options.method = NSC_EXPLAIN_OCCLUSION;
    return explain_by(run, r, &options, err);
  }
  return status == NSC_OK ? NSC_OK : nsc_fail(err, status, "%s", why.text);
}

static nsc_status test_steadiness(const nsc_cli_run *run, nsc_cli_record *r, nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t done, total;
  NSC_TRY(nsc_stability_create(r->classifier, r->image, run->frame, run->draws, run->seed, NULL, &r->stability, err));
  nsc_stability_progress(r->stability, &done, &total);
  for (; done < total; done++) {
    NSC_TRY(nsc_stability_step(r->stability, NULL, err));
    nsc_cli_show_progress(&progress, done + 1, total);
  }
  return NSC_OK;
}

nsc_status nsc_cli_record_make(const nsc_cli_run *run, nsc_cli_record *out, nsc_error *err) {
  const char *slash = strrchr(run->path, '/');
  nsc_record_options options = run->record;
  NSC_TRY(nsc_cli_open_model(run->model, &out->model, err));
  NSC_TRY(nsc_classifier_create(out->model, &run->classifier, &out->classifier, err));
  NSC_TRY(open_image(run->path, out, err));
  if (run->explain) NSC_TRY(explain(run, out, err));
  if (run->draws) NSC_TRY(test_steadiness(run, out, err));
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
