/* The inside of nsc_training: training_data.c (pictures), training_options.c (JSON), training.c (running). */
#ifndef NSC_PIPELINE_TRAINING_PRIVATE_H
#define NSC_PIPELINE_TRAINING_PRIVATE_H

#include "base/fields.h"
#include "base/text.h"
#include "pipeline/training.h"
#include "train/autoencoder.h"
#include "train/features.h"
#include "train/survival.h"
#include "train/zoo.h"

struct nsc_training {
  nsc_dataset data; /* without labels until they are known */
  nsc_recipe recipe;
  nsc_compute *compute;
  uint32_t threads;
  nsc_model *base; /* that a network may start from, or NULL */
  nsc_net *net;    /* the whole network */
  uint32_t head;   /* its last dense layer */
  nsc_net *alone;  /* the head, when it is trained on features; else NULL */
  float *features; /* [count][..] of all samples, before layer `head` of `net`; NULL when not computed or out of date */
  uint64_t features_step; /* of the trainer then: a network that has learned since makes others */
  nsc_dataset view;       /* `data` with features instead of pixels, while `alone` is trained; owns nothing */
  nsc_trainer *trainer;   /* of `alone` or of `net`; NULL before nsc_training_begin */
  nsc_train_options options;
  nsc_store store; /* for the best weights; without `write`: memory */
  char net_name[32];
  bool autoencodes;             /* an autoencoder learns after the network */
  nsc_autoencoder *autoencoder; /* NULL before that */
  uint32_t shown;               /* samples that it has been given */
  /* From the validation split, for the weights of `judged_epoch`; UINT32_MAX when not yet found. */
  uint32_t judged_epoch;
  double judged_sensitivity; /* that the threshold was to reach; 0: Youden's */
  nsc_calibration calibration;
};

/* What nsc_training_begin is told. */
typedef struct nsc_training_plan {
  nsc_train_options train;
  char net[32];
  uint32_t layers; /* that learn, from the end; 1 is the head, UINT32_MAX all */
  float dropout;   /* rate of all dropouts; negative: each its own */
  bool go_on;      /* with the network as it is */
  bool keeps_head; /* of the base, instead of a new one */
  bool changes;    /* pictures are augmented */
  bool autoencodes;
} nsc_training_plan;

NSC_WARN_UNUSED nsc_status nsc_training_read_plan(const char *json, nsc_training_plan *out, nsc_error *err);
/* "none", "film", "usual", or the fields: what "augment" stands for. `v` NULL gives `otherwise`. */
void nsc_training_augment(nsc_fields *f, const char *name, nsc_augment *inout);

/* Outputs that a network for these labels has. */
static inline uint32_t nsc_training_outputs(const nsc_training *t) {
  if (t->data.survival) return t->data.survival->bins;
  return t->data.label_count > 2 ? t->data.label_count : 1;
}

/* The same with the fields beside the picture. */
static inline nsc_zoo_head nsc_training_head(const nsc_training *t) {
  return (nsc_zoo_head){nsc_training_outputs(t), t->data.survival ? t->data.survival->field_count : 0};
}

/* A head that learns alone, from features that are computed once: not where fields come beside these. */
static inline bool nsc_training_head_alone(const nsc_training *t, const nsc_training_plan *plan) {
  return plan->layers == 1 && !plan->changes && !t->data.survival;
}

static inline bool nsc_training_has_labels(const nsc_training *t) {
  return t->data.label_count > 0;
}

/* Ends network and trainer: the data has changed, or another training begins. */
void nsc_training_forget(nsc_training *t);

/* ---- training_survival.c ---- */

/* {"survival": as nsc_eval_survival_json} of a split of a data set for times to an event. */
NSC_WARN_UNUSED nsc_status nsc_training_judge_survival(nsc_training *t, nsc_split split,
                                                       const nsc_eval_options *options, char **out, nsc_error *err);

/* ---- training_autoencoder.c ---- */

/* As nsc_training_run, once the network has learnt. */
NSC_WARN_UNUSED nsc_status nsc_training_run_autoencoder(nsc_training *t, double milliseconds,
                                                        const volatile int32_t *cancel, bool *finished, nsc_error *err);
/* Also of a training that is to have none: then there is nothing to end. */
void nsc_training_end_autoencoder(nsc_training *t);
/* What it will take while the network's weights stay. */
NSC_WARN_UNUSED nsc_status nsc_training_need_autoencoder(const nsc_training *t, uint32_t threads, uint64_t *bytes,
                                                         nsc_error *err);

/* ---- training_transfer.c ---- */

/* The last dense layer of a network from the zoo. */
uint32_t nsc_training_find_head(const nsc_net *net);
/* Builds `net` after the plan unless it goes on with the one there is, and freezes what is not to learn. */
NSC_WARN_UNUSED nsc_status nsc_training_build(nsc_training *t, const nsc_training_plan *plan, nsc_error *err);
/* How the network's input is normalised: as the base says where it says, else after the training pictures. */
NSC_WARN_UNUSED nsc_status nsc_training_normal(const nsc_training *t, bool of_base, nsc_normal *out, nsc_error *err);
/* Computes the features of all samples unless they are there. */
NSC_WARN_UNUSED nsc_status nsc_training_need_features(nsc_training *t, nsc_error *err);
/* The network with the best weights so far in it, those of a head trained alone put back. */
NSC_WARN_UNUSED nsc_status nsc_training_best_net(nsc_training *t, nsc_net **out, nsc_error *err);
/* Scores [labels] of a sample by its neighbours among the training samples of other patients, itself left out. */
void nsc_training_vote(const nsc_training *t, uint32_t sample, uint32_t k, nsc_neighbour *room, float *scores);

#endif
