/* Lists of filters as JSON. The table below is all there is to know about a step's parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/fields.h"
#include "image/filter.h"

typedef struct parameter {
  const char *name;
  double least, most, otherwise;
  double by; /* 0: any number; else least + a whole multiple of this */
} parameter;

typedef struct step_kind {
  const char *name;
  uint32_t count;
  parameter parameters[NSC_FILTER_VALUES];
} step_kind;

/* In the order of nsc_filter_kind. Sigmas in pixels, thresholds as shares of the range 0..1. */
static const step_kind kinds[] = {
    {"grey", 0, {{0}}},
    {"invert", 0, {{0}}},
    {"normalise", 0, {{0}}},
    {"standardise", 1, {{"deviations", 0.5, 10, 3, 0}}},
    {"binarise", 1, {{"threshold", 0, 1, 0.5, 0}}},
    {"otsu", 0, {{0}}},
    {"equalise", 0, {{0}}},
    {"clahe", 2, {{"clip", 1, 256, 2, 0}, {"tiles", 1, 64, 8, 1}}},
    {"median", 1, {{"size", 3, 7, 3, 2}}},
    {"gaussian", 1, {{"sigma", 0.1, 50, 1, 0}}},
    {"sharpen", 2, {{"sigma", 0.1, 50, 1, 0}, {"amount", 0, 10, 1, 0}}},
    {"sobel", 0, {{0}}},
    {"canny", 3, {{"sigma", 0.1, 50, 1.4, 0}, {"low", 0, 1, 0.08, 0}, {"high", 0, 1, 0.2, 0}}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *nsc_filter_name(nsc_filter_kind kind) {
  return (uint32_t)kind < KINDS ? kinds[kind].name : "?";
}

/* ---- checking ---- */

static bool is_allowed(const parameter *p, double value) {
  if (!(value >= p->least && value <= p->most)) return false;
  return p->by == 0 || fmod(value - p->least, p->by) == 0;
}

/* What one parameter says nothing about. */
static const char *wrong_together(nsc_filter_kind kind, const double values[NSC_FILTER_VALUES]) {
  return kind == NSC_FILTER_CANNY && values[1] > values[2] ? "\"low\" is above \"high\"" : NULL;
}

nsc_status nsc_steps_check(const nsc_steps *steps, nsc_error *err) {
  if (steps->count > NSC_STEPS_MAX) return nsc_fail(err, NSC_ERROR_ARGUMENT, "more than %d steps", NSC_STEPS_MAX);
  for (uint32_t i = 0; i < steps->count; i++) {
    const nsc_filter *s = &steps->list[i];
    if ((uint32_t)s->kind >= KINDS) return nsc_fail(err, NSC_ERROR_ARGUMENT, "step %u is none that is known", i + 1);
    for (uint32_t k = 0; k < kinds[s->kind].count; k++) {
      const parameter *p = &kinds[s->kind].parameters[k];
      if (is_allowed(p, s->values[k])) continue;
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "step %u (%s): \"%s\" is %g", i + 1, kinds[s->kind].name, p->name,
                      s->values[k]);
    }
    const char *why = wrong_together(s->kind, s->values);
    if (why) return nsc_fail(err, NSC_ERROR_ARGUMENT, "step %u (%s): %s", i + 1, kinds[s->kind].name, why);
  }
  return NSC_OK;
}

/* ---- reading ---- */

static nsc_status find_kind(const nsc_json_value *v, uint32_t number, nsc_filter_kind *out, nsc_error *err) {
  const nsc_json_value *name = nsc_json_get(v, "step");
  if (!name || name->kind != NSC_JSON_STRING) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "step %u: this is no object with a name in \"step\"", number);
  }
  for (int i = 0; i < KINDS; i++) {
    if (strcmp(kinds[i].name, name->string) != 0) continue;
    *out = (nsc_filter_kind)i;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "step %u: there is no filter \"%.40s\"", number, name->string);
}

static nsc_status read_step(const nsc_json_value *v, uint32_t number, nsc_filter *out, nsc_error *err) {
  nsc_filter s = {.kind = NSC_FILTER_GREY};
  NSC_TRY(find_kind(v, number, &s.kind, err));
  char what[48]; /* for errors, until the fields are closed */
  snprintf(what, sizeof what, "step %u (%s)", number, kinds[s.kind].name);
  nsc_fields f = {0};
  nsc_fields_inner(&f, v, what, err);
  (void)nsc_fields_text(&f, "step", NULL);
  for (uint32_t i = 0; i < kinds[s.kind].count; i++) {
    const parameter *p = &kinds[s.kind].parameters[i];
    s.values[i] = nsc_fields_number(&f, p->name, p->least, p->most, p->otherwise);
    if (is_allowed(p, s.values[i])) continue;
    nsc_fields_wrong(&f, p->name, p->by == 2 ? "must be an odd number" : "must be a whole number");
  }
  NSC_TRY(nsc_fields_close(&f));
  const char *why = wrong_together(s.kind, s.values);
  if (why) return nsc_fail(err, NSC_ERROR_ARGUMENT, "%s: %s", what, why);
  *out = s;
  return NSC_OK;
}

nsc_status nsc_steps_read(const nsc_json_value *list, nsc_steps *out, nsc_error *err) {
  nsc_steps steps = {0};
  if (list->kind != NSC_JSON_ARRAY) return nsc_fail(err, NSC_ERROR_ARGUMENT, "steps: this is no JSON list");
  if (list->count > NSC_STEPS_MAX) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "steps: %u of them, the limit is %d", list->count, NSC_STEPS_MAX);
  }
  const nsc_json_value *v = nsc_json_first(list);
  for (; steps.count < list->count; steps.count++, v = nsc_json_next(v)) {
    NSC_TRY(read_step(v, steps.count + 1, &steps.list[steps.count], err));
  }
  *out = steps;
  return NSC_OK;
}

nsc_status nsc_steps_parse(const char *json, size_t size, nsc_steps *out, nsc_error *err) {
  if (!json || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no steps or no place for them");
  nsc_json document;
  nsc_error why = {0};
  nsc_status status = nsc_json_parse(json, size, &document, &why);
  if (status == NSC_ERROR_MEMORY) return nsc_fail(err, status, "%s", why.text);
  if (status != NSC_OK) return nsc_fail(err, NSC_ERROR_ARGUMENT, "steps: %s", why.text);
  status = nsc_steps_read(document.values, out, err);
  nsc_json_drop(&document);
  return status;
}

/* ---- writing ---- */

void nsc_steps_write(const nsc_steps *steps, nsc_text *t) {
  nsc_json_array(t);
  for (uint32_t i = 0; i < steps->count; i++) {
    const step_kind *kind = &kinds[steps->list[i].kind];
    nsc_json_object(t);
    nsc_json_key(t, "step"), nsc_json_string(t, kind->name);
    for (uint32_t k = 0; k < kind->count; k++) {
      nsc_json_key(t, kind->parameters[k].name), nsc_json_number(t, steps->list[i].values[k]);
    }
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

nsc_status nsc_steps_json(const nsc_steps *steps, char **out, nsc_error *err) {
  if (!steps || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no steps or no place for their JSON");
  NSC_TRY(nsc_steps_check(steps, err));
  nsc_text t = {0};
  nsc_steps_write(steps, &t);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_steps_known_json(char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_array(&t);
  for (int i = 0; i < KINDS; i++) {
    nsc_json_object(&t);
    nsc_json_key(&t, "step"), nsc_json_string(&t, kinds[i].name);
    nsc_json_key(&t, "parameters");
    nsc_json_array(&t);
    for (uint32_t k = 0; k < kinds[i].count; k++) {
      const parameter *p = &kinds[i].parameters[k];
      nsc_json_object(&t);
      nsc_json_key(&t, "name"), nsc_json_string(&t, p->name);
      nsc_json_key(&t, "least"), nsc_json_number(&t, p->least);
      nsc_json_key(&t, "most"), nsc_json_number(&t, p->most);
      nsc_json_key(&t, "by"), nsc_json_number(&t, p->by);
      nsc_json_key(&t, "default"), nsc_json_number(&t, p->otherwise);
      nsc_json_end_object(&t);
    }
    nsc_json_end_array(&t);
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  return nsc_text_finish(&t, out, err);
}
