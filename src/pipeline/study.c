/* nsc_study: what a model's own pictures are like, for nsc.applicability. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/model.h"
#include "nn/onnx_write.h"
#include "nn/session_taps.h"
#include "pipeline/applicability.h"
#include "pipeline/classify.h"
#include "pipeline/study.h"
#include "pipeline/survival.h"

struct nsc_study {
  const nsc_model *model;
  nsc_classifier *classifier; /* one of these two */
  nsc_prognosis *prognosis;
  nsc_eye *eye;                    /* of it */
  nsc_gaussian_fit features, look; /* features.count 0 where the model has no feature map */
  double colour, aspect[2];        /* the most, the least and the largest that were seen */
  bool seen;                       /* a picture */
  nsc_autoencoder *autoencoder;    /* or NULL */
  nsc_compute *compute;            /* for an autoencoder of its own, which it then ends; else NULL */
};

static nsc_status build(nsc_study *s, const nsc_classifier_options *options, nsc_error *err) {
  if (nsc_model_is_survival(s->model)) {
    NSC_TRY(nsc_prognosis_create(s->model, options, &s->prognosis, err));
    s->eye = nsc_prognosis_eye(s->prognosis);
  } else {
    NSC_TRY(nsc_classifier_create(s->model, options, &s->classifier, err));
    s->eye = nsc_classifier_eye(s->classifier);
  }
  nsc_eye_forget_applicability(s->eye); /* of an earlier study */
  if (s->eye->map != NSC_NO_VALUE) {
    size_t channels = s->eye->map_size[2];
    uint32_t count = channels < NSC_GAUSSIAN_MOST ? (uint32_t)channels : NSC_GAUSSIAN_MOST;
    NSC_TRY(nsc_gaussian_begin(&s->features, count, err));
  }
  return nsc_gaussian_begin(&s->look, NSC_LOOK_COUNT, err);
}

nsc_status nsc_study_create(const nsc_model *model, const nsc_classifier_options *options, nsc_study **out,
                            nsc_error *err) {
  if (!model || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model");
  nsc_study *s = calloc(1, sizeof *s);
  if (!s) return nsc_fail_memory(err, sizeof *s, "a study of pictures");
  s->model = model;
  nsc_status status = build(s, options, err);
  if (status != NSC_OK) {
    nsc_study_free(s);
    return status;
  }
  *out = s;
  return NSC_OK;
}

void nsc_study_free(nsc_study *study) {
  if (!study) return;
  if (study->compute) nsc_autoencoder_free(study->autoencoder);
  nsc_compute_free(study->compute);
  nsc_classifier_free(study->classifier);
  nsc_prognosis_free(study->prognosis);
  nsc_gaussian_end(&study->features);
  nsc_gaussian_end(&study->look);
  free(study);
}

static nsc_status take(nsc_gaussian_fit *fit, const float *x, bool held, nsc_error *err) {
  if (held) return nsc_gaussian_hold(fit, x, err);
  nsc_gaussian_add(fit, x);
  return NSC_OK;
}

/* ---- the autoencoder ---- */

nsc_status nsc_study_use_autoencoder(nsc_study *study, uint64_t seed, nsc_error *err) {
  nsc_study *s = study;
  if (!s || s->seen || s->autoencoder) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "an autoencoder comes once, before the first picture of a study");
  }
  const nsc_recipe *r = s->eye->recipe;
  NSC_TRY(nsc_compute_borrow(nsc_session_threads(s->eye->session), &s->compute, err));
  nsc_status status = nsc_autoencoder_create(nsc_autoencoder_side(r->height), nsc_autoencoder_side(r->width),
                                             r->channels, seed, &s->autoencoder, err);
  if (status == NSC_OK) return NSC_OK;
  nsc_compute_free(s->compute);
  s->compute = NULL;
  return status;
}

void nsc_study_lend_autoencoder(nsc_study *study, nsc_autoencoder *autoencoder) {
  study->autoencoder = autoencoder;
}

nsc_status nsc_study_run(nsc_study *study, double milliseconds, const volatile int32_t *cancel, bool *finished,
                         nsc_autoencoder_progress *progress, nsc_error *err) {
  nsc_study *s = study;
  if (!s || !finished) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no study");
  nsc_autoencoder_progress at = {.loss = NAN, .validation_loss = NAN, .seconds_left = NAN};
  *finished = true;
  if (s->compute) {
    NSC_TRY(nsc_autoencoder_run(s->autoencoder, s->compute, milliseconds, cancel, finished, err));
    at = nsc_autoencoder_progress_of(s->autoencoder);
  }
  if (progress) *progress = at;
  return NSC_OK;
}

/* The picture that was put before the network, as the autoencoder learns from it. */
static nsc_status show_autoencoder(nsc_study *s, bool held, nsc_error *err) {
  const nsc_recipe *r = s->eye->recipe;
  uint8_t small[NSC_SMALL_PICTURE];
  size_t count = s->eye->input_count;
  float *values = malloc(count * sizeof *values);
  if (!values) return nsc_fail_memory(err, count * sizeof *values, "a study of pictures");
  nsc_recipe_to_units(r, s->eye->input, count, values);
  nsc_status status = nsc_small_picture(values, r->height, r->width, r->channels, small, err);
  free(values);
  return status == NSC_OK ? nsc_autoencoder_add(s->autoencoder, small, held, err) : status;
}

/* ---- pictures ---- */

/* The picture that was put before the network. */
static nsc_status see(nsc_study *s, bool held, nsc_error *err) {
  nsc_sight sight;
  nsc_applies ignored;
  s->seen = true;
  NSC_TRY(nsc_eye_run(s->eye, NULL, err));
  NSC_TRY(nsc_eye_applies(s->eye, 0, &ignored, err));
  if (s->compute) NSC_TRY(show_autoencoder(s, held, err));
  NSC_TRY(nsc_eye_see(s->eye, 0, &sight, err));
  if (s->features.count) NSC_TRY(take(&s->features, sight.features, held, err));
  return take(&s->look, sight.look, held, err);
}

nsc_status nsc_study_add(nsc_study *study, nsc_image *image, uint32_t frame, bool held, nsc_error *err) {
  nsc_study *s = study;
  double colour;
  if (!s || !image) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image");
  NSC_TRY(nsc_eye_put(s->eye, 0, image, frame, err));
  NSC_TRY(see(s, held, err));
  NSC_TRY(nsc_image_colour(image, frame, &colour, err));
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  double aspect = (double)info.width / info.height;
  s->colour = fmax(s->colour, colour);
  s->aspect[0] = s->aspect[0] > 0 ? fmin(s->aspect[0], aspect) : aspect;
  s->aspect[1] = fmax(s->aspect[1], aspect);
  return NSC_OK;
}

nsc_status nsc_study_add_values(nsc_study *study, const float *values, bool held, nsc_error *err) {
  nsc_recipe_from_units(study->eye->recipe, values, study->eye->input_count, study->eye->input);
  return see(study, held, err);
}

/* Takes the members that say what files are expected. */
static nsc_status read_expects(const char *expects, nsc_applicability *a, nsc_error *err) {
  if (!expects) return NSC_OK;
  nsc_text t = {0};
  char *json;
  nsc_text_printf(&t, "{\"expects\":%s}", expects);
  NSC_TRY(nsc_text_finish(&t, &json, err));
  nsc_applicability said;
  nsc_status status = nsc_applicability_read(json, strlen(json), &said, err);
  nsc_text_free(json);
  if (status != NSC_OK) return status;
  a->modality = said.modality;
  a->body_part = said.body_part;
  a->view = said.view;
  return NSC_OK;
}

static nsc_status learn(const nsc_study *s, const char *expects, nsc_applicability *a, nsc_error *err) {
  NSC_TRY(read_expects(expects, a, err));
  if (s->features.count) NSC_TRY(nsc_gaussian_finish(&s->features, &a->features, err));
  NSC_TRY(nsc_gaussian_finish(&s->look, &a->look, err));
  a->grey = s->aspect[0] > 0 && s->colour <= NSC_COLOUR_FROM;
  memcpy(a->aspect, s->aspect, sizeof a->aspect);
  bool learnt = s->autoencoder && nsc_autoencoder_finished(s->autoencoder);
  return learnt ? nsc_reconstruction_of(s->autoencoder, &a->reconstruction, err) : NSC_OK;
}

nsc_status nsc_study_finish(nsc_study *study, const char *expects, char **bytes, size_t *size, nsc_error *err) {
  static const char *const keys[] = {"nsc.applicability"};
  nsc_applicability a = {0};
  char *json = NULL;
  if (!study || !bytes || !size) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no study");
  nsc_status status = learn(study, expects, &a, err);
  if (status == NSC_OK) {
    nsc_text t = {0};
    nsc_applicability_write(&a, &t);
    status = nsc_text_finish(&t, &json, err);
  }
  nsc_applicability_drop(&a);
  if (status == NSC_OK) {
    nsc_source *file;
    status = nsc_source_copy(study->model->source, &file, err);
    if (status == NSC_OK) {
      status =
          nsc_onnx_replace_metadata(file->bytes, file->size, 1, keys, (const char *const[]){json}, bytes, size, err);
      nsc_source_free(file);
    }
  }
  nsc_text_free(json);
  return status;
}
