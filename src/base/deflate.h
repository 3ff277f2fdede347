/*
 * Packing by deflate (RFC 1951) for pictures in reports: matches of a hash table without chains and the fixed codes,
 * which is half of what the best packer saves, in two kilobytes of code. The command has a better one for its files.
 */
#ifndef NSC_BASE_DEFLATE_H
#define NSC_BASE_DEFLATE_H

#include "base/text.h"

/* Appends a zlib stream (RFC 1950). Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_zlib_put(nsc_text *out, const uint8_t *bytes, size_t size, nsc_error *err);

#endif
