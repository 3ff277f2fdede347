/*
 * Reading a ZIP archive (PKWARE APPNOTE 6.3.10) from memory: entries stored or deflated, with or without ZIP64 sizes
 * and data descriptors. The central directory alone is believed; encrypted and split archives are refused.
 */
#ifndef NSC_BASE_ZIP_H
#define NSC_BASE_ZIP_H

#include "base/bytes.h"
#include "negatoscope.h"

typedef struct nsc_zip_entry {
  const char *name; /* [name_size], not terminated; points into the archive */
  size_t name_size;
  uint16_t flags, method;
  uint32_t crc;
  uint64_t packed, unpacked; /* bytes */
  uint64_t at;               /* of the local header */
} nsc_zip_entry;

typedef struct nsc_zip {
  const uint8_t *bytes; /* borrowed */
  size_t size;
  nsc_reader directory;
  uint64_t left; /* entries not read yet */
} nsc_zip;

/* Finds the central directory. Errors: UNKNOWN_FORMAT (no archive), TRUNCATED, CORRUPT, UNSUPPORTED. */
NSC_WARN_UNUSED nsc_status nsc_zip_open(const uint8_t *bytes, size_t size, nsc_zip *out, nsc_error *err);

/* The next entry; *found is false after the last. */
NSC_WARN_UNUSED nsc_status nsc_zip_next(nsc_zip *zip, bool *found, nsc_zip_entry *out, nsc_error *err);

/*
 * The entry's content, entry->unpacked bytes, its checksum checked. A stored entry is *bytes inside the archive and
 * *owned is NULL; a deflated one is unpacked into *owned, which the caller ends with free(). Errors: LIMIT when it is
 * larger than `most`, UNSUPPORTED, TRUNCATED, CORRUPT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_zip_read(const nsc_zip *zip, const nsc_zip_entry *entry, uint64_t most,
                                        const uint8_t **bytes, void **owned, nsc_error *err);

#endif
