/* Maps of what influenced a model, for the page. */
#include "bridge.h"

/* `method` is an nsc_explain_method; `label` -1 asks about the verdict. 0 gives the default of the other numbers. */
nsc_status bridge_explanation_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame, uint32_t method,
                                     int32_t label, uint32_t samples, uint32_t curve) {
  nsc_error *err = bridge_begin();
  const nsc_explain_options options = {
      .method = (nsc_explain_method)method, .label = label, .samples = samples, .curve = curve, .seed = 1};
  nsc_explanation *e = NULL;
  return bridge_finish(nsc_explanation_create(classifier, image, frame, &options, bridge_cancel_flag(), &e, err), e);
}

/* [steps done, steps to do] */
nsc_status bridge_explanation_progress(const nsc_explanation *explanation) {
  bridge_begin();
  uint32_t done, total;
  nsc_explanation_progress(explanation, &done, &total);
  return bridge_numbers((const double[]){done, total}, 2);
}

nsc_status bridge_explanation_step(nsc_explanation *explanation) {
  return nsc_explanation_step(explanation, bridge_cancel_flag(), bridge_begin());
}

/* nsc_result_json of the classification that it began with. */
nsc_status bridge_explanation_result(const nsc_explanation *explanation, const nsc_classifier *classifier) {
  nsc_error *err = bridge_begin();
  nsc_result result;
  char *json = NULL;
  nsc_explanation_result(explanation, &result);
  return bridge_finish(nsc_result_json(classifier, &result, &json, err), json);
}

nsc_status bridge_explanation_json(const nsc_explanation *explanation, double threshold) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_explanation_json(explanation, threshold, &json, err), json);
}

nsc_status bridge_explanation_overlay(const nsc_explanation *explanation, double threshold) {
  nsc_error *err = bridge_begin();
  uint32_t width, height;
  uint8_t *rgba;
  size_t size;
  nsc_explanation_map(explanation, &width, &height);
  nsc_status status = bridge_picture(width, height, &rgba, &size);
  if (status != NSC_OK) return status;
  status = nsc_explanation_overlay(explanation, threshold, NSC_EXPLAIN_COLOR_MAP, rgba, size, err);
  return bridge_hand_out(status, rgba, size);
}

/* [rank correlation] */
nsc_status bridge_explanation_compare(const nsc_explanation *a, const nsc_explanation *b) {
  nsc_error *err = bridge_begin();
  double alike;
  nsc_status status = nsc_explanation_compare(a, b, &alike, err);
  return status == NSC_OK ? bridge_numbers(&alike, 1) : status;
}

/* The bytes of the same network with shuffled weights. */
nsc_status bridge_model_shuffled(const nsc_model *model, uint32_t seed) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_model_shuffled(model, seed, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

/* ---- steadiness ---- */

nsc_status bridge_stability_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame, uint32_t draws) {
  nsc_error *err = bridge_begin();
  nsc_stability *s = NULL;
  return bridge_finish(nsc_stability_create(classifier, image, frame, draws, 1, bridge_cancel_flag(), &s, err), s);
}

/* [steps done, steps to do] */
nsc_status bridge_stability_progress(const nsc_stability *stability) {
  bridge_begin();
  uint32_t done, total;
  nsc_stability_progress(stability, &done, &total);
  return bridge_numbers((const double[]){done, total}, 2);
}

nsc_status bridge_stability_step(nsc_stability *stability) {
  return nsc_stability_step(stability, bridge_cancel_flag(), bridge_begin());
}

nsc_status bridge_stability_json(const nsc_stability *stability) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_stability_json(stability, &json, err), json);
}

/* ---- several models ---- */

nsc_status bridge_ensemble_create(uint32_t combine, const char *stack) {
  nsc_error *err = bridge_begin();
  nsc_ensemble *e = NULL;
  return bridge_finish(nsc_ensemble_create((nsc_combine)combine, stack, &e, err), e);
}

nsc_status bridge_ensemble_ask(nsc_ensemble *ensemble, nsc_classifier *classifier, nsc_image *image, uint32_t frame) {
  return nsc_ensemble_ask(ensemble, classifier, image, frame, bridge_cancel_flag(), bridge_begin());
}

/* What was asked belongs to a picture of which this is true; the next one comes. */
nsc_status bridge_ensemble_learn(nsc_ensemble *ensemble, const uint8_t *truth) {
  nsc_status status = nsc_ensemble_learn(ensemble, truth, bridge_begin());
  nsc_ensemble_next(ensemble);
  return status;
}

nsc_status bridge_ensemble_fit(nsc_ensemble *ensemble) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_ensemble_fit(ensemble, &json, err), json);
}

nsc_status bridge_ensemble_json(nsc_ensemble *ensemble) {
  nsc_error *err = bridge_begin();
  nsc_ensemble_result result;
  char *json = NULL;
  nsc_status status = nsc_ensemble_combine(ensemble, &result, err);
  if (status == NSC_OK) status = nsc_ensemble_json(&result, &json, err);
  return bridge_finish(status, json);
}
