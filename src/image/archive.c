/* A ZIP archive as a folder of files: which of its entries are files at all, and how much it may unpack to. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "base/text.h"
#include "base/zip.h"

struct nsc_archive {
  uint8_t *file; /* owned: the whole archive */
  nsc_zip zip;
  nsc_zip_entry *entries; /* [count]: files */
  uint32_t count, capacity;
  nsc_archive_options limits;
  void *unpacked; /* of the last read, unless it was stored */
};

/* Below this a ratio does no harm: an empty picture packs a thousand to one. */
static const uint64_t harmless = (uint64_t)256 << 20;

static nsc_archive_options with_defaults(const nsc_archive_options *options) {
  nsc_archive_options limits = options ? *options : (nsc_archive_options){0};
  if (!limits.max_entry) limits.max_entry = (uint64_t)1 << 30;
  if (!limits.max_total) limits.max_total = (uint64_t)4 << 30;
  if (!limits.max_entries) limits.max_entries = 100000;
  if (!limits.max_ratio) limits.max_ratio = 200;
  return limits;
}

static bool is_file(const nsc_zip_entry *e) {
  static const char mac[] = "__MACOSX/";
  if (e->name_size == 0 || e->name[e->name_size - 1] == '/') return false;
  return e->name_size < sizeof mac || memcmp(e->name, mac, sizeof mac - 1) != 0;
}

static nsc_status add_entry(nsc_archive *a, const nsc_zip_entry *e, nsc_error *err) {
  if (a->count == a->limits.max_entries) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "ZIP: more than %u files", a->limits.max_entries);
  }
  if (a->count == a->capacity) {
    uint32_t capacity = a->capacity ? a->capacity * 2 : 64;
    nsc_zip_entry *entries = realloc(a->entries, capacity * sizeof *entries);
    if (!entries) return nsc_fail_memory(err, capacity * sizeof *entries, "a ZIP directory");
    a->entries = entries;
    a->capacity = capacity;
  }
  a->entries[a->count++] = *e;
  return NSC_OK;
}

static nsc_status read_directory(nsc_archive *a, nsc_error *err) {
  uint64_t total = 0;
  for (bool found = true; found;) {
    nsc_zip_entry e = {0};
    NSC_TRY(nsc_zip_next(&a->zip, &found, &e, err));
    if (!found || !is_file(&e)) continue;
    NSC_TRY(add_entry(a, &e, err));
    if (__builtin_add_overflow(total, e.unpacked, &total) || total > a->limits.max_total) {
      return nsc_fail(err, NSC_ERROR_LIMIT, "ZIP: the files unpack to more than %llu bytes",
                      (unsigned long long)a->limits.max_total);
    }
  }
  if (total > harmless && total / a->limits.max_ratio > a->zip.size) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "ZIP: %llu bytes would come out of %zu, which no pictures do",
                    (unsigned long long)total, a->zip.size);
  }
  return NSC_OK;
}

nsc_status nsc_archive_open(nsc_source *source, const nsc_archive_options *options, nsc_archive **out, nsc_error *err) {
  if (!source || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no source or no place for the archive");
  NSC_TRY(nsc_source_load(source, err));
  nsc_archive *a = calloc(1, sizeof *a);
  if (!a) return nsc_fail_memory(err, sizeof *a, "an archive");
  a->limits = with_defaults(options);
  nsc_status status = nsc_zip_open(source->bytes, source->size, &a->zip, err);
  if (status == NSC_OK) status = read_directory(a, err);
  if (status != NSC_OK) {
    nsc_archive_free(a);
    return status;
  }
  a->file = source->bytes; /* from here on nothing fails */
  source->bytes = NULL;
  nsc_source_free(source);
  *out = a;
  return NSC_OK;
}

void nsc_archive_free(nsc_archive *archive) {
  if (!archive) return;
  free(archive->unpacked);
  free(archive->entries);
  free(archive->file);
  free(archive);
}

nsc_status nsc_archive_json(const nsc_archive *archive, char **out, nsc_error *err) {
  if (!archive || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no archive");
  nsc_text t = {0};
  nsc_json_array(&t);
  for (uint32_t i = 0; i < archive->count; i++) {
    const nsc_zip_entry *e = &archive->entries[i];
    nsc_json_object(&t);
    nsc_json_key(&t, "path"), nsc_json_string_n(&t, e->name, e->name_size);
    nsc_json_key(&t, "size"), nsc_json_number(&t, (double)e->unpacked);
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_archive_read(nsc_archive *archive, uint32_t index, const uint8_t **bytes, size_t *size, nsc_error *err) {
  if (!archive || index >= archive->count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no such file in the archive");
  const nsc_zip_entry *e = &archive->entries[index];
  free(archive->unpacked);
  archive->unpacked = NULL;
  const uint8_t *data;
  NSC_TRY(nsc_zip_read(&archive->zip, e, archive->limits.max_entry, &data, &archive->unpacked, err));
  if (e->unpacked >= 4 && memcmp(data, "PK\3\4", 4) == 0) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "ZIP: an archive inside an archive is not opened");
  }
  *bytes = data;
  *size = (size_t)e->unpacked;
  return NSC_OK;
}
