/*
 * Pictures moved: bilinear interpolation along an affine map and a smooth displacement. The inner part of a picture is
 * read without looking at its edges, and curves are looked up in bytes: both are most of the time that augmentation
 * takes.
 */
#include <math.h>
#include <string.h>

#include "train/augment_private.h"

/* ---- elastic displacement ---- */

/* A Gaussian of two cells, cut at three deviations. */
enum { REACH = 6, NOISE = NSC_ELASTIC_KNOTS + 2 * REACH };

static void gaussian(float weights[2 * REACH + 1], float *energy) {
  float sum = 0;
  *energy = 0;
  for (int i = -REACH; i <= REACH; i++) sum += weights[i + REACH] = expf(-(float)(i * i) / 8);
  for (int i = 0; i <= 2 * REACH; i++) {
    weights[i] /= sum;
    *energy += weights[i] * weights[i];
  }
}

/* White noise -1..1, smoothed along both sides, times `factor`. */
static void smooth_noise(nsc_rng *rng, int knots, const float *weights, float factor,
                         float out[NSC_ELASTIC_KNOTS][NSC_ELASTIC_KNOTS]) {
  float rows[NOISE][NSC_ELASTIC_KNOTS], noise[NOISE];
  for (int y = 0; y < knots + 2 * REACH; y++) {
    for (int x = 0; x < knots + 2 * REACH; x++) noise[x] = nsc_either(rng, 1);
    for (int x = 0; x < knots; x++) {
      rows[y][x] = 0;
      for (int k = 0; k <= 2 * REACH; k++) rows[y][x] += weights[k] * noise[x + k];
    }
  }
  for (int y = 0; y < knots; y++) {
    for (int x = 0; x < knots; x++) {
      float sum = 0;
      for (int k = 0; k <= 2 * REACH; k++) sum += weights[k] * rows[y + k][x];
      out[y][x] = factor * sum;
    }
  }
}

void nsc_elastic_draw(nsc_rng *rng, float strength, float sigma, nsc_elastic *out) {
  float weights[2 * REACH + 1], energy;
  if (!(sigma > 0)) sigma = 0.08f;
  int knots = sigma < 0.04f ? NSC_ELASTIC_KNOTS : (int)ceilf(2 / sigma) + 3;
  out->knots = knots < NSC_ELASTIC_KNOTS ? knots : NSC_ELASTIC_KNOTS;
  gaussian(weights, &energy);
  /* Uniform noise has a variance of 1/3; weights of a sum multiply it by the sum of their squares, here in two
     directions. */
  float factor = strength * sqrtf(3) / energy;
  smooth_noise(rng, out->knots, weights, factor, out->x);
  smooth_noise(rng, out->knots, weights, factor, out->y);
}

/* The displacements along one row of pixels: knots of that row, interpolated between the two rows of the grid. */
typedef struct knot_row {
  float x[NSC_ELASTIC_KNOTS], y[NSC_ELASTIC_KNOTS];
  float step; /* knots from a pixel to the next */
  int last;   /* the one before the last knot */
} knot_row;

static void interpolate_row(const nsc_elastic *e, size_t row, size_t height, size_t width, knot_row *out) {
  float cells = (float)(e->knots - 3), at = 1 + cells * (float)row / (float)height;
  int above = (int)at;
  float share = at - (float)above;
  for (int i = 0; i < e->knots; i++) {
    out->x[i] = e->x[above][i] + share * (e->x[above + 1][i] - e->x[above][i]);
    out->y[i] = e->y[above][i] + share * (e->y[above + 1][i] - e->y[above][i]);
  }
  out->step = cells / (float)width;
  out->last = e->knots - 2;
}

/* ---- sampling ---- */

/* The input coordinate that stands for one outside, or -1 for black. */
static ptrdiff_t fill_index(ptrdiff_t i, ptrdiff_t n, nsc_fill fill) {
  if (i >= 0 && i < n) return i;
  switch (fill) {
    case NSC_FILL_NEAREST:
      return i < 0 ? 0 : n - 1;
    case NSC_FILL_WRAP:
      return ((i % n) + n) % n;
    case NSC_FILL_REFLECT: {
      ptrdiff_t period = 2 * n;
      i = ((i % period) + period) % period;
      return i < n ? i : period - 1 - i;
    }
    default:
      return -1;
  }
}

typedef struct source {
  const uint8_t *bytes;
  const float *curve;
  ptrdiff_t height, width, channels;
  nsc_fill fill;
} source;

/* Near the edge and outside. */
static void sample_outside(const source *s, ptrdiff_t x, ptrdiff_t y, float wx, float wy, float *out) {
  const ptrdiff_t xs[2] = {fill_index(x, s->width, s->fill), fill_index(x + 1, s->width, s->fill)};
  const ptrdiff_t ys[2] = {fill_index(y, s->height, s->fill), fill_index(y + 1, s->height, s->fill)};
  const float weights[4] = {(1 - wx) * (1 - wy), wx * (1 - wy), (1 - wx) * wy, wx * wy};
  for (ptrdiff_t c = 0; c < s->channels; c++) out[c] = 0;
  for (int i = 0; i < 4; i++) {
    ptrdiff_t column = xs[i % 2], row = ys[i / 2];
    if (column < 0 || row < 0) continue; /* black */
    const uint8_t *p = s->bytes + (row * s->width + column) * s->channels;
    for (ptrdiff_t c = 0; c < s->channels; c++) out[c] += weights[i] * s->curve[p[c]];
  }
}

/* Places of the input that some pixels of a row come from: whole pixels, and the rest as weights. In arrays, so that
 * compilers use SIMD for all but the reading. */
enum { BLOCK = 64 };

typedef struct places {
  int32_t x[BLOCK], y[BLOCK];
  float wx[BLOCK], wy[BLOCK];
} places;

/* Rounded down: floorf is a call where SSE 4.1 may not be used. */
static inline void split(float at, int32_t *whole, float *rest) {
  int32_t n = (int32_t)at;
  n -= at < (float)n;
  *whole = n;
  *rest = at - (float)n;
}

static void place_block(const nsc_affine *t, const knot_row *knots, float x0, float y0, int first, places *out) {
  float xs[BLOCK], ys[BLOCK];
  for (int i = 0; i < BLOCK; i++) {
    xs[i] = x0 + t->m[0] * (float)(first + i);
    ys[i] = y0 + t->m[2] * (float)(first + i);
  }
  for (int i = 0; i < BLOCK && knots; i++) {
    float at = 1 + knots->step * (float)(first + i);
    int k = (int)at < knots->last ? (int)at : knots->last; /* a block may end behind its row */
    xs[i] += knots->x[k] + (at - (float)k) * (knots->x[k + 1] - knots->x[k]);
    ys[i] += knots->y[k] + (at - (float)k) * (knots->y[k + 1] - knots->y[k]);
  }
  for (int i = 0; i < BLOCK; i++) split(xs[i], &out->x[i], &out->wx[i]);
  for (int i = 0; i < BLOCK; i++) split(ys[i], &out->y[i], &out->wy[i]);
}

/* `channels` is a constant where this is inlined. */
static inline void sample_block(const source *s, ptrdiff_t channels, const places *at, int count, float *out) {
  for (int i = 0; i < count; i++, out += channels) {
    ptrdiff_t x = at->x[i], y = at->y[i];
    float wx = at->wx[i], wy = at->wy[i];
    if ((size_t)x >= (size_t)(s->width - 1) || (size_t)y >= (size_t)(s->height - 1)) {
      sample_outside(s, x, y, wx, wy, out);
      continue;
    }
    const uint8_t *p = s->bytes + (y * s->width + x) * channels, *q = p + s->width * channels;
    for (ptrdiff_t c = 0; c < channels; c++, p++, q++) {
      float top = s->curve[p[0]], bottom = s->curve[q[0]];
      top += wx * (s->curve[p[channels]] - top);
      bottom += wx * (s->curve[q[channels]] - bottom);
      out[c] = top + wy * (bottom - top);
    }
  }
}

static void warp_row(const source *s, const nsc_affine *t, const knot_row *knots, float x0, float y0, float *out) {
  places at;
  for (int i = 0; i < (int)s->width; i += BLOCK) {
    int count = (int)s->width - i < BLOCK ? (int)s->width - i : BLOCK;
    place_block(t, knots, x0, y0, i, &at);
    if (s->channels == 1) {
      sample_block(s, 1, &at, count, out + i);
    } else {
      sample_block(s, 3, &at, count, out + 3 * i);
    }
  }
}

void nsc_warp(const nsc_affine *t, const nsc_elastic *elastic, nsc_fill fill, const float curve[256], const uint8_t *in,
              nsc_picture p) {
  const source s = {in, curve, (ptrdiff_t)p.height, (ptrdiff_t)p.width, (ptrdiff_t)p.channels, fill};
  float cy = (float)(p.height - 1) / 2, cx = (float)(p.width - 1) / 2;
  knot_row knots;
  for (size_t row = 0; row < p.height; row++) {
    float v = (float)row - cy, *out = p.values + row * p.width * p.channels;
    float x = cx - t->m[0] * cx + t->m[1] * v + t->dx, y = cy - t->m[2] * cx + t->m[3] * v + t->dy;
    if (elastic) interpolate_row(elastic, row, p.height, p.width, &knots);
    warp_row(&s, t, elastic ? &knots : NULL, x, y, out);
  }
}
