/* What the codecs share. */
#ifndef NSC_CODEC_PRIVATE_H
#define NSC_CODEC_PRIVATE_H

#include "base/error.h"
#include "codec/codec.h"

NSC_WARN_UNUSED nsc_status nsc_codec_decode_jpeg(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame,
                                                 void *samples, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_codec_decode_jpeg_ls(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame,
                                                    void *samples, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_codec_decode_jpeg_2000(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame,
                                                      void *samples, nsc_error *err);

/* Whether a codestream's own header agrees with the file's. CORRUPT, beginning with the codec's `name`. */
NSC_WARN_UNUSED nsc_status nsc_codec_check(const char *name, const nsc_codec_frame *frame, uint64_t width,
                                           uint64_t height, uint32_t channels, uint32_t bits, nsc_error *err);

/*
 * Unsigned samples of `bits` bits, as bytes up to 8 and as 16-bit words above, at the beginning of `samples`: widened
 * to the container, and sign-extended from `bits` where the frame's samples are signed.
 */
void nsc_codec_finish(const nsc_codec_frame *frame, uint32_t bits, void *samples);

/* YBR_FULL to RGB for codecs that know nothing of colour. */
void nsc_codec_ybr_to_rgb(const nsc_codec_frame *frame, void *samples);

#endif
