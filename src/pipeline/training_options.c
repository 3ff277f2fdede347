/* What a training can be told, as JSON: read for nsc_training_begin, written for forms. */
#include <string.h>

#include "base/error.h"
#include "pipeline/training_private.h"
#include "train/zoo.h"

static const char *const optimisers[] = {"sgd", "rmsprop", "adam", "adamw", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", "one-cycle", NULL};
static const char *const balances[] = {"none", "weights", "over", "under", NULL};
static const char *const kept[] = {"best", "last", NULL};
static const char *const augments[] = {"none", "film", "usual", NULL};

static nsc_augment preset(int index) {
  return index == 1 ? nsc_augment_film() : index == 2 ? nsc_augment_usual() : (nsc_augment){0};
}

/* ---- defaults: what trains a small network well on a few thousand pictures ---- */

typedef struct choices {
  nsc_train_options train;
  int balance, augment;
} choices;

static choices defaults(void) {
  choices c = {.train = {.epochs = 20,
                         .batch = 32,
                         .rate = 1e-3f,
                         .schedule = NSC_SCHEDULE_ONE_CYCLE,
                         .optimiser = nsc_optimiser_defaults(NSC_OPTIMISER_ADAMW),
                         .average = 0.99f,
                         .seed = 1},
               .augment = 1};
  c.train.optimiser.weight_decay = 0.02f;
  c.train.optimiser.clip_norm = 5;
  c.train.optimiser.momentum = 0.9f;
  return c;
}

/* ---- reading ---- */

static void read_augment_fields(nsc_fields *parent, const nsc_json_value *object, nsc_augment *out) {
  nsc_fields f = {0};
  nsc_fields_inner(&f, object, "augmentation", parent->err);
  *out = (nsc_augment){0};
  for (const nsc_augment_field *field = nsc_augment_fields(); field->name; field++) {
    double value = field->kind == NSC_AUGMENT_FLAG   ? nsc_fields_flag(&f, field->name, false)
                   : field->kind == NSC_AUGMENT_FILL ? nsc_fields_choice(&f, field->name, nsc_fill_names(), 0)
                                                     : nsc_fields_number(&f, field->name, 0, (double)field->most, 0);
    nsc_augment_set(out, field, value);
  }
  nsc_status status = nsc_fields_close(&f);
  if (parent->status == NSC_OK) parent->status = status;
}

void nsc_training_augment(nsc_fields *f, const char *name, nsc_augment *inout) {
  const nsc_json_value *v = nsc_fields_value(f, name);
  if (v && v->kind == NSC_JSON_OBJECT) {
    read_augment_fields(f, v, inout);
  } else {
    int index = nsc_fields_choice(f, name, augments, -1);
    if (index >= 0) *inout = preset(index);
  }
}

static void read_optimiser(nsc_fields *f, nsc_optimiser_options *o) {
  nsc_optimiser_options given = *o;
  int kind = nsc_fields_choice(f, "optimiser", optimisers, (int)o->kind);
  *o = nsc_optimiser_defaults((nsc_optimiser_kind)kind);
  /* RMSprop as it was published has no momentum; it takes one only when asked. */
  double momentum = kind == NSC_OPTIMISER_SGD ? (double)given.momentum : 0;
  o->momentum = (float)nsc_fields_number(f, "momentum", 0, 0.9999, momentum);
  o->nesterov = nsc_fields_flag(f, "nesterov", false);
  o->weight_decay = (float)nsc_fields_number(f, "decay", 0, 10, (double)given.weight_decay);
  o->clip_norm = (float)nsc_fields_number(f, "clip", 0, 1e9, (double)given.clip_norm);
}

/* "all", "head", or how many layers from the end. */
static uint32_t read_layers(nsc_fields *f) {
  static const char *const words[] = {"all", "head", NULL};
  const nsc_json_value *v = nsc_fields_value(f, "trainable");
  if (v && v->kind == NSC_JSON_NUMBER) return nsc_fields_count(f, "trainable", 1, 100000, 1);
  return nsc_fields_choice(f, "trainable", words, 0) == 1 ? 1 : UINT32_MAX;
}

static bool any_change(const nsc_augment *a) {
  for (const nsc_augment_field *field = nsc_augment_fields(); field->name; field++) {
    if (field->kind != NSC_AUGMENT_FILL && nsc_augment_get(a, field) != 0) return true;
  }
  return false;
}

nsc_status nsc_training_read_plan(const char *json, nsc_training_plan *out, nsc_error *err) {
  choices c = defaults();
  nsc_train_options *o = &c.train;
  nsc_fields f;
  NSC_TRY(nsc_fields_open(&f, json, "training options", err));
  const char *name = nsc_fields_text(&f, "net", "small");
  if (strlen(name) >= 32) nsc_fields_wrong(&f, "net", "is no network");
  o->epochs = nsc_fields_count(&f, "epochs", 1, 10000, o->epochs);
  o->batch = nsc_fields_count(&f, "batch", 1, 4096, o->batch);
  o->rate = (float)nsc_fields_number(&f, "rate", 1e-9, 100, (double)o->rate);
  o->warm_up = (float)nsc_fields_number(&f, "warmUp", 0, 0.9, 0);
  o->schedule = (nsc_schedule_kind)nsc_fields_choice(&f, "schedule", schedules, (int)o->schedule);
  read_optimiser(&f, &o->optimiser);
  o->smoothing = (float)nsc_fields_number(&f, "smoothing", 0, 0.9, 0);
  o->focal = (float)nsc_fields_number(&f, "focal", 0, 10, 0);
  int balance = nsc_fields_choice(&f, "balance", balances, c.balance);
  o->balance = balance == 1;
  o->sampling = balance == 2 ? NSC_SAMPLING_OVER : balance == 3 ? NSC_SAMPLING_UNDER : NSC_SAMPLING_ALL;
  o->average = (float)nsc_fields_number(&f, "average", 0, 0.99999, (double)o->average);
  o->keep_last = nsc_fields_choice(&f, "keep", kept, 0) == 1;
  o->patience = nsc_fields_count(&f, "patience", 0, 10000, 0);
  o->seed = (uint64_t)nsc_fields_number(&f, "seed", 0, 9007199254740991, 1);
  o->augment = preset(c.augment);
  nsc_training_augment(&f, "augment", &o->augment);
  nsc_training_plan plan = {.layers = read_layers(&f),
                            .dropout = (float)nsc_fields_number(&f, "dropout", 0, 0.95, -1),
                            .go_on = nsc_fields_flag(&f, "continue", false)};
  plan.autoencodes = nsc_fields_flag(&f, "autoencoder", false);
  static const char *const heads[] = {"new", "keep", NULL};
  plan.keeps_head = nsc_fields_choice(&f, "head", heads, 0) == 1;
  plan.changes = any_change(&o->augment);
  plan.train = *o;
  if (f.status == NSC_OK) memcpy(plan.net, name, strlen(name) + 1);
  NSC_TRY(nsc_fields_close(&f));
  *out = plan;
  return NSC_OK;
}

/* ---- writing ---- */

static void write_words(nsc_text *t, const char *key, const char *const *words) {
  nsc_json_key(t, key);
  nsc_json_array(t);
  for (; *words; words++) nsc_json_string(t, *words);
  nsc_json_end_array(t);
}

static void write_networks(nsc_text *t, const nsc_training *training) {
  const nsc_dataset *d = &training->data;
  size_t outputs = nsc_training_outputs(training);
  nsc_json_key(t, "networks");
  nsc_json_array(t);
  for (const nsc_zoo_entry *e = nsc_zoo_list(); e->name; e++) {
    size_t count;
    nsc_error why = {0};
    bool fits = nsc_zoo_parameters(e->name, d->height, d->width, d->channels, outputs, &count, &why) == NSC_OK;
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, e->name);
    nsc_json_key(t, "what"), nsc_json_string(t, e->what);
    nsc_json_key(t, "parameters");
    if (fits) {
      nsc_json_int(t, (int64_t)(count + nsc_training_head(training).fields * outputs));
    } else {
      nsc_json_null(t);
    }
    nsc_json_key(t, "reason"), nsc_json_string(t, fits ? NULL : why.text);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

static void write_augment(nsc_text *t, const char *name, const nsc_augment *a) {
  nsc_json_object(t);
  nsc_json_key(t, "name"), nsc_json_string(t, name);
  for (const nsc_augment_field *f = nsc_augment_fields(); f->name; f++) {
    double value = nsc_augment_get(a, f);
    nsc_json_key(t, f->name);
    if (f->kind == NSC_AUGMENT_FLAG) {
      nsc_json_bool(t, value != 0);
    } else if (f->kind == NSC_AUGMENT_FILL) {
      nsc_json_string(t, nsc_fill_names()[(int)value]);
    } else {
      nsc_json_float(t, (float)value);
    }
  }
  nsc_json_end_object(t);
}

static void write_defaults(nsc_text *t) {
  const choices c = defaults();
  const nsc_train_options *o = &c.train;
  nsc_json_key(t, "defaults");
  nsc_json_object(t);
  nsc_json_key(t, "net"), nsc_json_string(t, "small");
  nsc_json_key(t, "epochs"), nsc_json_int(t, o->epochs);
  nsc_json_key(t, "batch"), nsc_json_int(t, o->batch);
  nsc_json_key(t, "rate"), nsc_json_float(t, o->rate);
  nsc_json_key(t, "schedule"), nsc_json_string(t, schedules[o->schedule]);
  nsc_json_key(t, "warmUp"), nsc_json_float(t, o->warm_up);
  nsc_json_key(t, "optimiser"), nsc_json_string(t, optimisers[o->optimiser.kind]);
  nsc_json_key(t, "momentum"), nsc_json_float(t, o->optimiser.momentum);
  nsc_json_key(t, "nesterov"), nsc_json_bool(t, false);
  nsc_json_key(t, "decay"), nsc_json_float(t, o->optimiser.weight_decay);
  nsc_json_key(t, "clip"), nsc_json_float(t, o->optimiser.clip_norm);
  nsc_json_key(t, "dropout"), nsc_json_null(t);
  nsc_json_key(t, "smoothing"), nsc_json_float(t, o->smoothing);
  nsc_json_key(t, "focal"), nsc_json_float(t, o->focal);
  nsc_json_key(t, "balance"), nsc_json_string(t, balances[c.balance]);
  nsc_json_key(t, "average"), nsc_json_float(t, o->average);
  nsc_json_key(t, "keep"), nsc_json_string(t, kept[0]);
  nsc_json_key(t, "patience"), nsc_json_int(t, o->patience);
  nsc_json_key(t, "seed"), nsc_json_int(t, (int64_t)o->seed);
  nsc_json_key(t, "augment"), nsc_json_string(t, augments[c.augment]);
  nsc_json_key(t, "autoencoder"), nsc_json_bool(t, false);
  nsc_json_end_object(t);
}

nsc_status nsc_training_choices_json(const nsc_training *training, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  write_networks(&t, training);
  write_words(&t, "optimisers", optimisers);
  write_words(&t, "schedules", schedules);
  write_words(&t, "balances", balances);
  nsc_json_key(&t, "augments");
  nsc_json_array(&t);
  for (int i = 0; augments[i]; i++) {
    const nsc_augment a = preset(i);
    write_augment(&t, augments[i], &a);
  }
  nsc_json_end_array(&t);
  write_defaults(&t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
