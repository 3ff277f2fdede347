/*
 * What stored samples mean in the real world (PS3.3 C.7.6.16.2.11): a line or a table from stored values to a quantity
 * with a unit, such as a temperature or an uptake. It stands beside rescale, which may be for display only, and in the
 * functional groups of a frame or at the top level. Of several mappings the first that has the stored value holds.
 */
#include <math.h>

#include "image/dicom_groups.h"

#define TAG_MAPPINGS NSC_TAG(0x0040, 0x9096)

static const nsc_element *holder_of(const nsc_dicom *d, uint32_t frame) {
  const nsc_element *group = nsc_dicom_group_holder(d, frame, TAG_MAPPINGS);
  return group ? group : d->elements;
}

/* First and last stored value of a mapping; of words that are signed where the samples are. */
static bool read_bound(const nsc_dicom *d, const nsc_element *item, uint32_t word, uint32_t number, double *out) {
  const nsc_element *e = nsc_dicom_find(item, NSC_TAG(0x0040, number));
  if (e) return nsc_dicom_number(d, e, 0, out);
  e = nsc_dicom_find(item, NSC_TAG(0x0040, word));
  if (!nsc_dicom_number(d, e, 0, out)) return false;
  if (d->is_signed && *out > INT16_MAX && *out <= UINT16_MAX) *out -= 65536;
  return true;
}

typedef struct mapping {
  const nsc_element *item;
  double first, last;
  bool linear;
  double slope, intercept;
  const nsc_element *table;
} mapping;

static bool read_mapping(const nsc_dicom *d, const nsc_element *item, mapping *m) {
  *m = (mapping){.item = item, .first = -INFINITY, .last = INFINITY};
  (void)read_bound(d, item, 0x9216, 0x9214, &m->first);
  (void)read_bound(d, item, 0x9211, 0x9213, &m->last);
  m->linear = nsc_dicom_number(d, nsc_dicom_find(item, NSC_TAG(0x0040, 0x9225)), 0, &m->slope) &&
              nsc_dicom_number(d, nsc_dicom_find(item, NSC_TAG(0x0040, 0x9224)), 0, &m->intercept);
  m->table = nsc_dicom_find(item, NSC_TAG(0x0040, 0x9212));
  return m->linear || (m->table && isfinite(m->first));
}

/* False where the mapping says nothing of this sample. */
static bool map_value(const nsc_dicom *d, const mapping *m, double stored, double *out) {
  if (!(stored >= m->first && stored <= m->last)) return false;
  if (m->linear) {
    *out = m->slope * stored + m->intercept;
    return true;
  }
  double index = stored - m->first;
  return index < UINT32_MAX && nsc_dicom_number(d, m->table, (uint32_t)index, out);
}

static void write_text(const nsc_dicom *d, const nsc_element *parent, const char *key, uint32_t tag, nsc_text *t) {
  char *text = nsc_dicom_copy_text(d, nsc_dicom_find(parent, tag), 0);
  nsc_json_key(t, key), nsc_json_string(t, text);
  nsc_text_free(text);
}

static void write_mapping(const nsc_dicom *d, const mapping *m, nsc_text *t) {
  const nsc_element *unit = nsc_dicom_item(m->item, NSC_TAG(0x0040, 0x08EA), 0);
  write_text(d, unit, "unit", NSC_TAG(0x0008, 0x0100), t);
  write_text(d, unit, "meaning", NSC_TAG(0x0008, 0x0104), t);
  write_text(d, m->item, "label", NSC_TAG(0x0040, 0x9210), t);
  write_text(d, m->item, "explanation", NSC_TAG(0x0028, 0x3003), t);
  nsc_json_key(t, "first"), nsc_json_number(t, m->first);
  nsc_json_key(t, "last"), nsc_json_number(t, m->last);
  nsc_json_key(t, "slope"), nsc_json_number(t, m->linear ? m->slope : NAN);
  nsc_json_key(t, "intercept"), nsc_json_number(t, m->linear ? m->intercept : NAN);
}

void nsc_dicom_real_world(const nsc_image *image, uint32_t frame, double stored, nsc_text *t) {
  const nsc_dicom *d = image->state;
  const nsc_element *holder = holder_of(d, frame), *item;
  for (uint32_t i = 0; d->color == NSC_COLOR_GREY && (item = nsc_dicom_item(holder, TAG_MAPPINGS, i)); i++) {
    mapping m;
    double value;
    if (!read_mapping(d, item, &m) || !map_value(d, &m, stored, &value)) continue;
    nsc_json_object(t);
    nsc_json_key(t, "value"), nsc_json_number(t, value);
    write_mapping(d, &m, t);
    nsc_json_end_object(t);
    return;
  }
  nsc_json_null(t);
}

void nsc_dicom_write_real_world(const nsc_image *image, nsc_text *t) {
  const nsc_dicom *d = image->state;
  const nsc_element *holder = holder_of(d, 0), *item;
  nsc_json_key(t, "realWorld");
  nsc_json_array(t);
  for (uint32_t i = 0; d->color == NSC_COLOR_GREY && (item = nsc_dicom_item(holder, TAG_MAPPINGS, i)); i++) {
    mapping m;
    if (!read_mapping(d, item, &m)) continue;
    nsc_json_object(t);
    write_mapping(d, &m, t);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}
