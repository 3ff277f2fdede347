/* The image object: opening by content, limits, the frame cache and its statistics. */
#include "image/image.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/source.h"
#include "image/gzip.h"
#include "image/tiff.h"
#include "image/volume.h"

enum { DEFAULT_MAX_DIMENSION = 65535, DEFAULT_MAX_FRAMES = 65536 };
static const uint64_t default_max_frame_bytes = (uint64_t)1 << 30;
static const uint64_t default_max_inflated = (uint64_t)2 << 30;

size_t nsc_sample_size(nsc_sample_type type) {
  static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 8};
  return (size_t)type < sizeof sizes ? sizes[type] : 0;
}

void nsc_image_renew(nsc_image *image) {
  static atomic_uint_fast64_t images;
  image->serial = atomic_fetch_add(&images, 1) + 1;
  image->has_samples = image->has_stats = false;
}

nsc_status nsc_image_create(const nsc_image_options *options, nsc_image **out, nsc_error *err) {
  nsc_image *image = calloc(1, sizeof *image);
  if (!image) return nsc_fail_memory(err, sizeof *image, "an image");
  if (options) image->limits = *options;
  if (!image->limits.max_dimension) image->limits.max_dimension = DEFAULT_MAX_DIMENSION;
  if (!image->limits.max_frames) image->limits.max_frames = DEFAULT_MAX_FRAMES;
  if (!image->limits.max_frame_bytes) image->limits.max_frame_bytes = default_max_frame_bytes;
  if (!image->limits.max_inflated) image->limits.max_inflated = default_max_inflated;
  nsc_image_renew(image);
  image->slope = 1;
  *out = image;
  return NSC_OK;
}

/* What a gzip file holds, as a source of its own. */
static nsc_status unpack(const nsc_source *source, const nsc_image *image, nsc_source **out, nsc_error *err) {
  uint8_t *bytes;
  size_t size;
  const char *what = nsc_format_name(image->info.format);
  NSC_TRY(nsc_gunzip(source->bytes, source->size, image->limits.max_inflated, what, &bytes, &size, err));
  nsc_status status = nsc_source_create(0, out, err);
  if (status != NSC_OK) {
    free(bytes);
    return status;
  }
  **out = (nsc_source){.bytes = bytes, .size = size, .capacity = size};
  return NSC_OK;
}

static nsc_status open_format(nsc_image *image, nsc_source *source, nsc_error *err) {
  switch (image->info.format) {
    case NSC_FORMAT_DICOM:
      return nsc_dicom_open(image, source, err);
    case NSC_FORMAT_NIFTI:
      return nsc_nifti_open(image, source, err);
    case NSC_FORMAT_METAIMAGE:
      return nsc_metaimage_open(image, source, err);
    case NSC_FORMAT_NRRD:
      return nsc_nrrd_open(image, source, err);
    case NSC_FORMAT_TIFF:
      return nsc_tiff_open(image, source, err);
    default:
      return nsc_picture_open(image, source->bytes, source->size, image->info.format, err);
  }
}

nsc_status nsc_image_open(nsc_source *source, const nsc_image_options *options, nsc_image **out, nsc_error *err) {
  if (!source || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no source or no place for the image");
  if (source->size == 0) return nsc_fail(err, NSC_ERROR_UNKNOWN_FORMAT, "the file is empty");
  NSC_TRY(nsc_source_load(source, err));
  nsc_format format = nsc_sniff(source->bytes, source->size);
  if (format == NSC_FORMAT_UNKNOWN) {
    return nsc_fail(err, NSC_ERROR_UNKNOWN_FORMAT,
                    "not a DICOM, NIfTI, MetaImage, NRRD, TIFF, PNG, JPEG, BMP, GIF, TGA or PNM file");
  }
  nsc_image *image;
  nsc_source *unpacked = NULL;
  NSC_TRY(nsc_image_create(options, &image, err));
  image->info.format = format;
  nsc_fingerprint(source->bytes, source->size, image->fingerprint);
  nsc_status status = NSC_OK;
  if (nsc_is_gzip(source->bytes, source->size)) status = unpack(source, image, &unpacked, err);
  if (status == NSC_OK) status = open_format(image, unpacked ? unpacked : source, err);
  nsc_source_free(unpacked);
  if (status != NSC_OK) {
    nsc_image_free(image);
    return status;
  }
  /* A picture is decoded and a deflated data set unpacked by now: then nobody needs the file any more. A reader that
     still does has taken the bytes out of the source. */
  nsc_source_free(source);
  *out = image;
  return NSC_OK;
}

static void drop_lut(nsc_lut *lut) {
  free(lut->values);
  free(lut->name);
}

void nsc_image_free(nsc_image *image) {
  if (!image) return;
  if (image->reader && image->reader->free_state) image->reader->free_state(image->state);
  for (uint32_t i = 0; i < image->info.window_count; i++) free(image->windows[i].name);
  for (uint32_t i = 0; i < image->info.voi_lut_count; i++) drop_lut(&image->voi_luts[i]);
  free(image->windows);
  free(image->voi_luts);
  drop_lut(&image->modality_lut);
  free(image->frame_values);
  free(image->unit);
  free(image->samples);
  free(image);
}

void nsc_image_get_info(const nsc_image *image, nsc_image_info *out) {
  *out = image->info;
}

bool nsc_image_spacing(const nsc_image *image, uint32_t frame, double out[2]) {
  const nsc_frame_values *own = image->frame_values ? &image->frame_values[frame] : NULL;
  out[0] = own ? own->spacing_x : image->info.spacing_x;
  out[1] = own ? own->spacing_y : image->info.spacing_y;
  return out[0] > 0 && out[1] > 0;
}

bool nsc_image_needs_codec(const nsc_image *image) {
  return image->reader->needs_codec && image->reader->needs_codec(image);
}

nsc_status nsc_image_check_limits(const nsc_image *image, uint64_t width, uint64_t height, uint64_t frames,
                                  uint32_t channels, nsc_sample_type type, nsc_error *err) {
  const nsc_image_options *limits = &image->limits;
  if (width == 0 || height == 0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the image is %llu x %llu pixels", (unsigned long long)width,
                    (unsigned long long)height);
  }
  if (width > limits->max_dimension || height > limits->max_dimension) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the image is %llu x %llu pixels, the limit is %u on a side",
                    (unsigned long long)width, (unsigned long long)height, limits->max_dimension);
  }
  if (frames > limits->max_frames) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the image has %llu frames, the limit is %u", (unsigned long long)frames,
                    limits->max_frames);
  }
  uint64_t bytes = 0; /* at most 2^32 * 2^32 before the channels, so each step is checked */
  if (!nsc_mul_u64(width, height, &bytes) || !nsc_mul_u64(bytes, channels * nsc_sample_size(type), &bytes) ||
      bytes > limits->max_frame_bytes || bytes > SIZE_MAX / 2) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "one frame of %llu x %llu pixels is larger than the limit of %llu bytes",
                    (unsigned long long)width, (unsigned long long)height, (unsigned long long)limits->max_frame_bytes);
  }
  return NSC_OK;
}

size_t nsc_image_sample_count(const nsc_image *image) {
  return (size_t)image->info.width * image->info.height * image->info.channels;
}

size_t nsc_image_frame_bytes(const nsc_image *image) {
  return nsc_image_sample_count(image) * nsc_sample_size(image->info.type);
}

void nsc_image_set_type_range(nsc_image *image) {
  uint32_t bits = (uint32_t)nsc_sample_size(image->info.type) * 8;
  image->info.bits = bits;
  image->type_low = 0;
  image->type_high = 1;
  if (image->info.type >= NSC_SAMPLE_F32) return;
  bool is_signed = image->info.type % 2 == 1; /* I8, I16, I32 */
  image->type_low = is_signed ? -ldexp(1, (int)bits - 1) : 0;
  image->type_high = ldexp(1, (int)bits - (is_signed ? 1 : 0)) - 1;
}

nsc_status nsc_image_frame(nsc_image *image, uint32_t frame, const void **samples, nsc_error *err) {
  if (!image || !samples) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image or no place for its samples");
  if (frame >= image->info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "frame %u of an image with %u", frame, image->info.frames);
  }
  if (!image->has_samples || image->cached_frame != frame) {
    size_t bytes = nsc_image_frame_bytes(image);
    if (!image->samples) image->samples = malloc(bytes);
    if (!image->samples) return nsc_fail_memory(err, bytes, "a frame");
    image->has_samples = image->has_stats = false;
    NSC_TRY(image->reader->decode(image, frame, image->samples, err));
    image->cached_frame = frame;
    image->has_samples = true;
  }
  *samples = image->samples;
  return NSC_OK;
}

double nsc_sample_value(nsc_sample_type type, const void *samples, size_t at) {
  switch (type) {
    case NSC_SAMPLE_U8:
      return ((const uint8_t *)samples)[at];
    case NSC_SAMPLE_I8:
      return ((const int8_t *)samples)[at];
    case NSC_SAMPLE_U16:
      return ((const uint16_t *)samples)[at];
    case NSC_SAMPLE_I16:
      return ((const int16_t *)samples)[at];
    case NSC_SAMPLE_U32:
      return ((const uint32_t *)samples)[at];
    case NSC_SAMPLE_I32:
      return ((const int32_t *)samples)[at];
    case NSC_SAMPLE_F32:
      return ((const float *)samples)[at];
    default:
      return ((const double *)samples)[at];
  }
}

/*
 * One loop for each type, so that the compiler vectorises it. Without padding the inner test is gone: the plain
 * extremes are taken over.
 */
#define DEFINE_EXTREMES(name, type)                                                                 \
  static void name(const type *p, size_t n, const nsc_image *image, nsc_frame_stats *out) {         \
    type low = p[0], high = p[0];                                                                   \
    for (size_t i = 1; i < n; i++) {                                                                \
      low = p[i] < low ? p[i] : low;                                                                \
      high = p[i] > high ? p[i] : high;                                                             \
    }                                                                                               \
    *out = (nsc_frame_stats){low, high, low, high};                                                 \
    if (!image->has_padding || image->padding_high < low || image->padding_low > high) return;      \
    int32_t real_low = INT32_MAX, real_high = INT32_MIN;                                            \
    int32_t padding_low = (int32_t)image->padding_low, padding_high = (int32_t)image->padding_high; \
    for (size_t i = 0; i < n; i++) {                                                                \
      if (p[i] >= padding_low && p[i] <= padding_high) continue;                                    \
      real_low = p[i] < real_low ? p[i] : real_low;                                                 \
      real_high = p[i] > real_high ? p[i] : real_high;                                              \
    }                                                                                               \
    if (real_low > real_high) return;                                                               \
    out->low = real_low;                                                                            \
    out->high = real_high;                                                                          \
  }
DEFINE_EXTREMES(extremes_u8, uint8_t)
DEFINE_EXTREMES(extremes_i8, int8_t)
DEFINE_EXTREMES(extremes_u16, uint16_t)
DEFINE_EXTREMES(extremes_i16, int16_t)

/* 32 bits and floats: in doubles, which hold each of their values. */
static void extremes_wide(const void *samples, size_t n, const nsc_image *image, nsc_frame_stats *out) {
  double all_low = INFINITY, all_high = -INFINITY, low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    double x = nsc_sample_value(image->info.type, samples, i);
    if (!isfinite(x)) continue;
    all_low = x < all_low ? x : all_low;
    all_high = x > all_high ? x : all_high;
    if (nsc_is_padding(image, x)) continue;
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  if (all_low > all_high) all_low = all_high = 0;
  if (low > high) low = all_low, high = all_high;
  *out = (nsc_frame_stats){all_low, all_high, low, high};
}

nsc_status nsc_image_stats(nsc_image *image, uint32_t frame, nsc_frame_stats *out, nsc_error *err) {
  const void *samples;
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  if (!image->has_stats) {
    size_t n = nsc_image_sample_count(image);
    switch (image->info.type) {
      case NSC_SAMPLE_U8:
        extremes_u8(samples, n, image, &image->stats);
        break;
      case NSC_SAMPLE_I8:
        extremes_i8(samples, n, image, &image->stats);
        break;
      case NSC_SAMPLE_U16:
        extremes_u16(samples, n, image, &image->stats);
        break;
      case NSC_SAMPLE_I16:
        extremes_i16(samples, n, image, &image->stats);
        break;
      default:
        extremes_wide(samples, n, image, &image->stats);
        break;
    }
    image->has_stats = true;
  }
  *out = image->stats;
  return NSC_OK;
}

nsc_status nsc_image_whole_stats(nsc_image *image, double *low, double *high, nsc_error *err) {
  for (uint32_t i = 0; i < image->info.frames && !image->has_whole; i++) {
    nsc_frame_stats stats;
    NSC_TRY(nsc_image_stats(image, i, &stats, err));
    if (i == 0 || stats.low < image->whole_low) image->whole_low = stats.low;
    if (i == 0 || stats.high > image->whole_high) image->whole_high = stats.high;
  }
  image->has_whole = true;
  *low = image->whole_low;
  *high = image->whole_high;
  return NSC_OK;
}
