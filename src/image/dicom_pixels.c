/*
 * Pixel data (PS3.5 section 8, PS3.3 C.7.6.3): whether all of it is there, and frames as samples. Decoders stand in a
 * table by transfer syntax; a syntax without one is refused by name when the file is opened.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/dicom.h"

/* Bytes of one frame as stored. */
static uint64_t stored_frame_bytes(const nsc_dicom *d, const nsc_image *image) {
  return (uint64_t)image->info.width * image->info.height * image->info.channels * (d->bits_allocated / 8);
}

nsc_status nsc_dicom_check_pixels(const nsc_dicom *d, const nsc_image *image, nsc_error *err) {
  const nsc_element *pixels = &d->elements[d->pixels];
  if (pixels->count || pixels->skip > 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: compressed pixel data in the uncompressed transfer syntax %s",
                    d->syntax->name);
  }
  uint64_t need = stored_frame_bytes(d, image) * image->info.frames; /* < 2^31 * 2^32 */
  if (pixels->length < need) {
    unsigned long long missing = (unsigned long long)(need - pixels->length);
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "DICOM: %llu of %llu bytes of pixel data are missing", missing,
                    (unsigned long long)need);
  }
  return NSC_OK;
}

/* ---- samples: the bits below High Bit, sign-extended, everything else cleared ---- */

typedef struct layout {
  uint32_t shift, bits;
  bool is_signed, big_endian;
} layout;

static void unpack_u16(const uint8_t *from, size_t count, layout l, uint16_t *out) {
  uint16_t mask = (uint16_t)((1u << l.bits) - 1);
  if (l.big_endian) {
    for (size_t i = 0; i < count; i++) out[i] = (uint16_t)(nsc_load_u16(from + 2 * i, true) >> l.shift & mask);
  } else {
    for (size_t i = 0; i < count; i++) out[i] = (uint16_t)(nsc_load_u16(from + 2 * i, false) >> l.shift & mask);
  }
  if (!l.is_signed || l.bits == 16) return;
  uint16_t sign = (uint16_t)(1u << (l.bits - 1)); /* (v ^ sign) - sign extends the sign without undefined shifts */
  for (size_t i = 0; i < count; i++) out[i] = (uint16_t)((out[i] ^ sign) - sign);
}

static void unpack_u8(const uint8_t *from, size_t count, layout l, uint8_t *out) {
  uint8_t mask = (uint8_t)((1u << l.bits) - 1), sign = (uint8_t)(1u << (l.bits - 1));
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(from[i] >> l.shift & mask);
  if (!l.is_signed || l.bits == 8) return;
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)((out[i] ^ sign) - sign);
}

/* In OW of a big-endian file two 8-bit samples share a word, the first in its low byte (PS3.5 annex D.2). */
static void unpack_swapped_u8(const uint8_t *pixels, size_t start, size_t length, size_t count, layout l,
                              uint8_t *out) {
  for (size_t i = 0; i < count; i++) {
    size_t at = (start + i) ^ 1;
    uint8_t sample = pixels[at < length ? at : start + i];
    unpack_u8(&sample, 1, l, &out[i]);
  }
}

/* Three planes to interleaved pixels. */
static void unpack_planes(const uint8_t *from, size_t pixels, size_t bytes_each, layout l, void *out) {
  for (size_t c = 0; c < 3; c++) {
    const uint8_t *plane = from + c * pixels * bytes_each;
    for (size_t i = 0; i < pixels; i++) {
      if (bytes_each == 1) {
        unpack_u8(plane + i, 1, l, (uint8_t *)out + 3 * i + c);
      } else {
        unpack_u16(plane + 2 * i, 1, l, (uint16_t *)out + 3 * i + c);
      }
    }
  }
}

static nsc_status decode_native(const nsc_dicom *d, const nsc_image *image, uint32_t frame, void *samples,
                                nsc_error *err) {
  (void)err;
  const nsc_element *e = &d->elements[d->pixels];
  const uint8_t *pixels = d->bytes + e->offset;
  size_t start = (size_t)(stored_frame_bytes(d, image) * frame), count = nsc_image_sample_count(image);
  layout l = {d->high_bit + 1 - d->bits_stored, d->bits_stored, d->is_signed, e->big_endian};
  bool wide = d->bits_allocated == 16;
  if (image->info.channels == 3 && d->planar) {
    unpack_planes(pixels + start, count / 3, wide ? 2 : 1, l, samples);
  } else if (wide) {
    unpack_u16(pixels + start, count, l, samples);
  } else if (e->big_endian && e->vr[1] == 'W') {
    unpack_swapped_u8(pixels, start, e->length, count, l, samples);
  } else {
    unpack_u8(pixels + start, count, l, samples);
  }
  return NSC_OK;
}

typedef struct decoder {
  const char *prefix; /* of transfer syntax UIDs; the first that fits is taken */
  nsc_status (*decode)(const nsc_dicom *d, const nsc_image *image, uint32_t frame, void *samples, nsc_error *err);
} decoder;

static const decoder decoders[] = {
    {"1.2.840.10008.1.2", decode_native}, /* only syntaxes marked native come this far */
};

nsc_status nsc_dicom_decode_frame(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  const nsc_dicom *d = image->state;
  for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
    const char *prefix = decoders[i].prefix;
    if (strncmp(d->syntax->uid, prefix, strlen(prefix)) == 0) return decoders[i].decode(d, image, frame, samples, err);
  }
  return nsc_fail(err, NSC_ERROR_INTERNAL, "DICOM: no decoder for the transfer syntax %s", d->syntax->uid);
}
