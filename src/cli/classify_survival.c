/* negatoscope classify with a model for times to an event: a curve for each file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/survival.h"
#include "pipeline/survival.h"

typedef struct job {
  nsc_prognosis *prognosis;
  const nsc_survival_spec *spec;
  const char *model_name;
  double given[NSC_SURVIVAL_FIELDS];
  uint32_t frame;
  nsc_cli_format format;
} job;

/* "age=63,sex=F". */
static nsc_status read_fields(job *j, const char *list, nsc_error *err) {
  const nsc_survival_spec *spec = j->spec;
  for (uint32_t i = 0; i < spec->field_count; i++) j->given[i] = NAN;
  for (const char *at = list; at;) {
    size_t size = strcspn(at, ","), name = strcspn(at, "=");
    uint32_t i = 0;
    if (name >= size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "--fields is NAME=VALUE,..., not \"%.40s\"", at);
    while (i < spec->field_count &&
           !(strlen(spec->fields[i].name) == name && !memcmp(spec->fields[i].name, at, name))) {
      i++;
    }
    if (i == spec->field_count) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model takes no field \"%.*s\"", (int)(name < 40 ? name : 40), at);
    }
    if (!nsc_field_parse(spec->fields[i].name, at + name + 1, size - name - 1, &j->given[i])) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "--fields: the %s is not readable", spec->fields[i].name);
    }
    at = at[size] ? at + size + 1 : NULL;
  }
  return NSC_OK;
}

static nsc_status run_file(const job *j, const char *path, nsc_prognosis_result *out, nsc_error *err) {
  nsc_image *image;
  NSC_TRY(nsc_cli_open_image(path, &image, err));
  nsc_status status = nsc_prognosis_run(j->prognosis, image, j->frame, j->given, NULL, out, err);
  nsc_image_free(image);
  return status;
}

static void write_json(nsc_text *t, const job *j, const char *path, const nsc_prognosis_result *r, const nsc_error *e) {
  nsc_json_object(t);
  nsc_json_key(t, "file"), nsc_json_string(t, path);
  if (e->status == NSC_OK) nsc_prognosis_write(j->prognosis, r, t);
  nsc_json_key(t, "error"), nsc_json_string(t, e->status == NSC_OK ? NULL : e->text);
  nsc_json_end_object(t);
}

static void write_csv_head(nsc_text *t, const job *j) {
  nsc_text_put(t, "file,model,median,mean,applies,error");
  for (uint32_t i = 0; i < j->spec->field_count; i++) {
    nsc_text_put(t, ","), nsc_csv_field(t, j->spec->fields[i].name);
    nsc_text_put(t, ",from");
  }
  for (uint32_t k = 1; k <= j->spec->bins; k++) nsc_text_printf(t, ",S(%.9g)", j->spec->edges[k]);
  nsc_text_put(t, "\r\n");
}

static void write_csv(nsc_text *t, const job *j, const char *path, const nsc_prognosis_result *r, const nsc_error *e) {
  bool ok = e->status == NSC_OK;
  nsc_csv_field(t, path), nsc_text_put(t, ",");
  nsc_csv_field(t, j->model_name), nsc_text_put(t, ",");
  if (ok && !isnan(r->median)) nsc_text_printf(t, "%.6g", r->median);
  nsc_text_put(t, ",");
  if (ok) nsc_text_printf(t, "%.6g", r->mean);
  const char *applies = ok ? nsc_applies_name(r->applies.verdict) : NULL;
  nsc_text_put(t, ","), nsc_csv_field(t, applies ? applies : "");
  nsc_text_put(t, ","), nsc_csv_field(t, ok ? "" : e->text);
  for (uint32_t i = 0; i < j->spec->field_count; i++) {
    if (ok) {
      nsc_text_printf(t, ",%.6g,%s", r->fields[i], nsc_field_source_name(r->sources[i]));
    } else {
      nsc_text_put(t, ",,");
    }
  }
  for (uint32_t k = 0; k < j->spec->bins; k++) {
    nsc_text_put(t, ",");
    if (ok) nsc_text_printf(t, "%.6g", (double)r->survival[k]);
  }
  nsc_text_put(t, "\r\n");
}

static void write_table(nsc_text *t, const job *j, const char *path, const nsc_prognosis_result *r,
                        const nsc_error *e) {
  if (e->status != NSC_OK) {
    nsc_text_printf(t, "%s\n  refused: %s\n", path, e->text);
    return;
  }
  nsc_text_printf(t, "%s\n  ", path);
  if (r->applies.verdict == NSC_APPLIES_OUT) {
    nsc_text_put(t, "(out of range)\n");
    return;
  }
  if (r->applies.verdict == NSC_APPLIES_DOUBTFUL) nsc_text_put(t, "doubtful whether the model applies; ");
  if (isnan(r->median)) {
    nsc_text_printf(t, "median beyond %.4g %s", r->edges[r->bins], r->unit);
  } else {
    nsc_text_printf(t, "median %.4g %s", r->median, r->unit);
  }
  for (uint32_t i = 0; i < r->field_count; i++) {
    static const char *const from[] = {"given", "from the file", "not known: the training cases' mean"};
    nsc_text_printf(t, "; %s %.4g (%s)", j->spec->fields[i].name, r->fields[i], from[r->sources[i]]);
  }
  nsc_text_put(t, "\n  up to     ");
  for (uint32_t k = 1; k <= r->bins; k++) nsc_text_printf(t, "%8.4g", r->edges[k]);
  nsc_text_put(t, "\n  no event  ");
  for (uint32_t k = 0; k < r->bins; k++) nsc_text_printf(t, "%8.3f", (double)r->survival[k]);
  nsc_text_put(t, "\n");
}

/* False when memory runs out. */
static bool print(nsc_text *t) {
  nsc_error err = {0};
  char *text;
  if (nsc_text_finish(t, &text, &err) != NSC_OK) {
    fprintf(stderr, "negatoscope: %s\n", err.text);
    return false;
  }
  fputs(text, stdout);
  nsc_text_free(text);
  return true;
}

static bool run_all(const job *j, const nsc_cli_paths *paths) {
  bool well = true;
  nsc_text t = {0};
  if (j->format == NSC_CLI_CSV) write_csv_head(&t, j);
  if (j->format == NSC_CLI_JSON) nsc_text_put(&t, "[");
  if (!print(&t)) return false;
  for (size_t i = 0; i < paths->count; i++) {
    const char *path = paths->list[i];
    nsc_error err = {0};
    nsc_prognosis_result r = {0};
    well &= run_file(j, path, &r, &err) == NSC_OK;
    if (i && j->format == NSC_CLI_JSON) nsc_text_put(&t, ",");
    t.needs_comma = false;
    if (j->format == NSC_CLI_JSON) write_json(&t, j, path, &r, &err);
    if (j->format == NSC_CLI_CSV) write_csv(&t, j, path, &r, &err);
    if (j->format == NSC_CLI_TABLE) write_table(&t, j, path, &r, &err);
    if (!print(&t)) return false;
  }
  if (j->format == NSC_CLI_JSON) puts("]");
  if (j->format == NSC_CLI_TABLE) fputs("For research and teaching. Not for diagnosis.\n", stderr);
  return well;
}

int nsc_cli_classify_survival(const nsc_model *model, const char *model_name, const nsc_classifier_options *options,
                              const char *fields, uint32_t frame, nsc_cli_format format, const nsc_cli_paths *paths) {
  nsc_error err = {0};
  job j = {.model_name = model_name, .frame = frame, .format = format};
  nsc_status status = nsc_prognosis_create(model, options, &j.prognosis, &err);
  if (status == NSC_OK) {
    j.spec = nsc_prognosis_spec(j.prognosis);
    status = read_fields(&j, fields, &err);
  }
  bool well = status == NSC_OK && run_all(&j, paths);
  if (status != NSC_OK) fprintf(stderr, "negatoscope: model %s: %s\n", model_name, err.text);
  nsc_prognosis_free(j.prognosis);
  return well ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
