/*
 * What a scanner adds to a slice. Noise of filtered back projection is correlated: neighbours share it, and slow waves
 * are missing from it (Riederer, Pelc & Chesler, "The noise power spectrum in computed X-ray tomography", Phys Med Biol
 * 23:446, 1978). It is largest in the middle, where rays lose most.
 */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/phantom_private.h"

/* One pass of 1-2-1 over 4 along each direction, edges repeated. `row` has room for `size` floats. */
static void smooth(float *plane, uint32_t size, float *row) {
  for (uint32_t y = 0; y < size; y++) {
    float *p = plane + (size_t)y * size, before = p[0];
    for (uint32_t x = 0; x < size; x++) {
      float here = p[x], next = p[x + 1 < size ? x + 1 : x];
      p[x] = 0.25f * (before + here) + 0.25f * (here + next);
      before = here;
    }
  }
  for (uint32_t x = 0; x < size; x++) row[x] = plane[x];
  for (uint32_t y = 0; y < size; y++) {
    float *p = plane + (size_t)y * size, *below = y + 1 < size ? p + size : p;
    for (uint32_t x = 0; x < size; x++) {
      float here = p[x];
      p[x] = 0.25f * (row[x] + here) + 0.25f * (here + below[x]);
      row[x] = here;
    }
  }
}

/* Into `noise`: mean 0, deviation 1, correlated over about a millimetre. `slow` is of the same size. */
static void draw_noise(nsc_rng *rng, double spacing, uint32_t size, float *noise, float *slow, float *row) {
  size_t count = (size_t)size * size;
  for (size_t i = 0; i < count; i++) noise[i] = (float)nsc_about(rng);
  double wanted = 1.1 / (spacing * spacing); /* a pass has a variance of half a pixel squared: sigma 0.75 mm */
  int passes = wanted < 1 ? 1 : wanted > 12 ? 12 : (int)(wanted + 0.5);
  for (int i = 0; i < passes; i++) smooth(noise, size, row);
  for (size_t i = 0; i < count; i++) slow[i] = noise[i];
  for (int i = 0; i < 5 * passes; i++) smooth(slow, size, row);
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    noise[i] -= 0.7f * slow[i];
    sum += (double)noise[i] * (double)noise[i];
  }
  float factor = (float)(1 / sqrt(sum / (double)count));
  for (size_t i = 0; i < count; i++) noise[i] *= factor;
}

enum { RINGS = 512 };

/* Detectors that read a little too high or low: circles around the axis, stronger the smaller they are. */
static void draw_rings(nsc_rng *rng, float rings[RINGS]) {
  float strength = 0.25f + 0.5f * nsc_rng_float(rng);
  for (int i = 0; i < RINGS; i++) rings[i] = strength * (float)nsc_about(rng) * 6 / (float)(i + 6);
}

nsc_status nsc_phantom_scan(const nsc_anatomy *a, nsc_rng rng, double noise, uint32_t size, float *hu, nsc_error *err) {
  size_t count = (size_t)size * size, bytes;
  if (!nsc_mul_size(2 * count + size, sizeof(float), &bytes)) return nsc_fail_memory(err, SIZE_MAX, "a phantom");
  float *plane = malloc(bytes), rings[RINGS];
  if (!plane) return nsc_fail_memory(err, bytes, "a phantom");
  double spacing = a->field / size, half = (a->field - spacing) / 2;
  draw_noise(&rng, spacing, size, plane, plane + count, plane + 2 * count);
  draw_rings(&rng, rings);
  for (size_t i = 0; i < count; i++) {
    double x = (double)(i % size) * spacing - half, y = (double)(i / size) * spacing - half;
    double depth = -nsc_shape_distance(&a->body, x, y) / a->body.b; /* 1 in the middle, 0 at the skin */
    depth = depth < 0 ? 0 : depth > 1 ? 1 : depth;
    uint32_t ring = (uint32_t)(sqrt(x * x + y * y) / 1.3);
    double cup = -3 * depth * depth; /* beam hardening that calibration left over */
    hu[i] += (float)(noise * (0.55 + 0.45 * depth)) * plane[i] + (float)cup + (ring < RINGS ? rings[ring] : 0) * 4;
  }
  free(plane);
  return NSC_OK;
}
