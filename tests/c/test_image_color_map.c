/* Colours for grey pictures: the tables, and that they stay on the screen. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "test.h"

static uint32_t map_named(const char *name) {
  for (uint32_t map = 0; map < NSC_COLOR_MAP_COUNT; map++) {
    if (strcmp(nsc_color_map_name(map), name) == 0) return map;
  }
  test_failed(__FILE__, __LINE__, "no colour map is called %s", name);
  return 0;
}

static void shade(uint32_t map, uint8_t grey, uint8_t out[4]) {
  memset(out, grey, 4);
  nsc_color_map_rgba(map, out, 1);
}

static void check_shade(const char *name, int grey, int r, int g, int b) {
  uint8_t rgba[4];
  shade(map_named(name), (uint8_t)grey, rgba);
  CHECK_EQ(rgba[0], r);
  CHECK_EQ(rgba[1], g);
  CHECK_EQ(rgba[2], b);
  CHECK_EQ(rgba[3], 255);
}

/* PS3.6 annex B.1.1 by its definition: red doubles up to the middle, then green, blue in the last quarter. */
TEST(image_color_map_hot_iron) {
  for (int i = 0; i < 256; i++) {
    int red = i < 128 ? 2 * i : 255, green = i < 128 ? 0 : 2 * (i - 128), blue = i < 192 ? 0 : 4 * (i - 191);
    check_shade("hot-iron", i, red, i == 255 ? 255 : green, i == 255 ? 255 : blue);
  }
}

/* Entries of the other tables: PS3.6 annex B.1.2 to B.1.8, and the published ends and middles of the even ones. */
TEST(image_color_map_entries) {
  check_shade("pet", 0, 0, 0, 0);
  check_shade("pet", 128, 128, 0, 255);
  check_shade("pet", 255, 255, 255, 255);
  check_shade("pet-20-step", 0, 0, 0, 0);
  check_shade("pet-20-step", 255, 255, 255, 255);
  check_shade("hot-metal-blue", 255, 255, 255, 255);
  check_shade("spring", 0, 255, 0, 255);
  check_shade("spring", 255, 255, 255, 0);
  check_shade("fall", 100, 255, 155, 0);
  check_shade("summer", 255, 0, 128, 254);
  check_shade("winter", 255, 127, 255, 128);
  check_shade("viridis", 0, 0x44, 0x01, 0x54);
  check_shade("viridis", 255, 0xfd, 0xe7, 0x25);
  check_shade("inferno", 255, 0xfc, 0xff, 0xa4);
  check_shade("magma", 255, 0xfc, 0xfd, 0xbf);
  check_shade("grey", 77, 77, 77, 77);
  CHECK_STR(nsc_color_map_name(NSC_COLOR_MAP_COUNT), "?");
}

/* Lightness (CIE 1976) of viridis, inferno and magma never falls: that is what they are for. */
TEST(image_color_map_lightness) {
  static const char *const names[] = {"grey", "viridis", "inferno", "magma"};
  for (int n = 0; n < 4; n++) {
    double before = -1;
    for (int i = 0; i < 256; i++) {
      uint8_t rgba[4];
      double linear[3];
      shade(map_named(names[n]), (uint8_t)i, rgba);
      for (int c = 0; c < 3; c++) linear[c] = pow((rgba[c] / 255.0 + 0.055) / 1.055, 2.4);
      double luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
      CHECK(luminance > before - 1e-3);
      before = luminance;
    }
  }
}

static nsc_image *open_ramp(const char *photometric, uint32_t allocated) {
  dicom_builder b = {0};
  uint8_t pixels[16 * 4] = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 4,
                                 .columns = 4,
                                 .samples = strcmp(photometric, "RGB") == 0 ? 3 : 1,
                                 .allocated = allocated,
                                 .stored = allocated,
                                 .photometric = photometric});
  for (int i = 0; i < 16; i++) pixels[allocated / 8 * (uint32_t)i] = (uint8_t)(17 * i);
  dicom_bytes(&b, 0x7FE00010, allocated == 8 ? "OB" : "OW", pixels,
              16 * (strcmp(photometric, "RGB") ? allocated / 8 : 3));
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  dicom_end(&b);
  return image;
}

static const nsc_view ramp = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 127.5, .width = 255};

/* Samples of 8 bits by a table, of 32 bits one by one; inverted; on whole frames and as placed on a screen. */
TEST(image_color_map_rendered) {
  static const uint32_t allocated[] = {8, 32};
  for (int n = 0; n < 4; n++) {
    nsc_image *image = open_ramp(n & 2 ? "MONOCHROME1" : "MONOCHROME2", allocated[n & 1]);
    REQUIRE(image);
    nsc_view view = ramp;
    view.color_map = map_named("pet");
    uint8_t rgba[64], seen[64], expected[4];
    CHECK_EQ(nsc_render(image, &view, rgba, sizeof rgba, NULL), NSC_OK);
    for (int i = 0; i < 16; i++) {
      shade(view.color_map, (uint8_t)(n & 2 ? 255 - 17 * i : 17 * i), expected);
      for (int c = 0; c < 4; c++) CHECK_EQ(rgba[4 * i + c], expected[c]);
    }
    nsc_screen *screen = NULL;
    nsc_placement place = {.width = 4, .height = 4, .x = 2, .y = 2, .scale_x = 1, .scale_y = 1};
    CHECK_EQ(nsc_screen_create(&screen, NULL), NSC_OK);
    CHECK_EQ(nsc_screen_render(screen, image, &view, NULL, &place, seen, sizeof seen, NULL), NSC_OK);
    CHECK(memcmp(seen, rgba, sizeof seen) == 0);
    nsc_screen_free(screen);
    nsc_image_free(image);
  }
}

TEST(image_color_map_leaves_colour_alone) {
  nsc_image *image = open_ramp("RGB", 8);
  REQUIRE(image);
  nsc_view view = ramp;
  uint8_t plain[64], mapped[64];
  CHECK_EQ(nsc_render(image, &view, plain, sizeof plain, NULL), NSC_OK);
  view.color_map = map_named("viridis");
  CHECK_EQ(nsc_render(image, &view, mapped, sizeof mapped, NULL), NSC_OK);
  CHECK(memcmp(plain, mapped, sizeof plain) == 0);
  view.color_map = NSC_COLOR_MAP_COUNT;
  CHECK_EQ(nsc_render(image, &view, mapped, sizeof mapped, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}
