#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "train/survival.h"
#include "train/trainer_private.h"

enum { VERSION = 2 };

typedef struct header {
  char magic[4];
  uint32_t version;
  uint64_t network, options, data;
  nsc_train_progress at;
  uint64_t optimiser_steps;
  uint64_t print; /* of the header before it */
} header;

static uint64_t header_print(const header *h) {
  return nsc_hash(0, h, offsetof(header, print));
}

/* ---- fingerprints: what a checkpoint may be loaded into ---- */

static uint64_t network_print(const nsc_net *net) {
  uint64_t hash = net->layer_count;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    hash = nsc_hash(hash, p->name, strlen(p->name));
    for (uint32_t d = 0; d < p->rank; d++) {
      const uint64_t dim = p->dims[d];
      hash = nsc_hash(hash, &dim, sizeof dim);
    }
    const uint8_t kind[2] = {p->learned, p->frozen};
    hash = nsc_hash(hash, kind, sizeof kind);
  }
  return hash;
}

/* Field by field: padding between them holds anything. */
static uint64_t options_print(const nsc_train_options *o) {
  const nsc_optimiser_options *p = &o->optimiser;
  const double numbers[] = {o->epochs,
                            o->batch,
                            (double)o->rate,
                            (double)o->warm_up,
                            o->schedule,
                            o->task,
                            (double)o->smoothing,
                            (double)o->focal,
                            o->keep_last,
                            o->balance,
                            o->sampling,
                            (double)o->average,
                            o->patience,
                            (double)(o->seed >> 32),
                            (double)(uint32_t)o->seed,
                            (double)o->normal.mean[0],
                            (double)o->normal.mean[1],
                            (double)o->normal.mean[2],
                            (double)o->normal.deviation[0],
                            (double)o->normal.deviation[1],
                            (double)o->normal.deviation[2],
                            p->kind,
                            (double)p->momentum,
                            p->nesterov,
                            (double)p->beta1,
                            (double)p->beta2,
                            (double)p->epsilon,
                            (double)p->weight_decay,
                            (double)p->clip_norm};
  uint64_t hash = nsc_hash(0, numbers, sizeof numbers);
  for (const nsc_augment_field *f = nsc_augment_fields(); f->name; f++) {
    const double value = nsc_augment_get(&o->augment, f);
    hash = nsc_hash(hash, &value, sizeof value);
  }
  return hash;
}

/* Times and fields; the bins follow from them and from what was asked for. */
static uint64_t survival_print(const nsc_dataset *d, uint64_t hash) {
  const nsc_survival_spec *spec = d->survival;
  hash = nsc_hash(hash, spec->edges, (spec->bins + 1) * sizeof *spec->edges);
  for (uint32_t i = 0; i < d->count; i++) {
    const nsc_outcome *o = d->samples[i].outcome;
    hash = nsc_hash(hash, &o->time, sizeof o->time);
    hash = nsc_hash(hash, o->fields, spec->field_count * sizeof *o->fields);
  }
  return hash;
}

static uint64_t data_print(const nsc_dataset *d) {
  const uint64_t shape[] = {d->height, d->width, d->channels, d->count, d->label_count};
  uint64_t hash = nsc_hash(0, shape, sizeof shape);
  for (uint32_t i = 0; i < d->count; i++) {
    const uint32_t facts[] = {d->samples[i].label, d->samples[i].split};
    hash = nsc_hash(hash, facts, sizeof facts);
  }
  if (d->survival) hash = survival_print(d, hash);
  if (d->features) hash = nsc_hash(hash, d->features, d->count * d->feature_count * sizeof *d->features);
  return nsc_hash(hash, d->pixels, (size_t)d->count * d->height * d->width * d->channels);
}

/* Hundreds of megabytes that do not change: once for all checkpoints of a trainer. */
static uint64_t data_print_of(nsc_trainer *t) {
  if (!t->data_print) t->data_print = data_print(t->data);
  return t->data_print;
}

/* ---- the float arrays of a trainer, in file order ---- */

enum { VALUES, BEST, AVERAGE, FIRST, SECOND, ARRAYS };

/* Array `k` of parameter `i` while the network shows what is trained; NULL where there is none, or it is in a store. */
static float *array_of(const nsc_trainer *t, uint32_t i, uint32_t k) {
  switch (k) {
    case VALUES:
      return t->net->parameters[i].value;
    case BEST:
      return t->best ? t->best[i] : NULL;
    case AVERAGE:
      return t->average ? t->average[i] : NULL;
    case FIRST:
      return t->optimiser.first[i];
    default:
      return t->optimiser.second[i];
  }
}

static size_t array_bytes(const nsc_trainer *t, uint32_t i, uint32_t k) {
  return k == BEST || array_of(t, i, k) ? t->net->parameters[i].count * sizeof(float) : 0;
}

static uint64_t size_of(const nsc_trainer *t, uint32_t epochs) {
  uint64_t size = sizeof(header) + epochs * sizeof(nsc_epoch_stats) + sizeof(uint64_t);
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    for (uint32_t k = 0; k < ARRAYS; k++) size += array_bytes(t, i, k);
  }
  return size;
}

/* Room for a parameter's best weights on their way from or to the store, where no gradient's place can be had. */
static nsc_status need_room(nsc_trainer *t, nsc_error *err) {
  size_t most = 1;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    const nsc_parameter *p = &t->net->parameters[i];
    if (!p->gradient && p->count > most) most = p->count;
  }
  if (!t->checkpoint.room) t->checkpoint.room = malloc(most * sizeof(float));
  return t->checkpoint.room ? NSC_OK : nsc_fail_memory(err, most * sizeof(float), "a checkpoint");
}

static void drop_room(nsc_trainer *t) {
  free(t->checkpoint.room);
  t->checkpoint.room = NULL;
}

/* ---- writing ---- */

static void put(char **at, const void *from, size_t size) {
  memcpy(*at, from, size);
  *at += size;
}

/* Header and history, into memory of the trainer. */
static nsc_status write_head(nsc_trainer *t, size_t *size, nsc_error *err) {
  header h;
  size_t history = t->at.epoch * sizeof *t->history;
  char *grown = realloc(t->checkpoint.head, sizeof h + history), *at = grown;
  if (!grown) return nsc_fail_memory(err, sizeof h + history, "a checkpoint");
  t->checkpoint.head = grown;
  memset(&h, 0, sizeof h); /* the padding too: no byte of the heap leaves with a file */
  memcpy(h.magic, "NSCK", 4);
  h.version = VERSION;
  h.network = network_print(t->net);
  h.options = options_print(&t->options);
  h.data = data_print_of(t);
  memcpy(&h.at, &t->at, sizeof h.at);
  /* A validation that had begun begins again: nothing of it is in the weights. */
  h.at.validated = h.at.right = 0;
  h.at.validation_sum = 0;
  h.optimiser_steps = t->optimiser.steps;
  h.print = header_print(&h);
  put(&at, &h, sizeof h);
  put(&at, t->history, history);
  *size = (size_t)(at - grown);
  return NSC_OK;
}

static nsc_status begin_checkpoint(nsc_trainer *t, const void **bytes, size_t *size, nsc_error *err) {
  NSC_TRY(nsc_trainer_show(t, NSC_WEIGHTS_TRAINED, err));
  NSC_TRY(write_head(t, size, err));
  *bytes = t->checkpoint.head;
  t->checkpoint.print = 0;
  t->checkpoint.step = t->at.step;
  return NSC_OK;
}

static nsc_status array_part(nsc_trainer *t, uint32_t i, uint32_t k, const void **bytes, size_t *size, nsc_error *err) {
  const float *values = array_of(t, i, k);
  if (k == BEST && !values) {
    float *room = t->net->parameters[i].gradient; /* of a step that is over */
    if (!room) NSC_TRY(need_room(t, err));
    NSC_TRY(nsc_trainer_read_best(t, i, room ? room : t->checkpoint.room, &values, err));
  }
  *bytes = values ? (const void *)values : t->checkpoint.head;
  *size = array_bytes(t, i, k);
  return NSC_OK;
}

nsc_status nsc_checkpoint_part(nsc_trainer *t, uint32_t part, const void **bytes, size_t *size, nsc_error *err) {
  uint32_t floats = t->net->parameter_count * ARRAYS, array = part - 1;
  if (part > 0 && (part != t->checkpoint.next || t->checkpoint.step != t->at.step)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "parts of a checkpoint come in order, and nothing between them");
  }
  if (part == 0) {
    NSC_TRY(begin_checkpoint(t, bytes, size, err));
  } else if (array < floats) {
    NSC_TRY(array_part(t, array / ARRAYS, array % ARRAYS, bytes, size, err));
  } else {
    drop_room(t);
    *bytes = array == floats ? &t->checkpoint.print : NULL;
    *size = array == floats ? sizeof t->checkpoint.print : 0;
  }
  if (array == UINT32_MAX || array < floats) t->checkpoint.print = nsc_hash(t->checkpoint.print, *bytes, *size);
  t->checkpoint.next = part + 1;
  return NSC_OK;
}

/* ---- reading ---- */

static nsc_status check_header(nsc_trainer *t, const header *h, nsc_error *err) {
  const char *other = h->network != network_print(t->net)        ? "network"
                      : h->options != options_print(&t->options) ? "training options"
                      : h->data != data_print_of(t)              ? "data"
                                                                 : NULL;
  if (other) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the checkpoint was made with other %s", other);
  const nsc_train_progress *at = &h->at;
  uint64_t steps = (uint64_t)at->epoch * t->at.batches + at->batch;
  if (at->epoch > t->options.epochs || at->batches != t->at.batches || at->batch > at->batches || at->step != steps ||
      at->best_epoch > at->epoch) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint contradicts itself");
  }
  return NSC_OK;
}

/* The file, read from the beginning to the end. */
typedef struct reading {
  nsc_trainer *t;
  const nsc_store *file;
  uint64_t at;
} reading;

static nsc_status take(reading *r, void *to, size_t size, nsc_error *err) {
  NSC_TRY(r->file->read(r->file->context, r->at, to, size, err));
  r->at += size;
  return NSC_OK;
}

/* Goes on with a fingerprint over the next `size` bytes, which are one part. */
static nsc_status hash_part(reading *r, uint64_t size, uint64_t *print, nsc_error *err) {
  uint64_t words[1024], hash = nsc_hash_begin(*print, size);
  for (; size > sizeof words; size -= sizeof words) {
    NSC_TRY(take(r, words, sizeof words, err));
    hash = nsc_hash_add(hash, words, sizeof words);
  }
  NSC_TRY(take(r, words, (size_t)size, err));
  *print = nsc_hash_end(hash, words, (size_t)size);
  return NSC_OK;
}

/* The fingerprint as it was made, part by part; the file is as large as it should be. */
static nsc_status print_of(reading *r, const header *h, uint64_t *print, nsc_error *err) {
  const nsc_trainer *t = r->t;
  *print = 0;
  NSC_TRY(hash_part(r, sizeof *h + h->at.epoch * sizeof *t->history, print, err));
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    for (uint32_t k = 0; k < ARRAYS; k++) NSC_TRY(hash_part(r, array_bytes(t, i, k), print, err));
  }
  return NSC_OK;
}

static nsc_status check_whole(nsc_trainer *t, const nsc_store *file, uint64_t size, header *h, nsc_error *err) {
  reading r = {.t = t, .file = file};
  uint8_t begin[8];
  if (size >= sizeof begin) NSC_TRY(take(&r, begin, sizeof begin, err));
  if (size < sizeof begin || memcmp(begin, "NSCK", 4) != 0) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "this is no checkpoint");
  }
  uint32_t version;
  memcpy(&version, begin + 4, sizeof version);
  if (version != VERSION) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "a checkpoint of version %u; this program reads %d", version, VERSION);
  }
  if (size < sizeof *h + sizeof(uint64_t)) return nsc_fail(err, NSC_ERROR_TRUNCATED, "the checkpoint is cut off");
  r.at = 0;
  NSC_TRY(take(&r, h, sizeof *h, err));
  if (h->print != header_print(h)) return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint's header is damaged");
  NSC_TRY(check_header(t, h, err));
  if (size != size_of(t, h->at.epoch)) return nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint is cut off");
  uint64_t made, written;
  r.at = 0;
  NSC_TRY(print_of(&r, h, &made, err));
  NSC_TRY(take(&r, &written, sizeof written, err));
  return made == written ? NSC_OK : nsc_fail(err, NSC_ERROR_CORRUPT, "the checkpoint is damaged");
}

/* Best weights out of the file: a nsc_weights_source. Parameters are asked for in any order. */
static nsc_status best_in_file(void *context, uint32_t parameter, const float **values, nsc_error *err) {
  const reading *r = context;
  uint64_t at = r->at;
  for (uint32_t i = 0; i <= parameter; i++) {
    for (uint32_t k = 0; k < (i < parameter ? ARRAYS : BEST); k++) at += array_bytes(r->t, i, k);
  }
  float *room = r->t->net->parameters[parameter].gradient;
  if (!room) room = r->t->checkpoint.room;
  *values = room;
  return r->file->read(r->file->context, at, room, array_bytes(r->t, parameter, BEST), err);
}

static nsc_status take_arrays(reading *r, nsc_error *err) {
  const nsc_trainer *t = r->t;
  for (uint32_t i = 0; i < t->net->parameter_count; i++) {
    for (uint32_t k = 0; k < ARRAYS; k++) {
      size_t size = array_bytes(t, i, k);
      if (k != BEST && size) {
        NSC_TRY(take(r, array_of(t, i, k), size, err));
      } else {
        r->at += size;
      }
    }
  }
  return NSC_OK;
}

nsc_status nsc_checkpoint_load_from(nsc_trainer *t, const nsc_store *file, uint64_t size, nsc_error *err) {
  header h;
  reading r = {.t = t, .file = file};
  NSC_TRY(check_whole(t, file, size, &h, err));
  NSC_TRY(nsc_trainer_show(t, NSC_WEIGHTS_TRAINED, err));
  NSC_TRY(need_room(t, err));
  r.at = sizeof h + h.at.epoch * sizeof *t->history;
  const nsc_weights_source best = {best_in_file, &r};
  nsc_status status = nsc_trainer_keep_best(t, &best, err);
  drop_room(t);
  if (status == NSC_OK) status = take_arrays(&r, err);
  r.at = sizeof h;
  if (status == NSC_OK) status = take(&r, t->history, h.at.epoch * sizeof *t->history, err);
  if (status != NSC_OK) return status;
  t->at = h.at;
  t->at.validated = t->at.right = 0;
  t->at.validation_sum = 0;
  t->optimiser.steps = h.optimiser_steps;
  /* The order of an epoch is written by its first step; a training that begins in the middle needs it now. */
  if (t->at.batch > 0 && t->at.batch < t->at.batches) nsc_trainer_order(t);
  return NSC_OK;
}

/* ---- from memory ---- */

typedef struct bytes_read {
  const uint8_t *bytes;
  size_t size;
} bytes_read;

static nsc_status read_bytes(void *context, uint64_t at, void *to, size_t size, nsc_error *err) {
  const bytes_read *b = context;
  if (at > b->size || size > b->size - at) return nsc_fail(err, NSC_ERROR_TRUNCATED, "the checkpoint is cut off");
  if (size) memcpy(to, b->bytes + at, size);
  return NSC_OK;
}

nsc_status nsc_checkpoint_load(nsc_trainer *t, const uint8_t *bytes, size_t size, nsc_error *err) {
  bytes_read all = {bytes, size};
  const nsc_store file = {.context = &all, .read = read_bytes};
  return nsc_checkpoint_load_from(t, &file, size, err);
}
