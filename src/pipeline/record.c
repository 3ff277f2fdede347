/* nsc_record: one classification with all that it takes to repeat it, put together as JSON once. */
#include "pipeline/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/version.h"
#include "image/image.h"
#include "image/origin.h"
#include "image/recipe.h"
#include "nn/model.h"
#include "pipeline/explain.h"
#include "pipeline/record_marks.h"
#include "pipeline/scores.h"

enum { RECORD_VERSION = 1 };

static void member(nsc_text *t, const char *key, const char *value) {
  nsc_json_key(t, key), nsc_json_string(t, value);
}

/* ---- parts ---- */

static void write_software(nsc_text *t) {
  nsc_json_key(t, "software"), nsc_json_object(t);
  member(t, "name", "Negatoscope");
  member(t, "version", nsc_version());
  member(t, "build", nsc_build_variant());
  member(t, "compiler", nsc_build_compiler());
  member(t, "processor", nsc_processor());
  nsc_json_end_object(t);
}

static nsc_status write_digest(nsc_text *t, const nsc_source *source, nsc_error *err) {
  char digest[NSC_SHA256_ROOM] = "";
  if (source) NSC_TRY(nsc_source_sha256(source, digest, err));
  member(t, "sha256", source ? digest : NULL);
  return NSC_OK;
}

static void write_given(nsc_text *t, const nsc_classifier_options *given) {
  static const nsc_classifier_options none = {0};
  const nsc_classifier_options *o = given ? given : &none;
  nsc_json_key(t, "given"), nsc_json_object(t);
  member(t, "recipe", o->recipe_json);
  member(t, "labels", o->labels_json);
  member(t, "output", o->output);
  nsc_json_end_object(t);
}

static nsc_status write_model(nsc_text *t, const nsc_classifier *classifier, const nsc_record_options *o,
                              nsc_error *err) {
  const nsc_manifest *m = nsc_classifier_manifest(classifier);
  const nsc_model *model = nsc_classifier_model(classifier);
  nsc_json_key(t, "model"), nsc_json_object(t);
  member(t, "name", m->name);
  member(t, "title", m->title);
  NSC_TRY(write_digest(t, model->source, err));
  nsc_json_key(t, "bytes"), nsc_json_int(t, (int64_t)nsc_model_bytes(model));
  nsc_json_key(t, "files"), nsc_json_array(t);
  for (uint32_t i = 0; i < model->file_count; i++) {
    nsc_json_object(t);
    member(t, "name", model->files[i].name);
    NSC_TRY(write_digest(t, model->files[i].source, err));
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  member(t, "task", nsc_task_name(m->task));
  member(t, "output", m->logits ? "logits" : "probabilities");
  nsc_json_key(t, "temperature"), nsc_json_float(t, m->temperature);
  nsc_json_key(t, "recipe"), nsc_recipe_write(nsc_classifier_recipe(classifier), t);
  member(t, "limits", m->limits);
  member(t, "license", m->license);
  write_given(t, o->given);
  nsc_json_end_object(t);
  return NSC_OK;
}

static void write_image(nsc_text *t, const nsc_image *image, uint32_t frame, const nsc_record_options *o) {
  const nsc_image_info *info = &image->info;
  double spacing[2];
  nsc_json_key(t, "image"), nsc_json_object(t);
  member(t, "name", o->nameless ? NULL : o->image_name);
  member(t, "sha256", o->image_sha256);
  member(t, "format", nsc_format_name(info->format));
  nsc_json_key(t, "width"), nsc_json_int(t, info->width);
  nsc_json_key(t, "height"), nsc_json_int(t, info->height);
  nsc_json_key(t, "frames"), nsc_json_int(t, info->frames);
  nsc_json_key(t, "frame"), nsc_json_int(t, (int64_t)frame + 1);
  nsc_json_key(t, "spacing");
  if (nsc_image_spacing(image, frame, spacing)) {
    nsc_json_array(t);
    nsc_json_number(t, spacing[0]), nsc_json_number(t, spacing[1]);
    nsc_json_end_array(t);
  } else {
    nsc_json_null(t);
  }
  member(t, "modality", *image->modality ? image->modality : NULL);
  member(t, "bodyPart", *image->body_part ? image->body_part : NULL);
  nsc_image_write_origin(image, frame, o->nameless, t);
  nsc_json_end_object(t);
}

static void write_result(nsc_text *t, const nsc_classifier *classifier, const nsc_result *r) {
  const nsc_manifest *m = nsc_classifier_manifest(classifier);
  bool decided = r->verdict < r->count;
  nsc_json_key(t, "result"), nsc_json_object(t);
  nsc_json_key(t, "labels"), nsc_json_array(t);
  for (uint32_t i = 0; i < r->count; i++) {
    bool counts = r->task == NSC_TASK_MULTI || (r->task == NSC_TASK_BINARY && i == 1);
    nsc_json_object(t);
    member(t, "label", r->labels[i]);
    nsc_json_key(t, "score"), nsc_json_float(t, r->scores[i]);
    nsc_json_key(t, "raw"), nsc_json_float(t, r->raw[i]);
    nsc_json_key(t, "logit"), nsc_json_number(t, nsc_classifier_logit(classifier, i));
    nsc_json_key(t, "threshold"), nsc_json_float(t, counts ? r->thresholds[i] : NAN);
    member(t, "advice", m->advice[i]);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  member(t, "verdict", decided ? r->labels[r->verdict] : NULL);
  member(t, "advice", decided ? m->advice[r->verdict] : NULL);
  member(t, "relation", nsc_relation_name(r->relation));
  nsc_applies_write(&r->applies, t);
  nsc_json_end_object(t);
}

/* What a parsed JSON says, behind a key, without some of its members. */
static nsc_status write_parsed(nsc_text *t, char *json, const char *const *without, const nsc_explanation *e,
                               nsc_error *err) {
  nsc_json parsed;
  nsc_status status = nsc_json_parse(json, strlen(json), &parsed, err);
  nsc_text_free(json);
  if (status != NSC_OK) return status;
  nsc_json_object(t);
  const nsc_json_value *child = nsc_json_first(&parsed.values[0]);
  for (uint32_t i = 0; i < parsed.values[0].count; i++, child = nsc_json_next(child)) {
    bool left_out = false;
    for (const char *const *w = without; *w; w++) left_out = left_out || strcmp(*w, child->key) == 0;
    if (left_out) continue;
    nsc_json_key(t, child->key);
    nsc_json_write(t, child, without);
  }
  if (e) {
    const nsc_explain_options *o = &e->options;
    nsc_json_key(t, "options"), nsc_json_object(t);
    nsc_json_key(t, "label"), nsc_json_int(t, o->label);
    nsc_json_key(t, "samples"), nsc_json_int(t, o->samples);
    nsc_json_key(t, "window"), nsc_json_int(t, o->window);
    nsc_json_key(t, "stride"), nsc_json_int(t, o->stride);
    nsc_json_key(t, "noise"), nsc_json_number(t, o->noise);
    nsc_json_key(t, "curve"), nsc_json_int(t, o->curve);
    nsc_json_key(t, "seed"), nsc_json_int(t, (int64_t)o->seed);
    nsc_json_end_object(t);
  }
  nsc_json_end_object(t);
  nsc_json_drop(&parsed);
  return NSC_OK;
}

static nsc_status write_explanation(nsc_text *t, const nsc_explanation *e, double threshold, nsc_error *err) {
  static const char *const without[] = {"outline", "ms", NULL};
  char *json;
  nsc_json_key(t, "explanation");
  if (!e) {
    nsc_json_null(t);
    return NSC_OK;
  }
  NSC_TRY(nsc_explanation_json(e, threshold, &json, err));
  return write_parsed(t, json, without, e, err);
}

static nsc_status write_stability(nsc_text *t, const nsc_stability *s, nsc_error *err) {
  static const char *const without[] = {NULL};
  char *json;
  nsc_json_key(t, "stability");
  if (!s) {
    nsc_json_null(t);
    return NSC_OK;
  }
  NSC_TRY(nsc_stability_json(s, &json, err));
  return write_parsed(t, json, without, NULL, err);
}

static nsc_status write_all(nsc_text *t, const nsc_record *r, const nsc_classifier *classifier,
                            const nsc_stability *stability, const nsc_result *result, const nsc_record_options *o,
                            nsc_error *err) {
  nsc_json_object(t);
  member(t, "format", "negatoscope-report");
  nsc_json_key(t, "version"), nsc_json_int(t, RECORD_VERSION);
  member(t, "time", o->time);
  nsc_json_key(t, "nameless"), nsc_json_bool(t, o->nameless);
  write_software(t);
  NSC_TRY(write_model(t, classifier, o, err));
  write_image(t, r->image, r->frame, o);
  write_result(t, classifier, result);
  NSC_TRY(write_explanation(t, r->explanation, r->threshold, err));
  NSC_TRY(write_stability(t, stability, err));
  NSC_TRY(nsc_record_write_marks(t, r->image, r->frame, o->marks, err));
  nsc_json_end_object(t);
  return NSC_OK;
}

/* ---- the record ---- */

/* "2026-01-02T03:04:05Z" or "...+01:00" (RFC 3339); its digits are what DICOM has for a moment. */
static bool read_time(const char *time, char now[15]) {
  static const char shape[] = "0000-00-00T00:00:00";
  int at = 0, i = 0;
  for (; time && shape[i]; i++) {
    bool digit = time[i] >= '0' && time[i] <= '9';
    if (shape[i] == '0' ? !digit : time[i] != shape[i]) return false;
    if (digit) now[at++] = time[i];
  }
  now[at] = 0;
  if (!time) return false;
  const char *zone = time + i;
  if (strcmp(zone, "Z") == 0) return true;
  bool sign = *zone == '+' || *zone == '-';
  return sign && strlen(zone) == 6 && zone[3] == ':' && strspn(zone + 1, "0123456789") == 2 &&
         strspn(zone + 4, "0123456789") == 2;
}

static bool is_digest(const char *text) {
  return !text || (strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64);
}

static nsc_status fill(nsc_record *r, nsc_classifier *classifier, const nsc_stability *stability,
                       const nsc_record_options *o, nsc_error *err) {
  nsc_result result;
  nsc_text t = {0};
  NSC_TRY(nsc_classifier_run(classifier, r->image, r->frame, NULL, &result, err));
  nsc_status status = write_all(&t, r, classifier, stability, &result, o, err);
  r->json_size = t.size;
  if (status != NSC_OK) {
    nsc_text_drop(&t);
    return status;
  }
  NSC_TRY(nsc_text_finish(&t, &r->json, err));
  return nsc_json_parse(r->json, r->json_size, &r->facts, err);
}

nsc_status nsc_record_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                             const nsc_explanation *explanation, const nsc_stability *stability,
                             const nsc_record_options *options, nsc_record **out, nsc_error *err) {
  char now[15];
  if (!classifier || !image || !options || !out || !is_digest(options->image_sha256)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no classifier, image or options, or a digest that is none");
  }
  if (!read_time(options->time, now)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the time of a report is written as 2026-01-02T03:04:05Z");
  }
  nsc_record *r = calloc(1, sizeof *r);
  if (!r) return nsc_fail_memory(err, sizeof *r, "a report");
  r->image = image;
  r->explanation = explanation;
  r->frame = frame;
  r->threshold = options->threshold;
  r->nameless = options->nameless;
  memcpy(r->now, now, sizeof now);
  nsc_status status = fill(r, classifier, stability, options, err);
  if (status != NSC_OK) {
    nsc_record_free(r);
    return status;
  }
  *out = r;
  return NSC_OK;
}

void nsc_record_free(nsc_record *record) {
  if (!record) return;
  nsc_json_drop(&record->facts);
  nsc_text_free(record->json);
  free(record);
}

nsc_status nsc_record_json(const nsc_record *record, char **out, nsc_error *err) {
  if (!record || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report or no place for it");
  char *copy = nsc_copy_chars(record->json, record->json_size);
  if (!copy) return nsc_fail_memory(err, record->json_size, "a report");
  *out = copy;
  return NSC_OK;
}

/* ---- looking into it ---- */

const nsc_json_value *nsc_record_part(const nsc_record *record, const char *key) {
  return nsc_json_get(&record->facts.values[0], key);
}

static const nsc_json_value *label_named(const nsc_record *record, const char *name) {
  const nsc_json_value *labels = nsc_json_get(nsc_record_part(record, "result"), "labels");
  const nsc_json_value *each = nsc_json_first(labels);
  for (uint32_t i = 0; name && i < labels->count; i++, each = nsc_json_next(each)) {
    if (strcmp(nsc_json_text_of(each, "label"), name) == 0) return each;
  }
  return NULL;
}

const nsc_json_value *nsc_record_verdict(const nsc_record *record) {
  return label_named(record, nsc_json_text_of(nsc_record_part(record, "result"), "verdict"));
}

const nsc_json_value *nsc_record_subject(const nsc_record *record) {
  const nsc_json_value *labels = nsc_json_get(nsc_record_part(record, "result"), "labels");
  const nsc_json_value *each = nsc_json_first(labels), *best = each, *last = each;
  for (uint32_t i = 0; i < labels->count; i++, each = nsc_json_next(each)) {
    if (nsc_json_number_of(each, "score") > nsc_json_number_of(best, "score")) best = each;
    last = each;
  }
  if (strcmp(nsc_json_text_of(nsc_record_part(record, "model"), "task"), "binary") == 0) return last;
  const nsc_json_value *verdict = nsc_record_verdict(record);
  return verdict ? verdict : best;
}

const nsc_json_value *nsc_record_next_label(const nsc_record *record, const nsc_json_value *before) {
  const nsc_json_value *labels = nsc_json_get(nsc_record_part(record, "result"), "labels");
  const nsc_json_value *each = nsc_json_first(labels), *best = NULL;
  double most = -1, bound = before ? nsc_json_number_of(before, "score") : INFINITY;
  for (uint32_t i = 0; i < labels->count; i++, each = nsc_json_next(each)) {
    double score = nsc_json_number_of(each, "score");
    bool after = score < bound || (score == bound && before && each > before);
    if (after && score > most) best = each, most = score;
  }
  return best;
}
