#include "train/augment.h"

#include <math.h>

#include "train/augment_private.h"

static const float degree = 0.017453292519943295f;

nsc_augment nsc_augment_usual(void) {
  return (nsc_augment){.flip_horizontal = true, .rotation = 40, .shift = 0.2f, .shear = 0.2f / degree, .zoom = 0.2f};
}

nsc_augment nsc_augment_film(void) {
  return (nsc_augment){
      .rotation = 8, .shift = 0.08f, .zoom = 0.12f, .brightness = 0.08f, .contrast = 0.2f, .gamma = 0.3f};
}

/* ---- place ---- */

static nsc_affine draw_affine(const nsc_augment *a, nsc_rng *rng, size_t height, size_t width) {
  float angle = nsc_either(rng, a->rotation) * degree, shear = nsc_either(rng, a->shear) * degree;
  float zoom = 1 + nsc_either(rng, a->zoom);
  float dx = nsc_either(rng, a->shift) * (float)width, dy = nsc_either(rng, a->shift) * (float)height;
  float flip_x = a->flip_horizontal && nsc_rng_float(rng) < 0.5f ? -1.0f : 1.0f;
  float flip_y = a->flip_vertical && nsc_rng_float(rng) < 0.5f ? -1.0f : 1.0f;
  float c = cosf(angle), s = sinf(angle), scale = 1 / (zoom > 0.05f ? zoom : 0.05f);
  nsc_affine t = {.dx = dx, .dy = dy};
  t.m[0] = scale * c * flip_x;
  t.m[1] = scale * (-sinf(shear + angle)) * flip_y;
  t.m[2] = scale * s * flip_x;
  t.m[3] = scale * cosf(shear + angle) * flip_y;
  return t;
}

/* The crop comes first, so everything else happens within it. */
static void draw_crop(const nsc_augment *a, nsc_rng *rng, size_t height, size_t width, nsc_affine *t) {
  if (!(a->crop > 0)) return;
  float share = 1 - a->crop * nsc_rng_float(rng), room = (1 - share) / 2;
  for (int i = 0; i < 4; i++) t->m[i] *= share;
  t->dx = share * t->dx + nsc_either(rng, room * (float)width);
  t->dy = share * t->dy + nsc_either(rng, room * (float)height);
}

static bool is_identity(const nsc_affine *t) {
  return t->m[0] == 1 && t->m[1] == 0 && t->m[2] == 0 && t->m[3] == 1 && t->dx == 0 && t->dy == 0;
}

/* ---- intensity ---- */

static void draw_curve(const nsc_augment *a, nsc_rng *rng, float curve[256]) {
  float brightness = nsc_either(rng, a->brightness), contrast = 1 + nsc_either(rng, a->contrast);
  float exponent = powf(1 + a->gamma, nsc_either(rng, 1));
  bool curved = a->gamma > 0, straight = a->brightness > 0 || a->contrast > 0;
  for (int i = 0; i < 256; i++) {
    float x = (float)i / 255;
    if (curved) x = powf(x, exponent);
    if (straight) x = (x - 0.5f) * contrast + 0.5f + brightness;
    curve[i] = x < 0 ? 0 : x > 1 ? 1 : x;
  }
}

static void cut_out(const nsc_augment *a, nsc_rng *rng, nsc_picture p) {
  size_t shorter = p.height < p.width ? p.height : p.width, side = (size_t)(a->cutout * (float)shorter);
  if (side == 0 || side > shorter) return;
  size_t top = nsc_rng_below(rng, (uint32_t)(p.height - side + 1));
  size_t left = nsc_rng_below(rng, (uint32_t)(p.width - side + 1));
  for (size_t y = top; y < top + side; y++) {
    float *row = p.values + y * p.width * p.channels;
    for (size_t i = left * p.channels; i < (left + side) * p.channels; i++) row[i] = 0.5f;
  }
}

/* ---- all together ---- */

static void augment_picture(const nsc_augment *a, nsc_rng *rng, const uint8_t *in, nsc_picture p) {
  float curve[256];
  nsc_affine t = draw_affine(a, rng, p.height, p.width);
  draw_curve(a, rng, curve);
  draw_crop(a, rng, p.height, p.width, &t);
  size_t shorter = p.height < p.width ? p.height : p.width;
  if (a->elastic > 0) {
    nsc_elastic elastic;
    nsc_elastic_draw(rng, a->elastic * nsc_rng_float(rng) * (float)shorter, a->elastic_sigma, &elastic);
    nsc_warp(&t, &elastic, a->fill, curve, in, p);
  } else if (is_identity(&t)) {
    for (size_t i = 0; i < p.height * p.width * p.channels; i++) p.values[i] = curve[in[i]];
  } else {
    nsc_warp(&t, NULL, a->fill, curve, in, p);
  }
  nsc_augment_filter(a, rng, p);
  cut_out(a, rng, p);
}

void nsc_augment_apply(const nsc_augment *augment, nsc_rng rng, const uint8_t *in, size_t height, size_t width,
                       size_t channels, float *out) {
  if (augment) {
    augment_picture(augment, &rng, in, (nsc_picture){out, height, width, channels});
    return;
  }
  for (size_t i = 0; i < height * width * channels; i++) out[i] = (float)in[i] / 255;
}
