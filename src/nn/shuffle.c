/* A model with its weights in another order: nothing of what it learnt is left, but everything of how it is built. */
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/model.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, FLOAT16 = 10 }; /* TensorProto.DataType */

/* Weights of convolutions and products have two dimensions and more; biases, norms and scales stay. */
static size_t element_of(const nsc_tensor_proto *t) {
  if (t->shape.rank < 2 || !t->raw || t->location) return 0;
  if (t->onnx_type == FLOAT) return 4;
  if (t->onnx_type == FLOAT16) return 2;
  return t->onnx_type == INT8 || t->onnx_type == UINT8 ? 1 : 0;
}

/* Durstenfeld's form of Fisher & Yates on elements of `size` bytes. */
static void shuffle(uint8_t *bytes, size_t count, size_t size, nsc_rng *rng) {
  uint8_t kept[4];
  for (size_t i = count; i > 1; i--) {
    uint8_t *a = bytes + nsc_rng_below(rng, (uint32_t)i) * size, *b = bytes + (i - 1) * size;
    memcpy(kept, a, size);
    memmove(a, b, size);
    memcpy(b, kept, size);
  }
}

static uint32_t shuffle_tensor(nsc_model *m, const nsc_tensor_proto *t, const nsc_rng *root) {
  size_t size = t ? element_of(t) : 0;
  if (!size || t->count < 2 || t->count > UINT32_MAX) return 0;
  size_t at = (size_t)(t->raw - m->source->bytes);
  nsc_rng rng = nsc_rng_split(root, at);
  shuffle(m->source->bytes + at, t->count, size, &rng);
  return 1;
}

static uint32_t shuffle_all(nsc_model *m, uint64_t seed) {
  const nsc_rng root = nsc_rng_seeded(seed);
  uint32_t count = 0;
  for (uint32_t v = 0; v < m->value_count; v++) count += shuffle_tensor(m, m->values[v].initializer, &root);
  for (uint32_t n = 0; n < m->node_count; n++) {
    const nsc_node *node = &m->nodes[n];
    if (strcmp(node->op, "Constant") != 0) continue;
    for (uint32_t a = 0; a < node->attribute_count; a++) {
      if (node->attributes[a].kind == NSC_ATTRIBUTE_TENSOR) count += shuffle_tensor(m, node->attributes[a].t, &root);
    }
  }
  return count;
}

/* A model of its own, of the same file in memory. */
static nsc_status open_copy(const nsc_model *model, nsc_model **out, nsc_error *err) {
  nsc_source *file;
  NSC_TRY(nsc_source_copy(model->source, &file, err));
  nsc_status status = nsc_model_open(file, out, err);
  if (status != NSC_OK) nsc_source_free(file);
  return status;
}

nsc_status nsc_model_shuffled(const nsc_model *model, uint64_t seed, char **bytes, size_t *size, nsc_error *err) {
  if (!model || !bytes || !size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model, or no place for one");
  if (model->file_count) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model's weights are in other files; save it as one file first");
  }
  nsc_model *shuffled;
  NSC_TRY(open_copy(model, &shuffled, err));
  nsc_status status = NSC_OK;
  if (shuffle_all(shuffled, seed)) {
    *size = shuffled->source->size;
    *bytes = (char *)shuffled->source->bytes;
    shuffled->source->bytes = NULL; /* the caller's now */
  } else {
    status = nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model holds no weights that could be shuffled");
  }
  nsc_model_free(shuffled);
  return status;
}
