#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CHUNK = 32 * 1024, ALIGN = 8 /* int64 and double; all that malloc promises on wasm32 */ };

struct nsc_arena_chunk {
  nsc_arena_chunk *next;
  size_t size, used;
  _Alignas(ALIGN) unsigned char bytes[];
};

void *nsc_arena_alloc(nsc_arena *arena, size_t count, size_t size) {
  size_t bytes;
  if (!nsc_mul_size(count, size, &bytes) || bytes > SIZE_MAX - CHUNK - sizeof(nsc_arena_chunk)) return NULL;
  bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  nsc_arena_chunk *chunk = arena->chunks;
  if (!chunk || chunk->size - chunk->used < bytes) {
    size_t capacity = bytes > CHUNK / 4 ? bytes : CHUNK;
    nsc_arena_chunk *fresh = calloc(1, sizeof *fresh + capacity);
    if (!fresh) return NULL;
    fresh->size = capacity;
    if (chunk && capacity == bytes) {
      /* A large request gets a chunk of its own behind the current one, which keeps its free space. */
      fresh->next = chunk->next;
      chunk->next = fresh;
    } else {
      fresh->next = chunk;
      arena->chunks = fresh;
    }
    chunk = fresh;
  }
  void *p = chunk->bytes + chunk->used;
  chunk->used += bytes;
  return p;
}

char *nsc_arena_text(nsc_arena *arena, const char *chars, size_t size) {
  char *text = nsc_arena_alloc(arena, size + 1, 1);
  if (text && size) memcpy(text, chars, size);
  return text;
}

void nsc_arena_free(nsc_arena *arena) {
  for (nsc_arena_chunk *chunk = arena->chunks; chunk;) {
    nsc_arena_chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
  arena->chunks = NULL;
}

size_t nsc_arena_bytes(const nsc_arena *arena) {
  size_t bytes = 0;
  for (const nsc_arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->next) bytes += sizeof *chunk + chunk->size;
  return bytes;
}
