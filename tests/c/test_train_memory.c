/* What a training takes: as much as was said, no more with every epoch, and less with a store, to the same numbers. */
#include <stdlib.h>

#include "test.h"
#include "train/checkpoint.h"
#include "train/need.h"
#include "training_builder.h"

/* ---- a store in memory that can fail ---- */

typedef struct shelf {
  nsc_store store;
  nsc_text bytes;
  int writes, reads;                     /* so far */
  int refused_write, first_refused_read; /* from which on each fails; 0: none */
} shelf;

static nsc_status put(void *context, uint64_t at, const void *bytes, size_t size, nsc_error *err) {
  (void)err;
  shelf *s = context;
  s->writes++;
  if (s->refused_write && s->writes >= s->refused_write) return NSC_ERROR_IO;
  static const char zeros[4096];
  while (s->bytes.size < at + size) nsc_text_append(&s->bytes, zeros, sizeof zeros);
  if (s->bytes.failed) return NSC_ERROR_IO;
  memcpy(s->bytes.chars + at, bytes, size);
  return NSC_OK;
}

static nsc_status get(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  shelf *s = context;
  s->reads++;
  if ((s->first_refused_read && s->reads >= s->first_refused_read) || at + size > s->bytes.size) {
    if (err) *err = (nsc_error){.status = NSC_ERROR_IO, .text = "the shelf is gone"};
    return NSC_ERROR_IO;
  }
  memcpy(bytes, s->bytes.chars + at, size);
  return NSC_OK;
}

static void open_shelf(shelf *s) {
  *s = (shelf){.store = {.context = s, .write = put, .read = get}};
}

static bool train_to_end(nsc_trainer *t, nsc_error *err) {
  return nsc_trainer_run(t, INFINITY, NULL, err) == NSC_OK;
}

/* ---- the best weights elsewhere ---- */

/* Best weights are looked at in between, which must not disturb. */
TEST(training_with_a_store_changes_no_bit) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  float in_memory[64], stored[64];
  for (int average = 0; average < 2; average++) {
    toy plain, other;
    shelf s;
    open_shelf(&s);
    options.average = average ? 0.9f : 0;
    REQUIRE(make_toy(&plain, "cnn-28", &options, &err) && make_toy(&other, "cnn-28", &options, &err));
    size_t before = nsc_trainer_bytes(other.t);
    nsc_trainer_use_store(other.t, &s.store);
    size_t weights = nsc_net_parameter_count(other.net) * sizeof(float);
    CHECK(nsc_trainer_bytes(other.t) <= before - weights);
    REQUIRE(nsc_dataset_count(&other.d, NSC_SPLIT_VALIDATION, UINT32_MAX) <= 64);
    for (int step = 0; !nsc_trainer_finished(plain.t); step++) {
      REQUIRE(nsc_trainer_step(plain.t, &err) == NSC_OK && nsc_trainer_step(other.t, &err) == NSC_OK);
      if (step % 5 != 3) continue;
      REQUIRE(nsc_trainer_predict(plain.t, NSC_SPLIT_VALIDATION, in_memory, &err) == NSC_OK);
      REQUIRE(nsc_trainer_predict(other.t, NSC_SPLIT_VALIDATION, stored, &err) == NSC_OK);
      CHECK(memcmp(in_memory, stored, nsc_dataset_count(&plain.d, NSC_SPLIT_VALIDATION, UINT32_MAX) * sizeof *stored) ==
            0);
      CHECK(same_weights(plain.net, other.net));
    }
    REQUIRE(nsc_trainer_use_best(plain.t, &err) == NSC_OK && nsc_trainer_use_best(other.t, &err) == NSC_OK);
    CHECK(same_weights(plain.net, other.net));
    CHECK(s.writes > 0 && s.reads > 0);
    drop_toy(&plain);
    drop_toy(&other);
    nsc_text_drop(&s.bytes);
  }
}

/* Written with a store, read without one, and the other way round; also while the best weights are shown. */
TEST(checkpoint_and_store_go_together) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  toy whole;
  REQUIRE(make_toy(&whole, "cnn-28", &options, &err));
  REQUIRE(train_to_end(whole.t, &err) && nsc_trainer_use_best(whole.t, &err) == NSC_OK);
  for (int k = 0; k < 2; k++) {
    toy part, rest;
    shelf s;
    nsc_text saved = {0};
    open_shelf(&s);
    REQUIRE(make_toy(&part, "cnn-28", &options, &err) && make_toy(&rest, "cnn-28", &options, &err));
    nsc_trainer_use_store(k ? rest.t : part.t, &s.store);
    for (int i = 0; i < 13; i++) REQUIRE(nsc_trainer_step(part.t, &err) == NSC_OK);
    REQUIRE(nsc_trainer_use_best(part.t, &err) == NSC_OK);
    REQUIRE(save_checkpoint(part.t, &saved, &err));
    REQUIRE(nsc_checkpoint_load(rest.t, (const uint8_t *)saved.chars, saved.size, &err) == NSC_OK);
    REQUIRE(train_to_end(rest.t, &err) && nsc_trainer_use_best(rest.t, &err) == NSC_OK);
    CHECK(same_weights(whole.net, rest.net));
    nsc_text_drop(&saved);
    drop_toy(&part);
    drop_toy(&rest);
    nsc_text_drop(&s.bytes);
  }
  drop_toy(&whole);
}

/* A disk that is full at once, with the second best weights, and in the middle of them. */
TEST(training_leaves_a_store_that_is_full) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  toy plain;
  REQUIRE(make_toy(&plain, "cnn-28", &options, &err));
  REQUIRE(train_to_end(plain.t, &err) && nsc_trainer_use_best(plain.t, &err) == NSC_OK);
  int parameters = (int)plain.net->parameter_count;
  const int full[] = {1, parameters + 1, 2 * parameters + 3};
  for (int k = 0; k < 3; k++) {
    toy y;
    shelf s;
    open_shelf(&s);
    s.refused_write = full[k];
    REQUIRE(make_toy(&y, "cnn-28", &options, &err));
    nsc_trainer_use_store(y.t, &s.store);
    REQUIRE(train_to_end(y.t, &err) && nsc_trainer_use_best(y.t, &err) == NSC_OK);
    CHECK(same_weights(plain.net, y.net));
    CHECK(s.writes == full[k]); /* not asked again */
    drop_toy(&y);
    nsc_text_drop(&s.bytes);
  }
  drop_toy(&plain);
}

TEST(training_survives_a_store_that_cannot_be_read) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  toy plain, y;
  shelf s;
  open_shelf(&s);
  REQUIRE(make_toy(&plain, "cnn-28", &options, &err) && make_toy(&y, "cnn-28", &options, &err));
  nsc_trainer_use_store(y.t, &s.store);
  for (int i = 0; i < 9; i++)
    REQUIRE(nsc_trainer_step(y.t, &err) == NSC_OK && nsc_trainer_step(plain.t, &err) == NSC_OK);
  s.first_refused_read = 1;
  CHECK_EQ(nsc_trainer_use_best(y.t, &err), NSC_ERROR_IO);
  CHECK_HAS(err.text, "the shelf is gone");
  s.first_refused_read = 0; /* it is back: nothing was lost */
  err = (nsc_error){0};
  REQUIRE(train_to_end(plain.t, &err) && train_to_end(y.t, &err));
  REQUIRE(nsc_trainer_use_best(plain.t, &err) == NSC_OK && nsc_trainer_use_best(y.t, &err) == NSC_OK);
  CHECK(same_weights(plain.net, y.net));
  drop_toy(&plain);
  drop_toy(&y);
  nsc_text_drop(&s.bytes);
}

/* ---- learning layer by layer ---- */

/* A limit that is never reached keeps all gradients for their length; without one they go layer by layer. */
TEST(layers_that_learn_at_once_change_no_bit) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  options.optimiser.kind = NSC_OPTIMISER_ADAMW;
  options.optimiser.weight_decay = 0.02f;
  static const char *const networks[] = {"cnn-28", "small"};
  for (int k = 0; k < 2; k++) {
    toy all, each;
    options.optimiser.clip_norm = 1e9f;
    REQUIRE(make_toy(&all, networks[k], &options, &err));
    options.optimiser.clip_norm = 0;
    REQUIRE(make_toy(&each, networks[k], &options, &err));
    REQUIRE(train_to_end(all.t, &err) && train_to_end(each.t, &err));
    CHECK(same_weights(all.net, each.net));
    CHECK(nsc_trainer_bytes(each.t) < nsc_trainer_bytes(all.t));
    drop_toy(&all);
    drop_toy(&each);
  }
}

/* ---- how much ---- */

static double said(const toy *y, const nsc_train_options *options, bool stores, nsc_error *err) {
  nsc_train_need need = {0};
  if (nsc_train_count_need(y->net, options, options->batch, 1, stores, &need, err) != NSC_OK) return 0;
  return (double)(need.weights + need.gradients + need.activations + need.work);
}

/* Counted before the first step, and held after an epoch; the same after four. */
TEST(training_takes_what_was_said_and_does_not_grow) {
  static const struct {
    const char *network;
    float clip, average;
    nsc_optimiser_kind kind;
    bool stores;
  } runs[] = {{"small", 5, 0.99f, NSC_OPTIMISER_ADAMW, true},    {"small", 0, 0, NSC_OPTIMISER_SGD, false},
              {"cnn-28", 5, 0.99f, NSC_OPTIMISER_ADAM, false},   {"cnn-28", 0, 0.99f, NSC_OPTIMISER_ADAM, true},
              {"resnet18", 0, 0.99f, NSC_OPTIMISER_ADAMW, true}, {"mobilenetv2", 5, 0, NSC_OPTIMISER_RMSPROP, true}};
  for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
    nsc_error err = {0};
    nsc_train_options options = quick_options();
    toy y;
    shelf s;
    open_shelf(&s);
    options.optimiser = nsc_optimiser_defaults(runs[k].kind);
    options.optimiser.clip_norm = runs[k].clip;
    options.average = runs[k].average;
    options.epochs = k < 4 ? 4 : 2;
    REQUIRE(make_toy(&y, runs[k].network, &options, &err));
    if (runs[k].stores) nsc_trainer_use_store(y.t, &s.store);
    double expected = said(&y, &options, runs[k].stores, &err);
    while (nsc_trainer_progress(y.t).epoch == 0) REQUIRE(nsc_trainer_step(y.t, &err) == NSC_OK);
    size_t taken = nsc_trainer_bytes(y.t);
    double lists = 200e3; /* names, layers, order: what a training of any size has */
    if (fabs((double)taken - expected) > 0.03 * expected + lists) {
      test_failed(__FILE__, __LINE__, "%s takes %zu bytes, said were %.0f", runs[k].network, taken, expected);
    }
    REQUIRE(train_to_end(y.t, &err));
    CHECK_EQ(nsc_trainer_bytes(y.t), taken);
    drop_toy(&y);
    nsc_text_drop(&s.bytes);
  }
}
