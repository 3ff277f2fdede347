/*
 * Augmentation: changes of place and intensity, drawn anew for every sample and epoch from its own stream of random
 * numbers, so that the result does not depend on threads or order. Always in this order:
 *
 *   1. a curve for each byte: gamma, contrast about mid-grey, brightness, cut to 0..1
 *   2. one interpolation: crop, then flip, zoom, shear, rotation and shift, with the elastic displacement on top
 *   3. blur, sharpen
 *   4. noise: Poisson, speckle, Gaussian, salt and pepper; cut to 0..1
 *   5. cutout
 *
 * "At most" and "to either side": equally likely in between, drawn for each picture.
 */
#ifndef NSC_TRAIN_AUGMENT_H
#define NSC_TRAIN_AUGMENT_H

#include "base/rng.h"
#include "negatoscope.h"

typedef enum nsc_fill {
  NSC_FILL_NEAREST, /* the edge goes on */
  NSC_FILL_REFLECT,
  NSC_FILL_CONSTANT, /* black */
  NSC_FILL_WRAP
} nsc_fill;

/* All zero: nothing is changed. */
typedef struct nsc_augment {
  bool flip_horizontal, flip_vertical; /* each with probability one half */
  float rotation;                      /* degrees, to either side */
  float shift;                         /* share of width and height, to either side */
  float shear;                         /* degrees, to either side */
  float zoom;                          /* 0.2: between 0.8 and 1.2 of the size, equally likely in between */
  float brightness;                    /* added, to either side, of 0..1 */
  float contrast;                      /* 0.3: distance from grey between 0.7 and 1.3 times */
  float gamma;                         /* 0.3: exponent between 1/1.3 and 1.3 */
  float noise;                         /* standard deviation of Gaussian noise, at most */
  float cutout;                        /* side of a grey square, share of the shorter side */
  nsc_fill fill;
  float crop;          /* 0.3: a part with 0.7 to 1 of both sides, anywhere, becomes the whole picture */
  float elastic;       /* standard deviation of the displacement along x and y, share of the shorter side, at most: P.
                          Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks", ICDAR 2003 */
  float elastic_sigma; /* of the Gaussian that smooths it, share of each side; 0 for 0.08, and at least 0.04 */
  float blur;          /* sigma of a Gaussian in pixels, at most */
  float sharpen;       /* a of (-a/4, 1 + a/2, -a/4) along x and y, at most */
  float speckle;       /* standard deviation of noise that is multiplied by the value, at most */
  float salt_pepper;   /* share of pixels that become black or white, at most */
  float poisson;       /* standard deviation of photon noise at white, at most: 0.1 is a hundred photons */
} nsc_augment;

/* The usual preset of tutorials: rotation 40, shift 0.2, shear 0.2 radians, zoom 0.2, horizontal flip, nearest. */
nsc_augment nsc_augment_usual(void);
/* Gentle, for films where left is left: rotation 8, shift 0.08, zoom 0.12, contrast 0.2, gamma 0.3. */
nsc_augment nsc_augment_film(void);

/* The fields by name, for forms and files: what a value may be, and where it lies. */
typedef struct nsc_augment_field {
  const char *name;
  enum { NSC_AUGMENT_FLAG, NSC_AUGMENT_NUMBER, NSC_AUGMENT_FILL } kind;
  size_t offset; /* in nsc_augment */
  float most;    /* NUMBER: from 0 to this */
} nsc_augment_field;

/* Ended by a NULL name. Static storage. */
const nsc_augment_field *nsc_augment_fields(void);
/* Names of nsc_fill in order, ended by NULL. */
const char *const *nsc_fill_names(void);
double nsc_augment_get(const nsc_augment *augment, const nsc_augment_field *field);
void nsc_augment_set(nsc_augment *augment, const nsc_augment_field *field, double value);

/* One picture of bytes to floats 0..1, [height][width][channels]; with `augment` NULL only converted. */
void nsc_augment_apply(const nsc_augment *augment, nsc_rng rng, const uint8_t *in, size_t height, size_t width,
                       size_t channels, float *out);

#endif
