/* JPEG-LS (ITU-T T.87) through CharLS. */
#include <charls/charls.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/codec_private.h"

static const char name[] = "JPEG-LS";

static nsc_status fail(charls_jpegls_errc code, nsc_error *err) {
  bool memory = code == CHARLS_JPEGLS_ERRC_NOT_ENOUGH_MEMORY;
  bool truncated = code == CHARLS_JPEGLS_ERRC_SOURCE_BUFFER_TOO_SMALL;
  bool missing =
      code == CHARLS_JPEGLS_ERRC_ENCODING_NOT_SUPPORTED || code == CHARLS_JPEGLS_ERRC_PARAMETER_VALUE_NOT_SUPPORTED;
  nsc_status status = memory      ? NSC_ERROR_MEMORY
                      : truncated ? NSC_ERROR_TRUNCATED
                      : missing   ? NSC_ERROR_UNSUPPORTED
                                  : NSC_ERROR_CORRUPT;
  return nsc_fail(err, status, "%s: %s", name, charls_get_error_message(code));
}

/* Planes to pixels: what a codestream with one scan for each component gives. */
static nsc_status interleave(const nsc_codec_frame *frame, uint32_t sample_size, uint8_t *samples, nsc_error *err) {
  size_t pixels = (size_t)frame->width * frame->height, bytes = pixels * frame->channels * sample_size;
  uint8_t *planes = malloc(bytes);
  if (!planes) return nsc_fail_memory(err, bytes, "planes of colour");
  memcpy(planes, samples, bytes);
  for (size_t c = 0; c < frame->channels; c++) {
    const uint8_t *from = planes + c * pixels * sample_size;
    for (size_t i = 0; i < pixels; i++) {
      memcpy(samples + (i * frame->channels + c) * sample_size, from + i * sample_size, sample_size);
    }
  }
  free(planes);
  return NSC_OK;
}

static nsc_status decode(charls_jpegls_decoder *decoder, const uint8_t *bytes, size_t size,
                         const nsc_codec_frame *frame, void *samples, nsc_error *err) {
  charls_frame_info info;
  charls_interleave_mode mode;
  charls_jpegls_errc code = charls_jpegls_decoder_set_source_buffer(decoder, bytes, size);
  if (!code) code = charls_jpegls_decoder_read_header(decoder);
  if (!code) code = charls_jpegls_decoder_get_frame_info(decoder, &info);
  if (!code) code = charls_jpegls_decoder_get_interleave_mode(decoder, &mode);
  if (code) return fail(code, err);
  uint32_t bits = (uint32_t)info.bits_per_sample;
  NSC_TRY(nsc_codec_check(name, frame, info.width, info.height, (uint32_t)info.component_count, bits, err));
  uint32_t sample_size = bits <= 8 ? 1 : 2;
  size_t room = (size_t)frame->width * frame->height * frame->channels * sample_size;
  code = charls_jpegls_decoder_decode_to_buffer(decoder, samples, room, 0);
  if (code) return fail(code, err);
  if (frame->channels == 3 && mode == CHARLS_INTERLEAVE_MODE_NONE) {
    NSC_TRY(interleave(frame, sample_size, samples, err));
  }
  nsc_codec_finish(frame, bits, samples);
  if (frame->is_ybr) nsc_codec_ybr_to_rgb(frame, samples);
  return NSC_OK;
}

/*
 * CharLS 2.4.2 reads zero bits for ever where the bytes end within a scan; a marker in sight makes it an error. So the
 * codestream is copied, with one more end of image behind it.
 */
nsc_status nsc_codec_decode_jpeg_ls(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, void *samples,
                                    nsc_error *err) {
  static const uint8_t end_of_image[2] = {0xFF, 0xD9};
  charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
  uint8_t *closed = size < SIZE_MAX - 2 ? malloc(size + 2) : NULL;
  nsc_status status;
  if (decoder && closed) {
    memcpy(closed, bytes, size);
    memcpy(closed + size, end_of_image, 2);
    status = decode(decoder, closed, size + 2, frame, samples, err);
  } else {
    status = nsc_fail_memory(err, size, "a JPEG-LS decoder");
  }
  free(closed);
  charls_jpegls_decoder_destroy(decoder);
  return status;
}
