#include "train/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct saver {
  const nsc_net *net;
  nsc_onnx_writer *w;
  bool half;
  nsc_error *err;
} saver;

enum { NAME = 32, INT64 = 7 /* TensorProto.DataType */ };

static bool gives_picture(const nsc_net *net) {
  const nsc_tensor *out = &net->tensors[net->output];
  return out->height * out->width > 1;
}

static const char *output_name(const nsc_net *net) {
  return gives_picture(net) ? "picture" : "logits";
}

static const char *tensor_name(const saver *s, uint32_t tensor, char name[NAME]) {
  if (tensor == s->net->input) return "image";
  if (tensor == s->net->output) return output_name(s->net);
  snprintf(name, NAME, "t%u", tensor);
  return name;
}

/* [out][height][width][in] becomes [out][in][height][width]; ranks below 4 stay as they are. */
static nsc_status write_parameter(saver *s, const nsc_parameter *p) {
  int64_t dims[4];
  for (uint32_t i = 0; i < p->rank; i++) dims[i] = (int64_t)p->dims[i];
  const float *values = p->value;
  float *turned = NULL;
  if (p->rank == 4) {
    size_t out = p->dims[0], area = p->dims[1] * p->dims[2], in = p->dims[3];
    turned = malloc(p->count * sizeof *turned);
    if (!turned) return nsc_fail_memory(s->err, p->count * sizeof *turned, "the model file");
    for (size_t o = 0; o < out; o++) {
      for (size_t a = 0; a < area; a++) {
        for (size_t i = 0; i < in; i++) turned[(o * in + i) * area + a] = p->value[(o * area + a) * in + i];
      }
    }
    dims[1] = (int64_t)in;
    dims[2] = (int64_t)p->dims[1];
    dims[3] = (int64_t)p->dims[2];
    values = turned;
  }
  if (s->half && p->rank >= 2) {
    nsc_onnx_halves(s->w, p->name, p->rank, dims, values);
  } else {
    nsc_onnx_floats(s->w, p->name, p->rank, dims, values);
  }
  free(turned);
  return NSC_OK;
}

static const char *activation_op(nsc_activation_kind kind) {
  static const char *const ops[] = {"Relu", "Clip", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "HardSwish"};
  return ops[kind];
}

static void write_window(saver *s, const nsc_layer *layer) {
  const int64_t k = (int64_t)layer->kernel, p = (int64_t)layer->pad, t = (int64_t)layer->stride;
  nsc_onnx_ints(s->w, "kernel_shape", 2, (const int64_t[]){k, k});
  nsc_onnx_ints(s->w, "strides", 2, (const int64_t[]){t, t});
  nsc_onnx_ints(s->w, "pads", 4, (const int64_t[]){p, p, p, p});
}

/* The operator, its attributes written; NULL for layers that are none in ONNX. */
static const char *begin_node(saver *s, const nsc_layer *layer) {
  switch (layer->kind) {
    case NSC_LAYER_CONV:
      write_window(s, layer);
      nsc_onnx_int(s->w, "group", (int64_t)layer->groups);
      return "Conv";
    case NSC_LAYER_DENSE:
      nsc_onnx_int(s->w, "transB", 1);
      return "Gemm";
    case NSC_LAYER_NORM:
      nsc_onnx_float(s->w, "epsilon", layer->epsilon);
      return "BatchNormalization";
    case NSC_LAYER_ACTIVATION:
      if (layer->activation == NSC_ACTIVATION_LEAKY_RELU) nsc_onnx_float(s->w, "alpha", 0.01f);
      return activation_op(layer->activation);
    case NSC_LAYER_MAX_POOL:
      write_window(s, layer);
      return "MaxPool";
    case NSC_LAYER_AVERAGE_POOL:
      write_window(s, layer);
      return "AveragePool";
    case NSC_LAYER_ADD:
      return "Add";
    case NSC_LAYER_CONCAT:
      nsc_onnx_int(s->w, "axis", 1);
      return "Concat";
    case NSC_LAYER_FLATTEN:
      return "Flatten";
    case NSC_LAYER_UNFLATTEN:
      return "Reshape";
    case NSC_LAYER_UPSAMPLE:
      nsc_onnx_string(s->w, "mode", "nearest");
      nsc_onnx_string(s->w, "coordinate_transformation_mode", "asymmetric");
      nsc_onnx_string(s->w, "nearest_mode", "floor");
      return "Resize";
    case NSC_LAYER_DROPOUT:
      return "Dropout";
    default:
      return NULL;
  }
}

/* The constant that says what a list becomes; -1 is the batch. */
static const char *write_shape(saver *s, const nsc_layer *layer, char name[NAME]) {
  const nsc_tensor *y = &s->net->tensors[layer->output];
  const int64_t shape[4] = {-1, (int64_t)y->channels, (int64_t)y->height, (int64_t)y->width}, count = 4;
  snprintf(name, NAME, "layer%u.shape", layer->output);
  nsc_onnx_tensor(s->w, name, INT64, 1, &count, shape, sizeof shape);
  return name;
}

/* A pooled picture is [batch][channels][1][1] in ONNX, and a dense layer wants a matrix. */
static void write_global_pool(saver *s, const char *input, const char *output) {
  nsc_onnx_node(s->w, "GlobalAveragePool", "pooled", 1, &input);
  const char *pooled = "pooled";
  nsc_onnx_node(s->w, "Flatten", output, 1, &pooled);
}

static nsc_status write_layer(saver *s, const nsc_layer *layer) {
  char output[NAME], scales[NAME], (*names)[NAME] = calloc(layer->input_count + 1, NAME);
  const char **inputs = calloc(layer->input_count + NSC_LAYER_PARAMETERS + 2, sizeof *inputs);
  nsc_status status = names && inputs ? NSC_OK : nsc_fail_memory(s->err, NAME, "the model file");
  uint32_t count = 0;
  for (uint32_t i = 0; i < layer->input_count && status == NSC_OK; i++) {
    inputs[count++] = tensor_name(s, layer->inputs[i], names[i]);
  }
  for (int i = 0; i < NSC_LAYER_PARAMETERS && status == NSC_OK; i++) {
    if (layer->parameters[i] == UINT32_MAX) continue;
    status = write_parameter(s, &s->net->parameters[layer->parameters[i]]);
    inputs[count++] = s->net->parameters[layer->parameters[i]].name;
  }
  if (status == NSC_OK && layer->kind == NSC_LAYER_GLOBAL_POOL) {
    write_global_pool(s, inputs[0], tensor_name(s, layer->output, output));
  } else if (status == NSC_OK) {
    if (layer->kind == NSC_LAYER_ACTIVATION && layer->activation == NSC_ACTIVATION_RELU6) {
      inputs[count++] = "zero";
      inputs[count++] = "six";
    }
    if (layer->kind == NSC_LAYER_DROPOUT) {
      snprintf(scales, sizeof scales, "layer%u.rate", layer->output);
      nsc_onnx_floats(s->w, scales, 0, NULL, &layer->rate);
      inputs[count++] = scales;
    }
    if (layer->kind == NSC_LAYER_UNFLATTEN) inputs[count++] = write_shape(s, layer, scales);
    if (layer->kind == NSC_LAYER_UPSAMPLE) {
      float factor = (float)layer->kernel;
      snprintf(scales, sizeof scales, "layer%u.scales", layer->output);
      nsc_onnx_floats(s->w, scales, 1, (const int64_t[]){4}, (const float[]){1, 1, factor, factor});
      inputs[count++] = ""; /* no region */
      inputs[count++] = scales;
    }
    const char *op = begin_node(s, layer);
    if (op) nsc_onnx_node(s->w, op, tensor_name(s, layer->output, output), count, inputs);
  }
  free(names);
  free(inputs);
  return status;
}

/* Numbers about the patient come into the file as they are and are standardised there, so that any engine takes an age
   in years: ((fields - mean) * scale). */
static void write_fields(saver *s) {
  const nsc_net *net = s->net;
  char name[NAME];
  if (net->fields == UINT32_MAX) return;
  const int64_t count = (int64_t)net->field_count;
  nsc_onnx_port(s->w, NSC_ONNX_INPUT, "fields", 2, (const int64_t[]){-1, count});
  nsc_onnx_floats(s->w, "fields.mean", 1, &count, net->field_mean);
  nsc_onnx_floats(s->w, "fields.scale", 1, &count, net->field_scale);
  nsc_onnx_node(s->w, "Sub", "fields.centred", 2, (const char *const[]){"fields", "fields.mean"});
  nsc_onnx_node(s->w, "Mul", tensor_name(s, net->fields, name), 2,
                (const char *const[]){"fields.centred", "fields.scale"});
}

/* Of the file: weights, and around them names and nodes. */
static size_t expected_bytes(const nsc_net *net, bool half) {
  enum { A_LAYER = 1024, THE_REST = 64 * 1024 };
  size_t count = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) count += net->parameters[i].count;
  return count * (half ? sizeof(uint16_t) : sizeof(float)) + net->layer_count * A_LAYER + THE_REST;
}

nsc_status nsc_net_write(const nsc_net *net, bool half, nsc_onnx_writer *w, nsc_error *err) {
  saver s = {net, w, half, err};
  nsc_onnx_expect(w, expected_bytes(net, half));
  const nsc_tensor *in = &net->tensors[net->input], *out = &net->tensors[net->output];
  nsc_onnx_port(w, NSC_ONNX_INPUT, "image", 4,
                (const int64_t[]){-1, (int64_t)in->channels, (int64_t)in->height, (int64_t)in->width});
  write_fields(&s);
  nsc_onnx_port(w, NSC_ONNX_OUTPUT, output_name(net), gives_picture(net) ? 4 : 2,
                (const int64_t[]){-1, (int64_t)out->channels, (int64_t)out->height, (int64_t)out->width});
  static const float bounds[] = {0, 6};
  nsc_onnx_floats(w, "zero", 0, NULL, &bounds[0]);
  nsc_onnx_floats(w, "six", 0, NULL, &bounds[1]);
  for (uint32_t l = 0; l < net->layer_count; l++) NSC_TRY(write_layer(&s, &net->layers[l]));
  return NSC_OK;
}
