/*
 * Curves of survival: Kaplan and Meier's of times that were seen (JASA 53, 1958), and a model's, which is known at the
 * edges of its time bins. Times have no unit here; they are not negative.
 */
#ifndef NSC_BASE_SURVIVAL_H
#define NSC_BASE_SURVIVAL_H

#include "negatoscope.h"

/* ---- Kaplan and Meier ---- */

/* From `time` on, until the next step. */
typedef struct nsc_km_step {
  double time, survival;
  double greenwood;         /* sum of d / (n (n - d)): the variance is survival^2 times it (Greenwood 1926) */
  uint32_t at_risk, events; /* just before and at `time` */
} nsc_km_step;

typedef struct nsc_km {
  nsc_km_step *steps; /* [count], one for each time that occurs, in order */
  uint32_t count;
} nsc_km;

/*
 * `times` [count], `events` [count]: 1 where the event came at that time, 0 where the case was censored then. At one
 * time events come before censorings. With `of_censoring` the curve of being not yet censored, where the two change
 * places. Ended by nsc_km_drop. Errors: ARGUMENT (a time that is negative or no number, an event that is neither 0 nor
 * 1; names the case), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_km_make(const double *times, const uint8_t *events, size_t count, bool of_censoring,
                                       nsc_km *out, nsc_error *err);
void nsc_km_drop(nsc_km *km);

/* The last step at or before `time` (`before`: strictly before it); NULL before the first. */
const nsc_km_step *nsc_km_find(const nsc_km *km, double time, bool before);
/* P(T > time), and P(T >= time): 1 before the first step. */
double nsc_km_at(const nsc_km *km, double time);
double nsc_km_before(const nsc_km *km, double time);

/* ---- a model's curve: `survival` [bins] at edges[1] .. edges[bins]; it is 1 at edges[0] = 0 ---- */

/* Linear between edges, as if events of a bin came evenly (Kvamme and Borgan 2019, section 3.4); the last value behind
 * the last edge. */
double nsc_survival_at(const double *edges, const float *survival, uint32_t bins, double time);
/* Where the curve falls to one half; NaN where it does not. */
double nsc_survival_median(const double *edges, const float *survival, uint32_t bins);
/* The area under the curve up to the last edge: the mean time without the event within it. */
double nsc_survival_mean(const double *edges, const float *survival, uint32_t bins);

#endif
