/* What the parts of an explanation share. */
#ifndef NSC_PIPELINE_EXPLAIN_H
#define NSC_PIPELINE_EXPLAIN_H

#include "explain/attribute.h"
#include "explain/map.h"
#include "explain/perturb.h"
#include "image/place.h"
#include "pipeline/classify.h"

struct nsc_explanation {
  nsc_classifier *classifier;
  nsc_explain_options options; /* with defaults filled in */
  uint32_t label;
  nsc_result result;
  float *scores; /* [2][labels]: calibrated, and not */
  double logit;
  nsc_input_picture picture; /* its values are ours */
  float *covered;            /* the picture that a step is about */
  float *sum, *weight;       /* what the steps add up: of pixels, or of values for gradients */
  float *mask;               /* RISE */
  float *map;
  float *shown;     /* the map, without what is above 0 at single pixels alone: for regions and pictures */
  double score_sum; /* RISE */
  nsc_occlusion occlusion;
  nsc_net *net; /* the whole network, for gradients */
  nsc_compute *compute;
  float *logit_weights; /* [outputs] */
  uint32_t map_steps, done, total;
  uint32_t *order; /* of pixels, when the map is ready and curves are wanted */
  float *curves;   /* deletion, insertion: [2][curve] */
  uint32_t image_width, image_height;
  double rectangle[4]; /* of the map, in pixels of the image */
  bool has_spacing, has_place;
  double spacing[2];
  nsc_place place;
  double ms;
};

/* explain_methods.c: what is ready at once, how many steps the rest has, and one of them. */
nsc_status nsc_explain_begin(nsc_explanation *e, nsc_error *err);
nsc_status nsc_explain_map_step(nsc_explanation *e, const volatile int32_t *cancel, nsc_error *err);
/* Both maps, when all of the map's steps are done. */
nsc_status nsc_explain_finish(nsc_explanation *e, nsc_error *err);

/* explain_json.c: 1 where the map is at or above that share of its highest place: [height][width] of the image. */
NSC_WARN_UNUSED nsc_status nsc_explanation_mask(const nsc_explanation *explanation, double threshold, uint8_t *mask,
                                                size_t size, nsc_error *err);

#endif
