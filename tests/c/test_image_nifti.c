/* NIfTI-1 and NIfTI-2: every sample type in both byte orders, orientation against its definition, gzip, refusals. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/image.h"
#include "test.h"
#include "volume_builder.h"

static nsc_image *open_nifti(const nifti_facts *f, const void *samples, size_t size) {
  static volume_builder b;
  nsc_error err = {0};
  nifti_build(&b, f, samples, size);
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  return image;
}

static nsc_status nifti_status(const nifti_facts *f, size_t size, nsc_error *err) {
  static volume_builder b;
  static const uint8_t zeros[1024];
  nifti_build(&b, f, zeros, size);
  return test_open_status(b.bytes, b.size, err);
}

static double sample_of(nsc_image *image, uint32_t frame, uint32_t at) {
  const void *samples = NULL;
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(nsc_image_frame(image, frame, &samples, NULL), NSC_OK);
  return samples ? nsc_sample_value(info.type, samples, at) : 0;
}

TEST(image_nifti_sample_types) {
  static const struct {
    int code;
    nsc_sample_type type;
    uint64_t bits;
    double value;
  } types[] = {{2, NSC_SAMPLE_U8, 0xFE, 254},
               {256, NSC_SAMPLE_I8, 0xFE, -2},
               {512, NSC_SAMPLE_U16, 0xFEDC, 65244},
               {4, NSC_SAMPLE_I16, 0xFEDC, -292},
               {768, NSC_SAMPLE_U32, 0xFEDCBA98, 4275878552.0},
               {8, NSC_SAMPLE_I32, 0xFEDCBA98, -19088744},
               {16, NSC_SAMPLE_F32, 0xC0200000, -2.5},
               {64, NSC_SAMPLE_F64, 0xC004000000000000, -2.5}};
  for (int form = 0; form < 4; form++) {
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
      nifti_facts f = {.two = form & 1, .big_endian = form >> 1, .dim = {2, 2, 1}, .datatype = types[t].code};
      size_t size = nsc_sample_size(types[t].type);
      uint8_t bytes[16] = {0};
      for (size_t i = 0; i < size; i++) {
        bytes[size + (f.big_endian ? size - 1 - i : i)] = (uint8_t)(types[t].bits >> (8 * i));
      }
      nsc_image *image = open_nifti(&f, bytes, 2 * size);
      REQUIRE(image);
      nsc_image_info info;
      nsc_image_get_info(image, &info);
      CHECK_EQ(info.format, NSC_FORMAT_NIFTI);
      CHECK_EQ(info.type, types[t].type);
      CHECK_EQ(info.bits, 8 * size);
      CHECK(sample_of(image, 0, 0) == 0);
      CHECK(sample_of(image, 0, 1) == types[t].value);
      nsc_image_free(image);
    }
  }
}

TEST(image_nifti_colour) {
  nifti_facts f = {.dim = {3, 1, 2, 1}, .datatype = 128, .slope = 7};
  nsc_image *image = open_nifti(&f, "\1\2\3\4\5\6", 6);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.channels, 3);
  CHECK_EQ(info.photometric, NSC_PHOTOMETRIC_RGB);
  for (uint32_t i = 0; i < 6; i++) CHECK_EQ(sample_of(image, 0, i), i + 1);
  double values[3];
  CHECK_EQ(nsc_image_probe(image, 0, 0, 1, values, NULL), NSC_OK);
  CHECK_EQ(values[2], 6); /* a slope means nothing to colour */
  nsc_image_free(image);
}

TEST(image_nifti_times_are_frames) {
  uint8_t bytes[2 * 2 * 3 * 2];
  for (int i = 0; i < 24; i++) bytes[i] = (uint8_t)i;
  nifti_facts f = {.dim = {4, 2, 2, 3, 2}, .datatype = 2};
  nsc_image *image = open_nifti(&f, bytes, sizeof bytes);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.frames, 6);
  for (uint32_t frame = 0; frame < 6; frame++) CHECK_EQ(sample_of(image, frame, 3), frame * 4 + 3);
  nsc_image_free(image);
}

/* For a diagonal or permuted affine: where the sample of voxel (i, j) of slice 0 is shown. */
static void check_turn(const double rows[3][3], const char *stored, const char *shown, const char *flips) {
  nifti_facts f = {.dim = {3, 3, 2, 2}, .datatype = 2, .sform_code = 1, .xyzt_units = 2};
  uint8_t bytes[12];
  for (int i = 0; i < 12; i++) bytes[i] = (uint8_t)i;
  for (int r = 0; r < 3; r++) memcpy(f.srow[r], rows[r], sizeof rows[r]);
  nsc_image *image = open_nifti(&f, bytes, sizeof bytes);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  bool swapped = flips[0] == 's';
  CHECK_EQ(info.width, swapped ? 2 : 3);
  CHECK_EQ(info.height, swapped ? 3 : 2);
  for (uint32_t j = 0; j < 2; j++) {
    for (uint32_t i = 0; i < 3; i++) {
      uint32_t x = swapped ? j : i, y = swapped ? i : j;
      if (strchr(flips, 'x')) x = info.width - 1 - x;
      if (strchr(flips, 'y')) y = info.height - 1 - y;
      CHECK_EQ(sample_of(image, 0, y * info.width + x), j * 3 + i);
    }
  }
  char *json = NULL, part[128];
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  snprintf(part, sizeof part, "\"orientation\":{\"stored\":\"%s\",\"from\":\"sform\",\"shown\":\"%s\",", stored, shown);
  CHECK_HAS(json, part);
  double lengths[3];
  for (int c = 0; c < 3; c++) lengths[c] = fabs(rows[0][c] + rows[1][c] + rows[2][c]);
  CHECK_NEAR(info.spacing_x, lengths[swapped], 1e-6);
  CHECK_NEAR(info.spacing_y, lengths[!swapped], 1e-6);
  nsc_text_free(json);
  nsc_image_free(image);
}

TEST(image_nifti_turned_for_the_screen) {
  /* Axial: the patient's right on the left, the front above. */
  check_turn((const double[3][3]){{2, 0, 0}, {0, 3, 0}, {0, 0, 4}}, "RAS", "LPS", "xy");
  check_turn((const double[3][3]){{-2, 0, 0}, {0, -3, 0}, {0, 0, -4}}, "LPI", "LPI", "");
  check_turn((const double[3][3]){{0, 2, 0}, {3, 0, 0}, {0, 0, 4}}, "ARS", "LPS", "sxy");
  /* Coronal: right on the left, the head above. */
  check_turn((const double[3][3]){{2, 0, 0}, {0, 0, 4}, {0, -3, 0}}, "RIA", "LIA", "x");
  /* Sagittal: the front on the left, the head above. */
  check_turn((const double[3][3]){{0, 0, 4}, {-2, 0, 0}, {0, 3, 0}}, "PSR", "PIR", "y");
  check_turn((const double[3][3]){{0, 0, -4}, {0, 3, 0}, {-2, 0, 0}}, "IAL", "PIL", "sx");
}

TEST(image_nifti_without_orientation) {
  nifti_facts f = {.dim = {3, 2, 2, 1}, .datatype = 2, .pixdim = {1, 0.5, 0.25, 3}, .xyzt_units = 1};
  nsc_image *image = open_nifti(&f, "\1\2\3\4", 4);
  REQUIRE(image);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  for (uint32_t i = 0; i < 4; i++) CHECK_EQ(sample_of(image, 0, i), i + 1);
  CHECK_NEAR(info.spacing_x, 500, 1e-9); /* metres */
  CHECK_NEAR(info.spacing_y, 250, 1e-9);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"orientation\":null,\"affine\":null,\"units\":\"m\"");
  CHECK_HAS(json, "\"slices\":1,\"times\":1,\"sliceSpacing\":3000");
  nsc_text_free(json);
  nsc_image_free(image);
}

/* A quarter turn around the third axis: i runs to the front, j to the left. nifti1.h: b = c = 0, d = sin 45 degrees. */
TEST(image_nifti_quaternion) {
  nifti_facts f = {.two = true,
                   .dim = {3, 2, 2, 1},
                   .datatype = 2,
                   .qform_code = 1,
                   .pixdim = {-1, 2, 3, 4},
                   .quatern = {0, 0, sqrt(0.5)},
                   .qoffset = {10, 20, 30}};
  nsc_image *image = open_nifti(&f, "\1\2\3\4", 4);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"stored\":\"ALI\",\"from\":\"qform\",\"shown\":\"LPI\",\"swapped\":true,\"flipped\":[\"rows\"]");
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  CHECK_NEAR(info.spacing_x, 3, 1e-9);
  CHECK_NEAR(info.spacing_y, 2, 1e-9);
  nsc_text_free(json);
  nsc_image_free(image);
}

TEST(image_nifti_values_and_window) {
  nifti_facts f = {.dim = {2, 2, 1},
                   .datatype = 4,
                   .slope = 0.5,
                   .inter = -10,
                   .cal_min = -5,
                   .cal_max = 15,
                   .descrip = "made by hand",
                   .intent_code = 1002};
  nsc_image *image = open_nifti(&f, "\x14\0\x28\0", 4);
  REQUIRE(image);
  double value[3];
  CHECK_EQ(nsc_image_probe(image, 0, 1, 0, value, NULL), NSC_OK);
  CHECK_EQ(value[0], 10);
  nsc_view view;
  CHECK_EQ(nsc_view_default(image, 0, &view, NULL), NSC_OK);
  CHECK_EQ(view.center, 5);
  CHECK_EQ(view.width, 20);
  CHECK_EQ(view.function, NSC_VOI_LINEAR_EXACT);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"intent\":\"labels\",\"description\":\"made by hand\"");
  CHECK_HAS(json, "{\"tag\":\"\",\"vr\":\"\",\"name\":\"scl_slope\",\"value\":\"0.5\"}");
  nsc_text_free(json);
  nsc_image_free(image);
}

TEST(image_nifti_gzip) {
  static volume_builder plain, packed;
  nifti_facts f = {.dim = {2, 2, 1}, .datatype = 2};
  nifti_build(&plain, &f, "\5\6", 2);
  memset(&packed, 0, sizeof packed);
  gzip_build(&packed, plain.bytes, 353, "brain.nii");
  gzip_build(&packed, plain.bytes + 353, 1, NULL); /* members are joined */
  packed.size += 3;                                /* zeros behind the last */
  nsc_image *image = test_open(packed.bytes, packed.size, NULL);
  REQUIRE(image);
  CHECK_EQ(sample_of(image, 0, 1), 6);
  nsc_image_free(image);
  packed.bytes[60] ^= 1;
  nsc_error err = {0};
  CHECK_EQ(test_open_status(packed.bytes, packed.size, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "damaged or cut off");
}

TEST(image_nifti_refused_by_name) {
  nsc_error err = {0};
  nifti_facts f = {.dim = {2, 2, 1}, .datatype = 1024};
  CHECK_EQ(nifti_status(&f, 16, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "int64");
  f.datatype = 32;
  err = (nsc_error){0};
  CHECK_EQ(nifti_status(&f, 16, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "complex64");
  f = (nifti_facts){.dim = {5, 1, 1, 1, 1, 3}, .datatype = 2};
  err = (nsc_error){0};
  CHECK_EQ(nifti_status(&f, 16, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "5 dimensions");
  f = (nifti_facts){.dim = {3, 1, 1, 1}, .datatype = 2, .magic = "ni1"};
  err = (nsc_error){0};
  CHECK_EQ(nifti_status(&f, 0, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, ".img");
  f.magic = "\0\0\0";
  err = (nsc_error){0};
  CHECK_EQ(nifti_status(&f, 0, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "Analyze 7.5");
}

/* A header of its own file, 348 bytes or with four more, and the samples behind it. */
static nsc_status open_pair(const nifti_facts *f, size_t header, const void *samples, size_t size, nsc_image **out,
                            nsc_error *err) {
  volume_builder b = {0};
  nifti_build(&b, f, NULL, 0);
  if (!f->two) memset(b.bytes + 108, 0, 4); /* vox_offset counts in the file of samples */
  if (f->two) memset(b.bytes + 168, 0, 8);
  if (size) memcpy(b.bytes + header, samples, size);
  nsc_source *source = NULL;
  nsc_status status = nsc_source_from_bytes(b.bytes, header + size, &source, err);
  if (status == NSC_OK) status = nsc_image_open(source, NULL, out, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

TEST(image_nifti_pairs_and_analyze) {
  const int16_t samples[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const struct {
    const char *magic;
    bool two;
    size_t header;
    bool has_orientation;
  } cases[] = {{"ni1", false, 348, true},
               {"ni1", false, 352, true},
               {"ni2", true, 540, true},
               {"ni2", true, 544, true},
               {"\0\0\0", false, 348, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nifti_facts f = {.dim = {3, 3, 2, 2},
                     .datatype = 4,
                     .magic = cases[i].magic,
                     .two = cases[i].two,
                     .slope = 2,
                     .pixdim = {1, 0.5, 0.7, 3},
                     .sform_code = 1,
                     .srow = {{0.5, 0, 0, 0}, {0, 0.7, 0, 0}, {0, 0, 3, 0}}};
    nsc_image *image = NULL;
    nsc_error err = {0};
    CHECK_EQ(open_pair(&f, cases[i].header, samples, sizeof samples, &image, &err), NSC_OK);
    REQUIRE(image);
    double value[3], sum = 0;
    for (uint32_t frame = 0; frame < 2; frame++) {
      for (uint32_t at = 0; at < 6; at++) {
        REQUIRE(nsc_image_probe(image, frame, at % 3, at / 3, value, NULL) == NSC_OK);
        sum += value[0];
        if (!cases[i].has_orientation) CHECK_NEAR(value[0], 2.0 * (frame * 6 + at), 0);
      }
    }
    CHECK_NEAR(sum, 2 * 66, 0);
    nsc_image_info info;
    nsc_image_get_info(image, &info);
    CHECK_NEAR(info.spacing_x, 0.5, 1e-6);
    char *json;
    REQUIRE(nsc_image_json(image, &json, NULL) == NSC_OK);
    CHECK((strstr(json, "\"orientation\":null") == NULL) == cases[i].has_orientation);
    nsc_text_free(json);
    nsc_image_free(image);
  }
}

TEST(image_nifti_pairs_that_do_not_fit) {
  const uint8_t samples[64] = {0};
  nifti_facts f = {.dim = {3, 3, 2, 2}, .datatype = 4, .magic = "ni1"};
  for (size_t size = 0; size < sizeof samples; size++) {
    nsc_image *image = NULL;
    nsc_error err = {0};
    nsc_status status = open_pair(&f, 348, samples, size, &image, &err);
    bool fits = size == 24 || size == 28; /* with the four bytes that may follow a header */
    CHECK_EQ(status, fits ? NSC_OK : size <= 4 ? NSC_ERROR_UNSUPPORTED : NSC_ERROR_TRUNCATED);
    if (!fits) CHECK_HAS(err.text, ".img");
    nsc_image_free(image);
  }
  f.dim[1] = INT16_MAX, f.dim[2] = INT16_MAX, f.dim[3] = INT16_MAX;
  CHECK_EQ(open_pair(&f, 348, samples, 64, &(nsc_image *){NULL}, NULL), NSC_ERROR_TRUNCATED);
}

TEST(image_nifti_impossible_sizes) {
  nifti_facts f = {.two = true, .dim = {3, 1 << 20, 1, 1}, .datatype = 2};
  CHECK_EQ(nifti_status(&f, 16, NULL), NSC_ERROR_LIMIT);
  f = (nifti_facts){.two = true, .dim = {4, 60000, 1, INT64_MAX, INT64_MAX}, .datatype = 2};
  CHECK_EQ(nifti_status(&f, 16, NULL), NSC_ERROR_LIMIT);
  f = (nifti_facts){.two = true, .dim = {3, 2, 2, -1}, .datatype = 2};
  CHECK_EQ(nifti_status(&f, 16, NULL), NSC_ERROR_CORRUPT);
  f = (nifti_facts){.dim = {3, 3, 2, 3}, .datatype = 2};
  CHECK_EQ(nifti_status(&f, 17, NULL), NSC_ERROR_TRUNCATED);
  CHECK_EQ(nifti_status(&f, 18, NULL), NSC_OK);
}
