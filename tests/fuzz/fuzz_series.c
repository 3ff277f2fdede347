/* libFuzzer: any bytes as a header, the first half of one, a DICOMDIR and an archive; what comes out goes on a list. */
#include "negatoscope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void list(const char *facts) {
  nsc_error err = {0};
  nsc_index *index;
  char *json;
  if (nsc_index_create(&index, &err) != NSC_OK) return;
  (void)nsc_index_add(index, "a", "a", facts, &err);
  (void)nsc_index_add(index, "b", "b", facts, &err);
  (void)nsc_index_add(index, NULL, "c", facts, &err);
  if (nsc_index_json(index, &json, &err) == NSC_OK) nsc_text_free(json);
  nsc_index_free(index);
}

static void unpack(const uint8_t *bytes, size_t size) {
  nsc_error err = {0};
  nsc_source *source;
  nsc_archive *archive;
  const nsc_archive_options options = {.max_entry = 1 << 20, .max_total = 1 << 24};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK) return;
  if (nsc_archive_open(source, &options, &archive, &err) != NSC_OK) {
    nsc_source_free(source);
    return;
  }
  for (uint32_t i = 0; i < 4; i++) {
    const uint8_t *out;
    size_t count;
    (void)nsc_archive_read(archive, i, &out, &count, &err);
  }
  nsc_archive_free(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  nsc_error err = {0};
  char *json;
  for (int half = 0; half < 2; half++) {
    if (nsc_header_json(bytes, half ? size / 2 : size, size, &json, &err) != NSC_OK) continue;
    list(json);
    nsc_text_free(json);
  }
  if (nsc_dicomdir_json(bytes, size, &json, &err) == NSC_OK) nsc_text_free(json);
  unpack(bytes, size);
  return 0;
}
