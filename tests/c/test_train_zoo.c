/* The networks: published parameter counts, and that a saved network gives what the trained one gave. */
#include <stdlib.h>

#include "test.h"
#include "train/save.h"
#include "train/zoo.h"

/* Counts with 1000 labels at the published size: torchvision's tables, which follow the papers; the small ones by hand.
 */
TEST(zoo_parameters_are_the_published_ones) {
  static const struct {
    const char *name;
    size_t size, channels, labels, parameters;
  } published[] = {
      {"resnet18", 224, 3, 1000, 11689512},   {"resnet34", 224, 3, 1000, 21797672},
      {"resnet50", 224, 3, 1000, 25557032},   {"resnet101", 224, 3, 1000, 44549160},
      {"alexnet", 224, 3, 1000, 61100840},    {"vgg11", 224, 3, 1000, 132863336},
      {"googlenet", 224, 3, 1000, 6624904},   {"densenet121", 224, 3, 1000, 7978856},
      {"mobilenetv2", 224, 3, 1000, 3504872}, {"vgg16", 224, 3, 1000, 138357544},
      {"resnet18", 28, 1, 2, 11168706},       {"cnn-28", 28, 1, 10, 889834},
      {"cnn-180", 180, 3, 2, 6647234},        {"small", 128, 1, 1, 391993},
  };
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    size_t count = 0;
    nsc_error err = {0};
    if (nsc_zoo_parameters(published[i].name, published[i].size, published[i].size, published[i].channels,
                           published[i].labels, &count, &err) != NSC_OK ||
        count != published[i].parameters) {
      test_failed(__FILE__, __LINE__, "%s has %zu parameters, not %zu %s", published[i].name, count,
                  published[i].parameters, err.text);
    }
  }
  size_t count;
  nsc_error err = {0};
  CHECK_EQ(nsc_zoo_parameters("resnet19", 224, 224, 3, 10, &count, &err), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_zoo_parameters("resnet18", 0, 224, 3, 10, &count, NULL), NSC_ERROR_SHAPE);
  CHECK_EQ(nsc_zoo_parameters("vgg11", 16, 16, 3, 10, &count, NULL), NSC_ERROR_SHAPE);
}

static float *run_saved(const nsc_net *net, bool half, const float *x, size_t labels) {
  nsc_onnx_writer w = {0};
  nsc_error err = {0};
  char *bytes = NULL;
  size_t size = 0;
  nsc_source *source = NULL;
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  const nsc_tensor *in = &net->tensors[net->input];
  size_t count = in->height * in->width * in->channels;
  float *y = calloc(labels, sizeof *y);
  if (nsc_net_write(net, half, &w, &err) == NSC_OK && nsc_onnx_finish(&w, "net", &bytes, &size, &err) == NSC_OK &&
      nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK && nsc_model_open(source, &model, &err) == NSC_OK &&
      nsc_session_create(model, NULL, &session, &err) == NSC_OK &&
      nsc_session_set_input_nhwc(session, 0, x, count, &err) == NSC_OK &&
      nsc_session_run(session, NULL, &err) == NSC_OK &&
      nsc_session_get_output(session, 0, y, labels * sizeof *y, &err) == NSC_OK) {
    nsc_text_free(bytes);
  }
  if (err.status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_session_free(session);
  nsc_model_free(model);
  return y;
}

TEST(zoo_saved_networks_run_alike) {
  static const struct {
    const char *name;
    size_t size, channels;
  } nets[] = {{"small", 64, 1},     {"cnn-28", 28, 1},      {"resnet18", 28, 3}, {"mobilenetv2", 32, 3},
              {"googlenet", 64, 3}, {"densenet121", 64, 1}, {"cnn-180", 40, 3}};
  enum { LABELS = 5 };
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    nsc_net *net;
    nsc_compute *compute;
    nsc_error err = {0};
    REQUIRE(nsc_zoo_build(nets[i].name, nets[i].size, nets[i].size, nets[i].channels, LABELS, 7, &net, &err) == NSC_OK);
    REQUIRE(nsc_compute_create(1, &compute, &err) == NSC_OK && nsc_net_set_batch(net, 2, &err) == NSC_OK);
    nsc_rng rng = nsc_rng_seeded(3);
    nsc_tensor *in = nsc_net_tensor(net, net->input);
    for (size_t k = 0; k < nsc_net_size(net, net->input); k++) in->value[k] = nsc_rng_float(&rng) - 0.5f;
    /* A training pass first, so that running statistics are not their beginnings. */
    CHECK_EQ(nsc_net_forward(net, compute, true, &rng, &err), NSC_OK);
    CHECK_EQ(nsc_net_forward(net, compute, false, &rng, &err), NSC_OK);
    const float *y = nsc_net_tensor(net, net->output)->value;
    for (int half = 0; half < 2; half++) {
      float *saved = run_saved(net, half != 0, in->value, LABELS);
      double size = 0, error = 0;
      for (int k = 0; k < LABELS; k++) {
        size = fmax(size, fabs((double)y[k]));
        error = fmax(error, fabs((double)y[k] - (double)saved[k]));
      }
      if (!(error <= (half ? 3e-2 : 2e-5) * size)) {
        test_failed(__FILE__, __LINE__, "%s%s: error %g of %g", nets[i].name, half ? " as float16" : "", error, size);
      }
      free(saved);
    }
    nsc_compute_free(compute);
    nsc_net_free(net);
  }
}

/* cnn-28 has three dropouts and nothing else that differs between training and inference. */
TEST(zoo_dropout_of_another_rate) {
  enum { SIDE = 28, LABELS = 3 };
  nsc_net *net;
  nsc_compute *compute;
  nsc_error err = {0};
  REQUIRE(nsc_zoo_build("resnet18", SIDE, SIDE, 1, LABELS, 7, &net, &err) == NSC_OK);
  CHECK_EQ(nsc_net_set_dropout(net, 0.5f), 0);
  nsc_net_free(net);
  REQUIRE(nsc_zoo_build("cnn-28", SIDE, SIDE, 1, LABELS, 7, &net, &err) == NSC_OK);
  REQUIRE(nsc_compute_create(1, &compute, &err) == NSC_OK && nsc_net_set_batch(net, 1, &err) == NSC_OK);
  nsc_rng rng = nsc_rng_seeded(3);
  float *x = nsc_net_tensor(net, net->input)->value, plain[LABELS];
  for (int k = 0; k < SIDE * SIDE; k++) x[k] = nsc_rng_float(&rng) - 0.5f;
  CHECK_EQ(nsc_net_forward(net, compute, false, &rng, &err), NSC_OK);
  const float *y = nsc_net_tensor(net, net->output)->value;
  memcpy(plain, y, sizeof plain);
  CHECK_EQ(nsc_net_set_dropout(net, 0), 3);
  CHECK_EQ(nsc_net_forward(net, compute, true, &rng, &err), NSC_OK);
  CHECK(memcmp(plain, y, sizeof plain) == 0);
  CHECK_EQ(nsc_net_set_dropout(net, 0.5f), 3);
  CHECK_EQ(nsc_net_forward(net, compute, true, &rng, &err), NSC_OK);
  CHECK(memcmp(plain, y, sizeof plain) != 0);
  nsc_compute_free(compute);
  nsc_net_free(net);
}
