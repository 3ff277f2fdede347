/* A 64-bit fingerprint for telling data apart and finding damage. Not for secrets. */
#ifndef NSC_BASE_HASH_H
#define NSC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes, going on from `seed` (0, or the fingerprint of what stands before). The same on every machine. */
uint64_t nsc_hash(uint64_t seed, const void *bytes, size_t size);

/* The same of data that come in pieces: begins with the size of all, goes on with pieces of which all but the last are
 * multiples of eight bytes, and ends. */
uint64_t nsc_hash_begin(uint64_t seed, uint64_t size);
uint64_t nsc_hash_add(uint64_t hash, const void *bytes, size_t size);
uint64_t nsc_hash_end(uint64_t hash, const void *last, size_t size);

/* 128 bits of the same kind for long data: four lanes at once, so that a file is hashed faster than it is read. */
void nsc_fingerprint(const void *bytes, size_t size, uint64_t out[2]);

#endif
