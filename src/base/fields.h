/*
 * Options as a JSON object, read strictly: each member has a type and bounds, and one that nobody asked for is an
 * error, so that a misspelt option is not silently a default.
 *
 *   nsc_fields f;
 *   NSC_TRY(nsc_fields_open(&f, text, "training options", err));
 *   options.rate = nsc_fields_number(&f, "rate", 1e-9, 100, 1e-3);
 *   return nsc_fields_close(&f);       // reports the first thing that was wrong
 */
#ifndef NSC_BASE_FIELDS_H
#define NSC_BASE_FIELDS_H

#include "base/json.h"

enum { NSC_FIELDS_MAX = 64 };

typedef struct nsc_fields {
  nsc_json json; /* owned by an opened one */
  const nsc_json_value *object;
  const char *what;
  bool asked[NSC_FIELDS_MAX];
  nsc_status status;
  nsc_error *err;
} nsc_fields;

/* `text` NULL or empty stands for an object without members. Errors: ARGUMENT (no JSON, no object). */
NSC_WARN_UNUSED nsc_status nsc_fields_open(nsc_fields *f, const char *text, const char *what, nsc_error *err);
/* The members of a value inside an opened one. Closed before it. */
void nsc_fields_inner(nsc_fields *f, const nsc_json_value *object, const char *what, nsc_error *err);
/* ARGUMENT when something was wrong, or when a member was not asked for. Texts and values end here. */
NSC_WARN_UNUSED nsc_status nsc_fields_close(nsc_fields *f);

/* What is missing, null or wrong gives `otherwise`. */
double nsc_fields_number(nsc_fields *f, const char *name, double least, double most, double otherwise);
uint32_t nsc_fields_count(nsc_fields *f, const char *name, uint32_t least, uint32_t most, uint32_t otherwise);
bool nsc_fields_flag(nsc_fields *f, const char *name, bool otherwise);
const char *nsc_fields_text(nsc_fields *f, const char *name, const char *otherwise);
/* Index of the member's text in `words`, which NULL ends. */
int nsc_fields_choice(nsc_fields *f, const char *name, const char *const *words, int otherwise);
/* The value itself, or NULL when it is missing or null. */
const nsc_json_value *nsc_fields_value(nsc_fields *f, const char *name);
/* Remembers that a member is wrong. */
void nsc_fields_wrong(nsc_fields *f, const char *name, const char *why);

#endif
