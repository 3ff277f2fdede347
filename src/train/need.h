/* The memory that a training takes, counted before it begins. */
#ifndef NSC_TRAIN_NEED_H
#define NSC_TRAIN_NEED_H

#include "train/trainer.h"

/* Bytes. */
typedef struct nsc_train_need {
  uint64_t weights;     /* of weights, moments and copies of weights */
  uint64_t gradients;   /* of weights */
  uint64_t activations; /* of a batch, and their gradients */
  uint64_t work;        /* what layers work in, one after the other */
  uint64_t file;        /* of the model, while it is written */
} nsc_train_need;

/* The most at a time: in a step, or when the file is written, for which nsc_trainer_rest makes room. */
uint64_t nsc_train_need_most(const nsc_train_need *need);

/* Of a network, which may be an outline, with what learns and what is frozen set. `batch`: pictures of a step;
 * `stores`: the best weights are not in memory. */
NSC_WARN_UNUSED nsc_status nsc_train_count_need(nsc_net *net, const nsc_train_options *options, size_t batch,
                                                uint32_t threads, bool stores, nsc_train_need *out, nsc_error *err);

#endif
