/* Building networks: layers, shapes, parameters and their first values. */
#include "train/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "train/layers.h"

enum { NONE = UINT32_MAX, MAX_SIDE = 4096, MAX_CHANNELS = 1 << 20 };

void nsc_net_free(nsc_net *net) {
  if (!net) return;
  nsc_arena_free(&net->arena);
  nsc_arena_free(&net->batch_arena);
  nsc_arena_free(&net->gradient_arena);
  free(net->layers);
  free(net->tensors);
  free(net->parameters);
  free(net);
}

/* Layers, tensors and parameters grow together: at most four parameters a layer. */
static bool make_room(nsc_net *net) {
  if (net->layer_count < net->capacity) return true;
  uint32_t capacity = net->capacity * 2 + 32;
  nsc_layer *layers = realloc(net->layers, capacity * sizeof *layers);
  if (layers) net->layers = layers;
  nsc_tensor *tensors = realloc(net->tensors, capacity * sizeof *tensors);
  if (tensors) net->tensors = tensors;
  nsc_parameter *parameters = realloc(net->parameters, capacity * NSC_LAYER_PARAMETERS * sizeof *parameters);
  if (parameters) net->parameters = parameters;
  if (!layers || !tensors || !parameters) return false;
  net->capacity = capacity;
  return true;
}

nsc_status nsc_net_create(nsc_net **out, nsc_error *err) {
  nsc_net *net = calloc(1, sizeof *net);
  if (!net) return nsc_fail_memory(err, sizeof *net, "a network");
  net->input = net->output = net->fields = NONE;
  if (!make_room(net)) {
    nsc_net_free(net);
    return nsc_fail_memory(err, sizeof(nsc_layer), "a network");
  }
  net->tensors[0] = (nsc_tensor){0}; /* what a layer that could not be made gives */
  *out = net;
  return NSC_OK;
}

/* A layer and its output tensor. Returns NULL, and remembers why, when anything is wrong already. */
static nsc_layer *add_layer(nsc_net *net, nsc_layer_kind kind, const uint32_t *inputs, uint32_t input_count,
                            size_t height, size_t width, size_t channels) {
  if (net->built.status != NSC_OK) return NULL;
  if (height < 1 || width < 1 || channels < 1 || height > MAX_SIDE || width > MAX_SIDE || channels > MAX_CHANNELS) {
    (void)nsc_fail(&net->built, NSC_ERROR_SHAPE,
                   "layer %u of the network would give %zu x %zu x %zu: the pictures are too small for it",
                   net->layer_count, height, width, channels);
    return NULL;
  }
  uint32_t *copy = nsc_arena_alloc(&net->arena, input_count + 1, sizeof *copy);
  if (!copy || !make_room(net)) {
    (void)nsc_fail_memory(&net->built, sizeof(nsc_layer), "a network");
    return NULL;
  }
  for (uint32_t i = 0; i < input_count; i++) copy[i] = inputs[i];
  net->tensors[net->tensor_count] =
      (nsc_tensor){.height = height, .width = width, .channels = channels, .owner = net->tensor_count};
  nsc_layer *layer = &net->layers[net->layer_count++];
  *layer =
      (nsc_layer){.kind = kind, .inputs = copy, .input_count = input_count, .output = net->tensor_count++, .groups = 1};
  for (int i = 0; i < NSC_LAYER_PARAMETERS; i++) layer->parameters[i] = NONE;
  return layer;
}

static uint32_t output_of(const nsc_layer *layer) {
  return layer ? layer->output : 0;
}

static void add_parameter(nsc_net *net, nsc_layer *layer, int slot, const char *role, uint32_t rank, const size_t *dims,
                          bool learned, bool decays) {
  nsc_parameter *p = &net->parameters[net->parameter_count];
  *p = (nsc_parameter){.rank = rank, .count = 1, .learned = learned, .decays = decays};
  for (uint32_t i = 0; i < rank; i++) {
    p->dims[i] = dims[i];
    if (!nsc_mul_size(p->count, dims[i], &p->count)) p->count = SIZE_MAX;
  }
  char name[48];
  int n = snprintf(name, sizeof name, "layer%u.%s", (unsigned)(layer - net->layers), role);
  p->name = nsc_arena_text(&net->arena, name, (size_t)n);
  if (!p->name) (void)nsc_fail_memory(&net->built, sizeof name, "a network");
  layer->parameters[slot] = net->parameter_count++;
}

uint32_t nsc_net_input(nsc_net *net, size_t height, size_t width, size_t channels) {
  net->input = output_of(add_layer(net, NSC_LAYER_INPUT, NULL, 0, height, width, channels));
  return net->input;
}

/* 0 when the window does not fit: add_layer then refuses. */
static size_t windowed(size_t side, size_t kernel, size_t stride, size_t pad) {
  return side + 2 * pad < kernel || stride < 1 ? 0 : (side + 2 * pad - kernel) / stride + 1;
}

uint32_t nsc_net_conv(nsc_net *net, uint32_t x, nsc_conv_spec spec) {
  nsc_tensor in = net->tensors[x];
  size_t groups = spec.groups ? spec.groups : 1;
  if (in.channels % groups || spec.channels % groups) {
    (void)nsc_fail(&net->built, NSC_ERROR_SHAPE, "%zu and %zu channels cannot be split into %zu groups", in.channels,
                   spec.channels, groups);
  }
  nsc_layer *layer = add_layer(net, NSC_LAYER_CONV, &x, 1, windowed(in.height, spec.kernel, spec.stride, spec.pad),
                               windowed(in.width, spec.kernel, spec.stride, spec.pad), spec.channels);
  if (!layer) return 0;
  layer->kernel = spec.kernel;
  layer->stride = spec.stride;
  layer->pad = spec.pad;
  layer->groups = groups;
  const size_t dims[4] = {spec.channels, spec.kernel, spec.kernel, in.channels / groups};
  add_parameter(net, layer, 0, "weight", 4, dims, true, true);
  if (spec.bias) add_parameter(net, layer, 1, "bias", 1, dims, true, false);
  return layer->output;
}

uint32_t nsc_net_dense(nsc_net *net, uint32_t x, size_t features) {
  nsc_tensor in = net->tensors[x];
  nsc_layer *layer = add_layer(net, NSC_LAYER_DENSE, &x, 1, 1, 1, features);
  if (!layer) return 0;
  const size_t dims[2] = {features, in.height * in.width * in.channels};
  add_parameter(net, layer, 0, "weight", 2, dims, true, true);
  add_parameter(net, layer, 1, "bias", 1, dims, true, false);
  return layer->output;
}

/* Means of 0 and scales of 1 until somebody knows better. */
static bool need_field_numbers(nsc_net *net) {
  net->field_mean = nsc_arena_alloc(&net->arena, net->field_count, sizeof *net->field_mean);
  net->field_scale = nsc_arena_alloc(&net->arena, net->field_count, sizeof *net->field_scale);
  for (size_t i = 0; net->field_scale && i < net->field_count; i++) net->field_scale[i] = 1;
  return net->field_mean && net->field_scale;
}

uint32_t nsc_net_head(nsc_net *net, uint32_t x, size_t outputs) {
  if (net->field_count == 0) return nsc_net_dense(net, x, outputs);
  if (!need_field_numbers(net)) (void)nsc_fail_memory(&net->built, net->field_count, "a network");
  net->fields = output_of(add_layer(net, NSC_LAYER_INPUT, NULL, 0, 1, 1, net->field_count));
  const uint32_t both[2] = {x, net->fields};
  return nsc_net_dense(net, nsc_net_concat(net, both, 2), outputs);
}

uint32_t nsc_net_norm(nsc_net *net, uint32_t x) {
  nsc_tensor in = net->tensors[x];
  nsc_layer *layer = add_layer(net, NSC_LAYER_NORM, &x, 1, in.height, in.width, in.channels);
  if (!layer) return 0;
  layer->epsilon = 1e-5f;
  layer->momentum = 0.1f;
  add_parameter(net, layer, 0, "scale", 1, &in.channels, true, false);
  add_parameter(net, layer, 1, "shift", 1, &in.channels, true, false);
  add_parameter(net, layer, 2, "mean", 1, &in.channels, false, false);
  add_parameter(net, layer, 3, "variance", 1, &in.channels, false, false);
  return layer->output;
}

uint32_t nsc_net_activation(nsc_net *net, uint32_t x, nsc_activation_kind kind) {
  nsc_tensor in = net->tensors[x];
  nsc_layer *layer = add_layer(net, NSC_LAYER_ACTIVATION, &x, 1, in.height, in.width, in.channels);
  if (layer) layer->activation = kind;
  return output_of(layer);
}

static uint32_t add_pool(nsc_net *net, nsc_layer_kind kind, uint32_t x, size_t kernel, size_t stride, size_t pad) {
  nsc_tensor in = net->tensors[x];
  nsc_layer *layer = add_layer(net, kind, &x, 1, windowed(in.height, kernel, stride, pad),
                               windowed(in.width, kernel, stride, pad), in.channels);
  if (!layer) return 0;
  layer->kernel = kernel;
  layer->stride = stride;
  layer->pad = pad;
  return layer->output;
}

uint32_t nsc_net_max_pool(nsc_net *net, uint32_t x, size_t kernel, size_t stride, size_t pad) {
  return add_pool(net, NSC_LAYER_MAX_POOL, x, kernel, stride, pad);
}

uint32_t nsc_net_average_pool(nsc_net *net, uint32_t x, size_t kernel, size_t stride) {
  return add_pool(net, NSC_LAYER_AVERAGE_POOL, x, kernel, stride, 0);
}

uint32_t nsc_net_global_pool(nsc_net *net, uint32_t x) {
  return output_of(add_layer(net, NSC_LAYER_GLOBAL_POOL, &x, 1, 1, 1, net->tensors[x].channels));
}

uint32_t nsc_net_dropout(nsc_net *net, uint32_t x, float rate) {
  nsc_tensor in = net->tensors[x];
  nsc_layer *layer = add_layer(net, NSC_LAYER_DROPOUT, &x, 1, in.height, in.width, in.channels);
  if (layer) layer->rate = rate;
  return output_of(layer);
}

size_t nsc_net_set_dropout(nsc_net *net, float rate) {
  size_t count = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    if (net->layers[l].kind != NSC_LAYER_DROPOUT) continue;
    net->layers[l].rate = rate;
    count++;
  }
  return count;
}

uint32_t nsc_net_add(nsc_net *net, uint32_t a, uint32_t b) {
  nsc_tensor x = net->tensors[a], y = net->tensors[b];
  if (x.height != y.height || x.width != y.width || x.channels != y.channels) {
    (void)nsc_fail(&net->built, NSC_ERROR_SHAPE, "a sum of different shapes in the network");
  }
  const uint32_t inputs[2] = {a, b};
  return output_of(add_layer(net, NSC_LAYER_ADD, inputs, 2, x.height, x.width, x.channels));
}

uint32_t nsc_net_concat(nsc_net *net, const uint32_t *tensors, uint32_t count) {
  nsc_tensor first = net->tensors[tensors[0]];
  size_t channels = 0;
  for (uint32_t i = 0; i < count; i++) {
    nsc_tensor t = net->tensors[tensors[i]];
    channels += t.channels;
    if (t.height != first.height || t.width != first.width) {
      (void)nsc_fail(&net->built, NSC_ERROR_SHAPE, "a concatenation of different sizes in the network");
    }
  }
  return output_of(add_layer(net, NSC_LAYER_CONCAT, tensors, count, first.height, first.width, channels));
}

uint32_t nsc_net_flatten(nsc_net *net, uint32_t x) {
  nsc_tensor in = net->tensors[x];
  return output_of(add_layer(net, NSC_LAYER_FLATTEN, &x, 1, 1, 1, in.height * in.width * in.channels));
}

uint32_t nsc_net_unflatten(nsc_net *net, uint32_t x, size_t height, size_t width, size_t channels) {
  nsc_tensor in = net->tensors[x];
  if (in.height * in.width != 1 || in.channels != height * width * channels) {
    (void)nsc_fail(&net->built, NSC_ERROR_SHAPE, "a list of %zu numbers is no picture of %zu x %zu x %zu", in.channels,
                   height, width, channels);
  }
  return output_of(add_layer(net, NSC_LAYER_UNFLATTEN, &x, 1, height, width, channels));
}

uint32_t nsc_net_upsample(nsc_net *net, uint32_t x, size_t factor) {
  nsc_tensor in = net->tensors[x];
  if (factor > MAX_SIDE) factor = 0; /* add_layer refuses */
  nsc_layer *layer = add_layer(net, NSC_LAYER_UPSAMPLE, &x, 1, in.height * factor, in.width * factor, in.channels);
  if (layer) layer->kernel = factor;
  return output_of(layer);
}

/* Weights: normal with variance 2 / fan-in, what follows being a rectifier; dense layers uniform in 1 / sqrt(fan-in) as
   the last one is. Scales and variances begin at one. */
static void initialise(nsc_net *net, uint64_t seed) {
  const nsc_rng root = nsc_rng_seeded(seed);
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const nsc_layer *layer = &net->layers[l];
    nsc_rng rng = nsc_rng_split(&root, l);
    if (layer->kind == NSC_LAYER_CONV) {
      nsc_parameter *w = &net->parameters[layer->parameters[0]];
      float deviation = sqrtf(2.0f / (float)(w->dims[1] * w->dims[2] * w->dims[3]));
      for (size_t i = 0; i < w->count; i++) w->value[i] = deviation * (float)nsc_rng_normal(&rng);
    } else if (layer->kind == NSC_LAYER_DENSE) {
      nsc_parameter *w = &net->parameters[layer->parameters[0]];
      float bound = 1.0f / sqrtf((float)w->dims[1]);
      for (size_t i = 0; i < w->count; i++) w->value[i] = bound * (2 * nsc_rng_float(&rng) - 1);
    } else if (layer->kind == NSC_LAYER_NORM) {
      nsc_parameter *scale = &net->parameters[layer->parameters[0]], *variance = &net->parameters[layer->parameters[3]];
      for (size_t i = 0; i < scale->count; i++) scale->value[i] = variance->value[i] = 1;
    }
  }
}

nsc_status nsc_net_outline(nsc_net *net, uint32_t output, nsc_error *err) {
  if (net->built.status != NSC_OK) return nsc_fail(err, net->built.status, "%s", net->built.text);
  if (net->input == NONE || output >= net->tensor_count)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a network without input");
  net->output = output;
  nsc_net_share(net);
  return NSC_OK;
}

nsc_status nsc_net_finish(nsc_net *net, uint32_t output, uint64_t seed, nsc_error *err) {
  NSC_TRY(nsc_net_outline(net, output, err));
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    nsc_parameter *p = &net->parameters[i];
    p->value = nsc_arena_alloc(&net->arena, p->count, sizeof *p->value);
    if (!p->value) return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for the network's weights");
  }
  if (!net->given) initialise(net, seed);
  return NSC_OK;
}

size_t nsc_net_parameter_count(const nsc_net *net) {
  size_t count = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    if (net->parameters[i].learned) count += net->parameters[i].count;
  }
  return count;
}

size_t nsc_net_size(const nsc_net *net, uint32_t tensor) {
  const nsc_tensor *t = &net->tensors[tensor];
  return net->batch * t->height * t->width * t->channels;
}
