/* SHA-256 (FIPS 180-4): what names a file for good, in reports that somebody may want to check. */
#ifndef NSC_BASE_SHA256_H
#define NSC_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { NSC_SHA256_ROOM = 65 /* 64 hexadecimal digits and the end */ };

/* The digest of `size` bytes in lower case. */
void nsc_sha256_hex(const void *bytes, size_t size, char out[NSC_SHA256_ROOM]);

#endif
