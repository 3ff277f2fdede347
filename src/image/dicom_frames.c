/*
 * Encapsulated pixel data (PS3.5 A.4): which items belong to which frame. The first item is the Basic Offset Table,
 * often empty; long files have an Extended Offset Table in elements of its own. Tables are believed where each of their
 * offsets is the start of an item. Without one a frame is an item, or begins where a codestream begins.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

#define TAG_EXTENDED_OFFSETS NSC_TAG(0x7FE0, 0x0001)

/* Items behind the Basic Offset Table: fragments. They stand one after another in the element array. */
typedef struct fragments {
  const nsc_dicom *d;
  uint32_t first, count;
} fragments;

static const nsc_element *fragment(const fragments *f, uint32_t index) {
  return &f->d->elements[f->first + index];
}

/* The fragment whose item begins `offset` bytes behind that of the first, or `count`. */
static uint32_t fragment_at(const fragments *f, uint64_t offset) {
  uint32_t low = 0, high = f->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (fragment(f, middle)->offset - fragment(f, 0)->offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < f->count && fragment(f, low)->offset - fragment(f, 0)->offset == offset ? low : f->count;
}

/* `bytes_each`: 4 for the Basic, 8 for the Extended Offset Table. False when the table is not to be believed. */
static bool use_table(const fragments *f, const nsc_element *table, uint32_t bytes_each, uint32_t frames,
                      uint32_t *items) {
  if (!table || table->count || table->length / bytes_each < frames) return false;
  const uint8_t *p = f->d->bytes + table->offset;
  for (uint32_t i = 0; i < frames; i++, p += bytes_each) {
    uint64_t offset = bytes_each == 4 ? nsc_load_u32(p, false) : nsc_load_u64(p, false);
    uint32_t found = fragment_at(f, offset);
    bool rises = i == 0 ? found == 0 : f->first + found > items[i - 1];
    if (found == f->count || !rises) return false;
    items[i] = f->first + found;
  }
  return true;
}

/* JPEG and JPEG-LS begin with SOI and another marker, JPEG 2000 with SOC and SIZ or in the box of a JP2 file. */
static bool begins_codestream(const nsc_dicom *d, const nsc_element *item) {
  static const uint8_t jp2[12] = {0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A};
  const uint8_t *p = d->bytes + item->offset;
  if (d->syntax->coding == NSC_CODING_JPEG || d->syntax->coding == NSC_CODING_JPEG_LS) {
    return item->length >= 3 && p[0] == 0xFF && p[1] == 0xD8 && p[2] == 0xFF;
  }
  if (d->syntax->coding != NSC_CODING_JPEG_2000) return false;
  if (item->length >= sizeof jp2 && memcmp(p, jp2, sizeof jp2) == 0) return true;
  return item->length >= 4 && p[0] == 0xFF && p[1] == 0x4F && p[2] == 0xFF && p[3] == 0x51;
}

static bool use_codestreams(const fragments *f, uint32_t frames, uint32_t *items) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < f->count; i++) {
    if (!begins_codestream(f->d, fragment(f, i))) continue;
    if (found == 0 && i > 0) return false;
    if (found < frames) items[found] = f->first + i;
    found++;
  }
  return found == frames;
}

nsc_status nsc_dicom_index_frames(nsc_dicom *d, uint32_t frames, nsc_error *err) {
  const nsc_element *pixels = &d->elements[d->pixels];
  if (pixels->count < 2) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: no encapsulated pixel data in the transfer syntax %s",
                    d->syntax->name);
  }
  fragments f = {d, d->pixels + 2, pixels->count - 1};
  uint32_t *items = malloc(((size_t)frames + 1) * sizeof *items); /* frames is limited */
  if (!items) return nsc_fail_memory(err, frames * sizeof *items, "a list of frames");
  d->frame_items = items;
  items[frames] = f.first + f.count;
  items[0] = f.first;
  if (frames == 1) return NSC_OK;
  if (use_table(&f, nsc_dicom_find(d->elements, TAG_EXTENDED_OFFSETS), 8, frames, items)) return NSC_OK;
  if (use_table(&f, &d->elements[d->pixels + 1], 4, frames, items)) return NSC_OK;
  if (f.count == frames) {
    for (uint32_t i = 0; i < frames; i++) items[i] = f.first + i;
    return NSC_OK;
  }
  if (use_codestreams(&f, frames, items)) return NSC_OK;
  if (f.count < frames) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "DICOM: %u frames are announced, the pixel data has %u parts", frames,
                    f.count);
  }
  return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: %u parts of pixel data for %u frames, and no table that fits",
                  f.count, frames);
}

nsc_status nsc_dicom_frame_stream(const nsc_dicom *d, uint32_t frame, nsc_dicom_stream *out, nsc_error *err) {
  const nsc_element *first = &d->elements[d->frame_items[frame]], *end = &d->elements[d->frame_items[frame + 1]];
  if (end - first == 1) {
    *out = (nsc_dicom_stream){d->bytes + first->offset, first->length, NULL};
    return NSC_OK;
  }
  size_t size = 0; /* at most the file's */
  for (const nsc_element *e = first; e < end; e++) size += e->length;
  uint8_t *bytes = malloc(size ? size : 1);
  if (!bytes) return nsc_fail_memory(err, size, "a compressed frame");
  *out = (nsc_dicom_stream){bytes, size, bytes};
  for (const nsc_element *e = first; e < end; e++) {
    memcpy(bytes, d->bytes + e->offset, e->length);
    bytes += e->length;
  }
  return NSC_OK;
}
