/* Layers with weights: convolution and dense. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/layers.h"

static nsc_parameter *parameter(const nsc_pass *pass, const nsc_layer *layer, int slot) {
  uint32_t number = layer->parameters[slot];
  return number == UINT32_MAX ? NULL : &pass->net->parameters[number];
}

/* dy is [rows][columns]: the gradient of a bias that is added to every row. */
static void sum_rows(const float *dy, size_t rows, size_t columns, float *restrict out) {
  memset(out, 0, columns * sizeof *out);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) out[c] += dy[r * columns + c];
  }
}

/* ---- convolution ---- */

nsc_conv_shape nsc_layer_conv_shape(const nsc_net *net, const nsc_layer *layer, size_t batch) {
  const nsc_tensor *x = &net->tensors[layer->inputs[0]];
  return (nsc_conv_shape){.batch = batch,
                          .height = x->height,
                          .width = x->width,
                          .in_channels = x->channels,
                          .out_channels = net->tensors[layer->output].channels,
                          .groups = layer->groups,
                          .kernel_h = layer->kernel,
                          .kernel_w = layer->kernel,
                          .stride = layer->stride,
                          .top = layer->pad,
                          .left = layer->pad,
                          .bottom = layer->pad,
                          .right = layer->pad};
}

nsc_status nsc_conv_forward(nsc_pass *pass, nsc_layer *layer) {
  nsc_conv_shape shape = nsc_layer_conv_shape(pass->net, layer, pass->net->batch);
  const nsc_parameter *bias = parameter(pass, layer, 1);
  return nsc_compute_conv(pass->compute, &shape, nsc_net_tensor(pass->net, layer->inputs[0])->value,
                          parameter(pass, layer, 0)->value, bias ? bias->value : NULL,
                          nsc_net_tensor(pass->net, layer->output)->value, pass->err);
}

nsc_status nsc_conv_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_conv_shape shape = nsc_layer_conv_shape(pass->net, layer, pass->net->batch);
  nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[0]), *y = nsc_net_tensor(pass->net, layer->output);
  nsc_parameter *weights = parameter(pass, layer, 0), *bias = parameter(pass, layer, 1);
  if (!weights->frozen) {
    NSC_TRY(
        nsc_compute_conv_weight_gradient(pass->compute, &shape, x->value, y->gradient, weights->gradient, pass->err));
  }
  if (bias && !bias->frozen) {
    sum_rows(y->gradient, nsc_net_size(pass->net, layer->output) / y->channels, y->channels, bias->gradient);
  }
  if (!x->wanted) return NSC_OK;
  bool adds = nsc_adds_gradient(x);
  float *dx = adds ? pass->net->scratch : x->gradient;
  NSC_TRY(nsc_compute_conv_input_gradient(pass->compute, &shape, y->gradient, weights->value, dx, pass->err));
  if (adds) nsc_add_floats(pass->compute, x->gradient, dx, nsc_net_size(pass->net, layer->inputs[0]));
  return NSC_OK;
}

/* ---- dense: y = x * W' + b ---- */

nsc_status nsc_dense_forward(nsc_pass *pass, nsc_layer *layer) {
  const nsc_parameter *w = parameter(pass, layer, 0), *b = parameter(pass, layer, 1);
  return nsc_compute_dense(pass->compute, pass->net->batch, w->dims[1], w->dims[0],
                           nsc_net_tensor(pass->net, layer->inputs[0])->value, w->value, false, b->value,
                           nsc_net_tensor(pass->net, layer->output)->value, pass->err);
}

nsc_status nsc_dense_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_parameter *w = parameter(pass, layer, 0), *b = parameter(pass, layer, 1);
  nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[0]), *y = nsc_net_tensor(pass->net, layer->output);
  size_t batch = pass->net->batch, in = w->dims[1], out = w->dims[0];
  if (!w->frozen) {
    NSC_TRY(nsc_compute_dense_weight_gradient(pass->compute, batch, in, out, x->value, y->gradient, w->gradient,
                                              pass->err));
    sum_rows(y->gradient, batch, out, b->gradient);
  }
  if (!x->wanted) return NSC_OK;
  bool adds = nsc_adds_gradient(x);
  float *dx = adds ? pass->net->scratch : x->gradient;
  NSC_TRY(nsc_compute_dense(pass->compute, batch, out, in, y->gradient, w->value, true, NULL, dx, pass->err));
  if (adds) nsc_add_floats(pass->compute, x->gradient, dx, batch * in);
  return NSC_OK;
}
