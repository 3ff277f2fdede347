/* Structured reports: what they hold, read back element by element, and what is refused. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/dicom.h"
#include "test.h"

static const uint64_t key[2] = {1, 2};
static const double points[4] = {0, 0, 3, 4};

static nsc_image *picture(const char *patient, const char *instance, bool spacing) {
  static const uint16_t values[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4");
  dicom_text(&b, 0x00080018, "UI", instance);
  dicom_text(&b, 0x00080060, "CS", "MR");
  dicom_text(&b, 0x00100010, "PN", patient);
  dicom_text(&b, 0x0020000D, "UI", "2.25.7");
  dicom_text(&b, 0x0020000E, "UI", "2.25.8");
  if (spacing) dicom_text(&b, 0x00280030, "DS", "2\\2");
  dicom_image(&b, (dicom_pixels){.rows = 4, .columns = 5, .allocated = 16, .stored = 16});
  dicom_words(&b, 0x7FE00010, "OW", values, 20);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  dicom_end(&b);
  return image;
}

/* One of the content items in another. */
static const nsc_element *item_at(const nsc_element *parent, uint32_t index) {
  return nsc_dicom_item(parent, 0x0040A730, index);
}

static void check_value(const nsc_dicom *d, const nsc_element *parent, uint32_t tag, const char *expected) {
  char *text = nsc_dicom_copy_text(d, nsc_dicom_find(parent, tag), 0);
  CHECK_STR(text, expected);
  nsc_text_free(text);
}

TEST(image_report_tree) {
  nsc_image *image = picture("Doe^Jane", "2.25.9", false);
  nsc_report *report = NULL;
  REQUIRE(image);
  CHECK_EQ(nsc_report_create(key, &report, NULL), NSC_OK);
  CHECK_EQ(nsc_report_add(report, image, 0, NSC_MEASURE_LENGTH, points, 2, "first", NULL), NSC_OK);
  CHECK_EQ(nsc_report_add(report, image, 0, NSC_MEASURE_RECTANGLE, points, 2, NULL, NULL), NSC_OK);
  char *bytes = NULL;
  size_t size = 0;
  CHECK_EQ(nsc_report_write(report, "20260102030405", false, &bytes, &size, NULL), NSC_OK);
  nsc_report_free(report);
  nsc_image_free(image);
  REQUIRE(bytes);
  nsc_dicom *d = calloc(1, sizeof *d);
  d->bytes = (uint8_t *)bytes;
  d->size = size;
  CHECK_EQ(nsc_dicom_parse(d, 1 << 20, NULL), NSC_OK);
  check_value(d, d->elements, 0x00080016, "1.2.840.10008.5.1.4.1.1.88.33");
  check_value(d, d->elements, 0x00100010, "Doe^Jane");
  check_value(d, d->elements, 0x00080023, "20260102");
  const nsc_element *evidence = nsc_dicom_find(d->elements, 0x0040A375);
  CHECK_EQ(evidence->count, 1); /* one study, and the picture once */
  const nsc_element *series = nsc_dicom_item(nsc_dicom_item(d->elements, 0x0040A375, 0), 0x00081115, 0);
  CHECK_EQ(nsc_dicom_find(series, 0x00081199)->count, 1);
  const nsc_element *values = item_at(d->elements, 5), *length = item_at(item_at(values, 0), 2);
  check_value(d, item_at(item_at(values, 0), 0), 0x0040A160, "first");
  check_value(d, nsc_dicom_item(length, 0x0040A300, 0), 0x0040A30A, "5");
  check_value(d, nsc_dicom_item(nsc_dicom_item(length, 0x0040A300, 0), 0x004008EA, 0), 0x00080100, "{pixels}");
  double x = 0;
  CHECK(nsc_dicom_number(d, nsc_dicom_find(item_at(length, 0), 0x00700022), 3, &x) && x == 4);
  const nsc_element *region = item_at(values, 1), *mean = item_at(region, 4);
  check_value(d, item_at(region, 0), 0x0040A160, "rectangle 2");
  check_value(d, nsc_dicom_item(mean, 0x0040A043, 0), 0x00080104, "MR signal intensity");
  check_value(d, nsc_dicom_item(mean, 0x0040A300, 0), 0x0040A30A, "9.5"); /* columns 0 to 2, rows 0 to 3 */
  nsc_dicom_free(d);
  nsc_text_free(bytes);
}

TEST(image_report_refuses) {
  nsc_image *one = picture("Doe^Jane", "2.25.9", true), *other = picture("Roe^John", "2.25.10", true);
  nsc_image *plain = NULL;
  nsc_report *report = NULL;
  nsc_error err = {0};
  const uint8_t grey[4] = {0};
  char *bytes = NULL;
  size_t size = 0;
  CHECK_EQ(nsc_image_from_pixels(grey, 2, 2, 1, &plain, NULL), NSC_OK);
  CHECK_EQ(nsc_report_create(key, &report, NULL), NSC_OK);
  CHECK_EQ(nsc_report_add(report, plain, 0, NSC_MEASURE_LENGTH, points, 2, NULL, NULL), NSC_ERROR_UNSUPPORTED);
  CHECK_EQ(nsc_report_add(report, one, 1, NSC_MEASURE_LENGTH, points, 2, NULL, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_report_write(report, "20260102030405", false, &bytes, &size, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_report_add(report, one, 0, NSC_MEASURE_LENGTH, points, 2, NULL, NULL), NSC_OK);
  CHECK_EQ(nsc_report_add(report, other, 0, NSC_MEASURE_LENGTH, points, 2, NULL, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "different patients");
  CHECK_EQ(nsc_report_write(report, "2026-01-02", false, &bytes, &size, NULL), NSC_ERROR_ARGUMENT);
  nsc_report_free(report);
  nsc_report_free(NULL);
  nsc_image_free(one);
  nsc_image_free(other);
  nsc_image_free(plain);
}
