/*
 * QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear, for one scale or one a channel, as ONNX defines them:
 * division, rounding half to even, saturation. A QuantizeLinear behind integers with other parameters is a table of 256
 * bytes; one with the same parameters is nothing.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"
#include "nn/plan_private.h"
#include "nn/quant.h"

/* ---- the loops, one scale at a time ---- */

typedef struct channel_task {
  const void *in;
  void *out;
  nsc_type type; /* of the integers */
  float scale;
  int32_t zero;
} channel_task;

typedef struct loop_params {
  nsc_quant_params q;
  nsc_type type;
  size_t in_width, out_width; /* bytes of an element */
  pthreadpool_task_1d_tile_1d_t part;
} loop_params;

static void quantise_part(void *context, size_t from, size_t count) {
  const channel_task *t = context;
  const float *in = (const float *)t->in + from, scale = t->scale;
  int8_t *out = (int8_t *)t->out + from;
  int32_t zero = t->zero, low = t->type == NSC_TYPE_U8 ? 0 : -128;
  for (size_t i = 0; i < count; i++) out[i] = (int8_t)nsc_quant_value(in[i], scale, zero, low, low + 255);
}

static void restore_part(void *context, size_t from, size_t count) {
  const channel_task *t = context;
  float *out = (float *)t->out + from, scale = t->scale;
  int32_t zero = t->zero;
  if (t->type == NSC_TYPE_I8) {
    const int8_t *in = (const int8_t *)t->in + from;
    for (size_t i = 0; i < count; i++) out[i] = (float)(in[i] - zero) * scale;
  } else if (t->type == NSC_TYPE_U8) {
    const uint8_t *in = (const uint8_t *)t->in + from;
    for (size_t i = 0; i < count; i++) out[i] = (float)(in[i] - zero) * scale;
  } else {
    const int32_t *in = (const int32_t *)t->in + from;
    for (size_t i = 0; i < count; i++) out[i] = (float)((double)in[i] - zero) * scale;
  }
}

static void run_channels(nsc_step *step, pthreadpool_t pool) {
  const loop_params *p = step->params;
  const nsc_quant_params *q = &p->q;
  for (size_t o = 0; o < q->outer; o++) {
    for (uint32_t c = 0; c < q->channels; c++) {
      size_t first = (o * q->channels + c) * q->inner;
      channel_task task = {(const uint8_t *)step->in[0] + first * p->in_width,
                           (uint8_t *)step->out[0] + first * p->out_width, p->type, q->scale[c], q->zero[c]};
      pthreadpool_parallelize_1d_tile_1d(q->channels == 1 ? pool : NULL, p->part, &task, q->inner, 16384, 0);
    }
  }
}

static nsc_status add_channels(nsc_plan *plan, const nsc_node *node, const nsc_quant_params *q, uint32_t input,
                               uint32_t output) {
  nsc_type from = plan->values[input].type, to = plan->values[output].type;
  bool quantises = from == NSC_TYPE_F32;
  loop_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (loop_params){*q, quantises ? to : from, nsc_type_size(from), nsc_type_size(to),
                     quantises ? quantise_part : restore_part};
  return nsc_plan_add_loop(plan, node, quantises ? "Quantize" : "Dequantize", input, output, run_channels, p);
}

/* ---- floats to integers ---- */

/* Integers with other parameters: what each of the 256 bytes stands for, quantised anew. */
static nsc_status requantise(nsc_plan *plan, const nsc_node *node, const nsc_quant *from, float scale, int32_t zero,
                             uint32_t output) {
  int8_t table[256];
  for (int32_t i = -128; i < 128; i++) {
    float real = (float)(i - from->zero[0]) * from->scale[0];
    table[(uint8_t)i] = (int8_t)nsc_quant_value(real, scale, zero, -128, 127);
  }
  return nsc_quant_table(plan, node, "Requantize", from->source, output, table);
}

static nsc_status quantise_integers(nsc_plan *plan, const nsc_node *node, const nsc_quant *from,
                                    const nsc_quant_params *to) {
  uint32_t output = node->outputs[0], integers;
  nsc_shape shape = plan->values[from->source].shape;
  bool last = plan->values[from->source].channels_last;
  int32_t zero = to->zero[0] - (to->type == NSC_TYPE_U8 ? 128 : 0);
  if (from->scale[0] == to->scale[0] && from->zero[0] == zero) {
    if (to->type == NSC_TYPE_I8) return nsc_plan_alias(plan, output, from->source, &shape, last);
    NSC_TRY(nsc_plan_define(plan, output, to->type, &shape, last));
    return nsc_quant_finish(plan, node, output, from->source);
  }
  NSC_TRY(nsc_quant_begin(plan, output, to->type, &shape, last, &integers));
  NSC_TRY(requantise(plan, node, from, to->scale[0], zero, integers));
  return nsc_quant_finish(plan, node, output, integers);
}

typedef struct range_params {
  size_t count;
  float min, max;
} range_params;

static void run_range(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const range_params *p = step->params;
  const float *in = step->in[0];
  float *out = step->out[0];
  for (size_t i = 0; i < p->count; i++) {
    float x = in[i] > p->min ? in[i] : p->min;
    out[i] = x < p->max ? x : p->max;
  }
}

/* The range of the integers without their rounding, where floats are faster. */
static nsc_status lower_range(nsc_plan *plan, const nsc_node *node, float min, float max) {
  range_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  *p = (range_params){.min = min, .max = max};
  nsc_shape_count(&shape, &p->count);
  bool last = plan->values[node->inputs[0]].channels_last;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, last));
  return nsc_plan_add_loop(plan, node, "Range", node->inputs[0], node->outputs[0], run_range, p);
}

static nsc_status lower_quantise(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  uint32_t input = node->inputs[0], output = node->outputs[0], integers;
  if (plan->values[input].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s cannot be quantised",
                         nsc_type_name(plan->values[input].type));
  }
  bool is_range;
  float min, max;
  NSC_TRY(nsc_quant_range(plan, node, &is_range, &min, &max));
  if (is_range) return lower_range(plan, node, min, max);
  nsc_type type;
  NSC_TRY(nsc_quant_output_type(plan, node, &type));
  nsc_quant_params q;
  NSC_TRY(nsc_quant_params_read(plan, node, input, node->inputs[1], nsc_node_input(node, 2), type,
                                nsc_node_int(node, "axis", 1), &q));
  const nsc_quant *from = nsc_quant_of(plan, input);
  if (from && q.channels == 1) return quantise_integers(plan, node, from, &q);
  nsc_shape shape = plan->values[input].shape;
  bool last = plan->values[input].channels_last;
  if (q.channels > 1 || nsc_plan_is_constant(plan, input)) {
    NSC_TRY(nsc_plan_define(plan, output, type, &shape, last));
    return add_channels(plan, node, &q, input, output);
  }
  NSC_TRY(nsc_quant_begin(plan, output, type, &shape, last, &integers));
  if (type == NSC_TYPE_U8) {
    int32_t *zero;
    NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *zero, &zero));
    *zero = q.zero[0] - 128;
    q.zero = zero;
  }
  NSC_TRY(add_channels(plan, node, &q, input, integers));
  return nsc_quant_finish(plan, node, output, integers);
}

/* ---- integers to floats ---- */

nsc_status nsc_quant_real(nsc_plan *plan, const nsc_node *node, uint32_t output, uint32_t integers, float scale,
                          int32_t zero) {
  nsc_quant *quant;
  float *scales;
  int32_t *zeros;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *quant, &quant));
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *scales, &scales));
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *zeros, &zeros));
  *scales = scale;
  *zeros = zero;
  nsc_shape shape = plan->values[integers].shape;
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, plan->values[integers].channels_last));
  size_t count = 0;
  nsc_shape_count(&shape, &count);
  nsc_quant_params q = {NSC_TYPE_I8, 1, 1, count, scales, zeros};
  NSC_TRY(add_channels(plan, node, &q, integers, output));
  *quant = (nsc_quant){.source = integers, .channels = 1, .scale = scales, .zero = zeros};
  plan->values[output].quant = quant;
  return NSC_OK;
}

/* No step: the floats are made for whoever asks for them. */
static nsc_status restore_constant(nsc_plan *plan, uint32_t input, uint32_t output, const nsc_quant_params *q) {
  nsc_quant *quant;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *quant, &quant));
  *quant = (nsc_quant){input, true, q->channels, q->inner, q->scale, q->zero};
  nsc_shape shape = plan->values[input].shape;
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, false));
  plan->values[output].quant = quant;
  return NSC_OK;
}

static nsc_status lower_dequantise(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  uint32_t input = node->inputs[0], output = node->outputs[0], integers;
  const nsc_value *v = nsc_plan_value(plan, input);
  nsc_type type = v->type;
  bool constant = nsc_plan_is_constant(plan, input);
  if (type == NSC_TYPE_F32 && !constant && plan->integers == NSC_INTEGERS_NEVER) { /* a range: see nsc_quant_range */
    nsc_shape shape = v->shape;
    return nsc_plan_alias(plan, output, input, &shape, v->channels_last);
  }
  if (v->proto && !nsc_type_from_onnx(v->proto->onnx_type, &type)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported",
                         nsc_onnx_type_name(v->proto->onnx_type));
  }
  if (type != NSC_TYPE_U8 && type != NSC_TYPE_I8 && type != NSC_TYPE_I32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", nsc_type_name(type));
  }
  nsc_quant_params q;
  NSC_TRY(nsc_quant_params_read(plan, node, input, node->inputs[1], nsc_node_input(node, 2), type,
                                nsc_node_int(node, "axis", 1), &q));
  v = nsc_plan_value(plan, input);
  if (constant && !v->channels_last) return restore_constant(plan, input, output, &q);
  if (!constant && q.channels == 1 && type != NSC_TYPE_I32) {
    NSC_TRY(nsc_quant_signed(plan, node, input, &integers));
    return nsc_quant_real(plan, node, output, integers, q.scale[0], q.zero[0] - (type == NSC_TYPE_U8 ? 128 : 0));
  }
  nsc_shape shape = v->shape;
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, v->channels_last));
  return add_channels(plan, node, &q, input, output);
}

/* ---- DynamicQuantizeLinear: uint8, with the range of the data, which always holds zero ---- */

static void run_dynamic(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  size_t count = *(const size_t *)step->params;
  const float *in = step->in[0];
  float low = 0, high = 0;
  for (size_t i = 0; i < count; i++) {
    low = in[i] < low ? in[i] : low;
    high = in[i] > high ? in[i] : high;
  }
  float scale = (high - low) / 255.0f;
  /* All zero, or not finite: any scale will do for the one, none for the other. */
  if (!(scale > 0) || isinf(scale)) scale = 1;
  int32_t zero = nsc_quant_value(0.0f - low, scale, 0, 0, 255);
  uint8_t *out = step->out[0];
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)nsc_quant_value(in[i], scale, zero, 0, 255);
  *(float *)step->out[1] = scale;
  *(uint8_t *)step->out[2] = (uint8_t)zero;
}

static nsc_status lower_dynamic(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input = node->inputs[0];
  if (plan->values[input].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only float32 is supported");
  }
  nsc_shape shape = plan->values[input].shape, scalar = {0};
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "DynamicQuantize", 1, 3, &step));
  static const nsc_type types[] = {NSC_TYPE_U8, NSC_TYPE_F32, NSC_TYPE_U8};
  for (uint32_t i = 0; i < 3; i++) {
    const nsc_shape *s = i ? &scalar : &shape;
    bool last = i == 0 && plan->values[input].channels_last;
    if (i < node->output_count && node->outputs[i] != NSC_NO_VALUE) {
      step->outputs[i] = node->outputs[i];
      NSC_TRY(nsc_plan_define(plan, node->outputs[i], types[i], s, last));
    } else {
      NSC_TRY(nsc_plan_temporary(plan, types[i], s, last, &step->outputs[i]));
    }
  }
  size_t *count;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *count, &count));
  nsc_shape_count(&shape, count);
  step->inputs[0] = input;
  step->run = run_dynamic;
  step->params = count;
  return NSC_OK;
}

const nsc_operator nsc_quant_operators[] = {
    {"QuantizeLinear", lower_quantise},
    {"DequantizeLinear", lower_dequantise},
    {"DynamicQuantizeLinear", lower_dynamic},
    {NULL, NULL},
};
