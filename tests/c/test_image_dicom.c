/* DICOM files in every uncompressed encoding, whole and broken. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "test.h"

static const uint16_t six[6] = {0, 1, 255, 256, 4095, 0x0ABC};

static void build_six(dicom_builder *b, const char *syntax) {
  dicom_begin(b, syntax);
  dicom_text(b, 0x00080060, "CS", "CT");
  dicom_image(b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
  dicom_words(b, 0x7FE00010, "OW", six, 6);
  if (strcmp(syntax, DEFLATED) == 0) dicom_deflate(b);
}

static void check_six(const uint8_t *bytes, size_t size) {
  nsc_error err = {0};
  nsc_image *image = test_open(bytes, size, &err);
  CHECK_STR(err.text, "");
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.width, 3);
  CHECK_EQ(info.height, 2);
  CHECK_EQ(info.type, NSC_SAMPLE_U16);
  CHECK_EQ(info.bits, 12);
  const void *samples = NULL;
  CHECK_EQ(nsc_image_frame(image, 0, &samples, &err), NSC_OK);
  for (int i = 0; samples && i < 6; i++) CHECK_EQ(((const uint16_t *)samples)[i], six[i]);
  CHECK_EQ(nsc_image_frame(image, 1, &samples, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

TEST(image_dicom_every_encoding) {
  const char *syntaxes[] = {IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED};
  for (int i = 0; i < 4; i++) {
    dicom_builder b = {0};
    build_six(&b, syntaxes[i]);
    CHECK_EQ(nsc_sniff(b.bytes, b.size), NSC_FORMAT_DICOM);
    check_six(b.bytes, b.size);
    dicom_end(&b);
  }
}

TEST(image_dicom_without_preamble) {
  for (int i = 0; i < 3; i++) {
    dicom_builder b = {0};
    dicom_begin_bare(&b, i == 0, i == 2);
    dicom_text(&b, 0x00080005, "CS", "ISO_IR 100");
    dicom_text(&b, 0x00080060, "CS", "CT");
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
    dicom_words(&b, 0x7FE00010, "OW", six, 6);
    CHECK_EQ(nsc_sniff(b.bytes, b.size), NSC_FORMAT_DICOM);
    check_six(b.bytes, b.size);
    dicom_end(&b);
  }
}

/* What the file says of its encoding and how it is encoded differ: the data set wins. */
TEST(image_dicom_wrong_syntax) {
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_begin_bare(&b, true, false);
  dicom_text(&b, 0x00080060, "CS", "CT");
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
  dicom_words(&b, 0x7FE00010, "OW", six, 6);
  check_six(b.bytes, b.size);
  dicom_end(&b);
}

TEST(image_dicom_padding_at_the_end) {
  dicom_builder b = {0};
  build_six(&b, EXPLICIT_LITTLE);
  size_t whole = b.size;
  dicom_bytes(&b, 0xFFFCFFFC, "OB", "1234", 4);
  check_six(b.bytes, b.size);
  check_six(b.bytes, b.size - 3); /* damage behind the pixel data */
  check_six(b.bytes, whole + 5);
  memset(b.bytes + whole, 0, b.size - whole);
  for (size_t n = whole; n <= b.size; n++) check_six(b.bytes, n); /* zeros up to a block size */
  dicom_end(&b);
}

TEST(image_dicom_missing_pixels) {
  dicom_builder b = {0};
  nsc_error err;
  build_six(&b, EXPLICIT_LITTLE);
  CHECK_EQ(test_open_status(b.bytes, b.size - 5, &err), NSC_ERROR_TRUNCATED);
  CHECK_HAS(err.text, "5 of 12 bytes of pixel data are missing");
  dicom_end(&b);
  dicom_begin(&b, IMPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 8});
  dicom_bytes(&b, 0x7FE00010, "OB", "12345", 5);
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_TRUNCATED);
  CHECK_HAS(err.text, "1 of 6 bytes");
  dicom_end(&b);
}

/* bits stored, high bit, sign: expected values by hand. */
TEST(image_dicom_bits) {
  static const struct {
    uint32_t allocated, stored, high, is_signed, raw;
    int expected;
  } cases[] = {
      {16, 12, 11, 0, 0xF123, 0x123},  {16, 12, 11, 1, 0x0FFF, -1},    {16, 12, 11, 1, 0xF7FF, 2047},
      {16, 12, 11, 1, 0x0800, -2048},  {16, 12, 15, 0, 0xABCF, 0xABC}, {16, 12, 15, 1, 0xFFF7, -1},
      {16, 16, 15, 1, 0x8000, -32768}, {16, 16, 15, 0, 0x8000, 32768}, {16, 1, 0, 0, 0xFFFF, 1},
      {16, 1, 0, 1, 0x0001, -1},       {16, 12, 3, 0, 0x0FFF, 0xFFF},  {16, 10, 12, 0, 0x1FFF, 0x3FF},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    dicom_builder b = {0};
    uint16_t raw = (uint16_t)cases[i].raw;
    dicom_begin(&b, i % 2 ? EXPLICIT_BIG : IMPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){.rows = 1,
                                   .columns = 1,
                                   .allocated = cases[i].allocated,
                                   .stored = cases[i].stored,
                                   .high = cases[i].high,
                                   .is_signed = cases[i].is_signed});
    dicom_words(&b, 0x7FE00010, "OW", &raw, 1);
    nsc_image *image = test_open(b.bytes, b.size, NULL);
    REQUIRE(image);
    double value[3];
    CHECK_EQ(nsc_image_probe(image, 0, 0, 0, value, NULL), NSC_OK);
    CHECK_NEAR(value[0], cases[i].expected, 0);
    nsc_image_free(image);
    dicom_end(&b);
  }
}

TEST(image_dicom_8_bit_signed_and_masked) {
  dicom_builder b = {0};
  const uint8_t raw[4] = {0x0F, 0x08, 0xF7, 0x80};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 4, .allocated = 8, .stored = 4, .is_signed = 1});
  dicom_bytes(&b, 0x7FE00010, "OB", raw, 4);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  const void *samples;
  REQUIRE(nsc_image_frame(image, 0, &samples, NULL) == NSC_OK);
  const int8_t *s = samples;
  CHECK_EQ(s[0], -1);
  CHECK_EQ(s[1], -8);
  CHECK_EQ(s[2], 7);
  CHECK_EQ(s[3], 0);
  nsc_image_free(image);
  dicom_end(&b);
}

/* Two pixels (1,2,3) (4,5,6), interleaved and by plane, 8 and 16 bits, two frames; in big endian 8 bits as words. */
TEST(image_dicom_color) {
  for (int variant = 0; variant < 8; variant++) {
    bool planar = variant & 1, wide = variant & 2, big = variant & 4;
    static const uint8_t by_pixel[12] = {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};
    static const uint8_t by_plane[12] = {1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16};
    const uint8_t *values = planar ? by_plane : by_pixel;
    uint16_t words[12];
    for (int i = 0; i < 12; i++) words[i] = (uint16_t)(values[i] * 257);
    dicom_builder b = {0};
    dicom_begin(&b, big ? EXPLICIT_BIG : EXPLICIT_LITTLE);
    dicom_image(&b,
                (dicom_pixels){
                    .rows = 1, .columns = 2, .samples = 3, .allocated = wide ? 16 : 8, .planar = planar, .frames = 2});
    if (wide) {
      dicom_words(&b, 0x7FE00010, "OW", words, 12);
    } else if (big && !planar) {
      for (int i = 0; i < 6; i++) words[i] = (uint16_t)(values[2 * i] | values[2 * i + 1] << 8);
      dicom_words(&b, 0x7FE00010, "OW", words, 6);
    } else {
      dicom_bytes(&b, 0x7FE00010, "OB", values, 12);
    }
    nsc_image *image = test_open(b.bytes, b.size, NULL);
    REQUIRE(image);
    for (uint32_t frame = 2; frame-- > 0;) {
      for (uint32_t x = 0; x < 2; x++) {
        double c[3];
        CHECK_EQ(nsc_image_probe(image, frame, x, 0, c, NULL), NSC_OK);
        for (int k = 0; k < 3; k++) CHECK_NEAR(c[k], (1 + k + 3 * (int)x + 10 * (int)frame) * (wide ? 257 : 1), 0);
      }
    }
    nsc_image_free(image);
    dicom_end(&b);
  }
}

TEST(image_dicom_sequences) {
  for (int i = 0; i < 3; i++) {
    dicom_builder b = {0};
    dicom_begin(&b, i == 0 ? IMPLICIT_LITTLE : i == 1 ? EXPLICIT_LITTLE : EXPLICIT_BIG);
    dicom_open(&b, 0x00081140);
    for (int item = 0; item < 2; item++) {
      dicom_item(&b);
      dicom_text(&b, 0x00081150, "UI", "1.2.3");
      dicom_open(&b, 0x00091010); /* private, nested */
      dicom_item(&b);
      dicom_text(&b, 0x00091011, "LO", "inner");
      dicom_end_item(&b);
      dicom_close(&b);
      dicom_end_item(&b);
    }
    dicom_close(&b);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
    dicom_words(&b, 0x7FE00010, "OW", six, 6);
    check_six(b.bytes, b.size);
    nsc_image *image = test_open(b.bytes, b.size, NULL);
    char *json = NULL;
    REQUIRE(image && nsc_image_json(image, &json, NULL) == NSC_OK);
    CHECK_HAS(json, "{\"tag\":\"0008,1140\",\"vr\":\"SQ\",\"name\":\"Referenced Image Sequence\",\"items\":[[");
    CHECK_HAS(json, "inner");
    nsc_text_free(json);
    nsc_image_free(image);
    dicom_end(&b);
  }
}

/* PS3.5 6.2.2: inside UN of undefined length everything is implicit little endian. */
TEST(image_dicom_unknown_vr_sequence) {
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_header(&b, 0x00091002, "UN", 0xFFFFFFFF);
  b.implicit = true;
  dicom_item(&b);
  dicom_text(&b, 0x00091003, "LO", "hidden");
  dicom_end_item(&b);
  dicom_close(&b);
  b.implicit = false;
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
  dicom_words(&b, 0x7FE00010, "OW", six, 6);
  check_six(b.bytes, b.size);
  dicom_end(&b);
}

/* A sequence of known length with rubbish inside is stepped over. */
TEST(image_dicom_damaged_sequence) {
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_bytes(&b, 0x00081140, "SQ", "this is no sequence.", 20);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
  dicom_words(&b, 0x7FE00010, "OW", six, 6);
  check_six(b.bytes, b.size);
  dicom_end(&b);
}

TEST(image_dicom_depth_limit) {
  dicom_builder b = {0};
  nsc_error err;
  dicom_begin(&b, EXPLICIT_LITTLE);
  for (int i = 0; i < 5000; i++) {
    dicom_open(&b, 0x00081140);
    dicom_item(&b);
  }
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_LIMIT);
  CHECK_HAS(err.text, "nested more than 64 deep");
  dicom_end(&b);
}

TEST(image_dicom_refusals_name_the_reason) {
  static const struct {
    const char *syntax;
    dicom_pixels pixels;
    nsc_status status;
    const char *text;
  } cases[] = {
      {"1.2.840.10008.1.2.4.110",
       {.rows = 1, .columns = 1, .allocated = 8},
       NSC_ERROR_UNSUPPORTED,
       "JPEG XL Lossless (1.2.840.10008.1.2.4.110) is not supported"},
      {"1.2.840.10008.1.2.4.70",
       {.rows = 1, .columns = 1, .allocated = 8},
       NSC_ERROR_CORRUPT,
       "no encapsulated pixel data in the transfer syntax JPEG Lossless, Non-Hierarchical, First-Order Prediction"},
      {"1.2.3.4", {.rows = 1, .columns = 1, .allocated = 8}, NSC_ERROR_UNSUPPORTED, "1.2.3.4 is not known"},
      {EXPLICIT_LITTLE,
       {.rows = 1, .columns = 1, .allocated = 8, .photometric = "PALETTE COLOR"},
       NSC_ERROR_CORRUPT,
       "without descriptor"},
      {EXPLICIT_LITTLE,
       {.rows = 1, .columns = 1, .samples = 3, .allocated = 8, .photometric = "YBR_RCT"},
       NSC_ERROR_UNSUPPORTED,
       "YBR_RCT is not supported in this transfer syntax"},
      {EXPLICIT_LITTLE,
       {.rows = 1, .columns = 1, .samples = 4, .allocated = 8, .photometric = "CMYK"},
       NSC_ERROR_UNSUPPORTED,
       "the photometric interpretation CMYK is not supported"},
      {EXPLICIT_LITTLE,
       {.rows = 1, .columns = 3, .samples = 3, .allocated = 8, .photometric = "YBR_FULL_422"},
       NSC_ERROR_CORRUPT,
       "3 columns"},
      {EXPLICIT_LITTLE, {.rows = 1, .columns = 1, .allocated = 12}, NSC_ERROR_UNSUPPORTED, "12 bits"},
      {EXPLICIT_LITTLE, {.rows = 6, .columns = 6, .allocated = 1}, NSC_ERROR_TRUNCATED, "1 of 5 bytes"},
      {EXPLICIT_LITTLE, {.rows = 0, .columns = 1, .allocated = 8}, NSC_ERROR_CORRUPT, "1 x 0 pixels"},
      {EXPLICIT_LITTLE, {.rows = 1, .columns = 1, .allocated = 8, .stored = 9}, NSC_ERROR_CORRUPT, "9 of 8 bits"},
      {EXPLICIT_LITTLE,
       {.rows = 1, .columns = 1, .samples = 3, .allocated = 8, .photometric = "MONOCHROME2"},
       NSC_ERROR_CORRUPT,
       "MONOCHROME2 with 3 samples"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    dicom_builder b = {0};
    nsc_error err;
    dicom_begin(&b, cases[i].syntax);
    dicom_image(&b, cases[i].pixels);
    dicom_bytes(&b, 0x7FE00010, "OB", "1234", 4);
    CHECK_EQ(test_open_status(b.bytes, b.size, &err), cases[i].status);
    CHECK_HAS(err.text, cases[i].text);
    dicom_end(&b);
  }
}

TEST(image_dicom_without_pixels) {
  dicom_builder b = {0};
  nsc_error err;
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.88.11");
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_NO_PIXELS);
  CHECK_HAS(err.text, "Basic Text SR Storage");
  dicom_bytes(&b, 0x7FE00008, "OF", "1234", 4);
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "Rows is missing");
  dicom_end(&b);
}

TEST(image_dicom_limits) {
  dicom_builder b = {0};
  build_six(&b, DEFLATED);
  static const struct {
    nsc_image_options options;
    const char *text;
  } cases[] = {
      {{.max_dimension = 2}, "limit is 2 on a side"},
      {{.max_frame_bytes = 11}, "larger than the limit of 11 bytes"},
      {{.max_inflated = 64}, "unpack to more than 64 bytes"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    nsc_error err = {0};
    nsc_source *source = NULL;
    nsc_image *image = NULL;
    REQUIRE(nsc_source_from_bytes(b.bytes, b.size, &source, NULL) == NSC_OK);
    CHECK_EQ(nsc_image_open(source, &cases[i].options, &image, &err), NSC_ERROR_LIMIT);
    CHECK_HAS(err.text, cases[i].text);
    nsc_source_free(source);
  }
  dicom_end(&b);
  dicom_begin(&b, EXPLICIT_LITTLE); /* frames that cannot be there must not be waited for */
  dicom_image(&b, (dicom_pixels){.rows = 65535, .columns = 65535, .allocated = 8, .frames = 60000});
  dicom_bytes(&b, 0x7FE00010, "OB", "12", 2);
  CHECK_EQ(test_open_status(b.bytes, b.size, NULL), NSC_ERROR_LIMIT);
  dicom_end(&b);
}

TEST(image_dicom_facts) {
  dicom_builder b = {0};
  uint16_t pixels[4] = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080005, "CS", "ISO_IR 100");
  dicom_text(&b, 0x00080060, "CS", "XA");
  dicom_text(&b, 0x00100010, "PN", "M\xFCller^J\xF6rg");
  dicom_text(&b, 0x00181063, "DS", "33.5");
  dicom_bytes(&b, 0x00189087, "FD", "\x9A\x99\x99\x99\x99\x99\xB9\x3F", 8);
  dicom_text(&b, 0x00181164, "DS", "0.5\\0.25");
  dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 2, .allocated = 16, .frames = 2});
  dicom_words(&b, 0x7FE00010, "OW", pixels, 4);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_NEAR(info.spacing_y, 0.5, 0); /* rows first in the file */
  CHECK_NEAR(info.spacing_x, 0.25, 0);
  CHECK_NEAR(info.frame_ms, 33.5, 0);
  CHECK_EQ(info.frames, 2);
  char *json = NULL;
  REQUIRE(nsc_image_json(image, &json, NULL) == NSC_OK);
  CHECK_HAS(json, "\"format\":\"DICOM\",\"width\":2,\"height\":1,\"frames\":2");
  CHECK_HAS(json, "\"spacing\":[0.25,0.5]");
  CHECK_HAS(json, "\"transferSyntax\":\"1.2.840.10008.1.2.1\"");
  CHECK_HAS(json, "\"modality\":\"XA\"");
  CHECK_HAS(json, "\"tag\":\"0018,9087\",\"vr\":\"FD\",\"name\":\"\",\"value\":\"0.1\"}");
  CHECK_HAS(json,
            "{\"tag\":\"0010,0010\",\"vr\":\"PN\",\"name\":\"Patient's "
            "Name\",\"value\":\"M\xC3\xBCller^J\xC3\xB6rg\",\"personal\":true}");
  CHECK_HAS(json, "{\"tag\":\"7FE0,0010\",\"vr\":\"OW\",\"name\":\"Pixel Data\",\"value\":\"(8 bytes)\"}");
  nsc_text_free(json);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_dicom_character_sets) {
  static const struct {
    const char *set, *bytes, *utf8;
  } cases[] = {
      {"ISO_IR 192", "\xE7\x8E\x8B", "\"\xE7\x8E\x8B\""},
      {"ISO_IR 144", "\xBB\xEE\xDA", "\"\xD0\x9B\xD1\x8E\xD0\xBA\""},
      {"ISO_IR 126", "\xC4\xE9", "\"\xCE\x94\xCE\xB9\""},
      {"ISO_IR 13", "\xD4\xCF", "\"\xEF\xBE\x94\xEF\xBE\x8F\""},
      {"ISO 2022 IR 6\\ISO 2022 IR 144", "a\x1B-L\xBB^\xBB", "\"a\xD0\x9B^\xEF\xBF\xBD\""},
      {"ISO 2022 IR 100", "\xC4", "\"\xC3\x84\""},
      {"ISO_IR 6", "a\xC4", "\"a\xEF\xBF\xBD\""},
      {"\\ISO 2022 IR 87", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
       "\"Yamada^Tarou=\xE5\xB1\xB1\xE7\x94\xB0^\xE5\xA4\xAA\xE9\x83\x8E=\xE3\x82\x84\xE3\x81\xBE\xE3\x81\xA0^"
       "\xE3\x81\x9F\xE3\x82\x8D\xE3\x81\x86\""}, /* PS3.5 H.3.1 */
      {"ISO 2022 IR 13\\ISO 2022 IR 87",
       "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
       "\"\xEF\xBE\x94\xEF\xBE\x8F\xEF\xBE\x80\xEF\xBE\x9E^\xEF\xBE\x80\xEF\xBE\x9B\xEF\xBD\xB3="
       "\xE5\xB1\xB1\xE7\x94\xB0^\xE5\xA4\xAA\xE9\x83\x8E=\xE3\x82\x84\xE3\x81\xBE\xE3\x81\xA0^"
       "\xE3\x81\x9F\xE3\x82\x8D\xE3\x81\x86\""}, /* PS3.5 H.3.2 */
      {"\\ISO 2022 IR 149",
       "Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
       "\"Hong^Gildong=\xE6\xB4\xAA^\xE5\x90\x89\xE6\xB4\x9E=\xED\x99\x8D^\xEA\xB8\xB8\xEB\x8F\x99\""}, /* PS3.5 I.2 */
      {"GB18030", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
       "\"Wang^XiaoDong=\xE7\x8E\x8B^\xE5\xB0\x8F\xE4\xB8\x9C=\""}, /* PS3.5 J.3 */
      {"GBK", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
       "\"Wang^XiaoDong=\xE7\x8E\x8B^\xE5\xB0\x8F\xE4\xB8\x9C=\""}, /* PS3.5 J.4: GBK */
      {"\\ISO 2022 IR 58", "Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
       "\"Zhang^XiaoDong=\xE5\xBC\xA0^\xE5\xB0\x8F\xE4\xB8\x9C=\""}, /* PS3.5 K.2 */
#ifndef __EMSCRIPTEN__ /* there the platform decodes: browsers know JIS X 0212, Node 20 does not */
      {"\\ISO 2022 IR 159", "a\x1B$(D0!\x1B(Bb",
       "\"a\xE4\xB8\x82"
       "b\""}, /* JIS X 0212: its first ideograph */
#endif
      {"ISO_IR 101", "\xB1\xA3", "\"\xC4\x85\xC5\x81\""}, /* Latin-2, 3, 4, 5 */
      {"ISO_IR 109", "\xB6\xA9", "\"\xC4\xA5\xC4\xB0\""},
      {"ISO_IR 110", "\xA2\xBD", "\"\xC4\xB8\xC5\x8A\""},
      {"ISO_IR 148", "\xDD\xFE", "\"\xC4\xB0\xC5\x9F\""},
      {"GB18030", "a\xFF", "\"a\xEF\xBF\xBD\""}, /* no such character, and one that is cut off */
      {"\\ISO 2022 IR 149", "\x1B$)C\xB1^b\xB1\xE6", "\"\xEF\xBF\xBD^b\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\\ISO 2022 IR 87", "\x1B$B;3E\x1B(B!", "\"\xE5\xB1\xB1\xEF\xBF\xBD!\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    dicom_builder b = {0};
    dicom_begin(&b, IMPLICIT_LITTLE);
    dicom_text(&b, 0x00080005, "CS", cases[i].set);
    dicom_text(&b, 0x00100010, "PN", cases[i].bytes);
    dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 1, .allocated = 8});
    dicom_bytes(&b, 0x7FE00010, "OB", "12", 2);
    nsc_image *image = test_open(b.bytes, b.size, NULL);
    char *json = NULL;
    REQUIRE(image && nsc_image_json(image, &json, NULL) == NSC_OK);
    CHECK_HAS(json, cases[i].utf8);
    nsc_text_free(json);
    nsc_image_free(image);
    dicom_end(&b);
  }
}
