/* An explanation as a row of steps: the map's, then those of its insertion and deletion curves. */
#include "pipeline/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "image/image.h"
#include "image/recipe.h"

static const char *const names[NSC_EXPLAIN_METHOD_COUNT] = {"cam",  "grad-cam", "grad-cam++",           "occlusion",
                                                            "rise", "gradient", "integrated-gradients", "smooth-grad"};

const char *nsc_explain_method_name(nsc_explain_method method) {
  return (size_t)method < NSC_EXPLAIN_METHOD_COUNT ? names[method] : "";
}

bool nsc_explain_method_named(const char *name, nsc_explain_method *out) {
  for (int i = 0; i < NSC_EXPLAIN_METHOD_COUNT; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    *out = (nsc_explain_method)i;
    return true;
  }
  return false;
}

/* ---- beginning ---- */

static nsc_status check_options(nsc_explain_options *o, nsc_error *err) {
  if ((size_t)o->method >= NSC_EXPLAIN_METHOD_COUNT)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no such method");
  if (!o->samples) o->samples = o->method == NSC_EXPLAIN_RISE ? 1000 : 24;
  if (o->method == NSC_EXPLAIN_GRADIENT) o->samples = 1;
  if (o->noise == 0) o->noise = 0.15;
  if (o->samples > 100000 || o->curve > 1000 || o->curve == 1 || !(o->noise > 0 && o->noise <= 10)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "at most 100000 samples, noise above 0 and at most 10, and a curve of 2 to 1000 points");
  }
  return NSC_OK;
}

/* The label that is asked about. */
static nsc_status choose_label(nsc_explanation *e, nsc_error *err) {
  const nsc_result *r = &e->result;
  int32_t asked = e->options.label;
  if (asked >= (int32_t)r->count || asked < -1) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no label %d", asked);
  e->label = nsc_asked_label(r, asked);
  return NSC_OK;
}

static void note_geometry(nsc_explanation *e, const nsc_image *image, uint32_t frame) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  nsc_recipe_rectangle(nsc_classifier_recipe(e->classifier), info.width, info.height, e->rectangle);
  e->image_width = info.width;
  e->image_height = info.height;
  e->has_spacing = nsc_image_spacing(image, frame, e->spacing);
  e->has_place = nsc_image_locate(image, frame, &e->place);
}

/* Zeroed floats; nothing where they are not needed. False without memory. */
static bool room_for(float **out, size_t count, bool needed) {
  if (needed) *out = calloc(count, sizeof **out);
  return !needed || *out;
}

/* A map of one run needs little beside itself. */
static nsc_status allocate(nsc_explanation *e, const float *input, size_t count, nsc_error *err) {
  const nsc_recipe *r = nsc_classifier_recipe(e->classifier);
  size_t pixels = (size_t)r->width * r->height;
  bool steps = e->options.method > NSC_EXPLAIN_GRAD_CAM_PP, curves = e->options.curve > 0;
  float *values = malloc(count * sizeof *values);
  e->picture = (nsc_input_picture){.values = values, .height = r->height, .width = r->width, .channels = r->channels};
  bool room = values && room_for(&e->map, pixels, true) && room_for(&e->shown, pixels, true) &&
              room_for(&e->covered, count, steps || curves) && room_for(&e->sum, count, steps) &&
              room_for(&e->weight, pixels, steps) && room_for(&e->mask, pixels, steps) &&
              room_for(&e->curves, 2 * (size_t)e->options.curve, curves) &&
              room_for(&e->logit_weights, nsc_classifier_output_count(e->classifier), true);
  if (curves) e->order = calloc(pixels, sizeof *e->order);
  if (!room || (curves && !e->order)) {
    return nsc_fail_memory(err, (3 * count + 5 * pixels) * sizeof *values, "an explanation");
  }
  memcpy(values, input, count * sizeof *values);
  if (steps || curves) nsc_picture_blank(&e->picture);
  return NSC_OK;
}

/* The result belongs to the classifier until its next run; ours stays. */
static nsc_status keep_result(nsc_explanation *e, nsc_error *err) {
  size_t count = e->result.count, bytes = count * sizeof *e->scores;
  e->scores = malloc(2 * bytes + 1);
  if (!e->scores) return nsc_fail_memory(err, 2 * bytes, "scores");
  memcpy(e->scores, e->result.scores, bytes);
  memcpy(e->scores + count, e->result.raw, bytes);
  e->result.scores = e->scores;
  e->result.raw = e->scores + count;
  return NSC_OK;
}

static nsc_status begin(nsc_explanation *e, nsc_image *image, uint32_t frame, const volatile int32_t *cancel,
                        nsc_error *err) {
  size_t count;
  NSC_TRY(check_options(&e->options, err));
  double start = nsc_now_ms();
  NSC_TRY(nsc_classifier_run(e->classifier, image, frame, cancel, &e->result, err));
  const float *input = nsc_classifier_tensor(e->classifier, &count);
  NSC_TRY(allocate(e, input, count, err));
  NSC_TRY(keep_result(e, err));
  NSC_TRY(choose_label(e, err));
  e->logit = nsc_classifier_logit(e->classifier, e->label);
  nsc_classifier_logit_weights(e->classifier, e->label, e->logit_weights);
  note_geometry(e, image, frame);
  NSC_TRY(nsc_explain_begin(e, err));
  e->total = e->map_steps + 2 * e->options.curve;
  if (!e->map_steps) NSC_TRY(nsc_explain_finish(e, err));
  e->ms = nsc_now_ms() - start;
  return NSC_OK;
}

nsc_status nsc_explanation_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                  const nsc_explain_options *options, const volatile int32_t *cancel,
                                  nsc_explanation **out, nsc_error *err) {
  static const nsc_explain_options none = {.label = -1};
  if (!classifier || !image || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no classifier or no image");
  nsc_explanation *e = calloc(1, sizeof *e);
  if (!e) return nsc_fail_memory(err, sizeof *e, "an explanation");
  e->classifier = classifier;
  e->options = options ? *options : none;
  nsc_status status = begin(e, image, frame, cancel, err);
  if (status != NSC_OK) {
    nsc_explanation_free(e);
    return status;
  }
  *out = e;
  return NSC_OK;
}

void nsc_explanation_free(nsc_explanation *explanation) {
  nsc_explanation *e = explanation;
  if (!e) return;
  free(e->scores);
  free((void *)(uintptr_t)e->picture.values);
  free(e->covered), free(e->sum), free(e->weight), free(e->mask), free(e->map), free(e->shown);
  free(e->order), free(e->curves), free(e->logit_weights);
  nsc_net_free(e->net);
  nsc_compute_free(e->compute);
  free(e);
}

/* ---- steps ---- */

/* One point of a curve: the score with the first `point` of curve - 1 parts of the pixels gone, or nothing but them. */
static nsc_status curve_step(nsc_explanation *e, uint32_t step, const volatile int32_t *cancel, nsc_error *err) {
  uint32_t points = e->options.curve, point = step % points;
  size_t pixels = (size_t)e->picture.width * e->picture.height;
  bool insert = step >= points;
  nsc_result result;
  if (step == 0 && !nsc_order_pixels(e->map, e->order, pixels)) {
    return nsc_fail_memory(err, pixels * 8, "the order of pixels");
  }
  nsc_picture_delete(&e->picture, e->order, pixels * point / (points - 1), insert, e->covered);
  NSC_TRY(nsc_classifier_judge(e->classifier, e->covered, cancel, &result, err));
  e->curves[step] = result.scores[e->label];
  return NSC_OK;
}

nsc_status nsc_explanation_step(nsc_explanation *explanation, const volatile int32_t *cancel, nsc_error *err) {
  nsc_explanation *e = explanation;
  if (!e) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no explanation");
  if (e->done == e->total) return NSC_OK;
  double start = nsc_now_ms();
  if (e->done < e->map_steps) {
    NSC_TRY(nsc_explain_map_step(e, cancel, err));
  } else {
    NSC_TRY(curve_step(e, e->done - e->map_steps, cancel, err));
  }
  e->done++;
  if (e->done == e->map_steps) NSC_TRY(nsc_explain_finish(e, err));
  e->ms += nsc_now_ms() - start;
  return NSC_OK;
}

void nsc_explanation_progress(const nsc_explanation *explanation, uint32_t *done, uint32_t *total) {
  *done = explanation->done;
  *total = explanation->total;
}

void nsc_explanation_result(const nsc_explanation *explanation, nsc_result *out) {
  *out = explanation->result;
}

const float *nsc_explanation_map(const nsc_explanation *explanation, uint32_t *width, uint32_t *height) {
  *width = explanation->picture.width;
  *height = explanation->picture.height;
  return explanation->map;
}

nsc_status nsc_explanation_compare(const nsc_explanation *a, const nsc_explanation *b, double *out, nsc_error *err) {
  if (!a || !b || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no maps to compare");
  if (a->picture.width != b->picture.width || a->picture.height != b->picture.height) {
    return nsc_fail(err, NSC_ERROR_SHAPE, "maps of different sizes cannot be compared");
  }
  return nsc_map_rank_correlation(a->map, b->map, (size_t)a->picture.width * a->picture.height, out, err);
}
