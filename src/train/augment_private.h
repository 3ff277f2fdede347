/* Between the files of augmentation: what was drawn for one picture. */
#ifndef NSC_TRAIN_AUGMENT_PRIVATE_H
#define NSC_TRAIN_AUGMENT_PRIVATE_H

#include "train/augment.h"

/* Pixels in a row of the grid that holds a smoothed displacement: two knots a sigma, one cell beyond each side. */
enum { NSC_ELASTIC_KNOTS = 53 };

/* Displacements in pixels at knots; `knots` along both sides, 0 for none. */
typedef struct nsc_elastic {
  int knots;
  float x[NSC_ELASTIC_KNOTS][NSC_ELASTIC_KNOTS], y[NSC_ELASTIC_KNOTS][NSC_ELASTIC_KNOTS];
} nsc_elastic;

/* From output to input: in = centre + m (out - centre) + (dx, dy). */
typedef struct nsc_affine {
  float m[4], dx, dy;
} nsc_affine;

typedef struct nsc_picture {
  float *values; /* [height][width][channels] */
  size_t height, width, channels;
} nsc_picture;

/* In [-reach, reach). */
static inline float nsc_either(nsc_rng *rng, float reach) {
  return reach * (2 * nsc_rng_float(rng) - 1);
}

/* `strength`: standard deviation in pixels. */
void nsc_elastic_draw(nsc_rng *rng, float strength, float sigma, nsc_elastic *out);

/* Interpolates `in`, through `curve`, into `out`. `elastic` may be NULL. */
void nsc_warp(const nsc_affine *t, const nsc_elastic *elastic, nsc_fill fill, const float curve[256], const uint8_t *in,
              nsc_picture out);

/* Blur, sharpen and noise: steps 3 and 4. */
void nsc_augment_filter(const nsc_augment *a, nsc_rng *rng, nsc_picture p);

#endif
