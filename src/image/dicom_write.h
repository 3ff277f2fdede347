/* Writing one CT slice as a DICOM file: for synthetic pictures only, so it knows one object and one encoding. */
#ifndef NSC_IMAGE_DICOM_WRITE_H
#define NSC_IMAGE_DICOM_WRITE_H

#include "image/dicom.h"

/* What of CT Image IOD (PS3.3 A.3) is not the same in every file. Texts are ASCII of at most 64 characters. */
typedef struct nsc_ct_slice {
  uint32_t rows, columns;
  const int16_t *hu;                  /* [rows][columns], -1024..3071 */
  double spacing, thickness;          /* mm */
  double position[3];                 /* mm, of the first pixel's centre: to the left, to the back, to the head */
  double window_center, window_width; /* HU */
  uint32_t number;                    /* of the instance in its series */
  const char *patient_name, *patient_id;
  const char *study, *series, *comments; /* descriptions */
  const char *study_uid, *series_uid, *frame_uid, *instance_uid;
} nsc_ct_slice;

/*
 * A UID under 2.25 (PS3.5 B.2): the 128 bits as a UUID of version 8 (RFC 9562, 5.8), that is with six of them fixed, in
 * decimal.
 */
void nsc_uid_write(uint64_t high, uint64_t low, char out[NSC_UID_ROOM]);

/*
 * A file of PS3.10 in Explicit VR Little Endian: CT Image Storage with every attribute of type 1 and 2 of its mandatory
 * modules (PS3.3 table A.3-1), stored values HU + 1024 in 12 bits, and Synthetic Data (0008,001C) set to YES. *bytes is
 * ended by nsc_text_free. Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_dicom_write_ct(const nsc_ct_slice *slice, char **bytes, size_t *size, nsc_error *err);

#endif
