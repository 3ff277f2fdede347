/* Operators that only move integers about, pooling, and concatenation. */
#include <string.h>

#include "nn/quant.h"
#include "nn/window.h"

/* ---- what does not care what the elements stand for ---- */

/* Lowers the node with integers in place of its first input and defines its outputs as what those stand for. */
static nsc_status lower_same(nsc_plan *plan, const nsc_node *node, uint32_t input_count, const uint32_t *inputs,
                             float scale, int32_t zero) {
  nsc_node same = *node;
  NSC_TRY(nsc_plan_scratch(plan, node->input_count, sizeof *same.inputs, &same.inputs));
  NSC_TRY(nsc_plan_scratch(plan, node->output_count, sizeof *same.outputs, &same.outputs));
  memcpy(same.inputs, node->inputs, node->input_count * sizeof *same.inputs);
  memcpy(same.inputs, inputs, input_count * sizeof *inputs);
  const nsc_shape scalar = {0};
  for (uint32_t i = 0; i < node->output_count; i++) {
    same.outputs[i] = NSC_NO_VALUE;
    if (node->outputs[i] == NSC_NO_VALUE) continue;
    NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_I8, &scalar, false, &same.outputs[i]));
  }
  NSC_TRY(nsc_find_operator(node->op)(plan, &same));
  for (uint32_t i = 0; i < node->output_count; i++) {
    if (node->outputs[i] == NSC_NO_VALUE) continue;
    NSC_TRY(nsc_quant_real(plan, node, node->outputs[i], same.outputs[i], scale, zero));
  }
  return NSC_OK;
}

nsc_status nsc_quant_lower_move(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *q = nsc_quant_of(plan, node->inputs[0]);
  if (strcmp(node->op, "Dropout") == 0 && node->output_count > 1) return NSC_OK; /* the mask is no quantity */
  *done = true;
  return lower_same(plan, node, 1, &q->source, q->scale[0], q->zero[0]);
}

/* ---- concatenation: all inputs in the output's steps ---- */

static nsc_status in_steps_of(nsc_plan *plan, const nsc_node *node, const nsc_quant *q, float scale, int32_t zero,
                              uint32_t *out) {
  *out = q->source;
  if (q->scale[0] == scale && q->zero[0] == zero) return NSC_OK;
  int8_t table[256];
  for (int32_t i = -128; i < 128; i++) {
    table[(uint8_t)i] = (int8_t)nsc_quant_value((float)(i - q->zero[0]) * q->scale[0], scale, zero, -128, 127);
  }
  nsc_shape shape = plan->values[q->source].shape;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_I8, &shape, plan->values[q->source].channels_last, out));
  return nsc_quant_table(plan, node, "Requantize", q->source, *out, table);
}

nsc_status nsc_quant_lower_concat(nsc_plan *plan, const nsc_node *node, bool *done) {
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, node->outputs[0], false, &t));
  const nsc_quant *first = nsc_quant_of(plan, node->inputs[0]);
  float scale = t.found ? t.scale : first->scale[0];
  int32_t zero = t.found ? t.zero : first->zero[0];
  for (uint32_t i = 0; i < node->input_count; i++) {
    const nsc_quant *q = nsc_quant_of(plan, node->inputs[i]);
    if (!q || (!t.found && (q->scale[0] != scale || q->zero[0] != zero))) return NSC_OK;
  }
  *done = true;
  uint32_t *inputs;
  NSC_TRY(nsc_plan_scratch(plan, node->input_count, sizeof *inputs, &inputs));
  for (uint32_t i = 0; i < node->input_count; i++) {
    NSC_TRY(in_steps_of(plan, node, nsc_quant_of(plan, node->inputs[i]), scale, zero, &inputs[i]));
  }
  return lower_same(plan, node, node->input_count, inputs, scale, zero);
}

/* ---- the largest value ---- */

/* N, C, (H,) W with something in it. */
static bool is_picture(const nsc_shape *x) {
  size_t count = 0;
  return (x->rank == 3 || x->rank == 4) && nsc_shape_count(x, &count) && count > 0;
}

NSC_SETUP_1(setup_max_pool, xnn_setup_max_pooling2d_nhwc_s8)

/* XNNPACK wants no window that lies in the padding as a whole. */
static bool xnn_can(const nsc_window *w) {
  for (int i = 0; i < 2; i++) {
    if (w->pad_begin[i] >= w->kernel[i] || w->pad_end[i] >= w->kernel[i] ||
        (w->dilation[i] > 1 && (w->pad_begin[i] || w->pad_end[i]))) {
      return false;
    }
  }
  return w->kernel[0] * w->kernel[1] >= 2;
}

static nsc_shape pooled_shape(const nsc_shape *x, const nsc_window *w) {
  nsc_shape shape = *x;
  shape.dims[x->rank - 1] = w->out[1];
  if (x->rank == 4) shape.dims[2] = w->out[0];
  return shape;
}

nsc_status nsc_quant_lower_max_pool(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *q = nsc_quant_of(plan, node->inputs[0]);
  nsc_shape x = plan->values[q->source].shape;
  size_t count = 0;
  nsc_shape_count(&x, &count);
  if ((x.rank != 3 && x.rank != 4) || count == 0 || node->output_count > 1 || nsc_node_int(node, "storage_order", 0)) {
    return NSC_OK;
  }
  nsc_window w;
  NSC_TRY(nsc_window_read(plan, node, &x, NULL, &w));
  if (!xnn_can(&w)) return NSC_OK;
  *done = true;
  uint32_t input, output;
  NSC_TRY(nsc_plan_layout(plan, q->source, true, &input));
  nsc_shape shape = pooled_shape(&x, &w);
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_I8, &shape, true, &output));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "MaxPool int8", 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->setup = setup_max_pool;
  size_t channels = (size_t)x.dims[1], out_h, out_w;
  NSC_TRY(nsc_plan_check(
      plan, node,
      xnn_create_max_pooling2d_nhwc_s8((uint32_t)w.pad_begin[0], (uint32_t)w.pad_end[1], (uint32_t)w.pad_end[0],
                                       (uint32_t)w.pad_begin[1], (uint32_t)w.kernel[0], (uint32_t)w.kernel[1],
                                       (uint32_t)w.stride[0], (uint32_t)w.stride[1], (uint32_t)w.dilation[0],
                                       (uint32_t)w.dilation[1], -128, 127, 0, &step->op)));
  NSC_TRY(
      nsc_plan_check(plan, node,
                     xnn_reshape_max_pooling2d_nhwc_s8(step->op, (size_t)x.dims[0], (size_t)w.in[0], (size_t)w.in[1],
                                                       channels, channels, channels, &out_h, &out_w, plan->pool)));
  return nsc_quant_real(plan, node, node->outputs[0], output, q->scale[0], q->zero[0]);
}

/* ---- means ---- */

typedef struct average_params {
  nsc_window window;
  size_t batch, channels;
  bool include_pad, whole; /* whole: to int8 */
  int32_t zero;            /* of the input */
  float scale;             /* of the input, or of it and the output together */
  int32_t out_zero;
} average_params;

typedef struct average_task {
  const nsc_step *step;
  const average_params *params;
} average_task;

/* Channels that are summed at once: their sums stay in the cache. */
enum { LANES = 64 };

static void sum_window(const average_params *p, const int8_t *in, const int64_t y[2], const int64_t x[2],
                       const int64_t at[2], size_t lanes, int32_t *sums) {
  const nsc_window *w = &p->window;
  memset(sums, 0, LANES * sizeof *sums);
  for (int64_t ky = y[0]; ky < y[1]; ky++) {
    int64_t iy = at[0] + ky * w->dilation[0];
    for (int64_t kx = x[0]; kx < x[1]; kx++) {
      const int8_t *pixel = in + (size_t)(iy * w->in[1] + at[1] + kx * w->dilation[1]) * p->channels;
      for (size_t c = 0; c < lanes; c++) sums[c] += pixel[c];
    }
  }
}

/* One output row. */
static void average_row(void *context, size_t row) {
  const average_task *task = context;
  const average_params *p = task->params;
  const nsc_window *w = &p->window;
  int64_t n = (int64_t)row / w->out[0], oy = (int64_t)row % w->out[0], y[2], x[2], rows, columns;
  const int8_t *in = (const int8_t *)task->step->in[0] + (size_t)(n * w->in[0] * w->in[1]) * p->channels;
  size_t at_out = row * (size_t)w->out[1] * p->channels;
  nsc_window_clip(w, 0, oy, p->include_pad, &y[0], &y[1], &rows);
  for (int64_t ox = 0; ox < w->out[1]; ox++) {
    nsc_window_clip(w, 1, ox, p->include_pad, &x[0], &x[1], &columns);
    const int64_t at[2] = {oy * w->stride[0] - w->pad_begin[0], ox * w->stride[1] - w->pad_begin[1]};
    int64_t inside = y[1] > y[0] && x[1] > x[0] ? (y[1] - y[0]) * (x[1] - x[0]) : 0;
    float scale = rows * columns > 0 ? p->scale / (float)(rows * columns) : 0;
    for (size_t c = 0; c < p->channels; c += LANES) {
      int32_t sums[LANES];
      size_t lanes = p->channels - c < LANES ? p->channels - c : LANES;
      sum_window(p, in + c, y, x, at, lanes, sums);
      for (size_t k = 0; k < lanes; k++, at_out++) {
        float mean = (float)(sums[k] - (int32_t)inside * p->zero) * scale;
        if (p->whole) {
          ((int8_t *)task->step->out[0])[at_out] = (int8_t)nsc_quant_value(mean, 1, p->out_zero, -128, 127);
        } else {
          ((float *)task->step->out[0])[at_out] = mean;
        }
      }
    }
  }
}

static void run_average(nsc_step *step, pthreadpool_t pool) {
  const average_params *p = step->params;
  average_task task = {step, p};
  pthreadpool_parallelize_1d(pool, average_row, &task, p->batch * (size_t)p->window.out[0], 0);
}

/* The window of a global mean is the whole picture. */
static nsc_status average_window(nsc_plan *plan, const nsc_node *node, const nsc_shape *x, nsc_window *out) {
  if (node->op[0] == 'A') return nsc_window_read(plan, node, x, NULL, out);
  int64_t h = x->rank == 4 ? x->dims[2] : 1, w = x->dims[x->rank - 1];
  *out = (nsc_window){
      .axes = x->rank - 2, .kernel = {h, w}, .stride = {1, 1}, .dilation = {1, 1}, .in = {h, w}, .out = {1, 1}};
  return NSC_OK;
}

nsc_status nsc_quant_lower_average(nsc_plan *plan, const nsc_node *node, bool *done) {
  const nsc_quant *q = nsc_quant_of(plan, node->inputs[0]);
  nsc_shape x = plan->values[q->source].shape;
  /* Sums of more pixels might not fit into 32 bits. */
  if (!is_picture(&x) || nsc_shape_product(&x, 2, x.rank) > 1 << 23) return NSC_OK;
  nsc_quant_target t;
  NSC_TRY(nsc_quant_target_find(plan, node->outputs[0], false, &t));
  average_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  NSC_TRY(average_window(plan, node, &x, &p->window));
  *done = true;
  p->batch = (size_t)x.dims[0];
  p->channels = (size_t)x.dims[1];
  p->include_pad = node->op[0] == 'A' && nsc_node_int(node, "count_include_pad", 0) != 0;
  p->whole = t.found;
  p->zero = q->zero[0];
  p->scale = t.found ? q->scale[0] / t.scale : q->scale[0];
  p->out_zero = t.zero;
  nsc_shape shape = pooled_shape(&x, &p->window);
  uint32_t input, output = node->outputs[0];
  NSC_TRY(nsc_plan_layout(plan, q->source, true, &input));
  if (!t.found) {
    NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, true));
    return nsc_plan_add_loop(plan, node, "Average int8", input, output, run_average, p);
  }
  NSC_TRY(nsc_quant_target_take(plan, &t, &shape, true, &output));
  NSC_TRY(nsc_plan_add_loop(plan, node, "Average int8", input, output, run_average, p));
  return nsc_quant_target_finish(plan, node, &t, output);
}
