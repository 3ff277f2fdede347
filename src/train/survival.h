/*
 * What a network for times to an event learns from: discrete hazards (Gensheimer and Narasimhan, "A scalable
 * discrete-time survival model for neural networks", PeerJ 7:e6257, 2019; Kvamme and Borgan, "Continuous and
 * discrete-time survival prediction with neural networks", 2019). Time is cut into bins; the network gives a logit a
 * bin, that of the event in it for who came so far.
 */
#ifndef NSC_TRAIN_SURVIVAL_H
#define NSC_TRAIN_SURVIVAL_H

#include "train/dataset.h"
#include "train/net.h"

enum {
  NSC_SURVIVAL_BINS = 64,   /* more would have too few events each */
  NSC_SURVIVAL_FIELDS = 16, /* age, sex and some laboratory values; more are a table for other methods */
  NSC_SURVIVAL_WORD = 40    /* bytes of a field's name and of a unit, with the end */
};

/* What became of a case, and what is known of the patient. */
typedef struct nsc_outcome {
  double time; /* of the event, or until when there was none */
  bool event;
  double fields[NSC_SURVIVAL_FIELDS]; /* NaN where it is not known */
} nsc_outcome;

/* A number about the patient that goes into the network as (x - mean) / deviation; what is not known as the mean. */
typedef struct nsc_survival_field {
  char name[NSC_SURVIVAL_WORD];
  double mean, deviation; /* of the training cases; the deviation is above 0 */
} nsc_survival_field;

typedef struct nsc_survival_spec {
  uint32_t bins;                       /* at least 1 */
  double edges[NSC_SURVIVAL_BINS + 1]; /* [bins + 1], rising from 0; bin k is (edges[k], edges[k + 1]] */
  char unit[NSC_SURVIVAL_WORD];        /* of the edges; "" when nobody said */
  uint32_t field_count;
  nsc_survival_field fields[NSC_SURVIVAL_FIELDS];
} nsc_survival_spec;

/*
 * Bins with equal shares of Kaplan and Meier's curve: its quantiles from 1 down to where the last event leaves it
 * (Kvamme and Borgan 2019, section 3.3). Equal edges become one, so there may be fewer than asked for. Errors: ARGUMENT
 * (no event, or events at time 0 only), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_survival_choose_edges(const double *times, const uint8_t *events, size_t count,
                                                     uint32_t bins, nsc_survival_spec *spec, nsc_error *err);

/* Whether `edges` [count] are: from 0, rising, 1 to NSC_SURVIVAL_BINS bins. Sets bins and edges. Errors: ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_survival_take_edges(const double *edges, size_t count, nsc_survival_spec *spec,
                                                   nsc_error *err);

/*
 * What NSC_LOSS_HAZARDS wants of a case, [bins]: 1 in the bin of the event, 0 in those that were survived, -1 in those
 * of which nothing is known. A censored case has survived a bin when it was followed for half of it (Gensheimer and
 * Narasimhan 2019). An event behind the last edge is a case that survived all bins.
 */
void nsc_survival_targets(const nsc_survival_spec *spec, const nsc_outcome *outcome, float *targets);

/* Fields as the network takes them, [field_count]. */
void nsc_survival_inputs(const nsc_survival_spec *spec, const double *fields, float *inputs);

/* From logits [bins] to the chances of no event up to edges[1] .. edges[bins]: products of 1 - hazard. */
void nsc_survival_curve(const float *logits, uint32_t bins, float *survival);

/* ---- data sets ---- */

/* The last sample's outcome, which is copied. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_dataset_set_outcome(nsc_dataset *d, const nsc_outcome *outcome, nsc_error *err);

/* How bins and fields of times to an event are chosen. */
typedef struct nsc_survival_choice {
  uint32_t bins;       /* of the default edges */
  const double *edges; /* [edge_count] in their place, or NULL */
  size_t edge_count;
  const char *unit;          /* of times, or NULL */
  const char *const *fields; /* [field_count] names */
  uint32_t field_count;
} nsc_survival_choice;

/* Once all samples have outcomes and splits: bins by the times of the training split, and the means and deviations of
 * its fields. A field that is the same everywhere has the deviation 1. Errors: ARGUMENT (a sample without an outcome,
 * no event in training, a field that no training case has), MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_dataset_set_survival(nsc_dataset *d, const nsc_survival_choice *choice, nsc_error *err);

/* A new network begins with the hazards of the training cases, whatever the picture, and knows how fields are
 * standardised. `head`: its last dense layer. */
void nsc_survival_prepare(const nsc_dataset *d, nsc_net *net, uint32_t head);

#endif
