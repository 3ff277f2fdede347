/*
 * Arithmetic and comparison of two tensors with ONNX's broadcasting. Float arithmetic runs on XNNPACK; integers,
 * comparisons and logic, which only shape computations need, run on one plain loop.
 */
#include <math.h>
#include <string.h>

#include "nn/op_unary.h"
#include "nn/operators.h"

typedef enum kind {
  ADD,
  SUB,
  MUL,
  DIV,
  MAX,
  MIN,
  PRELU,
  POW,
  MOD,
  FMOD,
  EQUAL,
  GREATER,
  LESS,
  GREATER_EQUAL,
  LESS_EQUAL,
  AND,
  OR,
  XOR,
  BIT_AND,
  BIT_OR,
  BIT_XOR,
  SHIFT_LEFT,
  SHIFT_RIGHT
} kind;

static const struct {
  const char *op;
  kind kind;
  enum xnn_binary_operator xnn; /* for float32, or xnn_binary_invalid */
  bool compares;                /* the result is bool */
} table[] = {
    {"Add", ADD, xnn_binary_add, false},
    {"Sub", SUB, xnn_binary_subtract, false},
    {"Mul", MUL, xnn_binary_multiply, false},
    {"Div", DIV, xnn_binary_divide, false},
    {"Max", MAX, xnn_binary_maximum, false},
    {"Min", MIN, xnn_binary_minimum, false},
    {"PRelu", PRELU, xnn_binary_prelu, false},
    {"Sum", ADD, xnn_binary_add, false},
    {"Mean", ADD, xnn_binary_add, false},
    {"Pow", POW, xnn_binary_invalid, false},
    {"Mod", MOD, xnn_binary_invalid, false},
    {"Equal", EQUAL, xnn_binary_invalid, true},
    {"Greater", GREATER, xnn_binary_invalid, true},
    {"Less", LESS, xnn_binary_invalid, true},
    {"GreaterOrEqual", GREATER_EQUAL, xnn_binary_invalid, true},
    {"LessOrEqual", LESS_EQUAL, xnn_binary_invalid, true},
    {"And", AND, xnn_binary_invalid, true},
    {"Or", OR, xnn_binary_invalid, true},
    {"Xor", XOR, xnn_binary_invalid, true},
    {"BitwiseAnd", BIT_AND, xnn_binary_invalid, false},
    {"BitwiseOr", BIT_OR, xnn_binary_invalid, false},
    {"BitwiseXor", BIT_XOR, xnn_binary_invalid, false},
    {"BitShift", SHIFT_LEFT, xnn_binary_invalid, false},
};

/* ---- the plain loop ---- */

typedef struct loop_params {
  kind kind;
  nsc_type a_type, b_type, out_type;
  nsc_shape shape;                                          /* of the output, physical */
  int64_t a_strides[NSC_MAX_RANK], b_strides[NSC_MAX_RANK]; /* 0 along broadcast dimensions */
} loop_params;

static int64_t get_int(const void *data, int64_t i, nsc_type type) {
  return type == NSC_TYPE_I64 ? ((const int64_t *)data)[i] : (int64_t)nsc_element_real(data, i, type);
}

static void put_real(void *data, int64_t i, nsc_type type, double value) {
  if (type == NSC_TYPE_F32) {
    ((float *)data)[i] = (float)value;
  } else if (type == NSC_TYPE_F64) {
    ((double *)data)[i] = value;
  } else {
    ((uint8_t *)data)[i] = value != 0;
  }
}

static void put_int(void *data, int64_t i, nsc_type type, int64_t value) {
  if (type == NSC_TYPE_I64) {
    ((int64_t *)data)[i] = value;
  } else if (type == NSC_TYPE_I32) {
    ((int32_t *)data)[i] = (int32_t)value;
  } else {
    ((uint8_t *)data)[i] = (uint8_t)value;
  }
}

static double compute_real(kind k, double a, double b) {
  switch (k) {
    case ADD:
      return a + b;
    case SUB:
      return a - b;
    case MUL:
      return a * b;
    case DIV:
      return a / b;
    case MAX:
      return a > b || isnan(a) ? a : b;
    case MIN:
      return a < b || isnan(a) ? a : b;
    case PRELU:
      return a < 0 ? a * b : a;
    case POW:
      return pow(a, b);
    case MOD:
    case FMOD:
      return fmod(a, b);
    case EQUAL:
      return a == b;
    case GREATER:
      return a > b;
    case LESS:
      return a < b;
    case GREATER_EQUAL:
      return a >= b;
    case LESS_EQUAL:
      return a <= b;
    case AND:
      return a != 0 && b != 0;
    case OR:
      return a != 0 || b != 0;
    case XOR:
      return (a != 0) != (b != 0);
    default:
      return 0; /* bits: of integers only */
  }
}

/* Wraps like two's complement; division and remainder by zero give zero rather than a trap. */
static int64_t compute_int(kind k, int64_t a, int64_t b) {
  switch (k) {
    case ADD:
      return (int64_t)((uint64_t)a + (uint64_t)b);
    case SUB:
      return (int64_t)((uint64_t)a - (uint64_t)b);
    case MUL:
      return (int64_t)((uint64_t)a * (uint64_t)b);
    case DIV:
      return b == 0 || (a == INT64_MIN && b == -1) ? 0 : a / b;
    case MOD: {
      if (b == 0 || (a == INT64_MIN && b == -1)) return 0;
      int64_t r = a % b; /* ONNX, fmod = 0: the sign of the divisor */
      return r && (r < 0) != (b < 0) ? r + b : r;
    }
    case FMOD:
      return b == 0 || (a == INT64_MIN && b == -1) ? 0 : a % b;
    case MAX:
      return a > b ? a : b;
    case MIN:
      return a < b ? a : b;
    case BIT_AND:
      return a & b;
    case BIT_OR:
      return a | b;
    case BIT_XOR:
      return a ^ b;
    case SHIFT_LEFT:
      return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b);
    case SHIFT_RIGHT:
      return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a >> b);
    default:
      return (int64_t)compute_real(k, (double)a, (double)b);
  }
}

static void run_loop(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const loop_params *p = step->params;
  size_t count = nsc_shape_product(&p->shape, 0, p->shape.rank);
  bool whole = p->out_type == NSC_TYPE_I64 || p->out_type == NSC_TYPE_I32 || p->out_type == NSC_TYPE_U8 ||
               p->out_type == NSC_TYPE_I8;
  int64_t index[NSC_MAX_RANK] = {0}, a = 0, b = 0;
  for (size_t i = 0; i < count; i++) {
    if (whole) {
      int64_t value = compute_int(p->kind, get_int(step->in[0], a, p->a_type), get_int(step->in[1], b, p->b_type));
      put_int(step->out[0], (int64_t)i, p->out_type, value);
    } else {
      double value = compute_real(p->kind, nsc_element_real(step->in[0], a, p->a_type),
                                  nsc_element_real(step->in[1], b, p->b_type));
      put_real(step->out[0], (int64_t)i, p->out_type, value);
    }
    for (uint32_t d = p->shape.rank; d-- > 0;) {
      a += p->a_strides[d];
      b += p->b_strides[d];
      if (++index[d] < p->shape.dims[d]) break;
      a -= p->a_strides[d] * p->shape.dims[d];
      b -= p->b_strides[d] * p->shape.dims[d];
      index[d] = 0;
    }
  }
}

static void broadcast_strides(const nsc_shape *physical, int64_t *strides) {
  nsc_shape_strides(physical, strides);
  for (uint32_t i = 0; i < physical->rank; i++) {
    if (physical->dims[i] == 1) strides[i] = 0;
  }
}

/* ---- sum and Relu of equal shapes in one pass: the end of every residual block ---- */

typedef struct add_relu_task {
  const float *a, *b;
  float *out;
} add_relu_task;

static void add_relu_part(void *context, size_t from, size_t count) {
  const add_relu_task *t = context;
  for (size_t i = from; i < from + count; i++) {
    float sum = t->a[i] + t->b[i];
    t->out[i] = sum > 0 ? sum : 0;
  }
}

static void run_add_relu(nsc_step *step, pthreadpool_t pool) {
  add_relu_task task = {step->in[0], step->in[1], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, add_relu_part, &task, *(const size_t *)step->params, 16384, 0);
}

/* ---- lowering ---- */

/* An operand with `rank` dimensions in the wanted layout; `physical` gets its dimensions in memory. */
static nsc_status align(nsc_plan *plan, uint32_t value, uint32_t rank, bool channels_last, uint32_t *out,
                        nsc_shape *physical) {
  nsc_shape shape = plan->values[value].shape;
  if (shape.rank < rank) {
    NSC_TRY(nsc_plan_layout(plan, value, false, &value));
    nsc_shape padded = nsc_shape_pad_front(&shape, rank);
    uint32_t alias;
    NSC_TRY(nsc_plan_temporary(plan, plan->values[value].type, &padded, false, &alias));
    NSC_TRY(nsc_plan_alias(plan, alias, value, &padded, false));
    value = alias;
  }
  NSC_TRY(nsc_plan_layout(plan, value, channels_last, out));
  *physical = nsc_value_physical(nsc_plan_value(plan, *out));
  return NSC_OK;
}

typedef struct operands {
  uint32_t a, b;
  nsc_shape pa, pb; /* physical */
  nsc_shape shape;  /* of the result, logical */
  bool channels_last;
} operands;

static nsc_status prepare(nsc_plan *plan, const nsc_node *node, uint32_t a, uint32_t b, operands *o) {
  const nsc_value *va = nsc_plan_value(plan, a), *vb = nsc_plan_value(plan, b);
  nsc_shape sa = va->shape, sb = vb->shape;
  if (!nsc_shape_broadcast(&sa, &sb, &o->shape)) {
    char ta[96], tb[96];
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s and %s do not fit", nsc_shape_text(&sa, ta),
                         nsc_shape_text(&sb, tb));
  }
  uint32_t rank = o->shape.rank;
  o->channels_last = (va->channels_last && sa.rank == rank) || (vb->channels_last && sb.rank == rank);
  NSC_TRY(align(plan, a, rank, o->channels_last, &o->a, &o->pa));
  return align(plan, b, rank, o->channels_last, &o->b, &o->pb);
}

static enum xnn_status setup_binary(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_binary_elementwise_nd(step->op, step->in[0], step->in[1], step->out[0]);
}

static nsc_status add_two_inputs(nsc_plan *plan, const nsc_node *node, const char *name, const operands *o,
                                 uint32_t output, nsc_step **step) {
  NSC_TRY(nsc_plan_add_step(plan, node, name, 2, 1, step));
  (*step)->inputs[0] = o->a;
  (*step)->inputs[1] = o->b;
  (*step)->outputs[0] = output;
  return NSC_OK;
}

static nsc_status add_loop(nsc_plan *plan, const nsc_node *node, kind k, nsc_type type, const operands *o,
                           uint32_t output) {
  NSC_TRY(nsc_plan_define(plan, output, type, &o->shape, o->channels_last));
  loop_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  params->kind = k;
  params->a_type = plan->values[o->a].type;
  params->b_type = plan->values[o->b].type;
  params->out_type = type;
  params->shape = nsc_value_physical(nsc_plan_value(plan, output));
  broadcast_strides(&o->pa, params->a_strides);
  broadcast_strides(&o->pb, params->b_strides);
  nsc_step *step;
  NSC_TRY(add_two_inputs(plan, node, node->op, o, output, &step));
  step->run = run_loop;
  step->params = params;
  return NSC_OK;
}

static nsc_status add_xnn(nsc_plan *plan, const nsc_node *node, enum xnn_binary_operator xnn, const operands *o,
                          uint32_t output) {
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &o->shape, o->channels_last));
  nsc_step *step;
  NSC_TRY(add_two_inputs(plan, node, node->op, o, output, &step));
  step->setup = setup_binary;
  size_t da[NSC_MAX_RANK], db[NSC_MAX_RANK];
  for (uint32_t i = 0; i < o->shape.rank; i++) {
    da[i] = (size_t)o->pa.dims[i];
    db[i] = (size_t)o->pb.dims[i];
  }
  NSC_TRY(nsc_plan_check(plan, node,
                         xnn_create_binary_elementwise_nd(xnn, xnn_datatype_fp32, NULL, NULL, NULL, 0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_binary_elementwise_nd(step->op, o->shape.rank, da, o->shape.rank, db, plan->pool));
}

static bool followed_by_relu(const nsc_plan *plan, uint32_t value) {
  const nsc_node *next = nsc_plan_next(plan, value);
  return next && next->domain[0] == 0 && strcmp(next->op, "Relu") == 0;
}

static nsc_status add_fused_relu(nsc_plan *plan, const nsc_node *node, const operands *o, uint32_t output) {
  float min, max;
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &min, &max));
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &o->shape, o->channels_last));
  size_t *count;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *count, &count));
  *count = nsc_shape_product(&o->shape, 0, o->shape.rank);
  nsc_step *step;
  NSC_TRY(add_two_inputs(plan, node, "Add+Relu", o, output, &step));
  step->run = run_add_relu;
  step->params = count;
  return NSC_OK;
}

static nsc_status lower_pair(nsc_plan *plan, const nsc_node *node, size_t entry, uint32_t a, uint32_t b,
                             uint32_t output) {
  operands o;
  NSC_TRY(prepare(plan, node, a, b, &o));
  nsc_type ta = plan->values[o.a].type, tb = plan->values[o.b].type;
  kind k = table[entry].kind;
  if (k == MOD && nsc_node_int(node, "fmod", 0)) k = FMOD;
  if (ta != tb && k != POW) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "its inputs are %s and %s", nsc_type_name(ta),
                         nsc_type_name(tb));
  }
  bool whole = ta == NSC_TYPE_I64 || ta == NSC_TYPE_I32 || ta == NSC_TYPE_U8 || ta == NSC_TYPE_I8;
  if (k >= BIT_AND && !whole) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is not supported, only integers", nsc_type_name(ta));
  }
  if (k == SHIFT_LEFT && strcmp(nsc_node_string(node, "direction", ""), "RIGHT") == 0) k = SHIFT_RIGHT;
  size_t count = nsc_shape_product(&o.shape, 0, o.shape.rank);
  if (ta != NSC_TYPE_F32 || table[entry].xnn == xnn_binary_invalid || o.shape.rank > XNN_MAX_TENSOR_DIMS ||
      count == 0) {
    return add_loop(plan, node, k, table[entry].compares ? NSC_TYPE_BOOL : ta, &o, output);
  }
  if (k == ADD && nsc_shape_equal(&o.pa, &o.pb) && output < plan->model->value_count &&
      followed_by_relu(plan, output)) {
    return add_fused_relu(plan, node, &o, output);
  }
  return add_xnn(plan, node, table[entry].xnn, &o, output);
}

/* The mean is the sum times 1/n. */
static nsc_status divide_by_count(nsc_plan *plan, const nsc_node *node, uint32_t sum, uint32_t output) {
  float scale = 1.0f / (float)node->input_count;
  nsc_shape scalar = {0};
  uint32_t factor;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &scalar, false, &factor));
  NSC_TRY(nsc_plan_define_constant(plan, factor, NSC_TYPE_F32, &scalar, &scale));
  return lower_pair(plan, node, 2, sum, factor, output);
}

/* Before opset 7 a slope of C elements belonged to the channels, wherever those stand. */
static nsc_status lower_old_prelu(nsc_plan *plan, const nsc_node *node, size_t entry) {
  uint32_t slope = node->inputs[1], alias;
  nsc_shape x = plan->values[node->inputs[0]].shape, s = plan->values[slope].shape;
  if (s.rank == 1 && x.rank >= 2 && s.dims[0] == x.dims[1]) {
    nsc_shape per_channel = {.rank = x.rank - 1};
    for (uint32_t i = 0; i < per_channel.rank; i++) per_channel.dims[i] = i == 0 ? s.dims[0] : 1;
    NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &per_channel, false, &alias));
    NSC_TRY(nsc_plan_alias(plan, alias, slope, &per_channel, false));
    slope = alias;
  }
  return lower_pair(plan, node, entry, node->inputs[0], slope, node->outputs[0]);
}

/* Before opset 7 the dimensions of B could stand against those of A from `axis` on. */
static nsc_status lower_along_axis(nsc_plan *plan, const nsc_node *node, size_t entry) {
  nsc_shape a = plan->values[node->inputs[0]].shape, b = plan->values[node->inputs[1]].shape;
  int64_t axis = nsc_node_int(node, "axis", 0);
  if (axis < 0) axis += a.rank;
  if (axis < 0 || axis + b.rank > a.rank) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  }
  nsc_shape placed = {.rank = a.rank - (uint32_t)axis};
  for (uint32_t i = 0; i < placed.rank; i++) placed.dims[i] = i < b.rank ? b.dims[i] : 1;
  uint32_t plain, alias;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[1], false, &plain));
  NSC_TRY(nsc_plan_temporary(plan, plan->values[plain].type, &placed, false, &alias));
  NSC_TRY(nsc_plan_alias(plan, alias, plain, &placed, false));
  return lower_pair(plan, node, entry, node->inputs[0], alias, node->outputs[0]);
}

/* Squares and square roots, which layer normalisation before opset 17 is made of, on XNNPACK. */
static nsc_status lower_simple_power(nsc_plan *plan, const nsc_node *node, bool *taken) {
  const nsc_value *x = nsc_plan_value(plan, node->inputs[0]), *power = nsc_plan_value(plan, node->inputs[1]);
  float exponent;
  *taken = false;
  if (x->type != NSC_TYPE_F32 || power->type != NSC_TYPE_F32 || power->shape.rank > x->shape.rank ||
      !nsc_plan_is_constant(plan, node->inputs[1]) || nsc_shape_product(&power->shape, 0, power->shape.rank) != 1) {
    return NSC_OK;
  }
  NSC_TRY(nsc_plan_scalar(plan, node, node->inputs[1], "the exponent", &exponent));
  if (exponent != 2 && exponent != 0.5f) return NSC_OK;
  *taken = true;
  union xnn_unary_params params;
  memset(&params, 0, sizeof params);
  return nsc_plan_add_unary(plan, node, exponent == 2 ? xnn_unary_square : xnn_unary_square_root, &params,
                            node->outputs[0]);
}

static nsc_status lower_binary(nsc_plan *plan, const nsc_node *node) {
  size_t entry = 0;
  while (strcmp(table[entry].op, node->op) != 0) entry++;
  kind k = table[entry].kind;
  bool mean = strcmp(node->op, "Mean") == 0;
  bool variadic = mean || strcmp(node->op, "Sum") == 0 || k == MAX || k == MIN;
  NSC_TRY(nsc_plan_need_inputs(plan, node, variadic ? 1 : 2));
  if (nsc_node_attribute(node, "axis") && plan->model->opset < 7) return lower_along_axis(plan, node, entry);
  if (k == DIV || k == MUL) {
    bool taken;
    NSC_TRY(nsc_plan_take_gelu(plan, node, &taken));
    if (taken) return NSC_OK;
  }
  if (k == POW) {
    bool taken;
    NSC_TRY(lower_simple_power(plan, node, &taken));
    if (taken) return NSC_OK;
  }
  if (variadic && node->input_count == 1) {
    const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
    nsc_shape shape = v->shape;
    return nsc_plan_alias(plan, node->outputs[0], node->inputs[0], &shape, v->channels_last);
  }
  if (k == MOD && nsc_node_int(node, "fmod", 0) == 0 && plan->values[node->inputs[0]].type == NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "fmod must be 1 for floats");
  }
  if (k == PRELU && plan->model->opset < 7) return lower_old_prelu(plan, node, entry);
  uint32_t result = node->inputs[0], last = variadic ? node->input_count - 1 : 1;
  for (uint32_t i = 1; i <= last; i++) {
    if (node->inputs[i] == NSC_NO_VALUE) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "input %u is missing", i);
    uint32_t output = node->outputs[0];
    if (i < last || mean) {
      nsc_shape scalar = {0};
      NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &scalar, false, &output));
    }
    NSC_TRY(lower_pair(plan, node, entry, result, node->inputs[i], output));
    result = output;
  }
  return mean ? divide_by_count(plan, node, result, node->outputs[0]) : NSC_OK;
}

/* ---- Where ---- */

typedef struct where_params {
  nsc_shape shape;
  int64_t strides[3][NSC_MAX_RANK];
  size_t size;
} where_params;

static void run_where(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const where_params *p = step->params;
  size_t count = nsc_shape_product(&p->shape, 0, p->shape.rank);
  int64_t index[NSC_MAX_RANK] = {0}, at[3] = {0};
  uint8_t *out = step->out[0];
  for (size_t i = 0; i < count; i++, out += p->size) {
    int from = ((const uint8_t *)step->in[0])[at[0]] ? 1 : 2;
    memcpy(out, (const uint8_t *)step->in[from] + at[from] * (int64_t)p->size, p->size);
    for (uint32_t d = p->shape.rank; d-- > 0;) {
      for (int k = 0; k < 3; k++) at[k] += p->strides[k][d];
      if (++index[d] < p->shape.dims[d]) break;
      for (int k = 0; k < 3; k++) at[k] -= p->strides[k][d] * p->shape.dims[d];
      index[d] = 0;
    }
  }
}

static nsc_status lower_where(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  for (uint32_t i = 1; i < 3; i++) {
    nsc_shape other = plan->values[node->inputs[i]].shape, joined;
    if (!nsc_shape_broadcast(&shape, &other, &joined))
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "shapes do not fit");
    shape = joined;
  }
  where_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  nsc_type type = plan->values[node->inputs[1]].type;
  params->shape = shape;
  params->size = nsc_type_size(type);
  uint32_t aligned[3];
  for (uint32_t i = 0; i < 3; i++) {
    nsc_shape physical;
    NSC_TRY(align(plan, node->inputs[i], shape.rank, false, &aligned[i], &physical));
    broadcast_strides(&physical, params->strides[i]);
  }
  if (plan->values[aligned[0]].type != NSC_TYPE_BOOL || plan->values[aligned[2]].type != type) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "its inputs have the wrong types");
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, false));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Where", 3, 1, &step));
  memcpy(step->inputs, aligned, sizeof aligned);
  step->outputs[0] = node->outputs[0];
  step->run = run_where;
  step->params = params;
  return NSC_OK;
}

const nsc_operator nsc_binary_operators[] = {
    {"Add", lower_binary},
    {"Sub", lower_binary},
    {"Mul", lower_binary},
    {"Div", lower_binary},
    {"Max", lower_binary},
    {"Min", lower_binary},
    {"PRelu", lower_binary},
    {"Sum", lower_binary},
    {"Mean", lower_binary},
    {"Pow", lower_binary},
    {"Mod", lower_binary},
    {"Equal", lower_binary},
    {"Greater", lower_binary},
    {"Less", lower_binary},
    {"GreaterOrEqual", lower_binary},
    {"LessOrEqual", lower_binary},
    {"And", lower_binary},
    {"Or", lower_binary},
    {"Xor", lower_binary},
    {"BitwiseAnd", lower_binary},
    {"BitwiseOr", lower_binary},
    {"BitwiseXor", lower_binary},
    {"BitShift", lower_binary},
    {"Where", lower_where},
    {NULL, NULL},
};
