/* What lies over a picture, and what its values mean beside what is shown: only for people, never for a model. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/image.h"

static nsc_status check_frame(const nsc_image *image, uint32_t frame, nsc_error *err) {
  if (image && frame < image->info.frames) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, or no frame %u", frame);
}

nsc_status nsc_image_overlays(const nsc_image *image, uint32_t frame, uint8_t *mask, size_t size, nsc_error *err) {
  NSC_TRY(check_frame(image, frame, err));
  size_t pixels = (size_t)image->info.width * image->info.height;
  if (!mask || size < pixels) return nsc_fail(err, NSC_ERROR_ARGUMENT, "%zu bytes for %zu pixels", size, pixels);
  memset(mask, 0, pixels);
  return image->reader->overlays ? image->reader->overlays(image, frame, mask, err) : NSC_OK;
}

nsc_status nsc_image_real_world_json(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y, char **out,
                                     nsc_error *err) {
  NSC_TRY(check_frame(image, frame, err));
  if (!out || x >= image->info.width || y >= image->info.height) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no pixel (%u, %u)", x, y);
  }
  const void *samples;
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  nsc_text t = {0};
  if (image->reader->real_world && image->info.channels == 1) {
    size_t at = (size_t)y * image->info.width + x;
    image->reader->real_world(image, frame, nsc_sample_value(image->info.type, samples, at), &t);
  } else {
    nsc_json_null(&t);
  }
  return nsc_text_finish(&t, out, err);
}
