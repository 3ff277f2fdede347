/*
 * What the header of a DICOM file says about its place among others: patient, study, series, position. As a struct for
 * sorting and as JSON for those who keep it; each side is one table, so that they cannot differ.
 */
#ifndef NSC_IMAGE_FACTS_H
#define NSC_IMAGE_FACTS_H

#include "base/json.h"
#include "image/dicom.h"

typedef enum nsc_fact_text {
  NSC_FACT_PATIENT_NAME,
  NSC_FACT_PATIENT_ID,
  NSC_FACT_STUDY,
  NSC_FACT_STUDY_DATE,
  NSC_FACT_STUDY_DESCRIPTION,
  NSC_FACT_SERIES,
  NSC_FACT_SERIES_DESCRIPTION,
  NSC_FACT_MODALITY,
  NSC_FACT_SOP,
  NSC_FACT_SPACE, /* Frame of Reference UID */
  NSC_FACT_TEXTS
} nsc_fact_text;

typedef enum nsc_fact_number {
  NSC_FACT_SERIES_NUMBER,
  NSC_FACT_INSTANCE,
  NSC_FACT_ACQUISITION,
  NSC_FACT_TEMPORAL,
  NSC_FACT_TRIGGER,
  NSC_FACT_FRAMES,
  NSC_FACT_ROWS,
  NSC_FACT_COLUMNS,
  NSC_FACT_LOCATION,
  NSC_FACT_POSITION,                            /* 3 numbers */
  NSC_FACT_ORIENTATION = NSC_FACT_POSITION + 3, /* 6 */
  NSC_FACT_SPACING = NSC_FACT_ORIENTATION + 6,  /* 2: down, then across, as in the file */
  NSC_FACT_NUMBERS = NSC_FACT_SPACING + 2
} nsc_fact_number;

typedef struct nsc_facts {
  char *text[NSC_FACT_TEXTS];      /* owned, UTF-8; NULL when the file does not say */
  double number[NSC_FACT_NUMBERS]; /* NAN when the file does not say */
  bool localizer;                  /* a scout: PS3.3 C.8.2.1.1.1 */
} nsc_facts;

/* Everything unknown. */
void nsc_facts_init(nsc_facts *facts);
void nsc_facts_drop(nsc_facts *facts);
/* Errors: MEMORY; then `out` is empty. */
NSC_WARN_UNUSED nsc_status nsc_facts_copy(const nsc_facts *facts, nsc_facts *out, nsc_error *err);

/* Takes over what the data set or item `parent` says and leaves the rest as it was. */
void nsc_facts_read(const nsc_dicom *d, const nsc_element *parent, nsc_facts *facts);

/* Members of an open object. */
void nsc_facts_write(const nsc_facts *facts, nsc_text *t);
/* From such an object. Members that are missing or of another type are unknown. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_facts_from_json(const nsc_json_value *object, nsc_facts *facts, nsc_error *err);

#endif
