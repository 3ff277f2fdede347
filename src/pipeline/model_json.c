/* nsc_model_json: what the graph is, and what the metadata says. */
#include "base/error.h"
#include "base/text.h"
#include "image/recipe.h"
#include "nn/describe.h"
#include "pipeline/manifest.h"
#include "pipeline/scores.h"
#include "pipeline/survival.h"

static void write_labels(nsc_text *t, const nsc_manifest *m) {
  nsc_json_key(t, "labels");
  if (m->label_count) {
    nsc_json_array(t);
    for (uint32_t i = 0; i < m->label_count; i++) nsc_json_string(t, m->labels[i]);
    nsc_json_end_array(t);
  } else {
    nsc_json_null(t);
  }
  nsc_json_key(t, "threshold");
  if (!m->has_threshold || m->label_count == 0) {
    nsc_json_null(t);
  } else if (m->has_task && m->task == NSC_TASK_BINARY) {
    nsc_json_float(t, m->thresholds[m->label_count - 1]);
  } else {
    nsc_json_object(t);
    for (uint32_t i = 0; i < m->label_count; i++) nsc_json_key(t, m->labels[i]), nsc_json_float(t, m->thresholds[i]);
    nsc_json_end_object(t);
  }
  nsc_json_key(t, "advice"), nsc_json_object(t);
  for (uint32_t i = 0; i < m->label_count; i++) {
    if (m->advice[i]) nsc_json_key(t, m->labels[i]), nsc_json_string(t, m->advice[i]);
  }
  nsc_json_end_object(t);
}

nsc_status nsc_model_json(const nsc_model *model, char **out, nsc_error *err) {
  nsc_arena arena = {0};
  nsc_manifest m;
  nsc_survival_spec spec;
  nsc_status status = nsc_manifest_read(model, NULL, &arena, &m, err);
  if (status == NSC_OK && m.survival) status = nsc_survival_spec_read(model, &spec, err);
  if (status != NSC_OK) {
    nsc_arena_free(&arena);
    return status;
  }
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "name"), nsc_json_string(&t, m.name);
  nsc_json_key(&t, "title"), nsc_json_string(&t, m.title);
  nsc_json_key(&t, "limits"), nsc_json_string(&t, m.limits);
  nsc_json_key(&t, "license"), nsc_json_string(&t, m.license);
  nsc_json_key(&t, "task"), nsc_json_string(&t, m.survival ? "survival" : m.has_task ? nsc_task_name(m.task) : NULL);
  nsc_json_key(&t, "survival");
  if (m.survival) {
    nsc_survival_spec_write(&spec, &t);
  } else {
    nsc_json_null(&t);
  }
  nsc_json_key(&t, "output"), nsc_json_string(&t, m.has_output ? (m.logits ? "logits" : "probabilities") : NULL);
  nsc_json_key(&t, "temperature"), nsc_json_float(&t, m.temperature);
  write_labels(&t, &m);
  nsc_json_key(&t, "recipe");
  if (m.has_recipe) {
    nsc_recipe_write(&m.recipe, &t);
  } else {
    nsc_json_null(&t);
  }
  nsc_model_write_json(model, &t);
  nsc_json_end_object(&t);
  nsc_arena_free(&arena);
  return nsc_text_finish(&t, out, err);
}
