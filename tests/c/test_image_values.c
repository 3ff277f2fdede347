/* From stored values to modality values to grey: PS3.3 C.11.1 and C.11.2, with numbers worked out by hand. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "dicom_builder.h"
#include "test.h"

/* A row of signed 16-bit pixels after what `extra` adds to the header. */
static nsc_image *row_of(const int16_t *values, uint32_t count, bool is_signed, const char *photometric,
                         void (*extra)(dicom_builder *b)) {
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(
      &b,
      (dicom_pixels){.rows = 1, .columns = count, .allocated = 16, .is_signed = is_signed, .photometric = photometric});
  if (extra) extra(&b);
  uint16_t *words = malloc(count * sizeof *words);
  for (uint32_t i = 0; i < count; i++) words[i] = (uint16_t)values[i];
  dicom_words(&b, 0x7FE00010, "OW", words, count);
  free(words);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  dicom_end(&b);
  return image;
}

static void check_greys(nsc_image *image, const nsc_view *view, const int *expected, uint32_t count) {
  uint8_t *rgba = malloc(4 * count);
  CHECK_EQ(nsc_render(image, view, rgba, 4 * count, NULL), NSC_OK);
  for (uint32_t i = 0; i < count; i++) {
    CHECK_EQ(rgba[4 * i], expected[i]);
    CHECK_EQ(rgba[4 * i + 1], expected[i]);
    CHECK_EQ(rgba[4 * i + 2], expected[i]);
    CHECK_EQ(rgba[4 * i + 3], 255);
  }
  free(rgba);
}

static void add_ct_rescale(dicom_builder *b) {
  dicom_text(b, 0x00281050, "DS", "40\\-600");
  dicom_text(b, 0x00281051, "DS", "400\\1500");
  dicom_text(b, 0x00281052, "DS", "-1024");
  dicom_text(b, 0x00281053, "DS", "1");
  dicom_text(b, 0x00281054, "LO", "HU");
  dicom_text(b, 0x00281055, "LO", "SOFT\\LUNG");
}

TEST(image_values_linear_window) {
  /* C.11.2.1.2.1 with c = 40, w = 400: 0 up to -160, 255 above 239, between ((x - 39.5) / 399 + 0.5) * 255. */
  const int hu[] = {-1024, -160, -159, 39, 40, 239, 240, 3000};
  const int grey[] = {0, 0, 1, 127, 128, 255, 255, 255};
  int16_t stored[8];
  for (int i = 0; i < 8; i++) stored[i] = (int16_t)(hu[i] + 1024);
  nsc_image *image = row_of(stored, 8, false, NULL, add_ct_rescale);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.window_count, 2);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center, 40, 0);
  CHECK_NEAR(view.width, 400, 0);
  CHECK_EQ(view.function, NSC_VOI_LINEAR);
  check_greys(image, &view, grey, 8);
  view.invert = true;
  int inverted[8];
  for (int i = 0; i < 8; i++) inverted[i] = 255 - grey[i];
  check_greys(image, &view, inverted, 8);
  REQUIRE(nsc_view_window(image, 1, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center, -600, 0);
  CHECK_EQ(nsc_view_window(image, 2, &view, NULL), NSC_ERROR_ARGUMENT);
  double value[3];
  CHECK_EQ(nsc_image_probe(image, 0, 4, 0, value, NULL), NSC_OK);
  CHECK_NEAR(value[0], 40, 0);
  CHECK_EQ(nsc_image_probe(image, 0, 8, 0, value, NULL), NSC_ERROR_ARGUMENT);
  char *json = NULL;
  REQUIRE(nsc_image_json(image, &json, NULL) == NSC_OK);
  CHECK_HAS(json, "\"rescale\":{\"slope\":1,\"intercept\":-1024,\"unit\":\"HU\"}");
  CHECK_HAS(json, "{\"center\":-600,\"width\":1500,\"function\":\"LINEAR\",\"name\":\"LUNG\"}");
  nsc_text_free(json);
  nsc_image_free(image);
}

TEST(image_values_functions) {
  const int16_t stored[] = {-200, -100, 0, 50, 100, 200};
  nsc_image *image = row_of(stored, 6, true, NULL, NULL);
  REQUIRE(image);
  nsc_view view = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 0, .width = 200};
  check_greys(image, &view, (const int[]){0, 0, 128, 191, 255, 255}, 6); /* (x / 200 + 0.5) * 255 */
  view.function = NSC_VOI_SIGMOID;                                       /* 255 / (1 + exp(-4 x / 200)) */
  int sigmoid[6];
  for (int i = 0; i < 6; i++) sigmoid[i] = (int)(255 / (1 + exp(-stored[i] / 50.0)) + 0.5);
  CHECK_EQ(sigmoid[1], 30);
  check_greys(image, &view, sigmoid, 6);
  view = (nsc_view){.voi_lut = -1, .function = NSC_VOI_LINEAR, .center = 50, .width = 1}; /* a threshold at 49.5 */
  check_greys(image, &view, (const int[]){0, 0, 0, 255, 255, 255}, 6);
  nsc_image_free(image);
}

TEST(image_values_monochrome1) {
  const int16_t stored[] = {0, 100, 255};
  nsc_image *image = row_of(stored, 3, false, "MONOCHROME1", NULL);
  REQUIRE(image);
  nsc_view view = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 127.5, .width = 255};
  check_greys(image, &view, (const int[]){255, 155, 0}, 3);
  view.invert = true;
  check_greys(image, &view, (const int[]){0, 100, 255}, 3);
  nsc_image_free(image);
}

static void add_modality_lut(dicom_builder *b) {
  const uint16_t descriptor[3] = {4, 10, 16}, data[4] = {1000, 900, 800, 50};
  dicom_open(b, 0x00283000);
  dicom_item(b);
  dicom_words(b, 0x00283002, "US", descriptor, 3);
  dicom_text(b, 0x00283004, "LO", "OD");
  dicom_words(b, 0x00283006, "OW", data, 4);
  dicom_end_item(b);
  dicom_close(b);
}

TEST(image_values_modality_lut) {
  const int16_t stored[] = {0, 10, 11, 12, 13, 14, 500};
  const int expected[] = {1000, 1000, 900, 800, 50, 50, 50};
  nsc_image *image = row_of(stored, 7, false, NULL, add_modality_lut);
  REQUIRE(image);
  for (uint32_t i = 0; i < 7; i++) {
    double value[3];
    CHECK_EQ(nsc_image_probe(image, 0, i, 0, value, NULL), NSC_OK);
    CHECK_NEAR(value[0], expected[i], 0);
  }
  nsc_view view; /* a table that falls: the frame's values are 50 to 1000 */
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center, 525, 0);
  CHECK_NEAR(view.width, 950, 0);
  nsc_image_free(image);
}

/* Descriptor 3 entries from -2 (as US: 65534), 8 bits, packed two to a word; then one whose data are short. */
static void add_voi_luts(dicom_builder *b) {
  const uint16_t descriptor[3] = {3, 65534, 8}, packed[2] = {0x8000, 0x00FF}, broken[3] = {100, 0, 16};
  dicom_open(b, 0x00283010);
  dicom_item(b);
  dicom_words(b, 0x00283002, "US", descriptor, 3);
  dicom_text(b, 0x00283003, "LO", "BONE");
  dicom_words(b, 0x00283006, "OW", packed, 2);
  dicom_end_item(b);
  dicom_item(b);
  dicom_words(b, 0x00283002, "US", broken, 3);
  dicom_words(b, 0x00283006, "OW", packed, 2);
  dicom_end_item(b);
  dicom_close(b);
}

TEST(image_values_voi_lut) {
  const int16_t stored[] = {-300, -2, -1, 0, 300};
  nsc_image *image = row_of(stored, 5, true, NULL, add_voi_luts);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.voi_lut_count, 1);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  CHECK_EQ(view.voi_lut, 0);
  check_greys(image, &view, (const int[]){0, 0, 128, 255, 255}, 5);
  view.voi_lut = 1;
  uint8_t rgba[20];
  CHECK_EQ(nsc_render(image, &view, rgba, 20, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

/* 0 entries means 65536, and "8 bits" above 12-bit entries are 12. */
static void add_large_lut(dicom_builder *b) {
  const uint16_t descriptor[3] = {0, 0, 8};
  uint16_t *data = malloc(65536 * sizeof *data);
  for (int i = 0; i < 65536; i++) data[i] = (uint16_t)(i >> 4);
  dicom_open(b, 0x00283010);
  dicom_item(b);
  dicom_words(b, 0x00283002, "US", descriptor, 3);
  dicom_words(b, 0x00283006, "OW", data, 65536);
  dicom_end_item(b);
  dicom_close(b);
  free(data);
}

TEST(image_values_lut_of_65536) {
  const int16_t stored[] = {0, 16 * 100, (int16_t)65535};
  nsc_image *image = row_of(stored, 3, false, NULL, add_large_lut);
  REQUIRE(image);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  check_greys(image, &view, (const int[]){0, (int)(100 * 255 / 4095.0 + 0.5), 255}, 3);
  nsc_image_free(image);
}

static void add_padding(dicom_builder *b) {
  dicom_bytes(b, 0x00280120, "SS", "\x30\xF8", 2); /* -2000 */
}

TEST(image_values_padding_is_no_value) {
  const int16_t stored[] = {-2000, -2000, 10, 20, 30, 50};
  nsc_image *image = row_of(stored, 6, true, NULL, add_padding);
  REQUIRE(image);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center - view.width / 2, 10, 0);
  CHECK_NEAR(view.center + view.width / 2, 50, 0);
  check_greys(image, &view, (const int[]){0, 0, 0, 64, 128, 255}, 6);
  /* numpy.percentile([10, 20, 30, 50], [1, 99]) = 10.3, 49.4 */
  REQUIRE(nsc_view_auto(image, 0, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center - view.width / 2, 10.3, 1e-9);
  CHECK_NEAR(view.center + view.width / 2, 49.4, 1e-9);
  nsc_image_free(image);
}

static void add_falling_rescale(dicom_builder *b) {
  dicom_text(b, 0x00281052, "DS", "100");
  dicom_text(b, 0x00281053, "DS", "-2");
}

TEST(image_values_negative_slope) {
  const int16_t stored[] = {0, 10, 20, 30, 40};
  nsc_image *image = row_of(stored, 5, false, NULL, add_falling_rescale);
  REQUIRE(image);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  check_greys(image, &view, (const int[]){255, 191, 128, 64, 0}, 5);
  REQUIRE(nsc_view_auto(image, 0, &view, NULL) == NSC_OK); /* of 20..100: 20.8 and 99.2 */
  CHECK_NEAR(view.center - view.width / 2, 20.8, 1e-9);
  CHECK_NEAR(view.center + view.width / 2, 99.2, 1e-9);
  nsc_image_free(image);
}

TEST(image_values_constant_frame) {
  const int16_t stored[] = {7, 7, 7};
  nsc_image *image = row_of(stored, 3, false, NULL, NULL);
  REQUIRE(image);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  check_greys(image, &view, (const int[]){0, 0, 0}, 3);
  CHECK_EQ(nsc_view_auto(image, 0, &view, NULL), NSC_OK);
  nsc_image_free(image);
}

TEST(image_values_views_are_checked) {
  const int16_t stored[] = {0, 1};
  nsc_image *image = row_of(stored, 2, false, NULL, NULL);
  REQUIRE(image);
  uint8_t rgba[8];
  const nsc_view good = {.voi_lut = -1, .center = 0, .width = 1};
  CHECK_EQ(nsc_render(image, &good, rgba, 8, NULL), NSC_OK);
  CHECK_EQ(nsc_render(image, &good, rgba, 7, NULL), NSC_ERROR_ARGUMENT);
  nsc_view bad[] = {good, good, good, good, good, good, good};
  bad[0].center = NAN;
  bad[1].width = NAN;
  bad[2].width = 0;
  bad[3].width = INFINITY;
  bad[4].width = 0.5; /* too narrow for LINEAR */
  bad[5].frame = 1;
  bad[6].function = (nsc_voi_function)3;
  for (int i = 0; i < 7; i++) CHECK_EQ(nsc_render(image, &bad[i], rgba, 8, NULL), NSC_ERROR_ARGUMENT);
  bad[4].function = NSC_VOI_LINEAR_EXACT;
  CHECK_EQ(nsc_render(image, &bad[4], rgba, 8, NULL), NSC_OK);
  nsc_image_free(image);
}

/* An enhanced multi-frame file: rescale shared, window and slope of each frame its own. */
TEST(image_values_functional_groups) {
  dicom_builder b = {0};
  const uint16_t pixels[2] = {10, 10};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 1, .allocated = 16, .frames = 2});
  dicom_open(&b, 0x52009229);
  dicom_item(&b);
  dicom_open(&b, 0x00289110);
  dicom_item(&b);
  dicom_text(&b, 0x00280030, "DS", "2\\3");
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_open(&b, 0x52009230);
  for (int frame = 0; frame < 2; frame++) {
    dicom_item(&b);
    dicom_open(&b, 0x00289132);
    dicom_item(&b);
    dicom_text(&b, 0x00281050, "DS", frame ? "70" : "50");
    dicom_text(&b, 0x00281051, "DS", "20");
    dicom_end_item(&b);
    dicom_close(&b);
    dicom_open(&b, 0x00289145);
    dicom_item(&b);
    dicom_text(&b, 0x00281052, "DS", "1");
    dicom_text(&b, 0x00281053, "DS", frame ? "3" : "2");
    dicom_end_item(&b);
    dicom_close(&b);
    dicom_end_item(&b);
  }
  dicom_close(&b);
  dicom_words(&b, 0x7FE00010, "OW", pixels, 2);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_NEAR(info.spacing_x, 3, 0);
  CHECK_NEAR(info.spacing_y, 2, 0);
  CHECK_EQ(info.window_count, 1);
  double value[3];
  CHECK_EQ(nsc_image_probe(image, 0, 0, 0, value, NULL), NSC_OK);
  CHECK_NEAR(value[0], 21, 0);
  CHECK_EQ(nsc_image_probe(image, 1, 0, 0, value, NULL), NSC_OK);
  CHECK_NEAR(value[0], 31, 0);
  nsc_view view;
  REQUIRE(nsc_view_default(image, 1, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center, 70, 0);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_values_color_passes_unchanged) {
  dicom_builder b = {0};
  const uint8_t pixels[6] = {0, 1, 127, 128, 254, 255};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 2, .samples = 3, .allocated = 8});
  dicom_bytes(&b, 0x7FE00010, "OB", pixels, 6);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  nsc_view view;
  uint8_t rgba[8];
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  REQUIRE(nsc_render(image, &view, rgba, 8, NULL) == NSC_OK);
  const uint8_t expected[8] = {0, 1, 127, 255, 128, 254, 255, 255};
  CHECK(memcmp(rgba, expected, 8) == 0);
  view.center = 127.5;
  view.width = 1; /* moved: a threshold */
  REQUIRE(nsc_render(image, &view, rgba, 8, NULL) == NSC_OK);
  const uint8_t threshold[8] = {0, 0, 0, 255, 255, 255, 255, 255};
  CHECK(memcmp(rgba, threshold, 8) == 0);
  nsc_image_free(image);
  dicom_end(&b);
}

/* ---- what tells files apart ---- */

static void check_identity(const char *uid, const char *expected) {
  dicom_builder b = {0};
  uint16_t pixels[6] = {1, 2, 3, 4, 5, 6};
  dicom_begin(&b, EXPLICIT_LITTLE);
  if (uid) dicom_text(&b, 0x00080018, "UI", uid);
  dicom_text(&b, 0x00100010, "PN", "Doe^Jane");
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 16});
  dicom_words(&b, 0x7FE00010, "OW", pixels, 6);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  char *json = NULL, part[160];
  snprintf(part, sizeof part, "\"identity\":\"%s", expected);
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, part);
  nsc_text_free(json);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_identity) {
  check_identity("1.2.826.0.1.3680043.2.1", "uid-1.2.826.0.1.3680043.2.1\"");
  check_identity(NULL, "file-");
  check_identity("DOE JANE 1970", "file-"); /* no UID, but what some devices write there */
  check_identity("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28", "file-"); /* too long */
}

TEST(image_fingerprint_changes_with_every_byte) {
  uint8_t bytes[100] = {0};
  uint64_t plain[2], other[2];
  nsc_fingerprint(bytes, sizeof bytes, plain);
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = 1;
    nsc_fingerprint(bytes, sizeof bytes, other);
    CHECK(other[0] != plain[0] && other[1] != plain[1]);
    bytes[i] = 0;
    nsc_fingerprint(bytes, i, other); /* and with the length */
    CHECK(other[0] != plain[0] && other[1] != plain[1]);
  }
}

/* What nsc_image_deidentify would leave out is marked in the list of elements. */
TEST(image_elements_that_may_say_who) {
  dicom_builder b = {0};
  uint16_t pixels[6] = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
  dicom_text(&b, 0x00080018, "UI", "2.25.7");
  dicom_text(&b, 0x00080060, "CS", "CT");
  dicom_open(&b, 0x00081110);
  dicom_item(&b);
  dicom_text(&b, 0x00080060, "CS", "MR");
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_text(&b, 0x00100010, "PN", "Doe^Jane");
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 16});
  dicom_words(&b, 0x7FE00010, "OW", pixels, 6);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"name\":\"Patient's Name\",\"value\":\"Doe^Jane\",\"personal\":true");
  CHECK_HAS(json, "\"name\":\"SOP Instance UID\",\"value\":\"2.25.7\",\"personal\":true");
  CHECK_HAS(json, "\"name\":\"SOP Class UID\",\"value\":\"1.2.840.10008.5.1.4.1.1.2\"}");
  CHECK_HAS(json, "\"name\":\"Modality\",\"value\":\"CT\"}");
  CHECK_HAS(json, "\"name\":\"Modality\",\"value\":\"MR\",\"personal\":true"); /* in a sequence that goes */
  CHECK_HAS(json, "\"name\":\"Rows\",\"value\":\"2\"}");
  nsc_text_free(json);
  nsc_image_free(image);
  dicom_end(&b);
}
