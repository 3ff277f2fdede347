/* negatoscope range: which pictures a model may judge, learnt from its own, and how well it tells others from them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/data.h"
#include "cli/survival.h"
#include "eval/eval.h"

const char nsc_cli_range_usage[] =
    "usage: negatoscope range [options] MODEL_NAME_OR_FILE DATA [FOLDER_OF_OTHER_PICTURES...]\n"
    "  -o FILE.onnx          the model with what was learnt; without it, the model's own knowledge is measured\n"
    "  --autoencoder         with -o: a small autoencoder learns the pictures, too, some minutes long\n"
    "  --expects JSON        codes of DICOM files it is made for: "
    "{\"modality\":[\"CR\",\"DX\"],\"bodyPart\":[\"CHEST\"]}\n"
    "  --report FILE         the figures as JSON             --threads N\n"
    "  --time COLUMN --event COLUMN    of the table, for models for times to an event\n"
    "  --recipe JSON --model-labels JSON --output logits|probabilities    for models that do not "
    "say\n" NSC_CLI_DATA_USAGE
    "Learns from the pictures for training and validation; false alarms are counted on those for testing.\n";

typedef struct settings {
  const char *model, *path, *out, *report, *expects;
  bool autoencoder;
  char **others;
  int other_count;
  nsc_cli_data_options data;
  nsc_cli_outcomes outcomes;
  nsc_classifier_options classifier;
} settings;

/* What pictures are told apart by: everything, or one measure alone. */
typedef enum sense { ALL, FEATURES, LOOK, RECONSTRUCTION, SENSES } sense;

/* How a set of pictures was judged. */
typedef struct tally {
  const char *name;
  uint32_t counts[4]; /* by nsc_applies_verdict */
  uint32_t refused;
  float *unusual[SENSES]; /* [room]; NaN where there is no such measure */
  uint32_t seen, room;
} tally;

static void drop_tally(tally *t) {
  for (int k = 0; k < SENSES; k++) free(t->unusual[k]);
}

typedef struct job {
  const settings *s;
  nsc_model *model, *learnt;
  nsc_classifier *classifier; /* one of these two */
  nsc_prognosis *prognosis;
  nsc_cli_data data;
  char *bytes;
  size_t size;
  tally own;
  nsc_text report;
} job;

static bool read_settings(int argc, char **argv, settings *s) {
  const char *threads = NULL;
  const nsc_cli_option list[] = {{"-o", &s->out, NULL},
                                 {"--out", &s->out, NULL},
                                 {"--expects", &s->expects, NULL},
                                 {"--report", &s->report, NULL},
                                 {"--autoencoder", NULL, &s->autoencoder},
                                 {"--threads", &threads, NULL},
                                 {"--time", &s->outcomes.time, NULL},
                                 {"--event", &s->outcomes.event, NULL},
                                 NSC_CLI_CLASSIFIER_OPTIONS(s->classifier, "--model-labels"),
                                 NSC_CLI_DATA_OPTIONS(s->data)};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc < 3 || (s->autoencoder && !s->out)) {
    if (argc >= 0) fputs(nsc_cli_range_usage, stderr);
    return false;
  }
  s->model = argv[1];
  s->path = argv[2];
  s->others = argv + 3;
  s->other_count = argc - 3;
  long count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  s->classifier.threads = (uint32_t)count;
  return count > 0 && nsc_cli_data_read_options("range", &s->data);
}

/* ---- learning ---- */

static nsc_status train_autoencoder(nsc_study *study, nsc_error *err) {
  nsc_autoencoder_progress at = {0};
  for (bool finished = false; !finished;) {
    uint32_t before = at.epoch;
    NSC_TRY(nsc_study_run(study, 0, NULL, &finished, &at, err));
    if (at.epoch > before) nsc_cli_print_autoencoder(&at);
  }
  return NSC_OK;
}

static nsc_status study_all(job *j, nsc_study *study, nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t total = 0, done = 0;
  for (uint32_t i = 0; i < j->data.count; i++) total += j->data.samples[i].split != NSC_SPLIT_TEST;
  for (uint32_t i = 0; i < j->data.count; i++) {
    nsc_split split = j->data.samples[i].split;
    nsc_image *image = NULL;
    nsc_error why = {0};
    if (split == NSC_SPLIT_TEST) continue;
    nsc_status status = nsc_cli_data_image(&j->data, i, &image, &why);
    if (status == NSC_OK) status = nsc_study_add(study, image, 0, split != NSC_SPLIT_TRAIN, &why);
    nsc_image_free(image);
    if (status != NSC_OK) fprintf(stderr, "refused: %s: %s\n", j->data.samples[i].name, why.text);
    nsc_cli_show_progress(&progress, ++done, total);
  }
  if (j->s->autoencoder) NSC_TRY(train_autoencoder(study, err));
  return nsc_study_finish(study, j->s->expects, &j->bytes, &j->size, err);
}

/* The model with what was learnt, as a file of it would be opened. */
static nsc_status learn(job *j, nsc_error *err) {
  nsc_study *study;
  nsc_source *source;
  NSC_TRY(nsc_study_create(j->model, &j->s->classifier, &study, err));
  nsc_status status = NSC_OK;
  if (j->s->autoencoder) status = nsc_study_use_autoencoder(study, j->s->data.seed, err);
  if (status == NSC_OK) status = study_all(j, study, err);
  nsc_study_free(study);
  if (status != NSC_OK) return status;
  NSC_TRY(nsc_source_from_bytes(j->bytes, j->size, &source, err));
  status = nsc_model_open(source, &j->learnt, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

/* ---- measuring ---- */

static nsc_status make_room(tally *t, nsc_error *err) {
  if (t->seen < t->room) return NSC_OK;
  uint32_t room = t->room ? 2 * t->room : 256;
  for (int k = 0; k < SENSES; k++) {
    float *larger = realloc(t->unusual[k], room * sizeof *larger);
    if (!larger) return nsc_fail_memory(err, room * sizeof *larger, "the figures");
    t->unusual[k] = larger;
  }
  t->room = room;
  return NSC_OK;
}

static nsc_status note(tally *t, const nsc_applies *a, nsc_error *err) {
  NSC_TRY(make_room(t, err));
  /* What is out of range for a reason without a measure is farther than all that has one. */
  uint32_t measured = NSC_APPLIES_FEATURES | NSC_APPLIES_LOOK | NSC_APPLIES_RECONSTRUCTION;
  double farthest = fmax(-1e3, fmax(a->features, fmax(a->look, a->reconstruction))); /* NaN where there is none */
  if (a->verdict == NSC_APPLIES_OUT && (a->reasons & ~measured)) farthest = fmax(farthest, 1e3);
  const double by[SENSES] = {farthest, a->features, a->look, a->reconstruction};
  for (int k = 0; k < SENSES; k++) t->unusual[k][t->seen] = (float)by[k];
  t->seen++;
  t->counts[a->verdict]++;
  return NSC_OK;
}

static nsc_status look_at(const job *j, nsc_image *image, nsc_applies *out, nsc_error *err) {
  nsc_result result;
  nsc_prognosis_result curve;
  if (j->prognosis) {
    NSC_TRY(nsc_prognosis_run(j->prognosis, image, 0, NULL, NULL, &curve, err));
    *out = curve.applies;
    return NSC_OK;
  }
  NSC_TRY(nsc_classifier_run(j->classifier, image, 0, NULL, &result, err));
  *out = result.applies;
  return NSC_OK;
}

static nsc_status judge(const job *j, nsc_image *image, const char *name, tally *t, nsc_error *err) {
  nsc_applies applies;
  nsc_error why = {0};
  nsc_status status = image ? look_at(j, image, &applies, &why) : NSC_ERROR_IO;
  nsc_image_free(image);
  if (status == NSC_OK) return note(t, &applies, err);
  fprintf(stderr, "refused: %s: %s\n", name, why.text);
  t->refused++;
  return NSC_OK;
}

static nsc_status judge_own(job *j, nsc_error *err) {
  bool tests = false;
  for (uint32_t i = 0; i < j->data.count; i++) tests = tests || j->data.samples[i].split == NSC_SPLIT_TEST;
  j->own.name = tests ? "its own, for testing" : "its own, for validation";
  for (uint32_t i = 0; i < j->data.count; i++) {
    nsc_image *image = NULL;
    nsc_error why = {0};
    if (j->data.samples[i].split != (tests ? NSC_SPLIT_TEST : NSC_SPLIT_VALIDATION)) continue;
    if (nsc_cli_data_image(&j->data, i, &image, &why) != NSC_OK) fprintf(stderr, "%s\n", why.text);
    NSC_TRY(judge(j, image, j->data.samples[i].name, &j->own, err));
  }
  return NSC_OK;
}

static nsc_status judge_folder(const job *j, const char *folder, tally *t, nsc_error *err) {
  nsc_cli_paths paths = {0};
  nsc_status status = nsc_cli_add_path(&paths, folder) ? NSC_OK : nsc_fail_memory(err, 0, "the list of files");
  t->name = folder;
  for (size_t i = 0; i < paths.count && status == NSC_OK; i++) {
    nsc_image *image = NULL;
    nsc_error why = {0};
    if (nsc_cli_open_image(paths.list[i], &image, &why) != NSC_OK) fprintf(stderr, "%s\n", why.text);
    status = judge(j, image, paths.list[i], t, err);
  }
  nsc_cli_drop_paths(&paths);
  return status;
}

/* The area under the curve that tells other pictures from the model's own by how unusual they are; NaN without either,
 * and without such a measure. */
static nsc_status area(const tally *own, const tally *others, sense by, double *out, nsc_error *err) {
  uint32_t count = own->seen + others->seen;
  *out = NAN;
  if (!own->seen || !others->seen || isnan(own->unusual[by][0])) return NSC_OK;
  float *scores = malloc(count * sizeof *scores);
  uint8_t *truth = calloc(count, 1);
  nsc_status status = scores && truth ? NSC_OK : nsc_fail_memory(err, count * 5, "the figures");
  if (status == NSC_OK) {
    nsc_eval_curve curve;
    memcpy(scores, own->unusual[by], own->seen * sizeof *scores);
    memcpy(scores + own->seen, others->unusual[by], others->seen * sizeof *scores);
    memset(truth + own->seen, 1, others->seen);
    status = nsc_eval_curve_make(scores, truth, count, &curve, err);
    if (status == NSC_OK) {
      *out = nsc_eval_curve_auc(&curve);
      nsc_eval_curve_drop(&curve);
    }
  }
  free(scores), free(truth);
  return status;
}

static void say(job *j, const tally *t, const double aurocs[SENSES]) {
  static const char *const names[SENSES] = {"auroc", "features", "look", "reconstruction"};
  double all = t->seen ? t->seen : 1;
  printf("%-44s %6u  %6.3f  %6.3f  %6.3f", t->name, t->seen, t->counts[NSC_APPLIES_IN_RANGE] / all,
         t->counts[NSC_APPLIES_DOUBTFUL] / all, t->counts[NSC_APPLIES_OUT] / all);
  for (int k = 0; k < SENSES && isfinite(aurocs[ALL]); k++) {
    if (isfinite(aurocs[k])) printf("  %6.3f", aurocs[k]);
    if (!isfinite(aurocs[k])) printf("  %6s", "-");
  }
  puts("");
  nsc_text *r = &j->report;
  nsc_json_object(r);
  nsc_json_key(r, "pictures"), nsc_json_string(r, t->name);
  nsc_json_key(r, "count"), nsc_json_int(r, t->seen);
  nsc_json_key(r, "inRange"), nsc_json_number(r, t->counts[NSC_APPLIES_IN_RANGE] / all);
  nsc_json_key(r, "doubtful"), nsc_json_number(r, t->counts[NSC_APPLIES_DOUBTFUL] / all);
  nsc_json_key(r, "outOfRange"), nsc_json_number(r, t->counts[NSC_APPLIES_OUT] / all);
  nsc_json_key(r, names[ALL]), nsc_json_number(r, aurocs[ALL]);
  nsc_json_key(r, "alone"), nsc_json_object(r);
  for (int k = FEATURES; k < SENSES; k++) nsc_json_key(r, names[k]), nsc_json_number(r, aurocs[k]);
  nsc_json_end_object(r);
  nsc_json_end_object(r);
}

static nsc_status measure(job *j, nsc_error *err) {
  NSC_TRY(judge_own(j, err));
  if (j->own.counts[NSC_APPLIES_UNKNOWN]) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "the model does not say which pictures it may judge: -o makes one that does");
  }
  const double none[SENSES] = {NAN, NAN, NAN, NAN};
  printf("%-44s %6s  %6s  %6s  %6s  %6s  of features, look, autoencoder alone\n", "pictures", "", "in", "doubt", "out",
         "AUROC");
  nsc_json_array(&j->report);
  say(j, &j->own, none);
  for (int i = 0; i < j->s->other_count; i++) {
    tally others = {0};
    double aurocs[SENSES];
    nsc_status status = judge_folder(j, j->s->others[i], &others, err);
    for (int k = 0; k < SENSES && status == NSC_OK; k++) status = area(&j->own, &others, (sense)k, &aurocs[k], err);
    if (status == NSC_OK) say(j, &others, aurocs);
    drop_tally(&others);
    if (status != NSC_OK) return status;
  }
  nsc_json_end_array(&j->report);
  nsc_text_put(&j->report, "\n");
  return NSC_OK;
}

/* ---- the whole ---- */

static nsc_status open_judge(job *j, nsc_error *err) {
  const nsc_model *model = j->learnt ? j->learnt : j->model;
  return nsc_model_is_survival(model) ? nsc_prognosis_create(model, &j->s->classifier, &j->prognosis, err)
                                      : nsc_classifier_create(model, &j->s->classifier, &j->classifier, err);
}

static nsc_status run(job *j, nsc_error *err) {
  const settings *s = j->s;
  nsc_cli_data_options data = s->data;
  NSC_TRY(nsc_cli_open_model(s->model, &j->model, err));
  if (nsc_model_is_survival(j->model)) {
    data.outcomes = &s->outcomes;
  } else if (s->outcomes.time || s->outcomes.event) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--time and --event are for models of times to an event");
  }
  NSC_TRY(nsc_cli_data_open(s->path, &data, &j->data, err));
  if (s->out) {
    NSC_TRY(learn(j, err));
    NSC_TRY(nsc_cli_replace(s->out, j->bytes, j->size, err));
  }
  NSC_TRY(open_judge(j, err));
  NSC_TRY(measure(j, err));
  if (!s->report) return NSC_OK;
  return j->report.failed ? nsc_fail_memory(err, j->report.size, "the report")
                          : nsc_cli_replace(s->report, j->report.chars, j->report.size, err);
}

int nsc_cli_range(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  job j = {.s = &s};
  nsc_error err = {0};
  nsc_status status = run(&j, &err);
  drop_tally(&j.own);
  nsc_text_drop(&j.report);
  nsc_text_free(j.bytes);
  nsc_cli_data_drop(&j.data);
  nsc_classifier_free(j.classifier);
  nsc_prognosis_free(j.prognosis);
  nsc_model_free(j.learnt);
  nsc_model_free(j.model);
  if (status != NSC_OK) fprintf(stderr, "negatoscope range: %s\n", err.text);
  return status == NSC_OK ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
