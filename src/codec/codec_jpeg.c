/*
 * JPEG (ITU-T T.81) through libjpeg-turbo: baseline, extended with 8 and 12 bits, progressive, lossless with 2 to 16
 * bits and every predictor; Huffman coding, and arithmetic coding where libjpeg-turbo has it. Damage in the
 * entropy-coded data, of which libjpeg makes grey blocks and a warning, is an error here.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/bytes.h"
#include "codec/codec_private.h"

/* Scans of a progressive picture: encoders make about ten; each costs a walk over all coefficients. */
enum { MAX_SCANS = 200 };

typedef struct decoder {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf out;
  nsc_error *err;
  nsc_status status;
} decoder;

static void end_with(decoder *d, nsc_status status, const char *text) {
  d->status = nsc_fail(d->err, status, "JPEG: %s", text);
  longjmp(d->out, 1);
}

static void on_error(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  decoder *d = jpeg->client_data;
  int code = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, text);
  bool missing = code == JERR_SOF_UNSUPPORTED || code == JERR_NOT_COMPILED || code == JERR_CONVERSION_NOTIMPL ||
                 code == JERR_FRACT_SAMPLE_NOTIMPL || code == JERR_ARITH_NOTIMPL || code == JERR_BAD_PRECISION;
  end_with(d,
           code == JERR_OUT_OF_MEMORY ? NSC_ERROR_MEMORY
           : missing                  ? NSC_ERROR_UNSUPPORTED
                                      : NSC_ERROR_CORRUPT,
           text);
}

static void on_message(j_common_ptr jpeg, int level) {
  char text[JMSG_LENGTH_MAX];
  int code = jpeg->err->msg_code;
  if (level >= 0) return;
  bool ends = code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER;
  bool damaged = code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC ||
                 code == JWRN_BOGUS_PROGRESSION;
  if (!ends && !damaged) return;
  jpeg->err->format_message(jpeg, text);
  end_with(jpeg->client_data, ends ? NSC_ERROR_TRUNCATED : NSC_ERROR_CORRUPT, text);
}

static void on_progress(j_common_ptr jpeg) {
  decoder *d = jpeg->client_data;
  if (d->jpeg.input_scan_number > MAX_SCANS) end_with(d, NSC_ERROR_LIMIT, "too many scans");
}

/* SOF3, SOF11: lossless, Huffman or arithmetic. libjpeg-turbo knows but does not say. */
static bool is_lossless(const uint8_t *bytes, size_t size) {
  nsc_reader r = nsc_reader_of(bytes, size);
  const uint8_t *p = nsc_reader_take(&r, 2); /* SOI */
  while (p && (p = nsc_reader_take(&r, 1)) != NULL) {
    if (*p != 0xFF) return false;
    while (p && *p == 0xFF) p = nsc_reader_take(&r, 1); /* fill bytes */
    if (!p || *p == 0xDA) return false;
    if (*p == 0xC3 || *p == 0xCB) return true;
    const uint8_t *length = nsc_reader_take(&r, 2);
    uint32_t skip = length ? nsc_load_u16(length, true) : 0;
    if (skip < 2) return false;
    p = nsc_reader_take(&r, skip - 2);
  }
  return false;
}

/*
 * Whether three components are luminance and colour differences. An Adobe marker says so for sure; components with
 * fewer samples can be nothing else; components called R, G and B are what they say. Otherwise the DICOM header
 * decides.
 */
static bool is_ycc(const struct jpeg_decompress_struct *jpeg, const nsc_codec_frame *frame) {
  const jpeg_component_info *c = jpeg->comp_info;
  if (jpeg->saw_Adobe_marker) return jpeg->Adobe_transform != 0;
  if (c[1].h_samp_factor < c[0].h_samp_factor || c[1].v_samp_factor < c[0].v_samp_factor) return true;
  if (c[0].component_id == 'R' && c[1].component_id == 'G' && c[2].component_id == 'B') return false;
  return frame->is_ybr;
}

static void set_colors(decoder *d, const nsc_codec_frame *frame, bool lossless) {
  struct jpeg_decompress_struct *jpeg = &d->jpeg;
  if (jpeg->num_components == 1) {
    jpeg->jpeg_color_space = jpeg->out_color_space = JCS_GRAYSCALE;
  } else if (lossless) { /* libjpeg-turbo has no conversions there */
    jpeg->jpeg_color_space = jpeg->out_color_space = JCS_RGB;
  } else {
    jpeg->jpeg_color_space = is_ycc(jpeg, frame) ? JCS_YCbCr : JCS_RGB;
    jpeg->out_color_space = JCS_RGB;
  }
}

static void read_row(struct jpeg_decompress_struct *jpeg, void *row) {
  if (jpeg->data_precision <= 8) {
    JSAMPROW rows[1] = {row};
    (void)jpeg_read_scanlines(jpeg, rows, 1);
  } else if (jpeg->data_precision <= 12) {
    J12SAMPROW rows[1] = {row};
    (void)jpeg12_read_scanlines(jpeg, rows, 1);
  } else {
    J16SAMPROW rows[1] = {row};
    (void)jpeg16_read_scanlines(jpeg, rows, 1);
  }
}

/* A lossy codestream may have more bits than the file says are significant. */
static void cut_to_bits(const nsc_codec_frame *frame, uint32_t precision, void *samples, size_t count) {
  uint32_t highest = (uint32_t)(((uint64_t)1 << frame->bits) - 1);
  if (frame->is_signed || precision <= frame->bits) return;
  for (size_t i = 0; i < count; i++) {
    if (precision <= 8) {
      uint8_t *p = (uint8_t *)samples + i;
      *p = (uint8_t)(*p < highest ? *p : highest);
    } else {
      uint16_t *p = (uint16_t *)samples + i;
      *p = (uint16_t)(*p < highest ? *p : highest);
    }
  }
}

/* Between setjmp and the end: libjpeg leaves by longjmp when something is wrong. */
static nsc_status decode(decoder *d, const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, void *samples) {
  struct jpeg_decompress_struct *jpeg = &d->jpeg;
  jpeg_mem_src(jpeg, bytes, (unsigned long)size);
  (void)jpeg_read_header(jpeg, TRUE);
  uint32_t precision = (uint32_t)jpeg->data_precision;
  NSC_TRY(nsc_codec_check("JPEG", frame, jpeg->image_width, jpeg->image_height, (uint32_t)jpeg->num_components,
                          precision, d->err));
  bool lossless = is_lossless(bytes, size);
  set_colors(d, frame, lossless);
  (void)jpeg_start_decompress(jpeg);
  size_t per_row = (size_t)frame->width * frame->channels, row_bytes = per_row * (precision <= 8 ? 1 : 2);
  while (jpeg->output_scanline < jpeg->output_height) {
    read_row(jpeg, (uint8_t *)samples + row_bytes * jpeg->output_scanline);
  }
  if (!lossless) cut_to_bits(frame, precision, samples, per_row * frame->height);
  nsc_codec_finish(frame, precision, samples);
  if (lossless && frame->is_ybr) nsc_codec_ybr_to_rgb(frame, samples);
  return NSC_OK;
}

nsc_status nsc_codec_decode_jpeg(const uint8_t *bytes, size_t size, const nsc_codec_frame *frame, void *samples,
                                 nsc_error *err) {
  decoder *d = calloc(1, sizeof *d); /* not on the stack: its fields change between setjmp and longjmp */
  if (!d) return nsc_fail_memory(err, sizeof *d, "a JPEG decoder");
  d->err = err;
  d->jpeg.err = jpeg_std_error(&d->errors);
  d->errors.error_exit = on_error;
  d->errors.emit_message = on_message;
  d->jpeg.client_data = d;
  nsc_status status;
  if (setjmp(d->out) == 0) {
    jpeg_create_decompress(&d->jpeg);
    d->progress.progress_monitor = on_progress;
    d->jpeg.progress = &d->progress;
    status = decode(d, bytes, size, frame, samples);
  } else {
    status = d->status;
  }
  jpeg_destroy_decompress(&d->jpeg);
  free(d);
  return status;
}
