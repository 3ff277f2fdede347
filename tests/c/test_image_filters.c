/* Filters against their definitions: hand-computed pictures and plain loops. */
#include <stdlib.h>

#include "base/rng.h"
#include "image/filter.h"
#include "test.h"

static nsc_plane plane(float *values, size_t width, size_t height, size_t channels) {
  return (nsc_plane){values, width, height, channels};
}

static void fill_random(float *values, size_t count, uint64_t seed) {
  nsc_rng rng = nsc_rng_seeded(seed);
  for (size_t i = 0; i < count; i++) values[i] = nsc_rng_float(&rng);
}

/* The pixel of a mirrored picture, by walking back and forth. */
static float mirrored(const float *in, int width, int height, int channels, int x, int y, int c) {
  while (x < 0 || x >= width) x = x < 0 ? -1 - x : 2 * width - 1 - x;
  while (y < 0 || y >= height) y = y < 0 ? -1 - y : 2 * height - 1 - y;
  return in[(y * width + x) * channels + c];
}

/* ---- smoothing ---- */

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void check_median(int width, int height, int channels, int size) {
  float in[400], out[400], window[49];
  int count = width * height * channels;
  fill_random(in, (size_t)count, (uint64_t)(width * 31 + size));
  memcpy(out, in, sizeof in);
  REQUIRE(nsc_filter_median(plane(out, (size_t)width, (size_t)height, (size_t)channels), (size_t)size, NULL) == NSC_OK);
  for (int i = 0; i < count; i++) {
    int c = i % channels, x = i / channels % width, y = i / channels / width, n = 0;
    for (int k = 0; k < size * size; k++) {
      window[n++] = mirrored(in, width, height, channels, x + k % size - size / 2, y + k / size - size / 2, c);
    }
    qsort(window, (size_t)n, sizeof *window, by_value);
    CHECK_NEAR(out[i], window[n / 2], 0);
  }
}

TEST(filter_median_is_the_middle_value) {
  float by_hand[9] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f};
  REQUIRE(nsc_filter_median(plane(by_hand, 3, 3, 1), 3, NULL) == NSC_OK);
  CHECK_NEAR(by_hand[0], 0.2f, 0); /* of 1 1 2 1 1 2 4 4 5 */
  CHECK_NEAR(by_hand[4], 0.5f, 0);
  CHECK_NEAR(by_hand[8], 0.8f, 0);
  check_median(17, 11, 1, 3);
  check_median(9, 13, 3, 5);
  check_median(20, 19, 1, 7);
  check_median(2, 1, 1, 7); /* smaller than the window */
  check_median(1, 1, 3, 5);
}

TEST(filter_gaussian_has_its_weights) {
  enum { N = 25 };
  static float in[N * N];
  double sigma = 1.3, sum = 0, weight[N] = {0};
  for (int d = -5; d <= 5; d++) sum += exp(-d * d / (2 * sigma * sigma)); /* to 4 sigma, rounded */
  for (int d = -5; d <= 5; d++) weight[12 + d] = exp(-d * d / (2 * sigma * sigma)) / sum;
  in[12 * N + 12] = 1;
  REQUIRE(nsc_filter_gaussian(plane(in, N, N, 1), sigma, NULL) == NSC_OK);
  for (int y = 0; y < N; y++) {
    for (int x = 0; x < N; x++) CHECK_NEAR(in[y * N + x], weight[y] * weight[x], 1e-7);
  }
}

TEST(filter_gaussian_mirrors_and_keeps_channels_apart) {
  float in[3 * 5 * 4], out[3 * 5 * 4];
  fill_random(in, 60, 4);
  memcpy(out, in, sizeof in);
  REQUIRE(nsc_filter_gaussian(plane(out, 5, 4, 3), 2, NULL) == NSC_OK);
  for (int i = 0; i < 60; i++) {
    double sum = 0, weights = 0;
    for (int dy = -8; dy <= 8; dy++) {
      for (int dx = -8; dx <= 8; dx++) {
        double w = exp(-(dx * dx + dy * dy) / 8.0);
        sum += w * (double)mirrored(in, 5, 4, 3, i / 3 % 5 + dx, i / 15 + dy, i % 3);
        weights += w;
      }
    }
    CHECK_NEAR(out[i], sum / weights, 1e-6);
  }
}

TEST(filter_sharpen_adds_what_a_blur_takes) {
  float in[64], blurred[64], out[64];
  fill_random(in, 64, 9);
  memcpy(blurred, in, sizeof in);
  memcpy(out, in, sizeof in);
  REQUIRE(nsc_filter_gaussian(plane(blurred, 8, 8, 1), 1, NULL) == NSC_OK);
  REQUIRE(nsc_filter_sharpen(plane(out, 8, 8, 1), 1, 0.7, NULL) == NSC_OK);
  for (int i = 0; i < 64; i++) {
    CHECK_NEAR(out[i], fmin(1, fmax(0, (double)in[i] + 0.7 * (double)(in[i] - blurred[i]))), 1e-6);
  }
}

/* ---- levels ---- */

TEST(filter_otsu_parts_as_the_definition_does) {
  enum { N = 300 };
  float values[N];
  nsc_rng rng = nsc_rng_seeded(6);
  for (int i = 0; i < N; i++) values[i] = (float)(nsc_rng_below(&rng, 60) + (i % 3 ? 30 : 140)) / 255;
  int best = -1;
  double least = INFINITY; /* of the variance within the classes: Otsu's other form of the same criterion */
  for (int t = 0; t < 255; t++) {
    double n[2] = {0}, sum[2] = {0}, square[2] = {0};
    for (int i = 0; i < N; i++) {
      int level = (int)lrintf(values[i] * 255), side = level > t;
      n[side]++;
      sum[side] += level;
      square[side] += (double)level * level;
    }
    if (n[0] == 0 || n[1] == 0) continue;
    double within = square[0] - sum[0] * sum[0] / n[0] + square[1] - sum[1] * sum[1] / n[1];
    if (within < least - 1e-6) {
      least = within;
      best = t;
    }
  }
  CHECK_EQ(nsc_otsu_level(plane(values, 20, 15, 1)), best);
  nsc_filter_otsu(plane(values, 20, 15, 1));
  for (int i = 0; i < N; i++) CHECK(values[i] == 0 || values[i] == 1);
  float flat[4] = {0.3f, 0.3f, 0.3f, 0.3f};
  nsc_filter_otsu(plane(flat, 2, 2, 1));
  CHECK_NEAR(flat[0], 1, 0); /* brighter than level 0 */
}

TEST(filter_binarise_normalise_standardise_invert) {
  float v[4] = {0.2f, 0.4f, 0.5f, 0.7f};
  nsc_filter_binarise(plane(v, 2, 2, 1), 0.5);
  CHECK(v[0] == 0 && v[1] == 0 && v[2] == 1 && v[3] == 1);
  float n[4] = {0.2f, 0.4f, 0.5f, 0.7f};
  nsc_filter_normalise(plane(n, 2, 2, 1));
  CHECK_NEAR(n[0], 0, 1e-7);
  CHECK_NEAR(n[1], 0.4, 1e-6);
  CHECK_NEAR(n[2], 0.6, 1e-6);
  CHECK_NEAR(n[3], 1, 1e-6);
  float s[4] = {0.4f, 0.4f, 0.6f, 0.6f}; /* mean 0.5, deviation 0.1 */
  nsc_filter_standardise(plane(s, 4, 1, 1), 2);
  CHECK_NEAR(s[0], 0.25, 1e-6);
  CHECK_NEAR(s[3], 0.75, 1e-6);
  float flat[2] = {0.3f, 0.3f};
  nsc_filter_standardise(plane(flat, 2, 1, 1), 3);
  CHECK_NEAR(flat[0], 0.5, 0);
  flat[0] = flat[1] = 0.3f;
  nsc_filter_normalise(plane(flat, 2, 1, 1));
  CHECK_NEAR(flat[1], 0, 0);
  nsc_filter_invert(plane(flat, 2, 1, 1));
  CHECK_NEAR(flat[1], 1, 0);
}

TEST(filter_equalise_spreads_levels) {
  float v[4] = {10 / 255.0f, 20 / 255.0f, 20 / 255.0f, 30 / 255.0f};
  nsc_filter_equalise(plane(v, 2, 2, 1));
  CHECK_NEAR(v[0], 0, 1e-6);
  CHECK_NEAR(v[1], 2 / 3.0, 1e-5);
  CHECK_NEAR(v[2], 2 / 3.0, 1e-5);
  CHECK_NEAR(v[3], 1, 1e-6);
  float flat[3] = {0.4f, 0.4f, 0.4f};
  nsc_filter_equalise(plane(flat, 3, 1, 1));
  CHECK_NEAR(flat[1], 0.4, 1e-7);
}

TEST(filter_clahe_clips_and_deals_out) {
  float v[256]; /* half black, half white; the limit is 256 pixels / 256 levels * 1 = 1 of a bin */
  for (int i = 0; i < 256; i++) v[i] = i < 128 ? 0 : 1;
  REQUIRE(nsc_filter_clahe(plane(v, 16, 16, 1), 1, 1, NULL) == NSC_OK);
  /* 127 + 127 are cut; one goes to each of the first 254 bins: bin 0 has 2, then 1 each, bin 255 keeps its 1. */
  CHECK_NEAR(v[0], 2 / 256.0, 1e-6);
  CHECK_NEAR(v[255], 1, 1e-6);
}

TEST(filter_clahe_blends_between_tiles) {
  float v[8] = {0, 0, 0, 0,
                1, 1, 1, 1}; /* two tiles: in the left one all is at most 0, in the right one 0 is below all */
  REQUIRE(nsc_filter_clahe(plane(v, 8, 1, 1), 256, 2, NULL) == NSC_OK);
  const double expected[8] = {1, 1, 0.875, 0.625, 1, 1, 1, 1}; /* centres of tiles at 2 and 6 */
  for (int i = 0; i < 8; i++) CHECK_NEAR(v[i], expected[i], 1e-6);
  float tiny[2] = {0.5f, 0.25f};
  REQUIRE(nsc_filter_clahe(plane(tiny, 1, 2, 1), 2, 64, NULL) == NSC_OK); /* more tiles than pixels */
}

/* ---- edges ---- */

TEST(filter_sobel_is_the_gradients_length) {
  float step[16] = {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1};
  REQUIRE(nsc_filter_sobel(plane(step, 4, 4, 1), NULL) == NSC_OK);
  for (int i = 0; i < 16; i++) CHECK_NEAR(step[i], i % 4 == 1 || i % 4 == 2 ? 1 : 0, 0);
  static const int weights[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1};
  float in[7 * 5], out[7 * 5];
  fill_random(in, 35, 2);
  for (int i = 0; i < 35; i++) in[i] *= 0.6f;
  memcpy(out, in, sizeof in);
  REQUIRE(nsc_filter_sobel(plane(out, 7, 5, 1), NULL) == NSC_OK);
  for (int i = 0; i < 35; i++) {
    double gx = 0, gy = 0;
    for (int k = 0; k < 9; k++) {
      double v = (double)mirrored(in, 7, 5, 1, i % 7 + k % 3 - 1, i / 7 + k / 3 - 1, 0);
      gx += weights[k] * v / 4;
      gy += weights[k % 3 * 3 + k / 3] * v / 4;
    }
    CHECK_NEAR(out[i], fmin(1, hypot(gx, gy)), 1e-6);
  }
}

TEST(filter_canny_draws_thin_closed_lines) {
  enum { N = 40 };
  static float v[N * N];
  for (int y = 10; y < 30; y++) {
    for (int x = 10; x < 30; x++) v[y * N + x] = 0.8f;
  }
  REQUIRE(nsc_filter_canny(plane(v, N, N, 1), 1, 0.1, 0.3, NULL) == NSC_OK);
  for (int i = 14; i < 26; i++) { /* across each side one pixel, next to the step */
    int left = 0, top = 0;
    for (int k = 5; k < 15; k++) left += v[i * N + k] > 0, top += v[k * N + i] > 0;
    CHECK_EQ(left, 1);
    CHECK_EQ(top, 1);
    CHECK(v[i * N + 9] + v[i * N + 10] == 1);
  }
  for (int i = 0; i < N * N; i++) CHECK(v[i] == 0 || v[i] == 1);
  CHECK(v[20 * N + 20] == 0 && v[0] == 0);
}

/* A line that fades stays as long as it hangs together with its strong end; a weak one alone goes. */
TEST(filter_canny_follows_weak_edges) {
  enum { N = 60 };
  static float v[N * N];
  for (int y = 0; y < N; y++) {
    for (int x = 0; x < N; x++) {
      v[y * N + x] = y >= 15 && y < 25 ? 0.5f * (float)(N - x) / N : y >= 40 && y < 50 ? 0.15f : 0;
    }
  }
  REQUIRE(nsc_filter_canny(plane(v, N, N, 1), 0.5, 0.08, 0.3, NULL) == NSC_OK);
  int strong = 0, weak = 0;
  for (int x = 2; x < 45; x++) {
    for (int y = 10; y < 20; y++) strong += v[y * N + x] > 0;
    for (int y = 35; y < 45; y++) weak += v[y * N + x] > 0;
  }
  CHECK_EQ(strong, 43); /* at x = 44 the step is 0.13 only */
  CHECK_EQ(weak, 0);
}

/* ---- steps ---- */

static nsc_steps steps_of(const char *json) {
  nsc_steps steps = {0};
  nsc_error err = {0};
  if (nsc_steps_parse(json, strlen(json), &steps, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return steps;
}

TEST(steps_are_read_and_written) {
  char *json;
  nsc_steps steps = steps_of("[{\"step\":\"median\",\"size\":5},{\"step\":\"clahe\",\"tiles\":4},{\"step\":\"otsu\"}]");
  CHECK_EQ(steps.count, 3);
  CHECK_EQ(steps.list[0].kind, NSC_FILTER_MEDIAN);
  REQUIRE(nsc_steps_json(&steps, &json, NULL) == NSC_OK);
  CHECK_STR(json, "[{\"step\":\"median\",\"size\":5},{\"step\":\"clahe\",\"clip\":2,\"tiles\":4},{\"step\":\"otsu\"}]");
  nsc_text_free(json);
  CHECK_EQ(steps_of("[]").count, 0);
}

TEST(steps_known_can_all_be_read_back) {
  char *known;
  nsc_json json;
  REQUIRE(nsc_steps_known_json(&known, NULL) == NSC_OK);
  REQUIRE(nsc_json_parse(known, strlen(known), &json, NULL) == NSC_OK);
  CHECK_EQ(json.values->count, NSC_FILTER_CANNY + 1);
  const nsc_json_value *v = nsc_json_first(json.values);
  for (uint32_t i = 0; i < json.values->count; i++, v = nsc_json_next(v)) {
    char text[64];
    snprintf(text, sizeof text, "[{\"step\":\"%s\"}]", nsc_json_get(v, "step")->string);
    nsc_steps steps = steps_of(text);
    CHECK_EQ(steps.list[0].kind, i);
    const nsc_json_value *parameters = nsc_json_get(v, "parameters"), *p = nsc_json_first(parameters);
    for (uint32_t k = 0; k < parameters->count; k++, p = nsc_json_next(p)) {
      CHECK_NEAR(steps.list[0].values[k], nsc_json_get(p, "default")->number, 0);
      CHECK(nsc_json_get(p, "least")->number < nsc_json_get(p, "most")->number);
    }
    float picture[12 * 10 * 3]; /* every filter takes every size and stays within 0..1 */
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
      fill_random(picture, 12 * 10 * channels, i);
      REQUIRE(nsc_steps_apply(&steps, picture, 12, 10, channels, NULL) == NSC_OK);
      for (size_t at = 0; at < 12 * 10 * channels; at++) CHECK(picture[at] >= 0 && picture[at] <= 1);
      picture[0] = 0.25f;
      CHECK_EQ(nsc_steps_apply(&steps, picture, 1, 1, channels, NULL), NSC_OK);
    }
  }
  nsc_json_drop(&json);
  nsc_text_free(known);
}

TEST(steps_name_what_is_wrong) {
  static const struct {
    const char *json, *error;
  } cases[] = {
      {"{}", "steps: this is no JSON list"},
      {"[1]", "step 1: this is no object with a name"},
      {"[{\"size\":3}]", "step 1: this is no object with a name"},
      {"[{\"step\":\"otsu\"},{\"step\":\"blurr\"}]", "step 2: there is no filter \"blurr\""},
      {"[{\"step\":\"median\",\"size\":4}]", "step 1 (median): \"size\" must be an odd number"},
      {"[{\"step\":\"median\",\"size\":1e9}]", "step 1 (median): \"size\" must be from 3 to 7"},
      {"[{\"step\":\"median\",\"siez\":3}]", "step 1 (median): \"siez\" is not known"},
      {"[{\"step\":\"clahe\",\"tiles\":2.5}]", "step 1 (clahe): \"tiles\" must be a whole number"},
      {"[{\"step\":\"clahe\",\"clip\":\"2\"}]", "step 1 (clahe): \"clip\" must be a number"},
      {"[{\"step\":\"gaussian\",\"sigma\":NaN}]", "steps: "},
      {"[{\"step\":\"gaussian\",\"sigma\":1e999}]", "s"},
      {"[{\"step\":\"gaussian\",\"sigma\":-1}]", "step 1 (gaussian): \"sigma\" must be from 0.1 to 50"},
      {"[{\"step\":\"canny\",\"low\":0.5,\"high\":0.1}]", "step 1 (canny): \"low\" is above \"high\""},
      {"[{\"step\":\"otsu\"},{\"step\":\"otsu\"},{\"step\":\"otsu\"},{\"step\":\"otsu\"},{\"step\":\"otsu\"},"
       "{\"step\":\"otsu\"},{\"step\":\"otsu\"},{\"step\":\"otsu\"},{\"step\":\"otsu\"}]",
       "steps: 9 of them, the limit is 8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_steps steps = {.count = 77};
    nsc_error err = {0};
    CHECK_EQ(nsc_steps_parse(cases[i].json, strlen(cases[i].json), &steps, &err), NSC_ERROR_ARGUMENT);
    CHECK_HAS(err.text, cases[i].error);
    CHECK_EQ(steps.count, 77);
  }
  float one = 0.5f;
  nsc_error err = {0};
  nsc_steps forged = {.count = 1, .list = {{NSC_FILTER_GAUSSIAN, {NAN}}}};
  CHECK_EQ(nsc_steps_apply(&forged, &one, 1, 1, 1, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "step 1 (gaussian): \"sigma\" is nan");
  forged = (nsc_steps){.count = 1, .list = {{(nsc_filter_kind)99, {0}}}};
  CHECK_EQ(nsc_steps_apply(&forged, &one, 1, 1, 1, NULL), NSC_ERROR_ARGUMENT);
  forged.count = 9;
  CHECK_EQ(nsc_steps_apply(&forged, &one, 1, 1, 1, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_steps_apply(&forged, &one, 1, 1, 2, NULL), NSC_ERROR_ARGUMENT);
}

TEST(steps_treat_colour_by_its_luma) {
  float rgb[6] = {0.2f, 0.4f, 0.6f, 0.9f, 0.1f, 0.3f};
  const double luma[2] = {0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6, 0.299 * 0.9 + 0.587 * 0.1 + 0.114 * 0.3};
  nsc_steps grey = steps_of("[{\"step\":\"grey\"}]"), equalise = steps_of("[{\"step\":\"equalise\"}]");
  REQUIRE(nsc_steps_apply(&grey, rgb, 2, 1, 3, NULL) == NSC_OK);
  for (int i = 0; i < 6; i++) CHECK_NEAR(rgb[i], luma[i / 3], 1e-6);
  float colour[6] = {0.4f, 0.4f, 0.5f,
                     0.6f, 0.7f, 0.6f}; /* the first is the darker one: its luma becomes 0, the other's 1 */
  REQUIRE(nsc_steps_apply(&equalise, colour, 2, 1, 3, NULL) == NSC_OK);
  CHECK_NEAR(colour[2], 0.5 - (0.4 + 0.0114), 0.003); /* levels are 1/255 apart */
  CHECK_NEAR(colour[4], 1, 1e-6);
}

TEST(steps_filter_rendered_pictures) {
  uint8_t rgba[16] = {10, 10, 10, 255, 20, 20, 20, 128, 200, 200, 200, 255, 250, 250, 250, 7}, copy[16];
  nsc_steps none = {0}, steps = steps_of("[{\"step\":\"invert\"},{\"step\":\"binarise\",\"threshold\":0.5}]");
  memcpy(copy, rgba, 16);
  REQUIRE(nsc_filter_rgba(&none, rgba, 2, 2, 16, NULL) == NSC_OK);
  CHECK(memcmp(copy, rgba, 16) == 0);
  REQUIRE(nsc_filter_rgba(&steps, rgba, 2, 2, 16, NULL) == NSC_OK);
  for (int i = 0; i < 4; i++) {
    for (int c = 0; c < 3; c++) CHECK_EQ(rgba[4 * i + c], i < 2 ? 255 : 0);
    CHECK_EQ(rgba[4 * i + 3], copy[4 * i + 3]);
  }
  uint8_t red[4] = {255, 0, 0, 255};
  nsc_steps grey = steps_of("[{\"step\":\"grey\"}]");
  REQUIRE(nsc_filter_rgba(&grey, red, 1, 1, 4, NULL) == NSC_OK);
  CHECK_EQ(red[1], 76); /* 0.299 * 255 */
  CHECK_EQ(nsc_filter_rgba(&grey, red, 1, 1, 3, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_filter_rgba(&grey, red, 0, 1, 4, NULL), NSC_ERROR_ARGUMENT);
}

/* ---- recipes ---- */

TEST(recipe_steps_come_before_mean_and_deviation) {
  static const char text[] =
      "{\"width\":2,\"height\":1,\"channels\":3,\"steps\":[{\"step\":\"invert\"},{\"step\":\"binarise\"}],"
      "\"mean\":0.5,\"std\":0.25}";
  const uint8_t pixels[2] = {20, 230};
  nsc_recipe recipe;
  nsc_image *image;
  float out[6];
  char *json;
  REQUIRE(nsc_recipe_parse(text, sizeof text - 1, &recipe, NULL) == NSC_OK);
  REQUIRE(nsc_image_from_pixels(pixels, 2, 1, 1, &image, NULL) == NSC_OK);
  REQUIRE(nsc_preprocess(image, 0, &recipe, out, 6, NULL) == NSC_OK);
  for (int i = 0; i < 6; i++) CHECK_NEAR(out[i], i < 3 ? 2 : -2, 1e-6);
  uint8_t rgba[8];
  REQUIRE(nsc_preprocess_preview(image, 0, &recipe, rgba, 8, NULL) == NSC_OK);
  CHECK(rgba[0] == 255 && rgba[4] == 0);
  nsc_image_free(image);
  REQUIRE(nsc_recipe_json(&recipe, &json, NULL) == NSC_OK);
  CHECK_HAS(json, "\"steps\":[{\"step\":\"invert\"},{\"step\":\"binarise\",\"threshold\":0.5}]");
  nsc_recipe again;
  REQUIRE(nsc_recipe_parse(json, strlen(json), &again, NULL) == NSC_OK);
  CHECK_EQ(again.steps.count, 2);
  nsc_text_free(json);
}

TEST(recipe_names_a_wrong_step) {
  static const char text[] = "{\"width\":2,\"height\":1,\"channels\":1,\"steps\":[{\"step\":\"median\",\"size\":2}]}";
  nsc_recipe recipe;
  nsc_error err = {0};
  CHECK_EQ(nsc_recipe_parse(text, sizeof text - 1, &recipe, &err), NSC_ERROR_RECIPE);
  CHECK_HAS(err.text, "recipe: step 1 (median): \"size\" must be from 3 to 7");
}
