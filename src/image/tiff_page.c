/* Directories of a TIFF file (section 2): the tags of one picture, and whether it is one that is read here. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/tiff.h"

enum {
  TAG_SUBFILE = 254,
  TAG_WIDTH = 256,
  TAG_HEIGHT = 257,
  TAG_BITS = 258,
  TAG_COMPRESSION = 259,
  TAG_PHOTOMETRIC = 262,
  TAG_FILL_ORDER = 266,
  TAG_STRIP_OFFSETS = 273,
  TAG_ORIENTATION = 274,
  TAG_SAMPLES = 277,
  TAG_ROWS_PER_STRIP = 278,
  TAG_STRIP_COUNTS = 279,
  TAG_X_RESOLUTION = 282,
  TAG_Y_RESOLUTION = 283,
  TAG_PLANAR = 284,
  TAG_RESOLUTION_UNIT = 296,
  TAG_PREDICTOR = 317,
  TAG_COLORS = 320,
  TAG_TILE_WIDTH = 322,
  TAG_TILE_HEIGHT = 323,
  TAG_TILE_OFFSETS = 324,
  TAG_TILE_COUNTS = 325,
  TAG_EXTRA_SAMPLES = 338,
  TAG_FORMAT = 339
};

/* ---- directories ---- */

static uint64_t load_offset(const nsc_tiff *t, const uint8_t *p) {
  return t->big ? nsc_load_u64(p, t->big_endian) : nsc_load_u32(p, t->big_endian);
}

/* Bytes of one value by its type (section 2, and BigTIFF's 16 to 18); 0 for types that nobody knows. */
static uint32_t type_bytes(uint16_t type) {
  static const uint8_t sizes[19] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < sizeof sizes ? sizes[type] : 0;
}

/* The entries of a directory: where the first is and how many there are. False when they are not in the file. */
static bool directory(const nsc_tiff *t, uint64_t at, size_t *first, uint64_t *count) {
  uint32_t head = t->big ? 8 : 2, each = t->big ? 20 : 12;
  nsc_reader r = nsc_reader_of(t->bytes, t->size);
  if (!nsc_reader_take(&r, at)) return false;
  const uint8_t *p = nsc_reader_take(&r, head);
  if (!p) return false;
  *count = t->big ? nsc_load_u64(p, t->big_endian) : nsc_load_u16(p, t->big_endian);
  *first = r.at;
  return *count <= nsc_reader_left(&r) / each && nsc_reader_left(&r) - *count * each >= (t->big ? 8 : 4);
}

uint64_t nsc_tiff_directory_bytes(const nsc_tiff *t, uint64_t at) {
  size_t first;
  uint64_t count;
  return directory(t, at, &first, &count) ? first - at + count * (t->big ? 20 : 12) + (t->big ? 8 : 4) : 0;
}

bool nsc_tiff_find(const nsc_tiff *t, uint64_t at, uint16_t tag, nsc_tiff_entry *out) {
  size_t first;
  uint64_t count, bytes;
  uint32_t each = t->big ? 20 : 12, inline_room = t->big ? 8 : 4;
  if (!directory(t, at, &first, &count)) return false;
  for (uint64_t i = 0; i < count; i++) {
    const uint8_t *p = t->bytes + first + (size_t)i * each;
    if (nsc_load_u16(p, t->big_endian) != tag) continue;
    nsc_tiff_entry e = {.type = nsc_load_u16(p + 2, t->big_endian), .count = load_offset(t, p + 4)};
    uint64_t place = (uint64_t)(p - t->bytes) + (t->big ? 12 : 8);
    if (!type_bytes(e.type) || !nsc_mul_u64(e.count, type_bytes(e.type), &bytes)) return false;
    if (bytes > inline_room) place = load_offset(t, t->bytes + place);
    if (place > t->size || bytes > t->size - place) return false;
    e.at = (size_t)place;
    *out = e;
    return true;
  }
  return false;
}

bool nsc_tiff_value(const nsc_tiff *t, const nsc_tiff_entry *e, uint64_t index, uint64_t *out) {
  if (index >= e->count) return false;
  const uint8_t *p = t->bytes + e->at + (size_t)index * type_bytes(e->type);
  switch (e->type) {
    case 1:
      *out = *p;
      return true;
    case 3:
      *out = nsc_load_u16(p, t->big_endian);
      return true;
    case 4:
    case 13:
      *out = nsc_load_u32(p, t->big_endian);
      return true;
    case 16:
    case 18:
      *out = nsc_load_u64(p, t->big_endian);
      return true;
    default:
      return false;
  }
}

static uint64_t number(const nsc_tiff *t, uint64_t at, uint16_t tag, uint64_t otherwise) {
  nsc_tiff_entry e;
  uint64_t value;
  return nsc_tiff_find(t, at, tag, &e) && nsc_tiff_value(t, &e, 0, &value) ? value : otherwise;
}

/* The same, where more than 32 bits are as wrong as any other value that is none. */
static uint32_t small_number(const nsc_tiff *t, uint64_t at, uint16_t tag, uint32_t otherwise) {
  uint64_t value = number(t, at, tag, otherwise);
  return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* A RATIONAL, or 0. */
static double rational(const nsc_tiff *t, uint64_t at, uint16_t tag) {
  nsc_tiff_entry e;
  if (!nsc_tiff_find(t, at, tag, &e) || e.type != 5 || e.count == 0) return 0;
  double above = nsc_load_u32(t->bytes + e.at, t->big_endian), below = nsc_load_u32(t->bytes + e.at + 4, t->big_endian);
  return below > 0 ? above / below : 0;
}

/* ---- what the tags mean ---- */

static nsc_status check_compression(const nsc_tiff_page *p, nsc_error *err) {
  static const struct {
    uint32_t code;
    const char *name; /* NULL: read here */
  } known[] = {{NSC_TIFF_NONE, NULL},
               {NSC_TIFF_LZW, NULL},
               {NSC_TIFF_DEFLATE, NULL},
               {NSC_TIFF_OLD_DEFLATE, NULL},
               {NSC_TIFF_PACKBITS, NULL},
               {2, "CCITT's of runs of black"},
               {3, "CCITT's for Group 3 fax"},
               {4, "CCITT's for Group 4 fax"},
               {6, "JPEG (in its first form)"},
               {7, "JPEG"},
               {33003, "JPEG 2000"},
               {33005, "JPEG 2000"},
               {34712, "JPEG 2000"},
               {34887, "LERC"},
               {34925, "LZMA"},
               {50000, "Zstandard"},
               {50001, "WebP"},
               {50002, "JPEG XL"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].code != p->compression) continue;
    if (!known[i].name) return NSC_OK;
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: the compression %s is not supported", known[i].name);
  }
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: compression number %u is not supported", p->compression);
}

static nsc_status check_grey_type(nsc_tiff_page *p, nsc_error *err) {
  static const char *const formats[] = {"", "unsigned", "signed", "floating-point"};
  p->channels = 1;
  if (p->format == 1 && (p->bits == 1 || p->bits == 2 || p->bits == 4 || p->bits == 8)) {
    p->type = NSC_SAMPLE_U8;
  } else if (p->format == 2 && p->bits == 8) {
    p->type = NSC_SAMPLE_I8;
  } else if (p->bits == 16 && p->format <= 2) {
    p->type = p->format == 1 ? NSC_SAMPLE_U16 : NSC_SAMPLE_I16;
  } else if (p->bits == 32) {
    p->type = p->format == 1 ? NSC_SAMPLE_U32 : p->format == 2 ? NSC_SAMPLE_I32 : NSC_SAMPLE_F32;
  } else if (p->bits == 64 && p->format == 3) {
    p->type = NSC_SAMPLE_F64;
  } else {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: grey of %u bits, %s, is not supported", p->bits,
                    formats[p->format]);
  }
  return NSC_OK;
}

static nsc_status check_color(nsc_tiff_page *p, nsc_error *err) {
  p->channels = 3;
  p->type = p->bits == 16 ? NSC_SAMPLE_U16 : NSC_SAMPLE_U8;
  if (p->photometric == 3) {
    if (p->format != 1 || p->samples != 1 || (p->bits != 1 && p->bits != 2 && p->bits != 4 && p->bits != 8)) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: a palette with samples of %u bits is not supported", p->bits);
    }
    p->type = NSC_SAMPLE_U8;
    if (p->colors.type != 3 || p->colors.count < 3u << p->bits) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: the palette is missing or too small");
    }
    return NSC_OK;
  }
  if (p->samples < 3) return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: RGB of %u samples", p->samples);
  if (p->format == 1 && (p->bits == 8 || p->bits == 16)) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: RGB of %u bits a sample, or not unsigned, is not supported",
                  p->bits);
}

static nsc_status check_kind(nsc_tiff_page *p, nsc_error *err) {
  static const char *const names[] = {NULL, NULL, NULL, NULL, "masks", "CMYK", "YCbCr", NULL, "CIE L*a*b*"};
  NSC_TRY(check_compression(p, err));
  if (p->photometric > 3) {
    const char *name = p->photometric <= 8 && names[p->photometric] ? names[p->photometric] : "of this kind";
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: pictures %s (photometric %u) are not supported", name,
                    p->photometric);
  }
  if (p->samples < 1 || p->samples > NSC_TIFF_MAX_SAMPLES || p->format < 1 || p->format > 3) {
    if (p->format == 4) p->format = 1; /* "undefined" is written for plain grey */
    if (p->samples < 1 || p->samples > NSC_TIFF_MAX_SAMPLES || p->format < 1 || p->format > 3) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: %u samples a pixel of sample format %u are not supported",
                      p->samples, p->format);
    }
  }
  if (p->photometric >= 2) {
    NSC_TRY(check_color(p, err));
  } else {
    NSC_TRY(check_grey_type(p, err));
  }
  if (p->bits < 8 && p->samples > 1) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: several samples of %u bits a pixel are not supported", p->bits);
  }
  if (p->predictor > 2 || (p->predictor == 2 && p->bits < 8)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: the predictor %s of %u bits is not supported",
                    p->predictor == 3 ? "for floating point" : "number 2 or above", p->bits);
  }
  if (p->fill_order == 2 && (p->bits != 1 || p->compression != NSC_TIFF_NONE)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: bits in reversed order are not supported here");
  }
  return NSC_OK;
}

static nsc_status read_layout(const nsc_tiff *t, uint64_t at, nsc_tiff_page *p, nsc_error *err) {
  p->tiled = nsc_tiff_find(t, at, TAG_TILE_OFFSETS, &p->offsets);
  if (p->tiled) {
    p->chunk_width = number(t, at, TAG_TILE_WIDTH, 0);
    p->chunk_height = number(t, at, TAG_TILE_HEIGHT, 0);
    if (!nsc_tiff_find(t, at, TAG_TILE_COUNTS, &p->counts)) p->counts.count = 0;
  } else {
    if (!nsc_tiff_find(t, at, TAG_STRIP_OFFSETS, &p->offsets)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: a page without strips or tiles inside the file");
    }
    p->chunk_width = p->width;
    p->chunk_height = number(t, at, TAG_ROWS_PER_STRIP, p->height);
    if (p->chunk_height > p->height) p->chunk_height = p->height;
    if (!nsc_tiff_find(t, at, TAG_STRIP_COUNTS, &p->counts)) p->counts.count = 0;
  }
  bool none = p->chunk_width == 0 || p->chunk_height == 0;
  if (none || p->chunk_width > 65536 || p->chunk_height > 65536) {
    return nsc_fail(err, none ? NSC_ERROR_CORRUPT : NSC_ERROR_LIMIT, "TIFF: strips or tiles of %llu x %llu pixels",
                    (unsigned long long)p->chunk_width, (unsigned long long)p->chunk_height);
  }
  p->across = (p->width + p->chunk_width - 1) / p->chunk_width;
  p->down = (p->height + p->chunk_height - 1) / p->chunk_height;
  uint64_t chunks = p->across * p->down * (p->planar ? p->samples : 1); /* sides were checked: below 2^36 */
  if (p->offsets.count < chunks || (p->counts.count && p->counts.count < chunks)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: %llu strips or tiles are needed, the file lists %llu",
                    (unsigned long long)chunks, (unsigned long long)p->offsets.count);
  }
  if (!p->counts.count && (p->compression != NSC_TIFF_NONE)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: the sizes of compressed strips or tiles are missing");
  }
  return NSC_OK;
}

/* Where the unit is the centimetre, as microscopes write it. Inches are of printing, 72 or 300 of them whatever is
   shown: a length measured by them would be false. */
static void read_spacing(const nsc_tiff *t, uint64_t at, nsc_tiff_page *p) {
  double x = rational(t, at, TAG_X_RESOLUTION), y = rational(t, at, TAG_Y_RESOLUTION);
  if (number(t, at, TAG_RESOLUTION_UNIT, 2) != 3 || !(x > 0) || !(y > 0)) return;
  p->spacing_x = 10 / x;
  p->spacing_y = 10 / y;
}

static nsc_status check_bits(const nsc_tiff *t, uint64_t at, const nsc_tiff_page *p, nsc_error *err) {
  nsc_tiff_entry bits;
  uint64_t value;
  if (!nsc_tiff_find(t, at, TAG_BITS, &bits)) return NSC_OK;
  for (uint64_t i = 1; i < p->samples && nsc_tiff_value(t, &bits, i, &value); i++) {
    if (value != p->bits) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "TIFF: samples of different sizes in a pixel");
  }
  return NSC_OK;
}

nsc_status nsc_tiff_read_page(const nsc_tiff *t, uint64_t at, nsc_tiff_page *page, uint64_t *next, nsc_error *err) {
  size_t first;
  uint64_t count;
  if (!directory(t, at, &first, &count)) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: the directory at byte %llu is not in the file",
                    (unsigned long long)at);
  }
  *next = load_offset(t, t->bytes + first + (size_t)count * (t->big ? 20 : 12));
  nsc_tiff_page p = {.width = number(t, at, TAG_WIDTH, 0),
                     .height = number(t, at, TAG_HEIGHT, 0),
                     .bits = small_number(t, at, TAG_BITS, 1),
                     .samples = small_number(t, at, TAG_SAMPLES, 1),
                     .format = small_number(t, at, TAG_FORMAT, 1),
                     .photometric = small_number(t, at, TAG_PHOTOMETRIC, 1),
                     .compression = small_number(t, at, TAG_COMPRESSION, 1),
                     .predictor = small_number(t, at, TAG_PREDICTOR, 1),
                     .fill_order = small_number(t, at, TAG_FILL_ORDER, 1),
                     .orientation = small_number(t, at, TAG_ORIENTATION, 1),
                     .planar = number(t, at, TAG_PLANAR, 1) == 2,
                     .reduced = (number(t, at, TAG_SUBFILE, 0) & 5) != 0};
  if (p.width == 0 || p.height == 0 || p.width > 65536 * 16 || p.height > 65536 * 16) {
    return nsc_fail(err, p.width && p.height ? NSC_ERROR_LIMIT : NSC_ERROR_CORRUPT,
                    "TIFF: a page of %llu x %llu pixels", (unsigned long long)p.width, (unsigned long long)p.height);
  }
  p.planar = p.planar && p.samples > 1;
  if (p.orientation < 1 || p.orientation > 8) p.orientation = 1; /* 0 is written by some for "none" */
  if (!nsc_tiff_find(t, at, TAG_COLORS, &p.colors)) p.colors.type = 0;
  NSC_TRY(check_kind(&p, err));
  NSC_TRY(check_bits(t, at, &p, err));
  NSC_TRY(read_layout(t, at, &p, err));
  nsc_tiff_entry extra;
  uint64_t meaning = 0;
  bool has_extra = nsc_tiff_find(t, at, TAG_EXTRA_SAMPLES, &extra) && nsc_tiff_value(t, &extra, 0, &meaning);
  p.unassociated_alpha = has_extra && meaning == 2 && p.photometric != 3 && p.samples > p.channels && p.format == 1 &&
                         (p.bits == 8 || p.bits == 16);
  read_spacing(t, at, &p);
  *page = p;
  return NSC_OK;
}

/* ---- chunks ---- */

size_t nsc_tiff_row_bytes(const nsc_tiff_page *p) {
  uint32_t samples = p->planar ? 1 : p->samples;
  return (size_t)((p->chunk_width * samples * p->bits + 7) / 8);
}

size_t nsc_tiff_chunk_bytes(const nsc_tiff_page *p) {
  return nsc_tiff_row_bytes(p) * (size_t)p->chunk_height;
}

nsc_status nsc_tiff_chunk(const nsc_tiff *t, const nsc_tiff_page *p, uint64_t index, const uint8_t **bytes,
                          size_t *size, nsc_error *err) {
  uint64_t offset, count = nsc_tiff_chunk_bytes(p);
  uint64_t row = index % (p->across * p->down) / p->across, rows = p->height - row * p->chunk_height;
  /* Without sizes, or where one says 0, an uncompressed chunk takes what it must; the last strip has fewer rows. */
  if (!p->tiled && rows < p->chunk_height) count = nsc_tiff_row_bytes(p) * rows;
  uint64_t whole = count;
  if (p->counts.count && !nsc_tiff_value(t, &p->counts, index, &count)) count = UINT64_MAX;
  if (p->compression == NSC_TIFF_NONE && count > whole) count = whole;
  if (!nsc_tiff_value(t, &p->offsets, index, &offset)) offset = UINT64_MAX;
  if (offset > t->size || count > t->size - offset) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: strip or tile %llu is not inside the file",
                    (unsigned long long)index);
  }
  if (count == 0 || (p->compression == NSC_TIFF_NONE && count < whole)) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: strip or tile %llu has %llu of %llu bytes",
                    (unsigned long long)index, (unsigned long long)count, (unsigned long long)whole);
  }
  *bytes = t->bytes + offset;
  *size = (size_t)count;
  return NSC_OK;
}
