/*
 * Losses on logits: the mean over the batch, and its gradient with respect to the logits.
 *
 * Targets are [batch][labels] probabilities: one-hot for single, 0/1 for multi and binary, values (such as those of a
 * picture, which then count as labels) for squared error; for hazards what nsc_survival_targets makes.
 * Softmax and sigmoid are part of the loss, which keeps both exact for large logits.
 */
#ifndef NSC_TRAIN_LOSS_H
#define NSC_TRAIN_LOSS_H

#include <stddef.h>

typedef enum nsc_loss_kind {
  NSC_LOSS_SOFTMAX,       /* cross-entropy of a softmax */
  NSC_LOSS_SIGMOID,       /* binary cross-entropy of a sigmoid each */
  NSC_LOSS_FOCAL,         /* sigmoid, focal loss (Lin et al. 2017) with gamma */
  NSC_LOSS_SQUARED_ERROR, /* the mean of the squared differences */
  NSC_LOSS_HAZARDS /* discrete hazards (Gensheimer and Narasimhan 2019): targets are 1, 0, or -1 for "not at risk" */
} nsc_loss_kind;

typedef struct nsc_loss {
  nsc_loss_kind kind;
  float smoothing;            /* of labels, 0..1: t becomes t (1 - s) + s / labels; for sigmoids t (1 - s) + s / 2 */
  float gamma;                /* of the focal loss; 2 in the paper */
  const float *class_weights; /* [labels] or NULL; a sample counts with the weight of its target */
} nsc_loss;

/* Returns the loss; `gradient` [batch][labels] may be NULL. Weighted means divide by the sum of weights, as PyTorch
 * does. */
double nsc_loss_compute(const nsc_loss *loss, const float *logits, const float *targets, size_t batch, size_t labels,
                        float *gradient);

#endif
