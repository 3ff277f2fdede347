/*
 * Conv, with a following BatchNormalization folded into weights and bias and a following Relu or Clip into its bounds;
 * BatchNormalization alone; ConvTranspose.
 *
 * XNNPACK wants weights as [groups * output channels][kernel height][kernel width][input channels of a group], ONNX
 * stores [output channels][input channels of a group][height][width].
 */
#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/op_depthwise.h"
#include "nn/op_stem.h"
#include "nn/op_winograd.h"
#include "nn/op_winograd_stem.h"
#include "nn/operators.h"
#include "nn/window.h"
#include "nn/winograd_tile.h"

nsc_status nsc_norm_read(nsc_plan *plan, const nsc_node *node, size_t channels, nsc_affine *out) {
  const float *in[4];
  static const char *const what[] = {"scale", "B", "mean", "var"};
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t value = nsc_node_input(node, i + 1);
    if (value == NSC_NO_VALUE) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s is missing", what[i]);
    NSC_TRY(nsc_plan_floats(plan, node, value, what[i], &in[i]));
    size_t count = 0;
    nsc_shape_count(&plan->values[value].shape, &count);
    if (count != channels) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s has %zu elements for %zu channels", what[i], count,
                           channels);
    }
  }
  float *scale, *shift;
  NSC_TRY(nsc_plan_scratch(plan, channels, sizeof *scale, &scale));
  NSC_TRY(nsc_plan_scratch(plan, channels, sizeof *shift, &shift));
  double epsilon = (double)nsc_node_float(node, "epsilon", 1e-5f);
  for (size_t c = 0; c < channels; c++) {
    double s = (double)in[0][c] / sqrt((double)in[3][c] + epsilon);
    scale[c] = (float)s;
    shift[c] = (float)((double)in[1][c] - (double)in[2][c] * s);
  }
  *out = (nsc_affine){scale, shift};
  return NSC_OK;
}

bool nsc_norm_is_frozen(const nsc_plan *plan, const nsc_node *node, uint32_t input) {
  if (!node || node->domain[0] || strcmp(node->op, "BatchNormalization") != 0 || node->input_count < 5 ||
      node->inputs[0] != input || nsc_node_int(node, "training_mode", 0) != 0) {
    return false;
  }
  for (uint32_t i = 1; i < 5; i++) {
    if (node->inputs[i] == NSC_NO_VALUE || !nsc_plan_is_constant(plan, node->inputs[i])) return false;
  }
  return node->output_count > 0 && node->outputs[0] != NSC_NO_VALUE;
}

typedef struct conv {
  nsc_conv_geometry g;
  const float *weights; /* OHWI, see above */
  const float *bias;    /* or NULL */
  float min, max;
  const char *kind;
} conv;

/* XNNPACK walks over all weights for each few pixels. Where they do not stay in a cache, several operators of fewer
   output channels each, which walk over all pixels, are faster: 256 KB is a part of every second-level cache. */
enum { WEIGHT_BLOCK = 256 << 10, LEAST_CHANNELS = 32 };

/* Output channels a block of convolution `c`: all of them where splitting does not pay or cannot be. */
static size_t block_channels(const nsc_plan *plan, const conv *c, uint32_t input) {
  size_t channels = c->g.groups * c->g.group_out;
  size_t bytes = c->g.group_in * (size_t)(c->g.window.kernel[0] * c->g.window.kernel[1]) * sizeof(float);
  /* A constant is folded step by step, and each step would make its whole output anew. */
  if (plan->stock || c->g.groups > 1 || bytes * channels <= 2 * WEIGHT_BLOCK || nsc_plan_is_constant(plan, input)) {
    return channels;
  }
  size_t block = WEIGHT_BLOCK / bytes / 8 * 8;
  return block < LEAST_CHANNELS ? LEAST_CHANNELS : block;
}

static enum xnn_status setup_conv(nsc_step *step, void *workspace) {
  size_t first = *(const size_t *)step->params;
  return xnn_setup_convolution2d_nhwc_f32(step->op, workspace, step->in[0], (float *)step->out[0] + first);
}

/* One operator for output channels [first, first + count); with groups always all of them. */
static nsc_status add_conv_block(nsc_plan *plan, const nsc_node *node, const conv *c, uint32_t input, uint32_t output,
                                 size_t first, size_t count) {
  const nsc_window *w = &c->g.window;
  size_t area = (size_t)(w->kernel[0] * w->kernel[1]), channels = c->g.groups * c->g.group_out;
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, c->kind, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_conv;
  size_t *offset;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *offset, &offset));
  *offset = first;
  step->params = offset;
  double pixels = (double)(plan->values[input].shape.dims[0] * w->out[0] * w->out[1]);
  nsc_plan_count(plan, step, pixels * (double)(count * c->g.group_in * area),
                 (uint64_t)count * (c->g.group_in * area + 1) * sizeof(float));
  nsc_plan_hold_conv(plan, step, &c->g, count, NSC_FLOAT_PRODUCT);
  if (plan->counts) return NSC_OK;
  const float *weights = c->weights + first * c->g.group_in * area, *bias = c->bias ? c->bias + first : NULL;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_convolution2d_nhwc_f32(
          (uint32_t)w->pad_begin[0], (uint32_t)w->pad_end[1], (uint32_t)w->pad_end[0], (uint32_t)w->pad_begin[1],
          (uint32_t)w->kernel[0], (uint32_t)w->kernel[1], (uint32_t)w->stride[0], (uint32_t)w->stride[1],
          (uint32_t)w->dilation[0], (uint32_t)w->dilation[1], (uint32_t)c->g.groups, c->g.group_in, count / c->g.groups,
          c->g.groups * c->g.group_in, channels, weights, bias, c->min, c->max, 0, NULL, NULL, &step->op)));
  size_t alignment, out_h, out_w;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_reshape_convolution2d_nhwc_f32(step->op, (size_t)plan->values[input].shape.dims[0], (size_t)w->in[0],
                                         (size_t)w->in[1], &step->workspace, &alignment, &out_h, &out_w, plan->pool)));
  if (out_h != (size_t)w->out[0] || out_w != (size_t)w->out[1]) {
    return nsc_node_fail(plan, node, NSC_ERROR_INTERNAL, "XNNPACK computes %zu x %zu outputs", out_h, out_w);
  }
  return NSC_OK;
}

/* Adds the convolution of `input` (channels last) as the value `output`. */
static nsc_status add_conv(nsc_plan *plan, const nsc_node *node, const conv *c, uint32_t input, uint32_t output) {
  size_t channels = c->g.groups * c->g.group_out, block = block_channels(plan, c, input);
  nsc_shape shape = nsc_conv_output_shape(&c->g, plan->values[input].shape.dims[0]);
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, true));
  for (size_t first = 0; first < channels; first += block) {
    size_t count = channels - first < block ? channels - first : block;
    NSC_TRY(add_conv_block(plan, node, c, input, output, first, count));
  }
  return NSC_OK;
}

/* ---- few channels ---- */

static nsc_status add_stem(nsc_plan *plan, const nsc_node *node, const conv *c, const nsc_stem *stem, uint32_t input,
                           uint32_t output) {
  nsc_shape out = nsc_conv_output_shape(&c->g, (int64_t)stem->batch);
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &out, true));
  nsc_winograd_stem phases;
  if (nsc_winograd_stem_pays(stem, &phases)) {
    return nsc_plan_winograd_stem(plan, node, &phases, stem, c->weights, c->bias, input, output);
  }
  const char *kind = c->min > -INFINITY || c->max < INFINITY ? "Stem+Clamp" : "Stem";
  return nsc_plan_stem(plan, node, kind, stem, c->weights, c->bias, input, output);
}

/* ---- one kernel a channel ---- */

static bool is_depthwise(const nsc_plan *plan, const conv *c, uint32_t input, nsc_depthwise *out) {
  const nsc_window *w = &c->g.window;
  *out = (nsc_depthwise){.batch = (size_t)plan->values[input].shape.dims[0],
                         .height = (size_t)w->in[0],
                         .width = (size_t)w->in[1],
                         .channels = c->g.groups,
                         .out_height = (size_t)w->out[0],
                         .out_width = (size_t)w->out[1],
                         .kernel = (size_t)w->kernel[0],
                         .stride = (size_t)w->stride[0],
                         .top = (size_t)w->pad_begin[0],
                         .left = (size_t)w->pad_begin[1],
                         .min = c->min,
                         .max = c->max};
  bool square = w->kernel[0] == w->kernel[1] && w->stride[0] == w->stride[1];
  bool plain = w->axes == 2 && w->dilation[0] == 1 && w->dilation[1] == 1;
  /* XNNPACK's own kernels end at 25 taps: a 7x7 is a product for each channel there, over ten times as slow. */
  bool wins = NSC_DEPTHWISE_WINS || w->kernel[0] * w->kernel[1] > 25;
  return !plan->stock && c->g.group_in == 1 && c->g.group_out == 1 && square && plain && wins && nsc_depthwise_can(out);
}

static nsc_status add_depthwise(nsc_plan *plan, const nsc_node *node, const conv *c, const nsc_depthwise *shape,
                                uint32_t input, uint32_t output) {
  nsc_shape out = nsc_conv_output_shape(&c->g, (int64_t)shape->batch);
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &out, true));
  const char *kind = c->min > -INFINITY || c->max < INFINITY ? "Depthwise+Clamp" : "Depthwise";
  return nsc_plan_depthwise(plan, node, kind, shape, c->weights, c->bias, input, output);
}

/* ---- 3x3 at stride 1 and 2 ---- */

static bool is_winograd(const nsc_plan *plan, const conv *c, uint32_t input, nsc_winograd *out) {
  size_t batch = (size_t)plan->values[input].shape.dims[0];
  if (plan->stock || c->g.window.axes != 2 || !nsc_winograd_of(&c->g, batch, out)) return false;
  return nsc_winograd_pays(out) && nsc_winograd_choose(out);
}

/* The other side of a sum that follows and is known already, of the same shape: a residual connection. */
static nsc_status take_sum(nsc_plan *plan, const nsc_shape *shape, uint32_t *output, uint32_t *add) {
  *add = NSC_NO_VALUE;
  const nsc_node *next = nsc_plan_next(plan, *output);
  if (!next || next->domain[0] || strcmp(next->op, "Add") != 0 || next->input_count != 2) return NSC_OK;
  uint32_t other = next->inputs[next->inputs[0] == *output];
  if (other == NSC_NO_VALUE || other == *output || !plan->values[other].known || nsc_plan_is_constant(plan, other) ||
      plan->values[other].type != NSC_TYPE_F32 || !nsc_shape_equal(&plan->values[other].shape, shape)) {
    return NSC_OK;
  }
  NSC_TRY(nsc_plan_layout(plan, other, true, add));
  nsc_plan_take(plan, next);
  *output = next->outputs[0];
  return NSC_OK;
}

/* `c->weights` as the model has them. */
static nsc_status add_winograd(nsc_plan *plan, const nsc_node *node, conv *c, const float *scale, const nsc_winograd *w,
                               uint32_t input, uint32_t output) {
  nsc_shape shape = nsc_conv_output_shape(&c->g, (int64_t)w->batch);
  static const char *const kinds[5][2] = {{"Winograd 4x4", "Winograd 4x4+Add"},
                                          {"Winograd 4x4 of taps", "Winograd 4x4 of taps+Add"},
                                          {"Winograd 4x4/2 of taps", "Winograd 4x4/2 of taps+Add"},
                                          {"Winograd 2x2", "Winograd 2x2+Add"},
                                          {"Winograd 6x6 of taps", "Winograd 6x6 of taps+Add"}};
  size_t kind = w->tile == 2 ? 3 : w->tile == 6 ? 4 : w->taps ? w->stride : 0;
  uint32_t add;
  NSC_TRY(take_sum(plan, &shape, &output, &add));
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &c->min, &c->max));
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, true));
  return nsc_plan_winograd(plan, node, kinds[kind][add != NSC_NO_VALUE], w, c->weights, scale, c->bias, c->min, c->max,
                           input, add, output);
}

/* OIHW to OHWI, times a scale per output channel. */
static nsc_status turn_weights(nsc_plan *plan, const float *in, size_t outputs, size_t inputs, size_t area,
                               const float *scale, const float **turned) {
  *turned = in;
  if (area == 1 && !scale) return NSC_OK;
  if (area == 1 && nsc_plan_is_outside(plan, in)) {
    float *ours = (float *)(uintptr_t)in;
    for (size_t o = 0; o < outputs && !plan->counts; o++) {
      for (size_t i = 0; i < inputs; i++) ours[o * inputs + i] *= scale[o];
    }
    return NSC_OK;
  }
  *turned = NULL;
  if (plan->counts) {
    nsc_plan_pass(plan, (uint64_t)outputs * inputs * area * sizeof(float));
    return NSC_OK;
  }
  float *out;
  NSC_TRY(nsc_plan_room(plan, outputs * inputs * area, sizeof *out, &out));
  for (size_t o = 0; o < outputs; o++) {
    float s = scale ? scale[o] : 1.0f;
    const float *from = in + o * inputs * area;
    float *to = out + o * inputs * area;
    for (size_t a = 0; a < area; a++) {
      for (size_t i = 0; i < inputs; i++) to[a * inputs + i] = from[i * area + a] * s;
    }
  }
  *turned = out;
  return NSC_OK;
}

static nsc_status pack_bias(nsc_plan *plan, size_t outputs, const float *bias, const nsc_affine *norm,
                            const float **out) {
  if (!norm) {
    *out = bias;
    return NSC_OK;
  }
  float *folded;
  NSC_TRY(nsc_plan_scratch(plan, outputs, sizeof *folded, &folded));
  for (size_t o = 0; o < outputs; o++) folded[o] = (bias ? bias[o] * norm->scale[o] : 0.0f) + norm->shift[o];
  *out = folded;
  return NSC_OK;
}

nsc_status nsc_conv_geometry_read(nsc_plan *plan, const nsc_node *node, const nsc_shape *x, const nsc_shape *w,
                                  nsc_conv_geometry *out) {
  if (x->rank != w->rank || (x->rank != 3 && x->rank != 4)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR,
                         "only 1-D and 2-D convolutions are supported (X has %u dimensions, W %u)", x->rank, w->rank);
  }
  int64_t groups = nsc_node_int(node, "group", 1);
  if (groups < 1 || w->dims[0] < 1 || w->dims[1] < 1 || w->dims[0] % groups || x->dims[1] != w->dims[1] * groups) {
    char xs[96], ws[96];
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "X %s, W %s and %lld groups do not fit", nsc_shape_text(x, xs),
                         nsc_shape_text(w, ws), (long long)groups);
  }
  int64_t kernel[2] = {w->rank == 4 ? w->dims[2] : 1, w->dims[w->rank - 1]};
  *out = (nsc_conv_geometry){
      .groups = (size_t)groups, .group_in = (size_t)w->dims[1], .group_out = (size_t)(w->dims[0] / groups)};
  return nsc_window_read(plan, node, x, kernel, &out->window);
}

nsc_shape nsc_conv_output_shape(const nsc_conv_geometry *g, int64_t batch) {
  int64_t channels = (int64_t)(g->groups * g->group_out);
  const nsc_window *w = &g->window;
  if (w->axes == 1) return (nsc_shape){3, {batch, channels, w->out[1]}};
  return (nsc_shape){4, {batch, channels, w->out[0], w->out[1]}};
}

static nsc_status read_bias(nsc_plan *plan, const nsc_node *node, uint32_t value, size_t outputs, const float **out) {
  if (value == NSC_NO_VALUE) return NSC_OK;
  const nsc_shape *shape = &plan->values[value].shape;
  if (shape->rank != 1 || shape->dims[0] != (int64_t)outputs) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "B does not have %zu elements", outputs);
  }
  return nsc_plan_floats(plan, node, value, "B", out);
}

static nsc_status lower_conv(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  conv c = {.kind = "Conv"};
  const nsc_value *values = plan->values;
  NSC_TRY(nsc_conv_geometry_read(plan, node, &values[node->inputs[0]].shape, &values[node->inputs[1]].shape, &c.g));
  size_t outputs = c.g.groups * c.g.group_out, area = (size_t)(c.g.window.kernel[0] * c.g.window.kernel[1]);
  const float *weights, *bias = NULL;
  NSC_TRY(nsc_plan_weights(plan, node, node->inputs[1], "W", &weights));
  uint32_t b = nsc_node_input(node, 2);
  NSC_TRY(read_bias(plan, node, b, outputs, &bias));
  uint32_t output = node->outputs[0];
  nsc_affine norm;
  const nsc_node *next = nsc_plan_next(plan, output);
  bool normed = nsc_norm_is_frozen(plan, next, output);
  if (normed) {
    NSC_TRY(nsc_norm_read(plan, next, outputs, &norm));
    nsc_plan_take(plan, next);
    output = next->outputs[0];
  }
  NSC_TRY(pack_bias(plan, outputs, bias, normed ? &norm : NULL, &c.bias));
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  nsc_winograd tiles;
  const float *scale = normed ? norm.scale : NULL;
  if (is_winograd(plan, &c, input, &tiles)) {
    c.weights = weights;
    return add_winograd(plan, node, &c, scale, &tiles, input, output);
  }
  NSC_TRY(turn_weights(plan, weights, outputs, c.g.group_in, area, scale, &c.weights));
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &c.min, &c.max));
  nsc_depthwise channels;
  if (is_depthwise(plan, &c, input, &channels)) return add_depthwise(plan, node, &c, &channels, input, output);
  nsc_stem stem = {.window = &c.g.window,
                   .batch = (size_t)plan->values[input].shape.dims[0],
                   .in_channels = c.g.group_in,
                   .out_channels = c.g.group_out,
                   .min = c.min,
                   .max = c.max};
  if (!plan->stock && c.g.groups == 1 && nsc_stem_pays(&stem)) return add_stem(plan, node, &c, &stem, input, output);
  bool clamped = c.min > -INFINITY || c.max < INFINITY;
  c.kind = normed ? (clamped ? "Conv+Norm+Clamp" : "Conv+Norm") : clamped ? "Conv+Clamp" : "Conv";
  return add_conv(plan, node, &c, input, output);
}

/* One multiply-add per channel: XNNPACK runs a 1x1 depthwise convolution as exactly that. */
static nsc_status lower_batch_norm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 5));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  if (nsc_node_int(node, "training_mode", 0)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR,
                         "training_mode is for training; export the model for inference");
  }
  if (shape.rank < 2 || shape.rank > 4) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "an input with %u dimensions is not supported", shape.rank);
  }
  nsc_affine norm;
  NSC_TRY(nsc_norm_read(plan, node, (size_t)shape.dims[1], &norm));
  uint32_t output = node->outputs[0], input;
  conv c = {.kind = "Norm",
            .g = {.groups = (size_t)shape.dims[1], .group_in = 1, .group_out = 1},
            .weights = norm.scale,
            .bias = norm.shift};
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &c.min, &c.max));
  if (c.min > -INFINITY || c.max < INFINITY) c.kind = "Norm+Clamp";
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  c.g.window = (nsc_window){.axes = shape.rank == 3 ? 1 : 2, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
  c.g.window.in[0] = c.g.window.out[0] = shape.rank == 4 ? shape.dims[2] : 1;
  c.g.window.in[1] = c.g.window.out[1] = shape.rank >= 3 ? shape.dims[shape.rank - 1] : 1;
  NSC_TRY(add_conv(plan, node, &c, input, output));
  if (shape.rank == 2) plan->values[output].shape = shape; /* N, C, 1, 1 is the same memory */
  if (shape.rank == 2) plan->values[output].channels_last = false;
  return NSC_OK;
}

static enum xnn_status setup_deconv(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_deconvolution2d_nhwc_f32(step->op, step->in[0], step->out[0]);
}

typedef struct deconv {
  int64_t kernel[2], stride[2], dilation[2], pad_begin[2], pad_end[2], adjust[2], out[2];
} deconv;

/* `x` has four dimensions; with one axis the attributes are of the last. */
static nsc_status read_deconv(nsc_plan *plan, const nsc_node *node, uint32_t axes, const nsc_shape *x, deconv *d) {
  static const char *const pairs[] = {"strides", "dilations", "output_padding", "output_shape"};
  int64_t asked[2] = {-1, -1};
  int64_t *to[] = {d->stride, d->dilation, d->adjust, asked};
  for (int p = 0; p < 4; p++) {
    const nsc_attribute *a = nsc_node_attribute(node, pairs[p]);
    if (!a) continue;
    bool fits = a->kind == NSC_ATTRIBUTE_INTS && a->count == axes;
    for (uint32_t i = 0; fits && i < axes; i++) fits = a->ints[i] >= 0 && a->ints[i] <= 65536;
    if (!fits) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", pairs[p]);
    for (uint32_t i = 0; i < axes; i++) to[p][2 - axes + i] = a->ints[i];
  }
  const nsc_attribute *pads = nsc_node_attribute(node, "pads");
  const char *auto_pad = nsc_node_string(node, "auto_pad", "NOTSET");
  for (int i = 0; i < 2; i++) {
    if (x->dims[2 + i] > 1 << 24) return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "the input is too large");
    if (d->stride[i] < 1 || d->dilation[i] < 1) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "a stride is zero");
    int64_t extent = (d->kernel[i] - 1) * d->dilation[i] + 1;
    int64_t full = (x->dims[2 + i] - 1) * d->stride[i] + extent + d->adjust[i];
    if (strncmp(auto_pad, "SAME", 4) == 0 && asked[i] < 0) asked[i] = x->dims[2 + i] * d->stride[i];
    if (asked[i] >= 0) {
      int64_t total = full - asked[i];
      if (total < 0) { /* more than the input reaches: as if output_padding had asked for it */
        d->adjust[i] -= total;
        full -= total;
        total = 0;
      }
      bool lower = strcmp(auto_pad, "SAME_UPPER") != 0;
      d->pad_begin[i] = lower ? total - total / 2 : total / 2;
      d->pad_end[i] = total - d->pad_begin[i];
    } else if (pads && pads->kind == NSC_ATTRIBUTE_INTS && pads->count == 2 * axes && i >= 2 - (int)axes) {
      d->pad_begin[i] = pads->ints[i - (2 - (int)axes)];
      d->pad_end[i] = pads->ints[i - (2 - (int)axes) + (int)axes];
    }
    if (d->pad_begin[i] > 65536 || d->pad_end[i] > 65536 || d->adjust[i] >= d->stride[i] + d->dilation[i]) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "pads or output_padding are too large");
    }
    d->out[i] = full - d->pad_begin[i] - d->pad_end[i];
    if (d->pad_begin[i] < 0 || d->pad_end[i] < 0 || d->out[i] < 1) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "these pads are not supported");
    }
  }
  return NSC_OK;
}

/* ONNX stores [input channels][output channels of a group][height][width]; XNNPACK wants the layout of Conv. */
static nsc_status turn_deconv_weights(nsc_plan *plan, const float *in, size_t groups, size_t group_in, size_t group_out,
                                      size_t area, const float **turned) {
  float *out;
  *turned = NULL;
  if (plan->counts) {
    nsc_plan_pass(plan, (uint64_t)groups * group_in * group_out * area * sizeof(float));
    return NSC_OK;
  }
  NSC_TRY(nsc_plan_room(plan, groups * group_in * group_out * area, sizeof *out, &out));
  for (size_t g = 0; g < groups; g++) {
    for (size_t o = 0; o < group_out; o++) {
      for (size_t a = 0; a < area; a++) {
        for (size_t i = 0; i < group_in; i++) {
          out[((g * group_out + o) * area + a) * group_in + i] = in[((g * group_in + i) * group_out + o) * area + a];
        }
      }
    }
  }
  *turned = out;
  return NSC_OK;
}

/* XNNPACK's operator for a step; weights as for Conv. */
static nsc_status make_deconv(nsc_plan *plan, const nsc_node *node, nsc_step *step, const deconv *d,
                              const nsc_conv_geometry *g, const float *weights, const float *bias, float min, float max,
                              const nsc_shape *x) {
  nsc_plan_hold_conv(plan, step, g, g->groups * g->group_out, NSC_FLOAT_PRODUCT);
  if (plan->counts) return NSC_OK;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_deconvolution2d_nhwc_f32(
          (uint32_t)d->pad_begin[0], (uint32_t)d->pad_end[1], (uint32_t)d->pad_end[0], (uint32_t)d->pad_begin[1],
          (uint32_t)d->kernel[0], (uint32_t)d->kernel[1], (uint32_t)d->stride[0], (uint32_t)d->stride[1],
          (uint32_t)d->dilation[0], (uint32_t)d->dilation[1], (uint32_t)g->groups, g->group_in, g->group_out,
          g->groups * g->group_in, g->groups * g->group_out, weights, bias, min, max, 0, NULL, NULL, &step->op)));
  size_t out_h, out_w;
  return nsc_plan_check(
      plan, node,
      xnn_reshape_deconvolution2d_nhwc_f32(step->op, (size_t)x->dims[0], (size_t)x->dims[2], (size_t)x->dims[3],
                                           (uint32_t)d->adjust[0], (uint32_t)d->adjust[1], &out_h, &out_w, plan->pool));
}

static nsc_status lower_conv_transpose(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape x = plan->values[node->inputs[0]].shape, w = plan->values[node->inputs[1]].shape;
  int64_t groups = nsc_node_int(node, "group", 1);
  uint32_t axes = x.rank == 3 ? 1 : 2;
  if (x.rank != 2 + axes || w.rank != x.rank || groups < 1 || x.dims[1] != w.dims[0] || w.dims[0] % groups) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR,
                         "only 1-D and 2-D transposed convolutions with fitting shapes are supported");
  }
  if (axes == 1) {
    x = (nsc_shape){4, {x.dims[0], x.dims[1], 1, x.dims[2]}};
    w = (nsc_shape){4, {w.dims[0], w.dims[1], 1, w.dims[2]}};
  }
  deconv d = {.kernel = {w.dims[2], w.dims[3]}, .stride = {1, 1}, .dilation = {1, 1}};
  NSC_TRY(read_deconv(plan, node, axes, &x, &d));
  size_t group_in = (size_t)(w.dims[0] / groups), group_out = (size_t)w.dims[1], channels = (size_t)groups * group_out;
  const float *weights, *bias = NULL;
  NSC_TRY(nsc_plan_weights(plan, node, node->inputs[1], "W", &weights));
  uint32_t b = nsc_node_input(node, 2);
  NSC_TRY(read_bias(plan, node, b, channels, &bias));
  size_t area = (size_t)(d.kernel[0] * d.kernel[1]);
  NSC_TRY(turn_deconv_weights(plan, weights, (size_t)groups, group_in, group_out, area, &weights));
  uint32_t output = node->outputs[0], input;
  float min, max;
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &min, &max));
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  nsc_shape shape = {4, {x.dims[0], (int64_t)channels, d.out[0], d.out[1]}};
  if (axes == 1) shape = (nsc_shape){3, {x.dims[0], (int64_t)channels, d.out[1]}};
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, true));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "ConvTranspose", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_deconv;
  uint64_t weight_count = (uint64_t)channels * group_in * area;
  nsc_plan_count(plan, step, (double)(x.dims[0] * x.dims[2] * x.dims[3]) * (double)weight_count,
                 weight_count * sizeof(float));
  nsc_conv_geometry g = {.groups = (size_t)groups, .group_in = group_in, .group_out = group_out};
  g.window = (nsc_window){.axes = 2,
                          .kernel = {d.kernel[0], d.kernel[1]},
                          .stride = {d.stride[0], d.stride[1]},
                          .pad_begin = {1, 1}, /* always a table of addresses */
                          .out = {d.out[0], d.out[1]}};
  return make_deconv(plan, node, step, &d, &g, weights, bias, min, max, &x);
}

const nsc_operator nsc_conv_operators[] = {
    {"Conv", lower_conv},
    {"BatchNormalization", lower_batch_norm},
    {"ConvTranspose", lower_conv_transpose},
    {NULL, NULL},
};
