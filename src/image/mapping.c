/* Modality and VOI transformations: PS3.3 C.11.1 and C.11.2. */
#include "image/mapping.h"

#include <math.h>

#include "base/error.h"

nsc_mapping nsc_mapping_of(const nsc_image *image, uint32_t frame) {
  nsc_mapping m = {.slope = image->slope, .intercept = image->intercept, .width = 1};
  if (image->frame_values) {
    m.slope = image->frame_values[frame].slope;
    m.intercept = image->frame_values[frame].intercept;
  }
  if (image->modality_lut.count) m.modality_lut = &image->modality_lut;
  return m;
}

void nsc_mapping_set_range(nsc_mapping *m, double low, double high) {
  m->voi_lut = NULL;
  m->function = NSC_VOI_LINEAR_EXACT;
  m->width = high - low > 0 ? high - low : 1;
  m->center = low + m->width / 2;
}

nsc_status nsc_mapping_of_view(const nsc_image *image, const nsc_view *view, nsc_mapping *out, nsc_error *err) {
  if (view->frame >= image->info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "frame %u of an image with %u", view->frame, image->info.frames);
  }
  if (view->voi_lut < -1 || view->voi_lut >= (int64_t)image->info.voi_lut_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "VOI LUT %d of an image with %u", view->voi_lut,
                    image->info.voi_lut_count);
  }
  bool known =
      view->function == NSC_VOI_LINEAR || view->function == NSC_VOI_LINEAR_EXACT || view->function == NSC_VOI_SIGMOID;
  if (!known || !isfinite(view->center) || !isfinite(view->width) || !(view->width > 0) ||
      (view->function == NSC_VOI_LINEAR && view->width < 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a window of center %g and width %g with function %d", view->center,
                    view->width, (int)view->function);
  }
  if (view->color_map >= NSC_COLOR_MAP_COUNT) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "colour map %u of %d", view->color_map, NSC_COLOR_MAP_COUNT);
  }
  nsc_mapping m = nsc_mapping_of(image, view->frame);
  if (view->voi_lut >= 0) m.voi_lut = &image->voi_luts[view->voi_lut];
  m.function = view->function;
  m.center = view->center;
  m.width = view->width;
  m.invert = view->invert != (image->info.photometric == NSC_PHOTOMETRIC_MONOCHROME1);
  m.color_map = image->info.channels == 1 ? view->color_map : 0;
  *out = m;
  return NSC_OK;
}

static uint16_t look_up(const nsc_lut *lut, double input) {
  double index = input - lut->first;
  if (!(index > 0)) return lut->values[0];
  return lut->values[index < lut->count - 1 ? (uint32_t)index : lut->count - 1];
}

double nsc_mapping_modality(const nsc_mapping *m, double stored) {
  if (m->modality_lut) return look_up(m->modality_lut, stored);
  return m->slope * stored + m->intercept;
}

static double through_window(const nsc_mapping *m, double x) {
  double c = m->center, w = m->width;
  switch (m->function) {
    case NSC_VOI_LINEAR: /* C.11.2.1.2.1 */
      if (x <= c - 0.5 - (w - 1) / 2) return 0;
      if (x > c - 0.5 + (w - 1) / 2) return 1;
      return (x - (c - 0.5)) / (w - 1) + 0.5;
    case NSC_VOI_SIGMOID: /* C.11.2.1.3.1 */
      return 1 / (1 + exp(-4 * (x - c) / w));
    default: /* C.11.2.1.3.2 */
      if (x <= c - w / 2) return 0;
      if (x > c + w / 2) return 1;
      return (x - c) / w + 0.5;
  }
}

double nsc_mapping_grey(const nsc_mapping *m, double stored) {
  double x = nsc_mapping_modality(m, stored), y;
  if (m->voi_lut) { /* its inputs are whole numbers */
    y = (double)look_up(m->voi_lut, floor(x + 0.5)) / ((1u << m->voi_lut->bits) - 1);
  } else {
    y = through_window(m, x);
  }
  y = y > 0 ? (y < 1 ? y : 1) : 0; /* a NaN from infinite parameters ends as 0 */
  return m->invert ? 1 - y : y;
}

/* Extremes of the modality values of low..high. */
static void modality_range(const nsc_mapping *m, double stored_low, double stored_high, double *low, double *high) {
  double a = nsc_mapping_modality(m, stored_low), b = nsc_mapping_modality(m, stored_high);
  *low = a < b ? a : b;
  *high = a < b ? b : a;
  if (!m->modality_lut) return;
  const nsc_lut *lut = m->modality_lut;
  for (uint32_t i = 0; i < lut->count; i++) { /* a table need not rise */
    double input = (double)lut->first + i, x = lut->values[i];
    if (input < stored_low || input > stored_high) continue;
    if (x < *low) *low = x;
    if (x > *high) *high = x;
  }
}

nsc_status nsc_frame_range(nsc_image *image, uint32_t frame, double *low, double *high, nsc_error *err) {
  nsc_frame_stats stats;
  NSC_TRY(nsc_image_stats(image, frame, &stats, err));
  nsc_mapping m = nsc_mapping_of(image, frame);
  modality_range(&m, stats.low, stats.high, low, high);
  return NSC_OK;
}

nsc_status nsc_whole_range(nsc_image *image, double *low, double *high, nsc_error *err) {
  double stored_low, stored_high;
  NSC_TRY(nsc_image_whole_stats(image, &stored_low, &stored_high, err));
  nsc_mapping m = nsc_mapping_of(image, 0);
  modality_range(&m, stored_low, stored_high, low, high);
  return NSC_OK;
}

void nsc_type_range(const nsc_image *image, uint32_t frame, double *low, double *high) {
  nsc_mapping m = nsc_mapping_of(image, frame);
  if (m.modality_lut) {
    *low = 0;
    *high = (1u << m.modality_lut->bits) - 1;
  } else {
    modality_range(&m, image->type_low, image->type_high, low, high);
  }
}
