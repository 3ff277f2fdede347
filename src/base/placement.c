#include "base/placement.h"

#include <stdlib.h>

#include "base/bytes.h"

static int larger_first(const void *a, const void *b) {
  const nsc_placed *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int lower_first(const void *a, const void *b) {
  const nsc_placed *x = *(const nsc_placed *const *)a, *y = *(const nsc_placed *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest gap between the `count` neighbours, sorted by offset. */
static size_t find_gap(const nsc_placed *const *neighbours, size_t count, size_t bytes) {
  size_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    if (neighbours[i]->offset >= offset && neighbours[i]->offset - offset >= bytes) break;
    size_t after = neighbours[i]->offset + neighbours[i]->bytes;
    if (after > offset) offset = after;
  }
  return offset;
}

bool nsc_place(nsc_placed *blocks, size_t count, size_t *end) {
  *end = 0;
  const nsc_placed **neighbours = malloc((count + 1) * sizeof *neighbours);
  if (!neighbours) return false;
  qsort(blocks, count, sizeof *blocks, larger_first);
  bool fits = true;
  for (size_t b = 0; b < count && fits; b++) {
    nsc_placed *block = &blocks[b];
    size_t n = 0, top = 0;
    for (size_t i = 0; i < b; i++) {
      if (blocks[i].first <= block->last && block->first <= blocks[i].last) neighbours[n++] = &blocks[i];
    }
    qsort(neighbours, n, sizeof *neighbours, lower_first);
    block->offset = find_gap(neighbours, n, block->bytes);
    fits = nsc_add_size(block->offset, block->bytes, &top);
    if (top > *end) *end = top;
  }
  free(neighbours);
  return fits;
}
