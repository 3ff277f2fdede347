/* What a model for times to an event says of itself under `nsc.survival`; docs/MODEL-FORMAT.md specifies it. */
#ifndef NSC_PIPELINE_SURVIVAL_H
#define NSC_PIPELINE_SURVIVAL_H

#include "base/json.h"
#include "negatoscope.h"
#include "pipeline/eye.h"
#include "train/survival.h"

/* As the JSON of nsc.survival. */
void nsc_survival_spec_write(const nsc_survival_spec *spec, nsc_text *t);
/* Errors: RECIPE. */
NSC_WARN_UNUSED nsc_status nsc_survival_spec_read(const nsc_model *model, nsc_survival_spec *out, nsc_error *err);

const nsc_survival_spec *nsc_prognosis_spec(const nsc_prognosis *prognosis);
/* Its second input has the mean patient's fields until a run. */
nsc_eye *nsc_prognosis_eye(nsc_prognosis *prognosis);
/* Fields [field_count], those that are NaN from the file, else the mean; `sources` [field_count]. */
void nsc_survival_find_fields(const nsc_survival_spec *spec, const nsc_image *image, double *fields,
                              nsc_field_source *sources);

void nsc_prognosis_write(const nsc_prognosis *prognosis, const nsc_prognosis_result *result, nsc_text *t);

/* The inputs of such a model with all sizes known, `inputs` [2]; *count is 1 without fields. Errors: UNSUPPORTED,
 * RECIPE. */
NSC_WARN_UNUSED nsc_status nsc_survival_fit_inputs(const nsc_model *model, const nsc_recipe *recipe, uint32_t fields,
                                                   nsc_tensor_info *inputs, uint32_t *count, bool *channels_first,
                                                   nsc_error *err);

#endif
