/* Status and error, and the bytes of files: what everything else begins with. Part of negatoscope.h, which has the
 * conventions. */
#ifndef NEGATOSCOPE_BASE_H
#define NEGATOSCOPE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define NSC_WARN_UNUSED __attribute__((warn_unused_result))
#define NSC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define NSC_WARN_UNUSED
#define NSC_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status and error ------------------------------------------------------------------------------------------- */

/* Numbers are part of the interface: they are never changed, only added to. */
typedef enum nsc_status {
  NSC_OK = 0,
  NSC_ERROR_ARGUMENT = 1,       /* the caller broke this header's rules */
  NSC_ERROR_MEMORY = 2,         /* an allocation failed */
  NSC_ERROR_LIMIT = 3,          /* the file asks for more than a limit in the options allows */
  NSC_ERROR_TRUNCATED = 4,      /* the file ends before what it announces */
  NSC_ERROR_CORRUPT = 5,        /* the file contradicts its own format */
  NSC_ERROR_UNKNOWN_FORMAT = 6, /* no reader recognises the content */
  NSC_ERROR_UNSUPPORTED = 7,    /* recognised, but this part of the format is not implemented */
  NSC_ERROR_NO_PIXELS = 8,      /* a valid file without an image (a DICOM report, a DICOMDIR) */
  NSC_ERROR_OPERATOR = 9,       /* the model has an operator, or a form of one, that is not implemented */
  NSC_ERROR_SHAPE = 10,         /* tensor shapes of the model do not fit together, or do not fit the input */
  NSC_ERROR_RECIPE = 11,        /* the model does not say, or says wrongly, how its input is made */
  NSC_ERROR_CANCELLED = 12,     /* the caller asked to stop */
  NSC_ERROR_IO = 13,            /* reading or writing a file failed (command line only) */
  NSC_ERROR_INTERNAL = 14       /* our own fault */
} nsc_status;

enum { NSC_STATUS_COUNT = 15, NSC_ERROR_TEXT = 256 };

/* Owned by the caller; {0} to begin with. Holds no pointer, so that reporting an error never allocates. */
typedef struct nsc_error {
  nsc_status status;
  char text[NSC_ERROR_TEXT]; /* one sentence, UTF-8, always terminated */
} nsc_error;

/* "NSC_ERROR_TRUNCATED" and so on; "NSC_ERROR_?" for a number that is none. Static storage. */
const char *nsc_status_name(nsc_status status);

/* "1.2.3". Static storage. */
const char *nsc_version(void);

/* Ends a text or JSON that a call below handed out. */
void nsc_text_free(char *text);

/* ---- stores ------------------------------------------------------------------------------------------------------ */

/*
 * A place outside of memory for bytes, such as a file. Calls come one at a time, from the thread that made the call
 * which needs them. `at`: bytes from the beginning; a place that is written grows. A failure is said in `err`, as
 * everywhere (IO).
 */
typedef struct nsc_store {
  void *context;
  nsc_status (*write)(void *context, uint64_t at, const void *bytes, size_t size, nsc_error *err);
  nsc_status (*read)(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err);
  void (*release)(void *context); /* with the source that owns the place; or NULL */
} nsc_store;

/* ---- sources: the bytes of a file ------------------------------------------------------------------------------- */

/* The bytes of one file. Filled piece by piece so that a stream is copied once, then handed to a reader that owns it.
 */
typedef struct nsc_source nsc_source;

/* An empty source that expects `size_hint` bytes (0 when unknown); more and fewer are fine. */
NSC_WARN_UNUSED nsc_status nsc_source_create(size_t size_hint, nsc_source **out, nsc_error *err);

/* Room for `size` more bytes; the pointer is valid until the next call on this source. */
NSC_WARN_UNUSED nsc_status nsc_source_reserve(nsc_source *source, size_t size, uint8_t **out, nsc_error *err);

/* Says that the first `size` bytes of the last reserve were written. */
NSC_WARN_UNUSED nsc_status nsc_source_commit(nsc_source *source, size_t size, nsc_error *err);

/* A source with a copy of `size` bytes. */
NSC_WARN_UNUSED nsc_status nsc_source_from_bytes(const void *bytes, size_t size, nsc_source **out, nsc_error *err);

/*
 * A file of `size` bytes that stays where it is. A model of it has all but its large tensors in memory and reads those
 * whenever it needs them; images and archives are read as a whole when they are opened. What is written there may not
 * change meanwhile. `store` is copied; it needs no `write`. Errors: ARGUMENT, LIMIT (no address reaches so far),
 * MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_source_outside(const nsc_store *store, uint64_t size, nsc_source **out, nsc_error *err);

void nsc_source_free(nsc_source *source);

/* SHA-256 of the file, in 64 hexadecimal digits. Errors: IO, of a file outside of memory. */
NSC_WARN_UNUSED nsc_status nsc_source_sha256(const nsc_source *source, char out[65], nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
