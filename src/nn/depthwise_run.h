/*
 * Depthwise convolutions for inference. XNNPACK computes one pixel of the output after the other and reads the weights
 * anew for each; here several pixels of a row are computed at once, so that weights stay in registers for a row of the
 * kernel and an input is read once for all outputs that it goes into.
 *
 * Each output is one sum in the order of the kernel's taps: threads do not change it.
 */
#ifndef NSC_NN_DEPTHWISE_RUN_H
#define NSC_NN_DEPTHWISE_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct pthreadpool;

typedef struct nsc_depthwise {
  size_t batch, height, width, channels;
  size_t out_height, out_width;
  size_t kernel, stride; /* of both axes */
  size_t top, left;      /* padding */
  float min, max;        /* results are cut to them */
} nsc_depthwise;

/* Whether this kernel, stride and number of channels (a multiple of 4) can be done. */
bool nsc_depthwise_can(const nsc_depthwise *shape);

/* Floats of packed weights; of zeros that nsc_depthwise_run reads outside of the picture. */
size_t nsc_depthwise_weight_floats(const nsc_depthwise *shape);

/* `weights` [channels][kernel][kernel] and `bias` ([channels] or NULL) into `packed`, [channels / 4][1 + taps][4]. */
void nsc_depthwise_pack(const nsc_depthwise *shape, const float *weights, const float *bias, float *packed);

/* x [batch][height][width][channels] to y [batch][out_height][out_width][channels]. `zero`: [channels] of them. */
void nsc_depthwise_run(const nsc_depthwise *shape, const float *x, const float *packed, const float *zero, float *y,
                       struct pthreadpool *pool);

#endif
