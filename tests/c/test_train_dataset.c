/* Data sets in memory: budget, splits, folds, copies. */
#include <stdlib.h>

#include "test.h"
#include "train/duplicates.h"
#include "train/npz.h"

static const char *const labels[] = {"a", "b", "c"};

static uint8_t *add(nsc_dataset *d, const char *patient, uint32_t label, nsc_split split) {
  uint8_t *pixels = NULL;
  nsc_error err = {0};
  if (nsc_dataset_add(d, "picture", patient, label, &pixels, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    abort();
  }
  d->samples[d->count - 1].split = split;
  return pixels;
}

/* ---- budget ---- */

TEST(dataset_budget_says_what_fits) {
  nsc_dataset d;
  nsc_error err = {0};
  uint8_t *pixels;
  REQUIRE(nsc_dataset_init(&d, 32, 32, 1, 2, labels, &err) == NSC_OK);
  CHECK_EQ(d.budget, NSC_DATASET_BUDGET);
  d.budget = 10 * 32 * 32 + 100;
  CHECK_EQ(nsc_dataset_reserve(&d, 40, &err), NSC_ERROR_LIMIT);
  /* 10 of 40 fit, so a side of about a half does: sqrt((10240 + 100) / 40960) * 32 = 16.08. */
  CHECK_HAS(err.text, "only 10 do; at a size of 16");
  for (int i = 0; i < 10; i++) REQUIRE(nsc_dataset_add(&d, "x", NULL, 0, &pixels, NULL) == NSC_OK);
  CHECK_EQ(nsc_dataset_add(&d, "x", NULL, 0, &pixels, NULL), NSC_ERROR_LIMIT);
  CHECK_EQ(d.count, 10);
  nsc_dataset_drop(&d);
}

TEST(dataset_reserve_moves_nothing) {
  nsc_dataset d;
  uint8_t *pixels;
  REQUIRE(nsc_dataset_init(&d, 4, 4, 3, 2, labels, NULL) == NSC_OK);
  REQUIRE(nsc_dataset_reserve(&d, 1000, NULL) == NSC_OK);
  const uint8_t *before = d.pixels;
  for (int i = 0; i < 1000; i++) REQUIRE(nsc_dataset_add(&d, "x", NULL, 0, &pixels, NULL) == NSC_OK);
  CHECK(d.pixels == before);
  nsc_dataset_drop(&d);
}

/* ---- folds ---- */

enum { PATIENTS = 60, FOLDS = 5 };

/* Patients of 1 to 7 pictures; every fifth has pictures of two labels; label "c" is rare. */
static void make_patients(nsc_dataset *d) {
  char patient[16];
  if (nsc_dataset_init(d, 1, 1, 1, 3, labels, NULL) != NSC_OK) abort();
  for (uint32_t p = 0; p < PATIENTS; p++) {
    snprintf(patient, sizeof patient, "p%u", p);
    for (uint32_t i = 0; i < 1 + p % 7; i++) {
      uint32_t label = p % 10 == 9 ? 2 : p % 5 == 0 ? i % 2 : p % 2;
      add(d, patient, label, NSC_SPLIT_TRAIN);
    }
  }
  for (uint32_t i = 0; i < 40; i++) add(d, NULL, i % 2, NSC_SPLIT_TRAIN);
}

TEST(dataset_folds_cover_everything_once) {
  nsc_dataset d;
  make_patients(&d);
  uint32_t *times = calloc(d.count, sizeof *times);
  for (uint32_t fold = 0; fold < FOLDS; fold++) {
    REQUIRE(nsc_dataset_fold(&d, FOLDS, fold, 7, NULL) == NSC_OK);
    for (uint32_t i = 0; i < d.count; i++) times[i] += d.samples[i].split == NSC_SPLIT_VALIDATION;
    for (uint32_t i = 1; i < d.count; i++) { /* a patient's pictures stand together */
      const nsc_sample *a = &d.samples[i - 1], *b = &d.samples[i];
      if (a->patient && b->patient && strcmp(a->patient, b->patient) == 0) CHECK_EQ(a->split, b->split);
    }
    for (uint32_t label = 0; label < 3; label++) {
      uint32_t all = 0;
      for (uint32_t i = 0; i < d.count; i++) all += d.samples[i].label == label;
      /* As even as patients of up to seven pictures allow. */
      CHECK_NEAR(nsc_dataset_count(&d, NSC_SPLIT_VALIDATION, label), all / (double)FOLDS, 4);
    }
  }
  for (uint32_t i = 0; i < d.count; i++) CHECK_EQ(times[i], 1);
  free(times);
  nsc_dataset_drop(&d);
}

TEST(dataset_folds_leave_given_splits) {
  nsc_dataset d;
  make_patients(&d);
  for (uint32_t i = 0; i < d.count; i += 9) {
    d.samples[i].split = NSC_SPLIT_TEST;
    d.samples[i].split_given = true;
  }
  REQUIRE(nsc_dataset_fold(&d, FOLDS, 2, 7, NULL) == NSC_OK);
  for (uint32_t i = 0; i < d.count; i += 9) CHECK_EQ(d.samples[i].split, NSC_SPLIT_TEST);
  /* Pictures of a patient who is tested are tested too. */
  for (uint32_t i = 1; i < d.count; i++) {
    const nsc_sample *a = &d.samples[i - 1], *b = &d.samples[i];
    if (a->patient && b->patient && strcmp(a->patient, b->patient) == 0) CHECK_EQ(a->split, b->split);
  }
  nsc_dataset_drop(&d);
}

TEST(dataset_folds_that_cannot_be) {
  nsc_dataset d;
  nsc_error err = {0};
  REQUIRE(nsc_dataset_init(&d, 1, 1, 1, 2, labels, NULL) == NSC_OK);
  for (int i = 0; i < 9; i++) add(&d, i < 5 ? "one" : "other", 0, NSC_SPLIT_TRAIN);
  CHECK_EQ(nsc_dataset_fold(&d, 1, 0, 1, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_dataset_fold(&d, 3, 3, 1, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_dataset_fold(&d, 3, 0, 1, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "2 patients do not fill 3 folds");
  CHECK_EQ(nsc_dataset_fold(&d, 2, 0, 1, NULL), NSC_OK);
  nsc_dataset_drop(&d);
}

TEST(split_words) {
  static const struct {
    const char *word;
    int split;
  } words[] = {{"train", 0}, {"Training", 0}, {"VAL", 1}, {"valid", 1}, {"validation", 1}, {"test", 2}, {"testing", 2}};
  nsc_split split;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    CHECK(nsc_split_parse(words[i].word, strlen(words[i].word), &split));
    CHECK_EQ(split, words[i].split);
  }
  CHECK(!nsc_split_parse("tests", 5, &split));
  CHECK(!nsc_split_parse("tes", 3, &split));
  CHECK(!nsc_split_parse("", 0, &split));
}

/* ---- copies ---- */

enum { SIDE = 24 };

/* Smooth pictures that differ from seed to seed, as pictures of bodies do. */
static void draw(uint8_t *pixels, uint64_t seed, size_t channels) {
  nsc_rng rng = nsc_rng_seeded(seed);
  double a[6];
  for (int i = 0; i < 6; i++) a[i] = nsc_rng_double(&rng) * 6.28;
  for (size_t y = 0; y < SIDE; y++) {
    for (size_t x = 0; x < SIDE; x++) {
      double u = (double)x / SIDE * 6.28, v = (double)y / SIDE * 6.28;
      double value =
          sin(u + a[0]) + sin(2 * v + a[1]) + sin(3 * u + a[2] + v) + 0.7 * sin(2 * u + a[3]) * sin(v + a[4]);
      for (size_t c = 0; c < channels; c++) pixels[(y * SIDE + x) * channels + c] = (uint8_t)(128 + 30 * value);
    }
  }
}

TEST(duplicates_are_found_and_counted) {
  nsc_dataset d;
  nsc_duplicates found;
  nsc_rng rng = nsc_rng_seeded(1);
  REQUIRE(nsc_dataset_init(&d, SIDE, SIDE, 3, 3, labels, NULL) == NSC_OK);
  REQUIRE(nsc_dataset_reserve(&d, 100, NULL) == NSC_OK);
  for (uint64_t i = 0; i < 50; i++) draw(add(&d, NULL, 0, NSC_SPLIT_TRAIN), i, 3);
  draw(add(&d, NULL, 0, NSC_SPLIT_TRAIN), 7, 3); /* 50: an exact copy within training */
  draw(add(&d, NULL, 1, NSC_SPLIT_TEST), 7, 3);  /* 51: of the same picture, in test, with another label */
  uint8_t *near = add(&d, NULL, 0, NSC_SPLIT_VALIDATION);
  draw(near, 20, 3); /* 52: saved again with losses */
  for (size_t i = 0; i < SIDE * SIDE * 3; i++) near[i] = (uint8_t)(near[i] + (int)nsc_rng_below(&rng, 5) - 2);
  draw(add(&d, NULL, 0, NSC_SPLIT_TEST), 1000, 3); /* 53 and 54: twice in test only */
  draw(add(&d, NULL, 0, NSC_SPLIT_TEST), 1000, 3);
  REQUIRE(nsc_duplicates_find(&d, &found, NULL) == NSC_OK);
  REQUIRE(found.count == 4);
  CHECK_EQ(found.groups, 3);
  CHECK_EQ(found.exact, 3);
  CHECK_EQ(found.across, 2);
  CHECK_EQ(found.relabelled, 1);
  CHECK_EQ(found.within[NSC_SPLIT_TRAIN], 1);
  CHECK_EQ(found.within[NSC_SPLIT_VALIDATION], 0);
  CHECK_EQ(found.within[NSC_SPLIT_TEST], 1);
  static const uint32_t samples[4] = {50, 51, 52, 54}, firsts[4] = {7, 7, 20, 53};
  for (int i = 0; i < 4; i++) {
    CHECK_EQ(found.list[i].sample, samples[i]);
    CHECK_EQ(found.list[i].first, firsts[i]);
    CHECK_EQ(found.list[i].exact, i != 2);
    CHECK_EQ(found.list[i].crosses, i == 1 || i == 2);
  }
  nsc_duplicates_drop(&found);
  nsc_dataset_drop(&d);
}

/* Nearly empty pictures are alike in everything but what matters. */
TEST(duplicates_are_not_empty_pictures) {
  nsc_dataset d;
  nsc_duplicates found;
  REQUIRE(nsc_dataset_init(&d, SIDE, SIDE, 1, 2, labels, NULL) == NSC_OK);
  for (size_t i = 0; i < 100; i++) {
    uint8_t *pixels = add(&d, NULL, 0, NSC_SPLIT_TRAIN);
    memset(pixels, 0, SIDE * SIDE);
    pixels[i * 5] = 255;
  }
  REQUIRE(nsc_duplicates_find(&d, &found, NULL) == NSC_OK);
  CHECK_EQ(found.count, 0);
  nsc_duplicates_drop(&found);
  nsc_dataset_drop(&d);
}

TEST(duplicates_of_few_and_tiny_pictures) {
  for (uint32_t count = 0; count < 3; count++) {
    nsc_dataset d;
    nsc_duplicates found;
    REQUIRE(nsc_dataset_init(&d, 2, 1, 1, 2, labels, NULL) == NSC_OK);
    for (uint32_t i = 0; i < count; i++) memset(add(&d, NULL, 0, NSC_SPLIT_TRAIN), 9, 2);
    REQUIRE(nsc_duplicates_find(&d, &found, NULL) == NSC_OK);
    CHECK_EQ(found.count, count == 2);
    nsc_duplicates_drop(&found);
    nsc_dataset_drop(&d);
  }
}

/* Found independently, by comparing all bytes in NumPy. */
TEST(duplicates_of_pneumoniamnist) {
  char path[512];
  size_t size;
  nsc_npz z;
  nsc_dataset d;
  nsc_duplicates found;
  if (!test_real_data()) SKIP("no real data");
  snprintf(path, sizeof path, "%s/medmnist-28/pneumoniamnist.npz", test_real_data());
  uint8_t *bytes = test_read_file(path, &size);
  if (!bytes) SKIP("no pneumoniamnist.npz");
  REQUIRE(nsc_npz_open(bytes, size, 0, &z, NULL) == NSC_OK);
  REQUIRE(nsc_dataset_init(&d, z.height, z.width, z.channels, 2, labels, NULL) == NSC_OK);
  for (int s = 0; s < NSC_SPLITS; s++) {
    for (uint32_t i = 0; i < z.splits[s].count; i++) {
      memcpy(add(&d, NULL, z.splits[s].labels[i], (nsc_split)s), nsc_npz_pixels(&z, (nsc_split)s, i), 28 * 28);
    }
  }
  REQUIRE(nsc_duplicates_find(&d, &found, NULL) == NSC_OK);
  CHECK_EQ(found.within[NSC_SPLIT_TRAIN], 18);
  CHECK_EQ(found.within[NSC_SPLIT_VALIDATION], 0);
  CHECK_EQ(found.within[NSC_SPLIT_TEST], 3);
  CHECK_EQ(found.across, 8);
  CHECK_EQ(found.exact, found.count);
  nsc_duplicates_drop(&found);
  nsc_dataset_drop(&d);
  nsc_npz_drop(&z);
  free(bytes);
}
