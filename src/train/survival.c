#include "train/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/survival.h"

/* The first time at which the curve is at or below `level`. */
static double time_of(const nsc_km *km, double level) {
  for (uint32_t i = 0; i < km->count; i++) {
    if (km->steps[i].survival <= level) return km->steps[i].time;
  }
  return 0;
}

nsc_status nsc_survival_choose_edges(const double *times, const uint8_t *events, size_t count, uint32_t bins,
                                     nsc_survival_spec *spec, nsc_error *err) {
  nsc_km km;
  if (bins < 1 || bins > NSC_SURVIVAL_BINS) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u time bins; there may be 1 to %d", bins, NSC_SURVIVAL_BINS);
  }
  NSC_TRY(nsc_km_make(times, events, count, false, &km, err));
  double last = 0, lowest = 1;
  for (uint32_t i = 0; i < km.count; i++) {
    if (km.steps[i].events) last = km.steps[i].time, lowest = km.steps[i].survival;
  }
  uint32_t made = 0;
  for (uint32_t k = 1; k <= bins && last > 0; k++) {
    /* The last edge is the last event's time itself: a level could miss it by a rounding. */
    double edge = k == bins ? last : time_of(&km, 1 - (1 - lowest) * k / bins);
    if (edge > (made ? spec->edges[made] : 0)) spec->edges[++made] = edge;
  }
  nsc_km_drop(&km);
  spec->edges[0] = 0;
  spec->bins = made;
  if (made) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "no case for training has an event after time 0: there is nothing to learn");
}

nsc_status nsc_survival_take_edges(const double *edges, size_t count, nsc_survival_spec *spec, nsc_error *err) {
  bool fits = count >= 2 && count <= NSC_SURVIVAL_BINS + 1 && edges[0] == 0;
  for (size_t i = 1; i < count && fits; i++) fits = isfinite(edges[i]) && edges[i] > edges[i - 1];
  if (!fits) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "edges of time bins must rise from 0, in at most %d bins",
                    NSC_SURVIVAL_BINS);
  }
  spec->bins = (uint32_t)count - 1;
  for (size_t i = 0; i < count; i++) spec->edges[i] = edges[i];
  return NSC_OK;
}

void nsc_survival_targets(const nsc_survival_spec *spec, const nsc_outcome *outcome, float *targets) {
  double time = outcome->time;
  for (uint32_t k = 0; k < spec->bins; k++) {
    double from = spec->edges[k], to = spec->edges[k + 1];
    if (outcome->event) {
      bool first = k == 0 && time <= to; /* also at time 0, which lies in no bin */
      targets[k] = time > to ? 0 : time > from || first ? 1 : -1;
    } else {
      targets[k] = time >= (from + to) / 2 ? 0 : -1;
    }
  }
}

void nsc_survival_inputs(const nsc_survival_spec *spec, const double *fields, float *inputs) {
  for (uint32_t i = 0; i < spec->field_count; i++) {
    const nsc_survival_field *f = &spec->fields[i];
    inputs[i] = isnan(fields[i]) ? 0 : (float)((fields[i] - f->mean) / f->deviation);
  }
}

void nsc_survival_curve(const float *logits, uint32_t bins, float *survival) {
  double log_left = 0; /* sums of log(1 - hazard) = -softplus(logit) keep small chances exact */
  for (uint32_t k = 0; k < bins; k++) {
    double z = (double)logits[k];
    log_left -= z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    survival[k] = (float)exp(log_left);
  }
}

/* ---- data sets ---- */

nsc_status nsc_dataset_set_outcome(nsc_dataset *d, const nsc_outcome *outcome, nsc_error *err) {
  nsc_outcome *copy = nsc_arena_alloc(&d->arena, 1, sizeof *copy);
  if (!copy) return nsc_fail_memory(err, sizeof *copy, "an outcome");
  *copy = *outcome;
  d->samples[d->count - 1].outcome = copy;
  return NSC_OK;
}

static nsc_status choose_bins(const nsc_dataset *d, const nsc_survival_choice *choice, nsc_survival_spec *spec,
                              nsc_error *err) {
  if (choice->edges) return nsc_survival_take_edges(choice->edges, choice->edge_count, spec, err);
  double *times = malloc((d->count + (size_t)1) * sizeof *times);
  uint8_t *events = malloc(d->count + (size_t)1);
  size_t count = 0;
  for (uint32_t i = 0; i < d->count && times && events; i++) {
    if (d->samples[i].split != NSC_SPLIT_TRAIN) continue;
    times[count] = d->samples[i].outcome->time;
    events[count++] = d->samples[i].outcome->event;
  }
  nsc_status status = times && events ? nsc_survival_choose_edges(times, events, count, choice->bins, spec, err)
                                      : nsc_fail_memory(err, d->count * sizeof *times, "time bins");
  free(times);
  free(events);
  return status;
}

/* Mean and deviation among the training cases that have the field. */
static nsc_status measure_field(const nsc_dataset *d, uint32_t field, nsc_survival_field *f, nsc_error *err) {
  double sum = 0, squares = 0;
  uint32_t known = 0;
  for (int pass = 0; pass < 2; pass++) { /* the mean first: squares of what is near it keep their digits */
    for (uint32_t i = 0; i < d->count; i++) {
      double x = d->samples[i].outcome->fields[field];
      if (d->samples[i].split != NSC_SPLIT_TRAIN || isnan(x)) continue;
      if (pass) {
        squares += (x - f->mean) * (x - f->mean);
      } else {
        sum += x, known++;
      }
    }
    if (!pass && known) f->mean = sum / known;
  }
  if (!known) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no case for training has the field \"%s\"", f->name);
  f->deviation = squares > 0 ? sqrt(squares / known) : 1;
  return NSC_OK;
}

static nsc_status fill_spec(const nsc_dataset *d, const nsc_survival_choice *choice, nsc_survival_spec *spec,
                            nsc_error *err) {
  if (choice->field_count > NSC_SURVIVAL_FIELDS) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%u fields; there may be %d", choice->field_count, NSC_SURVIVAL_FIELDS);
  }
  bool any = false;
  for (uint32_t i = 0; i < d->count; i++) {
    const nsc_sample *s = &d->samples[i];
    if (!s->outcome) return nsc_fail(err, NSC_ERROR_ARGUMENT, "nothing is known of what became of \"%.60s\"", s->name);
    any = any || (s->split == NSC_SPLIT_TRAIN && s->outcome->event);
  }
  if (!any) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no case for training has an event: there is nothing to learn");
  NSC_TRY(choose_bins(d, choice, spec, err));
  const char *unit = choice->unit ? choice->unit : "";
  if (strlen(unit) >= sizeof spec->unit) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a unit of time is a short word");
  strcpy(spec->unit, unit);
  spec->field_count = choice->field_count;
  for (uint32_t i = 0; i < choice->field_count; i++) {
    if (!choice->fields[i][0] || strlen(choice->fields[i]) >= sizeof spec->fields[i].name) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "names of fields have 1 to %d bytes", NSC_SURVIVAL_WORD - 1);
    }
    strcpy(spec->fields[i].name, choice->fields[i]);
    NSC_TRY(measure_field(d, i, &spec->fields[i], err));
  }
  return NSC_OK;
}

nsc_status nsc_dataset_set_survival(nsc_dataset *d, const nsc_survival_choice *choice, nsc_error *err) {
  nsc_survival_spec *spec = nsc_arena_alloc(&d->arena, 1, sizeof *spec);
  if (!spec) return nsc_fail_memory(err, sizeof *spec, "time bins");
  NSC_TRY(fill_spec(d, choice, spec, err));
  d->survival = spec;
  return NSC_OK;
}

void nsc_survival_prepare(const nsc_dataset *d, nsc_net *net, uint32_t head) {
  const nsc_survival_spec *spec = d->survival;
  nsc_parameter *bias = &net->parameters[net->layers[head].parameters[1]];
  for (uint32_t k = 0; k < spec->bins && k < bias->count; k++) {
    float targets[NSC_SURVIVAL_BINS];
    double events = 0.5, at_risk = 1; /* half a case more of each kind: no hazard is 0 or 1 */
    for (uint32_t i = 0; i < d->count; i++) {
      if (d->samples[i].split != NSC_SPLIT_TRAIN) continue;
      nsc_survival_targets(spec, d->samples[i].outcome, targets);
      at_risk += targets[k] >= 0;
      events += targets[k] == 1;
    }
    bias->value[k] = (float)log(events / (at_risk - events));
  }
  for (uint32_t i = 0; i < spec->field_count && net->field_mean; i++) {
    net->field_mean[i] = (float)spec->fields[i].mean;
    net->field_scale[i] = (float)(1 / spec->fields[i].deviation);
  }
}
