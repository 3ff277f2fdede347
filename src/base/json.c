#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { MAX_DEPTH = 64, MAX_TEXT = 1 << 20, MAX_NUMBER = 64 };

typedef struct parser {
  const char *chars;
  size_t size, at;
  nsc_json *json;
  uint32_t capacity;
  size_t strings_size;
  nsc_error *err;
} parser;

static nsc_status bad(parser *p, const char *what) {
  return nsc_fail(p->err, NSC_ERROR_CORRUPT, "JSON: %s at byte %zu", what, p->at);
}

static void skip_space(parser *p) {
  while (p->at < p->size && strchr(" \t\r\n", p->chars[p->at]) && p->chars[p->at]) p->at++;
}

static bool accept(parser *p, char c) {
  if (p->at >= p->size || p->chars[p->at] != c) return false;
  p->at++;
  return true;
}

static nsc_status add_value(parser *p, nsc_json_kind kind, const char *key, uint32_t *index) {
  if (p->json->count == p->capacity) {
    uint32_t capacity = p->capacity ? p->capacity * 2 : 16;
    nsc_json_value *values = realloc(p->json->values, capacity * sizeof *values);
    if (!values) return nsc_fail_memory(p->err, capacity * sizeof *values, "JSON");
    p->json->values = values;
    p->capacity = capacity;
  }
  *index = p->json->count++;
  p->json->values[*index] = (nsc_json_value){.kind = kind, .key = key, .skip = 1};
  return NSC_OK;
}

static void put_utf8(parser *p, uint32_t c) {
  char *out = p->json->strings + p->strings_size;
  size_t n = 0;
  if (c < 0x80) {
    out[n++] = (char)c;
  } else if (c < 0x800) {
    out[n++] = (char)(0xC0 | c >> 6);
    out[n++] = (char)(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out[n++] = (char)(0xE0 | c >> 12);
    out[n++] = (char)(0x80 | (c >> 6 & 0x3F));
    out[n++] = (char)(0x80 | (c & 0x3F));
  } else {
    out[n++] = (char)(0xF0 | c >> 18);
    out[n++] = (char)(0x80 | (c >> 12 & 0x3F));
    out[n++] = (char)(0x80 | (c >> 6 & 0x3F));
    out[n++] = (char)(0x80 | (c & 0x3F));
  }
  p->strings_size += n;
}

static nsc_status parse_hex4(parser *p, uint32_t *out) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char c = p->at < p->size ? p->chars[p->at] : 0;
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
    if (digit > 15) return bad(p, "bad \\u escape");
    value = value * 16 + digit;
    p->at++;
  }
  *out = value;
  return NSC_OK;
}

static nsc_status parse_escape(parser *p) {
  char c = p->at < p->size ? p->chars[p->at++] : 0;
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *found = c ? strchr(from, c) : NULL;
  if (found) {
    put_utf8(p, (unsigned char)to[found - from]);
    return NSC_OK;
  }
  if (c != 'u') return bad(p, "bad escape");
  uint32_t code, low;
  NSC_TRY(parse_hex4(p, &code));
  if (code >= 0xD800 && code < 0xDC00 && accept(p, '\\') && accept(p, 'u')) {
    NSC_TRY(parse_hex4(p, &low));
    if (low < 0xDC00 || low > 0xDFFF) return bad(p, "bad surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code == 0 || (code >= 0xD800 && code < 0xE000)) return bad(p, "bad character");
  put_utf8(p, code);
  return NSC_OK;
}

/* An unescaped string is never longer than its escaped form plus the terminator in place of its quotes: so `strings`,
   allocated once as large as the text, always has room. */
static nsc_status parse_string(parser *p, const char **out) {
  if (!accept(p, '"')) return bad(p, "expected a string");
  const char *start = p->json->strings + p->strings_size;
  while (p->at < p->size && p->chars[p->at] != '"') {
    unsigned char c = (unsigned char)p->chars[p->at++];
    if (c < 0x20) return bad(p, "control character in a string");
    if (c == '\\') {
      NSC_TRY(parse_escape(p));
    } else {
      p->json->strings[p->strings_size++] = (char)c;
    }
  }
  if (!accept(p, '"')) return bad(p, "string without end");
  p->json->strings[p->strings_size++] = 0;
  *out = start;
  return NSC_OK;
}

static nsc_status parse_number(parser *p, double *out) {
  char digits[MAX_NUMBER];
  size_t n = 0;
  while (p->at < p->size && n + 1 < sizeof digits && strchr("+-.0123456789eE", p->chars[p->at]) && p->chars[p->at]) {
    digits[n++] = p->chars[p->at++];
  }
  digits[n] = 0;
  char *end;
  *out = strtod(digits, &end);
  if (n == 0 || *end || digits[0] == '+' || digits[0] == '.') return bad(p, "bad value");
  return NSC_OK;
}

static nsc_status parse_word(parser *p, const char *word) {
  size_t n = strlen(word);
  if (p->size - p->at < n || memcmp(p->chars + p->at, word, n) != 0) return bad(p, "bad value");
  p->at += n;
  return NSC_OK;
}

static nsc_status parse_value(parser *p, const char *key, int depth);

static nsc_status parse_children(parser *p, bool object, const char *key, int depth) {
  uint32_t self;
  p->at++; /* the bracket */
  NSC_TRY(add_value(p, object ? NSC_JSON_OBJECT : NSC_JSON_ARRAY, key, &self));
  char close = object ? '}' : ']';
  uint32_t count = 0;
  skip_space(p);
  while (!accept(p, close)) {
    if (count && !accept(p, ',')) return bad(p, "expected a comma");
    const char *member = NULL;
    skip_space(p);
    if (object) {
      NSC_TRY(parse_string(p, &member));
      skip_space(p);
      if (!accept(p, ':')) return bad(p, "expected a colon");
    }
    NSC_TRY(parse_value(p, member, depth + 1));
    count++;
    skip_space(p);
  }
  p->json->values[self].count = count;
  p->json->values[self].skip = p->json->count - self;
  return NSC_OK;
}

static nsc_status parse_value(parser *p, const char *key, int depth) {
  if (depth > MAX_DEPTH) return nsc_fail(p->err, NSC_ERROR_LIMIT, "JSON: more than %d levels", MAX_DEPTH);
  skip_space(p);
  char c = p->at < p->size ? p->chars[p->at] : 0;
  if (c == '{' || c == '[') return parse_children(p, c == '{', key, depth);
  uint32_t self;
  nsc_json_kind kind = c == '"'               ? NSC_JSON_STRING
                       : c == 't' || c == 'f' ? NSC_JSON_BOOL
                       : c == 'n'             ? NSC_JSON_NULL
                                              : NSC_JSON_NUMBER;
  NSC_TRY(add_value(p, kind, key, &self));
  nsc_json_value *value = &p->json->values[self];
  value->number = c == 't';
  if (c == '"') return parse_string(p, &value->string);
  if (c == 't') return parse_word(p, "true");
  if (c == 'f') return parse_word(p, "false");
  if (c == 'n') return parse_word(p, "null");
  return parse_number(p, &value->number);
}

nsc_status nsc_json_parse(const char *chars, size_t size, nsc_json *out, nsc_error *err) {
  if (size > MAX_TEXT) return nsc_fail(err, NSC_ERROR_LIMIT, "JSON: longer than %d bytes", MAX_TEXT);
  nsc_json json = {.strings = malloc(size + 1)};
  if (!json.strings) return nsc_fail_memory(err, size + 1, "JSON");
  parser p = {.chars = chars, .size = size, .json = &json, .err = err};
  nsc_status status = parse_value(&p, NULL, 0);
  if (status == NSC_OK) {
    skip_space(&p);
    if (p.at != size) status = bad(&p, "text after the value");
  }
  if (status != NSC_OK) {
    nsc_json_drop(&json);
    return status;
  }
  *out = json;
  return NSC_OK;
}

void nsc_json_drop(nsc_json *json) {
  free(json->values);
  free(json->strings);
  *json = (nsc_json){0};
}

const nsc_json_value *nsc_json_first(const nsc_json_value *parent) {
  return parent + 1;
}

const nsc_json_value *nsc_json_next(const nsc_json_value *value) {
  return value + value->skip;
}

const nsc_json_value *nsc_json_get(const nsc_json_value *object, const char *key) {
  if (!object || object->kind != NSC_JSON_OBJECT) return NULL;
  const nsc_json_value *v = nsc_json_first(object);
  for (uint32_t i = 0; i < object->count; i++, v = nsc_json_next(v)) {
    if (strcmp(v->key, key) == 0) return v;
  }
  return NULL;
}
