/*
 * Weights beside those that are trained: their average, and the best so far. They are shown by exchange: the network's
 * pointers change places with those of the other weights. The best ones may be in a store instead. They are read into
 * the network's own memory then, and what is trained waits in the store.
 */
#include <string.h>

#include "base/error.h"
#include "train/trainer_private.h"

/* Places in the store, each of the size of all weights: the best ones have two, so that new ones are whole before they
   count. */
enum { BEST_PLACES = 2, TRAINED_PLACE = BEST_PLACES };

float **nsc_trainer_allocate_weights(const nsc_trainer *t, nsc_arena *arena) {
  float **list = nsc_arena_alloc(arena, t->net->parameter_count + 1, sizeof *list);
  for (uint32_t i = 0; list && i < t->net->parameter_count; i++) {
    list[i] = nsc_arena_alloc(arena, t->net->parameters[i].count, sizeof(float));
    if (!list[i]) return NULL;
  }
  return list;
}

/* ---- the store ---- */

/* Where a parameter stands in a place, in bytes. */
static uint64_t offset_of(const nsc_trainer *t, uint32_t place, uint32_t parameter) {
  uint64_t before = 0, all = 0;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    if (i == parameter) before = all;
    all += t->net->parameters[i].count * sizeof(float);
  }
  return place * all + before;
}

static nsc_status write_stored(nsc_trainer *t, uint32_t place, uint32_t parameter, const float *values,
                               nsc_error *err) {
  size_t bytes = t->net->parameters[parameter].count * sizeof *values;
  return t->store.write(t->store.context, offset_of(t, place, parameter), values, bytes, err);
}

static nsc_status read_stored(const nsc_trainer *t, uint32_t place, uint32_t parameter, float *values, nsc_error *err) {
  size_t bytes = t->net->parameters[parameter].count * sizeof *values;
  return t->store.read(t->store.context, offset_of(t, place, parameter), values, bytes, err);
}

static nsc_status write_network(nsc_trainer *t, uint32_t place, nsc_error *err) {
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    NSC_TRY(write_stored(t, place, i, t->net->parameters[i].value, err));
  }
  return NSC_OK;
}

static nsc_status read_network(nsc_trainer *t, uint32_t place, nsc_error *err) {
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    NSC_TRY(read_stored(t, place, i, t->net->parameters[i].value, err));
  }
  return NSC_OK;
}

/* ---- showing ---- */

static void exchange(const nsc_trainer *t, float **list) {
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    float *value = t->net->parameters[i].value;
    t->net->parameters[i].value = list[i];
    list[i] = value;
  }
}

static nsc_status show_trained(nsc_trainer *t, nsc_error *err) {
  if (t->shown == NSC_WEIGHTS_AVERAGE) {
    exchange(t, t->average);
  } else if (t->shown == NSC_WEIGHTS_BEST && t->best) {
    exchange(t, t->best);
  } else if (t->shown == NSC_WEIGHTS_BEST) {
    NSC_TRY(read_network(t, TRAINED_PLACE, err));
  }
  t->shown = NSC_WEIGHTS_TRAINED;
  return NSC_OK;
}

static nsc_status show_stored(nsc_trainer *t, nsc_error *err) {
  NSC_TRY(write_network(t, TRAINED_PLACE, err));
  nsc_status status = read_network(t, t->best_place, err);
  t->shown = NSC_WEIGHTS_BEST;
  if (status == NSC_OK) return NSC_OK;
  (void)show_trained(t, NULL); /* or at the next step, which says so when it cannot be read either */
  return status;
}

nsc_status nsc_trainer_show(nsc_trainer *t, nsc_weights wanted, nsc_error *err) {
  if (wanted == NSC_WEIGHTS_AVERAGE && !t->average) wanted = NSC_WEIGHTS_TRAINED;
  if (t->shown == wanted) return NSC_OK;
  NSC_TRY(show_trained(t, err));
  if (wanted == NSC_WEIGHTS_TRAINED) return NSC_OK;
  if (wanted == NSC_WEIGHTS_BEST && !t->best) return show_stored(t, err);
  exchange(t, wanted == NSC_WEIGHTS_BEST ? t->best : t->average);
  t->shown = wanted;
  return NSC_OK;
}

nsc_status nsc_trainer_use_best(nsc_trainer *t, nsc_error *err) {
  return nsc_trainer_show(t, NSC_WEIGHTS_BEST, err);
}

/* ---- the best ---- */

static nsc_status copy_best(const nsc_trainer *t, float **to, const nsc_weights_source *source, nsc_error *err) {
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    const float *values;
    NSC_TRY(source->get(source->context, i, &values, err));
    memcpy(to[i], values, t->net->parameters[i].count * sizeof *values);
  }
  return NSC_OK;
}

/* A store that fails is left, for memory. */
static nsc_status leave_store(nsc_trainer *t, const nsc_weights_source *source, nsc_error *err) {
  float **list = nsc_trainer_allocate_weights(t, &t->best_arena);
  if (!list) {
    nsc_arena_free(&t->best_arena);
    return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for the best weights, and no room elsewhere");
  }
  NSC_TRY(copy_best(t, list, source, err));
  t->best = list;
  return NSC_OK;
}

nsc_status nsc_trainer_keep_best(nsc_trainer *t, const nsc_weights_source *source, nsc_error *err) {
  if (t->best) return copy_best(t, t->best, source, err);
  uint32_t place = (t->best_place + 1) % BEST_PLACES;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    const float *values;
    NSC_TRY(source->get(source->context, i, &values, err));
    if (write_stored(t, place, i, values, NULL) != NSC_OK) return leave_store(t, source, err);
  }
  t->best_place = place;
  return NSC_OK;
}

nsc_status nsc_trainer_read_best(nsc_trainer *t, uint32_t parameter, float *room, const float **out, nsc_error *err) {
  *out = t->best ? t->best[parameter] : room;
  return t->best ? NSC_OK : read_stored(t, t->best_place, parameter, room, err);
}

void nsc_trainer_use_store(nsc_trainer *t, const nsc_store *store) {
  if (!t->best || nsc_trainer_show(t, NSC_WEIGHTS_TRAINED, NULL) != NSC_OK) return;
  t->store = *store;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    if (write_stored(t, t->best_place, i, t->best[i], NULL) != NSC_OK) return;
  }
  t->best = NULL;
  nsc_arena_free(&t->best_arena);
}
