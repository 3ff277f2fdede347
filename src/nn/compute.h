/*
 * The arithmetic of training: matrix products and convolutions with weights that change at every step, on XNNPACK's
 * micro-kernels (product.h). Nothing is kept between calls but threads and scratch memory. All tensors are float32;
 * pictures are [batch][height][width][channels]. Results do not depend on the number of threads.
 */
#ifndef NSC_NN_COMPUTE_H
#define NSC_NN_COMPUTE_H

#include "negatoscope.h"

typedef struct nsc_compute nsc_compute;

NSC_WARN_UNUSED nsc_status nsc_compute_create(uint32_t threads, nsc_compute **out, nsc_error *err);
/* The same on threads that somebody else has, and keeps; NULL for the calling one alone. */
struct pthreadpool;
NSC_WARN_UNUSED nsc_status nsc_compute_borrow(struct pthreadpool *threads, nsc_compute **out, nsc_error *err);
void nsc_compute_free(nsc_compute *compute);

/* Calls part(context, from, count) for ranges that make up [0, total), in parallel; `grain` is the least worth a range.
   Which thread does which range does not matter to the result if ranges write apart from one another. */
void nsc_compute_ranges(nsc_compute *compute, void (*part)(void *context, size_t from, size_t count), void *context,
                        size_t total, size_t grain);

/* y[rows][out] = x[rows][in] * weights + bias. `weights` is [out][in], or [in][out] with `turned`; bias may be NULL. */
NSC_WARN_UNUSED nsc_status nsc_compute_dense(nsc_compute *compute, size_t rows, size_t in, size_t out, const float *x,
                                             const float *weights, bool turned, const float *bias, float *y,
                                             nsc_error *err);

/* dw[out][in] = the gradient with respect to weights of nsc_compute_dense, summed over rows. */
NSC_WARN_UNUSED nsc_status nsc_compute_dense_weight_gradient(nsc_compute *compute, size_t rows, size_t in, size_t out,
                                                             const float *x, const float *dy, float *dw,
                                                             nsc_error *err);

typedef struct nsc_conv_shape {
  size_t batch, height, width; /* of x */
  size_t in_channels, out_channels, groups;
  size_t kernel_h, kernel_w, stride;
  size_t top, left, bottom, right; /* padding */
} nsc_conv_shape;

size_t nsc_conv_out_height(const nsc_conv_shape *s);
size_t nsc_conv_out_width(const nsc_conv_shape *s);

/* weights: [out channels][kernel height][kernel width][in channels / groups]; bias may be NULL. */
NSC_WARN_UNUSED nsc_status nsc_compute_conv(nsc_compute *compute, const nsc_conv_shape *shape, const float *x,
                                            const float *weights, const float *bias, float *y, nsc_error *err);

/* dx = the gradient of a loss with respect to x, given dy with respect to y. */
NSC_WARN_UNUSED nsc_status nsc_compute_conv_input_gradient(nsc_compute *compute, const nsc_conv_shape *shape,
                                                           const float *dy, const float *weights, float *dx,
                                                           nsc_error *err);

/* dw, in the layout of weights, = the gradient with respect to the weights, summed over the batch. */
NSC_WARN_UNUSED nsc_status nsc_compute_conv_weight_gradient(nsc_compute *compute, const nsc_conv_shape *shape,
                                                            const float *x, const float *dy, float *dw, nsc_error *err);

#endif
