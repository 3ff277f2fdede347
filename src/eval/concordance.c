/*
 * Concordance: Harrell's C in O(n log n), by going from the last time to the first while a tree of ranks (Fenwick,
 * 1994) holds who was followed longer, so that the bootstrap can ask for it thousands of times; Antolini's pair by
 * pair.
 */
#include "eval/concordance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

typedef struct keyed {
  double key;
  uint32_t index;
} keyed;

static int by_key(const void *a, const void *b) {
  const keyed *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Ranks from 1; equal scores share one. Returns the largest. */
static uint32_t rank_scores(const double *scores, size_t count, keyed *room, uint32_t *ranks) {
  uint32_t rank = 0;
  for (size_t i = 0; i < count; i++) room[i] = (keyed){scores[i], (uint32_t)i};
  qsort(room, count, sizeof *room, by_key);
  for (size_t i = 0; i < count; i++) {
    rank += i == 0 || room[i].key != room[i - 1].key;
    ranks[room[i].index] = rank;
  }
  return rank;
}

nsc_status nsc_concordance_make(const nsc_eval_survival_data *data, const double *scores, nsc_concordance *out,
                                nsc_error *err) {
  nsc_concordance c = {.data = data};
  size_t n = data->count;
  keyed *room = nsc_arena_alloc(&c.arena, n + 1, sizeof *room);
  c.order = nsc_arena_alloc(&c.arena, n + 1, sizeof *c.order);
  c.ranks = nsc_arena_alloc(&c.arena, n + 1, sizeof *c.ranks);
  c.tree = nsc_arena_alloc(&c.arena, n + 2, sizeof *c.tree);
  if (!room || !c.order || !c.ranks || !c.tree) {
    nsc_arena_free(&c.arena);
    return nsc_fail_memory(err, n * sizeof *room, "the concordance");
  }
  c.rank_count = rank_scores(scores, n, room, c.ranks);
  for (size_t i = 0; i < n; i++) room[i] = (keyed){data->times[i], (uint32_t)i};
  qsort(room, n, sizeof *room, by_key);
  for (size_t i = 0; i < n; i++) c.order[i] = room[i].index;
  *out = c;
  return NSC_OK;
}

void nsc_concordance_drop(nsc_concordance *c) {
  nsc_arena_free(&c->arena);
}

static void insert(nsc_concordance *c, uint32_t rank, double weight) {
  for (uint32_t k = rank; k <= c->rank_count; k += k & (0 - k)) c->tree[k] += weight;
}

/* The weight of ranks up to `rank`. */
static double up_to(const nsc_concordance *c, uint32_t rank) {
  double sum = 0;
  for (uint32_t k = rank; k > 0; k -= k & (0 - k)) sum += c->tree[k];
  return sum;
}

double nsc_concordance_harrell(nsc_concordance *c, const uint32_t *weights, double *pairs) {
  const nsc_eval_survival_data *d = c->data;
  double all = 0, right = 0, inserted = 0;
  memset(c->tree, 0, (c->rank_count + (size_t)1) * sizeof *c->tree);
  for (size_t end = d->count; end > 0;) {
    size_t from = end - 1;
    while (from > 0 && d->times[c->order[from - 1]] == d->times[c->order[end - 1]]) from--;
    /* Who was censored at a time outlived those with the event at it; two events at one time say nothing. */
    for (int pass = 0; pass < 3; pass++) {
      for (size_t i = from; i < end; i++) {
        uint32_t k = c->order[i], rank = c->ranks[k];
        double weight = weights ? weights[k] : 1;
        if (pass == 1 && d->events[k]) {
          double below = up_to(c, rank - 1), here = up_to(c, rank) - below;
          all += weight * inserted;
          right += weight * (inserted - below - here / 2);
        } else if (pass == (d->events[k] ? 2 : 0)) {
          insert(c, rank, weight);
          inserted += weight;
        }
      }
    }
    end = from;
  }
  if (pairs) *pairs = all;
  return all > 0 ? right / all : NAN;
}

/* ---- Antolini ---- */

/* Where a time lies among the edges: in bin `bin`, `share` of the way. */
static void find_place(const nsc_eval_survival_data *d, double time, uint32_t *bin, double *share) {
  uint32_t k = 0;
  while (k + 1 < d->bins && time > d->edges[k + 1]) k++;
  double part = (time - d->edges[k]) / (d->edges[k + 1] - d->edges[k]);
  *bin = k;
  *share = part < 0 ? 0 : part > 1 ? 1 : part;
}

static double survival_in(const nsc_eval_survival_data *d, uint32_t i, uint32_t bin, double share) {
  const float *curve = d->survival + (size_t)i * d->bins;
  double before = bin ? (double)curve[bin - 1] : 1;
  return before + ((double)curve[bin] - before) * share;
}

nsc_status nsc_concordance_antolini(const nsc_concordance *c, const volatile int32_t *cancel, double *out,
                                    nsc_error *err) {
  const nsc_eval_survival_data *d = c->data;
  double all = 0, right = 0;
  for (size_t at = 0; at < d->count; at++) {
    uint32_t i = c->order[at], bin;
    double share;
    if (!d->events[i]) continue;
    if (cancel && *cancel) return nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled in the concordance");
    find_place(d, d->times[i], &bin, &share);
    double own = survival_in(d, i, bin, share);
    for (size_t k = 0; k < d->count; k++) {
      uint32_t j = c->order[k];
      if (!(d->times[j] > d->times[i] || (d->times[j] == d->times[i] && !d->events[j]))) continue;
      double other = survival_in(d, j, bin, share);
      all++;
      right += own < other ? 1 : own == other ? 0.5 : 0;
    }
  }
  *out = all > 0 ? right / all : NAN;
  return NSC_OK;
}

nsc_status nsc_concordance_bootstrap(nsc_concordance *c, const nsc_eval_options *o, nsc_eval_interval *out,
                                     nsc_error *err) {
  const nsc_rng root = nsc_rng_seeded(o->seed);
  uint32_t n = (uint32_t)c->data->count, *times = malloc((n + (size_t)1) * sizeof *times);
  double *values = malloc((o->replicates + (size_t)1) * sizeof *values);
  nsc_status status = times && values ? NSC_OK : nsc_fail_memory(err, n * sizeof *times, "the bootstrap");
  for (uint32_t r = 0; r < o->replicates && status == NSC_OK; r++) {
    nsc_rng rng = nsc_rng_split(&root, r);
    if (o->cancel && *o->cancel) status = nsc_fail(err, NSC_ERROR_CANCELLED, "cancelled in the bootstrap");
    memset(times, 0, n * sizeof *times);
    for (uint32_t i = 0; i < n; i++) times[nsc_rng_below(&rng, n)]++;
    values[r] = nsc_concordance_harrell(c, times, NULL);
  }
  if (status == NSC_OK) *out = nsc_eval_percentiles(values, o->replicates, o->confidence);
  free(times);
  free(values);
  return status;
}
