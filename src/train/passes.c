/* The forward and the backward pass through all layers. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/layers.h"

static nsc_status nothing(nsc_pass *pass, nsc_layer *layer) {
  (void)pass, (void)layer;
  return NSC_OK;
}

static const struct {
  nsc_layer_function forward, backward;
} functions[] = {
    [NSC_LAYER_INPUT] = {nothing, nothing},
    [NSC_LAYER_CONV] = {nsc_conv_forward, nsc_conv_backward},
    [NSC_LAYER_DENSE] = {nsc_dense_forward, nsc_dense_backward},
    [NSC_LAYER_NORM] = {nsc_norm_forward, nsc_norm_backward},
    [NSC_LAYER_ACTIVATION] = {nsc_activation_forward, nsc_activation_backward},
    [NSC_LAYER_MAX_POOL] = {nsc_max_pool_forward, nsc_max_pool_backward},
    [NSC_LAYER_AVERAGE_POOL] = {nsc_average_pool_forward, nsc_average_pool_backward},
    [NSC_LAYER_GLOBAL_POOL] = {nsc_global_pool_forward, nsc_global_pool_backward},
    [NSC_LAYER_DROPOUT] = {nsc_dropout_forward, nsc_dropout_backward},
    [NSC_LAYER_ADD] = {nsc_add_forward, nsc_add_backward},
    [NSC_LAYER_CONCAT] = {nsc_concat_forward, nsc_concat_backward},
    [NSC_LAYER_FLATTEN] = {nsc_flatten_forward, nsc_flatten_backward},
};

nsc_status nsc_net_forward(nsc_net *net, nsc_compute *compute, bool training, nsc_rng *rng, nsc_error *err) {
  if (net->batch == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no batch size was set");
  nsc_pass pass = {.net = net, .compute = compute, .training = training, .rng = rng, .err = err};
  for (uint32_t l = 0; l < net->layer_count; l++) {
    NSC_TRY(functions[net->layers[l].kind].forward(&pass, &net->layers[l]));
  }
  return NSC_OK;
}

static size_t largest_tensor(const nsc_net *net) {
  size_t largest = 0;
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    if (nsc_net_size(net, t) > largest) largest = nsc_net_size(net, t);
  }
  return largest;
}

nsc_status nsc_net_backward(nsc_net *net, nsc_compute *compute, nsc_error *err) {
  size_t floats = largest_tensor(net) + 32; /* XNNPACK reads a little past the end */
  nsc_pass pass = {
      .net = net, .compute = compute, .training = true, .err = err, .scratch = malloc(floats * sizeof(float))};
  if (!pass.scratch) return nsc_fail_memory(err, floats * sizeof(float), "the backward pass");
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    if (t != net->output) memset(net->tensors[t].gradient, 0, nsc_net_size(net, t) * sizeof(float));
  }
  nsc_status status = NSC_OK;
  for (uint32_t l = net->layer_count; l-- > 0 && status == NSC_OK;) {
    status = functions[net->layers[l].kind].backward(&pass, &net->layers[l]);
  }
  free(pass.scratch);
  return status;
}
