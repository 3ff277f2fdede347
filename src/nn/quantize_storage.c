/* Models whose weights take fewer bytes and are expanded when they are opened. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "nn/onnx_write.h"
#include "nn/quantize.h"

enum { NODE = 1, INITIALIZER = 5, INPUT = 11, FLOAT = 1, LEAST = 64 /* elements: below, a Cast takes as many bytes */ };

/* Large enough for both sides of float16: 65504 is its largest number. */
static bool fits_half(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!(values[i] >= -65504.0f && values[i] <= 65504.0f)) return false;
  }
  return true;
}

static nsc_status put_half(nsc_onnx_writer *w, const nsc_tensor_proto *t, nsc_error *err) {
  float *values = malloc((t->count + 1) * sizeof *values);
  if (!values) return nsc_fail_memory(err, t->count * sizeof *values, "weights");
  nsc_status status = nsc_tensor_proto_read(t, values, err);
  if (status == NSC_OK && fits_half(values, t->count)) {
    nsc_onnx_halves(w, t->name, t->shape.rank, t->shape.dims, values);
  } else if (status == NSC_OK) {
    status = nsc_quantize_copy_tensor(w, t, err);
  }
  free(values);
  return status;
}

static nsc_status write_halves(const nsc_model *m, nsc_onnx_writer *w, nsc_error *err) {
  for (uint32_t v = 0; v < m->value_count; v++) {
    const nsc_tensor_proto *t = m->values[v].initializer;
    if (!t) continue;
    if (t->onnx_type == FLOAT && t->count >= LEAST && strlen(t->name) < 80) {
      NSC_TRY(put_half(w, t, err));
    } else {
      NSC_TRY(nsc_quantize_copy_tensor(w, t, err));
    }
  }
  for (uint32_t n = 0; n < m->node_count; n++) {
    nsc_onnx_copy(w, NODE, m->nodes[n].message, m->nodes[n].message_size);
  }
  nsc_quantize_copy_ports(w, m);
  return NSC_OK;
}

static nsc_status store_halves(const nsc_model *m, const char *const *keys, const char *const *words, char **bytes,
                               size_t *size, nsc_error *err) {
  nsc_onnx_writer w = {0};
  nsc_status status = write_halves(m, &w, err);
  if (status == NSC_OK) {
    return nsc_onnx_finish_like(&w, nsc_model_text(m)->bytes, nsc_model_text(m)->size, NULL, 1, keys, words, bytes,
                                size, err);
  }
  nsc_onnx_drop(&w);
  return status;
}

static nsc_status store_int8(const nsc_model *m, const char *const *keys, const char *const *words, char **bytes,
                             size_t *size, nsc_error *err) {
  static const nsc_quantize_options none;
  nsc_quantize_graph g;
  uint32_t products = 0;
  NSC_TRY(nsc_quantize_plan(m, &none, &g, err));
  for (uint32_t v = 0; v < m->value_count; v++) g.values[v].wanted = false;
  for (uint32_t n = 0; n < m->node_count; n++) products += g.weights[n];
  nsc_status status = products ? nsc_quantize_write(&g, 1, keys, words, bytes, size, err)
                               : nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                                          "the model has no convolutions or products of constant float weights");
  nsc_quantize_graph_drop(&g);
  return status;
}

nsc_status nsc_quantize_can(const nsc_model *model, nsc_error *err) {
  if (model->file_count) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model's weights are in other files; save it as one file first");
  }
  if (model->written_out) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "the model has functions of its own or branches; have them inlined first (onnx.inliner)");
  }
  return NSC_OK;
}

nsc_status nsc_quantize_weights(const nsc_model *model, nsc_weight_storage storage, char **bytes, size_t *size,
                                nsc_error *err) {
  if (!model) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  NSC_TRY(nsc_quantize_can(model, err));
  static const char *const keys[] = {"nsc.quantization"};
  const char *words[] = {storage == NSC_WEIGHTS_F16 ? "{\"weights\":\"float16\"}" : "{\"weights\":\"int8\"}"};
  return storage == NSC_WEIGHTS_F16 ? store_halves(model, keys, words, bytes, size, err)
                                    : store_int8(model, keys, words, bytes, size, err);
}
