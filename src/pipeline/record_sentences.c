#include "pipeline/record_sentences.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/record_words.h"

/* What is not 0 or 1 is never written as 0 % or 100 %. */
const char *nsc_record_percent(double share, char room[NSC_SHORT_ROOM]) {
  if (isnan(share)) {
    strcpy(room, "–");
  } else if (share > 0 && share < 0.001) {
    strcpy(room, "< 0.1 %");
  } else if (share < 1 && share > 0.999) {
    strcpy(room, "> 99.9 %");
  } else {
    snprintf(room, NSC_SHORT_ROOM, "%.1f %%", 100 * share);
  }
  return room;
}

void nsc_record_say_verdict(nsc_text *t, const nsc_record *record, int language) {
  const nsc_json_value *subject = nsc_record_subject(record), *verdict = nsc_record_verdict(record);
  const char *task = nsc_json_text_of(nsc_record_part(record, "model"), "task");
  char score[NSC_SHORT_ROOM], threshold[NSC_SHORT_ROOM], count[NSC_SHORT_ROOM];
  bool single = strcmp(task, "single") == 0, above = verdict == subject;
  const char *name = single ? "highest" : above ? "above" : strcmp(task, "multi") == 0 ? "none" : "below";
  nsc_record_percent(nsc_json_number_of(subject, "score"), score);
  nsc_record_percent(nsc_json_number_of(subject, "threshold"), threshold);
  snprintf(count, sizeof count, "%u", nsc_json_get(nsc_record_part(record, "result"), "labels")->count);
  nsc_record_say(
      t, language, name,
      (const char *const[NSC_WORDS_ARGUMENTS]){nsc_json_text_of(subject, "label"), score, single ? count : threshold});
  const char *relation = nsc_json_text_of(nsc_record_part(record, "result"), "relation");
  if (strcmp(relation, "borderline") != 0) return;
  nsc_text_put(t, " ");
  nsc_record_say(t, language, "borderline", (const char *const[NSC_WORDS_ARGUMENTS]){NULL});
}

void nsc_record_say_calibration(nsc_text *t, const nsc_record *record, int language) {
  double temperature = nsc_json_number_of(nsc_record_part(record, "model"), "temperature");
  char text[NSC_SHORT_ROOM];
  snprintf(text, sizeof text, "%.3g", temperature);
  nsc_record_say(t, language, temperature == 1 ? "uncalibrated" : "calibrated",
                 (const char *const[NSC_WORDS_ARGUMENTS]){text});
}

/* Draws, range, mean and turned verdicts, in the words called `name`. */
static void say_draws(nsc_text *t, const nsc_json_value *tally, const char *label, const char *name, int language) {
  char low[NSC_SHORT_ROOM], high[NSC_SHORT_ROOM], mean[NSC_SHORT_ROOM], draws[NSC_SHORT_ROOM], flips[NSC_SHORT_ROOM];
  snprintf(draws, sizeof draws, "%.0f", nsc_json_number_of(tally, "draws"));
  snprintf(flips, sizeof flips, "%.0f", nsc_json_number_of(tally, "flips"));
  nsc_record_say(t, language, name,
                 (const char *const[NSC_WORDS_ARGUMENTS]){
                     draws, label, nsc_record_percent(nsc_json_number_of(tally, "lowest"), low),
                     nsc_record_percent(nsc_json_number_of(tally, "highest"), high),
                     nsc_record_percent(nsc_json_number_of(tally, "mean"), mean), flips});
}

void nsc_record_say_interval(nsc_text *t, const nsc_record *record, int language) {
  const nsc_json_value *s = nsc_record_part(record, "stability"), *dropout = s ? nsc_json_get(s, "dropout") : NULL;
  if (!s || s->kind != NSC_JSON_OBJECT) {
    nsc_record_say(t, language, "no_interval", (const char *const[NSC_WORDS_ARGUMENTS]){NULL});
    return;
  }
  say_draws(t, s, nsc_json_text_of(s, "label"), "interval", language);
  if (!dropout || dropout->kind != NSC_JSON_OBJECT) return;
  nsc_text_put(t, " ");
  say_draws(t, dropout, nsc_json_text_of(s, "label"), "dropout", language);
}

void nsc_record_say_applies(nsc_text *t, const nsc_record *record, int language) {
  const char *const none[NSC_WORDS_ARGUMENTS] = {NULL};
  const nsc_json_value *applies = nsc_json_get(nsc_record_part(record, "result"), "applies");
  const char *verdict = nsc_json_text_of(applies, "verdict");
  const char *name = !verdict                           ? "applies_unknown"
                     : strcmp(verdict, "in range") == 0 ? "applies_in"
                     : strcmp(verdict, "doubtful") == 0 ? "applies_doubtful"
                                                        : "applies_out";
  nsc_record_say(t, language, name, none);
  const nsc_json_value *reasons = nsc_json_get(applies, "reasons");
  const nsc_json_value *each = reasons ? nsc_json_first(reasons) : NULL;
  for (uint32_t i = 0; reasons && i < reasons->count; i++, each = nsc_json_next(each)) {
    char reason[32];
    snprintf(reason, sizeof reason, "reason_%.20s", each->string);
    nsc_text_put(t, " ");
    nsc_record_say(t, language, reason, none);
  }
}

void nsc_record_say_map(nsc_text *t, const nsc_record *record, int language) {
  const nsc_json_value *e = nsc_record_part(record, "explanation");
  char share[NSC_SHORT_ROOM];
  snprintf(share, sizeof share, "%.0f %%", 100 * record->threshold);
  nsc_record_say(
      t, language, "map_words",
      (const char *const[NSC_WORDS_ARGUMENTS]){nsc_json_text_of(e, "method"), nsc_json_text_of(e, "label"), share});
}
