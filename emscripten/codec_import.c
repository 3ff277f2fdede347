/*
 * src/codec for the core's modules: the codecs are a wasm module of their own, which JavaScript loads when an image
 * needs it and puts into Module.codec. codec_library.js copies arguments over and results back as bytes; both modules
 * are of one build, so their structs are alike, and it knows none of them.
 */
#include <stddef.h>

#include "base/error.h"
#include "codec/codec.h"

/* Answers of codec_call that are no nsc_status. */
enum { NOT_LOADED = -1, NO_MEMORY = -2, TRAPPED = -3 };

extern int codec_call(int kind, const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, size_t frame_size,
                      void *samples, size_t samples_size, nsc_error *err, size_t err_size);

nsc_status nsc_codec_decode(nsc_codec_kind kind, const uint8_t *bytes, size_t size, const nsc_codec_frame *frame,
                            void *samples, nsc_error *err) {
  nsc_error own = {0};
  size_t room = (size_t)frame->width * frame->height * frame->channels * (frame->container / 8);
  int status = codec_call((int)kind, bytes, size, frame, sizeof *frame, samples, room, &own, sizeof own);
  if (status == NSC_OK) return NSC_OK;
  if (status == NOT_LOADED) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the module that decodes compressed frames is not loaded");
  }
  if (status == NO_MEMORY) return nsc_fail_memory(err, size + room, "a compressed frame");
  if (status == TRAPPED) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the decoder of compressed frames broke down over this one");
  }
  return nsc_fail(err, (nsc_status)status, "%s", own.text);
}
