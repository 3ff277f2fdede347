/*
 * Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16.1): each macro stands either in the item that all
 * frames share or in every frame's own. Where a frame lies in the patient is one of them, and stands at the top level
 * in all other objects.
 */
#include "image/dicom_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define TAG_SHARED_GROUPS NSC_TAG(0x5200, 0x9229)
#define TAG_FRAME_GROUPS NSC_TAG(0x5200, 0x9230)
#define TAG_PLANE_POSITION NSC_TAG(0x0020, 0x9113)
#define TAG_PLANE_ORIENTATION NSC_TAG(0x0020, 0x9116)
#define TAG_VOLUME_POSITION NSC_TAG(0x0020, 0x930E)
#define TAG_VOLUME_ORIENTATION NSC_TAG(0x0020, 0x930F)
#define TAG_PIXEL_MEASURES NSC_TAG(0x0028, 0x9110)
#define TAG_FRAME_CONTENT NSC_TAG(0x0020, 0x9111)
#define TAG_TEMPORAL_POSITION NSC_TAG(0x0020, 0x9310)
#define TAG_PIXEL_VALUES NSC_TAG(0x0028, 0x9145)
#define TAG_FRAME_VOI NSC_TAG(0x0028, 0x9132)
#define TAG_DETECTORS NSC_TAG(0x0054, 0x0022)

nsc_status nsc_dicom_index_groups(nsc_dicom *d, uint32_t frames, nsc_error *err) {
  const nsc_element *groups = nsc_dicom_find(d->elements, TAG_FRAME_GROUPS);
  const nsc_element *item = nsc_dicom_item(d->elements, TAG_FRAME_GROUPS, 0);
  if (!item || groups->count < frames) return NSC_OK;
  d->frame_groups = malloc(frames * sizeof *d->frame_groups); /* frames is limited */
  if (!d->frame_groups) return nsc_fail_memory(err, frames * sizeof *d->frame_groups, "a list of frames");
  for (uint32_t i = 0; i < frames; i++, item = nsc_dicom_next(item)) {
    d->frame_groups[i] = (uint32_t)(item - d->elements);
  }
  return NSC_OK;
}

static const nsc_element *frame_item(const nsc_dicom *d, uint32_t frame, uint32_t sequence) {
  return d->frame_groups ? nsc_dicom_item(&d->elements[d->frame_groups[frame]], sequence, 0) : NULL;
}

const nsc_element *nsc_dicom_group_holder(const nsc_dicom *d, uint32_t frame, uint32_t sequence) {
  if (frame_item(d, frame, sequence)) return &d->elements[d->frame_groups[frame]];
  const nsc_element *shared = nsc_dicom_item(d->elements, TAG_SHARED_GROUPS, 0);
  return nsc_dicom_item(shared, sequence, 0) ? shared : NULL;
}

const nsc_element *nsc_dicom_group(const nsc_dicom *d, uint32_t frame, uint32_t sequence) {
  return nsc_dicom_item(nsc_dicom_group_holder(d, frame, sequence), sequence, 0);
}

bool nsc_dicom_has_frame_group(const nsc_dicom *d, uint32_t sequence) {
  return frame_item(d, 0, sequence) != NULL;
}

/* ---- where a frame lies ---- */

/* All of `count` values, or none of them. */
static bool read_numbers(const nsc_dicom *d, const nsc_element *parent, uint32_t tag, double *out, uint32_t count) {
  double values[6];
  const nsc_element *e = nsc_dicom_find(parent, tag);
  for (uint32_t i = 0; i < count; i++) {
    if (!nsc_dicom_number(d, e, i, &values[i])) return false;
  }
  memcpy(out, values, count * sizeof *out);
  return true;
}

/* The item with the position of a frame: of a group, of the only detector (PS3.3 C.8.4.11), or the data set. */
static const nsc_element *place_item(const nsc_dicom *d, uint32_t frame, uint32_t group, uint32_t tag) {
  const nsc_element *item = nsc_dicom_group(d, frame, group);
  if (item) return item;
  if (nsc_dicom_find(d->elements, tag)) return d->elements;
  return nsc_dicom_item(d->elements, TAG_DETECTORS, 1) ? NULL : nsc_dicom_item(d->elements, TAG_DETECTORS, 0);
}

static void read_place(const nsc_dicom *d, uint32_t frame, nsc_frame_plane *p) {
  const uint32_t position = NSC_TAG(0x0020, 0x0032), orientation = NSC_TAG(0x0020, 0x0037);
  const nsc_element *at = place_item(d, frame, TAG_PLANE_POSITION, position);
  const nsc_element *turned = place_item(d, frame, TAG_PLANE_ORIENTATION, orientation);
  p->has_position = read_numbers(d, at, position, p->position, 3);
  p->has_orientation = read_numbers(d, turned, orientation, p->orientation, 6);
  if (p->has_position || p->has_orientation) return;
  at = nsc_dicom_group(d, frame, TAG_VOLUME_POSITION);
  turned = nsc_dicom_group(d, frame, TAG_VOLUME_ORIENTATION);
  p->has_position = read_numbers(d, at, NSC_TAG(0x0020, 0x9301), p->position, 3);
  p->has_orientation = read_numbers(d, turned, NSC_TAG(0x0020, 0x9302), p->orientation, 6);
  p->in_volume = p->has_position || p->has_orientation;
}

nsc_frame_plane nsc_dicom_plane(const nsc_dicom *d, uint32_t frame) {
  nsc_frame_plane p = {0};
  read_place(d, frame, &p);
  const nsc_element *measures = nsc_dicom_group(d, frame, TAG_PIXEL_MEASURES);
  if (!measures) measures = d->elements;
  double spacing[2];
  if (read_numbers(d, measures, NSC_TAG(0x0028, 0x0030), spacing, 2) && spacing[0] > 0 && spacing[1] > 0) {
    p.spacing[0] = spacing[1]; /* the file has rows first: PS3.3 10.7.1.3 */
    p.spacing[1] = spacing[0];
  }
  double thickness;
  if (read_numbers(d, measures, NSC_TAG(0x0018, 0x0050), &thickness, 1) && thickness > 0) p.thickness = thickness;
  return p;
}

bool nsc_dicom_edges(const nsc_image *image, uint32_t frame, nsc_edges *out) {
  const nsc_dicom *d = image->state;
  nsc_frame_plane p = nsc_dicom_plane(d, frame);
  bool quadruped = image->quadruped;
  if (p.has_orientation && !p.in_volume && nsc_edges_of_directions(p.orientation, p.orientation + 3, quadruped, out))
    return true;
  const nsc_element *e = nsc_dicom_find(d->elements, NSC_TAG(0x0020, 0x0020));
  const char *right = "", *bottom = "";
  size_t right_size = 0, bottom_size = 0;
  (void)nsc_dicom_text(d, e, 0, &right, &right_size);
  (void)nsc_dicom_text(d, e, 1, &bottom, &bottom_size);
  return nsc_edges_of_letters(right, right_size, bottom, bottom_size, quadruped, out);
}

/* ---- what is said of it ---- */

static void write_numbers(nsc_text *t, const char *key, bool known, const double *values, uint32_t count) {
  nsc_json_key(t, key);
  if (!known) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) nsc_json_number(t, values[i]);
  nsc_json_end_array(t);
}

static void write_number(nsc_text *t, const char *key, const nsc_dicom *d, const nsc_element *parent, uint32_t tag) {
  double value = NAN;
  nsc_json_key(t, key);
  nsc_json_number(t, nsc_dicom_number(d, nsc_dicom_find(parent, tag), 0, &value) ? value : NAN);
}

static void write_frame_window(const nsc_frame_values *values, nsc_text *t) {
  static const char *const functions[] = {"LINEAR", "LINEAR_EXACT", "SIGMOID"};
  nsc_json_key(t, "window");
  if (!values || !values->has_window) {
    nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  nsc_json_key(t, "center"), nsc_json_number(t, values->window.center);
  nsc_json_key(t, "width"), nsc_json_number(t, values->window.width);
  nsc_json_key(t, "function"), nsc_json_string(t, functions[values->window.function]);
  nsc_json_end_object(t);
}

static void write_frame(const nsc_image *image, uint32_t frame, nsc_text *t) {
  const nsc_dicom *d = image->state;
  nsc_frame_plane p = nsc_dicom_plane(d, frame);
  const nsc_frame_values *values = image->frame_values ? &image->frame_values[frame] : NULL;
  const nsc_element *content = nsc_dicom_group(d, frame, TAG_FRAME_CONTENT);
  nsc_json_object(t);
  write_numbers(t, "position", p.has_position, p.position, 3);
  write_numbers(t, "orientation", p.has_orientation, p.orientation, 6);
  write_numbers(t, "spacing", p.spacing[0] > 0, p.spacing, 2);
  nsc_json_key(t, "thickness"), nsc_json_number(t, p.thickness > 0 ? p.thickness : NAN);
  nsc_json_key(t, "slope"), nsc_json_number(t, values ? values->slope : image->slope);
  nsc_json_key(t, "intercept"), nsc_json_number(t, values ? values->intercept : image->intercept);
  write_frame_window(values, t);
  write_number(t, "time", d, nsc_dicom_group(d, frame, TAG_TEMPORAL_POSITION), NSC_TAG(0x0020, 0x930D));
  write_number(t, "timeIndex", d, content, NSC_TAG(0x0020, 0x9128));
  nsc_json_end_object(t);
}

static bool frames_differ(const nsc_image *image, uint32_t frames) {
  const nsc_dicom *d = image->state;
  nsc_edges first = {0}, each;
  bool has_first = nsc_dicom_edges(image, 0, &first);
  for (uint32_t i = 1; i < frames && nsc_dicom_has_frame_group(d, TAG_PLANE_ORIENTATION); i++) {
    memset(&each, 0, sizeof each);
    if (nsc_dicom_edges(image, i, &each) != has_first || strcmp(each.right, first.right) != 0 ||
        strcmp(each.bottom, first.bottom) != 0) {
      return true;
    }
  }
  return false;
}

static void write_edges(const nsc_image *image, uint32_t frame, nsc_text *t) {
  nsc_edges edges;
  nsc_edges_write(nsc_dicom_edges(image, frame, &edges) ? &edges : NULL, t);
}

void nsc_dicom_write_planes(const nsc_image *image, nsc_text *t) {
  const nsc_dicom *d = image->state;
  uint32_t frames = image->info.frames;
  nsc_json_key(t, "edges"), write_edges(image, 0, t);
  nsc_json_key(t, "frameEdges");
  if (frames_differ(image, frames)) {
    nsc_json_array(t);
    for (uint32_t i = 0; i < frames; i++) write_edges(image, i, t);
    nsc_json_end_array(t);
  } else {
    nsc_json_null(t);
  }
  nsc_json_key(t, "frameFacts");
  if (!d->frame_groups) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  for (uint32_t i = 0; i < frames; i++) write_frame(image, i, t);
  nsc_json_end_array(t);
}
