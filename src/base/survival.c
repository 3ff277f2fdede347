#include "base/survival.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"

/* ---- Kaplan and Meier ---- */

typedef struct seen {
  double time;
  uint8_t event;
} seen;

static int by_time(const void *a, const void *b) {
  const seen *x = a, *y = b;
  return x->time < y->time ? -1 : x->time > y->time;
}

static nsc_status copy_seen(const double *times, const uint8_t *events, size_t count, seen *out, nsc_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!(times[i] >= 0) || !isfinite(times[i]) || events[i] > 1) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "case %zu has the time %g and the event %u", i + 1, times[i], events[i]);
    }
    out[i] = (seen){times[i], events[i]};
  }
  return NSC_OK;
}

/* The steps of sorted cases; returns how many. */
static uint32_t walk(const seen *sorted, size_t count, bool of_censoring, nsc_km_step *steps) {
  double survival = 1, greenwood = 0;
  uint32_t made = 0;
  for (size_t i = 0, next; i < count; i = next) {
    uint32_t events = 0, censored = 0;
    for (next = i; next < count && sorted[next].time == sorted[i].time; next++) {
      events += sorted[next].event;
      censored += !sorted[next].event;
    }
    /* Who had the event at this time could not be censored at it any more. */
    uint32_t at_risk = (uint32_t)(count - i) - (of_censoring ? events : 0), gone = of_censoring ? censored : events;
    if (at_risk) survival *= 1 - (double)gone / at_risk;
    if (gone < at_risk) greenwood += gone / ((double)at_risk * (at_risk - gone));
    steps[made++] = (nsc_km_step){sorted[i].time, survival, greenwood, at_risk, gone};
  }
  return made;
}

nsc_status nsc_km_make(const double *times, const uint8_t *events, size_t count, bool of_censoring, nsc_km *out,
                       nsc_error *err) {
  size_t bytes = 0, room = 0;
  bool fits = count < UINT32_MAX && nsc_mul_size(count + 1, sizeof(seen), &bytes) &&
              nsc_mul_size(count + 1, sizeof(nsc_km_step), &room);
  seen *sorted = fits ? malloc(bytes) : NULL;
  nsc_km_step *steps = fits ? malloc(room) : NULL;
  nsc_status status =
      sorted && steps ? copy_seen(times, events, count, sorted, err) : nsc_fail_memory(err, bytes, "a curve");
  if (status == NSC_OK) {
    qsort(sorted, count, sizeof *sorted, by_time);
    *out = (nsc_km){steps, walk(sorted, count, of_censoring, steps)};
    steps = NULL;
  }
  free(sorted);
  free(steps);
  return status;
}

void nsc_km_drop(nsc_km *km) {
  free(km->steps);
  *km = (nsc_km){0};
}

const nsc_km_step *nsc_km_find(const nsc_km *km, double time, bool before) {
  uint32_t low = 0, high = km->count; /* steps below `low` are early enough, those from `high` on are not */
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    bool early = before ? km->steps[middle].time < time : km->steps[middle].time <= time;
    if (early) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low ? &km->steps[low - 1] : NULL;
}

static double survival_of(const nsc_km_step *step) {
  return step ? step->survival : 1;
}

double nsc_km_at(const nsc_km *km, double time) {
  return survival_of(nsc_km_find(km, time, false));
}

double nsc_km_before(const nsc_km *km, double time) {
  return survival_of(nsc_km_find(km, time, true));
}

/* ---- a model's curve ---- */

double nsc_survival_at(const double *edges, const float *survival, uint32_t bins, double time) {
  double before = 1;
  for (uint32_t k = 0; k < bins; k++) {
    double after = (double)survival[k];
    if (time <= edges[k]) return before;
    if (time < edges[k + 1]) return before + (after - before) * (time - edges[k]) / (edges[k + 1] - edges[k]);
    before = after;
  }
  return before;
}

double nsc_survival_median(const double *edges, const float *survival, uint32_t bins) {
  double before = 1;
  for (uint32_t k = 0; k < bins; k++) {
    double after = (double)survival[k];
    if (after <= 0.5) return edges[k] + (edges[k + 1] - edges[k]) * (before - 0.5) / (before - after);
    before = after;
  }
  return NAN;
}

double nsc_survival_mean(const double *edges, const float *survival, uint32_t bins) {
  double before = 1, area = 0;
  for (uint32_t k = 0; k < bins; k++) {
    area += (before + (double)survival[k]) / 2 * (edges[k + 1] - edges[k]);
    before = (double)survival[k];
  }
  return area;
}
