/* What influenced a model: maps over the picture. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_EXPLAIN_H
#define NEGATOSCOPE_EXPLAIN_H

#include "negatoscope/classify.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A map says which parts of a picture made a model speak for a label. It does not say that the model is right, nor that
 * what lies there is a lesion. CAM and Grad-CAM are one run of the model; the others take as many as they have steps.
 */
typedef enum nsc_explain_method {
  NSC_EXPLAIN_CAM = 0, /* class activation map (Zhou et al. 2016): models that end with pooling and one dense layer */
  NSC_EXPLAIN_GRAD_CAM = 1,    /* Selvaraju et al. 2017: layers behind the last feature map must be known to training */
  NSC_EXPLAIN_GRAD_CAM_PP = 2, /* Grad-CAM++, Chattopadhay et al. 2018: likewise */
  NSC_EXPLAIN_OCCLUSION = 3,   /* Zeiler & Fergus 2014: any model */
  NSC_EXPLAIN_RISE = 4,        /* Petsiuk, Das & Saenko 2018: any model */
  NSC_EXPLAIN_GRADIENT = 5,    /* Simonyan, Vedaldi & Zisserman 2013: all layers must be known to training */
  NSC_EXPLAIN_INTEGRATED_GRADIENTS = 6, /* Sundararajan, Taly & Yan 2017: likewise */
  NSC_EXPLAIN_SMOOTH_GRAD = 7           /* Smilkov et al. 2017: likewise */
} nsc_explain_method;

enum { NSC_EXPLAIN_METHOD_COUNT = 8 };

/* The colour map that maps are usually shown in: inferno, which also colour-blind people can read. */
enum { NSC_EXPLAIN_COLOR_MAP = 10 };

/* "cam", "grad-cam", "grad-cam++", "occlusion", "rise", "gradient", "integrated-gradients", "smooth-grad". */
const char *nsc_explain_method_name(nsc_explain_method method);
bool nsc_explain_method_named(const char *name, nsc_explain_method *out);

typedef struct nsc_explain_options {
  nsc_explain_method method;
  int32_t label;    /* -1: the verdict's; for binary models "present"; for multi without a verdict the highest */
  uint32_t samples; /* masks, steps or noisy pictures; 0: 1000 for RISE, else 24. At most 100000 */
  uint32_t window;  /* of occlusion, pixels of the model's input; 0: a seventh of its shorter side */
  uint32_t stride;  /* likewise; 0: half a window */
  double noise;     /* of smooth-grad, as a share of the input's range; 0: 0.15 */
  uint32_t curve;   /* points of an insertion and a deletion curve that are made after the map; 0: none. At most 1000 */
  uint64_t seed;    /* of masks and noise */
} nsc_explain_options;

typedef struct nsc_explanation nsc_explanation;

/*
 * Classifies the frame and begins a map of what spoke for a label; maps of one run are ready with it. The classifier
 * must outlive it and may be used between steps. Errors: those of nsc_classifier_run; UNSUPPORTED, saying why, where
 * the method does not fit the model; ARGUMENT.
 */
NSC_WARN_UNUSED nsc_status nsc_explanation_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                                  const nsc_explain_options *options, const volatile int32_t *cancel,
                                                  nsc_explanation **out, nsc_error *err);
void nsc_explanation_free(nsc_explanation *explanation);

/* What the classification gave; `result` points into the explanation. */
void nsc_explanation_result(const nsc_explanation *explanation, nsc_result *out);

/* Steps done and to do; equal when all is ready. */
void nsc_explanation_progress(const nsc_explanation *explanation, uint32_t *done, uint32_t *total);
/* One step: one run of the model, or one pass through it and back. Nothing when all are done. */
NSC_WARN_UNUSED nsc_status nsc_explanation_step(nsc_explanation *explanation, const volatile int32_t *cancel,
                                                nsc_error *err);

/*
 * The map, float32 [height][width] of the model's input; larger speaks more for the label, below 0 against it. 0
 * until its steps are done. Its unit is the method's: of logits, or of probability (RISE). Points into the explanation.
 * What is shown and where regions lie goes by the same map, of gradients smoothed by a 64th of the longer side.
 */
const float *nsc_explanation_map(const nsc_explanation *explanation, uint32_t *width, uint32_t *height);

/* Spearman's rank correlation of two maps of the same size. A map that stays much the same when the model's weights are
 * shuffled says more of the picture than of the model (Adebayo et al. 2018). Errors: SHAPE, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_explanation_compare(const nsc_explanation *a, const nsc_explanation *b, double *out,
                                                   nsc_error *err);

/*
 * The map as RGBA bytes [height][width][4] of `size` bytes, in colours of a colour map: the highest place has the last
 * one. Transparent below `threshold`, a share of the highest place in 0..1.
 */
NSC_WARN_UNUSED nsc_status nsc_explanation_overlay(const nsc_explanation *explanation, double threshold,
                                                   uint32_t color_map, uint8_t *rgba, size_t size, nsc_error *err);

/*
 * A rendered picture with the map over it: `rgba` [height][width][4] of the image's size holds the rendering and gets
 * the colours, `opacity` (0..1) of them wherever the map is above 0 and
 * at or above the threshold. `width` and `height` must be those of the image that was explained.
 */
NSC_WARN_UNUSED nsc_status nsc_explanation_blend(const nsc_explanation *explanation, double threshold, double opacity,
                                                 uint32_t color_map, uint8_t *rgba, uint32_t width, uint32_t height,
                                                 size_t size, nsc_error *err);

/*
 * {"method", "label", "logit", "score", "width", "height" of the map, "rectangle": [left, top, right, bottom] of the
 * map in pixels of the picture, "lowest", "highest", "threshold", "regions": [{"share" of all influence above 0, "box":
 * [left, top, right, bottom] and "centre": [x, y] in pixels of the picture, "boxMm", "centreMm" from the corner of the
 * first pixel | null, "areaMm2" | null, "patientMm": [x, y, z] of the centre, LPS+ | null, "outline": [[x, y], ..]}],
 * "curves": {"deletion": {"area", "scores": [..]}, "insertion": {..}} | null, "ms": of all steps}. Regions are those at
 * or above `threshold` (0..1) of the highest place, at most 8. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_explanation_json(const nsc_explanation *explanation, double threshold, char **out,
                                                nsc_error *err);

/*
 * The same network with each of its weight tensors in an order drawn by `seed`: the bytes of an ONNX file, ended by
 * nsc_text_free. Biases and norms stay. For the check of Adebayo et al. 2018. Errors: UNSUPPORTED for models with
 * functions or files beside them, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_model_shuffled(const nsc_model *model, uint64_t seed, char **bytes, size_t *size,
                                              nsc_error *err);

/* ---- steadiness: does a small change turn the verdict? ----------------------------------------------------------- */

typedef enum nsc_variation {
  NSC_VARY_SHIFT = 0,      /* up to 4 % of the sides */
  NSC_VARY_ROTATION = 1,   /* up to 5 degrees */
  NSC_VARY_ZOOM = 2,       /* up to 6 % */
  NSC_VARY_BRIGHTNESS = 3, /* up to 6 % of the range */
  NSC_VARY_CONTRAST = 4,   /* up to 15 % */
  NSC_VARY_NOISE = 5,      /* Gaussian, up to 3 % of the range */
  NSC_VARY_BLUR = 6,       /* Gaussian, up to one pixel of the model's input */
  NSC_VARY_JPEG = 7        /* quality 90 to 30 */
} nsc_variation;

enum { NSC_VARIATION_COUNT = 8 };

/* "shift", "rotation", "zoom", "brightness", "contrast", "noise", "blur", "jpeg". */
const char *nsc_variation_name(nsc_variation kind);

/*
 * Scores a frame under small changes of the model's input. All of them together are also an average over variations of
 * the picture (test-time augmentation) with its spread.
 */
typedef struct nsc_stability nsc_stability;

/* `draws` of each kind, 1 to 1000; 0: 8. The classifier must outlive it. Errors: those of nsc_classifier_run, ARGUMENT.
 */
NSC_WARN_UNUSED nsc_status nsc_stability_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                                uint32_t draws, uint64_t seed, const volatile int32_t *cancel,
                                                nsc_stability **out, nsc_error *err);
void nsc_stability_free(nsc_stability *stability);
/* As of an explanation: one step is one run of the model. The last one runs the unchanged file through the whole road
 * again. A model with dropout is also run with it at work, four times for each draw of a kind (Gal & Ghahramani 2016).
 */
void nsc_stability_progress(const nsc_stability *stability, uint32_t *done, uint32_t *total);
NSC_WARN_UNUSED nsc_status nsc_stability_step(nsc_stability *stability, const volatile int32_t *cancel, nsc_error *err);
/*
 * {"label": the verdict's, or the one that would be present, "score", "verdict", "threshold", "draws", "flips": how
 * many of them had another verdict, "mean", "deviation" of the label's score over all, "lowest", "highest", "seed",
 * "kinds":
 * [{"name", "draws", "flips", "lowest", "mean", "highest"}], "dropout": as a kind, and "deviation", of runs with
 * dropout at work, in none of the others | null without it, "repeated": the score of the unchanged file once more |
 * null before the last step}. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_stability_json(const nsc_stability *stability, char **out, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
