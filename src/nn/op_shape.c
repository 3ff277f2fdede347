/*
 * Operators that give the same elements another shape or name (no work at run time), make constants, or convert types:
 * Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, If, Cast, Shape, Size, Constant, ConstantOfShape, Range.
 */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "nn/op_parts.h"
#include "nn/operators.h"
#include "nn/plan_private.h"

/* N, C and pixels that are only counted otherwise, as in N, C, HW: the memory N, H, W, C stays as it is. */
static bool keeps_channels_last(const nsc_value *v, const nsc_shape *shape) {
  size_t count = 0;
  return v->channels_last && shape->rank >= 3 && nsc_shape_count(shape, &count) && shape->dims[0] == v->shape.dims[0] &&
         shape->dims[1] == v->shape.dims[1] && count == nsc_shape_product(&v->shape, 0, v->shape.rank);
}

/* The elements in ONNX's order under `shape`. */
static nsc_status reshape_to(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape) {
  uint32_t input;
  if (keeps_channels_last(nsc_plan_value(plan, node->inputs[0]), shape)) {
    return nsc_plan_alias(plan, node->outputs[0], node->inputs[0], shape, true);
  }
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  size_t from = 0, to = 0;
  nsc_shape_count(&plan->values[input].shape, &from);
  if (!nsc_shape_count(shape, &to) || from != to) {
    char a[96], b[96];
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s cannot become %s",
                         nsc_shape_text(&plan->values[input].shape, a), nsc_shape_text(shape, b));
  }
  return nsc_plan_alias(plan, node->outputs[0], input, shape, false);
}

static nsc_status lower_reshape(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape in = plan->values[node->inputs[0]].shape, out = {0};
  NSC_TRY(nsc_plan_ints(plan, node, node->inputs[1], "shape", out.dims, NSC_MAX_RANK, &out.rank));
  bool allow_zero = nsc_node_int(node, "allowzero", 0) != 0;
  int64_t known = 1;
  int guess = -1;
  for (uint32_t i = 0; i < out.rank; i++) {
    if (out.dims[i] == 0 && !allow_zero) {
      if (i >= in.rank) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "dimension %u to copy does not exist", i);
      out.dims[i] = in.dims[i];
    }
    if (out.dims[i] == -1 && guess < 0) {
      guess = (int)i;
    } else if (out.dims[i] < 0 || __builtin_mul_overflow(known, out.dims[i], &known)) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the shape it asks for is impossible");
    }
  }
  size_t count = 0;
  nsc_shape_count(&in, &count);
  if (guess >= 0) out.dims[guess] = known ? (int64_t)count / known : 0;
  bool shuffled;
  NSC_TRY(nsc_plan_take_shuffle(plan, node, &out, &shuffled));
  return shuffled ? NSC_OK : reshape_to(plan, node, &out);
}

static nsc_status lower_flatten(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape in = plan->values[node->inputs[0]].shape;
  int64_t axis = nsc_node_int(node, "axis", 1);
  if (axis < 0) axis += in.rank;
  if (axis < 0 || axis > in.rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  nsc_shape out = {
      2,
      {(int64_t)nsc_shape_product(&in, 0, (uint32_t)axis), (int64_t)nsc_shape_product(&in, (uint32_t)axis, in.rank)}};
  return reshape_to(plan, node, &out);
}

/* Axes from an attribute (before opset 13) or an input; *count is 0 when neither is there. */
static nsc_status read_axes(nsc_plan *plan, const nsc_node *node, uint32_t rank, bool *marked, uint32_t *count) {
  int64_t axes[NSC_MAX_RANK];
  *count = 0;
  const nsc_attribute *a = nsc_node_attribute(node, "axes");
  uint32_t value = nsc_node_input(node, 1);
  if (value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, value, "axes", axes, NSC_MAX_RANK, count));
  } else if (a && a->kind == NSC_ATTRIBUTE_INTS && a->count <= NSC_MAX_RANK) {
    *count = a->count;
    if (a->count) memcpy(axes, a->ints, a->count * sizeof *axes);
  }
  for (uint32_t i = 0; i < *count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank || marked[axis])
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axes are out of range");
    marked[axis] = true;
  }
  return NSC_OK;
}

static nsc_status lower_squeeze(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape in = plan->values[node->inputs[0]].shape, out = {0};
  bool drop[NSC_MAX_RANK] = {false};
  uint32_t count;
  NSC_TRY(read_axes(plan, node, in.rank, drop, &count));
  for (uint32_t i = 0; i < in.rank; i++) {
    if (count == 0) drop[i] = in.dims[i] == 1;
    if (!drop[i]) out.dims[out.rank++] = in.dims[i];
  }
  return reshape_to(plan, node, &out);
}

static nsc_status lower_unsqueeze(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape in = plan->values[node->inputs[0]].shape, out = {0};
  const nsc_attribute *a = nsc_node_attribute(node, "axes");
  uint32_t extra = a ? a->count : 0, value = nsc_node_input(node, 1), count;
  if (value != NSC_NO_VALUE) {
    size_t n = 0;
    nsc_shape_count(&plan->values[value].shape, &n);
    extra = n > NSC_MAX_RANK ? NSC_MAX_RANK + 1 : (uint32_t)n;
  }
  if (in.rank + extra > NSC_MAX_RANK) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "too many dimensions");
  bool fresh[NSC_MAX_RANK] = {false};
  out.rank = in.rank + extra;
  NSC_TRY(read_axes(plan, node, out.rank, fresh, &count));
  for (uint32_t i = 0, from = 0; i < out.rank; i++) out.dims[i] = fresh[i] || from >= in.rank ? 1 : in.dims[from++];
  return reshape_to(plan, node, &out);
}

static nsc_status lower_identity(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  return nsc_plan_alias(plan, node->outputs[0], node->inputs[0], &shape, v->channels_last);
}

/* At inference dropout does nothing; its mask, if anybody asks, is all true. */
static nsc_status lower_dropout(nsc_plan *plan, const nsc_node *node) {
  uint32_t training = nsc_node_input(node, 2);
  if (training != NSC_NO_VALUE) {
    const nsc_value *flag = nsc_plan_value(plan, training);
    size_t count = 0;
    nsc_shape_count(&flag->shape, &count);
    uint8_t on = 1;
    if (nsc_plan_is_constant(plan, training) && flag->type == NSC_TYPE_BOOL && count == 1) {
      if (flag->data) {
        on = *(const uint8_t *)flag->data;
      } else {
        NSC_TRY(nsc_tensor_proto_read(flag->proto, &on, plan->err));
      }
    }
    if (on) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "training_mode is for training");
  }
  NSC_TRY(lower_identity(plan, node));
  if (node->output_count < 2 || node->outputs[1] == NSC_NO_VALUE || plan->consumer_count[node->outputs[1]] == 0) {
    return NSC_OK;
  }
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  size_t count = 0;
  nsc_shape_count(&shape, &count);
  uint8_t *mask;
  NSC_TRY(nsc_plan_scratch(plan, count, 1, &mask));
  memset(mask, 1, count);
  return nsc_plan_define_constant(plan, node->outputs[1], NSC_TYPE_BOOL, &shape, mask);
}

/* ---- Cast ---- */

typedef struct cast_params {
  nsc_type from, to;
  bool half; /* float16 is kept as float32, but rounds as float16 does */
  size_t count;
} cast_params;

/* Out of range is undefined in ONNX; here it saturates, so that it is never undefined in C. */
static int64_t to_int(double value, int64_t low, int64_t high) {
  if (isnan(value)) return 0;
  return value <= (double)low ? low : value >= (double)high ? high : (int64_t)value;
}

static void store(void *data, size_t i, nsc_type type, double value) {
  switch (type) {
    case NSC_TYPE_F32:
      ((float *)data)[i] = (float)value;
      break;
    case NSC_TYPE_F64:
      ((double *)data)[i] = value;
      break;
    case NSC_TYPE_I64:
      ((int64_t *)data)[i] = to_int(value, INT64_MIN, INT64_MAX);
      break;
    case NSC_TYPE_I32:
      ((int32_t *)data)[i] = (int32_t)to_int(value, INT32_MIN, INT32_MAX);
      break;
    case NSC_TYPE_BOOL:
      ((uint8_t *)data)[i] = value != 0;
      break;
    case NSC_TYPE_I8:
      ((int8_t *)data)[i] = (int8_t)to_int(value, INT8_MIN, INT8_MAX);
      break;
    default:
      ((uint8_t *)data)[i] = (uint8_t)to_int(value, 0, UINT8_MAX);
      break;
  }
}

static void run_cast(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const cast_params *p = step->params;
  for (size_t i = 0; i < p->count; i++) {
    double value = nsc_element_real(step->in[0], (int64_t)i, p->from);
    if (p->half) value = (double)nsc_half_to_float(nsc_half_from_float((float)value));
    store(step->out[0], i, p->to, value);
  }
}

static nsc_status add_cast(nsc_plan *plan, const nsc_node *node, nsc_type to) {
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  nsc_type from = v->type;
  bool channels_last = v->channels_last, half = to == NSC_TYPE_F16;
  if (half) to = NSC_TYPE_F32;
  if (from == to && !half) return nsc_plan_alias(plan, node->outputs[0], node->inputs[0], &shape, channels_last);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], to, &shape, channels_last));
  cast_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (cast_params){from, to, half, 0};
  nsc_shape_count(&shape, &p->count);
  return nsc_plan_add_loop(plan, node, "Cast", node->inputs[0], node->outputs[0], run_cast, p);
}

static nsc_status lower_cast(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  int32_t asked = (int32_t)nsc_node_int(node, "to", 0);
  nsc_type to;
  if (!nsc_type_from_onnx(asked, &to)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "a cast to %s is not supported", nsc_onnx_type_name(asked));
  }
  return add_cast(plan, node, to);
}

static nsc_status lower_cast_like(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  return add_cast(plan, node, plan->values[node->inputs[1]].type);
}

/* ---- constants ---- */

static nsc_status lower_shape(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape in = plan->values[node->inputs[0]].shape;
  int64_t start = nsc_node_int(node, "start", 0), end = nsc_node_int(node, "end", in.rank);
  if (start < 0) start += in.rank;
  if (end < 0) end += in.rank;
  if (start < 0) start = 0;
  if (end > in.rank) end = in.rank;
  nsc_shape list = {1, {end > start ? end - start : 0}};
  return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_I64, &list, in.dims + (start < in.rank ? start : 0));
}

static nsc_status lower_size(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  size_t count = 0;
  nsc_shape_count(&plan->values[node->inputs[0]].shape, &count);
  int64_t size = (int64_t)count;
  nsc_shape scalar = {0};
  return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_I64, &scalar, &size);
}

static nsc_status constant_from_tensor(nsc_plan *plan, const nsc_node *node, const nsc_tensor_proto *t) {
  nsc_type type;
  if (!nsc_type_from_onnx(t->onnx_type, &type)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "a constant of %s is not supported",
                         nsc_onnx_type_name(t->onnx_type));
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &t->shape, false));
  plan->values[node->outputs[0]].proto = t;
  return NSC_OK;
}

static nsc_status lower_constant(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 0));
  const nsc_attribute *a = nsc_node_attribute(node, "value");
  if (a && a->kind == NSC_ATTRIBUTE_TENSOR) return constant_from_tensor(plan, node, a->t);
  nsc_shape scalar = {0};
  if ((a = nsc_node_attribute(node, "value_float"))) {
    return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_F32, &scalar, &a->f);
  }
  if ((a = nsc_node_attribute(node, "value_int"))) {
    return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_I64, &scalar, &a->i);
  }
  a = nsc_node_attribute(node, "value_floats");
  if (a && a->kind == NSC_ATTRIBUTE_FLOATS) {
    return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_F32, &(nsc_shape){1, {a->count}}, a->floats);
  }
  a = nsc_node_attribute(node, "value_ints");
  if (a && a->kind == NSC_ATTRIBUTE_INTS) {
    return nsc_plan_define_constant(plan, node->outputs[0], NSC_TYPE_I64, &(nsc_shape){1, {a->count}}, a->ints);
  }
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "this form of constant is not supported");
}

static nsc_status lower_constant_of_shape(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape shape = {0};
  NSC_TRY(nsc_plan_ints(plan, node, node->inputs[0], "shape", shape.dims, NSC_MAX_RANK, &shape.rank));
  const nsc_attribute *a = nsc_node_attribute(node, "value");
  nsc_type type = NSC_TYPE_F32;
  uint64_t element = 0;
  if (a && a->kind == NSC_ATTRIBUTE_TENSOR) {
    if (!nsc_type_from_onnx(a->t->onnx_type, &type) || a->t->count != 1) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its value is not supported");
    }
    NSC_TRY(nsc_tensor_proto_read(a->t, &element, plan->err));
  }
  size_t count = 0, size = nsc_type_size(type);
  if (!nsc_shape_count(&shape, &count)) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the shape is impossible");
  uint8_t *data;
  NSC_TRY(nsc_plan_scratch(plan, count, size, &data));
  for (size_t i = 0; i < count; i++) memcpy(data + i * size, &element, size);
  return nsc_plan_define_constant(plan, node->outputs[0], type, &shape, data);
}

static nsc_status lower_range(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  nsc_type type = plan->values[node->inputs[0]].type;
  int64_t ints[3] = {0};
  double reals[3] = {0};
  for (uint32_t i = 0; i < 3; i++) {
    uint32_t count;
    if (type == NSC_TYPE_F32) {
      float real;
      NSC_TRY(nsc_plan_scalar(plan, node, node->inputs[i], "a bound", &real));
      reals[i] = (double)real;
    } else {
      NSC_TRY(nsc_plan_ints(plan, node, node->inputs[i], "a bound", &ints[i], 1, &count));
      reals[i] = (double)ints[i];
    }
  }
  double steps = ceil((reals[1] - reals[0]) / reals[2]);
  if (!(fabs(steps) < 1e8)) return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "the range is too long");
  size_t count = steps > 0 ? (size_t)steps : 0;
  uint8_t *data;
  NSC_TRY(nsc_plan_scratch(plan, count + 1, nsc_type_size(type), &data));
  for (size_t i = 0; i < count; i++) store(data, i, type, reals[0] + (double)i * reals[2]);
  return nsc_plan_define_constant(plan, node->outputs[0], type, &(nsc_shape){1, {(int64_t)count}}, data);
}

/* If(condition, then..., else...), as the reader leaves it: one of the two, under the node's own names. */
nsc_status nsc_lower_if(nsc_plan *plan, const nsc_node *node) {
  if (node->input_count != 2 * node->output_count + 1) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "a branch is missing");
  }
  const void *condition;
  NSC_TRY(nsc_plan_elements(plan, node, node->inputs[0], "the condition", NSC_TYPE_BOOL, 1, &condition));
  const uint32_t *from = node->inputs + 1 + (*(const uint8_t *)condition ? 0 : node->output_count);
  for (uint32_t i = 0; i < node->output_count; i++) {
    const nsc_value *v = nsc_plan_value(plan, from[i]);
    nsc_shape shape = v->shape;
    if (!v->known) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "output %u of the branch is not computed", i);
    if (node->outputs[i] != NSC_NO_VALUE) {
      NSC_TRY(nsc_plan_alias(plan, node->outputs[i], from[i], &shape, v->channels_last));
    }
  }
  return NSC_OK;
}

const nsc_operator nsc_shape_operators[] = {
    {"Reshape", lower_reshape},     {"Flatten", lower_flatten},    {"Squeeze", lower_squeeze},
    {"Unsqueeze", lower_unsqueeze}, {"Identity", lower_identity},  {"Dropout", lower_dropout},
    {"Cast", lower_cast},           {"CastLike", lower_cast_like}, {"Shape", lower_shape},
    {"Size", lower_size},           {"Constant", lower_constant},  {"ConstantOfShape", lower_constant_of_shape},
    {"Range", lower_range},         {"If", nsc_lower_if},          {NULL, NULL},
};
