/* negatoscope train: a network from pictures with labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/data.h"
#include "cli/judge.h"
#include "cli/survival.h"
#include "train/zoo.h"

const char nsc_cli_train_usage[] =
    "usage: negatoscope train [options] DATA      two labels: absent, present in name order or that of --labels\n"
    "  --out FILE            the model (model.onnx)      --name NAME --title TEXT   what it says of itself\n"
    "  --limits TEXT --license TEXT   those of the model of --from when not given\n"
    "  --net NAME            small; --net help lists     --size N --channels N      128, 1\n"
    "  --epochs N            20                          --batch N                  32\n"
    "  --rate X              0.001                       --schedule KIND            one-cycle, constant, step, cosine\n"
    "  --optimiser KIND      adamw, adam, sgd, rmsprop   --decay X                  0.02\n"
    "  --augment KIND        film, usual, none or JSON   --smoothing X              0\n"
    "  --balance KIND        none, weights, over, under  --warm-up SHARE            0\n"
    "  --momentum X          0.9 for sgd                 --clip X                   5\n"
    "  --focal GAMMA         focal loss, two labels      --keep best|last           weights by validation, or the "
    "last\n"
    "  --dropout X           rate of the network's dropouts, instead of its own; 0: none\n"
    "  --patience N          0: all epochs               --average X                0.99\n"
    "  --sensitivity X       of the threshold, at least  --threshold X              fixed, not from validation\n"
    "  --half                float16 weights in the file\n"
    "  --no-range            the model does not say what its pictures are like (negatoscope range)\n"
    "  --autoencoder         it says so by a small autoencoder, too, which learns after the network\n"
    "  --checkpoint FILE     written after each epoch    --resume                   goes on from it\n"
    "  --from MODEL.onnx     begins with its layers      --trainable WHAT           all, head, N layers from the end\n"
    "  --steps JSON          filters on each picture, kept in the model: [{\"step\":\"median\",\"size\":3}]\n"
    "  --unfreeze N          after the head N layers learn too, at a tenth of the rate\n"
    "  --survival            times to an event, from a table with the columns file, time, event (1, or 0: none until "
    "then)\n"
    "  --time COLUMN --event COLUMN   other names          --fields age,sex,...     columns about the patient; age and "
    "sex also\n"
    "                        of DICOM files                --unit WORD              of times\n"
    "  --bins N              10 time bins, quantiles       --edges 0,12,24,...      or their edges\n"
    "  --threads N\n" NSC_CLI_DATA_USAGE;

/* Options that are handed on as members of the JSON that nsc_training_begin reads and checks. */
static const struct {
  const char *option, *member;
  bool text;
} handed_on[] = {
    {"--net", "net", true},         {"--epochs", "epochs", false},       {"--batch", "batch", false},
    {"--rate", "rate", false},      {"--schedule", "schedule", true},    {"--optimiser", "optimiser", true},
    {"--decay", "decay", false},    {"--dropout", "dropout", false},     {"--smoothing", "smoothing", false},
    {"--balance", "balance", true}, {"--warm-up", "warmUp", false},      {"--momentum", "momentum", false},
    {"--clip", "clip", false},      {"--patience", "patience", false},   {"--average", "average", false},
    {"--augment", "augment", true}, {"--trainable", "trainable", false}, {"--focal", "focal", false},
    {"--keep", "keep", true}};

enum { HANDED_ON = sizeof handed_on / sizeof *handed_on, OWN_OPTIONS = 25, DATA_OPTIONS = 8 };

typedef struct settings {
  const char *path, *out, *name, *title, *checkpoint, *from, *unfreeze, *steps, *limits, *license, *values[HANDED_ON];
  nsc_cli_data_options data;
  nsc_recipe recipe;
  double sensitivity; /* of the threshold on validation; 0 for Youden's */
  double threshold;   /* instead of one from validation; negative for none */
  uint32_t threads;
  bool half, no_range, autoencoder, resume, survival;
  const char *fields, *unit, *bins, *edges;
  nsc_cli_outcomes outcomes;
} settings;

/* With --unfreeze two trainings, one after the other. */
typedef enum phase { WHOLE, HEAD, LAST_LAYERS } phase;

/* ---- options ---- */

static int take_options(int argc, char **argv, settings *s, const char *numbers[5]) {
  const nsc_cli_option own[] = {{"--out", &s->out, NULL},
                                {"--name", &s->name, NULL},
                                {"--title", &s->title, NULL},
                                {"--checkpoint", &s->checkpoint, NULL},
                                {"--from", &s->from, NULL},
                                {"--steps", &s->steps, NULL},
                                {"--unfreeze", &s->unfreeze, NULL},
                                {"--half", NULL, &s->half},
                                {"--no-range", NULL, &s->no_range},
                                {"--autoencoder", NULL, &s->autoencoder},
                                {"--resume", NULL, &s->resume},
                                {"--size", &numbers[0], NULL},
                                {"--channels", &numbers[1], NULL},
                                {"--sensitivity", &numbers[2], NULL},
                                {"--threads", &numbers[3], NULL},
                                {"--threshold", &numbers[4], NULL},
                                {"--limits", &s->limits, NULL},
                                {"--license", &s->license, NULL},
                                {"--survival", NULL, &s->survival},
                                {"--time", &s->outcomes.time, NULL},
                                {"--event", &s->outcomes.event, NULL},
                                {"--fields", &s->fields, NULL},
                                {"--unit", &s->unit, NULL},
                                {"--bins", &s->bins, NULL},
                                {"--edges", &s->edges, NULL},
                                NSC_CLI_DATA_OPTIONS(s->data)};
  nsc_cli_option list[OWN_OPTIONS + DATA_OPTIONS + HANDED_ON];
  _Static_assert(sizeof own / sizeof *own == OWN_OPTIONS + DATA_OPTIONS, "as many as there is room for");
  memcpy(list, own, sizeof own);
  for (int i = 0; i < HANDED_ON; i++) {
    list[OWN_OPTIONS + DATA_OPTIONS + i] = (nsc_cli_option){handed_on[i].option, &s->values[i], NULL};
  }
  return nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
}

static bool read_steps(const char *json, nsc_steps *out) {
  nsc_error err = {0};
  if (nsc_steps_parse(json, strlen(json), out, &err) == NSC_OK) return true;
  fprintf(stderr, "negatoscope train: %s\n", err.text);
  return false;
}

/* What is said of times to an event makes sense with --survival only, and labels without. */
static bool read_survival(settings *s) {
  nsc_error err = {0};
  bool said = s->outcomes.time || s->outcomes.event || s->fields || s->unit || s->bins || s->edges;
  if (said && !s->survival) {
    fputs("negatoscope train: --time, --event, --fields, --unit, --bins and --edges go with --survival\n", stderr);
    return false;
  }
  if (!s->survival) return true;
  if (s->sensitivity > 0 || s->threshold >= 0 || (s->bins && s->edges)) {
    fputs("negatoscope train: with --survival there is no threshold; --bins or --edges, not both\n", stderr);
    return false;
  }
  s->data.outcomes = &s->outcomes;
  if (nsc_cli_take_fields(s->fields, &s->outcomes, &err) == NSC_OK) return true;
  fprintf(stderr, "negatoscope train: %s\n", err.text);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *numbers[5] = {NULL};
  double size, channels;
  argc = take_options(argc, argv, s, numbers);
  bool fits = (!s->resume || s->checkpoint) && (!s->unfreeze || (s->from && !s->checkpoint)) &&
              !(s->autoencoder && s->no_range);
  if (argc != 2 || !fits) {
    if (argc >= 0) fputs(nsc_cli_train_usage, stderr);
    return false;
  }
  s->path = argv[1];
  if (!nsc_cli_real("train", "--size", numbers[0], 8, 1024, 128, &size) ||
      !nsc_cli_real("train", "--channels", numbers[1], 1, 3, 1, &channels) ||
      !nsc_cli_real("train", "--sensitivity", numbers[2], 0, 1, 0, &s->sensitivity) ||
      !nsc_cli_real("train", "--threshold", numbers[4], 0, 1, -1, &s->threshold) ||
      !nsc_cli_data_read_options("train", &s->data)) {
    return false;
  }
  long threads = nsc_cli_number("--threads", numbers[3], 1, (long)nsc_cli_processors());
  if (threads < 0) return false;
  s->threads = (uint32_t)threads;
  s->recipe = (nsc_recipe){.width = (uint32_t)size,
                           .height = (uint32_t)size,
                           .channels = channels > 1 ? 3 : 1,
                           .crop_scale = 1,
                           .high = 1,
                           .scale = 1,
                           .std = {1, 1, 1}};
  if (!read_survival(s)) return false;
  if (s->steps && !read_steps(s->steps, &s->recipe.steps)) return false;
  return true;
}

static double rate_of(const settings *s) {
  for (int i = 0; i < HANDED_ON; i++) {
    if (strcmp(handed_on[i].member, "rate") == 0 && s->values[i]) return strtod(s->values[i], NULL);
  }
  return 1e-3;
}

/* One option; a word where a number belongs is handed on as it is: its reader refuses it by name. */
static void hand_on(nsc_text *t, int option, const char *value) {
  char *end;
  double number = strtod(value, &end);
  nsc_json_key(t, handed_on[option].member);
  if (value[0] == '{') {
    nsc_json_raw(t, value, strlen(value));
  } else if (handed_on[option].text || end == value || *end) {
    nsc_json_string(t, value);
  } else {
    nsc_json_number(t, number);
  }
}

static bool is_replaced(const char *member, phase p) {
  static const char *const replaced[][4] = {[WHOLE] = {NULL},
                                            [HEAD] = {"trainable", "augment", "net", NULL},
                                            [LAST_LAYERS] = {"trainable", "rate", "net", NULL}};
  for (int i = 0; replaced[p][i]; i++) {
    if (strcmp(member, replaced[p][i]) == 0) return true;
  }
  return false;
}

/* JSON of what was given; the rest has the defaults that the page has too. */
static nsc_status training_options(const settings *s, phase p, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "seed"), nsc_json_int(&t, (int64_t)s->data.seed);
  if (s->autoencoder && p != HEAD) nsc_json_key(&t, "autoencoder"), nsc_json_bool(&t, true);
  if (s->from && p != LAST_LAYERS) nsc_json_key(&t, "net"), nsc_json_string(&t, "base");
  if (p == HEAD) {
    nsc_json_key(&t, "trainable"), nsc_json_string(&t, "head");
    nsc_json_key(&t, "augment"), nsc_json_string(&t, "none"); /* so that features are computed once */
  } else if (p == LAST_LAYERS) {
    nsc_json_key(&t, "continue"), nsc_json_bool(&t, true);
    nsc_json_key(&t, "trainable"), nsc_json_int(&t, strtol(s->unfreeze, NULL, 10));
    nsc_json_key(&t, "rate"), nsc_json_number(&t, rate_of(s) / 10);
  }
  for (int i = 0; i < HANDED_ON; i++) {
    if (s->values[i] && !is_replaced(handed_on[i].member, p)) hand_on(&t, i, s->values[i]);
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

/* ---- data ---- */

static void print_data(const nsc_dataset *d) {
  printf("%-24s %8s %10s %8s\n", "label", "training", "validation", "test");
  for (uint32_t i = 0; i < d->label_count; i++) {
    printf("%-24s %8u %10u %8u\n", d->labels[i], nsc_dataset_count(d, NSC_SPLIT_TRAIN, i),
           nsc_dataset_count(d, NSC_SPLIT_VALIDATION, i), nsc_dataset_count(d, NSC_SPLIT_TEST, i));
  }
}

/* "0,12,24" as numbers. */
static nsc_status read_edges(const char *list, double *edges, size_t *count, nsc_error *err) {
  *count = 0;
  for (const char *at = list; at;) {
    size_t size = strcspn(at, ",");
    bool fits = size > 0 && *count <= NSC_SURVIVAL_BINS && nsc_field_parse("", at, size, &edges[*count]);
    if (!fits) return nsc_fail(err, NSC_ERROR_ARGUMENT, "--edges are at most %d numbers", NSC_SURVIVAL_BINS + 1);
    ++*count;
    at = at[size] ? at + size + 1 : NULL;
  }
  return NSC_OK;
}

static nsc_status set_survival(const settings *s, nsc_dataset *pictures, nsc_error *err) {
  double edges[NSC_SURVIVAL_BINS + 1];
  long bins = nsc_cli_number("--bins", s->bins, 1, 10);
  nsc_survival_choice choice = {.bins = bins > 0 && bins <= NSC_SURVIVAL_BINS ? (uint32_t)bins : 0,
                                .unit = s->unit,
                                .fields = s->outcomes.fields,
                                .field_count = s->outcomes.field_count};
  NSC_TRY(read_edges(s->edges, edges, &choice.edge_count, err));
  if (s->edges) choice.edges = edges;
  NSC_TRY(nsc_dataset_set_survival(pictures, &choice, err));
  const nsc_survival_spec *spec = pictures->survival;
  printf("%u time bins, up to", spec->bins);
  for (uint32_t k = 1; k <= spec->bins; k++) printf(" %.4g", spec->edges[k]);
  printf("%s%s\n", spec->unit[0] ? " " : "", spec->unit);
  for (uint32_t i = 0; i < spec->field_count; i++) {
    uint32_t missing = 0;
    for (uint32_t k = 0; k < pictures->count; k++) missing += isnan(pictures->samples[k].outcome->fields[i]);
    printf("%s: mean %.4g, deviation %.4g", spec->fields[i].name, spec->fields[i].mean, spec->fields[i].deviation);
    printf(missing ? "; %u cases without, which take the mean\n" : "\n", missing);
  }
  return NSC_OK;
}

static nsc_status load(const settings *s, nsc_training **out, nsc_error *err) {
  nsc_cli_data data;
  nsc_dataset pictures = {0};
  NSC_TRY(nsc_cli_data_open(s->path, &s->data, &data, err));
  nsc_status status = nsc_cli_data_load(&data, &s->recipe, &pictures, err);
  if (status == NSC_OK && s->survival) {
    status = set_survival(s, &pictures, err);
    if (status != NSC_OK) nsc_dataset_drop(&pictures);
  }
  nsc_cli_data_drop(&data);
  NSC_TRY(status);
  print_data(&pictures);
  return nsc_training_adopt(&pictures, &s->recipe, out, err);
}

/* ---- checkpoints ---- */

static nsc_status resume(const settings *s, nsc_training *t, nsc_error *err) {
  nsc_cli_store file = {0};
  NSC_TRY(nsc_cli_store_read(&file, s->checkpoint, err));
  nsc_status status = nsc_training_resume_from(t, &file.store, file.size, err);
  nsc_cli_store_close(&file);
  NSC_TRY(status);
  printf("going on after epoch %u\n", nsc_trainer_progress(nsc_training_trainer(t)).epoch);
  return NSC_OK;
}

static nsc_status checkpoint_part(void *training, uint32_t part, const void **bytes, size_t *size, nsc_error *err) {
  return nsc_training_checkpoint(training, part, bytes, size, err);
}

static nsc_status write_checkpoint(const settings *s, nsc_training *t, nsc_error *err) {
  return s->checkpoint ? nsc_cli_replace_parts(s->checkpoint, checkpoint_part, t, err) : NSC_OK;
}

/* ---- training ---- */

static void print_epoch(const nsc_epoch_stats *e, uint32_t epochs) {
  char accuracy[16] = "-"; /* curves have none */
  if (!isnan(e->validation_accuracy)) snprintf(accuracy, sizeof accuracy, "%.4f", e->validation_accuracy);
  printf("%2u/%-2u %12.5f %12.5f %10s %10.0f %10.2e%s\n", e->epoch, epochs, e->train_loss, e->validation_loss, accuracy,
         e->images_per_second, (double)e->rate, e->best ? "  best" : "");
  fflush(stdout);
}

/* The network is worth its file without one. */
static void run_autoencoder(nsc_training *t) {
  nsc_autoencoder_progress at = {0};
  nsc_error why = {0};
  for (bool finished = false; !finished;) {
    uint32_t before = at.epoch;
    if (nsc_training_run(t, 0, NULL, &finished, &why) != NSC_OK) {
      printf("the model goes without an autoencoder: %s\n", why.text);
      return;
    }
    if (nsc_training_autoencoder(t, &at) && at.epoch > before) nsc_cli_print_autoencoder(&at);
  }
}

static nsc_status run_epochs(const settings *s, nsc_training *t, nsc_error *err) {
  const nsc_trainer *trainer = nsc_training_trainer(t);
  uint32_t printed = 0, epochs = nsc_training_options_of(t)->epochs;
  printf("%5s %12s %12s %10s %10s %10s\n", "epoch", "loss", "validation", "accuracy", "images/s", "rate");
  for (bool finished = false;;) {
    for (; printed < nsc_trainer_progress(trainer).epoch; printed++) {
      print_epoch(&nsc_trainer_history(trainer)[printed], epochs);
      if (printed + 1 == nsc_trainer_progress(trainer).epoch) NSC_TRY(write_checkpoint(s, t, err));
    }
    if (nsc_trainer_finished(trainer)) break;
    NSC_TRY(nsc_training_run(t, 0, NULL, &finished, err));
  }
  if (s->autoencoder) run_autoencoder(t);
  return NSC_OK;
}

/* What the file says of limits and licence: given, or of the model that this began with. */
static nsc_status print_limits(const settings *s, const nsc_training *t, nsc_error *err) {
  char *inherited;
  nsc_heritage base = {0};
  NSC_TRY(nsc_training_inherited_limits(t, &inherited, err));
  (void)nsc_training_heritage(t, &base);
  const char *limits = s->limits ? s->limits : inherited, *license = s->license ? s->license : base.license;
  if (limits && limits[0]) printf("limits: %s\n", limits);
  if (license && license[0]) printf("licence: %s\n", license);
  nsc_text_free(inherited);
  return NSC_OK;
}

/* What the pictures are like, so that the model can tell which ones it may judge; too few of them are no failure. */
static void add_range(const nsc_training *t, char **bytes, size_t *size) {
  nsc_error why = {0};
  char *studied;
  size_t studied_size;
  if (nsc_training_study(t, (const uint8_t *)*bytes, *size, &studied, &studied_size, &why) != NSC_OK) {
    printf("the model will not know which pictures it may judge: %s\n", why.text);
    return;
  }
  nsc_text_free(*bytes);
  *bytes = studied;
  *size = studied_size;
}

static nsc_status write_model(const settings *s, nsc_training *t, nsc_error *err) {
  nsc_text facts = {0};
  nsc_json_object(&facts);
  nsc_json_key(&facts, "name"), nsc_json_string(&facts, s->name);
  if (s->title) nsc_json_key(&facts, "title"), nsc_json_string(&facts, s->title);
  if (s->limits) nsc_json_key(&facts, "limits"), nsc_json_string(&facts, s->limits);
  if (s->license) nsc_json_key(&facts, "license"), nsc_json_string(&facts, s->license);
  nsc_json_key(&facts, "half"), nsc_json_bool(&facts, s->half);
  nsc_json_end_object(&facts);
  char *json, *bytes = NULL;
  size_t size;
  NSC_TRY(nsc_text_finish(&facts, &json, err));
  nsc_status status = nsc_training_model(t, json, &bytes, &size, err);
  nsc_text_free(json);
  if (status == NSC_OK && !s->no_range) add_range(t, &bytes, &size);
  if (status == NSC_OK) status = nsc_cli_write(s->out, bytes, size, err);
  nsc_text_free(bytes);
  NSC_TRY(status);
  printf("%s: %.2f MB\n", s->out, (double)size / 1e6);
  return print_limits(s, t, err);
}

static nsc_status read_base(const settings *s, nsc_training *t, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_read(s->from, &source, err));
  nsc_status status = nsc_training_set_base(t, source, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status run_phase(const settings *s, phase p, nsc_training *t, nsc_error *err) {
  char *json;
  uint64_t bytes = 0;
  NSC_TRY(training_options(s, p, &json, err));
  nsc_status status = nsc_training_need(t, json, s->threads, &bytes, err);
  if (status == NSC_OK) printf("takes about %.0f MB of memory\n", (double)bytes / 1e6);
  if (status == NSC_OK) status = nsc_training_begin(t, json, s->threads, err);
  nsc_text_free(json);
  NSC_TRY(status);
  static const char *const parts[] = {"", ", the head alone", ", the last layers"};
  printf("%s: %zu parameters, %u threads%s\n",
         s->from        ? s->from
         : s->values[0] ? s->values[0]
                        : "small",
         nsc_net_parameter_count(nsc_training_net(t)), s->threads, parts[p]);
  if (s->resume) NSC_TRY(resume(s, t, err));
  return run_epochs(s, t, err);
}

static nsc_status train(const settings *s, const nsc_cli_store *store, nsc_training **t, nsc_error *err) {
  NSC_TRY(load(s, t, err));
  nsc_training_set_store(*t, &store->store);
  if (s->from) NSC_TRY(read_base(s, *t, err));
  NSC_TRY(run_phase(s, s->unfreeze ? HEAD : WHOLE, *t, err));
  if (s->unfreeze) NSC_TRY(run_phase(s, LAST_LAYERS, *t, err));
  if (s->survival) {
    NSC_TRY(write_model(s, *t, err));
    return nsc_cli_judge_survival(*t, err);
  }
  NSC_TRY(nsc_cli_calibrate(*t, s->sensitivity, err));
  if (s->threshold >= 0) nsc_training_set_threshold(*t, (float)s->threshold);
  NSC_TRY(write_model(s, *t, err));
  return nsc_cli_judge(*t, err);
}

static int list_networks(void) {
  for (const nsc_zoo_entry *e = nsc_zoo_list(); e->name; e++) printf("%-14s %s\n", e->name, e->what);
  return NSC_EXIT_OK;
}

int nsc_cli_train(int argc, char **argv) {
  settings s = {.out = "model.onnx", .name = "model"};
  if (argc == 3 && strcmp(argv[1], "--net") == 0 && strcmp(argv[2], "help") == 0) return list_networks();
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  nsc_training *t = NULL;
  nsc_error err = {0};
  nsc_cli_store store = {0};
  (void)nsc_cli_store_open(&store); /* without one the best weights are in memory */
  nsc_status status = train(&s, &store, &t, &err);
  nsc_training_free(t);
  nsc_cli_store_close(&store);
  if (status == NSC_OK) return NSC_EXIT_OK;
  fprintf(stderr, "negatoscope train: %s\n", err.text);
  return NSC_EXIT_SOME_FAILED;
}
