#include "pipeline/eye.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "nn/feature_map.h"
#include "nn/session_taps.h"

nsc_status nsc_fit_picture(const nsc_recipe *r, uint32_t batch, nsc_tensor_info *info, bool *channels_first,
                           nsc_error *err) {
  if (info->rank != 4 || (info->type != NSC_TYPE_F32 && info->type != NSC_TYPE_F16)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "the model's input is no float picture of 4 dimensions");
  }
  *channels_first = info->dims[1] == r->channels || (info->dims[1] < 0 && info->dims[3] != r->channels);
  int64_t *height = &info->dims[*channels_first ? 2 : 1], *width = &info->dims[*channels_first ? 3 : 2];
  int64_t *channels = &info->dims[*channels_first ? 1 : 3];
  if (info->dims[0] < 0) info->dims[0] = batch;
  if (*height < 0) *height = r->height;
  if (*width < 0) *width = r->width;
  if (*channels < 0) *channels = r->channels;
  if (info->dims[0] != batch || *height != r->height || *width != r->width || *channels != r->channels) {
    return nsc_fail(
        err, NSC_ERROR_RECIPE,
        "the recipe makes %u x %u pixels with %u channels in batches of %u, the model takes %lld x %lld with %lld in "
        "batches of %lld",
        r->width, r->height, r->channels, batch, (long long)*width, (long long)*height, (long long)*channels,
        (long long)info->dims[0]);
  }
  return NSC_OK;
}

size_t nsc_recipe_count(const nsc_recipe *r) {
  return (size_t)r->width * r->height * r->channels; /* at most 4096 * 4096 * 3: fits 32 bits */
}

/* ---- opening ---- */

static nsc_status read_applicability(nsc_eye *e, nsc_error *err) {
  size_t size;
  const char *json = nsc_model_metadata(e->model, "nsc.applicability", &size);
  e->says_applicability = json != NULL;
  if (json) NSC_TRY(nsc_applicability_read(json, size, &e->applicability, err));
  const nsc_reconstruction *r = e->applicability.reconstruction;
  if (!r || nsc_reconstruction_channels(r) == e->recipe->channels) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_RECIPE,
                  "the autoencoder in the model's nsc.applicability has %u channels, the model's pictures have %u",
                  nsc_reconstruction_channels(r), e->recipe->channels);
}

nsc_status nsc_eye_open(nsc_eye *e, const nsc_session_options *options, nsc_error *err) {
  NSC_TRY(nsc_find_feature_map(e->model, e->model->outputs[0].value, &e->map, err));
  NSC_TRY(nsc_session_create_tapped(e->model, options, &e->map, e->map != NSC_NO_VALUE, &e->session, err));
  NSC_TRY(read_applicability(e, err));
  e->input_count = nsc_recipe_count(e->recipe);
  e->input = calloc(e->batch, e->input_count * sizeof *e->input);
  e->seen = calloc(e->batch, sizeof *e->seen);
  return e->input && e->seen ? NSC_OK
                             : nsc_fail_memory(err, e->batch * e->input_count * sizeof *e->input, "the model's input");
}

/* The map that was tapped is that of the first output. Another one may have its own, which is not looked at. */
nsc_status nsc_eye_aim(nsc_eye *e, uint32_t output, nsc_error *err) {
  uint32_t map;
  NSC_TRY(nsc_find_feature_map(e->model, e->model->outputs[output].value, &map, err));
  bool fits = map == e->map && map != NSC_NO_VALUE && nsc_session_tap_picture(e->session, map, e->map_size) &&
              e->map_size[0] * e->map_size[1] > 1;
  if (!fits) e->map = NSC_NO_VALUE;
  return NSC_OK;
}

void nsc_eye_forget_applicability(nsc_eye *e) {
  nsc_applicability_drop(&e->applicability);
  e->says_applicability = false;
}

void nsc_eye_close(nsc_eye *e) {
  nsc_session_free(e->session);
  nsc_applicability_drop(&e->applicability);
  free(e->input);
  free(e->seen);
}

/* ---- looking ---- */

static void prepare(void *context, size_t slot) {
  nsc_eye *e = context;
  nsc_seen *seen = &e->seen[slot];
  nsc_image *image = seen->image;
  if (!image) return;
  double start = nsc_now_ms();
  nsc_status status =
      nsc_preprocess(image, seen->frame, e->recipe, e->input + slot * e->input_count, e->input_count, &seen->error);
  if (status == NSC_OK && e->says_applicability) {
    status = nsc_applicability_judge_file(&e->applicability, image, seen->frame, &seen->applies, &seen->error);
  }
  seen->image = NULL;
  seen->fresh = status == NSC_OK && e->says_applicability;
  seen->preprocess_ms = nsc_now_ms() - start;
}

nsc_status nsc_eye_put(nsc_eye *e, uint32_t slot, nsc_image *image, uint32_t frame, nsc_error *err) {
  if (slot >= e->batch) return nsc_fail(err, NSC_ERROR_ARGUMENT, "picture %u of a batch of %u", slot, e->batch);
  const void *samples;
  /* An image decodes one frame at a time, and is for one thread. */
  for (uint32_t i = 0; i < e->batch; i++) {
    if (i != slot && e->seen[i].image == image) prepare(e, i);
  }
  double start = nsc_now_ms();
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  e->seen[slot] = (nsc_seen){.image = image,
                             .frame = frame,
                             .applies = {.features = NAN, .look = NAN, .reconstruction = NAN},
                             .decode_ms = nsc_now_ms() - start};
  return NSC_OK;
}

static void judge(void *context, size_t slot) {
  nsc_eye *e = context;
  nsc_seen *seen = &e->seen[slot];
  nsc_sight sight;
  if (!seen->fresh) return;
  if (nsc_eye_see(e, (uint32_t)slot, &sight, &seen->error) == NSC_OK) {
    nsc_applicability_judge_sight(&e->applicability, &sight, &seen->applies);
  }
  seen->fresh = false;
}

nsc_status nsc_eye_run(nsc_eye *e, const volatile int32_t *cancel, nsc_error *err) {
  size_t count = e->batch * e->input_count;
  nsc_session_each(e->session, prepare, e, e->batch);
  double start = nsc_now_ms();
  NSC_TRY(e->channels_first ? nsc_session_set_input_nhwc(e->session, 0, e->input, count, err)
                            : nsc_session_set_input(e->session, 0, e->input, count * sizeof *e->input, err));
  NSC_TRY(nsc_session_run(e->session, cancel, err));
  e->run_ms = nsc_now_ms() - start;
  if (e->applicability.reconstruction) { /* its network has one place to work in */
    for (uint32_t i = 0; i < e->batch; i++) judge(e, i);
  } else {
    nsc_session_each(e->session, judge, e, e->batch);
  }
  return NSC_OK;
}

void nsc_recipe_to_units(const nsc_recipe *recipe, const float *input, size_t count, float *out) {
  for (uint32_t c = 0; c < recipe->channels; c++) {
    float factor = recipe->std[c], offset = recipe->mean[c], scale = recipe->scale;
    for (size_t i = c; i < count; i += recipe->channels) out[i] = (input[i] * factor + offset) / scale;
  }
}

void nsc_recipe_from_units(const nsc_recipe *recipe, const float *units, size_t count, float *out) {
  for (uint32_t c = 0; c < recipe->channels; c++) {
    float factor = recipe->scale, offset = recipe->mean[c], deviation = recipe->std[c];
    for (size_t i = c; i < count; i += recipe->channels) out[i] = (units[i] * factor - offset) / deviation;
  }
}

nsc_status nsc_eye_see(nsc_eye *e, uint32_t slot, nsc_sight *out, nsc_error *err) {
  const nsc_recipe *r = e->recipe;
  size_t places = e->map_size[0] * e->map_size[1], channels = e->map_size[2];
  size_t room = e->map == NSC_NO_VALUE || places * channels < e->input_count ? e->input_count : places * channels;
  float *values = malloc(room * sizeof *values);
  if (!values) return nsc_fail_memory(err, room * sizeof *values, "what a model sees");
  nsc_recipe_to_units(r, e->input + slot * e->input_count, e->input_count, values);
  nsc_picture_look(values, r->height, r->width, r->channels, out->look);
  out->reconstruction = NAN;
  nsc_status status = e->applicability.reconstruction
                          ? nsc_reconstruction_judge(e->applicability.reconstruction, values, r->height, r->width,
                                                     &out->reconstruction, err)
                          : NSC_OK;
  out->feature_count = 0;
  if (e->map != NSC_NO_VALUE) {
    nsc_session_read_tap(e->session, e->map, slot, values);
    out->feature_count = nsc_pool_features(values, places, channels, out->features);
  }
  free(values);
  return status;
}

nsc_status nsc_eye_applies(const nsc_eye *e, uint32_t slot, nsc_applies *out, nsc_error *err) {
  const nsc_seen *seen = &e->seen[slot];
  if (seen->error.status != NSC_OK) return nsc_fail(err, seen->error.status, "%s", seen->error.text);
  *out = seen->applies;
  return NSC_OK;
}
