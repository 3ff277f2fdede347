#include "train/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* More columns than any spreadsheet has; more rows than pictures fit into memory. */
enum { MAX_COLUMNS = 1 << 14, MAX_ROWS = 1 << 26 };

typedef enum column { COLUMN_FILE, COLUMN_LABEL, COLUMN_PATIENT, COLUMN_SPLIT, COLUMN_KINDS } column;

static const char *const kind_names[] = {"file", "label", "patient", "split"};

/* Which column holds what, 0-based; UINT32_MAX for none. */
typedef struct layout {
  uint32_t kinds[COLUMN_KINDS], extra[NSC_TABLE_EXTRA], columns;
  const nsc_table_column *wanted; /* [wanted_count] in the place of a label */
  uint32_t wanted_count;
} layout;

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

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_name(const field *f, const char *name) {
  size_t from = 0, to = f->size, i = 0;
  while (from < to && f->chars[from] == ' ') from++;
  while (to > from && f->chars[to - 1] == ' ') to--;
  for (; from + i < to && name[i]; i++) {
    if (lower(f->chars[from + i]) != lower(name[i])) return false;
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

static nsc_status set_place(uint32_t *place, uint32_t column, uint32_t line, const char *name, nsc_error *err) {
  if (*place != UINT32_MAX) return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: two columns for \"%s\"", line, name);
  *place = column;
  return NSC_OK;
}

static nsc_status place_column(layout *l, const field *f, uint32_t line, nsc_error *err) {
  column kind = column_of(f);
  if (kind < COLUMN_KINDS) NSC_TRY(set_place(&l->kinds[kind], l->columns, line, kind_names[kind], err));
  for (uint32_t k = 0; k < l->wanted_count; k++) {
    if (same_name(f, l->wanted[k].name)) NSC_TRY(set_place(&l->extra[k], l->columns, line, l->wanted[k].name, err));
  }
  return NSC_OK;
}

static nsc_status check_head(const layout *l, uint32_t line, nsc_error *err) {
  const char *missing = l->kinds[COLUMN_FILE] == UINT32_MAX                  ? kind_names[COLUMN_FILE]
                        : !l->wanted && l->kinds[COLUMN_LABEL] == UINT32_MAX ? kind_names[COLUMN_LABEL]
                                                                             : NULL;
  for (uint32_t k = 0; k < l->wanted_count && !missing; k++) {
    if (l->extra[k] == UINT32_MAX && !l->wanted[k].may_be_absent) missing = l->wanted[k].name;
  }
  if (!missing) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the first line names no column \"%s\"", line, missing);
}

static nsc_status read_head(scanner *s, layout *l, nsc_error *err) {
  uint32_t line = s->line;
  field f = {0};
  memset(l->kinds, 0xFF, sizeof l->kinds);
  memset(l->extra, 0xFF, sizeof l->extra);
  for (l->columns = 0; !f.last; l->columns++) {
    if (l->columns == MAX_COLUMNS) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d columns", MAX_COLUMNS);
    NSC_TRY(take_field(s, &f, err));
    NSC_TRY(place_column(l, &f, line, err));
  }
  return check_head(l, line, err);
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

static nsc_status read_fields(scanner *s, nsc_table *t, const layout *l, nsc_table_row *row, nsc_error *err) {
  const char **extra = l->wanted_count ? nsc_arena_alloc(&t->arena, l->wanted_count, sizeof *extra) : NULL;
  field f = {0};
  uint32_t at = 0;
  if (l->wanted_count && !extra) return nsc_fail_memory(err, l->wanted_count * sizeof *extra, "a line");
  row->extra = extra;
  for (; !f.last; at++) {
    NSC_TRY(take_field(s, &f, err));
    for (int k = 0; k < COLUMN_KINDS; k++) {
      if (l->kinds[k] == at) NSC_TRY(keep_field(t, row, (column)k, &f, err));
    }
    for (uint32_t k = 0; k < l->wanted_count; k++) {
      if (l->extra[k] == at) NSC_TRY(keep_text(t, &f, &extra[k], err));
    }
  }
  if (at == l->columns) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u has %u fields, the first line %u", row->line, at, l->columns);
}

static nsc_status read_row(scanner *s, nsc_table *t, const layout *l, nsc_table_row *row, nsc_error *err) {
  NSC_TRY(read_fields(s, t, l, row, err));
  bool no_label = !l->wanted && !*row->label;
  if (!*row->file || no_label) {
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

static nsc_status parse(scanner *s, nsc_table *t, layout *l, nsc_error *err) {
  if (s->end - s->at >= 3 && memcmp(s->at, "\xEF\xBB\xBF", 3) == 0) s->at += 3;
  while (s->at < s->end && at_line_end(s)) take_line_end(s);
  if (s->at == s->end) return nsc_fail(err, NSC_ERROR_CORRUPT, "the table is empty");
  s->delimiter = find_delimiter(s);
  NSC_TRY(read_head(s, l, err));
  for (;;) {
    while (s->at < s->end && at_line_end(s)) take_line_end(s);
    if (s->at == s->end) return NSC_OK;
    nsc_table_row row = {.line = s->line};
    NSC_TRY(read_row(s, t, l, &row, err));
    NSC_TRY(add_row(t, &row, err));
  }
}

nsc_status nsc_table_parse(const char *chars, size_t size, nsc_table *out, nsc_error *err) {
  return nsc_table_parse_columns(chars, size, NULL, 0, out, err);
}

nsc_status nsc_table_parse_columns(const char *chars, size_t size, const nsc_table_column *columns, uint32_t count,
                                   nsc_table *out, nsc_error *err) {
  nsc_table t = {0};
  layout l = {.wanted = columns, .wanted_count = count};
  if (count > NSC_TABLE_EXTRA) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d columns asked for", NSC_TABLE_EXTRA);
  if (size == 0) chars = ""; /* NULL then has no end */
  scanner s = {.at = chars, .end = chars + size, .line = 1};
  nsc_status status = parse(&s, &t, &l, err);
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
