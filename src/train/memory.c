/* Where a network's activations and gradients stand. */
#include <stdlib.h>

#include "base/error.h"
#include "base/placement.h"
#include "train/layers.h"

enum {
  ALIGN = 64, /* a cache line */
  SLACK = 32  /* floats that XNNPACK may read past the end */
};

/* Layer number n makes tensor number n. */

/* ---- working in place ---- */

/* Activations whose derivative follows from the result alone. */
static bool derives_from_result(const nsc_layer *layer) {
  return layer->kind == NSC_LAYER_ACTIVATION && layer->activation != NSC_ACTIVATION_HARD_SWISH;
}

/* Layers whose backward pass does not look at what they gave: it may be overwritten. */
static bool forgets_result(const nsc_layer *layer) {
  return layer->kind != NSC_LAYER_INPUT && layer->kind != NSC_LAYER_ACTIVATION;
}

static uint32_t readers_of(const nsc_net *net, uint32_t tensor) {
  uint32_t count = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    for (uint32_t i = 0; i < net->layers[l].input_count; i++) count += net->layers[l].inputs[i] == tensor;
  }
  return count;
}

void nsc_net_share(nsc_net *net) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const nsc_layer *layer = &net->layers[l];
    if (!derives_from_result(layer) && layer->kind != NSC_LAYER_DROPOUT) continue;
    uint32_t x = layer->inputs[0];
    const nsc_layer *before = &net->layers[x];
    if (x != net->output && forgets_result(before) && readers_of(net, x) == 1) {
      net->tensors[layer->output].owner = net->tensors[x].owner;
    }
  }
}

/* ---- gradients that are wanted ---- */

static bool learns(const nsc_net *net, const nsc_layer *layer) {
  for (int i = 0; i < NSC_LAYER_PARAMETERS; i++) {
    uint32_t number = layer->parameters[i];
    if (number == UINT32_MAX) continue;
    if (net->parameters[number].learned && !net->parameters[number].frozen) return true;
  }
  return false;
}

void nsc_net_find_wanted(nsc_net *net) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const nsc_layer *layer = &net->layers[l];
    bool wanted = layer->kind == NSC_LAYER_INPUT ? net->input_gradient : learns(net, layer);
    for (uint32_t i = 0; i < layer->input_count; i++) wanted = wanted || net->tensors[layer->inputs[i]].wanted;
    net->tensors[layer->output].wanted = wanted;
  }
}

/* ---- gradients of parameters ---- */

static bool learns_from(const nsc_net *net, uint32_t number) {
  return number != UINT32_MAX && net->parameters[number].learned && !net->parameters[number].frozen;
}

/* A parameter's gradient begins on a line of a cache. */
static size_t gradient_floats(const nsc_net *net, uint32_t number) {
  enum { LINE = ALIGN / sizeof(float) };
  return learns_from(net, number) ? (net->parameters[number].count + LINE - 1) / LINE * LINE : 0;
}

size_t nsc_net_layer_gradients(const nsc_net *net, const nsc_layer *layer) {
  size_t count = 0;
  for (int i = 0; i < NSC_LAYER_PARAMETERS; i++) count += gradient_floats(net, layer->parameters[i]);
  return count;
}

static void place_layer_gradients(nsc_net *net, const nsc_layer *layer, float *at) {
  for (int i = 0; i < NSC_LAYER_PARAMETERS; i++) {
    uint32_t number = layer->parameters[i];
    if (!learns_from(net, number)) continue;
    net->parameters[number].gradient = at;
    at += gradient_floats(net, number);
  }
}

/* One place for all layers where parameters learn layer by layer, else one for each. */
nsc_status nsc_net_need_gradients(nsc_net *net, nsc_error *err) {
  if (net->gradient_arena.chunks) return NSC_OK;
  size_t most = 0;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    size_t count = nsc_net_layer_gradients(net, &net->layers[l]);
    if (count > most) most = count;
  }
  bool shares = net->learner.learn != NULL;
  float *place = shares ? nsc_arena_alloc(&net->gradient_arena, most + SLACK, sizeof *place) : NULL;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    size_t count = nsc_net_layer_gradients(net, &net->layers[l]);
    if (!shares) place = nsc_arena_alloc(&net->gradient_arena, count + 1, sizeof *place);
    if (!place) {
      nsc_arena_free(&net->gradient_arena);
      return nsc_fail_memory(err, (shares ? most : count) * sizeof *place, "gradients");
    }
    place_layer_gradients(net, &net->layers[l], place);
  }
  return NSC_OK;
}

static void drop_gradients(nsc_net *net) {
  nsc_arena_free(&net->gradient_arena);
  for (uint32_t i = 0; i < net->parameter_count; i++) net->parameters[i].gradient = NULL;
}

void nsc_net_learn(nsc_net *net, nsc_learner learner) {
  drop_gradients(net);
  net->learner = learner;
}

void nsc_net_rest(nsc_net *net) {
  drop_gradients(net);
  nsc_arena_free(&net->batch_arena);
  net->batch = 0;
}

/* ---- a batch's memory ---- */

/* Floats of the whole batch, with room for XNNPACK's reads past the end. */
static float *batch_floats(nsc_net *net, size_t count) {
  return nsc_arena_alloc(&net->batch_arena, count + SLACK, sizeof(float));
}

/* The gradient of what a layer made lives from the backward pass of its first reader to that of the layer itself. */
static size_t list_gradients(const nsc_net *net, nsc_placed *blocks) {
  size_t count = 0;
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    if (net->tensors[t].owner != t) continue;
    size_t bytes = (nsc_net_size(net, t) + SLACK) * sizeof(float);
    blocks[count++] = (nsc_placed){.id = t, .first = t, .last = 0, .bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1)};
  }
  for (size_t b = 0; b < count; b++) {
    for (uint32_t l = 0; l < net->layer_count; l++) {
      const nsc_layer *layer = &net->layers[l];
      bool touches = net->tensors[layer->output].owner == blocks[b].id;
      for (uint32_t i = 0; i < layer->input_count; i++) {
        touches = touches || net->tensors[layer->inputs[i]].owner == blocks[b].id;
      }
      if (touches) blocks[b].last = l;
    }
    if (net->tensors[net->output].owner == blocks[b].id) blocks[b].last = net->layer_count;
  }
  return count;
}

/* Places the gradients of a batch; `*blocks` is ended by free(). */
static nsc_status plan_gradients(const nsc_net *net, nsc_placed **blocks, size_t *count, size_t *bytes,
                                 nsc_error *err) {
  nsc_placed *list = malloc((net->tensor_count + 1) * sizeof *list);
  if (!list) return nsc_fail_memory(err, net->tensor_count * sizeof *list, "a batch");
  *count = list_gradients(net, list);
  if (!nsc_place(list, *count, bytes)) {
    free(list);
    return nsc_fail_memory(err, SIZE_MAX, "a batch's gradients");
  }
  *blocks = list;
  return NSC_OK;
}

static nsc_status place_gradients(nsc_net *net, nsc_error *err) {
  nsc_placed *blocks;
  size_t count, bytes;
  NSC_TRY(plan_gradients(net, &blocks, &count, &bytes, err));
  char *base = nsc_arena_alloc(&net->batch_arena, bytes + ALIGN, 1);
  if (base) base += -(uintptr_t)base & (ALIGN - 1);
  for (size_t b = 0; b < count && base; b++) {
    net->tensors[blocks[b].id].gradient = (float *)(void *)(base + blocks[b].offset);
  }
  free(blocks);
  if (!base) return nsc_fail_memory(err, bytes, "a batch's gradients");
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    net->tensors[t].gradient = net->tensors[net->tensors[t].owner].gradient;
  }
  return NSC_OK;
}

/* Floats that backward needs of forward; of max pooling the places, as many. */
static size_t saved_floats(const nsc_net *net, const nsc_layer *layer) {
  if (layer->kind == NSC_LAYER_NORM) return 2 * net->tensors[layer->output].channels;
  bool each = layer->kind == NSC_LAYER_DROPOUT || layer->kind == NSC_LAYER_MAX_POOL;
  return each ? nsc_net_size(net, layer->output) : 0;
}

static bool allocate_saved(nsc_net *net, nsc_layer *layer) {
  size_t count = saved_floats(net, layer);
  if (count == 0) return true;
  if (layer->kind == NSC_LAYER_MAX_POOL) {
    layer->chosen = nsc_arena_alloc(&net->batch_arena, count, sizeof *layer->chosen);
    return layer->chosen != NULL;
  }
  layer->saved = batch_floats(net, count);
  return layer->saved != NULL;
}

static nsc_status allocate_values(nsc_net *net, nsc_error *err) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    nsc_layer *layer = &net->layers[l];
    nsc_tensor *t = &net->tensors[layer->output];
    size_t count = nsc_net_size(net, layer->output);
    t->value = t->owner == layer->output ? batch_floats(net, count) : net->tensors[t->owner].value;
    if (!t->value || !allocate_saved(net, layer)) {
      return nsc_fail_memory(err, count * sizeof(float), "a batch's activations");
    }
  }
  return NSC_OK;
}

static size_t scratch_floats(const nsc_net *net) {
  size_t largest = 0;
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    size_t size = nsc_net_size(net, t);
    if (readers_of(net, t) > 1 && size > largest) largest = size;
  }
  return largest;
}

static nsc_status allocate_scratch(nsc_net *net, nsc_error *err) {
  size_t count = scratch_floats(net);
  net->scratch = batch_floats(net, count);
  return net->scratch ? NSC_OK : nsc_fail_memory(err, count * sizeof(float), "a batch");
}

static nsc_status check_size(const nsc_net *net, size_t batch, nsc_error *err) {
  uint64_t total = 0;
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    const nsc_tensor *x = &net->tensors[t];
    total += (uint64_t)batch * x->height * x->width * x->channels;
  }
  return total > SIZE_MAX / 64 ? nsc_fail_memory(err, SIZE_MAX, "a batch of that size") : NSC_OK;
}

nsc_status nsc_net_set_batch(nsc_net *net, size_t batch, nsc_error *err) {
  if (batch == net->batch) return NSC_OK;
  NSC_TRY(check_size(net, batch, err));
  nsc_arena_free(&net->batch_arena);
  net->batch = batch;
  nsc_status status = allocate_values(net, err);
  if (status == NSC_OK) status = place_gradients(net, err);
  if (status == NSC_OK) status = allocate_scratch(net, err);
  if (status == NSC_OK) return NSC_OK;
  nsc_arena_free(&net->batch_arena);
  net->batch = 0;
  return status;
}

static nsc_status count_batch(const nsc_net *net, uint64_t *bytes, nsc_error *err) {
  nsc_placed *blocks;
  size_t count, gradients;
  NSC_TRY(plan_gradients(net, &blocks, &count, &gradients, err));
  free(blocks);
  uint64_t floats = scratch_floats(net);
  for (uint32_t l = 0; l < net->layer_count; l++) {
    const nsc_layer *layer = &net->layers[l];
    bool own = net->tensors[layer->output].owner == layer->output;
    floats += (own ? nsc_net_size(net, layer->output) : 0) + saved_floats(net, layer);
  }
  *bytes = floats * sizeof(float) + gradients;
  return NSC_OK;
}

nsc_status nsc_net_batch_bytes(nsc_net *net, size_t batch, uint64_t *bytes, nsc_error *err) {
  NSC_TRY(check_size(net, batch, err));
  size_t present = net->batch;
  net->batch = batch;
  nsc_status status = count_batch(net, bytes, err);
  net->batch = present;
  return status;
}
