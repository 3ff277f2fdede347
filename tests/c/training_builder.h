/* Small trainings for tests. Failures are of the test that asked. */
#ifndef NSC_TRAINING_BUILDER_H
#define NSC_TRAINING_BUILDER_H

#include "base/text.h"
#include "train/trainer.h"

extern const char *const two_labels[2];

/* `count` pictures of noise, with a brighter lower half for the second label; three pictures a patient. */
void make_data(nsc_dataset *d, size_t side, uint32_t count);
/* Four epochs of 16 pictures a step. */
nsc_train_options quick_options(void);

typedef struct toy {
  nsc_dataset d;
  nsc_net *net;
  nsc_compute *compute;
  nsc_trainer *t;
} toy;

/* A network of the zoo on 120 pictures of 16 x 16, a quarter of them for validation. */
bool make_toy(toy *y, const char *network, const nsc_train_options *options, nsc_error *err);
void drop_toy(toy *y);

bool same_weights(const nsc_net *a, const nsc_net *b);
/* All parts of a checkpoint, one behind the other. */
bool save_checkpoint(nsc_trainer *t, nsc_text *out, nsc_error *err);

#endif
