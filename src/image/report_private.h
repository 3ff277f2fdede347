/* The inside of nsc_report, for the files that put groups into it. */
#ifndef NSC_IMAGE_REPORT_PRIVATE_H
#define NSC_IMAGE_REPORT_PRIVATE_H

#include "image/report_context.h"

enum { NSC_REPORT_GROUP_UID = 1000 }; /* UIDs of groups have this number and more; those below are the document's */

struct nsc_report {
  nsc_context context;
  uint32_t count; /* groups */
  nsc_reference *references;
  uint32_t reference_count;
  nsc_text groups; /* their content items */
};

/* What a group may be about: the picture of it is in the report's evidence from now on. Errors: those of
 * nsc_context_take, LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_report_refer(nsc_report *report, const nsc_image *image, nsc_reference *out,
                                            nsc_error *err);

/* Begins a Measurement Group (TID 1501) of that name; its values follow, and nsc_report_end_group. */
void nsc_report_begin_group(nsc_report *report, const char *name);
void nsc_report_end_group(nsc_report *report);

#endif
