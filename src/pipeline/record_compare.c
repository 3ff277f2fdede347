/* Repeating a report's run: what it asked for, and whether a repetition says the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/record.h"

enum { MOST_DIFFERENCES = 50 };

/* Between builds: other kernels add in another order, and compilers fuse multiplications with additions. */
static const double score_tolerance = 1e-5, other_tolerance = 1e-3;

struct nsc_record_request {
  nsc_json json;
};

/* ---- the request ---- */

static const nsc_json_value *part(const nsc_record_request *r, const char *key) {
  return nsc_json_get(&r->json.values[0], key);
}

static nsc_status check_manifest(const nsc_record_request *r, nsc_error *err) {
  const nsc_json_value *root = &r->json.values[0];
  const char *format = nsc_json_text_of(root, "format");
  if (!format || strcmp(format, "negatoscope-report") != 0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "this is no manifest of a report: it has no \"format\" that says so");
  }
  if (nsc_json_number_of(root, "version") != 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "this manifest is of another version than 1");
  }
  static const char *const parts[] = {"model", "image", "result"};
  for (int i = 0; i < 3; i++) {
    const nsc_json_value *value = part(r, parts[i]);
    if (value && value->kind == NSC_JSON_OBJECT) continue;
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the manifest says nothing of \"%s\"", parts[i]);
  }
  double frame = nsc_json_number_of(part(r, "image"), "frame");
  if (frame >= 1 && frame <= UINT32_MAX && frame == floor(frame)) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "the manifest names no frame");
}

nsc_status nsc_record_request_read(const char *json, size_t size, nsc_record_request **out, nsc_error *err) {
  if (!json || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no manifest or no place for it");
  nsc_record_request *r = calloc(1, sizeof *r);
  if (!r) return nsc_fail_memory(err, sizeof *r, "a manifest");
  nsc_status status = nsc_json_parse(json, size, &r->json, err);
  if (status == NSC_OK) status = check_manifest(r, err);
  if (status != NSC_OK) {
    nsc_record_request_free(r);
    return status;
  }
  *out = r;
  return NSC_OK;
}

void nsc_record_request_free(nsc_record_request *request) {
  if (!request) return;
  nsc_json_drop(&request->json);
  free(request);
}

const char *nsc_record_request_model(const nsc_record_request *request) {
  return nsc_json_text_of(part(request, "model"), "name");
}

uint32_t nsc_record_request_frame(const nsc_record_request *request, double *threshold) {
  double share = nsc_json_number_of(part(request, "explanation"), "threshold");
  *threshold = isnan(share) ? 0.5 : share;
  return (uint32_t)nsc_json_number_of(part(request, "image"), "frame") - 1;
}

void nsc_record_request_classifier(const nsc_record_request *request, nsc_classifier_options *out) {
  const nsc_json_value *given = nsc_json_get(part(request, "model"), "given");
  *out = (nsc_classifier_options){.recipe_json = nsc_json_text_of(given, "recipe"),
                                  .labels_json = nsc_json_text_of(given, "labels"),
                                  .output = nsc_json_text_of(given, "output")};
}

/* A count from a file: what is none, or too large for its type, becomes one that later checks refuse. */
static uint32_t count_of(const nsc_json_value *object, const char *key) {
  double number = nsc_json_number_of(object, key);
  return number >= 0 && number < UINT32_MAX ? (uint32_t)number : isnan(number) ? 0 : UINT32_MAX;
}

static uint64_t seed_of(const nsc_json_value *object) {
  double seed = nsc_json_number_of(object, "seed");
  return seed >= 0 && seed < 9e15 ? (uint64_t)seed : 1;
}

bool nsc_record_request_explanation(const nsc_record_request *request, nsc_explain_options *out) {
  const nsc_json_value *e = part(request, "explanation"), *o = nsc_json_get(e, "options");
  const char *method = nsc_json_text_of(e, "method");
  double label = nsc_json_number_of(o, "label"), noise = nsc_json_number_of(o, "noise");
  *out = (nsc_explain_options){.label = label >= 0 && label < 1e9 ? (int32_t)label : -1,
                               .samples = count_of(o, "samples"),
                               .window = count_of(o, "window"),
                               .stride = count_of(o, "stride"),
                               .noise = isnan(noise) ? 0 : noise,
                               .curve = count_of(o, "curve"),
                               .seed = seed_of(o)};
  return method && nsc_explain_method_named(method, &out->method);
}

bool nsc_record_request_stability(const nsc_record_request *request, uint32_t *draws, uint64_t *seed) {
  const nsc_json_value *s = part(request, "stability"), *kinds = nsc_json_get(s, "kinds");
  bool has = kinds && kinds->kind == NSC_JSON_ARRAY && kinds->count;
  *draws = has ? count_of(nsc_json_first(kinds), "draws") : 0;
  *seed = seed_of(s);
  return has;
}

/* ---- the comparison ---- */

typedef struct comparison {
  nsc_text differences;
  uint32_t count;
  bool same_build, exact;
  double largest; /* between scores */
} comparison;

static void differ(comparison *c, const char *path, const nsc_json_value *reported, const nsc_json_value *repeated) {
  c->exact = false;
  if (c->count++ >= MOST_DIFFERENCES) return;
  nsc_text *t = &c->differences;
  nsc_json_object(t);
  nsc_json_key(t, "path"), nsc_json_string(t, path);
  nsc_json_key(t, "reported");
  if (reported) nsc_json_write(t, reported, NULL);
  if (!reported) nsc_json_null(t);
  nsc_json_key(t, "repeated");
  if (repeated) nsc_json_write(t, repeated, NULL);
  if (!repeated) nsc_json_null(t);
  nsc_json_end_object(t);
}

static void compare_numbers(comparison *c, const char *path, const nsc_json_value *a, const nsc_json_value *b) {
  double apart = fabs(a->number - b->number), scale = fmax(1, fabs(a->number));
  bool score = a->key && (strcmp(a->key, "score") == 0 || strcmp(a->key, "raw") == 0);
  if (score) c->largest = fmax(c->largest, apart);
  if (apart == 0) return;
  c->exact = false;
  bool near = score ? apart <= score_tolerance : apart <= other_tolerance * scale;
  if (c->same_build || !near) differ(c, path, a, b);
}

static void compare_values(comparison *c, const char *path, const nsc_json_value *a, const nsc_json_value *b) {
  char deeper[160];
  if (!a || !b || a->kind != b->kind || (a->kind == NSC_JSON_ARRAY && a->count != b->count)) {
    if (a || b) differ(c, path, a, b);
    return;
  }
  if (a->kind == NSC_JSON_NUMBER) {
    compare_numbers(c, path, a, b);
  } else if (a->kind == NSC_JSON_STRING) {
    if (strcmp(a->string, b->string) != 0) differ(c, path, a, b);
  } else if (a->kind == NSC_JSON_BOOL) {
    if (a->number != b->number) differ(c, path, a, b);
  } else if (a->kind == NSC_JSON_ARRAY || a->kind == NSC_JSON_OBJECT) {
    bool list = a->kind == NSC_JSON_ARRAY;
    const nsc_json_value *child = nsc_json_first(a), *other = nsc_json_first(b);
    for (uint32_t i = 0; i < a->count; i++, child = nsc_json_next(child)) {
      if (list) snprintf(deeper, sizeof deeper, "%s[%u]", path, i);
      if (!list) snprintf(deeper, sizeof deeper, "%s.%s", path, child->key);
      compare_values(c, deeper, child, list ? other : nsc_json_get(b, child->key));
      if (list) other = nsc_json_next(other);
    }
  }
}

static bool same_member(const nsc_json_value *a, const nsc_json_value *b, const char *key) {
  const char *one = nsc_json_text_of(a, key), *other = nsc_json_text_of(b, key);
  return one && other && strcmp(one, other) == 0;
}

static bool same_build(const nsc_json_value *a, const nsc_json_value *b) {
  return same_member(a, b, "version") && same_member(a, b, "build") && same_member(a, b, "compiler") &&
         same_member(a, b, "processor");
}

/* Of the picture: what it is, and not whom it shows. A digest that the report does not have cannot be compared. */
static void compare_images(comparison *c, const nsc_json_value *a, const nsc_json_value *b) {
  static const char *const keys[] = {"sha256", "format", "width", "height", "frames", "frame"};
  char path[32];
  for (int i = nsc_json_text_of(a, "sha256") ? 0 : 1; i < 6; i++) {
    snprintf(path, sizeof path, "image.%s", keys[i]);
    compare_values(c, path, nsc_json_get(a, keys[i]), nsc_json_get(b, keys[i]));
  }
}

nsc_status nsc_record_compare(const nsc_record_request *request, const nsc_record *repeated, char **out,
                              nsc_error *err) {
  if (!request || !repeated || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "nothing to compare");
  static const char *const parts[] = {"model", "result", "explanation", "stability"};
  comparison c = {.same_build = same_build(part(request, "software"), nsc_record_part(repeated, "software")),
                  .exact = true};
  compare_images(&c, part(request, "image"), nsc_record_part(repeated, "image"));
  for (int i = 0; i < 4; i++)
    compare_values(&c, parts[i], part(request, parts[i]), nsc_record_part(repeated, parts[i]));
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "equal"), nsc_json_bool(&t, c.count == 0);
  nsc_json_key(&t, "exact"), nsc_json_bool(&t, c.exact);
  nsc_json_key(&t, "sameBuild"), nsc_json_bool(&t, c.same_build);
  nsc_json_key(&t, "largest"), nsc_json_number(&t, c.largest);
  nsc_json_key(&t, "differences"), nsc_json_array(&t);
  if (c.differences.size) nsc_json_raw(&t, c.differences.chars, c.differences.size);
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  t.failed = t.failed || c.differences.failed;
  nsc_text_drop(&c.differences);
  return nsc_text_finish(&t, out, err);
}
