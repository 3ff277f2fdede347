/*
 * A DICOMDIR (PS3.3 annex F): records of patients, studies, series and images, linked by byte offsets. What a record
 * says holds for all below it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/facts.h"

enum { MAX_LEVELS = 8, MAX_COMPONENTS = 16 };
/* A directory is never deflated (PS3.10 8.6). */
static const uint64_t max_inflated = (uint64_t)1 << 28;

typedef struct walker {
  const nsc_dicom *d;
  const nsc_element **items; /* [count] in the order of the file, so their offsets rise */
  bool *seen;                /* [count]: offsets may lead in a circle */
  uint32_t count, seen_count;
  nsc_text *t;
} walker;

static uint32_t number_of(const walker *w, const nsc_element *parent, uint32_t tag) {
  uint32_t value = 0;
  return nsc_dicom_uint(w->d, nsc_dicom_find(parent, tag), &value) ? value : 0;
}

static bool is_type(const walker *w, const nsc_element *item, const char *type) {
  return nsc_dicom_text_is(w->d, nsc_dicom_find(item, NSC_TAG(0x0004, 0x1430)), type);
}

/* The record that begins at a byte of the file, or `count`. */
static uint32_t record_at(const walker *w, uint32_t offset) {
  uint32_t low = 0, high = w->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (w->items[middle]->offset - 8 < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < w->count && w->items[low]->offset - 8 == offset ? low : w->count;
}

/* The name of a file stands in up to eight components, the folders first: PS3.3 F.3.2.2. */
static void write_image(const walker *w, const nsc_element *item, const nsc_facts *facts) {
  const nsc_element *id = nsc_dicom_find(item, NSC_TAG(0x0004, 0x1500));
  nsc_text path = {0};
  const char *chars;
  size_t size;
  for (uint32_t i = 0; i < MAX_COMPONENTS && nsc_dicom_text(w->d, id, i, &chars, &size); i++) {
    if (i) nsc_text_put(&path, "/");
    nsc_text_append(&path, chars, size);
  }
  if (path.size) {
    nsc_json_object(w->t);
    nsc_json_key(w->t, "path"), nsc_json_string_n(w->t, path.chars, path.size);
    nsc_json_key(w->t, "facts");
    nsc_json_object(w->t);
    nsc_json_key(w->t, "kind"), nsc_json_string(w->t, "image");
    nsc_facts_write(facts, w->t);
    nsc_json_end_object(w->t);
    nsc_json_end_object(w->t);
  }
  nsc_text_drop(&path);
}

/* A record and those behind it on its level; `above` is what the records over them say. */
static nsc_status walk(walker *w, uint32_t offset, const nsc_facts *above, int level, nsc_error *err) {
  while (offset && level < MAX_LEVELS) {
    uint32_t at = record_at(w, offset);
    if (at == w->count || w->seen[at]) return NSC_OK;
    const nsc_element *item = w->items[at];
    w->seen[at] = true;
    w->seen_count++;
    nsc_facts facts;
    NSC_TRY(nsc_facts_copy(above, &facts, err));
    nsc_facts_read(w->d, item, &facts);
    nsc_status status = NSC_OK;
    if (is_type(w, item, "IMAGE")) {
      write_image(w, item, &facts);
    } else {
      status = walk(w, number_of(w, item, NSC_TAG(0x0004, 0x1420)), &facts, level + 1, err);
    }
    nsc_facts_drop(&facts);
    if (status != NSC_OK) return status;
    offset = number_of(w, item, NSC_TAG(0x0004, 0x1400));
  }
  return NSC_OK;
}

/* Without links: a record holds until the next of its kind or of a higher one. */
static nsc_status walk_in_order(walker *w, nsc_error *err) {
  static const char *const types[] = {"PATIENT", "STUDY", "SERIES", "IMAGE"};
  nsc_facts levels[5];
  for (int k = 0; k < 5; k++) nsc_facts_init(&levels[k]);
  nsc_status status = NSC_OK;
  for (uint32_t i = 0; i < w->count && status == NSC_OK; i++) {
    for (int k = 0; k < 4 && status == NSC_OK; k++) {
      if (!is_type(w, w->items[i], types[k])) continue;
      nsc_facts_drop(&levels[k + 1]);
      status = nsc_facts_copy(&levels[k], &levels[k + 1], err);
      if (status != NSC_OK) break;
      nsc_facts_read(w->d, w->items[i], &levels[k + 1]);
      if (k == 3) write_image(w, w->items[i], &levels[4]);
    }
  }
  for (int k = 0; k < 5; k++) nsc_facts_drop(&levels[k]);
  return status;
}

static nsc_status walk_all(walker *w, const nsc_element *sequence, nsc_error *err) {
  const nsc_element *item = nsc_dicom_first(sequence);
  for (uint32_t i = 0; i < w->count; i++, item = nsc_dicom_next(item)) w->items[i] = item;
  nsc_facts nothing;
  nsc_facts_init(&nothing);
  NSC_TRY(walk(w, number_of(w, w->d->elements, NSC_TAG(0x0004, 0x1200)), &nothing, 0, err));
  if (w->seen_count > 0) return NSC_OK; /* records that nothing leads to were deleted */
  return walk_in_order(w, err);
}

static nsc_status write_records(const nsc_dicom *d, nsc_text *t, nsc_error *err) {
  const nsc_element *sequence = nsc_dicom_find(d->elements, NSC_TAG(0x0004, 0x1220));
  if (!sequence) return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOMDIR: there is no sequence of directory records");
  walker w = {.d = d, .count = sequence->count, .t = t};
  w.items = calloc((size_t)w.count + 1, sizeof *w.items);
  w.seen = calloc((size_t)w.count + 1, sizeof *w.seen);
  nsc_status status = w.items && w.seen ? walk_all(&w, sequence, err)
                                        : nsc_fail_memory(err, (size_t)w.count * sizeof *w.items, "a DICOMDIR");
  free(w.items);
  free(w.seen);
  return status;
}

nsc_status nsc_dicomdir_json(const uint8_t *bytes, size_t size, char **out, nsc_error *err) {
  if (!bytes || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no bytes of a DICOMDIR");
  if (nsc_sniff(bytes, size) != NSC_FORMAT_DICOM) return nsc_fail(err, NSC_ERROR_UNKNOWN_FORMAT, "not a DICOMDIR");
  nsc_dicom *d = calloc(1, sizeof *d);
  if (!d) return nsc_fail_memory(err, sizeof *d, "a DICOMDIR");
  d->bytes = (uint8_t *)bytes; /* borrowed: parsing does not write */
  d->size = size;
  nsc_text t = {0};
  nsc_json_array(&t);
  nsc_status status = nsc_dicom_parse(d, max_inflated, err);
  if (status == NSC_OK) status = write_records(d, &t, err);
  nsc_dicom_free(d);
  nsc_json_end_array(&t);
  if (status == NSC_OK) return nsc_text_finish(&t, out, err);
  nsc_text_drop(&t);
  return status;
}
