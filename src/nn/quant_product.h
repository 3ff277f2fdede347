/* Convolutions and products of int8 with weights of one scale an output channel: XNNPACK's qs8_qc8w operators. */
#ifndef NSC_NN_QUANT_PRODUCT_H
#define NSC_NN_QUANT_PRODUCT_H

#include "nn/op_conv.h"
#include "nn/quant.h"

/* What stands around the integers of a product. */
typedef struct nsc_quant_scales {
  float in_scale, out_scale;
  int32_t in_zero, out_zero, min, max; /* of signed integers; min and max bound the output */
  const float *weight_scale;           /* [outputs] */
  const int32_t *bias;                 /* [outputs], in units of in_scale * weight_scale, or NULL */
} nsc_quant_scales;

/* Whether XNNPACK takes these: every in_scale * weight_scale / out_scale is in [2^-32, 256). */
bool nsc_quant_scales_fit(const nsc_quant_scales *s, size_t outputs);

/*
 * Constant weights as signed bytes in the file's order, valid until the node is lowered; *out stays NULL where they are
 * not symmetric (a zero point other than 0, or 128 of uint8), or the value is no constant. `zero` has `channels`
 * entries.
 */
nsc_status nsc_quant_weights(nsc_plan *plan, uint32_t value, const int32_t *zero, size_t channels, const int8_t **out);
/* The scale of each output; `scale` has one or `outputs` entries. */
nsc_status nsc_quant_spread(nsc_plan *plan, const float *scale, size_t channels, size_t outputs, const float **out);

/* Whether XNNPACK computes with these weights exactly: one tap of a depthwise convolution may not be -128. */
bool nsc_quant_weights_fit(const nsc_conv_geometry *g, const int8_t *weights);
/* `input` is int8, channels last; `output` is defined as int8, channels last. `weights` as ONNX has them. */
nsc_status nsc_quant_conv(nsc_plan *plan, const nsc_node *node, const nsc_conv_geometry *g, const nsc_quant_scales *s,
                          const int8_t *weights, uint32_t input, uint32_t output);

/*
 * quant_unfold.c: where there are few input channels, adds a step that makes those under a row of the kernel channels
 * of one pixel, and changes *g and *input to match. *room is the bytes from one pixel of *input to the next. Weights as
 * [outputs][height][width][inputs] stay as they are. `zero` is what padding holds.
 */
nsc_status nsc_quant_unfold(nsc_plan *plan, const nsc_node *node, nsc_conv_geometry *g, int32_t zero, uint32_t *input,
                            size_t *room);

typedef struct nsc_quant_dense_shape {
  size_t rows, in, out;
  bool transposed; /* weights are [in][out] instead of [out][in] */
} nsc_quant_dense_shape;

nsc_status nsc_quant_dense(nsc_plan *plan, const nsc_node *node, const nsc_quant_dense_shape *d,
                           const nsc_quant_scales *s, const int8_t *weights, uint32_t input, uint32_t output);

#endif
