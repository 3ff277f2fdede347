/* The elements of a DICOM file as JSON, for people to read: values as text, sequences nested, long things cut. */
#include <string.h>

#include "base/bytes.h"
#include "image/dicom_groups.h"
#include "image/dicom_overlay.h"

/* Bounds on what is shown: a functional group sequence has thousands of items that say the same. */
enum { MAX_SHOWN_TEXT = 1024, MAX_SHOWN_NUMBERS = 32, MAX_SHOWN_ITEMS = 32, MAX_SHOWN_ELEMENTS = 20000 };

typedef struct writer {
  const nsc_dicom *d;
  nsc_text *t;
  uint32_t elements_left;
  bool personal; /* inside a sequence that may say who, when or where */
} writer;

static bool vr_in(const char vr[2], const char *list) {
  for (; *list; list += 2) {
    if (vr[0] == list[0] && vr[1] == list[1]) return true;
  }
  return false;
}

/* Text, all values with the backslashes between them as the file has it. */
static void write_text(const writer *w, const nsc_element *e) {
  const char *chars = (const char *)w->d->bytes + e->offset;
  size_t size = e->length;
  while (size > 0 && (chars[size - 1] == ' ' || chars[size - 1] == 0)) size--;
  while (size > 0 && *chars == ' ') chars++, size--;
  bool cut = size > MAX_SHOWN_TEXT;
  nsc_text utf8 = {0};
  nsc_dicom_put_utf8(w->d, chars, cut ? MAX_SHOWN_TEXT : size, &utf8);
  if (cut) nsc_text_put(&utf8, "\xE2\x80\xA6"); /* an ellipsis */
  nsc_json_string_n(w->t, utf8.chars ? utf8.chars : "", utf8.size);
  nsc_text_drop(&utf8);
}

static void write_numbers(const writer *w, const nsc_element *e, uint32_t count) {
  nsc_text line = {0};
  bool is_tag = vr_in(e->vr, "AT");
  for (uint32_t i = 0; i < count && i < MAX_SHOWN_NUMBERS; i++) {
    double value = 0;
    if (i) nsc_text_put(&line, "\\");
    if (is_tag) {
      const uint8_t *p = w->d->bytes + e->offset + (size_t)4 * i;
      nsc_text_printf(&line, "(%04X,%04X)", nsc_load_u16(p, e->big_endian), nsc_load_u16(p + 2, e->big_endian));
    } else if (nsc_dicom_number(w->d, e, i, &value)) {
      line.needs_comma = false; /* the shortest digits, not JSON */
      if (vr_in(e->vr, "FL")) {
        nsc_json_float(&line, (float)value);
      } else {
        nsc_json_number(&line, value);
      }
    }
  }
  if (count > MAX_SHOWN_NUMBERS) nsc_text_put(&line, "\\\xE2\x80\xA6");
  nsc_json_string_n(w->t, line.chars ? line.chars : "", line.size);
  nsc_text_drop(&line);
}

static void write_binary(const writer *w, const nsc_element *e) {
  nsc_text line = {0};
  if (e->count) {
    nsc_text_printf(&line, "(%u fragments)", e->count);
  } else {
    nsc_text_printf(&line, "(%u bytes)", e->length);
  }
  nsc_json_string_n(w->t, line.chars ? line.chars : "", line.size);
  nsc_text_drop(&line);
}

/* Unknown VR: shown as text when it is printable ASCII all through. */
static bool is_printable(const writer *w, const nsc_element *e) {
  const uint8_t *p = w->d->bytes + e->offset;
  for (uint32_t i = 0; i < e->length && i < MAX_SHOWN_TEXT; i++) {
    bool padding = i + 1 == e->length && p[i] == 0;
    if ((p[i] < 0x20 || p[i] > 0x7E) && !padding) return false;
  }
  return e->length > 0;
}

static void write_value(const writer *w, const nsc_element *e) {
  nsc_json_key(w->t, "value");
  if (e->count == 0 && e->length == 0) {
    nsc_json_null(w->t);
  } else if (vr_in(e->vr, "USSSULSLFLFDUVSVAT")) {
    write_numbers(w, e, nsc_dicom_value_count(w->d, e));
  } else if (vr_in(e->vr, "AEASCSDADSDTISLOLTPNSHSTTMUCUIURUT") || (vr_in(e->vr, "UN") && is_printable(w, e))) {
    write_text(w, e);
  } else {
    write_binary(w, e);
  }
}

static void write_elements(writer *w, const nsc_element *parent);

static void write_items(writer *w, const nsc_element *sequence) {
  nsc_json_key(w->t, "items");
  nsc_json_array(w->t);
  const nsc_dicom *outer = w->d;
  const nsc_element *item = nsc_dicom_first(sequence);
  for (uint32_t i = 0; i < sequence->count && i < MAX_SHOWN_ITEMS; i++, item = nsc_dicom_next(item)) {
    nsc_dicom inside = *outer; /* an item may have a character set of its own: PS3.5 6.1.2.3 */
    inside.charset = nsc_dicom_charset_of(outer, item, outer->charset);
    w->d = &inside;
    write_elements(w, item);
    w->d = outer;
  }
  nsc_json_end_array(w->t);
  if (sequence->count > MAX_SHOWN_ITEMS)
    nsc_json_key(w->t, "omitted"), nsc_json_int(w->t, sequence->count - MAX_SHOWN_ITEMS);
}

/* {"tag":"0028,0010","vr":"US","name":"Rows","value":"512"}, for a sequence "items" in place of "value", with
 * "personal" where it may say who, when or where. */
static void write_elements(writer *w, const nsc_element *parent) {
  nsc_json_array(w->t);
  const nsc_element *e = nsc_dicom_first(parent);
  for (uint32_t n = parent->count; n > 0 && w->elements_left > 0; n--, e = nsc_dicom_next(e)) {
    w->elements_left--;
    nsc_text tag = {0};
    nsc_text_printf(&tag, "%04X,%04X", e->tag >> 16, e->tag & 0xFFFF);
    nsc_json_object(w->t);
    nsc_json_key(w->t, "tag"), nsc_json_string(w->t, tag.chars);
    nsc_json_key(w->t, "vr"), nsc_json_string_n(w->t, e->vr, 2);
    nsc_json_key(w->t, "name"), nsc_json_string(w->t, nsc_dicom_tag_name(e->tag));
    bool outside = w->personal;
    w->personal = outside || !nsc_dicom_is_nameless(w->d, e);
    if (vr_in(e->vr, "SQ")) {
      write_items(w, e);
    } else {
      write_value(w, e);
    }
    if (w->personal) nsc_json_key(w->t, "personal"), nsc_json_bool(w->t, true);
    w->personal = outside;
    nsc_json_end_object(w->t);
    nsc_text_drop(&tag);
  }
  nsc_json_end_array(w->t);
}

static void write_one(const nsc_dicom *d, const char *key, uint32_t tag, nsc_text *t) {
  const char *chars;
  size_t size;
  nsc_json_key(t, key);
  if (!nsc_dicom_text(d, nsc_dicom_find(d->elements, tag), 0, &chars, &size)) {
    nsc_json_null(t);
    return;
  }
  nsc_text utf8 = {0};
  nsc_dicom_put_utf8(d, chars, size < MAX_SHOWN_TEXT ? size : MAX_SHOWN_TEXT, &utf8);
  nsc_json_string_n(t, utf8.chars ? utf8.chars : "", utf8.size);
  nsc_text_drop(&utf8);
}

void nsc_dicom_write_json(const nsc_image *image, nsc_text *t) {
  const nsc_dicom *d = image->state;
  const char *uid;
  size_t size;
  nsc_json_key(t, "transferSyntax"), nsc_json_string(t, d->syntax->uid);
  nsc_json_key(t, "transferSyntaxName"), nsc_json_string(t, d->syntax->name);
  bool has_class = nsc_dicom_text(d, nsc_dicom_find(d->elements, NSC_TAG(0x0008, 0x0016)), 0, &uid, &size);
  nsc_json_key(t, "sopClass"), nsc_json_string(t, has_class ? nsc_dicom_sop_class_name(uid, size) : NULL);
  write_one(d, "modality", NSC_TAG(0x0008, 0x0060), t);
  nsc_dicom_write_planes(image, t);
  nsc_dicom_write_overlays(image, t);
  nsc_dicom_write_real_world(image, t);
  nsc_json_key(t, "tags");
  writer w = {d, t, MAX_SHOWN_ELEMENTS, false};
  write_elements(&w, d->elements);
}
