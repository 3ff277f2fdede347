/* Times, events and patients' fields of a table. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "cli/survival.h"

nsc_status nsc_cli_take_fields(const char *list, nsc_cli_outcomes *out, nsc_error *err) {
  for (const char *at = list; at;) {
    size_t size = strcspn(at, ",");
    if (out->field_count == NSC_SURVIVAL_FIELDS) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "--fields: at most %d", NSC_SURVIVAL_FIELDS);
    }
    if (size == 0 || size >= NSC_SURVIVAL_WORD) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "--fields: names have 1 to %d bytes", NSC_SURVIVAL_WORD - 1);
    }
    char *name = out->names[out->field_count];
    memcpy(name, at, size);
    name[size] = 0;
    for (uint32_t i = 0; i < out->field_count; i++) {
      if (strcmp(out->names[i], name) == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "--fields: two \"%s\"", name);
    }
    out->fields[out->field_count++] = name;
    at = at[size] ? at + size + 1 : NULL;
  }
  return NSC_OK;
}

/* DICOM files say these themselves. */
static bool may_be_absent(const char *field) {
  return strcmp(field, "age") == 0 || strcmp(field, "sex") == 0;
}

nsc_status nsc_cli_parse_outcomes(const nsc_cli_outcomes *o, const char *chars, size_t size, nsc_table *out,
                                  nsc_error *err) {
  nsc_table_column columns[NSC_SURVIVAL_FIELDS + 2] = {{o->time ? o->time : "time", false},
                                                       {o->event ? o->event : "event", false}};
  for (uint32_t i = 0; i < o->field_count; i++) {
    columns[i + 2] = (nsc_table_column){o->fields[i], may_be_absent(o->fields[i])};
  }
  return nsc_table_parse_columns(chars, size, columns, o->field_count + 2, out, err);
}

static nsc_status read_number(const nsc_table_row *row, const char *name, const char *text, double *out,
                              nsc_error *err) {
  if (!nsc_field_parse("", text, strlen(text), out)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the %s \"%.40s\" is no number", row->line, name, text);
  }
  if (isnan(*out)) return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the %s is empty", row->line, name);
  return NSC_OK;
}

nsc_status nsc_cli_read_outcome(const nsc_cli_outcomes *o, const nsc_table_row *row, nsc_outcome *out, nsc_error *err) {
  double event;
  *out = (nsc_outcome){0};
  NSC_TRY(read_number(row, "time", row->extra[0], &out->time, err));
  NSC_TRY(read_number(row, "event", row->extra[1], &event, err));
  if (out->time < 0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the time %.40s is negative", row->line, row->extra[0]);
  }
  if (event != 0 && event != 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the event is %.40s; 1 is an event, 0 none until then", row->line,
                    row->extra[1]);
  }
  out->event = event == 1;
  for (uint32_t i = 0; i < o->field_count; i++) {
    const char *text = row->extra[i + 2];
    out->fields[i] = NAN;
    if (text && !nsc_field_parse(o->fields[i], text, strlen(text), &out->fields[i])) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "line %u: the %s \"%.40s\" is not readable", row->line, o->fields[i],
                      text);
    }
  }
  return NSC_OK;
}
