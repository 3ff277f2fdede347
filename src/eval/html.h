/* Between write_html.c and write_svg.c: the drawings of the report's page. Colours are CSS variables of the page. */
#ifndef NSC_EVAL_HTML_H
#define NSC_EVAL_HTML_H

#include "base/text.h"
#include "eval/eval.h"

enum { NSC_EVAL_DRAWN = 8 /* curves in a figure: as many colours as one can tell apart */ };

/* Classes whose curves are drawn: [NSC_EVAL_DRAWN]; the number of them. Of a binary task label 1 alone. */
uint32_t nsc_eval_drawn(const nsc_eval_report *r, uint32_t *classes);

/* A <figure> with its legend each. */
void nsc_eval_svg_roc(nsc_text *t, const nsc_eval_report *r);
void nsc_eval_svg_pr(nsc_text *t, const nsc_eval_report *r);
void nsc_eval_svg_reliability(nsc_text *t, const nsc_eval_report *r);

/* Everything from the document's beginning to the notice below the title; `cases`: how many there are, as HTML. */
void nsc_eval_put_head(nsc_text *t, const nsc_eval_facts *facts, const char *cases);
/* A figure that one looks for first, with its interval. */
void nsc_eval_put_tile(nsc_text *t, const char *name, const nsc_eval_value *value);

/* "0.943", or a dash for NaN. */
void nsc_eval_put_figure(nsc_text *t, double value);

#endif
