/* Pooling: largest, average, average of all. Pictures are independent: each is one piece of work. */
#include <math.h>
#include <string.h>

#include "train/layers.h"

typedef struct pool_task {
  const nsc_layer *layer;
  nsc_tensor *x, *y;
  bool adds;
} pool_task;

static void run(nsc_pass *pass, nsc_layer *layer, bool adds, void (*part)(void *context, size_t from, size_t count)) {
  pool_task task = {layer, nsc_input_of(pass, layer), nsc_result_of(pass, layer), adds};
  nsc_compute_ranges(pass->compute, part, &task, pass->net->batch, 1);
}

static size_t picture_of(const nsc_tensor *t) {
  return t->height * t->width * t->channels;
}

/* The gradient of pictures [from, from + count), cleared unless something stands there already. */
static void clear_gradient(const pool_task *t, size_t from, size_t count) {
  size_t size = picture_of(t->x);
  if (!t->adds) memset(t->x->gradient + from * size, 0, count * size * sizeof(float));
}

/* The input positions of one window along one axis: [*from, *to). */
static void window(size_t at, const nsc_layer *layer, size_t side, size_t *from, size_t *to) {
  size_t start = at * layer->stride;
  *from = start > layer->pad ? start - layer->pad : 0;
  *to = start + layer->kernel > layer->pad ? start + layer->kernel - layer->pad : 0;
  if (*to > side) *to = side;
}

/* ---- the largest ---- */

/* One output position, all channels: the largest of the window and where it stands. */
static void find_largest(const pool_task *t, size_t n, size_t p, float *best, uint32_t *where) {
  size_t y0, y1, x0, x1, channels = t->x->channels;
  window(p / t->y->width, t->layer, t->x->height, &y0, &y1);
  window(p % t->y->width, t->layer, t->x->width, &x0, &x1);
  for (size_t c = 0; c < channels; c++) best[c] = -INFINITY;
  for (size_t r = y0; r < y1; r++) {
    for (size_t k = x0; k < x1; k++) {
      size_t at = ((n * t->x->height + r) * t->x->width + k) * channels;
      bool first = r == y0 && k == x0;
      const float *x = t->x->value + at;
      for (size_t c = 0; c < channels; c++) { /* NaN is larger than nothing: the first place holds */
        bool larger = x[c] > best[c] || first;
        best[c] = larger ? x[c] : best[c];
        where[c] = larger ? (uint32_t)(at + c) : where[c];
      }
    }
  }
}

static void max_part(void *context, size_t from, size_t count) {
  const pool_task *t = context;
  size_t positions = t->y->height * t->y->width, channels = t->x->channels;
  for (size_t i = from * positions; i < (from + count) * positions; i++) {
    find_largest(t, i / positions, i % positions, t->y->value + i * channels, t->layer->chosen + i * channels);
  }
}

nsc_status nsc_max_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, false, max_part);
  return NSC_OK;
}

static void unmax_part(void *context, size_t from, size_t count) {
  const pool_task *t = context;
  size_t size = picture_of(t->y);
  clear_gradient(t, from, count);
  for (size_t i = from * size; i < (from + count) * size; i++) t->x->gradient[t->layer->chosen[i]] += t->y->gradient[i];
}

nsc_status nsc_max_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, nsc_adds_gradient(nsc_input_of(pass, layer)), unmax_part);
  return NSC_OK;
}

/* ---- the average of a window: forward and backward are the same walk, each position sharing 1/area ---- */

static void average_walk(const pool_task *t, size_t from, size_t count, bool backward) {
  size_t positions = t->y->height * t->y->width, channels = t->x->channels;
  float share = 1.0f / (float)(t->layer->kernel * t->layer->kernel);
  for (size_t i = from * positions; i < (from + count) * positions; i++) {
    size_t y0, y1, x0, x1, p = i % positions;
    window(p / t->y->width, t->layer, t->x->height, &y0, &y1);
    window(p % t->y->width, t->layer, t->x->width, &x0, &x1);
    float *y = (backward ? t->y->gradient : t->y->value) + i * channels;
    if (!backward) memset(y, 0, channels * sizeof *y);
    for (size_t r = y0; r < y1; r++) {
      for (size_t k = x0; k < x1; k++) {
        size_t at = ((i / positions * t->x->height + r) * t->x->width + k) * channels;
        float *to = backward ? t->x->gradient + at : y;
        const float *with = backward ? y : t->x->value + at;
        for (size_t c = 0; c < channels; c++) to[c] += share * with[c];
      }
    }
  }
}

static void average_part(void *context, size_t from, size_t count) {
  average_walk(context, from, count, false);
}

static void unaverage_part(void *context, size_t from, size_t count) {
  clear_gradient(context, from, count);
  average_walk(context, from, count, true);
}

nsc_status nsc_average_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, false, average_part);
  return NSC_OK;
}

nsc_status nsc_average_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, nsc_adds_gradient(nsc_input_of(pass, layer)), unaverage_part);
  return NSC_OK;
}

/* ---- the average of all positions ---- */

static void global_part(void *context, size_t from, size_t count) {
  const pool_task *t = context;
  size_t pixels = t->x->height * t->x->width, channels = t->x->channels;
  for (size_t n = from; n < from + count; n++) {
    float *y = t->y->value + n * channels;
    const float *x = t->x->value + n * pixels * channels;
    memset(y, 0, channels * sizeof *y);
    for (size_t p = 0; p < pixels; p++) {
      for (size_t c = 0; c < channels; c++) y[c] += x[p * channels + c];
    }
    for (size_t c = 0; c < channels; c++) y[c] /= (float)pixels;
  }
}

static void unglobal_part(void *context, size_t from, size_t count) {
  const pool_task *t = context;
  size_t pixels = t->x->height * t->x->width, channels = t->x->channels;
  float share = 1.0f / (float)pixels;
  clear_gradient(t, from, count);
  for (size_t i = from * pixels; i < (from + count) * pixels; i++) {
    float *dx = t->x->gradient + i * channels;
    const float *dy = t->y->gradient + i / pixels * channels;
    for (size_t c = 0; c < channels; c++) dx[c] += share * dy[c];
  }
}

nsc_status nsc_global_pool_forward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, false, global_part);
  return NSC_OK;
}

nsc_status nsc_global_pool_backward(nsc_pass *pass, nsc_layer *layer) {
  run(pass, layer, nsc_adds_gradient(nsc_input_of(pass, layer)), unglobal_part);
  return NSC_OK;
}
