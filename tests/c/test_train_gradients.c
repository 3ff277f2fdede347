/*
 * Every layer and loss against finite differences: the loss is a fixed random weighting of the outputs, each number of
 * the input and of the parameters is moved a little, and the change of the loss is compared with the gradient.
 */
#include <stdlib.h>

#include "test.h"
#include "train/loss.h"
#include "train/net.h"

enum { BATCH = 3 };

typedef struct fixture {
  nsc_net *net;
  nsc_compute *compute;
  float *weighting; /* of the output */
  bool training;
  uint64_t seed; /* of dropout: the same draw at every evaluation */
} fixture;

static double evaluate(fixture *f) {
  nsc_rng rng = nsc_rng_seeded(f->seed);
  nsc_error err = {0};
  if (nsc_net_forward(f->net, f->compute, f->training, &rng, &err) != NSC_OK)
    test_failed(__FILE__, __LINE__, "%s", err.text);
  const nsc_tensor *y = nsc_net_tensor(f->net, f->net->output);
  double sum = 0;
  for (size_t i = 0; i < nsc_net_size(f->net, f->net->output); i++)
    sum += (double)y->value[i] * (double)f->weighting[i];
  return sum;
}

/* Statistics that a forward pass changes are put back, so that evaluations do not depend on their number. */
static double evaluate_at(fixture *f, float *number, float value) {
  float kept = *number;
  *number = value;
  double loss = evaluate(f);
  *number = kept;
  return loss;
}

static void check_numbers(fixture *f, float *values, const float *gradient, size_t count, const char *what) {
  double worst = 0, size = 1e-3;
  size_t stride = count > 40 ? count / 40 : 1;
  for (size_t i = 0; i < count; i += stride) {
    const float h = 1e-2f;
    double slope =
        (evaluate_at(f, &values[i], values[i] + h) - evaluate_at(f, &values[i], values[i] - h)) / (2 * (double)h);
    worst = fmax(worst, fabs(slope - (double)gradient[i]));
    size = fmax(size, fabs(slope));
  }
  if (!(worst <= 4e-3 * size)) test_failed(__FILE__, __LINE__, "gradient of %s is off by %g of %g", what, worst, size);
}

static float *copy_of(const float *values, size_t count) {
  float *copy = malloc((count + 1) * sizeof *copy);
  memcpy(copy, values, count * sizeof *copy);
  return copy;
}

/* The gradients of all parameters and of the input. */
static void check_net(nsc_net *net, uint32_t output, bool training, uint64_t seed) {
  fixture f = {.net = net, .training = training, .seed = seed};
  nsc_error err = {0};
  net->input_gradient = true;
  if (nsc_net_finish(net, output, seed, &err) != NSC_OK || nsc_net_set_batch(net, BATCH, &err) != NSC_OK ||
      nsc_compute_create(2, &f.compute, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    nsc_net_free(net);
    return;
  }
  nsc_rng rng = nsc_rng_seeded(seed + 1);
  nsc_tensor *in = nsc_net_tensor(net, net->input);
  size_t inputs = nsc_net_size(net, net->input), outputs = nsc_net_size(net, output);
  /* Away from zero, where rectifiers have no derivative, and all different, where maxima jump. */
  for (size_t i = 0; i < inputs; i++) {
    float value = (float)nsc_rng_normal(&rng);
    in->value[i] = value + (value < 0 ? -0.05f : 0.05f);
  }
  f.weighting = malloc(outputs * sizeof *f.weighting);
  for (size_t i = 0; i < outputs; i++) f.weighting[i] = nsc_rng_float(&rng) - 0.4f;
  (void)evaluate(&f);
  memcpy(nsc_net_tensor(net, output)->gradient, f.weighting, outputs * sizeof *f.weighting);
  if (nsc_net_backward(net, f.compute, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  for (uint32_t p = 0; p < net->parameter_count; p++) {
    nsc_parameter *parameter = &net->parameters[p];
    if (!parameter->gradient) continue;
    float *gradient = copy_of(parameter->gradient, parameter->count);
    check_numbers(&f, parameter->value, gradient, parameter->count, parameter->name);
    free(gradient);
  }
  nsc_tensor *first = nsc_net_tensor(net, 0);
  float *gradient = copy_of(first->gradient, inputs);
  check_numbers(&f, first->value, gradient, inputs, "the input");
  free(gradient);
  free(f.weighting);
  nsc_compute_free(f.compute);
  nsc_net_free(net);
}

static nsc_net *start(size_t height, size_t width, size_t channels, uint32_t *x) {
  nsc_net *net = NULL;
  if (nsc_net_create(&net, NULL) == NSC_OK) *x = nsc_net_input(net, height, width, channels);
  return net;
}

TEST(gradient_convolution) {
  static const nsc_conv_spec specs[] = {
      {.channels = 5, .kernel = 3, .stride = 1, .pad = 1, .bias = true},
      {.channels = 4, .kernel = 3, .stride = 2, .pad = 1, .bias = true},
      {.channels = 6, .kernel = 1, .stride = 1, .pad = 0, .bias = false},
      {.channels = 6, .kernel = 1, .stride = 2, .pad = 0, .bias = false},
      {.channels = 4, .kernel = 5, .stride = 2, .pad = 0, .bias = true},
      {.channels = 4, .kernel = 3, .stride = 1, .pad = 1, .groups = 2, .bias = true},
      {.channels = 4, .kernel = 3, .stride = 1, .pad = 1, .groups = 4, .bias = true},
      {.channels = 4, .kernel = 3, .stride = 2, .pad = 1, .groups = 4, .bias = false},
      {.channels = 8, .kernel = 7, .stride = 2, .pad = 3, .bias = false},
  };
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    uint32_t x;
    nsc_net *net = start(8, 7, 4, &x);
    REQUIRE(net != NULL);
    check_net(net, nsc_net_conv(net, x, specs[i]), true, 10 + i);
  }
}

TEST(gradient_dense_and_flatten) {
  uint32_t x;
  nsc_net *net = start(3, 4, 2, &x);
  REQUIRE(net != NULL);
  check_net(net, nsc_net_dense(net, nsc_net_flatten(net, x), 7), true, 1);
}

/* There and back, through a convolution that tells the order of places from that of channels. */
TEST(gradient_unflatten) {
  uint32_t x;
  nsc_net *net = start(3, 4, 2, &x);
  REQUIRE(net != NULL);
  x = nsc_net_unflatten(net, nsc_net_dense(net, nsc_net_flatten(net, x), 12), 2, 3, 2);
  check_net(net, nsc_net_conv(net, x, (nsc_conv_spec){.channels = 3, .kernel = 3, .stride = 1, .pad = 1}), true, 2);
  net = start(1, 1, 12, &x);
  x = nsc_net_unflatten(net, x, 2, 3, 2);
  float list[12];
  for (int i = 0; i < 12; i++) list[i] = (float)i;
  nsc_compute *compute;
  nsc_error err = {0};
  REQUIRE(nsc_net_finish(net, x, 1, &err) == NSC_OK && nsc_net_set_batch(net, 1, &err) == NSC_OK);
  REQUIRE(nsc_compute_create(1, &compute, &err) == NSC_OK);
  memcpy(nsc_net_tensor(net, net->input)->value, list, sizeof list);
  REQUIRE(nsc_net_forward(net, compute, false, NULL, &err) == NSC_OK);
  const float *picture = nsc_net_tensor(net, x)->value;
  for (int p = 0; p < 6; p++) CHECK(picture[2 * p] == (float)p && picture[2 * p + 1] == (float)(6 + p));
  nsc_compute_free(compute);
  nsc_net_free(net);
  net = start(1, 1, 11, &x);
  CHECK_EQ(nsc_net_finish(net, nsc_net_unflatten(net, x, 2, 3, 2), 1, &err), NSC_ERROR_SHAPE);
  nsc_net_free(net);
}

TEST(gradient_batch_norm) {
  for (int frozen = 0; frozen < 2; frozen++) {
    uint32_t x;
    nsc_net *net = start(4, 3, 5, &x);
    REQUIRE(net != NULL);
    x = nsc_net_norm(net, x);
    net->layers[net->layer_count - 1].frozen = frozen != 0;
    x = nsc_net_activation(net, x, NSC_ACTIVATION_TANH);
    check_net(net, x, true, 20 + (uint64_t)frozen);
  }
}

TEST(gradient_activations) {
  for (int kind = NSC_ACTIVATION_RELU; kind <= NSC_ACTIVATION_HARD_SWISH; kind++) {
    uint32_t x;
    nsc_net *net = start(5, 5, 3, &x);
    REQUIRE(net != NULL);
    check_net(net, nsc_net_activation(net, x, (nsc_activation_kind)kind), true, 30 + (uint64_t)kind);
  }
}

TEST(gradient_pooling) {
  uint32_t x;
  nsc_net *net = start(7, 6, 3, &x);
  REQUIRE(net != NULL);
  check_net(net, nsc_net_max_pool(net, x, 3, 2, 1), true, 40);
  net = start(7, 6, 3, &x);
  check_net(net, nsc_net_average_pool(net, x, 2, 2), true, 41);
  net = start(7, 6, 3, &x);
  check_net(net, nsc_net_global_pool(net, x), true, 42);
}

TEST(gradient_upsampling) {
  uint32_t x;
  nsc_net *net = start(3, 2, 4, &x);
  REQUIRE(net != NULL);
  check_net(net, nsc_net_upsample(net, x, 3), true, 45);
}

/* The gradients of a network with activations and dropout behind everything; 0 parameters when it failed. */
static float *gradients_of_layers(nsc_activation_kind kind, bool in_place, size_t *count) {
  uint32_t x;
  nsc_net *net = start(6, 5, 3, &x);
  *count = 0;
  if (!net) return NULL;
  x = nsc_net_norm(net, nsc_net_conv(net, x, (nsc_conv_spec){.channels = 4, .kernel = 3, .stride = 1, .pad = 1}));
  x = nsc_net_activation(net, x, kind);
  x = nsc_net_dropout(net, nsc_net_max_pool(net, x, 2, 2, 0), 0.3f);
  x = nsc_net_activation(net, nsc_net_dropout(net, nsc_net_dense(net, nsc_net_flatten(net, x), 5), 0.2f), kind);
  nsc_error err = {0};
  nsc_compute *compute = NULL;
  nsc_rng rng = nsc_rng_seeded(4);
  float *out = NULL;
  bool ok = nsc_net_finish(net, x, 3, &err) == NSC_OK;
  size_t shared = 0;
  for (uint32_t t = 0; t < net->tensor_count; t++) {
    shared += net->tensors[t].owner != t;
    if (!in_place) net->tensors[t].owner = t;
  }
  CHECK(shared >= 2);
  ok = ok && nsc_net_set_batch(net, BATCH, &err) == NSC_OK && nsc_compute_create(1, &compute, &err) == NSC_OK;
  for (size_t i = 0; ok && i < nsc_net_size(net, net->input); i++) {
    nsc_net_tensor(net, net->input)->value[i] = (float)nsc_rng_normal(&rng);
  }
  ok = ok && nsc_net_forward(net, compute, true, &rng, &err) == NSC_OK;
  for (size_t i = 0; ok && i < nsc_net_size(net, x); i++) nsc_net_tensor(net, x)->gradient[i] = (float)i - 4.5f;
  ok = ok && nsc_net_backward(net, compute, &err) == NSC_OK;
  for (uint32_t p = 0; ok && p < net->parameter_count; p++) {
    if (!net->parameters[p].gradient) continue;
    out = realloc(out, (*count + net->parameters[p].count) * sizeof *out);
    memcpy(out + *count, net->parameters[p].gradient, net->parameters[p].count * sizeof *out);
    *count += net->parameters[p].count;
  }
  nsc_compute_free(compute);
  nsc_net_free(net);
  return out;
}

TEST(gradient_in_place_is_the_same) {
  for (int kind = NSC_ACTIVATION_RELU; kind <= NSC_ACTIVATION_HARD_SWISH; kind++) {
    size_t a_count, b_count;
    float *a = gradients_of_layers((nsc_activation_kind)kind, true, &a_count);
    float *b = gradients_of_layers((nsc_activation_kind)kind, false, &b_count);
    CHECK(a_count > 0 && a_count == b_count && memcmp(a, b, a_count * sizeof *a) == 0);
    free(a);
    free(b);
  }
}

/* A layer below everything that learns is not walked, and nothing frozen moves. */
TEST(gradient_stops_at_frozen_layers) {
  uint32_t x;
  nsc_net *net = start(6, 6, 2, &x);
  REQUIRE(net != NULL);
  nsc_error err = {0};
  const nsc_conv_spec spec = {.channels = 3, .kernel = 3, .stride = 1, .pad = 1, .bias = true};
  uint32_t trunk = nsc_net_activation(net, nsc_net_conv(net, x, spec), NSC_ACTIVATION_RELU);
  uint32_t head = nsc_net_dense(net, nsc_net_flatten(net, nsc_net_conv(net, trunk, spec)), 2);
  nsc_compute *compute = NULL;
  REQUIRE(nsc_net_finish(net, head, 3, &err) == NSC_OK && nsc_net_set_batch(net, 2, &err) == NSC_OK &&
          nsc_compute_create(1, &compute, &err) == NSC_OK);
  net->parameters[0].frozen = net->parameters[1].frozen = true;
  REQUIRE(nsc_net_forward(net, compute, true, NULL, &err) == NSC_OK);
  nsc_net_tensor(net, head)->gradient[0] = 1;
  REQUIRE(nsc_net_backward(net, compute, &err) == NSC_OK);
  CHECK(!nsc_net_tensor(net, trunk)->wanted && nsc_net_tensor(net, head)->wanted);
  CHECK(!net->parameters[0].gradient && !net->parameters[1].gradient && net->parameters[2].gradient);
  nsc_compute_free(compute);
  nsc_net_free(net);
}

TEST(gradient_dropout) {
  uint32_t x;
  nsc_net *net = start(4, 4, 3, &x);
  REQUIRE(net != NULL);
  check_net(net, nsc_net_dropout(net, x, 0.4f), true, 50);
  net = start(4, 4, 3, &x);
  check_net(net, nsc_net_dropout(net, x, 0.4f), false, 51);
}

/* A small residual block with everything in it, and tensors that feed two layers. */
TEST(gradient_of_a_block) {
  uint32_t x;
  nsc_net *net = start(8, 8, 3, &x);
  REQUIRE(net != NULL);
  uint32_t a = nsc_net_activation(net, x, NSC_ACTIVATION_ELU);
  uint32_t b =
      nsc_net_norm(net, nsc_net_conv(net, a, (nsc_conv_spec){.channels = 6, .kernel = 3, .stride = 1, .pad = 1}));
  uint32_t c = nsc_net_conv(net, a, (nsc_conv_spec){.channels = 6, .kernel = 1, .stride = 1});
  uint32_t sum = nsc_net_activation(net, nsc_net_add(net, b, c), NSC_ACTIVATION_SIGMOID);
  const uint32_t both[2] = {sum, a};
  uint32_t joined = nsc_net_concat(net, both, 2);
  check_net(net, nsc_net_dense(net, nsc_net_flatten(net, nsc_net_average_pool(net, joined, 2, 2)), 4), true, 60);
}

TEST(gradient_losses) {
  static const float weights[] = {0.5f, 2, 1.25f};
  for (int kind = NSC_LOSS_SOFTMAX; kind <= NSC_LOSS_SQUARED_ERROR; kind++) {
    for (int variant = 0; variant < 3; variant++) {
      nsc_loss loss = {.kind = (nsc_loss_kind)kind,
                       .smoothing = variant == 1 ? 0.1f : 0,
                       .gamma = 2,
                       .class_weights = variant == 2 ? weights : NULL};
      nsc_rng rng = nsc_rng_seeded((uint64_t)kind);
      float z[12], t[12] = {0}, g[12], unused[12];
      for (int i = 0; i < 12; i++) z[i] = 2 * (float)nsc_rng_normal(&rng);
      for (int n = 0; n < 4; n++) t[n * 3 + n % 3] = 1;
      (void)nsc_loss_compute(&loss, z, t, 4, 3, g);
      for (int i = 0; i < 12; i++) {
        float kept = z[i];
        const float h = 1e-3f;
        z[i] = kept + h;
        double up = nsc_loss_compute(&loss, z, t, 4, 3, unused);
        z[i] = kept - h;
        double down = nsc_loss_compute(&loss, z, t, 4, 3, NULL);
        z[i] = kept;
        CHECK_NEAR(g[i], (up - down) / (2 * (double)h), 2e-4);
      }
    }
  }
}

TEST(net_that_does_not_fit_says_so) {
  uint32_t x;
  nsc_net *net = start(8, 8, 3, &x);
  REQUIRE(net != NULL);
  for (int i = 0; i < 5; i++) x = nsc_net_max_pool(net, x, 2, 2, 0);
  nsc_error err = {0};
  CHECK_EQ(nsc_net_finish(net, x, 1, &err), NSC_ERROR_SHAPE);
  CHECK_HAS(err.text, "too small");
  nsc_net_free(net);
}
