/*
 * Augmentation by what it must do on average. Ramps show where pixels come from: interpolation of a straight line is
 * exact, so a picture whose values are x gives each output pixel's x in the input.
 */
#include <stdlib.h>

#include "test.h"
#include "train/augment.h"

enum { SIDE = 48, COUNT = SIDE * SIDE };

static void apply(const nsc_augment *a, uint64_t seed, const uint8_t *in, float *out) {
  nsc_augment_apply(a, nsc_rng_seeded(seed), in, SIDE, SIDE, 1, out);
}

static void fill(uint8_t *in, int value) {
  for (int i = 0; i < COUNT; i++) in[i] = (uint8_t)value;
}

/* Where output pixels come from, for the same draws. */
static void origins(const nsc_augment *a, uint64_t seed, float xs[COUNT], float ys[COUNT]) {
  uint8_t in[COUNT];
  for (int i = 0; i < COUNT; i++) in[i] = (uint8_t)(5 * (i % SIDE));
  apply(a, seed, in, xs);
  for (int i = 0; i < COUNT; i++) in[i] = (uint8_t)(5 * (i / SIDE));
  apply(a, seed, in, ys);
  for (int i = 0; i < COUNT; i++) xs[i] *= 51, ys[i] *= 51; /* 255 / 5 */
}

/* Mean and variance of all pixels of many draws. */
typedef struct moments {
  double mean, variance;
} moments;

static moments measure(const nsc_augment *a, int value, int draws) {
  uint8_t in[COUNT];
  float out[COUNT];
  double sum = 0, square = 0, n = 0;
  fill(in, value);
  for (int seed = 0; seed < draws; seed++) {
    apply(a, (uint64_t)seed, in, out);
    for (int i = 0; i < COUNT; i++, n++) {
      sum += (double)out[i];
      square += (double)out[i] * (double)out[i];
    }
  }
  return (moments){sum / n, square / n - sum / n * (sum / n)};
}

/* ---- everything ---- */

static const nsc_augment all = {.flip_horizontal = true,
                                .rotation = 20,
                                .shift = 0.1f,
                                .shear = 5,
                                .zoom = 0.1f,
                                .brightness = 0.1f,
                                .contrast = 0.2f,
                                .gamma = 0.2f,
                                .noise = 0.1f,
                                .cutout = 0.2f,
                                .crop = 0.3f,
                                .elastic = 0.03f,
                                .blur = 1.5f,
                                .sharpen = 1,
                                .speckle = 0.2f,
                                .salt_pepper = 0.1f,
                                .poisson = 0.2f};

TEST(augment_depends_on_its_seed_alone) {
  static uint8_t in[COUNT * 3];
  static float one[COUNT * 3], again[COUNT * 3], other[COUNT * 3];
  for (int i = 0; i < COUNT * 3; i++) in[i] = (uint8_t)(i * 7);
  for (uint64_t seed = 0; seed < 30; seed++) {
    nsc_augment_apply(&all, nsc_rng_seeded(seed), in, SIDE, SIDE, 3, one);
    nsc_augment_apply(&all, nsc_rng_seeded(seed), in, SIDE, SIDE, 3, again);
    nsc_augment_apply(&all, nsc_rng_seeded(seed + 1000), in, SIDE, SIDE, 3, other);
    CHECK(memcmp(one, again, sizeof one) == 0);
    CHECK(memcmp(one, other, sizeof one) != 0);
    for (int i = 0; i < COUNT * 3; i++) CHECK(one[i] >= 0 && one[i] <= 1);
  }
}

/* Sizes that are no multiple of anything, at their very smallest too. */
TEST(augment_takes_every_size) {
  uint8_t in[70 * 3 * 3] = {0};
  float out[70 * 3 * 3];
  for (size_t w = 1; w <= 70; w += w < 4 ? 1 : 33) {
    for (size_t h = 1; h <= 3; h++) {
      nsc_augment_apply(&all, nsc_rng_seeded(w), in, h, w, 3, out);
      nsc_augment_apply(&all, nsc_rng_seeded(h), in, w, h, 1, out);
    }
  }
}

TEST(augment_fields_are_all_there) {
  nsc_augment a = {0};
  size_t numbers = 0;
  for (const nsc_augment_field *f = nsc_augment_fields(); f->name; f++) {
    CHECK_NEAR(nsc_augment_get(&a, f), 0, 0);
    nsc_augment_set(&a, f, (double)f->most);
    CHECK_NEAR(nsc_augment_get(&a, f), f->most, 1e-6);
    numbers += f->kind == NSC_AUGMENT_NUMBER;
  }
  CHECK(a.crop > 0 && a.elastic > 0 && a.elastic_sigma > 0 && a.blur > 0 && a.sharpen > 0 && a.speckle > 0);
  CHECK(a.salt_pepper > 0 && a.poisson > 0);
  CHECK_EQ(numbers, 17);
  uint8_t in[COUNT]; /* everything at its most still gives values 0..1 */
  float out[COUNT];
  fill(in, 100);
  apply(&a, 1, in, out);
  for (int i = 0; i < COUNT; i++) CHECK(out[i] >= 0 && out[i] <= 1);
}

/* ---- place ---- */

static double middle_step(const float *values, int by) {
  int at = SIDE / 2 * SIDE + SIDE / 2;
  return (double)(values[at + by] - values[at - by]) / 2;
}

TEST(augment_film_turns_a_little) {
  nsc_augment a = nsc_augment_film();
  float xs[COUNT], ys[COUNT];
  double most_turn = 0, most_zoom = 0;
  a.brightness = a.contrast = a.gamma = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    origins(&a, seed, xs, ys);
    /* Without shear and flips the map is a turn times a scale: (c, -s; s, c). */
    double c = middle_step(xs, 1), s = middle_step(ys, 1);
    CHECK_NEAR(middle_step(ys, SIDE), c, 1e-3);
    CHECK_NEAR(middle_step(xs, SIDE), -s, 1e-3);
    double turn = fabs(atan2(s, c)) * 180 / 3.14159265358979323846, zoom = 1 / hypot(c, s);
    CHECK(turn <= 8.1 && zoom > 0.87 && zoom < 1.13);
    int centre = SIDE / 2 * SIDE + SIDE / 2; /* half a pixel from the picture's middle */
    CHECK(fabs((double)xs[centre] - SIDE / 2) <= 0.08 * SIDE + 0.3);
    CHECK(fabs((double)ys[centre] - SIDE / 2) <= 0.08 * SIDE + 0.3);
    most_turn = fmax(most_turn, turn);
    most_zoom = fmax(most_zoom, zoom);
  }
  CHECK(most_turn > 7.5 && most_zoom > 1.1);
}

TEST(augment_crop_takes_a_part) {
  const nsc_augment a = {.crop = 0.4f};
  float xs[COUNT], ys[COUNT];
  double sum = 0, far = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    origins(&a, seed, xs, ys);
    double share = middle_step(xs, 1);
    CHECK(share > 0.599 && share < 1.001);
    CHECK_NEAR(middle_step(ys, SIDE), share, 1e-3); /* the same in both directions */
    CHECK_NEAR(middle_step(ys, 1), 0, 1e-4);
    double first = (double)xs[COUNT / 2 + 1] - share, last = first + share * (SIDE - 1);
    CHECK(first > -0.5 && last < SIDE - 0.5); /* within the picture's own pixels */
    sum += share;
    far = fmax(far, fabs((double)xs[COUNT / 2 + SIDE / 2] - SIDE / 2));
  }
  CHECK_NEAR(sum / 300, 0.8, 0.02);
  CHECK(far > 0.1 * SIDE); /* not always the middle */
}

TEST(augment_elastic_moves_smoothly) {
  const nsc_augment a = {.elastic = 0.02f};
  float xs[COUNT], ys[COUNT];
  double square = 0, n = 0, bend = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    origins(&a, seed, xs, ys);
    for (int i = 0; i < COUNT; i++) {
      int x = i % SIDE, y = i / SIDE;
      if (x < 8 || y < 8 || x >= SIDE - 8 || y >= SIDE - 8) continue; /* ramps end at the edge */
      double dx = (double)xs[i] - x, dy = (double)ys[i] - y, next = (double)xs[i + 1] - x - 1;
      square += dx * dx + dy * dy;
      bend += (next - dx) * (next - dx);
      n++;
    }
  }
  /* Strengths are equally likely from 0 to 0.02 of 48 pixels: the mean of their squares is a third of the largest. */
  CHECK_NEAR(sqrt(square / n / 2), 0.96 / sqrt(3), 0.06);
  /* A field smoothed by sigma has slopes of deviation / (sqrt 2 sigma): here sigma is 0.08 of 48 pixels. */
  CHECK_NEAR(sqrt(bend / n), 0.96 / sqrt(3) / (sqrt(2) * 0.08 * SIDE), 0.03);
}

TEST(augment_elastic_of_no_strength_is_nothing) {
  const nsc_augment a = {.elastic = 1e-9f, .elastic_sigma = 0.3f};
  uint8_t in[COUNT];
  float out[COUNT];
  for (int i = 0; i < COUNT; i++) in[i] = (uint8_t)(i * 11);
  apply(&a, 3, in, out);
  for (int i = 0; i < COUNT; i++) CHECK_NEAR(out[i], in[i] / 255.0, 1e-3);
  const nsc_augment only_sigma = {.elastic_sigma = 0.3f};
  apply(&only_sigma, 3, in, out);
  for (int i = 0; i < COUNT; i++) CHECK_NEAR(out[i], in[i] / 255.0, 1e-7);
}

/* ---- blur and sharpen ---- */

TEST(augment_blur_has_its_variance) {
  const nsc_augment a = {.blur = 2};
  uint8_t in[COUNT] = {0};
  float out[COUNT];
  double variances = 0;
  int middle = SIDE / 2 * SIDE + SIDE / 2;
  in[middle] = 255;
  for (uint64_t seed = 0; seed < 300; seed++) {
    apply(&a, seed, in, out);
    double sum = 0, square = 0;
    for (int i = 0; i < COUNT; i++) {
      sum += (double)out[i];
      square += (double)out[i] * (i % SIDE - SIDE / 2) * (i % SIDE - SIDE / 2);
    }
    CHECK_NEAR(sum, 1, 1e-4);
    CHECK(square <= 4.001);
    variances += square / 300;
  }
  CHECK_NEAR(variances, 4 / 3.0, 0.15); /* the mean of sigma squared, sigma from 0 to 2 */
}

TEST(augment_sharpen_lifts_what_stands_out) {
  const nsc_augment a = {.sharpen = 2};
  uint8_t in[COUNT];
  float out[COUNT];
  double most = 0;
  int middle = SIDE / 2 * SIDE + SIDE / 2;
  fill(in, 102); /* 0.4 */
  in[middle] = 127;
  for (uint64_t seed = 0; seed < 100; seed++) {
    apply(&a, seed, in, out);
    double height = 25 / 255.0, up = ((double)out[middle] - 0.4) / height, w = (sqrt(up) - 1) / 2; /* (1 + 2w)^2 */
    CHECK(w > -1e-4 && w < 0.501);
    CHECK_NEAR(out[middle + 1], 0.4 - height * w * (1 + 2 * w), 1e-4);
    CHECK_NEAR(out[middle + SIDE + 1], 0.4 + height * w * w, 1e-4);
    CHECK_NEAR(out[0], 0.4, 1e-5);
    most = fmax(most, w);
  }
  CHECK(most > 0.45);
}

/* ---- noise: strengths are equally likely from 0 to the most, so the mean of their squares is a third ---- */

TEST(augment_noise_has_its_deviation) {
  const nsc_augment a = {.noise = 0.12f};
  moments m = measure(&a, 128, 200);
  CHECK_NEAR(m.mean, 128 / 255.0, 0.002);
  CHECK_NEAR(sqrt(m.variance), 0.12 / sqrt(3), 0.005);
}

TEST(augment_speckle_goes_with_the_value) {
  const nsc_augment a = {.speckle = 0.3f};
  moments bright = measure(&a, 153, 200), dark = measure(&a, 51, 200);
  CHECK_NEAR(bright.mean, 0.6, 0.003);
  CHECK_NEAR(sqrt(bright.variance), 0.6 * 0.3 / sqrt(3), 0.008);
  CHECK_NEAR(sqrt(dark.variance), 0.2 * 0.3 / sqrt(3), 0.003);
  CHECK_NEAR(measure(&a, 0, 3).variance, 0, 0);
}

TEST(augment_poisson_keeps_the_mean) {
  const nsc_augment a = {.poisson = 0.2f};
  static const int values[] = {3, 26, 77, 153};
  for (int i = 0; i < 4; i++) { /* the variance of a count is the count: x photons of deviation^-2 at white */
    double x = values[i] / 255.0;
    moments m = measure(&a, values[i], 300);
    CHECK_NEAR(m.mean, x, 0.01 * x + 0.001);
    CHECK_NEAR(m.variance, x * 0.04 / 3, 0.1 * x * 0.04 / 3);
  }
  CHECK_NEAR(measure(&a, 0, 3).variance, 0, 0);
}

TEST(augment_salt_and_pepper_share) {
  const nsc_augment a = {.salt_pepper = 0.2f};
  uint8_t in[COUNT];
  float out[COUNT];
  double black = 0, white = 0, n = 0;
  fill(in, 100);
  for (uint64_t seed = 0; seed < 300; seed++) {
    apply(&a, seed, in, out);
    for (int i = 0; i < COUNT; i++, n++) {
      black += out[i] == 0;
      white += out[i] == 1;
      CHECK(out[i] == 0 || out[i] == 1 || fabs((double)out[i] - 100 / 255.0) < 1e-6);
    }
  }
  CHECK_NEAR(black / n, 0.05, 0.004); /* half of 0.2 on average, half of that black */
  CHECK_NEAR(white / n, 0.05, 0.004);
  const nsc_augment every = {.salt_pepper = 1};
  uint8_t rgb[12] = {100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111};
  float colour[12];
  for (uint64_t seed = 0; seed < 20; seed++) {
    nsc_augment_apply(&every, nsc_rng_seeded(seed), rgb, 2, 2, 3, colour);
    for (int i = 0; i < 12; i += 3) { /* whole pixels */
      bool changed = colour[i] == 0 || colour[i] == 1;
      CHECK(!changed || (colour[i] == colour[i + 1] && colour[i] == colour[i + 2]));
    }
  }
}
