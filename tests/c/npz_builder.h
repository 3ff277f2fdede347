/* Writes .npz files for tests: ZIP archives of NumPy arrays, entries stored or deflated. */
#ifndef NSC_NPZ_BUILDER_H
#define NSC_NPZ_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct npz_builder {
  uint8_t bytes[16384];
  size_t size;
  uint8_t directory[4096]; /* central headers, appended by npz_end */
  size_t directory_size;
  unsigned entries;
  bool deflate;     /* as stored blocks of a deflate stream: no compressor needed */
  bool wide;        /* sizes in a ZIP64 extra field */
  bool descriptors; /* sizes behind the data, zero in the local header */
} npz_builder;

/* An entry with these bytes. */
void npz_entry(npz_builder *b, const char *name, const void *data, size_t size);
/* An array: header of format version `version` with these texts, then `size` bytes. */
void npz_array(npz_builder *b, const char *name, int version, const char *type, const char *order, const char *shape,
               const void *data, size_t size);
/* The directory and the end record. */
void npz_end(npz_builder *b);

/* Two splits, train of 3 and test of 2 grey pictures of 2 x 3, pixels counting up from 0, labels 0, 1, 0 and 1, 1. */
void npz_small(npz_builder *b);

#endif
