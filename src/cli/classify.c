/* negatoscope classify: scores of files and folders, as a table, JSON or CSV. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/resume.h"
#include "cli/survival.h"
#include "pipeline/applicability.h"

const char nsc_cli_classify_usage[] =
    "usage: negatoscope classify [--model NAME_OR_FILE] [--json | --csv | --resume FILE.csv] [--sort score [--label "
    "NAME]]\n"
    "                            [--frame N] [--threads N] [--recipe JSON] [--labels JSON]\n"
    "                            [--output logits|probabilities] FILE_OR_FOLDER...\n"
    "  --fields age=63,sex=F  what a model of times to an event takes beside the picture; else of the file\n"
    "  --resume FILE.csv  writes CSV to this file, behind what is there, and leaves out the files that it has\n"
    "  --sort score       the highest first, and last what has none; of --label, else of the finding or the best "
    "label\n";

/* A line of the output that waits until all are there. */
typedef struct ranked {
  char *text;
  float score; /* -1: none that means anything */
  size_t at;
} ranked;

typedef struct job {
  nsc_classifier *classifier;
  const char *model_name;
  uint32_t frame;
  enum { TABLE, JSON, CSV } format;
  uint32_t label_count;
  const char *resume, *label, *fields; /* as given; NULL: not */
  bool sorted;
  uint32_t ranking; /* the label whose score decides; label_count: each file's own */
  nsc_cli_resume behind;
  ranked *lines; /* [line_count], when sorted */
  size_t line_count, printed;
} job;

static nsc_status classify_file(const job *j, const char *path, nsc_result *result, nsc_error *err) {
  nsc_image *image;
  NSC_TRY(nsc_cli_open_image(path, &image, err));
  nsc_status status = nsc_classifier_run(j->classifier, image, j->frame, NULL, result, err);
  nsc_image_free(image);
  return status;
}

static const char *verdict_of(const nsc_result *r) {
  return r->verdict < r->count ? r->labels[r->verdict] : NULL;
}

/* ---- JSON ---- */

static void write_scores(nsc_text *t, const nsc_result *r, const float *values) {
  nsc_json_object(t);
  for (uint32_t i = 0; i < r->count; i++) nsc_json_key(t, r->labels[i]), nsc_json_float(t, values[i]);
  nsc_json_end_object(t);
}

static void write_json(nsc_text *t, const job *j, const char *path, const nsc_result *r, const nsc_error *err) {
  bool ok = err->status == NSC_OK;
  nsc_json_object(t);
  nsc_json_key(t, "file"), nsc_json_string(t, path);
  nsc_json_key(t, "model"), nsc_json_string(t, j->model_name);
  nsc_json_key(t, "scores");
  if (ok) {
    write_scores(t, r, r->scores);
  } else {
    nsc_json_null(t);
  }
  nsc_json_key(t, "threshold");
  if (!ok || r->task == NSC_TASK_SINGLE) {
    nsc_json_null(t);
  } else if (r->task == NSC_TASK_BINARY) {
    nsc_json_float(t, r->thresholds[1]);
  } else {
    write_scores(t, r, r->thresholds);
  }
  nsc_json_key(t, "verdict"), nsc_json_string(t, ok ? verdict_of(r) : NULL);
  if (ok) {
    nsc_applies_write(&r->applies, t);
  } else {
    nsc_json_key(t, "applies"), nsc_json_null(t);
  }
  nsc_json_key(t, "error"), nsc_json_string(t, ok ? NULL : err->text);
  nsc_json_end_object(t);
}

/* ---- CSV (RFC 4180) ---- */

/* The columns must be known before the first row: the labels come from a blank result of the classifier. */
static void write_csv_head(nsc_text *t, const nsc_result *r) {
  nsc_text_put(t, "file,model,verdict,threshold,applies,error");
  for (uint32_t i = 0; i < r->count; i++) nsc_text_put(t, ","), nsc_csv_field(t, r->labels[i]);
  nsc_text_put(t, "\r\n");
}

static void write_csv(nsc_text *t, const job *j, const char *path, const nsc_result *r, const nsc_error *err) {
  bool ok = err->status == NSC_OK;
  const char *verdict = ok ? verdict_of(r) : NULL;
  nsc_csv_field(t, path), nsc_text_put(t, ",");
  nsc_csv_field(t, j->model_name), nsc_text_put(t, ",");
  nsc_csv_field(t, verdict ? verdict : ""), nsc_text_put(t, ",");
  if (ok && r->task == NSC_TASK_BINARY) nsc_text_printf(t, "%.6g", (double)r->thresholds[1]);
  const char *applies = ok ? nsc_applies_name(r->applies.verdict) : NULL;
  nsc_text_put(t, ","), nsc_csv_field(t, applies ? applies : "");
  nsc_text_put(t, ","), nsc_csv_field(t, ok ? "" : err->text);
  for (uint32_t i = 0; i < j->label_count; i++) {
    nsc_text_put(t, ",");
    if (ok) nsc_text_printf(t, "%.6g", (double)r->scores[i]);
  }
  nsc_text_put(t, "\r\n");
}

/* ---- table ---- */

static void write_table(nsc_text *t, const char *path, const nsc_result *r, const nsc_error *err) {
  if (err->status != NSC_OK) {
    nsc_text_printf(t, "%-40s  refused: %s\n", path, err->text);
    return;
  }
  const char *verdict = r->applies.verdict == NSC_APPLIES_OUT ? "(out of range)" : verdict_of(r);
  uint32_t shown = r->verdict < r->count ? r->verdict : 0;
  nsc_text_printf(t, "%-40s  %-20s", path, verdict ? verdict : "(nothing above its threshold)");
  if (r->task == NSC_TASK_BINARY) {
    nsc_text_printf(t, "  %s %.3f, threshold %.3f", r->labels[1], (double)r->scores[1], (double)r->thresholds[1]);
  } else {
    nsc_text_printf(t, "  %s %.3f", r->labels[shown], (double)r->scores[shown]);
  }
  if (r->applies.verdict == NSC_APPLIES_DOUBTFUL) nsc_text_put(t, ", doubtful whether it applies");
  nsc_text_printf(t, "  (%.1f ms)\n", r->preprocess_ms + r->inference_ms);
}

/* ---- order ---- */

/* What a file is sorted by. A score of a picture that the model does not know means nothing, so it goes last. */
static float rank_of(const job *j, const nsc_result *r, const nsc_error *err) {
  if (err->status != NSC_OK || r->applies.verdict == NSC_APPLIES_OUT) return -1;
  if (j->ranking < r->count) return r->scores[j->ranking];
  if (r->verdict < r->count) return r->scores[r->verdict];
  float best = r->scores[0];
  for (uint32_t i = 1; i < r->count; i++) best = r->scores[i] > best ? r->scores[i] : best;
  return best;
}

static int by_rank(const void *a, const void *b) {
  const ranked *one = a, *two = b;
  if (one->score != two->score) return one->score < two->score ? 1 : -1;
  return one->at < two->at ? -1 : 1;
}

/* Finds the label to sort by. */
static bool choose_ranking(job *j, const nsc_result *blank) {
  j->ranking = blank->task == NSC_TASK_BINARY ? 1 : blank->count;
  if (!j->label) return true;
  for (j->ranking = 0; j->ranking < blank->count; j->ranking++) {
    if (strcmp(blank->labels[j->ranking], j->label) == 0) return true;
  }
  fprintf(stderr, "negatoscope: the model has no label \"%s\"\n", j->label);
  return false;
}

/* ---- output ---- */

/* Takes `text` over. False when it could not be written. */
static bool print(job *j, char *text) {
  nsc_error err = {0};
  bool well = true;
  if (j->resume) {
    well = nsc_cli_resume_write(&j->behind, text, &err) == NSC_OK;
    if (!well) fprintf(stderr, "negatoscope: %s: %s\n", j->resume, err.text);
  } else {
    if (j->format == JSON) fputc(j->printed ? ',' : '[', stdout);
    fputs(text, stdout);
  }
  j->printed++;
  nsc_text_free(text);
  return well;
}

/* A line on its way, at once or in its order. False when there is no memory for it, or no room where it goes. */
static bool put(job *j, nsc_text *t, float score) {
  nsc_error err = {0};
  char *text;
  if (nsc_text_finish(t, &text, &err) != NSC_OK) {
    fprintf(stderr, "negatoscope: %s\n", err.text);
    return false;
  }
  if (!j->sorted) return print(j, text);
  j->lines[j->line_count] = (ranked){text, score, j->line_count};
  j->line_count++;
  return true;
}

/* What comes before the first file. */
static bool begin(job *j, size_t files) {
  nsc_result blank;
  nsc_text head = {0};
  nsc_error err = {0};
  char *text;
  nsc_classifier_blank_result(j->classifier, &blank);
  j->label_count = blank.count;
  if (!choose_ranking(j, &blank)) return false;
  if (j->sorted) j->lines = calloc(files ? files : 1, sizeof *j->lines);
  if (j->format == CSV) write_csv_head(&head, &blank);
  if ((j->sorted && !j->lines) || nsc_text_finish(&head, &text, &err) != NSC_OK) {
    nsc_text_drop(&head);
    fputs("negatoscope: not enough memory\n", stderr);
    return false;
  }
  bool well = true;
  if (j->resume) {
    well = nsc_cli_resume_open(j->resume, text, j->model_name, &j->behind, &err) == NSC_OK;
    if (!well) fprintf(stderr, "negatoscope: %s: %s\n", j->resume, err.text);
  } else {
    fputs(text, stdout);
  }
  nsc_text_free(text);
  return well;
}

/* What comes behind the last file. */
static bool end(job *j) {
  bool well = true;
  if (j->line_count) qsort(j->lines, j->line_count, sizeof *j->lines, by_rank);
  for (size_t i = 0; i < j->line_count; i++) well &= print(j, j->lines[i].text);
  if (j->format == JSON) fputs(j->printed ? "]\n" : "[]\n", stdout);
  if (j->format == TABLE) fputs("For research and teaching. Not for diagnosis.\n", stderr);
  return well;
}

static bool classify_all(job *j, const nsc_cli_paths *paths) {
  bool failed = false;
  size_t skipped = 0;
  for (size_t i = 0; i < paths->count; i++) {
    const char *path = paths->list[i];
    if (nsc_cli_resume_has(&j->behind, path)) {
      skipped++;
      continue;
    }
    nsc_text t = {0};
    nsc_error err = {0};
    nsc_result result = {0};
    if (classify_file(j, path, &result, &err) != NSC_OK) failed = true;
    if (j->format == JSON) write_json(&t, j, path, &result, &err);
    if (j->format == CSV) write_csv(&t, j, path, &result, &err);
    if (j->format == TABLE) write_table(&t, path, &result, &err);
    if (!put(j, &t, rank_of(j, &result, &err))) return false;
  }
  if (j->resume) fprintf(stderr, "%zu files classified, %zu were in %s\n", paths->count - skipped, skipped, j->resume);
  return !failed;
}

/* Curves have no score to sort by, and no columns that a file of labels could go on with. */
static int run_survival(const job *j, const nsc_model *model, const char *model_name,
                        const nsc_classifier_options *options, int argc, char **argv) {
  nsc_cli_paths paths = {0};
  const char *name = nsc_model_metadata(model, "nsc.name", NULL);
  if (j->resume || j->sorted) {
    fputs("negatoscope: --resume and --sort are not for models of times to an event\n", stderr);
    return NSC_EXIT_USAGE;
  }
  bool enough = true;
  for (int i = 1; i < argc && enough; i++) enough = nsc_cli_add_path(&paths, argv[i]);
  int code = NSC_EXIT_SOME_FAILED;
  if (enough) {
    nsc_cli_format format = j->format == JSON ? NSC_CLI_JSON : j->format == CSV ? NSC_CLI_CSV : NSC_CLI_TABLE;
    code = nsc_cli_classify_survival(model, name ? name : model_name, options, j->fields, j->frame, format, &paths);
  } else {
    fputs("negatoscope: not enough memory for the list of files\n", stderr);
  }
  nsc_cli_drop_paths(&paths);
  return code;
}

static int run(job *j, const nsc_classifier_options *options, const char *model_name, int argc, char **argv) {
  nsc_error err = {0};
  nsc_model *model = NULL;
  nsc_cli_paths paths = {0};
  int code = NSC_EXIT_SOME_FAILED;
  if (nsc_cli_open_model(model_name, &model, &err) == NSC_OK && nsc_model_is_survival(model)) {
    code = run_survival(j, model, model_name, options, argc, argv);
  } else if (model && j->fields) {
    fprintf(stderr, "negatoscope: model %s takes no --fields\n", model_name ? model_name : "(default)");
  } else if (model && nsc_classifier_create(model, options, &j->classifier, &err) == NSC_OK) {
    const char *name = nsc_model_metadata(model, "nsc.name", NULL);
    j->model_name = name ? name : model_name;
    bool enough = true;
    for (int i = 1; i < argc && enough; i++) enough = nsc_cli_add_path(&paths, argv[i]);
    if (enough) {
      bool begun = begin(j, paths.count), well = begun && classify_all(j, &paths);
      if (begun) well &= end(j);
      if (nsc_cli_resume_close(&j->behind) && well) code = NSC_EXIT_OK;
      free(j->lines);
    } else {
      fputs("negatoscope: not enough memory for the list of files\n", stderr);
    }
  } else {
    fprintf(stderr, "negatoscope: model %s: %s\n", model_name ? model_name : "(default)", err.text);
  }
  nsc_cli_drop_paths(&paths);
  nsc_classifier_free(j->classifier);
  nsc_model_free(model);
  return code;
}

int nsc_cli_classify(int argc, char **argv) {
  const char *model = NULL, *frame = NULL, *threads = NULL, *sort = NULL, *resume = NULL, *label = NULL, *fields = NULL;
  bool json = false, csv = false;
  nsc_classifier_options options = {0};
  const nsc_cli_option list[] = {
      {"--model", &model, NULL},     {"--frame", &frame, NULL},
      {"--threads", &threads, NULL}, NSC_CLI_CLASSIFIER_OPTIONS(options, "--labels"),
      {"--sort", &sort, NULL},       {"--label", &label, NULL},
      {"--resume", &resume, NULL},   {"--json", NULL, &json},
      {"--fields", &fields, NULL},   {"--csv", NULL, &csv},
  };
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  bool mixed = (json && csv) || (resume && (json || sort)) || (sort && strcmp(sort, "score") != 0) || (label && !sort);
  if (argc < 2 || mixed) {
    if (argc >= 0) fputs(nsc_cli_classify_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  long frame_number = nsc_cli_number("--frame", frame, 1, 1);
  long thread_count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (frame_number < 0 || thread_count < 0) return NSC_EXIT_USAGE;
  options.threads = (uint32_t)thread_count;
  job j = {.frame = (uint32_t)frame_number - 1, .format = json ? JSON : csv || resume ? CSV : TABLE};
  j.resume = resume, j.label = label, j.fields = fields, j.sorted = sort != NULL;
  return run(&j, &options, model, argc, argv);
}
