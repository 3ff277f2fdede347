/* libFuzzer: any bytes as an image; what opens is described, rendered, preprocessed, and looked at in other planes. */
#include <stdlib.h>

#include "negatoscope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void look(nsc_image *image) {
  nsc_error err = {0};
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  uint32_t frame = info.frames - 1;
  nsc_view view;
  size_t pixels = (size_t)info.width * info.height;
  uint8_t *rgba = malloc(pixels * 4);
  if (rgba && nsc_view_default(image, frame, &view, &err) == NSC_OK) {
    (void)nsc_render(image, &view, rgba, pixels * 4, &err);
  }
  if (rgba) (void)nsc_image_overlays(image, frame, rgba, pixels, &err);
  free(rgba);
  char *json;
  if (nsc_image_real_world_json(image, frame, info.width - 1, info.height - 1, &json, &err) == NSC_OK)
    nsc_text_free(json);
  nsc_recipe recipe = {.width = 8, .height = 8, .channels = 1, .crop_scale = 1, .scale = 1, .std = {1, 1, 1}};
  float out[64];
  (void)nsc_preprocess(image, frame, &recipe, out, 64, &err);
}

enum { MOST_SLICES = 64, MOST_PIXELS = 1 << 20 };

/* The middle of each plane, thin and as a slab. Slices are filled in whatever order: only sizes matter here. */
static void look_across(nsc_reformat *r, nsc_image *image, const nsc_image_info *info) {
  nsc_error err = {0};
  nsc_image *plane;
  if (nsc_reformat_announce_image(r, image, &err) != NSC_OK || nsc_reformat_plan(r, 0, image, &err) != NSC_OK) return;
  for (uint32_t k = 0; k < info->frames; k++) {
    if (nsc_reformat_fill(r, k, image, k, &err) != NSC_OK) break; /* fewer slices than frames, or a damaged one */
  }
  for (int kind = 0; kind < NSC_PLANE_KIND_COUNT; kind++) {
    nsc_image_info of_plane;
    const void *samples;
    double mm[3], pixel[2] = {0.5, 0.5}, line[4];
    uint32_t frame;
    if (nsc_reformat_open_plane(r, (nsc_plane_kind)kind, &plane, &err) != NSC_OK) return;
    nsc_image_get_info(plane, &of_plane);
    for (int slab = 0; slab < 2 && (uint64_t)of_plane.width * of_plane.height <= MOST_PIXELS; slab++) {
      (void)nsc_plane_set_slab(plane, slab * 3, (nsc_projection)kind, &err);
      (void)nsc_image_frame(plane, of_plane.frames / 2, &samples, &err);
    }
    (void)nsc_image_cut(image, 0, plane, 0, line);
    if (nsc_image_position(plane, 0, pixel, mm, &err) == NSC_OK) (void)nsc_image_point(image, mm, &frame, pixel, &err);
    nsc_image_free(plane);
  }
}

static void reformat(nsc_image *image) {
  const nsc_reformat_options options = {.max_bytes = 16 << 20};
  nsc_image_info info;
  nsc_reformat *r;
  nsc_image_get_info(image, &info);
  if (info.frames < 2 || info.frames > MOST_SLICES || nsc_reformat_create(&options, &r, NULL) != NSC_OK) return;
  look_across(r, image, &info);
  nsc_reformat_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  nsc_source *source;
  nsc_image *image;
  nsc_error err = {0};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK) return 0;
  const nsc_image_options options = {.max_dimension = 4096, .max_frame_bytes = 16 << 20, .max_inflated = 16 << 20};
  if (nsc_image_open(source, &options, &image, &err) != NSC_OK) {
    nsc_source_free(source);
    return 0;
  }
  char *json;
  if (nsc_image_json(image, &json, &err) == NSC_OK) nsc_text_free(json);
  look(image);
  reformat(image);
  nsc_image_free(image);
  return 0;
}
