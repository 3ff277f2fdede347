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

nsc_status nsc_source_outside(const nsc_store *store, uint64_t size, nsc_source **out, nsc_error *err) {
  if (!store || !store->read || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no place to read from");
  if (size > SIZE_MAX) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the file has %.0f MB, which no address reaches here", (double)size / 1e6);
  }
  NSC_TRY(nsc_source_create(0, out, err));
  (*out)->store = *store;
  (*out)->size = (size_t)size;
  return NSC_OK;
}

nsc_status nsc_source_read(const nsc_source *source, uint64_t at, void *out, size_t size, nsc_error *err) {
  if (at > source->size || size > source->size - at) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "the file has %zu bytes; %zu are asked for at %llu", source->size, size,
                    (unsigned long long)at);
  }
  if (size == 0) return NSC_OK;
  if (nsc_source_is_outside(source)) return source->store.read(source->store.context, at, out, size, err);
  memcpy(out, source->bytes + at, size);
  return NSC_OK;
}

nsc_status nsc_source_copy(const nsc_source *source, nsc_source **out, nsc_error *err) {
  nsc_source *copy;
  NSC_TRY(nsc_source_create(source->size ? source->size : 1, &copy, err));
  nsc_status status = nsc_source_read(source, 0, copy->bytes, source->size, err);
  if (status != NSC_OK) {
    nsc_source_free(copy);
    return status;
  }
  copy->size = source->size;
  *out = copy;
  return NSC_OK;
}

nsc_status nsc_source_load(nsc_source *source, nsc_error *err) {
  if (!nsc_source_is_outside(source)) return NSC_OK;
  nsc_source *copy;
  NSC_TRY(nsc_source_copy(source, &copy, err));
  source->bytes = copy->bytes;
  source->capacity = copy->capacity;
  copy->bytes = NULL;
  nsc_source_free(copy);
  return NSC_OK;
}

void nsc_source_free(nsc_source *source) {
  if (!source) return;
  if (source->store.release) source->store.release(source->store.context);
  free(source->bytes);
  free(source);
}

nsc_status nsc_source_sha256(const nsc_source *source, char out[65], nsc_error *err) {
  enum { PART = 1 << 20 };
  if (!nsc_source_is_outside(source)) {
    nsc_sha256_hex(source->bytes, source->size, out);
    return NSC_OK;
  }
  uint8_t *part = malloc(PART);
  if (!part) return nsc_fail_memory(err, PART, "a digest");
  nsc_sha256 hash = nsc_sha256_begin();
  nsc_status status = NSC_OK;
  for (size_t at = 0; at < source->size && status == NSC_OK; at += PART) {
    size_t size = source->size - at < PART ? source->size - at : PART;
    status = nsc_source_read(source, at, part, size, err);
    if (status == NSC_OK) nsc_sha256_add(&hash, part, size);
  }
  nsc_sha256_end(&hash, out);
  free(part);
  return status;
}
