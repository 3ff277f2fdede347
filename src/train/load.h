/*
 * A network for training from an ONNX model, so that learning goes on where another training ended.
 *
 * Understood are the layers of net.h: Conv (square kernels, equal padding, no dilation), BatchNormalization, Relu, Clip
 * 0 to 6, LeakyRelu, Elu, Sigmoid, Tanh, HardSwish, MaxPool, AveragePool, GlobalAveragePool or ReduceMean over the
 * picture, Add, Concat, Gemm, MatMul with Add, Flatten, Reshape and Squeeze to a list, Dropout, Identity; weights as
 * float32 or float16. A Softmax or Sigmoid that ends the graph is left out.
 */
#ifndef NSC_TRAIN_LOAD_H
#define NSC_TRAIN_LOAD_H

#include "nn/model.h"
#include "train/zoo.h"

/*
 * Pictures of `height` x `width`, with as many channels as the model takes. The last dense layer, or the end of a graph
 * without one, is replaced by a new dense layer of `outputs`; with `outputs` 0 everything stays as it is. `*head` is
 * the layer number of the last dense layer (layers before it make the features). Errors: UNSUPPORTED (names node and
 * operator), SHAPE, CORRUPT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_net_load(const nsc_model *model, size_t height, size_t width, size_t outputs,
                                        uint64_t seed, nsc_net **out, uint32_t *head, nsc_error *err);

/* The same with numbers about the patient before the new head; a head that is kept takes none. */
NSC_WARN_UNUSED nsc_status nsc_net_load_head(const nsc_model *model, size_t height, size_t width, nsc_zoo_head ends,
                                             uint64_t seed, nsc_net **out, uint32_t *head, nsc_error *err);

/* A part of a graph: from the picture `from` (its value, and its size) to the list `to`. */
typedef struct nsc_net_part {
  uint32_t from, to;
  size_t height, width, channels;
} nsc_net_part;

/*
 * That part as a network whose weights stay as they are: for the gradient of a score with respect to the picture
 * `from`, which a backward pass leaves in the input tensor. A Softmax or Sigmoid that makes `to` is left out, so that
 * the network gives logits. Quantised parts are taken as the float network that they stand for, without rounding.
 * Errors: as nsc_net_load.
 */
NSC_WARN_UNUSED nsc_status nsc_net_load_part(const nsc_model *model, const nsc_net_part *part, nsc_net **out,
                                             nsc_error *err);

#endif
