/*
 * Netpbm's PBM, PGM and PPM (pbm(5), pgm(5), ppm(5)). Old mammography sets are distributed like this, with 8 to 16
 * bits: a maximum above 255 makes 16-bit samples, and the maximum itself is kept as what counts as white.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/picture.h"

typedef struct pnm {
  nsc_reader r;
  int kind; /* the digit after 'P' */
  uint32_t channels, max;
} pnm;

static bool is_space(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static nsc_status cut_off(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_TRUNCATED, "PNM: the file ends too early");
}

static void skip_space_and_comments(nsc_reader *r) {
  while (r->at < r->size) {
    if (r->bytes[r->at] == '#') {
      while (r->at < r->size && r->bytes[r->at] != '\n' && r->bytes[r->at] != '\r') r->at++;
    } else if (is_space(r->bytes[r->at])) {
      r->at++;
    } else {
      return;
    }
  }
}

/* A decimal number of the header or of a plain file. A number that the end of the file cuts may be incomplete. */
static nsc_status take_number(nsc_reader *r, uint32_t *out, nsc_error *err) {
  skip_space_and_comments(r);
  uint32_t value = 0;
  size_t start = r->at;
  for (; r->at < r->size && r->bytes[r->at] >= '0' && r->bytes[r->at] <= '9'; r->at++) {
    if (value > 100000000) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: a number is too large");
    value = value * 10 + (r->bytes[r->at] - '0');
  }
  if (r->at == start && r->at == r->size) return cut_off(err);
  if (r->at == start) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: no number at byte %zu", r->at);
  *out = value;
  return NSC_OK;
}

static nsc_status take_sample(pnm *p, uint32_t *out, nsc_error *err) {
  if (p->kind == 1) { /* digits may stand without space between them */
    skip_space_and_comments(&p->r);
    const uint8_t *digit = nsc_reader_take(&p->r, 1);
    if (!digit) return cut_off(err);
    if (*digit != '0' && *digit != '1') return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: a pixel is neither 0 nor 1");
    *out = *digit == '0' ? 1 : 0; /* in a bitmap 1 is black */
    return NSC_OK;
  }
  NSC_TRY(take_number(&p->r, out, err));
  if (*out > p->max) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: the sample %u is above %u", *out, p->max);
  return NSC_OK;
}

static nsc_status read_plain(pnm *p, const nsc_image *image, void *samples, nsc_error *err) {
  size_t count = nsc_image_sample_count(image);
  for (size_t i = 0; i < count; i++) {
    uint32_t value = 0;
    NSC_TRY(take_sample(p, &value, err));
    if (image->info.type == NSC_SAMPLE_U16) {
      ((uint16_t *)samples)[i] = (uint16_t)value;
    } else {
      ((uint8_t *)samples)[i] = (uint8_t)(p->kind == 1 ? value * 255 : value);
    }
  }
  return NSC_OK;
}

static nsc_status read_raw(const pnm *p, const nsc_image *image, const uint8_t *from, void *samples, nsc_error *err) {
  size_t count = nsc_image_sample_count(image);
  uint32_t high = 0;
  if (p->kind == 4) {
    uint32_t width = image->info.width;
    size_t row = (width + 7) / 8;
    for (size_t i = 0; i < count; i++) {
      size_t x = i % width;
      ((uint8_t *)samples)[i] = from[i / width * row + x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
    }
  } else if (image->info.type == NSC_SAMPLE_U16) {
    for (size_t i = 0; i < count; i++) {
      uint16_t value = nsc_load_u16(from + 2 * i, true);
      ((uint16_t *)samples)[i] = value;
      high = value > high ? value : high;
    }
  } else {
    memcpy(samples, from, count);
    for (size_t i = 0; i < count; i++) high = from[i] > high ? from[i] : high;
  }
  if (p->kind != 4 && high > p->max) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: the sample %u is above %u", high, p->max);
  }
  return NSC_OK;
}

static nsc_status read_header(pnm *p, nsc_image *image, nsc_error *err) {
  uint32_t width, height;
  NSC_TRY(take_number(&p->r, &width, err));
  NSC_TRY(take_number(&p->r, &height, err));
  p->max = 1;
  if (p->kind != 1 && p->kind != 4) NSC_TRY(take_number(&p->r, &p->max, err));
  if (p->max == 0 || p->max > 65535) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: the maximum is %u", p->max);
  const uint8_t *space = nsc_reader_take(&p->r, 1);
  if (!space) return cut_off(err);
  if (!is_space(*space)) return nsc_fail(err, NSC_ERROR_CORRUPT, "PNM: no space after the header");
  uint32_t top = p->kind == 1 || p->kind == 4 ? 255 : p->max, bits = 1;
  while (top >> bits) bits++;
  return nsc_picture_describe(image, width, height, p->kind % 3 == 0 ? 3 : 1, bits, top, err);
}

nsc_status nsc_pnm_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err) {
  if (size < 3) return cut_off(err);
  pnm p = {.r = nsc_reader_of(bytes, size), .kind = bytes[1] - '0'};
  p.r.at = 2;
  NSC_TRY(read_header(&p, image, err));
  size_t count = nsc_image_sample_count(image), frame = nsc_image_frame_bytes(image);
  /* A plain sample takes at least one character; so no allocation is larger than the file can fill. */
  size_t need = p.kind < 4 ? count : p.kind > 4 ? frame : (size_t)((image->info.width + 7) / 8) * image->info.height;
  if (need > nsc_reader_left(&p.r)) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "PNM: %zu bytes of pixels are missing", need - nsc_reader_left(&p.r));
  }
  void *samples = malloc(frame);
  if (!samples) return nsc_fail_memory(err, frame, "a PNM");
  nsc_picture_own_samples(image, samples);
  return p.kind < 4 ? read_plain(&p, image, samples, err) : read_raw(&p, image, p.r.bytes + p.r.at, samples, err);
}
