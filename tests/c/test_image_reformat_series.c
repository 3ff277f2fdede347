/* Stacks of DICOM files as volumes: gaps, tilted gantries, scales of their own, padding, times; and what is refused. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/image.h"
#include "test.h"

#define SPACE "1.2.840.99.1"

enum { COLUMNS = 4, ROWS = 3, MOST = 8 };

/* A file of a stack; zeros take the usual value. */
typedef struct file {
  double z, shift; /* mm; shift: along y */
  double slope, intercept;
  int value; /* added to all pixels */
  const char *orientation, *spacing, *space, *photometric, *position;
  uint32_t columns;
  bool is_unsigned, has_padding;
  const uint16_t *pixels;
} file;

/* Pixels are 0.75 mm wide and 0.5 mm high. */
static double function(const double mm[3]) {
  return 10 + 4 * (mm[0] + 1) + 10 * (mm[1] + 2) + 7 * mm[2];
}

static void add_decimal(dicom_builder *b, uint32_t tag, double value) {
  char text[17];
  snprintf(text, sizeof text, "%.10g", value);
  dicom_text(b, tag, "DS", text);
}

static void build(dicom_builder *b, const file *f) {
  char position[64];
  uint32_t columns = f->columns ? f->columns : COLUMNS;
  double slope = f->slope != 0 ? f->slope : 1;
  uint16_t pixels[ROWS * MOST];
  for (uint32_t i = 0; i < ROWS * columns; i++) {
    const double mm[3] = {-1 + 0.75 * (i % columns), -2 + f->shift + 0.5 * (i / columns), f->z};
    pixels[i] = (uint16_t)(int16_t)lrint((function(mm) - f->intercept) / slope + f->value);
  }
  snprintf(position, sizeof position, "-1\\%.10g\\%.10g", -2 + f->shift, f->z);
  dicom_begin(b, EXPLICIT_LITTLE);
  dicom_text(b, 0x00080060, "CS", "CT");
  dicom_text(b, 0x0020000D, "UI", "1.2");
  dicom_text(b, 0x0020000E, "UI", "1.2.3");
  dicom_text(b, 0x00200032, "DS", f->position ? f->position : position);
  dicom_text(b, 0x00200037, "DS", f->orientation ? f->orientation : "1\\0\\0\\0\\1\\0");
  dicom_text(b, 0x00200052, "UI", f->space ? f->space : SPACE);
  dicom_image(b, (dicom_pixels){.rows = ROWS,
                                .columns = columns,
                                .allocated = 16,
                                .is_signed = !f->is_unsigned,
                                .photometric = f->photometric});
  dicom_text(b, 0x00280030, "DS", f->spacing ? f->spacing : "0.5\\0.75");
  if (f->has_padding) dicom_us(b, 0x00280120, (uint16_t)-2000);
  add_decimal(b, 0x00281052, f->intercept);
  add_decimal(b, 0x00281053, slope);
  dicom_words(b, 0x7FE00010, "OW", f->pixels ? f->pixels : pixels, ROWS * columns);
}

static nsc_image *open_file(const file *f) {
  dicom_builder b = {0};
  nsc_error err = {0};
  build(&b, f);
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  dicom_end(&b);
  return image;
}

static void add_to_index(nsc_index *index, const char *key, const file *f) {
  dicom_builder b = {0};
  char *facts = NULL;
  build(&b, f);
  CHECK_EQ(nsc_header_json(b.bytes, b.size, b.size, &facts, NULL), NSC_OK);
  CHECK_EQ(nsc_index_add(index, key, NULL, facts, NULL), NSC_OK);
  nsc_text_free(facts);
  dicom_end(&b);
}

static const char *key_of(uint32_t number) {
  static char key[12];
  snprintf(key, sizeof key, "k%u", number);
  return key;
}

/* Announces files by their headers and makes the plan. */
static nsc_status plan(const file *files, uint32_t count, uint32_t chosen, uint64_t most, nsc_reformat **out,
                       nsc_error *err) {
  nsc_index *index = NULL;
  nsc_status status = NSC_OK;
  nsc_image *sample = open_file(&files[0]);
  const nsc_reformat_options options = {.max_bytes = most};
  *err = (nsc_error){0};
  *out = NULL;
  CHECK_EQ(nsc_index_create(&index, NULL), NSC_OK);
  CHECK_EQ(nsc_reformat_create(&options, out, err), NSC_OK);
  for (uint32_t i = 0; i < count; i++) {
    add_to_index(index, key_of(i), &files[i]);
    if (status == NSC_OK) status = nsc_reformat_announce(*out, index, key_of(i), err);
  }
  if (status == NSC_OK) status = nsc_reformat_plan(*out, chosen, sample, err);
  nsc_image_free(sample);
  nsc_index_free(index);
  return status;
}

static void fill(nsc_reformat *r, const file *files, const uint32_t *pictures, uint32_t count) {
  nsc_error err = {0};
  for (uint32_t k = 0; k < count; k++) {
    nsc_image *image = open_file(&files[pictures[k]]);
    CHECK_EQ(nsc_reformat_fill(r, k, image, 0, &err), NSC_OK);
    nsc_image_free(image);
  }
  CHECK_STR(err.text, "");
}

static void check_json(const nsc_reformat *r, const char *part) {
  char *json = NULL;
  CHECK_EQ(nsc_reformat_json(r, &json, NULL), NSC_OK);
  CHECK_HAS(json, part);
  nsc_text_free(json);
}

/* Every pixel that has a value has the function's; at least `least` have one. */
static void check_function(nsc_reformat *r, nsc_plane_kind kind, uint32_t least) {
  nsc_image *plane = NULL;
  nsc_image_info info;
  uint32_t with_value = 0;
  REQUIRE(nsc_reformat_open_plane(r, kind, &plane, NULL) == NSC_OK);
  nsc_image_get_info(plane, &info);
  for (uint32_t i = 0; i < info.frames * info.height * info.width; i++) {
    uint32_t x = i % info.width, y = i / info.width % info.height, frame = i / info.width / info.height;
    const double pixel[2] = {x + 0.5, y + 0.5};
    double mm[3], value[3];
    CHECK_EQ(nsc_image_position(plane, frame, pixel, mm, NULL), NSC_OK);
    CHECK_EQ(nsc_image_probe(plane, frame, x, y, value, NULL), NSC_OK);
    if (isnan(value[0])) continue;
    with_value++;
    CHECK_NEAR(value[0], function(mm), 1e-4);
  }
  if (with_value < least)
    test_failed(__FILE__, __LINE__, "%u of %u pixels have a value", with_value, info.frames * info.height * info.width);
  nsc_image_free(plane);
}

static void check_all_planes(nsc_reformat *r, uint32_t least) {
  for (int kind = 0; kind < NSC_PLANE_KIND_COUNT; kind++) check_function(r, (nsc_plane_kind)kind, least);
}

TEST(image_reformat_series_with_a_gap) {
  const file files[] = {{.z = 2}, {.z = 10}, {.z = 0}, {.z = 8}, {.z = 4}}; /* 6 is missing */
  const uint32_t order[] = {2, 0, 4, 3, 1};
  nsc_reformat *r;
  nsc_error err;
  REQUIRE(plan(files, 5, 0, 0, &r, &err) == NSC_OK);
  check_json(r,
             "\"slices\":5,\"missing\":1,\"tilt\":0,\"bytes\":120,\"spacing\":[0.75,0.5,2],\"pictures\":[2,0,4,3,1]");
  nsc_image *plane = NULL;
  CHECK_EQ(nsc_reformat_open_plane(r, NSC_PLANE_AXIAL, &plane, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "5 of 5 slices are not there");
  fill(r, files, order, 5);
  check_all_planes(r, 50); /* the smallest has 4 x 21 pixels in 3 frames */
  REQUIRE(nsc_reformat_open_plane(r, NSC_PLANE_AXIAL, &plane, NULL) == NSC_OK);
  nsc_image_info info;
  nsc_image_get_info(plane, &info);
  CHECK_EQ(info.frames, 6); /* the missing one is interpolated */
  nsc_image_free(plane);
  nsc_reformat_free(r);
}

/* Also with a slice missing, and with padding that lies outside what is looked at. */
TEST(image_reformat_tilted_gantry) {
  const file files[] = {{.z = 0}, {.z = 5, .shift = 1}, {.z = 10, .shift = 2}, {.z = 15, .shift = 3}};
  const file gap[] = {{.z = 0, .has_padding = true},
                      {.z = 5, .shift = 1, .has_padding = true},
                      {.z = 15, .shift = 3, .has_padding = true}};
  const uint32_t order[] = {0, 1, 2, 3};
  nsc_reformat *r;
  nsc_error err;
  REQUIRE(plan(files, 4, 0, 0, &r, &err) == NSC_OK);
  check_json(r, "\"tilt\":11.31"); /* atan(1 / 5) */
  fill(r, files, order, 4);
  check_all_planes(r, 30);
  nsc_reformat_free(r);
  REQUIRE(plan(gap, 3, 0, 0, &r, &err) == NSC_OK);
  check_json(r, "\"missing\":1,\"tilt\":11.31");
  fill(r, gap, order, 3);
  check_all_planes(r, 30);
  nsc_reformat_free(r);
}

/* Scales that differ make floats of what was kept in 16 bits. */
TEST(image_reformat_scales) {
  static const double slopes[3][3] = {{1, 1, 1}, {0.5, 0.5, 0.5}, {1, 0.5, 0.25}};
  static const double intercepts[3] = {0, -1024, 300};
  for (int s = 0; s < 3; s++) {
    for (int i = 0; i < 3; i++) {
      file files[3];
      const uint32_t order[] = {0, 1, 2};
      for (int k = 0; k < 3; k++)
        files[k] = (file){.z = 2 * k, .slope = slopes[s][k], .intercept = intercepts[(i + k) % 3]};
      nsc_reformat *r;
      nsc_error err;
      REQUIRE(plan(files, 3, 0, 0, &r, &err) == NSC_OK);
      fill(r, files, order, 3);
      check_all_planes(r, 20);
      check_json(r, s == 2 ? "\"bytes\":144" : "\"bytes\":72");
      nsc_reformat_free(r);
    }
  }
}

static void probe(nsc_image *plane, uint32_t frame, uint32_t x, uint32_t y, double expected) {
  double value[3];
  CHECK_EQ(nsc_image_probe(plane, frame, x, y, value, NULL), NSC_OK);
  if (isnan(expected)) {
    CHECK(isnan(value[0]));
  } else {
    CHECK_NEAR(value[0], expected, 1e-9);
  }
}

/* The axial plane of two slices. */
static nsc_image *axial_of(const file *files) {
  const uint32_t order[] = {0, 1};
  nsc_reformat *r;
  nsc_error err;
  nsc_image *plane = NULL;
  CHECK_EQ(plan(files, 2, 0, 0, &r, &err), NSC_OK);
  fill(r, files, order, 2);
  check_json(r, "\"bytes\":48");
  CHECK_EQ(nsc_reformat_open_plane(r, NSC_PLANE_AXIAL, &plane, NULL), NSC_OK);
  nsc_reformat_free(r);
  return plane;
}

TEST(image_reformat_extremes_of_16_bits) {
  const uint16_t low[ROWS * COLUMNS] = {0, 65535, 1, 32768}, high[ROWS * COLUMNS] = {65535, 0, 32767, 2};
  const file files[] = {{.is_unsigned = true, .pixels = low}, {.is_unsigned = true, .pixels = high, .z = 1}};
  nsc_image *plane = axial_of(files);
  REQUIRE(plane);
  /* Pixels are squares of 0.5 mm: voxels of 0.75 mm lie at 0, 1.5, 3 and 4.5 pixels. */
  probe(plane, 0, 0, 0, 0);
  probe(plane, 0, 3, 0, 1);
  probe(plane, 1, 0, 0, 65535);
  probe(plane, 1, 3, 0, 32767);
  CHECK_EQ(nsc_plane_set_slab(plane, 1, NSC_PROJECTION_MEAN, NULL), NSC_OK);
  probe(plane, 0, 0, 0, 65535 * 0.25); /* from 0 to 0.5 mm */
  CHECK_EQ(nsc_plane_set_slab(plane, 2, NSC_PROJECTION_MINIMUM, NULL), NSC_OK);
  probe(plane, 0, 3, 0, 1);
  nsc_image_free(plane);
}

/* Padding is no value, in a plane and in a slab. */
TEST(image_reformat_padding) {
  const uint16_t first[ROWS * COLUMNS] = {(uint16_t)-2000, 5, 6, 7},
                              second[ROWS * COLUMNS] = {9, (uint16_t)-2000, 8, 7};
  const file files[] = {{.has_padding = true, .pixels = first}, {.has_padding = true, .pixels = second, .z = 1}};
  nsc_image *plane = axial_of(files);
  REQUIRE(plane);
  probe(plane, 0, 0, 0, NAN);
  probe(plane, 0, 3, 0, 6);
  probe(plane, 1, 0, 0, 9);
  CHECK_EQ(nsc_plane_set_slab(plane, 2, NSC_PROJECTION_MINIMUM, NULL), NSC_OK);
  probe(plane, 0, 0, 0, 9);
  probe(plane, 0, 3, 0, 6);
  nsc_image_free(plane);
}

TEST(image_reformat_takes_one_time) {
  const file files[] = {
      {.z = 0}, {.z = 2}, {.z = 4}, {.z = 0, .value = 500}, {.z = 2, .value = 500}, {.z = 4, .value = 500}};
  nsc_reformat *r;
  nsc_error err;
  REQUIRE(plan(files, 6, 4, 0, &r, &err) == NSC_OK);
  check_json(r, "\"slices\":3,\"missing\":0,\"tilt\":0,\"bytes\":72,\"spacing\":[0.75,0.5,2],\"pictures\":[3,4,5]");
  nsc_reformat_free(r);
  REQUIRE(plan(files, 6, 0, 0, &r, &err) == NSC_OK);
  check_json(r, "\"pictures\":[0,1,2]");
  nsc_reformat_free(r);
}

static void check_refused(const file *files, uint32_t count, nsc_status status, const char *words) {
  nsc_reformat *r;
  nsc_error err;
  CHECK_EQ(plan(files, count, 0, 0, &r, &err), status);
  CHECK_HAS(err.text, words);
  nsc_reformat_free(r);
}

TEST(image_reformat_refused_with_the_reason) {
  const file uneven[] = {{.z = 0}, {.z = 2}, {.z = 3.5}, {.z = 8}};
  check_refused(uneven, 4, NSC_ERROR_UNSUPPORTED, "uneven: from 1.50 to 4.50 mm");
  const file turned[] = {{.z = 0}, {.z = 2, .orientation = "1\\0\\0\\0\\0.9962\\0.0872"}};
  check_refused(turned, 2, NSC_ERROR_UNSUPPORTED, "slice 2 is turned against slice 1");
  const file shifted[] = {{.z = 0}, {.z = 2}, {.z = 4, .shift = 1}, {.z = 6}};
  check_refused(shifted, 4, NSC_ERROR_UNSUPPORTED, "slice 3 is shifted sideways against the others by 1.00 mm");
  const file beside[] = {{.z = 0}, {.z = 0.1, .shift = 20}};
  check_refused(beside, 2, NSC_ERROR_UNSUPPORTED, "side by side");
  const file equal[] = {{.z = 1}, {.z = 1}};
  check_refused(equal, 2, NSC_ERROR_UNSUPPORTED, "all pictures lie at one place");
  const file wide[] = {{.z = 0}, {.z = 1, .columns = 5}};
  check_refused(wide, 2, NSC_ERROR_UNSUPPORTED, "slice 2 is 5 x 3 pixels, slice 1 4 x 3");
  const file fine[] = {{.z = 0}, {.z = 1, .spacing = "0.5\\0.5"}};
  check_refused(fine, 2, NSC_ERROR_UNSUPPORTED, "pixels of slice 2 are of another size");
  const file lost[] = {{.z = 0}, {.z = 1, .position = "a\\b\\c"}};
  check_refused(lost, 2, NSC_ERROR_UNSUPPORTED, "slice 2 does not say where it lies");
  const file flat[] = {{.z = 0}, {.z = 1, .spacing = "0\\0"}};
  check_refused(flat, 2, NSC_ERROR_UNSUPPORTED, "slice 2 does not say where it lies");
  const file tiny[] = {{.z = 0}, {.z = 1, .spacing = "1e-300\\1e-300"}};
  check_refused(tiny, 2, NSC_ERROR_UNSUPPORTED, "slice 2 does not say where it lies");
  const file far[] = {{.z = 0}, {.z = 1, .position = "1e300\\0\\0"}};
  check_refused(far, 2, NSC_ERROR_UNSUPPORTED, "slice 2 does not say where it lies");
  check_refused(uneven, 1, NSC_ERROR_UNSUPPORTED, "one slice alone");
  const file holes[] = {{.z = 0}, {.z = 1}, {.z = 1000}};
  check_refused(holes, 3, NSC_ERROR_UNSUPPORTED, "more slices are missing (998) than there are (3)");
}

TEST(image_reformat_limits) {
  const file files[] = {{.z = 0}, {.z = 1}, {.z = 2}};
  nsc_reformat *r;
  nsc_error err;
  CHECK_EQ(plan(files, 3, 0, 71, &r, &err), NSC_ERROR_LIMIT);
  CHECK_HAS(err.text, "4 x 3 x 3 voxels take 0 MB, the limit is 0 MB");
  nsc_reformat_free(r);
  /* Nothing is allocated for what headers claim. */
  static const char facts[] =
      "{\"rows\":65535,\"columns\":65535,\"position\":[0,0,%d],\"orientation\":[1,0,0,0,1,0],\"spacing\":[1,1]}";
  nsc_index *index = NULL;
  nsc_image *sample = open_file(&files[0]);
  CHECK_EQ(nsc_index_create(&index, NULL), NSC_OK);
  CHECK_EQ(nsc_reformat_create(NULL, &r, NULL), NSC_OK);
  for (int i = 0; i < 100; i++) {
    char text[160];
    snprintf(text, sizeof text, facts, i);
    CHECK_EQ(nsc_index_add(index, key_of((uint32_t)i), NULL, text, NULL), NSC_OK);
    CHECK_EQ(nsc_reformat_announce(r, index, key_of((uint32_t)i), NULL), NSC_OK);
  }
  err = (nsc_error){0};
  CHECK_EQ(nsc_reformat_plan(r, 0, sample, &err), NSC_ERROR_LIMIT);
  CHECK_HAS(err.text, "65535 x 65535 x 100 voxels take 819175 MB, the limit is 1024 MB");
  CHECK_EQ(nsc_reformat_announce(r, index, "nobody", NULL), NSC_ERROR_ARGUMENT);
  nsc_reformat_free(r);
  nsc_index_free(index);
  nsc_image_free(sample);
}

TEST(image_reformat_file_that_changed) {
  const file files[] = {{.z = 0}, {.z = 1}}, other = {.z = 1, .columns = 5};
  nsc_reformat *r;
  nsc_error err;
  REQUIRE(plan(files, 2, 0, 0, &r, &err) == NSC_OK);
  nsc_image *image = open_file(&other);
  CHECK_EQ(nsc_reformat_fill(r, 1, image, 0, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "slice 2: the picture is not what its header said");
  CHECK_EQ(nsc_reformat_fill(r, 2, image, 0, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_plane_set_slab(image, 1, NSC_PROJECTION_MEAN, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
  nsc_reformat_free(r);
}

/* A scout from the side and a slice; another patient's slice has nothing to do with it. */
TEST(image_cut_of_dicom_files) {
  const file axial = {.z = 0.5}, stranger = {.z = 0.5, .space = "1.2.840.99.2"};
  const file side = {.position = "0\\-2\\2",
                     .orientation = "0\\1\\0\\0\\0\\-1"}; /* 4 columns of 0.75 mm, 3 rows of 0.5 */
  nsc_image *scout = open_file(&side), *slice = open_file(&axial), *other = open_file(&stranger);
  REQUIRE(scout && slice && other);
  double line[4];
  CHECK(nsc_image_cut(scout, 0, slice, 0, line) == false); /* row 3 would be the fourth */
  nsc_image_free(slice);
  slice = open_file(&(const file){.z = 1.25});
  REQUIRE(slice);
  CHECK(nsc_image_cut(scout, 0, slice, 0, line));
  CHECK_NEAR(line[1], 2, 1e-9); /* 0.75 mm below the first row's middle */
  CHECK_NEAR(line[3], 2, 1e-9);
  CHECK_NEAR(fabs(line[2] - line[0]), COLUMNS, 1e-9);
  CHECK(nsc_image_cut(slice, 0, scout, 0, line));
  CHECK_NEAR(line[0], 1 / 0.75 + 0.5, 1e-9);
  CHECK(!nsc_image_cut(scout, 0, other, 0, line));
  nsc_image_free(scout);
  nsc_image_free(slice);
  nsc_image_free(other);
}

/* Frames of an enhanced file, each with a position of its own, and their order. */
/* A grid of doses: distances from the first frame, z coordinates of transverse planes, and lists that say neither. */
TEST(image_place_of_dose_grids) {
  static const struct {
    const char *orientation, *offsets, *positions;
  } cases[] = {
      {"1\\0\\0\\0\\1\\0", "0\\2.5\\5", "\"normal\":[0,0,1],\"positions\":[30,32.5,35]"},
      {"1\\0\\0\\0\\1\\0", "30\\27\\24", "\"normal\":[0,0,1],\"positions\":[30,27,24]"},
      {"1\\0\\0\\0\\-1\\0", "30\\32\\34", "\"normal\":[0,0,-1],\"positions\":[-30,-32,-34]"},
      {"1\\0\\0\\0\\0\\-1", "0\\4\\8", "\"normal\":[0,1,0],\"positions\":[2,6,10]"},
      {"1\\0\\0\\0\\0\\-1", "2\\4\\8", "\"place\":null"},
      {"1\\0\\0\\0\\1\\0", "12\\13\\14", "\"place\":null"},
      {"1\\0\\0\\0\\1\\0", "0\\2.5", "\"place\":null"},
  };
  const uint16_t pixels[3 * 4] = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dicom_builder b = {0};
    nsc_error err = {0};
    dicom_begin(&b, EXPLICIT_LITTLE);
    dicom_text(&b, 0x00200032, "DS", "1\\2\\30");
    dicom_text(&b, 0x00200037, "DS", cases[i].orientation);
    dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 16, .frames = 3});
    dicom_text(&b, 0x00280030, "DS", "2\\1");
    dicom_text(&b, 0x3004000C, "DS", cases[i].offsets);
    dicom_words(&b, 0x7FE00010, "OW", pixels, 12);
    nsc_image *image = test_open(b.bytes, b.size, &err);
    CHECK_STR(err.text, "");
    dicom_end(&b);
    REQUIRE(image);
    char *json = NULL;
    CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
    CHECK_HAS(json, cases[i].positions);
    nsc_text_free(json);
    nsc_image_free(image);
  }
}

TEST(image_place_of_frames) {
  dicom_builder b = {0};
  nsc_error err = {0};
  const uint16_t pixels[3 * 4] = {0};
  static const char *const positions[] = {"1\\2\\30", "1\\2\\25", "1\\2\\20"};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 2, .allocated = 16, .frames = 3});
  dicom_text(&b, 0x00280030, "DS", "2\\1");
  dicom_open(&b, 0x52009229);
  dicom_item(&b);
  dicom_open(&b, 0x00209116);
  dicom_item(&b);
  dicom_text(&b, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_open(&b, 0x52009230);
  for (int i = 0; i < 3; i++) {
    dicom_item(&b);
    dicom_open(&b, 0x00209113);
    dicom_item(&b);
    dicom_text(&b, 0x00200032, "DS", positions[i]);
    dicom_end_item(&b);
    dicom_close(&b);
    dicom_end_item(&b);
  }
  dicom_close(&b);
  dicom_words(&b, 0x7FE00010, "OW", pixels, 12);
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  dicom_end(&b);
  REQUIRE(image);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(
      json,
      "\"place\":{\"space\":null,\"across\":[1,0,0],\"down\":[0,1,0],\"normal\":[0,0,1],\"positions\":[30,25,20]}");
  nsc_text_free(json);
  nsc_reformat *r = NULL;
  CHECK_EQ(nsc_reformat_create(NULL, &r, NULL), NSC_OK);
  CHECK_EQ(nsc_reformat_announce_image(r, image, NULL), NSC_OK);
  CHECK_EQ(nsc_reformat_plan(r, 0, image, &err), NSC_OK);
  check_json(r, "\"pictures\":[2,1,0]");
  nsc_reformat_free(r);
  nsc_image_free(image);
}
