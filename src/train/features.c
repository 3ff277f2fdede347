#include "train/features.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

size_t nsc_feature_count(const nsc_net *net, uint32_t head) {
  const nsc_tensor *x = &net->tensors[net->layers[head].inputs[0]];
  return x->height * x->width * x->channels;
}

nsc_status nsc_features_of_data(nsc_net *net, uint32_t head, nsc_compute *compute, const nsc_dataset *d,
                                const nsc_normal *normal, float *out, nsc_error *err) {
  size_t size = nsc_feature_count(net, head), each = d->height * d->width * d->channels;
  NSC_TRY(nsc_net_set_batch(net, NSC_FEATURE_BATCH, err));
  for (uint32_t at = 0; at < d->count; at += NSC_FEATURE_BATCH) {
    uint32_t n = d->count - at < NSC_FEATURE_BATCH ? d->count - at : NSC_FEATURE_BATCH;
    float *x = nsc_net_tensor(net, net->input)->value;
    for (size_t i = 0; i < n * each; i++) x[i] = (float)nsc_dataset_pixels(d, at)[i] / 255;
    nsc_normalise(normal, x, n * each, d->channels);
    NSC_TRY(nsc_net_forward(net, compute, false, NULL, err));
    memcpy(out + at * size, nsc_net_tensor(net, net->layers[head].inputs[0])->value, n * size * sizeof *out);
  }
  return NSC_OK;
}

nsc_status nsc_features_of_picture(nsc_net *net, uint32_t head, nsc_compute *compute, const float *picture,
                                   const nsc_normal *normal, float *out, nsc_error *err) {
  NSC_TRY(nsc_net_set_batch(net, 1, err));
  nsc_tensor *in = nsc_net_tensor(net, net->input);
  size_t each = nsc_net_size(net, net->input);
  memcpy(in->value, picture, each * sizeof *picture);
  nsc_normalise(normal, in->value, each, in->channels);
  NSC_TRY(nsc_net_forward(net, compute, false, NULL, err));
  memcpy(out, nsc_net_tensor(net, net->layers[head].inputs[0])->value, nsc_feature_count(net, head) * sizeof *out);
  return NSC_OK;
}

/* ---- heads ---- */

nsc_status nsc_head_create(const nsc_net *net, uint32_t head, nsc_net **out, nsc_error *err) {
  nsc_net *made;
  NSC_TRY(nsc_net_create(&made, err));
  uint32_t x = nsc_net_input(made, 1, 1, nsc_feature_count(net, head));
  uint32_t y = nsc_net_dense(made, x, net->tensors[net->layers[head].output].channels);
  nsc_status status = nsc_net_finish(made, y, 0, err);
  if (status != NSC_OK) {
    nsc_net_free(made);
    return status;
  }
  for (uint32_t k = 0; k < made->parameter_count; k++) {
    const nsc_parameter *from = &net->parameters[net->layers[head].parameters[k]];
    memcpy(made->parameters[k].value, from->value, from->count * sizeof(float));
  }
  *out = made;
  return NSC_OK;
}

void nsc_head_return(nsc_net *net, uint32_t head, const nsc_net *trained) {
  for (uint32_t k = 0; k < trained->parameter_count; k++) {
    const nsc_parameter *from = &trained->parameters[k];
    memcpy(net->parameters[net->layers[head].parameters[k]].value, from->value, from->count * sizeof(float));
  }
}

static bool has_weights(const nsc_layer *layer) {
  return layer->kind == NSC_LAYER_CONV || layer->kind == NSC_LAYER_DENSE;
}

void nsc_net_freeze(nsc_net *net, uint32_t layers) {
  uint32_t first = net->layer_count; /* the first layer that learns */
  for (uint32_t l = net->layer_count, left = layers; l-- > 0 && left > 0;) {
    if (!has_weights(&net->layers[l])) continue;
    first = l;
    left--;
  }
  if (layers == UINT32_MAX) first = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    nsc_layer *layer = &net->layers[l];
    layer->frozen = layer->kind == NSC_LAYER_NORM && l < first;
    for (int i = 0; i < NSC_LAYER_PARAMETERS; i++) {
      if (layer->parameters[i] != UINT32_MAX) net->parameters[layer->parameters[i]].frozen = l < first;
    }
  }
}

/* ---- nearest neighbours ---- */

static float similarity(const float *a, const float *b, size_t size) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < size; i++) {
    dot += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  double length = sqrt(aa * bb);
  return length > 0 ? (float)(dot / length) : 0;
}

/* A sample that says nothing of its patient is one of its own. */
static bool same_patient(const nsc_sample *a, const nsc_sample *b) {
  return a->patient && b->patient && strcmp(a->patient, b->patient) == 0;
}

void nsc_neighbours_find(const nsc_dataset *d, const float *features, size_t size, const float *query, uint32_t asked,
                         uint32_t k, nsc_neighbour *out, uint32_t *found) {
  uint32_t n = 0;
  const nsc_sample *self = asked < d->count ? &d->samples[asked] : NULL;
  for (uint32_t i = 0; i < d->count; i++) {
    if (d->samples[i].split != NSC_SPLIT_TRAIN) continue;
    if (self && (i == asked || same_patient(self, &d->samples[i]))) continue;
    float s = similarity(features + i * size, query, size);
    uint32_t at = n < k ? n++ : k;
    for (; at > 0 && out[at - 1].similarity < s; at--) {
      if (at < k) out[at] = out[at - 1];
    }
    if (at < k) out[at] = (nsc_neighbour){i, s};
  }
  *found = n;
}

void nsc_neighbours_vote(const nsc_dataset *d, const nsc_neighbour *neighbours, uint32_t count, float *scores) {
  for (uint32_t k = 0; k < d->label_count; k++) scores[k] = count ? 0 : 1.0f / (float)d->label_count;
  if (count == 0) return;
  float nearest = neighbours[0].similarity, farthest = neighbours[count - 1].similarity, sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    float range = nearest - farthest;
    float weight = range > 0 ? (neighbours[i].similarity - farthest) / range : 1;
    scores[d->samples[neighbours[i].sample].label] += weight;
    sum += weight;
  }
  for (uint32_t k = 0; k < d->label_count; k++) scores[k] /= sum;
}
