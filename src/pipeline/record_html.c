/* A report as a page: a template whose placeholders are filled in from the manifest. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/record_picture.h"
#include "pipeline/record_sentences.h"
#include "pipeline/record_style.h"
#include "pipeline/record_words.h"

/* What is being written. */
typedef struct sheet {
  const nsc_record *record;
  int language;
  const nsc_json_value *model, *image, *result;
} sheet;

typedef nsc_status (*putter)(nsc_text *t, const sheet *s, nsc_error *err);

/* ---- pieces ---- */

static const char *word(const sheet *s, const char *name) {
  return nsc_record_words(s->language, name);
}

/* A sentence, which is plain text until now. */
static nsc_status put_escaped(nsc_text *t, nsc_text *plain, nsc_error *err) {
  char *text;
  NSC_TRY(nsc_text_finish(plain, &text, err));
  nsc_html_text(t, text);
  nsc_text_free(text);
  return NSC_OK;
}

static void put_fact(nsc_text *t, const sheet *s, const char *name, const char *value) {
  if (!value || !*value) return;
  nsc_text_printf(t, "<dt>%s</dt><dd>", word(s, name));
  nsc_html_text(t, value);
  nsc_text_put(t, "</dd>");
}

/* ---- placeholders ---- */

static nsc_status put_language(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  nsc_text_put(t, nsc_record_language_name(s->language));
  return NSC_OK;
}

static nsc_status put_style(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)s, (void)err;
  nsc_text_put(t, nsc_record_style);
  return NSC_OK;
}

static nsc_status put_verdict(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const char *verdict = nsc_json_text_of(s->result, "verdict");
  nsc_html_text(t, verdict ? verdict : word(s, "nothing"));
  return NSC_OK;
}

static nsc_status put_score(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  char score[NSC_SHORT_ROOM];
  const nsc_json_value *verdict = nsc_record_verdict(s->record);
  if (verdict) nsc_text_put(t, nsc_record_percent(nsc_json_number_of(verdict, "score"), score));
  return NSC_OK;
}

static nsc_status put_words(nsc_text *t, const sheet *s, nsc_error *err) {
  nsc_text plain = {0};
  nsc_record_say_verdict(&plain, s->record, s->language);
  return put_escaped(t, &plain, err);
}

static nsc_status put_calibration(nsc_text *t, const sheet *s, nsc_error *err) {
  nsc_text plain = {0};
  nsc_record_say_calibration(&plain, s->record, s->language);
  return put_escaped(t, &plain, err);
}

static nsc_status put_interval(nsc_text *t, const sheet *s, nsc_error *err) {
  nsc_text plain = {0};
  nsc_record_say_interval(&plain, s->record, s->language);
  return put_escaped(t, &plain, err);
}

static nsc_status put_applies(nsc_text *t, const sheet *s, nsc_error *err) {
  nsc_text plain = {0};
  nsc_record_say_applies(&plain, s->record, s->language);
  return put_escaped(t, &plain, err);
}

/* Stands above a score that means little. */
static nsc_status put_warning(nsc_text *t, const sheet *s, nsc_error *err) {
  const char *applies = nsc_json_text_of(nsc_json_get(s->result, "applies"), "verdict");
  bool doubtful = applies && strcmp(applies, "in range") != 0;
  return doubtful ? put_applies(t, s, err) : NSC_OK;
}

static void put_bar(nsc_text *t, double score, double threshold) {
  nsc_text_printf(t,
                  "<td class=\"bar\"><svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\"><rect class=\"track\" "
                  "width=\"100\" height=\"8\"/><rect width=\"%.2f\" height=\"8\"/>",
                  100 * score);
  if (!isnan(threshold)) nsc_text_printf(t, "<path d=\"M%.2f 0V8\"/>", 100 * threshold);
  nsc_text_put(t, "</svg></td>");
}

enum { MOST_ROWS = 10 /* of a thousand labels the highest ones are worth paper */ };

static nsc_status put_scores(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const nsc_json_value *labels = nsc_json_get(s->result, "labels"), *each = NULL;
  char score[NSC_SHORT_ROOM], limit[NSC_SHORT_ROOM];
  nsc_text_printf(t, "<table><tr><th>%s</th><th>%s</th><th>%s</th><th></th></tr>", word(s, "label"), word(s, "score"),
                  word(s, "threshold"));
  for (uint32_t i = 0; i < labels->count && i < MOST_ROWS; i++) {
    each = nsc_record_next_label(s->record, each);
    if (!each) break;
    double value = nsc_json_number_of(each, "score"), threshold = nsc_json_number_of(each, "threshold");
    nsc_text_put(t, "<tr><td>");
    nsc_html_text(t, nsc_json_text_of(each, "label"));
    nsc_text_printf(t, "</td><td>%s</td><td>%s</td>", nsc_record_percent(value, score),
                    nsc_record_percent(threshold, limit));
    put_bar(t, value, threshold);
    nsc_text_put(t, "</tr>");
  }
  nsc_text_put(t, "</table>");
  return NSC_OK;
}

static nsc_status put_advice(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const nsc_json_value *labels = nsc_json_get(s->result, "labels"), *each = nsc_json_first(labels);
  uint32_t rows = 0;
  for (uint32_t i = 0; i < labels->count; i++, each = nsc_json_next(each)) {
    const char *advice = nsc_json_text_of(each, "advice");
    if (!advice || rows++ >= MOST_ROWS) continue;
    nsc_text_put(t, rows == 1 ? "<dl><dt>" : "<dt>");
    nsc_html_text(t, nsc_json_text_of(each, "label"));
    nsc_text_put(t, "</dt><dd>");
    nsc_html_text(t, advice);
    nsc_text_put(t, "</dd>");
  }
  if (rows) nsc_text_put(t, "</dl>");
  return NSC_OK;
}

static nsc_status put_limits(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const char *limits = nsc_json_text_of(s->model, "limits");
  nsc_html_text(t, limits ? limits : word(s, "no_limits"));
  return NSC_OK;
}

static nsc_status put_picture(nsc_text *t, const sheet *s, nsc_error *err) {
  return nsc_record_film(t, s->record, false, err);
}

static nsc_status put_map(nsc_text *t, const sheet *s, nsc_error *err) {
  return s->record->explanation ? nsc_record_film(t, s->record, true, err) : NSC_OK;
}

static nsc_status put_map_words(nsc_text *t, const sheet *s, nsc_error *err) {
  nsc_text plain = {0};
  if (!s->record->explanation) return NSC_OK;
  nsc_record_say_map(&plain, s->record, s->language);
  return put_escaped(t, &plain, err);
}

/* "12 to 40" of a box' two sides. */
static void put_box(nsc_text *t, const nsc_json_value *box, bool size) {
  double sides[4] = {NAN, NAN, NAN, NAN};
  const nsc_json_value *each = box && box->kind == NSC_JSON_ARRAY ? nsc_json_first(box) : NULL;
  for (uint32_t i = 0; each && i < 4; i++, each = nsc_json_next(each)) sides[i] = each->number;
  if (isnan(sides[3])) {
    nsc_text_put(t, "<td>–</td>");
  } else if (size) {
    nsc_text_printf(t, "<td>%.0f × %.0f</td>", sides[2] - sides[0], sides[3] - sides[1]);
  } else {
    nsc_text_printf(t, "<td>%.0f–%.0f, %.0f–%.0f</td>", sides[0], sides[2], sides[1], sides[3]);
  }
}

static nsc_status put_regions(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const nsc_json_value *regions = nsc_json_get(nsc_record_part(s->record, "explanation"), "regions");
  if (!regions || !regions->count) return NSC_OK;
  const nsc_json_value *each = nsc_json_first(regions);
  char share[NSC_SHORT_ROOM];
  nsc_text_printf(t, "<table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>", word(s, "region"),
                  word(s, "share"), word(s, "place"), word(s, "size"));
  for (uint32_t i = 0; i < regions->count; i++, each = nsc_json_next(each)) {
    nsc_text_printf(t, "<tr><td>%u</td><td>%s</td>", i + 1,
                    nsc_record_percent(nsc_json_number_of(each, "share"), share));
    put_box(t, nsc_json_get(each, "box"), false);
    put_box(t, nsc_json_get(each, "boxMm"), true);
    nsc_text_put(t, "</tr>");
  }
  nsc_text_put(t, "</table>");
  return NSC_OK;
}

static nsc_status put_patient(nsc_text *t, const sheet *s, nsc_error *err) {
  static const char *const names[] = {"name", "id", "birthDate", "sex"};
  (void)err;
  const nsc_json_value *patient = nsc_json_get(s->image, "patient"), *study = nsc_json_get(s->image, "study");
  nsc_text facts = {0};
  for (int i = 0; i < 4; i++) put_fact(&facts, s, names[i], nsc_json_text_of(patient, names[i]));
  put_fact(&facts, s, "date", nsc_json_text_of(study, "date"));
  put_fact(&facts, s, "accession", nsc_json_text_of(study, "accession"));
  if (facts.size) {
    nsc_text_put(t, "<dl>");
    nsc_text_append(t, facts.chars, facts.size);
    nsc_text_put(t, "</dl>");
  }
  t->failed = t->failed || facts.failed;
  nsc_text_drop(&facts);
  return NSC_OK;
}

static nsc_status put_about_image(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  char text[80];
  const char *modality = nsc_json_text_of(s->image, "modality"), *part = nsc_json_text_of(s->image, "bodyPart");
  nsc_text_put(t, "<dl>");
  put_fact(t, s, "file", nsc_json_text_of(s->image, "name"));
  snprintf(text, sizeof text, "%.0f × %.0f, %s%s%s%s%s", nsc_json_number_of(s->image, "width"),
           nsc_json_number_of(s->image, "height"), nsc_json_text_of(s->image, "format"), modality ? ", " : "",
           modality ? modality : "", part ? ", " : "", part ? part : "");
  put_fact(t, s, "pixels", text);
  snprintf(text, sizeof text, "%.0f / %.0f", nsc_json_number_of(s->image, "frame"),
           nsc_json_number_of(s->image, "frames"));
  put_fact(t, s, "frame", text);
  nsc_text_put(t, "</dl>");
  return NSC_OK;
}

static nsc_status put_model(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  char task[24];
  snprintf(task, sizeof task, "task_%s", nsc_json_text_of(s->model, "task"));
  nsc_text_put(t, "<dl>");
  put_fact(t, s, "model_title", nsc_json_text_of(s->model, "title"));
  put_fact(t, s, "model_name", nsc_json_text_of(s->model, "name"));
  put_fact(t, s, "task", word(s, task));
  put_fact(t, s, "license", nsc_json_text_of(s->model, "license"));
  put_fact(t, s, "digest_model", nsc_json_text_of(s->model, "sha256"));
  nsc_text_put(t, "</dl>");
  return NSC_OK;
}

static nsc_status put_run(nsc_text *t, const sheet *s, nsc_error *err) {
  (void)err;
  const nsc_json_value *software = nsc_record_part(s->record, "software");
  char text[160];
  snprintf(text, sizeof text, "%s %s (%s, %s)", nsc_json_text_of(software, "name"),
           nsc_json_text_of(software, "version"), nsc_json_text_of(software, "build"),
           nsc_json_text_of(software, "processor"));
  nsc_text_put(t, "<dl>");
  put_fact(t, s, "software", text);
  put_fact(t, s, "time", nsc_json_text_of(&s->record->facts.values[0], "time"));
  put_fact(t, s, "digest_image", nsc_json_text_of(s->image, "sha256"));
  nsc_text_put(t, "</dl>");
  return NSC_OK;
}

static const struct {
  const char *name;
  putter put;
} placeholders[] = {
    {"language", put_language},   {"style", put_style},     {"verdict", put_verdict},
    {"score", put_score},         {"words", put_words},     {"calibration", put_calibration},
    {"interval", put_interval},   {"scores", put_scores},   {"warning", put_warning},
    {"applies", put_applies},     {"advice", put_advice},   {"limits", put_limits},
    {"picture", put_picture},     {"map", put_map},         {"regions", put_regions},
    {"map_words", put_map_words}, {"patient", put_patient}, {"image", put_about_image},
    {"model", put_model},         {"run", put_run},
};

/* ---- the template ---- */

enum { NAME_ROOM = 40 };

/* What a placeholder stands for, appended. */
static nsc_status put_named(nsc_text *t, const sheet *s, const char *name, nsc_error *err) {
  const char *text = strncmp(name, "t.", 2) == 0 ? word(s, name + 2) : NULL;
  if (text) {
    nsc_html_text(t, text);
    return NSC_OK;
  }
  for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
    if (strcmp(placeholders[i].name, name) == 0) return placeholders[i].put(t, s, err);
  }
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "the template has a placeholder {{%s}}, which is unknown", name);
}

/* The name between "{{" and "}}"; *at moves behind them. */
static nsc_status read_name(const char **at, char name[NAME_ROOM], nsc_error *err) {
  const char *from = *at + 2, *end = strstr(from, "}}");
  size_t length = end ? (size_t)(end - from) : 0;
  if (!end || length == 0 || length >= NAME_ROOM) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the template has a placeholder that is empty or not closed: %.40s", *at);
  }
  memcpy(name, from, length);
  name[length] = 0;
  *at = end + 2;
  return NSC_OK;
}

/* "{{#name}}...{{/name}}" stays where the placeholder stands for something. *at: behind the opening. */
static nsc_status open_section(const sheet *s, const char *name, const char **at, nsc_error *err) {
  char end[NAME_ROOM + 8];
  nsc_text value = {0};
  snprintf(end, sizeof end, "{{/%s}}", name);
  const char *close = strstr(*at, end);
  if (!close) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the template opens {{#%s}} and does not close it", name);
  nsc_status status = put_named(&value, s, name, err);
  if (status == NSC_OK && !value.size && !value.failed) *at = close + strlen(end);
  nsc_text_drop(&value);
  return status;
}

static nsc_status fill(nsc_text *t, const sheet *s, const char *page, nsc_error *err) {
  char name[NAME_ROOM];
  for (const char *at = page, *next; *at; at = next) {
    next = strstr(at, "{{");
    if (!next) {
      nsc_text_put(t, at);
      return NSC_OK;
    }
    nsc_text_append(t, at, (size_t)(next - at));
    NSC_TRY(read_name(&next, name, err));
    if (name[0] == '#') NSC_TRY(open_section(s, name + 1, &next, err));
    if (name[0] != '#' && name[0] != '/') NSC_TRY(put_named(t, s, name, err));
  }
  return NSC_OK;
}

nsc_status nsc_record_html(const nsc_record *record, const char *language, const char *page, char **out,
                           nsc_error *err) {
  int number = nsc_record_language(language);
  if (!record || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no report or no place for it");
  if (number < 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a report is in en or zh-CN, not in \"%.20s\"", language);
  const sheet s = {.record = record,
                   .language = number,
                   .model = nsc_record_part(record, "model"),
                   .image = nsc_record_part(record, "image"),
                   .result = nsc_record_part(record, "result")};
  nsc_text t = {0};
  nsc_status status = fill(&t, &s, page ? page : nsc_record_template(), err);
  if (status == NSC_OK) return nsc_text_finish(&t, out, err);
  nsc_text_drop(&t);
  return status;
}
