/*
 * open_pack FILE: everything that a pack holds, opened and looked at as fuzz_image does, one after the other. A pack is
 * a list of sizes (32 bits, little endian), each followed by that many bytes. The number of each is said before, so
 * that the last one said is the one that crashed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char **argv) {
  size_t size;
  uint8_t *bytes = argc == 2 ? test_read_file(argv[1], &size) : NULL;
  if (!bytes) {
    fprintf(stderr, "usage: open_pack FILE\n");
    return 2;
  }
  nsc_reader r = nsc_reader_of(bytes, size);
  double slowest = 0;
  uint32_t count = 0, slowest_at = 0;
  for (const uint8_t *head; (head = nsc_reader_take(&r, 4)); count++) {
    uint32_t length = nsc_load_u32(head, false);
    const uint8_t *file = nsc_reader_take(&r, length);
    if (!file) break;
    printf("%u\n", count);
    fflush(stdout);
    uint8_t *copy = malloc(length); /* so that reading past the end is noticed */
    if (!copy) break;
    memcpy(copy, file, length);
    double start = nsc_now_ms();
    (void)LLVMFuzzerTestOneInput(copy, length);
    double ms = nsc_now_ms() - start;
    free(copy);
    if (ms > slowest) slowest = ms, slowest_at = count;
  }
  printf("%u files, the slowest %u in %.0f ms\n", count, slowest_at, slowest);
  free(bytes);
  return nsc_reader_left(&r) ? 1 : 0;
}
