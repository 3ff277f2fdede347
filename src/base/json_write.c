/* Members of a parsed document, and the document written again. */
#include <math.h>
#include <string.h>

#include "base/json.h"

double nsc_json_number_of(const nsc_json_value *object, const char *key) {
  const nsc_json_value *value = nsc_json_get(object, key);
  return value && value->kind == NSC_JSON_NUMBER ? value->number : NAN;
}

const char *nsc_json_text_of(const nsc_json_value *object, const char *key) {
  const nsc_json_value *value = nsc_json_get(object, key);
  return value && value->kind == NSC_JSON_STRING ? value->string : NULL;
}

static bool is_listed(const char *key, const char *const *list) {
  for (; list && *list; list++) {
    if (strcmp(key, *list) == 0) return true;
  }
  return false;
}

static void write_children(nsc_text *t, const nsc_json_value *value, const char *const *without) {
  const nsc_json_value *child = nsc_json_first(value);
  for (uint32_t i = 0; i < value->count; i++, child = nsc_json_next(child)) {
    if (child->key && is_listed(child->key, without)) continue;
    if (child->key) nsc_json_key(t, child->key);
    nsc_json_write(t, child, without);
  }
}

void nsc_json_write(nsc_text *t, const nsc_json_value *value, const char *const *without) {
  switch (value->kind) {
    case NSC_JSON_NULL:
      nsc_json_null(t);
      break;
    case NSC_JSON_BOOL:
      nsc_json_bool(t, value->number != 0);
      break;
    case NSC_JSON_NUMBER:
      nsc_json_number(t, value->number);
      break;
    case NSC_JSON_STRING:
      nsc_json_string(t, value->string);
      break;
    case NSC_JSON_ARRAY:
      nsc_json_array(t);
      write_children(t, value, without);
      nsc_json_end_array(t);
      break;
    case NSC_JSON_OBJECT:
      nsc_json_object(t);
      write_children(t, value, without);
      nsc_json_end_object(t);
      break;
  }
}
