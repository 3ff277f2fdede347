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
/* N, outputs, (height,) width. */
nsc_shape nsc_conv_output_shape(const nsc_conv_geometry *g, int64_t batch);

#endif
