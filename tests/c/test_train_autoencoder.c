/* Autoencoders: that they learn, the same whatever the threads, and what their files are. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/source.h"
#include "base/text.h"
#include "nn/compute.h"
#include "test.h"
#include "train/autoencoder.h"
#include "train/loss.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE };

TEST(squared_error_is_a_mean_of_squares) {
  const float z[4] = {1, 2, 0, 0}, t[4] = {0, 2, 0, 2};
  const nsc_loss loss = {.kind = NSC_LOSS_SQUARED_ERROR};
  float g[4];
  CHECK_NEAR(nsc_loss_compute(&loss, z, t, 2, 2, g), (0.5 + 2) / 2, 1e-12);
  const float expected[4] = {0.5f, 0, 0, -1};
  for (int i = 0; i < 4; i++) CHECK_NEAR(g[i], expected[i], 1e-7);
}

TEST(autoencoder_sides) {
  static const uint32_t sides[][2] = {{1, 16}, {16, 16}, {23, 16}, {24, 32}, {28, 32}, {32, 32}, {1024, 32}};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) CHECK_EQ(nsc_autoencoder_side(sides[i][0]), sides[i][1]);
}

/* A soft disc somewhere near the middle. */
static void disc(nsc_rng *rng, uint32_t channels, uint8_t *out) {
  float x0 = 7 + 2 * nsc_rng_float(rng), y0 = 7 + 2 * nsc_rng_float(rng), wide = 12 + 4 * nsc_rng_float(rng);
  for (uint32_t i = 0; i < PIXELS * channels; i++) {
    float x = (float)(i / channels % SIDE) - x0, y = (float)(i / channels / SIDE) - y0;
    out[i] = (uint8_t)(20 + 200 * expf(-(x * x + y * y) / wide) / (float)(1 + i % channels));
  }
}

static nsc_autoencoder *with_pictures(uint32_t channels, int learnt, int held) {
  nsc_autoencoder *a = NULL;
  nsc_error err = {0};
  uint8_t picture[PIXELS * 3];
  nsc_rng rng = nsc_rng_seeded(7);
  nsc_status status = nsc_autoencoder_create(SIDE, SIDE, channels, 3, &a, &err);
  for (int i = 0; i < learnt + held && status == NSC_OK; i++) {
    disc(&rng, channels, picture);
    status = nsc_autoencoder_add(a, picture, i >= learnt, &err);
  }
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return a;
}

/* Until so many epochs are done. */
static nsc_autoencoder_progress learn(nsc_autoencoder *a, nsc_compute *compute, uint32_t epochs) {
  nsc_error err = {0};
  nsc_autoencoder_progress p = nsc_autoencoder_progress_of(a);
  nsc_status status = NSC_OK;
  for (bool finished = false; status == NSC_OK && !finished && p.epoch < epochs;) {
    status = nsc_autoencoder_run(a, compute, 0, NULL, &finished, &err);
    p = nsc_autoencoder_progress_of(a);
  }
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return p;
}

/* Mean squared difference of all values from those of the mean picture: what knowing nothing but that would leave. */
static double spread(const nsc_dataset *d) {
  double sum = 0;
  size_t count = d->height * d->width * d->channels;
  for (size_t k = 0; k < count; k++) {
    double mean = 0, squares = 0;
    for (uint32_t i = 0; i < d->count; i++) {
      double value = nsc_dataset_pixels(d, i)[k] / 255.0;
      mean += value / d->count, squares += value * value / d->count;
    }
    sum += (squares - mean * mean) / (double)count;
  }
  return sum;
}

/* What the engine makes of a picture with the file. */
static void make_again(const char *bytes, size_t size, uint32_t channels, const float *picture, float *made) {
  nsc_error err = {0};
  nsc_source *source;
  nsc_model *model;
  nsc_session *session;
  nsc_tensor_info in, out;
  REQUIRE(nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK);
  REQUIRE(nsc_model_open(source, &model, &err) == NSC_OK);
  REQUIRE(nsc_model_input_info(model, 0, &in, &err) == NSC_OK);
  CHECK(in.rank == 4 && in.dims[0] == -1 && in.dims[1] == channels && in.dims[2] == SIDE && in.dims[3] == SIDE);
  in.dims[0] = 1;
  const nsc_session_options options = {.input_count = 1, .inputs = &in};
  nsc_status status = nsc_session_create(model, &options, &session, &err);
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  REQUIRE(status == NSC_OK);
  nsc_session_output_info(session, 0, &out);
  CHECK(out.rank == 4 && memcmp(out.dims, in.dims, 4 * sizeof *in.dims) == 0);
  size_t expected = PIXELS * channels * sizeof *picture;
  CHECK_EQ(nsc_session_set_input(session, 0, picture, expected, &err), NSC_OK);
  CHECK_EQ(nsc_session_run(session, NULL, &err), NSC_OK);
  CHECK_EQ(nsc_session_get_output(session, 0, made, expected, &err), NSC_OK);
  nsc_session_free(session);
  nsc_model_free(model);
}

/* The mean squared error on pictures that were held back is a fraction of their spread, while training and in the file.
 */
TEST(autoencoder_learns_its_pictures) {
  for (uint32_t channels = 1; channels <= 3; channels += 2) {
    nsc_error err = {0};
    char *bytes;
    size_t size;
    nsc_compute *compute;
    nsc_autoencoder *a = with_pictures(channels, 60, 16);
    REQUIRE(a != NULL && nsc_compute_create(1, &compute, &err) == NSC_OK);
    nsc_autoencoder_progress p = nsc_autoencoder_progress_of(a);
    CHECK(p.epoch == 0 && p.epochs >= 10 && isnan(p.loss));
    p = learn(a, compute, UINT32_MAX);
    CHECK_EQ(p.epoch, p.epochs);
    const nsc_dataset *d = nsc_autoencoder_pictures(a);
    double most = spread(d) / 8, sum = 0;
    if (!(p.validation_loss < most)) test_failed(__FILE__, __LINE__, "%g is not below %g", p.validation_loss, most);
    REQUIRE(nsc_autoencoder_file(a, &bytes, &size, &err) == NSC_OK);
    CHECK(size < 100000); /* float16 */
    float picture[PIXELS * 3], made[PIXELS * 3];
    uint32_t count = PIXELS * channels;
    const uint8_t *pixels = nsc_dataset_pixels(d, d->count - 1);
    for (uint32_t i = 0; i < count; i++) picture[i % channels * PIXELS + i / channels] = (float)pixels[i] / 255;
    make_again(bytes, size, channels, picture, made);
    for (uint32_t i = 0; i < count; i++) sum += pow((double)made[i] - (double)picture[i], 2) / count;
    CHECK(sum < most);
    nsc_text_free(bytes);
    nsc_autoencoder_free(a);
    nsc_compute_free(compute);
  }
}

TEST(autoencoder_is_the_same_with_threads) {
  nsc_autoencoder_progress found[2];
  for (int i = 0; i < 2; i++) {
    nsc_error err = {0};
    nsc_compute *compute;
    nsc_autoencoder *a = with_pictures(1, 40, 10);
    REQUIRE(a != NULL && nsc_compute_create(i ? 3 : 1, &compute, &err) == NSC_OK);
    found[i] = learn(a, compute, 4);
    nsc_autoencoder_free(a);
    nsc_compute_free(compute);
  }
  CHECK_EQ(found[0].epoch, 4);
  CHECK(found[0].loss == found[1].loss && found[0].validation_loss == found[1].validation_loss);
}

TEST(autoencoder_says_what_is_wrong) {
  nsc_autoencoder *a;
  nsc_compute *compute;
  nsc_error err = {0};
  char *bytes;
  size_t size;
  bool finished;
  int32_t cancel = 1;
  const uint8_t picture[PIXELS] = {0};
  CHECK_EQ(nsc_autoencoder_create(24, 16, 1, 1, &a, &err), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_autoencoder_create(16, 16, 2, 1, &a, &err), NSC_ERROR_ARGUMENT);
  REQUIRE(nsc_compute_create(1, &compute, &err) == NSC_OK);
  a = with_pictures(1, 0, 3);
  REQUIRE(a != NULL);
  err = (nsc_error){0};
  CHECK_EQ(nsc_autoencoder_run(a, compute, 0, NULL, &finished, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "no pictures");
  nsc_autoencoder_free(a);
  a = with_pictures(1, 4, 2);
  REQUIRE(a != NULL);
  CHECK_EQ(nsc_autoencoder_file(a, &bytes, &size, &err), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_autoencoder_run(a, compute, 0, &cancel, &finished, &err), NSC_ERROR_CANCELLED);
  cancel = 0;
  REQUIRE(nsc_autoencoder_run(a, compute, 0, &cancel, &finished, &err) == NSC_OK);
  CHECK(!finished);
  err = (nsc_error){0};
  CHECK_EQ(nsc_autoencoder_add(a, picture, false, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "begun");
  nsc_autoencoder_free(a);
  nsc_compute_free(compute);
}

/* Beyond what is kept, all pictures stay with the same chance, and each split keeps to itself. */
TEST(autoencoder_keeps_a_part_of_many) {
  nsc_autoencoder *a;
  nsc_error err = {0};
  uint8_t picture[PIXELS];
  REQUIRE(nsc_autoencoder_create(SIDE, SIDE, 1, 1, &a, &err) == NSC_OK);
  for (int i = 0; i < 12000; i++) {
    memset(picture, i * 255 / 12000, sizeof picture);
    REQUIRE(nsc_autoencoder_add(a, picture, i % 4 == 0, &err) == NSC_OK);
  }
  const nsc_dataset *d = nsc_autoencoder_pictures(a);
  uint32_t counts[2] = {nsc_dataset_count(d, NSC_SPLIT_TRAIN, UINT32_MAX),
                        nsc_dataset_count(d, NSC_SPLIT_VALIDATION, UINT32_MAX)};
  CHECK_EQ(counts[0], 4000);
  CHECK_EQ(counts[1], 1000);
  double sums[2] = {0};
  for (uint32_t i = 0; i < d->count; i++) sums[d->samples[i].split] += nsc_dataset_pixels(d, i)[0];
  for (int split = 0; split < 2; split++) CHECK_NEAR(sums[split] / counts[split], 127, 8);
  uint64_t bytes;
  REQUIRE(nsc_autoencoder_need(32, 32, 3, 100000, 2, &bytes, &err) == NSC_OK);
  CHECK(bytes > 5000 * 32 * 32 * 3 && bytes < 100000000);
  nsc_autoencoder_free(a);
}
