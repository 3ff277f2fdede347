/* The header of a NumPy array file, .npy (NEP 1, format versions 1 to 3), little endian and in C's order. */
#ifndef NSC_TRAIN_NPY_H
#define NSC_TRAIN_NPY_H

#include "negatoscope.h"

enum { NSC_NPY_MAX_RANK = 8 };

typedef struct nsc_npy {
  char kind;      /* 'u' unsigned, 'i' signed, 'b' bool */
  uint32_t width; /* bytes of an element: 1, 2, 4 or 8 */
  uint32_t rank;
  uint64_t dims[NSC_NPY_MAX_RANK];
  const uint8_t *data; /* the elements, points into the file; exactly the product of dims times width bytes */
} nsc_npy;

/* Errors: UNKNOWN_FORMAT, TRUNCATED, CORRUPT, UNSUPPORTED (types that are no integers, big endian, Fortran order). */
NSC_WARN_UNUSED nsc_status nsc_npy_read(const uint8_t *bytes, size_t size, nsc_npy *out, nsc_error *err);

#endif
