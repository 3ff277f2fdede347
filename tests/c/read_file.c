#include <stdlib.h>

#include "test.h"

uint8_t *test_read_file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long n = ftell(f);
  fseek(f, 0, SEEK_SET);
  uint8_t *bytes = n >= 0 ? malloc((size_t)n + 1) : NULL;
  *size = bytes ? fread(bytes, 1, (size_t)n, f) : 0;
  fclose(f);
  return bytes;
}
