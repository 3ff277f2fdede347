/* What each pixel adds to a score, by gradients of a whole network with respect to its picture. */
#ifndef NSC_EXPLAIN_ATTRIBUTE_H
#define NSC_EXPLAIN_ATTRIBUTE_H

#include "explain/perturb.h"
#include "train/net.h"

/*
 * Runs a network on one picture, forward and backward: afterwards its input tensor's gradient is that of the sum of
 * its logits times `weights` [outputs]. The network's batch becomes 1. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_logit_gradient(nsc_net *net, nsc_compute *compute, const float *picture,
                                              const float *weights, nsc_error *err);

/* Picture number `step` of `steps` on the straight line from a blank one to the picture, in the middle of its piece
 * (Sundararajan, Taly & Yan 2017, the integral by the midpoint rule). */
void nsc_integrated_input(const nsc_input_picture *p, uint32_t step, uint32_t steps, float *out);
/* The picture with Gaussian noise; `noise` is its deviation as a share of the picture's range (Smilkov et al. 2017). */
void nsc_noisy_input(const nsc_input_picture *p, double noise, uint64_t seed, uint32_t step, float *out);

/* Sum of gradients [height][width][channels] to a map: the largest size over the channels (Simonyan et al. 2013). */
void nsc_gradient_map(const nsc_input_picture *p, const float *sum, uint32_t steps, float *map);
/* Mean gradient times the way from blank, summed over the channels: all pixels together are the difference of logits.
 */
void nsc_integrated_map(const nsc_input_picture *p, const float *sum, uint32_t steps, float *map);

#endif
