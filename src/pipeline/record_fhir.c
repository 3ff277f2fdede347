/*
 * A report as FHIR R4 (hl7.org/fhir/R4): a DiagnosticReport that contains an Observation for each label and the model
 * as a Device. There are codes for none of them, so they are named in words; units are UCUM's.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/record.h"
#include "pipeline/record_sentences.h"
#include "pipeline/record_words.h"

enum { MOST_OBSERVATIONS = 50 /* of a thousand labels those with the highest scores */ };

static void member(nsc_text *t, const char *key, const char *value) {
  if (!value) return; /* FHIR's JSON has no null members */
  nsc_json_key(t, key), nsc_json_string(t, value);
}

/* A CodeableConcept without a code. Takes the plain text. */
static void put_concept(nsc_text *t, const char *key, nsc_text *plain) {
  char *text = NULL;
  if (nsc_text_finish(plain, &text, NULL) != NSC_OK) {
    t->failed = true;
    return;
  }
  nsc_json_key(t, key), nsc_json_object(t);
  member(t, "text", text);
  nsc_json_end_object(t);
  nsc_text_free(text);
}

static void put_quantity(nsc_text *t, double value) {
  nsc_json_object(t);
  nsc_json_key(t, "value"), nsc_json_number(t, value);
  member(t, "system", "http://unitsofmeasure.org");
  member(t, "code", "1");
  nsc_json_end_object(t);
}

/* The model: its name, and its digest as the version. */
static void put_device(nsc_text *t, const nsc_record *record) {
  const nsc_json_value *model = nsc_record_part(record, "model");
  const char *name = nsc_json_text_of(model, "name");
  nsc_json_object(t);
  member(t, "resourceType", "Device");
  member(t, "id", "model");
  nsc_json_key(t, "deviceName"), nsc_json_array(t), nsc_json_object(t);
  member(t, "name", name ? name : "?");
  member(t, "type", "model-name");
  nsc_json_end_object(t), nsc_json_end_array(t);
  nsc_json_key(t, "version"), nsc_json_array(t), nsc_json_object(t);
  member(t, "value", nsc_json_text_of(model, "sha256"));
  nsc_json_end_object(t), nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static void put_observation(nsc_text *t, const nsc_record *record, const nsc_json_value *label, int number,
                            int language) {
  char id[24];
  nsc_text words = {0};
  double threshold = nsc_json_number_of(label, "threshold");
  const nsc_json_value *software = nsc_record_part(record, "software");
  snprintf(id, sizeof id, "label-%d", number);
  nsc_json_object(t);
  member(t, "resourceType", "Observation");
  member(t, "id", id);
  member(t, "status", "preliminary");
  nsc_record_say(&words, language, "probability_of",
                 (const char *const[NSC_WORDS_ARGUMENTS]){nsc_json_text_of(label, "label")});
  put_concept(t, "code", &words);
  member(t, "effectiveDateTime", nsc_json_text_of(&record->facts.values[0], "time"));
  nsc_json_key(t, "valueQuantity"), put_quantity(t, nsc_json_number_of(label, "score"));
  words = (nsc_text){0};
  nsc_text_printf(&words, "Negatoscope %s (%s)", nsc_json_text_of(software, "version"),
                  nsc_json_text_of(software, "build"));
  put_concept(t, "method", &words);
  nsc_json_key(t, "device"), nsc_json_object(t);
  member(t, "reference", "#model");
  nsc_json_end_object(t);
  if (!isnan(threshold)) {
    nsc_json_key(t, "referenceRange"), nsc_json_array(t), nsc_json_object(t);
    nsc_json_key(t, "high"), put_quantity(t, threshold);
    member(t, "text", nsc_record_words(language, "threshold"));
    nsc_json_end_object(t), nsc_json_end_array(t);
  }
  nsc_json_end_object(t);
}

/* A logical reference: who or what it is is said by an identifier alone. */
static void put_subject(nsc_text *t, const nsc_json_value *patient) {
  const char *name = nsc_json_text_of(patient, "name"), *id = nsc_json_text_of(patient, "id");
  if (!name && !id) return;
  nsc_json_key(t, "subject"), nsc_json_object(t);
  member(t, "type", "Patient");
  if (id) {
    nsc_json_key(t, "identifier"), nsc_json_object(t);
    member(t, "value", id);
    nsc_json_end_object(t);
  }
  member(t, "display", name);
  nsc_json_end_object(t);
}

static void put_study(nsc_text *t, const nsc_json_value *uids) {
  const char *study = nsc_json_text_of(uids, "study");
  char urn[80];
  if (!study) return;
  snprintf(urn, sizeof urn, "urn:oid:%s", study);
  nsc_json_key(t, "imagingStudy"), nsc_json_array(t), nsc_json_object(t);
  member(t, "type", "ImagingStudy");
  nsc_json_key(t, "identifier"), nsc_json_object(t);
  member(t, "system", "urn:dicom:uid");
  member(t, "value", urn);
  nsc_json_end_object(t);
  nsc_json_end_object(t), nsc_json_end_array(t);
}

/* The verdict in words, and all that stands against it. */
static void put_conclusion(nsc_text *t, const nsc_record *record, int language, nsc_error *err) {
  nsc_text words = {0};
  char *text = NULL;
  const char *limits = nsc_json_text_of(nsc_record_part(record, "model"), "limits");
  nsc_record_say_verdict(&words, record, language);
  nsc_text_put(&words, " ");
  nsc_record_say_applies(&words, record, language);
  nsc_text_put(&words, " ");
  nsc_record_say_calibration(&words, record, language);
  nsc_text_put(&words, " ");
  nsc_record_say_interval(&words, record, language);
  nsc_text_put(&words, " ");
  if (limits) nsc_text_put(&words, limits), nsc_text_put(&words, " ");
  nsc_text_put(&words, nsc_record_words(language, "notice"));
  t->failed = t->failed || nsc_text_finish(&words, &text, err) != NSC_OK;
  member(t, "conclusion", text);
  nsc_text_free(text);
}

nsc_status nsc_record_fhir(const nsc_record *record, const char *language, char **out, nsc_error *err) {
  int number = nsc_record_language(language), count = 0;
  if (!record || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report or no place for it");
  if (number < 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a report is in en or zh-CN, not in \"%.20s\"", language);
  const nsc_json_value *image = nsc_record_part(record, "image"), *label = NULL;
  const char *time = nsc_json_text_of(&record->facts.values[0], "time");
  const char *title = nsc_json_text_of(nsc_record_part(record, "model"), "name");
  nsc_text t = {0}, words = {0};
  nsc_json_object(&t);
  member(&t, "resourceType", "DiagnosticReport");
  member(&t, "language", nsc_record_language_name(number));
  nsc_json_key(&t, "contained"), nsc_json_array(&t);
  put_device(&t, record);
  while (count < MOST_OBSERVATIONS && (label = nsc_record_next_label(record, label))) {
    put_observation(&t, record, label, ++count, number);
  }
  nsc_json_end_array(&t);
  member(&t, "status", "preliminary");
  nsc_record_say(&words, number, "classified_by", (const char *const[NSC_WORDS_ARGUMENTS]){title ? title : "?"});
  put_concept(&t, "code", &words);
  put_subject(&t, nsc_json_get(image, "patient"));
  member(&t, "effectiveDateTime", time);
  member(&t, "issued", time);
  nsc_json_key(&t, "result"), nsc_json_array(&t);
  for (int i = 1; i <= count; i++) {
    char reference[24];
    snprintf(reference, sizeof reference, "#label-%d", i);
    nsc_json_object(&t);
    member(&t, "reference", reference);
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  put_study(&t, nsc_json_get(image, "uids"));
  put_conclusion(&t, record, number, err);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
