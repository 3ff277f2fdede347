/* nsc_model_describe: what a model file says of itself, changed without touching its network. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "nn/onnx_write.h"
#include "pipeline/manifest.h"

enum { KEY = 32 };

static const char *const known[] = {"name",   "title",     "limits",      "license", "task", "output",
                                    "labels", "threshold", "temperature", "advice",  "input"};

enum { KNOWN = sizeof known / sizeof *known };

typedef struct facts {
  char keys[KNOWN][KEY];
  const char *key_list[KNOWN], *values[KNOWN];
  uint32_t count;
  nsc_arena arena;
} facts;

/* A parsed value as text again. Depth is limited by the parser. */
static void write_value(nsc_text *t, const nsc_json_value *v) {
  const nsc_json_value *child = nsc_json_first(v);
  switch (v->kind) {
    case NSC_JSON_NULL:
      nsc_json_null(t);
      break;
    case NSC_JSON_BOOL:
      nsc_json_bool(t, v->number != 0);
      break;
    case NSC_JSON_NUMBER:
      nsc_json_number(t, v->number);
      break;
    case NSC_JSON_STRING:
      nsc_json_string(t, v->string);
      break;
    case NSC_JSON_ARRAY:
      nsc_json_array(t);
      for (uint32_t i = 0; i < v->count; i++, child = nsc_json_next(child)) write_value(t, child);
      nsc_json_end_array(t);
      break;
    case NSC_JSON_OBJECT:
      nsc_json_object(t);
      for (uint32_t i = 0; i < v->count; i++, child = nsc_json_next(child)) {
        nsc_json_key(t, child->key);
        write_value(t, child);
      }
      nsc_json_end_object(t);
      break;
  }
}

/* Texts stand in the file as they are, everything else as JSON. */
static nsc_status value_text(facts *f, const nsc_json_value *v, const char **out, nsc_error *err) {
  *out = NULL;
  if (v->kind == NSC_JSON_NULL) return NSC_OK;
  nsc_text t = {0};
  char *text;
  if (v->kind == NSC_JSON_STRING) {
    nsc_text_put(&t, v->string);
  } else {
    write_value(&t, v);
  }
  NSC_TRY(nsc_text_finish(&t, &text, err));
  *out = nsc_arena_text(&f->arena, text, strlen(text));
  nsc_text_free(text);
  return *out ? NSC_OK : nsc_fail_memory(err, 0, "a model's facts");
}

static nsc_status read_facts(const char *json, facts *f, nsc_error *err) {
  nsc_json document;
  NSC_TRY(nsc_json_parse(json, strlen(json), &document, err));
  nsc_status status = document.values[0].kind == NSC_JSON_OBJECT
                          ? NSC_OK
                          : nsc_fail(err, NSC_ERROR_ARGUMENT, "facts: this is no JSON object");
  const nsc_json_value *v = nsc_json_first(document.values);
  for (uint32_t i = 0; status == NSC_OK && i < document.values[0].count; i++, v = nsc_json_next(v)) {
    uint32_t k = 0;
    while (k < KNOWN && strcmp(known[k], v->key) != 0) k++;
    if (k == KNOWN) {
      status = nsc_fail(err, NSC_ERROR_ARGUMENT, "facts: \"%.40s\" is not known here", v->key);
    } else if (f->count < KNOWN) {
      snprintf(f->keys[f->count], KEY, "nsc.%s", known[k]);
      f->key_list[f->count] = f->keys[f->count];
      status = value_text(f, v, &f->values[f->count++], err);
    }
  }
  nsc_json_drop(&document);
  return status;
}

/* The new words must make sense together with the old ones. */
static nsc_status check(const char *bytes, size_t size, nsc_error *err) {
  nsc_source *source;
  nsc_model *model;
  nsc_arena arena = {0};
  nsc_manifest m;
  NSC_TRY(nsc_source_from_bytes(bytes, size, &source, err));
  nsc_status status = nsc_model_open(source, &model, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  status = nsc_manifest_read(model, NULL, &arena, &m, err);
  nsc_arena_free(&arena);
  nsc_model_free(model);
  return status;
}

nsc_status nsc_model_describe(const uint8_t *file, size_t file_size, const char *facts_json, char **bytes, size_t *size,
                              nsc_error *err) {
  facts f = {.count = 0};
  char *made = NULL;
  size_t made_size = 0;
  nsc_status status = read_facts(facts_json, &f, err);
  if (status == NSC_OK) {
    status = nsc_onnx_replace_metadata(file, file_size, f.count, f.key_list, f.values, &made, &made_size, err);
  }
  nsc_arena_free(&f.arena);
  if (status == NSC_OK) status = check(made, made_size, err);
  if (status != NSC_OK) {
    nsc_text_free(made);
    return status;
  }
  *bytes = made;
  *size = made_size;
  return NSC_OK;
}
