/*
 * Concat of channels that only a frozen BatchNormalization reads, perhaps with a Relu or Clip behind it: one step that
 * reads the parts and writes what comes of them. A layer of a DenseNet begins so, and most of these two operators is
 * reading and writing all that the layers before it gave.
 */
#include <math.h>
#include <pthreadpool.h>
#include <string.h>

#include "nn/lanes.h"
#include "nn/op_conv.h"
#include "nn/op_parts.h"

typedef struct params {
  size_t pixels, channels;
  uint32_t count;
  size_t *widths;       /* [count] channels of a part */
  float *scale, *shift; /* [channels] */
  float min, max;
} params;

typedef struct task {
  const nsc_step *step;
  const params *params;
} task;

static void norm_part(const float *in, float *out, const float *scale, const float *shift, size_t width, float min,
                      float max) {
  for (size_t c = 0; c < width; c += NSC_LANES) {
    nsc_lanes v = nsc_multiply_add(nsc_load_lanes(in + c), nsc_load_lanes(scale + c), nsc_load_lanes(shift + c));
    nsc_store_lanes(out + c, nsc_clamp_lanes(v, min, max));
  }
}

static void norm_pixels(void *context, size_t first, size_t count) {
  const task *t = context;
  const params *p = t->params;
  for (size_t pixel = first; pixel < first + count; pixel++) {
    float *out = (float *)t->step->out[0] + pixel * p->channels;
    for (size_t i = 0, c = 0; i < p->count; c += p->widths[i++]) {
      const float *in = (const float *)t->step->in[i] + pixel * p->widths[i];
      norm_part(in, out + c, p->scale + c, p->shift + c, p->widths[i], p->min, p->max);
    }
  }
}

static void run(nsc_step *step, pthreadpool_t pool) {
  task t = {step, step->params};
  size_t tile = 16384 / t.params->channels + 1;
  pthreadpool_parallelize_1d_tile_1d(pool, norm_pixels, &t, t.params->pixels, tile, 0);
}

/* Whole lanes of channels, from values that are not known yet. */
static bool parts_fit(const nsc_plan *plan, const nsc_node *node) {
  for (uint32_t i = 0; i < node->input_count; i++) {
    const nsc_value *v = &plan->values[node->inputs[i]];
    if (nsc_plan_is_constant(plan, node->inputs[i]) || v->shape.dims[1] % NSC_LANES) return false;
  }
  return true;
}

static nsc_status copy_floats(nsc_plan *plan, const float *from, size_t count, float **out) {
  NSC_TRY(nsc_plan_alloc(plan, count, sizeof **out, out));
  memcpy(*out, from, count * sizeof **out);
  return NSC_OK;
}

nsc_status nsc_plan_take_concat_norm(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape, bool *taken) {
  const nsc_node *next = nsc_plan_next(plan, node->outputs[0]);
  size_t channels = (size_t)shape->dims[1];
  *taken = !plan->stock && channels > 0 && nsc_norm_is_frozen(plan, next, node->outputs[0]) && parts_fit(plan, node);
  if (!*taken) return NSC_OK;
  params *p;
  nsc_affine norm;
  NSC_TRY(nsc_norm_read(plan, next, channels, &norm));
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->pixels = (size_t)shape->dims[0] * nsc_shape_product(shape, 2, shape->rank);
  p->channels = channels;
  p->count = node->input_count;
  NSC_TRY(nsc_plan_alloc(plan, p->count, sizeof *p->widths, &p->widths));
  NSC_TRY(copy_floats(plan, norm.scale, channels, &p->scale));
  NSC_TRY(copy_floats(plan, norm.shift, channels, &p->shift));
  nsc_plan_take(plan, next);
  uint32_t output = next->outputs[0], *inputs;
  NSC_TRY(nsc_plan_take_clamp(plan, &output, &p->min, &p->max));
  NSC_TRY(nsc_plan_scratch(plan, p->count, sizeof *inputs, &inputs));
  for (uint32_t i = 0; i < p->count; i++) {
    p->widths[i] = (size_t)plan->values[node->inputs[i]].shape.dims[1];
    NSC_TRY(nsc_plan_layout(plan, node->inputs[i], true, &inputs[i]));
  }
  NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, shape, true));
  nsc_step *step;
  const char *kind = p->min > -INFINITY || p->max < INFINITY ? "Concat+Norm+Clamp" : "Concat+Norm";
  NSC_TRY(nsc_plan_add_step(plan, node, kind, p->count, 1, &step));
  memcpy(step->inputs, inputs, p->count * sizeof *inputs);
  step->outputs[0] = output;
  step->run = run;
  step->params = p;
  nsc_plan_count(plan, step, (double)p->pixels * (double)channels, 2 * channels * sizeof(float));
  return NSC_OK;
}
