/* What convolutions of floats and of integers share: sizes from the shapes of X and W and the node's attributes. */
#ifndef NSC_NN_OP_CONV_H
#define NSC_NN_OP_CONV_H

#include "nn/window.h"

typedef struct nsc_conv_geometry {
  nsc_window window;
  size_t groups, group_in, group_out; /* channels of one group */
} nsc_conv_geometry;

/* `x` is N, C, (H,) W and `w` is [outputs][inputs of a group][(height)][width]. Errors: OPERATOR, SHAPE. */
nsc_status nsc_conv_geometry_read(nsc_plan *plan, const nsc_node *node, const nsc_shape *x, const nsc_shape *w,
                                  nsc_conv_geometry *out);
/* y = x * scale + shift per channel: a batch norm with frozen statistics. */
typedef struct nsc_affine {
  const float *scale, *shift; /* [channels], until the node is lowered */
} nsc_affine;

/* Reads a BatchNormalization's four constant vectors. Errors: CORRUPT, OPERATOR, SHAPE. */
nsc_status nsc_norm_read(nsc_plan *plan, const nsc_node *node, size_t channels, nsc_affine *out);
bool nsc_norm_is_frozen(const nsc_plan *plan, const nsc_node *node, uint32_t input);
/* N, outputs, (height,) width. */
nsc_shape nsc_conv_output_shape(const nsc_conv_geometry *g, int64_t batch);

#endif
