/*
 * Measurements as a DICOM structured report: Comprehensive SR (PS3.3 A.35.3) with the templates of PS3.16: TID 1500
 * Measurement Report, TID 1501 Measurement Group for lengths and angles, TID 1410 Planar ROI Measurements for regions.
 * Values are those of nsc_measure_json, and each refers to the picture and the points it was measured on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "image/dicom_put.h"
#include "image/report_private.h"

enum { REFERENCES_MAX = 10000 }; /* pictures of one report: ten times a large CT series */

/* ---- codes: PS3.16 annex D, SNOMED CT and UCUM ---- */

static const nsc_code tracking_identifier = {"112039", "DCM", "Tracking Identifier"};
static const nsc_code tracking_uid = {"112040", "DCM", "Tracking Unique Identifier"};
static const nsc_code measurement_group = {"125007", "DCM", "Measurement Group"};
static const nsc_code image_region = {"111030", "DCM", "Image Region"};
static const nsc_code derivation = {"121401", "DCM", "Derivation"};
static const nsc_code path = {"121055", "DCM", "Path"};

static const nsc_code millimetre = {"mm", "UCUM", "millimeter"};
static const nsc_code square_millimetre = {"mm2", "UCUM", "square millimeter"};
static const nsc_code degree = {"deg", "UCUM", "degree"};
static const nsc_code pixel = {"{pixels}", "UCUM", "pixels"};

static const nsc_code area = {"42798000", "SCT", "Area"};

static const struct {
  nsc_code name;
  const char *member; /* of the core's statistics */
} statistics[] = {
    {{"373098007", "SCT", "Mean"}, "mean"},
    {{"386136009", "SCT", "Standard Deviation"}, "sd"},
    {{"255605001", "SCT", "Minimum"}, "min"},
    {{"56851009", "SCT", "Maximum"}, "max"},
};

/* ---- pictures ---- */

nsc_status nsc_report_refer(nsc_report *report, const nsc_image *image, nsc_reference *out, nsc_error *err) {
  nsc_report *r = report;
  NSC_TRY(nsc_context_take(&r->context, image, out, err));
  for (uint32_t i = 0; i < r->reference_count; i++) {
    if (strcmp(r->references[i].sop_instance, out->sop_instance) == 0) return NSC_OK;
  }
  if (r->reference_count == REFERENCES_MAX) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "a report on more than %d pictures", REFERENCES_MAX);
  }
  nsc_reference *grown = realloc(r->references, (r->reference_count + 1) * sizeof *grown);
  if (!grown) return nsc_fail_memory(err, sizeof *grown, "a report");
  r->references = grown;
  r->references[r->reference_count++] = *out;
  return NSC_OK;
}

/* ---- values ---- */

/* The unit of values as UCUM has it: Hounsfield units by name, others as an annotation in braces (UCUM 6). */
static nsc_code unit_of(const nsc_image *image, char room[68]) {
  const char *unit = image->unit;
  if (!unit || !*unit) return (nsc_code){"1", "UCUM", "no units"};
  if (strcmp(unit, "HU") == 0) return (nsc_code){"[hnsf'U]", "UCUM", "Hounsfield unit"};
  size_t at = 0;
  room[at++] = '{';
  for (; *unit && at < 14; unit++) { /* a code has at most 16 characters */
    if (*unit > 0x20 && *unit < 0x7F && *unit != '{' && *unit != '}' && *unit != '\\') room[at++] = *unit;
  }
  room[at++] = '}';
  room[at] = 0;
  return (nsc_code){room, "UCUM", room};
}

/* What was measured in a region: PS3.16 CID 7469 has these two; other values have a name of our own. */
static nsc_code quantity_of(const nsc_image *image) {
  const nsc_dicom *d = image->state;
  if (image->unit && strcmp(image->unit, "HU") == 0) return (nsc_code){"112031", "DCM", "Attenuation Coefficient"};
  if (nsc_dicom_text_is(d, nsc_dicom_find(d->elements, NSC_TAG(0x0008, 0x0060)), "MR")) {
    return (nsc_code){"110852", "DCM", "MR signal intensity"};
  }
  return (nsc_code){"PIXELVALUE", "99NEGATOSCOPE", "Pixel value"};
}

/* A number of a JSON object; false for null. */
static bool number_of(const nsc_json_value *object, const char *member, double *out) {
  const nsc_json_value *value = nsc_json_get(object, member);
  if (!value || value->kind != NSC_JSON_NUMBER) return false;
  *out = value->number;
  return true;
}

/* Ellipses are corners of the box around them on the page, and ends of their axes in a report, the long one first. */
static uint32_t outline_of(nsc_measure_kind kind, const double *points, uint32_t count, double *out) {
  double left = points[0], top = points[1], right = points[2], bottom = points[3];
  double cx = (left + right) / 2, cy = (top + bottom) / 2;
  if (kind == NSC_MEASURE_ELLIPSE) {
    const double across[4] = {left, cy, right, cy}, down[4] = {cx, top, cx, bottom};
    bool wide = fabs(right - left) >= fabs(bottom - top);
    memcpy(out, wide ? across : down, sizeof across);
    memcpy(out + 4, wide ? down : across, sizeof down);
    return 4;
  }
  if (kind == NSC_MEASURE_RECTANGLE) {
    const double corners[10] = {left, top, right, top, right, bottom, left, bottom, left, top};
    memcpy(out, corners, sizeof corners);
    return 5;
  }
  memcpy(out, points, 2 * count * sizeof *out);
  memcpy(out + 2 * (size_t)count, points, 2 * sizeof *out); /* a closed line ends where it began */
  return count + 1;
}

/* ---- groups ---- */

static void put_statistics(nsc_text *t, const nsc_image *image, const nsc_json_value *measured) {
  const nsc_json_value *channels = nsc_json_get(measured, "channels");
  char room[68];
  if (!channels || channels->kind != NSC_JSON_ARRAY || channels->count != 1) return; /* no code says which colour */
  for (size_t i = 0; i < sizeof statistics / sizeof *statistics; i++) {
    double value;
    if (!number_of(nsc_json_first(channels), statistics[i].member, &value)) continue;
    nsc_put_open_number(t, "CONTAINS", quantity_of(image), value, unit_of(image, room));
    nsc_put_sequence(t, NSC_TAG_CONTENT);
    nsc_put_content_code(t, "HAS CONCEPT MOD", derivation, statistics[i].name);
    nsc_put_end_sequence(t);
    nsc_put_end_item(t);
  }
}

/* TID 1410: the region, its area, and statistics of its values. */
static nsc_status put_region(nsc_text *t, const nsc_image *image, nsc_measure_kind kind, const double *points,
                             uint32_t count, const nsc_json_value *measured, nsc_image_reference from, nsc_error *err) {
  size_t room = 2 * ((size_t)count + 4) * sizeof(double);
  double *outline = malloc(room), value;
  if (!outline) return nsc_fail_memory(err, room, "a report");
  uint32_t corners = outline_of(kind, points, count, outline);
  const char *type = kind == NSC_MEASURE_ELLIPSE ? "ELLIPSE" : "POLYLINE";
  nsc_put_content_graphic(t, "CONTAINS", &image_region, type, outline, corners, from);
  free(outline);
  bool known = number_of(measured, "area", &value);
  if (known || number_of(measured, "pixels", &value)) {
    nsc_put_open_number(t, "CONTAINS", area, value, known ? square_millimetre : pixel);
    nsc_put_end_item(t);
  }
  put_statistics(t, image, measured);
  return NSC_OK;
}

/* TID 300: a length or an angle, inferred from the lines that were drawn. */
static void put_lines(nsc_text *t, nsc_measure_kind kind, const double *points, uint32_t count,
                      const nsc_json_value *measured, nsc_image_reference from) {
  static const nsc_code length = {"410668003", "SCT", "Length"}, angle = {"1483009", "SCT", "Angle"},
                        cobb = {"285285000", "SCT", "Cobb angle"};
  double value;
  if (kind == NSC_MEASURE_LENGTH) {
    bool known = number_of(measured, "length", &value);
    if (!known && !number_of(measured, "pixels", &value)) return;
    nsc_put_open_number(t, "CONTAINS", length, value, known ? millimetre : pixel);
  } else {
    if (!number_of(measured, "degrees", &value)) return;
    nsc_put_open_number(t, "CONTAINS", kind == NSC_MEASURE_COBB ? cobb : angle, value, degree);
  }
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  uint32_t each = kind == NSC_MEASURE_COBB ? 2 : count; /* points of a line */
  for (uint32_t at = 0; at < count; at += each) {
    nsc_put_content_graphic(t, "INFERRED FROM", &path, "POLYLINE", points + 2 * (size_t)at, each, from);
  }
  nsc_put_end_sequence(t);
  nsc_put_end_item(t);
}

void nsc_report_begin_group(nsc_report *report, const char *name) {
  nsc_text *t = &report->groups;
  char uid[NSC_UID_ROOM];
  nsc_context_uid(&report->context, NSC_REPORT_GROUP_UID + report->count, uid);
  nsc_put_open_container(t, "CONTAINS", measurement_group);
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  nsc_put_content_text(t, "HAS OBS CONTEXT", tracking_identifier, name);
  nsc_put_content_uid(t, "HAS OBS CONTEXT", tracking_uid, uid);
}

void nsc_report_end_group(nsc_report *report) {
  nsc_put_end_sequence(&report->groups);
  nsc_put_end_item(&report->groups);
  report->count++;
}

static nsc_status put_group(nsc_report *r, const nsc_image *image, nsc_measure_kind kind, const double *points,
                            uint32_t count, const char *label, const nsc_json_value *measured, nsc_image_reference from,
                            nsc_error *err) {
  nsc_text *t = &r->groups;
  char name[48];
  snprintf(name, sizeof name, "%s %u", nsc_measure_kind_name(kind), r->count + 1);
  nsc_report_begin_group(r, label && *label ? label : name);
  nsc_status status = NSC_OK;
  if (kind >= NSC_MEASURE_RECTANGLE) {
    status = put_region(t, image, kind, points, count, measured, from, err);
    t->failed = t->failed || status != NSC_OK; /* half a group is in it */
  } else {
    put_lines(t, kind, points, count, measured, from);
  }
  nsc_report_end_group(r);
  return status;
}

/* ---- the public part ---- */

nsc_status nsc_report_create(const uint64_t key[2], nsc_report **out, nsc_error *err) {
  if (!key || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no key or no place for a report");
  nsc_report *r = calloc(1, sizeof *r);
  if (!r) return nsc_fail_memory(err, sizeof *r, "a report");
  r->context.key[0] = key[0];
  r->context.key[1] = key[1];
  *out = r;
  return NSC_OK;
}

void nsc_report_free(nsc_report *report) {
  if (!report) return;
  nsc_context_drop(&report->context);
  free(report->references);
  nsc_text_drop(&report->groups);
  free(report);
}

nsc_status nsc_report_add(nsc_report *report, nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                          const double *points, uint32_t count, const char *label, nsc_error *err) {
  if (!report || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report or no image");
  char *json;
  nsc_json parsed;
  nsc_reference ref;
  NSC_TRY(nsc_measure_json(image, frame, kind, points, count, &json, err));
  nsc_status status = nsc_report_refer(report, image, &ref, err);
  if (status == NSC_OK) status = nsc_json_parse(json, strlen(json), &parsed, err);
  nsc_text_free(json);
  if (status != NSC_OK) return status;
  nsc_image_reference from = {ref.sop_class, ref.sop_instance, image->info.frames > 1 ? frame + 1 : 0};
  status = put_group(report, image, kind, points, count, label, &parsed.values[0], from, err);
  nsc_json_drop(&parsed);
  return status;
}

/* ---- the file ---- */

static const nsc_derived comprehensive_sr = {
    .sop_class = "1.2.840.10008.5.1.4.1.1.88.33", .modality = "SR", .series = "Measurements"};

/* Whether an earlier reference has the same study, or the same study and series. */
static bool was_seen(const nsc_report *r, uint32_t index, bool series) {
  const nsc_reference *e = &r->references[index];
  for (uint32_t i = 0; i < index; i++) {
    const nsc_reference *other = &r->references[i];
    if (strcmp(other->study, e->study) == 0 && (!series || strcmp(other->series, e->series) == 0)) return true;
  }
  return false;
}

static void put_series(nsc_text *t, const nsc_report *r, const nsc_reference *first) {
  nsc_put_item(t);
  nsc_put_sequence(t, 0x00081199);
  for (uint32_t i = 0; i < r->reference_count; i++) {
    const nsc_reference *e = &r->references[i];
    if (strcmp(e->study, first->study) != 0 || strcmp(e->series, first->series) != 0) continue;
    nsc_put_reference(t, e, 0, NULL);
  }
  nsc_put_end_sequence(t);
  nsc_dicom_put_text(t, 0x0020000E, "UI", first->series);
  nsc_put_end_item(t);
}

/* Current Requested Procedure Evidence (PS3.3 C.17.2): all pictures, by study and series. */
static void put_evidence(nsc_text *t, const nsc_report *r) {
  nsc_put_sequence(t, 0x0040A375);
  for (uint32_t study = 0; study < r->reference_count; study++) {
    if (was_seen(r, study, false)) continue;
    nsc_put_item(t);
    nsc_put_sequence(t, 0x00081115);
    for (uint32_t i = 0; i < r->reference_count; i++) {
      bool here = strcmp(r->references[i].study, r->references[study].study) == 0;
      if (here && !was_seen(r, i, true)) put_series(t, r, &r->references[i]);
    }
    nsc_put_end_sequence(t);
    nsc_dicom_put_text(t, 0x0020000D, "UI", r->references[study].study);
    nsc_put_end_item(t);
  }
  nsc_put_end_sequence(t);
}

/* TID 1204 Language, TID 1001 Observation Context (a device), and the procedure: what TID 1500 has before its values.
 */
static void put_preface(nsc_text *t, const nsc_report *r) {
  char device[NSC_UID_ROOM];
  nsc_context_uid(&r->context, 2, device);
  nsc_put_content_code(t, "HAS CONCEPT MOD", (nsc_code){"121049", "DCM", "Language of Content Item and Descendants"},
                       (nsc_code){"en", "RFC5646", "English"});
  nsc_put_content_code(t, "HAS OBS CONTEXT", (nsc_code){"121005", "DCM", "Observer Type"},
                       (nsc_code){"121007", "DCM", "Device"});
  nsc_put_content_uid(t, "HAS OBS CONTEXT", (nsc_code){"121012", "DCM", "Device Observer UID"}, device);
  nsc_put_content_text(t, "HAS OBS CONTEXT", (nsc_code){"121013", "DCM", "Device Observer Name"}, "Negatoscope");
  nsc_put_content_code(t, "HAS CONCEPT MOD", (nsc_code){"121058", "DCM", "Procedure reported"},
                       (nsc_code){"363679005", "SCT", "Imaging procedure"});
}

/* SR Document General and Content: group 0040. */
static void put_document(nsc_text *t, const nsc_report *r) {
  nsc_dicom_put_text(t, 0x0040A040, "CS", "CONTAINER");
  nsc_put_code(t, 0x0040A043, (nsc_code){"126000", "DCM", "Imaging Measurement Report"});
  nsc_dicom_put_text(t, 0x0040A050, "CS", "SEPARATE");
  nsc_put_empty_sequence(t, 0x0040A372);
  put_evidence(t, r);
  nsc_dicom_put_text(t, 0x0040A491, "CS", "COMPLETE");
  nsc_dicom_put_text(t, 0x0040A493, "CS", "UNVERIFIED");
  nsc_put_sequence(t, 0x0040A504);
  nsc_put_item(t);
  nsc_dicom_put_text(t, 0x00080105, "CS", "DCMR");
  nsc_dicom_put_text(t, 0x0040DB00, "CS", "1500");
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  put_preface(t, r);
  nsc_put_open_container(t, "CONTAINS", (nsc_code){"126010", "DCM", "Imaging Measurements"});
  nsc_put_sequence(t, NSC_TAG_CONTENT);
  nsc_text_append(t, r->groups.chars, r->groups.size);
  nsc_put_end_sequence(t);
  nsc_put_end_item(t);
  nsc_put_end_sequence(t);
}

nsc_status nsc_report_write(const nsc_report *report, const char *now, bool nameless, char **bytes, size_t *size,
                            nsc_error *err) {
  if (!report || !now || !bytes || !size || !nsc_is_moment(now)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report, no place for it, or no time of fourteen digits");
  }
  if (!report->count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a report without measurements");
  nsc_text t = {0};
  nsc_context_put(&t, &report->context, &comprehensive_sr, now, nameless);
  put_document(&t, report);
  t.failed = t.failed || report->groups.failed;
  size_t written = t.size;
  NSC_TRY(nsc_text_finish(&t, bytes, err));
  *size = written;
  return NSC_OK;
}
