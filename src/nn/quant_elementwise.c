/*
 * Sums and products of int8 tensors on XNNPACK, and functions of one element: a table of 256 bytes, made by running the
 * float operator on all 256 values that the integers can stand for.
 */
#include <math.h>
#include <string.h>

#include "nn/quant.h"

/* ---- two tensors ---- */

typedef struct operand {
  uint32_t value; /* int8 */
  float scale;
  int32_t zero;
  nsc_shape physical;
} operand;

typedef struct sum_params {
  size_t count;
  float a, b, offset, min, max; /* in steps of the output */
} sum_params;

typedef struct sum_task {
  const sum_params *params;
  const int8_t *a, *b;
  int8_t *out;
} sum_task;

static void sum_part(void *context, size_t from, size_t count) {
  const sum_task *t = context;
  const sum_params p = *t->params;
  const int8_t *a = t->a + from, *b = t->b + from;
  int8_t *out = t->out + from;
  for (size_t i = 0; i < count; i++) {
    float v = (float)a[i] * p.a + (float)b[i] * p.b + p.offset;
    v = v > p.min ? v : p.min;
    v = v < p.max ? v : p.max;
    out[i] = (int8_t)nsc_quant_round(v);
  }
}

/* Sums with bounds, which XNNPACK's do not have. */
static void run_sum(nsc_step *step, pthreadpool_t pool) {
  const sum_params *p = step->params;
  sum_task task = {p, step->in[0], step->in[1], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, sum_part, &task, p->count, 16384, 0);
}

static enum xnn_status setup_binary(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_binary_elementwise_nd(step->op, step->in[0], step->in[1], step->out[0]);
}

static bool ratio_fits(float ratio, float low, float high) {
  return ratio >= low && ratio < high;
}

/* XNNPACK's limits: binary-elementwise-nd.c, microparams-init.c. */
static bool xnn_fits(enum xnn_binary_operator kind, const operand *a, const operand *b, float scale) {
  if (kind == xnn_binary_multiply) return ratio_fits(a->scale * b->scale / scale, 0x1p-16f, 0x1p8f);
  float larger = a->scale > b->scale ? a->scale : b->scale;
  return ratio_fits(larger / scale, 0x1p-10f, 0x1p8f) && ratio_fits(a->scale / scale, 0x1p-10f, 0x1p8f) &&
         ratio_fits(b->scale / scale, 0x1p-10f, 0x1p8f);
}

static nsc_status add_xnn(nsc_plan *plan, const nsc_node *node, enum xnn_binary_operator kind, const operand *a,
                          const operand *b, const nsc_quant_target *t, nsc_step *step) {
  struct xnn_quantization_params qa = {a->zero, a->scale}, qb = {b->zero, b->scale}, qt = {t->zero, t->scale};
  size_t da[NSC_MAX_RANK], db[NSC_MAX_RANK], rank = a->physical.rank;
  for (size_t i = 0; i < rank; i++) {
    da[i] = (size_t)a->physical.dims[i];
    db[i] = (size_t)b->physical.dims[i];
  }
  step->setup = setup_binary;
  NSC_TRY(nsc_plan_check(plan, node,
                         xnn_create_binary_elementwise_nd(kind, xnn_datatype_qint8, &qa, &qb, &qt, 0, &step->op)));
  return nsc_plan_check(plan, node, xnn_reshape_binary_elementwise_nd(step->op, rank, da, rank, db, plan->pool));
}

static nsc_status add_sum(nsc_plan *plan, bool minus, const operand *a, const operand *b, const nsc_quant_target *t,
                          nsc_step *step) {
  sum_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->count = nsc_shape_product(&a->physical, 0, a->physical.rank);
  p->a = a->scale / t->scale;
  p->b = (minus ? -b->scale : b->scale) / t->scale;
  p->offset = (float)t->zero - (float)a->zero * p->a - (float)b->zero * p->b;
  p->min = (float)t->min;
  p->max = (float)t->max;
  step->run = run_sum;
  step->params = p;
  return NSC_OK;
}

static nsc_status make_operand(nsc_plan *plan, const nsc_quant *q, bool channels_last, operand *out) {
  out->scale = q->scale[0];
  out->zero = q->zero[0];
  NSC_TRY(nsc_plan_layout(plan, q->source, channels_last, &out->value));
  out->physical = nsc_value_physical(nsc_plan_value(plan, out->value));
  return NSC_OK;
}

nsc_status nsc_quant_lower_binary(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *qa = nsc_quant_of(plan, node->inputs[0]), *qb = nsc_quant_of(plan, nsc_node_input(node, 1));
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, node->outputs[0], true, &t));
  if (!qa || !qb || !t.found || node->input_count != 2) return NSC_OK;
  const nsc_value *va = nsc_plan_value(plan, qa->source), *vb = nsc_plan_value(plan, qb->source);
  nsc_shape shape;
  size_t count = 0;
  if (va->shape.rank != vb->shape.rank || va->shape.rank > XNN_MAX_TENSOR_DIMS ||
      !nsc_shape_broadcast(&va->shape, &vb->shape, &shape) || !nsc_shape_count(&shape, &count) || count == 0) {
    return NSC_OK;
  }
  enum xnn_binary_operator kind = node->op[0] == 'A'   ? xnn_binary_add
                                  : node->op[0] == 'S' ? xnn_binary_subtract
                                                       : xnn_binary_multiply;
  bool equal = nsc_shape_equal(&va->shape, &vb->shape), bounded = t.min > -128 || t.max < 127;
  bool last = va->channels_last || vb->channels_last;
  operand a = {.scale = qa->scale[0]}, b = {.scale = qb->scale[0]};
  bool xnn = !bounded && xnn_fits(kind, &a, &b, t.scale);
  if (!xnn && (kind == xnn_binary_multiply || !equal)) return NSC_OK;
  *done = true;
  NSC_TRY(make_operand(plan, qa, last, &a));
  NSC_TRY(make_operand(plan, qb, last, &b));
  uint32_t integers;
  NSC_TRY(nsc_quant_target_take(plan, &t, &shape, last, &integers));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, kind == xnn_binary_multiply ? "Mul int8" : "Add int8", 2, 1, &step));
  step->inputs[0] = a.value;
  step->inputs[1] = b.value;
  step->outputs[0] = integers;
  if (xnn) {
    NSC_TRY(add_xnn(plan, node, kind, &a, &b, &t, step));
  } else {
    NSC_TRY(add_sum(plan, kind == xnn_binary_subtract, &a, &b, &t, step));
  }
  return nsc_quant_target_finish(plan, node, &t, integers);
}

/* ---- one element ---- */

/* What the node makes of all the values that q's integers can stand for. */
static nsc_status run_on_all(nsc_plan *plan, const nsc_node *node, const nsc_quant *q, const float **out) {
  float reals[256];
  for (int32_t i = -128; i < 128; i++) reals[(uint8_t)i] = (float)(i - q->zero[0]) * q->scale[0];
  const nsc_shape shape = {1, {256}};
  uint32_t input, output;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &shape, false, &input));
  NSC_TRY(nsc_plan_define_constant(plan, input, NSC_TYPE_F32, &shape, reals));
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &shape, false, &output));
  nsc_node same = *node;
  NSC_TRY(nsc_plan_scratch(plan, node->input_count, sizeof *same.inputs, &same.inputs));
  memcpy(same.inputs, node->inputs, node->input_count * sizeof *same.inputs);
  same.inputs[0] = input;
  same.outputs = &output;
  same.output_count = 1;
  uint32_t first = plan->step_count;
  NSC_TRY(nsc_find_operator(node->op)(plan, &same));
  NSC_TRY(nsc_plan_fold(plan, node, first));
  return nsc_plan_floats(plan, node, output, "the table", out);
}

nsc_status nsc_quant_lower_unary(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *q = nsc_quant_of(plan, node->inputs[0]);
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, node->outputs[0], false, &t));
  if (!t.found) return NSC_OK;
  for (uint32_t i = 1; i < node->input_count; i++) {
    if (node->inputs[i] != NSC_NO_VALUE && !nsc_plan_is_constant(plan, node->inputs[i])) return NSC_OK;
  }
  *done = true;
  const float *reals;
  NSC_TRY(run_on_all(plan, node, q, &reals));
  int8_t table[256];
  bool same = true;
  for (int32_t i = -128; i < 128; i++) {
    int32_t value = nsc_quant_value(reals[(uint8_t)i], t.scale, t.zero, -128, 127);
    table[(uint8_t)i] = (int8_t)value;
    same = same && value == i;
  }
  if (same) return nsc_quant_target_is(plan, node, &t, q->source);
  nsc_shape shape = plan->values[q->source].shape;
  uint32_t integers;
  NSC_TRY(nsc_quant_target_take(plan, &t, &shape, plan->values[q->source].channels_last, &integers));
  NSC_TRY(nsc_quant_table(plan, node, "Table int8", q->source, integers, table));
  return nsc_quant_target_finish(plan, node, &t, integers);
}
