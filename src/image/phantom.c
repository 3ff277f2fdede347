/* Options of a phantom, its lesion, and drawing one as a whole. */
#include "image/phantom.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fields.h"
#include "image/phantom_private.h"

/* ---- options ---- */

nsc_phantom_options nsc_phantom_defaults(void) {
  return (nsc_phantom_options){.number = 1, .size = 256, .contrast = {-110, -60}, .diameter = {30, 60}, .noise = 12};
}

/* [from, to], both within least..most and in this order. */
static void read_pair(nsc_fields *f, const char *name, double least, double most, double out[2]) {
  const nsc_json_value *list = nsc_fields_value(f, name);
  if (!list) return;
  if (list->kind != NSC_JSON_ARRAY || list->count != 2) {
    nsc_fields_wrong(f, name, "must be a list of two numbers");
    return;
  }
  const nsc_json_value *v = nsc_json_first(list);
  double pair[2];
  for (int i = 0; i < 2; i++, v = nsc_json_next(v)) {
    if (v->kind != NSC_JSON_NUMBER || !(v->number >= least && v->number <= most)) {
      nsc_fields_wrong(f, name, "has something that is no number or out of bounds");
      return;
    }
    pair[i] = v->number;
  }
  if (pair[0] > pair[1]) nsc_fields_wrong(f, name, "must have the smaller number first");
  memcpy(out, pair, sizeof pair);
}

nsc_status nsc_phantom_read_options(const char *json, nsc_phantom_options *out, nsc_error *err) {
  nsc_phantom_options o = nsc_phantom_defaults();
  nsc_fields f;
  NSC_TRY(nsc_fields_open(&f, json, "phantom", err));
  o.number = nsc_fields_count(&f, "number", 1, 999999, o.number);
  o.size = nsc_fields_count(&f, "size", NSC_PHANTOM_LEAST_SIZE, NSC_PHANTOM_MOST_SIZE, o.size);
  o.lesion = nsc_fields_flag(&f, "lesion", o.lesion);
  read_pair(&f, "contrast", -200, 200, o.contrast);
  read_pair(&f, "diameter", 2, 80, o.diameter); /* more does not fit into every liver */
  o.noise = nsc_fields_number(&f, "noise", 0, 200, o.noise);
  NSC_TRY(nsc_fields_close(&f));
  *out = o;
  return NSC_OK;
}

/* ---- lesion ---- */

/* A place that keeps most of the lesion inside the liver; the deepest of those tried when none does. */
static void find_place(const nsc_anatomy *a, nsc_rng *rng, double radius, double *x, double *y) {
  const nsc_shape *lobe = &a->lobes[0];
  double reach = nsc_shape_reach(lobe), deepest = INFINITY;
  *x = lobe->x;
  *y = lobe->y;
  for (int i = 0; i < 400; i++) {
    double tx = lobe->x + nsc_between(rng, -1, 1.6) * reach, ty = lobe->y + nsc_between(rng, -1, 1) * reach;
    double d = nsc_liver_distance(a, tx, ty);
    if (d < deepest) {
      deepest = d;
      *x = tx;
      *y = ty;
    }
    if (d < -0.85 * radius - 1) return;
  }
}

void nsc_anatomy_add_lesion(nsc_anatomy *a, nsc_rng rng, const nsc_phantom_options *o, nsc_phantom *out) {
  double x, y, diameter = nsc_between(&rng, o->diameter[0], o->diameter[1]);
  double contrast = nsc_between(&rng, o->contrast[0], o->contrast[1]), turn = nsc_between(&rng, 0, 180);
  double longer = nsc_between(&rng, 1, 1.12), soft = nsc_between(&rng, 1, 4);
  find_place(a, &rng, diameter / 2, &x, &y);
  nsc_shape shape = nsc_blob_varied(nsc_blob(x, y, diameter / 2 * longer, diameter / 2 / longer, turn), 0.06, &rng);
  nsc_anatomy_add(a, shape, NSC_CLIP_LIVER, NSC_TISSUE_LESION, a->liver_hu + contrast, 6)->edge = soft;
  out->has_lesion = true;
  out->lesion_x = x;
  out->lesion_y = y;
  out->diameter = diameter;
  out->contrast = contrast;
}

/* ---- all together ---- */

/* What is drawn for what: a stream each, so that a lesion changes nothing else. */
enum { STREAM_ANATOMY, STREAM_TEXTURE, STREAM_NOISE, STREAM_LESION };

static void to_integers(const float *hu, size_t count, int16_t *out) {
  for (size_t i = 0; i < count; i++) {
    float v = floorf(hu[i] + 0.5f);
    out[i] = (int16_t)(v < -1024 ? -1024 : v > 3071 ? 3071 : v);
  }
}

static nsc_status draw(uint32_t seed, const nsc_phantom_options *o, nsc_anatomy *a, float *hu, nsc_phantom *p,
                       nsc_error *err) {
  const nsc_rng root = nsc_rng_seeded(seed), own = nsc_rng_split(&root, o->number);
  nsc_anatomy_draw(nsc_rng_split(&own, STREAM_ANATOMY), a);
  if (o->lesion) nsc_anatomy_add_lesion(a, nsc_rng_split(&own, STREAM_LESION), o, p);
  p->spacing = a->field / o->size;
  p->thickness = a->thickness;
  p->enhanced = a->enhanced;
  p->lesion_x += (a->field - p->spacing) / 2; /* from the middle of the picture to its first pixel */
  p->lesion_y += (a->field - p->spacing) / 2;
  NSC_TRY(nsc_phantom_paint(a, nsc_rng_split(&own, STREAM_TEXTURE), o->size, hu, p->labels, err));
  NSC_TRY(nsc_phantom_scan(a, nsc_rng_split(&own, STREAM_NOISE), o->noise, o->size, hu, err));
  to_integers(hu, (size_t)o->size * o->size, p->hu);
  return NSC_OK;
}

nsc_status nsc_phantom_draw(uint32_t seed, const nsc_phantom_options *options, nsc_phantom *out, nsc_error *err) {
  size_t count = (size_t)options->size * options->size; /* at most 2^20 */
  nsc_phantom p = {.size = options->size};
  nsc_anatomy *a = malloc(sizeof *a); /* 100 KB: too much for a stack in wasm */
  float *hu = malloc(count * sizeof *hu);
  p.hu = malloc(count * sizeof *p.hu);
  p.labels = malloc(count);
  nsc_status status = a && hu && p.hu && p.labels ? draw(seed, options, a, hu, &p, err)
                                                  : nsc_fail_memory(err, count * 7 + sizeof *a, "a phantom");
  free(a);
  free(hu);
  if (status == NSC_OK) {
    *out = p;
  } else {
    nsc_phantom_drop(&p);
  }
  return status;
}

void nsc_phantom_drop(nsc_phantom *phantom) {
  free(phantom->hu);
  free(phantom->labels);
  *phantom = (nsc_phantom){0};
}
