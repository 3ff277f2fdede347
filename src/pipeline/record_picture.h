/* The pictures of a report. */
#ifndef NSC_PIPELINE_RECORD_PICTURE_H
#define NSC_PIPELINE_RECORD_PICTURE_H

#include "base/text.h"
#include "pipeline/record.h"

/* The frame as the file asks to be shown, with its map over it: RGB [height][width][3] of the image's size, ended by
 * free. Errors: ARGUMENT for a map that is not there, those of rendering, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_record_paint(const nsc_record *record, bool map, uint8_t **rgb, nsc_error *err);

/* The same as an <svg> in pixels of the picture, shrunk to what a printed page can show; marks or regions over it. */
NSC_WARN_UNUSED nsc_status nsc_record_film(nsc_text *t, const nsc_record *record, bool map, nsc_error *err);

#endif
