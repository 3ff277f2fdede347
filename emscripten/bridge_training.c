/*
 * The training part of the public API for JavaScript; conventions as in bridge.c. Results are JSON or bytes with their
 * size in result 1, both ended by nsc_text_free, and pictures, ended by bridge_free. A training ends with
 * nsc_training_free, which is exported as it is.
 */
#include "bridge.h"

nsc_status bridge_training_create(const char *data) {
  nsc_error *err = bridge_begin();
  nsc_training *training = NULL;
  return bridge_finish(nsc_training_create(data, &training, err), training);
}

nsc_status bridge_training_add_image(nsc_training *training, nsc_image *image, uint32_t frame, const char *name,
                                     const char *patient, uint32_t label, int32_t split) {
  nsc_error *err = bridge_begin();
  return nsc_training_add_image(training, image, frame, name, patient, label, split, err);
}

nsc_status bridge_training_add_npz(nsc_training *training, const nsc_source *source, const char *labels) {
  nsc_error *err = bridge_begin();
  return nsc_training_add_npz(training, source, labels, err);
}

nsc_status bridge_training_split(nsc_training *training, const char *how) {
  nsc_error *err = bridge_begin();
  return nsc_training_split(training, how, err);
}

nsc_status bridge_training_data(const nsc_training *training) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_data_json(training, &json, err), json);
}

nsc_status bridge_training_duplicates(const nsc_training *training) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_duplicates_json(training, &json, err), json);
}

/* The training's own text, not to be freed; 0 when there is no such sample. */
const char *bridge_training_name(const nsc_training *training, uint32_t sample) {
  return nsc_training_name(training, sample);
}

/* `augment` may be NULL. Width and height are those of the data. */
nsc_status bridge_training_picture(const nsc_training *training, uint32_t sample, const char *augment, uint32_t draw,
                                   uint32_t width, uint32_t height) {
  nsc_error *err = bridge_begin();
  uint8_t *rgba;
  size_t size;
  nsc_status status = bridge_picture(width, height, &rgba, &size);
  if (status != NSC_OK) return status;
  return bridge_hand_out(nsc_training_picture(training, sample, augment, draw, rgba, size, err), rgba, size);
}

nsc_status bridge_training_choices(const nsc_training *training) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_choices_json(training, &json, err), json);
}

/* The source is the training's on success, and stays the caller's on failure. */
nsc_status bridge_training_set_base(nsc_training *training, nsc_source *source) {
  nsc_error *err = bridge_begin();
  return nsc_training_set_base(training, source, err);
}

nsc_status bridge_training_need(nsc_training *training, const char *options, uint32_t threads) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_need_json(training, options, threads, &json, err), json);
}

/* A number that is negative: none. */
nsc_status bridge_training_set_store(nsc_training *training, int32_t id) {
  (void)bridge_begin();
  nsc_store store = bridge_store(id);
  nsc_training_set_store(training, id >= 0 ? &store : NULL);
  return NSC_OK;
}

nsc_status bridge_training_begin(nsc_training *training, const char *options, uint32_t threads) {
  nsc_error *err = bridge_begin();
  return nsc_training_begin(training, options, threads, err);
}

/* Result 0: whether training has ended. */
nsc_status bridge_training_run(nsc_training *training, double milliseconds) {
  nsc_error *err = bridge_begin();
  bool finished = false;
  nsc_status status = nsc_training_run(training, milliseconds, bridge_cancel_flag(), &finished, err);
  return bridge_finish(status, (const void *)(uintptr_t)finished);
}

nsc_status bridge_training_status(const nsc_training *training) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_status_json(training, &json, err), json);
}

nsc_status bridge_training_evaluate(nsc_training *training, const char *how) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_evaluate(training, how, &json, err), json);
}

nsc_status bridge_training_neighbours(nsc_training *training, nsc_image *image, uint32_t frame, uint32_t k) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_training_neighbours(training, image, frame, k, &json, err), json);
}

nsc_status bridge_training_model(nsc_training *training, const char *facts) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_training_model(training, facts, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

/* With what its own pictures are like; without, where there are too few of them or no memory to look at them. */
nsc_status bridge_training_model_studied(nsc_training *training, const char *facts) {
  nsc_error *err = bridge_begin(), ignored = {0};
  char *bytes = NULL, *studied = NULL;
  size_t size = 0, studied_size = 0;
  nsc_status status = nsc_training_model(training, facts, &bytes, &size, err);
  if (status != NSC_OK) return status;
  if (nsc_training_study(training, (const uint8_t *)bytes, size, &studied, &studied_size, &ignored) == NSC_OK) {
    nsc_text_free(bytes);
    bytes = studied;
    size = studied_size;
  }
  return bridge_finish_sized(status, bytes, size);
}

nsc_status bridge_training_checkpoint(nsc_training *training, uint32_t part) {
  nsc_error *err = bridge_begin();
  const void *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_training_checkpoint(training, part, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

nsc_status bridge_training_resume(nsc_training *training, const uint8_t *bytes, double size) {
  nsc_error *err = bridge_begin();
  size_t count;
  if (!bridge_to_size(size, &count)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  return nsc_training_resume(training, bytes, count, err);
}

/* From the store of that number, which need not be writable. */
nsc_status bridge_training_resume_from(nsc_training *training, int32_t id, double size) {
  nsc_error *err = bridge_begin();
  nsc_store file = bridge_store(id);
  if (!(size >= 0 && size <= 9007199254740991)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  return nsc_training_resume_from(training, &file, (uint64_t)size, err);
}

nsc_status bridge_training_save_data(const nsc_training *training) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_training_save_data(training, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

nsc_status bridge_training_restore_data(const uint8_t *bytes, double size) {
  nsc_error *err = bridge_begin();
  size_t count;
  if (!bridge_to_size(size, &count)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  nsc_training *training = NULL;
  return bridge_finish(nsc_training_restore_data(bytes, count, &training, err), training);
}
