/*
 * Codestreams of JPEG, JPEG-LS and JPEG 2000 to samples: the only place that knows libjpeg-turbo, CharLS and OpenJPEG.
 * Natively this library is linked; on the page it is a module of its own, loaded when a file needs it, and the core's
 * module has nsc_codec_decode from emscripten/codec_import.c.
 */
#ifndef NSC_CODEC_CODEC_H
#define NSC_CODEC_CODEC_H

#include "negatoscope.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers cross between two wasm modules of one build. */
typedef enum nsc_codec_kind {
  NSC_CODEC_JPEG = 0,     /* ITU-T T.81: baseline, extended, progressive, lossless */
  NSC_CODEC_JPEG_LS = 1,  /* ITU-T T.87, lossless and near-lossless */
  NSC_CODEC_JPEG_2000 = 2 /* ITU-T T.800 and HTJ2K, T.814; bare or in a JP2 file */
} nsc_codec_kind;

/* What the DICOM header says of a frame. A codestream that says otherwise is refused before anything is decoded. */
typedef struct nsc_codec_frame {
  uint32_t width, height, channels;
  uint32_t container; /* bits of a sample in memory: 8, 16 or 32, at least what the codestream has */
  uint32_t bits;      /* significant bits: what a lossy decoder makes beyond them is cut */
  uint32_t is_signed; /* samples are two's complement, sign-extended to the container */
  uint32_t is_ybr;    /* components are luminance and colour differences unless the codestream says otherwise */
} nsc_codec_frame;

/*
 * Decodes one codestream into `samples`, [height][width][channels] of the container's size. Three channels are RGB:
 * the colour transformations of codestreams are undone, and so is YBR where `is_ybr`. Errors: CORRUPT (damage, or not
 * the size that `frame` says), TRUNCATED, UNSUPPORTED, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_codec_decode(nsc_codec_kind kind, const uint8_t *bytes, size_t size,
                                            const nsc_codec_frame *frame, void *samples, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
