#include "explain/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static size_t pixels_of(const nsc_input_picture *p) {
  return (size_t)p->height * p->width;
}

void nsc_picture_blank(nsc_input_picture *p) {
  for (uint32_t c = 0; c < p->channels; c++) {
    double sum = 0;
    for (size_t i = 0; i < pixels_of(p); i++) sum += (double)p->values[i * p->channels + c];
    p->blank[c] = (float)(sum / (double)pixels_of(p));
  }
}

/* ---- occlusion ---- */

static uint32_t windows_along(uint32_t side, uint32_t window, uint32_t stride) {
  return side <= window ? 1 : (side - window + stride - 1) / stride + 1;
}

void nsc_occlusion_begin(const nsc_input_picture *p, uint32_t window, uint32_t stride, nsc_occlusion *out) {
  *out = (nsc_occlusion){.picture = *p,
                         .window = window,
                         .stride = stride,
                         .columns = windows_along(p->width, window, stride),
                         .rows = windows_along(p->height, window, stride)};
}

/* Window number `step`, cut off at the edges. */
static void window_at(const nsc_occlusion *o, uint32_t step, uint32_t *left, uint32_t *top, uint32_t *right,
                      uint32_t *bottom) {
  *left = step % o->columns * o->stride;
  *top = step / o->columns * o->stride;
  *right = *left + o->window < o->picture.width ? *left + o->window : o->picture.width;
  *bottom = *top + o->window < o->picture.height ? *top + o->window : o->picture.height;
}

void nsc_occlusion_cover(const nsc_occlusion *o, uint32_t step, float *out) {
  const nsc_input_picture *p = &o->picture;
  uint32_t left, top, right, bottom;
  window_at(o, step, &left, &top, &right, &bottom);
  memcpy(out, p->values, pixels_of(p) * p->channels * sizeof *out);
  for (uint32_t y = top; y < bottom; y++) {
    for (uint32_t x = left; x < right; x++) {
      memcpy(out + ((size_t)y * p->width + x) * p->channels, p->blank, p->channels * sizeof *out);
    }
  }
}

void nsc_occlusion_add(const nsc_occlusion *o, uint32_t step, double fall, float *sum, float *weight) {
  uint32_t left, top, right, bottom;
  window_at(o, step, &left, &top, &right, &bottom);
  for (uint32_t y = top; y < bottom; y++) {
    for (uint32_t x = left; x < right; x++) {
      sum[(size_t)y * o->picture.width + x] += (float)fall;
      weight[(size_t)y * o->picture.width + x] += 1;
    }
  }
}

/* ---- RISE ---- */

/* Cells of a grid that is one larger than the picture and shifted at random, between their centres linear. */
void nsc_rise_mask(uint64_t seed, uint32_t step, uint32_t height, uint32_t width, float *mask) {
  enum { SIDE = NSC_RISE_CELLS + 1 };
  const nsc_rng root = nsc_rng_seeded(seed);
  nsc_rng rng = nsc_rng_split(&root, step);
  float cells[SIDE][SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) cells[i / SIDE][i % SIDE] = (float)(nsc_rng_u32(&rng) >> 31);
  double cell_y = (double)height / NSC_RISE_CELLS, cell_x = (double)width / NSC_RISE_CELLS;
  double shift_y = nsc_rng_double(&rng) * cell_y, shift_x = nsc_rng_double(&rng) * cell_x;
  for (uint32_t y = 0; y < height; y++) {
    double v = fmin(fmax((y + 0.5 + shift_y) / cell_y - 0.5, 0), SIDE - 1);
    int top = v < SIDE - 2 ? (int)v : SIDE - 2;
    for (uint32_t x = 0; x < width; x++) {
      double u = fmin(fmax((x + 0.5 + shift_x) / cell_x - 0.5, 0), SIDE - 1);
      int left = u < SIDE - 2 ? (int)u : SIDE - 2;
      float across = (float)(u - left), down = (float)(v - top);
      const float *a = cells[top] + left, *b = cells[top + 1] + left;
      float high = a[0] + (a[1] - a[0]) * across, low = b[0] + (b[1] - b[0]) * across;
      mask[(size_t)y * width + x] = high + (low - high) * down;
    }
  }
}

void nsc_rise_cover(const nsc_input_picture *p, const float *mask, float *out) {
  for (size_t i = 0; i < pixels_of(p); i++) {
    for (uint32_t c = 0; c < p->channels; c++) {
      float blank = p->blank[c];
      out[i * p->channels + c] = blank + (p->values[i * p->channels + c] - blank) * mask[i];
    }
  }
}

void nsc_rise_add(const float *mask, size_t count, double score, float *sum, float *weight) {
  for (size_t i = 0; i < count; i++) {
    sum[i] += (float)score * mask[i];
    weight[i] += mask[i];
  }
}

/* ---- insertion and deletion ---- */

typedef struct ordered {
  float value;
  uint32_t at;
} ordered;

static int most_important_first(const void *a, const void *b) {
  const ordered *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

bool nsc_order_pixels(const float *map, uint32_t *order, size_t count) {
  ordered *list = malloc(count * sizeof *list);
  if (!list) return false;
  for (size_t i = 0; i < count; i++) list[i] = (ordered){map[i], (uint32_t)i};
  qsort(list, count, sizeof *list, most_important_first);
  for (size_t i = 0; i < count; i++) order[i] = list[i].at;
  free(list);
  return true;
}

void nsc_picture_delete(const nsc_input_picture *p, const uint32_t *order, size_t count, bool insert, float *out) {
  size_t each = p->channels, pixels = pixels_of(p);
  for (size_t i = 0; i < pixels; i++) {
    bool seen = (i < count) == insert;
    size_t at = order[i] * each;
    memcpy(out + at, seen ? p->values + at : p->blank, each * sizeof *out);
  }
}

double nsc_curve_area(const float *scores, uint32_t count) {
  double sum = 0;
  for (uint32_t i = 1; i < count; i++) sum += 0.5 * ((double)scores[i - 1] + (double)scores[i]);
  return count > 1 ? sum / (count - 1) : 0;
}
