/* The pictures of a training as bytes, so that it can go on where the files are no longer at hand. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "image/recipe.h"
#include "pipeline/training_private.h"

/*
 * Layout, little endian: "NSCD", version, budget, JSON of the recipe, labels, then for each sample name, patient (or
 * nothing), label and split, then all pixels, and a fingerprint of everything before it. Texts are their length and
 * their bytes.
 */
enum { VERSION = 1, GIVEN = 0x80 };

/* ---- writing ---- */

static void put_u32(nsc_text *t, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
  nsc_text_append(t, (const char *)bytes, 4);
}

static void put_u64(nsc_text *t, uint64_t value) {
  put_u32(t, (uint32_t)value);
  put_u32(t, (uint32_t)(value >> 32));
}

static void put_text(nsc_text *t, const char *text) {
  if (!text) {
    put_u32(t, UINT32_MAX);
    return;
  }
  put_u32(t, (uint32_t)strlen(text));
  nsc_text_put(t, text);
}

nsc_status nsc_training_save_data(const nsc_training *training, char **bytes, size_t *size, nsc_error *err) {
  const nsc_dataset *d = &training->data;
  nsc_text t = {0};
  char *recipe;
  NSC_TRY(nsc_recipe_json(&training->recipe, &recipe, err));
  nsc_text_append(&t, "NSCD", 4);
  put_u32(&t, VERSION);
  put_u64(&t, d->budget);
  put_text(&t, recipe);
  nsc_text_free(recipe);
  put_u32(&t, d->label_count);
  for (uint32_t i = 0; i < d->label_count; i++) put_text(&t, d->labels[i]);
  put_u32(&t, d->count);
  for (uint32_t i = 0; i < d->count; i++) {
    const nsc_sample *s = &d->samples[i];
    put_text(&t, s->name);
    put_text(&t, s->patient);
    put_u32(&t, s->label);
    put_u32(&t, (uint32_t)s->split | (s->split_given ? GIVEN : 0));
  }
  nsc_text_append(&t, (const char *)d->pixels, (size_t)d->count * d->height * d->width * d->channels);
  put_u64(&t, nsc_hash(0, t.chars, t.size));
  size_t count = t.size;
  NSC_TRY(nsc_text_finish(&t, bytes, err));
  *size = count;
  return NSC_OK;
}

/* ---- reading ---- */

typedef struct store_reader {
  nsc_reader r;
  bool failed; /* something ran past the end */
} store_reader;

static uint32_t take_u32(store_reader *s) {
  const uint8_t *p = nsc_reader_take(&s->r, 4);
  s->failed = s->failed || !p;
  return p ? nsc_load_u32(p, false) : 0;
}

/* A copy, NULL where there is none. */
static char *take_text(store_reader *s, nsc_arena *arena) {
  uint32_t size = take_u32(s);
  if (s->failed || size == UINT32_MAX) return NULL;
  const uint8_t *p = nsc_reader_take(&s->r, size);
  char *text = p ? nsc_arena_text(arena, (const char *)p, size) : NULL;
  s->failed = s->failed || !text;
  return text;
}

static nsc_status damaged(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_CORRUPT, "the kept pictures are cut off or damaged");
}

static nsc_status read_labels(store_reader *s, nsc_training *t, nsc_arena *arena, nsc_error *err) {
  uint32_t count = take_u32(s);
  if (s->failed || count > nsc_reader_left(&s->r) / 4) return damaged(err);
  const char **names = nsc_arena_alloc(arena, (size_t)count + 1, sizeof *names);
  if (!names) return nsc_fail_memory(err, count * sizeof *names, "labels");
  for (uint32_t i = 0; i < count; i++) {
    names[i] = take_text(s, arena);
    if (!names[i]) return damaged(err);
  }
  const nsc_recipe *r = &t->recipe;
  return nsc_dataset_init(&t->data, r->height, r->width, r->channels, count, names, err);
}

static nsc_status read_sample(store_reader *s, nsc_dataset *d, nsc_error *err) {
  nsc_arena arena = {0};
  const char *name = take_text(s, &arena), *patient = take_text(s, &arena);
  uint32_t label = take_u32(s), split = take_u32(s);
  nsc_status status = NSC_OK;
  if (s->failed || !name || label >= d->label_count || (split & ~(uint32_t)GIVEN) > NSC_SPLIT_TEST) {
    status = damaged(err);
  }
  uint8_t *pixels;
  if (status == NSC_OK) status = nsc_dataset_add(d, name, patient, label, &pixels, err);
  if (status == NSC_OK) {
    d->samples[d->count - 1].split = (nsc_split)(split & ~(uint32_t)GIVEN);
    d->samples[d->count - 1].split_given = (split & GIVEN) != 0;
  }
  nsc_arena_free(&arena);
  return status;
}

static nsc_status read_all(store_reader *s, nsc_training *t, nsc_arena *arena, nsc_error *err) {
  uint64_t low = take_u32(s), budget = low | (uint64_t)take_u32(s) << 32;
  char *recipe = take_text(s, arena);
  if (!recipe) return damaged(err);
  NSC_TRY(nsc_recipe_parse(recipe, strlen(recipe), &t->recipe, err));
  NSC_TRY(read_labels(s, t, arena, err));
  t->data.budget = budget;
  uint32_t count = take_u32(s);
  size_t each = t->data.height * t->data.width * t->data.channels;
  if (s->failed || count > nsc_reader_left(&s->r) / each) return damaged(err);
  NSC_TRY(nsc_dataset_reserve(&t->data, count, err));
  for (uint32_t i = 0; i < count; i++) NSC_TRY(read_sample(s, &t->data, err));
  const uint8_t *pixels = nsc_reader_take(&s->r, (uint64_t)count * each);
  if (!pixels || nsc_reader_left(&s->r) != 0) return damaged(err);
  if (count) memcpy(t->data.pixels, pixels, count * each);
  return NSC_OK;
}

nsc_status nsc_training_restore_data(const uint8_t *bytes, size_t size, nsc_training **out, nsc_error *err) {
  if (size < 16 || memcmp(bytes, "NSCD", 4) != 0) return damaged(err);
  uint32_t version = nsc_load_u32(bytes + 4, false);
  if (version != VERSION) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "pictures kept by another version (%u) of this program", version);
  }
  if (nsc_load_u64(bytes + size - 8, false) != nsc_hash(0, bytes, size - 8)) return damaged(err);
  nsc_training *t = calloc(1, sizeof *t);
  if (!t) return nsc_fail_memory(err, sizeof *t, "a training");
  t->judged_epoch = UINT32_MAX;
  store_reader s = {.r = nsc_reader_of(bytes + 8, size - 16)};
  nsc_arena arena = {0};
  nsc_status status = read_all(&s, t, &arena, err);
  nsc_arena_free(&arena);
  if (status != NSC_OK) {
    nsc_training_free(t);
    return status;
  }
  *out = t;
  return NSC_OK;
}
