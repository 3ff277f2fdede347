#include "cli/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/data.h"

nsc_status nsc_cli_explain_all(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                               const nsc_explain_options *options, nsc_explanation **out, nsc_error *err) {
  nsc_cli_progress progress = {0};
  nsc_explanation *e;
  uint32_t done, total;
  NSC_TRY(nsc_explanation_create(classifier, image, frame, options, NULL, &e, err));
  nsc_status status = NSC_OK;
  for (nsc_explanation_progress(e, &done, &total); done < total && status == NSC_OK; done++) {
    status = nsc_explanation_step(e, NULL, err);
    nsc_cli_show_progress(&progress, done + 1, total);
  }
  if (status == NSC_OK) {
    *out = e;
  } else {
    nsc_explanation_free(e);
  }
  return status;
}

nsc_status nsc_cli_explain_any(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                               nsc_explain_options *options, nsc_explanation **out, nsc_error *err) {
  nsc_error why = {0};
  nsc_status status = nsc_cli_explain_all(classifier, image, frame, options, out, &why);
  if (status == NSC_OK) return NSC_OK;
  if (status != NSC_ERROR_UNSUPPORTED) return nsc_fail(err, status, "%s", why.text);
  fprintf(stderr, "negatoscope: occlusion instead of Grad-CAM: %s\n", why.text);
  options->method = NSC_EXPLAIN_OCCLUSION;
  return nsc_cli_explain_all(classifier, image, frame, options, out, err);
}

nsc_status nsc_cli_stability_all(nsc_classifier *classifier, nsc_image *image, uint32_t frame, uint32_t draws,
                                 uint64_t seed, nsc_stability **out, nsc_error *err) {
  nsc_cli_progress progress = {0};
  nsc_stability *s;
  uint32_t done, total;
  NSC_TRY(nsc_stability_create(classifier, image, frame, draws, seed, NULL, &s, err));
  nsc_status status = NSC_OK;
  for (nsc_stability_progress(s, &done, &total); done < total && status == NSC_OK; done++) {
    status = nsc_stability_step(s, NULL, err);
    nsc_cli_show_progress(&progress, done + 1, total);
  }
  if (status == NSC_OK) {
    *out = s;
  } else {
    nsc_stability_free(s);
  }
  return status;
}

bool nsc_cli_print_row(const char *path, const char *key, char *json, const nsc_error *err, bool first) {
  nsc_error none = {0};
  bool good = json != NULL;
  char *line;
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "file"), nsc_json_string(&t, path);
  nsc_json_key(&t, key);
  if (good) {
    nsc_json_raw(&t, json, strlen(json));
  } else {
    nsc_json_null(&t);
  }
  nsc_json_key(&t, "error"), nsc_json_string(&t, good ? NULL : err->text);
  nsc_json_end_object(&t);
  nsc_text_free(json);
  if (nsc_text_finish(&t, &line, &none) != NSC_OK) return false;
  printf("%s%s", first ? "" : ",\n", line);
  nsc_text_free(line);
  return good;
}
