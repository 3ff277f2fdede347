/*
 * Volumes as stacks of pictures. Frames are slices along the third axis, time after time. Where the patient's axes are
 * known, a slice is turned as radiologists expect it: columns towards the patient's left or back, rows towards the back
 * or the feet. Only whole columns and rows change places, so every sample stays what it is.
 */
#include "image/volume.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/source.h"
#include "base/text.h"
#include "image/orientation.h"

static void free_volume(void *volume) {
  nsc_volume *v = volume;
  if (!v) return;
  for (uint32_t i = 0; i < v->field_count; i++) {
    free(v->fields[i].name);
    free(v->fields[i].value);
  }
  free(v->fields);
  free(v->description);
  free(v->intent);
  free(v->owned);
  free(v);
}

void nsc_volume_add_field(nsc_volume *v, const char *name, size_t name_size, const char *value, size_t value_size) {
  if (!v->fields) v->fields = calloc(NSC_VOLUME_FIELDS_MAX, sizeof *v->fields);
  if (!v->fields || v->field_count == NSC_VOLUME_FIELDS_MAX) return;
  nsc_volume_field *f = &v->fields[v->field_count];
  f->name = nsc_copy_chars(name, name_size);
  f->value = nsc_copy_chars(value, value_size);
  v->field_count++; /* a name or value without memory is shown as null */
}

void nsc_volume_pack(nsc_volume *v) {
  uint64_t stride = v->channels;
  for (int a = 0; a < NSC_VOLUME_AXES; a++) {
    v->stride[a] = stride;
    /* What does not fit is larger than any file, and is refused when the file's size is looked at. */
    if (!nsc_mul_u64(stride, v->size[a], &stride)) stride = UINT64_MAX;
  }
}

void nsc_volume_from_lps(nsc_volume *v) {
  for (int c = 0; c < 4; c++) {
    for (int r = 0; r < 2; r++) v->affine[r][c] = -v->affine[r][c];
  }
}

/* ---- orientation ---- */

static double column_length(const nsc_volume *v, int axis) {
  double sum = 0;
  for (int r = 0; r < 3; r++) sum += v->affine[r][axis] * v->affine[r][axis];
  return sqrt(sum);
}

/*
 * The world axis that each of i, j, k is nearest to, all different: of the six ways the one with the largest sum of
 * cosines. An affine that squeezes a direction to nothing, or is no number, says nothing.
 */
static bool nearest_axes(const nsc_volume *v, int world[3]) {
  static const int ways[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  double best = -1, length[3];
  for (int a = 0; a < 3; a++) {
    length[a] = column_length(v, a);
    if (!(length[a] > 0) || !isfinite(length[a]) || !isfinite(v->affine[a][3])) return false;
  }
  for (int i = 0; i < 6; i++) {
    double sum = 0;
    for (int a = 0; a < 3; a++) sum += fabs(v->affine[ways[i][a]][a]) / length[a];
    if (sum <= best + 1e-9) continue; /* of equals the one that is nearest to the order in the file */
    best = sum;
    memcpy(world, ways[i], sizeof ways[i]);
  }
  for (int a = 0; a < 3; a++) {
    if (v->affine[world[a]][a] == 0) return false;
  }
  return true;
}

static void find_orientation(nsc_volume *v) {
  static const char positive[] = "RAS", negative[] = "LPI";
  int world[3];
  if (!v->has_affine || !nearest_axes(v, world)) {
    v->has_affine = false;
    return;
  }
  for (int a = 0; a < 3; a++) {
    v->spacing[a] = column_length(v, a);
    v->stored[a] = (v->affine[world[a]][a] > 0 ? positive : negative)[world[a]];
  }
  /* Columns run along left-right, in sagittal slices along front-back; all towards L, P or I. */
  int columns = world[2] == 0 ? 1 : 0;
  v->swapped = world[0] != columns;
  for (int side = 0; side < 2; side++) {
    int axis = side ^ (int)v->swapped;
    v->flipped[side] = v->affine[world[axis]][axis] > 0;
    v->shown[side] = negative[world[axis]];
  }
  v->shown[2] = v->stored[2];
}

/* ---- frames ---- */

/* `pixels` of `bytes_each` bytes, `step` bytes apart. */
#define COPY_PIXELS(bytes_each) \
  for (size_t x = 0; x < pixels; x++, from += step) memcpy(out + x * (bytes_each), from, bytes_each)

static void copy_row(const uint8_t *from, ptrdiff_t step, size_t pixels, size_t bytes_each, uint8_t *out) {
  switch (bytes_each) {
    case 1:
      COPY_PIXELS(1);
      break;
    case 2:
      COPY_PIXELS(2);
      break;
    case 3:
      COPY_PIXELS(3);
      break;
    case 4:
      COPY_PIXELS(4);
      break;
    default:
      COPY_PIXELS(bytes_each);
      break;
  }
}

static void swap_bytes(uint8_t *p, size_t count, size_t bytes_each) {
  for (; count > 0; count--, p += bytes_each) {
    for (size_t i = 0; i < bytes_each / 2; i++) {
      uint8_t low = p[i];
      p[i] = p[bytes_each - 1 - i];
      p[bytes_each - 1 - i] = low;
    }
  }
}

static nsc_status decode_slice(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  (void)err;
  const nsc_volume *v = image->state;
  size_t sample = nsc_sample_size(v->type), pixel = sample * v->channels;
  uint64_t start =
      frame % v->size[NSC_VOLUME_K] * v->stride[NSC_VOLUME_K] + frame / v->size[NSC_VOLUME_K] * v->stride[NSC_VOLUME_T];
  int axes[2] = {v->swapped ? NSC_VOLUME_J : NSC_VOLUME_I, v->swapped ? NSC_VOLUME_I : NSC_VOLUME_J};
  ptrdiff_t step[2]; /* bytes from column to column, from row to row: all inside the file, so they fit */
  for (int side = 0; side < 2; side++) {
    uint64_t stride = v->stride[axes[side]];
    step[side] = v->size[axes[side]] > 1 ? (ptrdiff_t)(stride * sample) : 0;
    if (!v->flipped[side]) continue;
    start += stride * (v->size[axes[side]] - 1);
    step[side] = -step[side];
  }
  const uint8_t *from = v->bytes + (size_t)(start * sample);
  for (uint32_t y = 0; y < image->info.height; y++) {
    uint8_t *row = (uint8_t *)samples + (size_t)y * image->info.width * pixel;
    copy_row(from + (ptrdiff_t)y * step[1], step[0], image->info.width, pixel, row);
  }
  if (sample > 1 && v->big_endian != nsc_host_is_big_endian()) {
    swap_bytes(samples, nsc_image_sample_count(image), sample);
  }
  return NSC_OK;
}

/* ---- what is said of it ---- */

static void write_text(nsc_text *t, const char *key, const char *value) {
  nsc_json_key(t, key);
  nsc_json_string(t, value);
}

static void write_orientation(const nsc_volume *v, nsc_text *t) {
  static const char *const sides[] = {"columns", "rows"};
  nsc_json_key(t, "orientation");
  if (!v->has_affine) {
    nsc_json_null(t);
    nsc_json_key(t, "affine"), nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  write_text(t, "stored", v->stored);
  write_text(t, "from", v->affine_from);
  write_text(t, "shown", v->shown);
  nsc_json_key(t, "swapped"), nsc_json_bool(t, v->swapped);
  nsc_json_key(t, "flipped");
  nsc_json_array(t);
  for (int side = 0; side < 2; side++) {
    if (v->flipped[side]) nsc_json_string(t, sides[side]);
  }
  nsc_json_end_array(t);
  nsc_json_end_object(t);
  nsc_json_key(t, "affine");
  nsc_json_array(t);
  for (int r = 0; r < 3; r++) {
    nsc_json_array(t);
    for (int c = 0; c < 4; c++) nsc_json_number(t, v->affine[r][c] + 0.0); /* no -0 */
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
}

/* Where columns and rows of the picture lead, from the affine, which is RAS+ there and LPS+ here. */
static void write_edges(const nsc_volume *v, nsc_text *t) {
  double toward[2][3];
  nsc_edges edges;
  for (int side = 0; side < 2; side++) {
    int axis = side ^ (int)v->swapped;
    double sign = v->flipped[side] ? -1 : 1;
    for (int r = 0; r < 3; r++) toward[side][r] = (r < 2 ? -sign : sign) * v->affine[r][axis];
  }
  nsc_json_key(t, "edges");
  bool known = v->has_affine && nsc_edges_of_directions(toward[0], toward[1], false, &edges);
  nsc_edges_write(known ? &edges : NULL, t);
}

static void write_fields(const nsc_volume *v, nsc_text *t) {
  nsc_json_key(t, "tags");
  nsc_json_array(t);
  for (uint32_t i = 0; i < v->field_count; i++) {
    nsc_json_object(t);
    write_text(t, "tag", "");
    write_text(t, "vr", "");
    write_text(t, "name", v->fields[i].name);
    write_text(t, "value", v->fields[i].value);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

static void write_volume(const nsc_image *image, nsc_text *t) {
  const nsc_volume *v = image->state;
  nsc_image_write_no_dicom(t);
  nsc_json_key(t, "slices"), nsc_json_int(t, (int64_t)v->size[NSC_VOLUME_K]);
  nsc_json_key(t, "times"), nsc_json_int(t, (int64_t)v->size[NSC_VOLUME_T]);
  nsc_json_key(t, "sliceSpacing"), nsc_json_number(t, v->spacing[2] > 0 ? v->spacing[2] : NAN);
  write_edges(v, t);
  write_orientation(v, t);
  write_text(t, "units", v->units);
  write_text(t, "intent", v->intent);
  write_text(t, "description", v->description);
  write_fields(v, t);
}

/* ---- where frames lie ---- */

/* Directions further from right angles than this (their cosine) are sheared: no picture shows such a slice truly. */
static const double sheared = 0.01;

static bool locate_slice(const nsc_image *image, uint32_t frame, nsc_place *out) {
  const nsc_volume *v = image->state;
  if (!v->has_affine) return false;
  const int axes[2] = {v->swapped ? NSC_VOLUME_J : NSC_VOLUME_I, v->swapped ? NSC_VOLUME_I : NSC_VOLUME_J};
  double *const ways[2] = {out->across, out->down}, first[3] = {0, 0, (double)(frame % v->size[NSC_VOLUME_K])};
  double index[3];
  memcpy(index, first, sizeof index);
  for (int side = 0; side < 2; side++) {
    if (v->flipped[side]) index[axes[side]] = (double)(v->size[axes[side]] - 1);
  }
  for (int r = 0; r < 3; r++) {
    double lps = r < 2 ? -1 : 1; /* RAS+ to LPS+ */
    const double *row = v->affine[r];
    out->origin[r] = lps * (row[0] * index[0] + row[1] * index[1] + row[2] * index[2] + row[3]);
    for (int side = 0; side < 2; side++) {
      double step = lps * row[axes[side]] / v->spacing[axes[side]];
      ways[side][r] = v->flipped[side] ? -step : step;
    }
  }
  out->spacing_x = image->info.spacing_x;
  out->spacing_y = image->info.spacing_y;
  return fabs(nsc_dot(out->across, out->down)) < sheared;
}

/* A volume file has no name for its space: two are taken for the same only where the grid is, and a part of the samples
 * from the middle, where there is more than air. */
enum { HASHED_SAMPLES = 1 << 20 };

static void name_space(const nsc_volume *v, nsc_image *image) {
  if (!v->has_affine) return;
  uint64_t hash = nsc_hash(0, v->affine, sizeof v->affine);
  hash = nsc_hash(hash, v->size, sizeof v->size);
  uint64_t half = v->available / 2;
  hash = nsc_hash(hash, v->bytes + (size_t)half, half < HASHED_SAMPLES ? (size_t)half : HASHED_SAMPLES);
  snprintf(image->space, sizeof image->space, "volume:%016llx", (unsigned long long)hash);
}

static const nsc_image_reader volume_reader = {
    .decode = decode_slice, .write_json = write_volume, .free_state = free_volume, .locate = locate_slice};

/* ---- opening ---- */

/* The last sample lies inside the file. Overflow is a file that is too short. */
static nsc_status check_extent(const nsc_volume *v, const char *what, nsc_error *err) {
  uint64_t last = 0, part, bytes = 0;
  bool fits = true;
  for (int a = 0; a < NSC_VOLUME_AXES; a++) {
    fits = fits && nsc_mul_u64(v->size[a] - 1, v->stride[a], &part) && !__builtin_add_overflow(last, part, &last);
  }
  fits =
      fits && !__builtin_add_overflow(last, v->channels, &last) && nsc_mul_u64(last, nsc_sample_size(v->type), &bytes);
  if (fits && bytes <= v->available) return NSC_OK;
  if (!fits) return nsc_fail(err, NSC_ERROR_TRUNCATED, "%s: the samples need more than 2^64 bytes", what);
  return nsc_fail(err, NSC_ERROR_TRUNCATED, "%s: the samples need %llu bytes, there are %llu", what,
                  (unsigned long long)bytes, (unsigned long long)v->available);
}

static nsc_status finish(nsc_image *image, nsc_volume *v, const char *what, nsc_error *err) {
  for (int a = 0; a < NSC_VOLUME_AXES; a++) {
    if (v->size[a] == 0) return nsc_fail(err, NSC_ERROR_CORRUPT, "%s: an axis has no voxels", what);
  }
  find_orientation(v);
  uint64_t frames;
  if (!nsc_mul_u64(v->size[NSC_VOLUME_K], v->size[NSC_VOLUME_T], &frames)) frames = UINT64_MAX;
  int columns = v->swapped ? NSC_VOLUME_J : NSC_VOLUME_I, rows = v->swapped ? NSC_VOLUME_I : NSC_VOLUME_J;
  NSC_TRY(nsc_image_check_limits(image, v->size[columns], v->size[rows], frames, v->channels, v->type, err));
  NSC_TRY(check_extent(v, what, err));
  nsc_image_info *info = &image->info;
  info->width = (uint32_t)v->size[columns];
  info->height = (uint32_t)v->size[rows];
  info->frames = (uint32_t)frames;
  info->channels = v->channels;
  info->type = v->type;
  info->photometric = v->channels == 3 ? NSC_PHOTOMETRIC_RGB : NSC_PHOTOMETRIC_MONOCHROME2;
  bool has_spacing = v->spacing[columns] > 0 && v->spacing[rows] > 0;
  info->spacing_x = has_spacing ? v->spacing[columns] : 0;
  info->spacing_y = has_spacing ? v->spacing[rows] : 0;
  info->frame_ms = v->size[NSC_VOLUME_K] == 1 && v->size[NSC_VOLUME_T] > 1 ? v->time_ms : 0;
  nsc_image_set_type_range(image);
  image->full_range = v->channels == 3;
  image->whole_range = true;
  name_space(v, image);
  return NSC_OK;
}

nsc_status nsc_volume_open(nsc_image *image, nsc_source *source, nsc_volume_filler *fill, const char *what,
                           nsc_error *err) {
  nsc_volume *v = calloc(1, sizeof *v);
  if (!v) return nsc_fail_memory(err, sizeof *v, "a volume");
  for (int a = 0; a < NSC_VOLUME_AXES; a++) v->size[a] = 1;
  v->channels = 1;
  image->reader = &volume_reader; /* which ends the volume with the image, whatever comes of it */
  image->state = v;
  NSC_TRY(fill(v, source, image, err));
  NSC_TRY(finish(image, v, what, err));
  if (!v->owned) {
    v->owned = source->bytes;
    source->bytes = NULL;
  }
  return NSC_OK;
}
