/*
 * A training as bytes: weights, running statistics, averages, the best weights, momenta, the place in the epoch and the
 * history. Not the pictures.
 *
 * Layout, little endian: "NSCK", version, fingerprints of network, options and data, the progress, the history, floats
 * of each parameter in turn, and a fingerprint of everything before it.
 */
#ifndef NSC_TRAIN_CHECKPOINT_H
#define NSC_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

/* *bytes is ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_checkpoint_save(nsc_trainer *trainer, char **bytes, size_t *size, nsc_error *err);

/*
 * Into a trainer made with the same network, options and data; otherwise ARGUMENT says what differs. TRUNCATED,
 * CORRUPT, UNSUPPORTED (another version). On failure the trainer is as it was.
 */
NSC_WARN_UNUSED nsc_status nsc_checkpoint_load(nsc_trainer *trainer, const uint8_t *bytes, size_t size, nsc_error *err);

#endif
