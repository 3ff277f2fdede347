/* negatoscope ensemble: what several models say of a picture together, and how far they agree. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

const char nsc_cli_ensemble_usage[] =
    "usage: negatoscope ensemble --models A,B,... [--combine average|vote] [--frame N] [--threads N] "
    "FILE_OR_FOLDER...\n"
    "Prints JSON: scores combined, their spread over the models, and votes. The models must know the same labels.\n";

enum { MOST = 16 };

typedef struct job {
  nsc_model *models[MOST];
  nsc_classifier *members[MOST];
  uint32_t count, frame;
  nsc_ensemble *ensemble;
} job;

/* Opens "A,B,..."; `list` is cut into words. */
static nsc_status open_all(job *j, char *list, const nsc_classifier_options *options, nsc_combine combine,
                           nsc_error *err) {
  for (char *word = list; word && *word;) {
    char *comma = strchr(word, ',');
    if (comma) *comma = 0;
    if (j->count == MOST) return nsc_fail(err, NSC_ERROR_ARGUMENT, "at most %d models", MOST);
    nsc_error why = {0};
    nsc_status status = nsc_cli_open_model(word, &j->models[j->count], &why);
    if (status == NSC_OK) status = nsc_classifier_create(j->models[j->count], options, &j->members[j->count], &why);
    j->count++;
    if (status != NSC_OK) return nsc_fail(err, status, "%.80s: %s", word, why.text);
    word = comma ? comma + 1 : NULL;
  }
  return nsc_ensemble_create(j->members, j->count, combine, &j->ensemble, err);
}

static void close_all(job *j) {
  nsc_ensemble_free(j->ensemble);
  for (uint32_t i = 0; i < j->count; i++) {
    nsc_classifier_free(j->members[i]);
    nsc_model_free(j->models[i]);
  }
}

static nsc_status judge(const job *j, const char *path, char **json, nsc_error *err) {
  nsc_image *image;
  nsc_ensemble_result result;
  NSC_TRY(nsc_cli_open_image(path, &image, err));
  nsc_status status = nsc_ensemble_run(j->ensemble, image, j->frame, NULL, &result, err);
  nsc_image_free(image);
  return status == NSC_OK ? nsc_ensemble_json(&result, json, err) : status;
}

/* One member of the array; false when the file was refused. */
static bool judge_file(const job *j, const char *path, bool first) {
  nsc_error err = {0};
  char *json = NULL, *line;
  nsc_status status = judge(j, path, &json, &err);
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "file"), nsc_json_string(&t, path);
  nsc_json_key(&t, "ensemble");
  if (json) {
    nsc_json_raw(&t, json, strlen(json));
  } else {
    nsc_json_null(&t);
  }
  nsc_json_key(&t, "error"), nsc_json_string(&t, json ? NULL : err.text);
  nsc_json_end_object(&t);
  nsc_text_free(json);
  if (nsc_text_finish(&t, &line, &err) != NSC_OK) return false;
  printf("%s%s", first ? "" : ",\n", line);
  nsc_text_free(line);
  return status == NSC_OK;
}

static int run(job *j, int argc, char **argv) {
  nsc_cli_paths paths = {0};
  int code = NSC_EXIT_OK;
  for (int i = 1; i < argc; i++) {
    if (!nsc_cli_add_path(&paths, argv[i])) code = NSC_EXIT_SOME_FAILED;
  }
  fputs("[", stdout);
  for (size_t i = 0; i < paths.count; i++) {
    if (!judge_file(j, paths.list[i], i == 0)) code = NSC_EXIT_SOME_FAILED;
  }
  puts("]");
  nsc_cli_drop_paths(&paths);
  return code;
}

int nsc_cli_ensemble(int argc, char **argv) {
  const char *models = NULL, *combine = "average", *frame = NULL, *threads = NULL;
  const nsc_cli_option list[] = {{"--models", &models, NULL},
                                 {"--combine", &combine, NULL},
                                 {"--frame", &frame, NULL},
                                 {"--threads", &threads, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  bool vote = strcmp(combine, "vote") == 0, known = vote || strcmp(combine, "average") == 0;
  if (argc < 2 || !models || !known) {
    if (argc >= 0) fputs(nsc_cli_ensemble_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  long first = nsc_cli_number("--frame", frame, 1, 1);
  long count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (first < 0 || count < 0) return NSC_EXIT_USAGE;
  const nsc_classifier_options options = {.threads = (uint32_t)count};
  job j = {.frame = (uint32_t)first - 1};
  nsc_error err = {0};
  int code = NSC_EXIT_SOME_FAILED;
  nsc_combine how = vote ? NSC_COMBINE_VOTE : NSC_COMBINE_AVERAGE;
  if (open_all(&j, (char *)(uintptr_t)models, &options, how, &err) == NSC_OK) {
    code = run(&j, argc, argv);
  } else {
    fprintf(stderr, "negatoscope ensemble: %s\n", err.text);
  }
  close_all(&j);
  return code;
}
