/* The words of a report, in each language. */
#ifndef NSC_PIPELINE_RECORD_WORDS_H
#define NSC_PIPELINE_RECORD_WORDS_H

#include "base/text.h"

enum { NSC_RECORD_LANGUAGES = 2, NSC_WORDS_ARGUMENTS = 6 };

/* 0: "en", 1: "zh-CN"; -1 for any other. NULL is English. */
int nsc_record_language(const char *name);
const char *nsc_record_language_name(int language);

/* A text by its name; NULL where there is none of that name. */
const char *nsc_record_words(int language, const char *name);

/* The same with {0} to {5} filled in, as plain text. */
void nsc_record_say(nsc_text *t, int language, const char *name, const char *const values[NSC_WORDS_ARGUMENTS]);

#endif
