/*
 * Elements picked and put by index: GatherElements, GatherND, ScatterElements, ScatterND, OneHot, TopK, CumSum, Trilu,
 * EyeLike. Exporters use them for relative position tables, masks and class tokens. An index that a graph computes at
 * run time and that lies outside gives zeros, or is left out: it must not reach other memory.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/operators.h"

static nsc_status read_axis(nsc_plan *plan, const nsc_node *node, int64_t otherwise, uint32_t rank, uint32_t *out) {
  int64_t axis = nsc_node_int(node, "axis", otherwise);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  *out = (uint32_t)axis;
  return NSC_OK;
}

static nsc_status need_indices(nsc_plan *plan, const nsc_node *node, uint32_t value) {
  nsc_type type = plan->values[value].type;
  if (type == NSC_TYPE_I64 || type == NSC_TYPE_I32) return NSC_OK;
  return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "its indices are %s, not integers", nsc_type_name(type));
}

/* Index i, counted from the end when negative; false when it lies outside of `size`. */
static bool index_at(const void *data, size_t i, nsc_type type, int64_t size, int64_t *out) {
  int64_t index = type == NSC_TYPE_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
  if (index < 0) index += size;
  *out = index;
  return index >= 0 && index < size;
}

/* A step whose inputs are the node's, all in ONNX's order. */
static nsc_status add_plain_step(nsc_plan *plan, const nsc_node *node, uint32_t inputs,
                                 void (*run)(nsc_step *, pthreadpool_t), void *params) {
  uint32_t plain[4];
  for (uint32_t i = 0; i < inputs; i++) NSC_TRY(nsc_plan_layout(plan, node->inputs[i], false, &plain[i]));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, node->op, inputs, 1, &step));
  for (uint32_t i = 0; i < inputs; i++) step->inputs[i] = plain[i];
  step->outputs[0] = node->outputs[0];
  step->run = run;
  step->params = params;
  return NSC_OK;
}

/* What scatter does where an element is there already. */
typedef enum reduction { REPLACE, ADD, MULTIPLY, MAXIMUM, MINIMUM } reduction;

static nsc_status read_reduction(nsc_plan *plan, const nsc_node *node, reduction *out) {
  static const char *const names[] = {"none", "add", "mul", "max", "min"};
  const char *name = nsc_node_string(node, "reduction", "none");
  for (int i = 0; i < 5; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *out = (reduction)i;
    return NSC_OK;
  }
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "reduction \"%.20s\" is not supported", name);
}

static double reduced(reduction how, double old, double value) {
  switch (how) {
    case ADD:
      return old + value;
    case MULTIPLY:
      return old * value;
    case MAXIMUM:
      return old > value ? old : value;
    case MINIMUM:
      return old < value ? old : value;
    default:
      return value;
  }
}

static void put_element(void *data, size_t at, const void *values, size_t i, nsc_type type, reduction how) {
  size_t size = nsc_type_size(type);
  if (how == REPLACE) {
    memcpy((uint8_t *)data + at * size, (const uint8_t *)values + i * size, size);
    return;
  }
  double value = reduced(how, nsc_element_real(data, (int64_t)at, type), nsc_element_real(values, (int64_t)i, type));
  switch (type) {
    case NSC_TYPE_F32:
      ((float *)data)[at] = (float)value;
      break;
    case NSC_TYPE_F64:
      ((double *)data)[at] = value;
      break;
    case NSC_TYPE_I64:
      ((int64_t *)data)[at] = fabs(value) < 9e18 ? (int64_t)value : 0;
      break;
    case NSC_TYPE_I32:
      ((int32_t *)data)[at] = fabs(value) < 2e9 ? (int32_t)value : 0;
      break;
    default:
      ((uint8_t *)data)[at] = fabs(value) < 256 ? (uint8_t)(int)value : 0;
      break;
  }
}

/* ---- GatherElements, ScatterElements: one index an element ---- */

typedef struct elements_params {
  nsc_shape places; /* of the indices */
  int64_t strides[NSC_MAX_RANK], size;
  uint32_t axis;
  nsc_type type, index_type;
  size_t whole; /* elements of the data */
  reduction how;
} elements_params;

static void visit_elements(nsc_step *step, const elements_params *p, bool scatter) {
  size_t count = nsc_shape_product(&p->places, 0, p->places.rank), size = nsc_type_size(p->type);
  int64_t at[NSC_MAX_RANK] = {0};
  for (size_t i = 0; i < count; i++) {
    int64_t index, from = 0;
    bool inside = index_at(step->in[1], i, p->index_type, p->size, &index);
    for (uint32_t d = 0; d < p->places.rank; d++) from += (d == p->axis ? index : at[d]) * p->strides[d];
    if (scatter) {
      if (inside) put_element(step->out[0], (size_t)from, step->in[2], i, p->type, p->how);
    } else if (inside) {
      memcpy((uint8_t *)step->out[0] + i * size, (const uint8_t *)step->in[0] + (size_t)from * size, size);
    } else {
      memset((uint8_t *)step->out[0] + i * size, 0, size);
    }
    for (uint32_t d = p->places.rank; d-- > 0;) {
      if (++at[d] < p->places.dims[d]) break;
      at[d] = 0;
    }
  }
}

static void run_gather_elements(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  visit_elements(step, step->params, false);
}

static void run_scatter_elements(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const elements_params *p = step->params;
  if (p->whole) memcpy(step->out[0], step->in[0], p->whole * nsc_type_size(p->type));
  visit_elements(step, p, true);
}

static nsc_status lower_elements(nsc_plan *plan, const nsc_node *node) {
  bool scatter = node->op[0] == 'S';
  NSC_TRY(nsc_plan_need_inputs(plan, node, scatter ? 3 : 2));
  NSC_TRY(need_indices(plan, node, node->inputs[1]));
  nsc_shape data = plan->values[node->inputs[0]].shape, places = plan->values[node->inputs[1]].shape;
  nsc_type type = plan->values[node->inputs[0]].type;
  elements_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_axis(plan, node, 0, data.rank, &p->axis));
  bool fits = places.rank == data.rank;
  for (uint32_t i = 0; i < data.rank && fits; i++) fits = i == p->axis || places.dims[i] <= data.dims[i];
  if (scatter) {
    const nsc_value *updates = nsc_plan_value(plan, node->inputs[2]);
    fits = fits && nsc_shape_equal(&updates->shape, &places) && updates->type == type;
    NSC_TRY(read_reduction(plan, node, &p->how));
  }
  if (!fits) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "its indices do not fit the data");
  p->places = places;
  nsc_shape_strides(&data, p->strides);
  p->size = data.dims[p->axis];
  p->type = type;
  p->index_type = plan->values[node->inputs[1]].type;
  nsc_shape_count(&data, &p->whole);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, scatter ? &data : &places, false));
  return add_plain_step(plan, node, scatter ? 3 : 2, scatter ? run_scatter_elements : run_gather_elements, p);
}

/* ---- GatherND, ScatterND: a row of indices a slice ---- */

typedef struct slices_params {
  size_t batch, rows, depth; /* of the indices: [batch][rows][depth] */
  size_t inner;              /* elements of a slice */
  size_t whole;              /* elements of the data; of one batch of it */
  int64_t sizes[NSC_MAX_RANK], strides[NSC_MAX_RANK];
  nsc_type type, index_type;
  reduction how;
} slices_params;

/* The slice that row `r` names, as an offset in elements; false when it lies outside. */
static bool slice_at(const slices_params *p, const void *indices, size_t r, size_t *out) {
  int64_t at = 0;
  for (size_t d = 0; d < p->depth; d++) {
    int64_t index;
    if (!index_at(indices, r * p->depth + d, p->index_type, p->sizes[d], &index)) return false;
    at += index * p->strides[d];
  }
  *out = (size_t)at;
  return true;
}

static void run_gather_nd(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const slices_params *p = step->params;
  size_t size = nsc_type_size(p->type), bytes = p->inner * size, at;
  uint8_t *out = step->out[0];
  for (size_t r = 0; r < p->batch * p->rows; r++, out += bytes) {
    const uint8_t *data = (const uint8_t *)step->in[0] + r / p->rows * p->whole * size;
    if (slice_at(p, step->in[1], r, &at)) {
      memcpy(out, data + at * size, bytes);
    } else {
      memset(out, 0, bytes);
    }
  }
}

static void run_scatter_nd(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const slices_params *p = step->params;
  size_t at;
  if (p->whole) memcpy(step->out[0], step->in[0], p->whole * nsc_type_size(p->type));
  for (size_t r = 0; r < p->rows; r++) {
    if (!slice_at(p, step->in[1], r, &at)) continue;
    for (size_t i = 0; i < p->inner; i++) {
      put_element(step->out[0], at + i, step->in[2], r * p->inner + i, p->type, p->how);
    }
  }
}

/* Sizes and strides of the dimensions that an index row walks, after `batch_dims` that data and indices share. */
static nsc_status read_slices(nsc_plan *plan, const nsc_node *node, uint32_t batch_dims, slices_params *p) {
  nsc_shape data = plan->values[node->inputs[0]].shape, places = plan->values[node->inputs[1]].shape;
  int64_t strides[NSC_MAX_RANK];
  NSC_TRY(need_indices(plan, node, node->inputs[1]));
  bool fits = places.rank > batch_dims && data.rank > batch_dims;
  for (uint32_t i = 0; i < batch_dims && fits; i++) fits = places.dims[i] == data.dims[i];
  int64_t depth = fits ? places.dims[places.rank - 1] : 0;
  if (!fits || depth < 1 || depth > data.rank - batch_dims) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "its indices do not fit the data");
  }
  nsc_shape_strides(&data, strides);
  p->depth = (size_t)depth;
  p->batch = nsc_shape_product(&places, 0, batch_dims);
  p->rows = nsc_shape_product(&places, batch_dims, places.rank - 1);
  p->whole = nsc_shape_product(&data, batch_dims, data.rank);
  p->inner = nsc_shape_product(&data, batch_dims + (uint32_t)depth, data.rank);
  for (uint32_t d = 0; d < (uint32_t)depth; d++) {
    p->sizes[d] = data.dims[batch_dims + d];
    p->strides[d] = strides[batch_dims + d];
  }
  p->type = plan->values[node->inputs[0]].type;
  p->index_type = plan->values[node->inputs[1]].type;
  return NSC_OK;
}

static nsc_status lower_gather_nd(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape data = plan->values[node->inputs[0]].shape, out = plan->values[node->inputs[1]].shape;
  int64_t batch_dims = nsc_node_int(node, "batch_dims", 0);
  if (batch_dims < 0 || batch_dims > NSC_MAX_RANK) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "batch_dims is out of range");
  }
  slices_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_slices(plan, node, (uint32_t)batch_dims, p));
  out.rank--;
  for (uint32_t d = (uint32_t)batch_dims + (uint32_t)p->depth; d < data.rank; d++) {
    if (out.rank == NSC_MAX_RANK) return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "too many dimensions");
    out.dims[out.rank++] = data.dims[d];
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], p->type, &out, false));
  return add_plain_step(plan, node, 2, run_gather_nd, p);
}

static nsc_status lower_scatter_nd(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  slices_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(read_slices(plan, node, 0, p));
  NSC_TRY(read_reduction(plan, node, &p->how));
  const nsc_value *updates = nsc_plan_value(plan, node->inputs[2]);
  nsc_shape data = plan->values[node->inputs[0]].shape;
  if (nsc_shape_product(&updates->shape, 0, updates->shape.rank) != p->rows * p->inner || updates->type != p->type) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "its updates do not fit the indices");
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], p->type, &data, false));
  return add_plain_step(plan, node, 3, run_scatter_nd, p);
}

/* ---- OneHot ---- */

typedef struct one_hot_params {
  size_t outer, inner;
  int64_t depth;
  nsc_type index_type, type;
} one_hot_params;

static void run_one_hot(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const one_hot_params *p = step->params;
  size_t size = nsc_type_size(p->type);
  const uint8_t *off = step->in[2], *on = off + size;
  uint8_t *out = step->out[0];
  for (size_t o = 0; o < p->outer; o++) {
    for (int64_t k = 0; k < p->depth; k++) {
      for (size_t i = 0; i < p->inner; i++, out += size) {
        double index = nsc_element_real(step->in[0], (int64_t)(o * p->inner + i), p->index_type);
        if (index < 0) index += (double)p->depth;
        memcpy(out, index == (double)k ? on : off, size);
      }
    }
  }
}

static nsc_status lower_one_hot(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  const nsc_value *index = nsc_plan_value(plan, node->inputs[0]), *values = nsc_plan_value(plan, node->inputs[2]);
  nsc_shape places = index->shape, out = {.rank = places.rank + 1};
  one_hot_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (one_hot_params){.index_type = index->type, .type = values->type};
  if (values->shape.rank != 1 || values->shape.dims[0] != 2 || places.rank >= NSC_MAX_RANK) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "values does not have two elements, or the rank is too large");
  }
  uint32_t axis, count = 0;
  NSC_TRY(read_axis(plan, node, -1, out.rank, &axis));
  if (plan->values[node->inputs[1]].type == NSC_TYPE_F32) {
    float depth;
    NSC_TRY(nsc_plan_scalar(plan, node, node->inputs[1], "depth", &depth));
    p->depth = depth >= 0 && depth < 1e6f ? (int64_t)depth : -1;
  } else {
    NSC_TRY(nsc_plan_ints(plan, node, node->inputs[1], "depth", &p->depth, 1, &count));
  }
  if (p->depth < 0 || p->depth > 1000000) return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "depth is out of range");
  for (uint32_t i = 0, from = 0; i < out.rank; i++) out.dims[i] = i == axis ? p->depth : places.dims[from++];
  p->outer = nsc_shape_product(&places, 0, axis);
  p->inner = nsc_shape_product(&places, axis, places.rank);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], p->type, &out, false));
  return add_plain_step(plan, node, 3, run_one_hot, p);
}

/* ---- CumSum ---- */

typedef struct cumsum_params {
  size_t outer, count, inner;
  bool exclusive, reverse;
  nsc_type type;
} cumsum_params;

static void run_cumsum(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const cumsum_params *p = step->params;
  for (size_t line = 0; line < p->outer * p->inner; line++) {
    size_t base = line / p->inner * p->count * p->inner + line % p->inner;
    double real = 0;
    uint64_t whole = 0;
    for (size_t k = 0; k < p->count; k++) {
      size_t at = base + (p->reverse ? p->count - 1 - k : k) * p->inner;
      bool integer = p->type == NSC_TYPE_I64 || p->type == NSC_TYPE_I32;
      double x = integer ? 0 : nsc_element_real(step->in[0], (int64_t)at, p->type), before = real;
      uint64_t n = p->type == NSC_TYPE_I64   ? (uint64_t)((const int64_t *)step->in[0])[at]
                   : p->type == NSC_TYPE_I32 ? (uint64_t)(int64_t)((const int32_t *)step->in[0])[at]
                                             : 0,
               whole_before = whole;
      real += x;
      whole += n;
      if (p->type == NSC_TYPE_F32) ((float *)step->out[0])[at] = (float)(p->exclusive ? before : real);
      if (p->type == NSC_TYPE_F64) ((double *)step->out[0])[at] = p->exclusive ? before : real;
      uint64_t sum = p->exclusive ? whole_before : whole;
      if (p->type == NSC_TYPE_I64) ((int64_t *)step->out[0])[at] = (int64_t)sum;
      if (p->type == NSC_TYPE_I32) ((int32_t *)step->out[0])[at] = (int32_t)(uint32_t)sum;
    }
  }
}

static nsc_status lower_cumsum(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  nsc_type type = plan->values[node->inputs[0]].type;
  int64_t axis = 0;
  uint32_t count;
  NSC_TRY(nsc_plan_ints(plan, node, node->inputs[1], "axis", &axis, 1, &count));
  if (axis < 0) axis += shape.rank;
  bool summable = type == NSC_TYPE_F32 || type == NSC_TYPE_F64 || type == NSC_TYPE_I64 || type == NSC_TYPE_I32;
  if (count != 1 || axis < 0 || axis >= shape.rank || !summable) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "axis or type is not supported");
  }
  cumsum_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (cumsum_params){.outer = nsc_shape_product(&shape, 0, (uint32_t)axis),
                       .count = (size_t)shape.dims[axis],
                       .inner = nsc_shape_product(&shape, (uint32_t)axis + 1, shape.rank),
                       .exclusive = nsc_node_int(node, "exclusive", 0) != 0,
                       .reverse = nsc_node_int(node, "reverse", 0) != 0,
                       .type = type};
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, false));
  return add_plain_step(plan, node, 1, run_cumsum, p);
}

/* ---- Trilu, EyeLike ---- */

typedef struct triangle_params {
  size_t matrices, rows, columns, size;
  int64_t k;
  bool upper;
} triangle_params;

static void run_trilu(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const triangle_params *p = step->params;
  const uint8_t *in = step->in[0];
  uint8_t *out = step->out[0];
  for (size_t m = 0; m < p->matrices; m++) {
    for (size_t r = 0; r < p->rows; r++) {
      for (size_t c = 0; c < p->columns; c++, in += p->size, out += p->size) {
        /* How far right of diagonal k; counts are below 2^31, so nothing overflows. */
        int64_t right = (int64_t)c - (int64_t)r - p->k;
        if (p->upper ? right >= 0 : right <= 0) {
          memcpy(out, in, p->size);
        } else {
          memset(out, 0, p->size);
        }
      }
    }
  }
}

static nsc_status lower_trilu(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape shape = plan->values[node->inputs[0]].shape;
  nsc_type type = plan->values[node->inputs[0]].type;
  int64_t k = 0;
  uint32_t diagonal = nsc_node_input(node, 1), count = 1;
  if (diagonal != NSC_NO_VALUE) NSC_TRY(nsc_plan_ints(plan, node, diagonal, "k", &k, 1, &count));
  if (shape.rank < 2 || count != 1) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the input is no matrix");
  if (k > INT32_MAX) k = INT32_MAX;
  if (k < -INT32_MAX) k = -INT32_MAX;
  triangle_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (triangle_params){.matrices = nsc_shape_product(&shape, 0, shape.rank - 2),
                         .rows = (size_t)shape.dims[shape.rank - 2],
                         .columns = (size_t)shape.dims[shape.rank - 1],
                         .size = nsc_type_size(type),
                         .k = k,
                         .upper = nsc_node_int(node, "upper", 1) != 0};
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, false));
  return add_plain_step(plan, node, 1, run_trilu, p);
}

static nsc_status lower_eye_like(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *like = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = like->shape;
  nsc_type type = like->type;
  int32_t asked = (int32_t)nsc_node_int(node, "dtype", 0);
  if (shape.rank != 2 || (asked && !nsc_type_from_onnx(asked, &type))) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its shape or type is not supported");
  }
  int64_t k = nsc_node_int(node, "k", 0), columns = shape.dims[1];
  size_t count = 0, size = nsc_type_size(type);
  nsc_shape_count(&shape, &count);
  static const float one_f32 = 1;
  static const double one_f64 = 1;
  static const uint16_t one_f16 = 0x3C00;
  const int64_t one_int = 1; /* little endian: the low bytes come first */
  const void *one = type == NSC_TYPE_F32   ? (const void *)&one_f32
                    : type == NSC_TYPE_F64 ? (const void *)&one_f64
                    : type == NSC_TYPE_F16 ? (const void *)&one_f16
                                           : (const void *)&one_int;
  uint8_t *data;
  NSC_TRY(nsc_plan_scratch(plan, count, size, &data));
  for (int64_t r = 0; r < shape.dims[0]; r++) {
    if (k > columns || k < -shape.dims[0] || r + k < 0 || r + k >= columns) continue;
    memcpy(data + (size_t)(r * columns + r + k) * size, one, size);
  }
  return nsc_plan_define_constant(plan, node->outputs[0], type, &shape, data);
}

const nsc_operator nsc_index_operators[] = {
    {"GatherElements", lower_elements}, {"ScatterElements", lower_elements},
    {"Scatter", lower_elements},        {"GatherND", lower_gather_nd},
    {"ScatterND", lower_scatter_nd},    {"OneHot", lower_one_hot},
    {"CumSum", lower_cumsum},           {"Trilu", lower_trilu},
    {"EyeLike", lower_eye_like},        {NULL, NULL},
};
