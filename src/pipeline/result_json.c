/* A result as JSON. */
#include "base/error.h"
#include "base/text.h"
#include "pipeline/classify.h"
#include "pipeline/manifest.h"
#include "pipeline/scores.h"

static void write_threshold(nsc_text *t, const nsc_result *r) {
  nsc_json_key(t, "threshold");
  if (r->task == NSC_TASK_BINARY) {
    nsc_json_float(t, r->thresholds[1]);
  } else if (r->task == NSC_TASK_SINGLE) {
    nsc_json_null(t);
  } else {
    nsc_json_object(t);
    for (uint32_t i = 0; i < r->count; i++) nsc_json_key(t, r->labels[i]), nsc_json_float(t, r->thresholds[i]);
    nsc_json_end_object(t);
  }
}

const char *nsc_applies_name(nsc_applies_verdict verdict) {
  static const char *const names[] = {NULL, "in range", "doubtful", "out of range"};
  return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : NULL;
}

void nsc_applies_write(const nsc_applies *a, nsc_text *t) {
  static const char *const reasons[] = {"features", "look", "colour",         "shape", "modality",
                                        "bodyPart", "view", "reconstruction", "fields"};
  nsc_json_key(t, "applies");
  if (a->verdict == NSC_APPLIES_UNKNOWN) {
    nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  nsc_json_key(t, "verdict"), nsc_json_string(t, nsc_applies_name(a->verdict));
  nsc_json_key(t, "reasons"), nsc_json_array(t);
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
    if (a->reasons >> i & 1) nsc_json_string(t, reasons[i]);
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "features"), nsc_json_number(t, a->features);
  nsc_json_key(t, "look"), nsc_json_number(t, a->look);
  nsc_json_key(t, "reconstruction"), nsc_json_number(t, a->reconstruction);
  nsc_json_end_object(t);
}

nsc_status nsc_result_json(const nsc_classifier *classifier, const nsc_result *result, char **out, nsc_error *err) {
  const nsc_manifest *m = nsc_classifier_manifest(classifier);
  bool decided = result->verdict < result->count;
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "model"), nsc_json_string(&t, m->name);
  nsc_json_key(&t, "task"), nsc_json_string(&t, nsc_task_name(result->task));
  nsc_json_key(&t, "scores"), nsc_json_object(&t);
  for (uint32_t i = 0; i < result->count; i++) {
    nsc_json_key(&t, result->labels[i]), nsc_json_float(&t, result->scores[i]);
  }
  nsc_json_end_object(&t);
  nsc_json_key(&t, "raw"), nsc_json_object(&t);
  for (uint32_t i = 0; i < result->count; i++) nsc_json_key(&t, result->labels[i]), nsc_json_float(&t, result->raw[i]);
  nsc_json_end_object(&t);
  write_threshold(&t, result);
  nsc_json_key(&t, "verdict"), nsc_json_string(&t, decided ? result->labels[result->verdict] : NULL);
  nsc_json_key(&t, "advice"), nsc_json_string(&t, decided ? m->advice[result->verdict] : NULL);
  nsc_json_key(&t, "relation"), nsc_json_string(&t, nsc_relation_name(result->relation));
  nsc_applies_write(&result->applies, &t);
  nsc_json_key(&t, "ms"), nsc_json_object(&t);
  nsc_json_key(&t, "decode"), nsc_json_number(&t, result->decode_ms);
  nsc_json_key(&t, "preprocess"), nsc_json_number(&t, result->preprocess_ms);
  nsc_json_key(&t, "inference"), nsc_json_number(&t, result->inference_ms);
  nsc_json_end_object(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
