/*
 * A look at the beginning of a file: what it is and, for DICOM, its facts. Elements stand in the order of their tags
 * (PS3.5 7.1), so everything that is asked for lies before group 0029, and what lies behind is never read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/facts.h"

enum { LAST_GROUP = 0x0028 };
static const char directory_class[] = "1.2.840.10008.1.3.10";
/* A deflated data set is unpacked whole; what an index wants of it is small. */
static const uint64_t max_inflated = (uint64_t)1 << 30;

static bool is_archive(const uint8_t *bytes, size_t size) {
  return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

static nsc_status parse(nsc_dicom *d, uint64_t file_size, nsc_error *err) {
  bool whole = d->size >= file_size;
  nsc_error inner = {0};
  nsc_status status = nsc_dicom_parse(d, max_inflated, &inner);
  bool short_of = !whole && ((status == NSC_OK && !d->stopped) || status == NSC_ERROR_TRUNCATED ||
                             (d->syntax && d->syntax->deflated && status != NSC_OK));
  if (short_of) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "DICOM: the header goes on behind the first %zu bytes", d->size);
  }
  return status == NSC_OK ? NSC_OK : nsc_fail(err, status, "%s", inner.text);
}

static const char *kind_of(const nsc_dicom *d, const nsc_facts *facts) {
  if (nsc_dicom_text_is(d, nsc_dicom_find(d->elements, NSC_TAG(0x0002, 0x0002)), directory_class) ||
      nsc_dicom_text_is(d, nsc_dicom_find(d->elements, NSC_TAG(0x0008, 0x0016)), directory_class)) {
    return "directory";
  }
  return facts->number[NSC_FACT_ROWS] > 0 && facts->number[NSC_FACT_COLUMNS] > 0 ? "image" : "other";
}

static nsc_status dicom_header(const uint8_t *bytes, size_t size, uint64_t file_size, nsc_text *t, nsc_error *err) {
  nsc_dicom *d = calloc(1, sizeof *d);
  if (!d) return nsc_fail_memory(err, sizeof *d, "a DICOM header");
  d->bytes = (uint8_t *)bytes; /* borrowed: parsing does not write */
  d->size = size;
  d->last_group = LAST_GROUP;
  nsc_status status = parse(d, file_size, err);
  if (status == NSC_OK) {
    nsc_facts facts;
    nsc_facts_init(&facts);
    nsc_facts_read(d, d->elements, &facts);
    nsc_json_key(t, "kind");
    nsc_json_string(t, kind_of(d, &facts));
    nsc_facts_write(&facts, t);
    nsc_facts_drop(&facts);
  }
  nsc_dicom_free(d);
  return status;
}

nsc_status nsc_header_json(const uint8_t *bytes, size_t size, uint64_t file_size, char **out, nsc_error *err) {
  if ((!bytes && size) || !out || size > file_size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no bytes of a file");
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_format format = nsc_sniff(bytes, size);
  if (format == NSC_FORMAT_DICOM) {
    nsc_status status = dicom_header(bytes, size, file_size, &t, err);
    if (status != NSC_OK) {
      nsc_text_drop(&t);
      return status;
    }
  } else {
    nsc_json_key(&t, "kind");
    nsc_json_string(&t, is_archive(bytes, size) ? "archive" : format == NSC_FORMAT_UNKNOWN ? "unknown" : "picture");
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
