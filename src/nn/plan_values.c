/* Values, constants and layouts of a plan. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/half.h"
#include "nn/footprint.h"
#include "nn/plan.h"
#include "nn/plan_private.h"
#include "nn/quant.h"

nsc_status nsc_node_fail(nsc_plan *plan, const nsc_node *node, nsc_status status, const char *format, ...) {
  char text[NSC_ERROR_TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (node->name[0]) return nsc_fail(plan->err, status, "%.40s \"%.80s\": %s", node->op, node->name, text);
  return nsc_fail(plan->err, status, "%.40s (node %u): %s", node->op, plan->node, text);
}

const nsc_attribute *nsc_node_attribute(const nsc_node *node, const char *name) {
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    if (strcmp(node->attributes[i].name, name) == 0) return &node->attributes[i];
  }
  return NULL;
}

int64_t nsc_node_int(const nsc_node *node, const char *name, int64_t otherwise) {
  const nsc_attribute *a = nsc_node_attribute(node, name);
  return a && a->kind == NSC_ATTRIBUTE_INT ? a->i : otherwise;
}

float nsc_node_float(const nsc_node *node, const char *name, float otherwise) {
  const nsc_attribute *a = nsc_node_attribute(node, name);
  return a && a->kind == NSC_ATTRIBUTE_FLOAT ? a->f : otherwise;
}

const char *nsc_node_string(const nsc_node *node, const char *name, const char *otherwise) {
  const nsc_attribute *a = nsc_node_attribute(node, name);
  return a && a->kind == NSC_ATTRIBUTE_STRING ? a->s : otherwise;
}

uint32_t nsc_node_input(const nsc_node *node, uint32_t index) {
  return index < node->input_count ? node->inputs[index] : NSC_NO_VALUE;
}

bool nsc_plan_is_constant(const nsc_plan *plan, uint32_t value) {
  const nsc_value *v = &plan->values[value];
  return v->known && (v->proto || v->data || (v->type == NSC_TYPE_F32 && v->quant && v->quant->constant));
}

nsc_status nsc_plan_need_inputs(nsc_plan *plan, const nsc_node *node, uint32_t required) {
  for (uint32_t i = 0; i < required; i++) {
    if (nsc_node_input(node, i) == NSC_NO_VALUE) {
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "input %u is missing", i);
    }
  }
  if (node->output_count == 0 || node->outputs[0] == NSC_NO_VALUE) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "it has no output");
  }
  return NSC_OK;
}

nsc_status nsc_plan_alloc(nsc_plan *plan, size_t count, size_t size, void *out) {
  void *p = nsc_arena_alloc(&plan->arena, count, size);
  if (!p) return nsc_fail_memory(plan->err, count * size, "the plan");
  nsc_plan_hold(plan, (uint64_t)count * size);
  memcpy(out, &p, sizeof p);
  return NSC_OK;
}

/* A graph can ask for constants of any size with a few bytes. */
static nsc_status check_constant(nsc_plan *plan, size_t count, size_t size, size_t *bytes) {
  if (!nsc_mul_size(count, size, bytes) || *bytes > plan->max_bytes || *bytes > SIZE_MAX - XNN_EXTRA_BYTES) {
    return nsc_fail(plan->err, NSC_ERROR_LIMIT, "a constant of the model would have %.0f MB; the limit is %.0f MB",
                    (double)count * (double)size / 1e6, (double)plan->max_bytes / 1e6);
  }
  return NSC_OK;
}

static nsc_status take_scratch(nsc_plan *plan, size_t count, size_t size, bool zeroed, void *out) {
  size_t bytes;
  NSC_TRY(check_constant(plan, count, size, &bytes));
  if (plan->scratch_count == plan->scratch_capacity) {
    uint32_t capacity = plan->scratch_capacity ? plan->scratch_capacity * 2 : 16;
    void **grown = realloc(plan->scratch, capacity * sizeof *grown);
    if (!grown) return nsc_fail_memory(plan->err, capacity * sizeof *grown, "the plan");
    plan->scratch = grown;
    plan->scratch_capacity = capacity;
  }
  void *p = zeroed ? calloc(1, bytes + XNN_EXTRA_BYTES) : malloc(bytes + XNN_EXTRA_BYTES);
  if (!p) return nsc_fail_memory(plan->err, bytes, "the plan");
  if (!zeroed) memset((char *)p + bytes, 0, XNN_EXTRA_BYTES);
  nsc_plan_pass(plan, bytes);
  plan->scratch[plan->scratch_count++] = p;
  memcpy(out, &p, sizeof p);
  return NSC_OK;
}

nsc_status nsc_plan_scratch(nsc_plan *plan, size_t count, size_t size, void *out) {
  return take_scratch(plan, count, size, true, out);
}

nsc_status nsc_plan_room(nsc_plan *plan, size_t count, size_t size, void *out) {
  return take_scratch(plan, count, size, false, out);
}

nsc_shape nsc_value_physical(const nsc_value *value) {
  if (!value->channels_last) return value->shape;
  uint32_t perm[NSC_MAX_RANK];
  nsc_channels_last_perm(value->shape.rank, perm);
  return nsc_shape_permute(&value->shape, perm);
}

static nsc_status set_value(nsc_plan *plan, uint32_t value, nsc_type type, const nsc_shape *shape, bool channels_last) {
  nsc_value *v = nsc_plan_value(plan, value);
  size_t count;
  if (!nsc_shape_count(shape, &count)) {
    char text[96];
    return nsc_fail(plan->err, NSC_ERROR_SHAPE, "\"%.60s\" would have the impossible shape %s", v->name ? v->name : "?",
                    nsc_shape_text(shape, text));
  }
  v->known = true;
  v->type = type == NSC_TYPE_F16 ? NSC_TYPE_F32 : type;
  v->shape = *shape;
  v->channels_last = channels_last && shape->rank >= 3;
  v->root = value;
  v->twin = NSC_NO_VALUE;
  v->quant = NULL;
  v->first = v->last = plan->step_count;
  return NSC_OK;
}

nsc_status nsc_plan_define(nsc_plan *plan, uint32_t value, nsc_type type, const nsc_shape *shape, bool channels_last) {
  return set_value(plan, value, type, shape, channels_last);
}

nsc_status nsc_plan_temporary(nsc_plan *plan, nsc_type type, const nsc_shape *shape, bool channels_last,
                              uint32_t *out) {
  if (plan->value_count == plan->value_capacity) {
    uint32_t capacity = plan->value_capacity * 2 + 16;
    nsc_value *grown = realloc(plan->values, capacity * sizeof *grown);
    if (!grown) return nsc_fail_memory(plan->err, capacity * sizeof *grown, "the plan");
    plan->values = grown;
    plan->value_capacity = capacity;
  }
  uint32_t value = plan->value_count;
  plan->values[value] = (nsc_value){.name = "", .twin = NSC_NO_VALUE};
  plan->value_count++;
  NSC_TRY(set_value(plan, value, type, shape, channels_last));
  *out = value;
  return NSC_OK;
}

nsc_status nsc_plan_alias(nsc_plan *plan, uint32_t value, uint32_t source, const nsc_shape *shape, bool channels_last) {
  NSC_TRY(set_value(plan, value, plan->values[source].type, shape, channels_last));
  nsc_value *v = nsc_plan_value(plan, value), *s = nsc_plan_value(plan, source);
  v->proto = s->proto;
  v->data = s->data;
  v->quant = s->quant && s->quant->constant ? s->quant : NULL;
  v->root = s->root;
  return NSC_OK;
}

nsc_status nsc_plan_own_constant(nsc_plan *plan, uint32_t value, void **out) {
  nsc_value *v = nsc_plan_value(plan, value);
  size_t count = 0, bytes;
  nsc_shape_count(&v->shape, &count);
  NSC_TRY(check_constant(plan, count, nsc_type_size(v->type), &bytes));
  v->owned = calloc(1, bytes + XNN_EXTRA_BYTES);
  if (!v->owned) return nsc_fail_memory(plan->err, bytes, "a constant");
  nsc_plan_hold(plan, bytes + XNN_EXTRA_BYTES);
  v->data = v->owned;
  *out = v->owned;
  return NSC_OK;
}

nsc_status nsc_plan_define_constant(nsc_plan *plan, uint32_t value, nsc_type type, const nsc_shape *shape,
                                    const void *data) {
  NSC_TRY(set_value(plan, value, type, shape, false));
  void *copy;
  NSC_TRY(nsc_plan_own_constant(plan, value, &copy));
  size_t count = 0;
  nsc_shape_count(shape, &count);
  if (type == NSC_TYPE_F16) {
    nsc_half_expand(data, count, copy);
  } else if (count) {
    memcpy(copy, data, count * nsc_type_size(type));
  }
  return NSC_OK;
}

static nsc_status expand_halves(nsc_plan *plan, const nsc_tensor_proto *proto, float *out) {
  const void *halves = proto->raw;
  if (!halves) {
    uint16_t *copy;
    NSC_TRY(nsc_plan_room(plan, proto->count, sizeof *copy, &copy));
    NSC_TRY(nsc_tensor_proto_read(proto, copy, plan->err));
    halves = copy;
  }
  nsc_half_expand(halves, proto->count, out);
  return NSC_OK;
}

nsc_status nsc_plan_load_constant(nsc_plan *plan, uint32_t value) {
  nsc_value *v = nsc_plan_value(plan, value);
  if (v->data) return NSC_OK;
  void *data;
  if (!v->proto) {
    NSC_TRY(nsc_plan_own_constant(plan, value, &data));
    return nsc_quant_expand(plan, value, data);
  }
  const nsc_tensor_proto *proto = v->proto;
  nsc_type type;
  if (!nsc_type_from_onnx(proto->onnx_type, &type)) {
    return nsc_fail(plan->err, NSC_ERROR_OPERATOR, "constant \"%.60s\" holds %s, which is not supported", proto->name,
                    nsc_onnx_type_name(proto->onnx_type));
  }
  NSC_TRY(nsc_plan_own_constant(plan, value, &data));
  return type == NSC_TYPE_F16 ? expand_halves(plan, proto, data) : nsc_tensor_proto_read(proto, data, plan->err);
}

bool nsc_floats_in_place(const nsc_tensor_proto *proto) {
  if (!proto || proto->onnx_type != 1 || !proto->raw) return false;
#ifdef __wasm__
  return true; /* loads of wasm take any address, and alignment is only a hint to them */
#else
  return (uintptr_t)proto->raw % sizeof(float) == 0;
#endif
}

nsc_status nsc_plan_floats(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, const float **out) {
  if (!nsc_plan_is_constant(plan, value)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s must be a constant", what);
  }
  uint32_t plain;
  NSC_TRY(nsc_plan_layout(plan, value, false, &plain));
  const nsc_value *v = nsc_plan_value(plan, plain);
  if (v->type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s is %s; float32 is supported", what,
                         nsc_type_name(v->type));
  }
  const nsc_tensor_proto *proto = v->proto;
  if (v->data) {
    *out = v->data;
  } else if (!proto) {
    size_t count = 0;
    float *copy;
    nsc_shape_count(&v->shape, &count);
    NSC_TRY(nsc_plan_room(plan, count, sizeof *copy, &copy));
    *out = copy;
    return nsc_quant_expand(plan, plain, copy);
  } else if (nsc_floats_in_place(proto)) {
    *out = (const float *)(const void *)proto->raw; /* in place: big weights are not copied twice */
  } else {
    float *copy;
    NSC_TRY(proto->file ? nsc_plan_outside(plan, proto->count * sizeof *copy, proto->offset, &copy)
                        : nsc_plan_room(plan, proto->count, sizeof *copy, &copy));
    *out = copy;
    return proto->onnx_type == 1 ? nsc_tensor_proto_read(proto, copy, plan->err) : expand_halves(plan, proto, copy);
  }
  return NSC_OK;
}

nsc_status nsc_plan_scalar(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, float *out) {
  const float *values;
  NSC_TRY(nsc_plan_floats(plan, node, value, what, &values));
  size_t count = 0;
  nsc_shape_count(&plan->values[value].shape, &count);
  if (count != 1) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s has %zu elements", what, count);
  *out = values[0];
  return NSC_OK;
}

nsc_status nsc_plan_ints(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, int64_t *out,
                         uint32_t capacity, uint32_t *count) {
  if (!nsc_plan_is_constant(plan, value)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s must be a constant", what);
  }
  NSC_TRY(nsc_plan_load_constant(plan, value));
  const nsc_value *v = nsc_plan_value(plan, value);
  size_t n = 0;
  nsc_shape_count(&v->shape, &n);
  if (n > capacity || v->type == NSC_TYPE_F32 || v->type == NSC_TYPE_F64 || v->type == NSC_TYPE_BOOL) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s is no list of at most %u integers", what, capacity);
  }
  for (size_t i = 0; i < n; i++) {
    out[i] = v->type == NSC_TYPE_I64 ? ((const int64_t *)v->data)[i]
                                     : (int64_t)nsc_element_real(v->data, (int64_t)i, v->type);
  }
  *count = (uint32_t)n;
  return NSC_OK;
}

nsc_status nsc_plan_elements(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, nsc_type type,
                             size_t count, const void **out) {
  if (!nsc_plan_is_constant(plan, value)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s must be a constant", what);
  }
  size_t have = 0;
  nsc_shape_count(&plan->values[value].shape, &have);
  if (have != count || plan->values[value].type != type) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s is not %zu of %s", what, count, nsc_type_name(type));
  }
  NSC_TRY(nsc_plan_keep_constant(plan, value));
  *out = plan->values[value].data;
  return NSC_OK;
}

typedef struct transpose_params {
  nsc_shape shape; /* of the input, physical */
  uint32_t perm[NSC_MAX_RANK];
  size_t size;
} transpose_params;

static void run_transpose(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const transpose_params *p = step->params;
  nsc_transpose(step->out[0], step->in[0], &p->shape, p->perm, p->size);
}

NSC_SETUP_1(setup_transpose, xnn_setup_transpose_nd_x32)

/* XNNPACK's transpose for 4-byte elements, a loop for the rest. */
nsc_status nsc_plan_add_transpose(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t from, uint32_t to,
                                  const uint32_t *perm) {
  nsc_shape physical = nsc_value_physical(nsc_plan_value(plan, from));
  size_t size = nsc_type_size(plan->values[from].type);
  if (size != 4 || physical.rank > XNN_MAX_TENSOR_DIMS || nsc_shape_product(&physical, 0, physical.rank) == 0) {
    transpose_params *params;
    NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
    params->shape = physical;
    params->size = size;
    memcpy(params->perm, perm, physical.rank * sizeof *perm);
    return nsc_plan_add_loop(plan, node, kind, from, to, run_transpose, params);
  }
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, kind, 1, 1, &step));
  step->inputs[0] = from;
  step->outputs[0] = to;
  step->setup = setup_transpose;
  size_t dims[NSC_MAX_RANK], order[NSC_MAX_RANK];
  for (uint32_t i = 0; i < physical.rank; i++) {
    dims[i] = (size_t)physical.dims[i];
    order[i] = perm[i];
  }
  NSC_TRY(nsc_plan_check(plan, node, xnn_create_transpose_nd_x32(0, &step->op)));
  return nsc_plan_check(plan, node, xnn_reshape_transpose_nd_x32(step->op, physical.rank, dims, order, plan->pool));
}

nsc_status nsc_plan_layout(nsc_plan *plan, uint32_t value, bool channels_last, uint32_t *out) {
  nsc_value *v = nsc_plan_value(plan, value);
  uint32_t rank = v->shape.rank;
  if (rank < 3 || v->channels_last == channels_last) {
    *out = value;
    return NSC_OK;
  }
  if (v->twin != NSC_NO_VALUE) {
    *out = v->twin;
    return NSC_OK;
  }
  uint32_t perm[NSC_MAX_RANK] = {0};
  if (channels_last) {
    nsc_channels_last_perm(rank, perm);
  } else {
    nsc_channels_first_perm(rank, perm);
  }
  nsc_shape physical = nsc_value_physical(v), shape = v->shape;
  uint32_t twin;
  NSC_TRY(nsc_plan_temporary(plan, v->type, &shape, channels_last, &twin));
  if (nsc_permutation_is_trivial(&physical, perm)) {
    NSC_TRY(nsc_plan_alias(plan, twin, value, &shape, channels_last));
  } else if (nsc_plan_is_constant(plan, value)) {
    NSC_TRY(nsc_plan_load_constant(plan, value));
    void *data;
    NSC_TRY(nsc_plan_own_constant(plan, twin, &data));
    nsc_transpose(data, plan->values[value].data, &physical, perm, nsc_type_size(plan->values[twin].type));
  } else {
    const nsc_node *node = &plan->model->nodes[plan->node < plan->model->node_count ? plan->node : 0];
    NSC_TRY(nsc_plan_add_transpose(plan, node, "Layout", value, twin, perm));
  }
  plan->values[value].twin = twin;
  plan->values[twin].twin = value;
  *out = twin;
  return NSC_OK;
}

/* A constant that a step reads at run time. */
nsc_status nsc_plan_keep_constant(nsc_plan *plan, uint32_t value) {
  NSC_TRY(nsc_plan_load_constant(plan, value));
  plan->values[value].read_by_step = true;
  return NSC_OK;
}
