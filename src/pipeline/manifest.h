/* What a model says about itself in metadata_props, under `nsc.*`; docs/MODEL-FORMAT.md specifies it. */
#ifndef NSC_PIPELINE_MANIFEST_H
#define NSC_PIPELINE_MANIFEST_H

#include "base/arena.h"
#include "base/json.h"
#include "negatoscope.h"

enum { NSC_MAX_LABELS = 100000 };

typedef struct nsc_manifest {
  const char *name, *title, *limits, *license; /* or NULL */
  nsc_task task;
  bool has_task;
  bool survival;        /* the task is times to an event: nsc.survival says the rest, and there are no labels */
  uint32_t label_count; /* 0 when the model does not say */
  const char **labels;  /* [label_count] */
  const char **advice;  /* [label_count], NULL where there is none */
  float *thresholds;    /* [label_count], 0.5 where the model does not say */
  bool has_threshold;
  float temperature;       /* 1 */
  bool logits, has_output; /* what the network's last layer gives */
  bool has_recipe;
  nsc_recipe recipe;
} nsc_manifest;

/* Texts live in `arena`. Errors: RECIPE, naming the key. `options` may replace the model's own words. */
NSC_WARN_UNUSED nsc_status nsc_manifest_read(const nsc_model *model, const nsc_classifier_options *options,
                                             nsc_arena *arena, nsc_manifest *out, nsc_error *err);

#endif
