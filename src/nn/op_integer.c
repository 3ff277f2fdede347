/*
 * QLinearConv, QLinearMatMul, ConvInteger, MatMulInteger. The first two run on XNNPACK's int8 operators where weights
 * are constant and symmetric; everything else is a plain loop over integers with any zero points.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"
#include "nn/plan_private.h"
#include "nn/quant_product.h"

/* One side of a product, or its result: 8 bits of either sign. */
typedef struct side {
  bool is_unsigned;
  uint32_t channels; /* of zero: one, or one a channel of the weights' outputs */
  const int32_t *zero;
} side;

static int32_t element(const void *data, size_t i, const side *s, size_t channel) {
  int32_t value = s->is_unsigned ? ((const uint8_t *)data)[i] : ((const int8_t *)data)[i];
  return value - s->zero[s->channels == 1 ? 0 : channel];
}

/* What becomes of a sum: an int32, or a byte of the output's scale. */
typedef struct finish {
  bool whole;         /* int32 */
  const float *scale; /* [channels] in_scale * weight_scale / out_scale */
  uint32_t channels;
  const int32_t *bias; /* or NULL */
  int32_t zero, low;
} finish;

static void put(void *out, size_t i, int32_t sum, const finish *f, size_t channel) {
  if (f->bias) sum = (int32_t)((uint32_t)sum + (uint32_t)f->bias[channel]);
  if (f->whole) {
    ((int32_t *)out)[i] = sum;
  } else {
    float value = (float)sum * f->scale[f->channels == 1 ? 0 : channel];
    ((uint8_t *)out)[i] = (uint8_t)nsc_quant_value(value, 1, f->zero, f->low, f->low + 255);
  }
}

/* ---- the plain convolution: N, C, H, W ---- */

typedef struct conv_params {
  nsc_conv_geometry g;
  size_t batch;
  side x, w;
  finish f;
} conv_params;

static int32_t conv_sum(const conv_params *p, const uint8_t *x, const uint8_t *weights, size_t o, int64_t oy,
                        int64_t ox) {
  const nsc_window *w = &p->g.window;
  size_t area = (size_t)(w->kernel[0] * w->kernel[1]), picture = (size_t)(w->in[0] * w->in[1]);
  uint32_t sum = 0;
  for (size_t i = 0; i < p->g.group_in; i++) {
    for (int64_t k = 0; k < (int64_t)area; k++) {
      int64_t y = oy * w->stride[0] - w->pad_begin[0] + k / w->kernel[1] * w->dilation[0];
      int64_t xx = ox * w->stride[1] - w->pad_begin[1] + k % w->kernel[1] * w->dilation[1];
      if (y < 0 || y >= w->in[0] || xx < 0 || xx >= w->in[1]) continue;
      int32_t a = element(x, i * picture + (size_t)(y * w->in[1] + xx), &p->x, 0);
      sum += (uint32_t)(a * element(weights, (o * p->g.group_in + i) * area + (size_t)k, &p->w, o));
    }
  }
  return (int32_t)sum;
}

static void run_conv(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const conv_params *p = step->params;
  const nsc_window *w = &p->g.window;
  size_t outputs = p->g.groups * p->g.group_out, picture = (size_t)(w->in[0] * w->in[1]), at = 0;
  for (size_t n = 0; n < p->batch; n++) {
    for (size_t o = 0; o < outputs; o++) {
      size_t first = (n * p->g.groups + o / p->g.group_out) * p->g.group_in * picture;
      for (int64_t y = 0; y < w->out[0]; y++) {
        for (int64_t x = 0; x < w->out[1]; x++, at++) {
          put(step->out[0], at, conv_sum(p, (const uint8_t *)step->in[0] + first, step->in[1], o, y, x), &p->f, o);
        }
      }
    }
  }
}

/* ---- the plain product: [..., m, k] times [..., k, n] ---- */

typedef struct matmul_params {
  nsc_shape shape; /* of the output with both matrix dimensions */
  size_t m, k, n;
  int64_t a_strides[NSC_MAX_RANK], b_strides[NSC_MAX_RANK]; /* of whole matrices, over the leading dimensions */
  side a, b;
  finish f;
} matmul_params;

static void multiply(const matmul_params *p, const uint8_t *a, const uint8_t *b, void *out, size_t at) {
  for (size_t i = 0; i < p->m; i++) {
    for (size_t j = 0; j < p->n; j++, at++) {
      uint32_t sum = 0;
      for (size_t k = 0; k < p->k; k++) {
        sum += (uint32_t)(element(a, i * p->k + k, &p->a, 0) * element(b, k * p->n + j, &p->b, j));
      }
      put(out, at, (int32_t)sum, &p->f, j);
    }
  }
}

static void run_matmul(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const matmul_params *p = step->params;
  uint32_t rank = p->shape.rank - 2;
  size_t batches = nsc_shape_product(&p->shape, 0, rank);
  for (size_t i = 0; i < batches; i++) {
    int64_t a = 0, b = 0;
    size_t rest = i;
    for (uint32_t d = rank; d-- > 0; rest /= (size_t)p->shape.dims[d]) {
      int64_t index = (int64_t)(rest % (size_t)p->shape.dims[d]);
      a += index * p->a_strides[d];
      b += index * p->b_strides[d];
    }
    multiply(p, (const uint8_t *)step->in[0] + a, (const uint8_t *)step->in[1] + b, step->out[0], i * p->m * p->n);
  }
}

/* ---- reading the nodes ---- */

/* All that the inputs of a node say about its numbers. */
typedef struct numbers {
  nsc_quant_params x, w, y;
  side x_side, w_side;
  finish f;
} numbers;

static nsc_status need_bytes(nsc_plan *plan, const nsc_node *node, uint32_t value) {
  nsc_type type = plan->values[value].type;
  if (type == NSC_TYPE_U8 || type == NSC_TYPE_I8) return NSC_OK;
  return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "an input is %s instead of int8 or uint8", nsc_type_name(type));
}

/* The zero point alone, as the Integer operators have it. */
static nsc_status read_side(nsc_plan *plan, const nsc_node *node, uint32_t value, uint32_t zero, size_t outputs,
                            side *out) {
  NSC_TRY(need_bytes(plan, node, value));
  nsc_type type = plan->values[value].type;
  int32_t *copy;
  size_t count = 1;
  out->is_unsigned = type == NSC_TYPE_U8;
  if (zero != NSC_NO_VALUE) {
    if (!nsc_plan_is_constant(plan, zero)) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "the zero point must be a constant");
    }
    NSC_TRY(nsc_plan_load_constant(plan, zero));
    nsc_shape_count(&plan->values[zero].shape, &count);
    if (plan->values[zero].type != type || (count != 1 && count != outputs)) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%zu zero points of %s for %zu outputs of %s", count,
                           nsc_type_name(plan->values[zero].type), outputs, nsc_type_name(type));
    }
  }
  NSC_TRY(nsc_plan_alloc(plan, count, sizeof *copy, &copy));
  for (size_t i = 0; zero != NSC_NO_VALUE && i < count; i++) {
    copy[i] = (int32_t)nsc_element_real(plan->values[zero].data, (int64_t)i, type);
  }
  out->channels = (uint32_t)count;
  out->zero = copy;
  return NSC_OK;
}

/* Scales and zero points of a QLinear node: x at 0, w at 3, y at 6 and 7. The weights' lie along `axis`. */
static nsc_status read_numbers(nsc_plan *plan, const nsc_node *node, int64_t axis, size_t outputs, numbers *out) {
  const uint32_t *in = node->inputs;
  NSC_TRY(need_bytes(plan, node, in[0]));
  NSC_TRY(need_bytes(plan, node, in[3]));
  NSC_TRY(nsc_quant_params_read(plan, node, in[0], in[1], in[2], plan->values[in[0]].type, 0, &out->x));
  NSC_TRY(nsc_quant_params_read(plan, node, in[3], in[4], in[5], plan->values[in[3]].type, axis, &out->w));
  nsc_type type = plan->values[in[7]].type;
  NSC_TRY(need_bytes(plan, node, in[7]));
  NSC_TRY(nsc_quant_params_read(plan, node, in[0], in[6], in[7], type, 0, &out->y));
  if (out->x.channels != 1 || out->y.channels != 1 || (out->w.channels != 1 && out->w.channels != outputs)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only weights may have several scales, one an output");
  }
  out->x_side = (side){out->x.type == NSC_TYPE_U8, 1, out->x.zero};
  out->w_side = (side){out->w.type == NSC_TYPE_U8, out->w.channels, out->w.zero};
  float *scale;
  NSC_TRY(nsc_plan_alloc(plan, out->w.channels, sizeof *scale, &scale));
  for (uint32_t c = 0; c < out->w.channels; c++) {
    scale[c] = (float)((double)out->x.scale[0] * (double)out->w.scale[c] / (double)out->y.scale[0]);
  }
  out->f = (finish){
      .scale = scale, .channels = out->w.channels, .zero = out->y.zero[0], .low = type == NSC_TYPE_U8 ? 0 : -128};
  return NSC_OK;
}

static nsc_quant_scales scales_of(const numbers *n, const float *weight_scale, const int32_t *bias) {
  return (nsc_quant_scales){.in_scale = n->x.scale[0],
                            .out_scale = n->y.scale[0],
                            .in_zero = n->x.zero[0] - (n->x_side.is_unsigned ? 128 : 0),
                            .out_zero = n->y.zero[0] - (n->y.type == NSC_TYPE_U8 ? 128 : 0),
                            .min = -128,
                            .max = 127,
                            .weight_scale = weight_scale,
                            .bias = bias};
}

static nsc_status read_bias(nsc_plan *plan, const nsc_node *node, uint32_t value, size_t outputs, const int32_t **out) {
  *out = NULL;
  if (value == NSC_NO_VALUE) return NSC_OK;
  size_t count = 0;
  nsc_shape_count(&plan->values[value].shape, &count);
  if (!nsc_plan_is_constant(plan, value) || plan->values[value].type != NSC_TYPE_I32 || count != outputs) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "B must be a constant with %zu elements of int32", outputs);
  }
  NSC_TRY(nsc_plan_keep_constant(plan, value));
  *out = plan->values[value].data;
  return NSC_OK;
}

/* ---- lowering ---- */

static nsc_status add_pair(nsc_plan *plan, const nsc_node *node, uint32_t a, uint32_t b, uint32_t output,
                           void (*run)(nsc_step *, pthreadpool_t), void *params) {
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 2, 1, &step));
  NSC_TRY(nsc_plan_layout(plan, a, false, &step->inputs[0]));
  NSC_TRY(nsc_plan_layout(plan, b, false, &step->inputs[1]));
  step->outputs[0] = output;
  step->run = run;
  step->params = params;
  return NSC_OK;
}

static nsc_status add_plain_conv(nsc_plan *plan, const nsc_node *node, uint32_t w, const conv_params *given,
                                 nsc_type type) {
  conv_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = *given;
  p->batch = (size_t)plan->values[node->inputs[0]].shape.dims[0];
  nsc_shape shape = nsc_conv_output_shape(&p->g, (int64_t)p->batch);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, false));
  return add_pair(plan, node, node->inputs[0], w, node->outputs[0], run_conv, p);
}

static nsc_status lower_qlinear_conv(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 8));
  uint32_t w = node->inputs[3], input, integers;
  nsc_shape x_shape = plan->values[node->inputs[0]].shape, w_shape = plan->values[w].shape;
  conv_params p = {0};
  NSC_TRY(nsc_conv_geometry_read(plan, node, &x_shape, &w_shape, &p.g));
  size_t outputs = p.g.groups * p.g.group_out;
  numbers n;
  NSC_TRY(read_numbers(plan, node, 0, outputs, &n));
  NSC_TRY(read_bias(plan, node, nsc_node_input(node, 8), outputs, &n.f.bias));
  const int8_t *weights;
  const float *weight_scale;
  NSC_TRY(nsc_quant_weights(plan, w, n.w.zero, n.w.channels, &weights));
  NSC_TRY(nsc_quant_spread(plan, n.w.scale, n.w.channels, outputs, &weight_scale));
  nsc_quant_scales s = scales_of(&n, weight_scale, n.f.bias);
  if (!weights || !nsc_quant_scales_fit(&s, outputs) || !nsc_quant_weights_fit(&p.g, weights) ||
      nsc_plan_is_constant(plan, node->inputs[0])) {
    p.x = n.x_side;
    p.w = n.w_side;
    p.f = n.f;
    return add_plain_conv(plan, node, w, &p, n.y.type);
  }
  nsc_shape shape = nsc_conv_output_shape(&p.g, x_shape.dims[0]);
  NSC_TRY(nsc_quant_signed(plan, node, node->inputs[0], &input));
  NSC_TRY(nsc_plan_layout(plan, input, true, &input));
  NSC_TRY(nsc_quant_begin(plan, node->outputs[0], n.y.type, &shape, true, &integers));
  NSC_TRY(nsc_quant_conv(plan, node, &p.g, &s, weights, input, integers));
  return nsc_quant_finish(plan, node, node->outputs[0], integers);
}

static nsc_status lower_conv_integer(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  uint32_t x = node->inputs[0], w = node->inputs[1];
  nsc_shape x_shape = plan->values[x].shape, w_shape = plan->values[w].shape;
  conv_params p = {.f = {.whole = true}};
  NSC_TRY(nsc_conv_geometry_read(plan, node, &x_shape, &w_shape, &p.g));
  NSC_TRY(read_side(plan, node, x, nsc_node_input(node, 2), 1, &p.x));
  NSC_TRY(read_side(plan, node, w, nsc_node_input(node, 3), p.g.groups * p.g.group_out, &p.w));
  return add_plain_conv(plan, node, w, &p, NSC_TYPE_I32);
}

/* Sizes of a product of two tensors of at least two dimensions, with broadcasting. */
static nsc_status matmul_shape(nsc_plan *plan, const nsc_node *node, uint32_t a, uint32_t b, matmul_params *p) {
  nsc_shape sa = plan->values[a].shape, sb = plan->values[b].shape;
  uint32_t rank = sa.rank > sb.rank ? sa.rank : sb.rank;
  char ta[96], tb[96];
  nsc_shape pa = nsc_shape_pad_front(&sa, rank), pb = nsc_shape_pad_front(&sb, rank), la = pa, lb = pb;
  la.rank = lb.rank = rank < 2 ? 0 : rank - 2;
  if (sa.rank < 2 || sb.rank < 2 || pa.dims[rank - 1] != pb.dims[rank - 2] ||
      !nsc_shape_broadcast(&la, &lb, &p->shape)) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s times %s does not fit", nsc_shape_text(&sa, ta),
                         nsc_shape_text(&sb, tb));
  }
  p->m = (size_t)pa.dims[rank - 2];
  p->k = (size_t)pa.dims[rank - 1];
  p->n = (size_t)pb.dims[rank - 1];
  nsc_shape_strides(&pa, p->a_strides);
  nsc_shape_strides(&pb, p->b_strides);
  for (uint32_t d = 0; d + 2 < rank; d++) {
    if (pa.dims[d] == 1) p->a_strides[d] = 0;
    if (pb.dims[d] == 1) p->b_strides[d] = 0;
  }
  p->shape.dims[rank - 2] = pa.dims[rank - 2];
  p->shape.dims[rank - 1] = pb.dims[rank - 1];
  p->shape.rank = rank;
  return NSC_OK;
}

static nsc_status lower_qlinear_matmul(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 8));
  uint32_t a = node->inputs[0], b = node->inputs[3], input, integers;
  matmul_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(matmul_shape(plan, node, a, b, p));
  numbers n;
  NSC_TRY(read_numbers(plan, node, -1, p->n, &n));
  p->a = n.x_side;
  p->b = n.w_side;
  p->f = n.f;
  const int8_t *weights;
  const float *weight_scale;
  NSC_TRY(nsc_quant_weights(plan, b, n.w.zero, n.w.channels, &weights));
  NSC_TRY(nsc_quant_spread(plan, n.w.scale, n.w.channels, p->n, &weight_scale));
  nsc_quant_scales s = scales_of(&n, weight_scale, NULL);
  size_t rows = nsc_shape_product(&p->shape, 0, p->shape.rank - 1);
  bool fits = weights && plan->values[b].shape.rank == 2 && rows && p->k && p->n && nsc_quant_scales_fit(&s, p->n);
  if (!fits || nsc_plan_is_constant(plan, a)) {
    NSC_TRY(nsc_plan_define(plan, node->outputs[0], n.y.type, &p->shape, false));
    return add_pair(plan, node, a, b, node->outputs[0], run_matmul, p);
  }
  const nsc_quant_dense_shape d = {rows, p->k, p->n, true};
  NSC_TRY(nsc_quant_signed(plan, node, a, &input));
  NSC_TRY(nsc_plan_layout(plan, input, false, &input));
  NSC_TRY(nsc_quant_begin(plan, node->outputs[0], n.y.type, &p->shape, false, &integers));
  NSC_TRY(nsc_quant_dense(plan, node, &d, &s, weights, input, integers));
  return nsc_quant_finish(plan, node, node->outputs[0], integers);
}

static nsc_status lower_matmul_integer(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  matmul_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(matmul_shape(plan, node, node->inputs[0], node->inputs[1], p));
  NSC_TRY(read_side(plan, node, node->inputs[0], nsc_node_input(node, 2), 1, &p->a));
  NSC_TRY(read_side(plan, node, node->inputs[1], nsc_node_input(node, 3), p->n, &p->b));
  p->f.whole = true;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_I32, &p->shape, false));
  return add_pair(plan, node, node->inputs[0], node->inputs[1], node->outputs[0], run_matmul, p);
}

const nsc_operator nsc_integer_operators[] = {
    {"QLinearConv", lower_qlinear_conv},
    {"QLinearMatMul", lower_qlinear_matmul},
    {"ConvInteger", lower_conv_integer},
    {"MatMulInteger", lower_matmul_integer},
    {NULL, NULL},
};
