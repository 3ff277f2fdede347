/*
 * Places every buffer of a plan in one block. Two values may share memory when no step needs both: buffers go, largest
 * first, to the lowest offset where nothing that lives at the same time stands (greedy by size; Pisarchyk and Lee
 * 2020).
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "nn/plan.h"
#include "nn/plan_private.h"

typedef struct block {
  uint32_t value;
  size_t bytes;
} block;

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
  return NSC_OK;
}

static int larger_first(const void *a, const void *b) {
  const block *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->value < y->value ? -1 : x->value > y->value;
}

static int lower_first(const void *a, const void *b) {
  const nsc_value *x = *(nsc_value *const *)a, *y = *(nsc_value *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Offsets for all blocks; returns the end of the highest. `placed` has room for all. */
static bool place_blocks(nsc_plan *plan, const block *blocks, size_t count, nsc_value **placed, size_t *end) {
  *end = 0;
  for (size_t b = 0; b < count; b++) {
    nsc_value *v = &plan->values[blocks[b].value];
    size_t n = 0;
    for (size_t i = 0; i < b; i++) {
      nsc_value *other = &plan->values[blocks[i].value];
      if (other->first <= v->last && v->first <= other->last) placed[n++] = other;
    }
    qsort(placed, n, sizeof *placed, lower_first);
    size_t offset = 0;
    for (size_t i = 0; i < n; i++) {
      if (placed[i]->offset >= offset && placed[i]->offset - offset >= blocks[b].bytes) break;
      size_t after = placed[i]->offset + value_bytes(placed[i]);
      if (after > offset) offset = after;
    }
    v->offset = offset;
    size_t top;
    if (!nsc_add_size(offset, blocks[b].bytes, &top)) return false;
    if (top > *end) *end = top;
  }
  return true;
}

static nsc_status allocate(nsc_plan *plan, size_t activations, size_t workspace) {
  uint64_t total = (uint64_t)activations + workspace + NSC_PLAN_ALIGN;
  if (total + plan->packed_bytes > plan->max_bytes) {
    return nsc_fail(plan->err, NSC_ERROR_LIMIT, "the model needs %.0f MB to run; the limit is %.0f MB",
                    (double)(total + plan->packed_bytes) / 1e6, (double)plan->max_bytes / 1e6);
  }
  plan->buffer = total <= SIZE_MAX ? calloc(1, (size_t)total) : NULL;
  if (!plan->buffer) return nsc_fail_memory(plan->err, (size_t)total, "the model's activations");
  plan->buffer_bytes = (size_t)total;
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
    if (step->op && step->setup(step, base + activations) != xnn_status_success) {
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
      free(v->owned);
      v->owned = NULL;
    }
  }
}

nsc_status nsc_plan_place(nsc_plan *plan) {
  NSC_TRY(find_lifetimes(plan));
  drop_unread_constants(plan);
  block *blocks = malloc((plan->value_count + 1) * sizeof *blocks);
  nsc_value **placed = malloc((plan->value_count + 1) * sizeof *placed);
  nsc_status status = NSC_OK;
  size_t count = 0, end = 0, workspace = 0;
  if (!blocks || !placed) {
    status = nsc_fail_memory(plan->err, plan->value_count * sizeof *blocks, "the plan");
  } else {
    for (uint32_t i = 0; i < plan->value_count; i++) {
      const nsc_value *v = &plan->values[i];
      if (v->known && v->root == i && v->first != UINT32_MAX && !v->data && !v->proto) {
        blocks[count++] = (block){i, value_bytes(v)};
      }
    }
    qsort(blocks, count, sizeof *blocks, larger_first);
    if (!place_blocks(plan, blocks, count, placed, &end)) {
      status = nsc_fail(plan->err, NSC_ERROR_LIMIT, "the model's activations do not fit into memory");
    }
  }
  free(blocks);
  free(placed);
  NSC_TRY(status);
  for (uint32_t s = 0; s < plan->step_count; s++) {
    if (plan->steps[s]->workspace > workspace) workspace = plan->steps[s]->workspace;
  }
  NSC_TRY(allocate(plan, end, round_up(workspace)));
  return set_pointers(plan, end);
}
