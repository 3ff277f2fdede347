/*
 * A network for training: layers in order, each a function of earlier tensors, with a forward and a backward pass.
 *
 *   nsc_net *net;  nsc_net_create(&net, err);
 *   uint32_t x = nsc_net_input(net, 28, 28, 1);
 *   x = nsc_net_conv(net, x, (nsc_conv_spec){.channels = 32, .kernel = 3, .stride = 1, .pad = 1, .bias = true});
 *   x = nsc_net_activation(net, x, NSC_ACTIVATION_RELU);
 *   ...
 *   nsc_net_finish(net, x, seed, err);         // reports whatever went wrong while building; initialises weights
 *   nsc_net_set_batch(net, 32, err);           // activations and their gradients
 *   nsc_net_forward(net, compute, training, &rng, err);  nsc_net_backward(net, compute, err);
 *
 * Tensors are float32 [batch][height][width][channels]; after nsc_net_flatten [batch][1][1][features], features in the
 * order channel, row, column, as ONNX's Flatten has them.
 */
#ifndef NSC_TRAIN_NET_H
#define NSC_TRAIN_NET_H

#include "base/arena.h"
#include "base/rng.h"
#include "nn/compute.h"

typedef enum nsc_layer_kind {
  NSC_LAYER_INPUT,
  NSC_LAYER_CONV,
  NSC_LAYER_DENSE,
  NSC_LAYER_NORM,
  NSC_LAYER_ACTIVATION,
  NSC_LAYER_MAX_POOL,
  NSC_LAYER_AVERAGE_POOL,
  NSC_LAYER_GLOBAL_POOL,
  NSC_LAYER_DROPOUT,
  NSC_LAYER_ADD,
  NSC_LAYER_CONCAT,
  NSC_LAYER_FLATTEN,
  NSC_LAYER_UNFLATTEN, /* the way back */
  NSC_LAYER_UPSAMPLE   /* nearest; `kernel` is the factor */
} nsc_layer_kind;

typedef enum nsc_activation_kind {
  NSC_ACTIVATION_RELU,
  NSC_ACTIVATION_RELU6,
  NSC_ACTIVATION_LEAKY_RELU, /* slope 0.01 */
  NSC_ACTIVATION_ELU,        /* alpha 1 */
  NSC_ACTIVATION_SIGMOID,
  NSC_ACTIVATION_TANH,
  NSC_ACTIVATION_HARD_SWISH
} nsc_activation_kind;

/* Weights, biases, scales: what an optimiser changes, and statistics, which it does not. */
typedef struct nsc_parameter {
  const char *name;
  uint32_t rank;
  size_t dims[4]; /* convolution: out, kernel height, kernel width, in / groups; dense: out, in */
  size_t count;
  float *value;    /* from nsc_net_finish on */
  float *gradient; /* from the first backward pass on, until nsc_net_rest; NULL for what does not learn */
  bool learned;    /* false for running statistics */
  bool decays;     /* weight decay applies: weights, not biases or scales */
  bool frozen;     /* the optimiser leaves it alone */
} nsc_parameter;

enum { NSC_LAYER_PARAMETERS = 4 };

typedef struct nsc_layer {
  nsc_layer_kind kind;
  uint32_t input_count;
  uint32_t *inputs;
  uint32_t output;                           /* tensor */
  uint32_t parameters[NSC_LAYER_PARAMETERS]; /* numbers; UINT32_MAX where there is none */
  size_t kernel, stride, pad, groups;
  nsc_activation_kind activation;
  float rate;              /* dropout */
  float epsilon, momentum; /* batch norm; momentum is the share of the new batch */
  bool frozen;             /* batch norm uses its running statistics in training too */
  float *saved;            /* what backward needs of forward: mean and 1/deviation of channels, dropout's factors */
  uint32_t *chosen;        /* max pooling: where the largest was */
} nsc_layer;

typedef struct nsc_tensor {
  size_t height, width, channels;
  float *value;    /* [batch][height][width][channels] */
  float *gradient; /* likewise; shares memory with gradients that are not needed at the same time */
  uint32_t
      owner;    /* the tensor whose memory this one uses: its own number, or the input of a layer that works in place */
  bool wanted;  /* its gradient is: something that learns stands before it */
  bool written; /* backward: the gradient has a first part, others are added */
} nsc_tensor;

/* What is done with a parameter's gradient as soon as it is known. */
typedef struct nsc_learner {
  void (*learn)(void *context, uint32_t parameter); /* NULL: nothing, all gradients stay */
  void *context;
} nsc_learner;

typedef struct nsc_net {
  nsc_arena arena;          /* layers, names, parameters */
  nsc_arena batch_arena;    /* what depends on the batch size */
  nsc_arena gradient_arena; /* gradients of parameters */
  nsc_learner learner;
  nsc_layer *layers;
  nsc_tensor *tensors;
  nsc_parameter *parameters;
  uint32_t layer_count, tensor_count, parameter_count, capacity;
  uint32_t input, output;
  uint32_t fields;    /* the tensor of numbers about the patient, [batch][1][1][field_count]; UINT32_MAX: none */
  size_t field_count; /* that join the features before the head; set before the network is built */
  float *field_mean, *field_scale; /* [field_count] as values become inputs: (x - mean) * scale; the file does it */
  size_t batch;
  bool given;          /* all weights come from somewhere else: nsc_net_finish draws none; false at first */
  bool input_gradient; /* the gradient of the picture is wanted too; false at first */
  bool trained;        /* the last forward pass was one of training */
  float *scratch;      /* as large as the largest tensor that feeds several layers; for backward */
  double *times;   /* [layers][2] milliseconds of forward and backward so far, added to when not NULL; the caller's */
  nsc_error built; /* the first thing that went wrong while building */
} nsc_net;

NSC_WARN_UNUSED nsc_status nsc_net_create(nsc_net **out, nsc_error *err);
void nsc_net_free(nsc_net *net);

/* ---- building: each returns the tensor that the layer makes; errors are kept for nsc_net_finish ---- */

typedef struct nsc_conv_spec {
  size_t channels, kernel, stride, pad, groups; /* 0 groups means 1 */
  bool bias;
} nsc_conv_spec;

uint32_t nsc_net_input(nsc_net *net, size_t height, size_t width, size_t channels);
uint32_t nsc_net_conv(nsc_net *net, uint32_t x, nsc_conv_spec spec);
uint32_t nsc_net_dense(nsc_net *net, uint32_t x, size_t features);
/* The last layer: a dense one, over x and, where the network takes numbers about the patient, over these too. */
uint32_t nsc_net_head(nsc_net *net, uint32_t x, size_t outputs);
uint32_t nsc_net_norm(nsc_net *net, uint32_t x);
uint32_t nsc_net_activation(nsc_net *net, uint32_t x, nsc_activation_kind kind);
uint32_t nsc_net_max_pool(nsc_net *net, uint32_t x, size_t kernel, size_t stride, size_t pad);
uint32_t nsc_net_average_pool(nsc_net *net, uint32_t x, size_t kernel, size_t stride);
uint32_t nsc_net_global_pool(nsc_net *net, uint32_t x);
uint32_t nsc_net_dropout(nsc_net *net, uint32_t x, float rate);
/* Gives all dropouts of a network this rate, 0 to below 1. Returns how many there are. */
size_t nsc_net_set_dropout(nsc_net *net, float rate);
uint32_t nsc_net_add(nsc_net *net, uint32_t a, uint32_t b);
uint32_t nsc_net_concat(nsc_net *net, const uint32_t *tensors, uint32_t count);
uint32_t nsc_net_flatten(nsc_net *net, uint32_t x);
/* A list of height * width * channels numbers, in the order of nsc_net_flatten, as a picture again. */
uint32_t nsc_net_unflatten(nsc_net *net, uint32_t x, size_t height, size_t width, size_t channels);
/* Each pixel becomes factor x factor pixels. */
uint32_t nsc_net_upsample(nsc_net *net, uint32_t x, size_t factor);

/* He initialisation (He et al. 2015) from `seed`; `output` are the logits, [batch][1][1][labels], or a picture. */
NSC_WARN_UNUSED nsc_status nsc_net_finish(nsc_net *net, uint32_t output, uint64_t seed, nsc_error *err);
/* The same without weights: for its shapes. It cannot run. */
NSC_WARN_UNUSED nsc_status nsc_net_outline(nsc_net *net, uint32_t output, nsc_error *err);
/* Learnable numbers. */
size_t nsc_net_parameter_count(const nsc_net *net);

/* ---- running ---- */

NSC_WARN_UNUSED nsc_status nsc_net_set_batch(nsc_net *net, size_t batch, nsc_error *err);
/* Bytes that activations and their gradients take with such a batch. */
NSC_WARN_UNUSED nsc_status nsc_net_batch_bytes(nsc_net *net, size_t batch, uint64_t *bytes, nsc_error *err);
static inline nsc_tensor *nsc_net_tensor(nsc_net *net, uint32_t tensor) {
  return &net->tensors[tensor];
}
/* Elements of a tensor for the whole batch. */
size_t nsc_net_size(const nsc_net *net, uint32_t tensor);

/* From the input tensor's value to the output tensor's. `rng` draws dropout; unused when not training. */
NSC_WARN_UNUSED nsc_status nsc_net_forward(nsc_net *net, nsc_compute *compute, bool training, nsc_rng *rng,
                                           nsc_error *err);
/* Memory of activations and of gradients is given back until it is needed again: between two steps it holds nothing. */
void nsc_net_rest(nsc_net *net);

/* Parameters learn layer by layer during the backward pass, and one layer's gradients take the place of the one's
 * before: all of them are never in memory at once. Without `learn` they stay again. */
void nsc_net_learn(nsc_net *net, nsc_learner learner);

/* From the output tensor's gradient to the gradients of all parameters. Overwrites them. */
NSC_WARN_UNUSED nsc_status nsc_net_backward(nsc_net *net, nsc_compute *compute, nsc_error *err);

#endif
