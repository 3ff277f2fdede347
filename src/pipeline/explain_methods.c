/* How each method makes its map. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/feature_map.h"
#include "pipeline/explain.h"
#include "train/load.h"

/* A part of the model as a network with gradients. */
static nsc_status load_part(nsc_explanation *e, const nsc_net_part *part, nsc_error *err) {
  NSC_TRY(nsc_net_load_part(nsc_classifier_model(e->classifier), part, &e->net, err));
  return nsc_compute_borrow(nsc_classifier_threads(e->classifier), &e->compute, err);
}

/* ---- maps of the last feature map: ready at once ---- */

enum { MOST_KEPT = 8 << 20 /* weights: a head of four thousand features for two thousand labels */ };

/* The layers behind the last feature map, and threads for them: kept by the classifier for its next picture. */
typedef struct tail {
  nsc_net *net;
  nsc_compute *compute;
} tail;

static void end_tail(void *object) {
  tail *t = object;
  nsc_net_free(t->net);
  nsc_compute_free(t->compute);
  free(t);
}

/* A large one is the explanation's own, and ends with it. */
static nsc_status take_tail(nsc_explanation *e, const nsc_net_part *part, tail *out, nsc_error *err) {
  const tail *kept = nsc_classifier_kept(e->classifier);
  if (kept) {
    *out = *kept;
    return NSC_OK;
  }
  NSC_TRY(load_part(e, part, err));
  *out = (tail){e->net, e->compute};
  tail *copy = nsc_net_parameter_count(e->net) <= MOST_KEPT ? malloc(sizeof *copy) : NULL;
  if (!copy) return NSC_OK;
  *copy = *out;
  e->net = NULL;
  e->compute = NULL;
  nsc_classifier_keep(e->classifier, copy, end_tail);
  return NSC_OK;
}

/* Global average pooling and one dense layer: then weights and mean gradients are the same. */
static bool ends_like_cam(const nsc_net *net) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    nsc_layer_kind kind = net->layers[l].kind;
    bool fits = kind == NSC_LAYER_INPUT || kind == NSC_LAYER_GLOBAL_POOL || kind == NSC_LAYER_DENSE ||
                kind == NSC_LAYER_FLATTEN || kind == NSC_LAYER_DROPOUT;
    if (!fits || (kind == NSC_LAYER_DENSE && l + 1 < net->layer_count)) return false;
    if (kind == NSC_LAYER_FLATTEN && net->tensors[net->layers[l].inputs[0]].height > 1) return false;
  }
  return true;
}

/* The gradient of such a network without running it: the label's weights, shared out over the picture. */
static void linear_gradient(const nsc_net *net, const float *logit_weights, size_t places, float *gradient) {
  const nsc_layer *dense = &net->layers[net->layer_count - 1];
  const nsc_parameter *w = &net->parameters[dense->parameters[0]];
  size_t outputs = w->dims[0], channels = w->dims[1];
  for (size_t c = 0; c < channels; c++) gradient[c] = 0;
  for (size_t k = 0; k < outputs; k++) {
    float factor = logit_weights[k] / (float)places;
    for (size_t c = 0; c < channels && factor != 0; c++) gradient[c] += factor * w->value[k * channels + c];
  }
  for (size_t p = 1; p < places; p++) memcpy(gradient + p * channels, gradient, channels * sizeof *gradient);
}

static nsc_status make_map(nsc_explanation *e, const nsc_activation *a, nsc_error *err) {
  size_t places = a->height * a->width;
  float *small = malloc(places * sizeof *small);
  if (!small) return nsc_fail_memory(err, places * sizeof *small, "a class activation map");
  if (e->options.method == NSC_EXPLAIN_CAM) nsc_cam_map(a, small);
  if (e->options.method == NSC_EXPLAIN_GRAD_CAM) nsc_grad_cam_map(a, small);
  if (e->options.method == NSC_EXPLAIN_GRAD_CAM_PP) nsc_grad_cam_plus_map(a, small);
  nsc_map_enlarge(small, a->height, a->width, e->map, e->picture.height, e->picture.width);
  free(small);
  return NSC_OK;
}

/* The layers behind the last feature map, which the run of the network has just made. */
static nsc_status map_activations(nsc_explanation *e, nsc_error *err) {
  size_t size[3];
  uint32_t value = nsc_classifier_feature_map(e->classifier, size);
  if (value == NSC_NO_VALUE) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "the model has no feature map before its scores; occlusion and RISE work with any model");
  }
  nsc_net_part part = {.from = value,
                       .to = nsc_classifier_output_value(e->classifier),
                       .height = size[0],
                       .width = size[1],
                       .channels = size[2]};
  tail t;
  NSC_TRY(take_tail(e, &part, &t, err));
  if (e->options.method == NSC_EXPLAIN_CAM && !ends_like_cam(t.net)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "the model does not end with pooling and one dense layer; Grad-CAM needs neither");
  }
  size_t places = size[0] * size[1], count = places * size[2];
  float *activation = malloc(2 * count * sizeof *activation);
  if (!activation) return nsc_fail_memory(err, 2 * count * sizeof *activation, "a feature map");
  nsc_classifier_read_feature_map(e->classifier, activation);
  nsc_activation a = {size[0], size[1], size[2], activation, activation + count};
  nsc_status status = NSC_OK;
  if (ends_like_cam(t.net) && t.net->layers[t.net->layer_count - 1].kind == NSC_LAYER_DENSE) {
    linear_gradient(t.net, e->logit_weights, places, activation + count);
  } else {
    status = nsc_logit_gradient(t.net, t.compute, activation, e->logit_weights, err);
    a.gradient = nsc_net_tensor(t.net, t.net->input)->gradient;
  }
  if (status == NSC_OK) status = make_map(e, &a, err);
  free(activation);
  return status;
}

/* ---- gradients of the picture ---- */

static nsc_status load_whole(nsc_explanation *e, nsc_error *err) {
  const nsc_model *model = nsc_classifier_model(e->classifier);
  nsc_tensor_info input;
  nsc_classifier_input(e->classifier, &input);
  if (input.dims[1] != (int64_t)e->picture.channels) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "the model's input has its channels last; Grad-CAM, occlusion and RISE work with it");
  }
  nsc_net_part part = {.from = model->inputs[0].value,
                       .to = nsc_classifier_output_value(e->classifier),
                       .height = e->picture.height,
                       .width = e->picture.width,
                       .channels = e->picture.channels};
  return load_part(e, &part, err);
}

static nsc_status gradient_step(nsc_explanation *e, nsc_error *err) {
  const nsc_explain_options *o = &e->options;
  const float *input = e->covered;
  if (o->method == NSC_EXPLAIN_GRADIENT) input = e->picture.values;
  if (o->method == NSC_EXPLAIN_INTEGRATED_GRADIENTS) nsc_integrated_input(&e->picture, e->done, o->samples, e->covered);
  if (o->method == NSC_EXPLAIN_SMOOTH_GRAD) nsc_noisy_input(&e->picture, o->noise, o->seed, e->done, e->covered);
  NSC_TRY(nsc_logit_gradient(e->net, e->compute, input, e->logit_weights, err));
  const float *gradient = nsc_net_tensor(e->net, e->net->input)->gradient;
  size_t count = nsc_net_size(e->net, e->net->input);
  for (size_t i = 0; i < count; i++) e->sum[i] += gradient[i];
  return NSC_OK;
}

/* ---- pictures with parts missing ---- */

static nsc_status begin_occlusion(nsc_explanation *e, nsc_error *err) {
  nsc_explain_options *o = &e->options;
  uint32_t shorter = e->picture.width < e->picture.height ? e->picture.width : e->picture.height;
  if (!o->window) o->window = shorter / 7 ? shorter / 7 : 1;
  if (!o->stride) o->stride = o->window / 2 ? o->window / 2 : 1;
  if (o->window > shorter || o->stride > o->window) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "a window of occlusion is at most %u pixels, as the model's input is, and its stride no larger",
                    shorter);
  }
  nsc_occlusion_begin(&e->picture, o->window, o->stride, &e->occlusion);
  e->map_steps = nsc_occlusion_steps(&e->occlusion);
  return NSC_OK;
}

static nsc_status occlusion_step(nsc_explanation *e, const volatile int32_t *cancel, nsc_error *err) {
  nsc_result result;
  nsc_occlusion_cover(&e->occlusion, e->done, e->covered);
  NSC_TRY(nsc_classifier_judge(e->classifier, e->covered, cancel, &result, err));
  double fall = e->logit - nsc_classifier_logit(e->classifier, e->label);
  nsc_occlusion_add(&e->occlusion, e->done, fall, e->sum, e->weight);
  return NSC_OK;
}

static nsc_status rise_step(nsc_explanation *e, const volatile int32_t *cancel, nsc_error *err) {
  const nsc_input_picture *p = &e->picture;
  nsc_result result;
  nsc_rise_mask(e->options.seed, e->done, p->height, p->width, e->mask);
  nsc_rise_cover(p, e->mask, e->covered);
  NSC_TRY(nsc_classifier_judge(e->classifier, e->covered, cancel, &result, err));
  double score = (double)result.scores[e->label];
  nsc_rise_add(e->mask, (size_t)p->height * p->width, score, e->sum, e->weight);
  e->score_sum += score;
  return NSC_OK;
}

/* Sums over weights, less a constant; 0 where nothing was looked at. */
static void divide(nsc_explanation *e, double less) {
  for (size_t i = 0; i < (size_t)e->picture.height * e->picture.width; i++) {
    e->map[i] = e->weight[i] > 0 ? (float)((double)e->sum[i] / (double)e->weight[i] - less) : 0;
  }
}

/* ---- all of them ---- */

nsc_status nsc_explain_begin(nsc_explanation *e, nsc_error *err) {
  switch (e->options.method) {
    case NSC_EXPLAIN_CAM:
    case NSC_EXPLAIN_GRAD_CAM:
    case NSC_EXPLAIN_GRAD_CAM_PP:
      return map_activations(e, err);
    case NSC_EXPLAIN_OCCLUSION:
      return begin_occlusion(e, err);
    case NSC_EXPLAIN_RISE:
      e->map_steps = e->options.samples;
      return NSC_OK;
    default:
      e->map_steps = e->options.samples;
      return load_whole(e, err);
  }
}

nsc_status nsc_explain_map_step(nsc_explanation *e, const volatile int32_t *cancel, nsc_error *err) {
  if (e->options.method == NSC_EXPLAIN_OCCLUSION) return occlusion_step(e, cancel, err);
  if (e->options.method == NSC_EXPLAIN_RISE) return rise_step(e, cancel, err);
  return gradient_step(e, err);
}

/* Gradients jump from pixel to pixel; what they say of places shows when they are smooth. */
static nsc_status show(nsc_explanation *e, nsc_error *err) {
  enum { PART = 64 /* of a side is the deviation of the filter */ };
  size_t height = e->picture.height, width = e->picture.width;
  memcpy(e->shown, e->map, height * width * sizeof *e->map);
  if (e->options.method < NSC_EXPLAIN_GRADIENT) return NSC_OK;
  return nsc_map_smooth(e->shown, height, width, (double)(height > width ? height : width) / PART, err);
}

nsc_status nsc_explain_finish(nsc_explanation *e, nsc_error *err) {
  switch (e->options.method) {
    case NSC_EXPLAIN_OCCLUSION:
      divide(e, 0);
      break;
    case NSC_EXPLAIN_RISE:
      divide(e, e->score_sum / e->map_steps);
      break;
    case NSC_EXPLAIN_INTEGRATED_GRADIENTS:
      nsc_integrated_map(&e->picture, e->sum, e->map_steps, e->map);
      break;
    case NSC_EXPLAIN_GRADIENT:
    case NSC_EXPLAIN_SMOOTH_GRAD:
      nsc_gradient_map(&e->picture, e->sum, e->map_steps, e->map);
      break;
    default: /* was ready at once */
      break;
  }
  return show(e, err);
}
