#include "base/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/sha256.h"

nsc_status nsc_source_create(size_t size_hint, nsc_source **out, nsc_error *err) {
  nsc_source *source = calloc(1, sizeof *source);
  if (!source) return nsc_fail_memory(err, sizeof *source, "a source");
  if (size_hint) {
    source->bytes = malloc(size_hint);
    if (!source->bytes) {
      free(source);
      return nsc_fail_memory(err, size_hint, "the file");
    }
    source->capacity = size_hint;
  }
  *out = source;
  return NSC_OK;
}

nsc_status nsc_source_reserve(nsc_source *source, size_t size, uint8_t **out, nsc_error *err) {
  if (!source) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no source");
  size_t need;
  if (!nsc_add_size(source->size, size, &need)) return nsc_fail_memory(err, size, "the file");
  if (need > source->capacity) {
    size_t doubled = source->capacity > SIZE_MAX / 2 ? need : source->capacity * 2;
    size_t capacity = doubled > need ? doubled : need;
    uint8_t *bytes = realloc(source->bytes, capacity);
    if (!bytes) return nsc_fail_memory(err, capacity, "the file");
    source->bytes = bytes;
    source->capacity = capacity;
  }
  source->reserved = size;
  *out = source->bytes + source->size;
  return NSC_OK;
}

nsc_status nsc_source_commit(nsc_source *source, size_t size, nsc_error *err) {
  if (!source || size > source->reserved) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "commit of %zu bytes after a reserve of %zu", size,
                    source ? source->reserved : 0);
  }
  source->size += size;
  source->reserved = 0;
  return NSC_OK;
}

nsc_status nsc_source_from_bytes(const void *bytes, size_t size, nsc_source **out, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_source_create(size ? size : 1, &source, err));
  if (size) memcpy(source->bytes, bytes, size);
  source->size = size;
  *out = source;
  return NSC_OK;
}

void nsc_source_free(nsc_source *source) {
  if (!source) return;
  free(source->bytes);
  free(source);
}

void nsc_source_sha256(const nsc_source *source, char out[65]) {
  nsc_sha256_hex(source->bytes, source->size, out);
}
