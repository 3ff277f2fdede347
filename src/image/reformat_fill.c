/*
 * Voxels of a volume to be reformatted. They are kept as 16-bit integers while all slices share one scale and fit,
 * which those of CT and most of MR do; the first one that does not (a slope of its own, as in PET) turns all into
 * floats.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/mapping.h"
#include "image/reformat.h"

void nsc_reformat_values(const nsc_reformat *r, uint32_t slice, size_t first, size_t count, float *out) {
  if (r->is_float) {
    memcpy(out, (const float *)r->slices[slice].voxels + first, count * sizeof *out);
    return;
  }
  const int16_t *stored = (const int16_t *)r->slices[slice].voxels + first;
  const double slope = r->slope, intercept = r->intercept;
  for (size_t i = 0; i < count; i++) out[i] = (float)(stored[i] * slope + intercept);
  for (size_t i = 0; r->has_holes && i < count; i++) {
    if (stored[i] == NSC_REFORMAT_HOLE) out[i] = NAN;
  }
}

static size_t voxels_of(const nsc_reformat *r) {
  return (size_t)r->axes[0].count * r->axes[1].count; /* limited by the plan */
}

static nsc_status to_floats(nsc_reformat *r, nsc_error *err) {
  size_t count = voxels_of(r);
  for (uint32_t k = 0; k < r->count; k++) {
    if (!r->slices[k].voxels) continue;
    float *values = malloc(count * sizeof *values);
    if (!values) {
      r->planned = false; /* half of one and half of the other: of no more use */
      return nsc_fail_memory(err, count * sizeof *values, "a slice");
    }
    nsc_reformat_values(r, k, 0, count, values);
    free(r->slices[k].voxels);
    r->slices[k].voxels = values;
  }
  return NSC_OK;
}

/* Where a value lies outside what 16 bits hold, in floats it must be: all slices, or none. Memory for that was not in
 * the estimate, so the limit is looked at again. */
static nsc_status become_float(nsc_reformat *r, nsc_error *err) {
  if (r->is_float) return NSC_OK;
  if (2 * r->bytes > r->max_bytes) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "values of these slices need 32 bits: %llu MB, the limit is %llu MB",
                    (unsigned long long)(r->bytes >> 19), (unsigned long long)(r->max_bytes >> 20));
  }
  NSC_TRY(to_floats(r, err));
  r->bytes *= 2;
  r->is_float = true;
  return NSC_OK;
}

/* What is added to stored samples so that the volume's own scale holds for them. False where nothing whole does, or
 * where sums might not fit. */
static bool find_shift(nsc_reformat *r, const nsc_mapping *m, const nsc_image *image, const nsc_frame_stats *stats,
                       double *shift) {
  if (m->modality_lut || !nsc_image_fits_table(image)) return false;
  if (!r->has_scale) {
    /* The middle of what the type can hold becomes 0: all values of unsigned samples fit, too. */
    double middle = image->info.type == NSC_SAMPLE_U16 && image->type_high > INT16_MAX ? 32768 : 0;
    r->slope = m->slope;
    r->intercept = m->intercept + middle * m->slope;
    r->has_scale = true;
  }
  if (m->slope != r->slope) return false;
  double parts = (m->intercept - r->intercept) / r->slope, whole = floor(parts + 0.5);
  if (fabs(parts - whole) > 1e-9 * fmax(1, fabs(parts))) return false;
  *shift = whole;
  double least = r->has_holes ? INT16_MIN + 1 : INT16_MIN;
  double low = r->has_holes ? stats->low : stats->all_low, high = r->has_holes ? stats->high : stats->all_high;
  return low + whole >= least && high + whole <= INT16_MAX;
}

static void widen(nsc_reformat *r, double value) {
  r->low = value < r->low ? value : r->low;
  r->high = value > r->high ? value : r->high;
}

static bool is_hole(const nsc_reformat *r, const nsc_image *image, double stored) {
  return r->has_holes && nsc_is_padding(image, stored);
}

static void *keep_short(nsc_reformat *r, const nsc_image *image, const void *samples, int32_t shift,
                        const nsc_frame_stats *stats) {
  size_t count = voxels_of(r);
  int16_t *out = malloc(count * sizeof *out);
  if (!out) return NULL;
  for (size_t i = 0; i < count; i++) {
    double stored = nsc_sample_value(image->info.type, samples, i);
    out[i] = is_hole(r, image, stored) ? NSC_REFORMAT_HOLE : (int16_t)((int32_t)stored + shift);
  }
  widen(r, (stats->low + shift) * r->slope + r->intercept);
  widen(r, (stats->high + shift) * r->slope + r->intercept);
  return out;
}

static void *keep_float(nsc_reformat *r, const nsc_image *image, const void *samples, const nsc_mapping *m) {
  size_t count = voxels_of(r);
  float *out = malloc(count * sizeof *out);
  if (!out) return NULL;
  for (size_t i = 0; i < count; i++) {
    double stored = nsc_sample_value(image->info.type, samples, i);
    double value = is_hole(r, image, stored) ? NAN : nsc_mapping_modality(m, stored);
    out[i] = (float)value;
    if (isfinite(out[i])) {
      widen(r, out[i]);
    } else {
      r->has_holes = true;
    }
  }
  return out;
}

nsc_status nsc_reformat_fill(nsc_reformat *r, uint32_t slice, nsc_image *image, uint32_t frame, nsc_error *err) {
  if (!r || !r->planned || !image || slice >= r->count || frame >= image->info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no plan, no slice %u, or no frame %u", slice, frame);
  }
  const nsc_image_info *info = &image->info;
  nsc_reformat_slice *to = &r->slices[slice];
  if (info->width != to->width || info->height != to->height || info->channels != 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "slice %u: the picture is not what its header said", to->number + 1);
  }
  const void *samples;
  nsc_frame_stats stats;
  NSC_TRY(nsc_image_stats(image, frame, &stats, err));
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  nsc_mapping m = nsc_mapping_of(image, frame);
  double shift = 0;
  if (!r->is_float && !find_shift(r, &m, image, &stats, &shift)) NSC_TRY(become_float(r, err));
  void *voxels =
      r->is_float ? keep_float(r, image, samples, &m) : keep_short(r, image, samples, (int32_t)shift, &stats);
  if (!voxels) return nsc_fail_memory(err, voxels_of(r) * (r->is_float ? sizeof(float) : sizeof(int16_t)), "a slice");
  r->filled += !to->voxels;
  free(to->voxels);
  to->voxels = voxels;
  return NSC_OK;
}
