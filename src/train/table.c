#include "train/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* More columns than any spreadsheet has; more rows than pictures fit into memory. */
enum { MAX_COLUMNS = 1 << 14, MAX_ROWS = 1 << 26 };

typedef enum column { COLUMN_FILE, COLUMN_LABEL, COLUMN_PATIENT, COLUMN_SPLIT, COLUMN_KINDS } column;

typedef struct scanner {
  const char *at, *end;
  char delimiter;
  uint32_t line; /* of `at`, 1-based */
} scanner;

typedef struct field {
  const char *chars; /* between the quotes, quotes inside still doubled */
  size_t size;
  bool quoted, last; /* of its row */
} field;

/* ---- fields ---- */

static bool at_line_end(const scanner *s) {
  return s->at == s->end || *s->at == '\n' || *s->at == '\r';
}

/* Past "\r\n", "\n" or "\r". */
static void take_line_end(scanner *s) {
  if (s->at == s->end) return;
  if (*s->at == '\r' && s->end - s->at > 1 && s->at[1] == '\n') s->at++;
  s->at++;
  s->line++;
}

static nsc_status take_quoted(scanner *s, field *out, nsc_error *err) {
  uint32_t line = s->line;
  const char *from = ++s->at;
  for (;; s->at++) {
    if (s->at == s->end) return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: a quotation mark is never closed", line);
    if (*s->at == '\n' || (*s->at == '\r' && (s->at + 1 == s->end || s->at[1] != '\n'))) s->line++;
    if (*s->at != '"') continue;
    if (s->at + 1 == s->end || s->at[1] != '"') break;
    s->at++;
  }
  *out = (field){.chars = from, .size = (size_t)(s->at - from), .quoted = true};
  s->at++;
  if (at_line_end(s) || *s->at == s->delimiter) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: text follows a closing quotation mark", s->line);
}

/* The next field of a row, and what ends it. */
static nsc_status take_field(scanner *s, field *out, nsc_error *err) {
  if (s->at < s->end && *s->at == '"') {
    NSC_TRY(take_quoted(s, out, err));
  } else {
    const char *from = s->at;
    while (!at_line_end(s) && *s->at != s->delimiter) s->at++;
    *out = (field){.chars = from, .size = (size_t)(s->at - from)};
  }
  if (memchr(out->chars, 0, out->size)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: a zero byte; this is no text", s->line);
  }
  out->last = at_line_end(s);
  if (out->last) {
    take_line_end(s);
  } else {
    s->at++;
  }
  return NSC_OK;
}

/* The field's text, doubled quotes made one. */
static nsc_status keep_text(nsc_table *t, const field *f, const char **out, nsc_error *err) {
  char *text = nsc_arena_text(&t->arena, f->chars, f->size);
  if (!text) return nsc_fail_memory(err, f->size, "a field");
  size_t to = 0;
  for (size_t i = 0; f->quoted && i < f->size; i++) {
    text[to++] = f->chars[i];
    if (f->chars[i] == '"') i++;
  }
  if (f->quoted) text[to] = 0;
  *out = text;
  return NSC_OK;
}

/* ---- the first line ---- */

static bool same_name(const field *f, const char *name) {
  size_t from = 0, to = f->size, i = 0;
  while (from < to && f->chars[from] == ' ') from++;
  while (to > from && f->chars[to - 1] == ' ') to--;
  for (; from + i < to && name[i]; i++) {
    char c = f->chars[from + i];
    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i]) return false;
  }
  return from + i == to && !name[i];
}

static column column_of(const field *f) {
  static const struct {
    const char *name;
    column kind;
  } names[] = {{"file", COLUMN_FILE},   {"path", COLUMN_FILE},   {"image", COLUMN_FILE},      {"filename", COLUMN_FILE},
               {"label", COLUMN_LABEL}, {"class", COLUMN_LABEL}, {"patient", COLUMN_PATIENT}, {"split", COLUMN_SPLIT}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (same_name(f, names[i].name)) return names[i].kind;
  }
  return COLUMN_KINDS;
}

/* The delimiter that stands most often in the first line, outside quotes. */
static char find_delimiter(const scanner *s) {
  static const char kinds[] = {',', ';', '\t'};
  size_t counts[sizeof kinds] = {0}, best = 0;
  bool quoted = false;
  for (const char *c = s->at; c < s->end && (quoted || (*c != '\n' && *c != '\r')); c++) {
    if (*c == '"') quoted = !quoted;
    for (size_t k = 0; k < sizeof kinds && !quoted; k++) counts[k] += *c == kinds[k];
  }
  for (size_t k = 1; k < sizeof kinds; k++) {
    if (counts[k] > counts[best]) best = k;
  }
  return kinds[best];
}

/* Which column holds what: places[COLUMN_KINDS] of 0-based columns, UINT32_MAX for none. */
static nsc_status read_head(scanner *s, uint32_t *places, uint32_t *columns, nsc_error *err) {
  static const char *const names[] = {"file", "label", "patient", "split"};
  uint32_t line = s->line;
  field f = {0};
  for (int k = 0; k < COLUMN_KINDS; k++) places[k] = UINT32_MAX;
  for (*columns = 0; !f.last; (*columns)++) {
    if (*columns == MAX_COLUMNS) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d columns", MAX_COLUMNS);
    NSC_TRY(take_field(s, &f, err));
    column kind = column_of(&f);
    if (kind == COLUMN_KINDS) continue;
    if (places[kind] != UINT32_MAX) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: two columns for \"%s\"", line, names[kind]);
    }
    places[kind] = *columns;
  }
  for (int k = COLUMN_FILE; k <= COLUMN_LABEL; k++) {
    if (places[k] == UINT32_MAX) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the first line names no column \"%s\"", line, names[k]);
    }
  }
  return NSC_OK;
}

/* ---- rows ---- */

static nsc_status keep_field(nsc_table *t, nsc_table_row *row, column kind, const field *f, nsc_error *err) {
  switch (kind) {
    case COLUMN_FILE:
      return keep_text(t, f, &row->file, err);
    case COLUMN_LABEL:
      return keep_text(t, f, &row->label, err);
    case COLUMN_PATIENT:
      return f->size ? keep_text(t, f, &row->patient, err) : NSC_OK;
    case COLUMN_SPLIT:
      row->split_given = f->size > 0;
      if (!row->split_given || nsc_split_parse(f->chars, f->size, &row->split)) return NSC_OK;
      return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: \"%.*s\" is no split: train, validation or test", row->line,
                      f->size < 40 ? (int)f->size : 40, f->chars);
    default:
      return NSC_OK;
  }
}

static nsc_status read_row(scanner *s, nsc_table *t, const uint32_t *places, uint32_t columns, nsc_table_row *row,
                           nsc_error *err) {
  field f = {0};
  uint32_t at = 0;
  for (; !f.last; at++) {
    NSC_TRY(take_field(s, &f, err));
    for (int k = 0; k < COLUMN_KINDS; k++) {
      if (places[k] == at) NSC_TRY(keep_field(t, row, (column)k, &f, err));
    }
  }
  if (at != columns) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u has %u fields, the first line %u", row->line, at, columns);
  }
  if (!*row->file || !*row->label) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the %s is empty", row->line, *row->file ? "label" : "file");
  }
  return NSC_OK;
}

static nsc_status add_row(nsc_table *t, const nsc_table_row *row, nsc_error *err) {
  if (t->count == t->capacity) {
    if (t->count >= MAX_ROWS) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d lines", MAX_ROWS);
    uint32_t capacity = t->capacity * 2 + 64;
    nsc_table_row *rows = realloc(t->rows, capacity * sizeof *rows);
    if (!rows) return nsc_fail_memory(err, capacity * sizeof *rows, "the table");
    t->rows = rows;
    t->capacity = capacity;
  }
  t->rows[t->count++] = *row;
  return NSC_OK;
}

static nsc_status parse(scanner *s, nsc_table *t, nsc_error *err) {
  uint32_t places[COLUMN_KINDS], columns;
  if (s->end - s->at >= 3 && memcmp(s->at, "\xEF\xBB\xBF", 3) == 0) s->at += 3;
  while (s->at < s->end && at_line_end(s)) take_line_end(s);
  if (s->at == s->end) return nsc_fail(err, NSC_ERROR_CORRUPT, "the table is empty");
  s->delimiter = find_delimiter(s);
  NSC_TRY(read_head(s, places, &columns, err));
  for (;;) {
    while (s->at < s->end && at_line_end(s)) take_line_end(s);
    if (s->at == s->end) return NSC_OK;
    nsc_table_row row = {.line = s->line};
    NSC_TRY(read_row(s, t, places, columns, &row, err));
    NSC_TRY(add_row(t, &row, err));
  }
}

nsc_status nsc_table_parse(const char *chars, size_t size, nsc_table *out, nsc_error *err) {
  nsc_table t = {0};
  if (size == 0) chars = ""; /* NULL then has no end */
  scanner s = {.at = chars, .end = chars + size, .line = 1};
  nsc_status status = parse(&s, &t, err);
  if (status != NSC_OK) {
    nsc_table_drop(&t);
    return status;
  }
  *out = t;
  return NSC_OK;
}

void nsc_table_drop(nsc_table *table) {
  nsc_arena_free(&table->arena);
  free(table->rows);
  *table = (nsc_table){0};
}
