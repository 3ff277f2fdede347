/* Ten steps of training as PyTorch makes them: tests/oracle/train_golden.py. */
#include "test.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/zoo.h"
#include "train_golden.h"

enum { BATCH = 8, SIDE = 28, LABELS = 3, STEPS = 10 };

/* Numbers of [-1, 1), as in the script. */
static void draw(uint32_t seed, float scale, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    out[i] = scale * ((float)(seed >> 8) / 8388608.0f - 1);
  }
}

/* Weights as in the script; biases are 0 and scales 1 already. */
static void fill(nsc_net *net) {
  uint32_t seed = 1;
  for (uint32_t l = 0; l < net->layer_count; l++) {
    nsc_layer *layer = &net->layers[l];
    layer->rate = 0;
    if (layer->kind != NSC_LAYER_CONV && layer->kind != NSC_LAYER_DENSE) continue;
    nsc_parameter *w = &net->parameters[layer->parameters[0]];
    draw(seed++, sqrtf(6.0f / (float)(w->count / w->dims[0])), w->value, w->count);
  }
}

static nsc_status step(nsc_net *net, nsc_compute *compute, nsc_optimiser *o, uint32_t number, float rate, double *loss,
                       nsc_error *err) {
  const nsc_loss softmax = {.kind = NSC_LOSS_SOFTMAX};
  float targets[BATCH * LABELS] = {0};
  nsc_tensor *out = nsc_net_tensor(net, net->output);
  nsc_rng rng = nsc_rng_seeded(1);
  draw(1000 + number, 1, nsc_net_tensor(net, net->input)->value, BATCH * SIDE * SIDE);
  for (uint32_t i = 0; i < BATCH; i++) targets[i * LABELS + (i + number) % LABELS] = 1;
  nsc_status status = nsc_net_forward(net, compute, true, &rng, err);
  if (status != NSC_OK) return status;
  *loss = nsc_loss_compute(&softmax, out->value, targets, BATCH, LABELS, out->gradient);
  status = nsc_net_backward(net, compute, err);
  if (status == NSC_OK) nsc_optimiser_step(o, net, compute, rate);
  return status;
}

static void check_losses(const char *name, const nsc_optimiser_options *options, float rate, const double *expected) {
  nsc_net *net = NULL;
  nsc_compute *compute = NULL;
  nsc_optimiser o;
  nsc_error err = {0};
  REQUIRE(nsc_zoo_build(name, SIDE, SIDE, 1, LABELS, 1, &net, &err) == NSC_OK &&
          nsc_compute_create(2, &compute, &err) == NSC_OK && nsc_net_set_batch(net, BATCH, &err) == NSC_OK &&
          nsc_optimiser_init(&o, net, options, &err) == NSC_OK);
  fill(net);
  for (uint32_t i = 0; i < STEPS; i++) {
    double loss;
    REQUIRE(step(net, compute, &o, i, rate, &loss, &err) == NSC_OK);
    CHECK_NEAR(loss, expected[i], 1e-4 * fabs(expected[i]));
  }
  nsc_optimiser_drop(&o);
  nsc_compute_free(compute);
  nsc_net_free(net);
}

TEST(golden_resnet18_trains_as_in_pytorch) {
  nsc_optimiser_options sgd = nsc_optimiser_defaults(NSC_OPTIMISER_SGD);
  sgd.nesterov = true;
  sgd.weight_decay = 0.001f;
  check_losses("resnet18", &sgd, 0.00005f, resnet18_losses);
}

TEST(golden_cnn28_trains_as_in_pytorch) {
  nsc_optimiser_options adam = nsc_optimiser_defaults(NSC_OPTIMISER_ADAM);
  check_losses("cnn-28", &adam, 0.0001f, cnn28_losses);
}
