/* Reports, for the page. */
#include <stdlib.h>

#include "bridge.h"

/* 64 hexadecimal digits, ended by nsc_text_free. */
nsc_status bridge_source_sha256(const nsc_source *source) {
  nsc_error *err = bridge_begin();
  char *digest = malloc(65);
  if (!digest) return bridge_fail(NSC_ERROR_MEMORY, "no memory for a digest");
  nsc_status status = nsc_source_sha256(source, digest, err);
  if (status != NSC_OK) free(digest);
  return bridge_finish(status, digest);
}

/* `explanation` and `stability` or 0; texts as in nsc_record_options and nsc_classifier_options. */
nsc_status bridge_record_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                const nsc_explanation *explanation, const nsc_stability *stability, double threshold,
                                int32_t nameless, const char *time, const char *name, const char *sha256,
                                const char *marks, const char *recipe, const char *labels, const char *output) {
  nsc_error *err = bridge_begin();
  const nsc_classifier_options given = {.recipe_json = recipe, .labels_json = labels, .output = output};
  const nsc_record_options options = {.time = time,
                                      .image_name = name,
                                      .image_sha256 = sha256,
                                      .nameless = nameless != 0,
                                      .threshold = threshold,
                                      .marks = marks,
                                      .given = &given};
  nsc_record *record = NULL;
  return bridge_finish(nsc_record_create(classifier, image, frame, explanation, stability, &options, &record, err),
                       record);
}

nsc_status bridge_record_json(const nsc_record *record) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_record_json(record, &json, err), json);
}

nsc_status bridge_record_html(const nsc_record *record, const char *language) {
  nsc_error *err = bridge_begin();
  char *html = NULL;
  return bridge_finish(nsc_record_html(record, language, NULL, &html, err), html);
}

nsc_status bridge_record_fhir(const nsc_record *record, const char *language) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_record_fhir(record, language, &json, err), json);
}

/* The bytes of a DICOM file; `object` is an nsc_record_object, the rest four random numbers. */
nsc_status bridge_record_dicom(const nsc_record *record, uint32_t object, uint32_t a, uint32_t b, uint32_t c,
                               uint32_t d) {
  nsc_error *err = bridge_begin();
  const uint64_t key[2] = {(uint64_t)a << 32 | b, (uint64_t)c << 32 | d};
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_record_dicom(record, (nsc_record_object)object, key, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}
