/* The largest and the first: TopK, Hardmax, ArgMax, ArgMin. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/operators.h"

/* Elements along one axis: [outer][count][inner]. */
typedef struct lines {
  size_t outer, count, inner;
  nsc_type type;
} lines;

static nsc_status read_lines(nsc_plan *plan, const nsc_node *node, uint32_t input, int64_t axis, lines *out) {
  const nsc_shape *shape = &plan->values[input].shape;
  nsc_type type = plan->values[input].type;
  if (axis < 0) axis += shape->rank;
  if (axis < 0 || axis >= shape->rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  if (type != NSC_TYPE_F32 && type != NSC_TYPE_I64 && type != NSC_TYPE_I32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", nsc_type_name(type));
  }
  *out = (lines){nsc_shape_product(shape, 0, (uint32_t)axis), (size_t)shape->dims[axis],
                 nsc_shape_product(shape, (uint32_t)axis + 1, shape->rank), type};
  return NSC_OK;
}

static nsc_shape without_axis(const nsc_shape *shape, int64_t axis, bool keep) {
  nsc_shape out = {0};
  if (axis < 0) axis += shape->rank;
  for (uint32_t i = 0; i < shape->rank; i++) {
    if (i != (uint32_t)axis) out.dims[out.rank++] = shape->dims[i];
    if (i == (uint32_t)axis && keep) out.dims[out.rank++] = 1;
  }
  return out;
}

/* ---- ArgMax, ArgMin, Hardmax ---- */

typedef struct arg_params {
  lines l;
  bool min, last, one_hot; /* one_hot: Hardmax, a one at the place */
} arg_params;

static size_t best_of(const arg_params *p, const void *in, size_t base) {
  size_t best = 0;
  double top = nsc_element_real(in, (int64_t)base, p->l.type);
  for (size_t k = 1; k < p->l.count; k++) {
    double x = nsc_element_real(in, (int64_t)(base + k * p->l.inner), p->l.type);
    if (!((p->min ? x < top : x > top) || (p->last && x == top))) continue;
    best = k;
    top = x;
  }
  return best;
}

static void run_arg(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const arg_params *p = step->params;
  const lines *l = &p->l;
  for (size_t line = 0; line < l->outer * l->inner; line++) {
    size_t base = line / l->inner * l->count * l->inner + line % l->inner;
    size_t best = best_of(p, step->in[0], base);
    if (!p->one_hot) {
      ((int64_t *)step->out[0])[line] = (int64_t)best;
      continue;
    }
    for (size_t k = 0; k < l->count; k++) ((float *)step->out[0])[base + k * l->inner] = k == best ? 1.0f : 0.0f;
  }
}

static nsc_status lower_arg(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape;
  int64_t axis = nsc_node_int(node, "axis", 0);
  arg_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_lines(plan, node, input, axis, &p->l));
  if (p->l.count == 0) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "there is nothing along its axis");
  p->min = strcmp(node->op, "ArgMin") == 0;
  p->last = nsc_node_int(node, "select_last_index", 0) != 0;
  nsc_shape out = without_axis(&shape, axis, nsc_node_int(node, "keepdims", 1) != 0);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_I64, &out, false));
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_arg, p);
}

/* Before opset 13 everything from axis on is one vector, as for Softmax. */
static nsc_status lower_hardmax(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  bool flatten = plan->model->opset < 13;
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape;
  arg_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_lines(plan, node, input, nsc_node_int(node, "axis", flatten ? 1 : -1), &p->l));
  if (flatten) {
    p->l.count *= p->l.inner;
    p->l.inner = 1;
  }
  if (p->l.count == 0 || p->l.type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input is empty or no float32");
  }
  p->one_hot = true;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, false));
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_arg, p);
}

/* ---- TopK ---- */

typedef struct entry {
  double value;
  int64_t index;
} entry;

typedef struct top_params {
  lines l;
  size_t k;
  bool largest;
  entry *line; /* [count], the step's own */
} top_params;

/* The smaller index first where values are equal; not a number sorts behind everything. */
static int by_value(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->value < y->value) return -1;
  if (x->value > y->value) return 1;
  if (isnan(x->value) != isnan(y->value)) return isnan(x->value) ? 1 : -1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static void put(void *out, size_t at, nsc_type type, double value) {
  if (type == NSC_TYPE_F32) {
    ((float *)out)[at] = (float)value;
  } else if (type == NSC_TYPE_I64) {
    ((int64_t *)out)[at] = fabs(value) < 9e18 ? (int64_t)value : 0;
  } else {
    ((int32_t *)out)[at] = fabs(value) < 2147483648.0 ? (int32_t)value : 0;
  }
}

static void run_top(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const top_params *p = step->params;
  const lines *l = &p->l;
  double sign = p->largest ? -1 : 1; /* sorted upwards always */
  for (size_t line = 0; line < l->outer * l->inner; line++) {
    size_t o = line / l->inner, i = line % l->inner, from = o * l->count * l->inner + i, to = o * p->k * l->inner + i;
    for (size_t c = 0; c < l->count; c++) {
      p->line[c] = (entry){sign * nsc_element_real(step->in[0], (int64_t)(from + c * l->inner), l->type), (int64_t)c};
    }
    if (l->count) qsort(p->line, l->count, sizeof *p->line, by_value);
    for (size_t c = 0; c < p->k; c++) {
      put(step->out[0], to + c * l->inner, l->type, sign * p->line[c].value);
      ((int64_t *)step->out[1])[to + c * l->inner] = p->line[c].index;
    }
  }
}

static nsc_status lower_top(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input, count = 1, k_value = nsc_node_input(node, 1), outputs[2];
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape;
  int64_t axis = nsc_node_int(node, "axis", -1), k = nsc_node_int(node, "k", -1);
  if (k_value != NSC_NO_VALUE) NSC_TRY(nsc_plan_ints(plan, node, k_value, "K", &k, 1, &count));
  top_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_lines(plan, node, input, axis, &p->l));
  if (count != 1 || k < 0 || (uint64_t)k > p->l.count) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "K is not between 0 and the %zu elements", p->l.count);
  }
  p->k = (size_t)k;
  p->largest = nsc_node_int(node, "largest", 1) != 0;
  NSC_TRY(nsc_plan_alloc(plan, p->l.count, sizeof *p->line, &p->line));
  shape.dims[axis < 0 ? axis + shape.rank : axis] = k;
  for (uint32_t i = 0; i < 2; i++) {
    nsc_type type = i ? NSC_TYPE_I64 : p->l.type;
    outputs[i] = i < node->output_count ? node->outputs[i] : NSC_NO_VALUE;
    if (outputs[i] == NSC_NO_VALUE) {
      NSC_TRY(nsc_plan_temporary(plan, type, &shape, false, &outputs[i]));
    } else {
      NSC_TRY(nsc_plan_define(plan, outputs[i], type, &shape, false));
    }
  }
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, 1, 2, &step));
  step->inputs[0] = input;
  memcpy(step->outputs, outputs, sizeof outputs);
  step->run = run_top;
  step->params = p;
  return NSC_OK;
}

const nsc_operator nsc_top_operators[] = {
    {"ArgMax", lower_arg}, {"ArgMin", lower_arg}, {"Hardmax", lower_hardmax}, {"TopK", lower_top}, {NULL, NULL},
};
