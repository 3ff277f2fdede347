/*
 * Where the frames of a DICOM file lie: the Image Plane Module (PS3.3 C.7.6.2), in enhanced multi-frame files the plane
 * position and orientation of the functional groups (C.7.6.16.2.3 and C.7.6.16.2.4), each for all frames or for one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/dicom.h"
#include "image/place.h"

#define TAG_POSITION NSC_TAG(0x0020, 0x0032)
#define TAG_ORIENTATION NSC_TAG(0x0020, 0x0037)
#define TAG_FRAME_OF_REFERENCE NSC_TAG(0x0020, 0x0052)
#define TAG_PLANE_POSITIONS NSC_TAG(0x0020, 0x9113)
#define TAG_PLANE_ORIENTATIONS NSC_TAG(0x0020, 0x9116)

/* All of them or none. */
static bool read_numbers(const nsc_dicom *d, const nsc_element *e, uint32_t count, double *out) {
  for (uint32_t i = 0; i < count; i++) {
    if (!nsc_dicom_number(d, e, i, &out[i])) return false;
  }
  return true;
}

/* Values of a functional group, of the frame's own item or of the one that all share. */
static bool read_group(const nsc_dicom *d, const nsc_element *own, const nsc_element *shared, uint32_t group,
                       uint32_t tag, uint32_t count, double *out) {
  if (read_numbers(d, nsc_dicom_find(nsc_dicom_item(own, group, 0), tag), count, out)) return true;
  return read_numbers(d, nsc_dicom_find(nsc_dicom_item(shared, group, 0), tag), count, out);
}

static bool read_place(const nsc_dicom *d, const nsc_element *own, const nsc_element *shared, nsc_place *out) {
  double position[3], orientation[6];
  return read_group(d, own, shared, TAG_PLANE_POSITIONS, TAG_POSITION, 3, position) &&
         read_group(d, own, shared, TAG_PLANE_ORIENTATIONS, TAG_ORIENTATION, 6, orientation) &&
         nsc_place_read(position, orientation, out);
}

/* At the top level of a file with one picture; of many frames it would say nothing about each. */
static bool read_plain(const nsc_dicom *d, nsc_place *out) {
  double position[3], orientation[6];
  return read_numbers(d, nsc_dicom_find(d->elements, TAG_POSITION), 3, position) &&
         read_numbers(d, nsc_dicom_find(d->elements, TAG_ORIENTATION), 6, orientation) &&
         nsc_place_read(position, orientation, out);
}

nsc_status nsc_dicom_read_places(nsc_dicom *d, nsc_image *image, nsc_error *err) {
  const nsc_element *groups = nsc_dicom_find(d->elements, NSC_TAG(0x5200, 0x9230));
  const nsc_element *shared = nsc_dicom_item(d->elements, NSC_TAG(0x5200, 0x9229), 0);
  const nsc_element *own = nsc_dicom_item(d->elements, NSC_TAG(0x5200, 0x9230), 0);
  const char *uid;
  size_t size;
  if (nsc_dicom_text(d, nsc_dicom_find(d->elements, TAG_FRAME_OF_REFERENCE), 0, &uid, &size) &&
      size < sizeof image->space) {
    memcpy(image->space, uid, size);
  }
  uint32_t frames = image->info.frames;
  nsc_place *places = calloc(frames, sizeof *places);
  if (!places) return nsc_fail_memory(err, frames * sizeof *places, "places of frames");
  bool all = true;
  for (uint32_t i = 0; i < frames && all; i++) {
    bool has_own = own && i < groups->count;
    all = read_place(d, has_own ? own : NULL, shared, &places[i]) || (frames == 1 && read_plain(d, &places[i]));
    if (has_own) own = nsc_dicom_next(own);
    places[i].spacing_x = image->info.spacing_x;
    places[i].spacing_y = image->info.spacing_y;
  }
  if (all) {
    d->places = places;
  } else {
    free(places); /* some frames without a place: they are no stack, and each alone helps nobody */
  }
  return NSC_OK;
}

bool nsc_dicom_locate(const nsc_image *image, uint32_t frame, nsc_place *out) {
  const nsc_dicom *d = image->state;
  if (!d->places) return false;
  *out = d->places[frame];
  return true;
}
