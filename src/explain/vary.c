#include "explain/vary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/augment.h"

/* How much each kind changes: what one would not notice, or not mind. */
static nsc_augment augment_of(nsc_variation kind) {
  nsc_augment a = {.fill = NSC_FILL_NEAREST};
  switch (kind) {
    case NSC_VARY_SHIFT:
      a.shift = 0.04f;
      break;
    case NSC_VARY_ROTATION:
      a.rotation = 5;
      break;
    case NSC_VARY_ZOOM:
      a.zoom = 0.06f;
      break;
    case NSC_VARY_BRIGHTNESS:
      a.brightness = 0.06f;
      break;
    case NSC_VARY_CONTRAST:
      a.contrast = 0.15f;
      break;
    case NSC_VARY_NOISE:
      a.noise = 0.03f;
      break;
    case NSC_VARY_BLUR:
      a.blur = 1;
      break;
    default:
      break;
  }
  return a;
}

nsc_status nsc_vary(nsc_variation kind, uint64_t seed, uint32_t step, const float *in, uint32_t height, uint32_t width,
                    uint32_t channels, float *out, nsc_error *err) {
  static const int qualities[] = {90, 75, 60, 50, 40, 30};
  size_t count = (size_t)height * width * channels;
  if (kind == NSC_VARY_JPEG) {
    memcpy(out, in, count * sizeof *out);
    return nsc_jpeg_loss(out, height, width, channels, qualities[step % (sizeof qualities / sizeof *qualities)], err);
  }
  uint8_t *bytes = malloc(count);
  if (!bytes) return nsc_fail_memory(err, count, "a changed picture");
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(fminf(fmaxf(in[i], 0), 1) * 255 + 0.5f);
  const nsc_rng root = nsc_rng_seeded(seed), of_kind = nsc_rng_split(&root, (uint64_t)kind);
  const nsc_augment augment = augment_of(kind);
  nsc_augment_apply(&augment, nsc_rng_split(&of_kind, step), bytes, height, width, channels, out);
  free(bytes);
  return NSC_OK;
}

/* ---- JPEG ---- */

enum { BLOCK = 8 };

/* Tables K.1 and K.2. */
static const uint8_t luminance[BLOCK * BLOCK] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                                 14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                                 18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                                 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t chrominance[BLOCK * BLOCK] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                                   24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                                   99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                                   99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

/* One step of the scale at libjpeg's quality. */
static double step_of(uint8_t entry, int quality) {
  int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  int value = (entry * percent + 50) / 100;
  return value < 1 ? 1 : value > 255 ? 255 : value;
}

/* basis[u][x] of the cosine transform, orthonormal. */
static void make_basis(double basis[BLOCK][BLOCK]) {
  for (int u = 0; u < BLOCK; u++) {
    for (int x = 0; x < BLOCK; x++) {
      basis[u][x] = (u ? 0.5 : sqrt(0.125)) * cos((2 * x + 1) * u * 3.14159265358979323846 / 16);
    }
  }
}

/* out = basis * in * basis', or back with `back`. */
static void transform(double basis[BLOCK][BLOCK], bool back, double block[BLOCK][BLOCK]) {
  double half[BLOCK][BLOCK];
  for (int v = 0; v < BLOCK; v++) {
    for (int x = 0; x < BLOCK; x++) {
      half[v][x] = 0;
      for (int k = 0; k < BLOCK; k++) half[v][x] += (back ? basis[k][v] : basis[v][k]) * block[k][x];
    }
  }
  for (int v = 0; v < BLOCK; v++) {
    for (int u = 0; u < BLOCK; u++) {
      block[v][u] = 0;
      for (int k = 0; k < BLOCK; k++) block[v][u] += half[v][k] * (back ? basis[k][u] : basis[u][k]);
    }
  }
}

/* A plane of values 0..255 less 128, one block at a time; beyond the edges the last pixel goes on. */
static void lose_plane(float *plane, uint32_t height, uint32_t width, const uint8_t *table, int quality,
                       double basis[BLOCK][BLOCK]) {
  for (uint32_t top = 0; top < height; top += BLOCK) {
    for (uint32_t left = 0; left < width; left += BLOCK) {
      double block[BLOCK][BLOCK];
      for (uint32_t i = 0; i < BLOCK * BLOCK; i++) {
        uint32_t y = top + i / BLOCK < height ? top + i / BLOCK : height - 1;
        uint32_t x = left + i % BLOCK < width ? left + i % BLOCK : width - 1;
        block[i / BLOCK][i % BLOCK] = (double)plane[(size_t)y * width + x];
      }
      transform(basis, false, block);
      for (int i = 0; i < BLOCK * BLOCK; i++) {
        double step = step_of(table[i], quality), *c = &block[i / BLOCK][i % BLOCK];
        *c = nearbyint(*c / step) * step;
      }
      transform(basis, true, block);
      for (uint32_t i = 0; i < BLOCK * BLOCK; i++) {
        uint32_t y = top + i / BLOCK, x = left + i % BLOCK;
        if (y < height && x < width) plane[(size_t)y * width + x] = (float)block[i / BLOCK][i % BLOCK];
      }
    }
  }
}

static float unit(double value) {
  return (float)(fmin(fmax(nearbyint(value + 128), 0), 255) / 255);
}

nsc_status nsc_jpeg_loss(float *values, uint32_t height, uint32_t width, uint32_t channels, int quality,
                         nsc_error *err) {
  double basis[BLOCK][BLOCK];
  size_t pixels = (size_t)height * width;
  make_basis(basis);
  if (channels == 1) {
    for (size_t i = 0; i < pixels; i++) values[i] = values[i] * 255 - 128;
    lose_plane(values, height, width, luminance, quality, basis);
    for (size_t i = 0; i < pixels; i++) values[i] = unit((double)values[i]);
    return NSC_OK;
  }
  float *planes = malloc(3 * pixels * sizeof *planes);
  if (!planes) return nsc_fail_memory(err, 3 * pixels * sizeof *planes, "a changed picture");
  for (size_t i = 0; i < pixels; i++) { /* ITU-R BT.601, as JFIF has it */
    float r = values[3 * i] * 255, g = values[3 * i + 1] * 255, b = values[3 * i + 2] * 255;
    planes[i] = 0.299f * r + 0.587f * g + 0.114f * b - 128;
    planes[pixels + i] = -0.168736f * r - 0.331264f * g + 0.5f * b;
    planes[2 * pixels + i] = 0.5f * r - 0.418688f * g - 0.081312f * b;
  }
  for (int p = 0; p < 3; p++) {
    lose_plane(planes + (size_t)p * pixels, height, width, p ? chrominance : luminance, quality, basis);
  }
  for (size_t i = 0; i < pixels; i++) {
    double y = (double)planes[i], cb = (double)planes[pixels + i], cr = (double)planes[2 * pixels + i];
    values[3 * i] = unit(y + 1.402 * cr);
    values[3 * i + 1] = unit(y - 0.344136 * cb - 0.714136 * cr);
    values[3 * i + 2] = unit(y + 1.772 * cb);
  }
  free(planes);
  return NSC_OK;
}
