/* The forward and the backward pass through all layers. */
#include "base/clock.h"
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
    [NSC_LAYER_UNFLATTEN] = {nsc_unflatten_forward, nsc_unflatten_backward},
    [NSC_LAYER_UPSAMPLE] = {nsc_upsample_forward, nsc_upsample_backward},
};

/* One layer in one direction (0 forward, 1 backward). */
static nsc_status run_layer(nsc_pass *pass, uint32_t l, int direction) {
  nsc_layer *layer = &pass->net->layers[l];
  nsc_layer_function run = direction ? functions[layer->kind].backward : functions[layer->kind].forward;
  if (!pass->net->times) return run(pass, layer);
  double start = nsc_now_ms();
  nsc_status status = run(pass, layer);
  pass->net->times[2 * (size_t)l + (size_t)direction] += nsc_now_ms() - start;
  return status;
}

nsc_status nsc_net_forward(nsc_net *net, nsc_compute *compute, bool training, nsc_rng *rng, nsc_error *err) {
  if (net->batch == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no batch size was set");
  nsc_pass pass = {.net = net, .compute = compute, .training = training, .rng = rng, .err = err};
  net->trained = training;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    NSC_TRY(run_layer(&pass, l, 0));
  }
  return NSC_OK;
}

static void learn(const nsc_net *net, const nsc_layer *layer) {
  for (int i = 0; i < NSC_LAYER_PARAMETERS && net->learner.learn; i++) {
    uint32_t number = layer->parameters[i];
    if (number == UINT32_MAX || !net->parameters[number].gradient) continue;
    net->learner.learn(net->learner.context, number);
  }
}

nsc_status nsc_net_backward(nsc_net *net, nsc_compute *compute, nsc_error *err) {
  nsc_pass pass = {.net = net, .compute = compute, .training = net->trained, .err = err};
  NSC_TRY(nsc_net_need_gradients(net, err));
  nsc_net_find_wanted(net);
  for (uint32_t t = 0; t < net->tensor_count; t++) net->tensors[t].written = t == net->output;
  for (uint32_t l = net->layer_count; l-- > 0;) {
    const nsc_tensor *y = &net->tensors[net->layers[l].output];
    if (!y->wanted || !y->written) continue;
    NSC_TRY(run_layer(&pass, l, 1));
    learn(net, &net->layers[l]);
  }
  return NSC_OK;
}
