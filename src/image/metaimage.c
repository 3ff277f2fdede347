/*
 * MetaImage with its samples in the same file (.mha): the header of MetaIO, "name = value" a line, which ends with
 * ElementDataFile. Coordinates are ITK's LPS+; a row of TransformMatrix is the direction of one axis.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/source.h"
#include "image/gzip.h"
#include "image/header_text.h"
#include "image/volume.h"

enum { MAX_LINES = 4096, MAX_DIMS = 4 };

typedef struct meta {
  nsc_reader r;
  uint64_t dims, channels, packed_size;
  nsc_piece size, type, spacing, element_size, matrix, offset, axes, file, slope, intercept, comment, modality;
  bool is_text, is_packed, big_endian;
} meta;

bool nsc_metaimage_sniff(const uint8_t *bytes, size_t size) {
  nsc_reader r = nsc_reader_of(bytes, size);
  nsc_piece line, name, value;
  for (int i = 0; i < 8 && nsc_take_line(&r, &line); i++) { /* comments may stand before */
    if (!nsc_split(line, "=", &name, &value)) return false;
    if (nsc_piece_is(name, "ObjectType")) return nsc_piece_is(value, "Image");
    if (nsc_piece_is(name, "NDims")) return nsc_piece_count(value, &(uint64_t){0});
    if (!nsc_piece_is(name, "Comment") && !nsc_piece_is(name, "ObjectSubType") && !nsc_piece_is(name, "Name")) {
      return false;
    }
  }
  return false;
}

/* "True", "T", "1": MetaIO looks at the first letter. */
static bool is_true(nsc_piece p) {
  return p.size > 0 && (p.chars[0] == 'T' || p.chars[0] == 't' || p.chars[0] == '1');
}

static nsc_status wrong(const char *name, nsc_piece value, nsc_error *err) {
  int size = value.size < 60 ? (int)value.size : 60;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "MetaImage: %s is \"%.*s\"", name, size, value.chars);
}

static nsc_status take_field(meta *m, nsc_piece name, nsc_piece value, nsc_error *err) {
  const struct {
    const char *name;
    nsc_piece *piece;
  } pieces[] = {{"DimSize", &m->size},
                {"ElementType", &m->type},
                {"ElementSpacing", &m->spacing},
                {"ElementSize", &m->element_size},
                {"TransformMatrix", &m->matrix},
                {"Rotation", &m->matrix},
                {"Orientation", &m->matrix},
                {"Offset", &m->offset},
                {"Origin", &m->offset},
                {"Position", &m->offset},
                {"AnatomicalOrientation", &m->axes},
                {"ElementDataFile", &m->file},
                {"ElementToIntensityFunctionSlope", &m->slope},
                {"ElementToIntensityFunctionOffset", &m->intercept},
                {"Comment", &m->comment},
                {"Modality", &m->modality}};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    if (nsc_piece_is(name, pieces[i].name)) *pieces[i].piece = value;
  }
  if (nsc_piece_is(name, "NDims") && !nsc_piece_count(value, &m->dims)) return wrong("NDims", value, err);
  if (nsc_piece_is(name, "ElementNumberOfChannels") && !nsc_piece_count(value, &m->channels)) {
    return wrong("ElementNumberOfChannels", value, err);
  }
  if (nsc_piece_is(name, "CompressedDataSize") && !nsc_piece_count(value, &m->packed_size)) m->packed_size = 0;
  if (nsc_piece_is(name, "BinaryData")) m->is_text = !is_true(value);
  if (nsc_piece_is(name, "CompressedData")) m->is_packed = is_true(value);
  if (nsc_piece_is(name, "BinaryDataByteOrderMSB") || nsc_piece_is(name, "ElementByteOrderMSB")) {
    m->big_endian = is_true(value);
  }
  return NSC_OK;
}

static nsc_status read_header(meta *m, nsc_volume *v, nsc_error *err) {
  nsc_piece line, name, value;
  for (int i = 0; i < MAX_LINES && !m->file.chars; i++) {
    if (!nsc_take_line(&m->r, &line)) {
      return nsc_fail(err, NSC_ERROR_TRUNCATED, "MetaImage: the file ends before ElementDataFile");
    }
    if (line.size == 0) continue;
    if (!nsc_split(line, "=", &name, &value)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "MetaImage: line %d of the header is no \"name = value\"", i + 1);
    }
    nsc_volume_add_field(v, name.chars, name.size, value.chars, value.size);
    NSC_TRY(take_field(m, name, value, err));
  }
  if (!m->file.chars) return nsc_fail(err, NSC_ERROR_LIMIT, "MetaImage: the header has more than %d lines", MAX_LINES);
  /* The line that names the samples ends with its own end: without one they have not begun. */
  if (m->r.bytes[m->r.at - 1] != '\n') {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "MetaImage: the file ends in its header");
  }
  return NSC_OK;
}

static nsc_status read_type(const meta *m, nsc_volume *v, nsc_error *err) {
  static const struct {
    const char *name;
    nsc_sample_type type;
  } types[] = {{"MET_UCHAR", NSC_SAMPLE_U8},  {"MET_CHAR", NSC_SAMPLE_I8},   {"MET_USHORT", NSC_SAMPLE_U16},
               {"MET_SHORT", NSC_SAMPLE_I16}, {"MET_UINT", NSC_SAMPLE_U32},  {"MET_INT", NSC_SAMPLE_I32},
               {"MET_FLOAT", NSC_SAMPLE_F32}, {"MET_DOUBLE", NSC_SAMPLE_F64}};
  int size = m->type.size < 60 ? (int)m->type.size : 60;
  const char *chars = m->type.chars ? m->type.chars : "";
  v->channels = m->channels ? (uint32_t)(m->channels < 4 ? m->channels : 4) : 1;
  if (v->channels != 1 && v->channels != 3) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "MetaImage: %llu channels are not supported",
                    (unsigned long long)m->channels);
  }
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (!nsc_piece_is(m->type, types[i].name)) continue;
    v->type = types[i].type;
    bool is_color = v->type == NSC_SAMPLE_U8 || v->type == NSC_SAMPLE_U16;
    if (v->channels == 1 || is_color) return NSC_OK;
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "MetaImage: vectors of %.*s are not supported", size, chars);
  }
  /* MET_LONG has four bytes or eight, by the machine that wrote it. */
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "MetaImage: samples of type \"%.*s\" are not supported", size, chars);
}

static nsc_status read_sizes(const meta *m, nsc_volume *v, nsc_error *err) {
  if (m->dims < 1 || m->dims > MAX_DIMS) {
    return nsc_fail(err, m->dims ? NSC_ERROR_UNSUPPORTED : NSC_ERROR_CORRUPT,
                    "MetaImage: %llu dimensions are not supported, only up to 4", (unsigned long long)m->dims);
  }
  nsc_piece rest = m->size, word;
  for (uint64_t a = 0; a < m->dims; a++) {
    if (!nsc_take_word(&rest, &word) || !nsc_piece_count(word, &v->size[a])) return wrong("DimSize", m->size, err);
  }
  return NSC_OK;
}

/* Without a matrix AnatomicalOrientation says where the axes come from: "RAI" is ITK's x, y, z. */
static bool axes_from_letters(nsc_piece letters, double direction[3][3]) {
  static const char from[] = "RAI", to[] = "LPS";
  bool used[3] = {false};
  if (letters.size != 3) return false;
  for (int a = 0; a < 3; a++) {
    const char *plus = strchr(from, letters.chars[a]), *minus = strchr(to, letters.chars[a]);
    if (!letters.chars[a] || (!plus && !minus)) return false;
    int world = (int)(plus ? plus - from : minus - to);
    if (used[world]) return false;
    used[world] = true;
    direction[a][world] = plus ? 1 : -1;
  }
  return true;
}

static nsc_status read_space(const meta *m, nsc_volume *v, nsc_error *err) {
  double spacing[MAX_DIMS] = {1, 1, 1, 1}, matrix[MAX_DIMS * MAX_DIMS], offset[MAX_DIMS] = {0}, direction[3][3] = {{0}};
  uint32_t n = (uint32_t)m->dims;
  nsc_piece given = m->spacing.chars ? m->spacing : m->element_size;
  if (given.chars && !nsc_piece_numbers(given, spacing, n)) return wrong("ElementSpacing", given, err);
  for (uint32_t a = 0; a < 3 && given.chars; a++) v->spacing[a] = a < n && spacing[a] > 0 ? spacing[a] : 0;
  if (m->offset.chars && !nsc_piece_numbers(m->offset, offset, n)) return wrong("Offset", m->offset, err);
  if (m->matrix.chars) {
    if (!nsc_piece_numbers(m->matrix, matrix, n * n)) return wrong("TransformMatrix", m->matrix, err);
    for (uint32_t a = 0; a < 3 && n >= 3; a++) {
      for (uint32_t w = 0; w < 3; w++) direction[a][w] = matrix[a * n + w];
    }
    v->affine_from = "TransformMatrix";
  } else if (axes_from_letters(m->axes, direction)) {
    v->affine_from = "AnatomicalOrientation";
  }
  v->has_affine = n >= 3 && v->affine_from;
  for (int w = 0; w < 3; w++) {
    for (int a = 0; a < 3; a++) v->affine[w][a] = direction[a][w] * spacing[a];
    v->affine[w][3] = offset[w];
  }
  nsc_volume_from_lps(v);
  return NSC_OK;
}

static nsc_status find_samples(meta *m, nsc_volume *v, nsc_image *image, nsc_error *err) {
  int size = m->file.size < 100 ? (int)m->file.size : 100;
  if (!nsc_piece_is(m->file, "LOCAL")) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "MetaImage: the samples are in another file, \"%.*s\"; one file (.mha) of both opens", size,
                    m->file.chars);
  }
  if (m->is_text) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "MetaImage: samples as text are not supported");
  v->bytes = m->r.bytes + m->r.at;
  v->available = nsc_reader_left(&m->r);
  v->big_endian = m->big_endian;
  if (!m->is_packed) return NSC_OK;
  if (m->packed_size && m->packed_size > v->available) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "MetaImage: %llu bytes of compressed data are announced, there are %llu",
                    (unsigned long long)m->packed_size, (unsigned long long)v->available);
  }
  size_t packed = (size_t)(m->packed_size ? m->packed_size : v->available), unpacked;
  NSC_TRY(nsc_unzlib(v->bytes, packed, image->limits.max_inflated, "MetaImage", &v->owned, &unpacked, err));
  v->bytes = v->owned;
  v->available = unpacked;
  return NSC_OK;
}

static nsc_status read_values(const meta *m, nsc_image *image, nsc_error *err) {
  double slope = 1, intercept = 0;
  if (m->slope.chars && !nsc_piece_number(m->slope, &slope)) {
    return wrong("ElementToIntensityFunctionSlope", m->slope, err);
  }
  if (m->intercept.chars && !nsc_piece_number(m->intercept, &intercept)) {
    return wrong("ElementToIntensityFunctionOffset", m->intercept, err);
  }
  image->slope = slope != 0 ? slope : 1;
  image->intercept = intercept;
  return NSC_OK;
}

static nsc_status fill(nsc_volume *v, const nsc_source *source, nsc_image *image, nsc_error *err) {
  meta m = {.r = nsc_reader_of(source->bytes, source->size)};
  NSC_TRY(read_header(&m, v, err));
  NSC_TRY(read_type(&m, v, err));
  NSC_TRY(read_sizes(&m, v, err));
  nsc_volume_pack(v);
  NSC_TRY(read_space(&m, v, err));
  NSC_TRY(read_values(&m, image, err));
  v->description = nsc_piece_copy(m.comment);
  return find_samples(&m, v, image, err);
}

nsc_status nsc_metaimage_open(nsc_image *image, nsc_source *source, nsc_error *err) {
  return nsc_volume_open(image, source, fill, "MetaImage", err);
}
