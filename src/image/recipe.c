/* How a model wants its input, as JSON and as presets. Strict: a field that is misspelt would change every verdict. */
#include "image/recipe.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "image/filter.h"

enum { MAX_SIZE = 4096 };
static const double min_crop_scale =
    0.05; /* less is no crop any more: the resized picture would be 20 times the input */

static const char *const fit_names[] = {"stretch", "crop", "pad", NULL};
static const char *const range_names[] = {"voi", "window", "frame", "percentile", "type", NULL};

static nsc_status bad(nsc_error *err, const char *field, const char *why) {
  return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: \"%s\" %s", field, why);
}

static int index_of(const char *const *names, const char *name) {
  for (int i = 0; names[i]; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  return -1;
}

static bool is_finite_f32(double value) {
  return isfinite(value) && isfinite((float)value);
}

nsc_status nsc_recipe_check(const nsc_recipe *r, nsc_error *err) {
  if (r->width < 1 || r->width > MAX_SIZE) return bad(err, "width", "is not 1 to 4096");
  if (r->height < 1 || r->height > MAX_SIZE) return bad(err, "height", "is not 1 to 4096");
  if (r->channels != 1 && r->channels != 3) return bad(err, "channels", "is neither 1 nor 3");
  if ((int)r->fit < 0 || r->fit > NSC_FIT_PAD) return bad(err, "fit", "is none of stretch, crop, pad");
  if (r->fit == NSC_FIT_CROP && !(r->crop_scale >= min_crop_scale && r->crop_scale <= 1)) {
    return bad(err, "cropScale", "is not above 0.05 and at most 1");
  }
  bool has_limits = r->range == NSC_RANGE_WINDOW || r->range == NSC_RANGE_PERCENTILE;
  if ((int)r->range < 0 || r->range > NSC_RANGE_TYPE) return bad(err, "range.kind", "is not known");
  if (has_limits && (!isfinite(r->low) || !isfinite(r->high) || !(r->high > r->low))) {
    return bad(err, "range", "needs a \"low\" below its \"high\"");
  }
  if (r->range == NSC_RANGE_PERCENTILE && (r->low < 0 || r->high > 100)) {
    return bad(err, "range", "has percentiles outside 0 to 100");
  }
  nsc_error why = {0};
  if (nsc_steps_check(&r->steps, &why) != NSC_OK) return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: %.200s", why.text);
  if (!is_finite_f32(r->scale) || r->scale == 0) return bad(err, "scale", "is zero or no number");
  for (uint32_t c = 0; c < r->channels; c++) {
    if (!is_finite_f32(r->mean[c])) return bad(err, "mean", "has a value that is no number");
    if (!is_finite_f32(r->std[c]) || !(r->std[c] > 0)) return bad(err, "std", "has a value that is not above 0");
  }
  return NSC_OK;
}

/* ---- reading ---- */

static nsc_status read_number(const nsc_json_value *v, const char *field, double *out, nsc_error *err) {
  if (v->kind != NSC_JSON_NUMBER || !isfinite(v->number)) return bad(err, field, "is no number");
  *out = v->number;
  return NSC_OK;
}

static nsc_status read_count(const nsc_json_value *v, const char *field, uint32_t *out, nsc_error *err) {
  double value;
  NSC_TRY(read_number(v, field, &value, err));
  if (value < 0 || value > MAX_SIZE || value != floor(value)) return bad(err, field, "is not 1 to 4096");
  *out = (uint32_t)value;
  return NSC_OK;
}

static nsc_status read_name(const nsc_json_value *v, const char *field, const char *const *names, int *out,
                            nsc_error *err) {
  int index = v->kind == NSC_JSON_STRING ? index_of(names, v->string) : -1;
  if (index >= 0) {
    *out = index;
    return NSC_OK;
  }
  return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: \"%s\" is \"%.40s\", which is not known", field,
                  v->kind == NSC_JSON_STRING ? v->string : "no text");
}

/* One number for all channels or an array of one for each. `count` is what the array held, 0 for a single number. */
static nsc_status read_per_channel(const nsc_json_value *v, const char *field, float out[3], uint32_t *count,
                                   nsc_error *err) {
  double value;
  *count = 0;
  if (v->kind == NSC_JSON_NUMBER) {
    NSC_TRY(read_number(v, field, &value, err));
    for (int c = 0; c < 3; c++) out[c] = (float)value;
    return NSC_OK;
  }
  if (v->kind != NSC_JSON_ARRAY || (v->count != 1 && v->count != 3)) {
    return bad(err, field, "is neither a number nor an array with one for each channel");
  }
  const nsc_json_value *item = nsc_json_first(v);
  for (uint32_t c = 0; c < v->count; c++, item = nsc_json_next(item)) {
    NSC_TRY(read_number(item, field, &value, err));
    out[c] = (float)value;
  }
  *count = v->count;
  return NSC_OK;
}

static nsc_status read_range(const nsc_json_value *v, nsc_recipe *r, nsc_error *err) {
  if (v->kind != NSC_JSON_OBJECT) return bad(err, "range", "is no object");
  const nsc_json_value *member = nsc_json_first(v);
  bool has_low = false, has_high = false;
  for (uint32_t n = v->count; n > 0; n--, member = nsc_json_next(member)) {
    int kind;
    if (strcmp(member->key, "kind") == 0) {
      NSC_TRY(read_name(member, "range.kind", range_names, &kind, err));
      r->range = (nsc_range_kind)kind;
    } else if (strcmp(member->key, "low") == 0) {
      NSC_TRY(read_number(member, "range.low", &r->low, err));
      has_low = true;
    } else if (strcmp(member->key, "high") == 0) {
      NSC_TRY(read_number(member, "range.high", &r->high, err));
      has_high = true;
    } else {
      return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: \"range.%.40s\" is not known", member->key);
    }
  }
  bool needs_limits = r->range == NSC_RANGE_WINDOW || r->range == NSC_RANGE_PERCENTILE;
  if (needs_limits && !has_low) return bad(err, "range.low", "is missing");
  if (needs_limits && !has_high) return bad(err, "range.high", "is missing");
  return NSC_OK;
}

static nsc_status read_steps(const nsc_json_value *v, nsc_steps *out, nsc_error *err) {
  nsc_error why = {0};
  nsc_status status = nsc_steps_read(v, out, &why);
  if (status == NSC_OK) return NSC_OK;
  return nsc_fail(err, status == NSC_ERROR_ARGUMENT ? NSC_ERROR_RECIPE : status, "recipe: %.200s", why.text);
}

typedef struct channel_counts {
  uint32_t mean, std;
} channel_counts;

static nsc_status read_member(const nsc_json_value *v, nsc_recipe *r, channel_counts *counts, nsc_error *err) {
  const char *key = v->key;
  double value;
  int index;
  if (strcmp(key, "width") == 0) return read_count(v, key, &r->width, err);
  if (strcmp(key, "height") == 0) return read_count(v, key, &r->height, err);
  if (strcmp(key, "channels") == 0) return read_count(v, key, &r->channels, err);
  if (strcmp(key, "cropScale") == 0) return read_number(v, key, &r->crop_scale, err);
  if (strcmp(key, "range") == 0) return read_range(v, r, err);
  if (strcmp(key, "steps") == 0) return read_steps(v, &r->steps, err);
  if (strcmp(key, "mean") == 0) return read_per_channel(v, key, r->mean, &counts->mean, err);
  if (strcmp(key, "std") == 0) return read_per_channel(v, key, r->std, &counts->std, err);
  if (strcmp(key, "fit") == 0) {
    NSC_TRY(read_name(v, key, fit_names, &index, err));
    r->fit = (nsc_fit)index;
  } else if (strcmp(key, "invert") == 0) {
    if (v->kind != NSC_JSON_BOOL) return bad(err, key, "is neither true nor false");
    r->invert = v->number != 0;
  } else if (strcmp(key, "scale") == 0) {
    NSC_TRY(read_number(v, key, &value, err));
    r->scale = (float)value;
  } else {
    return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: \"%.40s\" is not known", key);
  }
  return NSC_OK;
}

nsc_status nsc_recipe_member(const nsc_json_value *member, nsc_recipe *recipe, nsc_error *err) {
  channel_counts counts = {0};
  return read_member(member, recipe, &counts, err);
}

static nsc_status read_recipe(const nsc_json_value *root, nsc_recipe *r, nsc_error *err) {
  if (root->kind != NSC_JSON_OBJECT) return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: no JSON object");
  channel_counts counts = {0};
  const nsc_json_value *member = nsc_json_first(root);
  for (uint32_t n = root->count; n > 0; n--, member = nsc_json_next(member)) {
    NSC_TRY(read_member(member, r, &counts, err));
  }
  if (!r->width) return bad(err, "width", "is missing or 0");
  if (!r->height) return bad(err, "height", "is missing or 0");
  if (!r->channels) return bad(err, "channels", "is missing or 0");
  if (counts.mean && counts.mean != r->channels) return bad(err, "mean", "has not one value for each channel");
  if (counts.std && counts.std != r->channels) return bad(err, "std", "has not one value for each channel");
  return nsc_recipe_check(r, err);
}

nsc_status nsc_recipe_parse(const char *json, size_t size, nsc_recipe *out, nsc_error *err) {
  if (!json || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no recipe or no place for it");
  nsc_json document;
  nsc_error why = {0};
  nsc_status status = nsc_json_parse(json, size, &document, &why);
  if (status == NSC_ERROR_MEMORY) return nsc_fail(err, status, "%s", why.text);
  if (status != NSC_OK) return nsc_fail(err, NSC_ERROR_RECIPE, "recipe: %s", why.text);
  nsc_recipe r = {.crop_scale = 1, .scale = 1, .std = {1, 1, 1}};
  status = read_recipe(&document.values[0], &r, err);
  nsc_json_drop(&document);
  if (status == NSC_OK) *out = r;
  return status;
}

/* ---- writing ---- */

static void write_per_channel(const char *key, const float values[3], uint32_t channels, nsc_text *t) {
  nsc_json_key(t, key);
  nsc_json_array(t);
  for (uint32_t c = 0; c < channels; c++) nsc_json_float(t, values[c]);
  nsc_json_end_array(t);
}

void nsc_recipe_write(const nsc_recipe *r, nsc_text *t) {
  nsc_json_object(t);
  nsc_json_key(t, "width"), nsc_json_int(t, r->width);
  nsc_json_key(t, "height"), nsc_json_int(t, r->height);
  nsc_json_key(t, "channels"), nsc_json_int(t, r->channels);
  nsc_json_key(t, "fit"), nsc_json_string(t, fit_names[r->fit]);
  nsc_json_key(t, "cropScale"), nsc_json_number(t, r->crop_scale);
  nsc_json_key(t, "range");
  nsc_json_object(t);
  nsc_json_key(t, "kind"), nsc_json_string(t, range_names[r->range]);
  if (r->range == NSC_RANGE_WINDOW || r->range == NSC_RANGE_PERCENTILE) {
    nsc_json_key(t, "low"), nsc_json_number(t, r->low);
    nsc_json_key(t, "high"), nsc_json_number(t, r->high);
  }
  nsc_json_end_object(t);
  nsc_json_key(t, "invert"), nsc_json_bool(t, r->invert);
  if (r->steps.count) { /* so that models without any stay readable where steps are not known */
    nsc_json_key(t, "steps");
    nsc_steps_write(&r->steps, t);
  }
  nsc_json_key(t, "scale"), nsc_json_float(t, r->scale);
  write_per_channel("mean", r->mean, r->channels, t);
  write_per_channel("std", r->std, r->channels, t);
  nsc_json_end_object(t);
}

/* ---- presets ---- */

static const char *const preset_names[] = {"imagenet", "0-1", "-1-1", "torchxrayvision", NULL};

const char *const *nsc_recipe_presets(void) {
  return preset_names;
}

nsc_status nsc_recipe_preset(const char *name, nsc_recipe *inout, nsc_error *err) {
  if (!name || !inout) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no preset or no recipe");
  nsc_recipe r = {.width = inout->width, .height = inout->height, .channels = inout->channels, .crop_scale = 1};
  r.scale = 1;
  for (int c = 0; c < 3; c++) r.std[c] = 1;
  switch (index_of(preset_names, name)) {
    case 0: { /* torchvision's reference transforms; for one channel the means over the three */
      static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
      r.fit = NSC_FIT_CROP;
      r.crop_scale = 0.875;
      for (int c = 0; c < 3; c++) {
        r.mean[c] = inout->channels == 1 ? 0.449f : mean[c];
        r.std[c] = inout->channels == 1 ? 0.226f : std[c];
      }
      break;
    }
    case 1:
      break;
    case 2:
      for (int c = 0; c < 3; c++) r.mean[c] = r.std[c] = 0.5f;
      break;
    case 3: /* TorchXRayVision: XRayCenterCrop, then (2 x - 1) * 1024 */
      r.fit = NSC_FIT_CROP;
      r.scale = 2048;
      for (int c = 0; c < 3; c++) r.mean[c] = 1024;
      break;
    default:
      return nsc_fail(err, NSC_ERROR_RECIPE, "there is no recipe preset \"%.40s\"", name);
  }
  *inout = r;
  return NSC_OK;
}

nsc_status nsc_recipe_json(const nsc_recipe *recipe, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_recipe_write(recipe, &t);
  return nsc_text_finish(&t, out, err);
}
