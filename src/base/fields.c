#include "base/fields.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

void nsc_fields_wrong(nsc_fields *f, const char *name, const char *why) {
  if (f->status != NSC_OK) return;
  f->status = nsc_fail(f->err, NSC_ERROR_ARGUMENT, "%s: \"%.40s\" %s", f->what, name, why);
}

nsc_status nsc_fields_open(nsc_fields *f, const char *text, const char *what, nsc_error *err) {
  *f = (nsc_fields){.what = what, .err = err};
  if (!text || !*text) return NSC_OK;
  nsc_error why = {0};
  if (nsc_json_parse(text, strlen(text), &f->json, &why) != NSC_OK) {
    return nsc_fail(err, why.status == NSC_ERROR_MEMORY ? why.status : NSC_ERROR_ARGUMENT, "%s: %.200s", what,
                    why.text);
  }
  nsc_fields_inner(f, f->json.values, what, err);
  if (f->status == NSC_OK) return NSC_OK;
  nsc_json_drop(&f->json);
  return f->status;
}

void nsc_fields_inner(nsc_fields *f, const nsc_json_value *object, const char *what, nsc_error *err) {
  f->object = object;
  f->what = what;
  f->err = err;
  f->status = NSC_OK;
  memset(f->asked, 0, sizeof f->asked);
  if (object->kind != NSC_JSON_OBJECT) {
    f->status = nsc_fail(err, NSC_ERROR_ARGUMENT, "%s: this is no JSON object", what);
  } else if (object->count > NSC_FIELDS_MAX) {
    f->status = nsc_fail(err, NSC_ERROR_ARGUMENT, "%s: more than %d members", what, NSC_FIELDS_MAX);
  }
}

nsc_status nsc_fields_close(nsc_fields *f) {
  uint32_t count = f->status == NSC_OK && f->object ? f->object->count : 0;
  const nsc_json_value *v = count ? nsc_json_first(f->object) : NULL;
  for (uint32_t i = 0; i < count; i++, v = nsc_json_next(v)) {
    if (!f->asked[i]) nsc_fields_wrong(f, v->key, "is not known here");
  }
  nsc_json_drop(&f->json);
  return f->status;
}

const nsc_json_value *nsc_fields_value(nsc_fields *f, const char *name) {
  if (f->status != NSC_OK || !f->object) return NULL;
  const nsc_json_value *v = nsc_json_first(f->object), *found = NULL;
  for (uint32_t i = 0; i < f->object->count; i++, v = nsc_json_next(v)) {
    if (strcmp(v->key, name) != 0) continue;
    f->asked[i] = true;
    found = v;
  }
  return found && found->kind != NSC_JSON_NULL ? found : NULL;
}

static const nsc_json_value *value_of(nsc_fields *f, const char *name, nsc_json_kind kind, const char *why) {
  const nsc_json_value *v = nsc_fields_value(f, name);
  if (v && v->kind != kind) {
    nsc_fields_wrong(f, name, why);
    return NULL;
  }
  return v;
}

double nsc_fields_number(nsc_fields *f, const char *name, double least, double most, double otherwise) {
  const nsc_json_value *v = value_of(f, name, NSC_JSON_NUMBER, "must be a number");
  if (!v) return otherwise;
  if (v->number >= least && v->number <= most) return v->number;
  if (f->status == NSC_OK) {
    f->status = nsc_fail(f->err, NSC_ERROR_ARGUMENT, "%s: \"%.40s\" must be from %g to %g", f->what, name, least, most);
  }
  return otherwise;
}

uint32_t nsc_fields_count(nsc_fields *f, const char *name, uint32_t least, uint32_t most, uint32_t otherwise) {
  double value = nsc_fields_number(f, name, least, most, otherwise);
  if (value != floor(value)) nsc_fields_wrong(f, name, "must be a whole number");
  return (uint32_t)value;
}

bool nsc_fields_flag(nsc_fields *f, const char *name, bool otherwise) {
  const nsc_json_value *v = value_of(f, name, NSC_JSON_BOOL, "must be true or false");
  return v ? v->number != 0 : otherwise;
}

const char *nsc_fields_text(nsc_fields *f, const char *name, const char *otherwise) {
  const nsc_json_value *v = value_of(f, name, NSC_JSON_STRING, "must be a text");
  return v ? v->string : otherwise;
}

int nsc_fields_choice(nsc_fields *f, const char *name, const char *const *words, int otherwise) {
  const char *text = nsc_fields_text(f, name, NULL);
  if (!text) return otherwise;
  for (int i = 0; words[i]; i++) {
    if (strcmp(words[i], text) == 0) return i;
  }
  if (f->status == NSC_OK) {
    f->status = nsc_fail(f->err, NSC_ERROR_ARGUMENT, "%s: \"%.40s\" does not know \"%.60s\"", f->what, name, text);
  }
  return otherwise;
}
