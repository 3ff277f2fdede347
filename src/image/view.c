/* Ways to show an image: the file's own, an automatic one, and the value under the cursor. */
#include <stdlib.h>

#include "base/error.h"
#include "image/mapping.h"

static void set_window(nsc_view *view, const nsc_window *window) {
  view->function = window->function;
  view->center = window->center;
  view->width = window->width;
}

static void set_range(nsc_view *view, double low, double high) {
  nsc_mapping m = {0};
  nsc_mapping_set_range(&m, low, high);
  view->function = m.function;
  view->center = m.center;
  view->width = m.width;
}

nsc_status nsc_view_default(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err) {
  if (!image || !out || frame >= image->info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, no place for the view, or no frame %u", frame);
  }
  nsc_view view = {.frame = frame, .voi_lut = -1};
  double low, high;
  if (image->frame_values && image->frame_values[frame].has_window) {
    set_window(&view, &image->frame_values[frame].window);
  } else if (image->info.window_count) {
    set_window(&view, &image->windows[0]);
  } else if (image->info.voi_lut_count) { /* the window, once moved, begins with the table's inputs */
    const nsc_lut *lut = &image->voi_luts[0];
    set_range(&view, lut->first, (double)lut->first + lut->count - 1);
    view.voi_lut = 0;
  } else if (image->full_range) {
    nsc_type_range(image, frame, &low, &high);
    set_range(&view, low, high);
  } else {
    NSC_TRY(nsc_frame_range(image, frame, &low, &high, err));
    set_range(&view, low, high);
  }
  *out = view;
  return NSC_OK;
}

nsc_status nsc_view_window(const nsc_image *image, uint32_t index, nsc_view *out, nsc_error *err) {
  if (!image || !out || index >= image->info.window_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "window %u of an image with %u", index,
                    image ? image->info.window_count : 0);
  }
  nsc_view view = {.voi_lut = -1};
  set_window(&view, &image->windows[index]);
  *out = view;
  return NSC_OK;
}

nsc_status nsc_view_auto(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err) {
  static const double percents[2] = {1, 99};
  if (!image || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image or no place for the view");
  double range[2];
  NSC_TRY(nsc_frame_percentiles(image, frame, percents, range, err));
  if (!(range[1] > range[0])) NSC_TRY(nsc_frame_range(image, frame, &range[0], &range[1], err));
  nsc_view view = {.frame = frame, .voi_lut = -1};
  set_range(&view, range[0], range[1]);
  *out = view;
  return NSC_OK;
}

nsc_status nsc_image_probe(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y, double out[3], nsc_error *err) {
  const void *samples;
  if (!image || !out || x >= image->info.width || y >= image->info.height) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no pixel (%u, %u)", x, y);
  }
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  nsc_mapping m = nsc_mapping_of(image, frame);
  size_t at = ((size_t)y * image->info.width + x) * image->info.channels;
  for (uint32_t c = 0; c < image->info.channels; c++)
    out[c] = nsc_mapping_modality(&m, nsc_sample_value(image->info.type, samples, at + c));
  return NSC_OK;
}
