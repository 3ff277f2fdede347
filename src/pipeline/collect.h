/* From images to a data set, and from a trained network to a model file: where image/, train/ and nn/ meet. */
#ifndef NSC_PIPELINE_COLLECT_H
#define NSC_PIPELINE_COLLECT_H

#include "train/dataset.h"
#include "train/net.h"

/* One frame through the recipe to floats 0..1, [height][width][channels]: what training sees before mean, std and
 * scale, which are not applied. */
NSC_WARN_UNUSED nsc_status nsc_collect_values(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, float *values,
                                              size_t count, nsc_error *err);

/* One frame through the recipe (its mean, std and scale are not used: they are found from the data) to bytes of the
 * set. */
NSC_WARN_UNUSED nsc_status nsc_collect_image(nsc_dataset *d, nsc_image *image, uint32_t frame, const nsc_recipe *recipe,
                                             const char *name, const char *patient, uint32_t label, nsc_error *err);

/* The same for pixels that are decoded already: [height][width][channels] of 0..255, as in an .npz file. */
NSC_WARN_UNUSED nsc_status nsc_collect_pixels(nsc_dataset *d, const uint8_t *pixels, uint32_t height, uint32_t width,
                                              uint32_t channels, const nsc_recipe *recipe, const char *name,
                                              const char *patient, uint32_t label, nsc_error *err);

/* What goes into the metadata of a model file. Texts may be NULL. */
typedef struct nsc_model_facts {
  const char *name, *title, *limits, *license;
  nsc_task task;
  uint32_t label_count;
  const char *const *labels;
  const nsc_recipe *recipe;                 /* with mean and std */
  const struct nsc_survival_spec *survival; /* of a model for times to an event, which has no labels; else NULL */
  float threshold;                          /* binary */
  float temperature;
} nsc_model_facts;

/* The file's bytes, ended by nsc_text_free; float16 weights with `half`. */
NSC_WARN_UNUSED nsc_status nsc_save_model(const nsc_net *net, const nsc_model_facts *facts, bool half, char **bytes,
                                          size_t *size, nsc_error *err);

#endif
