/* One forward and one backward function a kind of layer. Backward adds to the gradients of its inputs (a tensor may
   feed several layers) and overwrites those of its parameters. */
#ifndef NSC_TRAIN_LAYERS_H
#define NSC_TRAIN_LAYERS_H

#include "train/net.h"

typedef struct nsc_pass {
  nsc_net *net;
  nsc_compute *compute;
  bool training;
  nsc_rng *rng;
  nsc_error *err;
  float *scratch; /* as large as the largest tensor of the batch; for backward */
} nsc_pass;

typedef nsc_status (*nsc_layer_function)(nsc_pass *pass, nsc_layer *layer);

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

#endif
