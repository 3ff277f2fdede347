/* After training: calibrate on validation, print how good the network is on test. */
#ifndef NSC_CLI_JUDGE_H
#define NSC_CLI_JUDGE_H

#include "pipeline/training.h"

/* nsc_training_calibrate; says on stdout what was found. */
NSC_WARN_UNUSED nsc_status nsc_cli_calibrate(nsc_training *training, double sensitivity, nsc_error *err);

/* Prints the main figures of the test split, when there is one. */
NSC_WARN_UNUSED nsc_status nsc_cli_judge(nsc_training *training, nsc_error *err);

#endif
