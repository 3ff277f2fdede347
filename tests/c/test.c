#include "test.h"

#include <stdarg.h>
#include <stdlib.h>

enum { MAX_TESTS = 2048 };

static struct {
  const char *name;
  void (*run)(void);
} tests[MAX_TESTS];
static int test_count, failures_of_test;
static const char *skip_reason;

void test_register(const char *name, void (*run)(void)) {
  if (test_count == MAX_TESTS) abort();
  tests[test_count].name = name;
  tests[test_count++].run = run;
}

void test_failed(const char *file, int line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (failures_of_test++ < 20) {
    printf("# %s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
  }
  va_end(args);
}

void test_skipped(const char *reason) {
  skip_reason = reason;
}

static const char *real_data;

const char *test_real_data(void) {
  const char *folder = real_data ? real_data : getenv("NSC_REAL_DATA");
  return folder && *folder ? folder : NULL;
}

int main(int argc, char **argv) {
  int passed = 0, failed = 0, skipped = 0;
  if (argc > 1 && strncmp(argv[1], "--data=", 7) == 0) { /* wasm programs do not see the environment */
    real_data = argv[1] + 7;
    argv++;
    argc--;
  }
  for (int i = 0; i < test_count; i++) {
    if (argc > 1 && !strstr(tests[i].name, argv[1])) continue;
    failures_of_test = 0;
    skip_reason = NULL;
    tests[i].run();
    if (failures_of_test) {
      printf("not ok - %s\n", tests[i].name);
      failed++;
    } else if (skip_reason) {
      printf("ok - %s # SKIP %s\n", tests[i].name, skip_reason);
      skipped++;
    } else {
      printf("ok - %s\n", tests[i].name);
      passed++;
    }
    fflush(stdout);
  }
  printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed || passed == 0;
}
