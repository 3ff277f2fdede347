#include "pipeline/manifest.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/scores.h"

typedef struct reader {
  const nsc_model *model;
  nsc_arena *arena;
  nsc_manifest *manifest;
  nsc_error *err;
} reader;

static nsc_status bad(reader *r, const char *key, const char *what) {
  return nsc_fail(r->err, NSC_ERROR_RECIPE, "the model's %s %s", key, what);
}

/* Parses metadata `key`, or `given` in its place. Leaves *json empty when there is neither. */
static nsc_status parse(reader *r, const char *key, const char *given, nsc_json *json) {
  *json = (nsc_json){0};
  size_t size = 0;
  const char *text = given;
  if (text) {
    size = strlen(text);
  } else {
    text = nsc_model_metadata(r->model, key, &size);
  }
  if (!text) return NSC_OK;
  nsc_error inner = {0};
  if (nsc_json_parse(text, size, json, &inner) == NSC_OK) return NSC_OK;
  return nsc_fail(r->err, NSC_ERROR_RECIPE, "the model's %s is not usable: %s", key, inner.text);
}

static nsc_status copy(reader *r, const char *text, const char **out) {
  *out = nsc_arena_text(r->arena, text, strlen(text));
  return *out ? NSC_OK : nsc_fail_memory(r->err, strlen(text), "a label");
}

static nsc_status take_labels(reader *r, const nsc_json *json) {
  nsc_manifest *m = r->manifest;
  const nsc_json_value *root = json->values;
  if (!root) return NSC_OK;
  if (root->kind != NSC_JSON_ARRAY || root->count == 0 || root->count > NSC_MAX_LABELS) {
    return bad(r, "nsc.labels", "is no list of labels");
  }
  m->labels = nsc_arena_alloc(r->arena, root->count, sizeof *m->labels);
  if (!m->labels) return nsc_fail_memory(r->err, root->count * sizeof *m->labels, "labels");
  const nsc_json_value *v = nsc_json_first(root);
  for (uint32_t i = 0; i < root->count; i++, v = nsc_json_next(v)) {
    if (v->kind != NSC_JSON_STRING) return bad(r, "nsc.labels", "holds something that is no text");
    NSC_TRY(copy(r, v->string, &m->labels[i]));
  }
  m->label_count = root->count;
  return NSC_OK;
}

static int label_index(const nsc_manifest *m, const char *label) {
  for (uint32_t i = 0; i < m->label_count; i++) {
    if (strcmp(m->labels[i], label) == 0) return (int)i;
  }
  return -1;
}

/* A number for all labels, or an object with one for some. */
static nsc_status take_thresholds(reader *r, const nsc_json *json) {
  nsc_manifest *m = r->manifest;
  const nsc_json_value *root = json->values;
  if (!root) return NSC_OK;
  m->has_threshold = true;
  if (root->kind == NSC_JSON_NUMBER && root->number >= 0 && root->number <= 1) {
    for (uint32_t i = 0; i < m->label_count; i++) m->thresholds[i] = (float)root->number;
    return NSC_OK;
  }
  if (root->kind != NSC_JSON_OBJECT) return bad(r, "nsc.threshold", "is neither a probability nor an object of them");
  const nsc_json_value *v = nsc_json_first(root);
  for (uint32_t i = 0; i < root->count; i++, v = nsc_json_next(v)) {
    int label = label_index(m, v->key);
    if (label < 0 || v->kind != NSC_JSON_NUMBER || !(v->number >= 0 && v->number <= 1)) {
      return bad(r, "nsc.threshold", "names a label that is not there, or no probability");
    }
    m->thresholds[label] = (float)v->number;
  }
  return NSC_OK;
}

static nsc_status take_advice(reader *r, const nsc_json *json) {
  const nsc_json_value *root = json->values;
  if (!root) return NSC_OK;
  if (root->kind != NSC_JSON_OBJECT) return bad(r, "nsc.advice", "is no object");
  const nsc_json_value *v = nsc_json_first(root);
  for (uint32_t i = 0; i < root->count; i++, v = nsc_json_next(v)) {
    int label = label_index(r->manifest, v->key);
    if (label >= 0 && v->kind == NSC_JSON_STRING) NSC_TRY(copy(r, v->string, &r->manifest->advice[label]));
  }
  return NSC_OK;
}

static nsc_status take_temperature(reader *r, const nsc_json *json) {
  const nsc_json_value *root = json->values;
  if (!root) return NSC_OK;
  if (root->kind != NSC_JSON_NUMBER || !(root->number > 0 && root->number < 1e6)) {
    return bad(r, "nsc.temperature", "is no positive number");
  }
  r->manifest->temperature = (float)root->number;
  return NSC_OK;
}

static nsc_status read_json(reader *r, const char *key, const char *given,
                            nsc_status (*take)(reader *, const nsc_json *)) {
  nsc_json json;
  NSC_TRY(parse(r, key, given, &json));
  nsc_status status = take(r, &json);
  nsc_json_drop(&json);
  return status;
}

static nsc_status read_task(reader *r, const char *output) {
  nsc_manifest *m = r->manifest;
  const char *task = nsc_model_metadata(r->model, "nsc.task", NULL);
  for (int i = 0; task && i < 3; i++) {
    if (strcmp(task, nsc_task_name((nsc_task)i)) != 0) continue;
    m->task = (nsc_task)i;
    m->has_task = true;
  }
  m->survival = task && strcmp(task, "survival") == 0;
  if (task && !m->has_task && !m->survival) {
    return bad(r, "nsc.task", "is none of single, multi, binary, survival");
  }
  if (!output) output = nsc_model_metadata(r->model, "nsc.output", NULL);
  if (!output) return NSC_OK;
  m->has_output = true;
  m->logits = strcmp(output, "logits") == 0;
  if (!m->logits && strcmp(output, "probabilities") != 0) {
    return bad(r, "nsc.output", "is neither logits nor probabilities");
  }
  return NSC_OK;
}

static nsc_status read_recipe(reader *r, const char *given) {
  size_t size = 0;
  const char *json = given ? given : nsc_model_metadata(r->model, "nsc.input", &size);
  if (!json) return NSC_OK;
  r->manifest->has_recipe = true;
  return nsc_recipe_parse(json, given ? strlen(given) : size, &r->manifest->recipe, r->err);
}

nsc_status nsc_manifest_read(const nsc_model *model, const nsc_classifier_options *options, nsc_arena *arena,
                             nsc_manifest *out, nsc_error *err) {
  static const nsc_classifier_options none;
  if (!options) options = &none;
  *out = (nsc_manifest){.temperature = 1};
  reader r = {model, arena, out, err};
  out->name = nsc_model_metadata(model, "nsc.name", NULL);
  out->title = nsc_model_metadata(model, "nsc.title", NULL);
  out->limits = nsc_model_metadata(model, "nsc.limits", NULL);
  out->license = nsc_model_metadata(model, "nsc.license", NULL);
  NSC_TRY(read_task(&r, options->output));
  NSC_TRY(read_recipe(&r, options->recipe_json));
  NSC_TRY(read_json(&r, "nsc.labels", options->labels_json, take_labels));
  out->thresholds = nsc_arena_alloc(arena, out->label_count + 1, sizeof *out->thresholds);
  out->advice = nsc_arena_alloc(arena, out->label_count + 1, sizeof *out->advice);
  if (!out->thresholds || !out->advice) return nsc_fail_memory(err, out->label_count * sizeof *out->advice, "labels");
  for (uint32_t i = 0; i < out->label_count; i++) out->thresholds[i] = 0.5f;
  NSC_TRY(read_json(&r, "nsc.threshold", NULL, take_thresholds));
  NSC_TRY(read_json(&r, "nsc.temperature", NULL, take_temperature));
  return read_json(&r, "nsc.advice", NULL, take_advice);
}
