/* Scales and zero points; constants that are expanded when they are read; the signed twins of uint8 values. */
#include "nn/quant.h"

#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/plan_private.h"

/* ---- parameters ---- */

static size_t count_of(const nsc_plan *plan, uint32_t value) {
  size_t count = 0;
  nsc_shape_count(&plan->values[value].shape, &count);
  return count;
}

static nsc_status read_scale(nsc_plan *plan, const nsc_node *node, uint32_t scale, nsc_quant_params *p) {
  if (plan->values[scale].shape.rank > 1) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "scales of blocks are not supported");
  }
  const float *values;
  float *copy;
  NSC_TRY(nsc_plan_floats(plan, node, scale, "the scale", &values));
  p->channels = (uint32_t)count_of(plan, scale);
  if (p->channels == 0) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the scale is empty");
  NSC_TRY(nsc_plan_alloc(plan, p->channels, sizeof *copy, &copy));
  for (uint32_t c = 0; c < p->channels; c++) {
    if (!(values[c] > 0) || isinf(values[c])) {
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "scale %u is %g; it must be positive and finite", c,
                           (double)values[c]);
    }
    copy[c] = values[c];
  }
  p->scale = copy;
  return NSC_OK;
}

static nsc_status read_zero(nsc_plan *plan, const nsc_node *node, uint32_t zero, nsc_quant_params *p) {
  int32_t *copy;
  NSC_TRY(nsc_plan_alloc(plan, p->channels, sizeof *copy, &copy));
  p->zero = copy;
  if (zero == NSC_NO_VALUE) return NSC_OK;
  if (!nsc_plan_is_constant(plan, zero)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "the zero point must be a constant");
  }
  NSC_TRY(nsc_plan_load_constant(plan, zero));
  const nsc_value *v = nsc_plan_value(plan, zero);
  if (v->type != p->type) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "its zero point is %s, its integers are %s",
                         nsc_type_name(v->type), nsc_type_name(p->type));
  }
  size_t count = count_of(plan, zero);
  if (count != p->channels || v->shape.rank > 1) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%zu zero points for %u scales", count, p->channels);
  }
  for (uint32_t c = 0; c < p->channels; c++) copy[c] = (int32_t)nsc_element_real(v->data, c, v->type);
  return NSC_OK;
}

static nsc_status place_channels(nsc_plan *plan, const nsc_node *node, uint32_t value, int64_t axis,
                                 nsc_quant_params *p) {
  const nsc_value *v = nsc_plan_value(plan, value);
  p->outer = 1;
  p->inner = count_of(plan, value);
  if (p->channels == 1) return NSC_OK;
  int64_t rank = v->shape.rank, at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "axis %lld of a tensor with %lld dimensions", (long long)axis,
                         (long long)rank);
  }
  if (v->shape.dims[at] != (int64_t)p->channels) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%u scales for %lld channels", p->channels,
                         (long long)v->shape.dims[at]);
  }
  nsc_shape physical = nsc_value_physical(v);
  if (v->channels_last && at > 0) at = at == 1 ? rank - 1 : at - 1;
  p->outer = nsc_shape_product(&physical, 0, (uint32_t)at);
  p->inner = nsc_shape_product(&physical, (uint32_t)at + 1, physical.rank);
  return NSC_OK;
}

nsc_status nsc_quant_params_read(nsc_plan *plan, const nsc_node *node, uint32_t value, uint32_t scale, uint32_t zero,
                                 nsc_type type, int64_t axis, nsc_quant_params *out) {
  nsc_quant_params p = {.type = type};
  NSC_TRY(read_scale(plan, node, scale, &p));
  NSC_TRY(read_zero(plan, node, zero, &p));
  NSC_TRY(place_channels(plan, node, value, axis, &p));
  *out = p;
  return NSC_OK;
}

nsc_status nsc_quant_output_type(nsc_plan *plan, const nsc_node *node, nsc_type *out) {
  uint32_t zero = nsc_node_input(node, 2);
  int64_t named = nsc_node_int(node, "output_dtype", 0);
  *out = NSC_TYPE_U8;
  if (zero != NSC_NO_VALUE) {
    const nsc_tensor_proto *proto = plan->values[zero].proto;
    if (proto) named = proto->onnx_type;
    *out = plan->values[zero].type;
  }
  if (named && (!nsc_type_from_onnx((int32_t)named, out) || (*out != NSC_TYPE_U8 && *out != NSC_TYPE_I8))) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "quantising to %s is not supported",
                         nsc_onnx_type_name((int32_t)named));
  }
  return NSC_OK;
}

/* ---- constants ---- */

nsc_status nsc_quant_bytes(nsc_plan *plan, uint32_t value, const uint8_t **out) {
  const nsc_value *v = nsc_plan_value(plan, value);
  const nsc_tensor_proto *proto = v->proto;
  nsc_type type;
  if (!v->data && nsc_type_from_onnx(proto->onnx_type, &type) && nsc_type_size(type) == 1) {
    *out = proto->raw;
    if (*out) return NSC_OK;
    uint8_t *copy;
    NSC_TRY(proto->file ? nsc_plan_outside(plan, proto->count, proto->offset, &copy)
                        : nsc_plan_room(plan, proto->count, 1, &copy));
    *out = copy;
    return nsc_tensor_proto_read(proto, copy, plan->err);
  }
  NSC_TRY(nsc_plan_load_constant(plan, value));
  *out = plan->values[value].data;
  return NSC_OK;
}

nsc_status nsc_quant_expand(nsc_plan *plan, uint32_t value, float *out) {
  const nsc_quant *q = plan->values[value].quant;
  nsc_type type = plan->values[q->source].type;
  size_t count = count_of(plan, value), run = q->inner ? q->inner : 1;
  const uint8_t *bytes = NULL;
  const int32_t *words = NULL;
  if (type == NSC_TYPE_I32) {
    NSC_TRY(nsc_plan_load_constant(plan, q->source));
    words = plan->values[q->source].data;
  } else {
    NSC_TRY(nsc_quant_bytes(plan, q->source, &bytes));
  }
  for (size_t i = 0, r = 0; i < count; i += run, r++) {
    size_t c = r % q->channels;
    float scale = q->scale[c];
    int32_t zero = q->zero[c];
    for (size_t k = i; k < i + run; k++) {
      if (words) {
        out[k] = (float)((double)words[k] - zero) * scale;
      } else {
        out[k] = (float)((type == NSC_TYPE_I8 ? (int8_t)bytes[k] : bytes[k]) - zero) * scale;
      }
    }
  }
  return NSC_OK;
}

/* ---- signed twins ---- */

typedef struct bytes_task {
  const uint8_t *in;
  uint8_t *out;
} bytes_task;

static void flip_part(void *context, size_t from, size_t count) {
  const bytes_task *t = context;
  for (size_t i = from; i < from + count; i++) t->out[i] = t->in[i] ^ 0x80;
}

/* uint8 to the signed byte that is 128 less, and back: the same operation. */
static void run_flip(nsc_step *step, pthreadpool_t pool) {
  bytes_task task = {step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, flip_part, &task, *(const size_t *)step->params, 65536, 0);
}

static nsc_status add_flip(nsc_plan *plan, const nsc_node *node, uint32_t from, uint32_t to) {
  size_t *count;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *count, &count));
  *count = count_of(plan, from);
  return nsc_plan_add_loop(plan, node, "Sign", from, to, run_flip, count);
}

static nsc_status set_twin(nsc_plan *plan, uint32_t value, uint32_t twin) {
  nsc_quant *q;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *q, &q));
  q->source = twin;
  plan->values[value].quant = q;
  return NSC_OK;
}

nsc_status nsc_quant_signed(nsc_plan *plan, const nsc_node *node, uint32_t value, uint32_t *out) {
  const nsc_value *v = nsc_plan_value(plan, value);
  *out = value;
  if (v->type == NSC_TYPE_I8) return NSC_OK;
  if (v->quant) {
    *out = v->quant->source;
    return NSC_OK;
  }
  nsc_shape shape = v->shape;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_I8, &shape, v->channels_last, out));
  NSC_TRY(add_flip(plan, node, value, *out));
  return set_twin(plan, value, *out);
}

nsc_status nsc_quant_begin(nsc_plan *plan, uint32_t output, nsc_type type, const nsc_shape *shape, bool channels_last,
                           uint32_t *integers) {
  NSC_TRY(nsc_plan_define(plan, output, type, shape, channels_last));
  *integers = output;
  if (type == NSC_TYPE_I8) return NSC_OK;
  return nsc_plan_temporary(plan, NSC_TYPE_I8, shape, channels_last, integers);
}

nsc_status nsc_quant_finish(nsc_plan *plan, const nsc_node *node, uint32_t output, uint32_t integers) {
  if (integers == output) return NSC_OK;
  NSC_TRY(add_flip(plan, node, integers, output));
  return set_twin(plan, output, integers);
}

const nsc_quant *nsc_quant_of(const nsc_plan *plan, uint32_t value) {
  if (value == NSC_NO_VALUE) return NULL;
  const nsc_value *v = &plan->values[value];
  return v->type == NSC_TYPE_F32 && v->quant && !v->quant->constant ? v->quant : NULL;
}

/* ---- tables ---- */

typedef struct table_params {
  size_t count;
  uint8_t table[256];
} table_params;

typedef struct table_task {
  const table_params *params;
  const uint8_t *in;
  uint8_t *out;
} table_task;

static void table_part(void *context, size_t from, size_t count) {
  const table_task *t = context;
  const uint8_t *table = t->params->table;
  for (size_t i = from; i < from + count; i++) t->out[i] = table[t->in[i]];
}

static void run_table(nsc_step *step, pthreadpool_t pool) {
  const table_params *p = step->params;
  table_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, table_part, &task, p->count, 16384, 0);
}

nsc_status nsc_quant_table(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input, uint32_t output,
                           const int8_t table[256]) {
  table_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->count = count_of(plan, input);
  memcpy(p->table, table, sizeof p->table);
  return nsc_plan_add_loop(plan, node, kind, input, output, run_table, p);
}
