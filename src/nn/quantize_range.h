/* What range of a tensor's values the 256 steps of int8 shall cover: histograms that grow, and four ways to choose. */
#ifndef NSC_NN_QUANTIZE_RANGE_H
#define NSC_NN_QUANTIZE_RANGE_H

#include "negatoscope.h"

enum { NSC_HISTOGRAM_BINS = 4096 };

/* Counts of values in [-reach, reach). `reach` doubles when a value lies outside: two bins become one. */
typedef struct nsc_value_histogram {
  double reach; /* 0 before the first value that is not 0 */
  double low, high;
  uint64_t zeros;  /* in no bin: 0 is exact whatever the range, and half of what a Relu gives */
  uint64_t count;  /* of finite values */
  uint64_t broken; /* NaN and infinite ones, which are in no bin */
  uint64_t bins[NSC_HISTOGRAM_BINS];
} nsc_value_histogram;

void nsc_histogram_add(nsc_value_histogram *h, const float *values, size_t count);

/*
 * The range by `method`; it always holds 0, which padding and Relu need exactly. `percentile` in (50, 100], for that
 * method: what lies outside on either side is that much of all values at most.
 */
void nsc_histogram_range(const nsc_value_histogram *h, nsc_quantize_method method, double percentile, double *low,
                         double *high);

/* Scale and zero point of int8 for a range that holds 0. A range without width gets scale 1. */
void nsc_range_to_int8(double low, double high, float *scale, int32_t *zero);

#endif
