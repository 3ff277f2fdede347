#include "nn/quantize_range.h"

#include <math.h>
#include <string.h>

enum { BINS = NSC_HISTOGRAM_BINS, HALF = BINS / 2, STEPS = 256, CANDIDATES = 96 };

/* ---- counting ---- */

static void widen(nsc_value_histogram *h) {
  uint64_t bins[BINS] = {0};
  for (int i = 0; i < BINS; i++) bins[HALF + (i - HALF - (i < HALF)) / 2] += h->bins[i];
  memcpy(h->bins, bins, sizeof bins);
  h->reach *= 2;
}

void nsc_histogram_add(nsc_value_histogram *h, const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double x = (double)values[i];
    if (!isfinite(x)) {
      h->broken++;
      continue;
    }
    if (x < h->low) h->low = x;
    if (x > h->high) h->high = x;
    h->count++;
    double size = fabs(x);
    if (size == 0) {
      h->zeros++;
      continue;
    }
    if (h->reach == 0) {
      int exponent;
      frexp(size, &exponent);
      h->reach = ldexp(1, exponent); /* above `size` */
    }
    while (size >= h->reach) widen(h);
    h->bins[(int)floor(x / h->reach * HALF) + HALF]++;
  }
}

static double middle_of(const nsc_value_histogram *h, int bin) {
  return (bin - HALF + 0.5) * h->reach / HALF;
}

/* ---- choosing ---- */

static void percentile_range(const nsc_value_histogram *h, double percentile, double *low, double *high) {
  double outside = (double)h->count * (1 - percentile / 100);
  double sum = 0;
  int first = 0, last = BINS - 1;
  while (first < HALF && sum + (double)h->bins[first] <= outside) sum += (double)h->bins[first++];
  for (sum = 0; last > HALF && sum + (double)h->bins[last] <= outside;) sum += (double)h->bins[last--];
  *low = fmax(*low, (first - HALF) * h->reach / HALF);
  *high = fmin(*high, (last + 1 - HALF) * h->reach / HALF);
}

/* Sum of squared differences when values are rounded to 256 steps of [low, high] and cut to it. */
static double squared_error(const nsc_value_histogram *h, double low, double high) {
  double step = (high - low) / (STEPS - 1), width = h->reach / HALF, sum = 0;
  if (!(step > 0)) return INFINITY;
  for (int i = 0; i < BINS; i++) {
    if (!h->bins[i]) continue;
    double x = middle_of(h, i), cut = fmin(fmax(x, low), high);
    /* Within a bin values are spread evenly: where bins are wider than steps, the step's own rounding is what counts.
     */
    double d = width < step ? x - (low + nearbyint((cut - low) / step) * step) : x - cut;
    double spread = width < step ? width * width / 12 : step * step / 12;
    sum += (double)h->bins[i] * (d * d + spread);
  }
  return sum;
}

/* Both ends are drawn in together, then each alone. */
static void mse_range(const nsc_value_histogram *h, double *low, double *high) {
  double best = squared_error(h, *low, *high), l0 = *low, h0 = *high, l = l0, u = h0;
  for (int k = CANDIDATES - 1; k > CANDIDATES / 8; k--) {
    double f = (double)k / CANDIDATES, e = squared_error(h, l0 * f, h0 * f);
    if (e < best) best = e, l = l0 * f, u = h0 * f;
  }
  double l1 = l, u1 = u;
  for (int k = CANDIDATES; k > CANDIDATES / 8; k--) {
    double f = (double)k / CANDIDATES, a = squared_error(h, l0 * f, u1), b = squared_error(h, l1, h0 * f);
    if (a < best) best = a, l = l0 * f, u = u1;
    if (b < best) best = b, l = l1, u = h0 * f;
  }
  *low = l;
  *high = u;
}

/*
 * Kullback-Leibler divergence of the values from what 256 steps of bins [first, last] keep of them: outliers go to the
 * edges, a step's count is spread over its bins that are not empty (Migacz, 8-bit inference with TensorRT, 2017).
 */
static double divergence(const nsc_value_histogram *h, int first, int last) {
  static const double least = 1e-9;
  int count = last - first + 1;
  double total = (double)(h->count - h->zeros), sum = 0, below = 0, above = 0;
  for (int i = 0; i < first; i++) below += (double)h->bins[i];
  for (int i = last + 1; i < BINS; i++) above += (double)h->bins[i];
  for (int s = 0; s < STEPS; s++) {
    int from = first + (int)((int64_t)count * s / STEPS), to = first + (int)((int64_t)count * (s + 1) / STEPS);
    double inside = 0;
    int filled = 0;
    for (int i = from; i < to; i++) {
      inside += (double)h->bins[i];
      filled += h->bins[i] > 0 || (i == first && below > 0) || (i == last && above > 0);
    }
    for (int i = from; i < to; i++) {
      double p = (double)h->bins[i] + (i == first ? below : 0) + (i == last ? above : 0);
      if (p > 0) sum += p / total * log(p / fmax(inside / filled, least * total));
    }
  }
  return sum;
}

static void entropy_range(const nsc_value_histogram *h, double *low, double *high) {
  int end = (int)fmin(HALF, ceil(fmax(-*low, *high) / h->reach * HALF)), chosen = end;
  double best = INFINITY;
  for (int k = 0; k <= CANDIDATES; k++) {
    int half = STEPS / 2 + (end - STEPS / 2) * k / CANDIDATES;
    if (half < STEPS / 2 || half > end) continue;
    int first = (int)fmax(HALF - half, floor(*low / h->reach * HALF) + HALF);
    int last = (int)fmin(HALF + half - 1, ceil(*high / h->reach * HALF) + HALF - 1);
    if (last - first + 1 < STEPS) continue;
    double d = divergence(h, first, last);
    if (d < best) best = d, chosen = half;
  }
  double reach = chosen * h->reach / HALF;
  *low = fmax(*low, -reach);
  *high = fmin(*high, reach);
}

void nsc_histogram_range(const nsc_value_histogram *h, nsc_quantize_method method, double percentile, double *low,
                         double *high) {
  *low = fmin(h->low, 0);
  *high = fmax(h->high, 0);
  if (h->count == 0 || h->reach == 0) return;
  if (method == NSC_QUANTIZE_PERCENTILE) percentile_range(h, percentile, low, high);
  if (method == NSC_QUANTIZE_MSE) mse_range(h, low, high);
  if (method == NSC_QUANTIZE_ENTROPY) entropy_range(h, low, high);
}

void nsc_range_to_int8(double low, double high, float *scale, int32_t *zero) {
  *scale = (float)((high - low) / (STEPS - 1));
  if (!isnormal(*scale)) *scale = 1;
  double z = nearbyint(-128 - low / (double)*scale);
  *zero = (int32_t)fmin(fmax(z, -128), 127);
}
