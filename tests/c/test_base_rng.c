/* Random numbers: against the reference generators' outputs, and against what their distributions must be. */
#include "base/rng.h"
#include "test.h"

TEST(base_rng_reference_outputs) {
  /* xoshiro256** from the state 1, 2, 3, 4, and SplitMix64 from 1234567, as their authors' C code gives them. */
  nsc_rng rng = {.state = {1, 2, 3, 4}};
  const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u};
  for (int i = 0; i < 5; i++) CHECK(nsc_rng_u64(&rng) == expected[i]);
  nsc_rng seeded = nsc_rng_seeded(1234567);
  CHECK(seeded.state[0] == 6457827717110365317u);
  CHECK(seeded.state[1] == 3203168211198807973u);
  CHECK(seeded.state[2] == 9817491932198370423u);
  CHECK(seeded.state[3] == 4593380528125082431u);
}

TEST(base_rng_streams) {
  nsc_rng root = nsc_rng_seeded(7), again = nsc_rng_seeded(7);
  nsc_rng before = nsc_rng_split(&root, 3);
  for (int i = 0; i < 10; i++) CHECK(nsc_rng_u64(&root) == nsc_rng_u64(&again));
  nsc_rng after = nsc_rng_split(&root, 3), sibling = nsc_rng_split(&root, 4), child = nsc_rng_split(&before, 3);
  uint64_t a = nsc_rng_u64(&before), b = nsc_rng_u64(&after);
  CHECK(a == b);
  CHECK(a != nsc_rng_u64(&sibling));
  CHECK(a != nsc_rng_u64(&child));
  /* Streams of neighbouring seeds and numbers are not each other's. */
  nsc_rng seed8 = nsc_rng_seeded(8), low = nsc_rng_split(&seed8, 2);
  CHECK(a != nsc_rng_u64(&low));
}

TEST(base_rng_uniform) {
  enum { N = 200000 };
  nsc_rng rng = nsc_rng_seeded(1);
  double sum = 0, square = 0, least = 1, most = 0;
  for (int i = 0; i < N; i++) {
    double x = i % 2 ? nsc_rng_double(&rng) : (double)nsc_rng_float(&rng);
    sum += x;
    square += x * x;
    least = fmin(least, x);
    most = fmax(most, x);
  }
  CHECK(least >= 0 && most < 1 && least < 1e-3 && most > 1 - 1e-3);
  CHECK_NEAR(sum / N, 0.5, 5 * 0.2887 / sqrt(N));
  CHECK_NEAR(square / N, 1 / 3.0, 5 * 0.2981 / sqrt(N));
}

TEST(base_rng_below) {
  enum { N = 70000 };
  nsc_rng rng = nsc_rng_seeded(2);
  int counts[7] = {0};
  for (int i = 0; i < N; i++) {
    uint32_t x = nsc_rng_below(&rng, 7);
    REQUIRE(x < 7);
    counts[x]++;
  }
  double chi = 0;
  for (int i = 0; i < 7; i++) chi += pow(counts[i] - N / 7.0, 2) / (N / 7.0);
  CHECK(chi < 22.5); /* 0.999 of the chi-square distribution with 6 degrees of freedom */
  CHECK_EQ(nsc_rng_below(&rng, 0), 0);
  CHECK_EQ(nsc_rng_below(&rng, 1), 0);
  /* Taking the remainder of 32 bits by 3 * 2^30 would give a third of the range twice as often: 0.5 instead of 1 / 3.
   */
  int low = 0;
  for (int i = 0; i < N; i++) low += nsc_rng_below(&rng, 3u << 30) < 1u << 30;
  CHECK_NEAR((double)low / N, 1 / 3.0, 0.01);
}

TEST(base_rng_normal) {
  enum { N = 100000 };
  nsc_rng rng = nsc_rng_seeded(3);
  double moments[5] = {0};
  for (int i = 0; i < N; i++) {
    double x = nsc_rng_normal(&rng), power = 1;
    for (int k = 1; k < 5; k++) moments[k] += (power *= x) / N;
  }
  CHECK_NEAR(moments[1], 0, 5 / sqrt(N));
  CHECK_NEAR(moments[2], 1, 5 * sqrt(2) / sqrt(N));
  CHECK_NEAR(moments[3], 0, 5 * sqrt(15) / sqrt(N));
  CHECK_NEAR(moments[4], 3, 5 * sqrt(96) / sqrt(N));
}

TEST(base_rng_shuffle) {
  /* Each of the 24 orders of 4 items as often as any other. */
  enum { N = 24000 };
  nsc_rng rng = nsc_rng_seeded(4);
  int counts[256] = {0}, seen = 0;
  for (int i = 0; i < N; i++) {
    uint32_t items[] = {0, 1, 2, 3};
    nsc_rng_shuffle(&rng, items, 4);
    counts[items[0] << 6 | items[1] << 4 | items[2] << 2 | items[3]]++;
  }
  double chi = 0;
  for (int i = 0; i < 256; i++) {
    if (!counts[i]) continue;
    seen++;
    chi += pow(counts[i] - 1000, 2) / 1000;
  }
  CHECK_EQ(seen, 24);
  CHECK(chi < 49.7); /* 0.999, 23 degrees of freedom */
  nsc_rng_shuffle(&rng, NULL, 0);
}
