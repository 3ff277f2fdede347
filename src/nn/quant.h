/*
 * What quantised values stand for (ONNX QuantizeLinear, DequantizeLinear): real = (integer - zero) * scale.
 *
 * A float value keeps beside it the integers that it was made from. An operator that can compute with integers reads
 * those (quant_*.c), every other one the floats; the step that made floats which nobody reads is removed before the
 * plan is placed. uint8 has a signed twin, less 128, since XNNPACK's products are of signed bytes: a zero point below
 * is always that of signed integers for activations, and the file's own for constants.
 */
#ifndef NSC_NN_QUANT_H
#define NSC_NN_QUANT_H

#include "nn/plan.h"

struct nsc_quant {
  uint32_t source; /* the value with the integers; of a uint8 value its signed twin, and the rest below is not set */
  bool constant;   /* the floats are made when somebody asks for them: weights are large */
  uint32_t channels;
  size_t inner;        /* neighbouring elements of one channel; constants only */
  const float *scale;  /* [channels] */
  const int32_t *zero; /* [channels] */
};

/* Scale and zero point of a QuantizeLinear, a DequantizeLinear or one operand of a QLinear operator. */
typedef struct nsc_quant_params {
  nsc_type type; /* of the integers */
  uint32_t channels;
  size_t outer, inner; /* elements around a channel in memory */
  const float *scale;  /* [channels], positive and finite */
  const int32_t *zero; /* [channels], within the type */
} nsc_quant_params;

/*
 * Reads the constants `scale` and `zero` (or NSC_NO_VALUE: 0) for `value`, whose channels lie along `axis` where the
 * scale has more than one element. `type` is that of the integers; U8, I8 or I32. Errors: OPERATOR (no constants,
 * blocks), SHAPE (wrong lengths), CORRUPT (scales that are not positive and finite, zero points of another type).
 */
nsc_status nsc_quant_params_read(nsc_plan *plan, const nsc_node *node, uint32_t value, uint32_t scale, uint32_t zero,
                                 nsc_type type, int64_t axis, nsc_quant_params *out);
/* The type of QuantizeLinear's output: its zero point's, else what output_dtype says, else uint8. */
nsc_status nsc_quant_output_type(nsc_plan *plan, const nsc_node *node, nsc_type *out);

/* A constant's integers of one byte, in ONNX order and the file's type; valid until the node is lowered. */
nsc_status nsc_quant_bytes(nsc_plan *plan, uint32_t value, const uint8_t **out);
/* The elements of a float constant with quant->constant. */
nsc_status nsc_quant_expand(nsc_plan *plan, uint32_t value, float *out);

/* The int8 value of a uint8 or int8 one. */
nsc_status nsc_quant_signed(nsc_plan *plan, const nsc_node *node, uint32_t value, uint32_t *out);
/* Where a step that computes int8 writes, when the graph's value `output` is `type`; tied together by quant_finish. */
nsc_status nsc_quant_begin(nsc_plan *plan, uint32_t output, nsc_type type, const nsc_shape *shape, bool channels_last,
                           uint32_t *integers);
/* Adds, for uint8, the step from the signed integers to `output`. */
nsc_status nsc_quant_finish(nsc_plan *plan, const nsc_node *node, uint32_t output, uint32_t integers);
/* Defines the float value `output` as what the int8 value `integers` stands for, one scale for all. */
nsc_status nsc_quant_real(nsc_plan *plan, const nsc_node *node, uint32_t output, uint32_t integers, float scale,
                          int32_t zero);
/* The integers of a computed float value with one scale, or NULL. */
const nsc_quant *nsc_quant_of(const nsc_plan *plan, uint32_t value);

/* Half to even, as ONNX rounds; |x| below 2^22, which what is cut to bytes is. */
static inline int32_t nsc_quant_round(float x) {
  union {
    float f;
    int32_t i;
  } shifted = {x + 12582912.0f}; /* 1.5 * 2^23: the sum's last bit is 1 */
  return shifted.i - 0x4B400000;
}
/* x / scale + zero, rounded half to even, cut to [low, high]; NaN becomes low. */
static inline int32_t nsc_quant_value(float x, float scale, int32_t zero, int32_t low, int32_t high) {
  float q = x / scale, least = (float)(low - zero), most = (float)(high - zero);
  q = q > least ? q : least;
  q = q < most ? q : most;
  return nsc_quant_round(q) + zero;
}

/* A table of 256 bytes applied to int8 elements; the table is indexed by the byte as unsigned, and copied. */
nsc_status nsc_quant_table(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input, uint32_t output,
                           const int8_t table[256]);

/* ---- quantised models in floats: quant_range.c ---- */

/* Whether the plan computes with integers; measures when the caller left it open. */
bool nsc_quant_uses_integers(nsc_plan *plan);
/*
 * Where it does not: a QuantizeLinear that DequantizeLinear alone reads, with the same parameters, cuts its input to a
 * range and rounds it; the rounding is left out. Bounds of that range when `node` is one such; then its output stands
 * for floats.
 */
nsc_status nsc_quant_range(nsc_plan *plan, const nsc_node *node, bool *is_range, float *min, float *max);
/* Takes such a node along behind `*value`, and narrows the bounds of the clamp that was taken before it. */
nsc_status nsc_quant_take_range(nsc_plan *plan, uint32_t *value, float *min, float *max);

/* ---- lowering with integers ---- */

/*
 * Lowers the node with integers where it can: its inputs stand for integers and, for most operators, what follows is
 * QuantizeLinear. Otherwise nothing happens and *done is false.
 */
nsc_status nsc_quant_lower(nsc_plan *plan, const nsc_node *node, bool *done);

/* What a node's output is turned into: found by nsc_quant_target, taken along by nsc_quant_target_take. */
typedef struct nsc_quant_target {
  bool found;
  const nsc_node *clamp, *quantize; /* clamp NULL: none between */
  nsc_type type;
  float scale;
  int32_t zero;     /* of the signed integers */
  int32_t min, max; /* bounds of the clamp, as signed integers */
} nsc_quant_target;

/* Is that a QuantizeLinear of `input` with all that it needs? `node` may be NULL. */
bool nsc_quant_is_quantise(const nsc_node *node, uint32_t input);
/* Looks whether a QuantizeLinear with one scale follows `output`, with a Relu or Clip between when `clamps`. */
nsc_status nsc_quant_target_find(nsc_plan *plan, uint32_t output, bool clamps, nsc_quant_target *out);
/* Takes those nodes along; `integers` is then to be written, and nsc_quant_target_finish called. */
nsc_status nsc_quant_target_take(nsc_plan *plan, const nsc_quant_target *t, const nsc_shape *shape, bool channels_last,
                                 uint32_t *integers);
nsc_status nsc_quant_target_finish(nsc_plan *plan, const nsc_node *node, const nsc_quant_target *t, uint32_t integers);

/* Takes those nodes along where `integers` are already what the QuantizeLinear gives. */
nsc_status nsc_quant_target_is(nsc_plan *plan, const nsc_node *node, const nsc_quant_target *t, uint32_t integers);

/* quant_product.c, quant_elementwise.c, quant_move.c: the parts of nsc_quant_lower. */
nsc_status nsc_quant_lower_conv(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_norm(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_dense(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_binary(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_unary(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_max_pool(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_average(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_concat(nsc_plan *plan, const nsc_node *node, bool *done);
nsc_status nsc_quant_lower_move(nsc_plan *plan, const nsc_node *node, bool *done);

#endif
