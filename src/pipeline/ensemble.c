/* nsc_ensemble: several classifiers on one picture, and how far they agree. */
#include "pipeline/ensemble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "pipeline/classify.h"
#include "pipeline/scores.h"

nsc_status nsc_ensemble_name_labels(nsc_ensemble *e, nsc_task task, const char *const *labels, uint32_t count,
                                    nsc_error *err) {
  size_t each = (size_t)NSC_ENSEMBLE_MOST * count;
  e->names = nsc_arena_alloc(&e->arena, count, sizeof *e->names);
  e->logits = nsc_arena_alloc(&e->arena, count, sizeof *e->logits);
  e->votes = nsc_arena_alloc(&e->arena, count, sizeof *e->votes);
  float *numbers = nsc_arena_alloc(&e->arena, 2 * each + 6 * (size_t)count, sizeof *numbers);
  if (!e->names || !e->logits || !e->votes || !numbers)
    return nsc_fail_memory(err, 2 * each * sizeof *numbers, "an ensemble");
  for (uint32_t k = 0; k < count; k++) {
    char *copy = nsc_arena_alloc(&e->arena, strlen(labels[k]) + 1, 1);
    if (!copy) return nsc_fail_memory(err, strlen(labels[k]), "a label");
    e->names[k] = strcpy(copy, labels[k]);
  }
  e->opinions = numbers;
  e->their_thresholds = numbers + each;
  float **const rows[] = {&e->scores, &e->deviation, &e->lowest, &e->highest, &e->thresholds, &e->stack_thresholds};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) *rows[i] = numbers + 2 * each + i * count;
  e->task = task;
  e->labels = count;
  return NSC_OK;
}

nsc_status nsc_ensemble_create(nsc_combine combine, const char *stack_json, nsc_ensemble **out, nsc_error *err) {
  if ((unsigned)combine > NSC_COMBINE_STACK || (combine == NSC_COMBINE_STACK) != (stack_json != NULL)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no such way to combine, or a stack without its weights");
  }
  nsc_ensemble *e = calloc(1, sizeof *e);
  if (!e) return nsc_fail_memory(err, sizeof *e, "an ensemble");
  e->combine = combine;
  nsc_status status = stack_json ? nsc_ensemble_read_stack(e, stack_json, err) : NSC_OK;
  if (status != NSC_OK) {
    nsc_ensemble_free(e);
    return status;
  }
  *out = e;
  return NSC_OK;
}

void nsc_ensemble_free(nsc_ensemble *ensemble) {
  if (!ensemble) return;
  free(ensemble->case_scores), free(ensemble->case_truth);
  nsc_arena_free(&ensemble->arena);
  free(ensemble);
}

/* ---- asking ---- */

/* Where a member has the ensemble's label, or the number of its labels. */
static uint32_t find(const nsc_manifest *m, const char *label) {
  uint32_t at = 0;
  while (at < m->label_count && strcmp(m->labels[at], label) != 0) at++;
  return at;
}

static nsc_status check_labels(const nsc_ensemble *e, const nsc_manifest *m, nsc_error *err) {
  uint32_t number = e->asked + 1;
  if (e->task != m->task) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble has another task than the first", number);
  }
  if (e->labels != m->label_count) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble knows %u labels, the first %u", number,
                    m->label_count, e->labels);
  }
  for (uint32_t k = 0; k < e->labels; k++) {
    if (find(m, e->names[k]) < m->label_count) continue;
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble does not know \"%.60s\"", number, e->names[k]);
  }
  bool turned = e->task == NSC_TASK_BINARY && find(m, e->names[0]) != 0;
  if (!turned) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble calls present what the first calls absent", number);
}

/* A member that was asked about an earlier picture, or is named by a stack, comes again in its turn. */
static nsc_status check_turn(nsc_ensemble *e, const nsc_manifest *m, nsc_error *err) {
  char *name = e->member_names[e->asked];
  const char *given = m->name ? m->name : "";
  if (e->asked < e->known) {
    if (strncmp(name, given, NSC_ENSEMBLE_NAME - 1) == 0) return NSC_OK;
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble was \"%.60s\", and is \"%.60s\"", e->asked + 1,
                    name, given);
  }
  if (e->has_stack) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the weights are those of %u models", e->known);
  }
  snprintf(name, NSC_ENSEMBLE_NAME, "%s", given);
  e->known++;
  return NSC_OK;
}

nsc_status nsc_ensemble_ask(nsc_ensemble *ensemble, nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                            const volatile int32_t *cancel, nsc_error *err) {
  nsc_ensemble *e = ensemble;
  if (!e || !classifier || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no ensemble, no model or no image");
  if (e->asked == NSC_ENSEMBLE_MOST) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "an ensemble has at most %d models", NSC_ENSEMBLE_MOST);
  }
  double start = nsc_now_ms();
  const nsc_manifest *m = nsc_classifier_manifest(classifier);
  nsc_result r;
  if (!e->labels) NSC_TRY(nsc_ensemble_name_labels(e, m->task, m->labels, m->label_count, err));
  NSC_TRY(check_labels(e, m, err));
  NSC_TRY(check_turn(e, m, err));
  NSC_TRY(nsc_classifier_run(classifier, image, frame, cancel, &r, err));
  size_t row = (size_t)e->asked * e->labels;
  e->verdicts[e->asked] = e->labels;
  for (uint32_t k = 0; k < e->labels; k++) {
    uint32_t at = find(m, e->names[k]);
    e->opinions[row + k] = r.scores[at];
    e->their_thresholds[row + k] = m->thresholds[at];
    if (r.verdict == at) e->verdicts[e->asked] = k;
  }
  if (r.applies.verdict > e->applies) e->applies = r.applies.verdict;
  e->asked++;
  e->ms += nsc_now_ms() - start;
  return NSC_OK;
}

void nsc_ensemble_next(nsc_ensemble *ensemble) {
  ensemble->asked = 0;
  ensemble->applies = NSC_APPLIES_UNKNOWN;
  ensemble->ms = 0;
}

/* ---- together ---- */

/* Spread of the members over a label, and the mean of their scores and thresholds. */
static void sum_up(nsc_ensemble *e, uint32_t k) {
  double sum = 0, squares = 0, threshold = 0;
  e->lowest[k] = e->highest[k] = e->opinions[k];
  for (uint32_t m = 0; m < e->asked; m++) {
    float score = e->opinions[(size_t)m * e->labels + k];
    e->lowest[k] = fminf(e->lowest[k], score);
    e->highest[k] = fmaxf(e->highest[k], score);
    sum += (double)score;
    squares += (double)score * (double)score;
    threshold += (double)e->their_thresholds[(size_t)m * e->labels + k];
  }
  double mean = sum / e->asked;
  e->scores[k] = (float)mean;
  e->deviation[k] = (float)sqrt(fmax(squares / e->asked - mean * mean, 0));
  e->thresholds[k] = (float)(threshold / e->asked);
}

/* How many members said a label; in multi-label models each is asked for itself. */
static uint32_t count_votes(const nsc_ensemble *e, uint32_t k) {
  uint32_t votes = 0;
  for (uint32_t m = 0; m < e->asked; m++) {
    size_t at = (size_t)m * e->labels + k;
    votes += e->task == NSC_TASK_MULTI ? e->opinions[at] >= e->their_thresholds[at] : e->verdicts[m] == k;
  }
  return votes;
}

static uint32_t vote(nsc_ensemble *e) {
  uint32_t best = e->labels;
  for (uint32_t k = 0; k < e->labels; k++) {
    e->scores[k] = (float)e->votes[k] / (float)e->asked;
    e->thresholds[k] = 0.5f;
    if (e->scores[k] >= 0.5f && (best == e->labels || e->scores[k] >= e->scores[best])) best = k;
  }
  return best;
}

static uint32_t stack(nsc_ensemble *e) {
  uint32_t first = nsc_ensemble_first(e), columns = nsc_ensemble_columns(e);
  float *packed = e->case_scores; /* of one picture: a stack that is used does not learn */
  for (uint32_t m = 0; m < e->asked; m++) {
    memcpy(packed + (size_t)m * columns, e->opinions + (size_t)m * e->labels + first, columns * sizeof *packed);
  }
  nsc_stack_logits(&e->stack, packed, e->logits);
  double highest = e->logits[0], sum = 0;
  for (uint32_t k = 0; k < columns; k++) highest = fmax(highest, e->logits[k]);
  for (uint32_t k = 0; k < columns; k++) sum += exp(e->logits[k] - highest);
  for (uint32_t k = 0; k < columns; k++) {
    e->scores[first + k] = (float)(e->stack.softmax ? exp(e->logits[k] - highest) / sum : 1 / (1 + exp(-e->logits[k])));
  }
  if (first) e->scores[0] = 1 - e->scores[1];
  memcpy(e->thresholds, e->stack_thresholds, e->labels * sizeof *e->thresholds);
  return nsc_verdict(e->task, e->scores, e->thresholds, e->labels);
}

nsc_status nsc_ensemble_combine(nsc_ensemble *ensemble, nsc_ensemble_result *out, nsc_error *err) {
  nsc_ensemble *e = ensemble;
  if (!e || !out || e->asked < 2) return nsc_fail(err, NSC_ERROR_ARGUMENT, "an ensemble has two models or more");
  if (e->has_stack && e->asked != e->known) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the weights are those of %u models", e->known);
  }
  for (uint32_t k = 0; k < e->labels; k++) {
    sum_up(e, k);
    e->votes[k] = count_votes(e, k);
  }
  uint32_t verdict = e->combine == NSC_COMBINE_STACK  ? stack(e)
                     : e->combine == NSC_COMBINE_VOTE ? vote(e)
                                                      : nsc_verdict(e->task, e->scores, e->thresholds, e->labels);
  for (uint32_t m = 0; m < e->asked; m++) e->member_texts[m] = e->member_names[m];
  *out = (nsc_ensemble_result){.task = e->task,
                               .combine = e->combine,
                               .count = e->labels,
                               .members = e->asked,
                               .labels = e->names,
                               .scores = e->scores,
                               .deviation = e->deviation,
                               .lowest = e->lowest,
                               .highest = e->highest,
                               .thresholds = e->thresholds,
                               .member_scores = e->opinions,
                               .names = e->member_texts,
                               .verdicts = e->verdicts,
                               .verdict = verdict,
                               .votes = e->votes,
                               .applies = e->applies,
                               .ms = e->ms};
  return NSC_OK;
}

/* ---- JSON ---- */

static void write_floats(nsc_text *t, const char *key, const nsc_ensemble_result *r, const float *values) {
  nsc_json_key(t, key), nsc_json_object(t);
  for (uint32_t k = 0; k < r->count; k++) nsc_json_key(t, r->labels[k]), nsc_json_float(t, values[k]);
  nsc_json_end_object(t);
}

static void write_verdict(nsc_text *t, const nsc_ensemble_result *r, uint32_t verdict) {
  nsc_json_key(t, "verdict"), nsc_json_string(t, verdict < r->count ? r->labels[verdict] : NULL);
}

static void write_members(nsc_text *t, const nsc_ensemble_result *r) {
  nsc_json_key(t, "members"), nsc_json_array(t);
  for (uint32_t m = 0; m < r->members; m++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, r->names[m]);
    write_floats(t, "scores", r, r->member_scores + (size_t)m * r->count);
    write_verdict(t, r, r->verdicts[m]);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

const char *nsc_combine_name(nsc_combine combine) {
  static const char *const names[] = {"average", "vote", "stack"};
  return names[combine];
}

nsc_status nsc_ensemble_json(const nsc_ensemble_result *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "task"), nsc_json_string(&t, nsc_task_name(r->task));
  nsc_json_key(&t, "combine"), nsc_json_string(&t, nsc_combine_name(r->combine));
  write_members(&t, r);
  write_floats(&t, "scores", r, r->scores);
  write_floats(&t, "deviation", r, r->deviation);
  write_floats(&t, "lowest", r, r->lowest);
  write_floats(&t, "highest", r, r->highest);
  if (r->task == NSC_TASK_SINGLE) {
    nsc_json_key(&t, "threshold"), nsc_json_null(&t);
  } else {
    write_floats(&t, "threshold", r, r->thresholds);
  }
  write_verdict(&t, r, r->verdict);
  nsc_json_key(&t, "votes"), nsc_json_object(&t);
  for (uint32_t k = 0; k < r->count; k++) nsc_json_key(&t, r->labels[k]), nsc_json_int(&t, r->votes[k]);
  nsc_json_end_object(&t);
  nsc_json_key(&t, "applies"), nsc_json_string(&t, nsc_applies_name(r->applies));
  nsc_json_key(&t, "ms"), nsc_json_number(&t, r->ms);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
