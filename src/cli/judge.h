/* After training: calibrate on validation, print how good the network is on test. */
#ifndef NSC_CLI_JUDGE_H
#define NSC_CLI_JUDGE_H

#include "pipeline/training.h"

/* nsc_training_calibrate; says on stdout what was found. */
NSC_WARN_UNUSED nsc_status nsc_cli_calibrate(nsc_training *training, double sensitivity, nsc_error *err);

/* Prints the main figures of the test split, when there is one. */
NSC_WARN_UNUSED nsc_status nsc_cli_judge(nsc_training *training, nsc_error *err);

/* The same of a training for times to an event. */
NSC_WARN_UNUSED nsc_status nsc_cli_judge_survival(nsc_training *training, nsc_error *err);

/* ---- reports of `evaluate` ---- */

enum { NSC_CLI_DATE = 32 };

/* What a report says beside its figures: the model's own title or name, else `model_name`; today, in `date`. */
nsc_eval_facts nsc_cli_eval_facts(const nsc_model *model, const char *model_name, const char *data, const bool *splits,
                                  const char *title, uint32_t refused, char date[NSC_CLI_DATE]);
/* A text that a writer made, into a file; ends the text. */
NSC_WARN_UNUSED nsc_status nsc_cli_write_text(const char *path, char *text, nsc_error *err);

#endif
