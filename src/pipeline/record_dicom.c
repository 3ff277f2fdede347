/* A report as DICOM objects. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "image/image.h"
#include "image/report_image.h"
#include "image/report_score.h"
#include "pipeline/explain.h"
#include "pipeline/record_picture.h"
#include "pipeline/record_sentences.h"
#include "pipeline/record_words.h"

enum {
  ENGLISH = 0,     /* what the objects' own fixed texts are in */
  MOST_SCORES = 50 /* of a thousand labels those with the highest scores */
};

/* ---- the structured report ---- */

/* The verdict in words, what is to be said of it, and that it is no diagnosis. Ended by nsc_text_free. */
static nsc_status comment_on(const nsc_record *record, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_record_say_verdict(&t, record, ENGLISH);
  nsc_text_put(&t, " ");
  nsc_record_say_applies(&t, record, ENGLISH);
  nsc_text_put(&t, " ");
  nsc_text_put(&t, nsc_record_words(ENGLISH, "notice"));
  return nsc_text_finish(&t, out, err);
}

static nsc_status add_scores(nsc_report *report, const nsc_record *record, nsc_error *err) {
  const nsc_json_value *model = nsc_record_part(record, "model"), *label = NULL;
  char *comment;
  NSC_TRY(comment_on(record, &comment, err));
  const char *name = nsc_json_text_of(model, "name");
  const nsc_report_model of = {
      .name = name ? name : "?", .version = nsc_json_text_of(model, "sha256"), .comment = comment};
  nsc_status status = NSC_OK;
  for (int i = 0; i < MOST_SCORES && status == NSC_OK; i++) {
    label = nsc_record_next_label(record, label);
    if (!label) break;
    const nsc_report_score score = {.label = nsc_json_text_of(label, "label"),
                                    .score = nsc_json_number_of(label, "score"),
                                    .threshold = nsc_json_number_of(label, "threshold")};
    status = nsc_report_add_score(report, record->image, record->frame, &of, &score, err);
  }
  nsc_text_free(comment);
  return status;
}

static nsc_status write_report(const nsc_record *record, const uint64_t key[2], char **bytes, size_t *size,
                               nsc_error *err) {
  nsc_report *report;
  NSC_TRY(nsc_report_create(key, &report, err));
  nsc_status status = add_scores(report, record, err);
  if (status == NSC_OK) status = nsc_report_write(report, record->now, record->nameless, bytes, size, err);
  nsc_report_free(report);
  return status;
}

/* ---- images ---- */

/* A model's label may be of any length, a Derivation Description of 1024 characters: cut between two of them. */
static void cut(char *utf8) {
  size_t most = 1000;
  if (strlen(utf8) <= most) return;
  while (most > 0 && ((unsigned char)utf8[most] & 0xC0) == 0x80) most--;
  utf8[most] = 0;
}

static nsc_status write_capture(const nsc_record *record, const nsc_report_image *r, char **bytes, size_t *size,
                                nsc_error *err) {
  uint8_t *rgb;
  NSC_TRY(nsc_record_paint(record, true, &rgb, err));
  nsc_status status = nsc_report_write_capture(r, rgb, bytes, size, err);
  free(rgb);
  return status;
}

static nsc_status write_segmentation(const nsc_record *record, const nsc_report_image *r, char **bytes, size_t *size,
                                     nsc_error *err) {
  size_t pixels = (size_t)record->image->info.width * record->image->info.height;
  uint8_t *mask = malloc(pixels);
  if (!mask) return nsc_fail_memory(err, pixels, "a mask");
  nsc_status status = nsc_explanation_mask(record->explanation, record->threshold, mask, pixels, err);
  if (status == NSC_OK) status = nsc_report_write_segmentation(r, mask, bytes, size, err);
  free(mask);
  return status;
}

nsc_status nsc_record_dicom(const nsc_record *record, nsc_record_object object, const uint64_t key[2], char **bytes,
                            size_t *size, nsc_error *err) {
  if (!record || !key || !bytes || !size || (unsigned)object > NSC_RECORD_SEG) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report, no key, no place for it, or no such object");
  }
  if (object == NSC_RECORD_SR) return write_report(record, key, bytes, size, err);
  if (!record->explanation) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no map to make a picture or a segmentation of");
  }
  nsc_text t = {0};
  char *what, algorithm[65];
  nsc_record_say_map(&t, record, ENGLISH);
  NSC_TRY(nsc_text_finish(&t, &what, err));
  cut(what);
  snprintf(algorithm, sizeof algorithm, "Negatoscope %.16s, %.24s", nsc_version(),
           nsc_json_text_of(nsc_record_part(record, "explanation"), "method"));
  const nsc_report_image r = {.image = record->image,
                              .frame = record->frame,
                              .key = key,
                              .now = record->now,
                              .nameless = record->nameless,
                              .what = what,
                              .algorithm = algorithm};
  nsc_status status = object == NSC_RECORD_SC ? write_capture(record, &r, bytes, size, err)
                                              : write_segmentation(record, &r, bytes, size, err);
  nsc_text_free(what);
  return status;
}
