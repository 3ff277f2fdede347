/* From an image to a result; a smaller model from a float one; constants for bindings. Part of negatoscope.h, which has
 * the conventions. */
#ifndef NEGATOSCOPE_CLASSIFY_H
#define NEGATOSCOPE_CLASSIFY_H

#include "negatoscope/model.h"
#include "negatoscope/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- classification: image -> tensor -> scores -> result --------------------------------------------------------- */

typedef enum nsc_task {
  NSC_TASK_SINGLE = 0, /* exactly one label is true: softmax */
  NSC_TASK_MULTI = 1,  /* each label for itself: sigmoid */
  NSC_TASK_BINARY = 2  /* labels[0] absent, labels[1] present: one sigmoid output or a softmax of two */
} nsc_task;

typedef struct nsc_classifier_options {
  uint32_t threads;
  const char *recipe_json; /* for foreign models: replaces `nsc.input`; NULL to use the model's own */
  const char *labels_json; /* likewise for `nsc.labels`, ["a","b"]; without either, "0", "1", ... */
  const char *output;      /* likewise for `nsc.output`: "logits" or "probabilities" */
  uint32_t batch;          /* pictures in one run of the network, at most; 0 or 1: one */
} nsc_classifier_options;

/*
 * What a classifier with these options would take of memory, without making one; where neither options nor model have
 * a recipe, the network alone at the size that the model declares. Errors: as nsc_model_memory, and RECIPE.
 */
NSC_WARN_UNUSED nsc_status nsc_classifier_memory(const nsc_model *model, const nsc_classifier_options *options,
                                                 nsc_memory *out, nsc_error *err);
/* The same as {"fileMB","weightsMB","activationsMB","otherMB","peakMB","threads","batch"}, MB being 1e6 bytes. Ended by
 * nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_classifier_memory_json(const nsc_model *model, const nsc_classifier_options *options,
                                                      char **out, nsc_error *err);

/* Model, recipe, labels, thresholds and a session, together. */
typedef struct nsc_classifier nsc_classifier;

/* The model must outlive the classifier. Errors: as nsc_session_create, and RECIPE. */
NSC_WARN_UNUSED nsc_status nsc_classifier_create(const nsc_model *model, const nsc_classifier_options *options,
                                                 nsc_classifier **out, nsc_error *err);

void nsc_classifier_free(nsc_classifier *classifier);
/* The network's last run, step by step, as nsc_session_json. */
NSC_WARN_UNUSED nsc_status nsc_classifier_profile(const nsc_classifier *classifier, char **out, nsc_error *err);

const nsc_recipe *nsc_classifier_recipe(const nsc_classifier *classifier);

/* Whether a picture is one that the model may judge. */
typedef enum nsc_applies_verdict {
  NSC_APPLIES_UNKNOWN = 0,  /* the model does not say what it learnt from */
  NSC_APPLIES_IN_RANGE = 1, /* like those */
  NSC_APPLIES_DOUBTFUL = 2, /* less like those than 99 % of them */
  NSC_APPLIES_OUT = 3       /* of another kind: its scores mean nothing */
} nsc_applies_verdict;

/* "in range", "doubtful", "out of range"; NULL for unknown. */
const char *nsc_applies_name(nsc_applies_verdict verdict);

/* Why not: flags. */
typedef enum nsc_applies_reason {
  NSC_APPLIES_FEATURES = 1 << 0, /* the network sees what it did not see in training */
  NSC_APPLIES_LOOK = 1 << 1,     /* lit, coloured or rough in an unusual way */
  NSC_APPLIES_COLOUR = 1 << 2,   /* a colour picture, and the model knows grey ones */
  NSC_APPLIES_SHAPE = 1 << 3,    /* wider or higher than those, which the recipe would distort */
  NSC_APPLIES_MODALITY = 1 << 4, /* the file's own words: another modality, */
  NSC_APPLIES_BODY_PART = 1 << 5,
  NSC_APPLIES_VIEW = 1 << 6,
  NSC_APPLIES_RECONSTRUCTION = 1 << 7, /* an autoencoder of its pictures does not make it again */
  NSC_APPLIES_FIELDS = 1 << 8          /* of models for times to an event: a fact about the patient */
} nsc_applies_reason;

typedef struct nsc_applies {
  nsc_applies_verdict verdict;
  uint32_t reasons; /* of nsc_applies_reason */
  /* 0: as the median picture that was held back in training, 1: farther than 99 % of them. NaN where not known. */
  double features, look, reconstruction;
} nsc_applies;

/* How a score lies to its threshold. Borderline: its odds are within a factor of two of the threshold's; where exactly
 * one label is true, those of the best label within a factor of two of the second's. */
typedef enum nsc_relation { NSC_RELATION_BELOW = 0, NSC_RELATION_BORDERLINE = 1, NSC_RELATION_ABOVE = 2 } nsc_relation;

/* Everything points into the classifier and stays valid until its next run. */
typedef struct nsc_result {
  nsc_task task;
  uint32_t count;            /* labels */
  const char *const *labels; /* [count] */
  const float *scores;       /* [count] probabilities, calibrated: after temperature */
  const float *raw;          /* [count] the same before it, as the network has them */
  const float *thresholds;   /* [count]; for single the first is 0 (the largest score wins) */
  uint32_t verdict;      /* single: the best label; binary: 0 or 1; multi: index of the highest score at or above its
                            threshold, or `count` when none is */
  nsc_relation relation; /* of the verdict's label; without a verdict of the highest, in binary models of labels[1] */
  nsc_applies applies;
  double decode_ms, preprocess_ms, inference_ms;
} nsc_result;

/* A result without scores: labels, task and thresholds are known before anything is classified. */
void nsc_classifier_blank_result(const nsc_classifier *classifier, nsc_result *out);

/*
 * Many pictures, some with each run of the network: each is put into its slot, from 0 up to the batch that the
 * classifier was made with, and its image must not be freed before the run has ended; one run prepares and computes all
 * slots, with what they held before where nothing new was put; then results are asked for, slot by slot. A picture's
 * scores do not depend on the others, but their last digits may on the batch. Errors: those of nsc_classifier_run, of
 * one picture where it is its own.
 */
uint32_t nsc_classifier_batch(const nsc_classifier *classifier);
NSC_WARN_UNUSED nsc_status nsc_classifier_put(nsc_classifier *classifier, uint32_t slot, nsc_image *image,
                                              uint32_t frame, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_classifier_run_batch(nsc_classifier *classifier, const volatile int32_t *cancel,
                                                    nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_classifier_result(nsc_classifier *classifier, uint32_t slot, nsc_result *out,
                                                 nsc_error *err);

/* Classifies one frame. `cancel` as in nsc_session_run. */
NSC_WARN_UNUSED nsc_status nsc_classifier_run(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                              const volatile int32_t *cancel, nsc_result *out, nsc_error *err);

/*
 * {"model", "task", "scores": {label: p}, "raw": {label: p}, "threshold", "verdict", "advice", "relation": "below",
 * "borderline" or "above", "applies", "ms": {"decode", "preprocess", "inference"}} of a result. `threshold` is a number
 * for binary, an object for multi, null for single. `applies` is {"verdict": "in range", "doubtful", "out of range",
 * "reasons": ["features", "look", "colour", "shape", "modality", "bodyPart", "view", "reconstruction", "fields"],
 * "features", "look", "reconstruction"} | null. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_result_json(const nsc_classifier *classifier, const nsc_result *result, char **out,
                                           nsc_error *err);

/* ---- ensembles: several models on one picture -------------------------------------------------------------------- */

typedef enum nsc_combine {
  NSC_COMBINE_AVERAGE = 0, /* means of calibrated probabilities; the threshold is the mean of the members' */
  NSC_COMBINE_VOTE = 1,    /* shares of members whose verdict is the label; at least half of them make a verdict */
  NSC_COMBINE_STACK = 2    /* by weights that were learnt (nsc_ensemble_fit) */
} nsc_combine;

/* "average", "vote", "stack". */
const char *nsc_combine_name(nsc_combine combine);

enum { NSC_ENSEMBLE_MOST = 16 /* members */ };

typedef struct nsc_ensemble nsc_ensemble;

/* What all members say together. Labels are those of the first member, in its order. */
typedef struct nsc_ensemble_result {
  nsc_task task;
  nsc_combine combine;
  uint32_t count, members;
  const char *const *labels;     /* [count] */
  const float *scores;           /* [count] combined */
  const float *deviation;        /* [count] standard deviation of the members' calibrated probabilities */
  const float *lowest, *highest; /* [count] of them */
  const float *thresholds;       /* [count] */
  const float *member_scores;    /* [members][count] */
  const char *const *names;      /* [members] of the models; "" of one without */
  const uint32_t *verdicts;      /* [members] index of a label, or `count` for none */
  uint32_t verdict;              /* likewise */
  const uint32_t *votes;         /* [count] members that said the label; with several labels, each for itself */
  nsc_applies_verdict applies;   /* the worst of those members that say it */
  double ms;                     /* of all members */
} nsc_ensemble_result;

/* `stack_json` is what nsc_ensemble_fit wrote, for NSC_COMBINE_STACK; else NULL. Errors: ARGUMENT, CORRUPT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_ensemble_create(nsc_combine combine, const char *stack_json, nsc_ensemble **out,
                                               nsc_error *err);
void nsc_ensemble_free(nsc_ensemble *ensemble);

/*
 * Asks one more member about a frame. Members may have been made by anybody, at different sizes, but know the same
 * labels (in any order) and have the same task. They are asked one after the other, and may end as soon as they have
 * spoken. Errors: RECIPE naming what differs from the first member or from those that a stack was learnt from, LIMIT
 * beyond NSC_ENSEMBLE_MOST, those of nsc_classifier_run.
 */
NSC_WARN_UNUSED nsc_status nsc_ensemble_ask(nsc_ensemble *ensemble, nsc_classifier *classifier, nsc_image *image,
                                            uint32_t frame, const volatile int32_t *cancel, nsc_error *err);
/* Together. Everything in *out points into the ensemble until the next picture. Errors: ARGUMENT for fewer than two
 * members. */
NSC_WARN_UNUSED nsc_status nsc_ensemble_combine(nsc_ensemble *ensemble, nsc_ensemble_result *out, nsc_error *err);
/* Forgets what the members said: for the next picture, about which the same ones are asked in the same order. */
void nsc_ensemble_next(nsc_ensemble *ensemble);

/* {"task", "combine": "average", "vote" or "stack", "members": [{"name", "scores": {label: p}, "verdict"}], "scores":
 * {label: p}, "deviation": {..}, "lowest": {..}, "highest": {..}, "threshold": {..} | null for single, "verdict",
 * "votes": {label: how many members}, "applies", "ms"}. Ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_ensemble_json(const nsc_ensemble_result *result, char **out, nsc_error *err);

/*
 * Learns how much each member's word counts: after all were asked about a picture, what it shows, `truth` [count], 0 or
 * 1 for each label. For pictures that no member was trained on. Errors: ARGUMENT for fewer than two members, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_ensemble_learn(nsc_ensemble *ensemble, const uint8_t *truth, nsc_error *err);
/*
 * {"format": "negatoscope-stack", "version": 1, "task", "labels", "members": [names], "weights", "bias", "thresholds" |
 * null for single, "pictures", "logLoss": {"stack", "average" of the members, "held": of fits to four fifths, over the
 * other fifth, "members": [each alone]}}. Ended by nsc_text_free. Errors: ARGUMENT for fewer than 30 pictures, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_ensemble_fit(nsc_ensemble *ensemble, char **out, nsc_error *err);

/* ---- applicability: which pictures a model may judge ------------------------------------------------------------- */

/*
 * Learns from a model's own pictures what is usual, and writes it into the model as `nsc.applicability`: means and
 * correlations of its features and of what pictures look like, and if asked for a small autoencoder of them; no
 * picture.
 */
typedef struct nsc_study nsc_study;

/* Of a classifier or, of the options only `threads` and `recipe_json`, a model for times to an event. The model must
 * outlive it; what it says of its applicability is not looked at. Errors: those of nsc_classifier_create and
 * nsc_prognosis_create. */
NSC_WARN_UNUSED nsc_status nsc_study_create(const nsc_model *model, const nsc_classifier_options *options,
                                            nsc_study **out, nsc_error *err);
/* A picture that the model learnt from or, with `held`, one that it did not, which says how far usual ones lie. */
NSC_WARN_UNUSED nsc_status nsc_study_add(nsc_study *study, nsc_image *image, uint32_t frame, bool held, nsc_error *err);
/*
 * Before the first picture: an autoencoder learns, too, from bytes of them at 32 x 32 pixels, some thousand at
 * most, which stay in memory until the end. One seed, one result. Errors: ARGUMENT after a picture, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_study_use_autoencoder(nsc_study *study, uint64_t seed, nsc_error *err);

/* How far the autoencoder is. Losses are mean squared errors of values 0..1; numbers are NaN before the first epoch has
 * ended. */
typedef struct nsc_autoencoder_progress {
  uint32_t epoch, epochs; /* done, and in all; 0 of 0 without an autoencoder */
  double loss, validation_loss;
  double seconds_left; /* as long as each epoch takes what the last one took */
} nsc_autoencoder_progress;

/*
 * After the last picture: trains the autoencoder for about `milliseconds`, or until it has ended, which *finished says;
 * without one there is nothing to do. May be called again after any return, also after CANCELLED. `progress` may be
 * NULL. Errors: ARGUMENT without pictures to learn from, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_study_run(nsc_study *study, double milliseconds, const volatile int32_t *cancel,
                                         bool *finished, nsc_autoencoder_progress *progress, nsc_error *err);
/*
 * The model with `nsc.applicability`; an autoencoder that has not ended is left out. `expects` is NULL or {"modality":
 * [..], "bodyPart": [..], "view": [..]}, codes of DICOM files that it is made for. *bytes is ended by nsc_text_free.
 * Errors: ARGUMENT for fewer than ten pictures held back.
 */
NSC_WARN_UNUSED nsc_status nsc_study_finish(nsc_study *study, const char *expects, char **bytes, size_t *size,
                                            nsc_error *err);
void nsc_study_free(nsc_study *study);

/* ---- quantisation: a smaller, faster model from a float one ------------------------------------------------------ */

/* How the range of an activation is chosen from what calibration saw. */
typedef enum nsc_quantize_method {
  NSC_QUANTIZE_MINMAX = 0,     /* the smallest and the largest value */
  NSC_QUANTIZE_PERCENTILE = 1, /* all but the outermost */
  NSC_QUANTIZE_MSE = 2,        /* the smallest squared error */
  NSC_QUANTIZE_ENTROPY = 3     /* the smallest divergence between the distributions before and after */
} nsc_quantize_method;

/* "minmax", "percentile", "mse" or "entropy"; false for any other word. */
bool nsc_quantize_method_named(const char *name, nsc_quantize_method *out);

typedef enum nsc_weight_storage {
  NSC_WEIGHTS_F16 = 0, /* half the bytes */
  NSC_WEIGHTS_INT8 = 1 /* a quarter */
} nsc_weight_storage;

typedef struct nsc_quantize_options {
  nsc_quantize_method method;
  double percentile; /* of PERCENTILE, above 50 up to 100; 0: 99.99 */
  bool float_first;  /* the first layer stays in float */
  uint32_t keep_count;
  const char *const *keep; /* names of nodes that stay in float; * and ? stand for any characters */
} nsc_quantize_options;

/*
 * Post-training quantisation: pictures go through the model's recipe and the float model, what flows between its layers
 * is counted, and a model with QuantizeLinear and DequantizeLinear (QDQ) comes out, which other engines open, too. It
 * keeps all metadata and gains `nsc.quantization`. Nothing of a picture is kept but counts.
 */
typedef struct nsc_quantization nsc_quantization;

/* The model must outlive it. `classifier` as in nsc_classifier_create; both options may be NULL. Errors: those of
 * nsc_classifier_create, UNSUPPORTED for a model in which nothing can be quantised, ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_quantization_create(const nsc_model *model, const nsc_classifier_options *classifier,
                                                   const nsc_quantize_options *options, nsc_quantization **out,
                                                   nsc_error *err);
/* Counts what one frame makes of the model. `cancel` as in nsc_session_run: the frame is not counted then. Errors:
 * those of nsc_classifier_run. */
NSC_WARN_UNUSED nsc_status nsc_quantization_add(nsc_quantization *q, nsc_image *image, uint32_t frame,
                                                const volatile int32_t *cancel, nsc_error *err);
/* The quantised model, ended by nsc_text_free. Errors: ARGUMENT before the first frame, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_quantization_finish(nsc_quantization *q, char **bytes, size_t *size, nsc_error *err);
void nsc_quantization_free(nsc_quantization *q);

/* The same model with weights in fewer bytes, computed in float32 as before; no pictures needed. */
NSC_WARN_UNUSED nsc_status nsc_quantize_weights(const nsc_model *model, nsc_weight_storage storage, char **bytes,
                                                size_t *size, nsc_error *err);

/* ---- for bindings ------------------------------------------------------------------------------------------------ */

/*
 * What a user interface must know without repeating it: {"version","build","statuses":{name: number},"limits":{..},
 * "voiFunctions":[..],"windowPresets":[{"name","modality","center","width"}],"recipePresets":[..],
 * "filters": as nsc_steps_known_json, "measures": [names in the order of nsc_measure_kind], "explanations": [those of
 * nsc_explain_method]}. limits.steps is
 * NSC_STEPS_MAX.
 */
NSC_WARN_UNUSED nsc_status nsc_constants_json(char **out, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
