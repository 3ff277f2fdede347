/*
 * Where the frames of a DICOM file lie (PS3.3 C.7.6.2). Of many frames, functional groups say it of each
 * (C.7.6.16.2.3), or, in a grid of radiation doses, a list of distances from the first one (C.8.8.3.2).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/dicom_groups.h"
#include "image/place.h"

#define TAG_FRAME_OF_REFERENCE NSC_TAG(0x0020, 0x0052)
#define TAG_GRID_OFFSETS NSC_TAG(0x3004, 0x000C)

/* Moves the place of the first frame to that of frame `frame`. A list that begins with 0 counts from the first frame,
   another one has z coordinates, of transverse planes only. */
static bool add_grid_offset(const nsc_dicom *d, uint32_t frame, nsc_place *place) {
  const nsc_element *offsets = nsc_dicom_find(d->elements, TAG_GRID_OFFSETS);
  double first, offset, normal[3];
  if (!nsc_dicom_number(d, offsets, 0, &first) || !nsc_dicom_number(d, offsets, frame, &offset)) return false;
  nsc_place_normal(place, normal);
  if (first != 0) {
    if (fabs(normal[2]) < 0.999 || fabs(first - place->origin[2]) > 0.01) return false;
    offset = (offset - first) * normal[2];
  }
  for (int i = 0; i < 3; i++) place->origin[i] += offset * normal[i];
  return true;
}

static bool read_place(const nsc_dicom *d, const nsc_image *image, uint32_t frame, nsc_place *out) {
  nsc_frame_plane p = nsc_dicom_plane(d, frame);
  if (!p.has_position || !p.has_orientation || p.in_volume) return false;
  if (!nsc_place_read(p.position, p.orientation, out)) return false;
  bool has_spacing = p.spacing[0] > 0;
  out->spacing_x = has_spacing ? p.spacing[0] : image->info.spacing_x;
  out->spacing_y = has_spacing ? p.spacing[1] : image->info.spacing_y;
  return image->info.frames == 1 || d->frame_groups || add_grid_offset(d, frame, out);
}

nsc_status nsc_dicom_read_places(nsc_dicom *d, nsc_image *image, nsc_error *err) {
  const char *uid;
  size_t size;
  if (nsc_dicom_text(d, nsc_dicom_find(d->elements, TAG_FRAME_OF_REFERENCE), 0, &uid, &size) &&
      size < sizeof image->space) {
    memcpy(image->space, uid, size);
  }
  uint32_t frames = image->info.frames;
  if (frames > 1 && !d->frame_groups && !nsc_dicom_find(d->elements, TAG_GRID_OFFSETS)) return NSC_OK;
  nsc_place *places = calloc(frames, sizeof *places);
  if (!places) return nsc_fail_memory(err, frames * sizeof *places, "places of frames");
  bool all = true;
  for (uint32_t i = 0; i < frames && all; i++) all = read_place(d, image, i, &places[i]);
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
