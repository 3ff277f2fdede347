/* Image -> tensor -> scores -> result. The command line and the page both stand on it, so that they cannot disagree. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "base/text.h"
#include "nn/model.h"
#include "nn/session_taps.h"
#include "pipeline/classify.h"
#include "pipeline/manifest.h"
#include "pipeline/scores.h"
#include "pipeline/survival.h"

struct nsc_classifier {
  nsc_arena arena;
  nsc_manifest manifest;
  nsc_eye eye;
  float *raw; /* what the network gives, [batch][raw_count] */
  uint32_t raw_count;
  uint32_t output;  /* of the model's outputs, the one with the scores */
  uint16_t *halves; /* [batch][raw_count] where it is float16, else NULL */
  float *scores;    /* [batch][2][manifest.label_count] calibrated, as they come */
  void *kept;       /* of nsc_classifier_keep */
  void (*end_kept)(void *object);
};

nsc_status nsc_classifier_profile(const nsc_classifier *classifier, char **out, nsc_error *err) {
  return nsc_session_json(classifier->eye.session, out, err);
}

const nsc_recipe *nsc_classifier_recipe(const nsc_classifier *classifier) {
  return &classifier->manifest.recipe;
}

static uint32_t batch_of(const nsc_classifier_options *options) {
  return options && options->batch > 1 ? options->batch : 1;
}

/* The one picture input. */
static nsc_status fit_input(nsc_classifier *c, nsc_tensor_info *info, nsc_error *err) {
  NSC_TRY(nsc_model_input_info(c->eye.model, 0, info, err));
  if (nsc_model_input_count(c->eye.model) > 1) {
    nsc_tensor_info second;
    NSC_TRY(nsc_model_input_info(c->eye.model, 1, &second, err));
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "the model wants %u inputs (\"%.40s\", \"%.40s\"%s); a classifier of images has one, and "
                    "initializers for all others",
                    nsc_model_input_count(c->eye.model), info->name, second.name,
                    nsc_model_input_count(c->eye.model) > 2 ? ", ..." : "");
  }
  return nsc_fit_picture(&c->manifest.recipe, c->eye.batch, info, &c->eye.channels_first, err);
}

/* Labels "0", "1", ... for a model that names none. */
static nsc_status number_labels(nsc_classifier *c, nsc_error *err) {
  nsc_manifest *m = &c->manifest;
  uint32_t count = c->raw_count == 1 ? 2 : c->raw_count;
  m->labels = nsc_arena_alloc(&c->arena, count, sizeof *m->labels);
  m->thresholds = nsc_arena_alloc(&c->arena, count, sizeof *m->thresholds);
  m->advice = nsc_arena_alloc(&c->arena, count, sizeof *m->advice);
  if (!m->labels || !m->thresholds || !m->advice) return nsc_fail_memory(err, count * sizeof *m->labels, "labels");
  for (uint32_t i = 0; i < count; i++) {
    char number[16];
    int n = snprintf(number, sizeof number, "%u", i);
    m->labels[i] = nsc_arena_text(&c->arena, number, (size_t)n);
    m->thresholds[i] = 0.5f;
    if (!m->labels[i]) return nsc_fail_memory(err, sizeof number, "labels");
  }
  m->label_count = count;
  return NSC_OK;
}

/* Numbers of one picture in an output of scores; 0 when it is none. `strictly`: at most one dimension is larger than
 * one. */
static uint32_t count_scores(const nsc_classifier *c, uint32_t output, bool strictly, nsc_tensor_info *info) {
  nsc_session_output_info(c->eye.session, output, info);
  uint64_t count = 1;
  uint32_t large = 0, first = c->eye.batch > 1;
  if (first && (info->rank == 0 || info->dims[0] != c->eye.batch)) return 0; /* pictures are not kept apart */
  for (uint32_t i = first; i < info->rank; i++) {
    large += info->dims[i] > 1;
    count *= (uint64_t)info->dims[i];
    if (count > NSC_MAX_LABELS) return 0;
  }
  bool real = info->type == NSC_TYPE_F32 || info->type == NSC_TYPE_F16;
  return real && !(strictly && large > 1) ? (uint32_t)count : 0;
}

static bool labels_fit(const nsc_manifest *m, uint32_t count) {
  bool binary = m->has_task ? m->task == NSC_TASK_BINARY : count == 1;
  return m->label_count == 0 || (binary ? m->label_count == 2 && count <= 2 : m->label_count == count);
}

/* Of several outputs (features, maps, auxiliary heads) the first list that the labels fit. */
static nsc_status choose_output(nsc_classifier *c, nsc_error *err) {
  nsc_tensor_info info;
  for (uint32_t i = 0; i < nsc_session_output_count(c->eye.session); i++) {
    uint32_t count = count_scores(c, i, true, &info);
    if (!count || !labels_fit(&c->manifest, count)) continue;
    c->output = i;
    c->raw_count = count;
    return NSC_OK;
  }
  c->raw_count = count_scores(c, 0, false, &info);
  if (c->raw_count) return NSC_OK; /* what does not fit is said of the first */
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model's output \"%.60s\" is no list of scores", info.name);
}

static nsc_status fit_output(nsc_classifier *c, nsc_error *err) {
  nsc_manifest *m = &c->manifest;
  NSC_TRY(choose_output(c, err));
  if (m->label_count == 0) NSC_TRY(number_labels(c, err));
  if (!m->has_task) m->task = c->raw_count == 1 ? NSC_TASK_BINARY : NSC_TASK_SINGLE;
  bool fits = m->task == NSC_TASK_BINARY ? m->label_count == 2 && c->raw_count <= 2 : m->label_count == c->raw_count;
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "%u labels do not fit the model's %u outputs", m->label_count, c->raw_count);
  }
  size_t numbers = (size_t)c->eye.batch * c->raw_count, labels = 2 * (size_t)c->eye.batch * m->label_count;
  c->raw = nsc_arena_alloc(&c->arena, numbers, sizeof *c->raw);
  c->scores = nsc_arena_alloc(&c->arena, labels, sizeof *c->scores);
  nsc_tensor_info info;
  nsc_session_output_info(c->eye.session, c->output, &info);
  if (info.type == NSC_TYPE_F16) {
    c->halves = nsc_arena_alloc(&c->arena, numbers, sizeof *c->halves);
    if (!c->halves) return nsc_fail_memory(err, numbers * sizeof *c->halves, "scores");
  }
  return c->raw && c->scores ? NSC_OK : nsc_fail_memory(err, c->raw_count * sizeof *c->raw, "scores");
}

static nsc_status build(nsc_classifier *c, const nsc_classifier_options *options, nsc_error *err) {
  NSC_TRY(nsc_manifest_read(c->eye.model, options, &c->arena, &c->manifest, err));
  if (c->manifest.survival) {
    return nsc_fail(
        err, NSC_ERROR_UNSUPPORTED,
        "this model gives curves of survival and no labels: it can be run and evaluated, but not explained, "
        "quantised, joined with others, triaged or reported on");
  }
  if (!c->manifest.has_recipe) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the model does not say how its input is made (nsc.input): give a recipe");
  }
  nsc_tensor_info input;
  NSC_TRY(fit_input(c, &input, err));
  nsc_session_options session = {.threads = options ? options->threads : 1, .input_count = 1, .inputs = &input};
  c->eye.recipe = &c->manifest.recipe;
  NSC_TRY(nsc_eye_open(&c->eye, &session, err));
  NSC_TRY(fit_output(c, err));
  return nsc_eye_aim(&c->eye, c->output, err);
}

nsc_status nsc_classifier_create(const nsc_model *model, const nsc_classifier_options *options, nsc_classifier **out,
                                 nsc_error *err) {
  if (!model) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  nsc_classifier *c = calloc(1, sizeof *c);
  if (!c) return nsc_fail_memory(err, sizeof *c, "a classifier");
  c->eye.model = model;
  c->eye.batch = batch_of(options);
  nsc_status status = build(c, options, err);
  if (status != NSC_OK) {
    nsc_classifier_free(c);
    return status;
  }
  *out = c;
  return NSC_OK;
}

static nsc_status measure_memory(nsc_classifier *c, const nsc_classifier_options *options, nsc_memory *out,
                                 nsc_error *err) {
  nsc_tensor_info inputs[2], *input = inputs;
  nsc_session_options session = {.threads = options ? options->threads : 1, .inputs = inputs};
  NSC_TRY(nsc_manifest_read(c->eye.model, options, &c->arena, &c->manifest, err));
  if (c->manifest.survival && c->manifest.has_recipe) {
    nsc_survival_spec spec;
    NSC_TRY(nsc_survival_spec_read(c->eye.model, &spec, err));
    NSC_TRY(nsc_survival_fit_inputs(c->eye.model, &c->manifest.recipe, spec.field_count, inputs, &session.input_count,
                                    &c->eye.channels_first, err));
  } else if (c->manifest.has_recipe) {
    NSC_TRY(fit_input(c, input, err));
  } else {
    NSC_TRY(nsc_model_input_info(c->eye.model, 0, input, err));
    if (input->rank && input->dims[0] < 0) input->dims[0] = c->eye.batch;
  }
  if (!session.input_count) session.input_count = input->rank > 0;
  NSC_TRY(nsc_model_memory(c->eye.model, &session, out, err));
  if (c->manifest.has_recipe) {
    uint64_t bytes = (uint64_t)c->eye.batch * nsc_recipe_count(&c->manifest.recipe) * sizeof(float);
    out->other += bytes;
    out->peak += bytes;
  }
  return NSC_OK;
}

nsc_status nsc_classifier_memory(const nsc_model *model, const nsc_classifier_options *options, nsc_memory *out,
                                 nsc_error *err) {
  if (!model) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  nsc_classifier c = {.eye = {.model = model, .batch = batch_of(options)}};
  nsc_status status = measure_memory(&c, options, out, err);
  nsc_arena_free(&c.arena);
  return status;
}

nsc_status nsc_classifier_memory_json(const nsc_model *model, const nsc_classifier_options *options, char **out,
                                      nsc_error *err) {
  nsc_memory m;
  NSC_TRY(nsc_classifier_memory(model, options, &m, err));
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "fileMB"), nsc_json_number(&t, (double)m.file / 1e6);
  nsc_json_key(&t, "weightsMB"), nsc_json_number(&t, (double)m.weights / 1e6);
  nsc_json_key(&t, "activationsMB"), nsc_json_number(&t, (double)m.activations / 1e6);
  nsc_json_key(&t, "otherMB"), nsc_json_number(&t, (double)m.other / 1e6);
  nsc_json_key(&t, "peakMB"), nsc_json_number(&t, (double)m.peak / 1e6);
  nsc_json_key(&t, "threads"), nsc_json_int(&t, options && options->threads > 1 ? options->threads : 1);
  nsc_json_key(&t, "batch"), nsc_json_int(&t, batch_of(options));
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

void nsc_classifier_free(nsc_classifier *classifier) {
  if (!classifier) return;
  nsc_classifier_keep(classifier, NULL, NULL);
  nsc_eye_close(&classifier->eye);
  nsc_arena_free(&classifier->arena);
  free(classifier);
}

/* Probabilities from what the network gave for one picture. Temperature divides logits (Guo et al. 2017); probabilities
   go back to logits for it. */
static void score(const nsc_manifest *m, float t, const float *raw, uint32_t n, float *scores) {
  bool as_they_are = !m->logits && t == 1;
  if (m->task == NSC_TASK_MULTI || n == 1) {
    for (uint32_t i = 0; i < n; i++) {
      float x = raw[i], z = m->logits ? x : logf(x / (1 - x));
      scores[i] = as_they_are ? x : nsc_sigmoid_score(z, t);
    }
    if (m->task == NSC_TASK_MULTI) return;
    scores[1] = scores[0];
    scores[0] = 1 - scores[1];
    return;
  }
  for (uint32_t i = 0; i < n; i++) scores[i] = m->logits || as_they_are ? raw[i] : logf(raw[i]);
  if (!as_they_are) nsc_softmax_scores(scores, n, t, scores);
}

void nsc_classifier_blank_result(const nsc_classifier *classifier, nsc_result *out) {
  const nsc_manifest *m = &classifier->manifest;
  *out = (nsc_result){.task = m->task,
                      .count = m->label_count,
                      .labels = m->labels,
                      .thresholds = m->thresholds,
                      .verdict = m->label_count};
}

void nsc_classifier_input(const nsc_classifier *classifier, nsc_tensor_info *out) {
  nsc_session_input_info(classifier->eye.session, 0, out);
}

nsc_status nsc_classifier_prepare(nsc_classifier *classifier, nsc_image *image, uint32_t frame, const float **out,
                                  size_t *count, bool *channels_last, nsc_error *err) {
  nsc_classifier *c = classifier;
  NSC_TRY(nsc_preprocess(image, frame, &c->manifest.recipe, c->eye.input, c->eye.input_count, err));
  *out = c->eye.input;
  *count = c->eye.input_count;
  *channels_last = c->eye.channels_first;
  return NSC_OK;
}

uint32_t nsc_classifier_batch(const nsc_classifier *classifier) {
  return classifier->eye.batch;
}

nsc_status nsc_classifier_put(nsc_classifier *classifier, uint32_t slot, nsc_image *image, uint32_t frame,
                              nsc_error *err) {
  if (!classifier || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no classifier or image");
  return nsc_eye_put(&classifier->eye, slot, image, frame, err);
}

nsc_status nsc_classifier_run_batch(nsc_classifier *classifier, const volatile int32_t *cancel, nsc_error *err) {
  nsc_classifier *c = classifier;
  size_t numbers = (size_t)c->eye.batch * c->raw_count;
  NSC_TRY(nsc_eye_run(&c->eye, cancel, err));
  if (c->halves) {
    NSC_TRY(nsc_session_get_output(c->eye.session, c->output, c->halves, numbers * sizeof *c->halves, err));
    nsc_half_expand(c->halves, numbers, c->raw);
  } else {
    NSC_TRY(nsc_session_get_output(c->eye.session, c->output, c->raw, numbers * sizeof *c->raw, err));
  }
  return NSC_OK;
}

/* Scores and verdict of a slot, from what the last run gave. */
static nsc_status judge_slot(nsc_classifier *c, uint32_t slot, nsc_result *out, nsc_error *err) {
  const nsc_manifest *m = &c->manifest;
  const float *raw = c->raw + (size_t)slot * c->raw_count;
  float *scores = c->scores + (size_t)slot * 2 * m->label_count, *plain = scores + m->label_count;
  for (uint32_t i = 0; i < c->raw_count; i++) {
    if (!isfinite(raw[i])) return nsc_fail(err, NSC_ERROR_CORRUPT, "the model's output is not a number");
  }
  score(m, m->temperature, raw, c->raw_count, scores);
  score(m, 1, raw, c->raw_count, plain);
  nsc_classifier_blank_result(c, out);
  out->scores = scores;
  out->raw = plain;
  out->verdict = nsc_verdict(m->task, scores, m->thresholds, m->label_count);
  out->relation = nsc_relation_of(m->task, scores, m->thresholds, m->label_count, nsc_asked_label(out, -1));
  out->inference_ms = c->eye.run_ms / c->eye.batch;
  return NSC_OK;
}

nsc_status nsc_classifier_result(nsc_classifier *classifier, uint32_t slot, nsc_result *out, nsc_error *err) {
  nsc_classifier *c = classifier;
  if (slot >= c->eye.batch) return nsc_fail(err, NSC_ERROR_ARGUMENT, "picture %u of a batch of %u", slot, c->eye.batch);
  nsc_applies applies;
  NSC_TRY(nsc_eye_applies(&c->eye, slot, &applies, err));
  NSC_TRY(judge_slot(c, slot, out, err));
  out->applies = applies;
  out->decode_ms = c->eye.seen[slot].decode_ms;
  out->preprocess_ms = c->eye.seen[slot].preprocess_ms;
  return NSC_OK;
}

nsc_status nsc_classifier_run(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                              const volatile int32_t *cancel, nsc_result *out, nsc_error *err) {
  if (!out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no result");
  NSC_TRY(nsc_classifier_put(classifier, 0, image, frame, err));
  NSC_TRY(nsc_classifier_run_batch(classifier, cancel, err));
  return nsc_classifier_result(classifier, 0, out, err);
}

nsc_status nsc_classifier_judge(nsc_classifier *classifier, const float *input, const volatile int32_t *cancel,
                                nsc_result *out, nsc_error *err) {
  nsc_classifier *c = classifier;
  if (input != c->eye.input) memcpy(c->eye.input, input, c->eye.input_count * sizeof *input);
  NSC_TRY(nsc_classifier_run_batch(c, cancel, err));
  return judge_slot(c, 0, out, err);
}

nsc_status nsc_classifier_judge_logits(nsc_classifier *classifier, const float *logits, nsc_result *out,
                                       nsc_error *err) {
  nsc_classifier *c = classifier;
  const nsc_manifest *m = &c->manifest;
  memcpy(c->raw, logits, c->raw_count * sizeof *logits);
  if (!m->logits && (m->task == NSC_TASK_MULTI || c->raw_count == 1)) {
    for (uint32_t i = 0; i < c->raw_count; i++) c->raw[i] = nsc_sigmoid_score(logits[i], 1);
  } else if (!m->logits) {
    nsc_softmax_scores(logits, c->raw_count, 1, c->raw);
  }
  c->eye.run_ms = 0;
  return judge_slot(c, 0, out, err);
}

const float *nsc_classifier_tensor(const nsc_classifier *classifier, size_t *count) {
  *count = classifier->eye.input_count;
  return classifier->eye.input;
}

/* ---- for explanations ---- */

nsc_eye *nsc_classifier_eye(nsc_classifier *classifier) {
  return &classifier->eye;
}

void nsc_classifier_keep(nsc_classifier *classifier, void *object, void (*end)(void *object)) {
  if (classifier->kept) classifier->end_kept(classifier->kept);
  classifier->kept = object;
  classifier->end_kept = end;
}

void *nsc_classifier_kept(const nsc_classifier *classifier) {
  return classifier->kept;
}

uint32_t nsc_asked_label(const nsc_result *result, int32_t asked) {
  if (asked >= 0) return (uint32_t)asked;
  if (result->task == NSC_TASK_BINARY) return 1;
  if (result->verdict < result->count) return result->verdict;
  uint32_t best = 0;
  for (uint32_t i = 1; i < result->count; i++) best = result->scores[i] > result->scores[best] ? i : best;
  return best;
}

const nsc_model *nsc_classifier_model(const nsc_classifier *classifier) {
  return classifier->eye.model;
}

struct pthreadpool *nsc_classifier_threads(const nsc_classifier *classifier) {
  return nsc_session_threads(classifier->eye.session);
}

uint32_t nsc_classifier_output_value(const nsc_classifier *classifier) {
  return classifier->eye.model->outputs[classifier->output].value;
}

uint32_t nsc_classifier_output_count(const nsc_classifier *classifier) {
  return classifier->raw_count;
}

uint32_t nsc_classifier_feature_map(const nsc_classifier *classifier, size_t size[3]) {
  memcpy(size, classifier->eye.map_size, sizeof classifier->eye.map_size);
  return classifier->eye.map;
}

void nsc_classifier_read_feature_map(nsc_classifier *classifier, float *out) {
  nsc_session_read_tap(classifier->eye.session, classifier->eye.map, 0, out);
}

void nsc_classifier_logit_weights(const nsc_classifier *classifier, uint32_t label, float *weights) {
  for (uint32_t i = 0; i < classifier->raw_count; i++) weights[i] = i == label;
  if (classifier->raw_count == 1) weights[0] = label ? 1 : -1;
}

double nsc_classifier_logit(const nsc_classifier *classifier, uint32_t label) {
  const nsc_classifier *c = classifier;
  bool single = c->raw_count == 1;
  double raw = (double)c->raw[single ? 0 : label];
  if (!c->manifest.logits) {
    double p = fmin(fmax(raw, 1e-7), 1 - 1e-7); /* what float32 can tell from 0 and 1 */
    raw = log(p / (1 - p));
  }
  return single && label == 0 ? -raw : raw;
}

const nsc_manifest *nsc_classifier_manifest(const nsc_classifier *classifier) {
  return &classifier->manifest;
}
