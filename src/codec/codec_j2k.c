/*
 * JPEG 2000 (ITU-T T.800) and HTJ2K (T.814) through OpenJPEG. The SIZ segment is read here first: OpenJPEG makes its
 * tables of tiles while it reads the header, before anybody could look at the size.
 */
#include <openjpeg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/codec_private.h"

/* Tiles cost OpenJPEG some 10 KB each; encoders make them of 64 x 64 pixels at least. */
enum { MAX_FREE_TILES = 4096, PIXELS_A_TILE = 64 * 64 };
/* Entries of the table of packets, of two bytes: layers x resolutions x components x precincts of a tile. */
static const uint64_t max_packets = (uint64_t)1 << 27;

static const char name[] = "JPEG 2000";

typedef struct siz {
  uint32_t width, height, channels;
  uint64_t tiles;
} siz;

/* The codestream in a JP2 file: its box jp2c. `r` is moved to it. */
static bool find_codestream(nsc_reader *r) {
  const uint8_t *head;
  while ((head = nsc_reader_take(r, 8)) != NULL) {
    uint64_t length = nsc_load_u32(head, true);
    bool wide = length == 1;
    if (memcmp(head + 4, "jp2c", 4) == 0) return !wide || nsc_reader_take(r, 8) != NULL;
    if (wide) {
      const uint8_t *more = nsc_reader_take(r, 8);
      if (!more) return false;
      length = nsc_load_u64(more, true);
    }
    uint64_t header = wide ? 16 : 8;
    if (length < header || !nsc_reader_take(r, length - header)) return false;
  }
  return false;
}

/* ITU-T T.800 A.5.1. SIZ follows SOC at once. */
static nsc_status read_siz(const uint8_t *bytes, size_t size, bool is_jp2, siz *out, nsc_error *err) {
  nsc_reader r = nsc_reader_of(bytes, size);
  if (is_jp2 && !find_codestream(&r))
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: a JP2 file without codestream", name);
  const uint8_t *p = nsc_reader_take(&r, 42);
  if (!p) return nsc_fail(err, NSC_ERROR_TRUNCATED, "%s: the codestream has %zu bytes", name, size);
  if (nsc_load_u32(p, true) != 0xFF4FFF51u) return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: no codestream", name);
  uint32_t x1 = nsc_load_u32(p + 8, true), y1 = nsc_load_u32(p + 12, true);
  uint32_t x0 = nsc_load_u32(p + 16, true), y0 = nsc_load_u32(p + 20, true);
  uint32_t tile_width = nsc_load_u32(p + 24, true), tile_height = nsc_load_u32(p + 28, true);
  uint32_t tile_x = nsc_load_u32(p + 32, true), tile_y = nsc_load_u32(p + 36, true);
  if (x1 <= x0 || y1 <= y0 || !tile_width || !tile_height || tile_x > x0 || tile_y > y0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: an impossible size", name);
  }
  uint64_t across = ((uint64_t)(x1 - tile_x) + tile_width - 1) / tile_width;
  uint64_t down = ((uint64_t)(y1 - tile_y) + tile_height - 1) / tile_height;
  *out = (siz){x1 - x0, y1 - y0, nsc_load_u16(p + 40, true), across * down};
  return NSC_OK;
}

static nsc_status check_siz(const siz *s, const nsc_codec_frame *frame, nsc_error *err) {
  NSC_TRY(nsc_codec_check(name, frame, s->width, s->height, s->channels, 1, err));
  uint64_t most = MAX_FREE_TILES + (uint64_t)frame->width * frame->height / PIXELS_A_TILE;
  if (s->tiles <= most) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_LIMIT, "%s: %llu tiles in %u x %u pixels", name, (unsigned long long)s->tiles,
                  frame->width, frame->height);
}

/* ---- OpenJPEG's stream over bytes ---- */

static OPJ_SIZE_T stream_read(void *buffer, OPJ_SIZE_T count, void *user) {
  nsc_reader *r = user;
  size_t left = nsc_reader_left(r);
  if (left == 0) return (OPJ_SIZE_T)-1;
  if (count > left) count = left;
  memcpy(buffer, nsc_reader_take(r, count), count);
  return count;
}

static OPJ_OFF_T stream_skip(OPJ_OFF_T count, void *user) {
  nsc_reader *r = user;
  if (count < 0) return -1;
  size_t left = nsc_reader_left(r), skip = (uint64_t)count > left ? left : (size_t)count;
  r->at += skip;
  return (OPJ_OFF_T)skip;
}

static OPJ_BOOL stream_seek(OPJ_OFF_T position, void *user) {
  nsc_reader *r = user;
  if (position < 0 || (uint64_t)position > r->size) return OPJ_FALSE;
  r->at = (size_t)position;
  return OPJ_TRUE;
}

/* The first message is the cause; OpenJPEG repeats it in other words on its way out. */
static void on_error(const char *text, void *user) {
  nsc_error *err = user;
  if (err->status != NSC_OK) return;
  (void)nsc_fail(err, NSC_ERROR_CORRUPT, "%s: %.*s", name, (int)strcspn(text, "\n"), text);
}

static void on_message(const char *text, void *user) {
  (void)text;
  (void)user;
}

/* ---- decoding ---- */

typedef struct decoder {
  opj_codec_t *codec;
  opj_stream_t *stream;
  opj_image_t *image;
  bool has_transform, is_lossy;
} decoder;

/* What OpenJPEG will allocate for packets and precincts. Also notes what the coding style says. */
static nsc_status check_style(decoder *d, const nsc_codec_frame *frame, nsc_error *err) {
  opj_codestream_info_v2_t *info = opj_get_cstr_info(d->codec);
  if (!info) return nsc_fail_memory(err, sizeof *info, "facts of a codestream");
  const opj_tile_info_v2_t *tile = &info->m_default_tile_info;
  uint64_t pixels = (uint64_t)frame->width * frame->height, most = 0, resolutions = 1;
  for (uint32_t c = 0; c < info->nbcomps && tile->tccp_info; c++) {
    const opj_tccp_info_t *t = &tile->tccp_info[c];
    if (t->numresolutions > resolutions) resolutions = t->numresolutions;
    for (uint32_t i = 0; i < t->numresolutions && i < OPJ_J2K_MAXRLVLS; i++) {
      bool divided = t->csty & 1; /* J2K_CP_CSTY_PRT; without it a precinct is 2^15 on a side */
      uint32_t smaller = t->numresolutions - 1 - i;
      uint64_t across = (((uint64_t)info->tdx >> smaller) >> (divided ? t->prcw[i] : 15)) + 2;
      uint64_t down = (((uint64_t)info->tdy >> smaller) >> (divided ? t->prch[i] : 15)) + 2;
      uint64_t precincts = across * down; /* of one tile, a little too many */
      if (precincts > most) most = precincts;
    }
    d->is_lossy = d->is_lossy || t->qmfbid == 0;
  }
  d->has_transform = tile->mct != 0;
  uint64_t layers = tile->numlayers ? tile->numlayers : 1;
  opj_destroy_cstr_info(&info);
  if (most <= 4096 + pixels / 16 && most * layers * resolutions * frame->channels <= max_packets) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_LIMIT, "%s: %llu precincts and %llu layers", name, (unsigned long long)most,
                  (unsigned long long)layers);
}

static int32_t limited(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

/* Values as the DICOM header has them: signed though the codestream says they are not, no more bits than it names. */
static void fit_values(const decoder *d, const nsc_codec_frame *frame, opj_image_comp_t *c) {
  size_t count = (size_t)c->w * c->h;
  if (frame->is_signed && !c->sgnd && c->prec < 32) {
    uint32_t sign = 1u << (c->prec - 1);
    for (size_t i = 0; i < count; i++) c->data[i] = (int32_t)(((uint32_t)c->data[i] ^ sign) - sign);
  }
  if (d->is_lossy && c->prec > frame->bits && frame->bits < 32) {
    int32_t low = frame->is_signed ? -(int32_t)(1u << (frame->bits - 1)) : 0;
    int32_t high = (int32_t)((1u << (frame->bits - (frame->is_signed ? 1 : 0))) - 1);
    for (size_t i = 0; i < count; i++) c->data[i] = limited(c->data[i], low, high);
  }
}

/* A row of values to samples `step` apart, from number `at`; each value is repeated `across` times. */
#define DEFINE_PUT(name, type)                                                                                     \
  static void name(const OPJ_INT32 *row, uint32_t count, uint32_t across, uint32_t width, type *to, size_t step) { \
    if (across == 1 && count >= width) {                                                                           \
      for (uint32_t x = 0; x < width; x++) to[x * step] = (type)row[x];                                            \
    } else {                                                                                                       \
      for (uint32_t x = 0; x < width; x++) to[x * step] = (type)row[x / across < count ? x / across : count - 1];  \
    }                                                                                                              \
  }
DEFINE_PUT(put_u8, uint8_t)
DEFINE_PUT(put_u16, uint16_t)
DEFINE_PUT(put_u32, uint32_t)

/* One component to its channel. Components with fewer samples are repeated. */
static void copy_component(const decoder *d, const nsc_codec_frame *frame, uint32_t channel, void *samples) {
  opj_image_comp_t *c = &d->image->comps[channel], *whole = &d->image->comps[0];
  uint32_t across = c->w < whole->w ? c->dx : 1, down = c->h < whole->h ? c->dy : 1;
  fit_values(d, frame, c);
  for (uint32_t y = 0; y < frame->height; y++) {
    const OPJ_INT32 *row = c->data + (size_t)(y / down < c->h ? y / down : c->h - 1) * c->w;
    size_t at = (size_t)y * frame->width * frame->channels + channel;
    if (frame->container == 8) {
      put_u8(row, c->w, across, frame->width, (uint8_t *)samples + at, frame->channels);
    } else if (frame->container == 16) {
      put_u16(row, c->w, across, frame->width, (uint16_t *)samples + at, frame->channels);
    } else {
      put_u32(row, c->w, across, frame->width, (uint32_t *)samples + at, frame->channels);
    }
  }
}

static nsc_status check_components(const decoder *d, const nsc_codec_frame *frame, nsc_error *err) {
  const opj_image_t *image = d->image;
  for (uint32_t i = 0; i < image->numcomps; i++) {
    const opj_image_comp_t *c = &image->comps[i];
    bool whole = c->w == frame->width && c->h == frame->height;
    if (!c->w || !c->h || (i == 0 && !whole)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: component %u has %u x %u samples", name, i, c->w, c->h);
    }
    NSC_TRY(nsc_codec_check(name, frame, frame->width, frame->height, image->numcomps, c->prec, err));
  }
  return NSC_OK;
}

static nsc_status decode(decoder *d, nsc_reader *source, const nsc_codec_frame *frame, void *samples, nsc_error *err) {
  nsc_error why = {0};
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  /* Palettes and channel definitions of a JP2 file are not DICOM's business. */
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;
  opj_stream_set_user_data(d->stream, source, NULL);
  opj_stream_set_user_data_length(d->stream, source->size);
  opj_stream_set_read_function(d->stream, stream_read);
  opj_stream_set_skip_function(d->stream, stream_skip);
  opj_stream_set_seek_function(d->stream, stream_seek);
  (void)opj_set_info_handler(d->codec, on_message, NULL);
  (void)opj_set_warning_handler(d->codec, on_message, NULL);
  (void)opj_set_error_handler(d->codec, on_error, &why);
  if (!opj_setup_decoder(d->codec, &parameters) || !opj_read_header(d->stream, d->codec, &d->image)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s", why.text[0] ? why.text : "JPEG 2000: no header");
  }
  NSC_TRY(check_components(d, frame, err));
  NSC_TRY(check_style(d, frame, err));
  if (!opj_decode(d->codec, d->stream, d->image)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "%s", why.text[0] ? why.text : "JPEG 2000: the codestream is damaged");
  }
  NSC_TRY(check_components(d, frame, err));
  for (uint32_t i = 0; i < frame->channels; i++) {
    if (!d->image->comps[i].data) return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: component %u is missing", name, i);
  }
  for (uint32_t i = 0; i < frame->channels; i++) copy_component(d, frame, i, samples);
  if (frame->is_ybr && !d->has_transform) nsc_codec_ybr_to_rgb(frame, samples);
  return NSC_OK;
}

nsc_status nsc_codec_decode_jpeg_2000(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, void *samples,
                                      nsc_error *err) {
  static const uint8_t jp2[4] = {0, 0, 0, 12};
  bool is_jp2 = size >= sizeof jp2 && memcmp(bytes, jp2, sizeof jp2) == 0;
  siz s;
  NSC_TRY(read_siz(bytes, size, is_jp2, &s, err));
  NSC_TRY(check_siz(&s, frame, err));
  nsc_reader source = nsc_reader_of(bytes, size);
  decoder d = {opj_create_decompress(is_jp2 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K),
               opj_stream_create((OPJ_SIZE_T)1 << 16, OPJ_TRUE), NULL, false, false};
  nsc_status status =
      d.codec && d.stream ? decode(&d, &source, frame, samples, err) : nsc_fail_memory(err, 0, "a JPEG 2000 decoder");
  if (d.image) opj_image_destroy(d.image);
  if (d.stream) opj_stream_destroy(d.stream);
  if (d.codec) opj_destroy_codec(d.codec);
  return status;
}
