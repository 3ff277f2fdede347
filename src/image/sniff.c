/* What a file is, by its first bytes alone. Strong marks first; TGA, which has none, last and strictly. */
#include <string.h>

#include "base/bytes.h"
#include "image/dicom.h"
#include "image/gzip.h"
#include "image/tiff.h"
#include "image/volume.h"
#include "negatoscope.h"

static bool starts_with(const uint8_t *bytes, size_t size, const char *magic, size_t n) {
  return size >= n && memcmp(bytes, magic, n) == 0;
}

/* "BM", then a header size that exists: 12 (OS/2), 40, 52, 56 (Windows 3 and its extensions), 64, 108 (V4), 124 (V5).
 */
static bool is_bmp(const uint8_t *bytes, size_t size) {
  if (!starts_with(bytes, size, "BM", 2) || size < 18) return false;
  uint32_t header = nsc_load_u32(bytes + 14, false);
  return header == 12 || header == 16 || header == 40 || header == 52 || header == 56 || header == 64 ||
         header == 108 || header == 124;
}

/* "P1" to "P6", then white space or a comment. */
static bool is_pnm(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && bytes[2] && strchr(" \t\r\n#", bytes[2]);
}

/* TGA 2.0, section "TGA file header": every field that can contradict another is looked at. */
static bool is_tga(const uint8_t *p, size_t size) {
  if (size < 18) return false;
  uint8_t map = p[1], type = p[2], map_bits = p[7], depth = p[16], descriptor = p[17];
  uint32_t map_count = nsc_load_u16(p + 5, false);
  if (nsc_load_u16(p + 12, false) == 0 || nsc_load_u16(p + 14, false) == 0 || (descriptor & 0xC0)) return false;
  uint8_t alpha = descriptor & 0x0F;
  if (type == 1 || type == 9) {
    bool known = map_bits == 15 || map_bits == 16 || map_bits == 24 || map_bits == 32;
    return map == 1 && known && map_count > 0 && depth == 8 && (alpha == 0 || alpha == 8 || alpha == 1);
  }
  if (map != 0 || map_count != 0 || map_bits != 0) return false;
  if (type == 2 || type == 10) {
    if (depth == 15 || depth == 24) return alpha == 0;
    return (depth == 16 && alpha <= 1) || (depth == 32 && (alpha == 0 || alpha == 8));
  }
  if (type == 3 || type == 11) return (depth == 8 && alpha == 0) || (depth == 16 && alpha == 8);
  return false;
}

static nsc_format sniff_plain(const uint8_t *bytes, size_t size) {
  if (size >= 132 && memcmp(bytes + 128, "DICM", 4) == 0) return NSC_FORMAT_DICOM;
  if (starts_with(bytes, size, "\x89PNG\r\n\x1A\n", 8)) return NSC_FORMAT_PNG;
  if (starts_with(bytes, size, "\xFF\xD8\xFF", 3)) return NSC_FORMAT_JPEG;
  if (starts_with(bytes, size, "GIF87a", 6) || starts_with(bytes, size, "GIF89a", 6)) return NSC_FORMAT_GIF;
  if (is_bmp(bytes, size)) return NSC_FORMAT_BMP;
  if (is_pnm(bytes, size)) return NSC_FORMAT_PNM;
  if (nsc_tiff_sniff(bytes, size)) return NSC_FORMAT_TIFF;
  if (nsc_nrrd_sniff(bytes, size)) return NSC_FORMAT_NRRD;
  if (nsc_metaimage_sniff(bytes, size)) return NSC_FORMAT_METAIMAGE;
  if (nsc_nifti_sniff(bytes, size)) return NSC_FORMAT_NIFTI;
  if (nsc_dicom_sniff_bare(bytes, size)) return NSC_FORMAT_DICOM;
  if (is_tga(bytes, size)) return NSC_FORMAT_TGA;
  return NSC_FORMAT_UNKNOWN;
}

/* No format looks further than this: the header of NIfTI-2. */
enum { PEEK = 1024 };

nsc_format nsc_sniff(const uint8_t *bytes, size_t size) {
  uint8_t first[PEEK];
  if (!bytes) return NSC_FORMAT_UNKNOWN;
  if (!nsc_is_gzip(bytes, size)) return sniff_plain(bytes, size);
  return nsc_gzip_peek(bytes, size, first, PEEK) ? sniff_plain(first, PEEK) : NSC_FORMAT_UNKNOWN;
}

const char *nsc_format_name(nsc_format format) {
  static const char *const names[] = {"unknown", "DICOM", "PNG",   "JPEG",      "BMP",  "GIF",
                                      "TGA",     "PNM",   "NIfTI", "MetaImage", "NRRD", "TIFF"};
  return (size_t)format < sizeof names / sizeof names[0] ? names[format] : names[0];
}
