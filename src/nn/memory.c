/* Places every buffer of a plan in one block: two values may share memory when no step needs both. */
#include <stdlib.h>
#include <string.h>

#include "base/placement.h"
#include "nn/footprint.h"
#include "nn/plan.h"
#include "nn/plan_private.h"

static size_t round_up(size_t bytes) {
  return (bytes + NSC_PLAN_ALIGN - 1) & ~(size_t)(NSC_PLAN_ALIGN - 1);
}

static size_t value_bytes(const nsc_value *v) {
  size_t count = 0;
  nsc_shape_count(&v->shape, &count);
  return round_up(count * nsc_type_size(v->type) + XNN_EXTRA_BYTES);
}

static void touch(nsc_plan *plan, uint32_t value, uint32_t step) {
  nsc_value *root = &plan->values[plan->values[value].root];
  if (step < root->first) root->first = step;
  if (step > root->last) root->last = step;
}

void nsc_plan_drop_unread_steps(nsc_plan *plan) {
  const nsc_model *m = plan->model;
  /* `last` is not in use yet: 1 for what somebody reads. */
  for (uint32_t i = 0; i < plan->value_count; i++) plan->values[i].last = 0;
  for (uint32_t i = 0; i < m->output_count; i++) plan->values[plan->values[m->outputs[i].value].root].last = 1;
  for (uint32_t i = 0; i < plan->tap_count; i++) plan->values[plan->values[plan->taps[i]].root].last = 1;
  uint32_t kept = plan->step_count;
  for (uint32_t s = plan->step_count; s-- > 0;) {
    nsc_step *step = plan->steps[s];
    bool read = false;
    for (uint32_t i = 0; i < step->output_count; i++) {
      read = read || plan->values[plan->values[step->outputs[i]].root].last;
    }
    if (!read) {
      xnn_delete_operator(step->op);
      nsc_plan_drop(plan, step->held_bytes);
      continue;
    }
    for (uint32_t i = 0; i < step->input_count; i++) plan->values[plan->values[step->inputs[i]].root].last = 1;
    plan->steps[--kept] = step;
  }
  plan->step_count -= kept;
  if (kept) memmove(plan->steps, plan->steps + kept, plan->step_count * sizeof(nsc_step *));
}

static nsc_status find_lifetimes(nsc_plan *plan) {
  const nsc_model *m = plan->model;
  for (uint32_t i = 0; i < plan->value_count; i++) {
    plan->values[i].first = UINT32_MAX;
    plan->values[i].last = 0;
  }
  for (uint32_t s = 0; s < plan->step_count; s++) {
    nsc_step *step = plan->steps[s];
    for (uint32_t i = 0; i < step->input_count; i++) {
      if (nsc_plan_is_constant(plan, step->inputs[i])) NSC_TRY(nsc_plan_keep_constant(plan, step->inputs[i]));
      touch(plan, step->inputs[i], s);
    }
    for (uint32_t i = 0; i < step->output_count; i++) touch(plan, step->outputs[i], s);
  }
  /* Inputs stay whole, so that a run can be repeated; outputs stay until they are read. */
  for (uint32_t i = 0; i < m->input_count; i++) {
    touch(plan, m->inputs[i].value, 0);
    touch(plan, m->inputs[i].value, plan->step_count);
  }
  for (uint32_t i = 0; i < m->output_count; i++) touch(plan, m->outputs[i].value, plan->step_count);
  for (uint32_t i = 0; i < plan->tap_count; i++) touch(plan, plan->taps[i], plan->step_count);
  return NSC_OK;
}

static nsc_status allocate(nsc_plan *plan, size_t activations, size_t workspace) {
  uint64_t total = (uint64_t)activations + workspace + NSC_PLAN_ALIGN;
  nsc_plan_hold(plan, total);
  plan->buffer_bytes = total <= SIZE_MAX ? (size_t)total : SIZE_MAX;
  if (plan->counts) return NSC_OK;
  if (!plan->counts && total + plan->packed_bytes > plan->max_bytes) {
    return nsc_fail(plan->err, NSC_ERROR_LIMIT, "the model needs %.0f MB to run; the limit is %.0f MB",
                    (double)(total + plan->packed_bytes) / 1e6, (double)plan->max_bytes / 1e6);
  }
  plan->buffer = total <= SIZE_MAX ? calloc(1, (size_t)total) : NULL;
  if (!plan->buffer) return nsc_fail_memory(plan->err, (size_t)total, "the model's activations");
  return NSC_OK;
}

static void *place_of(nsc_plan *plan, uint32_t value) {
  nsc_value *v = &plan->values[value];
  if (v->data) return (void *)(uintptr_t)v->data;
  uint8_t *base = (uint8_t *)(((uintptr_t)plan->buffer + NSC_PLAN_ALIGN - 1) & ~(uintptr_t)(NSC_PLAN_ALIGN - 1));
  return base + plan->values[v->root].offset;
}

void *nsc_plan_pointer(nsc_plan *plan, uint32_t value) {
  return place_of(plan, value);
}

static nsc_status set_pointers(nsc_plan *plan, size_t activations) {
  uint8_t *base = (uint8_t *)(((uintptr_t)plan->buffer + NSC_PLAN_ALIGN - 1) & ~(uintptr_t)(NSC_PLAN_ALIGN - 1));
  for (uint32_t s = 0; s < plan->step_count; s++) {
    nsc_step *step = plan->steps[s];
    for (uint32_t i = 0; i < step->input_count; i++) step->in[i] = place_of(plan, step->inputs[i]);
    for (uint32_t i = 0; i < step->output_count; i++) step->out[i] = place_of(plan, step->outputs[i]);
    if (step->setup && step->setup(step, base + activations) != xnn_status_success) {
      return nsc_fail(plan->err, NSC_ERROR_INTERNAL, "XNNPACK would not set up %.40s \"%.80s\"", step->kind,
                      step->name);
    }
  }
  return NSC_OK;
}

/* Constants that were only needed to make others. */
static void drop_unread_constants(nsc_plan *plan) {
  for (uint32_t i = 0; i < plan->value_count; i++) {
    if (plan->values[i].read_by_step) plan->values[plan->values[i].root].read_by_step = true;
  }
  for (uint32_t i = 0; i < plan->value_count; i++) {
    nsc_value *v = &plan->values[i];
    if (v->owned && !v->read_by_step) {
      size_t count = 0;
      nsc_shape_count(&v->shape, &count);
      nsc_plan_drop(plan, (uint64_t)count * nsc_type_size(v->type) + XNN_EXTRA_BYTES);
      free(v->owned);
      v->owned = NULL;
    }
  }
}

static nsc_status place_values(nsc_plan *plan, size_t *end) {
  nsc_placed *blocks = malloc((plan->value_count + (size_t)1) * sizeof *blocks);
  if (!blocks) return nsc_fail_memory(plan->err, plan->value_count * sizeof *blocks, "the plan");
  size_t count = 0;
  for (uint32_t i = 0; i < plan->value_count; i++) {
    const nsc_value *v = &plan->values[i];
    if (v->known && v->root == i && v->first != UINT32_MAX && !v->data && !v->proto) {
      blocks[count++] = (nsc_placed){.id = i, .first = v->first, .last = v->last, .bytes = value_bytes(v)};
    }
  }
  bool fits = nsc_place(blocks, count, end);
  for (size_t i = 0; i < count && fits; i++) plan->values[blocks[i].id].offset = blocks[i].offset;
  free(blocks);
  return fits ? NSC_OK : nsc_fail(plan->err, NSC_ERROR_LIMIT, "the model's activations do not fit into memory");
}

nsc_status nsc_plan_place(nsc_plan *plan) {
  NSC_TRY(find_lifetimes(plan));
  drop_unread_constants(plan);
  size_t end = 0, workspace = 0;
  NSC_TRY(place_values(plan, &end));
  for (uint32_t s = 0; s < plan->step_count; s++) {
    if (plan->steps[s]->workspace > workspace) workspace = plan->steps[s]->workspace;
  }
  NSC_TRY(allocate(plan, end, round_up(workspace)));
  return plan->counts ? NSC_OK : set_pointers(plan, end);
}
