/* nsc.survival: the bins and fields of a model for times to an event, as JSON. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/survival.h"

void nsc_survival_spec_write(const nsc_survival_spec *spec, nsc_text *t) {
  nsc_json_object(t);
  nsc_json_key(t, "unit"), nsc_json_string(t, spec->unit);
  nsc_json_key(t, "edges"), nsc_json_array(t);
  for (uint32_t k = 0; k <= spec->bins; k++) nsc_json_number(t, spec->edges[k]);
  nsc_json_end_array(t);
  nsc_json_key(t, "fields"), nsc_json_array(t);
  for (uint32_t i = 0; i < spec->field_count; i++) {
    const nsc_survival_field *f = &spec->fields[i];
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, f->name);
    nsc_json_key(t, "mean"), nsc_json_number(t, f->mean);
    nsc_json_key(t, "std"), nsc_json_number(t, f->deviation);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static bool copy_word(const char *text, char *out) {
  if (!text || strlen(text) >= NSC_SURVIVAL_WORD) return false;
  strcpy(out, text);
  return true;
}

static bool read_edges(const nsc_json_value *v, nsc_survival_spec *spec) {
  double edges[NSC_SURVIVAL_BINS + 1];
  if (!v || v->kind != NSC_JSON_ARRAY || v->count > NSC_SURVIVAL_BINS + 1) return false;
  const nsc_json_value *edge = nsc_json_first(v);
  for (uint32_t i = 0; i < v->count; i++, edge = nsc_json_next(edge)) {
    if (edge->kind != NSC_JSON_NUMBER) return false;
    edges[i] = edge->number;
  }
  return nsc_survival_take_edges(edges, v->count, spec, NULL) == NSC_OK;
}

static bool read_fields(const nsc_json_value *v, nsc_survival_spec *spec) {
  if (!v || v->kind == NSC_JSON_NULL) return true;
  if (v->kind != NSC_JSON_ARRAY || v->count > NSC_SURVIVAL_FIELDS) return false;
  const nsc_json_value *field = nsc_json_first(v);
  for (uint32_t i = 0; i < v->count; i++, field = nsc_json_next(field)) {
    nsc_survival_field *f = &spec->fields[spec->field_count++];
    f->mean = nsc_json_number_of(field, "mean");
    f->deviation = nsc_json_number_of(field, "std");
    bool fits = copy_word(nsc_json_text_of(field, "name"), f->name) && f->name[0] && isfinite(f->mean) &&
                f->deviation > 0 && isfinite(f->deviation);
    if (!fits) return false;
  }
  return true;
}

nsc_status nsc_survival_spec_read(const nsc_model *model, nsc_survival_spec *out, nsc_error *err) {
  size_t size;
  const char *text = nsc_model_metadata(model, "nsc.survival", &size);
  nsc_json json;
  nsc_error inner = {0};
  if (!text) return nsc_fail(err, NSC_ERROR_RECIPE, "the model does not say its time bins (nsc.survival)");
  if (nsc_json_parse(text, size, &json, &inner) != NSC_OK) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the model's nsc.survival is not usable: %s", inner.text);
  }
  nsc_survival_spec spec = {0};
  const nsc_json_value *root = json.values, *unit = nsc_json_get(root, "unit");
  bool fits = root->kind == NSC_JSON_OBJECT && read_edges(nsc_json_get(root, "edges"), &spec) &&
              read_fields(nsc_json_get(root, "fields"), &spec);
  if (fits && unit && unit->kind != NSC_JSON_NULL) fits = copy_word(nsc_json_text_of(root, "unit"), spec.unit);
  nsc_json_drop(&json);
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the model's nsc.survival is not as docs/MODEL-FORMAT.md has it");
  }
  *out = spec;
  return NSC_OK;
}
