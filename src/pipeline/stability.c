/* nsc_stability: a frame's score under small changes of what the model sees. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "explain/vary.h"
#include "pipeline/classify.h"
#include "pipeline/dropout.h"

static const char *const names[NSC_VARIATION_COUNT] = {"shift",    "rotation", "zoom", "brightness",
                                                       "contrast", "noise",    "blur", "jpeg"};

enum { USUAL_DRAWS = 8, MOST_DRAWS = 1000, DROPOUTS = 4 /* for each draw of a kind */ };

typedef struct tally {
  uint32_t draws, flips;
  double sum, squares, lowest, highest;
} tally;

struct nsc_stability {
  nsc_classifier *classifier;
  nsc_image *image;
  uint32_t frame, draws, done, label, verdict;
  uint64_t seed;
  float *units, *varied; /* [height][width][channels]: what the model saw as 0..1, and changed */
  double score, repeated;
  tally kinds[NSC_VARIATION_COUNT], all, dropped;
  nsc_dropout_sampler *dropout; /* NULL: the model has none */
};

const char *nsc_variation_name(nsc_variation kind) {
  return (size_t)kind < NSC_VARIATION_COUNT ? names[kind] : "";
}

static uint32_t variations_of(const nsc_stability *s) {
  return s->draws * NSC_VARIATION_COUNT;
}

static uint32_t total_of(const nsc_stability *s) {
  return variations_of(s) + (s->dropout ? s->draws * DROPOUTS : 0) + 1;
}

static nsc_status begin(nsc_stability *s, const volatile int32_t *cancel, nsc_error *err) {
  const nsc_recipe *r = nsc_classifier_recipe(s->classifier);
  const float *input;
  size_t count;
  bool channels_last;
  nsc_result result;
  NSC_TRY(nsc_classifier_run(s->classifier, s->image, s->frame, cancel, &result, err));
  s->verdict = result.verdict;
  s->label = nsc_asked_label(&result, -1);
  s->score = (double)result.scores[s->label];
  NSC_TRY(nsc_classifier_prepare(s->classifier, s->image, s->frame, &input, &count, &channels_last, err));
  s->units = malloc(count * sizeof *s->units);
  s->varied = malloc(count * sizeof *s->varied);
  if (!s->units || !s->varied) return nsc_fail_memory(err, 2 * count * sizeof *s->units, "changed pictures");
  nsc_recipe_to_units(r, input, count, s->units);
  return nsc_dropout_sampler_create(s->classifier, &s->dropout, err);
}

nsc_status nsc_stability_create(nsc_classifier *classifier, nsc_image *image, uint32_t frame, uint32_t draws,
                                uint64_t seed, const volatile int32_t *cancel, nsc_stability **out, nsc_error *err) {
  if (!classifier || !image || !out || draws > MOST_DRAWS) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no classifier, no image, or more than %d draws", MOST_DRAWS);
  }
  nsc_stability *s = calloc(1, sizeof *s);
  if (!s) return nsc_fail_memory(err, sizeof *s, "a test of steadiness");
  *s = (nsc_stability){.classifier = classifier,
                       .image = image,
                       .frame = frame,
                       .draws = draws ? draws : USUAL_DRAWS,
                       .seed = seed,
                       .repeated = NAN};
  nsc_status status = begin(s, cancel, err);
  if (status != NSC_OK) {
    nsc_stability_free(s);
    return status;
  }
  *out = s;
  return NSC_OK;
}

void nsc_stability_free(nsc_stability *stability) {
  if (!stability) return;
  free(stability->units), free(stability->varied);
  nsc_dropout_sampler_free(stability->dropout);
  free(stability);
}

void nsc_stability_progress(const nsc_stability *stability, uint32_t *done, uint32_t *total) {
  *done = stability->done;
  *total = total_of(stability);
}

static void count(tally *t, double score, bool flipped) {
  t->lowest = t->draws ? fmin(t->lowest, score) : score;
  t->highest = t->draws ? fmax(t->highest, score) : score;
  t->draws++;
  t->flips += flipped;
  t->sum += score;
  t->squares += score * score;
}

/* The unchanged file again, from its bytes on: what is set on a screen in between is no part of that road. */
static nsc_status repeat(nsc_stability *s, const volatile int32_t *cancel, nsc_error *err) {
  nsc_result result;
  NSC_TRY(nsc_classifier_run(s->classifier, s->image, s->frame, cancel, &result, err));
  s->repeated = (double)result.scores[s->label];
  return NSC_OK;
}

static nsc_status vary(nsc_stability *s, const volatile int32_t *cancel, nsc_error *err) {
  const nsc_recipe *r = nsc_classifier_recipe(s->classifier);
  nsc_variation kind = (nsc_variation)(s->done / s->draws);
  nsc_result result;
  NSC_TRY(nsc_vary(kind, s->seed, s->done % s->draws, s->units, r->height, r->width, r->channels, s->varied, err));
  nsc_recipe_from_units(r, s->varied, nsc_recipe_count(r), s->varied);
  NSC_TRY(nsc_classifier_judge(s->classifier, s->varied, cancel, &result, err));
  double score = (double)result.scores[s->label];
  count(&s->kinds[kind], score, result.verdict != s->verdict);
  count(&s->all, score, result.verdict != s->verdict);
  return NSC_OK;
}

/* The unchanged picture by a network in which dropout is at work. */
static nsc_status drop(nsc_stability *s, nsc_error *err) {
  const nsc_recipe *r = nsc_classifier_recipe(s->classifier);
  nsc_result result;
  nsc_recipe_from_units(r, s->units, nsc_recipe_count(r), s->varied);
  NSC_TRY(nsc_dropout_sample(s->dropout, s->varied, s->seed, s->done - variations_of(s), &result, err));
  count(&s->dropped, (double)result.scores[s->label], result.verdict != s->verdict);
  return NSC_OK;
}

nsc_status nsc_stability_step(nsc_stability *stability, const volatile int32_t *cancel, nsc_error *err) {
  nsc_stability *s = stability;
  if (!s) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no test of steadiness");
  if (s->done == total_of(s)) return NSC_OK;
  if (s->done + 1 == total_of(s)) {
    NSC_TRY(repeat(s, cancel, err));
  } else if (s->done >= variations_of(s)) {
    NSC_TRY(drop(s, err));
  } else {
    NSC_TRY(vary(s, cancel, err));
  }
  s->done++;
  return NSC_OK;
}

static double mean_of(const tally *t) {
  return t->draws ? t->sum / t->draws : NAN;
}

static double deviation_of(const tally *t) {
  double mean = mean_of(t);
  return t->draws ? sqrt(fmax(t->squares / t->draws - mean * mean, 0)) : NAN;
}

static void write_tally(nsc_text *t, const tally *k) {
  nsc_json_key(t, "draws"), nsc_json_int(t, k->draws);
  nsc_json_key(t, "flips"), nsc_json_int(t, k->flips);
  nsc_json_key(t, "lowest"), nsc_json_number(t, k->draws ? k->lowest : NAN);
  nsc_json_key(t, "mean"), nsc_json_number(t, mean_of(k));
  nsc_json_key(t, "highest"), nsc_json_number(t, k->draws ? k->highest : NAN);
}

nsc_status nsc_stability_json(const nsc_stability *stability, char **out, nsc_error *err) {
  const nsc_stability *s = stability;
  if (!s || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no test of steadiness");
  const nsc_manifest *m = nsc_classifier_manifest(s->classifier);
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "label"), nsc_json_string(&t, m->labels[s->label]);
  nsc_json_key(&t, "score"), nsc_json_number(&t, s->score);
  nsc_json_key(&t, "verdict"), nsc_json_string(&t, s->verdict < m->label_count ? m->labels[s->verdict] : NULL);
  nsc_json_key(&t, "threshold");
  nsc_json_number(&t, m->task == NSC_TASK_SINGLE ? NAN : (double)m->thresholds[s->label]);
  write_tally(&t, &s->all);
  nsc_json_key(&t, "deviation"), nsc_json_number(&t, deviation_of(&s->all));
  nsc_json_key(&t, "seed"), nsc_json_int(&t, (int64_t)s->seed);
  nsc_json_key(&t, "kinds"), nsc_json_array(&t);
  for (int k = 0; k < NSC_VARIATION_COUNT; k++) {
    nsc_json_object(&t);
    nsc_json_key(&t, "name"), nsc_json_string(&t, names[k]);
    write_tally(&t, &s->kinds[k]);
    nsc_json_end_object(&t);
  }
  nsc_json_end_array(&t);
  nsc_json_key(&t, "dropout");
  if (s->dropout) {
    nsc_json_object(&t);
    write_tally(&t, &s->dropped);
    nsc_json_key(&t, "deviation"), nsc_json_number(&t, deviation_of(&s->dropped));
    nsc_json_end_object(&t);
  } else {
    nsc_json_null(&t);
  }
  nsc_json_key(&t, "repeated"), nsc_json_number(&t, s->repeated);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
