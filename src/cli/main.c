#include <string.h>

#include "cli/cli.h"

static const struct {
  const char *name, *what;
  int (*run)(int argc, char **argv);
  const char *usage;
} verbs[] = {
    {"info", "what a file is: image or model, as JSON", nsc_cli_info, nsc_cli_info_usage},
    {"classify", "scores of images and folders", nsc_cli_classify, nsc_cli_classify_usage},
    {"ensemble", "what several models say together", nsc_cli_ensemble, nsc_cli_ensemble_usage},
    {"explain", "what in an image influenced a model", nsc_cli_explain, nsc_cli_explain_usage},
    {"report", "a result to print, to file and to repeat", nsc_cli_report, nsc_cli_report_usage},
    {"verify", "whether a report's run says the same again", nsc_cli_verify, nsc_cli_verify_usage},
    {"train", "a network from pictures with labels", nsc_cli_train, nsc_cli_train_usage},
    {"evaluate", "how good a model is on pictures whose labels are known", nsc_cli_evaluate, nsc_cli_evaluate_usage},
    {"convert", "frames to PNG or PGM, windowed, filtered, resized", nsc_cli_convert, nsc_cli_convert_usage},
    {"deidentify", "copies of DICOM files that do not say whom they show", nsc_cli_deidentify,
     nsc_cli_deidentify_usage},
    {"phantom", "synthetic CT slices with and without lesions, to train on", nsc_cli_phantom, nsc_cli_phantom_usage},
    {"describe", "what a model file says of itself, changed", nsc_cli_describe, nsc_cli_describe_usage},
    {"stability", "whether small changes turn a verdict", nsc_cli_stability, nsc_cli_stability_usage},
    {"range", "which pictures a model may judge", nsc_cli_range, nsc_cli_range_usage},
    {"quantize", "a model in 8 bits: smaller and faster", nsc_cli_quantize, nsc_cli_quantize_usage},
    {"bench", "how long a model takes on this machine", nsc_cli_bench, nsc_cli_bench_usage},
};

enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static void help(FILE *to) {
  fprintf(to, "negatoscope %s: medical images and the networks that classify them\n\n", nsc_version());
  for (int i = 0; i < VERB_COUNT; i++) fprintf(to, "  negatoscope %-10s %s\n", verbs[i].name, verbs[i].what);
  fputs("\nA verb with --help says how it is used. For research and teaching. Not for diagnosis.\n", to);
}

static bool asks_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv) {
  for (int i = 0; argc > 1 && i < VERB_COUNT; i++) {
    if (strcmp(argv[1], verbs[i].name) != 0) continue;
    if (argc != 3 || !asks_help(argv[2])) return verbs[i].run(argc - 1, argv + 1);
    fputs(verbs[i].usage, stdout);
    return NSC_EXIT_OK;
  }
  bool asked = argc > 1 && (strcmp(argv[1], "help") == 0 || asks_help(argv[1]));
  if (argc > 1 && strcmp(argv[1], "--version") == 0) {
    puts(nsc_version());
    return NSC_EXIT_OK;
  }
  if (argc > 1 && !asked) fprintf(stderr, "negatoscope: there is no verb \"%s\"\n\n", argv[1]);
  help(asked ? stdout : stderr);
  return asked ? NSC_EXIT_OK : NSC_EXIT_USAGE;
}
