/*
 * Reading JSON (RFC 8259) from model metadata: untrusted and small. A document is a flat array of values in the order
 * they stand in the text; children follow their parent and are walked with nsc_json_next.
 */
#ifndef NSC_BASE_JSON_H
#define NSC_BASE_JSON_H

#include "base/text.h"

typedef enum nsc_json_kind {
  NSC_JSON_NULL,
  NSC_JSON_BOOL,
  NSC_JSON_NUMBER,
  NSC_JSON_STRING,
  NSC_JSON_ARRAY,
  NSC_JSON_OBJECT
} nsc_json_kind;

typedef struct nsc_json_value {
  nsc_json_kind kind;
  double number;      /* NUMBER; BOOL as 0 or 1 */
  const char *string; /* STRING, unescaped, zero-terminated; a \u0000 in the text is refused */
  const char *key;    /* of a member of an object, else NULL */
  uint32_t count;     /* children of ARRAY and OBJECT */
  uint32_t skip;      /* values from this one to the next sibling */
} nsc_json_value;

typedef struct nsc_json {
  nsc_json_value *values; /* values[0] is the root */
  uint32_t count;
  char *strings; /* storage of keys and strings */
} nsc_json;

/* Limits: 64 levels (recursion depth), 1 MB of text. Errors: CORRUPT with the byte offset, LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_json_parse(const char *chars, size_t size, nsc_json *out, nsc_error *err);
void nsc_json_drop(nsc_json *json);

/* A member of an object, or NULL (also when `object` is NULL or no object). */
const nsc_json_value *nsc_json_get(const nsc_json_value *object, const char *key);
/* Children: for (v = nsc_json_first(parent), n = parent->count; n--; v = nsc_json_next(v)). */
const nsc_json_value *nsc_json_first(const nsc_json_value *parent);
const nsc_json_value *nsc_json_next(const nsc_json_value *value);

/* What was read, written again: the same numbers and texts. `without`, ended by NULL, names members of objects at any
 * depth that are left out; NULL: none. */
void nsc_json_write(nsc_text *t, const nsc_json_value *value, const char *const *without);

/* A number or a text of a member; NaN and NULL where there is none of that kind. */
double nsc_json_number_of(const nsc_json_value *object, const char *key);
const char *nsc_json_text_of(const nsc_json_value *object, const char *key);

#endif
