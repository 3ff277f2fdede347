/*
 * The channel shuffle of ShuffleNet (Zhang et al. 2018), which exporters write as a reshape of the channels to two
 * dimensions, their exchange, and a reshape back. With channels last it is one loop over the channels of each pixel,
 * and the picture keeps its layout.
 */
#include <string.h>

#include "nn/op_parts.h"

typedef struct shuffle_params {
  size_t pixels, groups, each; /* `each` channels in a group */
} shuffle_params;

typedef struct shuffle_task {
  const shuffle_params *params;
  const float *in;
  float *out;
} shuffle_task;

/* Two runs woven into one: the compiler knows instructions for that. */
static void weave(float *restrict out, const float *restrict a, const float *restrict b, size_t count) {
  for (size_t k = 0; k < count; k++) {
    out[2 * k] = a[k];
    out[2 * k + 1] = b[k];
  }
}

static void shuffle_pixels(void *context, size_t from, size_t count) {
  const shuffle_task *t = context;
  const shuffle_params *p = t->params;
  size_t groups = p->groups, each = p->each, channels = groups * each;
  for (size_t pixel = from; pixel < from + count; pixel++) {
    const float *in = t->in + pixel * channels;
    float *out = t->out + pixel * channels;
    if (groups == 2) {
      weave(out, in, in + each, each);
      continue;
    }
    for (size_t g = 0; g < groups; g++) {
      for (size_t k = 0; k < each; k++) out[k * groups + g] = in[g * each + k];
    }
  }
}

static void run_shuffle(nsc_step *step, pthreadpool_t pool) {
  const shuffle_params *p = step->params;
  shuffle_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d_tile_1d(pool, shuffle_pixels, &task, p->pixels, 64, 0);
}

/* Is `node` a Transpose that exchanges dimensions 1 and 2 of five? */
static bool exchanges_groups(const nsc_node *node) {
  static const int64_t wanted[] = {0, 2, 1, 3, 4};
  const nsc_attribute *perm = nsc_node_attribute(node, "perm");
  return strcmp(node->op, "Transpose") == 0 && !node->domain[0] && node->output_count == 1 && perm &&
         perm->kind == NSC_ATTRIBUTE_INTS && perm->count == 5 && memcmp(perm->ints, wanted, sizeof wanted) == 0;
}

/* Does `node` reshape to `shape`, with numbers that are known already? A 0 copies, a -1 is what is left. */
static bool reshapes_to(nsc_plan *plan, const nsc_node *node, const nsc_shape *shape) {
  int64_t dims[NSC_MAX_RANK];
  uint32_t count, list = nsc_node_input(node, 1);
  if (strcmp(node->op, "Reshape") != 0 || node->domain[0] || node->output_count != 1 || list == NSC_NO_VALUE ||
      node->outputs[0] == NSC_NO_VALUE || !nsc_plan_is_constant(plan, list) ||
      plan->values[list].type != NSC_TYPE_I64 || plan->values[list].shape.rank != 1 ||
      plan->values[list].shape.dims[0] != shape->rank) {
    return false;
  }
  if (nsc_plan_ints(plan, node, list, "shape", dims, NSC_MAX_RANK, &count) != NSC_OK) return false;
  uint32_t open = 0;
  for (uint32_t i = 0; i < shape->rank; i++) {
    open += dims[i] == -1;
    if (dims[i] != shape->dims[i] && dims[i] != -1 && !(dims[i] == 0 && i == 0)) return false;
  }
  return open <= 1 && nsc_node_int(node, "allowzero", 0) == 0;
}

nsc_status nsc_plan_take_shuffle(nsc_plan *plan, const nsc_node *node, const nsc_shape *apart, bool *taken) {
  const nsc_value *v = nsc_plan_value(plan, node->inputs[0]);
  nsc_shape shape = v->shape;
  *taken = false;
  if (!v->channels_last || v->type != NSC_TYPE_F32 || shape.rank != 4 || apart->rank != 5 ||
      apart->dims[0] != shape.dims[0] || apart->dims[1] * apart->dims[2] != shape.dims[1] ||
      apart->dims[3] != shape.dims[2] || apart->dims[4] != shape.dims[3]) {
    return NSC_OK;
  }
  const nsc_node *transpose = nsc_plan_next(plan, node->outputs[0]);
  if (!transpose || !exchanges_groups(transpose) || transpose->outputs[0] == NSC_NO_VALUE) return NSC_OK;
  const nsc_node *back = nsc_plan_next(plan, transpose->outputs[0]);
  if (!back || !reshapes_to(plan, back, &shape)) return NSC_OK;
  shuffle_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *p = (shuffle_params){(size_t)(shape.dims[0] * shape.dims[2] * shape.dims[3]), (size_t)apart->dims[1],
                        (size_t)apart->dims[2]};
  NSC_TRY(nsc_plan_define(plan, back->outputs[0], NSC_TYPE_F32, &shape, true));
  NSC_TRY(nsc_plan_add_loop(plan, node, "Shuffle", node->inputs[0], back->outputs[0], run_shuffle, p));
  nsc_plan_take(plan, transpose);
  nsc_plan_take(plan, back);
  *taken = true;
  return NSC_OK;
}
