/* The boundary for places in the patient, reference lines, and planes through a stack of slices. */
#include "bridge.h"

/* [x, y, x, y] of the reference line in `image`, or null. */
nsc_status bridge_cut(const nsc_image *image, uint32_t frame, const nsc_image *other, uint32_t other_frame) {
  double line[4];
  bridge_begin();
  return bridge_numbers(line, nsc_image_cut(image, frame, other, other_frame, line) ? 4 : 0);
}

/* [x, y, z] in mm of a place in pixels. */
nsc_status bridge_position(const nsc_image *image, uint32_t frame, double x, double y) {
  nsc_error *err = bridge_begin();
  const double pixel[2] = {x, y};
  double mm[3];
  nsc_status status = nsc_image_position(image, frame, pixel, mm, err);
  return status == NSC_OK ? bridge_numbers(mm, 3) : status;
}

/* [frame, x, y] of a place in mm. */
nsc_status bridge_point(const nsc_image *image, double x, double y, double z) {
  nsc_error *err = bridge_begin();
  const double mm[3] = {x, y, z};
  double found[3];
  uint32_t frame = 0;
  nsc_status status = nsc_image_point(image, mm, &frame, found + 1, err);
  found[0] = frame;
  return status == NSC_OK ? bridge_numbers(found, 3) : status;
}

/* `max_bytes` 0: the core's own limit. */
nsc_status bridge_reformat_create(double max_bytes) {
  nsc_error *err = bridge_begin();
  nsc_reformat *reformat = NULL;
  size_t bytes;
  if (!bridge_to_size(max_bytes, &bytes)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  const nsc_reformat_options options = {.max_bytes = bytes};
  return bridge_finish(nsc_reformat_create(&options, &reformat, err), reformat);
}

nsc_status bridge_reformat_announce(nsc_reformat *reformat, const nsc_index *index, const char *key) {
  nsc_error *err = bridge_begin();
  return nsc_reformat_announce(reformat, index, key, err);
}

nsc_status bridge_reformat_announce_image(nsc_reformat *reformat, const nsc_image *image) {
  nsc_error *err = bridge_begin();
  return nsc_reformat_announce_image(reformat, image, err);
}

/* Result 0 is nsc_reformat_json. */
nsc_status bridge_reformat_plan(nsc_reformat *reformat, uint32_t chosen, const nsc_image *sample) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  nsc_status status = nsc_reformat_plan(reformat, chosen, sample, err);
  if (status == NSC_OK) status = nsc_reformat_json(reformat, &json, err);
  return bridge_finish(status, json);
}

nsc_status bridge_reformat_fill(nsc_reformat *reformat, uint32_t slice, nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  return nsc_reformat_fill(reformat, slice, image, frame, err);
}

nsc_status bridge_reformat_open_plane(nsc_reformat *reformat, uint32_t kind) {
  nsc_error *err = bridge_begin();
  nsc_image *image = NULL;
  return bridge_finish(nsc_reformat_open_plane(reformat, (nsc_plane_kind)kind, &image, err), image);
}

nsc_status bridge_plane_set_slab(nsc_image *plane, double thickness, uint32_t projection) {
  nsc_error *err = bridge_begin();
  return nsc_plane_set_slab(plane, thickness, (nsc_projection)projection, err);
}
