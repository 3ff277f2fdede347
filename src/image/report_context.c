#include "image/report_context.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "image/dicom_put.h"
#include "image/dicom_write.h"

static const uint32_t common_tags[NSC_COMMON_COUNT] = {
    [NSC_COMMON_PATIENT_NAME] = NSC_TAG(0x0010, 0x0010), [NSC_COMMON_PATIENT_ID] = NSC_TAG(0x0010, 0x0020),
    [NSC_COMMON_BIRTH_DATE] = NSC_TAG(0x0010, 0x0030),   [NSC_COMMON_SEX] = NSC_TAG(0x0010, 0x0040),
    [NSC_COMMON_STUDY_UID] = NSC_TAG(0x0020, 0x000D),    [NSC_COMMON_STUDY_ID] = NSC_TAG(0x0020, 0x0010),
    [NSC_COMMON_STUDY_DATE] = NSC_TAG(0x0008, 0x0020),   [NSC_COMMON_STUDY_TIME] = NSC_TAG(0x0008, 0x0030),
    [NSC_COMMON_ACCESSION] = NSC_TAG(0x0008, 0x0050),    [NSC_COMMON_REFERRING] = NSC_TAG(0x0008, 0x0090),
};

/* ---- facts of a picture ---- */

static bool same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static nsc_status check_patient(const nsc_context *c, const nsc_dicom *d, nsc_error *err) {
  bool same = true;
  for (int i = NSC_COMMON_PATIENT_NAME; i <= NSC_COMMON_PATIENT_ID && c->has_common; i++) {
    char *text = nsc_dicom_copy_text(d, nsc_dicom_find(d->elements, common_tags[i]), 0);
    same = same && same_text(text, c->common[i]);
    nsc_text_free(text);
  }
  if (same) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the pictures show different patients; a report is about one");
}

void nsc_context_read(nsc_context *context, const nsc_dicom *d) {
  for (int i = 0; i < NSC_COMMON_COUNT && !context->has_common; i++) {
    context->common[i] = nsc_dicom_copy_text(d, nsc_dicom_find(d->elements, common_tags[i]), 0);
  }
  context->has_common = true;
}

nsc_status nsc_context_take(nsc_context *context, const nsc_image *image, nsc_reference *out, nsc_error *err) {
  nsc_context *c = context;
  if (image->info.format != NSC_FORMAT_DICOM) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "a report refers to DICOM files, this is %s",
                    nsc_format_name(image->info.format));
  }
  const nsc_dicom *d = image->state;
  NSC_TRY(check_patient(c, d, err));
  nsc_dicom_read_uid(d, NSC_TAG(0x0020, 0x000D), out->study);
  nsc_dicom_read_uid(d, NSC_TAG(0x0020, 0x000E), out->series);
  nsc_dicom_read_uid(d, NSC_TAG(0x0008, 0x0016), out->sop_class);
  nsc_dicom_read_uid(d, NSC_TAG(0x0008, 0x0018), out->sop_instance);
  if (!out->study[0] || !out->series[0] || !out->sop_class[0] || !out->sop_instance[0]) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the file lacks a UID of study, series, class or instance to refer to");
  }
  nsc_context_read(c, d);
  return NSC_OK;
}

void nsc_context_drop(nsc_context *context) {
  for (int i = 0; i < NSC_COMMON_COUNT; i++) nsc_text_free(context->common[i]);
}

const char *nsc_context_text(const nsc_context *context, nsc_common which, bool nameless) {
  bool stays = which == NSC_COMMON_STUDY_UID || !nameless;
  return stays && context->common[which] ? context->common[which] : "";
}

void nsc_context_uid(const nsc_context *context, uint64_t number, char out[NSC_UID_ROOM]) {
  const uint64_t *key = context->key;
  nsc_uid_write(nsc_hash(key[0], &number, sizeof number), nsc_hash(key[1], &number, sizeof number), out);
}

bool nsc_is_moment(const char *now) {
  for (int i = 0; i < 14; i++) {
    if (now[i] < '0' || now[i] > '9') return false;
  }
  return now[14] == 0;
}

/* ---- the object ---- */

void nsc_put_reference(nsc_text *t, const nsc_reference *to, uint32_t frame, const nsc_code *purpose) {
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00081150, "UI", to->sop_class);
  nsc_dicom_put_text(t, 0x00081155, "UI", to->sop_instance);
  if (frame) {
    char number[12];
    snprintf(number, sizeof number, "%u", frame);
    nsc_dicom_put_text(t, 0x00081160, "IS", number);
  }
  if (purpose) nsc_put_code(t, 0x0040A170, *purpose);
  nsc_put_end_item(t);
}

/* A text of type 2, or one of those that only some objects have. */
static void put_if(nsc_text *t, uint32_t tag, const char *vr, const char *value) {
  if (value) nsc_dicom_put_text(t, tag, vr, value);
}

/* What an image says of the one that it was made of: General Reference and Common Instance Reference (PS3.3 C.12.4,
 * C.12.2). */
static void put_source(nsc_text *t, const nsc_derived *o) {
  static const nsc_code purpose = {"121322", "DCM", "Source image for image processing operation"};
  nsc_put_sequence(t, 0x00081115);
  nsc_put_item(t);
  nsc_put_sequence(t, 0x0008114A);
  nsc_put_reference(t, o->source, 0, NULL);
  nsc_put_end_sequence(t);
  nsc_dicom_put_text(t, 0x0020000E, "UI", o->source->series);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
  put_if(t, 0x00082111, "ST", o->derivation);
  nsc_put_sequence(t, 0x00082112);
  nsc_put_reference(t, o->source, o->source_frame, &purpose);
  nsc_put_end_sequence(t);
}

static void put_identification(nsc_text *t, const nsc_context *c, const nsc_derived *o, const char *now,
                               bool nameless) {
  char date[9] = "", time[7] = "", uid[NSC_UID_ROOM];
  memcpy(date, now, 8), date[8] = 0;
  memcpy(time, now + 8, 6), time[6] = 0;
  nsc_context_uid(c, o->number, uid);
  nsc_dicom_put_meta(t, o->sop_class, uid, NSC_EXPLICIT_LITTLE_ENDIAN);
  nsc_dicom_put_text(t, 0x00080005, "CS", "ISO_IR 192");
  put_if(t, 0x00080008, "CS", o->image_type);
  nsc_dicom_put_text(t, 0x00080012, "DA", date);
  nsc_dicom_put_text(t, 0x00080013, "TM", time);
  nsc_dicom_put_text(t, 0x00080016, "UI", o->sop_class);
  nsc_dicom_put_text(t, 0x00080018, "UI", uid);
  nsc_dicom_put_text(t, 0x00080020, "DA", nsc_context_text(c, NSC_COMMON_STUDY_DATE, nameless));
  nsc_dicom_put_text(t, 0x00080023, "DA", date);
  nsc_dicom_put_text(t, 0x00080030, "TM", nsc_context_text(c, NSC_COMMON_STUDY_TIME, nameless));
  nsc_dicom_put_text(t, 0x00080033, "TM", time);
  nsc_dicom_put_text(t, 0x00080050, "SH", nsc_context_text(c, NSC_COMMON_ACCESSION, nameless));
  nsc_dicom_put_text(t, 0x00080060, "CS", o->modality);
  put_if(t, 0x00080064, "CS", o->conversion);
  nsc_dicom_put_text(t, 0x00080070, "LO", "Negatoscope");
  nsc_dicom_put_text(t, 0x00080090, "PN", nsc_context_text(c, NSC_COMMON_REFERRING, nameless));
  nsc_dicom_put_text(t, 0x0008103E, "LO", o->series);
  nsc_dicom_put_text(t, 0x00081090, "LO", "Negatoscope");
}

void nsc_context_put(nsc_text *t, const nsc_context *context, const nsc_derived *object, const char *now,
                     bool nameless) {
  const nsc_context *c = context;
  char uid[NSC_UID_ROOM];
  put_identification(t, c, object, now, nameless);
  if (object->source) {
    put_source(t, object);
  } else {
    nsc_put_empty_sequence(t, 0x00081111);
  }
  nsc_dicom_put_text(t, 0x00100010, "PN", nsc_context_text(c, NSC_COMMON_PATIENT_NAME, nameless));
  nsc_dicom_put_text(t, 0x00100020, "LO", nsc_context_text(c, NSC_COMMON_PATIENT_ID, nameless));
  nsc_dicom_put_text(t, 0x00100030, "DA", nsc_context_text(c, NSC_COMMON_BIRTH_DATE, nameless));
  nsc_dicom_put_text(t, 0x00100040, "CS", nsc_context_text(c, NSC_COMMON_SEX, nameless));
  if (object->image_type) nsc_dicom_put_text(t, 0x00181000, "LO", "1"); /* Device Serial Number: of a program, none */
  nsc_dicom_put_text(t, 0x00181020, "LO", nsc_version());
  nsc_dicom_put_text(t, 0x0020000D, "UI", nsc_context_text(c, NSC_COMMON_STUDY_UID, nameless));
  nsc_context_uid(c, object->number + 1, uid);
  nsc_dicom_put_text(t, 0x0020000E, "UI", uid);
  nsc_dicom_put_text(t, 0x00200010, "SH", nsc_context_text(c, NSC_COMMON_STUDY_ID, nameless));
  nsc_dicom_put_text(t, 0x00200011, "IS", "1");
  nsc_dicom_put_text(t, 0x00200013, "IS", "1");
}
