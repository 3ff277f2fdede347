/*
 * Training: epochs over a data set, validation after each, the best weights kept.
 *
 *   nsc_trainer *t;  nsc_trainer_create(net, compute, data, &options, &t, err);
 *   while (!nsc_trainer_finished(t)) { nsc_trainer_epoch(t, NULL, NULL, NULL, &stats, err); ... }
 *   nsc_trainer_use_best(t);                 // the network now holds the weights of the best epoch
 *
 * One seed, one result, whatever the number of threads.
 */
#ifndef NSC_TRAIN_TRAINER_H
#define NSC_TRAIN_TRAINER_H

#include "train/augment.h"
#include "train/dataset.h"
#include "train/loss.h"
#include "train/optimiser.h"

typedef struct nsc_train_options {
  uint32_t epochs, batch;
  float rate, warm_up;
  nsc_schedule_kind schedule;
  nsc_optimiser_options optimiser;
  nsc_task task; /* single: softmax over all labels; binary: one sigmoid output */
  float smoothing;
  bool balance; /* classes weigh inversely to how often they occur */
  nsc_augment augment;
  float average;     /* of weights over steps (EMA), e.g. 0.99; 0 for none. What is validated and kept is the average */
  uint32_t patience; /* epochs without a better validation loss after which training ends; 0 never */
  uint64_t seed;
  float mean[3], deviation[3]; /* the input is (x - mean) / deviation */
} nsc_train_options;

typedef struct nsc_epoch_stats {
  uint32_t epoch;                                          /* 1-based */
  double train_loss, validation_loss, validation_accuracy; /* NaN without validation samples */
  double seconds, images_per_second;
  float rate; /* at the end */
  bool best;
} nsc_epoch_stats;

typedef struct nsc_trainer nsc_trainer;

/* Network, compute and data must outlive the trainer. Errors: ARGUMENT names what does not fit. */
NSC_WARN_UNUSED nsc_status nsc_trainer_create(nsc_net *net, nsc_compute *compute, const nsc_dataset *data,
                                              const nsc_train_options *options, nsc_trainer **out, nsc_error *err);
void nsc_trainer_free(nsc_trainer *trainer);

bool nsc_trainer_finished(const nsc_trainer *trainer);

/* `progress`, when not NULL, is told after each batch. A loss that is not a number ends with CORRUPT: the best weights
 * stay. */
NSC_WARN_UNUSED nsc_status nsc_trainer_epoch(nsc_trainer *trainer, const volatile int32_t *cancel,
                                             void (*progress)(void *user, uint32_t done, uint32_t total), void *user,
                                             nsc_epoch_stats *stats, nsc_error *err);

/* Puts the weights of the best epoch (of the last without validation samples) into the network. */
void nsc_trainer_use_best(nsc_trainer *trainer);

/* Logits of the samples of a split, [count][outputs], in the order of the data set, with the network's present weights.
 */
NSC_WARN_UNUSED nsc_status nsc_trainer_predict(nsc_trainer *trainer, nsc_split split, float *logits, nsc_error *err);

#endif
