/* Letters at the edges of a picture, and what functional groups say of frames. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "test.h"
#include "volume_builder.h"

static const uint8_t pixels[8] = {0, 1, 2, 3, 4, 5, 6, 7};

/* The JSON of a DICOM file of 2 x 2 pixels with these elements; NULL leaves one out. */
static char *json_of(const char *orientation, const char *patient_orientation, const char *type) {
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  if (type) dicom_text(&b, 0x00102210, "CS", type);
  if (patient_orientation) dicom_text(&b, 0x00200020, "CS", patient_orientation);
  if (orientation) dicom_text(&b, 0x00200037, "DS", orientation);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 8, .stored = 8});
  dicom_bytes(&b, 0x7FE00010, "OB", pixels, 4);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  char *json = NULL;
  CHECK_STR(err.text, "");
  if (image) CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
  nsc_image_free(image);
  dicom_end(&b);
  return json;
}

/* Left, right, top, bottom. */
static void check_edges(const char *orientation, const char *patient_orientation, const char *type,
                        const char *expected) {
  char *json = json_of(orientation, patient_orientation, type), part[128];
  snprintf(part, sizeof part, "\"edges\":%s,", expected);
  CHECK_HAS(json, part);
  nsc_text_free(json);
}

TEST(image_edges_of_planes) {
  check_edges("1\\0\\0\\0\\1\\0", NULL, NULL, "[\"R\",\"L\",\"A\",\"P\"]");  /* axial */
  check_edges("1\\0\\0\\0\\0\\-1", NULL, NULL, "[\"R\",\"L\",\"H\",\"F\"]"); /* coronal */
  check_edges("0\\1\\0\\0\\0\\-1", NULL, NULL, "[\"A\",\"P\",\"H\",\"F\"]"); /* sagittal */
  /* Oblique: 30 degrees about the x axis, then a plane between all three. */
  check_edges("1\\0\\0\\0\\0.866\\0.5", NULL, NULL, "[\"R\",\"L\",\"AF\",\"PH\"]");
  check_edges("0.8\\0.5\\0.33\\-0.1\\0.66\\-0.74", NULL, NULL, "[\"RAF\",\"LPH\",\"HAL\",\"FPR\"]");
  check_edges("1\\0.00001\\0\\0\\1\\0", NULL, NULL, "[\"R\",\"L\",\"A\",\"P\"]"); /* rounding leans nowhere */
}

TEST(image_edges_of_animals) {
  check_edges("1\\0\\0\\0\\1\\0", NULL, "QUADRUPED", "[\"RT\",\"LE\",\"V\",\"D\"]");
  check_edges("0\\1\\0\\0\\0.6\\-0.8", NULL, "QUADRUPED", "[\"V\",\"D\",\"CRV\",\"CDD\"]");
  check_edges(NULL, "CD\\V", "QUADRUPED", "[\"CR\",\"CD\",\"D\",\"V\"]");
  check_edges(NULL, "RTCR\\DI", "QUADRUPED", "[\"LECD\",\"RTCR\",\"PR\",\"DI\"]");
  check_edges("1\\0\\0\\0\\1\\0", NULL, "BIPED", "[\"R\",\"L\",\"A\",\"P\"]");
}

TEST(image_edges_of_letters) {
  check_edges(NULL, "A\\F", NULL, "[\"P\",\"A\",\"H\",\"F\"]");
  check_edges(NULL, "L\\FA", NULL, "[\"R\",\"L\",\"HP\",\"FA\"]");
  check_edges(NULL, "L", NULL, "[\"R\",\"L\",null,null]");
  check_edges("0\\1\\0\\0\\0\\-1", "L\\F", NULL, "[\"A\",\"P\",\"H\",\"F\"]"); /* the plane says it more exactly */
  check_edges("0\\0\\0\\0\\0\\0", "L\\F", NULL, "[\"R\",\"L\",\"H\",\"F\"]");  /* which is no plane */
  check_edges(NULL, "UNKNOWN\\F", NULL, "[null,null,\"H\",\"F\"]");
}

TEST(image_edges_of_nothing) {
  check_edges(NULL, NULL, NULL, "null");
  check_edges("1\\0\\0\\0\\1", NULL, NULL, "null");
  check_edges("1\\0\\0\\0\\0\\0", NULL, NULL, "null");
  check_edges(NULL, "X\\Y", NULL, "null");
  check_edges(NULL, "LALA\\", NULL, "null");
  check_edges(NULL, "LE\\RT", NULL, "null"); /* letters of animals, in a file of a human */
}

static void check_volume(double srow[3][4], const char *expected) {
  nifti_facts facts = {.dim = {3, 2, 2, 2}, .datatype = 2, .sform_code = 1};
  memcpy(facts.srow, srow, sizeof facts.srow);
  volume_builder b = {0};
  nifti_build(&b, &facts, pixels, sizeof pixels);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  REQUIRE(image);
  char *json = NULL, part[128];
  snprintf(part, sizeof part, "\"edges\":%s,", expected);
  CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
  CHECK_HAS(json, part);
  nsc_text_free(json);
  nsc_image_free(image);
}

/* Slices are turned as radiologists expect them, whatever their order in the file. */
TEST(image_edges_of_volumes) {
  check_volume((double[3][4]){{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}, "[\"R\",\"L\",\"A\",\"P\"]");
  check_volume((double[3][4]){{-2, 0, 0, 0}, {0, 0, 3, 0}, {0, 2, 0, 0}}, "[\"R\",\"L\",\"H\",\"F\"]");
  check_volume((double[3][4]){{0, 0, 3, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}}, "[\"A\",\"P\",\"H\",\"F\"]");
  check_volume((double[3][4]){{1, 0, 0, 0}, {0, 0.8, -0.6, 0}, {0, 0.6, 0.8, 0}}, "[\"R\",\"L\",\"AH\",\"PF\"]");
}

TEST(image_edges_volume_without_affine) {
  nifti_facts facts = {.dim = {3, 2, 2, 2}, .datatype = 2};
  volume_builder b = {0};
  nifti_build(&b, &facts, pixels, sizeof pixels);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
  CHECK_HAS(json, "\"edges\":null,");
  nsc_text_free(json);
  nsc_image_free(image);
}

/* ---- functional groups ---- */

static void macro(dicom_builder *b, uint32_t sequence, uint32_t tag, const char *vr, const char *value) {
  dicom_open(b, sequence);
  dicom_item(b);
  dicom_text(b, tag, vr, value);
  dicom_end_item(b);
  dicom_close(b);
}

/* Two frames: one axial at z = 10, one sagittal at x = -4; shared spacing and rescale, windows of their own. */
static void build_enhanced(dicom_builder *b, bool whole) {
  dicom_begin(b, EXPLICIT_LITTLE);
  dicom_text(b, 0x00080060, "CS", "MR");
  dicom_image(b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 8, .stored = 8, .frames = 2});
  dicom_open(b, 0x52009229);
  dicom_item(b);
  dicom_open(b, 0x00289110);
  dicom_item(b);
  dicom_text(b, 0x00180050, "DS", "5");
  dicom_text(b, 0x00280030, "DS", "0.5\\0.25");
  dicom_end_item(b);
  dicom_close(b);
  dicom_open(b, 0x00289145);
  dicom_item(b);
  dicom_text(b, 0x00281052, "DS", "-7");
  dicom_text(b, 0x00281053, "DS", "2");
  dicom_end_item(b);
  dicom_close(b);
  dicom_end_item(b);
  dicom_close(b);
  dicom_open(b, 0x52009230);
  for (int i = 0; i < (whole ? 2 : 1); i++) {
    dicom_item(b);
    double offset = i ? 1.5 : 0;
    macro(b, 0x00209113, 0x00200032, "DS", i ? "-4\\0\\0" : "0\\0\\10");
    macro(b, 0x00209116, 0x00200037, "DS", i ? "0\\1\\0\\0\\0\\-1" : "1\\0\\0\\0\\1\\0");
    dicom_open(b, 0x00209310);
    dicom_item(b);
    dicom_bytes(b, 0x0020930D, "FD", &offset, 8);
    dicom_end_item(b);
    dicom_close(b);
    dicom_open(b, 0x00289132);
    dicom_item(b);
    dicom_text(b, 0x00281050, "DS", i ? "40" : "20");
    dicom_text(b, 0x00281051, "DS", "8");
    dicom_end_item(b);
    dicom_close(b);
    dicom_end_item(b);
  }
  dicom_close(b);
  dicom_bytes(b, 0x7FE00010, "OB", pixels, 8);
}

TEST(image_frames_have_places_of_their_own) {
  dicom_builder b = {0};
  build_enhanced(&b, true);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
  CHECK_HAS(json,
            "\"edges\":[\"R\",\"L\",\"A\",\"P\"],\"frameEdges\":[[\"R\",\"L\",\"A\",\"P\"],[\"A\",\"P\",\"H\",\"F\"]]");
  CHECK_HAS(json,
            "{\"position\":[0,0,10],\"orientation\":[1,0,0,0,1,0],\"spacing\":[0.25,0.5],\"thickness\":5,"
            "\"slope\":2,\"intercept\":-7,\"window\":{\"center\":20,\"width\":8,\"function\":\"LINEAR\"},\"time\":0,");
  CHECK_HAS(
      json,
      "{\"position\":[-4,0,0],\"orientation\":[0,1,0,0,0,-1],\"spacing\":[0.25,0.5],\"thickness\":5,"
      "\"slope\":2,\"intercept\":-7,\"window\":{\"center\":40,\"width\":8,\"function\":\"LINEAR\"},\"time\":1.5,");
  nsc_text_free(json);
  nsc_view view;
  CHECK_EQ(nsc_view_default(image, 1, &view, &err), NSC_OK);
  CHECK_NEAR(view.center, 40, 0);
  double value[3];
  CHECK_EQ(nsc_image_probe(image, 1, 1, 1, value, &err), NSC_OK);
  CHECK_NEAR(value[0], 7 * 2 - 7, 0);
  nsc_image_free(image);
  dicom_end(&b);
}

/* One item for two frames says nothing of either. */
TEST(image_frames_with_too_few_groups) {
  dicom_builder b = {0};
  build_enhanced(&b, false);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
  CHECK_HAS(json, "\"edges\":null,\"frameEdges\":null,\"frameFacts\":null");
  nsc_text_free(json);
  nsc_image_free(image);
  dicom_end(&b);
}

TEST(image_frames_cut_anywhere) {
  dicom_builder b = {0};
  build_enhanced(&b, true);
  for (size_t n = 132; n < b.size; n++) {
    nsc_error err = {0};
    nsc_image *image = test_open(b.bytes, n, &err);
    char *json = NULL;
    if (image) CHECK_EQ(nsc_image_json(image, &json, &err), NSC_OK);
    nsc_text_free(json);
    nsc_image_free(image);
  }
  dicom_end(&b);
}
