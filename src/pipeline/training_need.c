/* nsc_training_need_json: what a training will take. */
#include <string.h>

#include "base/error.h"
#include "pipeline/training_private.h"
#include "train/load.h"
#include "train/need.h"
#include "train/zoo.h"

typedef struct total {
  nsc_train_need need;
  uint64_t pictures, features, autoencoder, bytes; /* bytes: the most at a time */
} total;

/* The network that the plan means, for its shapes; `*own` when it ends with the count. */
static nsc_status outline(nsc_training *t, const nsc_training_plan *plan, nsc_net **net, uint32_t *head, bool *own,
                          nsc_error *err) {
  const nsc_dataset *d = &t->data;
  *own = !plan->go_on;
  if (plan->go_on) {
    *net = t->net;
    *head = t->head;
    return t->net ? NSC_OK : nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no network to go on with");
  }
  if (strcmp(plan->net, "base") != 0) {
    NSC_TRY(nsc_zoo_outline(plan->net, d->height, d->width, d->channels, nsc_training_head(t), net, err));
    *head = nsc_training_find_head(*net);
    return NSC_OK;
  }
  if (!t->base) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no model to start from");
  const nsc_zoo_head kept = {0};
  return nsc_net_load_head(t->base, d->height, d->width, plan->keeps_head ? kept : nsc_training_head(t),
                           plan->train.seed, net, head, err);
}

/* A head alone: the whole network only says once what it makes of the pictures. */
static nsc_status count_head(const nsc_training *t, nsc_net *net, uint32_t head, nsc_train_need *need,
                             uint64_t *features, nsc_error *err) {
  uint64_t size = nsc_feature_count(net, head), weights = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) weights += net->parameters[i].count * sizeof(float);
  NSC_TRY(nsc_net_batch_bytes(net, NSC_FEATURE_BATCH, &need->activations, err));
  *features = t->data.count * size * sizeof(float);
  *need = (nsc_train_need){.weights = weights, .activations = need->activations, .file = need->file};
  return NSC_OK;
}

static size_t batch_of(const nsc_training *t, const nsc_training_plan *plan) {
  uint32_t training = nsc_dataset_count(&t->data, NSC_SPLIT_TRAIN, UINT32_MAX);
  return plan->train.batch < training ? plan->train.batch : training > 0 ? training : 1;
}

static nsc_status count(nsc_training *t, const nsc_training_plan *plan, uint32_t threads, nsc_train_need *need,
                        uint64_t *features, nsc_error *err) {
  nsc_net *net;
  uint32_t head;
  bool own;
  NSC_TRY(outline(t, plan, &net, &head, &own, err));
  bool alone = nsc_training_head_alone(t, plan);
  if (own) nsc_net_freeze(net, plan->layers);
  nsc_status status =
      nsc_train_count_need(net, &plan->train, batch_of(t, plan), threads, t->store.write != NULL, need, err);
  *features = 0;
  if (status == NSC_OK && alone) status = count_head(t, net, head, need, features, err);
  if (own) nsc_net_free(net);
  return status;
}

static nsc_status count_all(nsc_training *t, const char *options, uint32_t threads, total *out, nsc_error *err) {
  nsc_training_plan plan;
  *out = (total){.pictures = (uint64_t)t->data.count * t->data.height * t->data.width * t->data.channels};
  NSC_TRY(nsc_training_read_plan(options, &plan, err));
  if (!nsc_training_has_labels(t) || t->data.count == 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are no pictures to learn from");
  }
  NSC_TRY(count(t, &plan, threads, &out->need, &out->features, err));
  uint64_t learning = nsc_train_need_most(&out->need);
  if (plan.autoencodes) NSC_TRY(nsc_training_need_autoencoder(t, threads, &out->autoencoder, err));
  /* One learns after the other, beside the weights of the first. */
  uint64_t after = plan.autoencodes ? out->need.weights + out->autoencoder : 0;
  out->bytes = out->pictures + out->features + (learning > after ? learning : after);
  return NSC_OK;
}

nsc_status nsc_training_need(nsc_training *t, const char *options, uint32_t threads, uint64_t *bytes, nsc_error *err) {
  total all;
  NSC_TRY(count_all(t, options, threads, &all, err));
  *bytes = all.bytes;
  return NSC_OK;
}

nsc_status nsc_training_need_json(nsc_training *t, const char *options, uint32_t threads, char **out, nsc_error *err) {
  total all;
  NSC_TRY(count_all(t, options, threads, &all, err));
  nsc_text text = {0};
  nsc_json_object(&text);
  nsc_json_key(&text, "bytes"), nsc_json_int(&text, (int64_t)all.bytes);
  nsc_json_key(&text, "pictures"), nsc_json_int(&text, (int64_t)all.pictures);
  nsc_json_key(&text, "weights"), nsc_json_int(&text, (int64_t)all.need.weights);
  nsc_json_key(&text, "gradients"), nsc_json_int(&text, (int64_t)all.need.gradients);
  nsc_json_key(&text, "activations"), nsc_json_int(&text, (int64_t)all.need.activations);
  nsc_json_key(&text, "work"), nsc_json_int(&text, (int64_t)all.need.work);
  nsc_json_key(&text, "features"), nsc_json_int(&text, (int64_t)all.features);
  nsc_json_key(&text, "autoencoder"), nsc_json_int(&text, (int64_t)all.autoencoder);
  nsc_json_end_object(&text);
  return nsc_text_finish(&text, out, err);
}
