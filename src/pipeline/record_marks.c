#include "pipeline/record_marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { MOST_MARKS = 1000 /* nobody draws more on one picture */ };

/* ---- reading ---- */

static bool is_drawn_only(const char *kind) {
  return strcmp(kind, "arrow") == 0 || strcmp(kind, "text") == 0;
}

static bool kind_named(const char *name, nsc_measure_kind *out) {
  for (int i = 0; i < NSC_MEASURE_KIND_COUNT; i++) {
    if (strcmp(name, nsc_measure_kind_name((nsc_measure_kind)i)) != 0) continue;
    *out = (nsc_measure_kind)i;
    return true;
  }
  return false;
}

/* [count][2], which the caller frees; NULL where it is no list of places. */
static double *read_points(const nsc_json_value *list, uint32_t *count) {
  if (!list || list->kind != NSC_JSON_ARRAY || !list->count || list->count > NSC_MEASURE_POINTS_MAX) return NULL;
  double *points = malloc(2 * sizeof *points * list->count);
  const nsc_json_value *each = nsc_json_first(list);
  bool fits = points != NULL;
  for (uint32_t i = 0; i < list->count && fits; i++, each = nsc_json_next(each)) {
    const nsc_json_value *x = each->kind == NSC_JSON_ARRAY && each->count == 2 ? nsc_json_first(each) : NULL;
    const nsc_json_value *y = x ? nsc_json_next(x) : NULL;
    fits = x && x->kind == NSC_JSON_NUMBER && y->kind == NSC_JSON_NUMBER;
    if (fits) points[2 * i] = x->number, points[2 * i + 1] = y->number;
  }
  *count = list->count;
  if (fits) return points;
  free(points);
  return NULL;
}

static nsc_status write_value(nsc_text *t, nsc_image *image, uint32_t frame, const char *kind, const double *points,
                              uint32_t count, nsc_error *err) {
  static const char *const without[] = {"histogram", NULL};
  nsc_measure_kind measure;
  char *json;
  nsc_json parsed;
  nsc_json_key(t, "value");
  if (is_drawn_only(kind)) {
    nsc_json_null(t);
    return NSC_OK;
  }
  if (!kind_named(kind, &measure)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no mark \"%.40s\"", kind);
  NSC_TRY(nsc_measure_json(image, frame, measure, points, count, &json, err));
  nsc_status status = nsc_json_parse(json, strlen(json), &parsed, err);
  nsc_text_free(json);
  if (status != NSC_OK) return status;
  nsc_json_write(t, &parsed.values[0], without);
  nsc_json_drop(&parsed);
  return NSC_OK;
}

static nsc_status write_mark(nsc_text *t, nsc_image *image, uint32_t frame, const nsc_json_value *mark,
                             nsc_error *err) {
  const char *kind = nsc_json_text_of(mark, "kind");
  uint32_t count;
  double *points = kind ? read_points(nsc_json_get(mark, "points"), &count) : NULL;
  if (!points || (kind[0] == 'a' && kind[1] == 'r' && count != 2)) {
    free(points);
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "a mark is a kind and points [x, y], of an arrow two");
  }
  nsc_json_object(t);
  nsc_json_key(t, "kind"), nsc_json_string(t, kind);
  nsc_json_key(t, "points"), nsc_json_write(t, nsc_json_get(mark, "points"), NULL);
  nsc_json_key(t, "text"), nsc_json_string(t, nsc_json_text_of(mark, "text"));
  nsc_status status = write_value(t, image, frame, kind, points, count, err);
  nsc_json_end_object(t);
  free(points);
  return status;
}

nsc_status nsc_record_write_marks(nsc_text *t, nsc_image *image, uint32_t frame, const char *marks, nsc_error *err) {
  nsc_json parsed;
  nsc_json_key(t, "marks"), nsc_json_array(t);
  if (marks) {
    NSC_TRY(nsc_json_parse(marks, strlen(marks), &parsed, err));
    const nsc_json_value *list = &parsed.values[0], *each = nsc_json_first(list);
    nsc_status status = NSC_OK;
    if (list->kind != NSC_JSON_ARRAY || list->count > MOST_MARKS) {
      status = nsc_fail(err, NSC_ERROR_ARGUMENT, "marks are a list of at most %d", MOST_MARKS);
    }
    for (uint32_t i = 0; status == NSC_OK && i < list->count; i++, each = nsc_json_next(each)) {
      status = write_mark(t, image, frame, each, err);
    }
    nsc_json_drop(&parsed);
    if (status != NSC_OK) return status;
  }
  nsc_json_end_array(t);
  return NSC_OK;
}

/* ---- drawing ---- */

static void put_path(nsc_text *t, const double *points, uint32_t from, uint32_t count, bool closed) {
  nsc_text_put(t, "<path d=\"");
  for (uint32_t i = from; i < from + count; i++) {
    nsc_text_printf(t, "%s%.2f %.2f", i == from ? "M" : "L", points[2 * i], points[2 * i + 1]);
  }
  nsc_text_put(t, closed ? "Z\"/>" : "\"/>");
}

static void put_shape(nsc_text *t, const char *kind, const double *p, uint32_t count, double unit) {
  if (strcmp(kind, "ellipse") == 0) {
    nsc_text_printf(t, "<ellipse cx=\"%.2f\" cy=\"%.2f\" rx=\"%.2f\" ry=\"%.2f\"/>", (p[0] + p[2]) / 2,
                    (p[1] + p[3]) / 2, fabs(p[2] - p[0]) / 2, fabs(p[3] - p[1]) / 2);
  } else if (strcmp(kind, "rectangle") == 0) {
    const double corners[8] = {p[0], p[1], p[2], p[1], p[2], p[3], p[0], p[3]};
    put_path(t, corners, 0, 4, true);
  } else if (strcmp(kind, "cobb") == 0) {
    put_path(t, p, 0, 2, false), put_path(t, p, 2, 2, false);
  } else if (strcmp(kind, "arrow") == 0) {
    /* Its head lies at the second point: two strokes of 25 degrees. */
    double angle = atan2(p[1] - p[3], p[0] - p[2]), length = 8 * unit;
    double head[6] = {p[2] + length * cos(angle + 0.44), p[3] + length * sin(angle + 0.44), p[2], p[3],
                      p[2] + length * cos(angle - 0.44), p[3] + length * sin(angle - 0.44)};
    put_path(t, p, 0, 2, false), put_path(t, head, 0, 3, false);
  } else if (strcmp(kind, "text") != 0) {
    put_path(t, p, 0, count, strcmp(kind, "polygon") == 0);
  }
}

/* A length, an angle, or the mean of a region's values, as short as one writes it beside a line. */
static void put_value(nsc_text *t, const nsc_json_value *value) {
  double mm = nsc_json_number_of(value, "length"), degrees = nsc_json_number_of(value, "degrees");
  const nsc_json_value *channels = nsc_json_get(value, "channels");
  bool grey = channels && channels->kind == NSC_JSON_ARRAY && channels->count == 1;
  double mean = grey ? nsc_json_number_of(nsc_json_first(channels), "mean") : NAN;
  const char *unit = nsc_json_text_of(value, "unit");
  if (!isnan(mm)) {
    nsc_text_printf(t, "%.1f mm", mm);
  } else if (!isnan(degrees)) {
    nsc_text_printf(t, "%.1f°", degrees);
  } else if (!isnan(mean)) {
    nsc_text_printf(t, "%.1f ", mean);
    if (unit) nsc_html_text(t, unit);
  } else if (!channels && !isnan(nsc_json_number_of(value, "pixels"))) {
    nsc_text_printf(t, "%.1f px", nsc_json_number_of(value, "pixels"));
  }
}

void nsc_record_draw_marks(nsc_text *t, const nsc_json_value *marks, double unit) {
  const nsc_json_value *each = nsc_json_first(marks);
  nsc_text_printf(t, "<g class=\"marks\" stroke-width=\"%.2f\" font-size=\"%.2f\">", 1.5 * unit, 12 * unit);
  for (uint32_t i = 0; i < marks->count; i++, each = nsc_json_next(each)) {
    uint32_t count;
    double *points = read_points(nsc_json_get(each, "points"), &count);
    if (!points) continue;
    const char *text = nsc_json_text_of(each, "text");
    put_shape(t, nsc_json_text_of(each, "kind"), points, count, unit);
    nsc_text_printf(t, "<text x=\"%.2f\" y=\"%.2f\" stroke=\"none\">", points[0] + 5 * unit, points[1] - 5 * unit);
    if (text) nsc_html_text(t, text), nsc_text_put(t, " ");
    put_value(t, nsc_json_get(each, "value"));
    nsc_text_put(t, "</text>");
    free(points);
  }
  nsc_text_put(t, "</g>");
}
