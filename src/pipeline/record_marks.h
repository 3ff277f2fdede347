/* What was drawn on a picture, in a report. */
#ifndef NSC_PIPELINE_RECORD_MARKS_H
#define NSC_PIPELINE_RECORD_MARKS_H

#include "base/json.h"
#include "negatoscope.h"

/* The member "marks" of an open object, each measured (nsc_measure_json without its histogram; null for arrows and
 * texts). `marks` is JSON as in nsc_record_options, or NULL. Errors: ARGUMENT, CORRUPT, LIMIT, those of measuring. */
NSC_WARN_UNUSED nsc_status nsc_record_write_marks(nsc_text *t, nsc_image *image, uint32_t frame, const char *marks,
                                                  nsc_error *err);

/* Marks as SVG in pixels of the picture; `unit` is the width of a line. */
void nsc_record_draw_marks(nsc_text *t, const nsc_json_value *marks, double unit);

#endif
