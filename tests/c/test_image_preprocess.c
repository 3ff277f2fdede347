/* Recipes, the resize, and what a model gets. Golden values: Pillow 9.4, Image.resize(BILINEAR), ImageOps.pad. */
#include <stdlib.h>

#include "base/text.h"
#include "dicom_builder.h"
#include "image/recipe.h"
#include "image/resize.h"
#include "test.h"

enum { WIDTH = 7, HEIGHT = 5 };

/* A PGM whose pixel (x, y) is (7 x^2 + 53 y + 11 x y + 5) mod 256. */
static nsc_image *sample_picture(void) {
  char file[64] = "P5\n7 5\n255\n";
  size_t n = strlen(file);
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++) file[n++] = (char)((x * x * 7 + y * 53 + x * y * 11 + 5) % 256);
  }
  return test_open(file, n, NULL);
}

static nsc_recipe recipe_of(uint32_t width, uint32_t height, nsc_fit fit) {
  return (nsc_recipe){
      .width = width, .height = height, .channels = 1, .fit = fit, .crop_scale = 1, .scale = 255, .std = {1, 1, 1}};
}

static void check_tensor(const nsc_recipe *recipe, const uint8_t *expected) {
  nsc_image *image = sample_picture();
  REQUIRE(image);
  float out[128];
  uint32_t count = recipe->width * recipe->height;
  CHECK_EQ(nsc_preprocess(image, 0, recipe, out, count, NULL), NSC_OK);
  for (uint32_t i = 0; i < count; i++) CHECK_NEAR(out[i], expected[i], 1.0);
  nsc_image_free(image);
}

TEST(image_resize_as_pillow) {
  static const uint8_t down[12] = {34, 71, 135, 85, 124, 144, 138, 161, 144, 75, 174, 169};
  static const uint8_t up[88] = {
      5,   8,   14,  27,  46,  68,  99,  134, 174, 82,  1,   28,  33,  42,  59,  81,  106, 140, 147, 119, 81,  53,
      61,  70,  83,  104, 130, 159, 188, 159, 54,  87,  127, 94,  106, 124, 149, 179, 213, 144, 105, 106, 158, 202,
      128, 142, 157, 135, 149, 187, 122, 109, 165, 186, 196, 161, 178, 183, 64,  38,  81,  122, 172, 232, 170, 111,
      194, 149, 92,  58,  71,  118, 174, 195, 169, 167, 169, 217, 124, 18,  59,  106, 156, 215, 208, 114, 166, 221};
  static const uint8_t mixed[27] = {14,  75,  103, 35,  99,  103, 69,  138, 102, 104, 157, 126, 139, 171,
                                    157, 143, 127, 167, 141, 98,  175, 115, 129, 175, 99,  148, 175};
  nsc_recipe r = recipe_of(4, 3, NSC_FIT_STRETCH);
  check_tensor(&r, down);
  r = recipe_of(11, 8, NSC_FIT_STRETCH);
  check_tensor(&r, up);
  r = recipe_of(3, 9, NSC_FIT_STRETCH);
  check_tensor(&r, mixed);
}

TEST(image_resize_pad_and_crop) {
  static const uint8_t pad[36] = {0,   0,   0,   0,   0,   0,   20,  36, 68, 119, 142, 52,  84, 114, 161, 166, 99, 152,
                                  149, 146, 105, 124, 174, 167, 177, 59, 92, 185, 165, 181, 0,  0,   0,   0,   0,  0};
  /* Resize(round(4 / 0.875) = 5) keeps 7 x 5; CenterCrop(4) begins at round(1.5) = 2 and round(0.5) = 0. */
  static const uint8_t crop[16] = {33, 68, 117, 180, 108, 154, 214, 32, 183, 240, 55, 140, 2, 70, 152, 248};
  nsc_recipe r = recipe_of(6, 6, NSC_FIT_PAD);
  check_tensor(&r, pad);
  r = recipe_of(4, 4, NSC_FIT_CROP);
  r.crop_scale = 0.875;
  check_tensor(&r, crop);
}

typedef struct grid {
  uint32_t width;
} grid;

static void grid_row(void *user, uint32_t y, float *row) {
  const grid *g = user;
  for (uint32_t x = 0; x < g->width; x++) row[x] = (float)((x * x * 7 + y * 53 + x * y * 11 + 5) % 256);
}

TEST(image_resize_box) {
  static const uint8_t expected[16] = {55, 94, 147, 101, 116, 166, 157, 91, 150, 191, 101, 171, 87, 55, 154, 205};
  grid g = {WIDTH};
  float out[16];
  nsc_resize_axis x = {WIDTH, 1.5, 6.25, 4, 0, 4}, y = {HEIGHT, 0.5, 4, 4, 0, 4};
  REQUIRE(nsc_resize(grid_row, &g, 1, &x, &y, out, 4, NULL) == NSC_OK);
  for (int i = 0; i < 16; i++) CHECK_NEAR(out[i], expected[i], 1.0);
  x.to = 8; /* beyond the source */
  CHECK_EQ(nsc_resize(grid_row, &g, 1, &x, &y, out, 4, NULL), NSC_ERROR_ARGUMENT);
}

TEST(image_resize_identity_is_exact) {
  nsc_image *image = sample_picture();
  REQUIRE(image);
  nsc_recipe r = recipe_of(WIDTH, HEIGHT, NSC_FIT_STRETCH);
  float out[WIDTH * HEIGHT];
  REQUIRE(nsc_preprocess(image, 0, &r, out, WIDTH * HEIGHT, NULL) == NSC_OK);
  for (int i = 0; i < WIDTH * HEIGHT; i++) {
    int x = i % WIDTH, y = i / WIDTH;
    CHECK_NEAR(out[i], (x * x * 7 + y * 53 + x * y * 11 + 5) % 256, 1e-4);
  }
  CHECK_EQ(nsc_preprocess(image, 0, &r, out, WIDTH * HEIGHT - 1, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_preprocess(image, 1, &r, out, WIDTH * HEIGHT, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

TEST(image_preprocess_extreme_sizes) {
  static const uint32_t sizes[][4] = {{1, 1, 50, 3}, {1, 300, 1, 1}, {300, 1, 7, 9}, {1, 2000, 4, 4}};
  for (int i = 0; i < 4; i++) {
    size_t pixels = (size_t)sizes[i][0] * sizes[i][1], head;
    char *file = malloc(pixels + 32);
    head = (size_t)snprintf(file, 32, "P5 %u %u 255\n", sizes[i][0], sizes[i][1]);
    memset(file + head, 200, pixels);
    nsc_image *image = test_open(file, head + pixels, NULL);
    free(file);
    REQUIRE(image);
    float out[150];
    for (int fit = 0; fit < 3; fit++) {
      nsc_recipe r = recipe_of(sizes[i][2], sizes[i][3], (nsc_fit)fit);
      r.crop_scale = 0.05;
      CHECK_EQ(nsc_preprocess(image, 0, &r, out, 150, NULL), NSC_OK);
      uint32_t middle = r.height / 2 * r.width + r.width / 2;
      if (fit != NSC_FIT_PAD) CHECK_NEAR(out[middle], 200, 0.01);
    }
    nsc_image_free(image);
  }
}

/* ---- ranges ---- */

static void build_row(dicom_builder *b, const char *photometric) {
  static const uint16_t pixels[5] = {0, 1000, 1024, 1424, 4095};
  dicom_begin(b, EXPLICIT_LITTLE);
  dicom_image(b, (dicom_pixels){.rows = 1, .columns = 5, .allocated = 16, .stored = 12, .photometric = photometric});
  dicom_text(b, 0x00281050, "DS", "0");
  dicom_text(b, 0x00281051, "DS", "801");
  dicom_text(b, 0x00281052, "DS", "-1024");
  dicom_text(b, 0x00281053, "DS", "1");
  dicom_words(b, 0x7FE00010, "OW", pixels, 5);
}

static void check_range(const char *photometric, nsc_recipe r, const double *expected) {
  dicom_builder b = {0};
  build_row(&b, photometric);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  r.width = 5;
  r.height = r.channels = 1;
  r.scale = r.std[0] = 1;
  float out[5];
  CHECK_EQ(nsc_preprocess(image, 0, &r, out, 5, NULL), NSC_OK);
  for (int i = 0; i < 5; i++) CHECK_NEAR(out[i], expected[i], 1e-6);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_preprocess_ranges) {
  /* Values in HU: -1024, -24, 0, 400, 3071. LINEAR with c = 0, w = 801: ((x + 0.5) / 800 + 0.5). */
  const double voi[5] = {0, 0.5 - 23.5 / 800, 0.5 + 0.5 / 800, 1, 1};
  const double window[5] = {0, 976 / 1400.0, 1000 / 1400.0, 1, 1};
  const double type[5] = {0, 1000 / 4095.0, 1024 / 4095.0, 1424 / 4095.0, 1};
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_VOI}, voi);
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_WINDOW, .low = -1000, .high = 400}, window);
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_TYPE}, type);
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_FRAME}, type);
  /* numpy.percentile of the five: 25 % is 1000, 75 % is 1424. */
  const double percentile[5] = {0, 0, 24 / 424.0, 1, 1};
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_PERCENTILE, .low = 25, .high = 75}, percentile);
  double inverted[5];
  for (int i = 0; i < 5; i++) inverted[i] = 1 - window[i];
  check_range(NULL, (nsc_recipe){.range = NSC_RANGE_WINDOW, .low = -1000, .high = 400, .invert = true}, inverted);
  check_range("MONOCHROME1", (nsc_recipe){.range = NSC_RANGE_WINDOW, .low = -1000, .high = 400}, inverted);
  check_range("MONOCHROME1", (nsc_recipe){.range = NSC_RANGE_WINDOW, .low = -1000, .high = 400, .invert = true},
              window);
}

TEST(image_preprocess_luma_and_grey) {
  nsc_image *color = test_open("P6 1 1 255\n\x64\xC8\x32", 14, NULL), *grey = test_open("P5 1 1 255\n\x33", 12, NULL);
  REQUIRE(color && grey);
  nsc_recipe r = recipe_of(1, 1, NSC_FIT_STRETCH);
  float out[3];
  CHECK_EQ(nsc_preprocess(color, 0, &r, out, 1, NULL), NSC_OK);
  CHECK_NEAR(out[0], 0.299 * 100 + 0.587 * 200 + 0.114 * 50, 1e-3);
  r.channels = 3;
  for (int c = 0; c < 3; c++) r.mean[c] = (float)c, r.std[c] = 2;
  CHECK_EQ(nsc_preprocess(color, 0, &r, out, 3, NULL), NSC_OK);
  CHECK_NEAR(out[0], 50, 1e-4);
  CHECK_NEAR(out[1], 99.5, 1e-4);
  CHECK_NEAR(out[2], 24, 1e-4);
  CHECK_EQ(nsc_preprocess(grey, 0, &r, out, 3, NULL), NSC_OK);
  CHECK_NEAR(out[0], 25.5, 1e-4);
  CHECK_NEAR(out[2], 24.5, 1e-4);
  uint8_t rgba[4]; /* before mean and std */
  CHECK_EQ(nsc_preprocess_preview(color, 0, &r, rgba, 4, NULL), NSC_OK);
  CHECK_EQ(rgba[0], 100);
  CHECK_EQ(rgba[1], 200);
  CHECK_EQ(rgba[2], 50);
  CHECK_EQ(rgba[3], 255);
  nsc_image_free(color);
  nsc_image_free(grey);
}

/* A 16-bit picture spans 0..65535 and a PGM its own maximum, not the values that happen to occur. */
TEST(image_preprocess_picture_range) {
  nsc_image *image = test_open("P5 2 1 4095\n\x00\x00\x07\xFF", 16, NULL);
  REQUIRE(image);
  nsc_recipe r = recipe_of(2, 1, NSC_FIT_STRETCH);
  r.scale = 1;
  float out[2];
  CHECK_EQ(nsc_preprocess(image, 0, &r, out, 2, NULL), NSC_OK);
  CHECK_NEAR(out[1], 2047 / 4095.0, 1e-6);
  nsc_image_free(image);
}

/* Whatever is looked at in between, the model's input stays the same to the last bit. */
TEST(image_preprocess_is_independent_of_views) {
  dicom_builder b = {0};
  build_row(&b, NULL);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  nsc_recipe r = recipe_of(9, 4, NSC_FIT_STRETCH);
  float before[36], after[36];
  REQUIRE(nsc_preprocess(image, 0, &r, before, 36, NULL) == NSC_OK);
  for (int i = 0; i < 60; i++) {
    uint8_t rgba[20];
    nsc_view view = {.voi_lut = -1,
                     .function = (nsc_voi_function)(i % 3),
                     .center = i * 70 - 1000,
                     .width = 1 + i * 13,
                     .invert = i & 1};
    REQUIRE(nsc_render(image, &view, rgba, 20, NULL) == NSC_OK);
    REQUIRE(nsc_view_auto(image, 0, &view, NULL) == NSC_OK);
    REQUIRE(nsc_preprocess(image, 0, &r, after, 36, NULL) == NSC_OK);
    CHECK(memcmp(before, after, sizeof before) == 0);
  }
  nsc_image_free(image);
  dicom_end(&b);
}

/* ---- recipes ---- */

TEST(image_recipe_round_trip) {
  const char *json =
      "{\"width\":224,\"height\":200,\"channels\":3,\"fit\":\"crop\",\"cropScale\":0.875,"
      "\"range\":{\"kind\":\"window\",\"low\":-1000,\"high\":400},\"invert\":true,\"scale\":2,"
      "\"mean\":[0.485,0.456,0.406],\"std\":[0.229,0.224,0.225]}";
  nsc_recipe r;
  nsc_error err = {0};
  CHECK_EQ(nsc_recipe_parse(json, strlen(json), &r, &err), NSC_OK);
  CHECK_STR(err.text, "");
  CHECK_EQ(r.width, 224);
  CHECK_EQ(r.fit, NSC_FIT_CROP);
  CHECK_EQ(r.range, NSC_RANGE_WINDOW);
  CHECK_NEAR(r.low, -1000, 0);
  CHECK_NEAR(r.std[2], 0.225, 1e-7);
  nsc_text t = {0};
  char *written = NULL;
  nsc_recipe_write(&r, &t);
  REQUIRE(nsc_text_finish(&t, &written, NULL) == NSC_OK);
  CHECK_STR(written, json);
  nsc_text_free(written);
  REQUIRE(nsc_recipe_parse("{\"width\":8,\"height\":9,\"channels\":1}", 35, &r, NULL) == NSC_OK);
  CHECK_EQ(r.fit, NSC_FIT_STRETCH);
  CHECK_EQ(r.range, NSC_RANGE_VOI);
  CHECK_NEAR(r.scale, 1, 0);
  CHECK_NEAR(r.std[0], 1, 0);
}

TEST(image_recipe_errors_name_the_field) {
  static const char *const cases[][2] = {
      {"{\"width\":0,\"height\":1,\"channels\":1}", "\"width\""},
      {"{\"width\":1,\"height\":5000,\"channels\":1}", "\"height\""},
      {"{\"width\":1,\"height\":1}", "\"channels\" is missing"},
      {"{\"width\":1,\"height\":1,\"channels\":2}", "\"channels\""},
      {"{\"width\":1.5,\"height\":1,\"channels\":1}", "\"width\""},
      {"{\"width\":\"1\",\"height\":1,\"channels\":1}", "\"width\" is no number"},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"fit\":\"fill\"}", "\"fit\" is \"fill\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"cropscale\":1}", "\"cropscale\" is not known"},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"fit\":\"crop\",\"cropScale\":1.5}", "\"cropScale\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"range\":{\"kind\":\"window\",\"low\":1}}", "\"range.high\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"range\":{\"kind\":\"window\",\"low\":2,\"high\":1}}", "\"range\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"range\":{\"kind\":\"percentile\",\"low\":-1,\"high\":1}}",
       "percentiles"},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"range\":{\"kind\":\"hu\"}}", "\"range.kind\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"std\":[0]}", "\"std\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"mean\":[1,2,3]}", "\"mean\""},
      {"{\"width\":1,\"height\":1,\"channels\":3,\"mean\":[1,2]}", "\"mean\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"scale\":0}", "\"scale\""},
      {"{\"width\":1,\"height\":1,\"channels\":1,\"invert\":1}", "\"invert\""},
      {"[]", "no JSON object"},
      {"{\"width\":", "JSON"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    nsc_recipe r;
    nsc_error err = {0};
    CHECK_EQ(nsc_recipe_parse(cases[i][0], strlen(cases[i][0]), &r, &err), NSC_ERROR_RECIPE);
    CHECK_HAS(err.text, cases[i][1]);
  }
}

TEST(image_recipe_presets) {
  nsc_recipe r = {.width = 299, .height = 200, .channels = 3};
  for (const char *const *name = nsc_recipe_presets(); *name; name++) {
    CHECK_EQ(nsc_recipe_preset(*name, &r, NULL), NSC_OK);
    CHECK_EQ(nsc_recipe_check(&r, NULL), NSC_OK);
    CHECK_EQ(r.width, 299);
    CHECK_EQ(r.channels, 3);
  }
  CHECK_NEAR((1 * r.scale - r.mean[0]) / r.std[0], 1024, 0); /* the last is TorchXRayVision: -1024..1024 */
  CHECK_NEAR((0 * r.scale - r.mean[0]) / r.std[0], -1024, 0);
  CHECK_EQ(nsc_recipe_preset("nothing", &r, NULL), NSC_ERROR_RECIPE);
}
