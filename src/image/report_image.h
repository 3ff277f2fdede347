/* Images that are made of a DICOM picture: a secondary capture and a segmentation, of one frame each. */
#ifndef NSC_IMAGE_REPORT_IMAGE_H
#define NSC_IMAGE_REPORT_IMAGE_H

#include "negatoscope.h"

typedef struct nsc_report_image {
  const nsc_image *image; /* the source */
  uint32_t frame;
  const uint64_t *key; /* [2]: decides the UIDs */
  const char *now;     /* fourteen digits */
  bool nameless;
  const char *what;      /* Derivation Description, at most 1024 characters */
  const char *algorithm; /* that made it, at most 64 characters */
} nsc_report_image;

/* Secondary Capture Image Storage (PS3.3 A.8.1): `rgb` [height][width][3] of the source's size. *bytes is ended by
 * nsc_text_free. Errors: UNSUPPORTED (the source is no DICOM file, or has no UIDs), MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_report_write_capture(const nsc_report_image *r, const uint8_t *rgb, char **bytes,
                                                    size_t *size, nsc_error *err);

/* Segmentation Storage (PS3.3 A.51), binary, of one segment: `mask` [height][width], 1 where it is. Likewise. */
NSC_WARN_UNUSED nsc_status nsc_report_write_segmentation(const nsc_report_image *r, const uint8_t *mask, char **bytes,
                                                         size_t *size, nsc_error *err);

#endif
