/*
 * Places buffers in one block of memory: two may share bytes when they are not needed at the same time. Largest first,
 * each at the lowest offset where nothing that lives at the same time stands (greedy by size; Pisarchyk & Lee 2020).
 */
#ifndef NSC_BASE_PLACEMENT_H
#define NSC_BASE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nsc_placed {
  uint32_t id;          /* the caller's; equal sizes are placed in its order */
  uint32_t first, last; /* steps between which, both included, the buffer is needed */
  size_t bytes;         /* as the caller wants offsets aligned */
  size_t offset;        /* the answer */
} nsc_placed;

/* Reorders `blocks`. *end is what all of them take. False when that does not fit a size_t, or without memory. */
bool nsc_place(nsc_placed *blocks, size_t count, size_t *end);

#endif
