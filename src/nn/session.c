/* Sessions: a plan, its thread pool, and the way in and out. */
#include <pthreadpool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/half.h"
#include "base/text.h"
#include "nn/plan.h"
#include "nn/plan_private.h"
#include "nn/rows.h"
#include "nn/session_taps.h"

/* 2 GiB: what a 32-bit wasm memory can give beside a model of the same size. */
static const uint64_t default_max_bytes = (uint64_t)2 << 30;

struct nsc_session {
  nsc_plan plan;
  double run_ms;
};

nsc_status nsc_session_create(const nsc_model *model, const nsc_session_options *options, nsc_session **out,
                              nsc_error *err) {
  return nsc_session_create_tapped(model, options, NULL, 0, out, err);
}

static nsc_status check(const nsc_model *model, const nsc_session_options *options, nsc_error *err) {
  if (!model) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  if (options->input_count > model->input_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "shapes for %u inputs were given; the model has %u", options->input_count,
                    model->input_count);
  }
  NSC_TRY(nsc_model_need_files(model, err));
  enum xnn_status ready = xnn_initialize(NULL);
  if (ready != xnn_status_success) {
    return nsc_fail(err, ready == xnn_status_out_of_memory ? NSC_ERROR_MEMORY : NSC_ERROR_UNSUPPORTED,
                    "XNNPACK does not run on this processor (status %d)", (int)ready);
  }
  if (!options->stock) nsc_choose_rows();
  return NSC_OK;
}

/* WebAssembly has threads where it was built with atomic operations alone. */
#if defined(__wasm__) && !defined(__wasm_atomics__)
static const bool has_threads = false;
#else
static const bool has_threads = true;
#endif

static void begin(nsc_plan *plan, const nsc_model *model, const nsc_session_options *options, nsc_error *err) {
  plan->model = model;
  plan->err = err;
  plan->stock = options->stock;
  plan->integers = options->integers;
  plan->max_bytes = options->max_bytes ? options->max_bytes : default_max_bytes;
  plan->threads = has_threads && options->threads > 1 ? options->threads : 1;
}

static uint64_t in_memory(const nsc_source *source) {
  return source && source->bytes ? source->size : 0;
}

/* Where a plan is made and at the end: with the model's own bytes, which stay. */
static nsc_memory memory_of(const nsc_plan *plan) {
  const nsc_model *model = plan->model;
  uint64_t file = in_memory(model->outline) + in_memory(model->source);
  for (uint32_t i = 0; i < model->file_count; i++) file += in_memory(model->files[i].source);
  uint64_t beside = plan->packed_bytes + plan->buffer_bytes;
  return (nsc_memory){
      .file = file,
      .weights = plan->packed_bytes,
      .activations = plan->buffer_bytes,
      .other = nsc_arena_bytes(&plan->model->arena) + (plan->held_bytes > beside ? plan->held_bytes - beside : 0),
      .peak = file + nsc_arena_bytes(&plan->model->arena) + plan->peak_bytes};
}

nsc_status nsc_model_memory(const nsc_model *model, const nsc_session_options *options, nsc_memory *out,
                            nsc_error *err) {
  static const nsc_session_options none;
  if (!options) options = &none;
  NSC_TRY(check(model, options, err));
  nsc_plan plan = {.counts = true};
  begin(&plan, model, options, err);
  nsc_status status = nsc_plan_build(&plan, options->inputs, options->input_count, options->constants);
  if (status == NSC_OK) *out = memory_of(&plan);
  nsc_plan_free(&plan);
  return status;
}

void nsc_session_memory(const nsc_session *session, nsc_memory *out) {
  *out = memory_of(&session->plan);
}

nsc_status nsc_session_create_tapped(const nsc_model *model, const nsc_session_options *options, const uint32_t *taps,
                                     uint32_t tap_count, nsc_session **out, nsc_error *err) {
  static const nsc_session_options none;
  if (!options) options = &none;
  NSC_TRY(check(model, options, err));
  nsc_session *s = calloc(1, sizeof *s);
  if (!s) return nsc_fail_memory(err, sizeof *s, "a session");
  begin(&s->plan, model, options, err);
  s->plan.taps = taps;
  s->plan.tap_count = tap_count;
  if (s->plan.threads > 1) s->plan.pool = pthreadpool_create(s->plan.threads);
  if (!s->plan.pool) s->plan.threads = 1; /* no threads here: the work is the same, only slower */
  nsc_status status = nsc_plan_build(&s->plan, options->inputs, options->input_count, options->constants);
  s->plan.err = NULL;
  s->plan.taps = NULL; /* the caller's */
  if (status != NSC_OK) {
    nsc_session_free(s);
    return status;
  }
  *out = s;
  return NSC_OK;
}

static size_t element_count(const nsc_value *v) {
  size_t count = 0;
  nsc_shape_count(&v->shape, &count);
  return count;
}

const float *nsc_session_tap(nsc_session *session, uint32_t value, size_t *count) {
  const nsc_value *v = &session->plan.values[value];
  if (!v->known || v->type != NSC_TYPE_F32 || !nsc_shape_count(&v->shape, count)) return NULL;
  return nsc_plan_pointer(&session->plan, value);
}

bool nsc_session_tap_picture(const nsc_session *session, uint32_t value, size_t size[3]) {
  const nsc_value *v = &session->plan.values[value];
  if (!v->known || v->data || v->type != NSC_TYPE_F32 || v->shape.rank != 4) return false;
  for (int i = 0; i < 3; i++) size[i] = (size_t)v->shape.dims[i < 2 ? i + 2 : 1];
  return true;
}

void nsc_session_read_tap(nsc_session *session, uint32_t value, uint32_t index, float *out) {
  const nsc_value *v = &session->plan.values[value];
  nsc_shape one = v->shape;
  one.dims[0] = 1;
  size_t count = nsc_shape_product(&one, 1, 4);
  const float *from = (const float *)nsc_plan_pointer(&session->plan, value) + index * count;
  uint32_t perm[NSC_MAX_RANK];
  nsc_channels_last_perm(v->shape.rank, perm);
  if (v->channels_last) {
    memcpy(out, from, count * sizeof *out);
  } else {
    nsc_transpose(out, from, &one, perm, sizeof *out);
  }
}

struct pthreadpool *nsc_session_threads(const nsc_session *session) {
  return session->plan.pool;
}

void nsc_session_each(const nsc_session *session, void (*part)(void *context, size_t index), void *context,
                      size_t count) {
  pthreadpool_parallelize_1d(nsc_session_threads(session), part, context, count, 0);
}

void nsc_session_free(nsc_session *session) {
  if (!session) return;
  nsc_plan_free(&session->plan);
  if (session->plan.pool) pthreadpool_destroy(session->plan.pool);
  free(session);
}

uint32_t nsc_session_input_count(const nsc_session *session) {
  return session->plan.model->input_count;
}

uint32_t nsc_session_output_count(const nsc_session *session) {
  return session->plan.model->output_count;
}

static void describe(const nsc_session *session, const nsc_port *port, nsc_tensor_info *out) {
  const nsc_value *v = &session->plan.values[port->value];
  *out = (nsc_tensor_info){.name = v->name, .type = v->type, .rank = v->shape.rank};
  /* Half floats are computed as float32, but cross the border as the model declares them. */
  nsc_type declared;
  if (v->type == NSC_TYPE_F32 && nsc_type_from_onnx(port->onnx_type, &declared) && declared == NSC_TYPE_F16) {
    out->type = NSC_TYPE_F16;
  }
  memcpy(out->dims, v->shape.dims, sizeof out->dims);
}

void nsc_session_input_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out) {
  describe(session, &session->plan.model->inputs[index], out);
}

void nsc_session_output_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out) {
  describe(session, &session->plan.model->outputs[index], out);
}

static nsc_status check_port(uint32_t index, uint32_t count, size_t have, size_t need, const char *what,
                             nsc_error *err) {
  if (index >= count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no %s %u", what, index);
  if (have != need) {
    return nsc_fail(err, NSC_ERROR_SHAPE, "%s %u holds %zu bytes, %zu were given", what, index, need, have);
  }
  return NSC_OK;
}

nsc_status nsc_session_set_input(nsc_session *session, uint32_t index, const void *data, size_t size, nsc_error *err) {
  nsc_plan *plan = &session->plan;
  const nsc_model *m = plan->model;
  if (index >= m->input_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no input %u", index);
  const nsc_value *v = &plan->values[m->inputs[index].value];
  nsc_tensor_info info;
  nsc_session_input_info(session, index, &info);
  size_t count = element_count(v);
  NSC_TRY(check_port(index, m->input_count, size, count * nsc_type_size(info.type), "input", err));
  if (v->data) return nsc_fail(err, NSC_ERROR_ARGUMENT, "input %u was fixed when the session was made", index);
  void *to = nsc_plan_pointer(plan, m->inputs[index].value);
  float *widened = NULL;
  if (info.type == NSC_TYPE_F16) {
    widened = malloc((count + 1) * sizeof *widened);
    if (!widened) return nsc_fail_memory(err, count * sizeof *widened, "an input");
    nsc_half_expand(data, count, widened);
    data = widened;
  }
  if (v->channels_last) {
    uint32_t perm[NSC_MAX_RANK];
    nsc_channels_last_perm(v->shape.rank, perm);
    nsc_transpose(to, data, &v->shape, perm, nsc_type_size(v->type));
  } else if (count) {
    memcpy(to, data, count * nsc_type_size(v->type));
  }
  free(widened);
  return NSC_OK;
}

nsc_status nsc_session_set_input_nhwc(nsc_session *session, uint32_t index, const float *data, size_t count,
                                      nsc_error *err) {
  nsc_plan *plan = &session->plan;
  const nsc_model *m = plan->model;
  if (index >= m->input_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no input %u", index);
  const nsc_value *v = &plan->values[m->inputs[index].value];
  if (v->type != NSC_TYPE_F32 || !v->channels_last || v->data) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "input %u is no float picture N, C, H, W", index);
  }
  NSC_TRY(check_port(index, m->input_count, count * sizeof(float), element_count(v) * sizeof(float), "input", err));
  memcpy(nsc_plan_pointer(plan, m->inputs[index].value), data, count * sizeof *data);
  return NSC_OK;
}

nsc_status nsc_session_get_output(nsc_session *session, uint32_t index, void *data, size_t size, nsc_error *err) {
  nsc_plan *plan = &session->plan;
  const nsc_model *m = plan->model;
  if (index >= m->output_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no output %u", index);
  const nsc_value *v = &plan->values[m->outputs[index].value];
  nsc_tensor_info info;
  nsc_session_output_info(session, index, &info);
  size_t count = element_count(v);
  NSC_TRY(check_port(index, m->output_count, size, count * nsc_type_size(info.type), "output", err));
  const void *from = nsc_plan_pointer(plan, m->outputs[index].value);
  void *ordered = NULL;
  if (v->channels_last) {
    ordered = malloc(count * nsc_type_size(v->type) + 1);
    if (!ordered) return nsc_fail_memory(err, count * nsc_type_size(v->type), "an output");
    uint32_t perm[NSC_MAX_RANK];
    nsc_channels_first_perm(v->shape.rank, perm);
    nsc_shape physical = nsc_value_physical(v);
    nsc_transpose(ordered, from, &physical, perm, nsc_type_size(v->type));
    from = ordered;
  }
  if (info.type == NSC_TYPE_F16) {
    uint16_t *half = data;
    for (size_t i = 0; i < count; i++) half[i] = nsc_half_from_float(((const float *)from)[i]);
  } else if (count) {
    memcpy(data, from, size);
  }
  free(ordered);
  return NSC_OK;
}

nsc_status nsc_session_run(nsc_session *session, const volatile int32_t *cancel, nsc_error *err) {
  nsc_plan *plan = &session->plan;
  double start = nsc_now_ms(), before = start;
  for (uint32_t s = 0; s < plan->step_count; s++) {
    if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled");
    nsc_step *step = plan->steps[s];
    if (nsc_step_run(step, plan->pool) != xnn_status_success) {
      return nsc_fail(err, NSC_ERROR_INTERNAL, "XNNPACK would not run %.40s \"%.80s\"", step->kind, step->name);
    }
    double now = nsc_now_ms();
    step->ms = now - before;
    before = now;
  }
  session->run_ms = before - start;
  return NSC_OK;
}

/* What a step reads and writes in a run: weights, inputs, outputs. */
static uint64_t bytes_of(const nsc_plan *plan, const nsc_step *step) {
  uint64_t bytes = step->weight_bytes;
  for (uint32_t i = 0; i < step->input_count + step->output_count; i++) {
    bool input = i < step->input_count;
    const nsc_value *v = &plan->values[input ? step->inputs[i] : step->outputs[i - step->input_count]];
    size_t count;
    if (nsc_shape_count(&v->shape, &count)) bytes += (uint64_t)count * nsc_type_size(v->type);
  }
  return bytes;
}

nsc_status nsc_session_json(const nsc_session *session, char **out, nsc_error *err) {
  const nsc_plan *plan = &session->plan;
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "threads"), nsc_json_int(&t, plan->threads);
  nsc_json_key(&t, "arenaBytes"), nsc_json_int(&t, (int64_t)plan->buffer_bytes);
  nsc_json_key(&t, "packedBytes"), nsc_json_int(&t, (int64_t)plan->packed_bytes);
  nsc_json_key(&t, "ms"), nsc_json_number(&t, session->run_ms);
  nsc_json_key(&t, "steps"), nsc_json_array(&t);
  for (uint32_t s = 0; s < plan->step_count; s++) {
    const nsc_step *step = plan->steps[s];
    const nsc_value *v = &plan->values[step->outputs[0]];
    nsc_json_object(&t);
    nsc_json_key(&t, "name"), nsc_json_string(&t, step->name);
    nsc_json_key(&t, "kind"), nsc_json_string(&t, step->kind);
    nsc_json_key(&t, "output"), nsc_json_array(&t);
    for (uint32_t i = 0; i < v->shape.rank; i++) nsc_json_int(&t, v->shape.dims[i]);
    nsc_json_end_array(&t);
    nsc_json_key(&t, "ms"), nsc_json_number(&t, step->ms);
    nsc_json_key(&t, "macs"), nsc_json_number(&t, step->macs);
    nsc_json_key(&t, "bytes"), nsc_json_int(&t, (int64_t)bytes_of(plan, step));
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
