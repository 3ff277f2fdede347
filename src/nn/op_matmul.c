/*
 * Gemm and MatMul. Constant right-hand sides become XNNPACK fully connected operators with packed weights; two computed
 * ones a batch matrix multiply.
 */
#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/op_parts.h"
#include "nn/operators.h"

static enum xnn_status setup_dense(nsc_step *step, void *workspace) {
  (void)workspace;
  size_t first = *(const size_t *)step->params;
  return xnn_setup_fully_connected_nc_f32(step->op, step->in[0], (float *)step->out[0] + first);
}

typedef struct dense {
  size_t rows, in, out;
  uint32_t value;       /* of the weights, [out][in], or [in][out] with transposed */
  const float *weights; /* NULL while they are read in parts */
  size_t part;          /* outputs whose weights are read at once, 0: all of them */
  bool transposed;
  const float *bias; /* [out] or NULL */
  const char *kind;
} dense;

static nsc_status read_weights(nsc_plan *plan, const nsc_node *node, dense *d, uint32_t input) {
  /* A constant is folded step by step, and each step would make its whole output anew. */
  if (!d->transposed && !nsc_plan_is_constant(plan, input)) d->part = nsc_plan_rows_at_once(plan, d->value);
  return d->part ? NSC_OK : nsc_plan_weights(plan, node, d->value, "B", &d->weights);
}

/* One operator for outputs [first, first + count). */
static nsc_status add_dense_part(nsc_plan *plan, const nsc_node *node, const dense *d, const float *weights,
                                 size_t first, size_t count, uint32_t input, uint32_t output, float min, float max) {
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, d->kind, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_dense;
  size_t *offset;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *offset, &offset));
  *offset = first;
  step->params = offset;
  nsc_plan_count(plan, step, (double)d->rows * (double)d->in * (double)count,
                 (uint64_t)count * (d->in + 1) * sizeof(float));
  nsc_plan_hold_dense(plan, step, d->in, count, NSC_FLOAT_PRODUCT);
  if (plan->counts) return NSC_OK;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_fully_connected_nc_f32(d->in, count, d->in, d->out, weights, d->bias ? d->bias + first : NULL, min,
                                        max, d->transposed ? XNN_FLAG_TRANSPOSE_WEIGHTS : 0, NULL, NULL, &step->op)));
  return nsc_plan_check(plan, node, xnn_reshape_fully_connected_nc_f32(step->op, d->rows, plan->pool));
}

static nsc_status add_dense(nsc_plan *plan, const nsc_node *node, const dense *d, uint32_t input, uint32_t output,
                            float min, float max) {
  if (d->in == 0 || d->out == 0 || d->rows == 0)
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "an empty input is not supported");
  if (!d->part) return add_dense_part(plan, node, d, d->weights, 0, d->out, input, output, min, max);
  for (size_t first = 0; first < d->out; first += d->part) {
    size_t count = d->out - first < d->part ? d->out - first : d->part;
    const float *weights;
    NSC_TRY(nsc_plan_weight_rows(plan, d->value, first, count, &weights));
    NSC_TRY(add_dense_part(plan, node, d, weights, first, count, input, output, min, max));
  }
  return NSC_OK;
}

static nsc_status need_floats(nsc_plan *plan, const nsc_node *node, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (plan->values[node->inputs[i]].type != NSC_TYPE_F32) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only float32 is supported");
    }
  }
  return NSC_OK;
}

/* ---- batch matrix multiply of two computed tensors ---- */

static enum xnn_status setup_batch(nsc_step *step, void *workspace) {
  return xnn_setup_batch_matrix_multiply_nc_f32(step->op, workspace, step->in[0], step->in[1], step->out[0]);
}

nsc_status nsc_plan_add_product(nsc_plan *plan, const nsc_node *node, uint32_t a, uint32_t b, const nsc_shape *sa,
                                const nsc_shape *sb, bool transpose_b, uint32_t output) {
  uint32_t rank = sa->rank;
  size_t batch_a[NSC_MAX_RANK], batch_b[NSC_MAX_RANK], alignment;
  for (uint32_t i = 0; i + 2 < rank; i++) {
    batch_a[i] = (size_t)sa->dims[i];
    batch_b[i] = (size_t)sb->dims[i];
  }
  size_t m = (size_t)sa->dims[rank - 2], k = (size_t)sa->dims[rank - 1],
         n = (size_t)sb->dims[transpose_b ? rank - 2 : rank - 1];
  NSC_TRY(nsc_plan_layout(plan, a, false, &a));
  NSC_TRY(nsc_plan_layout(plan, b, false, &b));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "MatMul", 2, 1, &step));
  step->inputs[0] = a;
  step->inputs[1] = b;
  step->outputs[0] = output;
  step->setup = setup_batch;
  NSC_TRY(nsc_plan_check(plan, node,
                         xnn_create_batch_matrix_multiply_nc_f32(transpose_b ? XNN_FLAG_TRANSPOSE_B : 0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_batch_matrix_multiply_nc_f32(step->op, rank - 2, batch_a, batch_b, m, k, n,
                                                                 &step->workspace, &alignment, plan->pool));
}

/* ---- MatMul (numpy.matmul) ---- */

static nsc_status matmul_shape(nsc_plan *plan, const nsc_node *node, const nsc_shape *a, const nsc_shape *b,
                               nsc_shape *pa, nsc_shape *pb, nsc_shape *full, nsc_shape *out) {
  char ta[96], tb[96];
  if (a->rank == 0 || b->rank == 0) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "a scalar cannot be multiplied");
  nsc_shape b2 = b->rank == 1 ? (nsc_shape){2, {b->dims[0], 1}} : *b;
  uint32_t rank = a->rank > b2.rank ? a->rank : b2.rank;
  if (rank < 2) rank = 2;
  *pa = nsc_shape_pad_front(a, rank);
  *pb = nsc_shape_pad_front(&b2, rank);
  nsc_shape batch_a = *pa, batch_b = *pb;
  batch_a.rank = batch_b.rank = rank - 2;
  if (pa->dims[rank - 1] != pb->dims[rank - 2] || !nsc_shape_broadcast(&batch_a, &batch_b, full)) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s times %s does not fit", nsc_shape_text(a, ta),
                         nsc_shape_text(b, tb));
  }
  full->rank = rank;
  full->dims[rank - 2] = pa->dims[rank - 2];
  full->dims[rank - 1] = pb->dims[rank - 1];
  *out = *full;
  if (b->rank == 1) out->rank--;
  if (a->rank == 1) { /* drop the row that was added in front of a vector */
    uint32_t last = out->rank - 1;
    if (b->rank == 1) {
      out->rank--;
    } else {
      out->dims[last - 1] = out->dims[last];
      out->rank--;
    }
  }
  return NSC_OK;
}

/* Linear layers of more than two dimensions are exported as MatMul and Add: a constant row that follows is the bias. */
static nsc_status take_bias(nsc_plan *plan, uint32_t *output, size_t columns, const float **bias) {
  const nsc_node *next = nsc_plan_next(plan, *output);
  if (!next || next->domain[0] || strcmp(next->op, "Add") != 0 || next->input_count != 2 || next->output_count != 1 ||
      next->outputs[0] == NSC_NO_VALUE) {
    return NSC_OK;
  }
  uint32_t other = next->inputs[next->inputs[0] == *output];
  if (other == NSC_NO_VALUE || other == *output || !nsc_plan_is_constant(plan, other)) return NSC_OK;
  const nsc_value *v = nsc_plan_value(plan, other);
  if (v->type != NSC_TYPE_F32 || v->shape.rank != 1 || v->shape.dims[0] != (int64_t)columns || columns == 0) {
    return NSC_OK;
  }
  NSC_TRY(nsc_plan_floats(plan, next, other, "B", bias));
  nsc_plan_take(plan, next);
  *output = next->outputs[0];
  return NSC_OK;
}

static nsc_status lower_matmul(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  NSC_TRY(need_floats(plan, node, 2));
  uint32_t a = node->inputs[0], b = node->inputs[1];
  nsc_shape sa = plan->values[a].shape, sb = plan->values[b].shape, pa, pb, full, out;
  NSC_TRY(matmul_shape(plan, node, &sa, &sb, &pa, &pb, &full, &out));
  if (nsc_plan_is_constant(plan, b) && sb.rank == 2) {
    dense d = {.in = (size_t)sb.dims[0], .out = (size_t)sb.dims[1], .value = b, .transposed = true, .kind = "Dense"};
    d.rows = nsc_shape_product(&sa, 0, sa.rank - 1);
    NSC_TRY(read_weights(plan, node, &d, a));
    uint32_t output = node->outputs[0], input;
    float min, max;
    NSC_TRY(take_bias(plan, &output, d.out, &d.bias));
    NSC_TRY(nsc_plan_take_clamp(plan, &output, &min, &max));
    NSC_TRY(nsc_plan_layout(plan, a, false, &input));
    NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &out, false));
    return add_dense(plan, node, &d, input, output, min, max);
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &out, false));
  return nsc_plan_add_product(plan, node, a, b, &pa, &pb, false, node->outputs[0]);
}

/* ---- Gemm: alpha * A' * B' + beta * C ---- */

typedef struct gemm_bias_params {
  nsc_shape shape;    /* of the output */
  int64_t strides[2]; /* of C */
  float alpha, beta;
  bool has_c;
} gemm_bias_params;

static void run_gemm_bias(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const gemm_bias_params *p = step->params;
  const float *x = step->in[0], *c = p->has_c ? step->in[1] : NULL;
  float *out = step->out[0];
  for (int64_t i = 0; i < p->shape.dims[0]; i++) {
    for (int64_t j = 0; j < p->shape.dims[1]; j++, x++, out++) {
      *out = p->alpha * *x + (c ? p->beta * c[i * p->strides[0] + j * p->strides[1]] : 0.0f);
    }
  }
}

/* A bias that is one value per output column, scaled; NULL in *out when C has another form. */
static nsc_status column_bias(nsc_plan *plan, const nsc_node *node, uint32_t c, size_t columns, float beta,
                              const float **out) {
  const nsc_shape *shape = &plan->values[c].shape;
  size_t count = 0;
  nsc_shape_count(shape, &count);
  bool row = (shape->rank == 1 || (shape->rank == 2 && shape->dims[0] == 1) || shape->rank == 0) &&
             (count == columns || count == 1);
  *out = NULL;
  if (!row || !nsc_plan_is_constant(plan, c)) return NSC_OK;
  const float *values;
  float *scaled;
  NSC_TRY(nsc_plan_floats(plan, node, c, "C", &values));
  NSC_TRY(nsc_plan_scratch(plan, columns, sizeof *scaled, &scaled));
  for (size_t i = 0; i < columns; i++) scaled[i] = beta * values[count == 1 ? 0 : i];
  *out = scaled;
  return NSC_OK;
}

static nsc_status add_gemm_bias(nsc_plan *plan, const nsc_node *node, uint32_t product, uint32_t c,
                                const nsc_shape *shape, float alpha, float beta, uint32_t output) {
  gemm_bias_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = (gemm_bias_params){.shape = *shape, .alpha = alpha, .beta = beta, .has_c = c != NSC_NO_VALUE};
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "GemmBias", params->has_c ? 2 : 1, 1, &step));
  step->inputs[0] = product;
  step->outputs[0] = output;
  step->run = run_gemm_bias;
  step->params = params;
  if (!params->has_c) return NSC_OK;
  nsc_shape broadcast, cs = plan->values[c].shape;
  if (cs.rank > 2 || !nsc_shape_broadcast(shape, &cs, &broadcast) || !nsc_shape_equal(&broadcast, shape)) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "C does not fit the product");
  }
  nsc_shape padded = nsc_shape_pad_front(&cs, 2);
  params->strides[1] = padded.dims[1] == 1 ? 0 : 1;
  params->strides[0] = padded.dims[0] == 1 ? 0 : padded.dims[1];
  step->inputs[1] = c;
  return NSC_OK;
}

static void run_transpose_2d(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  static const uint32_t swap[] = {1, 0};
  nsc_transpose(step->out[0], step->in[0], step->params, swap, sizeof(float));
}

static nsc_status transpose_matrix(nsc_plan *plan, const nsc_node *node, uint32_t *value) {
  nsc_shape *shape;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *shape, &shape));
  *shape = plan->values[*value].shape;
  nsc_shape turned = {2, {shape->dims[1], shape->dims[0]}};
  uint32_t out;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &turned, false, &out));
  NSC_TRY(nsc_plan_add_loop(plan, node, "Transpose", *value, out, run_transpose_2d, shape));
  *value = out;
  return NSC_OK;
}

static nsc_status lower_gemm(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  NSC_TRY(need_floats(plan, node, 2));
  uint32_t a = node->inputs[0], b = node->inputs[1], c = nsc_node_input(node, 2), output = node->outputs[0];
  if (plan->values[a].shape.rank != 2 || plan->values[b].shape.rank != 2) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "A and B must be matrices");
  }
  bool transpose_b = nsc_node_int(node, "transB", 0) != 0;
  float alpha = nsc_node_float(node, "alpha", 1), beta = nsc_node_float(node, "beta", 1);
  if (nsc_node_int(node, "transA", 0)) NSC_TRY(transpose_matrix(plan, node, &a));
  nsc_shape sa = plan->values[a].shape, sb = plan->values[b].shape;
  dense d = {.rows = (size_t)sa.dims[0], .in = (size_t)sa.dims[1], .transposed = !transpose_b, .kind = "Dense"};
  d.out = (size_t)sb.dims[transpose_b ? 0 : 1];
  if (sb.dims[transpose_b ? 1 : 0] != sa.dims[1]) {
    char ta[96], tb[96];
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s times %s does not fit", nsc_shape_text(&sa, ta),
                         nsc_shape_text(&sb, tb));
  }
  nsc_shape shape = {2, {sa.dims[0], (int64_t)d.out}};
  if (c != NSC_NO_VALUE) NSC_TRY(column_bias(plan, node, c, d.out, beta, &d.bias));
  bool biased = c == NSC_NO_VALUE || d.bias;
  if (biased && nsc_plan_is_constant(plan, b) && alpha == 1) {
    d.value = b;
    NSC_TRY(read_weights(plan, node, &d, a));
    float min, max;
    NSC_TRY(nsc_plan_take_clamp(plan, &output, &min, &max));
    if (min > -INFINITY || max < INFINITY) d.kind = "Dense+Clamp";
    NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, false));
    return add_dense(plan, node, &d, a, output, min, max);
  }
  uint32_t product = output;
  bool finish = c != NSC_NO_VALUE || alpha != 1;
  if (finish) {
    NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &shape, false, &product));
    NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, false));
  } else {
    NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, false));
  }
  NSC_TRY(nsc_plan_add_product(plan, node, a, b, &sa, &sb, transpose_b, product));
  return finish ? add_gemm_bias(plan, node, product, c, &shape, alpha, beta, output) : NSC_OK;
}

const nsc_operator nsc_matmul_operators[] = {
    {"Gemm", lower_gemm},
    {"MatMul", lower_matmul},
    {NULL, NULL},
};
