#include "explain/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- size ---- */

/* The two neighbours of a place on a shorter axis, and how much of the second. */
typedef struct between {
  size_t first, second;
  float share;
} between;

static between neighbours(size_t i, double scale, size_t from) {
  double at = ((double)i + 0.5) * scale - 0.5;
  if (at < 0) at = 0;
  size_t low = (size_t)at;
  if (low > from - 1) low = from - 1;
  return (between){low, low + 1 < from ? low + 1 : low, (float)(at - (double)low)};
}

void nsc_map_enlarge(const float *from, size_t from_height, size_t from_width, float *to, size_t height, size_t width) {
  double down_scale = (double)from_height / (double)height, across_scale = (double)from_width / (double)width;
  for (size_t y = 0; y < height; y++) {
    between down = neighbours(y, down_scale, from_height);
    const float *top = from + down.first * from_width, *bottom = from + down.second * from_width;
    for (size_t x = 0; x < width; x++) {
      between across = neighbours(x, across_scale, from_width);
      float high = top[across.first] + (top[across.second] - top[across.first]) * across.share;
      float low = bottom[across.first] + (bottom[across.second] - bottom[across.first]) * across.share;
      to[y * width + x] = high + (low - high) * down.share;
    }
  }
}

/* ---- smoothing ---- */

/* `count` values that lie `stride` apart, from `in` to `out`, which is dense. */
static void smooth_line(const float *in, size_t count, size_t stride, const double *kernel, int reach, float *out) {
  for (size_t i = 0; i < count; i++) {
    double sum = 0;
    for (int k = -reach; k <= reach; k++) {
      ptrdiff_t at = (ptrdiff_t)i + k, last = (ptrdiff_t)count - 1;
      while (at < 0 || at > last) at = at < 0 ? -at - 1 : 2 * last + 1 - at;
      sum += kernel[k + reach] * (double)in[(size_t)at * stride];
    }
    out[i] = (float)sum;
  }
}

nsc_status nsc_map_smooth(float *map, size_t height, size_t width, double sigma, nsc_error *err) {
  int reach = (int)ceil(3 * sigma);
  size_t longer = height > width ? height : width;
  double *kernel = malloc((2 * (size_t)reach + 1) * sizeof *kernel), sum = 0;
  float *line = malloc(longer * sizeof *line);
  if (!kernel || !line) {
    free(kernel), free(line);
    return nsc_fail_memory(err, longer * sizeof *line, "a smooth map");
  }
  for (int k = -reach; k <= reach; k++) sum += kernel[k + reach] = exp(-0.5 * k * k / (sigma * sigma));
  for (int k = 0; k <= 2 * reach; k++) kernel[k] /= sum;
  for (size_t y = 0; y < height; y++) {
    smooth_line(map + y * width, width, 1, kernel, reach, line);
    memcpy(map + y * width, line, width * sizeof *line);
  }
  for (size_t x = 0; x < width; x++) {
    smooth_line(map + x, height, width, kernel, reach, line);
    for (size_t y = 0; y < height; y++) map[y * width + x] = line[y];
  }
  free(kernel), free(line);
  return NSC_OK;
}

/* ---- class activation ---- */

/* Sum over the picture of a channel's gradient. */
static double summed(const nsc_activation *a, size_t channel) {
  double sum = 0;
  for (size_t i = 0; i < a->height * a->width; i++) sum += (double)a->gradient[i * a->channels + channel];
  return sum;
}

/* alpha * relu(gradient), summed; alpha = g^2 / (2 g^2 + sum of the activations * g^3). */
static double weighted(const nsc_activation *a, size_t channel) {
  double activation = 0, sum = 0;
  for (size_t i = 0; i < a->height * a->width; i++) activation += (double)a->value[i * a->channels + channel];
  for (size_t i = 0; i < a->height * a->width; i++) {
    double g = (double)a->gradient[i * a->channels + channel], below = 2 * g * g + activation * g * g * g;
    if (g > 0 && below != 0) sum += g * g / below * g;
  }
  return sum;
}

static void sum_channels(const nsc_activation *a, double (*weight)(const nsc_activation *, size_t), double scale,
                         bool rectify, float *map) {
  enum { BLOCK = 256 };
  double weights[BLOCK];
  for (size_t i = 0; i < a->height * a->width; i++) map[i] = 0;
  for (size_t from = 0; from < a->channels; from += BLOCK) {
    size_t count = a->channels - from < BLOCK ? a->channels - from : BLOCK;
    for (size_t c = 0; c < count; c++) weights[c] = scale * weight(a, from + c);
    for (size_t i = 0; i < a->height * a->width; i++) {
      double sum = 0;
      for (size_t c = 0; c < count; c++) sum += weights[c] * (double)a->value[i * a->channels + from + c];
      map[i] += (float)sum;
    }
  }
  for (size_t i = 0; rectify && i < a->height * a->width; i++) map[i] = map[i] < 0 ? 0 : map[i];
}

void nsc_cam_map(const nsc_activation *a, float *map) {
  sum_channels(a, summed, 1, false, map);
}

void nsc_grad_cam_map(const nsc_activation *a, float *map) {
  sum_channels(a, summed, 1 / (double)(a->height * a->width), true, map);
}

void nsc_grad_cam_plus_map(const nsc_activation *a, float *map) {
  sum_channels(a, weighted, 1, true, map);
}

/* ---- comparison ---- */

typedef struct ranked {
  float value;
  uint32_t at;
} ranked;

static int by_value(const void *a, const void *b) {
  float x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
  return (x > y) - (x < y);
}

static void rank(const float *map, size_t count, ranked *order, double *ranks) {
  for (size_t i = 0; i < count; i++) order[i] = (ranked){map[i], (uint32_t)i};
  qsort(order, count, sizeof *order, by_value);
  for (size_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && order[to].value == order[from].value;) to++;
    for (size_t i = from; i < to; i++) ranks[order[i].at] = 0.5 * (double)(from + to - 1);
  }
}

nsc_status nsc_map_rank_correlation(const float *a, const float *b, size_t count, double *out, nsc_error *err) {
  ranked *order = malloc(count * sizeof *order);
  double *ranks = malloc(2 * count * sizeof *ranks);
  if (!order || !ranks) {
    free(order), free(ranks);
    return nsc_fail_memory(err, 2 * count * sizeof *ranks, "a comparison of maps");
  }
  rank(a, count, order, ranks);
  rank(b, count, order, ranks + count);
  double mean = 0.5 * (double)(count - 1), ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    double x = ranks[i] - mean, y = ranks[count + i] - mean;
    ab += x * y, aa += x * x, bb += y * y;
  }
  *out = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
  free(order), free(ranks);
  return NSC_OK;
}
