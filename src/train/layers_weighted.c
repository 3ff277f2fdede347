/* Layers with parameters: convolution, dense, batch normalisation. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/layers.h"

static nsc_parameter *parameter(const nsc_pass *pass, const nsc_layer *layer, int slot) {
  uint32_t number = layer->parameters[slot];
  return number == UINT32_MAX ? NULL : &pass->net->parameters[number];
}

static void add_to(float *to, const float *from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] += from[i];
}

/* dy is [rows][columns]: the gradient of a bias that is added to every row. */
static void sum_rows(const float *dy, size_t rows, size_t columns, float *out) {
  memset(out, 0, columns * sizeof *out);
  for (size_t r = 0; r < rows; r++) add_to(out, dy + r * columns, columns);
}

/* ---- convolution ---- */

static nsc_conv_shape conv_shape(const nsc_pass *pass, const nsc_layer *layer) {
  const nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[0]);
  return (nsc_conv_shape){.batch = pass->net->batch,
                          .height = x->height,
                          .width = x->width,
                          .in_channels = x->channels,
                          .out_channels = nsc_net_tensor(pass->net, layer->output)->channels,
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
  nsc_conv_shape shape = conv_shape(pass, layer);
  const nsc_parameter *bias = parameter(pass, layer, 1);
  return nsc_compute_conv(pass->compute, &shape, nsc_net_tensor(pass->net, layer->inputs[0])->value,
                          parameter(pass, layer, 0)->value, bias ? bias->value : NULL,
                          nsc_net_tensor(pass->net, layer->output)->value, pass->err);
}

nsc_status nsc_conv_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_conv_shape shape = conv_shape(pass, layer);
  nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[0]), *y = nsc_net_tensor(pass->net, layer->output);
  nsc_parameter *weights = parameter(pass, layer, 0), *bias = parameter(pass, layer, 1);
  if (!weights->frozen) {
    NSC_TRY(
        nsc_compute_conv_weight_gradient(pass->compute, &shape, x->value, y->gradient, weights->gradient, pass->err));
  }
  if (bias && !bias->frozen) {
    sum_rows(y->gradient, nsc_net_size(pass->net, layer->output) / y->channels, y->channels, bias->gradient);
  }
  if (layer->inputs[0] == pass->net->input) return NSC_OK; /* nobody asks for the gradient of the picture */
  NSC_TRY(
      nsc_compute_conv_input_gradient(pass->compute, &shape, y->gradient, weights->value, pass->scratch, pass->err));
  add_to(x->gradient, pass->scratch, nsc_net_size(pass->net, layer->inputs[0]));
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
    /* A dense layer is a 1x1 convolution over a batch of single pixels. */
    nsc_conv_shape shape = {.batch = batch,
                            .height = 1,
                            .width = 1,
                            .in_channels = in,
                            .out_channels = out,
                            .groups = 1,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .stride = 1};
    NSC_TRY(nsc_compute_conv_weight_gradient(pass->compute, &shape, x->value, y->gradient, w->gradient, pass->err));
    sum_rows(y->gradient, batch, out, b->gradient);
  }
  NSC_TRY(
      nsc_compute_dense(pass->compute, batch, out, in, y->gradient, w->value, true, NULL, pass->scratch, pass->err));
  add_to(x->gradient, pass->scratch, batch * in);
  return NSC_OK;
}

/* ---- batch normalisation (Ioffe and Szegedy 2015): y = (x - mean) / sqrt(variance + epsilon) * scale + shift ---- */

typedef struct norm_task {
  const nsc_pass *pass;
  const nsc_layer *layer;
  const float *x, *dy;
  float *y, *dx, *normal, *inverse; /* normal: (x - mean) * inverse; inverse: 1 / deviation, [channels] */
  size_t rows, channels;
} norm_task;

static norm_task norm_of(const nsc_pass *pass, const nsc_layer *layer) {
  nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[0]), *y = nsc_net_tensor(pass->net, layer->output);
  size_t count = nsc_net_size(pass->net, layer->output);
  return (norm_task){.pass = pass,
                     .layer = layer,
                     .x = x->value,
                     .dy = y->gradient,
                     .y = y->value,
                     .dx = x->gradient,
                     .normal = layer->saved,
                     .inverse = layer->saved + count,
                     .rows = count / x->channels,
                     .channels = x->channels};
}

/* Sums over all pixels are doubles: a channel of a large batch has millions of them. */
static void norm_channels(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  const nsc_layer *layer = t->layer;
  float *mean = parameter(t->pass, layer, 2)->value, *variance = parameter(t->pass, layer, 3)->value;
  const float *scale = parameter(t->pass, layer, 0)->value, *shift = parameter(t->pass, layer, 1)->value;
  bool of_batch = t->pass->training && !layer->frozen;
  for (size_t c = from; c < from + count; c++) {
    double m = (double)mean[c], v = (double)variance[c];
    if (of_batch) {
      double sum = 0, squares = 0;
      for (size_t r = 0; r < t->rows; r++) sum += (double)t->x[r * t->channels + c];
      m = sum / (double)t->rows;
      for (size_t r = 0; r < t->rows; r++) {
        double d = (double)t->x[r * t->channels + c] - m;
        squares += d * d;
      }
      v = squares / (double)t->rows;
      /* Running statistics take the unbiased variance, as PyTorch does. */
      double unbiased = t->rows > 1 ? squares / (double)(t->rows - 1) : v;
      mean[c] += layer->momentum * ((float)m - mean[c]);
      variance[c] += layer->momentum * ((float)unbiased - variance[c]);
    }
    float inverse = (float)(1 / sqrt(v + (double)layer->epsilon)), centre = (float)m;
    t->inverse[c] = inverse;
    for (size_t i = c; i < t->rows * t->channels; i += t->channels) {
      float n = (t->x[i] - centre) * inverse;
      t->normal[i] = n;
      t->y[i] = n * scale[c] + shift[c];
    }
  }
}

nsc_status nsc_norm_forward(nsc_pass *pass, nsc_layer *layer) {
  norm_task task = norm_of(pass, layer);
  nsc_compute_ranges(pass->compute, norm_channels, &task, task.channels, 8);
  return NSC_OK;
}

static void norm_gradients(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  const nsc_layer *layer = t->layer;
  nsc_parameter *scale = parameter(t->pass, layer, 0), *shift = parameter(t->pass, layer, 1);
  for (size_t c = from; c < from + count; c++) {
    double sum = 0, product = 0;
    for (size_t i = c; i < t->rows * t->channels; i += t->channels) {
      sum += (double)t->dy[i];
      product += (double)t->dy[i] * (double)t->normal[i];
    }
    scale->gradient[c] = (float)product;
    shift->gradient[c] = (float)sum;
    float factor = scale->value[c] * t->inverse[c];
    float mean_dy = layer->frozen ? 0 : (float)(sum / (double)t->rows);
    float mean_product = layer->frozen ? 0 : (float)(product / (double)t->rows);
    for (size_t i = c; i < t->rows * t->channels; i += t->channels) {
      t->dx[i] += factor * (t->dy[i] - mean_dy - t->normal[i] * mean_product);
    }
  }
}

nsc_status nsc_norm_backward(nsc_pass *pass, nsc_layer *layer) {
  norm_task task = norm_of(pass, layer);
  nsc_compute_ranges(pass->compute, norm_gradients, &task, task.channels, 8);
  return NSC_OK;
}
