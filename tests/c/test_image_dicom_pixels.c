/* Kinds of pixels that no compressed codestream is needed for: bits, floats, colour, RLE, encapsulation. */
#include <stdlib.h>
#include <string.h>

#include "dicom_builder.h"
#include "test.h"

#define RLE "1.2.840.10008.1.2.5"
#define ENCAPSULATED "1.2.840.10008.1.2.1.98"
#define DEFLATED_FRAMES "1.2.840.10008.1.2.8.1"

/* Opens, compares every frame's samples and frees. `expected` holds all frames. */
static void check_frames(dicom_builder *b, nsc_sample_type type, uint32_t channels, const void *expected, int line) {
  nsc_error err = {0};
  nsc_image *image = test_open(b->bytes, b->size, &err);
  if (!image) {
    test_failed(__FILE__, line, "cannot open: %s", err.text);
    return;
  }
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.type, type);
  CHECK_EQ(info.channels, channels);
  size_t bytes = (size_t)info.width * info.height * info.channels * nsc_sample_size(info.type);
  for (uint32_t i = 0; i < info.frames; i++) {
    const void *samples;
    if (nsc_image_frame(image, i, &samples, &err) != NSC_OK) {
      test_failed(__FILE__, line, "frame %u: %s", i, err.text);
    } else if (memcmp(samples, (const uint8_t *)expected + i * bytes, bytes) != 0) {
      test_failed(__FILE__, line, "frame %u differs", i);
    }
  }
  nsc_image_free(image);
}
#define CHECK_FRAMES(b, type, channels, expected) check_frames(b, type, channels, expected, __LINE__)

TEST(image_dicom_single_bits_are_not_aligned_to_frames) {
  static const uint8_t expected[3][9] = {
      {1, 0, 1, 1, 0, 0, 1, 0, 1}, {0, 1, 1, 0, 1, 0, 0, 0, 1}, {1, 1, 1, 1, 0, 0, 0, 1, 0}};
  uint8_t bits[4] = {0}, swapped[4];
  for (uint32_t i = 0; i < 27; i++) bits[i / 8] |= (uint8_t)(expected[i / 9][i % 9] << (i % 8));
  for (uint32_t i = 0; i < 4; i++) swapped[i] = bits[i ^ 1];
  dicom_pixels p = {.rows = 3, .columns = 3, .allocated = 1, .frames = 3};
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, p);
  dicom_bytes(&b, 0x7FE00010, "OB", bits, 4);
  CHECK_FRAMES(&b, NSC_SAMPLE_U8, 1, expected);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  nsc_view view;
  uint8_t rgba[9 * 4];
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  REQUIRE(nsc_render(image, &view, rgba, sizeof rgba, NULL) == NSC_OK);
  CHECK_EQ(rgba[0], 255);
  CHECK_EQ(rgba[4], 0);
  nsc_image_free(image);
  dicom_end(&b);
  dicom_begin(&b, EXPLICIT_BIG);
  dicom_image(&b, p);
  dicom_bytes(&b, 0x7FE00010, "OW", swapped, 4);
  CHECK_FRAMES(&b, NSC_SAMPLE_U8, 1, expected);
  dicom_end(&b);
}

static void put_u32(uint8_t *to, uint32_t value, bool big) {
  for (int k = 0; k < 4; k++) to[big ? 3 - k : k] = (uint8_t)(value >> (8 * k));
}

TEST(image_dicom_32_bits) {
  static const uint32_t values[4] = {0, 4294967295u, 2147483648u, 70000};
  static const int32_t cut[4] = {0, -1, 0, 70000}; /* 24 bits, signed */
  for (int big = 0; big < 2; big++) {
    uint8_t bytes[16];
    for (int i = 0; i < 4; i++) put_u32(bytes + 4 * i, values[i], big);
    dicom_builder b = {0};
    dicom_begin(&b, big ? EXPLICIT_BIG : EXPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 32});
    dicom_bytes(&b, 0x7FE00010, "OW", bytes, sizeof bytes);
    CHECK_FRAMES(&b, NSC_SAMPLE_U32, 1, values);
    dicom_end(&b);
    dicom_begin(&b, big ? EXPLICIT_BIG : EXPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 32, .stored = 24, .is_signed = 1});
    dicom_bytes(&b, 0x7FE00010, "OW", bytes, sizeof bytes);
    CHECK_FRAMES(&b, NSC_SAMPLE_I32, 1, cut);
    dicom_end(&b);
  }
}

/* A float file with a value that is none and one that is padding: extremes, percentiles, grey and model input. */
TEST(image_dicom_floats_are_shown_and_classified) {
  static const double values[6] = {-2, 0, 2, NAN, 6, 1000};
  for (int wide = 0; wide < 2; wide++) {
    float floats[6];
    for (int i = 0; i < 6; i++) floats[i] = (float)values[i];
    dicom_builder b = {0};
    dicom_begin(&b, EXPLICIT_LITTLE);
    dicom_us(&b, 0x00280002, 1);
    dicom_text(&b, 0x00280004, "CS", "MONOCHROME2");
    dicom_us(&b, 0x00280010, 2);
    dicom_us(&b, 0x00280011, 3);
    dicom_bytes(&b, wide ? 0x00280123 : 0x00280122, wide ? "FD" : "FL", wide ? (const void *)&values[5] : &floats[5],
                wide ? 8 : 4);
    dicom_bytes(&b, wide ? 0x7FE00009 : 0x7FE00008, wide ? "OD" : "OF", wide ? (const void *)values : floats,
                wide ? sizeof values : sizeof floats);
    CHECK_FRAMES(&b, wide ? NSC_SAMPLE_F64 : NSC_SAMPLE_F32, 1, wide ? (const void *)values : floats);
    nsc_image *image = test_open(b.bytes, b.size, NULL);
    REQUIRE(image);
    nsc_view view;
    uint8_t rgba[6 * 4];
    REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
    CHECK_NEAR(view.center, 2, 0); /* -2..6 */
    CHECK_NEAR(view.width, 8, 0);
    REQUIRE(nsc_render(image, &view, rgba, sizeof rgba, NULL) == NSC_OK);
    static const uint8_t greys[6] = {0, 64, 128, 0, 255, 255};
    for (int i = 0; i < 6; i++) CHECK_EQ(rgba[4 * i], greys[i]);
    nsc_recipe recipe = {.width = 3, .height = 2, .channels = 1};
    REQUIRE(nsc_recipe_preset("0-1", &recipe, NULL) == NSC_OK);
    recipe.range = NSC_RANGE_PERCENTILE;
    recipe.low = 0;
    recipe.high = 100;
    float tensor[6];
    REQUIRE(nsc_preprocess(image, 0, &recipe, tensor, 6, NULL) == NSC_OK);
    CHECK_NEAR(tensor[1], 0.25, 1e-6);
    CHECK_NEAR(tensor[4], 1, 1e-6);
    nsc_image_free(image);
    dicom_end(&b);
  }
}

static void put_palette(dicom_builder *b, uint32_t bits, uint32_t first, const uint16_t *entries, uint32_t count) {
  for (uint32_t c = 0; c < 3; c++) {
    uint16_t descriptor[3] = {(uint16_t)count, (uint16_t)first, (uint16_t)bits};
    dicom_words(b, 0x00281101 + c, "US", descriptor, 3);
    dicom_words(b, 0x00281201 + c, "OW", entries + c * count, count);
  }
}

TEST(image_dicom_palettes) {
  static const uint8_t indices[4] = {9, 10, 11, 200}; /* the table begins at 10 and ends at 12 */
  static const uint16_t wide[9] = {1, 258, 65535, 4, 5, 6, 7, 8, 9};
  static const uint16_t same[9] = {0, 0x2020, 0xFFFF, 0x0404, 0x0505, 0x0606, 0x0707, 0x0808, 0x0909};
  static const uint16_t wide_pixels[12] = {1, 4, 7, 1, 4, 7, 258, 5, 8, 65535, 6, 9};
  static const uint8_t pixels[12] = {0, 4, 7, 0, 4, 7, 0x20, 5, 8, 255, 6, 9};
  for (int narrow = 0; narrow < 2; narrow++) {
    dicom_builder b = {0};
    dicom_begin(&b, EXPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 8, .photometric = "PALETTE COLOR"});
    put_palette(&b, 16, 10, narrow ? same : wide, 3);
    dicom_bytes(&b, 0x7FE00010, "OB", indices, 4);
    CHECK_FRAMES(&b, narrow ? NSC_SAMPLE_U8 : NSC_SAMPLE_U16, 3, narrow ? (const void *)pixels : wide_pixels);
    dicom_end(&b);
  }
}

TEST(image_dicom_segmented_palettes) {
  /* 2 discrete entries, 4 on a line up to 1010, then both again: C.7.9.2. */
  static const uint16_t segments[] = {0, 2, 7, 10, 1, 4, 1010, 2, 2, 0, 0};
  static const uint16_t entries[12] = {7, 10, 260, 510, 760, 1010, 7, 10, 260, 510, 760, 1010};
  uint8_t indices[12];
  uint16_t pixels[36];
  for (uint8_t i = 0; i < 12; i++) {
    indices[i] = i;
    pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = entries[i];
  }
  size_t sizes[2] = {sizeof segments / 2, sizeof segments / 2 - 2};
  for (int cut = 0; cut < 2; cut++) {
    dicom_builder b = {0};
    nsc_error err;
    dicom_begin(&b, EXPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){.rows = 3, .columns = 4, .allocated = 8, .photometric = "PALETTE COLOR"});
    static const uint16_t descriptor[3] = {12, 0, 16};
    for (uint32_t c = 0; c < 3; c++) {
      dicom_words(&b, 0x00281101 + c, "US", descriptor, 3);
      dicom_words(&b, 0x00281221 + c, "OW", segments, sizes[cut]);
    }
    dicom_bytes(&b, 0x7FE00010, "OB", indices, 12);
    if (!cut) CHECK_FRAMES(&b, NSC_SAMPLE_U16, 3, pixels);
    if (cut) CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_CORRUPT);
    if (cut) CHECK_HAS(err.text, "ends at entry 6 of 12");
    dicom_end(&b);
  }
}

/* Pure red, grey and a colour whose blue leaves 0..255: by hand from the equations of C.7.6.3.1.2. */
static const uint8_t ybr[9] = {76, 85, 255, 128, 128, 128, 200, 255, 100};
static const uint8_t ybr_rgb[9] = {254, 0, 0, 128, 128, 128, 161, 176, 255};

TEST(image_dicom_ybr) {
  uint8_t planar[9], halved[8] = {76, 128, 85, 255, 200, 10, 255, 100};
  for (int i = 0; i < 9; i++) planar[i % 3 * 3 + i / 3] = ybr[i];
  for (uint32_t p = 0; p < 2; p++) {
    dicom_builder b = {0};
    dicom_begin(&b, EXPLICIT_LITTLE);
    dicom_image(&b, (dicom_pixels){
                        .rows = 1, .columns = 3, .samples = 3, .allocated = 8, .planar = p, .photometric = "YBR_FULL"});
    dicom_bytes(&b, 0x7FE00010, "OB", p ? planar : ybr, 9);
    CHECK_FRAMES(&b, NSC_SAMPLE_U8, 3, ybr_rgb);
    dicom_end(&b);
  }
  dicom_pixels four = {.rows = 1, .columns = 4, .samples = 3, .allocated = 8, .photometric = "YBR_FULL_422"};
  static const uint8_t expected[12] = {254, 0, 0, 255, 52, 52, 161, 176, 255, 0, 0, 235};
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, four);
  dicom_bytes(&b, 0x7FE00010, "OB", halved, 8);
  CHECK_FRAMES(&b, NSC_SAMPLE_U8, 3, expected);
  dicom_end(&b);
  /* Black, white: partial range has them at 16 and 235. */
  static const uint8_t partial[8] = {16, 235, 128, 128, 235, 16, 128, 128};
  static const uint8_t black_white[12] = {0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0};
  four.photometric = "YBR_PARTIAL_422";
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, four);
  dicom_bytes(&b, 0x7FE00010, "OB", partial, 8);
  CHECK_FRAMES(&b, NSC_SAMPLE_U8, 3, black_white);
  dicom_end(&b);
}

TEST(image_dicom_rle) {
  static const uint16_t words[6] = {0x0102, 0x0102, 0x0103, 0xFF00, 0x0005, 0x8000};
  static const uint8_t planes[12] = {1, 1, 1, 255, 0, 128, 2, 2, 3, 0, 5, 0};  /* high bytes, then low ones */
  static const uint8_t color[9] = {76, 128, 200, 85, 128, 255, 255, 128, 100}; /* the planes of ybr */
  uint8_t stream[256];
  size_t size = rle_encode(planes, 2, 6, stream);
  dicom_builder b = {0};
  dicom_begin(&b, RLE);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16});
  dicom_encapsulate(&b, NULL, 0);
  dicom_fragment(&b, stream, size);
  dicom_close(&b);
  CHECK_FRAMES(&b, NSC_SAMPLE_U16, 1, words);
  dicom_end(&b);
  size = rle_encode(color, 3, 3, stream);
  dicom_begin(&b, RLE);
  dicom_image(&b, (dicom_pixels){.rows = 1, .columns = 3, .samples = 3, .allocated = 8, .photometric = "YBR_FULL"});
  dicom_encapsulate(&b, NULL, 0);
  dicom_fragment(&b, stream, size);
  dicom_close(&b);
  CHECK_FRAMES(&b, NSC_SAMPLE_U8, 3, ybr_rgb);
  dicom_end(&b);
}

static nsc_status rle_status(const uint8_t *stream, size_t size, nsc_error *err) {
  dicom_builder b = {0};
  const void *samples;
  *err = (nsc_error){0};
  dicom_begin(&b, RLE);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16});
  dicom_encapsulate(&b, NULL, 0);
  dicom_fragment(&b, stream, size);
  dicom_close(&b);
  nsc_image *image = test_open(b.bytes, b.size, err);
  if (image) (void)!nsc_image_frame(image, 0, &samples, err);
  nsc_image_free(image);
  dicom_end(&b);
  return err->status;
}

TEST(image_dicom_damaged_rle_is_refused) {
  static const uint8_t planes[12] = {1, 1, 1, 255, 0, 128, 2, 2, 3, 0, 5, 0};
  uint8_t stream[256];
  nsc_error err;
  size_t size = rle_encode(planes, 2, 6, stream);
  CHECK_EQ(rle_status(stream, size, &err), NSC_OK);
  for (size_t cut = 0; cut + 1 < size; cut += 2) CHECK(rle_status(stream, cut, &err) != NSC_OK);
  for (size_t i = 0; i < size; i++) { /* an error or a picture, never a step outside */
    uint8_t kept = stream[i];
    for (int bit = 0; bit < 8; bit++) {
      stream[i] = (uint8_t)(kept ^ 1 << bit);
      (void)rle_status(stream, size, &err);
    }
    stream[i] = kept;
  }
  stream[0] = 3;
  CHECK_EQ(rle_status(stream, size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "3 segments where the pixels need 2");
}

/* Two frames of two items each, found by either table, in uncompressed items. */
TEST(image_dicom_offset_tables) {
  static const uint8_t pixels[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const uint32_t basic[2] = {0, 20}, wrong[2] = {0, 6};
  for (int kind = 0; kind < 3; kind++) {
    dicom_builder b = {0};
    nsc_error err;
    dicom_begin(&b, ENCAPSULATED);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 8, .frames = 2});
    uint8_t extended[16] = {0};
    extended[8] = 20;
    if (kind == 1) dicom_bytes(&b, 0x7FE00001, "OV", extended, sizeof extended);
    dicom_encapsulate(&b, kind == 2 ? wrong : basic, kind == 1 ? 0 : 2);
    for (int i = 0; i < 4; i++) dicom_fragment(&b, pixels + 2 * i, 2);
    dicom_close(&b);
    if (kind < 2) CHECK_FRAMES(&b, NSC_SAMPLE_U8, 1, pixels);
    if (kind == 2) CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_CORRUPT);
    if (kind == 2) CHECK_HAS(err.text, "4 parts of pixel data for 2 frames");
    dicom_end(&b);
  }
}

TEST(image_dicom_a_frame_an_item) {
  static const uint8_t pixels[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int deflated = 0; deflated < 2; deflated++) {
    for (uint32_t frames = 2; frames < 4; frames++) {
      dicom_builder b = {0};
      nsc_error err;
      dicom_begin(&b, deflated ? DEFLATED_FRAMES : ENCAPSULATED);
      dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 8, .frames = frames});
      dicom_encapsulate(&b, NULL, 0);
      for (int i = 0; i < 2; i++) { /* stored blocks of four bytes */
        uint8_t block[9] = {1, 4, 0, 0xFB, 0xFF};
        memcpy(block + 5, pixels + 4 * i, 4);
        dicom_fragment(&b, deflated ? block : block + 5, deflated ? 9 : 4);
      }
      dicom_close(&b);
      if (frames == 2) CHECK_FRAMES(&b, NSC_SAMPLE_U8, 1, pixels);
      if (frames == 3) CHECK_EQ(test_open_status(b.bytes, b.size, &err), NSC_ERROR_TRUNCATED);
      dicom_end(&b);
    }
  }
}
