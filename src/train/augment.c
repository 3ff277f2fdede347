#include "train/augment.h"

#include <math.h>

static const float degree = 0.017453292519943295f;

nsc_augment nsc_augment_usual(void) {
  return (nsc_augment){.flip_horizontal = true, .rotation = 40, .shift = 0.2f, .shear = 0.2f / degree, .zoom = 0.2f};
}

nsc_augment nsc_augment_film(void) {
  return (nsc_augment){
      .rotation = 8, .shift = 0.08f, .zoom = 0.12f, .brightness = 0.08f, .contrast = 0.2f, .gamma = 0.3f};
}

/* In [-reach, reach). */
static float either(nsc_rng *rng, float reach) {
  return reach * (2 * nsc_rng_float(rng) - 1);
}

/* Output to input: in = centre + m (out - centre) + shift. */
typedef struct affine {
  float m[4], dx, dy;
  bool identity;
} affine;

static affine draw_affine(const nsc_augment *a, nsc_rng *rng, size_t height, size_t width) {
  float angle = either(rng, a->rotation) * degree, shear = either(rng, a->shear) * degree;
  float zoom = 1 + either(rng, a->zoom);
  float dx = either(rng, a->shift) * (float)width, dy = either(rng, a->shift) * (float)height;
  float flip_x = a->flip_horizontal && nsc_rng_float(rng) < 0.5f ? -1.0f : 1.0f;
  float flip_y = a->flip_vertical && nsc_rng_float(rng) < 0.5f ? -1.0f : 1.0f;
  float c = cosf(angle), s = sinf(angle), scale = 1 / (zoom > 0.05f ? zoom : 0.05f);
  affine t = {.dx = dx, .dy = dy};
  t.m[0] = scale * c * flip_x;
  t.m[1] = scale * (-sinf(shear + angle)) * flip_y;
  t.m[2] = scale * s * flip_x;
  t.m[3] = scale * cosf(shear + angle) * flip_y;
  t.identity = t.m[0] == 1 && t.m[1] == 0 && t.m[2] == 0 && t.m[3] == 1 && dx == 0 && dy == 0;
  return t;
}

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

static float sample_at(const uint8_t *in, ptrdiff_t y, ptrdiff_t x, ptrdiff_t height, ptrdiff_t width, size_t channels,
                       size_t c, nsc_fill fill) {
  y = fill_index(y, height, fill);
  x = fill_index(x, width, fill);
  return y < 0 || x < 0 ? 0 : (float)in[((size_t)y * (size_t)width + (size_t)x) * channels + c];
}

static void warp(const nsc_augment *a, const affine *t, const uint8_t *in, size_t height, size_t width, size_t channels,
                 float *out) {
  float cy = (float)(height - 1) / 2, cx = (float)(width - 1) / 2;
  ptrdiff_t h = (ptrdiff_t)height, w = (ptrdiff_t)width;
  for (size_t y = 0; y < height; y++) {
    for (size_t x = 0; x < width; x++) {
      float u = (float)x - cx, v = (float)y - cy;
      float fx = cx + t->m[0] * u + t->m[1] * v + t->dx, fy = cy + t->m[2] * u + t->m[3] * v + t->dy;
      float bx = floorf(fx), by = floorf(fy), wx = fx - bx, wy = fy - by;
      ptrdiff_t ix = (ptrdiff_t)bx, iy = (ptrdiff_t)by;
      for (size_t c = 0; c < channels; c++) {
        float top = (1 - wx) * sample_at(in, iy, ix, h, w, channels, c, a->fill) +
                    wx * sample_at(in, iy, ix + 1, h, w, channels, c, a->fill);
        float bottom = (1 - wx) * sample_at(in, iy + 1, ix, h, w, channels, c, a->fill) +
                       wx * sample_at(in, iy + 1, ix + 1, h, w, channels, c, a->fill);
        *out++ = ((1 - wy) * top + wy * bottom) / 255;
      }
    }
  }
}

static void change_intensity(const nsc_augment *a, nsc_rng *rng, float *values, size_t count) {
  float brightness = either(rng, a->brightness), contrast = 1 + either(rng, a->contrast);
  float exponent = powf(1 + a->gamma, either(rng, 1));
  float noise = a->noise * nsc_rng_float(rng);
  bool curved = a->gamma > 0, straight = a->brightness > 0 || a->contrast > 0;
  for (size_t i = 0; i < count && (curved || straight || noise > 0); i++) {
    float x = values[i];
    if (curved) x = powf(x, exponent);
    if (straight) x = (x - 0.5f) * contrast + 0.5f + brightness;
    if (noise > 0) x += noise * (float)nsc_rng_normal(rng);
    values[i] = x < 0 ? 0 : x > 1 ? 1 : x;
  }
}

static void cut_out(const nsc_augment *a, nsc_rng *rng, float *out, size_t height, size_t width, size_t channels) {
  size_t shorter = height < width ? height : width, side = (size_t)(a->cutout * (float)shorter);
  if (side == 0 || side > shorter) return;
  size_t top = nsc_rng_below(rng, (uint32_t)(height - side + 1)),
         left = nsc_rng_below(rng, (uint32_t)(width - side + 1));
  for (size_t y = top; y < top + side; y++) {
    for (size_t i = left * channels; i < (left + side) * channels; i++) out[y * width * channels + i] = 0.5f;
  }
}

void nsc_augment_apply(const nsc_augment *augment, nsc_rng rng, const uint8_t *in, size_t height, size_t width,
                       size_t channels, float *out) {
  size_t count = height * width * channels;
  affine t = {.identity = true};
  if (augment) t = draw_affine(augment, &rng, height, width);
  if (t.identity) {
    for (size_t i = 0; i < count; i++) out[i] = (float)in[i] / 255;
  } else {
    warp(augment, &t, in, height, width, channels, out);
  }
  if (!augment) return;
  change_intensity(augment, &rng, out, count);
  cut_out(augment, &rng, out, height, width, channels);
}
