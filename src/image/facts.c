#include "image/facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static const struct {
  const char *name;
  uint32_t tag;
} texts[NSC_FACT_TEXTS] = {
    [NSC_FACT_PATIENT_NAME] = {"patientName", NSC_TAG(0x0010, 0x0010)},
    [NSC_FACT_PATIENT_ID] = {"patientId", NSC_TAG(0x0010, 0x0020)},
    [NSC_FACT_STUDY] = {"study", NSC_TAG(0x0020, 0x000D)},
    [NSC_FACT_STUDY_DATE] = {"studyDate", NSC_TAG(0x0008, 0x0020)},
    [NSC_FACT_STUDY_DESCRIPTION] = {"studyDescription", NSC_TAG(0x0008, 0x1030)},
    [NSC_FACT_SERIES] = {"series", NSC_TAG(0x0020, 0x000E)},
    [NSC_FACT_SERIES_DESCRIPTION] = {"seriesDescription", NSC_TAG(0x0008, 0x103E)},
    [NSC_FACT_MODALITY] = {"modality", NSC_TAG(0x0008, 0x0060)},
    [NSC_FACT_SOP] = {"sop", NSC_TAG(0x0008, 0x0018)},
    [NSC_FACT_SPACE] = {"space", NSC_TAG(0x0020, 0x0052)},
};

static const struct {
  const char *name;
  uint32_t tag;
  uint32_t first, count;
} numbers[] = {
    {"seriesNumber", NSC_TAG(0x0020, 0x0011), NSC_FACT_SERIES_NUMBER, 1},
    {"instance", NSC_TAG(0x0020, 0x0013), NSC_FACT_INSTANCE, 1},
    {"acquisition", NSC_TAG(0x0020, 0x0012), NSC_FACT_ACQUISITION, 1},
    {"temporal", NSC_TAG(0x0020, 0x0100), NSC_FACT_TEMPORAL, 1},
    {"trigger", NSC_TAG(0x0018, 0x1060), NSC_FACT_TRIGGER, 1},
    {"frames", NSC_TAG(0x0028, 0x0008), NSC_FACT_FRAMES, 1},
    {"rows", NSC_TAG(0x0028, 0x0010), NSC_FACT_ROWS, 1},
    {"columns", NSC_TAG(0x0028, 0x0011), NSC_FACT_COLUMNS, 1},
    {"location", NSC_TAG(0x0020, 0x1041), NSC_FACT_LOCATION, 1},
    {"position", NSC_TAG(0x0020, 0x0032), NSC_FACT_POSITION, 3},
    {"orientation", NSC_TAG(0x0020, 0x0037), NSC_FACT_ORIENTATION, 6},
    {"spacing", NSC_TAG(0x0028, 0x0030), NSC_FACT_SPACING, 2},
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

void nsc_facts_init(nsc_facts *facts) {
  *facts = (nsc_facts){0};
  for (int i = 0; i < NSC_FACT_NUMBERS; i++) facts->number[i] = NAN;
}

void nsc_facts_drop(nsc_facts *facts) {
  for (int i = 0; i < NSC_FACT_TEXTS; i++) free(facts->text[i]);
  nsc_facts_init(facts);
}

static void take_text(nsc_facts *facts, nsc_fact_text which, char *text) {
  if (!text) return;
  free(facts->text[which]);
  facts->text[which] = text;
}

/* All values of an element or none: half a position is none. */
static void take_numbers(const nsc_dicom *d, const nsc_element *e, double *out, uint32_t count) {
  double values[6];
  for (uint32_t i = 0; i < count; i++) {
    if (!nsc_dicom_number(d, e, i, &values[i])) return;
  }
  memcpy(out, values, count * sizeof *out);
}

void nsc_facts_read(const nsc_dicom *d, const nsc_element *parent, nsc_facts *facts) {
  for (int i = 0; i < NSC_FACT_TEXTS; i++) {
    take_text(facts, (nsc_fact_text)i, nsc_dicom_copy_text(d, nsc_dicom_find(parent, texts[i].tag), 0));
  }
  /* Records of a DICOMDIR name their file's instance in an element of their own: PS3.3 F.3.2.2. */
  take_text(facts, NSC_FACT_SOP, nsc_dicom_copy_text(d, nsc_dicom_find(parent, NSC_TAG(0x0004, 0x1511)), 0));
  for (int i = 0; i < NUMBERS; i++) {
    take_numbers(d, nsc_dicom_find(parent, numbers[i].tag), facts->number + numbers[i].first, numbers[i].count);
  }
  const char *kind;
  size_t size;
  if (nsc_dicom_text(d, nsc_dicom_find(parent, NSC_TAG(0x0008, 0x0008)), 2, &kind, &size)) {
    facts->localizer = size == 9 && memcmp(kind, "LOCALIZER", 9) == 0;
  }
}

void nsc_facts_write(const nsc_facts *facts, nsc_text *t) {
  for (int i = 0; i < NSC_FACT_TEXTS; i++) {
    nsc_json_key(t, texts[i].name);
    nsc_json_string(t, facts->text[i]);
  }
  for (int i = 0; i < NUMBERS; i++) {
    const double *values = facts->number + numbers[i].first;
    nsc_json_key(t, numbers[i].name);
    bool list = numbers[i].count > 1 && isfinite(values[0]);
    if (list) nsc_json_array(t);
    for (uint32_t k = 0; k < (list ? numbers[i].count : 1); k++) nsc_json_number(t, values[k]);
    if (list) nsc_json_end_array(t);
  }
  nsc_json_key(t, "localizer");
  nsc_json_bool(t, facts->localizer);
}

static void numbers_from_json(const nsc_json_value *value, double *out, uint32_t count) {
  if (!value) return;
  if (count == 1) {
    if (value->kind == NSC_JSON_NUMBER) *out = value->number;
    return;
  }
  if (value->kind != NSC_JSON_ARRAY || value->count != count) return;
  double values[6];
  const nsc_json_value *each = nsc_json_first(value);
  for (uint32_t i = 0; i < count; i++, each = nsc_json_next(each)) {
    if (each->kind != NSC_JSON_NUMBER) return;
    values[i] = each->number;
  }
  memcpy(out, values, count * sizeof *out);
}

static nsc_status set_text(nsc_facts *facts, int which, const char *text, nsc_error *err) {
  facts->text[which] = nsc_copy_chars(text, strlen(text));
  if (facts->text[which]) return NSC_OK;
  nsc_facts_drop(facts);
  return nsc_fail_memory(err, strlen(text), "a header");
}

nsc_status nsc_facts_copy(const nsc_facts *facts, nsc_facts *out, nsc_error *err) {
  nsc_facts_init(out);
  for (int i = 0; i < NSC_FACT_TEXTS; i++) {
    if (facts->text[i]) NSC_TRY(set_text(out, i, facts->text[i], err));
  }
  memcpy(out->number, facts->number, sizeof out->number);
  out->localizer = facts->localizer;
  return NSC_OK;
}

nsc_status nsc_facts_from_json(const nsc_json_value *object, nsc_facts *facts, nsc_error *err) {
  nsc_facts_init(facts);
  for (int i = 0; i < NSC_FACT_TEXTS; i++) {
    const nsc_json_value *value = nsc_json_get(object, texts[i].name);
    if (value && value->kind == NSC_JSON_STRING) NSC_TRY(set_text(facts, i, value->string, err));
  }
  for (int i = 0; i < NUMBERS; i++) {
    numbers_from_json(nsc_json_get(object, numbers[i].name), facts->number + numbers[i].first, numbers[i].count);
  }
  const nsc_json_value *localizer = nsc_json_get(object, "localizer");
  facts->localizer = localizer && localizer->kind == NSC_JSON_BOOL && localizer->number != 0;
  return NSC_OK;
}
