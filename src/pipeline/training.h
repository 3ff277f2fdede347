/* A training beyond the public header: for programs that load data their own way and print reports. */
#ifndef NSC_PIPELINE_TRAINING_H
#define NSC_PIPELINE_TRAINING_H

#include "pipeline/calibrate.h"
#include "train/trainer.h"

/* A training of pictures that were collected already, through `recipe`. Takes `data` over and clears it, also on
 * failure. */
NSC_WARN_UNUSED nsc_status nsc_training_adopt(nsc_dataset *data, const nsc_recipe *recipe, nsc_training **out,
                                              nsc_error *err);
const nsc_dataset *nsc_training_data(const nsc_training *training);
/* NULL before nsc_training_begin, as are the two below. */
const nsc_trainer *nsc_training_trainer(const nsc_training *training);
const nsc_net *nsc_training_net(const nsc_training *training);
const nsc_train_options *nsc_training_options_of(const nsc_training *training);

/* How far the autoencoder is; false where none has begun. */
bool nsc_training_autoencoder(const nsc_training *training, nsc_autoencoder_progress *out);

/* The whole of nsc_training_need_json. */
NSC_WARN_UNUSED nsc_status nsc_training_need(nsc_training *training, const char *options, uint32_t threads,
                                             uint64_t *bytes, nsc_error *err);

/* Temperature and threshold of the best weights, from the validation split, as nsc_calibrate finds them. What was found
 * last goes into the model file. */
NSC_WARN_UNUSED nsc_status nsc_training_calibrate(nsc_training *training, double sensitivity, nsc_calibration *out,
                                                  nsc_error *err);

/* A threshold instead of the one found; until the next calibration with another sensitivity or better weights. */
void nsc_training_set_threshold(nsc_training *training, float threshold);

/* Of the model that a network began with. */
typedef struct nsc_heritage {
  const char *name;             /* never NULL */
  const char *limits, *license; /* or NULL; at least one of them is there */
} nsc_heritage;

/* Whether the present network began with a model that has limits or a licence. Texts belong to that model. */
bool nsc_training_heritage(const nsc_training *training, nsc_heritage *out);

/* What nsc_training_model says of limits unless it is told: which model this was made from, and that one's limits. NULL
 * without heritage. Ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_training_inherited_limits(const nsc_training *training, char **out, nsc_error *err);

/* The report on a split of a training for times to an event, with the best weights. Ended by nsc_eval_survival_free. */
struct nsc_eval_survival_report;
NSC_WARN_UNUSED nsc_status nsc_training_survival_report(nsc_training *training, nsc_split split,
                                                        const nsc_eval_options *options,
                                                        struct nsc_eval_survival_report **out, nsc_error *err);

/* The report on a split with the best weights and what was calibrated. Ended by nsc_eval_report_free. */
NSC_WARN_UNUSED nsc_status nsc_training_report(nsc_training *training, nsc_split split, nsc_eval_report **out,
                                               nsc_error *err);

#endif
