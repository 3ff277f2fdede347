/* Building a plan: nodes in order, constants folded as they appear, then buffers placed. */
#include "nn/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/half.h"
#include "nn/footprint.h"
#include "nn/plan_private.h"
#include "nn/quant.h"

nsc_status nsc_plan_add_step(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input_count,
                             uint32_t output_count, nsc_step **out) {
  if (plan->step_count == plan->step_capacity) {
    uint32_t capacity = plan->step_capacity * 2 + 64;
    nsc_step **grown = realloc(plan->steps, capacity * sizeof *grown);
    if (!grown) return nsc_fail_memory(plan->err, capacity * sizeof *grown, "the plan");
    plan->steps = grown;
    plan->step_capacity = capacity;
  }
  nsc_step *step;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *step, &step));
  NSC_TRY(nsc_plan_alloc(plan, input_count + 1, sizeof *step->inputs, &step->inputs));
  NSC_TRY(nsc_plan_alloc(plan, output_count + 1, sizeof *step->outputs, &step->outputs));
  NSC_TRY(nsc_plan_alloc(plan, input_count + 1, sizeof *step->in, &step->in));
  NSC_TRY(nsc_plan_alloc(plan, output_count + 1, sizeof *step->out, &step->out));
  step->name = node->name;
  step->kind = kind;
  step->input_count = input_count;
  step->output_count = output_count;
  plan->steps[plan->step_count++] = step;
  *out = step;
  return NSC_OK;
}

nsc_status nsc_plan_add_loop(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input, uint32_t output,
                             void (*run)(nsc_step *, pthreadpool_t), void *params) {
  nsc_step *step;
  NSC_TRY(nsc_plan_add_step(plan, node, kind, 1, 1, &step));
  step->inputs[0] = input;
  step->outputs[0] = output;
  step->run = run;
  step->params = params;
  return NSC_OK;
}

void nsc_plan_count(nsc_plan *plan, nsc_step *step, double macs, uint64_t weight_bytes) {
  step->macs = macs;
  step->weight_bytes = weight_bytes;
  plan->packed_bytes += weight_bytes;
}

nsc_status nsc_plan_check(nsc_plan *plan, const nsc_node *node, enum xnn_status status) {
  switch (status) {
    case xnn_status_success:
      return NSC_OK;
    case xnn_status_out_of_memory:
      return nsc_node_fail(plan, node, NSC_ERROR_MEMORY, "not enough memory");
    case xnn_status_unsupported_hardware:
      return nsc_node_fail(plan, node, NSC_ERROR_UNSUPPORTED, "this processor is not supported");
    default:
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "XNNPACK refuses these parameters (status %d)", (int)status);
  }
}

const nsc_node *nsc_plan_next(const nsc_plan *plan, uint32_t value) {
  if (value >= plan->model->value_count || plan->consumer_count[value] != 1) return NULL;
  uint32_t n = plan->consumer[value];
  if (n == NSC_NO_VALUE || plan->node_done[n]) return NULL;
  return &plan->model->nodes[n];
}

void nsc_plan_take(nsc_plan *plan, const nsc_node *next) {
  plan->node_done[next - plan->model->nodes] = 1;
}

/* Bounds of a Clip: attributes until opset 6 of the operator, inputs since 11. False when they are not constant. */
static bool clip_bounds(nsc_plan *plan, const nsc_node *node, float *min, float *max) {
  *min = nsc_node_float(node, "min", -INFINITY);
  *max = nsc_node_float(node, "max", INFINITY);
  for (uint32_t i = 1; i <= 2; i++) {
    uint32_t value = nsc_node_input(node, i);
    if (value == NSC_NO_VALUE) continue;
    size_t count = 0;
    nsc_shape_count(&plan->values[value].shape, &count);
    if (!nsc_plan_is_constant(plan, value) || plan->values[value].type != NSC_TYPE_F32 || count != 1) return false;
    if (nsc_plan_scalar(plan, node, value, "a bound", i == 1 ? min : max) != NSC_OK) return false;
  }
  return *min < *max; /* XNNPACK wants an interval; NaN fails here too */
}

bool nsc_plan_clamp_bounds(nsc_plan *plan, const nsc_node *node, uint32_t input, float *min, float *max) {
  *min = 0;
  *max = INFINITY;
  if (node->domain[0] || node->output_count < 1 || node->outputs[0] == NSC_NO_VALUE) return false;
  if (strcmp(node->op, "Relu") == 0) return true;
  return strcmp(node->op, "Clip") == 0 && node->inputs[0] == input && clip_bounds(plan, node, min, max);
}

nsc_status nsc_plan_take_clamp(nsc_plan *plan, uint32_t *value, float *min, float *max) {
  const nsc_node *next = nsc_plan_next(plan, *value);
  if (next && nsc_plan_clamp_bounds(plan, next, *value, min, max)) {
    nsc_plan_take(plan, next);
    *value = next->outputs[0];
  } else {
    *min = -INFINITY;
    *max = INFINITY;
  }
  return nsc_quant_take_range(plan, value, min, max);
}

enum xnn_status nsc_step_run(nsc_step *step, pthreadpool_t pool) {
  if (step->op) return xnn_run_operator(step->op, pool);
  step->run(step, pool);
  return xnn_status_success;
}

static nsc_status define_initializers(nsc_plan *plan) {
  const nsc_model *m = plan->model;
  for (uint32_t i = 0; i < m->value_count; i++) {
    nsc_value *v = &plan->values[i];
    *v = (nsc_value){.name = m->values[i].name, .twin = NSC_NO_VALUE, .root = i};
    const nsc_tensor_proto *t = m->values[i].initializer;
    nsc_type type;
    if (!t) continue;
    /* Unknown types are an error only when somebody reads the constant. */
    if (!nsc_type_from_onnx(t->onnx_type, &type)) type = NSC_TYPE_U8;
    NSC_TRY(nsc_plan_define(plan, i, type, &t->shape, false));
    v->proto = t;
  }
  return NSC_OK;
}

static nsc_status count_consumers(nsc_plan *plan) {
  const nsc_model *m = plan->model;
  NSC_TRY(nsc_plan_alloc(plan, m->value_count + 1, sizeof *plan->consumer_count, &plan->consumer_count));
  NSC_TRY(nsc_plan_alloc(plan, m->value_count + 1, sizeof *plan->consumer, &plan->consumer));
  NSC_TRY(nsc_plan_alloc(plan, m->node_count + 1, 1, &plan->node_done));
  for (uint32_t n = 0; n < m->node_count; n++) {
    for (uint32_t i = 0; i < m->nodes[n].input_count; i++) {
      uint32_t value = m->nodes[n].inputs[i];
      if (value == NSC_NO_VALUE) continue;
      plan->consumer_count[value]++;
      plan->consumer[value] = n;
    }
  }
  for (uint32_t i = 0; i < m->output_count; i++) {
    plan->consumer_count[m->outputs[i].value]++;
    plan->consumer[m->outputs[i].value] = NSC_NO_VALUE;
  }
  for (uint32_t i = 0; i < plan->tap_count; i++) plan->consumer_count[plan->taps[i]] += 2;
  return NSC_OK;
}

static nsc_status define_input(nsc_plan *plan, uint32_t index, const nsc_tensor_info *given, const void *constant) {
  const nsc_port *port = &plan->model->inputs[index];
  const char *name = plan->model->values[port->value].name;
  nsc_type type;
  if (!nsc_type_from_onnx(port->onnx_type, &type)) {
    return nsc_fail(plan->err, NSC_ERROR_UNSUPPORTED, "input \"%.60s\" is %s, which is not supported", name,
                    nsc_onnx_type_name(port->onnx_type));
  }
  nsc_shape shape = {.rank = given ? given->rank : port->rank};
  if (given && (given->rank > NSC_MAX_RANK || (port->has_shape && given->rank != port->rank))) {
    return nsc_fail(plan->err, NSC_ERROR_SHAPE, "input \"%.60s\" has %u dimensions, not %u", name, port->rank,
                    given->rank);
  }
  if (!given && !port->has_shape) {
    return nsc_fail(plan->err, NSC_ERROR_SHAPE, "the model does not say the shape of input \"%.60s\"", name);
  }
  for (uint32_t i = 0; i < shape.rank; i++) {
    int64_t declared = port->has_shape ? port->dims[i] : -1;
    /* An open first dimension is the batch. */
    shape.dims[i] = given ? given->dims[i] : declared > 0 ? declared : i == 0 ? 1 : -1;
    if (shape.dims[i] < 0) {
      return nsc_fail(plan->err, NSC_ERROR_SHAPE, "dimension %u of input \"%.60s\" is open: give a size", i, name);
    }
    if (declared > 0 && declared != shape.dims[i]) {
      return nsc_fail(plan->err, NSC_ERROR_SHAPE,
                      "dimension %u of input \"%.60s\" is %lld in the model, %lld was asked for", i, name,
                      (long long)declared, (long long)shape.dims[i]);
    }
  }
  if (constant) return nsc_plan_define_constant(plan, port->value, type, &shape, constant);
  bool picture = shape.rank == 4 && (type == NSC_TYPE_F32 || type == NSC_TYPE_F16);
  return nsc_plan_define(plan, port->value, type, &shape, picture);
}

static bool all_inputs_constant(const nsc_plan *plan, const nsc_node *node) {
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] != NSC_NO_VALUE && !nsc_plan_is_constant(plan, node->inputs[i])) return false;
  }
  return true;
}

nsc_status nsc_plan_fold(nsc_plan *plan, const nsc_node *node, uint32_t first) {
  for (uint32_t s = first; s < plan->step_count; s++) {
    nsc_step *step = plan->steps[s];
    for (uint32_t i = 0; i < step->input_count; i++) {
      NSC_TRY(nsc_plan_keep_constant(plan, step->inputs[i]));
      step->in[i] = plan->values[step->inputs[i]].data;
    }
    for (uint32_t i = 0; i < step->output_count; i++) {
      NSC_TRY(nsc_plan_own_constant(plan, step->outputs[i], &step->out[i]));
    }
    void *workspace;
    NSC_TRY(nsc_plan_scratch(plan, step->workspace, 1, &workspace));
    if (step->setup) NSC_TRY(nsc_plan_check(plan, node, step->setup(step, workspace)));
    NSC_TRY(nsc_plan_check(plan, node, nsc_step_run(step, NULL)));
    xnn_delete_operator(step->op);
    step->op = NULL;
    nsc_plan_drop(plan, step->held_bytes);
  }
  plan->step_count = first;
  return NSC_OK;
}

/* Aliases of values that became constants meanwhile. */
static void refresh_aliases(nsc_plan *plan, uint32_t from, const nsc_node *node) {
  for (uint32_t i = 0; i < node->output_count; i++) {
    if (node->outputs[i] == NSC_NO_VALUE) continue;
    nsc_value *v = &plan->values[node->outputs[i]];
    if (v->known && !v->data && !v->proto) v->data = plan->values[v->root].data;
  }
  for (uint32_t i = from; i < plan->value_count; i++) {
    nsc_value *v = &plan->values[i];
    if (v->known && !v->data && !v->proto) v->data = plan->values[v->root].data;
  }
}

static void free_scratch(nsc_plan *plan) {
  for (uint32_t i = 0; i < plan->scratch_count; i++) free(plan->scratch[i]);
  plan->scratch_count = 0;
  nsc_plan_leave_outside(plan);
  nsc_plan_passed(plan);
}

/* Is the branch that a node stands in wanted? Conditions around it are looked at first: in a branch that is not wanted
   nothing is known. */
static nsc_status is_wanted(nsc_plan *plan, const nsc_node *node, const nsc_guard *guard, bool *out) {
  *out = true;
  if (!guard) return NSC_OK;
  NSC_TRY(is_wanted(plan, node, guard->outer, out));
  if (!*out) return NSC_OK;
  const void *condition;
  NSC_TRY(nsc_plan_elements(plan, node, guard->condition, "the condition of the If around it", NSC_TYPE_BOOL, 1,
                            &condition));
  *out = (*(const uint8_t *)condition != 0) == guard->when;
  return NSC_OK;
}

static nsc_status lower_node(nsc_plan *plan, const nsc_node *node) {
  bool wanted;
  NSC_TRY(is_wanted(plan, node, node->guard, &wanted));
  if (!wanted) return NSC_OK;
  bool ours =
      node->domain[0] == 0 || strcmp(node->domain, "ai.onnx") == 0 || strcmp(node->domain, "com.microsoft") == 0;
  nsc_lower lower = ours ? nsc_find_operator(node->op) : NULL;
  if (!lower) {
    return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "this operator%s%.40s is not supported",
                         node->domain[0] ? " of domain " : "", node->domain);
  }
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (lower != nsc_lower_if && node->inputs[i] != NSC_NO_VALUE && !plan->values[node->inputs[i]].known) {
      return nsc_node_fail(plan, node, NSC_ERROR_OPERATOR, "its input %u is an optional output that is not computed",
                           i);
    }
  }
  uint32_t first_step = plan->step_count, first_value = plan->value_count;
  bool constant = all_inputs_constant(plan, node), counts = plan->counts;
  bool done = false;
  plan->counts = counts && !constant; /* what others need to know is computed all the same */
  nsc_status status = nsc_quant_lower(plan, node, &done);
  if (status == NSC_OK && !done) status = lower(plan, node);
  if (status == NSC_OK && constant) {
    status = nsc_plan_fold(plan, node, first_step);
    if (status == NSC_OK) refresh_aliases(plan, first_value, node);
  }
  free_scratch(plan);
  plan->counts = counts;
  return status;
}

nsc_status nsc_plan_build(nsc_plan *plan, const nsc_tensor_info *inputs, uint32_t input_count,
                          const void *const *constants) {
  const nsc_model *m = plan->model;
  plan->node = NSC_NO_VALUE;
  plan->value_capacity = m->value_count + 64;
  plan->values = calloc(plan->value_capacity, sizeof *plan->values);
  if (!plan->values) return nsc_fail_memory(plan->err, plan->value_capacity * sizeof *plan->values, "the plan");
  plan->value_count = m->value_count;
  NSC_TRY(define_initializers(plan));
  NSC_TRY(count_consumers(plan));
  for (uint32_t i = 0; i < m->input_count; i++) {
    NSC_TRY(define_input(plan, i, i < input_count ? &inputs[i] : NULL, constants ? constants[i] : NULL));
  }
  /* Constants first, wherever they stand: nodes before them look ahead and want to know them. */
  for (uint32_t n = 0; n < m->node_count; n++) {
    if (strcmp(m->nodes[n].op, "Constant") != 0 || m->nodes[n].domain[0] || m->nodes[n].guard) continue;
    plan->node = n;
    NSC_TRY(lower_node(plan, &m->nodes[n]));
    plan->node_done[n] = 1;
  }
  for (uint32_t n = 0; n < m->node_count; n++) {
    if (plan->node_done[n]) continue;
    plan->node = n;
    NSC_TRY(lower_node(plan, &m->nodes[n]));
  }
  for (uint32_t i = 0; i < m->output_count; i++) {
    if (!plan->values[m->outputs[i].value].known) {
      return nsc_fail(plan->err, NSC_ERROR_OPERATOR, "output \"%.60s\" is an optional one that is not computed",
                      m->values[m->outputs[i].value].name);
    }
    if (nsc_plan_is_constant(plan, m->outputs[i].value)) NSC_TRY(nsc_plan_keep_constant(plan, m->outputs[i].value));
  }
  nsc_plan_drop_outside(plan);
  nsc_plan_drop_unread_steps(plan);
  return nsc_plan_place(plan);
}

void nsc_plan_free(nsc_plan *plan) {
  free_scratch(plan);
  free(plan->scratch);
  nsc_plan_drop_outside(plan);
  for (uint32_t s = 0; s < plan->step_count; s++) xnn_delete_operator(plan->steps[s]->op);
  for (uint32_t i = 0; i < plan->packed_count; i++) free(plan->packed[i]);
  free(plan->packed);
  free(plan->steps);
  for (uint32_t i = 0; i < plan->value_count; i++) free(plan->values[i].owned);
  free(plan->values);
  free(plan->buffer);
  nsc_arena_free(&plan->arena);
}
