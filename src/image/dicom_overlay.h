/* Overlay planes of a DICOM file: pictures of single bits over the picture. PS3.3 C.9.2. */
#ifndef NSC_IMAGE_DICOM_OVERLAY_H
#define NSC_IMAGE_DICOM_OVERLAY_H

#include "image/dicom.h"

/* Sets the bytes [height][width] of `mask` where an overlay plane of the frame is. As nsc_image_reader.overlays. */
NSC_WARN_UNUSED nsc_status nsc_dicom_overlays(const nsc_image *image, uint32_t frame, uint8_t *mask, nsc_error *err);

/* The member "overlays" of an image's JSON. */
void nsc_dicom_write_overlays(const nsc_image *image, nsc_text *t);

#endif
