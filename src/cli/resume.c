#define _XOPEN_SOURCE 700
#include "cli/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/cli.h"

/* Behind the field that begins at `at`: its comma or line end, or `end`. A quotation mark within quotes is doubled, so
   it opens and closes them again. */
static const char *field_end(const char *at, const char *end) {
  for (bool quoted = false; at < end; at++) {
    if (*at == '"') quoted = !quoted;
    if (!quoted && (*at == ',' || *at == '\r' || *at == '\n')) break;
  }
  return at;
}

/* Behind the line end of the row that begins at `at`, or NULL where the row is cut off. */
static const char *row_end(const char *at, const char *end) {
  for (bool quoted = false; at < end; at++) {
    if (*at == '"') quoted = !quoted;
    if (!quoted && *at == '\n') return at + 1;
  }
  return NULL;
}

static char *csv_field(const char *chars) {
  nsc_text t = {0};
  nsc_error err = {0};
  char *out;
  nsc_csv_field(&t, chars);
  return nsc_text_finish(&t, &out, &err) == NSC_OK ? out : NULL;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static nsc_status add_done(nsc_cli_resume *r, const char *chars, size_t size, nsc_error *err) {
  /* Grown when the number is a power of two. */
  if ((r->count & (r->count - 1)) == 0) {
    char **grown = realloc(r->done, (r->count ? 2 * r->count : 1) * sizeof *grown);
    if (!grown) return nsc_fail_memory(err, 2 * r->count * sizeof *grown, "rows");
    r->done = grown;
  }
  char *copy = nsc_copy_chars(chars, size);
  if (!copy) return nsc_fail_memory(err, size, "a row");
  r->done[r->count++] = copy;
  return NSC_OK;
}

/* The rows that are whole. *whole becomes their bytes, the head's included. */
static nsc_status read_rows(nsc_cli_resume *r, const char *chars, size_t size, const char *head, const char *model,
                            size_t *whole, nsc_error *err) {
  const char *end = chars + size, *at = chars + strlen(head);
  *whole = 0;
  if (size < strlen(head)) {
    if (memcmp(chars, head, size) == 0) return NSC_OK; /* ended while it was written */
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "its first line is not that of results of this model");
  }
  if (memcmp(chars, head, strlen(head)) != 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "its first line is not that of results of this model");
  }
  r->begun = true;
  for (const char *next; (next = row_end(at, end)) != NULL; at = next) {
    const char *file = field_end(at, next), *second = *file == ',' ? file + 1 : file;
    size_t named = (size_t)(field_end(second, next) - second);
    if (named != strlen(model) || memcmp(second, model, named) != 0) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "row %zu is of another model, \"%.*s\"", r->rows + 1,
                      (int)(named < 80 ? named : 80), second);
    }
    NSC_TRY(add_done(r, at, (size_t)(file - at), err));
    r->rows++;
  }
  *whole = (size_t)(at - chars);
  if (r->count) qsort(r->done, r->count, sizeof *r->done, by_text);
  return NSC_OK;
}

nsc_status nsc_cli_resume_open(const char *path, const char *head, const char *model, nsc_cli_resume *out,
                               nsc_error *err) {
  *out = (nsc_cli_resume){0};
  size_t whole = 0;
  if (access(path, F_OK) == 0) {
    nsc_source *source;
    NSC_TRY(nsc_cli_read(path, &source, err));
    char *called = csv_field(model);
    nsc_status status = called ? read_rows(out, (const char *)source->bytes, source->size, head, called, &whole, err)
                               : nsc_fail_memory(err, strlen(model), "a name");
    free(called);
    nsc_source_free(source);
    NSC_TRY(status);
    if (truncate(path, (off_t)whole) != 0) return nsc_fail(err, NSC_ERROR_IO, "cannot write: %s", strerror(errno));
  }
  out->file = fopen(path, "ab");
  if (!out->file) return nsc_fail(err, NSC_ERROR_IO, "cannot open: %s", strerror(errno));
  return out->begun ? NSC_OK : nsc_cli_resume_write(out, head, err);
}

bool nsc_cli_resume_has(const nsc_cli_resume *r, const char *file) {
  char *called = csv_field(file);
  bool found = called && r->count > 0 && bsearch(&called, r->done, r->count, sizeof *r->done, by_text);
  free(called);
  return found;
}

nsc_status nsc_cli_resume_write(nsc_cli_resume *r, const char *text, nsc_error *err) {
  /* Row by row, so that a run that is ended loses no more than one. */
  if (fputs(text, r->file) == EOF || fflush(r->file) != 0)
    return nsc_fail(err, NSC_ERROR_IO, "cannot write: %s", strerror(errno));
  return NSC_OK;
}

bool nsc_cli_resume_close(nsc_cli_resume *r) {
  bool well = !r->file || fclose(r->file) == 0;
  for (size_t i = 0; i < r->count; i++) free(r->done[i]);
  free(r->done);
  *r = (nsc_cli_resume){0};
  return well;
}
