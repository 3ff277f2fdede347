/*
 * Training: epochs over a data set, validation after each, the best weights kept.
 *
 *   nsc_trainer *t;  nsc_trainer_create(net, compute, data, &options, &t, err);
 *   while (!nsc_trainer_finished(t)) nsc_trainer_step(t, err);   // one batch at a time
 *   nsc_trainer_use_best(t);                 // the network now holds the weights of the best epoch
 *
 * One seed, one result, whatever the number of threads; and a training that was interrupted between two steps, written
 * by nsc_checkpoint_save (checkpoint.h) and read by another trainer, ends with the same bits.
 */
#ifndef NSC_TRAIN_TRAINER_H
#define NSC_TRAIN_TRAINER_H

#include "train/augment.h"
#include "train/dataset.h"
#include "train/loss.h"
#include "train/optimiser.h"

/* How often the samples of a label are drawn in an epoch. */
typedef enum nsc_sampling {
  NSC_SAMPLING_ALL,  /* each sample once */
  NSC_SAMPLING_OVER, /* rare labels repeated until they are as many as the most frequent one */
  NSC_SAMPLING_UNDER /* of frequent labels, another part each epoch, as many as of the rarest one */
} nsc_sampling;

typedef struct nsc_train_options {
  uint32_t epochs, batch;
  float rate, warm_up;
  nsc_schedule_kind schedule;
  nsc_optimiser_options optimiser;
  nsc_task task; /* single: softmax over all labels; binary: one sigmoid output */
  float smoothing;
  float focal;  /* gamma of the focal loss, binary only; 0 for cross-entropy */
  bool balance; /* classes weigh inversely to how often they occur */
  nsc_sampling sampling;
  nsc_augment augment;
  float average;     /* of weights over steps (EMA), e.g. 0.99; 0 for none. What is validated and kept is the average */
  bool keep_last;    /* what is kept are the weights of the last epoch, whatever validation says */
  uint32_t patience; /* epochs without a better validation loss after which training ends; 0 never */
  uint64_t seed;
  nsc_normal normal; /* of the input */
} nsc_train_options;

typedef struct nsc_epoch_stats {
  double train_loss, validation_loss, validation_accuracy; /* NaN without validation samples */
  double seconds, images_per_second;
  uint32_t epoch; /* 1-based */
  float rate;     /* at the end */
  bool best;      /* so far, when it ended */
} nsc_epoch_stats;

/* Where training stands: all of it but the numbers in the network. */
typedef struct nsc_train_progress {
  uint64_t step; /* batches of all epochs */
  double loss_sum, validation_sum, best_loss;
  double train_ms, epoch_ms;       /* of the present epoch: of its batches, and with validation */
  uint32_t epoch, batch, batches;  /* done: epochs, and batches of the present epoch */
  uint32_t validated, right;       /* validation samples done in this epoch, and of them recognised */
  uint32_t best_epoch, since_best; /* 1-based; 0 before the first epoch ended */
  float rate;
} nsc_train_progress;

typedef struct nsc_trainer nsc_trainer;

/* Network, compute and data must outlive the trainer. Errors: ARGUMENT names what does not fit. */
NSC_WARN_UNUSED nsc_status nsc_trainer_create(nsc_net *net, nsc_compute *compute, const nsc_dataset *data,
                                              const nsc_train_options *options, nsc_trainer **out, nsc_error *err);
void nsc_trainer_free(nsc_trainer *trainer);

bool nsc_trainer_finished(const nsc_trainer *trainer);

/* Trains on one batch, or validates one; the last of an epoch ends it. A loss that is not a number ends with CORRUPT:
 * the best weights stay. */
NSC_WARN_UNUSED nsc_status nsc_trainer_step(nsc_trainer *trainer, nsc_error *err);

/* Steps for about `milliseconds`, at least one, or until the training has ended. `cancel`, when not NULL, is looked at
 * before each: CANCELLED. */
NSC_WARN_UNUSED nsc_status nsc_trainer_run(nsc_trainer *trainer, double milliseconds, const volatile int32_t *cancel,
                                           nsc_error *err);

nsc_train_progress nsc_trainer_progress(const nsc_trainer *trainer);
/* The epochs that have ended, nsc_trainer_progress().epoch of them. */
const nsc_epoch_stats *nsc_trainer_history(const nsc_trainer *trainer);
/* Memory of network, optimiser, copies of weights, and what is worked in. */
size_t nsc_trainer_bytes(const nsc_trainer *trainer);

/* From now on the best weights are in the store, which is copied: see nsc_training_set_store. When it cannot be written
 * they stay where they are. */
void nsc_trainer_use_store(nsc_trainer *trainer, const nsc_store *store);

/* Puts the weights of the best epoch (of the last without validation samples, or with keep_last) into the network,
 * until the next step. IO: the store could not be read or written. */
NSC_WARN_UNUSED nsc_status nsc_trainer_use_best(nsc_trainer *trainer, nsc_error *err);

/* Gives back what steps work in: activations, gradients. The next step takes it again. */
void nsc_trainer_rest(nsc_trainer *trainer);

/* Logits of the samples of a split, [count][outputs], in the order of the data set, with the best weights, which stay
 * in the network until the next step. Training goes on as if nothing had been. */
NSC_WARN_UNUSED nsc_status nsc_trainer_predict(nsc_trainer *trainer, nsc_split split, float *logits, nsc_error *err);

#endif
