/* Trainings for times to an event: outcomes of samples, and how good the curves are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/survival.h"
#include "pipeline/survival.h"
#include "pipeline/training_private.h"

/* ---- outcomes ---- */

/* Names and numbers as they were given, until samples have them. */
typedef struct given {
  const char *names[NSC_SURVIVAL_FIELDS];
  double edges[NSC_SURVIVAL_BINS + 1];
  nsc_survival_choice choice;
  const nsc_json_value *outcomes;
} given;

static nsc_status read_names(const nsc_json_value *v, given *g, nsc_error *err) {
  if (!v) return NSC_OK;
  bool fits = v->kind == NSC_JSON_ARRAY && v->count <= NSC_SURVIVAL_FIELDS;
  const nsc_json_value *name = fits ? nsc_json_first(v) : NULL;
  for (uint32_t i = 0; fits && i < v->count; i++, name = nsc_json_next(name)) {
    fits = name->kind == NSC_JSON_STRING;
    g->names[g->choice.field_count++] = name->string;
  }
  if (fits) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: \"fields\" are at most %d names", NSC_SURVIVAL_FIELDS);
}

static nsc_status read_edges(const nsc_json_value *v, given *g, nsc_error *err) {
  if (!v) return NSC_OK;
  bool fits = v->kind == NSC_JSON_ARRAY && v->count <= NSC_SURVIVAL_BINS + 1;
  const nsc_json_value *edge = fits ? nsc_json_first(v) : NULL;
  for (uint32_t i = 0; fits && i < v->count; i++, edge = nsc_json_next(edge)) {
    fits = edge->kind == NSC_JSON_NUMBER;
    g->edges[i] = edge->number;
  }
  if (!fits)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: \"edges\" are at most %d numbers", NSC_SURVIVAL_BINS + 1);
  g->choice.edges = g->edges;
  g->choice.edge_count = v->count;
  return NSC_OK;
}

/* A number, or the text of one as `name` is written; null and an empty text are NaN where that is allowed. */
static bool read_number(const nsc_json_value *v, const char *name, bool may_be_missing, double *out) {
  *out = NAN;
  bool fits = v->kind == NSC_JSON_NULL || v->kind == NSC_JSON_NUMBER ||
              (v->kind == NSC_JSON_STRING && nsc_field_parse(name, v->string, strlen(v->string), out));
  if (v->kind == NSC_JSON_NUMBER) *out = v->number;
  return fits && !isinf(*out) && (may_be_missing || !isnan(*out));
}

/* [time, event, field...]. */
static nsc_status read_outcome(const nsc_json_value *row, const given *g, uint32_t sample, nsc_outcome *out,
                               nsc_error *err) {
  uint32_t count = g->choice.field_count;
  if (row->kind != NSC_JSON_ARRAY || row->count != count + 2) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: sample %u needs a time, an event and %u fields", sample, count);
  }
  const nsc_json_value *v = nsc_json_first(row);
  double time, event;
  bool fits = read_number(v, "", false, &time) && time >= 0;
  v = nsc_json_next(v);
  fits = fits && read_number(v, "", false, &event) && (event == 0 || event == 1);
  *out = (nsc_outcome){.time = time, .event = fits && event == 1};
  for (uint32_t i = 0; i < count && fits; i++) {
    v = nsc_json_next(v);
    fits = read_number(v, g->names[i], true, &out->fields[i]);
    if (!fits) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: sample %u: the %.40s is not readable", sample, g->names[i]);
    }
  }
  if (fits) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: sample %u: a time is not negative, and an event is 0 or 1",
                  sample);
}

static nsc_status set_outcomes(nsc_training *t, const given *g, nsc_error *err) {
  nsc_dataset *d = &t->data;
  if (!g->outcomes || g->outcomes->kind != NSC_JSON_ARRAY || g->outcomes->count != d->count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "outcomes: there must be one for each of %u samples", d->count);
  }
  nsc_outcome *all = nsc_arena_alloc(&d->arena, d->count + (size_t)1, sizeof *all);
  if (!all) return nsc_fail_memory(err, d->count * sizeof *all, "outcomes");
  const nsc_json_value *row = nsc_json_first(g->outcomes);
  for (uint32_t i = 0; i < d->count; i++, row = nsc_json_next(row)) {
    NSC_TRY(read_outcome(row, g, i, &all[i], err));
  }
  for (uint32_t i = 0; i < d->count; i++) d->samples[i].outcome = &all[i];
  return nsc_dataset_set_survival(d, &g->choice, err);
}

nsc_status nsc_training_set_outcomes(nsc_training *t, const char *json, nsc_error *err) {
  nsc_fields f;
  given g = {.choice = {.bins = 10}};
  NSC_TRY(nsc_fields_open(&f, json, "outcomes", err));
  g.choice.bins = nsc_fields_count(&f, "bins", 1, NSC_SURVIVAL_BINS, 10);
  g.choice.unit = nsc_fields_text(&f, "unit", NULL);
  g.choice.fields = g.names;
  nsc_status status = read_names(nsc_fields_value(&f, "fields"), &g, err);
  if (status == NSC_OK) status = read_edges(nsc_fields_value(&f, "edges"), &g, err);
  g.outcomes = nsc_fields_value(&f, "outcomes");
  if (status == NSC_OK && f.status == NSC_OK) {
    nsc_training_forget(t);
    status = set_outcomes(t, &g, err);
  }
  nsc_status closed = nsc_fields_close(&f);
  return status != NSC_OK ? status : closed;
}

/* ---- judging ---- */

typedef struct cases {
  size_t count;
  double *times;
  uint8_t *events;
  float *logits, *survival; /* [count][bins] */
} cases;

static void drop_cases(cases *c) {
  free(c->times);
  free(c->events);
  free(c->logits);
  free(c->survival);
}

static nsc_status list_cases(const nsc_training *t, nsc_split split, cases *c, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  size_t room = nsc_dataset_count(d, split, UINT32_MAX) + (size_t)1, bins = d->survival->bins;
  *c = (cases){.times = malloc(room * sizeof *c->times),
               .events = malloc(room),
               .logits = malloc(room * bins * sizeof *c->logits),
               .survival = malloc(room * bins * sizeof *c->survival)};
  if (!c->times || !c->events || !c->logits || !c->survival) {
    return nsc_fail_memory(err, room * bins * sizeof *c->logits, "curves");
  }
  for (uint32_t i = 0; i < d->count; i++) {
    if (d->samples[i].split != split) continue;
    c->times[c->count] = d->samples[i].outcome->time;
    c->events[c->count++] = d->samples[i].outcome->event;
  }
  if (c->count) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture is in the %s split", nsc_split_name(split));
}

nsc_status nsc_training_survival_report(nsc_training *t, nsc_split split, const nsc_eval_options *options,
                                        nsc_eval_survival_report **out, nsc_error *err) {
  const nsc_survival_spec *spec = t->data.survival;
  if (!spec || !t->trainer) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no training for times to an event has begun");
  cases c;
  nsc_status status = list_cases(t, split, &c, err);
  if (status == NSC_OK) status = nsc_trainer_predict(t->trainer, split, c.logits, err);
  for (size_t i = 0; i < c.count && status == NSC_OK; i++) {
    nsc_survival_curve(c.logits + i * spec->bins, spec->bins, c.survival + i * spec->bins);
  }
  const nsc_eval_survival_data data = {.count = c.count,
                                       .times = c.times,
                                       .events = c.events,
                                       .bins = spec->bins,
                                       .edges = spec->edges,
                                       .survival = c.survival,
                                       .unit = spec->unit};
  if (status == NSC_OK) status = nsc_eval_survival_run(&data, options, out, err);
  drop_cases(&c);
  return status;
}

nsc_status nsc_training_judge_survival(nsc_training *t, nsc_split split, const nsc_eval_options *options, char **out,
                                       nsc_error *err) {
  nsc_eval_survival_report *report;
  char *json;
  NSC_TRY(nsc_training_survival_report(t, split, options, &report, err));
  nsc_status status = nsc_eval_survival_json(report, &json, err);
  nsc_eval_survival_free(report);
  NSC_TRY(status);
  nsc_text text = {0};
  nsc_json_object(&text);
  nsc_json_key(&text, "survival"), nsc_json_raw(&text, json, strlen(json));
  nsc_json_end_object(&text);
  nsc_text_free(json);
  return nsc_text_finish(&text, out, err);
}
