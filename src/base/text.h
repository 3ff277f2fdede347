/*
 * A growing text, and JSON on top of it. Allocation failures are remembered and reported once, at the end, so that
 * writers stay readable:
 *
 *   nsc_text t = {0};
 *   nsc_json_object(&t);
 *   nsc_json_key(&t, "width");  nsc_json_int(&t, 512);
 *   nsc_json_end_object(&t);
 *   return nsc_text_finish(&t, out, err);
 */
#ifndef NSC_BASE_TEXT_H
#define NSC_BASE_TEXT_H

#include "negatoscope.h"

typedef struct nsc_text {
  char *chars;
  size_t size, capacity;
  bool failed;      /* an allocation failed; everything after it is dropped */
  bool needs_comma; /* JSON: a value stands before this place in the same object or array */
} nsc_text;

void nsc_text_append(nsc_text *t, const char *chars, size_t size);
/* Room for `size` more bytes at once: what is known to be large need not grow by doubling. */
void nsc_text_reserve(nsc_text *t, size_t size);
/* Puts bytes before those that are there. */
void nsc_text_prepend(nsc_text *t, const char *chars, size_t size);
void nsc_text_put(nsc_text *t, const char *zero_terminated);
void nsc_text_printf(nsc_text *t, const char *format, ...) NSC_PRINTF(2, 3);

/* Gives the text to the caller, or MEMORY. Either way `t` is empty afterwards. */
NSC_WARN_UNUSED nsc_status nsc_text_finish(nsc_text *t, char **out, nsc_error *err);
void nsc_text_drop(nsc_text *t);

/* A copy with a zero behind it, malloc'ed; NULL without memory. */
NSC_WARN_UNUSED char *nsc_copy_chars(const char *chars, size_t size);

/* A field of CSV (RFC 4180): quoted where it must be. */
void nsc_csv_field(nsc_text *t, const char *zero_terminated);
/* Text for HTML and SVG, in content or quoted attributes: & < > " ' escaped, control characters made blanks, bytes that
 * are not UTF-8 made U+FFFD. */
void nsc_html_text(nsc_text *t, const char *zero_terminated);

void nsc_json_object(nsc_text *t);
void nsc_json_end_object(nsc_text *t);
void nsc_json_array(nsc_text *t);
void nsc_json_end_array(nsc_text *t);
void nsc_json_key(nsc_text *t, const char *key);
/* Bytes that are not UTF-8 become U+FFFD, so the JSON is valid whatever the file held. */
void nsc_json_string_n(nsc_text *t, const char *chars, size_t size);
void nsc_json_string(nsc_text *t, const char *zero_terminated); /* NULL writes null */
void nsc_json_int(nsc_text *t, int64_t value);
void nsc_json_number(nsc_text *t, double value); /* shortest form that reads back; NaN and infinities are null */
void nsc_json_float(nsc_text *t, float value);   /* likewise, for float32 */
void nsc_json_bool(nsc_text *t, bool value);
void nsc_json_null(nsc_text *t);
/* JSON that is already written, from a trusted writer or checked by nsc_json_parse. */
void nsc_json_raw(nsc_text *t, const char *json, size_t size);

#endif
