/* The inside of nsc_source, for readers. */
#ifndef NSC_BASE_SOURCE_H
#define NSC_BASE_SOURCE_H

#include "negatoscope.h"

struct nsc_source {
  uint8_t *bytes; /* NULL while the file is outside of memory */
  size_t size, capacity;
  size_t reserved; /* of the last nsc_source_reserve, not yet committed */
  nsc_store store; /* where the file is when it is outside; without `read`: it is not */
};

static inline bool nsc_source_is_outside(const nsc_source *source) {
  return source->store.read && !source->bytes;
}

/* A part of the file, wherever it is. Errors: TRUNCATED (beyond its end), IO. */
NSC_WARN_UNUSED nsc_status nsc_source_read(const nsc_source *source, uint64_t at, void *out, size_t size,
                                           nsc_error *err);
/* The file once more, in memory. MEMORY, IO. */
NSC_WARN_UNUSED nsc_status nsc_source_copy(const nsc_source *source, nsc_source **out, nsc_error *err);
/* All of it into memory, for readers that want to see the whole; nothing to do for one that is there. MEMORY, IO. */
NSC_WARN_UNUSED nsc_status nsc_source_load(nsc_source *source, nsc_error *err);

#endif
