/*
 * What a model of which nothing is known says of pictures with parts missing: occlusion, RISE, and how fast a score
 * falls or rises as what a map calls important is taken away or given back.
 *
 * Pictures are model inputs, float32 [height][width][channels]; what is missing has `blank`'s value in each channel.
 * All are done in steps of one run of the model.
 */
#ifndef NSC_EXPLAIN_PERTURB_H
#define NSC_EXPLAIN_PERTURB_H

#include "negatoscope.h"

enum { NSC_EXPLAIN_CHANNELS = 4 };

typedef struct nsc_input_picture {
  const float *values;
  uint32_t height, width, channels; /* at most NSC_EXPLAIN_CHANNELS */
  float blank[NSC_EXPLAIN_CHANNELS];
} nsc_input_picture;

/* The mean of each channel: as far from black as from white, and of no shape. */
void nsc_picture_blank(nsc_input_picture *p);

/* ---- occlusion (Zeiler & Fergus 2014) ---- */

typedef struct nsc_occlusion {
  nsc_input_picture picture;
  uint32_t window, stride;
  uint32_t columns, rows; /* of windows: they begin at multiples of `stride` and reach to the far edges */
} nsc_occlusion;

void nsc_occlusion_begin(const nsc_input_picture *p, uint32_t window, uint32_t stride, nsc_occlusion *out);
static inline uint32_t nsc_occlusion_steps(const nsc_occlusion *o) {
  return o->columns * o->rows;
}
/* The picture without window number `step`, into `out`. */
void nsc_occlusion_cover(const nsc_occlusion *o, uint32_t step, float *out);
/* Adds by how much that made the score fall; `sum` and `weight` are [height][width], 0 at first. The map is sum /
 * weight. */
void nsc_occlusion_add(const nsc_occlusion *o, uint32_t step, double fall, float *sum, float *weight);

/* ---- RISE (Petsiuk, Das & Saenko 2018) ---- */

enum { NSC_RISE_CELLS = 7 /* a side: coarse enough to hide an object, fine enough to find it */ };

/* Mask number `step` of a seed, 0..1: [height][width]. Each cell is seen with probability 1/2, edges are soft. */
void nsc_rise_mask(uint64_t seed, uint32_t step, uint32_t height, uint32_t width, float *mask);
/* The picture as far as the mask lets it be seen. */
void nsc_rise_cover(const nsc_input_picture *p, const float *mask, float *out);
/* Adds a score; `sum` and `weight` as above. The map is sum / weight less the mean score: what seeing a pixel adds. */
void nsc_rise_add(const float *mask, size_t count, double score, float *sum, float *weight);

/* ---- insertion and deletion (the same paper) ---- */

/* Pixels by the map, the most important first; equal ones in reading order. `order` is [count]. False without memory.
 */
NSC_WARN_UNUSED bool nsc_order_pixels(const float *map, uint32_t *order, size_t count);
/* The picture with the first `count` pixels of the order taken away, or with nothing but them. */
void nsc_picture_delete(const nsc_input_picture *p, const uint32_t *order, size_t count, bool insert, float *out);
/* Area under scores at equal distances over 0..1. */
double nsc_curve_area(const float *scores, uint32_t count);

#endif
