/*
 * How badly an autoencoder makes a picture again: the third measure of nsc.applicability, beside the two Gaussians
 * (docs/MODEL-FORMAT.md). The network is a file in the model's file, run by the engine that runs all models.
 *
 * The error is counted in windows of 8 x 8, each against its own variance, as the structural similarity does (Wang et
 * al. 2004; for autoencoders Bergmann et al. 2019): a plain mean square finds what is bright and takes what is dull for
 * well made.
 */
#ifndef NSC_PIPELINE_RECONSTRUCTION_H
#define NSC_PIPELINE_RECONSTRUCTION_H

#include "explain/usual.h"
#include "negatoscope.h"
#include "train/autoencoder.h"

typedef struct nsc_reconstruction nsc_reconstruction;

/*
 * {"network": base64 of an ONNX file, "usual", "unusual"}: the limits are logarithms of errors. The network takes one
 * picture [batch][channels][height][width] of float32, sides 16 or 32. What it gives is looked at with
 * the first picture. Errors: RECIPE says what is wrong, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_reconstruction_read(const nsc_json_value *object, nsc_reconstruction **out,
                                                   nsc_error *err);
void nsc_reconstruction_write(const nsc_reconstruction *r, nsc_text *t);
void nsc_reconstruction_free(nsc_reconstruction *r);

uint32_t nsc_reconstruction_channels(const nsc_reconstruction *r);

/* Of an autoencoder that has learnt, with limits from the pictures that were held back. Errors: ARGUMENT for fewer than
 * ten of those, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_reconstruction_of(nsc_autoencoder *autoencoder, nsc_reconstruction **out,
                                                 nsc_error *err);

/*
 * A picture of values 0..1, [height][width][channels], to bytes at an autoencoder's size: antialiased bilinear,
 * stretched. Nothing is evened out: an inverted film is to be found. `small` is
 * [nsc_autoencoder_side(height)][nsc_autoencoder_side(width)][channels], at most NSC_SMALL_PICTURE bytes.
 */
enum { NSC_SMALL_PICTURE = NSC_AUTOENCODER_SIDE * NSC_AUTOENCODER_SIDE * 3 };
NSC_WARN_UNUSED nsc_status nsc_small_picture(const float *values, uint32_t height, uint32_t width, uint32_t channels,
                                             uint8_t *small, nsc_error *err);

/* 0 for the median picture of its kind, 1 for one that is made worse than 99 % of them. `small` at the network's own
 * size. Errors: RECIPE where the network gives no such picture, OPERATOR, LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_reconstruction_unusual(nsc_reconstruction *r, const uint8_t *small, double *out,
                                                      nsc_error *err);

/* The same of values as nsc_small_picture takes them, of any size. */
NSC_WARN_UNUSED nsc_status nsc_reconstruction_judge(nsc_reconstruction *r, const float *values, uint32_t height,
                                                    uint32_t width, double *out, nsc_error *err);

#endif
