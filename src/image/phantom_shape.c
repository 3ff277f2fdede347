/* Ellipses with smooth random outlines, and tubes, as distances to their edges. */
#include <math.h>

#include "image/phantom_private.h"

/* Sine and cosine without libm, whose last digits differ between machines: a Taylor series of a small angle, doubled
 * five times. Good to 1e-12, far more than a shape needs. */
void nsc_direction(double degrees, double *x, double *y) {
  double t = degrees * (3.14159265358979323846 / 180 / 32), q = t * t;
  double s = t * (1 - q / 6 * (1 - q / 20 * (1 - q / 42))), c = 1 - q / 2 * (1 - q / 12 * (1 - q / 30));
  for (int i = 0; i < 5; i++) {
    double twice = 2 * s * c;
    c = 1 - 2 * s * s;
    s = twice;
  }
  *x = c;
  *y = s;
}

double nsc_between(nsc_rng *rng, double low, double high) {
  return low + (high - low) * nsc_rng_double(rng);
}

double nsc_about(nsc_rng *rng) {
  uint64_t bits = nsc_rng_u64(rng);
  double sum = 0; /* of four values 0..65535: mean 131070, variance 4 (2^32 - 1) / 12 */
  for (int i = 0; i < 4; i++, bits >>= 16) sum += (double)(bits & 0xFFFF);
  return (sum - 131070) / 37837.22;
}

nsc_shape nsc_blob(double x, double y, double a, double b, double degrees) {
  nsc_shape s = {.kind = NSC_SHAPE_BLOB, .x = x, .y = y, .a = a, .b = b};
  nsc_direction(degrees, &s.along_x, &s.along_y);
  return s;
}

nsc_shape nsc_blob_drawn(nsc_rng *rng, nsc_spread s) {
  double x = nsc_between(rng, s.x[0], s.x[1]), y = nsc_between(rng, s.y[0], s.y[1]);
  double a = nsc_between(rng, s.a[0], s.a[1]), b = nsc_between(rng, s.b[0], s.b[1]);
  return nsc_blob(x, y, a, b, nsc_between(rng, s.turn[0], s.turn[1]));
}

nsc_shape nsc_blob_varied(nsc_shape s, double share, nsc_rng *rng) {
  for (int k = 0; k < NSC_SHAPE_WAVES; k++) { /* finer waves are lower, as in what grows */
    for (int i = 0; i < 2; i++) s.wave[k][i] += share * nsc_between(rng, -1, 1) / (1 + k);
  }
  return s;
}

nsc_shape nsc_blob_inset(nsc_shape s, double by) {
  s.a = s.a - by > 0.5 ? s.a - by : 0.5;
  s.b = s.b - by > 0.5 ? s.b - by : 0.5;
  return s;
}

nsc_shape nsc_tube(double x, double y, double to_x, double to_y, double radius, double to_radius) {
  return (nsc_shape){.kind = NSC_SHAPE_TUBE, .x = x, .y = y, .to_x = to_x, .to_y = to_y, .a = radius, .b = to_radius};
}

static double tube_distance(const nsc_shape *s, double x, double y) {
  double lx = s->to_x - s->x, ly = s->to_y - s->y, dx = x - s->x, dy = y - s->y;
  double length = lx * lx + ly * ly, t = length > 0 ? (dx * lx + dy * ly) / length : 0;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  dx -= t * lx;
  dy -= t * ly;
  return sqrt(dx * dx + dy * dy) - (s->a + t * (s->b - s->a));
}

double nsc_shape_distance(const nsc_shape *s, double x, double y) {
  if (s->kind == NSC_SHAPE_TUBE) return tube_distance(s, x, y);
  double dx = x - s->x, dy = y - s->y;
  double u = (dx * s->along_x + dy * s->along_y) / s->a, v = (dy * s->along_x - dx * s->along_y) / s->b;
  double rho = sqrt(u * u + v * v);
  if (rho < 1e-6) return s->a < s->b ? -s->a : -s->b;
  double c1 = u / rho, s1 = v / rho, c = c1, sn = s1, radius = 1;
  for (int k = 0; k < NSC_SHAPE_WAVES; k++) { /* cos and sin of (k + 2) times the angle, by the addition theorems */
    double next = c * c1 - sn * s1;
    sn = sn * c1 + c * s1;
    c = next;
    radius += s->wave[k][0] * c + s->wave[k][1] * sn;
  }
  double gx = c1 / s->a, gy = s1 / s->b; /* the gradient of rho */
  return (rho - radius) / sqrt(gx * gx + gy * gy);
}

double nsc_shape_reach(const nsc_shape *s) {
  if (s->kind == NSC_SHAPE_TUBE) {
    double dx = fabs(s->to_x - s->x), dy = fabs(s->to_y - s->y);
    return (dx > dy ? dx : dy) + (s->a > s->b ? s->a : s->b);
  }
  double most = 1;
  for (int k = 0; k < NSC_SHAPE_WAVES; k++) most += fabs(s->wave[k][0]) + fabs(s->wave[k][1]);
  return most * (s->a > s->b ? s->a : s->b);
}

double nsc_distance_union(double d1, double d2, double k) {
  double h = k - fabs(d1 - d2), low = d1 < d2 ? d1 : d2;
  return h > 0 ? low - h * h / (4 * k) : low;
}
