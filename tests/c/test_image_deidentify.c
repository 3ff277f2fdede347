/* Files without names: what must be gone is gone from the bytes, what must stay stays to the bit. */
#include <string.h>

#include "dicom_builder.h"
#include "test.h"

static bool contains(const char *bytes, size_t size, const char *text) {
  size_t length = strlen(text);
  for (size_t i = 0; i + length <= size; i++) {
    if (memcmp(bytes + i, text, length) == 0) return true;
  }
  return false;
}

/* A CT with secrets where they are found: names, dates, texts, private elements, sequences, UIDs, overlays. */
static void build_secrets(dicom_builder *b, const char *syntax) {
  const uint16_t pixels[] = {1, 1000, 4095, 7, 300, 2};
  dicom_begin(b, syntax);
  dicom_text(b, 0x00080005, "CS", "ISO_IR 100");
  dicom_text(b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
  dicom_text(b, 0x00080018, "UI", "1.3.12.2.1107.SECRET.4");
  dicom_text(b, 0x00080020, "DA", "20200131");
  dicom_text(b, 0x00080060, "CS", "CT");
  dicom_text(b, 0x00080080, "LO", "SECRET hospital");
  dicom_text(b, 0x00081030, "LO", "SECRET study");
  dicom_open(b, 0x00081140);
  dicom_item(b);
  dicom_text(b, 0x00081155, "UI", "1.3.12.2.1107.SECRET.9");
  dicom_end_item(b);
  dicom_close(b);
  dicom_text(b, 0x00090010, "LO", "SECRET private");
  dicom_text(b, 0x00100010, "PN", "SECRET^Name");
  dicom_text(b, 0x00100020, "LO", "SECRET-4711");
  dicom_text(b, 0x00180050, "DS", "2.5");
  dicom_text(b, 0x00181000, "LO", "SECRET serial");
  dicom_text(b, 0x00181030, "LO", "SECRET protocol");
  dicom_text(b, 0x0020000D, "UI", "1.3.12.2.1107.SECRET.1");
  dicom_text(b, 0x0020000E, "UI", "1.3.12.2.1107.SECRET.2");
  dicom_text(b, 0x00200032, "DS", "1\\2\\3");
  dicom_text(b, 0x00204000, "LT", "SECRET comment");
  dicom_image(b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
  dicom_text(b, 0x00280030, "DS", "0.5\\0.25");
  dicom_text(b, 0x00281052, "DS", "-1024");
  dicom_text(b, 0x00281053, "DS", "1");
  dicom_text(b, 0x00284000, "LT", "SECRET presentation");
  dicom_text(b, 0x00324000, "LT", "SECRET request");
  dicom_text(b, 0x60004000, "LT", "SECRET overlay");
  dicom_words(b, 0x7FE00010, "OW", pixels, 6);
}

static nsc_image *copy_of(const dicom_builder *b, uint64_t key, char **bytes, size_t *size, nsc_error *err) {
  nsc_image *image = test_open(b->bytes, b->size, err), *copy = NULL;
  if (image && nsc_image_deidentify(image, key, bytes, size, err) == NSC_OK) copy = test_open(*bytes, *size, err);
  nsc_image_free(image);
  return copy;
}

static void check_copy(const char *syntax) {
  nsc_error err = {0};
  dicom_builder b = {0};
  char *bytes = NULL, *json;
  size_t size = 0;
  build_secrets(&b, syntax);
  nsc_image *copy = copy_of(&b, 7, &bytes, &size, &err);
  REQUIRE(copy);
  CHECK(contains((const char *)b.bytes, b.size, "SECRET"));
  CHECK(!contains(bytes, size, "SECRET"));
  CHECK(!contains(bytes, size, "20200131"));
  const void *samples;
  REQUIRE(nsc_image_frame(copy, 0, &samples, &err) == NSC_OK);
  CHECK(memcmp(samples, (const uint16_t[]){1, 1000, 4095, 7, 300, 2}, 12) == 0);
  REQUIRE(nsc_image_json(copy, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"modality\":\"CT\"");
  CHECK_HAS(json, "\"spacing\":[0.25,0.5]");
  CHECK_HAS(json, "Patient Identity Removed");
  CHECK_HAS(json, "2.25.");
  CHECK_HAS(json, "1.2.840.10008.5.1.4.1.1.2");
  CHECK_HAS(json, "1\\\\2\\\\3");
  nsc_text_free(json);
  nsc_image_free(copy);
  nsc_text_free(bytes);
  dicom_end(&b);
}

TEST(deidentified_copies_say_nothing_of_the_person) {
  check_copy(EXPLICIT_LITTLE);
  check_copy(IMPLICIT_LITTLE);
  check_copy(EXPLICIT_BIG);
}

/* Files of one study still belong together, and with another key to nothing that was given away before. */
TEST(deidentified_uids_follow_the_key) {
  nsc_error err = {0};
  dicom_builder b = {0};
  char *bytes[3];
  size_t size[3];
  build_secrets(&b, EXPLICIT_LITTLE);
  const uint64_t keys[3] = {7, 7, 8};
  for (int i = 0; i < 3; i++) {
    nsc_image *copy = copy_of(&b, keys[i], &bytes[i], &size[i], &err);
    REQUIRE(copy);
    nsc_image_free(copy);
  }
  CHECK(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
  CHECK(size[0] != size[2] || memcmp(bytes[0], bytes[2], size[0]) != 0);
  for (int i = 0; i < 3; i++) nsc_text_free(bytes[i]);
  dicom_end(&b);
}

TEST(deidentifying_other_formats_is_refused) {
  const uint8_t pixel = 1;
  nsc_image *image;
  nsc_error err = {0};
  char *bytes;
  size_t size;
  REQUIRE(nsc_image_from_pixels(&pixel, 1, 1, 1, &image, &err) == NSC_OK);
  CHECK_EQ(nsc_image_deidentify(image, 1, &bytes, &size, &err), NSC_ERROR_UNSUPPORTED);
  nsc_image_free(image);
}
