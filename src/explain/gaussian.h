/*
 * How far a vector is from those that a Gaussian distribution was fitted to: Mahalanobis distance, which for features
 * of a network tells pictures of another kind from its own (Lee et al. 2018).
 */
#ifndef NSC_EXPLAIN_GAUSSIAN_H
#define NSC_EXPLAIN_GAUSSIAN_H

#include "explain/usual.h"

enum { NSC_GAUSSIAN_MOST = 256 /* dimensions; longer vectors are projected first */ };

typedef struct nsc_gaussian {
  uint32_t count;
  float *mean, *scale; /* [count]; scale is one over the deviation */
  float *factor;       /* [count * (count + 1) / 2]: rows of the inverse of the Cholesky factor of the correlations */
  nsc_usual limits;    /* of logarithms of squared distances of pictures that were held back from the fit */
} nsc_gaussian;

/* 0 for the median picture of its kind, 1 for one that is farther than 99 % of them, and on in the same scale. */
double nsc_gaussian_unusual(const nsc_gaussian *g, const float *x);
void nsc_gaussian_drop(nsc_gaussian *g);

/* {"count","mean","scale","factor","usual","unusual"}: numbers as base64 of float32 and, the factor, of float16. */
void nsc_gaussian_write(const nsc_gaussian *g, nsc_text *t);
/* False where the JSON is no such object. */
bool nsc_gaussian_read(const nsc_json_value *object, nsc_gaussian *out);

/* ---- fitting ---- */

typedef struct nsc_gaussian_fit {
  uint32_t count;
  uint64_t seen;
  double *sum, *products; /* [count], [count][count] lower triangle */
  float *held;            /* [held_count][count] */
  uint32_t held_count, held_capacity;
} nsc_gaussian_fit;

/* Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_gaussian_begin(nsc_gaussian_fit *fit, uint32_t count, nsc_error *err);
void nsc_gaussian_add(nsc_gaussian_fit *fit, const float *x);
/* A vector that only says how far usual ones are. Beyond some thousands they are not kept. */
NSC_WARN_UNUSED nsc_status nsc_gaussian_hold(nsc_gaussian_fit *fit, const float *x, nsc_error *err);
/* Errors: ARGUMENT for fewer than two vectors or ten held back, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_gaussian_finish(const nsc_gaussian_fit *fit, nsc_gaussian *out, nsc_error *err);
void nsc_gaussian_end(nsc_gaussian_fit *fit);

#endif
