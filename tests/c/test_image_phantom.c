/* Synthetic slices: that they are what they say, the same every time, and proper DICOM. */
#include <stdlib.h>

#include "base/json.h"
#include "image/dicom_write.h"
#include "image/phantom_private.h"
#include "test.h"

/* ---- shapes ---- */

TEST(phantom_directions_are_cosine_and_sine) {
  for (double degrees = -360; degrees <= 360; degrees += 7.5) {
    double x, y;
    nsc_direction(degrees, &x, &y);
    CHECK_NEAR(x, cos(degrees * 3.14159265358979323846 / 180), 1e-9);
    CHECK_NEAR(y, sin(degrees * 3.14159265358979323846 / 180), 1e-9);
  }
}

TEST(phantom_distances) {
  nsc_shape circle = nsc_blob(10, 20, 5, 5, 33);
  CHECK_NEAR(nsc_shape_distance(&circle, 10, 27), 2, 1e-12);
  CHECK_NEAR(nsc_shape_distance(&circle, 13, 24), 0, 1e-12);
  CHECK_NEAR(nsc_shape_distance(&circle, 10, 20), -5, 1e-12);
  nsc_shape ellipse = nsc_blob(0, 0, 8, 4, 90); /* its long axis stands upright */
  CHECK_NEAR(nsc_shape_distance(&ellipse, 0, 8), 0, 1e-9);
  CHECK_NEAR(nsc_shape_distance(&ellipse, -4, 0), 0, 1e-9);
  nsc_shape waved = nsc_blob(0, 0, 10, 10, 0);
  waved.wave[0][0] = 0.1; /* cos of twice the angle */
  waved.wave[1][1] = 0.2; /* sin of three times the angle */
  CHECK_NEAR(nsc_shape_distance(&waved, 11, 0), 0, 1e-12);
  CHECK_NEAR(nsc_shape_distance(&waved, 0, 10 * (1 - 0.1 - 0.2)), 0, 1e-12);
  nsc_shape tube = nsc_tube(0, 0, 10, 0, 2, 1);
  CHECK_NEAR(nsc_shape_distance(&tube, -5, 0), 3, 1e-12);
  CHECK_NEAR(nsc_shape_distance(&tube, 5, 4), 2.5, 1e-12);
  CHECK_NEAR(nsc_shape_distance(&tube, 13, 4), 4, 1e-12);
}

TEST(phantom_rounded_union) {
  CHECK_NEAR(nsc_distance_union(3, 9, 4), 3, 0);
  CHECK_NEAR(nsc_distance_union(5, 5, 4), 4, 1e-12); /* k / 4 less where both are equal */
}

/* ---- UIDs ---- */

TEST(phantom_uids) {
  char uid[NSC_UID_ROOM];
  nsc_uid_write(0x550E8400E29B41D4u, 0xA716446655440000u, uid);
  CHECK_STR(uid, "2.25.113059749145936627633809160834275082240"); /* of 550e8400-e29b-81d4-a716-446655440000 */
  nsc_uid_write(UINT64_MAX, UINT64_MAX, uid);
  CHECK_STR(uid, "2.25.340282366920937934553716840013076889599");
  nsc_uid_write(0, 0, uid);
  CHECK_STR(uid, "2.25.604472133179351442128896");
}

/* ---- slices ---- */

static nsc_phantom_options small(uint32_t number, bool lesion) {
  nsc_phantom_options o = nsc_phantom_defaults();
  o.number = number;
  o.size = 128;
  o.lesion = lesion;
  return o;
}

TEST(phantom_tissues_have_their_densities) {
  static const struct {
    nsc_tissue tissue;
    double least, most; /* mean over all numbers, HU */
  } expected[] = {{NSC_TISSUE_AIR, -1005, -960},   {NSC_TISSUE_FAT, -120, -80},  {NSC_TISSUE_MUSCLE, 30, 75},
                  {NSC_TISSUE_BONE, 150, 700},     {NSC_TISSUE_LIVER, 45, 120},  {NSC_TISSUE_SPLEEN, 40, 130},
                  {NSC_TISSUE_KIDNEY, 25, 190},    {NSC_TISSUE_VESSEL, 20, 170}, {NSC_TISSUE_GUT, 0, 95},
                  {NSC_TISSUE_GAS, -1000, -700},   {NSC_TISSUE_NERVE, 0, 45},    {NSC_TISSUE_PANCREAS, 20, 110},
                  {NSC_TISSUE_GALLBLADDER, 0, 50}, {NSC_TISSUE_LESION, -50, 60}};
  double sum[16] = {0}, count[16] = {0};
  for (uint32_t number = 1; number <= 12; number++) {
    nsc_phantom p;
    nsc_phantom_options o = small(number, true);
    REQUIRE(nsc_phantom_draw(3, &o, &p, NULL) == NSC_OK);
    for (size_t i = 0; i < 128 * 128; i++) {
      sum[p.labels[i]] += p.hu[i];
      count[p.labels[i]]++;
    }
    nsc_phantom_drop(&p);
  }
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    double mean = sum[expected[i].tissue] / count[expected[i].tissue];
    CHECK(count[expected[i].tissue] > 0);
    if (!(mean >= expected[i].least && mean <= expected[i].most)) {
      test_failed(__FILE__, __LINE__, "tissue %d has %g HU", (int)expected[i].tissue, mean);
    }
  }
}

/* What the lesion's pixels are by its truth, compared with the same slice without one. */
static void check_lesion(const nsc_phantom *with, const nsc_phantom *without, double soft) {
  double sum = 0, x = 0, y = 0, inside = 0, change = 0;
  for (uint32_t i = 0; i < 128 * 128; i++) {
    double px = i % 128 * with->spacing, py = i / 128 * with->spacing;
    double away = hypot(px - with->lesion_x, py - with->lesion_y);
    if (away > with->diameter * 0.75 + soft) CHECK_EQ(with->hu[i], without->hu[i]);
    if (with->labels[i] == NSC_TISSUE_LESION) {
      x += px, y += py, sum++;
      if (away < with->diameter * 0.3 && without->labels[i] == NSC_TISSUE_LIVER) {
        change += with->hu[i] - without->hu[i];
        inside++;
      }
    }
  }
  double area = 3.14159265358979323846 / 4 * with->diameter * with->diameter;
  CHECK_NEAR(sum * with->spacing * with->spacing / area, 1, 0.25); /* its edge may be cut by the liver's */
  CHECK_NEAR(x / sum, with->lesion_x, 0.1 * with->diameter);
  CHECK_NEAR(y / sum, with->lesion_y, 0.1 * with->diameter);
  CHECK(inside > 0);
  CHECK_NEAR(change / inside, with->contrast, 8);
}

TEST(phantom_lesion_is_where_it_is_said_to_be) {
  for (uint32_t number = 1; number <= 10; number++) {
    nsc_phantom with, without;
    nsc_phantom_options o = small(number, true);
    o.diameter[0] = 20, o.diameter[1] = 30;
    REQUIRE(nsc_phantom_draw(5, &o, &with, NULL) == NSC_OK);
    o.lesion = false;
    REQUIRE(nsc_phantom_draw(5, &o, &without, NULL) == NSC_OK);
    CHECK(with.has_lesion && !without.has_lesion);
    CHECK(with.diameter >= 20 && with.diameter <= 30 && with.contrast >= -110 && with.contrast <= -60);
    check_lesion(&with, &without, 8);
    nsc_phantom_drop(&with);
    nsc_phantom_drop(&without);
  }
}

TEST(phantom_noise_has_the_deviation_asked_for) {
  nsc_phantom clean, noisy;
  nsc_phantom_options o = small(2, false);
  o.noise = 0;
  REQUIRE(nsc_phantom_draw(1, &o, &clean, NULL) == NSC_OK);
  o.noise = 20;
  REQUIRE(nsc_phantom_draw(1, &o, &noisy, NULL) == NSC_OK);
  double sum = 0, square = 0, beside = 0, n = 0;
  for (int y = 44; y < 84; y++) {
    for (int x = 44; x < 84; x++) {
      double d = noisy.hu[y * 128 + x] - clean.hu[y * 128 + x],
             e = noisy.hu[y * 128 + x + 1] - clean.hu[y * 128 + x + 1];
      sum += d;
      square += d * d;
      beside += d * e;
      n++;
    }
  }
  CHECK_NEAR(sum / n, 0, 2);
  CHECK(sqrt(square / n) > 14 && sqrt(square / n) < 21); /* 20 in the very middle, 11 at the skin */
  CHECK(beside / square > 0.25);                         /* neighbours share it */
  nsc_phantom_drop(&clean);
  nsc_phantom_drop(&noisy);
}

/* ---- files ---- */

TEST(phantom_file_is_the_same_every_time) {
  static const char options[] = "{\"number\":7,\"size\":64,\"lesion\":true}";
  char *a, *b, *c, *truth;
  size_t size_a, size_b, size_c;
  REQUIRE(nsc_phantom_file(11, options, &a, &size_a, &truth, NULL) == NSC_OK);
  REQUIRE(nsc_phantom_file(11, options, &b, &size_b, NULL, NULL) == NSC_OK);
  REQUIRE(nsc_phantom_file(12, options, &c, &size_c, NULL, NULL) == NSC_OK);
  CHECK(size_a == size_b && memcmp(a, b, size_a) == 0);
  CHECK(size_a != size_c || memcmp(a, c, size_a) != 0);
  nsc_json json;
  REQUIRE(nsc_json_parse(truth, strlen(truth), &json, NULL) == NSC_OK);
  const nsc_json_value *lesion = nsc_json_get(json.values, "lesion");
  REQUIRE(lesion && lesion->kind == NSC_JSON_OBJECT);
  CHECK(nsc_json_get(lesion, "diameter")->number >= 30 && nsc_json_get(lesion, "diameter")->number <= 60);
  nsc_json_drop(&json);
  nsc_text_free(truth);
  nsc_text_free(a);
  nsc_text_free(b);
  nsc_text_free(c);
}

TEST(phantom_opens_as_an_image) {
  nsc_image *image;
  nsc_image_info info;
  nsc_view view;
  char *json;
  double hu[3];
  REQUIRE(nsc_phantom_create(1, "{\"number\":42,\"size\":96}", &image, NULL) == NSC_OK);
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.width, 96);
  CHECK_EQ(info.height, 96);
  CHECK_EQ(info.bits, 12);
  CHECK_EQ(info.format, NSC_FORMAT_DICOM);
  CHECK(info.spacing_x > 2.5 && info.spacing_x < 4.5 && info.spacing_x == info.spacing_y);
  REQUIRE(nsc_view_default(image, 0, &view, NULL) == NSC_OK);
  CHECK_NEAR(view.center, 80, 0);
  CHECK_NEAR(view.width, 250, 0);
  REQUIRE(nsc_image_probe(image, 0, 1, 1, hu, NULL) == NSC_OK);
  CHECK_NEAR(hu[0], -1000, 60);
  REQUIRE(nsc_image_json(image, &json, NULL) == NSC_OK);
  CHECK_HAS(json, "PHANTOM^0042");
  CHECK_HAS(json, "SYNTHETIC: computed, no person was scanned");
  CHECK_HAS(json, "1.2.840.10008.5.1.4.1.1.2");
  nsc_text_free(json);
  nsc_image_free(image);
}

TEST(phantom_options_are_strict) {
  static const struct {
    const char *json, *error;
  } cases[] = {
      {"{\"sise\":64}", "\"sise\" is not known"},
      {"{\"size\":4096}", "\"size\" must be from 64 to 1024"},
      {"{\"size\":64.5}", "\"size\" must be a whole number"},
      {"{\"number\":0}", "\"number\" must be from 1"},
      {"{\"lesion\":1}", "\"lesion\" must be true or false"},
      {"{\"contrast\":-40}", "\"contrast\" must be a list of two numbers"},
      {"{\"contrast\":[-40,\"x\"]}", "\"contrast\" has something that is no number"},
      {"{\"contrast\":[-20,-40]}", "\"contrast\" must have the smaller number first"},
      {"{\"diameter\":[1,1e9]}", "\"diameter\" has something that is no number or out of bounds"},
      {"{\"noise\":-1}", "\"noise\" must be from 0 to 200"},
      {"[]", "no JSON object"},
      {"{", "phantom"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_error err = {0};
    nsc_image *image = NULL;
    CHECK_EQ(nsc_phantom_create(1, cases[i].json, &image, &err), NSC_ERROR_ARGUMENT);
    CHECK_HAS(err.text, cases[i].error);
    CHECK(image == NULL);
  }
}
