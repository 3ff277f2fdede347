/*
 * From announced pictures to a grid. Everything that can be known from headers is looked at here, before a single slice
 * is decoded: whether the slices are parallel, equal, in one line and at even distances, and what they will take.
 */
#include "image/reformat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/series.h"

/* 1,024 CT slices of 1024 x 512, or 2,048 of 512 x 512; a browser tab has 4 GiB for everything. */
static const uint64_t default_max_bytes = (uint64_t)1 << 30;
/* Pictures closer than this lie at one position, as in series_order.c. */
static const double same_place = 0.01;
/* Direction cosines are written with three digits at worst: half of one at the rim of 500 mm is an eighth of one. */
static const double turned = 2e-3;
/* Distances may differ by this part of the usual one. What differs within it is interpolated where it truly lies. */
static const double uneven = 0.1;
/* Positions that differ by less than this part of the distance are even: they are written with two or three digits. */
static const double even = 1e-3;
/* Degrees of a tilted way from slice to slice; gantries reach 30. */
static const double most_tilt = 60;

nsc_status nsc_reformat_create(const nsc_reformat_options *options, nsc_reformat **out, nsc_error *err) {
  if (!out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no place for the object");
  nsc_reformat *r = calloc(1, sizeof *r);
  if (!r) return nsc_fail_memory(err, sizeof *r, "a volume to reformat");
  r->users = 1;
  r->max_bytes = options && options->max_bytes ? options->max_bytes : default_max_bytes;
  r->low = INFINITY;
  r->high = -INFINITY;
  *out = r;
  return NSC_OK;
}

void nsc_reformat_hold(nsc_reformat *r) {
  r->users++;
}

void nsc_reformat_free(nsc_reformat *r) {
  if (!r || --r->users) return;
  for (uint32_t i = 0; i < r->count; i++) free(r->slices[i].voxels);
  for (uint32_t i = 0; i < r->window_count; i++) free(r->windows[i].name);
  free(r->windows);
  free(r->unit);
  free(r->slices);
  free(r);
}

/* ---- announcing ---- */

static nsc_status announce(nsc_reformat *r, const nsc_place *place, uint32_t width, uint32_t height, nsc_error *err) {
  if (r->planned) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a picture is announced after the plan was made");
  if (r->count == r->capacity) {
    uint32_t capacity =
        r->capacity ? 2 * r->capacity : 64; /* a file has at most 65,536 frames, a page not 2^31 files */
    nsc_reformat_slice *slices = realloc(r->slices, capacity * sizeof *slices);
    if (!slices) return nsc_fail_memory(err, capacity * sizeof *slices, "a list of slices");
    r->slices = slices;
    r->capacity = capacity;
  }
  r->slices[r->count] = (nsc_reformat_slice){.place = *place, .width = width, .height = height, .number = r->announced};
  r->count++;
  r->announced++;
  return NSC_OK;
}

static nsc_status fail_nowhere(uint32_t number, nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "slice %u does not say where it lies in the patient", number + 1);
}

nsc_status nsc_reformat_announce(nsc_reformat *r, const nsc_index *index, const char *key, nsc_error *err) {
  const nsc_facts *facts = r && index && key ? nsc_index_facts(index, key) : NULL;
  if (!facts) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no file of that key is in the index");
  const double *n = facts->number;
  nsc_place place;
  if (n[NSC_FACT_FRAMES] > 1) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "slice %u is a file of several pictures", r->announced + 1);
  }
  if (!nsc_place_read(n + NSC_FACT_POSITION, n + NSC_FACT_ORIENTATION, &place)) return fail_nowhere(r->announced, err);
  place.spacing_y = n[NSC_FACT_SPACING];
  place.spacing_x = n[NSC_FACT_SPACING + 1];
  if (!nsc_place_has_size(&place)) return fail_nowhere(r->announced, err);
  double width = n[NSC_FACT_COLUMNS], height = n[NSC_FACT_ROWS];
  if (!(width >= 1 && width <= UINT16_MAX && height >= 1 && height <= UINT16_MAX)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "slice %u is %g x %g pixels", r->announced + 1, width, height);
  }
  return announce(r, &place, (uint32_t)width, (uint32_t)height, err);
}

nsc_status nsc_reformat_announce_image(nsc_reformat *r, const nsc_image *image, nsc_error *err) {
  if (!r || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image");
  for (uint32_t i = 0; i < image->info.frames; i++) {
    nsc_place place;
    if (!nsc_image_locate(image, i, &place)) return fail_nowhere(r->announced, err);
    NSC_TRY(announce(r, &place, image->info.width, image->info.height, err));
  }
  return NSC_OK;
}

/* ---- planning ---- */

static bool is_near(double a, double b, double part) {
  return fabs(a - b) <= part * fabs(b);
}

static nsc_status check_alike(const nsc_reformat *r, nsc_error *err) {
  const nsc_reformat_slice *first = &r->slices[0];
  for (uint32_t i = 1; i < r->count; i++) {
    const nsc_reformat_slice *s = &r->slices[i];
    if (s->width != first->width || s->height != first->height) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "slice %u is %u x %u pixels, slice 1 %u x %u", i + 1, s->width,
                      s->height, first->width, first->height);
    }
    if (!is_near(s->place.spacing_x, first->place.spacing_x, turned) ||
        !is_near(s->place.spacing_y, first->place.spacing_y, turned)) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "pixels of slice %u are of another size than those of slice 1",
                      i + 1);
    }
    for (int a = 0; a < 3; a++) {
      if (fabs(s->place.across[a] - first->place.across[a]) > turned ||
          fabs(s->place.down[a] - first->place.down[a]) > turned) {
        return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "slice %u is turned against slice 1: no parallel stack", i + 1);
      }
    }
  }
  return NSC_OK;
}

static int by_place(const void *left, const void *right) {
  const nsc_reformat_slice *a = left, *b = right;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  return (a->number > b->number) - (a->number < b->number);
}

/* Sorts by place. Where several pictures lie at one (times, echoes), those stay that come as far behind the first of
 * their place as the chosen one does. */
static nsc_status sort_slices(nsc_reformat *r, uint32_t chosen, nsc_error *err) {
  double normal[3];
  nsc_place_normal(&r->slices[0].place, normal);
  for (uint32_t i = 0; i < r->count; i++) r->slices[i].at = nsc_dot(r->slices[i].place.origin, normal);
  qsort(r->slices, r->count, sizeof *r->slices, by_place);
  uint32_t rank = 0, kept = 0;
  for (uint32_t i = 0, from = 0; i < r->count; i++) {
    if (r->slices[i].at - r->slices[from].at > same_place) from = i;
    if (r->slices[i].number == chosen) rank = i - from;
  }
  for (uint32_t from = 0, to; from < r->count; from = to) {
    for (to = from + 1; to < r->count && r->slices[to].at - r->slices[from].at <= same_place;) to++;
    r->slices[kept++] = r->slices[from + rank < to ? from + rank : to - 1];
  }
  r->count = kept;
  if (kept > 1) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "all pictures lie at one place: there is nothing between them");
}

/* The way from slice to slice: all lie on it, and it leads out of their planes. */
static nsc_status find_way(nsc_reformat *r, nsc_error *err) {
  const nsc_place *first = &r->slices[0].place, *last = &r->slices[r->count - 1].place;
  double way[3], normal[3], length = 0;
  for (int i = 0; i < 3; i++) way[i] = last->origin[i] - first->origin[i];
  length = sqrt(nsc_dot(way, way));
  for (int i = 0; i < 3; i++) way[i] /= length; /* two places differ by more than same_place */
  nsc_place_normal(first, normal);
  r->tilt = acos(fmin(1, nsc_dot(way, normal))) * (180 / 3.14159265358979323846);
  if (!(r->tilt < most_tilt)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the slices lie side by side and not one behind the other");
  }
  double room = 0.5 * fmin(first->spacing_x, first->spacing_y);
  for (uint32_t k = 0; k < r->count; k++) {
    nsc_reformat_slice *s = &r->slices[k];
    double off[3];
    for (int i = 0; i < 3; i++) off[i] = s->place.origin[i] - first->origin[i];
    s->at = nsc_dot(off, way);
    for (int i = 0; i < 3; i++) off[i] -= s->at * way[i];
    if (nsc_dot(off, off) > room * room) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "slice %u is shifted sideways against the others by %.2f mm",
                      s->number + 1, sqrt(nsc_dot(off, off)));
    }
  }
  memcpy(r->axes[2].way, way, sizeof way);
  return NSC_OK;
}

static int ascending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* The usual distance is the median. Others must be whole multiples of it: then slices are missing. */
static nsc_status find_step(nsc_reformat *r, nsc_error *err) {
  uint32_t gaps = r->count - 1;
  double *sorted = malloc(gaps * sizeof *sorted);
  if (!sorted) return nsc_fail_memory(err, gaps * sizeof *sorted, "distances of slices");
  for (uint32_t k = 0; k < gaps; k++) sorted[k] = r->slices[k + 1].at - r->slices[k].at;
  qsort(sorted, gaps, sizeof *sorted, ascending);
  double step = sorted[(gaps - 1) / 2], least = sorted[0], most = sorted[gaps - 1];
  free(sorted);
  double missing = 0;
  for (uint32_t k = 0; k < gaps; k++) {
    double steps = (r->slices[k + 1].at - r->slices[k].at) / step, whole = floor(steps + 0.5);
    if (whole < 1 || fabs(steps - whole) > uneven) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the distances between slices are uneven: from %.2f to %.2f mm",
                      least, most);
    }
    missing += whole - 1;
  }
  if (missing > r->count) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "more slices are missing (%.0f) than there are (%u)", missing,
                    r->count);
  }
  r->missing = (uint32_t)missing;
  r->axes[2].length = r->slices[r->count - 1].at;
  double mean = r->axes[2].length / gaps;
  r->is_even = missing == 0;
  for (uint32_t k = 0; k < r->count && r->is_even; k++) r->is_even = fabs(r->slices[k].at - k * mean) < even * mean;
  r->axes[2].step = r->is_even ? mean : step;
  r->axes[2].count = r->count;
  return NSC_OK;
}

static void set_plane_axes(nsc_reformat *r) {
  const nsc_reformat_slice *first = &r->slices[0];
  r->axes[0] = (nsc_grid_axis){.step = first->place.spacing_x, .count = first->width};
  r->axes[1] = (nsc_grid_axis){.step = first->place.spacing_y, .count = first->height};
  memcpy(r->axes[0].way, first->place.across, sizeof r->axes[0].way);
  memcpy(r->axes[1].way, first->place.down, sizeof r->axes[1].way);
  memcpy(r->origin, first->place.origin, sizeof r->origin);
  for (int a = 0; a < 2; a++) r->axes[a].length = (r->axes[a].count - 1) * r->axes[a].step;
}

static nsc_status check_memory(nsc_reformat *r, const nsc_image *sample, nsc_error *err) {
  bool is_wide = !nsc_image_fits_table(sample) || sample->modality_lut.count > 0;
  r->is_float = is_wide;
  uint64_t voxels = (uint64_t)r->axes[0].count * r->axes[1].count; /* of 16 and 16 bits */
  if (!nsc_mul_u64(voxels, (uint64_t)r->count * (is_wide ? 4 : 2), &r->bytes)) r->bytes = UINT64_MAX;
  if (r->bytes <= r->max_bytes && r->bytes <= SIZE_MAX / 2) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_LIMIT, "%u x %u x %u voxels take %llu MB, the limit is %llu MB", r->axes[0].count,
                  r->axes[1].count, r->count, (unsigned long long)(r->bytes >> 20),
                  (unsigned long long)(r->max_bytes >> 20));
}

static nsc_status take_sample(nsc_reformat *r, const nsc_image *sample, nsc_error *err) {
  const nsc_image_info *info = &sample->info;
  memcpy(r->space, sample->space, sizeof r->space);
  memcpy(r->modality, sample->modality, sizeof r->modality);
  r->quadruped = sample->quadruped;
  r->photometric = info->photometric;
  r->has_holes = sample->has_padding;
  if (sample->unit) {
    r->unit = nsc_copy_chars(sample->unit, strlen(sample->unit));
    if (!r->unit) return nsc_fail_memory(err, strlen(sample->unit), "a unit");
  }
  if (!info->window_count) return NSC_OK;
  r->windows = calloc(info->window_count, sizeof *r->windows);
  if (!r->windows) return nsc_fail_memory(err, info->window_count * sizeof *r->windows, "windows");
  for (; r->window_count < info->window_count; r->window_count++) {
    nsc_window *to = &r->windows[r->window_count];
    *to = sample->windows[r->window_count];
    if (to->name) to->name = nsc_copy_chars(to->name, strlen(to->name)); /* without memory a window without a name */
  }
  return NSC_OK;
}

nsc_status nsc_reformat_plan(nsc_reformat *r, uint32_t chosen, const nsc_image *sample, nsc_error *err) {
  if (!r || !sample || r->planned || chosen >= r->announced) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture %u, or a plan that was made", chosen);
  }
  if (sample->info.channels != 1) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "colour pictures are not reformatted");
  if (r->count < 2) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "one slice alone is no volume");
  NSC_TRY(check_alike(r, err));
  NSC_TRY(sort_slices(r, chosen, err));
  NSC_TRY(find_way(r, err));
  NSC_TRY(find_step(r, err));
  set_plane_axes(r);
  NSC_TRY(check_memory(r, sample, err));
  NSC_TRY(take_sample(r, sample, err));
  r->planned = true;
  return NSC_OK;
}

nsc_status nsc_reformat_json(const nsc_reformat *r, char **out, nsc_error *err) {
  if (!r || !r->planned || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no plan was made");
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "columns"), nsc_json_int(&t, r->axes[0].count);
  nsc_json_key(&t, "rows"), nsc_json_int(&t, r->axes[1].count);
  nsc_json_key(&t, "slices"), nsc_json_int(&t, r->count);
  nsc_json_key(&t, "missing"), nsc_json_int(&t, r->missing);
  nsc_json_key(&t, "tilt"), nsc_json_number(&t, floor(r->tilt * 100 + 0.5) / 100);
  nsc_json_key(&t, "bytes"), nsc_json_int(&t, (int64_t)r->bytes);
  nsc_json_key(&t, "spacing");
  nsc_json_array(&t);
  for (int a = 0; a < 3; a++) nsc_json_number(&t, r->axes[a].step);
  nsc_json_end_array(&t);
  nsc_json_key(&t, "pictures");
  nsc_json_array(&t);
  for (uint32_t k = 0; k < r->count; k++) nsc_json_int(&t, r->slices[k].number);
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
