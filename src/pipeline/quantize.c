/* Quantisation of a classifier: pictures take the road of all pictures, the recipe's, to the network that is counted.
 */
#include "nn/quantize.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/classify.h"

struct nsc_quantization {
  nsc_classifier *classifier;
  nsc_quantizer *quantizer;
  nsc_quantize_options options;
  uint64_t frames;
};

static const char *const methods[] = {"minmax", "percentile", "mse", "entropy"};

bool nsc_quantize_method_named(const char *name, nsc_quantize_method *out) {
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (strcmp(name, methods[i]) != 0) continue;
    *out = (nsc_quantize_method)i;
    return true;
  }
  return false;
}

static nsc_status build(nsc_quantization *q, const nsc_model *model, const nsc_classifier_options *classifier,
                        nsc_error *err) {
  NSC_TRY(nsc_classifier_create(model, classifier, &q->classifier, err));
  nsc_tensor_info input;
  nsc_classifier_input(q->classifier, &input);
  const nsc_session_options session = {
      .threads = classifier ? classifier->threads : 1, .input_count = 1, .inputs = &input};
  return nsc_quantizer_create(model, &session, &q->options, &q->quantizer, err);
}

nsc_status nsc_quantization_create(const nsc_model *model, const nsc_classifier_options *classifier,
                                   const nsc_quantize_options *options, nsc_quantization **out, nsc_error *err) {
  nsc_quantization *q = calloc(1, sizeof *q);
  if (!q) return nsc_fail_memory(err, sizeof *q, "quantisation");
  if (options) q->options = *options;
  if ((size_t)q->options.method >= sizeof methods / sizeof *methods) {
    free(q);
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no such method");
  }
  nsc_status status = build(q, model, classifier, err);
  if (status != NSC_OK) {
    nsc_quantization_free(q);
    return status;
  }
  *out = q;
  return NSC_OK;
}

nsc_status nsc_quantization_add(nsc_quantization *q, nsc_image *image, uint32_t frame, const volatile int32_t *cancel,
                                nsc_error *err) {
  if (!q || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image");
  const float *input;
  size_t count;
  bool channels_last;
  NSC_TRY(nsc_classifier_prepare(q->classifier, image, frame, &input, &count, &channels_last, err));
  NSC_TRY(nsc_quantizer_observe(q->quantizer, input, count, channels_last, cancel, err));
  q->frames++;
  return NSC_OK;
}

/* nsc.quantization; docs/MODEL-FORMAT.md */
static nsc_status describe(const nsc_quantization *q, char **out, nsc_error *err) {
  uint32_t products, integers;
  nsc_quantizer_count(q->quantizer, &products, &integers);
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "weights"), nsc_json_string(&t, "int8");
  nsc_json_key(&t, "activations"), nsc_json_string(&t, "int8");
  nsc_json_key(&t, "method"), nsc_json_string(&t, methods[q->options.method]);
  if (q->options.method == NSC_QUANTIZE_PERCENTILE) {
    nsc_json_key(&t, "percentile");
    nsc_json_number(&t, q->options.percentile > 0 ? q->options.percentile : 99.99);
  }
  nsc_json_key(&t, "pictures"), nsc_json_int(&t, (int64_t)q->frames);
  nsc_json_key(&t, "layers"), nsc_json_int(&t, products);
  nsc_json_key(&t, "layersInFloat"), nsc_json_int(&t, products - integers);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_quantization_finish(nsc_quantization *q, char **bytes, size_t *size, nsc_error *err) {
  static const char *const keys[] = {"nsc.quantization"};
  char *words;
  NSC_TRY(describe(q, &words, err));
  const char *const values[] = {words};
  nsc_status status = nsc_quantizer_finish(q->quantizer, 1, keys, values, bytes, size, err);
  nsc_text_free(words);
  return status;
}

void nsc_quantization_free(nsc_quantization *q) {
  if (!q) return;
  nsc_quantizer_free(q->quantizer);
  nsc_classifier_free(q->classifier);
  free(q);
}
