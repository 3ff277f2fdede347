/* SHA-256 (FIPS 180-4): what names a file for good, in reports that somebody may want to check. */
#ifndef NSC_BASE_SHA256_H
#define NSC_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { NSC_SHA256_ROOM = 65 /* 64 hexadecimal digits and the end */ };

/* One that is computed part by part. */
typedef struct nsc_sha256 {
  uint32_t state[8];
  uint64_t size;     /* bytes so far */
  uint8_t block[64]; /* those that do not fill a block yet */
} nsc_sha256;

nsc_sha256 nsc_sha256_begin(void);
void nsc_sha256_add(nsc_sha256 *hash, const void *bytes, size_t size);
/* The digest in lower case; nothing may be added afterwards. */
void nsc_sha256_end(nsc_sha256 *hash, char out[NSC_SHA256_ROOM]);

/* The digest of `size` bytes in lower case. */
void nsc_sha256_hex(const void *bytes, size_t size, char out[NSC_SHA256_ROOM]);

#endif
