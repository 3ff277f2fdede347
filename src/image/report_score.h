/* Scores of a model in a structured report. */
#ifndef NSC_IMAGE_REPORT_SCORE_H
#define NSC_IMAGE_REPORT_SCORE_H

#include "negatoscope.h"

typedef struct nsc_report_score {
  const char *label; /* of the model */
  double score;
  double threshold; /* NaN where the label has none */
} nsc_report_score;

/* What all scores of a run have in common. */
typedef struct nsc_report_model {
  const char *name, *version; /* of the algorithm */
  const char *comment;        /* what is said of the result in words */
} nsc_report_model;

/* A measurement group with the score as a number and where it comes from. Errors: those of nsc_report_add. */
NSC_WARN_UNUSED nsc_status nsc_report_add_score(nsc_report *report, const nsc_image *image, uint32_t frame,
                                                const nsc_report_model *model, const nsc_report_score *score,
                                                nsc_error *err);

#endif
