/* Measurements: regions against point-by-point loops, lengths and angles by hand. */
#include <math.h>
#include <stdlib.h>

#include "dicom_builder.h"
#include "test.h"

enum { WIDTH = 23, HEIGHT = 17 };

static int value_of(uint32_t x, uint32_t y) {
  return (int)((x * 37 + y * 101 + x * y) % 251);
}

static nsc_image *make_picture(void) {
  uint8_t pixels[WIDTH * HEIGHT];
  nsc_image *image = NULL;
  for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) pixels[i] = (uint8_t)value_of(i % WIDTH, i / WIDTH);
  if (nsc_image_from_pixels(pixels, WIDTH, HEIGHT, 1, &image, NULL) != NSC_OK) return NULL;
  return image;
}

/* Even-odd by a ray to the right, or inside the ellipse or rectangle. */
static bool contains(nsc_measure_kind kind, const double *p, uint32_t count, double x, double y) {
  if (kind == NSC_MEASURE_POLYGON) {
    bool inside = false;
    for (uint32_t i = 0; i < count; i++) {
      const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % count);
      if ((a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]) inside = !inside;
    }
    return inside;
  }
  double cx = (p[0] + p[2]) / 2, cy = (p[1] + p[3]) / 2, rx = fabs(p[2] - p[0]) / 2, ry = fabs(p[3] - p[1]) / 2;
  if (kind == NSC_MEASURE_RECTANGLE) return fabs(x - cx) < rx && fabs(y - cy) < ry;
  return (x - cx) * (x - cx) / (rx * rx) + (y - cy) * (y - cy) / (ry * ry) < 1;
}

static double member(const char *json, const char *name) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *at = strstr(json, key);
  return at ? strtod(at + strlen(key), NULL) : NAN;
}

static void check_region(nsc_image *image, nsc_measure_kind kind, const double *points, uint32_t count) {
  double sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
  int pixels = 0;
  for (uint32_t y = 0; y < HEIGHT; y++) {
    for (uint32_t x = 0; x < WIDTH; x++) {
      if (!contains(kind, points, count, x + 0.5, y + 0.5)) continue;
      double v = value_of(x, y);
      pixels++;
      sum += v;
      squares += v * v;
      low = fmin(low, v);
      high = fmax(high, v);
    }
  }
  nsc_error err = {0};
  char *json;
  REQUIRE(nsc_measure_json(image, 0, kind, points, count, &json, &err) == NSC_OK);
  CHECK_NEAR(member(json, "pixels"), pixels, 0);
  if (pixels) {
    double mean = sum / pixels;
    CHECK_NEAR(member(json, "mean"), mean, 1e-9);
    CHECK_NEAR(member(json, "sd"), sqrt(squares / pixels - mean * mean), 1e-6);
    CHECK_NEAR(member(json, "min"), low, 0);
    CHECK_NEAR(member(json, "max"), high, 0);
  } else {
    CHECK_HAS(json, "\"channels\":null");
  }
  CHECK_HAS(json, "\"area\":null");
  nsc_text_free(json);
}

TEST(region_statistics_equal_plain_loops) {
  nsc_image *image = make_picture();
  REQUIRE(image);
  const double corners[][4] = {
      {2.2, 3.1, 11.7, 9.9}, {20, 15, 3, 1}, {-5, -5, 40, 40}, {4.1, 4.1, 4.3, 4.3}, {30, 30, 40, 40}};
  for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
    check_region(image, NSC_MEASURE_RECTANGLE, corners[i], 2);
    check_region(image, NSC_MEASURE_ELLIPSE, corners[i], 2);
  }
  const double star[] = {11.1, 0.2, 16.3, 15.8, 1.9, 5.7, 21.4, 6.1, 5.2, 15.3}; /* crosses itself */
  const double arrow[] = {1, 1, 20.5, 8.25, 1, 16, 8.75, 8.5};
  const double beyond[] = {-4, 3, 12, -6, 40, 8, 11, 30};
  check_region(image, NSC_MEASURE_POLYGON, star, 5);
  check_region(image, NSC_MEASURE_POLYGON, arrow, 4);
  check_region(image, NSC_MEASURE_POLYGON, beyond, 4);
  nsc_image_free(image);
}

TEST(region_median_histogram_and_refusals) {
  const uint8_t pixels[] = {10, 20, 30, 40, 50, 60};
  nsc_error err = {0};
  nsc_image *image;
  char *json;
  REQUIRE(nsc_image_from_pixels(pixels, 6, 1, 1, &image, &err) == NSC_OK);
  const double all[] = {0, 0, 6, 1}, nowhere[] = {0, 0, NAN, 1};
  REQUIRE(nsc_measure_json(image, 0, NSC_MEASURE_RECTANGLE, all, 2, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"median\":35}");
  CHECK_HAS(json, "\"histogram\":{\"from\":10,\"to\":60,\"counts\":[1,0");
  nsc_text_free(json);
  CHECK_EQ(nsc_measure_json(image, 0, NSC_MEASURE_POLYGON, all, 2, &json, &err), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_measure_json(image, 0, NSC_MEASURE_RECTANGLE, nowhere, 2, &json, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_measure_json(image, 1, NSC_MEASURE_RECTANGLE, all, 2, &json, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

TEST(region_of_ct_in_hu_without_padding) {
  const uint16_t pixels[] = {1000, 1100, 0xF830 /* -2000: padding */, 1300, 900, 1200};
  nsc_error err = {0};
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080060, "CS", "CT");
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 16, .is_signed = 1});
  dicom_text(&b, 0x00280030, "DS", "0.5\\0.25");
  dicom_words(&b, 0x00280120, "SS", &pixels[2], 1);
  dicom_text(&b, 0x00281052, "DS", "-1024");
  dicom_text(&b, 0x00281053, "DS", "1");
  dicom_text(&b, 0x00281054, "LO", "HU");
  dicom_words(&b, 0x7FE00010, "OW", pixels, 6);
  nsc_image *image = test_open(b.bytes, b.size, &err);
  REQUIRE(image);
  const double all[] = {0, 0, 3, 2};
  char *json;
  REQUIRE(nsc_measure_json(image, 0, NSC_MEASURE_RECTANGLE, all, 2, &json, &err) == NSC_OK);
  CHECK_HAS(json, "{\"pixels\":5,\"padding\":1,\"area\":0.75,\"unit\":\"HU\"");
  CHECK_NEAR(member(json, "mean"), 76, 1e-9);
  CHECK_NEAR(member(json, "min"), -124, 0);
  nsc_text_free(json);
  nsc_image_free(image);
  dicom_end(&b);
}

static double measured(nsc_image *image, nsc_measure_kind kind, const double *points, uint32_t count,
                       const char *name) {
  nsc_error err = {0};
  char *json;
  if (nsc_measure_json(image, 0, kind, points, count, &json, &err) != NSC_OK) return -1;
  double value = strstr(json, "null") ? NAN : member(json, name);
  nsc_text_free(json);
  return value;
}

/* Rows of 0.5 mm, columns of 0.25 mm: what looks like 45 degrees in pixels is not. */
TEST(lengths_and_angles_are_in_millimetres) {
  const uint8_t pixels[12] = {0};
  nsc_error err = {0};
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 3, .columns = 4, .allocated = 8, .stored = 8});
  dicom_text(&b, 0x00280030, "DS", "0.5\\0.25");
  dicom_bytes(&b, 0x7FE00010, "OB", pixels, sizeof pixels);
  nsc_image *image = test_open(b.bytes, b.size, &err);
  nsc_image *plain = make_picture();
  REQUIRE(image && plain);
  const double line[] = {0, 0, 12, 8}, corner[] = {4, 0, 0, 0, 4, 4}, flat[] = {1, 1, 1, 1, 5, 5};
  const double cobb[] = {0, 0, 10, 0, 10, 12, 0, 7};
  CHECK_NEAR(measured(image, NSC_MEASURE_LENGTH, line, 2, "length"), 5, 1e-12);
  CHECK_NEAR(measured(image, NSC_MEASURE_LENGTH, line, 2, "pixels"), 14.422205101855956, 1e-12);
  CHECK(isnan(measured(plain, NSC_MEASURE_LENGTH, line, 2, "length")));
  CHECK_NEAR(measured(image, NSC_MEASURE_ANGLE, corner, 3, "degrees"), 63.43494882292201, 1e-9);
  CHECK_NEAR(measured(plain, NSC_MEASURE_ANGLE, corner, 3, "degrees"), 45, 1e-9);
  CHECK(isnan(measured(plain, NSC_MEASURE_ANGLE, flat, 3, "degrees")));
  CHECK_NEAR(measured(image, NSC_MEASURE_COBB, cobb, 4, "degrees"), 45, 1e-9);
  CHECK_NEAR(measured(plain, NSC_MEASURE_COBB, cobb, 4, "degrees"), 26.56505117707799, 1e-9);
  CHECK_EQ(nsc_measure_json(image, 0, NSC_MEASURE_COBB, cobb, 3, NULL, NULL), NSC_ERROR_ARGUMENT);
  CHECK_STR(nsc_measure_kind_name(NSC_MEASURE_COBB), "cobb");
  nsc_image_free(plain);
  nsc_image_free(image);
  dicom_end(&b);
}
