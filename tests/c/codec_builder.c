#include "codec_builder.h"

#include <charls/charls.h>
#include <openjpeg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

static void write_row(struct jpeg_compress_struct *jpeg, const picture *p, uint32_t y) {
  size_t per_row = (size_t)p->width * p->channels;
  if (p->bits <= 8) {
    JSAMPROW rows[1] = {(JSAMPLE *)p->samples + per_row * y};
    (void)jpeg_write_scanlines(jpeg, rows, 1);
  } else if (p->bits <= 12) {
    J12SAMPROW rows[1] = {(J12SAMPLE *)p->samples + per_row * y};
    (void)jpeg12_write_scanlines(jpeg, rows, 1);
  } else {
    J16SAMPROW rows[1] = {(J16SAMPLE *)p->samples + per_row * y};
    (void)jpeg16_write_scanlines(jpeg, rows, 1);
  }
}

void encode_jpeg(const picture *p, int predictor, int quality, codestream *out) {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned char *bytes = NULL;
  unsigned long size = 0;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = p->width;
  jpeg.image_height = p->height;
  jpeg.input_components = (int)p->channels;
  jpeg.in_color_space = p->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg.data_precision = (int)p->bits;
  jpeg_set_defaults(&jpeg);
  if (predictor) {
    jpeg_enable_lossless(&jpeg, predictor, 0);
    jpeg_set_colorspace(&jpeg, jpeg.in_color_space);
  } else {
    jpeg_set_quality(&jpeg, quality, TRUE);
  }
  jpeg_start_compress(&jpeg, TRUE);
  for (uint32_t y = 0; y < p->height; y++) write_row(&jpeg, p, y);
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  out->size = size <= sizeof out->bytes ? size : 0;
  memcpy(out->bytes, bytes, out->size);
  free(bytes);
}

void encode_jpeg_ls(const picture *p, int near, codestream *out) {
  charls_frame_info info = {p->width, p->height, (int32_t)p->bits, (int32_t)p->channels};
  charls_jpegls_encoder *encoder = charls_jpegls_encoder_create();
  size_t sample_size = p->bits <= 8 ? 1 : 2, size = (size_t)p->width * p->height * p->channels * sample_size;
  out->size = 0;
  charls_interleave_mode mode = p->channels == 3 ? CHARLS_INTERLEAVE_MODE_SAMPLE : CHARLS_INTERLEAVE_MODE_NONE;
  bool good = charls_jpegls_encoder_set_frame_info(encoder, &info) == 0 &&
              charls_jpegls_encoder_set_near_lossless(encoder, near) == 0 &&
              charls_jpegls_encoder_set_interleave_mode(encoder, mode) == 0 &&
              charls_jpegls_encoder_set_destination_buffer(encoder, out->bytes, sizeof out->bytes) == 0 &&
              charls_jpegls_encoder_encode_from_buffer(encoder, p->samples, size, 0) == 0;
  if (good) (void)!charls_jpegls_encoder_get_bytes_written(encoder, &out->size);
  charls_jpegls_encoder_destroy(encoder);
}

/* ---- OpenJPEG writes to a stream of ours ---- */

typedef struct sink {
  codestream *out;
  size_t at;
} sink;

static OPJ_SIZE_T sink_write(void *bytes, OPJ_SIZE_T size, void *user) {
  sink *s = user;
  if (size > sizeof s->out->bytes - s->at) return (OPJ_SIZE_T)-1;
  memcpy(s->out->bytes + s->at, bytes, size);
  s->at += size;
  if (s->at > s->out->size) s->out->size = s->at;
  return size;
}

static OPJ_OFF_T sink_skip(OPJ_OFF_T count, void *user) {
  ((sink *)user)->at += (size_t)count;
  return count;
}

static OPJ_BOOL sink_seek(OPJ_OFF_T at, void *user) {
  ((sink *)user)->at = (size_t)at;
  return OPJ_TRUE;
}

static opj_image_t *opj_picture(const picture *p) {
  opj_image_cmptparm_t parts[3];
  memset(parts, 0, sizeof parts);
  for (uint32_t c = 0; c < p->channels; c++) {
    parts[c].dx = parts[c].dy = 1;
    parts[c].w = p->width;
    parts[c].h = p->height;
    parts[c].prec = p->bits;
    parts[c].sgnd = p->is_signed;
  }
  opj_image_t *image = opj_image_create(p->channels, parts, p->channels == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
  image->x1 = p->width;
  image->y1 = p->height;
  for (size_t i = 0; i < (size_t)p->width * p->height * p->channels; i++) {
    int32_t value = p->bits <= 8 ? ((const uint8_t *)p->samples)[i] : ((const uint16_t *)p->samples)[i];
    if (p->is_signed) value = p->bits <= 8 ? (int8_t)value : (int16_t)value;
    image->comps[i % p->channels].data[i / p->channels] = value;
  }
  return image;
}

void encode_jpeg_2000(const picture *p, float rate, codestream *out) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_rates[0] = rate;
  parameters.irreversible = rate > 0;
  parameters.numresolution = 3;
  parameters.tcp_mct = p->channels == 3;
  opj_image_t *image = opj_picture(p);
  opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
  opj_stream_t *stream = opj_stream_create(1 << 12, OPJ_FALSE);
  sink s = {out, 0};
  out->size = 0;
  opj_stream_set_user_data(stream, &s, NULL);
  opj_stream_set_write_function(stream, sink_write);
  opj_stream_set_skip_function(stream, sink_skip);
  opj_stream_set_seek_function(stream, sink_seek);
  bool good = opj_setup_encoder(codec, &parameters, image) && opj_start_compress(codec, image, stream) &&
              opj_encode(codec, stream) && opj_end_compress(codec, stream);
  if (!good) out->size = 0;
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
}
