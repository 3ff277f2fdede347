/* negatoscope phantom: a folder of synthetic CT slices with labels, to teach and to try a training with. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "cli/cli.h"

const char nsc_cli_phantom_usage[] =
    "usage: negatoscope phantom --out FOLDER [options]      SYNTHETIC abdominal CT slices, some with a liver lesion\n"
    "  --count N             970 slices                  --lesions N                of these, 138 in 970\n"
    "  --size N              256 pixels                  --seed N                   1: the same seed, the same bytes\n"
    "  --contrast FROM,TO    -110,-60 HU to the liver    --diameter FROM,TO         30,60 mm\n"
    "  --noise HU            12\n"
    "writes FOLDER/normal/*.dcm, FOLDER/lesion/*.dcm and FOLDER/labels.csv, which says where lesions are\n";

typedef struct settings {
  const char *out;
  long count, lesions, size, seed;
  double contrast[2], diameter[2], noise;
} settings;

/* "FROM,TO" */
static bool read_pair(const char *name, const char *text, double from, double to, double out[2]) {
  char *end = NULL;
  out[0] = from;
  out[1] = to;
  if (!text) return true;
  out[0] = strtod(text, &end);
  if (end != text && *end == ',') {
    const char *second = end + 1;
    out[1] = strtod(second, &end);
    if (end != second && !*end) return true;
  }
  fprintf(stderr, "negatoscope phantom: %s wants two numbers, FROM,TO, not \"%s\"\n", name, text);
  return false;
}

static bool read_settings(int argc, char **argv, settings *s) {
  const char *count = NULL, *lesions = NULL, *size = NULL, *seed = NULL, *contrast = NULL, *diameter = NULL,
             *noise = NULL;
  const nsc_cli_option list[] = {{"--out", &s->out, NULL},        {"--count", &count, NULL},
                                 {"--lesions", &lesions, NULL},   {"--size", &size, NULL},
                                 {"--seed", &seed, NULL},         {"--contrast", &contrast, NULL},
                                 {"--diameter", &diameter, NULL}, {"--noise", &noise, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc != 1 || !s->out) {
    if (argc >= 0) fputs(nsc_cli_phantom_usage, stderr);
    return false;
  }
  s->count = nsc_cli_number("--count", count, 1, 970);
  if (s->count < 0) return false;
  s->lesions = nsc_cli_number("--lesions", lesions, 0, (s->count * 138 + 485) / 970);
  s->size = nsc_cli_number("--size", size, 1, 256);
  s->seed = nsc_cli_number("--seed", seed, 0, 1);
  if (s->lesions < 0 || s->size < 0 || s->seed < 0) return false;
  if (s->lesions > s->count || s->count > 999999) {
    fprintf(stderr, "negatoscope phantom: %ld lesions in %ld slices\n", s->lesions, s->count);
    return false;
  }
  return read_pair("--contrast", contrast, -110, -60, s->contrast) &&
         read_pair("--diameter", diameter, 30, 60, s->diameter) &&
         nsc_cli_real("phantom", "--noise", noise, 0, 200, 12, &s->noise);
}

/* ---- folders ---- */

static nsc_status make_folder(const char *path, bool may_exist, nsc_error *err) {
  if (mkdir(path, 0777) == 0 || (may_exist && errno == EEXIST)) return NSC_OK;
  if (errno == EEXIST) return nsc_fail(err, NSC_ERROR_IO, "%.150s is there already: choose a new folder", path);
  return nsc_fail(err, NSC_ERROR_IO, "cannot make %.150s: %s", path, strerror(errno));
}

static nsc_status make_folders(const settings *s, nsc_error *err) {
  char path[4096];
  NSC_TRY(make_folder(s->out, true, err));
  snprintf(path, sizeof path, "%s/normal", s->out);
  if (s->lesions < s->count) NSC_TRY(make_folder(path, false, err));
  snprintf(path, sizeof path, "%s/lesion", s->out);
  return s->lesions ? make_folder(path, false, err) : NSC_OK;
}

/* ---- slices ---- */

/* Which numbers have a lesion: drawn, so that a number tells nothing. */
static nsc_status choose(const settings *s, bool **out, nsc_error *err) {
  uint32_t count = (uint32_t)s->count;
  uint32_t *order = malloc(count * sizeof *order);
  bool *lesion = calloc(count, sizeof *lesion);
  if (!order || !lesion) {
    free(order);
    free(lesion);
    return nsc_fail_memory(err, count * sizeof *order, "a list of slices");
  }
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  const nsc_rng root = nsc_rng_seeded((uint64_t)s->seed);
  nsc_rng rng = nsc_rng_split(&root, 0); /* phantoms are numbered from 1 */
  nsc_rng_shuffle(&rng, order, count);
  for (long i = 0; i < s->lesions; i++) lesion[order[i]] = true;
  free(order);
  *out = lesion;
  return NSC_OK;
}

static nsc_status options_of(const settings *s, uint32_t number, bool lesion, char **out, nsc_error *err) {
  nsc_text t = {0};
  const double *const pairs[] = {s->contrast, s->diameter};
  static const char *const names[] = {"contrast", "diameter"};
  nsc_json_object(&t);
  nsc_json_key(&t, "number"), nsc_json_int(&t, number);
  nsc_json_key(&t, "size"), nsc_json_int(&t, s->size);
  nsc_json_key(&t, "lesion"), nsc_json_bool(&t, lesion);
  nsc_json_key(&t, "noise"), nsc_json_number(&t, s->noise);
  for (int i = 0; i < 2; i++) {
    nsc_json_key(&t, names[i]);
    nsc_json_array(&t);
    nsc_json_number(&t, pairs[i][0]);
    nsc_json_number(&t, pairs[i][1]);
    nsc_json_end_array(&t);
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

/* A line of labels.csv. */
static nsc_status add_line(nsc_text *t, const char *file, bool lesion, long seed, uint32_t number, const char *truth,
                           nsc_error *err) {
  static const char *const members[] = {"x", "y", "diameter", "contrast"};
  nsc_json json;
  NSC_TRY(nsc_json_parse(truth, strlen(truth), &json, err));
  const nsc_json_value *where = nsc_json_get(json.values, "lesion");
  nsc_text_printf(t, "%s,%s,PHANTOM-%ld-%04u", file, lesion ? "lesion" : "normal", seed, number);
  for (int i = 0; i < 4; i++) {
    const nsc_json_value *v = nsc_json_get(where, members[i]);
    nsc_text_put(t, ",");
    if (v) nsc_text_printf(t, "%.2f", v->number);
  }
  nsc_text_put(t, "\n");
  nsc_json_drop(&json);
  return NSC_OK;
}

static nsc_status make_slice(const settings *s, uint32_t number, bool lesion, nsc_text *table, nsc_error *err) {
  char *options = NULL, *bytes = NULL, *truth = NULL, file[64], path[4096];
  size_t size = 0;
  snprintf(file, sizeof file, "%s/phantom-%04u.dcm", lesion ? "lesion" : "normal", number);
  snprintf(path, sizeof path, "%s/%s", s->out, file);
  nsc_status status = options_of(s, number, lesion, &options, err);
  if (status == NSC_OK) status = nsc_phantom_file((uint32_t)s->seed, options, &bytes, &size, &truth, err);
  if (status == NSC_OK) status = nsc_cli_write(path, bytes, size, err);
  if (status == NSC_OK) status = add_line(table, file, lesion, s->seed, number, truth, err);
  nsc_text_free(options);
  nsc_text_free(bytes);
  nsc_text_free(truth);
  return status;
}

static nsc_status write_table(const settings *s, nsc_text *table, nsc_error *err) {
  char path[4096], *text;
  size_t size = table->size;
  snprintf(path, sizeof path, "%s/labels.csv", s->out);
  NSC_TRY(nsc_text_finish(table, &text, err));
  nsc_status status = nsc_cli_write(path, text, size, err);
  nsc_text_free(text);
  return status;
}

static nsc_status make_all(const settings *s, nsc_error *err) {
  bool *lesion;
  nsc_text table = {0};
  NSC_TRY(choose(s, &lesion, err));
  nsc_status status = make_folders(s, err);
  nsc_text_put(&table, "file,label,patient,lesion_x_mm,lesion_y_mm,diameter_mm,contrast_hu\n");
  for (long i = 0; i < s->count && status == NSC_OK; i++) {
    status = make_slice(s, (uint32_t)i + 1, lesion[i], &table, err);
  }
  if (status == NSC_OK) status = write_table(s, &table, err);
  nsc_text_drop(&table);
  free(lesion);
  return status;
}

int nsc_cli_phantom(int argc, char **argv) {
  settings s = {0};
  if (!read_settings(argc, argv, &s)) return NSC_EXIT_USAGE;
  nsc_error err = {0};
  if (make_all(&s, &err) == NSC_OK) {
    printf("%s: %ld SYNTHETIC slices, %ld with a lesion\n", s.out, s.count, s.lesions);
    return NSC_EXIT_OK;
  }
  fprintf(stderr, "negatoscope phantom: %s\n", err.text);
  return err.status == NSC_ERROR_ARGUMENT ? NSC_EXIT_USAGE : NSC_EXIT_SOME_FAILED;
}
