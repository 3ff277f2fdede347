/* Optimisers and learning-rate schedules. State (momenta) lives beside the network's parameters, in their order. */
#ifndef NSC_TRAIN_OPTIMISER_H
#define NSC_TRAIN_OPTIMISER_H

#include "train/net.h"

typedef enum nsc_optimiser_kind {
  NSC_OPTIMISER_SGD,     /* momentum, Nesterov (Sutskever et al. 2013) */
  NSC_OPTIMISER_RMSPROP, /* Tieleman and Hinton 2012 */
  NSC_OPTIMISER_ADAM,    /* Kingma and Ba 2015; weight decay is added to the gradient (L2) */
  NSC_OPTIMISER_ADAMW    /* Loshchilov and Hutter 2019; weight decay shrinks the weight itself */
} nsc_optimiser_kind;

typedef struct nsc_optimiser_options {
  nsc_optimiser_kind kind;
  float momentum; /* SGD */
  bool nesterov;
  float beta1, beta2; /* Adam; beta2 is RMSprop's smoothing too */
  float epsilon;
  float weight_decay; /* L2 for SGD, RMSprop, Adam; decoupled for AdamW; weights only, not biases or scales */
  float clip_norm;    /* the gradient of all parameters together is scaled down to this length; 0 never */
} nsc_optimiser_options;

typedef struct nsc_optimiser {
  nsc_optimiser_options options;
  uint64_t steps;
  float **first, **second;       /* [parameters] of [count]; NULL where the kind needs none */
  double *sums;                  /* room for those of the largest parameter's blocks */
  struct {                       /* of the present step */
    float rate, scale;           /* scale: of clipping */
    float adam_rate, correction; /* Adam: rate and second moment with their bias corrected */
  } now;
  nsc_arena arena;
} nsc_optimiser;

/* The usual numbers of a kind: momentum 0.9; beta 0.9, 0.999 (0.99 for RMSprop); epsilon 1e-8. */
nsc_optimiser_options nsc_optimiser_defaults(nsc_optimiser_kind kind);
NSC_WARN_UNUSED nsc_status nsc_optimiser_init(nsc_optimiser *o, const nsc_net *net,
                                              const nsc_optimiser_options *options, nsc_error *err);
void nsc_optimiser_drop(nsc_optimiser *o);

/* A step without clipping, parameter by parameter in any order: begins, and changes one after its gradient, on the
 * threads of `compute` (NULL: on this one). */
void nsc_optimiser_begin(nsc_optimiser *o, float rate);
void nsc_optimiser_update(nsc_optimiser *o, nsc_net *net, nsc_compute *compute, uint32_t parameter);

/* One step, on the threads of `compute` (NULL: on this one), with gradients as nsc_net_backward left them. Returns the
 * gradient's length before clipping. */
double nsc_optimiser_step(nsc_optimiser *o, nsc_net *net, nsc_compute *compute, float rate);

typedef enum nsc_schedule_kind {
  NSC_SCHEDULE_CONSTANT,
  NSC_SCHEDULE_STEP,     /* times 0.1 after each third */
  NSC_SCHEDULE_COSINE,   /* down to zero along half a cosine (Loshchilov and Hutter 2017) */
  NSC_SCHEDULE_ONE_CYCLE /* up along a cosine for `warm_up`, down to rate / 1e4 (Smith 2018) */
} nsc_schedule_kind;

/* The rate at a step of `total`. `warm_up` is the share of steps in which it rises linearly (one cycle: 0 means 0.3).
 */
float nsc_schedule_rate(nsc_schedule_kind kind, float rate, float warm_up, uint64_t step, uint64_t total);

#endif
