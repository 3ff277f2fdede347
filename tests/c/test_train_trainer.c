/* Data sets, augmentation, optimisers, and that training learns, the same whatever the threads. */
#include <stdlib.h>

#include "base/text.h"
#include "test.h"
#include "train/checkpoint.h"
#include "train/trainer_private.h"
#include "train/zoo.h"
#include "training_builder.h"

TEST(dataset_split_keeps_patients_together) {
  nsc_dataset d;
  nsc_error err = {0};
  make_data(&d, 4, 600);
  REQUIRE(nsc_dataset_split(&d, 0.2, 0.1, 1, &err) == NSC_OK);
  for (uint32_t label = 0; label < 2; label++) {
    CHECK_NEAR(nsc_dataset_count(&d, NSC_SPLIT_VALIDATION, label), 60, 3);
    CHECK_NEAR(nsc_dataset_count(&d, NSC_SPLIT_TEST, label), 30, 3);
  }
  for (uint32_t i = 0; i < d.count; i++) {
    for (uint32_t k = i + 1; k < d.count && k < i + 8; k++) {
      if (strcmp(d.samples[i].patient, d.samples[k].patient) == 0) CHECK_EQ(d.samples[i].split, d.samples[k].split);
    }
  }
  uint32_t first = 0;
  for (uint32_t i = 0; i < d.count; i++) first = first * 31 + (uint32_t)d.samples[i].split;
  REQUIRE(nsc_dataset_split(&d, 0.2, 0.1, 1, &err) == NSC_OK);
  uint32_t again = 0;
  for (uint32_t i = 0; i < d.count; i++) again = again * 31 + (uint32_t)d.samples[i].split;
  CHECK_EQ(first, again);
  CHECK_EQ(nsc_dataset_split(&d, 0.6, 0.5, 1, &err), NSC_ERROR_ARGUMENT);
  nsc_dataset_drop(&d);
}

TEST(dataset_statistics_are_of_training) {
  nsc_dataset d;
  nsc_error err = {0};
  uint8_t *pixels;
  REQUIRE(nsc_dataset_init(&d, 1, 2, 3, 2, two_labels, &err) == NSC_OK);
  for (int i = 0; i < 3; i++) {
    REQUIRE(nsc_dataset_add(&d, "x", NULL, 0, &pixels, &err) == NSC_OK);
    for (int k = 0; k < 6; k++) pixels[k] = (uint8_t)(i == 2 ? 255 : k < 3 ? 51 : 102);
  }
  d.samples[2].split = NSC_SPLIT_TEST;
  nsc_normal normal = nsc_dataset_normal(&d);
  for (int c = 0; c < 3; c++) {
    CHECK_NEAR(normal.mean[c], 0.3, 1e-6);
    CHECK_NEAR(normal.deviation[c], 0.1, 1e-6);
  }
  nsc_dataset_drop(&d);
}

TEST(augment_nothing_is_a_conversion) {
  uint8_t in[12];
  float out[12];
  for (int i = 0; i < 12; i++) in[i] = (uint8_t)(i * 20);
  const nsc_augment none = {0};
  nsc_augment_apply(&none, nsc_rng_seeded(1), in, 2, 2, 3, out);
  for (int i = 0; i < 12; i++) CHECK_NEAR(out[i], i * 20 / 255.0, 1e-7);
}

TEST(augment_flips_about_half_the_time) {
  const uint8_t in[4] = {0, 10, 200, 255};
  const nsc_augment flip = {.flip_horizontal = true};
  int flipped = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    float out[4];
    nsc_augment_apply(&flip, nsc_rng_seeded(seed), in, 1, 4, 1, out);
    bool same = out[0] < out[3];
    flipped += !same;
    for (int i = 0; i < 4; i++) CHECK_NEAR(out[i], in[same ? i : 3 - i] / 255.0, 1e-6);
  }
  CHECK_NEAR(flipped, 100, 30);
}

/* A quarter turn of zero-mean content keeps its mean; every fill stays within the picture's values. */
TEST(augment_stays_in_range) {
  uint8_t in[15 * 15];
  float out[15 * 15];
  for (int i = 0; i < 225; i++) in[i] = (uint8_t)(60 + i % 130);
  nsc_augment a = nsc_augment_usual();
  for (int fill = NSC_FILL_NEAREST; fill <= NSC_FILL_WRAP; fill++) {
    a.fill = (nsc_fill)fill;
    for (uint64_t seed = 0; seed < 50; seed++) {
      nsc_augment_apply(&a, nsc_rng_seeded(seed), in, 15, 15, 1, out);
      for (int i = 0; i < 225; i++) {
        CHECK(out[i] >= (fill == NSC_FILL_CONSTANT ? 0 : 60 / 255.0f - 1e-5f) && out[i] <= 190 / 255.0f);
      }
    }
  }
  a = (nsc_augment){.brightness = 0.5f, .contrast = 0.9f, .gamma = 1, .noise = 0.5f, .cutout = 0.4f};
  for (uint64_t seed = 0; seed < 50; seed++) {
    nsc_augment_apply(&a, nsc_rng_seeded(seed), in, 15, 15, 1, out);
    for (int i = 0; i < 225; i++) CHECK(out[i] >= 0 && out[i] <= 1);
  }
}

/* One parameter, gradient by hand: the updates of the papers. */
TEST(optimiser_first_steps) {
  float value, gradient;
  nsc_parameter p = {.name = "w", .count = 1, .value = &value, .gradient = &gradient, .learned = true, .decays = true};
  nsc_net net = {.parameters = &p, .parameter_count = 1};
  nsc_error err = {0};
  static const double g[3] = {0.5, -0.25, 1};
  for (int kind = NSC_OPTIMISER_SGD; kind <= NSC_OPTIMISER_ADAMW; kind++) {
    nsc_optimiser_options options = nsc_optimiser_defaults((nsc_optimiser_kind)kind);
    options.weight_decay = 0.1f;
    options.nesterov = kind == NSC_OPTIMISER_SGD;
    nsc_optimiser o;
    REQUIRE(nsc_optimiser_init(&o, &net, &options, &err) == NSC_OK);
    value = 2;
    double w = 2, first = 0, second = 0, rate = 0.1;
    for (int t = 1; t <= 3; t++) {
      gradient = (float)g[t - 1];
      nsc_optimiser_step(&o, &net, NULL, (float)rate);
      double d = g[t - 1] + (kind == NSC_OPTIMISER_ADAMW ? 0 : 0.1 * w);
      if (kind == NSC_OPTIMISER_SGD) {
        first = 0.9 * first + d;
        w -= rate * (d + 0.9 * first);
      } else if (kind == NSC_OPTIMISER_RMSPROP) {
        second = 0.99 * second + 0.01 * d * d;
        w -= rate * d / (sqrt(second) + 1e-8);
      } else {
        if (kind == NSC_OPTIMISER_ADAMW) w -= rate * 0.1 * w;
        first = 0.9 * first + 0.1 * d;
        second = 0.999 * second + 0.001 * d * d;
        w -= rate * (first / (1 - pow(0.9, t))) / (sqrt(second / (1 - pow(0.999, t))) + 1e-8);
      }
      CHECK_NEAR(value, w, 1e-5);
    }
    nsc_optimiser_drop(&o);
  }
}

TEST(optimiser_clips_the_whole_gradient) {
  float value[2] = {0, 0}, gradient[2] = {3, 4};
  nsc_parameter p = {.name = "w", .count = 2, .value = value, .gradient = gradient, .learned = true};
  nsc_net net = {.parameters = &p, .parameter_count = 1};
  nsc_optimiser_options options = nsc_optimiser_defaults(NSC_OPTIMISER_SGD);
  options.clip_norm = 1;
  nsc_optimiser o;
  nsc_error err = {0};
  REQUIRE(nsc_optimiser_init(&o, &net, &options, &err) == NSC_OK);
  CHECK_NEAR(nsc_optimiser_step(&o, &net, NULL, 1), 5, 1e-6);
  CHECK_NEAR(value[0], -0.6, 1e-6);
  CHECK_NEAR(value[1], -0.8, 1e-6);
  nsc_optimiser_drop(&o);
}

TEST(schedules_begin_and_end_where_they_should) {
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_CONSTANT, 1, 0, 70, 100), 1, 0);
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_STEP, 1, 0, 50, 100), 0.1, 1e-6);
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_COSINE, 1, 0, 50, 100), 0.5, 1e-6);
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_COSINE, 1, 0, 100, 100), 0, 1e-6);
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_ONE_CYCLE, 1, 0, 0, 100), 0.04, 1e-6);
  CHECK_NEAR(nsc_schedule_rate(NSC_SCHEDULE_ONE_CYCLE, 1, 0, 30, 100), 1, 1e-6);
  CHECK(nsc_schedule_rate(NSC_SCHEDULE_ONE_CYCLE, 1, 0, 99, 100) < 0.01f);
  CHECK(nsc_schedule_rate(NSC_SCHEDULE_COSINE, 1, 0.1f, 0, 100) < 0.2f);
}

/* Trains the small network; returns its weights' sum, which the threads must not change by a bit. */
static double train_toy(uint32_t threads, double *accuracy) {
  nsc_dataset d;
  nsc_net *net = NULL;
  nsc_compute *compute = NULL;
  nsc_trainer *t = NULL;
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  make_data(&d, 16, 240);
  double sum = 0;
  *accuracy = NAN;
  if (nsc_dataset_split(&d, 0.25, 0, 1, &err) == NSC_OK &&
      nsc_zoo_build("small", 16, 16, 1, 1, 1, &net, &err) == NSC_OK &&
      nsc_compute_create(threads, &compute, &err) == NSC_OK &&
      nsc_trainer_create(net, compute, &d, &options, &t, &err) == NSC_OK) {
    if (nsc_trainer_run(t, INFINITY, NULL, &err) == NSC_OK && nsc_trainer_use_best(t, &err) == NSC_OK) {
      *accuracy = nsc_trainer_history(t)[options.epochs - 1].validation_accuracy;
    }
    for (uint32_t i = 0; i < net->parameter_count; i++) {
      for (size_t k = 0; k < net->parameters[i].count; k++)
        sum += (double)net->parameters[i].value[k] * (double)(k % 7 + 1);
    }
  }
  if (err.status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_trainer_free(t);
  nsc_compute_free(compute);
  nsc_net_free(net);
  nsc_dataset_drop(&d);
  return sum;
}

TEST(trainer_learns_and_threads_do_not_matter) {
  double one, two, a = train_toy(1, &one), b = train_toy(2, &two);
  CHECK_NEAR(one, 1, 0.02);
  CHECK(a == b);
  CHECK(one == two);
}

TEST(trainer_refuses_what_cannot_be_learned) {
  nsc_dataset d;
  nsc_net *net;
  nsc_compute *compute;
  nsc_trainer *t;
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  make_data(&d, 16, 20);
  REQUIRE(nsc_zoo_build("cnn-28", 16, 16, 1, 1, 1, &net, &err) == NSC_OK &&
          nsc_compute_create(1, &compute, &err) == NSC_OK);
  for (uint32_t i = 0; i < d.count; i++) d.samples[i].split = d.samples[i].label ? NSC_SPLIT_TEST : NSC_SPLIT_TRAIN;
  CHECK_EQ(nsc_trainer_create(net, compute, &d, &options, &t, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "\"bright\"");
  for (uint32_t i = 0; i < d.count; i++) d.samples[i].split = NSC_SPLIT_TRAIN;
  /* A rate that bursts: the loss stops being a number, and the best weights stay what they were. */
  options.rate = 1e30f;
  options.optimiser = nsc_optimiser_defaults(NSC_OPTIMISER_SGD);
  options.epochs = 20;
  err = (nsc_error){0};
  REQUIRE(nsc_trainer_create(net, compute, &d, &options, &t, &err) == NSC_OK);
  CHECK_EQ(nsc_trainer_run(t, INFINITY, NULL, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "learning rate");
  int32_t cancel = 1;
  CHECK_EQ(nsc_trainer_run(t, INFINITY, &cancel, NULL), NSC_ERROR_CANCELLED);
  nsc_trainer_free(t);
  nsc_compute_free(compute);
  nsc_net_free(net);
  nsc_dataset_drop(&d);
}

/* Stopped after any number of steps, also in the middle of a validation, and resumed elsewhere: the same bits. */
TEST(checkpoint_parts_come_in_order) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  toy a;
  const void *bytes;
  size_t size;
  REQUIRE(make_toy(&a, "cnn-28", &options, &err));
  CHECK_EQ(nsc_checkpoint_part(a.t, 1, &bytes, &size, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_checkpoint_part(a.t, 0, &bytes, &size, &err), NSC_OK);
  CHECK_EQ(nsc_checkpoint_part(a.t, 1, &bytes, &size, &err), NSC_OK);
  CHECK_EQ(nsc_checkpoint_part(a.t, 1, &bytes, &size, NULL), NSC_ERROR_ARGUMENT);
  REQUIRE(nsc_trainer_step(a.t, &err) == NSC_OK);
  CHECK_EQ(nsc_checkpoint_part(a.t, 2, &bytes, &size, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "nothing between them");
  CHECK_EQ(nsc_checkpoint_part(a.t, 0, &bytes, &size, NULL), NSC_OK);
  drop_toy(&a);
}

TEST(checkpoint_resumes_bit_for_bit) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  options.epochs = 3;
  options.sampling = NSC_SAMPLING_OVER;
  toy whole, part, rest;
  REQUIRE(make_toy(&whole, "cnn-28", &options, &err));
  while (!nsc_trainer_finished(whole.t)) REQUIRE(nsc_trainer_step(whole.t, &err) == NSC_OK);
  REQUIRE(nsc_trainer_use_best(whole.t, &err) == NSC_OK);
  static const int stops[] = {0, 1, 5, 6, 7, 8, 9, 17};
  for (size_t k = 0; k < sizeof stops / sizeof *stops; k++) {
    nsc_text saved = {0};
    REQUIRE(make_toy(&part, "cnn-28", &options, &err) && make_toy(&rest, "cnn-28", &options, &err));
    for (int i = 0; i < stops[k]; i++) REQUIRE(nsc_trainer_step(part.t, &err) == NSC_OK);
    REQUIRE(save_checkpoint(part.t, &saved, &err));
    REQUIRE(nsc_checkpoint_load(rest.t, (const uint8_t *)saved.chars, saved.size, &err) == NSC_OK);
    while (!nsc_trainer_finished(rest.t)) REQUIRE(nsc_trainer_step(rest.t, &err) == NSC_OK);
    CHECK_EQ(nsc_trainer_progress(rest.t).best_epoch, nsc_trainer_progress(whole.t).best_epoch);
    REQUIRE(nsc_trainer_use_best(rest.t, &err) == NSC_OK);
    CHECK(same_weights(whole.net, rest.net));
    nsc_text_drop(&saved);
    drop_toy(&part);
    drop_toy(&rest);
  }
  drop_toy(&whole);
}

TEST(checkpoint_refuses_damage_and_strangers) {
  nsc_error err = {0};
  nsc_train_options options = quick_options(), others = options;
  others.rate *= 2;
  toy a, b;
  nsc_text saved = {0};
  REQUIRE(make_toy(&a, "cnn-28", &options, &err) && make_toy(&b, "cnn-28", &others, &err));
  for (int i = 0; i < 3; i++) REQUIRE(nsc_trainer_step(a.t, &err) == NSC_OK);
  REQUIRE(save_checkpoint(a.t, &saved, &err));
  char *bytes = saved.chars;
  size_t size = saved.size;
  CHECK_EQ(nsc_checkpoint_load(b.t, (const uint8_t *)bytes, size, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "other training options");
  drop_toy(&b);
  REQUIRE(make_toy(&b, "cnn-28", &options, &err));
  b.d.pixels[7] ^= 1;
  err = (nsc_error){0};
  CHECK_EQ(nsc_checkpoint_load(b.t, (const uint8_t *)bytes, size, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "other data");
  drop_toy(&b);
  REQUIRE(make_toy(&b, "cnn-28", &options, &err));
  for (size_t cut = 0; cut < size; cut += cut < 300 ? 1 : 9973) {
    CHECK(nsc_checkpoint_load(b.t, (const uint8_t *)bytes, cut, NULL) != NSC_OK);
  }
  for (size_t at = 0; at < size; at += at < 300 ? 1 : 9973) {
    bytes[at] = (char)(bytes[at] ^ 0x10);
    CHECK(nsc_checkpoint_load(b.t, (const uint8_t *)bytes, size, NULL) != NSC_OK);
    bytes[at] = (char)(bytes[at] ^ 0x10);
  }
  CHECK_EQ(nsc_trainer_progress(b.t).step, 0);
  CHECK(nsc_checkpoint_load(b.t, (const uint8_t *)bytes, size, NULL) == NSC_OK);
  CHECK_EQ(nsc_trainer_progress(b.t).step, 3);
  nsc_text_drop(&saved);
  drop_toy(&a);
  drop_toy(&b);
}

/* What an epoch draws: every label equally often; a rare one repeated, a frequent one in parts. */
TEST(sampling_makes_labels_equal) {
  nsc_error err = {0};
  nsc_train_options options = quick_options();
  options.batch = 1;
  options.epochs = 1;
  for (int sampling = NSC_SAMPLING_OVER; sampling <= NSC_SAMPLING_UNDER; sampling++) {
    toy y;
    options.sampling = (nsc_sampling)sampling;
    make_data(&y.d, 16, 40);
    uint32_t ones = 0;
    for (uint32_t i = 0; i < y.d.count; i++) {
      if (y.d.samples[i].label == 1 && ones++ >= 5) y.d.samples[i].split = NSC_SPLIT_TEST;
    }
    REQUIRE(nsc_zoo_build("small", 16, 16, 1, 1, 1, &y.net, &err) == NSC_OK &&
            nsc_compute_create(1, &y.compute, &err) == NSC_OK &&
            nsc_trainer_create(y.net, y.compute, &y.d, &options, &y.t, &err) == NSC_OK);
    uint32_t zeros = nsc_dataset_count(&y.d, NSC_SPLIT_TRAIN, 0);
    CHECK_EQ(nsc_trainer_progress(y.t).batches, 2 * (sampling == NSC_SAMPLING_OVER ? zeros : 5));
    nsc_trainer_order(y.t);
    uint32_t drawn[2] = {0}, twice = 0, seen[64] = {0};
    for (uint32_t i = 0; i < y.t->order_count; i++) {
      drawn[y.d.samples[y.t->order[i]].label]++;
      CHECK_EQ(y.d.samples[y.t->order[i]].split, NSC_SPLIT_TRAIN);
      twice += seen[y.t->order[i]]++ > 0;
    }
    CHECK_EQ(drawn[0], drawn[1]);
    CHECK_EQ(twice, sampling == NSC_SAMPLING_OVER ? zeros - 5 : 0);
    drop_toy(&y);
  }
}
