/* Image and facts about the patient -> tensors -> hazards -> a curve of survival. */
#include "pipeline/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/survival.h"
#include "pipeline/manifest.h"

struct nsc_prognosis {
  nsc_arena arena;
  nsc_manifest manifest;
  nsc_survival_spec spec;
  nsc_eye eye;
  float logits[NSC_SURVIVAL_BINS], survival[NSC_SURVIVAL_BINS], hazards[NSC_SURVIVAL_BINS];
  double fields[NSC_SURVIVAL_FIELDS];
  nsc_field_source sources[NSC_SURVIVAL_FIELDS];
};

bool nsc_model_is_survival(const nsc_model *model) {
  const char *task = model ? nsc_model_metadata(model, "nsc.task", NULL) : NULL;
  return task && strcmp(task, "survival") == 0;
}

const nsc_survival_spec *nsc_prognosis_spec(const nsc_prognosis *p) {
  return &p->spec;
}

uint32_t nsc_prognosis_field_count(const nsc_prognosis *p) {
  return p->spec.field_count;
}

const char *nsc_prognosis_field_name(const nsc_prognosis *p, uint32_t index) {
  return index < p->spec.field_count ? p->spec.fields[index].name : NULL;
}

/* ---- making ---- */

nsc_status nsc_survival_fit_inputs(const nsc_model *model, const nsc_recipe *recipe, uint32_t fields,
                                   nsc_tensor_info *inputs, uint32_t *count, bool *channels_first, nsc_error *err) {
  *count = fields ? 2 : 1;
  if (nsc_model_input_count(model) != *count) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model has %u inputs; with %u fields about the patient it needs %u",
                    nsc_model_input_count(model), fields, *count);
  }
  NSC_TRY(nsc_model_input_info(model, 0, &inputs[0], err));
  NSC_TRY(nsc_fit_picture(recipe, 1, &inputs[0], channels_first, err));
  if (!fields) return NSC_OK;
  nsc_tensor_info *second = &inputs[1];
  NSC_TRY(nsc_model_input_info(model, 1, second, err));
  bool fits = second->rank == 2 && second->type == NSC_TYPE_F32 && (second->dims[0] < 0 || second->dims[0] == 1) &&
              (second->dims[1] < 0 || second->dims[1] == fields);
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the model's second input is no list of %u float fields", fields);
  }
  second->dims[0] = 1;
  second->dims[1] = fields;
  return NSC_OK;
}

static nsc_status check_output(const nsc_prognosis *p, nsc_error *err) {
  nsc_tensor_info info;
  uint64_t count = 1;
  nsc_session_output_info(p->eye.session, 0, &info);
  for (uint32_t i = 0; i < info.rank; i++) count *= (uint64_t)info.dims[i];
  if (info.type == NSC_TYPE_F32 && count == p->spec.bins) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_RECIPE, "%u time bins do not fit the model's output \"%.60s\"", p->spec.bins,
                  info.name);
}

/* To the network. Before a run they are the mean patient's, with which pictures alone can be looked at. */
static nsc_status set_fields(nsc_prognosis *p, nsc_error *err) {
  float values[NSC_SURVIVAL_FIELDS];
  uint32_t count = p->spec.field_count;
  for (uint32_t i = 0; i < count; i++) values[i] = (float)p->fields[i];
  return count ? nsc_session_set_input(p->eye.session, 1, values, count * sizeof *values, err) : NSC_OK;
}

static nsc_status build(nsc_prognosis *p, const nsc_model *model, const nsc_classifier_options *options,
                        nsc_error *err) {
  nsc_tensor_info inputs[2];
  nsc_session_options session = {.threads = options ? options->threads : 1, .inputs = inputs};
  NSC_TRY(nsc_manifest_read(model, options, &p->arena, &p->manifest, err));
  NSC_TRY(nsc_survival_spec_read(model, &p->spec, err));
  if (!p->manifest.survival || !p->manifest.has_recipe || !p->manifest.logits) {
    return nsc_fail(err, NSC_ERROR_RECIPE,
                    "a model for times to an event says nsc.task survival, nsc.output logits and its nsc.input");
  }
  p->eye = (nsc_eye){.model = model, .recipe = &p->manifest.recipe, .batch = 1};
  NSC_TRY(nsc_survival_fit_inputs(model, p->eye.recipe, p->spec.field_count, inputs, &session.input_count,
                                  &p->eye.channels_first, err));
  NSC_TRY(nsc_eye_open(&p->eye, &session, err));
  NSC_TRY(nsc_eye_aim(&p->eye, 0, err));
  NSC_TRY(check_output(p, err));
  for (uint32_t i = 0; i < p->spec.field_count; i++) p->fields[i] = p->spec.fields[i].mean;
  return set_fields(p, err);
}

nsc_status nsc_prognosis_create(const nsc_model *model, const nsc_classifier_options *options, nsc_prognosis **out,
                                nsc_error *err) {
  if (!model) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  nsc_prognosis *p = calloc(1, sizeof *p);
  if (!p) return nsc_fail_memory(err, sizeof *p, "a prognosis");
  nsc_status status = build(p, model, options, err);
  if (status != NSC_OK) {
    nsc_prognosis_free(p);
    return status;
  }
  *out = p;
  return NSC_OK;
}

void nsc_prognosis_free(nsc_prognosis *p) {
  if (!p) return;
  nsc_eye_close(&p->eye);
  nsc_arena_free(&p->arena);
  free(p);
}

nsc_eye *nsc_prognosis_eye(nsc_prognosis *p) {
  return &p->eye;
}

/* ---- running ---- */

static nsc_status put_fields(nsc_prognosis *p, const nsc_image *image, const double *given, nsc_error *err) {
  for (uint32_t i = 0; i < p->spec.field_count; i++) {
    p->fields[i] = given ? given[i] : NAN;
    if (isinf(p->fields[i])) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the field \"%s\" is infinite", p->spec.fields[i].name);
    }
  }
  nsc_survival_find_fields(&p->spec, image, p->fields, p->sources);
  return set_fields(p, err);
}

static nsc_status run_network(nsc_prognosis *p, const volatile int32_t *cancel, nsc_error *err) {
  NSC_TRY(nsc_eye_run(&p->eye, cancel, err));
  NSC_TRY(nsc_session_get_output(p->eye.session, 0, p->logits, p->spec.bins * sizeof *p->logits, err));
  for (uint32_t k = 0; k < p->spec.bins; k++) {
    if (!isfinite(p->logits[k])) return nsc_fail(err, NSC_ERROR_CORRUPT, "the model's output is not a number");
    p->hazards[k] = 1 / (1 + expf(-p->logits[k]));
  }
  nsc_survival_curve(p->logits, p->spec.bins, p->survival);
  return NSC_OK;
}

/* Farther from the mean of the training cases than all but three in a thousand of a bell-shaped list; of the sexes, one
 * that none of them had. */
static bool is_unusual(const nsc_survival_field *f, double value) {
  bool of_one_sex = strcmp(f->name, "sex") == 0 && (f->mean == 0 || f->mean == 1);
  return of_one_sex ? value != f->mean : fabs(value - f->mean) > 3 * f->deviation;
}

static void judge_fields(const nsc_prognosis *p, nsc_applies *inout) {
  for (uint32_t i = 0; i < p->spec.field_count; i++) {
    if (!is_unusual(&p->spec.fields[i], p->fields[i])) continue;
    inout->reasons |= NSC_APPLIES_FIELDS;
    if (inout->verdict < NSC_APPLIES_DOUBTFUL) inout->verdict = NSC_APPLIES_DOUBTFUL;
  }
}

nsc_status nsc_prognosis_run(nsc_prognosis *p, nsc_image *image, uint32_t frame, const double *fields,
                             const volatile int32_t *cancel, nsc_prognosis_result *out, nsc_error *err) {
  if (!p || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model or image");
  const nsc_survival_spec *s = &p->spec;
  nsc_applies applies;
  NSC_TRY(nsc_eye_put(&p->eye, 0, image, frame, err));
  NSC_TRY(put_fields(p, image, fields, err));
  NSC_TRY(run_network(p, cancel, err));
  NSC_TRY(nsc_eye_applies(&p->eye, 0, &applies, err));
  judge_fields(p, &applies);
  *out = (nsc_prognosis_result){.bins = s->bins,
                                .edges = s->edges,
                                .survival = p->survival,
                                .hazards = p->hazards,
                                .unit = s->unit,
                                .median = nsc_survival_median(s->edges, p->survival, s->bins),
                                .mean = nsc_survival_mean(s->edges, p->survival, s->bins),
                                .field_count = s->field_count,
                                .fields = p->fields,
                                .sources = p->sources,
                                .applies = applies,
                                .decode_ms = p->eye.seen[0].decode_ms,
                                .preprocess_ms = p->eye.seen[0].preprocess_ms,
                                .inference_ms = p->eye.run_ms};
  return NSC_OK;
}

/* ---- JSON ---- */

static uint32_t field_named(const nsc_survival_spec *spec, const char *name) {
  uint32_t i = 0;
  while (i < spec->field_count && strcmp(spec->fields[i].name, name) != 0) i++;
  return i;
}

static nsc_status read_field(const nsc_survival_spec *spec, const nsc_json_value *v, double *values, nsc_error *err) {
  uint32_t i = field_named(spec, v->key);
  if (i == spec->field_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model takes no field \"%.40s\"", v->key);
  }
  bool fits = v->kind == NSC_JSON_NULL || v->kind == NSC_JSON_NUMBER ||
              (v->kind == NSC_JSON_STRING && nsc_field_parse(v->key, v->string, strlen(v->string), &values[i]));
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the field \"%s\" is not readable: \"%.40s\"", spec->fields[i].name,
                    v->kind == NSC_JSON_STRING ? v->string : "no text or number");
  }
  if (v->kind == NSC_JSON_NUMBER) values[i] = v->number;
  return NSC_OK;
}

nsc_status nsc_prognosis_read_fields(const nsc_prognosis *p, const char *json, double *values, nsc_error *err) {
  for (uint32_t i = 0; i < p->spec.field_count; i++) values[i] = NAN;
  if (!json || !json[0]) return NSC_OK;
  nsc_json document;
  nsc_error inner = {0};
  if (nsc_json_parse(json, strlen(json), &document, &inner) != NSC_OK) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "fields: %s", inner.text);
  }
  const nsc_json_value *root = document.values, *v = nsc_json_first(root);
  nsc_status status = root->kind == NSC_JSON_OBJECT ? NSC_OK : nsc_fail(err, NSC_ERROR_ARGUMENT, "fields: no object");
  for (uint32_t i = 0; status == NSC_OK && i < root->count; i++, v = nsc_json_next(v)) {
    status = read_field(&p->spec, v, values, err);
  }
  nsc_json_drop(&document);
  return status;
}

static void write_fields(const nsc_prognosis *p, const nsc_prognosis_result *r, nsc_text *t) {
  nsc_json_key(t, "fields"), nsc_json_array(t);
  for (uint32_t i = 0; i < r->field_count; i++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, p->spec.fields[i].name);
    nsc_json_key(t, "value"), nsc_json_number(t, r->fields[i]);
    nsc_json_key(t, "from"), nsc_json_string(t, nsc_field_source_name(r->sources[i]));
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

static void write_floats(nsc_text *t, const char *key, const float *values, uint32_t count, bool from_one) {
  nsc_json_key(t, key), nsc_json_array(t);
  if (from_one) nsc_json_int(t, 1);
  for (uint32_t k = 0; k < count; k++) nsc_json_float(t, values[k]);
  nsc_json_end_array(t);
}

void nsc_prognosis_write(const nsc_prognosis *p, const nsc_prognosis_result *r, nsc_text *t) {
  nsc_json_key(t, "model"), nsc_json_string(t, p->manifest.name);
  nsc_json_key(t, "task"), nsc_json_string(t, "survival");
  nsc_json_key(t, "unit"), nsc_json_string(t, r->unit);
  nsc_json_key(t, "edges"), nsc_json_array(t);
  for (uint32_t k = 0; k <= r->bins; k++) nsc_json_number(t, r->edges[k]);
  nsc_json_end_array(t);
  write_floats(t, "survival", r->survival, r->bins, true);
  write_floats(t, "hazards", r->hazards, r->bins, false);
  nsc_json_key(t, "median"), nsc_json_number(t, r->median);
  nsc_json_key(t, "mean"), nsc_json_number(t, r->mean);
  write_fields(p, r, t);
  nsc_applies_write(&r->applies, t);
  nsc_json_key(t, "ms"), nsc_json_object(t);
  nsc_json_key(t, "decode"), nsc_json_number(t, r->decode_ms);
  nsc_json_key(t, "preprocess"), nsc_json_number(t, r->preprocess_ms);
  nsc_json_key(t, "inference"), nsc_json_number(t, r->inference_ms);
  nsc_json_end_object(t);
}

nsc_status nsc_prognosis_json(nsc_prognosis *p, nsc_image *image, uint32_t frame, const char *fields,
                              const volatile int32_t *cancel, char **out, nsc_error *err) {
  double values[NSC_SURVIVAL_FIELDS];
  nsc_prognosis_result result;
  NSC_TRY(nsc_prognosis_read_fields(p, fields, values, err));
  NSC_TRY(nsc_prognosis_run(p, image, frame, values, cancel, &result, err));
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_prognosis_write(p, &result, &t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
