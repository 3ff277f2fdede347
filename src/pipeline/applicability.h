/*
 * Whether a model may judge a picture: what `nsc.applicability` says of those that it learnt from
 * (docs/MODEL-FORMAT.md), and how far a picture lies from them.
 */
#ifndef NSC_PIPELINE_APPLICABILITY_H
#define NSC_PIPELINE_APPLICABILITY_H

#include "base/json.h"
#include "explain/gaussian.h"
#include "explain/look.h"
#include "negatoscope.h"
#include "pipeline/reconstruction.h"

enum { NSC_EXPECTED_MOST = 16 };

/* Grey films that were saved as colour differ by what JPEG leaves; photographs by ten times as much. */
#define NSC_COLOUR_FROM 0.02

/* Code strings of a file's tags that the model was made for; none: all. */
typedef struct nsc_expected {
  uint32_t count;
  char list[NSC_EXPECTED_MOST][17];
} nsc_expected;

typedef struct nsc_applicability {
  nsc_gaussian features, look;        /* count 0 where there is none */
  nsc_reconstruction *reconstruction; /* NULL where there is none */
  bool grey;                          /* learnt from grey pictures alone */
  double aspect[2];                   /* least and largest width over height; 0 where not known */
  nsc_expected modality, body_part, view;
} nsc_applicability;

/* Errors: RECIPE where the text is no such JSON, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_applicability_read(const char *json, size_t size, nsc_applicability *out,
                                                  nsc_error *err);
void nsc_applicability_write(const nsc_applicability *a, nsc_text *t);
void nsc_applicability_drop(nsc_applicability *a);

/* The member "applies" of a result's JSON. */
void nsc_applies_write(const nsc_applies *a, nsc_text *t);

/* What a study and a judgement go by: what a network and an eye see of a picture. */
typedef struct nsc_sight {
  uint32_t feature_count; /* 0 where the model has no feature map */
  float features[NSC_GAUSSIAN_MOST], look[NSC_LOOK_COUNT];
  double reconstruction; /* as nsc_reconstruction_unusual; NaN without an autoencoder */
} nsc_sight;

/* By what the file says and shows without the model. Errors: those of decoding. */
NSC_WARN_UNUSED nsc_status nsc_applicability_judge_file(const nsc_applicability *a, nsc_image *image, uint32_t frame,
                                                        nsc_applies *out, nsc_error *err);
/* Adds what the model saw. */
void nsc_applicability_judge_sight(const nsc_applicability *a, const nsc_sight *sight, nsc_applies *inout);

/* Means of a feature map [places][channels] over its places; longer than NSC_GAUSSIAN_MOST they are projected to so
 * many by random signs, always the same. Returns how many. */
uint32_t nsc_pool_features(const float *map, size_t places, size_t channels, float out[NSC_GAUSSIAN_MOST]);

/* How colourful a frame is: the mean difference between channels, 0..1. */
NSC_WARN_UNUSED nsc_status nsc_image_colour(nsc_image *image, uint32_t frame, double *out, nsc_error *err);

#endif
