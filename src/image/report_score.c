/*
 * TID 1501 with a score: the number (TID 300), the algorithm that gave it (TID 4019) and the picture it was inferred
 * from (TID 320). DICOM has no code for the probability that a network gives a label, so its name is one of our own.
 */
#include "image/report_score.h"

#include <math.h>

#include "base/error.h"
#include "image/report_private.h"

static const nsc_code probability = {"PROBABILITY", "99NEGATOSCOPE", "Probability given by a model"};
static const nsc_code threshold = {"THRESHOLD", "99NEGATOSCOPE", "Threshold of a model"};
static const nsc_code ratio = {"1", "UCUM", "no units"};
static const nsc_code algorithm_name = {"111001", "DCM", "Algorithm Name"};
static const nsc_code algorithm_version = {"111003", "DCM", "Algorithm Version"};
static const nsc_code comment = {"121106", "DCM", "Comment"};

nsc_status nsc_report_add_score(nsc_report *report, const nsc_image *image, uint32_t frame,
                                const nsc_report_model *model, const nsc_report_score *score, nsc_error *err) {
  nsc_reference ref;
  nsc_text *t = &report->groups;
  NSC_TRY(nsc_report_refer(report, image, &ref, err));
  nsc_report_begin_group(report, score->label);
  nsc_put_open_number(t, "CONTAINS", probability, score->score, ratio);
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  nsc_put_content_text(t, "HAS CONCEPT MOD", algorithm_name, model->name);
  nsc_put_content_text(t, "HAS CONCEPT MOD", algorithm_version, model->version);
  nsc_put_content_image(t, "INFERRED FROM",
                        (nsc_image_reference){ref.sop_class, ref.sop_instance, image->info.frames > 1 ? frame + 1 : 0});
  nsc_put_end_sequence(t);
  nsc_put_end_item(t);
  if (!isnan(score->threshold)) {
    nsc_put_open_number(t, "CONTAINS", threshold, score->threshold, ratio);
    nsc_put_end_item(t);
  }
  nsc_put_content_text(t, "CONTAINS", comment, model->comment);
  nsc_report_end_group(report);
  return NSC_OK;
}
