/* negatoscope ensemble: what several models say of a picture together, how far they agree, and how much each one's word
 * counts. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/cli.h"
#include "cli/labels.h"
#include "cli/steps.h"

const char nsc_cli_ensemble_usage[] =
    "usage: negatoscope ensemble --models A,B,... [--combine average|vote|STACK.json] [--frame N] [--threads N]\n"
    "                            FILE_OR_FOLDER...\n"
    "       negatoscope ensemble --models A,B,... --fit STACK.json [--split NAME] [--map FROM=TO,...] [--threads N] "
    "DATA\n"
    "The first prints JSON: what each model says, scores combined, their spread over the models, and votes. The models "
    "must know the same labels.\n"
    "The second learns how much each model's word counts, from pictures that no model was trained on: --split is\n"
    "validation (drawn as in training where the data have none), test, train or all.\n" NSC_CLI_DATA_USAGE;

typedef struct settings {
  const char *models, *combine, *fit, *map;
  bool wanted[NSC_SPLITS]; /* learnt from */
  uint32_t frame;
  nsc_combine how;
  nsc_cli_data_options data;
  nsc_classifier_options classifier;
} settings;

typedef struct job {
  const settings *s;
  nsc_model *models[NSC_ENSEMBLE_MOST];
  nsc_classifier *members[NSC_ENSEMBLE_MOST];
  uint32_t count;
  nsc_ensemble *ensemble;
} job;

/* ---- the models ---- */

/* Opens "A,B,...". */
static nsc_status open_models(job *j, nsc_error *err) {
  for (const char *at = j->s->models; *at;) {
    size_t size = strcspn(at, ",");
    char *name = malloc(size + 1);
    if (!name) return nsc_fail_memory(err, size, "a name");
    memcpy(name, at, size);
    name[size] = 0;
    nsc_error why = {0};
    nsc_status status = j->count < NSC_ENSEMBLE_MOST ? NSC_OK : nsc_fail(&why, NSC_ERROR_LIMIT, "one model too many");
    uint32_t n = status == NSC_OK ? j->count++ : 0;
    if (status == NSC_OK) status = nsc_cli_open_model(name, &j->models[n], &why);
    if (status == NSC_OK) {
      status = nsc_classifier_create(j->models[n], &j->s->classifier, &j->members[n], &why);
    }
    if (status != NSC_OK) (void)nsc_fail(err, status, "%.80s: %s", name, why.text);
    free(name);
    if (status != NSC_OK) return status;
    at += size + (at[size] == ',');
  }
  return NSC_OK;
}

static nsc_status create(job *j, nsc_error *err) {
  if (j->s->how != NSC_COMBINE_STACK) return nsc_ensemble_create(j->s->how, NULL, &j->ensemble, err);
  nsc_source *file;
  NSC_TRY(nsc_cli_read(j->s->combine, &file, err));
  char *json = malloc(file->size + 1);
  nsc_status status = json ? NSC_OK : nsc_fail_memory(err, file->size, "weights");
  if (json) {
    memcpy(json, file->bytes, file->size);
    json[file->size] = 0;
    status = nsc_ensemble_create(NSC_COMBINE_STACK, json, &j->ensemble, err);
  }
  free(json);
  nsc_source_free(file);
  return status;
}

static void drop(job *j) {
  nsc_ensemble_free(j->ensemble);
  for (uint32_t i = 0; i < j->count; i++) {
    nsc_classifier_free(j->members[i]);
    nsc_model_free(j->models[i]);
  }
}

/* All members about a picture. */
static nsc_status ask(const job *j, nsc_image *image, uint32_t frame, nsc_error *err) {
  nsc_ensemble_next(j->ensemble);
  for (uint32_t i = 0; i < j->count; i++) {
    NSC_TRY(nsc_ensemble_ask(j->ensemble, j->members[i], image, frame, NULL, err));
  }
  return NSC_OK;
}

/* ---- judging ---- */

static nsc_status judge(const job *j, const char *path, char **json, nsc_error *err) {
  nsc_image *image;
  nsc_ensemble_result result;
  NSC_TRY(nsc_cli_open_image(path, &image, err));
  nsc_status status = ask(j, image, j->s->frame, err);
  nsc_image_free(image);
  if (status == NSC_OK) status = nsc_ensemble_combine(j->ensemble, &result, err);
  return status == NSC_OK ? nsc_ensemble_json(&result, json, err) : status;
}

static bool judge_file(const job *j, const char *path, bool first) {
  nsc_error err = {0};
  char *json = NULL;
  return nsc_cli_print_row(path, "ensemble", judge(j, path, &json, &err) == NSC_OK ? json : NULL, &err, first);
}

static int judge_all(const job *j, int argc, char **argv) {
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

/* ---- learning ---- */

typedef struct lesson {
  const job *j;
  const nsc_cli_data *data;
  nsc_cli_matches matches;
  uint32_t labels;
} lesson;

static nsc_status learn_one(void *context, uint32_t sample, nsc_error *err) {
  const lesson *l = context;
  nsc_image *image;
  NSC_TRY(nsc_cli_data_image(l->data, sample, &image, err));
  nsc_status status = ask(l->j, image, 0, err);
  nsc_image_free(image);
  NSC_TRY(status);
  const uint8_t *truth = l->matches.set_of + (size_t)l->data->samples[sample].label * l->labels;
  return nsc_ensemble_learn(l->j->ensemble, truth, err);
}

static nsc_status fit(const job *j, const char *path, nsc_error *err) {
  nsc_cli_data data = {0};
  nsc_result blank;
  uint32_t refused;
  char *json = NULL;
  if (!j->count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no models");
  nsc_classifier_blank_result(j->members[0], &blank);
  lesson l = {.j = j, .data = &data, .labels = blank.count};
  nsc_status status = nsc_cli_data_open(path, &j->s->data, &data, err);
  if (status == NSC_OK) status = nsc_cli_match_labels(&data, &blank, j->s->map, &l.matches, err);
  if (status == NSC_OK) status = nsc_cli_data_each(&data, j->s->wanted, learn_one, &l, &refused, err);
  if (status == NSC_OK) status = nsc_ensemble_fit(j->ensemble, &json, err);
  if (status == NSC_OK) {
    status = nsc_cli_write(j->s->fit, json, strlen(json), err);
    puts(json);
  }
  nsc_text_free(json);
  nsc_cli_matches_drop(&l.matches);
  nsc_cli_data_drop(&data);
  return status;
}

/* ---- the whole ---- */

static bool read_settings(int *argc, char **argv, settings *s) {
  const char *frame = NULL, *threads = NULL, *split = "validation";
  const nsc_cli_option list[] = {{"--models", &s->models, NULL}, {"--combine", &s->combine, NULL},
                                 {"--fit", &s->fit, NULL},       {"--split", &split, NULL},
                                 {"--map", &s->map, NULL},       {"--frame", &frame, NULL},
                                 {"--threads", &threads, NULL},  NSC_CLI_DATA_OPTIONS(s->data)};
  *argc = nsc_cli_options(*argc, argv, list, sizeof list / sizeof *list);
  bool fits = s->fit ? *argc == 2 && !s->combine : *argc >= 2;
  if (!fits || !s->models) {
    if (*argc >= 0) fputs(nsc_cli_ensemble_usage, stderr);
    return false;
  }
  nsc_split one = NSC_SPLIT_VALIDATION;
  bool every = strcmp(split, "all") == 0;
  if (!every && !nsc_split_parse(split, strlen(split), &one)) {
    fprintf(stderr, "negatoscope ensemble: --split is validation, test, train or all, not \"%s\"\n", split);
    return false;
  }
  for (int i = 0; i < NSC_SPLITS; i++) s->wanted[i] = every || i == (int)one;
  bool average = !s->combine || strcmp(s->combine, "average") == 0;
  s->how = average ? NSC_COMBINE_AVERAGE : strcmp(s->combine, "vote") == 0 ? NSC_COMBINE_VOTE : NSC_COMBINE_STACK;
  long first = nsc_cli_number("--frame", frame, 1, 1);
  long count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (first < 0 || count < 0 || !nsc_cli_data_read_options("ensemble", &s->data)) return false;
  s->classifier.threads = (uint32_t)count;
  s->frame = (uint32_t)first - 1;
  return true;
}

int nsc_cli_ensemble(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(&argc, argv, &s)) return NSC_EXIT_USAGE;
  job j = {.s = &s};
  nsc_error err = {0};
  nsc_status status = open_models(&j, &err);
  int code = NSC_EXIT_SOME_FAILED;
  if (status == NSC_OK) status = create(&j, &err);
  if (status == NSC_OK && s.fit) {
    status = fit(&j, argv[1], &err);
    code = status == NSC_OK ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
  } else if (status == NSC_OK) {
    code = judge_all(&j, argc, argv);
  }
  if (status != NSC_OK) fprintf(stderr, "negatoscope ensemble: %s\n", err.text);
  drop(&j);
  return code;
}
