#include "base/zip.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "base/error.h"

enum {
  LOCAL_SIGNATURE = 0x04034b50,
  CENTRAL_SIGNATURE = 0x02014b50,
  END_SIGNATURE = 0x06054b50,
  END64_SIGNATURE = 0x06064b50,
  LOCATOR64_SIGNATURE = 0x07064b50,
  LOCAL_SIZE = 30,
  CENTRAL_SIZE = 46,
  END_SIZE = 22,
  END64_SIZE = 56,
  LOCATOR64_SIZE = 20,
  EXTRA64 = 1,     /* header id of the ZIP64 extra field */
  ENCRYPTED = 1,   /* general purpose flag */
  MAX_RATIO = 1032 /* 258 bytes from two bits: no deflate stream unpacks to more */
};

/* ---- the end of the archive ---- */

/* The end record stands last, before a comment of up to 65,535 bytes. */
static const uint8_t *find_end(const uint8_t *bytes, size_t size) {
  for (size_t comment = 0; comment <= UINT16_MAX && comment + END_SIZE <= size; comment++) {
    const uint8_t *p = bytes + size - END_SIZE - comment;
    if (nsc_load_u32(p, false) == END_SIGNATURE && nsc_load_u16(p + 20, false) == comment) return p;
  }
  return NULL;
}

typedef struct end_record {
  uint64_t entries, size, at;
} end_record;

/* The ZIP64 end record, which the locator right before the end record points to. */
static nsc_status read_end64(const uint8_t *bytes, size_t size, size_t end, end_record *out, nsc_error *err) {
  if (end < LOCATOR64_SIZE || nsc_load_u32(bytes + end - LOCATOR64_SIZE, false) != LOCATOR64_SIGNATURE) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the ZIP64 end record is missing");
  }
  uint64_t at = nsc_load_u64(bytes + end - LOCATOR64_SIZE + 8, false);
  if (at > size || size - at < END64_SIZE || nsc_load_u32(bytes + at, false) != END64_SIGNATURE) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the ZIP64 end record is not where it should be");
  }
  const uint8_t *p = bytes + at;
  *out = (end_record){nsc_load_u64(p + 32, false), nsc_load_u64(p + 40, false), nsc_load_u64(p + 48, false)};
  return NSC_OK;
}

nsc_status nsc_zip_open(const uint8_t *bytes, size_t size, nsc_zip *out, nsc_error *err) {
  if (size < 4 || nsc_load_u32(bytes, false) != LOCAL_SIGNATURE) {
    return nsc_fail(err, NSC_ERROR_UNKNOWN_FORMAT, "not a ZIP archive");
  }
  const uint8_t *p = find_end(bytes, size);
  if (!p) return nsc_fail(err, NSC_ERROR_TRUNCATED, "ZIP: the archive has no end record: it is cut off");
  if (nsc_load_u16(p + 4, false) != nsc_load_u16(p + 6, false)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "ZIP: the archive is split over several files");
  }
  end_record end = {nsc_load_u16(p + 10, false), nsc_load_u32(p + 12, false), nsc_load_u32(p + 16, false)};
  if (end.entries == UINT16_MAX || end.size == UINT32_MAX || end.at == UINT32_MAX) {
    NSC_TRY(read_end64(bytes, size, (size_t)(p - bytes), &end, err));
  }
  if (end.at > size || end.size > size - end.at) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the directory lies outside the archive");
  }
  *out = (nsc_zip){
      .bytes = bytes, .size = size, .directory = nsc_reader_of(bytes + end.at, (size_t)end.size), .left = end.entries};
  return NSC_OK;
}

/* ---- the directory ---- */

/* A size that the ZIP64 extra field holds when its 32 bits are all ones; they stand there in this order. */
static bool widen(nsc_reader *extra, uint64_t *value) {
  if (*value != UINT32_MAX) return true;
  const uint8_t *p = nsc_reader_take(extra, 8);
  if (p) *value = nsc_load_u64(p, false);
  return p != NULL;
}

static bool read_extra64(nsc_reader extra, nsc_zip_entry *e) {
  for (const uint8_t *head; (head = nsc_reader_take(&extra, 4)) != NULL;) {
    uint16_t size = nsc_load_u16(head + 2, false);
    const uint8_t *data = nsc_reader_take(&extra, size);
    if (!data) return false;
    if (nsc_load_u16(head, false) != EXTRA64) continue;
    nsc_reader values = nsc_reader_of(data, size);
    return widen(&values, &e->unpacked) && widen(&values, &e->packed) && widen(&values, &e->at);
  }
  return false;
}

nsc_status nsc_zip_next(nsc_zip *zip, bool *found, nsc_zip_entry *out, nsc_error *err) {
  *found = zip->left > 0;
  if (!*found) return NSC_OK;
  const uint8_t *p = nsc_reader_take(&zip->directory, CENTRAL_SIZE);
  if (!p || nsc_load_u32(p, false) != CENTRAL_SIGNATURE) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the directory is damaged");
  }
  uint16_t name_size = nsc_load_u16(p + 28, false), extra_size = nsc_load_u16(p + 30, false);
  const uint8_t *name = nsc_reader_take(&zip->directory, name_size),
                *extra = nsc_reader_take(&zip->directory, extra_size),
                *comment = nsc_reader_take(&zip->directory, nsc_load_u16(p + 32, false));
  if (!name || !extra || !comment) return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the directory is cut off");
  nsc_zip_entry e = {.name = (const char *)name,
                     .name_size = name_size,
                     .flags = nsc_load_u16(p + 8, false),
                     .method = nsc_load_u16(p + 10, false),
                     .crc = nsc_load_u32(p + 16, false),
                     .packed = nsc_load_u32(p + 20, false),
                     .unpacked = nsc_load_u32(p + 24, false),
                     .at = nsc_load_u32(p + 42, false)};
  bool wide = e.packed == UINT32_MAX || e.unpacked == UINT32_MAX || e.at == UINT32_MAX;
  if (wide && !read_extra64(nsc_reader_of(extra, extra_size), &e)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: an entry lacks its ZIP64 sizes");
  }
  zip->left--;
  *out = e;
  return NSC_OK;
}

/* ---- an entry ---- */

static nsc_status check_entry(const nsc_zip_entry *e, uint64_t most, nsc_error *err) {
  if (e->flags & ENCRYPTED) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "ZIP: the entry is encrypted");
  if (e->method != 0 && e->method != 8) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "ZIP: compression method %u; stored and deflated are read", e->method);
  }
  if (e->unpacked > most || e->unpacked > SIZE_MAX / 2) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the entry unpacks to %llu bytes, %llu are allowed",
                    (unsigned long long)e->unpacked, (unsigned long long)most);
  }
  bool fits = e->method == 0 ? e->packed == e->unpacked : e->unpacked / MAX_RATIO <= e->packed;
  return fits ? NSC_OK : nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the entry's sizes contradict each other");
}

/* The packed bytes behind the local header, whose name and extra field have lengths of their own. */
static nsc_status find_data(const nsc_zip *zip, const nsc_zip_entry *e, const uint8_t **out, nsc_error *err) {
  nsc_reader r = nsc_reader_of(zip->bytes, zip->size);
  const uint8_t *p = nsc_reader_take(&r, e->at) ? nsc_reader_take(&r, LOCAL_SIZE) : NULL;
  if (!p || nsc_load_u32(p, false) != LOCAL_SIGNATURE) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: an entry is not where the directory says");
  }
  bool whole = nsc_reader_take(&r, (uint64_t)nsc_load_u16(p + 26, false) + nsc_load_u16(p + 28, false)) != NULL;
  *out = whole ? nsc_reader_take(&r, e->packed) : NULL;
  return *out ? NSC_OK : nsc_fail(err, NSC_ERROR_TRUNCATED, "ZIP: an entry is cut off");
}

static nsc_status inflate(const uint8_t *packed, const nsc_zip_entry *e, void **out, nsc_error *err) {
  size_t size = (size_t)e->unpacked;
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  void *bytes = malloc(size + 1);
  enum libdeflate_result result = LIBDEFLATE_BAD_DATA;
  bool enough = inflater && bytes;
  /* Without a place for the actual size, libdeflate refuses what is shorter too. */
  if (enough) result = libdeflate_deflate_decompress(inflater, packed, (size_t)e->packed, bytes, size, NULL);
  libdeflate_free_decompressor(inflater);
  if (enough && result == LIBDEFLATE_SUCCESS) {
    *out = bytes;
    return NSC_OK;
  }
  free(bytes);
  if (!enough) return nsc_fail_memory(err, size, "an unpacked entry");
  return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the entry's data are damaged");
}

nsc_status nsc_zip_read(const nsc_zip *zip, const nsc_zip_entry *entry, uint64_t most, const uint8_t **bytes,
                        void **owned, nsc_error *err) {
  NSC_TRY(check_entry(entry, most, err));
  const uint8_t *data;
  void *unpacked = NULL;
  NSC_TRY(find_data(zip, entry, &data, err));
  if (entry->method != 0) {
    NSC_TRY(inflate(data, entry, &unpacked, err));
    data = unpacked;
  }
  if (libdeflate_crc32(0, data, (size_t)entry->unpacked) != entry->crc) {
    free(unpacked);
    return nsc_fail(err, NSC_ERROR_CORRUPT, "ZIP: the entry's checksum is wrong");
  }
  *bytes = data;
  *owned = unpacked;
  return NSC_OK;
}
