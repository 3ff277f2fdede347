/* negatoscope train: a network from pictures with labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/data.h"
#include "cli/judge.h"
#include "pipeline/collect.h"
#include "train/trainer.h"
#include "train/zoo.h"

static const char usage[] =
    "usage: negatoscope train [options] DATA      two labels: absent, present in name order or that of --labels\n"
    "  --out FILE            the model (model.onnx)      --name NAME --title TEXT   what it says of itself\n"
    "  --net NAME            small                       --size N --channels N      128, 1\n"
    "  --epochs N            20                          --batch N                  32\n"
    "  --rate X              0.001                       --schedule KIND            one-cycle, constant, step, cosine\n"
    "  --optimiser KIND      adamw, adam, sgd, rmsprop   --decay X                  0.02\n"
    "  --augment KIND        film, usual, none           --smoothing X              0\n"
    "  --sensitivity X       of the threshold, at least  --threads N\n"
    "  --patience N          0: all epochs               --balance                  rare labels weigh more\n"
    "  --average X           0.99                        --half                     float16 weights in the file\n"
    "  --steps JSON          filters on each picture, kept in the model: "
    "[{\"step\":\"median\",\"size\":3}]\n" NSC_CLI_DATA_USAGE;

typedef struct settings {
  const char *path, *out, *name, *title, *net;
  nsc_cli_data_options data;
  nsc_recipe recipe;
  nsc_train_options train;
  double sensitivity; /* of the threshold on validation; 0 for Youden's */
  uint32_t threads;
  bool half;
} settings;

/* ---- options ---- */

static bool number(const char *name, const char *text, double least, double most, double otherwise, double *out) {
  return nsc_cli_real("train", name, text, least, most, otherwise, out);
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

static bool read_steps(const char *json, nsc_steps *out) {
  nsc_error err = {0};
  if (nsc_steps_parse(json, strlen(json), out, &err) == NSC_OK) return true;
  fprintf(stderr, "negatoscope train: %s\n", err.text);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *size = NULL, *channels = NULL, *epochs = NULL, *batch = NULL, *rate = NULL, *schedule = NULL,
             *optimiser = NULL, *decay = NULL, *augment = NULL, *smoothing = NULL, *patience = NULL, *average = NULL,
             *sensitivity = NULL, *threads = NULL, *steps = NULL;
  const nsc_cli_option list[] = {{"--out", &s->out, NULL},
                                 {"--name", &s->name, NULL},
                                 {"--title", &s->title, NULL},
                                 {"--net", &s->net, NULL},
                                 {"--size", &size, NULL},
                                 {"--channels", &channels, NULL},
                                 {"--epochs", &epochs, NULL},
                                 {"--batch", &batch, NULL},
                                 {"--rate", &rate, NULL},
                                 {"--schedule", &schedule, NULL},
                                 {"--optimiser", &optimiser, NULL},
                                 {"--decay", &decay, NULL},
                                 {"--augment", &augment, NULL},
                                 {"--smoothing", &smoothing, NULL},
                                 {"--sensitivity", &sensitivity, NULL},
                                 {"--patience", &patience, NULL},
                                 {"--balance", NULL, &s->train.balance},
                                 {"--average", &average, NULL},
                                 {"--half", NULL, &s->half},
                                 {"--threads", &threads, NULL},
                                 {"--steps", &steps, NULL},
                                 NSC_CLI_DATA_OPTIONS(s->data)};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 2) {
    if (argc >= 0) fputs(usage, stderr);
    return false;
  }
  s->path = argv[1];
  static const char *const schedules[] = {"constant", "step", "cosine", "one-cycle", NULL};
  static const char *const optimisers[] = {"sgd", "rmsprop", "adam", "adamw", NULL};
  static const char *const augments[] = {"none", "film", "usual", NULL};
  int schedule_kind = NSC_SCHEDULE_ONE_CYCLE, optimiser_kind = NSC_OPTIMISER_ADAMW, augment_kind = 1;
  double n[9];
  if ((schedule && !choice("--schedule", schedule, schedules, &schedule_kind)) ||
      (optimiser && !choice("--optimiser", optimiser, optimisers, &optimiser_kind)) ||
      (augment && !choice("--augment", augment, augments, &augment_kind)) ||
      !number("--size", size, 8, 1024, 128, &n[0]) || !number("--channels", channels, 1, 3, 1, &n[1]) ||
      !number("--epochs", epochs, 1, 100000, 20, &n[2]) || !number("--batch", batch, 1, 4096, 32, &n[3]) ||
      !number("--rate", rate, 1e-9, 100, 1e-3, &n[4]) || !number("--decay", decay, 0, 10, 0.02, &n[5]) ||
      !number("--smoothing", smoothing, 0, 0.9, 0, &n[6]) || !number("--average", average, 0, 0.99999, 0.99, &n[7]) ||
      !number("--patience", patience, 0, 100000, 0, &n[8]) ||
      !number("--sensitivity", sensitivity, 0, 1, 0, &s->sensitivity) ||
      !nsc_cli_data_read_options("train", &s->data)) {
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
  if (steps && !read_steps(steps, &s->recipe.steps)) return false;
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
  s->train.seed = s->data.seed;
  if (augment_kind == 1) s->train.augment = nsc_augment_film();
  if (augment_kind == 2) s->train.augment = nsc_augment_usual();
  return true;
}

/* ---- data ---- */

static void print_data(const nsc_dataset *d) {
  printf("%-24s %8s %10s %8s\n", "label", "training", "validation", "test");
  for (uint32_t i = 0; i < d->label_count; i++) {
    printf("%-24s %8u %10u %8u\n", d->labels[i], nsc_dataset_count(d, NSC_SPLIT_TRAIN, i),
           nsc_dataset_count(d, NSC_SPLIT_VALIDATION, i), nsc_dataset_count(d, NSC_SPLIT_TEST, i));
  }
}

static nsc_status load(const settings *s, nsc_dataset *d, nsc_error *err) {
  nsc_cli_data data;
  NSC_TRY(nsc_cli_data_open(s->path, &s->data, &data, err));
  nsc_status status = nsc_cli_data_load(&data, &s->recipe, d, err);
  nsc_cli_data_drop(&data);
  return status;
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

static nsc_status write_model(const settings *s, const nsc_net *net, const nsc_dataset *d,
                              const nsc_calibration *calibration, nsc_error *err) {
  nsc_model_facts facts = {.name = s->name,
                           .title = s->title,
                           .task = s->train.task,
                           .label_count = d->label_count,
                           .labels = d->labels,
                           .recipe = &s->recipe,
                           .threshold = calibration->threshold,
                           .temperature = calibration->temperature};
  char *bytes;
  size_t size;
  NSC_TRY(nsc_save_model(net, &facts, s->half, &bytes, &size, err));
  nsc_status status = nsc_cli_write(s->out, bytes, size, err);
  nsc_text_free(bytes);
  NSC_TRY(status);
  printf("%s: %.2f MB\n", s->out, (double)size / 1e6);
  return NSC_OK;
}

static nsc_status train(settings *s, nsc_dataset *d, nsc_error *err) {
  NSC_TRY(load(s, d, err));
  print_data(d);
  nsc_dataset_statistics(d, s->train.mean, s->train.deviation);
  for (int c = 0; c < 3; c++) {
    s->recipe.mean[c] = s->train.mean[c];
    s->recipe.std[c] = s->train.deviation[c] > 0 ? s->train.deviation[c] : 1;
  }
  s->train.task = d->label_count == 2 ? NSC_TASK_BINARY : NSC_TASK_SINGLE;
  uint32_t outputs = d->label_count == 2 ? 1 : d->label_count;
  nsc_net *net = NULL;
  nsc_compute *compute = NULL;
  nsc_trainer *trainer = NULL;
  nsc_status status = nsc_zoo_build(s->net, d->height, d->width, d->channels, outputs, s->train.seed, &net, err);
  if (status == NSC_OK) status = nsc_compute_create(s->threads, &compute, err);
  if (status == NSC_OK) status = nsc_trainer_create(net, compute, d, &s->train, &trainer, err);
  if (status == NSC_OK) printf("%s: %zu parameters, %u threads\n", s->net, nsc_net_parameter_count(net), s->threads);
  if (status == NSC_OK) status = run_epochs(trainer, s->train.epochs, err);
  nsc_calibration calibration;
  if (status == NSC_OK) {
    status = nsc_cli_calibrate(trainer, d, s->train.task, outputs, s->sensitivity, &calibration, err);
  }
  if (status == NSC_OK) status = write_model(s, net, d, &calibration, err);
  if (status == NSC_OK) status = nsc_cli_judge(trainer, d, s->train.task, outputs, &calibration, err);
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
