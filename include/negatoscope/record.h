/* Reports: what a model said of a picture, so that it can be read, filed and repeated. Part of negatoscope.h, which has
 * the conventions. */
#ifndef NEGATOSCOPE_RECORD_H
#define NEGATOSCOPE_RECORD_H

#include "negatoscope/explain.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- how a result came to be ------------------------------------------------------------------------------------- */

typedef struct nsc_record_options {
  const char *time;         /* of the report: "2026-01-02T03:04:05Z", or with +hh:mm in place of the Z */
  const char *image_name;   /* of its file, or NULL */
  const char *image_sha256; /* of its file: nsc_source_sha256 before the image took it over; NULL: not known */
  bool nameless;            /* leaves out patient, dates, identifiers and the file's name */
  double threshold;         /* regions are where a map is at least this share of its highest place, 0 to 1 */
  const char *marks;        /* what was drawn on the picture, or NULL: [{"kind": that of a nsc_measure_kind, "arrow" or
                               "text", "points": [[x, y], ..] in pixels, "text"}], at most 1000 */
  const nsc_classifier_options *given; /* what the classifier was made with, or NULL: a repetition needs it */
} nsc_record_options;

/*
 * A classification with all that it takes to repeat it. It classifies the frame anew. `explanation` and `stability` of
 * the same classifier, image and frame, or NULL; both with all steps done. Classifier, image and explanation must
 * outlive the record. Errors: those of nsc_classifier_run, of nsc_measure_json for marks; ARGUMENT, UNSUPPORTED,
 * MEMORY; LIMIT for more than 1 MB of JSON.
 */
typedef struct nsc_record nsc_record;
NSC_WARN_UNUSED nsc_status nsc_record_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                             const nsc_explanation *explanation, const nsc_stability *stability,
                                             const nsc_record_options *options, nsc_record **out, nsc_error *err);
void nsc_record_free(nsc_record *record);

/*
 * The manifest of the run, as docs/REPORTS.md has it:
 *   {"format": "negatoscope-report", "version": 1, "time", "nameless",
 *    "software": {"name", "version", "build", "compiler", "processor"},
 *    "model": {"name", "title", "sha256", "bytes", "files": [{"name", "sha256"}], "task", "output", "temperature",
 *              "recipe", "limits", "license", "given": {"recipe", "labels", "output"} as texts or null},
 *    "image": {"name", "sha256", "identity", "format", "width", "height", "frames", "frame": from 1, "spacing",
 *              "modality", "bodyPart", "edges", "uids", "patient", "study"},
 *    "result": {"labels": [{"label", "score", "raw", "logit", "threshold", "advice"}], "verdict", "advice", "relation",
 *               "applies"},
 *    "explanation": as nsc_explanation_json without outlines, with its "options" | null,
 *    "stability": as nsc_stability_json | null, "marks": [{"kind", "points", "text", "value"}]}
 * Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_record_json(const nsc_record *record, char **out, nsc_error *err);

/*
 * One printable page (A4) with everything in it and no script. `language` "en" or "zh-CN". `page` NULL: the usual one,
 * as nsc_record_template; else HTML with {{placeholders}} (docs/REPORTS.md). Ended by nsc_text_free. Errors: ARGUMENT
 * naming a placeholder that is unknown or not closed, those of rendering, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_record_html(const nsc_record *record, const char *language, const char *page, char **out,
                                           nsc_error *err);
/* The usual page, to be edited. Static storage. */
const char *nsc_record_template(void);

/* A DiagnosticReport of FHIR R4 with what it refers to contained in it. `language` as above. Ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_record_fhir(const nsc_record *record, const char *language, char **out, nsc_error *err);

typedef enum nsc_record_object {
  NSC_RECORD_SR = 0, /* Comprehensive SR, TID 1500: scores as measurements */
  NSC_RECORD_SC = 1, /* Secondary Capture: the picture with the map over it */
  NSC_RECORD_SEG = 2 /* Segmentation, binary: where the map is at or above the threshold */
} nsc_record_object;

/*
 * A DICOM object of the picture's patient and study, in a series of its own. The image must be a DICOM file with the
 * UIDs to refer to. `key` [2] decides the UIDs: random, another one for each report. SC and SEG need an explanation.
 * *bytes is ended by nsc_text_free. Errors: UNSUPPORTED (says which of it), ARGUMENT, those of rendering, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_record_dicom(const nsc_record *record, nsc_record_object object, const uint64_t key[2],
                                            char **bytes, size_t *size, nsc_error *err);

/* ---- repeating a run --------------------------------------------------------------------------------------------- */

/* What a manifest asks for. Texts point into it. */
typedef struct nsc_record_request nsc_record_request;
/* Errors: CORRUPT for what is no manifest of a report, or one of a later version; LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_record_request_read(const char *json, size_t size, nsc_record_request **out,
                                                   nsc_error *err);
void nsc_record_request_free(nsc_record_request *request);

/* The model's name; NULL where it has none. */
const char *nsc_record_request_model(const nsc_record_request *request);
/* The frame, from 0, and the share of a map that regions are at or above. */
uint32_t nsc_record_request_frame(const nsc_record_request *request, double *threshold);
/* For the classifier; texts as they were given, threads 0. */
void nsc_record_request_classifier(const nsc_record_request *request, nsc_classifier_options *out);
/* False where the report has no map, no test of steadiness. */
bool nsc_record_request_explanation(const nsc_record_request *request, nsc_explain_options *out);
bool nsc_record_request_stability(const nsc_record_request *request, uint32_t *draws, uint64_t *seed);

/*
 * Whether a repetition says the same: hashes, words and, within a build on one kind of processor, every digit of every
 * number. Between builds scores may differ by 1e-5, other numbers by a thousandth. JSON: {"equal", "exact": no number
 * differs at all, "sameBuild", "largest": difference of scores, "differences": [{"path", "reported", "repeated"}], at
 * most 50}. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_record_compare(const nsc_record_request *request, const nsc_record *repeated, char **out,
                                              nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
