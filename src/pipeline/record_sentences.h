/* What a report says in words, as plain text. */
#ifndef NSC_PIPELINE_RECORD_SENTENCES_H
#define NSC_PIPELINE_RECORD_SENTENCES_H

#include "base/text.h"
#include "pipeline/record.h"

enum { NSC_SHORT_ROOM = 16 };

/* "98.9 %", "below 0.1 %", or a dash where there is no number. */
const char *nsc_record_percent(double share, char room[NSC_SHORT_ROOM]);

void nsc_record_say_verdict(nsc_text *t, const nsc_record *record, int language);
void nsc_record_say_calibration(nsc_text *t, const nsc_record *record, int language);
void nsc_record_say_interval(nsc_text *t, const nsc_record *record, int language);
void nsc_record_say_applies(nsc_text *t, const nsc_record *record, int language);
/* Of a record with an explanation. */
void nsc_record_say_map(nsc_text *t, const nsc_record *record, int language);

#endif
