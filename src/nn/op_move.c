/*
 * Operators that move elements: Transpose, Slice, Split, Concat, Gather, Pad, Expand, Tile, DepthToSpace, SpaceToDepth.
 * All are strided copies. Those along an axis work in whichever layout their input has.
 */
#include <string.h>

#include "nn/op_parts.h"
#include "nn/operators.h"

/* Where ONNX dimension `axis` stands in memory. */
static uint32_t physical_axis(const nsc_value *v, uint32_t axis) {
  if (!v->channels_last || axis == 0) return axis;
  return axis == 1 ? v->shape.rank - 1 : axis - 1;
}

static nsc_status normalise_axis(nsc_plan *plan, const nsc_node *node, int64_t axis, uint32_t rank, uint32_t *out) {
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axis is out of range");
  *out = (uint32_t)axis;
  return NSC_OK;
}

/* ---- one strided read ---- */

typedef struct read_params {
  nsc_shape shape; /* of the output, physical */
  int64_t strides[NSC_MAX_RANK];
  int64_t offset; /* elements */
  size_t size;
} read_params;

static void run_read(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const read_params *p = step->params;
  const uint8_t *from = (const uint8_t *)step->in[0] + p->offset * (int64_t)p->size;
  nsc_gather_strided(step->out[0], from, &p->shape, p->strides, p->size);
}

static nsc_status add_read(nsc_plan *plan, const nsc_node *node, const read_params *given, uint32_t input,
                           uint32_t output) {
  read_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = *given;
  params->size = nsc_type_size(plan->values[input].type);
  return nsc_plan_add_loop(plan, node, node->op, input, output, run_read, params);
}

/* ---- Transpose ---- */

static bool same_perm(const uint32_t *a, const uint32_t *b, uint32_t rank) {
  return memcmp(a, b, rank * sizeof *a) == 0;
}

static nsc_status lower_transpose(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input = node->inputs[0], rank = plan->values[input].shape.rank;
  nsc_shape shape = plan->values[input].shape;
  uint32_t perm[NSC_MAX_RANK], to_last[NSC_MAX_RANK], to_first[NSC_MAX_RANK];
  const nsc_attribute *a = nsc_node_attribute(node, "perm");
  if (a && (a->kind != NSC_ATTRIBUTE_INTS || a->count != rank)) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "perm does not have %u numbers", rank);
  }
  bool used[NSC_MAX_RANK] = {false};
  for (uint32_t i = 0; i < rank; i++) {
    int64_t from = a ? a->ints[i] : rank - 1 - i;
    if (from < 0 || from >= rank || used[from])
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "perm is no permutation");
    used[from] = true;
    perm[i] = (uint32_t)from;
  }
  nsc_channels_last_perm(rank, to_last);
  nsc_channels_first_perm(rank, to_first);
  nsc_shape out = nsc_shape_permute(&shape, perm);
  bool channels_last = plan->values[input].channels_last;
  /* What other frameworks write between layouts is only another name for the memory as it stands. */
  if (rank >= 3 && channels_last && same_perm(perm, to_last, rank)) {
    return nsc_plan_alias(plan, node->outputs[0], input, &out, false);
  }
  if (rank >= 3 && !channels_last && same_perm(perm, to_first, rank)) {
    return nsc_plan_alias(plan, node->outputs[0], input, &out, true);
  }
  nsc_shape physical = nsc_value_physical(nsc_plan_value(plan, input));
  for (uint32_t i = 0; i < rank; i++) perm[i] = physical_axis(nsc_plan_value(plan, input), perm[i]);
  if (nsc_permutation_is_trivial(&physical, perm)) return nsc_plan_alias(plan, node->outputs[0], input, &out, false);
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], plan->values[input].type, &out, false));
  return nsc_plan_add_transpose(plan, node, "Transpose", input, node->outputs[0], perm);
}

/* ---- Slice ---- */

typedef struct slices {
  uint32_t count;
  int64_t starts[NSC_MAX_RANK], ends[NSC_MAX_RANK], axes[NSC_MAX_RANK], steps[NSC_MAX_RANK];
} slices;

static nsc_status read_slices(nsc_plan *plan, const nsc_node *node, slices *s) {
  static const char *const names[] = {"starts", "ends", "axes", "steps"};
  int64_t *lists[] = {s->starts, s->ends, s->axes, s->steps};
  uint32_t counts[4] = {0};
  for (uint32_t i = 0; i < 4; i++) {
    const nsc_attribute *a = nsc_node_attribute(node, names[i]);
    uint32_t value = nsc_node_input(node, i + 1);
    if (value != NSC_NO_VALUE) {
      NSC_TRY(nsc_plan_ints(plan, node, value, names[i], lists[i], NSC_MAX_RANK, &counts[i]));
    } else if (a && a->kind == NSC_ATTRIBUTE_INTS && a->count <= NSC_MAX_RANK) {
      counts[i] = a->count;
      if (a->count) memcpy(lists[i], a->ints, a->count * sizeof(int64_t));
    } else if (i < 2) {
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s is missing", names[i]);
    }
  }
  s->count = counts[0];
  for (uint32_t i = 0; i < s->count; i++) {
    if (!counts[2]) s->axes[i] = i;
    if (!counts[3]) s->steps[i] = 1;
  }
  if (counts[1] != s->count || (counts[2] && counts[2] != s->count) || (counts[3] && counts[3] != s->count)) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "starts, ends, axes and steps differ in length");
  }
  return NSC_OK;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

static nsc_status lower_slice(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  slices s;
  NSC_TRY(read_slices(plan, node, &s));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape physical = nsc_value_physical(v), out = v->shape;
  read_params p = {.shape = physical};
  nsc_shape_strides(&physical, p.strides);
  for (uint32_t i = 0; i < s.count; i++) {
    uint32_t axis;
    NSC_TRY(normalise_axis(plan, node, s.axes[i], out.rank, &axis));
    int64_t size = v->shape.dims[axis], step = s.steps[i];
    if (step == 0 || step == INT64_MIN) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "a step is zero");
    int64_t start = s.starts[i] < 0 ? s.starts[i] + size : s.starts[i];
    int64_t end = s.ends[i] < 0 && s.ends[i] >= -size ? s.ends[i] + size : s.ends[i];
    start = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    int64_t span = step > 0 ? end - start : start - end;
    int64_t stride = step > 0 ? step : -step;
    int64_t count = size == 0 || span <= 0 ? 0 : (span - 1) / stride + 1;
    uint32_t at = physical_axis(v, axis);
    p.offset += count ? start * p.strides[at] : 0;
    /* With one element left the step does not matter, and may be huge. */
    p.strides[at] = count > 1 ? p.strides[at] * step : p.strides[at];
    p.shape.dims[at] = out.dims[axis] = count;
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], v->type, &out, v->channels_last));
  return add_read(plan, node, &p, node->inputs[0], node->outputs[0]);
}

/* ---- Split: one read an output ---- */

static nsc_status lower_split(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t input = node->inputs[0], axis, count = 0, outputs = node->output_count;
  nsc_shape shape = plan->values[input].shape;
  NSC_TRY(normalise_axis(plan, node, nsc_node_int(node, "axis", 0), shape.rank, &axis));
  int64_t *sizes;
  NSC_TRY(nsc_plan_scratch(plan, outputs, sizeof *sizes, &sizes));
  const nsc_attribute *a = nsc_node_attribute(node, "split");
  uint32_t value = nsc_node_input(node, 1);
  if (value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, value, "split", sizes, outputs, &count));
  } else if (a && a->kind == NSC_ATTRIBUTE_INTS && a->count <= outputs) {
    count = a->count;
    if (count) memcpy(sizes, a->ints, count * sizeof *sizes);
  }
  int64_t total = 0, each = (shape.dims[axis] + outputs - 1) / outputs;
  for (uint32_t i = 0; i < outputs; i++) {
    if (!count) sizes[i] = clamp(shape.dims[axis] - total, 0, each);
    if (sizes[i] < 0 || sizes[i] > shape.dims[axis] - total) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the parts are larger than the whole");
    }
    total += sizes[i];
  }
  if (total != shape.dims[axis]) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the parts do not make the whole");
  int64_t start = 0;
  for (uint32_t i = 0; i < outputs; i++) {
    nsc_shape part = shape;
    part.dims[axis] = sizes[i];
    const nsc_value *v = nsc_plan_value(plan, input);
    nsc_shape physical = nsc_value_physical(v);
    uint32_t at = physical_axis(v, axis);
    read_params p = {.shape = physical};
    nsc_shape_strides(&physical, p.strides);
    p.shape.dims[at] = sizes[i];
    p.offset = start * p.strides[at];
    start += sizes[i];
    if (node->outputs[i] == NSC_NO_VALUE) continue;
    NSC_TRY(nsc_plan_define(plan, node->outputs[i], v->type, &part, v->channels_last));
    NSC_TRY(add_read(plan, node, &p, input, node->outputs[i]));
  }
  return NSC_OK;
}

/* ---- Concat ---- */

typedef struct concat_params {
  size_t outer, total; /* rows, and bytes of an output row */
  uint32_t count;
  size_t *widths; /* [count] bytes of an input row */
} concat_params;

typedef struct concat_task {
  const nsc_step *step;
  const concat_params *params;
} concat_task;

static void concat_rows(void *context, size_t from, size_t count) {
  const concat_task *t = context;
  const concat_params *p = t->params;
  for (size_t row = from; row < from + count; row++) {
    uint8_t *out = (uint8_t *)t->step->out[0] + row * p->total;
    for (uint32_t i = 0; i < p->count; i++) {
      memcpy(out, (const uint8_t *)t->step->in[i] + row * p->widths[i], p->widths[i]);
      out += p->widths[i];
    }
  }
}

static void run_concat(nsc_step *step, pthreadpool_t pool) {
  const concat_params *p = step->params;
  concat_task task = {step, p};
  size_t tile = p->total ? 65536 / p->total + 1 : 1;
  pthreadpool_parallelize_1d_tile_1d(pool, concat_rows, &task, p->outer, tile, 0);
}

static nsc_status lower_concat(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *first = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = first->shape;
  nsc_type type = first->type;
  bool channels_last = false;
  uint32_t axis;
  NSC_TRY(normalise_axis(plan, node, nsc_node_int(node, "axis", 1), shape.rank, &axis));
  shape.dims[axis] = 0;
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] == NSC_NO_VALUE) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "input %u is missing", i);
    const nsc_value *v = nsc_plan_value(plan, node->inputs[i]);
    nsc_shape other = v->shape;
    other.dims[axis] = shape.dims[axis];
    if (!nsc_shape_equal(&other, &shape) || v->type != type) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "input %u does not fit the others", i);
    }
    shape.dims[axis] += v->shape.dims[axis];
    channels_last = channels_last || v->channels_last;
  }
  if (type == NSC_TYPE_F32 && axis == 1 && (shape.rank == 3 || shape.rank == 4)) {
    bool taken;
    NSC_TRY(nsc_plan_take_concat_norm(plan, node, &shape, &taken));
    if (taken) return NSC_OK;
  }
  concat_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(nsc_plan_alloc(plan, node->input_count, sizeof *p->widths, &p->widths));
  p->count = node->input_count;
  uint32_t *inputs;
  NSC_TRY(nsc_plan_scratch(plan, node->input_count, sizeof *inputs, &inputs));
  for (uint32_t i = 0; i < node->input_count; i++)
    NSC_TRY(nsc_plan_layout(plan, node->inputs[i], channels_last, &inputs[i]));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &shape, channels_last));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Concat", node->input_count, 1, &step));
  for (uint32_t i = 0; i < node->input_count; i++) {
    const nsc_value *v = nsc_plan_value(plan, inputs[i]);
    nsc_shape physical = nsc_value_physical(v);
    uint32_t at = physical_axis(v, axis);
    p->outer = nsc_shape_product(&physical, 0, at);
    p->widths[i] = nsc_shape_product(&physical, at, physical.rank) * nsc_type_size(type);
    p->total += p->widths[i];
    step->inputs[i] = inputs[i];
  }
  step->outputs[0] = node->outputs[0];
  step->run = run_concat;
  step->params = p;
  return NSC_OK;
}

/* ---- Gather ---- */

typedef struct gather_params {
  size_t outer, count, inner; /* inner in bytes */
  int64_t size;               /* of the axis */
  nsc_type index_type;
} gather_params;

/* An index outside the axis gives zeros: what a graph computes at run time must not read elsewhere. */
static void run_gather(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const gather_params *p = step->params;
  uint8_t *out = step->out[0];
  for (size_t o = 0; o < p->outer; o++) {
    const uint8_t *in = (const uint8_t *)step->in[0] + o * (size_t)p->size * p->inner;
    for (size_t i = 0; i < p->count; i++, out += p->inner) {
      int64_t index =
          p->index_type == NSC_TYPE_I64 ? ((const int64_t *)step->in[1])[i] : ((const int32_t *)step->in[1])[i];
      if (index < 0) index += p->size;
      if (index >= 0 && index < p->size) {
        memcpy(out, in + (size_t)index * p->inner, p->inner);
      } else {
        memset(out, 0, p->inner);
      }
    }
  }
}

static nsc_status lower_gather(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  uint32_t input, index, axis;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  NSC_TRY(nsc_plan_layout(plan, node->inputs[1], false, &index));
  nsc_shape shape = plan->values[input].shape, places = plan->values[index].shape, out = {0};
  nsc_type type = plan->values[input].type, index_type = plan->values[index].type;
  NSC_TRY(normalise_axis(plan, node, nsc_node_int(node, "axis", 0), shape.rank, &axis));
  if (shape.rank - 1 + places.rank > NSC_MAX_RANK || (index_type != NSC_TYPE_I64 && index_type != NSC_TYPE_I32)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its indices are not supported");
  }
  for (uint32_t i = 0; i < axis; i++) out.dims[out.rank++] = shape.dims[i];
  for (uint32_t i = 0; i < places.rank; i++) out.dims[out.rank++] = places.dims[i];
  for (uint32_t i = axis + 1; i < shape.rank; i++) out.dims[out.rank++] = shape.dims[i];
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &out, false));
  gather_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (gather_params){.outer = nsc_shape_product(&shape, 0, axis),
                       .count = nsc_shape_product(&places, 0, places.rank),
                       .inner = nsc_shape_product(&shape, axis + 1, shape.rank) * nsc_type_size(type),
                       .size = shape.dims[axis],
                       .index_type = index_type};
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Gather", 2, 1, &step));
  step->inputs[0] = input;
  step->inputs[1] = index;
  step->outputs[0] = node->outputs[0];
  step->run = run_gather;
  step->params = p;
  return NSC_OK;
}

/* ---- Pad ---- */

typedef enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } pad_mode;

typedef struct pad_params {
  nsc_shape in, out; /* physical */
  int64_t begin[NSC_MAX_RANK];
  pad_mode mode;
  size_t size;
  uint64_t fill;
} pad_params;

/* The source coordinate of an output coordinate, or -1 for the constant. */
static int64_t pad_source(int64_t at, int64_t size, pad_mode mode) {
  if (at >= 0 && at < size) return at;
  if (mode == PAD_CONSTANT || size == 0) return -1;
  if (mode == PAD_EDGE) return at < 0 ? 0 : size - 1;
  if (mode == PAD_WRAP) return ((at % size) + size) % size;
  int64_t period = size > 1 ? 2 * (size - 1) : 1;
  at = ((at % period) + period) % period;
  return at < size ? at : period - at;
}

static void run_pad(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const pad_params *p = step->params;
  int64_t strides[NSC_MAX_RANK], index[NSC_MAX_RANK] = {0};
  nsc_shape_strides(&p->in, strides);
  size_t count = nsc_shape_product(&p->out, 0, p->out.rank);
  uint8_t *out = step->out[0];
  for (size_t i = 0; i < count; i++, out += p->size) {
    int64_t from = 0;
    for (uint32_t d = 0; d < p->out.rank && from >= 0; d++) {
      int64_t source = pad_source(index[d] - p->begin[d], p->in.dims[d], p->mode);
      from = source < 0 ? -1 : from + source * strides[d];
    }
    memcpy(out, from < 0 ? (const uint8_t *)&p->fill : (const uint8_t *)step->in[0] + from * (int64_t)p->size, p->size);
    for (uint32_t d = p->out.rank; d-- > 0;) {
      if (++index[d] < p->out.dims[d]) break;
      index[d] = 0;
    }
  }
}

static nsc_status read_pads(nsc_plan *plan, const nsc_node *node, uint32_t rank, int64_t *begin, int64_t *end) {
  int64_t pads[2 * NSC_MAX_RANK], axes[NSC_MAX_RANK];
  uint32_t count = 0, axis_count = rank;
  const nsc_attribute *a = nsc_node_attribute(node, "pads");
  uint32_t value = nsc_node_input(node, 1), axes_value = nsc_node_input(node, 3);
  if (value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, value, "pads", pads, 2 * NSC_MAX_RANK, &count));
  } else if (a && a->kind == NSC_ATTRIBUTE_INTS && a->count <= 2 * NSC_MAX_RANK) {
    count = a->count;
    if (count) memcpy(pads, a->ints, count * sizeof *pads);
  }
  for (uint32_t i = 0; i < rank; i++) axes[i] = i;
  if (axes_value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, axes_value, "axes", axes, NSC_MAX_RANK, &axis_count));
  }
  if (count != 2 * axis_count) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "pads has %u numbers", count);
  memset(begin, 0, NSC_MAX_RANK * sizeof *begin);
  memset(end, 0, NSC_MAX_RANK * sizeof *end);
  for (uint32_t i = 0; i < axis_count; i++) {
    uint32_t axis;
    NSC_TRY(normalise_axis(plan, node, axes[i], rank, &axis));
    begin[axis] = pads[i];
    end[axis] = pads[axis_count + i];
    if (begin[axis] > 1 << 20 || end[axis] > 1 << 20 || begin[axis] < -(1 << 20) || end[axis] < -(1 << 20)) {
      return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "pads are too large");
    }
  }
  return NSC_OK;
}

static nsc_status lower_pad(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape, out = shape;
  nsc_type type = v->type;
  bool channels_last = v->channels_last;
  int64_t begin[NSC_MAX_RANK], end[NSC_MAX_RANK];
  NSC_TRY(read_pads(plan, node, shape.rank, begin, end));
  const char *mode = nsc_node_string(node, "mode", "constant");
  pad_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->mode = mode[0] == 'r' ? PAD_REFLECT : mode[0] == 'e' ? PAD_EDGE : mode[0] == 'w' ? PAD_WRAP : PAD_CONSTANT;
  p->size = nsc_type_size(type);
  float value = nsc_node_float(node, "value", 0);
  if (type == NSC_TYPE_F32) memcpy(&p->fill, &value, sizeof value);
  uint32_t fill = nsc_node_input(node, 2), unused;
  if (fill != NSC_NO_VALUE && type == NSC_TYPE_F32) {
    NSC_TRY(nsc_plan_scalar(plan, node, fill, "constant_value", &value));
    memcpy(&p->fill, &value, sizeof value);
  } else if (fill != NSC_NO_VALUE) {
    int64_t i = 0;
    NSC_TRY(nsc_plan_ints(plan, node, fill, "constant_value", &i, 1, &unused));
    memcpy(&p->fill, &i, sizeof i); /* little endian: the low bytes come first */
  }
  for (uint32_t i = 0; i < shape.rank; i++) {
    out.dims[i] += begin[i] + end[i];
    if (out.dims[i] < 0) return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "pads take more than there is");
    p->begin[physical_axis(nsc_plan_value(plan, node->inputs[0]), i)] = begin[i];
  }
  p->in = nsc_value_physical(nsc_plan_value(plan, node->inputs[0]));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], type, &out, channels_last));
  p->out = nsc_value_physical(nsc_plan_value(plan, node->outputs[0]));
  return nsc_plan_add_loop(plan, node, "Pad", node->inputs[0], node->outputs[0], run_pad, p);
}

/* ---- Expand, Tile ---- */

static nsc_status lower_expand(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  nsc_shape wanted = {0}, out;
  NSC_TRY(nsc_plan_ints(plan, node, node->inputs[1], "shape", wanted.dims, NSC_MAX_RANK, &wanted.rank));
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape;
  if (!nsc_shape_broadcast(&shape, &wanted, &out))
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the shapes do not fit");
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], plan->values[input].type, &out, false));
  read_params p = {.shape = out};
  nsc_shape padded = nsc_shape_pad_front(&shape, out.rank);
  nsc_shape_strides(&padded, p.strides);
  for (uint32_t i = 0; i < out.rank; i++) {
    if (padded.dims[i] == 1) p.strides[i] = 0;
  }
  return add_read(plan, node, &p, input, node->outputs[0]);
}

/* A tile repeats along a dimension of its own: [a, b] tiled (r, s) is [r, a, s, b] read with strides 0 for r and s. */
static nsc_status lower_tile(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 2));
  int64_t repeats[NSC_MAX_RANK];
  uint32_t count, input;
  NSC_TRY(nsc_plan_ints(plan, node, node->inputs[1], "repeats", repeats, NSC_MAX_RANK, &count));
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  nsc_shape shape = plan->values[input].shape, out = shape;
  if (count != shape.rank || 2 * count > NSC_MAX_RANK) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "repeats has %u numbers", count);
  }
  int64_t strides[NSC_MAX_RANK];
  nsc_shape_strides(&shape, strides);
  read_params p = {.shape = {.rank = 2 * count}};
  for (uint32_t i = 0; i < count; i++) {
    if (repeats[i] < 0 || repeats[i] > 1 << 20)
      return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "repeats are too many");
    p.shape.dims[2 * i] = repeats[i];
    p.shape.dims[2 * i + 1] = shape.dims[i];
    p.strides[2 * i + 1] = strides[i];
    if (__builtin_mul_overflow(out.dims[i], repeats[i], &out.dims[i])) {
      return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "repeats are too many");
    }
  }
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], plan->values[input].type, &out, false));
  return add_read(plan, node, &p, input, node->outputs[0]);
}

/* ---- DepthToSpace, SpaceToDepth: a transpose of six dimensions ---- */

static nsc_status add_six(nsc_plan *plan, const nsc_node *node, const int64_t dims[6], const uint32_t perm[6],
                          const nsc_shape *out) {
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], plan->values[input].type, out, false));
  nsc_shape six = {.rank = 6};
  memcpy(six.dims, dims, 6 * sizeof *dims);
  int64_t strides[NSC_MAX_RANK];
  nsc_shape_strides(&six, strides);
  read_params p = {.shape = nsc_shape_permute(&six, perm)};
  for (uint32_t i = 0; i < 6; i++) p.strides[i] = strides[perm[i]];
  return add_read(plan, node, &p, input, node->outputs[0]);
}

static nsc_status lower_depth_to_space(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape s = plan->values[node->inputs[0]].shape;
  int64_t b = nsc_node_int(node, "blocksize", 0);
  if (s.rank != 4 || b < 1 || b > 65536 || s.dims[1] % (b * b)) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "blocksize does not fit the channels");
  }
  int64_t c = s.dims[1] / (b * b);
  nsc_shape out = {4, {s.dims[0], c, s.dims[2] * b, s.dims[3] * b}};
  if (strcmp(nsc_node_string(node, "mode", "DCR"), "CRD") == 0) {
    const int64_t dims[6] = {s.dims[0], c, b, b, s.dims[2], s.dims[3]};
    static const uint32_t perm[6] = {0, 1, 4, 2, 5, 3};
    return add_six(plan, node, dims, perm, &out);
  }
  const int64_t dims[6] = {s.dims[0], b, b, c, s.dims[2], s.dims[3]};
  static const uint32_t perm[6] = {0, 3, 4, 1, 5, 2};
  return add_six(plan, node, dims, perm, &out);
}

static nsc_status lower_space_to_depth(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape s = plan->values[node->inputs[0]].shape;
  int64_t b = nsc_node_int(node, "blocksize", 0);
  if (s.rank != 4 || b < 1 || b > 65536 || s.dims[2] % b || s.dims[3] % b) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "blocksize does not fit height and width");
  }
  nsc_shape out = {4, {s.dims[0], s.dims[1] * b * b, s.dims[2] / b, s.dims[3] / b}};
  const int64_t dims[6] = {s.dims[0], s.dims[1], s.dims[2] / b, b, s.dims[3] / b, b};
  static const uint32_t perm[6] = {0, 3, 5, 1, 2, 4};
  return add_six(plan, node, dims, perm, &out);
}

const nsc_operator nsc_move_operators[] = {
    {"Transpose", lower_transpose},
    {"Slice", lower_slice},
    {"Split", lower_split},
    {"Concat", lower_concat},
    {"Gather", lower_gather},
    {"Pad", lower_pad},
    {"Expand", lower_expand},
    {"Tile", lower_tile},
    {"DepthToSpace", lower_depth_to_space},
    {"SpaceToDepth", lower_space_to_depth},
    {NULL, NULL},
};
