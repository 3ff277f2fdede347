/*
 * From images into a network, and what it sees of them: what classifiers and prognoses have in common. The one place
 * where image/ and nn/ meet.
 */
#ifndef NSC_PIPELINE_EYE_H
#define NSC_PIPELINE_EYE_H

#include "negatoscope.h"
#include "pipeline/applicability.h"

/* A picture that was put before the network. */
typedef struct nsc_seen {
  nsc_image *image; /* until the next run makes the input of it, else NULL */
  uint32_t frame;
  bool fresh;          /* its input is made, and the next run will judge it */
  nsc_applies applies; /* what the file says of itself, and once it is judged what the model sees */
  nsc_error error;     /* why there is no input of it, or no judgement */
  double decode_ms, preprocess_ms;
} nsc_seen;

typedef struct nsc_eye {
  /* The owner's, before nsc_eye_open. */
  const nsc_model *model;
  const nsc_recipe *recipe;
  uint32_t batch;      /* pictures in a run */
  bool channels_first; /* of the model's first input: N, C, H, W; else N, H, W, C (nsc_fit_picture) */

  nsc_session *session;
  float *input;       /* [batch][height][width][channels] */
  size_t input_count; /* of one picture */
  nsc_seen *seen;     /* [batch] */
  double run_ms;      /* what the network took in the last run, with its outputs not yet read */
  nsc_applicability applicability;
  bool says_applicability;
  uint32_t map;       /* value of the model's last feature map, or NSC_NO_VALUE */
  size_t map_size[3]; /* its height, width, channels */
} nsc_eye;

/* The picture input `info` of a model, as the recipe makes it: what the model leaves open is filled in.
 * *channels_first: it is N, C, H, W, else N, H, W, C. Errors: UNSUPPORTED (no picture), RECIPE (sizes do not fit). */
NSC_WARN_UNUSED nsc_status nsc_fit_picture(const nsc_recipe *recipe, uint32_t batch, nsc_tensor_info *info,
                                           bool *channels_first, nsc_error *err);

/* A session on inputs that fit. After a failure, too, it is to be closed. Errors: those of nsc_session_create, RECIPE
 * (nsc.applicability). */
NSC_WARN_UNUSED nsc_status nsc_eye_open(nsc_eye *eye, const nsc_session_options *options, nsc_error *err);
/* Which of the model's outputs the owner reads: the feature map is kept only if it is on the way there. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_eye_aim(nsc_eye *eye, uint32_t output, nsc_error *err);
/* From here on nsc.applicability is not looked at. */
void nsc_eye_forget_applicability(nsc_eye *eye);
void nsc_eye_close(nsc_eye *eye);

/* Puts a frame into a slot of the batch. The image must stay until the next run has ended, which prepares all that were
 * put. Errors: ARGUMENT, those of decoding. */
NSC_WARN_UNUSED nsc_status nsc_eye_put(nsc_eye *eye, uint32_t slot, nsc_image *image, uint32_t frame, nsc_error *err);
/* Prepares what was put, side by side on the session's threads, runs the network on what is in `input`, and judges
 * whether the model may judge what was put. Errors: those of nsc_session_run. */
NSC_WARN_UNUSED nsc_status nsc_eye_run(nsc_eye *eye, const volatile int32_t *cancel, nsc_error *err);

/* Of a slot of the last run. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_eye_see(nsc_eye *eye, uint32_t slot, nsc_sight *out, nsc_error *err);
/* Whether the model may judge what was put into a slot; UNKNOWN where it does not say. Errors: those of preparing that
 * picture. */
NSC_WARN_UNUSED nsc_status nsc_eye_applies(const nsc_eye *eye, uint32_t slot, nsc_applies *out, nsc_error *err);

/* A model's input to values 0..1 as the recipe had them before mean and deviation, and back; in place where both are
 * one. */
void nsc_recipe_to_units(const nsc_recipe *recipe, const float *input, size_t count, float *out);
void nsc_recipe_from_units(const nsc_recipe *recipe, const float *units, size_t count, float *out);
/* Values of one picture. */
size_t nsc_recipe_count(const nsc_recipe *recipe);

#endif
