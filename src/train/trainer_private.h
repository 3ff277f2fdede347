/* What trainer.c, weights.c, batches.c and checkpoint.c share. */
#ifndef NSC_TRAIN_TRAINER_PRIVATE_H
#define NSC_TRAIN_TRAINER_PRIVATE_H

#include "train/trainer.h"

/* Streams of random numbers below the seed: one a purpose, so that adding one does not change the others. */
enum { NSC_STREAM_ORDER = 1, NSC_STREAM_AUGMENT = 2, NSC_STREAM_DROPOUT = 3 };

/* Weights that may stand in the network. */
typedef enum nsc_weights { NSC_WEIGHTS_TRAINED, NSC_WEIGHTS_AVERAGE, NSC_WEIGHTS_BEST } nsc_weights;

struct nsc_trainer {
  nsc_net *net;
  nsc_compute *compute;
  const nsc_dataset *data;
  nsc_train_options options;
  nsc_optimiser optimiser;
  nsc_rng root;
  uint32_t *order;      /* training samples of this epoch; [order_count] */
  uint32_t *validation; /* validation samples, in the order of the data set */
  uint32_t *counts;     /* [labels] training samples */
  float *targets;       /* [batch][outputs] */
  float *class_weights; /* [outputs] */
  float **average;      /* [parameters]; EMA, or NULL */
  float **best;         /* [parameters]; NULL while they are in the store */
  nsc_arena best_arena;
  nsc_store store;
  uint32_t best_place; /* in the store */
  /* In the network. What is trained stands meanwhile in the other one's place, or in the store. */
  nsc_weights shown;
  nsc_train_progress at;
  nsc_epoch_stats *history; /* [options.epochs] */
  uint32_t train_count, order_count, validation_count;
  uint64_t total_steps;
  uint64_t data_print; /* fingerprint of the data; 0 while it was not needed */
  size_t outputs;
  nsc_arena arena;
  struct { /* the one that is being written */
    char *head;
    float *room; /* for a parameter's best weights out of the store */
    uint64_t print, step;
    uint32_t next; /* part */
  } checkpoint;
};

/* ---- weights.c ---- */

/* Memory for a copy of all weights; NULL without. */
float **nsc_trainer_allocate_weights(const nsc_trainer *t, nsc_arena *arena);
/* Puts weights into the network, or those that are trained where there is no average. */
NSC_WARN_UNUSED nsc_status nsc_trainer_show(nsc_trainer *t, nsc_weights wanted, nsc_error *err);
/* Where weights come from, parameter by parameter. */
typedef struct nsc_weights_source {
  nsc_status (*get)(void *context, uint32_t parameter, const float **values, nsc_error *err);
  void *context;
} nsc_weights_source;

/* New best weights, while others are shown. In the store they count only when all are written. */
NSC_WARN_UNUSED nsc_status nsc_trainer_keep_best(nsc_trainer *t, const nsc_weights_source *source, nsc_error *err);
/* The best weights of a parameter, while others are shown: where they are, or read into `room`. */
NSC_WARN_UNUSED nsc_status nsc_trainer_read_best(nsc_trainer *t, uint32_t parameter, float *room, const float **out,
                                                 nsc_error *err);

/* ---- batches.c ---- */

/* Writes the order of the present epoch; it depends on seed and epoch alone. */
void nsc_trainer_order(nsc_trainer *t);
/* How many samples an epoch draws. */
uint32_t nsc_trainer_draws(const nsc_trainer *t);
/* Fills the network's input with samples, augmented when training. */
void nsc_trainer_fill(nsc_trainer *t, const uint32_t *samples, size_t count, bool training);
/* What the network is to give for the samples; of pictures that are learned, those that nsc_trainer_fill left. */
void nsc_trainer_targets(nsc_trainer *t, const uint32_t *samples, size_t count);

#endif
