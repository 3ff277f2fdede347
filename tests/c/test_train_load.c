/* Networks from model files: what is saved and loaded is the same network. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"
#include "train/load.h"
#include "train/save.h"
#include "train/zoo.h"

static nsc_model *model_of(const nsc_net *net, bool half) {
  nsc_onnx_writer w = {0};
  nsc_error err = {0};
  char *bytes;
  size_t size;
  nsc_source *source;
  nsc_model *model = NULL;
  if (nsc_net_write(net, half, &w, &err) == NSC_OK && nsc_onnx_finish(&w, "net", &bytes, &size, &err) == NSC_OK) {
    if (nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK) (void)nsc_model_open(source, &model, &err);
    nsc_text_free(bytes);
  }
  if (!model) test_failed(__FILE__, __LINE__, "%s", err.text);
  return model;
}

/* The output of a network for one picture of noise. */
static void run(nsc_net *net, float *out, size_t count) {
  nsc_error err = {0};
  nsc_compute *compute;
  nsc_rng rng = nsc_rng_seeded(5);
  REQUIRE(nsc_net_set_batch(net, 1, &err) == NSC_OK && nsc_compute_create(1, &compute, &err) == NSC_OK);
  nsc_tensor *in = nsc_net_tensor(net, net->input);
  for (size_t i = 0; i < nsc_net_size(net, net->input); i++) in->value[i] = (float)nsc_rng_normal(&rng);
  if (nsc_net_forward(net, compute, false, NULL, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  memcpy(out, nsc_net_tensor(net, net->output)->value, count * sizeof *out);
  nsc_compute_free(compute);
}

TEST(load_gives_back_what_was_saved) {
  static const struct {
    const char *name;
    size_t size;
  } cases[] = {{"small", 32},     {"cnn-28", 28},      {"resnet18", 32},    {"resnet50", 32},
               {"googlenet", 64}, {"densenet121", 64}, {"mobilenetv2", 64}, {"cnn-180", 64}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    nsc_net *net, *loaded;
    nsc_error err = {0};
    uint32_t head;
    float a[4], b[4];
    REQUIRE(nsc_zoo_build(cases[k].name, cases[k].size, cases[k].size, 3, 4, 7, &net, &err) == NSC_OK);
    nsc_model *model = model_of(net, false);
    REQUIRE(model != NULL);
    if (nsc_net_load(model, cases[k].size, cases[k].size, 0, 1, &loaded, &head, &err) != NSC_OK) {
      test_failed(__FILE__, __LINE__, "%s: %s", cases[k].name, err.text);
    } else {
      CHECK_EQ(nsc_net_parameter_count(loaded), nsc_net_parameter_count(net));
      CHECK_EQ(loaded->layers[head].kind, NSC_LAYER_DENSE);
      run(net, a, 4);
      run(loaded, b, 4);
      for (int i = 0; i < 4; i++) CHECK_NEAR(b[i], a[i], 1e-4 * (1 + fabs((double)a[i])));
      nsc_net_free(loaded);
    }
    nsc_model_free(model);
    nsc_net_free(net);
  }
}

TEST(load_with_a_new_head) {
  nsc_net *net, *loaded;
  nsc_error err = {0};
  uint32_t head;
  REQUIRE(nsc_zoo_build("small", 32, 32, 1, 1, 7, &net, &err) == NSC_OK);
  nsc_model *model = model_of(net, true);
  REQUIRE(model != NULL);
  REQUIRE(nsc_net_load(model, 48, 40, 5, 1, &loaded, &head, &err) == NSC_OK);
  CHECK_EQ(nsc_net_tensor(loaded, loaded->output)->channels, 5);
  CHECK_EQ(nsc_net_tensor(loaded, loaded->input)->width, 40);
  CHECK_EQ(loaded->layers[head].output, loaded->output);
  for (uint32_t p = 0; p + 2 < loaded->parameter_count; p++) { /* all but the head, rounded to half precision */
    for (size_t i = 0; i < loaded->parameters[p].count; i += 7) {
      float was = net->parameters[p].value[i];
      CHECK_NEAR(loaded->parameters[p].value[i], was, 1e-3 * (1e-4 + fabs((double)was)));
    }
  }
  nsc_net_free(loaded);
  nsc_model_free(model);
  nsc_net_free(net);
}

TEST(load_says_what_it_cannot_train) {
  nsc_net *net, *loaded;
  nsc_error err = {0};
  uint32_t head;
  REQUIRE(nsc_zoo_build("cnn-28", 28, 28, 1, 3, 7, &net, &err) == NSC_OK);
  nsc_model *model = model_of(net, false);
  REQUIRE(model != NULL);
  CHECK_EQ(nsc_net_load(model, 56, 56, 2, 1, &loaded, &head, &err), NSC_ERROR_SHAPE);
  CHECK_HAS(err.text, "pictures of one size");
  nsc_model_free(model);
  nsc_net_free(net);
}

/* Dropout is saved with its rate, and drops again when training goes on. */
TEST(load_keeps_dropout) {
  nsc_net *net, *loaded;
  nsc_error err = {0};
  uint32_t head, found = 0;
  REQUIRE(nsc_zoo_build("cnn-28", 28, 28, 1, 2, 7, &net, &err) == NSC_OK);
  nsc_model *model = model_of(net, true);
  REQUIRE(model && nsc_net_load(model, 28, 28, 0, 1, &loaded, &head, &err) == NSC_OK);
  REQUIRE(loaded->layer_count == net->layer_count);
  for (uint32_t l = 0; l < net->layer_count; l++) {
    CHECK_EQ(loaded->layers[l].kind, net->layers[l].kind);
    if (net->layers[l].kind != NSC_LAYER_DROPOUT) continue;
    CHECK_NEAR(loaded->layers[l].rate, net->layers[l].rate, 1e-3);
    found++;
  }
  CHECK(found > 0);
  nsc_net_free(loaded);
  nsc_model_free(model);
  nsc_net_free(net);
}
