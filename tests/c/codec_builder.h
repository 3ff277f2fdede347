/* Codestreams for tests, by the encoders of the libraries that src/codec decodes with. */
#ifndef NSC_CODEC_BUILDER_H
#define NSC_CODEC_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Interleaved samples: bytes up to 8 bits, 16-bit words above. */
typedef struct picture {
  uint32_t width, height, channels, bits;
  bool is_signed; /* JPEG 2000 only: the others know no sign */
  const void *samples;
} picture;

typedef struct codestream {
  uint8_t bytes[1 << 16];
  size_t size; /* 0: the encoder failed */
} codestream;

/* Lossless with `predictor` 1 to 7, or with 0 by cosines in `quality`. */
void encode_jpeg(const picture *p, int predictor, int quality, codestream *out);
/* `near` 0: lossless. */
void encode_jpeg_ls(const picture *p, int near, codestream *out);
/* `rate` 0: reversible, else irreversible and compressed by that much. */
void encode_jpeg_2000(const picture *p, float rate, codestream *out);

#endif
