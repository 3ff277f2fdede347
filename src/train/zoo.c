/*
 * The architectures, layer by layer after their papers; parameter counts equal the published ones
 * (tests/c/test_train_zoo.c). Auxiliary classifiers are left out. Pictures below 64 pixels get the residual networks'
 * stem for small pictures: one 3x3 convolution of stride 1, no pooling (He et al. 2016, section 4.2; MedMNIST v2's
 * ResNets).
 */
#include "train/zoo.h"

#include <string.h>

#include "base/error.h"

static uint32_t relu(nsc_net *n, uint32_t x) {
  return nsc_net_activation(n, x, NSC_ACTIVATION_RELU);
}

/* Convolution with bias, then Relu. */
static uint32_t conv_relu(nsc_net *n, uint32_t x, size_t channels, size_t kernel, size_t stride, size_t pad) {
  return relu(n, nsc_net_conv(n, x,
                              (nsc_conv_spec){
                                  .channels = channels, .kernel = kernel, .stride = stride, .pad = pad, .bias = true}));
}

/* Convolution without bias, then batch norm. Padding keeps the size. */
static uint32_t conv_norm(nsc_net *n, uint32_t x, size_t channels, size_t kernel, size_t stride, size_t groups) {
  return nsc_net_norm(
      n,
      nsc_net_conv(n, x,
                   (nsc_conv_spec){
                       .channels = channels, .kernel = kernel, .stride = stride, .pad = kernel / 2, .groups = groups}));
}

static uint32_t conv_norm_relu(nsc_net *n, uint32_t x, size_t channels, size_t kernel, size_t stride) {
  return relu(n, conv_norm(n, x, channels, kernel, stride, 1));
}

static size_t channels_of(nsc_net *n, uint32_t x) {
  return nsc_net_tensor(n, x)->channels;
}

/* ---- residual networks: He, Zhang, Ren, Sun 2016 ---- */

static uint32_t residual_block(nsc_net *n, uint32_t x, size_t width, size_t stride, bool bottleneck) {
  size_t out = bottleneck ? width * 4 : width;
  uint32_t y = bottleneck ? conv_norm_relu(n, x, width, 1, 1) : conv_norm_relu(n, x, width, 3, stride);
  if (bottleneck) y = conv_norm_relu(n, y, width, 3, stride);
  y = conv_norm(n, y, out, bottleneck ? 1 : 3, 1, 1);
  uint32_t skip = stride != 1 || channels_of(n, x) != out ? conv_norm(n, x, out, 1, stride, 1) : x;
  return relu(n, nsc_net_add(n, y, skip));
}

static uint32_t resnet(nsc_net *n, uint32_t x, size_t outputs, const size_t blocks[4], bool bottleneck) {
  bool small = nsc_net_tensor(n, x)->height < 64;
  x = conv_norm_relu(n, x, 64, small ? 3 : 7, small ? 1 : 2);
  if (!small) x = nsc_net_max_pool(n, x, 3, 2, 1);
  for (size_t stage = 0; stage < 4; stage++) {
    for (size_t i = 0; i < blocks[stage]; i++) {
      x = residual_block(n, x, (size_t)64 << stage, i == 0 && stage > 0 ? 2 : 1, bottleneck);
    }
  }
  return nsc_net_head(n, nsc_net_global_pool(n, x), outputs);
}

static uint32_t resnet18(nsc_net *n, uint32_t x, size_t outputs) {
  return resnet(n, x, outputs, (const size_t[]){2, 2, 2, 2}, false);
}

static uint32_t resnet34(nsc_net *n, uint32_t x, size_t outputs) {
  return resnet(n, x, outputs, (const size_t[]){3, 4, 6, 3}, false);
}

static uint32_t resnet50(nsc_net *n, uint32_t x, size_t outputs) {
  return resnet(n, x, outputs, (const size_t[]){3, 4, 6, 3}, true);
}

static uint32_t resnet101(nsc_net *n, uint32_t x, size_t outputs) {
  return resnet(n, x, outputs, (const size_t[]){3, 4, 23, 3}, true);
}

/* ---- AlexNet in one column: Krizhevsky 2014 ---- */

static uint32_t alexnet(nsc_net *n, uint32_t x, size_t outputs) {
  x = nsc_net_max_pool(n, conv_relu(n, x, 64, 11, 4, 2), 3, 2, 0);
  x = nsc_net_max_pool(n, conv_relu(n, x, 192, 5, 1, 2), 3, 2, 0);
  x = conv_relu(n, conv_relu(n, conv_relu(n, x, 384, 3, 1, 1), 256, 3, 1, 1), 256, 3, 1, 1);
  x = nsc_net_dropout(n, nsc_net_flatten(n, nsc_net_max_pool(n, x, 3, 2, 0)), 0.5f);
  x = nsc_net_dropout(n, relu(n, nsc_net_dense(n, x, 4096)), 0.5f);
  return nsc_net_head(n, relu(n, nsc_net_dense(n, x, 4096)), outputs);
}

/* ---- VGG: Simonyan and Zisserman 2015; 0 is a pooling ---- */

static uint32_t vgg(nsc_net *n, uint32_t x, size_t outputs, const size_t *layers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    x = layers[i] ? conv_relu(n, x, layers[i], 3, 1, 1) : nsc_net_max_pool(n, x, 2, 2, 0);
  }
  x = nsc_net_flatten(n, x);
  for (int i = 0; i < 2; i++) x = nsc_net_dropout(n, relu(n, nsc_net_dense(n, x, 4096)), 0.5f);
  return nsc_net_head(n, x, outputs);
}

static uint32_t vgg11(nsc_net *n, uint32_t x, size_t outputs) {
  static const size_t layers[] = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0};
  return vgg(n, x, outputs, layers, sizeof layers / sizeof *layers);
}

static uint32_t vgg16(nsc_net *n, uint32_t x, size_t outputs) {
  static const size_t layers[] = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0};
  return vgg(n, x, outputs, layers, sizeof layers / sizeof *layers);
}

/* ---- GoogLeNet with batch norm: Szegedy et al. 2015, Ioffe and Szegedy 2015 ---- */

static uint32_t inception(nsc_net *n, uint32_t x, const size_t c[6]) {
  const uint32_t parts[4] = {
      conv_norm_relu(n, x, c[0], 1, 1),
      conv_norm_relu(n, conv_norm_relu(n, x, c[1], 1, 1), c[2], 3, 1),
      conv_norm_relu(n, conv_norm_relu(n, x, c[3], 1, 1), c[4], 3, 1),
      conv_norm_relu(n, nsc_net_max_pool(n, x, 3, 1, 1), c[5], 1, 1),
  };
  return nsc_net_concat(n, parts, 4);
}

static uint32_t googlenet(nsc_net *n, uint32_t x, size_t outputs) {
  static const size_t blocks[][6] = {
      {64, 96, 128, 16, 32, 32},     {128, 128, 192, 32, 96, 64},   {0},
      {192, 96, 208, 16, 48, 64},    {160, 112, 224, 24, 64, 64},   {128, 128, 256, 24, 64, 64},
      {112, 144, 288, 32, 64, 64},   {256, 160, 320, 32, 128, 128}, {0},
      {256, 160, 320, 32, 128, 128}, {384, 192, 384, 48, 128, 128}};
  x = nsc_net_max_pool(n, conv_norm_relu(n, x, 64, 7, 2), 3, 2, 1);
  x = nsc_net_max_pool(n, conv_norm_relu(n, conv_norm_relu(n, x, 64, 1, 1), 192, 3, 1), 3, 2, 1);
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    x = blocks[i][0] ? inception(n, x, blocks[i]) : nsc_net_max_pool(n, x, 3, 2, 1);
  }
  return nsc_net_head(n, nsc_net_dropout(n, nsc_net_global_pool(n, x), 0.2f), outputs);
}

/* ---- DenseNet: Huang et al. 2017 ---- */

static uint32_t dense_layer(nsc_net *n, uint32_t x) {
  uint32_t y = relu(n, nsc_net_norm(n, x));
  y = nsc_net_conv(n, y, (nsc_conv_spec){.channels = 128, .kernel = 1, .stride = 1});
  y = relu(n, nsc_net_norm(n, y));
  y = nsc_net_conv(n, y, (nsc_conv_spec){.channels = 32, .kernel = 3, .stride = 1, .pad = 1});
  const uint32_t both[2] = {x, y};
  return nsc_net_concat(n, both, 2);
}

static uint32_t densenet121(nsc_net *n, uint32_t x, size_t outputs) {
  static const size_t layers[4] = {6, 12, 24, 16};
  x = nsc_net_max_pool(n, conv_norm_relu(n, x, 64, 7, 2), 3, 2, 1);
  for (size_t block = 0; block < 4; block++) {
    for (size_t i = 0; i < layers[block]; i++) x = dense_layer(n, x);
    x = relu(n, nsc_net_norm(n, x));
    if (block == 3) break;
    x = nsc_net_conv(n, x, (nsc_conv_spec){.channels = channels_of(n, x) / 2, .kernel = 1, .stride = 1});
    x = nsc_net_average_pool(n, x, 2, 2);
  }
  return nsc_net_head(n, nsc_net_global_pool(n, x), outputs);
}

/* ---- MobileNetV2: Sandler et al. 2018 ---- */

static uint32_t relu6(nsc_net *n, uint32_t x) {
  return nsc_net_activation(n, x, NSC_ACTIVATION_RELU6);
}

static uint32_t inverted_block(nsc_net *n, uint32_t x, size_t expand, size_t out, size_t stride) {
  size_t in = channels_of(n, x), wide = in * expand;
  uint32_t y = expand == 1 ? x : relu6(n, conv_norm(n, x, wide, 1, 1, 1));
  y = relu6(n, conv_norm(n, y, wide, 3, stride, wide));
  y = conv_norm(n, y, out, 1, 1, 1);
  return stride == 1 && in == out ? nsc_net_add(n, y, x) : y;
}

static uint32_t mobilenetv2(nsc_net *n, uint32_t x, size_t outputs) {
  static const size_t rows[][4] = {
      /* expansion, channels, repeats, stride */
      {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  x = relu6(n, conv_norm(n, x, 32, 3, 2, 1));
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    for (size_t i = 0; i < rows[r][2]; i++) x = inverted_block(n, x, rows[r][0], rows[r][1], i == 0 ? rows[r][3] : 1);
  }
  x = relu6(n, conv_norm(n, x, 1280, 1, 1, 1));
  return nsc_net_head(n, nsc_net_dropout(n, nsc_net_global_pool(n, x), 0.2f), outputs);
}

/* ---- the small networks of the literature that this product follows ---- */

static uint32_t cnn28(nsc_net *n, uint32_t x, size_t outputs) {
  for (size_t channels = 32; channels <= 64; channels *= 2) {
    x = conv_relu(n, conv_relu(n, x, channels, 3, 1, 1), channels, 3, 1, 0);
    x = nsc_net_dropout(n, nsc_net_max_pool(n, x, 2, 2, 0), 0.25f);
  }
  x = nsc_net_dropout(n, relu(n, nsc_net_dense(n, nsc_net_flatten(n, x), 512)), 0.5f);
  return nsc_net_head(n, x, outputs);
}

static uint32_t cnn180(nsc_net *n, uint32_t x, size_t outputs) {
  for (size_t channels = 32; channels <= 128; channels *= 2) {
    x = nsc_net_max_pool(n, conv_relu(n, x, channels, 3, 1, 0), 2, 2, 0);
  }
  x = nsc_net_dropout(n, relu(n, nsc_net_dense(n, nsc_net_flatten(n, x), 128)), 0.5f);
  return nsc_net_head(n, x, outputs);
}

static uint32_t cnn_xray(nsc_net *n, uint32_t x, size_t outputs) {
  for (size_t channels = 64; channels <= 256; channels *= 2) {
    x = nsc_net_max_pool(n, conv_relu(n, x, channels, 3, 1, 0), 2, 2, 0);
  }
  x = nsc_net_dropout(n, relu(n, nsc_net_dense(n, nsc_net_flatten(n, x), 512)), 0.25f);
  return nsc_net_head(n, x, outputs);
}

/* ---- ours, for old machines: the network of the shipped chest X-ray model ---- */

static uint32_t small_residual(nsc_net *n, uint32_t x, size_t outputs) {
  x = conv_norm_relu(n, x, 24, 3, 2);
  for (size_t width = 24; width <= 96; width *= 2) {
    x = residual_block(n, x, width, 2, false);
    x = residual_block(n, x, width, 1, false);
  }
  return nsc_net_head(n, nsc_net_dropout(n, nsc_net_global_pool(n, x), 0.3f), outputs);
}

typedef uint32_t (*builder)(nsc_net *net, uint32_t x, size_t outputs);

static const nsc_zoo_entry list[] = {
    {"small", "small residual network for old machines", 128, 1},
    {"cnn-28", "two blocks of two convolutions", 28, 1},
    {"cnn-180", "three convolutions", 180, 3},
    {"cnn-xray", "three wide convolutions", 128, 1},
    {"resnet18", "residual network, 18 layers", 224, 3},
    {"resnet34", "residual network, 34 layers", 224, 3},
    {"resnet50", "residual network, 50 layers", 224, 3},
    {"resnet101", "residual network, 101 layers", 224, 3},
    {"alexnet", "AlexNet, one column", 224, 3},
    {"vgg11", "VGG, 11 layers", 224, 3},
    {"vgg16", "VGG, 16 layers", 224, 3},
    {"googlenet", "GoogLeNet with batch norm", 224, 3},
    {"densenet121", "DenseNet, 121 layers", 224, 3},
    {"mobilenetv2", "MobileNetV2", 224, 3},
    {NULL, NULL, 0, 0},
};

static const builder builders[] = {small_residual, cnn28,   cnn180, cnn_xray, resnet18,  resnet34,    resnet50,
                                   resnet101,      alexnet, vgg11,  vgg16,    googlenet, densenet121, mobilenetv2};

_Static_assert(sizeof builders / sizeof *builders + 1 == sizeof list / sizeof *list, "a builder for every entry");

const nsc_zoo_entry *nsc_zoo_list(void) {
  return list;
}

/* The layers, without weights; *output is the logits. */
static nsc_status lay_out(const char *name, size_t height, size_t width, size_t channels, nsc_zoo_head head,
                          nsc_net **out, uint32_t *output, nsc_error *err) {
  size_t i = 0;
  while (list[i].name && strcmp(list[i].name, name) != 0) i++;
  if (!list[i].name) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no network \"%.60s\"", name);
  NSC_TRY(nsc_net_create(out, err));
  (*out)->field_count = head.fields;
  *output = builders[i](*out, nsc_net_input(*out, height, width, channels), head.outputs);
  if ((*out)->built.status == NSC_OK) return NSC_OK;
  nsc_status status = nsc_fail(err, (*out)->built.status, "%s", (*out)->built.text);
  nsc_net_free(*out);
  return status;
}

nsc_status nsc_zoo_build_head(const char *name, size_t height, size_t width, size_t channels, nsc_zoo_head head,
                              uint64_t seed, nsc_net **out, nsc_error *err) {
  nsc_net *net;
  uint32_t output;
  NSC_TRY(lay_out(name, height, width, channels, head, &net, &output, err));
  nsc_status status = nsc_net_finish(net, output, seed, err);
  if (status != NSC_OK) {
    nsc_net_free(net);
    return status;
  }
  *out = net;
  return NSC_OK;
}

nsc_status nsc_zoo_build(const char *name, size_t height, size_t width, size_t channels, size_t outputs, uint64_t seed,
                         nsc_net **out, nsc_error *err) {
  return nsc_zoo_build_head(name, height, width, channels, (nsc_zoo_head){.outputs = outputs}, seed, out, err);
}

nsc_status nsc_zoo_outline(const char *name, size_t height, size_t width, size_t channels, nsc_zoo_head head,
                           nsc_net **out, nsc_error *err) {
  nsc_net *net;
  uint32_t output;
  NSC_TRY(lay_out(name, height, width, channels, head, &net, &output, err));
  nsc_status status = nsc_net_outline(net, output, err);
  if (status != NSC_OK) {
    nsc_net_free(net);
    return status;
  }
  *out = net;
  return NSC_OK;
}

nsc_status nsc_zoo_parameters(const char *name, size_t height, size_t width, size_t channels, size_t outputs,
                              size_t *count, nsc_error *err) {
  const nsc_zoo_head head = {.outputs = outputs};
  nsc_net *net;
  uint32_t output;
  NSC_TRY(lay_out(name, height, width, channels, head, &net, &output, err));
  *count = nsc_net_parameter_count(net);
  nsc_net_free(net);
  return NSC_OK;
}
