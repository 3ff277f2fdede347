#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static bool set_capacity(nsc_text *t, size_t capacity) {
  char *chars = realloc(t->chars, capacity);
  if (!chars) {
    t->failed = true;
    return false;
  }
  t->chars = chars;
  t->capacity = capacity;
  return true;
}

static bool make_room(nsc_text *t, size_t size) {
  if (t->failed) return false;
  size_t need = t->size + size + 1;
  if (need <= t->capacity) return true;
  size_t capacity = t->capacity ? t->capacity : 256;
  while (capacity < need) capacity *= 2;
  return set_capacity(t, capacity);
}

void nsc_text_reserve(nsc_text *t, size_t size) {
  size_t need = t->size + size + 1;
  if (!t->failed && need > t->capacity) (void)set_capacity(t, need);
}

void nsc_text_append(nsc_text *t, const char *chars, size_t size) {
  if (!make_room(t, size)) return;
  if (size) memcpy(t->chars + t->size, chars, size);
  t->size += size;
  t->chars[t->size] = 0;
}

void nsc_text_prepend(nsc_text *t, const char *chars, size_t size) {
  if (!make_room(t, size)) return;
  memmove(t->chars + size, t->chars, t->size);
  memcpy(t->chars, chars, size);
  t->size += size;
  t->chars[t->size] = 0;
}

void nsc_text_put(nsc_text *t, const char *zero_terminated) {
  nsc_text_append(t, zero_terminated, strlen(zero_terminated));
}

void nsc_text_printf(nsc_text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n < 0 || !make_room(t, (size_t)n)) return;
  va_start(args, format);
  vsnprintf(t->chars + t->size, (size_t)n + 1, format, args);
  va_end(args);
  t->size += (size_t)n;
}

nsc_status nsc_text_finish(nsc_text *t, char **out, nsc_error *err) {
  nsc_text_append(t, "", 0);
  if (t->failed) {
    size_t capacity = t->capacity;
    nsc_text_drop(t);
    return nsc_fail_memory(err, capacity * 2, "a text");
  }
  *out = t->chars;
  *t = (nsc_text){0};
  return NSC_OK;
}

void nsc_text_drop(nsc_text *t) {
  free(t->chars);
  *t = (nsc_text){0};
}

char *nsc_copy_chars(const char *chars, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy) return NULL;
  memcpy(copy, chars, size);
  copy[size] = 0;
  return copy;
}

void nsc_text_free(char *text) {
  free(text);
}

static void begin_value(nsc_text *t) {
  if (t->needs_comma) nsc_text_append(t, ",", 1);
  t->needs_comma = true;
}

static void open_bracket(nsc_text *t, const char *bracket) {
  begin_value(t);
  nsc_text_append(t, bracket, 1);
  t->needs_comma = false;
}

static void close_bracket(nsc_text *t, const char *bracket) {
  nsc_text_append(t, bracket, 1);
  t->needs_comma = true;
}

void nsc_json_object(nsc_text *t) {
  open_bracket(t, "{");
}

void nsc_json_end_object(nsc_text *t) {
  close_bracket(t, "}");
}

void nsc_json_array(nsc_text *t) {
  open_bracket(t, "[");
}

void nsc_json_end_array(nsc_text *t) {
  close_bracket(t, "]");
}

/* Length of the UTF-8 sequence at p, 0 when it is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *p, size_t left) {
  if (p[0] < 0x80) return 1;
  size_t n = p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : p[0] >= 0xE0 && p[0] < 0xF0 ? 3 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2 : 0;
  if (!n || n > left) return 0;
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0) || (p[0] == 0xF0 && p[1] < 0x90) ||
      (p[0] == 0xF4 && p[1] >= 0x90)) {
    return 0;
  }
  return n;
}

static void put_escaped(nsc_text *t, const char *chars, size_t size) {
  const unsigned char *p = (const unsigned char *)chars;
  for (size_t i = 0; i < size;) {
    size_t n = utf8_length(p + i, size - i);
    if (n == 0) {
      nsc_text_put(t, "\xEF\xBF\xBD");
      i++;
    } else if (n == 1 && (p[i] == '"' || p[i] == '\\')) {
      nsc_text_printf(t, "\\%c", p[i++]);
    } else if (n == 1 && (p[i] < 0x20 || p[i] == 0x7F)) {
      nsc_text_printf(t, "\\u%04x", p[i++]);
    } else {
      nsc_text_append(t, chars + i, n);
      i += n;
    }
  }
}

void nsc_csv_field(nsc_text *t, const char *zero_terminated) {
  bool quoted = strpbrk(zero_terminated, ",\"\r\n") != NULL;
  if (quoted) nsc_text_append(t, "\"", 1);
  for (const char *c = zero_terminated; *c; c++) nsc_text_append(t, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
  if (quoted) nsc_text_append(t, "\"", 1);
}

static const char *html_entity(unsigned char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return c < 0x20 || c == 0x7F ? " " : NULL;
  }
}

void nsc_html_text(nsc_text *t, const char *zero_terminated) {
  size_t size = strlen(zero_terminated);
  for (size_t i = 0, n; i < size; i += n) {
    const char *entity = html_entity((unsigned char)zero_terminated[i]);
    n = utf8_length((const unsigned char *)zero_terminated + i, size - i);
    if (entity || n == 0) {
      nsc_text_put(t, entity ? entity : "\xEF\xBF\xBD");
      n = 1;
    } else {
      nsc_text_append(t, zero_terminated + i, n);
    }
  }
}

void nsc_json_string_n(nsc_text *t, const char *chars, size_t size) {
  begin_value(t);
  nsc_text_append(t, "\"", 1);
  put_escaped(t, chars, size);
  nsc_text_append(t, "\"", 1);
}

void nsc_json_string(nsc_text *t, const char *zero_terminated) {
  if (zero_terminated) {
    nsc_json_string_n(t, zero_terminated, strlen(zero_terminated));
  } else {
    nsc_json_null(t);
  }
}

void nsc_json_key(nsc_text *t, const char *key) {
  nsc_json_string(t, key);
  nsc_text_append(t, ":", 1);
  t->needs_comma = false;
}

void nsc_json_int(nsc_text *t, int64_t value) {
  begin_value(t);
  nsc_text_printf(t, "%lld", (long long)value);
}

static void put_number(nsc_text *t, double value, int shortest, int longest, bool is_float) {
  if (!isfinite(value)) {
    nsc_json_null(t);
    return;
  }
  char digits[40];
  for (int precision = shortest; precision <= longest; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    double back = strtod(digits, NULL);
    if (is_float ? (float)back == (float)value : back == value) break;
  }
  begin_value(t);
  nsc_text_put(t, digits);
}

void nsc_json_number(nsc_text *t, double value) {
  put_number(t, value, 15, 17, false);
}

void nsc_json_float(nsc_text *t, float value) {
  put_number(t, (double)value, 6, 9, true);
}

void nsc_json_bool(nsc_text *t, bool value) {
  begin_value(t);
  nsc_text_put(t, value ? "true" : "false");
}

void nsc_json_null(nsc_text *t) {
  begin_value(t);
  nsc_text_put(t, "null");
}

void nsc_json_raw(nsc_text *t, const char *json, size_t size) {
  begin_value(t);
  nsc_text_append(t, json, size);
}
