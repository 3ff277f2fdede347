/* Times to an event: from a picture and a few facts about the patient to a curve of survival. Part of negatoscope.h,
 * which has the conventions. */
#ifndef NEGATOSCOPE_SURVIVAL_H
#define NEGATOSCOPE_SURVIVAL_H

#include "negatoscope/classify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the model says that it is one of these (`nsc.task` is `survival`); nsc_classifier_create refuses it. */
bool nsc_model_is_survival(const nsc_model *model);

/* A model, its recipe, bins and fields, and a session, together. */
typedef struct nsc_prognosis nsc_prognosis;

/* Of the options only `threads` and `recipe_json` count. The model must outlive it. Errors: as nsc_session_create, and
 * RECIPE (what the model says of itself does not fit it). */
NSC_WARN_UNUSED nsc_status nsc_prognosis_create(const nsc_model *model, const nsc_classifier_options *options,
                                                nsc_prognosis **out, nsc_error *err);
void nsc_prognosis_free(nsc_prognosis *prognosis);

/* Facts about the patient that the model takes: 0 when the picture is all. NULL for an index without one. */
uint32_t nsc_prognosis_field_count(const nsc_prognosis *prognosis);
const char *nsc_prognosis_field_name(const nsc_prognosis *prognosis, uint32_t index);

/* Where the value of a field came from. */
typedef enum nsc_field_source {
  NSC_FIELD_GIVEN = 0, /* by the caller */
  NSC_FIELD_FILE = 1,  /* of the DICOM file: Patient's Age, Patient's Sex */
  NSC_FIELD_MEAN = 2   /* nobody knows: the mean of the training cases stands in */
} nsc_field_source;

/* "given", "file", "mean". Static storage. */
const char *nsc_field_source_name(nsc_field_source source);

/*
 * A field as people and tables write it: "sex" as F, M, female, male (0 and 1), others and O are not known; "age" in
 * years or as in DICOM ("045Y", "018M", "006W", "010D"); any other name a number. Empty: not known, *value is NaN.
 * False when it is neither.
 */
bool nsc_field_parse(const char *name, const char *text, size_t size, double *value);
/* "age" and "sex" of a DICOM file; NaN for other names and where it does not say. */
double nsc_field_of_file(const char *name, const nsc_image *image);

/* Everything points into the prognosis and stays valid until its next run. */
typedef struct nsc_prognosis_result {
  uint32_t bins;
  const double *edges;   /* [bins + 1], from 0 */
  const float *survival; /* [bins] the chance of no event up to edges[1] .. edges[bins] */
  const float *hazards;  /* [bins] of the event in a bin, given that it did not come before */
  const char *unit;      /* of edges; "" when the model does not say */
  double median;         /* where the curve falls to one half; NaN where it does not */
  double mean;           /* time without the event up to the last edge, in the mean */
  uint32_t field_count;
  const double *fields;            /* [field_count] that were used */
  const nsc_field_source *sources; /* [field_count] */
  nsc_applies applies;             /* of the picture, and doubtful where a field is unlike those of training */
  double decode_ms, preprocess_ms, inference_ms;
} nsc_prognosis_result;

/* One frame. `fields` is NULL, or [field_count] with NaN where the caller does not know: then the file is asked.
 * Errors: as nsc_classifier_run; ARGUMENT for an infinite field. */
NSC_WARN_UNUSED nsc_status nsc_prognosis_run(nsc_prognosis *prognosis, nsc_image *image, uint32_t frame,
                                             const double *fields, const volatile int32_t *cancel,
                                             nsc_prognosis_result *out, nsc_error *err);

/*
 * The same with fields as JSON, {"age": 63, "sex": "F"}: numbers, or texts that nsc_field_parse knows; null, "" and
 * what is left out is asked of the file. ARGUMENT for a field that the model does not take. Out: {"model", "task":
 * "survival", "unit", "edges": [..], "survival": [1, ..] at these, "hazards": [..], "median": number | null, "mean",
 * "fields": [{"name", "value", "from": "given" | "file" | "mean"}], "applies": as nsc_result_json has it, "ms":
 * {"decode", "preprocess", "inference"}}. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_prognosis_json(nsc_prognosis *prognosis, nsc_image *image, uint32_t frame,
                                              const char *fields, const volatile int32_t *cancel, char **out,
                                              nsc_error *err);

/* Such fields into values [field_count], NaN where they are not given. */
NSC_WARN_UNUSED nsc_status nsc_prognosis_read_fields(const nsc_prognosis *prognosis, const char *json, double *values,
                                                     nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
