/* nsc_ensemble: several classifiers on one picture, and how far they agree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "pipeline/classify.h"
#include "pipeline/scores.h"

struct nsc_ensemble {
  nsc_arena arena;
  nsc_classifier **members; /* [count] */
  uint32_t count, labels;
  nsc_combine combine;
  uint32_t *places; /* [count][labels]: where a member has the first one's label */
  float *scores, *deviation, *lowest, *highest, *thresholds; /* [labels] */
  uint32_t *verdicts;                                        /* [count], in the first one's labels */
};

static const nsc_manifest *manifest_of(const nsc_ensemble *e, uint32_t member) {
  return nsc_classifier_manifest(e->members[member]);
}

/* Finds the first member's labels among those of another. */
static nsc_status match(nsc_ensemble *e, uint32_t member, nsc_error *err) {
  const nsc_manifest *first = manifest_of(e, 0), *other = manifest_of(e, member);
  if (first->task != other->task) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble has another task than the first", member + 1);
  }
  if (first->label_count != other->label_count) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble knows %u labels, the first %u", member + 1,
                    other->label_count, first->label_count);
  }
  for (uint32_t k = 0; k < e->labels; k++) {
    uint32_t at = 0;
    while (at < other->label_count && strcmp(other->labels[at], first->labels[k]) != 0) at++;
    if (at == other->label_count) {
      return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble does not know \"%.60s\"", member + 1,
                      first->labels[k]);
    }
    e->places[(size_t)member * e->labels + k] = at;
    e->thresholds[k] += other->thresholds[at] / (float)e->count;
  }
  bool turned = first->task == NSC_TASK_BINARY && e->places[(size_t)member * e->labels] != 0;
  if (!turned) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_RECIPE, "model %u of the ensemble calls present what the first calls absent",
                  member + 1);
}

static nsc_status build(nsc_ensemble *e, nsc_classifier *const *members, nsc_error *err) {
  e->labels = nsc_classifier_manifest(members[0])->label_count;
  e->members = nsc_arena_alloc(&e->arena, e->count, sizeof(nsc_classifier *));
  e->places = nsc_arena_alloc(&e->arena, (size_t)e->count * e->labels, sizeof *e->places);
  e->verdicts = nsc_arena_alloc(&e->arena, e->count, sizeof *e->verdicts);
  float *numbers = nsc_arena_alloc(&e->arena, 5 * (size_t)e->labels, sizeof *numbers);
  if (!e->members || !e->places || !e->verdicts || !numbers) {
    return nsc_fail_memory(err, (size_t)e->count * e->labels * sizeof *e->places, "an ensemble");
  }
  e->scores = numbers;
  e->deviation = numbers + e->labels;
  e->lowest = numbers + 2 * (size_t)e->labels;
  e->highest = numbers + 3 * (size_t)e->labels;
  e->thresholds = numbers + 4 * (size_t)e->labels;
  for (uint32_t m = 0; m < e->count; m++) e->members[m] = members[m];
  for (uint32_t m = 0; m < e->count; m++) NSC_TRY(match(e, m, err));
  return NSC_OK;
}

nsc_status nsc_ensemble_create(nsc_classifier *const *members, uint32_t count, nsc_combine combine, nsc_ensemble **out,
                               nsc_error *err) {
  if (!members || count < 2 || count > 64 || (combine != NSC_COMBINE_AVERAGE && combine != NSC_COMBINE_VOTE)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "an ensemble has 2 to 64 models");
  }
  nsc_ensemble *e = calloc(1, sizeof *e);
  if (!e) return nsc_fail_memory(err, sizeof *e, "an ensemble");
  e->count = count;
  e->combine = combine;
  nsc_status status = build(e, members, err);
  if (status != NSC_OK) {
    nsc_ensemble_free(e);
    return status;
  }
  *out = e;
  return NSC_OK;
}

void nsc_ensemble_free(nsc_ensemble *ensemble) {
  if (!ensemble) return;
  nsc_arena_free(&ensemble->arena);
  free(ensemble);
}

/* One member's scores, added up in `sums` and `squares`, [labels] each. */
static void add(nsc_ensemble *e, uint32_t member, const nsc_result *r, double *sums, double *squares) {
  const uint32_t *places = e->places + (size_t)member * e->labels;
  e->verdicts[member] = e->labels;
  for (uint32_t k = 0; k < e->labels; k++) {
    float score = r->scores[places[k]];
    if (r->verdict == places[k]) e->verdicts[member] = k;
    e->lowest[k] = member ? fminf(e->lowest[k], score) : score;
    e->highest[k] = member ? fmaxf(e->highest[k], score) : score;
    sums[k] += (double)score;
    squares[k] += (double)score * (double)score;
  }
}

/* How many members said a label. In multi-label models each is asked for itself. */
static uint32_t votes_for(const nsc_ensemble *e, uint32_t label) {
  uint32_t votes = 0;
  for (uint32_t m = 0; m < e->count; m++) votes += e->verdicts[m] == label;
  return votes;
}

static uint32_t combine(nsc_ensemble *e, const double *sums, const double *squares) {
  nsc_task task = manifest_of(e, 0)->task;
  for (uint32_t k = 0; k < e->labels; k++) {
    double mean = sums[k] / e->count;
    e->deviation[k] = (float)sqrt(fmax(squares[k] / e->count - mean * mean, 0));
    e->scores[k] = e->combine == NSC_COMBINE_VOTE ? (float)votes_for(e, k) / (float)e->count : (float)mean;
  }
  if (e->combine == NSC_COMBINE_AVERAGE) return nsc_verdict(task, e->scores, e->thresholds, e->labels);
  uint32_t best = e->labels;
  for (uint32_t k = 0; k < e->labels; k++) {
    if (e->scores[k] >= 0.5f && (best == e->labels || e->scores[k] >= e->scores[best])) best = k;
  }
  return best;
}

static nsc_status run_all(nsc_ensemble *e, nsc_image *image, uint32_t frame, const volatile int32_t *cancel,
                          double *sums, nsc_ensemble_result *out, nsc_error *err) {
  for (uint32_t m = 0; m < e->count; m++) {
    nsc_result r;
    NSC_TRY(nsc_classifier_run(e->members[m], image, frame, cancel, &r, err));
    add(e, m, &r, sums, sums + e->labels);
    if (r.applies.verdict > out->applies) out->applies = r.applies.verdict;
  }
  out->verdict = combine(e, sums, sums + e->labels);
  return NSC_OK;
}

nsc_status nsc_ensemble_run(nsc_ensemble *ensemble, nsc_image *image, uint32_t frame, const volatile int32_t *cancel,
                            nsc_ensemble_result *out, nsc_error *err) {
  nsc_ensemble *e = ensemble;
  if (!e || !image || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no ensemble or no image");
  double start = nsc_now_ms(), *sums = calloc(2 * (size_t)e->labels, sizeof *sums);
  if (!sums) return nsc_fail_memory(err, 2 * (size_t)e->labels * sizeof *sums, "scores");
  const nsc_manifest *first = manifest_of(e, 0);
  nsc_ensemble_result result = {.task = first->task,
                                .count = e->labels,
                                .members = e->count,
                                .labels = first->labels,
                                .scores = e->scores,
                                .deviation = e->deviation,
                                .lowest = e->lowest,
                                .highest = e->highest,
                                .thresholds = e->thresholds,
                                .verdicts = e->verdicts};
  nsc_status status = run_all(e, image, frame, cancel, sums, &result, err);
  free(sums);
  if (status != NSC_OK) return status;
  result.ms = nsc_now_ms() - start;
  *out = result;
  return NSC_OK;
}

static void write_floats(nsc_text *t, const char *key, const nsc_ensemble_result *r, const float *values) {
  nsc_json_key(t, key), nsc_json_object(t);
  for (uint32_t k = 0; k < r->count; k++) nsc_json_key(t, r->labels[k]), nsc_json_float(t, values[k]);
  nsc_json_end_object(t);
}

nsc_status nsc_ensemble_json(const nsc_ensemble_result *r, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "task"), nsc_json_string(&t, nsc_task_name(r->task));
  nsc_json_key(&t, "members"), nsc_json_int(&t, r->members);
  write_floats(&t, "scores", r, r->scores);
  write_floats(&t, "deviation", r, r->deviation);
  write_floats(&t, "lowest", r, r->lowest);
  write_floats(&t, "highest", r, r->highest);
  if (r->task == NSC_TASK_SINGLE) {
    nsc_json_key(&t, "threshold"), nsc_json_null(&t);
  } else {
    write_floats(&t, "threshold", r, r->thresholds);
  }
  nsc_json_key(&t, "verdict"), nsc_json_string(&t, r->verdict < r->count ? r->labels[r->verdict] : NULL);
  nsc_json_key(&t, "votes"), nsc_json_object(&t);
  for (uint32_t k = 0; k < r->count; k++) {
    uint32_t votes = 0;
    for (uint32_t m = 0; m < r->members; m++) votes += r->verdicts[m] == k;
    nsc_json_key(&t, r->labels[k]), nsc_json_int(&t, votes);
  }
  nsc_json_end_object(&t);
  nsc_json_key(&t, "applies"), nsc_json_string(&t, nsc_applies_name(r->applies));
  nsc_json_key(&t, "ms"), nsc_json_number(&t, r->ms);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
