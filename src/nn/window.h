/* Kernel, stride, dilation and padding of convolutions and pooling: attributes to numbers, sizes to sizes. */
#ifndef NSC_NN_WINDOW_H
#define NSC_NN_WINDOW_H

#include "nn/plan.h"

typedef struct nsc_window {
  uint32_t axes; /* 1 (N, C, W) or 2 (N, C, H, W); with 1 the first of each pair below is neutral */
  int64_t kernel[2], stride[2], dilation[2];
  int64_t pad_begin[2], pad_end[2]; /* pad_end grows where ceil_mode needs room */
  int64_t ceil_extra[2];            /* how much of pad_end is not the file's but ceil_mode's */
  int64_t in[2], out[2];
} nsc_window;

/*
 * `shape` is the input, N, C, (H,) W; `kernel` the kernel's height and width when it comes from weights, else NULL and
 * kernel_shape is read. ONNX: Conv, MaxPool, AveragePool.
 */
nsc_status nsc_window_read(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape, const int64_t *kernel,
                           nsc_window *out);

/*
 * Of the window of output `o` along one axis: kernel positions [from, to) lie inside the input; *divisor is how many
 * positions an average divides by, with padding when `include_pad`.
 */
void nsc_window_clip(const nsc_window *w, int axis, int64_t o, bool include_pad, int64_t *from, int64_t *to,
                     int64_t *divisor);

#endif
