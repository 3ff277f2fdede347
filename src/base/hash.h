/* A 64-bit fingerprint for telling data apart and finding damage. Not for secrets. */
#ifndef NSC_BASE_HASH_H
#define NSC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes, going on from `seed` (0, or the fingerprint of what stands before). The same on every machine. */
uint64_t nsc_hash(uint64_t seed, const void *bytes, size_t size);

/* 128 bits of the same kind for long data: four lanes at once, so that a file is hashed faster than it is read. */
void nsc_fingerprint(const void *bytes, size_t size, uint64_t out[2]);

#endif
