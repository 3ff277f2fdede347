/*
 * Functions of one tensor that is no float32, and those that answer with true or false: what graphs compute on shapes,
 * masks and float64. One plain loop.
 */
#include <math.h>
#include <string.h>

#include "nn/op_unary.h"
#include "nn/operators.h"

typedef enum function { RELU, CLIP, NEG, ABS, SIGN, FLOOR, CEIL, ROUND, SQRT, EXP, LOG, RECIPROCAL, ERF } function;

static const char *const names[] = {"Relu",  "Clip", "Neg", "Abs", "Sign",       "Floor", "Ceil",
                                    "Round", "Sqrt", "Exp", "Log", "Reciprocal", "Erf"};

typedef struct other_params {
  function f;
  nsc_type type;
  size_t count;
  int64_t low, high; /* of Clip, for integers */
  double real_low, real_high;
} other_params;

static double real_of(const other_params *p, double x) {
  switch (p->f) {
    case RELU:
      return x > 0 ? x : 0;
    case CLIP:
      return fmin(fmax(x, p->real_low), p->real_high);
    case NEG:
      return -x;
    case ABS:
      return fabs(x);
    case SIGN:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case FLOOR:
      return floor(x);
    case CEIL:
      return ceil(x);
    case ROUND:
      return rint(x);
    case SQRT:
      return sqrt(x);
    case EXP:
      return exp(x);
    case LOG:
      return log(x);
    case RECIPROCAL:
      return 1 / x;
    case ERF:
      return erf(x);
  }
  return x;
}

/* Wraps where the smallest number has no counterpart. */
static int64_t whole_of(const other_params *p, int64_t x) {
  int64_t negated = (int64_t)(0 - (uint64_t)x);
  switch (p->f) {
    case RELU:
      return x > 0 ? x : 0;
    case CLIP: {
      int64_t raised = x < p->low ? p->low : x;
      return raised > p->high ? p->high : raised;
    }
    case NEG:
      return negated;
    case ABS:
      return x < 0 ? negated : x;
    case SIGN:
      return (x > 0) - (x < 0);
    default:
      return x; /* rounding an integer */
  }
}

static int64_t get_whole(const void *data, size_t i, nsc_type type) {
  return type == NSC_TYPE_I64 ? ((const int64_t *)data)[i] : (int64_t)nsc_element_real(data, (int64_t)i, type);
}

static void run_other(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const other_params *p = step->params;
  void *out = step->out[0];
  for (size_t i = 0; i < p->count; i++) {
    if (p->type == NSC_TYPE_F64) {
      ((double *)out)[i] = real_of(p, ((const double *)step->in[0])[i]);
      continue;
    }
    int64_t value = whole_of(p, get_whole(step->in[0], i, p->type));
    if (p->type == NSC_TYPE_I64) {
      ((int64_t *)out)[i] = value;
    } else if (p->type == NSC_TYPE_I32) {
      ((int32_t *)out)[i] = (int32_t)value;
    } else {
      ((uint8_t *)out)[i] = (uint8_t)value; /* int8 as well: the same low byte */
    }
  }
}

static nsc_status read_bounds(nsc_plan *plan, const nsc_node *node, other_params *p) {
  p->low = INT64_MIN;
  p->high = INT64_MAX;
  p->real_low = -INFINITY;
  p->real_high = INFINITY;
  for (uint32_t i = 1; i <= 2; i++) {
    uint32_t value = nsc_node_input(node, i), count;
    int64_t whole;
    double real;
    if (value == NSC_NO_VALUE) continue;
    if (p->type == NSC_TYPE_F64) {
      const void *data;
      NSC_TRY(nsc_plan_elements(plan, node, value, "a bound", NSC_TYPE_F64, 1, &data));
      real = *(const double *)data;
      *(i == 1 ? &p->real_low : &p->real_high) = real;
    } else {
      NSC_TRY(nsc_plan_ints(plan, node, value, "a bound", &whole, 1, &count));
      if (count != 1) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "a bound has %u elements", count);
      *(i == 1 ? &p->low : &p->high) = whole;
    }
  }
  return NSC_OK;
}

nsc_status nsc_lower_other_unary(nsc_plan *plan, const nsc_node *node) {
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  nsc_type type = v->type;
  bool channels_last = v->channels_last;
  size_t f = 0;
  while (f < sizeof names / sizeof *names && strcmp(names[f], node->op) != 0) f++;
  bool whole = type != NSC_TYPE_F64 && f >= SQRT;
  if (f == sizeof names / sizeof *names || whole || type == NSC_TYPE_BOOL) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", nsc_type_name(type));
  }
  other_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (other_params){.f = (function)f, .type = type};
  nsc_shape_count(&shape, &p->count);
  if (f == CLIP) NSC_TRY(read_bounds(plan, node, p));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, channels_last));
  return nsc_plan_add_loop(plan, node, node->op, node->inputs[0], node->outputs[0], run_other, p);
}

/* ---- IsNaN, IsInf, Not, BitwiseNot ---- */

typedef struct ask_params {
  size_t count;
  bool nan, positive, negative;
} ask_params;

static void run_ask(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const ask_params *p = step->params;
  const float *in = step->in[0];
  uint8_t *out = step->out[0];
  for (size_t i = 0; i < p->count; i++) {
    out[i] = p->nan ? isnan(in[i]) != 0 : isinf(in[i]) && (in[i] > 0 ? p->positive : p->negative);
  }
}

static nsc_status lower_ask(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  bool channels_last = v->channels_last;
  if (v->type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported, only float32", nsc_type_name(v->type));
  }
  ask_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (ask_params){.nan = strcmp(node->op, "IsNaN") == 0,
                    .positive = nsc_node_int(node, "detect_positive", 1) != 0,
                    .negative = nsc_node_int(node, "detect_negative", 1) != 0};
  nsc_shape_count(&shape, &p->count);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_BOOL, &shape, channels_last));
  return nsc_plan_add_loop(plan, node, node->op, node->inputs[0], node->outputs[0], run_ask, p);
}

typedef struct not_params {
  size_t bytes;
  uint8_t mask; /* of a bool only the lowest bit turns */
} not_params;

static void run_not(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const not_params *p = step->params;
  const uint8_t *in = step->in[0];
  uint8_t *out = step->out[0];
  for (size_t i = 0; i < p->bytes; i++) out[i] = p->mask == 1 ? !in[i] : (uint8_t)~in[i];
}

static nsc_status lower_not(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  nsc_type type = v->type;
  bool logical = strcmp(node->op, "Not") == 0, real = type == NSC_TYPE_F32 || type == NSC_TYPE_F64;
  if (logical != (type == NSC_TYPE_BOOL) || real) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported", nsc_type_name(type));
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, v->channels_last));
  not_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  nsc_shape_count(&shape, &p->bytes);
  p->bytes *= nsc_type_size(type);
  p->mask = logical ? 1 : 0xFF;
  return nsc_plan_add_loop(plan, node, node->op, node->inputs[0], node->outputs[0], run_not, p);
}

const nsc_operator nsc_other_operators[] = {
    {"IsNaN", lower_ask}, {"IsInf", lower_ask}, {"Not", lower_not}, {"BitwiseNot", lower_not}, {NULL, NULL},
};
