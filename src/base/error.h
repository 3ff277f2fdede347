/* Reporting errors: `return nsc_fail(err, NSC_ERROR_CORRUPT, "row %u is missing", row);` */
#ifndef NSC_BASE_ERROR_H
#define NSC_BASE_ERROR_H

#include "negatoscope.h"

/* Writes status and text into `err` unless it is NULL or already holds an error. Returns `status`. */
nsc_status nsc_fail(nsc_error *err, nsc_status status, const char *format, ...) NSC_PRINTF(3, 4);

/* NSC_ERROR_MEMORY, naming what could not be had. */
nsc_status nsc_fail_memory(nsc_error *err, size_t bytes, const char *what);

#define NSC_TRY(call)                                      \
  do {                                                     \
    nsc_status nsc_try_status_ = (call);                   \
    if (nsc_try_status_ != NSC_OK) return nsc_try_status_; \
  } while (0)

#endif
