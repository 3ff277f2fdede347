/* Many small allocations that end together. Memory is zeroed; nothing is freed singly. */
#ifndef NSC_BASE_ARENA_H
#define NSC_BASE_ARENA_H

#include <stddef.h>

typedef struct nsc_arena_chunk nsc_arena_chunk;

typedef struct nsc_arena {
  nsc_arena_chunk *chunks; /* newest first */
} nsc_arena;

/* `count` objects of `size` bytes, 8-byte aligned and zeroed; NULL when there is no memory or the product overflows. */
void *nsc_arena_alloc(nsc_arena *arena, size_t count, size_t size);
/* A zero-terminated copy. */
char *nsc_arena_text(nsc_arena *arena, const char *chars, size_t size);
void nsc_arena_free(nsc_arena *arena);
/* Memory that the arena holds. */
size_t nsc_arena_bytes(const nsc_arena *arena);

#endif
