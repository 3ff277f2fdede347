#include "train/need.h"

#include "base/error.h"
#include "train/layers.h"

/* Moments that an optimiser has of each number. */
static uint64_t moments(nsc_optimiser_kind kind) {
  return kind == NSC_OPTIMISER_SGD ? 1 : 2;
}

static uint64_t weight_floats(const nsc_net *net, const nsc_train_options *o, bool stores) {
  uint64_t floats = 0, gradients = 0, copies = 1 + (o->average > 0) + !stores;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    floats += p->count * (copies + (p->learned ? moments(o->optimiser.kind) : 0));
  }
  for (uint32_t l = 0; l < net->layer_count; l++) {
    uint64_t count = nsc_net_layer_gradients(net, &net->layers[l]);
    if (o->optimiser.clip_norm > 0) { /* all at once, for their length */
      gradients += count;
    } else if (count > gradients) {
      gradients = count;
    }
  }
  return floats + gradients;
}

/* Whether a layer has to say how its input should change, when nsc_net_find_wanted has run. */
static bool passes_on(const nsc_net *net, const nsc_layer *layer) {
  return net->tensors[layer->inputs[0]].wanted;
}

static nsc_status count_work(const nsc_net *net, size_t batch, nsc_compute_need *need, nsc_error *err) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const nsc_layer *layer = &net->layers[l];
    if (layer->kind == NSC_LAYER_CONV) {
      nsc_conv_shape shape = nsc_layer_conv_shape(net, layer, batch);
      NSC_TRY(nsc_compute_need_conv(need, &shape, passes_on(net, layer), err));
    } else if (layer->kind == NSC_LAYER_DENSE) {
      const nsc_parameter *w = &net->parameters[layer->parameters[0]];
      nsc_compute_need_dense(need, batch, w->dims[1], w->dims[0], passes_on(net, layer));
    }
  }
  return NSC_OK;
}

nsc_status nsc_train_count_need(nsc_net *net, const nsc_train_options *options, size_t batch, uint32_t threads,
                                bool stores, nsc_train_need *out, nsc_error *err) {
  nsc_compute_need work;
  nsc_train_need need = {.weights = weight_floats(net, options, stores) * sizeof(float)};
  NSC_TRY(nsc_net_batch_bytes(net, batch, &need.activations, err));
  NSC_TRY(nsc_compute_need_begin(&work, threads, err));
  nsc_net_find_wanted(net);
  NSC_TRY(count_work(net, batch, &work, err));
  need.work = nsc_compute_need_bytes(&work);
  *out = need;
  return NSC_OK;
}
