/* A map for people: colours over a picture, and its regions in pixels and millimetres. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "image/color_map.h"
#include "pipeline/explain.h"

enum { MOST_REGIONS = 8 };

static size_t pixels_of(const nsc_explanation *e) {
  return (size_t)e->picture.width * e->picture.height;
}

static float highest_of(const nsc_explanation *e) {
  float most = 0;
  for (size_t i = 0; i < pixels_of(e); i++) most = fmaxf(most, e->shown[i]);
  return most;
}

static nsc_status check_threshold(double threshold, nsc_error *err) {
  if (threshold >= 0 && threshold <= 1) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "a threshold is a share of the highest place: 0 to 1");
}

nsc_status nsc_explanation_overlay(const nsc_explanation *explanation, double threshold, uint32_t color_map,
                                   uint8_t *rgba, size_t size, nsc_error *err) {
  const nsc_explanation *e = explanation;
  if (!e || !rgba || size < 4 * pixels_of(e)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no room for an overlay");
  NSC_TRY(check_threshold(threshold, err));
  uint8_t colors[256][3];
  nsc_color_map_table(color_map, colors);
  float most = highest_of(e);
  for (size_t i = 0; i < pixels_of(e); i++) {
    float share = most > 0 ? e->shown[i] / most : 0;
    bool seen = share > 0 && (double)share >= threshold;
    memcpy(rgba + 4 * i, colors[share > 0 ? (int)(share * 255 + 0.5f) : 0], 3);
    rgba[4 * i + 3] = seen ? 255 : 0;
  }
  return NSC_OK;
}

/* The map at a place of the picture, bilinear; 0 outside of what the model saw. */
static float map_at(const nsc_explanation *e, double x, double y) {
  const double *r = e->rectangle;
  double u = (x - r[0]) / (r[2] - r[0]) * e->picture.width, v = (y - r[1]) / (r[3] - r[1]) * e->picture.height;
  if (!(u >= 0 && v >= 0 && u < e->picture.width && v < e->picture.height)) return 0;
  double left = fmax(u - 0.5, 0), top = fmax(v - 0.5, 0);
  size_t x0 = (size_t)left, y0 = (size_t)top, width = e->picture.width;
  size_t x1 = x0 + 1 < width ? x0 + 1 : x0, y1 = y0 + 1 < e->picture.height ? y0 + 1 : y0;
  double across = left - (double)x0, down = top - (double)y0;
  const float *a = e->shown + y0 * width, *b = e->shown + y1 * width;
  double high = (double)a[x0] * (1 - across) + (double)a[x1] * across;
  double low = (double)b[x0] * (1 - across) + (double)b[x1] * across;
  return (float)(high + (low - high) * down);
}

nsc_status nsc_explanation_mask(const nsc_explanation *explanation, double threshold, uint8_t *mask, size_t size,
                                nsc_error *err) {
  const nsc_explanation *e = explanation;
  size_t width = e->image_width, height = e->image_height;
  if (!mask || size / width < height) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no room for a mask");
  NSC_TRY(check_threshold(threshold, err));
  float most = highest_of(e);
  for (size_t i = 0; i < width * height; i++) {
    float share = most > 0 ? map_at(e, (double)(i % width) + 0.5, (double)(i / width) + 0.5) / most : 0;
    mask[i] = share > 0 && (double)share >= threshold;
  }
  return NSC_OK;
}

nsc_status nsc_explanation_blend(const nsc_explanation *explanation, double threshold, double opacity,
                                 uint32_t color_map, uint8_t *rgba, uint32_t width, uint32_t height, size_t size,
                                 nsc_error *err) {
  const nsc_explanation *e = explanation;
  if (!e || !rgba || width != e->image_width || height != e->image_height || size / 4 / width < height) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture of the explained image's size");
  }
  NSC_TRY(check_threshold(threshold, err));
  if (!(opacity >= 0 && opacity <= 1)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "an opacity is 0 to 1");
  uint8_t colors[256][3];
  nsc_color_map_table(color_map, colors);
  float most = highest_of(e);
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      float share = most > 0 ? map_at(e, x + 0.5, y + 0.5) / most : 0;
      uint8_t *pixel = rgba + ((size_t)y * width + x) * 4;
      if (!(share > 0) || (double)share < threshold) continue;
      const uint8_t *color = colors[(int)(fminf(share, 1) * 255 + 0.5f)];
      for (int c = 0; c < 3; c++) pixel[c] = (uint8_t)(pixel[c] + opacity * (color[c] - pixel[c]) + 0.5);
    }
  }
  return NSC_OK;
}

/* ---- JSON ---- */

/* From pixels of the map to pixels of the picture. */
static void to_picture(const nsc_explanation *e, double x, double y, double out[2]) {
  const double *r = e->rectangle;
  out[0] = r[0] + (r[2] - r[0]) * x / e->picture.width;
  out[1] = r[1] + (r[3] - r[1]) * y / e->picture.height;
}

static void write_numbers(nsc_text *t, const char *key, const double *values, int count) {
  nsc_json_key(t, key), nsc_json_array(t);
  for (int i = 0; i < count; i++) nsc_json_number(t, values[i]);
  nsc_json_end_array(t);
}

static void write_millimetres(const nsc_explanation *e, const double box[4], const double centre[2], double pixels,
                              nsc_text *t) {
  if (!e->has_spacing) {
    nsc_json_key(t, "boxMm"), nsc_json_null(t);
    nsc_json_key(t, "centreMm"), nsc_json_null(t);
    nsc_json_key(t, "areaMm2"), nsc_json_null(t);
  } else {
    const double *s = e->spacing;
    write_numbers(t, "boxMm", (const double[]){box[0] * s[0], box[1] * s[1], box[2] * s[0], box[3] * s[1]}, 4);
    write_numbers(t, "centreMm", (const double[]){centre[0] * s[0], centre[1] * s[1]}, 2);
    nsc_json_key(t, "areaMm2"), nsc_json_number(t, pixels * s[0] * s[1]);
  }
  if (e->has_place) {
    double mm[3];
    nsc_place_to_mm(&e->place, centre, mm);
    write_numbers(t, "patientMm", mm, 3);
  } else {
    nsc_json_key(t, "patientMm"), nsc_json_null(t);
  }
}

static void write_region(const nsc_explanation *e, const nsc_map_region *r, double all, nsc_text *t) {
  double box[4], centre[2];
  to_picture(e, r->left, r->top, box);
  to_picture(e, r->right, r->bottom, box + 2);
  to_picture(e, r->x, r->y, centre);
  double each = (box[2] - box[0]) * (box[3] - box[1]) / ((double)(r->right - r->left) * (r->bottom - r->top));
  nsc_json_object(t);
  nsc_json_key(t, "share"), nsc_json_number(t, r->weight / all);
  write_numbers(t, "box", box, 4);
  write_numbers(t, "centre", centre, 2);
  write_millimetres(e, box, centre, each * r->pixels, t);
  nsc_json_key(t, "outline"), nsc_json_array(t);
  for (uint32_t i = 0; i < r->corners; i++) {
    double corner[2];
    to_picture(e, r->outline[2 * i], r->outline[2 * i + 1], corner);
    nsc_json_array(t);
    nsc_json_number(t, corner[0]), nsc_json_number(t, corner[1]);
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static nsc_status write_regions(const nsc_explanation *e, double threshold, nsc_text *t, nsc_error *err) {
  float most = highest_of(e);
  nsc_map_region *regions = NULL;
  uint32_t count = 0;
  double all = 0;
  for (size_t i = 0; i < pixels_of(e); i++) all += e->shown[i] > 0 ? (double)e->shown[i] : 0;
  /* A flat map has no regions, and a threshold of 0 means everything that is above 0. */
  float level = fmaxf((float)threshold * most, most * 1e-6f);
  if (most > 0) {
    NSC_TRY(nsc_map_regions(e->shown, e->picture.width, e->picture.height, level, MOST_REGIONS, &regions, &count, err));
  }
  nsc_json_key(t, "regions"), nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) write_region(e, &regions[i], all, t);
  nsc_json_end_array(t);
  nsc_map_regions_free(regions, count);
  return NSC_OK;
}

static void write_curve(const char *key, const float *scores, uint32_t count, nsc_text *t) {
  nsc_json_key(t, key), nsc_json_object(t);
  nsc_json_key(t, "area"), nsc_json_number(t, nsc_curve_area(scores, count));
  nsc_json_key(t, "scores"), nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) nsc_json_float(t, scores[i]);
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

static void write_curves(const nsc_explanation *e, nsc_text *t) {
  uint32_t points = e->options.curve;
  nsc_json_key(t, "curves");
  if (!points || e->done < e->total) {
    nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  write_curve("deletion", e->curves, points, t);
  write_curve("insertion", e->curves + points, points, t);
  nsc_json_end_object(t);
}

nsc_status nsc_explanation_json(const nsc_explanation *explanation, double threshold, char **out, nsc_error *err) {
  const nsc_explanation *e = explanation;
  if (!e || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no explanation");
  NSC_TRY(check_threshold(threshold, err));
  float most = e->map[0], least = most;
  for (size_t i = 0; i < pixels_of(e); i++) {
    least = fminf(least, e->map[i]);
    most = fmaxf(most, e->map[i]);
  }
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "method"), nsc_json_string(&t, nsc_explain_method_name(e->options.method));
  nsc_json_key(&t, "label"), nsc_json_string(&t, e->result.labels[e->label]);
  nsc_json_key(&t, "logit"), nsc_json_number(&t, e->logit);
  nsc_json_key(&t, "score"), nsc_json_float(&t, e->result.scores[e->label]);
  nsc_json_key(&t, "width"), nsc_json_int(&t, e->picture.width);
  nsc_json_key(&t, "height"), nsc_json_int(&t, e->picture.height);
  write_numbers(&t, "rectangle", e->rectangle, 4);
  nsc_json_key(&t, "lowest"), nsc_json_float(&t, least);
  nsc_json_key(&t, "highest"), nsc_json_float(&t, most);
  nsc_json_key(&t, "threshold"), nsc_json_number(&t, threshold);
  nsc_status status = write_regions(e, threshold, &t, err);
  write_curves(e, &t);
  nsc_json_key(&t, "ms"), nsc_json_number(&t, e->ms);
  nsc_json_end_object(&t);
  if (status == NSC_OK) return nsc_text_finish(&t, out, err);
  nsc_text_drop(&t);
  return status;
}
