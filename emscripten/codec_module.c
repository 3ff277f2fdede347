/* What the module of the codecs exports: memory, and src/codec. */
#include <stdlib.h>

#include "codec/codec.h"

void *codec_alloc(size_t size) {
  return malloc(size ? size : 1);
}

void codec_free(void *memory) {
  free(memory);
}

nsc_status codec_decode(int kind, const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, void *samples,
                        nsc_error *err) {
  return nsc_codec_decode((nsc_codec_kind)kind, bytes, size, frame, samples, err);
}
