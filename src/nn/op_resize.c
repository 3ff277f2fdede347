/*
 * Resize (opsets 10 to newest) and Upsample (7, 9): nearest, linear and cubic, with and without antialiasing. Axis by
 * axis: each output line is a short sum of input lines, whose places and weights are made once.
 */
#include <math.h>
#include <string.h>

#include "nn/operators.h"

enum { MAX_SIDE = 65536 };

/* One axis: [outer][in][inner] becomes [outer][out][inner]. */
typedef struct resize_params {
  size_t outer, inner;
  int64_t in, out;
  size_t tap_count;
  const int32_t *at;   /* [out][tap_count] */
  const float *weight; /* [out][tap_count] */
  const uint8_t *fill; /* [out], or NULL: lines outside of the crop */
  float fill_value;
} resize_params;

typedef struct rules {
  const char *mode, *coordinates, *nearest;
  double cubic;
  bool exclude_outside, antialias;
  float extrapolation;
} rules;

/* An axis that changes: sizes, scale, and for tf_crop_and_resize where the crop begins and ends (0..1). */
typedef struct axis_plan {
  int64_t in, out;
  double scale, start, end;
} axis_plan;

typedef struct resize_task {
  const resize_params *params;
  const float *in;
  float *out;
} resize_task;

static void resize_line(void *context, size_t line) {
  const resize_task *t = context;
  const resize_params *p = t->params;
  size_t o = line / (size_t)p->out, k = line % (size_t)p->out, inner = p->inner;
  const float *in = t->in + o * (size_t)p->in * inner, *weight = p->weight + k * p->tap_count;
  const int32_t *at = p->at + k * p->tap_count;
  float *out = t->out + line * inner;
  if (p->fill && p->fill[k]) {
    for (size_t i = 0; i < inner; i++) out[i] = p->fill_value;
    return;
  }
  const float *first = in + (size_t)at[0] * inner;
  if (p->tap_count == 1) {
    memcpy(out, first, inner * sizeof *out);
    return;
  }
  for (size_t i = 0; i < inner; i++) out[i] = weight[0] * first[i];
  for (size_t j = 1; j < p->tap_count; j++) {
    const float *from = in + (size_t)at[j] * inner;
    if (weight[j] == 0) continue;
    for (size_t i = 0; i < inner; i++) out[i] += weight[j] * from[i];
  }
}

static void run_resize(nsc_step *step, pthreadpool_t pool) {
  const resize_params *p = step->params;
  resize_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d(pool, resize_line, &task, p->outer * (size_t)p->out, 0);
}

/* ---- places and weights ---- */

/* The input coordinate of output coordinate x. */
static double source_of(double x, const axis_plan *a, const char *rule) {
  double in = (double)a->in, length = a->scale * in; /* not rounded: ONNX's definition */
  if (strcmp(rule, "align_corners") == 0) return a->out > 1 && length > 1 ? x * (in - 1) / (length - 1) : 0;
  if (strcmp(rule, "asymmetric") == 0) return x / a->scale;
  if (strcmp(rule, "pytorch_half_pixel") == 0) return a->out > 1 ? (x + 0.5) / a->scale - 0.5 : 0;
  if (strcmp(rule, "tf_half_pixel_for_nn") == 0) return (x + 0.5) / a->scale;
  if (strcmp(rule, "tf_crop_and_resize") == 0) {
    if (a->out == 1) return 0.5 * (a->start + a->end) * (in - 1);
    return a->start * (in - 1) + x * (a->end - a->start) * (in - 1) / (double)(a->out - 1);
  }
  if (strcmp(rule, "half_pixel_symmetric") == 0) {
    double adjust = (double)a->out / length;
    return in / 2 * (1 - adjust) + (x + 0.5) / a->scale - 0.5;
  }
  return (x + 0.5) / a->scale - 0.5;
}

static double round_nearest(double x, const char *rule) {
  if (strcmp(rule, "floor") == 0) return floor(x);
  if (strcmp(rule, "ceil") == 0) return ceil(x);
  if (strcmp(rule, "round_prefer_ceil") == 0) return floor(x + 0.5);
  return ceil(x - 0.5);
}

/* Keys' kernel (1981) with parameter a, or a triangle. */
static double kernel(double x, const rules *r) {
  double a = r->cubic;
  x = fabs(x);
  if (r->mode[0] != 'c') return x < 1 ? 1 - x : 0;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

static int32_t inside(double place, int64_t in) {
  return place < 0 ? 0 : place > (double)(in - 1) ? (int32_t)(in - 1) : (int32_t)place;
}

/* Antialiasing widens the kernel of a reduction by the factor of reduction. */
static double stretch_of(const axis_plan *a, const rules *r) {
  return r->antialias && a->scale < 1 ? a->scale : 1;
}

static size_t count_taps(const axis_plan *a, const rules *r) {
  if (r->mode[0] == 'n') return 1;
  double reach = (r->mode[0] == 'c' ? 2 : 1) / stretch_of(a, r);
  return (size_t)(2 - 2 * (floor(-reach) + 1));
}

/* Weights of the `count` input places around x; those outside repeat the edge, or count for nothing. */
static void weigh(double x, const axis_plan *a, const rules *r, size_t count, int32_t *at, float *weight) {
  double stretch = stretch_of(a, r), first = floor(x) - (double)(count / 2) + 1, sum = 0;
  for (size_t i = 0; i < count; i++) {
    double place = first + (double)i;
    bool outside = place < 0 || place > (double)(a->in - 1);
    sum += r->exclude_outside && outside ? 0 : kernel((place - x) * stretch, r);
  }
  for (size_t i = 0; i < count; i++) {
    double place = first + (double)i, w = kernel((place - x) * stretch, r);
    if (r->exclude_outside && (place < 0 || place > (double)(a->in - 1))) w = 0;
    at[i] = inside(place, a->in);
    weight[i] = sum != 0 ? (float)(w / sum) : 0.0f;
  }
}

static nsc_status make_taps(nsc_plan *plan, const axis_plan *a, const rules *r, resize_params *p) {
  int32_t *at;
  float *weight;
  uint8_t *fill = NULL;
  size_t out = (size_t)a->out;
  bool crop = strcmp(r->coordinates, "tf_crop_and_resize") == 0;
  p->tap_count = count_taps(a, r);
  NSC_TRY(nsc_plan_alloc(plan, out * p->tap_count, sizeof *at, &at));
  NSC_TRY(nsc_plan_alloc(plan, out * p->tap_count, sizeof *weight, &weight));
  if (crop) NSC_TRY(nsc_plan_alloc(plan, out, 1, &fill));
  for (size_t o = 0; o < out; o++) {
    double x = source_of((double)o, a, r->coordinates);
    if (crop) fill[o] = x < 0 || x > (double)(a->in - 1);
    if (r->mode[0] == 'n') {
      at[o] = inside(round_nearest(x, r->nearest), a->in);
      weight[o] = 1;
    } else {
      weigh(x, a, r, p->tap_count, at + o * p->tap_count, weight + o * p->tap_count);
    }
  }
  p->at = at;
  p->weight = weight;
  p->fill = fill;
  p->fill_value = r->extrapolation;
  return NSC_OK;
}

/* ---- what the node asks for ---- */

static nsc_status read_axes(nsc_plan *plan, const nsc_node *node, uint32_t rank, uint32_t *axes, uint32_t *count) {
  const nsc_attribute *list = nsc_node_attribute(node, "axes");
  if (list && list->kind != NSC_ATTRIBUTE_INTS) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axes is no list of integers");
  }
  *count = list ? list->count : rank;
  if (*count > rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axes has %u numbers", *count);
  for (uint32_t i = 0; i < *count; i++) {
    int64_t axis = list ? list->ints[i] : i;
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "axes are out of range");
    axes[i] = (uint32_t)axis;
  }
  return NSC_OK;
}

/* Sizes as they are asked for, or the largest (smallest) that keeps the aspect within (around) them. */
static nsc_status apply_sizes(nsc_plan *plan, const nsc_node *node, uint32_t value, const uint32_t *axes,
                              uint32_t count, axis_plan *list) {
  int64_t sizes[NSC_MAX_RANK];
  uint32_t have;
  NSC_TRY(nsc_plan_ints(plan, node, value, "sizes", sizes, NSC_MAX_RANK, &have));
  const char *policy = nsc_node_string(node, "keep_aspect_ratio_policy", "stretch");
  bool larger = strcmp(policy, "not_larger") == 0, smaller = strcmp(policy, "not_smaller") == 0;
  if (have != count || (!larger && !smaller && strcmp(policy, "stretch") != 0)) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "sizes or keep_aspect_ratio_policy make no sense");
  }
  double best = larger ? INFINITY : 0;
  for (uint32_t i = 0; i < count; i++) {
    axis_plan *a = &list[axes[i]];
    a->out = sizes[i];
    a->scale = (double)sizes[i] / (double)a->in;
    best = larger ? fmin(best, a->scale) : fmax(best, a->scale);
  }
  for (uint32_t i = 0; i < count && (larger || smaller); i++) {
    axis_plan *a = &list[axes[i]];
    a->scale = best;
    double size = floor(best * (double)a->in + 0.5);
    a->out = size < 1e9 ? (int64_t)size : -1;
  }
  return NSC_OK;
}

static nsc_status apply_scales(nsc_plan *plan, const nsc_node *node, uint32_t value, const uint32_t *axes,
                               uint32_t count, axis_plan *list) {
  const nsc_attribute *attribute = nsc_node_attribute(node, "scales");
  const float *scales = attribute && attribute->kind == NSC_ATTRIBUTE_FLOATS ? attribute->floats : NULL;
  size_t have = scales ? attribute->count : 0;
  if (value != NSC_NO_VALUE) {
    NSC_TRY(nsc_plan_floats(plan, node, value, "scales", &scales));
    nsc_shape_count(&plan->values[value].shape, &have);
  }
  if (!scales || have != count) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "scales do not fit the input");
  for (uint32_t i = 0; i < count; i++) {
    axis_plan *a = &list[axes[i]];
    a->scale = (double)scales[i];
    if (!(a->scale > 0) || a->scale > MAX_SIDE) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "a scale is out of range");
    }
    double size = floor((double)a->in * a->scale);
    a->out = size < 1e9 ? (int64_t)size : -1;
  }
  return NSC_OK;
}

static nsc_status read_crop(nsc_plan *plan, const nsc_node *node, const uint32_t *axes, uint32_t count,
                            axis_plan *list) {
  uint32_t value = nsc_node_input(node, 1);
  const float *roi;
  size_t have = 0;
  if (value == NSC_NO_VALUE) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "roi is missing");
  NSC_TRY(nsc_plan_floats(plan, node, value, "roi", &roi));
  nsc_shape_count(&plan->values[value].shape, &have);
  if (have != 2 * (size_t)count) return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "roi has %zu numbers", have);
  for (uint32_t i = 0; i < count; i++) {
    axis_plan *a = &list[axes[i]];
    a->start = (double)roi[i];
    a->end = (double)roi[count + i];
    if (!(fabs(a->start) < 1e6) || !(fabs(a->end) < 1e6)) {
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "roi is out of range");
    }
  }
  return NSC_OK;
}

static nsc_status read_rules(nsc_plan *plan, const nsc_node *node, rules *r) {
  static const char *const known[] = {"half_pixel",           "pytorch_half_pixel",   "align_corners",     "asymmetric",
                                      "half_pixel_symmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  bool asymmetric = node->op[0] == 'U' || plan->model->opset < 11;
  *r = (rules){
      .mode = nsc_node_string(node, "mode", "nearest"),
      .coordinates = nsc_node_string(node, "coordinate_transformation_mode", asymmetric ? "asymmetric" : "half_pixel"),
      .nearest = nsc_node_string(node, "nearest_mode", asymmetric ? "floor" : "round_prefer_floor"),
      .cubic = (double)nsc_node_float(node, "cubic_coeff_a", -0.75f),
      .exclude_outside = nsc_node_int(node, "exclude_outside", 0) != 0,
      .antialias = nsc_node_int(node, "antialias", 0) != 0,
      .extrapolation = nsc_node_float(node, "extrapolation_value", 0)};
  bool mode = strcmp(r->mode, "nearest") == 0 || strcmp(r->mode, "linear") == 0 || strcmp(r->mode, "cubic") == 0 ||
              strcmp(r->mode, "bilinear") == 0;
  for (size_t i = 0; mode && i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i], r->coordinates) == 0) return NSC_OK;
  }
  return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "mode %.20s with coordinates %.40s is not supported", r->mode,
                       r->coordinates);
}

/* Every axis of the input and what becomes of it. */
static nsc_status read_target(nsc_plan *plan, const nsc_node *node, const nsc_shape *in, const rules *r,
                              axis_plan *list) {
  bool old = node->op[0] == 'U' || plan->model->opset < 11;
  uint32_t scales = nsc_node_input(node, old ? 1 : 2), sizes = old ? NSC_NO_VALUE : nsc_node_input(node, 3);
  uint32_t axes[NSC_MAX_RANK], count;
  NSC_TRY(read_axes(plan, node, in->rank, axes, &count));
  for (uint32_t i = 0; i < in->rank; i++) list[i] = (axis_plan){in->dims[i], in->dims[i], 1, 0, 1};
  NSC_TRY(sizes != NSC_NO_VALUE ? apply_sizes(plan, node, sizes, axes, count, list)
                                : apply_scales(plan, node, scales, axes, count, list));
  if (strcmp(r->coordinates, "tf_crop_and_resize") == 0) NSC_TRY(read_crop(plan, node, axes, count, list));
  for (uint32_t i = 0; i < in->rank; i++) {
    const axis_plan *a = &list[i];
    bool same = a->in == a->out && a->scale == 1;
    if (!same && (a->in < 1 || a->out < 1 || a->in > MAX_SIDE || a->out > MAX_SIDE)) {
      return nsc_node_fail(plan, node, NSC_ERROR_LIMIT, "axis %u would go from %lld to %lld; the limit is %d", i,
                           (long long)a->in, (long long)a->out, MAX_SIDE);
    }
  }
  return NSC_OK;
}

static bool is_untouched(const axis_plan *a) {
  return a->in == a->out && a->scale == 1 && a->start == 0 && a->end == 1;
}

/* Along axis `axis`, which stands at `at` in memory. */
static nsc_status add_axis(nsc_plan *plan, const nsc_node *node, const axis_plan *a, const rules *r, uint32_t at,
                           uint32_t input, uint32_t output) {
  nsc_shape physical = nsc_value_physical(nsc_plan_value(plan, input));
  resize_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  p->outer = nsc_shape_product(&physical, 0, at);
  p->inner = nsc_shape_product(&physical, at + 1, physical.rank);
  p->in = a->in;
  p->out = a->out;
  NSC_TRY(make_taps(plan, a, r, p));
  return nsc_plan_add_loop(plan, node, node->op, input, output, run_resize, p);
}

static nsc_status lower_resize(nsc_plan *plan, const nsc_node *node) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 1));
  uint32_t current, left = 0;
  NSC_TRY(nsc_plan_layout(plan, node->inputs[0], true, &current)); /* lines of many channels */
  nsc_shape shape = plan->values[current].shape;
  bool channels_last = plan->values[current].channels_last;
  if (plan->values[current].type != NSC_TYPE_F32) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only float32 can be resized");
  }
  rules r;
  axis_plan axes[NSC_MAX_RANK];
  NSC_TRY(read_rules(plan, node, &r));
  NSC_TRY(read_target(plan, node, &shape, &r, axes));
  for (uint32_t i = 0; i < shape.rank; i++) left += !is_untouched(&axes[i]);
  if (left == 0) return nsc_plan_alias(plan, node->outputs[0], current, &shape, channels_last);
  /* The last dimensions first: their lines are shortest. */
  for (uint32_t i = shape.rank; i-- > 0;) {
    if (is_untouched(&axes[i])) continue;
    uint32_t at = !channels_last || i == 0 ? i : i == 1 ? shape.rank - 1 : i - 1, output = node->outputs[0];
    shape.dims[i] = axes[i].out;
    if (--left) {
      NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &shape, channels_last, &output));
    } else {
      NSC_TRY(nsc_plan_define(plan, output, NSC_TYPE_F32, &shape, channels_last));
    }
    NSC_TRY(add_axis(plan, node, &axes[i], &r, at, current, output));
    current = output;
  }
  return NSC_OK;
}

const nsc_operator nsc_resize_operators[] = {
    {"Resize", lower_resize},
    {"Upsample", lower_resize},
    {NULL, NULL},
};
