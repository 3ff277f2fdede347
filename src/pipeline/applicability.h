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

enum { NSC_EXPECTED_MOST = 16 };

/* Grey films that were saved as colour differ by what JPEG leaves; photographs by ten times as much. */
#define NSC_COLOUR_FROM 0.02

/* Code strings of a file's tags that the model was made for; none: all. */
typedef struct nsc_expected {
  uint32_t count;
  char list[NSC_EXPECTED_MOST][17];
} nsc_expected;

typedef struct nsc_applicability {
  nsc_gaussian features, look; /* count 0 where there is none */
  bool grey;                   /* learnt from grey pictures alone */
  double aspect[2];            /* least and largest width over height; 0 where not known */
  nsc_expected modality, body_part, view;
} nsc_applicability;

/* Errors: RECIPE where the text is no such JSON. */
NSC_WARN_UNUSED nsc_status nsc_applicability_read(const char *json, size_t size, nsc_applicability *out,
                                                  nsc_error *err);
void nsc_applicability_write(const nsc_applicability *a, nsc_text *t);
void nsc_applicability_drop(nsc_applicability *a);

/* The member "applies" of a result's JSON. */
void nsc_applies_write(const nsc_applies *a, nsc_text *t);

/* What is known of a picture that a model has just seen. */
typedef struct nsc_applicant {
  nsc_image *image; /* NULL: only the tensor is known */
  uint32_t frame;
  const float *features; /* [feature_count], pooled; NULL where the model has none */
  uint32_t feature_count;
  const float *look; /* [NSC_LOOK_COUNT] */
} nsc_applicant;

/* Errors: those of decoding. */
NSC_WARN_UNUSED nsc_status nsc_applicability_judge(const nsc_applicability *a, const nsc_applicant *who,
                                                   nsc_applies *out, nsc_error *err);

/* Means of a feature map [places][channels] over its places; longer than NSC_GAUSSIAN_MOST they are projected to so
 * many by random signs, always the same. Returns how many. */
uint32_t nsc_pool_features(const float *map, size_t places, size_t channels, float out[NSC_GAUSSIAN_MOST]);

/* How colourful a frame is: the mean difference between channels, 0..1. */
NSC_WARN_UNUSED nsc_status nsc_image_colour(nsc_image *image, uint32_t frame, double *out, nsc_error *err);

#endif
