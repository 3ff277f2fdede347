/* The inside of nsc_training: training_data.c (pictures), training_options.c (JSON), training.c (running). */
#ifndef NSC_PIPELINE_TRAINING_PRIVATE_H
#define NSC_PIPELINE_TRAINING_PRIVATE_H

#include "base/fields.h"
#include "base/text.h"
#include "pipeline/training.h"

struct nsc_training {
  nsc_dataset data; /* without labels until they are known */
  nsc_recipe recipe;
  nsc_compute *compute;
  uint32_t threads;
  nsc_net *net;
  nsc_trainer *trainer; /* NULL before nsc_training_begin */
  nsc_train_options options;
  char net_name[32];
  /* From the validation split, for the weights of `judged_epoch`; UINT32_MAX when not yet found. */
  uint32_t judged_epoch;
  double judged_sensitivity; /* that the threshold was to reach; 0: Youden's */
  nsc_calibration calibration;
};

/* Options of nsc_training_begin; `net` receives the network's name. */
NSC_WARN_UNUSED nsc_status nsc_training_options(const char *json, nsc_train_options *out, char net[32], nsc_error *err);
/* "none", "film", "usual", or the fields: what "augment" stands for. `v` NULL gives `otherwise`. */
void nsc_training_augment(nsc_fields *f, const char *name, nsc_augment *inout);

static inline bool nsc_training_has_labels(const nsc_training *t) {
  return t->data.label_count > 0;
}

/* Ends network and trainer: the data has changed, or another training begins. */
void nsc_training_forget(nsc_training *t);

#endif
