/* Calibration: the float model runs, histograms count what flows between its layers. */
#include "nn/quantize.h"

#include <stdlib.h>

#include "base/error.h"
#include "nn/quantize_range.h"
#include "nn/session_taps.h"

struct nsc_quantizer {
  nsc_quantize_graph graph;
  nsc_quantize_options options;
  nsc_session *session;
  uint32_t tap_count;
  uint32_t *taps;                  /* [tap_count] values */
  nsc_value_histogram *histograms; /* [tap_count] */
  uint64_t observed;
};

static nsc_status list_taps(nsc_quantizer *q, nsc_error *err) {
  const nsc_quantize_graph *g = &q->graph;
  uint32_t values = g->model->value_count;
  q->taps = malloc(((size_t)values + 1) * sizeof *q->taps);
  if (!q->taps) return nsc_fail_memory(err, values * sizeof *q->taps, "quantisation");
  for (uint32_t v = 0; v < values; v++) {
    if (g->values[v].wanted && g->values[v].like == v) q->taps[q->tap_count++] = v;
  }
  uint32_t products, integers;
  nsc_quantizer_count(q, &products, &integers);
  if (q->tap_count == 0 || integers == 0) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "nothing can be quantised: the model has no convolutions or products of constant float weights, or "
                    "it is quantised already");
  }
  q->histograms = calloc(q->tap_count, sizeof *q->histograms);
  return q->histograms ? NSC_OK : nsc_fail_memory(err, q->tap_count * sizeof *q->histograms, "histograms");
}

static nsc_status build(nsc_quantizer *q, const nsc_model *model, const nsc_session_options *session, nsc_error *err) {
  NSC_TRY(nsc_quantize_plan(model, &q->options, &q->graph, err));
  NSC_TRY(list_taps(q, err));
  return nsc_session_create_tapped(model, session, q->taps, q->tap_count, &q->session, err);
}

nsc_status nsc_quantizer_create(const nsc_model *model, const nsc_session_options *session,
                                const nsc_quantize_options *options, nsc_quantizer **out, nsc_error *err) {
  nsc_quantize_options o = *options;
  if (o.percentile == 0) o.percentile = 99.99;
  if (!(o.percentile > 50 && o.percentile <= 100)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a percentile of %g is not above 50 and up to 100", o.percentile);
  }
  NSC_TRY(nsc_quantize_can(model, err));
  nsc_quantizer *q = calloc(1, sizeof *q);
  if (!q) return nsc_fail_memory(err, sizeof *q, "quantisation");
  q->options = o;
  nsc_status status = build(q, model, session, err);
  if (status != NSC_OK) {
    nsc_quantizer_free(q);
    return status;
  }
  *out = q;
  return NSC_OK;
}

nsc_status nsc_quantizer_observe(nsc_quantizer *q, const float *input, size_t count, bool channels_last,
                                 const volatile int32_t *cancel, nsc_error *err) {
  if (channels_last) {
    NSC_TRY(nsc_session_set_input_nhwc(q->session, 0, input, count, err));
  } else {
    NSC_TRY(nsc_session_set_input(q->session, 0, input, count * sizeof *input, err));
  }
  NSC_TRY(nsc_session_run(q->session, cancel, err));
  for (uint32_t i = 0; i < q->tap_count; i++) {
    size_t elements;
    const float *values = nsc_session_tap(q->session, q->taps[i], &elements);
    if (values) nsc_histogram_add(&q->histograms[i], values, elements);
  }
  q->observed++;
  return NSC_OK;
}

nsc_status nsc_quantizer_finish(nsc_quantizer *q, uint32_t word_count, const char *const *keys,
                                const char *const *words, char **bytes, size_t *size, nsc_error *err) {
  if (q->observed == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture was seen: ranges are not known");
  for (uint32_t i = 0; i < q->tap_count; i++) {
    const nsc_value_histogram *h = &q->histograms[i];
    double low, high;
    if (h->broken) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "\"%.80s\" had %llu values that are no numbers",
                      q->graph.model->values[q->taps[i]].name, (unsigned long long)h->broken);
    }
    nsc_histogram_range(h, q->options.method, q->options.percentile, &low, &high);
    nsc_quantized_value *v = &q->graph.values[q->taps[i]];
    nsc_range_to_int8(low, high, &v->scale, &v->zero);
  }
  return nsc_quantize_write(&q->graph, word_count, keys, words, bytes, size, err);
}

void nsc_quantizer_count(const nsc_quantizer *q, uint32_t *products, uint32_t *integers) {
  const nsc_quantize_graph *g = &q->graph;
  *products = *integers = 0;
  for (uint32_t n = 0; n < g->model->node_count; n++) {
    if (!g->weights[n]) continue;
    ++*products;
    *integers += g->values[g->model->nodes[n].inputs[0]].wanted && g->values[g->end[n]].wanted;
  }
}

void nsc_quantizer_free(nsc_quantizer *q) {
  if (!q) return;
  nsc_session_free(q->session);
  nsc_quantize_graph_drop(&q->graph);
  free(q->taps);
  free(q->histograms);
  free(q);
}
