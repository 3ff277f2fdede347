/* Filters, and how a model wants its input. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_RECIPE_H
#define NEGATOSCOPE_RECIPE_H

#include "negatoscope/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- steps: filters on a picture --------------------------------------------------------------------------------- */

/* Each parameter's name, bounds and default: nsc_steps_known_json. Sources are named in src/image/filter.h. */
typedef enum nsc_filter_kind {
  NSC_FILTER_GREY = 0,        /* ITU-R BT.601 luma in all channels */
  NSC_FILTER_INVERT = 1,      /* 1 - x */
  NSC_FILTER_NORMALISE = 2,   /* smallest..largest value to 0..1 */
  NSC_FILTER_STANDARDISE = 3, /* the mean to 0.5, `deviations` below and above it to 0 and 1 */
  NSC_FILTER_BINARISE = 4,    /* 1 at `threshold` and above, else 0 */
  NSC_FILTER_OTSU = 5,        /* the same, with Otsu's threshold */
  NSC_FILTER_EQUALISE = 6,    /* histogram equalisation over 256 levels */
  NSC_FILTER_CLAHE = 7,       /* contrast limited adaptive: `clip` times the mean bin, `tiles` x `tiles` */
  NSC_FILTER_MEDIAN = 8,      /* of `size` x `size` pixels: 3, 5 or 7 */
  NSC_FILTER_GAUSSIAN = 9,    /* `sigma` in pixels */
  NSC_FILTER_SHARPEN = 10,    /* unsharp mask: `sigma` in pixels, `amount` */
  NSC_FILTER_SOBEL = 11,      /* length of the gradient; a straight edge from 0 to 1 is 1 */
  NSC_FILTER_CANNY = 12       /* edges as 1: `sigma` in pixels, `low` and `high` as lengths of that gradient */
} nsc_filter_kind;

enum { NSC_STEPS_MAX = 8, NSC_FILTER_VALUES = 3 };

typedef struct nsc_filter {
  nsc_filter_kind kind;
  double values[NSC_FILTER_VALUES]; /* its parameters, in the order above */
} nsc_filter;

/* Applied in this order. {0}: none. */
typedef struct nsc_steps {
  uint32_t count;
  nsc_filter list[NSC_STEPS_MAX];
} nsc_steps;

/* Reads [{"step":"median","size":3},{"step":"clahe","clip":2,"tiles":8}]: at most NSC_STEPS_MAX, parameters left out
 * have their defaults. Errors: ARGUMENT, naming step and parameter. */
NSC_WARN_UNUSED nsc_status nsc_steps_parse(const char *json, size_t size, nsc_steps *out, nsc_error *err);

/* The list that nsc_steps_parse reads, every parameter written. Ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_steps_json(const nsc_steps *steps, char **out, nsc_error *err);

/*
 * What a form needs: [{"step","parameters":[{"name","least","most","by","default"}]}], in the order of nsc_filter_kind.
 * `by`: 0 for any number, else the value is `least` plus a whole multiple of it. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_steps_known_json(char **out, nsc_error *err);

/*
 * Applies the steps to floats 0..1, [height][width][channels] with 1 or 3 channels, in place. Thresholds and edges look
 * at colour's luma and give grey; equalise and CLAHE move all channels by as much as the luma. Beyond its edge a
 * picture is mirrored. Errors: ARGUMENT, LIMIT, MEMORY, naming the step.
 */
NSC_WARN_UNUSED nsc_status nsc_steps_apply(const nsc_steps *steps, float *values, uint32_t width, uint32_t height,
                                           uint32_t channels, nsc_error *err);

/* The same for a rendered picture, RGBA bytes [height][width][4] of `size` bytes; alpha stays. For the screen only. */
NSC_WARN_UNUSED nsc_status nsc_filter_rgba(const nsc_steps *steps, uint8_t *rgba, uint32_t width, uint32_t height,
                                           size_t size, nsc_error *err);

/* ---- recipes: how a model wants its input ----------------------------------------------------------------------- */

typedef enum nsc_fit {
  NSC_FIT_STRETCH = 0, /* to width x height, aspect ratio not kept */
  NSC_FIT_CROP = 1,    /* the shorter side to size * 1/crop_scale, then the centre */
  NSC_FIT_PAD = 2      /* the longer side to size, the rest filled with black, image centred */
} nsc_fit;

/* Which values become 0 and 1 before mean and std. All depend on the file alone, never on a screen. */
typedef enum nsc_range_kind {
  NSC_RANGE_VOI = 0,        /* as nsc_view_default: the file's own first window or LUT, else a range of its values */
  NSC_RANGE_WINDOW = 1,     /* modality values low..high, e.g. -1000..400 HU */
  NSC_RANGE_FRAME = 2,      /* smallest..largest value of the frame */
  NSC_RANGE_PERCENTILE = 3, /* low..high percentile of the frame's values */
  NSC_RANGE_TYPE = 4        /* what the significant bits can hold: 0..255, 0..4095, -32768..32767, ... */
} nsc_range_kind;

typedef struct nsc_recipe {
  uint32_t width, height; /* of the model's input, 1 to 4096 */
  uint32_t channels;      /* 1 (colour becomes ITU-R 601 luma, as in Pillow's "L") or 3 (grey is repeated) */
  nsc_fit fit;
  double crop_scale; /* for NSC_FIT_CROP: 0.875 resizes 256 for 224; 1 takes the whole shorter side */
  nsc_range_kind range;
  double low, high;      /* for NSC_RANGE_WINDOW (modality units) and NSC_RANGE_PERCENTILE (0..100) */
  bool invert;           /* models trained on films where bone is black */
  nsc_steps steps;       /* filters, at the model's size, on 0..1 */
  float scale;           /* multiplies 0..1 before mean and std; 1, or 255, or 2048 with mean 1024 (TorchXRayVision) */
  float mean[3], std[3]; /* (x * scale - mean) / std, per channel */
} nsc_recipe;

/*
 * Reads the JSON of the model metadata `nsc.input`:
 * {"width":224,"height":224,"channels":3,"fit":"crop","cropScale":0.875,
 *  "range":{"kind":"window","low":-1000,"high":400},"invert":false,
 *  "steps":[{"step":"median","size":3}],"scale":1,"mean":[..],"std":[..]}
 * fit: stretch (default), crop, pad. kind: voi (default), window, frame, percentile, type. Errors: RECIPE, with the
 * field's name.
 */
NSC_WARN_UNUSED nsc_status nsc_recipe_parse(const char *json, size_t size, nsc_recipe *out, nsc_error *err);

/* The recipe as the JSON that nsc_recipe_parse reads, every field written but an empty `steps`. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_recipe_json(const nsc_recipe *recipe, char **out, nsc_error *err);

/* A preset for models without metadata: "imagenet", "0-1", "-1-1", "torchxrayvision". Size and channels are kept. */
NSC_WARN_UNUSED nsc_status nsc_recipe_preset(const char *name, nsc_recipe *inout, nsc_error *err);

/*
 * One frame to the model's input: modality values -> range 0..1 -> luma or RGB -> antialiased bilinear resize (equal to
 * Pillow's within 1/255) -> crop or pad -> steps -> scale, mean, std. `out` is [height][width][channels], `count` its
 * floats.
 */
NSC_WARN_UNUSED nsc_status nsc_preprocess(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, float *out,
                                          size_t count, nsc_error *err);

/* "What the model saw": the same, before mean and std, as RGBA bytes [height][width][4]. */
NSC_WARN_UNUSED nsc_status nsc_preprocess_preview(nsc_image *image, uint32_t frame, const nsc_recipe *recipe,
                                                  uint8_t *rgba, size_t size, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
