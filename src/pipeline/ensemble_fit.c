/* Stacking: how much each member's word counts, learnt from labelled pictures, and kept as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "pipeline/calibrate.h"
#include "pipeline/ensemble.h"
#include "pipeline/scores.h"

static const char FORMAT[] = "negatoscope-stack";

/* ---- learning ---- */

static nsc_status make_room(nsc_ensemble *e, nsc_error *err) {
  if (e->cases < e->capacity) return NSC_OK;
  uint32_t capacity = e->capacity ? 2 * e->capacity : 256, columns = nsc_ensemble_columns(e);
  size_t row = (size_t)e->known * columns;
  float *scores = realloc(e->case_scores, capacity * row * sizeof *scores);
  if (scores) e->case_scores = scores;
  uint8_t *truth = realloc(e->case_truth, (size_t)capacity * columns);
  if (truth) e->case_truth = truth;
  if (!scores || !truth) return nsc_fail_memory(err, capacity * row * sizeof *scores, "opinions");
  e->capacity = capacity;
  return NSC_OK;
}

nsc_status nsc_ensemble_learn(nsc_ensemble *ensemble, const uint8_t *truth, nsc_error *err) {
  nsc_ensemble *e = ensemble;
  if (!e || !truth || e->has_stack || e->asked < 2 || e->asked != e->known) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "all of two models or more are asked about a picture before it is learnt from");
  }
  NSC_TRY(make_room(e, err));
  uint32_t first = nsc_ensemble_first(e), columns = nsc_ensemble_columns(e);
  for (uint32_t m = 0; m < e->asked; m++) {
    memcpy(e->case_scores + ((size_t)e->cases * e->asked + m) * columns, e->opinions + (size_t)m * e->labels + first,
           columns * sizeof *e->case_scores);
  }
  memcpy(e->case_truth + (size_t)e->cases * columns, truth + first, columns);
  e->cases++;
  return NSC_OK;
}

typedef struct losses {
  double stack, average, held, members[NSC_ENSEMBLE_MOST];
} losses;

/* One member alone, as it is: a stack that hears nobody else. */
static nsc_status judge_alone(const nsc_stack_cases *cases, nsc_stack *s, losses *out, nsc_error *err) {
  memset(s->bias, 0, s->columns * sizeof *s->bias);
  for (uint32_t m = 0; m < s->members; m++) {
    for (uint32_t i = 0; i < s->members; i++) s->weights[i] = i == m;
    NSC_TRY(nsc_stack_loss(cases, -1, s, &out->members[m], err));
  }
  return NSC_OK;
}

/* The mean of probabilities, which is no stack. */
static double judge_average(const nsc_stack_cases *cases, const nsc_stack *s) {
  double loss = 0;
  for (size_t i = 0; i < cases->count; i++) {
    for (uint32_t k = 0; k < s->columns; k++) {
      double p = 0;
      for (uint32_t m = 0; m < s->members; m++) {
        p += (double)cases->scores[(i * s->members + m) * s->columns + k] / s->members;
      }
      p = fmin(fmax(p, 1e-6), 1 - 1e-6);
      bool is = cases->truth[i * s->columns + k];
      if (s->softmax) {
        loss -= is ? log(p) : 0;
      } else {
        loss -= log(is ? p : 1 - p) / s->columns;
      }
    }
  }
  return loss / (double)cases->count;
}

/* Each fifth by what the other four teach. */
static nsc_status judge_held(const nsc_stack_cases *cases, nsc_stack *s, double *out, nsc_error *err) {
  *out = 0;
  for (int fold = 0; fold < NSC_STACK_FOLDS; fold++) {
    double loss;
    NSC_TRY(nsc_stack_fit(cases, fold, s, err));
    NSC_TRY(nsc_stack_loss(cases, fold, s, &loss, err));
    *out += loss / NSC_STACK_FOLDS;
  }
  return NSC_OK;
}

/* Of a binary task, as a training chooses it; a half where nothing says another. */
static nsc_status choose_thresholds(nsc_ensemble *e, const nsc_stack_cases *cases, const nsc_stack *s, nsc_error *err) {
  for (uint32_t k = 0; k < e->labels; k++) e->stack_thresholds[k] = 0.5f;
  if (e->task != NSC_TASK_BINARY) return NSC_OK;
  float *logits = malloc(cases->count * sizeof *logits);
  int32_t *truth = malloc(cases->count * sizeof *truth);
  nsc_calibration c;
  nsc_status status = logits && truth ? NSC_OK : nsc_fail_memory(err, cases->count * sizeof *logits, "logits");
  for (size_t i = 0; i < cases->count && status == NSC_OK; i++) {
    double z;
    nsc_stack_logits(s, cases->scores + i * s->members, &z);
    logits[i] = (float)z;
    truth[i] = cases->truth[i];
  }
  if (status == NSC_OK) status = nsc_calibrate(NSC_TASK_BINARY, logits, cases->count, 1, truth, 0, &c, err);
  free(logits), free(truth);
  if (status != NSC_OK) return status;
  /* Its threshold is one after a temperature, which a stack has in its weights. */
  if (c.has_threshold) {
    double odds = log((double)c.threshold / (1 - (double)c.threshold)) * (double)c.temperature;
    e->stack_thresholds[1] = (float)(1 / (1 + exp(-odds)));
    e->stack_thresholds[0] = 1 - e->stack_thresholds[1];
  }
  return NSC_OK;
}

static void put_floats(nsc_text *t, const char *key, const float *values, uint32_t count) {
  nsc_json_key(t, key), nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) nsc_json_float(t, values[i]);
  nsc_json_end_array(t);
}

static void write_losses(nsc_text *t, const losses *l, uint32_t members) {
  nsc_json_key(t, "logLoss"), nsc_json_object(t);
  nsc_json_key(t, "stack"), nsc_json_number(t, l->stack);
  nsc_json_key(t, "average"), nsc_json_number(t, l->average);
  nsc_json_key(t, "held"), nsc_json_number(t, l->held);
  nsc_json_key(t, "members"), nsc_json_array(t);
  for (uint32_t m = 0; m < members; m++) nsc_json_number(t, l->members[m]);
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static nsc_status write(const nsc_ensemble *e, const nsc_stack *s, const losses *l, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "format"), nsc_json_string(&t, FORMAT);
  nsc_json_key(&t, "version"), nsc_json_int(&t, 1);
  nsc_json_key(&t, "task"), nsc_json_string(&t, nsc_task_name(e->task));
  nsc_json_key(&t, "labels"), nsc_json_array(&t);
  for (uint32_t k = 0; k < e->labels; k++) nsc_json_string(&t, e->names[k]);
  nsc_json_end_array(&t);
  nsc_json_key(&t, "members"), nsc_json_array(&t);
  for (uint32_t m = 0; m < e->known; m++) nsc_json_string(&t, e->member_names[m]);
  nsc_json_end_array(&t);
  put_floats(&t, "weights", s->weights, s->members);
  put_floats(&t, "bias", s->bias, s->columns);
  if (e->task == NSC_TASK_SINGLE) {
    nsc_json_key(&t, "thresholds"), nsc_json_null(&t);
  } else {
    put_floats(&t, "thresholds", e->stack_thresholds, e->labels);
  }
  nsc_json_key(&t, "pictures"), nsc_json_int(&t, e->cases);
  write_losses(&t, l, s->members);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_ensemble_fit(nsc_ensemble *ensemble, char **out, nsc_error *err) {
  nsc_ensemble *e = ensemble;
  if (!e || !out || e->cases < NSC_CALIBRATION_CASES) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "weights of models are learnt from %d pictures or more",
                    NSC_CALIBRATION_CASES);
  }
  const nsc_stack_cases cases = {e->cases, e->case_scores, e->case_truth};
  nsc_stack s = {.members = e->known, .columns = nsc_ensemble_columns(e), .softmax = e->task == NSC_TASK_SINGLE};
  losses l = {.average = judge_average(&cases, &s)};
  s.weights = malloc((s.members + (size_t)s.columns) * sizeof *s.weights);
  if (!s.weights) return nsc_fail_memory(err, (s.members + (size_t)s.columns) * sizeof *s.weights, "weights");
  s.bias = s.weights + s.members;
  nsc_status status = judge_alone(&cases, &s, &l, err);
  if (status == NSC_OK) status = judge_held(&cases, &s, &l.held, err);
  if (status == NSC_OK) status = nsc_stack_fit(&cases, -1, &s, err);
  if (status == NSC_OK) status = nsc_stack_loss(&cases, -1, &s, &l.stack, err);
  if (status == NSC_OK) status = choose_thresholds(e, &cases, &s, err);
  if (status == NSC_OK) status = write(e, &s, &l, out, err);
  free(s.weights);
  return status;
}

/* ---- reading ---- */

/* `count` numbers of an array; false where it is another, or one is no number. */
static bool read_floats(const nsc_json_value *array, uint32_t count, float *out) {
  if (!array || array->kind != NSC_JSON_ARRAY || array->count != count) return false;
  const nsc_json_value *each = nsc_json_first(array);
  for (uint32_t i = 0; i < count; i++, each = nsc_json_next(each)) {
    if (each->kind != NSC_JSON_NUMBER || !isfinite(each->number)) return false;
    out[i] = (float)each->number;
  }
  return true;
}

/* Texts of an array, 1 to `most`; 0 where it is another. */
static uint32_t read_texts(const nsc_json_value *array, uint32_t most, const char **out) {
  if (!array || array->kind != NSC_JSON_ARRAY || array->count > most) return 0;
  const nsc_json_value *each = nsc_json_first(array);
  for (uint32_t i = 0; i < array->count; i++, each = nsc_json_next(each)) {
    if (each->kind != NSC_JSON_STRING) return 0;
    out[i] = each->string;
  }
  return array->count;
}

static nsc_status fail_stack(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_CORRUPT, "these are no weights of an ensemble as \"ensemble --fit\" writes them");
}

static nsc_status read_numbers(nsc_ensemble *e, const nsc_json_value *root, nsc_error *err) {
  uint32_t columns = nsc_ensemble_columns(e);
  float *numbers = nsc_arena_alloc(&e->arena, e->known + (size_t)columns, sizeof *numbers);
  /* Where opinions are packed for the stack. */
  e->case_scores = malloc((size_t)e->known * columns * sizeof *e->case_scores);
  if (!numbers || !e->case_scores) return nsc_fail_memory(err, columns * sizeof *numbers, "weights");
  e->stack = (nsc_stack){e->known, columns, e->task == NSC_TASK_SINGLE, numbers, numbers + e->known};
  bool read = read_floats(nsc_json_get(root, "weights"), e->known, e->stack.weights) &&
              read_floats(nsc_json_get(root, "bias"), columns, e->stack.bias);
  if (e->task != NSC_TASK_SINGLE) {
    read = read && read_floats(nsc_json_get(root, "thresholds"), e->labels, e->stack_thresholds);
  }
  e->has_stack = true;
  return read ? NSC_OK : fail_stack(err);
}

static nsc_status read_root(nsc_ensemble *e, const nsc_json_value *root, nsc_error *err) {
  enum { MOST_LABELS = 4096 };
  const char *format = nsc_json_text_of(root, "format"), *task = nsc_json_text_of(root, "task");
  uint32_t number = 0;
  while (task && number < 3 && strcmp(task, nsc_task_name((nsc_task)number)) != 0) number++;
  if (!format || strcmp(format, FORMAT) != 0 || !task || number == 3) return fail_stack(err);
  const char **labels = nsc_arena_alloc(&e->arena, MOST_LABELS, sizeof *labels), *members[NSC_ENSEMBLE_MOST];
  if (!labels) return nsc_fail_memory(err, MOST_LABELS * sizeof *labels, "labels");
  uint32_t count = read_texts(nsc_json_get(root, "labels"), MOST_LABELS, labels);
  e->known = read_texts(nsc_json_get(root, "members"), NSC_ENSEMBLE_MOST, members);
  if (count < 1 || e->known < 2 || (number == NSC_TASK_BINARY && count != 2)) return fail_stack(err);
  for (uint32_t m = 0; m < e->known; m++) snprintf(e->member_names[m], NSC_ENSEMBLE_NAME, "%s", members[m]);
  NSC_TRY(nsc_ensemble_name_labels(e, (nsc_task)number, labels, count, err));
  return read_numbers(e, root, err);
}

nsc_status nsc_ensemble_read_stack(nsc_ensemble *e, const char *json, nsc_error *err) {
  nsc_json parsed;
  NSC_TRY(nsc_json_parse(json, strlen(json), &parsed, err));
  nsc_status status = read_root(e, &parsed.values[0], err);
  nsc_json_drop(&parsed);
  return status;
}
