/*
 * Where the frames of a DICOM file lie (PS3.3 C.7.6.2 and C.7.6.16.2.3): in one of many frames, only what functional
 * groups say of each.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/dicom_groups.h"
#include "image/place.h"

#define TAG_FRAME_OF_REFERENCE NSC_TAG(0x0020, 0x0052)

static bool read_place(const nsc_dicom *d, const nsc_image *image, uint32_t frame, nsc_place *out) {
  nsc_frame_plane p = nsc_dicom_plane(d, frame);
  if (!p.has_position || !p.has_orientation || p.in_volume) return false;
  if (!nsc_place_read(p.position, p.orientation, out)) return false;
  bool has_spacing = p.spacing[0] > 0;
  out->spacing_x = has_spacing ? p.spacing[0] : image->info.spacing_x;
  out->spacing_y = has_spacing ? p.spacing[1] : image->info.spacing_y;
  return true;
}

nsc_status nsc_dicom_read_places(nsc_dicom *d, nsc_image *image, nsc_error *err) {
  const char *uid;
  size_t size;
  if (nsc_dicom_text(d, nsc_dicom_find(d->elements, TAG_FRAME_OF_REFERENCE), 0, &uid, &size) &&
      size < sizeof image->space) {
    memcpy(image->space, uid, size);
  }
  uint32_t frames = image->info.frames;
  if (frames > 1 && !d->frame_groups) return NSC_OK;
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
