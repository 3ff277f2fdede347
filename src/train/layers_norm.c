/*
 * Batch normalisation (Ioffe & Szegedy 2015): y = (x - mean) / sqrt(variance + epsilon) * scale + shift.
 *
 * Statistics are made in blocks of rows, all channels side by side, which is the order of memory; the blocks are joined
 * in double (Chan, Golub & LeVeque 1979). Blocks do not depend on threads, so neither does the result.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/layers.h"

enum { BLOCK_ROWS = 128 };

typedef struct norm_task {
  const nsc_layer *layer;
  const float *x, *dy;
  float *y, *dx;
  float *mean, *inverse;         /* [channels], of the batch or running; inverse: 1 / deviation */
  float *first, *second;         /* [blocks][channels]: two sums of each block */
  float *factor, *slope, *shift; /* [channels]: dx = factor * dy + slope * x + shift; forward: y = factor * x + shift */
  size_t rows, channels, blocks;
  bool adds;
} norm_task;

static nsc_parameter *parameter(const nsc_pass *pass, const nsc_layer *layer, int slot) {
  return &pass->net->parameters[layer->parameters[slot]];
}

/* `*room` holds what lives during the call, and is the caller's to free. */
static nsc_status begin(const nsc_pass *pass, const nsc_layer *layer, norm_task *t, float **room) {
  nsc_tensor *x = nsc_input_of(pass, layer), *y = nsc_result_of(pass, layer);
  size_t channels = x->channels, rows = nsc_net_size(pass->net, layer->output) / channels;
  *t = (norm_task){.layer = layer,
                   .x = x->value,
                   .dy = y->gradient,
                   .y = y->value,
                   .dx = x->gradient,
                   .mean = layer->saved,
                   .inverse = layer->saved + channels,
                   .rows = rows,
                   .channels = channels,
                   .blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS};
  size_t floats = (2 * t->blocks + 3) * channels;
  *room = malloc(floats * sizeof **room);
  if (!*room) return nsc_fail_memory(pass->err, floats * sizeof **room, "a batch norm");
  t->first = *room;
  t->second = t->first + t->blocks * channels;
  t->factor = t->second + t->blocks * channels;
  t->slope = t->factor + channels;
  t->shift = t->slope + channels;
  return NSC_OK;
}

static size_t rows_of(const norm_task *t, size_t block) {
  size_t left = t->rows - block * BLOCK_ROWS;
  return left < BLOCK_ROWS ? left : BLOCK_ROWS;
}

/* ---- forward ---- */

/* Mean of each channel of a block, and the sum of squares about it. */
static void measure_blocks(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  size_t channels = t->channels;
  for (size_t b = from; b < from + count; b++) {
    size_t rows = rows_of(t, b);
    const float *x = t->x + b * BLOCK_ROWS * channels;
    float *restrict mean = t->first + b * channels, *restrict squares = t->second + b * channels;
    memset(mean, 0, channels * sizeof *mean);
    memset(squares, 0, channels * sizeof *squares);
    for (size_t r = 0; r < rows; r++) {
      for (size_t c = 0; c < channels; c++) mean[c] += x[r * channels + c];
    }
    for (size_t c = 0; c < channels; c++) mean[c] /= (float)rows;
    for (size_t r = 0; r < rows; r++) {
      for (size_t c = 0; c < channels; c++) {
        float d = x[r * channels + c] - mean[c];
        squares[c] += d * d;
      }
    }
  }
}

/* Joins the blocks of a channel. */
static void join(const norm_task *t, size_t c, double *mean, double *squares) {
  double m = 0, s = 0, n = 0;
  for (size_t b = 0; b < t->blocks; b++) {
    double rows = (double)rows_of(t, b), d = (double)t->first[b * t->channels + c] - m, all = n + rows;
    s += (double)t->second[b * t->channels + c] + d * d * n * rows / all;
    m += d * rows / all;
    n = all;
  }
  *mean = m;
  *squares = s;
}

static void settle_channels(const nsc_pass *pass, const nsc_layer *layer, const norm_task *t, bool of_batch) {
  float *mean = parameter(pass, layer, 2)->value, *variance = parameter(pass, layer, 3)->value;
  const float *scale = parameter(pass, layer, 0)->value, *shift = parameter(pass, layer, 1)->value;
  for (size_t c = 0; c < t->channels; c++) {
    double m = (double)mean[c], v = (double)variance[c], squares;
    if (of_batch) {
      join(t, c, &m, &squares);
      v = squares / (double)t->rows;
      /* Running statistics take the unbiased variance, as PyTorch does. */
      double unbiased = t->rows > 1 ? squares / (double)(t->rows - 1) : v;
      mean[c] += layer->momentum * ((float)m - mean[c]);
      variance[c] += layer->momentum * ((float)unbiased - variance[c]);
    }
    t->mean[c] = (float)m;
    t->inverse[c] = (float)(1 / sqrt(v + (double)layer->epsilon));
    t->factor[c] = scale[c] * t->inverse[c];
    t->shift[c] = (float)((double)shift[c] - m * (double)t->factor[c]);
  }
}

static void normalise_blocks(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  size_t channels = t->channels;
  const float *restrict factor = t->factor, *restrict shift = t->shift;
  for (size_t b = from; b < from + count; b++) {
    size_t rows = rows_of(t, b), at = b * BLOCK_ROWS * channels;
    for (size_t r = 0; r < rows; r++, at += channels) {
      for (size_t c = 0; c < channels; c++) t->y[at + c] = t->x[at + c] * factor[c] + shift[c];
    }
  }
}

nsc_status nsc_norm_forward(nsc_pass *pass, nsc_layer *layer) {
  norm_task task;
  float *room;
  NSC_TRY(begin(pass, layer, &task, &room));
  bool of_batch = pass->training && !layer->frozen;
  if (of_batch) nsc_compute_ranges(pass->compute, measure_blocks, &task, task.blocks, 1);
  settle_channels(pass, layer, &task, of_batch);
  nsc_compute_ranges(pass->compute, normalise_blocks, &task, task.blocks, 1);
  free(room);
  return NSC_OK;
}

/* ---- backward ---- */

/* Sums of dy and of dy times the normalised x. */
static void sum_blocks(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  size_t channels = t->channels;
  for (size_t b = from; b < from + count; b++) {
    size_t rows = rows_of(t, b), at = b * BLOCK_ROWS * channels;
    float *restrict sum = t->first + b * channels, *restrict product = t->second + b * channels;
    memset(sum, 0, channels * sizeof *sum);
    memset(product, 0, channels * sizeof *product);
    for (size_t r = 0; r < rows; r++, at += channels) {
      const float *x = t->x + at, *dy = t->dy + at;
      for (size_t c = 0; c < channels; c++) {
        sum[c] += dy[c];
        product[c] += dy[c] * (x[c] - t->mean[c]);
      }
    }
    for (size_t c = 0; c < channels; c++) product[c] *= t->inverse[c];
  }
}

static void settle_gradients(const nsc_pass *pass, const nsc_layer *layer, const norm_task *t) {
  nsc_parameter *scale = parameter(pass, layer, 0), *shift = parameter(pass, layer, 1);
  for (size_t c = 0; c < t->channels; c++) {
    double sum = 0, product = 0;
    for (size_t b = 0; b < t->blocks; b++) {
      sum += (double)t->first[b * t->channels + c];
      product += (double)t->second[b * t->channels + c];
    }
    if (scale->gradient) scale->gradient[c] = (float)product;
    if (shift->gradient) shift->gradient[c] = (float)sum;
    /* dx = scale * inverse * (dy - mean(dy) - normal * mean(dy * normal)); frozen statistics have no part in it. */
    double factor = (double)scale->value[c] * (double)t->inverse[c], rows = (double)t->rows;
    bool fixed = layer->frozen || !pass->training;
    double mean_dy = fixed ? 0 : sum / rows, mean_product = fixed ? 0 : product / rows;
    double slope = -factor * mean_product * (double)t->inverse[c];
    t->factor[c] = (float)factor;
    t->slope[c] = (float)slope;
    t->shift[c] = (float)(-factor * mean_dy - slope * (double)t->mean[c]);
  }
}

static void spread_blocks(void *context, size_t from, size_t count) {
  const norm_task *t = context;
  size_t channels = t->channels;
  const float *restrict factor = t->factor, *restrict slope = t->slope, *restrict shift = t->shift;
  for (size_t b = from; b < from + count; b++) {
    size_t rows = rows_of(t, b), at = b * BLOCK_ROWS * channels;
    for (size_t r = 0; r < rows; r++, at += channels) {
      const float *x = t->x + at, *dy = t->dy + at;
      float *restrict dx = t->dx + at;
      if (t->adds) {
        for (size_t c = 0; c < channels; c++) dx[c] += factor[c] * dy[c] + slope[c] * x[c] + shift[c];
      } else {
        for (size_t c = 0; c < channels; c++) dx[c] = factor[c] * dy[c] + slope[c] * x[c] + shift[c];
      }
    }
  }
}

nsc_status nsc_norm_backward(nsc_pass *pass, nsc_layer *layer) {
  norm_task task;
  float *room;
  NSC_TRY(begin(pass, layer, &task, &room));
  nsc_compute_ranges(pass->compute, sum_blocks, &task, task.blocks, 1);
  settle_gradients(pass, layer, &task);
  nsc_tensor *x = nsc_input_of(pass, layer);
  if (x->wanted) {
    task.adds = nsc_adds_gradient(x);
    nsc_compute_ranges(pass->compute, spread_blocks, &task, task.blocks, 1);
  }
  free(room);
  return NSC_OK;
}
