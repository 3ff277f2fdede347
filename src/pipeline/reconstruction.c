#include "pipeline/reconstruction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/source.h"
#include "image/resize.h"
#include "nn/model.h"

/* Ours take 2 MB while they run; a file that says otherwise is damaged or means harm. */
enum { MOST_BYTES = 64 << 20, WINDOW = 8 };
struct nsc_reconstruction {
  nsc_model *network;
  nsc_session *session; /* NULL before the first picture */
  uint32_t height, width, channels;
  nsc_usual limits; /* of `measure` */
  float *picture;   /* [channels][height][width], and after it what the network makes of it */
};

/* ---- opening ---- */

static nsc_status no_network(nsc_error *err, const char *why) {
  return nsc_fail(err, NSC_ERROR_RECIPE, "the autoencoder in the model's nsc.applicability is not usable: %s", why);
}

static bool is_side(int64_t side) {
  return side > 0 && side <= NSC_AUTOENCODER_SIDE && side % NSC_AUTOENCODER_STEP == 0;
}

static nsc_status read_shape(nsc_reconstruction *r, nsc_error *err) {
  nsc_tensor_info in;
  nsc_error inner = {0};
  if (nsc_model_file_count(r->network)) return no_network(err, "it wants files beside it");
  if (nsc_model_input_count(r->network) != 1 || nsc_model_input_info(r->network, 0, &in, &inner) != NSC_OK) {
    return no_network(err, "it does not take one picture");
  }
  bool fits = in.type == NSC_TYPE_F32 && in.rank == 4 && (in.dims[0] == -1 || in.dims[0] == 1) &&
              (in.dims[1] == 1 || in.dims[1] == 3) && is_side(in.dims[2]) && is_side(in.dims[3]);
  if (!fits) return no_network(err, "it takes no picture of 16 or 32 pixels a side");
  r->channels = (uint32_t)in.dims[1];
  r->height = (uint32_t)in.dims[2];
  r->width = (uint32_t)in.dims[3];
  return NSC_OK;
}

/* Takes the source over. */
static nsc_status open_network(nsc_source *source, nsc_usual limits, nsc_reconstruction **out, nsc_error *err) {
  nsc_error inner = {0};
  nsc_reconstruction *r = calloc(1, sizeof *r);
  if (!r || nsc_model_open(source, &r->network, &inner) != NSC_OK) {
    nsc_source_free(source);
    free(r);
    return r ? no_network(err, inner.text) : nsc_fail_memory(err, sizeof *r, "an autoencoder");
  }
  r->limits = limits;
  nsc_status status = read_shape(r, err);
  if (status != NSC_OK) {
    nsc_reconstruction_free(r);
    return status;
  }
  *out = r;
  return NSC_OK;
}

void nsc_reconstruction_free(nsc_reconstruction *r) {
  if (!r) return;
  nsc_session_free(r->session);
  nsc_model_free(r->network);
  free(r->picture);
  free(r);
}

uint32_t nsc_reconstruction_channels(const nsc_reconstruction *r) {
  return r->channels;
}

/* ---- JSON ---- */

nsc_status nsc_reconstruction_read(const nsc_json_value *object, nsc_reconstruction **out, nsc_error *err) {
  const char *text = nsc_json_text_of(object, "network");
  nsc_usual limits;
  if (!nsc_usual_read(object, &limits)) return no_network(err, "it does not say which errors are usual");
  if (!text) return no_network(err, "there is no network");
  size_t length = strlen(text), padding = 0; /* a text of JSON is a megabyte at most */
  while (padding < 2 && padding < length && text[length - 1 - padding] == '=') padding++;
  size_t size = length < 4 ? 0 : length / 4 * 3 - padding;
  nsc_source *source;
  uint8_t *bytes;
  NSC_TRY(nsc_source_create(size + 1, &source, err));
  nsc_status status = nsc_source_reserve(source, size, &bytes, err);
  if (status == NSC_OK && !nsc_base64_read(text, length, bytes, size)) {
    status = no_network(err, "it is no base64 (RFC 4648)");
  }
  if (status == NSC_OK) status = nsc_source_commit(source, size, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  return open_network(source, limits, out, err);
}

void nsc_reconstruction_write(const nsc_reconstruction *r, nsc_text *t) {
  nsc_json_object(t);
  nsc_usual_write(&r->limits, t);
  nsc_json_key(t, "network");
  nsc_text_put(t, "\"");
  nsc_base64_put(t, r->network->source->bytes, r->network->source->size);
  nsc_text_put(t, "\"");
  t->needs_comma = true;
  nsc_json_end_object(t);
}

/* ---- small pictures ---- */

typedef struct rows {
  const float *values;
  size_t count; /* of a row */
} rows;

static void take_row(void *user, uint32_t y, float *row) {
  const rows *r = user;
  memcpy(row, r->values + y * r->count, r->count * sizeof *row);
}

static nsc_status shrink(const float *values, uint32_t height, uint32_t width, uint32_t channels, uint32_t to_height,
                         uint32_t to_width, uint8_t *small, nsc_error *err) {
  size_t count = (size_t)to_height * to_width * channels;
  rows source = {values, (size_t)width * channels};
  nsc_resize_axis x = {width, 0, width, to_width, 0, to_width}, y = {height, 0, height, to_height, 0, to_height};
  float *scaled = malloc(count * sizeof *scaled);
  if (!scaled) return nsc_fail_memory(err, count * sizeof *scaled, "a small picture");
  nsc_status status = nsc_resize(take_row, &source, channels, &x, &y, scaled, (size_t)to_width * channels, err);
  for (size_t i = 0; i < count && status == NSC_OK; i++) {
    small[i] = (uint8_t)lrintf(255 * fminf(fmaxf(scaled[i], 0), 1)); /* NaN becomes 0 */
  }
  free(scaled);
  return status;
}

nsc_status nsc_small_picture(const float *values, uint32_t height, uint32_t width, uint32_t channels, uint8_t *small,
                             nsc_error *err) {
  return shrink(values, height, width, channels, nsc_autoencoder_side(height), nsc_autoencoder_side(width), small, err);
}

/* ---- judging ---- */

static nsc_status make_session(nsc_reconstruction *r, nsc_error *err) {
  nsc_tensor_info in, out;
  nsc_error inner = {0};
  NSC_TRY(nsc_model_input_info(r->network, 0, &in, err));
  in.dims[0] = 1;
  const nsc_session_options options = {.threads = 1, .input_count = 1, .inputs = &in, .max_bytes = MOST_BYTES};
  if (nsc_session_create(r->network, &options, &r->session, &inner) != NSC_OK) return no_network(err, inner.text);
  nsc_session_output_info(r->session, 0, &out);
  if (out.type != NSC_TYPE_F32 || out.rank != 4 || memcmp(out.dims, in.dims, 4 * sizeof *in.dims) != 0) {
    nsc_session_free(r->session);
    r->session = NULL;
    return no_network(err, "what it gives is no picture like the one that it takes");
  }
  return NSC_OK;
}

static nsc_status need_session(nsc_reconstruction *r, nsc_error *err) {
  size_t count = (size_t)r->height * r->width * r->channels;
  if (!r->picture) r->picture = malloc(2 * count * sizeof *r->picture);
  if (!r->picture) return nsc_fail_memory(err, 2 * count * sizeof *r->picture, "an autoencoder");
  return r->session ? NSC_OK : make_session(r, err);
}

/*
 * Error of a window of a plane against how much there is in it to be made: where nothing is, a rounding would count for
 * much, so what is added to the variance stands for eight levels of 255.
 */
static double window_error(const float *picture, const float *made, uint32_t width) {
  static const double still = 1e-3;
  double sum = 0, squares = 0, errors = 0;
  for (uint32_t y = 0; y < WINDOW; y++) {
    for (uint32_t x = 0; x < WINDOW; x++) {
      double value = (double)picture[y * width + x], apart = (double)made[y * width + x] - value;
      sum += value;
      squares += value * value;
      errors += apart * apart;
    }
  }
  double count = WINDOW * WINDOW, mean = sum / count;
  return errors / count / (fmax(squares / count - mean * mean, 0) + still);
}

/* Logarithm of the mean of all windows, half of each lying in the next one. */
static double error_of(const nsc_reconstruction *r, const float *picture, const float *made) {
  size_t pixels = (size_t)r->height * r->width;
  uint32_t windows = 0;
  double sum = 0;
  for (uint32_t c = 0; c < r->channels; c++) {
    for (uint32_t y = 0; y + WINDOW <= r->height; y += WINDOW / 2) {
      for (uint32_t x = 0; x + WINDOW <= r->width; x += WINDOW / 2, windows++) {
        size_t at = c * pixels + (size_t)y * r->width + x;
        sum += window_error(picture + at, made + at, r->width);
      }
    }
  }
  return log(sum / windows + 1e-9);
}

static nsc_status measure(nsc_reconstruction *r, const uint8_t *small, double *out, nsc_error *err) {
  NSC_TRY(need_session(r, err));
  size_t pixels = (size_t)r->height * r->width, count = pixels * r->channels;
  float *picture = r->picture, *made = picture + count;
  for (size_t i = 0; i < count; i++) picture[i % r->channels * pixels + i / r->channels] = (float)small[i] / 255;
  NSC_TRY(nsc_session_set_input(r->session, 0, picture, count * sizeof *picture, err));
  NSC_TRY(nsc_session_run(r->session, NULL, err));
  NSC_TRY(nsc_session_get_output(r->session, 0, made, count * sizeof *made, err));
  *out = error_of(r, picture, made);
  return isfinite(*out) ? NSC_OK : no_network(err, "what it gives are no numbers");
}

nsc_status nsc_reconstruction_unusual(nsc_reconstruction *r, const uint8_t *small, double *out, nsc_error *err) {
  double found;
  NSC_TRY(measure(r, small, &found, err));
  *out = nsc_usual_scale(&r->limits, found);
  return NSC_OK;
}

nsc_status nsc_reconstruction_judge(nsc_reconstruction *r, const float *values, uint32_t height, uint32_t width,
                                    double *out, nsc_error *err) {
  uint8_t small[NSC_SMALL_PICTURE];
  NSC_TRY(shrink(values, height, width, r->channels, r->height, r->width, small, err));
  return nsc_reconstruction_unusual(r, small, out, err);
}

/* ---- of one that has learnt ---- */

static nsc_status find_limits(nsc_reconstruction *r, const nsc_dataset *pictures, nsc_error *err) {
  uint32_t held = nsc_dataset_count(pictures, NSC_SPLIT_VALIDATION, UINT32_MAX), n = 0;
  if (held < NSC_USUAL_LEAST) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u pictures held back are too few to tell which errors are usual", held);
  }
  double *errors = malloc(held * sizeof *errors);
  nsc_status status = errors ? NSC_OK : nsc_fail_memory(err, held * sizeof *errors, "an autoencoder");
  for (uint32_t i = 0; i < pictures->count && status == NSC_OK; i++) {
    if (pictures->samples[i].split != NSC_SPLIT_VALIDATION) continue;
    status = measure(r, nsc_dataset_pixels(pictures, i), &errors[n++], err);
  }
  if (status == NSC_OK) r->limits = nsc_usual_of(errors, held);
  free(errors);
  return status;
}

nsc_status nsc_reconstruction_of(nsc_autoencoder *autoencoder, nsc_reconstruction **out, nsc_error *err) {
  char *bytes;
  size_t size;
  nsc_source *source;
  NSC_TRY(nsc_autoencoder_file(autoencoder, &bytes, &size, err));
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  nsc_text_free(bytes);
  NSC_TRY(status);
  nsc_reconstruction *r;
  NSC_TRY(open_network(source, (nsc_usual){0, 1}, &r, err));
  status = find_limits(r, nsc_autoencoder_pictures(autoencoder), err);
  if (status != NSC_OK) {
    nsc_reconstruction_free(r);
    return status;
  }
  *out = r;
  return NSC_OK;
}
