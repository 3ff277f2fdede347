/*
 * What DICOM objects that are made of a picture have in common with it: patient, study, references and UIDs. Reports,
 * secondary captures and segmentations begin with it.
 */
#ifndef NSC_IMAGE_REPORT_CONTEXT_H
#define NSC_IMAGE_REPORT_CONTEXT_H

#include "image/dicom.h"
#include "image/report_tree.h"

/* Attributes of patient and study, in the order in which an object is asked for them. */
typedef enum nsc_common {
  NSC_COMMON_PATIENT_NAME,
  NSC_COMMON_PATIENT_ID,
  NSC_COMMON_BIRTH_DATE,
  NSC_COMMON_SEX,
  NSC_COMMON_STUDY_UID,
  NSC_COMMON_STUDY_ID,
  NSC_COMMON_STUDY_DATE,
  NSC_COMMON_STUDY_TIME,
  NSC_COMMON_ACCESSION,
  NSC_COMMON_REFERRING,
  NSC_COMMON_COUNT
} nsc_common;

/* A picture that an object refers to. */
typedef struct nsc_reference {
  char study[NSC_UID_ROOM], series[NSC_UID_ROOM], sop_class[NSC_UID_ROOM], sop_instance[NSC_UID_ROOM];
} nsc_reference;

typedef struct nsc_context {
  uint64_t key[2]; /* decides the UIDs */
  bool has_common;
  char *common[NSC_COMMON_COUNT]; /* UTF-8, owned; NULL where the file says nothing */
} nsc_context;

/* What kind of object it is. */
typedef struct nsc_derived {
  const char *sop_class, *modality, *series; /* the last is a Series Description */
  const char *image_type, *conversion;       /* of images: Image Type; Conversion Type of secondary captures; or NULL */
  const char *derivation;                    /* of images: Derivation Description, or NULL */
  const nsc_reference *source;               /* of images: what it was made of, or NULL */
  uint32_t source_frame;                     /* from 1; 0: the file has one frame */
  uint32_t number;                           /* its UIDs are of this number and the next: instance and series */
} nsc_derived;

/* Patient and study of the first picture, which all others must share, and how to refer to this one. Errors:
 * UNSUPPORTED (no DICOM, another patient, no UIDs). */
NSC_WARN_UNUSED nsc_status nsc_context_take(nsc_context *context, const nsc_image *image, nsc_reference *out,
                                            nsc_error *err);
/* Patient and study alone, unless they are there already. */
void nsc_context_read(nsc_context *context, const nsc_dicom *d);
void nsc_context_drop(nsc_context *context);

/* "" where the file says nothing, or where names are left out; the study's UID stays. */
const char *nsc_context_text(const nsc_context *context, nsc_common which, bool nameless);

/* A UID that no other object has: of the key and a number. */
void nsc_context_uid(const nsc_context *context, uint64_t number, char out[NSC_UID_ROOM]);

/* Fourteen digits, "YYYYMMDDHHMMSS". */
bool nsc_is_moment(const char *now);

/* One item of a sequence: class, instance and frame. `purpose` NULL: without a code that says what for. */
void nsc_put_reference(nsc_text *t, const nsc_reference *to, uint32_t frame, const nsc_code *purpose);

/* Meta group, and groups 0008 to 0020: SOP Common, Patient, General Study, Series, Equipment. Frame of Reference and
 * what follows in group 0020 is the caller's. */
void nsc_context_put(nsc_text *t, const nsc_context *context, const nsc_derived *object, const char *now,
                     bool nameless);

#endif
