/* negatoscope quantize: a model in 8 bits, and what that cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/data.h"
#include "cli/labels.h"
#include "eval/eval.h"

const char nsc_cli_quantize_usage[] =
    "usage: negatoscope quantize [options] MODEL_NAME_OR_FILE DATA -o OUT.onnx\n"
    "       negatoscope quantize --weights-only f16|int8 MODEL_NAME_OR_FILE -o OUT.onnx\n"
    "  --method NAME         how ranges are chosen: minmax, percentile, mse or entropy; minmax\n"
    "  --percentile X        99.99\n"
    "  --images N            pictures to calibrate on, 200, drawn from those for training\n"
    "  --keep-float A,B,...  names of nodes that stay in float, with * and ?\n"
    "  --float-first         the first layer stays in float\n"
    "  --map FROM=TO,...     labels of the data that the model calls otherwise\n"
    "  --report FILE         what it cost, as JSON           --threads N\n"
    "  --recipe JSON --model-labels JSON --output logits|probabilities    for models that do not "
    "say\n" NSC_CLI_DATA_USAGE
    "The cost is measured on the pictures for testing; where the data have none, on those not used for calibration.\n";

enum { MOST_PATTERNS = 64 };

typedef struct settings {
  const char *model, *path, *out, *map, *report, *weights;
  uint32_t images;
  const char *keep[MOST_PATTERNS];
  nsc_cli_data_options data;
  nsc_classifier_options classifier;
  nsc_quantize_options quantize;
} settings;

typedef struct job {
  const settings *s;
  nsc_model *model, *quantised;
  nsc_classifier *before, *after;
  nsc_cli_data data;
  bool *used; /* [data.count] for calibration */
  char *bytes;
  size_t size;
  uint32_t calibrated, compared, agreed, refused, labels;
  double largest, sum, ms_before, ms_after, auc[2]; /* NaN where there are no labels to judge by */
  float *scores[2];                                 /* [data.count][labels] */
  int32_t *truth;                                   /* [data.count], -1 where the model does not know the label */
} job;

/* ---- options ---- */

static bool fail_usage(const char *text, const char *word) {
  fprintf(stderr, "negatoscope quantize: ");
  fprintf(stderr, text, word);
  fputs("\n", stderr);
  return false;
}

static bool read_patterns(char *list, settings *s) {
  for (char *word = list; word && *word;) {
    char *comma = strchr(word, ',');
    if (comma) *comma = 0;
    if (s->quantize.keep_count == MOST_PATTERNS) return fail_usage("--keep-float takes fewer names", "");
    s->keep[s->quantize.keep_count++] = word;
    word = comma ? comma + 1 : NULL;
  }
  s->quantize.keep = s->keep;
  return true;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *method = "minmax", *percentile = NULL, *images = NULL, *keep = NULL, *threads = NULL;
  const nsc_cli_option list[] = {{"-o", &s->out, NULL},
                                 {"--out", &s->out, NULL},
                                 {"--method", &method, NULL},
                                 {"--percentile", &percentile, NULL},
                                 {"--images", &images, NULL},
                                 {"--keep-float", &keep, NULL},
                                 {"--float-first", NULL, &s->quantize.float_first},
                                 {"--weights-only", &s->weights, NULL},
                                 {"--map", &s->map, NULL},
                                 {"--report", &s->report, NULL},
                                 {"--threads", &threads, NULL},
                                 NSC_CLI_CLASSIFIER_OPTIONS(s->classifier, "--model-labels"),
                                 NSC_CLI_DATA_OPTIONS(s->data)};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != (s->weights ? 2 : 3) || !s->out) {
    if (argc >= 0) fputs(nsc_cli_quantize_usage, stderr);
    return false;
  }
  s->model = argv[1];
  s->path = argv[2];
  if (s->weights && strcmp(s->weights, "f16") != 0 && strcmp(s->weights, "int8") != 0) {
    return fail_usage("--weights-only is f16 or int8, not \"%s\"", s->weights);
  }
  if (!nsc_quantize_method_named(method, &s->quantize.method)) {
    return fail_usage("--method is minmax, percentile, mse or entropy, not \"%s\"", method);
  }
  long count = nsc_cli_number("--images", images, 1, 200), thread_count;
  thread_count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  if (count < 0 || thread_count < 0 || !read_patterns((char *)(uintptr_t)keep, s) ||
      !nsc_cli_real("quantize", "--percentile", percentile, 90, 100, 99.99, &s->quantize.percentile)) {
    return false;
  }
  s->images = (uint32_t)count;
  s->classifier.threads = (uint32_t)thread_count;
  return nsc_cli_data_read_options("quantize", &s->data);
}

/* ---- calibration ---- */

/* Every k-th picture of the split, so that all labels and the whole list have a part. */
static void choose(job *j, bool any_split) {
  uint32_t total = 0, at = 0;
  for (uint32_t i = 0; i < j->data.count; i++) total += any_split || j->data.samples[i].split == NSC_SPLIT_TRAIN;
  for (uint32_t i = 0; i < j->data.count; i++) {
    if (!any_split && j->data.samples[i].split != NSC_SPLIT_TRAIN) continue;
    uint64_t want = j->s->images < total ? j->s->images : total;
    j->used[i] = (uint64_t)at * want / total != ((uint64_t)at + 1) * want / total;
    at++;
  }
}

static nsc_status calibrate(job *j, nsc_quantization *q, nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t total = 0, done = 0, failed = 0;
  for (uint32_t i = 0; i < j->data.count; i++) total += j->used[i];
  for (uint32_t i = 0; i < j->data.count; i++) {
    if (!j->used[i]) continue;
    nsc_image *image = NULL;
    nsc_error why = {0};
    nsc_status status = nsc_cli_data_image(&j->data, i, &image, &why);
    if (status == NSC_OK) status = nsc_quantization_add(q, image, 0, NULL, &why);
    nsc_image_free(image);
    if (status != NSC_OK) {
      fprintf(stderr, "refused: %s: %s\n", j->data.samples[i].name, why.text);
      failed++;
    }
    nsc_cli_show_progress(&progress, ++done, total);
  }
  j->calibrated = total - failed;
  j->refused += failed;
  return nsc_quantization_finish(q, &j->bytes, &j->size, err);
}

static nsc_status quantise(job *j, nsc_error *err) {
  uint32_t training = 0;
  j->used = calloc((size_t)j->data.count + 1, sizeof *j->used);
  if (!j->used) return nsc_fail_memory(err, j->data.count, "the list of pictures");
  for (uint32_t i = 0; i < j->data.count; i++) training += j->data.samples[i].split == NSC_SPLIT_TRAIN;
  choose(j, training == 0);
  nsc_quantization *q;
  NSC_TRY(nsc_quantization_create(j->model, &j->s->classifier, &j->s->quantize, &q, err));
  nsc_status status = calibrate(j, q, err);
  nsc_quantization_free(q);
  return status;
}

/* ---- what it cost ---- */

static nsc_status make_room(job *j, nsc_error *err) {
  nsc_result blank;
  nsc_classifier_blank_result(j->before, &blank);
  j->labels = blank.count;
  size_t count = (size_t)j->data.count + 1;
  for (int k = 0; k < 2; k++) j->scores[k] = calloc(count * blank.count, sizeof **j->scores);
  j->truth = malloc(count * sizeof *j->truth);
  return j->scores[0] && j->scores[1] && j->truth ? NSC_OK
                                                  : nsc_fail_memory(err, count * blank.count * 8, "the comparison");
}

static int32_t truth_of(const job *j, uint32_t sample) {
  nsc_result blank;
  nsc_classifier_blank_result(j->before, &blank);
  const char *label = j->data.labels[j->data.samples[sample].label];
  size_t size = strlen(label);
  uint32_t number;
  label = nsc_cli_mapped_label(j->s->map, label, &size);
  bool known = blank.task != NSC_TASK_MULTI && nsc_cli_find_label(&blank, label, size, &number);
  return known ? (int32_t)number : -1;
}

static nsc_status compare_one(job *j, uint32_t sample, nsc_error *err) {
  nsc_image *image;
  nsc_result before, after;
  NSC_TRY(nsc_cli_data_image(&j->data, sample, &image, err));
  nsc_status status = nsc_classifier_run(j->before, image, 0, NULL, &before, err);
  if (status == NSC_OK) status = nsc_classifier_run(j->after, image, 0, NULL, &after, err);
  nsc_image_free(image);
  if (status != NSC_OK) return status;
  size_t at = (size_t)j->compared * j->labels;
  for (uint32_t k = 0; k < j->labels; k++) {
    double change = fabs((double)after.scores[k] - (double)before.scores[k]);
    j->largest = fmax(j->largest, change);
    j->sum += change;
  }
  memcpy(j->scores[0] + at, before.scores, j->labels * sizeof(float));
  memcpy(j->scores[1] + at, after.scores, j->labels * sizeof(float));
  j->agreed += before.verdict == after.verdict;
  j->ms_before += before.inference_ms;
  j->ms_after += after.inference_ms;
  j->truth[j->compared++] = truth_of(j, sample);
  return NSC_OK;
}

/* The mean of the areas of each label against the rest; of a binary task of its second label. */
static nsc_status area(const job *j, const float *scores, double *out, nsc_error *err) {
  float *column = malloc((j->compared + (size_t)1) * sizeof *column);
  uint8_t *truth = malloc(j->compared + (size_t)1);
  nsc_status status = column && truth ? NSC_OK : nsc_fail_memory(err, j->compared * 5, "the comparison");
  double sum = 0;
  uint32_t defined = 0;
  for (uint32_t k = j->labels == 2 ? 1 : 0; k < j->labels && status == NSC_OK; k++) {
    uint32_t known = 0;
    for (uint32_t i = 0; i < j->compared; i++) {
      if (j->truth[i] < 0) continue;
      column[known] = scores[(size_t)i * j->labels + k];
      truth[known++] = j->truth[i] == (int32_t)k;
    }
    nsc_eval_curve curve;
    status = known ? nsc_eval_curve_make(column, truth, known, &curve, err) : NSC_OK;
    if (status != NSC_OK || !known) break;
    double auc = nsc_eval_curve_auc(&curve);
    nsc_eval_curve_drop(&curve);
    if (isfinite(auc)) sum += auc, defined++;
  }
  *out = defined ? sum / defined : NAN;
  free(column);
  free(truth);
  return status;
}

static nsc_status compare(job *j, nsc_error *err) {
  nsc_cli_progress progress = {0};
  bool tests = false;
  uint32_t total = 0, done = 0;
  for (uint32_t i = 0; i < j->data.count; i++) tests = tests || j->data.samples[i].split == NSC_SPLIT_TEST;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < j->data.count; i++) {
      if (j->used[i] || (tests && j->data.samples[i].split != NSC_SPLIT_TEST)) continue;
      nsc_error why = {0};
      total += pass == 0;
      if (pass == 0) continue;
      if (compare_one(j, i, &why) != NSC_OK) {
        fprintf(stderr, "refused: %s: %s\n", j->data.samples[i].name, why.text);
        j->refused++;
      }
      nsc_cli_show_progress(&progress, ++done, total);
    }
  }
  for (int k = 0; k < 2; k++) NSC_TRY(area(j, j->scores[k], &j->auc[k], err));
  return NSC_OK;
}

/* ---- what is said ---- */

static nsc_status write_report(const job *j, size_t size_before, nsc_error *err) {
  nsc_text t = {0};
  char *text;
  const char *facts = nsc_model_metadata(j->quantised, "nsc.quantization", NULL);
  nsc_text_printf(&t, "{\"quantization\":%s,\"bytesBefore\":%zu,\"bytesAfter\":%zu,\"compared\":%u", facts, size_before,
                  j->size, j->compared);
  if (j->compared) {
    nsc_text_printf(&t, ",\"agreement\":%.9g,\"largestChange\":%.9g,\"meanChange\":%.9g",
                    (double)j->agreed / j->compared, j->largest, j->sum / j->compared / j->labels);
    nsc_text_printf(&t, ",\"msBefore\":%.4g,\"msAfter\":%.4g", j->ms_before / j->compared, j->ms_after / j->compared);
  }
  if (isfinite(j->auc[0]) && isfinite(j->auc[1])) {
    nsc_text_printf(&t, ",\"aucBefore\":%.9g,\"aucAfter\":%.9g", j->auc[0], j->auc[1]);
  }
  nsc_text_put(&t, "}\n");
  NSC_TRY(nsc_text_finish(&t, &text, err));
  nsc_status status = nsc_cli_write(j->s->report, text, strlen(text), err);
  nsc_text_free(text);
  return status;
}

static void say(const job *j, size_t size_before) {
  printf("%s: %.2f MB instead of %.2f MB, calibrated on %u pictures\n", j->s->out, (double)j->size / 1e6,
         (double)size_before / 1e6, j->calibrated);
  if (!j->compared) {
    puts("no pictures are left to compare on");
    return;
  }
  printf("on %u other pictures: same verdict on %u (%.4f), largest change of a score %.4f, mean %.5f\n", j->compared,
         j->agreed, (double)j->agreed / j->compared, j->largest, j->sum / j->compared / j->labels);
  if (isfinite(j->auc[0])) printf("AUC %.4f, was %.4f\n", j->auc[1], j->auc[0]);
  printf("%.2f ms a picture, was %.2f ms\n", j->ms_after / j->compared, j->ms_before / j->compared);
}

/* ---- the whole ---- */

/* Opens what was made, as a file would be. */
static nsc_status reopen(job *j, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_source_from_bytes(j->bytes, j->size, &source, err));
  nsc_status status = nsc_model_open(source, &j->quantised, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status run(job *j, nsc_error *err) {
  NSC_TRY(nsc_cli_open_model(j->s->model, &j->model, err));
  size_t size_before = nsc_model_bytes(j->model);
  if (j->s->weights) {
    nsc_weight_storage storage = j->s->weights[0] == 'f' ? NSC_WEIGHTS_F16 : NSC_WEIGHTS_INT8;
    NSC_TRY(nsc_quantize_weights(j->model, storage, &j->bytes, &j->size, err));
    NSC_TRY(nsc_cli_replace(j->s->out, j->bytes, j->size, err));
    printf("%s: %.2f MB instead of %.2f MB\n", j->s->out, (double)j->size / 1e6, (double)size_before / 1e6);
    return NSC_OK;
  }
  NSC_TRY(nsc_classifier_create(j->model, &j->s->classifier, &j->before, err));
  NSC_TRY(nsc_cli_data_open(j->s->path, &j->s->data, &j->data, err));
  NSC_TRY(make_room(j, err));
  NSC_TRY(quantise(j, err));
  NSC_TRY(reopen(j, err));
  NSC_TRY(nsc_classifier_create(j->quantised, &j->s->classifier, &j->after, err));
  NSC_TRY(nsc_cli_replace(j->s->out, j->bytes, j->size, err));
  NSC_TRY(compare(j, err));
  say(j, size_before);
  return j->s->report ? write_report(j, size_before, err) : NSC_OK;
}

static void drop(job *j) {
  free(j->used);
  free(j->scores[0]);
  free(j->scores[1]);
  free(j->truth);
  nsc_text_free(j->bytes);
  nsc_cli_data_drop(&j->data);
  nsc_classifier_free(j->before);
  nsc_classifier_free(j->after);
  nsc_model_free(j->model);
  nsc_model_free(j->quantised);
}

int nsc_cli_quantize(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  job j = {.s = &s, .auc = {NAN, NAN}};
  nsc_error err = {0};
  nsc_status status = run(&j, &err);
  bool refused = j.refused > 0;
  drop(&j);
  if (status != NSC_OK) fprintf(stderr, "negatoscope quantize: %s\n", err.text);
  return status == NSC_OK && !refused ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
