/*
 * A test is a function that registers itself:
 *
 *   TEST(reader_stops_at_end) {
 *     CHECK(nsc_reader_take(&r, 9) == NULL);
 *     CHECK_EQ(r.at, 8);
 *   }
 *
 * A failed check reports file, line and values and lets the test go on; REQUIRE ends the test. SKIP says why a test
 * cannot run here. The program prints TAP and ends with "N passed, N failed, N skipped".
 *
 *   nsc_tests [--data=FOLDER] [PART_OF_A_NAME]
 */
#ifndef NSC_TEST_H
#define NSC_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "negatoscope.h"

void test_register(const char *name, void (*run)(void));
void test_failed(const char *file, int line, const char *format, ...) NSC_PRINTF(3, 4);
void test_skipped(const char *reason);

/* A file of ../shared/data or of NSC_TEST_DATA, or NULL when there is none; the caller frees `*out` with free(). */
uint8_t *test_read_file(const char *path, size_t *size);
/* The folder with real data, or NULL: tests that need it then SKIP. */
const char *test_real_data(void);

#define TEST(name)                                                 \
  static void test_##name(void);                                   \
  __attribute__((constructor)) static void register_##name(void) { \
    test_register(#name, test_##name);                             \
  }                                                                \
  static void test_##name(void)

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) test_failed(__FILE__, __LINE__, "%s", #condition); \
  } while (0)

#define REQUIRE(condition)                               \
  do {                                                   \
    if (!(condition)) {                                  \
      test_failed(__FILE__, __LINE__, "%s", #condition); \
      return;                                            \
    }                                                    \
  } while (0)

#define CHECK_EQ(actual, expected)                                                               \
  do {                                                                                           \
    long long a_ = (long long)(actual), e_ = (long long)(expected);                              \
    if (a_ != e_) test_failed(__FILE__, __LINE__, "%s is %lld, expected %lld", #actual, a_, e_); \
  } while (0)

#define CHECK_NEAR(actual, expected, tolerance)                                                                 \
  do {                                                                                                          \
    double a_ = (double)(actual), e_ = (double)(expected);                                                      \
    if (!(fabs(a_ - e_) <= (tolerance)))                                                                        \
      test_failed(__FILE__, __LINE__, "%s is %.9g, expected %.9g +- %g", #actual, a_, e_, (double)(tolerance)); \
  } while (0)

#define CHECK_STR(actual, expected)                                                                      \
  do {                                                                                                   \
    const char *a_ = (actual), *e_ = (expected);                                                         \
    if (!a_ || strcmp(a_, e_) != 0)                                                                      \
      test_failed(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #actual, a_ ? a_ : "(null)", e_); \
  } while (0)

/* The text contains the part. */
#define CHECK_HAS(text, part)                                                                                     \
  do {                                                                                                            \
    const char *a_ = (text), *e_ = (part);                                                                        \
    if (!a_ || !strstr(a_, e_))                                                                                   \
      test_failed(__FILE__, __LINE__, "%s is \"%s\", expected to contain \"%s\"", #text, a_ ? a_ : "(null)", e_); \
  } while (0)

#define SKIP(reason)      \
  do {                    \
    test_skipped(reason); \
    return;               \
  } while (0)

#endif
