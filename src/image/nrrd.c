/*
 * NRRD with its samples attached (teem.sourceforge.net/nrrd/format.html, versions 1 to 5): raw, gzip, or numbers as
 * text. Axes stand fastest first; which of them lie in space is said by directions or kinds.
 */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/source.h"
#include "image/gzip.h"
#include "image/header_text.h"
#include "image/volume.h"

enum { MAX_LINES = 4096, MAX_AXES = 16 };

typedef enum encoding { ENCODING_NONE, ENCODING_RAW, ENCODING_GZIP, ENCODING_TEXT } encoding;

typedef struct nrrd {
  nsc_reader r;
  nsc_piece type, sizes, encoding, endian, space, directions, origin, spacings, kinds, file, units, content;
  nsc_piece line_skip, byte_skip;
  uint64_t axes;
  uint64_t size[MAX_AXES];
  bool has_direction[MAX_AXES], is_color[MAX_AXES], in_space[MAX_AXES];
  double direction[MAX_AXES][3];
} nrrd;

bool nsc_nrrd_sniff(const uint8_t *bytes, size_t size) {
  return size >= 8 && memcmp(bytes, "NRRD000", 7) == 0 && bytes[7] >= '1' && bytes[7] <= '9';
}

static nsc_status wrong(const char *name, nsc_piece value, nsc_error *err) {
  int size = value.size < 60 ? (int)value.size : 60;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "NRRD: %s is \"%.*s\"", name, size, value.chars ? value.chars : "");
}

static nsc_status take_field(nrrd *n, nsc_piece name, nsc_piece value, nsc_error *err) {
  const struct {
    const char *name;
    nsc_piece *piece;
  } pieces[] = {{"type", &n->type},           {"sizes", &n->sizes},         {"encoding", &n->encoding},
                {"endian", &n->endian},       {"space", &n->space},         {"space directions", &n->directions},
                {"space origin", &n->origin}, {"spacings", &n->spacings},   {"kinds", &n->kinds},
                {"data file", &n->file},      {"datafile", &n->file},       {"space units", &n->units},
                {"content", &n->content},     {"line skip", &n->line_skip}, {"lineskip", &n->line_skip},
                {"byte skip", &n->byte_skip}, {"byteskip", &n->byte_skip}};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    if (nsc_piece_is(name, pieces[i].name)) *pieces[i].piece = value;
  }
  if (!nsc_piece_is(name, "dimension")) return NSC_OK;
  if (!nsc_piece_count(value, &n->axes) || n->axes < 1 || n->axes > MAX_AXES) return wrong("dimension", value, err);
  return NSC_OK;
}

/* Up to the empty line that ends the header. */
static nsc_status read_header(nrrd *n, nsc_volume *v, nsc_error *err) {
  nsc_piece line, name, value;
  for (int i = 0; i < MAX_LINES; i++) {
    if (!nsc_take_line(&n->r, &line)) {
      if (n->file.chars) return NSC_OK; /* a header alone needs no empty line */
      return nsc_fail(err, NSC_ERROR_TRUNCATED, "NRRD: the file ends in its header");
    }
    if (line.size == 0) return NSC_OK;
    if (i == 0 || *line.chars == '#') continue;
    if (nsc_split(line, ":=", &name, &value)) { /* a key of somebody's own */
      nsc_volume_add_field(v, name.chars, name.size, value.chars, value.size);
      continue;
    }
    if (!nsc_split(line, ":", &name, &value)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "NRRD: line %d of the header is no \"field: value\"", i + 1);
    }
    nsc_volume_add_field(v, name.chars, name.size, value.chars, value.size);
    NSC_TRY(take_field(n, name, value, err));
  }
  return nsc_fail(err, NSC_ERROR_LIMIT, "NRRD: the header has more than %d lines", MAX_LINES);
}

static nsc_status read_type(const nrrd *n, nsc_volume *v, nsc_error *err) {
  static const struct {
    const char *name;
    nsc_sample_type type;
  } types[] = {{"uchar", NSC_SAMPLE_U8},
               {"unsigned char", NSC_SAMPLE_U8},
               {"uint8", NSC_SAMPLE_U8},
               {"uint8_t", NSC_SAMPLE_U8},
               {"signed char", NSC_SAMPLE_I8},
               {"int8", NSC_SAMPLE_I8},
               {"int8_t", NSC_SAMPLE_I8},
               {"ushort", NSC_SAMPLE_U16},
               {"unsigned short", NSC_SAMPLE_U16},
               {"unsigned short int", NSC_SAMPLE_U16},
               {"uint16", NSC_SAMPLE_U16},
               {"uint16_t", NSC_SAMPLE_U16},
               {"short", NSC_SAMPLE_I16},
               {"short int", NSC_SAMPLE_I16},
               {"signed short", NSC_SAMPLE_I16},
               {"signed short int", NSC_SAMPLE_I16},
               {"int16", NSC_SAMPLE_I16},
               {"int16_t", NSC_SAMPLE_I16},
               {"uint", NSC_SAMPLE_U32},
               {"unsigned int", NSC_SAMPLE_U32},
               {"uint32", NSC_SAMPLE_U32},
               {"uint32_t", NSC_SAMPLE_U32},
               {"int", NSC_SAMPLE_I32},
               {"signed int", NSC_SAMPLE_I32},
               {"int32", NSC_SAMPLE_I32},
               {"int32_t", NSC_SAMPLE_I32},
               {"float", NSC_SAMPLE_F32},
               {"double", NSC_SAMPLE_F64}};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (!nsc_piece_is(n->type, types[i].name)) continue;
    v->type = types[i].type;
    return NSC_OK;
  }
  int size = n->type.size < 60 ? (int)n->type.size : 60;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NRRD: samples of type \"%.*s\" are not supported", size,
                  n->type.chars ? n->type.chars : "");
}

/* ---- axes ---- */

/* "(1,0,0)" as three numbers; with two, the third is 0. */
static bool read_vector(nsc_piece word, double out[3]) {
  char text[200];
  if (word.size < 3 || word.size >= sizeof text || word.chars[0] != '(' || word.chars[word.size - 1] != ')') {
    return false;
  }
  for (size_t i = 0; i < word.size - 2; i++) text[i] = word.chars[i + 1] == ',' ? ' ' : word.chars[i + 1];
  nsc_piece inner = {text, word.size - 2};
  out[2] = 0;
  return nsc_piece_numbers(inner, out, 3) || nsc_piece_numbers(inner, out, 2);
}

/* The next vector of a list: blanks are allowed within its parentheses. */
static bool take_vector(nsc_piece *rest, nsc_piece *word) {
  while (rest->size > 0 && (*rest->chars == ' ' || *rest->chars == '\t')) rest->chars++, rest->size--;
  const char *end = rest->size > 0 && *rest->chars == '(' ? memchr(rest->chars, ')', rest->size) : NULL;
  if (!end) return nsc_take_word(rest, word);
  *word = (nsc_piece){rest->chars, (size_t)(end - rest->chars) + 1};
  rest->chars += word->size;
  rest->size -= word->size;
  return true;
}

static nsc_status read_axes(nrrd *n, nsc_error *err) {
  nsc_piece sizes = n->sizes, kinds = n->kinds, directions = n->directions, word;
  if (!n->axes) return nsc_fail(err, NSC_ERROR_CORRUPT, "NRRD: the header does not say how many axes there are");
  for (uint64_t a = 0; a < n->axes; a++) {
    if (!nsc_take_word(&sizes, &word) || !nsc_piece_count(word, &n->size[a]) || !n->size[a]) {
      return wrong("sizes", n->sizes, err);
    }
    n->in_space[a] = true;
    if (n->kinds.chars) {
      if (!nsc_take_word(&kinds, &word)) return wrong("kinds", n->kinds, err);
      n->is_color[a] = nsc_piece_is(word, "RGB-color") || nsc_piece_is(word, "3-color");
      n->in_space[a] = nsc_piece_is(word, "domain") || nsc_piece_is(word, "space") || nsc_piece_is(word, "???") ||
                       nsc_piece_is(word, "none");
    }
    if (!n->directions.chars) continue;
    if (!take_vector(&directions, &word)) return wrong("space directions", n->directions, err);
    n->has_direction[a] = n->in_space[a] = !nsc_piece_is(word, "none");
    if (n->in_space[a] && !read_vector(word, n->direction[a])) {
      return wrong("space directions", n->directions, err);
    }
  }
  return NSC_OK;
}

/* Which axis of the file is i, j, k and time; MAX_AXES where there is none. */
static nsc_status place_axes(const nrrd *n, nsc_volume *v, uint32_t of[NSC_VOLUME_AXES], nsc_error *err) {
  uint32_t spatial = 0;
  uint64_t stride = 1;
  for (int a = 0; a < NSC_VOLUME_AXES; a++) of[a] = MAX_AXES;
  for (uint32_t a = 0; a < n->axes; a++) {
    uint64_t here = stride;
    if (!nsc_mul_u64(stride, n->size[a], &stride)) stride = UINT64_MAX; /* larger than any file */
    uint32_t place = NSC_VOLUME_T;
    if (n->is_color[a]) {
      if (a != 0 || n->size[a] != 3 || (v->type != NSC_SAMPLE_U8 && v->type != NSC_SAMPLE_U16)) {
        return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NRRD: colour of %llu samples along axis %u is not supported",
                        (unsigned long long)n->size[a], a);
      }
      v->channels = 3;
      continue;
    }
    if (n->in_space[a] && spatial < 3) place = spatial++;
    if (of[place] != MAX_AXES) {
      if (n->size[a] == 1) continue;
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NRRD: more than three axes in space and one of other things");
    }
    of[place] = a;
    v->size[place] = n->size[a];
    v->stride[place] = here;
  }
  return NSC_OK;
}

static nsc_status read_space(const nrrd *n, nsc_volume *v, const uint32_t of[NSC_VOLUME_AXES], nsc_error *err) {
  static const struct {
    const char *name, *other;
    int x, y; /* signs to RAS+ */
  } spaces[] = {{"right-anterior-superior", "RAS", 1, 1},       {"left-anterior-superior", "LAS", -1, 1},
                {"left-posterior-superior", "LPS", -1, -1},     {"right-anterior-superior-time", "RAST", 1, 1},
                {"left-anterior-superior-time", "LAST", -1, 1}, {"left-posterior-superior-time", "LPST", -1, -1}};
  double origin[3] = {0}, spacings[MAX_AXES];
  nsc_piece rest = n->spacings, word;
  if (n->origin.chars && !read_vector(n->origin, origin)) return wrong("space origin", n->origin, err);
  for (uint32_t a = 0; a < n->axes; a++) {
    spacings[a] = 0;
    if (n->spacings.chars && nsc_take_word(&rest, &word) && !nsc_piece_number(word, &spacings[a])) spacings[a] = 0;
  }
  bool all = true;
  for (int a = 0; a < 3; a++) {
    bool there = of[a] != MAX_AXES;
    all = all && there && n->has_direction[of[a]];
    const double *d = there && n->has_direction[of[a]] ? n->direction[of[a]] : NULL;
    double length = d ? sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) : there ? fabs(spacings[of[a]]) : 0;
    v->spacing[a] = isfinite(length) ? length : 0;
    for (int r = 0; r < 3 && d; r++) v->affine[r][a] = d[r];
  }
  for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
    if (!all || (!nsc_piece_is(n->space, spaces[i].name) && !nsc_piece_is(n->space, spaces[i].other))) continue;
    for (int r = 0; r < 3; r++) v->affine[r][3] = origin[r];
    for (int c = 0; c < 4; c++) {
      v->affine[0][c] *= spaces[i].x;
      v->affine[1][c] *= spaces[i].y;
    }
    v->has_affine = true;
    v->affine_from = "space directions";
  }
  return NSC_OK;
}

/* ---- samples ---- */

static void store(nsc_sample_type type, double value, uint8_t *out) {
  const uint8_t u8 = (uint8_t)(int64_t)value;
  const uint16_t u16 = (uint16_t)(int64_t)value;
  const uint32_t u32 = (uint32_t)(int64_t)value;
  const float f32 = (float)value;
  switch (nsc_sample_size(type)) {
    case 1:
      *out = u8;
      break;
    case 2:
      memcpy(out, &u16, 2);
      break;
    case 4:
      memcpy(out, type == NSC_SAMPLE_F32 ? (const void *)&f32 : (const void *)&u32, 4);
      break;
    default:
      memcpy(out, &value, 8);
      break;
  }
}

/* Numbers between white space. Whole numbers must fit their type. */
static nsc_status read_text(nrrd *n, nsc_volume *v, uint64_t count, nsc_error *err) {
  static const double low[] = {0, -128, 0, -32768, 0, -2147483648.0},
                      high[] = {255, 127, 65535, 32767, 4294967295.0, 2147483647};
  nsc_piece rest = {(const char *)n->r.bytes + n->r.at, nsc_reader_left(&n->r)}, word;
  size_t size = nsc_sample_size(v->type);
  if (count > rest.size) { /* each takes a character at least */
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "NRRD: %llu numbers are announced, the file is shorter",
                    (unsigned long long)count);
  }
  v->owned = malloc((size_t)count * size);
  if (!v->owned) return nsc_fail_memory(err, (size_t)count * size, "samples");
  for (uint64_t i = 0; i < count; i++) {
    double value;
    if (!nsc_take_word(&rest, &word)) {
      return nsc_fail(err, NSC_ERROR_TRUNCATED, "NRRD: the file ends after %llu of %llu numbers", (unsigned long long)i,
                      (unsigned long long)count);
    }
    bool fits = nsc_piece_number(word, &value);
    if (fits && v->type < NSC_SAMPLE_F32)
      fits = value >= low[v->type] && value <= high[v->type] && value == floor(value);
    if (fits && v->type == NSC_SAMPLE_F32) fits = fabs(value) <= 3.4028234663852886e38;
    if (!fits) return wrong("a sample", word, err);
    store(v->type, value, v->owned + (size_t)i * size);
  }
  v->bytes = v->owned;
  v->available = count * size;
  v->big_endian = nsc_host_is_big_endian(); /* as this machine has just written them */
  return NSC_OK;
}

static encoding encoding_of(nsc_piece p) {
  if (nsc_piece_is(p, "raw")) return ENCODING_RAW;
  if (nsc_piece_is(p, "gzip") || nsc_piece_is(p, "gz")) return ENCODING_GZIP;
  if (nsc_piece_is(p, "text") || nsc_piece_is(p, "txt") || nsc_piece_is(p, "ascii")) return ENCODING_TEXT;
  return ENCODING_NONE;
}

/* "line skip": before anything is unpacked. */
static nsc_status skip_lines(nrrd *n, nsc_error *err) {
  uint64_t lines = 0;
  nsc_piece line;
  if (n->line_skip.chars && !nsc_piece_count(n->line_skip, &lines)) return wrong("line skip", n->line_skip, err);
  for (; lines > 0; lines--) {
    if (!nsc_take_line(&n->r, &line)) return nsc_fail(err, NSC_ERROR_TRUNCATED, "NRRD: lines to skip are missing");
  }
  return NSC_OK;
}

/* "byte skip": of what was unpacked; -1 says that the samples end the file. */
static nsc_status skip_bytes(const nrrd *n, encoding e, uint64_t need, nsc_volume *v, nsc_error *err) {
  uint64_t bytes = 0;
  if (nsc_piece_is(n->byte_skip, "-1") && e == ENCODING_RAW) {
    bytes = need <= v->available ? v->available - need : 0;
  } else if (n->byte_skip.chars && !nsc_piece_count(n->byte_skip, &bytes)) {
    return wrong("byte skip", n->byte_skip, err);
  }
  if (bytes > v->available) return nsc_fail(err, NSC_ERROR_TRUNCATED, "NRRD: bytes to skip are missing");
  v->bytes += bytes;
  v->available -= bytes;
  return NSC_OK;
}

static nsc_status find_samples(nrrd *n, nsc_volume *v, nsc_image *image, nsc_error *err) {
  encoding e = encoding_of(n->encoding);
  int shown = (int)(n->encoding.size < 60 ? n->encoding.size : 60);
  if (e == ENCODING_NONE) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NRRD: the encoding \"%.*s\" is not supported", shown,
                    n->encoding.chars ? n->encoding.chars : "");
  }
  uint64_t count = 1, need;
  for (uint64_t a = 0; a < n->axes; a++) {
    if (!nsc_mul_u64(count, n->size[a], &count)) count = UINT64_MAX;
  }
  if (!nsc_mul_u64(count, nsc_sample_size(v->type), &need)) need = UINT64_MAX;
  NSC_TRY(skip_lines(n, err));
  if (e == ENCODING_TEXT) return read_text(n, v, count, err);
  v->big_endian = nsc_piece_is(n->endian, "big");
  if (nsc_sample_size(v->type) > 1 && !v->big_endian && !nsc_piece_is(n->endian, "little")) {
    return wrong("endian", n->endian, err);
  }
  v->bytes = n->r.bytes + n->r.at;
  v->available = nsc_reader_left(&n->r);
  if (e == ENCODING_GZIP) {
    size_t size;
    NSC_TRY(nsc_gunzip(v->bytes, (size_t)v->available, image->limits.max_inflated, "NRRD", &v->owned, &size, err));
    v->bytes = v->owned;
    v->available = size;
  }
  return skip_bytes(n, e, need, v, err);
}

static nsc_status fill(nsc_volume *v, const nsc_source *source, nsc_image *image, nsc_error *err) {
  nrrd n = {.r = nsc_reader_of(source->bytes, source->size)};
  uint32_t of[NSC_VOLUME_AXES];
  NSC_TRY(read_header(&n, v, err));
  if (n.file.chars) {
    int size = n.file.size < 100 ? (int)n.file.size : 100;
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "NRRD: the samples are in another file, \"%.*s\"; one file (.nrrd) of both opens", size,
                    n.file.chars);
  }
  NSC_TRY(read_type(&n, v, err));
  NSC_TRY(read_axes(&n, err));
  NSC_TRY(place_axes(&n, v, of, err));
  NSC_TRY(read_space(&n, v, of, err));
  v->description = nsc_piece_copy(n.content);
  return find_samples(&n, v, image, err);
}

nsc_status nsc_nrrd_open(nsc_image *image, nsc_source *source, nsc_error *err) {
  return nsc_volume_open(image, source, fill, "NRRD", err);
}
