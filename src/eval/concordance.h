/* Between survival.c and concordance.c. */
#ifndef NSC_EVAL_CONCORDANCE_H
#define NSC_EVAL_CONCORDANCE_H

#include "base/arena.h"
#include "eval/private.h"
#include "eval/survival.h"

/* Cases made ready to be compared. */
typedef struct nsc_concordance {
  nsc_arena arena;
  const nsc_eval_survival_data *data; /* borrowed */
  uint32_t *order;                    /* [count] cases by time */
  uint32_t *ranks;                    /* [count] of scores, from 1 */
  uint32_t rank_count;
  double *tree; /* [rank_count + 1] */
} nsc_concordance;

/* `scores` [count]: the longer a case is expected to be without the event, the higher. */
NSC_WARN_UNUSED nsc_status nsc_concordance_make(const nsc_eval_survival_data *data, const double *scores,
                                                nsc_concordance *out, nsc_error *err);
void nsc_concordance_drop(nsc_concordance *c);

/* `weights` [count]: how often each case counts, NULL for once. NaN without a pair. `pairs` may be NULL. */
double nsc_concordance_harrell(nsc_concordance *c, const uint32_t *weights, double *pairs);
/* NaN without a pair. Errors: CANCELLED. */
NSC_WARN_UNUSED nsc_status nsc_concordance_antolini(const nsc_concordance *c, const volatile int32_t *cancel,
                                                    double *out, nsc_error *err);
/* Percentiles of Harrell's C over draws of cases, as bootstrap.c makes them. */
NSC_WARN_UNUSED nsc_status nsc_concordance_bootstrap(nsc_concordance *c, const nsc_eval_options *o,
                                                     nsc_eval_interval *out, nsc_error *err);

#endif
