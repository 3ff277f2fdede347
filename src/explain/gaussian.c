#include "explain/gaussian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/half.h"

enum { MOST_HELD = 4000 };

static size_t triangle(uint32_t count) {
  return (size_t)count * (count + 1) / 2;
}

/* Log of the squared distance. `room` is [count]. */
static double distance(const nsc_gaussian *g, const float *x, float *room) {
  double sum = 0;
  const float *row = g->factor;
  for (uint32_t i = 0; i < g->count; i++) room[i] = (x[i] - g->mean[i]) * g->scale[i];
  for (uint32_t i = 0; i < g->count; row += ++i) {
    double z = 0;
    for (uint32_t k = 0; k <= i; k++) z += (double)row[k] * (double)room[k];
    sum += z * z;
  }
  return log(sum + 1e-12);
}

double nsc_gaussian_unusual(const nsc_gaussian *g, const float *x) {
  float room[NSC_GAUSSIAN_MOST];
  return nsc_usual_scale(&g->limits, distance(g, x, room));
}

void nsc_gaussian_drop(nsc_gaussian *g) {
  free(g->mean);
  *g = (nsc_gaussian){0};
}

/* One block for all numbers. */
static bool make_room(nsc_gaussian *g, uint32_t count) {
  g->count = count;
  g->mean = calloc(2 * (size_t)count + triangle(count), sizeof *g->mean);
  if (!g->mean) return false;
  g->scale = g->mean + count;
  g->factor = g->scale + count;
  return true;
}

/* ---- JSON ---- */

void nsc_gaussian_write(const nsc_gaussian *g, nsc_text *t) {
  size_t size = triangle(g->count);
  uint16_t *halves = malloc(size * sizeof *halves);
  if (!halves) {
    t->failed = true;
    return;
  }
  for (size_t i = 0; i < size; i++) halves[i] = nsc_half_from_float(g->factor[i]);
  nsc_json_object(t);
  nsc_json_key(t, "count"), nsc_json_int(t, g->count);
  nsc_usual_write(&g->limits, t);
  const struct {
    const char *key;
    const void *bytes;
    size_t size;
  } parts[] = {{"mean", g->mean, g->count * sizeof *g->mean},
               {"scale", g->scale, g->count * sizeof *g->scale},
               {"factor", halves, size * sizeof *halves}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    nsc_json_key(t, parts[i].key);
    nsc_text_put(t, "\"");
    nsc_base64_put(t, parts[i].bytes, parts[i].size);
    nsc_text_put(t, "\"");
    t->needs_comma = true;
  }
  nsc_json_end_object(t);
  free(halves);
}

static bool read_bytes(const nsc_json_value *object, const char *key, void *out, size_t size) {
  const nsc_json_value *v = nsc_json_get(object, key);
  return v && v->kind == NSC_JSON_STRING && nsc_base64_read(v->string, strlen(v->string), out, size);
}

static bool all_finite(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) return false;
  }
  return true;
}

bool nsc_gaussian_read(const nsc_json_value *object, nsc_gaussian *out) {
  nsc_gaussian g = {0};
  double count = nsc_json_number_of(object, "count");
  bool sized = count >= 1 && count <= NSC_GAUSSIAN_MOST && count == floor(count) && make_room(&g, (uint32_t)count);
  size_t size = triangle(g.count);
  uint16_t *halves = sized ? malloc(size * sizeof *halves) : NULL;
  bool fits = halves && read_bytes(object, "mean", g.mean, g.count * sizeof *g.mean) &&
              read_bytes(object, "scale", g.scale, g.count * sizeof *g.scale) &&
              read_bytes(object, "factor", halves, size * sizeof *halves) && nsc_usual_read(object, &g.limits);
  if (fits) nsc_half_expand(halves, size, g.factor);
  free(halves);
  if (!fits || !all_finite(g.mean, 2 * (size_t)g.count + size)) {
    nsc_gaussian_drop(&g);
    return false;
  }
  *out = g;
  return true;
}

/* ---- fitting ---- */

nsc_status nsc_gaussian_begin(nsc_gaussian_fit *fit, uint32_t count, nsc_error *err) {
  *fit = (nsc_gaussian_fit){.count = count};
  if (count < 1 || count > NSC_GAUSSIAN_MOST) return nsc_fail(err, NSC_ERROR_ARGUMENT, "vectors of %u numbers", count);
  fit->sum = calloc(count, sizeof *fit->sum);
  fit->products = calloc((size_t)count * count, sizeof *fit->products);
  if (fit->sum && fit->products) return NSC_OK;
  nsc_gaussian_end(fit);
  return nsc_fail_memory(err, (size_t)count * count * sizeof *fit->products, "statistics of pictures");
}

void nsc_gaussian_end(nsc_gaussian_fit *fit) {
  free(fit->sum), free(fit->products), free(fit->held);
  *fit = (nsc_gaussian_fit){0};
}

void nsc_gaussian_add(nsc_gaussian_fit *fit, const float *x) {
  uint32_t n = fit->count;
  for (uint32_t i = 0; i < n; i++) {
    fit->sum[i] += (double)x[i];
    for (uint32_t k = 0; k <= i; k++) fit->products[(size_t)i * n + k] += (double)x[i] * (double)x[k];
  }
  fit->seen++;
}

nsc_status nsc_gaussian_hold(nsc_gaussian_fit *fit, const float *x, nsc_error *err) {
  if (fit->held_count == MOST_HELD) return NSC_OK;
  if (fit->held_count == fit->held_capacity) {
    uint32_t capacity = fit->held_capacity ? 2 * fit->held_capacity : 64;
    float *larger = realloc(fit->held, (size_t)capacity * fit->count * sizeof *larger);
    if (!larger) return nsc_fail_memory(err, (size_t)capacity * fit->count * sizeof *larger, "statistics of pictures");
    fit->held = larger;
    fit->held_capacity = capacity;
  }
  memcpy(fit->held + (size_t)fit->held_count++ * fit->count, x, fit->count * sizeof *x);
  return NSC_OK;
}

/* Means and deviations. What never changed may change by a twentieth of the usual before it counts as much as others.
 */
static void fit_scales(const nsc_gaussian_fit *fit, nsc_gaussian *g) {
  double seen = (double)fit->seen, all = 0;
  uint32_t n = fit->count;
  for (uint32_t i = 0; i < n; i++) {
    double mean = fit->sum[i] / seen, square = fit->products[(size_t)i * n + i] / seen - mean * mean;
    g->mean[i] = (float)mean;
    g->scale[i] = (float)sqrt(fmax(square, 0));
    all += (double)g->scale[i] / n;
  }
  for (uint32_t i = 0; i < n; i++) g->scale[i] = (float)(1 / fmax((double)g->scale[i], fmax(0.05 * all, 1e-6)));
}

/*
 * The correlations, drawn to none as far as there are few pictures for so many numbers, as L * L'; then the inverse of
 * L. `a` is [count][count], lower triangle.
 */
static void factor(const nsc_gaussian_fit *fit, const nsc_gaussian *g, double *a) {
  uint32_t n = fit->count;
  double seen = (double)fit->seen, shrink = fmax(0.01, n / (n + seen));
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k <= i; k++) {
      double c = fit->products[(size_t)i * n + k] / seen - (double)g->mean[i] * (double)g->mean[k];
      c *= (double)g->scale[i] * (double)g->scale[k] * (1 - shrink);
      a[(size_t)i * n + k] = i == k ? fmax(c, 0) + shrink : c;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k <= i; k++) {
      double sum = a[(size_t)i * n + k];
      for (uint32_t j = 0; j < k; j++) sum -= a[(size_t)i * n + j] * a[(size_t)k * n + j];
      /* Rounding may leave a diagonal at or below 0; the shrinkage is the least that it can be. */
      a[(size_t)i * n + k] = i == k ? sqrt(fmax(sum, 0.1 * shrink)) : sum / a[(size_t)k * n + k];
    }
  }
}

/* Row by row: L * X = 1, X is lower triangular too. */
static void invert(const double *a, uint32_t n, double *x, float *out) {
  memset(x, 0, (size_t)n * n * sizeof *x);
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k <= i; k++) {
      double sum = i == k;
      for (uint32_t j = k; j < i; j++) sum -= a[(size_t)i * n + j] * x[(size_t)j * n + k];
      x[(size_t)i * n + k] = sum / a[(size_t)i * n + i];
      /* As it will be in a file: distances must be the same before and after. */
      *out++ = nsc_half_to_float(nsc_half_from_float((float)x[(size_t)i * n + k]));
    }
  }
}

static void fit_limits(const nsc_gaussian_fit *fit, nsc_gaussian *g, double *distances) {
  float room[NSC_GAUSSIAN_MOST];
  for (uint32_t i = 0; i < fit->held_count; i++) distances[i] = distance(g, fit->held + (size_t)i * fit->count, room);
  g->limits = nsc_usual_of(distances, fit->held_count);
}

nsc_status nsc_gaussian_finish(const nsc_gaussian_fit *fit, nsc_gaussian *out, nsc_error *err) {
  uint32_t n = fit->count;
  if (fit->seen < 2 || fit->held_count < NSC_USUAL_LEAST) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT,
                    "%llu pictures to learn from and %u held back are too few to tell what is usual",
                    (unsigned long long)fit->seen, fit->held_count);
  }
  nsc_gaussian g = {0};
  double *room = malloc((2 * (size_t)n * n + fit->held_count) * sizeof *room);
  if (!room || !make_room(&g, n)) {
    free(room);
    return nsc_fail_memory(err, 2 * (size_t)n * n * sizeof *room, "statistics of pictures");
  }
  fit_scales(fit, &g);
  factor(fit, &g, room);
  invert(room, n, room + (size_t)n * n, g.factor);
  fit_limits(fit, &g, room + 2 * (size_t)n * n);
  free(room);
  *out = g;
  return NSC_OK;
}
