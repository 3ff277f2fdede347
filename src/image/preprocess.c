/*
 * One frame to a model's input. Nothing here takes a view: what a model sees depends on the file and the recipe alone.
 *
 * NSC_FIT_CROP is torchvision's Resize(round(size / crop_scale)) and CenterCrop(size): with a square input the shorter
 * side becomes that number, the longer one int(number * long / short), and the crop begins at round((resized - size) /
 * 2), both rounded half to even as Python does. NSC_FIT_PAD is Pillow's ImageOps.pad on black.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/filter.h"
#include "image/mapping.h"
#include "image/recipe.h"
#include "image/resize.h"

/* The source picture becomes full_width x full_height; of that, the part that begins at (crop_x, crop_y) goes to
   (x, y) of the input and is width x height large. */
typedef struct placement {
  uint64_t full_width, full_height, crop_x, crop_y;
  uint32_t x, y, width, height;
} placement;

static uint64_t round_half_even(double value) {
  return (uint64_t)nearbyint(value);
}

static placement place_crop(const nsc_recipe *r, uint32_t width, uint32_t height) {
  uint64_t want_width = round_half_even(r->width / r->crop_scale),
           want_height = round_half_even(r->height / r->crop_scale);
  uint64_t full_width = want_width, full_height = want_height;
  if (want_width * height >= want_height * width) { /* the width decides */
    full_height = want_width * height / width;
  } else {
    full_width = want_height * width / height;
  }
  return (placement){.full_width = full_width,
                     .full_height = full_height,
                     .crop_x = round_half_even((double)(full_width - r->width) / 2),
                     .crop_y = round_half_even((double)(full_height - r->height) / 2),
                     .width = r->width,
                     .height = r->height};
}

static placement place_pad(const nsc_recipe *r, uint32_t width, uint32_t height) {
  uint64_t full_width = r->width, full_height = r->height;
  if ((uint64_t)width * r->height > (uint64_t)height * r->width) {
    full_height = round_half_even((double)height / width * r->width);
  } else if ((uint64_t)width * r->height < (uint64_t)height * r->width) {
    full_width = round_half_even((double)width / height * r->height);
  }
  if (!full_width) full_width = 1;
  if (!full_height) full_height = 1;
  return (placement){.full_width = full_width,
                     .full_height = full_height,
                     .x = (uint32_t)round_half_even((double)(r->width - full_width) / 2),
                     .y = (uint32_t)round_half_even((double)(r->height - full_height) / 2),
                     .width = (uint32_t)full_width,
                     .height = (uint32_t)full_height};
}

static placement place(const nsc_recipe *r, uint32_t width, uint32_t height) {
  if (r->fit == NSC_FIT_CROP) return place_crop(r, width, height);
  if (r->fit == NSC_FIT_PAD) return place_pad(r, width, height);
  return (placement){.full_width = r->width, .full_height = r->height, .width = r->width, .height = r->height};
}

void nsc_recipe_rectangle(const nsc_recipe *recipe, uint32_t width, uint32_t height, double out[4]) {
  placement p = place(recipe, width, height);
  double across = (double)width / (double)p.full_width, down = (double)height / (double)p.full_height;
  double left = (double)p.crop_x - p.x, top = (double)p.crop_y - p.y;
  out[0] = left * across;
  out[1] = top * down;
  out[2] = (left + recipe->width) * across;
  out[3] = (top + recipe->height) * down;
}

/* ---- samples to 0..1 ---- */

static nsc_status mapping_for(nsc_image *image, uint32_t frame, const nsc_recipe *r, nsc_mapping *out, nsc_error *err) {
  nsc_mapping m = nsc_mapping_of(image, frame);
  double range[2] = {r->low, r->high};
  if (r->range == NSC_RANGE_VOI) {
    nsc_view own;
    NSC_TRY(nsc_view_default(image, frame, &own, err));
    NSC_TRY(nsc_mapping_of_view(image, &own, &m, err));
  } else {
    const double percents[2] = {r->low, r->high};
    if (r->range == NSC_RANGE_FRAME) NSC_TRY(nsc_frame_range(image, frame, &range[0], &range[1], err));
    if (r->range == NSC_RANGE_TYPE) nsc_type_range(image, frame, &range[0], &range[1]);
    if (r->range == NSC_RANGE_PERCENTILE) NSC_TRY(nsc_frame_percentiles(image, frame, percents, range, err));
    nsc_mapping_set_range(&m, range[0], range[1]);
  }
  /* A film is white where little light came through, whichever way its numbers run. */
  m.invert = r->invert != (image->info.photometric == NSC_PHOTOMETRIC_MONOCHROME1);
  *out = m;
  return NSC_OK;
}

typedef struct rows {
  const nsc_image *image;
  const void *samples;
  const nsc_mapping *mapping;
  const float *table; /* 0..1 of the sample low + index; NULL where there are too many values for one */
  int32_t low;
  bool luma; /* RGB becomes one channel */
} rows;

#define DEFINE_ROW(name, type)                                                                                \
  static void name(const rows *r, size_t at, size_t count, float *row) {                                      \
    const type *from = (const type *)r->samples + at;                                                         \
    const float *table = r->table;                                                                            \
    int32_t low = r->low;                                                                                     \
    if (!r->luma) {                                                                                           \
      for (size_t i = 0; i < count; i++) row[i] = table[from[i] - low];                                       \
      return;                                                                                                 \
    }                                                                                                         \
    for (size_t i = 0; i < count / 3; i++, from += 3) { /* ITU-R BT.601 */                                    \
      row[i] = 0.299f * table[from[0] - low] + 0.587f * table[from[1] - low] + 0.114f * table[from[2] - low]; \
    }                                                                                                         \
  }
DEFINE_ROW(row_u8, uint8_t)
DEFINE_ROW(row_i8, int8_t)
DEFINE_ROW(row_u16, uint16_t)
DEFINE_ROW(row_i16, int16_t)

static void row_wide(const rows *r, size_t at, size_t count, float *row) {
  for (size_t i = 0; i < count; i++) {
    float grey = (float)nsc_mapping_grey(r->mapping, nsc_sample_value(r->image->info.type, r->samples, at + i));
    if (!r->luma) {
      row[i] = grey;
    } else { /* ITU-R BT.601 */
      static const float weights[3] = {0.299f, 0.587f, 0.114f};
      row[i / 3] = (i % 3 ? row[i / 3] : 0) + weights[i % 3] * grey;
    }
  }
}

static void source_row(void *user, uint32_t y, float *row) {
  const rows *r = user;
  size_t count = (size_t)r->image->info.width * r->image->info.channels, at = y * count;
  switch (r->image->info.type) {
    case NSC_SAMPLE_U8:
      row_u8(r, at, count, row);
      break;
    case NSC_SAMPLE_I8:
      row_i8(r, at, count, row);
      break;
    case NSC_SAMPLE_U16:
      row_u16(r, at, count, row);
      break;
    case NSC_SAMPLE_I16:
      row_i16(r, at, count, row);
      break;
    default:
      row_wide(r, at, count, row);
      break;
  }
}

/* 0..1 of every value that the frame has. Ended by free. */
static nsc_status make_table(const nsc_mapping *mapping, const nsc_frame_stats *stats, float **out, nsc_error *err) {
  uint32_t count = (uint32_t)(stats->all_high - stats->all_low) + 1;
  float *table = malloc(count * sizeof *table);
  if (!table) return nsc_fail_memory(err, count * sizeof *table, "a grey table");
  for (uint32_t i = 0; i < count; i++) table[i] = (float)nsc_mapping_grey(mapping, stats->all_low + i);
  *out = table;
  return NSC_OK;
}

/* The frame as 0..1 of every sample, resized and filtered into `out`: [height][width][channels of the recipe]. */
static nsc_status unit_tensor(nsc_image *image, uint32_t frame, const nsc_recipe *r, float *out, nsc_error *err) {
  nsc_mapping mapping;
  nsc_frame_stats stats;
  const void *samples;
  NSC_TRY(mapping_for(image, frame, r, &mapping, err));
  NSC_TRY(nsc_image_stats(image, frame, &stats, err));
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  uint32_t source_channels = image->info.channels;
  float *table = NULL;
  if (nsc_image_fits_table(image)) NSC_TRY(make_table(&mapping, &stats, &table, err));
  /* Grey for a colour model is resized and filtered once and repeated afterwards, from the back so that it can stay in
   * place. */
  uint32_t channels = source_channels == 3 && r->channels == 3 ? 3 : 1;
  placement p = place(r, image->info.width, image->info.height);
  size_t pixels = (size_t)r->width * r->height, stride = (size_t)r->width * channels;
  nsc_resize_axis x = {image->info.width, 0, image->info.width, p.full_width, p.crop_x, p.width};
  nsc_resize_axis y = {image->info.height, 0, image->info.height, p.full_height, p.crop_y, p.height};
  rows source = {
      image, samples, &mapping, table, table ? (int32_t)stats.all_low : 0, source_channels == 3 && channels == 1};
  memset(out, 0, pixels * r->channels * sizeof *out);
  nsc_status status =
      nsc_resize(source_row, &source, channels, &x, &y, out + p.y * stride + p.x * (size_t)channels, stride, err);
  free(table);
  if (status == NSC_OK) status = nsc_steps_apply(&r->steps, out, r->width, r->height, channels, err);
  if (status != NSC_OK || channels == r->channels) return status;
  for (size_t i = pixels; i-- > 0;) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = out[i];
  return NSC_OK;
}

static nsc_status check(nsc_image *image, const nsc_recipe *recipe, const void *out, uint64_t room, uint64_t need,
                        nsc_error *err) {
  if (!image || !recipe || !out)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, no recipe or no place for a tensor");
  NSC_TRY(nsc_recipe_check(recipe, err));
  if (room >= need) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "room for %llu values where the recipe makes %llu", (unsigned long long)room,
                  (unsigned long long)need);
}

static uint64_t pixels_of(const nsc_recipe *recipe) {
  return recipe ? (uint64_t)recipe->width * recipe->height : 0;
}

nsc_status nsc_preprocess(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, float *out, size_t count,
                          nsc_error *err) {
  NSC_TRY(check(image, recipe, out, count, pixels_of(recipe) * (recipe ? recipe->channels : 0), err));
  NSC_TRY(unit_tensor(image, frame, recipe, out, err));
  size_t pixels = (size_t)pixels_of(recipe);
  uint32_t channels = recipe->channels;
  float factor[3], offset[3];
  for (uint32_t c = 0; c < channels; c++) {
    factor[c] = recipe->scale / recipe->std[c];
    offset[c] = -recipe->mean[c] / recipe->std[c];
  }
  for (size_t i = 0; i < pixels && channels == 1; i++) out[i] = out[i] * factor[0] + offset[0];
  for (size_t i = 0; i < pixels && channels == 3; i++) {
    for (int c = 0; c < 3; c++) out[3 * i + (size_t)c] = out[3 * i + (size_t)c] * factor[c] + offset[c];
  }
  return NSC_OK;
}

nsc_status nsc_preprocess_preview(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, uint8_t *rgba,
                                  size_t size, nsc_error *err) {
  NSC_TRY(check(image, recipe, rgba, size, pixels_of(recipe) * 4, err));
  size_t pixels = (size_t)pixels_of(recipe);
  uint32_t channels = recipe->channels;
  float *unit = malloc(pixels * channels * sizeof *unit);
  if (!unit) return nsc_fail_memory(err, pixels * channels * sizeof *unit, "a preview");
  nsc_status status = unit_tensor(image, frame, recipe, unit, err);
  for (size_t i = 0; i < pixels && status == NSC_OK; i++) {
    for (uint32_t c = 0; c < 3; c++)
      rgba[4 * i + c] = (uint8_t)(unit[i * channels + (channels == 3 ? c : 0)] * 255 + 0.5f);
    rgba[4 * i + 3] = 255;
  }
  free(unit);
  return status;
}
