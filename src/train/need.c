#include "train/need.h"

#include "base/error.h"
#include "train/layers.h"

/* Moments that an optimiser has of each number. */
static uint64_t moments(nsc_optimiser_kind kind) {
  return kind == NSC_OPTIMISER_SGD ? 1 : 2;
}

static uint64_t gradient_floats(const nsc_net *net, bool clips) {
  uint64_t all = 0, most = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    uint64_t count = nsc_net_layer_gradients(net, &net->layers[l]);
    all += count;
    most = count > most ? count : most;
  }
  return clips ? all : most; /* clipping needs the length of the whole */
}

static void count_weights(const nsc_net *net, const nsc_train_options *o, bool stores, nsc_train_need *need) {
  uint64_t floats = 0, largest = 0, all = 0, copies = 1 + (o->average > 0) + !stores;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    all += p->count;
    floats += p->count * (copies + (p->learned ? moments(o->optimiser.kind) : 0));
    largest = p->count > largest ? p->count : largest;
  }
  need->weights = floats * sizeof(float);
  need->gradients = gradient_floats(net, o->optimiser.clip_norm > 0) * sizeof(float);
  need->file = (all + largest) * sizeof(float); /* one parameter at a time is turned to ONNX's order */
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
  nsc_train_need need;
  count_weights(net, options, stores, &need);
  NSC_TRY(nsc_net_batch_bytes(net, batch, &need.activations, err));
  NSC_TRY(nsc_compute_need_begin(&work, threads, err));
  nsc_net_find_wanted(net);
  NSC_TRY(count_work(net, batch, &work, err));
  need.work = nsc_compute_need_bytes(&work);
  *out = need;
  return NSC_OK;
}

uint64_t nsc_train_need_most(const nsc_train_need *n) {
  uint64_t step = n->gradients + n->activations + n->work;
  return n->weights + (step > n->file ? step : n->file);
}
