/* Lengths and angles drawn on a picture. */
#include "image/measure.h"

#include <math.h>

#include "base/error.h"

static const struct {
  const char *name;
  uint32_t least, most; /* points */
} kinds[NSC_MEASURE_KIND_COUNT] = {
    [NSC_MEASURE_LENGTH] = {"length", 2, 2},   [NSC_MEASURE_ANGLE] = {"angle", 3, 3},
    [NSC_MEASURE_COBB] = {"cobb", 4, 4},       [NSC_MEASURE_RECTANGLE] = {"rectangle", 2, 2},
    [NSC_MEASURE_ELLIPSE] = {"ellipse", 2, 2}, [NSC_MEASURE_POLYGON] = {"polygon", 3, NSC_MEASURE_POINTS_MAX},
};

const char *nsc_measure_kind_name(nsc_measure_kind kind) {
  return (uint32_t)kind < NSC_MEASURE_KIND_COUNT ? kinds[kind].name : "?";
}

typedef struct vector {
  double x, y;
} vector;

/* From point `a` to point `b`, in the unit of the spacing. */
static vector side(const double spacing[2], const double *a, const double *b) {
  return (vector){(b[0] - a[0]) * spacing[0], (b[1] - a[1]) * spacing[1]};
}

/* Degrees from 0 to 180, exact near both ends; NaN where one has no length. */
static double between(vector a, vector b) {
  double cross = a.x * b.y - a.y * b.x, dot = a.x * b.x + a.y * b.y;
  if (hypot(a.x, a.y) == 0 || hypot(b.x, b.y) == 0) return NAN;
  return atan2(fabs(cross), dot) * (180 / 3.14159265358979323846);
}

static void write_length(nsc_text *t, const nsc_image *image, uint32_t frame, const double *points) {
  double spacing[2];
  bool known = nsc_image_spacing(image, frame, spacing);
  vector v = side(spacing, points, points + 2);
  nsc_json_key(t, "length"), nsc_json_number(t, known ? hypot(v.x, v.y) : NAN);
  nsc_json_key(t, "pixels"), nsc_json_number(t, hypot(points[2] - points[0], points[3] - points[1]));
}

static void write_angle(nsc_text *t, const nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                        const double *points) {
  double degrees, spacing[2];
  if (!nsc_image_spacing(image, frame, spacing)) spacing[0] = spacing[1] = 1;
  if (kind == NSC_MEASURE_ANGLE) {
    degrees = between(side(spacing, points + 2, points), side(spacing, points + 2, points + 4));
  } else { /* lines have no direction */
    degrees = between(side(spacing, points, points + 2), side(spacing, points + 4, points + 6));
    if (degrees > 90) degrees = 180 - degrees;
  }
  nsc_json_key(t, "degrees"), nsc_json_number(t, degrees);
}

static nsc_status check(const nsc_image *image, uint32_t frame, nsc_measure_kind kind, const double *points,
                        uint32_t count, nsc_error *err) {
  if (!image || frame >= image->info.frames)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image, or no frame %u", frame);
  if ((uint32_t)kind >= NSC_MEASURE_KIND_COUNT || !points || count < kinds[kind].least || count > kinds[kind].most) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a measurement of kind %d with %u points", (int)kind, count);
  }
  for (uint32_t i = 0; i < 2 * count; i++) {
    if (!(fabs(points[i]) < 1e6)) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "point %u of the measurement is nowhere", i / 2);
    }
  }
  return NSC_OK;
}

nsc_status nsc_measure_json(nsc_image *image, uint32_t frame, nsc_measure_kind kind, const double *points,
                            uint32_t count, char **out, nsc_error *err) {
  NSC_TRY(check(image, frame, kind, points, count, err));
  if (kind >= NSC_MEASURE_RECTANGLE) return nsc_region_json(image, frame, kind, points, count, out, err);
  nsc_text t = {0};
  nsc_json_object(&t);
  if (kind == NSC_MEASURE_LENGTH) {
    write_length(&t, image, frame, points);
  } else {
    write_angle(&t, image, frame, kind, points);
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
