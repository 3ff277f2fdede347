#include "pipeline/dropout.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/features.h"
#include "train/load.h"

struct nsc_dropout_sampler {
  nsc_classifier *classifier;
  nsc_net *net;
  nsc_compute *compute;
};

/* In the file, or in the network that was made of it. */
static bool names_dropout(const nsc_model *model) {
  for (uint32_t n = 0; n < model->node_count; n++) {
    if (strcmp(model->nodes[n].op, "Dropout") == 0) return true;
  }
  return false;
}

static bool has_dropout(const nsc_net *net) {
  for (uint32_t l = 0; l < net->layer_count; l++) {
    if (net->layers[l].kind == NSC_LAYER_DROPOUT) return true;
  }
  return false;
}

static nsc_status load(nsc_dropout_sampler *s, nsc_error *err) {
  const nsc_model *model = nsc_classifier_model(s->classifier);
  const nsc_recipe *r = nsc_classifier_recipe(s->classifier);
  nsc_tensor_info input;
  nsc_classifier_input(s->classifier, &input);
  if (!names_dropout(model) || input.dims[1] != (int64_t)r->channels) return NSC_OK;
  nsc_net_part part = {.from = model->inputs[0].value,
                       .to = nsc_classifier_output_value(s->classifier),
                       .height = r->height,
                       .width = r->width,
                       .channels = r->channels};
  nsc_error why = {0};
  nsc_status status = nsc_net_load_part(model, &part, &s->net, &why);
  if (status == NSC_ERROR_MEMORY) return nsc_fail(err, status, "%s", why.text);
  if (status != NSC_OK || !has_dropout(s->net)) return NSC_OK;
  NSC_TRY(nsc_net_set_batch(s->net, 1, err));
  nsc_net_freeze(s->net, 0); /* statistics of batch norms are those of inference */
  return nsc_compute_borrow(nsc_classifier_threads(s->classifier), &s->compute, err);
}

nsc_status nsc_dropout_sampler_create(nsc_classifier *classifier, nsc_dropout_sampler **out, nsc_error *err) {
  *out = NULL;
  nsc_dropout_sampler *s = calloc(1, sizeof *s);
  if (!s) return nsc_fail_memory(err, sizeof *s, "runs with dropout");
  s->classifier = classifier;
  nsc_status status = load(s, err);
  if (status == NSC_OK && s->compute) {
    *out = s;
  } else {
    nsc_dropout_sampler_free(s);
  }
  return status;
}

void nsc_dropout_sampler_free(nsc_dropout_sampler *sampler) {
  if (!sampler) return;
  nsc_net_free(sampler->net);
  nsc_compute_free(sampler->compute);
  free(sampler);
}

nsc_status nsc_dropout_sample(nsc_dropout_sampler *sampler, const float *input, uint64_t seed, uint32_t draw,
                              nsc_result *out, nsc_error *err) {
  nsc_net *net = sampler->net;
  const nsc_rng root = nsc_rng_seeded(seed);
  nsc_rng rng = nsc_rng_split(&root, draw);
  memcpy(nsc_net_tensor(net, net->input)->value, input, nsc_net_size(net, net->input) * sizeof *input);
  NSC_TRY(nsc_net_forward(net, sampler->compute, true, &rng, err));
  return nsc_classifier_judge_logits(sampler->classifier, nsc_net_tensor(net, net->output)->value, out, err);
}
