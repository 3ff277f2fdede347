/*
 * JPEG and TGA files from their first byte to their last, before stb_image decodes them: it would take what is missing
 * as zeros.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "image/picture.h"

/* ---- JPEG (ITU-T T.81 annex B) ---- */

enum { JPEG_SOI = 0xD8, JPEG_EOI = 0xD9, JPEG_SOS = 0xDA, JPEG_DHT = 0xC4, JPEG_JPG = 0xC8, JPEG_DAC = 0xCC };

typedef struct jpeg_seen {
  bool frame, scan, progressive;
  uint64_t blocks;     /* 8 x 8, of the component that is not subsampled */
  uint64_t scan_bytes; /* of entropy-coded data */
} jpeg_seen;

static nsc_status check_frame_header(uint8_t marker, const uint8_t *p, size_t size, jpeg_seen *seen, nsc_error *err) {
  static const char *const kinds[16] = {"baseline",
                                        "extended sequential",
                                        "progressive",
                                        "lossless",
                                        NULL,
                                        "differential sequential",
                                        "differential progressive",
                                        "differential lossless",
                                        NULL,
                                        "arithmetic sequential",
                                        "arithmetic progressive",
                                        "arithmetic lossless",
                                        NULL,
                                        "arithmetic differential",
                                        "arithmetic differential progressive",
                                        "arithmetic differential lossless"};
  if (size < 6) return nsc_fail(err, NSC_ERROR_CORRUPT, "JPEG: the frame header is too short");
  if (marker > 0xC2) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "JPEG: the %s process is not supported", kinds[marker & 15]);
  }
  if (p[0] != 8) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "JPEG: %u bits per sample are not supported", p[0]);
  if (p[5] != 1 && p[5] != 3 && p[5] != 4) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "JPEG: %u components are not supported", p[5]);
  }
  if (nsc_load_u16(p + 1, true) == 0) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "JPEG: a height given after the scan (DNL) is not supported");
  }
  seen->frame = true;
  seen->progressive = marker == 0xC2;
  seen->blocks = (uint64_t)((nsc_load_u16(p + 3, true) + 7u) / 8u) * ((nsc_load_u16(p + 1, true) + 7u) / 8u);
  return NSC_OK;
}

/* Moves over entropy-coded data to the next marker: FF that is followed by neither 00, a restart, nor another FF. */
static bool skip_scan(nsc_reader *r) {
  while (r->at + 1 < r->size) {
    const uint8_t *ff = memchr(r->bytes + r->at, 0xFF, r->size - 1 - r->at);
    if (!ff) break;
    r->at = (size_t)(ff - r->bytes);
    uint8_t next = ff[1];
    if (next == 0xFF) {
      r->at++;
    } else if (next == 0 || (next >= 0xD0 && next <= 0xD7)) {
      r->at += 2;
    } else {
      return true;
    }
  }
  return false;
}

static nsc_status jpeg_cut_off(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_TRUNCATED, "JPEG: the file ends before its end marker (EOI)");
}

static nsc_status check_segment(nsc_reader *r, uint8_t marker, jpeg_seen *seen, nsc_error *err) {
  const uint8_t *length = nsc_reader_take(r, 2);
  if (!length) return jpeg_cut_off(err);
  uint32_t size = nsc_load_u16(length, true);
  if (size < 2) return nsc_fail(err, NSC_ERROR_CORRUPT, "JPEG: a segment of %u bytes at byte %zu", size, r->at - 2);
  const uint8_t *data = nsc_reader_take(r, size - 2);
  if (!data) return jpeg_cut_off(err);
  bool is_frame = marker >= 0xC0 && marker <= 0xCF && marker != JPEG_DHT && marker != JPEG_JPG && marker != JPEG_DAC;
  if (is_frame) {
    if (seen->frame) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "JPEG: several frames are not supported");
    NSC_TRY(check_frame_header(marker, data, size - 2, seen, err));
  }
  if (marker == JPEG_SOS) {
    if (!seen->frame) return nsc_fail(err, NSC_ERROR_CORRUPT, "JPEG: a scan without a frame header");
    size_t start = r->at;
    if (!skip_scan(r)) return jpeg_cut_off(err);
    seen->scan_bytes += r->at - start;
    seen->scan = true;
  }
  return NSC_OK;
}

nsc_status nsc_jpeg_check(const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_reader r = nsc_reader_of(bytes, size);
  r.at = 2; /* SOI, seen by nsc_sniff */
  jpeg_seen seen = {0};
  for (;;) {
    /* Encoders leave stray bytes between segments at times: libjpeg and stb_image move to the next FF too. */
    while (r.at < r.size && r.bytes[r.at] != 0xFF) r.at++;
    while (r.at < r.size && r.bytes[r.at] == 0xFF) r.at++;
    const uint8_t *marker = nsc_reader_take(&r, 1);
    if (!marker) return jpeg_cut_off(err);
    if (*marker == JPEG_EOI) break;
    if (*marker == 0 || *marker == 1 || *marker == JPEG_SOI || (*marker >= 0xD0 && *marker <= 0xD7)) continue;
    NSC_TRY(check_segment(&r, *marker, &seen, err));
  }
  if (!seen.scan) return nsc_fail(err, NSC_ERROR_CORRUPT, "JPEG: the file has no picture");
  /* A block takes at least one bit for its DC coefficient and, when not progressive, one more for the end of block. */
  if (seen.blocks > seen.scan_bytes * (seen.progressive ? 8 : 4)) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "JPEG: %llu bytes of picture data cannot hold the picture",
                    (unsigned long long)seen.scan_bytes);
  }
  return NSC_OK;
}

/* ---- TGA ---- */

/* Walks the packets of a run-length encoded picture of `pixels` pixels of `bytes_each` bytes. */
static bool walk_tga_packets(nsc_reader *r, uint64_t pixels, uint32_t bytes_each) {
  while (pixels) {
    const uint8_t *head = nsc_reader_take(r, 1);
    if (!head) return false;
    uint32_t n = (*head & 0x7Fu) + 1;
    if (!nsc_reader_take(r, (uint64_t)(*head & 0x80 ? 1 : n) * bytes_each)) return false;
    pixels -= n < pixels ? n : pixels;
  }
  return true;
}

nsc_status nsc_tga_check(const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_reader r = nsc_reader_of(bytes, size);
  const uint8_t *head = nsc_reader_take(&r, 18); /* its fields have passed nsc_sniff */
  if (!head) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TGA: the header is cut off");
  uint64_t pixels = (uint64_t)nsc_load_u16(head + 12, false) * nsc_load_u16(head + 14, false);
  uint32_t bytes_each = (head[16] + 7u) / 8u;
  uint64_t palette = (uint64_t)nsc_load_u16(head + 5, false) * ((head[7] + 7u) / 8u);
  bool ok = nsc_reader_take(&r, head[0]) && nsc_reader_take(&r, palette);
  if (ok) ok = head[2] >= 9 ? walk_tga_packets(&r, pixels, bytes_each) : !!nsc_reader_take(&r, pixels * bytes_each);
  if (!ok) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TGA: the file ends before its last pixel");
  return NSC_OK;
}
