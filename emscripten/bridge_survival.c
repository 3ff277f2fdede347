/* Models for times to an event, and trainings for them, for the page. */
#include "bridge.h"

uint32_t bridge_is_survival(const nsc_model *model) {
  return nsc_model_is_survival(model);
}

/* `recipe` may be NULL: then the model's own speaks. */
nsc_status bridge_prognosis_create(const nsc_model *model, uint32_t threads, const char *recipe) {
  nsc_error *err = bridge_begin();
  const nsc_classifier_options options = {.threads = threads, .recipe_json = recipe};
  nsc_prognosis *prognosis = NULL;
  return bridge_finish(nsc_prognosis_create(model, &options, &prognosis, err), prognosis);
}

/* A curve as nsc_prognosis_json. `fields`: JSON, or NULL where nobody knows more than the file. */
nsc_status bridge_prognosis_run(nsc_prognosis *prognosis, nsc_image *image, uint32_t frame, const char *fields) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_prognosis_json(prognosis, image, frame, fields, bridge_cancel_flag(), &json, err), json);
}

nsc_status bridge_training_set_outcomes(nsc_training *training, const char *outcomes) {
  return nsc_training_set_outcomes(training, outcomes, bridge_begin());
}
