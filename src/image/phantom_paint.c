/* From parts to planes of HU and labels. A pixel takes the share of a part that covers it, as a voxel of CT does. */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/phantom_private.h"

/* ---- texture: smooth noise that belongs to the patient ---- */

/* -1..1 for a knot of a grid. */
static float knot(uint64_t key, uint32_t x, uint32_t y) {
  uint64_t z = key ^ (((uint64_t)y << 32 | x) + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return (float)((z ^ z >> 31) >> 40) * 0x1p-23f - 1;
}

/* Adds noise of about `amplitude` whose knots are `mm` apart. */
static void add_texture(uint64_t key, double spacing, double mm, float amplitude, uint32_t size, float *plane) {
  for (uint32_t row = 0; row < size; row++) {
    double v = row * spacing / mm;
    uint32_t ky = (uint32_t)v;
    float fy = (float)(v - ky), sy = fy * fy * (3 - 2 * fy);
    for (uint32_t column = 0; column < size; column++) {
      double u = column * spacing / mm;
      uint32_t kx = (uint32_t)u;
      float fx = (float)(u - kx), sx = fx * fx * (3 - 2 * fx);
      float top = knot(key, kx, ky) * (1 - sx) + knot(key, kx + 1, ky) * sx;
      float bottom = knot(key, kx, ky + 1) * (1 - sx) + knot(key, kx + 1, ky + 1) * sx;
      plane[(size_t)row * size + column] += amplitude * (top * (1 - sy) + bottom * sy);
    }
  }
}

/* ---- parts ---- */

typedef struct canvas {
  uint32_t size;
  double spacing, half;                 /* mm; `half` of the picture, to the centre of its first pixel */
  float *hu, *texture, *cavity, *liver; /* [size][size]; the last two are distances in mm */
  uint8_t *labels;
} canvas;

/* The pixels that a stretch of mm may touch: from..to, to not included. */
static void stretch(const canvas *c, double low, double high, uint32_t *from, uint32_t *to) {
  double first = (low + c->half) / c->spacing, last = (high + c->half) / c->spacing + 2;
  *from = first <= 0 ? 0 : first >= c->size ? c->size : (uint32_t)first;
  *to = last <= 0 ? 0 : last >= c->size ? c->size : (uint32_t)last;
}

static void extent(const canvas *c, const nsc_part *part, uint32_t x[2], uint32_t y[2]) {
  const nsc_shape *s = &part->shape;
  double reach = nsc_shape_reach(s) + part->edge + 2 * c->spacing;
  double far_x = s->kind == NSC_SHAPE_TUBE ? s->to_x : s->x, far_y = s->kind == NSC_SHAPE_TUBE ? s->to_y : s->y;
  if (s->kind == NSC_SHAPE_TUBE) reach = (s->a > s->b ? s->a : s->b) + part->edge + 2 * c->spacing;
  stretch(c, (s->x < far_x ? s->x : far_x) - reach, (s->x > far_x ? s->x : far_x) + reach, &x[0], &x[1]);
  stretch(c, (s->y < far_y ? s->y : far_y) - reach, (s->y > far_y ? s->y : far_y) + reach, &y[0], &y[1]);
}

static void paint(const canvas *c, const nsc_part *part) {
  const float *clip = part->clip == NSC_CLIP_LIVER ? c->liver : part->clip == NSC_CLIP_CAVITY ? c->cavity : NULL;
  bool all_of_clip = part->tissue == NSC_TISSUE_LIVER;
  double edge = part->edge + (c->spacing > 1.2 ? c->spacing : 1.2) + 0.3;
  uint32_t x[2], y[2];
  extent(c, part, x, y);
  for (uint32_t row = y[0]; row < y[1]; row++) {
    double py = row * c->spacing - c->half;
    for (uint32_t column = x[0]; column < x[1]; column++) {
      size_t i = (size_t)row * c->size + column;
      double d =
          all_of_clip ? (double)c->liver[i] : nsc_shape_distance(&part->shape, column * c->spacing - c->half, py);
      if (clip && (double)clip[i] > d) d = (double)clip[i];
      if (part->has_level && py - part->level > d) d = py - part->level;
      double cover = 0.5 - d / edge;
      if (!(cover > 0)) continue;
      if (cover > 1) cover = 1;
      c->hu[i] += (float)cover * ((float)(part->hu + part->grain * (double)c->texture[i]) - c->hu[i]);
      if (cover > 0.5) c->labels[i] = (uint8_t)part->tissue;
    }
  }
}

static void prepare(const nsc_anatomy *a, nsc_rng *rng, canvas *c) {
  for (size_t i = 0; i < (size_t)c->size * c->size; i++) {
    double x = (double)(i % c->size) * c->spacing - c->half, y = (double)(i / c->size) * c->spacing - c->half;
    c->cavity[i] = (float)nsc_shape_distance(&a->cavity, x, y);
    c->liver[i] = c->cavity[i] < 4 ? (float)nsc_liver_distance(a, x, y) : 1000;
    c->texture[i] = 0;
    c->hu[i] = -1000;
    c->labels[i] = NSC_TISSUE_AIR;
  }
  add_texture(nsc_rng_u64(rng), c->spacing, 9, 0.5f, c->size, c->texture);
  add_texture(nsc_rng_u64(rng), c->spacing, 3.5, 0.7f, c->size, c->texture);
}

nsc_status nsc_phantom_paint(const nsc_anatomy *a, nsc_rng texture, uint32_t size, float *hu, uint8_t *labels,
                             nsc_error *err) {
  size_t count = (size_t)size * size, bytes;
  if (!nsc_mul_size(count, 3 * sizeof(float), &bytes)) return nsc_fail_memory(err, SIZE_MAX, "a phantom");
  float *planes = malloc(bytes);
  if (!planes) return nsc_fail_memory(err, bytes, "a phantom");
  double spacing = a->field / size;
  canvas c = {size, spacing, (a->field - spacing) / 2, hu, planes, planes + count, planes + 2 * count, labels};
  prepare(a, &texture, &c);
  for (uint32_t i = 0; i < a->count; i++) paint(&c, &a->parts[i]);
  free(planes);
  return NSC_OK;
}
