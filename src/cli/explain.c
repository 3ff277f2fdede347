/* negatoscope explain: a map of what in an image influenced a model, as JSON and as a picture. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/labels.h"
#include "cli/picture.h"
#include "cli/steps.h"

const char nsc_cli_explain_usage[] =
    "usage: negatoscope explain [options] FILE\n"
    "  --model NAME_OR_FILE  --frame N  --threads N\n"
    "  --method NAME         cam, grad-cam, grad-cam++, occlusion, rise, gradient, integrated-gradients or "
    "smooth-grad;\n"
    "                        grad-cam, or occlusion where the model does not allow it\n"
    "  --label NAME          what is asked about: the verdict, or what would be present\n"
    "  --threshold X         regions are where the map is at least this share of its highest place, 0 to 1; 0.5\n"
    "  -o FILE.png           the image with the map over it    --opacity X   of the map, 0 to 1; 0.5\n"
    "  --map FILE.npy        the map as numbers, float32 [height][width] of the model's input\n"
    "  --samples N           masks of RISE, steps or noisy pictures; 1000 or 24\n"
    "  --window N --stride N of occlusion, pixels of the model's input\n"
    "  --curves N            insertion and deletion curves of so many points\n"
    "  --check               the same map with shuffled weights, and how alike both are\n"
    "  --seed N              of masks, noise and shuffled weights\n"
    "  --recipe JSON --labels JSON --output logits|probabilities    for models that do not say\n"
    "A map shows what influenced the model. It does not show a lesion.\n";

typedef struct settings {
  const char *model, *path, *out, *map, *label;
  bool method_given, check;
  uint32_t frame;
  double threshold, opacity;
  nsc_explain_options explain;
  nsc_classifier_options classifier;
} settings;

typedef struct job {
  const settings *s;
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_image *image;
  nsc_explanation *explanation;
} job;

/* ---- options ---- */

static bool read_count(const char *name, const char *text, uint32_t *out) {
  long value = nsc_cli_number(name, text, 1, 0);
  *out = value > 0 ? (uint32_t)value : 0;
  return value >= 0;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *method = NULL, *threshold = NULL, *opacity = NULL, *samples = NULL, *window = NULL, *stride = NULL;
  const char *curves = NULL, *seed = NULL, *frame = NULL, *threads = NULL;
  const nsc_cli_option list[] = {{"--model", &s->model, NULL},
                                 {"--method", &method, NULL},
                                 {"--label", &s->label, NULL},
                                 {"--threshold", &threshold, NULL},
                                 {"-o", &s->out, NULL},
                                 {"--out", &s->out, NULL},
                                 {"--map", &s->map, NULL},
                                 {"--opacity", &opacity, NULL},
                                 {"--samples", &samples, NULL},
                                 {"--window", &window, NULL},
                                 {"--stride", &stride, NULL},
                                 {"--curves", &curves, NULL},
                                 {"--check", NULL, &s->check},
                                 {"--seed", &seed, NULL},
                                 {"--frame", &frame, NULL},
                                 {"--threads", &threads, NULL},
                                 NSC_CLI_CLASSIFIER_OPTIONS(s->classifier, "--labels")};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 2) {
    if (argc >= 0) fputs(nsc_cli_explain_usage, stderr);
    return false;
  }
  s->path = argv[1];
  s->method_given = method != NULL;
  if (!nsc_explain_method_named(method ? method : "grad-cam", &s->explain.method)) {
    fprintf(stderr, "negatoscope explain: there is no method \"%s\"\n%s", method, nsc_cli_explain_usage);
    return false;
  }
  uint32_t first = 0;
  long count = nsc_cli_number("--threads", threads, 1, (long)nsc_cli_processors());
  long number = nsc_cli_number("--seed", seed, 0, 1);
  bool fits = read_count("--samples", samples, &s->explain.samples) &&
              read_count("--window", window, &s->explain.window) &&
              read_count("--stride", stride, &s->explain.stride) && read_count("--curves", curves, &s->explain.curve) &&
              read_count("--frame", frame, &first) && count > 0 && number >= 0 &&
              nsc_cli_real("explain", "--threshold", threshold, 0, 1, 0.5, &s->threshold) &&
              nsc_cli_real("explain", "--opacity", opacity, 0, 1, 0.5, &s->opacity);
  s->frame = first ? first - 1 : 0;
  s->explain.seed = (uint64_t)number;
  s->classifier.threads = (uint32_t)count;
  return fits;
}

/* ---- the map ---- */

static nsc_status find_label(const job *j, int32_t *out, nsc_error *err) {
  nsc_result blank;
  uint32_t number;
  *out = -1;
  if (!j->s->label) return NSC_OK;
  nsc_classifier_blank_result(j->classifier, &blank);
  if (!nsc_cli_find_label(&blank, j->s->label, strlen(j->s->label), &number)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model has no label \"%.80s\"", j->s->label);
  }
  *out = (int32_t)number;
  return NSC_OK;
}

static nsc_status explain(job *j, nsc_explain_options *options, nsc_error *err) {
  NSC_TRY(find_label(j, &options->label, err));
  if (j->s->method_given) {
    return nsc_cli_explain_all(j->classifier, j->image, j->s->frame, options, &j->explanation, err);
  }
  return nsc_cli_explain_any(j->classifier, j->image, j->s->frame, options, &j->explanation, err);
}

/* The rank correlation with the map of the same network whose weights were shuffled. */
static nsc_status check(const job *j, const nsc_explain_options *options, double *out, nsc_error *err) {
  char *bytes;
  size_t size;
  nsc_source *source;
  nsc_model *model;
  nsc_classifier *classifier = NULL;
  nsc_explanation *other = NULL;
  nsc_explain_options plain = *options;
  plain.curve = 0;
  NSC_TRY(nsc_model_shuffled(j->model, options->seed, &bytes, &size, err));
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  nsc_text_free(bytes);
  if (status != NSC_OK) return status;
  status = nsc_model_open(source, &model, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  status = nsc_classifier_create(model, &j->s->classifier, &classifier, err);
  if (status == NSC_OK) status = nsc_cli_explain_all(classifier, j->image, j->s->frame, &plain, &other, err);
  if (status == NSC_OK) status = nsc_explanation_compare(j->explanation, other, out, err);
  nsc_explanation_free(other);
  nsc_classifier_free(classifier);
  nsc_model_free(model);
  return status;
}

/* ---- what is written ---- */

static nsc_status paint(const job *j, uint8_t *rgba, const nsc_image_info *info, nsc_text *out, nsc_error *err) {
  size_t pixels = (size_t)info->width * info->height;
  nsc_view view;
  NSC_TRY(nsc_view_default(j->image, j->s->frame, &view, err));
  NSC_TRY(nsc_render(j->image, &view, rgba, pixels * 4, err));
  NSC_TRY(nsc_explanation_blend(j->explanation, j->s->threshold, j->s->opacity, NSC_EXPLAIN_COLOR_MAP, rgba,
                                info->width, info->height, pixels * 4, err));
  for (size_t i = 0; i < pixels; i++) memmove(rgba + 3 * i, rgba + 4 * i, 3);
  return nsc_cli_png(rgba, info->width, info->height, 3, out, err);
}

static nsc_status write_picture(const job *j, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(j->image, &info);
  nsc_text png = {0};
  uint8_t *rgba = malloc((size_t)info.width * info.height * 4);
  if (!rgba) return nsc_fail_memory(err, (size_t)info.width * info.height * 4, "the picture");
  nsc_status status = paint(j, rgba, &info, &png, err);
  if (status == NSC_OK) status = nsc_cli_replace(j->s->out, png.chars, png.size, err);
  nsc_text_drop(&png);
  free(rgba);
  return status;
}

/* NumPy's format 1.0: a magic number, a header of a multiple of 64 bytes, the numbers. */
static nsc_status write_map(const job *j, nsc_error *err) {
  enum { HEAD = 128 };
  uint32_t width, height;
  const float *map = nsc_explanation_map(j->explanation, &width, &height);
  char head[HEAD + 1];
  int n = snprintf(head, sizeof head, "\x93NUMPY\x01%cv%c{'descr': '<f4', 'fortran_order': False, 'shape': (%u, %u), }",
                   0, 0, height, width);
  memset(head + n, ' ', (size_t)(HEAD - n));
  head[HEAD - 1] = '\n';
  head[7] = 0, head[8] = HEAD - 10, head[9] = 0;
  nsc_text t = {0};
  nsc_text_append(&t, head, HEAD);
  nsc_text_append(&t, (const char *)map, (size_t)width * height * sizeof *map);
  nsc_status status =
      t.failed ? nsc_fail_memory(err, t.size, "the map") : nsc_cli_replace(j->s->map, t.chars, t.size, err);
  nsc_text_drop(&t);
  return status;
}

static nsc_status run(job *j, nsc_error *err) {
  const settings *s = j->s;
  nsc_explain_options options = s->explain;
  double alike = 0;
  char *json;
  NSC_TRY(nsc_cli_open_model(s->model, &j->model, err));
  NSC_TRY(nsc_classifier_create(j->model, &s->classifier, &j->classifier, err));
  NSC_TRY(nsc_cli_open_image(s->path, &j->image, err));
  NSC_TRY(explain(j, &options, err));
  if (s->check) NSC_TRY(check(j, &options, &alike, err));
  NSC_TRY(nsc_explanation_json(j->explanation, s->threshold, &json, err));
  if (s->check) {
    printf("{\"explanation\":%s,\"likeShuffled\":%.6g}\n", json, alike);
  } else {
    printf("{\"explanation\":%s}\n", json);
  }
  nsc_text_free(json);
  if (s->map) NSC_TRY(write_map(j, err));
  return s->out ? write_picture(j, err) : NSC_OK;
}

int nsc_cli_explain(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  job j = {.s = &s};
  nsc_error err = {0};
  nsc_status status = run(&j, &err);
  nsc_explanation_free(j.explanation);
  nsc_image_free(j.image);
  nsc_classifier_free(j.classifier);
  nsc_model_free(j.model);
  if (status != NSC_OK) fprintf(stderr, "negatoscope explain: %s: %s\n", s.path, err.text);
  return status == NSC_OK ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
