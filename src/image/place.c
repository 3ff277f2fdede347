#include "image/place.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "image/image.h"

/* No scanner reaches 100 m; beyond it numbers are rubbish that would drown the others. */
static const double farthest = 1e5;
/* mm: a hundredth of what a light microscope resolves. */
static const double finest = 1e-6;
/* Planes that meet at less than this angle (its sine) have no line in common that one could draw. */
static const double parallel = 1e-3;
/* Frames of one stack lie in planes that are parallel up to the digits of written cosines. */
static const double turned = 2e-3;

static bool take_unit(const double in[3], double out[3]) {
  double length = sqrt(nsc_dot(in, in));
  if (!(fabs(length - 1) < 0.1)) return false;
  for (int i = 0; i < 3; i++) out[i] = in[i] / length;
  return true;
}

bool nsc_place_read(const double position[3], const double orientation[6], nsc_place *out) {
  nsc_place place = {0};
  for (int i = 0; i < 3; i++) {
    if (!(fabs(position[i]) < farthest)) return false;
    place.origin[i] = position[i];
  }
  if (!take_unit(orientation, place.across) || !take_unit(orientation + 3, place.down)) return false;
  if (fabs(nsc_dot(place.across, place.down)) > 0.1) return false;
  *out = place;
  return true;
}

bool nsc_place_has_size(const nsc_place *place) {
  return place->spacing_x > finest && place->spacing_x < farthest && place->spacing_y > finest &&
         place->spacing_y < farthest;
}

void nsc_place_normal(const nsc_place *place, double out[3]) {
  nsc_cross(place->across, place->down, out);
  double length = sqrt(nsc_dot(out, out));
  for (int i = 0; i < 3; i++) out[i] /= length;
}

bool nsc_image_locate(const nsc_image *image, uint32_t frame, nsc_place *out) {
  if (!image->reader->locate || frame >= image->info.frames || !image->reader->locate(image, frame, out)) return false;
  return nsc_place_has_size(out);
}

void nsc_place_to_mm(const nsc_place *place, const double pixel[2], double out[3]) {
  double u = (pixel[0] - 0.5) * place->spacing_x, v = (pixel[1] - 0.5) * place->spacing_y;
  for (int i = 0; i < 3; i++) out[i] = place->origin[i] + u * place->across[i] + v * place->down[i];
}

void nsc_place_to_pixel(const nsc_place *place, const double mm[3], double out[2]) {
  double from[3];
  for (int i = 0; i < 3; i++) from[i] = mm[i] - place->origin[i];
  out[0] = nsc_dot(from, place->across) / place->spacing_x + 0.5;
  out[1] = nsc_dot(from, place->down) / place->spacing_y + 0.5;
}

/* How far in front of a plane a point lies; negative behind it. */
static double distance(const nsc_place *place, const double mm[3]) {
  double normal[3], from[3];
  nsc_place_normal(place, normal);
  for (int i = 0; i < 3; i++) from[i] = mm[i] - place->origin[i];
  return nsc_dot(from, normal);
}

nsc_status nsc_image_position(const nsc_image *image, uint32_t frame, const double pixel[2], double mm[3],
                              nsc_error *err) {
  nsc_place place;
  if (!image || !pixel || !mm || frame >= image->info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, or no frame %u", frame);
  }
  if (!nsc_image_locate(image, frame, &place)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the file does not say where frame %u lies in the patient", frame + 1);
  }
  nsc_place_to_mm(&place, pixel, mm);
  return NSC_OK;
}

nsc_status nsc_image_point(const nsc_image *image, const double mm[3], uint32_t *frame, double pixel[2],
                           nsc_error *err) {
  if (!image || !mm || !frame || !pixel) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image or no place");
  double best = INFINITY;
  nsc_place place, found = {0};
  for (uint32_t i = 0; i < image->info.frames; i++) {
    if (!nsc_image_locate(image, i, &place)) continue;
    double away = fabs(distance(&place, mm));
    if (!(away < best)) continue;
    best = away;
    found = place;
    *frame = i;
  }
  if (!isfinite(best)) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the file does not say where it lies");
  nsc_place_to_pixel(&found, mm, pixel);
  return NSC_OK;
}

/* ---- reference lines ---- */

/* Cuts the part of from + t * way off that lies beyond 0..size. */
static bool clip(double from, double way, double size, double *first, double *last) {
  if (way == 0) return from >= 0 && from <= size;
  double a = -from / way, b = (size - from) / way;
  *first = fmax(*first, fmin(a, b));
  *last = fmin(*last, fmax(a, b));
  return *first < *last;
}

/* The line in which the plane of `other` cuts the picture `place`, in its pixels. */
static bool cut(const nsc_place *place, const nsc_place *other, const nsc_image_info *info, double line[4]) {
  double normal[3], corner[3];
  nsc_place_normal(other, normal);
  double u = nsc_dot(place->across, normal), v = nsc_dot(place->down, normal), steepness = hypot(u, v);
  if (steepness < parallel) return false;
  /* With p and q mm along columns and rows the plane is where p u + q v = d. */
  const double origin[2] = {0.5, 0.5};
  nsc_place_to_mm(place, origin, corner);
  double d = -distance(other, corner) / steepness;
  u /= steepness;
  v /= steepness;
  double from[2] = {d * u / place->spacing_x + 0.5, d * v / place->spacing_y + 0.5};
  double way[2] = {-v / place->spacing_x, u / place->spacing_y};
  double first = -INFINITY, last = INFINITY;
  if (!clip(from[0], way[0], info->width, &first, &last) || !clip(from[1], way[1], info->height, &first, &last)) {
    return false;
  }
  for (int i = 0; i < 2; i++) {
    line[i] = from[i] + first * way[i];
    line[2 + i] = from[i] + last * way[i];
  }
  return true;
}

static bool share_space(const nsc_image *a, const nsc_image *b) {
  return a->space[0] != 0 && strcmp(a->space, b->space) == 0;
}

bool nsc_image_cut(const nsc_image *image, uint32_t frame, const nsc_image *other, uint32_t other_frame,
                   double line[4]) {
  nsc_place a, b;
  if (!image || !other || !share_space(image, other)) return false;
  if (!nsc_image_locate(image, frame, &a) || !nsc_image_locate(other, other_frame, &b)) return false;
  return cut(&a, &b, &image->info, line);
}

/* ---- JSON ---- */

static void write_vector(nsc_text *t, const char *key, const double v[3]) {
  nsc_json_key(t, key);
  nsc_json_array(t);
  for (int i = 0; i < 3; i++) nsc_json_number(t, v[i] + 0.0); /* no -0 */
  nsc_json_end_array(t);
}

/* Whether all frames lie in parallel planes: only then "along the normal" says where each of them is. */
static bool is_stack(const nsc_image *image, const nsc_place *first) {
  nsc_place place;
  for (uint32_t i = 1; i < image->info.frames; i++) {
    if (!nsc_image_locate(image, i, &place)) return false;
    for (int a = 0; a < 3; a++) {
      if (fabs(place.across[a] - first->across[a]) > turned || fabs(place.down[a] - first->down[a]) > turned) {
        return false;
      }
    }
  }
  return true;
}

void nsc_image_write_place(const nsc_image *image, nsc_text *t) {
  nsc_place first, place;
  double normal[3];
  nsc_json_key(t, "place");
  if (!nsc_image_locate(image, 0, &first) || !is_stack(image, &first)) {
    nsc_json_null(t);
    return;
  }
  nsc_place_normal(&first, normal);
  nsc_json_object(t);
  nsc_json_key(t, "space"), nsc_json_string(t, image->space[0] ? image->space : NULL);
  write_vector(t, "across", first.across);
  write_vector(t, "down", first.down);
  write_vector(t, "normal", normal);
  nsc_json_key(t, "positions");
  nsc_json_array(t);
  for (uint32_t i = 0; i < image->info.frames && nsc_image_locate(image, i, &place); i++) {
    nsc_json_number(t, floor(nsc_dot(place.origin, normal) * 1000 + 0.5) / 1000);
  }
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}
