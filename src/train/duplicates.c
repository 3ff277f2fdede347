#include "train/duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
  ROWS = 8,
  COLUMNS = 9,
  MEANS = ROWS * COLUMNS,
  UNIT = 256 /* of a grey level in means: whole levels would let nearly black pictures through */
};

/* What is compared before pixels are. */
typedef struct sketch {
  uint64_t bits;
  uint16_t means[MEANS]; /* grey levels times UNIT */
  uint32_t sample;
  double allowed; /* mean absolute difference up to which another picture is a near copy */
} sketch;

typedef struct keyed {
  uint64_t key;
  uint32_t sample;
} keyed;

typedef struct search {
  const nsc_dataset *d;
  size_t each;      /* bytes of a picture */
  uint32_t *same;   /* [count] the first sample with the same bytes */
  uint32_t *parent; /* [count] near copies, as a forest whose roots are first samples */
  keyed *keys;      /* [count] */
  sketch *sketches; /* [sketch_count] one for each distinct picture */
  uint32_t sketch_count;
} search;

/* ---- exact copies ---- */

/* Mixes eight bytes at a time, multiplying by an odd constant (2^64 over the golden ratio). Equal keys are compared
   byte by byte, so a weak spot costs time only. */
static uint64_t key_of(const uint8_t *bytes, size_t size) {
  uint64_t h = size, word;
  for (; size >= 8; size -= 8, bytes += 8) {
    memcpy(&word, bytes, 8);
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
  }
  for (; size; size--) h = (h ^ *bytes++) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 32;
}

static int by_key(const void *a, const void *b) {
  const keyed *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static void find_exact(search *s) {
  const nsc_dataset *d = s->d;
  for (uint32_t i = 0; i < d->count; i++) s->keys[i] = (keyed){key_of(nsc_dataset_pixels(d, i), s->each), i};
  qsort(s->keys, d->count, sizeof *s->keys, by_key);
  for (uint32_t i = 0, run = 0; i < d->count; i++) {
    if (s->keys[i].key != s->keys[run].key) run = i;
    uint32_t sample = s->keys[i].sample, first = s->keys[run].sample;
    bool same = memcmp(nsc_dataset_pixels(d, sample), nsc_dataset_pixels(d, first), s->each) == 0;
    s->same[sample] = same ? first : sample;
    s->parent[sample] = s->same[sample];
  }
}

/* ---- near copies ---- */

/* Grey means of 8 x 9 boxes; of pictures with fewer pixels some boxes share a pixel. */
static void reduce(const nsc_dataset *d, const uint8_t *pixels, uint16_t *means) {
  for (size_t row = 0; row < ROWS; row++) {
    size_t top = row * d->height / ROWS, bottom = (row + 1) * d->height / ROWS;
    if (bottom == top) bottom++;
    for (size_t column = 0; column < COLUMNS; column++) {
      size_t left = column * d->width / COLUMNS, right = (column + 1) * d->width / COLUMNS;
      if (right == left) right++;
      uint64_t sum = 0;
      for (size_t y = top; y < bottom; y++) {
        const uint8_t *p = pixels + (y * d->width + left) * d->channels;
        for (size_t i = 0; i < (right - left) * d->channels; i++) sum += p[i];
      }
      means[row * COLUMNS + column] = (uint16_t)(sum * UNIT / ((bottom - top) * (right - left) * d->channels));
    }
  }
}

static double mean_deviation(const uint8_t *p, size_t size) {
  uint64_t counts[256] = {0}, sum = 0;
  double apart = 0;
  for (size_t i = 0; i < size; i++) counts[p[i]]++;
  for (int v = 0; v < 256; v++) sum += counts[v] * (uint64_t)v;
  double mean = (double)sum / (double)size;
  for (int v = 0; v < 256; v++) apart += (double)counts[v] * fabs(v - mean);
  return apart / (double)size;
}

static sketch sketch_of(const search *s, uint32_t sample) {
  const uint8_t *pixels = nsc_dataset_pixels(s->d, sample);
  sketch k = {.sample = sample, .allowed = NSC_DUPLICATE_CONTRAST * mean_deviation(pixels, s->each)};
  if (k.allowed > NSC_DUPLICATE_LEVELS) k.allowed = NSC_DUPLICATE_LEVELS;
  reduce(s->d, pixels, k.means);
  for (size_t row = 0; row < ROWS; row++) {
    const uint16_t *m = k.means + row * COLUMNS;
    for (size_t i = 0; i + 1 < COLUMNS; i++) k.bits = k.bits << 1 | (m[i] < m[i + 1]);
  }
  return k;
}

static uint32_t root_of(uint32_t *parent, uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/*
 * Boxes of one size each: the mean of differences of means is at most the mean difference of pixels. Half as much
 * again, and one unit, for sizes that differ and rounding.
 */
static bool may_be_near(const sketch *a, const sketch *b) {
  int sum = 0;
  for (int i = 0; i < MEANS; i++) sum += abs(a->means[i] - b->means[i]);
  return sum <= (a->allowed * 1.5 * UNIT + 1) * MEANS;
}

static bool is_near(const search *s, const sketch *a, const sketch *b) {
  const uint8_t *p = nsc_dataset_pixels(s->d, a->sample), *q = nsc_dataset_pixels(s->d, b->sample);
  double most = a->allowed * (double)s->each;
  uint64_t sum = 0;
  for (size_t from = 0; from < s->each && (double)sum <= most; from += 4096) {
    size_t to = s->each - from < 4096 ? s->each : from + 4096;
    uint32_t part = 0;
    for (size_t i = from; i < to; i++) part += (uint32_t)abs(p[i] - q[i]);
    sum += part;
  }
  return (double)sum <= most;
}

static void find_near(search *s) {
  for (uint32_t i = 0; i < s->d->count; i++) {
    if (s->same[i] == i) s->sketches[s->sketch_count++] = sketch_of(s, i);
  }
  for (uint32_t j = 1; j < s->sketch_count; j++) {
    const sketch *b = &s->sketches[j];
    for (uint32_t i = 0; i < j; i++) {
      const sketch *a = &s->sketches[i];
      if (__builtin_popcountll(a->bits ^ b->bits) > NSC_DUPLICATE_BITS) continue;
      if (!may_be_near(a, b)) continue;
      uint32_t x = root_of(s->parent, a->sample), y = root_of(s->parent, b->sample);
      if (x == y || !is_near(s, a, b)) continue;
      s->parent[x > y ? x : y] = x < y ? x : y; /* the root is the first sample */
    }
  }
}

/* ---- the list ---- */

static nsc_status collect(search *s, nsc_duplicates *out, nsc_error *err) {
  const nsc_dataset *d = s->d;
  uint8_t *seen = calloc((size_t)d->count + 1, 1); /* of each group: the splits it stands in, as bits */
  nsc_duplicate *list = malloc(((size_t)d->count + 1) * sizeof *list);
  if (!seen || !list) {
    free(seen);
    free(list);
    return nsc_fail_memory(err, d->count * sizeof *list, "the list of duplicates");
  }
  nsc_duplicates found = {.list = list};
  for (uint32_t i = 0; i < d->count; i++) {
    uint32_t first = root_of(s->parent, i);
    const nsc_sample *a = &d->samples[first], *b = &d->samples[i];
    uint8_t split = (uint8_t)(1 << b->split), before = seen[first];
    seen[first] = before | split;
    if (first == i) continue;
    nsc_duplicate copy = {i, first, s->same[i] == first, a->split != b->split, a->label != b->label};
    list[found.count++] = copy;
    found.exact += copy.exact;
    found.relabelled += copy.relabelled;
    found.within[b->split] += (before & split) != 0;
    /* A group is counted when its second sample comes, and as standing across when its second split does. */
    found.across += !(before & split) && (before & (before - 1)) == 0;
  }
  for (uint32_t i = 0; i < found.count; i++) {
    found.groups += (seen[list[i].first] & 0x80) == 0;
    seen[list[i].first] |= 0x80;
  }
  free(seen);
  *out = found;
  return NSC_OK;
}

nsc_status nsc_duplicates_find(const nsc_dataset *d, nsc_duplicates *out, nsc_error *err) {
  size_t room = (size_t)d->count + 1;
  search s = {.d = d, .each = d->height * d->width * d->channels};
  s.same = malloc(room * sizeof *s.same);
  s.parent = malloc(room * sizeof *s.parent);
  s.keys = malloc(room * sizeof *s.keys);
  s.sketches = malloc(room * sizeof *s.sketches);
  nsc_status status = NSC_OK;
  if (!s.same || !s.parent || !s.keys || !s.sketches) {
    status = nsc_fail_memory(err, room * sizeof *s.sketches, "the search for duplicates");
  } else if (s.each) {
    find_exact(&s);
    find_near(&s);
    status = collect(&s, out, err);
  } else {
    *out = (nsc_duplicates){0};
  }
  free(s.same);
  free(s.parent);
  free(s.keys);
  free(s.sketches);
  return status;
}

void nsc_duplicates_drop(nsc_duplicates *duplicates) {
  free(duplicates->list);
  *duplicates = (nsc_duplicates){0};
}
