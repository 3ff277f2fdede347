/* TIFF: exact samples of files written here, in both byte orders and sizes of offset, and how wrong ones are refused.
 */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/image.h"
#include "test.h"
#include "tiff_builder.h"

static tiff_builder b;

/* Opens what was built and compares the samples of a frame; the image, for more questions. */
static nsc_image *open_built(uint32_t frame, nsc_sample_type type, uint32_t channels, const double *expected) {
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  if (!image) return NULL;
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.format, NSC_FORMAT_TIFF);
  CHECK_EQ(info.type, type);
  CHECK_EQ(info.channels, channels);
  const void *samples = NULL;
  CHECK_EQ(nsc_image_frame(image, frame, &samples, &err), NSC_OK);
  CHECK_STR(err.text, "");
  for (uint32_t i = 0; samples && i < info.width * info.height * channels; i++) {
    CHECK_NEAR(nsc_sample_value(info.type, samples, i), expected[i], 0);
  }
  return image;
}

static void check_built(nsc_sample_type type, uint32_t channels, const double *expected) {
  nsc_image_free(open_built(0, type, channels, expected));
}

/* One strip of these bytes. */
static void build(tiff_facts f, const void *bytes, size_t size, bool big_endian, bool big) {
  tiff_begin(&b, big_endian, big);
  f.data = tiff_data(&b, bytes, size);
  f.data_size = size;
  tiff_plain_page(&b, &f);
}

TEST(image_tiff_grey) {
  for (int form = 0; form < 4; form++) {
    bool big_endian = form & 1, big = form >> 1;
    build((tiff_facts){3, 2, 8, .photometric = 1}, "\1\2\3\4\5\6", 6, big_endian, big);
    check_built(NSC_SAMPLE_U8, 1, (const double[]){1, 2, 3, 4, 5, 6});
    build((tiff_facts){2, 1, 8, .photometric = 1, .format = 2}, "\xFF\1", 2, big_endian, big);
    check_built(NSC_SAMPLE_I8, 1, (const double[]){-1, 1});
    build((tiff_facts){2, 1, 16, .photometric = 1}, big_endian ? "\x12\x34\xFF\xFE" : "\x34\x12\xFE\xFF", 4, big_endian,
          big);
    check_built(NSC_SAMPLE_U16, 1, (const double[]){0x1234, 0xFFFE});
    build((tiff_facts){1, 1, 32, .photometric = 1, .format = 3}, big_endian ? "\xC0\x20\0\0" : "\0\0\x20\xC0", 4,
          big_endian, big);
    check_built(NSC_SAMPLE_F32, 1, (const double[]){-2.5});
  }
  build((tiff_facts){9, 2, 1, .photometric = 1}, "\xA5\x80\0\0", 4, false, false);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){255, 0, 255, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  build((tiff_facts){3, 1, 4, .photometric = 1}, "\x0F\x10", 2, false, false);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){0, 255, 17});
}

TEST(image_tiff_white_is_zero) {
  build((tiff_facts){2, 1, 8, .photometric = 0}, "\0\xFF", 2, false, false);
  nsc_image *image = open_built(0, NSC_SAMPLE_U8, 1, (const double[]){0, 255});
  REQUIRE(image);
  nsc_view view;
  uint8_t rgba[8];
  CHECK_EQ(nsc_view_default(image, 0, &view, NULL), NSC_OK);
  CHECK_EQ(nsc_render(image, &view, rgba, 8, NULL), NSC_OK);
  CHECK_EQ(rgba[0], 255);
  CHECK_EQ(rgba[4], 0);
  nsc_image_free(image);
}

TEST(image_tiff_colour) {
  build((tiff_facts){2, 1, 8, .photometric = 2, .samples = 3}, "\1\2\3\4\5\6", 6, false, false);
  check_built(NSC_SAMPLE_U8, 3, (const double[]){1, 2, 3, 4, 5, 6});
  build((tiff_facts){1, 1, 16, .photometric = 2, .samples = 4}, "\0\1\0\2\0\3\0\4", 8, true, false);
  check_built(NSC_SAMPLE_U16, 3, (const double[]){1, 2, 3}); /* what the fourth is, is not said */
  static const uint32_t colors[12] = {0, 0x1000, 0x2000, 0x3000, 0, 0x0100, 0x0200, 0x0300, 0, 0xFFFF, 0xFEFF, 0xFDFF};
  tiff_begin(&b, true, false);
  size_t data = tiff_data(&b, "\x1B", 1), map = tiff_numbers(&b, colors, 12, 2);
  tiff_page(&b, 8);
  tiff_tag(&b, 256, 3, 1, 4);
  tiff_tag(&b, 257, 3, 1, 1);
  tiff_tag(&b, 258, 3, 1, 2);
  tiff_tag(&b, 259, 3, 1, 1);
  tiff_tag(&b, 262, 3, 1, 3);
  tiff_tag(&b, 273, 4, 1, data);
  tiff_tag(&b, 279, 4, 1, 1);
  tiff_tag(&b, 320, 3, 12, map);
  tiff_end_page(&b);
  check_built(NSC_SAMPLE_U8, 3, (const double[]){0, 0, 0, 0x10, 1, 0xFF, 0x20, 2, 0xFE, 0x30, 3, 0xFD});
}

/* Three planes of two rows in two strips each: six strips. */
TEST(image_tiff_planes_and_strips) {
  static const uint32_t sizes[6] = {2, 2, 2, 2, 2, 2};
  tiff_begin(&b, false, true);
  size_t data = tiff_data(&b, "\1\2\3\4\x11\x12\x13\x14\x21\x22\x23\x24", 12);
  uint32_t places[6];
  for (uint32_t i = 0; i < 6; i++) places[i] = (uint32_t)data + 2 * i;
  size_t offsets = tiff_numbers(&b, places, 6, 4), counts = tiff_numbers(&b, sizes, 6, 2);
  tiff_page(&b, 10);
  tiff_tag(&b, 256, 3, 1, 2);
  tiff_tag(&b, 257, 3, 1, 2);
  tiff_tag(&b, 258, 3, 1, 8);
  tiff_tag(&b, 259, 3, 1, 1);
  tiff_tag(&b, 262, 3, 1, 2);
  tiff_tag(&b, 273, 4, 6, offsets);
  tiff_tag(&b, 277, 3, 1, 3);
  tiff_tag(&b, 278, 3, 1, 1);
  tiff_tag(&b, 279, 3, 6, counts);
  tiff_tag(&b, 284, 3, 1, 2);
  tiff_end_page(&b);
  check_built(NSC_SAMPLE_U8, 3, (const double[]){1, 0x11, 0x21, 2, 0x12, 0x22, 3, 0x13, 0x23, 4, 0x14, 0x24});
}

/* 3 x 3 pixels in four tiles of 2 x 2; what lies outside is left out. */
TEST(image_tiff_tiles) {
  static const uint32_t sizes[4] = {4, 4, 4, 4};
  tiff_begin(&b, true, false);
  size_t data = tiff_data(&b, "\1\2\4\5\3\0\6\0\7\x8\0\0\x9\0\0\0", 16);
  uint32_t places[4];
  for (uint32_t i = 0; i < 4; i++) places[i] = (uint32_t)data + 4 * i;
  size_t offsets = tiff_numbers(&b, places, 4, 4), counts = tiff_numbers(&b, sizes, 4, 4);
  tiff_page(&b, 9);
  tiff_tag(&b, 256, 3, 1, 3);
  tiff_tag(&b, 257, 3, 1, 3);
  tiff_tag(&b, 258, 3, 1, 8);
  tiff_tag(&b, 259, 3, 1, 1);
  tiff_tag(&b, 262, 3, 1, 1);
  tiff_tag(&b, 322, 3, 1, 2);
  tiff_tag(&b, 323, 3, 1, 2);
  tiff_tag(&b, 324, 4, 4, offsets);
  tiff_tag(&b, 325, 4, 4, counts);
  tiff_end_page(&b);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST(image_tiff_packbits) {
  /* TIFF 6.0, section 9: literal run of 2, three times 7, a no-op, literal run of 1. */
  build((tiff_facts){3, 2, 8, .compression = 32773, .photometric = 1}, "\1\1\2\xFE\7\x80\0\x9", 8, false, false);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){1, 2, 7, 7, 7, 9});
  build((tiff_facts){3, 2, 8, .compression = 32773, .photometric = 1}, "\1\1\2\xFE", 4, false, false);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  const void *samples;
  REQUIRE(image);
  CHECK_EQ(nsc_image_frame(image, 0, &samples, NULL), NSC_ERROR_TRUNCATED);
  nsc_image_free(image);
}

/* Section 13's own example: 7 7 7 8 8 7 7 6 6 is <256> <7> <258> <8> <8> <258> <6> <6> <257>, nine bits each. */
TEST(image_tiff_lzw) {
  static const uint16_t codes[9] = {256, 7, 258, 8, 8, 258, 6, 6, 257};
  uint8_t bytes[12] = {0};
  for (uint32_t bit = 0; bit < 81; bit++) {
    if (codes[bit / 9] >> (8 - bit % 9) & 1) bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
  }
  build((tiff_facts){3, 3, 8, .compression = 5, .photometric = 1}, bytes, 11, false, false);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){7, 7, 7, 8, 8, 7, 7, 6, 6});
}

TEST(image_tiff_predictor) {
  build((tiff_facts){3, 2, 8, .photometric = 1, .predictor = 2}, "\1\1\1\x0A\xFF\xFF", 6, false, false);
  check_built(NSC_SAMPLE_U8, 1, (const double[]){1, 2, 3, 10, 9, 8});
  build((tiff_facts){2, 1, 8, .photometric = 2, .samples = 3, .predictor = 2}, "\1\2\3\1\1\1", 6, false, false);
  check_built(NSC_SAMPLE_U8, 3, (const double[]){1, 2, 3, 2, 3, 4});
  build((tiff_facts){2, 1, 16, .photometric = 1, .predictor = 2}, "\x12\xFF\0\1", 4, true, false);
  check_built(NSC_SAMPLE_U16, 1, (const double[]){0x12FF, 0x1300});
}

TEST(image_tiff_pages) {
  tiff_begin(&b, false, false);
  tiff_facts f = {2, 1, 8, .photometric = 1, .data_size = 2};
  for (uint8_t page = 0; page < 3; page++) {
    const uint8_t bytes[2] = {page, (uint8_t)(page + 10)};
    f.data = tiff_data(&b, bytes, 2);
    tiff_plain_page(&b, &f);
  }
  nsc_image *image = open_built(2, NSC_SAMPLE_U8, 1, (const double[]){2, 12});
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.frames, 3);
  nsc_image_free(image);
  f.width = 1;
  f.data_size = 1;
  tiff_plain_page(&b, &f); /* one of another size */
  image = open_built(0, NSC_SAMPLE_U8, 1, (const double[]){0, 10});
  REQUIRE(image);
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.frames, 1);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"otherPages\":3");
  nsc_text_free(json);
  nsc_image_free(image);
}

/* ImageJ's stacks with one directory, and the resolution as spacing. */
TEST(image_tiff_imagej_run_and_spacing) {
  static const char text[] = "ImageJ=1.53\nimages=3\nslices=3\n";
  static const uint32_t resolution[2] = {20, 1};
  tiff_begin(&b, true, false);
  size_t data = tiff_data(&b, "\1\2\3\4\5\6", 6), words = tiff_data(&b, text, sizeof text);
  size_t per_cm = tiff_numbers(&b, resolution, 2, 4);
  tiff_page(&b, 10);
  tiff_tag(&b, 256, 3, 1, 2);
  tiff_tag(&b, 257, 3, 1, 1);
  tiff_tag(&b, 258, 3, 1, 8);
  tiff_tag(&b, 262, 3, 1, 1);
  tiff_tag(&b, 270, 2, sizeof text, words);
  tiff_tag(&b, 273, 4, 1, data);
  tiff_tag(&b, 279, 4, 1, 2);
  tiff_tag(&b, 282, 5, 1, per_cm);
  tiff_tag(&b, 283, 5, 1, per_cm);
  tiff_tag(&b, 296, 3, 1, 3);
  tiff_end_page(&b);
  nsc_image *image = open_built(2, NSC_SAMPLE_U8, 1, (const double[]){5, 6});
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.frames, 3);
  CHECK_NEAR(info.spacing_x, 0.5, 1e-12);
  CHECK_NEAR(info.spacing_y, 0.5, 1e-12);
  nsc_image_free(image);
}

/* TIFF 6.0, Orientation: 2 x 3 pixels as a viewer shows them, by which sides row 0 and column 0 are. */
TEST(image_tiff_orientation) {
  static const double shown[8][6] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                                     {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (uint32_t orientation = 1; orientation <= 8; orientation++) {
    tiff_begin(&b, false, false);
    size_t data = tiff_data(&b, "\1\2\3\4\5\6", 6);
    tiff_page(&b, 7);
    tiff_tag(&b, 256, 3, 1, 3);
    tiff_tag(&b, 257, 3, 1, 2);
    tiff_tag(&b, 258, 3, 1, 8);
    tiff_tag(&b, 262, 3, 1, 1);
    tiff_tag(&b, 273, 4, 1, data);
    tiff_tag(&b, 274, 3, 1, orientation);
    tiff_tag(&b, 279, 4, 1, 6);
    tiff_end_page(&b);
    nsc_image *image = open_built(0, NSC_SAMPLE_U8, 1, shown[orientation - 1]);
    REQUIRE(image);
    nsc_image_info info;
    nsc_image_get_info(image, &info);
    CHECK_EQ(info.width, orientation < 5 ? 3 : 2);
    nsc_image_free(image);
  }
}

static void check_refused(tiff_facts f, nsc_status status, const char *words) {
  nsc_error err = {0};
  build(f, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, false, false);
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), status);
  CHECK_HAS(err.text, words);
}

TEST(image_tiff_refused_by_name) {
  check_refused((tiff_facts){2, 2, 8, .compression = 7, .photometric = 1}, NSC_ERROR_UNSUPPORTED, "JPEG");
  check_refused((tiff_facts){2, 2, 1, .compression = 4, .photometric = 0}, NSC_ERROR_UNSUPPORTED, "Group 4");
  check_refused((tiff_facts){2, 2, 8, .photometric = 5, .samples = 4}, NSC_ERROR_UNSUPPORTED, "CMYK");
  check_refused((tiff_facts){2, 2, 12, .photometric = 1}, NSC_ERROR_UNSUPPORTED, "12 bits");
  check_refused((tiff_facts){1, 1, 64, .photometric = 1}, NSC_ERROR_UNSUPPORTED, "64 bits");
  check_refused((tiff_facts){2, 2, 32, .photometric = 1, .predictor = 3}, NSC_ERROR_UNSUPPORTED, "predictor");
  check_refused((tiff_facts){60000, 60000, 16, .photometric = 1}, NSC_ERROR_LIMIT, "limit");
  check_refused((tiff_facts){30000, 30000, 8, .compression = 5, .photometric = 1}, NSC_ERROR_TRUNCATED, "cannot hold");
  check_refused((tiff_facts){30, 30, 8, .compression = 1, .photometric = 1}, NSC_ERROR_TRUNCATED, "16 of 900");
}

TEST(image_tiff_chain_into_itself) {
  build((tiff_facts){2, 2, 8, .photometric = 1}, "\1\2\3\4", 4, false, false);
  b.bytes[b.link] = (uint8_t)b.directory;
  nsc_error err = {0};
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "overlap");
}
