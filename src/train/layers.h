/*
 * One forward and one backward function a kind of layer.
 *
 * Backward writes the gradients of its inputs, or adds to them where another reader of the tensor was there first
 * (`written`), and overwrites those of its parameters. Layers that may work in place (activations, dropout) get the
 * same memory for input and output.
 */
#ifndef NSC_TRAIN_LAYERS_H
#define NSC_TRAIN_LAYERS_H

#include "train/net.h"

typedef struct nsc_pass {
  nsc_net *net;
  nsc_compute *compute;
  bool training;
  nsc_rng *rng;
  nsc_error *err;
} nsc_pass;

typedef nsc_status (*nsc_layer_function)(nsc_pass *pass, nsc_layer *layer);

static inline nsc_tensor *nsc_input_of(const nsc_pass *pass, const nsc_layer *layer) {
  return nsc_net_tensor(pass->net, layer->inputs[0]);
}

static inline nsc_tensor *nsc_result_of(const nsc_pass *pass, const nsc_layer *layer) {
  return nsc_net_tensor(pass->net, layer->output);
}

/* Says that a part of the gradient comes now; true when it is to be added to what stands there. */
static inline bool nsc_adds_gradient(nsc_tensor *x) {
  bool adds = x->written;
  x->written = true;
  return adds;
}

/* Lets layers work in place where nobody misses what they overwrite. */
void nsc_net_share(nsc_net *net);
/* What a convolution layer computes with a batch. */
nsc_conv_shape nsc_layer_conv_shape(const nsc_net *net, const nsc_layer *layer, size_t batch);

/* Sets `wanted` of all tensors. */
void nsc_net_find_wanted(nsc_net *net);
/* Memory for the gradients of what learns, unless it is there. */
NSC_WARN_UNUSED nsc_status nsc_net_need_gradients(nsc_net *net, nsc_error *err);
/* Of what learns in a layer; they stand one behind the other. */
size_t nsc_net_layer_gradients(const nsc_net *net, const nsc_layer *layer);

/* Floats that are worth a thread. */
enum { NSC_GRAIN = 16384 };

/* to[i] += from[i], in parallel. */
void nsc_add_floats(nsc_compute *compute, float *to, const float *from, size_t count);

nsc_status nsc_conv_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_conv_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_dense_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_dense_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_norm_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_norm_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_activation_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_activation_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_max_pool_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_max_pool_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_average_pool_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_average_pool_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_global_pool_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_global_pool_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_dropout_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_dropout_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_add_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_add_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_concat_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_concat_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_flatten_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_flatten_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_unflatten_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_unflatten_backward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_upsample_forward(nsc_pass *pass, nsc_layer *layer);
nsc_status nsc_upsample_backward(nsc_pass *pass, nsc_layer *layer);

#endif
