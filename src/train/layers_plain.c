/* Layers without parameters: activations, pooling, dropout, sum, concatenation, flatten. */
#include <math.h>
#include <string.h>

#include "train/layers.h"

static nsc_tensor *input_of(const nsc_pass *pass, const nsc_layer *layer) {
  return nsc_net_tensor(pass->net, layer->inputs[0]);
}

static nsc_tensor *result_of(const nsc_pass *pass, const nsc_layer *layer) {
  return nsc_net_tensor(pass->net, layer->output);
}

/* ---- activations ---- */

static float activate(nsc_activation_kind kind, float x) {
  switch (kind) {
    case NSC_ACTIVATION_RELU:
      return x > 0 ? x : 0;
    case NSC_ACTIVATION_RELU6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case NSC_ACTIVATION_LEAKY_RELU:
      return x > 0 ? x : 0.01f * x;
    case NSC_ACTIVATION_ELU:
      return x > 0 ? x : expm1f(x);
    case NSC_ACTIVATION_SIGMOID:
      return 1 / (1 + expf(-x));
    case NSC_ACTIVATION_TANH:
      return tanhf(x);
    case NSC_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
  }
  return x;
}

/* The derivative, from input and output. */
static float slope(nsc_activation_kind kind, float x, float y) {
  switch (kind) {
    case NSC_ACTIVATION_RELU:
      return x > 0;
    case NSC_ACTIVATION_RELU6:
      return x > 0 && x < 6;
    case NSC_ACTIVATION_LEAKY_RELU:
      return x > 0 ? 1 : 0.01f;
    case NSC_ACTIVATION_ELU:
      return x > 0 ? 1 : y + 1;
    case NSC_ACTIVATION_SIGMOID:
      return y * (1 - y);
    case NSC_ACTIVATION_TANH:
      return 1 - y * y;
    case NSC_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
  }
  return 1;
}

nsc_status nsc_activation_forward(nsc_pass *pass, nsc_layer *layer) {
  const float *x = input_of(pass, layer)->value;
  float *y = result_of(pass, layer)->value;
  size_t count = nsc_net_size(pass->net, layer->output);
  if (layer->activation == NSC_ACTIVATION_RELU) { /* by far the most common: a loop that vectorises */
    for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;
  } else {
    for (size_t i = 0; i < count; i++) y[i] = activate(layer->activation, x[i]);
  }
  return NSC_OK;
}

nsc_status nsc_activation_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t count = nsc_net_size(pass->net, layer->output);
  if (layer->activation == NSC_ACTIVATION_RELU) {
    for (size_t i = 0; i < count; i++) x->gradient[i] += x->value[i] > 0 ? y->gradient[i] : 0;
  } else {
    for (size_t i = 0; i < count; i++) {
      x->gradient[i] += y->gradient[i] * slope(layer->activation, x->value[i], y->value[i]);
    }
  }
  return NSC_OK;
}

/* ---- pooling ---- */

/* The input positions of one window along one axis: [*from, *to). */
static void window(size_t at, const nsc_layer *layer, size_t side, size_t *from, size_t *to) {
  size_t start = at * layer->stride;
  *from = start > layer->pad ? start - layer->pad : 0;
  *to = start + layer->kernel > layer->pad ? start + layer->kernel - layer->pad : 0;
  if (*to > side) *to = side;
}

nsc_status nsc_max_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t channels = x->channels, at = 0;
  for (size_t n = 0; n < pass->net->batch; n++) {
    for (size_t p = 0; p < y->height * y->width; p++) {
      size_t y0, y1, x0, x1;
      window(p / y->width, layer, x->height, &y0, &y1);
      window(p % y->width, layer, x->width, &x0, &x1);
      for (size_t c = 0; c < channels; c++, at++) {
        float best = -INFINITY;
        size_t where = ((n * x->height + y0) * x->width + x0) * channels + c;
        for (size_t r = y0; r < y1; r++) {
          for (size_t k = x0; k < x1; k++) {
            size_t i = ((n * x->height + r) * x->width + k) * channels + c;
            if (x->value[i] > best) {
              best = x->value[i];
              where = i;
            }
          }
        }
        y->value[at] = x->value[where];
        layer->chosen[at] = (uint32_t)where;
      }
    }
  }
  return NSC_OK;
}

nsc_status nsc_max_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t count = nsc_net_size(pass->net, layer->output);
  for (size_t i = 0; i < count; i++) x->gradient[layer->chosen[i]] += y->gradient[i];
  return NSC_OK;
}

/* Forward and backward of an average are the same walk: each output position shares 1/area with its window. */
static void average_walk(nsc_pass *pass, nsc_layer *layer, bool backward) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t channels = x->channels;
  float share = 1.0f / (float)(layer->kernel * layer->kernel);
  for (size_t n = 0; n < pass->net->batch; n++) {
    for (size_t p = 0; p < y->height * y->width; p++) {
      size_t out = (n * y->height * y->width + p) * channels, y0, y1, x0, x1;
      window(p / y->width, layer, x->height, &y0, &y1);
      window(p % y->width, layer, x->width, &x0, &x1);
      if (!backward) memset(y->value + out, 0, channels * sizeof(float));
      for (size_t r = y0; r < y1; r++) {
        for (size_t k = x0; k < x1; k++) {
          size_t in = ((n * x->height + r) * x->width + k) * channels;
          for (size_t c = 0; c < channels; c++) {
            if (backward) {
              x->gradient[in + c] += share * y->gradient[out + c];
            } else {
              y->value[out + c] += share * x->value[in + c];
            }
          }
        }
      }
    }
  }
}

nsc_status nsc_average_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  average_walk(pass, layer, false);
  return NSC_OK;
}

nsc_status nsc_average_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  average_walk(pass, layer, true);
  return NSC_OK;
}

nsc_status nsc_global_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t pixels = x->height * x->width, channels = x->channels;
  for (size_t n = 0; n < pass->net->batch; n++) {
    float *out = y->value + n * channels;
    const float *in = x->value + n * pixels * channels;
    memset(out, 0, channels * sizeof *out);
    for (size_t i = 0; i < pixels * channels; i++) out[i % channels] += in[i];
    for (size_t c = 0; c < channels; c++) out[c] /= (float)pixels;
  }
  return NSC_OK;
}

nsc_status nsc_global_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t pixels = x->height * x->width, channels = x->channels;
  float share = 1.0f / (float)pixels;
  for (size_t n = 0; n < pass->net->batch; n++) {
    for (size_t i = 0; i < pixels * channels; i++) {
      x->gradient[n * pixels * channels + i] += share * y->gradient[n * channels + i % channels];
    }
  }
  return NSC_OK;
}

/* ---- dropout (Srivastava et al. 2014), scaled in training so that inference needs nothing ---- */

nsc_status nsc_dropout_forward(nsc_pass *pass, nsc_layer *layer) {
  const float *x = input_of(pass, layer)->value;
  float *y = result_of(pass, layer)->value;
  size_t count = nsc_net_size(pass->net, layer->output);
  float keep = 1 - layer->rate, scale = keep > 0 ? 1 / keep : 0;
  for (size_t i = 0; i < count; i++) {
    layer->saved[i] = !pass->training ? 1 : nsc_rng_float(pass->rng) < keep ? scale : 0;
    y[i] = x[i] * layer->saved[i];
  }
  return NSC_OK;
}

nsc_status nsc_dropout_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t count = nsc_net_size(pass->net, layer->output);
  for (size_t i = 0; i < count; i++) x->gradient[i] += y->gradient[i] * layer->saved[i];
  return NSC_OK;
}

/* ---- sum, concatenation, flatten ---- */

nsc_status nsc_add_forward(nsc_pass *pass, nsc_layer *layer) {
  const float *a = input_of(pass, layer)->value, *b = nsc_net_tensor(pass->net, layer->inputs[1])->value;
  float *y = result_of(pass, layer)->value;
  size_t count = nsc_net_size(pass->net, layer->output);
  for (size_t i = 0; i < count; i++) y[i] = a[i] + b[i];
  return NSC_OK;
}

nsc_status nsc_add_backward(nsc_pass *pass, nsc_layer *layer) {
  const float *dy = result_of(pass, layer)->gradient;
  size_t count = nsc_net_size(pass->net, layer->output);
  for (uint32_t k = 0; k < 2; k++) {
    float *dx = nsc_net_tensor(pass->net, layer->inputs[k])->gradient;
    for (size_t i = 0; i < count; i++) dx[i] += dy[i];
  }
  return NSC_OK;
}

static void concat_walk(nsc_pass *pass, nsc_layer *layer, bool backward) {
  nsc_tensor *y = result_of(pass, layer);
  size_t pixels = pass->net->batch * y->height * y->width, offset = 0;
  for (uint32_t k = 0; k < layer->input_count; k++) {
    nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[k]);
    for (size_t p = 0; p < pixels; p++) {
      size_t in = p * x->channels, out = p * y->channels + offset;
      for (size_t c = 0; c < x->channels; c++) {
        if (backward) {
          x->gradient[in + c] += y->gradient[out + c];
        } else {
          y->value[out + c] = x->value[in + c];
        }
      }
    }
    offset += x->channels;
  }
}

nsc_status nsc_concat_forward(nsc_pass *pass, nsc_layer *layer) {
  concat_walk(pass, layer, false);
  return NSC_OK;
}

nsc_status nsc_concat_backward(nsc_pass *pass, nsc_layer *layer) {
  concat_walk(pass, layer, true);
  return NSC_OK;
}

/* Rows, columns, channels to channels, rows, columns: ONNX's order, so that the next dense layer's weights need no
   turning when the network is saved. */
static void flatten_walk(nsc_pass *pass, nsc_layer *layer, bool backward) {
  nsc_tensor *x = input_of(pass, layer), *y = result_of(pass, layer);
  size_t pixels = x->height * x->width, channels = x->channels;
  for (size_t n = 0; n < pass->net->batch; n++) {
    size_t base = n * pixels * channels;
    for (size_t p = 0; p < pixels; p++) {
      for (size_t c = 0; c < channels; c++) {
        if (backward) {
          x->gradient[base + p * channels + c] += y->gradient[base + c * pixels + p];
        } else {
          y->value[base + c * pixels + p] = x->value[base + p * channels + c];
        }
      }
    }
  }
}

nsc_status nsc_flatten_forward(nsc_pass *pass, nsc_layer *layer) {
  flatten_walk(pass, layer, false);
  return NSC_OK;
}

nsc_status nsc_flatten_backward(nsc_pass *pass, nsc_layer *layer) {
  flatten_walk(pass, layer, true);
  return NSC_OK;
}
