/* The pictures of a training: collected, split, shown, written and read again. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/source.h"
#include "image/filter.h"
#include "image/recipe.h"
#include "pipeline/collect.h"
#include "pipeline/survival.h"
#include "pipeline/training_private.h"
#include "train/duplicates.h"
#include "train/npz.h"

enum { LEAST_SIDE = 8, MOST_SIDE = 1024, MOST_LABELS = 1000 };

void nsc_training_forget(nsc_training *t) {
  nsc_training_end_autoencoder(t);
  nsc_trainer_free(t->trainer);
  nsc_net_free(t->alone);
  nsc_net_free(t->net);
  free(t->features);
  t->trainer = NULL;
  t->alone = t->net = NULL;
  t->features = NULL;
  t->judged_epoch = UINT32_MAX;
}

void nsc_training_free(nsc_training *training) {
  if (!training) return;
  nsc_training_forget(training);
  nsc_model_free(training->base);
  nsc_compute_free(training->compute);
  nsc_dataset_drop(&training->data);
  free(training);
}

/* ---- creating ---- */

static nsc_status set_labels(nsc_training *t, const nsc_json_value *list, nsc_error *err) {
  const char *names[MOST_LABELS];
  if (list->kind != NSC_JSON_ARRAY || list->count < 2 || list->count > MOST_LABELS) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "data: \"labels\" must be a list of 2 to %d names", MOST_LABELS);
  }
  const nsc_json_value *v = nsc_json_first(list);
  for (uint32_t i = 0; i < list->count; i++, v = nsc_json_next(v)) {
    if (v->kind != NSC_JSON_STRING) return nsc_fail(err, NSC_ERROR_ARGUMENT, "data: a label that is no text");
    names[i] = v->string;
    for (uint32_t k = 0; k < i; k++) {
      if (strcmp(names[k], names[i]) == 0) {
        return nsc_fail(err, NSC_ERROR_ARGUMENT, "data: the label \"%.60s\" stands there twice", names[i]);
      }
    }
  }
  uint64_t budget = t->data.budget;
  NSC_TRY(nsc_dataset_init(&t->data, t->recipe.height, t->recipe.width, t->recipe.channels, list->count, names, err));
  t->data.budget = budget;
  return NSC_OK;
}

static nsc_status read_recipe(nsc_fields *f, nsc_recipe *r, nsc_error *err) {
  static const char *const members[] = {"width", "height", "channels", "fit", "range", "invert", "steps"};
  *r = (nsc_recipe){.width = 64, .height = 64, .channels = 1, .crop_scale = 1, .high = 1, .scale = 1, .std = {1, 1, 1}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    const nsc_json_value *v = nsc_fields_value(f, members[i]);
    if (v) NSC_TRY(nsc_recipe_member(v, r, err));
  }
  NSC_TRY(nsc_recipe_check(r, err));
  if (r->width < LEAST_SIDE || r->width > MOST_SIDE || r->height < LEAST_SIDE || r->height > MOST_SIDE) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "data: width and height must be from %d to %d", LEAST_SIDE, MOST_SIDE);
  }
  return NSC_OK;
}

static nsc_status read_data(nsc_training *t, const char *json, nsc_error *err) {
  nsc_fields f;
  NSC_TRY(nsc_fields_open(&f, json, "data", err));
  nsc_status status = read_recipe(&f, &t->recipe, err);
  t->data.height = t->recipe.height;
  t->data.width = t->recipe.width;
  t->data.channels = t->recipe.channels;
  t->data.budget = (uint64_t)nsc_fields_number(&f, "budget", 1, 9007199254740991, NSC_DATASET_BUDGET);
  const nsc_json_value *labels = nsc_fields_value(&f, "labels");
  if (labels && status == NSC_OK) status = set_labels(t, labels, err);
  nsc_status closed = nsc_fields_close(&f);
  return status != NSC_OK ? status : closed;
}

nsc_status nsc_training_create(const char *data, nsc_training **out, nsc_error *err) {
  nsc_training *t = calloc(1, sizeof *t);
  if (!t) return nsc_fail_memory(err, sizeof *t, "a training");
  t->judged_epoch = UINT32_MAX;
  nsc_status status = read_data(t, data, err);
  if (status != NSC_OK) {
    nsc_training_free(t);
    return status;
  }
  *out = t;
  return NSC_OK;
}

nsc_status nsc_training_adopt(nsc_dataset *data, const nsc_recipe *recipe, nsc_training **out, nsc_error *err) {
  nsc_training *t = calloc(1, sizeof *t);
  if (!t) {
    nsc_dataset_drop(data);
    return nsc_fail_memory(err, sizeof *t, "a training");
  }
  *t = (nsc_training){.data = *data, .recipe = *recipe, .judged_epoch = UINT32_MAX};
  *data = (nsc_dataset){0};
  *out = t;
  return NSC_OK;
}

const nsc_dataset *nsc_training_data(const nsc_training *t) {
  return &t->data;
}

/* ---- adding ---- */

/* Outcomes are of the samples and splits that there were when they were set. */
static nsc_status need_open(const nsc_training *t, nsc_error *err) {
  if (!t->data.survival) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "pictures and splits come before times to an event");
}

static void set_split(nsc_dataset *d, uint32_t sample, int split) {
  if (split < 0) return;
  d->samples[sample].split = (nsc_split)split;
  d->samples[sample].split_given = true;
}

nsc_status nsc_training_add_image(nsc_training *t, nsc_image *image, uint32_t frame, const char *name,
                                  const char *patient, uint32_t label, int split, nsc_error *err) {
  NSC_TRY(need_open(t, err));
  if (label >= t->data.label_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no label number %u", label);
  if (split > (int)NSC_SPLIT_TEST) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no split number %d", split);
  nsc_training_forget(t);
  NSC_TRY(nsc_collect_image(&t->data, image, frame, &t->recipe, name, patient, label, err));
  set_split(&t->data, t->data.count - 1, split);
  return NSC_OK;
}

/* Labels of an .npz, which names none: those given, or the numbers themselves. */
static nsc_status label_npz(nsc_training *t, uint32_t count, const char *labels, nsc_error *err) {
  nsc_text numbers = {0};
  if (count < 2 || count > MOST_LABELS) return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "%u labels in an .npz", count);
  nsc_json_array(&numbers);
  for (uint32_t i = 0; i < count; i++) {
    char word[16];
    snprintf(word, sizeof word, "%u", i);
    nsc_json_string(&numbers, word);
  }
  nsc_json_end_array(&numbers);
  char *made = NULL;
  NSC_TRY(nsc_text_finish(&numbers, &made, err));
  const char *text = labels ? labels : made;
  nsc_json json;
  nsc_status status = nsc_json_parse(text, strlen(text), &json, err);
  if (status == NSC_OK) {
    status = set_labels(t, json.values, err);
    nsc_json_drop(&json);
  }
  nsc_text_free(made);
  return status;
}

static nsc_status add_npz_split(nsc_training *t, const nsc_npz *npz, nsc_split split, nsc_error *err) {
  for (uint32_t i = 0; i < npz->splits[split].count; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s %u", nsc_split_name(split), i);
    NSC_TRY(nsc_collect_pixels(&t->data, nsc_npz_pixels(npz, split, i), npz->height, npz->width, npz->channels,
                               &t->recipe, name, NULL, npz->splits[split].labels[i], err));
    set_split(&t->data, t->data.count - 1, (int)split);
  }
  return NSC_OK;
}

static nsc_status add_npz(nsc_training *t, const nsc_npz *npz, const char *labels, nsc_error *err) {
  if (!nsc_training_has_labels(t)) NSC_TRY(label_npz(t, npz->label_count, labels, err));
  if (npz->label_count > t->data.label_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the file has %u labels, %u were named", npz->label_count,
                    t->data.label_count);
  }
  uint64_t total = t->data.count;
  for (int s = 0; s < NSC_SPLITS; s++) total += npz->splits[s].count;
  if (total > UINT32_MAX) return nsc_fail(err, NSC_ERROR_LIMIT, "too many pictures");
  NSC_TRY(nsc_dataset_reserve(&t->data, (uint32_t)total, err));
  nsc_training_forget(t);
  uint32_t before = t->data.count;
  nsc_status status = NSC_OK;
  for (int s = 0; s < NSC_SPLITS && status == NSC_OK; s++) status = add_npz_split(t, npz, (nsc_split)s, err);
  if (status != NSC_OK) t->data.count = before;
  return status;
}

nsc_status nsc_training_add_npz(nsc_training *t, const nsc_source *source, const char *labels, nsc_error *err) {
  nsc_npz npz;
  NSC_TRY(need_open(t, err));
  if (!source || nsc_source_is_outside(source)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no source in memory");
  NSC_TRY(nsc_npz_open(source->bytes, source->size, 0, &npz, err));
  nsc_status status = add_npz(t, &npz, labels, err);
  nsc_npz_drop(&npz);
  return status;
}

nsc_status nsc_training_split(nsc_training *t, const char *how, nsc_error *err) {
  nsc_fields f;
  NSC_TRY(need_open(t, err));
  NSC_TRY(nsc_fields_open(&f, how, "split", err));
  double validation = nsc_fields_number(&f, "validation", 0, 0.9, 0.15),
         test = nsc_fields_number(&f, "test", 0, 0.9, 0);
  uint64_t seed = (uint64_t)nsc_fields_number(&f, "seed", 0, 9007199254740991, 1);
  uint32_t folds = nsc_fields_count(&f, "folds", 0, 1000, 0), fold = nsc_fields_count(&f, "fold", 0, 1000, 0);
  NSC_TRY(nsc_fields_close(&f));
  nsc_training_forget(t);
  return folds ? nsc_dataset_fold(&t->data, folds, fold, seed, err)
               : nsc_dataset_split(&t->data, validation, test, seed, err);
}

/* ---- looking ---- */

const char *nsc_training_name(const nsc_training *t, uint32_t sample) {
  return sample < t->data.count ? t->data.samples[sample].name : NULL;
}

static void write_labels(nsc_text *t, const nsc_dataset *d) {
  static const char *const splits[] = {"train", "validation", "test"};
  nsc_json_key(t, "labels");
  nsc_json_array(t);
  for (uint32_t i = 0; i < d->label_count; i++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, d->labels[i]);
    for (int s = 0; s < 3; s++) {
      nsc_json_key(t, splits[s]), nsc_json_int(t, nsc_dataset_count(d, (nsc_split)s, i));
    }
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

static void write_samples(nsc_text *t, const nsc_dataset *d) {
  nsc_json_key(t, "samples");
  nsc_json_array(t);
  for (uint32_t i = 0; i < d->count; i++) {
    nsc_json_array(t);
    nsc_json_int(t, d->samples[i].label);
    nsc_json_int(t, d->samples[i].split);
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
}

static void write_duplicates(nsc_text *t, const nsc_duplicates *found) {
  nsc_json_array(t);
  for (uint32_t i = 0; i < found->count; i++) {
    const nsc_duplicate *pair = &found->list[i];
    nsc_json_object(t);
    nsc_json_key(t, "sample"), nsc_json_int(t, pair->sample);
    nsc_json_key(t, "first"), nsc_json_int(t, pair->first);
    nsc_json_key(t, "exact"), nsc_json_bool(t, pair->exact);
    nsc_json_key(t, "acrossSplits"), nsc_json_bool(t, pair->crosses);
    nsc_json_key(t, "differentLabels"), nsc_json_bool(t, pair->relabelled);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

nsc_status nsc_training_duplicates_json(const nsc_training *training, char **out, nsc_error *err) {
  nsc_duplicates found;
  NSC_TRY(nsc_duplicates_find(&training->data, &found, err));
  nsc_text t = {0};
  write_duplicates(&t, &found);
  nsc_duplicates_drop(&found);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_training_data_json(const nsc_training *training, char **out, nsc_error *err) {
  const nsc_dataset *d = &training->data;
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "width"), nsc_json_int(&t, (int64_t)d->width);
  nsc_json_key(&t, "height"), nsc_json_int(&t, (int64_t)d->height);
  nsc_json_key(&t, "channels"), nsc_json_int(&t, (int64_t)d->channels);
  nsc_json_key(&t, "bytes"), nsc_json_int(&t, (int64_t)((uint64_t)d->count * d->height * d->width * d->channels));
  nsc_json_key(&t, "budget"), nsc_json_int(&t, (int64_t)d->budget);
  nsc_json_key(&t, "steps"), nsc_steps_write(&training->recipe.steps, &t);
  write_labels(&t, d);
  write_samples(&t, d);
  nsc_json_key(&t, "survival");
  if (d->survival) {
    nsc_survival_spec_write(d->survival, &t);
  } else {
    nsc_json_null(&t);
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

static void to_rgba(const float *values, size_t pixels, size_t channels, uint8_t *rgba) {
  for (size_t p = 0; p < pixels; p++) {
    for (size_t c = 0; c < 3; c++) {
      float v = values[p * channels + (channels == 1 ? 0 : c)];
      rgba[4 * p + c] = (uint8_t)lrintf(fminf(fmaxf(v, 0), 1) * 255);
    }
    rgba[4 * p + 3] = 255;
  }
}

nsc_status nsc_training_picture(const nsc_training *training, uint32_t sample, const char *augment, uint32_t draw,
                                uint8_t *rgba, size_t size, nsc_error *err) {
  const nsc_dataset *d = &training->data;
  size_t pixels = d->height * d->width;
  if (sample >= d->count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no sample number %u", sample);
  if (size != pixels * 4) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the picture has %zu bytes", pixels * 4);
  nsc_augment changes = {0};
  nsc_fields f;
  if (augment) {
    NSC_TRY(nsc_fields_open(&f, augment, "picture", err));
    nsc_training_augment(&f, "augment", &changes);
    NSC_TRY(nsc_fields_close(&f));
  }
  float *values = malloc(pixels * d->channels * sizeof *values);
  if (!values) return nsc_fail_memory(err, pixels * d->channels * sizeof *values, "a picture");
  const nsc_rng root = nsc_rng_seeded(draw);
  nsc_augment_apply(augment ? &changes : NULL, nsc_rng_split(&root, sample), nsc_dataset_pixels(d, sample), d->height,
                    d->width, d->channels, values);
  to_rgba(values, pixels, d->channels, rgba);
  free(values);
  return NSC_OK;
}
