#include "train/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "train/features.h"
#include "train/load_private.h"

enum { NONE = UINT32_MAX };

/* Remembers values for parameter `slot` of the layer that was made last. */
static nsc_status give(nsc_loader *l, int slot, float *values) {
  if (!values || l->net->built.status != NSC_OK) return NSC_OK;
  nsc_load_given *g = nsc_arena_alloc(&l->arena, 1, sizeof *g);
  if (!g) return nsc_fail_memory(l->err, sizeof *g, "weights");
  *g = (nsc_load_given){l->net->layers[l->net->layer_count - 1].parameters[slot], values, l->given};
  l->given = g;
  return NSC_OK;
}

/* ---- tensors ---- */

static nsc_status tensor_at(const nsc_loader *l, uint32_t index, uint32_t *out) {
  uint32_t value = nsc_load_input(l->node, index);
  *out = value == NSC_NO_VALUE ? NONE : l->tensors[value];
  return *out == NONE ? nsc_load_refuse(l, "an input is no picture") : NSC_OK;
}

static nsc_status set_output(nsc_loader *l, uint32_t tensor) {
  if (l->net->built.status != NSC_OK) return nsc_fail(l->err, l->net->built.status, "%s", l->net->built.text);
  l->tensors[l->node->outputs[0]] = tensor;
  return NSC_OK;
}

/* ---- windows ---- */

typedef struct square {
  size_t kernel, stride, pad;
} square;

static bool all_are(const nsc_attribute *a, int64_t value) {
  for (uint32_t i = 0; a && i < a->count; i++) {
    if (a->ints[i] != value) return false;
  }
  return true;
}

/* What layers of net.h can: the same in both directions and on all sides. */
static nsc_status read_square(const nsc_loader *l, int64_t kernel, square *out) {
  const nsc_attribute *kernels = nsc_load_attribute(l->node, "kernel_shape"),
                      *strides = nsc_load_attribute(l->node, "strides");
  const nsc_attribute *pads = nsc_load_attribute(l->node, "pads"), *automatic = nsc_load_attribute(l->node, "auto_pad");
  if (kernels && kernels->count) kernel = kernels->ints[0];
  int64_t stride = strides && strides->count ? strides->ints[0] : 1, pad = pads && pads->count ? pads->ints[0] : 0;
  bool padded_by_name = automatic && automatic->s && strcmp(automatic->s, "NOTSET") != 0 && automatic->s[0];
  if (padded_by_name && strncmp(automatic->s, "SAME", 4) == 0 && stride == 1 && kernel % 2 == 1) {
    pad = kernel / 2;
  } else if (padded_by_name && strcmp(automatic->s, "VALID") != 0) {
    return nsc_load_refuse(l, "its padding is not the same on all sides");
  }
  if (!all_are(kernels, kernel)) return nsc_load_refuse(l, "its window is not square");
  if (!all_are(strides, stride)) return nsc_load_refuse(l, "its strides differ");
  if (!padded_by_name && !all_are(pads, pad)) return nsc_load_refuse(l, "its padding is not the same on all sides");
  if (!all_are(nsc_load_attribute(l->node, "dilations"), 1)) return nsc_load_refuse(l, "its window is dilated");
  if (nsc_load_int(l->node, "ceil_mode", 0) != 0) return nsc_load_refuse(l, "its size is rounded up");
  if (kernel < 1 || kernel > 64 || stride < 1 || stride > 64 || pad < 0 || pad > 64) {
    return nsc_fail(l->err, NSC_ERROR_CORRUPT, "\"%.60s\" has an impossible window", l->node->name);
  }
  *out = (square){(size_t)kernel, (size_t)stride, (size_t)pad};
  return NSC_OK;
}

/* ---- layers with weights ---- */

/* [out][in][height][width] to [out][height][width][in]. */
static nsc_status turn_kernel(nsc_loader *l, float **values, size_t out, size_t in, size_t area) {
  float *turned = nsc_arena_alloc(&l->arena, out * in * area, sizeof *turned);
  if (!turned) return nsc_fail_memory(l->err, out * in * area * sizeof *turned, "weights");
  for (size_t o = 0; o < out; o++) {
    for (size_t i = 0; i < in; i++) {
      for (size_t a = 0; a < area; a++) turned[(o * area + a) * in + i] = (*values)[(o * in + i) * area + a];
    }
  }
  *values = turned;
  return NSC_OK;
}

static nsc_status load_conv(nsc_loader *l) {
  uint32_t x;
  square s;
  NSC_TRY(tensor_at(l, 0, &x));
  const nsc_tensor_proto *w = nsc_load_constant(l->model, nsc_load_input(l->node, 1));
  if (!w || w->shape.rank != 4) return nsc_load_refuse(l, "its weights are computed by the graph, or it is not flat");
  NSC_TRY(read_square(l, w->shape.dims[2], &s));
  size_t out = (size_t)w->shape.dims[0], in = (size_t)w->shape.dims[1], area = s.kernel * s.kernel;
  int64_t groups = nsc_load_int(l->node, "group", 1);
  if (groups < 1 || in * (size_t)groups != nsc_net_tensor(l->net, x)->channels) {
    return nsc_load_refuse(l, "its weights do not have the size of its input");
  }
  float *weights, *bias;
  NSC_TRY(nsc_load_floats(l, 1, out * in * area, &weights));
  NSC_TRY(nsc_load_floats(l, 2, out, &bias));
  NSC_TRY(turn_kernel(l, &weights, out, in, area));
  uint32_t y = nsc_net_conv(l->net, x,
                            (nsc_conv_spec){.channels = out,
                                            .kernel = s.kernel,
                                            .stride = s.stride,
                                            .pad = s.pad,
                                            .groups = (size_t)groups,
                                            .bias = bias != NULL});
  NSC_TRY(give(l, 0, weights));
  NSC_TRY(give(l, 1, bias));
  return set_output(l, y);
}

static nsc_status load_norm(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  size_t channels = nsc_net_tensor(l->net, x)->channels;
  float *values[4];
  for (uint32_t i = 0; i < 4; i++) {
    NSC_TRY(nsc_load_floats(l, i + 1, channels, &values[i]));
    if (!values[i]) return nsc_load_refuse(l, "a part of its statistics is missing");
  }
  uint32_t y = nsc_net_norm(l->net, x);
  if (l->net->built.status == NSC_OK) {
    nsc_layer *layer = &l->net->layers[l->net->layer_count - 1];
    layer->epsilon = nsc_load_float(l->node, "epsilon", 1e-5f);
  }
  for (int i = 0; i < 4; i++) NSC_TRY(give(l, i, values[i]));
  return set_output(l, y);
}

/* y = x * weights + bias; `turned`: weights are [in][out]. The last one of the graph gets new outputs. */
static nsc_status add_dense(nsc_loader *l, uint32_t x, size_t out, float *weights, float *bias, bool turned) {
  const nsc_tensor *t = nsc_net_tensor(l->net, x);
  size_t in = t->channels;
  bool replaced = l->node == l->last_dense && l->outputs > 0;
  if (t->height != 1 || t->width != 1) return nsc_load_refuse(l, "its input is a picture, no list");
  if (turned && !replaced) NSC_TRY(turn_kernel(l, &weights, 1, in, out)); /* as [1][in][out] */
  uint32_t y = replaced ? nsc_net_head(l->net, x, l->outputs) : nsc_net_dense(l->net, x, out);
  if (l->node == l->last_dense) l->head = y;
  if (!replaced) {
    NSC_TRY(give(l, 0, weights));
    NSC_TRY(give(l, 1, bias));
  }
  return set_output(l, y);
}

static nsc_status load_gemm(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  const nsc_tensor_proto *w = nsc_load_constant(l->model, nsc_load_input(l->node, 1));
  bool turned = nsc_load_int(l->node, "transB", 0) == 0;
  if (!w || w->shape.rank != 2 || nsc_load_int(l->node, "transA", 0) != 0 || nsc_load_float(l->node, "alpha", 1) != 1 ||
      nsc_load_float(l->node, "beta", 1) != 1) {
    return nsc_load_refuse(l, "it is no dense layer");
  }
  size_t out = (size_t)w->shape.dims[turned ? 1 : 0], in = (size_t)w->shape.dims[turned ? 0 : 1];
  if (in != nsc_net_tensor(l->net, x)->channels) {
    return nsc_fail(l->err, NSC_ERROR_SHAPE,
                    "\"%.60s\" wants %zu numbers and gets %zu: the model only takes pictures of one size",
                    l->node->name, in, nsc_net_tensor(l->net, x)->channels);
  }
  float *weights, *bias;
  NSC_TRY(nsc_load_floats(l, 1, in * out, &weights));
  NSC_TRY(nsc_load_floats(l, 2, out, &bias));
  return add_dense(l, x, out, weights, bias, turned);
}

/* A product of a list with constant weights; its bias is the Add that follows. */
static nsc_status load_matmul(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  const nsc_tensor_proto *w = nsc_load_constant(l->model, nsc_load_input(l->node, 1));
  if (!w || w->shape.rank != 2 || (size_t)w->shape.dims[0] != nsc_net_tensor(l->net, x)->channels) {
    return nsc_load_refuse(l, "it is no dense layer");
  }
  float *weights;
  NSC_TRY(nsc_load_floats(l, 1, w->count, &weights));
  return add_dense(l, x, (size_t)w->shape.dims[1], weights, NULL, true);
}

/* A constant that is added to what a dense layer gave becomes its bias. */
static nsc_status load_bias(nsc_loader *l, uint32_t x, uint32_t constant) {
  const nsc_layer *layer = &l->net->layers[x];
  size_t count = nsc_net_tensor(l->net, x)->channels;
  if (layer->kind != NSC_LAYER_DENSE || x + 1 != l->net->layer_count) return nsc_load_refuse(l, "it adds a constant");
  if (!(x == l->head && l->outputs > 0)) {
    float *bias;
    NSC_TRY(nsc_load_floats(l, constant, count, &bias));
    NSC_TRY(give(l, 1, bias));
  }
  return set_output(l, x);
}

static nsc_status load_add(nsc_loader *l) {
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t x;
    if (!nsc_load_constant(l->model, nsc_load_input(l->node, i))) continue;
    NSC_TRY(tensor_at(l, 1 - i, &x));
    return load_bias(l, x, i);
  }
  uint32_t a, b;
  NSC_TRY(tensor_at(l, 0, &a));
  NSC_TRY(tensor_at(l, 1, &b));
  return set_output(l, nsc_net_add(l->net, a, b));
}

/* ---- layers without weights ---- */

static nsc_status load_activation(nsc_loader *l, nsc_activation_kind kind) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  return set_output(l, nsc_net_activation(l->net, x, kind));
}

static bool is_near(float a, float b) {
  return fabsf(a - b) <= 1e-6f;
}

/* Clip is known as ReLU6 alone; bounds are attributes before opset 11, inputs since. */
static nsc_status load_clip(nsc_loader *l) {
  float *low, *high;
  NSC_TRY(nsc_load_floats(l, 1, 1, &low));
  NSC_TRY(nsc_load_floats(l, 2, 1, &high));
  float least = low ? *low : nsc_load_float(l->node, "min", -INFINITY);
  float most = high ? *high : nsc_load_float(l->node, "max", INFINITY);
  if (is_near(least, 0) && is_near(most, 6)) return load_activation(l, NSC_ACTIVATION_RELU6);
  if (is_near(least, 0) && isinf(most)) return load_activation(l, NSC_ACTIVATION_RELU);
  return nsc_load_refuse(l, "its bounds are not 0 and 6");
}

static nsc_status load_leaky(nsc_loader *l) {
  if (!is_near(nsc_load_float(l->node, "alpha", 0.01f), 0.01f)) return nsc_load_refuse(l, "its slope is not 0.01");
  return load_activation(l, NSC_ACTIVATION_LEAKY_RELU);
}

static nsc_status load_elu(nsc_loader *l) {
  if (!is_near(nsc_load_float(l->node, "alpha", 1), 1)) return nsc_load_refuse(l, "its alpha is not 1");
  return load_activation(l, NSC_ACTIVATION_ELU);
}

static nsc_status load_pool(nsc_loader *l) {
  uint32_t x;
  square s;
  bool largest = strcmp(l->node->op, "MaxPool") == 0;
  NSC_TRY(tensor_at(l, 0, &x));
  NSC_TRY(read_square(l, 1, &s));
  if (!largest && s.pad) return nsc_load_refuse(l, "it averages over padding");
  return set_output(l, largest ? nsc_net_max_pool(l->net, x, s.kernel, s.stride, s.pad)
                               : nsc_net_average_pool(l->net, x, s.kernel, s.stride));
}

/* GlobalAveragePool, or a mean over height and width. Already a list: nothing to do. */
static nsc_status load_global_pool(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  if (strcmp(l->node->op, "ReduceMean") == 0) {
    const nsc_attribute *a = nsc_load_attribute(l->node, "axes");
    const nsc_tensor_proto *t = nsc_load_constant(l->model, nsc_load_input(l->node, 1));
    int64_t axes[2] = {0, 0};
    if (a && a->count == 2) {
      memcpy(axes, a->ints, sizeof axes);
    } else if (t && t->count == 2) {
      NSC_TRY(nsc_tensor_proto_read(t, axes, l->err));
    }
    bool plane = (axes[0] == 2 && axes[1] == 3) || (axes[0] == -2 && axes[1] == -1);
    if (!plane) return nsc_load_refuse(l, "it is no mean over height and width");
  }
  return set_output(l, nsc_net_global_pool(l->net, x));
}

static nsc_status load_concat(nsc_loader *l) {
  int64_t axis = nsc_load_int(l->node, "axis", 1);
  if (axis != 1 && axis != -3) return nsc_load_refuse(l, "it does not join channels");
  uint32_t *inputs = nsc_arena_alloc(&l->arena, l->node->input_count, sizeof *inputs);
  if (!inputs) return nsc_fail_memory(l->err, l->node->input_count * sizeof *inputs, "a concatenation");
  for (uint32_t i = 0; i < l->node->input_count; i++) NSC_TRY(tensor_at(l, i, &inputs[i]));
  return set_output(l, nsc_net_concat(l->net, inputs, l->node->input_count));
}

/* The rate is an attribute before opset 12, an input since. */
static nsc_status load_dropout(nsc_loader *l) {
  uint32_t x;
  float *given;
  NSC_TRY(tensor_at(l, 0, &x));
  NSC_TRY(nsc_load_floats(l, 1, 1, &given));
  float rate = given ? *given : nsc_load_float(l->node, "ratio", 0.5f);
  if (!(rate >= 0 && rate < 1)) return nsc_load_refuse(l, "its ratio is not between 0 and 1");
  return set_output(l, rate > 0 ? nsc_net_dropout(l->net, x, rate) : x);
}

/* Flatten, Reshape and Squeeze before a dense layer: all of them make a list of a picture. */
static nsc_status load_flatten(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  const nsc_tensor *t = nsc_net_tensor(l->net, x);
  if (strcmp(l->node->op, "Flatten") == 0 && nsc_load_int(l->node, "axis", 1) != 1)
    return nsc_load_refuse(l, "it joins pictures");
  if (strcmp(l->node->op, "Reshape") == 0) {
    const nsc_tensor_proto *shape = nsc_load_constant(l->model, nsc_load_input(l->node, 1));
    if (shape && shape->count != 2) return nsc_load_refuse(l, "it makes no list");
  }
  bool list = t->height == 1 && t->width == 1;
  return set_output(l, list ? x : nsc_net_flatten(l->net, x));
}

static nsc_status pass_on(nsc_loader *l) {
  uint32_t x;
  NSC_TRY(tensor_at(l, 0, &x));
  return set_output(l, x);
}

/* A last Softmax or Sigmoid is part of the loss; elsewhere it would be a layer of its own. */
static nsc_status load_last(nsc_loader *l) {
  bool last = l->node->outputs[0] == l->part.to;
  if (last) return pass_on(l);
  if (strcmp(l->node->op, "Sigmoid") == 0) return load_activation(l, NSC_ACTIVATION_SIGMOID);
  return nsc_load_refuse(l, "it does not end the network");
}

/* ---- the graph ---- */

static nsc_status load_relu(nsc_loader *l) {
  return load_activation(l, NSC_ACTIVATION_RELU);
}

static nsc_status load_tanh(nsc_loader *l) {
  return load_activation(l, NSC_ACTIVATION_TANH);
}

static nsc_status load_hard_swish(nsc_loader *l) {
  return load_activation(l, NSC_ACTIVATION_HARD_SWISH);
}

static const struct {
  const char *op;
  nsc_status (*load)(nsc_loader *l);
} operators[] = {
    {"Conv", load_conv},
    {"BatchNormalization", load_norm},
    {"Gemm", load_gemm},
    {"MatMul", load_matmul},
    {"Add", load_add},
    {"Relu", load_relu},
    {"Clip", load_clip},
    {"LeakyRelu", load_leaky},
    {"Elu", load_elu},
    {"Tanh", load_tanh},
    {"HardSwish", load_hard_swish},
    {"Sigmoid", load_last},
    {"Softmax", load_last},
    {"MaxPool", load_pool},
    {"AveragePool", load_pool},
    {"GlobalAveragePool", load_global_pool},
    {"ReduceMean", load_global_pool},
    {"Concat", load_concat},
    {"Flatten", load_flatten},
    {"Reshape", load_flatten},
    {"Squeeze", load_flatten},
    {"Dropout", load_dropout},
    {"QuantizeLinear", pass_on},
    {"DequantizeLinear", pass_on},
    {"Identity", pass_on},
};

/* Does the node read something of the network? */
static bool follows(const nsc_loader *l) {
  for (uint32_t i = 0; i < l->node->input_count; i++) {
    if (l->node->inputs[i] != NSC_NO_VALUE && l->tensors[l->node->inputs[i]] != NONE) return true;
  }
  return false;
}

static nsc_status load_node(nsc_loader *l) {
  if (nsc_load_constant(l->model, l->node->outputs[0])) return NSC_OK; /* read where it is used */
  if (!l->whole && !follows(l)) return NSC_OK;                         /* before the part, or beside it */
  bool known = !l->node->domain[0] || strcmp(l->node->domain, "com.microsoft") == 0;
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    if (strcmp(l->node->op, operators[i].op) == 0 && known) return operators[i].load(l);
  }
  /* The arithmetic of shapes before a Reshape: nothing of it is a picture. */
  for (uint32_t i = 0; i < l->node->input_count; i++) {
    uint32_t value = l->node->inputs[i];
    if (value != NSC_NO_VALUE && l->tensors[value] != NONE && strcmp(l->node->op, "Shape") != 0) {
      return nsc_load_refuse(l, "training has no such layer");
    }
  }
  return NSC_OK;
}

static bool is_dense(const nsc_model *model, const nsc_node *node) {
  if (strcmp(node->op, "Gemm") == 0) return true;
  return strcmp(node->op, "MatMul") == 0 && nsc_load_constant(model, nsc_load_input(node, 1)) != NULL;
}

/* The graph's picture to its first output. */
static nsc_status whole_graph(nsc_loader *l, size_t height, size_t width) {
  const nsc_model *m = l->model;
  const nsc_port *in = m->input_count == 1 ? &m->inputs[0] : NULL;
  if (!in || m->output_count < 1 || in->rank != 4 || (in->dims[1] != 1 && in->dims[1] != 3)) {
    return nsc_fail(l->err, NSC_ERROR_UNSUPPORTED, "only models of one grey or colour picture can be trained further");
  }
  l->whole = true;
  l->part = (nsc_net_part){in->value, m->outputs[0].value, height, width, (size_t)in->dims[1]};
  return NSC_OK;
}

static nsc_status load_graph(nsc_loader *l) {
  const nsc_model *m = l->model;
  l->tensors[l->part.from] = nsc_net_input(l->net, l->part.height, l->part.width, l->part.channels);
  for (uint32_t n = 0; n < m->node_count; n++) {
    if (is_dense(m, &m->nodes[n])) l->last_dense = &m->nodes[n];
  }
  for (uint32_t n = 0; n < m->node_count && l->tensors[l->part.to] == NONE; n++) {
    l->node = &m->nodes[n];
    if (l->node->output_count && l->node->outputs[0] != l->part.from) NSC_TRY(load_node(l));
  }
  return NSC_OK;
}

/* What the graph ends with, after a new head where it has no dense layer to replace. */
static nsc_status find_output(nsc_loader *l, uint32_t *out) {
  uint32_t y = l->tensors[l->part.to];
  if (y == NONE) return nsc_fail(l->err, NSC_ERROR_UNSUPPORTED, "the model's output does not follow from its picture");
  const nsc_tensor *t = nsc_net_tensor(l->net, y);
  if (l->head == NONE) {
    if (t->height * t->width > 1) y = nsc_net_global_pool(l->net, y);
    if (l->outputs) l->head = y = nsc_net_head(l->net, y, l->outputs);
  }
  *out = y;
  return NSC_OK;
}

static nsc_status load(nsc_loader *l, uint64_t seed) {
  uint32_t output;
  l->tensors = nsc_arena_alloc(&l->arena, l->model->value_count + (size_t)1, sizeof *l->tensors);
  if (!l->tensors) return nsc_fail_memory(l->err, l->model->value_count * sizeof *l->tensors, "a network");
  for (uint32_t v = 0; v < l->model->value_count; v++) l->tensors[v] = NONE;
  NSC_TRY(nsc_net_create(&l->net, l->err));
  l->net->given = !l->whole;
  l->net->field_count = l->fields;
  NSC_TRY(load_graph(l));
  NSC_TRY(find_output(l, &output));
  NSC_TRY(nsc_net_finish(l->net, output, seed, l->err));
  for (const nsc_load_given *g = l->given; g; g = g->next) {
    const nsc_parameter *p = &l->net->parameters[g->parameter];
    memcpy(p->value, g->values, p->count * sizeof(float));
  }
  return NSC_OK;
}

nsc_status nsc_net_load(const nsc_model *model, size_t height, size_t width, size_t outputs, uint64_t seed,
                        nsc_net **out, uint32_t *head, nsc_error *err) {
  return nsc_net_load_head(model, height, width, (nsc_zoo_head){.outputs = outputs}, seed, out, head, err);
}

nsc_status nsc_net_load_head(const nsc_model *model, size_t height, size_t width, nsc_zoo_head ends, uint64_t seed,
                             nsc_net **out, uint32_t *head, nsc_error *err) {
  nsc_loader l = {.model = model, .outputs = ends.outputs, .fields = ends.fields, .head = NONE, .err = err};
  nsc_status status = whole_graph(&l, height, width);
  if (status == NSC_OK) status = load(&l, seed);
  nsc_arena_free(&l.arena);
  if (status != NSC_OK) {
    nsc_net_free(l.net);
    return status;
  }
  *out = l.net;
  *head = l.head == NONE ? l.net->layer_count : l.head;
  return NSC_OK;
}

nsc_status nsc_net_load_part(const nsc_model *model, const nsc_net_part *part, nsc_net **out, nsc_error *err) {
  nsc_loader l = {.model = model, .part = *part, .head = NONE, .err = err};
  nsc_status status = load(&l, 0);
  nsc_arena_free(&l.arena);
  if (status != NSC_OK) {
    nsc_net_free(l.net);
    return status;
  }
  nsc_net_freeze(l.net, 0);
  l.net->input_gradient = true;
  *out = l.net;
  return NSC_OK;
}
