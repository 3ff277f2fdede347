/* PNG, JPEG, BMP, GIF, TGA and PNM: exact pixels from files written here, and how broken ones are refused. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "png_builder.h"
#include "test.h"
#include "tiny_files.h"

/* Opens, and compares every sample of one frame. */
static void check_samples(const void *bytes, size_t size, uint32_t frame, uint32_t width, uint32_t height,
                          uint32_t channels, uint32_t bits, const int *expected) {
  nsc_error err = {0};
  nsc_image *image = test_open(bytes, size, &err);
  CHECK_STR(err.text, "");
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.width, width);
  CHECK_EQ(info.height, height);
  CHECK_EQ(info.channels, channels);
  CHECK_EQ(info.bits, bits);
  const void *samples = NULL;
  CHECK_EQ(nsc_image_frame(image, frame, &samples, &err), NSC_OK);
  for (uint32_t i = 0; samples && i < width * height * channels; i++) {
    CHECK_EQ(bits > 8 ? ((const uint16_t *)samples)[i] : ((const uint8_t *)samples)[i], expected[i]);
  }
  nsc_image_free(image);
}

TEST(image_sniff_by_content) {
  static const struct {
    const char *bytes;
    size_t size;
    nsc_format format;
  } cases[] = {
      {"\x89PNG\r\n\x1A\n", 8, NSC_FORMAT_PNG},
      {"\x89PNG\r\n\x1A", 7, NSC_FORMAT_UNKNOWN},
      {"\xFF\xD8\xFF\xE0", 4, NSC_FORMAT_JPEG},
      {"GIF89a", 6, NSC_FORMAT_GIF},
      {"GIF88a", 6, NSC_FORMAT_UNKNOWN},
      {"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18, NSC_FORMAT_BMP},
      {"BMP is a format", 15, NSC_FORMAT_UNKNOWN},
      {"P5 1 1 255\n1", 12, NSC_FORMAT_PNM},
      {"P7\n", 3, NSC_FORMAT_UNKNOWN},
      {"P5x", 3, NSC_FORMAT_UNKNOWN},
      {"\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\x18\0", 18, NSC_FORMAT_TGA},
      {"\0\0\2\0\0\0\0\0\0\0\0\0\0\0\1\0\x18\0", 18, NSC_FORMAT_UNKNOWN}, /* no width */
      {"\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\x18\xC0", 18, NSC_FORMAT_UNKNOWN},
      {"\x08\0\x05\0CS\x0A\0ISO_IR 100", 18, NSC_FORMAT_DICOM},
      {"\x08\0\x05\0\x0A\0\0\0ISO_IR 100\x08\0\x16\0\0\0\0\0", 26, NSC_FORMAT_DICOM},
      {"\0\x08\0\x05"
       "CS\0\x0AISO_IR 100",
       18, NSC_FORMAT_DICOM},
      {"plain text, nothing else, long enough for every header there is", 63, NSC_FORMAT_UNKNOWN},
      {"", 0, NSC_FORMAT_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CHECK_EQ(nsc_sniff((const uint8_t *)cases[i].bytes, cases[i].size), cases[i].format);
  }
  CHECK_EQ(nsc_sniff(NULL, 0), NSC_FORMAT_UNKNOWN);
  CHECK_STR(nsc_format_name(NSC_FORMAT_JPEG), "JPEG");
  CHECK_STR(nsc_format_name((nsc_format)99), "unknown");
  CHECK_EQ(test_open_status("", 0, NULL), NSC_ERROR_UNKNOWN_FORMAT);
}

TEST(image_png_depths) {
  static png_builder p;
  png_whole(&p, 9, 1, 1, 0, "\0\xA5\x80", 3);
  check_samples(p.bytes, p.size, 0, 9, 1, 1, 8, (const int[]){255, 0, 255, 0, 0, 255, 0, 255, 255});
  png_whole(&p, 3, 1, 2, 0, "\0\x6C", 2);
  check_samples(p.bytes, p.size, 0, 3, 1, 1, 8, (const int[]){85, 170, 255});
  png_whole(&p, 2, 1, 4, 0, "\0\x0F", 2);
  check_samples(p.bytes, p.size, 0, 2, 1, 1, 8, (const int[]){0, 255});
  png_whole(&p, 2, 1, 16, 0, "\0\x12\x34\xFF\xFE", 5);
  check_samples(p.bytes, p.size, 0, 2, 1, 1, 16, (const int[]){0x1234, 0xFFFE});
  png_whole(&p, 1, 1, 16, 2, "\0\x12\x34\xFF\xFE\0\1", 7);
  check_samples(p.bytes, p.size, 0, 1, 1, 3, 16, (const int[]){0x1234, 0xFFFE, 1});
}

TEST(image_png_filters) {
  static png_builder p; /* rows: none, sub, up, average, paeth */
  const uint8_t rows[] = {0, 10, 20, 30, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1};
  png_whole(&p, 3, 5, 8, 0, rows, sizeof rows);
  check_samples(p.bytes, p.size, 0, 3, 5, 1, 8, (const int[]){10, 20, 30, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5});
  png_whole(&p, 1, 1, 8, 0, "\5\1", 2);
  CHECK_EQ(test_open_status(p.bytes, p.size, NULL), NSC_ERROR_CORRUPT);
}

TEST(image_png_transparency_is_black) {
  static png_builder p;
  png_whole(&p, 2, 1, 8, 4, "\0\xC8\x80\x64\xFF", 5); /* grey 200 at alpha 128; 100 opaque */
  check_samples(p.bytes, p.size, 0, 2, 1, 1, 8, (const int[]){100, 100});
  png_whole(&p, 1, 1, 16, 6, "\0\xFF\xFF\x80\0\0\0\x80\0", 9);
  check_samples(p.bytes, p.size, 0, 1, 1, 3, 16, (const int[]){32768, 16384, 0});
  png_begin(&p);
  png_header(&p, 3, 1, 8, 3, 0);
  png_chunk(&p, "PLTE", "\1\2\3\x64\x64\x64\xC8\xC8\xC8", 9);
  png_chunk(&p, "tRNS", "\xFF\x80", 2);
  png_data(&p, "\0\0\1\2", 4);
  png_chunk(&p, "IEND", NULL, 0);
  check_samples(p.bytes, p.size, 0, 3, 1, 3, 8, (const int[]){1, 2, 3, 50, 50, 50, 200, 200, 200});
  png_begin(&p);
  png_header(&p, 2, 1, 8, 0, 0);
  png_chunk(&p, "tRNS", "\0\x07", 2);
  png_data(&p, "\0\7\x08", 3);
  png_chunk(&p, "IEND", NULL, 0);
  check_samples(p.bytes, p.size, 0, 2, 1, 1, 8, (const int[]){0, 8});
}

/* 3 x 3 in Adam7: passes 1, 4, 5, 6 and 7 have pixels. */
TEST(image_png_interlaced) {
  static png_builder p;
  const uint8_t rows[] = {0, 1, 0, 3, 0, 7, 9, 0, 2, 0, 8, 0, 4, 5, 6};
  png_begin(&p);
  png_header(&p, 3, 3, 8, 0, 1);
  png_data(&p, rows, sizeof rows);
  png_chunk(&p, "IEND", NULL, 0);
  check_samples(p.bytes, p.size, 0, 3, 3, 1, 8, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST(image_png_refusals) {
  static png_builder p;
  nsc_error err;
  png_whole(&p, 1, 1, 8, 0, "\0\1\1", 3);
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "unpacks to more than");
  png_whole(&p, 2, 2, 8, 0, "\0\1\1", 3);
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_TRUNCATED);
  CHECK_HAS(err.text, "ends 3 bytes too early");
  png_whole(&p, 30000, 30000, 8, 0, "\0\1\1", 3); /* a bomb's header: refused without 900 MB */
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "cannot hold");
  png_whole(&p, 70000, 1, 8, 0, "\0\1\1", 3);
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_LIMIT);
  png_whole(&p, 1, 1, 8, 0, "\0\1", 2);
  p.bytes[p.size - 12 - 9] ^= 1; /* the Adler checksum: CRC complains first */
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "checksum");
  png_begin(&p);
  png_header(&p, 1, 1, 8, 3, 0);
  png_data(&p, "\0\0", 2);
  png_chunk(&p, "IEND", NULL, 0);
  CHECK_EQ(test_open_status(p.bytes, p.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "palette");
}

TEST(image_jpeg) {
  int expected[64];
  for (int i = 0; i < 64; i++) expected[i] = 100;
  check_samples(tiny_jpeg_grey, sizeof tiny_jpeg_grey, 0, 8, 8, 1, 8, expected);
  nsc_image *image = test_open(tiny_jpeg_progressive, sizeof tiny_jpeg_progressive, NULL);
  REQUIRE(image);
  const void *samples;
  REQUIRE(nsc_image_frame(image, 0, &samples, NULL) == NSC_OK);
  for (int i = 0; i < 128; i++) {
    const uint8_t *pixel = (const uint8_t *)samples + 3 * i;
    CHECK_NEAR(pixel[0], 200, 3);
    CHECK_NEAR(pixel[1], 60, 3);
    CHECK_NEAR(pixel[2], 20, 3);
  }
  nsc_image_free(image);
}

TEST(image_jpeg_unsupported_kinds) {
  uint8_t copy[sizeof tiny_jpeg_grey];
  nsc_error err;
  size_t sof = 0;
  for (size_t i = 0; i + 1 < sizeof copy; i++) {
    if (tiny_jpeg_grey[i] == 0xFF && tiny_jpeg_grey[i + 1] == 0xC0) sof = i;
  }
  memcpy(copy, tiny_jpeg_grey, sizeof copy);
  copy[sof + 5] = copy[sof + 7] = 0xFF; /* a size that the few bytes cannot hold must not be decoded for seconds */
  CHECK_EQ(test_open_status(copy, sizeof copy, &err), NSC_ERROR_TRUNCATED);
  CHECK_HAS(err.text, "cannot hold the picture");
  copy[sof + 5] = copy[sof + 7] = 0;
  copy[sof + 1] = 0xC3;
  CHECK_EQ(test_open_status(copy, sizeof copy, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "lossless");
  copy[sof + 1] = 0xC9;
  CHECK_EQ(test_open_status(copy, sizeof copy, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "arithmetic");
  copy[sof + 1] = 0xC1;
  copy[sof + 4] = 12;
  CHECK_EQ(test_open_status(copy, sizeof copy, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "12 bits");
}

TEST(image_gif_frames) {
  int first[36], second[36];
  for (int i = 0; i < 36; i++) first[i] = second[i] = i % 3 == i / 3 % 3 ? 255 : 0;
  for (int c = 0; c < 3; c++) second[15 + c] = 9; /* pixel (1, 1) */
  check_samples(tiny_gif, sizeof tiny_gif, 0, 4, 3, 3, 8, first);
  check_samples(tiny_gif, sizeof tiny_gif, 1, 4, 3, 3, 8, second);
  nsc_image *image = test_open(tiny_gif, sizeof tiny_gif, NULL);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.frames, 2);
  CHECK_NEAR(info.frame_ms, 70, 0);
  for (int i = 0; i < 4; i++) { /* back and forth */
    const void *samples;
    REQUIRE(nsc_image_frame(image, (uint32_t)(i + 1) % 2, &samples, NULL) == NSC_OK);
    CHECK_EQ(((const uint8_t *)samples)[15], (i + 1) % 2 ? 9 : first[15]);
  }
  nsc_image_free(image);
}

static const uint8_t bmp_2x2[] = {'B', 'M', 70, 0, 0,  0, 0, 0, 0, 0,  54, 0,  0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0,
                                  0,   0,   1,  0, 24, 0, 0, 0, 0, 0,  0,  0,  0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0,   0,   0,  0, 0,  0, 7, 8, 9, 10, 11, 12, 0, 0, 1,  2, 3, 4, 5, 6, 0, 0};

TEST(image_bmp) {
  uint8_t copy[sizeof bmp_2x2];
  memcpy(copy, bmp_2x2, sizeof copy);
  check_samples(copy, sizeof copy, 0, 2, 2, 3, 8, (const int[]){3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10});
  copy[22] = 0xFE; /* height -2: rows from the top */
  copy[23] = copy[24] = copy[25] = 0xFF;
  check_samples(copy, sizeof copy, 0, 2, 2, 3, 8, (const int[]){9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4});
  copy[22] = copy[23] = copy[24] = 0; /* the height that has no positive */
  copy[25] = 0x80;
  CHECK_EQ(test_open_status(copy, sizeof copy, NULL), NSC_ERROR_LIMIT);
}

/* A header of 40 bytes with `bits`, `compression`, size and palette colours (1,2,3), (4,5,6), ... */
static size_t bmp_of(uint8_t *out, uint32_t width, uint32_t height, uint32_t bits, uint32_t compression,
                     uint32_t colors, const void *pixels, size_t size) {
  memset(out, 0, 54);
  memcpy(out, "BM", 2);
  out[10] = (uint8_t)(54 + 4 * colors);
  out[14] = 40;
  out[18] = (uint8_t)width;
  out[22] = (uint8_t)height;
  out[26] = 1;
  out[28] = (uint8_t)bits;
  out[30] = (uint8_t)compression;
  for (uint32_t i = 0; i < colors; i++) {
    const uint8_t blue_first[4] = {(uint8_t)(3 * i + 3), (uint8_t)(3 * i + 2), (uint8_t)(3 * i + 1), 0};
    memcpy(out + 54 + 4 * i, blue_first, 4);
  }
  memcpy(out + 54 + 4 * colors, pixels, size);
  return 54 + 4 * colors + size;
}

TEST(image_bmp_kinds) {
  uint8_t file[256];
  size_t n = bmp_of(file, 3, 1, 1, 0, 2, "\xA0\0\0\0", 4);
  check_samples(file, n, 0, 3, 1, 3, 8, (const int[]){4, 5, 6, 1, 2, 3, 4, 5, 6});
  n = bmp_of(file, 2, 1, 8, 0, 1, "\0\1\0\0", 4); /* colour 1 is missing: black */
  check_samples(file, n, 0, 2, 1, 3, 8, (const int[]){1, 2, 3, 0, 0, 0});
  n = bmp_of(file, 2, 1, 16, 0, 0, "\0\x7C\x1F\0", 4);
  check_samples(file, n, 0, 2, 1, 3, 8, (const int[]){255, 0, 0, 0, 0, 255});
  n = bmp_of(file, 1, 1, 32, 0, 0, "\3\2\1\0", 4); /* the fourth byte is unused, not alpha 0 */
  check_samples(file, n, 0, 1, 1, 3, 8, (const int[]){1, 2, 3});
  const uint8_t fields[] = {0, 0xF8, 0, 0, 0xE0, 7, 0, 0, 0x1F, 0, 0, 0, 0, 0xF8, 0xE0, 7};
  n = bmp_of(file, 2, 1, 16, 3, 0, fields, sizeof fields);
  file[10] = 66;
  check_samples(file, n, 0, 2, 1, 3, 8, (const int[]){255, 0, 0, 0, 255, 0});
  /* From the bottom: two of colour 1, end of line, literal 0 1 0, end. */
  n = bmp_of(file, 3, 2, 8, 1, 2, "\2\1\0\0\0\3\0\1\0\0\0\1", 12);
  check_samples(file, n, 0, 3, 2, 3, 8, (const int[]){1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 4, 5, 6, 0, 0, 0});
  CHECK_EQ(test_open_status(file, n - 1, NULL), NSC_ERROR_TRUNCATED);
  n = bmp_of(file, 3, 1, 4, 2, 2, "\3\x10\0\1", 4);
  check_samples(file, n, 0, 3, 1, 3, 8, (const int[]){4, 5, 6, 1, 2, 3, 4, 5, 6});
}

TEST(image_tga) {
  const uint8_t plain[] = {0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 8, 0x20, 1, 2, 3, 4};
  check_samples(plain, sizeof plain, 0, 2, 2, 1, 8, (const int[]){1, 2, 3, 4});
  const uint8_t packed[] = {0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 24, 0x20, 0x81, 1, 2, 3, 0, 4, 5, 6};
  check_samples(packed, sizeof packed, 0, 3, 1, 3, 8, (const int[]){3, 2, 1, 3, 2, 1, 6, 5, 4});
  CHECK_EQ(test_open_status(packed, sizeof packed - 1, NULL), NSC_ERROR_TRUNCATED);
}

TEST(image_pnm) {
  check_samples("P1 3 1\n1 01", 11, 0, 3, 1, 1, 8, (const int[]){0, 255, 0});
  check_samples("P4 3 1\n\xA0", 8, 0, 3, 1, 1, 8, (const int[]){0, 255, 0});
  check_samples("P2#c\n2 1 300\n 17 300", 20, 0, 2, 1, 1, 9, (const int[]){17, 300});
  check_samples("P3 1 1 255 1 2 3", 16, 0, 1, 1, 3, 8, (const int[]){1, 2, 3});
  check_samples("P5 2 1 1000\n\1\2\3\4", 16, 0, 2, 1, 1, 10, (const int[]){0x102, 0x304});
  check_samples("P6 1 1 255\nabc", 14, 0, 1, 1, 3, 8, (const int[]){'a', 'b', 'c'});
  CHECK_EQ(test_open_status("P5 1 1 100\n\x65", 12, NULL), NSC_ERROR_CORRUPT); /* 101 above 100 */
  CHECK_EQ(test_open_status("P5 1 1 70000\n12", 15, NULL), NSC_ERROR_CORRUPT);
  CHECK_EQ(test_open_status("P5 60000 9000 255\n1", 19, NULL), NSC_ERROR_TRUNCATED);
}

TEST(image_picture_json) {
  nsc_image *image = test_open("P5 1 1 255\n1", 12, NULL);
  char *json = NULL;
  REQUIRE(image && nsc_image_json(image, &json, NULL) == NSC_OK);
  CHECK_HAS(
      json,
      "{\"format\":\"PNM\",\"width\":1,\"height\":1,\"frames\":1,\"frameMs\":0,\"channels\":1,\"bits\":8,"
      "\"signed\":false,\"photometric\":\"MONOCHROME2\",\"spacing\":null,\"rescale\":{\"slope\":1,\"intercept\":0,"
      "\"unit\":null},\"modalityLut\":false,\"padding\":null,\"windows\":[],\"voiLuts\":[],\"place\":null,"
      "\"transferSyntax\":null,"
      "\"transferSyntaxName\":null,\"sopClass\":null,\"modality\":null,\"tags\":[],\"identity\":\"file-");
  nsc_text_free(json);
  nsc_image_free(image);
}
