#include "pipeline/record_picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/deflate.h"
#include "base/error.h"
#include "base/png_write.h"
#include "image/image.h"
#include "pipeline/record_marks.h"

enum { PRINTED_SIDE = 1000 /* pixels: 85 mm at 300 to the inch */ };
static const double map_opacity = 0.5; /* as the viewer shows it at first */

nsc_status nsc_record_paint(const nsc_record *record, bool map, uint8_t **rgb, nsc_error *err) {
  const nsc_image_info *info = &record->image->info;
  size_t pixels, bytes;
  nsc_view view;
  if (!nsc_mul_size(info->width, info->height, &pixels) || !nsc_mul_size(pixels, 4, &bytes)) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the picture is too large to be painted");
  }
  NSC_TRY(nsc_view_default(record->image, record->frame, &view, err));
  uint8_t *rgba = malloc(bytes);
  if (!rgba) return nsc_fail_memory(err, bytes, "a picture");
  nsc_status status = nsc_render(record->image, &view, rgba, bytes, err);
  if (status == NSC_OK && map) {
    status = nsc_explanation_blend(record->explanation, record->threshold, map_opacity, NSC_EXPLAIN_COLOR_MAP, rgba,
                                   info->width, info->height, bytes, err);
  }
  if (status != NSC_OK) {
    free(rgba);
    return status;
  }
  for (size_t i = 0; i < pixels; i++) memmove(rgba + 3 * i, rgba + 4 * i, 3);
  *rgb = rgba;
  return NSC_OK;
}

/* Means of squares of `by` pixels, in place; those that are left over at the right and at the bottom go. */
static void shrink(uint8_t *rgb, uint32_t *width, uint32_t *height, uint32_t by) {
  uint32_t columns = *width / by, rows = *height / by;
  for (uint32_t y = 0; y < rows; y++) {
    for (uint32_t x = 0; x < columns; x++) {
      uint32_t sum[3] = {0};
      for (uint32_t i = 0; i < by * by; i++) {
        const uint8_t *from = rgb + 3 * (((size_t)y * by + i / by) * *width + (size_t)x * by + i % by);
        for (int c = 0; c < 3; c++) sum[c] += from[c];
      }
      for (int c = 0; c < 3; c++) rgb[3 * ((size_t)y * columns + x) + (size_t)c] = (uint8_t)(sum[c] / (by * by));
    }
  }
  *width = columns, *height = rows;
}

/* Grey pictures take a third of the bytes. */
static uint32_t channels_of(uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++) {
    if (rgb[3 * i] != rgb[3 * i + 1] || rgb[3 * i] != rgb[3 * i + 2]) return 3;
  }
  for (size_t i = 0; i < pixels; i++) rgb[i] = rgb[3 * i];
  return 1;
}

static nsc_status put_image(nsc_text *t, const nsc_record *record, bool map, nsc_error *err) {
  const nsc_image_info *info = &record->image->info;
  uint32_t width = info->width, height = info->height;
  uint32_t longest = width > height ? width : height, by = (longest + PRINTED_SIDE - 1) / PRINTED_SIDE;
  uint8_t *rgb;
  nsc_text png = {0};
  NSC_TRY(nsc_record_paint(record, map, &rgb, err));
  if (by > 1 && width >= by && height >= by) shrink(rgb, &width, &height, by);
  uint32_t channels = channels_of(rgb, (size_t)width * height);
  nsc_status status = nsc_png_write(rgb, width, height, channels, nsc_zlib_put, &png, err);
  free(rgb);
  if (status == NSC_OK) {
    nsc_text_printf(t, "<image width=\"%u\" height=\"%u\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,",
                    info->width, info->height);
    nsc_base64_put(t, png.chars, png.size);
    nsc_text_put(t, "\"/>");
    t->failed = t->failed || png.failed;
  }
  nsc_text_drop(&png);
  return status;
}

/* Outlines and numbers, which the manifest does not keep. */
static nsc_status put_regions(nsc_text *t, const nsc_record *record, double unit, nsc_error *err) {
  char *json;
  nsc_json parsed;
  NSC_TRY(nsc_explanation_json(record->explanation, record->threshold, &json, err));
  nsc_status status = nsc_json_parse(json, strlen(json), &parsed, err);
  nsc_text_free(json);
  if (status != NSC_OK) return status;
  const nsc_json_value *regions = nsc_json_get(&parsed.values[0], "regions"), *each = nsc_json_first(regions);
  nsc_text_printf(t, "<g class=\"regions\" stroke-width=\"%.2f\" font-size=\"%.2f\">", 1.2 * unit, 13 * unit);
  for (uint32_t i = 0; i < regions->count; i++, each = nsc_json_next(each)) {
    const nsc_json_value *outline = nsc_json_get(each, "outline"), *corner = nsc_json_first(outline);
    const nsc_json_value *x = nsc_json_first(nsc_json_get(each, "centre")), *y = nsc_json_next(x);
    nsc_text_put(t, "<path d=\"");
    for (uint32_t k = 0; k < outline->count; k++, corner = nsc_json_next(corner)) {
      const nsc_json_value *across = nsc_json_first(corner);
      nsc_text_printf(t, "%s%.1f %.1f", k ? "L" : "M", across->number, nsc_json_next(across)->number);
    }
    nsc_text_printf(t, "Z\"/><text stroke=\"none\" x=\"%.1f\" y=\"%.1f\">%u</text>", x->number, y->number + 4 * unit,
                    i + 1);
  }
  nsc_text_put(t, "</g>");
  nsc_json_drop(&parsed);
  return NSC_OK;
}

/* Letters where the picture's edges lead in the patient. */
static void put_edges(nsc_text *t, const nsc_record *record) {
  static const char *const sides[] = {"left", "right", "top", "bottom"};
  const nsc_json_value *edges = nsc_json_get(nsc_record_part(record, "image"), "edges");
  if (!edges || edges->kind != NSC_JSON_ARRAY) return;
  const nsc_json_value *each = nsc_json_first(edges);
  for (uint32_t i = 0; i < 4 && i < edges->count; i++, each = nsc_json_next(each)) {
    if (each->kind != NSC_JSON_STRING) continue;
    nsc_text_printf(t, "<span class=\"%s\">", sides[i]);
    nsc_html_text(t, each->string);
    nsc_text_put(t, "</span>");
  }
}

nsc_status nsc_record_film(nsc_text *t, const nsc_record *record, bool map, nsc_error *err) {
  const nsc_image_info *info = &record->image->info;
  double spacing[2] = {1, 1};
  bool known = nsc_image_spacing(record->image, record->frame, spacing) && spacing[0] > 0 && spacing[1] > 0;
  double aspect = known ? spacing[1] / spacing[0] : 1;
  /* Of 400 on a page: lines and letters are as thick as there, whatever the picture's size. */
  double unit = (info->width > info->height ? info->width : info->height) / 400.0;
  nsc_text_printf(t,
                  "<div class=\"film\"><svg role=\"img\" viewBox=\"0 0 %u %.3f\"><svg width=\"%u\" height=\"%.3f\" "
                  "viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\">",
                  info->width, info->height * aspect, info->width, info->height * aspect, info->width, info->height);
  NSC_TRY(put_image(t, record, map, err));
  if (map) NSC_TRY(put_regions(t, record, unit, err));
  if (!map) nsc_record_draw_marks(t, nsc_record_part(record, "marks"), unit);
  nsc_text_put(t, "</svg></svg>");
  put_edges(t, record);
  nsc_text_put(t, "</div>");
  return NSC_OK;
}
