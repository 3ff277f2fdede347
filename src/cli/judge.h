/* After training: calibrate on validation, print how good the network is on test. */
#ifndef NSC_CLI_JUDGE_H
#define NSC_CLI_JUDGE_H

#include "pipeline/calibrate.h"
#include "train/trainer.h"

/*
 * Temperature and threshold from the validation split with the network's present weights; without validation samples 1
 * and 0.5. `outputs` of the network; `sensitivity` as of nsc_calibrate. Says on stdout what was found.
 */
NSC_WARN_UNUSED nsc_status nsc_cli_calibrate(nsc_trainer *trainer, const nsc_dataset *data, nsc_task task,
                                             uint32_t outputs, double sensitivity, nsc_calibration *out,
                                             nsc_error *err);

/* Prints the main figures of the test split, when there is one. */
NSC_WARN_UNUSED nsc_status nsc_cli_judge(nsc_trainer *trainer, const nsc_dataset *data, nsc_task task, uint32_t outputs,
                                         const nsc_calibration *calibration, nsc_error *err);

#endif
