/* libFuzzer: any bytes as an image; what opens is described, rendered and preprocessed. */
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
  nsc_image_free(image);
  return 0;
}
