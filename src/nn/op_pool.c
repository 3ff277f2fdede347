/*
 * MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool, GlobalLpPool. XNNPACK's kernels where their meaning
 * is ONNX's; a loop of ours for dilated or padded averages and for windows that may lie wholly in padding.
 */
#include <math.h>
#include <string.h>

#include "nn/footprint.h"
#include "nn/operators.h"
#include "nn/window.h"

typedef struct pool_params {
  nsc_window window;
  size_t batch, channels;
  bool average, include_pad;
  int64_t power;     /* LpPool: roots of sums of powers; 0 for the others */
  bool column_major; /* of the places that MaxPool names */
} pool_params;

typedef struct pool_task {
  const nsc_step *step;
  const pool_params *params;
} pool_task;

static void accumulate(float *out, const float *in, size_t channels, bool average, int64_t power) {
  if (power == 2) {
    for (size_t c = 0; c < channels; c++) out[c] += in[c] * in[c];
  } else if (power) {
    for (size_t c = 0; c < channels; c++) out[c] += powf(fabsf(in[c]), (float)power);
  } else if (average) {
    for (size_t c = 0; c < channels; c++) out[c] += in[c];
  } else {
    for (size_t c = 0; c < channels; c++) out[c] = in[c] > out[c] || isnan(in[c]) ? in[c] : out[c];
  }
}

/* One output row. */
static void pool_row(void *context, size_t row) {
  const pool_task *task = context;
  const pool_params *p = task->params;
  const nsc_window *w = &p->window;
  size_t channels = p->channels;
  int64_t n = (int64_t)row / w->out[0], oy = (int64_t)row % w->out[0];
  const float *in = (const float *)task->step->in[0] + (size_t)(n * w->in[0] * w->in[1]) * channels;
  float *out = (float *)task->step->out[0] + row * (size_t)w->out[1] * channels;
  int64_t y0, y1, y_count, x0, x1, x_count;
  nsc_window_clip(w, 0, oy, p->include_pad, &y0, &y1, &y_count);
  for (int64_t ox = 0; ox < w->out[1]; ox++, out += channels) {
    nsc_window_clip(w, 1, ox, p->include_pad, &x0, &x1, &x_count);
    for (size_t c = 0; c < channels; c++) out[c] = p->average || p->power ? 0.0f : -INFINITY;
    for (int64_t ky = y0; ky < y1; ky++) {
      int64_t iy = oy * w->stride[0] - w->pad_begin[0] + ky * w->dilation[0];
      for (int64_t kx = x0; kx < x1; kx++) {
        int64_t ix = ox * w->stride[1] - w->pad_begin[1] + kx * w->dilation[1];
        accumulate(out, in + (size_t)(iy * w->in[1] + ix) * channels, channels, p->average, p->power);
      }
    }
    if (p->average && y_count * x_count > 0) {
      float scale = 1.0f / (float)(y_count * x_count);
      for (size_t c = 0; c < channels; c++) out[c] *= scale;
    }
    for (size_t c = 0; c < channels && p->power; c++) {
      out[c] = p->power == 2 ? sqrtf(out[c]) : powf(out[c], 1.0f / (float)p->power);
    }
  }
}

static void run_pool(nsc_step *step, pthreadpool_t pool) {
  const pool_params *p = step->params;
  pool_task task = {step, p};
  pthreadpool_parallelize_1d(pool, pool_row, &task, p->batch * (size_t)p->window.out[0], 0);
}

static nsc_status add_pool_loop(nsc_plan *plan, const nsc_node *node, const pool_params *given, uint32_t input,
                                uint32_t output) {
  pool_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = *given;
  return nsc_plan_add_loop(plan, node, node->op, input, output, run_pool, params);
}

/* ---- MaxPool that also says where ---- */

/* The number of an input element as ONNX counts: over all of N, C, H, W, or with the last two exchanged. */
static int64_t place_of(const pool_params *p, int64_t n, size_t c, int64_t y, int64_t x) {
  const nsc_window *w = &p->window;
  int64_t plane = (n * (int64_t)p->channels + (int64_t)c) * w->in[0] * w->in[1];
  return plane + (p->column_major ? x * w->in[0] + y : y * w->in[1] + x);
}

/* Values go to out[0], N, H, W, C like the input; places to out[1] in ONNX's order. */
static void run_places(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const pool_params *p = step->params;
  const nsc_window *w = &p->window;
  size_t channels = p->channels, pixels = (size_t)(w->out[0] * w->out[1]);
  for (size_t i = 0; i < p->batch * pixels; i++) {
    int64_t n = (int64_t)(i / pixels), oy = (int64_t)(i % pixels) / w->out[1], ox = (int64_t)(i % pixels) % w->out[1];
    for (size_t c = 0; c < channels; c++) {
      float best = -INFINITY;
      int64_t place = -1;
      for (int64_t k = 0; k < w->kernel[0] * w->kernel[1]; k++) {
        int64_t y = oy * w->stride[0] - w->pad_begin[0] + k / w->kernel[1] * w->dilation[0];
        int64_t x = ox * w->stride[1] - w->pad_begin[1] + k % w->kernel[1] * w->dilation[1];
        if (y < 0 || y >= w->in[0] || x < 0 || x >= w->in[1]) continue;
        float value = ((const float *)step->in[0])[(size_t)((n * w->in[0] + y) * w->in[1] + x) * channels + c];
        if (place >= 0 && !(value > best)) continue;
        best = value;
        place = place_of(p, n, c, y, x);
      }
      ((float *)step->out[0])[i * channels + c] = best;
      ((int64_t *)step->out[1])[((size_t)n * channels + c) * pixels + i % pixels] = place;
    }
  }
}

static nsc_status add_places(nsc_plan *plan, const nsc_node *node, const pool_params *given, uint32_t input) {
  nsc_shape shape = plan->values[node->outputs[0]].shape;
  NSC_TRY(nsc_plan_define(plan, node->outputs[1], NSC_TYPE_I64, &shape, false));
  pool_params *params;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *params, &params));
  *params = *given;
  params->column_major = nsc_node_int(node, "storage_order", 0) != 0;
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "MaxPool", 1, 2, &step));
  step->inputs[0] = input;
  memcpy(step->outputs, node->outputs, 2 * sizeof *step->outputs);
  step->run = run_places;
  step->params = params;
  return NSC_OK;
}

/* ---- XNNPACK's ---- */

NSC_SETUP_1(setup_max_pool, xnn_setup_max_pooling2d_nhwc_f32)

static enum xnn_status setup_average_pool(nsc_step *step, void *workspace) {
  return xnn_setup_average_pooling2d_nhwc_f32(step->op, workspace, step->in[0], step->out[0]);
}

static nsc_status add_xnn_pool(nsc_plan *plan, const nsc_node *node, const pool_params *p, float min, float max,
                               uint32_t input, uint32_t output) {
  const nsc_window *w = &p->window;
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, p->average ? "AveragePool" : "MaxPool", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  nsc_plan_hold_windows(plan, step, w);
  uint32_t top = (uint32_t)w->pad_begin[0], left = (uint32_t)w->pad_begin[1], bottom = (uint32_t)w->pad_end[0],
           right = (uint32_t)w->pad_end[1], kh = (uint32_t)w->kernel[0], kw = (uint32_t)w->kernel[1],
           sh = (uint32_t)w->stride[0], sw = (uint32_t)w->stride[1];
  size_t in_h = (size_t)w->in[0], in_w = (size_t)w->in[1], alignment, out_h, out_w;
  if (p->average) {
    step->setup = setup_average_pool;
    NSC_TRY(nsc_plan_check(
        plan, node,
        xnn_create_average_pooling2d_nhwc_f32(top, right, bottom, left, kh, kw, sh, sw, min, max, 0, &step->op)));
    return nsc_plan_check(
        plan, node,
        xnn_reshape_average_pooling2d_nhwc_f32(step->op, p->batch, in_h, in_w, p->channels, p->channels, p->channels,
                                               &step->workspace, &alignment, &out_h, &out_w, plan->pool));
  }
  step->setup = setup_max_pool;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_max_pooling2d_nhwc_f32(top, right, bottom, left, kh, kw, sh, sw, (uint32_t)w->dilation[0],
                                        (uint32_t)w->dilation[1], min, max, 0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_max_pooling2d_nhwc_f32(step->op, p->batch, in_h, in_w, p->channels, p->channels,
                                                           p->channels, &out_h, &out_w, plan->pool));
}

static bool xnn_can(const pool_params *p) {
  const nsc_window *w = &p->window;
  bool padded = false, whole_window_padded = false;
  for (int i = 0; i < 2; i++) {
    padded = padded || w->pad_begin[i] || w->pad_end[i];
    whole_window_padded = whole_window_padded || w->pad_begin[i] >= w->kernel[i] || w->pad_end[i] >= w->kernel[i] ||
                          (w->dilation[i] > 1 && (w->pad_begin[i] || w->pad_end[i]));
  }
  if (w->kernel[0] * w->kernel[1] < 2 || whole_window_padded) return false;
  if (p->power) return false;
  if (!p->average) return true;
  return w->dilation[0] == 1 && w->dilation[1] == 1 && !(padded && p->include_pad);
}

static nsc_status read_power(nsc_plan *plan, const nsc_node *node, int64_t *out) {
  *out = nsc_node_int(node, "p", 2);
  if (*out >= 1 && *out <= 64) return NSC_OK;
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "p %lld is not supported", (long long)*out);
}

static nsc_status lower_pool(nsc_plan *plan, const nsc_node *node);

/* Attribute `name` of three axes as one of two: without the first axis, or without the last. */
static nsc_status drop_axis(nsc_plan *plan, const nsc_node *node, nsc_attribute *a, bool first) {
  uint32_t lists = a->count / 3;
  if (a->count != 3 && a->count != 6) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%.20s has %u numbers", a->name, a->count);
  }
  bool pads = lists == 2;
  int64_t *ints;
  NSC_TRY(nsc_plan_alloc(plan, 4, sizeof *ints, &ints));
  for (uint32_t l = 0; l < lists; l++) {
    const int64_t *three = a->ints + 3 * l;
    bool idle = first ? three[0] == !pads : three[1] == !pads && three[2] == !pads;
    if (!idle) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "pooling in three dimensions at once is not supported");
    }
    ints[2 * l] = three[first];
    ints[2 * l + 1] = first ? three[2] : !pads;
  }
  a->ints = ints;
  a->count = 2 * lists;
  return NSC_OK;
}

/*
 * N, C, D, H, W pooled along D alone is N, C, D, HW pooled along its third dimension; along H and W alone it is
 * N, CD, H, W. PyTorch exports LocalResponseNorm as the former.
 */
static nsc_status lower_flat_pool(nsc_plan *plan, const nsc_node *node) {
  nsc_shape x = plan->values[node->inputs[0]].shape;
  const nsc_attribute *kernel = nsc_node_attribute(node, "kernel_shape");
  bool first = kernel && kernel->kind == NSC_ATTRIBUTE_INTS && kernel->count == 3 && kernel->ints[0] == 1;
  if (strcmp(nsc_node_string(node, "auto_pad", "NOTSET"), "NOTSET") != 0 || node->output_count != 1) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "this form of an input with 5 dimensions is not supported");
  }
  nsc_shape flat = {4, {x.dims[0], x.dims[1], x.dims[2], x.dims[3] * x.dims[4]}};
  if (first) flat = (nsc_shape){4, {x.dims[0], x.dims[1] * x.dims[2], x.dims[3], x.dims[4]}};
  nsc_node inner = *node;
  uint32_t input, output, plain;
  NSC_TRY(nsc_plan_alloc(plan, node->attribute_count, sizeof *inner.attributes, &inner.attributes));
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    inner.attributes[i] = node->attributes[i];
    if (node->attributes[i].kind == NSC_ATTRIBUTE_INTS) {
      NSC_TRY(drop_axis(plan, node, &inner.attributes[i], first));
    }
  }
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], false, &plain));
  NSC_TRY(nsc_plan_temporary(plan, plan->values[plain].type, &flat, false, &input));
  NSC_TRY(nsc_plan_alias(plan, input, plain, &flat, false));
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &flat, false, &output));
  inner.inputs = &input;
  inner.outputs = &output;
  inner.input_count = 1;
  NSC_TRY(lower_pool(plan, &inner));
  NSC_TRY(nsc_plan_layout(plan, output, false, &plain));
  const nsc_shape *out = &plan->values[plain].shape;
  nsc_shape shape = {5, {x.dims[0], x.dims[1], out->dims[2], x.dims[3], x.dims[4]}};
  if (first) shape = (nsc_shape){5, {x.dims[0], x.dims[1], x.dims[2], out->dims[2], out->dims[3]}};
  return nsc_plan_alias(plan, node->outputs[0], plain, &shape, false);
}

static nsc_status lower_pool(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape x = plan->values[node->inputs[0]].shape;
  if (x.rank == 5) return lower_flat_pool(plan, node);
  bool places = node->op[0] == 'M' && node->output_count > 1 && node->outputs[1] != NSC_NO_VALUE;
  if (plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only float32 is supported");
  }
  pool_params p = {.average = node->op[0] == 'A', .include_pad = nsc_node_int(node, "count_include_pad", 0) != 0};
  if (node->op[0] == 'L') NSC_TRY(read_power(plan, node, &p.power));
  NSC_TRY(nsc_window_read(plan, node, &x, NULL, &p.window));
  p.batch = (size_t)x.dims[0];
  p.channels = (size_t)x.dims[1];
  uint32_t input, output = node->outputs[0];
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  bool fast = xnn_can(&p) && !places;
  float min = -INFINITY, max = INFINITY;
  if (fast) NSC_TRY(nsc_plan_take_clamp(plan, &output, &min, &max));
  nsc_shape shape = x;
  shape.dims[x.rank - 1] = p.window.out[1];
  if (x.rank == 4) shape.dims[2] = p.window.out[0];
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, true));
  if (places) return add_places(plan, node, &p, input);
  return fast ? add_xnn_pool(plan, node, &p, min, max, input, output) : add_pool_loop(plan, node, &p, input, output);
}

/* No workspace: XNNPACK takes one as a sign that the sum needs converting, which float32 sums do not. */
static enum xnn_status setup_reduce(nsc_step *step, void *workspace) {
  (void)workspace;
  return xnn_setup_reduce_nd(step->op, NULL, step->in[0], step->out[0]);
}

/* The mean over all pixels: a reduction over the middle of N, H*W, C. */
static nsc_status lower_global_average(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape x = plan->values[node->inputs[0]].shape;
  if (x.rank < 3 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "the input must be float32 with at least 3 dimensions");
  }
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  nsc_shape shape = x;
  for (uint32_t i = 2; i < x.rank; i++) shape.dims[i] = 1;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, true));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "GlobalAveragePool", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = node->outputs[0];
  step->setup = setup_reduce;
  size_t dims[3] = {(size_t)x.dims[0], nsc_shape_product(&x, 2, x.rank), (size_t)x.dims[1]}, workspace, alignment;
  int64_t axis = 1;
  NSC_TRY(
      nsc_plan_check(plan, node, xnn_create_reduce_nd(xnn_reduce_mean, xnn_datatype_fp32, NULL, NULL, 0, &step->op)));
  return nsc_plan_check(plan, node,
                        xnn_reshape_reduce_nd(step->op, 1, &axis, 3, dims, &workspace, &alignment, plan->pool));
}

/* GlobalMaxPool and GlobalLpPool: one window. */
static nsc_status lower_global_window(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape x = plan->values[node->inputs[0]].shape;
  if (x.rank < 3 || x.rank > 4 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "the input must be float32 with 3 or 4 dimensions");
  }
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  pool_params p = {.batch = (size_t)x.dims[0], .channels = (size_t)x.dims[1]};
  if (node->op[6] == 'L') NSC_TRY(read_power(plan, node, &p.power));
  int64_t h = x.rank == 4 ? x.dims[2] : 1, w = x.dims[x.rank - 1];
  p.window =
      (nsc_window){.axes = 2, .kernel = {h, w}, .stride = {1, 1}, .dilation = {1, 1}, .in = {h, w}, .out = {1, 1}};
  nsc_shape shape = x;
  for (uint32_t i = 2; i < x.rank; i++) shape.dims[i] = 1;
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &shape, true));
  return add_pool_loop(plan, node, &p, input, node->outputs[0]);
}

const nsc_operator nsc_pool_operators[] = {
    {"MaxPool", lower_pool},
    {"AveragePool", lower_pool},
    {"LpPool", lower_pool},
    {"GlobalAveragePool", lower_global_average},
    {"GlobalMaxPool", lower_global_window},
    {"GlobalLpPool", lower_global_window},
    {NULL, NULL},
};
