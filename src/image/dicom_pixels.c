/*
 * Frames as samples (PS3.5 section 8, PS3.3 C.7.6.3). Every coding first gives the samples as they are stored, then
 * palettes and luminance with colour differences become RGB.
 */
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ybr.h"
#include "codec/codec.h"
#include "image/dicom.h"

/* Stored samples of one frame. Colour differences that two pixels share are there once. */
static uint64_t stored_samples(const nsc_dicom *d, const nsc_image *image) {
  uint64_t pixels = (uint64_t)image->info.width * image->info.height;
  return d->halved ? pixels * 2 : pixels * d->channels;
}

/* Bytes of one frame that stands alone. */
static size_t stored_frame_bytes(const nsc_dicom *d, const nsc_image *image) {
  return (size_t)((stored_samples(d, image) * d->bits_allocated + 7) / 8);
}

static nsc_status check_halved(const nsc_dicom *d, const nsc_image *image, nsc_error *err) {
  if (!d->halved || (d->bits_allocated == 8 && image->info.width % 2 == 0)) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: colour shared by two pixels, in %u columns of %u bits",
                  image->info.width, d->bits_allocated);
}

static nsc_status check_native(nsc_dicom *d, const nsc_image *image, nsc_error *err) {
  const nsc_element *pixels = &d->elements[d->pixels];
  if (pixels->count || pixels->skip > 1) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: compressed pixel data in the uncompressed transfer syntax %s",
                    d->syntax->name);
  }
  if (d->halved) { /* some writers name the halved form and write the whole one */
    uint64_t whole = (uint64_t)image->info.width * image->info.height * 3 * image->info.frames;
    if (pixels->length >= whole) d->halved = false;
  }
  NSC_TRY(check_halved(d, image, err));
  /* Frames follow one another without a gap, also those of single bits. At most 2^31 * 2^32 * 64 / 8. */
  uint64_t need = (stored_samples(d, image) * d->bits_allocated * image->info.frames + 7) / 8;
  if (pixels->length < need) {
    unsigned long long missing = (unsigned long long)(need - pixels->length);
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "DICOM: %llu of %llu bytes of pixel data are missing", missing,
                    (unsigned long long)need);
  }
  return NSC_OK;
}

nsc_status nsc_dicom_check_pixels(nsc_dicom *d, const nsc_image *image, nsc_error *err) {
  if (d->syntax->coding == NSC_CODING_NATIVE) return check_native(d, image, err);
  NSC_TRY(check_halved(d, image, err));
  return nsc_dicom_index_frames(d, image->info.frames, err);
}

/* ---- samples: the bits below High Bit, sign-extended, everything else cleared ---- */

/* Where the samples of a frame are, and how. */
typedef struct layout {
  const uint8_t *bytes;
  uint64_t first; /* bit of the first sample, in `bytes` */
  size_t length;  /* of `bytes` */
  uint32_t shift, bits;
  bool is_signed, big_endian;
  bool swapped; /* bytes of a big-endian word, of which the low one comes first: PS3.5 annex D.2 of 8 bits in OW */
} layout;

#define DEFINE_UNPACK(name, type, load)                                                                   \
  static void name(const uint8_t *from, size_t count, const layout *l, type *out, size_t step) {          \
    type mask = (type)(l->bits == 8 * sizeof(type) ? (type) ~(type)0 : (type)(((type)1 << l->bits) - 1)); \
    type sign = l->is_signed ? (type)((type)1 << (l->bits - 1)) : 0;                                      \
    uint32_t shift = l->shift;                                                                            \
    bool big = l->big_endian;                                                                             \
    (void)big;                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                  \
      type value = (type)((load) >> shift & mask);                                                        \
      out[i * step] = (type)((value ^ sign) - sign); /* extends the sign without undefined shifts */      \
    }                                                                                                     \
  }
DEFINE_UNPACK(unpack_u8, uint8_t, from[i])
DEFINE_UNPACK(unpack_u16, uint16_t, nsc_load_u16(from + 2 * i, big))
DEFINE_UNPACK(unpack_u32, uint32_t, nsc_load_u32(from + 4 * i, big))

static void unpack_f64(const uint8_t *from, size_t count, const layout *l, uint64_t *out) {
  for (size_t i = 0; i < count; i++) out[i] = nsc_load_u64(from + 8 * i, l->big_endian);
}

/* `count` samples to out[0], out[step], ... */
static void unpack(const uint8_t *from, size_t count, uint32_t allocated, const layout *l, void *out, size_t step) {
  if (allocated == 8) {
    unpack_u8(from, count, l, out, step);
  } else if (allocated == 16) {
    unpack_u16(from, count, l, out, step);
  } else if (allocated == 32) {
    unpack_u32(from, count, l, out, step);
  } else {
    unpack_f64(from, count, l, out);
  }
}

static void unpack_swapped_u8(const layout *l, size_t count, uint8_t *out) {
  size_t start = (size_t)(l->first / 8);
  for (size_t i = 0; i < count; i++) {
    size_t at = (start + i) ^ 1;
    unpack_u8(&l->bytes[at < l->length ? at : start + i], 1, l, &out[i], 1);
  }
}

/* The first pixel is the least significant bit (PS3.5 section 8.1.1). */
static void unpack_bits(const layout *l, size_t count, uint8_t *out) {
  for (size_t i = 0; i < count; i++) {
    uint64_t bit = l->first + i;
    size_t at = (size_t)(bit / 8);
    if (l->swapped && (at ^ 1) < l->length) at ^= 1;
    out[i] = l->bytes[at] >> (bit % 8) & 1;
  }
}

/* Pixels in pairs: two luminances, then the two colour differences of the first (PS3.3 C.7.6.3.1.2). */
static void unpack_halved(const layout *l, size_t pixels, uint8_t *out) {
  const uint8_t *from = l->bytes + l->first / 8;
  for (size_t i = 0; i < pixels; i += 2, from += 4, out += 6) {
    uint8_t four[4] = {from[0], from[1], from[2], from[3]};
    out[0] = four[0], out[1] = four[2], out[2] = four[3];
    out[3] = four[1], out[4] = four[2], out[5] = four[3];
  }
}

static void unpack_frame(const nsc_dicom *d, const nsc_image *image, const layout *l, bool planar, void *out) {
  size_t pixels = (size_t)image->info.width * image->info.height, count = pixels * d->channels;
  uint32_t allocated = d->bits_allocated;
  const uint8_t *from = l->bytes + l->first / 8;
  if (allocated == 1) {
    unpack_bits(l, count, out);
  } else if (d->halved) {
    unpack_halved(l, pixels, out);
  } else if (d->channels == 3 && planar) {
    size_t size = allocated / 8;
    for (size_t c = 0; c < 3; c++) unpack(from + c * pixels * size, pixels, allocated, l, (uint8_t *)out + c * size, 3);
  } else if (allocated == 8 && l->swapped) {
    unpack_swapped_u8(l, count, out);
  } else {
    unpack(from, count, allocated, l, out, 1);
  }
}

static layout layout_of(const nsc_dicom *d, const uint8_t *bytes, size_t length) {
  return (layout){.bytes = bytes,
                  .length = length,
                  .shift = d->high_bit + 1 - d->bits_stored,
                  .bits = d->bits_stored,
                  .is_signed = d->is_signed};
}

/* ---- codings ---- */

static void decode_native(const nsc_dicom *d, const nsc_image *image, uint32_t frame, void *out) {
  const nsc_element *e = &d->elements[d->pixels];
  layout l = layout_of(d, d->bytes + e->offset, e->length);
  l.first = stored_samples(d, image) * d->bits_allocated * frame;
  l.big_endian = e->big_endian;
  l.swapped = e->big_endian && e->vr[1] == 'W';
  unpack_frame(d, image, &l, d->planar, out);
}

/* A frame in its item as it would stand in native pixel data, little-endian. */
static nsc_status decode_item(const nsc_dicom *d, const nsc_image *image, const uint8_t *bytes, size_t size, void *out,
                              nsc_error *err) {
  size_t need = stored_frame_bytes(d, image);
  if (size < need) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "DICOM: %zu of %zu bytes of a frame are missing", need - size, need);
  }
  layout l = layout_of(d, bytes, size);
  unpack_frame(d, image, &l, d->planar, out);
  return NSC_OK;
}

static nsc_status decode_deflated(const nsc_dicom *d, const nsc_image *image, const nsc_dicom_stream *s, void *out,
                                  nsc_error *err) {
  size_t room = stored_frame_bytes(d, image) + 1, got = 0; /* one for padding to an even length */
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  uint8_t *bytes = malloc(room);
  if (!inflater || !bytes) {
    libdeflate_free_decompressor(inflater);
    free(bytes);
    return nsc_fail_memory(err, room, "a deflated frame");
  }
  size_t used;
  enum libdeflate_result result =
      libdeflate_deflate_decompress_ex(inflater, s->bytes, s->size, bytes, room, &used, &got);
  libdeflate_free_decompressor(inflater);
  nsc_status status = result == LIBDEFLATE_SUCCESS
                          ? decode_item(d, image, bytes, got, out, err)
                          : nsc_fail(err, NSC_ERROR_CORRUPT, "DICOM: a deflated frame is damaged or not of its size");
  free(bytes);
  return status;
}

static nsc_status decode_rle(const nsc_dicom *d, const nsc_image *image, const nsc_dicom_stream *s, void *out,
                             nsc_error *err) {
  size_t pixels = (size_t)image->info.width * image->info.height;
  uint32_t bytes_each = d->bits_allocated > 8 ? d->bits_allocated / 8 : 1;
  size_t plane = d->bits_allocated == 1 ? (pixels + 7) / 8 : pixels;
  uint8_t *planes = malloc(plane * bytes_each * d->channels);
  if (!planes) return nsc_fail_memory(err, plane * bytes_each * d->channels, "a frame");
  nsc_status status = nsc_dicom_decode_rle(s->bytes, s->size, d->channels, plane, bytes_each, planes, err);
  if (status == NSC_OK) {
    layout l = layout_of(d, planes, plane * bytes_each * d->channels);
    unpack_frame(d, image, &l, true, out);
  }
  free(planes);
  return status;
}

static nsc_status decode_codestream(const nsc_dicom *d, const nsc_image *image, const nsc_dicom_stream *s, void *out,
                                    nsc_error *err) {
  static const nsc_codec_kind kinds[] = {[NSC_CODING_JPEG] = NSC_CODEC_JPEG,
                                         [NSC_CODING_JPEG_LS] = NSC_CODEC_JPEG_LS,
                                         [NSC_CODING_JPEG_2000] = NSC_CODEC_JPEG_2000};
  uint32_t container = d->bits_allocated < 8 ? 8 : d->bits_allocated;
  nsc_codec_frame frame = {.width = image->info.width,
                           .height = image->info.height,
                           .channels = d->channels,
                           .container = container,
                           .bits = d->bits_stored,
                           .is_signed = d->is_signed,
                           .is_ybr = d->color == NSC_COLOR_YBR_FULL || d->color == NSC_COLOR_YBR_PARTIAL};
  NSC_TRY(nsc_codec_decode(kinds[d->syntax->coding], s->bytes, s->size, &frame, out, err));
  if (d->bits_stored == container) return NSC_OK;
  layout l = layout_of(d, out, 0); /* as if it were little-endian native data, which every target's memory is */
  l.shift = 0;
  unpack(out, (size_t)frame.width * frame.height * frame.channels, container, &l, out, 1);
  return NSC_OK;
}

nsc_status nsc_dicom_decode_stored(const nsc_dicom *d, const nsc_image *image, uint32_t frame, void *out,
                                   nsc_error *err) {
  if (d->syntax->coding == NSC_CODING_NATIVE) {
    decode_native(d, image, frame, out);
    return NSC_OK;
  }
  nsc_dicom_stream s;
  nsc_status status;
  NSC_TRY(nsc_dicom_frame_stream(d, frame, &s, err));
  if (d->syntax->coding == NSC_CODING_NATIVE_FRAMES) {
    status = decode_item(d, image, s.bytes, s.size, out, err);
  } else if (d->syntax->coding == NSC_CODING_DEFLATED_FRAMES) {
    status = decode_deflated(d, image, &s, out, err);
  } else if (d->syntax->coding == NSC_CODING_RLE) {
    status = decode_rle(d, image, &s, out, err);
  } else {
    status = decode_codestream(d, image, &s, out, err);
  }
  free(s.owned);
  return status;
}

/* Luminance and colour differences to RGB. Codecs do so themselves. */
static void to_rgb(const nsc_dicom *d, size_t pixels, void *samples) {
  bool partial = d->color == NSC_COLOR_YBR_PARTIAL;
  if ((!partial && d->color != NSC_COLOR_YBR_FULL) || d->syntax->coding >= NSC_CODING_JPEG) return;
  if (d->type == NSC_SAMPLE_U8) {
    nsc_ybr_to_rgb_u8(samples, pixels, partial);
  } else {
    nsc_ybr_to_rgb_u16(samples, pixels, d->bits_stored, partial);
  }
}

bool nsc_dicom_needs_codec(const nsc_image *image) {
  const nsc_dicom *d = image->state;
  return d->syntax->coding >= NSC_CODING_JPEG;
}

nsc_status nsc_dicom_decode_frame(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  const nsc_dicom *d = image->state;
  size_t pixels = (size_t)image->info.width * image->info.height;
  if (d->color != NSC_COLOR_PALETTE) {
    NSC_TRY(nsc_dicom_decode_stored(d, image, frame, samples, err));
    to_rgb(d, pixels, samples);
    return NSC_OK;
  }
  size_t bytes = pixels * nsc_sample_size(d->type);
  void *indices = malloc(bytes);
  if (!indices) return nsc_fail_memory(err, bytes, "a frame of palette entries");
  nsc_status status = nsc_dicom_decode_stored(d, image, frame, indices, err);
  if (status == NSC_OK) nsc_dicom_apply_palette(d, indices, pixels, samples);
  free(indices);
  return status;
}
