/* Depthwise convolutions for training: one kernel a channel, all channels side by side. Arguments as in compute.h. */
#ifndef NSC_NN_DEPTHWISE_H
#define NSC_NN_DEPTHWISE_H

#include "nn/compute.h"

NSC_WARN_UNUSED nsc_status nsc_depthwise_forward(nsc_compute *compute, const nsc_conv_shape *shape, const float *x,
                                                 const float *weights, const float *bias, float *y, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_depthwise_input_gradient(nsc_compute *compute, const nsc_conv_shape *shape,
                                                        const float *dy, const float *weights, float *dx,
                                                        nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_depthwise_weight_gradient(nsc_compute *compute, const nsc_conv_shape *shape,
                                                         const float *x, const float *dy, float *dw, nsc_error *err);

#endif
