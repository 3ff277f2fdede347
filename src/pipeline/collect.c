#include "pipeline/collect.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/scores.h"
#include "pipeline/survival.h"
#include "train/save.h"

nsc_status nsc_collect_values(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, float *values, size_t count,
                              nsc_error *err) {
  nsc_recipe plain = *recipe;
  plain.scale = 1;
  for (int c = 0; c < 3; c++) {
    plain.mean[c] = 0;
    plain.std[c] = 1;
  }
  return nsc_preprocess(image, frame, &plain, values, count, err);
}

nsc_status nsc_collect_image(nsc_dataset *d, nsc_image *image, uint32_t frame, const nsc_recipe *recipe,
                             const char *name, const char *patient, uint32_t label, nsc_error *err) {
  size_t count = d->height * d->width * d->channels;
  float *values = malloc(count * sizeof *values);
  if (!values) return nsc_fail_memory(err, count * sizeof *values, "a picture");
  uint8_t *pixels = NULL;
  nsc_status status = nsc_collect_values(image, frame, recipe, values, count, err);
  if (status == NSC_OK) status = nsc_dataset_add(d, name, patient, label, &pixels, err);
  for (size_t i = 0; i < count && status == NSC_OK; i++) pixels[i] = (uint8_t)lrintf(values[i] * 255);
  free(values);
  return status;
}

nsc_status nsc_collect_pixels(nsc_dataset *d, const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                              const nsc_recipe *recipe, const char *name, const char *patient, uint32_t label,
                              nsc_error *err) {
  nsc_image *image;
  NSC_TRY(nsc_image_from_pixels(pixels, width, height, channels, &image, err));
  nsc_status status = nsc_collect_image(d, image, 0, recipe, name, patient, label, err);
  nsc_image_free(image);
  return status;
}

static void add_text(nsc_onnx_writer *w, const char *key, const char *value) {
  if (value) nsc_onnx_metadata(w, key, value);
}

/* Adds a piece of JSON, whatever became of its allocation. */
static nsc_status add_json(nsc_onnx_writer *w, const char *key, nsc_text *t, nsc_error *err) {
  char *json;
  NSC_TRY(nsc_text_finish(t, &json, err));
  nsc_onnx_metadata(w, key, json);
  nsc_text_free(json);
  return NSC_OK;
}

static nsc_status add_labels(nsc_onnx_writer *w, const nsc_model_facts *f, nsc_error *err) {
  nsc_text labels = {0}, temperature = {0}, threshold = {0};
  nsc_json_array(&labels);
  for (uint32_t i = 0; i < f->label_count; i++) nsc_json_string(&labels, f->labels[i]);
  nsc_json_end_array(&labels);
  NSC_TRY(add_json(w, "nsc.labels", &labels, err));
  nsc_json_float(&temperature, f->temperature);
  NSC_TRY(add_json(w, "nsc.temperature", &temperature, err));
  if (f->task == NSC_TASK_BINARY) {
    nsc_json_float(&threshold, f->threshold);
    NSC_TRY(add_json(w, "nsc.threshold", &threshold, err));
  }
  return NSC_OK;
}

static nsc_status add_survival(nsc_onnx_writer *w, const nsc_survival_spec *spec, nsc_error *err) {
  nsc_text t = {0};
  nsc_survival_spec_write(spec, &t);
  return add_json(w, "nsc.survival", &t, err);
}

static nsc_status add_facts(nsc_onnx_writer *w, const nsc_model_facts *f, nsc_error *err) {
  add_text(w, "nsc.version", "1");
  add_text(w, "nsc.name", f->name);
  add_text(w, "nsc.title", f->title);
  add_text(w, "nsc.limits", f->limits);
  add_text(w, "nsc.license", f->license);
  add_text(w, "nsc.task", f->survival ? "survival" : nsc_task_name(f->task));
  add_text(w, "nsc.output", "logits");
  NSC_TRY(f->survival ? add_survival(w, f->survival, err) : add_labels(w, f, err));
  char *recipe;
  NSC_TRY(nsc_recipe_json(f->recipe, &recipe, err));
  nsc_onnx_metadata(w, "nsc.input", recipe);
  nsc_text_free(recipe);
  return NSC_OK;
}

nsc_status nsc_save_model(const nsc_net *net, const nsc_model_facts *facts, bool half, char **bytes, size_t *size,
                          nsc_error *err) {
  nsc_onnx_writer w = {0};
  nsc_status status = nsc_net_write(net, half, &w, err);
  if (status == NSC_OK) status = add_facts(&w, facts, err);
  if (status == NSC_OK) return nsc_onnx_finish(&w, facts->name ? facts->name : "model", bytes, size, err);
  nsc_onnx_drop(&w);
  return status;
}
