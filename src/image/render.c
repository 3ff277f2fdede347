/*
 * Frames to RGBA. Whatever stands between a sample and the screen is computed once for each value that occurs in the
 * frame; then each pixel is one look into that table. Samples of 32 bits and floats have too many values for a table
 * and are computed one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/color_map.h"
#include "image/rendering.h"

void nsc_shade_pixels(uint32_t color_map, uint32_t out[256]) {
  uint8_t table[256][3];
  nsc_color_map_table(color_map, table);
  for (int i = 0; i < 256; i++) {
    const uint8_t bytes[4] = {table[i][0], table[i][1], table[i][2], 255};
    memcpy(&out[i], bytes, 4);
  }
}

void nsc_color_map_rgba(uint32_t map, uint8_t *rgba, size_t pixels) {
  uint32_t shades[256];
  nsc_shade_pixels(map, shades);
  for (size_t i = 0; i < pixels; i++, rgba += 4) memcpy(rgba, &shades[rgba[0]], 4);
}

#define DEFINE_GREY(name, type)                                                                                     \
  static void name(const type *samples, size_t count, const uint32_t *table, int32_t low, uint8_t *restrict rgba) { \
    for (size_t i = 0; i < count; i++) memcpy(rgba + 4 * i, &table[samples[i] - low], 4);                           \
  }
DEFINE_GREY(grey_u8, uint8_t)
DEFINE_GREY(grey_i8, int8_t)
DEFINE_GREY(grey_u16, uint16_t)
DEFINE_GREY(grey_i16, int16_t)

/* `count` pixels. The table's first byte of each entry is the value itself. */
#define DEFINE_COLOR(name, type)                                                                                    \
  static void name(const type *samples, size_t count, const uint32_t *table, int32_t low, uint8_t *restrict rgba) { \
    const uint8_t *values = (const uint8_t *)table;                                                                 \
    for (size_t i = 0; i < count; i++) {                                                                            \
      const uint8_t bytes[4] = {values[4 * (samples[3 * i] - low)], values[4 * (samples[3 * i + 1] - low)],         \
                                values[4 * (samples[3 * i + 2] - low)], 255};                                       \
      memcpy(rgba + 4 * i, bytes, 4);                                                                               \
    }                                                                                                               \
  }
DEFINE_COLOR(color_u8, uint8_t)
DEFINE_COLOR(color_i8, int8_t)
DEFINE_COLOR(color_u16, uint16_t)
DEFINE_COLOR(color_i16, int16_t)

static void map_samples(const nsc_image *image, const void *samples, const uint32_t *table, int32_t low,
                        uint8_t *rgba) {
  size_t pixels = (size_t)image->info.width * image->info.height;
  bool color = image->info.channels == 3;
  switch (image->info.type) {
    case NSC_SAMPLE_U8:
      (color ? color_u8 : grey_u8)(samples, pixels, table, low, rgba);
      break;
    case NSC_SAMPLE_I8:
      (color ? color_i8 : grey_i8)(samples, pixels, table, low, rgba);
      break;
    case NSC_SAMPLE_U16:
      (color ? color_u16 : grey_u16)(samples, pixels, table, low, rgba);
      break;
    default:
      (color ? color_i16 : grey_i16)(samples, pixels, table, low, rgba);
      break;
  }
}

static void map_one_by_one(const nsc_image *image, const void *samples, const nsc_mapping *mapping, uint8_t *rgba) {
  size_t pixels = (size_t)image->info.width * image->info.height;
  uint32_t channels = image->info.channels, shades[256];
  nsc_shade_pixels(mapping->color_map, shades);
  for (size_t i = 0; i < pixels; i++, rgba += 4) {
    for (uint32_t c = 0; c < channels; c++) {
      double stored = nsc_sample_value(image->info.type, samples, i * channels + c);
      rgba[c] = nsc_grey_byte(nsc_mapping_grey(mapping, stored));
    }
    rgba[3] = 255;
    if (channels == 1) memcpy(rgba, &shades[rgba[0]], 4);
  }
}

nsc_status nsc_grey_table(const nsc_mapping *mapping, const nsc_frame_stats *stats, uint32_t **out, nsc_error *err) {
  int32_t low = (int32_t)stats->all_low;
  uint32_t count = (uint32_t)(stats->all_high - stats->all_low) + 1;
  uint32_t *table = malloc(count * sizeof *table);
  if (!table) return nsc_fail_memory(err, count * sizeof *table, "a grey table");
  uint32_t shades[256];
  nsc_shade_pixels(mapping->color_map, shades);
  for (uint32_t i = 0; i < count; i++) {
    table[i] = shades[nsc_grey_byte(nsc_mapping_grey(mapping, low + (int32_t)i))];
  }
  *out = table;
  return NSC_OK;
}

nsc_status nsc_render(nsc_image *image, const nsc_view *view, uint8_t *rgba, size_t size, nsc_error *err) {
  if (!image || !view || !rgba) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, no view or no place for pixels");
  uint64_t need = (uint64_t)image->info.width * image->info.height * 4;
  if (size < need) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%zu bytes for %llu of pixels", size, (unsigned long long)need);
  }
  nsc_mapping mapping;
  nsc_frame_stats stats;
  const void *samples;
  NSC_TRY(nsc_mapping_of_view(image, view, &mapping, err));
  NSC_TRY(nsc_image_stats(image, view->frame, &stats, err));
  NSC_TRY(nsc_image_frame(image, view->frame, &samples, err));
  if (!nsc_image_fits_table(image)) {
    map_one_by_one(image, samples, &mapping, rgba);
    return NSC_OK;
  }
  uint32_t *table;
  NSC_TRY(nsc_grey_table(&mapping, &stats, &table, err));
  map_samples(image, samples, table, (int32_t)stats.all_low, rgba);
  free(table);
  return NSC_OK;
}
