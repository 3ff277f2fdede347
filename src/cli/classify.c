/* negatoscope classify: scores of files and folders, as a table, JSON or CSV. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "pipeline/applicability.h"

const char nsc_cli_classify_usage[] =
    "usage: negatoscope classify [--model NAME_OR_FILE] [--json | --csv] [--frame N] [--threads N]\n"
    "                            [--recipe JSON] [--labels JSON] [--output logits|probabilities] FILE_OR_FOLDER...\n";

typedef struct job {
  nsc_classifier *classifier;
  const char *model_name;
  uint32_t frame;
  enum { TABLE, JSON, CSV } format;
  uint32_t label_count; /* for CSV, known after the first result */
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

static void write_table(const char *path, const nsc_result *r, const nsc_error *err) {
  if (err->status != NSC_OK) {
    printf("%-40s  refused: %s\n", path, err->text);
    return;
  }
  const char *verdict = r->applies.verdict == NSC_APPLIES_OUT ? "(out of range)" : verdict_of(r);
  uint32_t shown = r->verdict < r->count ? r->verdict : 0;
  printf("%-40s  %-20s", path, verdict ? verdict : "(nothing above its threshold)");
  if (r->task == NSC_TASK_BINARY) {
    printf("  %s %.3f, threshold %.3f", r->labels[1], (double)r->scores[1], (double)r->thresholds[1]);
  } else {
    printf("  %s %.3f", r->labels[shown], (double)r->scores[shown]);
  }
  if (r->applies.verdict == NSC_APPLIES_DOUBTFUL) fputs(", doubtful whether it applies", stdout);
  printf("  (%.1f ms)\n", r->preprocess_ms + r->inference_ms);
}

/* What was written so far, on its way. */
static bool print(nsc_text *t) {
  nsc_error err = {0};
  char *out;
  if (nsc_text_finish(t, &out, &err) != NSC_OK) {
    fprintf(stderr, "negatoscope: %s\n", err.text);
    return false;
  }
  fputs(out, stdout);
  nsc_text_free(out);
  return true;
}

static int classify_all(job *j, const nsc_cli_paths *paths) {
  nsc_text t = {0};
  bool failed = false;
  if (j->format == JSON) nsc_json_array(&t);
  if (j->format == CSV) {
    nsc_result blank;
    nsc_classifier_blank_result(j->classifier, &blank);
    j->label_count = blank.count;
    write_csv_head(&t, &blank);
    if (!print(&t)) failed = true;
  }
  for (size_t i = 0; i < paths->count; i++) {
    nsc_error err = {0};
    nsc_result result = {0};
    if (classify_file(j, paths->list[i], &result, &err) != NSC_OK) failed = true;
    if (j->format == JSON) write_json(&t, j, paths->list[i], &result, &err);
    if (j->format == CSV) {
      write_csv(&t, j, paths->list[i], &result, &err);
      if (!print(&t)) failed = true;
    }
    if (j->format == TABLE) write_table(paths->list[i], &result, &err);
  }
  if (j->format == JSON) {
    nsc_json_end_array(&t);
    nsc_text_put(&t, "\n");
    if (!print(&t)) failed = true;
  }
  if (j->format == TABLE) fputs("For research and teaching. Not for diagnosis.\n", stderr);
  return failed ? NSC_EXIT_SOME_FAILED : NSC_EXIT_OK;
}

static int run(job *j, const nsc_classifier_options *options, const char *model_name, int argc, char **argv) {
  nsc_error err = {0};
  nsc_model *model = NULL;
  nsc_cli_paths paths = {0};
  int code = NSC_EXIT_SOME_FAILED;
  if (nsc_cli_open_model(model_name, &model, &err) == NSC_OK &&
      nsc_classifier_create(model, options, &j->classifier, &err) == NSC_OK) {
    const char *name = nsc_model_metadata(model, "nsc.name", NULL);
    j->model_name = name ? name : model_name;
    bool enough = true;
    for (int i = 1; i < argc && enough; i++) enough = nsc_cli_add_path(&paths, argv[i]);
    if (enough) {
      code = classify_all(j, &paths);
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
  const char *model = NULL, *frame = NULL, *threads = NULL;
  bool json = false, csv = false;
  nsc_classifier_options options = {0};
  const nsc_cli_option list[] = {
      {"--model", &model, NULL},
      {"--frame", &frame, NULL},
      {"--threads", &threads, NULL},
      {"--recipe", &options.recipe_json, NULL},
      {"--labels", &options.labels_json, NULL},
      {"--output", &options.output, NULL},
      {"--json", NULL, &json},
      {"--csv", NULL, &csv},
  };
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc < 2 || (json && csv)) {
    if (argc >= 0) fputs(nsc_cli_classify_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  long frame_number = nsc_cli_number("--frame", frame, 1, 1);
  long thread_count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (frame_number < 0 || thread_count < 0) return NSC_EXIT_USAGE;
  options.threads = (uint32_t)thread_count;
  job j = {.frame = (uint32_t)frame_number - 1, .format = json ? JSON : csv ? CSV : TABLE};
  return run(&j, &options, model, argc, argv);
}
