/* What trainer.c, batches.c and checkpoint.c share. */
#ifndef NSC_TRAIN_TRAINER_PRIVATE_H
#define NSC_TRAIN_TRAINER_PRIVATE_H

#include "train/trainer.h"

/* Streams of random numbers below the seed: one a purpose, so that adding one does not change the others. */
enum { NSC_STREAM_ORDER = 1, NSC_STREAM_AUGMENT = 2, NSC_STREAM_DROPOUT = 3 };

struct nsc_trainer {
  nsc_net *net;
  nsc_compute *compute;
  const nsc_dataset *data;
  nsc_train_options options;
  nsc_optimiser optimiser;
  nsc_rng root;
  uint32_t *order;         /* training samples of this epoch; [order_count] */
  uint32_t *validation;    /* validation samples, in the order of the data set */
  uint32_t *counts;        /* [labels] training samples */
  float *targets;          /* [batch][outputs] */
  float *class_weights;    /* [outputs] */
  float **average, **best; /* [parameters]; average (EMA) may be NULL */
  float **shown; /* the one of the two that stands in the network; its place holds the weights that are trained */
  nsc_train_progress at;
  nsc_epoch_stats *history; /* [options.epochs] */
  uint32_t train_count, order_count, validation_count;
  uint64_t total_steps;
  uint64_t data_print; /* fingerprint of the data; 0 while it was not needed */
  size_t outputs;
  nsc_arena arena;
  struct { /* the one that is being written */
    char *head;
    uint64_t print, step;
    uint32_t next; /* part */
  } checkpoint;
};

/* Puts the weights that are trained into the network, whatever it shows. */
void nsc_trainer_show_trained(nsc_trainer *t);

/* ---- batches.c ---- */

/* Writes the order of the present epoch; it depends on seed and epoch alone. */
void nsc_trainer_order(nsc_trainer *t);
/* How many samples an epoch draws. */
uint32_t nsc_trainer_draws(const nsc_trainer *t);
/* Fills the network's input with samples, augmented when training. */
void nsc_trainer_fill(nsc_trainer *t, const uint32_t *samples, size_t count, bool training);
void nsc_trainer_targets(nsc_trainer *t, const uint32_t *samples, size_t count);

#endif
