/* The inside of nsc_source, for readers. */
#ifndef NSC_BASE_SOURCE_H
#define NSC_BASE_SOURCE_H

#include "negatoscope.h"

struct nsc_source {
  uint8_t *bytes;
  size_t size, capacity;
  size_t reserved; /* of the last nsc_source_reserve, not yet committed */
};

#endif
