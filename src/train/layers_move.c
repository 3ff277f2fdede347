/* Layers that only move numbers: concatenation, flatten and back, upsampling. */
#include <string.h>

#include "train/layers.h"

/* ---- concatenation of channels ---- */

typedef struct concat_task {
  nsc_tensor *x, *y;
  size_t offset; /* of x's channels in y's */
  bool backward, adds;
} concat_task;

static void concat_part(void *context, size_t from, size_t count) {
  const concat_task *t = context;
  size_t channels = t->x->channels;
  for (size_t p = from; p < from + count; p++) {
    size_t in = p * channels, out = p * t->y->channels + t->offset;
    if (!t->backward) {
      memcpy(t->y->value + out, t->x->value + in, channels * sizeof(float));
    } else if (!t->adds) {
      memcpy(t->x->gradient + in, t->y->gradient + out, channels * sizeof(float));
    } else {
      for (size_t c = 0; c < channels; c++) t->x->gradient[in + c] += t->y->gradient[out + c];
    }
  }
}

static void concat_walk(nsc_pass *pass, nsc_layer *layer, bool backward) {
  nsc_tensor *y = nsc_result_of(pass, layer);
  size_t pixels = pass->net->batch * y->height * y->width, offset = 0;
  for (uint32_t k = 0; k < layer->input_count; k++) {
    nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[k]);
    if (!backward || x->wanted) {
      concat_task task = {x, y, offset, backward, backward && nsc_adds_gradient(x)};
      nsc_compute_ranges(pass->compute, concat_part, &task, pixels, NSC_GRAIN / x->channels + 1);
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

/* ---- flatten: rows, columns, channels to channels, rows, columns, which is ONNX's order, so that the next dense
   layer's weights need no turning when the network is saved ---- */

/* From a picture to a list or back; `picture` says its size. */
static void turn(const nsc_pass *pass, const nsc_tensor *picture, const float *from, bool to_list, bool adds,
                 float *to) {
  size_t pixels = picture->height * picture->width, channels = picture->channels;
  for (size_t n = 0; n < pass->net->batch; n++) {
    size_t base = n * pixels * channels;
    for (size_t p = 0; p < pixels; p++) {
      for (size_t c = 0; c < channels; c++) {
        size_t in_picture = base + p * channels + c, in_list = base + c * pixels + p;
        size_t out = to_list ? in_list : in_picture;
        to[out] = from[to_list ? in_picture : in_list] + (adds ? to[out] : 0);
      }
    }
  }
}

nsc_status nsc_flatten_forward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = nsc_input_of(pass, layer);
  turn(pass, x, x->value, true, false, nsc_result_of(pass, layer)->value);
  return NSC_OK;
}

nsc_status nsc_flatten_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = nsc_input_of(pass, layer);
  turn(pass, x, nsc_result_of(pass, layer)->gradient, false, nsc_adds_gradient(x), x->gradient);
  return NSC_OK;
}

nsc_status nsc_unflatten_forward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *y = nsc_result_of(pass, layer);
  turn(pass, y, nsc_input_of(pass, layer)->value, false, false, y->value);
  return NSC_OK;
}

nsc_status nsc_unflatten_backward(nsc_pass *pass, nsc_layer *layer) {
  nsc_tensor *x = nsc_input_of(pass, layer), *y = nsc_result_of(pass, layer);
  turn(pass, y, y->gradient, true, nsc_adds_gradient(x), x->gradient);
  return NSC_OK;
}

/* ---- upsampling: each pixel becomes a square of `kernel` pixels a side ---- */

static void upsample_walk(nsc_pass *pass, nsc_layer *layer, bool backward) {
  nsc_tensor *x = nsc_input_of(pass, layer), *y = nsc_result_of(pass, layer);
  size_t channels = x->channels, rows = pass->net->batch * y->height;
  if (backward && !nsc_adds_gradient(x)) {
    memset(x->gradient, 0, nsc_net_size(pass->net, layer->inputs[0]) * sizeof(float));
  }
  for (size_t r = 0; r < rows; r++) {
    /* A picture's rows are a multiple of the factor: dividing the row of all pictures is dividing each one's. */
    size_t from = r / layer->kernel * x->width;
    for (size_t k = 0; k < y->width; k++) {
      size_t in = (from + k / layer->kernel) * channels, out = (r * y->width + k) * channels;
      if (!backward) {
        memcpy(y->value + out, x->value + in, channels * sizeof(float));
      } else {
        for (size_t c = 0; c < channels; c++) x->gradient[in + c] += y->gradient[out + c];
      }
    }
  }
}

nsc_status nsc_upsample_forward(nsc_pass *pass, nsc_layer *layer) {
  upsample_walk(pass, layer, false);
  return NSC_OK;
}

nsc_status nsc_upsample_backward(nsc_pass *pass, nsc_layer *layer) {
  upsample_walk(pass, layer, true);
  return NSC_OK;
}
