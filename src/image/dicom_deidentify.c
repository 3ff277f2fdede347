/*
 * A copy of a file that does not say who it shows. PS3.15 annex E lists what must go (Basic Application Level
 * Confidentiality Profile); a list grows with every edition, so this keeps a list of what may stay instead: what is
 * needed to show and measure the pixels. Everything else goes, private elements and all free texts among it. UIDs
 * become others, the same ones for the same key, so that files of a study still belong together.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "image/dicom.h"
#include "image/dicom_put.h"
#include "image/dicom_write.h"

/* Set whatever stood there: attributes of type 2 that say who, when and where are empty. In order of tags. */
static const struct {
  uint32_t tag;
  const char *vr, *value;
} fixed[] = {
    {NSC_TAG(0x0008, 0x0020), "DA", ""},
    {NSC_TAG(0x0008, 0x0030), "TM", ""},
    {NSC_TAG(0x0008, 0x0050), "SH", ""},
    {NSC_TAG(0x0008, 0x0070), "LO", ""},
    {NSC_TAG(0x0008, 0x0090), "PN", ""},
    {NSC_TAG(0x0010, 0x0010), "PN", ""},
    {NSC_TAG(0x0010, 0x0020), "LO", ""},
    {NSC_TAG(0x0010, 0x0030), "DA", ""},
    {NSC_TAG(0x0010, 0x0040), "CS", ""},
    {NSC_TAG(0x0012, 0x0062), "CS", "YES"},
    {NSC_TAG(0x0012, 0x0063), "LO", "Negatoscope: all but a list removed"},
    {NSC_TAG(0x0020, 0x0010), "SH", ""},
    {NSC_TAG(0x0020, 0x1040), "LO", ""},
    {NSC_TAG(0x0028, 0x0303), "CS", "REMOVED"},
};

enum { FIXED = sizeof fixed / sizeof *fixed };

/* Attributes that stay although their group or VR does not. */
static const uint32_t kept_tags[] = {
    NSC_TAG(0x0008, 0x0005), NSC_TAG(0x0008, 0x0008), NSC_TAG(0x0008, 0x0016), NSC_TAG(0x0008, 0x0018),
    NSC_TAG(0x0008, 0x001C), NSC_TAG(0x0008, 0x0060), NSC_TAG(0x0008, 0x0064), NSC_TAG(0x0008, 0x0068),
    NSC_TAG(0x0008, 0x9007), NSC_TAG(0x0008, 0x9205), NSC_TAG(0x0008, 0x9206), NSC_TAG(0x0008, 0x9207),
    NSC_TAG(0x0028, 0x1054), NSC_TAG(0x0028, 0x3004), NSC_TAG(0x0062, 0x000B),
};

/* Sequences that are gone through: lookup tables and functional groups of enhanced objects. */
static const uint32_t kept_sequences[] = {
    NSC_TAG(0x0018, 0x9226), NSC_TAG(0x0018, 0x9329), NSC_TAG(0x0018, 0x9341), NSC_TAG(0x0020, 0x9111),
    NSC_TAG(0x0020, 0x9113), NSC_TAG(0x0020, 0x9116), NSC_TAG(0x0020, 0x9071), NSC_TAG(0x0020, 0x9221),
    NSC_TAG(0x0020, 0x9222), NSC_TAG(0x0062, 0x000A), NSC_TAG(0x0028, 0x3000), NSC_TAG(0x0028, 0x3010),
    NSC_TAG(0x0028, 0x9110), NSC_TAG(0x0028, 0x9132), NSC_TAG(0x0028, 0x9145), NSC_TAG(0x5200, 0x9229),
    NSC_TAG(0x5200, 0x9230),
};

static bool is_in(uint32_t tag, const uint32_t *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (list[i] == tag) return true;
  }
  return false;
}

static bool is_vr(const char *vr, const char *list) {
  for (; *list; list += 2) {
    if (list[0] == vr[0] && list[1] == vr[1]) return true;
  }
  return false;
}

/* The VR that the dictionary gives, which a file may say otherwise; the file's own where the dictionary has none. */
static const char *true_vr(const nsc_element *e) {
  const nsc_dicom_entry *entry = nsc_dicom_lookup(e->tag);
  return entry ? entry->vr : e->vr;
}

/* Numbers and terms of acquisition, place and pixels; no date, name or free text has these VRs. */
static bool is_harmless(uint32_t group, const char *vr) {
  if (group == 0x0028) return is_vr(vr, "CSDSISFDFLUSSSULSLATOWOBUI");
  if (group == 0x0020 && is_vr(vr, "UI")) return true;
  return (group == 0x0018 || group == 0x0020 || group == 0x0054) && is_vr(vr, "CSDSISFDFLUSSSULSLAT");
}

static bool stays(const nsc_element *e) {
  uint32_t group = e->tag >> 16;
  if (is_in(e->tag, kept_tags, sizeof kept_tags / sizeof *kept_tags) || group == 0x7FE0) return true;
  if ((e->tag & 0xFFFFFF00) == NSC_TAG(0x0020, 0x3400)) return false; /* modifying devices, some of them as terms */
  return is_harmless(group, e->vr) && is_harmless(group, true_vr(e));
}

static bool is_standard_uid(const char *chars, size_t size) {
  static const char standard[] = "1.2.840.10008.";
  return size >= sizeof standard - 1 && memcmp(chars, standard, sizeof standard - 1) == 0;
}

bool nsc_dicom_is_nameless(const nsc_dicom *d, const nsc_element *e) {
  if (is_vr(e->vr, "SQ")) return is_in(e->tag, kept_sequences, sizeof kept_sequences / sizeof *kept_sequences);
  if (!is_vr(e->vr, "UI") && !is_vr(true_vr(e), "UI")) return stays(e);
  const char *chars;
  size_t size;
  for (uint32_t i = 0; nsc_dicom_text(d, e, i, &chars, &size); i++) {
    if (!is_standard_uid(chars, size)) return false;
  }
  return true;
}

/* ---- values ---- */

typedef struct writer {
  const nsc_dicom *d;
  uint64_t key;
  nsc_text *out;
} writer;

/* Standard UIDs (of classes, syntaxes) stay, those of instances become others. */
static void put_uids(const writer *w, const nsc_element *e) {
  nsc_text value = {0};
  uint32_t count = nsc_dicom_value_count(w->d, e);
  for (uint32_t i = 0; i < count; i++) {
    const char *chars;
    size_t size;
    if (!nsc_dicom_text(w->d, e, i, &chars, &size)) continue;
    if (value.size) nsc_text_put(&value, "\\");
    if (is_standard_uid(chars, size)) {
      nsc_text_append(&value, chars, size);
    } else {
      char uid[NSC_UID_ROOM];
      nsc_uid_write(nsc_hash(w->key, chars, size), nsc_hash(~w->key, chars, size), uid);
      nsc_text_put(&value, uid);
    }
  }
  nsc_dicom_put_head(w->out, e->tag, "UI", (uint32_t)(value.size + (value.size & 1)));
  nsc_text_append(w->out, value.chars, value.size);
  if (value.size & 1) nsc_text_append(w->out, "", 1);
  w->out->failed = w->out->failed || value.failed;
  nsc_text_drop(&value);
}

/* Bytes of a number of this VR, which change places in big endian. */
static size_t unit_of(const char vr[2]) {
  return is_vr(vr, "USSSATOW") ? 2 : is_vr(vr, "ULSLFLOFOL") ? 4 : is_vr(vr, "FDODOVSVUV") ? 8 : 1;
}

static void put_value(const writer *w, const nsc_element *e) {
  const uint8_t *from = w->d->bytes + e->offset;
  size_t unit = e->big_endian ? unit_of(e->vr) : 1;
  nsc_dicom_put_head(w->out, e->tag, e->vr, e->length + (e->length & 1));
  if (unit == 1) {
    nsc_text_append(w->out, (const char *)from, e->length);
  } else {
    for (size_t i = 0; i + unit <= e->length; i += unit) {
      char turned[8];
      for (size_t k = 0; k < unit; k++) turned[k] = (char)from[i + unit - 1 - k];
      nsc_text_append(w->out, turned, unit);
    }
  }
  if (e->length & 1) nsc_text_append(w->out, "", 1);
}

/* Encapsulated pixel data (PS3.5 A.4) as they are; the data set is little endian then. */
static void put_fragments(const writer *w, const nsc_element *e) {
  nsc_dicom_put_head(w->out, e->tag, "OB", NSC_UNDEFINED_LENGTH);
  const nsc_element *item = nsc_dicom_first(e);
  for (uint32_t i = 0; i < e->count; i++, item = nsc_dicom_next(item)) {
    nsc_dicom_put16(w->out, 0xFFFE), nsc_dicom_put16(w->out, 0xE000);
    nsc_dicom_put32(w->out, item->length);
    nsc_text_append(w->out, (const char *)w->d->bytes + item->offset, item->length);
  }
  nsc_dicom_put16(w->out, 0xFFFE), nsc_dicom_put16(w->out, 0xE0DD);
  nsc_dicom_put32(w->out, 0);
}

/* ---- data sets ---- */

static void put_children(const writer *w, const nsc_element *parent);

static void put_sequence(const writer *w, const nsc_element *e) {
  static const uint32_t item_ends[2] = {0xE00D, 0xE0DD};
  nsc_dicom_put_head(w->out, e->tag, "SQ", NSC_UNDEFINED_LENGTH);
  const nsc_element *item = nsc_dicom_first(e);
  for (uint32_t i = 0; i < e->count; i++, item = nsc_dicom_next(item)) {
    nsc_dicom_put16(w->out, 0xFFFE), nsc_dicom_put16(w->out, 0xE000);
    nsc_dicom_put32(w->out, NSC_UNDEFINED_LENGTH);
    put_children(w, item);
    nsc_dicom_put16(w->out, 0xFFFE), nsc_dicom_put16(w->out, item_ends[0]);
    nsc_dicom_put32(w->out, 0);
  }
  nsc_dicom_put16(w->out, 0xFFFE), nsc_dicom_put16(w->out, item_ends[1]);
  nsc_dicom_put32(w->out, 0);
}

static void put_element(const writer *w, const nsc_element *e) {
  if (is_vr(e->vr, "SQ")) {
    if (is_in(e->tag, kept_sequences, sizeof kept_sequences / sizeof *kept_sequences)) put_sequence(w, e);
  } else if (!stays(e)) {
    return;
  } else if (e->count) {
    put_fragments(w, e);
  } else if (is_vr(e->vr, "UI") || is_vr(true_vr(e), "UI")) {
    put_uids(w, e);
  } else if (nsc_dicom_is_long_vr(e->vr) || e->length < 0xFFFE) {
    put_value(w, e);
  }
}

static void put_children(const writer *w, const nsc_element *parent) {
  const nsc_element *e = nsc_dicom_first(parent);
  for (uint32_t i = 0; i < parent->count; i++, e = nsc_dicom_next(e)) put_element(w, e);
}

/* The top level: kept and fixed elements in one order of tags. Group 0002 is written apart. */
static void put_data_set(const writer *w) {
  const nsc_element *root = w->d->elements, *e = nsc_dicom_first(root);
  size_t at = 0;
  for (uint32_t i = 0; i < root->count; i++, e = nsc_dicom_next(e)) {
    if (e->tag >> 16 <= 0x0002) continue;
    for (; at < FIXED && fixed[at].tag < e->tag; at++) {
      nsc_dicom_put_text(w->out, fixed[at].tag, fixed[at].vr, fixed[at].value);
    }
    if (at == FIXED || fixed[at].tag != e->tag) put_element(w, e);
  }
  for (; at < FIXED; at++) nsc_dicom_put_text(w->out, fixed[at].tag, fixed[at].vr, fixed[at].value);
}

nsc_status nsc_image_deidentify(const nsc_image *image, uint64_t key, char **bytes, size_t *size, nsc_error *err) {
  if (!image || !bytes || !size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, or no place for the file");
  if (image->info.format != NSC_FORMAT_DICOM) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "only DICOM files are written without names, this is %s",
                    nsc_format_name(image->info.format));
  }
  const nsc_dicom *d = image->state;
  char sop_class[NSC_UID_ROOM], instance[NSC_UID_ROOM], other[NSC_UID_ROOM];
  nsc_dicom_read_uid(d, NSC_TAG(0x0008, 0x0016), sop_class);
  nsc_dicom_read_uid(d, NSC_TAG(0x0008, 0x0018), instance);
  nsc_uid_write(nsc_hash(key, instance, strlen(instance)), nsc_hash(~key, instance, strlen(instance)), other);
  nsc_text text = {0};
  bool native = !d->syntax || d->syntax->coding == NSC_CODING_NATIVE;
  nsc_dicom_put_meta(&text, sop_class, other, native ? NSC_EXPLICIT_LITTLE_ENDIAN : d->syntax->uid);
  const writer w = {d, key, &text};
  put_data_set(&w);
  size_t written = text.size;
  NSC_TRY(nsc_text_finish(&text, bytes, err));
  *size = written;
  return NSC_OK;
}
