/*
 * An autoencoder of small pictures: a network that squeezes a picture into a few numbers and makes it of them again
 * (Hinton and Salakhutdinov 2006). What is unlike the pictures that it learnt from comes out worse.
 *
 *   nsc_autoencoder_create(32, 32, 1, seed, &a, err);
 *   nsc_autoencoder_add(a, bytes, held, err);  ...
 *   do nsc_autoencoder_run(a, compute, 200, &cancel, &finished, err); while (!finished);
 *   nsc_autoencoder_file(a, &bytes, &size, err);                                      // ONNX
 *
 * One seed and the same pictures in the same order, one result.
 */
#ifndef NSC_TRAIN_AUTOENCODER_H
#define NSC_TRAIN_AUTOENCODER_H

#include "train/trainer.h"

typedef struct nsc_autoencoder nsc_autoencoder;

enum { NSC_AUTOENCODER_STEP = 16, NSC_AUTOENCODER_SIDE = 32 };

/* The side of its pictures for those of a model: the nearest of 16 and 32. */
uint32_t nsc_autoencoder_side(uint32_t side);

/* Sides as nsc_autoencoder_side has them; channels 1 or 3. Errors: ARGUMENT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_autoencoder_create(uint32_t height, uint32_t width, uint32_t channels, uint64_t seed,
                                                  nsc_autoencoder **out, nsc_error *err);
void nsc_autoencoder_free(nsc_autoencoder *autoencoder);

/*
 * A picture [height][width][channels] to learn from or, with `held`, one that only says how far it has come: the epoch
 * that does best on those is kept. Of more than some thousand a random part is. Not once training has begun (ARGUMENT).
 */
NSC_WARN_UNUSED nsc_status nsc_autoencoder_add(nsc_autoencoder *a, const uint8_t *picture, bool held, nsc_error *err);

/* Trains for about `milliseconds`, at least one batch. `compute` is the same each time, and there until the end.
 * Errors: ARGUMENT without pictures to learn from, CANCELLED, CORRUPT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_autoencoder_run(nsc_autoencoder *a, nsc_compute *compute, double milliseconds,
                                               const volatile int32_t *cancel, bool *finished, nsc_error *err);

nsc_autoencoder_progress nsc_autoencoder_progress_of(const nsc_autoencoder *a);
bool nsc_autoencoder_finished(const nsc_autoencoder *a);

/* The pictures that it has: all splits, held ones as NSC_SPLIT_VALIDATION. */
const nsc_dataset *nsc_autoencoder_pictures(const nsc_autoencoder *a);

/* The network as an ONNX file with float16 weights, from values 0..1 [batch][channels][height][width] to the same.
 * After training. *bytes is ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_autoencoder_file(nsc_autoencoder *a, char **bytes, size_t *size, nsc_error *err);

/* Bytes that learning from `pictures`, of them or of a model, takes at most. */
NSC_WARN_UNUSED nsc_status nsc_autoencoder_need(uint32_t height, uint32_t width, uint32_t channels, uint32_t pictures,
                                                uint32_t threads, uint64_t *bytes, nsc_error *err);

#endif
