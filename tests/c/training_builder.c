#include "training_builder.h"

#include "test.h"
#include "train/checkpoint.h"
#include "train/zoo.h"

const char *const two_labels[] = {"dark", "bright"};

/* Noise, with a brighter lower half for the second label; three pictures a patient. */
void make_data(nsc_dataset *d, size_t side, uint32_t count) {
  nsc_rng rng = nsc_rng_seeded(5);
  nsc_error err = {0};
  if (nsc_dataset_init(d, side, side, 1, 2, two_labels, &err) != NSC_OK)
    test_failed(__FILE__, __LINE__, "%s", err.text);
  for (uint32_t i = 0; i < count; i++) {
    char name[32], patient[32];
    uint8_t *pixels;
    uint32_t label = i % 2;
    snprintf(name, sizeof name, "picture %u", i);
    snprintf(patient, sizeof patient, "%u of %u", i / 6, label);
    if (nsc_dataset_add(d, name, patient, label, &pixels, &err) != NSC_OK) {
      test_failed(__FILE__, __LINE__, "%s", err.text);
      return;
    }
    for (size_t k = 0; k < side * side; k++) {
      pixels[k] = (uint8_t)(nsc_rng_below(&rng, 120) + (label && k >= side * side / 2 ? 60 : 0));
    }
  }
}

nsc_train_options quick_options(void) {
  nsc_train_options o = {.epochs = 4,
                         .batch = 16,
                         .rate = 3e-3f,
                         .task = NSC_TASK_BINARY,
                         .average = 0.9f,
                         .seed = 3,
                         .schedule = NSC_SCHEDULE_COSINE,
                         .normal = {.mean = {0.3f}, .deviation = {0.15f}}};
  o.optimiser = nsc_optimiser_defaults(NSC_OPTIMISER_ADAM);
  o.augment = (nsc_augment){.shift = 0.05f, .noise = 0.02f};
  return o;
}

bool make_toy(toy *y, const char *network, const nsc_train_options *options, nsc_error *err) {
  *y = (toy){0};
  make_data(&y->d, 16, 120);
  return nsc_dataset_split(&y->d, 0.25, 0, 1, err) == NSC_OK &&
         nsc_zoo_build(network, 16, 16, 1, 1, 1, &y->net, err) == NSC_OK &&
         nsc_compute_create(1, &y->compute, err) == NSC_OK &&
         nsc_trainer_create(y->net, y->compute, &y->d, options, &y->t, err) == NSC_OK;
}

void drop_toy(toy *y) {
  nsc_trainer_free(y->t);
  nsc_compute_free(y->compute);
  nsc_net_free(y->net);
  nsc_dataset_drop(&y->d);
}

bool same_weights(const nsc_net *a, const nsc_net *b) {
  for (uint32_t i = 0; i < a->parameter_count; i++) {
    size_t bytes = a->parameters[i].count * sizeof(float);
    if (memcmp(a->parameters[i].value, b->parameters[i].value, bytes) != 0) return false;
  }
  return true;
}

/* All parts, one behind the other. */
bool save_checkpoint(nsc_trainer *t, nsc_text *out, nsc_error *err) {
  const void *bytes;
  size_t size;
  for (uint32_t part = 0;; part++) {
    if (nsc_checkpoint_part(t, part, &bytes, &size, err) != NSC_OK) return false;
    if (!bytes) return !out->failed;
    nsc_text_append(out, bytes, size);
  }
}
