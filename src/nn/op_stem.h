/*
 * Convolutions of pictures with few channels, such as the first one of a network. XNNPACK fetches an address for each
 * tap, and with three channels behind it there is little to multiply. Taps of one row of the kernel stand side by side
 * in memory, so here a row is one tap with as many channels as the row has numbers, over a copy of the picture with its
 * padding.
 */
#ifndef NSC_NN_OP_STEM_H
#define NSC_NN_OP_STEM_H

#include "nn/plan.h"
#include "nn/window.h"

typedef struct nsc_stem {
  const nsc_window *window; /* of two axes */
  size_t batch, in_channels, out_channels;
  float min, max; /* results are cut to them */
} nsc_stem;

/* Whether it can be done so, and is worth it. */
bool nsc_stem_pays(const nsc_stem *stem);

/* Adds the step: `output` = clamp(`input` filtered + bias), channels last. `weights` [out][height][width][in] and
   `bias`
   ([out] or NULL) are copied. */
nsc_status nsc_plan_stem(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_stem *stem,
                         const float *weights, const float *bias, uint32_t input, uint32_t output);

#endif
