/* nsc_training: from pictures to a model file through JSON alone, as the page does it. */
#include <stdlib.h>

#include "base/json.h"
#include "base/source.h"
#include "base/text.h"
#include "pipeline/training_private.h"
#include "png_builder.h"
#include "test.h"

enum { SIDE = 24 };

/* A grey film with noise; of label 1 with a bright square somewhere. */
static nsc_status make_film(int number, nsc_image **out, nsc_error *err) {
  uint8_t rows[SIDE * (SIDE + 1)] = {0};
  uint32_t random = (uint32_t)number * 2654435761u + 1;
  for (int p = 0; p < SIDE * SIDE; p++) {
    random = random * 1664525u + 1013904223u;
    rows[p / SIDE * (SIDE + 1) + 1 + p % SIDE] = (uint8_t)(60 + (random >> 27));
  }
  int at = (int)(random >> 8) % 14;
  for (int p = 0; number % 2 && p < 64; p++) rows[(at + p / 8) * (SIDE + 1) + 1 + at / 2 + p % 8] = 200;
  static png_builder file;
  png_whole(&file, SIDE, SIDE, 8, 0, rows, sizeof rows);
  nsc_source *source;
  nsc_status status = nsc_source_from_bytes(file.bytes, file.size, &source, err);
  if (status == NSC_OK) status = nsc_image_open(source, NULL, out, err);
  return status;
}

static nsc_training *make_training(const char *data, int count) {
  nsc_training *t = NULL;
  nsc_error err = {0};
  nsc_status status = nsc_training_create(data, &t, &err);
  for (int i = 0; i < count && status == NSC_OK; i++) {
    nsc_image *image;
    char name[32], patient[16];
    snprintf(name, sizeof name, "film %d", i);
    snprintf(patient, sizeof patient, "%d", i / 4);
    status = make_film(i, &image, &err);
    if (status != NSC_OK) break;
    status = nsc_training_add_image(t, image, 0, name, i % 3 ? patient : NULL, (uint32_t)i % 2, -1, &err);
    nsc_image_free(image);
  }
  if (status == NSC_OK) status = nsc_training_split(t, "{\"validation\":0.2,\"test\":0.2,\"seed\":5}", &err);
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return t;
}

#define DATA "{\"labels\":[\"plain\",\"square\"],\"width\":16,\"height\":16,\"channels\":1}"
#define OPTIONS \
  "{\"net\":\"small\",\"epochs\":6,\"batch\":16,\"rate\":0.003,\"seed\":2,\"augment\":\"none\",\"average\":0.9}"

static void run_to_end(nsc_training *t) {
  nsc_error err = {0};
  bool finished = false;
  while (!finished) {
    if (nsc_training_run(t, 5, NULL, &finished, &err) == NSC_OK) continue;
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return;
  }
}

/* The value of a number at `path` of members in JSON. */
static double number_at(const char *text, const char *outer, const char *inner, const char *innermost) {
  nsc_json json;
  nsc_error err = {0};
  if (nsc_json_parse(text, strlen(text), &json, &err) != NSC_OK) return NAN;
  const nsc_json_value *v = nsc_json_get(json.values, outer);
  if (inner) v = nsc_json_get(v, inner);
  if (innermost) v = nsc_json_get(nsc_json_get(v, innermost), "value");
  double value = v && v->kind == NSC_JSON_NUMBER ? v->number : NAN;
  nsc_json_drop(&json);
  return value;
}

/* What the training says of a test picture and what the model file says of it through the ordinary road are one. */
static void check_model(nsc_training *t, int film, const char *evaluation) {
  nsc_error err = {0};
  char *bytes, *json;
  size_t size;
  nsc_source *source;
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_image *image;
  nsc_result result;
  REQUIRE(nsc_training_model(t, "{\"name\":\"squares\",\"title\":\"Squares\"}", &bytes, &size, &err) == NSC_OK);
  REQUIRE(nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK);
  nsc_text_free(bytes);
  REQUIRE(nsc_model_open(source, &model, &err) == NSC_OK);
  REQUIRE(nsc_model_json(model, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"title\":\"Squares\"");
  CHECK_NEAR(number_at(json, "threshold", NULL, NULL), number_at(evaluation, "threshold", NULL, NULL), 1e-6);
  nsc_text_free(json);
  REQUIRE(nsc_classifier_create(model, NULL, &classifier, &err) == NSC_OK);
  REQUIRE(make_film(film, &image, &err) == NSC_OK);
  REQUIRE(nsc_classifier_run(classifier, image, 0, NULL, &result, &err) == NSC_OK);
  char expected[64];
  snprintf(expected, sizeof expected, "[%d,%d,", film, film % 2);
  const char *row = strstr(strstr(evaluation, "\"cases\""), expected);
  REQUIRE(row != NULL);
  double called, zero, one;
  REQUIRE(sscanf(row + strlen(expected), "%lf,%lf,%lf", &called, &zero, &one) == 3);
  CHECK_NEAR(result.scores[1], one, 1e-3); /* training saw the picture rounded to bytes */
  CHECK_EQ(result.verdict, called);
  nsc_image_free(image);
  nsc_classifier_free(classifier);
  nsc_model_free(model);
}

static int first_of_split(const char *data_json, int split) {
  int sample = 0;
  for (const char *at = strstr(data_json, "\"samples\":[[") + 11; *at == '[' || *at == ','; sample++) {
    at += *at == ',';
    if (at[3] == '0' + split) return sample;
    at += 5;
  }
  return -1;
}

TEST(training_from_pictures_to_a_model_file) {
  nsc_training *t = make_training(DATA, 160);
  nsc_error err = {0};
  char *json;
  REQUIRE(nsc_training_data_json(t, &json, &err) == NSC_OK);
  int film = first_of_split(json, 2);
  CHECK(film >= 0);
  nsc_text_free(json);
  REQUIRE(nsc_training_duplicates_json(t, &json, &err) == NSC_OK);
  CHECK_STR(json, "[]");
  nsc_text_free(json);
  REQUIRE(nsc_training_begin(t, OPTIONS, 1, &err) == NSC_OK);
  run_to_end(t);
  REQUIRE(nsc_training_status_json(t, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"state\":\"finished\"");
  CHECK_NEAR(number_at(json, "epoch", NULL, NULL), 6, 0);
  nsc_text_free(json);
  REQUIRE(nsc_training_evaluate(t, "{\"split\":\"test\"}", &json, &err) == NSC_OK);
  CHECK(number_at(json, "report", "overall", "accuracy") > 0.9);
  check_model(t, film, json);
  nsc_text_free(json);
  nsc_training_free(t);
}

/* Pictures written, restored elsewhere, training resumed from a checkpoint: the same model file, byte for byte. */
TEST(training_goes_on_without_the_files) {
  nsc_training *whole = make_training(DATA, 60), *part = make_training(DATA, 60), *rest = NULL;
  nsc_error err = {0};
  char *a, *b, *data;
  size_t a_size, b_size, data_size, size;
  nsc_text checkpoint = {0};
  const void *bytes;
  REQUIRE(nsc_training_begin(whole, OPTIONS, 1, &err) == NSC_OK &&
          nsc_training_begin(part, OPTIONS, 1, &err) == NSC_OK);
  run_to_end(whole);
  bool finished;
  for (int i = 0; i < 7; i++) REQUIRE(nsc_training_run(part, 0, NULL, &finished, &err) == NSC_OK);
  REQUIRE(nsc_training_save_data(part, &data, &data_size, &err) == NSC_OK);
  for (uint32_t i = 0;; i++) {
    REQUIRE(nsc_training_checkpoint(part, i, &bytes, &size, &err) == NSC_OK);
    if (!bytes) break;
    nsc_text_append(&checkpoint, bytes, size);
  }
  nsc_training_free(part);
  REQUIRE(nsc_training_restore_data((const uint8_t *)data, data_size, &rest, &err) == NSC_OK);
  CHECK_STR(nsc_training_name(rest, 7), "film 7");
  REQUIRE(nsc_training_begin(rest, OPTIONS, 1, &err) == NSC_OK);
  REQUIRE(nsc_training_resume(rest, (const uint8_t *)checkpoint.chars, checkpoint.size, &err) == NSC_OK);
  run_to_end(rest);
  REQUIRE(nsc_training_model(whole, NULL, &a, &a_size, &err) == NSC_OK);
  REQUIRE(nsc_training_model(rest, NULL, &b, &b_size, &err) == NSC_OK);
  CHECK_EQ(a_size, b_size);
  CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
  nsc_text_free(a);
  nsc_text_free(b);
  nsc_training_free(whole);
  nsc_training_free(rest);
  for (size_t cut = 0; cut < data_size; cut += cut < 600 ? 1 : 977) {
    CHECK(nsc_training_restore_data((const uint8_t *)data, cut, &rest, NULL) != NSC_OK);
  }
  for (size_t at = 0; at < data_size; at += at < 600 ? 1 : 977) {
    data[at] = (char)(data[at] ^ 0x11);
    CHECK(nsc_training_restore_data((const uint8_t *)data, data_size, &rest, NULL) != NSC_OK);
    data[at] = (char)(data[at] ^ 0x11);
  }
  nsc_text_free(data);
  nsc_text_drop(&checkpoint);
}

/* The rates that a model file has: one dropout in `small`. */
TEST(training_with_another_dropout) {
  static const struct {
    const char *options;
    float rate;
  } cases[] = {{"{\"epochs\":1}", 0.3f},
               {"{\"epochs\":1,\"dropout\":null}", 0.3f},
               {"{\"epochs\":1,\"dropout\":0.5}", 0.5f},
               {"{\"epochs\":1,\"dropout\":0}", 0}};
  nsc_training *t = make_training(DATA, 40);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_error err = {0};
    REQUIRE(nsc_training_begin(t, cases[i].options, 1, &err) == NSC_OK);
    uint32_t l = 0;
    while (t->net->layers[l].kind != NSC_LAYER_DROPOUT) l++;
    CHECK_NEAR(t->net->layers[l].rate, cases[i].rate, 0);
  }
  nsc_training_free(t);
}

TEST(training_says_what_is_wrong_with_its_options) {
  static const struct {
    const char *json, *text;
  } bad[] = {
      {"{\"epochs\":0}", "\"epochs\" must be from 1"},
      {"{\"epochs\":1.5}", "\"epochs\" must be a whole number"},
      {"{\"optimizer\":\"sgd\"}", "\"optimizer\" is not known"},
      {"{\"optimiser\":\"lion\"}", "\"optimiser\" does not know \"lion\""},
      {"{\"rate\":\"fast\"}", "\"rate\" must be a number"},
      {"{\"net\":\"vgg99\"}", "vgg99"},
      {"{\"net\":\"resnet18\",\"augment\":{\"rotatoin\":3}}", "\"rotatoin\" is not known"},
      {"{\"augment\":{\"rotation\":300}}", "\"rotation\" must be from 0 to 180"},
      {"{\"dropout\":1}", "\"dropout\" must be from 0 to 0.95"},
      {"{\"net\":\"resnet18\",\"dropout\":0.5}", "dropout of 0.5: the network has no dropout"},
      {"[1]", "no JSON object"},
      {"{", "training options"},
  };
  nsc_training *t = make_training(DATA, 40);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nsc_error err = {0};
    CHECK_EQ(nsc_training_begin(t, bad[i].json, 1, &err), NSC_ERROR_ARGUMENT);
    CHECK_HAS(err.text, bad[i].text);
  }
  bool finished;
  CHECK_EQ(nsc_training_run(t, 1, NULL, &finished, NULL), NSC_ERROR_ARGUMENT);
  char *json;
  nsc_error err = {0};
  REQUIRE(nsc_training_choices_json(t, &json, &err) == NSC_OK);
  CHECK_HAS(json, "{\"name\":\"small\"");
  CHECK_HAS(json, "\"rotation\":40");
  nsc_text_free(json);
  nsc_training_free(t);
  CHECK_EQ(nsc_training_create("{\"labels\":[\"a\",\"a\"]}", &t, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "twice");
  CHECK(nsc_training_create("{\"labels\":[\"a\"]}", &t, NULL) == NSC_ERROR_ARGUMENT);
  CHECK(nsc_training_create("{\"labels\":[\"a\",\"b\"],\"width\":4}", &t, NULL) == NSC_ERROR_ARGUMENT);
}

/* One picture of a label: no validation for it, and no crash; all of one label in training: refused by name. */
/* What a status says, by its member. */
static void check_state(nsc_training *t, const char *expected) {
  char *json;
  nsc_error err = {0};
  REQUIRE(nsc_training_status_json(t, &json, &err) == NSC_OK);
  CHECK_HAS(json, expected);
  nsc_text_free(json);
}

/* The model with what its pictures are like, from a training that has ended. */
static void studied_model(nsc_training *t, char **bytes, size_t *size) {
  char *plain;
  nsc_error err = {0};
  *bytes = NULL;
  REQUIRE(nsc_training_model(t, "{}", &plain, size, &err) == NSC_OK);
  size_t plain_size = *size;
  nsc_status status = nsc_training_study(t, (const uint8_t *)plain, plain_size, bytes, size, &err);
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_text_free(plain);
}

static bool has_reconstruction(const char *bytes, size_t size) {
  nsc_source *source;
  nsc_model *model;
  nsc_error err = {0};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK) return false;
  if (nsc_model_open(source, &model, &err) != NSC_OK) return false;
  size_t length;
  const char *json = nsc_model_metadata(model, "nsc.applicability", &length);
  bool found = json && strstr(json, "\"reconstruction\":{");
  nsc_model_free(model);
  return found;
}

#define WITH_AUTOENCODER "{\"net\":\"small\",\"epochs\":1,\"batch\":16,\"seed\":2,\"autoencoder\":true}"

/* It learns after the network; a training that was interrupted before or during that ends with the same file. */
TEST(training_with_an_autoencoder) {
  nsc_training *t = make_training(DATA, 90), *again = make_training(DATA, 90);
  nsc_error err = {0};
  char *files[2], *plain;
  size_t sizes[2], plain_size;
  bool finished = false;
  uint64_t with, without;
  REQUIRE(t && again);
  REQUIRE(nsc_training_need(t, WITH_AUTOENCODER, 1, &with, &err) == NSC_OK);
  REQUIRE(nsc_training_need(t, "{\"net\":\"small\",\"batch\":16}", 1, &without, &err) == NSC_OK);
  CHECK(with >= without);
  REQUIRE(nsc_training_begin(t, WITH_AUTOENCODER, 1, &err) == NSC_OK);
  check_state(t, "\"autoencoder\":null");
  while (!nsc_trainer_finished(nsc_training_trainer(t))) {
    REQUIRE(nsc_training_run(t, 0, NULL, &finished, &err) == NSC_OK);
  }
  CHECK(!finished);
  check_state(t, "\"state\":\"autoencoder\"");
  studied_model(t, &plain, &plain_size); /* what can be had meanwhile */
  CHECK(plain && !has_reconstruction(plain, plain_size));
  nsc_text_free(plain);
  int32_t cancel = 1;
  CHECK_EQ(nsc_training_run(t, 0, &cancel, &finished, &err), NSC_OK); /* the first slice hands pictures over */
  while (!nsc_training_autoencoder(t, &(nsc_autoencoder_progress){0})) {
    REQUIRE(nsc_training_run(t, 0, NULL, &finished, &err) == NSC_OK);
  }

  nsc_text kept = {0};
  for (uint32_t part = 0;; part++) {
    const void *bytes;
    size_t size;
    REQUIRE(nsc_training_checkpoint(t, part, &bytes, &size, &err) == NSC_OK);
    if (!bytes) break;
    nsc_text_append(&kept, bytes, size);
  }
  run_to_end(t);
  check_state(t, "\"state\":\"finished\"");
  check_state(t, "\"autoencoder\":{\"epoch\":");
  studied_model(t, &files[0], &sizes[0]);
  REQUIRE(nsc_training_begin(again, WITH_AUTOENCODER, 2, &err) == NSC_OK);
  REQUIRE(nsc_training_resume(again, (const uint8_t *)kept.chars, kept.size, &err) == NSC_OK);
  check_state(again, "\"state\":\"autoencoder\"");
  run_to_end(again);
  studied_model(again, &files[1], &sizes[1]);
  REQUIRE(files[0] && files[1]);
  CHECK(has_reconstruction(files[0], sizes[0]));
  CHECK(sizes[0] == sizes[1] && memcmp(files[0], files[1], sizes[0]) == 0);
  nsc_text_free(files[0]);
  nsc_text_free(files[1]);

  /* Another training of the same pictures has none unless it is told. */
  REQUIRE(nsc_training_begin(t, "{\"net\":\"small\",\"epochs\":1,\"batch\":16}", 1, &err) == NSC_OK);
  run_to_end(t);
  studied_model(t, &plain, &plain_size);
  CHECK(plain && !has_reconstruction(plain, plain_size));
  nsc_text_free(plain);
  nsc_text_drop(&kept);
  nsc_training_free(again);
  nsc_training_free(t);
}

TEST(training_with_hardly_any_pictures) {
  nsc_error err = {0};
  nsc_training *t = make_training(DATA, 2);
  REQUIRE(nsc_training_begin(t, OPTIONS, 1, &err) == NSC_OK);
  run_to_end(t);
  char *json;
  CHECK_EQ(nsc_training_evaluate(t, "{\"split\":\"validation\"}", &json, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "no picture is in the validation split");
  nsc_training_free(t);
  t = make_training(DATA, 1);
  err = (nsc_error){0};
  CHECK_EQ(nsc_training_begin(t, OPTIONS, 1, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "\"square\"");
  nsc_training_free(t);
}

TEST(training_pictures_are_what_the_network_sees) {
  nsc_training *t = make_training(DATA, 4);
  uint8_t plain[16 * 16 * 4], changed[16 * 16 * 4], again[16 * 16 * 4];
  nsc_error err = {0};
  REQUIRE(nsc_training_picture(t, 1, NULL, 0, plain, sizeof plain, &err) == NSC_OK);
  REQUIRE(nsc_training_picture(t, 1, "{\"augment\":\"usual\"}", 1, changed, sizeof changed, &err) == NSC_OK);
  REQUIRE(nsc_training_picture(t, 1, "{\"augment\":\"usual\"}", 1, again, sizeof again, &err) == NSC_OK);
  CHECK(memcmp(plain, changed, sizeof plain) != 0);
  CHECK(memcmp(again, changed, sizeof plain) == 0);
  CHECK_EQ(plain[3], 255);
  CHECK_EQ(nsc_training_picture(t, 9, NULL, 0, plain, sizeof plain, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_training_picture(t, 1, NULL, 0, plain, 5, NULL), NSC_ERROR_ARGUMENT);
  nsc_training_free(t);
}

/* A model file of a network that has learned about squares. */
static nsc_source *trained_squares(nsc_error *err) {
  nsc_training *t = make_training(DATA, 160);
  nsc_source *source = NULL;
  char *bytes = NULL;
  size_t size;
  if (nsc_training_begin(t, OPTIONS, 1, err) == NSC_OK) {
    run_to_end(t);
    if (nsc_training_model(t, NULL, &bytes, &size, err) == NSC_OK)
      (void)nsc_source_from_bytes(bytes, size, &source, err);
  }
  nsc_text_free(bytes);
  nsc_training_free(t);
  return source;
}

static double accuracy_of(nsc_training *t, const char *how) {
  nsc_error err = {0};
  char *json;
  if (nsc_training_evaluate(t, how, &json, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return NAN;
  }
  double accuracy = number_at(json, "report", "overall", "accuracy");
  nsc_text_free(json);
  return accuracy;
}

/* All parameters one after the other. */
static float *copy_weights(const nsc_net *net) {
  size_t count = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) count += net->parameters[i].count;
  float *copy = malloc(count * sizeof *copy), *at = copy;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    memcpy(at, net->parameters[i].value, net->parameters[i].count * sizeof *at);
    at += net->parameters[i].count;
  }
  return copy;
}

/* What is frozen, running statistics too, is what it was; what learns is not. */
static void check_frozen(const nsc_net *net, const float *before) {
  uint32_t frozen = 0, learned = 0;
  for (uint32_t i = 0; i < net->parameter_count; before += net->parameters[i++].count) {
    const nsc_parameter *p = &net->parameters[i];
    bool same = memcmp(before, p->value, p->count * sizeof *before) == 0;
    if (same != p->frozen) test_failed(__FILE__, __LINE__, "%s is %s", p->name, same ? "as it was" : "changed");
    frozen += p->frozen;
    learned += !p->frozen;
  }
  CHECK(frozen > 40 && learned >= 4);
}

/* From a model that knows squares: neighbours answer without training, a head alone learns from few pictures, and the
   last layers go on from there. */
TEST(training_from_another_model) {
  nsc_error err = {0};
  nsc_source *source = trained_squares(&err);
  REQUIRE(source != NULL);
  nsc_training *t = make_training(DATA, 60);
  CHECK_EQ(nsc_training_begin(t, "{\"net\":\"base\"}", 1, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "no model to start from");
  err = (nsc_error){0};
  REQUIRE(nsc_training_set_base(t, source, &err) == NSC_OK);
#define HEAD "{\"net\":\"base\",\"trainable\":\"head\",\"augment\":\"none\",\"epochs\":30,\"rate\":0.01,\"average\":0}"
  REQUIRE(nsc_training_begin(t, HEAD, 1, &err) == NSC_OK);
  CHECK(accuracy_of(t, "{\"split\":\"test\",\"neighbours\":5}") > 0.9);
  run_to_end(t);
  CHECK(accuracy_of(t, "{\"split\":\"test\"}") > 0.9);
  nsc_image *image;
  char *json;
  REQUIRE(make_film(1001, &image, &err) == NSC_OK);
  REQUIRE(nsc_training_neighbours(t, image, 0, 5, &json, &err) == NSC_OK);
  CHECK(strtod(strchr(json, ',') + 1, NULL) > 0.9); /* of "square" */
  nsc_text_free(json);
  nsc_image_free(image);
  REQUIRE(nsc_training_begin(t, "{\"continue\":true,\"trainable\":2,\"epochs\":2,\"rate\":1e-3}", 1, &err) == NSC_OK);
  CHECK(accuracy_of(t, "{\"split\":\"test\"}") > 0.9); /* nothing of the head is lost */
  float *before = copy_weights(nsc_training_net(t));
  run_to_end(t);
  check_frozen(nsc_training_net(t), before);
  free(before);
  char *after;
  size_t after_size;
  REQUIRE(nsc_training_model(t, NULL, &after, &after_size, &err) == NSC_OK);
  REQUIRE(nsc_source_from_bytes(after, after_size, &source, &err) == NSC_OK);
  nsc_text_free(after);
  REQUIRE(nsc_training_set_base(t, source, &err) == NSC_OK);
  REQUIRE(nsc_training_begin(t, "{\"net\":\"base\",\"head\":\"keep\",\"trainable\":2}", 1, &err) == NSC_OK);
  CHECK(accuracy_of(t, "{\"split\":\"test\"}") > 0.9); /* the head came with it */
  nsc_training_free(t);
}

/* The model file of a training, as nsc_model_json tells of it. Ended by nsc_text_free. */
static char *describe_model(nsc_training *t, const char *facts, nsc_error *err) {
  char *bytes, *json = NULL;
  size_t size;
  nsc_source *source;
  nsc_model *model;
  if (nsc_training_model(t, facts, &bytes, &size, err) != NSC_OK) return NULL;
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  nsc_text_free(bytes);
  if (status != NSC_OK || nsc_model_open(source, &model, err) != NSC_OK) return NULL;
  (void)nsc_model_json(model, &json, err);
  nsc_model_free(model);
  return json;
}

static void check_fact(nsc_training *t, const char *given, const char *limits, const char *license) {
  nsc_error err = {0};
  char *json = describe_model(t, given, &err);
  REQUIRE(json != NULL);
  CHECK_HAS(json, limits);
  CHECK_HAS(json, license);
  nsc_text_free(json);
}

/* Puts the trained squares with these facts under a training, begun on one head's epoch. */
static bool begin_from(nsc_training *t, const char *facts, nsc_error *err) {
  nsc_source *source = trained_squares(err), *base;
  char *bytes;
  size_t size;
  if (!source) return false;
  nsc_status status = nsc_model_describe(source->bytes, source->size, facts, &bytes, &size, err);
  nsc_source_free(source);
  if (status != NSC_OK) return false;
  status = nsc_source_from_bytes(bytes, size, &base, err);
  nsc_text_free(bytes);
  return status == NSC_OK && nsc_training_set_base(t, base, err) == NSC_OK &&
         nsc_training_begin(t, "{\"net\":\"base\",\"trainable\":\"head\",\"augment\":\"none\",\"epochs\":1}", 1, err) ==
             NSC_OK;
}

TEST(training_hands_limits_and_licence_on) {
  nsc_error err = {0};
  nsc_training *t = make_training(DATA, 24);
  REQUIRE(begin_from(t, "{\"name\":\"squares\",\"limits\":\"Adults only.\",\"license\":\"CC BY 4.0\"}", &err));
  check_fact(t, "{\"name\":\"new\"}", "\"limits\":\"Made from squares; its limits: Adults only.\"",
             "\"license\":\"CC BY 4.0\"");
  check_fact(t, "{\"limits\":\"Mine.\",\"license\":\"MIT\"}", "\"limits\":\"Mine.\"", "\"license\":\"MIT\"");
  check_fact(t, "{\"limits\":\"\"}", "\"limits\":null", "\"license\":\"CC BY 4.0\"");
  char *json;
  REQUIRE(nsc_training_status_json(t, &json, &err) == NSC_OK);
  CHECK_HAS(json,
            "\"base\":{\"name\":\"squares\",\"limits\":\"Adults only.\",\"license\":\"CC BY 4.0\","
            "\"inherited\":\"Made from squares; its limits: Adults only.\"}");
  nsc_text_free(json);
  /* The last layers go on: still the same base. Another network owes it nothing, though the base is still at hand. */
  REQUIRE(nsc_training_begin(t, "{\"continue\":true,\"trainable\":2,\"epochs\":1}", 1, &err) == NSC_OK);
  check_fact(t, "{}", "\"limits\":\"Made from squares;", "\"license\":\"CC BY 4.0\"");
  REQUIRE(nsc_training_begin(t, "{\"net\":\"small\",\"epochs\":1}", 1, &err) == NSC_OK);
  check_fact(t, "{}", "\"limits\":null", "\"license\":null");
  REQUIRE(begin_from(t, "{\"license\":\"CC0\"}", &err));
  check_fact(t, "{}", "\"limits\":\"Made from model\"", "\"license\":\"CC0\"");
  REQUIRE(begin_from(t, "{}", &err));
  check_fact(t, "{}", "\"limits\":null", "\"license\":null");
  nsc_training_free(t);
}

TEST(model_describes_itself_anew) {
  nsc_error err = {0};
  nsc_source *source = trained_squares(&err), *other;
  REQUIRE(source != NULL);
  char *bytes, *json;
  size_t size;
  const char *facts =
      "{\"title\":\"New\",\"labels\":[\"a\",\"b\"],\"advice\":{\"b\":\"Look again.\"},\"threshold\":0.25}";
  REQUIRE(nsc_model_describe(source->bytes, source->size, facts, &bytes, &size, &err) == NSC_OK);
  nsc_model *model;
  REQUIRE(nsc_source_from_bytes(bytes, size, &other, &err) == NSC_OK && nsc_model_open(other, &model, &err) == NSC_OK);
  nsc_text_free(bytes);
  REQUIRE(nsc_model_json(model, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"labels\":[\"a\",\"b\"],\"threshold\":0.25");
  CHECK_HAS(json, "\"advice\":{\"b\":\"Look again.\"}");
  CHECK_HAS(json, "\"title\":\"New\"");
  nsc_text_free(json);
  nsc_model_free(model);
  CHECK_EQ(nsc_model_describe(source->bytes, source->size, "{\"titel\":\"x\"}", &bytes, &size, &err),
           NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_model_describe(source->bytes, source->size, "{\"labels\":7}", &bytes, &size, NULL), NSC_ERROR_RECIPE);
  for (size_t cut = 1; cut < source->size; cut += 9973) {
    nsc_status status = nsc_model_describe(source->bytes, cut, facts, &bytes, &size, NULL);
    CHECK(status != NSC_OK);
  }
  nsc_source_free(source);
}
