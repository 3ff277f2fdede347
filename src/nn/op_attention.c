/*
 * Attention (opset 23): softmax(scale * Q K' + mask) V (Vaswani et al. 2017), as newer exporters write it in one node.
 * It becomes two batch products with a softmax between them. Keys and values of earlier tokens are for texts and are
 * refused.
 */
#include <math.h>
#include <string.h>

#include "nn/op_parts.h"
#include "nn/operators.h"

/* One row of scores: scaled, capped, masked. */
typedef struct score_params {
  size_t rows, columns; /* all rows; of [batch][heads][queries] */
  size_t queries;
  float scale, softcap;
  bool causal;
  nsc_type mask_type;
  nsc_shape lead;                     /* batch, heads, queries */
  int64_t mask_strides[NSC_MAX_RANK]; /* of batch, heads, queries, columns; all zero without a mask */
} score_params;

typedef struct score_task {
  const score_params *params;
  const float *in;
  const void *mask;
  float *out;
} score_task;

static void mask_row(const score_params *p, const void *mask, int64_t at, float *out) {
  int64_t stride = p->mask_strides[3];
  for (size_t c = 0; c < p->columns; c++, at += stride) {
    if (p->mask_type == NSC_TYPE_BOOL) {
      if (!((const uint8_t *)mask)[at]) out[c] = -INFINITY;
    } else {
      out[c] += ((const float *)mask)[at];
    }
  }
}

static void score_row(void *context, size_t row) {
  const score_task *t = context;
  const score_params *p = t->params;
  const float *in = t->in + row * p->columns;
  float *out = t->out + row * p->columns;
  size_t query = row % p->queries;
  for (size_t c = 0; c < p->columns; c++) out[c] = p->scale * in[c];
  if (p->softcap > 0) {
    for (size_t c = 0; c < p->columns; c++) out[c] = p->softcap * tanhf(out[c] / p->softcap);
  }
  if (t->mask) {
    size_t heads = (size_t)p->lead.dims[1], batch = row / p->queries / heads, head = row / p->queries % heads;
    int64_t at =
        (int64_t)batch * p->mask_strides[0] + (int64_t)head * p->mask_strides[1] + (int64_t)query * p->mask_strides[2];
    mask_row(p, t->mask, at, out);
  }
  for (size_t c = query + 1; p->causal && c < p->columns; c++) out[c] = -INFINITY;
}

static void run_scores(nsc_step *step, pthreadpool_t pool) {
  const score_params *p = step->params;
  score_task task = {p, step->in[0], step->input_count > 1 ? step->in[1] : NULL, step->out[0]};
  pthreadpool_parallelize_1d(pool, score_row, &task, p->rows, 0);
}

/* A query that may see nothing has no probabilities: its row becomes zeros. */
static void run_clear_blind(nsc_step *step, pthreadpool_t pool) {
  (void)pool;
  const score_params *p = step->params;
  for (size_t row = 0; row < p->rows; row++) {
    const float *scores = (const float *)step->in[0] + row * p->columns, *from = (const float *)step->in[1];
    float *out = (float *)step->out[0] + row * p->columns;
    bool sees = false;
    for (size_t c = 0; c < p->columns && !sees; c++) sees = scores[c] != -INFINITY;
    for (size_t c = 0; c < p->columns; c++) out[c] = sees ? from[row * p->columns + c] : 0.0f;
  }
}

/* ---- lowering ---- */

typedef struct operands {
  uint32_t q, k, v;     /* [batch][heads][tokens][width] */
  nsc_shape sq, sk, sv; /* their shapes */
  bool flat;            /* given as [batch][tokens][heads * width] */
} operands;

/* An input as batch, heads, tokens, width. */
static nsc_status read_heads(nsc_plan *plan, const nsc_node *node, uint32_t input, const char *attribute, uint32_t *out,
                             nsc_shape *shape) {
  static const uint32_t turn[] = {0, 2, 1, 3};
  uint32_t plain;
  NSC_TRY(nsc_plan_layout(plan, input, false, &plain));
  nsc_shape s = plan->values[plain].shape;
  if (plan->values[plain].type != NSC_TYPE_F32 || nsc_shape_product(&s, 0, s.rank) == 0) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "an input is empty or no float32");
  }
  if (s.rank == 4) {
    *out = plain;
    *shape = s;
    return NSC_OK;
  }
  int64_t heads = nsc_node_int(node, attribute, 0);
  if (s.rank != 3 || heads < 1 || s.dims[2] % heads) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "%s does not fit an input", attribute);
  }
  nsc_shape apart = {4, {s.dims[0], s.dims[1], heads, s.dims[2] / heads}};
  uint32_t alias;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &apart, false, &alias));
  NSC_TRY(nsc_plan_alias(plan, alias, plain, &apart, false));
  *shape = nsc_shape_permute(&apart, turn);
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, shape, false, out));
  return nsc_plan_add_transpose(plan, node, "Transpose", alias, *out, turn);
}

static nsc_status read_operands(nsc_plan *plan, const nsc_node *node, operands *o) {
  NSC_TRY(nsc_plan_need_inputs(plan, node, 3));
  for (uint32_t i = 4; i < node->input_count; i++) {
    if (node->inputs[i] != NSC_NO_VALUE) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "keys and values of earlier tokens are not supported");
    }
  }
  for (uint32_t i = 1; i < node->output_count; i++) {
    if (node->outputs[i] != NSC_NO_VALUE) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "only its first output is supported");
    }
  }
  o->flat = plan->values[node->inputs[0]].shape.rank == 3;
  NSC_TRY(read_heads(plan, node, node->inputs[0], "q_num_heads", &o->q, &o->sq));
  NSC_TRY(read_heads(plan, node, node->inputs[1], "kv_num_heads", &o->k, &o->sk));
  NSC_TRY(read_heads(plan, node, node->inputs[2], "kv_num_heads", &o->v, &o->sv));
  const int64_t *q = o->sq.dims, *k = o->sk.dims, *v = o->sv.dims;
  if (q[0] != k[0] || q[0] != v[0] || q[1] % k[1] || k[1] != v[1] || k[2] != v[2] || q[3] != k[3]) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "queries, keys and values do not fit together");
  }
  return NSC_OK;
}

/* Where the mask of a row stands; it is repeated along its dimensions of one. */
static nsc_status read_mask(nsc_plan *plan, const nsc_node *node, const nsc_shape *scores, score_params *p,
                            uint32_t *mask) {
  *mask = nsc_node_input(node, 3);
  if (*mask == NSC_NO_VALUE) return NSC_OK;
  NSC_TRY(nsc_plan_layout(plan, *mask, false, mask));
  nsc_shape shape = plan->values[*mask].shape, joined, padded;
  p->mask_type = plan->values[*mask].type;
  if (shape.rank > 4 || (p->mask_type != NSC_TYPE_BOOL && p->mask_type != NSC_TYPE_F32) ||
      !nsc_shape_broadcast(&shape, scores, &joined) || !nsc_shape_equal(&joined, scores)) {
    return nsc_node_fail(plan, node, NSC_ERROR_SHAPE, "attn_mask does not fit the scores");
  }
  padded = nsc_shape_pad_front(&shape, 4);
  nsc_shape_strides(&padded, p->mask_strides);
  for (uint32_t i = 0; i < 4; i++) {
    if (padded.dims[i] == 1) p->mask_strides[i] = 0;
  }
  return NSC_OK;
}

/* Heads of queries share keys in groups: [batch][heads of keys][group][tokens][width], with a group of one for keys. */
static nsc_status multiply(nsc_plan *plan, const nsc_node *node, uint32_t a, const nsc_shape *sa, uint32_t b,
                           const nsc_shape *sb, bool transpose_b, uint32_t output) {
  nsc_shape left = {5, {sa->dims[0], sb->dims[1], sa->dims[1] / sb->dims[1], sa->dims[2], sa->dims[3]}};
  nsc_shape right = {5, {sb->dims[0], sb->dims[1], 1, sb->dims[2], sb->dims[3]}};
  if (sa->dims[1] == sb->dims[1]) return nsc_plan_add_product(plan, node, a, b, sa, sb, transpose_b, output);
  return nsc_plan_add_product(plan, node, a, b, &left, &right, transpose_b, output);
}

/* Probabilities of [batch][heads][queries][keys] from products. */
static nsc_status add_probabilities(nsc_plan *plan, const nsc_node *node, const operands *o, uint32_t products,
                                    const nsc_shape *shape, uint32_t *out) {
  score_params *p;
  uint32_t mask, scores, soft;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (score_params){.rows = nsc_shape_product(shape, 0, 3),
                      .columns = (size_t)shape->dims[3],
                      .queries = (size_t)shape->dims[2],
                      .scale = nsc_node_float(node, "scale", 1.0f / sqrtf((float)o->sq.dims[3])),
                      .softcap = nsc_node_float(node, "softcap", 0),
                      .causal = nsc_node_int(node, "is_causal", 0) != 0,
                      .lead = *shape};
  NSC_TRY(read_mask(plan, node, shape, p, &mask));
  bool masked = mask != NSC_NO_VALUE;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, shape, false, &scores));
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, shape, false, &soft));
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, "Scores", masked ? 2 : 1, 1, &step));
  step->inputs[0] = products;
  if (masked) step->inputs[1] = mask;
  step->outputs[0] = scores;
  step->run = run_scores;
  step->params = p;
  NSC_TRY(nsc_plan_add_softmax(plan, node, scores, soft, p->rows, p->columns));
  *out = soft;
  if (!masked) return NSC_OK;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, shape, false, out));
  NSC_TRY(nsc_plan_add_step(plan, node, "Blind", 2, 1, &step));
  step->inputs[0] = scores;
  step->inputs[1] = soft;
  step->outputs[0] = *out;
  step->run = run_clear_blind;
  step->params = p;
  return NSC_OK;
}

static nsc_status lower_attention(nsc_plan *plan, const nsc_node *node) {
  static const uint32_t turn[] = {0, 2, 1, 3};
  operands o;
  uint32_t products, probabilities, seen = node->outputs[0], turned;
  NSC_TRY(read_operands(plan, node, &o));
  nsc_shape scores = {4, {o.sq.dims[0], o.sq.dims[1], o.sq.dims[2], o.sk.dims[2]}};
  nsc_shape out = {4, {o.sq.dims[0], o.sq.dims[1], o.sq.dims[2], o.sv.dims[3]}};
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &scores, false, &products));
  NSC_TRY(multiply(plan, node, o.q, &o.sq, o.k, &o.sk, true, products));
  NSC_TRY(add_probabilities(plan, node, &o, products, &scores, &probabilities));
  if (!o.flat) {
    NSC_TRY(nsc_plan_define(plan, seen, NSC_TYPE_F32, &out, false));
    return multiply(plan, node, probabilities, &scores, o.v, &o.sv, false, seen);
  }
  nsc_shape apart = nsc_shape_permute(&out, turn), flat = {3, {out.dims[0], out.dims[2], out.dims[1] * out.dims[3]}};
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &out, false, &seen));
  NSC_TRY(multiply(plan, node, probabilities, &scores, o.v, &o.sv, false, seen));
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_F32, &apart, false, &turned));
  NSC_TRY(nsc_plan_add_transpose(plan, node, "Transpose", seen, turned, turn));
  return nsc_plan_alias(plan, node->outputs[0], turned, &flat, false);
}

const nsc_operator nsc_attention_operators[] = {
    {"Attention", lower_attention},
    {NULL, NULL},
};
