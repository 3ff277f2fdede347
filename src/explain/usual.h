/* What is usual among measures of pictures that were held back: their median, and what 99 % do not exceed. */
#ifndef NSC_EXPLAIN_USUAL_H
#define NSC_EXPLAIN_USUAL_H

#include "base/json.h"
#include "base/text.h"

enum { NSC_USUAL_LEAST = 10 /* measures; of fewer nothing can be said */ };

typedef struct nsc_usual {
  double usual, unusual; /* unusual is the larger */
} nsc_usual;

/* Of `measures` [count], at least NSC_USUAL_LEAST, which are sorted. Of few pictures the 99th percentile is at least
 * that of a normal distribution as wide as theirs. */
nsc_usual nsc_usual_of(double *measures, uint32_t count);

/* 0 for the median, 1 for what 99 % do not exceed, and on in the same scale. */
static inline double nsc_usual_scale(const nsc_usual *u, double measure) {
  return (measure - u->usual) / (u->unusual - u->usual);
}

/* The members "usual" and "unusual" of an object. Reading is false where they are not there, or in the wrong order. */
void nsc_usual_write(const nsc_usual *u, nsc_text *t);
bool nsc_usual_read(const nsc_json_value *object, nsc_usual *out);

#endif
