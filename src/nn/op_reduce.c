/*
 * ReduceMean, ReduceSum and relatives. A mean or sum over height and width of a channels-last
 * tensor, which is how exporters write global pooling, runs on XNNPACK; everything else on one loop.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"

typedef enum kind { MEAN, SUM, MAX, MIN, PROD, L1, L2, SUM_SQUARE, LOG_SUM, LOG_SUM_EXP } kind;

static const struct {
  const char *op;
  kind kind;
} table[] = {
    {"ReduceMean", MEAN},      {"ReduceSum", SUM},
    {"ReduceMax", MAX},        {"ReduceMin", MIN},
    {"ReduceProd", PROD},      {"ReduceL1", L1},
    {"ReduceL2", L2},          {"ReduceSumSquare", SUM_SQUARE},
    {"ReduceLogSum", LOG_SUM}, {"ReduceLogSumExp", LOG_SUM_EXP},
};

typedef struct reduce_params {
  kind kind;
  nsc_type type;
  nsc_shape kept, reduced; /* sizes of the dimensions that stay and that go */
  int64_t kept_strides[NSC_MAX_RANK], reduced_strides[NSC_MAX_RANK];
} reduce_params;

static bool advance(const nsc_shape *shape, const int64_t *strides, int64_t *index, int64_t *at) {
  for (uint32_t d = shape->rank; d-- > 0;) {
    *at += strides[d];
    if (++index[d] < shape->dims[d]) return true;
    *at -= strides[d] * shape->dims[d];
    index[d] = 0;
  }
  return false;
}

static double combine(kind k, double sum, double x) {
  switch (k) {
    case MAX:
      return x > sum ? x : sum;
    case MIN:
      return x < sum ? x : sum;
    case PROD:
      return sum * x;
    case L1:
      return sum + fabs(x);
    case L2:
    case SUM_SQUARE:
      return sum + x * x;
    default:
      return sum + x;
  }
}

static double reduce_one(const reduce_params *p, const void *in, int64_t base) {
  int64_t index[NSC_MAX_RANK] = {0}, at = base;
  size_t count = nsc_shape_product(&p->reduced, 0, p->reduced.rank);
  double sum = p->kind == MAX || p->kind == LOG_SUM_EXP ? -INFINITY
               : p->kind == MIN                         ? INFINITY
               : p->kind == PROD                        ? 1
                                                        : 0;
  kind first = p->kind == LOG_SUM_EXP ? MAX : p->kind;
  if (count == 0) return p->kind == MEAN ? NAN : sum;
  do {
    sum = combine(first, sum, nsc_element_real(in, at, p->type));
  } while (advance(&p->reduced, p->reduced_strides, index, &at));
  if (p->kind == MEAN) return sum / (double)count;
  if (p->kind == L2) return sqrt(sum);
  if (p->kind == LOG_SUM) return log(sum);
  if (p->kind != LOG_SUM_EXP) return sum;
  double max = sum, exps = 0;
  at = base;
  do {
    exps += exp(nsc_element_real(in, at, p->type) - max);
  } while (advance(&p->reduced, p->reduced_strides, index, &at));
  return max + log(exps);
}

static void run_reduce(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const reduce_params *p = step->params;
  size_t count = nsc_shape_product(&p->kept, 0, p->kept.rank);
  int64_t index[NSC_MAX_RANK] = {0}, at = 0;
  for (size_t i = 0; i < count; i++) {
    double value = reduce_one(p, step->in[0], at);
    if (p->type == NSC_TYPE_F32) {
      ((float *)step->out[0])[i] = (float)value;
    } else if (p->type == NSC_TYPE_F64) {
      ((double *)step->out[0])[i] = value;
    } else if (p->type == NSC_TYPE_BOOL) {
      ((uint8_t *)step->out[0])[i] = value > 0;
    } else if (p->type == NSC_TYPE_I64) {
      ((int64_t *)step->out[0])[i] = fabs(value) < 9e18 ? (int64_t)value : 0;
    } else {
      ((int32_t *)step->out[0])[i] = fabs(value) < 2e9 ? (int32_t)value : 0;
    }
    advance(&p->kept, p->kept_strides, index, &at);
  }
}

/* No workspace: XNNPACK takes one as a sign that the sum needs converting, which float32 sums do not. */
static enum xnn_status setup_reduce(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_reduce_nd(step->op, NULL, step->in[0], step->out[0]);
}

/* Mean or sum over all pixels of N, H, W, C. */
static nsc_status add_spatial(nsc_plan *plan, const nsc_node *node, kind k, uint32_t input, bool keep) {
  nsc_shape s = plan->values[input].shape, out = s;
  size_t dims[3] = {(size_t)s.dims[0], nsc_shape_product(&s, 2, s.rank), (size_t)s.dims[1]}, workspace, alignment;
  for (uint32_t i = 2; i < s.rank; i++) out.dims[i] = 1;
  if (!keep) out.rank = 2;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &out, keep));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = node->outputs[0];
  step->setup = setup_reduce;
  int64_t axis = 1;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_reduce_nd(k == MEAN ? xnn_reduce_mean : xnn_reduce_sum, xnn_datatype_fp32, NULL, NULL, 0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_reduce_nd(step->op, 1, &axis, 3, dims, &workspace, &alignment, plan->pool));
}

/* Mean or sum over any axes of a tensor in ONNX's order. */
static nsc_status add_xnn_reduce(nsc_plan *plan, const nsc_node *node, kind k, uint32_t input, const bool *gone) {
  nsc_shape s = plan->values[input].shape;
  size_t dims[NSC_MAX_RANK], workspace, alignment, axis_count = 0;
  int64_t axes[NSC_MAX_RANK];
  for (uint32_t i = 0; i < s.rank; i++) {
    dims[i] = (size_t)s.dims[i];
    if (gone[i]) axes[axis_count++] = i;
  }
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = node->outputs[0];
  step->setup = setup_reduce;
  enum xnn_reduce_operator op = k == MEAN ? xnn_reduce_mean : xnn_reduce_sum;
  NSC_TRY(nsc_plan_check(plan, node, xnn_create_reduce_nd(op, xnn_datatype_fp32, NULL, NULL, 0, &step->op)));
  return nsc_plan_check(
      plan, node, xnn_reshape_reduce_nd(step->op, axis_count, axes, s.rank, dims, &workspace, &alignment, plan->pool));
}

/* Which axes go: from the attribute (before opset 18, ReduceSum 13) or input 1; none named means all. */
static nsc_status read_axes(nsc_plan *plan, const nsc_node *node, uint32_t rank, bool *gone, bool *any) {
  int64_t axes[NSC_MAX_RANK];
  uint32_t count = 0, value = nsc_node_input(node, 1);
  const nsc_attribute *a = nsc_node_attribute(node, "axes");
  if (value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, value, "axes", axes, NSC_MAX_RANK, &count));
  } else if (a && a->kind == NSC_ATTRIBUTE_INTS && a->count <= NSC_MAX_RANK) {
    count = a->count;
    if (count) memcpy(axes, a->ints, count * sizeof *axes);
  }
  *any = count > 0;
  for (uint32_t i = 0; i < rank; i++) gone[i] = count == 0;
  for (uint32_t i = 0; i < count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axes are out of range");
    gone[axis] = true;
  }
  return NSC_OK;
}

static nsc_shape drop_axes(const nsc_shape *shape, const bool *gone, bool keep) {
  nsc_shape out = {0};
  for (uint32_t i = 0; i < shape->rank; i++) {
    if (!gone[i]) out.dims[out.rank++] = shape->dims[i];
    if (gone[i] && keep) out.dims[out.rank++] = 1;
  }
  return out;
}

static nsc_status lower_reduce(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input = node->inputs[0];
  nsc_shape shape = plan->values[input].shape;
  nsc_type type = plan->values[input].type;
  bool channels_last = plan->values[input].channels_last, keep = nsc_node_int(node, "keepdims", 1) != 0;
  size_t entry = 0;
  while (strcmp(table[entry].op, node->op) != 0) entry++;
  kind k = table[entry].kind;
  bool gone[NSC_MAX_RANK], any;
  NSC_TRY(read_axes(plan, node, shape.rank, gone, &any));
  if (!any && nsc_node_int(node, "noop_with_empty_axes", 0)) {
    return nsc_plan_alias(plan, node->outputs[0], input, &shape, channels_last);
  }
  bool logical = type == NSC_TYPE_BOOL && (k == MAX || k == MIN);
  if (type != NSC_TYPE_F32 && type != NSC_TYPE_I64 && type != NSC_TYPE_I32 && type != NSC_TYPE_F64 && !logical) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", nsc_type_name(type));
  }
  bool spatial = shape.rank >= 3 && !gone[0] && !gone[1];
  for (uint32_t i = 2; i < shape.rank; i++) spatial = spatial && gone[i];
  if (spatial && channels_last && (k == MEAN || k == SUM)) return add_spatial(plan, node, k, input, keep);

  NSC_TRY(nsc_plan_layout(plan, input, false, &input));
  nsc_shape out = drop_axes(&shape, gone, keep);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &out, false));
  bool some = false, empty = false;
  for (uint32_t i = 0; i < shape.rank; i++) {
    some = some || gone[i];
    empty = empty || shape.dims[i] == 0;
  }
  if (type == NSC_TYPE_F32 && k <= SUM && some && !empty && shape.rank <= XNN_MAX_TENSOR_DIMS) {
    return add_xnn_reduce(plan, node, k, input, gone);
  }
  reduce_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->kind = k;
  p->type = type;
  int64_t strides[NSC_MAX_RANK];
  nsc_shape_strides(&shape, strides);
  for (uint32_t i = 0; i < shape.rank; i++) {
    nsc_shape *to = gone[i] ? &p->reduced : &p->kept;
    (gone[i] ? p->reduced_strides : p->kept_strides)[to->rank] = strides[i];
    to->dims[to->rank++] = shape.dims[i];
  }
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_reduce, p);
}

const nsc_operator nsc_reduce_operators[] = {
    {"ReduceMean", lower_reduce},
    {"ReduceSum", lower_reduce},
    {"ReduceMax", lower_reduce},
    {"ReduceMin", lower_reduce},
    {"ReduceProd", lower_reduce},
    {"ReduceL1", lower_reduce},
    {"ReduceL2", lower_reduce},
    {"ReduceSumSquare", lower_reduce},
    {"ReduceLogSum", lower_reduce},
    {"ReduceLogSumExp", lower_reduce},
    {NULL, NULL},
};
