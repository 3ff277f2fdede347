/* negatoscope verify: the run of a report once more, and whether it says the same. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/source.h"
#include "cli/record.h"

const char nsc_cli_verify_usage[] =
    "usage: negatoscope verify [--json] [--threads N] REPORT.json FILE [MODEL]\n"
    "Runs what the report says (negatoscope report --json) on the file again. MODEL is a name or a file; without it "
    "the\n"
    "one that comes with the program under the report's name. Within a build every number must be the same, between\n"
    "builds scores within 0.00001. Exit code 0: equal, 1: different or refused.\n";

static void print_value(const nsc_json_value *value) {
  nsc_text t = {0};
  char *text;
  nsc_json_write(&t, value, NULL);
  if (nsc_text_finish(&t, &text, NULL) != NSC_OK) return;
  fputs(text, stdout);
  nsc_text_free(text);
}

static void print_words(const nsc_json_value *found, bool equal) {
  const nsc_json_value *list = nsc_json_get(found, "differences"), *each = nsc_json_first(list);
  for (uint32_t i = 0; i < list->count; i++, each = nsc_json_next(each)) {
    printf("%s: ", nsc_json_text_of(each, "path"));
    print_value(nsc_json_get(each, "reported"));
    fputs(" in the report, ", stdout);
    print_value(nsc_json_get(each, "repeated"));
    puts(" now");
  }
  bool exact = nsc_json_get(found, "exact")->number != 0, same = nsc_json_get(found, "sameBuild")->number != 0;
  printf("%s: %s build, ", equal ? "equal" : "different", same ? "the same" : "another");
  if (exact) puts("the same numbers");
  if (!exact) printf("scores differ by %.3g at most\n", nsc_json_number_of(found, "largest"));
}

static nsc_status say(const nsc_record_request *request, const nsc_record *record, bool as_json, bool *equal,
                      nsc_error *err) {
  char *json;
  nsc_json found;
  NSC_TRY(nsc_record_compare(request, record, &json, err));
  nsc_status status = nsc_json_parse(json, strlen(json), &found, err);
  if (status == NSC_OK) {
    *equal = nsc_json_get(&found.values[0], "equal")->number != 0;
    if (as_json) {
      puts(json);
    } else {
      print_words(&found.values[0], *equal);
    }
    nsc_json_drop(&found);
  }
  nsc_text_free(json);
  return status;
}

/* `model` NULL: the report's own name for it. */
static nsc_status repeat(nsc_source *report, const char *path, const char *model, uint32_t threads, bool as_json,
                         bool *equal, nsc_error *err) {
  char now[32];
  nsc_record_request *request;
  nsc_cli_record made = {0};
  nsc_cli_run run = {.path = path, .method_given = true};
  NSC_TRY(nsc_record_request_read((const char *)report->bytes, report->size, &request, err));
  const char *name = nsc_record_request_model(request);
  run.model = model ? model : name && !strchr(name, '/') ? name : ""; /* a report names a model and opens no path */
  run.frame = nsc_record_request_frame(request, &run.record.threshold);
  nsc_record_request_classifier(request, &run.classifier);
  run.classifier.threads = threads;
  run.explain = nsc_record_request_explanation(request, &run.explanation);
  (void)nsc_record_request_stability(request, &run.draws, &run.seed);
  nsc_cli_now(now);
  run.record.time = now;
  nsc_status status = nsc_cli_record_make(&run, &made, err);
  if (status == NSC_OK) status = say(request, made.record, as_json, equal, err);
  nsc_cli_record_drop(&made);
  nsc_record_request_free(request);
  return status;
}

int nsc_cli_verify(int argc, char **argv) {
  bool as_json = false, equal = false;
  const char *threads = NULL;
  const nsc_cli_option list[] = {{"--json", NULL, &as_json}, {"--threads", &threads, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  long count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if ((argc != 3 && argc != 4) || count < 0) {
    if (argc >= 0) fputs(nsc_cli_verify_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  nsc_error err = {0};
  nsc_source *report = NULL;
  nsc_status status = nsc_cli_read(argv[1], &report, &err);
  if (status == NSC_OK) {
    status = repeat(report, argv[2], argc == 4 ? argv[3] : NULL, (uint32_t)count, as_json, &equal, &err);
  }
  nsc_source_free(report);
  if (status != NSC_OK) fprintf(stderr, "negatoscope verify: %s: %s\n", argv[1], err.text);
  return status == NSC_OK && equal ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
