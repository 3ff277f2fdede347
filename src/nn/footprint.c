#include "nn/footprint.h"

#include <stdlib.h>
#include <string.h>

#include <xnnpack/operator.h>
#include "base/bytes.h"
#include "nn/plan_private.h"
#include "nn/product.h"

/* ---- what is held ---- */

static void note_peak(nsc_plan *plan) {
  uint64_t now = plan->held_bytes + plan->passing_bytes;
  if (now > plan->peak_bytes) plan->peak_bytes = now;
}

void nsc_plan_hold(nsc_plan *plan, uint64_t bytes) {
  plan->held_bytes += bytes;
  note_peak(plan);
}

void nsc_plan_drop(nsc_plan *plan, uint64_t bytes) {
  plan->held_bytes -= bytes < plan->held_bytes ? bytes : plan->held_bytes;
}

void nsc_plan_pass(nsc_plan *plan, uint64_t bytes) {
  plan->passing_bytes += bytes + XNN_EXTRA_BYTES;
  note_peak(plan);
}

void nsc_plan_passed(nsc_plan *plan) {
  plan->passing_bytes = 0;
}

/* ---- weights outside of memory ---- */

/* Loads of wasm take any address. */
#ifdef __wasm__
static const bool has_any_alignment = true;
#else
static const bool has_any_alignment = false;
#endif

/* Matrices of more bytes are read in parts, where their user can. */
enum { WORD = 8, MOST_AT_ONCE = 16 << 20, COLUMNS = 8 /* of XNNPACK's panels, or a divisor */ };

/* Floats that halves become, since these are read into room of their own. */
static size_t bytes_of(const nsc_tensor_proto *t) {
  nsc_type type;
  bool halves = nsc_type_from_onnx(t->onnx_type, &type) && type == NSC_TYPE_F16;
  size_t bytes = halves ? t->count * sizeof(float) : t->raw_size;
  return t->shape.rank == 2 && bytes > MOST_AT_ONCE ? MOST_AT_ONCE : bytes;
}

/* Of those that this node and the ones behind it read. */
static size_t largest_outside(const nsc_plan *plan) {
  const nsc_model *model = plan->model;
  size_t most = 0;
  for (uint32_t v = 0; v < model->value_count; v++) {
    const nsc_tensor_proto *t = model->values[v].initializer;
    if (!t || !t->file || plan->consumer_count[v] == 0) continue;
    bool passed = plan->consumer[v] != NSC_NO_VALUE && plan->node != NSC_NO_VALUE && plan->consumer[v] < plan->node;
    if (!passed && bytes_of(t) > most) most = bytes_of(t);
  }
  return most;
}

/* `bytes` of the room are taken until the node is lowered, if they fit and nothing else is there. */
static bool take_outside(nsc_plan *plan, size_t bytes) {
  if (plan->outside_taken) return false;
  if (!plan->outside_bytes) {
    plan->outside_bytes = largest_outside(plan) + XNN_EXTRA_BYTES;
    nsc_plan_hold(plan, plan->outside_bytes);
  }
  plan->outside_taken = bytes <= plan->outside_bytes - XNN_EXTRA_BYTES;
  plan->outside_full |= plan->outside_taken && bytes == plan->outside_bytes - XNN_EXTRA_BYTES;
  return plan->outside_taken;
}

nsc_status nsc_plan_outside(nsc_plan *plan, size_t bytes, uint64_t offset, void *out) {
  if (!take_outside(plan, bytes)) return nsc_plan_room(plan, bytes, 1, out);
  if (!plan->outside) plan->outside = malloc(plan->outside_bytes + WORD);
  if (!plan->outside) return nsc_fail_memory(plan->err, plan->outside_bytes, "the model's weights");
  /* V8 copies into shared memory word by word only where both sides are aligned alike, else byte by byte. */
  uint8_t *room = plan->outside + (has_any_alignment ? offset % WORD : 0);
  memcpy(out, &room, sizeof room);
  return NSC_OK;
}

bool nsc_plan_is_outside(const nsc_plan *plan, const void *weights) {
  uintptr_t at = (uintptr_t)weights, room = (uintptr_t)plan->outside;
  return plan->outside_taken && (plan->counts || (at >= room && at < room + WORD));
}

/* Plain weights: floats in the file, and nobody changed or turned them. */
static bool is_plain(const nsc_plan *plan, uint32_t value) {
  const nsc_value *v = &plan->values[value];
  return nsc_plan_is_constant(plan, value) && v->type == NSC_TYPE_F32 && !v->data && !v->channels_last;
}

size_t nsc_plan_rows_at_once(const nsc_plan *plan, uint32_t value) {
  const nsc_tensor_proto *t = plan->values[value].proto;
  if (!is_plain(plan, value) || !t || !t->file || t->raw_size != t->count * sizeof(float)) return 0;
  size_t row = (size_t)t->shape.dims[1] * sizeof(float);
  if (t->raw_size <= MOST_AT_ONCE || row > MOST_AT_ONCE / COLUMNS) return 0;
  return MOST_AT_ONCE / row / COLUMNS * COLUMNS;
}

nsc_status nsc_plan_weight_rows(nsc_plan *plan, uint32_t value, size_t first, size_t count, const float **out) {
  const nsc_tensor_proto *t = plan->values[value].proto;
  size_t row = (size_t)t->shape.dims[1] * sizeof(float), bytes = count * row;
  plan->outside_taken = false; /* the rows before are packed */
  *out = NULL;
  if (plan->counts) {
    if (!take_outside(plan, bytes)) nsc_plan_pass(plan, bytes);
    return NSC_OK;
  }
  float *rows;
  NSC_TRY(nsc_plan_outside(plan, bytes, t->offset + first * row, &rows));
  *out = rows;
  return nsc_source_read(t->file, t->offset + first * row, rows, bytes, plan->err);
}

void nsc_plan_leave_outside(nsc_plan *plan) {
  plan->outside_taken = false;
  if (plan->outside_full) nsc_plan_drop_outside(plan);
}

void nsc_plan_drop_outside(nsc_plan *plan) {
  nsc_plan_drop(plan, plan->outside_bytes);
  free(plan->outside);
  plan->outside = NULL;
  plan->outside_bytes = 0;
  plan->outside_full = false;
}

/* ---- weights ---- */

nsc_status nsc_plan_weights(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, const float **out) {
  const nsc_value *v = nsc_plan_value(plan, value);
  /* Whatever is not plainly weights in the file goes the usual way, and so do errors. */
  if (!plan->counts || !is_plain(plan, value)) return nsc_plan_floats(plan, node, value, what, out);
  *out = NULL;
  size_t count = 0;
  nsc_shape_count(&v->shape, &count);
  if (v->proto && v->proto->file) {
    if (v->proto->raw_size < count * sizeof(float)) nsc_plan_pass(plan, v->proto->raw_size);
    if (!take_outside(plan, count * sizeof(float))) nsc_plan_pass(plan, (uint64_t)count * sizeof(float));
  } else if (!nsc_floats_in_place(v->proto)) {
    nsc_plan_pass(plan, (uint64_t)count * sizeof(float));
  }
  return NSC_OK;
}

nsc_status nsc_plan_packed(nsc_plan *plan, size_t floats, float **out) {
  size_t bytes;
  *out = NULL;
  if (!nsc_mul_size(floats, sizeof **out, &bytes) || !nsc_add_size(bytes, NSC_PLAN_ALIGN, &bytes)) {
    return nsc_fail(plan->err, NSC_ERROR_LIMIT, "the model's weights do not fit into memory");
  }
  nsc_plan_hold(plan, bytes);
  if (plan->counts) return NSC_OK;
  if (plan->packed_count == plan->packed_capacity) {
    uint32_t capacity = plan->packed_capacity * 2 + 16;
    void **grown = realloc(plan->packed, capacity * sizeof *grown);
    if (!grown) return nsc_fail_memory(plan->err, capacity * sizeof *grown, "the plan");
    plan->packed = grown;
    plan->packed_capacity = capacity;
  }
  void *memory = malloc(bytes); /* not the arena's, which clears what will be written over */
  if (!memory) return nsc_fail_memory(plan->err, bytes, "the model's weights");
  plan->packed[plan->packed_count++] = memory;
  *out = (float *)(((uintptr_t)memory + NSC_PLAN_ALIGN - 1) & ~(uintptr_t)(NSC_PLAN_ALIGN - 1));
  return NSC_OK;
}

/* ---- operators of XNNPACK ---- */

/* What stands beside the weights of an output: a bias, and of integers a scale. */
static size_t beside(int kind) {
  return kind == NSC_INT8_PRODUCT ? 2 * sizeof(float) : sizeof(float);
}

static size_t element(int kind) {
  return kind == NSC_INT8_PRODUCT ? 1 : sizeof(float);
}

static uint64_t whole(uint64_t count, uint64_t to) {
  return (count + to - 1) / to * to;
}

static void hold_operator(nsc_plan *plan, nsc_step *step, uint64_t bytes) {
  step->held_bytes = sizeof(struct xnn_operator) + XNN_ALLOCATION_ALIGNMENT + bytes;
  nsc_plan_hold(plan, step->held_bytes);
}

/* Panels of as many outputs as a kernel computes at once. */
static uint64_t panel_bytes(size_t taps, size_t in, size_t out, int kind) {
  const struct xnn_gemm_config *c =
      kind == NSC_INT8_PRODUCT ? xnn_init_qs8_qc8w_gemm_config() : xnn_init_f32_gemm_config();
  if (!c) return 0;
  uint64_t inner = whole(in, (uint64_t)1 << (c->log2_kr + c->log2_sr));
  return whole(out, c->nr) * (taps * inner * element(kind) + beside(kind));
}

/* Addresses of all pixels under the windows of a picture, those of neighbours side by side. */
static uint64_t shared_table(const nsc_window *w) {
  uint64_t kh = (uint64_t)w->kernel[0], kw = (uint64_t)w->kernel[1];
  uint64_t step = w->dilation[1] == 1 && w->stride[1] < w->kernel[1] ? (uint64_t)w->stride[1] : kw;
  return (uint64_t)w->out[0] * (kh * kw + (uint64_t)(w->out[1] - 1) * step * kh) * sizeof(void *);
}

/* Kernels of one channel for up to so many taps; above, each channel is a product. */
static size_t depthwise_taps(size_t taps) {
  return taps <= 3 ? 3 : taps <= 4 ? 4 : taps <= 9 ? 9 : 25;
}

void nsc_plan_hold_conv(nsc_plan *plan, nsc_step *step, const nsc_conv_geometry *g, size_t outputs, int kind) {
  enum { MOST_TAPS = 25, CHANNEL_TILE = 16 };
  const nsc_window *w = &g->window;
  size_t taps = (size_t)(w->kernel[0] * w->kernel[1]);
  bool padded = w->pad_begin[0] || w->pad_begin[1] || w->pad_end[0] || w->pad_end[1];
  bool plain = taps == 1 && w->stride[0] == 1 && w->stride[1] == 1 && !padded;
  uint64_t zeros = padded ? g->groups * g->group_in * element(kind) + XNN_EXTRA_BYTES : 0;
  uint64_t bytes;
  if (g->group_in == 1 && outputs == g->groups && taps <= MOST_TAPS) {
    size_t each = plain ? element(kind) : depthwise_taps(taps) * element(kind);
    bytes = whole(g->groups, CHANNEL_TILE) * (each + beside(kind)) + zeros;
    if (!plain) bytes += shared_table(w);
  } else {
    bytes = g->groups * panel_bytes(taps, g->group_in, outputs / g->groups, kind) + zeros;
    if (!plain) bytes += (uint64_t)(w->out[0] * w->out[1]) * taps * sizeof(void *);
  }
  hold_operator(plan, step, bytes);
}

void nsc_plan_hold_dense(nsc_plan *plan, nsc_step *step, size_t in, size_t out, int kind) {
  hold_operator(plan, step, panel_bytes(1, in, out, kind));
}

void nsc_plan_hold_windows(nsc_plan *plan, nsc_step *step, const nsc_window *w) {
  hold_operator(plan, step, shared_table(w));
}
