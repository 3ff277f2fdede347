/*
 * Resize (opsets 10 to newest) and Upsample (7, 9) of height and width: nearest, linear and cubic. Each output row and
 * column has a short list of input rows and columns with weights, made once; the loop then runs over channels.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"

enum { MAX_TAPS = 4 };

typedef struct taps {
  int64_t at[MAX_TAPS];
  float weight[MAX_TAPS];
} taps;

typedef struct resize_params {
  size_t batch, channels;
  int64_t in[2], out[2];
  int tap_count;
  taps *axis[2]; /* [out[0]] rows, [out[1]] columns */
} resize_params;

typedef struct rules {
  const char *mode, *coordinates, *nearest;
  float cubic;
  bool exclude_outside;
} rules;

typedef struct resize_task {
  const nsc_step *step;
  const resize_params *params;
} resize_task;

static void resize_row(void *context, size_t row) {
  const resize_task *t = context;
  const resize_params *p = t->params;
  size_t channels = p->channels;
  size_t n = row / (size_t)p->out[0], y = row % (size_t)p->out[0];
  const float *in = (const float *)t->step->in[0] + n * (size_t)(p->in[0] * p->in[1]) * channels;
  float *out = (float *)t->step->out[0] + row * (size_t)p->out[1] * channels;
  const taps *ty = &p->axis[0][y];
  for (int64_t x = 0; x < p->out[1]; x++, out += channels) {
    const taps *tx = &p->axis[1][x];
    memset(out, 0, channels * sizeof *out);
    for (int j = 0; j < p->tap_count; j++) {
      for (int i = 0; i < p->tap_count; i++) {
        float weight = ty->weight[j] * tx->weight[i];
        if (weight == 0) continue;
        const float *from = in + (size_t)(ty->at[j] * p->in[1] + tx->at[i]) * channels;
        for (size_t c = 0; c < channels; c++) out[c] += weight * from[c];
      }
    }
  }
}

static void run_resize(nsc_step *step, pthreadpool_t pool) {
  const resize_params *p = step->params;
  resize_task task = {step, p};
  pthreadpool_parallelize_1d(pool, resize_row, &task, p->batch * (size_t)p->out[0], 0);
}

/* The input coordinate of output coordinate x. */
static double source_of(double x, int64_t in, int64_t out, double scale, const char *rule) {
  if (strcmp(rule, "align_corners") == 0) {
    double length = scale * (double)in; /* not rounded: ONNX's definition */
    return out > 1 ? x * (double)(in - 1) / (length - 1) : 0;
  }
  if (strcmp(rule, "asymmetric") == 0) return x / scale;
  if (strcmp(rule, "pytorch_half_pixel") == 0) return out > 1 ? (x + 0.5) / scale - 0.5 : 0;
  if (strcmp(rule, "half_pixel_symmetric") == 0) {
    double adjust = (double)out / (scale * (double)in), centre = (double)in / 2;
    return centre * (1 - adjust) + (x + 0.5) / scale - 0.5;
  }
  return (x + 0.5) / scale - 0.5;
}

static int64_t round_nearest(double x, const char *rule) {
  if (strcmp(rule, "floor") == 0) return (int64_t)floor(x);
  if (strcmp(rule, "ceil") == 0) return (int64_t)ceil(x);
  if (strcmp(rule, "round_prefer_ceil") == 0) return (int64_t)floor(x + 0.5);
  return (int64_t)ceil(x - 0.5);
}

/* Keys' kernel (1981) with parameter a. */
static double cubic_weight(double x, double a) {
  x = fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

static int64_t clamp(int64_t value, int64_t high) {
  return value < 0 ? 0 : value > high ? high : value;
}

static void make_taps(taps *list, int64_t in, int64_t out, double scale, const rules *r) {
  for (int64_t o = 0; o < out; o++) {
    double x = source_of((double)o, in, out, scale, r->coordinates);
    taps *t = &list[o];
    *t = (taps){{0}, {0}};
    if (r->mode[0] == 'n') {
      t->at[0] = clamp(round_nearest(x, r->nearest), in - 1);
      t->weight[0] = 1;
      continue;
    }
    bool cubic = r->mode[0] == 'c';
    double base = floor(x), fraction = x - base, sum = 0, weights[MAX_TAPS] = {1 - fraction, fraction};
    int count = cubic ? 4 : 2;
    for (int i = 0; i < count; i++) {
      int64_t at = (int64_t)base + (cubic ? i - 1 : i);
      if (cubic) weights[i] = cubic_weight(x - (double)at, (double)r->cubic);
      if (r->exclude_outside && (at < 0 || at >= in)) weights[i] = 0;
      sum += weights[i];
      t->at[i] = clamp(at, in - 1);
    }
    for (int i = 0; i < count; i++) t->weight[i] = (float)(r->exclude_outside ? weights[i] / sum : weights[i]);
  }
}

/* Sizes and scales of all dimensions, from whichever input or attribute gives them. */
static nsc_status read_target(nsc_plan *plan, const nsc_node *node, const nsc_shape *in, nsc_shape *out,
                              double *scales) {
  bool upsample = node->op[0] == 'U', old = upsample || plan->model->opset < 11;
  uint32_t scales_value = nsc_node_input(node, old ? 1 : 2), sizes_value = old ? NSC_NO_VALUE : nsc_node_input(node, 3);
  if (nsc_node_attribute(node, "axes") || nsc_node_int(node, "antialias", 0)) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "axes and antialias are not supported");
  }
  *out = *in;
  uint32_t count = 0;
  if (sizes_value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_ints(plan, node, sizes_value, "sizes", out->dims, NSC_MAX_RANK, &count));
    if (count != in->rank || strcmp(nsc_node_string(node, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "these sizes are not supported");
    }
    for (uint32_t i = 0; i < in->rank; i++) scales[i] = (double)out->dims[i] / (double)in->dims[i];
    return NSC_OK;
  }
  const nsc_attribute *a = nsc_node_attribute(node, "scales");
  const float *values = a && a->kind == NSC_ATTRIBUTE_FLOATS ? a->floats : NULL;
  size_t have = a ? a->count : 0;
  if (scales_value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_floats(plan, node, scales_value, "scales", &values));
    nsc_shape_count(&plan->values[scales_value].shape, &have);
  }
  if (!values || have != in->rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "scales do not fit the input");
  for (uint32_t i = 0; i < in->rank; i++) {
    scales[i] = (double)values[i];
    if (!(scales[i] > 0) || scales[i] > 65536)
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "a scale is out of range");
    double size = floor((double)in->dims[i] * scales[i]);
    if (size > 1e9) return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "the result would be too large");
    out->dims[i] = (int64_t)size;
  }
  return NSC_OK;
}

static nsc_status check_rules(nsc_plan *plan, const nsc_node *node, const rules *r) {
  static const char *const known[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                      "half_pixel_symmetric"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i], r->coordinates) == 0 && strchr("nlcb", r->mode[0]) && r->mode[0]) return NSC_OK;
  }
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "mode %.20s with coordinates %.40s is not supported", r->mode,
                       r->coordinates);
}

static nsc_status lower_resize(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  nsc_shape shape = plan->values[node->inputs[0]].shape, out;
  double scales[NSC_MAX_RANK];
  NSC_TRY(read_target(plan, node, &shape, &out, scales));
  if (shape.rank != 4 || shape.dims[2] < 1 || shape.dims[3] < 1 || out.dims[0] != shape.dims[0] ||
      out.dims[1] != shape.dims[1] || out.dims[2] < 1 || out.dims[3] < 1 || out.dims[2] > 65536 ||
      out.dims[3] > 65536 || plan->values[node->inputs[0]].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR,
                         "only height and width of a float32 N, C, H, W can be resized");
  }
  bool asymmetric = node->op[0] == 'U' || plan->model->opset < 11;
  rules r = {nsc_node_string(node, "mode", "nearest"),
             nsc_node_string(node, "coordinate_transformation_mode", asymmetric ? "asymmetric" : "half_pixel"),
             nsc_node_string(node, "nearest_mode", asymmetric ? "floor" : "round_prefer_floor"),
             nsc_node_float(node, "cubic_coeff_a", -0.75f), nsc_node_int(node, "exclude_outside", 0) != 0};
  NSC_TRY(check_rules(plan, node, &r));
  uint32_t input;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &input));
  NSC_TRY(nsc_plan_define(plan, node->outputs[0], NSC_TYPE_F32, &out, true));
  resize_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->batch = (size_t)shape.dims[0];
  p->channels = (size_t)shape.dims[1];
  p->tap_count = r.mode[0] == 'n' ? 1 : r.mode[0] == 'c' ? 4 : 2;
  for (int i = 0; i < 2; i++) {
    p->in[i] = shape.dims[2 + i];
    p->out[i] = out.dims[2 + i];
    NSC_TRY(nsc_plan_alloc(plan, (size_t)p->out[i], sizeof **p->axis, &p->axis[i]));
    make_taps(p->axis[i], p->in[i], p->out[i], scales[2 + i], &r);
  }
  return nsc_plan_add_loop(plan, node, node->op, input, node->outputs[0], run_resize, p);
}

const nsc_operator nsc_resize_operators[] = {
    {"Resize", lower_resize},
    {"Upsample", lower_resize},
    {NULL, NULL},
};
