/* Maps of influence: float32 [height][width], larger where a picture speaks more for a label. */
#ifndef NSC_EXPLAIN_MAP_H
#define NSC_EXPLAIN_MAP_H

#include "negatoscope.h"

/* Bilinear, pixel centres at halves, edges repeated (PyTorch's interpolate with align_corners=False). */
void nsc_map_enlarge(const float *from, size_t from_height, size_t from_width, float *to, size_t height, size_t width);

/* Gaussian filter in place, mirrored at the edges; `sigma` in pixels. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_map_smooth(float *map, size_t height, size_t width, double sigma, nsc_error *err);

/* Maps of activations [height][width][channels] and of a score's gradient with respect to them. */
typedef struct nsc_activation {
  size_t height, width, channels;
  const float *value, *gradient;
} nsc_activation;

/* Sum over channels of activation times the sum of its gradient over the picture: behind a global average pooling and
 * a dense layer that are the label's weights (Zhou et al. 2016), up to the number of pixels. */
void nsc_cam_map(const nsc_activation *a, float *map);
/* The same with mean gradients, and nothing below 0 (Selvaraju et al. 2017). */
void nsc_grad_cam_map(const nsc_activation *a, float *map);
/* Gradients weighted place by place before they are summed (Chattopadhay et al. 2018, equation 19). */
void nsc_grad_cam_plus_map(const nsc_activation *a, float *map);

/* Spearman's rank correlation of two maps; ties have their mean rank. 0 where a map is flat. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_map_rank_correlation(const float *a, const float *b, size_t count, double *out,
                                                    nsc_error *err);

/* Pixels that touch at a side and are at or above a level, as corners of pixels: x to the right, y down, 0 at the edge
 * of the first pixel. */
typedef struct nsc_map_region {
  uint32_t left, top, right, bottom; /* right and bottom: behind the last pixel */
  double x, y;                       /* centre of mass, weighted by the map */
  double weight;                     /* sum of the map */
  uint32_t pixels;
  uint32_t corners;  /* of the outer outline, clockwise, without the straight ones */
  uint32_t *outline; /* [corners][2] */
} nsc_map_region;

/*
 * Regions at or above `level`, which is above 0, the heaviest first; at most `most` of them. *out is ended by
 * nsc_map_regions_free. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_map_regions(const float *map, uint32_t width, uint32_t height, float level,
                                           uint32_t most, nsc_map_region **out, uint32_t *count, nsc_error *err);
void nsc_map_regions_free(nsc_map_region *regions, uint32_t count);

#endif
