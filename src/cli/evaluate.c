/* negatoscope evaluate: how good a model is on pictures whose labels are known. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cli/data.h"
#include "cli/judge.h"
#include "cli/labels.h"
#include "cli/survival.h"
#include "eval/eval.h"

const char nsc_cli_evaluate_usage[] =
    "usage: negatoscope evaluate [options] MODEL_NAME_OR_FILE DATA\n"
    "  --split NAME          test, validation, train or all; test where the data have one, else all\n"
    "  --map FROM=TO,...     labels of the data that the model calls otherwise\n"
    "  --html FILE --json FILE --csv FILE    the report      --predictions FILE  a CSV line for each picture\n"
    "  --bootstrap N         replicates, none                --confidence X      of intervals, 0.95\n"
    "  --sensitivity X       a threshold for it is shown, 0.9\n"
    "  --title TEXT          of the report                   --threads N\n"
    "  --time COLUMN --event COLUMN    of the table, for a model of times to an event: time, event\n"
    "  --recipe JSON --model-labels JSON --output logits|probabilities    for models that do not "
    "say\n" NSC_CLI_DATA_USAGE;

typedef struct settings {
  const char *model, *path, *map, *html, *json, *csv, *predictions, *title, *time, *event;
  bool any_split; /* of those below, not asked for: test if there is one, else all */
  bool wanted[NSC_SPLITS];
  nsc_cli_data_options data;
  nsc_classifier_options classifier;
  nsc_eval_options eval;
} settings;

typedef struct job {
  const settings *s;
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_result blank; /* the model's labels, task and thresholds */
  nsc_cli_data data;
  nsc_cli_matches matches;
  bool wanted[NSC_SPLITS];
  /* What came of each picture that could be read. */
  uint32_t count, refused;
  uint32_t *samples;  /* [count] */
  uint32_t *verdicts; /* [count] */
  float *scores;      /* [count][blank.count] */
  int32_t *truth;     /* [count] of a model with one label a picture */
  uint8_t *truths;    /* [count][blank.count] of one with several */
} job;

/* ---- options ---- */

static bool read_split(const char *word, settings *s) {
  nsc_split split;
  s->any_split = word == NULL;
  if (!word || strcasecmp(word, "all") == 0) {
    for (int i = 0; i < NSC_SPLITS; i++) s->wanted[i] = true;
    return true;
  }
  if (nsc_split_parse(word, strlen(word), &split)) {
    s->wanted[split] = true;
    return true;
  }
  fprintf(stderr, "negatoscope evaluate: --split is test, validation, train or all, not \"%s\"\n", word);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *split = NULL, *bootstrap = NULL, *confidence = NULL, *sensitivity = NULL, *threads = NULL;
  const nsc_cli_option list[] = {{"--split", &split, NULL},
                                 {"--map", &s->map, NULL},
                                 {"--html", &s->html, NULL},
                                 {"--json", &s->json, NULL},
                                 {"--csv", &s->csv, NULL},
                                 {"--predictions", &s->predictions, NULL},
                                 {"--bootstrap", &bootstrap, NULL},
                                 {"--confidence", &confidence, NULL},
                                 {"--sensitivity", &sensitivity, NULL},
                                 {"--title", &s->title, NULL},
                                 {"--threads", &threads, NULL},
                                 {"--time", &s->time, NULL},
                                 {"--event", &s->event, NULL},
                                 NSC_CLI_CLASSIFIER_OPTIONS(s->classifier, "--model-labels"),
                                 NSC_CLI_DATA_OPTIONS(s->data)};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 3) {
    if (argc >= 0) fputs(nsc_cli_evaluate_usage, stderr);
    return false;
  }
  s->model = argv[1];
  s->path = argv[2];
  double replicates;
  if (!read_split(split, s) || !nsc_cli_data_read_options("evaluate", &s->data) ||
      !nsc_cli_real("evaluate", "--bootstrap", bootstrap, 0, NSC_EVAL_MAX_REPLICATES, 0, &replicates) ||
      !nsc_cli_real("evaluate", "--confidence", confidence, 0.5, 0.9999, 0.95, &s->eval.confidence) ||
      !nsc_cli_real("evaluate", "--sensitivity", sensitivity, 0.01, 1, 0.9, &s->eval.sensitivity)) {
    return false;
  }
  long thread_count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (thread_count < 0) return false;
  s->classifier.threads = (uint32_t)thread_count;
  s->eval.replicates = (uint32_t)replicates;
  s->eval.seed = s->data.seed;
  return true;
}

/* ---- classifying ---- */

static nsc_status make_room(job *j, uint32_t count, nsc_error *err) {
  size_t cells;
  if (!nsc_mul_size(count, j->blank.count, &cells)) return nsc_fail_memory(err, SIZE_MAX, "scores");
  j->samples = malloc(((size_t)count + 1) * sizeof *j->samples);
  j->verdicts = malloc(((size_t)count + 1) * sizeof *j->verdicts);
  j->truth = malloc(((size_t)count + 1) * sizeof *j->truth);
  j->scores = calloc(cells + 1, sizeof *j->scores);
  j->truths = calloc(cells + 1, sizeof *j->truths);
  bool ok = j->samples && j->verdicts && j->truth && j->scores && j->truths;
  return ok ? NSC_OK : nsc_fail_memory(err, cells * sizeof *j->scores, "scores");
}

static nsc_status classify_one(void *context, uint32_t i, nsc_error *err) {
  job *j = context;
  nsc_image *image;
  nsc_result result;
  NSC_TRY(nsc_cli_data_image(&j->data, i, &image, err));
  nsc_status status = nsc_classifier_run(j->classifier, image, 0, NULL, &result, err);
  nsc_image_free(image);
  if (status != NSC_OK) return status;
  memcpy(j->scores + (size_t)j->count * result.count, result.scores, result.count * sizeof *result.scores);
  uint32_t label = j->data.samples[i].label;
  j->truth[j->count] = (int32_t)j->matches.label_of[label];
  memcpy(j->truths + (size_t)j->count * result.count, j->matches.set_of + (size_t)label * result.count, result.count);
  j->verdicts[j->count] = result.verdict;
  j->samples[j->count++] = i;
  return NSC_OK;
}

static nsc_status classify_all(job *j, nsc_error *err) {
  nsc_cli_data_splits(&j->data, j->s->wanted, j->s->any_split, j->wanted);
  NSC_TRY(make_room(j, nsc_cli_data_count(&j->data, j->wanted), err));
  return nsc_cli_data_each(&j->data, j->wanted, classify_one, j, &j->refused, err);
}

/* ---- what is written ---- */

/* The labels that picture `i` has, or (`called`) that the model calls, as the data write them. */
static nsc_status put_labels(nsc_text *t, const job *j, uint32_t i, bool called, nsc_error *err) {
  if (j->blank.task != NSC_TASK_MULTI) {
    nsc_csv_field(t, j->blank.labels[called ? j->verdicts[i] : (uint32_t)j->truth[i]]);
    return NSC_OK;
  }
  nsc_text set = {0};
  char *text;
  for (uint32_t k = 0; k < j->blank.count; k++) {
    size_t cell = (size_t)i * j->blank.count + k;
    if (!(called ? j->scores[cell] >= j->blank.thresholds[k] : j->truths[cell])) continue;
    nsc_text_printf(&set, "%s%s", set.size ? "|" : "", j->blank.labels[k]);
  }
  NSC_TRY(nsc_text_finish(&set, &text, err));
  nsc_csv_field(t, text);
  nsc_text_free(text);
  return NSC_OK;
}

static nsc_status write_predictions(const job *j, nsc_error *err) {
  nsc_text t = {0};
  char *text;
  nsc_text_put(&t, "file,label,predicted");
  for (uint32_t k = 0; k < j->blank.count; k++) nsc_text_put(&t, ","), nsc_csv_field(&t, j->blank.labels[k]);
  for (uint32_t i = 0; i < j->count; i++) {
    nsc_text_put(&t, "\r\n");
    nsc_csv_field(&t, j->data.samples[j->samples[i]].name);
    for (int called = 0; called < 2; called++) {
      nsc_text_put(&t, ",");
      nsc_status status = put_labels(&t, j, i, called, err);
      if (status != NSC_OK) {
        nsc_text_drop(&t);
        return status;
      }
    }
    for (uint32_t k = 0; k < j->blank.count; k++) {
      nsc_text_printf(&t, ",%.9g", (double)j->scores[(size_t)i * j->blank.count + k]);
    }
  }
  nsc_text_put(&t, "\r\n");
  NSC_TRY(nsc_text_finish(&t, &text, err));
  return nsc_cli_write_text(j->s->predictions, text, err);
}

static nsc_status write_html(const job *j, const nsc_eval_report *report, nsc_error *err) {
  char date[NSC_CLI_DATE], *text;
  const nsc_eval_facts facts =
      nsc_cli_eval_facts(j->model, j->s->model, j->s->path, j->wanted, j->s->title, j->refused, date);
  NSC_TRY(nsc_eval_html(report, &facts, &text, err));
  return nsc_cli_write_text(j->s->html, text, err);
}

static nsc_status write_report(const job *j, const nsc_eval_report *report, nsc_error *err) {
  char *text;
  NSC_TRY(nsc_eval_text(report, &text, err));
  fputs(text, stdout);
  nsc_text_free(text);
  if (j->s->json) {
    NSC_TRY(nsc_eval_json(report, &text, err));
    NSC_TRY(nsc_cli_write_text(j->s->json, text, err));
  }
  if (j->s->csv) {
    NSC_TRY(nsc_eval_csv(report, &text, err));
    NSC_TRY(nsc_cli_write_text(j->s->csv, text, err));
  }
  return j->s->html ? write_html(j, report, err) : NSC_OK;
}

static nsc_status judge(const job *j, nsc_error *err) {
  const nsc_eval_data data = {.task = j->blank.task,
                              .count = j->count,
                              .labels = j->blank.count,
                              .scores = j->scores,
                              .truth = j->truth,
                              .truths = j->truths,
                              .thresholds = j->blank.thresholds,
                              .names = j->blank.labels};
  nsc_eval_report *report;
  NSC_TRY(nsc_eval_run(&data, &j->s->eval, &report, err));
  nsc_status status = write_report(j, report, err);
  nsc_eval_report_free(report);
  return status;
}

/* ---- the whole ---- */

static nsc_status run_survival(job *j, nsc_error *err) {
  const settings *s = j->s;
  if (s->map) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a model of times to an event has no labels to --map");
  const nsc_cli_survival_job survival = {.model = j->model,
                                         .model_name = s->model,
                                         .path = s->path,
                                         .html = s->html,
                                         .json = s->json,
                                         .csv = s->csv,
                                         .predictions = s->predictions,
                                         .title = s->title,
                                         .time = s->time,
                                         .event = s->event,
                                         .asked = s->wanted,
                                         .any_split = s->any_split,
                                         .data = s->data,
                                         .classifier = s->classifier,
                                         .eval = s->eval};
  return nsc_cli_evaluate_survival(&survival, &j->refused, err);
}

static nsc_status run(job *j, nsc_error *err) {
  NSC_TRY(nsc_cli_open_model(j->s->model, &j->model, err));
  if (nsc_model_is_survival(j->model)) return run_survival(j, err);
  if (j->s->time || j->s->event) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--time and --event are for models of times to an event");
  }
  NSC_TRY(nsc_classifier_create(j->model, &j->s->classifier, &j->classifier, err));
  nsc_classifier_blank_result(j->classifier, &j->blank);
  NSC_TRY(nsc_cli_data_open(j->s->path, &j->s->data, &j->data, err));
  NSC_TRY(nsc_cli_match_labels(&j->data, &j->blank, j->s->map, &j->matches, err));
  NSC_TRY(classify_all(j, err));
  if (j->s->predictions) NSC_TRY(write_predictions(j, err));
  return judge(j, err);
}

static void drop(job *j) {
  free(j->samples);
  free(j->verdicts);
  free(j->scores);
  free(j->truth);
  free(j->truths);
  nsc_cli_matches_drop(&j->matches);
  nsc_cli_data_drop(&j->data);
  nsc_classifier_free(j->classifier);
  nsc_model_free(j->model);
}

int nsc_cli_evaluate(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  job j = {.s = &s};
  nsc_error err = {0};
  nsc_status status = run(&j, &err);
  bool refused = j.refused > 0;
  drop(&j);
  if (status == NSC_OK) fputs("For research and teaching. Not for diagnosis.\n", stderr);
  if (status != NSC_OK) fprintf(stderr, "negatoscope evaluate: %s\n", err.text);
  return status == NSC_OK && !refused ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
