/* Overlay planes and real world values of DICOM files. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "test.h"

enum { WIDTH = 5, HEIGHT = 4, PIXELS = WIDTH * HEIGHT };

/* What one plane says of itself. */
typedef struct overlay_facts {
  uint32_t rows, columns;
  int16_t row, column; /* origin, the first being 1 */
  const char *frames;  /* NULL: none */
  uint32_t first;      /* Image Frame Origin; 0: none */
} overlay_facts;

static void begin_image(dicom_builder *b, const char *syntax, uint32_t frames) {
  dicom_begin(b, syntax);
  dicom_image(b, (dicom_pixels){.rows = HEIGHT, .columns = WIDTH, .allocated = 16, .stored = 12, .frames = frames});
}

static void put_plane(dicom_builder *b, uint32_t group, overlay_facts facts, const uint16_t *words, size_t count) {
  uint32_t base = group << 16;
  uint16_t origin[2] = {(uint16_t)facts.row, (uint16_t)facts.column};
  dicom_us(b, base | 0x0010, facts.rows);
  dicom_us(b, base | 0x0011, facts.columns);
  if (facts.frames) dicom_text(b, base | 0x0015, "IS", facts.frames);
  dicom_text(b, base | 0x0022, "LO", "lines");
  dicom_text(b, base | 0x0040, "CS", "G");
  dicom_words(b, base | 0x0050, "SS", origin, 2);
  if (facts.first) dicom_us(b, base | 0x0051, facts.first);
  dicom_us(b, base | 0x0100, 1);
  dicom_us(b, base | 0x0102, 0);
  if (words) dicom_words(b, base | 0x3000, "OW", words, count);
}

static void put_pixels(dicom_builder *b, uint32_t frames, uint16_t high) {
  uint16_t pixels[2 * PIXELS];
  for (uint32_t i = 0; i < frames * PIXELS; i++) pixels[i] = (uint16_t)(i | (i % 3 == 0 ? high : 0));
  dicom_words(b, 0x7FE00010, "OW", pixels, frames * PIXELS);
}

/* Bit number `at` of words, the lowest first. */
static bool bit_of(const uint16_t *words, uint32_t at) {
  return words[at / 16] >> (at % 16) & 1;
}

static nsc_image *open_builder(dicom_builder *b) {
  nsc_error err = {0};
  nsc_image *image = test_open(b->bytes, b->size, &err);
  CHECK_STR(err.text, "");
  return image;
}

TEST(image_overlay_in_every_encoding) {
  static const uint16_t words[2] = {0xA5C3, 0x000B};
  static const char *const syntaxes[] = {IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG};
  for (int s = 0; s < 3; s++) {
    dicom_builder b = {0};
    begin_image(&b, syntaxes[s], 1);
    put_plane(&b, 0x6002, (overlay_facts){.rows = HEIGHT, .columns = WIDTH, .row = 1, .column = 1}, words, 2);
    put_pixels(&b, 1, 0);
    nsc_image *image = open_builder(&b);
    REQUIRE(image);
    uint8_t mask[PIXELS];
    nsc_error err = {0};
    CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask, &err), NSC_OK);
    for (uint32_t i = 0; i < PIXELS; i++) CHECK_EQ(mask[i], bit_of(words, i));
    char *json = NULL;
    CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
    CHECK_HAS(json,
              "\"overlays\":[{\"group\":24578,\"type\":\"G\",\"label\":null,\"description\":\"lines\",\"rows\":4,"
              "\"columns\":5,\"top\":0,\"left\":0,\"frames\":0,\"embedded\":false}]");
    nsc_text_free(json);
    nsc_image_free(image);
    dicom_end(&b);
  }
}

/* A plane of 3 x 3, all set, wherever it lies: what is beside the picture is cut off. */
TEST(image_overlay_origin) {
  static const uint16_t words[1] = {0x01FF};
  static const int16_t places[][2] = {{1, 1}, {-1, 0}, {3, 4}, {4, 5}, {5, 1}, {-2, -2}, {-32768, 1}, {32767, 32767}};
  for (size_t n = 0; n < sizeof places / sizeof *places; n++) {
    int row = places[n][0], column = places[n][1];
    dicom_builder b = {0};
    begin_image(&b, EXPLICIT_LITTLE, 1);
    overlay_facts facts = {.rows = 3, .columns = 3, .row = (int16_t)row, .column = (int16_t)column};
    put_plane(&b, 0x6000, facts, words, 1);
    put_pixels(&b, 1, 0);
    nsc_image *image = open_builder(&b);
    REQUIRE(image);
    uint8_t mask[PIXELS];
    CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask, NULL), NSC_OK);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        bool inside = y >= row - 1 && y < row + 2 && x >= column - 1 && x < column + 2;
        CHECK_EQ(mask[y * WIDTH + x], inside);
      }
    }
    nsc_image_free(image);
    dicom_end(&b);
  }
}

/* Sum of the masks of two frames. */
static void check_frames(overlay_facts facts, const uint16_t *words, size_t count, int first, int second) {
  dicom_builder b = {0};
  begin_image(&b, EXPLICIT_LITTLE, 2);
  put_plane(&b, 0x6000, facts, words, count);
  put_pixels(&b, 2, 0);
  nsc_image *image = open_builder(&b);
  REQUIRE(image);
  for (uint32_t frame = 0; frame < 2; frame++) {
    uint8_t mask[PIXELS];
    int sum = 0;
    CHECK_EQ(nsc_image_overlays(image, frame, mask, sizeof mask, NULL), NSC_OK);
    for (int i = 0; i < PIXELS; i++) sum += mask[i];
    CHECK_EQ(sum, frame ? second : first);
  }
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_overlay_frames) {
  static const uint16_t words[1] = {0x0073}; /* of 2 x 2: 0011 and 0111 from the low end */
  overlay_facts facts = {.rows = 2, .columns = 2, .row = 1, .column = 1};
  check_frames(facts, words, 1, 2, 2); /* one for all */
  facts.frames = "2";
  check_frames(facts, words, 1, 2, 3); /* frame after frame, without a gap */
  facts.first = 2;
  check_frames(facts, words, 1, 0, 2); /* the first belongs to frame 2 */
  facts.frames = "1";
  check_frames(facts, words, 1, 0, 2);
  facts.first = 1;
  check_frames(facts, words, 1, 2, 0);
}

TEST(image_overlay_in_the_samples) {
  for (int big = 0; big < 2; big++) {
    dicom_builder b = {0};
    begin_image(&b, big ? EXPLICIT_BIG : EXPLICIT_LITTLE, 1);
    dicom_us(&b, 0x60000010, HEIGHT);
    dicom_us(&b, 0x60000011, WIDTH);
    dicom_us(&b, 0x60000100, 16);
    dicom_us(&b, 0x60000102, 13);
    dicom_us(&b, 0x60020100, 16); /* a bit of the picture itself: no overlay */
    dicom_us(&b, 0x60020102, 11);
    put_pixels(&b, 1, 0x2000);
    nsc_image *image = open_builder(&b);
    REQUIRE(image);
    uint8_t mask[PIXELS];
    CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask, NULL), NSC_OK);
    for (int i = 0; i < PIXELS; i++) CHECK_EQ(mask[i], i % 3 == 0);
    const void *samples;
    CHECK_EQ(nsc_image_frame(image, 0, &samples, NULL), NSC_OK);
    for (int i = 0; i < PIXELS; i++) CHECK_EQ(((const uint16_t *)samples)[i], i); /* never in what a model sees */
    nsc_image_free(image);
    dicom_end(&b);
  }
}

/* Planes that are damaged are none; those that are whole stay. */
TEST(image_overlay_damaged) {
  static const uint16_t words[2] = {0xFFFF, 0xFFFF};
  static const overlay_facts bad[] = {
      {.rows = 100, .columns = 5, .row = 1, .column = 1},
      {.rows = 4, .columns = 5, .row = 1, .column = 1, .frames = "3"},
      {.rows = 4, .columns = 5, .row = 1, .column = 1, .frames = "4294967295"},
      {.rows = 65535, .columns = 65535, .row = 1, .column = 1, .frames = "4294967295"},
      {.rows = 0, .columns = 5, .row = 1, .column = 1},
  };
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    dicom_builder b = {0};
    begin_image(&b, EXPLICIT_LITTLE, 1);
    put_plane(&b, 0x6000, bad[n], words, 2);
    put_plane(&b, 0x6004, (overlay_facts){.rows = 1, .columns = 1, .row = 2, .column = 1}, words, 1);
    put_pixels(&b, 1, 0);
    nsc_image *image = open_builder(&b);
    REQUIRE(image);
    uint8_t mask[PIXELS];
    CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask, NULL), NSC_OK);
    for (int i = 0; i < PIXELS; i++) CHECK_EQ(mask[i], i == WIDTH);
    nsc_image_free(image);
    dicom_end(&b);
  }
}

TEST(image_overlay_arguments) {
  dicom_builder b = {0};
  begin_image(&b, EXPLICIT_LITTLE, 1);
  put_pixels(&b, 1, 0);
  nsc_image *image = open_builder(&b);
  REQUIRE(image);
  uint8_t mask[PIXELS] = {9};
  CHECK_EQ(nsc_image_overlays(image, 1, mask, sizeof mask, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask - 1, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_image_overlays(NULL, 0, mask, sizeof mask, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_image_overlays(image, 0, mask, sizeof mask, NULL), NSC_OK);
  CHECK_EQ(mask[0], 0);
  nsc_image_free(image);
  dicom_end(&b);
}

/* ---- real world values ---- */

static void put_unit(dicom_builder *b, const char *code, const char *meaning) {
  dicom_open(b, 0x004008EA);
  dicom_item(b);
  dicom_text(b, 0x00080100, "SH", code);
  dicom_text(b, 0x00080102, "SH", "UCUM");
  dicom_text(b, 0x00080104, "LO", meaning);
  dicom_end_item(b);
  dicom_close(b);
}

static void check_real_world(nsc_image *image, uint32_t x, uint32_t y, const char *expected) {
  char *json = NULL;
  CHECK_EQ(nsc_image_real_world_json(image, 0, x, y, &json, NULL), NSC_OK);
  CHECK_HAS(json, expected);
  nsc_text_free(json);
}

/* Values 0 to 9 by a line, 10 to 12 by a table, others not at all. */
TEST(image_real_world) {
  double slope = 0.5, intercept = -2, table[3] = {100, 50, 25};
  dicom_builder b = {0};
  begin_image(&b, EXPLICIT_LITTLE, 1);
  dicom_open(&b, 0x00409096);
  dicom_item(&b);
  put_unit(&b, "Cel", "degree Celsius");
  dicom_text(&b, 0x00409210, "SH", "temp");
  dicom_us(&b, 0x00409211, 9);
  dicom_us(&b, 0x00409216, 0);
  dicom_bytes(&b, 0x00409224, "FD", &intercept, 8);
  dicom_bytes(&b, 0x00409225, "FD", &slope, 8);
  dicom_end_item(&b);
  dicom_item(&b);
  put_unit(&b, "mm2/s", "square millimetre per second");
  dicom_us(&b, 0x00409211, 14); /* the table is shorter */
  dicom_bytes(&b, 0x00409212, "FD", table, sizeof table);
  dicom_us(&b, 0x00409216, 10);
  dicom_end_item(&b);
  dicom_close(&b);
  put_pixels(&b, 1, 0);
  nsc_image *image = open_builder(&b);
  REQUIRE(image);
  check_real_world(image, 3, 1, "{\"value\":2,\"unit\":\"Cel\",\"meaning\":\"degree Celsius\",\"label\":\"temp\"");
  check_real_world(image, 3, 1, "\"slope\":0.5,\"intercept\":-2}");
  check_real_world(image, 1, 2, "{\"value\":50,\"unit\":\"mm2/s\"");
  check_real_world(image, 3, 2, "null"); /* behind the end of the table */
  check_real_world(image, 4, 3, "null"); /* of no mapping */
  char *json = NULL;
  CHECK_EQ(nsc_image_real_world_json(image, 0, WIDTH, 0, &json, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_real_world_of_none) {
  dicom_builder b = {0};
  begin_image(&b, EXPLICIT_LITTLE, 1);
  put_pixels(&b, 1, 0);
  nsc_image *image = open_builder(&b);
  REQUIRE(image);
  check_real_world(image, 0, 0, "null");
  nsc_image_free(image);
  dicom_end(&b);
}
