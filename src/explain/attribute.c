#include "explain/attribute.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

nsc_status nsc_logit_gradient(nsc_net *net, nsc_compute *compute, const float *picture, const float *weights,
                              nsc_error *err) {
  NSC_TRY(nsc_net_set_batch(net, 1, err));
  memcpy(nsc_net_tensor(net, net->input)->value, picture, nsc_net_size(net, net->input) * sizeof *picture);
  NSC_TRY(nsc_net_forward(net, compute, false, NULL, err));
  memcpy(nsc_net_tensor(net, net->output)->gradient, weights, nsc_net_size(net, net->output) * sizeof *weights);
  return nsc_net_backward(net, compute, err);
}

static size_t values_of(const nsc_input_picture *p) {
  return (size_t)p->height * p->width * p->channels;
}

void nsc_integrated_input(const nsc_input_picture *p, uint32_t step, uint32_t steps, float *out) {
  float share = ((float)step + 0.5f) / (float)steps;
  for (size_t i = 0; i < values_of(p); i++) {
    float blank = p->blank[i % p->channels];
    out[i] = blank + (p->values[i] - blank) * share;
  }
}

void nsc_noisy_input(const nsc_input_picture *p, double noise, uint64_t seed, uint32_t step, float *out) {
  const nsc_rng root = nsc_rng_seeded(seed);
  nsc_rng rng = nsc_rng_split(&root, step);
  float low = p->values[0], high = p->values[0];
  for (size_t i = 0; i < values_of(p); i++) {
    low = fminf(low, p->values[i]);
    high = fmaxf(high, p->values[i]);
  }
  double deviation = noise * (double)(high - low);
  for (size_t i = 0; i < values_of(p); i++) out[i] = p->values[i] + (float)(deviation * nsc_rng_normal(&rng));
}

void nsc_gradient_map(const nsc_input_picture *p, const float *sum, uint32_t steps, float *map) {
  for (size_t i = 0; i < (size_t)p->height * p->width; i++) {
    float most = 0;
    for (uint32_t c = 0; c < p->channels; c++) most = fmaxf(most, fabsf(sum[i * p->channels + c]));
    map[i] = most / (float)steps;
  }
}

void nsc_integrated_map(const nsc_input_picture *p, const float *sum, uint32_t steps, float *map) {
  for (size_t i = 0; i < (size_t)p->height * p->width; i++) {
    float all = 0;
    for (uint32_t c = 0; c < p->channels; c++) {
      size_t at = i * p->channels + c;
      all += (p->values[at] - p->blank[c]) * sum[at];
    }
    map[i] = all / (float)steps;
  }
}
