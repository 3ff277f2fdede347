/* negatoscope train: a network from a folder with one subfolder a label. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "pipeline/collect.h"
#include "train/trainer.h"
#include "train/zoo.h"

static const char usage[] =
    "usage: negatoscope train [options] FOLDER          one subfolder a label; two labels: absent, present in name "
    "order\n"
    "  --out FILE            the model (model.onnx)      --name NAME --title TEXT   what it says of itself\n"
    "  --net NAME            small                       --size N --channels N      128, 1\n"
    "  --epochs N            20                          --batch N                  32\n"
    "  --rate X              0.001                       --schedule KIND            one-cycle, constant, step, cosine\n"
    "  --optimiser KIND      adamw, adam, sgd, rmsprop   --decay X                  0.02\n"
    "  --augment KIND        film, usual, none           --smoothing X              0\n"
    "  --validation SHARE    0.15                        --patient REGEX            whole patients stay together\n"
    "  --patience N          0: all epochs               --balance                  rare labels weigh more\n"
    "  --average X           0.99                        --half                     float16 weights in the file\n"
    "  --seed N --threads N\n";

typedef struct settings {
  const char *folder, *out, *name, *title, *net, *patient;
  nsc_recipe recipe;
  nsc_train_options train;
  double validation;
  uint32_t threads;
  bool half;
} settings;

/* ---- options ---- */

static bool number(const char *name, const char *text, double least, double most, double otherwise, double *out) {
  char *end = NULL;
  *out = text ? strtod(text, &end) : otherwise;
  if (text && (end == text || *end || !(*out >= least && *out <= most))) {
    fprintf(stderr, "negatoscope train: %s wants a number from %g to %g, not \"%s\"\n", name, least, most, text);
    return false;
  }
  return true;
}

static bool choice(const char *name, const char *text, const char *const *words, int *out) {
  for (int i = 0; words[i]; i++) {
    if (text && strcmp(text, words[i]) != 0) continue;
    *out = i;
    return true;
  }
  fprintf(stderr, "negatoscope train: %s does not know \"%s\"\n", name, text);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *size = NULL, *channels = NULL, *epochs = NULL, *batch = NULL, *rate = NULL, *schedule = NULL,
             *optimiser = NULL, *decay = NULL, *augment = NULL, *smoothing = NULL, *validation = NULL, *patience = NULL,
             *average = NULL, *seed = NULL, *threads = NULL;
  const nsc_cli_option list[] = {
      {"--out", &s->out, NULL},         {"--name", &s->name, NULL},        {"--title", &s->title, NULL},
      {"--net", &s->net, NULL},         {"--size", &size, NULL},           {"--channels", &channels, NULL},
      {"--epochs", &epochs, NULL},      {"--batch", &batch, NULL},         {"--rate", &rate, NULL},
      {"--schedule", &schedule, NULL},  {"--optimiser", &optimiser, NULL}, {"--decay", &decay, NULL},
      {"--augment", &augment, NULL},    {"--smoothing", &smoothing, NULL}, {"--validation", &validation, NULL},
      {"--patient", &s->patient, NULL}, {"--patience", &patience, NULL},   {"--balance", NULL, &s->train.balance},
      {"--average", &average, NULL},    {"--half", NULL, &s->half},        {"--seed", &seed, NULL},
      {"--threads", &threads, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 2) {
    if (argc >= 0) fputs(usage, stderr);
    return false;
  }
  s->folder = argv[1];
  static const char *const schedules[] = {"constant", "step", "cosine", "one-cycle", NULL};
  static const char *const optimisers[] = {"sgd", "rmsprop", "adam", "adamw", NULL};
  static const char *const augments[] = {"none", "film", "usual", NULL};
  int schedule_kind = NSC_SCHEDULE_ONE_CYCLE, optimiser_kind = NSC_OPTIMISER_ADAMW, augment_kind = 1;
  double n[10];
  if ((schedule && !choice("--schedule", schedule, schedules, &schedule_kind)) ||
      (optimiser && !choice("--optimiser", optimiser, optimisers, &optimiser_kind)) ||
      (augment && !choice("--augment", augment, augments, &augment_kind)) ||
      !number("--size", size, 8, 1024, 128, &n[0]) || !number("--channels", channels, 1, 3, 1, &n[1]) ||
      !number("--epochs", epochs, 1, 100000, 20, &n[2]) || !number("--batch", batch, 1, 4096, 32, &n[3]) ||
      !number("--rate", rate, 1e-9, 100, 1e-3, &n[4]) || !number("--decay", decay, 0, 10, 0.02, &n[5]) ||
      !number("--smoothing", smoothing, 0, 0.9, 0, &n[6]) || !number("--average", average, 0, 0.99999, 0.99, &n[7]) ||
      !number("--patience", patience, 0, 100000, 0, &n[8]) || !number("--seed", seed, 0, 9e15, 1, &n[9]) ||
      !number("--validation", validation, 0, 0.9, 0.15, &s->validation)) {
    return false;
  }
  long thread_count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (thread_count < 0) return false;
  s->threads = (uint32_t)thread_count;
  s->recipe = (nsc_recipe){.width = (uint32_t)n[0],
                           .height = (uint32_t)n[0],
                           .channels = n[1] > 1 ? 3 : 1,
                           .crop_scale = 1,
                           .high = 1,
                           .scale = 1,
                           .std = {1, 1, 1}};
  s->train.epochs = (uint32_t)n[2];
  s->train.batch = (uint32_t)n[3];
  s->train.rate = (float)n[4];
  s->train.schedule = (nsc_schedule_kind)schedule_kind;
  s->train.optimiser = nsc_optimiser_defaults((nsc_optimiser_kind)optimiser_kind);
  s->train.optimiser.weight_decay = (float)n[5];
  s->train.optimiser.clip_norm = 5;
  s->train.smoothing = (float)n[6];
  s->train.average = (float)n[7];
  s->train.patience = (uint32_t)n[8];
  s->train.seed = (uint64_t)n[9];
  if (augment_kind == 1) s->train.augment = nsc_augment_film();
  if (augment_kind == 2) s->train.augment = nsc_augment_usual();
  return true;
}

/* ---- data ---- */

/* The label's name: the folder just below `root` in which a file lies; false when it lies in none. */
static bool label_of(const char *root, const char *path, char *label, size_t room) {
  const char *below = path + strlen(root);
  while (*below == '/') below++;
  size_t n = strcspn(below, "/");
  if (below[n] == 0 || n == 0 || n >= room) return false;
  memcpy(label, below, n);
  label[n] = 0;
  return true;
}

/* What the expression matches in the file's name, behind the label's number: patients of two labels are two. */
static bool patient_of(const regex_t *expression, const char *path, uint32_t label, char *patient, size_t room) {
  regmatch_t match;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (regexec(expression, name, 1, &match, 0) != 0) return false;
  snprintf(patient, room, "%u %.*s", label, (int)(match.rm_eo - match.rm_so), name + match.rm_so);
  return true;
}

static nsc_status list_labels(const settings *s, const nsc_cli_paths *paths, nsc_cli_paths *labels, nsc_error *err) {
  char label[256];
  for (size_t i = 0; i < paths->count; i++) {
    if (!label_of(s->folder, paths->list[i], label, sizeof label)) continue;
    /* Paths come in name order: a new label differs from the one before. */
    if (labels->count && strcmp(labels->list[labels->count - 1], label) == 0) continue;
    if (!nsc_cli_add_word(labels, label)) return nsc_fail_memory(err, sizeof label, "labels");
  }
  if (labels->count < 2)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are no two subfolders with files, one a label");
  return NSC_OK;
}

static nsc_status load_folder(const settings *s, nsc_dataset *d, nsc_error *err) {
  nsc_cli_paths paths = {0}, labels = {0};
  regex_t expression;
  bool by_patient = s->patient != NULL;
  if (by_patient && regcomp(&expression, s->patient, REG_EXTENDED) != 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--patient is no regular expression: %.100s", s->patient);
  }
  nsc_status status = nsc_cli_add_path(&paths, s->folder) ? list_labels(s, &paths, &labels, err)
                                                          : nsc_fail_memory(err, 0, "a list of files");
  if (status == NSC_OK) {
    status = nsc_dataset_init(d, s->recipe.height, s->recipe.width, s->recipe.channels, (uint32_t)labels.count,
                              (const char *const *)labels.list, err);
  }
  uint32_t refused = 0, label = 0;
  for (size_t i = 0; i < paths.count && status == NSC_OK; i++) {
    char name[256], patient[256];
    if (!label_of(s->folder, paths.list[i], name, sizeof name)) continue;
    while (strcmp(labels.list[label], name) != 0) label++;
    bool known = by_patient && patient_of(&expression, paths.list[i], label, patient, sizeof patient);
    nsc_image *image;
    nsc_error why = {0};
    if (nsc_cli_open_image(paths.list[i], &image, &why) == NSC_OK) {
      (void)nsc_collect_image(d, image, 0, &s->recipe, paths.list[i], known ? patient : NULL, label, &why);
      nsc_image_free(image);
    }
    if (why.status == NSC_ERROR_MEMORY) {
      status = nsc_fail(err, why.status, "%s", why.text);
    } else if (why.status != NSC_OK) {
      fprintf(stderr, "refused: %s: %s\n", paths.list[i], why.text);
      refused++;
    }
  }
  if (refused) fprintf(stderr, "%u files were refused\n", refused);
  if (by_patient) regfree(&expression);
  nsc_cli_drop_paths(&paths);
  nsc_cli_drop_paths(&labels);
  return status;
}

static void print_data(const nsc_dataset *d) {
  printf("%-24s %8s %10s\n", "label", "training", "validation");
  for (uint32_t i = 0; i < d->label_count; i++) {
    printf("%-24s %8u %10u\n", d->labels[i], nsc_dataset_count(d, NSC_SPLIT_TRAIN, i),
           nsc_dataset_count(d, NSC_SPLIT_VALIDATION, i));
  }
}

/* ---- training ---- */

static nsc_status run_epochs(nsc_trainer *t, uint32_t epochs, nsc_error *err) {
  printf("%5s %12s %12s %10s %10s %10s\n", "epoch", "loss", "validation", "accuracy", "images/s", "rate");
  while (!nsc_trainer_finished(t)) {
    nsc_epoch_stats e;
    NSC_TRY(nsc_trainer_epoch(t, NULL, &e, err));
    printf("%2u/%-2u %12.5f %12.5f %10.4f %10.0f %10.2e%s\n", e.epoch, epochs, e.train_loss, e.validation_loss,
           e.validation_accuracy, e.images_per_second, (double)e.rate, e.best ? "  best" : "");
    fflush(stdout);
  }
  nsc_trainer_use_best(t);
  return NSC_OK;
}

static nsc_status write_model(const settings *s, const nsc_net *net, const nsc_dataset *d, nsc_error *err) {
  nsc_model_facts facts = {.name = s->name,
                           .title = s->title,
                           .task = s->train.task,
                           .label_count = d->label_count,
                           .labels = d->labels,
                           .recipe = &s->recipe,
                           .threshold = 0.5f,
                           .temperature = 1};
  char *bytes;
  size_t size;
  NSC_TRY(nsc_save_model(net, &facts, s->half, &bytes, &size, err));
  FILE *f = fopen(s->out, "wb");
  bool ok = f && fwrite(bytes, 1, size, f) == size;
  if (f && fclose(f) != 0) ok = false;
  nsc_text_free(bytes);
  if (!ok) return nsc_fail(err, NSC_ERROR_IO, "cannot write %.200s", s->out);
  printf("%s: %.2f MB\n", s->out, (double)size / 1e6);
  return NSC_OK;
}

static nsc_status train(settings *s, nsc_dataset *d, nsc_error *err) {
  NSC_TRY(load_folder(s, d, err));
  NSC_TRY(nsc_dataset_split(d, s->validation, 0, s->train.seed, err));
  print_data(d);
  nsc_dataset_statistics(d, s->train.mean, s->train.deviation);
  for (int c = 0; c < 3; c++) {
    s->recipe.mean[c] = s->train.mean[c];
    s->recipe.std[c] = s->train.deviation[c] > 0 ? s->train.deviation[c] : 1;
  }
  s->train.task = d->label_count == 2 ? NSC_TASK_BINARY : NSC_TASK_SINGLE;
  size_t outputs = d->label_count == 2 ? 1 : d->label_count;
  nsc_net *net = NULL;
  nsc_compute *compute = NULL;
  nsc_trainer *trainer = NULL;
  nsc_status status = nsc_zoo_build(s->net, d->height, d->width, d->channels, outputs, s->train.seed, &net, err);
  if (status == NSC_OK) status = nsc_compute_create(s->threads, &compute, err);
  if (status == NSC_OK) status = nsc_trainer_create(net, compute, d, &s->train, &trainer, err);
  if (status == NSC_OK) printf("%s: %zu parameters, %u threads\n", s->net, nsc_net_parameter_count(net), s->threads);
  if (status == NSC_OK) status = run_epochs(trainer, s->train.epochs, err);
  if (status == NSC_OK) status = write_model(s, net, d, err);
  nsc_trainer_free(trainer);
  nsc_compute_free(compute);
  nsc_net_free(net);
  return status;
}

int nsc_cli_train(int argc, char **argv) {
  settings s = {.out = "model.onnx", .name = "model", .net = "small"};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  nsc_dataset d = {0};
  nsc_error err = {0};
  nsc_status status = train(&s, &d, &err);
  nsc_dataset_drop(&d);
  if (status == NSC_OK) return NSC_EXIT_OK;
  fprintf(stderr, "negatoscope train: %s\n", err.text);
  return NSC_EXIT_SOME_FAILED;
}
