#include "nn/op_words.h"

#include <string.h>

#include "nn/footprint.h"
#include "nn/integer_rows.h"
#include "nn/op_winograd.h"
#include "nn/words_winograd.h"

typedef struct params {
  bool tiled;
  nsc_words_conv conv;
  nsc_words_winograd tiles; /* where `tiled` */
  nsc_words_after after;
  const int8_t *packed;
  void *workspace;
} params;

/* ---- the choice ---- */

/* Groups of few channels would be multiplied with mostly zeros, and one channel alone is no product. */
static bool groups_fit(const nsc_conv_geometry *g) {
  return g->groups == 1 || (g->group_in % NSC_WORDS == 0 && g->group_out % NSC_WORDS == 0);
}

/* ---- the step ---- */

static enum xnn_status setup(nsc_step *step, void *workspace) {
  ((params *)step->params)->workspace = workspace;
  return xnn_status_success;
}

static void run(nsc_step *step, pthreadpool_t pool) {
  params *p = step->params;
  uintptr_t room = ((uintptr_t)p->workspace + NSC_PLAN_ALIGN - 1) & ~(uintptr_t)(NSC_PLAN_ALIGN - 1);
  const int8_t *x = step->in[0];
  int8_t *y = step->out[0];
  if (p->tiled) {
    nsc_words_winograd_run(&p->tiles, x, p->packed, &p->after, y, pool, (void *)room);
  } else {
    nsc_words_conv_run(&p->conv, x, p->packed, &p->after, y, pool, (void *)room);
  }
}

/* Scales and biases where their columns are. */
static nsc_status put_after(nsc_plan *plan, params *p, const nsc_quant_scales *s) {
  const nsc_conv_geometry *g = &p->conv.g;
  size_t columns = nsc_words_conv_columns(&p->conv), each = columns / g->groups;
  float *scale;
  int32_t *bias;
  NSC_TRY(nsc_plan_alloc(plan, columns, sizeof *scale, &scale));
  NSC_TRY(nsc_plan_alloc(plan, columns, sizeof *bias, &bias));
  for (size_t o = 0; o < g->groups * g->group_out; o++) {
    size_t column = o / g->group_out * each + o % g->group_out;
    scale[column] = s->in_scale * s->weight_scale[o] / s->out_scale;
    bias[column] = s->bias ? s->bias[o] : 0;
  }
  p->after = (nsc_words_after){bias, scale, s->out_zero, s->min, s->max};
  return NSC_OK;
}

static size_t weight_bytes(const params *p) {
  const nsc_conv_geometry *g = &p->conv.g;
  return p->tiled ? nsc_words_winograd_weight_bytes(g->group_in, g->group_out) : nsc_words_conv_weight_bytes(&p->conv);
}

static size_t workspace_bytes(const params *p, size_t threads) {
  return p->tiled ? nsc_words_winograd_workspace(&p->tiles, threads) : nsc_words_conv_workspace(&p->conv, threads);
}

static nsc_status pack(nsc_plan *plan, params *p, const int8_t *weights) {
  const nsc_conv_geometry *g = &p->conv.g;
  float *packed;
  NSC_TRY(nsc_plan_packed(plan, (weight_bytes(p) + sizeof(float) - 1) / sizeof(float), &packed));
  int8_t *to = (int8_t *)packed;
  p->packed = to;
  if (to && p->tiled) nsc_words_winograd_pack(g->group_in, g->group_out, weights, to, plan->pool);
  if (to && !p->tiled) nsc_words_conv_pack(&p->conv, weights, to, plan->pool);
  return NSC_OK;
}

/* False where XNNPACK's operator is the better way. */
static bool choose(const nsc_plan *plan, params *p, const int8_t *weights) {
  nsc_integer_ways ways = plan->stock ? (nsc_integer_ways){0} : nsc_choose_integers();
  nsc_winograd *w = &p->tiles.shape;
  if (p->conv.batch == 0 || p->conv.g.window.out[1] == 0) return false;
  p->tiled = ways.tiles && nsc_winograd_of(&p->conv.g, p->conv.batch, w) && w->stride == 1 &&
             nsc_words_winograd_choose(&p->tiles, weights, p->conv.zero);
  return p->tiled || (ways.words && groups_fit(&p->conv.g));
}

nsc_status nsc_plan_words(nsc_plan *plan, const nsc_node *node, const char *kind, const nsc_words_conv *conv,
                          const nsc_quant_scales *s, const int8_t *weights, uint32_t input, uint32_t output,
                          bool *done) {
  params chosen = {.conv = *conv}, *p;
  *done = choose(plan, &chosen, weights);
  if (!*done) return NSC_OK;
  nsc_step *step;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = chosen;
  NSC_TRY(put_after(plan, p, s));
  NSC_TRY(pack(plan, p, weights));
  NSC_TRY(nsc_plan_add_step(plan, node, p->tiled ? "Winograd 4x4 int8" : kind, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->params = p;
  step->setup = setup;
  step->run = run;
  const nsc_conv_geometry *g = &conv->g;
  const nsc_window *w = &g->window;
  double taps = (double)(g->groups * g->group_out * g->group_in) * (double)(w->kernel[0] * w->kernel[1]);
  nsc_plan_count(plan, step, taps * (double)conv->batch * (double)(w->out[0] * w->out[1]), weight_bytes(p));
  /* Constants are folded without threads, which need no more. */
  step->workspace = workspace_bytes(p, plan->threads) + NSC_PLAN_ALIGN;
  return NSC_OK;
}
