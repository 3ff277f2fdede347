/* Transfer learning: networks that begin with another model, heads on features, nearest neighbours. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pipeline/collect.h"
#include "pipeline/manifest.h"
#include "pipeline/training_private.h"
#include "train/load.h"
#include "train/zoo.h"

nsc_status nsc_training_set_base(nsc_training *t, nsc_source *source, nsc_error *err) {
  nsc_model *model;
  NSC_TRY(nsc_model_open(source, &model, err));
  nsc_training_forget(t);
  nsc_model_free(t->base);
  t->base = model;
  return NSC_OK;
}

/* ---- what a network owes the model it began with ---- */

static const char *fact(const nsc_training *t, const char *key) {
  const char *text = nsc_model_metadata(t->base, key, NULL);
  return text && text[0] ? text : NULL;
}

bool nsc_training_heritage(const nsc_training *t, nsc_heritage *out) {
  if (!t->base || strcmp(t->net_name, "base") != 0) return false;
  *out =
      (nsc_heritage){.name = fact(t, "nsc.name"), .limits = fact(t, "nsc.limits"), .license = fact(t, "nsc.license")};
  if (!out->name) out->name = fact(t, "nsc.title");
  if (!out->name) out->name = "a model without a name";
  return out->limits || out->license;
}

nsc_status nsc_training_inherited_limits(const nsc_training *t, char **out, nsc_error *err) {
  nsc_heritage base;
  *out = NULL;
  if (!nsc_training_heritage(t, &base)) return NSC_OK;
  nsc_text text = {0};
  nsc_text_put(&text, "Made from ");
  nsc_text_put(&text, base.name);
  if (base.limits) nsc_text_put(&text, "; its limits: "), nsc_text_put(&text, base.limits);
  return nsc_text_finish(&text, out, err);
}

/* ---- building ---- */

uint32_t nsc_training_find_head(const nsc_net *net) {
  uint32_t head = net->layer_count - 1;
  while (head > 0 && net->layers[head].kind != NSC_LAYER_DENSE) head--;
  return head;
}

static nsc_status check_base(const nsc_training *t, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  size_t channels = nsc_net_tensor(t->net, t->net->input)->channels;
  size_t outputs = nsc_net_tensor(t->net, t->net->output)->channels;
  if (channels != d->channels) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model to start from takes %zu channels, the pictures have %zu",
                    channels, d->channels);
  }
  if (t->head >= t->net->layer_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model has no dense layer at its end that could be kept");
  }
  if (outputs != nsc_training_outputs(t)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model's head has %zu outputs; %u labels want %u", outputs,
                    d->label_count, nsc_training_outputs(t));
  }
  return NSC_OK;
}

static nsc_status build_from_base(nsc_training *t, const nsc_training_plan *plan, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  if (!t->base) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no model to start from");
  if (plan->keeps_head && d->survival) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "times to an event need a new head, in bins of their own");
  }
  const nsc_zoo_head kept = {0}, ends = plan->keeps_head ? kept : nsc_training_head(t);
  NSC_TRY(nsc_net_load_head(t->base, d->height, d->width, ends, plan->train.seed, &t->net, &t->head, err));
  nsc_status status = check_base(t, err);
  if (status != NSC_OK) nsc_training_forget(t);
  return status;
}

/* A rate other than the network's own. Without one nothing is dropped in any case. */
static nsc_status set_dropout(nsc_training *t, const nsc_training_plan *plan, nsc_error *err) {
  if (plan->dropout < 0 || nsc_net_set_dropout(t->net, plan->dropout) > 0 || plan->dropout == 0) return NSC_OK;
  nsc_training_forget(t);
  return nsc_fail(err, NSC_ERROR_ARGUMENT, "dropout of %g: the network has no dropout", (double)plan->dropout);
}

nsc_status nsc_training_build(nsc_training *t, const nsc_training_plan *plan, nsc_error *err) {
  const nsc_dataset *d = &t->data;
  if (plan->go_on) {
    if (!t->net) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no network to go on with");
    if (t->trainer) NSC_TRY(nsc_training_best_net(t, &t->net, err));
    if (!t->alone) { /* what was trained makes other features */
      free(t->features);
      t->features = NULL;
    }
    nsc_trainer_free(t->trainer);
    nsc_net_free(t->alone);
    t->trainer = NULL;
    t->alone = NULL;
  } else {
    nsc_training_forget(t);
    if (strcmp(plan->net, "base") == 0) {
      NSC_TRY(build_from_base(t, plan, err));
    } else {
      NSC_TRY(nsc_zoo_build_head(plan->net, d->height, d->width, d->channels, nsc_training_head(t), plan->train.seed,
                                 &t->net, err));
      t->head = nsc_training_find_head(t->net);
    }
    if (d->survival) nsc_survival_prepare(d, t->net, t->head);
  }
  nsc_net_freeze(t->net, plan->layers);
  return set_dropout(t, plan, err);
}

nsc_status nsc_training_normal(const nsc_training *t, bool of_base, nsc_normal *out, nsc_error *err) {
  *out = nsc_dataset_normal(&t->data);
  if (!of_base) return NSC_OK;
  nsc_arena arena = {0};
  nsc_manifest m;
  nsc_status status = nsc_manifest_read(t->base, NULL, &arena, &m, err);
  for (int c = 0; c < 3 && status == NSC_OK && m.has_recipe; c++) { /* its numbers go with its weights */
    out->mean[c] = m.recipe.mean[c] / m.recipe.scale;
    out->deviation[c] = m.recipe.std[c] / m.recipe.scale;
  }
  nsc_arena_free(&arena);
  return status;
}

nsc_status nsc_training_best_net(nsc_training *t, nsc_net **out, nsc_error *err) {
  NSC_TRY(nsc_trainer_use_best(t->trainer, err));
  if (t->alone) nsc_head_return(t->net, t->head, t->alone);
  *out = t->net;
  return NSC_OK;
}

/* ---- features ---- */

nsc_status nsc_training_need_features(nsc_training *t, nsc_error *err) {
  uint64_t step = t->trainer && !t->alone ? nsc_trainer_progress(t->trainer).step : 0;
  if (t->features && t->features_step == step) return NSC_OK;
  free(t->features);
  t->features = NULL;
  size_t size = nsc_feature_count(t->net, t->head);
  uint64_t bytes = (uint64_t)t->data.count * size * sizeof *t->features;
  if (bytes > t->data.budget) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "the features of all pictures take %.0f MB; the budget is %.0f MB",
                    (double)bytes / 1e6, (double)t->data.budget / 1e6);
  }
  float *features = malloc((size_t)bytes + 1);
  if (!features) return nsc_fail_memory(err, (size_t)bytes, "features");
  nsc_status status = nsc_features_of_data(t->net, t->head, t->compute, &t->data, &t->options.normal, features, err);
  nsc_net_rest(t->net);
  if (status != NSC_OK) {
    free(features);
    return status;
  }
  t->features = features;
  t->features_step = step;
  return NSC_OK;
}

/* ---- neighbours ---- */

void nsc_training_vote(const nsc_training *t, uint32_t sample, uint32_t k, nsc_neighbour *room, float *scores) {
  uint32_t found;
  size_t size = nsc_feature_count(t->net, t->head);
  nsc_neighbours_find(&t->data, t->features, size, t->features + sample * size, sample, k, room, &found);
  nsc_neighbours_vote(&t->data, room, found, scores);
}

static nsc_status write_neighbours(const nsc_training *t, const float *query, uint32_t k, nsc_neighbour *room,
                                   float *scores, char **out, nsc_error *err) {
  uint32_t found;
  nsc_neighbours_find(&t->data, t->features, nsc_feature_count(t->net, t->head), query, UINT32_MAX, k, room, &found);
  nsc_neighbours_vote(&t->data, room, found, scores);
  nsc_text text = {0};
  nsc_json_object(&text);
  nsc_json_key(&text, "scores");
  nsc_json_array(&text);
  for (uint32_t i = 0; i < t->data.label_count; i++) nsc_json_float(&text, scores[i]);
  nsc_json_end_array(&text);
  nsc_json_key(&text, "nearest");
  nsc_json_array(&text);
  for (uint32_t i = 0; i < found; i++) {
    nsc_json_array(&text);
    nsc_json_int(&text, room[i].sample);
    nsc_json_float(&text, room[i].similarity);
    nsc_json_end_array(&text);
  }
  nsc_json_end_array(&text);
  nsc_json_end_object(&text);
  return nsc_text_finish(&text, out, err);
}

nsc_status nsc_training_neighbours(nsc_training *t, nsc_image *image, uint32_t frame, uint32_t k, char **out,
                                   nsc_error *err) {
  if (t->data.survival)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "neighbours vote for labels, not for times to an event");
  if (!t->trainer) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no training has begun");
  if (k < 1 || k > NSC_MOST_NEIGHBOURS)
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "1 to %d neighbours", NSC_MOST_NEIGHBOURS);
  NSC_TRY(nsc_training_need_features(t, err));
  size_t count = t->data.height * t->data.width * t->data.channels, size = nsc_feature_count(t->net, t->head);
  float *room = malloc((count + size + t->data.label_count) * sizeof *room);
  if (!room) return nsc_fail_memory(err, (count + size) * sizeof *room, "a picture");
  nsc_neighbour neighbours[NSC_MOST_NEIGHBOURS];
  float *query = room + count;
  nsc_status status = nsc_collect_values(image, frame, &t->recipe, room, count, err);
  if (status == NSC_OK) {
    status = nsc_features_of_picture(t->net, t->head, t->compute, room, &t->options.normal, query, err);
  }
  if (status == NSC_OK) status = write_neighbours(t, query, k, neighbours, query + size, out, err);
  free(room);
  return status;
}
