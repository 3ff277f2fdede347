/* Elements of a DICOM file in Explicit VR Little Endian, appended to a text: PS3.5 7.1.2, PS3.10 7.1. */
#ifndef NSC_IMAGE_DICOM_PUT_H
#define NSC_IMAGE_DICOM_PUT_H

#include "base/text.h"

#define NSC_EXPLICIT_LITTLE_ENDIAN "1.2.840.10008.1.2.1"

enum { NSC_UNDEFINED_LENGTH = 0xFFFFFFFF };

void nsc_dicom_put16(nsc_text *t, uint32_t value);
void nsc_dicom_put32(nsc_text *t, uint32_t value);
/* Tag, VR and length; the value follows. */
void nsc_dicom_put_head(nsc_text *t, uint32_t tag, const char *vr, uint32_t length);
/* A text or UID, padded to an even length. */
void nsc_dicom_put_text(nsc_text *t, uint32_t tag, const char *vr, const char *value);
void nsc_dicom_put_us(nsc_text *t, uint32_t tag, uint32_t value);
/* At most six doubles as decimal strings parted by backslashes; a DS has at most 16 bytes, so eight digits. */
void nsc_dicom_put_ds(nsc_text *t, uint32_t tag, int count, ...);
/* Preamble and group 0002. */
void nsc_dicom_put_meta(nsc_text *t, const char *sop_class, const char *instance, const char *syntax);

#endif
