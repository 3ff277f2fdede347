/* The boundary for many files: headers, the index of series, DICOMDIRs and archives. */
#include <string.h>

#include "bridge.h"

/* The first `size` of `file_size` bytes of a file; result 0 is nsc_header_json. */
nsc_status bridge_header(const uint8_t *bytes, double size, double file_size) {
  nsc_error *err = bridge_begin();
  size_t count;
  char *json = NULL;
  if (!bridge_to_size(size, &count) || !(file_size >= 0 && file_size < 1e15)) {
    return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  }
  return bridge_finish(nsc_header_json(bytes, count, (uint64_t)file_size, &json, err), json);
}

nsc_status bridge_index_create(void) {
  nsc_error *err = bridge_begin();
  nsc_index *index = NULL;
  return bridge_finish(nsc_index_create(&index, err), index);
}

/* `key` may be NULL. */
nsc_status bridge_index_add(nsc_index *index, const char *key, const char *path, const char *facts) {
  nsc_error *err = bridge_begin();
  return nsc_index_add(index, key, path, facts, err);
}

nsc_status bridge_index_json(const nsc_index *index) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_index_json(index, &json, err), json);
}

nsc_status bridge_dicomdir(const uint8_t *bytes, double size) {
  nsc_error *err = bridge_begin();
  size_t count;
  char *json = NULL;
  if (!bridge_to_size(size, &count)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  return bridge_finish(nsc_dicomdir_json(bytes, count, &json, err), json);
}

nsc_status bridge_archive_open(nsc_source *source) {
  nsc_error *err = bridge_begin();
  nsc_archive *archive = NULL;
  return bridge_finish(nsc_archive_open(source, NULL, &archive, err), archive);
}

nsc_status bridge_archive_json(const nsc_archive *archive) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_archive_json(archive, &json, err), json);
}

/* Bytes that stay the archive's own until the next read. */
nsc_status bridge_archive_read(nsc_archive *archive, uint32_t index) {
  nsc_error *err = bridge_begin();
  const uint8_t *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_archive_read(archive, index, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}
