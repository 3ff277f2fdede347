#include "image/taps.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"

static const double PI = 3.14159265358979323846;
/* Weights below this are no part of an 8-bit picture. Without them a picture at its own size is a copy. */
static const double NOTHING = 1e-7;

static double triangle(double x) {
  x = fabs(x);
  return x < 1 ? 1 - x : 0;
}

/* Duchon, Lanczos filtering in one and two dimensions, 1979; a = 3. */
static double lanczos(double x) {
  if (fabs(x) >= 3) return 0;
  if (fabs(x) < 1e-9) return 1;
  return 3 * sin(PI * x) * sin(PI * x / 3) / (PI * PI * x * x);
}

typedef struct kernel {
  double (*at)(double x);
  double reach;
} kernel;

static const kernel kernels[] = {[NSC_SMOOTH_LINEAR] = {triangle, 1}, [NSC_SMOOTH_LANCZOS] = {lanczos, 3}};

static void fill_nearest(uint32_t in, double center, uint32_t i, nsc_taps *t) {
  t->first[i] = center > 0 ? (center < in ? (uint32_t)center : in - 1) : 0;
  t->count[i] = 1;
  t->weights[i * t->stride] = 1;
}

/* `scale`: how much wider than in its own units the kernel is. */
static void fill_smooth(const kernel *kernel, uint32_t in, double center, double scale, uint32_t i, nsc_taps *t) {
  double low = floor(center - kernel->reach * scale + 0.5), high = floor(center + kernel->reach * scale + 0.5);
  uint32_t first = low > 0 ? (uint32_t)low : 0, end = high < in ? (uint32_t)(high > 0 ? high : 0) : in;
  if (first >= in) first = in - 1;
  if (end <= first) end = first + 1;
  while (end - first > 1 && fabs(kernel->at((first + 0.5 - center) / scale)) < NOTHING) first++;
  while (end - first > 1 && fabs(kernel->at((end - 0.5 - center) / scale)) < NOTHING) end--;
  double sum = 0;
  for (uint32_t k = first; k < end; k++) sum += kernel->at((k + 0.5 - center) / scale);
  float *weights = t->weights + i * t->stride;
  for (uint32_t k = first; k < end; k++) {
    double weight = kernel->at((k + 0.5 - center) / scale);
    weights[k - first] = sum > 0 ? (float)(weight / sum) : 1.0f / (float)(end - first);
  }
  t->first[i] = first;
  t->count[i] = end - first;
  if (!t->near_first) return;
  uint32_t near = first, last = end;
  while (last - near > 1 && fabs(near + 0.5 - center) >= scale - NOTHING) near++;
  while (last - near > 1 && fabs(last - 0.5 - center) >= scale - NOTHING) last--;
  t->near_first[i] = near - first;
  t->near_count[i] = last - near;
}

void nsc_taps_drop(nsc_taps *t) {
  free(t->first);
  free(t->count);
  free(t->weights);
  free(t->near_first);
  free(t->near_count);
  *t = (nsc_taps){0};
}

nsc_status nsc_taps_make(nsc_smoothing smoothing, uint32_t in, double from, double step, double first, uint32_t length,
                         nsc_taps *out, nsc_error *err) {
  bool smooth = smoothing != NSC_SMOOTH_NEAREST;
  double scale = step > 1 ? step : 1, reach = smooth ? ceil(kernels[smoothing].reach * scale) : 0;
  nsc_taps t = {.stride = reach < in ? 2 * (size_t)reach + 1 : in, .length = length};
  size_t weights;
  if (nsc_mul_size(t.stride * sizeof(float), length, &weights)) {
    t.first = calloc(length, sizeof *t.first);
    t.count = calloc(length, sizeof *t.count);
    t.weights = malloc(weights);
  }
  if (smoothing == NSC_SMOOTH_LANCZOS) {
    t.near_first = calloc(length, sizeof *t.near_first);
    t.near_count = calloc(length, sizeof *t.near_count);
  }
  bool near = smoothing != NSC_SMOOTH_LANCZOS || (t.near_first && t.near_count);
  if (!t.first || !t.count || !t.weights || !near) {
    nsc_taps_drop(&t);
    return nsc_fail_memory(err, 0, "a resize");
  }
  for (uint32_t i = 0; i < length; i++) {
    double center = from + (first + i + 0.5) * step;
    if (smooth) {
      fill_smooth(&kernels[smoothing], in, center, scale, i, &t);
    } else {
      fill_nearest(in, center, i, &t);
    }
  }
  *out = t;
  return NSC_OK;
}
