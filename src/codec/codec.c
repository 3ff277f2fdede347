/* The way in: checks that hold for every kind of codestream, and what they share. */
#include "codec/codec_private.h"

#include "base/bytes.h"
#include "base/ybr.h"

/* As nsc_image_options.max_frame_bytes; here so that a module that is called with anything at all stays within it. */
static const uint64_t max_frame_bytes = (uint64_t)1 << 30;

nsc_status nsc_codec_decode(nsc_codec_kind kind, const uint8_t *bytes, size_t size, const nsc_codec_frame *frame,
                            void *samples, nsc_error *err) {
  if (!bytes || !frame || !samples) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no codestream or no place for samples");
  bool known = frame->container == 8 || frame->container == 16 || frame->container == 32;
  uint64_t need = (uint64_t)frame->width * frame->height;
  if (!known || (frame->channels != 1 && frame->channels != 3) || frame->bits == 0 || frame->bits > frame->container) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "samples of %u bits in %u, %u channels", frame->bits, frame->container,
                    frame->channels);
  }
  if (need == 0 || !nsc_mul_u64(need, frame->channels * frame->container / 8, &need) || need > max_frame_bytes) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "a frame of %u x %u pixels", frame->width, frame->height);
  }
  switch (kind) {
    case NSC_CODEC_JPEG:
      return nsc_codec_decode_jpeg(bytes, size, frame, samples, err);
    case NSC_CODEC_JPEG_LS:
      return nsc_codec_decode_jpeg_ls(bytes, size, frame, samples, err);
    case NSC_CODEC_JPEG_2000:
      return nsc_codec_decode_jpeg_2000(bytes, size, frame, samples, err);
  }
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "no codec has the number %d", (int)kind);
}

nsc_status nsc_codec_check(const char *name, const nsc_codec_frame *frame, uint64_t width, uint64_t height,
                           uint32_t channels, uint32_t bits, nsc_error *err) {
  if (width != frame->width || height != frame->height || channels != frame->channels) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: %llu x %llu pixels of %u channels where the file says %u x %u of %u",
                    name, (unsigned long long)width, (unsigned long long)height, channels, frame->width, frame->height,
                    frame->channels);
  }
  if (bits == 0 || bits > frame->container) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: samples of %u bits where the file has room for %u", name, bits,
                    frame->container);
  }
  return NSC_OK;
}

/* 8 or 16 bits to a wider container in place, from the back. */
static void widen(void *samples, size_t count, uint32_t from, uint32_t to) {
  for (size_t i = count; i-- > 0;) {
    uint32_t value = from == 8 ? ((const uint8_t *)samples)[i] : ((const uint16_t *)samples)[i];
    if (to == 16) {
      ((uint16_t *)samples)[i] = (uint16_t)value;
    } else {
      ((uint32_t *)samples)[i] = value;
    }
  }
}

#define DEFINE_EXTEND(name, type)                                             \
  static void name(type *samples, size_t count, uint32_t bits) {              \
    type sign = (type)((type)1 << (bits - 1)), mask = (type)(2u * sign - 1u); \
    for (size_t i = 0; i < count; i++) {                                      \
      type value = samples[i] & mask;                                         \
      samples[i] = (type)((value ^ sign) - sign);                             \
    }                                                                         \
  }
DEFINE_EXTEND(extend_u8, uint8_t)
DEFINE_EXTEND(extend_u16, uint16_t)
DEFINE_EXTEND(extend_u32, uint32_t)

void nsc_codec_finish(const nsc_codec_frame *frame, uint32_t bits, void *samples) {
  size_t count = (size_t)frame->width * frame->height * frame->channels;
  uint32_t made = bits <= 8 ? 8 : 16;
  if (made < frame->container) widen(samples, count, made, frame->container);
  if (!frame->is_signed || bits == frame->container) return;
  if (frame->container == 8) extend_u8(samples, count, bits);
  if (frame->container == 16) extend_u16(samples, count, bits);
  if (frame->container == 32) extend_u32(samples, count, bits);
}

void nsc_codec_ybr_to_rgb(const nsc_codec_frame *frame, void *samples) {
  size_t pixels = (size_t)frame->width * frame->height;
  if (frame->container == 8) nsc_ybr_to_rgb_u8(samples, pixels, false);
  if (frame->container == 16 && frame->bits >= 8) nsc_ybr_to_rgb_u16(samples, pixels, frame->bits, false);
}
