/* Conv, Gemm and MatMul between DequantizeLinear and QuantizeLinear as one step of int8. */
#include "nn/quant_product.h"

#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/op_words.h"

/* ---- scales and weights ---- */

bool nsc_quant_scales_fit(const nsc_quant_scales *s, size_t outputs) {
  if (!isnormal(s->in_scale) || !isnormal(s->out_scale)) return false;
  for (size_t o = 0; o < outputs; o++) {
    float scale = s->in_scale * s->weight_scale[o] / s->out_scale;
    if (!isnormal(s->weight_scale[o]) || !(scale >= 0x1p-32f) || !(scale < 256.0f)) return false;
  }
  return true;
}

nsc_status nsc_quant_weights(nsc_plan *plan, uint32_t value, const int32_t *zero, size_t channels, const int8_t **out) {
  const nsc_value *v = nsc_plan_value(plan, value);
  *out = NULL;
  if (!nsc_plan_is_constant(plan, value) || v->channels_last || (v->type != NSC_TYPE_U8 && v->type != NSC_TYPE_I8)) {
    return NSC_OK;
  }
  bool is_unsigned = v->type == NSC_TYPE_U8;
  for (size_t c = 0; c < channels; c++) {
    if (zero[c] != (is_unsigned ? 128 : 0)) return NSC_OK;
  }
  size_t count = 0;
  nsc_shape_count(&v->shape, &count);
  const uint8_t *bytes;
  NSC_TRY(nsc_quant_bytes(plan, value, &bytes));
  if (is_unsigned) {
    uint8_t *flipped;
    NSC_TRY(nsc_plan_scratch(plan, count, 1, &flipped));
    for (size_t i = 0; i < count; i++) flipped[i] = bytes[i] ^ 0x80;
    bytes = flipped;
  }
  *out = (const int8_t *)bytes;
  return NSC_OK;
}

nsc_status nsc_quant_spread(nsc_plan *plan, const float *scale, size_t channels, size_t outputs, const float **out) {
  *out = scale;
  if (channels == outputs) return NSC_OK;
  float *spread;
  NSC_TRY(nsc_plan_scratch(plan, outputs, sizeof *spread, &spread));
  for (size_t o = 0; o < outputs; o++) spread[o] = scale[0];
  *out = spread;
  return NSC_OK;
}

/* A bias of floats in units of in_scale * weight_scale; *fits is false where those are too small for it. */
static nsc_status quantise_bias(nsc_plan *plan, const float *bias, size_t outputs, nsc_quant_scales *s, bool *fits) {
  *fits = true;
  s->bias = NULL;
  if (!bias) return NSC_OK;
  int32_t *quantised;
  NSC_TRY(nsc_plan_scratch(plan, outputs, sizeof *quantised, &quantised));
  for (size_t o = 0; o < outputs; o++) {
    double value = nearbyint((double)bias[o] / ((double)s->in_scale * (double)s->weight_scale[o]));
    /* Room for the products on top of it. */
    if (!(fabs(value) < 0x1p30)) {
      *fits = false;
      return NSC_OK;
    }
    quantised[o] = (int32_t)value;
  }
  s->bias = quantised;
  return NSC_OK;
}

/* The integers behind a float constant of weights, when they lie as XNNPACK wants them. */
static nsc_status weights_of(nsc_plan *plan, uint32_t value, size_t outputs, size_t inner, const int8_t **out,
                             const float **scale) {
  const nsc_value *v = nsc_plan_value(plan, value);
  const nsc_quant *q = v->quant;
  *out = NULL;
  if (!q || !q->constant || v->data || v->type != NSC_TYPE_F32) return NSC_OK;
  if (q->channels != 1 && (q->channels != outputs || q->inner != inner)) return NSC_OK;
  NSC_TRY(nsc_quant_weights(plan, q->source, q->zero, q->channels, out));
  return nsc_quant_spread(plan, q->scale, q->channels, outputs, scale);
}

static void put_target(nsc_quant_scales *s, const nsc_quant *in, const nsc_quant_target *t) {
  s->in_scale = in->scale[0];
  s->in_zero = in->zero[0];
  s->out_scale = t->scale;
  s->out_zero = t->zero;
  s->min = t->min;
  s->max = t->max;
}

/* ---- convolutions ---- */

/* XNNPACK adds two products of a depthwise convolution in 16 bits, which two of -128 times -128 do not fit into. */
bool nsc_quant_weights_fit(const nsc_conv_geometry *g, const int8_t *weights) {
  if (g->group_in != 1) return true;
  size_t count = g->groups * g->group_out * (size_t)(g->window.kernel[0] * g->window.kernel[1]);
  return memchr(weights, 0x80, count) == NULL;
}

static enum xnn_status setup_conv(nsc_step *step, void *workspace) {
  return xnn_setup_convolution2d_nhwc_qs8_qc8w(step->op, workspace, step->in[0], step->out[0]);
}

/* OIHW to OHWI */
static nsc_status turn_weights(nsc_plan *plan, const int8_t *weights, size_t outputs, size_t inputs, size_t area,
                               const int8_t **out) {
  *out = weights;
  if (area == 1) return NSC_OK;
  if (plan->counts) {
    nsc_plan_pass(plan, (uint64_t)outputs * inputs * area);
    return NSC_OK;
  }
  int8_t *turned;
  NSC_TRY(nsc_plan_room(plan, outputs * inputs * area, 1, &turned));
  *out = turned;
  const nsc_shape shape = {3, {(int64_t)outputs, (int64_t)inputs, (int64_t)area}};
  nsc_transpose(turned, weights, &shape, (const uint32_t[]){0, 2, 1}, 1);
  return NSC_OK;
}

nsc_status nsc_quant_conv(nsc_plan *plan, const nsc_node *node, const nsc_conv_geometry *given,
                          const nsc_quant_scales *s, const int8_t *weights, uint32_t input, uint32_t output) {
  nsc_conv_geometry g = *given;
  const nsc_window *w = &g.window;
  const nsc_words_conv words = {g, (size_t)plan->values[input].shape.dims[0], s->in_zero};
  bool done;
  NSC_TRY(nsc_plan_words(plan, node, "Conv int8 in words", &words, s, weights, input, output, &done));
  if (done) return NSC_OK;
  size_t area = (size_t)(w->kernel[0] * w->kernel[1]), channels = g.groups * g.group_out;
  const int8_t *packed = NULL;
  NSC_TRY(turn_weights(plan, weights, channels, g.group_in, area, &packed));
  size_t room;
  NSC_TRY(nsc_quant_unfold(plan, node, &g, s->in_zero, &input, &room));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Conv int8", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_conv;
  size_t taps = g.group_in * (size_t)(w->kernel[0] * w->kernel[1]);
  double pixels = (double)(plan->values[input].shape.dims[0] * w->out[0] * w->out[1]);
  nsc_plan_count(plan, step, pixels * (double)(channels * taps), (uint64_t)channels * (taps + 2 * sizeof(float)));
  nsc_plan_hold_conv(plan, step, &g, channels, NSC_INT8_PRODUCT);
  if (plan->counts) return NSC_OK;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_convolution2d_nhwc_qs8_qc8w(
          (uint32_t)w->pad_begin[0], (uint32_t)w->pad_end[1], (uint32_t)w->pad_end[0], (uint32_t)w->pad_begin[1],
          (uint32_t)w->kernel[0], (uint32_t)w->kernel[1], (uint32_t)w->stride[0], (uint32_t)w->stride[1],
          (uint32_t)w->dilation[0], (uint32_t)w->dilation[1], (uint32_t)g.groups, g.group_in, g.group_out, room,
          channels, (int8_t)s->in_zero, s->in_scale, s->weight_scale, packed, s->bias, (int8_t)s->out_zero,
          s->out_scale, (int8_t)s->min, (int8_t)s->max, 0, NULL, NULL, &step->op)));
  size_t alignment, out_h, out_w;
  NSC_TRY(nsc_plan_check(plan, node,
                         xnn_reshape_convolution2d_nhwc_qs8_qc8w(step->op, (size_t)plan->values[input].shape.dims[0],
                                                                 (size_t)w->in[0], (size_t)w->in[1], &step->workspace,
                                                                 &alignment, &out_h, &out_w, plan->pool)));
  if (out_h != (size_t)w->out[0] || out_w != (size_t)w->out[1]) {
    return nsc_node_fail(plan, node, NSC_ERROR_INTERNAL, "XNNPACK computes %zu x %zu outputs", out_h, out_w);
  }
  return NSC_OK;
}

nsc_status nsc_quant_lower_conv(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *in = nsc_quant_of(plan, nsc_node_input(node, 0));
  uint32_t w = nsc_node_input(node, 1), b = nsc_node_input(node, 2), output = node->outputs[0], input, integers;
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, output, true, &t));
  if (!in || !t.found || w == NSC_NO_VALUE || (b != NSC_NO_VALUE && !nsc_plan_is_constant(plan, b))) return NSC_OK;
  const nsc_shape x_shape = plan->values[in->source].shape, w_shape = plan->values[w].shape;
  if (w_shape.rank < 3 || x_shape.rank != w_shape.rank || x_shape.dims[0] == 0) return NSC_OK;
  const int8_t *weights;
  nsc_quant_scales s;
  size_t outputs = (size_t)w_shape.dims[0];
  NSC_TRY(weights_of(plan, w, outputs, nsc_shape_product(&w_shape, 1, w_shape.rank), &weights, &s.weight_scale));
  if (!weights) return NSC_OK;
  nsc_conv_geometry g;
  NSC_TRY(nsc_conv_geometry_read(plan, node, &x_shape, &w_shape, &g));
  const float *bias = NULL;
  if (b != NSC_NO_VALUE) {
    size_t count = 0;
    nsc_shape_count(&plan->values[b].shape, &count);
    if (count != outputs) return NSC_OK; /* the float operator says what is wrong */
    NSC_TRY(nsc_plan_floats(plan, node, b, "B", &bias));
  }
  put_target(&s, in, &t);
  bool fits;
  NSC_TRY(quantise_bias(plan, bias, outputs, &s, &fits));
  if (!fits || !nsc_quant_scales_fit(&s, outputs) || !nsc_quant_weights_fit(&g, weights)) return NSC_OK;
  *done = true;
  NSC_TRY(nsc_plan_layout(plan, in->source, true, &input));
  nsc_shape shape = nsc_conv_output_shape(&g, x_shape.dims[0]);
  NSC_TRY(nsc_quant_target_take(plan, &t, &shape, true, &integers));
  NSC_TRY(nsc_quant_conv(plan, node, &g, &s, weights, input, integers));
  return nsc_quant_target_finish(plan, node, &t, integers);
}

/* ---- a batch norm alone: a convolution of one tap a channel, of weight 127 ---- */

/* Weights, scales and biases of a norm; a channel of scale 0 is its bias in steps of the output. */
static nsc_status norm_weights(nsc_plan *plan, const nsc_affine *norm, size_t channels, const nsc_quant_scales *s,
                               int8_t **weights, float **scale, float **bias) {
  NSC_TRY(nsc_plan_scratch(plan, channels, 1, weights));
  NSC_TRY(nsc_plan_scratch(plan, channels, sizeof **scale, scale));
  NSC_TRY(nsc_plan_scratch(plan, channels, sizeof **bias, bias));
  for (size_t c = 0; c < channels; c++) {
    float each = norm->scale[c] / 127;
    bool flat = !isnormal(each);
    (*weights)[c] = (int8_t)(flat ? 0 : each < 0 ? -127 : 127);
    (*scale)[c] = flat ? s->out_scale / s->in_scale / 256 : fabsf(each);
    (*bias)[c] = norm->shift[c];
  }
  return NSC_OK;
}

nsc_status nsc_quant_lower_norm(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *in = nsc_quant_of(plan, node->inputs[0]);
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, node->outputs[0], true, &t));
  nsc_shape x = plan->values[in->source].shape;
  size_t count = 0;
  nsc_shape_count(&x, &count);
  if (!t.found || !nsc_norm_is_frozen(plan, node, node->inputs[0]) || (x.rank != 3 && x.rank != 4) || count == 0) {
    return NSC_OK;
  }
  size_t channels = (size_t)x.dims[1];
  nsc_affine norm;
  NSC_TRY(nsc_norm_read(plan, node, channels, &norm));
  nsc_quant_scales s;
  int8_t *weights;
  float *scale, *bias;
  bool fits;
  put_target(&s, in, &t);
  NSC_TRY(norm_weights(plan, &norm, channels, &s, &weights, &scale, &bias));
  s.weight_scale = scale;
  NSC_TRY(quantise_bias(plan, bias, channels, &s, &fits));
  if (!fits || !nsc_quant_scales_fit(&s, channels)) return NSC_OK;
  *done = true;
  int64_t h = x.rank == 4 ? x.dims[2] : 1, w = x.dims[x.rank - 1];
  const nsc_conv_geometry g = {
      {.axes = x.rank - 2, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .in = {h, w}, .out = {h, w}},
      channels,
      1,
      1};
  uint32_t input, integers;
  NSC_TRY(nsc_plan_layout(plan, in->source, true, &input));
  NSC_TRY(nsc_quant_target_take(plan, &t, &x, true, &integers));
  NSC_TRY(nsc_quant_conv(plan, node, &g, &s, weights, input, integers));
  return nsc_quant_target_finish(plan, node, &t, integers);
}

/* ---- products ---- */

NSC_SETUP_1(setup_dense, xnn_setup_fully_connected_nc_qs8_qc8w)

nsc_status nsc_quant_dense(nsc_plan *plan, const nsc_node *node, const nsc_quant_dense_shape *d,
                           const nsc_quant_scales *s, const int8_t *weights, uint32_t input, uint32_t output) {
  bool done = false;
  if (!d->transposed) {
    const int64_t rows[2] = {1, (int64_t)d->rows};
    const nsc_window pixels = {2, {1, 1}, {1, 1}, {1, 1}, .in = {rows[0], rows[1]}, .out = {rows[0], rows[1]}};
    const nsc_words_conv words = {{pixels, 1, d->in, d->out}, 1, s->in_zero};
    NSC_TRY(nsc_plan_words(plan, node, "Dense int8 in words", &words, s, weights, input, output, &done));
  }
  if (done) return NSC_OK;
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Dense int8", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_dense;
  nsc_plan_count(plan, step, (double)d->rows * (double)d->in * (double)d->out,
                 (uint64_t)d->out * (d->in + 2 * sizeof(float)));
  nsc_plan_hold_dense(plan, step, d->in, d->out, NSC_INT8_PRODUCT);
  if (plan->counts) return NSC_OK;
  NSC_TRY(nsc_plan_check(plan, node,
                         xnn_create_fully_connected_nc_qs8_qc8w(
                             d->in, d->out, d->in, d->out, (int8_t)s->in_zero, s->in_scale, s->weight_scale, weights,
                             s->bias, (int8_t)s->out_zero, s->out_scale, (int8_t)s->min, (int8_t)s->max,
                             d->transposed ? XNN_FLAG_TRANSPOSE_WEIGHTS : 0, NULL, NULL, &step->op)));
  return nsc_plan_check(plan, node, xnn_reshape_fully_connected_nc_qs8_qc8w(step->op, d->rows, plan->pool));
}

/* Gemm's C when it is one value a column, times beta; false when it has another form. */
static nsc_status column_bias(nsc_plan *plan, const nsc_node *node, uint32_t c, size_t columns, const float **out,
                              bool *fits) {
  *out = NULL;
  *fits = true;
  if (c == NSC_NO_VALUE) return NSC_OK;
  nsc_shape shape = plan->values[c].shape;
  size_t count = 0;
  nsc_shape_count(&shape, &count);
  *fits = nsc_plan_is_constant(plan, c) && count == columns && shape.rank > 0 && shape.rank < 3 &&
          shape.dims[shape.rank - 1] == (int64_t)columns;
  if (!*fits) return NSC_OK;
  float beta = nsc_node_float(node, "beta", 1), *scaled;
  const float *values;
  NSC_TRY(nsc_plan_floats(plan, node, c, "C", &values));
  NSC_TRY(nsc_plan_scratch(plan, columns, sizeof *scaled, &scaled));
  for (size_t i = 0; i < columns; i++) scaled[i] = beta * values[i];
  *out = scaled;
  return NSC_OK;
}

/* Rows, columns and depth of Gemm or MatMul with a matrix on the right; false when this is another product. */
static bool dense_shape(const nsc_node *node, bool gemm, const nsc_shape *a, const nsc_shape *b,
                        nsc_quant_dense_shape *d, nsc_shape *out) {
  bool turned = gemm && nsc_node_int(node, "transB", 0) != 0;
  if (b->rank != 2 || a->rank < 1 || (gemm && a->rank != 2)) return false;
  if (gemm && (nsc_node_int(node, "transA", 0) || nsc_node_float(node, "alpha", 1) != 1)) return false;
  *d = (nsc_quant_dense_shape){.rows = nsc_shape_product(a, 0, a->rank - 1),
                               .in = (size_t)b->dims[turned ? 1 : 0],
                               .out = (size_t)b->dims[turned ? 0 : 1],
                               .transposed = !turned};
  *out = *a;
  out->dims[a->rank - 1] = (int64_t)d->out;
  return a->dims[a->rank - 1] == (int64_t)d->in && d->rows && d->in && d->out;
}

nsc_status nsc_quant_lower_dense(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *in = nsc_quant_of(plan, nsc_node_input(node, 0));
  uint32_t b = nsc_node_input(node, 1), output = node->outputs[0], input, integers;
  bool gemm = strcmp(node->op, "Gemm") == 0, fits;
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, output, true, &t));
  if (!in || !t.found || b == NSC_NO_VALUE) return NSC_OK;
  nsc_shape a_shape = plan->values[in->source].shape, b_shape = plan->values[b].shape, shape;
  nsc_quant_dense_shape d;
  if (!dense_shape(node, gemm, &a_shape, &b_shape, &d, &shape)) return NSC_OK;
  const int8_t *weights;
  nsc_quant_scales s;
  NSC_TRY(weights_of(plan, b, d.out, d.transposed ? 1 : d.in, &weights, &s.weight_scale));
  if (!weights) return NSC_OK;
  const float *bias;
  NSC_TRY(column_bias(plan, node, gemm ? nsc_node_input(node, 2) : NSC_NO_VALUE, d.out, &bias, &fits));
  if (!fits) return NSC_OK;
  put_target(&s, in, &t);
  NSC_TRY(quantise_bias(plan, bias, d.out, &s, &fits));
  if (!fits || !nsc_quant_scales_fit(&s, d.out)) return NSC_OK;
  *done = true;
  NSC_TRY(nsc_plan_layout(plan, in->source, false, &input));
  NSC_TRY(nsc_quant_target_take(plan, &t, &shape, false, &integers));
  NSC_TRY(nsc_quant_dense(plan, node, &d, &s, weights, input, integers));
  return nsc_quant_target_finish(plan, node, &t, integers);
}
