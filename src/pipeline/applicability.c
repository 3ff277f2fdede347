#include "pipeline/applicability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "image/image.h"
#include "image/mapping.h"

/*
 * Measured on the shipped models (their cards have the figures): at 1, three to four in a hundred of a model's own test
 * pictures are doubtful by one measure or the other; at 1.4 one in a hundred is out of range, and nearly all pictures
 * of other kinds are.
 */
static const double doubtful_from = 1, out_from = 1.4;
/* A stretched picture looks like its own kind up to about this. */
static const double shape_slack = 1.25;

/* ---- JSON ---- */

static bool read_expected(const nsc_json_value *v, nsc_expected *out) {
  if (!v || v->kind == NSC_JSON_NULL) return true;
  if (v->kind != NSC_JSON_ARRAY || v->count > NSC_EXPECTED_MOST) return false;
  const nsc_json_value *word = nsc_json_first(v);
  for (uint32_t i = 0; i < v->count; i++, word = nsc_json_next(word)) {
    if (word->kind != NSC_JSON_STRING || strlen(word->string) >= sizeof out->list[0]) return false;
    strcpy(out->list[out->count++], word->string);
  }
  return true;
}

static bool is_there(const nsc_json_value *v) {
  return v && v->kind != NSC_JSON_NULL;
}

static bool read_all(const nsc_json_value *root, nsc_applicability *out) {
  const nsc_json_value *features = nsc_json_get(root, "features"), *look = nsc_json_get(root, "look");
  const nsc_json_value *grey = nsc_json_get(root, "grey"), *aspect = nsc_json_get(root, "aspect");
  const nsc_json_value *expects = nsc_json_get(root, "expects");
  if (root->kind != NSC_JSON_OBJECT) return false;
  if (is_there(features) && !nsc_gaussian_read(features, &out->features)) return false;
  if (is_there(look) && (!nsc_gaussian_read(look, &out->look) || out->look.count != NSC_LOOK_COUNT)) return false;
  out->grey = grey && grey->kind == NSC_JSON_BOOL && grey->number != 0;
  if (aspect && aspect->kind == NSC_JSON_ARRAY && aspect->count == 2) {
    const nsc_json_value *low = nsc_json_first(aspect), *high = nsc_json_next(low);
    if (!(low->kind == NSC_JSON_NUMBER && high->kind == NSC_JSON_NUMBER && low->number > 0 &&
          high->number >= low->number)) {
      return false;
    }
    out->aspect[0] = low->number, out->aspect[1] = high->number;
  }
  return read_expected(nsc_json_get(expects, "modality"), &out->modality) &&
         read_expected(nsc_json_get(expects, "bodyPart"), &out->body_part) &&
         read_expected(nsc_json_get(expects, "view"), &out->view);
}

nsc_status nsc_applicability_read(const char *json, size_t size, nsc_applicability *out, nsc_error *err) {
  nsc_json document;
  nsc_applicability a = {0};
  nsc_error inner = {0};
  if (nsc_json_parse(json, size, &document, &inner) != NSC_OK) {
    return nsc_fail(err, NSC_ERROR_RECIPE, "the model's nsc.applicability is not usable: %s", inner.text);
  }
  nsc_status status = NSC_OK;
  if (!read_all(document.values, &a)) {
    status = nsc_fail(err, NSC_ERROR_RECIPE, "the model's nsc.applicability is not as docs/MODEL-FORMAT.md has it");
  }
  const nsc_json_value *reconstruction = nsc_json_get(document.values, "reconstruction");
  if (status == NSC_OK && is_there(reconstruction)) {
    status = nsc_reconstruction_read(reconstruction, &a.reconstruction, err);
  }
  nsc_json_drop(&document);
  if (status != NSC_OK) {
    nsc_applicability_drop(&a);
    return status;
  }
  *out = a;
  return NSC_OK;
}

static void write_expected(nsc_text *t, const char *key, const nsc_expected *e) {
  if (!e->count) return;
  nsc_json_key(t, key), nsc_json_array(t);
  for (uint32_t i = 0; i < e->count; i++) nsc_json_string(t, e->list[i]);
  nsc_json_end_array(t);
}

void nsc_applicability_write(const nsc_applicability *a, nsc_text *t) {
  nsc_json_object(t);
  if (a->features.count) nsc_json_key(t, "features"), nsc_gaussian_write(&a->features, t);
  if (a->look.count) nsc_json_key(t, "look"), nsc_gaussian_write(&a->look, t);
  if (a->reconstruction) nsc_json_key(t, "reconstruction"), nsc_reconstruction_write(a->reconstruction, t);
  nsc_json_key(t, "grey"), nsc_json_bool(t, a->grey);
  if (a->aspect[0] > 0) {
    nsc_json_key(t, "aspect"), nsc_json_array(t);
    nsc_json_number(t, a->aspect[0]), nsc_json_number(t, a->aspect[1]);
    nsc_json_end_array(t);
  }
  nsc_json_key(t, "expects"), nsc_json_object(t);
  write_expected(t, "modality", &a->modality);
  write_expected(t, "bodyPart", &a->body_part);
  write_expected(t, "view", &a->view);
  nsc_json_end_object(t);
  nsc_json_end_object(t);
}

void nsc_applicability_drop(nsc_applicability *a) {
  nsc_gaussian_drop(&a->features);
  nsc_gaussian_drop(&a->look);
  nsc_reconstruction_free(a->reconstruction);
  a->reconstruction = NULL;
}

/* ---- measures ---- */

uint32_t nsc_pool_features(const float *map, size_t places, size_t channels, float out[NSC_GAUSSIAN_MOST]) {
  uint32_t count = channels < NSC_GAUSSIAN_MOST ? (uint32_t)channels : NSC_GAUSSIAN_MOST;
  nsc_rng rng = nsc_rng_seeded(1);
  double signs = sqrt((double)count);
  for (uint32_t i = 0; i < count; i++) out[i] = 0;
  for (size_t c = 0; c < channels; c++) {
    double sum = 0;
    for (size_t p = 0; p < places; p++) sum += (double)map[p * channels + c];
    float mean = (float)(sum / (double)places);
    if (channels <= NSC_GAUSSIAN_MOST) {
      out[c] = mean;
      continue;
    }
    float part = (float)((double)mean / signs);
    for (uint32_t i = 0; i < count; i += 64) {
      uint64_t bits = nsc_rng_u64(&rng);
      for (uint32_t k = 0; k < 64 && i + k < count; k++) out[i + k] += bits >> k & 1 ? part : -part;
    }
  }
  return count;
}

/* Some thousand pixels of the frame as it is stored: every picture that is classified comes by here. */
nsc_status nsc_image_colour(nsc_image *image, uint32_t frame, double *out, nsc_error *err) {
  enum { SIDE = 48 };
  const nsc_image_info *info = &image->info;
  const void *samples;
  double sum = 0, low, high;
  *out = 0;
  if (info->channels != 3) return NSC_OK;
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  nsc_type_range(image, frame, &low, &high);
  for (size_t i = 0; i < SIDE * SIDE; i++) {
    size_t y = (2 * (i / SIDE) + 1) * info->height / (2 * SIDE), x = (2 * (i % SIDE) + 1) * info->width / (2 * SIDE);
    size_t at = (y * info->width + x) * 3;
    double red = nsc_sample_value(info->type, samples, at), green = nsc_sample_value(info->type, samples, at + 1);
    sum += fabs(red - green) + fabs(green - nsc_sample_value(info->type, samples, at + 2));
  }
  *out = high > low ? sum / (2 * SIDE * SIDE * (high - low)) : 0;
  return NSC_OK;
}

/* A file that says nothing contradicts nothing. */
static bool contradicts(const nsc_expected *e, const char *word) {
  bool said = word[0] != 0 && e->count;
  for (uint32_t i = 0; i < e->count && said; i++) said = strcmp(e->list[i], word) != 0;
  return said;
}

static void find(nsc_applies *a, nsc_applies_reason reason, nsc_applies_verdict verdict) {
  a->reasons |= (uint32_t)reason;
  if (verdict > a->verdict) a->verdict = verdict;
}

static void measure(nsc_applies *a, nsc_applies_reason reason, double unusual) {
  if (unusual > out_from) {
    find(a, reason, NSC_APPLIES_OUT);
  } else if (unusual > doubtful_from) {
    find(a, reason, NSC_APPLIES_DOUBTFUL);
  }
}

nsc_status nsc_applicability_judge_file(const nsc_applicability *a, nsc_image *image, uint32_t frame, nsc_applies *out,
                                        nsc_error *err) {
  nsc_applies found = {.verdict = NSC_APPLIES_IN_RANGE, .features = NAN, .look = NAN, .reconstruction = NAN};
  double colour = 0, aspect = (double)image->info.width / image->info.height;
  if (a->grey) NSC_TRY(nsc_image_colour(image, frame, &colour, err));
  if (colour > NSC_COLOUR_FROM) find(&found, NSC_APPLIES_COLOUR, NSC_APPLIES_OUT);
  bool wide = a->aspect[1] > 0 && aspect > a->aspect[1] * shape_slack;
  bool high = a->aspect[0] > 0 && aspect < a->aspect[0] / shape_slack;
  if (wide || high) find(&found, NSC_APPLIES_SHAPE, NSC_APPLIES_DOUBTFUL);
  if (contradicts(&a->modality, image->modality)) find(&found, NSC_APPLIES_MODALITY, NSC_APPLIES_OUT);
  if (contradicts(&a->body_part, image->body_part)) find(&found, NSC_APPLIES_BODY_PART, NSC_APPLIES_OUT);
  if (contradicts(&a->view, image->view)) find(&found, NSC_APPLIES_VIEW, NSC_APPLIES_DOUBTFUL);
  *out = found;
  return NSC_OK;
}

void nsc_applicability_judge_sight(const nsc_applicability *a, const nsc_sight *sight, nsc_applies *inout) {
  if (a->features.count && a->features.count == sight->feature_count) {
    inout->features = nsc_gaussian_unusual(&a->features, sight->features);
    measure(inout, NSC_APPLIES_FEATURES, inout->features);
  }
  if (a->look.count) {
    inout->look = nsc_gaussian_unusual(&a->look, sight->look);
    measure(inout, NSC_APPLIES_LOOK, inout->look);
  }
  if (a->reconstruction) {
    inout->reconstruction = sight->reconstruction;
    measure(inout, NSC_APPLIES_RECONSTRUCTION, inout->reconstruction);
  }
}
