/* Nearest neighbours by features: who may vote, and what a vote weighs. */
#include "test.h"
#include "train/features.h"

enum { SAMPLES = 6, SIZE = 2 };

/* Directions of 0, 1, 2, 3, 30 and 2 degrees; cosines tell them apart. The last sample is no training picture. */
static const float features[SAMPLES * SIZE] = {1,        0,        0.99985f, 0.01745f, 0.99939f, 0.0349f,
                                               0.99863f, 0.05234f, 0.86603f, 0.5f,     0.99939f, 0.0349f};

static bool make_data(nsc_dataset *d, const char *const patients[SAMPLES]) {
  static const char *const labels[] = {"a", "b"};
  nsc_error err = {0};
  if (nsc_dataset_init(d, 1, 1, 1, 2, labels, &err) != NSC_OK) return false;
  for (uint32_t i = 0; i < SAMPLES; i++) {
    uint8_t *pixels;
    if (nsc_dataset_add(d, "picture", patients[i], i % 2, &pixels, &err) != NSC_OK) return false;
    pixels[0] = 0;
  }
  d->samples[SAMPLES - 1].split = NSC_SPLIT_TEST;
  return true;
}

static uint32_t find(const nsc_dataset *d, uint32_t asked, uint32_t k, nsc_neighbour *out) {
  uint32_t found;
  nsc_neighbours_find(d, features, SIZE, features + (size_t)asked * SIZE, asked, k, out, &found);
  return found;
}

TEST(neighbours_are_training_pictures_of_other_patients) {
  nsc_neighbour near[SAMPLES];
  nsc_dataset d;
  REQUIRE(make_data(&d, (const char *const[]){"ann", "ann", "ben", "", "ann", NULL}));
  REQUIRE(find(&d, 0, SAMPLES, near) == 2); /* not 0 itself, nor 1 and 4, who are Ann too, nor the test picture */
  CHECK_EQ(near[0].sample, 2);
  CHECK_EQ(near[1].sample, 3);
  REQUIRE(find(&d, 2, 3, near) == 3);
  CHECK(near[0].similarity >= near[1].similarity && near[1].similarity >= near[2].similarity);
  CHECK(near[0].sample != 2 && near[1].sample != 2 && near[2].sample != 2);
  CHECK_EQ(find(&d, 3, SAMPLES, near), 4); /* "" is nobody's: only the picture itself is left out */
  CHECK_EQ(find(&d, 5, SAMPLES, near), 5);
  uint32_t found;
  nsc_neighbours_find(&d, features, SIZE, features, UINT32_MAX, SAMPLES, near, &found);
  CHECK_EQ(found, 5); /* a picture from elsewhere leaves nobody out */
  CHECK_EQ(near[0].sample, 0);
  nsc_dataset_drop(&d);
}

TEST(neighbours_of_unknown_patients_are_each_their_own) {
  nsc_neighbour near[SAMPLES];
  nsc_dataset d;
  REQUIRE(make_data(&d, (const char *const[]){"", "", NULL, NULL, "", ""}));
  for (uint32_t i = 0; i < SAMPLES - 1; i++) CHECK_EQ(find(&d, i, SAMPLES, near), 4);
  nsc_dataset_drop(&d);
}

TEST(neighbours_that_are_not_there_favour_no_label) {
  nsc_neighbour near[SAMPLES];
  float scores[2];
  nsc_dataset d;
  REQUIRE(make_data(&d, (const char *const[]){"ann", "ann", "ann", "ann", "ann", "ann"}));
  REQUIRE(find(&d, 0, SAMPLES, near) == 0);
  nsc_neighbours_vote(&d, near, 0, scores);
  CHECK(scores[0] == 0.5f && scores[1] == 0.5f);
  /* The farthest has no weight; of the others the one twice as far from it counts twice. */
  const nsc_neighbour voters[3] = {{0, 0.9f}, {1, 0.8f}, {2, 0.7f}};
  nsc_neighbours_vote(&d, voters, 3, scores);
  CHECK(fabsf(scores[0] - 2.0f / 3) < 1e-5f && fabsf(scores[1] - 1.0f / 3) < 1e-5f);
  nsc_dataset_drop(&d);
}
