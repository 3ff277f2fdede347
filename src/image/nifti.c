/*
 * NIfTI-1 (nifti1.h, 2007) and NIfTI-2 (nifti2.h, 2011): one header in two widths. Read into the wider of the two, then
 * alike. Coordinates are RAS+; an affine is sform, else qform, else there is none.
 *
 * Pairs of two files, header and samples, and Analyze 7.5, which has but those, are read from both joined: the .hdr,
 * then the .img. Analyze says nothing reliable of how its axes lie in the patient, so that nothing is made of it here;
 * its samples are scaled as SPM does, which put a factor where NIfTI has its slope.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/source.h"
#include "base/text.h"
#include "image/volume.h"

enum {
  HEADER_1 = 348,
  HEADER_2 = 540,
  PIXELS_1 = 352,
  PIXELS_2 = 544 /* with the four bytes that announce extensions */
};

/* The fields that are looked at, in NIfTI-2's widths. */
typedef struct nifti {
  bool two, big_endian, pair, analyze;
  int64_t dim[8];
  int32_t datatype, intent_code, qform_code, sform_code, xyzt_units;
  double pixdim[8], vox_offset, slope, inter, cal_min, cal_max, toffset;
  double quatern[3], qoffset[3], srow[3][4];
  const char *descrip, *aux_file, *intent_name; /* 80, 24 and 16 bytes, not terminated when full */
} nifti;

typedef enum kind { KIND_NONE, KIND_SINGLE_1, KIND_PAIR_1, KIND_SINGLE_2, KIND_PAIR_2, KIND_ANALYZE } kind;

/* The size of the header tells the byte order. */
static bool begins_with(const uint8_t *bytes, uint32_t number, bool *big_endian) {
  *big_endian = nsc_load_u32(bytes, true) == number;
  return *big_endian || nsc_load_u32(bytes, false) == number;
}

static kind kind_of(const uint8_t *bytes, size_t size, bool *big_endian) {
  static const uint8_t seal[4] = {'\r', '\n', 0x1A, '\n'};
  if (size >= 12 && begins_with(bytes, HEADER_2, big_endian) && memcmp(bytes + 8, seal, 4) == 0) {
    if (memcmp(bytes + 4, "n+2", 4) == 0) return KIND_SINGLE_2;
    if (memcmp(bytes + 4, "ni2", 4) == 0) return KIND_PAIR_2;
  }
  if (size < HEADER_1 || !begins_with(bytes, HEADER_1, big_endian)) return KIND_NONE;
  if (memcmp(bytes + 344, "n+1", 4) == 0) return KIND_SINGLE_1;
  if (memcmp(bytes + 344, "ni1", 4) == 0) return KIND_PAIR_1;
  uint16_t dims = nsc_load_u16(bytes + 40, *big_endian);
  return dims >= 1 && dims <= 7 ? KIND_ANALYZE : KIND_NONE;
}

bool nsc_nifti_sniff(const uint8_t *bytes, size_t size) {
  bool big_endian;
  return kind_of(bytes, size, &big_endian) != KIND_NONE;
}

/* ---- the two headers ---- */

static int32_t get_short(const nifti *n, const uint8_t *p) {
  return (int16_t)nsc_load_u16(p, n->big_endian);
}

static int32_t get_int(const nifti *n, const uint8_t *p) {
  return (int32_t)nsc_load_u32(p, n->big_endian);
}

static void get_floats(const nifti *n, const uint8_t *p, uint32_t count, double *out) {
  for (uint32_t i = 0; i < count; i++) out[i] = nsc_load_f32(p + 4 * i, n->big_endian);
}

static void get_doubles(const nifti *n, const uint8_t *p, uint32_t count, double *out) {
  for (uint32_t i = 0; i < count; i++) out[i] = nsc_load_f64(p + 8 * i, n->big_endian);
}

static void read_header_1(nifti *n, const uint8_t *p) {
  for (uint32_t i = 0; i < 8; i++) n->dim[i] = get_short(n, p + 40 + 2 * i);
  n->intent_code = get_short(n, p + 68);
  n->datatype = get_short(n, p + 70);
  get_floats(n, p + 76, 8, n->pixdim);
  get_floats(n, p + 108, 1, &n->vox_offset);
  get_floats(n, p + 112, 1, &n->slope);
  get_floats(n, p + 116, 1, &n->inter);
  n->xyzt_units = p[123];
  get_floats(n, p + 124, 1, &n->cal_max);
  get_floats(n, p + 128, 1, &n->cal_min);
  get_floats(n, p + 136, 1, &n->toffset);
  n->descrip = (const char *)p + 148;
  n->aux_file = (const char *)p + 228;
  n->qform_code = get_short(n, p + 252);
  n->sform_code = get_short(n, p + 254);
  get_floats(n, p + 256, 3, n->quatern);
  get_floats(n, p + 268, 3, n->qoffset);
  get_floats(n, p + 280, 12, n->srow[0]);
  n->intent_name = (const char *)p + 328;
}

static void read_header_2(nifti *n, const uint8_t *p) {
  n->datatype = get_short(n, p + 12);
  for (uint32_t i = 0; i < 8; i++) n->dim[i] = (int64_t)nsc_load_u64(p + 16 + 8 * i, n->big_endian);
  get_doubles(n, p + 104, 8, n->pixdim);
  uint64_t offset = nsc_load_u64(p + 168, n->big_endian);
  n->vox_offset = offset <= INT64_MAX ? (double)offset : -1;
  get_doubles(n, p + 176, 1, &n->slope);
  get_doubles(n, p + 184, 1, &n->inter);
  get_doubles(n, p + 192, 1, &n->cal_max);
  get_doubles(n, p + 200, 1, &n->cal_min);
  get_doubles(n, p + 216, 1, &n->toffset);
  n->descrip = (const char *)p + 240;
  n->aux_file = (const char *)p + 320;
  n->qform_code = get_int(n, p + 344);
  n->sform_code = get_int(n, p + 348);
  get_doubles(n, p + 352, 3, n->quatern);
  get_doubles(n, p + 376, 3, n->qoffset);
  get_doubles(n, p + 400, 12, n->srow[0]);
  n->xyzt_units = get_int(n, p + 500);
  n->intent_code = get_int(n, p + 504);
  n->intent_name = (const char *)p + 508;
}

/* dbh.h of Analyze 7.5, where it differs from what became NIfTI: no codes of any kind, only SPM's factor. */
static void forget_what_nifti_added(nifti *n) {
  n->analyze = true;
  n->intent_code = n->qform_code = n->sform_code = 0;
  n->xyzt_units = 0;
  n->inter = n->toffset = 0;
  n->intent_name = "";
}

static nsc_status read_header(nifti *n, const uint8_t *bytes, size_t size, nsc_error *err) {
  kind kind = kind_of(bytes, size, &n->big_endian);
  n->pair = kind == KIND_PAIR_1 || kind == KIND_PAIR_2 || kind == KIND_ANALYZE;
  n->two = kind == KIND_SINGLE_2 || kind == KIND_PAIR_2;
  if (!n->two) {
    read_header_1(n, bytes);
    if (kind == KIND_ANALYZE) forget_what_nifti_added(n);
    return NSC_OK;
  }
  if (size < HEADER_2) return nsc_fail(err, NSC_ERROR_TRUNCATED, "NIfTI-2: the header is cut off");
  read_header_2(n, bytes);
  return NSC_OK;
}

/* ---- samples ---- */

static nsc_status read_type(const nifti *n, nsc_volume *v, nsc_error *err) {
  static const struct {
    int16_t code;
    int8_t type; /* nsc_sample_type, or -1 */
    const char *name;
  } types[] = {
      {2, NSC_SAMPLE_U8, "uint8"},
      {256, NSC_SAMPLE_I8, "int8"},
      {512, NSC_SAMPLE_U16, "uint16"},
      {4, NSC_SAMPLE_I16, "int16"},
      {768, NSC_SAMPLE_U32, "uint32"},
      {8, NSC_SAMPLE_I32, "int32"},
      {16, NSC_SAMPLE_F32, "float32"},
      {64, NSC_SAMPLE_F64, "float64"},
      {128, NSC_SAMPLE_U8, "RGB24"},
      {1, -1, "binary"},
      {1024, -1, "int64"},
      {1280, -1, "uint64"},
      {1536, -1, "float128"},
      {32, -1, "complex64"},
      {1792, -1, "complex128"},
      {2048, -1, "complex256"},
      {2304, -1, "RGBA32"},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (types[i].code != n->datatype) continue;
    if (types[i].type < 0) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NIfTI: samples of type %s are not supported", types[i].name);
    }
    v->type = (nsc_sample_type)types[i].type;
    v->channels = n->datatype == 128 ? 3 : 1;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_CORRUPT, "NIfTI: there is no data type %d", n->datatype);
}

static nsc_status read_sizes(const nifti *n, nsc_volume *v, nsc_error *err) {
  if (n->dim[0] < 1 || n->dim[0] > 7) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "NIfTI: the image has %lld dimensions", (long long)n->dim[0]);
  }
  for (int i = 1; i <= n->dim[0]; i++) {
    if (n->dim[i] < 1) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "NIfTI: dimension %d has the size %lld", i, (long long)n->dim[i]);
    }
    if (i <= 4) {
      v->size[i - 1] = (uint64_t)n->dim[i];
    } else if (n->dim[i] > 1) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NIfTI: images of %d dimensions are not supported, only up to 4", i);
    }
  }
  return NSC_OK;
}

/* Where samples begin that follow a header of their own file: the end of what is there says how long that was. */
static nsc_status find_samples_of_pair(const nifti *n, const uint8_t *bytes, size_t size, nsc_volume *v,
                                       nsc_error *err) {
  const char *what = n->analyze ? "Analyze 7.5" : "NIfTI";
  size_t header = n->two ? HEADER_2 : HEADER_1;
  uint64_t need = nsc_sample_size(v->type) * v->channels, offset;
  bool fits = n->vox_offset >= 0 && n->vox_offset < 1e15 && n->vox_offset == floor(n->vox_offset);
  for (int a = 0; a < NSC_VOLUME_AXES; a++) fits = fits && nsc_mul_u64(need, v->size[a], &need);
  fits = fits && !__builtin_add_overflow(need, (uint64_t)n->vox_offset, &need);
  if (size <= header + 4) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "%s: this is the header (.hdr) of a pair; the samples are in its .img file. Open both together",
                    what);
  }
  offset = size - need; /* 348, with the four bytes that may follow 352; likewise of NIfTI-2 */
  if (!fits || need > size || (offset != header && offset != header + 4)) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "%s: the header asks for %llu bytes of samples, its .img file has %zu",
                    what, (unsigned long long)need, size - header);
  }
  v->bytes = bytes + (size_t)(offset + (uint64_t)n->vox_offset);
  v->available = size - offset - (uint64_t)n->vox_offset;
  v->big_endian = n->big_endian;
  return NSC_OK;
}

static nsc_status find_samples(const nifti *n, const uint8_t *bytes, size_t size, nsc_volume *v, nsc_error *err) {
  if (n->pair) return find_samples_of_pair(n, bytes, size, v, err);
  double least = n->two ? PIXELS_2 : PIXELS_1, offset = n->vox_offset;
  if (offset == 0) offset = least; /* some writers leave it out */
  if (!(offset >= least) || offset != floor(offset)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "NIfTI: the samples begin at byte %g, inside the header", n->vox_offset);
  }
  if (offset > (double)size) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "NIfTI: the samples begin at byte %.0f, the file has %zu", offset, size);
  }
  v->bytes = bytes + (size_t)offset;
  v->available = size - (size_t)offset;
  v->big_endian = n->big_endian;
  return NSC_OK;
}

/* ---- space and values ---- */

/* nifti1.h, "METHOD 2": b, c, d of a unit quaternion, pixdim[0] for the direction of the third axis. */
static void from_quaternion(const nifti *n, double m[3][4]) {
  double b = n->quatern[0], c = n->quatern[1], d = n->quatern[2], a = 1 - (b * b + c * c + d * d);
  if (a < 1e-7) { /* rounding of the file's floats: a turn by 180 degrees */
    double length = sqrt(b * b + c * c + d * d);
    b /= length, c /= length, d /= length;
    a = 0;
  } else {
    a = sqrt(a);
  }
  const double rotation[3][3] = {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                                 {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                                 {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b}};
  for (int r = 0; r < 3; r++) {
    for (int k = 0; k < 3; k++) m[r][k] = rotation[r][k] * fabs(n->pixdim[k + 1]);
    if (n->pixdim[0] < 0) m[r][2] = -m[r][2];
    m[r][3] = n->qoffset[r];
  }
}

/* Lengths in mm: nifti1.h, xyzt_units. Files that do not name their unit mean millimetres. */
static double read_units(const nifti *n, nsc_volume *v) {
  switch (n->xyzt_units & 7) {
    case 1:
      v->units = "m";
      return 1000;
    case 2:
      v->units = "mm";
      return 1;
    case 3:
      v->units = "um";
      return 0.001;
    default:
      return 1;
  }
}

static void read_space(const nifti *n, nsc_volume *v) {
  double mm = read_units(n, v);
  for (int a = 0; a < 3; a++) {
    double spacing = fabs(n->pixdim[a + 1]) * mm;
    v->spacing[a] = a < n->dim[0] && isfinite(spacing) ? spacing : 0;
  }
  static const double milliseconds[4] = {0, 1000, 1, 0.001}; /* by xyzt_units: none, s, ms, us */
  int unit = n->xyzt_units >> 3 & 7;
  double time = n->dim[0] >= 4 && unit < 4 ? n->pixdim[4] * milliseconds[unit] : 0;
  v->time_ms = isfinite(time) && time > 0 ? time : 0;
  if (n->sform_code > 0) {
    memcpy(v->affine, n->srow, sizeof v->affine);
    v->affine_from = "sform";
  } else if (n->qform_code > 0) {
    from_quaternion(n, v->affine);
    v->affine_from = "qform";
  }
  v->has_affine = v->affine_from != NULL;
  for (int r = 0; r < 3; r++) {
    for (int c = 0; c < 4; c++) v->affine[r][c] *= mm;
  }
}

/* Slope and intercept, and cal_min..cal_max as a window over what they give. */
static nsc_status read_values(const nifti *n, nsc_image *image, nsc_error *err) {
  if (n->slope != 0 && isfinite(n->slope) && isfinite(n->inter) && n->datatype != 128) {
    image->slope = n->slope;
    image->intercept = n->inter;
  }
  if (!(n->cal_max > n->cal_min) || !isfinite(n->cal_max - n->cal_min)) return NSC_OK;
  image->windows = calloc(1, sizeof *image->windows);
  if (!image->windows) return nsc_fail_memory(err, sizeof *image->windows, "a window");
  image->info.window_count = 1;
  image->windows[0] = (nsc_window){.function = NSC_VOI_LINEAR_EXACT,
                                   .center = n->cal_min + (n->cal_max - n->cal_min) / 2,
                                   .width = n->cal_max - n->cal_min};
  return NSC_OK;
}

/* ---- what people read ---- */

static const char *intent_text(int32_t code) {
  static const struct {
    int16_t code;
    const char *name;
  } names[] = {{2, "correlation"},      {3, "t statistic"},
               {4, "F statistic"},      {5, "z score"},
               {6, "chi-squared"},      {7, "beta"},
               {8, "binomial"},         {9, "gamma"},
               {10, "Poisson"},         {11, "normal"},
               {22, "p value"},         {23, "log p value"},
               {24, "log10 p value"},   {1001, "estimate"},
               {1002, "labels"},        {1003, "names of regions"},
               {1004, "matrices"},      {1005, "symmetric matrices"},
               {1006, "displacements"}, {1007, "vectors"},
               {1008, "points"},        {1009, "triangles"},
               {1010, "quaternions"},   {1011, "without dimension"},
               {2001, "time series"},   {2002, "node indices"},
               {2003, "RGB vectors"},   {2004, "RGBA vectors"},
               {2005, "shape"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].code == code) return names[i].name;
  }
  return NULL;
}

static void add_numbers(nsc_volume *v, const char *name, const double *values, int count) {
  nsc_text line = {0};
  for (int i = 0; i < count; i++) {
    if (i) nsc_text_put(&line, " ");
    line.needs_comma = false; /* the shortest digits, not JSON */
    nsc_json_float(&line, (float)values[i]);
  }
  if (line.chars) nsc_volume_add_field(v, name, strlen(name), line.chars, line.size);
  nsc_text_drop(&line);
}

static void add_number(nsc_volume *v, const char *name, double value) {
  add_numbers(v, name, &value, 1);
}

static size_t text_size(const char *chars, size_t room) {
  const char *end = memchr(chars, 0, room);
  size_t size = end ? (size_t)(end - chars) : room;
  while (size > 0 && chars[size - 1] == ' ') size--;
  return size;
}

static char *copy_text(const char *chars, size_t room) {
  size_t size = text_size(chars, room);
  return size ? nsc_copy_chars(chars, size) : NULL;
}

static void add_text(nsc_volume *v, const char *name, const char *chars, size_t room) {
  size_t size = text_size(chars, room);
  if (size) nsc_volume_add_field(v, name, strlen(name), chars, size);
}

static void describe(const nifti *n, nsc_volume *v) {
  double dims[8];
  for (int i = 0; i < 8; i++) dims[i] = (double)n->dim[i];
  if (!n->analyze) add_number(v, "version", n->two ? 2 : 1);
  add_numbers(v, "dim", dims, 8);
  add_number(v, "datatype", n->datatype);
  add_numbers(v, "pixdim", n->pixdim, 8);
  add_number(v, "vox_offset", n->vox_offset);
  add_number(v, "scl_slope", n->slope);
  add_number(v, "scl_inter", n->inter);
  add_number(v, "cal_min", n->cal_min);
  add_number(v, "cal_max", n->cal_max);
  add_number(v, "toffset", n->toffset);
  add_number(v, "xyzt_units", n->xyzt_units);
  add_number(v, "intent_code", n->intent_code);
  add_text(v, "intent_name", n->intent_name, 16);
  add_text(v, "descrip", n->descrip, 80);
  add_text(v, "aux_file", n->aux_file, 24);
  add_number(v, "qform_code", n->qform_code);
  add_numbers(v, "quatern", n->quatern, 3);
  add_numbers(v, "qoffset", n->qoffset, 3);
  add_number(v, "sform_code", n->sform_code);
  static const char *const rows[] = {"srow_x", "srow_y", "srow_z"};
  for (int r = 0; r < 3; r++) add_numbers(v, rows[r], n->srow[r], 4);
  v->description = copy_text(n->descrip, 80);
  const char *intent = intent_text(n->intent_code);
  v->intent = intent ? copy_text(intent, strlen(intent)) : copy_text(n->intent_name, 16);
}

static nsc_status fill(nsc_volume *v, const nsc_source *source, nsc_image *image, nsc_error *err) {
  nifti n = {0};
  NSC_TRY(read_header(&n, source->bytes, source->size, err));
  NSC_TRY(read_sizes(&n, v, err));
  NSC_TRY(read_type(&n, v, err));
  nsc_volume_pack(v);
  NSC_TRY(find_samples(&n, source->bytes, source->size, v, err));
  read_space(&n, v);
  NSC_TRY(read_values(&n, image, err));
  describe(&n, v);
  return NSC_OK;
}

nsc_status nsc_nifti_open(nsc_image *image, nsc_source *source, nsc_error *err) {
  return nsc_volume_open(image, source, fill, "NIfTI", err);
}
