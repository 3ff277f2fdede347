/* A model for times to an event from data to curves: pictures whose brightness sets the hazard, and age beside it. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/source.h"
#include "base/text.h"
#include "eval/survival.h"
#include "pipeline/survival.h"
#include "pipeline/training.h"
#include "test.h"

enum { SIDE = 16, CASES = 1600, TRAINING = 1000, VALIDATION = 300 };

typedef struct known {
  uint8_t pixels[SIDE * SIDE];
  double rate, time, age; /* rate: of the event, a month */
  uint8_t event;
} known;

/* Exponential times: the hazard grows 7 times from dark to bright, and twofold from 40 to 80 years. */
static known *make_cases(void) {
  known *all = malloc(CASES * sizeof *all);
  nsc_rng rng = nsc_rng_seeded(31);
  for (int i = 0; all && i < CASES; i++) {
    double bright = (double)nsc_rng_float(&rng), age = 40 + 40 * (double)nsc_rng_float(&rng);
    double rate = 0.06 * exp(2 * (2 * bright - 1) + 0.035 * (age - 60));
    double time = -log(1 - (double)nsc_rng_float(&rng)) / rate;
    double censored = 40 * (double)nsc_rng_float(&rng) + 4;
    all[i] = (known){.rate = rate, .age = age, .event = time <= censored};
    all[i].time = time <= censored ? time : censored;
    for (int k = 0; k < SIDE * SIDE; k++) {
      all[i].pixels[k] = (uint8_t)(40 + 120 * bright + nsc_rng_below(&rng, 40));
    }
  }
  return all;
}

static void add_cases(nsc_training *t, const known *all) {
  nsc_error err = {0};
  for (int i = 0; i < CASES; i++) {
    nsc_image *image;
    char name[24];
    snprintf(name, sizeof name, "case %d", i);
    REQUIRE(nsc_image_from_pixels(all[i].pixels, SIDE, SIDE, 1, &image, &err) == NSC_OK);
    int split = i < TRAINING ? 0 : i < TRAINING + VALIDATION ? 1 : 2;
    CHECK_EQ(nsc_training_add_image(t, image, 0, name, NULL, all[i].event, split, &err), NSC_OK);
    nsc_image_free(image);
  }
}

/* As the page gives them; every tenth age is not known. */
static char *write_outcomes(const known *all) {
  nsc_text t = {0};
  char *text = NULL;
  nsc_json_object(&t);
  nsc_json_key(&t, "unit"), nsc_json_string(&t, "months");
  nsc_json_key(&t, "bins"), nsc_json_int(&t, 8);
  nsc_json_key(&t, "fields"), nsc_json_array(&t), nsc_json_string(&t, "age"), nsc_json_end_array(&t);
  nsc_json_key(&t, "outcomes"), nsc_json_array(&t);
  for (int i = 0; i < CASES; i++) {
    nsc_json_array(&t);
    nsc_json_number(&t, all[i].time);
    nsc_json_int(&t, all[i].event);
    nsc_json_number(&t, i % 10 == 0 && i < TRAINING ? NAN : all[i].age);
    nsc_json_end_array(&t);
  }
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, &text, NULL) == NSC_OK ? text : NULL;
}

static void train_it(nsc_training *t, const known *all) {
  nsc_error err = {0};
  bool finished = false;
  char *outcomes = write_outcomes(all);
  REQUIRE(outcomes != NULL);
  CHECK_EQ(nsc_training_set_outcomes(t, outcomes, &err), NSC_OK);
  nsc_text_free(outcomes);
  const char *options = "{\"net\":\"small\",\"epochs\":16,\"batch\":25,\"rate\":0.004,\"augment\":\"none\",\"seed\":2}";
  nsc_status status = nsc_training_begin(t, options, 1, &err);
  while (status == NSC_OK && !finished) status = nsc_training_run(t, 1000, NULL, &finished, &err);
  if (status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
}

/* The model that came of it, opened from its bytes. */
static nsc_model *open_model(nsc_training *t) {
  nsc_error err = {0};
  char *bytes;
  size_t size;
  nsc_source *source;
  nsc_model *model = NULL;
  if (nsc_training_model(t, "{\"name\":\"months\"}", &bytes, &size, &err) != NSC_OK ||
      nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK || nsc_model_open(source, &model, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return NULL;
  }
  nsc_text_free(bytes);
  return model;
}

/* Curves of the test cases by the model file, and how far they are from the true ones in the mean. */
static double predict(nsc_prognosis *p, const known *all, float *survival, uint32_t bins) {
  double off = 0;
  for (int i = TRAINING + VALIDATION; i < CASES; i++) {
    nsc_image *image;
    nsc_prognosis_result r;
    nsc_error err = {0};
    if (nsc_image_from_pixels(all[i].pixels, SIDE, SIDE, 1, &image, &err) != NSC_OK ||
        nsc_prognosis_run(p, image, 0, &all[i].age, NULL, &r, &err) != NSC_OK || r.bins != bins) {
      test_failed(__FILE__, __LINE__, "%s", err.text);
      return NAN;
    }
    nsc_image_free(image);
    for (uint32_t k = 0; k < bins; k++) {
      *survival++ = r.survival[k];
      off += fabs((double)r.survival[k] - exp(-all[i].rate * r.edges[k + 1]));
    }
  }
  return off / ((CASES - TRAINING - VALIDATION) * (double)bins);
}

/* The report on curves of the test cases. */
static nsc_eval_survival_report *judge(const known *all, const nsc_survival_spec *spec, const float *survival) {
  enum { TESTS = CASES - TRAINING - VALIDATION };
  double times[TESTS];
  uint8_t events[TESTS];
  nsc_eval_survival_report *r = NULL;
  nsc_error err = {0};
  for (int i = 0; i < TESTS; i++) {
    times[i] = all[TRAINING + VALIDATION + i].time;
    events[i] = all[TRAINING + VALIDATION + i].event;
  }
  const nsc_eval_survival_data d = {
      .count = TESTS, .times = times, .events = events, .bins = spec->bins, .edges = spec->edges, .survival = survival};
  if (nsc_eval_survival_run(&d, NULL, &r, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  return r;
}

static void compare_with_truth(nsc_prognosis *p, const known *all) {
  const nsc_survival_spec *spec = nsc_prognosis_spec(p);
  size_t room = (size_t)CASES * spec->bins;
  float *fitted = malloc(room * sizeof *fitted), *truth = malloc(room * sizeof *truth), *to = truth;
  REQUIRE(fitted && truth);
  double off = predict(p, all, fitted, spec->bins);
  for (int i = TRAINING + VALIDATION; i < CASES; i++) {
    for (uint32_t k = 0; k < spec->bins; k++) *to++ = (float)exp(-all[i].rate * spec->edges[k + 1]);
  }
  nsc_eval_survival_report *r = judge(all, spec, fitted), *best = judge(all, spec, truth);
  REQUIRE(r && best);
  printf("# C %.3f, of the true hazards %.3f; Brier %.4f, of these %.4f, Kaplan-Meier %.4f; curves off by %.3f\n",
         r->harrell.value, best->harrell.value, r->integrated, best->integrated, r->integrated_of_seen, off);
  CHECK(best->harrell.value > 0.7);
  CHECK(r->harrell.value > best->harrell.value - 0.02);
  CHECK(off < 0.075);
  CHECK(r->integrated < 0.9 * r->integrated_of_seen);
  CHECK(r->integrated < best->integrated + 0.015);
  nsc_eval_survival_free(r);
  nsc_eval_survival_free(best);
  free(fitted);
  free(truth);
}

/* Older is worse, an age that nobody knows counts as the mean one, and JSON says where it came from. */
static void check_fields(nsc_prognosis *p, const known *one) {
  nsc_image *image;
  nsc_prognosis_result r;
  nsc_error err = {0};
  char *json;
  const double young = 42, old = 78;
  CHECK_EQ(nsc_prognosis_field_count(p), 1);
  CHECK(strcmp(nsc_prognosis_field_name(p, 0), "age") == 0);
  REQUIRE(nsc_image_from_pixels(one->pixels, SIDE, SIDE, 1, &image, &err) == NSC_OK);
  REQUIRE(nsc_prognosis_run(p, image, 0, &young, NULL, &r, &err) == NSC_OK);
  double at_42 = r.mean;
  REQUIRE(nsc_prognosis_run(p, image, 0, &old, NULL, &r, &err) == NSC_OK);
  double at_78 = r.mean;
  CHECK(at_78 < at_42);
  REQUIRE(nsc_prognosis_run(p, image, 0, NULL, NULL, &r, &err) == NSC_OK);
  CHECK_EQ(r.sources[0], NSC_FIELD_MEAN);
  CHECK(fabs(r.fields[0] - 60) < 2);
  CHECK(r.mean > at_78 && r.mean < at_42);
  REQUIRE(nsc_prognosis_json(p, image, 0, "{\"age\":\"078Y\"}", NULL, &json, &err) == NSC_OK);
  CHECK(strstr(json, "{\"name\":\"age\",\"value\":78,\"from\":\"given\"}") != NULL);
  CHECK(strstr(json, "\"task\":\"survival\"") != NULL);
  CHECK_HAS(json, "\"applies\":null"); /* nobody looked at its pictures yet */
  nsc_text_free(json);
  REQUIRE(nsc_prognosis_json(p, image, 0, "{\"age\":130}", NULL, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"applies\":{\"verdict\":\"doubtful\",\"reasons\":[\"fields\"],\"features\":null");
  nsc_text_free(json);
  CHECK_EQ(nsc_prognosis_json(p, image, 0, "{\"weight\":70}", NULL, &json, &err), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

static nsc_applies judge_picture(nsc_prognosis *p, const uint8_t *pixels) {
  nsc_image *image;
  nsc_prognosis_result r = {0};
  nsc_error err = {0};
  if (nsc_image_from_pixels(pixels, SIDE, SIDE, 1, &image, &err) != NSC_OK ||
      nsc_prognosis_run(p, image, 0, NULL, NULL, &r, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  nsc_image_free(image);
  return r.applies;
}

/* What a training's own pictures are like is written into its model, and curves say whether the picture is like them.
 */
static void check_range(nsc_training *t, const known *all) {
  nsc_error err = {0};
  char *plain, *bytes;
  size_t size;
  nsc_source *source;
  nsc_model *model;
  nsc_prognosis *p;
  REQUIRE(nsc_training_model(t, "{}", &plain, &size, &err) == NSC_OK);
  REQUIRE(nsc_training_study(t, (const uint8_t *)plain, size, &bytes, &size, &err) == NSC_OK);
  REQUIRE(nsc_source_from_bytes(bytes, size, &source, &err) == NSC_OK &&
          nsc_model_open(source, &model, &err) == NSC_OK);
  REQUIRE(nsc_prognosis_create(model, NULL, &p, &err) == NSC_OK);
  uint32_t counts[4] = {0};
  for (int i = TRAINING + VALIDATION; i < CASES; i++) {
    nsc_applies a = judge_picture(p, all[i].pixels);
    CHECK(isfinite(a.look) && isnan(a.reconstruction)); /* its map is one place: no features */
    counts[a.verdict]++;
  }
  printf("# its own: %u in range, %u doubtful, %u out\n", counts[NSC_APPLIES_IN_RANGE], counts[NSC_APPLIES_DOUBTFUL],
         counts[NSC_APPLIES_OUT]);
  CHECK_EQ(counts[NSC_APPLIES_UNKNOWN], 0);
  CHECK(counts[NSC_APPLIES_OUT] <= 15); /* of 300 */
  uint8_t stripes[SIDE * SIDE];
  for (int k = 0; k < SIDE * SIDE; k++) stripes[k] = k % SIDE / 4 % 2 ? 255 : 0;
  CHECK_EQ(judge_picture(p, stripes).verdict, NSC_APPLIES_OUT);
  nsc_prognosis_free(p);
  nsc_model_free(model);
  nsc_text_free(bytes);
  nsc_text_free(plain);
}

TEST(survival_training_recovers_known_hazards) {
  nsc_error err = {0};
  nsc_training *t;
  known *all = make_cases();
  REQUIRE(all != NULL);
  REQUIRE(nsc_training_create("{\"labels\":[\"censored\",\"event\"],\"width\":16,\"height\":16,\"channels\":1}", &t,
                              &err) == NSC_OK);
  add_cases(t, all);
  train_it(t, all);
  nsc_model *model = open_model(t);
  REQUIRE(model != NULL);
  CHECK(nsc_model_is_survival(model));
  nsc_prognosis *p;
  if (nsc_prognosis_create(model, NULL, &p, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return;
  }
  compare_with_truth(p, all);
  check_fields(p, &all[CASES - 1]);
  /* What knows labels only says so. */
  nsc_classifier *c;
  nsc_error why = {0};
  CHECK_EQ(nsc_classifier_create(model, NULL, &c, &why), NSC_ERROR_UNSUPPORTED);
  CHECK(strstr(why.text, "curves of survival") != NULL);
  nsc_memory memory;
  CHECK_EQ(nsc_classifier_memory(model, NULL, &memory, &why), NSC_OK);
  char *json;
  REQUIRE(nsc_model_json(model, &json, &err) == NSC_OK);
  CHECK(strstr(json, "\"task\":\"survival\"") != NULL);
  CHECK(strstr(json, "\"unit\":\"months\"") != NULL);
  nsc_text_free(json);
  REQUIRE(nsc_training_evaluate(t, "{\"split\":\"test\"}", &json, &err) == NSC_OK);
  CHECK(strstr(json, "{\"survival\":{\"task\":\"survival\",\"count\":300") != NULL);
  nsc_text_free(json);
  nsc_prognosis_free(p);
  nsc_model_free(model);
  check_range(t, all);
  nsc_training_free(t);
  free(all);
}

/* ---- what is refused ---- */

static void refuses(nsc_training *t, const char *outcomes, const char *because) {
  nsc_error err = {0};
  CHECK_EQ(nsc_training_set_outcomes(t, outcomes, &err), NSC_ERROR_ARGUMENT);
  if (!strstr(err.text, because)) test_failed(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", err.text, because);
}

TEST(survival_training_refuses_what_is_no_outcome) {
  nsc_error err = {0};
  nsc_training *t;
  static const uint8_t pixels[SIDE * SIDE];
  REQUIRE(nsc_training_create("{\"labels\":[\"censored\",\"event\"],\"width\":16,\"height\":16,\"channels\":1}", &t,
                              &err) == NSC_OK);
  for (int i = 0; i < 2; i++) {
    nsc_image *image;
    REQUIRE(nsc_image_from_pixels(pixels, SIDE, SIDE, 1, &image, &err) == NSC_OK);
    CHECK_EQ(nsc_training_add_image(t, image, 0, "x", NULL, 0, 0, &err), NSC_OK);
    nsc_image_free(image);
  }
  refuses(t, "{\"outcomes\":[[1,1]]}", "for each of 2");
  refuses(t, "{\"outcomes\":[[1,1],[-1,0]]}", "sample 1");
  refuses(t, "{\"outcomes\":[[1,2],[1,0]]}", "sample 0");
  refuses(t, "{\"fields\":[\"sex\"],\"outcomes\":[[1,1,\"F\"],[1,0,\"x\"]]}", "sample 1: the sex");
  refuses(t, "{\"outcomes\":[[\"\",1],[1,0]]}", "sample 0");
  refuses(t, "{\"outcomes\":[[1,0],[1,0]]}", "no case for training has an event");
  refuses(t, "{\"outcomes\":[[0,1],[1,0]]}", "after time 0");
  refuses(t, "{\"fields\":[\"psa\"],\"outcomes\":[[1,1,null],[1,0,null]]}", "psa");
  refuses(t, "{\"edges\":[0,3,2],\"outcomes\":[[1,1],[1,0]]}", "rise");
  const char *texts = "{\"fields\":[\"age\"],\"outcomes\":[[\"1\",\"1\",\"045Y\"],[2,0,\"\"]]}";
  REQUIRE(nsc_training_set_outcomes(t, texts, &err) == NSC_OK);
  CHECK_NEAR(nsc_training_data(t)->survival->fields[0].mean, 45, 0);
  CHECK_EQ(nsc_training_split(t, "{}", &err), NSC_ERROR_ARGUMENT);
  err = (nsc_error){0};
  CHECK_EQ(nsc_training_begin(t, "{\"net\":\"small\",\"balance\":\"weights\"}", 1, &err), NSC_ERROR_ARGUMENT);
  CHECK(strstr(err.text, "times to an event") != NULL);
  err = (nsc_error){0};
  CHECK_EQ(nsc_training_begin(t, "{\"net\":\"small\",\"autoencoder\":true}", 1, &err), NSC_OK);
  nsc_training_free(t);
}

TEST(survival_fields_as_people_write_them) {
  double x;
  static const struct {
    const char *name, *text;
    double value; /* NaN: not known */
  } good[] = {{"sex", "F", 0},  {"sex", "male", 1},   {"sex", "O", NAN},    {"Sex", " M ", 1},
              {"sex", "", NAN}, {"age", "045Y", 45},  {"age", "006M", 0.5}, {"age", "63.5", 63.5},
              {"age", "", NAN}, {"psa", "-1e2", -100}};
  static const char *const bad[][2] = {{"sex", "1"}, {"age", "old"}, {"age", "-3"}, {"psa", "0x10"}, {"psa", "nan"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CHECK(nsc_field_parse(good[i].name, good[i].text, strlen(good[i].text), &x));
    CHECK(isnan(good[i].value) ? isnan(x) : fabs(x - good[i].value) < 1e-12);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK(!nsc_field_parse(bad[i][0], bad[i][1], strlen(bad[i][1]), &x));
  }
}
