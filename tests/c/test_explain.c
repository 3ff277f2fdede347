/* Maps, regions, masks, and what an explanation says of a picture. */
#include <stdlib.h>

#include "explain/map.h"
#include "explain/perturb.h"
#include "onnx_builder.h"
#include "test.h"

/* ---- regions ---- */

static double enclosed(const nsc_map_region *r) {
  double sum = 0;
  for (uint32_t i = 0; i < r->corners; i++) {
    const uint32_t *a = r->outline + 2 * (size_t)i, *b = r->outline + 2 * (size_t)((i + 1) % r->corners);
    sum += (double)a[0] * b[1] - (double)b[0] * a[1];
  }
  return sum / 2;
}

TEST(explain_regions_hang_together) {
  /* An L, a single heavy pixel that touches it at a corner only, and a ring with a hole. */
  static const float map[6 * 8] = {
      1, 0, 0, 0, 0, 0, 0, 0, /* */
      1, 1, 0, 0, 2, 2, 2, 0, /* */
      0, 0, 9, 0, 2, 0, 2, 0, /* */
      0, 0, 0, 0, 2, 2, 2, 0, /* */
      0, 0, 0, 0, 0, 0, 0, 0, /* */
      0, 0, 0, 0, 0, 0, 0, 0.4f,
  };
  nsc_map_region *r;
  uint32_t count;
  nsc_error err = {0};
  REQUIRE(nsc_map_regions(map, 8, 6, 0.5f, 8, &r, &count, &err) == NSC_OK);
  REQUIRE(count == 3);
  CHECK_EQ(r[0].pixels, 8); /* the ring weighs 16 */
  CHECK_EQ(r[1].pixels, 1);
  CHECK_EQ(r[2].pixels, 3);
  CHECK_EQ(r[0].left, 4);
  CHECK_EQ(r[0].bottom, 4);
  CHECK_NEAR(r[0].x, 5.5, 1e-12);
  CHECK_NEAR(r[0].y, 2.5, 1e-12);
  CHECK_EQ(r[0].corners, 4);
  CHECK_NEAR(enclosed(&r[0]), 9, 0); /* the outer outline: the hole is inside */
  CHECK_EQ(r[1].corners, 4);
  CHECK_NEAR(enclosed(&r[1]), 1, 0);
  CHECK_EQ(r[2].corners, 6);
  CHECK_NEAR(enclosed(&r[2]), 3, 0); /* clockwise, y down */
  nsc_map_regions_free(r, count);
  REQUIRE(nsc_map_regions(map, 8, 6, 0.5f, 1, &r, &count, &err) == NSC_OK);
  CHECK_EQ(count, 1);
  CHECK_EQ(r[0].pixels, 8);
  nsc_map_regions_free(r, count);
}

/* Outlines of random maps enclose the region and its holes: at least its pixels, at most its box. */
TEST(explain_regions_of_noise) {
  enum { SIDE = 24 };
  float map[SIDE * SIDE];
  uint32_t seed = 7;
  for (int round = 0; round < 50; round++) {
    uint32_t pixels = 0, above = 0, count;
    for (int i = 0; i < SIDE * SIDE; i++) {
      seed = seed * 1664525u + 1013904223u;
      map[i] = (float)(seed >> 8) / 16777216.0f;
      above += map[i] >= 0.5f;
    }
    nsc_map_region *r;
    nsc_error err = {0};
    REQUIRE(nsc_map_regions(map, SIDE, SIDE, 0.5f, SIDE * SIDE, &r, &count, &err) == NSC_OK);
    for (uint32_t i = 0; i < count; i++) {
      double inside = enclosed(&r[i]), box = (double)(r[i].right - r[i].left) * (r[i].bottom - r[i].top);
      pixels += r[i].pixels;
      CHECK(inside >= r[i].pixels && inside <= box);
      CHECK(i == 0 || r[i].weight <= r[i - 1].weight);
      CHECK(r[i].x > r[i].left && r[i].x < r[i].right);
    }
    CHECK_EQ(pixels, above);
    nsc_map_regions_free(r, count);
  }
}

/* ---- maps ---- */

TEST(explain_map_enlarges_and_smooths) {
  static const float small[4] = {0, 4, 8, 12};
  float large[16];
  nsc_map_enlarge(small, 2, 2, large, 4, 4);
  static const float first[4] = {0, 1, 3, 4}, second[4] = {2, 3, 5, 6};
  for (int i = 0; i < 4; i++) {
    CHECK_NEAR(large[i], first[i], 1e-6);
    CHECK_NEAR(large[4 + i], second[i], 1e-6);
  }
  float line[9 * 9] = {0}, sum = 0;
  nsc_error err = {0};
  line[0] = 1; /* mirrored at the edge: nothing is lost */
  REQUIRE(nsc_map_smooth(line, 9, 9, 1.5, &err) == NSC_OK);
  for (int i = 0; i < 81; i++) sum += line[i];
  CHECK_NEAR(sum, 1, 1e-5);
  CHECK(line[0] > line[1] && line[1] > line[2] && line[1] == line[9]);
}

TEST(explain_map_rank_correlation) {
  static const float a[5] = {1, 2, 3, 4, 5}, same[5] = {0, 1, 10, 100, 1000}, back[5] = {9, 7, 5, 3, 1};
  static const float flat[5] = {2, 2, 2, 2, 2}, tied[5] = {1, 2, 2, 4, 5};
  double r;
  nsc_error err = {0};
  REQUIRE(nsc_map_rank_correlation(a, same, 5, &r, &err) == NSC_OK);
  CHECK_NEAR(r, 1, 1e-12);
  REQUIRE(nsc_map_rank_correlation(a, back, 5, &r, &err) == NSC_OK);
  CHECK_NEAR(r, -1, 1e-12);
  REQUIRE(nsc_map_rank_correlation(a, flat, 5, &r, &err) == NSC_OK);
  CHECK_NEAR(r, 0, 0);
  REQUIRE(nsc_map_rank_correlation(a, tied, 5, &r, &err) == NSC_OK);
  CHECK_NEAR(r, 0.9746794344808963, 1e-12); /* scipy.stats.spearmanr */
}

/* ---- RISE ---- */

TEST(explain_rise_finds_what_counts) {
  enum { SIDE = 28, PIXELS = SIDE * SIDE, MASKS = 600 };
  float mask[PIXELS], sum[PIXELS] = {0}, weight[PIXELS] = {0};
  double scores = 0, seen = 0;
  for (uint32_t step = 0; step < MASKS; step++) {
    nsc_rise_mask(3, step, SIDE, SIDE, mask);
    double score = 0; /* how much of a square of 4 x 4 is seen */
    for (int y = 18; y < 22; y++) {
      for (int x = 6; x < 10; x++) score += (double)mask[y * SIDE + x] / 16;
    }
    for (int i = 0; i < PIXELS; i++) {
      CHECK(mask[i] >= 0 && mask[i] <= 1);
      seen += (double)mask[i] / PIXELS / MASKS;
    }
    nsc_rise_add(mask, PIXELS, score, sum, weight);
    scores += score / MASKS;
  }
  CHECK_NEAR(seen, 0.5, 0.02);
  int best = 0;
  for (int i = 0; i < PIXELS; i++) best = sum[i] / weight[i] > sum[best] / weight[best] ? i : best;
  CHECK(best % SIDE >= 5 && best % SIDE < 11 && best / SIDE >= 17 && best / SIDE < 23);
  CHECK_NEAR((double)(sum[0] / weight[0]) - scores, 0, 0.05); /* a corner far away adds nothing */
  float again[PIXELS];
  nsc_rise_mask(3, 5, SIDE, SIDE, mask);
  nsc_rise_mask(3, 5, SIDE, SIDE, again);
  CHECK(memcmp(mask, again, sizeof mask) == 0);
}

/* ---- explanations ---- */

enum { SIDE = 8 };

/* One convolution of one pixel, ReLU, pooling, a sigmoid: the map is the picture itself. */
static nsc_model *bright_model(const char *fit, bool sigmoid) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  char recipe[120];
  const float one = 1, weight = 4, bias = -1;
  snprintf(recipe, sizeof recipe, "{\"width\":8,\"height\":8,\"channels\":1,\"fit\":\"%s\",\"cropScale\":1}", fit);
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){-1, 1});
  onnx_floats(&b, "k", 4, (const int64_t[]){1, 1, 1, 1}, &one);
  onnx_floats(&b, "w", 2, (const int64_t[]){1, 1}, &weight);
  onnx_floats(&b, "b", 1, (const int64_t[]){1}, &bias);
  onnx_node(&b, "Conv", "x k", "c", NULL);
  onnx_node(&b, "Relu", "c", "r", NULL);
  onnx_node(&b, "GlobalAveragePool", "r", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "f w b", sigmoid ? "z" : "y", &a);
  if (sigmoid) onnx_node(&b, "Sigmoid", "z", "y", NULL);
  onnx_metadata(&b, "nsc.task", "binary");
  onnx_metadata(&b, "nsc.labels", "[\"dark\",\"bright\"]");
  onnx_metadata(&b, "nsc.output", sigmoid ? "probabilities" : "logits");
  onnx_metadata(&b, "nsc.input", recipe);
  return onnx_model(&b);
}

/* Black but for one white square of a fourth of the shorter side, at a fourth from the left and a half from the top. */
static nsc_image *spot(uint32_t width, uint32_t height) {
  uint8_t *pixels = calloc(width, height);
  nsc_image *image = NULL;
  nsc_error err = {0};
  uint32_t side = (width < height ? width : height) / 4;
  for (uint32_t y = height / 2; y < height / 2 + side; y++) memset(pixels + y * width + width / 4, 255, side);
  if (nsc_image_from_pixels(pixels, width, height, 1, &image, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  free(pixels);
  return image;
}

typedef struct subject {
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_image *image;
  nsc_explanation *explanation;
  nsc_error err;
} subject;

static nsc_status explain(subject *s, nsc_model *model, nsc_image *image, const nsc_explain_options *options) {
  *s = (subject){.model = model, .image = image};
  nsc_status status = nsc_classifier_create(model, NULL, &s->classifier, &s->err);
  if (status != NSC_OK) return status;
  return nsc_explanation_create(s->classifier, image, 0, options, NULL, &s->explanation, &s->err);
}

static void drop(subject *s) {
  nsc_explanation_free(s->explanation);
  nsc_classifier_free(s->classifier);
  nsc_image_free(s->image);
  nsc_model_free(s->model);
}

static void finish(nsc_explanation *e) {
  uint32_t done, total;
  nsc_error err = {0};
  for (nsc_explanation_progress(e, &done, &total); done < total; done++) {
    if (nsc_explanation_step(e, NULL, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  }
}

/* The first region's centre and box, in pixels of the picture. */
static bool first_region(const nsc_explanation *e, double box[4], double centre[2]) {
  char *json;
  nsc_error err = {0};
  if (nsc_explanation_json(e, 0.5, &json, &err) != NSC_OK) return false;
  const char *at = strstr(json, "\"box\":");
  bool found = at && sscanf(at, "\"box\":[%lf,%lf,%lf,%lf],\"centre\":[%lf,%lf]", box, box + 1, box + 2, box + 3,
                            centre, centre + 1) == 6;
  nsc_text_free(json);
  return found;
}

/* Whatever way the picture was fitted into the model's input, a region lies where the spot is. */
TEST(explain_regions_lie_on_the_picture) {
  static const char *const fits[] = {"stretch", "pad", "crop"};
  static const uint32_t sizes[][2] = {{64, 64}, {128, 64}, {64, 128}};
  static const nsc_explain_method methods[] = {NSC_EXPLAIN_CAM, NSC_EXPLAIN_GRAD_CAM, NSC_EXPLAIN_OCCLUSION};
  for (int i = 0; i < 27; i++) {
    uint32_t width = sizes[i / 9][0], height = sizes[i / 9][1], side = (width < height ? width : height) / 4;
    const nsc_explain_options o = {.method = methods[i % 3], .label = -1, .window = 1, .stride = 1};
    subject s;
    double box[4], centre[2];
    REQUIRE(explain(&s, bright_model(fits[i / 3 % 3], i % 2), spot(width, height), &o) == NSC_OK);
    finish(s.explanation);
    REQUIRE(first_region(s.explanation, box, centre));
    double tolerance = (width > height ? width : height) / (double)SIDE / 2 + 1e-9;
    bool cropped = strcmp(fits[i / 3 % 3], "crop") == 0 && width > height; /* then the spot is cut off in part */
    if (!cropped) CHECK_NEAR(centre[0], width / 4.0 + side / 2.0, tolerance);
    if (!(strcmp(fits[i / 3 % 3], "crop") == 0 && height > width)) {
      CHECK_NEAR(centre[1], height / 2.0 + side / 2.0, tolerance);
    }
    drop(&s);
  }
}

/* "absent" is asked with the opposite sign of "present". */
TEST(explain_asks_about_either_label) {
  const nsc_explain_options present = {.method = NSC_EXPLAIN_CAM, .label = -1},
                            absent = {.method = NSC_EXPLAIN_CAM, .label = 0};
  for (int sigmoid = 0; sigmoid < 2; sigmoid++) {
    subject a, b;
    uint32_t width, height;
    REQUIRE(explain(&a, bright_model("stretch", sigmoid), spot(64, 64), &present) == NSC_OK);
    REQUIRE(explain(&b, bright_model("stretch", sigmoid), spot(64, 64), &absent) == NSC_OK);
    const float *for_bright = nsc_explanation_map(a.explanation, &width, &height);
    const float *for_dark = nsc_explanation_map(b.explanation, &width, &height);
    for (int i = 0; i < SIDE * SIDE; i++) CHECK_NEAR(for_bright[i], -for_dark[i], 0);
    char *json;
    REQUIRE(nsc_explanation_json(a.explanation, 0.5, &json, &a.err) == NSC_OK);
    CHECK_HAS(json, "\"label\":\"bright\"");
    CHECK_HAS(json, "\"rectangle\":[0,0,64,64]");
    CHECK_HAS(json, "\"centreMm\":null");
    CHECK_HAS(json, "\"patientMm\":null");
    nsc_text_free(json);
    REQUIRE(nsc_explanation_json(b.explanation, 0.5, &json, &a.err) == NSC_OK);
    CHECK_HAS(json, "\"regions\":[]"); /* nothing speaks for the dark */
    nsc_text_free(json);
    nsc_result r;
    nsc_explanation_result(a.explanation, &r);
    CHECK_NEAR(r.scores[1], 1 / (1 + exp(-(4.0 / 16 - 1))), 1e-6);
    drop(&a);
    drop(&b);
  }
}

/* All pixels together are the difference of logits between the picture and a blank one. */
TEST(explain_integrated_gradients_are_complete) {
  const nsc_explain_options o = {.method = NSC_EXPLAIN_INTEGRATED_GRADIENTS, .label = -1, .samples = 8};
  subject s;
  uint32_t width, height;
  double sum = 0;
  REQUIRE(explain(&s, bright_model("stretch", true), spot(64, 64), &o) == NSC_OK);
  finish(s.explanation);
  const float *map = nsc_explanation_map(s.explanation, &width, &height);
  for (int i = 0; i < SIDE * SIDE; i++) sum += (double)map[i];
  CHECK_NEAR(sum, 0, 1e-5); /* blank is the mean, and this model sees no more than that */
  CHECK(map[4 * SIDE + 2] > 0 && map[0] < 0);
  drop(&s);
}

TEST(explain_overlay_and_blend) {
  const nsc_explain_options o = {.method = NSC_EXPLAIN_CAM, .label = -1};
  subject s;
  uint8_t overlay[SIDE * SIDE * 4], *picture = malloc(64 * 64 * 4);
  REQUIRE(explain(&s, bright_model("stretch", false), spot(64, 64), &o) == NSC_OK);
  REQUIRE(nsc_explanation_overlay(s.explanation, 0.5, NSC_EXPLAIN_COLOR_MAP, overlay, sizeof overlay, &s.err) ==
          NSC_OK);
  int seen = 0;
  for (int i = 0; i < SIDE * SIDE; i++) seen += overlay[4 * i + 3] == 255;
  CHECK_EQ(seen, 4);
  CHECK_EQ(overlay[(4 * SIDE + 2) * 4 + 3], 255);
  memset(picture, 10, 64 * 64 * 4);
  REQUIRE(nsc_explanation_blend(s.explanation, 0.5, 0.5, 0, picture, 64, 64, 64 * 64 * 4, &s.err) == NSC_OK);
  CHECK_EQ(picture[0], 10);
  CHECK_EQ(picture[(40 * 64 + 24) * 4], 133); /* halfway from 10 to white, the highest grey */
  CHECK(nsc_explanation_blend(s.explanation, 0.5, 0.5, 0, picture, 32, 64, 64 * 64 * 4, &s.err) == NSC_ERROR_ARGUMENT);
  nsc_error err = {0};
  CHECK(nsc_explanation_overlay(s.explanation, 1.5, 0, overlay, sizeof overlay, &err) == NSC_ERROR_ARGUMENT);
  free(picture);
  drop(&s);
}

/* ---- refusals ---- */

TEST(explain_refuses_what_does_not_fit) {
  nsc_explain_options o = {.method = NSC_EXPLAIN_OCCLUSION, .label = 5};
  subject s;
  CHECK(explain(&s, bright_model("stretch", false), spot(64, 64), &o) == NSC_ERROR_ARGUMENT);
  CHECK_HAS(s.err.text, "label 5");
  drop(&s);
  o = (nsc_explain_options){.method = NSC_EXPLAIN_OCCLUSION, .label = -1, .window = 9};
  CHECK(explain(&s, bright_model("stretch", false), spot(64, 64), &o) == NSC_ERROR_ARGUMENT);
  CHECK_HAS(s.err.text, "at most 8 pixels");
  drop(&s);
  o = (nsc_explain_options){.method = (nsc_explain_method)99, .label = -1};
  CHECK(explain(&s, bright_model("stretch", false), spot(64, 64), &o) == NSC_ERROR_ARGUMENT);
  drop(&s);
  volatile int32_t cancel = 1;
  nsc_model *model = bright_model("stretch", false);
  nsc_image *image = spot(64, 64);
  nsc_classifier *c;
  nsc_explanation *e;
  nsc_error err = {0};
  REQUIRE(nsc_classifier_create(model, NULL, &c, &err) == NSC_OK);
  CHECK(nsc_explanation_create(c, image, 0, NULL, &cancel, &e, &err) == NSC_ERROR_CANCELLED);
  nsc_classifier_free(c);
  nsc_image_free(image);
  nsc_model_free(model);
}

/* ---- shuffled weights ---- */

TEST(explain_shuffled_model_keeps_its_numbers) {
  onnx_builder b = {0};
  float weights[64], bias[4] = {1, 2, 3, 4};
  for (int i = 0; i < 64; i++) weights[i] = (float)i;
  onnx_input(&b, "x", 4, (const int64_t[]){1, 1, 8, 8});
  onnx_output(&b, "y", 4, (const int64_t[]){1, 4, 5, 5});
  onnx_floats(&b, "w", 4, (const int64_t[]){4, 1, 4, 4}, weights);
  onnx_floats(&b, "b", 1, (const int64_t[]){4}, bias);
  onnx_node(&b, "Conv", "x w b", "y", NULL);
  size_t size, shuffled_size;
  uint8_t *bytes = onnx_finish(&b, &size), *copy = malloc(size);
  memcpy(copy, bytes, size);
  nsc_model *model;
  nsc_error err = {0};
  char *shuffled;
  REQUIRE(onnx_open(bytes, size, &model, &err) == NSC_OK);
  REQUIRE(nsc_model_shuffled(model, 1, &shuffled, &shuffled_size, &err) == NSC_OK);
  REQUIRE(shuffled_size == size);
  size_t changed = 0;
  uint32_t before[256] = {0}, after[256] = {0};
  for (size_t i = 0; i < size; i++) {
    changed += (uint8_t)shuffled[i] != copy[i];
    before[copy[i]]++;
    after[(uint8_t)shuffled[i]]++;
  }
  CHECK(changed > 64);
  CHECK(memcmp(before, after, sizeof before) == 0);
  nsc_text_free(shuffled);
  nsc_model_free(model);
  free(copy);
}
