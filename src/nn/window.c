#include "nn/window.h"

#include <string.h>

enum { MAX_EXTENT = 1 << 20 }; /* of a kernel, stride, dilation or padding: products stay far from overflow */

static nsc_status read_pairs(nsc_plan *plan, const nsc_node *node, const char *name, uint32_t axes, int64_t least,
                             int64_t *first, int64_t *second) {
  const nsc_attribute *a = nsc_node_attribute(node, name);
  if (!a) return NSC_OK;
  uint32_t wanted = second ? axes * 2 : axes;
  if (a->kind != NSC_ATTRIBUTE_INTS || a->count != wanted) {
    return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "%s must have %u numbers", name, wanted);
  }
  for (uint32_t i = 0; i < wanted; i++) {
    if (a->ints[i] < least || a->ints[i] > MAX_EXTENT) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "%s %lld is not supported", name, (long long)a->ints[i]);
    }
    uint32_t axis = 2 - axes + i % axes;
    if (i < axes) {
      first[axis] = a->ints[i];
    } else {
      second[axis] = a->ints[i];
    }
  }
  return NSC_OK;
}

/* SAME_UPPER and SAME_LOWER: as many outputs as inputs divided by the stride, the odd pixel at the end or the start. */
static void pad_same(nsc_window *w, bool lower) {
  for (int i = 0; i < 2; i++) {
    int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
    int64_t total = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->in[i];
    if (total < 0) total = 0;
    w->pad_begin[i] = lower ? total - total / 2 : total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
  }
}

static void round_up_outputs(nsc_window *w) {
  for (int i = 0; i < 2; i++) {
    int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
    int64_t span = w->in[i] + w->pad_begin[i] + w->pad_end[i] - extent;
    int64_t rest = span < 0 ? 0 : span % w->stride[i];
    if (rest == 0) continue;
    /* A window that would begin in the end padding has nothing to see: PyTorch and ONNX leave it out. */
    int64_t start = (span / w->stride[i] + 1) * w->stride[i];
    if (start >= w->in[i] + w->pad_begin[i]) continue;
    w->ceil_extra[i] = w->stride[i] - rest;
    w->pad_end[i] += w->ceil_extra[i];
  }
}

nsc_status nsc_window_read(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape, const int64_t *kernel,
                           nsc_window *out) {
  if (shape->rank != 3 && shape->rank != 4) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "an input with %u dimensions is not supported", shape->rank);
  }
  nsc_window w = {.axes = shape->rank - 2, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .in = {1, 1}};
  for (uint32_t i = 0; i < w.axes; i++) w.in[2 - w.axes + i] = shape->dims[2 + i];
  if (kernel) {
    memcpy(w.kernel, kernel, sizeof w.kernel);
  } else {
    if (!nsc_node_attribute(node, "kernel_shape")) {
      return nsc_node_fail(plan, node, NSC_ERROR_CORRUPT, "kernel_shape is missing");
    }
    NSC_TRY(read_pairs(plan, node, "kernel_shape", w.axes, 1, w.kernel, NULL));
  }
  NSC_TRY(read_pairs(plan, node, "strides", w.axes, 1, w.stride, NULL));
  NSC_TRY(read_pairs(plan, node, "dilations", w.axes, 1, w.dilation, NULL));
  const char *auto_pad = nsc_node_string(node, "auto_pad", "NOTSET");
  if (strcmp(auto_pad, "SAME_UPPER") == 0 || strcmp(auto_pad, "SAME_LOWER") == 0) {
    pad_same(&w, auto_pad[5] == 'L');
  } else if (strcmp(auto_pad, "VALID") != 0) {
    NSC_TRY(read_pairs(plan, node, "pads", w.axes, 0, w.pad_begin, w.pad_end));
  }
  if (nsc_node_int(node, "ceil_mode", 0)) round_up_outputs(&w);
  for (int i = 0; i < 2; i++) {
    if (w.kernel[i] < 1 || w.kernel[i] > MAX_EXTENT) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "a kernel of %lld is not supported", (long long)w.kernel[i]);
    }
    int64_t span = w.in[i] + w.pad_begin[i] + w.pad_end[i] - ((w.kernel[i] - 1) * w.dilation[i] + 1);
    if (span < 0) {
      return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "the kernel is larger than its %lld x %lld input",
                           (long long)w.in[0], (long long)w.in[1]);
    }
    w.out[i] = span / w.stride[i] + 1;
  }
  *out = w;
  return NSC_OK;
}

void nsc_window_clip(const nsc_window *w, int axis, int64_t o, bool include_pad, int64_t *from, int64_t *to,
                     int64_t *divisor) {
  int64_t start = o * w->stride[axis] - w->pad_begin[axis];
  int64_t in = w->in[axis], d = w->dilation[axis];
  /* Padding that only ceil_mode added never counts. */
  int64_t counted_end = in + w->pad_end[axis] - w->ceil_extra[axis];
  *from = w->kernel[axis];
  *to = 0;
  *divisor = 0;
  for (int64_t k = 0; k < w->kernel[axis]; k++) {
    int64_t at = start + k * d;
    if (at >= 0 && at < in) {
      if (k < *from) *from = k;
      *to = k + 1;
      ++*divisor;
    } else if (include_pad && at < counted_end) {
      ++*divisor;
    }
  }
}
