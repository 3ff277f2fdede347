#include "image/origin.h"

#include "image/dicom_groups.h"
#include "image/report_context.h"

static const char *text_of(const nsc_context *c, nsc_common which) {
  const char *text = nsc_context_text(c, which, false);
  return *text ? text : NULL;
}

static void write_member(nsc_text *t, const char *key, const char *value) {
  nsc_json_key(t, key), nsc_json_string(t, value);
}

static void write_uids(nsc_text *t, const nsc_reference *r) {
  nsc_json_key(t, "uids"), nsc_json_object(t);
  write_member(t, "study", r->study);
  write_member(t, "series", r->series);
  write_member(t, "sopClass", r->sop_class);
  write_member(t, "sopInstance", r->sop_instance);
  nsc_json_end_object(t);
}

static void write_people(nsc_text *t, const nsc_context *c) {
  nsc_json_key(t, "patient"), nsc_json_object(t);
  write_member(t, "name", text_of(c, NSC_COMMON_PATIENT_NAME));
  write_member(t, "id", text_of(c, NSC_COMMON_PATIENT_ID));
  write_member(t, "birthDate", text_of(c, NSC_COMMON_BIRTH_DATE));
  write_member(t, "sex", text_of(c, NSC_COMMON_SEX));
  nsc_json_end_object(t);
  nsc_json_key(t, "study"), nsc_json_object(t);
  write_member(t, "date", text_of(c, NSC_COMMON_STUDY_DATE));
  write_member(t, "time", text_of(c, NSC_COMMON_STUDY_TIME));
  write_member(t, "id", text_of(c, NSC_COMMON_STUDY_ID));
  write_member(t, "accession", text_of(c, NSC_COMMON_ACCESSION));
  nsc_json_end_object(t);
}

static void write_null(nsc_text *t, const char *key) {
  nsc_json_key(t, key), nsc_json_null(t);
}

void nsc_image_write_origin(const nsc_image *image, uint32_t frame, bool nameless, nsc_text *t) {
  nsc_edges edges;
  nsc_context context = {0};
  nsc_reference reference;
  bool dicom = image->info.format == NSC_FORMAT_DICOM;
  if (nameless) {
    write_null(t, "identity");
  } else {
    nsc_image_write_identity(image, t);
  }
  nsc_json_key(t, "edges");
  nsc_edges_write(dicom && nsc_dicom_edges(image, frame, &edges) ? &edges : NULL, t);
  bool filed = !nameless && nsc_context_take(&context, image, &reference, NULL) == NSC_OK;
  if (filed) {
    write_uids(t, &reference);
  } else {
    write_null(t, "uids");
  }
  if (dicom && !nameless) {
    nsc_context_read(&context, image->state);
    write_people(t, &context);
  } else {
    write_null(t, "patient"), write_null(t, "study");
  }
  nsc_context_drop(&context);
}
