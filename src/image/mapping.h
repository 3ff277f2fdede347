/* From stored samples to modality values, and from those to grey: shared by the screen and by the models' input. */
#ifndef NSC_IMAGE_MAPPING_H
#define NSC_IMAGE_MAPPING_H

#include "image/image.h"

/* Everything between a stored sample and grey 0..1. Points into the image. */
typedef struct nsc_mapping {
  double slope, intercept;
  const nsc_lut *modality_lut; /* NULL: slope and intercept hold */
  const nsc_lut *voi_lut;      /* NULL: the window holds */
  nsc_voi_function function;
  double center, width;
  bool invert;
  uint32_t color_map; /* 0 for colour images */
} nsc_mapping;

/* The modality part for a frame, with a window still to be set. */
nsc_mapping nsc_mapping_of(const nsc_image *image, uint32_t frame);
/* The window low..high: low becomes 0 and high 1; when they are equal, that value and all below become 0. */
void nsc_mapping_set_range(nsc_mapping *m, double low, double high);
/* A view, checked: ARGUMENT when it does not fit the image. */
NSC_WARN_UNUSED nsc_status nsc_mapping_of_view(const nsc_image *image, const nsc_view *view, nsc_mapping *out,
                                               nsc_error *err);

double nsc_mapping_modality(const nsc_mapping *m, double stored);
/* 0..1, inversion included; never NaN. */
double nsc_mapping_grey(const nsc_mapping *m, double stored);

/* Modality values of a frame, without padding: smallest and largest. */
NSC_WARN_UNUSED nsc_status nsc_frame_range(nsc_image *image, uint32_t frame, double *low, double *high, nsc_error *err);
/* The same of all frames together. */
NSC_WARN_UNUSED nsc_status nsc_whole_range(nsc_image *image, double *low, double *high, nsc_error *err);
/* Modality values that the significant bits can give; of floats 0..1, rescaled. */
void nsc_type_range(const nsc_image *image, uint32_t frame, double *low, double *high);
/* Two percentiles (0..100) of a frame's modality values without padding, interpolated as numpy.percentile does. */
NSC_WARN_UNUSED nsc_status nsc_frame_percentiles(nsc_image *image, uint32_t frame, const double percents[2],
                                                 double out[2], nsc_error *err);

#endif
