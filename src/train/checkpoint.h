/*
 * A training as bytes: weights, running statistics, averages, the best weights, momenta, the place in the epoch and the
 * history. Not the pictures.
 *
 * Layout, little endian: "NSCK", version, fingerprints of network, options and data, the progress, the history, floats
 * of each parameter in turn, and a fingerprint of all parts before it.
 */
#ifndef NSC_TRAIN_CHECKPOINT_H
#define NSC_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

/*
 * A checkpoint in parts that belong to the trainer, so that no second copy of everything is made: part 0, 1, ... until
 * *bytes is NULL, one after the other and without a step of training in between (ARGUMENT). Parts may be empty.
 */
NSC_WARN_UNUSED nsc_status nsc_checkpoint_part(nsc_trainer *trainer, uint32_t part, const void **bytes, size_t *size,
                                               nsc_error *err);

/*
 * Into a trainer made with the same network, options and data; otherwise ARGUMENT says what differs. TRUNCATED,
 * CORRUPT, UNSUPPORTED (another version). On failure the trainer is as it was.
 */
NSC_WARN_UNUSED nsc_status nsc_checkpoint_load(nsc_trainer *trainer, const uint8_t *bytes, size_t size, nsc_error *err);
/* From where `file` is read, part by part and twice: see nsc_training_resume_from. */
NSC_WARN_UNUSED nsc_status nsc_checkpoint_load_from(nsc_trainer *trainer, const nsc_store *file, uint64_t size,
                                                    nsc_error *err);

#endif
