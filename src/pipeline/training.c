/* A training from its options to a model file: see negatoscope.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/collect.h"
#include "pipeline/scores.h"
#include "pipeline/training_private.h"
#include "train/checkpoint.h"

static nsc_status need_trainer(const nsc_training *t, nsc_error *err) {
  return t->trainer ? NSC_OK : nsc_fail(err, NSC_ERROR_ARGUMENT, "no training has begun");
}

const nsc_net *nsc_training_net(const nsc_training *t) {
  return t->net;
}

const nsc_train_options *nsc_training_options_of(const nsc_training *t) {
  return t->trainer ? &t->options : NULL;
}

const nsc_trainer *nsc_training_trainer(const nsc_training *t) {
  return t->trainer;
}

/* ---- beginning and running ---- */

static nsc_status take_threads(nsc_training *t, uint32_t threads, nsc_error *err) {
  if (threads < 1) threads = 1;
  if (t->compute && t->threads == threads) return NSC_OK; /* threads that run stay: starting them again takes time */
  nsc_compute_free(t->compute);
  t->compute = NULL;
  t->threads = threads;
  return nsc_compute_create(threads, &t->compute, err);
}

/* A head alone learns from features that are computed once; with augmented pictures they would differ each time. */
static nsc_status create_trainer(nsc_training *t, const nsc_training_plan *plan, nsc_error *err) {
  if (!nsc_training_head_alone(t, plan)) {
    free(t->features); /* what is trained now changes them */
    t->features = NULL;
    return nsc_trainer_create(t->net, t->compute, &t->data, &t->options, &t->trainer, err);
  }
  NSC_TRY(nsc_training_need_features(t, err));
  NSC_TRY(nsc_head_create(t->net, t->head, &t->alone, err));
  t->view = t->data;
  t->view.features = t->features;
  t->view.feature_count = nsc_feature_count(t->net, t->head);
  return nsc_trainer_create(t->alone, t->compute, &t->view, &t->options, &t->trainer, err);
}

static nsc_status begin_trainer(nsc_training *t, const nsc_training_plan *plan, nsc_error *err) {
  NSC_TRY(create_trainer(t, plan, err));
  if (t->store.write) nsc_trainer_use_store(t->trainer, &t->store);
  return NSC_OK;
}

void nsc_training_set_store(nsc_training *t, const nsc_store *store) {
  t->store = store ? *store : (nsc_store){0};
}

nsc_status nsc_training_begin(nsc_training *t, const char *json, uint32_t threads, nsc_error *err) {
  nsc_training_plan plan;
  NSC_TRY(nsc_training_read_plan(json, &plan, err));
  if (!nsc_training_has_labels(t) || t->data.count == 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are no pictures to learn from");
  }
  nsc_normal normal = t->options.normal;
  NSC_TRY(nsc_training_build(t, &plan, err));
  nsc_training_end_autoencoder(t);
  t->autoencodes = plan.autoencodes;
  NSC_TRY(take_threads(t, threads, err));
  t->options = plan.train;
  t->options.task = t->data.label_count == 2 ? NSC_TASK_BINARY : NSC_TASK_SINGLE;
  nsc_status status = NSC_OK;
  if (!plan.go_on) {
    memcpy(t->net_name, plan.net, sizeof plan.net);
    status = nsc_training_normal(t, strcmp(plan.net, "base") == 0, &normal, err);
  }
  t->options.normal = normal;
  t->judged_epoch = UINT32_MAX;
  if (status == NSC_OK) status = begin_trainer(t, &plan, err);
  if (status != NSC_OK && !plan.go_on) nsc_training_forget(t);
  return status;
}

static bool has_autoencoder(const nsc_training *t) {
  return t->autoencoder && nsc_autoencoder_finished(t->autoencoder);
}

static bool has_finished(const nsc_training *t) {
  return nsc_trainer_finished(t->trainer) && (!t->autoencodes || has_autoencoder(t));
}

/* Slices are of one or the other: what is left of one when the network ends is given back. */
nsc_status nsc_training_run(nsc_training *t, double milliseconds, const volatile int32_t *cancel, bool *finished,
                            nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  if (!nsc_trainer_finished(t->trainer)) {
    NSC_TRY(nsc_trainer_run(t->trainer, milliseconds, cancel, err));
  } else if (!has_finished(t)) {
    bool ended;
    nsc_status status = nsc_training_run_autoencoder(t, milliseconds, cancel, &ended, err);
    if (status != NSC_OK && status != NSC_ERROR_CANCELLED) {
      nsc_training_end_autoencoder(t);
      t->autoencodes = false;
    }
    NSC_TRY(status);
  }
  *finished = has_finished(t);
  return NSC_OK;
}

nsc_status nsc_training_checkpoint(nsc_training *t, uint32_t part, const void **bytes, size_t *size, nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  return nsc_checkpoint_part(t->trainer, part, bytes, size, err);
}

nsc_status nsc_training_resume(nsc_training *t, const uint8_t *bytes, size_t size, nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  NSC_TRY(nsc_checkpoint_load(t->trainer, bytes, size, err));
  t->judged_epoch = UINT32_MAX;
  return NSC_OK;
}

nsc_status nsc_training_resume_from(nsc_training *t, const nsc_store *file, uint64_t size, nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  NSC_TRY(nsc_checkpoint_load_from(t->trainer, file, size, err));
  t->judged_epoch = UINT32_MAX;
  return NSC_OK;
}

/* ---- status ---- */

/* Of the network, then of the autoencoder. From the speed of this epoch so far, or of the last one; validation costs
 * about a third of training a sample. */
static double seconds_left(const nsc_training *t, const nsc_train_progress *p) {
  nsc_autoencoder_progress autoencoder;
  if (has_finished(t)) return 0;
  if (nsc_trainer_finished(t->trainer)) {
    return nsc_training_autoencoder(t, &autoencoder) ? autoencoder.seconds_left : NAN;
  }
  uint32_t validation = nsc_dataset_count(&t->data, NSC_SPLIT_VALIDATION, UINT32_MAX);
  uint32_t epochs = t->options.epochs - p->epoch;
  double batch_seconds = NAN;
  if (p->batch > 0) {
    batch_seconds = p->train_ms / 1e3 / p->batch;
  } else if (p->epoch > 0) {
    const nsc_epoch_stats *last = &nsc_trainer_history(t->trainer)[p->epoch - 1];
    batch_seconds = t->options.batch / last->images_per_second;
  }
  double validate = validation / (3.0 * t->options.batch);
  return batch_seconds * (epochs * (p->batches + validate) - p->batch);
}

static void write_epoch(nsc_text *t, const nsc_epoch_stats *e) {
  nsc_json_object(t);
  nsc_json_key(t, "epoch"), nsc_json_int(t, e->epoch);
  nsc_json_key(t, "trainLoss"), nsc_json_number(t, e->train_loss);
  nsc_json_key(t, "validationLoss"), nsc_json_number(t, e->validation_loss);
  nsc_json_key(t, "validationAccuracy"), nsc_json_number(t, e->validation_accuracy);
  nsc_json_key(t, "rate"), nsc_json_float(t, e->rate);
  nsc_json_key(t, "seconds"), nsc_json_number(t, e->seconds);
  nsc_json_key(t, "imagesPerSecond"), nsc_json_number(t, e->images_per_second);
  nsc_json_key(t, "best"), nsc_json_bool(t, e->best);
  nsc_json_end_object(t);
}

/* What the model file will say of limits and licence unless it is told. */
static void write_heritage(nsc_text *t, const nsc_training *training, const char *limits) {
  nsc_heritage base;
  nsc_json_key(t, "base");
  if (!nsc_training_heritage(training, &base)) {
    nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  nsc_json_key(t, "name"), nsc_json_string(t, base.name);
  nsc_json_key(t, "limits"), nsc_json_string(t, base.limits);
  nsc_json_key(t, "license"), nsc_json_string(t, base.license);
  nsc_json_key(t, "inherited"), nsc_json_string(t, limits);
  nsc_json_end_object(t);
}

static const char *task_word(const nsc_training *t) {
  return t->data.survival ? "survival" : nsc_task_name(t->options.task);
}

static const char *state_word(const nsc_training *t) {
  if (has_finished(t)) return "finished";
  if (nsc_trainer_finished(t->trainer)) return "autoencoder";
  return nsc_trainer_progress(t->trainer).step ? "training" : "ready";
}

static void write_autoencoder(nsc_text *t, const nsc_training *training) {
  nsc_autoencoder_progress p;
  nsc_json_key(t, "autoencoder");
  if (!nsc_training_autoencoder(training, &p)) {
    nsc_json_null(t);
    return;
  }
  nsc_json_object(t);
  nsc_json_key(t, "epoch"), nsc_json_int(t, p.epoch);
  nsc_json_key(t, "epochs"), nsc_json_int(t, p.epochs);
  nsc_json_key(t, "loss"), nsc_json_number(t, p.loss);
  nsc_json_key(t, "validationLoss"), nsc_json_number(t, p.validation_loss);
  nsc_json_end_object(t);
}

nsc_status nsc_training_status_json(const nsc_training *training, char **out, nsc_error *err) {
  NSC_TRY(need_trainer(training, err));
  char *limits;
  NSC_TRY(nsc_training_inherited_limits(training, &limits, err));
  nsc_train_progress p = nsc_trainer_progress(training->trainer);
  bool finished = nsc_trainer_finished(training->trainer);
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "state"), nsc_json_string(&t, state_word(training));
  nsc_json_key(&t, "epoch"), nsc_json_int(&t, finished ? p.epoch : p.epoch + 1);
  nsc_json_key(&t, "epochs"), nsc_json_int(&t, training->options.epochs);
  nsc_json_key(&t, "batch"), nsc_json_int(&t, p.batch);
  nsc_json_key(&t, "batches"), nsc_json_int(&t, p.batches);
  nsc_json_key(&t, "loss"), nsc_json_number(&t, p.batch ? p.loss_sum / p.batch : NAN);
  nsc_json_key(&t, "rate"), nsc_json_float(&t, p.rate);
  double speed = p.train_ms > 0 ? p.batch * (double)training->options.batch / p.train_ms * 1e3 : NAN;
  nsc_json_key(&t, "imagesPerSecond"), nsc_json_number(&t, speed);
  nsc_json_key(&t, "secondsLeft"), nsc_json_number(&t, seconds_left(training, &p));
  nsc_json_key(&t, "bestEpoch"), nsc_json_int(&t, p.best_epoch);
  nsc_json_key(&t, "bytes"), nsc_json_int(&t, (int64_t)nsc_trainer_bytes(training->trainer));
  nsc_json_key(&t, "net"), nsc_json_string(&t, training->net_name);
  nsc_json_key(&t, "parameters"), nsc_json_int(&t, (int64_t)nsc_net_parameter_count(training->net));
  nsc_json_key(&t, "task"), nsc_json_string(&t, task_word(training));
  write_heritage(&t, training, limits);
  nsc_text_free(limits);
  write_autoencoder(&t, training);
  nsc_json_key(&t, "history");
  nsc_json_array(&t);
  for (uint32_t i = 0; i < p.epoch; i++) write_epoch(&t, &nsc_trainer_history(training->trainer)[i]);
  nsc_json_end_array(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

/* ---- judging ---- */

/* The cases of a split: who they are, what is true, and what is said of them. */
typedef struct cases {
  uint32_t count;
  uint32_t *samples; /* [count] */
  int32_t *truth;    /* [count] */
  float *logits;     /* [count][outputs] */
  float *scores;     /* [count][labels] */
} cases;

static void drop_cases(cases *c) {
  free(c->samples);
  free(c->truth);
  free(c->logits);
  free(c->scores);
}

static nsc_status list_cases(const nsc_training *t, nsc_split split, cases *c, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  *c = (cases){.count = nsc_dataset_count(d, split, UINT32_MAX)};
  size_t room = (size_t)c->count + 1, outputs = nsc_training_outputs(t);
  c->samples = malloc(room * sizeof *c->samples);
  c->truth = malloc(room * sizeof *c->truth);
  c->logits = malloc(room * outputs * sizeof *c->logits);
  c->scores = malloc(room * d->label_count * sizeof *c->scores);
  if (!c->samples || !c->truth || !c->logits || !c->scores) {
    return nsc_fail_memory(err, room * (d->label_count + outputs) * sizeof(float), "scores");
  }
  for (uint32_t i = 0, n = 0; i < d->count; i++) {
    if (d->samples[i].split != split) continue;
    c->samples[n] = i;
    c->truth[n++] = (int32_t)d->samples[i].label;
  }
  return NSC_OK;
}

nsc_status nsc_training_calibrate(nsc_training *t, double sensitivity, nsc_calibration *out, nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  if (t->data.survival) { /* curves are as they are: no temperature, no threshold */
    *out = (nsc_calibration){.temperature = 1, .threshold = NAN};
    return NSC_OK;
  }
  uint32_t best = nsc_trainer_progress(t->trainer).best_epoch;
  if (t->judged_epoch != best || t->judged_sensitivity != sensitivity) {
    nsc_calibration found;
    cases c;
    nsc_status status = list_cases(t, NSC_SPLIT_VALIDATION, &c, err);
    if (status == NSC_OK) status = nsc_trainer_predict(t->trainer, NSC_SPLIT_VALIDATION, c.logits, err);
    if (status == NSC_OK) {
      status =
          nsc_calibrate(t->options.task, c.logits, c.count, nsc_training_outputs(t), c.truth, sensitivity, &found, err);
    }
    drop_cases(&c);
    NSC_TRY(status);
    t->judged_epoch = best;
    t->judged_sensitivity = sensitivity;
    t->calibration = found;
  }
  *out = t->calibration;
  return NSC_OK;
}

void nsc_training_set_threshold(nsc_training *t, float threshold) {
  t->calibration.threshold = threshold;
}

/* What the network with the best weights says, after temperature. */
static nsc_status score_by_network(nsc_training *t, nsc_split split, float temperature, cases *c, nsc_error *err) {
  uint32_t outputs = nsc_training_outputs(t), labels = t->data.label_count;
  NSC_TRY(nsc_trainer_predict(t->trainer, split, c->logits, err));
  for (uint32_t i = 0; i < c->count; i++) {
    const float *logits = c->logits + (size_t)i * outputs;
    float *scores = c->scores + (size_t)i * labels;
    if (outputs > 1) {
      nsc_softmax_scores(logits, outputs, temperature, scores);
    } else {
      scores[1] = nsc_sigmoid_score(logits[0], temperature);
      scores[0] = 1 - scores[1];
    }
  }
  return NSC_OK;
}

/* How each case's `count` nearest training samples vote. */
static nsc_status score_by_neighbours(nsc_training *t, uint32_t count, cases *c, nsc_error *err) {
  nsc_neighbour room[NSC_MOST_NEIGHBOURS];
  NSC_TRY(nsc_training_need_features(t, err));
  for (uint32_t i = 0; i < c->count; i++) {
    nsc_training_vote(t, c->samples[i], count, room, c->scores + (size_t)i * t->data.label_count);
  }
  return NSC_OK;
}

/* What a report is made of. */
typedef struct judgement {
  nsc_split split;
  uint32_t neighbours; /* that vote; 0: the network says */
  float threshold;     /* binary */
  float temperature;   /* NaN where votes have none */
  nsc_eval_options options;
} judgement;

static nsc_status score(nsc_training *t, const judgement *j, cases *c, nsc_error *err) {
  NSC_TRY(list_cases(t, j->split, c, err));
  if (c->count == 0)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "no picture is in the %s split", nsc_split_name(j->split));
  return j->neighbours ? score_by_neighbours(t, j->neighbours, c, err)
                       : score_by_network(t, j->split, j->temperature, c, err);
}

static nsc_status report_on(const nsc_training *t, const judgement *j, const cases *c, nsc_eval_report **out,
                            nsc_error *err) {
  const float thresholds[2] = {1 - j->threshold, j->threshold};
  nsc_eval_data data = {.task = t->options.task,
                        .count = c->count,
                        .labels = t->data.label_count,
                        .scores = c->scores,
                        .truth = c->truth,
                        .thresholds = t->options.task == NSC_TASK_BINARY ? thresholds : NULL,
                        .names = t->data.labels};
  return nsc_eval_run(&data, &j->options, out, err);
}

nsc_status nsc_training_report(nsc_training *t, nsc_split split, nsc_eval_report **out, nsc_error *err) {
  nsc_calibration found;
  cases c = {0};
  if (t->data.survival) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a report on labels, of a training without");
  NSC_TRY(nsc_training_calibrate(t, t->judged_sensitivity, &found, err));
  judgement j = {.split = split, .threshold = found.threshold, .temperature = found.temperature};
  nsc_status status = score(t, &j, &c, err);
  if (status == NSC_OK) status = report_on(t, &j, &c, out, err);
  drop_cases(&c);
  return status;
}

static void write_cases(nsc_text *out, const nsc_training *t, const cases *c, float threshold) {
  const float thresholds[2] = {1 - threshold, threshold};
  uint32_t labels = t->data.label_count;
  nsc_json_key(out, "cases");
  nsc_json_array(out);
  for (uint32_t i = 0; i < c->count; i++) {
    const float *scores = c->scores + (size_t)i * labels;
    nsc_json_array(out);
    nsc_json_int(out, c->samples[i]);
    nsc_json_int(out, c->truth[i]);
    nsc_json_int(out, nsc_verdict(t->options.task, scores, thresholds, labels));
    for (uint32_t k = 0; k < labels; k++) nsc_json_float(out, scores[k]);
    nsc_json_end_array(out);
  }
  nsc_json_end_array(out);
}

static nsc_status write_evaluation(const nsc_training *t, const judgement *j, const cases *c, char **out,
                                   nsc_error *err) {
  nsc_eval_report *report;
  char *json = NULL;
  NSC_TRY(report_on(t, j, c, &report, err));
  nsc_status status = nsc_eval_json(report, &json, err);
  nsc_eval_report_free(report);
  NSC_TRY(status);
  nsc_text text = {0};
  nsc_json_object(&text);
  nsc_json_key(&text, "threshold");
  nsc_json_float(&text, t->options.task == NSC_TASK_BINARY ? j->threshold : NAN);
  nsc_json_key(&text, "temperature"), nsc_json_float(&text, j->temperature);
  nsc_json_key(&text, "report"), nsc_json_raw(&text, json, strlen(json));
  nsc_text_free(json);
  write_cases(&text, t, c, j->threshold);
  nsc_json_end_object(&text);
  return nsc_text_finish(&text, out, err);
}

/* `*sensitivity`: what the threshold from validation is to reach; `*threshold`: one that is given, or negative. */
static nsc_status read_judgement(const nsc_training *t, const char *how, judgement *j, double *sensitivity,
                                 double *threshold, nsc_error *err) {
  static const char *const splits[] = {"train", "validation", "test", NULL};
  nsc_fields f;
  NSC_TRY(nsc_fields_open(&f, how, "evaluation", err));
  j->split = (nsc_split)nsc_fields_choice(&f, "split", splits, NSC_SPLIT_TEST);
  j->neighbours = nsc_fields_count(&f, "neighbours", 0, NSC_MOST_NEIGHBOURS, 0);
  j->options.replicates = nsc_fields_count(&f, "bootstrap", 0, NSC_EVAL_MAX_REPLICATES, 0);
  j->options.seed = t->options.seed;
  *threshold = nsc_fields_number(&f, "threshold", 0, 1, -1);
  *sensitivity = nsc_fields_number(&f, "sensitivity", 0, 1, 0);
  j->options.sensitivity = *sensitivity;
  return nsc_fields_close(&f);
}

nsc_status nsc_training_evaluate(nsc_training *t, const char *how, char **out, nsc_error *err) {
  /* Votes are shares already: half of them decides, and there is no temperature. */
  nsc_calibration found = {.threshold = 0.5f, .temperature = NAN};
  judgement j = {0};
  double sensitivity, threshold;
  NSC_TRY(need_trainer(t, err));
  NSC_TRY(read_judgement(t, how, &j, &sensitivity, &threshold, err));
  if (t->data.survival) {
    if (j.neighbours) return nsc_fail(err, NSC_ERROR_ARGUMENT, "neighbours vote for labels, not for times to an event");
    return nsc_training_judge_survival(t, j.split, &j.options, out, err);
  }
  if (!j.neighbours) NSC_TRY(nsc_training_calibrate(t, sensitivity, &found, err));
  j.threshold = threshold >= 0 ? (float)threshold : found.threshold;
  j.temperature = found.temperature;
  cases c = {0};
  nsc_status status = score(t, &j, &c, err);
  if (status == NSC_OK) status = write_evaluation(t, &j, &c, out, err);
  drop_cases(&c);
  return status;
}

/* ---- the model ---- */

/* What was given, also nothing on purpose; else what the model that this began with hands on. */
static const char *own_or_inherited(const char *given, const char *inherited) {
  if (!given) return inherited;
  return given[0] ? given : NULL;
}

static nsc_status write_model(nsc_training *t, const char *json, const nsc_calibration *found, const char *limits,
                              char **bytes, size_t *size, nsc_error *err) {
  nsc_fields f;
  nsc_heritage base = {0};
  (void)nsc_training_heritage(t, &base);
  nsc_recipe recipe = t->recipe;
  for (int c = 0; c < 3; c++) {
    recipe.mean[c] = t->options.normal.mean[c];
    recipe.std[c] = t->options.normal.deviation[c];
  }
  NSC_TRY(nsc_fields_open(&f, json, "model", err));
  double threshold = nsc_fields_number(&f, "threshold", 0, 1, -1);
  nsc_model_facts facts = {.name = nsc_fields_text(&f, "name", "model"),
                           .title = nsc_fields_text(&f, "title", NULL),
                           .limits = own_or_inherited(nsc_fields_text(&f, "limits", NULL), limits),
                           .license = own_or_inherited(nsc_fields_text(&f, "license", NULL), base.license),
                           .task = t->options.task,
                           .label_count = t->data.label_count,
                           .labels = t->data.labels,
                           .recipe = &recipe,
                           .survival = t->data.survival,
                           .threshold = threshold >= 0 ? (float)threshold : found->threshold,
                           .temperature = found->temperature};
  bool half = nsc_fields_flag(&f, "half", false);
  nsc_status status = f.status;
  char *made = NULL;
  size_t made_size = 0;
  nsc_net *net;
  if (status == NSC_OK) status = nsc_training_best_net(t, &net, err);
  if (status == NSC_OK) {
    nsc_trainer_rest(t->trainer); /* the file takes as much as what is given back, or less */
    status = nsc_save_model(net, &facts, half, &made, &made_size, err);
  }
  nsc_status closed = nsc_fields_close(&f);
  if (status == NSC_OK) status = closed;
  if (status != NSC_OK) {
    nsc_text_free(made);
    return status;
  }
  *bytes = made;
  *size = made_size;
  return NSC_OK;
}

nsc_status nsc_training_model(nsc_training *t, const char *json, char **bytes, size_t *size, nsc_error *err) {
  NSC_TRY(need_trainer(t, err));
  nsc_calibration found;
  char *limits;
  NSC_TRY(nsc_training_calibrate(t, t->judged_sensitivity, &found, err));
  NSC_TRY(nsc_training_inherited_limits(t, &limits, err));
  nsc_status status = write_model(t, json, &found, limits, bytes, size, err);
  nsc_text_free(limits);
  return status;
}
