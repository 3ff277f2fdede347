/* negatoscope stability: how a score moves, and whether the verdict turns, under small changes of a picture. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/steps.h"

const char nsc_cli_stability_usage[] =
    "usage: negatoscope stability [--model NAME_OR_FILE] [--draws N] [--seed N] [--frame N] [--threads N]\n"
    "                             [--recipe JSON] [--labels JSON] [--output logits|probabilities] FILE...\n"
    "Prints JSON: the score, and what shifts, turns, noise, contrast, JPEG and others of the kind make of it, 8 of "
    "each.\n";

typedef struct settings {
  const char *model;
  uint32_t draws, frame;
  uint64_t seed;
  nsc_classifier_options classifier;
} settings;

static nsc_status test(const settings *s, nsc_classifier *classifier, nsc_image *image, char **json, nsc_error *err) {
  nsc_stability *stability;
  NSC_TRY(nsc_cli_stability_all(classifier, image, s->frame, s->draws, s->seed, &stability, err));
  nsc_status status = nsc_stability_json(stability, json, err);
  nsc_stability_free(stability);
  return status;
}

static bool test_file(const settings *s, nsc_classifier *classifier, const char *path, bool first) {
  nsc_error err = {0};
  nsc_image *image = NULL;
  char *json = NULL;
  nsc_status status = nsc_cli_open_image(path, &image, &err);
  if (status == NSC_OK) status = test(s, classifier, image, &json, &err);
  nsc_image_free(image);
  return nsc_cli_print_row(path, "stability", status == NSC_OK ? json : NULL, &err, first);
}

static int run(const settings *s, int argc, char **argv) {
  nsc_error err = {0};
  nsc_model *model = NULL;
  nsc_classifier *classifier = NULL;
  int code = NSC_EXIT_SOME_FAILED;
  if (nsc_cli_open_model(s->model, &model, &err) == NSC_OK &&
      nsc_classifier_create(model, &s->classifier, &classifier, &err) == NSC_OK) {
    code = NSC_EXIT_OK;
    fputs("[", stdout);
    for (int i = 1; i < argc; i++) {
      if (!test_file(s, classifier, argv[i], i == 1)) code = NSC_EXIT_SOME_FAILED;
    }
    puts("]");
  } else {
    fprintf(stderr, "negatoscope stability: model %s: %s\n", s->model ? s->model : "(default)", err.text);
  }
  nsc_classifier_free(classifier);
  nsc_model_free(model);
  return code;
}

int nsc_cli_stability(int argc, char **argv) {
  const char *draws = NULL, *seed = NULL, *frame = NULL, *threads = NULL;
  settings s = {0};
  const nsc_cli_option list[] = {{"--model", &s.model, NULL},   {"--draws", &draws, NULL},
                                 {"--seed", &seed, NULL},       {"--frame", &frame, NULL},
                                 {"--threads", &threads, NULL}, NSC_CLI_CLASSIFIER_OPTIONS(s.classifier, "--labels")};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc < 2) {
    if (argc >= 0) fputs(nsc_cli_stability_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  long numbers[4] = {nsc_cli_number("--draws", draws, 1, 8), nsc_cli_number("--seed", seed, 0, 1),
                     nsc_cli_number("--frame", frame, 1, 1),
                     nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors())};
  for (int i = 0; i < 4; i++) {
    if (numbers[i] < 0) return NSC_EXIT_USAGE;
  }
  s.draws = (uint32_t)numbers[0];
  s.seed = (uint64_t)numbers[1];
  s.frame = (uint32_t)numbers[2] - 1;
  s.classifier.threads = (uint32_t)numbers[3];
  return run(&s, argc, argv);
}
