#include "explain/usual.h"

#include <math.h>
#include <stdlib.h>

enum { ENOUGH = 200 /* for a 99th percentile of their own */ };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, uint32_t count, double share) {
  double at = share * (count - 1);
  uint32_t low = (uint32_t)at;
  double high = low + 1 < count ? sorted[low + 1] : sorted[low];
  return sorted[low] + (high - sorted[low]) * (at - low);
}

nsc_usual nsc_usual_of(double *measures, uint32_t count) {
  qsort(measures, count, sizeof *measures, ascending);
  double median = quantile(measures, count, 0.5), high = quantile(measures, count, 0.99);
  double deviation = quantile(measures, count, 0.8413) - median;
  if (count < ENOUGH) high = fmax(high, median + 2.326 * deviation);
  return (nsc_usual){.usual = median, .unusual = fmax(high, median + 1e-3)};
}

void nsc_usual_write(const nsc_usual *u, nsc_text *t) {
  nsc_json_key(t, "usual"), nsc_json_number(t, u->usual);
  nsc_json_key(t, "unusual"), nsc_json_number(t, u->unusual);
}

bool nsc_usual_read(const nsc_json_value *object, nsc_usual *out) {
  *out = (nsc_usual){nsc_json_number_of(object, "usual"), nsc_json_number_of(object, "unusual")};
  return isfinite(out->usual) && isfinite(out->unusual) && out->unusual > out->usual;
}
