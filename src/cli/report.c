/* negatoscope report: what a model says of a picture, as a page, as data and as DICOM. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/record.h"

const char nsc_cli_report_usage[] =
    "usage: negatoscope report [options] FILE\n"
    "  --model NAME_OR_FILE  --frame N  --threads N\n"
    "  --json FILE           all that it takes to repeat the run (negatoscope verify); on stdout without any file\n"
    "  --html FILE           one page to print       --fhir FILE  DiagnosticReport of FHIR R4\n"
    "  --sr FILE             DICOM structured report --sc FILE    DICOM picture with the map over it\n"
    "  --seg FILE            DICOM segmentation of the regions; all three of DICOM files only\n"
    "  --lang en|zh-CN       of the page and of FHIR --template FILE  another page; --template usual prints ours\n"
    "  --nameless            without patient, dates, identifiers and the file's name\n"
    "  --method NAME         of the map, as in negatoscope explain, or none; grad-cam, or occlusion where the model\n"
    "                        does not allow it\n"
    "  --threshold X         regions are where the map is at least this share of its highest place, 0 to 1; 0.5\n"
    "  --draws N             small changes of each kind that test how steady the score is; 8, 0 for none\n"
    "  --seed N              of masks, noise and small changes\n"
    "  --recipe JSON --labels JSON --output logits|probabilities    for models that do not say\n"
    "For research and teaching. Not for diagnosis.\n";

typedef struct settings {
  nsc_cli_run run;
  const char *json, *html, *fhir, *language, *page;
  const char *objects[3]; /* by nsc_record_object */
} settings;

/* ---- options ---- */

static bool read_method(const char *name, nsc_cli_run *run) {
  run->method_given = name != NULL;
  run->explain = !name || strcmp(name, "none") != 0;
  if (!run->explain || nsc_explain_method_named(name ? name : "grad-cam", &run->explanation.method)) return true;
  fprintf(stderr, "negatoscope report: there is no method \"%s\"\n%s", name, nsc_cli_report_usage);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  nsc_cli_run *run = &s->run;
  const char *method = NULL, *threshold = NULL, *draws = NULL, *seed = NULL, *frame = NULL, *threads = NULL;
  const nsc_cli_option list[] = {{"--model", &run->model, NULL},
                                 {"--json", &s->json, NULL},
                                 {"--html", &s->html, NULL},
                                 {"--fhir", &s->fhir, NULL},
                                 {"--sr", &s->objects[NSC_RECORD_SR], NULL},
                                 {"--sc", &s->objects[NSC_RECORD_SC], NULL},
                                 {"--seg", &s->objects[NSC_RECORD_SEG], NULL},
                                 {"--lang", &s->language, NULL},
                                 {"--template", &s->page, NULL},
                                 {"--nameless", NULL, &run->record.nameless},
                                 {"--method", &method, NULL},
                                 {"--threshold", &threshold, NULL},
                                 {"--draws", &draws, NULL},
                                 {"--seed", &seed, NULL},
                                 {"--frame", &frame, NULL},
                                 {"--threads", &threads, NULL},
                                 NSC_CLI_CLASSIFIER_OPTIONS(run->classifier, "--labels")};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  bool usual = argc == 1 && s->page && strcmp(s->page, "usual") == 0;
  if (argc != 2 && !usual) {
    if (argc >= 0) fputs(nsc_cli_report_usage, stderr);
    return false;
  }
  run->path = usual ? NULL : argv[1];
  long numbers[4] = {nsc_cli_number("--draws", draws, 0, 8), nsc_cli_number("--seed", seed, 0, 1),
                     nsc_cli_number("--frame", frame, 1, 1),
                     nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors())};
  for (int i = 0; i < 4; i++) {
    if (numbers[i] < 0) return false;
  }
  run->draws = (uint32_t)numbers[0];
  run->seed = run->explanation.seed = (uint64_t)numbers[1];
  run->frame = (uint32_t)numbers[2] - 1;
  run->classifier.threads = (uint32_t)numbers[3];
  run->explanation.label = -1;
  if (!s->language) s->language = "en";
  return read_method(method, run) &&
         nsc_cli_real("report", "--threshold", threshold, 0, 1, 0.5, &run->record.threshold);
}

/* ---- what is written ---- */

/* Ends the text. */
static nsc_status write_text(const char *path, char *text, nsc_error *err) {
  nsc_status status = nsc_cli_replace(path, text, strlen(text), err);
  nsc_text_free(text);
  return status;
}

static nsc_status write_json(const settings *s, const nsc_record *record, nsc_error *err) {
  char *json;
  bool alone = !s->json && !s->html && !s->fhir && !s->objects[0] && !s->objects[1] && !s->objects[2];
  if (!s->json && !alone) return NSC_OK;
  NSC_TRY(nsc_record_json(record, &json, err));
  if (s->json) return write_text(s->json, json, err);
  puts(json);
  nsc_text_free(json);
  return NSC_OK;
}

/* A text file as a text; ended by nsc_text_free. */
static nsc_status read_text(const char *path, char **out, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_read(path, &source, err));
  *out = memchr(source->bytes, 0, source->size) ? NULL : nsc_copy_chars((const char *)source->bytes, source->size);
  nsc_source_free(source);
  return *out ? NSC_OK : nsc_fail(err, NSC_ERROR_CORRUPT, "%.200s is no text", path);
}

static nsc_status write_page(const settings *s, const nsc_record *record, nsc_error *err) {
  char *html, *page = NULL;
  if (!s->html) return NSC_OK;
  if (s->page) NSC_TRY(read_text(s->page, &page, err));
  nsc_status status = nsc_record_html(record, s->language, page, &html, err);
  nsc_text_free(page);
  return status == NSC_OK ? write_text(s->html, html, err) : status;
}

static nsc_status write_fhir(const settings *s, const nsc_record *record, nsc_error *err) {
  char *json;
  if (!s->fhir) return NSC_OK;
  NSC_TRY(nsc_record_fhir(record, s->language, &json, err));
  return write_text(s->fhir, json, err);
}

static nsc_status write_objects(const settings *s, const nsc_record *record, nsc_error *err) {
  uint64_t key[2];
  char *bytes;
  size_t size;
  nsc_cli_draw_key(key);
  for (int i = 0; i < 3; i++) {
    if (!s->objects[i]) continue;
    NSC_TRY(nsc_record_dicom(record, (nsc_record_object)i, key, &bytes, &size, err));
    nsc_status status = nsc_cli_replace(s->objects[i], bytes, size, err);
    nsc_text_free(bytes);
    if (status != NSC_OK) return status;
  }
  return NSC_OK;
}

static nsc_status make(const settings *s, nsc_error *err) {
  nsc_cli_record r = {0};
  nsc_status status = nsc_cli_record_make(&s->run, &r, err);
  if (status == NSC_OK) status = write_json(s, r.record, err);
  if (status == NSC_OK) status = write_page(s, r.record, err);
  if (status == NSC_OK) status = write_fhir(s, r.record, err);
  if (status == NSC_OK) status = write_objects(s, r.record, err);
  nsc_cli_record_drop(&r);
  return status;
}

int nsc_cli_report(int argc, char **argv) {
  settings s = {0};
  char now[32];
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  if (!s.run.path) {
    fputs(nsc_record_template(), stdout);
    return NSC_EXIT_OK;
  }
  nsc_cli_now(now);
  s.run.record.time = now;
  nsc_error err = {0};
  if (make(&s, &err) == NSC_OK) return NSC_EXIT_OK;
  fprintf(stderr, "negatoscope report: %s: %s\n", s.run.path, err.text);
  return NSC_EXIT_SOME_FAILED;
}
